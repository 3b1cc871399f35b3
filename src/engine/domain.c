/*-------------------------------------------------------------------------
 *
 * domain.c
 *	  The topology as a tree, and how many replicas of a request each of its
 *	  domains holds under a rule.  Not which domain is chosen: topology.c.
 *
 * The tree is made when the first job of a pass names a level.  A view keeps
 * what each domain holds now: a node as many replicas as fit, a domain as many
 * as its children together, less what the rule takes away there: at the level
 * of groups only whole groups count, at the spread level no more than may be
 * in one domain.  Since the rules of a level concern each of its domains on
 * its own, that number is exact.
 *
 * Nodes that change are noted in a list; a view that is asked for follows it,
 * from each such node up.  So what a job costs follows the nodes that changed,
 * not all nodes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/engine_internal.h"

/* Of a single node: enough for any job, and sums of them do not overflow */
#define MAX_FIT			PG_INT32_MAX

/* So many moves are noted, and then forgotten with the views that need them */
#ifndef PM_MAX_MOVED
#define PM_MAX_MOVED	(1 << 22)
#endif

/* ---- the tree ---- */

int
pm_topology_level(const PmTopology *topology, int domain)
{
	return pm_is_node(topology, domain) ? topology->nlevels + 1 : topology->level[domain];
}

/* How many numbers the domains of a level have */
static int
count_numbers(const PmCluster *cluster, int level)
{
	int			n = 0;

	for (int i = 0; i < cluster->nnodes; i++)
		if (cluster->nodes[i].domains)
			n = Max(n, cluster->nodes[i].domains[level - 1] + 1);
	return n;
}

/*
 * Numbers the domains of a level; above[n] is the domain of node n at the
 * level above, and becomes that at this level.  Nodes of one domain that have
 * none at this level are one child of it, without a name.
 */
static void
add_level(PmTopology *topology, const PmCluster *cluster, int level, int32 *above)
{
	int			first_above = topology->first_of_level[level - 1];
	int			nabove = topology->ninner - first_above;
	int			nnumbers = count_numbers(cluster, level);
	int32	   *of_number = palloc(sizeof(int32) * Max(nnumbers, 1));
	int32	   *unnamed = palloc(sizeof(int32) * nabove);

	memset(of_number, -1, sizeof(int32) * nnumbers);
	memset(unnamed, -1, sizeof(int32) * nabove);
	topology->first_of_level[level] = topology->ninner;
	for (int n = 0; n < cluster->nnodes; n++)
	{
		const int32 *domains = cluster->nodes[n].domains;
		int			number = domains ? domains[level - 1] : -1;
		int32	   *domain = number >= 0 ? &of_number[number] : &unnamed[above[n] - first_above];

		if (*domain < 0)
		{
			*domain = topology->ninner++;
			topology->level[*domain] = level;
			topology->named[*domain] = number >= 0;
			topology->parent[*domain] = above[n];
		}
		Assert(topology->parent[*domain] == above[n]);
		above[n] = *domain;
	}
	pfree(of_number);
	pfree(unnamed);
}

/* Children in the order of their numbers, which is that of their first nodes */
static void
link_children(PmTopology *topology, int nnodes)
{
	int			total = topology->ninner + nnodes;
	int32	   *next = palloc(sizeof(int32) * topology->ninner);

	topology->first_child = palloc0(sizeof(int32) * (topology->ninner + 1));
	topology->children = palloc(sizeof(int32) * total);
	for (int d = 1; d < total; d++)
		topology->first_child[topology->parent[d] + 1]++;
	for (int d = 0; d < topology->ninner; d++)
	{
		topology->first_child[d + 1] += topology->first_child[d];
		next[d] = topology->first_child[d];
	}
	for (int d = 1; d < total; d++)
		topology->children[next[topology->parent[d]]++] = d;
	pfree(next);
}

static PmTopology *
make_tree(PmSpace *space)
{
	const PmCluster *cluster = space->cluster;
	int			nlevels = cluster->nlevels;
	int			nnodes = cluster->nnodes;
	int			most = 1 + nlevels * nnodes;
	PmTopology *topology = palloc0(sizeof(PmTopology));
	int32	   *above = palloc0(sizeof(int32) * Max(nnodes, 1));

	topology->nlevels = nlevels;
	topology->first_of_level = palloc0(sizeof(int32) * (nlevels + 3));
	topology->level = palloc0(sizeof(int32) * most);
	topology->named = palloc0(sizeof(bool) * most);
	topology->parent = palloc(sizeof(int32) * (most + nnodes));
	topology->parent[0] = -1;
	topology->ninner = 1;
	for (int level = 1; level <= nlevels; level++)
		add_level(topology, cluster, level, above);
	topology->first_of_level[nlevels + 1] = topology->ninner;
	topology->first_of_level[nlevels + 2] = topology->ninner + nnodes;
	for (int n = 0; n < nnodes; n++)
		topology->parent[topology->ninner + n] = above[n];
	link_children(topology, nnodes);
	topology->view_of_request = palloc(sizeof(int32) * Max(space->queue->nrequests, 1));
	memset(topology->view_of_request, -1, sizeof(int32) * space->queue->nrequests);
	topology->last_move = palloc(sizeof(int32) * Max(nnodes, 1));
	pfree(above);
	return topology;
}

/* ---- views ---- */

static void
close_views(PmTopology *topology)
{
	for (int v = 0; v < topology->nviews; v++)
	{
		PmView	   *view = topology->views[v];

		if (view->fit == NULL)
			continue;
		pfree(view->fit);
		pfree(view->sum);
		if (view->held)
			pfree(view->held);
		view->fit = view->sum = NULL;
		view->held = NULL;
	}
	topology->held = 0;
	topology->nmoved = 0;
}

/* Before a job's views are asked for: they stay open until the next job */
void
pm_topology_begin(PmSpace *space)
{
	MemoryContext old;

	pm_class_catch_up(space);
	if (space->topology)
	{
		if (space->topology->held > PM_MAX_FITS || space->topology->nmoved > PM_MAX_MOVED)
			close_views(space->topology);
		return;
	}
	old = MemoryContextSwitchTo(space->context);
	space->topology = make_tree(space);
	MemoryContextSwitchTo(old);
}

void
pm_topology_moved(PmSpace *space, int node)
{
	PmTopology *topology = space->topology;

	topology->moved = pm_grow(space->context, topology->moved, &topology->maxmoved,
							  topology->nmoved + 1, sizeof(int32));
	topology->last_move[node] = topology->nmoved;
	topology->moved[topology->nmoved++] = node;
}

/* What the rule leaves of what the children hold, or of what fits the node */
static int64
under_rule(const PmTopology *topology, const PmView *view, int domain, int64 fit)
{
	int			level = pm_topology_level(topology, domain);

	if ((level == view->group_level || level == view->spread_level) &&
		level != 0 && !pm_is_node(topology, domain) && !topology->named[domain])
		return 0;
	if (view->held && level == view->spread_level)
		fit = Min(fit, Max(view->max_per_domain - view->held[domain], 0));
	if (view->group_size > 1 && level <= view->group_level)
		fit -= fit % view->group_size;
	return fit;
}

static int64
fit_on_node(const PmSpace *space, const PmView *view, int node)
{
	int			c = space->node_class[node];
	const PmClass *class = &space->classes[c];
	const PmKind *kind = &space->kinds[class->kind];

	if (!view->search->match[kind->config])
		return 0;
	if (view->empty)
		return pm_copies_when_empty(view->search, kind, MAX_FIT);
	return pm_copies(view->search, kind, pm_class_free(space, c), class->whole,
					 pm_class_devices(space, c), MAX_FIT);
}

/* A domain holds so many now: count it in, up to the pool */
static void
set_fit(const PmTopology *topology, PmView *view, int domain, int64 fit)
{
	for (;;)
	{
		int64		delta = fit - view->fit[domain];
		int			parent = topology->parent[domain];

		if (delta == 0)
			break;
		view->fit[domain] = fit;
		if (parent < 0)
			break;
		view->sum[parent] += delta;
		fit = under_rule(topology, view, parent, view->sum[parent]);
		domain = parent;
	}
}

static void
update_node(const PmSpace *space, PmView *view, int node)
{
	const PmTopology *topology = space->topology;
	int			domain = topology->ninner + node;

	set_fit(topology, view, domain,
			under_rule(topology, view, domain, fit_on_node(space, view, node)));
}

static void
open_view(PmSpace *space, PmView *view)
{
	PmTopology *topology = space->topology;
	int			nnodes = space->cluster->nnodes;
	int			total = topology->ninner + nnodes;
	int			last_class = -1;
	int64		fit = 0;

	CHECK_FOR_INTERRUPTS();
	view->fit = MemoryContextAllocHuge(space->context, sizeof(int64) * (Size) total);
	view->sum = MemoryContextAllocHuge(space->context, sizeof(int64) * (Size) topology->ninner);
	memset(view->sum, 0, sizeof(int64) * topology->ninner);
	topology->held += total + topology->ninner;
	if (view->max_per_domain > 0)
	{
		view->held = MemoryContextAllocHuge(space->context, sizeof(int32) * (Size) total);
		memset(view->held, 0, sizeof(int32) * total);
		topology->held += total / 2;
	}
	for (int d = total - 1; d >= 0; d--)
	{
		if (!pm_is_node(topology, d))
			fit = view->sum[d];
		else
		{
			int			n = d - topology->ninner;

			if (space->node_class[n] != last_class)
				fit = fit_on_node(space, view, n);
			last_class = space->node_class[n];
		}
		view->fit[d] = under_rule(topology, view, d, fit);
		if (topology->parent[d] >= 0)
			view->sum[topology->parent[d]] += view->fit[d];
	}
	view->cursor = topology->nmoved;
}

static PmView *
find_view(PmSpace *space, const PmTaskGroup *group, bool empty)
{
	PmTopology *topology = space->topology;
	int32	   *link = &topology->view_of_request[group->request];
	PmView	   *view;

	for (int v = *link; v >= 0; v = topology->views[v]->next)
	{
		view = topology->views[v];
		if (view->group_level == group->group_level && view->group_size == group->group_size &&
			view->spread_level == group->spread_level &&
			view->max_per_domain == group->max_per_domain && view->empty == empty)
			return view;
	}
	topology->views = pm_grow(space->context, topology->views, &topology->maxviews,
							  topology->nviews + 1, sizeof(PmView *));
	view = MemoryContextAllocZero(space->context, sizeof(PmView));
	view->search = &space->searches[group->request];
	view->group_level = group->group_level;
	view->group_size = group->group_size;
	view->spread_level = group->spread_level;
	view->max_per_domain = group->max_per_domain;
	view->empty = empty;
	view->next = *link;
	*link = topology->nviews;
	topology->views[topology->nviews++] = view;
	return view;
}

/* What the domains hold of a task group, as nodes are now */
PmView *
pm_view(PmSpace *space, const PmTaskGroup *group)
{
	const PmTopology *topology = space->topology;
	PmView	   *view = find_view(space, group, false);

	if (view->fit == NULL)
		open_view(space, view);
	for (; view->cursor < topology->nmoved; view->cursor++)
	{
		int			node = topology->moved[view->cursor];

		/* one that moved again comes later */
		if (topology->last_move[node] == view->cursor)
			update_node(space, view, node);
	}
	return view;
}

/* What they hold when nothing is on the nodes */
PmView *
pm_view_when_empty(PmSpace *space, const PmTaskGroup *group)
{
	PmView	   *view = find_view(space, group, true);

	if (view->fit == NULL)
		open_view(space, view);
	return view;
}

static int
collect_nodes(const PmTopology *topology, int domain, int *nodes, int n)
{
	if (pm_is_node(topology, domain))
	{
		nodes[n++] = domain - topology->ninner;
		return n;
	}
	for (int i = topology->first_child[domain]; i < topology->first_child[domain + 1]; i++)
		n = collect_nodes(topology, topology->children[i], nodes, n);
	return n;
}

/* The nodes of a domain, palloc'd */
int *
pm_domain_nodes(const PmSpace *space, int domain, int *n)
{
	int		   *nodes = palloc(sizeof(int) * Max(space->cluster->nnodes, 1));

	*n = collect_nodes(space->topology, domain, nodes, 0);
	return nodes;
}

/* The job at hand has so many more (or fewer) replicas of the view on a node */
void
pm_view_hold(PmSpace *space, PmView *view, int node, int replicas)
{
	const PmTopology *topology = space->topology;
	int			domain = topology->ninner + node;

	if (view->held == NULL)
		return;
	while (pm_topology_level(topology, domain) != view->spread_level)
		domain = topology->parent[domain];
	view->held[domain] += replicas;
	if (pm_is_node(topology, domain))
		update_node(space, view, node);
	else
		set_fit(topology, view, domain,
				under_rule(topology, view, domain, view->sum[domain]));
}
