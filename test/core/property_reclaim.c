/*-------------------------------------------------------------------------
 *
 * property_reclaim.c
 *	  What jobs take back from other lanes, against brute force.
 *
 * The inputs are those of property_preempt.c, which hands over where a job has
 * reclaimed something.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "preempt.h"

/* May it be taken back from another lane, which holds more than is its own? */
bool
reclaim_may_go(const Input *in, const PmRunning *run, const PmJob *job)
{
	int			r = (int) (run - in->runs);
	bool		owes = false;

	if (in->policy.reclaim == PM_RECLAIM_NEVER || !in->capped || !run->preemptible ||
		run->stopping || run->lane == job->lane ||
		in->policy.now - run->placed_at < in->policy.min_runtime ||
		(in->policy.reclaim == PM_RECLAIM_LOWER && run->priority >= job->priority))
		return false;
	for (int d = 0; d < DIMS; d++)
	{
		int64		held = 0;
		int64		own = 0;

		for (int o = 0; o < in->cluster.nruns; o++)
			for (int h = 0; h < in->runs[o].nholds; h++)
			{
				held += in->runs[o].lane == run->lane ? in->amounts[o][h][d] : 0;
				own += o == r ? in->amounts[o][h][d] : 0;
			}
		owes |= in->asked[job->shape][d] > 0 && own > 0 && held > in->guaranteed[run->lane][d];
	}
	return owes;
}

/* Would the lane of a job stay within its guarantee with it? */
static bool
stays_within(const Input *in, const Stay *stay, const PmJob *job)
{
	for (int d = 0; d < DIMS; d++)
	{
		int64		amount = in->asked[job->shape][d] * in->groups[job->shape].min_replicas;

		for (int r = 0; r < in->cluster.nruns && amount > 0; r++)
			for (int h = 0; h < in->runs[r].nholds && in->runs[r].lane == job->lane; h++)
				amount += in->amounts[r][h][d] / in->holds[r][h].replicas * stay->of[r][h];
		if (amount > in->guaranteed[job->lane][d] && in->asked[job->shape][d] > 0)
			return false;
	}
	return true;
}

bool
reclaim_any(const Input *in, const PmDecision *decision, const PmJob *job)
{
	for (int i = 0; i < decision->nvictims; i++)
		if (in->runs[decision->victims[i].run].lane != job->lane)
			return true;
	return false;
}

bool
reclaim_would_do(const Input *in, const Stay *stay, const PmJob *job, bool within)
{
	return preempt_fits_beside(in, stay, job) && (!within || stays_within(in, stay, job));
}

/* What one job takes back from other lanes is its own, and no more than it needs */
void
reclaim_check(int round, const Input *in, const Input *after, const PmDecision *decision)
{
	const PmJob *job = &in->jobs[0];
	Stay		stay = preempt_stay_after(in, decision, true);

	core_check(reclaim_would_do(in, &stay, job, true) && !preempt_has_room(in, job) &&
			   decision->nstarts + decision->nclaims == 1,
			   "preemption %d: what is reclaimed is its own", round);
	core_check(preempt_is_minimal(in, decision, job), "preemption %d: none could stay", round);
	core_check(preempt_books_agree(in, after, decision), "preemption %d: books agree", round);
}
