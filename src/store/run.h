/*-------------------------------------------------------------------------
 *
 * run.h
 *	  The life of runs after they were placed, and what they hold.
 *
 * All of it under the pool's lock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_RUN_H
#define PM_RUN_H

#include "billing/measure.h"
#include "store/find.h"

typedef struct PmRun
{
	int64		run_id;
	int64		job_id;
	char	   *state;
	char	   *stop_state;		/* NULL unless stopping */
	bool		started;		/* to run */
	bool		preempted;		/* stopping for another job: back to the queue */
	bool		rests;			/* of a due run: it is its auto_stop that has come */
} PmRun;

/* The live run of a job; NULL: none */
extern PmRun *pm_find_run(int64 pool_id, int64 job_id);
/* Runs whose deadline has come, in order of run id */
extern int	pm_due_runs(int64 pool_id, TimestampTz instant, PmRun **runs);
/* Those of the runs that have not ended, in order of run id */
extern int	pm_read_live_runs(int64 pool_id, const int64 *run_ids, int n, PmRun **runs);
/* launch = 'agent'? */
extern bool pm_has_agent(int64 pool_id);

/* What a run's job may do after an interruption */
typedef struct PmRetry
{
	int			restarts;		/* that there were */
	int			left;
	bool		notebook;
	bool		on_failure;		/* also when it failed by itself? */
	int64		backoff;		/* microseconds before the first; 0: none */
} PmRetry;

/* One for each run, in the order of the ids; palloc'd */
extern PmRetry *pm_read_retries(int64 pool_id, const int64 *run_ids, int n);

/* How runs end */
typedef struct PmRunEnd
{
	int64		run_id;
	const char *state;			/* final, or stopped */
	const char *job_after;		/* queued, waiting, stopped; NULL: the job ends too */
	bool		interrupted;	/* failed for no fault of its own */
	int64		delay;			/* of a waiting one, in microseconds */
	int64		preempted_by;	/* job that it gives way to; 0: none, or noted when it was stopped */
	int32		exit_code;
	bool		has_exit_code;
} PmRunEnd;

/*
 * Ends runs, and their jobs or puts them back: releases what they hold, meters
 * it, notes events.  Returns the instant used: not before metered_until of
 * their holdings.
 */
extern TimestampTz pm_end_runs(PmCall *call, int64 pool_id, const PmRunEnd *ends, int n,
							   TimestampTz instant, const char *reason);

/*
 * Live runs become stopping, to end as stop_state when an agent says so or the
 * pool's stop timeout is over: failed means interrupted.  why may be NULL.
 */
extern void pm_stop_runs(PmCall *call, int64 pool_id, const int64 *run_ids, int n,
						 const char *stop_state, TimestampTz instant, const char *why);

/* A starting run runs */
extern void pm_start_run(PmCall *call, int64 pool_id, const PmRun *run, TimestampTz instant);
/* What a live run holds, for metering; palloc'd.  None in a dedicated pool. */
extern int	pm_read_held(int64 pool_id, const PmRun *run, PmHeld **held);

/* ---- advance.c ---- */

typedef enum PmWork
{
	PM_WORK_NONE,				/* there was none */
	PM_WORK_DONE,				/* the pool may have changed */
	PM_WORK_POOL_DELETED		/* with it the pool is gone */
} PmWork;

/* Moves orders, tasks of nodes and scheduled events of a pool as far as they can go */
extern PmWork pm_advance_work(PmCall *call, int64 pool_id, TimestampTz instant);

/* Jobs to be restarted that found no resources in time fail; their number */
extern int	pm_give_up_restarts(PmCall *call, int64 pool_id, TimestampTz instant, int64 **jobs);

/* ---- holding.c ---- */

/* What resources are billed as on the nodes of a pool; palloc'd */
extern int	pm_read_resource_skus(int64 pool_id, PmResourceSku **skus);
/* Opens holdings of runs, since the instant */
extern void pm_open_holdings(int64 pool_id, const PmMeasured *measured, int n, TimestampTz instant);
/*
 * Cuts what a tenant holds: usage up to an instant, a whole second, is closed,
 * the holdings go on.  Returns the number of slices; the last result has those
 * columns of theirs that struct PmUsageRow has, in its order.
 */
extern uint64 pm_cut_holdings(int64 tenant_id, TimestampTz until);
/*
 * Closes holdings; what is left of them becomes usage.  By what holds them,
 * in a pool: runs, nodes, or jobs (their volumes); or by their ids, of a tenant.
 */
typedef enum PmHolder
{
	PM_HOLDER_RUN,
	PM_HOLDER_NODE,
	PM_HOLDER_JOB,
	PM_HOLDING
} PmHolder;

extern void pm_close_holdings(PmHolder holder, int64 of, const int64 *ids, int n, TimestampTz instant);
/*
 * Closes what a live run of a public pool holds and opens it anew: with what it
 * is measured as now beyond what it was until now, if it has grown.  If it has
 * shrunk, as it is measured now, if what it was measured as is what it held; if
 * not, its resources are billed otherwise since it began: then it holds the same
 * SKUs as before, in proportion to its replicas.
 */
extern void pm_reopen_holdings(int64 pool_id, int64 run_id, const PmMeasured *was, int nwas,
							   const PmMeasured *is, int nis, int32 before, int32 after, TimestampTz instant);
/*
 * What live runs of a dedicated pool hold are their addresses, if these cost
 * something: closed, and opened anew as they have them now.
 */
extern void pm_reopen_addresses(int64 pool_id, const int64 *run_ids, int n, TimestampTz instant);
/* Closes what live runs hold and opens it anew with what they hold beside it */
extern void pm_add_to_holdings(int64 pool_id, const PmMeasured *measured, int n, TimestampTz instant);
/* Closes what nodes hold and opens it anew for another workspace */
extern void pm_move_node_holdings(int64 pool_id, const int64 *node_ids, int n, int64 workspace_id, TimestampTz instant);
/* The same for what runs hold, and the volumes of the jobs of some of them */
extern TimestampTz pm_runs_metered_until(int64 pool_id, const int64 *run_ids, int n,
										 const int64 *ending_ids, int nending);
/* The latest instant up to which they are metered; -infinity: there are none */
extern TimestampTz pm_metered_until(PmHolder holder, int64 of, const int64 *ids, int n);

/* ---- queued.c: jobs that wait or rest, without the pool's lock ---- */

/* Is it one of the states, each between blanks? */
extern bool pm_is_state_of(const char *state, const char *states);

/*
 * Takes a waiting job out of the queue, or changes its state or priority if it
 * is in one of the states, locking only its row.  Returns its state before, or
 * NULL if it does not wait.
 */
extern char *pm_cancel_queued(PmCall *call, PmJobInfo *job);
extern char *pm_change_queued(PmCall *call, PmJobInfo *job, const char *from, const char *to);
extern char *pm_prioritize_queued(PmCall *call, PmJobInfo *job, const char *from, int priority);

/* ---- dependency.c ---- */

/* Lets waiting jobs queue whose dependencies hold and whose time has come;
 * phases of workflows that never will are cancelled */
extern void pm_release_waiting(PmCall *call, int64 pool_id, TimestampTz instant);
/* The same of those alone that depend on a job, which began or ended */
extern void pm_release_dependents(PmCall *call, int64 pool_id, int64 job_id, TimestampTz instant);

#endif							/* PM_RUN_H */
