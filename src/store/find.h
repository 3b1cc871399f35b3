/*-------------------------------------------------------------------------
 *
 * find.h
 *	  Finding things by name or id.
 *
 * What the actor may not see is reported like what is not there (42704).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_FIND_H
#define PM_FIND_H

#include "engine/priority.h"
#include "store/session.h"

/* By name if name is not NULL, else by id */
extern int64 pm_find_tenant(PmCall *call, const char *name, int64 id);
extern int64 pm_find_workspace(PmCall *call, int64 tenant_id, const char *name, int64 id);
/* Of a tenant, of any if tenant_id is -1; 22023: there is more than one */
extern int64 pm_find_any_network(PmCall *call, int64 tenant_id, const char *name, int64 id);
extern int64 pm_find_node(PmCall *call, int64 pool_id, const char *name);
extern int64 pm_find_sku(const char *name);
/* Whose bill it is */
extern int64 pm_find_bill(PmCall *call, int64 bill_id);

/* The same of one that can be held; 22023: it is priced once */
extern int64 pm_find_hourly_sku(const char *name);

/* 22023: there is no such currency */
extern void pm_find_currency(const char *code);

/* 42704: no flavor of this name */
extern void pm_no_flavor(const char *name) pg_attribute_noreturn();

/* 42710 */
extern void pm_already_exists(const char *what, const char *name);

/* The tenant to act for when none was named: the only one the actor has */
extern int64 pm_default_tenant(PmCall *call);

typedef struct PmPoolInfo
{
	int64		pool_id;
	char	   *name;
	bool		dedicated;
	int64		tenant_id;		/* owner; 0 of a public pool */
	bool		running;
	bool		agent;			/* launch = 'agent' */
	char	   *queue_policy;
	char	   *placement;
	int64		default_time_limit; /* microseconds; PG_INT64_MAX: none */
	bool		shortest;		/* job_order = 'shortest' */
	PmWeights	weights;
	TimestampTz fair_since;		/* since when usage is counted; 0: it is not */
	int32		reservations;	/* backfill; 0: for all */
	char	   *backfill_order;
	int64		step_timeout;	/* microseconds */
	int64		generation;
	int64		network_id;		/* 0: none */
	bool		addressed;		/* its replicas have addresses of the network */
	bool		frozen;			/* by the provider: nothing starts */
	bool		closed;			/* by the provider: no new jobs */
	int			nlevels;		/* of its topology, the widest first */
	char	  **levels;
	char	   *preemption;
	char	   *reclaim;
	int64		min_runtime;	/* microseconds, both */
	int64		preemption_delay;
} PmPoolInfo;

extern PmPoolInfo *pm_find_pool(PmCall *call, const char *name, int64 id);

/* Where a job is */
typedef struct PmJobInfo
{
	int64		job_id;
	int64		pool_id;
	int64		pool_tenant_id;
	int64		tenant_id;
	bool		agent;
	char	   *end_state;		/* NULL: not ended */
	char	   *queue_state;	/* NULL: does not wait */
	bool		dedicated;		/* is the pool? */
	char	   *kind;
	bool		has_dependents; /* jobs, or later phases, that wait for it */
} PmJobInfo;

extern PmJobInfo *pm_find_job(PmCall *call, int64 job_id);

#endif							/* PM_FIND_H */
