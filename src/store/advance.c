/*-------------------------------------------------------------------------
 *
 * advance.c
 *	  What a pass does for a pool before it looks at the queue: work that
 *	  waits for time or for jobs to end.
 *
 * The rules are those of the calls in SQL; they run in the name of the pass.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/timestamp.h"

#include "store/registry.h"
#include "store/run.h"
#include "store/statement.h"

/* Runs SQL of the extension as the body of the call */
static uint64
run_as_body(PmCall *call, PmStatement *statement, PmArgs *args)
{
	PmCall	   *outer = pm_body;
	uint64		n;

	PG_TRY();
	{
		pm_body = call;
		n = pm_run(statement, args);
	}
	PG_FINALLY();
	{
		pm_body = outer;
	}
	PG_END_TRY();
	return n;
}

PmWork
pm_advance_work(PmCall *call, int64 pool_id, TimestampTz instant)
{
	static PmStatement busy = PM_STATEMENT("int8;timestamptz",
										   "SELECT pool_manager.pool_is_busy($1, $2)");
	static PmStatement advance = PM_STATEMENT("int8;timestamptz",
											  "SELECT pool_manager.advance_pool($1, $2)");
	static PmStatement exists = PM_STATEMENT("int8",
											 "SELECT FROM pool_manager.pool WHERE pool_id = $1 AND deleted_at IS NULL");
	PmArgs		pool_arg = {0};
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	pm_run(&busy, &args);
	if (!pm_get_bool(0, 1))
		return PM_WORK_NONE;
	run_as_body(call, &advance, &args);
	pm_arg_int64(&pool_arg, pool_id);
	return pm_run(&exists, &pool_arg) > 0 ? PM_WORK_DONE : PM_WORK_POOL_DELETED;
}

int
pm_give_up_restarts(PmCall *call, int64 pool_id, TimestampTz instant, int64 **jobs)
{
	static PmStatement late = PM_STATEMENT("int8;timestamptz",
										   "SELECT q.job_id FROM pool_manager.job_queue q JOIN pool_manager.pool p USING (pool_id)"
										   " WHERE q.pool_id = $1 AND q.restarted AND q.state = 'queued'"
										   "  AND q.requeued_at <= $2 - p.restart_timeout"
										   " ORDER BY q.job_id FOR UPDATE OF q SKIP LOCKED");
	static PmStatement end = PM_STATEMENT("int8;int8[];text;timestamptz",
										  "SELECT pool_manager.end_waiting($1, $2, 'failed', $3, $4)");
	static PmStatement note = PM_STATEMENT("int8;int8[];timestamptz;text",
										   "INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, actor)"
										   " SELECT tenant_id, $3, 'restart_given_up', $1, job_id, $4 FROM pool_manager.job"
										   " WHERE pool_id = $1 AND job_id = ANY ($2) ORDER BY job_id");
	PmArgs		args = {0};
	PmArgs		end_args = {0};
	PmArgs		note_args = {0};
	int			n;

	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	n = (int) pm_run(&late, &args);
	if (n == 0)
		return 0;
	*jobs = palloc(sizeof(int64) * n);
	for (int i = 0; i < n; i++)
		(*jobs)[i] = pm_get_int64(i, 1);
	pm_arg_int64(&end_args, pool_id);
	pm_arg_int64_array(&end_args, *jobs, n);
	pm_arg_text(&end_args, "no resources to restart it in time");
	pm_arg_time(&end_args, instant);
	run_as_body(call, &end, &end_args);
	pm_arg_int64(&note_args, pool_id);
	pm_arg_int64_array(&note_args, *jobs, n);
	pm_arg_time(&note_args, instant);
	pm_arg_text(&note_args, call->actor_name);
	pm_run(&note, &note_args);
	return n;
}
