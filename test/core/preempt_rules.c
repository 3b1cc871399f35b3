/*-------------------------------------------------------------------------
 *
 * preempt_rules.c
 *	  Who may go, who need not, and what nodes have then, by brute force.
 *
 * Shared by the properties of preemption, reclaim and claims; it shares no code
 * with the engine.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "preempt.h"

Stay
preempt_all_stay(const Input *in)
{
	Stay		stay = {0};

	for (int r = 0; r < in->cluster.nruns; r++)
		for (int h = 0; h < in->runs[r].nholds; h++)
			stay.of[r][h] = in->holds[r][h].replicas;
	return stay;
}

/* Gives back to the nodes and caps of an input what does not stay */
void
preempt_give_back(Input *in, const Stay *stay)
{
	for (int r = 0; r < in->cluster.nruns; r++)
		for (int h = 0; h < in->runs[r].nholds; h++)
		{
			PmHold	   *hold = &in->holds[r][h];
			int			goes = hold->replicas - stay->of[r][h];
			int			per = hold->replicas == 0 ? 0 : hold->ndevices / hold->replicas;

			if (goes == 0)
				continue;
			for (int d = 0; d < DIMS; d++)
			{
				int64		one = in->amounts[r][h][d] / hold->replicas;

				in->free[hold->node][d] += one * goes;
				if (in->capped && in->available[in->runs[r].lane][d] != PM_CAP_NONE)
					in->available[in->runs[r].lane][d] += one * goes;
				in->amounts[r][h][d] -= one * goes;
			}
			for (int i = per * stay->of[r][h]; i < hold->ndevices; i++)
				in->device_free[hold->node][hold->devices[i]] += hold->device_share;
			hold->ndevices = per * stay->of[r][h];
			hold->replicas = stay->of[r][h];
		}
}

/* How many replicas of what a job asks for have room side by side */
bool
preempt_has_room(const Input *in, const PmJob *job)
{
	const int64 *asked = in->asked[job->shape];
	int64		min = in->groups[job->shape].min_replicas;
	int64		total = 0;

	for (int d = 0; d < DIMS && in->capped; d++)
		if (asked[d] > 0 && in->available[job->lane][d] != PM_CAP_NONE &&
			in->available[job->lane][d] < asked[d] * min)
			return false;
	for (int n = 0; n < in->cluster.nnodes; n++)
	{
		int64		here = min;
		int64		room = 0;

		if (asked[0] > 0)
			here = Min(here, in->free[n][0] / asked[0]);
		for (int i = 0; i < in->nodes[n].ndevices; i++)
		{
			if (asked[1] % 1000 != 0)
				room += in->device_free[n][i] / asked[1];
			else if (in->device_free[n][i] == 1000)
				room++;
		}
		if (asked[1] > 0 && asked[1] % 1000 == 0)
			room /= asked[1] / 1000;
		if (asked[1] > 0)
			here = Min(here, room);
		total += here;
	}
	return total >= min;
}

bool
preempt_fits_beside(const Input *in, const Stay *stay, const PmJob *job)
{
	Input	   *copy = preempt_copy(in);
	bool		fits;

	preempt_give_back(copy, stay);
	fits = preempt_has_room(copy, job);
	pfree(copy);
	return fits;
}

bool
preempt_may_go(const Input *in, const PmRunning *run, const PmJob *job)
{
	if (!run->preemptible || run->stopping || run->lane != job->lane ||
		in->policy.now - run->placed_at < in->policy.min_runtime)
		return false;
	return run->priority < job->priority ||
		(in->policy.preemption == PM_PREEMPT_NEWER_EQUAL && run->priority == job->priority &&
		 run->submitted_at > job->submitted_at);
}

/* What stays after the decision's victims; stopping runs go too if asked */
Stay
preempt_stay_after(const Input *in, const PmDecision *decision, bool stopping)
{
	Stay		stay = preempt_all_stay(in);

	for (int i = 0; i < decision->nvictims; i++)
	{
		const PmVictim *victim = &decision->victims[i];

		for (int h = 0; h < in->runs[victim->run].nholds && victim->whole; h++)
			stay.of[victim->run][h] = 0;
		for (int s = 0; s < victim->nsheds; s++)
			stay.of[victim->run][decision->sheds[victim->first_shed + s].hold] -=
				decision->sheds[victim->first_shed + s].replicas;
	}
	for (int r = 0; r < in->cluster.nruns && stopping; r++)
		if (in->runs[r].stopping)
			memset(stay.of[r], 0, sizeof(stay.of[r]));
	return stay;
}

/* Every victim may go, and goes for a job that starts or will; gangs whole */
bool
preempt_victims_allowed(const Input *in, const Input *after, const PmDecision *decision)
{
	Stay		stay = preempt_stay_after(in, decision, false);

	for (int i = 0; i < decision->nvictims; i++)
	{
		const PmVictim *victim = &decision->victims[i];
		bool		starts = false;

		if (!preempt_may_go(in, &in->runs[victim->run], &after->jobs[victim->job]) &&
			in->queue.njobs == 1 &&
			!reclaim_may_go(in, &in->runs[victim->run], &after->jobs[victim->job]))
			return false;
		for (int s = 0; s < decision->nstarts; s++)
			starts |= decision->starts[s].job == victim->job;
		for (int c = 0; c < decision->nclaims; c++)
			starts |= decision->claims[c] == victim->job;
		if (!starts || (in->policy.stops && !victim->whole))
			return false;
	}
	for (int r = 0; r < in->cluster.nruns; r++)
	{
		int			left[2] = {0};
		int			all = 0;

		for (int h = 0; h < in->runs[r].nholds; h++)
		{
			if (stay.of[r][h] < 0)
				return false;
			left[in->holds[r][h].group] += stay.of[r][h];
			all += stay.of[r][h];
		}
		for (int g = 0; g < in->runs[r].ngroups && all > 0; g++)
			if (left[g] < in->least[r][g])
				return false;
	}
	return true;
}

/* No proper subset of who goes would do: with any one replica back it does not fit */
bool
preempt_is_minimal(const Input *in, const PmDecision *decision, const PmJob *job)
{
	Stay		stay = preempt_stay_after(in, decision, true);
	bool		within = reclaim_any(in, decision, job);

	for (int i = 0; i < decision->nvictims; i++)
	{
		const PmVictim *victim = &decision->victims[i];
		Stay		other = stay;

		if (victim->whole)
			for (int h = 0; h < in->runs[victim->run].nholds; h++)
				other.of[victim->run][h] = in->holds[victim->run][h].replicas;
		if (victim->whole && reclaim_would_do(in, &other, job, within))
			return false;
		/* nor would its minimum be in the way, where it is clear which replicas that is */
		if (victim->whole && !in->policy.stops && in->runs[victim->run].nholds == 1)
		{
			other.of[victim->run][0] = in->least[victim->run][in->holds[victim->run][0].group];
			if (other.of[victim->run][0] > 0 && reclaim_would_do(in, &other, job, within))
				return false;
		}
		for (int s = 0; s < victim->nsheds; s++)
		{
			other = stay;
			other.of[victim->run][decision->sheds[victim->first_shed + s].hold]++;
			if (reclaim_would_do(in, &other, job, within))
				return false;
		}
	}
	return true;
}

/* The nodes are what they were, with victims gone and starts there */
bool
preempt_books_agree(const Input *in, const Input *after, const PmDecision *decision)
{
	Input	   *book = preempt_copy(in);
	Stay		stay = preempt_stay_after(in, decision, false);

	if (!in->policy.stops)
		preempt_give_back(book, &stay);
	for (int i = 0; i < decision->nplacements; i++)
	{
		const PmPlacement *p = &decision->placements[i];
		int			j = 0;

		while (!(i >= decision->starts[j].first_placement &&
				 i < decision->starts[j].first_placement + decision->starts[j].nplacements))
			j++;
		j = after->jobs[decision->starts[j].job].shape;
		for (int d = 0; d < DIMS; d++)
			book->free[p->node][d] -= p->replicas * in->asked[j][d];
		for (int k = 0; k < p->ndevices; k++)
			book->device_free[p->node][decision->devices[p->first_device + k]] -= p->device_share;
	}
	for (int n = 0; n < in->cluster.nnodes; n++)
	{
		for (int d = 0; d < DIMS; d++)
			if (book->free[n][d] < 0 ||
				(decision->nclaims == 0 && book->free[n][d] != after->free[n][d]))
				return false;
		for (int i = 0; i < in->nodes[n].ndevices; i++)
			if (book->device_free[n][i] < 0)
				return false;
	}
	pfree(book);
	return true;
}
