/*-------------------------------------------------------------------------
 *
 * property_cap.c
 *	  Rules of quotas, caps and frozen lanes that decisions keep, whatever the
 *	  reference says; see property.c.  And the tree of quotas by itself, beside
 *	  the reference.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"
#include "engine/engine_internal.h"

/* Replicas of a group in a start */
static int
placed(const PmDecision *decision, const PmStart *start, int group)
{
	int			n = 0;

	for (int p = 0; p < start->nplacements; p++)
		if (decision->placements[start->first_placement + p].group == group)
			n += decision->placements[start->first_placement + p].replicas;
	return n;
}

/* All that was started in a lane (-1: in any) of a dimension, and replicas */
static int128
started(const PmDecision *decision, const PmQueue *queue, int lane, int d, int64 *replicas)
{
	int128		sum = 0;

	*replicas = 0;
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmJob *job = &queue->jobs[decision->starts[i].job];
		const PmShape *shape = &queue->shapes[job->shape];

		if (lane >= 0 && job->lane != lane)
			continue;
		for (int g = 0; g < shape->ngroups; g++)
		{
			int			n = placed(decision, &decision->starts[i], g);

			*replicas += n;
			sum += (int128) n * queue->requests[shape->groups[g].request].amounts[d];
		}
	}
	return sum;
}

/*
 * The pool's cap after the pass is the one before less all that was started,
 * which was within it; no limit stays no limit.
 */
static bool
cap_agrees(const PmDecision *decision, const PmCluster *cluster, const PmQueue *queue,
		   const PmCap *before, const PmCap *after)
{
	int64		replicas;

	if (before == NULL || !before->limited)
		return true;
	started(decision, queue, -1, 0, &replicas);
	if (before->replicas == PM_CAP_NONE ? after->replicas != PM_CAP_NONE :
		after->replicas != before->replicas - replicas ||
		(replicas > 0 && after->replicas < 0))
		return false;
	for (int d = 0; d < cluster->ndims; d++)
	{
		int128		used = started(decision, queue, -1, d, &replicas);

		if (before->available[d] == PM_CAP_NONE ? after->available[d] != PM_CAP_NONE :
			after->available[d] != before->available[d] - used ||
			(used > 0 && after->available[d] < 0))
			return false;
	}
	return true;
}

/* What lanes hold after the pass is what they held and what was started */
bool
core_caps_agree(const PmDecision *decision, const PmCluster *cluster,
				const PmQueue *queue, const PmQueue *before)
{
	for (int l = 0; l < queue->nlanes && queue->lanes; l++)
	{
		int64		replicas;

		for (int d = 0; d < cluster->ndims && queue->lanes[l].held; d++)
			if (queue->lanes[l].held[d] != before->lanes[l].held[d] +
				started(decision, queue, l, d, &replicas))
				return false;
	}
	return cap_agrees(decision, cluster, queue, before->pool_cap, queue->pool_cap);
}

/*
 * Nothing was started beyond the upper quota of a lane or of one above it, and
 * what lanes keep at home is still there, as far as it was.  Without reserve,
 * which gives nodes back at the end.
 */
bool
core_quotas_kept(const PmDecision *decision, const PmCluster *cluster,
				 const PmCluster *start, const PmQueue *queue, const PmQueue *before)
{
	for (int d = 0; d < cluster->ndims && queue->lanes; d++)
	{
		int128		free_before = 0;
		int128		free_after = 0;

		for (int l = 0; l < queue->nlanes; l++)
			if (queue->lanes[l].upper &&
				ref_held_below(queue, l, d) > ref_held_below(before, l, d) &&
				ref_held_below(queue, l, d) > queue->lanes[l].upper[d])
				return false;
		for (int n = 0; n < cluster->nnodes; n++)
		{
			free_before += start->nodes[n].free[d];
			free_after += cluster->nodes[n].free[d];
		}
		if (ref_kept_idle(before, d) > 0 && free_after < ref_kept_idle(queue, d) &&
			free_after - ref_kept_idle(queue, d) < free_before - ref_kept_idle(before, d))
			return false;
	}
	return true;
}

static bool
cap_has_room(const PmCluster *cluster, const PmCap *cap, const PmRequest *request)
{
	if (cap == NULL || !cap->limited)
		return true;
	if (cap->replicas < 1)
		return false;
	for (int d = 0; d < cluster->ndims; d++)
		if (request->amounts[d] > 0 && request->amounts[d] > cap->available[d])
			return false;
	return true;
}

static bool
lane_has_room(const PmCluster *cluster, const PmQueue *queue, const int64 *pool_free,
			  int lane, const PmRequest *request)
{
	for (int d = 0; d < cluster->ndims; d++)
		if (request->amounts[d] > ref_lane_available(queue, pool_free, lane, d))
			return false;
	return true;
}

static bool
node_has_room(const PmCluster *cluster, const PmNode *node, const PmRequest *request)
{
	for (int d = 0; d < cluster->ndims; d++)
	{
		int64		room = node->free[d];

		if (d == node->accelerator)
		{
			room = 0;
			for (int i = 0; i < node->ndevices; i++)
				if (request->amounts[d] % PM_DEVICE_WHOLE != 0)
					room = Max(room, node->device_free[i]);
				else if (node->device_free[i] == PM_DEVICE_WHOLE)
					room += PM_DEVICE_WHOLE;
		}
		if (request->amounts[d] > room)
			return false;
	}
	return pm_config_matches(&cluster->configs[node->config], request);
}

/*
 * Where a group got less than all, one replica more does not fit even now: not
 * the caps, or no node.  Without reserve, which gives nodes back at the end.
 */
bool
core_cut_only_by_need(const PmDecision *decision, const PmCluster *cluster,
					  const PmQueue *queue)
{
	int64	   *pool_free = palloc0(sizeof(int64) * cluster->ndims);

	for (int n = 0; n < cluster->nnodes; n++)
		for (int d = 0; d < cluster->ndims; d++)
			pool_free[d] += cluster->nodes[n].free[d];
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmJob *job = &queue->jobs[decision->starts[i].job];
		const PmShape *shape = &queue->shapes[job->shape];

		for (int g = 0; g < shape->ngroups; g++)
		{
			const PmRequest *request = &queue->requests[shape->groups[g].request];

			if (placed(decision, &decision->starts[i], g) == shape->groups[g].replicas ||
				!cap_has_room(cluster, queue->pool_cap, request) ||
				!lane_has_room(cluster, queue, pool_free, job->lane, request))
				continue;
			for (int n = 0; n < cluster->nnodes; n++)
				if (node_has_room(cluster, &cluster->nodes[n], request))
					return false;
		}
	}
	return true;
}

/* Nothing of a frozen lane starts or blocks, and its shapes say why */
bool
core_frozen_wait(const PmDecision *decision, const PmQueue *queue)
{
	if (queue->lane_frozen == NULL)
		return true;
	for (int i = 0; i < decision->nstarts; i++)
		if (queue->lane_frozen[queue->jobs[decision->starts[i].job].lane])
			return false;
	for (int i = 0; i < queue->njobs; i++)
	{
		const PmJob *job = &queue->jobs[i];

		if (queue->lane_frozen[job->lane] &&
			(decision->blocks[job->shape].reason != PM_REASON_TENANT_FROZEN ||
			 decision->blocked_by[job->lane] >= 0))
			return false;
	}
	return true;
}

/* ---- the tree alone ---- */

/*
 * Random trees, random takes: what is available is what the reference says,
 * never more for anybody after somebody took something, and the same as before
 * once all has been given back.
 */
static void
take_and_give(int round, const PmCluster *cluster, PmQueue *queue)
{
	PmQuota    *quota = pm_quota_create(cluster, queue);
	int64	   *pool_free = palloc0(sizeof(int64) * cluster->ndims);
	int			lanes[20];
	int			dims[20];
	int64		amounts[20];
	int64		first[16][8];
	int64		last[16][8];
	PmLevel		level;
	bool		same = true;
	bool		shrinks = true;

	for (int n = 0; n < cluster->nnodes; n++)
		for (int d = 0; d < cluster->ndims; d++)
			pool_free[d] += cluster->nodes[n].free[d];
	for (int i = 0; i <= 40; i++)
	{
		for (int l = 0; l < queue->nlanes; l++)
			for (int d = 0; d < cluster->ndims; d++)
			{
				int64		now = pm_lane_available(quota, l, d, &level);

				same &= now == ref_lane_available(queue, pool_free, l, d);
				shrinks &= i == 0 || (i <= 20 ? now <= last[l][d] : now >= last[l][d]);
				last[l][d] = now;
				if (i == 0)
					first[l][d] = now;
				shrinks &= i < 40 || now == first[l][d];
			}
		if (i < 20)
		{
			lanes[i] = (int) core_between(0, queue->nlanes - 1);
			dims[i] = (int) core_between(0, cluster->ndims - 1);
			amounts[i] = core_between(0, 3) * 1000;
		}
		if (i < 40)
		{
			int			k = i < 20 ? i : 39 - i;
			int64		amount = i < 20 ? amounts[k] : -amounts[k];

			pm_lane_take(quota, lanes[k], dims[k], amount);
			pool_free[dims[k]] -= amount;
		}
	}
	core_check(same, "round %d: available as the reference says", round);
	core_check(shrinks, "round %d: takes shrink, gives bring back", round);
}

void
core_quota_properties(int rounds)
{
	for (int round = 0; round < rounds; round++)
	{
		PmCluster  *cluster;
		PmQueue    *queue;

		core_seed(round);
		core_fresh_memory();
		cluster = core_random_cluster(1);
		queue = core_random_queue(cluster, 1);
		core_random_lanes(cluster, queue, 1);
		take_and_give(round, cluster, queue);
	}
}
