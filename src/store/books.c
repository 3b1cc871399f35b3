/*-------------------------------------------------------------------------
 *
 * books.c
 *	  Reading and writing the books; see books.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "billing/calendar.h"
#include "store/books.h"
#include "store/run.h"
#include "store/statement.h"

/* ---- locks ---- */

static void
share_prices(void)
{
	static PmStatement lock = PM_STATEMENT("", "SELECT FROM pool_manager.price_book FOR SHARE");
	PmArgs		args = {0};

	pm_run(&lock, &args);
}

void
pm_lock_ledger(int64 tenant_id, PmLedger *ledger)
{
	static PmStatement make = PM_STATEMENT("int8",
										   "INSERT INTO pool_manager.ledger (tenant_id) VALUES ($1) ON CONFLICT DO NOTHING");
	static PmStatement lock = PM_STATEMENT("int8",
										   "SELECT settled_until, closed_until, changed_at FROM pool_manager.ledger WHERE tenant_id = $1 FOR NO KEY UPDATE");
	PmArgs		args = {0};

	share_prices();
	pm_arg_int64(&args, tenant_id);
	if (pm_run(&lock, &args) == 0)
	{
		pm_run(&make, &args);
		pm_run(&lock, &args);
	}
	ledger->settled_until = pm_second_or_end(pm_get_time(0, 1));
	ledger->closed_until = pm_second_or_end(pm_get_time(0, 2));
	/* the clock of another session may have been ahead */
	ledger->instant = Max(pm_writing_clock(), pm_get_time(0, 3));
}

void
pm_change_ledger(int64 tenant_id, TimestampTz instant)
{
	static PmStatement change = PM_STATEMENT("int8;timestamptz",
											 "UPDATE pool_manager.ledger SET changed_at = $2 WHERE tenant_id = $1");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, instant);
	pm_run(&change, &args);
}

void
pm_settled(int64 tenant_id, int64 until)
{
	static PmStatement settled = PM_STATEMENT("int8;timestamptz",
											  "WITH closing AS (UPDATE pool_manager.billing_period SET state = 'closing'"
											  "  WHERE tenant_id = $1 AND state = 'open' AND period_end <= $2)"
											  " UPDATE pool_manager.ledger SET settled_until = $2"
											  " WHERE tenant_id = $1 AND settled_until < $2");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, pm_second_timestamptz(until));
	pm_run(&settled, &args);
}

/* ---- usage ---- */

#define IS_UNRATED "SELECT FROM pool_manager.unrated r WHERE r.tenant_id = u.tenant_id AND r.usage_id = u.usage_id"

/* Rows of the last result: the columns of PmUsageRow, in its order */
static int
get_usage(int n, PmUsageRow **usage)
{
	*usage = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PmUsageRow) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		PmUsageRow    *row = &(*usage)[i];

		row->usage_id = pm_get_int64(i, 1);
		row->sku_id = pm_get_int64(i, 2);
		row->workspace_id = pm_get_int64(i, 3);
		row->quantity = pm_get_int64(i, 4);
		row->start = pm_second(pm_get_time(i, 5));
		row->end = pm_second(pm_get_time(i, 6));
		row->run_seconds = pm_get_int64(i, 7);
		row->corrects = pm_get_int64(i, 8);
	}
	if (n > 0)
		SPI_freetuptable(SPI_tuptable);
	return n;
}

int
pm_read_unrated(int64 tenant_id, int64 after, int64 until, int limit, PmUsageRow **usage)
{
	/* OFFSET 0: from what is unrated to its usage, never the other way */
	static PmStatement read = PM_STATEMENT("int8;int8;timestamptz;int4",
										   "SELECT u.usage_id, u.sku_id, u.workspace_id, u.quantity, u.started_at, u.ended_at,"
										   " coalesce(u.run_seconds, -1), u.corrects"
										   " FROM pool_manager.unrated r, LATERAL (SELECT * FROM pool_manager.usage u"
										   "  WHERE u.tenant_id = r.tenant_id AND u.usage_id = r.usage_id OFFSET 0) AS u"
										   " WHERE r.tenant_id = $1 AND r.usage_id > $2 AND u.ended_at <= $3 ORDER BY r.usage_id LIMIT $4");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_int64(&args, after);
	pm_arg_time(&args, pm_second_timestamptz(until));
	pm_arg_int32(&args, limit);
	return get_usage((int) pm_run(&read, &args), usage);
}

void
pm_drop_taken_back(int64 tenant_id)
{
	/* by index, one after the other: those of what was rated long ago, or is another's, are not looked at */
	static PmStatement drop = PM_STATEMENT("int8",
										   "DELETE FROM pool_manager.unrated WHERE tenant_id = $1 AND usage_id = ANY (ARRAY("
										   " SELECT unnest(ARRAY[c.corrects, c.usage_id]) FROM pool_manager.usage c,"
										   "  LATERAL (SELECT FROM pool_manager.unrated u WHERE u.tenant_id = $1 AND u.usage_id = c.corrects OFFSET 0) AS o,"
										   "  LATERAL (SELECT FROM pool_manager.unrated u WHERE u.tenant_id = $1 AND u.usage_id = c.usage_id OFFSET 0) AS r"
										   " WHERE c.tenant_id = $1 AND c.corrects BETWEEN"
										   "  (SELECT min(usage_id) FROM pool_manager.unrated WHERE tenant_id = $1)"
										   "  AND (SELECT max(usage_id) FROM pool_manager.unrated WHERE tenant_id = $1)))");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_run(&drop, &args);
}

void
pm_read_usage_name(int64 tenant_id, int64 usage_id, PmUsageName *name)
{
	static PmStatement read = PM_STATEMENT("int8;int8",
										   "SELECT EXISTS (" IS_UNRATED "), u.source, u.event_id FROM pool_manager.usage u"
										   " WHERE u.tenant_id = $1 AND u.usage_id = $2");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_int64(&args, usage_id);
	pm_run(&read, &args);
	name->unrated = pm_get_bool(0, 1);
	name->source = pm_is_null(0, 2) ? NULL : pm_get_text(0, 2);
	name->event_id = pm_is_null(0, 3) ? NULL : pm_get_text(0, 3);
}

int
pm_cut_held(int64 tenant_id, int64 until, PmUsageRow **usage)
{
	return get_usage((int) pm_cut_holdings(tenant_id, pm_second_timestamptz(until)), usage);
}

void
pm_delete_unrated(int64 tenant_id, const int64 *usage_ids, int n)
{
	static PmStatement delete = PM_STATEMENT("int8;int8[]",
											 "DELETE FROM pool_manager.unrated WHERE tenant_id = $1 AND usage_id = ANY ($2)");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_int64_array(&args, usage_ids, n);
	pm_run(&delete, &args);
}

/* ---- counters ---- */

static void
arg_times(PmArgs *args, const int64 *seconds, int n)
{
	Datum	   *times = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		times[i] = TimestampTzGetDatum(pm_second_timestamptz(seconds[i]));
	pm_arg_array(args, times, NULL, n, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

static void
arg_counter_keys(PmArgs *args, const PmCounterKey *keys, int n)
{
	int64	   *skus = palloc(sizeof(int64) * Max(n, 1));
	int64	   *months = palloc(sizeof(int64) * Max(n, 1));
	int64	   *prices = palloc(sizeof(int64) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		skus[i] = keys[i].sku_id;
		months[i] = keys[i].month_start;
		prices[i] = keys[i].price_id;
	}
	pm_arg_int64_array(args, skus, n);
	arg_times(args, months, n);
	pm_arg_int64_array(args, prices, n);
}

int64 *
pm_read_counters(int64 tenant_id, const PmCounterKey *keys, int n)
{
	static PmStatement read = PM_STATEMENT("int8;int8[];timestamptz[];int8[]",
										   "SELECT c.units FROM unnest($2, $3, $4) WITH ORDINALITY AS k(sku_id, month_start, price_id, n)"
										   " LEFT JOIN pool_manager.counter c ON c.tenant_id = $1 AND c.sku_id = k.sku_id"
										   "  AND c.month_start = k.month_start AND c.price_id = k.price_id ORDER BY k.n");
	int64	   *units = palloc(sizeof(int64) * Max(n, 1));
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	arg_counter_keys(&args, keys, n);
	pm_run(&read, &args);
	for (int i = 0; i < n; i++)
		units[i] = pm_get_int64(i, 1);
	return units;
}

void
pm_write_counters(int64 tenant_id, const PmCounterKey *keys, const int64 *units, Datum *amounts, int n)
{
	static PmStatement write = PM_STATEMENT("int8;int8[];timestamptz[];int8[];int8[];numeric[]",
											"INSERT INTO pool_manager.counter (tenant_id, sku_id, month_start, price_id, units, amount)"
											" SELECT $1, k.* FROM unnest($2, $3, $4, $5, $6) AS k(sku_id, month_start, price_id, units, amount)"
											" ORDER BY 3, 2, 4"
											" ON CONFLICT ON CONSTRAINT counter_pkey DO UPDATE SET units = EXCLUDED.units, amount = EXCLUDED.amount");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	arg_counter_keys(&args, keys, n);
	pm_arg_int64_array(&args, units, n);
	pm_arg_array(&args, amounts, NULL, n, NUMERICOID, -1, false, TYPALIGN_INT);
	pm_run(&write, &args);
}

/* ---- periods and bookings ---- */

void
pm_ensure_period(int64 tenant_id, int64 start, int64 end)
{
	static PmStatement make = PM_STATEMENT("int8;timestamptz;timestamptz",
										   "INSERT INTO pool_manager.billing_period (tenant_id, period_start, period_end, state, contract_from)"
										   " SELECT l.tenant_id, $2, $3, CASE WHEN $3 <= l.settled_until THEN 'closing' ELSE 'open' END::pool_manager.period_state,"
										   "  t.from_month FROM pool_manager.ledger l, pool_manager.billing_terms($1) t"
										   " WHERE l.tenant_id = $1 AND $2 >= t.starts_at AND $2 < t.ends_at ON CONFLICT ON CONSTRAINT billing_period_pkey DO NOTHING");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, pm_second_timestamptz(start));
	pm_arg_time(&args, pm_second_timestamptz(end));
	pm_run(&make, &args);
}

int64
pm_insert_booking(PmCall *call, int64 tenant_id, const PmBooking *booking, TimestampTz instant)
{
	static PmStatement insert = PM_STATEMENT(
											 "int8;timestamptz;pool_manager.booking_kind;text;int8;numeric;numeric;timestamptz;text;text",
											 "INSERT INTO pool_manager.booking (tenant_id, period_start, kind, currency, charges, units, amount,"
											 "  booked_at, booked_by, reason)"
											 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING booking_id");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, pm_second_timestamptz(booking->period_start));
	pm_arg(&args, pm_enum_datum("booking_kind", booking->kind), false);
	pm_arg_text(&args, booking->currency);
	pm_arg_int64(&args, booking->totals.steps);
	pm_arg(&args, NumericGetDatum(pm_exact_numeric(booking->totals.units)), false);
	pm_arg(&args, NumericGetDatum(pm_exact_numeric(booking->totals.amount)), false);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_text(&args, booking->reason);
	pm_run(&insert, &args);
	return pm_get_int64(0, 1);
}

/* ---- charges ---- */

/* Columns of table charge */
enum
{
	CHARGE_TENANT, CHARGE_ID, CHARGE_PERIOD, CHARGE_BOOKING, CHARGE_USAGE, CHARGE_SKU, CHARGE_PRICE,
	CHARGE_WORKSPACE, CHARGE_MONTH, CHARGE_STARTED, CHARGE_ENDED, CHARGE_BEFORE, CHARGE_AFTER,
	CHARGE_CORRECTS, CHARGE_KIND, CHARGE_TIER, CHARGE_CURRENCY, CHARGE_QUANTITY, CHARGE_AMOUNT,
	CHARGE_DESCRIPTION,
	CHARGE_COLUMNS
};

static void
set_id(Datum *values, bool *nulls, int column, int64 id)
{
	values[column] = Int64GetDatum(id);
	nulls[column] = id == 0;
}

void
pm_insert_charges(int64 tenant_id, const PmCharge *charges, int n)
{
	static PmStatement insert = PM_STATEMENT("pool_manager.charge[]",
											 "INSERT INTO pool_manager.charge SELECT * FROM unnest($1)");
	Datum		usage = pm_enum_datum("charge_kind", "usage");
	Datum		correction = pm_enum_datum("charge_kind", "correction");
	Datum		currency = (Datum) 0;
	const char *last = NULL;
	PmArgs		args = {0};
	PmRows		rows;

	pm_rows_begin(&rows, "charge");
	for (int i = 0; i < n; i++)
	{
		const PmCharge *charge = &charges[i];
		Datum		values[CHARGE_COLUMNS];
		bool		nulls[CHARGE_COLUMNS] = {0};

		if (last == NULL || strcmp(last, charge->currency) != 0)
			currency = CStringGetTextDatum(last = charge->currency);
		values[CHARGE_TENANT] = Int64GetDatum(tenant_id);
		values[CHARGE_ID] = Int64GetDatum(pm_next_id("charge_id_seq"));
		values[CHARGE_PERIOD] = TimestampTzGetDatum(pm_second_timestamptz(charge->period_start));
		values[CHARGE_BOOKING] = Int64GetDatum(charge->booking_id);
		values[CHARGE_USAGE] = Int64GetDatum(charge->usage_id);
		values[CHARGE_SKU] = Int64GetDatum(charge->sku_id);
		values[CHARGE_PRICE] = Int64GetDatum(charge->price_id);
		set_id(values, nulls, CHARGE_WORKSPACE, charge->workspace_id);
		values[CHARGE_MONTH] = TimestampTzGetDatum(pm_second_timestamptz(charge->month_start));
		values[CHARGE_STARTED] = TimestampTzGetDatum(pm_second_timestamptz(charge->start));
		values[CHARGE_ENDED] = TimestampTzGetDatum(pm_second_timestamptz(charge->end));
		values[CHARGE_BEFORE] = Int64GetDatum(charge->units_before);
		values[CHARGE_AFTER] = Int64GetDatum(charge->units_after);
		set_id(values, nulls, CHARGE_CORRECTS, charge->corrects);
		values[CHARGE_KIND] = charge->month_start < charge->period_start ? correction : usage;
		values[CHARGE_TIER] = Int32GetDatum(charge->tier);
		values[CHARGE_CURRENCY] = currency;
		values[CHARGE_QUANTITY] = NumericGetDatum(charge->quantity);
		values[CHARGE_AMOUNT] = NumericGetDatum(charge->amount);
		nulls[CHARGE_DESCRIPTION] = true;
		pm_rows_add(&rows, values, nulls);
	}
	pm_arg_rows(&args, &rows);
	pm_run(&insert, &args);
	pm_rows_end(&rows);
}

void
pm_find_corrected(int64 tenant_id, PmCharge *charges, int n)
{
	/* OFFSET 0: by usage, never by what else they have in common */
	static PmStatement find = PM_STATEMENT("int8;int8[];timestamptz[];int8[]",
										   "SELECT min(c.charge_id) FROM unnest($2, $3, $4) WITH ORDINALITY AS k(usage_id, started_at, price_id, n)"
										   " LEFT JOIN LATERAL (SELECT * FROM pool_manager.charge c"
										   "  WHERE c.tenant_id = $1 AND c.usage_id = k.usage_id OFFSET 0) AS c"
										   "  ON c.started_at = k.started_at AND c.price_id = k.price_id AND c.units_after > c.units_before"
										   " GROUP BY k.n ORDER BY k.n");
	int64	   *usage_ids = palloc(sizeof(int64) * Max(n, 1));
	int64	   *starts = palloc(sizeof(int64) * Max(n, 1));
	int64	   *price_ids = palloc(sizeof(int64) * Max(n, 1));
	PmArgs		args = {0};
	int			sought = 0;

	for (int i = 0; i < n; i++)
	{
		if (charges[i].corrects_usage == 0)
			continue;
		usage_ids[sought] = charges[i].corrects_usage;
		starts[sought] = charges[i].start;
		price_ids[sought++] = charges[i].price_id;
	}
	if (sought == 0)
		return;
	pm_arg_int64(&args, tenant_id);
	pm_arg_int64_array(&args, usage_ids, sought);
	arg_times(&args, starts, sought);
	pm_arg_int64_array(&args, price_ids, sought);
	pm_run(&find, &args);
	sought = 0;
	for (int i = 0; i < n; i++)
	{
		if (charges[i].corrects_usage != 0)
			charges[i].corrects = pm_get_int64(sought++, 1);
	}
}

/* ---- what is booked ---- */

int
pm_charged_tenants(int64 sku_id, int64 tenant_id, int64 price_id, int64 since, int64 until, int64 **tenants)
{
	/* a month has no more than 32 days, so its counter began by then */
	static PmStatement find = PM_STATEMENT("int8;int8;int8;timestamptz;timestamptz",
										   "SELECT DISTINCT k.tenant_id FROM pool_manager.counter k"
										   " WHERE k.sku_id = $1 AND ($2 IS NULL OR k.tenant_id = $2) AND ($3 IS NULL OR k.price_id = $3)"
										   "  AND k.month_start > $4 - '32 days'::interval AND k.month_start < $5"
										   "  AND EXISTS (SELECT FROM pool_manager.charge c WHERE c.tenant_id = k.tenant_id"
										   "   AND c.period_start >= k.month_start AND c.sku_id = k.sku_id AND c.price_id = k.price_id"
										   "   AND c.month_start = k.month_start AND c.ended_at > $4 AND c.started_at < $5)"
										   " ORDER BY 1");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, sku_id);
	pm_arg_id(&args, tenant_id);
	pm_arg_id(&args, price_id);
	pm_arg_time(&args, pm_second_timestamptz(since));
	pm_arg_time(&args, pm_second_timestamptz(until));
	n = (int) pm_run(&find, &args);
	*tenants = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*tenants)[i] = pm_get_int64(i, 1);
	return n;
}

int
pm_read_booked(int64 tenant_id, int64 sku_id, int64 since, int64 until, int64 after, int limit, PmBookedUsage **rows)
{
	/*
	 * Usage lies within a month; an empty slice of it is the second before
	 * it, and may have cost nothing.  That of an archived time without charges
	 * has cost what is no longer here.
	 */
	static PmStatement read = PM_STATEMENT("int8;int8;timestamptz;timestamptz;int8;int4",
										   "WITH used AS MATERIALIZED (SELECT u.usage_id FROM pool_manager.usage u"
										   "  JOIN pool_manager.ledger l USING (tenant_id) WHERE u.tenant_id = $1 AND u.sku_id = $2"
										   "  AND (u.started_at >= l.archived_until OR EXISTS (SELECT FROM pool_manager.charge c"
										   "   WHERE c.tenant_id = u.tenant_id AND c.usage_id = u.usage_id))"
										   "  AND u.corrects IS NULL AND u.started_at > $3 - '32 days'::interval AND u.started_at <= $4"
										   "  AND u.ended_at > $3 AND least(u.started_at, u.ended_at - '1 second'::interval) < $4"
										   "  AND u.usage_id > $5 AND NOT EXISTS (" IS_UNRATED ")),"
										   " touched AS (SELECT usage_id FROM used ORDER BY usage_id LIMIT $6),"
										   " rated AS (SELECT usage_id AS original, usage_id FROM touched UNION ALL"
										   "  SELECT u.corrects, u.usage_id FROM touched JOIN pool_manager.usage u"
										   "   ON u.tenant_id = $1 AND u.corrects = touched.usage_id AND NOT EXISTS (" IS_UNRATED "))"
										   " SELECT u.usage_id, u.corrects, u.workspace_id, u.quantity, u.started_at, u.ended_at, coalesce(u.run_seconds, -1),"
										   "  c.price_id, c.started_at, c.ended_at, sum(c.units_after - c.units_before)::bigint,"
										   "  coalesce(max(c.charge_id) FILTER (WHERE (c.units_after > c.units_before) = (u.quantity > 0)), 0)"
										   " FROM rated JOIN pool_manager.usage u ON u.tenant_id = $1 AND u.usage_id = rated.usage_id"
										   " LEFT JOIN pool_manager.charge c ON c.tenant_id = $1 AND c.usage_id = u.usage_id"
										   " GROUP BY rated.original, u.tenant_id, u.usage_id, c.price_id, c.started_at, c.ended_at"
										   " ORDER BY rated.original, u.usage_id, c.started_at");
	PmArgs		args = {0};
	PmBookedUsage *row = NULL;
	uint64		found;
	int			n = 0;

	pm_arg_int64(&args, tenant_id);
	pm_arg_int64(&args, sku_id);
	pm_arg_time(&args, pm_second_timestamptz(since));
	pm_arg_time(&args, pm_second_timestamptz(until));
	pm_arg_int64(&args, after);
	pm_arg_int32(&args, limit);
	found = pm_run(&read, &args);
	/* each may have been taken back */
	*rows = palloc0(sizeof(PmBookedUsage) * 2 * Max(limit, 1));
	for (uint64 i = 0; i < found; i++)
	{
		PmBooked   *booked;

		if (row == NULL || row->usage.usage_id != pm_get_int64(i, 1))
		{
			row = &(*rows)[n++];
			row->usage.usage_id = pm_get_int64(i, 1);
			row->usage.sku_id = sku_id;
			row->usage.corrects = pm_get_int64(i, 2);
			row->usage.workspace_id = pm_get_int64(i, 3);
			row->usage.quantity = pm_get_int64(i, 4);
			row->usage.start = pm_second(pm_get_time(i, 5));
			row->usage.end = pm_second(pm_get_time(i, 6));
			row->usage.run_seconds = pm_get_int64(i, 7);
			row->booked = palloc(sizeof(PmBooked));
		}
		if (pm_is_null(i, 8))
			continue;
		row->booked = repalloc(row->booked, sizeof(PmBooked) * (row->nbooked + 1));
		booked = &row->booked[row->nbooked++];
		booked->price_id = pm_get_int64(i, 8);
		booked->price = NULL;
		booked->start = pm_second(pm_get_time(i, 9));
		booked->end = pm_second(pm_get_time(i, 10));
		booked->units = pm_get_int64(i, 11);
		booked->charge_id = pm_get_int64(i, 12);
	}
	SPI_freetuptable(SPI_tuptable);
	return n;
}
