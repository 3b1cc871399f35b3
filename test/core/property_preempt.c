/*-------------------------------------------------------------------------
 *
 * property_preempt.c
 *	  Preemption on small random inputs, against brute force: who may go, that
 *	  nobody goes in vain, and that no fewer would do.
 *
 * It shares no code with the engine but the pass that it tests.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "preempt.h"

/* Of all sets of runs that may go, does one do? */
static bool
some_set_does(const Input *in, const PmJob *job)
{
	for (int set = 0; set < 1 << in->cluster.nruns; set++)
	{
		Stay		stay = preempt_all_stay(in);
		bool		allowed = true;

		for (int r = 0; r < in->cluster.nruns; r++)
		{
			if (set & (1 << r))
			{
				allowed &= preempt_may_go(in, &in->runs[r], job);
				memset(stay.of[r], 0, sizeof(stay.of[r]));
			}
			else if (in->runs[r].stopping)
				memset(stay.of[r], 0, sizeof(stay.of[r]));
		}
		if (allowed && preempt_fits_beside(in, &stay, job))
			return true;
	}
	return false;
}

static bool
may_preempt_any(const Input *in, const PmJob *job)
{
	for (int r = 0; r < in->cluster.nruns; r++)
		if (preempt_may_go(in, &in->runs[r], job))
			return true;
	return false;
}

/*
 * The order in which they are taken, done from the start for every step: the
 * shortest row of candidates that does, of which then, from the end, each one
 * is left out without which it still does.
 */
static bool
as_by_the_rule(const Input *in, const PmDecision *decision, const PmJob *job)
{
	int			row[RUNS];
	int			n = 0;
	int			taken = 0;
	bool		out[RUNS] = {false};

	for (int r = 0; r < in->cluster.nruns; r++)
	{
		int			at = n;

		if (!preempt_may_go(in, &in->runs[r], job))
			continue;
		for (; at > 0; at--)
		{
			const PmRunning *a = &in->runs[row[at - 1]];
			const PmRunning *b = &in->runs[r];

			if (a->priority < b->priority ||
				(a->priority == b->priority && (a->placed_at > b->placed_at)))
				break;
			row[at] = row[at - 1];
		}
		row[at] = r;
		n++;
	}
	for (int step = 0; step <= 2 * n; step++)
	{
		Stay		stay = preempt_all_stay(in);

		for (int r = 0; r < in->cluster.nruns; r++)
			if (in->runs[r].stopping || out[r])
				memset(stay.of[r], 0, sizeof(stay.of[r]));
		if (step < n)
		{
			if (preempt_fits_beside(in, &stay, job))
				step = n;
			else
			{
				out[row[step]] = true;
				taken = step + 1;
				continue;
			}
		}
		if (step > n || taken == 0)
			break;
		for (int i = taken - 1; i >= 0; i--)
		{
			Stay		other = stay;

			memcpy(other.of[row[i]], preempt_all_stay(in).of[row[i]], sizeof(other.of[0]));
			if (!preempt_fits_beside(in, &other, job))
				continue;
			stay = other;
			out[row[i]] = false;
		}
		break;
	}
	for (int r = 0; r < in->cluster.nruns; r++)
	{
		bool		victim = false;

		for (int i = 0; i < decision->nvictims; i++)
			victim |= decision->victims[i].run == r;
		if (victim != out[r])
			return false;
	}
	return true;
}

/* One job alone: everything can be compared with brute force */
static void
one_job(int round, bool stops)
{
	Input	   *in = preempt_random_input(1, stops);
	Input	   *after = preempt_copy(in);
	PmDecision *decision = preempt_pass(after);
	const PmJob *job = &in->jobs[0];
	bool		now = preempt_has_room(in, job);
	bool		could = now || (may_preempt_any(in, job) && some_set_does(in, job));

	core_check(preempt_victims_allowed(in, after, decision), "preemption %d: only who may go, gangs whole", round);
	if (reclaim_any(in, decision, job))
	{
		reclaim_check(round, in, after, decision);
		return;
	}
	core_check(decision->nstarts + decision->nclaims == (could ? 1 : 0) ||
			   (in->policy.stops && in->policy.reclaim != PM_RECLAIM_NEVER && in->capped),
			   "preemption %d: it gets room if brute force finds any", round);
	core_check(!now || (decision->nvictims == 0 && decision->nstarts == 1),
			   "preemption %d: nobody goes where there is room", round);
	core_check(could || decision->nvictims == 0, "preemption %d: nobody goes in vain", round);
	core_check(preempt_is_minimal(in, decision, job), "preemption %d: none could stay", round);
	core_check(now || !could || as_by_the_rule(in, decision, job),
			   "preemption %d: victims by the rule", round);
	core_check(preempt_books_agree(in, after, decision), "preemption %d: books agree", round);
	if (!stops && could && !now)
		core_check(decision->nvictims > 0, "preemption %d: room comes from somebody", round);
}

/* Several jobs: nobody is over-allocated, nobody goes in vain */
static void
many_jobs(int round)
{
	Input	   *in = preempt_random_input((int) core_between(2, JOBS), false);
	Input	   *after;
	PmDecision *decision;

	in->policy.queue = (PmQueuePolicy) core_between(0, 2);
	after = preempt_copy(in);
	decision = preempt_pass(after);
	core_check(preempt_victims_allowed(in, after, decision), "preemption %d, many: only who may go", round);
	core_check(preempt_books_agree(in, after, decision), "preemption %d, many: books agree", round);
}

void
core_preemption(int rounds)
{
	core_fresh_memory();
	claims_side_by_side();
	for (int round = 0; round < rounds; round++)
	{
		core_seed(1000000 + round);
		core_fresh_memory();
		one_job(round, round % 4 == 3);
		many_jobs(round);
		claims_hold(round);
	}
}
