/*-------------------------------------------------------------------------
 *
 * reason.c
 *	  Why a shape is not started, with the numbers behind it, and the names
 *	  of reasons.
 *
 * The first that holds, for the minimum counts of the shape's groups:
 *
 * tenant_frozen		the lane is frozen
 * exceeds_max			the quota of the lane would not allow them if nobody held
 *						anything (cap.c; no level: that of the lane itself, level
 *						parent: of one above, level pool: what others keep)
 * quota				it does not allow them now (the same levels)
 * no_address			the cap of the pool does not allow as many replicas
 *						(level pool)
 * bandwidth	it does not allow as much of a dimension (pool)
 * no_matching_node		a group matches no node, or names a resource that no
 *						node has
 * exceeds_max			empty nodes would not hold it: one replica is too
 *						large for every node (level node), or there are too
 *						many of them (pool, in replicas)
 * resources			the matching nodes together have too little free in a
 *						dimension (level pool)
 * fragmented			they have enough, but only some replicas fit (pool, in
 *						replicas), or not even one (level node: the dimension
 *						is the one in which the best node has too little; if
 *						each dimension is there on some node, but not all on
 *						one, then that of the node which lacks least)
 * topology				nodes would hold the groups, but not in the domains that
 *						they ask for (topology.c)
 *
 * Of several dimensions the one with the largest lack relative to the need is
 * reported, the lowest of equals; replicas that a cap does not allow come
 * before any.  In a node's accelerator dimension what is available to a whole
 * request are entirely free devices, to a fraction the freest device.  Groups
 * are looked at in their order, then all together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"

#include "engine/engine_internal.h"

struct PmFacts
{
	PmSpace    *space;
	int64	   *sum;			/* [nkinds][ndims]: free in all */
	int64	   *best_whole;		/* [nkinds][ndims]: usable on the best node */
	int64	   *best_part;		/* [nkinds][ndims]: the same for fractions */
	PmLack	   *on_nodes;		/* [nrequests]: lack_on_nodes(), once known */
	PmSpace    *empty;			/* all nodes without load; made when needed */
};

const char *
pm_reason_name(PmReason reason)
{
	switch (reason)
	{
		case PM_REASON_NONE:
			return "none";
		case PM_REASON_RESOURCES:
			return "resources";
		case PM_REASON_FRAGMENTED:
			return "fragmented";
		case PM_REASON_TOPOLOGY:
			return "topology";
		case PM_REASON_RESERVED:
			return "reserved";
		case PM_REASON_MAINTENANCE:
			return "maintenance";
		case PM_REASON_RESERVED_NODES:
			return "reserved_nodes";
		case PM_REASON_RESERVATION:
			return "reservation";
		case PM_REASON_RESERVATION_OVER:
			return "reservation_over";
		case PM_REASON_EXCEEDS_MAX:
			return "exceeds_max";
		case PM_REASON_NO_MATCHING_NODE:
			return "no_matching_node";
		case PM_REASON_BEHIND_HEAD:
			return "behind_head";
		case PM_REASON_QUOTA:
			return "quota";
		case PM_REASON_NO_ADDRESS:
			return "no_address";
		case PM_REASON_NETWORK_BANDWIDTH:
			return "bandwidth";
		case PM_REASON_TENANT_FROZEN:
			return "tenant_frozen";
	}
	return "unknown";
}

const char *
pm_level_name(PmLevel level)
{
	switch (level)
	{
		case PM_LEVEL_NONE:
			return "none";
		case PM_LEVEL_POOL:
			return "pool";
		case PM_LEVEL_NODE:
			return "node";
		case PM_LEVEL_DOMAIN:
			return "domain";
		case PM_LEVEL_PARENT:
			return "parent";
	}
	return "unknown";
}

static int64
add_saturated(int64 a, int64 b)
{
	int64		sum;

	return pg_add_s64_overflow(a, b, &sum) ? PG_INT64_MAX : sum;
}

static int64
mul_saturated(int64 a, int64 b)
{
	int64		product;

	return pg_mul_s64_overflow(a, b, &product) ? PG_INT64_MAX : product;
}

/* Is a's lack, relative to what is needed, larger than b's? */
static bool
lacks_more(const PmLack *a, const PmLack *b)
{
	if (a->dimension == PM_DIM_NONE || b->dimension == PM_DIM_NONE)
		return b->dimension == PM_DIM_NONE && a->dimension != PM_DIM_NONE;
	return (int128) (a->needed - a->available) * b->needed >
		(int128) (b->needed - b->available) * a->needed;
}

void
pm_note_lack(PmLack *worst, int dimension, int64 needed, int64 available)
{
	PmLack		lack = {dimension, needed, available};

	if (available < needed && lacks_more(&lack, worst))
		*worst = lack;
}

PmBlock
pm_make_block(PmReason reason, PmLevel level, const PmLack *lack)
{
	PmBlock		block;

	block.reason = reason;
	block.level = level;
	block.topology_level = 0;
	block.dimension = lack->dimension;
	block.needed = lack->needed;
	block.available = lack->available;
	return block;
}

static PmBlock
make_replica_block(PmReason reason, int64 needed, int64 available)
{
	PmLack		lack = {PM_DIM_REPLICAS, needed, available};

	return pm_make_block(reason, PM_LEVEL_POOL, &lack);
}

/* What one replica that wants amount of a dimension could use on a node */
static inline int64
usable(const PmSpace *space, int n, int dim, int64 amount)
{
	const PmNode *node = &space->cluster->nodes[n];
	const PmClass *class = &space->classes[space->node_class[n]];

	if (dim != node->accelerator)
		return node->free[dim];
	if (amount % PM_DEVICE_WHOLE == 0)
		return (int64) class->whole * PM_DEVICE_WHOLE;
	return class->most;
}

/* Sums and maxima by kind: a request then looks at kinds only */
PmFacts *
pm_facts_create(PmSpace *space)
{
	const PmCluster *cluster = space->cluster;
	int			ndims = cluster->ndims;
	Size		size = sizeof(int64) * (Size) Max(space->nkinds, 1) * Max(ndims, 1);
	PmFacts    *facts = MemoryContextAllocZero(space->context, sizeof(PmFacts));

	pm_class_catch_up(space);
	facts->space = space;
	facts->on_nodes = MemoryContextAllocHuge(space->context,
											 sizeof(PmLack) * (Size) Max(space->queue->nrequests, 1));
	for (int r = 0; r < space->queue->nrequests; r++)
		facts->on_nodes[r].dimension = PM_DIM_NONE;
	facts->sum = MemoryContextAllocHuge(space->context, size);
	facts->best_whole = MemoryContextAllocHuge(space->context, size);
	facts->best_part = MemoryContextAllocHuge(space->context, size);
	memset(facts->sum, 0, size);
	memset(facts->best_whole, 0, size);
	memset(facts->best_part, 0, size);
	for (int n = 0; n < cluster->nnodes; n++)
	{
		const PmNode *node = &cluster->nodes[n];
		Size		base = (Size) space->node_kind[n] * ndims;

		for (int d = 0; d < ndims; d++)
		{
			int64	   *whole = &facts->best_whole[base + d];
			int64	   *part = &facts->best_part[base + d];

			facts->sum[base + d] = add_saturated(facts->sum[base + d], node->free[d]);
			*whole = Max(*whole, usable(space, n, d, PM_DEVICE_WHOLE));
			*part = Max(*part, usable(space, n, d, 1));
		}
	}
	return facts;
}

/* What an empty node of a kind offers to one replica */
static int64
usable_when_empty(const PmKind *kind, int dim, int64 amount)
{
	if (dim != kind->accelerator)
		return kind->capacity[dim];
	if (amount % PM_DEVICE_WHOLE == 0)
		return Min(kind->capacity[dim], (int64) kind->ndevices * PM_DEVICE_WHOLE);
	return Min(kind->capacity[dim], kind->ndevices > 0 ? PM_DEVICE_WHOLE : 0);
}

/* Not one replica fits an empty node: what is lacking */
static PmLack
lack_when_empty(const PmSpace *space, const PmSearch *search)
{
	const int64 *amounts = search->request->amounts;
	PmLack		worst = {PM_DIM_NONE, 0, 0};
	PmLack		least = {PM_DIM_NONE, 0, 0};

	for (int i = 0; i < search->ndims; i++)
	{
		int			d = search->dims[i];
		int64		best = 0;

		for (int k = 0; k < space->nkinds; k++)
			if (search->match[space->kinds[k].config])
				best = Max(best, usable_when_empty(&space->kinds[k], d, amounts[d]));
		pm_note_lack(&worst, d, amounts[d], best);
	}
	if (worst.dimension != PM_DIM_NONE)
		return worst;

	for (int k = 0; k < space->nkinds; k++)
	{
		PmLack		lack = {PM_DIM_NONE, 0, 0};

		if (!search->match[space->kinds[k].config])
			continue;
		for (int i = 0; i < search->ndims; i++)
		{
			int			d = search->dims[i];

			pm_note_lack(&lack, d, amounts[d],
					  usable_when_empty(&space->kinds[k], d, amounts[d]));
		}
		if (least.dimension == PM_DIM_NONE || lacks_more(&least, &lack))
			least = lack;
	}
	return least;
}

/*
 * Each dimension is there on some node, but not all on one: what is lacking
 * on the node that comes closest, the first of equals.  A node is as far away
 * as its worst dimension, in steps of 2^-20 of the need.
 */
static PmLack
lack_on_closest(const PmSpace *space, const PmSearch *search)
{
	const PmCluster *cluster = space->cluster;
	const int64 *amounts = search->request->amounts;
	PmScale    *need = palloc(sizeof(PmScale) * Max(search->ndims, 1));
	uint64		least = PG_UINT64_MAX;
	PmLack		lack = {PM_DIM_NONE, 0, 0};

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < search->ndims; i++)
		pm_scale_init(&need[i], amounts[search->dims[i]]);
	for (int n = 0; n < cluster->nnodes; n++)
	{
		const PmNode *node = &cluster->nodes[n];
		uint64		distance = 0;
		int			worst = PM_DIM_NONE;
		int64		available = 0;

		if (!search->match[node->config])
			continue;
		for (int i = 0; i < search->ndims && distance < least; i++)
		{
			int			d = search->dims[i];
			int64		have = usable(space, n, d, amounts[d]);
			uint64		share;

			if (have >= amounts[d])
				continue;
			share = pm_share(&need[i], amounts[d] - have);
			if (worst == PM_DIM_NONE || share > distance)
			{
				distance = share;
				worst = d;
				available = have;
			}
		}
		if (distance < least)
		{
			least = distance;
			lack.dimension = worst;
			lack.needed = amounts[worst];
			lack.available = available;
		}
	}
	pfree(need);
	return lack;
}

/* Not one replica fits a node now: what is lacking */
static PmLack
lack_on_nodes(const PmFacts *facts, const PmSearch *search)
{
	const PmSpace *space = facts->space;
	const PmCluster *cluster = space->cluster;
	const int64 *amounts = search->request->amounts;
	PmLack		worst = {PM_DIM_NONE, 0, 0};

	for (int i = 0; i < search->ndims; i++)
	{
		int			d = search->dims[i];
		const int64 *best_of = amounts[d] % PM_DEVICE_WHOLE == 0 ?
			facts->best_whole : facts->best_part;
		int64		best = 0;

		for (int k = 0; k < space->nkinds; k++)
			if (search->match[space->kinds[k].config])
				best = Max(best, best_of[(Size) k * cluster->ndims + d]);
		pm_note_lack(&worst, d, amounts[d], best);
	}
	if (worst.dimension == PM_DIM_NONE)
		worst = lack_on_closest(space, search);
	return worst;
}

/* What the minimum of the groups first .. last asks of a dimension */
int64
pm_minimum_amount(const PmQueue *queue, const PmShape *shape, int first, int last, int dim)
{
	int64		amount = 0;

	for (int g = first; g <= last; g++)
	{
		const PmTaskGroup *group = &shape->groups[g];

		amount = add_saturated(amount,
							   mul_saturated(queue->requests[group->request].amounts[dim],
											 group->min_replicas));
	}
	return amount;
}

/*
 * The pool's lack for the groups first .. last together, over the nodes that
 * match any of them
 */
static PmLack
lack_in_pool(const PmFacts *facts, const PmShape *shape, int first, int last)
{
	const PmSpace *space = facts->space;
	int			ndims = space->cluster->ndims;
	PmLack		worst = {PM_DIM_NONE, 0, 0};

	for (int d = 0; d < ndims; d++)
	{
		int64		needed = pm_minimum_amount(space->queue, shape, first, last, d);
		int64		available = 0;

		if (needed == 0)
			continue;
		for (int k = 0; k < space->nkinds; k++)
		{
			bool		matches = false;

			for (int g = first; g <= last && !matches; g++)
				matches = space->searches[shape->groups[g].request].match[space->kinds[k].config];
			if (matches)
				available = add_saturated(available, facts->sum[(Size) k * ndims + d]);
		}
		pm_note_lack(&worst, d, needed, available);
	}
	return worst;
}

/* A cluster like this one, without any load */
static PmSpace *
make_empty(const PmSpace *space)
{
	PmCluster  *cluster = palloc(sizeof(PmCluster));
	int			ndims = space->cluster->ndims;

	*cluster = *space->cluster;
	cluster->nodes = MemoryContextAllocHuge(space->context,
											sizeof(PmNode) * (Size) Max(cluster->nnodes, 1));
	for (int n = 0; n < cluster->nnodes; n++)
	{
		PmNode	   *node = &cluster->nodes[n];

		*node = space->cluster->nodes[n];
		node->free = palloc(sizeof(int64) * Max(ndims, 1));
		memcpy(node->free, node->capacity, sizeof(int64) * ndims);
		node->device_free = palloc(sizeof(int32) * Max(node->ndevices, 1));
		for (int i = 0; i < node->ndevices; i++)
			node->device_free[i] = PM_DEVICE_WHOLE;
	}
	return pm_space_create(cluster, space->queue, space->placement);
}

/* Could empty nodes hold the groups side by side? */
static bool
exceeds_together(PmFacts *facts, int s, int64 needed, PmBlock *block)
{
	int64		placed;

	if (facts->empty == NULL)
		facts->empty = make_empty(facts->space);
	placed = pm_place_minimum(facts->empty, s);
	pm_place_undo(facts->empty);
	*block = make_replica_block(PM_REASON_EXCEEDS_MAX, needed, placed);
	return placed < needed;
}

/* no_matching_node and exceeds_max: true whatever is free */
static bool
never_fits(PmFacts *facts, int s, int64 needed, PmBlock *block)
{
	PmSpace    *space = facts->space;
	const PmShape *shape = &space->queue->shapes[s];
	PmLack		nothing = {PM_DIM_NONE, 0, 0};

	for (int g = 0; g < shape->ngroups; g++)
		if (!space->searches[shape->groups[g].request].matches)
		{
			*block = pm_make_block(PM_REASON_NO_MATCHING_NODE, PM_LEVEL_NONE, &nothing);
			return true;
		}
	for (int g = 0; g < shape->ngroups; g++)
	{
		const PmTaskGroup *group = &shape->groups[g];
		const PmSearch *search = &space->searches[group->request];
		int64		copies = pm_search_count_empty(space, search, group->min_replicas);
		PmLack		lack;

		if (copies >= group->min_replicas)
			continue;
		if (copies > 0)
		{
			*block = make_replica_block(PM_REASON_EXCEEDS_MAX, group->min_replicas, copies);
			return true;
		}
		lack = lack_when_empty(space, search);
		*block = pm_make_block(PM_REASON_EXCEEDS_MAX, PM_LEVEL_NODE, &lack);
		return true;
	}
	return shape->ngroups > 1 && exceeds_together(facts, s, needed, block);
}

/* Why no job of this shape is started now; it must not fit */
PmBlock
pm_explain_shape(PmFacts *facts, int s)
{
	PmSpace    *space = facts->space;
	const PmShape *shape = &space->queue->shapes[s];
	int64		needed = 0;
	PmBlock		block;
	PmLack		lack;

	for (int g = 0; g < shape->ngroups; g++)
		needed += shape->groups[g].min_replicas;
	if (never_fits(facts, s, needed, &block))
		return block;

	for (int g = 0; g < shape->ngroups; g++)
	{
		lack = lack_in_pool(facts, shape, g, g);
		if (lack.dimension != PM_DIM_NONE)
			return pm_make_block(PM_REASON_RESOURCES, PM_LEVEL_POOL, &lack);
	}
	lack = lack_in_pool(facts, shape, 0, shape->ngroups - 1);
	if (lack.dimension != PM_DIM_NONE)
		return pm_make_block(PM_REASON_RESOURCES, PM_LEVEL_POOL, &lack);

	for (int g = 0; g < shape->ngroups; g++)
	{
		const PmTaskGroup *group = &shape->groups[g];
		PmSearch   *search = &space->searches[group->request];
		int64		count = pm_search_count(space, search, group->min_replicas);

		if (count >= group->min_replicas)
			continue;
		if (count > 0)
			return make_replica_block(PM_REASON_FRAGMENTED, group->min_replicas, count);
		if (facts->on_nodes[group->request].dimension == PM_DIM_NONE)
			facts->on_nodes[group->request] = lack_on_nodes(facts, search);
		return pm_make_block(PM_REASON_FRAGMENTED, PM_LEVEL_NODE,
						  &facts->on_nodes[group->request]);
	}
	if (!pm_topology_rules(shape))
		return make_replica_block(PM_REASON_FRAGMENTED, needed, space->reached[s]);

	/* what was last started stays */
	space->ntakes = space->ntake_devices = 0;
	if (shape->ngroups > 1)
	{
		int64		placed = pm_place_minimum(space, s);

		pm_place_undo(space);
		if (placed < needed)
			return make_replica_block(PM_REASON_FRAGMENTED, needed, placed);
	}
	return pm_topology_block(space, s);
}
