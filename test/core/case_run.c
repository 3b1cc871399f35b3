/*-------------------------------------------------------------------------
 *
 * case_run.c
 *	  Run a case made by hand: build the engine's input from it, write the
 *	  decision in one line, compare.  The cases are in cases.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cases.h"

#undef snprintf					/* the C library's, not the server's */
#undef vsnprintf

static char line[2000];

static void write_out(const char *format,...) pg_attribute_printf(1, 2);

static void
write_out(const char *format,...)
{
	size_t		used = strlen(line);
	va_list		args;

	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - used, format, args);
	va_end(args);
}

static PmLabel *
keep_label(const PmLabel *label, int *n)
{
	PmLabel    *copy = palloc(sizeof(PmLabel));

	*copy = *label;
	*n = label->key != 0;
	return copy;
}

static PmCluster *
build_cluster(const Case *c)
{
	PmCluster  *cluster = palloc0(sizeof(PmCluster));
	PmNodeConfig *configs = palloc0(sizeof(PmNodeConfig) * MAX_NODES);

	cluster->ndims = NDIMS;
	cluster->configs = configs;
	cluster->nodes = palloc0(sizeof(PmNode) * MAX_NODES);
	for (int n = 0; n < MAX_NODES; n++)
	{
		const CaseNode *from = &c->nodes[n];
		PmNode	   *node = &cluster->nodes[n];

		if (from->capacity[0] + from->capacity[1] + from->capacity[2] == 0)
			break;
		configs[n].labels = keep_label(&from->label, &configs[n].nlabels);
		configs[n].taints = keep_label(&from->taint, &configs[n].ntaints);
		node->node_id = n + 1;
		node->config = n;
		node->capacity = from->capacity;
		node->accelerator = from->ngpus > 0 ? 2 : -1;
		node->ndevices = from->ngpus;
		node->free = palloc(sizeof(int64) * NDIMS);
		node->device_free = palloc(sizeof(int32) * 8);
		for (int d = 0; d < NDIMS; d++)
			node->free[d] = from->capacity[d] - from->used[d];
		if (from->ngpus > 0)
			node->free[2] = 0;
		for (int i = 0; i < from->ngpus; i++)
		{
			node->device_free[i] = PM_DEVICE_WHOLE - from->gpu_used[i];
			node->free[2] += node->device_free[i];
		}
		cluster->nnodes = cluster->nconfigs = n + 1;
	}
	return cluster;
}

/* The index of this request among those seen, equal ones sharing it */
static int
find_request(PmQueue *queue, const CaseJob *job, const CaseGroup *group)
{
	PmRequest	request = {0};
	int			r;

	request.amounts = group->request;
	request.impossible = job->impossible;
	request.selectors = keep_label(&job->selector, &request.nselectors);
	request.tolerations = keep_label(&job->toleration, &request.ntolerations);
	for (r = 0; r < queue->nrequests; r++)
	{
		const PmRequest *other = &queue->requests[r];

		if (memcmp(other->amounts, request.amounts, sizeof(int64) * NDIMS) == 0 &&
			other->impossible == request.impossible &&
			other->selectors[0].key == request.selectors[0].key &&
			other->selectors[0].value == request.selectors[0].value &&
			other->tolerations[0].key == request.tolerations[0].key &&
			other->tolerations[0].value == request.tolerations[0].value)
			return r;
	}
	queue->requests[r] = request;
	return queue->nrequests++;
}

static void
build_cap(PmCap *cap, const CaseCap *from)
{
	cap->limited = from->limited;
	cap->replicas = from->replicas;
	cap->available = palloc(sizeof(int64) * NDIMS);
	memcpy(cap->available, from->available, sizeof(int64) * NDIMS);
}

static void
build_lane(PmLane *lane, const CaseLane *from)
{
	lane->parent = from->above - 1;
	lane->guaranteed = from->guaranteed;
	lane->upper = from->upper;
	lane->borrow_limit = from->borrow;
	lane->lend_limit = from->lend;
	lane->held = palloc0(sizeof(int64) * NDIMS);
	if (from->held)
		memcpy(lane->held, from->held, sizeof(int64) * NDIMS);
}

/* Without any quota or limit, none is made; see engine.h */
static void
build_caps(PmQueue *queue, const Case *c)
{
	bool		any = false;

	for (int l = 0; l < NLANES; l++)
		any |= c->lanes[l].guaranteed || c->lanes[l].upper || c->lanes[l].borrow;
	if (any)
	{
		queue->lanes = palloc0(sizeof(PmLane) * NLANES);
		for (int l = 0; l < NLANES; l++)
			build_lane(&queue->lanes[l], &c->lanes[l]);
	}
	if (c->pool_cap.limited)
	{
		queue->pool_cap = palloc0(sizeof(PmCap));
		build_cap(queue->pool_cap, &c->pool_cap);
	}
	if (c->frozen[0] || c->frozen[1])
		queue->lane_frozen = c->frozen;
}

/* Jobs of one lane share a shape if they ask for the same */
static PmQueue *
build_queue(const Case *c)
{
	PmQueue    *queue = palloc0(sizeof(PmQueue));
	PmShape    *shapes = palloc0(sizeof(PmShape) * MAX_JOBS);
	int			lane_of[MAX_JOBS];	/* each shape's */

	queue->requests = palloc0(sizeof(PmRequest) * MAX_JOBS * MAX_GROUPS);
	queue->shapes = shapes;
	queue->jobs = palloc0(sizeof(PmJob) * MAX_JOBS);
	queue->nlanes = NLANES;
	build_caps(queue, c);
	for (int i = 0; i < MAX_JOBS && c->jobs[i].id != 0; i++)
	{
		const CaseJob *from = &c->jobs[i];
		PmTaskGroup *groups = palloc0(sizeof(PmTaskGroup) * MAX_GROUPS);
		PmJob	   *job = &queue->jobs[queue->njobs++];
		int			n = 0;
		int			s;

		for (; n < MAX_GROUPS && from->groups[n].replicas > 0; n++)
		{
			groups[n].request = find_request(queue, from, &from->groups[n]);
			groups[n].replicas = from->groups[n].replicas;
			groups[n].min_replicas = from->groups[n].min ? from->groups[n].min :
				from->groups[n].replicas;
		}
		for (s = 0; s < queue->nshapes; s++)
			if (lane_of[s] == from->lane && shapes[s].ngroups == n &&
				memcmp(shapes[s].groups, groups, sizeof(PmTaskGroup) * n) == 0)
				break;
		if (s == queue->nshapes)
		{
			shapes[s].ngroups = n;
			shapes[s].groups = groups;
			lane_of[s] = from->lane;
			queue->nshapes++;
		}
		job->job_id = from->id;
		job->submitted_at = from->submitted;
		job->shape = s;
		job->lane = from->lane;
		job->priority = from->priority;
		job->restarted = from->restarted;
	}
	return queue;
}

static void
write_start(const PmDecision *decision, const PmQueue *queue, const PmStart *start)
{
	const PmJob *job = &queue->jobs[start->job];

	write_out("%sstart %d", line[0] ? "; " : "", (int) job->job_id);
	for (int p = 0; p < start->nplacements; p++)
	{
		const PmPlacement *placement = &decision->placements[start->first_placement + p];

		if (queue->shapes[job->shape].ngroups > 1)
			write_out(" g%d", placement->group);
		write_out(" n%d x%d", placement->node, placement->replicas);
		for (int i = 0; i < placement->ndevices; i++)
			write_out("%s%d", i == 0 ? " d" : ",",
					  decision->devices[placement->first_device + i]);
		if (placement->device_share % PM_DEVICE_WHOLE != 0)
			write_out("@%d", placement->device_share);
	}
}

static void
write_wait(const PmDecision *decision, const PmQueue *queue, int j)
{
	static const char *const names[] = {"replicas", "none", "cpu", "mem", "gpu"};
	const PmJob *job = &queue->jobs[j];
	const PmBlock *block = &decision->blocks[job->shape];
	int			head = decision->blocked_by[job->lane];

	write_out("%swait %d ", line[0] ? "; " : "", (int) job->job_id);
	if (head >= 0 && head != j)
	{
		write_out("%s", pm_reason_name(PM_REASON_BEHIND_HEAD));
		return;
	}
	write_out("%s", pm_reason_name(block->reason));
	if (block->reason == PM_REASON_NONE || block->dimension == PM_DIM_NONE)
		return;
	if (block->level != PM_LEVEL_NONE)
		write_out(" %s", pm_level_name(block->level));
	write_out(" %s %lld/%lld", names[block->dimension + 2],
			  (long long) block->needed, (long long) block->available);
}

void
core_run_case(const Case *c)
{
	PmCluster  *cluster = build_cluster(c);
	PmQueue    *queue = build_queue(c);
	PmPolicy	policy = {c->queue, c->placement};
	PmDecision *decision = pm_pass(cluster, queue, &policy);
	bool		started[MAX_JOBS] = {false};

	line[0] = '\0';
	for (int i = 0; i < decision->nstarts; i++)
	{
		write_start(decision, queue, &decision->starts[i]);
		started[decision->starts[i].job] = true;
	}
	for (int j = 0; j < queue->njobs; j++)
		if (!started[j])
			write_wait(decision, queue, j);
	core_check(strcmp(line, c->expected) == 0, "%s:\n  expected %s\n  got      %s",
			   c->name, c->expected, line);
}
