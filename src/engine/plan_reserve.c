/*-------------------------------------------------------------------------
 *
 * plan_reserve.c
 *	  Reserving: the first instant at which a job that is blocked fits.
 *
 * The nodes themselves are made what they will be, instant by instant, the
 * placement code is asked, and they are put back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/plan_internal.h"

/* Remember a node as it is, to put it back later */
static void
touch(PmPlan *plan, int n)
{
	const PmNode *node = &plan->space->cluster->nodes[n];
	Size		ndims = plan->space->cluster->ndims;
	Size		ndevices = plan->space->maxdevices;
	int			t = plan->ntouched;

	if (plan->touched_of[n] >= 0)
		return;
	plan->touched_of[n] = t;
	plan->touched = pm_grow(plan->context, plan->touched, &plan->maxtouched, t + 1, sizeof(int));
	plan->touched_free = pm_grow(plan->context, plan->touched_free, &plan->maxtouched_free,
								 t + 1, sizeof(int64) * Max(ndims, 1));
	plan->touched_devices = pm_grow(plan->context, plan->touched_devices,
									&plan->maxtouched_devices, t + 1,
									sizeof(int32) * Max(ndevices, 1));
	plan->touched[t] = n;
	memcpy(plan->touched_free + t * ndims, node->free, sizeof(int64) * ndims);
	if (node->ndevices > 0)
		memcpy(plan->touched_devices + t * ndevices, node->device_free,
			   sizeof(int32) * node->ndevices);
	plan->ntouched++;
}

/* A touched node as it is now */
static PmNode
node_now(PmPlan *plan, int t)
{
	PmNode		node = plan->space->cluster->nodes[plan->touched[t]];

	node.free = plan->touched_free + (Size) t * plan->space->cluster->ndims;
	node.device_free = plan->touched_devices + (Size) t * plan->space->maxdevices;
	return node;
}

static void
untouch(PmPlan *plan)
{
	PmSpace    *space = plan->space;

	for (int t = 0; t < plan->ntouched; t++)
	{
		int			n = plan->touched[t];
		PmNode		now = node_now(plan, t);
		PmNode	   *node = &space->cluster->nodes[n];

		memcpy(node->free, now.free, sizeof(int64) * space->cluster->ndims);
		if (node->ndevices > 0)
			memcpy(node->device_free, now.device_free, sizeof(int32) * node->ndevices);
		pm_class_defer(space, n);
		plan->touched_of[n] = -1;
	}
	plan->ntouched = 0;
	pm_space_grew(space);
}

/* Could a node have held now, as it is, what a take puts on it? */
static bool
take_fits_now(PmPlan *plan, const PmTake *take, int n)
{
	PmSpace    *space = plan->space;
	PmNode		now;
	int			whole = 0;

	/* no run gives back to it: it is as free now as it will be */
	if (plan->touched_of[n] < 0)
		return true;
	now = node_now(plan, plan->touched_of[n]);
	for (int i = 0; i < now.ndevices; i++)
		if (now.device_free[i] == PM_DEVICE_WHOLE)
			whole++;
	return pm_copies(take->search, &space->kinds[space->node_kind[n]], now.free, whole,
					 now.device_free, take->replicas) >= take->replicas;
}

/* Put a take of the job at hand on another node of the same class */
static void
move_take(PmSpace *space, PmTake *take, int n)
{
	int		   *devices = space->take_devices + take->first_device;

	pm_node_give(&space->cluster->nodes[take->node], take->search, take->replicas,
				 devices, take->ndevices, take->device_share);
	pm_class_move(space, take->node, pm_class_of_node(space, take->node));
	pm_node_take(&space->cluster->nodes[n], take->search, take->replicas, devices);
	pm_class_move(space, n, pm_class_of_node(space, n));
	take->node = n;
}

/*
 * Among equals, nodes that are not free now: what is free now is of more use
 * to others.  Takes of one group come class by class, so the nodes are gone
 * through once a class.
 */
static void
prefer_given_back(PmPlan *plan)
{
	PmSpace    *space = plan->space;
	int			class = -1;
	int			t = 0;

	for (int i = 0; i < space->ntakes; i++)
	{
		PmTake	   *take = &space->takes[i];

		if (!take_fits_now(plan, take, take->node))
			continue;
		if (take->from_class != class)
			t = 0;
		class = take->from_class;
		for (; t < plan->ntouched; t++)
		{
			int			n = plan->touched[t];

			if (space->node_class[n] == class && !take_fits_now(plan, take, n))
			{
				move_take(space, take, n);
				break;
			}
		}
	}
}

/* The instants at which something is given back, in order */
typedef struct Instants
{
	int			end;
	int			stop;
} Instants;

static int64
next_instant(const PmPlan *plan, const Instants *next)
{
	int64		at = PM_NEVER;

	if (next->end < plan->nends)
		at = plan->ends[next->end].at;
	if (next->stop < plan->nstops)
		at = Min(at, plan->stops[next->stop]);
	return at;
}

/* A node as it can be used in that time */
static void
foresee(PmPlan *plan, int n, int64 from, int64 until)
{
	PmNode		now;

	touch(plan, n);
	now = node_now(plan, plan->touched_of[n]);
	pm_plan_usable_between(plan, &now, n, from, until);
	pm_plan_set_state(plan, plan->space, n);
}

/*
 * All nodes as they can be used from at on, for so long.  Without reservations
 * a node changes only when a run on it ends.
 */
static void
look_at(PmPlan *plan, Instants *next, int64 at, int64 length)
{
	int64		until = pm_time_add(at, length);

	while (next->stop < plan->nstops && plan->stops[next->stop] <= at)
		next->stop++;
	for (; next->end < plan->nends && plan->ends[next->end].at <= at; next->end++)
	{
		const PmPlanEnd  *end = &plan->ends[next->end];

		for (int i = 0; i < end->nholds; i++)
			foresee(plan, end->holds[i].node, at, until);
	}
	for (int i = 0; i < plan->nbooked; i++)
		foresee(plan, plan->booked[i], at, until);
	pm_space_grew(plan->space);
}

/*
 * Reserve the first instant at which a job of a shape fits, for as long as it
 * may run, or for ever; PM_NEVER: it never fits.
 */
int64
pm_plan_reserve(PmPlan *plan, int s, int64 length, bool for_ever)
{
	PmSpace    *space = plan->space;
	Instants	next = {0};
	int			lane = space->lane;
	PmCap	   *pool_cap = space->pool_cap;
	int64		at = PM_NEVER;
	bool		found = false;

	pm_plan_sort_ends(plan);
	pm_caps_ignore(space);
	while (!found && (at = next_instant(plan, &next)) != PM_NEVER)
	{
		CHECK_FOR_INTERRUPTS();
		look_at(plan, &next, at, length);
		found = pm_place_shape(space, s);
	}
	if (found)
	{
		PmHold	   *holds;
		int			nholds = space->ntakes;
		int64		until = for_ever ? PM_NEVER : pm_time_add(at, length);

		if (space->queue->shapes[s].ngroups == 1 &&
			!pm_topology_rules(&space->queue->shapes[s]))
			prefer_given_back(plan);
		holds = pm_holds_of_takes(space, plan->context);
		pm_place_undo(space);
		untouch(plan);
		for (int i = 0; i < nholds; i++)
			pm_plan_book(plan, holds[i].node, at, until, &holds[i]);
		pm_plan_insert_time(plan, &plan->starts, &plan->nstarts, &plan->maxstarts, at);
		pm_plan_insert_time(plan, &plan->stops, &plan->nstops, &plan->maxstops, until);
		for (int i = 0; i < nholds; i++)
			pm_plan_booked(plan, holds[i].node, at);
	}
	else
		untouch(plan);
	space->lane = lane;
	space->pool_cap = pool_cap;
	return at;
}
