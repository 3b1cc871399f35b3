/*-------------------------------------------------------------------------
 *
 * shut.c
 *	  Nodes that are no use to a job, since their maintenance comes while it may
 *	  run: for a while they have nothing free.
 *
 * For looking at what a job could have (preempt.c, keep.c).  A pass that starts
 * jobs knows of maintenance by its plan (plan.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

typedef struct ShutNode
{
	int			node;
	int64	   *free;			/* what it has */
	int32	   *device_free;
} ShutNode;

struct PmShut
{
	PmSpace    *space;
	int			nnodes;
	ShutNode   *nodes;			/* [cluster.nwindows] */
};

PmShut *
pm_shut_create(PmSpace *space)
{
	PmShut	   *shut = palloc0(sizeof(PmShut));
	const PmCluster *cluster = space->cluster;

	shut->space = space;
	shut->nodes = palloc(sizeof(ShutNode) * Max(cluster->nwindows, 1));
	for (int w = 0; w < cluster->nwindows; w++)
	{
		shut->nodes[w].free = palloc(sizeof(int64) * Max(cluster->ndims, 1));
		shut->nodes[w].device_free = palloc(sizeof(int32) * Max(space->maxdevices, 1));
	}
	return shut;
}

void
pm_shut_nodes(PmShut *shut, int64 now, const PmJob *job)
{
	PmCluster  *cluster = shut->space->cluster;
	int64		until = pm_time_add(now, job->time_limit);

	for (int w = 0; w < cluster->nwindows; w++)
	{
		const PmWindow *window = &cluster->windows[w];
		PmNode	   *node = &cluster->nodes[window->node];
		ShutNode   *it = &shut->nodes[shut->nnodes];

		if (window->since >= until || window->until <= now)
			continue;
		shut->nnodes++;
		it->node = window->node;
		memcpy(it->free, node->free, sizeof(int64) * cluster->ndims);
		memset(node->free, 0, sizeof(int64) * cluster->ndims);
		for (int i = 0; i < node->ndevices; i++)
		{
			it->device_free[i] = node->device_free[i];
			node->device_free[i] = 0;
		}
		pm_class_defer(shut->space, window->node);
	}
}

/* The reverse, the last first: a node may be there twice */
void
pm_shut_reopen(PmShut *shut)
{
	PmCluster  *cluster = shut->space->cluster;

	if (shut->nnodes == 0)
		return;
	while (shut->nnodes > 0)
	{
		const ShutNode *it = &shut->nodes[--shut->nnodes];
		PmNode	   *node = &cluster->nodes[it->node];

		memcpy(node->free, it->free, sizeof(int64) * cluster->ndims);
		for (int i = 0; i < node->ndevices; i++)
			node->device_free[i] = it->device_free[i];
		pm_class_defer(shut->space, it->node);
	}
	pm_space_grew(shut->space);
}

/* Is a run on such a node? */
bool
pm_shut_has(const PmShut *shut, const PmRunning *run)
{
	for (int h = 0; h < run->nholds && shut->nnodes > 0; h++)
		for (int i = 0; i < shut->nnodes; i++)
			if (shut->nodes[i].node == run->holds[h].node)
				return true;
	return false;
}
