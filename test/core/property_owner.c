/*-------------------------------------------------------------------------
 *
 * property_owner.c
 *	  Random inputs with reservations: a pass decides as several do, one after
 *	  the other, in none of which there are any.
 *
 * To the jobs of a reservation all nodes are closed but its own, and those
 * from its end on; to all others its nodes are closed while it lasts.  That is
 * all that the reference of backfill needs to know.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"
#include "engine/engine_internal.h"
#include "reference_time.h"

#define NOW 100
#define MAX_OWNERS 3

/* ---- random inputs ---- */

static bool
overlap(const PmOwner *a, const PmOwner *b)
{
	return a->since < b->until && b->since < a->until;
}

/* Each node with the owners of its windows; those of maintenance are kept */
static void
random_own_windows(PmCluster *cluster)
{
	PmWindow   *windows = palloc0(sizeof(PmWindow) * (cluster->nwindows + cluster->nnodes * MAX_OWNERS + 1));
	PmNodeConfig *configs = palloc0(sizeof(PmNodeConfig) * Max(cluster->nnodes, 1));

	if (cluster->nwindows > 0)
		memcpy(windows, cluster->windows, sizeof(PmWindow) * cluster->nwindows);
	for (int n = 0; n < cluster->nnodes; n++)
	{
		int		   *owners = palloc0(sizeof(int) * MAX_OWNERS);
		PmNodeConfig *config = &configs[n];

		*config = cluster->configs[cluster->nodes[n].config];
		config->owners = owners;
		for (int o = 1; o <= cluster->nowners; o++)
		{
			const PmOwner *owner = &cluster->owners[o - 1];
			PmWindow	window = {n, owner->since, owner->until, o};
			bool		taken = core_between(0, 1);

			for (int i = 0; i < config->nowners; i++)
				taken |= overlap(owner, &cluster->owners[owners[i] - 1]);
			if (taken)
				continue;
			owners[config->nowners++] = o;
			if (owner->until > NOW)
				windows[cluster->nwindows++] = window;
		}
		cluster->nodes[n].config = n;
	}
	cluster->nconfigs = cluster->nnodes;
	cluster->configs = configs;
	cluster->windows = windows;
}

/* Some reservations, and whose jobs the shapes are of */
void
core_random_owners(PmCluster *cluster, PmQueue *queue, int64 now)
{
	PmOwner    *owners = palloc0(sizeof(PmOwner) * MAX_OWNERS);
	PmRequest  *requests;

	cluster->nowners = (int) core_between(1, MAX_OWNERS);
	cluster->owners = owners;
	for (int o = 0; o < cluster->nowners; o++)
	{
		owners[o].since = now + core_between(-6, 6);
		owners[o].until = owners[o].since + core_between(1, 10);
	}
	random_own_windows(cluster);
	requests = palloc0(sizeof(PmRequest) * queue->nrequests * (cluster->nowners + 1));
	for (int r = 0; r < queue->nrequests; r++)
	{
		int64	   *amounts = unconstify(int64 *, queue->requests[r].amounts);
		bool		any = false;

		/* one that asks for nothing fits a node on which nothing may run */
		for (int d = 0; d < cluster->ndims; d++)
			any |= amounts[d] > 0;
		if (!any)
			amounts[0] = 1;
		for (int o = 0; o <= cluster->nowners; o++)
		{
			requests[o * queue->nrequests + r] = queue->requests[r];
			requests[o * queue->nrequests + r].owner = o;
		}
	}
	for (int s = 0; s < queue->nshapes; s++)
	{
		int			owner = core_between(0, 1) ? 0 : (int) core_between(1, cluster->nowners);

		for (int g = 0; g < queue->shapes[s].ngroups; g++)
			unconstify(PmTaskGroup *, queue->shapes[s].groups)[g].request += owner * queue->nrequests;
	}
	queue->requests = requests;
	queue->nrequests *= cluster->nowners + 1;
}

/* ---- the reference ---- */

/* The nodes as jobs of an owner see them, without any owner */
static PmCluster *
seen_by(const PmCluster *cluster, int owner)
{
	PmCluster  *seen = palloc(sizeof(PmCluster));
	PmNodeConfig *configs = palloc0(sizeof(PmNodeConfig) * Max(cluster->nconfigs, 1));
	PmWindow   *windows = palloc0(sizeof(PmWindow) * (cluster->nwindows + cluster->nnodes + 1));
	int			n = 0;

	*seen = *cluster;
	for (int c = 0; c < cluster->nconfigs; c++)
	{
		configs[c] = cluster->configs[c];
		configs[c].nowners = 0;
	}
	for (int w = 0; w < cluster->nwindows; w++)
	{
		windows[n] = cluster->windows[w];
		windows[n].owner = 0;
		if (owner != 0 && cluster->windows[w].owner == owner)
		{
			windows[n].since = windows[n].until;
			windows[n].until = PM_NEVER;
		}
		n++;
	}
	for (int i = 0; i < cluster->nnodes && owner != 0; i++)
	{
		const PmNodeConfig *config = &cluster->configs[cluster->nodes[i].config];
		PmWindow	closed = {i, 0, PM_NEVER, 0};
		bool		own = false;

		for (int k = 0; k < config->nowners; k++)
			own |= config->owners[k] == owner;
		if (!own)
			windows[n++] = closed;
	}
	seen->configs = configs;
	seen->nowners = 0;
	seen->nwindows = n;
	seen->windows = windows;
	return seen;
}

/* Its jobs alone, in order; numbers are their indexes in the whole queue */
static PmQueue *
queue_of(const PmQueue *queue, int owner, int *numbers)
{
	PmQueue    *own = palloc(sizeof(PmQueue));

	*own = *queue;
	own->njobs = 0;
	own->jobs = palloc(sizeof(PmJob) * Max(queue->njobs, 1));
	own->requests = palloc(sizeof(PmRequest) * queue->nrequests);
	memcpy(own->requests, queue->requests, sizeof(PmRequest) * queue->nrequests);
	for (int r = 0; r < queue->nrequests; r++)
		own->requests[r].owner = 0;
	for (int i = 0; i < queue->njobs; i++)
	{
		const PmShape *shape = &queue->shapes[queue->jobs[i].shape];

		if (queue->requests[shape->groups[0].request].owner != owner)
			continue;
		numbers[own->njobs] = i;
		own->jobs[own->njobs++] = queue->jobs[i];
	}
	return own;
}

/* What the engine started is what runs by the time of the next turn */
static void
add_started(PmCluster *cluster, const PmQueue *queue, const PmDecision *decision, const PmStart *start)
{
	const PmJob *job = &queue->jobs[start->job];
	PmRunning  *runs = palloc0(sizeof(PmRunning) * (cluster->nruns + 1));
	PmRunning  *run = &runs[cluster->nruns];

	if (cluster->nruns > 0)
		memcpy(runs, cluster->runs, sizeof(PmRunning) * cluster->nruns);
	run->lane = -1;
	run->planned_end = pm_time_add(NOW, job->time_limit);
	run->nholds = start->nplacements;
	run->holds = palloc0(sizeof(PmHold) * start->nplacements);
	for (int p = 0; p < start->nplacements; p++)
	{
		const PmPlacement *placement = &decision->placements[start->first_placement + p];
		const PmRequest *request = &queue->requests[queue->shapes[job->shape].groups[placement->group].request];
		PmHold	   *hold = &run->holds[p];
		int64	   *amounts = palloc0(sizeof(int64) * cluster->ndims);

		for (int d = 0; d < cluster->ndims; d++)
			amounts[d] = request->amounts[d] * placement->replicas;
		hold->node = placement->node;
		hold->group = placement->group;
		hold->replicas = placement->replicas;
		hold->amounts = amounts;
		hold->ndevices = placement->ndevices;
		hold->devices = decision->devices + placement->first_device;
		hold->device_share = placement->device_share;
	}
	cluster->runs = runs;
	cluster->nruns++;
}

static int
owner_of_start(const PmQueue *queue, const PmStart *start)
{
	return queue->requests[queue->shapes[queue->jobs[start->job].shape].groups[0].request].owner;
}

/*
 * The starts and reservations of one turn, from these on, as if it were a whole
 * pass; job indexes are those of the turn's queue.
 */
static PmDecision
turn_of(const PmDecision *decision, const PmQueue *queue, int owner, const int *numbers, int njobs,
		int first_start, int first_reservation)
{
	PmDecision	turn = *decision;

	turn.nstarts = turn.nreservations = 0;
	turn.starts = palloc(sizeof(PmStart) * Max(decision->nstarts, 1));
	turn.reservations = palloc(sizeof(PmReservation) * Max(decision->nreservations, 1));
	for (int i = first_start; i < decision->nstarts; i++)
	{
		if (owner_of_start(queue, &decision->starts[i]) != owner)
			break;
		turn.starts[turn.nstarts] = decision->starts[i];
		for (int k = 0; k < njobs; k++)
			if (numbers[k] == decision->starts[i].job)
				turn.starts[turn.nstarts].job = k;
		turn.nstarts++;
	}
	for (int i = first_reservation; i < decision->nreservations; i++)
		for (int k = 0; k < njobs; k++)
			if (numbers[k] == decision->reservations[i].job)
			{
				turn.reservations[turn.nreservations] = decision->reservations[i];
				turn.reservations[turn.nreservations++].job = k;
			}
	return turn;
}

static bool
same_turn(const PmDecision *turn, const RefTimes *ref, const PmQueue *queue)
{
	if (!core_same_decision(turn, ref->decision, queue) || turn->nreservations != ref->nreservations)
		return false;
	for (int i = 0; i < ref->nreservations; i++)
		if (turn->reservations[i].job != ref->reservations[i].job ||
			turn->reservations[i].at != ref->reservations[i].at)
			return false;
	return true;
}

static bool
is_open(const PmCluster *cluster, int owner)
{
	return owner == 0 || (cluster->owners[owner - 1].since <= NOW &&
						  NOW < cluster->owners[owner - 1].until);
}

void
core_owner_round(int round, PmCluster *cluster, PmQueue *queue, const PmPolicy *policy)
{
	PmCluster  *ref_cluster;
	PmDecision *decision;
	int		   *numbers;
	int			nstarts = 0;
	int			nreservations = 0;
	bool		same = true;

	core_random_owners(cluster, queue, NOW);
	ref_cluster = core_copy_cluster(cluster);
	decision = pm_pass(cluster, queue, policy);
	numbers = palloc(sizeof(int) * Max(queue->njobs, 1));
	for (int turn = 1; turn <= cluster->nowners + 1; turn++)
	{
		int			owner = turn <= cluster->nowners ? turn : 0;
		PmQueue    *own = queue_of(queue, owner, numbers);
		PmDecision	taken = turn_of(decision, queue, owner, numbers, own->njobs, nstarts, nreservations);

		if (is_open(cluster, owner))
			same &= same_turn(&taken, ref_backfill(seen_by(ref_cluster, owner), own, policy), own);
		else
			same &= taken.nstarts == 0 && taken.nreservations == 0;
		for (int i = 0; i < taken.nstarts; i++)
			add_started(ref_cluster, queue, decision, &decision->starts[nstarts + i]);
		nstarts += taken.nstarts;
		nreservations += taken.nreservations;
	}
	core_check(same && nstarts == decision->nstarts && nreservations == decision->nreservations,
			   "owners %d, %d reservations: each turn decides as the reference", round,
			   policy->reservations);
	core_check(core_same_nodes(cluster, ref_cluster), "owners %d: nodes as the reference", round);
}
