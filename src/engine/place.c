/*-------------------------------------------------------------------------
 *
 * place.c
 *	  Placing a gang, whole or not at all.
 *
 * The takes of the job at hand are in space->takes, in the order in which
 * they were made; the caller reads them there, or they are undone.
 *
 * Replicas of one group are placed one after the other, each on the node that
 * the policy prefers then.  A node takes as many at once as it would get one
 * by one, because it stays the preferred one (score.c).  A job
 * of one group is placed if that is possible at all.  With several, groups
 * that are harder to place go first (space.c), without search for another
 * arrangement; minimum counts come before anything beyond them.  Shapes with
 * rules of topology are placed by topology.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/engine_internal.h"

/* Put replicas, which fit, on a node and note it */
void
pm_take_on_node(PmSpace *space, PmSearch *search, int group, int n, int count)
{
	PmNode	   *node = &space->cluster->nodes[n];
	PmTake	   *take;
	int			share;
	int			per = pm_devices_per_replica(node, search->request, &share);

	space->takes = pm_grow(space->context, space->takes, &space->maxtakes,
						   space->ntakes + 1, sizeof(PmTake));
	space->take_devices = pm_grow(space->context, space->take_devices,
								  &space->maxtake_devices,
								  Max(space->ntake_devices + per * count, 1), sizeof(int));
	take = &space->takes[space->ntakes++];
	take->search = search;
	take->group = group;
	take->node = n;
	take->replicas = count;
	take->first_device = space->ntake_devices;
	take->ndevices = per * count;
	take->device_share = share;
	take->from_class = space->node_class[n];

	pm_node_take(node, search, count, space->take_devices + space->ntake_devices);
	space->ntake_devices += take->ndevices;
	pm_class_move(space, n, pm_class_of_node(space, n));
	pm_caps_take(space, search, count);
}

/*
 * The same node may have been the best again after others were: make one take
 * of those from first on, all of one group, that are of one node.
 */
static void
merge_takes(PmSpace *space, int first)
{
	int			n = space->ntakes - first;
	PmTake	   *takes = space->takes + first;
	int			first_device = n > 0 ? takes[0].first_device : 0;
	int			ndevices = 0;
	int			nmerged = 0;
	bool		again = false;
	int		   *next;
	int		   *devices;

	if (n < 2)
		return;
	if (space->take_of_node == NULL)
		space->take_of_node = MemoryContextAlloc(space->context,
												 sizeof(int32) * space->cluster->nnodes);
	for (int t = 0; t < n; t++)
		space->take_of_node[takes[t].node] = -1;
	next = palloc(sizeof(int) * n);
	for (int t = n - 1; t >= 0; t--)
	{
		next[t] = space->take_of_node[takes[t].node];
		again |= next[t] >= 0;
		space->take_of_node[takes[t].node] = t;
	}
	if (!again)
	{
		pfree(next);
		return;
	}

	devices = palloc(sizeof(int) * Max(space->ntake_devices - first_device, 1));
	for (int t = 0; t < n; t++)
	{
		PmTake		merged = takes[t];

		if (space->take_of_node[merged.node] != t)
			continue;			/* is part of an earlier one */
		merged.first_device = first_device + ndevices;
		merged.replicas = merged.ndevices = 0;
		for (int i = t; i >= 0; i = next[i])
		{
			memcpy(devices + ndevices, space->take_devices + takes[i].first_device,
				   sizeof(int) * takes[i].ndevices);
			ndevices += takes[i].ndevices;
			merged.ndevices += takes[i].ndevices;
			merged.replicas += takes[i].replicas;
		}
		takes[nmerged++] = merged;
	}
	if (ndevices > 0)
		memcpy(space->take_devices + first_device, devices, sizeof(int) * ndevices);
	space->ntakes = first + nmerged;
	pfree(devices);
	pfree(next);
}

/* Place up to count replicas of a group; returns how many were */
static int
place_some(PmSpace *space, PmSearch *search, int group, int count)
{
	int			first = space->ntakes;
	int			left = count;

	while (left > 0)
	{
		int			c = pm_search_best(space, search);
		int			n;

		if (c < 0)
			break;
		CHECK_FOR_INTERRUPTS();
		n = (int) pm_score_run(space, search, c, left);
		pm_take_on_node(space, search, group, pm_class_lowest(space, c), n);
		left -= n;
	}
	merge_takes(space, first);
	return count - left;
}

/* Give back what the job at hand took, last first */
void
pm_place_undo(PmSpace *space)
{
	while (space->ntakes > 0)
	{
		PmTake	   *take = &space->takes[--space->ntakes];

		pm_node_give(&space->cluster->nodes[take->node], take->search, take->replicas,
					 space->take_devices + take->first_device, take->ndevices,
					 take->device_share);
		pm_class_move(space, take->node, pm_class_of_node(space, take->node));
		pm_caps_take(space, take->search, -take->replicas);
	}
	space->ntake_devices = 0;
}

/* One group: what can be placed is known before anything is taken */
static bool
place_single(PmSpace *space, const PmTaskGroup *group)
{
	PmSearch   *search = &space->searches[group->request];
	int64		wanted;
	int64		count;

	if (pm_search_bound(space, search) < group->min_replicas)
		return false;
	count = wanted = pm_caps_copies(space, search, pm_wanted(space, group));
	if (wanted > 1)
		count = pm_search_count(space, search, wanted);
	else if (pm_search_best(space, search) < 0)
		count = 0;
	if (count < wanted)
		pm_search_set_bound(space, search, count);
	if (count < group->min_replicas)
		return false;
	return place_some(space, search, 0, (int) count) == count;
}

/* Could each group be placed if it were alone, wherever there is room? */
bool
pm_each_fits_alone(PmSpace *space, const PmShape *shape)
{
	for (int g = 0; g < shape->ngroups; g++)
	{
		const PmTaskGroup *group = &shape->groups[g];
		PmSearch   *search = &space->searches[group->request];
		int64		count;

		if (pm_search_bound(space, search) < group->min_replicas)
			return false;
		count = pm_search_count(space, search, group->min_replicas);
		if (count < group->min_replicas)
		{
			pm_search_set_bound(space, search, count);
			return false;
		}
	}
	return true;
}

/*
 * Place the minimum of every group, as far as it goes; returns the number of
 * replicas placed.
 */
int64
pm_place_minimum(PmSpace *space, int s)
{
	const PmShape *shape = &space->queue->shapes[s];
	int64		placed = 0;

	for (int i = 0; i < shape->ngroups; i++)
	{
		int			g = space->group_order[s][i];
		const PmTaskGroup *group = &shape->groups[g];
		int			n = place_some(space, &space->searches[group->request], g,
								   group->min_replicas);

		placed += n;
		if (n < group->min_replicas)
			break;
	}
	return placed;
}

/*
 * Place a job of this shape, whose minimum the caps allow, and as much beyond
 * it as nodes and caps do.  True: the takes are its placement.  False: nothing
 * has changed.
 */
bool
pm_place_shape(PmSpace *space, int s)
{
	const PmShape *shape = &space->queue->shapes[s];
	int64		needed = 0;

	space->ntakes = 0;
	space->ntake_devices = 0;
	if (pm_topology_rules(shape))
		return pm_topology_place(space, s);
	if (shape->ngroups == 1)
		return place_single(space, &shape->groups[0]);

	if (!pm_each_fits_alone(space, shape))
		return false;
	for (int g = 0; g < shape->ngroups; g++)
		needed += shape->groups[g].min_replicas;
	space->reached[s] = pm_place_minimum(space, s);
	if (space->reached[s] < needed)
	{
		pm_place_undo(space);
		return false;
	}
	for (int i = 0; i < shape->ngroups; i++)
	{
		int			g = space->group_order[s][i];
		const PmTaskGroup *group = &shape->groups[g];
		PmSearch   *search = &space->searches[group->request];

		place_some(space, search, g,
				   (int) pm_caps_copies(space, search,
										pm_wanted(space, group) - group->min_replicas));
	}
	return true;
}

/*
 * Place more replicas of the groups of a shape without rules of topology, at
 * most so many of each, as far as nodes and caps allow.  Returns how many
 * were; the takes are these.
 */
int64
pm_place_more(PmSpace *space, int s, const int32 *counts)
{
	const PmShape *shape = &space->queue->shapes[s];
	int64		placed = 0;

	space->ntakes = 0;
	space->ntake_devices = 0;
	for (int i = 0; i < shape->ngroups; i++)
	{
		int			g = space->group_order[s][i];
		PmSearch   *search = &space->searches[shape->groups[g].request];

		placed += place_some(space, search, g, (int) pm_caps_copies(space, search, counts[g]));
	}
	return placed;
}

/* Place a job, if its caps allow its minimum, in a space that may have grown */
bool
pm_place_job(PmSpace *space, const PmJob *job)
{
	CHECK_FOR_INTERRUPTS();
	pm_class_catch_up(space);
	pm_caps_choose(space, job->lane);
	return pm_caps_block(space, job->shape).reason == PM_REASON_NONE &&
		pm_place_shape(space, job->shape);
}

/* The takes of the job at hand as holds, in one piece of memory */
PmHold *
pm_holds_of_takes(const PmSpace *space, MemoryContext context)
{
	Size		ndims = space->cluster->ndims;
	Size		n = space->ntakes;
	char	   *memory = MemoryContextAllocHuge(context,
												Max((Size) 1, n * (sizeof(PmHold) + ndims * sizeof(int64)) +
													sizeof(int) * (Size) space->ntake_devices));
	PmHold	   *holds = (PmHold *) memory;
	int64	   *amounts = (int64 *) (holds + n);
	int		   *devices = (int *) (amounts + n * ndims);

	if (space->ntake_devices > 0)
		memcpy(devices, space->take_devices, sizeof(int) * space->ntake_devices);
	for (int i = 0; i < space->ntakes; i++)
	{
		const PmTake *take = &space->takes[i];

		holds[i].node = take->node;
		holds[i].group = take->group;
		holds[i].replicas = take->replicas;
		holds[i].ndevices = take->ndevices;
		holds[i].devices = devices + take->first_device;
		holds[i].device_share = take->device_share;
		holds[i].amounts = amounts + i * ndims;
		for (Size d = 0; d < ndims; d++)
			amounts[i * ndims + d] = take->search->request->amounts[d] * take->replicas;
	}
	return holds;
}
