/*-------------------------------------------------------------------------
 *
 * registry.h
 *	  Writing accounts and catalogue; the lock of pools.
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
extern void pm_grant_tenant(PmCall *call, int64 tenant_id, const char *role, Datum level,
							bool public_pools, bool high_priority);
/* Of all that is committed by now.  In calls that only read */
extern int64 pm_latest_quota_count(int64 tenant_id, int64 workspace_id, const char *resource);

/* catalogue.c */
extern int64 pm_create_sku(const char *name, const char *unit, Datum per);
extern int64 pm_create_flavor(const char *name, Datum resources, const char *sku,
							  const char *accelerator, Datum cpu_architecture,
							  Datum reserved, int32 max_replicas);
extern void pm_set_resource_sku(const char *flavor, Datum unit, const char *sku);

/* pool.c */
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
/* The locks of several, in order of id */
extern void pm_lock_pools(const int64 *pools, int n);
extern void pm_advance_pool(int64 pool_id, TimestampTz instant);

#endif							/* PM_REGISTRY_H */
