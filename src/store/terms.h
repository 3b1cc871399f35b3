/*-------------------------------------------------------------------------
 *
 * terms.h
 *	  The terms in which nodes and what jobs ask for are described to the
 *	  engine: resources, configurations and requests by number.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_TERMS_H
#define PM_TERMS_H

#include "utils/hsearch.h"
#include "utils/jsonb.h"

#include "engine/engine.h"
#include "types/resource_list.h"

/*
 * All in order of first sight.  Arrays grow: they are the caller's to hand on
 * once nothing is added any more.  Everything is palloc'd in the context that
 * is current when it is added.
 */
typedef struct PmTerms
{
	int			ndims;
	char	  **dimensions;		/* [ndims] names of resources */
	int			nconfigs;
	PmNodeConfig *configs;		/* [nconfigs] */
	int			nrequests;
	PmRequest  *requests;		/* [nrequests] */
	bool		bound;			/* is a node bound to a sub-pool? */

	int			max_dims;
	int			max_configs;
	int			max_requests;
	HTAB	   *words;			/* of labels and taints */
	HTAB	   *dimension_numbers;
	HTAB	   *config_numbers;
	HTAB	   *request_numbers;
} PmTerms;

extern PmTerms *pm_terms_create(void);

/* The resources of a list are dimensions from now on */
extern void pm_add_dimensions(PmTerms *terms, const PmResourceList *list);
/* -1: it is none */
extern int	pm_dimension(const PmTerms *terms, const char *name, int len);
/* A list as a vector, palloc'd; what is no dimension is left out.  NULL: NULL. */
extern int64 *pm_vector(const PmTerms *terms, const PmResourceList *list);

/* sub_pool: the one the node is bound to, 0: none; owners: of its windows, kept */
extern int	pm_add_config(PmTerms *terms, Jsonb *labels, Jsonb *taints, int64 sub_pool,
						  const int *owners, int nowners);

/*
 * Once all dimensions and configurations are known.  sub_pool: the one whose
 * job asks, which matters where a node is bound to one; owner: its reservation,
 * 0: none.
 */
extern int	pm_add_request(PmTerms *terms, const PmResourceList *list, Jsonb *selector,
						   Jsonb *tolerations, int64 sub_pool, int owner);

#endif							/* PM_TERMS_H */
