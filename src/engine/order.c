/*-------------------------------------------------------------------------
 *
 * order.c
 *	  The order in which a pass looks at jobs.
 *
 * Those first that others are being stopped for, by since when; then priority
 * descending,
 * restarted-after-fault first, with PM_ORDER_SHORTEST time limit ascending (no limit last), score descending, submit time, id.
 * The id makes the order total, so the order in which jobs were read never
 * matters.  Scores come with the jobs.
 * The merge of the sub-pools' queues is this same order.  The queue view uses
 * it too: this file must not look at anything but the jobs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine.h"

static inline int
job_cmp(const PmJob *a, const PmJob *b, PmJobOrder order)
{
	if (a->claims_since != b->claims_since)
		return b->claims_since == 0 || (a->claims_since != 0 && a->claims_since < b->claims_since) ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->restarted != b->restarted)
		return a->restarted ? -1 : 1;
	if (order == PM_ORDER_SHORTEST && a->time_limit != b->time_limit)
		return a->time_limit < b->time_limit ? -1 : 1;
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	if (a->submitted_at != b->submitted_at)
		return a->submitted_at < b->submitted_at ? -1 : 1;
	if (a->job_id != b->job_id)
		return a->job_id < b->job_id ? -1 : 1;
	return 0;
}

#define ST_SORT sort_jobs
#define ST_ELEMENT_TYPE PmJob
#define ST_COMPARE_ARG_TYPE const PmJobOrder
#define ST_COMPARE(a, b, order) job_cmp(a, b, *(order))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "miscadmin.h"
#include "lib/sort_template.h"

#define MAX_LEVELS 16

/* Ascending in the order of the pass: claims, then priority, then restarted */
static inline int
job_level(const PmJob *job)
{
	if (job->claims_since != 0)
		return PG_INT32_MIN;
	return -2 * job->priority + (job->restarted ? 0 : 1);
}

/*
 * Number the jobs of each level; levels come out ascending.  Returns how many
 * there are, or -1 if they are too many to be worth it.
 */
static int
count_levels(const PmJob *jobs, int njobs, int *levels, int *counts)
{
	int			nlevels = 0;

	for (int i = 0; i < njobs; i++)
	{
		int			level = job_level(&jobs[i]);
		int			at = 0;

		while (at < nlevels && levels[at] < level)
			at++;
		if (at == nlevels || levels[at] != level)
		{
			if (nlevels == MAX_LEVELS)
				return -1;
			memmove(levels + at + 1, levels + at, sizeof(int) * (nlevels - at));
			memmove(counts + at + 1, counts + at, sizeof(int) * (nlevels - at));
			levels[at] = level;
			counts[at] = 0;
			nlevels++;
		}
		counts[at]++;
	}
	return nlevels;
}

/*
 * Sort jobs in place.  Queues are mostly read in the order of submission, so
 * jobs are first dealt out by level, keeping their order: what is left to
 * sort is then mostly sorted already, which costs one comparison a job.
 */
void
pm_order_jobs(PmJob *jobs, int njobs, PmJobOrder order)
{
	int			levels[MAX_LEVELS];
	int			counts[MAX_LEVELS];
	int			starts[MAX_LEVELS];
	int			nlevels;
	PmJob	   *dealt;

	if (njobs < 2)
		return;
	nlevels = count_levels(jobs, njobs, levels, counts);
	if (nlevels < 2)
	{
		sort_jobs(jobs, njobs, &order);
		return;
	}

	starts[0] = 0;
	for (int l = 1; l < nlevels; l++)
		starts[l] = starts[l - 1] + counts[l - 1];
	dealt = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PmJob) * (Size) njobs);
	for (int i = 0; i < njobs; i++)
	{
		int			level = job_level(&jobs[i]);
		int			at = 0;

		while (levels[at] != level)
			at++;
		dealt[starts[at]++] = jobs[i];
	}
	memcpy(jobs, dealt, sizeof(PmJob) * (Size) njobs);
	pfree(dealt);
	for (int l = 0; l < nlevels; l++)
		sort_jobs(jobs + starts[l] - counts[l], counts[l], &order);
}
