/*-------------------------------------------------------------------------
 *
 * charges.c
 *	  charges(): what usage costs, by the counter rule, without settlement.
 *
 * One tenant after another, and of a tenant one contract after another, each
 * in a memory context of its own.  Prices are read before usage, which comes
 * row by row out of running statements; what is cut and metered is only what
 * was used.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "billing/calendar.h"
#include "billing/rate.h"
#include "store/ledger.h"

/* Of all SKUs that a tenant used; a segment takes some 70 bytes */
#define MAX_SEGMENTS	INT64CONST(10000000)

/* One SKU of one tenant in a stretch of time under one contract */
typedef struct SkuMeter
{
	PmPriceVersion *prices;
	int			nprices;
	PmSegments *segments;
	PmMeter    *meter;			/* NULL: nothing used yet */
} SkuMeter;

typedef struct Stretch
{
	PmAccount  *account;
	PmContract *contract;
	PmCycle		cycle;
	int64		since;
	int64		until;
	int			nskus;
	PmSku	   *skus;
	ReturnSetInfo *result;
	MemoryContext context;		/* of all below */
	int64		month_start;	/* of since: counters begin there */
	PmGrid	   *grid;			/* NULL: nothing used yet */
	SkuMeter   *meters;			/* [nskus] */
	int			nmeters;		/* that are open */
	int64		nsegments;		/* of these, at most */
	int			last;			/* SKU that was last asked for */
} Stretch;

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

/* All that the meters may need: within a scan nothing can be read */
static void
read_prices(Stretch *stretch)
{
	PmPriceVersion *prices;
	int64	   *sku_ids;
	int			n;

	n = pm_read_prices(stretch->account->tenant_id, stretch->contract->currency, &sku_ids, &prices);
	for (int p = 0; p < n; p++)
	{
		SkuMeter   *meter = &stretch->meters[find_sku(stretch, sku_ids[p])];

		if (meter->nprices++ == 0)
			meter->prices = &prices[p];
	}
}

/* Before anything is cut: the limit is there to save its memory */
static void
count_segments(Stretch *stretch, const SkuMeter *meter)
{
	stretch->nmeters++;
	stretch->nsegments += stretch->grid->ncycles + 2 * (int64) meter->nprices;
	if (stretch->nsegments > MAX_SEGMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many billing cycles for the SKUs used"),
				 errdetail("Tenant \"%s\" used %d SKUs or more in %d cycles; cycles times SKUs may be " INT64_FORMAT ".",
						   stretch->account->name, stretch->nmeters, stretch->grid->ncycles, MAX_SEGMENTS),
				 errhint("Take a longer cycle or a shorter time.")));
}

/* Called within a scan, whose memory goes with it */
static void
open_meter(Stretch *stretch, SkuMeter *meter)
{
	MemoryContext old = MemoryContextSwitchTo(stretch->context);
	PmSegments *segments;

	if (stretch->grid == NULL)
		stretch->grid = pm_grid_make(stretch->cycle, stretch->since, stretch->until,
									 stretch->contract->zone);
	count_segments(stretch, meter);
	segments = pm_segments_make(stretch->grid, meter->prices, meter->nprices);
	meter->segments = segments;
	meter->meter = pm_meter_make(pm_timeline_make(segments->edges, segments->nsegments));
	MemoryContextSwitchTo(old);
}

static void
meter_interval(int64 tenant_id, int64 sku_id, int64 quantity, int64 start, int64 end, void *state)
{
	Stretch    *stretch = state;
	int			i = find_sku(stretch, sku_id);
	SkuMeter   *meter = &stretch->meters[i];

	if (start >= end || end <= stretch->month_start)
		return;
	if (meter->meter == NULL)
		open_meter(stretch, meter);
	if (stretch->skus[i].once)
		pm_meter_add_once(meter->meter, start, quantity);
	else
		pm_meter_add(meter->meter, start, end, quantity);
}

/* A row of the SKU that was last asked for */
static void
return_row(const PmRatedRow *row, void *state)
{
	Stretch    *stretch = state;
	PmSku	   *sku = &stretch->skus[stretch->last];
	SkuMeter   *meter = &stretch->meters[stretch->last];
	Datum		values[10];
	bool		nulls[10] = {0};

	values[0] = Int64GetDatum(stretch->account->tenant_id);
	values[1] = CStringGetTextDatum(stretch->account->name);
	values[2] = CStringGetTextDatum(sku->name);
	nulls[3] = row->version < 0;
	values[3] = nulls[3] ? (Datum) 0 : Int64GetDatum(meter->prices[row->version].price_id);
	values[4] = TimestampTzGetDatum(pm_second_timestamptz(row->starts_at));
	values[5] = TimestampTzGetDatum(pm_second_timestamptz(row->ends_at));
	values[6] = NumericGetDatum(row->quantity);
	values[7] = CStringGetTextDatum(psprintf(sku->once ? "%s" : "%s-hour", sku->unit));
	nulls[8] = row->amount == NULL;
	values[8] = nulls[8] ? (Datum) 0 : NumericGetDatum(row->amount);
	values[9] = CStringGetTextDatum(stretch->contract->currency);
	tuplestore_putvalues(stretch->result->setResult, stretch->result->setDesc, values, nulls);
}

static void
return_sku(Stretch *stretch, int i)
{
	SkuMeter   *meter = &stretch->meters[i];
	int64	   *units;

	if (meter->meter == NULL)
		return;
	stretch->last = i;
	units = palloc(sizeof(int64) * meter->segments->nsegments);
	pm_meter_finish(meter->meter, units);
	pm_rate(meter->segments, units, stretch->skus[i].once, return_row, stretch);
	pfree(units);
}

/* Charges of one tenant for a stretch of time under one contract */
static void
charge_stretch(Stretch *stretch, int64 now)
{
	int64		tenant_id = stretch->account->tenant_id;
	MemoryContext old;

	stretch->context = AllocSetContextCreate(CurrentMemoryContext, "charges of a tenant",
											 ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(stretch->context);
	pm_cycle_check(stretch->cycle, stretch->since, stretch->until);
	stretch->month_start = pm_month_start(stretch->since, stretch->contract->zone);
	stretch->meters = palloc0(sizeof(SkuMeter) * Max(stretch->nskus, 1));
	read_prices(stretch);
	pm_scan_usage(tenant_id, stretch->month_start, stretch->until, meter_interval, stretch);
	pm_scan_holdings(tenant_id, Min(stretch->until, now), meter_interval, stretch);
	for (int i = 0; i < stretch->nskus; i++)
		return_sku(stretch, i);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(stretch->context);
}

static void
charge_account(FunctionCallInfo fcinfo, PmAccount *account, PmSku *skus, int nskus,
			   const PmCycle *cycle, int64 since, int64 until, int64 now)
{
	for (int i = 0; i < account->ncontracts; i++)
	{
		PmContract *contract = &account->contracts[i];
		bool		last = i == account->ncontracts - 1;
		Stretch		stretch = {0};

		stretch.account = account;
		stretch.contract = contract;
		stretch.cycle = cycle ? *cycle : contract->cycle;
		stretch.since = i == 0 ? since : Max(since, contract->starts_at);
		stretch.until = last ? until : Min(until, contract[1].starts_at);
		stretch.nskus = nskus;
		stretch.skus = skus;
		stretch.result = (ReturnSetInfo *) fcinfo->resultinfo;
		if (stretch.since < stretch.until)
			charge_stretch(&stretch, now);
	}
}

static int64
instant_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	pm_not_null(fcinfo, n, name);
	return pm_second_argument(PG_GETARG_TIMESTAMPTZ(n), name);
}

PG_FUNCTION_INFO_V1(pm_charges);

Datum
pm_charges(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmAccount  *accounts = NULL;
	PmSku	   *skus;
	PmCycle		cycle = {0};
	int64		tenant_id;
	int64		since;
	int64		until;
	int			naccounts = 0;
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
	/* the provider pays nobody; 0 would read the accounts of all */
	if (tenant_id != 0 || PG_ARGISNULL(0))
		naccounts = pm_read_accounts(&call, tenant_id, &accounts);
	nskus = pm_read_skus(&skus);
	for (int i = 0; i < naccounts; i++)
		charge_account(fcinfo, &accounts[i], skus, nskus, PG_ARGISNULL(3) ? NULL : &cycle,
					   since, until, pm_second(pm_reading_clock()));
	pm_end(&call);
	return (Datum) 0;
}
