/*-------------------------------------------------------------------------
 *
 * ledger.c
 *	  Reading usage, holdings, contracts and prices; writing prices.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/ledger.h"
#include "store/statement.h"

/* ---- contracts ---- */

int
pm_read_accounts(PmCall *call, int64 tenant_id, PmAccount **accounts)
{
	static PmStatement read = PM_STATEMENT("int8[]",
										   "SELECT t.tenant_id, t.name, c.from_month, c.currency, c.time_zone, c.cycle"
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
pm_read_prices(int64 tenant_id, int64 sku_id, const char *currency, PmPriceVersion **prices)
{
	/* a list price is in force where no contracted one is */
	static PmStatement read = PM_STATEMENT("int8;int8;text",
										   "WITH own AS (SELECT price_id, tariff, valid FROM pool_manager.price"
										   "  WHERE tenant_id = $1 AND sku_id = $2 AND currency = $3),"
										   " taken AS (SELECT coalesce(range_agg(valid), '{}') AS valid FROM own)"
										   " SELECT price_id, tariff, lower(valid), upper(valid) FROM own"
										   " UNION ALL"
										   " SELECT p.price_id, p.tariff, lower(r), upper(r) FROM pool_manager.price p, taken t,"
										   "  unnest(tstzmultirange(p.valid) - t.valid) AS r"
										   " WHERE p.tenant_id = 0 AND p.sku_id = $2 AND p.currency = $3"
										   " ORDER BY 3");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, tenant_id);
	pm_arg_int64(&args, sku_id);
	pm_arg_text(&args, currency);
	n = (int) pm_run(&read, &args);
	*prices = palloc(sizeof(PmPriceVersion) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		PmPriceVersion *price = &(*prices)[i];
		bool		isnull;
		Datum		tariff;

		price->price_id = pm_get_int64(i, 1);
		tariff = pm_get(i, 2, &isnull);
		price->tariff = (PmTariff *) PG_DETOAST_DATUM_COPY(tariff);
		price->valid_from = pm_second_or_end(pm_get_time(i, 3));
		price->valid_to = pm_is_null(i, 4) ? PM_SECOND_MAX : pm_second_or_end(pm_get_time(i, 4));
	}
	return n;
}

/* The version in force at valid_from, and when the next one begins */
static void
find_neighbours(int64 tenant_id, int64 sku_id, const char *currency, TimestampTz valid_from,
				int64 *in_force, TimestampTz *starts, TimestampTz *next)
{
	static PmStatement find = PM_STATEMENT("int8;int8;text;timestamptz",
										   "SELECT max(price_id) FILTER (WHERE valid @> $4),"
										   " max(lower(valid)) FILTER (WHERE valid @> $4),"
										   " min(lower(valid)) FILTER (WHERE lower(valid) > $4)"
										   " FROM pool_manager.price WHERE tenant_id = $1 AND sku_id = $2 AND currency = $3");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_int64(&args, sku_id);
	pm_arg_text(&args, currency);
	pm_arg_time(&args, valid_from);
	pm_run(&find, &args);
	*in_force = pm_get_int64(0, 1);
	*starts = pm_get_time(0, 2);
	*next = pm_is_null(0, 3) ? DT_NOEND : pm_get_time(0, 3);
}

int64
pm_set_price(PmCall *call, int64 tenant_id, int64 sku_id, const char *currency,
			 Datum tariff, bool end, TimestampTz valid_from)
{
	static PmStatement lock = PM_STATEMENT("int8",
										   "SELECT FROM pool_manager.sku WHERE sku_id = $1 FOR NO KEY UPDATE");
	static PmStatement cut = PM_STATEMENT("int8;int8;timestamptz",
										  "UPDATE pool_manager.price SET valid = tstzrange(lower(valid), $3)"
										  " WHERE tenant_id = $1 AND price_id = $2");
	static PmStatement insert = PM_STATEMENT(
											 "int8;int8;text;tariff;timestamptz;timestamptz;timestamptz;text",
											 "INSERT INTO pool_manager.price (tenant_id, sku_id, currency, tariff, valid, set_at, set_by)"
											 " VALUES ($1, $2, $3, $4, tstzrange($5, nullif($6, 'infinity')), $7, $8) RETURNING price_id");
	static PmStatement note = PM_STATEMENT("int8;timestamptz;text;int8",
										   "INSERT INTO pool_manager.event (tenant_id, at, kind, actor, reason)"
										   " SELECT $1, $2, 'price_set', $3, name FROM pool_manager.sku WHERE sku_id = $4");
	PmArgs		lock_args = {0};
	PmArgs		args = {0};
	PmArgs		note_args = {0};
	TimestampTz starts;
	TimestampTz next;
	TimestampTz instant;
	int64		in_force;
	int64		price_id = 0;

	/* one writer a SKU, so that two do not cut the same version */
	pm_arg_int64(&lock_args, sku_id);
	pm_run(&lock, &lock_args);
	instant = pm_writing_clock();
	find_neighbours(tenant_id, sku_id, currency, valid_from, &in_force, &starts, &next);
	if (in_force != 0 && starts == valid_from)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("a price for this SKU already begins at %s", timestamptz_to_str(valid_from)),
				 errdetail("A price holds from its \"valid_from\" until the next one begins."),
				 errhint("Set one with another \"valid_from\".")));
	if (in_force == 0 && end)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no price is in force at %s to be ended", timestamptz_to_str(valid_from)),
				 errdetail("A NULL tariff ends a contracted price."),
				 errhint("Table \"price\" shows when prices hold.")));
	if (in_force != 0)
	{
		pm_arg_int64(&args, tenant_id);
		pm_arg_int64(&args, in_force);
		pm_arg_time(&args, valid_from);
		pm_run(&cut, &args);
	}
	if (!end)
	{
		memset(&args, 0, sizeof(args));
		pm_arg_int64(&args, tenant_id);
		pm_arg_int64(&args, sku_id);
		pm_arg_text(&args, currency);
		pm_arg(&args, tariff, false);
		pm_arg_time(&args, valid_from);
		pm_arg_time(&args, next);
		pm_arg_time(&args, instant);
		pm_arg_text(&args, call->actor_name);
		pm_run(&insert, &args);
		price_id = pm_get_int64(0, 1);
	}
	pm_arg_int64(&note_args, tenant_id);
	pm_arg_time(&note_args, instant);
	pm_arg_text(&note_args, call->actor_name);
	pm_arg_int64(&note_args, sku_id);
	pm_run(&note, &note_args);
	return price_id;
}

/* ---- usage ---- */

typedef struct UsageScan
{
	PmUsageCallback callback;
	void	   *state;
	int64		until;
} UsageScan;

static void
usage_row(Datum *values, bool *nulls, void *state)
{
	UsageScan  *scan = state;

	scan->callback(DatumGetInt64(values[0]), DatumGetInt64(values[1]), DatumGetInt64(values[2]),
				   DatumGetTimestampTz(values[3]) / USECS_PER_SEC,
				   Min(scan->until, DatumGetTimestampTz(values[4]) / USECS_PER_SEC),
				   scan->state);
}

void
pm_scan_usage(int64 tenant_id, int64 since, int64 until, PmUsageCallback callback, void *state)
{
	static PmStatement read = PM_STATEMENT("int8;timestamptz;timestamptz",
										   "SELECT tenant_id, sku_id, quantity, started_at, ended_at FROM pool_manager.usage"
										   " WHERE tenant_id = $1 AND started_at >= $2 AND started_at < $3");
	UsageScan	scan = {callback, state, until};
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, pm_second_timestamptz(since));
	pm_arg_time(&args, pm_second_timestamptz(until));
	pm_scan(&read, &args, usage_row, &scan);
}

void
pm_scan_holdings(int64 tenant_id, int64 until, PmUsageCallback callback, void *state)
{
	static PmStatement read = PM_STATEMENT("int8;timestamptz",
										   "SELECT tenant_id, sku_id, quantity, metered_until, $2 FROM pool_manager.holding"
										   " WHERE tenant_id = $1 AND metered_until < $2");
	UsageScan	scan = {callback, state, until};
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, pm_second_timestamptz(until));
	pm_scan(&read, &args, usage_row, &scan);
}
