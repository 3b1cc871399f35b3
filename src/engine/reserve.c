/*-------------------------------------------------------------------------
 *
 * reserve.c
 *	  Withholding for blocked jobs what is free on the nodes that will have
 *	  to make room for them (policy reserve).
 *
 * A blocked job's minimum is placed against capacities, one replica after the
 * other, each on the matching node with the least shortfall (score.c; ties:
 * node order).  Its own replicas count together against a node's capacity,
 * other jobs' do not.  What is free there, up to its request, is taken off
 * the node's free resources until pm_reserve_release().  A shape that
 * capacities did not hold withholds nothing, for the rest of the pass.
 *
 * Shortfalls only grow in a pass.  So a heap of nodes by the shortfall last
 * computed has the least one on top as soon as the top is up to date.  And a
 * shape that once found nothing to withhold would choose the same, exhausted
 * nodes again: it is not looked at any more.
 *
 * A shape with required affinity is placed on the nodes of one domain, the one
 * that has room for most of it (topology.c); what else it asks of the topology
 * does not count here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/engine_internal.h"

/*
 * A node as the choice of a request: its shortfall in the upper half, its
 * index in the lower, so that one comparison decides.  Heaps are four-ary:
 * they are large, and what they cost is memory that is not in the cache.
 */
typedef uint64 Choice;

#define FANOUT	4
#define choice_node(choice) ((int) (uint32) (choice))
#define make_choice(shortfall, node) \
	((Choice) Min((shortfall), PG_UINT32_MAX) << 32 | (uint32) (node))

typedef struct ChoiceHeap
{
	bool		opened;
	int			n;
	Choice	   *choices;
} ChoiceHeap;

/* A node chosen for the job at hand: capacity left to it, state before */
typedef struct Touched
{
	int			node;
	PmNode		left;			/* free: capacity less the job's own */
	int64	   *free_before;
	int32	   *device_before;
} Touched;

struct PmReserve
{
	PmSpace    *space;
	MemoryContext context;
	ChoiceHeap *heaps;			/* [nrequests] */
	int64		held;			/* choices there is room for in all */
	bool	   *done;			/* [nshapes]: nothing (more) to withhold */
	int64	  **withheld;		/* [nnodes], NULL or [ndims] */
	int32	  **withheld_devices;	/* [nnodes], NULL or [ndevices] */
	int32	   *touched_of;		/* [nnodes]: index into touched, or -1 */
	int			ntouched;
	int			maxtouched;
	int			nready;			/* whose arrays are allocated */
	Touched    *touched;
	int			naside;
	int			maxaside;
	Choice	   *aside;			/* full for the job at hand */
	int			nkept;
	int			maxkept;
	int		   *kept;			/* nodes of which the last job has something */
	int			maxdevices;
	int		   *devices;		/* scratch */
};

static void
sift_down(ChoiceHeap *heap, int at)
{
	Choice	   *choices = heap->choices;
	Choice		moved = choices[at];

	for (;;)
	{
		int			child = FANOUT * at + 1;
		int			end = Min(child + FANOUT, heap->n);
		int			least = child;
		Choice		least_choice = moved;

		for (; child < end; child++)
		{
			bool		less = choices[child] < least_choice;

			/* written so that no branch is taken on data */
			least_choice = less ? choices[child] : least_choice;
			least = less ? child : least;
		}
		if (least_choice == moved)
			break;
		choices[at] = least_choice;
		at = least;
	}
	choices[at] = moved;
}

static void
push(ChoiceHeap *heap, Choice choice)
{
	int			at = heap->n++;

	while (at > 0 && choice < heap->choices[(at - 1) / FANOUT])
	{
		heap->choices[at] = heap->choices[(at - 1) / FANOUT];
		at = (at - 1) / FANOUT;
	}
	heap->choices[at] = choice;
}

static void
close_heaps(PmReserve *reserve)
{
	for (int r = 0; r < reserve->space->queue->nrequests; r++)
	{
		if (reserve->heaps[r].choices != NULL)
			pfree(reserve->heaps[r].choices);
		memset(&reserve->heaps[r], 0, sizeof(ChoiceHeap));
	}
	reserve->held = 0;
}

/* Those of so many nodes that match and could hold a replica when empty; NULL:
 * the first nodes of all */
static void
fill_heap(PmReserve *reserve, ChoiceHeap *heap, const PmSearch *search, const int *nodes, int nnodes)
{
	PmSpace    *space = reserve->space;
	bool	   *holds = palloc(sizeof(bool) * Max(space->nkinds, 1));

	CHECK_FOR_INTERRUPTS();
	for (int k = 0; k < space->nkinds; k++)
		holds[k] = pm_copies_when_empty(search, &space->kinds[k], 1) > 0;
	heap->n = 0;
	for (int i = 0; i < nnodes; i++)
	{
		int			n = nodes ? nodes[i] : i;
		const PmNode *node = &space->cluster->nodes[n];
		const PmKind *kind = &space->kinds[space->node_kind[n]];

		if (!search->match[node->config] || !holds[space->node_kind[n]] ||
			(space->closed && space->closed[n]))
			continue;
		heap->choices[heap->n++] = make_choice(pm_shortfall(search, kind, node), n);
	}
	for (int i = heap->n / FANOUT; i >= 0 && heap->n > 0; i--)
		sift_down(heap, i);
	pfree(holds);
}

/* All nodes that do */
static void
open_heap(PmReserve *reserve, ChoiceHeap *heap, const PmSearch *search)
{
	int			nnodes = reserve->space->cluster->nnodes;

	if (heap->choices == NULL)
	{
		if (reserve->held > PM_MAX_CHOICES)
			close_heaps(reserve);
		heap->choices = MemoryContextAllocHuge(reserve->context,
											   sizeof(Choice) * (Size) Max(nnodes, 1));
		reserve->held += nnodes;
	}
	fill_heap(reserve, heap, search, NULL, nnodes);
	heap->opened = true;
}

PmReserve *
pm_reserve_create(PmSpace *space)
{
	int			nnodes = Max(space->cluster->nnodes, 1);
	PmReserve  *reserve = palloc0(sizeof(PmReserve));

	reserve->space = space;
	reserve->context = CurrentMemoryContext;
	reserve->heaps = palloc0(sizeof(ChoiceHeap) * Max(space->queue->nrequests, 1));
	reserve->done = palloc0(sizeof(bool) * Max(space->queue->nshapes, 1));
	reserve->withheld = palloc0(sizeof(int64 *) * nnodes);
	reserve->withheld_devices = palloc0(sizeof(int32 *) * nnodes);
	reserve->touched_of = palloc(sizeof(int32) * nnodes);
	for (int n = 0; n < nnodes; n++)
		reserve->touched_of[n] = -1;
	return reserve;
}

/* The job at hand chooses a node for the first time */
static Touched *
touch(PmReserve *reserve, int n)
{
	PmSpace    *space = reserve->space;
	const PmNode *node = &space->cluster->nodes[n];
	Size		free_size = sizeof(int64) * Max(space->cluster->ndims, 1);
	Size		device_size = sizeof(int32) * Max(space->maxdevices, 1);
	Touched    *touched;

	reserve->touched = pm_grow(reserve->context, reserve->touched, &reserve->maxtouched,
							   reserve->ntouched + 1, sizeof(Touched));
	touched = &reserve->touched[reserve->ntouched];
	if (reserve->ntouched == reserve->nready)
	{
		touched->left.free = palloc(free_size);
		touched->left.device_free = palloc(device_size);
		touched->free_before = palloc(free_size);
		touched->device_before = palloc(device_size);
		reserve->nready++;
	}
	reserve->touched_of[n] = reserve->ntouched++;

	touched->node = n;
	touched->left.node_id = node->node_id;
	touched->left.config = node->config;
	touched->left.accelerator = node->accelerator;
	touched->left.ndevices = node->ndevices;
	touched->left.capacity = node->capacity;
	memcpy(touched->left.free, node->capacity, sizeof(int64) * space->cluster->ndims);
	memcpy(touched->free_before, node->free, sizeof(int64) * space->cluster->ndims);
	for (int i = 0; i < node->ndevices; i++)
	{
		touched->left.device_free[i] = PM_DEVICE_WHOLE;
		touched->device_before[i] = node->device_free[i];
	}
	return touched;
}

/* The node for the next replica of the job at hand, or -1 */
static int
choose(PmReserve *reserve, ChoiceHeap *heap, const PmSearch *search)
{
	PmSpace    *space = reserve->space;

	while (heap->n > 0)
	{
		Choice		top = heap->choices[0];
		int			n = choice_node(top);
		const PmNode *node = &space->cluster->nodes[n];
		const PmKind *kind = &space->kinds[space->node_kind[n]];
		int			t = reserve->touched_of[n];
		Choice		now;

		if (t >= 0 && !pm_node_fits(search, kind, &reserve->touched[t].left))
		{
			reserve->aside = pm_grow(reserve->context, reserve->aside, &reserve->maxaside,
									 reserve->naside + 1, sizeof(Choice));
			reserve->aside[reserve->naside++] = top;
			heap->choices[0] = heap->choices[--heap->n];
			if (heap->n > 0)
				sift_down(heap, 0);
			continue;
		}
		now = make_choice(pm_shortfall(search, kind, node), n);
		if (now == top)
			return n;
		Assert(now > top);
		heap->choices[0] = now;
		sift_down(heap, 0);
	}
	return -1;
}

/* Withhold for the minimum of a group; false if capacities do not hold it */
static bool
withhold_from(PmReserve *reserve, const PmTaskGroup *group, ChoiceHeap *heap)
{
	PmSpace    *space = reserve->space;
	PmSearch   *search = &space->searches[group->request];
	int			left = group->min_replicas;

	for (; left > 0; left--)
	{
		int			n = choose(reserve, heap, search);
		int			per;
		int			share;
		Touched    *touched;

		if (n < 0)
			break;
		CHECK_FOR_INTERRUPTS();
		if (reserve->touched_of[n] >= 0)
			touched = &reserve->touched[reserve->touched_of[n]];
		else
			touched = touch(reserve, n);
		per = pm_devices_per_replica(&touched->left, search->request, &share);
		reserve->devices = pm_grow(reserve->context, reserve->devices, &reserve->maxdevices,
								   per, sizeof(int));
		pm_node_take(&touched->left, search, 1, reserve->devices);
		pm_node_withhold(&space->cluster->nodes[n], search);
	}
	while (reserve->naside > 0)
		push(heap, reserve->aside[--reserve->naside]);
	return left == 0;
}

/* On any node, or on those of the domain in which the job waits for room */
static bool
withhold_group(PmReserve *reserve, const PmTaskGroup *group, int domain)
{
	PmSpace    *space = reserve->space;
	PmSearch   *search = &space->searches[group->request];
	ChoiceHeap *heap = &reserve->heaps[group->request];
	ChoiceHeap	own = {0};
	int		   *nodes;
	int			nnodes;
	bool		holds;

	if (domain == 0)
	{
		if (!heap->opened)
			open_heap(reserve, heap, search);
		return withhold_from(reserve, group, heap);
	}
	nodes = pm_domain_nodes(space, domain, &nnodes);
	own.choices = palloc(sizeof(Choice) * Max(nnodes, 1));
	fill_heap(reserve, &own, search, nodes, nnodes);
	holds = withhold_from(reserve, group, &own);
	pfree(own.choices);
	pfree(nodes);
	return holds;
}

/* Book what was withheld on a node for the job at hand; false if nothing */
static bool
keep(PmReserve *reserve, const Touched *touched)
{
	PmSpace    *space = reserve->space;
	int			ndims = space->cluster->ndims;
	PmNode	   *node = &space->cluster->nodes[touched->node];
	int64	   *sums = reserve->withheld[touched->node];
	int32	   *devices = reserve->withheld_devices[touched->node];

	if (memcmp(touched->free_before, node->free, sizeof(int64) * ndims) == 0)
		return false;
	if (sums == NULL)
	{
		reserve->withheld[touched->node] = sums = palloc0(sizeof(int64) * ndims);
		reserve->withheld_devices[touched->node] = devices =
			palloc0(sizeof(int32) * Max(node->ndevices, 1));
	}
	for (int d = 0; d < ndims; d++)
		sums[d] += touched->free_before[d] - node->free[d];
	for (int i = 0; i < node->ndevices; i++)
		devices[i] += touched->device_before[i] - node->device_free[i];
	pm_class_defer(space, touched->node);
	reserve->kept = pm_grow(reserve->context, reserve->kept, &reserve->maxkept,
							reserve->nkept + 1, sizeof(int));
	reserve->kept[reserve->nkept++] = touched->node;
	return true;
}

/* A job of this shape is blocked; false: nothing more is withheld for the next */
bool
pm_reserve_shape(PmReserve *reserve, int s)
{
	PmSpace    *space = reserve->space;
	const PmShape *shape = &space->queue->shapes[s];
	bool		holds = true;
	bool		any = false;
	int			domain = 0;

	reserve->nkept = 0;
	if (reserve->done[s])
		return false;
	for (int g = 0; g < shape->ngroups && holds; g++)
		holds = pm_search_count_empty(space, &space->searches[shape->groups[g].request],
									  shape->groups[g].min_replicas) >=
			shape->groups[g].min_replicas;
	if (holds)
		domain = pm_topology_awaited(space, s);
	holds = holds && domain >= 0;
	for (int i = 0; i < shape->ngroups && holds; i++)
		holds = withhold_group(reserve, &shape->groups[space->group_order[s][i]], domain);
	for (int t = 0; t < reserve->ntouched; t++)
	{
		Touched    *touched = &reserve->touched[t];
		PmNode	   *node = &space->cluster->nodes[touched->node];

		reserve->touched_of[touched->node] = -1;
		if (holds)
		{
			if (keep(reserve, touched))
				any = true;
			continue;
		}
		memcpy(node->free, touched->free_before, sizeof(int64) * space->cluster->ndims);
		for (int i = 0; i < node->ndevices; i++)
			node->device_free[i] = touched->device_before[i];
	}
	reserve->ntouched = 0;

	/* What was given back makes shortfalls smaller again: start anew */
	for (int g = 0; g < shape->ngroups && !holds; g++)
		reserve->heaps[shape->groups[g].request].opened = false;
	if (!any)
		reserve->done[s] = true;
	return any;
}

/* The nodes on which something was withheld for the last job */
const int *
pm_reserve_kept(const PmReserve *reserve, int *n)
{
	*n = reserve->nkept;
	return reserve->kept;
}

/* Give everything back to the nodes */
void
pm_reserve_release(PmReserve *reserve)
{
	PmCluster  *cluster = reserve->space->cluster;

	for (int n = 0; n < cluster->nnodes; n++)
	{
		PmNode	   *node = &cluster->nodes[n];

		if (reserve->withheld[n] == NULL)
			continue;
		for (int d = 0; d < cluster->ndims; d++)
			node->free[d] += reserve->withheld[n][d];
		for (int i = 0; i < node->ndevices; i++)
			node->device_free[i] += reserve->withheld_devices[n][i];
		pm_class_defer(reserve->space, n);
	}
	pm_space_grew(reserve->space);
}
