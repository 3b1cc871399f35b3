/*-------------------------------------------------------------------------
 *
 * property_claims.c
 *	  Claims on small random inputs: who waits for runs to stop gets what they
 *	  leave, and nobody goes for it twice.
 *
 * In pools with agents only; for these property_preempt.c looks at who goes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "preempt.h"

/* The nodes and caps with what a pass started there */
static void
add_starts(Input *then, const Input *after, const PmDecision *decision)
{
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmStart *start = &decision->starts[i];
		const PmJob *job = &after->jobs[start->job];

		for (int k = 0; k < start->nplacements; k++)
		{
			const PmPlacement *p = &decision->placements[start->first_placement + k];

			for (int d = 0; d < DIMS; d++)
			{
				int64		amount = p->replicas * then->asked[job->shape][d];

				then->free[p->node][d] -= amount;
				if (then->capped && then->available[job->lane][d] != PM_CAP_NONE)
					then->available[job->lane][d] -= amount;
			}
			for (int x = 0; x < p->ndevices; x++)
				then->device_free[p->node][decision->devices[p->first_device + x]] -= p->device_share;
		}
	}
}

/* The jobs that wait on, those with claims marked, and one of the highest priority more */
static void
queue_up(Input *then, const Input *after, const PmDecision *decision)
{
	int			n = 0;

	for (int i = after->queue.njobs; i < JOBS; i++)
		preempt_random_job(then, i);	/* shapes; the last is the newcomer's */
	then->jobs[JOBS - 1].priority = 4;
	then->jobs[JOBS - 1].job_id = NEWCOMER;
	for (int i = 0; i < after->queue.njobs; i++)
	{
		bool		starts = false;

		for (int s = 0; s < decision->nstarts; s++)
			starts |= decision->starts[s].job == i;
		if (starts)
			continue;
		then->jobs[n] = after->jobs[i];
		for (int c = 0; c < decision->nclaims; c++)
			if (decision->claims[c] == i)
				then->jobs[n].claims_since = 1;
		n++;
	}
	then->jobs[n++] = then->jobs[JOBS - 1];
	then->queue.njobs = n;
	then->queue.nrequests = then->queue.nshapes = JOBS;
}

/* Runs that stop have stopped: none of them, all, or some */
static void
stop(Input *then)
{
	int			which = (int) core_between(0, 2);
	Stay		stay = preempt_all_stay(then);

	for (int r = 0; r < then->cluster.nruns; r++)
	{
		if (!then->runs[r].stopping || which == 0 || (which == 2 && core_between(0, 1)))
			continue;
		memset(stay.of[r], 0, sizeof(stay.of[r]));
		then->runs[r].stopping = then->runs[r].preemptible = false;
	}
	preempt_give_back(then, &stay);
}

/* Does a job start, or wait for what is its own? */
static bool
is_served(const Input *in, const PmDecision *decision, int64 job_id)
{
	for (int i = 0; i < decision->nstarts; i++)
		if (in->jobs[decision->starts[i].job].job_id == job_id)
			return true;
	for (int i = 0; i < decision->nclaims; i++)
		if (in->jobs[decision->claims[i]].job_id == job_id)
			return true;
	return false;
}

/*
 * In a pool with agents: what was claimed is there when the runs have stopped,
 * whoever came meanwhile, and nobody else is stopped for it.
 */
void
claims_hold(int round)
{
	Input	   *in = preempt_random_input((int) core_between(1, 3), true);
	Input	   *after = preempt_copy(in);
	Input	   *then;
	PmDecision *decision = preempt_pass(after);
	PmDecision *later;

	core_check(preempt_victims_allowed(in, after, decision), "claims %d: only who may go", round);
	core_check(preempt_books_agree(in, after, decision), "claims %d: books agree", round);

	then = preempt_copy(in);
	add_starts(then, after, decision);
	for (int i = 0; i < decision->nvictims; i++)
		then->runs[decision->victims[i].run].stopping = true;
	queue_up(then, after, decision);
	stop(then);
	if (core_between(0, 1))
	{
		then->policy.preemption = PM_PREEMPT_NEVER;
		then->policy.reclaim = PM_RECLAIM_NEVER;
	}
	later = preempt_pass(then);
	for (int i = 0; i < later->nvictims; i++)
		core_check(then->jobs[later->victims[i].job].claims_since == 0,
				   "claims %d: nobody else goes", round);
	for (int c = 0; c < decision->nclaims; c++)
		core_check(is_served(then, later, after->jobs[decision->claims[c]].job_id),
				   "claims %d: claim %d holds", round, c);
}

/*
 * Two for whom others have stopped, the second of which has no place but where
 * the first would put a replica beyond its minimum: both start.
 */
void
claims_side_by_side(void)
{
	Input	   *in = palloc0(sizeof(Input));
	PmDecision *decision;

	in->policy.queue = PM_QUEUE_TRAVERSAL;
	in->policy.stops = true;
	in->cluster.ndims = DIMS;
	in->cluster.nconfigs = 1;
	in->cluster.nnodes = in->queue.njobs = 2;
	in->queue.nrequests = in->queue.nshapes = 2;
	in->queue.nlanes = LANES;
	for (int i = 0; i < 2; i++)
	{
		in->nodes[i].node_id = i + 1;
		in->nodes[i].accelerator = i == 1 ? 1 : -1;
		in->nodes[i].ndevices = i == 1 ? 2 : 0;
		in->capacity[i][0] = in->free[i][0] = i == 1 ? 2000 : 4000;
		in->capacity[i][1] = in->free[i][1] = in->nodes[i].ndevices * 1000;
		in->device_free[i][0] = in->device_free[i][1] = 1000;
		in->asked[i][0] = 2000;
		in->asked[i][1] = in->nodes[i].ndevices * 1000;
		in->groups[i].request = in->jobs[i].shape = i;
		in->groups[i].replicas = 3;
		in->groups[i].min_replicas = 2 - i;
		in->shapes[i].ngroups = 1;
		in->jobs[i].job_id = i + 1;
		in->jobs[i].lane = i;
		in->jobs[i].claims_since = 1;
		in->jobs[i].priority = 2 - i;
		in->jobs[i].time_limit = PM_NEVER;
	}
	in = preempt_copy(in);
	decision = preempt_pass(in);
	core_check(decision->nstarts == 2 && decision->nclaims == 0 && in->free[0][0] == 0 &&
			   in->free[1][0] == 0 && in->free[1][1] == 0,
			   "claims: side by side");
}
