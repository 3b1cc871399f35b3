/*-------------------------------------------------------------------------
 *
 * property_time.c
 *	  Random inputs for what looks at time: passes with backfill decide as a
 *	  slow reference does, and a future that is played through keeps what was
 *	  promised.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"
#include "engine/scheduler.h"
#include "reference_time.h"

#define NOW 100

/* ---- random inputs ---- */

/* A small part of what a node has free, any devices of it */
static bool
random_hold(PmCluster *cluster, PmHold *hold)
{
	int			n = (int) core_between(0, cluster->nnodes - 1);
	PmNode	   *node = &cluster->nodes[n];
	int64	   *amounts = palloc0(sizeof(int64) * cluster->ndims);
	int		   *devices = palloc0(sizeof(int) * Max(node->ndevices, 1));
	int			share = core_between(0, 2) > 0 ? PM_DEVICE_WHOLE : (int) core_between(1, 3) * 250;

	memset(hold, 0, sizeof(*hold));
	hold->node = n;
	hold->replicas = 1;
	hold->amounts = amounts;
	hold->devices = devices;
	hold->device_share = share;
	for (int d = 0; d < cluster->ndims; d++)
		if (d != node->accelerator)
			amounts[d] = core_between(0, 2) == 0 ? 0 :
				core_between(0, 1) ? node->free[d] : node->free[d] / 4 * core_between(1, 3);
	for (int i = 0; i < node->ndevices; i++)
	{
		if (node->device_free[i] < share || core_between(0, 1) ||
			(share < PM_DEVICE_WHOLE && hold->ndevices == 1))
			continue;
		devices[hold->ndevices++] = i;
		node->device_free[i] -= share;
		amounts[node->accelerator] += share;
	}
	for (int d = 0; d < cluster->ndims; d++)
		node->free[d] -= amounts[d];
	return true;
}

static void
random_runs(PmCluster *cluster, bool overdue)
{
	int			most = cluster->nnodes > 0 ? (int) core_between(0, 8) : 0;

	cluster->runs = palloc0(sizeof(PmRunning) * Max(most, 1));
	for (; cluster->nruns < most; cluster->nruns++)
	{
		PmRunning  *run = &cluster->runs[cluster->nruns];

		run->run_id = cluster->nruns + 1;
		run->lane = -1;
		run->planned_end = core_between(0, 6) == 0 ? PM_NEVER :
			NOW + core_between(overdue ? -2 : 1, 12);
		run->nholds = (int) core_between(1, 3);
		run->holds = palloc(sizeof(PmHold) * run->nholds);
		for (int h = 0; h < run->nholds; h++)
			random_hold(cluster, &run->holds[h]);
	}
}

static void
random_windows(PmCluster *cluster)
{
	int			n = cluster->nnodes > 0 && core_between(0, 1) ? (int) core_between(1, 3) : 0;
	PmWindow   *windows = palloc0(sizeof(PmWindow) * Max(n, 1));

	cluster->windows = windows;
	for (; cluster->nwindows < n; cluster->nwindows++)
	{
		PmWindow   *window = &windows[cluster->nwindows];

		window->node = (int) core_between(0, cluster->nnodes - 1);
		window->since = NOW + core_between(-4, 10);
		window->until = core_between(0, 2) == 0 ? PM_NEVER : window->since + core_between(1, 8);
	}
}

static PmCluster *
random_cluster(bool overdue)
{
	PmCluster  *cluster = core_random_cluster(1);
	int			most = (int) core_between(1, 8);

	cluster->nnodes = Min(cluster->nnodes, most);
	random_runs(cluster, overdue);
	random_windows(cluster);
	return cluster;
}

static PmQueue *
random_queue(const PmCluster *cluster, int64 longest)
{
	PmQueue    *queue = core_random_queue(cluster, 1);

	queue->njobs = Min(queue->njobs, 24);
	for (int i = 0; i < queue->njobs; i++)
		queue->jobs[i].time_limit = core_between(0, 7) == 0 ? PM_NEVER : core_between(1, longest);
	return queue;
}

static PmPolicy
random_policy(void)
{
	PmPolicy	policy = {0};

	policy.queue = PM_QUEUE_BACKFILL;
	policy.placement = (PmPlacementPolicy) core_between(0, 2);
	policy.now = NOW;
	policy.order = core_between(0, 4) == 0 ? PM_ORDER_SHORTEST : PM_ORDER_PRIORITY;
	policy.reservations = (int) core_between(0, 3);
	policy.backfill_shortest = core_between(0, 3) == 0;
	return policy;
}

/* ---- one pass against the reference ---- */

static bool
same_reservations(const PmDecision *decision, const RefTimes *ref)
{
	if (decision->nreservations != ref->nreservations)
		return false;
	for (int i = 0; i < ref->nreservations; i++)
		if (decision->reservations[i].job != ref->reservations[i].job ||
			decision->reservations[i].at != ref->reservations[i].at)
			return false;
	return true;
}

static void
one_pass(int round)
{
	PmPolicy	policy = random_policy();
	PmCluster  *cluster = random_cluster(true);
	PmQueue    *queue = random_queue(cluster, core_between(1, 12));
	PmCluster  *ref_cluster = core_copy_cluster(cluster);
	PmQueue    *ref_queue;
	PmDecision *decision = pm_pass(cluster, queue, &policy);
	RefTimes   *ref;

	ref_queue = core_copy_queue(cluster, queue);
	ref = ref_backfill(ref_cluster, ref_queue, &policy);
	core_check(same_reservations(decision, ref),
			   "time %d, %d reservations: promised as by the reference", round,
			   policy.reservations);
	core_check(core_same_decision(decision, ref->decision, queue) &&
			   core_same_nodes(cluster, ref_cluster),
			   "time %d, %d reservations: decides as the reference", round,
			   policy.reservations);
}

static void
one_pass_with_owners(int round)
{
	PmPolicy	policy = random_policy();
	PmCluster  *cluster = random_cluster(true);
	PmQueue    *queue = random_queue(cluster, core_between(1, 12));

	core_owner_round(round, cluster, queue, &policy);
}

/* ---- withholding for a time ---- */

static void
one_step(int round)
{
	PmPolicy	policy = random_policy();
	PmCluster  *cluster = core_random_cluster(1);
	PmQueue    *queue = core_random_queue(cluster, 1);
	PmCluster  *ref_cluster = core_copy_cluster(cluster);
	PmQueue    *ref_queue;
	PmDecision *decision;
	RefDecision *ref;

	policy.queue = core_between(0, 1) ? PM_QUEUE_STEPPED : PM_QUEUE_TIERED;
	policy.step_timeout = core_between(0, 4) == 0 ? PM_NEVER : core_between(0, 6);
	for (int i = 0; i < queue->njobs; i++)
	{
		queue->jobs[i].priority = (int16) core_between(1, 3);
		queue->jobs[i].locked_since = core_between(0, 1) ? 0 : NOW - core_between(0, 6);
	}
	ref_queue = core_copy_queue(cluster, queue);
	decision = pm_pass(cluster, queue, &policy);
	ref = ref_pass(ref_cluster, ref_queue, &policy);
	core_check(core_same_decision(decision, ref, queue) &&
			   core_same_nodes(cluster, ref_cluster) && decision->nlocks == ref->nlocks &&
			   (ref->nlocks == 0 ||
				memcmp(decision->locks, ref->locks, sizeof(int) * ref->nlocks) == 0),
			   "step %d, policy %d: decides and withholds as the reference", round, policy.queue);
}

/* ---- a future ---- */

typedef struct Future
{
	PmScheduler *scheduler;
	PmCluster  *cluster;
	PmQueue    *queue;
	const PmPolicy *policy;
	int64	   *starts;			/* [njobs] */
	int64	   *promised;		/* [njobs]: PM_NEVER: nothing yet */
	int64	   *promised_first; /* [njobs]: while it was the first */
	bool		kept;			/* promises, for all who had one */
	bool		kept_first;		/* for the first of each pass */
	bool		sound;			/* nowhere less than nothing free */
	bool		avoided;		/* nothing runs into maintenance, nor in or out of
								 * reservations */
	bool		in_turn;		/* nobody overtakes in a lane */
} Future;

/* Does a job ask for anything on a node? */
static bool
asks(const Future *future, const PmJob *job, int group)
{
	const PmShape *shape = &future->queue->shapes[job->shape];
	const PmRequest *request = &future->queue->requests[shape->groups[group].request];
	bool		any = false;

	for (int d = 0; d < future->cluster->ndims; d++)
		any |= request->amounts[d] > 0;
	return any;
}

static int
owner_of(const Future *future, const PmJob *job)
{
	return future->queue->requests[future->queue->shapes[job->shape].groups[0].request].owner;
}

static void
look_at_start(Future *future, const PmDecision *decision, const PmStart *start, int64 now)
{
	const PmJob *job = &future->queue->jobs[start->job];
	int64		until = pm_time_add(now, job->time_limit);
	int			owner = owner_of(future, job);

	future->starts[start->job] = now;
	future->kept &= now <= future->promised[start->job];
	for (int p = 0; p < start->nplacements; p++)
	{
		const PmPlacement *placement = &decision->placements[start->first_placement + p];
		bool		owned = false;

		for (int w = 0; w < future->cluster->nwindows; w++)
		{
			const PmWindow *window = &future->cluster->windows[w];

			if (window->node == placement->node && asks(future, job, placement->group) &&
				window->since < until && now < window->until &&
				(window->owner == 0 || window->owner != owner))
				future->avoided = false;
			owned |= window->node == placement->node && window->owner == owner &&
				window->since <= now && until <= window->until;
		}
		future->avoided &= owner == 0 || owned;
	}
	for (int i = 0; i < start->job; i++)
		if (future->queue->jobs[i].lane == job->lane && future->starts[i] == PM_NEVER &&
			owner_of(future, &future->queue->jobs[i]) == owner)
			future->in_turn = false;
}

static void
look_at_nodes(Future *future)
{
	for (int n = 0; n < future->cluster->nnodes; n++)
	{
		const PmNode *node = &future->cluster->nodes[n];
		int64		sum = 0;

		for (int d = 0; d < future->cluster->ndims; d++)
			future->sound &= node->free[d] >= 0 && node->free[d] <= node->capacity[d];
		for (int i = 0; i < node->ndevices; i++)
		{
			future->sound &= node->device_free[i] >= 0 &&
				node->device_free[i] <= PM_DEVICE_WHOLE;
			sum += node->device_free[i];
		}
		if (node->accelerator >= 0)
			future->sound &= node->free[node->accelerator] == sum;
	}
}

/* The next instant at which a run ends, a window does, or a reservation begins;
 * PM_NEVER: none */
static int64
next_instant(const Future *future, int64 now)
{
	int64		at = PM_NEVER;

	for (int r = 0; r < future->scheduler->nlive; r++)
		if (!future->scheduler->live[r].ended)
			at = Min(at, Max(future->scheduler->live[r].planned_end, NOW));
	for (int o = 0; o < future->cluster->nowners; o++)
		if (future->cluster->owners[o].since > now)
			at = Min(at, future->cluster->owners[o].since);
	for (int w = 0; w < future->cluster->nwindows; w++)
		if (future->cluster->windows[w].until > now)
			at = Min(at, future->cluster->windows[w].until);
	return at;
}

/* Runs end when they are planned to, and nothing new comes; looks: of searches */
static void
play(Future *future, PmCluster *cluster, PmQueue *queue, const PmPolicy *policy, int looks)
{
	memset(future, 0, sizeof(*future));
	future->kept = future->kept_first = future->sound = future->avoided = future->in_turn = true;
	future->cluster = cluster;
	future->queue = queue;
	future->policy = policy;
	future->starts = palloc(sizeof(int64) * Max(queue->njobs, 1));
	future->promised = palloc(sizeof(int64) * Max(queue->njobs, 1));
	future->promised_first = palloc(sizeof(int64) * Max(queue->njobs, 1));
	pm_order_jobs(queue->jobs, queue->njobs, policy->order);
	future->scheduler = pm_scheduler_create(cluster, queue, policy, true);
	future->scheduler->space->looks = looks;
	for (int i = 0; i < queue->njobs; i++)
	{
		future->starts[i] = future->promised[i] = future->promised_first[i] = PM_NEVER;
		pm_scheduler_submit(future->scheduler, i);
	}
	for (int64 now = policy->now; now != PM_NEVER; now = next_instant(future, now))
	{
		PmDecision *decision;

		for (int r = 0; r < future->scheduler->nlive; r++)
			if (!future->scheduler->live[r].ended &&
				future->scheduler->live[r].planned_end <= now && now > policy->now)
				pm_scheduler_finish(future->scheduler, r);
		decision = pm_scheduler_pass(future->scheduler, now);
		for (int i = 0; i < decision->nstarts; i++)
			look_at_start(future, decision, &decision->starts[i], now);
		for (int i = 0; i < decision->nreservations; i++)
		{
			const PmReservation *reservation = &decision->reservations[i];
			int64	   *promised = &future->promised[reservation->job];

			future->sound &= reservation->at > now;
			future->kept &= reservation->at <= *promised;
			*promised = Min(*promised, reservation->at);
			/* what it was promised while others came before it does not count */
			if (i == 0)
			{
				promised = &future->promised_first[reservation->job];
				future->kept_first &= reservation->at <= *promised;
				*promised = Min(*promised, reservation->at);
			}
		}
		look_at_nodes(future);
		pm_scheduler_end_pass(future->scheduler);
	}
}

static void
one_future(int round, bool owners)
{
	PmPolicy	policy = random_policy();
	PmCluster  *cluster = random_cluster(false);
	PmQueue    *queue = random_queue(cluster, core_between(1, 12));
	PmCluster  *again;
	bool		single = core_between(0, 1);
	Future		future;
	int64	   *starts;

	if (owners)
		core_random_owners(cluster, queue, NOW);
	again = core_copy_cluster(cluster);
	policy.queue = (PmQueuePolicy) core_between(PM_QUEUE_FIFO, PM_QUEUE_BACKFILL);
	if (core_between(0, 1))
		policy.queue = PM_QUEUE_BACKFILL;
	policy.step_timeout = core_between(0, 10);
	/* what is placed group by group may not be placed again where it could be */
	for (int s = 0; s < queue->nshapes && single; s++)
		unconstify(PmShape *, queue->shapes)[s].ngroups = 1;
	starts = pm_forecast(again, core_copy_queue(cluster, queue), &policy);
	play(&future, cluster, queue, &policy, 0);
	core_check(future.sound, "future %d, policy %d: never over-allocated", round, policy.queue);
	core_check(future.avoided, "future %d, policy %d: nothing runs into maintenance", round,
			   policy.queue);
	if (policy.queue == PM_QUEUE_FIFO)
		core_check(future.in_turn, "future %d: nobody overtakes in a lane", round);
	/* where reservations begin all is planned anew, and who was not the first then may come later */
	if (policy.queue == PM_QUEUE_BACKFILL && single && !owners)
		core_check(future.kept_first, "future %d, %d reservations: the first is not delayed",
				   round, policy.reservations);
	if (policy.queue == PM_QUEUE_BACKFILL && single && !owners && cluster->nnodes == 1)
		core_check(future.kept, "future %d, %d reservations: nobody is delayed",
				   round, policy.reservations);
	core_check(queue->njobs == 0 ||
			   memcmp(starts, future.starts, sizeof(int64) * queue->njobs) == 0,
			   "future %d, policy %d: forecast as it comes", round, policy.queue);
}

/* Of many jobs of one size, forecasts are as close as they are said to be */
static void
long_queue(int round)
{
	PmPolicy	policy = {PM_QUEUE_FIFO, PM_PLACE_PACK, NOW};
	PmCluster  *cluster = core_random_cluster(1);
	PmQueue    *queue = palloc0(sizeof(PmQueue));
	PmShape    *shape = palloc0(sizeof(PmShape));
	PmTaskGroup *group = palloc0(sizeof(PmTaskGroup));
	int64	   *amounts = palloc0(sizeof(int64) * cluster->ndims);
	PmCluster  *again = core_copy_cluster(cluster);
	PmCluster  *some = core_copy_cluster(cluster);
	Future		future;
	Future		hasty;
	int64	   *starts;
	bool		close = true;

	amounts[0] = 1000;
	queue->nlanes = queue->nrequests = queue->nshapes = 1;
	queue->requests = palloc0(sizeof(PmRequest));
	queue->requests[0].amounts = amounts;
	shape->ngroups = 1;
	shape->groups = group;
	group->replicas = group->min_replicas = 1;
	queue->shapes = shape;
	queue->njobs = 1200;
	queue->jobs = palloc0(sizeof(PmJob) * queue->njobs);
	for (int i = 0; i < queue->njobs; i++)
	{
		queue->jobs[i].job_id = i + 1;
		queue->jobs[i].time_limit = core_between(1, 100000);
	}
	starts = pm_forecast(again, core_copy_queue(cluster, queue), &policy);
	play(&future, cluster, queue, &policy, 0);
	/* where is of no matter to jobs of one size */
	play(&hasty, some, queue, &policy, 1);
	core_check(hasty.sound, "long queue %d: never over-allocated", round);
	core_check(memcmp(hasty.starts, future.starts, sizeof(int64) * queue->njobs) == 0,
			   "long queue %d: who looks at some nodes finds room where there is any", round);
	for (int i = 0; i < queue->njobs; i++)
	{
		int64		off = starts[i] - future.starts[i];

		if (starts[i] == PM_NEVER || future.starts[i] == PM_NEVER)
			close &= starts[i] == future.starts[i];
		else
			close &= Max(off, -off) * 64 <= future.starts[i] - NOW;
	}
	core_check(close, "long queue %d: forecast within 1/64", round);
}

void
core_time_properties(int rounds)
{
	for (int round = 0; round < rounds / 300 + 1; round++)
	{
		core_seed(round);
		core_fresh_memory();
		long_queue(round);
	}
	for (int round = 0; round < rounds; round++)
	{
		core_seed(round);
		core_fresh_memory();
		one_pass(round);
		one_pass_with_owners(round);
		one_step(round);
		one_future(round, false);
		one_future(round, true);
	}
}
