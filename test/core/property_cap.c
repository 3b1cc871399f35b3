/*-------------------------------------------------------------------------
 *
 * property_cap.c
 *	  Rules of caps and frozen lanes that decisions keep, whatever the
 *	  reference says; see property.c.
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

/*
 * A cap after the pass is the one before less all that was started in the lane
 * (-1: in any); what was started is within it; no limit stays no limit.
 */
static bool
cap_agrees(const PmDecision *decision, const PmCluster *cluster, const PmQueue *queue,
		   int lane, const PmCap *before, const PmCap *after)
{
	int128		used[8] = {0};
	int128		replicas = 0;

	if (before == NULL || !before->limited)
		return true;
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmJob *job = &queue->jobs[decision->starts[i].job];
		const PmShape *shape = &queue->shapes[job->shape];

		if (lane >= 0 && job->lane != lane)
			continue;
		for (int g = 0; g < shape->ngroups; g++)
		{
			int			n = placed(decision, &decision->starts[i], g);

			replicas += n;
			for (int d = 0; d < cluster->ndims; d++)
				used[d] += (int128) n * queue->requests[shape->groups[g].request].amounts[d];
		}
	}
	if (before->replicas == PM_CAP_NONE ? after->replicas != PM_CAP_NONE :
		after->replicas != before->replicas - replicas ||
		(replicas > 0 && after->replicas < 0))
		return false;
	for (int d = 0; d < cluster->ndims; d++)
		if (before->available[d] == PM_CAP_NONE ? after->available[d] != PM_CAP_NONE :
			after->available[d] != before->available[d] - used[d] ||
			(used[d] > 0 && after->available[d] < 0))
			return false;
	return true;
}

bool
core_caps_agree(const PmDecision *decision, const PmCluster *cluster,
				const PmQueue *queue, const PmQueue *before)
{
	for (int l = 0; l < queue->nlanes && queue->lane_caps; l++)
		if (!cap_agrees(decision, cluster, queue, l, &before->lane_caps[l],
						&queue->lane_caps[l]))
			return false;
	return cap_agrees(decision, cluster, queue, -1, before->pool_cap, queue->pool_cap);
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
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmJob *job = &queue->jobs[decision->starts[i].job];
		const PmShape *shape = &queue->shapes[job->shape];

		for (int g = 0; g < shape->ngroups; g++)
		{
			const PmRequest *request = &queue->requests[shape->groups[g].request];

			if (placed(decision, &decision->starts[i], g) == shape->groups[g].replicas ||
				!cap_has_room(cluster, queue->pool_cap, request) ||
				(queue->lane_caps &&
				 !cap_has_room(cluster, &queue->lane_caps[job->lane], request)))
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
