/*-------------------------------------------------------------------------
 *
 * simulate_internal.h
 *	  What the files that simulate share with each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SIMULATE_INTERNAL_H
#define PM_SIMULATE_INTERNAL_H

#include "engine/scheduler.h"
#include "engine/simulate.h"

typedef struct PmSimDepend PmSimDepend;

/* What becomes of a job, as far as others wait for it */
typedef enum PmSimState
{
	PM_SIM_STARTED,
	PM_SIM_COMPLETED,
	PM_SIM_TIMED_OUT
} PmSimState;

typedef void (*PmSimReleased) (int job, void *arg);

/* simulate_depend.c; jobs are the numbers that dependencies have */
extern PmSimDepend *pm_sim_depend_create(const PmSimulation *simulation);
extern bool pm_sim_waits(const PmSimDepend *depend, int job);
extern void pm_sim_reached(PmSimDepend *depend, int job, PmSimState state,
						   PmSimReleased released, void *arg);

/* Something that will happen; what never does is not among the events */
typedef struct PmSimEvent
{
	int64		at;
	int			run;			/* ends; -1: nothing does, but a pass is due */
} PmSimEvent;

typedef struct PmSimulator
{
	PmSimulation *simulation;
	MemoryContext context;		/* of this simulation */
	MemoryContext results;		/* the caller's */
	MemoryContext instant;		/* emptied at each */
	PmScheduler *scheduler;
	PmQueue		queue;			/* all jobs, in the order of passes */
	int		   *arrivals;		/* those that join, in order of submission */
	int			narrivals;
	int			next_arrival;
	int			nevents;		/* a heap */
	int			maxevents;
	PmSimEvent *events;
	int		   *job_of_run;		/* [maxrun_jobs] by number: index of its job */
	int			maxrun_jobs;
	int			maxplacements;
	int			maxgone;
	int			maxruns;		/* of the cluster: those that may give way */
	const int **minima;			/* [nshapes][ngroups] replicas that must stay */
	PmSimDepend *depend;		/* NULL: no job depends on another */
	int		   *of_number;		/* [njobs] with it: index in the queue of a job, if
								 * it joins and is submitted; or -1 */
	bool		joined;			/* since the pass began */
} PmSimulator;

/* simulate.c; run -1: a pass is due */
extern void pm_sim_push_event(PmSimulator *sim, int64 instant, int run);

/* simulate_yield.c */
extern const int **pm_sim_minima(const PmQueue *queue);
/* A run has begun whose job, index j, is preemptible */
extern void pm_sim_may_yield(PmSimulator *sim, int j, int number, int64 now);
/* Before a pass: runs that have ended give way to nobody */
extern void pm_sim_forget_ended(PmSimulator *sim);
/* What a pass decided of them */
extern void pm_sim_yield(PmSimulator *sim, const PmDecision *decision, int64 now);

#endif							/* PM_SIMULATE_INTERNAL_H */
