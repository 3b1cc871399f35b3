/*-------------------------------------------------------------------------
 *
 * charges.c
 *	  charges(): what usage costs, by the counter rule, without settlement.
 *
 * As many tenants at once as memory allows, each lot in a memory context of its
 * own: their usage is metered in one reading (usage_meters.c), then rated meter
 * by meter, and rows go out as they are rated.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/usage_meters.h"
#include "billing/calendar.h"
#include "billing/rate.h"
#include "store/archive.h"

typedef struct Charges
{
	int			nskus;
	PmSku	   *skus;
	Datum	   *sku_names;		/* text, as rows have them */
	Datum	   *units;
	const PmCycle *cycle;		/* NULL: the contract's */
	int64		since;
	int64		until;
	int64		now;
	ReturnSetInfo *result;
	const PmUsageMeter *meter;	/* whose rows are returned */
	Datum		tenant_name;
	Datum		currency;
} Charges;

/* ---- rows ---- */

static void
return_row(const PmRatedRow *row, void *state)
{
	Charges    *charges = state;
	int			sku = charges->meter->sku;
	const PmPriceVersion *prices = charges->meter->terms->skus[sku].prices;
	Datum		values[10];
	bool		nulls[10] = {0};

	values[0] = Int64GetDatum(charges->meter->account->tenant_id);
	values[1] = charges->tenant_name;
	values[2] = charges->sku_names[sku];
	nulls[3] = row->version < 0;
	values[3] = nulls[3] ? (Datum) 0 : Int64GetDatum(prices[row->version].price_id);
	values[4] = TimestampTzGetDatum(pm_second_timestamptz(row->starts_at));
	values[5] = TimestampTzGetDatum(pm_second_timestamptz(row->ends_at));
	values[6] = NumericGetDatum(row->quantity);
	values[7] = charges->units[sku];
	nulls[8] = row->amount == NULL;
	values[8] = nulls[8] ? (Datum) 0 : NumericGetDatum(row->amount);
	values[9] = charges->currency;
	tuplestore_putvalues(charges->result->setResult, charges->result->setDesc, values, nulls);
}

/* Whose sums are too large, when they are */
static void
error_meter(void *arg)
{
	const Charges *charges = arg;

	errcontext("charges of SKU \"%s\" to tenant \"%s\"", charges->skus[charges->meter->sku].name,
			   charges->meter->account->name);
}

static void
return_meter(Charges *charges, const PmUsageMeter *meter)
{
	const PmSegments *segments = meter->terms->skus[meter->sku].segments;
	int64	   *units = palloc(sizeof(int64) * segments->nsegments);
	ErrorContextCallback where = {error_context_stack, error_meter, charges};

	charges->meter = meter;
	error_context_stack = &where;
	charges->tenant_name = CStringGetTextDatum(meter->account->name);
	charges->currency = CStringGetTextDatum(meter->terms->currency);
	pm_meter_finish(meter->meter, units);
	pfree(meter->meter);
	pm_rate(segments, units, charges->skus[meter->sku].once, return_row, charges);
	error_context_stack = where.previous;
	pfree(units);
}

/* ---- tenants ---- */

/* The part of the time that is under a contract; false: none */
static bool
clip_contract(const Charges *charges, const PmAccount *account, int i, int64 *since, int64 *until)
{
	const PmContract *contract = &account->contracts[i];

	*since = i == 0 ? charges->since : Max(charges->since, contract->starts_at);
	*until = i == account->ncontracts - 1 ? charges->until : Min(charges->until, contract[1].starts_at);
	return *since < *until;
}

static PmCycle
cycle_of(const Charges *charges, const PmContract *contract)
{
	return charges->cycle ? *charges->cycle : contract->cycle;
}

/* About how many segments a tenant has if it used all SKUs */
static int64
expected_segments(const Charges *charges, const PmAccount *account)
{
	int64		ncycles = 0;

	for (int i = 0; i < account->ncontracts; i++)
	{
		PmCycle		cycle = cycle_of(charges, &account->contracts[i]);
		int64		length = cycle.kind == PM_CYCLE_SECONDS ? cycle.seconds : PM_DAY_SECONDS;
		int64		since;
		int64		until;

		if (clip_contract(charges, account, i, &since, &until))
			ncycles += (until - since) / length + 2;
	}
	return Min(ncycles, PM_MAX_SEGMENTS) * charges->nskus;
}

static void
add_account(const Charges *charges, PmUsageMeters *meters, const PmAccount *account)
{
	for (int i = 0; i < account->ncontracts; i++)
	{
		const PmContract *contract = &account->contracts[i];
		int64		since;
		int64		until;

		if (clip_contract(charges, account, i, &since, &until))
			pm_usage_meters_add(meters, account, contract, cycle_of(charges, contract), since, until);
	}
}

/* Charges of the first of these tenants; returns of how many */
static int
charge_lot(Charges *charges, const PmAccount *accounts, int naccounts, bool all)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "charges of tenants",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PmUsageMeters *meters = pm_usage_meters_make(charges->skus, charges->nskus);
	PmUsageMeter *used;
	int64		room = PM_MAX_SEGMENTS;
	int			taken = 0;
	int			n;

	do
	{
		add_account(charges, meters, &accounts[taken]);
		room -= expected_segments(charges, &accounts[taken]);
		taken++;
	}
	while (taken < naccounts && room >= expected_segments(charges, &accounts[taken]));
	n = pm_usage_meters_read(meters, all && taken == naccounts, charges->now, &used);
	for (int i = 0; i < n; i++)
		return_meter(charges, &used[i]);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return taken;
}

static void
read_skus(Charges *charges)
{
	charges->nskus = pm_read_skus(&charges->skus);
	charges->sku_names = palloc(sizeof(Datum) * Max(charges->nskus, 1));
	charges->units = palloc(sizeof(Datum) * Max(charges->nskus, 1));
	for (int i = 0; i < charges->nskus; i++)
	{
		PmSku	   *sku = &charges->skus[i];

		charges->sku_names[i] = CStringGetTextDatum(sku->name);
		charges->units[i] = CStringGetTextDatum(psprintf(sku->once ? "%s" : "%s-hour", sku->unit));
	}
}

static int64
instant_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	pm_not_null(fcinfo, n, name);
	return pm_second_argument(PG_GETARG_TIMESTAMPTZ(n), name);
}

/* What is not here cannot be summed up: better nothing than too little */
static void
refuse_archived(const PmAccount *accounts, int naccounts, int64 since)
{
	int64	   *tenants = palloc(sizeof(int64) * Max(naccounts, 1));
	PmArchived	archived;

	for (int i = 0; i < naccounts; i++)
		tenants[i] = accounts[i].tenant_id;
	if (pm_find_archived(tenants, naccounts, since, &archived))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("what tenant \"%s\" used before %s has been archived",
						archived.tenant, timestamptz_to_str(archived.until)),
				 errdetail("Asked was for what was used from %s on.", timestamptz_to_str(pm_second_timestamptz(since))),
				 errhint("Name a \"since\" not before then; bills have the totals of months that are archived.")));
	pfree(tenants);
}

PG_FUNCTION_INFO_V1(pm_charges);

Datum
pm_charges(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmAccount  *accounts = NULL;
	PmCycle		cycle;
	Charges		charges = {0};
	int64		tenant_id;
	int			naccounts = 0;
	bool		all;

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);
	tenant_id = pm_tenant_arg(&call, fcinfo, 0);
	charges.result = (ReturnSetInfo *) fcinfo->resultinfo;
	charges.since = instant_arg(fcinfo, 1, "since");
	charges.until = instant_arg(fcinfo, 2, "until");
	if (charges.since >= charges.until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"since\" must be before \"until\""),
				 errdetail("Both are cut to the second."),
				 errhint("A month is from its first day to the first day of the next.")));
	if (!PG_ARGISNULL(3))
	{
		cycle = pm_cycle(PG_GETARG_INTERVAL_P(3));
		charges.cycle = &cycle;
	}
	charges.now = pm_second(pm_reading_clock());
	/* the provider pays nobody; 0 would read the accounts of all */
	if (tenant_id != 0 || PG_ARGISNULL(0))
		naccounts = pm_read_accounts(&call, tenant_id, &accounts);
	refuse_archived(accounts, naccounts, charges.since);
	all = tenant_id == 0 && pm_access(&call, 0) == PM_ACCESS_OPERATOR;
	read_skus(&charges);
	for (int i = 0; i < naccounts;)
		i += charge_lot(&charges, &accounts[i], naccounts - i, all && i == 0);
	pm_end(&call);
	return (Datum) 0;
}
