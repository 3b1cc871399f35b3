/*-------------------------------------------------------------------------
 *
 * fair.h
 *	  Shares of a pool and what was used of it: the tree behind fair shares.
 *
 * Usage is counted from allocations: what each held, since when, until when.
 * Whoever reads it sees it up to the instant asked for; a pass also stores
 * what it read, so that nothing is ever counted twice or missed, however many
 * passes there are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_FAIR_H
#define PM_FAIR_H

#include "engine/priority.h"
#include "store/find.h"
#include "types/resource_list.h"
#include "utils/hsearch.h"

typedef struct PmFairKey
{
	int64		tenant_id;
	int64		workspace_id;
} PmFairKey;

typedef struct PmFairTree
{
	int64		instant;		/* up to which usage is counted */
	int			ntenants;
	int64	   *tenant_ids;
	PmFairTenant *tenants;
	int			nworkspaces;
	PmFairKey  *keys;			/* [nworkspaces] */
	PmFairWorkspace *workspaces;
	bool	   *stale;			/* [nworkspaces]: there is more than is stored */
	int			max_tenants;
	int			max_workspaces;
	HTAB	   *tenant_numbers;
	HTAB	   *workspace_numbers;
} PmFairTree;

/* What the nodes of a pool have together, those out of service too */
extern PmResourceList *pm_read_capacity(int64 pool_id);
/* The greatest share of a capacity that a list has of any resource */
extern int64 pm_dominant_share(const PmResourceList *list, const PmResourceList *capacity);

/*
 * The tree of all who have shares, usage or one of these keys, with factors.
 * Those of the keys come first, in their order.
 * capacity may be NULL: it has none.
 */
extern PmFairTree *pm_read_fair(const PmPoolInfo *pool, TimestampTz instant,
								const PmResourceList *capacity, const PmFairKey *keys, int nkeys);
/* Under the pool's lock: what has changed, or with all what all have used */
extern void pm_write_fair(const PmPoolInfo *pool, PmFairTree *tree, bool all);

#endif							/* PM_FAIR_H */
