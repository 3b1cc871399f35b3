/*-------------------------------------------------------------------------
 *
 * registry.h
 *	  Writing accounts, catalogue, networks and pools.
 *
 * Enum, interval and list arguments are Datums of the column's type.  What is
 * written was checked by the caller.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_REGISTRY_H
#define PM_REGISTRY_H

#include "store/find.h"

/* account.c */
extern int64 pm_create_tenant(PmCall *call, const char *name, const char *currency,
							  const char *time_zone, Datum cycle, Datum rounding);
extern int64 pm_create_workspace(PmCall *call, int64 tenant_id, const char *name);
extern void pm_grant_tenant(PmCall *call, int64 tenant_id, const char *role, Datum level);

/* catalogue.c */
extern int64 pm_create_sku(const char *name, const char *unit, Datum per);
extern int64 pm_create_flavor(const char *name, Datum resources, const char *sku,
							  const char *accelerator, Datum cpu_architecture);
extern void pm_set_resource_sku(const char *flavor, Datum unit, const char *sku);
extern int64 pm_create_network(PmCall *call, const char *name, Datum cidr, int64 tenant_id);

/* pool.c */
typedef struct PmPoolSpec
{
	const char *name;
	bool		dedicated;
	int64		tenant_id;		/* 0: none */
	int64		network_id;		/* 0: none */
	Datum		job_types;
	Datum		queue_policy;
	Datum		placement;
	Datum		launch;
	Datum		default_time_limit;
	bool		no_time_limit;
	Datum		stop_timeout;
} PmPoolSpec;

extern int64 pm_create_pool(PmCall *call, const PmPoolSpec *spec);

/* A flavor as one of a pool's nodes */
typedef struct PmNodeFlavor
{
	int64		flavor_id;
	char	   *name;
	bool		has_sku;
	char	   *unlisted;		/* a resource of it that no SKU is given for; NULL: none */
	char	   *architecture;
	char	   *pool_architecture;	/* of the pool's nodes; NULL: it has none */
	int			others;			/* other flavors of the pool's nodes */
} PmNodeFlavor;

/* By name; 42704: no such flavor */
extern PmNodeFlavor *pm_find_node_flavor(const PmPoolInfo *pool, const char *name);

typedef struct PmNodesSpec
{
	int64		flavor_id;
	int			count;
	const char *prefix;
	Datum		labels;
	Datum		taints;
} PmNodesSpec;

/* Under the pool's lock.  The new node ids, in order, in the caller's context */
extern int64 *pm_add_nodes(PmCall *call, PmPoolInfo *pool, const PmNodesSpec *spec,
						   TimestampTz instant);

/* Pools with a queued job or a run that is over its time, ascending */
extern int	pm_busy_pools(int64 **pools);
/* Pools that the actor may schedule, ascending; their number */
extern int	pm_schedulable_pools(PmCall *call, int64 **pools);

/*
 * The pool's lock, held to the end of the transaction.  Returns the instant of
 * the call: the clock, but never before the pool's last instant, which it
 * becomes.  pm_advance_pool puts that forward once more.
 */
extern TimestampTz pm_lock_pool(int64 pool_id);
extern void pm_advance_pool(int64 pool_id, TimestampTz instant);

#endif							/* PM_REGISTRY_H */
