/*-------------------------------------------------------------------------
 *
 * cap.c
 *	  Caps: what the job at hand may still be given, whatever is free on
 *	  nodes.
 *
 * A job is held against the quota of its lane (quota.c) and against the cap of
 * the pool.  It starts if its minimum fits both, and takes what it is given
 * from both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

static const PmLack nothing = {PM_DIM_NONE, 0, 0};

/* The job at hand is one of this lane */
void
pm_caps_choose(PmSpace *space, int lane)
{
	space->lane = lane;
	space->pool_cap = space->queue->pool_cap && space->queue->pool_cap->limited ?
		space->queue->pool_cap : NULL;
}

/* No cap holds for the job at hand: what they will allow is not known */
void
pm_caps_ignore(PmSpace *space)
{
	space->lane = -1;
	space->pool_cap = NULL;
}

/* The quota of the lane at hand does not allow the minimum of a shape */
static PmBlock
block_of_quota(const PmSpace *space, const PmShape *shape)
{
	PmLack		never = nothing;
	PmLack		now = nothing;
	PmLevel		level = PM_LEVEL_NONE;

	for (int d = 0; d < space->cluster->ndims; d++)
	{
		int64		needed = pm_minimum_amount(space->queue, shape, 0, shape->ngroups - 1, d);
		int64		available;

		if (needed == 0)
			continue;
		available = pm_lane_available(space->queue->quota, space->lane, d, &level);
		if (available == PM_CAP_NONE || available >= needed)
			continue;
		pm_note_lack(&now, d, needed, available);
		available = pm_lane_potential(space->queue->quota, space->lane, d, &level);
		if (available != PM_CAP_NONE)
			pm_note_lack(&never, d, needed, available);
	}
	if (never.dimension != PM_DIM_NONE)
	{
		pm_lane_potential(space->queue->quota, space->lane, never.dimension, &level);
		return pm_make_block(PM_REASON_EXCEEDS_MAX, level, &never);
	}
	if (now.dimension == PM_DIM_NONE)
		return pm_make_block(PM_REASON_NONE, PM_LEVEL_NONE, &nothing);
	pm_lane_available(space->queue->quota, space->lane, now.dimension, &level);
	return pm_make_block(PM_REASON_QUOTA, level, &now);
}

/* What of its minimum a shape lacks in the pool's cap: replicas, or a dimension */
static PmLack
lack_in_cap(const PmSpace *space, const PmShape *shape, const PmCap *cap)
{
	int			last = shape->ngroups - 1;
	PmLack		lack = nothing;

	if (cap->replicas != PM_CAP_NONE)
	{
		int64		needed = 0;

		for (int g = 0; g <= last; g++)
			needed += shape->groups[g].min_replicas;
		pm_note_lack(&lack, PM_DIM_REPLICAS, needed, Max(cap->replicas, 0));
	}
	for (int d = 0; d < space->cluster->ndims && lack.dimension != PM_DIM_REPLICAS; d++)
		if (cap->available[d] != PM_CAP_NONE)
			pm_note_lack(&lack, d, pm_minimum_amount(space->queue, shape, 0, last, d),
						 Max(cap->available[d], 0));
	return lack;
}

/* Which cap does not allow the minimum of a shape; PM_REASON_NONE: all do */
PmBlock
pm_caps_block(const PmSpace *space, int s)
{
	const PmShape *shape = &space->queue->shapes[s];
	PmLack		lack;

	if (space->queue->quota && space->lane >= 0)
	{
		PmBlock		block = block_of_quota(space, shape);

		if (block.reason != PM_REASON_NONE)
			return block;
	}
	if (space->pool_cap == NULL)
		return pm_make_block(PM_REASON_NONE, PM_LEVEL_NONE, &nothing);
	lack = lack_in_cap(space, shape, space->pool_cap);
	if (lack.dimension == PM_DIM_NONE)
		return pm_make_block(PM_REASON_NONE, PM_LEVEL_NONE, &nothing);
	return pm_make_block(lack.dimension == PM_DIM_REPLICAS ?
						 PM_REASON_NO_ADDRESS : PM_REASON_NETWORK_BANDWIDTH,
						 PM_LEVEL_POOL, &lack);
}

/* How many replicas the caps allow, at most limit */
int64
pm_caps_copies(const PmSpace *space, const PmSearch *search, int64 limit)
{
	const PmCap *cap = space->pool_cap;
	int64		n = cap ? Min(limit, cap->replicas) : limit;

	for (int k = 0; k < search->ndims; k++)
	{
		int			d = search->dims[k];
		int64		available = cap ? cap->available[d] : PM_CAP_NONE;

		if (space->queue->quota && space->lane >= 0)
		{
			PmLevel		level;

			available = Min(available, pm_lane_available(space->queue->quota, space->lane, d, &level));
		}
		if (available != PM_CAP_NONE)
			n = Min(n, available / search->request->amounts[d]);
	}
	return Max(n, 0);
}

/*
 * Take replicas from the caps; fewer than 0 are given back.  Nothing overflows:
 * no more are taken than the caps allow, or given back than were taken.
 */
void
pm_caps_take(PmSpace *space, const PmSearch *search, int64 replicas)
{
	PmCap	   *cap = space->pool_cap;

	if (cap && cap->replicas != PM_CAP_NONE)
		cap->replicas -= replicas;
	for (int k = 0; k < search->ndims; k++)
	{
		int			d = search->dims[k];
		int64		amount = replicas * search->request->amounts[d];

		if (cap && cap->available[d] != PM_CAP_NONE)
			cap->available[d] -= amount;
		if (space->queue->quota && space->lane >= 0)
			pm_lane_take(space->queue->quota, space->lane, d, amount);
	}
}

/* What a run of a lane (-1: of one without quota) held is given out again */
void
pm_caps_return(PmSpace *space, int lane, const PmHold *hold)
{
	PmCap	   *cap;

	pm_caps_choose(space, lane);
	cap = space->pool_cap;
	if (cap && cap->replicas != PM_CAP_NONE)
		cap->replicas += hold->replicas;
	for (int d = 0; d < space->cluster->ndims; d++)
	{
		if (cap && cap->available[d] != PM_CAP_NONE)
			cap->available[d] += hold->amounts[d];
		if (space->queue->quota)
			pm_lane_take(space->queue->quota, lane, d, -hold->amounts[d]);
	}
	pm_caps_ignore(space);
}
