/*-------------------------------------------------------------------------
 *
 * reference_time.c
 *	  A pass with backfill, done slowly and plainly: everything that is to
 *	  happen is in one list, and what a job can use of the nodes is found
 *	  anew for each job by looking at every instant at which anything happens.
 *
 * It shares no code with the engine.  Caps and quotas are not its subject.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "reference.h"
#include "reference_time.h"

#define MAX_CHANGES 4000

/* Something that a node has less of from one instant to another */
typedef struct Change
{
	int64		since;			/* of a run: the beginning of time */
	int64		until;
	int			node;
	bool		whole;			/* the node is closed */
	bool		run;			/* what it holds is not in the node's free now */
	const int64 *amounts;
	int			ndevices;
	const int  *devices;
	int			share;
} Change;

typedef struct Times
{
	Ref			ref;
	PmPolicy	policy;
	PmCluster  *now;			/* the nodes as they are */
	int			nchanges;
	Change		changes[MAX_CHANGES];	/* runs in the order in which they were told */
	bool	   *failed;			/* [nshapes] in this pass */
	int64	   *failed_until;	/* [nshapes] */
	bool	   *hopeless;		/* [njobs]: never fits, and so do its likes */
	RefTimes   *out;
} Times;

static int64
later(int64 at, int64 length)
{
	return length == PM_NEVER || at == PM_NEVER ? PM_NEVER : at + length;
}

static void
add_change(Times *times, Change change)
{
	if (times->nchanges == MAX_CHANGES)
		abort();
	times->changes[times->nchanges++] = change;
}

static void
add_hold(Times *times, const PmHold *hold, int64 since, int64 until, bool run)
{
	Change		change = {since, until, hold->node, false, run, hold->amounts,
	hold->ndevices, hold->devices, hold->device_share};

	add_change(times, change);
}

static void
apply(const PmCluster *cluster, PmNode *node, const Change *change, int sign)
{
	for (int d = 0; d < cluster->ndims; d++)
		node->free[d] += sign * change->amounts[d];
	for (int i = 0; i < change->ndevices; i++)
		node->device_free[change->devices[i]] += sign * change->share;
}

/* The nodes as they are at an instant, if nothing more is started */
static PmCluster *
nodes_at(const Times *times, int64 at)
{
	PmCluster  *cluster = core_copy_cluster(times->now);

	for (int i = 0; i < times->nchanges; i++)
	{
		const Change *change = &times->changes[i];

		if (change->run && change->until <= at)
			apply(cluster, &cluster->nodes[change->node], change, 1);
		if (!change->run && !change->whole && change->since <= at && at < change->until)
			apply(cluster, &cluster->nodes[change->node], change, -1);
	}
	for (int i = 0; i < times->nchanges; i++)
	{
		const Change *change = &times->changes[i];
		PmNode	   *node = &cluster->nodes[change->node];

		if (!change->whole || change->since > at || at >= change->until)
			continue;
		memset(node->free, 0, sizeof(int64) * cluster->ndims);
		memset(node->device_free, 0, sizeof(int32) * node->ndevices);
	}
	return cluster;
}

static void
keep_least(PmCluster *least, const PmCluster *other)
{
	for (int n = 0; n < least->nnodes; n++)
	{
		PmNode	   *node = &least->nodes[n];

		for (int d = 0; d < least->ndims; d++)
			node->free[d] = Min(node->free[d], other->nodes[n].free[d]);
		for (int i = 0; i < node->ndevices; i++)
			node->device_free[i] = Min(node->device_free[i], other->nodes[n].device_free[i]);
	}
}

/* What can be used all the time from one instant to another */
static PmCluster *
usable(const Times *times, int64 from, int64 until)
{
	PmCluster  *least = nodes_at(times, from);

	for (int i = 0; i < times->nchanges; i++)
	{
		const Change *change = &times->changes[i];

		if (from < change->since && change->since < until)
			keep_least(least, nodes_at(times, change->since));
		if (from < change->until && change->until < until)
			keep_least(least, nodes_at(times, change->until));
	}
	for (int n = 0; n < least->nnodes; n++)
	{
		PmNode	   *node = &least->nodes[n];

		if (node->accelerator >= 0)
			node->free[node->accelerator] = 0;
		for (int i = 0; i < node->ndevices; i++)
			node->free[node->accelerator] += node->device_free[i];
	}
	return least;
}

/* The last replicas noted, as holds: one for each group and node */
static PmHold *
holds_of(const Times *times, const PmShape *shape, int first, int *n)
{
	const RefDecision *decision = times->ref.decision;
	PmHold	   *holds = palloc0(sizeof(PmHold) * Max(decision->nreplicas - first, 1));

	*n = 0;
	for (int r = first; r < decision->nreplicas; r++)
	{
		const RefReplica *replica = &decision->replicas[r];
		const PmRequest *request = &times->ref.queue->requests[shape->groups[replica->group].request];
		PmHold	   *hold = NULL;
		int64	   *amounts;
		int		   *devices;

		for (int h = 0; h < *n; h++)
			if (holds[h].node == replica->node && holds[h].group == replica->group)
				hold = &holds[h];
		if (hold == NULL)
		{
			hold = &holds[(*n)++];
			hold->node = replica->node;
			hold->group = replica->group;
			hold->amounts = palloc0(sizeof(int64) * times->now->ndims);
			hold->devices = palloc0(sizeof(int) * 1000);
			hold->device_share = replica->share;
		}
		amounts = unconstify(int64 *, hold->amounts);
		devices = unconstify(int *, hold->devices);
		hold->replicas++;
		for (int d = 0; d < times->now->ndims; d++)
			amounts[d] += request->amounts[d];
		for (int i = 0; i < replica->ndevices; i++)
			devices[hold->ndevices++] = replica->devices[i];
	}
	return holds;
}

static bool
start(Times *times, int job)
{
	const PmJob *j = &times->ref.queue->jobs[job];
	const PmShape *shape = &times->ref.queue->shapes[j->shape];
	int64		until = later(times->policy.now, j->time_limit);
	int			first = times->ref.decision->nreplicas;
	int			nholds;
	PmHold	   *holds;

	/* what failed once in a pass fails for all that would end no earlier */
	if (times->failed[j->shape] && until >= times->failed_until[j->shape])
		return false;
	if (!ref_try_shape(&times->ref, usable(times, times->policy.now, until), job, shape))
	{
		bool		now = true;

		for (int i = 0; i < times->nchanges; i++)
			if (!times->changes[i].run && times->changes[i].since < until)
				now = false;
		times->failed[j->shape] = true;
		times->failed_until[j->shape] = now ? times->policy.now : until;
		return false;
	}
	holds = holds_of(times, shape, first, &nholds);
	for (int h = 0; h < nholds; h++)
	{
		Change		taken = {0, 0, holds[h].node, false, false, holds[h].amounts,
		holds[h].ndevices, holds[h].devices, holds[h].device_share};

		apply(times->now, &times->now->nodes[holds[h].node], &taken, -1);
		if (until != PM_NEVER)
			add_hold(times, &holds[h], 0, until, true);
	}
	return true;
}

/* ---- reservations ---- */

/* What a node is to a placement: those that are alike can stand in for each other */
static bool
alike(const PmCluster *cluster, const PmNode *a, const PmNode *b)
{
	int			counts[PM_DEVICE_WHOLE + 1] = {0};

	if (a->config != b->config || a->accelerator != b->accelerator ||
		a->ndevices != b->ndevices ||
		memcmp(a->capacity, b->capacity, sizeof(int64) * cluster->ndims) != 0 ||
		memcmp(a->free, b->free, sizeof(int64) * cluster->ndims) != 0)
		return false;
	for (int i = 0; i < a->ndevices; i++)
	{
		counts[a->device_free[i]]++;
		counts[b->device_free[i]]--;
	}
	for (int i = 0; i <= PM_DEVICE_WHOLE; i++)
		if (counts[i] != 0)
			return false;
	return true;
}

/* Would so many replicas fit a node? */
static bool
holds_so_many(Times *times, const PmNode *node, const PmShape *shape, int count)
{
	PmCluster	one = *times->now;
	int			before = times->ref.decision->nreplicas;
	PmNode		copy = *node;
	bool		fit;

	one.nnodes = 1;
	one.nodes = &copy;
	fit = ref_place(&times->ref, core_copy_cluster(&one), -1, shape, 0, count) == count;
	times->ref.decision->nreplicas = before;
	return fit;
}

/*
 * Nodes in the order in which they come to have something back, up to an
 * instant; those that have reservations or are closed count from the first on.
 */
static int
given_back(const Times *times, const int64 *instants, int ninstants, int *nodes)
{
	bool	   *known = palloc0(sizeof(bool) * Max(times->now->nnodes, 1));
	int			n = 0;

	for (int i = 0; i < ninstants; i++)
	{
		for (int runs = 1; runs >= 0; runs--)
			for (int c = 0; c < times->nchanges; c++)
			{
				const Change *change = &times->changes[c];

				if (known[change->node] || (int) change->run != runs ||
					(change->run && change->until != instants[i]))
					continue;
				known[change->node] = true;
				nodes[n++] = change->node;
			}
	}
	return n;
}

/* Of nodes that are alike, those that could not hold it now */
static void
prefer_not_free_now(Times *times, PmCluster *before, PmCluster *after,
					const PmShape *shape, PmHold *holds, int nholds,
					const int *nodes, int nnodes)
{
	for (int h = 0; h < nholds; h++)
	{
		PmHold	   *hold = &holds[h];
		bool		free_now = true;

		for (int i = 0; i < nnodes; i++)
			if (nodes[i] == hold->node)
				free_now = holds_so_many(times, &times->now->nodes[hold->node], shape,
										 hold->replicas);
		for (int i = 0; i < nnodes && free_now; i++)
		{
			const PmNode *node = &after->nodes[nodes[i]];
			Change		moved = {0, 0, 0, false, false, hold->amounts, hold->ndevices,
			hold->devices, hold->device_share};
			PmCluster	one = *after;
			int			first = times->ref.decision->nreplicas;
			PmHold	   *again;
			int			nagain;

			if (!alike(after, node, &before->nodes[hold->node]) ||
				holds_so_many(times, &times->now->nodes[nodes[i]], shape, hold->replicas))
				continue;
			apply(after, &after->nodes[hold->node], &moved, 1);
			one.nnodes = 1;
			one.nodes = &after->nodes[nodes[i]];
			if (ref_place(&times->ref, &one, -1, shape, 0, hold->replicas) != hold->replicas)
				abort();
			again = holds_of(times, shape, first, &nagain);
			times->ref.decision->nreplicas = first;
			*hold = again[0];
			hold->node = nodes[i];
			break;
		}
	}
}

static int
compare_instants(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

static bool
reserve(Times *times, int job)
{
	const PmJob *j = &times->ref.queue->jobs[job];
	const PmShape *shape = &times->ref.queue->shapes[j->shape];
	int64	   *instants = palloc(sizeof(int64) * (times->nchanges + 1));
	int		   *nodes = palloc(sizeof(int) * Max(times->now->nnodes, 1));
	int			ninstants = 0;

	for (int i = 0; i < times->nchanges; i++)
		if (times->changes[i].until != PM_NEVER)
			instants[ninstants++] = times->changes[i].until;
#undef qsort					/* the C library's, not the server's */
	qsort(instants, ninstants, sizeof(int64), compare_instants);
	for (int i = 0; i < ninstants; i++)
	{
		int			first = times->ref.decision->nreplicas;
		PmCluster  *after = usable(times, instants[i], later(instants[i], j->time_limit));
		PmCluster  *before = core_copy_cluster(after);
		PmHold	   *holds;
		int			nholds;
		int64		until = later(instants[i], j->time_limit);

		if (!ref_try_shape(&times->ref, after, -1, shape))
			continue;
		holds = holds_of(times, shape, first, &nholds);
		times->ref.decision->nreplicas = first;
		if (shape->ngroups == 1)
			prefer_not_free_now(times, before, after, shape, holds, nholds, nodes,
								given_back(times, instants, i + 1, nodes));
		if (times->policy.reservations == 1)
			until = PM_NEVER;
		for (int h = 0; h < nholds; h++)
			add_hold(times, &holds[h], instants[i], until, false);
		times->out->reservations[times->out->nreservations].job = job;
		times->out->reservations[times->out->nreservations++].at = instants[i];
		return true;
	}
	return false;
}

/* ---- the pass ---- */

static void
tell_what_is_known(Times *times, const PmCluster *cluster)
{
	int64		now = times->policy.now;

	for (int r = 0; r < cluster->nruns; r++)
		for (int h = 0; h < cluster->runs[r].nholds; h++)
			if (cluster->runs[r].planned_end != PM_NEVER)
				add_hold(times, &cluster->runs[r].holds[h], 0,
						 Max(cluster->runs[r].planned_end, now + 1), true);
	for (int w = 0; w < cluster->nwindows; w++)
	{
		const PmWindow *window = &cluster->windows[w];
		Change		change = {Max(window->since, now), window->until, window->node, true};

		if (window->until > now)
			add_change(times, change);
	}
}

/* The first job that was not looked at; or the shortest, once there are enough reservations */
static int
next_job(const Times *times, const bool *done)
{
	const PmQueue *queue = times->ref.queue;
	bool		shortest = times->policy.backfill_shortest && times->policy.reservations > 0 &&
		times->out->nreservations == times->policy.reservations;
	int			next = -1;

	for (int i = 0; i < queue->njobs; i++)
		if (!done[i] && (next < 0 || (shortest &&
									  queue->jobs[i].time_limit < queue->jobs[next].time_limit)))
			next = i;
	return next;
}

/* The jobs are sorted */
RefTimes *
ref_backfill(PmCluster *cluster, PmQueue *queue, const PmPolicy *policy)
{
	Times	   *times = palloc0(sizeof(Times));
	RefDecision *decision = palloc0(sizeof(RefDecision));
	bool	   *done = palloc0(sizeof(bool) * Max(queue->njobs, 1));
	int			job;

	times->ref.cluster = cluster;
	times->ref.queue = queue;
	times->ref.policy = times->policy = *policy;
	times->ref.decision = decision;
	times->ref.pool_free = palloc0(sizeof(int64) * cluster->ndims);
	times->now = cluster;
	times->failed = palloc0(sizeof(bool) * queue->nshapes);
	times->failed_until = palloc0(sizeof(int64) * queue->nshapes);
	times->hopeless = palloc0(sizeof(bool) * Max(queue->njobs, 1));
	times->out = palloc0(sizeof(RefTimes));
	times->out->decision = decision;
	times->out->reservations = palloc(sizeof(PmReservation) * Max(queue->njobs, 1));
	decision->starts = palloc(sizeof(int) * Max(queue->njobs, 1));
	decision->blocked_by = palloc(sizeof(int) * queue->nlanes);
	for (int l = 0; l < queue->nlanes; l++)
		decision->blocked_by[l] = -1;
	tell_what_is_known(times, cluster);

	while ((job = next_job(times, done)) >= 0)
	{
		const PmJob *j = &queue->jobs[job];
		bool		hopeless = false;

		done[job] = true;
		for (int i = 0; i < queue->njobs; i++)
			hopeless |= times->hopeless[i] && queue->jobs[i].shape == j->shape &&
				queue->jobs[i].time_limit == j->time_limit;
		if (hopeless)
			continue;
		if (start(times, job))
			decision->starts[decision->nstarts++] = job;
		else if (policy->reservations == 0 ||
				 times->out->nreservations < policy->reservations)
			times->hopeless[job] = !reserve(times, job);
	}
	return times->out;
}
