/*-------------------------------------------------------------------------
 *
 * grow.c
 *	  Runs that have fewer replicas than they are to have grow into what no
 *	  queued job could use.  Not who waits or starts.
 *
 * A node could be used by a queued job if one replica of any of its groups
 * would fit there when the node is empty: whatever is free on it brings the
 * job nearer to its start, so nobody grows into it.  Only jobs count that
 * would fit the empty pool, group by group, and whose lane is not frozen.
 * Hence no reservation and nothing withheld is ever touched.
 *
 * What caps give out counts for the whole pool, not for a node: with caps
 * nobody takes of a resource that a queued job asks for.
 *
 * Runs grow one after the other, by priority, then the one that began first,
 * each as far as there is room; those of reservations first.  Nobody grows onto
 * a node with maintenance to come or that is reserved for others at any time,
 * nor shapes with rules of topology, which more replicas might break.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/scheduler.h"

/* What queued jobs could use */
typedef struct Wanted
{
	bool		any;
	bool	   *kinds;			/* [nkinds] of nodes, by jobs of one owner */
	bool	   *dims;			/* [ndims], by all */
} Wanted;

/* A node that nobody grows into: what was free on it */
typedef struct Shut
{
	int			node;
	int64	   *free;
	int32	   *device_free;
} Shut;

/* How many jobs of each shape are left that a pass looks at */
static int32 *
jobs_left(const PmQueue *queue, const PmDecision *decision)
{
	int32	   *left = palloc0(sizeof(int32) * Max(queue->nshapes, 1));

	for (int i = 0; i < queue->njobs; i++)
		if (queue->lane_frozen == NULL || !queue->lane_frozen[queue->jobs[i].lane])
			left[queue->jobs[i].shape]++;
	for (int i = 0; i < decision->nstarts; i++)
		left[queue->jobs[decision->starts[i].job].shape]--;
	return left;
}

static bool
fits_empty_pool(const PmSpace *space, const PmShape *shape)
{
	for (int g = 0; g < shape->ngroups; g++)
	{
		const PmTaskGroup *group = &shape->groups[g];

		if (pm_search_count_empty(space, &space->searches[group->request],
								  group->min_replicas) < group->min_replicas)
			return false;
	}
	return true;
}

static Wanted
find_wanted(const PmSpace *space, const PmQueue *queue, const int32 *left, int owner)
{
	Wanted		wanted = {0};

	wanted.kinds = palloc0(sizeof(bool) * Max(space->nkinds, 1));
	wanted.dims = palloc0(sizeof(bool) * Max(space->cluster->ndims, 1));
	for (int s = 0; s < queue->nshapes; s++)
	{
		const PmShape *shape = &queue->shapes[s];

		if (left[s] <= 0 || !fits_empty_pool(space, shape))
			continue;
		wanted.any = true;
		for (int g = 0; g < shape->ngroups; g++)
		{
			const PmSearch *search = &space->searches[shape->groups[g].request];

			for (int i = 0; i < search->ndims; i++)
				wanted.dims[search->dims[i]] = true;
			for (int k = 0; k < space->nkinds; k++)
				if (owner == pm_owner_of(queue, s) && search->match[space->kinds[k].config] &&
					pm_copies_when_empty(search, &space->kinds[k], 1) > 0)
					wanted.kinds[k] = true;
		}
	}
	return wanted;
}

/* Would it take of a cap what a queued job asks for? */
static bool
competes(const PmSpace *space, const PmQueue *queue, const Wanted *wanted, const PmShape *shape)
{
	const PmCap *cap = queue->pool_cap && queue->pool_cap->limited ? queue->pool_cap : NULL;

	if (!wanted->any || (queue->quota == NULL && cap == NULL))
		return false;
	if (cap && cap->replicas != PM_CAP_NONE)
		return true;
	for (int g = 0; g < shape->ngroups; g++)
	{
		const PmSearch *search = &space->searches[shape->groups[g].request];

		for (int i = 0; i < search->ndims; i++)
		{
			int			d = search->dims[i];

			if (wanted->dims[d] && (queue->quota || cap->available[d] != PM_CAP_NONE))
				return true;
		}
	}
	return false;
}

/* ---- nodes ---- */

static void
shut_node(PmSpace *space, int n, Shut *shut)
{
	PmNode	   *node = &space->cluster->nodes[n];
	int			ndims = space->cluster->ndims;

	shut->node = n;
	shut->free = palloc(sizeof(int64) * Max(ndims, 1));
	memcpy(shut->free, node->free, sizeof(int64) * ndims);
	memset(node->free, 0, sizeof(int64) * ndims);
	if (node->ndevices > 0)
	{
		shut->device_free = palloc(sizeof(int32) * node->ndevices);
		memcpy(shut->device_free, node->device_free, sizeof(int32) * node->ndevices);
		memset(node->device_free, 0, sizeof(int32) * node->ndevices);
	}
	pm_class_defer(space, n);
}

/* Nothing is free on the nodes that nobody may grow into; their number */
static int
shut_nodes(PmSpace *space, const Wanted *wanted, int owner, Shut **shut)
{
	const PmCluster *cluster = space->cluster;
	bool	   *closed = palloc0(sizeof(bool) * Max(cluster->nnodes, 1));
	int			n = 0;

	for (int w = 0; w < cluster->nwindows; w++)
		closed[cluster->windows[w].node] |= owner == 0 || cluster->windows[w].owner != owner;
	*shut = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Shut) * Max(cluster->nnodes, 1));
	for (int i = 0; i < cluster->nnodes; i++)
		if (closed[i] || wanted->kinds[space->node_kind[i]])
			shut_node(space, i, &(*shut)[n++]);
	return n;
}

static void
open_nodes(PmSpace *space, const Shut *shut, int n)
{
	for (int i = 0; i < n; i++)
	{
		PmNode	   *node = &space->cluster->nodes[shut[i].node];

		memcpy(node->free, shut[i].free, sizeof(int64) * space->cluster->ndims);
		if (node->ndevices > 0)
			memcpy(node->device_free, shut[i].device_free, sizeof(int32) * node->ndevices);
		pm_class_defer(space, shut[i].node);
	}
	if (n > 0)
		pm_space_grew(space);
}

/* ---- runs ---- */

static inline int
compare_growing(const PmGrowing *a, const PmGrowing *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->started_at != b->started_at)
		return a->started_at < b->started_at ? -1 : 1;
	if (a->run_id != b->run_id)
		return a->run_id < b->run_id ? -1 : 1;
	return 0;
}

#define ST_SORT sort_growing
#define ST_ELEMENT_TYPE PmGrowing
#define ST_COMPARE(a, b) compare_growing(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static void
grow_run(PmScheduler *scheduler, int g, int *maxgrowths)
{
	PmDecision *decision = scheduler->decision;
	PmSpace    *space = scheduler->space;
	const PmGrowing *growing = &scheduler->queue->growing[g];
	PmGrowth   *growth;

	pm_caps_choose(space, growing->lane);
	if (pm_place_more(space, growing->shape, growing->lacking) == 0)
		return;
	decision->growths = pm_grow(scheduler->caller, decision->growths, maxgrowths,
								decision->ngrowths + 1, sizeof(PmGrowth));
	growth = &decision->growths[decision->ngrowths++];
	growth->growing = g;
	growth->first_placement = decision->nplacements;
	growth->nplacements = pm_scheduler_emit(scheduler, space, false);
}

/* Those of an owner */
static void
grow_owned(PmScheduler *scheduler, int owner, const int32 *left, int *maxgrowths)
{
	PmQueue    *queue = scheduler->queue;
	PmSpace    *space = scheduler->space;
	Wanted		wanted = find_wanted(space, queue, left, owner);
	Shut	   *shut;
	int			nshut = shut_nodes(space, &wanted, owner, &shut);

	for (int g = 0; g < queue->ngrowing && nshut < space->cluster->nnodes; g++)
	{
		const PmGrowing *growing = &queue->growing[g];
		const PmShape *shape = &queue->shapes[growing->shape];

		CHECK_FOR_INTERRUPTS();
		if (pm_owner_of(queue, growing->shape) != owner ||
			(queue->lane_frozen && queue->lane_frozen[growing->lane]))
			continue;
		if (!pm_topology_rules(shape) && !competes(space, queue, &wanted, shape))
			grow_run(scheduler, g, maxgrowths);
	}
	pm_caps_ignore(space);
	open_nodes(space, shut, nshut);
}

/* At the end of a pass: nobody starts any more, nothing is withheld */
void
pm_grow_runs(PmScheduler *scheduler)
{
	const PmQueue *queue = scheduler->queue;
	const int32 *left;
	int			maxgrowths = 0;

	/* jobs of those that gave way are in the queue from now on */
	if (scheduler->decision->nvictims > 0)
		return;
	left = jobs_left(queue, scheduler->decision);
	sort_growing(queue->growing, queue->ngrowing);
	for (int owner = 1; owner <= scheduler->cluster->nowners; owner++)
		grow_owned(scheduler, owner, left, &maxgrowths);
	grow_owned(scheduler, 0, left, &maxgrowths);
}
