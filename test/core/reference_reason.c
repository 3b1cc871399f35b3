/*-------------------------------------------------------------------------
 *
 * reference_reason.c
 *	  Reasons of blocked shapes, found slowly and plainly; see reference.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "reference.h"

static int
count_replicas(Ref *ref, const PmCluster *cluster, const PmShape *shape, int g)
{
	PmCluster  *copy = core_copy_cluster(cluster);
	int			before = ref->decision->nreplicas;
	int			n = ref_place(ref, copy, -1, shape, g, shape->groups[g].min_replicas);

	ref->decision->nreplicas = before;
	return n;
}

static bool
fits_alone(Ref *ref, PmCluster *cluster, const PmShape *shape)
{
	PmCluster  *copy = core_copy_cluster(cluster);
	int			before = ref->decision->nreplicas;
	bool		fit = ref_try_shape(ref, copy, -1, shape);

	ref->decision->nreplicas = before;
	return fit;
}

/*
 * The dimension of which the groups first .. last lack most, over the nodes
 * that match any of them; false if none
 */
static bool
lack_in_pool(Ref *ref, const PmShape *shape, int first, int last, int s)
{
	const PmCluster *cluster = ref->cluster;
	int128		worst_needed = 0;
	int128		worst_available = 0;

	for (int d = 0; d < cluster->ndims; d++)
	{
		int128		needed = 0;
		int128		available = 0;

		for (int i = first; i <= last; i++)
			needed += (int128) shape->groups[i].min_replicas *
				ref->queue->requests[shape->groups[i].request].amounts[d];
		for (int n = 0; n < cluster->nnodes; n++)
		{
			bool		any = false;

			for (int i = first; i <= last; i++)
				any |= ref_matches(cluster, &cluster->nodes[n],
								   &ref->queue->requests[shape->groups[i].request]);
			if (any)
				available += cluster->nodes[n].free[d];
		}
		if (available < needed &&
			(worst_needed == 0 ||
			 (needed - available) * worst_needed > (worst_needed - worst_available) * needed))
		{
			worst_needed = needed;
			worst_available = available;
		}
	}
	if (worst_needed == 0)
		return false;
	ref->decision->needed[s] = (int64) worst_needed;
	ref->decision->available[s] = (int64) worst_available;
	return true;
}

/* Is there a group of which not enough replicas fit, alone? */
static bool
some_group_lacks(Ref *ref, const PmCluster *cluster, const PmShape *shape, int s)
{
	for (int g = 0; g < shape->ngroups; g++)
	{
		int			n = count_replicas(ref, cluster, shape, g);

		if (n >= shape->groups[g].min_replicas)
			continue;
		if (n > 0)
		{
			ref->decision->needed[s] = shape->groups[g].min_replicas;
			ref->decision->available[s] = n;
		}
		return true;
	}
	return false;
}

/* The reason of a blocked shape; numbers only where they are simple */
void
ref_explain(Ref *ref, int s)
{
	PmCluster  *cluster = ref->cluster;
	const PmShape *shape = &ref->queue->shapes[s];
	PmCluster  *empty = ref_emptied(cluster);
	RefDecision *out = ref->decision;

	out->needed[s] = out->available[s] = -1;
	for (int g = 0; g < shape->ngroups; g++)
	{
		bool		any = false;

		for (int n = 0; n < cluster->nnodes; n++)
			any |= ref_matches(cluster, &cluster->nodes[n],
							   &ref->queue->requests[shape->groups[g].request]);
		out->reasons[s] = PM_REASON_NO_MATCHING_NODE;
		if (!any)
			return;
	}
	out->reasons[s] = PM_REASON_EXCEEDS_MAX;
	if (some_group_lacks(ref, empty, shape, s))
		return;
	if (ref->policy.queue == PM_QUEUE_RESERVE && fits_alone(ref, cluster, shape))
	{
		out->reasons[s] = PM_REASON_RESERVED;
		return;
	}
	if (!fits_alone(ref, empty, shape))
		return;
	out->reasons[s] = PM_REASON_RESOURCES;
	for (int g = 0; g < shape->ngroups; g++)
		if (lack_in_pool(ref, shape, g, g, s))
			return;
	if (lack_in_pool(ref, shape, 0, shape->ngroups - 1, s))
		return;
	out->reasons[s] = PM_REASON_FRAGMENTED;
	some_group_lacks(ref, cluster, shape, s);
}
