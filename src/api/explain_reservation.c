/*-------------------------------------------------------------------------
 *
 * explain_reservation.c
 *	  Which reservations are in the way of a job, or its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "api/explain.h"

static void
put_reservation(PmExplanation *this, const char *item, int owner, int64 nodes, int64 at)
{
	PmExplainRow row = pm_explain_row("blocked_by", item);

	row.detail = pm_reservation_name(this->job, this->data->reservation_ids[owner - 1]);
	row.count = nodes;
	row.at = at;
	pm_explain_put(this, row);
}

/* Reservations of others that begin before the job must have ended: of how many
 * nodes, and until when */
void
pm_explain_reserved_nodes(PmExplanation *this)
{
	const PmCluster *cluster = &this->data->cluster;
	const PmJob *job = &this->data->queue.jobs[this->index];
	int64	   *nodes = palloc0(sizeof(int64) * (cluster->nowners + 1));

	for (int w = 0; w < cluster->nwindows; w++)
	{
		const PmWindow *window = &cluster->windows[w];

		if (window->until > this->policy.now &&
			window->since < pm_time_add(this->policy.now, job->time_limit))
			nodes[window->owner]++;
	}
	for (int owner = 1; owner <= cluster->nowners; owner++)
		if (nodes[owner] > 0)
			put_reservation(this, "reserved_nodes", owner, nodes[owner], cluster->owners[owner - 1].until);
}

/* Its own, which has not begun, or ends too early */
void
pm_explain_own_reservation(PmExplanation *this)
{
	const PmCluster *cluster = &this->data->cluster;
	int			owner = pm_owner_of(&this->data->queue, this->data->queue.jobs[this->index].shape);
	const PmOwner *it = &cluster->owners[owner - 1];

	put_reservation(this, "own_reservation", owner, -1,
					this->policy.now < Min(it->since, it->until) ? it->since : it->until);
}
