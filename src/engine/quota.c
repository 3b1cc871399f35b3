/*-------------------------------------------------------------------------
 *
 * quota.c
 *	  The tree of quotas: what the jobs of a lane may hold, by what is
 *	  guaranteed to it, borrowed, lent and bounded.
 *
 * Per dimension, for a lane n below p:
 *
 *	subtree(n)	 = guaranteed(n) + sum over the lanes c below it of
 *				   subtree(c) - home(c)
 *	home(n)		 = max(0, subtree(n) - lend_limit(n)); 0 without that limit:
 *				   what stays at home even while it is idle
 *	use(n)		 = held by its own jobs + sum over c of over(c)
 *	over(n)		 = max(0, use(n) - home(n)): what p sees of it
 *	free_to(n)	 = max(0, home(n) - use(n)) + the least of
 *				   free_to(p) and
 *				   subtree(n) - home(n) - over(n) + borrow_limit(n)
 *	available(n) = free_to(n), but for n and each lane above it not more than
 *				   its upper less all that is held in it and below
 *	potential(n) = the same when nobody holds anything
 *
 * Above all lanes is the pool.  What its nodes have and no lane keeps at home
 * can be given to all; as what is held is on nodes, that is, now, what is free
 * there less max(0, home(n) - use(n)) of every lane.  In a dimension in which
 * nobody keeps anything the pool limits nothing: what is free on nodes is found
 * out by placing.
 *
 * A lane without quota borrows all that it holds and is counted in the pool
 * alone; it costs nothing but one addition.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"

#include "engine/engine_internal.h"

/* As good as infinite, and far from overflow */
#define BOUNDLESS	((int128) 1 << 100)

typedef struct QuotaLane
{
	int			depth;
	int128	   *subtree;		/* [ndims] each; NULL: it has no quota */
	int128	   *home;
	int128	   *use;
	int128	   *held;			/* in it and below */
} QuotaLane;

struct PmQuota
{
	const PmQueue *queue;
	int			ndims;
	QuotaLane  *lanes;			/* [nlanes] */
	bool	   *keeps;			/* [ndims]: some lane keeps something at home */
	int128	   *room;			/* [ndims]: of the pool, available */
	int128	   *most;			/* [ndims]: of the pool, potential */
};

/* What limits a lane in a dimension, and where */
typedef struct Reach
{
	int128		amount;
	PmLevel		level;
} Reach;

/* ---- making ---- */

static bool
has_quota(const PmLane *lane)
{
	return lane->parent >= 0 || lane->guaranteed || lane->upper ||
		lane->borrow_limit || lane->lend_limit;
}

static void
give_quota(PmQuota *quota, int l)
{
	QuotaLane  *lane = &quota->lanes[l];
	Size		size = sizeof(int128) * Max(quota->ndims, 1);

	if (lane->subtree)
		return;
	lane->subtree = palloc0(size);
	lane->home = palloc0(size);
	lane->use = palloc0(size);
	lane->held = palloc0(size);
	for (int p = quota->queue->lanes[l].parent; p >= 0; p = quota->queue->lanes[p].parent)
		lane->depth++;
}

/* A lane, whose children have been added to it, is added to what is above */
static void
add_lane(PmQuota *quota, int l)
{
	const PmLane *given = &quota->queue->lanes[l];
	QuotaLane  *lane = &quota->lanes[l];
	QuotaLane  *above = given->parent >= 0 ? &quota->lanes[given->parent] : NULL;

	for (int d = 0; d < quota->ndims; d++)
	{
		if (given->guaranteed)
			lane->subtree[d] += given->guaranteed[d];
		if (given->lend_limit)
			lane->home[d] = Max(0, lane->subtree[d] - given->lend_limit[d]);
		lane->use[d] += given->held[d];
		lane->held[d] += given->held[d];
		if (above)
		{
			above->subtree[d] += lane->subtree[d] - lane->home[d];
			above->use[d] += Max(0, lane->use[d] - lane->home[d]);
			above->held[d] += lane->held[d];
		}
		quota->keeps[d] |= lane->home[d] > 0;
		quota->room[d] -= Max(0, lane->home[d] - lane->use[d]);
		quota->most[d] -= lane->home[d];
	}
}

/* NULL: no lane has a quota.  What lanes hold is kept in queue->lanes too. */
PmQuota *
pm_quota_create(const PmCluster *cluster, const PmQueue *queue)
{
	PmQuota    *quota;
	int			depth = 0;

	if (queue->lanes == NULL)
		return NULL;
	quota = palloc0(sizeof(PmQuota));
	quota->queue = queue;
	quota->ndims = cluster->ndims;
	quota->lanes = palloc0(sizeof(QuotaLane) * Max(queue->nlanes, 1));
	quota->keeps = palloc0(sizeof(bool) * Max(cluster->ndims, 1));
	quota->room = palloc0(sizeof(int128) * Max(cluster->ndims, 1));
	quota->most = palloc0(sizeof(int128) * Max(cluster->ndims, 1));
	for (int i = 0; i < cluster->nnodes; i++)
		for (int d = 0; d < cluster->ndims; d++)
		{
			quota->room[d] += cluster->nodes[i].free[d];
			quota->most[d] += cluster->nodes[i].capacity[d];
		}

	for (int l = 0; l < queue->nlanes; l++)
	{
		if (!has_quota(&queue->lanes[l]))
			continue;
		give_quota(quota, l);
		if (queue->lanes[l].parent >= 0)
			give_quota(quota, queue->lanes[l].parent);
	}
	for (int l = 0; l < queue->nlanes; l++)
		depth = Max(depth, quota->lanes[l].depth);
	for (; depth >= 0; depth--)
		for (int l = 0; l < queue->nlanes; l++)
			if (quota->lanes[l].subtree && quota->lanes[l].depth == depth)
				add_lane(quota, l);
	return quota;
}

/* The lane of a sub-pool; -1: there is none, or no lane has a quota */
int
pm_lane_of(const PmQueue *queue, int64 sub_pool_id)
{
	for (int l = 0; l < queue->nlanes && queue->lanes; l++)
		if (queue->lanes[l].sub_pool_id == sub_pool_id)
			return l;
	return -1;
}

/* ---- asking ---- */

/* free_to(), also when nobody holds anything, and the lane or pool that sets it */
static Reach
free_to(const PmQuota *quota, int l, int d, bool empty)
{
	const PmLane *given;
	const QuotaLane *lane;
	Reach		result = {BOUNDLESS, PM_LEVEL_POOL};
	int128		use;

	if (l < 0 || quota->lanes[l].subtree == NULL)
	{
		if (quota->keeps[d])
			result.amount = empty ? quota->most[d] : quota->room[d];
		return result;
	}
	given = &quota->queue->lanes[l];
	lane = &quota->lanes[l];
	result = free_to(quota, given->parent, d, empty);
	if (result.level == PM_LEVEL_NONE)
		result.level = PM_LEVEL_PARENT;
	use = empty ? 0 : lane->use[d];
	if (given->borrow_limit)
	{
		int128		limit = lane->subtree[d] - lane->home[d] -
			Max(0, use - lane->home[d]) + given->borrow_limit[d];

		if (limit <= result.amount)
			result = (Reach) {limit, PM_LEVEL_NONE};
	}
	result.amount += Max(0, lane->home[d] - use);
	return result;
}

static Reach
reach(const PmQuota *quota, int l, int d, bool empty)
{
	Reach		result = free_to(quota, l, d, empty);
	PmLevel		level = PM_LEVEL_NONE;

	for (; l >= 0 && quota->lanes[l].subtree; l = quota->queue->lanes[l].parent)
	{
		const int64 *upper = quota->queue->lanes[l].upper;
		int128		rest = upper ? upper[d] - (empty ? 0 : quota->lanes[l].held[d]) : BOUNDLESS;

		if (rest < result.amount || (rest == result.amount && level == PM_LEVEL_NONE))
			result = (Reach) {rest, level};
		level = PM_LEVEL_PARENT;
	}
	return result;
}

/* PM_CAP_NONE: nothing limits it */
static int64
clamp(int128 amount)
{
	return amount >= PM_CAP_NONE ? PM_CAP_NONE : amount <= 0 ? 0 : (int64) amount;
}

/* What the jobs of a lane may be given now; level: where that is decided */
int64
pm_lane_available(const PmQuota *quota, int lane, int d, PmLevel *level)
{
	Reach		found = reach(quota, lane, d, false);

	*level = found.level;
	return clamp(found.amount);
}

/* What they could be given if nobody held anything */
int64
pm_lane_potential(const PmQuota *quota, int lane, int d, PmLevel *level)
{
	Reach		found = reach(quota, lane, d, true);

	*level = found.level;
	return clamp(found.amount);
}

/*
 * Would the minimum of a shape bring the jobs of a lane beyond what is
 * guaranteed to it, in a resource that the shape asks for?  It changes with
 * what the lane itself is given, and with nothing else.
 */
bool
pm_lane_would_borrow(const PmQueue *queue, int l, int s)
{
	const PmShape *shape = &queue->shapes[s];
	const PmLane *lane;

	if (queue->quota == NULL)
		return false;
	lane = &queue->lanes[l];
	for (int d = 0; d < queue->quota->ndims; d++)
	{
		int64		amount = pm_minimum_amount(queue, shape, 0, shape->ngroups - 1, d);

		if (amount > 0 && (lane->guaranteed == NULL || lane->held == NULL ||
						   lane->held[d] > lane->guaranteed[d] - amount))
			return true;
	}
	return false;
}

/* Is a lane another one, or above it? */
static bool
is_above(const PmQuota *quota, int l, int below)
{
	while (below >= 0 && below != l)
		below = quota->queue->lanes[below].parent;
	return below == l;
}

/*
 * Could a lane take a dimension back from another one?  It holds more than is
 * its own, and so do the lanes above it that are not above the first one too.
 */
bool
pm_lane_owes(const PmQuota *quota, int l, int to, int d)
{
	if (l == to)
		return false;
	for (; l >= 0 && !is_above(quota, l, to); l = quota->queue->lanes[l].parent)
	{
		const QuotaLane *lane = &quota->lanes[l];

		if (lane->subtree && lane->use[d] <= lane->subtree[d])
			return false;
	}
	return true;
}

/* ---- holding ---- */

/*
 * The jobs of a lane (-1: of one without quota) hold so much more of a
 * dimension; less, if it is below 0.
 * Giving back what was taken leads to where it was before.
 */
void
pm_lane_take(PmQuota *quota, int l, int d, int64 amount)
{
	int128		over = amount;	/* what the next above sees of it */

	int64	   *held = l >= 0 ? quota->queue->lanes[l].held : NULL;

	if (held && pg_add_s64_overflow(held[d], amount, &held[d]))
		held[d] = PG_INT64_MAX;
	while (l >= 0 && quota->lanes[l].subtree)
	{
		QuotaLane  *lane = &quota->lanes[l];
		int128		before = Max(0, lane->use[d] - lane->home[d]);

		lane->held[d] += amount;
		lane->use[d] += over;
		over = Max(0, lane->use[d] - lane->home[d]) - before;
		l = quota->queue->lanes[l].parent;
	}
	quota->room[d] -= over;
}
