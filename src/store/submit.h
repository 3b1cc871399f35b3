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
} PmFlavor;

/* A job that is asked for */
typedef struct PmJobSpec
{
	/* as given */
	char	   *name;
	char	   *kind;
	char	   *flavor;			/* NULL: a bare request */
	PmResourceList *request;	/* filled in from the flavor */
	int32		replicas;
	int32		min_replicas;
	char	   *workspace;		/* by name; NULL: by id, or the default */
	int64		workspace_id;
	int32		priority;
	Interval   *time_limit;		/* NULL: the pool's */
	Jsonb	   *node_selector;
	Jsonb	   *tolerations;
	char	   *request_id;		/* NULL: none */
	/* as found out */
	int64		flavor_id;		/* 0: none */
	uint8		digest[32];
	int64		shape_id;
	int64		job_id;			/* 0: not inserted yet */
} PmJobSpec;

/* Where jobs are submitted, read once a call */
typedef struct PmSubmission
{
	PmPoolInfo *pool;
	int64		tenant_id;
	int64		sub_pool_id;	/* made if the tenant had none in the pool */
	int64		default_workspace_id;
	int			nkinds;
	char	  **kinds;			/* job types that are enabled */
	int			nflavors;
	PmFlavor   *flavors;		/* of the pool's node groups; read when needed */
} PmSubmission;

extern PmSubmission *pm_open_submission(PmPoolInfo *pool, int64 tenant_id);
extern void pm_read_pool_flavors(PmSubmission *submission);
extern PmFlavor *pm_find_flavor(const char *name);

/* The shape of that digest that the pool's node groups are known to hold; 0: none */
extern int64 pm_find_shape(PmSubmission *submission, const uint8 *digest);
/* Makes it.  Never changes one, so that it waits for no pass. */
extern int64 pm_put_shape(PmSubmission *submission, const PmJobSpec *job);

/*
 * The job of an earlier call with the same request_id: its id and the name of
 * the first field that differs (NULL: none).  0: there is none.
 */
extern int64 pm_find_request(PmSubmission *submission, const PmJobSpec *job, const char **differs);

/*
 * Inserts the jobs; sets their job_id, but leaves 0 where the request_id was
 * taken in the meantime.
 */
extern void pm_insert_jobs(PmCall *call, PmSubmission *submission, PmJobSpec **jobs, int n);

/* Is a job queued in the pool that a pass would look at before this one? */
extern bool pm_is_queued_ahead(int64 pool_id, int64 job_id);

#endif							/* PM_SUBMIT_H */
