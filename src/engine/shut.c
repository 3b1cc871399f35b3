/*-------------------------------------------------------------------------
 *
 * shut.c
 *	  Nodes that are no use to a job, since while it may run they are in
 *	  maintenance or reserved for others: for a while they have nothing free.
 *
 * For looking at what a job could have (preempt.c, keep.c), and at what is in
 * its way (pass.c).  A pass that starts jobs knows of windows by its plan
 * (plan.c).
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

int
pm_owner_of(const PmQueue *queue, int s)
{
	const PmShape *shape = &queue->shapes[s];

	return shape->ngroups > 0 ? queue->requests[shape->groups[0].request].owner : 0;
}

/*
 * When a window closes its node to jobs of an owner; false: never.  To its own
 * the node is closed from its end on.
 */
bool
pm_window_closes(const PmWindow *window, int owner, int64 *since, int64 *until)
{
	bool		own = owner != 0 && window->owner == owner;

	*since = own ? window->until : window->since;
	*until = own ? PM_NEVER : window->until;
	return *since != PM_NEVER;
}

/* Is the reservation of an owner open? Always so for those who have none. */
bool
pm_owner_is_open(const PmCluster *cluster, int owner, int64 now)
{
	return owner == 0 || (cluster->owners[owner - 1].since <= now &&
						  now < cluster->owners[owner - 1].until);
}

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

/* Those that are closed to jobs of an owner at any time until then; or by
 * maintenance alone */
void
pm_shut_until(PmShut *shut, int64 now, int64 until, int owner, bool maintenance)
{
	PmCluster  *cluster = shut->space->cluster;

	for (int w = 0; w < cluster->nwindows; w++)
	{
		const PmWindow *window = &cluster->windows[w];
		PmNode	   *node = &cluster->nodes[window->node];
		ShutNode   *it = &shut->nodes[shut->nnodes];
		int64		closes;
		int64		opens;

		if ((maintenance && window->owner != 0) ||
			!pm_window_closes(window, owner, &closes, &opens) || closes >= until || opens <= now)
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

void
pm_shut_nodes(PmShut *shut, int64 now, const PmJob *job)
{
	pm_shut_until(shut, now, pm_time_add(now, job->time_limit),
				  pm_owner_of(shut->space->queue, job->shape), false);
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
