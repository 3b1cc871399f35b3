/*-------------------------------------------------------------------------
 *
 * class.c
 *	  Classes of nodes that are alike to every request, and which node is in
 *	  which.
 *
 * A class is found by hashing the node's state.  Each keeps its members in a
 * heap, the node made first on top.  A node that leaves from the middle stays
 * in the heap until it comes up: node_class tells whether an entry counts.
 * When a class gets its first member, or one lower than all it has, searches
 * (search.c) are told, so that they need not look at all classes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

/* Most free first; a handful of devices, often sorted already */
static void
sort_node_devices(PmSpace *space, const PmNode *node)
{
	int32	   *sorted = space->sort_devices;

	for (int i = 0; i < node->ndevices; i++)
	{
		int32		have = node->device_free[i];
		int			at = i;

		while (at > 0 && sorted[at - 1] < have)
		{
			sorted[at] = sorted[at - 1];
			at--;
		}
		sorted[at] = have;
	}
}

/* Needs sort_node_devices() first */
static uint64
state_hash(const PmSpace *space, const PmNode *node, int kind)
{
	uint64		h = pm_mix(0, (uint64) kind);

	for (int d = 0; d < space->cluster->ndims; d++)
		h = pm_mix(h, (uint64) node->free[d]);
	for (int i = 0; i < node->ndevices; i++)
		h = pm_mix(h, (uint64) space->sort_devices[i]);
	return h;
}

static bool
same_state(const PmSpace *space, int c, uint64 hash, const PmNode *node, int kind)
{
	const PmClass *class = &space->classes[c];

	return class->hash == hash && class->kind == kind &&
		memcmp(pm_class_free(space, c), node->free,
			   sizeof(int64) * space->cluster->ndims) == 0 &&
		(node->ndevices == 0 ||
		 memcmp(pm_class_devices(space, c), space->sort_devices,
				sizeof(int32) * node->ndevices) == 0);
}

/* Enter the classes that are in use into the hash table, which is of this size */
static void
fill_slots(PmSpace *space, uint32 size)
{
	memset(space->slots, 0, sizeof(int32) * (Size) size);
	space->slot_mask = size - 1;
	for (int c = 0; c < space->nclasses; c++)
	{
		uint32		slot = (uint32) space->classes[c].hash & space->slot_mask;

		if (space->classes[c].unused)
			continue;
		while (space->slots[slot] != 0)
			slot = (slot + 1) & space->slot_mask;
		space->slots[slot] = c + 1;
	}
}

static void
grow_slots(PmSpace *space)
{
	uint32		size = (space->slot_mask + 1) * 2;

	pfree(space->slots);
	space->slots = MemoryContextAllocHuge(space->context, sizeof(int32) * (Size) size);
	fill_slots(space, size);
}

/*
 * Where nodes come and go for long, most classes are empty: let them be of
 * another state.  Not while a job is being placed.
 */
void
pm_class_reuse(PmSpace *space)
{
	if (space->nclasses - space->nunused <= 2 * space->cluster->nnodes + 64)
		return;
	for (int c = 0; c < space->nclasses; c++)
	{
		PmClass    *class = &space->classes[c];

		if (class->nnodes > 0 || class->unused)
			continue;
		class->unused = true;
		class->generation++;
		space->unused = pm_grow(space->context, space->unused, &space->maxunused,
								space->nunused + 1, sizeof(int32));
		space->unused[space->nunused++] = c;
	}
	fill_slots(space, space->slot_mask + 1);
}

/* A class that is in no use: what was one of another state, or a new one */
static int
unused_class(PmSpace *space)
{
	int			ndims = space->cluster->ndims;
	int			c = space->nclasses;

	if (space->nunused > 0)
		return space->unused[--space->nunused];
	if (c == space->maxclasses)
	{
		int			max = space->maxclasses;

		space->class_free = pm_grow(space->context, space->class_free, &max, c + 1,
									sizeof(int64) * Max(ndims, 1));
		max = space->maxclasses;
		space->class_devices = pm_grow(space->context, space->class_devices, &max, c + 1,
									   sizeof(int32) * Max(space->maxdevices, 1));
		space->classes = pm_grow(space->context, space->classes, &space->maxclasses, c + 1,
								 sizeof(PmClass));
	}
	memset(&space->classes[c], 0, sizeof(PmClass));
	space->nclasses++;
	return c;
}

static int
add_class(PmSpace *space, uint64 hash, const PmNode *node, int kind)
{
	int			ndims = space->cluster->ndims;
	int			c = unused_class(space);
	PmClass    *class = &space->classes[c];

	class->unused = false;
	class->kind = kind;
	class->whole = 0;
	class->most = 0;
	class->hash = hash;
	memcpy(pm_class_free(space, c), node->free, sizeof(int64) * ndims);
	for (int i = 0; i < node->ndevices; i++)
	{
		int32		have = space->sort_devices[i];

		pm_class_devices(space, c)[i] = have;
		if (have == PM_DEVICE_WHOLE)
			class->whole++;
	}
	if (node->ndevices > 0)
		class->most = space->sort_devices[0];
	return c;
}

/* The class of a node's present state, made if new */
int
pm_class_of_node(PmSpace *space, int n)
{
	const PmNode *node = &space->cluster->nodes[n];
	int			kind = space->node_kind[n];
	uint64		hash;
	uint32		slot;

	sort_node_devices(space, node);
	hash = state_hash(space, node, kind);
	if ((uint32) space->nclasses * 2 > space->slot_mask)
		grow_slots(space);
	slot = (uint32) hash & space->slot_mask;
	while (space->slots[slot] != 0)
	{
		if (same_state(space, space->slots[slot] - 1, hash, node, kind))
			return space->slots[slot] - 1;
		slot = (slot + 1) & space->slot_mask;
	}
	space->slots[slot] = add_class(space, hash, node, kind) + 1;
	return space->slots[slot] - 1;
}

static void
heap_push(PmSpace *space, PmClass *class, int node)
{
	int			at = class->nheap++;

	class->heap = pm_grow(space->context, class->heap, &class->maxheap,
						  class->nheap, sizeof(int32));
	while (at > 0 && class->heap[(at - 1) / 2] > node)
	{
		class->heap[at] = class->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	class->heap[at] = node;
}

static void
heap_pop(PmClass *class)
{
	int			last = class->heap[--class->nheap];
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= class->nheap)
			break;
		if (child + 1 < class->nheap && class->heap[child + 1] < class->heap[child])
			child++;
		if (class->heap[child] >= last)
			break;
		class->heap[at] = class->heap[child];
		at = child;
	}
	class->heap[at] = last;
}

/* The member made first; the class must have one */
int
pm_class_lowest(PmSpace *space, int c)
{
	PmClass    *class = &space->classes[c];

	Assert(class->nnodes > 0);
	while (space->node_class[class->heap[0]] != c)
		heap_pop(class);
	return class->heap[0];
}

/* A node that is in no class enters one */
void
pm_class_enter(PmSpace *space, int node, int c)
{
	PmClass    *class = &space->classes[c];
	bool		first;

	if (class->nnodes == 0)
		class->nheap = 0;
	first = class->nnodes == 0 || node < pm_class_lowest(space, c);
	space->node_class[node] = c;
	class->nnodes++;
	heap_push(space, class, node);
	if (first)
		pm_search_tell(space, c, node);
}

/*
 * A node has changed, but may change again before anybody asks: look up its
 * class when they do.
 */
void
pm_class_defer(PmSpace *space, int node)
{
	if (space->is_stale[node])
		return;
	space->is_stale[node] = true;
	space->stale[space->nstale++] = node;
}

void
pm_class_catch_up(PmSpace *space)
{
	while (space->nstale > 0)
	{
		int			node = space->stale[--space->nstale];

		space->is_stale[node] = false;
		pm_class_move(space, node, pm_class_of_node(space, node));
	}
}

/* A node whose state has changed goes to the class of the new state */
void
pm_class_move(PmSpace *space, int node, int c)
{
	int			from = space->node_class[node];

	if (from == c)
		return;
	space->classes[from].nnodes--;
	space->node_class[node] = -1;
	pm_class_enter(space, node, c);
	if (space->topology)
		pm_topology_moved(space, node);
}
