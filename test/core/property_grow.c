/*-------------------------------------------------------------------------
 *
 * property_grow.c
 *	  Runs that grow, on random inputs: they grow exactly as the slow
 *	  reference says, and a pass decides as if they did not.
 *
 * The reference begins with nodes, lanes and caps as a pass without them left
 * them, finds out node by node which of them a job that is left could use, and
 * places replica by replica on the others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "reference.h"

static int64 grown;				/* replicas, over all rounds */
static int64 kept_away;			/* rounds in which jobs kept runs from growing */

/* ---- inputs ---- */

static int
lane_of_shape(const PmQueue *queue, int shape)
{
	for (int i = 0; i < queue->njobs; i++)
		if (queue->jobs[i].shape == shape)
			return queue->jobs[i].lane;
	return (int) core_between(0, queue->nlanes - 1);
}

/* Requests of nothing fit everywhere, full or not; SQL has none */
static bool
asks_for_something(const PmCluster *cluster, const PmRequest *request)
{
	for (int d = 0; d < cluster->ndims; d++)
		if (request->amounts[d] > 0)
			return true;
	return false;
}

static void
add_growing(const PmCluster *cluster, PmQueue *queue)
{
	queue->ngrowing = (int) core_between(1, 6);
	queue->growing = palloc0(sizeof(PmGrowing) * queue->ngrowing);
	for (int i = 0; i < queue->ngrowing; i++)
	{
		PmGrowing  *growing = &queue->growing[i];
		int32	   *lacking = palloc0(sizeof(int32) * 8);

		growing->run_id = growing->job_id = 1000 + i;
		growing->started_at = core_between(0, 2);
		growing->priority = (int16) core_between(1, 3);
		growing->shape = (int) core_between(0, queue->nshapes - 1);
		growing->lane = lane_of_shape(queue, growing->shape);
		/* a shape has one lane where lanes differ */
		for (int k = 0; k < i; k++)
			if (queue->growing[k].shape == growing->shape)
				growing->lane = queue->growing[k].lane;
		for (int g = 0; g < queue->shapes[growing->shape].ngroups; g++)
			if (asks_for_something(cluster, &queue->requests[queue->shapes[growing->shape].groups[g].request]))
				lacking[g] = (int32) core_between(0, 4);
		growing->lacking = lacking;
	}
}

static void
add_windows(PmCluster *cluster)
{
	PmWindow   *windows = palloc0(sizeof(PmWindow) * Max(cluster->nnodes, 1));

	for (int n = 0; n < cluster->nnodes; n++)
	{
		if (core_between(0, 5) > 0)
			continue;
		windows[cluster->nwindows].node = n;
		windows[cluster->nwindows].since = core_between(0, 9);
		windows[cluster->nwindows++].until = PM_NEVER;
	}
	cluster->windows = windows;
}

/* ---- the reference ---- */

/* Job j of the queue waits after a pass */
static bool
is_left(const PmQueue *queue, const PmDecision *decision, int j)
{
	for (int i = 0; i < decision->nstarts; i++)
		if (decision->starts[i].job == j)
			return false;
	return queue->lane_frozen == NULL || !queue->lane_frozen[queue->jobs[j].lane];
}

/* Each group by itself on empty nodes */
static bool
could_ever_start(Ref *ref, const PmShape *shape)
{
	for (int g = 0; g < shape->ngroups; g++)
		if (ref_place(ref, ref_emptied(ref->cluster), -1, shape, g,
					  shape->groups[g].min_replicas) < shape->groups[g].min_replicas)
			return false;
	return true;
}

static bool
could_use(Ref *ref, const PmShape *shape, int n)
{
	PmCluster  *empty = ref_emptied(ref->cluster);

	empty->nodes = &empty->nodes[n];
	empty->nnodes = 1;
	for (int g = 0; g < shape->ngroups; g++)
		if (ref_place(ref, empty, -1, shape, g, 1) == 1)
			return true;
	return false;
}

/* Do two shapes ask for the same resource, of which a cap gives out? */
static bool
share_cap(const Ref *ref, const PmShape *a, const PmShape *b)
{
	const PmQueue *queue = ref->queue;
	const PmCap *cap = queue->pool_cap && queue->pool_cap->limited ? queue->pool_cap : NULL;

	if (cap && cap->replicas != PM_CAP_NONE)
		return true;
	for (int d = 0; d < ref->cluster->ndims; d++)
	{
		bool		asked[2] = {false, false};

		if (queue->lanes == NULL && (cap == NULL || cap->available[d] == PM_CAP_NONE))
			continue;
		for (int g = 0; g < a->ngroups; g++)
			asked[0] |= queue->requests[a->groups[g].request].amounts[d] > 0;
		for (int g = 0; g < b->ngroups; g++)
			asked[1] |= queue->requests[b->groups[g].request].amounts[d] > 0;
		if (asked[0] && asked[1])
			return true;
	}
	return false;
}

static bool
comes_first(const PmGrowing *a, const PmGrowing *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->started_at != b->started_at)
		return a->started_at < b->started_at;
	return a->run_id < b->run_id;
}

/*
 * Grows the runs of a queue whose pass was made: nodes and lanes are as it left
 * them.  Replicas are noted for job njobs + g, of the g-th run in order.
 */
static RefDecision *
grow_slowly(PmCluster *cluster, PmQueue *queue, const PmDecision *decision, const PmPolicy *policy)
{
	Ref			ref = {0};
	int			njobs = queue->njobs;
	PmJob	   *jobs = palloc0(sizeof(PmJob) * (njobs + queue->ngrowing));
	PmCluster  *open = core_copy_cluster(cluster);
	bool	   *left = palloc0(sizeof(bool) * Max(njobs, 1));
	bool	   *shut = palloc0(sizeof(bool) * Max(cluster->nnodes, 1));
	bool	   *done = palloc0(sizeof(bool) * queue->ngrowing);

	if (njobs > 0)
		memcpy(jobs, queue->jobs, sizeof(PmJob) * njobs);
	queue->jobs = jobs;
	ref.cluster = cluster;
	ref.queue = queue;
	ref.policy = *policy;
	ref.decision = palloc0(sizeof(RefDecision));
	ref.pool_free = palloc0(sizeof(int64) * cluster->ndims);
	for (int n = 0; n < cluster->nnodes; n++)
		for (int d = 0; d < cluster->ndims; d++)
			ref.pool_free[d] += cluster->nodes[n].free[d];

	for (int j = 0; j < njobs; j++)
	{
		left[j] = is_left(queue, decision, j) &&
			could_ever_start(&ref, &queue->shapes[jobs[j].shape]);
		for (int n = 0; n < cluster->nnodes && left[j]; n++)
			shut[n] |= could_use(&ref, &queue->shapes[jobs[j].shape], n);
	}
	for (int w = 0; w < cluster->nwindows; w++)
		shut[cluster->windows[w].node] = true;
	for (int n = 0; n < cluster->nnodes; n++)
	{
		if (!shut[n])
			continue;
		memset(open->nodes[n].free, 0, sizeof(int64) * cluster->ndims);
		memset(open->nodes[n].device_free, 0, sizeof(int32) * cluster->nodes[n].ndevices);
	}
	ref.decision->nreplicas = 0;

	for (int k = 0; k < queue->ngrowing; k++)
	{
		const PmGrowing *growing;
		const PmShape *shape;
		int			first = -1;
		int			order[8];
		bool		may;

		for (int i = 0; i < queue->ngrowing; i++)
			if (!done[i] && (first < 0 || comes_first(&queue->growing[i], &queue->growing[first])))
				first = i;
		done[first] = true;
		growing = &queue->growing[first];
		shape = &queue->shapes[growing->shape];
		jobs[njobs + k].lane = growing->lane;
		may = queue->lane_frozen == NULL || !queue->lane_frozen[growing->lane];
		for (int j = 0; j < njobs && may; j++)
			if (left[j] && share_cap(&ref, shape, &queue->shapes[jobs[j].shape]) &&
				(queue->lanes || (queue->pool_cap && queue->pool_cap->limited)))
				may = false;
		kept_away += !may;
		if (!may)
			continue;
		ref_hardest_first(&ref, shape, order);
		for (int g = 0; g < shape->ngroups; g++)
			ref_place(&ref, open, njobs + k, shape, order[g], growing->lacking[order[g]]);
	}
	for (int n = 0; n < cluster->nnodes; n++)
	{
		if (shut[n])
			continue;
		memcpy(cluster->nodes[n].free, open->nodes[n].free, sizeof(int64) * cluster->ndims);
		memcpy(cluster->nodes[n].device_free, open->nodes[n].device_free,
			   sizeof(int32) * cluster->nodes[n].ndevices);
	}
	return ref.decision;
}

/* ---- comparing ---- */

/* Placements of growth k are these replicas, device by device */
static bool
same_growth(const PmDecision *decision, const PmGrowth *growth, const RefDecision *ref, int job)
{
	int			total = 0;
	int			expected = 0;

	for (int p = 0; p < growth->nplacements; p++)
	{
		const PmPlacement *placement = &decision->placements[growth->first_placement + p];
		int			replicas = 0;
		int			devices = 0;

		for (int i = 0; i < ref->nreplicas; i++)
		{
			const RefReplica *r = &ref->replicas[i];

			if (r->job != job || r->group != placement->group || r->node != placement->node)
				continue;
			replicas++;
			for (int d = 0; d < r->ndevices; d++)
				if (devices >= placement->ndevices || r->share != placement->device_share ||
					decision->devices[placement->first_device + devices++] != r->devices[d])
					return false;
		}
		if (replicas != placement->replicas || devices != placement->ndevices)
			return false;
		total += replicas;
	}
	for (int i = 0; i < ref->nreplicas; i++)
		expected += ref->replicas[i].job == job;
	grown += total;
	return total == expected && total > 0;
}

static bool
same_growths(const PmDecision *decision, const PmQueue *queue, const RefDecision *ref)
{
	int			next = 0;

	for (int k = 0; k < queue->ngrowing; k++)
	{
		bool		grows = false;

		for (int i = 0; i < ref->nreplicas; i++)
			grows |= ref->replicas[i].job == queue->njobs + k;
		if (!grows)
			continue;
		if (next == decision->ngrowths || decision->growths[next].growing != k ||
			!same_growth(decision, &decision->growths[next], ref, queue->njobs + k))
			return false;
		next++;
	}
	return next == decision->ngrowths;
}

static bool
same_pass(const PmDecision *a, const PmDecision *b, const PmQueue *queue)
{
	for (int i = 0; i < Min(a->nstarts, b->nstarts); i++)
		if (a->starts[i].job != b->starts[i].job)
			return false;
	for (int s = 0; s < queue->nshapes; s++)
		if (a->blocks[s].reason != b->blocks[s].reason || a->blocks[s].needed != b->blocks[s].needed ||
			a->blocks[s].available != b->blocks[s].available)
			return false;
	return a->nstarts == b->nstarts;
}

static bool
same_free(const PmCluster *a, const PmCluster *b)
{
	for (int n = 0; n < a->nnodes; n++)
		if (memcmp(a->nodes[n].free, b->nodes[n].free, sizeof(int64) * a->ndims) != 0 ||
			memcmp(a->nodes[n].device_free, b->nodes[n].device_free,
				   sizeof(int32) * a->nodes[n].ndevices) != 0)
			return false;
	return true;
}

void
core_growth_properties(int rounds)
{
	grown = kept_away = 0;
	for (int round = 0; round < rounds; round++)
	{
		PmPolicy	policy = {0};
		PmCluster  *cluster;
		PmCluster  *before;
		PmQueue    *queue;
		PmQueue    *without;
		PmDecision *decision;
		PmDecision *plain;
		RefDecision *ref;
		int			few;

		core_seed(round);
		core_fresh_memory();
		policy.queue = (PmQueuePolicy) (round % 6);
		policy.placement = (PmPlacementPolicy) (round / 6 % 3);
		policy.reservations = round % 2;
		cluster = core_random_cluster(1);
		queue = core_random_queue(cluster, 1);
		/* few jobs leave something to grow into */
		few = (int) core_between(0, 4);
		queue->njobs = Min(queue->njobs, few);
		if (core_between(0, 2) == 0)
			core_random_caps(cluster, queue, 1);
		if (core_between(0, 2) == 0)
			add_windows(cluster);
		before = core_copy_cluster(cluster);
		without = core_copy_queue(cluster, queue);
		add_growing(cluster, queue);

		decision = pm_pass(cluster, queue, &policy);
		plain = pm_pass(before, without, &policy);
		without->ngrowing = queue->ngrowing;
		without->growing = queue->growing;
		core_check(same_pass(decision, plain, queue), "round %d: starts and reasons as without growth", round);
		ref = grow_slowly(before, without, plain, &policy);
		core_check(same_growths(decision, queue, ref), "round %d: grows as the reference", round);
		core_check(same_free(cluster, before), "round %d: nodes as the reference", round);
	}
	core_check(rounds < 100 || (grown > rounds / 4 && kept_away > 0), "runs grew, or were kept from it");
}
