/*-------------------------------------------------------------------------
 *
 * reclaim.c
 *	  Taking back what other lanes hold beyond what is guaranteed to them:
 *	  of what a job lacks, and from whom it may be taken.
 *
 * A job reclaims only what is its lane's own: with it, the lane must stay
 * within what is guaranteed to it in all that the job asks for.  So nobody can
 * reclaim it in turn.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

/* What is free on the nodes that a shape may use */
static int64
free_for(const PmSpace *space, const PmShape *shape, int d)
{
	const PmCluster *cluster = space->cluster;
	int64		sum = 0;

	for (int n = 0; n < cluster->nnodes; n++)
	{
		bool		match = false;

		for (int g = 0; g < shape->ngroups && !match; g++)
			match = space->searches[shape->groups[g].request].match[cluster->nodes[n].config];
		if (match)
			sum += cluster->nodes[n].free[d];
	}
	return sum;
}

/*
 * In which dimensions does the minimum of a job lack something: of its quota,
 * or of what is free on the nodes together?  If in none, it is in pieces that
 * are too small: then all that it asks for is lacking.
 */
void
pm_reclaim_lacks(PmSpace *space, const PmJob *job, bool *lacks)
{
	const PmQueue *queue = space->queue;
	const PmShape *shape = &queue->shapes[job->shape];
	bool		any = false;

	for (int d = 0; d < space->cluster->ndims; d++)
	{
		int64		needed = pm_minimum_amount(queue, shape, 0, shape->ngroups - 1, d);
		PmLevel		level;

		lacks[d] = needed > 0 &&
			(pm_lane_available(queue->quota, job->lane, d, &level) < needed ||
			 free_for(space, shape, d) < needed);
		any |= lacks[d];
	}
	for (int d = 0; d < space->cluster->ndims && !any; d++)
		lacks[d] = pm_minimum_amount(queue, shape, 0, shape->ngroups - 1, d) > 0;
}

/* May the job have what a run of another lane holds, as the lanes are now? */
bool
pm_reclaim_from(const PmSpace *space, const PmRunning *run, const PmJob *job, const bool *lacks)
{
	if (run->lane == job->lane)
		return false;
	for (int d = 0; d < space->cluster->ndims; d++)
	{
		bool		holds = false;

		for (int h = 0; h < run->nholds && lacks[d] && !holds; h++)
			holds = run->holds[h].amounts[d] > 0;
		if (holds && pm_lane_owes(space->queue->quota, run->lane, job->lane, d))
			return true;
	}
	return false;
}
