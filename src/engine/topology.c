/*-------------------------------------------------------------------------
 *
 * topology.c
 *	  Placing jobs whose shape has rules of topology: affinity, groups,
 *	  spread.  What domains hold is domain.c's.
 *
 * A job with required affinity goes to one domain of its level; with
 * preferred affinity, to one of that level, else of the level above, and so
 * on, else to several.  Of the domains that hold as many replicas as can be
 * placed at all, the one that fits most tightly is taken: that holds the
 * fewest; of equals the one that needs the fewest sub-domains, then the one
 * whose first node was made first.
 *
 * Within a domain the replicas go, level by level, to the fewest sub-domains:
 * to the tightest that holds all that are left, or as many as it holds to the
 * one that holds most, and so on; of equal nodes the one that the placement
 * policy prefers.  With a spread level they go to its domains in turns.
 * Groups come and go as a whole from their level up.
 *
 * A job of several task groups is tried in one domain after the other, the
 * tightest first: the minimum of every group, then as many beyond it as the
 * domain holds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"

#include "engine/engine_internal.h"

/* A choice among domains */
typedef struct Part
{
	int64		fit;
	uint64		score;			/* of a node: smaller is better */
	int32		domain;
} Part;

/* The group that is being placed */
typedef struct Placing
{
	PmSpace    *space;
	const PmView *view;
	int			group;
} Placing;

bool
pm_topology_rules(const PmShape *shape)
{
	if (shape->affinity_level > 0)
		return true;
	for (int g = 0; g < shape->ngroups; g++)
		if (shape->groups[g].group_level > 0 || shape->groups[g].spread_level > 0)
			return true;
	return false;
}

/* ---- heaps of domains: the one that holds most on top ---- */

static inline bool
holds_more(const Part *a, const Part *b)
{
	if (a->fit != b->fit)
		return a->fit > b->fit;
	if (a->score != b->score)
		return a->score < b->score;
	return a->domain < b->domain;
}

static void
sift_down(Part *heap, int n, int at)
{
	Part		moved = heap[at];

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= n)
			break;
		if (child + 1 < n && holds_more(&heap[child + 1], &heap[child]))
			child++;
		if (!holds_more(&heap[child], &moved))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

static void
heapify(Part *heap, int n)
{
	for (int i = n / 2 - 1; i >= 0; i--)
		sift_down(heap, n, i);
}

static Part
pop(Part *heap, int *n)
{
	Part		top = heap[0];

	heap[0] = heap[--*n];
	if (*n > 0)
		sift_down(heap, *n, 0);
	return top;
}

/* Index of the tightest part that holds all of them, or -1 */
static int
tightest_part(const Part *parts, int n, int64 left)
{
	int			best = -1;

	for (int i = 0; i < n; i++)
	{
		if (parts[i].fit < left)
			continue;
		if (best < 0 || parts[i].fit < parts[best].fit ||
			(parts[i].fit == parts[best].fit && holds_more(&parts[i], &parts[best])))
			best = i;
	}
	return best;
}

/* ---- within a domain ---- */

static uint64
score_of(const Placing *placing, int node)
{
	PmSpace    *space = placing->space;
	int			c = space->node_class[node];

	return pm_score(space, placing->view->search->request,
					&space->kinds[space->classes[c].kind], pm_class_free(space, c),
					pm_class_devices(space, c));
}

/* The children of a domain that hold something; palloc'd.  Nodes are scored
 * where it matters which of equals are taken. */
static Part *
children_of(const Placing *placing, int domain, bool scored, int *n)
{
	const PmTopology *topology = placing->space->topology;
	int			first = topology->first_child[domain];
	int			end = topology->first_child[domain + 1];
	Part	   *parts = palloc(sizeof(Part) * Max(end - first, 1));

	*n = 0;
	for (int i = first; i < end; i++)
	{
		int			child = topology->children[i];
		Part	   *part = &parts[*n];

		part->fit = placing->view->fit[child];
		part->domain = child;
		part->score = 0;
		if (part->fit == 0)
			continue;
		if (scored && pm_is_node(topology, child))
			part->score = score_of(placing, child - topology->ninner);
		(*n)++;
	}
	return parts;
}

/* The domains of a level in a domain above it that hold something */
static int
collect_level(const Placing *placing, int domain, int level, Part *parts, int n)
{
	const PmTopology *topology = placing->space->topology;

	for (int i = topology->first_child[domain]; i < topology->first_child[domain + 1]; i++)
	{
		int			child = topology->children[i];

		if (placing->view->fit[child] == 0)
			continue;
		if (pm_topology_level(topology, child) < level)
			n = collect_level(placing, child, level, parts, n);
		else
		{
			parts[n].fit = placing->view->fit[child];
			parts[n++].domain = child;
		}
	}
	return n;
}

static void put(const Placing *placing, int domain, int64 count);

/* To the fewest children */
static void
put_tightly(const Placing *placing, int domain, int64 left)
{
	int			n;
	Part	   *parts = children_of(placing, domain, true, &n);
	int			whole = tightest_part(parts, n, left);

	if (whole < 0)
		heapify(parts, n);
	while (whole < 0)
	{
		Part		part = pop(parts, &n);

		put(placing, part.domain, part.fit);
		left -= part.fit;
		if (left == 0)
			break;
		Assert(n > 0);
		if (parts[0].fit >= left)
			whole = tightest_part(parts, n, left);
	}
	if (whole >= 0)
		put(placing, parts[whole].domain, left);
	pfree(parts);
}

/* To the domains of the spread level in turns, a group or a replica each */
static void
put_evenly(const Placing *placing, int domain, int64 left)
{
	const PmTopology *topology = placing->space->topology;
	const PmView *view = placing->view;
	int			level = view->spread_level;
	int64		unit = view->group_level >= level ? view->group_size : 1;
	int			most = topology->first_of_level[level + 1] - topology->first_of_level[level];
	Part	   *parts = palloc(sizeof(Part) * most);
	int64	   *counts = palloc0(sizeof(int64) * most);
	int			n = collect_level(placing, domain, level, parts, 0);

	while (left > 0)
	{
		int64		before PG_USED_FOR_ASSERTS_ONLY = left;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n && left > 0; i++)
			if (counts[i] + unit <= parts[i].fit)
			{
				counts[i] += unit;
				left -= unit;
			}
		Assert(left < before);
	}
	for (int i = 0; i < n; i++)
		if (counts[i] > 0)
			put(placing, parts[i].domain, counts[i]);
	pfree(counts);
	pfree(parts);
}

/* Put so many replicas, which fit, into a domain */
static void
put(const Placing *placing, int domain, int64 count)
{
	const PmTopology *topology = placing->space->topology;
	const PmView *view = placing->view;
	int			level = pm_topology_level(topology, domain);

	CHECK_FOR_INTERRUPTS();
	if (pm_is_node(topology, domain))
		pm_take_on_node(placing->space, view->search, placing->group,
						domain - topology->ninner, (int) count);
	else if (view->spread_level > level &&
			 (view->group_level <= level || view->group_level >= view->spread_level))
		put_evenly(placing, domain, count);
	else
		put_tightly(placing, domain, count);
}

static void
put_group(PmSpace *space, const PmView *view, int group, int domain, int64 count)
{
	Placing		placing = {space, view, group};

	if (count > 0)
		put(&placing, domain, count);
}

/* ---- which domain ---- */

/* A level's domains; those of nodes without a domain there count only at level 0 */
#define is_named(topology, domain) \
	((domain) == 0 || pm_is_node(topology, domain) || (topology)->named[domain])

static int64
most_in_a_domain(const PmTopology *topology, const PmView *view, int level)
{
	int64		most = 0;

	for (int d = topology->first_of_level[level]; d < topology->first_of_level[level + 1]; d++)
		if (is_named(topology, d))
			most = Max(most, view->fit[d]);
	return most;
}

/* How many children so many replicas, which fit, would go to */
static int
parts_needed(const Placing *placing, int domain, int64 left)
{
	int			needed = 1;
	int			n;
	Part	   *parts;

	if (pm_is_node(placing->space->topology, domain) || placing->view->spread_level > 0)
		return 0;
	parts = children_of(placing, domain, false, &n);
	if (tightest_part(parts, n, left) < 0)
	{
		heapify(parts, n);
		for (; parts[0].fit < left; needed++)
			left -= pop(parts, &n).fit;
	}
	pfree(parts);
	return needed;
}

/* The domain of a level that holds so many most tightly, or -1 */
static int
tightest_domain(const Placing *placing, int level, int64 count)
{
	const PmTopology *topology = placing->space->topology;
	const int64 *fit = placing->view->fit;
	int			best = -1;
	int			best_parts = -1;

	for (int d = topology->first_of_level[level]; d < topology->first_of_level[level + 1]; d++)
	{
		int			parts = -1;

		if (fit[d] < count || !is_named(topology, d))
			continue;
		if (best >= 0 && fit[d] == fit[best])
		{
			if (best_parts < 0)
				best_parts = parts_needed(placing, best, count);
			parts = best_parts <= 1 ? best_parts : parts_needed(placing, d, count);
		}
		if (best < 0 || fit[d] < fit[best] || (fit[d] == fit[best] && parts < best_parts))
		{
			best = d;
			best_parts = parts;
		}
	}
	return best;
}

/* ---- jobs ---- */

/* As many as caps allow, in whole groups */
static int64
allowed(const PmSpace *space, const PmView *view, int64 limit)
{
	int64		n = pm_caps_copies(space, view->search, limit);

	return view->group_size > 1 ? n - n % view->group_size : n;
}

static bool
place_single(PmSpace *space, const PmShape *shape)
{
	const PmTaskGroup *group = &shape->groups[0];
	PmView	   *view = pm_view(space, group);
	Placing		placing = {space, view, 0};
	int			level = shape->affinity_level;
	int64		count = shape->affinity_required && level > 0 ?
		most_in_a_domain(space->topology, view, level) : view->fit[0];
	int			domain;

	count = Min(count, allowed(space, view, pm_wanted(space, group)));
	if (count < group->min_replicas)
		return false;
	while ((domain = tightest_domain(&placing, level, count)) < 0)
		level--;
	put_group(space, view, 0, domain, count);
	return true;
}

/* The minimum of every group in a domain, as far as it goes; returns how many */
static int64
place_minimum(PmSpace *space, int s, int domain)
{
	const PmShape *shape = &space->queue->shapes[s];
	int64		placed = 0;

	for (int i = 0; i < shape->ngroups; i++)
	{
		int			g = space->group_order[s][i];
		const PmTaskGroup *group = &shape->groups[g];
		const PmView *view = pm_view(space, group);
		int64		fit = Min(view->fit[domain], group->min_replicas);

		put_group(space, view, g, domain, fit);
		placed += fit;
		if (fit < group->min_replicas)
			break;
	}
	return placed;
}

/* What goes beyond the minimum: what of it is there already counts for the spread */
static void
place_rest(PmSpace *space, int s, int domain)
{
	const PmShape *shape = &space->queue->shapes[s];
	int			nminimum = space->ntakes;

	for (int i = 0; i < shape->ngroups; i++)
	{
		int			g = space->group_order[s][i];
		const PmTaskGroup *group = &shape->groups[g];
		int			more = pm_wanted(space, group) - group->min_replicas;
		PmView	   *view;

		if (more == 0)
			continue;
		view = pm_view(space, group);
		for (int sign = 1; sign >= -1; sign -= 2)
		{
			for (int t = 0; t < nminimum; t++)
				if (space->takes[t].group == g)
					pm_view_hold(space, view, space->takes[t].node,
								 sign * space->takes[t].replicas);
			if (sign > 0)
				put_group(space, view, g, domain,
						  Min(view->fit[domain], allowed(space, view, more)));
		}
	}
}

/* The domains of a level in which each group would fit alone, the tightest on top */
static Part *
candidates(PmSpace *space, const PmShape *shape, int level, int *n)
{
	const PmTopology *topology = space->topology;
	int			first = topology->first_of_level[level];
	int			end = topology->first_of_level[level + 1];
	Part	   *parts = palloc(sizeof(Part) * Max(end - first, 1));

	*n = 0;
	for (int d = first; d < end; d++)
		if (is_named(topology, d))
		{
			Part	   *part = &parts[(*n)++];

			part->fit = 0;
			part->score = 0;
			part->domain = d;
		}
	for (int g = 0; g < shape->ngroups; g++)
	{
		const PmView *view = pm_view(space, &shape->groups[g]);
		int			kept = 0;

		for (int i = 0; i < *n; i++)
		{
			int64		fit = view->fit[parts[i].domain];

			if (fit < shape->groups[g].min_replicas)
				continue;
			parts[kept] = parts[i];
			parts[kept++].fit -= fit;
		}
		*n = kept;
	}
	heapify(parts, *n);
	return parts;
}

static bool
place_several(PmSpace *space, int s)
{
	const PmShape *shape = &space->queue->shapes[s];
	int64		needed = 0;

	for (int g = 0; g < shape->ngroups; g++)
		needed += shape->groups[g].min_replicas;
	for (int level = shape->affinity_level; level >= 0; level--)
	{
		int			n;
		Part	   *parts = candidates(space, shape, level, &n);

		while (n > 0)
		{
			int			domain = pop(parts, &n).domain;

			if (place_minimum(space, s, domain) == needed)
			{
				place_rest(space, s, domain);
				pfree(parts);
				return true;
			}
			pm_place_undo(space);
		}
		pfree(parts);
		if (shape->affinity_required)
			break;
	}
	return false;
}

/*
 * Place a job of this shape, whose minimum the caps allow.  True: the takes
 * are its placement.  False: nothing has changed.
 */
bool
pm_topology_place(PmSpace *space, int s)
{
	const PmShape *shape = &space->queue->shapes[s];

	/* cheaper than domains, and often enough */
	if (!pm_each_fits_alone(space, shape))
		return false;
	pm_topology_begin(space);
	if (shape->ngroups == 1)
		return place_single(space, shape);
	return place_several(space, s);
}

/* The most replicas, of the minimum of all groups, that one domain holds */
static int64
most_of_minimum(PmSpace *space, int s, int level)
{
	const PmTopology *topology = space->topology;
	int64		most = 0;

	for (int d = topology->first_of_level[level]; d < topology->first_of_level[level + 1]; d++)
		if (is_named(topology, d))
		{
			int64		placed;

			CHECK_FOR_INTERRUPTS();
			placed = place_minimum(space, s, d);
			pm_place_undo(space);
			most = Max(most, placed);
		}
	return most;
}

/* What the domains lack; nodes, wherever they are, would hold the shape */
PmBlock
pm_topology_block(PmSpace *space, int s)
{
	const PmShape *shape = &space->queue->shapes[s];
	int			level = shape->affinity_required ? shape->affinity_level : 0;
	PmLack		lack = {PM_DIM_REPLICAS, 0, 0};
	PmBlock		block;

	pm_topology_begin(space);
	for (int g = 0; g < shape->ngroups; g++)
		lack.needed += shape->groups[g].min_replicas;
	if (shape->ngroups == 1)
		lack.available = most_in_a_domain(space->topology, pm_view(space, &shape->groups[0]), level);
	else
		lack.available = most_of_minimum(space, s, level);

	for (int g = 0; g < shape->ngroups && level == 0; g++)
		level = shape->groups[g].group_level > 0 ? shape->groups[g].group_level :
			shape->groups[g].spread_level;
	block = pm_make_block(PM_REASON_TOPOLOGY,
						  level > space->cluster->nlevels ? PM_LEVEL_NODE : PM_LEVEL_DOMAIN, &lack);
	if (block.level == PM_LEVEL_DOMAIN)
		block.topology_level = level;
	return block;
}

/*
 * In which domain a blocked job of this shape is to wait for room: of those
 * that would hold it empty the one that has room for most of it now.  0: it may
 * run anywhere; -1: none holds it.
 */
int
pm_topology_awaited(PmSpace *space, int s)
{
	const PmShape *shape = &space->queue->shapes[s];
	const PmTopology *topology;
	int			level = shape->affinity_level;
	int			best = -1;
	int64		best_fit = -1;

	if (level == 0 || !shape->affinity_required)
		return 0;
	pm_topology_begin(space);
	topology = space->topology;
	for (int d = topology->first_of_level[level]; d < topology->first_of_level[level + 1]; d++)
	{
		int64		fit = 0;
		bool		holds = is_named(topology, d);

		for (int g = 0; g < shape->ngroups && holds; g++)
		{
			const PmTaskGroup *group = &shape->groups[g];

			holds = pm_view_when_empty(space, group)->fit[d] >= group->min_replicas;
			fit += Min(pm_view(space, group)->fit[d], group->min_replicas);
		}
		if (holds && fit > best_fit)
		{
			best = d;
			best_fit = fit;
		}
	}
	return best;
}
