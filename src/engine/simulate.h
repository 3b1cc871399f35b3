/*-------------------------------------------------------------------------
 *
 * simulate.h
 *	  Discrete-event simulation: what the engine would have made of jobs that
 *	  come and end, in virtual time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SIMULATE_H
#define PM_SIMULATE_H

#include "engine/engine.h"

/* In the order of the enum dependency_kind */
typedef enum PmSimDependencyKind
{
	PM_SIM_AFTER,
	PM_SIM_AFTEROK,
	PM_SIM_AFTERANY,
	PM_SIM_AFTERNOTOK			/* it ended at its time limit */
} PmSimDependencyKind;

/* A job joins when of each clause one dependency holds */
typedef struct PmSimDependency
{
	int			job;			/* index */
	int			clause_no;
	PmSimDependencyKind kind;
	int			on;				/* index of another job */
} PmSimDependency;

/* The last run of a job */
typedef struct PmSimRun
{
	int64		started_at;		/* PM_NEVER: it has none */
	int64		ended_at;		/* PM_NEVER: it has not */
	int			first_placement;	/* as it was when it ended */
	int			nplacements;
	int			preemptions;	/* how many runs before it gave way */
} PmSimRun;

/* Replicas that gave way, those of a run that went on with fewer too */
typedef struct PmSimGone
{
	int			job;
	int64		since;			/* what they held, they held from this */
	int64		until;
	int64		replicas;
} PmSimGone;

typedef struct PmSimPlacement
{
	int			node;			/* index into PmCluster.nodes */
	int			replicas;
} PmSimPlacement;

typedef struct PmSimulation
{
	PmCluster  *cluster;		/* all of it free */
	PmQueue    *queue;			/* all jobs, in order of their ids; in place of its
								 * id each has its index */
	const int64 *durations;		/* [njobs]; PM_NEVER: it does not end by itself */
	const bool *preemptible;	/* [njobs]; NULL: nobody gives way */
	int			ndependencies;
	const PmSimDependency *dependencies;	/* a job's together, by clause */
	PmPolicy	policy;

	/* what came of it, palloc'd in the current context */
	PmSimRun   *runs;			/* [njobs] */
	int			nplacements;
	PmSimPlacement *placements;
	int			ngone;
	PmSimGone  *gone;			/* in the order in which they went */
	int64		npasses;
} PmSimulation;

/*
 * At one instant all runs end first that do, then all jobs join that are
 * submitted, then one pass is made.  A run ends after its duration, or at its
 * time limit if that is less.  The job of a run that gives way joins again, to
 * run from its beginning, and one more pass is made at that instant; likewise
 * where jobs wait for others to start.  A job whose replicas no node could hold,
 * even an empty one, does not join, nor one that depends on what never comes.
 */
extern void pm_simulate(PmSimulation *simulation);

#endif							/* PM_SIMULATE_H */
