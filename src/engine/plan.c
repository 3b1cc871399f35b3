/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  What nodes will have in the future: ends of runs give back, reservations
 *	  and maintenance take.  For one pass.
 *
 * The state of a node at an instant is what it has now, and what runs give
 * back that end by then, less what reservations hold at that instant.  What a
 * job can use from one instant to another is the least of the node's states
 * in between; between two reservations they only grow, so only the first
 * instant and the beginnings of reservations count.
 *
 * A view is a copy of the nodes with what a job can use that starts now and
 * ends after given beginnings.  A job that ends before the first of them needs
 * no view, for it the nodes are as they are now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"

#include "engine/plan_internal.h"

int64
pm_time_add(int64 at, int64 length)
{
	int64		sum;

	if (at == PM_NEVER || length == PM_NEVER || pg_add_s64_overflow(at, length, &sum))
		return PM_NEVER;
	return sum;
}

PmPlan *
pm_plan_create(PmSpace *space, int64 now)
{
	int			nnodes = Max(space->cluster->nnodes, 1);
	Size		ndims = Max(space->cluster->ndims, 1);
	Size		ndevices = Max(space->maxdevices, 1);
	PmPlan	   *plan = palloc0(sizeof(PmPlan));

	plan->space = space;
	plan->now = now;
	plan->context = CurrentMemoryContext;
	plan->releases = palloc(sizeof(int) * nnodes);
	plan->bookings = palloc(sizeof(int) * nnodes);
	for (int n = 0; n < nnodes; n++)
		plan->releases[n] = plan->bookings[n] = -1;
	plan->touched_of = palloc(sizeof(int32) * nnodes);
	for (int n = 0; n < nnodes; n++)
		plan->touched_of[n] = -1;
	plan->free = palloc(sizeof(int64) * ndims);
	plan->least_free = palloc(sizeof(int64) * ndims);
	plan->devices = palloc(sizeof(int32) * ndevices);
	plan->least_devices = palloc(sizeof(int32) * ndevices);
	return plan;
}

static void
add_claim(PmPlan *plan, int *first, int64 since, int64 until, const PmHold *hold)
{
	PmPlanClaim *claim;

	plan->claims = pm_grow(plan->context, plan->claims, &plan->maxclaims,
						   plan->nclaims + 1, sizeof(PmPlanClaim));
	claim = &plan->claims[plan->nclaims];
	claim->since = since;
	claim->until = until;
	claim->hold = hold;
	claim->next = *first;
	*first = plan->nclaims++;
}

/* A run is to end; one whose time is over will do so at any moment */
void
pm_plan_run(PmPlan *plan, int64 planned_end, const PmHold *holds, int nholds)
{
	int64		at = Max(planned_end, pm_time_add(plan->now, 1));
	PmPlanEnd  *end;

	if (planned_end == PM_NEVER)
		return;
	plan->ends = pm_grow(plan->context, plan->ends, &plan->maxends, plan->nends + 1, sizeof(PmPlanEnd));
	end = &plan->ends[plan->nends];
	end->at = at;
	end->run = plan->nends++;
	end->nholds = nholds;
	end->holds = holds;
	plan->sorted = false;
	for (int i = 0; i < nholds; i++)
		add_claim(plan, &plan->releases[holds[i].node], at, PM_NEVER, &holds[i]);
}

static inline int
compare_ends(const PmPlanEnd *a, const PmPlanEnd *b)
{
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->run < b->run ? -1 : a->run > b->run;
}

#define ST_SORT sort_ends
#define ST_ELEMENT_TYPE PmPlanEnd
#define ST_COMPARE(a, b) compare_ends(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static inline int
compare_changes(const PmPlanChange *a, const PmPlanChange *b)
{
	return a->at < b->at ? -1 : a->at > b->at;
}

#define ST_SORT sort_changes
#define ST_ELEMENT_TYPE PmPlanChange
#define ST_COMPARE(a, b) compare_changes(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

void
pm_plan_sort_ends(PmPlan *plan)
{
	if (plan->sorted)
		return;
	if (plan->nends > 1)
		sort_ends(plan->ends, plan->nends);
	plan->sorted = true;
}

void
pm_plan_insert_time(PmPlan *plan, int64 **times, int *n, int *max, int64 at)
{
	int			i = *n;

	*times = pm_grow(plan->context, *times, max, *n + 1, sizeof(int64));
	for (; i > 0 && (*times)[i - 1] > at; i--)
		(*times)[i] = (*times)[i - 1];
	(*times)[i] = at;
	(*n)++;
}

/* ---- states of a node ---- */

static void
apply(const PmPlan *plan, const PmNode *node, const PmHold *hold, int sign)
{
	for (int d = 0; d < plan->space->cluster->ndims; d++)
		plan->free[d] += sign * hold->amounts[d];
	for (int i = 0; i < hold->ndevices; i++)
		plan->devices[hold->devices[i]] += sign * hold->device_share;
}

/*
 * The state of a node at an instant, into the scratch, and how often it is
 * closed then.
 */
static int
state_at(PmPlan *plan, const PmNode *node, int n, int64 at)
{
	int			closed = 0;

	memcpy(plan->free, node->free, sizeof(int64) * plan->space->cluster->ndims);
	if (node->ndevices > 0)
		memcpy(plan->devices, node->device_free, sizeof(int32) * node->ndevices);
	for (int c = plan->releases[n]; c >= 0; c = plan->claims[c].next)
		if (plan->claims[c].since <= at)
			apply(plan, node, plan->claims[c].hold, 1);
	for (int c = plan->bookings[n]; c >= 0; c = plan->claims[c].next)
	{
		const PmPlanClaim *claim = &plan->claims[c];

		if (claim->since > at || claim->until <= at)
			continue;
		if (claim->hold == NULL)
			closed++;
		else
			apply(plan, node, claim->hold, -1);
	}
	return closed;
}

static void
take_least(PmPlan *plan, const PmNode *node, bool first, bool closed)
{
	int			ndims = plan->space->cluster->ndims;
	int64		sum = 0;

	for (int d = 0; d < ndims; d++)
	{
		int64		have = closed ? 0 : plan->free[d];

		plan->least_free[d] = first ? have : Min(plan->least_free[d], have);
	}
	for (int i = 0; i < node->ndevices; i++)
	{
		int32		have = closed ? 0 : plan->devices[i];

		plan->least_devices[i] = first ? have : Min(plan->least_devices[i], have);
		sum += plan->least_devices[i];
	}
	/* not every device need be least at the same instant */
	if (node->accelerator >= 0)
		plan->least_free[node->accelerator] = sum;
}

static void
note_change(PmPlan *plan, int *n, int64 at, int sign, const PmHold *hold)
{
	plan->changes = pm_grow(plan->context, plan->changes, &plan->maxchanges, *n + 1,
							sizeof(PmPlanChange));
	plan->changes[*n].at = at;
	plan->changes[*n].sign = sign;
	plan->changes[(*n)++].hold = hold;
}

/* What changes on a node after one instant and before another, in order of time */
static int
changes_between(PmPlan *plan, int n, int64 from, int64 until)
{
	int			nchanges = 0;

	for (int c = plan->releases[n]; c >= 0; c = plan->claims[c].next)
		if (plan->claims[c].since > from && plan->claims[c].since < until)
			note_change(plan, &nchanges, plan->claims[c].since, 1, plan->claims[c].hold);
	for (int c = plan->bookings[n]; c >= 0; c = plan->claims[c].next)
	{
		const PmPlanClaim *claim = &plan->claims[c];

		if (claim->since > from && claim->since < until)
			note_change(plan, &nchanges, claim->since, -1, claim->hold);
		if (claim->until > from && claim->until < until)
			note_change(plan, &nchanges, claim->until, 1, claim->hold);
	}
	if (nchanges > 1)
		sort_changes(plan->changes, nchanges);
	return nchanges;
}

/*
 * What a job can use of a node that is there from one instant to another, into
 * the scratch; now is the state of the node at this instant.
 */
void
pm_plan_usable_between(PmPlan *plan, const PmNode *now, int n, int64 from, int64 until)
{
	int			closed = state_at(plan, now, n, from);
	int			nchanges;

	take_least(plan, now, true, closed > 0);
	if (plan->bookings[n] < 0)
		return;
	nchanges = changes_between(plan, n, from, until);
	for (int i = 0; i < nchanges; i++)
	{
		const PmPlanChange *change = &plan->changes[i];

		if (change->hold == NULL)
			closed -= change->sign;
		else
			apply(plan, now, change->hold, change->sign);
		if (i + 1 == nchanges || plan->changes[i + 1].at != change->at)
			take_least(plan, now, false, closed > 0);
	}
}

void
pm_plan_set_state(PmPlan *plan, PmSpace *space, int n)
{
	PmNode	   *node = &space->cluster->nodes[n];

	memcpy(node->free, plan->least_free, sizeof(int64) * space->cluster->ndims);
	if (node->ndevices > 0)
		memcpy(node->device_free, plan->least_devices, sizeof(int32) * node->ndevices);
	pm_class_defer(space, n);
}

/* ---- views ---- */

static void
update_view(PmPlan *plan, PmPlanView *view, int n)
{
	pm_plan_usable_between(plan, &plan->space->cluster->nodes[n], n, plan->now, pm_time_add(view->last, 1));
	pm_plan_set_state(plan, view->space, n);
}

static void
make_view(PmPlan *plan, PmPlanView *view, int64 last)
{
	const PmCluster *cluster = plan->space->cluster;
	int			ndims = cluster->ndims;
	MemoryContext old = MemoryContextSwitchTo(plan->context);
	PmNode	   *nodes = view->cluster.nodes;

	view->last = last;
	if (nodes == NULL)
	{
		int64	   *free = MemoryContextAllocHuge(plan->context, Max((Size) 1,
																	  sizeof(int64) * (Size) cluster->nnodes * ndims));

		nodes = MemoryContextAllocHuge(plan->context, sizeof(PmNode) * (Size) Max(cluster->nnodes, 1));
		for (int n = 0; n < cluster->nnodes; n++)
		{
			nodes[n] = cluster->nodes[n];
			nodes[n].free = free + (Size) n * ndims;
			nodes[n].device_free = palloc(sizeof(int32) * Max(nodes[n].ndevices, 1));
		}
		view->cluster = *cluster;
		view->cluster.nodes = nodes;
	}
	for (int n = 0; n < cluster->nnodes; n++)
	{
		memcpy(nodes[n].free, cluster->nodes[n].free, sizeof(int64) * ndims);
		if (nodes[n].ndevices > 0)
			memcpy(nodes[n].device_free, cluster->nodes[n].device_free,
				   sizeof(int32) * nodes[n].ndevices);
		if (plan->bookings[n] < 0)
			continue;
		pm_plan_usable_between(plan, &cluster->nodes[n], n, plan->now, pm_time_add(last, 1));
		memcpy(nodes[n].free, plan->least_free, sizeof(int64) * ndims);
		if (nodes[n].ndevices > 0)
			memcpy(nodes[n].device_free, plan->least_devices, sizeof(int32) * nodes[n].ndevices);
	}
	view->space = pm_space_create(&view->cluster, plan->space->queue, plan->space->placement);
	MemoryContextSwitchTo(old);
}

/* How many beginnings are before an instant */
static int
starts_before(const PmPlan *plan, int64 at)
{
	int			low = 0;
	int			high = plan->nstarts;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (plan->starts[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Where a job can be placed that starts now and ends at until: the nodes as
 * they are, or a view of them.
 */
PmSpace *
pm_plan_space(PmPlan *plan, int64 until)
{
	int64		last;
	int			before;			/* of the beginnings */
	PmPlanView *oldest = &plan->views[0];

	before = starts_before(plan, until);
	if (before == 0)
		return plan->space;
	last = plan->starts[before - 1];
	for (int v = 0; v < plan->nviews; v++)
	{
		if (plan->views[v].last == last)
		{
			plan->views[v].used = ++plan->clock;
			return plan->views[v].space;
		}
		if (plan->views[v].used < oldest->used)
			oldest = &plan->views[v];
	}
	if (plan->nviews < PM_MAX_VIEWS)
		oldest = &plan->views[plan->nviews++];
	make_view(plan, oldest, last);
	oldest->used = ++plan->clock;
	return oldest->space;
}

/* A node is not as it was any more: the views follow */
void
pm_plan_changed(PmPlan *plan, int node)
{
	for (int v = 0; v < plan->nviews; v++)
		update_view(plan, &plan->views[v], node);
}

/* The same for views that count beginnings as late as at */
void
pm_plan_booked(PmPlan *plan, int node, int64 at)
{
	for (int v = 0; v < plan->nviews; v++)
		if (plan->views[v].last >= at)
			update_view(plan, &plan->views[v], node);
}

/* A job was started on the nodes as they are now */
void
pm_plan_started(PmPlan *plan, const PmHold *holds, int nholds)
{
	for (int i = 0; i < nholds; i++)
		pm_plan_changed(plan, holds[i].node);
}

/* ---- reservations ---- */

void
pm_plan_book(PmPlan *plan, int n, int64 since, int64 until, const PmHold *hold)
{
	if (plan->bookings[n] < 0)
	{
		plan->booked = pm_grow(plan->context, plan->booked, &plan->maxbooked,
							   plan->nbooked + 1, sizeof(int));
		plan->booked[plan->nbooked++] = n;
	}
	add_claim(plan, &plan->bookings[n], since, until, hold);
}

/* Nothing is to run on a node in that time; before any job is looked at */
void
pm_plan_close_node(PmPlan *plan, int node, int64 since, int64 until)
{
	pm_plan_book(plan, node, since, until, NULL);
	pm_plan_insert_time(plan, &plan->starts, &plan->nstarts, &plan->maxstarts, since);
	pm_plan_insert_time(plan, &plan->stops, &plan->nstops, &plan->maxstops, until);
}
