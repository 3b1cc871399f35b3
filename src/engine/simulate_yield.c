/*-------------------------------------------------------------------------
 *
 * simulate_yield.c
 *	  Simulated runs that give way: which may, and what becomes of them and of
 *	  their jobs.  Not which do: that is preempt.c's to decide.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/simulate_internal.h"

const int **
pm_sim_minima(const PmQueue *queue)
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

void
pm_sim_may_yield(PmSimulator *sim, int j, int number, int64 now)
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
	run->job_id = job->job_id;
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
		pm_sim_push_event(sim, safe_until, -1);
}

void
pm_sim_forget_ended(PmSimulator *sim)
{
	PmCluster  *cluster = sim->simulation->cluster;
	int			kept = 0;

	for (int r = 0; r < cluster->nruns; r++)
		if (!sim->scheduler->live[cluster->runs[r].number].ended)
			cluster->runs[kept++] = cluster->runs[r];
	cluster->nruns = kept;
}

static void
note_gone(PmSimulator *sim, int job, int64 replicas, int64 now)
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
shrink(PmSimulator *sim, const PmDecision *decision, const PmVictim *victim, int64 now)
{
	const PmRunning *running = &sim->simulation->cluster->runs[victim->run];
	int			job = (int) sim->queue.jobs[sim->job_of_run[running->number]].job_id;

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
give_way(PmSimulator *sim, const PmVictim *victim, int64 now)
{
	PmSimulation *simulation = sim->simulation;
	int			j = sim->job_of_run[simulation->cluster->runs[victim->run].number];
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
	sim->joined = true;
}

void
pm_sim_yield(PmSimulator *sim, const PmDecision *decision, int64 now)
{
	for (int i = 0; i < decision->nvictims; i++)
	{
		if (decision->victims[i].whole)
			give_way(sim, &decision->victims[i], now);
		else
			shrink(sim, decision, &decision->victims[i], now);
	}
}
