/*-------------------------------------------------------------------------
 *
 * simulate.c
 *	  Discrete-event simulation: a loop of instants around a scheduler that
 *	  lives through them all.
 *
 * Decisions are those of scheduler.c, as in real passes.  Here are only the
 * events: ends, submissions, and times from which on a stepped job withholds no
 * more, a run is safe no more or a job need not wait any longer for others to
 * give way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "engine/scheduler.h"
#include "engine/simulate.h"

/* Something that will happen; what never does is not among the events */
typedef struct Event
{
	int64		at;
	int			run;			/* ends; -1: nothing does, but a pass is due */
} Event;

typedef struct Simulator
{
	PmSimulation *simulation;
	MemoryContext context;		/* of this simulation */
	MemoryContext results;		/* the caller's */
	MemoryContext instant;		/* emptied at each */
	PmScheduler *scheduler;
	PmQueue		queue;			/* all jobs, in the order of passes */
	int		   *arrivals;		/* those that join, in order of submission */
	int			narrivals;
	int			next_arrival;
	int			nevents;		/* a heap */
	int			maxevents;
	Event	   *events;
	int			maxplacements;
	int			maxgone;
	int			maxruns;		/* of the cluster: those that may give way */
	const int **minima;			/* [nshapes][ngroups] replicas that must stay */
} Simulator;

/* ---- events: a heap, the first on top ---- */

static inline bool
comes_before(const Event *a, const Event *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	return a->run < b->run;
}

static void
push_event(Simulator *sim, int64 instant, int run)
{
	Event		event = {instant, run};
	int			at = sim->nevents++;

	sim->events = pm_grow(sim->context, sim->events, &sim->maxevents, sim->nevents, sizeof(Event));
	while (at > 0 && comes_before(&event, &sim->events[(at - 1) / 2]))
	{
		sim->events[at] = sim->events[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	sim->events[at] = event;
}

static Event
pop_event(Simulator *sim)
{
	Event		first = sim->events[0];
	Event		last = sim->events[--sim->nevents];
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= sim->nevents)
			break;
		if (child + 1 < sim->nevents && comes_before(&sim->events[child + 1], &sim->events[child]))
			child++;
		if (!comes_before(&sim->events[child], &last))
			break;
		sim->events[at] = sim->events[child];
		at = child;
	}
	sim->events[at] = last;
	return first;
}

/* ---- runs that may give way ---- */

static const int **
find_minima(const PmQueue *queue)
{
	const int **minima = palloc(sizeof(int *) * Max(queue->nshapes, 1));

	for (int s = 0; s < queue->nshapes; s++)
	{
		const PmShape *shape = &queue->shapes[s];
		int		   *least = palloc(sizeof(int) * Max(shape->ngroups, 1));

		for (int g = 0; g < shape->ngroups; g++)
			least[g] = shape->groups[g].min_replicas;
		minima[s] = least;
	}
	return minima;
}

/* j: index of its job */
static void
add_candidate(Simulator *sim, int j, int number, int64 now)
{
	PmCluster  *cluster = sim->simulation->cluster;
	const PmJob *job = &sim->queue.jobs[j];
	const PmLive *live = &sim->scheduler->live[number];
	int64		safe_until = pm_time_add(now, sim->simulation->policy.min_runtime);
	PmRunning  *run;

	cluster->runs = pm_grow(sim->context, cluster->runs, &sim->maxruns, cluster->nruns + 1,
							sizeof(PmRunning));
	run = &cluster->runs[cluster->nruns++];
	memset(run, 0, sizeof(PmRunning));
	run->run_id = run->number = number;
	run->job_id = j;
	run->lane = job->lane;
	run->priority = job->priority;
	run->preemptible = true;
	run->submitted_at = job->submitted_at;
	run->placed_at = now;
	run->planned_end = live->planned_end;
	run->ngroups = sim->queue.shapes[job->shape].ngroups;
	run->min_replicas = sim->minima[job->shape];
	run->nholds = live->nholds;
	run->holds = live->holds;
	if (safe_until > now && safe_until != PM_NEVER)
		push_event(sim, safe_until, -1);
}

static void
drop_ended_candidates(Simulator *sim)
{
	PmCluster  *cluster = sim->simulation->cluster;
	int			kept = 0;

	for (int r = 0; r < cluster->nruns; r++)
		if (!sim->scheduler->live[cluster->runs[r].number].ended)
			cluster->runs[kept++] = cluster->runs[r];
	cluster->nruns = kept;
}

static void
note_gone(Simulator *sim, int job, int64 replicas, int64 now)
{
	PmSimulation *simulation = sim->simulation;
	PmSimGone	gone = {job, simulation->runs[job].started_at, now, replicas};

	simulation->gone = pm_grow(sim->results, simulation->gone, &sim->maxgone,
							   simulation->ngone + 1, sizeof(PmSimGone));
	simulation->gone[simulation->ngone++] = gone;
}

/* Some replicas of a run on a node go */
static void
leave_node(PmSimulation *simulation, PmSimRun *run, int node, int replicas)
{
	PmSimPlacement *placements = simulation->placements + run->first_placement;
	int			p = 0;

	while (placements[p].node != node)
		p++;
	placements[p].replicas -= replicas;
	if (placements[p].replicas > 0)
		return;
	run->nplacements--;
	memmove(placements + p, placements + p + 1, sizeof(PmSimPlacement) * (run->nplacements - p));
}

static void
shrink(Simulator *sim, const PmDecision *decision, const PmVictim *victim, int64 now)
{
	const PmRunning *running = &sim->simulation->cluster->runs[victim->run];
	int			job = (int) sim->queue.jobs[running->job_id].job_id;

	for (int s = victim->first_shed; s < victim->first_shed + victim->nsheds; s++)
	{
		const PmShed *shed = &decision->sheds[s];

		note_gone(sim, job, shed->replicas, now);
		leave_node(sim->simulation, &sim->simulation->runs[job], running->holds[shed->hold].node,
				   shed->replicas);
	}
}

/* The job waits again as if it had not run */
static void
give_way(Simulator *sim, const PmVictim *victim, int64 now)
{
	PmSimulation *simulation = sim->simulation;
	int			j = (int) simulation->cluster->runs[victim->run].job_id;
	int			job = (int) sim->queue.jobs[j].job_id;
	PmSimRun   *run = &simulation->runs[job];
	int64		replicas = 0;

	for (int p = 0; p < run->nplacements; p++)
		replicas += simulation->placements[run->first_placement + p].replicas;
	note_gone(sim, job, replicas, now);
	run->started_at = run->ended_at = PM_NEVER;
	run->nplacements = 0;
	run->preemptions++;
	pm_scheduler_submit(sim->scheduler, j);
}

/* ---- what a pass decides ---- */

static void
note_placements(Simulator *sim, PmSimRun *run, const PmDecision *decision, const PmStart *start)
{
	PmSimulation *simulation = sim->simulation;

	if (simulation->nplacements > PG_INT32_MAX - start->nplacements)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the simulation has too many placements"),
				 errdetail("There can be %d, one for each job and node.", PG_INT32_MAX),
				 errhint("Simulate fewer jobs, or fewer and larger nodes.")));
	simulation->placements = pm_grow(sim->results, simulation->placements, &sim->maxplacements,
									 simulation->nplacements + start->nplacements,
									 sizeof(PmSimPlacement));
	run->first_placement = simulation->nplacements;
	run->nplacements = start->nplacements;
	for (int p = 0; p < start->nplacements; p++)
	{
		const PmPlacement *placement = &decision->placements[start->first_placement + p];

		simulation->placements[simulation->nplacements].node = placement->node;
		simulation->placements[simulation->nplacements++].replicas = placement->replicas;
	}
}

static void
start_run(Simulator *sim, const PmDecision *decision, const PmStart *start, int64 now)
{
	const PmJob *job = &sim->queue.jobs[start->job];
	PmSimRun   *result = &sim->simulation->runs[job->job_id];

	result->started_at = now;
	result->ended_at = pm_time_add(now, Min(sim->simulation->durations[job->job_id], job->time_limit));
	note_placements(sim, result, decision, start);
	if (result->ended_at != PM_NEVER)
		push_event(sim, result->ended_at, start->run);
	if (sim->simulation->preemptible && sim->simulation->preemptible[job->job_id])
		add_candidate(sim, start->job, start->run, now);
}

/* From now on it withholds, for the time of a step */
static void
lock_job(Simulator *sim, int number, int64 now)
{
	PmJob	   *job = &sim->queue.jobs[number];
	int64		until;

	if (job->locked_since != 0)
		return;
	job->locked_since = now;
	until = pm_time_add(now, sim->simulation->policy.step_timeout);
	if (until != PM_NEVER)
		push_event(sim, until, -1);
}

/* Did jobs join again by it? */
static bool
make_pass(Simulator *sim, int64 now)
{
	MemoryContext old = MemoryContextSwitchTo(sim->instant);
	bool		again = false;
	PmDecision *decision;

	drop_ended_candidates(sim);
	decision = pm_scheduler_pass(sim->scheduler, now);
	for (int i = 0; i < decision->nvictims; i++)
	{
		const PmVictim *victim = &decision->victims[i];

		if (victim->whole)
			give_way(sim, victim, now);
		else
			shrink(sim, decision, victim, now);
		again |= victim->whole;
	}
	for (int i = 0; i < decision->nstarts; i++)
		start_run(sim, decision, &decision->starts[i], now);
	for (int i = 0; i < decision->nlocks; i++)
		lock_job(sim, decision->locks[i], now);
	pm_scheduler_end_pass(sim->scheduler);
	sim->simulation->npasses++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(sim->instant);
	return again;
}

/* ---- jobs ---- */

static inline int
arrival_cmp(const int *a, const int *b, const PmJob *jobs)
{
	if (jobs[*a].submitted_at != jobs[*b].submitted_at)
		return jobs[*a].submitted_at < jobs[*b].submitted_at ? -1 : 1;
	return *a < *b ? -1 : *a > *b;
}

#define ST_SORT sort_arrivals
#define ST_ELEMENT_TYPE int
#define ST_COMPARE_ARG_TYPE const PmJob
#define ST_COMPARE(a, b, jobs) arrival_cmp(a, b, jobs)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Which jobs join at all, and in which order */
static void
order_arrivals(Simulator *sim)
{
	PmQueue    *queue = &sim->queue;
	PmSpace    *space = sim->scheduler->space;
	bool	   *fits = palloc(sizeof(bool) * Max(queue->nshapes, 1));

	for (int s = 0; s < queue->nshapes; s++)
	{
		const PmShape *shape = &queue->shapes[s];

		fits[s] = true;
		for (int g = 0; g < shape->ngroups; g++)
			fits[s] &= pm_search_count_empty(space, &space->searches[shape->groups[g].request], 1) > 0;
	}
	sim->arrivals = MemoryContextAllocHuge(sim->context, sizeof(int) * (Size) Max(queue->njobs, 1));
	for (int i = 0; i < queue->njobs; i++)
		if (fits[queue->jobs[i].shape])
			sim->arrivals[sim->narrivals++] = i;
	pfree(fits);
	if (sim->narrivals > 1)
		sort_arrivals(sim->arrivals, sim->narrivals, queue->jobs);
}

/* ---- instants ---- */

/* The end of a run that gave way does not happen */
static inline bool
is_void(const Simulator *sim, const Event *event)
{
	return event->run >= 0 && sim->scheduler->live[event->run].ended;
}

/* The next instant at which something happens; false: nothing does any more */
static bool
next_instant(Simulator *sim, int64 *now)
{
	while (sim->nevents > 0 && is_void(sim, &sim->events[0]))
		pop_event(sim);
	*now = PM_NEVER;
	if (sim->next_arrival < sim->narrivals)
		*now = sim->queue.jobs[sim->arrivals[sim->next_arrival]].submitted_at;
	if (sim->nevents > 0)
		*now = Min(*now, sim->events[0].at);
	return sim->next_arrival < sim->narrivals || sim->nevents > 0;
}

static void
end_runs(Simulator *sim, int64 now)
{
	while (sim->nevents > 0 && sim->events[0].at == now)
	{
		Event		event = pop_event(sim);

		if (event.run >= 0 && !is_void(sim, &event))
			pm_scheduler_finish(sim->scheduler, event.run);
	}
}

static void
submit_jobs(Simulator *sim, int64 now)
{
	const PmSimulation *simulation = sim->simulation;

	while (sim->next_arrival < sim->narrivals)
	{
		int			j = sim->arrivals[sim->next_arrival];
		int64		preempts_from;

		if (sim->queue.jobs[j].submitted_at != now)
			break;
		sim->next_arrival++;
		pm_scheduler_submit(sim->scheduler, j);
		preempts_from = pm_time_add(now, simulation->policy.preemption_delay);
		if (simulation->preemptible && preempts_from > now && preempts_from != PM_NEVER)
			push_event(sim, preempts_from, -1);
	}
}

static void
prepare(Simulator *sim, PmSimulation *simulation)
{
	int			njobs = simulation->queue->njobs;

	sim->simulation = simulation;
	sim->results = CurrentMemoryContext;
	sim->context = AllocSetContextCreate(CurrentMemoryContext, "simulation", ALLOCSET_DEFAULT_SIZES);
	sim->instant = AllocSetContextCreate(sim->context, "instant of a simulation", ALLOCSET_DEFAULT_SIZES);
	simulation->nplacements = 0;
	simulation->placements = NULL;
	simulation->ngone = 0;
	simulation->gone = NULL;
	simulation->npasses = 0;
	simulation->runs = MemoryContextAllocHuge(sim->results, sizeof(PmSimRun) * (Size) Max(njobs, 1));
	for (int i = 0; i < njobs; i++)
	{
		simulation->runs[i].started_at = simulation->runs[i].ended_at = PM_NEVER;
		simulation->runs[i].first_placement = simulation->runs[i].nplacements = 0;
		simulation->runs[i].preemptions = 0;
	}

	MemoryContextSwitchTo(sim->context);
	sim->queue = *simulation->queue;
	sim->queue.jobs = MemoryContextAllocHuge(sim->context, sizeof(PmJob) * (Size) Max(njobs, 1));
	if (njobs > 0)
		memcpy(sim->queue.jobs, simulation->queue->jobs, sizeof(PmJob) * (Size) njobs);
	if (simulation->preemptible == NULL)
	{
		simulation->policy.preemption = PM_PREEMPT_NEVER;
		simulation->policy.reclaim = PM_RECLAIM_NEVER;
	}
	pm_order_jobs(sim->queue.jobs, njobs, simulation->policy.order);
	sim->scheduler = pm_scheduler_create(simulation->cluster, &sim->queue, &simulation->policy, true);
	sim->scheduler->yields = simulation->preemptible != NULL;
	sim->minima = find_minima(&sim->queue);
	order_arrivals(sim);
	MemoryContextSwitchTo(sim->results);
}

void
pm_simulate(PmSimulation *simulation)
{
	Simulator	sim = {0};
	int64		now;

	prepare(&sim, simulation);
	while (next_instant(&sim, &now))
	{
		CHECK_FOR_INTERRUPTS();
		end_runs(&sim, now);
		submit_jobs(&sim, now);
		while (make_pass(&sim, now))
			CHECK_FOR_INTERRUPTS();
	}
	MemoryContextDelete(sim.context);
}
