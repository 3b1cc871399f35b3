/*-------------------------------------------------------------------------
 *
 * submit.h
 *	  What submitting jobs reads and writes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SUBMIT_H
#define PM_SUBMIT_H

#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "store/find.h"
#include "types/resource_list.h"

typedef struct PmFlavor
{
	int64		flavor_id;
	char	   *name;
	PmResourceList *resources;
	char	   *accelerator;	/* NULL: none */
	int64		sku_id;			/* 0: none */
	int32		max_replicas;	/* of a job in a public pool; 0: any number */
} PmFlavor;

/* A sub-pool that the owner of a dedicated pool made */
typedef struct PmSubPool
{
	int64		sub_pool_id;
	char	   *name;
	PmResourceList *reach;		/* the most it can ever hold by its own quotas */
	bool		fixed;			/* that is what it is guaranteed */
	bool		divided;		/* has parts, and takes no jobs itself */
} PmSubPool;

typedef struct PmFileSystem
{
	int64		file_system_id;
	char	   *name;
	int64		network_id;
	char	   *network;
	char	   *state;
} PmFileSystem;

typedef struct PmVolumeType
{
	char	   *name;
	int64		sku_id;			/* 0: free */
	int32		least_gib;
	int32		most_gib;
} PmVolumeType;

/* A file system that a job mounts */
typedef struct PmMount
{
	char	   *path;
	char	   *name;
	const PmFileSystem *file_system;	/* as found out */
} PmMount;

/* A task group of a job that is asked for */
typedef struct PmGroupSpec
{
	char	   *name;			/* NULL: none */
	char	   *flavor;			/* NULL: a bare request */
	PmResourceList *request;	/* filled in from the flavor */
	int32		replicas;
	int32		min_replicas;
	Jsonb	   *node_selector;
	Jsonb	   *tolerations;
	char	   *group_level;	/* of the topology; NULL: none */
	int32		group_size;		/* 0: none */
	char	   *spread_level;	/* NULL: none */
	int32		max_per_domain; /* 0: any number */
	int64		flavor_id;		/* as found out; 0: none */
} PmGroupSpec;

/* Of the dependencies of a clause one must hold, of the clauses all */
typedef struct PmDependency
{
	int			clause_no;		/* from 1 */
	int			kind;			/* index into pm_dependency_kinds */
	int64		job_id;
} PmDependency;

/* A job that is asked for */
typedef struct PmJobSpec
{
	/* as given */
	char	   *name;
	char	   *kind;
	char	   *flavor;			/* of its one task group, as are request, ... */
	PmResourceList *request;
	int32		replicas;
	int32		min_replicas;
	char	   *workspace;		/* by name; NULL: by id, or the default */
	int64		workspace_id;
	int32		priority;
	Interval   *time_limit;		/* NULL: the pool's */
	Jsonb	   *node_selector;
	Jsonb	   *tolerations;
	char	   *reservation;	/* NULL: none */
	char	   *sub_pool;		/* by name; NULL: by id, or none */
	int64		asked_sub_pool_id;	/* 0: none */
	bool		preemptible;
	Interval   *auto_stop;		/* NULL: none */
	int32		max_retries;
	Jsonb	   *mounts;			/* file system names by path */
	int32		volume_gib;		/* 0: no volume */
	char	   *volume_type;	/* NULL: no volume */
	Jsonb	   *task_groups;	/* NULL: one, given by itself */
	char	   *affinity_level; /* of the topology; NULL: none */
	bool		affinity_required;
	char	   *group_level;	/* of its one task group, as are the next */
	int32		group_size;
	char	   *spread_level;
	int32		max_per_domain;
	char	   *depends_on;		/* NULL: nothing; becomes canonical */
	TimestampTz not_before;		/* DT_NOBEGIN: at any time */
	Interval   *retry_backoff;	/* NULL: none */
	bool		retry_on_failure;
	Numeric		max_cost;		/* of a run; NULL: any */
	Jsonb	   *tags;
	char	   *request_id;		/* NULL: none */
	int			phase_no;		/* of the workflow that the batch is; 0: none */
	/* as found out */
	int64		sub_pool_id;
	int64		reservation_id; /* 0: none */
	int			nmounts;
	PmMount    *mount;
	int64		volume_sku_id;	/* 0: none */
	int			ngroups;
	PmGroupSpec *groups;
	PmGroupSpec one;			/* where there is but one */
	int			ndependencies;
	PmDependency *dependencies; /* by clause */
	uint8		digest[32];
	int64		shape_id;
	int64		job_id;			/* 0: not inserted yet */
} PmJobSpec;

/* Where jobs are submitted, read once a call */
typedef struct PmSubmission
{
	PmPoolInfo *pool;
	int64		tenant_id;
	bool		frozen;			/* the tenant */
	int64		sub_pool_id;	/* the one without a name; 0: not made yet */
	int			nsub_pools;		/* made by the owner; read when needed */
	PmSubPool  *sub_pools;
	int64		default_workspace_id;
	int			nkinds;
	char	  **kinds;			/* job types that are enabled */
	int			nlimited;
	char	  **limited;		/* resources that a quota limits */
	int			nflavors;
	PmFlavor   *flavors;		/* of the pool's node groups; read when needed */
} PmSubmission;

extern PmSubmission *pm_open_submission(PmPoolInfo *pool, int64 tenant_id);
/* The sub-pool without a name; made if the tenant had none in the pool */
extern int64 pm_default_sub_pool(PmSubmission *submission);
extern void pm_read_sub_pools(PmSubmission *submission);
/* The lock under which quotas are counted, if the tenant's jobs have any;
 * before those of pools */
extern void pm_lock_limited_tenant(int64 tenant_id);
/* PM007 if so many more would be more than a quota of the tenant, or of the
 * workspace unless 0, allows */
extern void pm_check_quota(int64 tenant_id, int64 workspace_id, const char *resource, int64 more);
/* PM007 if what its runs use up is used up, for a job that begins again */
extern void pm_check_metered(int64 pool_id, int64 job_id);
extern void pm_read_pool_flavors(PmSubmission *submission);
extern PmFlavor *pm_find_flavor(const char *name);

/* The shape of that digest that the pool's node groups are known to hold; 0: none */
extern int64 pm_find_shape(PmSubmission *submission, const PmJobSpec *job);
/* Makes it.  Never changes one, so that it waits for no pass. */
extern int64 pm_put_shape(PmSubmission *submission, const PmJobSpec *job);

/* A shape's digest as a bytea */
extern Datum pm_digest_datum(const uint8 *digest);

/* Is a job queued in its sub-pool that a pass would look at before this one? */
extern bool pm_is_queued_ahead(int64 pool_id, int64 job_id);

/* A job that would cost more than it may, or of which that cannot be told */
typedef struct PmDearJob
{
	int64		job_id;
	char	   *name;
	char	   *max_cost;
	char	   *currency;
	char	   *per_hour;		/* NULL: a price is lacking */
	char	   *cost;			/* NULL: that, or no end */
	char	   *unpriced;		/* a SKU whose price is lacking, if one has a name */
} PmDearJob;

/* The first such job of these; false: there is none */
extern bool pm_find_dear_job(const int64 *jobs, int n, PmDearJob *dear);

/*
 * submit_repeat.c: the job of an earlier call with the same request_id, 0: none.
 * differs: the name of the first field that does, NULL: none.
 */
extern int64 pm_find_request(PmSubmission *submission, const PmJobSpec *job, const char **differs);

/*
 * submit_insert.c: inserts the jobs, with their mounts and volumes; sets their
 * job_id, but leaves 0 where the request_id was taken in the meantime.  Phases of a
 * workflow come in order, all of them; the first is queued, the others wait.
 */
extern void pm_insert_jobs(PmCall *call, PmSubmission *submission, PmJobSpec **jobs, int n);

/* A reservation that a job may name */
typedef struct PmReservationInfo
{
	int64		reservation_id;
	int64		sub_pool_id;	/* whose jobs alone; 0: all the tenant's */
	TimestampTz starts_at;
	TimestampTz ends_at;
} PmReservationInfo;

/* reservation.c */
extern bool pm_find_reservation(const PmSubmission *submission, const char *name, PmReservationInfo *found);

/* ---- submit_storage.c ---- */

/* The tenant's file systems of these names, locked against detaching */
extern int	pm_find_file_systems(int64 tenant_id, char **names, int n, PmFileSystem **found);
extern int	pm_read_volume_types(PmVolumeType **types);
/* Of jobs that were inserted */
extern void pm_insert_mounts(PmSubmission *submission, PmJobSpec **jobs, int n);
extern void pm_insert_volumes(PmSubmission *submission, PmJobSpec **jobs, int n, TimestampTz instant);
/* Jobs that have not ended and mount a file system, whatever snapshot the
 * transaction has; in a call that is STABLE */
extern int64 pm_latest_mounts(int64 file_system_id);

#endif							/* PM_SUBMIT_H */
