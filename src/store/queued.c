/*-------------------------------------------------------------------------
 *
 * queued.c
 *	  Changing jobs that wait or rest, by their own row's lock alone.
 *
 * A pass that has chosen the job holds that lock; then these wait for it, see
 * that the job is queued no more, and give up.  The callers do that in a
 * subtransaction, so that no lock is left when they go on to the pool's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

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

bool
pm_is_state_of(const char *state, const char *states)
{
	return strstr(states, psprintf(" %s ", state)) != NULL;
}

char *
pm_cancel_queued(PmCall *call, PmJobInfo *job)
{
	static PmStatement cancel = PM_STATEMENT("int8;int8;int8;timestamptz;text;text",
											 "WITH d AS (DELETE FROM pool_manager.job_queue WHERE pool_id = $1 AND job_id = $2),"
											 " j AS (UPDATE pool_manager.job SET end_state = 'cancelled', ended_at = $4"
											 "  WHERE pool_id = $1 AND job_id = $2),"
											 " e AS (INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, from_state, to_state, actor)"
											 "  VALUES ($3, $4, 'job_state', $1, $2, $6, 'cancelled', $5))"
											 " UPDATE pool_manager.volume SET deleted_at = $4"
											 " WHERE pool_id = $1 AND job_id = $2 AND deleted_at IS NULL");
	TimestampTz instant;
	char	   *state = lock_queued(job, &instant);
	PmArgs		args = {0};

	if (state == NULL)
		return NULL;
	if (strcmp(job->kind, "notebook") == 0)
		instant = Max(instant, pm_metered_until(PM_HOLDER_JOB, job->pool_id, &job->job_id, 1));
	pm_arg_int64(&args, job->pool_id);
	pm_arg_int64(&args, job->job_id);
	pm_arg_int64(&args, job->tenant_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_text(&args, state);
	if (pm_run(&cancel, &args) > 0)
		pm_close_holdings(PM_HOLDER_JOB, job->pool_id, &job->job_id, 1, instant);
	if (job->has_dependents)
		pm_release_dependents(call, job->pool_id, job->job_id, instant);
	pm_changed();
	return state;
}

char *
pm_change_queued(PmCall *call, PmJobInfo *job, const char *from, const char *to)
{
	/*
	 * One that comes to rest has nothing to wait for; it begins again as what
	 * it is, and if it never began, when it would have.  Held, it does not
	 * look for resources.
	 */
	static PmStatement change = PM_STATEMENT("int8;int8;int8;timestamptz;text;text;text",
											 "WITH t AS MATERIALIZED (SELECT j.not_before > $4 AS early, CASE WHEN $6 = 'stopped' AND $7 = 'queued'"
											 "    AND (j.not_before > $4 OR pool_manager.dependencies_hold($1, $2) IS NOT TRUE) THEN 'waiting' ELSE $7 END AS state,"
											 "   j.not_before FROM pool_manager.job j WHERE j.pool_id = $1 AND j.job_id = $2),"
											 " q AS (UPDATE pool_manager.job_queue SET state = t.state::pool_manager.job_state, changed_at = $4,"
											 "   not_before = CASE WHEN t.state = 'waiting' AND t.early THEN t.not_before END,"
											 "   restarted = restarted AND $7 <> 'stopped', requeued_at = CASE WHEN $7 = 'stopped' THEN NULL"
											 "    WHEN restarted AND $6 = 'held' THEN $4 ELSE requeued_at END,"
											 "   start_type = CASE WHEN $6 <> 'stopped' THEN start_type"
											 "    WHEN EXISTS (SELECT FROM pool_manager.job_run r WHERE r.pool_id = $1 AND r.job_id = $2)"
											 "    THEN 'resumed'::pool_manager.run_start ELSE 'initial' END"
											 "  FROM t WHERE pool_id = $1 AND job_id = $2)"
											 " INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, from_state, to_state, actor)"
											 " SELECT $3, $4, 'job_state', $1, $2, $6, t.state, $5 FROM t");
	TimestampTz instant;
	char	   *state = lock_queued(job, &instant);
	PmArgs		args = {0};

	if (state == NULL || !pm_is_state_of(state, from))
		return state;
	pm_arg_int64(&args, job->pool_id);
	pm_arg_int64(&args, job->job_id);
	pm_arg_int64(&args, job->tenant_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_text(&args, state);
	pm_arg_text(&args, to);
	pm_run(&change, &args);
	pm_changed();
	return state;
}

char *
pm_prioritize_queued(PmCall *call, PmJobInfo *job, const char *from, int priority)
{
	static PmStatement change = PM_STATEMENT("int8;int8;int8;timestamptz;text;int4",
											 "WITH was AS MATERIALIZED (SELECT priority FROM pool_manager.job_queue"
											 "   WHERE pool_id = $1 AND job_id = $2 AND priority <> $6),"
											 " q AS (UPDATE pool_manager.job_queue q SET priority = $6, changed_at = $4"
											 "  FROM was WHERE q.pool_id = $1 AND q.job_id = $2),"
											 " j AS (UPDATE pool_manager.job j SET priority = $6, asked_priority = coalesce(j.asked_priority, j.priority) FROM was WHERE j.pool_id = $1 AND j.job_id = $2)"
											 " INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, actor, reason)"
											 " SELECT $3, $4, 'job_changed', $1, $2, $5, 'priority ' || was.priority || ' -> ' || $6 FROM was");
	TimestampTz instant;
	char	   *state = lock_queued(job, &instant);
	PmArgs		args = {0};

	if (state == NULL || !pm_is_state_of(state, from))
		return state;
	pm_arg_int64(&args, job->pool_id);
	pm_arg_int64(&args, job->job_id);
	pm_arg_int64(&args, job->tenant_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_int32(&args, priority);
	pm_run(&change, &args);
	pm_changed();
	return state;
}
