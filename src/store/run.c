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
}

PmRun *
pm_find_run(int64 pool_id, int64 job_id)
{
	static PmStatement find = PM_STATEMENT("int8;int8",
										   "SELECT run_id, job_id, state::text, stop_state::text FROM pool_manager.job_run"
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

int
pm_due_runs(int64 pool_id, TimestampTz instant, PmRun **runs)
{
	static PmStatement due = PM_STATEMENT("int8;timestamptz",
										  "SELECT run_id, job_id, state::text, stop_state::text FROM pool_manager.job_run"
										  " WHERE pool_id = $1 AND deadline <= $2 ORDER BY run_id");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	n = (int) pm_run(&due, &args);
	*runs = palloc(sizeof(PmRun) * Max(n, 1));
	for (int i = 0; i < n; i++)
		get_run(i, &(*runs)[i]);
	return n;
}

TimestampTz
pm_end_runs(PmCall *call, int64 pool_id, const PmRunEnd *ends, int n,
			TimestampTz instant, const char *reason)
{
	/*
	 * One statement, so that runs, allocations and loads are compared when all
	 * of them are written.
	 */
	static PmStatement end = PM_STATEMENT(
										  "int8;timestamptz;int8[];text[];int4[];text;text",
										  "WITH e AS MATERIALIZED (SELECT u.run_id, u.state::pool_manager.job_state AS state, u.exit_code,"
										  "   r.job_id, r.tenant_id, r.state AS from_state"
										  "  FROM unnest($3, $4, $5) AS u(run_id, state, exit_code)"
										  "  JOIN pool_manager.job_run r ON r.pool_id = $1 AND r.run_id = u.run_id),"
										  " ended_run AS (UPDATE pool_manager.job_run r SET state = e.state, ended_at = $2, exit_code = e.exit_code, deadline = NULL"
										  "  FROM e WHERE r.pool_id = $1 AND r.run_id = e.run_id),"
										  " ended_job AS (UPDATE pool_manager.job j SET end_state = e.state, ended_at = $2"
										  "  FROM e WHERE j.pool_id = $1 AND j.job_id = e.job_id),"
										  " released AS (UPDATE pool_manager.allocation a SET released_at = $2"
										  "  FROM e WHERE a.pool_id = $1 AND a.run_id = e.run_id AND " PM_HELD("a")
										  "  RETURNING a.node_id, a.allocated, a.devices, a.device_share),"
										  " loaded AS (UPDATE pool_manager.node_load l"
										  "  SET allocated = l.allocated - n.allocated, devices = pool_manager.device_subtract(l.devices, n.devices)"
										  "  FROM (SELECT node_id, pool_manager.sum(allocated) AS allocated,"
										  "    pool_manager.device_sum(devices, device_share) AS devices FROM released GROUP BY node_id) AS n"
										  "  WHERE l.pool_id = $1 AND l.node_id = n.node_id)"
										  " INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, run_id, from_state, to_state, actor, reason)"
										  " SELECT e.tenant_id, $2, 'job_state', $1, e.job_id, e.run_id, e.from_state, e.state, $6, $7 FROM e");
	int64	   *ids = palloc(sizeof(int64) * n);
	Datum	   *states = palloc(sizeof(Datum) * n);
	Datum	   *codes = palloc(sizeof(Datum) * n);
	bool	   *no_code = palloc(sizeof(bool) * n);
	PmArgs		args = {0};

	for (int i = 0; i < n; i++)
	{
		ids[i] = ends[i].run_id;
		states[i] = CStringGetTextDatum(ends[i].state);
		codes[i] = Int32GetDatum(ends[i].exit_code);
		no_code[i] = !ends[i].has_exit_code;
	}
	instant = Max(instant, pm_metered_until(pool_id, ids, n));
	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	pm_arg_int64_array(&args, ids, n);
	pm_arg_array(&args, states, NULL, n, TEXTOID, -1, false, TYPALIGN_INT);
	pm_arg_array(&args, codes, no_code, n, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	pm_arg_text(&args, call->actor_name);
	pm_arg_text(&args, reason);
	pm_run(&end, &args);
	pm_changed();
	pm_close_holdings(pool_id, ids, n, instant);
	return instant;
}

void
pm_stop_runs(PmCall *call, int64 pool_id, const int64 *run_ids, int n,
			 const char *stop_state, TimestampTz instant)
{
	static PmStatement stop = PM_STATEMENT("int8;int8[];text;timestamptz;text",
										   "WITH e AS MATERIALIZED (SELECT run_id, job_id, tenant_id, state FROM pool_manager.job_run"
										   "  WHERE pool_id = $1 AND run_id = ANY ($2)),"
										   " stopped AS (UPDATE pool_manager.job_run r SET state = 'stopping', stopping_at = $4,"
										   "   stop_state = $3::pool_manager.job_state, deadline = $4 + p.stop_timeout"
										   "  FROM pool_manager.pool p WHERE p.pool_id = $1 AND r.pool_id = $1 AND r.run_id = ANY ($2))"
										   " INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, run_id, from_state, to_state, actor, reason)"
										   " SELECT tenant_id, $4, 'job_state', $1, job_id, run_id, state, 'stopping', $5, $3 FROM e");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, run_ids, n);
	pm_arg_text(&args, stop_state);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
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
											"   planned_end = $3 + coalesce(j.time_limit, p.default_time_limit),"
											"   deadline = $3 + coalesce(j.time_limit, p.default_time_limit)"
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
