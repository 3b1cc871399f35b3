/*-------------------------------------------------------------------------
 *
 * property_topology.c
 *	  Rules of topology at random small clusters: what the engine decides is
 *	  held against a search through every way to put replicas on nodes.
 *
 * Jobs of one group must start exactly if some way starts them, with as many
 * replicas as any way has, in the domain that fits most tightly and, level by
 * level, in the fewest sub-domains.  Jobs of two groups must keep the rules.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"

#define MAX_NODES	5
#define MAX_COPIES	4
#define MAX_TOTAL	(MAX_NODES * MAX_COPIES)

typedef struct World
{
	PmCluster  *cluster;
	PmQueue    *queue;
	int64		free[MAX_NODES];	/* as they are before the job at hand */
} World;

/* What there is of all ways to put replicas of a group on some nodes */
typedef struct Ways
{
	int			most;			/* replicas of any */
	int			parts[MAX_TOTAL + 1];	/* fewest sub-domains for so many */
} Ways;

static int
domain_of(const PmCluster *cluster, int node, int level)
{
	if (level == 0)
		return 0;
	if (level > cluster->nlevels)
		return node;
	return cluster->nodes[node].domains ? cluster->nodes[node].domains[level - 1] : -1;
}

/* ---- input ---- */

static PmCluster *
random_cluster(void)
{
	PmCluster  *cluster = palloc0(sizeof(PmCluster));
	PmNodeConfig *config = palloc0(sizeof(PmNodeConfig));
	int			paths[3][MAX_NODES * 3];	/* (domain above) * 3 + value */
	int			npaths[3] = {0};

	cluster->ndims = 1;
	cluster->nconfigs = 1;
	cluster->configs = config;
	cluster->nlevels = (int) core_between(1, 3);
	cluster->nnodes = (int) core_between(1, MAX_NODES);
	cluster->nodes = palloc0(sizeof(PmNode) * MAX_NODES);
	for (int n = 0; n < cluster->nnodes; n++)
	{
		PmNode	   *node = &cluster->nodes[n];
		int64	   *amounts = palloc(sizeof(int64) * 2);
		int32	   *domains = palloc(sizeof(int32) * cluster->nlevels);
		int			above = 0;

		node->node_id = n + 1;
		node->accelerator = -1;
		amounts[0] = core_between(1, MAX_COPIES);
		amounts[1] = core_between(0, 2) == 0 ? core_between(0, amounts[0]) : amounts[0];
		node->capacity = amounts;
		node->free = amounts + 1;
		for (int l = 0; l < cluster->nlevels; l++)
		{
			int			path = above * 3 + (int) core_between(0, 1 + l / 2);
			int			d = 0;

			domains[l] = -1;
			if (above < 0 || core_between(0, 11) == 0)
			{
				above = -1;
				continue;
			}
			while (d < npaths[l] && paths[l][d] != path)
				d++;
			if (d == npaths[l])
				paths[l][npaths[l]++] = path;
			domains[l] = above = d;
		}
		if (domains[0] >= 0 || core_between(0, 1))
			node->domains = domains;
	}
	return cluster;
}

static void
random_rule(const PmCluster *cluster, const PmShape *shape, PmTaskGroup *group)
{
	int			lowest = cluster->nlevels + 1;

	group->replicas = (int) core_between(1, 6);
	group->min_replicas = core_between(0, 1) ? group->replicas : (int) core_between(1, group->replicas);
	if (core_between(0, 2) == 0)
	{
		group->group_level = (int) core_between(Max(shape->affinity_level, 1), lowest);
		group->group_size = (int) core_between(1, 3);
		group->replicas = group->group_size * (int) core_between(1, 3);
		group->min_replicas = group->group_size * (int) core_between(1, group->replicas / group->group_size);
	}
	if (core_between(0, 2) == 0 && shape->affinity_level < lowest)
	{
		group->spread_level = (int) core_between(shape->affinity_level + 1, lowest);
		group->max_per_domain = (int) core_between(0, 3);
	}
}

static PmQueue *
random_queue(const PmCluster *cluster)
{
	PmQueue    *queue = palloc0(sizeof(PmQueue));
	PmShape    *shapes;
	int64	   *amounts = palloc(sizeof(int64) * 2);

	amounts[0] = 1;
	amounts[1] = 2;
	queue->nrequests = 2;
	queue->requests = palloc0(sizeof(PmRequest) * 2);
	queue->requests[0].amounts = &amounts[0];
	queue->requests[1].amounts = &amounts[1];
	queue->nshapes = (int) core_between(1, 4);
	queue->shapes = shapes = palloc0(sizeof(PmShape) * queue->nshapes);
	for (int s = 0; s < queue->nshapes; s++)
	{
		PmTaskGroup *groups = palloc0(sizeof(PmTaskGroup) * 2);

		shapes[s].ngroups = core_between(0, 3) == 0 ? 2 : 1;
		shapes[s].groups = groups;
		shapes[s].affinity_level = (int) core_between(0, cluster->nlevels + 1);
		shapes[s].affinity_required = core_between(0, 1);
		for (int g = 0; g < shapes[s].ngroups; g++)
		{
			groups[g].request = (int) core_between(0, 1);
			random_rule(cluster, &shapes[s], &groups[g]);
		}
	}
	queue->nlanes = 1;
	queue->njobs = (int) core_between(1, 6);
	queue->jobs = palloc0(sizeof(PmJob) * queue->njobs);
	for (int i = 0; i < queue->njobs; i++)
	{
		queue->jobs[i].job_id = i + 1;
		queue->jobs[i].shape = (int) core_between(0, queue->nshapes - 1);
	}
	return queue;
}

/* ---- every way ---- */

static bool
rule_holds(const PmCluster *cluster, const PmTaskGroup *group, const int *counts)
{
	for (int n = 0; n < cluster->nnodes; n++)
	{
		int			in_group = 0;
		int			in_spread = 0;

		if (counts[n] == 0)
			continue;
		if (domain_of(cluster, n, group->group_level) < 0 ||
			domain_of(cluster, n, group->spread_level) < 0)
			return false;
		for (int m = 0; m < cluster->nnodes; m++)
		{
			if (domain_of(cluster, m, group->group_level) == domain_of(cluster, n, group->group_level))
				in_group += counts[m];
			if (domain_of(cluster, m, group->spread_level) == domain_of(cluster, n, group->spread_level))
				in_spread += counts[m];
		}
		if (group->group_level > 0 && in_group % group->group_size != 0)
			return false;
		if (group->max_per_domain > 0 && in_spread > group->max_per_domain)
			return false;
	}
	return true;
}

static int
count_parts(const PmCluster *cluster, const int *counts, int level)
{
	int			parts = 0;

	for (int n = 0; n < cluster->nnodes; n++)
	{
		bool		first = counts[n] > 0;

		for (int m = 0; m < n && first; m++)
			first = counts[m] == 0 || domain_of(cluster, m, level) != domain_of(cluster, n, level);
		parts += first;
	}
	return parts;
}

/* All ways on the nodes of a domain; sub-domains are those of the level below */
static Ways
all_ways(const World *world, const PmTaskGroup *group, int level, int domain)
{
	const PmCluster *cluster = world->cluster;
	int64		amount = world->queue->requests[group->request].amounts[0];
	int			limit[MAX_NODES] = {0};
	int			counts[MAX_NODES] = {0};
	Ways		ways = {0};
	int			n;

	for (int i = 0; i <= MAX_TOTAL; i++)
		ways.parts[i] = MAX_NODES + 1;
	for (n = 0; n < cluster->nnodes; n++)
		if (domain_of(cluster, n, level) == domain)
			limit[n] = (int) (world->free[n] / amount);
	do
	{
		if (rule_holds(cluster, group, counts))
		{
			int			total = 0;
			int			parts = count_parts(cluster, counts, level + 1);

			for (n = 0; n < cluster->nnodes; n++)
				total += counts[n];
			ways.most = Max(ways.most, total);
			ways.parts[total] = Min(ways.parts[total], parts);
		}
		for (n = 0; n < cluster->nnodes && counts[n] == limit[n]; n++)
			counts[n] = 0;
		if (n < cluster->nnodes)
			counts[n]++;
	} while (n < cluster->nnodes);
	return ways;
}

/* The most replicas that one named domain of a level holds */
static int
most_at(const World *world, const PmTaskGroup *group, int level)
{
	int			most = 0;

	for (int n = 0; n < world->cluster->nnodes; n++)
		if (domain_of(world->cluster, n, level) >= 0)
			most = Max(most, all_ways(world, group, level, domain_of(world->cluster, n, level)).most);
	return most;
}

/* ---- what was decided ---- */

static void
count_on_nodes(const PmDecision *decision, const PmStart *start, int group, int *counts)
{
	memset(counts, 0, sizeof(int) * MAX_NODES);
	for (int p = 0; p < start->nplacements; p++)
		if (decision->placements[start->first_placement + p].group == group)
			counts[decision->placements[start->first_placement + p].node] +=
				decision->placements[start->first_placement + p].replicas;
}

static bool
in_one_domain(const PmCluster *cluster, const int *counts, int level, int *domain)
{
	*domain = -1;
	for (int n = 0; n < cluster->nnodes; n++)
	{
		if (counts[n] == 0)
			continue;
		if (domain_of(cluster, n, level) < 0 ||
			(*domain >= 0 && domain_of(cluster, n, level) != *domain))
			return false;
		*domain = domain_of(cluster, n, level);
	}
	return true;
}

/* The domain, of those of its level, that holds so many most tightly */
static bool
is_tightest(const World *world, const PmTaskGroup *group, int level, int domain, int total)
{
	Ways		own = all_ways(world, group, level, domain);

	for (int n = 0; n < world->cluster->nnodes; n++)
	{
		int			other = domain_of(world->cluster, n, level);
		Ways		ways;

		if (other < 0 || other == domain)
			continue;
		ways = all_ways(world, group, level, other);
		if (ways.most < total)
			continue;
		if (ways.most < own.most)
			return false;
		if (ways.most == own.most && group->spread_level == 0 &&
			level <= world->cluster->nlevels && ways.parts[total] < own.parts[total])
			return false;
	}
	return true;
}

/* Level by level, no way has fewer sub-domains */
static bool
fewest_parts(const World *world, const PmTaskGroup *group, const int *counts, int level)
{
	const PmCluster *cluster = world->cluster;

	for (; level <= cluster->nlevels; level++)
		for (int n = 0; n < cluster->nnodes; n++)
		{
			int			inside[MAX_NODES] = {0};
			int			total = 0;
			int			domain = domain_of(cluster, n, level);

			/* all without a domain are not one that could be compared */
			if (counts[n] == 0 || domain < 0)
				continue;
			for (int m = 0; m < cluster->nnodes; m++)
				if (domain_of(cluster, m, level) == domain)
					total += inside[m] = counts[m];
			if (count_parts(cluster, inside, level + 1) >
				all_ways(world, group, level, domain).parts[total])
				return false;
		}
	return true;
}

/* No domain has more than another that could have had one more group or replica */
static bool
spread_evenly(const World *world, const PmTaskGroup *group, const int *counts, int level, int domain)
{
	const PmCluster *cluster = world->cluster;
	int			spread = group->spread_level;
	int			unit = group->group_level >= spread ? group->group_size : 1;

	for (int n = 0; n < cluster->nnodes; n++)
		for (int m = 0; m < cluster->nnodes; m++)
		{
			int			more = 0;
			int			fewer = 0;

			if (domain_of(cluster, n, spread) < 0 || domain_of(cluster, m, spread) < 0 ||
				domain_of(cluster, n, level) != domain || domain_of(cluster, m, level) != domain)
				continue;
			for (int i = 0; i < cluster->nnodes; i++)
			{
				if (domain_of(cluster, i, spread) == domain_of(cluster, n, spread))
					more += counts[i];
				if (domain_of(cluster, i, spread) == domain_of(cluster, m, spread))
					fewer += counts[i];
			}
			if (more > fewer + unit &&
				all_ways(world, group, spread, domain_of(cluster, m, spread)).most >= fewer + unit)
				return false;
		}
	return true;
}

static void
check_single(const World *world, const PmShape *shape, const int *counts, int round)
{
	const PmTaskGroup *group = &shape->groups[0];
	int			level = shape->affinity_level;
	int			most = most_at(world, group, shape->affinity_required ? level : 0);
	int			wanted = Min(most, group->replicas);
	int			total = 0;
	int			domain;

	for (int n = 0; n < MAX_NODES && counts; n++)
		total += counts[n];
	if (wanted < group->min_replicas)
		wanted = 0;
	if (!core_check(total == wanted, "topology %d: %d of %d to %d replicas started, %d could",
					round, total, group->min_replicas, group->replicas, wanted) || total == 0)
		return;
	while (most_at(world, group, level) < total)
		level--;
	if (!core_check(in_one_domain(world->cluster, counts, level, &domain),
					"topology %d: in one domain of level %d", round, level))
		return;
	core_check(is_tightest(world, group, level, domain, total),
			   "topology %d: domain %d of level %d is the tightest", round, domain, level);
	if (group->spread_level == 0 && (group->group_level > 0 || shape->affinity_level > 0))
		core_check(fewest_parts(world, group, counts, level), "topology %d: fewest sub-domains", round);
	if (group->spread_level > 0 &&
		(group->group_level <= level || group->group_level >= group->spread_level))
		core_check(spread_evenly(world, group, counts, level, domain),
				   "topology %d: spread evenly", round);
}

/* Of several groups each for itself; together they are but in one domain */
static void
check_several(const World *world, const PmShape *shape, int counts[2][MAX_NODES], bool started, int round)
{
	int			level = shape->affinity_required ? shape->affinity_level : 0;
	int			both[MAX_NODES];
	int			domain;
	bool		possible = true;

	for (int g = 0; g < shape->ngroups; g++)
		possible &= most_at(world, &shape->groups[g], level) >= shape->groups[g].min_replicas;
	core_check(possible || !started, "topology %d: started though a group cannot", round);
	if (!started)
		return;
	for (int n = 0; n < MAX_NODES; n++)
		both[n] = counts[0][n] + counts[1][n];
	core_check(in_one_domain(world->cluster, both, level, &domain),
			   "topology %d: groups in one domain", round);
	for (int g = 0; g < shape->ngroups; g++)
	{
		int			total = 0;

		for (int n = 0; n < MAX_NODES; n++)
			total += counts[g][n];
		core_check(total >= shape->groups[g].min_replicas && total <= shape->groups[g].replicas,
				   "topology %d: group %d is whole", round, g);
	}
}

static void
check_reason(const World *world, const PmBlock *block, const PmShape *shape, int round)
{
	PmTaskGroup free_of_rules = shape->groups[0];
	const PmTaskGroup *group = &shape->groups[0];
	bool		topology;

	free_of_rules.group_level = free_of_rules.spread_level = free_of_rules.max_per_domain = 0;
	topology = most_at(world, &free_of_rules, 0) >= group->min_replicas;
	core_check(topology == (block->reason == PM_REASON_TOPOLOGY),
			   "topology %d: reason %s", round, pm_reason_name(block->reason));
	if (block->reason == PM_REASON_TOPOLOGY)
		core_check(block->needed == group->min_replicas &&
				   block->available == most_at(world, group, shape->affinity_required ?
											   shape->affinity_level : 0),
				   "topology %d: %d of %d replicas", round, (int) block->available, (int) block->needed);
}

/* Fewer than all, and no fewer than the group placed first has in some domain */
static void
check_reason_of_several(const World *world, const PmBlock *block, const PmShape *shape, int round)
{
	int			level = shape->affinity_required ? shape->affinity_level : 0;
	int			needed = 0;
	int			first = MAX_TOTAL;

	if (block->reason != PM_REASON_TOPOLOGY)
		return;
	for (int g = 0; g < shape->ngroups; g++)
	{
		int			most = most_at(world, &shape->groups[g], level);

		needed += shape->groups[g].min_replicas;
		first = Min(first, Min(most, shape->groups[g].min_replicas));
	}
	core_check(block->needed == needed && block->available < needed && block->available >= first,
			   "topology %d: %d of %d replicas of groups", round, (int) block->available, (int) block->needed);
}

static void
one_round(int round)
{
	World		world = {random_cluster()};
	PmPolicy	policy = {PM_QUEUE_TRAVERSAL, (PmPlacementPolicy) (round % 2)};
	PmDecision *decision;
	bool		blocked[4] = {false};
	int			next = 0;

	world.queue = random_queue(world.cluster);
	for (int n = 0; n < world.cluster->nnodes; n++)
		world.free[n] = world.cluster->nodes[n].free[0];
	decision = pm_pass(world.cluster, world.queue, &policy);
	for (int i = 0; i < world.queue->njobs; i++)
	{
		const PmShape *shape = &world.queue->shapes[world.queue->jobs[i].shape];
		bool		started = next < decision->nstarts && decision->starts[next].job == i;
		int			counts[2][MAX_NODES] = {{0}};

		for (int g = 0; g < shape->ngroups && started; g++)
		{
			count_on_nodes(decision, &decision->starts[next], g, counts[g]);
			core_check(rule_holds(world.cluster, &shape->groups[g], counts[g]),
					   "topology %d: rule of group %d of job %d", round, g, i);
		}
		if (shape->ngroups == 1)
			check_single(&world, shape, counts[0], round);
		else
			check_several(&world, shape, counts, started, round);
		if (started)
			next++;
		else
			blocked[world.queue->jobs[i].shape] = true;
		for (int g = 0; g < shape->ngroups; g++)
			for (int n = 0; n < world.cluster->nnodes; n++)
				world.free[n] -= counts[g][n] *
					world.queue->requests[shape->groups[g].request].amounts[0];
	}
	core_check(next == decision->nstarts, "topology %d: starts in order", round);
	for (int n = 0; n < world.cluster->nnodes; n++)
		core_check(world.free[n] == world.cluster->nodes[n].free[0],
				   "topology %d: node %d as booked", round, n);
	for (int s = 0; s < world.queue->nshapes; s++)
	{
		const PmShape *shape = &world.queue->shapes[s];

		if (!blocked[s] || decision->blocks[s].reason == PM_REASON_EXCEEDS_MAX)
			continue;
		if (shape->ngroups == 1)
			check_reason(&world, &decision->blocks[s], shape, round);
		else
			check_reason_of_several(&world, &decision->blocks[s], shape, round);
	}
}

/* Whatever the policy: rules are kept, gangs whole, and nodes as booked */
static void
any_policy(int round)
{
	World		world = {random_cluster()};
	PmPolicy	policy = {(PmQueuePolicy) (round % (PM_QUEUE_BACKFILL + 1)), PM_PLACE_PACK, 100};
	PmDecision *decision;

	policy.step_timeout = 10;
	policy.reservations = (int) core_between(0, 2);
	world.queue = random_queue(world.cluster);
	for (int i = 0; i < world.queue->njobs; i++)
		world.queue->jobs[i].time_limit = core_between(0, 3) ? core_between(1, 5) : PM_NEVER;
	for (int n = 0; n < world.cluster->nnodes; n++)
		world.free[n] = world.cluster->nodes[n].free[0];
	decision = pm_pass(world.cluster, world.queue, &policy);
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmShape *shape = &world.queue->shapes[world.queue->jobs[decision->starts[i].job].shape];
		int			all[MAX_NODES] = {0};
		int			domain;

		for (int g = 0; g < shape->ngroups; g++)
		{
			int			counts[MAX_NODES];
			int			total = 0;

			count_on_nodes(decision, &decision->starts[i], g, counts);
			core_check(rule_holds(world.cluster, &shape->groups[g], counts),
					   "topology, policy %d, %d: rule of group %d", policy.queue, round, g);
			for (int n = 0; n < world.cluster->nnodes; n++)
			{
				total += counts[n];
				all[n] += counts[n];
				world.free[n] -= counts[n] *
					world.queue->requests[shape->groups[g].request].amounts[0];
			}
			core_check(total >= shape->groups[g].min_replicas && total <= shape->groups[g].replicas,
					   "topology, policy %d, %d: group %d is whole", policy.queue, round, g);
		}
		core_check(!shape->affinity_required ||
				   in_one_domain(world.cluster, all, shape->affinity_level, &domain),
				   "topology, policy %d, %d: in one domain", policy.queue, round);
	}
	for (int n = 0; n < world.cluster->nnodes; n++)
		core_check(world.free[n] == world.cluster->nodes[n].free[0] && world.free[n] >= 0,
				   "topology, policy %d, %d: node %d as booked", policy.queue, round, n);
}

void
core_topology_properties(int rounds)
{
	for (int round = 0; round < rounds; round++)
	{
		core_seed(UINT64CONST(7000000) + round);
		core_fresh_memory();
		one_round(round);
		core_fresh_memory();
		any_policy(round);
	}
}
