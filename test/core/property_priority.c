/*-------------------------------------------------------------------------
 *
 * property_priority.c
 *	  Factors and decay against the formulas in floating point, which the
 *	  engine must not use and a test may.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "core.h"
#include "engine/priority.h"

#define DAY				INT64CONST(86400000000)

static int64
random_length(int64 most)
{
	/* as often short as long */
	most >>= core_between(0, 50);
	return core_between(1, Max(most, 1));
}

static long double
decay_ld(int64 elapsed, int64 half_life)
{
	return half_life == PM_NEVER ? 1 : exp2l(-(long double) elapsed / half_life);
}

static void
points(void)
{
	/* formula-004: 10 after 0, 1, 2 and 1/2 half-lives of a day */
	static const int64 elapsed[] = {0, DAY, 2 * DAY, DAY / 2};
	static const int64 left[] = {10000000000, 5000000000, 2500000000, 7071067812};

	for (int i = 0; i < 4; i++)
		core_check(pm_decayed(10000000000, elapsed[i], DAY) == left[i], "formula-004-decay, %d", i);
	for (int n = 0; n <= 62; n++)
		core_check(pm_decay(n * DAY, DAY) == (UINT64CONST(1) << (62 - n)), "%d half-lives are exact", n);
	core_check(pm_decay(63 * DAY, DAY) == 0 && pm_decay(PG_INT64_MAX, 1) == 0, "nothing is left in the end");
	core_check(pm_decay(PG_INT64_MAX, PM_NEVER) == UINT64CONST(1) << 62, "without a half-life all is left");
	core_check(pm_decay(-5, DAY) == UINT64CONST(1) << 62, "nothing is forgotten in advance");
	core_check(pm_decayed(PG_INT64_MAX, 0, DAY) == PG_INT64_MAX, "the greatest usage stays what it is");

	/* half the pool for a day is half a day of the pool */
	core_check(pm_usage_of(PM_POOL_SHARE_ONE / 2, 0, DAY, DAY, PM_NEVER) == 43200 * INT64CONST(1000000000),
			   "half the pool for a day");
	core_check(pm_usage_of(PM_POOL_SHARE_ONE, DAY, DAY, DAY, DAY) == 0 &&
			   pm_usage_of(PM_POOL_SHARE_ONE, DAY, 0, DAY, DAY) == 0, "no time is no usage");

	/* formula-010: 32 of 64 processors for 16 minutes */
	core_check(pm_size_factor(pm_pool_share(32000, 64000), 16 * INT64CONST(60000000),
							  PM_SIZE_LARGE_PER_MINUTE) == PM_FACTOR_ONE / 32, "formula-010-job-size");
	core_check(pm_size_factor(pm_pool_share(32000, 64000), PM_NEVER, PM_SIZE_LARGE_PER_MINUTE) == 0,
			   "without a time limit nothing is gained by its size");
	core_check(pm_size_factor(PM_POOL_SHARE_ONE, 1, PM_SIZE_LARGE_PER_MINUTE) == PM_FACTOR_ONE,
			   "a factor is at most 1");
	core_check(pm_size_factor(pm_pool_share(16, 64), 1, PM_SIZE_LARGE) == PM_FACTOR_ONE / 4 &&
			   pm_size_factor(pm_pool_share(16, 64), 1, PM_SIZE_SMALL) == PM_FACTOR_ONE / 4 * 3,
			   "a quarter of the pool, and one less that");
	core_check(pm_pool_share(1, 0) == PM_POOL_SHARE_ONE && pm_pool_share(0, 0) == 0,
			   "what a pool has none of is all of it");

	core_check(pm_age_factor(-1, DAY) == 0 && pm_age_factor(DAY / 4, DAY) == PM_FACTOR_ONE / 4 &&
			   pm_age_factor(DAY, DAY) == PM_FACTOR_ONE && pm_age_factor(PG_INT64_MAX, DAY) == PM_FACTOR_ONE,
			   "age grows to 1");
	{
		PmWeights	weights = {PM_MAX_WEIGHT, 3, 2};
		PmFactors	factors = {PM_FACTOR_ONE, 5, PM_FACTOR_ONE};

		core_check(pm_job_score(&weights, &factors) == (PM_MAX_WEIGHT + INT64CONST(2)) * PM_FACTOR_ONE + 15,
				   "a score is the weighted sum");
	}
}

/* formula-003: 2^-(U/S) at 0, 1, 2 and 1/2 of a share of 0.3 */
static void
fair_points(void)
{
	static const int64 usage[] = {0, 3, 6, 0};
	static const int32 factor[] = {PM_FACTOR_ONE, PM_FACTOR_ONE / 2, PM_FACTOR_ONE / 4, 0};

	for (int i = 0; i < 3; i++)
	{
		PmFairTenant tenants[] = {{3}, {7}};
		PmFairWorkspace workspaces[] = {{0, 1, usage[i]}, {1, 1, 10 - usage[i]}};

		pm_fair_factors(tenants, 2, workspaces, 2);
		core_check(workspaces[0].factor == factor[i], "formula-003-classic-points, %d", i);
	}
	{
		PmFairTenant tenants[] = {{3}, {7}};
		PmFairWorkspace workspaces[] = {{0, 1, 15}, {1, 1, 85}};

		pm_fair_factors(tenants, 2, workspaces, 2);
		/* 0.70710678 x 2^20 */
		core_check(workspaces[0].factor == 741455, "formula-003-classic-points, 3");
	}
	{
		/* No usage: all are alike, but who has no shares */
		PmFairTenant tenants[] = {{1}, {0}};
		PmFairWorkspace workspaces[] = {{0, 1, 0}, {0, 0, 0}, {1, 1, 0}};

		pm_fair_factors(tenants, 2, workspaces, 3);
		core_check(workspaces[0].factor == PM_FACTOR_ONE && workspaces[1].factor == 0 &&
				   workspaces[2].factor == 0, "without usage 1, without shares 0");
	}
	{
		/*
		 * Of a tenant with half the shares and all the usage, a workspace that
		 * used nothing, one of two: E = 0 + (1 - 0) / 2, S = 1/4: 2^-2
		 */
		PmFairTenant tenants[] = {{5}, {5}};
		PmFairWorkspace workspaces[] = {{0, 2, 0}, {0, 2, PG_INT64_MAX}, {1, 1, 0}};

		pm_fair_factors(tenants, 2, workspaces, 3);
		core_check(workspaces[0].factor == PM_FACTOR_ONE / 4 && workspaces[0].norm_usage == 0 &&
				   workspaces[0].effective == INT64CONST(1) << 31 &&
				   workspaces[0].norm_shares == INT64CONST(1) << 30,
				   "what siblings used counts by the share");
		/* The sibling: E = 1, S = 1/4 */
		core_check(workspaces[1].factor == PM_FACTOR_ONE / 16 && workspaces[2].factor == PM_FACTOR_ONE,
				   "and what one used itself in full");
	}
}

static void
one_decay(int round)
{
	int64		half_life = core_between(0, 9) == 0 ? PM_NEVER : random_length(36500 * DAY);
	int64		elapsed = random_length(half_life == PM_NEVER ? DAY : half_life) * core_between(0, 40);
	int64		usage = (int64) (core_next() >> core_between(1, 60));
	long double exact = decay_ld(elapsed, half_life);

	core_check(fabsl((long double) pm_decay(elapsed, half_life) / 0x1p62L - exact) < 0x1p-56L,
			   "round %d: decay within 2^-56", round);
	core_check(pm_decayed(usage, elapsed, half_life) <= usage &&
			   fabsl(pm_decayed(usage, elapsed, half_life) - usage * exact) <= 0.5L + usage * 0x1p-56L,
			   "round %d: usage decays as it should", round);
}

/*
 * Usage does not depend on when it was looked at: counted once at the end, or
 * again and again with what there was decayed in between.
 */
static void
one_usage(int round)
{
	int64		half_life = core_between(0, 3) == 0 ? PM_NEVER : core_between(DAY / 24, 30 * DAY);
	int64		share = core_between(0, PM_POOL_SHARE_ONE);
	int64		since = core_between(0, 10 * DAY);
	int64		until = since + random_length(20 * DAY);
	int64		at = until + core_between(0, 5 * DAY);
	int64		once = pm_usage_of(share, since, until, at, half_life);
	long double exact = (long double) share / PM_POOL_SHARE_ONE * 1000;
	int64		counted = 0;
	int64		as_of = 0;
	int			steps = (int) core_between(1, 20);

	if (half_life == PM_NEVER)
		exact *= until - since;
	else
		exact *= half_life / logl(2) * (decay_ld(at - until, half_life) - decay_ld(at - since, half_life));
	/* the difference of two decays, times half-life / ln 2 */
	core_check(fabsl(once - exact) <= 1 + exact * 1e-12L +
			   (half_life == PM_NEVER ? 0 : 0x1p-55L * 1443 * half_life),
			   "round %d: usage is the integral", round);

	for (int i = 1; i <= steps; i++)
	{
		int64		now = i == steps ? at : as_of + core_between(0, Max(at - as_of, 0));

		counted = pm_decayed(counted, now - as_of, half_life) +
			pm_usage_of(share, Max(since, as_of), Min(until, now), now, half_life);
		as_of = now;
	}
	core_check(llabs(counted - once) <= 2 * steps, "round %d: usage in %d steps is that in one", round, steps);
}

#define MAX_TENANTS		6
#define MAX_WORKSPACES	20

static void
one_tree(int round)
{
	PmFairTenant tenants[MAX_TENANTS];
	PmFairWorkspace workspaces[MAX_WORKSPACES];
	int			ntenants = (int) core_between(1, MAX_TENANTS);
	int			nworkspaces = (int) core_between(1, MAX_WORKSPACES);
	int			most = core_between(0, 1) ? 3 : PM_MAX_SHARES;
	int			small = (int) core_between(0, 62);
	long double total = 0;
	long double all_shares = 0;
	bool		ok = true;

	for (int t = 0; t < ntenants; t++)
		all_shares += tenants[t].shares = (int32) core_between(0, most);
	for (int w = 0; w < nworkspaces; w++)
	{
		workspaces[w].tenant = (int) core_between(0, ntenants - 1);
		workspaces[w].shares = (int32) core_between(0, most);
		workspaces[w].usage = core_between(0, 3) ? (int64) (core_next() >> 1 >> small) : 0;
		total += workspaces[w].usage;
	}
	pm_fair_factors(tenants, ntenants, workspaces, nworkspaces);
	for (int w = 0; w < nworkspaces; w++)
	{
		const PmFairWorkspace *mine = &workspaces[w];
		long double of_tenant = 0;
		long double siblings = 0;
		long double share;
		long double effective;
		long double factor;

		for (int v = 0; v < nworkspaces; v++)
			if (workspaces[v].tenant == mine->tenant)
			{
				of_tenant += workspaces[v].usage;
				siblings += workspaces[v].shares;
			}
		if (mine->shares == 0 || tenants[mine->tenant].shares == 0)
		{
			ok &= mine->factor == 0 && mine->norm_shares == 0;
			continue;
		}
		share = mine->shares / siblings * (tenants[mine->tenant].shares / all_shares);
		effective = total == 0 ? 0 :
			mine->usage / total + (of_tenant - mine->usage) / total * (mine->shares / siblings);
		factor = exp2l(-effective / share);
		/* half a step, and what E moves when usage is cut */
		ok &= fabsl(mine->factor - factor * PM_FACTOR_ONE) <=
			0.501L + 0x1p-38L / share * PM_FACTOR_ONE;
		ok &= fabsl(mine->norm_shares - share * 0x1p32L) <= 1 &&
			fabsl(mine->effective - effective * 0x1p32L) <= 2 &&
			(total == 0 || fabsl(mine->norm_usage - mine->usage / total * 0x1p32L) <= 2);
	}
	core_check(ok, "round %d: factors of a tree", round);
}

void
core_priorities(int rounds)
{
	points();
	fair_points();
	for (int round = 0; round < rounds; round++)
	{
		core_seed(round);
		one_decay(round);
		one_usage(round);
		one_tree(round);
	}
}
