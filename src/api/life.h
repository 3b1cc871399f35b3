/*-------------------------------------------------------------------------
 *
 * life.h
 *	  What calls that change one job share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_API_LIFE_H
#define PM_API_LIFE_H

#include "fmgr.h"

#include "store/run.h"

/* The job by the first argument, and the right to act for its tenant */
extern PmJobInfo *pm_job_of_tenant(PmCall *call, FunctionCallInfo fcinfo);

/* Its state, for people; run: its live one, or NULL */
extern const char *pm_job_state_now(PmJobInfo *job, const PmRun *run);

/* PM002: the job is in another state than the call needs */
extern void pm_wrong_job_state(int64 job_id, const char *wanted, const char *is) pg_attribute_noreturn();

#endif							/* PM_API_LIFE_H */
