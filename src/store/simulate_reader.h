/*-------------------------------------------------------------------------
 *
 * simulate_reader.h
 *	  What the files that read a simulation share with each other, and with
 *	  nobody else: simulate_quotas.c, simulate_nodes.c, simulate_jobs.c, which
 *	  run in this order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SIMULATE_READER_H
#define PM_SIMULATE_READER_H

#include "store/simulate.h"
#include "store/terms.h"

typedef struct PmSimReader
{
	PmSimInput *input;
	const PmSimLevels *levels;
	const PmSimChecks *checks;
	PmTerms    *terms;
	MemoryContext context;		/* of what is kept */
	MemoryContext row;			/* emptied at each row */
	HTAB	   *sub_pools;		/* numbers of their names, of nodes and requests */
	HTAB	   *lanes;			/* of the keys of queues */

	/* with a query of quotas: its rows, of which each is a lane */
	bool		has_quotas;
	bool		by_tenant;		/* are its sub-pools told apart by tenant? */
	int			nquotas;
	struct PmSimQuota *quotas;
} PmSimReader;

/* A sub-pool's number from 1; 0: none */
extern int64 pm_sim_sub_pool(PmSimReader *reader, const char *name);

/* simulate_quotas.c */
extern void pm_read_sim_quotas(PmSimReader *reader, const char *query);
/* Once the nodes are known */
extern void pm_make_sim_lanes(PmSimReader *reader);
extern void pm_check_sim_binding(const PmSimReader *reader, const char *name);
extern int	pm_sim_lane_of(PmSimReader *reader, const char *tenant, const char *sub_pool);

/* simulate_nodes.c */
extern void pm_read_sim_nodes(PmSimReader *reader, const char *query);

/* simulate_jobs.c */
extern void pm_read_sim_jobs(PmSimReader *reader, const char *query);

#endif							/* PM_SIMULATE_READER_H */
