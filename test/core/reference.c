/*-------------------------------------------------------------------------
 *
 * reference.c
 *	  The rules of a scheduling pass, done slowly and plainly: every replica
 *	  looks at every node, nothing is remembered but which shapes failed, now
 *	  or (policy reserve) against capacities.
 *
 * It shares no code with the engine.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "reference.h"

#undef qsort					/* the C library's, not the server's */

static bool shortest_first;

/* Later jobs sort behind */
static int
compare_jobs(const void *pa, const void *pb)
{
	const PmJob *a = pa;
	const PmJob *b = pb;

	if (a->priority != b->priority)
		return b->priority - a->priority;
	if (a->restarted != b->restarted)
		return (int) b->restarted - (int) a->restarted;
	if (shortest_first && a->time_limit != b->time_limit)
		return a->time_limit > b->time_limit ? 1 : -1;
	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	if (a->submitted_at != b->submitted_at)
		return a->submitted_at > b->submitted_at ? 1 : -1;
	return a->job_id > b->job_id ? 1 : -1;
}

bool
ref_matches(const PmCluster *cluster, const PmNode *node, const PmRequest *request)
{
	const PmNodeConfig *config = &cluster->configs[node->config];

	if (request->impossible)
		return false;
	for (int i = 0; i < request->nselectors; i++)
	{
		bool		found = false;

		for (int j = 0; j < config->nlabels; j++)
			found |= config->labels[j].key == request->selectors[i].key &&
				config->labels[j].value == request->selectors[i].value;
		if (!found)
			return false;
	}
	for (int i = 0; i < config->ntaints; i++)
	{
		bool		found = false;

		for (int j = 0; j < request->ntolerations; j++)
		{
			const PmLabel *t = &request->tolerations[j];

			found |= (t->key == PM_ANY_KEY || t->key == config->taints[i].key) &&
				(t->value == PM_ANY_VALUE || t->value == config->taints[i].value);
		}
		if (!found)
			return false;
	}
	return true;
}

/* Whole devices, or the freest one for a fraction */
static int64
device_room(const PmNode *node, int64 amount)
{
	int64		room = 0;

	for (int i = 0; i < node->ndevices; i++)
	{
		if (amount % 1000 == 0)
			room += node->device_free[i] == 1000 ? 1000 : 0;
		else
			room = Max(room, node->device_free[i]);
	}
	return room;
}

static bool
fits(const PmCluster *cluster, const PmNode *node, const PmRequest *request)
{
	for (int d = 0; d < cluster->ndims; d++)
	{
		if (request->amounts[d] > node->free[d])
			return false;
		if (d == node->accelerator && request->amounts[d] > device_room(node, request->amounts[d]))
			return false;
	}
	return true;
}

static int
best_node(const Ref *ref, const PmCluster *cluster, const PmRequest *request)
{
	int			best = -1;
	RefScore	best_score = {0, 0, 0, 0};

	for (int n = 0; n < cluster->nnodes; n++)
	{
		const PmNode *node = &cluster->nodes[n];
		RefScore	s;

		if (!ref_matches(cluster, node, request) || !fits(cluster, node, request))
			continue;
		s = ref_score(ref, node, request);
		if (best < 0 || ref_less(s, best_score))
		{
			best = n;
			best_score = s;
		}
	}
	return best;
}

/* Take one replica on a node */
static void
take(const PmCluster *cluster, PmNode *node, const PmRequest *request, RefReplica *replica)
{
	int64		amount;

	replica->ndevices = 0;
	replica->share = 0;
	for (int d = 0; d < cluster->ndims; d++)
		node->free[d] -= request->amounts[d];
	if (node->accelerator < 0)
		return;
	amount = request->amounts[node->accelerator];
	replica->share = (int) Min(amount, 1000);
	for (int64 left = amount; left > 0; left -= 1000)
	{
		int			chosen = -1;

		for (int i = 0; i < node->ndevices; i++)
			if (node->device_free[i] >= replica->share &&
				(chosen < 0 || node->device_free[i] < node->device_free[chosen]))
				chosen = i;
		node->device_free[chosen] -= replica->share;
		replica->devices[replica->ndevices++] = chosen;
	}
}

static RefReplica *
add_replica(Ref *ref)
{
	RefDecision *d = ref->decision;

	if (d->nreplicas == ref->maxreplicas)
	{
		RefReplica *more;

		ref->maxreplicas = Max(64, ref->maxreplicas * 2);
		more = palloc(sizeof(RefReplica) * ref->maxreplicas);
		if (d->nreplicas > 0)
			memcpy(more, d->replicas, sizeof(RefReplica) * d->nreplicas);
		d->replicas = more;
	}
	return &d->replicas[d->nreplicas++];
}

/* Hardest group first: see the comment in space.c of the engine */
static int64
hardness(const PmCluster *cluster, const PmRequest *request)
{
	int64		hard = 0;

	for (int d = 0; d < cluster->ndims; d++)
	{
		int64		most = 0;

		if (request->amounts[d] == 0)
			continue;
		for (int n = 0; n < cluster->nnodes; n++)
			most = Max(most, cluster->nodes[n].capacity[d]);
		hard = Max(hard, request->amounts[d] >= most ? 1 << 20 :
				   ref_share_of(request->amounts[d], most));
	}
	return hard + (ref_wants_accelerator(cluster, request) ? 1 << 22 : 0);
}

void
ref_hardest_first(const Ref *ref, const PmShape *shape, int *order)
{
	bool		used[8] = {false};

	for (int i = 0; i < shape->ngroups; i++)
	{
		int			next = -1;

		for (int g = 0; g < shape->ngroups; g++)
			if (!used[g] &&
				(next < 0 ||
				 hardness(ref->cluster, &ref->queue->requests[shape->groups[g].request]) >
				 hardness(ref->cluster, &ref->queue->requests[shape->groups[next].request])))
				next = g;
		used[next] = true;
		order[i] = next;
	}
}

static void
save_nodes(const PmCluster *cluster, PmCluster **saved)
{
	*saved = core_copy_cluster(cluster);
}

static void
restore_nodes(PmCluster *cluster, const PmCluster *saved)
{
	for (int n = 0; n < cluster->nnodes; n++)
	{
		memcpy(cluster->nodes[n].free, saved->nodes[n].free, sizeof(int64) * cluster->ndims);
		memcpy(cluster->nodes[n].device_free, saved->nodes[n].device_free,
			   sizeof(int32) * cluster->nodes[n].ndevices);
	}
}

/*
 * Place up to count replicas, noting them for job; returns how many.  Job -1
 * is none, and held against no cap.
 */
int
ref_place(Ref *ref, PmCluster *cluster, int job, const PmShape *shape, int g, int count)
{
	const PmRequest *request = &ref->queue->requests[shape->groups[g].request];

	for (int i = 0; i < count; i++)
	{
		int			n = best_node(ref, cluster, request);
		RefReplica *replica;

		if (n < 0 || (job >= 0 && !ref_cap_allows(ref, ref->queue->jobs[job].lane, request)))
			return i;
		if (job >= 0)
			ref_cap_count(ref, ref->queue->jobs[job].lane, request, 1);
		replica = add_replica(ref);
		replica->job = job;
		replica->group = g;
		replica->node = n;
		take(cluster, &cluster->nodes[n], request, replica);
	}
	return count;
}

bool
ref_try_shape(Ref *ref, PmCluster *cluster, int job, const PmShape *shape)
{
	PmCluster  *saved;
	int			before = ref->decision->nreplicas;
	int			order[8];

	save_nodes(cluster, &saved);
	ref_hardest_first(ref, shape, order);
	for (int i = 0; i < shape->ngroups; i++)
	{
		int			min = shape->groups[order[i]].min_replicas;

		if (ref_place(ref, cluster, job, shape, order[i], min) < min)
		{
			restore_nodes(cluster, saved);
			for (int r = before; r < ref->decision->nreplicas && job >= 0; r++)
				ref_cap_count(ref, ref->queue->jobs[job].lane,
							  &ref->queue->requests[shape->groups[ref->decision->replicas[r].group].request],
							  -1);
			ref->decision->nreplicas = before;
			return false;
		}
	}
	for (int i = 0; i < shape->ngroups; i++)
	{
		const PmTaskGroup *group = &shape->groups[order[i]];

		ref_place(ref, cluster, job, shape, order[i], group->replicas - group->min_replicas);
	}
	return true;
}

/* The device with most free, lowest number of equals */
static int
freest(const PmNode *node, const bool *used)
{
	int			best = -1;

	for (int i = 0; i < node->ndevices; i++)
		if (!used[i] && (best < 0 || node->device_free[i] > node->device_free[best]))
			best = i;
	return best;
}

static int64
shortfall(const PmCluster *cluster, const PmNode *node, const PmRequest *request)
{
	int64		sum = 0;

	for (int d = 0; d < cluster->ndims; d++)
	{
		int64		amount = request->amounts[d];
		int64		have = node->free[d];

		if (amount == 0)
			continue;
		if (d == node->accelerator)
		{
			bool		used[16] = {false};

			have = 0;
			for (int64 left = amount; left > 0; left -= 1000)
			{
				int			i = freest(node, used);

				if (i < 0)
					break;
				used[i] = true;
				have += node->device_free[i];
			}
		}
		if (have < amount)
			sum += ref_share_of(amount - have, node->capacity[d]);
	}
	return sum;
}

static void
withhold_on(const PmCluster *cluster, PmNode *node, const PmRequest *request)
{
	bool		used[16] = {false};

	for (int d = 0; d < cluster->ndims; d++)
		if (d != node->accelerator)
			node->free[d] -= Min(node->free[d], request->amounts[d]);
	if (node->accelerator < 0)
		return;
	for (int64 left = request->amounts[node->accelerator]; left > 0; left -= 1000)
	{
		int32		want = (int32) Min(request->amounts[node->accelerator], 1000);
		int			chosen = -1;

		if (want < 1000)
			for (int i = 0; i < node->ndevices; i++)
				if (node->device_free[i] >= want &&
					(chosen < 0 || node->device_free[i] < node->device_free[chosen]))
					chosen = i;
		if (chosen < 0)
			chosen = freest(node, used);
		used[chosen] = true;
		want = Min(want, node->device_free[chosen]);
		node->device_free[chosen] -= want;
		node->free[node->accelerator] -= want;
	}
}

PmCluster *
ref_emptied(const PmCluster *cluster)
{
	PmCluster  *empty = core_copy_cluster(cluster);

	for (int n = 0; n < empty->nnodes; n++)
	{
		memcpy(empty->nodes[n].free, empty->nodes[n].capacity, sizeof(int64) * empty->ndims);
		for (int i = 0; i < empty->nodes[n].ndevices; i++)
			empty->nodes[n].device_free[i] = 1000;
	}
	return empty;
}

/* Policy reserve: withhold for a blocked job */
static void
withhold(Ref *ref, int s)
{
	const PmShape *shape = &ref->queue->shapes[s];
	PmCluster  *cluster = ref->cluster;
	PmCluster  *own = ref_emptied(cluster);
	PmCluster  *saved;
	int			order[8];

	if (ref->hopeless[s])
		return;
	save_nodes(cluster, &saved);
	ref_hardest_first(ref, shape, order);
	for (int i = 0; i < shape->ngroups; i++)
	{
		const PmTaskGroup *group = &shape->groups[order[i]];
		const PmRequest *request = &ref->queue->requests[group->request];

		for (int r = 0; r < group->min_replicas; r++)
		{
			int			best = -1;
			int64		best_shortfall = 0;
			RefReplica	unused;

			for (int n = 0; n < cluster->nnodes; n++)
			{
				int64		lack;

				if (!ref_matches(cluster, &cluster->nodes[n], request) ||
					!fits(cluster, &own->nodes[n], request))
					continue;
				lack = shortfall(cluster, &cluster->nodes[n], request);
				if (best < 0 || lack < best_shortfall)
				{
					best = n;
					best_shortfall = lack;
				}
			}
			if (best < 0)
			{
				restore_nodes(cluster, saved);
				ref->hopeless[s] = true;
				return;
			}
			take(cluster, &own->nodes[best], request, &unused);
			withhold_on(cluster, &cluster->nodes[best], request);
		}
	}
	ref->hopeless[s] = true;
	for (int n = 0; n < cluster->nnodes; n++)
	{
		for (int d = 0; d < cluster->ndims; d++)
		{
			ref->hopeless[s] &= saved->nodes[n].free[d] == cluster->nodes[n].free[d];
			ref->withheld[n][d] += saved->nodes[n].free[d] - cluster->nodes[n].free[d];
		}
		for (int i = 0; i < cluster->nodes[n].ndevices; i++)
			ref->withheld_devices[n][i] +=
				saved->nodes[n].device_free[i] - cluster->nodes[n].device_free[i];
	}
}

/* Does something have to be withheld for a job that is blocked? */
static bool
withholds(const PmPolicy *policy, const PmJob *job)
{
	switch (policy->queue)
	{
		case PM_QUEUE_RESERVE:
			return true;
		case PM_QUEUE_TIERED:
			if (job->priority < 3)
				return false;
			/* FALLTHROUGH */
		case PM_QUEUE_STEPPED:
			return job->locked_since == 0 || policy->step_timeout == PM_NEVER ||
				policy->now < job->locked_since + policy->step_timeout;
		default:
			return false;
	}
}

/* Is it known that jobs of a shape are for nothing in this pass? */
static bool
in_vain(const Ref *ref, const PmJob *job, const int *capped_in)
{
	if (ref->policy.queue == PM_QUEUE_FIFO)
		return ref->decision->blocked_by[job->lane] >= 0;
	return capped_in[job->shape] >= 0 ||
		(ref->decision->blocked[job->shape] &&
		 (!withholds(&ref->policy, job) || ref->hopeless[job->shape]));
}

/*
 * Of the first jobs of all lanes, one that would not borrow, the first of
 * these; -1: there is none
 */
static int
next_job(const Ref *ref, const bool *done, const int *capped_in)
{
	const PmQueue *queue = ref->queue;
	int			best = -1;
	bool		best_borrows = false;

	for (int l = 0; l < queue->nlanes; l++)
	{
		int			i = 0;
		bool		borrows;

		while (i < queue->njobs &&
			   (done[i] || queue->jobs[i].lane != l || in_vain(ref, &queue->jobs[i], capped_in)))
			i++;
		if (i == queue->njobs)
			continue;
		borrows = ref_would_borrow(ref, l, &queue->shapes[queue->jobs[i].shape]);
		if (best < 0 || (best_borrows && !borrows) || (best_borrows == borrows && i < best))
		{
			best = i;
			best_borrows = borrows;
		}
	}
	return best;
}

RefDecision *
ref_pass(PmCluster *cluster, PmQueue *queue, const PmPolicy *policy)
{
	Ref			ref = {0};
	RefDecision *out = palloc0(sizeof(RefDecision));
	int		   *capped_in = palloc(sizeof(int) * queue->nshapes);	/* lane, or -1 */
	int		   *failed_in = palloc(sizeof(int) * queue->nshapes);	/* likewise */
	bool	   *done;

	ref.cluster = cluster;
	ref.queue = queue;
	ref.policy = *policy;
	ref.decision = out;
	ref.withheld = palloc(sizeof(int64 *) * Max(cluster->nnodes, 1));
	ref.withheld_devices = palloc(sizeof(int32 *) * Max(cluster->nnodes, 1));
	for (int n = 0; n < cluster->nnodes; n++)
	{
		ref.withheld[n] = palloc0(sizeof(int64) * cluster->ndims);
		ref.withheld_devices[n] = palloc0(sizeof(int32) * 16);
	}
	ref.hopeless = palloc0(sizeof(bool) * queue->nshapes);
	ref.pool_free = palloc0(sizeof(int64) * cluster->ndims);
	for (int n = 0; n < cluster->nnodes; n++)
		for (int d = 0; d < cluster->ndims; d++)
			ref.pool_free[d] += cluster->nodes[n].free[d];
	out->starts = palloc(sizeof(int) * Max(queue->njobs, 1));
	out->locks = palloc(sizeof(int) * Max(queue->njobs, 1));
	out->blocked = palloc0(sizeof(bool) * queue->nshapes);
	out->reasons = palloc0(sizeof(PmReason) * queue->nshapes);
	out->needed = palloc0(sizeof(int64) * queue->nshapes);
	out->available = palloc0(sizeof(int64) * queue->nshapes);
	out->blocked_by = palloc(sizeof(int) * queue->nlanes);
	for (int l = 0; l < queue->nlanes; l++)
		out->blocked_by[l] = -1;
	for (int s = 0; s < queue->nshapes; s++)
		capped_in[s] = -1;

	shortest_first = policy->order == PM_ORDER_SHORTEST;
	qsort(queue->jobs, queue->njobs, sizeof(PmJob), compare_jobs);
	done = palloc0(sizeof(bool) * Max(queue->njobs, 1));
	for (int i; (i = next_job(&ref, done, capped_in)) >= 0;)
	{
		const PmJob *job = &queue->jobs[i];
		const PmShape *shape = &queue->shapes[job->shape];
		int64		needed;
		int64		available;

		done[i] = true;
		if (queue->lane_frozen && queue->lane_frozen[job->lane])
		{
			out->reasons[job->shape] = PM_REASON_TENANT_FROZEN;
			continue;
		}
		if (ref_cap_reason(&ref, job->lane, shape, &needed, &available) != PM_REASON_NONE)
		{
			capped_in[job->shape] = job->lane;
			if (policy->queue == PM_QUEUE_FIFO)
				out->blocked_by[job->lane] = i;
			continue;
		}
		if (!out->blocked[job->shape] && ref_try_shape(&ref, cluster, i, shape))
		{
			out->starts[out->nstarts++] = i;
			continue;
		}
		out->blocked[job->shape] = true;
		failed_in[job->shape] = job->lane;
		if (policy->queue == PM_QUEUE_FIFO)
			out->blocked_by[job->lane] = i;
		else if (withholds(policy, job))
		{
			withhold(&ref, job->shape);
			if (!ref.hopeless[job->shape] && policy->queue != PM_QUEUE_RESERVE)
				out->locks[out->nlocks++] = i;
		}
	}

	for (int n = 0; n < cluster->nnodes; n++)
	{
		for (int d = 0; d < cluster->ndims; d++)
			cluster->nodes[n].free[d] += ref.withheld[n][d];
		for (int i = 0; i < cluster->nodes[n].ndevices; i++)
			cluster->nodes[n].device_free[i] += ref.withheld_devices[n][i];
	}
	for (int s = 0; s < queue->nshapes; s++)
	{
		/* what the nodes failed, and a cap does by now, is blocked by the cap */
		if (out->blocked[s] &&
			ref_cap_reason(&ref, failed_in[s], &queue->shapes[s],
						   &out->needed[s], &out->available[s]) != PM_REASON_NONE)
			capped_in[s] = failed_in[s];
		if (capped_in[s] >= 0)
		{
			out->blocked[s] = true;
			out->reasons[s] = ref_cap_reason(&ref, capped_in[s], &queue->shapes[s],
											 &out->needed[s], &out->available[s]);
		}
		else if (out->blocked[s])
			ref_explain(&ref, s);
	}
	return out;
}
