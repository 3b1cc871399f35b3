/*-------------------------------------------------------------------------
 *
 * explain.h
 *	  What explains why a job waits, beside what a pass reads.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_STORE_EXPLAIN_H
#define PM_STORE_EXPLAIN_H

#include "store/pass.h"

/* A job that is not queued */
typedef struct PmJobState
{
	char	   *state;
	char	   *why;			/* held, what it waits for; NULL: nothing */
	TimestampTz at;				/* since when or until when; 0: not known */
} PmJobState;

extern PmJobState pm_read_job_state(const PmJobInfo *job);

/* Nodes of a pool that take nothing now, by the first reason */
typedef struct PmAbsent
{
	char	   *test;
	int64		nodes;
} PmAbsent;

extern int	pm_read_absent(int64 pool_id, PmAbsent **absent);

/* The name of a reservation; NULL: it is another tenant's than the job */
extern char *pm_reservation_name(const PmJobInfo *job, int64 reservation_id);

/* The name of a sub-pool; NULL: it has none */
extern char *pm_sub_pool_name(int64 pool_id, int64 sub_pool_id);

/* Whose jobs of a pool are; palloc'd */
extern int64 *pm_job_tenants(int64 pool_id, const int64 *jobs, int n);

/* Flavors of a pool's nodes that a job could ask for instead of its own, each
 * smaller than that, the largest first.  None for a bare request. */
typedef struct PmSmallerFlavor
{
	char	   *name;
	PmResourceList *resources;
} PmSmallerFlavor;

extern int	pm_read_smaller_flavors(const PmJobInfo *job, PmSmallerFlavor **flavors);

typedef struct PmOtherPool
{
	int64		pool_id;
	bool		loses_sub_pool; /* the pool has none of its sub-pool's name */
} PmOtherPool;

/* Other pools that a job of its tenant could be submitted to; palloc'd */
extern int	pm_read_other_pools(const PmJobInfo *job, bool public_too, PmOtherPool **pools);

/* pass_read.c: what a pass over a pool reads, with the runs, without any lock,
 * and a job that its queue does not have as if it were queued there, at an instant */
extern PmPassData *pm_read_guest(PmPoolInfo *pool, const PmJobInfo *job, TimestampTz at);

#endif							/* PM_STORE_EXPLAIN_H */
