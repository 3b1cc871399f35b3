/*-------------------------------------------------------------------------
 *
 * interrupt.h
 *	  What becomes of jobs whose runs end before they are done.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_API_INTERRUPT_H
#define PM_API_INTERRUPT_H

#include "store/run.h"

/*
 * How a run that was told to stop ends: as it was told.  For one that failed or
 * was interrupted, pm_settle_failed() says what becomes of its job.
 */
extern void pm_end_as_told(PmRunEnd *end, const PmRun *run);

/*
 * Fills in job_after of those that were interrupted, or failed and ask for
 * that: the job is restarted, after a while perhaps, while it has retries left;
 * an interrupted notebook comes to rest, another job fails.
 */
extern void pm_settle_failed(int64 pool_id, PmRunEnd *ends, int n);

#endif							/* PM_API_INTERRUPT_H */
