/*-------------------------------------------------------------------------
 *
 * space.c
 *	  Set-up of what one pass works on: kinds and classes of nodes, a search
 *	  for each request, the order in which groups are placed.
 *
 * All memory comes from the context that is current at creation; the caller
 * deletes it as a whole.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

/* Make room for needed elements; the array at least doubles */
void *
pm_grow(MemoryContext context, void *array, int *max, int needed, size_t size)
{
	int			wanted;

	if (needed <= *max)
		return array;
	wanted = Max(needed, Max(16, *max > PG_INT32_MAX / 2 ? needed : *max * 2));
	*max = wanted;
	if (array == NULL)
		return MemoryContextAllocHuge(context, (Size) wanted * size);
	return repalloc_huge(array, (Size) wanted * size);
}

static bool
same_kind(const PmCluster *cluster, const PmKind *kind, const PmNode *node)
{
	return kind->config == node->config &&
		kind->accelerator == node->accelerator &&
		kind->ndevices == node->ndevices &&
		(kind->capacity == node->capacity ||
		 memcmp(kind->capacity, node->capacity, sizeof(int64) * cluster->ndims) == 0);
}

static int
add_kind(PmSpace *space, int *maxkinds, const PmNode *node)
{
	int			ndims = space->cluster->ndims;
	PmKind	   *kind;

	space->kinds = pm_grow(space->context, space->kinds, maxkinds,
						   space->nkinds + 1, sizeof(PmKind));
	kind = &space->kinds[space->nkinds];
	kind->config = node->config;
	kind->accelerator = node->accelerator;
	kind->ndevices = node->ndevices;
	kind->capacity = node->capacity;
	kind->nnodes = 0;
	kind->scale = palloc(sizeof(PmScale) * Max(ndims, 1));
	for (int d = 0; d < ndims; d++)
		pm_scale_init(&kind->scale[d], node->capacity[d]);
	return space->nkinds++;
}

static uint32
kind_hash(const PmCluster *cluster, const PmNode *node)
{
	uint64		h = ((uint64) (uint32) node->accelerator << 32) | (uint32) node->ndevices;

	h = pm_mix(h, (uint64) node->config);
	for (int d = 0; d < cluster->ndims; d++)
		h = pm_mix(h, (uint64) node->capacity[d]);
	return (uint32) (h >> 32);
}

/* Number the kinds in the order in which nodes first show them */
static void
find_kinds(PmSpace *space)
{
	const PmCluster *cluster = space->cluster;
	int			maxkinds = 0;
	uint32		mask = 15;
	int32	   *slots;

	while (mask < (uint32) cluster->nnodes * 2)
		mask = mask * 2 + 1;
	slots = palloc0(sizeof(int32) * ((Size) mask + 1));
	space->node_kind = palloc(sizeof(int32) * Max(cluster->nnodes, 1));
	for (int n = 0; n < cluster->nnodes; n++)
	{
		const PmNode *node = &cluster->nodes[n];
		uint32		slot = kind_hash(cluster, node) & mask;

		while (slots[slot] != 0 &&
			   !same_kind(cluster, &space->kinds[slots[slot] - 1], node))
			slot = (slot + 1) & mask;
		if (slots[slot] == 0)
			slots[slot] = add_kind(space, &maxkinds, node) + 1;
		space->node_kind[n] = slots[slot] - 1;
		space->kinds[slots[slot] - 1].nnodes++;
		space->maxdevices = Max(space->maxdevices, node->ndevices);
	}
	pfree(slots);
}

static void
find_classes(PmSpace *space)
{
	int			nnodes = space->cluster->nnodes;
	uint32		size = 64;

	while (size < (uint32) nnodes * 2)
		size *= 2;
	space->slots = palloc0(sizeof(int32) * (Size) size);
	space->slot_mask = size - 1;
	space->sort_devices = palloc(sizeof(int32) * Max(space->maxdevices, 1));
	space->node_class = palloc(sizeof(int32) * Max(nnodes, 1));
	space->stale = palloc(sizeof(int32) * Max(nnodes, 1));
	space->is_stale = palloc0(sizeof(bool) * Max(nnodes, 1));
	for (int n = 0; n < nnodes; n++)
		space->node_class[n] = -1;
	for (int n = 0; n < nnodes; n++)
		pm_class_enter(space, n, pm_class_of_node(space, n));
}

/*
 * How hard a group is to place: requests with accelerator first, then the
 * larger share of what the best node has in a dimension.
 */
static uint64
group_weight(const PmSearch *search, const int64 *most, const PmScale *scale)
{
	uint64		weight = 0;

	for (int i = 0; i < search->ndims; i++)
	{
		int			d = search->dims[i];
		int64		amount = search->request->amounts[d];
		uint64		share = UINT64CONST(1) << PM_SHARE_BITS;

		if (amount < most[d])
			share = pm_share(&scale[d], amount);
		weight = Max(weight, share);
	}
	if (search->request->wants_accelerator)
		weight |= UINT64CONST(1) << 63;
	return weight;
}

/* Stable insertion sort by weight, heaviest first: few groups per shape */
static void
order_groups(PmSpace *space)
{
	const PmQueue *queue = space->queue;
	int			ndims = space->cluster->ndims;
	int64	   *most = palloc0(sizeof(int64) * Max(ndims, 1));
	PmScale    *scale = palloc(sizeof(PmScale) * Max(ndims, 1));
	uint64	   *weight = palloc(sizeof(uint64) * Max(queue->nrequests, 1));

	for (int d = 0; d < ndims; d++)
	{
		for (int k = 0; k < space->nkinds; k++)
			most[d] = Max(most[d], space->kinds[k].capacity[d]);
		pm_scale_init(&scale[d], most[d]);
	}
	for (int r = 0; r < queue->nrequests; r++)
		weight[r] = group_weight(&space->searches[r], most, scale);

	space->group_order = palloc(sizeof(int *) * Max(queue->nshapes, 1));
	for (int s = 0; s < queue->nshapes; s++)
	{
		const PmShape *shape = &queue->shapes[s];
		int		   *order = palloc(sizeof(int) * Max(shape->ngroups, 1));

		for (int g = 0; g < shape->ngroups; g++)
		{
			int			at = g;

			while (at > 0 &&
				   weight[shape->groups[order[at - 1]].request] < weight[shape->groups[g].request])
			{
				order[at] = order[at - 1];
				at--;
			}
			order[at] = g;
		}
		space->group_order[s] = order;
	}
	pfree(most);
	pfree(scale);
	pfree(weight);
}

PmSpace *
pm_space_create(PmCluster *cluster, const PmQueue *queue, PmPlacementPolicy placement)
{
	PmSpace    *space = palloc0(sizeof(PmSpace));

	space->cluster = cluster;
	space->queue = queue;
	space->placement = placement;
	space->context = CurrentMemoryContext;
	space->lane = -1;
	find_kinds(space);
	find_classes(space);
	space->searches = palloc0(sizeof(PmSearch) * Max(queue->nrequests, 1));
	pm_match_requests(space);
	order_groups(space);
	space->reached = palloc0(sizeof(int64) * Max(queue->nshapes, 1));
	return space;
}

/* Something was given back: what did not fit may fit now */
void
pm_space_grew(PmSpace *space)
{
	space->growth++;
	pm_class_reuse(space);
}

static void
change(PmSpace *space, const PmHold *hold, int sign)
{
	PmNode	   *node = &space->cluster->nodes[hold->node];

	for (int d = 0; d < space->cluster->ndims; d++)
		node->free[d] += sign * hold->amounts[d];
	for (int i = 0; i < hold->ndevices; i++)
		node->device_free[hold->devices[i]] += sign * hold->device_share;
	pm_class_defer(space, hold->node);
}

/* What a run holds goes back to the nodes */
void
pm_space_give(PmSpace *space, const PmHold *holds, int nholds)
{
	for (int i = 0; i < nholds; i++)
		change(space, &holds[i], 1);
	pm_space_grew(space);
}

/* It is taken, device by device */
void
pm_space_take(PmSpace *space, const PmHold *holds, int nholds)
{
	for (int i = 0; i < nholds; i++)
		change(space, &holds[i], -1);
}
