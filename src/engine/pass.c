/*-------------------------------------------------------------------------
 *
 * pass.c
 *	  One scheduling pass: walk the sorted jobs and start what fits.
 *
 * The policies differ only in what a blocked job means for those behind it:
 * fifo closes its lane, traversal goes on, reserve withholds (reserve.c), but
 * not for a job that a cap blocks: free nodes would not help it.
 *
 * Free resources and caps only shrink in a pass, and where there are caps a
 * shape belongs to one lane, so a shape that failed is not tried again in it.
 * What holds for all jobs of a shape, its reason, is found once a shape, from
 * the nodes and caps as they are at the end of the pass.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "engine/engine_internal.h"

typedef struct Pass
{
	PmSpace    *space;
	PmQueue    *queue;
	const PmPolicy *policy;
	PmReserve  *reserve;		/* made when the first job is blocked */
	bool	   *blocked;		/* [nshapes]: the nodes failed it in this pass */
	int32	   *capped;			/* [nshapes]: in which lane a cap failed it in this
								 * pass, or -1; NULL without caps */
	MemoryContext caller;
	int			maxstarts;
	int			maxplacements;
	int			maxdevices;
	PmDecision *decision;
} Pass;

/* Append one placement: the takes of a group on a node, from take on */
static void
emit_placement(Pass *pass, int t, bool several)
{
	PmSpace    *space = pass->space;
	PmDecision *decision = pass->decision;
	PmTake	   *first = &space->takes[t];
	PmPlacement *placement;

	decision->placements = pm_grow(pass->caller, decision->placements, &pass->maxplacements,
								   decision->nplacements + 1, sizeof(PmPlacement));
	placement = &decision->placements[decision->nplacements++];
	placement->group = first->group;
	placement->node = first->node;
	placement->replicas = 0;
	placement->first_device = decision->ndevices;
	placement->ndevices = 0;
	placement->device_share = first->device_share;

	for (int i = t; i < space->ntakes; i++)
	{
		PmTake	   *take = &space->takes[i];

		if (take->group == first->group && take->node == first->node)
		{
			decision->devices = pm_grow(pass->caller, decision->devices, &pass->maxdevices,
										decision->ndevices + take->ndevices, sizeof(int));
			if (take->ndevices > 0)
				memcpy(decision->devices + decision->ndevices,
					   space->take_devices + take->first_device,
					   sizeof(int) * take->ndevices);
			decision->ndevices += take->ndevices;
			placement->ndevices += take->ndevices;
			placement->replicas += take->replicas;
			take->replicas = 0; /* done */
		}
		if (!several)
			break;
	}
}

static void
emit_start(Pass *pass, int job, const PmShape *shape)
{
	PmSpace    *space = pass->space;
	PmDecision *decision = pass->decision;
	PmStart    *start;
	bool		several = false;

	decision->starts = pm_grow(pass->caller, decision->starts, &pass->maxstarts,
							   decision->nstarts + 1, sizeof(PmStart));
	start = &decision->starts[decision->nstarts++];
	start->job = job;
	start->first_placement = decision->nplacements;

	/* Only what goes beyond the minimum of several groups comes back to a node */
	for (int g = 0; g < shape->ngroups && shape->ngroups > 1; g++)
		if (shape->groups[g].min_replicas < shape->groups[g].replicas)
			several = true;
	for (int t = 0; t < space->ntakes; t++)
		if (space->takes[t].replicas > 0)
			emit_placement(pass, t, several);
	start->nplacements = decision->nplacements - start->first_placement;
}

/* A job that is not started: what it means for those behind it */
static void
block(Pass *pass, int job)
{
	PmJob	   *j = &pass->queue->jobs[job];

	if (pass->policy->queue == PM_QUEUE_FIFO)
		pass->decision->blocked_by[j->lane] = job;
	else if (pass->policy->queue == PM_QUEUE_RESERVE && pass->blocked[j->shape])
	{
		if (pass->reserve == NULL)
			pass->reserve = pm_reserve_create(pass->space);
		pm_reserve_shape(pass->reserve, j->shape);
	}
}

/*
 * Do the caps allow the minimum of a job?  A shape that the nodes failed is
 * asked again: once a cap fails it as well, it withholds nothing any more.
 */
static bool
caps_allow(Pass *pass, const PmJob *job)
{
	if (pass->capped[job->shape] >= 0)
		return false;
	pm_caps_choose(pass->space, job->lane);
	if (pm_caps_block(pass->space, job->shape).reason == PM_REASON_NONE)
		return true;
	pass->capped[job->shape] = job->lane;
	pass->blocked[job->shape] = false;
	return false;
}

static bool
try_start(Pass *pass, const PmJob *job)
{
	if (pass->capped && !caps_allow(pass, job))
		return false;
	if (!pass->blocked[job->shape] && pm_place_shape(pass->space, job->shape))
		return true;
	pass->blocked[job->shape] = true;
	return false;
}

static void
walk(Pass *pass)
{
	const PmLack nothing = {PM_DIM_NONE, 0, 0};
	PmQueue    *queue = pass->queue;
	PmDecision *decision = pass->decision;

	for (int i = 0; i < queue->njobs; i++)
	{
		PmJob	   *job = &queue->jobs[i];

		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		if (decision->blocked_by[job->lane] >= 0)
			continue;
		if (queue->lane_frozen && queue->lane_frozen[job->lane])
		{
			decision->blocks[job->shape] =
				pm_make_block(PM_REASON_TENANT_FROZEN, PM_LEVEL_NONE, &nothing);
			continue;
		}
		decision->examined++;
		if (try_start(pass, job))
			emit_start(pass, i, &queue->shapes[job->shape]);
		else
			block(pass, i);
	}
}

/* Reasons of the shapes that a cap blocks */
static void
explain_capped(Pass *pass)
{
	for (int s = 0; s < pass->queue->nshapes; s++)
	{
		if (pass->capped[s] < 0)
			continue;
		pm_caps_choose(pass->space, pass->capped[s]);
		pass->decision->blocks[s] = pm_caps_block(pass->space, s);
	}
}

/* Reasons of the shapes that are blocked otherwise */
static void
explain(Pass *pass)
{
	PmFacts    *facts = NULL;

	for (int s = 0; s < pass->queue->nshapes; s++)
	{
		if (!pass->blocked[s])
			continue;
		if (facts == NULL)
			facts = pm_facts_create(pass->space);
		pass->decision->blocks[s] = pm_explain_shape(facts, s);
	}
}

/*
 * With resources withheld, a blocked shape that fits once they are given back
 * is blocked by nothing else: its numbers are those without what is withheld,
 * those of the others count it in.
 */
static void
explain_reserved(Pass *pass)
{
	PmBlock    *blocks = pass->decision->blocks;
	PmFacts    *facts;

	explain(pass);
	pm_reserve_release(pass->reserve);
	pass->space = pm_space_create(pass->space->cluster, pass->queue,
								  pass->policy->placement);
	facts = pm_facts_create(pass->space);
	for (int s = 0; s < pass->queue->nshapes; s++)
	{
		if (!pass->blocked[s])
			continue;
		if (pm_place_shape(pass->space, s))
		{
			pm_place_undo(pass->space);
			blocks[s].reason = PM_REASON_RESERVED;
		}
		else
			blocks[s] = pm_explain_shape(facts, s);
	}
}

PmDecision *
pm_pass(PmCluster *cluster, PmQueue *queue, const PmPolicy *policy)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "pool_manager pass",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	PmDecision *decision = MemoryContextAllocZero(caller, sizeof(PmDecision));
	Pass		pass = {0};

	pm_order_jobs(queue->jobs, queue->njobs, policy->order);

	decision->blocks = MemoryContextAllocZero(caller, sizeof(PmBlock) * Max(queue->nshapes, 1));
	decision->blocked_by = MemoryContextAlloc(caller, sizeof(int) * Max(queue->nlanes, 1));
	for (int l = 0; l < queue->nlanes; l++)
		decision->blocked_by[l] = -1;

	pass.space = pm_space_create(cluster, queue, policy->placement);
	pass.queue = queue;
	pass.policy = policy;
	pass.caller = caller;
	pass.decision = decision;
	pass.blocked = palloc0(sizeof(bool) * Max(queue->nshapes, 1));

	if (queue->lane_caps || queue->pool_cap)
	{
		pass.capped = palloc(sizeof(int32) * Max(queue->nshapes, 1));
		for (int s = 0; s < queue->nshapes; s++)
			pass.capped[s] = -1;
	}

	walk(&pass);
	if (pass.capped)
		explain_capped(&pass);
	if (pass.reserve)
		explain_reserved(&pass);
	else
		explain(&pass);

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return decision;
}
