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

#include "engine/simulate_internal.h"

/* ---- events: a heap, the first on top ---- */

static inline bool
comes_before(const PmSimEvent *a, const PmSimEvent *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	return a->run < b->run;
}

void
pm_sim_push_event(PmSimulator *sim, int64 instant, int run)
{
	PmSimEvent	event = {instant, run};
	int			at = sim->nevents++;

	sim->events = pm_grow(sim->context, sim->events, &sim->maxevents, sim->nevents, sizeof(PmSimEvent));
	while (at > 0 && comes_before(&event, &sim->events[(at - 1) / 2]))
	{
		sim->events[at] = sim->events[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	sim->events[at] = event;
}

static PmSimEvent
pop_event(PmSimulator *sim)
{
	PmSimEvent	first = sim->events[0];
	PmSimEvent	last = sim->events[--sim->nevents];
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

/* ---- what jobs wait for ---- */

/* A job that has been submitted has nothing left to wait for */
static void
release_job(int number, void *arg)
{
	PmSimulator *sim = arg;

	if (sim->of_number[number] < 0)
		return;
	pm_scheduler_submit(sim->scheduler, sim->of_number[number]);
	sim->joined = true;
}

/* ---- what a pass decides ---- */

static void
note_placements(PmSimulator *sim, PmSimRun *run, const PmDecision *decision, const PmStart *start)
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
start_run(PmSimulator *sim, const PmDecision *decision, const PmStart *start, int64 now)
{
	const PmJob *job = &sim->queue.jobs[start->job];
	PmSimRun   *result = &sim->simulation->runs[job->job_id];

	result->started_at = now;
	result->ended_at = pm_time_add(now, Min(sim->simulation->durations[job->job_id], job->time_limit));
	note_placements(sim, result, decision, start);
	if (result->ended_at != PM_NEVER)
		pm_sim_push_event(sim, result->ended_at, start->run);
	sim->job_of_run = pm_grow(sim->context, sim->job_of_run, &sim->maxrun_jobs, start->run + 1, sizeof(int));
	sim->job_of_run[start->run] = start->job;
	pm_sim_reached(sim->depend, (int) job->job_id, PM_SIM_STARTED, release_job, sim);
	if (sim->simulation->preemptible && sim->simulation->preemptible[job->job_id])
		pm_sim_may_yield(sim, start->job, start->run, now);
}

/* From now on it withholds, for the time of a step */
static void
lock_job(PmSimulator *sim, int number, int64 now)
{
	PmJob	   *job = &sim->queue.jobs[number];
	int64		until;

	if (job->locked_since != 0)
		return;
	job->locked_since = now;
	until = pm_time_add(now, sim->simulation->policy.step_timeout);
	if (until != PM_NEVER)
		pm_sim_push_event(sim, until, -1);
}

/* Did jobs join by it? */
static bool
make_pass(PmSimulator *sim, int64 now)
{
	MemoryContext old = MemoryContextSwitchTo(sim->instant);
	PmDecision *decision;

	sim->joined = false;
	pm_sim_forget_ended(sim);
	decision = pm_scheduler_pass(sim->scheduler, now);
	pm_sim_yield(sim, decision, now);
	for (int i = 0; i < decision->nstarts; i++)
		start_run(sim, decision, &decision->starts[i], now);
	for (int i = 0; i < decision->nlocks; i++)
		lock_job(sim, decision->locks[i], now);
	pm_scheduler_end_pass(sim->scheduler);
	sim->simulation->npasses++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(sim->instant);
	return sim->joined;
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
order_arrivals(PmSimulator *sim)
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
is_void(const PmSimulator *sim, const PmSimEvent *event)
{
	return event->run >= 0 && sim->scheduler->live[event->run].ended;
}

/* The next instant at which something happens; false: nothing does any more */
static bool
next_instant(PmSimulator *sim, int64 *now)
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

/* Others may wait for it */
static void
note_end(PmSimulator *sim, int number)
{
	const PmJob *job;

	if (sim->depend == NULL)
		return;
	job = &sim->queue.jobs[sim->job_of_run[number]];
	pm_sim_reached(sim->depend, (int) job->job_id,
				   sim->simulation->durations[job->job_id] <= job->time_limit ? PM_SIM_COMPLETED : PM_SIM_TIMED_OUT,
				   release_job, sim);
}

static void
end_runs(PmSimulator *sim, int64 now)
{
	while (sim->nevents > 0 && sim->events[0].at == now)
	{
		PmSimEvent	event = pop_event(sim);

		if (event.run < 0 || is_void(sim, &event))
			continue;
		pm_scheduler_finish(sim->scheduler, event.run);
		note_end(sim, event.run);
	}
}

static void
submit_jobs(PmSimulator *sim, int64 now)
{
	const PmSimulation *simulation = sim->simulation;

	while (sim->next_arrival < sim->narrivals)
	{
		int			j = sim->arrivals[sim->next_arrival];
		int64		preempts_from;

		if (sim->queue.jobs[j].submitted_at != now)
			break;
		sim->next_arrival++;
		if (sim->depend)
			sim->of_number[sim->queue.jobs[j].job_id] = j;
		if (!pm_sim_waits(sim->depend, (int) sim->queue.jobs[j].job_id))
			pm_scheduler_submit(sim->scheduler, j);
		preempts_from = pm_time_add(now, simulation->policy.preemption_delay);
		if (simulation->preemptible && preempts_from > now && preempts_from != PM_NEVER)
			pm_sim_push_event(sim, preempts_from, -1);
	}
}

static void
prepare(PmSimulator *sim, PmSimulation *simulation)
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
	sim->minima = pm_sim_minima(&sim->queue);
	sim->depend = pm_sim_depend_create(simulation);
	if (sim->depend)
	{
		sim->of_number = MemoryContextAllocHuge(sim->context, sizeof(int) * (Size) Max(njobs, 1));
		for (int i = 0; i < njobs; i++)
			sim->of_number[i] = -1;
	}
	order_arrivals(sim);
	MemoryContextSwitchTo(sim->results);
}

void
pm_simulate(PmSimulation *simulation)
{
	PmSimulator sim = {0};
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
