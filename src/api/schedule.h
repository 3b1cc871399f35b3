/*-------------------------------------------------------------------------
 *
 * schedule.h
 *	  One scheduling pass over a pool: read, decide, write.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SCHEDULE_H
#define PM_SCHEDULE_H

#include "store/pass.h"

typedef struct PmPassResult
{
	TimestampTz instant;
	int			nchanges;
	PmChange   *changes;		/* ended or stopping first, then started */
	bool		passed_over;	/* a job that could start was being changed */
} PmPassResult;

/* By the names that SQL has for them */
extern PmQueuePolicy pm_queue_policy(const char *name);
extern PmPlacementPolicy pm_placement_policy(const char *name);
extern PmPreemption pm_preemption_policy(const char *name);
extern PmReclaim pm_reclaim_policy(const char *name);

extern PmPolicy pm_policy_of(const PmPoolInfo *pool);

/* The caller has checked the actor's rights.  Takes the pool's lock. */
extern PmPassResult pm_run_pass(PmCall *call, PmPoolInfo *pool);

#endif							/* PM_SCHEDULE_H */
