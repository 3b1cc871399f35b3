/*-------------------------------------------------------------------------
 *
 * preempt.h
 *	  Small inputs in which runs give way to jobs, and the rules for them by
 *	  brute force.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PREEMPT_H
#define PREEMPT_H

#include "core.h"

#define DIMS	2				/* cores, devices */
#define NODES	4
#define RUNS	6
#define HOLDS	4
#define LANES	2
#define JOBS	5
#define NEWCOMER	99			/* job_id */

typedef struct Input
{
	PmCluster	cluster;
	PmNode		nodes[NODES];
	PmNodeConfig config;
	int64		capacity[NODES][DIMS];
	int64		free[NODES][DIMS];
	int32		device_free[NODES][8];
	PmRunning	runs[RUNS];
	PmHold		holds[RUNS][HOLDS];
	int64		amounts[RUNS][HOLDS][DIMS];
	int			devices[RUNS][HOLDS][8];
	int			least[RUNS][2];
	PmQueue		queue;
	PmRequest	requests[JOBS];
	int64		asked[JOBS][DIMS];
	PmShape		shapes[JOBS];
	PmTaskGroup groups[JOBS];
	PmJob		jobs[JOBS];
	bool		capped;
	int64		available[LANES][DIMS]; /* up to the upper quotas, if capped */
	PmLane		lanes[LANES];
	int64		upper[LANES][DIMS];
	int64		held[LANES][DIMS];
	int64		guaranteed[LANES][DIMS];
	PmPolicy	policy;
} Input;

/* Replicas of each hold of each run that are still there */
typedef struct Stay
{
	int			of[RUNS][HOLDS];
} Stay;

/* preempt_input.c */
extern void preempt_random_job(Input *in, int i);
extern Input *preempt_random_input(int njobs, bool stops);
extern Input *preempt_copy(const Input *from);
extern PmDecision *preempt_pass(Input *in);

/* preempt_rules.c */
extern Stay preempt_all_stay(const Input *in);
extern void preempt_give_back(Input *in, const Stay *stay);
extern bool preempt_has_room(const Input *in, const PmJob *job);
extern bool preempt_fits_beside(const Input *in, const Stay *stay, const PmJob *job);
extern bool preempt_may_go(const Input *in, const PmRunning *run, const PmJob *job);
extern Stay preempt_stay_after(const Input *in, const PmDecision *decision, bool stopping);
extern bool preempt_victims_allowed(const Input *in, const Input *after, const PmDecision *decision);
extern bool preempt_is_minimal(const Input *in, const PmDecision *decision, const PmJob *job);
extern bool preempt_books_agree(const Input *in, const Input *after, const PmDecision *decision);

/* property_reclaim.c */
extern bool reclaim_may_go(const Input *in, const PmRunning *run, const PmJob *job);
extern bool reclaim_any(const Input *in, const PmDecision *decision, const PmJob *job);
extern bool reclaim_would_do(const Input *in, const Stay *stay, const PmJob *job, bool within);
extern void reclaim_check(int round, const Input *in, const Input *after, const PmDecision *decision);

/* property_claims.c */
extern void claims_hold(int round);
extern void claims_side_by_side(void);

#endif							/* PREEMPT_H */
