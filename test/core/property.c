/*-------------------------------------------------------------------------
 *
 * property.c
 *	  Random inputs: the engine decides exactly as the slow reference does,
 *	  and its decisions keep the rules whatever the reference says.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"
#include "engine/engine_internal.h"

static const char *const queue_names[] = {"fifo", "traversal", "reserve"};
static const char *const placement_names[] = {"pack", "first_fit", "spread"};

/* Does this placement say the same as the reference's replicas? */
static bool
same_placement(const PmDecision *decision, const PmPlacement *placement,
			   const RefDecision *ref, int job)
{
	int			replicas = 0;
	int			devices = 0;

	for (int i = 0; i < ref->nreplicas; i++)
	{
		const RefReplica *r = &ref->replicas[i];

		if (r->job != job || r->group != placement->group || r->node != placement->node)
			continue;
		replicas++;
		if (r->share != placement->device_share ||
			devices + r->ndevices > placement->ndevices)
			return false;
		for (int k = 0; k < r->ndevices; k++)
			if (decision->devices[placement->first_device + devices++] != r->devices[k])
				return false;
	}
	return replicas == placement->replicas && devices == placement->ndevices;
}

bool
core_same_decision(const PmDecision *decision, const RefDecision *ref, const PmQueue *queue)
{
	int			total = 0;

	if (decision->nstarts != ref->nstarts)
		return false;
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmStart *start = &decision->starts[i];

		if (start->job != ref->starts[i])
			return false;
		for (int p = 0; p < start->nplacements; p++)
		{
			const PmPlacement *placement = &decision->placements[start->first_placement + p];

			if (!same_placement(decision, placement, ref, start->job))
				return false;
			total += placement->replicas;
			for (int q = 0; q < p; q++)
				if (decision->placements[start->first_placement + q].group == placement->group &&
					decision->placements[start->first_placement + q].node == placement->node)
					return false;
		}
	}
	return total == ref->nreplicas &&
		memcmp(decision->blocked_by, ref->blocked_by, sizeof(int) * queue->nlanes) == 0;
}

static bool
same_reasons(const PmDecision *decision, const RefDecision *ref, const PmQueue *queue)
{
	for (int s = 0; s < queue->nshapes; s++)
	{
		const PmBlock *block = &decision->blocks[s];

		if (block->reason != ref->reasons[s])
			return false;
		if (ref->blocked[s] && ref->needed[s] >= 0 &&
			(block->needed != ref->needed[s] || block->available != ref->available[s]))
			return false;
		if (ref->blocked[s] && block->reason != PM_REASON_NO_MATCHING_NODE &&
			block->reason != PM_REASON_RESERVED && block->needed <= block->available)
			return false;
	}
	return true;
}

bool
core_same_nodes(const PmCluster *a, const PmCluster *b)
{
	for (int n = 0; n < a->nnodes; n++)
		if (memcmp(a->nodes[n].free, b->nodes[n].free, sizeof(int64) * a->ndims) != 0 ||
			memcmp(a->nodes[n].device_free, b->nodes[n].device_free,
				   sizeof(int32) * a->nodes[n].ndevices) != 0)
			return false;
	return true;
}

/*
 * Booking the decision on the nodes as they were leads to the nodes as they
 * are, without going below zero anywhere.
 */
static bool
books_agree(const PmDecision *decision, const PmQueue *queue,
			PmCluster *before, const PmCluster *after)
{
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmStart *start = &decision->starts[i];
		const PmShape *shape = &queue->shapes[queue->jobs[start->job].shape];

		for (int p = 0; p < start->nplacements; p++)
		{
			const PmPlacement *placement = &decision->placements[start->first_placement + p];
			const PmRequest *request = &queue->requests[shape->groups[placement->group].request];
			PmNode	   *node = &before->nodes[placement->node];

			for (int d = 0; d < before->ndims; d++)
				if ((node->free[d] -= request->amounts[d] * placement->replicas) < 0)
					return false;
			for (int k = 0; k < placement->ndevices; k++)
			{
				int			device = decision->devices[placement->first_device + k];

				if (device < 0 || device >= node->ndevices ||
					(node->device_free[device] -= placement->device_share) < 0)
					return false;
			}
		}
	}
	for (int n = 0; n < after->nnodes; n++)
	{
		const PmNode *node = &after->nodes[n];
		int64		sum = 0;

		for (int i = 0; i < node->ndevices; i++)
			sum += node->device_free[i];
		if (node->accelerator >= 0 && sum != node->free[node->accelerator])
			return false;
	}
	return core_same_nodes(before, after);
}

/* Each group of a started job has between its minimum and its full count */
static bool
gangs_whole(const PmDecision *decision, const PmQueue *queue)
{
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmStart *start = &decision->starts[i];
		const PmShape *shape = &queue->shapes[queue->jobs[start->job].shape];

		for (int g = 0; g < shape->ngroups; g++)
		{
			int			n = 0;

			for (int p = 0; p < start->nplacements; p++)
				if (decision->placements[start->first_placement + p].group == g)
					n += decision->placements[start->first_placement + p].replicas;
			if (n < shape->groups[g].min_replicas || n > shape->groups[g].replicas)
				return false;
		}
	}
	return true;
}

/* In a lane, nothing behind a job that was not started is started */
static bool
never_overtakes(const PmDecision *decision, const PmQueue *queue)
{
	bool	   *started = palloc0(sizeof(bool) * Max(queue->njobs, 1));
	bool		stopped[8] = {false};

	for (int i = 0; i < decision->nstarts; i++)
		started[decision->starts[i].job] = true;
	for (int i = 0; i < queue->njobs; i++)
	{
		if (started[i] && stopped[queue->jobs[i].lane])
			return false;
		stopped[queue->jobs[i].lane] |= !started[i];
	}
	return true;
}

static bool
same_again(const PmDecision *a, const PmDecision *b, const PmQueue *queue)
{
	for (int s = 0; s < queue->nshapes; s++)
		if (a->blocks[s].reason != b->blocks[s].reason ||
			a->blocks[s].level != b->blocks[s].level ||
			a->blocks[s].dimension != b->blocks[s].dimension ||
			a->blocks[s].needed != b->blocks[s].needed ||
			a->blocks[s].available != b->blocks[s].available)
			return false;
	return a->nstarts == b->nstarts && a->nplacements == b->nplacements &&
		a->ndevices == b->ndevices && a->examined == b->examined &&
		(a->nstarts == 0 ||
		 memcmp(a->starts, b->starts, sizeof(PmStart) * a->nstarts) == 0) &&
		(a->nplacements == 0 ||
		 memcmp(a->placements, b->placements, sizeof(PmPlacement) * a->nplacements) == 0) &&
		(a->ndevices == 0 ||
		 memcmp(a->devices, b->devices, sizeof(int) * a->ndevices) == 0);
}

static void
one_round(int round, int size, PmPolicy policy)
{
	const char *q = queue_names[policy.queue];
	const char *p = placement_names[policy.placement];
	PmCluster  *cluster = core_random_cluster(size);
	PmQueue    *queue = core_random_queue(cluster, size);
	PmCluster  *start = core_copy_cluster(cluster);
	PmCluster  *ref_cluster = core_copy_cluster(cluster);
	PmCluster  *again_cluster = core_copy_cluster(cluster);
	PmQueue    *before;
	PmQueue    *ref_queue;
	PmQueue    *again_queue;
	PmDecision *decision;
	RefDecision *ref;

	if (core_between(0, 1))
		core_random_caps(cluster, queue, size);
	before = core_copy_queue(cluster, queue);
	ref_queue = core_copy_queue(cluster, queue);
	again_queue = core_copy_queue(cluster, queue);
	core_shuffle_jobs(again_queue);
	decision = pm_pass(cluster, queue, &policy);
	ref = ref_pass(ref_cluster, ref_queue, &policy);

	core_check(core_same_decision(decision, ref, queue) && core_same_nodes(cluster, ref_cluster),
			   "round %d, %s, %s: decides as the reference", round, q, p);
	core_check(same_reasons(decision, ref, queue),
			   "round %d, %s, %s: reasons as the reference", round, q, p);
	if (policy.queue != PM_QUEUE_RESERVE)
		core_check(core_quotas_kept(decision, cluster, start, queue, before),
				   "round %d, %s, %s: upper quotas and what is kept at home hold", round, q, p);
	core_check(books_agree(decision, queue, start, cluster),
			   "round %d, %s, %s: never over-allocated, devices consistent", round, q, p);
	core_check(gangs_whole(decision, queue), "round %d, %s, %s: gangs whole", round, q, p);
	if (policy.queue == PM_QUEUE_FIFO)
		core_check(never_overtakes(decision, queue),
				   "round %d, %s, %s: nobody overtakes in a lane", round, q, p);
	core_check(core_caps_agree(decision, cluster, queue, before) &&
			   core_caps_agree(decision, cluster, ref_queue, before),
			   "round %d, %s, %s: caps kept, less by what was started", round, q, p);
	if (policy.queue != PM_QUEUE_RESERVE)
		core_check(core_cut_only_by_need(decision, cluster, queue),
				   "round %d, %s, %s: as many replicas as nodes and caps allow", round, q, p);
	core_check(core_frozen_wait(decision, queue),
			   "round %d, %s, %s: frozen lanes wait", round, q, p);
	core_check(same_again(decision, pm_pass(again_cluster, again_queue, &policy), queue),
			   "round %d, %s, %s: shuffled jobs, same decision", round, q, p);
}

/* Shares without a division are those with one */
static void
shares_exact(void)
{
	core_seed(0);
	for (int i = 0; i < 100000; i++)
	{
		int64		capacity = (int64) (core_next() >> core_between(1, 63));
		int64		amount = capacity == 0 ? 0 :
			core_between(0, 3) > 0 ? core_between(0, capacity - 1) :
			Max(capacity - core_between(0, 3), 0);
		int64		c = capacity;
		int64		a = amount;
		PmScale		scale;

		pm_scale_init(&scale, capacity);
		while (c >= INT64CONST(1) << 42)
		{
			c >>= 1;
			a >>= 1;
		}
		core_check(pm_share(&scale, amount) ==
				   (c == 0 ? 0 : (uint64) ((int128) a * (1 << PM_SHARE_BITS) / c)),
				   "share of %lld in %lld", (long long) amount, (long long) capacity);
	}
}

void
core_properties(int rounds)
{
	shares_exact();
	core_quota_properties(rounds / 10 + 1);
	for (int round = 0; round < rounds; round++)
	{
		PmPolicy	policy = {0};

		core_seed(round);
		core_fresh_memory();
		policy.queue = (PmQueuePolicy) (round % 3);
		policy.placement = (PmPlacementPolicy) (round / 3 % 3);
		policy.order = round % 5 == 0 ? PM_ORDER_SHORTEST : PM_ORDER_PRIORITY;
		one_round(round, round % 100 < 6 ? 6 : 1, policy);
	}
}
