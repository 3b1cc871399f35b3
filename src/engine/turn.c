/*-------------------------------------------------------------------------
 *
 * turn.c
 *	  One turn of a pass over jobs that wait: who starts, and what a job that
 *	  does not means for those behind it.
 *
 * The policies differ only in what a blocked job means for others:
 *
 * fifo			closes its lane
 * traversal	nothing
 * reserve		what is free for it is withheld (reserve.c), unless a cap
 *				blocks it: free nodes would not help it
 * stepped		the same, until it has withheld for so long
 * tiered		stepped for the highest priority, traversal for the others
 * backfill		it is given the first time at which it fits (plan.c), and
 *				nothing starts that would delay it; so for the first jobs that
 *				are blocked, as many as there are reservations
 *
 * Before that, others may give way to it (preempt.c).  Then there may be more
 * free than was found, so the turn begins anew with the jobs that are left.
 *
 * A turn is that of the jobs in one reservation, or of all that are in none; the
 * nodes of the others are closed to it.
 *
 * Else free resources and caps only shrink in a pass, and where there are caps
 * a shape belongs to one lane, so a shape that failed is not tried again in it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/scheduler.h"

#define TIERED_PRIORITY 3		/* that is stepped under tiered */

/* ---- what starts ---- */

/* Append one placement: the takes of a group on a node, from take t on */
static void
emit_placement(PmScheduler *scheduler, PmSpace *space, int t, bool several)
{
	PmDecision *decision = scheduler->decision;
	PmTake	   *first = &space->takes[t];
	PmPlacement *placement;

	decision->placements = pm_grow(scheduler->caller, decision->placements,
								   &scheduler->maxplacements,
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
			decision->devices = pm_grow(scheduler->caller, decision->devices,
										&scheduler->maxdevices,
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

/* The takes in a space as placements; several: of a group on a node.  Returns
 * how many they are. */
int
pm_scheduler_emit(PmScheduler *scheduler, PmSpace *space, bool several)
{
	int			first = scheduler->decision->nplacements;

	for (int t = 0; t < space->ntakes; t++)
		if (space->takes[t].replicas > 0)
			emit_placement(scheduler, space, t, several);
	return scheduler->decision->nplacements - first;
}

static PmStart *
emit_start(PmScheduler *scheduler, PmSpace *space, int job)
{
	const PmShape *shape = &scheduler->queue->shapes[scheduler->queue->jobs[job].shape];
	PmDecision *decision = scheduler->decision;
	PmStart    *start;
	bool		several = pm_topology_rules(shape);

	decision->starts = pm_grow(scheduler->caller, decision->starts, &scheduler->maxstarts,
							   decision->nstarts + 1, sizeof(PmStart));
	start = &decision->starts[decision->nstarts++];
	start->job = job;
	start->run = -1;
	start->first_placement = decision->nplacements;

	/* What goes beyond the minimum of several groups comes back to a node, and
	 * so may groups within a domain */
	for (int g = 0; g < shape->ngroups && shape->ngroups > 1; g++)
		if (shape->groups[g].min_replicas < shape->groups[g].replicas)
			several = true;
	start->nplacements = pm_scheduler_emit(scheduler, space, several);
	return start;
}

/* The takes in the space, which is the nodes as they are or a view of them */
static void
start_job(PmScheduler *scheduler, PmSpace *space, int job)
{
	const PmJob *j = &scheduler->queue->jobs[job];
	PmHold	   *holds = NULL;
	int			nholds = space->ntakes;
	PmStart    *start;

	if (scheduler->tracks || scheduler->plan)
		holds = pm_holds_of_takes(space, scheduler->context);
	if (space != scheduler->space)
		pm_space_take(scheduler->space, holds, nholds);
	start = emit_start(scheduler, space, job);
	if (scheduler->tracks)
	{
		start->run = pm_scheduler_add_run(scheduler, j->lane,
							 pm_time_add(scheduler->now, j->time_limit), holds, nholds);
		if (scheduler->plan)
		{
			pm_plan_run(scheduler->plan, scheduler->live[start->run].planned_end, holds, nholds);
			pm_plan_started(scheduler->plan, holds, nholds);
		}
	}
	else if (holds)
	{
		/* jobs that may run longer or less long look at other views */
		pm_plan_started(scheduler->plan, holds, nholds);
		pfree(holds);
	}
}

/* ---- what does not ---- */

/*
 * Do the caps allow the minimum of a job?  A shape that the nodes failed is
 * asked again: once a cap fails it as well, it withholds nothing any more.
 */
static bool
caps_allow(PmScheduler *scheduler, PmSpace *space, const PmJob *job)
{
	if (scheduler->capped[job->shape] >= 0)
		return false;
	pm_caps_choose(space, job->lane);
	if (pm_caps_block(space, job->shape).reason == PM_REASON_NONE)
		return true;
	scheduler->capped[job->shape] = job->lane;
	scheduler->blocked[job->shape] = false;
	return false;
}

/*
 * The longer a job may run the less it can use, so a shape that failed for one
 * time limit fails for all that are not shorter.
 */
static bool
try_start(PmScheduler *scheduler, int job)
{
	const PmJob *j = &scheduler->queue->jobs[job];
	PmSpace    *space = scheduler->space;
	int64		until = scheduler->now;

	if (scheduler->plan)
	{
		until = pm_time_add(scheduler->now, j->time_limit);
		space = pm_plan_space(scheduler->plan, until);
		if (space == scheduler->space)
			until = scheduler->now;
	}
	if (scheduler->capped && !caps_allow(scheduler, space, j))
		return false;
	if ((!scheduler->blocked[j->shape] || until < scheduler->failed_until[j->shape]) &&
		pm_place_shape(space, j->shape))
	{
		start_job(scheduler, space, job);
		return true;
	}
	if (!scheduler->blocked[j->shape] || until < scheduler->failed_until[j->shape])
		scheduler->failed_until[j->shape] = until;
	scheduler->blocked[j->shape] = true;
	scheduler->failed_lane[j->shape] = j->lane;
	return false;
}

static PmPlan *
get_plan(PmScheduler *scheduler)
{
	int			alive = 0;

	if (scheduler->plan == NULL)
	{
		scheduler->plan = pm_plan_create(scheduler->space, scheduler->now);
		for (int i = 0; i < scheduler->nalive; i++)
		{
			const PmLive *live = &scheduler->live[scheduler->alive[i]];

			if (live->ended)
				continue;
			scheduler->alive[alive++] = scheduler->alive[i];
			pm_plan_run(scheduler->plan, live->planned_end, live->holds, live->nholds);
		}
		scheduler->nalive = alive;
	}
	return scheduler->plan;
}

static void
note_reservation(PmScheduler *scheduler, int job, int64 at)
{
	PmDecision *decision = scheduler->decision;

	decision->reservations = pm_grow(scheduler->caller, decision->reservations,
									 &scheduler->maxreservations,
									 decision->nreservations + 1, sizeof(PmReservation));
	decision->reservations[decision->nreservations].job = job;
	decision->reservations[decision->nreservations++].at = at;
}

/* Withhold for a job; false: there is nothing for it, nor for its likes */
static bool
withhold(PmScheduler *scheduler, int job)
{
	const PmJob *j = &scheduler->queue->jobs[job];
	const PmPolicy *policy = scheduler->policy;
	PmDecision *decision = scheduler->decision;
	bool		stepped = policy->queue != PM_QUEUE_RESERVE;

	if (!scheduler->blocked[j->shape])
		return false;
	if (policy->queue == PM_QUEUE_TIERED && j->priority < TIERED_PRIORITY)
		return false;
	if (stepped && j->locked_since != 0 &&
		scheduler->now >= pm_time_add(j->locked_since, policy->step_timeout))
		return true;			/* its time is over, its likes' may not be */
	if (scheduler->reserve == NULL)
		scheduler->reserve = pm_reserve_create(scheduler->space);
	if (!pm_reserve_shape(scheduler->reserve, j->shape))
		return false;
	if (scheduler->plan)
	{
		int			n;
		const int  *nodes = pm_reserve_kept(scheduler->reserve, &n);

		for (int i = 0; i < n; i++)
			pm_plan_changed(scheduler->plan, nodes[i]);
	}
	if (stepped)
	{
		decision->locks = pm_grow(scheduler->caller, decision->locks, &scheduler->maxlocks,
								  decision->nlocks + 1, sizeof(int));
		decision->locks[decision->nlocks++] = job;
	}
	return true;
}

/* Give a job its time; false: it has none, and so have its likes */
static bool
reserve(PmScheduler *scheduler, int job)
{
	const PmJob *j = &scheduler->queue->jobs[job];
	const PmPolicy *policy = scheduler->policy;
	int			reserved = scheduler->decision->nreservations - scheduler->first_reservation;
	int64		at;

	if (!scheduler->blocked[j->shape] ||
		(policy->reservations > 0 && reserved >= policy->reservations))
		return false;
	at = pm_plan_reserve(get_plan(scheduler), j->shape, j->time_limit,
						 policy->reservations == 1);
	if (at == PM_NEVER)
		return false;
	note_reservation(scheduler, job, at);
	pm_backlog_put_aside(scheduler->backlog);
	if (policy->backfill_shortest && reserved + 1 == policy->reservations)
		pm_backlog_go_on_shortest(scheduler->backlog);
	return true;
}

/* The lane is closed behind a job.  One of a reservation blocks nobody else. */
static void
close_lane(PmScheduler *scheduler, int job)
{
	if (scheduler->owner == 0)
		scheduler->decision->blocked_by[scheduler->queue->jobs[job].lane] = job;
	pm_backlog_close_lane(scheduler->backlog);
}

/* The job at hand is not started: what it means for those behind it */
static void
block(PmScheduler *scheduler, int job)
{
	PmBacklog  *backlog = scheduler->backlog;

	switch (scheduler->policy->queue)
	{
		case PM_QUEUE_FIFO:
			close_lane(scheduler, job);
			break;
		case PM_QUEUE_TRAVERSAL:
			pm_backlog_sleep(backlog);
			break;
		case PM_QUEUE_RESERVE:
		case PM_QUEUE_STEPPED:
		case PM_QUEUE_TIERED:
			if (withhold(scheduler, job))
				pm_backlog_put_aside(backlog);
			else
				pm_backlog_sleep(backlog);
			break;
		case PM_QUEUE_BACKFILL:
			if (!reserve(scheduler, job))
				pm_backlog_sleep(backlog);
			break;
	}
}

/* Those of others, and the end of its own: nodes that no job of the turn uses
 * need no plan */
static void
close_windows(PmScheduler *scheduler)
{
	PmCluster  *cluster = scheduler->cluster;

	scheduler->space->closed = NULL;
	if (cluster->nwindows == 0)
		return;
	memset(scheduler->closed, 0, sizeof(bool) * cluster->nnodes);
	for (int w = 0; w < cluster->nwindows; w++)
	{
		const PmWindow *window = &cluster->windows[w];
		const PmNodeConfig *config = &cluster->configs[cluster->nodes[window->node].config];
		int64		since;
		int64		until;

		if (scheduler->owner != 0 && !pm_config_has_owner(config, scheduler->owner))
			continue;
		if (!pm_window_closes(window, scheduler->owner, &since, &until) || until <= scheduler->now)
			continue;
		if (since <= scheduler->now)
		{
			scheduler->closed[window->node] = true;
			scheduler->space->closed = scheduler->closed;
		}
		pm_plan_close_node(get_plan(scheduler), window->node, Max(since, scheduler->now), until);
	}
}

/* What this pass found out does not count any more */
static void
begin_anew(PmScheduler *scheduler)
{
	const PmQueue *queue = scheduler->queue;
	PmDecision *decision = scheduler->decision;

	memset(scheduler->blocked, 0, sizeof(bool) * queue->nshapes);
	for (int s = 0; s < queue->nshapes && scheduler->capped; s++)
		scheduler->capped[s] = -1;
	for (int s = 0; s < queue->nshapes; s++)
		if (scheduler->cluster->nowners == 0 || pm_owner_of(queue, s) == scheduler->owner)
			memset(&decision->blocks[s], 0, sizeof(PmBlock));
	for (int l = 0; l < queue->nlanes; l++)
		decision->blocked_by[l] = -1;
	decision->nreservations = scheduler->first_reservation;
	decision->nlocks = scheduler->first_lock;
	if (scheduler->reserve)
		pm_reserve_release(scheduler->reserve);
	scheduler->reserve = NULL;
	scheduler->plan = NULL;
	close_windows(scheduler);
	pm_backlog_end(scheduler->backlog);
	pm_backlog_begin(scheduler->backlog);
}

/* Runs that went are forgotten; their holds are given back already */
static void
forget_victims(PmScheduler *scheduler, int first)
{
	const PmDecision *decision = scheduler->decision;

	for (int i = first; i < decision->nvictims && scheduler->tracks; i++)
		if (decision->victims[i].whole)
			scheduler->live[scheduler->cluster->runs[decision->victims[i].run].number].ended = true;
}

/*
 * Let others give way to the job at hand, which is blocked; false if none do.
 * One that was given a time after others were must not delay these.
 */
static bool
make_room(PmScheduler *scheduler, int job)
{
	PmDecision *decision = scheduler->decision;
	int			nvictims = decision->nvictims;
	PmRoom		room = PM_ROOM_NONE;

	if (scheduler->preempt && decision->nreservations == scheduler->first_reservation)
		room = pm_preempt_for(scheduler->preempt, job);
	if (room == PM_ROOM_NONE)
		return false;
	pm_backlog_take(scheduler->backlog);
	if (room == PM_ROOM_MADE)
	{
		forget_victims(scheduler, nvictims);
		scheduler->plan = NULL;
		start_job(scheduler, scheduler->space, job);
	}
	else
	{
		decision->claims = pm_grow(scheduler->caller, decision->claims, &scheduler->maxclaims,
								   decision->nclaims + 1, sizeof(int));
		decision->claims[decision->nclaims++] = job;
	}
	begin_anew(scheduler);
	return true;
}

/* Under fifo a job with a claim closes its lane as well */
static bool
behind_claim(PmScheduler *scheduler, int job)
{
	const PmDecision *decision = scheduler->decision;
	int			lane = scheduler->queue->jobs[job].lane;

	for (int c = 0; c < decision->nclaims && scheduler->policy->queue == PM_QUEUE_FIFO; c++)
	{
		if (scheduler->queue->jobs[decision->claims[c]].lane != lane ||
			pm_scheduler_owner_of(scheduler, decision->claims[c]) != scheduler->owner)
			continue;
		close_lane(scheduler, decision->claims[c]);
		return true;
	}
	return false;
}

static void
freeze(PmScheduler *scheduler, int job)
{
	const PmLack nothing = {PM_DIM_NONE, 0, 0};

	scheduler->decision->blocks[scheduler->queue->jobs[job].shape] =
		pm_make_block(PM_REASON_TENANT_FROZEN, PM_LEVEL_NONE, &nothing);
	pm_backlog_sleep(scheduler->backlog);
}

static void
walk(PmScheduler *scheduler)
{
	const PmQueue *queue = scheduler->queue;
	PmBacklog  *backlog = scheduler->backlog;
	int			job;

	while ((job = pm_backlog_first(backlog)) >= 0)
	{
		if ((scheduler->decision->examined & 255) == 0)
			CHECK_FOR_INTERRUPTS();
		if (queue->lane_frozen && queue->lane_frozen[queue->jobs[job].lane])
		{
			freeze(scheduler, job);
			continue;
		}
		if (behind_claim(scheduler, job))
			continue;
		if (scheduler->preempt && pm_preempt_release(scheduler->preempt, job))
		{
			begin_anew(scheduler);
			continue;
		}
		scheduler->decision->examined++;
		if (try_start(scheduler, job))
			pm_backlog_take(backlog);
		else if (!make_room(scheduler, job))
			block(scheduler, job);
	}
}

static void
end_turn(PmScheduler *scheduler)
{
	if (scheduler->reserve)
		pm_reserve_release(scheduler->reserve);
	scheduler->reserve = NULL;
	scheduler->plan = NULL;
	scheduler->space->closed = NULL;
}

void
pm_take_turn(PmScheduler *scheduler, int owner)
{
	if (scheduler->backlogs[owner] == NULL)
		return;
	memset(scheduler->blocked, 0, sizeof(bool) * scheduler->queue->nshapes);
	for (int s = 0; s < scheduler->queue->nshapes && scheduler->capped; s++)
		scheduler->capped[s] = -1;
	scheduler->owner = owner;
	scheduler->backlog = scheduler->backlogs[owner];
	scheduler->first_reservation = scheduler->decision->nreservations;
	scheduler->first_lock = scheduler->decision->nlocks;
	if (pm_owner_is_open(scheduler->cluster, owner, scheduler->now))
	{
		close_windows(scheduler);
		pm_backlog_begin(scheduler->backlog);
		walk(scheduler);
		pm_backlog_end(scheduler->backlog);
	}
	if (scheduler->explain)
		scheduler->explain(scheduler);
	end_turn(scheduler);
}
