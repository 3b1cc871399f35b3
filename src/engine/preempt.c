/*-------------------------------------------------------------------------
 *
 * preempt.c
 *	  Who preempts whom: victims for a job that nodes or caps have failed.
 *
 * Candidates are preemptible runs that are not stopping and have run for the
 * pool's minimum: of lanes that hold more than is guaranteed to them of what is
 * lacking, if the job's own lane stays within its guarantee (reclaim.c); then of
 * the job's own lane, those of lower priority.  They are given back to the
 * space one by one, of either kind lowest priority first, then latest started,
 * then highest run id, until the job can be placed; if that never comes, nobody
 * is evicted.  Then the other way round each is spared that need not go at all,
 * and of each that is left all but the replicas that must go, if what stays is
 * the minimum of a gang.  What is left is inclusion-minimal: with any one
 * victim, or any one replica of one that shrinks, back in its place the job
 * would not fit.
 *
 * Where runs end at once, the job starts on what they leave.  Where they stop
 * first (pools with agents) it gets a claim (claim.c) on the nodes as they
 * will be, also when what is stopping already suffices; gangs go whole there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/engine_internal.h"

/* The last attempt for a shape that failed */
typedef struct Failure
{
	bool		failed;
	int16		priority;
	int32		lane;
	int64		submitted_at;
	int64		time_limit;		/* with it, nodes may have been shut */
} Failure;

struct PmPreempt
{
	PmSpace    *space;
	PmQueue    *queue;
	const PmPolicy *policy;
	int64		now;
	PmClaims   *claims;			/* NULL: runs end at once */
	MemoryContext caller;
	PmDecision *decision;
	int			maxvictims;
	int			maxsheds;

	int			ncandidates;	/* in the order in which they go */
	int		   *candidates;		/* indexes into PmCluster.runs */
	Failure    *failures;		/* [nshapes] */
	bool	   *lacks;			/* [ndims]: of the job at hand, to reclaim */
	bool		within;			/* its lane is to stay within its guarantee */
	PmShut	   *shut;			/* nodes that are no use to the job at hand */
	int		   *chosen;			/* [ncandidates]: given back for the job at hand */
	int		  **stay;			/* [ncandidates]: replicas that stay, by hold, of
								 * those chosen; NULL: none */
};

/* Who goes first */
static inline int
compare_runs(const PmRunning *a, const PmRunning *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	if (a->placed_at != b->placed_at)
		return a->placed_at > b->placed_at ? -1 : 1;
	if (a->run_id != b->run_id)
		return a->run_id > b->run_id ? -1 : 1;
	return 0;
}

#define ST_SORT sort_candidates
#define ST_ELEMENT_TYPE int
#define ST_COMPARE(a, b, runs) compare_runs(&(runs)[*(a)], &(runs)[*(b)])
#define ST_COMPARE_ARG_TYPE const PmRunning
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

PmPreempt *
pm_preempt_create(PmSpace *space, PmQueue *queue, const PmPolicy *policy, int64 now,
				  PmDecision *decision, MemoryContext caller)
{
	PmPreempt  *preempt = palloc0(sizeof(PmPreempt));
	PmCluster  *cluster = space->cluster;

	preempt->space = space;
	preempt->queue = queue;
	preempt->policy = policy;
	preempt->now = now;
	preempt->decision = decision;
	preempt->caller = caller;
	preempt->candidates = palloc(sizeof(int) * Max(cluster->nruns, 1));
	for (int r = 0; r < cluster->nruns; r++)
	{
		const PmRunning *run = &cluster->runs[r];

		if (run->preemptible && !run->stopping &&
			now - run->placed_at >= policy->min_runtime)
			preempt->candidates[preempt->ncandidates++] = r;
	}
	sort_candidates(preempt->candidates, preempt->ncandidates, cluster->runs);
	preempt->chosen = palloc(sizeof(int) * Max(preempt->ncandidates, 1));
	preempt->stay = palloc(sizeof(int *) * Max(preempt->ncandidates, 1));
	preempt->lacks = palloc(sizeof(bool) * Max(cluster->ndims, 1));
	preempt->shut = pm_shut_create(space);
	preempt->failures = palloc0(sizeof(Failure) * Max(queue->nshapes, 1));
	if (policy->stops)
	{
		preempt->claims = pm_claims_create(space);
		pm_keep_claims(preempt->claims, space, preempt->shut, now);
	}
	return preempt;
}

/* ---- the job at hand ---- */

static bool
fits(PmPreempt *preempt, const PmJob *job)
{
	if (preempt->within && pm_lane_would_borrow(preempt->queue, job->lane, job->shape))
		return false;
	if (!pm_place_job(preempt->space, job))
		return false;
	pm_place_undo(preempt->space);
	return true;
}

/* May the run be evicted for the job? */
static bool
may_go(const PmPreempt *preempt, const PmRunning *run, const PmJob *job)
{
	if (preempt->policy->preemption == PM_PREEMPT_NEVER || run->stopping ||
		run->nholds == 0 || run->lane != job->lane)
		return false;
	if (run->priority < job->priority)
		return true;
	return preempt->policy->preemption == PM_PREEMPT_NEWER_EQUAL &&
		run->priority == job->priority && run->submitted_at > job->submitted_at;
}

static bool
may_be_reclaimed(const PmPreempt *preempt, const PmRunning *run, const PmJob *job)
{
	return run->nholds > 0 && !run->stopping &&
		(preempt->policy->reclaim == PM_RECLAIM_ANY || run->priority < job->priority) &&
		pm_reclaim_from(preempt->space, run, job, preempt->lacks);
}

static bool
may_reclaim(const PmPreempt *preempt)
{
	return preempt->policy->reclaim != PM_RECLAIM_NEVER && preempt->queue->quota != NULL;
}

/* Could it help the job: is it on a node that the job may use, or under its caps? */
static bool
may_help(const PmPreempt *preempt, const PmRunning *run, const PmShape *shape)
{
	const PmSpace *space = preempt->space;

	if (preempt->queue->quota || space->pool_cap)
		return true;
	for (int h = 0; h < run->nholds; h++)
		for (int g = 0; g < shape->ngroups; g++)
			if (space->searches[shape->groups[g].request].match[space->cluster->nodes[run->holds[h].node].config])
				return true;
	return false;
}

/* Replicas of a hold, from the first, that can stay beside the job */
static int
stay_of_hold(PmPreempt *preempt, const PmJob *job, const PmRunning *run,
			 const PmHold *hold, int staying, int most)
{
	int			low = staying;
	int			high = most;

	while (low < high)
	{
		int			middle = low + (high - low + 1) / 2;

		pm_hold_take(preempt->space, run, hold, staying, middle - staying);
		if (fits(preempt, job))
			low = middle;
		else
			high = middle - 1;
		pm_hold_give(preempt->space, run, hold, staying, middle - staying);
	}
	pm_hold_take(preempt->space, run, hold, staying, low - staying);
	return low;
}

/*
 * Let as much of a chosen run stay as leaves the job its place, if that is
 * its minimum at least: first the minimum of each group, then what is beyond.
 */
static int *
let_stay(PmPreempt *preempt, const PmJob *job, const PmRunning *run)
{
	int		   *stay = palloc0(sizeof(int) * run->nholds);
	bool		enough = true;

	for (int g = 0; g < run->ngroups && enough; g++)
	{
		int			missing = run->min_replicas[g];

		for (int h = 0; h < run->nholds && missing > 0; h++)
		{
			const PmHold *hold = &run->holds[h];

			if (hold->group != g)
				continue;
			stay[h] = stay_of_hold(preempt, job, run, hold, 0, Min(hold->replicas, missing));
			missing -= stay[h];
		}
		enough = missing == 0;
	}
	if (!enough)
	{
		for (int h = 0; h < run->nholds; h++)
			pm_hold_give(preempt->space, run, &run->holds[h], 0, stay[h]);
		pfree(stay);
		return NULL;
	}
	for (int h = 0; h < run->nholds; h++)
		stay[h] = stay_of_hold(preempt, job, run, &run->holds[h], stay[h],
							   run->holds[h].replicas);
	return stay;
}

static bool
is_elastic(const PmRunning *run)
{
	int64		held = 0;
	int64		least = 0;

	for (int h = 0; h < run->nholds; h++)
		held += run->holds[h].replicas;
	for (int g = 0; g < run->ngroups; g++)
		least += run->min_replicas[g];
	return held > least;
}

/*
 * Spare whom the job does not need to go, last chosen first, and only then what
 * the others can keep: or one that shrinks might cost another its place.
 * Returns how many go.
 */
static int
spare(PmPreempt *preempt, const PmJob *job, int nchosen)
{
	PmSpace    *space = preempt->space;
	int			kept = 0;

	for (int i = nchosen - 1; i >= 0; i--)
	{
		int			r = preempt->chosen[i];
		const PmRunning *run = &space->cluster->runs[r];

		preempt->stay[i] = NULL;
		pm_run_take(space, run);
		if (fits(preempt, job))
			preempt->chosen[i] = -1;
		else
			pm_run_give(space, run);
	}
	for (int i = nchosen - 1; i >= 0 && preempt->claims == NULL; i--)
	{
		const PmRunning *run = &space->cluster->runs[Max(preempt->chosen[i], 0)];

		if (preempt->chosen[i] >= 0 && is_elastic(run))
			preempt->stay[i] = let_stay(preempt, job, run);
	}
	for (int i = 0; i < nchosen; i++)
	{
		if (preempt->chosen[i] < 0)
			continue;
		preempt->chosen[kept] = preempt->chosen[i];
		preempt->stay[kept++] = preempt->stay[i];
	}
	return kept;
}

/* The space has those chosen again, as far as they went */
static void
put_back(PmPreempt *preempt, int nchosen)
{
	for (int i = 0; i < nchosen; i++)
	{
		const PmRunning *run = &preempt->space->cluster->runs[preempt->chosen[i]];

		for (int h = 0; h < run->nholds; h++)
		{
			int			stay = preempt->stay[i] ? preempt->stay[i][h] : 0;

			pm_hold_take(preempt->space, run, &run->holds[h], stay, run->holds[h].replicas - stay);
		}
	}
}

/* Go on choosing, among those of other lanes or of its own, until the job fits */
static bool
choose_among(PmPreempt *preempt, const PmJob *job, bool others, int *nchosen)
{
	PmSpace    *space = preempt->space;
	const PmShape *shape = &preempt->queue->shapes[job->shape];

	for (int c = 0; c < preempt->ncandidates; c++)
	{
		const PmRunning *run = &space->cluster->runs[preempt->candidates[c]];

		if (!(others ? may_be_reclaimed(preempt, run, job) : may_go(preempt, run, job)) ||
			pm_shut_has(preempt->shut, run))
			continue;
		pm_caps_choose(space, job->lane);
		if (!may_help(preempt, run, shape))
			continue;
		pm_run_give(space, run);
		preempt->chosen[(*nchosen)++] = preempt->candidates[c];
		if (fits(preempt, job))
		{
			*nchosen = spare(preempt, job, *nchosen);
			return true;
		}
	}
	return false;
}

/* If not, the lane need not stay within its guarantee, and fewer may do */
static bool
any_of_others(const PmPreempt *preempt, const PmJob *job, int nchosen)
{
	for (int i = 0; i < nchosen; i++)
		if (preempt->space->cluster->runs[preempt->chosen[i]].lane != job->lane)
			return true;
	return false;
}

/* The space has all of those chosen again */
static void
unchoose(PmPreempt *preempt, int *nchosen)
{
	while (*nchosen > 0)
		pm_run_take(preempt->space,
					&preempt->space->cluster->runs[preempt->chosen[--*nchosen]]);
}

/* Choose victims; false, and nothing has changed, if they could not help */
static bool
choose(PmPreempt *preempt, const PmJob *job, int *nchosen)
{
	*nchosen = 0;

	/* what is stopping may be enough */
	if (preempt->claims && pm_claims_expect(preempt->claims) && fits(preempt, job))
		return true;
	if (may_reclaim(preempt))
	{
		bool		found;

		preempt->within = true;
		found = choose_among(preempt, job, true, nchosen) ||
			(*nchosen > 0 && choose_among(preempt, job, false, nchosen));
		preempt->within = false;
		if (found && any_of_others(preempt, job, *nchosen))
			return true;
		if (found)
			put_back(preempt, *nchosen);
		else
			unchoose(preempt, nchosen);
		*nchosen = 0;
	}
	if (choose_among(preempt, job, false, nchosen))
		return true;
	unchoose(preempt, nchosen);
	return false;
}

/* ---- what becomes of victims ---- */

static void
add_shed(PmPreempt *preempt, int hold, int replicas)
{
	PmDecision *decision = preempt->decision;

	decision->sheds = pm_grow(preempt->caller, decision->sheds, &preempt->maxsheds,
							  decision->nsheds + 1, sizeof(PmShed));
	decision->sheds[decision->nsheds].hold = hold;
	decision->sheds[decision->nsheds++].replicas = replicas;
}

/* From now on the run holds what stays; stay NULL: it is gone, or stopping */
static void
note_victim(PmPreempt *preempt, int r, const int *stay, int job)
{
	PmSpace    *space = preempt->space;
	PmDecision *decision = preempt->decision;
	PmRunning  *run = &space->cluster->runs[r];
	PmVictim   *victim;

	decision->victims = pm_grow(preempt->caller, decision->victims, &preempt->maxvictims,
								decision->nvictims + 1, sizeof(PmVictim));
	victim = &decision->victims[decision->nvictims++];
	victim->run = r;
	victim->job = job;
	victim->whole = stay == NULL;
	victim->first_shed = decision->nsheds;
	victim->nsheds = 0;
	if (stay == NULL)
	{
		if (preempt->claims)
			pm_claims_await(preempt->claims, r);
		run->stopping = true;
		return;
	}
	for (int h = 0; h < run->nholds; h++)
	{
		PmHold	   *hold = &run->holds[h];
		int64	   *amounts;

		if (stay[h] == hold->replicas)
			continue;
		add_shed(preempt, h, hold->replicas - stay[h]);
		victim->nsheds++;
		amounts = MemoryContextAlloc(space->context, sizeof(int64) * Max(space->cluster->ndims, 1));
		for (int d = 0; d < space->cluster->ndims; d++)
			amounts[d] = hold->amounts[d] / hold->replicas * stay[h];
		hold->amounts = amounts;
		hold->ndevices = hold->ndevices / hold->replicas * stay[h];
		hold->replicas = stay[h];
	}
}

/* Did a job of this shape that might have had more victims fail already? */
static bool
failed_before(const PmPreempt *preempt, const PmJob *job)
{
	const Failure *failure = &preempt->failures[job->shape];

	return failure->failed && failure->lane == job->lane &&
		(preempt->space->cluster->nwindows == 0 || job->time_limit >= failure->time_limit) &&
		(job->priority < failure->priority ||
		 (job->priority == failure->priority &&
		  (preempt->policy->preemption != PM_PREEMPT_NEWER_EQUAL ||
		   job->submitted_at >= failure->submitted_at)));
}

static void
note_failure(PmPreempt *preempt, const PmJob *job)
{
	Failure    *failure = &preempt->failures[job->shape];

	failure->failed = true;
	failure->priority = job->priority;
	failure->lane = job->lane;
	failure->submitted_at = job->submitted_at;
	failure->time_limit = job->time_limit;
}

/* Is there anybody to evict, or has it had somebody evicted already? */
static bool
may_preempt(const PmPreempt *preempt, const PmJob *job)
{
	const PmRunning *runs = preempt->space->cluster->runs;

	if (job->claims_since == 0 &&
		preempt->now - job->submitted_at < preempt->policy->preemption_delay)
		return false;
	if (may_reclaim(preempt))
		pm_reclaim_lacks(preempt->space, job, preempt->lacks);
	for (int c = 0; c < preempt->ncandidates; c++)
	{
		const PmRunning *run = &runs[preempt->candidates[c]];

		if (may_go(preempt, run, job) ||
			(may_reclaim(preempt) && may_be_reclaimed(preempt, run, job)))
			return true;
	}
	return job->claims_since != 0;
}

/*
 * With what is to come a job may be blocked although there is room for it: then
 * it is in nobody's place.
 */
static bool
waits_for_others(PmPreempt *preempt, const PmJob *job)
{
	bool		waits;

	if (preempt->policy->queue != PM_QUEUE_BACKFILL && preempt->space->cluster->nwindows == 0)
		return false;
	pm_shut_nodes(preempt->shut, preempt->now, job);
	waits = fits(preempt, job);
	pm_shut_reopen(preempt->shut);
	return waits;
}

/*
 * What is kept for a job is open to it when its turn comes; false: nothing is.
 */
bool
pm_preempt_release(PmPreempt *preempt, int job)
{
	if (preempt->claims == NULL || !pm_claims_has(preempt->claims, job))
		return false;
	pm_claims_open(preempt->claims);
	pm_claims_release(preempt->claims, job);
	pm_claims_close(preempt->claims);
	memset(preempt->failures, 0, sizeof(Failure) * preempt->queue->nshapes);
	return true;
}

/*
 * Make room for a job that could not be placed.  PM_ROOM_MADE: its takes are
 * in the space, to be emitted; PM_ROOM_CLAIMED: it waits for runs that stop.
 * Either way more may be free than before.
 */
PmRoom
pm_preempt_for(PmPreempt *preempt, int j)
{
	PmSpace    *space = preempt->space;
	const PmJob *job = &preempt->queue->jobs[j];
	int64		reached = space->reached[job->shape];
	int			nchosen = 0;
	bool		found;

	if (failed_before(preempt, job) || !may_preempt(preempt, job) ||
		waits_for_others(preempt, job))
		return PM_ROOM_NONE;
	if (preempt->claims)
		pm_claims_open(preempt->claims);
	pm_shut_nodes(preempt->shut, preempt->now, job);
	found = choose(preempt, job, &nchosen);
	if (found && !pm_place_job(space, job))
	{
		/* it did a moment ago; but nobody goes in vain, whatever happens */
		put_back(preempt, nchosen);
		found = false;
	}
	if (found)
	{
		if (preempt->claims)
			pm_claims_add(preempt->claims, j);
		for (int i = 0; i < nchosen; i++)
			note_victim(preempt, preempt->chosen[i], preempt->stay[i], j);
	}
	pm_shut_reopen(preempt->shut);
	if (preempt->claims)
		pm_claims_close(preempt->claims);
	if (!found)
	{
		space->reached[job->shape] = reached;
		note_failure(preempt, job);
		return PM_ROOM_NONE;
	}
	pm_space_grew(space);
	memset(preempt->failures, 0, sizeof(Failure) * preempt->queue->nshapes);
	if (preempt->claims == NULL)
		return PM_ROOM_MADE;
	return PM_ROOM_CLAIMED;
}
