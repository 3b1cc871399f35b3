/*-------------------------------------------------------------------------
 *
 * priority.c
 *	  The score of a job: age, fair share and size, and the decay of usage.
 *
 * Arithmetic alone: who has which usage and shares is the caller's to know,
 * the order of jobs is in order.c.  There is no floating point, so that a
 * score is the same on every machine.
 *
 * 2^-x with x = n + f, 0 <= f < 1, is the product of 2^-(2^-k) for the bits k
 * of f, 1 to 32, of (1 - y ln 2) for what is left of f, y < 2^-32, shifted
 * right by n.  With 63 bits after the point every factor costs at most 1.5
 * units of error, so the result is within 2^-56; at whole n it is exact.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/priority.h"

/* 2^-(2^-k), k = 1 .. 32, times 2^63 */
static const uint64 roots[32] = {
	UINT64CONST(0x5A827999FCEF3242), UINT64CONST(0x6BA27E656B4EB57A),
	UINT64CONST(0x75606373EE921C97), UINT64CONST(0x7A92BE8A92436616),
	UINT64CONST(0x7D41D96DB915019D), UINT64CONST(0x7E9F06067A4360BA),
	UINT64CONST(0x7F4F08AE3DC7C426), UINT64CONST(0x7FA765ACA88F6453),
	UINT64CONST(0x7FD3AB290E46D769), UINT64CONST(0x7FE9D3A8E07BF086),
	UINT64CONST(0x7FF4E9597BED93AB), UINT64CONST(0x7FFA748DFF8DC61F),
	UINT64CONST(0x7FFD3A3F50020332), UINT64CONST(0x7FFE9D1DBC0A75AA),
	UINT64CONST(0x7FFF4E8E6306ED59), UINT64CONST(0x7FFFA74712C3CDFD),
	UINT64CONST(0x7FFFD3A381B1FA29), UINT64CONST(0x7FFFE9D1BEED018A),
	UINT64CONST(0x7FFFF4E8DEFB81D7), UINT64CONST(0x7FFFFA746F5F012F),
	UINT64CONST(0x7FFFFD3A37A7D0A8), UINT64CONST(0x7FFFFE9D1BD1FC58),
	UINT64CONST(0x7FFFFF4E8DE8832D), UINT64CONST(0x7FFFFFA746F422D7),
	UINT64CONST(0x7FFFFFD3A37A09BB), UINT64CONST(0x7FFFFFE9D1BD02F2),
	UINT64CONST(0x7FFFFFF4E8DE80FE), UINT64CONST(0x7FFFFFFA746F4060),
	UINT64CONST(0x7FFFFFFD3A37A028), UINT64CONST(0x7FFFFFFE9D1BD012),
	UINT64CONST(0x7FFFFFFF4E8DE809), UINT64CONST(0x7FFFFFFFA746F404)
};

#define LN2				UINT64CONST(0xB17217F7D1CF79AC) /* ln 2, times 2^64 */
#define NS_BY_LN2		UINT64CONST(0xB4563DC663EF6117) /* 1000 / ln 2, times 2^53 */
#define NS_BY_LN2_BITS	53
#define NS_PER_US		1000
#define US_PER_MINUTE	INT64CONST(60000000)

/* Usage in a tree is cut to so many bits, see pm_fair_factors() */
#define USAGE_BITS		40

/* Beyond, a factor is 0 */
#define MAX_EXPONENT	((uint64) (PM_FACTOR_BITS + 2) << PM_FAIR_BITS)

/* 2^-(whole + fraction / 2^64), in PM_DECAY_BITS */
static uint64
power_of_half(uint64 whole, uint64 fraction)
{
	uint64		value = UINT64CONST(1) << 63;
	uint64		rest = (uint64) (((uint128) (uint32) fraction * LN2) >> 65);

	if (whole > PM_DECAY_BITS)
		return 0;
	for (int k = 0; k < 32; k++)
	{
		if (fraction & (UINT64CONST(1) << (63 - k)))
			value = (uint64) (((uint128) value * roots[k]) >> 63);
	}
	value -= (uint64) (((uint128) value * rest) >> 63);
	return value >> (63 - PM_DECAY_BITS) >> whole;
}

uint64
pm_decay(int64 elapsed, int64 half_life)
{
	uint64		rest;

	if (half_life == PM_NEVER || elapsed <= 0)
		return UINT64CONST(1) << PM_DECAY_BITS;
	rest = (uint64) (elapsed % half_life);
	return power_of_half(elapsed / half_life,
						 rest == 0 ? 0 : (uint64) (((uint128) rest << 64) / (uint64) half_life));
}

/* value / 2^bits, to the nearest, halves up; no more than an int64 holds */
static int64
nearest(uint128 value, int bits)
{
	value = (value >> bits) + ((value >> (bits - 1)) & 1);
	return value > PG_INT64_MAX ? PG_INT64_MAX : (int64) value;
}

int64
pm_decayed(int64 usage, int64 elapsed, int64 half_life)
{
	return nearest((uint128) (uint64) usage * pm_decay(elapsed, half_life), PM_DECAY_BITS);
}

/*
 * The integral of share x 2^-((at - t) / half_life) over t from since to
 * until is share x half_life / ln 2 x (decay at until - decay at since).
 */
int64
pm_usage_of(int64 share, int64 since, int64 until, int64 at, int64 half_life)
{
	uint64		later;
	uint64		earlier;
	uint64		length;

	if (until <= since)
		return 0;
	if (half_life == PM_NEVER)
		return nearest((uint128) (uint64) (until - since) * NS_PER_US * (uint64) share,
					   PM_POOL_SHARE_BITS);
	later = pm_decay(at - until, half_life);
	earlier = pm_decay(at - since, half_life);
	if (later <= earlier)
		return 0;
	length = (uint64) (((uint128) (uint64) half_life * NS_BY_LN2) >> NS_BY_LN2_BITS);
	return nearest((((uint128) (later - earlier) * (uint64) share) >> PM_POOL_SHARE_BITS) * length,
				   PM_DECAY_BITS);
}

int64
pm_pool_share(int64 amount, int64 capacity)
{
	if (amount <= 0)
		return 0;
	if (amount >= capacity)
		return PM_POOL_SHARE_ONE;
	return (int64) (((uint128) (uint64) amount << PM_POOL_SHARE_BITS) / (uint64) capacity);
}

int32
pm_age_factor(int64 waited, int64 max_age)
{
	if (waited <= 0)
		return 0;
	if (waited >= max_age)
		return PM_FACTOR_ONE;
	return (int32) (((uint128) (uint64) waited << PM_FACTOR_BITS) / (uint64) max_age);
}

int32
pm_size_factor(int64 share, int64 time_limit, PmSizeOrder order)
{
	uint128		rate;

	if (order == PM_SIZE_LARGE_PER_MINUTE)
	{
		if (time_limit == PM_NEVER || time_limit <= 0)
			return 0;
		rate = ((uint128) (uint64) share * US_PER_MINUTE) / (uint64) time_limit;
		share = rate > PM_POOL_SHARE_ONE ? PM_POOL_SHARE_ONE : (int64) rate;
	}
	share >>= PM_POOL_SHARE_BITS - PM_FACTOR_BITS;
	return order == PM_SIZE_SMALL ? PM_FACTOR_ONE - (int32) share : (int32) share;
}

int32
pm_fair_factor(const PmFairWorkspace *workspace, int64 ahead)
{
	uint128		exponent = workspace->exponent +
		(((uint128) (uint64) ahead * workspace->slope) >> PM_POOL_SHARE_BITS);

	if (exponent >= MAX_EXPONENT)
		return 0;
	return (int32) nearest(power_of_half((uint64) exponent >> PM_FAIR_BITS,
										 (uint64) exponent << (64 - PM_FAIR_BITS)),
						   PM_DECAY_BITS - PM_FACTOR_BITS);
}

/*
 * One workspace, by the classic formula.  With usage u of the workspace, t of
 * its tenant, U of all; shares w of the workspace, W of its tenant's, s of the
 * tenant, T of all tenants:
 *
 *		effective usage	E = u/U + (t/U - u/U) w/W
 *		shares			S = w/W s/T
 *		exponent		E/S = (u W + (t - u) w) T / (U w s)
 *
 * Usage has at most 40 bits here, shares 14 and their sums 42 for 2^28 of
 * them, so the quotient is cut once, to 32 bits after the point.
 *
 * Jobs ahead that ask for a share c of the pool count as if they held it for
 * PM_AHEAD, or as long as all usage is, if that is less: c AHEAD / U, by S.
 */
static void
share_of_workspace(PmFairWorkspace *workspace, const PmFairTenant *tenant, int64 sum_shares,
				   int64 total, int cut)
{
	uint64		usage = (uint64) workspace->usage >> cut;
	uint64		others = (uint64) tenant->usage - usage;
	uint128		product = (uint64) workspace->shares * (uint64) tenant->shares;
	uint128		sums = (uint128) (uint64) tenant->sum_shares * (uint64) sum_shares;
	uint128		weighed = 0;
	uint128		quotient;

	workspace->norm_shares = 0;
	workspace->norm_usage = 0;
	workspace->effective = 0;
	workspace->exponent = MAX_EXPONENT;
	workspace->slope = 0;
	workspace->factor = 0;
	if (total > 0)
	{
		workspace->norm_usage = (int64) (((uint128) usage << PM_FAIR_BITS) / (uint64) total);
		workspace->effective = workspace->norm_usage;
		weighed = (uint128) usage * (uint64) tenant->sum_shares + (uint128) others * workspace->shares;
		if (tenant->sum_shares > 0)
			workspace->effective = (int64) ((weighed << PM_FAIR_BITS) /
											((uint128) (uint64) total * (uint64) tenant->sum_shares));
	}
	if (product == 0)
		return;
	workspace->norm_shares = (int64) ((product << PM_FAIR_BITS) / sums);
	workspace->exponent = 0;
	if (weighed > 0)
	{
		uint128		divisor = (uint64) total * product;

		weighed *= (uint64) sum_shares;
		quotient = weighed / divisor;
		workspace->exponent = quotient >= MAX_EXPONENT >> PM_FAIR_BITS ? MAX_EXPONENT :
			(uint64) ((quotient << PM_FAIR_BITS) | (((weighed % divisor) << PM_FAIR_BITS) / divisor));
	}
	quotient = (sums << PM_FAIR_BITS) / product;
	if (quotient > PG_INT64_MAX)
		quotient = PG_INT64_MAX;
	if (total > 0 && ((uint128) (uint64) total << cut) > PM_AHEAD)
		quotient = quotient * PM_AHEAD / ((uint128) (uint64) total << cut);
	workspace->slope = (uint64) quotient;
	workspace->factor = pm_fair_factor(workspace, 0);
}

/*
 * All factors of a tree.  Usage is cut so that all of it together has no more
 * than USAGE_BITS bits: that moves E by less than 2^-39.
 */
void
pm_fair_factors(PmFairTenant *tenants, int ntenants, PmFairWorkspace *workspaces, int nworkspaces)
{
	uint128		sum = 0;
	int64		sum_shares = 0;
	int64		total = 0;
	int			cut = 0;

	for (int t = 0; t < ntenants; t++)
	{
		tenants[t].usage = 0;
		tenants[t].sum_shares = 0;
		sum_shares += tenants[t].shares;
	}
	for (int w = 0; w < nworkspaces; w++)
		sum += (uint64) workspaces[w].usage;
	while ((sum >> cut) >> USAGE_BITS != 0)
		cut++;
	for (int w = 0; w < nworkspaces; w++)
	{
		PmFairTenant *tenant = &tenants[workspaces[w].tenant];

		tenant->usage += workspaces[w].usage >> cut;
		tenant->sum_shares += workspaces[w].shares;
		total += workspaces[w].usage >> cut;
	}
	for (int w = 0; w < nworkspaces; w++)
		share_of_workspace(&workspaces[w], &tenants[workspaces[w].tenant], sum_shares, total, cut);
}

/* What a job has whatever is ahead of it */
static PmFactors
first_factors(const PmScoring *scoring, const PmJob *job)
{
	const PmWeights *weights = &scoring->weights;
	PmFactors	factors = {0};

	if (weights->age > 0)
		factors.age = pm_age_factor(scoring->now - job->submitted_at, weights->max_age);
	if (weights->fair > 0)
		factors.fair = scoring->workspaces[job->workspace].factor;
	if (weights->size > 0)
		factors.size = pm_size_factor(scoring->sizes[job->shape], job->time_limit, weights->size_order);
	return factors;
}

static int64
weighted_sum(const PmWeights *weights, const PmFactors *factors)
{
	return (int64) weights->age * factors->age +
		(int64) weights->fair * factors->fair +
		(int64) weights->size * factors->size;
}

/*
 * Jobs of a workspace are first put in order as if all of them had its factor.
 * Then each counts those ahead of it as started; they stay in that order, as
 * the factor only falls along it.
 */
void
pm_score_jobs(const PmScoring *scoring, PmJob *jobs, int njobs)
{
	int64	   *ahead;

	for (int i = 0; i < njobs; i++)
	{
		PmFactors	factors = first_factors(scoring, &jobs[i]);

		jobs[i].score = weighted_sum(&scoring->weights, &factors);
	}
	if (scoring->weights.fair == 0)
		return;
	pm_order_jobs(jobs, njobs, scoring->order);
	ahead = palloc0(sizeof(int64) * Max(scoring->nworkspaces, 1));
	for (int i = 0; i < njobs; i++)
	{
		const PmFairWorkspace *workspace = &scoring->workspaces[jobs[i].workspace];
		int64	   *mine = &ahead[jobs[i].workspace];

		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		if (*mine > 0)
			jobs[i].score -= (int64) scoring->weights.fair *
				(workspace->factor - pm_fair_factor(workspace, *mine));
		*mine = Min(*mine + scoring->sizes[jobs[i].shape], PM_MOST_AHEAD);
	}
	pfree(ahead);
}

PmFactors
pm_factors_of_job(const PmScoring *scoring, const PmJob *job)
{
	PmFactors	factors = first_factors(scoring, job);

	/* what is ahead of it is in its score */
	if (scoring->weights.fair > 0)
		factors.fair -= (int32) ((weighted_sum(&scoring->weights, &factors) - job->score) /
								 scoring->weights.fair);
	return factors;
}
