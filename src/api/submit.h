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

#endif							/* PM_API_SUBMIT_H */
