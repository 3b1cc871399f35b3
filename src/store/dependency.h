/*-------------------------------------------------------------------------
 *
 * dependency.h
 *	  What a job waits for before it queues: other jobs, and a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_DEPENDENCY_H
#define PM_DEPENDENCY_H

#include "store/submit.h"

/* Labels of the enum dependency_kind, in its order */
#define PM_DEPENDENCY_KINDS 4
extern const char *const pm_dependency_kinds[PM_DEPENDENCY_KINDS];

/* A job that may be depended on */
typedef struct PmPredecessor
{
	int64		job_id;
	int64		pool_id;
	int64		tenant_id;
} PmPredecessor;

/* Those of the jobs that there are, by id */
extern int	pm_find_predecessors(const int64 *ids, int n, PmPredecessor **found);

/* Rows of what jobs that were inserted depend on; then lets those queue that
 * have nothing to wait for */
extern void pm_insert_dependencies(PmCall *call, PmSubmission *submission, PmJobSpec **jobs, int n,
								   TimestampTz instant);

#endif							/* PM_DEPENDENCY_H */
