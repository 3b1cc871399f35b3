/*-------------------------------------------------------------------------
 *
 * plan_internal.h
 *	  What plan.c and plan_reserve.c share: the plan itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_PLAN_INTERNAL_H
#define PM_PLAN_INTERNAL_H

#include "engine/engine_internal.h"

#define PM_MAX_VIEWS	8		/* beyond, the one longest unused is made anew */

/* What a node will get back, or will not have for a time */
typedef struct PmPlanClaim
{
	int64		since;			/* of a release: the instant of it */
	int64		until;
	const PmHold *hold;			/* NULL: all that the node has */
	int			next;			/* the node's next one, or -1 */
} PmPlanClaim;

typedef struct PmPlanView
{
	int64		last;			/* the latest beginning that it counts */
	uint64		used;			/* when it was asked for last */
	PmCluster	cluster;
	PmSpace    *space;
} PmPlanView;

typedef struct PmPlanEnd
{
	int64		at;
	int			run;			/* ties: in the order in which they were told */
	int			nholds;
	const PmHold *holds;
} PmPlanEnd;

/* What changes on a node at an instant */
typedef struct PmPlanChange
{
	int64		at;
	int			sign;			/* 1: is given back, -1: is taken */
	const PmHold *hold;			/* NULL: all that the node has */
} PmPlanChange;

struct PmPlan
{
	PmSpace    *space;
	int64		now;
	MemoryContext context;
	int			nclaims;
	int			maxclaims;
	PmPlanClaim *claims;
	int		   *releases;		/* [nnodes]: first claim of each node, or -1 */
	int		   *bookings;		/* [nnodes]: likewise */
	int			nends;
	int			maxends;
	PmPlanEnd  *ends;			/* a run's end; sorted when needed */
	bool		sorted;
	int			nstarts;
	int			maxstarts;
	int64	   *starts;			/* when reservations begin, ascending */
	int			nstops;
	int			maxstops;
	int64	   *stops;			/* when they end, ascending */
	int			nbooked;
	int			maxbooked;
	int		   *booked;			/* nodes that have any */
	int			maxchanges;
	PmPlanChange *changes;		/* scratch */
	int64	   *free;			/* [ndims] scratch */
	int32	   *devices;		/* [maxdevices] scratch */
	int64	   *least_free;		/* [ndims] scratch */
	int32	   *least_devices;	/* [maxdevices] scratch */
	int			nviews;
	PmPlanView	views[PM_MAX_VIEWS];
	uint64		clock;			/* of the views */
	int32	   *touched_of;		/* [nnodes]: index into touched, or -1 */
	int			ntouched;
	int			maxtouched;
	int		   *touched;
	int64	   *touched_free;	/* [ntouched][ndims]: before */
	int32	   *touched_devices;	/* [ntouched][maxdevices] */
	int			maxtouched_free;
	int			maxtouched_devices;
};

/* ---- plan.c ---- */

/* An instant joins those that are kept in order; one that is there already stays one */
extern void pm_plan_insert_time(PmPlan *plan, int64 **times, int *n, int *max, int64 at);
extern void pm_plan_sort_ends(PmPlan *plan);

/*
 * What a job can use of a node that is there from one instant to another, into
 * the scratch; now is the state of the node at this instant.
 */
extern void pm_plan_usable_between(PmPlan *plan, const PmNode *now, int n, int64 from, int64 until);
/* A node of a space becomes what is in the scratch */
extern void pm_plan_set_state(PmPlan *plan, PmSpace *space, int n);

/* hold is NULL: the node is closed */
extern void pm_plan_book(PmPlan *plan, int n, int64 since, int64 until, const PmHold *hold);
/* A node was booked from an instant on: the views that see it follow */
extern void pm_plan_booked(PmPlan *plan, int node, int64 at);

#endif							/* PM_PLAN_INTERNAL_H */
