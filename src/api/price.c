/*-------------------------------------------------------------------------
 *
 * price.c
 *	  set_price(): who may set which price, in what currency, from when.
 *
 * Prices are set one after the other, under the price book's lock: a price ends
 * where the next later one begins, so each call looks at its neighbours.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "api/args.h"
#include "api/check.h"
#include "api/reprice.h"
#include "api/request.h"
#include "billing/calendar.h"
#include "store/archive.h"
#include "store/books.h"
#include "store/ledger.h"

/* The currency of a price: as named, or that of the tenant's contract */
static char *
price_currency(FunctionCallInfo fcinfo, int64 tenant_id, TimestampTz valid_from)
{
	char	   *currency = pm_text_arg(fcinfo, 4);
	char	   *agreed = tenant_id == 0 ? NULL : pm_contract_currency(tenant_id, valid_from);

	if (currency == NULL)
		currency = agreed;
	if (currency == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a list price must have a currency"),
				 errdetail("There is no contract to take it from."),
				 errhint("Name it with the argument \"currency\".")));
	pm_find_currency(currency);
	if (agreed && strcmp(agreed, currency) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the tenant's contract is in %s, not in %s", agreed, currency),
				 errdetail("A tenant is rated only with prices in its contract's currency."),
				 errhint("Leave out the argument \"currency\".")));
	return currency;
}

/*
 * What was charged for the time from valid_from until the next price moves to
 * what is in force there now, if there is a reason for that.
 */
static void
reprice_charged(PmCall *call, FunctionCallInfo fcinfo, const PmPriceKey *key,
				TimestampTz valid_from, const PmPriceNeighbours *around)
{
	PmRepricing repricing = {key->sku_id, pm_second(valid_from), pm_second_or_end(around->next), pm_text_arg(fcinfo, 5)};
	int64	   *tenants;
	int			n = 0;

	/* of a list price those matter that were charged at the one before */
	if (key->tenant_id != 0 || around->price_id != 0)
	{
		int64		price_id = key->tenant_id == 0 ? around->price_id : 0;
		PmArchived	archived;

		if (pm_find_archived_charges(key->sku_id, key->tenant_id, price_id, repricing.since, repricing.until, &archived))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("time from %s on has been charged and archived", timestamptz_to_str(valid_from)),
					 errdetail("Of tenant \"%s\" what was used before %s is archived: it cannot be booked at another price.",
							   archived.tenant, timestamptz_to_str(archived.until)),
					 errhint("Set a \"valid_from\" not before then; book what is wrong earlier by hand, with adjust().")));
		n = pm_charged_tenants(key->sku_id, key->tenant_id, price_id, repricing.since, repricing.until, &tenants);
	}
	if (n == 0)
		return;
	if (repricing.reason == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("time from %s on has been charged", timestamptz_to_str(valid_from)),
				 errdetail("%d tenant(s) would have charges of another price than the one in force.", n),
				 errhint("Say why with the argument \"reprice\", and the difference is booked; or set a later \"valid_from\".")));
	pm_reprice(call, &repricing, tenants, n);
}

/* How runs are counted by the price: NULL stands for by the second, as they were */
static int32
seconds_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	int32		seconds;

	if (PG_ARGISNULL(n))
		return 0;
	seconds = PG_GETARG_INT32(n);
	if (seconds < 1 || seconds > PM_DAY_SECONDS)
		pm_invalid_argument(name, "It is a number of seconds from 1 to 86400, a day.",
							"Leave it out to bill runs by the second, as long as they were.");
	if (PG_ARGISNULL(1))
		pm_invalid_argument(name, "A NULL tariff ends a price, and begins none.",
							"Leave out what would be said of the new price.");
	return seconds;
}

/* Ends the price in force, if any, and begins the new one, unless it is NULL */
static int64
set_price(PmCall *call, FunctionCallInfo fcinfo, int64 tenant_id)
{
	PmPriceKey	key = {0};
	PmPriceNeighbours around;
	TimestampTz valid_from;
	TimestampTz instant;
	int64		price_id = 0;
	int32		minimum_seconds = seconds_arg(fcinfo, 6, "minimum_seconds");
	int32		quantum_seconds = seconds_arg(fcinfo, 7, "quantum_seconds");

	valid_from = PG_ARGISNULL(2) ? pm_writing_clock() : PG_GETARG_TIMESTAMPTZ(2);
	valid_from = pm_second_timestamptz(pm_second_argument(valid_from, "valid_from"));
	key.tenant_id = tenant_id;
	key.currency = price_currency(fcinfo, tenant_id, valid_from);
	key.sku_id = minimum_seconds + quantum_seconds > 0 ?
		pm_find_hourly_sku(pm_text_arg(fcinfo, 0)) : pm_find_sku(pm_text_arg(fcinfo, 0));
	pm_lock_prices();
	instant = pm_writing_clock();
	pm_read_neighbours(&key, valid_from, &around);
	if (around.price_id != 0 && around.starts == valid_from && PG_ARGISNULL(5))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("a price for this SKU already begins at %s", timestamptz_to_str(valid_from)),
				 errdetail("A price holds from its \"valid_from\" until the next one begins."),
				 errhint("Set one with another \"valid_from\", or say with the argument \"reprice\" why it takes the other's place.")));
	if (around.price_id == 0 && PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no price is in force at %s to be ended", timestamptz_to_str(valid_from)),
				 errdetail("A NULL tariff ends a contracted price."),
				 errhint("Table \"price\" shows when prices hold.")));
	if (around.price_id != 0)
		pm_end_price(tenant_id, around.price_id, valid_from);
	if (!PG_ARGISNULL(1))
		price_id = pm_insert_price(call, &key, PG_GETARG_DATUM(1), minimum_seconds, quantum_seconds,
								   valid_from, around.next, instant);
	pm_note_price_set(call, &key, instant);
	reprice_charged(call, fcinfo, &key, valid_from, &around);
	return price_id;
}

static void
check_reason(FunctionCallInfo fcinfo)
{
	char	   *reason = pm_text_arg(fcinfo, 5);

	if (reason != NULL && reason[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for argument \"reprice\""),
				 errdetail("It is the reason, kept with every charge that is corrected."),
				 errhint("Say why the price of the past changes.")));
}

PG_FUNCTION_INFO_V1(pm_sql_set_price);

Datum
pm_sql_set_price(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmRequested requested;
	int64		tenant_id;
	int64		price_id;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	pm_not_null(fcinfo, 0, "sku");
	check_reason(fcinfo);
	/* the provider's own prices are the list prices */
	tenant_id = pm_tenant_arg(&call, fcinfo, 3);
	if (PG_ARGISNULL(1) && tenant_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a list price must have a tariff"),
				 errdetail("A NULL tariff ends a contracted price."),
				 errhint("Set a tariff of 0 for what is free.")));
	/* a repeat has its answer, whatever the contract and the prices are now */
	if (pm_is_repeated(&call, fcinfo, tenant_id, &requested))
		price_id = requested.results[0];
	else
	{
		price_id = set_price(&call, fcinfo, tenant_id);
		pm_request_done(&requested, &price_id, 1);
	}
	pm_end(&call);
	if (price_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(price_id);
}
