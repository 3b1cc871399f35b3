/*-------------------------------------------------------------------------
 *
 * random.c
 *	  Random inputs for the engine: small numbers, so that ties, exact fits
 *	  and blocked jobs are frequent.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"

static uint64 state = 1;

static uint64
mixed(uint64 z)
{
	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* Mixed, or one seed's numbers would be those of the seed before, moved by one */
void
core_seed(uint64 seed)
{
	state = mixed(seed + 1);
}

/* splitmix64 */
uint64
core_next(void)
{
	return mixed(state += UINT64CONST(0x9E3779B97F4A7C15));
}

int64
core_between(int64 low, int64 high)
{
	return low + (int64) (core_next() % (uint64) (high - low + 1));
}

/* Dimension d counts in steps of this: cores, bytes of a large node, devices */
static const int64 steps[] = {1000, INT64CONST(1) << 39, 1000, 1000, 7};

static PmLabel *
random_labels(int *n, int most)
{
	PmLabel    *labels = palloc(sizeof(PmLabel) * 3);

	*n = (int) core_between(0, most);
	for (int i = 0; i < *n; i++)
	{
		labels[i].key = i;
		labels[i].value = (int) core_between(0, 1);
	}
	return labels;
}

/* Some of a node is in use, device by device */
static void
load_node(PmCluster *cluster, PmNode *node, int fullness)
{
	node->free = palloc(sizeof(int64) * cluster->ndims);
	node->device_free = palloc(sizeof(int32) * Max(node->ndevices, 1));
	for (int d = 0; d < cluster->ndims; d++)
	{
		node->free[d] = node->capacity[d];
		if (core_between(0, 9) < fullness)
			node->free[d] = core_between(0, node->capacity[d] / steps[d]) * steps[d];
	}
	if (node->accelerator < 0)
		return;
	node->free[node->accelerator] = 0;
	for (int i = 0; i < node->ndevices; i++)
	{
		node->device_free[i] = PM_DEVICE_WHOLE;
		if (core_between(0, 9) < fullness)
			node->device_free[i] = (int32) core_between(0, 4) * 250;
		node->free[node->accelerator] += node->device_free[i];
	}
}

/* size 1 is small: up to 14 nodes and 40 jobs */
PmCluster *
core_random_cluster(int size)
{
	PmCluster  *cluster = palloc0(sizeof(PmCluster));
	PmNodeConfig *configs;
	int			fullness = (int) core_between(0, 9);
	int			nkinds = (int) core_between(1, 3);
	int64		capacity[3][5];
	int			accelerator[3];
	int			ndevices[3];

	cluster->ndims = (int) core_between(1, 5);
	cluster->nconfigs = (int) core_between(1, 3);
	cluster->configs = configs = palloc0(sizeof(PmNodeConfig) * cluster->nconfigs);
	for (int c = 0; c < cluster->nconfigs; c++)
	{
		configs[c].labels = random_labels(&configs[c].nlabels, 2);
		configs[c].taints = random_labels(&configs[c].ntaints, core_between(0, 3) / 3);
	}
	for (int k = 0; k < nkinds; k++)
	{
		accelerator[k] = -1;
		ndevices[k] = 0;
		for (int d = 0; d < cluster->ndims; d++)
			capacity[k][d] = core_between(0, 9) * steps[d];
		if (cluster->ndims > 2 && core_between(0, 2) > 0)
		{
			accelerator[k] = cluster->ndims > 3 ? (int) core_between(2, 3) : 2;
			ndevices[k] = (int) core_between(0, 5);
			capacity[k][accelerator[k]] = ndevices[k] * PM_DEVICE_WHOLE;
		}
	}
	cluster->nnodes = (int) core_between(0, 14 * size);
	cluster->nodes = palloc0(sizeof(PmNode) * Max(cluster->nnodes, 1));
	for (int n = 0; n < cluster->nnodes; n++)
	{
		PmNode	   *node = &cluster->nodes[n];
		int			k = (int) core_between(0, nkinds - 1);
		int64	   *own = palloc(sizeof(int64) * cluster->ndims);

		memcpy(own, capacity[k], sizeof(int64) * cluster->ndims);
		node->node_id = 100 + n;
		node->config = (int) core_between(0, cluster->nconfigs - 1);
		node->capacity = own;
		node->accelerator = accelerator[k];
		node->ndevices = ndevices[k];
		load_node(cluster, node, fullness);
	}
	return cluster;
}

static void
random_request(const PmCluster *cluster, PmRequest *request)
{
	int64	   *amounts = palloc0(sizeof(int64) * cluster->ndims);

	memset(request, 0, sizeof(*request));
	request->amounts = amounts;
	request->impossible = core_between(0, 30) == 0;
	for (int d = 0; d < cluster->ndims; d++)
	{
		if (core_between(0, 2) == 0)
			continue;
		amounts[d] = core_between(0, d == 1 ? 4 : 5) * steps[d];
		if ((d == 2 || d == 3) && core_between(0, 2) == 0)
			amounts[d] = core_between(1, 9) * 100;
		if (core_between(0, 60) == 0)
			amounts[d] *= 8;
		if (d != 2 && d != 3 && core_between(0, 99) == 0)
			amounts[d] = PG_INT64_MAX;
		if (amounts[d] > PM_DEVICE_WHOLE && (d == 2 || d == 3))
			amounts[d] -= amounts[d] % PM_DEVICE_WHOLE;
	}
	if (core_between(0, 3) == 0)
		request->selectors = random_labels(&request->nselectors, 2);
	if (core_between(0, 2) == 0)
	{
		PmLabel    *tolerations = palloc(sizeof(PmLabel));

		tolerations->key = (int) core_between(-1, 0);
		tolerations->value = (int) core_between(-1, 1);
		request->tolerations = tolerations;
		request->ntolerations = 1;
	}
}

PmQueue *
core_random_queue(const PmCluster *cluster, int size)
{
	PmQueue    *queue = palloc0(sizeof(PmQueue));
	PmShape    *shapes;
	int			priorities;
	bool		scored;
	int			gang = (int) core_between(1, 6 * size);

	queue->nrequests = (int) core_between(1, 7);
	queue->requests = palloc(sizeof(PmRequest) * queue->nrequests);
	for (int r = 0; r < queue->nrequests; r++)
		random_request(cluster, &queue->requests[r]);

	queue->nshapes = (int) core_between(1, 10 * size);
	queue->shapes = shapes = palloc0(sizeof(PmShape) * queue->nshapes);
	for (int s = 0; s < queue->nshapes; s++)
	{
		int			ngroups = core_between(0, 3) > 0 ? 1 : (int) core_between(1, 3);
		PmTaskGroup *groups = palloc0(sizeof(PmTaskGroup) * ngroups);

		for (int g = 0; g < ngroups; g++)
		{
			groups[g].request = (int) core_between(0, queue->nrequests - 1);
			groups[g].replicas = core_between(0, 1) ? 1 : (int) core_between(1, gang);
			groups[g].min_replicas = groups[g].replicas;
			if (core_between(0, 2) == 0)
				groups[g].min_replicas = (int) core_between(1, groups[g].replicas);
		}
		shapes[s].ngroups = ngroups;
		shapes[s].groups = groups;
	}

	priorities = (int) core_between(0, 3) * size;
	scored = core_between(0, 3) == 0;
	queue->nlanes = (int) core_between(1, 4);
	queue->njobs = (int) core_between(0, 40 * size);
	queue->jobs = palloc0(sizeof(PmJob) * Max(queue->njobs, 1));
	for (int i = 0; i < queue->njobs; i++)
	{
		PmJob	   *job = &queue->jobs[i];

		job->job_id = i + 1;
		job->submitted_at = core_between(0, 20);
		job->shape = (int) core_between(0, queue->nshapes - 1);
		job->lane = (int) core_between(0, queue->nlanes - 1);
		job->priority = (int) core_between(-priorities, priorities);
		job->restarted = core_between(0, 5) == 0;
		job->time_limit = core_between(0, 3) == 0 ? PM_NEVER : core_between(1, 5);
		job->score = scored ? core_between(0, 5) : 0;
	}
	return queue;
}

static void
random_cap(const PmCluster *cluster, PmCap *cap, int size)
{
	cap->limited = core_between(0, 3) > 0;
	if (!cap->limited)
		return;
	cap->replicas = core_between(0, 1) ? PM_CAP_NONE : core_between(-1, 12 * size);
	cap->available = palloc(sizeof(int64) * cluster->ndims);
	for (int d = 0; d < cluster->ndims; d++)
	{
		cap->available[d] = PM_CAP_NONE;
		if (core_between(0, 1))
			cap->available[d] = core_between(-1, 16 * size) * steps[d] + core_between(0, 1) * 250;
		else if (core_between(0, 9) == 0)
			cap->available[d] = PM_CAP_NONE - 1;
	}
}

static int64 *
random_amounts(const PmCluster *cluster, int most)
{
	int64	   *amounts = palloc(sizeof(int64) * cluster->ndims);

	for (int d = 0; d < cluster->ndims; d++)
		amounts[d] = core_between(0, most) * steps[d] +
			(most > 0 && core_between(0, 3) == 0 ? 250 : 0);
	return amounts;
}

/* A tree of lanes with quotas, in which more lanes than those of jobs may be */
void
core_random_lanes(const PmCluster *cluster, PmQueue *queue, int size)
{
	bool		upwards = core_between(0, 1);

	queue->nlanes += (int) core_between(0, 4);
	queue->lanes = palloc0(sizeof(PmLane) * queue->nlanes);
	for (int l = 0; l < queue->nlanes; l++)
	{
		PmLane	   *lane = &queue->lanes[l];
		int			above = upwards ? l + 1 : 0;
		int			n = upwards ? queue->nlanes - l - 1 : l;

		lane->sub_pool_id = l + 1;
		lane->parent = n == 0 || core_between(0, 2) == 0 ? -1 :
			above + (int) core_between(0, n - 1);
		lane->held = random_amounts(cluster, (int) core_between(0, 2) * 3 * size);
		if (core_between(0, 2) > 0)
			lane->guaranteed = random_amounts(cluster, 8 * size);
		if (core_between(0, 2) == 0)
			lane->upper = random_amounts(cluster, 16 * size);
		if (core_between(0, 2) == 0)
			lane->borrow_limit = random_amounts(cluster, 6 * size);
		if (core_between(0, 2) == 0)
			lane->lend_limit = random_amounts(cluster, 4 * size);
	}
}

/* Quotas, caps and frozen lanes for a queue, whose shapes come to belong to one lane */
void
core_random_caps(const PmCluster *cluster, PmQueue *queue, int size)
{
	for (int i = 0; i < queue->njobs; i++)
		queue->jobs[i].lane = queue->jobs[i].shape % queue->nlanes;
	if (core_between(0, 3) > 0)
		core_random_lanes(cluster, queue, size);
	if (core_between(0, 1))
	{
		queue->pool_cap = palloc0(sizeof(PmCap));
		random_cap(cluster, queue->pool_cap, 2 * size);
	}
	if (core_between(0, 2) == 0)
	{
		bool	   *frozen = palloc(sizeof(bool) * queue->nlanes);

		for (int l = 0; l < queue->nlanes; l++)
			frozen[l] = core_between(0, 2) == 0;
		queue->lane_frozen = frozen;
	}
}

/* A copy whose free resources are its own */
PmCluster *
core_copy_cluster(const PmCluster *cluster)
{
	PmCluster  *copy = palloc(sizeof(PmCluster));

	*copy = *cluster;
	copy->nodes = palloc(sizeof(PmNode) * Max(cluster->nnodes, 1));
	for (int n = 0; n < cluster->nnodes; n++)
	{
		const PmNode *from = &cluster->nodes[n];
		PmNode	   *to = &copy->nodes[n];

		*to = *from;
		to->free = palloc(sizeof(int64) * cluster->ndims);
		memcpy(to->free, from->free, sizeof(int64) * cluster->ndims);
		to->device_free = palloc(sizeof(int32) * Max(from->ndevices, 1));
		memcpy(to->device_free, from->device_free, sizeof(int32) * from->ndevices);
	}
	return copy;
}

static PmCap *
copy_caps(const PmCluster *cluster, const PmCap *caps, int n)
{
	PmCap	   *copy;

	if (caps == NULL)
		return NULL;
	copy = palloc(sizeof(PmCap) * n);
	memcpy(copy, caps, sizeof(PmCap) * n);
	for (int i = 0; i < n; i++)
		if (caps[i].limited)
		{
			copy[i].available = palloc(sizeof(int64) * cluster->ndims);
			memcpy(copy[i].available, caps[i].available, sizeof(int64) * cluster->ndims);
		}
	return copy;
}

static PmLane *
copy_lanes(const PmCluster *cluster, const PmQueue *queue)
{
	PmLane	   *copy;

	if (queue->lanes == NULL)
		return NULL;
	copy = palloc(sizeof(PmLane) * queue->nlanes);
	memcpy(copy, queue->lanes, sizeof(PmLane) * queue->nlanes);
	for (int l = 0; l < queue->nlanes; l++)
	{
		copy[l].held = palloc(sizeof(int64) * cluster->ndims);
		memcpy(copy[l].held, queue->lanes[l].held, sizeof(int64) * cluster->ndims);
	}
	return copy;
}

/* A copy whose jobs, lanes and caps are its own */
PmQueue *
core_copy_queue(const PmCluster *cluster, const PmQueue *queue)
{
	PmQueue    *copy = palloc(sizeof(PmQueue));

	*copy = *queue;
	copy->jobs = palloc(sizeof(PmJob) * Max(queue->njobs, 1));
	memcpy(copy->jobs, queue->jobs, sizeof(PmJob) * queue->njobs);
	copy->lanes = copy_lanes(cluster, queue);
	copy->pool_cap = copy_caps(cluster, queue->pool_cap, 1);
	return copy;
}

void
core_shuffle_jobs(PmQueue *queue)
{
	for (int i = queue->njobs - 1; i > 0; i--)
	{
		int			j = (int) core_between(0, i);
		PmJob		job = queue->jobs[i];

		queue->jobs[i] = queue->jobs[j];
		queue->jobs[j] = job;
	}
}
