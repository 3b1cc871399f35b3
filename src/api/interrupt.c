/*-------------------------------------------------------------------------
 *
 * interrupt.c
 *	  What becomes of jobs whose runs end before they are done: their node
 *	  fails or is taken away, their pool is deleted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/interrupt.h"
#include "store/registry.h"

void
pm_end_as_told(PmRunEnd *end, const PmRun *run)
{
	end->run_id = run->run_id;
	end->state = run->stop_state;
	if (strcmp(run->stop_state, "stopped") == 0)
		end->job_after = run->preempted ? "queued" : "stopped";
	end->interrupted = strcmp(run->stop_state, "failed") == 0;
}

/*
 * How long the n-th restart waits: twice as long as the one before, but not
 * longer than an hour, or the first where that is longer.  The same for all
 * jobs: what they start on is given out one by one anyway, by a pass.
 */
static int64
backoff(int64 first, int n)
{
	int64		most = Max(first, USECS_PER_HOUR);

	for (int i = 1; i < n && first < most; i++)
		first = Min(first * 2, most);
	return first;
}

void
pm_settle_failed(int64 pool_id, PmRunEnd *ends, int n)
{
	int64	   *ids = palloc(sizeof(int64) * Max(n, 1));
	int		   *which = palloc(sizeof(int) * Max(n, 1));
	PmRetry    *retries;
	int			m = 0;

	for (int i = 0; i < n; i++)
	{
		if (ends[i].interrupted || strcmp(ends[i].state, "failed") == 0)
		{
			ids[m] = ends[i].run_id;
			which[m++] = i;
		}
	}
	if (m == 0)
		return;
	retries = pm_read_retries(pool_id, ids, m);
	for (int i = 0; i < m; i++)
	{
		PmRunEnd   *end = &ends[which[i]];

		if (retries[i].left > 0 && (end->interrupted || retries[i].on_failure))
		{
			end->delay = backoff(retries[i].backoff, retries[i].restarts + 1);
			end->job_after = end->delay > 0 ? "waiting" : "queued";
		}
		else if (retries[i].notebook && end->interrupted)
			end->job_after = "stopped";
	}
}

static int64 *
ids_arg(FunctionCallInfo fcinfo, int n, int *count)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(n);

	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (array_contains_nulls(array))
		elog(ERROR, "ids must not be null");
	return (int64 *) ARR_DATA_PTR(array);
}

/* Live runs end now, or are told to stop where an agent has a say */
static Datum
end_early(FunctionCallInfo fcinfo, const char *state, bool at_once)
{
	int64		pool_id = PG_GETARG_INT64(0);
	TimestampTz instant = PG_GETARG_TIMESTAMPTZ(3);
	PmCall		call;
	const char *why;
	int			n;
	int64	   *ids;
	PmRun	   *runs;
	PmRunEnd   *ends;
	int64	   *stops;
	int			nends = 0;
	int			nstops = 0;
	bool		agent;

	pm_begin(&call, fcinfo);
	why = pm_text_arg(fcinfo, 2);
	ids = ids_arg(fcinfo, 1, &n);
	agent = pm_has_agent(pool_id);
	n = pm_read_live_runs(pool_id, ids, n, &runs);
	ends = palloc0(sizeof(PmRunEnd) * Max(n, 1));
	stops = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (agent && !at_once)
		{
			if (runs[i].stop_state == NULL)
				stops[nstops++] = runs[i].run_id;
		}
		else if (runs[i].stop_state)
			pm_end_as_told(&ends[nends++], &runs[i]);
		else
		{
			ends[nends].run_id = runs[i].run_id;
			ends[nends].interrupted = strcmp(state, "failed") == 0;
			if (strcmp(state, "stopped") == 0)
				ends[nends].job_after = "stopped";
			ends[nends++].state = state;
		}
	}
	if (nstops > 0)
		pm_stop_runs(&call, pool_id, stops, nstops, state, instant, why);
	if (nends > 0)
	{
		pm_settle_failed(pool_id, ends, nends);
		instant = pm_end_runs(&call, pool_id, ends, nends, instant, why);
		pm_advance_pool(pool_id, instant);
	}
	pm_end(&call);
	PG_RETURN_TIMESTAMPTZ(instant);
}

PG_FUNCTION_INFO_V1(pm_sql_interrupt_runs);

Datum
pm_sql_interrupt_runs(PG_FUNCTION_ARGS)
{
	return end_early(fcinfo, "failed", PG_GETARG_BOOL(4));
}

PG_FUNCTION_INFO_V1(pm_sql_cancel_runs);

Datum
pm_sql_cancel_runs(PG_FUNCTION_ARGS)
{
	return end_early(fcinfo, "cancelled", false);
}

PG_FUNCTION_INFO_V1(pm_sql_stop_runs);

Datum
pm_sql_stop_runs(PG_FUNCTION_ARGS)
{
	return end_early(fcinfo, "stopped", false);
}

/* ---- holdings ---- */

static Datum
close_held(FunctionCallInfo fcinfo, PmHolder holder)
{
	PmCall		call;
	TimestampTz instant = PG_GETARG_TIMESTAMPTZ(2);
	int64		of = PG_GETARG_INT64(0);
	int			n;
	int64	   *ids = ids_arg(fcinfo, 1, &n);

	pm_begin(&call, fcinfo);
	instant = Max(instant, pm_metered_until(holder, of, ids, n));
	pm_close_holdings(holder, of, ids, n, instant);
	pm_end(&call);
	PG_RETURN_TIMESTAMPTZ(instant);
}

PG_FUNCTION_INFO_V1(pm_sql_close_holdings);

Datum
pm_sql_close_holdings(PG_FUNCTION_ARGS)
{
	return close_held(fcinfo, PM_HOLDING);
}

PG_FUNCTION_INFO_V1(pm_sql_close_node_holdings);

Datum
pm_sql_close_node_holdings(PG_FUNCTION_ARGS)
{
	return close_held(fcinfo, PM_HOLDER_NODE);
}

PG_FUNCTION_INFO_V1(pm_sql_close_volume_holdings);

Datum
pm_sql_close_volume_holdings(PG_FUNCTION_ARGS)
{
	return close_held(fcinfo, PM_HOLDER_JOB);
}

PG_FUNCTION_INFO_V1(pm_sql_move_node_holdings);

Datum
pm_sql_move_node_holdings(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64		pool_id = PG_GETARG_INT64(0);
	TimestampTz instant = PG_GETARG_TIMESTAMPTZ(3);
	int			n;
	int64	   *ids = ids_arg(fcinfo, 1, &n);

	pm_begin(&call, fcinfo);
	instant = Max(instant, pm_metered_until(PM_HOLDER_NODE, pool_id, ids, n));
	pm_move_node_holdings(pool_id, ids, n, PG_GETARG_INT64(2), instant);
	pm_end(&call);
	PG_RETURN_TIMESTAMPTZ(instant);
}
