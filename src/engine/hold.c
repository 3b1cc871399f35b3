/*-------------------------------------------------------------------------
 *
 * hold.c
 *	  Giving back to the nodes and caps of a space what runs hold, and taking
 *	  it again.  Not whose turn it is to give.
 *
 * Replicas of a hold that go are the last ones: what stays keeps its devices.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

/* sign 1: it has more to give out; -1: less */
static void
move_in_caps(const PmSpace *space, const PmRunning *run, const PmHold *hold, int64 count, int sign)
{
	const PmQueue *queue = space->queue;
	PmCap	   *cap = queue->pool_cap && queue->pool_cap->limited ? queue->pool_cap : NULL;

	if (cap && cap->replicas != PM_CAP_NONE)
		cap->replicas += sign * count;
	for (int d = 0; d < space->cluster->ndims && (cap || queue->quota); d++)
	{
		int64		amount = hold->amounts[d] / hold->replicas * count;

		if (cap && cap->available[d] != PM_CAP_NONE)
			cap->available[d] += sign * amount;
		if (queue->quota)
			pm_lane_take(queue->quota, run->lane, d, -sign * amount);
	}
}

static void
move(PmSpace *space, const PmRunning *run, const PmHold *hold, int first, int count, int sign)
{
	PmNode	   *node = &space->cluster->nodes[hold->node];
	int			per = hold->ndevices / hold->replicas;

	for (int d = 0; d < space->cluster->ndims; d++)
		node->free[d] += sign * (hold->amounts[d] / hold->replicas * count);
	for (int i = first * per; i < (first + count) * per; i++)
		node->device_free[hold->devices[i]] += sign * hold->device_share;
	pm_class_defer(space, hold->node);
	move_in_caps(space, run, hold, count, sign);
}

/* Replicas first .. first + count - 1 of what a run holds on a node go */
void
pm_hold_give(PmSpace *space, const PmRunning *run, const PmHold *hold, int first, int count)
{
	if (count == 0)
		return;
	move(space, run, hold, first, count, 1);
	pm_space_grew(space);
}

/* The reverse */
void
pm_hold_take(PmSpace *space, const PmRunning *run, const PmHold *hold, int first, int count)
{
	if (count > 0)
		move(space, run, hold, first, count, -1);
}

/* All that a run holds goes */
void
pm_run_give(PmSpace *space, const PmRunning *run)
{
	for (int h = 0; h < run->nholds; h++)
		pm_hold_give(space, run, &run->holds[h], 0, run->holds[h].replicas);
}

void
pm_run_take(PmSpace *space, const PmRunning *run)
{
	for (int h = 0; h < run->nholds; h++)
		pm_hold_take(space, run, &run->holds[h], 0, run->holds[h].replicas);
}
