/*-------------------------------------------------------------------------
 *
 * reference_cap.c
 *	  Quotas of lanes and the cap of the pool, kept slowly and plainly; see
 *	  reference.c.  The recursion of quotas is written as it is explained,
 *	  from what lanes hold at the moment.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "reference.h"

#define NO_BOUND	((int128) 1 << 100)

static int128
least(int128 a, int128 b)
{
	return a < b ? a : b;
}

static int128
not_negative(int128 a)
{
	return a < 0 ? 0 : a;
}

/* ---- the recursion ---- */

static int128 home(const PmQueue *queue, int n, int d);

static int128
subtree(const PmQueue *queue, int n, int d)
{
	int128		sum = queue->lanes[n].guaranteed ? queue->lanes[n].guaranteed[d] : 0;

	for (int c = 0; c < queue->nlanes; c++)
		if (queue->lanes[c].parent == n)
			sum += subtree(queue, c, d) - home(queue, c, d);
	return sum;
}

static int128
home(const PmQueue *queue, int n, int d)
{
	return queue->lanes[n].lend_limit == NULL ? 0 :
		not_negative(subtree(queue, n, d) - queue->lanes[n].lend_limit[d]);
}

static int128
use(const PmQueue *queue, int n, int d)
{
	int128		sum = queue->lanes[n].held ? queue->lanes[n].held[d] : 0;

	for (int c = 0; c < queue->nlanes; c++)
		if (queue->lanes[c].parent == n)
			sum += not_negative(use(queue, c, d) - home(queue, c, d));
	return sum;
}

static int128
held_below(const PmQueue *queue, int n, int d)
{
	int128		sum = queue->lanes[n].held ? queue->lanes[n].held[d] : 0;

	for (int c = 0; c < queue->nlanes; c++)
		if (queue->lanes[c].parent == n)
			sum += held_below(queue, c, d);
	return sum;
}

/* What the pool has free, less what is idle and kept at home */
static int128
of_pool(const PmQueue *queue, const int64 *pool_free, int d)
{
	int128		idle = 0;
	bool		any = false;

	for (int n = 0; n < queue->nlanes; n++)
	{
		any |= home(queue, n, d) > 0;
		idle += not_negative(home(queue, n, d) - use(queue, n, d));
	}
	return any ? pool_free[d] - idle : NO_BOUND;
}

static int128
free_to(const PmQueue *queue, const int64 *pool_free, int n, int d)
{
	const PmLane *lane;
	int128		from_above;

	if (n < 0)
		return of_pool(queue, pool_free, d);
	lane = &queue->lanes[n];
	from_above = free_to(queue, pool_free, lane->parent, d);
	if (lane->borrow_limit)
		from_above = least(from_above,
						   subtree(queue, n, d) - home(queue, n, d) -
						   not_negative(use(queue, n, d) - home(queue, n, d)) +
						   lane->borrow_limit[d]);
	return not_negative(home(queue, n, d) - use(queue, n, d)) + from_above;
}

static int128
available(const PmQueue *queue, const int64 *pool_free, int n, int d)
{
	int128		result = free_to(queue, pool_free, n, d);

	for (; n >= 0; n = queue->lanes[n].parent)
		if (queue->lanes[n].upper)
			result = least(result, queue->lanes[n].upper[d] - held_below(queue, n, d));
	return result;
}

/* PM_CAP_NONE: no bound */
int64
ref_lane_available(const PmQueue *queue, const int64 *pool_free, int lane, int d)
{
	int128		result = queue->lanes ? available(queue, pool_free, lane, d) : NO_BOUND;

	return result >= PM_CAP_NONE ? PM_CAP_NONE : (int64) not_negative(result);
}

/* The same when nobody holds anything */
static int64
potential(const PmCluster *cluster, const PmQueue *queue, int lane, int d)
{
	PmQueue		empty = *queue;
	int64	   *whole = palloc0(sizeof(int64) * cluster->ndims);

	if (queue->lanes == NULL)
		return PM_CAP_NONE;
	for (int n = 0; n < cluster->nnodes; n++)
		whole[d] += cluster->nodes[n].capacity[d];
	empty.lanes = palloc(sizeof(PmLane) * queue->nlanes);
	for (int l = 0; l < queue->nlanes; l++)
	{
		empty.lanes[l] = queue->lanes[l];
		empty.lanes[l].held = NULL;
	}
	return ref_lane_available(&empty, whole, lane, d);
}

/* ---- caps of a job ---- */

static PmCap *
pool_cap(const PmQueue *queue)
{
	return queue->pool_cap && queue->pool_cap->limited ? queue->pool_cap : NULL;
}

/* May a lane have one more replica of this? */
bool
ref_cap_allows(const Ref *ref, int lane, const PmRequest *request)
{
	const PmCap *cap = pool_cap(ref->queue);

	if (cap && cap->replicas < 1)
		return false;
	for (int d = 0; d < ref->cluster->ndims; d++)
		if (request->amounts[d] > 0 &&
			((cap && cap->available[d] < request->amounts[d]) ||
			 ref_lane_available(ref->queue, ref->pool_free, lane, d) < request->amounts[d]))
			return false;
	return true;
}

/* One replica more (sign 1) or less (-1) for a lane */
void
ref_cap_count(const Ref *ref, int lane, const PmRequest *request, int sign)
{
	PmCap	   *cap = pool_cap(ref->queue);

	if (cap && cap->replicas != PM_CAP_NONE)
		cap->replicas -= sign;
	for (int d = 0; d < ref->cluster->ndims; d++)
	{
		if (cap && cap->available[d] != PM_CAP_NONE)
			cap->available[d] -= sign * request->amounts[d];
		if (ref->queue->lanes && ref->queue->lanes[lane].held)
			ref->queue->lanes[lane].held[d] += sign * request->amounts[d];
		ref->pool_free[d] -= sign * request->amounts[d];
	}
}

/* What a shape needs at least of a dimension */
static int128
minimum(const Ref *ref, const PmShape *shape, int d)
{
	int128		sum = 0;

	for (int g = 0; g < shape->ngroups; g++)
		sum += (int128) shape->groups[g].min_replicas *
			ref->queue->requests[shape->groups[g].request].amounts[d];
	return sum;
}

/* The worst lack so far, if this one is a lack */
static void
note(bool *lacks, int128 sum, int64 have, int64 *needed, int64 *available)
{
	if (have == PM_CAP_NONE || sum <= have)
		return;
	sum = least(sum, PG_INT64_MAX);
	if (*lacks && (sum - have) * *needed <= (int128) (*needed - *available) * sum)
		return;
	*lacks = true;
	*needed = (int64) sum;
	*available = have;
}

/*
 * Which cap does not allow the minimum of a shape to a lane, with the numbers
 * of the replicas or of the dimension that lacks most; PM_REASON_NONE: none
 */
PmReason
ref_cap_reason(const Ref *ref, int lane, const PmShape *shape,
			   int64 *needed, int64 *available)
{
	const PmCap *cap = pool_cap(ref->queue);
	int64		replicas = 0;
	bool		lacks = false;

	/* what lacks now and would lack if nobody held anything */
	for (int d = 0; d < ref->cluster->ndims; d++)
		if (minimum(ref, shape, d) > ref_lane_available(ref->queue, ref->pool_free, lane, d))
			note(&lacks, minimum(ref, shape, d),
				 potential(ref->cluster, ref->queue, lane, d), needed, available);
	if (lacks)
		return PM_REASON_EXCEEDS_MAX;
	for (int d = 0; d < ref->cluster->ndims; d++)
		note(&lacks, minimum(ref, shape, d),
			 ref_lane_available(ref->queue, ref->pool_free, lane, d), needed, available);
	if (lacks)
		return PM_REASON_QUOTA;

	if (cap == NULL)
		return PM_REASON_NONE;
	for (int g = 0; g < shape->ngroups; g++)
		replicas += shape->groups[g].min_replicas;
	if (replicas > cap->replicas)
	{
		*needed = replicas;
		*available = Max(cap->replicas, 0);
		return PM_REASON_NO_ADDRESS;
	}
	for (int d = 0; d < ref->cluster->ndims; d++)
		note(&lacks, minimum(ref, shape, d), Max(cap->available[d], 0), needed, available);
	return lacks ? PM_REASON_NETWORK_BANDWIDTH : PM_REASON_NONE;
}

/* Would the minimum of a shape bring the jobs of a lane beyond its guarantee? */
bool
ref_would_borrow(const Ref *ref, int lane, const PmShape *shape)
{
	if (ref->queue->lanes == NULL)
		return false;
	for (int d = 0; d < ref->cluster->ndims; d++)
	{
		int128		sum = minimum(ref, shape, d);

		const PmLane *own = &ref->queue->lanes[lane];

		if (sum > 0 && own->held[d] + sum > (own->guaranteed ? own->guaranteed[d] : 0))
			return true;
	}
	return false;
}

/* ---- rules of decisions ---- */

/* What lanes keep at home of a dimension and do not use */
int128
ref_kept_idle(const PmQueue *queue, int d)
{
	int128		idle = 0;

	for (int n = 0; n < queue->nlanes && queue->lanes; n++)
		idle += not_negative(home(queue, n, d) - use(queue, n, d));
	return idle;
}

int128
ref_held_below(const PmQueue *queue, int lane, int d)
{
	return held_below(queue, lane, d);
}
