/*-------------------------------------------------------------------------
 *
 * pass.c
 *	  One scheduling pass over a queue, with reasons.
 *
 * What holds for all jobs of a shape, its reason, is found once a shape, from
 * the nodes and caps as they are at the end of the turn of its jobs: that of
 * their reservation, or of all that have none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "engine/scheduler.h"

/*
 * Reasons of the shapes that a cap blocks, be it only by now: what the nodes
 * failed first would not be helped by free nodes any more.
 */
static void
explain_capped(PmScheduler *scheduler)
{
	for (int s = 0; s < scheduler->queue->nshapes; s++)
	{
		bool		blocked = scheduler->blocked[s];
		PmBlock		block;

		if (!blocked && scheduler->capped[s] < 0)
			continue;
		pm_caps_choose(scheduler->space,
					   blocked ? scheduler->failed_lane[s] : scheduler->capped[s]);
		block = pm_caps_block(scheduler->space, s);
		if (blocked && block.reason == PM_REASON_NONE)
			continue;
		scheduler->blocked[s] = false;
		scheduler->decision->blocks[s] = block;
	}
}

/* Reasons of the shapes that are blocked otherwise */
static void
explain(PmScheduler *scheduler)
{
	PmFacts    *facts = NULL;

	for (int s = 0; s < scheduler->queue->nshapes; s++)
	{
		if (!scheduler->blocked[s])
			continue;
		if (facts == NULL)
			facts = pm_facts_create(scheduler->space);
		scheduler->decision->blocks[s] = pm_explain_shape(facts, s);
	}
}

/* Would a blocked shape fit the nodes as they are? */
static bool
fits_now(PmScheduler *scheduler, int s)
{
	pm_caps_choose(scheduler->space, scheduler->failed_lane[s]);
	if (!pm_place_shape(scheduler->space, s))
		return false;
	pm_place_undo(scheduler->space);
	return true;
}

/* How many replicas of the minimum of a shape could be placed */
static PmLack
replicas_lacking(PmScheduler *scheduler, int s)
{
	const PmShape *shape = &scheduler->queue->shapes[s];
	PmLack		lack = {PM_DIM_REPLICAS, 0, 0};

	for (int g = 0; g < shape->ngroups; g++)
		lack.needed += shape->groups[g].min_replicas;
	pm_caps_choose(scheduler->space, scheduler->failed_lane[s]);
	lack.available = pm_place_minimum(scheduler->space, s);
	pm_place_undo(scheduler->space);
	return lack;
}

/*
 * Which windows are in the way of a shape that fits the nodes as they are; none
 * are: what is withheld for others is, or they would be delayed.
 */
static PmBlock
windows_in_the_way(PmScheduler *scheduler, PmShut *shut, int s)
{
	PmLack		lack = {PM_DIM_NONE, 0, 0};
	int64		now = scheduler->now;
	int64		until = Max(scheduler->failed_until[s], pm_time_add(now, 1));
	PmReason	reason = PM_REASON_RESERVED;
	PmLevel		level = PM_LEVEL_NONE;

	if (scheduler->cluster->nwindows == 0)
		return pm_make_block(reason, level, &lack);
	pm_shut_until(shut, now, until, scheduler->owner, false);
	if (!fits_now(scheduler, s))
	{
		PmLack		reserved = replicas_lacking(scheduler, s);

		pm_shut_reopen(shut);
		pm_shut_until(shut, now, until, scheduler->owner, true);
		if (!fits_now(scheduler, s))
			reason = PM_REASON_MAINTENANCE;
		else if (scheduler->owner != 0)
			reason = PM_REASON_RESERVATION_OVER;
		else
		{
			reason = PM_REASON_RESERVED_NODES;
			/* else it is rules of topology that they do not keep */
			if (reserved.available < reserved.needed)
			{
				level = PM_LEVEL_POOL;
				lack = reserved;
			}
		}
	}
	pm_shut_reopen(shut);
	return pm_make_block(reason, level, &lack);
}

/*
 * A shape that fits the nodes as they are is blocked by what is withheld for
 * others, or by what is to come.  Numbers are without what is withheld if that
 * alone blocks it; those of the others count it in.  They never count nodes
 * that are closed to it now.
 */
static void
explain_planned(PmScheduler *scheduler)
{
	PmBlock    *blocks = scheduler->decision->blocks;
	bool		withheld = scheduler->reserve != NULL;
	PmShut	   *shut = pm_shut_create(scheduler->space);
	PmFacts    *facts = NULL;

	if (withheld)
	{
		explain(scheduler);
		pm_reserve_release(scheduler->reserve);
		scheduler->reserve = NULL;
	}
	for (int s = 0; s < scheduler->queue->nshapes; s++)
	{
		PmBlock		block;

		if (!scheduler->blocked[s] || !fits_now(scheduler, s))
			continue;
		scheduler->blocked[s] = false;
		block = windows_in_the_way(scheduler, shut, s);
		if (block.reason == PM_REASON_RESERVED && withheld)
			blocks[s].reason = PM_REASON_RESERVED;
		else
			blocks[s] = block;
	}
	pm_shut_until(shut, scheduler->now, pm_time_add(scheduler->now, 1), scheduler->owner, false);
	for (int s = 0; s < scheduler->queue->nshapes; s++)
	{
		if (!scheduler->blocked[s])
			continue;
		if (facts == NULL)
			facts = pm_facts_create(scheduler->space);
		blocks[s] = pm_explain_shape(facts, s);
	}
	pm_shut_reopen(shut);
}

/*
 * Jobs of a reservation: it is not open, or one of them blocks the others, which
 * no lane shows.
 */
static void
explain_owned(PmScheduler *scheduler)
{
	const PmLack nothing = {PM_DIM_NONE, 0, 0};
	const PmOwner *owner = &scheduler->cluster->owners[scheduler->owner - 1];
	PmReason	reason = PM_REASON_BEHIND_HEAD;

	/* one that is given up may be over before it has begun */
	if (scheduler->now >= owner->until)
		reason = PM_REASON_RESERVATION_OVER;
	else if (scheduler->now < owner->since)
		reason = PM_REASON_RESERVATION;
	else if (scheduler->policy->queue != PM_QUEUE_FIFO)
		return;
	for (int s = 0; s < scheduler->queue->nshapes; s++)
	{
		PmBlock    *block = &scheduler->decision->blocks[s];

		if (pm_owner_of(scheduler->queue, s) == scheduler->owner && block->reason == PM_REASON_NONE)
			*block = pm_make_block(reason, PM_LEVEL_NONE, &nothing);
	}
}

static void
explain_turn(PmScheduler *scheduler)
{
	if (scheduler->capped)
		explain_capped(scheduler);
	if (scheduler->reserve || scheduler->plan)
		explain_planned(scheduler);
	else
		explain(scheduler);
	if (scheduler->owner != 0)
		explain_owned(scheduler);
}

PmDecision *
pm_pass(PmCluster *cluster, PmQueue *queue, const PmPolicy *policy)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(caller, "pool_manager scheduler",
												  ALLOCSET_DEFAULT_SIZES);
	PmScheduler *scheduler;
	PmDecision *decision;

	pm_order_jobs(queue->jobs, queue->njobs, policy->order);
	MemoryContextSwitchTo(scratch);
	scheduler = pm_scheduler_create(cluster, queue, policy, false);
	for (int job = 0; job < queue->njobs; job++)
		pm_scheduler_submit(scheduler, job);
	scheduler->explain = explain_turn;
	MemoryContextSwitchTo(caller);
	decision = pm_scheduler_pass(scheduler, policy->now);

	MemoryContextSwitchTo(scratch);
	if (queue->ngrowing > 0)
		pm_grow_runs(scheduler);
	pm_scheduler_end_pass(scheduler);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return decision;
}

/*
 * In which order passes look at jobs if each that they look at starts: indexes
 * of the jobs, which are sorted.  It is that of the jobs where no lane has a
 * quota.
 */
int *
pm_queue_turns(const PmCluster *cluster, PmQueue *queue)
{
	int		   *turns = palloc(sizeof(int) * Max(queue->njobs, 1));
	PmBacklog  *backlog;

	queue->quota = pm_quota_create(cluster, queue);
	backlog = pm_backlog_create(queue, false, false);
	for (int job = 0; job < queue->njobs; job++)
		pm_backlog_add(backlog, job);
	pm_backlog_begin(backlog);
	for (int i = 0; i < queue->njobs; i++)
	{
		const PmJob *job;
		const PmShape *shape;

		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		turns[i] = pm_backlog_first(backlog);
		job = &queue->jobs[turns[i]];
		shape = &queue->shapes[job->shape];
		for (int d = 0; d < cluster->ndims && queue->quota; d++)
			pm_lane_take(queue->quota, job->lane, d,
						 pm_minimum_amount(queue, shape, 0, shape->ngroups - 1, d));
		pm_backlog_take(backlog);
	}
	return turns;
}
