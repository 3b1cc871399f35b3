/*-------------------------------------------------------------------------
 *
 * submit_reservation.c
 *	  The reservation that a job names: whether it may run there at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/check.h"
#include "api/submit.h"
#include "errors.h"
#include "store/clock.h"
#include "store/statement.h"
#include "store/submit.h"

/* How long a run may last, by its own limits or the pool's; PM_NEVER: any time */
static int64
longest_run(const PmSubmission *submission, const PmJobSpec *job)
{
	int64		limit = job->time_limit ? pm_length(IntervalPGetDatum(job->time_limit), false) :
		submission->pool->default_time_limit;

	return Min(limit, pm_length(IntervalPGetDatum(job->auto_stop), job->auto_stop == NULL));
}

void
pm_resolve_reservation(PmSubmission *submission, PmJobSpec *job)
{
	PmReservationInfo found;
	TimestampTz now = pm_writing_clock();
	int64		limit;

	job->reservation_id = 0;
	if (job->reservation == NULL)
		return;
	if (!pm_find_reservation(submission, job->reservation, &found) ||
		(found.sub_pool_id != 0 && found.sub_pool_id != job->sub_pool_id))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("reservation \"%s\" does not exist", job->reservation),
				 errdetail("Pool \"%s\" has none of this name that is for the job's tenant and sub-pool.", submission->pool->name),
				 errhint("The view reservation_status shows those that there are.")));
	if (found.ends_at <= now)
		ereport(ERROR,
				(errcode(ERRCODE_PM_WRONG_STATE),
				 errmsg("reservation \"%s\" is over", job->reservation),
				 errdetail("It ended at %s.", timestamptz_to_str(found.ends_at)),
				 errhint("Name another one, or none.")));
	limit = longest_run(submission, job);
	if (limit > found.ends_at - Max(now, found.starts_at))
		ereport(ERROR,
				(errcode(ERRCODE_PM_NEVER_FITS),
				 errmsg("job \"%s\" may run longer than its reservation \"%s\" lasts", job->name, job->reservation),
				 limit == PM_NEVER ? errdetail("It has no time limit, and the pool has none for it.") :
				 errdetail("What runs in a reservation must have ended when it does."),
				 errhint("Give the job a time limit with which it ends by %s.", timestamptz_to_str(found.ends_at))));
	job->reservation_id = found.reservation_id;
}
