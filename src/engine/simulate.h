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

typedef struct PmSimRun
{
	int64		started_at;		/* PM_NEVER: it was not */
	int64		ended_at;		/* PM_NEVER: it has not */
	int			first_placement;
	int			nplacements;
} PmSimRun;

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
	PmPolicy	policy;

	/* what came of it, palloc'd in the current context */
	PmSimRun   *runs;			/* [njobs] */
	int			nplacements;
	PmSimPlacement *placements;
	int64		npasses;
} PmSimulation;

/*
 * At one instant all runs end first that do, then all jobs join that are
 * submitted, then one pass is made.  A run ends after its duration, or at its
 * time limit if that is less.  A job whose replicas no node could hold, even
 * an empty one, does not join.
 */
extern void pm_simulate(PmSimulation *simulation);

#endif							/* PM_SIMULATE_H */
