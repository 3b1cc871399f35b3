/*-------------------------------------------------------------------------
 *
 * priority.h
 *	  The score of a job: what it is made of, and the usage behind fair
 *	  shares.
 *
 * score = age weight x age + fair weight x fair share + size weight x size.
 * Factors are integers, 0 to PM_FACTOR_ONE; a score is in the same units.
 * Usage is how much of a pool was held, how long: dominant share x time, in
 * nanoseconds of the whole pool, of which half is forgotten in a half-life.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_PRIORITY_H
#define PM_PRIORITY_H

#include "engine/engine.h"

#define PM_FACTOR_BITS	20
#define PM_FACTOR_ONE	(1 << PM_FACTOR_BITS)

/* A share of a pool is in steps of 2^-40 */
#define PM_POOL_SHARE_BITS	40
#define PM_POOL_SHARE_ONE	(INT64CONST(1) << PM_POOL_SHARE_BITS)

/* What pm_decay returns, and the shares of a tree, in steps of 2^-62, 2^-32 */
#define PM_DECAY_BITS	62
#define PM_FAIR_BITS	32

/* So long a job that is ahead counts as holding what it asks for: 5 minutes,
 * in nanoseconds; and no more than so much is counted */
#define PM_AHEAD		INT64CONST(300000000000)
#define PM_MOST_AHEAD	(PM_POOL_SHARE_ONE << 20)

#define PM_MAX_WEIGHT	1000000
#define PM_MAX_SHARES	10000

typedef enum PmSizeOrder
{
	PM_SIZE_LARGE,				/* the share of the pool that it asks for */
	PM_SIZE_SMALL,				/* one less that */
	PM_SIZE_LARGE_PER_MINUTE	/* that, divided by its time limit in minutes */
} PmSizeOrder;

typedef struct PmWeights
{
	int32		age;			/* 0 .. PM_MAX_WEIGHT */
	int32		fair;
	int32		size;
	PmSizeOrder size_order;
	int64		max_age;		/* waiting so long is the factor 1 */
	int64		half_life;		/* PM_NEVER: usage is never forgotten */
} PmWeights;

typedef struct PmFactors
{
	int32		age;
	int32		fair;
	int32		size;
} PmFactors;

/* The tree of shares: tenants, below them workspaces, at which usage is kept */
typedef struct PmFairTenant
{
	int32		shares;			/* 0 .. PM_MAX_SHARES, beside other tenants */
	int64		usage;			/* from here on the engine's: of its workspaces */
	int64		sum_shares;		/* of its workspaces */
} PmFairTenant;

typedef struct PmFairWorkspace
{
	int			tenant;			/* index */
	int32		shares;			/* beside those of the same tenant */
	int64		usage;			/* not below 0 */
	int64		norm_shares;	/* from here on the engine's: of the whole pool */
	int64		norm_usage;		/* of all usage */
	int64		effective;		/* the same, its siblings' usage counted too */
	int32		factor;			/* of its first job */
	uint64		exponent;		/* the factor is 2^-exponent */
	uint64		slope;			/* by how much that grows behind jobs that ask for
								 * the whole pool */
} PmFairWorkspace;

/* What scores are made of */
typedef struct PmScoring
{
	PmWeights	weights;
	PmJobOrder	order;
	int64		now;
	const int64 *sizes;			/* [nshapes]: share of the pool that a job asks
								 * for; without weight of fair share and size NULL */
	int			nworkspaces;	/* those of the jobs come first */
	const PmFairWorkspace *workspaces;	/* without weight of fair share NULL */
} PmScoring;

/* 2^-(elapsed / half_life) */
extern uint64 pm_decay(int64 elapsed, int64 half_life);
/* What is left of usage */
extern int64 pm_decayed(int64 usage, int64 elapsed, int64 half_life);
/* What holding a share of the pool from one instant to another adds, as of at,
 * which is not before them */
extern int64 pm_usage_of(int64 share, int64 since, int64 until, int64 at, int64 half_life);

/* amount / capacity, at most PM_POOL_SHARE_ONE */
extern int64 pm_pool_share(int64 amount, int64 capacity);

extern int32 pm_age_factor(int64 waited, int64 max_age);
extern int32 pm_size_factor(int64 share, int64 time_limit, PmSizeOrder order);
extern void pm_fair_factors(PmFairTenant *tenants, int ntenants,
							PmFairWorkspace *workspaces, int nworkspaces);

/* The factor of a job behind others of its workspace that ask for a share */
extern int32 pm_fair_factor(const PmFairWorkspace *workspace, int64 ahead);

/* The scores of all jobs, which it sorts; and what one of them is made of */
extern void pm_score_jobs(const PmScoring *scoring, PmJob *jobs, int njobs);
extern PmFactors pm_factors_of_job(const PmScoring *scoring, const PmJob *job);

#endif							/* PM_PRIORITY_H */
