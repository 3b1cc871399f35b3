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

/* The weighted sum, hand-worked: 1000 x 1/4 + 10 x 1/2, and the factors again */
static void
score_points(void)
{
	static const int64 sizes[] = {PM_POOL_SHARE_ONE / 2};
	PmJob		jobs[] = {{1, 30, 0, 0, 1}};
	PmScoring	scoring = {{1000, 0, 10, PM_SIZE_LARGE, 40, PM_NEVER}, PM_ORDER_PRIORITY, 40, sizes};
	PmFactors	factors;

	pm_score_jobs(&scoring, jobs, 1);
	factors = pm_factors_of_job(&scoring, &jobs[0]);
	core_check(jobs[0].score == 255 * PM_FACTOR_ONE && factors.age == PM_FACTOR_ONE / 4 &&
			   factors.fair == 0 && factors.size == PM_FACTOR_ONE / 2, "a score is the weighted sum");
	scoring.weights.age = scoring.weights.size = PM_MAX_WEIGHT;
	scoring.now = 90;
	pm_score_jobs(&scoring, jobs, 1);
	core_check(jobs[0].score == INT64CONST(1500000) * PM_FACTOR_ONE, "of great weights too");
	pm_score_jobs(&scoring, jobs, 0);
}

/*
 * fair-001: of two who have used nothing and ask for the same, each gets every
 * other turn; fair-004: of one with twice the shares, two of three.
 */
static void
take_turns(int shares, const char *expected)
{
	static const int64 sizes[] = {PM_POOL_SHARE_ONE / 8};
	PmFairTenant tenants[] = {{shares}, {1}};
	PmFairWorkspace workspaces[] = {{0, 1, 0}, {1, 1, 0}};
	PmScoring	scoring = {{0, 1, 0, PM_SIZE_LARGE, 1, PM_NEVER}, PM_ORDER_PRIORITY, 0, sizes, 2, workspaces};
	PmJob		jobs[12];
	char		order[13] = {0};

	memset(jobs, 0, sizeof(jobs));
	for (int i = 0; i < 12; i++)
	{
		jobs[i].job_id = i + 1;
		jobs[i].workspace = i / 6;
	}
	pm_fair_factors(tenants, 2, workspaces, 2);
	pm_score_jobs(&scoring, jobs, 12);
	pm_order_jobs(jobs, 12, PM_ORDER_PRIORITY);
	for (int i = 0; i < 12; i++)
		order[i] = jobs[i].workspace == 0 ? 'a' : 'b';
	core_check(strcmp(order, expected) == 0, "turns: %s, not %s", order, expected);
}

#define MAX_SCORED 40

/* How many jobs come before this one: priority, restarted, time limit, score, id */
static int
place_of(const PmJob *jobs, int njobs, const int64 *scores, int at, PmJobOrder order)
{
	int			place = 0;

	for (int i = 0; i < njobs; i++)
	{
		const PmJob *a = &jobs[i];
		const PmJob *b = &jobs[at];

		if (a->priority != b->priority)
			place += a->priority > b->priority;
		else if (a->restarted != b->restarted)
			place += a->restarted;
		else if (order == PM_ORDER_SHORTEST && a->time_limit != b->time_limit)
			place += a->time_limit < b->time_limit;
		else if (scores[i] != scores[at])
			place += scores[i] > scores[at];
		else if (a->submitted_at != b->submitted_at)
			place += a->submitted_at < b->submitted_at;
		else
			place += a->job_id < b->job_id;
	}
	return place;
}

static void
one_scoring(int round)
{
	PmFairTenant tenants[3];
	PmFairWorkspace workspaces[5];
	int64		sizes[4];
	PmScoring	scoring = {0};
	PmJob		jobs[MAX_SCORED];
	PmJob		before[MAX_SCORED];
	int64		first[MAX_SCORED];
	int			njobs = (int) core_between(1, MAX_SCORED);
	long double total = 0;
	bool		ok = true;

	for (int t = 0; t < 3; t++)
		tenants[t].shares = (int32) core_between(1, 5);
	for (int w = 0; w < 5; w++)
	{
		workspaces[w].tenant = w % 3;
		workspaces[w].shares = (int32) core_between(1, 3);
		workspaces[w].usage = round % 4 == 0 ? 0 : core_between(0, round % 4 == 1 ? 1000 : INT64CONST(1) << 50);
		total += workspaces[w].usage;
	}
	pm_fair_factors(tenants, 3, workspaces, 5);
	for (int s = 0; s < 4; s++)
		sizes[s] = core_between(0, 2) ? PM_POOL_SHARE_ONE >> core_between(3, 12) : core_between(0, PM_POOL_SHARE_ONE);
	scoring.weights.age = (int32) core_between(0, 3) * 1000;
	scoring.weights.fair = (int32) core_between(1, 1000000);
	scoring.weights.size = (int32) core_between(0, 3) * 1000;
	scoring.weights.size_order = (PmSizeOrder) core_between(0, 2);
	scoring.weights.max_age = 100;
	scoring.order = core_between(0, 1) ? PM_ORDER_PRIORITY : PM_ORDER_SHORTEST;
	scoring.now = 100;
	scoring.sizes = sizes;
	scoring.nworkspaces = 5;
	scoring.workspaces = workspaces;
	memset(jobs, 0, sizeof(jobs));
	for (int i = 0; i < njobs; i++)
	{
		PmFactors	factors;

		jobs[i].job_id = i + 1;
		jobs[i].submitted_at = core_between(0, 120);
		jobs[i].shape = (int) core_between(0, 3);
		jobs[i].workspace = (int) core_between(0, 4);
		jobs[i].priority = (int16) core_between(1, 2);
		jobs[i].restarted = core_between(0, 9) == 0;
		jobs[i].time_limit = core_between(0, 3) == 0 ? PM_NEVER : core_between(1, 4) * INT64CONST(60000000);
		factors.age = pm_age_factor(100 - jobs[i].submitted_at, 100);
		factors.size = pm_size_factor(sizes[jobs[i].shape], jobs[i].time_limit, scoring.weights.size_order);
		first[i] = (int64) scoring.weights.age * factors.age + (int64) scoring.weights.size * factors.size +
			(int64) scoring.weights.fair * workspaces[jobs[i].workspace].factor;
	}
	memcpy(before, jobs, sizeof(jobs));
	pm_score_jobs(&scoring, jobs, njobs);
	for (int i = 0; i < njobs; i++)
	{
		const PmFairWorkspace *mine = &workspaces[before[i].workspace];
		int			place = place_of(before, njobs, first, i, scoring.order);
		long double ahead = 0;
		long double share = mine->norm_shares / 0x1p32L;
		long double exponent = mine->effective / 0x1p32L / share;
		int64		score = 0;
		PmFactors	factors = {0};

		for (int k = 0; k < njobs; k++)
		{
			if (before[k].workspace == before[i].workspace &&
				place_of(before, njobs, first, k, scoring.order) < place)
				ahead += (long double) sizes[before[k].shape] / PM_POOL_SHARE_ONE;
			if (jobs[k].job_id == before[i].job_id)
			{
				score = jobs[k].score;
				factors = pm_factors_of_job(&scoring, &jobs[k]);
			}
		}
		exponent += ahead / share * (total == 0 ? 1 : Min((long double) PM_AHEAD / total, 1));
		ok &= fabsl(factors.fair - exp2l(-exponent) * PM_FACTOR_ONE) < 1.1L;
		ok &= score == first[i] - (int64) scoring.weights.fair * (mine->factor - factors.fair);
	}
	core_check(ok, "round %d: scores behind others", round);
	pm_order_jobs(jobs, njobs, scoring.order);
	for (int i = 0; i < njobs; i++)
		for (int k = 0; k < i; k++)
			if (jobs[i].workspace == jobs[k].workspace && jobs[i].priority == jobs[k].priority &&
				place_of(before, njobs, first, (int) jobs[i].job_id - 1, scoring.order) <
				place_of(before, njobs, first, (int) jobs[k].job_id - 1, scoring.order))
				ok = false;
	core_check(ok, "round %d: nobody overtakes within a workspace", round);
}

void
core_priorities(int rounds)
{
	points();
	fair_points();
	score_points();
	take_turns(1, "abababababab");
	take_turns(2, "abaabaababbb");
	for (int round = 0; round < rounds; round++)
	{
		core_seed(round);
		one_decay(round);
		one_usage(round);
		one_tree(round);
		one_scoring(round);
	}
}
