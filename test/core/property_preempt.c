/*-------------------------------------------------------------------------
 *
 * property_preempt.c
 *	  Preemption on small random inputs, against brute force: who may go, that
 *	  nobody goes in vain, that no fewer would do, and that who waits for runs
 *	  to stop gets what they leave.
 *
 * It shares no code with the engine but the pass that it tests.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"

#define DIMS	2				/* cores, devices */
#define NODES	4
#define RUNS	6
#define HOLDS	4
#define LANES	2
#define JOBS	5

typedef struct Input
{
	PmCluster	cluster;
	PmNode		nodes[NODES];
	PmNodeConfig config;
	int64		capacity[NODES][DIMS];
	int64		free[NODES][DIMS];
	int32		device_free[NODES][8];
	PmRunning	runs[RUNS];
	PmHold		holds[RUNS][HOLDS];
	int64		amounts[RUNS][HOLDS][DIMS];
	int			devices[RUNS][HOLDS][8];
	int			least[RUNS][2];
	PmQueue		queue;
	PmRequest	requests[JOBS];
	int64		asked[JOBS][DIMS];
	PmShape		shapes[JOBS];
	PmTaskGroup groups[JOBS];
	PmJob		jobs[JOBS];
	bool		capped;
	int64		available[LANES][DIMS]; /* up to the upper quotas, if capped */
	PmLane		lanes[LANES];
	int64		upper[LANES][DIMS];
	int64		held[LANES][DIMS];
	int64		guaranteed[LANES][DIMS];
	PmPolicy	policy;
} Input;

/* Replicas of each hold of each run that are still there */
typedef struct Stay
{
	int			of[RUNS][HOLDS];
} Stay;

/* ---- inputs ---- */

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

static void
random_job(Input *in, int i)
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

static Input *
random_input(int njobs, bool stops)
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
		random_job(in, i);
	if (core_between(0, 2) == 0)
		random_caps(in);
	return in;
}

/* A copy with pointers of its own */
static Input *
copy_input(const Input *from)
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
static PmDecision *
pass(Input *in)
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

/* ---- brute force ---- */

static Stay
all_stay(const Input *in)
{
	Stay		stay = {0};

	for (int r = 0; r < in->cluster.nruns; r++)
		for (int h = 0; h < in->runs[r].nholds; h++)
			stay.of[r][h] = in->holds[r][h].replicas;
	return stay;
}

/* Gives back to the nodes and caps of an input what does not stay */
static void
give_back(Input *in, const Stay *stay)
{
	for (int r = 0; r < in->cluster.nruns; r++)
		for (int h = 0; h < in->runs[r].nholds; h++)
		{
			PmHold	   *hold = &in->holds[r][h];
			int			goes = hold->replicas - stay->of[r][h];
			int			per = hold->replicas == 0 ? 0 : hold->ndevices / hold->replicas;

			if (goes == 0)
				continue;
			for (int d = 0; d < DIMS; d++)
			{
				int64		one = in->amounts[r][h][d] / hold->replicas;

				in->free[hold->node][d] += one * goes;
				if (in->capped && in->available[in->runs[r].lane][d] != PM_CAP_NONE)
					in->available[in->runs[r].lane][d] += one * goes;
				in->amounts[r][h][d] -= one * goes;
			}
			for (int i = per * stay->of[r][h]; i < hold->ndevices; i++)
				in->device_free[hold->node][hold->devices[i]] += hold->device_share;
			hold->ndevices = per * stay->of[r][h];
			hold->replicas = stay->of[r][h];
		}
}

/* How many replicas of what a job asks for have room side by side */
static bool
has_room(const Input *in, const PmJob *job)
{
	const int64 *asked = in->asked[job->shape];
	int64		min = in->groups[job->shape].min_replicas;
	int64		total = 0;

	for (int d = 0; d < DIMS && in->capped; d++)
		if (asked[d] > 0 && in->available[job->lane][d] != PM_CAP_NONE &&
			in->available[job->lane][d] < asked[d] * min)
			return false;
	for (int n = 0; n < in->cluster.nnodes; n++)
	{
		int64		here = min;
		int64		room = 0;

		if (asked[0] > 0)
			here = Min(here, in->free[n][0] / asked[0]);
		for (int i = 0; i < in->nodes[n].ndevices; i++)
		{
			if (asked[1] % 1000 != 0)
				room += in->device_free[n][i] / asked[1];
			else if (in->device_free[n][i] == 1000)
				room++;
		}
		if (asked[1] > 0 && asked[1] % 1000 == 0)
			room /= asked[1] / 1000;
		if (asked[1] > 0)
			here = Min(here, room);
		total += here;
	}
	return total >= min;
}

static bool
fits_beside(const Input *in, const Stay *stay, const PmJob *job)
{
	Input	   *copy = copy_input(in);
	bool		fits;

	give_back(copy, stay);
	fits = has_room(copy, job);
	pfree(copy);
	return fits;
}

static bool
may_go(const Input *in, const PmRunning *run, const PmJob *job)
{
	if (!run->preemptible || run->stopping || run->lane != job->lane ||
		in->policy.now - run->placed_at < in->policy.min_runtime)
		return false;
	return run->priority < job->priority ||
		(in->policy.preemption == PM_PREEMPT_NEWER_EQUAL && run->priority == job->priority &&
		 run->submitted_at > job->submitted_at);
}

/* May it be taken back from another lane, which holds more than is its own? */
static bool
may_be_reclaimed(const Input *in, const PmRunning *run, const PmJob *job)
{
	int			r = (int) (run - in->runs);
	bool		owes = false;

	if (in->policy.reclaim == PM_RECLAIM_NEVER || !in->capped || !run->preemptible ||
		run->stopping || run->lane == job->lane ||
		in->policy.now - run->placed_at < in->policy.min_runtime ||
		(in->policy.reclaim == PM_RECLAIM_LOWER && run->priority >= job->priority))
		return false;
	for (int d = 0; d < DIMS; d++)
	{
		int64		held = 0;
		int64		own = 0;

		for (int o = 0; o < in->cluster.nruns; o++)
			for (int h = 0; h < in->runs[o].nholds; h++)
			{
				held += in->runs[o].lane == run->lane ? in->amounts[o][h][d] : 0;
				own += o == r ? in->amounts[o][h][d] : 0;
			}
		owes |= in->asked[job->shape][d] > 0 && own > 0 && held > in->guaranteed[run->lane][d];
	}
	return owes;
}

/* Would the lane of a job stay within its guarantee with it? */
static bool
stays_within(const Input *in, const Stay *stay, const PmJob *job)
{
	for (int d = 0; d < DIMS; d++)
	{
		int64		amount = in->asked[job->shape][d] * in->groups[job->shape].min_replicas;

		for (int r = 0; r < in->cluster.nruns && amount > 0; r++)
			for (int h = 0; h < in->runs[r].nholds && in->runs[r].lane == job->lane; h++)
				amount += in->amounts[r][h][d] / in->holds[r][h].replicas * stay->of[r][h];
		if (amount > in->guaranteed[job->lane][d] && in->asked[job->shape][d] > 0)
			return false;
	}
	return true;
}

static bool
reclaims(const Input *in, const PmDecision *decision, const PmJob *job)
{
	for (int i = 0; i < decision->nvictims; i++)
		if (in->runs[decision->victims[i].run].lane != job->lane)
			return true;
	return false;
}

static const PmJob *
job_of(const Input *in, int index)
{
	return &in->jobs[index];
}

/* What stays after the decision's victims; stopping runs go too if asked */
static Stay
stay_after(const Input *in, const PmDecision *decision, bool stopping)
{
	Stay		stay = all_stay(in);

	for (int i = 0; i < decision->nvictims; i++)
	{
		const PmVictim *victim = &decision->victims[i];

		for (int h = 0; h < in->runs[victim->run].nholds && victim->whole; h++)
			stay.of[victim->run][h] = 0;
		for (int s = 0; s < victim->nsheds; s++)
			stay.of[victim->run][decision->sheds[victim->first_shed + s].hold] -=
				decision->sheds[victim->first_shed + s].replicas;
	}
	for (int r = 0; r < in->cluster.nruns && stopping; r++)
		if (in->runs[r].stopping)
			memset(stay.of[r], 0, sizeof(stay.of[r]));
	return stay;
}

/* Every victim may go, and goes for a job that starts or will; gangs whole */
static bool
victims_allowed(const Input *in, const Input *after, const PmDecision *decision)
{
	Stay		stay = stay_after(in, decision, false);

	for (int i = 0; i < decision->nvictims; i++)
	{
		const PmVictim *victim = &decision->victims[i];
		bool		starts = false;

		if (!may_go(in, &in->runs[victim->run], job_of(after, victim->job)) &&
			in->queue.njobs == 1 &&
			!may_be_reclaimed(in, &in->runs[victim->run], job_of(after, victim->job)))
			return false;
		for (int s = 0; s < decision->nstarts; s++)
			starts |= decision->starts[s].job == victim->job;
		for (int c = 0; c < decision->nclaims; c++)
			starts |= decision->claims[c] == victim->job;
		if (!starts || (in->policy.stops && !victim->whole))
			return false;
	}
	for (int r = 0; r < in->cluster.nruns; r++)
	{
		int			left[2] = {0};
		int			all = 0;

		for (int h = 0; h < in->runs[r].nholds; h++)
		{
			if (stay.of[r][h] < 0)
				return false;
			left[in->holds[r][h].group] += stay.of[r][h];
			all += stay.of[r][h];
		}
		for (int g = 0; g < in->runs[r].ngroups && all > 0; g++)
			if (left[g] < in->least[r][g])
				return false;
	}
	return true;
}

static bool
would_do(const Input *in, const Stay *stay, const PmJob *job, bool within)
{
	return fits_beside(in, stay, job) && (!within || stays_within(in, stay, job));
}

/* No proper subset of who goes would do: with any one replica back it does not fit */
static bool
is_minimal(const Input *in, const PmDecision *decision, const PmJob *job)
{
	Stay		stay = stay_after(in, decision, true);
	bool		within = reclaims(in, decision, job);

	for (int i = 0; i < decision->nvictims; i++)
	{
		const PmVictim *victim = &decision->victims[i];
		Stay		other = stay;

		if (victim->whole)
			for (int h = 0; h < in->runs[victim->run].nholds; h++)
				other.of[victim->run][h] = in->holds[victim->run][h].replicas;
		if (victim->whole && would_do(in, &other, job, within))
			return false;
		/* nor would its minimum be in the way, where it is clear which replicas that is */
		if (victim->whole && !in->policy.stops && in->runs[victim->run].nholds == 1)
		{
			other.of[victim->run][0] = in->least[victim->run][in->holds[victim->run][0].group];
			if (other.of[victim->run][0] > 0 && would_do(in, &other, job, within))
				return false;
		}
		for (int s = 0; s < victim->nsheds; s++)
		{
			other = stay;
			other.of[victim->run][decision->sheds[victim->first_shed + s].hold]++;
			if (would_do(in, &other, job, within))
				return false;
		}
	}
	return true;
}

/* Of all sets of runs that may go, does one do? */
static bool
some_set_does(const Input *in, const PmJob *job)
{
	for (int set = 0; set < 1 << in->cluster.nruns; set++)
	{
		Stay		stay = all_stay(in);
		bool		allowed = true;

		for (int r = 0; r < in->cluster.nruns; r++)
		{
			if (set & (1 << r))
			{
				allowed &= may_go(in, &in->runs[r], job);
				memset(stay.of[r], 0, sizeof(stay.of[r]));
			}
			else if (in->runs[r].stopping)
				memset(stay.of[r], 0, sizeof(stay.of[r]));
		}
		if (allowed && fits_beside(in, &stay, job))
			return true;
	}
	return false;
}

static bool
may_preempt_any(const Input *in, const PmJob *job)
{
	for (int r = 0; r < in->cluster.nruns; r++)
		if (may_go(in, &in->runs[r], job))
			return true;
	return false;
}

/*
 * The order in which they are taken, done from the start for every step: the
 * shortest row of candidates that does, of which then, from the end, each one
 * is left out without which it still does.
 */
static bool
as_by_the_rule(const Input *in, const PmDecision *decision, const PmJob *job)
{
	int			row[RUNS];
	int			n = 0;
	int			taken = 0;
	bool		out[RUNS] = {false};

	for (int r = 0; r < in->cluster.nruns; r++)
	{
		int			at = n;

		if (!may_go(in, &in->runs[r], job))
			continue;
		for (; at > 0; at--)
		{
			const PmRunning *a = &in->runs[row[at - 1]];
			const PmRunning *b = &in->runs[r];

			if (a->priority < b->priority ||
				(a->priority == b->priority && (a->placed_at > b->placed_at)))
				break;
			row[at] = row[at - 1];
		}
		row[at] = r;
		n++;
	}
	for (int step = 0; step <= 2 * n; step++)
	{
		Stay		stay = all_stay(in);

		for (int r = 0; r < in->cluster.nruns; r++)
			if (in->runs[r].stopping || out[r])
				memset(stay.of[r], 0, sizeof(stay.of[r]));
		if (step < n)
		{
			if (fits_beside(in, &stay, job))
				step = n;
			else
			{
				out[row[step]] = true;
				taken = step + 1;
				continue;
			}
		}
		if (step > n || taken == 0)
			break;
		for (int i = taken - 1; i >= 0; i--)
		{
			Stay		other = stay;

			memcpy(other.of[row[i]], all_stay(in).of[row[i]], sizeof(other.of[0]));
			if (!fits_beside(in, &other, job))
				continue;
			stay = other;
			out[row[i]] = false;
		}
		break;
	}
	for (int r = 0; r < in->cluster.nruns; r++)
	{
		bool		victim = false;

		for (int i = 0; i < decision->nvictims; i++)
			victim |= decision->victims[i].run == r;
		if (victim != out[r])
			return false;
	}
	return true;
}

/* The nodes are what they were, with victims gone and starts there */
static bool
books_agree(const Input *in, const Input *after, const PmDecision *decision)
{
	Input	   *book = copy_input(in);
	Stay		stay = stay_after(in, decision, false);

	if (!in->policy.stops)
		give_back(book, &stay);
	for (int i = 0; i < decision->nplacements; i++)
	{
		const PmPlacement *p = &decision->placements[i];
		int			j = 0;

		while (!(i >= decision->starts[j].first_placement &&
				 i < decision->starts[j].first_placement + decision->starts[j].nplacements))
			j++;
		j = after->jobs[decision->starts[j].job].shape;
		for (int d = 0; d < DIMS; d++)
			book->free[p->node][d] -= p->replicas * in->asked[j][d];
		for (int k = 0; k < p->ndevices; k++)
			book->device_free[p->node][decision->devices[p->first_device + k]] -= p->device_share;
	}
	for (int n = 0; n < in->cluster.nnodes; n++)
	{
		for (int d = 0; d < DIMS; d++)
			if (book->free[n][d] < 0 ||
				(decision->nclaims == 0 && book->free[n][d] != after->free[n][d]))
				return false;
		for (int i = 0; i < in->nodes[n].ndevices; i++)
			if (book->device_free[n][i] < 0)
				return false;
	}
	pfree(book);
	return true;
}

/* One job alone: everything can be compared with brute force */
static void
one_job(int round, bool stops)
{
	Input	   *in = random_input(1, stops);
	Input	   *after = copy_input(in);
	PmDecision *decision = pass(after);
	const PmJob *job = &in->jobs[0];
	bool		now = has_room(in, job);
	bool		could = now || (may_preempt_any(in, job) && some_set_does(in, job));

	core_check(victims_allowed(in, after, decision), "preemption %d: only who may go, gangs whole", round);
	if (reclaims(in, decision, job))
	{
		Stay		stay = stay_after(in, decision, true);

		core_check(would_do(in, &stay, job, true) && !now && decision->nstarts + decision->nclaims == 1,
				   "preemption %d: what is reclaimed is its own", round);
		core_check(is_minimal(in, decision, job), "preemption %d: none could stay", round);
		core_check(books_agree(in, after, decision), "preemption %d: books agree", round);
		return;
	}
	core_check(decision->nstarts + decision->nclaims == (could ? 1 : 0) ||
			   (in->policy.stops && in->policy.reclaim != PM_RECLAIM_NEVER && in->capped),
			   "preemption %d: it gets room if brute force finds any", round);
	core_check(!now || (decision->nvictims == 0 && decision->nstarts == 1),
			   "preemption %d: nobody goes where there is room", round);
	core_check(could || decision->nvictims == 0, "preemption %d: nobody goes in vain", round);
	core_check(is_minimal(in, decision, job), "preemption %d: none could stay", round);
	core_check(now || !could || as_by_the_rule(in, decision, job),
			   "preemption %d: victims by the rule", round);
	core_check(books_agree(in, after, decision), "preemption %d: books agree", round);
	if (!stops && could && !now)
		core_check(decision->nvictims > 0, "preemption %d: room comes from somebody", round);
}

/* Several jobs: nobody is over-allocated, nobody goes in vain */
static void
many_jobs(int round)
{
	Input	   *in = random_input((int) core_between(2, JOBS), false);
	Input	   *after;
	PmDecision *decision;

	in->policy.queue = (PmQueuePolicy) core_between(0, 2);
	after = copy_input(in);
	decision = pass(after);
	core_check(victims_allowed(in, after, decision), "preemption %d, many: only who may go", round);
	core_check(books_agree(in, after, decision), "preemption %d, many: books agree", round);
}

/*
 * In a pool with agents: what was claimed is there when the runs have stopped,
 * whoever came meanwhile, and nobody else is stopped for it.
 */
static void
claims_hold(int round)
{
	Input	   *in = random_input((int) core_between(1, 3), true);
	Input	   *after = copy_input(in);
	Input	   *then;
	PmDecision *decision;
	PmDecision *later;
	bool		started[JOBS] = {false};
	int			nclaims;
	Stay		stay;

	decision = pass(after);
	core_check(victims_allowed(in, after, decision), "claims %d: only who may go", round);
	core_check(books_agree(in, after, decision), "claims %d: books agree", round);

	/* the tables afterwards: starts are there, victims stop, one more job comes */
	nclaims = decision->nclaims;
	then = copy_input(in);
	memcpy(then->jobs, after->jobs, sizeof(then->jobs));
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmStart *start = &decision->starts[i];

		started[start->job] = true;
		for (int k = 0; k < start->nplacements; k++)
		{
			const PmPlacement *p = &decision->placements[start->first_placement + k];
			const PmJob *job = &then->jobs[start->job];

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
	for (int i = 0; i < decision->nvictims; i++)
		then->runs[decision->victims[i].run].stopping = true;
	for (int i = 0; i < nclaims; i++)
		then->jobs[decision->claims[i]].claims_since = 1;
	then->queue.njobs = 0;
	for (int i = 0; i < in->queue.njobs; i++)
		if (!started[i])
			then->jobs[then->queue.njobs++] = then->jobs[i];
	random_job(then, JOBS - 1);
	then->jobs[JOBS - 1].priority = 4;
	then->jobs[then->queue.njobs++] = then->jobs[JOBS - 1];
	then->jobs[then->queue.njobs - 1].job_id = 99;
	then->queue.nrequests = then->queue.nshapes = JOBS;
	for (int i = in->queue.njobs; i < JOBS - 1; i++)
		random_job(then, i);	/* shapes without jobs */
	for (int i = 0, k = 0; i < in->queue.njobs; i++)
		if (!started[i])
			then->jobs[k++] = after->jobs[i];
	for (int i = 0; i < then->queue.njobs - 1; i++)
		for (int c = 0; c < nclaims; c++)
			if (then->jobs[i].job_id == after->jobs[decision->claims[c]].job_id)
				then->jobs[i].claims_since = 1;

	/* half of the time, all that stops has stopped by then */
	if (core_between(0, 1))
	{
		stay = all_stay(then);
		for (int r = 0; r < then->cluster.nruns; r++)
			if (then->runs[r].stopping)
				memset(stay.of[r], 0, sizeof(stay.of[r]));
		give_back(then, &stay);
		for (int r = 0; r < then->cluster.nruns; r++)
			then->runs[r].stopping = then->runs[r].preemptible = false;
	}
	then->policy.preemption = PM_PREEMPT_NEVER;
	later = pass(then);
	core_check(later->nvictims == 0, "claims %d: nobody else goes", round);
	for (int j = 0; j < nclaims; j++)
	{
		bool		ok = false;

		for (int i = 0; i < later->nstarts; i++)
			ok |= later->starts[i].job == j && then->jobs[j].claims_since != 0;
		for (int i = 0; i < later->nclaims; i++)
			ok |= later->claims[i] == j;
		core_check(ok, "claims %d: claim %d holds", round, j);
	}
}

void
core_preemption(int rounds)
{
	for (int round = 0; round < rounds; round++)
	{
		core_seed(1000000 + round);
		core_fresh_memory();
		one_job(round, round % 4 == 3);
		many_jobs(round);
		claims_hold(round);
	}
}
