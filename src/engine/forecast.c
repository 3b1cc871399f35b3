/*-------------------------------------------------------------------------
 *
 * forecast.c
 *	  When the jobs of a queue will start, if every run lasts as long as it
 *	  is expected to and nothing new comes.
 *
 * The future is played through: passes by the policy of the pool, at each
 * instant at which runs end, nodes come back from maintenance, or reservations
 * begin and end.  Time limits
 * of jobs and planned ends of runs are here what the caller expects them to be.
 *
 * Of many jobs the instants are not told apart to the last microsecond: ends
 * that are close together, by one in so many of their distance from now, are
 * followed by one pass at the latest of them, and what it starts takes the
 * place of the runs that ended, one after the other.  Among jobs of one size
 * starts are then off by about as much; where jobs of many sizes wait for each
 * other, it adds up to more.  The number of passes grows with the logarithm of
 * the time that is looked ahead, unless jobs are shorter than that.  And
 * reservations, which each pass makes anew, are made by the first passes only;
 * later ones pass over what does not fit.  Of very many jobs, replicas are placed
 * on the best of some classes that fit, not of all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "engine/scheduler.h"

#define EXACT_JOBS	1000		/* running and queued */
#define MANY_JOBS	10000
#define RESOLUTION	128			/* one in so many; 0: exact */
#define COARSE		32			/* of many jobs */
#define LOOKS		4			/* of many jobs: classes more at each search */
#define RESERVING	32			/* passes that make reservations */

typedef struct EndHeap
{
	int			n;
	int			max;
	int		   *runs;			/* earliest planned end on top */
	int			known;			/* runs of the scheduler that were entered */
	int			nended;
	int			maxended;
	int64	   *ended;			/* when the runs ended that did last, ascending */
} EndHeap;

static inline bool
ends_before(const PmScheduler *scheduler, int a, int b)
{
	if (scheduler->live[a].planned_end != scheduler->live[b].planned_end)
		return scheduler->live[a].planned_end < scheduler->live[b].planned_end;
	return a < b;
}

/* Enter the runs that are new and will end */
static void
enter_runs(EndHeap *heap, const PmScheduler *scheduler)
{
	for (; heap->known < scheduler->nlive; heap->known++)
	{
		int			at = heap->n;

		if (scheduler->live[heap->known].planned_end == PM_NEVER)
			continue;
		heap->runs = pm_grow(scheduler->context, heap->runs, &heap->max, heap->n + 1, sizeof(int));
		heap->n++;
		while (at > 0 && ends_before(scheduler, heap->known, heap->runs[(at - 1) / 2]))
		{
			heap->runs[at] = heap->runs[(at - 1) / 2];
			at = (at - 1) / 2;
		}
		heap->runs[at] = heap->known;
	}
}

static int
pop_run(EndHeap *heap, const PmScheduler *scheduler)
{
	int			top = heap->runs[0];
	int			last = heap->runs[--heap->n];
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= heap->n)
			break;
		if (child + 1 < heap->n &&
			ends_before(scheduler, heap->runs[child + 1], heap->runs[child]))
			child++;
		if (!ends_before(scheduler, heap->runs[child], last))
			break;
		heap->runs[at] = heap->runs[child];
		at = child;
	}
	heap->runs[at] = last;
	return top;
}

/* When the next window ends or reservation begins; PM_NEVER: none does any more */
static int64
next_window_edge(const PmCluster *cluster, int64 after)
{
	int64		next = PM_NEVER;

	for (int o = 0; o < cluster->nowners; o++)
		if (cluster->owners[o].since > after)
			next = Min(next, cluster->owners[o].since);
	for (int w = 0; w < cluster->nwindows; w++)
		if (cluster->windows[w].until > after)
			next = Min(next, cluster->windows[w].until);
	return next;
}

/*
 * Go on to the next instant at which a run ends, or at the latest to the next
 * edge of a window: end those runs, and those close to them; the instant of the
 * last.  PM_NEVER: nothing ends any more.
 */
static int64
end_next(EndHeap *heap, PmScheduler *scheduler, int64 now, int64 at, int64 latest, int resolution)
{
	int64		first = heap->n == 0 ? latest :
		Min(Max(scheduler->live[heap->runs[0]].planned_end, now), latest);
	int64		limit = resolution == 0 ? first :
		pm_time_add(first, (first - now) / resolution);

	at = Max(at, first);
	heap->nended = 0;
	while (heap->n > 0 && scheduler->live[heap->runs[0]].planned_end <= limit)
	{
		int			run = pop_run(heap, scheduler);
		int64		end = Max(scheduler->live[run].planned_end, now);

		heap->ended = pm_grow(scheduler->context, heap->ended, &heap->maxended,
							  heap->nended + 1, sizeof(int64));
		heap->ended[heap->nended++] = end;
		at = Max(at, end);
		pm_scheduler_finish(scheduler, run);
	}
	return at;
}

/*
 * When a start of a pass was: one after the other they take the place of the
 * runs that ended, evenly.  So what counts as one at the latest instant does
 * not make all that follows later and later.
 */
static int64
start_of(const EndHeap *heap, const PmDecision *decision, int i, int64 at)
{
	if (heap->nended == 0)
		return at;
	return heap->ended[((int64) (i + 1) * heap->nended - 1) / decision->nstarts];
}

static void
submit_waiting(PmScheduler *scheduler, const int64 *starts)
{
	for (int job = 0; job < scheduler->queue->njobs; job++)
		if (starts[job] == PM_NEVER)
			pm_scheduler_submit(scheduler, job);
}

/*
 * Sorts the queue; the result has the start of each job, in that order, and
 * PM_NEVER for those that never start.  Uses up the cluster.
 */
int64 *
pm_forecast(PmCluster *cluster, PmQueue *queue, const PmPolicy *policy)
{
	MemoryContext caller = CurrentMemoryContext;
	int64	   *starts = MemoryContextAllocHuge(caller, sizeof(int64) * (Size) Max(queue->njobs, 1));
	MemoryContext scratch = AllocSetContextCreate(caller, "pool_manager forecast",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext passing = AllocSetContextCreate(scratch, "pool_manager forecast pass",
												  ALLOCSET_DEFAULT_SIZES);
	PmPolicy	played = *policy;
	PmScheduler *scheduler;
	EndHeap		heap = {0};
	int			passes = 0;
	int			waiting = queue->njobs;
	int64		jobs = (int64) queue->njobs + cluster->nruns;
	int			resolution = jobs <= EXACT_JOBS ? 0 : jobs <= MANY_JOBS ? RESOLUTION : COARSE;
	int64		at = policy->now;

	pm_order_jobs(queue->jobs, queue->njobs, policy->order);
	MemoryContextSwitchTo(scratch);
	scheduler = pm_scheduler_create(cluster, queue, &played, true);
	if (jobs > MANY_JOBS)
		scheduler->space->looks = LOOKS;
	for (int job = 0; job < queue->njobs; job++)
		starts[job] = PM_NEVER;
	submit_waiting(scheduler, starts);
	for (;;)
	{
		PmDecision *decision;

		CHECK_FOR_INTERRUPTS();
		if (resolution > 0 && passes++ == RESERVING && played.queue == PM_QUEUE_BACKFILL)
		{
			played.queue = PM_QUEUE_TRAVERSAL;
			pm_scheduler_set_policy(scheduler, &played);
			submit_waiting(scheduler, starts);
		}
		MemoryContextSwitchTo(passing);
		decision = pm_scheduler_pass(scheduler, at);
		for (int i = 0; i < decision->nstarts; i++)
		{
			const PmStart *start = &decision->starts[i];
			int64		since = resolution == 0 ? at : start_of(&heap, decision, i, at);

			starts[start->job] = since;
			scheduler->live[start->run].planned_end =
				pm_time_add(since, queue->jobs[start->job].time_limit);
		}
		waiting -= decision->nstarts;
		pm_scheduler_end_pass(scheduler);
		MemoryContextSwitchTo(scratch);
		MemoryContextReset(passing);
		enter_runs(&heap, scheduler);
		if (waiting == 0)
			break;
		at = end_next(&heap, scheduler, policy->now, at, next_window_edge(cluster, at),
					  resolution);
		if (at == PM_NEVER)
			break;
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return starts;
}
