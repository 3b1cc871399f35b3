/*-------------------------------------------------------------------------
 *
 * holding.c
 *	  What is held and metered: opening holdings, closing them into usage.
 *
 * What is billed as what, and where usage is cut, is billing's; here rows are
 * read and written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "billing/calendar.h"
#include "billing/slice.h"
#include "store/run.h"
#include "store/statement.h"

/* ---- opening ---- */

int
pm_read_resource_skus(int64 pool_id, PmResourceSku **skus)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT s.flavor_id, s.resource, s.unit, s.sku_id FROM pool_manager.flavor_resource_sku s"
										   " WHERE s.flavor_id IN (SELECT flavor_id FROM pool_manager.node_group WHERE pool_id = $1)"
										   " ORDER BY s.flavor_id, s.resource");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, pool_id);
	n = (int) pm_run(&read, &args);
	*skus = palloc(sizeof(PmResourceSku) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		PmResourceSku *sku = &(*skus)[i];
		bool		isnull;

		sku->flavor_id = pm_get_int64(i, 1);
		sku->resource = pm_get_text(i, 2);
		sku->unit = pm_resource_get(DatumGetResourceListP(pm_get(i, 3, &isnull)),
									sku->resource, strlen(sku->resource));
		sku->sku_id = pm_get_int64(i, 4);
	}
	return n;
}

void
pm_open_holdings(int64 pool_id, const PmMeasured *measured, int n, TimestampTz instant)
{
	static PmStatement open = PM_STATEMENT("int8;timestamptz;int8[];int8[];int8[];int8[];int8[]",
										   "INSERT INTO pool_manager.holding (tenant_id, sku_id, quantity, workspace_id, pool_id, job_id, run_id, since, metered_until)"
										   " SELECT h.tenant_id, h.sku_id, h.quantity, j.workspace_id, $1, h.job_id, h.run_id, $2, $2"
										   " FROM (SELECT run_id, job_id, tenant_id, sku_id, sum(quantity)::bigint AS quantity, min(n) AS n"
										   "  FROM unnest($3, $4, $5, $6, $7) WITH ORDINALITY AS u(run_id, job_id, tenant_id, sku_id, quantity, n)"
										   "  GROUP BY run_id, job_id, tenant_id, sku_id) AS h"
										   " JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = h.job_id ORDER BY h.n");
	int64	   *columns[5];
	PmArgs		args = {0};

	if (n == 0)
		return;
	for (int c = 0; c < 5; c++)
		columns[c] = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * n);
	for (int i = 0; i < n; i++)
	{
		columns[0][i] = measured[i].run_id;
		columns[1][i] = measured[i].job_id;
		columns[2][i] = measured[i].tenant_id;
		columns[3][i] = measured[i].sku_id;
		columns[4][i] = measured[i].quantity;
	}
	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, pm_second_timestamptz(pm_second(instant)));
	for (int c = 0; c < 5; c++)
		pm_arg_int64_array(&args, columns[c], n);
	pm_run(&open, &args);
}

/* ---- closing ---- */

/* Columns of table usage */
enum
{
	USAGE_TENANT, USAGE_ID, USAGE_SKU, USAGE_QUANTITY, USAGE_STARTED, USAGE_ENDED,
	USAGE_WORKSPACE, USAGE_POOL, USAGE_JOB, USAGE_RUN, USAGE_NODE, USAGE_VOLUME, USAGE_NETWORK,
	USAGE_HOLDING, USAGE_SLICE, USAGE_RUN_SECONDS, USAGE_SOURCE, USAGE_EVENT, USAGE_CORRECTS, USAGE_REASON,
	USAGE_COLUMNS
};

/* The tenant's contracts, in two arrays of a row of the last result */
static int
get_spans(uint64 row, PmZoneSpan **spans)
{
	bool		isnull;
	Datum		months = pm_get(row, 14, &isnull);
	Datum		zones = pm_get(row, 15, &isnull);
	Datum	   *month;
	Datum	   *zone;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(months), DATEOID, sizeof(DateADT), true, TYPALIGN_INT,
					  &month, NULL, &n);
	deconstruct_array(DatumGetArrayTypeP(zones), TEXTOID, -1, false, TYPALIGN_INT, &zone, NULL, &n);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tenant " INT64_FORMAT " has no contract", pm_get_int64(row, 1)),
				 errdetail("Its contract says in which time zone its months begin."),
				 errhint("Insert one into table contract.")));
	*spans = palloc(sizeof(PmZoneSpan) * n);
	for (int i = 0; i < n; i++)
	{
		(*spans)[i].zone = pm_time_zone(TextDatumGetCString(zone[i]));
		(*spans)[i].starts_at = pm_date_start(DatumGetDateADT(month[i]), (*spans)[i].zone);
	}
	return n;
}

/* The slices of the holding in a row of the last result: from metered_until to end */
static void
add_slices(PmRows *usage, uint64 row, int64 end)
{
	Datum		values[USAGE_COLUMNS];
	bool		nulls[USAGE_COLUMNS] = {0};
	int64		start = pm_second(pm_get_time(row, 5));
	int32		slice = pm_get_int32(row, 6);
	PmZoneSpan *spans;
	int			nspans = get_spans(row, &spans);

	values[USAGE_TENANT] = pm_get(row, 1, &nulls[USAGE_TENANT]);
	values[USAGE_HOLDING] = pm_get(row, 2, &nulls[USAGE_HOLDING]);
	values[USAGE_SKU] = pm_get(row, 3, &nulls[USAGE_SKU]);
	values[USAGE_QUANTITY] = pm_get(row, 4, &nulls[USAGE_QUANTITY]);
	values[USAGE_WORKSPACE] = pm_get(row, 7, &nulls[USAGE_WORKSPACE]);
	values[USAGE_POOL] = pm_get(row, 8, &nulls[USAGE_POOL]);
	values[USAGE_JOB] = pm_get(row, 9, &nulls[USAGE_JOB]);
	values[USAGE_RUN] = pm_get(row, 10, &nulls[USAGE_RUN]);
	values[USAGE_NODE] = pm_get(row, 11, &nulls[USAGE_NODE]);
	values[USAGE_VOLUME] = pm_get(row, 12, &nulls[USAGE_VOLUME]);
	values[USAGE_NETWORK] = pm_get(row, 13, &nulls[USAGE_NETWORK]);
	for (int c = USAGE_RUN_SECONDS; c < USAGE_COLUMNS; c++)
		nulls[c] = true;
	while (start < end)
	{
		int64		stop = pm_slice_end(start, end, spans, nspans);

		values[USAGE_ID] = Int64GetDatum(pm_next_id("usage_id_seq"));
		values[USAGE_STARTED] = TimestampTzGetDatum(pm_second_timestamptz(start));
		values[USAGE_ENDED] = TimestampTzGetDatum(pm_second_timestamptz(stop));
		values[USAGE_SLICE] = Int32GetDatum(++slice);
		pm_rows_add(usage, values, nulls);
		start = stop;
	}
}

/* Whose holdings: the ids of what, beside the pool or the tenant */
#define OF_RUNS "h.pool_id = $1 AND h.run_id = ANY ($2)"
#define OF_NODES "h.pool_id = $1 AND h.node_id = ANY ($2)"
#define OF_JOBS "h.pool_id = $1 AND h.job_id = ANY ($2) AND h.volume_id IS NOT NULL"
#define OF_IDS "h.tenant_id = $1 AND h.holding_id = ANY ($2)"

/* What add_slices() reads */
#define HELD_COLUMNS \
	" tenant_id, holding_id, sku_id, quantity, metered_until, slice_no," \
	"  workspace_id, pool_id, job_id, run_id, node_id, volume_id, network_id," \
	"  ARRAY(SELECT c.from_month FROM pool_manager.contract c" \
	"   WHERE c.tenant_id = h.tenant_id ORDER BY c.from_month)," \
	"  ARRAY(SELECT c.time_zone FROM pool_manager.contract c" \
	"   WHERE c.tenant_id = h.tenant_id ORDER BY c.from_month)"

#define CLOSE_HOLDINGS(of) \
	"DELETE FROM pool_manager.holding h WHERE " of " RETURNING" HELD_COLUMNS

/* The holdings closed by the last statement become usage */
static void
append_usage(uint64 closed, TimestampTz instant)
{
	static PmStatement append = PM_STATEMENT("pool_manager.usage[]",
											 "WITH u AS (INSERT INTO pool_manager.usage SELECT * FROM unnest($1) RETURNING tenant_id, usage_id)"
											 " INSERT INTO pool_manager.unrated SELECT tenant_id, usage_id FROM u");
	int64		end = pm_second(instant);
	PmArgs		args = {0};
	PmRows		usage;

	if (closed == 0)
		return;
	pm_rows_begin(&usage, "usage");
	for (uint64 row = 0; row < closed; row++)
		add_slices(&usage, row, end);
	if (usage.count > 0)
	{
		pm_arg_rows(&args, &usage);
		pm_run(&append, &args);
	}
	pm_rows_end(&usage);
}

void
pm_close_holdings(PmHolder holder, int64 of, const int64 *ids, int n, TimestampTz instant)
{
	static PmStatement close[] = {
		PM_STATEMENT("int8;int8[]", CLOSE_HOLDINGS(OF_RUNS)),
		PM_STATEMENT("int8;int8[]", CLOSE_HOLDINGS(OF_NODES)),
		PM_STATEMENT("int8;int8[]", CLOSE_HOLDINGS(OF_JOBS)),
		PM_STATEMENT("int8;int8[]", CLOSE_HOLDINGS(OF_IDS))
	};
	PmArgs		args = {0};

	pm_arg_int64(&args, of);
	pm_arg_int64_array(&args, ids, n);
	append_usage(pm_run(&close[holder], &args), instant);
}

static void
arg_measured(PmArgs *args, const PmMeasured *measured, int n)
{
	int64	   *skus = palloc(sizeof(int64) * Max(n, 1));
	int64	   *quantities = palloc(sizeof(int64) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		skus[i] = measured[i].sku_id;
		quantities[i] = measured[i].quantity;
	}
	pm_arg_int64_array(args, skus, n);
	pm_arg_int64_array(args, quantities, n);
}

/* In one statement, because what a live run holds is never forgotten */
void
pm_reopen_holdings(int64 pool_id, int64 run_id, const PmMeasured *was, int nwas, const PmMeasured *is, int nis,
				   int32 before, int32 after, TimestampTz instant)
{
	static PmStatement reopen = PM_STATEMENT("int8;int8[];timestamptz;int8[];int8[];int8[];int8[];int4;int4",
											 "WITH closed AS (" CLOSE_HOLDINGS(OF_RUNS) "),"
											 " known AS (SELECT bool_and(w.quantity IS NOT DISTINCT FROM c.quantity) IS NOT FALSE AS it"
											 "  FROM (SELECT sku_id, sum(quantity) AS quantity FROM unnest($4, $5) AS m(sku_id, quantity) GROUP BY sku_id) AS w"
											 "  FULL JOIN (SELECT sku_id, sum(quantity) AS quantity FROM closed GROUP BY sku_id) AS c USING (sku_id)),"
											 " opened AS (INSERT INTO pool_manager.holding (tenant_id, sku_id, quantity, workspace_id,"
											 "   pool_id, job_id, run_id, since, metered_until)"
											 "  SELECT r.tenant_id, h.sku_id, h.quantity::bigint, j.workspace_id, $1, r.job_id, r.run_id, $3, $3"
											 "  FROM (SELECT m.sku_id, sum(m.quantity) AS quantity FROM known k, unnest($6, $7) AS m(sku_id, quantity)"
											 "    WHERE k.it GROUP BY m.sku_id"
											 "   UNION ALL SELECT c.sku_id, c.quantity::numeric * $9 / $8 FROM known k, closed c WHERE NOT k.it) AS h,"
											 "   pool_manager.job_run r JOIN pool_manager.job j USING (pool_id, job_id)"
											 "  WHERE r.pool_id = $1 AND r.run_id = ($2)[1] ORDER BY h.sku_id)"
											 " SELECT * FROM closed");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, &run_id, 1);
	pm_arg_time(&args, pm_second_timestamptz(pm_second(instant)));
	arg_measured(&args, was, nwas);
	arg_measured(&args, is, nis);
	pm_arg_int32(&args, before);
	pm_arg_int32(&args, after);
	append_usage(pm_run(&reopen, &args), instant);
}

/* In one statement, for the same reason */
void
pm_add_to_holdings(int64 pool_id, const PmMeasured *measured, int n, TimestampTz instant)
{
	static PmStatement add = PM_STATEMENT("int8;int8[];timestamptz;int8[];int8[];int8[];int8[]",
										  "WITH closed AS (" CLOSE_HOLDINGS(OF_RUNS) "),"
										  " opened AS (INSERT INTO pool_manager.holding (tenant_id, sku_id, quantity, workspace_id,"
										  "   pool_id, job_id, run_id, since, metered_until)"
										  "  SELECT h.tenant_id, h.sku_id, sum(h.quantity)::bigint, j.workspace_id, $1, h.job_id, h.run_id, $3, $3"
										  "  FROM (SELECT run_id, job_id, tenant_id, sku_id, quantity FROM closed"
										  "   UNION ALL SELECT * FROM unnest($2, $4, $5, $6, $7)) AS h(run_id, job_id, tenant_id, sku_id, quantity)"
										  "  JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = h.job_id"
										  "  GROUP BY h.run_id, h.job_id, h.tenant_id, h.sku_id, j.workspace_id ORDER BY h.run_id, h.sku_id)"
										  " SELECT * FROM closed");
	int64	   *columns[5];
	PmArgs		args = {0};

	if (n == 0)
		return;
	for (int c = 0; c < 5; c++)
		columns[c] = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * n);
	for (int i = 0; i < n; i++)
	{
		columns[0][i] = measured[i].run_id;
		columns[1][i] = measured[i].job_id;
		columns[2][i] = measured[i].tenant_id;
		columns[3][i] = measured[i].sku_id;
		columns[4][i] = measured[i].quantity;
	}
	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, columns[0], n);
	pm_arg_time(&args, pm_second_timestamptz(pm_second(instant)));
	for (int c = 1; c < 5; c++)
		pm_arg_int64_array(&args, columns[c], n);
	append_usage(pm_run(&add, &args), instant);
}

/* In one statement, because what a node in service holds is never forgotten */
void
pm_move_node_holdings(int64 pool_id, const int64 *node_ids, int n, int64 workspace_id, TimestampTz instant)
{
	static PmStatement move = PM_STATEMENT("int8;int8[];timestamptz;int8",
										   "WITH closed AS (" CLOSE_HOLDINGS(OF_NODES) "),"
										   " opened AS (INSERT INTO pool_manager.holding (tenant_id, sku_id, quantity, workspace_id,"
										   "   pool_id, node_id, since, metered_until)"
										   "  SELECT c.tenant_id, c.sku_id, c.quantity, $4, c.pool_id, c.node_id, $3, $3"
										   "  FROM closed c ORDER BY c.node_id, c.sku_id)"
										   " SELECT * FROM closed");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, node_ids, n);
	pm_arg_time(&args, pm_second_timestamptz(pm_second(instant)));
	pm_arg_int64(&args, workspace_id);
	append_usage(pm_run(&move, &args), instant);
}

/* ---- cutting ---- */

uint64
pm_cut_holdings(int64 tenant_id, TimestampTz until)
{
	static PmStatement held = PM_STATEMENT("int8;timestamptz",
										   "SELECT" HELD_COLUMNS " FROM pool_manager.holding h"
										   " WHERE tenant_id = $1 AND metered_until < $2 ORDER BY holding_id FOR NO KEY UPDATE");
	static PmStatement cut = PM_STATEMENT("pool_manager.usage[]",
										  "WITH u AS (INSERT INTO pool_manager.usage SELECT * FROM unnest($1) RETURNING *),"
										  " metered AS (UPDATE pool_manager.holding h SET metered_until = l.ended_at, slice_no = l.slice_no"
										  "  FROM (SELECT DISTINCT ON (holding_id) * FROM u ORDER BY holding_id, slice_no DESC) AS l"
										  "  WHERE h.tenant_id = l.tenant_id AND h.holding_id = l.holding_id)"
										  " SELECT usage_id, sku_id, workspace_id, quantity, started_at, ended_at, -1::int8, corrects FROM u ORDER BY usage_id");
	uint64		n;
	PmArgs		args = {0};
	PmArgs		slices = {0};
	PmRows		usage;

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, until);
	n = pm_run(&held, &args);
	if (n == 0)
		return 0;
	pm_rows_begin(&usage, "usage");
	for (uint64 row = 0; row < n; row++)
		add_slices(&usage, row, pm_second(until));
	pm_arg_rows(&slices, &usage);
	n = pm_run(&cut, &slices);
	pm_rows_end(&usage);
	return n;
}

/* ---- how far they are metered ---- */

/* Locked, in the order in which a settlement locks them: what is read stays true */
#define METERED_UNTIL(of) \
	"SELECT max(l.metered_until) FROM (SELECT h.metered_until FROM pool_manager.holding h" \
	" WHERE " of " ORDER BY h.tenant_id, h.holding_id FOR UPDATE) AS l"

TimestampTz
pm_metered_until(PmHolder holder, int64 of, const int64 *ids, int n)
{
	static PmStatement latest[] = {
		PM_STATEMENT("int8;int8[]", METERED_UNTIL(OF_RUNS)),
		PM_STATEMENT("int8;int8[]", METERED_UNTIL(OF_NODES)),
		PM_STATEMENT("int8;int8[]", METERED_UNTIL(OF_JOBS)),
		PM_STATEMENT("int8;int8[]", METERED_UNTIL(OF_IDS))
	};
	PmArgs		args = {0};

	pm_arg_int64(&args, of);
	pm_arg_int64_array(&args, ids, n);
	pm_run(&latest[holder], &args);
	return pm_is_null(0, 1) ? DT_NOBEGIN : pm_get_time(0, 1);
}

TimestampTz
pm_runs_metered_until(int64 pool_id, const int64 *run_ids, int n,
					  const int64 *ending_ids, int nending)
{
	static PmStatement latest = PM_STATEMENT("int8;int8[];int8[]",
											 METERED_UNTIL("(h.tenant_id, h.holding_id) IN"
														   " (SELECT h.tenant_id, h.holding_id FROM pool_manager.holding h WHERE " OF_RUNS
														   "  UNION ALL SELECT v.tenant_id, v.holding_id FROM pool_manager.job_run r"
														   "  JOIN pool_manager.holding v USING (pool_id, job_id)"
														   "  WHERE r.pool_id = $1 AND r.run_id = ANY ($3) AND v.volume_id IS NOT NULL)"));
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, run_ids, n);
	pm_arg_int64_array(&args, ending_ids, nending);
	pm_run(&latest, &args);
	return pm_is_null(0, 1) ? DT_NOBEGIN : pm_get_time(0, 1);
}
