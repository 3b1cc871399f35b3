/*-------------------------------------------------------------------------
 *
 * preempt_input.c
 *	  Random small inputs in which runs may have to give way to jobs.
 *
 * What holds for the decisions about them is in preempt_rules.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "preempt.h"

static void
random_node(Input *in, int n)
{
	PmNode	   *node = &in->nodes[n];

	node->node_id = n + 1;
	node->config = 0;
	node->accelerator = core_between(0, 3) > 0 ? 1 : -1;
	node->ndevices = node->accelerator < 0 ? 0 : (int) core_between(1, 4);
	in->capacity[n][0] = core_between(1, 8) * 1000;
	in->capacity[n][1] = node->ndevices * 1000;
	for (int d = 0; d < DIMS; d++)
		in->free[n][d] = in->capacity[n][d];
	for (int i = 0; i < node->ndevices; i++)
		in->device_free[n][i] = 1000;
	node->capacity = in->capacity[n];
	node->free = in->free[n];
	node->device_free = in->device_free[n];
}

static void
random_amounts(int64 *amounts)
{
	amounts[0] = core_between(0, 3) * 1000;
	amounts[1] = core_between(0, 2) * 1000;
	if (core_between(0, 2) == 0)
		amounts[1] = core_between(1, 3) * 250;
	if (amounts[0] == 0 && amounts[1] == 0)
		amounts[0] = 1000;
}

/* One replica more of a hold on its node, if it has room */
static bool
grow_hold(Input *in, const int64 *amounts, PmHold *hold, int64 *held, int *devices)
{
	int			n = hold->node;
	int			share = (int) Min(amounts[1], 1000);
	int			wanted = amounts[1] == 0 ? 0 : (int) Max(amounts[1] / 1000, 1);
	int			found[2];
	int			nfound = 0;

	if (in->free[n][0] < amounts[0] || hold->ndevices + wanted > 8)
		return false;
	for (int i = 0; i < in->nodes[n].ndevices && nfound < wanted; i++)
		if (in->device_free[n][i] >= share)
			found[nfound++] = i;
	if (nfound < wanted)
		return false;
	for (int i = 0; i < nfound; i++)
	{
		in->device_free[n][found[i]] -= share;
		devices[hold->ndevices++] = found[i];
	}
	for (int d = 0; d < DIMS; d++)
	{
		in->free[n][d] -= amounts[d];
		held[d] += amounts[d];
	}
	hold->device_share = share;
	hold->replicas++;
	return true;
}

static void
random_run(Input *in, int lane)
{
	int			r = in->cluster.nruns;
	PmRunning  *run = &in->runs[r];
	int64		amounts[2][DIMS];
	int			replicas[2] = {0};

	run->run_id = r + 1;
	run->job_id = 100 + r;
	run->lane = lane;
	run->sub_pool_id = lane + 1;
	run->priority = (int16) core_between(1, 3);
	run->preemptible = core_between(0, 4) > 0;
	run->stopping = in->policy.stops && core_between(0, 4) == 0;
	run->placed_at = core_between(0, 10);
	run->submitted_at = core_between(0, 10);
	run->planned_end = PM_NEVER;
	run->ngroups = (int) core_between(1, 2);
	run->min_replicas = in->least[r];
	run->holds = in->holds[r];
	for (int g = 0; g < run->ngroups; g++)
		random_amounts(amounts[g]);
	for (int i = 0; i < HOLDS; i++)
	{
		int			g = (int) core_between(0, run->ngroups - 1);
		PmHold	   *hold = &in->holds[r][run->nholds];
		int			wanted = (int) core_between(1, 3);

		memset(hold, 0, sizeof(PmHold));
		memset(in->amounts[r][run->nholds], 0, sizeof(int64) * DIMS);
		hold->node = (int) core_between(0, in->cluster.nnodes - 1);
		hold->group = g;
		hold->amounts = in->amounts[r][run->nholds];
		hold->devices = in->devices[r][run->nholds];
		while (hold->replicas < wanted &&
			   grow_hold(in, amounts[g], hold, in->amounts[r][run->nholds],
						 in->devices[r][run->nholds]))
			replicas[g]++;
		if (hold->replicas > 0)
			run->nholds++;
	}
	for (int g = 0; g < run->ngroups; g++)
		in->least[r][g] = core_between(0, 1) ? replicas[g] : (int) core_between(Min(1, replicas[g]), replicas[g]);
	if (run->nholds > 0)
		in->cluster.nruns++;
	else
		memset(run, 0, sizeof(PmRunning));
}

void
preempt_random_job(Input *in, int i)
{
	PmJob	   *job = &in->jobs[i];

	random_amounts(in->asked[i]);
	in->requests[i].amounts = in->asked[i];
	in->groups[i].request = i;
	in->groups[i].replicas = (int) core_between(1, 4);
	in->groups[i].min_replicas = (int) core_between(1, in->groups[i].replicas);
	in->shapes[i].ngroups = 1;
	in->shapes[i].groups = &in->groups[i];
	job->job_id = i + 1;
	job->submitted_at = core_between(0, 10);
	job->shape = i;
	job->lane = (int) core_between(0, LANES - 1);
	job->priority = (int16) core_between(1, 3);
	job->time_limit = PM_NEVER;
}

/* Caps of lanes that what runs hold keeps */
static void
random_caps(Input *in)
{
	in->capped = true;
	in->policy.reclaim = (PmReclaim) core_between(0, 2);
	for (int l = 0; l < LANES; l++)
	{
		in->available[l][0] = core_between(0, 1) ? PM_CAP_NONE : core_between(0, 4) * 1000;
		for (int d = 0; d < DIMS; d++)
			in->guaranteed[l][d] = core_between(0, 4) * 1000;
		in->available[l][1] = core_between(0, 1) ? PM_CAP_NONE : core_between(0, 3) * 1000;
	}
}

Input *
preempt_random_input(int njobs, bool stops)
{
	Input	   *in = palloc0(sizeof(Input));
	int			nruns = (int) core_between(0, RUNS);

	in->policy.queue = PM_QUEUE_TRAVERSAL;
	in->policy.placement = (PmPlacementPolicy) core_between(0, 1);
	in->policy.now = 10;
	in->policy.preemption = core_between(0, 3) == 0 ? PM_PREEMPT_NEWER_EQUAL : PM_PREEMPT_LOWER;
	in->policy.min_runtime = core_between(0, 1) ? 0 : core_between(0, 5);
	in->policy.stops = stops;
	in->cluster.ndims = DIMS;
	in->cluster.nconfigs = 1;
	in->cluster.configs = &in->config;
	in->cluster.nnodes = (int) core_between(1, NODES);
	in->cluster.nodes = in->nodes;
	in->cluster.runs = in->runs;
	for (int n = 0; n < in->cluster.nnodes; n++)
		random_node(in, n);
	for (int r = 0; r < nruns; r++)
		random_run(in, (int) core_between(0, LANES - 1));
	in->queue.nrequests = in->queue.nshapes = in->queue.njobs = njobs;
	in->queue.requests = in->requests;
	in->queue.shapes = in->shapes;
	in->queue.jobs = in->jobs;
	in->queue.nlanes = LANES;
	for (int i = 0; i < njobs; i++)
		preempt_random_job(in, i);
	if (core_between(0, 2) == 0)
		random_caps(in);
	return in;
}

/* A copy with pointers of its own */
Input *
preempt_copy(const Input *from)
{
	Input	   *in = palloc(sizeof(Input));

	memcpy(in, from, sizeof(Input));
	in->cluster.configs = &in->config;
	in->cluster.nodes = in->nodes;
	in->cluster.runs = in->runs;
	for (int n = 0; n < NODES; n++)
	{
		in->nodes[n].capacity = in->capacity[n];
		in->nodes[n].free = in->free[n];
		in->nodes[n].device_free = in->device_free[n];
	}
	for (int r = 0; r < RUNS; r++)
	{
		in->runs[r].holds = in->holds[r];
		in->runs[r].min_replicas = in->least[r];
		for (int h = 0; h < HOLDS; h++)
		{
			in->holds[r][h].amounts = in->amounts[r][h];
			in->holds[r][h].devices = in->devices[r][h];
		}
	}
	in->queue.requests = in->requests;
	in->queue.shapes = in->shapes;
	in->queue.jobs = in->jobs;
	for (int i = 0; i < JOBS; i++)
	{
		in->requests[i].amounts = in->asked[i];
		in->shapes[i].groups = &in->groups[i];
	}
	return in;
}

/* A pass over it, which sees the lanes as they are now */
PmDecision *
preempt_pass(Input *in)
{
	memset(in->held, 0, sizeof(in->held));
	for (int r = 0; r < in->cluster.nruns; r++)
		for (int h = 0; h < in->runs[r].nholds; h++)
			for (int d = 0; d < DIMS; d++)
				in->held[in->runs[r].lane][d] += in->amounts[r][h][d];
	memset(in->lanes, 0, sizeof(in->lanes));
	in->queue.lanes = in->capped ? in->lanes : NULL;
	for (int l = 0; l < LANES; l++)
	{
		in->lanes[l].sub_pool_id = l + 1;
		in->lanes[l].parent = -1;
		in->lanes[l].held = in->held[l];
		in->lanes[l].upper = in->upper[l];
		in->lanes[l].guaranteed = in->guaranteed[l];
		for (int d = 0; d < DIMS; d++)
			in->upper[l][d] = in->available[l][d] == PM_CAP_NONE ? INT64CONST(1) << 40 :
				in->available[l][d] + in->held[l][d];
	}
	return pm_pass(&in->cluster, &in->queue, &in->policy);
}
