/*-------------------------------------------------------------------------
 *
 * keep.c
 *	  Claims of earlier passes, which are there before anything starts.
 *
 * What such a job waits for is not stored but found anew, for all of them side
 * by side, on the nodes as they will be.  If it were found when its turn comes,
 * the one before could start, or be kept, where only this one can be, and its
 * victims would have gone in vain.
 *
 * They are placed one after the other as any job is.  Where that leaves one of
 * them without its place, all get their minimum only, that one first; and so on
 * a few times.  Then it is not worth more: each gets what the ones before leave
 * it, and who gets nothing finds other victims (preempt.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

#define KEEP_TRIES 8

typedef struct Keep
{
	PmClaims   *claims;
	PmSpace    *space;
	PmShut	   *shut;
	int64		now;
	int			njobs;
	int		   *jobs;			/* indexes into PmQueue.jobs */
} Keep;

static bool
claim(Keep *keep, int j, bool least)
{
	const PmJob *job = &keep->space->queue->jobs[j];
	bool		placed;

	pm_shut_nodes(keep->shut, keep->now, job);
	keep->space->least = least;
	placed = pm_place_job(keep->space, job);
	keep->space->least = false;
	if (placed)
		pm_claims_add(keep->claims, j);
	pm_shut_reopen(keep->shut);
	return placed;
}

/* Claim for all, or for none; returns which one failed, or how many they are */
static int
claim_all(Keep *keep, bool least)
{
	for (int i = 0; i < keep->njobs; i++)
	{
		if (claim(keep, keep->jobs[i], least))
			continue;
		for (int k = i - 1; k >= 0; k--)
			pm_claims_release(keep->claims, keep->jobs[k]);
		return i;
	}
	return keep->njobs;
}

/* That one first; if it was, it is hopeless */
static void
reorder(Keep *keep, int failed)
{
	int			job = keep->jobs[failed];

	if (failed == 0)
		memmove(keep->jobs, keep->jobs + 1, sizeof(int) * --keep->njobs);
	else
	{
		memmove(keep->jobs + 1, keep->jobs, sizeof(int) * failed);
		keep->jobs[0] = job;
	}
}

void
pm_keep_claims(PmClaims *claims, PmSpace *space, PmShut *shut, int64 now)
{
	const PmQueue *queue = space->queue;
	Keep		keep = {claims, space, shut, now, 0, NULL};
	int			failed = 0;

	/* they are the first in the queue; of those that are frozen nothing starts */
	keep.jobs = palloc(sizeof(int) * Max(queue->njobs, 1));
	for (int j = 0; j < queue->njobs && queue->jobs[j].claims_since != 0; j++)
		if (queue->lane_frozen == NULL || !queue->lane_frozen[queue->jobs[j].lane])
			keep.jobs[keep.njobs++] = j;

	if (keep.njobs > 0)
	{
		pm_claims_open(claims);
		failed = claim_all(&keep, false);
		for (int i = 0; i < KEEP_TRIES && failed < keep.njobs; i++)
		{
			reorder(&keep, failed);
			failed = claim_all(&keep, true);
		}
		for (int i = 0; i < keep.njobs && failed < keep.njobs; i++)
			claim(&keep, keep.jobs[i], false);
		pm_claims_close(claims);
	}
	pfree(keep.jobs);
}
