/*-------------------------------------------------------------------------
 *
 * simulate.c
 *	  Discrete-event simulation: a loop of instants around the pass.
 *
 * Decisions are those of pass.c, with the same code.  Here are only the
 * events, ends and submissions, and what runs hold until they end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "engine/engine_internal.h"
#include "engine/simulate.h"

/* A run that will end; those that never do are not among the ends */
typedef struct End
{
	int64		at;
	int64		run_id;
} End;

typedef struct Simulator
{
	PmSimulation *simulation;
	MemoryContext context;		/* of this simulation */
	MemoryContext results;		/* the caller's */
	MemoryContext instant;		/* emptied at each */
	const PmJob *jobs;			/* [njobs] all of them */
	int		   *arrivals;		/* jobs that join, in order of submission */
	int			narrivals;
	int			next_arrival;
	PmQueue		queue;			/* those that wait; in the order of the last pass,
								 * new ones behind */
	int			nends;			/* a heap */
	int			maxends;
	End		   *ends;
	int			maxruns;		/* of cluster->runs, which are in order of run id */
	int			nover;			/* of them, that have ended: have no holds */
	int64		last_run_id;
	int			maxplacements;
} Simulator;

/* ---- ends: a heap, the first on top ---- */

static inline bool
ends_before(const End *a, const End *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	return a->run_id < b->run_id;
}

static void
push_end(Simulator *sim, int64 instant, int64 run_id)
{
	End			end = {instant, run_id};
	int			at = sim->nends++;

	sim->ends = pm_grow(sim->context, sim->ends, &sim->maxends, sim->nends, sizeof(End));
	while (at > 0 && ends_before(&end, &sim->ends[(at - 1) / 2]))
	{
		sim->ends[at] = sim->ends[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	sim->ends[at] = end;
}

static End
pop_end(Simulator *sim)
{
	End			first = sim->ends[0];
	End			last = sim->ends[--sim->nends];
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= sim->nends)
			break;
		if (child + 1 < sim->nends && ends_before(&sim->ends[child + 1], &sim->ends[child]))
			child++;
		if (!ends_before(&sim->ends[child], &last))
			break;
		sim->ends[at] = sim->ends[child];
		at = child;
	}
	sim->ends[at] = last;
	return first;
}

/* ---- runs ---- */

/* instant + length; PM_NEVER if that is too far away */
static int64
later(int64 instant, int64 length)
{
	int64		result;

	if (length == PM_NEVER || pg_add_s64_overflow(instant, length, &result))
		return PM_NEVER;
	return result;
}

/*
 * What a start holds: holds, their amounts and devices, and the minimum of
 * each group, in one piece of memory.
 */
static void
keep_holds(Simulator *sim, PmRunning *run, const PmShape *shape,
		   const PmDecision *decision, const PmStart *start)
{
	const PmPlacement *placements = decision->placements + start->first_placement;
	int			ndims = sim->simulation->cluster->ndims;
	int			ndevices = 0;
	Size		size;
	char	   *memory;
	int64	   *amounts;
	int		   *numbers;

	for (int p = 0; p < start->nplacements; p++)
		ndevices += placements[p].ndevices;
	size = sizeof(PmHold) * start->nplacements + sizeof(int64) * start->nplacements * (Size) ndims +
		sizeof(int) * ((Size) ndevices + shape->ngroups);
	memory = MemoryContextAllocHuge(sim->context, size);
	run->holds = (PmHold *) memory;
	run->nholds = start->nplacements;
	amounts = (int64 *) (memory + sizeof(PmHold) * start->nplacements);
	numbers = (int *) (amounts + (Size) start->nplacements * ndims);

	for (int p = 0; p < start->nplacements; p++)
	{
		const PmPlacement *placement = &placements[p];
		const PmRequest *request = &sim->queue.requests[shape->groups[placement->group].request];
		PmHold	   *hold = &run->holds[p];

		hold->node = placement->node;
		hold->group = placement->group;
		hold->replicas = placement->replicas;
		for (int d = 0; d < ndims; d++)
			amounts[d] = request->amounts[d] * placement->replicas;
		hold->amounts = amounts;
		amounts += ndims;
		hold->ndevices = placement->ndevices;
		hold->devices = numbers;
		if (placement->ndevices > 0)
			memcpy(numbers, decision->devices + placement->first_device, sizeof(int) * placement->ndevices);
		numbers += placement->ndevices;
		hold->device_share = placement->device_share;
	}
	run->ngroups = shape->ngroups;
	run->min_replicas = numbers;
	for (int g = 0; g < shape->ngroups; g++)
		numbers[g] = shape->groups[g].min_replicas;
}

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
	PmCluster  *cluster = sim->simulation->cluster;
	const PmJob *job = &sim->queue.jobs[start->job];
	PmSimRun   *result = &sim->simulation->runs[job->job_id];
	PmRunning  *run;

	cluster->runs = pm_grow(sim->context, cluster->runs, &sim->maxruns, cluster->nruns + 1, sizeof(PmRunning));
	run = &cluster->runs[cluster->nruns++];
	memset(run, 0, sizeof(PmRunning));
	run->run_id = ++sim->last_run_id;
	run->job_id = job->job_id;
	run->priority = job->priority;
	run->placed_at = now;
	run->planned_end = later(now, job->time_limit);
	keep_holds(sim, run, &sim->queue.shapes[job->shape], decision, start);

	result->started_at = now;
	result->ended_at = later(now, Min(sim->simulation->durations[job->job_id], job->time_limit));
	note_placements(sim, result, decision, start);
	if (result->ended_at != PM_NEVER)
		push_end(sim, result->ended_at, run->run_id);
}

static PmRunning *
find_run(const PmCluster *cluster, int64 run_id)
{
	int			low = 0;
	int			high = cluster->nruns - 1;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (cluster->runs[middle].run_id < run_id)
			low = middle + 1;
		else
			high = middle;
	}
	Assert(cluster->runs[low].run_id == run_id);
	return &cluster->runs[low];
}

static void
end_run(Simulator *sim, int64 run_id)
{
	PmCluster  *cluster = sim->simulation->cluster;
	PmRunning  *run = find_run(cluster, run_id);

	for (int h = 0; h < run->nholds; h++)
	{
		const PmHold *hold = &run->holds[h];
		PmNode	   *node = &cluster->nodes[hold->node];

		for (int d = 0; d < cluster->ndims; d++)
			node->free[d] += hold->amounts[d];
		for (int i = 0; i < hold->ndevices; i++)
			node->device_free[hold->devices[i]] += hold->device_share;
	}
	pfree(run->holds);
	run->holds = NULL;
	sim->nover++;
}

/* Drop the runs that are over from the cluster's */
static void
drop_ended(Simulator *sim)
{
	PmCluster  *cluster = sim->simulation->cluster;
	int			kept = 0;

	for (int i = 0; i < cluster->nruns; i++)
		if (cluster->runs[i].holds != NULL)
			cluster->runs[kept++] = cluster->runs[i];
	cluster->nruns = kept;
	sim->nover = 0;
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
	PmQueue    *queue = sim->simulation->queue;
	MemoryContext old = MemoryContextSwitchTo(sim->instant);
	PmSpace    *space = pm_space_create(sim->simulation->cluster, queue, sim->simulation->policy.placement);
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
		if (fits[sim->jobs[i].shape])
			sim->arrivals[sim->narrivals++] = i;
	if (sim->narrivals > 1)
		sort_arrivals(sim->arrivals, sim->narrivals, sim->jobs);
	MemoryContextSwitchTo(old);
}

/* Take what has been started out of the queue */
static void
drop_started(Simulator *sim, const PmDecision *decision)
{
	const PmSimRun *runs = sim->simulation->runs;
	PmJob	   *jobs = sim->queue.jobs;
	int			first = sim->queue.njobs;
	int			kept;

	for (int i = 0; i < decision->nstarts; i++)
		first = Min(first, decision->starts[i].job);
	kept = first;
	for (int i = first; i < sim->queue.njobs; i++)
		if (runs[jobs[i].job_id].started_at == PM_NEVER)
			jobs[kept++] = jobs[i];
	sim->queue.njobs = kept;
}

/* ---- instants ---- */

static void
make_pass(Simulator *sim, int64 now)
{
	PmPolicy	policy = sim->simulation->policy;
	PmDecision *decision;
	MemoryContext old;

	if (sim->queue.njobs == 0)
		return;
	old = MemoryContextSwitchTo(sim->instant);
	policy.now = now;
	decision = pm_pass(sim->simulation->cluster, &sim->queue, &policy);
	for (int i = 0; i < decision->nstarts; i++)
		start_run(sim, decision, &decision->starts[i], now);
	if (decision->nstarts > 0)
		drop_started(sim, decision);
	sim->simulation->npasses++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(sim->instant);
}

/* The next instant at which something happens; false: nothing does any more */
static bool
next_instant(const Simulator *sim, int64 *now)
{
	*now = PM_NEVER;
	if (sim->next_arrival < sim->narrivals)
		*now = sim->jobs[sim->arrivals[sim->next_arrival]].submitted_at;
	if (sim->nends > 0)
		*now = Min(*now, sim->ends[0].at);
	return sim->next_arrival < sim->narrivals || sim->nends > 0;
}

void
pm_simulate(PmSimulation *simulation)
{
	Simulator	sim = {0};
	int			njobs = simulation->queue->njobs;
	int64		now;

	sim.simulation = simulation;
	sim.results = CurrentMemoryContext;
	sim.context = AllocSetContextCreate(CurrentMemoryContext, "simulation", ALLOCSET_DEFAULT_SIZES);
	sim.instant = AllocSetContextCreate(sim.context, "instant of a simulation", ALLOCSET_DEFAULT_SIZES);
	sim.jobs = simulation->queue->jobs;
	sim.queue = *simulation->queue;
	sim.queue.njobs = 0;
	sim.queue.jobs = MemoryContextAllocHuge(sim.context, sizeof(PmJob) * (Size) Max(njobs, 1));
	simulation->cluster->nruns = 0;
	simulation->cluster->runs = NULL;
	simulation->nplacements = 0;
	simulation->placements = NULL;
	simulation->npasses = 0;
	simulation->runs = MemoryContextAllocHuge(sim.results, sizeof(PmSimRun) * (Size) Max(njobs, 1));
	for (int i = 0; i < njobs; i++)
	{
		simulation->runs[i].started_at = simulation->runs[i].ended_at = PM_NEVER;
		simulation->runs[i].first_placement = simulation->runs[i].nplacements = 0;
	}
	order_arrivals(&sim);
	MemoryContextReset(sim.instant);

	while (next_instant(&sim, &now))
	{
		CHECK_FOR_INTERRUPTS();
		while (sim.nends > 0 && sim.ends[0].at == now)
			end_run(&sim, pop_end(&sim).run_id);
		if (sim.nover > simulation->cluster->nruns / 2)
			drop_ended(&sim);
		while (sim.next_arrival < sim.narrivals &&
			   sim.jobs[sim.arrivals[sim.next_arrival]].submitted_at == now)
			sim.queue.jobs[sim.queue.njobs++] = sim.jobs[sim.arrivals[sim.next_arrival++]];
		make_pass(&sim, now);
	}
	simulation->cluster->runs = NULL;
	simulation->cluster->nruns = 0;
	MemoryContextDelete(sim.context);
}
