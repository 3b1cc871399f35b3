/*-------------------------------------------------------------------------
 *
 * queued.c
 *	  Changing jobs that wait, by their own row's lock alone.
 *
 * A pass that has chosen the job holds that lock; then these wait for it, see
 * that the job is queued no more, and give up.  The callers do that in a
 * subtransaction, so that no lock is left when they go on to the pool's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/run.h"
#include "store/statement.h"

/* The state of the waiting job, locked, and its last change; NULL: none waits */
static char *
lock_queued(PmJobInfo *job, TimestampTz *instant)
{
	static PmStatement lock = PM_STATEMENT("int8;int8",
										   "SELECT state::text, changed_at FROM pool_manager.job_queue"
										   " WHERE pool_id = $1 AND job_id = $2 FOR UPDATE");
	PmArgs		args = {0};

	pm_arg_int64(&args, job->pool_id);
	pm_arg_int64(&args, job->job_id);
	if (pm_run(&lock, &args) == 0)
		return NULL;
	*instant = Max(pm_writing_clock(), pm_get_time(0, 2));
	return pm_get_text(0, 1);
}

char *
pm_cancel_queued(PmCall *call, PmJobInfo *job)
{
	static PmStatement cancel = PM_STATEMENT("int8;int8;int8;timestamptz;text;text",
											 "WITH d AS (DELETE FROM pool_manager.job_queue WHERE pool_id = $1 AND job_id = $2),"
											 " j AS (UPDATE pool_manager.job SET end_state = 'cancelled', ended_at = $4"
											 "  WHERE pool_id = $1 AND job_id = $2)"
											 " INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, from_state, to_state, actor)"
											 " VALUES ($3, $4, 'job_state', $1, $2, $6, 'cancelled', $5)");
	TimestampTz instant;
	char	   *state = lock_queued(job, &instant);
	PmArgs		args = {0};

	if (state == NULL)
		return NULL;
	pm_arg_int64(&args, job->pool_id);
	pm_arg_int64(&args, job->job_id);
	pm_arg_int64(&args, job->tenant_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_text(&args, state);
	pm_run(&cancel, &args);
	pm_changed();
	return state;
}

char *
pm_change_queued(PmCall *call, PmJobInfo *job, const char *from, const char *to)
{
	static PmStatement change = PM_STATEMENT("int8;int8;int8;timestamptz;text;text;text",
											 "WITH q AS (UPDATE pool_manager.job_queue SET state = $7::pool_manager.job_state, changed_at = $4"
											 "  WHERE pool_id = $1 AND job_id = $2)"
											 " INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, from_state, to_state, actor)"
											 " VALUES ($3, $4, 'job_state', $1, $2, $6, $7, $5)");
	TimestampTz instant;
	char	   *state = lock_queued(job, &instant);
	PmArgs		args = {0};

	if (state == NULL || strcmp(state, from) != 0)
		return state;
	pm_arg_int64(&args, job->pool_id);
	pm_arg_int64(&args, job->job_id);
	pm_arg_int64(&args, job->tenant_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_text(&args, from);
	pm_arg_text(&args, to);
	pm_run(&change, &args);
	pm_changed();
	return state;
}
