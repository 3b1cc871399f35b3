/*-------------------------------------------------------------------------
 *
 * pass.c
 *	  One scheduling pass over a queue, with reasons.
 *
 * What holds for all jobs of a shape, its reason, is found once a shape, from
 * the nodes and caps as they are at the end of the pass.
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

/* Would a blocked shape fit the nodes as they are, or a view of them? */
static bool
fits(PmScheduler *scheduler, PmSpace *space, int s)
{
	pm_caps_choose(space, scheduler->failed_lane[s]);
	if (!pm_place_shape(space, s))
		return false;
	pm_place_undo(space);
	return true;
}

/*
 * With resources withheld, a blocked shape that fits once they are given back
 * is blocked by nothing else but by maintenance that would come meanwhile: its
 * numbers are those without what is withheld, those of the others count it in.
 */
static void
explain_reserved(PmScheduler *scheduler)
{
	const PmLack nothing = {PM_DIM_NONE, 0, 0};
	PmBlock    *blocks = scheduler->decision->blocks;
	PmFacts    *facts;

	explain(scheduler);
	pm_reserve_release(scheduler->reserve);
	scheduler->reserve = NULL;
	if (scheduler->plan)
		pm_plan_grew(scheduler->plan);
	facts = pm_facts_create(scheduler->space);
	for (int s = 0; s < scheduler->queue->nshapes; s++)
	{
		if (!scheduler->blocked[s])
			continue;
		if (!fits(scheduler, scheduler->space, s))
			blocks[s] = pm_explain_shape(facts, s);
		else if (scheduler->plan && !fits(scheduler, pm_plan_space(scheduler->plan, scheduler->failed_until[s]), s))
			blocks[s] = pm_make_block(PM_REASON_MAINTENANCE, PM_LEVEL_NONE, &nothing);
		else
			blocks[s].reason = PM_REASON_RESERVED;
	}
}

/*
 * A shape that fits the nodes as they are is blocked by what is to come: by
 * maintenance, or by a reservation that it would delay.
 */
static void
explain_planned(PmScheduler *scheduler)
{
	const PmLack nothing = {PM_DIM_NONE, 0, 0};
	PmFacts    *facts = pm_facts_create(scheduler->space);

	for (int s = 0; s < scheduler->queue->nshapes; s++)
	{
		PmReason	reason = PM_REASON_MAINTENANCE;

		if (!scheduler->blocked[s])
			continue;
		if (scheduler->decision->nreservations > 0)
			reason = PM_REASON_RESERVED;
		scheduler->decision->blocks[s] = fits(scheduler, scheduler->space, s) ?
			pm_make_block(reason, PM_LEVEL_NONE, &nothing) : pm_explain_shape(facts, s);
	}
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
	MemoryContextSwitchTo(caller);
	decision = pm_scheduler_pass(scheduler, policy->now);

	MemoryContextSwitchTo(scratch);
	if (scheduler->capped)
		explain_capped(scheduler);
	if (scheduler->reserve)
		explain_reserved(scheduler);
	else if (scheduler->plan)
		explain_planned(scheduler);
	else
		explain(scheduler);
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
