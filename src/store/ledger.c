/*-------------------------------------------------------------------------
 *
 * ledger.c
 *	  Reading usage, holdings, contracts and prices; writing prices.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "store/ledger.h"
#include "store/statement.h"

/* ---- contracts ---- */

int
pm_read_accounts(PmCall *call, int64 tenant_id, PmAccount **accounts)
{
	static PmStatement read = PM_STATEMENT("int8[]",
										   "SELECT t.tenant_id, t.name, c.from_month, c.currency, c.time_zone, c.cycle,"
										   " EXISTS (SELECT FROM pool_manager.price p WHERE p.tenant_id = t.tenant_id AND p.currency = c.currency)"
										   " FROM pool_manager.tenant t JOIN pool_manager.contract c USING (tenant_id)"
										   " WHERE $1 IS NULL OR t.tenant_id = ANY ($1) ORDER BY t.tenant_id, c.from_month");
	int64	   *tenants = &tenant_id;
	int			ntenants = 1;
	PmArgs		args = {0};
	uint64		rows;
	int			n = 0;

	if (tenant_id == 0)
		ntenants = pm_visible_tenants(call, &tenants);
	if (ntenants < 0)
		pm_arg(&args, (Datum) 0, true);
	else
		pm_arg_int64_array(&args, tenants, ntenants);
	rows = pm_run(&read, &args);
	*accounts = palloc0(sizeof(PmAccount) * Max(rows, 1));
	for (uint64 row = 0; row < rows; row++)
	{
		PmAccount  *account = &(*accounts)[Max(n - 1, 0)];
		PmContract *contract;
		bool		isnull;
		DateADT		month;

		if (n == 0 || account->tenant_id != pm_get_int64(row, 1))
		{
			account = &(*accounts)[n++];
			account->tenant_id = pm_get_int64(row, 1);
			account->name = pm_get_text(row, 2);
			account->contracts = palloc(sizeof(PmContract) * (rows - row));
		}
		contract = &account->contracts[account->ncontracts++];
		month = DatumGetDateADT(pm_get(row, 3, &isnull));
		contract->currency = pm_get_text(row, 4);
		contract->zone = pm_time_zone(pm_get_text(row, 5));
		contract->cycle = pm_cycle(DatumGetIntervalP(pm_get(row, 6, &isnull)));
		contract->contracted = pm_get_bool(row, 7);
		contract->starts_at = pm_date_start(month, contract->zone);
	}
	return n;
}

char *
pm_contract_currency(int64 tenant_id, TimestampTz at)
{
	static PmStatement read = PM_STATEMENT("int8;timestamptz",
										   "SELECT currency FROM pool_manager.contract WHERE tenant_id = $1"
										   " ORDER BY from_month <= ($2 AT TIME ZONE time_zone) DESC, from_month DESC LIMIT 1");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, at);
	return pm_run(&read, &args) == 0 ? NULL : pm_get_text(0, 1);
}

/* ---- prices ---- */

int
pm_read_skus(PmSku **skus)
{
	static PmStatement read = PM_STATEMENT("",
										   "SELECT sku_id, name, unit, per = 'once' FROM pool_manager.sku ORDER BY sku_id");
	PmArgs		args = {0};
	int			n = (int) pm_run(&read, &args);

	*skus = palloc(sizeof(PmSku) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		(*skus)[i].sku_id = pm_get_int64(i, 1);
		(*skus)[i].name = pm_get_text(i, 2);
		(*skus)[i].unit = pm_get_text(i, 3);
		(*skus)[i].once = pm_get_bool(i, 4);
	}
	return n;
}

int
pm_read_prices(int64 tenant_id, const char *currency, int64 **sku_ids, PmPriceVersion **prices)
{
	/* a list price is in force where no contracted one is */
	static PmStatement read = PM_STATEMENT("int8;text",
										   "SELECT p.sku_id, p.price_id, p.tariff, lower(r), upper(r), p.minimum_seconds, p.quantum_seconds FROM"
										   " (SELECT *, range_agg(valid) FILTER (WHERE tenant_id <> 0) OVER (PARTITION BY sku_id) AS taken"
										   "  FROM pool_manager.price WHERE tenant_id IN (0, $1) AND currency = $2) AS p,"
										   " unnest(tstzmultirange(p.valid) -"
										   "  CASE WHEN p.tenant_id = 0 THEN coalesce(p.taken, '{}') ELSE '{}' END) AS r"
										   " ORDER BY 1, 4");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, tenant_id);
	pm_arg_text(&args, currency);
	n = (int) pm_run(&read, &args);
	*sku_ids = palloc(sizeof(int64) * Max(n, 1));
	*prices = palloc(sizeof(PmPriceVersion) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		PmPriceVersion *price = &(*prices)[i];
		bool		isnull;
		Datum		tariff;

		(*sku_ids)[i] = pm_get_int64(i, 1);
		price->price_id = pm_get_int64(i, 2);
		tariff = pm_get(i, 3, &isnull);
		price->tariff = (PmTariff *) PG_DETOAST_DATUM_COPY(tariff);
		price->valid_from = pm_second_or_end(pm_get_time(i, 4));
		price->valid_to = pm_is_null(i, 5) ? PM_SECOND_MAX : pm_second_or_end(pm_get_time(i, 5));
		price->minimum_seconds = pm_get_int32(i, 6);
		price->quantum_seconds = pm_get_int32(i, 7);
	}
	/* a call reads those of one tenant after another */
	SPI_freetuptable(SPI_tuptable);
	return n;
}

int
pm_read_price_versions(int64 tenant_id, int64 sku_id, PmPriceVersion **prices)
{
	static PmStatement read = PM_STATEMENT("int8;int8",
										   "SELECT price_id, tariff, minimum_seconds, quantum_seconds FROM pool_manager.price"
										   " WHERE tenant_id IN (0, $1) AND sku_id = $2");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, tenant_id);
	pm_arg_int64(&args, sku_id);
	n = (int) pm_run(&read, &args);
	*prices = palloc0(sizeof(PmPriceVersion) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		PmPriceVersion *price = &(*prices)[i];
		bool		isnull;

		price->price_id = pm_get_int64(i, 1);
		price->tariff = (PmTariff *) PG_DETOAST_DATUM_COPY(pm_get(i, 2, &isnull));
		price->minimum_seconds = pm_get_int32(i, 3);
		price->quantum_seconds = pm_get_int32(i, 4);
	}
	SPI_freetuptable(SPI_tuptable);
	return n;
}

void
pm_lock_prices(void)
{
	/* rows have no queue: those who share this one would pass by who waits for it, as long as there are any */
	static PmStatement enter = PM_STATEMENT("", "LOCK TABLE pool_manager.price_book IN EXCLUSIVE MODE");
	static PmStatement lock = PM_STATEMENT("", "UPDATE pool_manager.price_book SET version = version + 1");
	static PmStatement booked = PM_STATEMENT("", "SELECT count(*) FROM pool_manager.booking");
	PmArgs		args = {0};
	int64		seen;

	pm_run(&enter, &args);
	pm_run(&lock, &args);
	if (!IsolationUsesXactSnapshot())
		return;
	/* who rates does not change that row, so it does not tell what was booked since the snapshot */
	pm_run(&booked, &args);
	seen = pm_get_int64(0, 1);
	pm_run_latest(&booked, &args);
	if (pm_get_int64(0, 1) != seen)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent settlements"),
				 errdetail("Usage was charged since the transaction began."),
				 errhint("Repeat the transaction.")));
}

static void
arg_price_key(PmArgs *args, const PmPriceKey *key)
{
	pm_arg_int64(args, key->tenant_id);
	pm_arg_int64(args, key->sku_id);
	pm_arg_text(args, key->currency);
}

void
pm_read_neighbours(const PmPriceKey *key, TimestampTz at, PmPriceNeighbours *around)
{
	static PmStatement find = PM_STATEMENT("int8;int8;text;timestamptz",
										   "SELECT max(price_id) FILTER (WHERE valid @> $4),"
										   " max(lower(valid)) FILTER (WHERE valid @> $4),"
										   " CASE WHEN bool_or(valid @> $4) THEN max(upper(valid)) FILTER (WHERE valid @> $4)"
										   "  ELSE min(lower(valid)) FILTER (WHERE lower(valid) > $4) END"
										   " FROM pool_manager.price WHERE tenant_id = $1 AND sku_id = $2 AND currency = $3");
	PmArgs		args = {0};

	arg_price_key(&args, key);
	pm_arg_time(&args, at);
	pm_run(&find, &args);
	around->price_id = pm_get_int64(0, 1);
	around->starts = pm_get_time(0, 2);
	around->next = pm_is_null(0, 3) ? DT_NOEND : pm_get_time(0, 3);
}

void
pm_end_price(int64 tenant_id, int64 price_id, TimestampTz at)
{
	static PmStatement end = PM_STATEMENT("int8;int8;timestamptz",
										  "UPDATE pool_manager.price SET valid = CASE WHEN lower(valid) < $3 THEN tstzrange(lower(valid), $3) ELSE 'empty' END"
										  " WHERE tenant_id = $1 AND price_id = $2");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_int64(&args, price_id);
	pm_arg_time(&args, at);
	pm_run(&end, &args);
}

int64
pm_insert_price(PmCall *call, const PmPriceKey *key, Datum tariff,
				int32 minimum_seconds, int32 quantum_seconds,
				TimestampTz from, TimestampTz until, TimestampTz instant)
{
	static PmStatement insert = PM_STATEMENT(
											 "int8;int8;text;tariff;timestamptz;timestamptz;timestamptz;text;int4;int4",
											 "INSERT INTO pool_manager.price (tenant_id, sku_id, currency, tariff, valid, set_at, set_by,"
											 "  minimum_seconds, quantum_seconds)"
											 " VALUES ($1, $2, $3, $4, tstzrange($5, nullif($6, 'infinity')), $7, $8,"
											 "  nullif($9, 0), nullif($10, 0)) RETURNING price_id");
	PmArgs		args = {0};

	arg_price_key(&args, key);
	pm_arg(&args, tariff, false);
	pm_arg_time(&args, from);
	pm_arg_time(&args, until);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_int32(&args, minimum_seconds);
	pm_arg_int32(&args, quantum_seconds);
	pm_run(&insert, &args);
	return pm_get_int64(0, 1);
}

void
pm_note_price_set(PmCall *call, const PmPriceKey *key, TimestampTz instant)
{
	static PmStatement note = PM_STATEMENT("int8;timestamptz;text;int8",
										   "INSERT INTO pool_manager.event (tenant_id, at, kind, actor, reason)"
										   " SELECT $1, $2, 'price_set', $3, name FROM pool_manager.sku WHERE sku_id = $4");
	PmArgs		args = {0};

	pm_arg_int64(&args, key->tenant_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_int64(&args, key->sku_id);
	pm_run(&note, &args);
}

void
pm_note_repriced(PmCall *call, int64 tenant_id, int64 sku_id, const char *reason, TimestampTz instant)
{
	static PmStatement note = PM_STATEMENT("int8;timestamptz;text;int8;text",
										   "INSERT INTO pool_manager.event (tenant_id, at, kind, actor, reason)"
										   " SELECT $1, $2, 'repriced', $3, name || ': ' || $5 FROM pool_manager.sku WHERE sku_id = $4");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_int64(&args, sku_id);
	pm_arg_text(&args, reason);
	pm_run(&note, &args);
}

/* ---- usage ---- */

/* Rows are kept together for a while: what is done with them takes turns in the
 * processor's caches with the executor otherwise */
#define USAGE_BATCH	256

typedef struct UsageScan
{
	PmUsedCallback callback;
	void	   *state;
	int			n;
	PmUsed		rows[USAGE_BATCH];
} UsageScan;

static void
add_usage(UsageScan *scan, Datum tenant_id, Datum sku_id, Datum quantity, Datum start, Datum end,
		  int64 run_seconds)
{
	PmUsed	   *row = &scan->rows[scan->n++];

	row->tenant_id = DatumGetInt64(tenant_id);
	row->sku_id = DatumGetInt64(sku_id);
	row->quantity = DatumGetInt64(quantity);
	row->start = DatumGetTimestampTz(start) / USECS_PER_SEC;
	row->end = DatumGetTimestampTz(end) / USECS_PER_SEC;
	row->run_seconds = run_seconds;
	if (scan->n == USAGE_BATCH)
	{
		scan->callback(scan->rows, scan->n, scan->state);
		scan->n = 0;
	}
}

/* A row of the table: its columns in their order */
static void
usage_row(Datum *values, bool *nulls, void *state)
{
	add_usage(state, values[0], values[2], values[3], values[4], values[5],
			  nulls[6] ? 0 : DatumGetInt64(values[6]));
}

static void
holding_row(Datum *values, bool *nulls, void *state)
{
	add_usage(state, values[0], values[1], values[2], values[3], values[4], 0);
}

static void
arg_tenants(PmArgs *args, const int64 *tenants, int ntenants)
{
	if (ntenants < 0)
		pm_arg(args, (Datum) 0, true);
	else
		pm_arg_int64_array(args, tenants, ntenants);
}

static void
scan_usage(PmStatement *statement, PmArgs *args, int ncolumns, PmRowCallback row,
		   PmUsedCallback callback, void *state)
{
	UsageScan  *scan = palloc(sizeof(UsageScan));

	scan->callback = callback;
	scan->state = state;
	scan->n = 0;
	pm_scan_planned(statement, args, ncolumns, row, scan);
	if (scan->n > 0)
		callback(scan->rows, scan->n, state);
	pfree(scan);
}

#define OF_TENANTS "($1 IS NULL OR tenant_id = ANY ($1))"

void
pm_scan_usage(const int64 *tenants, int ntenants, int64 since, int64 until,
			  PmUsedCallback callback, void *state)
{
	/* whole rows: they come as they lie in the table, none is put together */
	static PmStatement read = PM_STATEMENT("int8[];timestamptz;timestamptz",
										   "SELECT * FROM pool_manager.usage"
										   " WHERE " OF_TENANTS " AND started_at >= $2 AND started_at <= $3");
	PmArgs		args = {0};

	arg_tenants(&args, tenants, ntenants);
	pm_arg_time(&args, pm_second_timestamptz(since));
	pm_arg_time(&args, pm_second_timestamptz(until));
	scan_usage(&read, &args, 7, usage_row, callback, state);
}

void
pm_scan_holdings(const int64 *tenants, int ntenants, int64 until,
				 PmUsedCallback callback, void *state)
{
	static PmStatement read = PM_STATEMENT("int8[];timestamptz",
										   "SELECT tenant_id, sku_id, quantity, metered_until, $2 FROM pool_manager.holding"
										   " WHERE " OF_TENANTS " AND metered_until < $2");
	PmArgs		args = {0};

	arg_tenants(&args, tenants, ntenants);
	pm_arg_time(&args, pm_second_timestamptz(until));
	scan_usage(&read, &args, 5, holding_row, callback, state);
}
