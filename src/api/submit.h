/*-------------------------------------------------------------------------
 *
 * submit.h
 *	  What submit_job and submit_jobs share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_API_SUBMIT_H
#define PM_API_SUBMIT_H

#include "store/submit.h"

/* Checks tenant and rights; tenant 0: the pool's owner, or the actor's only one */
extern PmSubmission *pm_begin_submission(PmCall *call, PmPoolInfo *pool, int64 tenant_id);

/*
 * Checks and inserts the jobs, sets their job_id.  *current is the job being
 * looked at, for error contexts; -1: none.
 */
extern void pm_submit_batch(PmCall *call, PmSubmission *submission,
							PmJobSpec *jobs, int n, int *current);

/* In a dedicated pool, places the jobs if nothing is ahead of the first */
extern void pm_keep_promise(PmCall *call, PmSubmission *submission,
							const PmJobSpec *jobs, int n);

/* PM005, PM002: the tenant is frozen, the pool takes no jobs (again) */
extern void pm_check_may_start(PmSubmission *submission, bool again);
/* PM003 unless the kind is enabled */
extern void pm_check_kind(PmSubmission *submission, const char *kind);

/* Flavors that jobs of a batch have named; few, though the jobs be many */
typedef struct PmFlavorsSeen
{
	int			count;
	int			size;
	PmFlavor  **flavors;
} PmFlavorsSeen;

/* task_group.c: what can be said of a job's task groups without looking */
extern void pm_check_groups(PmJobSpec *job);
/* 22023 naming the argument, or the key and the task group */
extern void pm_invalid_group(const PmJobSpec *job, int g, const char *key, const char *detail, const char *hint)
			pg_attribute_noreturn();
/* Looks up their flavors, fills in requests and the digest */
extern void pm_resolve_groups(PmSubmission *submission, PmJobSpec *job, PmFlavorsSeen *seen);

/* dependency.c: what the argument depends_on says, then the jobs it names */
/* What a text like afterok:12,afterany:13 says, by clause; 22023.  Returns how
 * many there are; NULL: none. */
extern int	pm_read_dependencies(const char *text, PmDependency **dependencies);
extern void pm_check_dependencies(PmJobSpec *job);
extern void pm_resolve_dependencies(PmSubmission *submission, PmJobSpec *jobs, PmJobSpec **fresh, int n, int *current);

/* submit_fit.c: PM001 unless for each task group a node, empty,
 * could hold a replica */
extern void pm_check_fit(PmSubmission *submission, PmJobSpec *job);
/* The job's sub-pool, and whether it may ever be held there */
extern void pm_resolve_sub_pool(PmSubmission *submission, PmJobSpec *job);

/* submit_reservation.c: the reservation that it names, and whether it may ever
 * run there */
extern void pm_resolve_reservation(PmSubmission *submission, PmJobSpec *job);

/* submit_cost.c: what can be said of max_cost without looking, then whether a
 * run costs more (PM007) or it cannot be told (22023, 55000) */
extern void pm_check_max_cost(const PmJobSpec *job);
extern void pm_check_cost(int64 job_id);
extern void pm_check_costs(const PmJobSpec *jobs, PmJobSpec **fresh, int n, int *current);

/* submit_topology.c: what can be said of affinity, groups and spread without
 * looking, then whether the pool has their levels */
extern void pm_check_topology(PmJobSpec *job);
extern void pm_resolve_topology(PmSubmission *submission, PmJobSpec *job);

/* submit_storage.c: what can be said without looking, then what was named */
extern void pm_check_mounts(PmSubmission *submission, PmJobSpec *job);
extern void pm_check_volume(PmJobSpec *job);
extern void pm_resolve_mounts(PmSubmission *submission, PmJobSpec *jobs, PmJobSpec **fresh, int n, int *current);
extern void pm_resolve_volumes(PmJobSpec *jobs, PmJobSpec **fresh, int n, int *current);

#endif							/* PM_API_SUBMIT_H */
