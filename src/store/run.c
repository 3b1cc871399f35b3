/*-------------------------------------------------------------------------
 *
 * run.c
 *	  The life of runs after they were placed: start, stop, end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#include "store/registry.h"
#include "store/run.h"
#include "store/statement.h"

static void
get_run(uint64 row, PmRun *run)
{
	run->run_id = pm_get_int64(row, 1);
	run->job_id = pm_get_int64(row, 2);
	run->state = pm_get_text(row, 3);
	run->stop_state = pm_get_text(row, 4);
	run->preempted = pm_get_bool(row, 5);
	run->started = pm_get_bool(row, 6);
}

PmRun *
pm_find_run(int64 pool_id, int64 job_id)
{
	static PmStatement find = PM_STATEMENT("int8;int8",
										   "SELECT run_id, job_id, state::text, stop_state::text, stop_state IS NOT NULL AND preempted_by IS NOT NULL, started_at IS NOT NULL FROM pool_manager.job_run"
										   " WHERE pool_id = $1 AND job_id = $2 AND ended_at IS NULL");
	PmArgs		args = {0};
	PmRun	   *run;

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, job_id);
	if (pm_run(&find, &args) == 0)
		return NULL;
	run = palloc(sizeof(PmRun));
	get_run(0, run);
	return run;
}

static int
get_runs(int n, PmRun **runs)
{
	*runs = palloc0(sizeof(PmRun) * Max(n, 1));
	for (int i = 0; i < n; i++)
		get_run(i, &(*runs)[i]);
	return n;
}

int
pm_due_runs(int64 pool_id, TimestampTz instant, PmRun **runs)
{
	static PmStatement due = PM_STATEMENT("int8;timestamptz",
										  "SELECT r.run_id, r.job_id, r.state::text, r.stop_state::text, r.stop_state IS NOT NULL AND r.preempted_by IS NOT NULL, r.started_at IS NOT NULL,"
										  " coalesce(coalesce(r.started_at, r.placed_at) + j.auto_stop <= r.deadline, false)"
										  " FROM pool_manager.job_run r JOIN pool_manager.job j USING (pool_id, job_id)"
										  " WHERE r.pool_id = $1 AND r.deadline <= $2 ORDER BY r.run_id");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	n = get_runs((int) pm_run(&due, &args), runs);
	for (int i = 0; i < n; i++)
		(*runs)[i].rests = pm_get_bool(i, 7);
	return n;
}

int
pm_read_live_runs(int64 pool_id, const int64 *run_ids, int n, PmRun **runs)
{
	static PmStatement read = PM_STATEMENT("int8;int8[]",
										   "SELECT run_id, job_id, state::text, stop_state::text, stop_state IS NOT NULL AND preempted_by IS NOT NULL, started_at IS NOT NULL FROM pool_manager.job_run"
										   " WHERE pool_id = $1 AND run_id = ANY ($2) AND ended_at IS NULL ORDER BY run_id");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, run_ids, n);
	return get_runs((int) pm_run(&read, &args), runs);
}

bool
pm_has_agent(int64 pool_id)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT launch = 'agent' FROM pool_manager.pool WHERE pool_id = $1");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	return pm_run(&read, &args) > 0 && pm_get_bool(0, 1);
}

PmRetry *
pm_read_retries(int64 pool_id, const int64 *run_ids, int n)
{
	static PmStatement read = PM_STATEMENT("int8;int8[]",
										   "SELECT (SELECT count(*) FROM pool_manager.job_run o WHERE o.pool_id = $1"
										   "   AND o.job_id = j.job_id AND o.start_type = 'restarted')::integer, j.max_retries::integer, j.kind = 'notebook',"
										   " j.retry_on_failure, (1000000 * extract(epoch FROM j.retry_backoff))::bigint"
										   " FROM unnest($2) WITH ORDINALITY AS u(run_id, n)"
										   " JOIN pool_manager.job_run r ON r.pool_id = $1 AND r.run_id = u.run_id"
										   " JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = r.job_id ORDER BY u.n");
	PmRetry    *retries = palloc(sizeof(PmRetry) * Max(n, 1));
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, run_ids, n);
	if (pm_run(&read, &args) != (uint64) n)
		elog(ERROR, "runs of pool " INT64_FORMAT " not found", pool_id);
	for (int i = 0; i < n; i++)
	{
		retries[i].restarts = pm_get_int32(i, 1);
		retries[i].left = pm_get_int32(i, 2) - retries[i].restarts;
		retries[i].notebook = pm_get_bool(i, 3);
		retries[i].on_failure = pm_get_bool(i, 4);
		retries[i].backoff = pm_get_int64(i, 5);
	}
	return retries;
}

/*
 * Ends the runs, and what follows from it, in one statement, so that runs,
 * allocations and loads are compared when all of them are written.  A job
 * goes back into the queue, comes to rest, or ends with its run.  Returns the
 * jobs whose volume goes with them.
 */
static uint64
run_end_statement(PmArgs *args)
{
	static PmStatement end = PM_STATEMENT(
										  "int8;timestamptz;int8[];text[];int4[];text;text;text[];int8[];int8[]",
										  "WITH e AS MATERIALIZED (SELECT u.run_id, u.state::pool_manager.job_state AS state, u.exit_code,"
										  "   u.after::pool_manager.job_state AS after, u.delay, r.job_id, r.tenant_id, r.state AS from_state, r.placed_at,"
										  "   b.preempted_by, u.after <> 'stopped' AND b.preempted_by IS NULL AS restarted,"
										  "   CASE WHEN u.after = 'queued' AND b.preempted_by IS NOT NULL THEN 'preempted by job ' || b.preempted_by ELSE $7 END AS reason"
										  "  FROM unnest($3, $4, $5, $8, $9, $10) AS u(run_id, state, exit_code, after, delay, preempted_by)"
										  "  JOIN pool_manager.job_run r ON r.pool_id = $1 AND r.run_id = u.run_id,"
										  "  LATERAL (SELECT coalesce(r.preempted_by, nullif(u.preempted_by, 0)) AS preempted_by) AS b),"
										  " ended_run AS (UPDATE pool_manager.job_run r SET state = e.state, ended_at = $2, exit_code = e.exit_code,"
										  "   end_reason = e.reason, deadline = NULL, preempted_by = e.preempted_by"
										  "  FROM e WHERE r.pool_id = $1 AND r.run_id = e.run_id),"
										  " ended_job AS (UPDATE pool_manager.job j SET end_state = e.state, ended_at = $2"
										  "  FROM e WHERE j.pool_id = $1 AND j.job_id = e.job_id AND e.after IS NULL),"
										  " queued AS (INSERT INTO pool_manager.job_queue (pool_id, job_id, tenant_id, sub_pool_id, shape_id,"
										  "   submitted_at, changed_at, state, priority, restarted, requeued_at, start_type, time_limit, auto_stop, workspace_id, not_before)"
										  "  SELECT $1, j.job_id, j.tenant_id, j.sub_pool_id, j.shape_id, j.submitted_at, $2, e.after, j.priority,"
										  "   coalesce(e.restarted, false), CASE WHEN e.restarted THEN $2 END,"
										  "   CASE WHEN e.restarted THEN 'restarted'::pool_manager.run_start WHEN e.after = 'queued' THEN 'preempted' ELSE 'resumed' END, j.time_limit, j.auto_stop, j.workspace_id,"
										  "   CASE WHEN e.after = 'waiting' THEN $2 + e.delay * '1 microsecond'::interval END"
										  "  FROM e JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = e.job_id WHERE e.after IS NOT NULL),"
										  " released AS (UPDATE pool_manager.allocation a SET released_at = $2"
										  "  FROM e WHERE a.pool_id = $1 AND a.run_id = e.run_id AND " PM_HELD("a")
										  "  RETURNING a.node_id, a.allocated, a.devices, a.device_share),"
										  " loaded AS (UPDATE pool_manager.node_load l"
										  "  SET allocated = l.allocated - n.allocated, devices = pool_manager.device_subtract(l.devices, n.devices)"
										  "  FROM (SELECT node_id, pool_manager.sum(allocated) AS allocated,"
										  "    pool_manager.device_sum(devices, device_share) AS devices FROM released GROUP BY node_id) AS n"
										  "  WHERE l.pool_id = $1 AND l.node_id = n.node_id),"
										  " unaddressed AS (UPDATE pool_manager.network_address a SET pool_id = NULL, run_id = NULL, since = NULL, sku_id = NULL"
										  "  FROM e WHERE a.pool_id = $1 AND a.run_id = e.run_id RETURNING a.address),"
										  " network AS (UPDATE pool_manager.network_load l"
										  "  SET addresses = l.addresses - n.addresses, bandwidth = l.bandwidth - n.bandwidth"
										  "  FROM (SELECT p.network_id, (SELECT count(*) FROM unaddressed) AS addresses,"
										  "    (SELECT coalesce(sum(1000 * pool_manager.quantity(allocated, 'bandwidth')), 0)::bigint FROM released) AS bandwidth"
										  "   FROM pool_manager.pool p WHERE p.pool_id = $1) AS n"
										  "  WHERE l.network_id = n.network_id AND (n.addresses <> 0 OR n.bandwidth <> 0)),"
										  " limited AS MATERIALIZED (SELECT q.tenant_id, q.workspace_id, q.resource FROM pool_manager.quota q"
										  "  WHERE q.tenant_id IN (SELECT tenant_id FROM e) AND q.resource IN ('accelerator_minutes', 'run_minutes')"
										  "  ORDER BY q.tenant_id, q.workspace_id, q.resource FOR UPDATE),"
										  " spent AS (UPDATE pool_manager.quota q SET used_us = q.used_us + s.us"
										  "  FROM (SELECT l.tenant_id, l.workspace_id, l.resource, sum(1000000 * CASE WHEN l.resource = 'run_minutes'"
										  "     THEN extract(epoch FROM $2 - e.placed_at)"
										  "     ELSE (SELECT coalesce(sum(cardinality(a.devices) * a.device_share"
										  "        * extract(epoch FROM coalesce(a.released_at, $2) - a.since)), 0) / 1000"
										  "       FROM pool_manager.allocation a WHERE a.pool_id = $1 AND a.run_id = e.run_id) END) AS us"
										  "   FROM limited l JOIN e USING (tenant_id)"
										  "   JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = e.job_id"
										  "    AND (l.workspace_id IS NULL OR l.workspace_id = j.workspace_id)"
										  "   GROUP BY l.tenant_id, l.workspace_id, l.resource) AS s"
										  "  WHERE q.tenant_id = s.tenant_id AND q.workspace_id IS NOT DISTINCT FROM s.workspace_id"
										  "   AND q.resource = s.resource),"
										  " noted AS (INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, run_id, from_state, to_state, actor, reason)"
										  "  SELECT e.tenant_id, $2, 'job_state', $1, e.job_id, e.run_id, e.from_state, coalesce(e.after, e.state), $6, e.reason FROM e),"
										  " unvolumed AS (UPDATE pool_manager.volume v SET deleted_at = $2"
										  "  FROM e WHERE v.pool_id = $1 AND v.job_id = e.job_id AND e.after IS NULL AND v.deleted_at IS NULL"
										  "  RETURNING v.job_id)"
										  " SELECT job_id FROM unvolumed");

	return pm_run(&end, args);
}

TimestampTz
pm_end_runs(PmCall *call, int64 pool_id, const PmRunEnd *ends, int n,
			TimestampTz instant, const char *reason)
{
	int64	   *ids = palloc(sizeof(int64) * n);
	int64	   *ending = palloc(sizeof(int64) * n);
	int			nending = 0;
	Datum	   *states = palloc(sizeof(Datum) * n);
	Datum	   *after = palloc0(sizeof(Datum) * n);
	bool	   *ends_job = palloc(sizeof(bool) * n);
	Datum	   *codes = palloc(sizeof(Datum) * n);
	bool	   *no_code = palloc(sizeof(bool) * n);
	int64	   *delays = palloc(sizeof(int64) * n);
	int64	   *preempted_by = palloc(sizeof(int64) * n);
	PmArgs		args = {0};
	int64	   *jobs;
	int			njobs;

	for (int i = 0; i < n; i++)
	{
		ids[i] = ends[i].run_id;
		states[i] = CStringGetTextDatum(ends[i].state);
		ends_job[i] = ends[i].job_after == NULL;
		if (ends_job[i])
			ending[nending++] = ends[i].run_id;
		else
			after[i] = CStringGetTextDatum(ends[i].job_after);
		codes[i] = Int32GetDatum(ends[i].exit_code);
		no_code[i] = !ends[i].has_exit_code;
		delays[i] = ends[i].delay;
		preempted_by[i] = ends[i].preempted_by;
	}
	instant = Max(instant, pm_runs_metered_until(pool_id, ids, n, ending, nending));
	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	pm_arg_int64_array(&args, ids, n);
	pm_arg_array(&args, states, NULL, n, TEXTOID, -1, false, TYPALIGN_INT);
	pm_arg_array(&args, codes, no_code, n, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	pm_arg_text(&args, call->actor_name);
	pm_arg_text(&args, reason);
	pm_arg_array(&args, after, ends_job, n, TEXTOID, -1, false, TYPALIGN_INT);
	pm_arg_int64_array(&args, delays, n);
	pm_arg_int64_array(&args, preempted_by, n);
	njobs = (int) run_end_statement(&args);
	jobs = palloc(sizeof(int64) * Max(njobs, 1));
	for (int i = 0; i < njobs; i++)
		jobs[i] = pm_get_int64(i, 1);
	pm_changed();
	pm_close_holdings(PM_HOLDER_RUN, pool_id, ids, n, instant);
	if (njobs > 0)
		pm_close_holdings(PM_HOLDER_JOB, pool_id, jobs, njobs, instant);
	return instant;
}

void
pm_stop_runs(PmCall *call, int64 pool_id, const int64 *run_ids, int n,
			 const char *stop_state, TimestampTz instant, const char *why)
{
	static PmStatement stop = PM_STATEMENT("int8;int8[];text;timestamptz;text;text",
										   "WITH e AS MATERIALIZED (SELECT run_id, job_id, tenant_id, state FROM pool_manager.job_run"
										   "  WHERE pool_id = $1 AND run_id = ANY ($2)),"
										   " stopped AS (UPDATE pool_manager.job_run r SET state = 'stopping', stopping_at = $4,"
										   "   stop_state = $3::pool_manager.job_state, deadline = $4 + p.stop_timeout"
										   "  FROM pool_manager.pool p WHERE p.pool_id = $1 AND r.pool_id = $1 AND r.run_id = ANY ($2))"
										   " INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, run_id, from_state, to_state, actor, reason)"
										   " SELECT tenant_id, $4, 'job_state', $1, job_id, run_id, state, 'stopping', $5, coalesce($6, $3) FROM e");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, run_ids, n);
	pm_arg_text(&args, stop_state);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_text(&args, why);
	pm_run(&stop, &args);
}

int
pm_read_held(int64 pool_id, const PmRun *run, PmHeld **held)
{
	static PmStatement read = PM_STATEMENT("int8;int8",
										   "SELECT a.tenant_id, f.sku_id, g.request, n.flavor_id, a.replicas"
										   " FROM pool_manager.allocation a"
										   " JOIN pool_manager.job_run r USING (pool_id, run_id)"
										   " JOIN pool_manager.job j USING (pool_id, job_id)"
										   " JOIN pool_manager.task_group g USING (pool_id, shape_id, group_no)"
										   " JOIN pool_manager.node n USING (pool_id, node_id)"
										   " LEFT JOIN pool_manager.flavor f ON f.flavor_id = g.flavor_id"
										   " WHERE a.pool_id = $1 AND a.run_id = $2 AND n.tenant_id = 0 AND " PM_HELD("a")
										   " ORDER BY a.group_no, a.node_id");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, run->run_id);
	n = (int) pm_run(&read, &args);
	*held = palloc(sizeof(PmHeld) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		request = pm_get(i, 3, &isnull);

		(*held)[i].run_id = run->run_id;
		(*held)[i].job_id = run->job_id;
		(*held)[i].tenant_id = pm_get_int64(i, 1);
		(*held)[i].sku_id = pm_get_int64(i, 2);
		(*held)[i].request = (PmResourceList *) PG_DETOAST_DATUM_COPY(request);
		(*held)[i].node_flavor_id = pm_get_int64(i, 4);
		(*held)[i].replicas = pm_get_int32(i, 5);
	}
	return n;
}

void
pm_start_run(PmCall *call, int64 pool_id, const PmRun *run, TimestampTz instant)
{
	static PmStatement start = PM_STATEMENT("int8;int8;timestamptz;text",
											"WITH r AS (UPDATE pool_manager.job_run r SET state = 'running', started_at = $3,"
											"   planned_end = $3 + least(coalesce(j.time_limit, p.default_time_limit), j.auto_stop),"
											"   deadline = $3 + least(coalesce(j.time_limit, p.default_time_limit), j.auto_stop)"
											"  FROM pool_manager.job j, pool_manager.pool p"
											"  WHERE r.pool_id = $1 AND r.run_id = $2 AND p.pool_id = $1"
											"   AND j.pool_id = $1 AND j.job_id = r.job_id"
											"  RETURNING r.tenant_id, r.job_id, r.run_id)"
											" INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, run_id, from_state, to_state, actor)"
											" SELECT tenant_id, $3, 'job_state', $1, job_id, run_id, 'starting', 'running', $4 FROM r");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, run->run_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_run(&start, &args);
}
