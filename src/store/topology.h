/*-------------------------------------------------------------------------
 *
 * topology.h
 *	  Levels of a topology as numbers, and where nodes are in it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_STORE_TOPOLOGY_H
#define PM_STORE_TOPOLOGY_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "store/find.h"

/* The level below all that a pool declares: each node is a domain of it */
#define PM_NODE_LEVEL	"node"

/* As the engine counts them, from 1; NULL: 0; -1: there is no such level */
extern int	pm_level_number(char *const *levels, int nlevels, const char *name);
/* The reverse; not of 0 */
extern const char *pm_level_of_number(const PmPoolInfo *pool, int number);

/* Tables that number the domains of each level, for one reading of nodes */
extern HTAB **pm_domain_numbers(int nlevels);

/*
 * The domains of a node, palloc'd, from the widest level down; NULL: none.
 * What is below a level at which it has none does not count.
 */
extern int32 *pm_read_domains(char *const *levels, int nlevels, HTAB **numbers, Datum topology);

#endif							/* PM_STORE_TOPOLOGY_H */
