/*-------------------------------------------------------------------------
 *
 * scheduler.h
 *	  A scheduler that lives through one pass or many: for the files of the
 *	  engine that drive it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SCHEDULER_H
#define PM_SCHEDULER_H

#include "engine/engine_internal.h"

/* A run that has not ended, or one that has or gave way: numbers do not change */
typedef struct PmLive
{
	int			lane;			/* -1: of the cluster's runs, in none with a quota */
	bool		ended;
	bool		own;			/* are the holds the scheduler's? */
	int64		planned_end;
	int			nholds;
	PmHold	   *holds;
} PmLive;

typedef struct PmScheduler
{
	MemoryContext context;
	MemoryContext pass_context; /* reset when a pass ends */
	MemoryContext caller;		/* where the decision is */
	PmCluster  *cluster;
	PmQueue    *queue;			/* jobs sorted */
	const PmPolicy *policy;
	bool		yields;			/* may the cluster's runs give way? */
	bool		tracks;			/* are runs kept, to end or to look ahead? */
	PmSpace    *space;
	PmBacklog **backlogs;		/* [cluster.nowners + 1], by owner; NULL: no job
								 * of it has joined */
	void		(*explain) (struct PmScheduler *scheduler); /* at the end of a
															 * turn; or NULL */

	/* of the turn at hand */
	int			owner;			/* whose jobs are looked at */
	PmBacklog  *backlog;
	bool	   *closed;			/* [nnodes]: to them, now; without windows NULL */
	int			first_reservation;	/* of it */
	int			first_lock;

	/* of the pass at hand */
	int64		now;
	PmReserve  *reserve;		/* made when the first job is blocked */
	PmPlan	   *plan;			/* likewise */
	PmPreempt  *preempt;		/* NULL: nobody gives way */
	bool	   *blocked;		/* [nshapes]: the nodes failed it in this pass */
	int64	   *failed_until;	/* [nshapes]: if so, a job that ended then, or now
								 * if the nodes as they are failed it */
	int32	   *failed_lane;	/* [nshapes]: and in which lane */
	int32	   *capped;			/* [nshapes]: in which lane a cap failed it in this
								 * pass, or -1; NULL without caps */
	PmDecision *decision;
	int			maxstarts;
	int			maxplacements;
	int			maxdevices;
	int			maxreservations;
	int			maxlocks;
	int			maxclaims;

	int			nlive;			/* the cluster's runs first */
	int			maxlive;
	PmLive	   *live;
	int			nalive;			/* numbers of those that have not ended, ascending; */
	int			maxalive;		/* some that have since a plan was made */
	int32	   *alive;
} PmScheduler;

extern PmScheduler *pm_scheduler_create(PmCluster *cluster, PmQueue *queue,
										const PmPolicy *policy, bool tracks);
extern void pm_scheduler_set_policy(PmScheduler *scheduler, const PmPolicy *policy);
extern void pm_scheduler_submit(PmScheduler *scheduler, int job);
extern void pm_scheduler_finish(PmScheduler *scheduler, int run);
extern PmDecision *pm_scheduler_pass(PmScheduler *scheduler, int64 now);
extern void pm_scheduler_end_pass(PmScheduler *scheduler);

/* A run that is tracked; returns its number */
extern int	pm_scheduler_add_run(PmScheduler *scheduler, int lane, int64 planned_end,
								 PmHold *holds, int nholds);
/* Whose reservation a job asks for; 0: none */
extern int	pm_scheduler_owner_of(const PmScheduler *scheduler, int job);

/* turn.c */

/* The jobs of an owner of a reservation, while that is open; 0: of all that have none */
extern void pm_take_turn(PmScheduler *scheduler, int owner);
extern int	pm_scheduler_emit(PmScheduler *scheduler, PmSpace *space, bool several);

/* grow.c */
extern void pm_grow_runs(PmScheduler *scheduler);

#endif							/* PM_SCHEDULER_H */
