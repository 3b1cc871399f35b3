/*-------------------------------------------------------------------------
 *
 * explain.c
 *	  Why a job waits, and what would start it.
 *
 * Which test each node fails first, and what a pass would do if the job were
 * another one.  Nothing is derived from rules of thumb: a change that is found
 * has started the job in a whole pass over a copy of the pool.
 *
 * A job that is changed is a new one: submitted now, the last among its
 * equals.  Where jobs have scores its own is not known, so it is taken for the
 * least.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "engine/engine_internal.h"
#include "engine/explain.h"

/* How many dimensions of a request are made smaller, one after the other */
#define MAX_REDUCTIONS	8

const char *
pm_test_name(PmNodeTest test)
{
	switch (test)
	{
		case PM_TEST_RESERVATION:
			return "reservation";
		case PM_TEST_BOUND:
			return "bound";
		case PM_TEST_SELECTOR:
			return "selector";
		case PM_TEST_TAINT:
			return "taint";
		case PM_TEST_NO_DOMAIN:
			return "no_domain";
		case PM_TEST_TOO_SMALL:
			return "too_small";
		case PM_TEST_MAINTENANCE:
			return "maintenance";
		case PM_TEST_RESERVED:
			return "reserved";
		case PM_TEST_NO_ROOM:
			return "no_room";
		case PM_TEST_FITS:
			return "fits";
	}
	return "unknown";
}

/* The job is in the queue */
static int
find_job(const PmQueue *queue, int64 job_id)
{
	int			job = 0;

	while (queue->jobs[job].job_id != job_id)
	{
		job++;
		Assert(job < queue->njobs);
	}
	return job;
}

/* ---- nodes ---- */

/* What one replica could use of a node, empty or as it is */
static int64
usable(const PmNode *node, bool empty, int dim, int64 amount)
{
	int64		whole = 0;
	int32		most = 0;

	if (dim != node->accelerator)
		return empty ? node->capacity[dim] : node->free[dim];
	for (int i = 0; i < node->ndevices; i++)
	{
		int32		free = empty ? PM_DEVICE_WHOLE : node->device_free[i];

		whole += free == PM_DEVICE_WHOLE ? PM_DEVICE_WHOLE : 0;
		most = Max(most, free);
	}
	return amount % PM_DEVICE_WHOLE == 0 ? whole : most;
}

static PmLack
lack_of(const PmCluster *cluster, const PmNode *node, bool empty, const PmRequest *request)
{
	PmLack		lack = {PM_DIM_NONE, 0, 0};

	for (int d = 0; d < cluster->ndims; d++)
		if (request->amounts[d] > 0)
			pm_note_lack(&lack, d, request->amounts[d],
						 usable(node, empty, d, request->amounts[d]));
	return lack;
}

/* Is a node in a domain of each level that the job asks for? */
static bool
has_domains(const PmCluster *cluster, const PmNode *node, const PmShape *shape, const PmTaskGroup *group)
{
	int			levels[] = {shape->affinity_required ? shape->affinity_level : 0, group->group_level, group->spread_level};

	for (int i = 0; i < (int) lengthof(levels); i++)
	{
		if (levels[i] > 0 && levels[i] <= cluster->nlevels &&
			(node->domains == NULL || node->domains[levels[i] - 1] < 0))
			return false;
	}
	return true;
}

/* Is a node closed to a job before it must have ended, and by what? */
static bool
is_closed(const PmCase *it, int node, const PmJob *job, PmNodeTest *test)
{
	const PmCluster *cluster = it->cluster;
	int			owner = pm_owner_of(it->queue, job->shape);
	int64		now = it->policy->now;
	bool		closed = false;

	for (int w = 0; w < cluster->nwindows; w++)
	{
		const PmWindow *window = &cluster->windows[w];
		int64		since;
		int64		until;

		if (window->node != node || !pm_window_closes(window, owner, &since, &until) ||
			since >= pm_time_add(now, job->time_limit) || until <= now)
			continue;
		if (!closed || window->owner == 0)
			*test = window->owner == 0 ? PM_TEST_MAINTENANCE :
				window->owner == owner ? PM_TEST_RESERVATION : PM_TEST_RESERVED;
		closed = true;
	}
	return closed;
}

/* Of nodes that pm_config_matches() refuses */
static PmNodeTest
refused_by(const PmNodeConfig *config, const PmRequest *request)
{
	PmRequest	one = *request;

	if (request->owner != 0 && !pm_config_has_owner(config, request->owner))
		return PM_TEST_RESERVATION;
	if (config->sub_pool != 0 && config->sub_pool != request->sub_pool)
		return PM_TEST_BOUND;
	for (one.nselectors = 1; one.nselectors <= request->nselectors; one.nselectors++)
	{
		PmNodeConfig labels = *config;

		labels.ntaints = 0;
		if (!pm_config_matches(&labels, &one))
			return PM_TEST_SELECTOR;
	}
	return PM_TEST_TAINT;
}

static PmNodeTest
test_node(const PmCase *it, const PmJob *job, int group, int n, PmLack *lack)
{
	const PmCluster *cluster = it->cluster;
	const PmNode *node = &cluster->nodes[n];
	const PmShape *shape = &it->queue->shapes[job->shape];
	const PmRequest *request = &it->queue->requests[shape->groups[group].request];
	PmNodeTest	closed_by;

	lack->dimension = PM_DIM_NONE;
	if (!pm_config_matches(&cluster->configs[node->config], request))
		return refused_by(&cluster->configs[node->config], request);
	if (!has_domains(cluster, node, shape, &shape->groups[group]))
		return PM_TEST_NO_DOMAIN;
	*lack = lack_of(cluster, node, true, request);
	if (request->impossible || lack->dimension != PM_DIM_NONE)
		return PM_TEST_TOO_SMALL;
	if (is_closed(it, n, job, &closed_by))
		return closed_by;
	*lack = lack_of(cluster, node, false, request);
	return lack->dimension != PM_DIM_NONE ? PM_TEST_NO_ROOM : PM_TEST_FITS;
}

/* Every node is counted once, whatever else it fails; in the order of tests */
int
pm_test_nodes(const PmCase *it, int group, PmTested **tested)
{
	const PmJob *job = &it->queue->jobs[find_job(it->queue, it->job_id)];
	int			ndims = it->cluster->ndims + 1;
	PmTested   *all = palloc0(sizeof(PmTested) * PM_NODE_TESTS * ndims);
	int			n = 0;

	for (int i = 0; i < it->cluster->nnodes; i++)
	{
		PmLack		lack;
		PmNodeTest	test;
		PmTested   *cell;

		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		test = test_node(it, job, group, i, &lack);
		cell = &all[test * ndims + lack.dimension + 1];
		cell->test = test;
		cell->dimension = lack.dimension;
		cell->nodes++;
		cell->needed = lack.needed;
		cell->available = Max(cell->available, lack.available);
	}
	for (int i = 0; i < PM_NODE_TESTS * ndims; i++)
		if (all[i].nodes > 0)
			all[n++] = all[i];
	*tested = all;
	return n;
}

/* ---- what a pass would do ---- */

static int64 *
copy_vector(const int64 *vector, int ndims)
{
	int64	   *copy = palloc(sizeof(int64) * Max(ndims, 1));

	memcpy(copy, vector, sizeof(int64) * ndims);
	return copy;
}

/* What a pass changes is copied, the rest is shared */
void
pm_copy_pool(const PmCase *it, PmCluster *cluster, PmQueue *queue)
{
	int			ndims = it->cluster->ndims;

	*cluster = *it->cluster;
	cluster->nodes = MemoryContextAllocHuge(CurrentMemoryContext,
											sizeof(PmNode) * (Size) Max(cluster->nnodes, 1));
	for (int n = 0; n < cluster->nnodes; n++)
	{
		PmNode	   *node = &cluster->nodes[n];
		Size		devices = sizeof(int32) * it->cluster->nodes[n].ndevices;

		*node = it->cluster->nodes[n];
		node->free = copy_vector(node->free, ndims);
		if (node->ndevices == 0)
			continue;
		node->device_free = palloc(devices);
		memcpy(node->device_free, it->cluster->nodes[n].device_free, devices);
	}
	cluster->runs = MemoryContextAllocHuge(CurrentMemoryContext,
										   sizeof(PmRunning) * (Size) Max(cluster->nruns, 1));
	for (int r = 0; r < cluster->nruns; r++)
	{
		PmRunning  *run = &cluster->runs[r];
		Size		size = sizeof(PmHold) * (Size) it->cluster->runs[r].nholds;

		*run = it->cluster->runs[r];
		if (run->nholds == 0)
			continue;
		run->holds = MemoryContextAllocHuge(CurrentMemoryContext, size);
		memcpy(run->holds, it->cluster->runs[r].holds, size);
	}
	*queue = *it->queue;
	queue->quota = NULL;
	queue->jobs = MemoryContextAllocHuge(CurrentMemoryContext,
										 sizeof(PmJob) * (Size) Max(queue->njobs, 1));
	memcpy(queue->jobs, it->queue->jobs, sizeof(PmJob) * queue->njobs);
	if (queue->lanes)
	{
		queue->lanes = palloc(sizeof(PmLane) * queue->nlanes);
		for (int l = 0; l < queue->nlanes; l++)
		{
			queue->lanes[l] = it->queue->lanes[l];
			if (queue->lanes[l].held)
				queue->lanes[l].held = copy_vector(queue->lanes[l].held, ndims);
		}
	}
	if (queue->pool_cap)
	{
		queue->pool_cap = palloc(sizeof(PmCap));
		*queue->pool_cap = *it->queue->pool_cap;
		if (queue->pool_cap->available)
			queue->pool_cap->available = copy_vector(queue->pool_cap->available, ndims);
	}
}

/* The job becomes a new one; its shape comes behind those there are */
static void
submit_instead(PmQueue *queue, PmJob *job, const PmInstead *instead, int64 now)
{
	PmShape    *shapes = palloc(sizeof(PmShape) * (queue->nshapes + 1));
	PmTaskGroup *group = palloc(sizeof(PmTaskGroup));
	PmShape    *shape = &shapes[queue->nshapes];

	memcpy(shapes, queue->shapes, sizeof(PmShape) * queue->nshapes);
	*shape = shapes[job->shape];
	if (instead->group || instead->amounts)
	{
		*group = instead->group ? *instead->group : shape->groups[0];
		shape->groups = group;
	}
	if (instead->amounts)
	{
		PmRequest  *requests = palloc(sizeof(PmRequest) * (queue->nrequests + 1));

		memcpy(requests, queue->requests, sizeof(PmRequest) * queue->nrequests);
		requests[queue->nrequests] = requests[group->request];
		requests[queue->nrequests].amounts = instead->amounts;
		group->request = queue->nrequests++;
		queue->requests = requests;
	}
	for (int i = 0; i < queue->njobs; i++)
		job->score = Min(job->score, queue->jobs[i].score);
	job->shape = queue->nshapes++;
	queue->shapes = shapes;
	job->job_id = PG_INT64_MAX;
	job->submitted_at = Max(job->submitted_at, now);
	job->restarted = false;
	job->locked_since = job->claims_since = 0;
	if (instead->time_limit != 0)
		job->time_limit = instead->time_limit;
}

/* instead NULL: the job as it is */
PmWouldBe *
pm_what_if(const PmCase *it, const PmInstead *instead)
{
	PmWouldBe  *would = palloc0(sizeof(PmWouldBe));
	PmCluster	cluster;
	PmQueue    *queue = &would->queue;
	PmJob	   *job;

	CHECK_FOR_INTERRUPTS();
	pm_copy_pool(it, &cluster, queue);
	job = &queue->jobs[find_job(queue, it->job_id)];
	if (instead)
		submit_instead(queue, job, instead, it->policy->now);
	would->decision = pm_pass(&cluster, queue, it->policy);
	would->job = find_job(queue, instead ? PG_INT64_MAX : it->job_id);
	for (int i = 0; i < would->decision->nstarts; i++)
	{
		const PmStart *start = &would->decision->starts[i];

		if (start->job != would->job)
			continue;
		for (int k = 0; k < start->nplacements; k++)
			would->replicas += would->decision->placements[start->first_placement + k].replicas;
	}
	for (int i = 0; i < would->decision->nclaims; i++)
		would->claims |= would->decision->claims[i] == would->job;
	if (would->replicas == 0)
	{
		int			head = would->decision->blocked_by[queue->jobs[would->job].lane];

		would->block = would->decision->blocks[queue->jobs[would->job].shape];
		if (head >= 0 && head != would->job && !would->claims &&
			pm_owner_of(queue, queue->jobs[would->job].shape) == 0)
		{
			memset(&would->block, 0, sizeof(PmBlock));
			would->block.reason = PM_REASON_BEHIND_HEAD;
			would->block.dimension = PM_DIM_NONE;
		}
	}
	return would;
}

/* The same, only asking how many replicas start, and why none */
static int
replicas_if(const PmCase *it, const PmInstead *instead, PmBlock *block)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "pool_manager what-if",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	PmWouldBe  *would = pm_what_if(it, instead);
	int			replicas = would->replicas;

	if (block)
		*block = would->block;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return replicas;
}

/* ---- changes ---- */

static const PmShape *
shape_of(const PmCase *it)
{
	return &it->queue->shapes[it->queue->jobs[find_job(it->queue, it->job_id)].shape];
}

/*
 * The most replicas, fewer than the job needs, that would start.  Of a job of
 * several task groups that is not one number: 0.
 */
int
pm_fewer_replicas(const PmCase *it)
{
	const PmShape *shape = shape_of(it);
	PmInstead	instead = {0};
	PmTaskGroup group = shape->groups[0];
	int			replicas;

	if (shape->ngroups > 1 || group.min_replicas <= Max(group.group_size, 1))
		return 0;
	group.min_replicas = Max(group.group_size, 1);
	instead.group = &group;
	replicas = replicas_if(it, &instead, NULL);
	if (replicas == 0 || replicas >= shape->groups[0].min_replicas)
		return 0;
	group.replicas = group.min_replicas = replicas;
	return replicas_if(it, &instead, NULL) == replicas ? replicas : 0;
}

/* An amount of a dimension that can be asked for and is not more than this */
static int64
round_amount(const PmCluster *cluster, int d, int64 amount)
{
	for (int n = 0; n < cluster->nnodes; n++)
		if (cluster->nodes[n].accelerator == d && amount >= PM_DEVICE_WHOLE)
			return amount - amount % PM_DEVICE_WHOLE;
	return amount;
}

/*
 * The request with what is lacking made as small as what is available, one
 * dimension after the other until it starts.  Of a job of several task groups:
 * NULL.
 */
int64 *
pm_smaller_request(const PmCase *it)
{
	const PmShape *shape = shape_of(it);
	PmInstead	instead = {0};
	int64	   *amounts;

	if (shape->ngroups > 1 || it->queue->requests[shape->groups[0].request].impossible)
		return NULL;
	amounts = copy_vector(it->queue->requests[shape->groups[0].request].amounts, it->cluster->ndims);
	instead.amounts = amounts;
	for (int tries = 0; tries <= MAX_REDUCTIONS; tries++)
	{
		PmBlock		block;
		int64		amount;

		if (replicas_if(it, &instead, &block) > 0)
			return tries > 0 ? amounts : NULL;
		if (block.dimension < 0)
			break;
		amount = block.level == PM_LEVEL_NODE ? block.available :
			block.available / shape->groups[0].min_replicas;
		amount = round_amount(it->cluster, block.dimension, amount);
		if (amount <= 0 || amount >= amounts[block.dimension])
			break;
		amounts[block.dimension] = amount;
	}
	return NULL;
}

#define ST_SORT sort_lengths
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b) ? 1 : 0)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * The longest limit, shorter than its own, with which the job would end before
 * what is in its way begins: a reservation, or maintenance, or the end of its
 * own reservation.  The shorter a job
 * is the more it may use, so halving finds it.
 */
int64
pm_shorter_limit(const PmCase *it)
{
	PmWouldBe  *would = pm_what_if(it, NULL);
	const PmQueue *queue = &would->queue;
	int64		limit = queue->jobs[would->job].time_limit;
	int64	   *limits = palloc(sizeof(int64) * (would->decision->nreservations + it->cluster->nwindows + 1));
	PmInstead	instead = {0};
	int			n = 0;
	int			low = -1;		/* starts */
	int			high;			/* does not */

	for (int i = 0; i < would->decision->nreservations; i++)
		limits[n++] = would->decision->reservations[i].at - it->policy->now;
	for (int w = 0; w < it->cluster->nwindows; w++)
	{
		int64		since;
		int64		until;

		if (pm_window_closes(&it->cluster->windows[w],
							 pm_owner_of(queue, queue->jobs[would->job].shape), &since, &until))
			limits[n++] = since - it->policy->now;
	}
	if (n > 1)
		sort_lengths(limits, n);
	while (n > 0 && limits[n - 1] >= limit)
		n--;
	for (high = n; high - low > 1;)
	{
		int			middle = low + (high - low) / 2;

		instead.time_limit = limits[middle];
		if (limits[middle] <= 0 || replicas_if(it, &instead, NULL) > 0)
			low = middle;
		else
			high = middle;
	}
	return low >= 0 && limits[low] > 0 ? limits[low] : 0;
}
