/*-------------------------------------------------------------------------
 *
 * scheduler.c
 *	  A scheduler's life: jobs join, runs end, passes are made.
 *
 * It lives through one pass (pass.c) or through many, with jobs that join and
 * runs that end in between (simulate.c).  In a pass reservations take turns:
 * first each that is open with its own jobs, then all the others (turn.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "engine/scheduler.h"

int
pm_scheduler_add_run(PmScheduler *scheduler, int lane, int64 planned_end, PmHold *holds, int nholds)
{
	PmLive	   *live;

	scheduler->live = pm_grow(scheduler->context, scheduler->live, &scheduler->maxlive,
							  scheduler->nlive + 1, sizeof(PmLive));
	live = &scheduler->live[scheduler->nlive];
	live->lane = lane;
	live->ended = false;
	live->own = true;
	live->planned_end = planned_end;
	live->nholds = nholds;
	live->holds = holds;
	scheduler->alive = pm_grow(scheduler->context, scheduler->alive, &scheduler->maxalive,
							   scheduler->nalive + 1, sizeof(int32));
	scheduler->alive[scheduler->nalive++] = scheduler->nlive;
	return scheduler->nlive++;
}

int
pm_scheduler_owner_of(const PmScheduler *scheduler, int job)
{
	return scheduler->cluster->nowners == 0 ? 0 :
		pm_owner_of(scheduler->queue, scheduler->queue->jobs[job].shape);
}

/* Does it make a difference whose a job is? */
static bool
lanes_matter(const PmQueue *queue, const PmPolicy *policy)
{
	return policy->queue == PM_QUEUE_FIFO || policy->preemption != PM_PREEMPT_NEVER ||
		queue->lanes != NULL || queue->lane_frozen != NULL;
}

PmScheduler *
pm_scheduler_create(PmCluster *cluster, PmQueue *queue, const PmPolicy *policy, bool tracks)
{
	PmScheduler *scheduler = palloc0(sizeof(PmScheduler));
	int			nshapes = Max(queue->nshapes, 1);

	scheduler->context = CurrentMemoryContext;
	scheduler->pass_context = AllocSetContextCreate(CurrentMemoryContext, "pool_manager pass",
													ALLOCSET_DEFAULT_SIZES);
	scheduler->cluster = cluster;
	scheduler->queue = queue;
	scheduler->policy = policy;
	scheduler->yields = !tracks;
	scheduler->tracks = tracks || policy->queue == PM_QUEUE_BACKFILL;
	queue->quota = pm_quota_create(cluster, queue);
	scheduler->space = pm_space_create(cluster, queue, policy->placement);
	scheduler->backlogs = palloc0(sizeof(PmBacklog *) * (cluster->nowners + 1));
	if (cluster->nwindows > 0)
		scheduler->closed = palloc(sizeof(bool) * Max(cluster->nnodes, 1));
	scheduler->blocked = palloc(sizeof(bool) * nshapes);
	scheduler->failed_until = palloc(sizeof(int64) * nshapes);
	scheduler->failed_lane = palloc(sizeof(int32) * nshapes);
	if (queue->lanes || queue->pool_cap)
		scheduler->capped = palloc(sizeof(int32) * nshapes);
	for (int r = 0; r < cluster->nruns && scheduler->tracks; r++)
	{
		PmRunning  *run = &cluster->runs[r];

		run->number = pm_scheduler_add_run(scheduler, pm_lane_of(queue, run->sub_pool_id),
							  run->planned_end, run->holds, run->nholds);
		scheduler->live[run->number].own = false;
	}
	return scheduler;
}

/*
 * The policy from now on, not during a pass.  The jobs that wait are to be
 * submitted again.
 */
void
pm_scheduler_set_policy(PmScheduler *scheduler, const PmPolicy *policy)
{
	scheduler->policy = policy;
	memset(scheduler->backlogs, 0, sizeof(PmBacklog *) * (scheduler->cluster->nowners + 1));
}

/* A job waits from now on */
void
pm_scheduler_submit(PmScheduler *scheduler, int job)
{
	const PmPolicy *policy = scheduler->policy;
	PmBacklog **backlog = &scheduler->backlogs[pm_scheduler_owner_of(scheduler, job)];

	if (*backlog == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(scheduler->context);

		*backlog = pm_backlog_create(scheduler->queue, policy->queue == PM_QUEUE_BACKFILL ||
									 scheduler->cluster->nwindows > 0,
									 !lanes_matter(scheduler->queue, policy));
		MemoryContextSwitchTo(old);
	}
	pm_backlog_add(*backlog, job);
}

/* A run ends: what it held is free again */
void
pm_scheduler_finish(PmScheduler *scheduler, int run)
{
	PmLive	   *live = &scheduler->live[run];

	Assert(!live->ended);
	live->ended = true;
	pm_space_give(scheduler->space, live->holds, live->nholds);
	for (int i = 0; i < live->nholds; i++)
		pm_caps_return(scheduler->space, live->lane, &live->holds[i]);
	if (live->own)
		pfree(live->holds);
	live->holds = NULL;
}

/* At the end of a pass: until then they are candidates, if in vain */
static void
free_victims(PmScheduler *scheduler)
{
	const PmDecision *decision = scheduler->decision;

	for (int i = 0; i < decision->nvictims && scheduler->tracks; i++)
	{
		PmLive	   *live = &scheduler->live[scheduler->cluster->runs[decision->victims[i].run].number];

		if (!decision->victims[i].whole || !live->own)
			continue;
		pfree(live->holds);
		live->holds = NULL;
	}
}

static PmDecision *
make_decision(PmScheduler *scheduler)
{
	const PmQueue *queue = scheduler->queue;
	PmDecision *decision = palloc0(sizeof(PmDecision));

	decision->blocks = palloc0(sizeof(PmBlock) * Max(queue->nshapes, 1));
	decision->blocked_by = palloc(sizeof(int) * Max(queue->nlanes, 1));
	for (int l = 0; l < queue->nlanes; l++)
		decision->blocked_by[l] = -1;
	return decision;
}

/* Have others stopped for a job, be it that none of them is left? */
static bool
has_claims(const PmQueue *queue)
{
	return queue->njobs > 0 && queue->jobs[0].claims_since != 0;
}

/* One pass at this instant; the decision is in the current context */
PmDecision *
pm_scheduler_pass(PmScheduler *scheduler, int64 now)
{
	MemoryContext old;

	scheduler->now = now;
	scheduler->caller = CurrentMemoryContext;
	scheduler->maxstarts = scheduler->maxplacements = scheduler->maxdevices = 0;
	scheduler->maxreservations = scheduler->maxlocks = scheduler->maxclaims = 0;
	scheduler->decision = make_decision(scheduler);

	old = MemoryContextSwitchTo(scheduler->pass_context);
	if (scheduler->yields && (scheduler->cluster->nruns > 0 || has_claims(scheduler->queue)) &&
		(scheduler->policy->preemption != PM_PREEMPT_NEVER ||
		 scheduler->policy->reclaim != PM_RECLAIM_NEVER || scheduler->policy->stops))
		scheduler->preempt = pm_preempt_create(scheduler->space, scheduler->queue,
											   scheduler->policy, now, scheduler->decision,
											   scheduler->caller);
	for (int owner = 1; owner <= scheduler->cluster->nowners; owner++)
		pm_take_turn(scheduler, owner);
	pm_take_turn(scheduler, 0);
	for (int c = 0; c < scheduler->decision->nclaims; c++)
		pm_scheduler_submit(scheduler, scheduler->decision->claims[c]);
	MemoryContextSwitchTo(old);
	return scheduler->decision;
}

void
pm_scheduler_end_pass(PmScheduler *scheduler)
{
	free_victims(scheduler);
	scheduler->preempt = NULL;
	MemoryContextReset(scheduler->pass_context);
}
