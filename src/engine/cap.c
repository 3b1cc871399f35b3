/*-------------------------------------------------------------------------
 *
 * cap.c
 *	  Caps: what the job at hand may still be given, whatever is free on
 *	  nodes.
 *
 * A job is held against the cap of its lane and against that of the pool.  It
 * starts if its minimum fits both, and takes what it is given from both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

/* The job at hand is one of this lane */
void
pm_caps_choose(PmSpace *space, int lane)
{
	const PmQueue *queue = space->queue;

	space->ncaps = 0;
	if (queue->lane_caps && queue->lane_caps[lane].limited)
		space->caps[space->ncaps++] = &queue->lane_caps[lane];
	if (queue->pool_cap && queue->pool_cap->limited)
		space->caps[space->ncaps++] = queue->pool_cap;
}

/* What of its minimum a shape lacks in a cap: replicas, or a dimension */
static PmLack
lack_in_cap(const PmSpace *space, const PmShape *shape, const PmCap *cap)
{
	int			last = shape->ngroups - 1;
	PmLack		lack = {PM_DIM_NONE, 0, 0};

	if (cap->replicas != PM_CAP_NONE)
	{
		int64		needed = 0;

		for (int g = 0; g <= last; g++)
			needed += shape->groups[g].min_replicas;
		pm_note_lack(&lack, PM_DIM_REPLICAS, needed, Max(cap->replicas, 0));
	}
	for (int d = 0; d < space->cluster->ndims && lack.dimension != PM_DIM_REPLICAS; d++)
		if (cap->available[d] != PM_CAP_NONE)
			pm_note_lack(&lack, d, pm_minimum_amount(space, shape, 0, last, d),
						 Max(cap->available[d], 0));
	return lack;
}

/* Which cap does not allow the minimum of a shape; PM_REASON_NONE: all do */
PmBlock
pm_caps_block(const PmSpace *space, int s)
{
	PmLack		lack = {PM_DIM_NONE, 0, 0};

	for (int i = 0; i < space->ncaps; i++)
	{
		const PmCap *cap = space->caps[i];

		lack = lack_in_cap(space, &space->queue->shapes[s], cap);
		if (lack.dimension == PM_DIM_NONE)
			continue;
		if (cap != space->queue->pool_cap)
			return pm_make_block(PM_REASON_QUOTA, PM_LEVEL_NONE, &lack);
		return pm_make_block(lack.dimension == PM_DIM_REPLICAS ?
							 PM_REASON_NO_ADDRESS : PM_REASON_NETWORK_BANDWIDTH,
							 PM_LEVEL_POOL, &lack);
	}
	return pm_make_block(PM_REASON_NONE, PM_LEVEL_NONE, &lack);
}

/* How many replicas the caps allow, at most limit */
int64
pm_caps_copies(const PmSpace *space, const PmSearch *search, int64 limit)
{
	int64		n = limit;

	for (int i = 0; i < space->ncaps; i++)
	{
		const PmCap *cap = space->caps[i];

		n = Min(n, cap->replicas);
		for (int k = 0; k < search->ndims; k++)
		{
			int64		available = cap->available[search->dims[k]];

			if (available != PM_CAP_NONE)
				n = Min(n, available / search->request->amounts[search->dims[k]]);
		}
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
	for (int i = 0; i < space->ncaps; i++)
	{
		PmCap	   *cap = space->caps[i];

		if (cap->replicas != PM_CAP_NONE)
			cap->replicas -= replicas;
		for (int k = 0; k < search->ndims; k++)
		{
			int			d = search->dims[k];

			if (cap->available[d] != PM_CAP_NONE)
				cap->available[d] -= replicas * search->request->amounts[d];
		}
	}
}

/* What a run of a lane held is given out again */
void
pm_caps_return(PmSpace *space, int lane, const PmHold *hold)
{
	pm_caps_choose(space, lane);
	for (int i = 0; i < space->ncaps; i++)
	{
		PmCap	   *cap = space->caps[i];

		if (cap->replicas != PM_CAP_NONE)
			cap->replicas += hold->replicas;
		for (int d = 0; d < space->cluster->ndims; d++)
			if (cap->available[d] != PM_CAP_NONE)
				cap->available[d] += hold->amounts[d];
	}
}
