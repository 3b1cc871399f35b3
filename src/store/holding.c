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

#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "billing/calendar.h"
#include "store/attempt.h"
#include "store/run.h"
#include "store/statement.h"
#include "store/usage.h"

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

/* Whose holdings: the ids of what, beside the pool or the tenant */
#define OF_RUNS "h.pool_id = $1 AND h.run_id = ANY ($2)"
#define OF_NODES "h.pool_id = $1 AND h.node_id = ANY ($2)"
#define OF_JOBS "h.pool_id = $1 AND h.job_id = ANY ($2) AND h.volume_id IS NOT NULL"
#define OF_IDS "h.tenant_id = $1 AND h.holding_id = ANY ($2)"

/* What get_held() reads */
#define HELD_COLUMNS \
	" tenant_id, holding_id, sku_id, quantity, metered_until, slice_no," \
	"  workspace_id, pool_id, job_id, run_id, node_id, volume_id, network_id"

#define CLOSE_HOLDINGS(of) \
	"DELETE FROM pool_manager.holding h WHERE " of " RETURNING" HELD_COLUMNS

/*
 * Since when a run that ends is metered.  What it holds in a dedicated pool are
 * addresses, from when it was placed.
 */
#define END_HOLDINGS(of) \
	CLOSE_HOLDINGS(of) ", (SELECT CASE p.kind WHEN 'public' THEN r.started_at ELSE r.placed_at END" \
	"  FROM pool_manager.job_run r JOIN pool_manager.pool p USING (pool_id)" \
	"  WHERE r.pool_id = h.pool_id AND r.run_id = h.run_id)"

/* Holdings, from the last result, as what was used of them up to end */
static PmUsageRecord *
get_held(uint64 n, int64 end, bool ends)
{
	PmUsageRecord	   *used = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(PmUsageRecord) * Max(n, 1),
												  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (uint64 row = 0; row < n; row++)
	{
		used[row].tenant_id = pm_get_int64(row, 1);
		used[row].holding_id = pm_get_int64(row, 2);
		used[row].sku_id = pm_get_int64(row, 3);
		used[row].quantity = pm_get_int64(row, 4);
		used[row].start = pm_second(pm_get_time(row, 5));
		used[row].end = end;
		used[row].slice_no = pm_get_int32(row, 6);
		used[row].workspace_id = pm_get_int64(row, 7);
		used[row].pool_id = pm_get_int64(row, 8);
		used[row].job_id = pm_get_int64(row, 9);
		used[row].run_id = pm_get_int64(row, 10);
		used[row].node_id = pm_get_int64(row, 11);
		used[row].volume_id = pm_get_int64(row, 12);
		used[row].network_id = pm_get_int64(row, 13);
		if (ends)
			used[row].run_seconds = end - pm_second(pm_get_time(row, 14));
	}
	return used;
}

/* The holdings closed by the last statement become usage; ends: of runs that end */
static void
append_usage(uint64 closed, TimestampTz instant, bool ends)
{
	if (closed > 0)
		(void) pm_append_usage(get_held(closed, pm_second(instant), ends), (int) closed, NULL);
}

void
pm_close_holdings(PmHolder holder, int64 of, const int64 *ids, int n, TimestampTz instant)
{
	static PmStatement close[] = {
		PM_STATEMENT("int8;int8[]", END_HOLDINGS(OF_RUNS)),
		PM_STATEMENT("int8;int8[]", CLOSE_HOLDINGS(OF_NODES)),
		PM_STATEMENT("int8;int8[]", CLOSE_HOLDINGS(OF_JOBS)),
		PM_STATEMENT("int8;int8[]", CLOSE_HOLDINGS(OF_IDS))
	};
	PmArgs		args = {0};

	pm_arg_int64(&args, of);
	pm_arg_int64_array(&args, ids, n);
	append_usage(pm_run(&close[holder], &args), instant, holder == PM_HOLDER_RUN);
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
											 "  FROM (SELECT m.sku_id, sum(m.quantity) AS quantity FROM known k, (SELECT sku_id, quantity FROM closed"
											 "     UNION ALL SELECT * FROM unnest($6, $7) UNION ALL SELECT sku_id, -quantity FROM unnest($4, $5) AS w(sku_id, quantity)) AS m"
											 "    WHERE k.it OR $9 > $8 GROUP BY m.sku_id HAVING sum(m.quantity) > 0"
											 "   UNION ALL SELECT c.sku_id, c.quantity::numeric * $9 / $8 FROM known k, closed c WHERE NOT k.it AND $9 < $8) AS h,"
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
	append_usage(pm_run(&reopen, &args), instant, false);
}

void
pm_reopen_addresses(int64 pool_id, const int64 *run_ids, int n, TimestampTz instant)
{
	static PmStatement reopen = PM_STATEMENT("int8;int8[];timestamptz",
											 "WITH closed AS (" CLOSE_HOLDINGS(OF_RUNS) "),"
											 " opened AS (INSERT INTO pool_manager.holding (tenant_id, sku_id, quantity, workspace_id,"
											 "   pool_id, job_id, run_id, since, metered_until)"
											 "  SELECT r.tenant_id, a.sku_id, 1000 * count(*), j.workspace_id, $1, r.job_id, r.run_id, $3, $3"
											 "  FROM pool_manager.network_address a JOIN pool_manager.job_run r USING (pool_id, run_id)"
											 "   JOIN pool_manager.job j USING (pool_id, job_id)"
											 "  WHERE a.pool_id = $1 AND a.run_id = ANY ($2) AND a.sku_id IS NOT NULL"
											 "  GROUP BY r.tenant_id, r.job_id, r.run_id, a.sku_id, j.workspace_id ORDER BY r.run_id, a.sku_id)"
											 " SELECT * FROM closed");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, run_ids, n);
	pm_arg_time(&args, pm_second_timestamptz(pm_second(instant)));
	append_usage(pm_run(&reopen, &args), instant, false);
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
	append_usage(pm_run(&add, &args), instant, false);
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
	append_usage(pm_run(&move, &args), instant, false);
}

/* ---- cutting ---- */

#define MAX_TRIES	10

/* A settlement that locks what is held, if it is to be had within so many ms */
typedef struct LockingHeld
{
	PmStatement *held;
	PmArgs	   *args;
	int			ms;
	uint64		n;
} LockingHeld;

static bool
try_lock_held(void *state)
{
	LockingHeld *locking = state;
	int			nest_level = NewGUCNestLevel();

	(void) set_config_option("lock_timeout", psprintf("%d", locking->ms), PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	locking->n = pm_run(locking->held, locking->args);
	AtEOXact_GUC(true, nest_level);
	return true;
}

/*
 * Calls that close holdings do so in steps, in any order; a settlement locks
 * all of a tenant's.  Where both wait for each other it is the settlement that
 * gives back what it has, before anybody is told of a deadlock, and begins
 * again.  In the end it waits as everybody: for who holds them for long, or
 * waits for what this transaction locked before.
 */
static uint64
lock_held(PmStatement *held, PmArgs *args)
{
	TimestampTz started = GetCurrentTimestamp();
	int			patience = Max(DeadlockTimeout / 2, 1);
	LockingHeld locking = {held, args, LockTimeout > 0 ? Min(LockTimeout, patience) : patience, 0};

	for (int tries = 0; tries < MAX_TRIES; tries++)
	{
		ErrorData  *error = pm_attempt(try_lock_held, &locking);

		if (error == NULL)
			return locking.n;
		if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE && error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED)
			ReThrowError(error);
		FreeErrorData(error);
		CHECK_FOR_INTERRUPTS();
		if (LockTimeout > 0 && TimestampDifferenceExceeds(started, GetCurrentTimestamp(), LockTimeout))
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("canceling statement due to lock timeout")));
	}
	return pm_run(held, args);
}

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
	PmRows		rows;

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, until);
	n = lock_held(&held, &args);
	if (n == 0)
		return 0;
	pm_slice_usage(&rows, get_held(n, pm_second(until), false), (int) n);
	pm_arg_rows(&slices, &rows);
	n = pm_run(&cut, &slices);
	pm_rows_end(&rows);
	return n;
}

/* ---- how far they are metered ---- */

/* Locked, in the order in which a settlement locks them: what is read stays true */
#define METERED_UNTIL(of) \
	"SELECT max(l.metered_until) FROM (SELECT h.metered_until FROM pool_manager.holding h" \
	" WHERE " of " ORDER BY h.tenant_id, h.holding_id FOR UPDATE) AS l"

/* The first run may have waited for a settlement; the second sees what that wrote, and waits for nobody */
static TimestampTz
lock_and_read(PmStatement *latest, PmArgs *args)
{
	pm_run(latest, args);
	pm_run(latest, args);
	return pm_is_null(0, 1) ? DT_NOBEGIN : pm_get_time(0, 1);
}

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
	return lock_and_read(&latest[holder], &args);
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
	return lock_and_read(&latest, &args);
}
