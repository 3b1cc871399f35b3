/*-------------------------------------------------------------------------
 *
 * charges.c
 *	  charges(): what usage costs, by the counter rule, without settlement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/request.h"
#include "billing/calendar.h"
#include "billing/counter.h"
#include "billing/rate.h"
#include "billing/rounding.h"
#include "store/ledger.h"

/* One SKU of one tenant in a stretch of time under one contract */
typedef struct SkuMeter
{
	PmPriceVersion *prices;
	PmSegments *segments;
	PmMeter    *meter;			/* NULL: nothing used yet */
} SkuMeter;

typedef struct Stretch
{
	PmAccount  *account;
	PmContract *contract;
	PmGrid	   *grid;
	int			nskus;
	PmSku	   *skus;
	SkuMeter   *meters;			/* [nskus] */
	int			last;			/* SKU of the last interval */
} Stretch;

static void
open_meter(Stretch *stretch, int i)
{
	SkuMeter   *meter = &stretch->meters[i];
	int			nprices;

	nprices = pm_read_prices(stretch->account->tenant_id, stretch->skus[i].sku_id,
							 stretch->contract->currency, &meter->prices);
	meter->segments = pm_segments_make(stretch->grid, meter->prices, nprices);
	meter->meter = pm_meter_make(pm_timeline_make(meter->segments->edges, meter->segments->nsegments));
}

static int
find_sku(Stretch *stretch, int64 sku_id)
{
	int			low = 0;
	int			high = stretch->nskus - 1;

	if (stretch->skus[stretch->last].sku_id == sku_id)
		return stretch->last;
	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (stretch->skus[middle].sku_id < sku_id)
			low = middle + 1;
		else
			high = middle;
	}
	return stretch->last = low;
}

static void
meter_interval(int64 tenant_id, int64 sku_id, int64 quantity, int64 start, int64 end, void *state)
{
	Stretch    *stretch = state;
	int			i = find_sku(stretch, sku_id);
	PmMeter    *meter = stretch->meters[i].meter;

	if (start >= end)
		return;
	if (stretch->skus[i].once)
		pm_meter_add_once(meter, start, quantity);
	else
		pm_meter_add(meter, start, end, quantity);
}

static void
return_sku(FunctionCallInfo fcinfo, Stretch *stretch, int i)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PmSku	   *sku = &stretch->skus[i];
	SkuMeter   *meter = &stretch->meters[i];
	int			nsegments = meter->segments->nsegments;
	PmMetered  *metered = palloc(sizeof(PmMetered) * nsegments);
	PmRatedRow *rows = palloc(sizeof(PmRatedRow) * nsegments);
	int			n;

	pm_meter_finish(meter->meter, metered);
	n = pm_rate(meter->segments, metered, sku->once, rows);
	for (int r = 0; r < n; r++)
	{
		Datum		values[10];
		bool		nulls[10] = {0};

		values[0] = Int64GetDatum(stretch->account->tenant_id);
		values[1] = CStringGetTextDatum(stretch->account->name);
		values[2] = CStringGetTextDatum(sku->name);
		nulls[3] = rows[r].version < 0;
		values[3] = nulls[3] ? (Datum) 0 : Int64GetDatum(meter->prices[rows[r].version].price_id);
		values[4] = TimestampTzGetDatum(pm_second_timestamptz(rows[r].starts_at));
		values[5] = TimestampTzGetDatum(pm_second_timestamptz(rows[r].ends_at));
		values[6] = NumericGetDatum(rows[r].quantity);
		values[7] = CStringGetTextDatum(psprintf(sku->once ? "%s" : "%s-hour", sku->unit));
		nulls[8] = rows[r].amount == NULL;
		values[8] = nulls[8] ? (Datum) 0 : NumericGetDatum(rows[r].amount);
		values[9] = CStringGetTextDatum(stretch->contract->currency);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/* Charges of one tenant for a stretch of time under one contract */
static void
charge_stretch(FunctionCallInfo fcinfo, Stretch *stretch, const PmCycle *cycle,
			   int64 since, int64 until, int64 now)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "charges of a tenant",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	stretch->grid = pm_grid_make(cycle ? *cycle : stretch->contract->cycle, since, until,
								 stretch->contract->zone);
	stretch->meters = palloc0(sizeof(SkuMeter) * Max(stretch->nskus, 1));
	stretch->last = 0;
	for (int i = 0; i < stretch->nskus; i++)
		open_meter(stretch, i);
	pm_scan_usage(stretch->account->tenant_id, stretch->grid->edges[0], until, meter_interval, stretch);
	pm_scan_holdings(stretch->account->tenant_id, Min(until, now), meter_interval, stretch);
	for (int i = 0; i < stretch->nskus; i++)
		return_sku(fcinfo, stretch, i);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
charge_account(FunctionCallInfo fcinfo, PmAccount *account, PmSku *skus, int nskus,
			   const PmCycle *cycle, int64 since, int64 until, int64 now)
{
	for (int i = 0; i < account->ncontracts; i++)
	{
		bool		last = i == account->ncontracts - 1;
		int64		from = i == 0 ? since : Max(since, account->contracts[i].starts_at);
		int64		to = last ? until : Min(until, account->contracts[i + 1].starts_at);
		Stretch		stretch = {account, &account->contracts[i], NULL, nskus, skus, NULL, 0};

		if (from < to)
			charge_stretch(fcinfo, &stretch, cycle, from, to, now);
	}
}

static int64
instant_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	TimestampTz instant;

	pm_not_null(fcinfo, n, name);
	instant = PG_GETARG_TIMESTAMPTZ(n);
	if (TIMESTAMP_NOT_FINITE(instant))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("argument \"%s\" must be finite", name),
				 errdetail("Time is metered in whole seconds."),
				 errhint("Name an instant.")));
	return pm_second(instant);
}

PG_FUNCTION_INFO_V1(pm_charges);

Datum
pm_charges(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmAccount  *accounts;
	PmSku	   *skus;
	PmCycle		cycle = {0};
	int64		tenant_id;
	int64		since;
	int64		until;
	int			naccounts;
	int			nskus;

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);
	tenant_id = pm_tenant_arg(&call, fcinfo, 0);
	since = instant_arg(fcinfo, 1, "since");
	until = instant_arg(fcinfo, 2, "until");
	if (since >= until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"since\" must be before \"until\""),
				 errdetail("Both are cut to the second."),
				 errhint("A month is from its first day to the first day of the next.")));
	if (!PG_ARGISNULL(3))
		cycle = pm_cycle(PG_GETARG_INTERVAL_P(3));
	naccounts = pm_read_accounts(&call, tenant_id, &accounts);
	nskus = pm_read_skus(&skus);
	for (int i = 0; i < naccounts; i++)
		charge_account(fcinfo, &accounts[i], skus, nskus, PG_ARGISNULL(3) ? NULL : &cycle,
					   since, until, pm_second(pm_reading_clock()));
	pm_end(&call);
	return (Datum) 0;
}

/* ---- prices ---- */

PG_FUNCTION_INFO_V1(pm_sql_set_price);

Datum
pm_sql_set_price(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmRequested requested;
	int64		tenant_id;
	int64		price_id;
	TimestampTz valid_from;
	char	   *currency;
	char	   *agreed;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	pm_not_null(fcinfo, 0, "sku");
	tenant_id = pm_tenant_arg(&call, fcinfo, 3);
	if (PG_ARGISNULL(1) && tenant_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a list price must have a tariff"),
				 errdetail("A NULL tariff ends a contracted price."),
				 errhint("Set a tariff of 0 for what is free.")));
	valid_from = PG_ARGISNULL(2) ?
		pm_second_timestamptz(pm_second(pm_writing_clock())) :
		pm_second_timestamptz(instant_arg(fcinfo, 2, "valid_from"));
	currency = pm_text_arg(fcinfo, 4);
	agreed = tenant_id == 0 ? NULL : pm_contract_currency(tenant_id, valid_from);
	if (currency == NULL)
		currency = agreed;
	if (currency == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a list price must have a currency"),
				 errdetail("There is no contract to take it from."),
				 errhint("Name it with the argument \"currency\".")));
	(void) pm_currency_scale(currency);
	if (agreed && strcmp(agreed, currency) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the tenant's contract is in %s, not in %s", agreed, currency),
				 errdetail("A tenant is rated only with prices in its contract's currency."),
				 errhint("Leave out the argument \"currency\".")));
	if (pm_is_repeated(&call, fcinfo, tenant_id, &requested))
		price_id = requested.results[0];
	else
	{
		price_id = pm_set_price(&call, tenant_id, pm_find_sku(pm_text_arg(fcinfo, 0)), currency,
								PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1), PG_ARGISNULL(1), valid_from);
		pm_request_done(&requested, &price_id, 1);
	}
	pm_end(&call);
	if (price_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(price_id);
}
