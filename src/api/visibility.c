/*-------------------------------------------------------------------------
 *
 * visibility.c
 *	  The clock as SQL sees it, and the functions of the row-level security
 *	  policies.
 *
 * A policy reads tenant_id BETWEEN first_tenant() AND last_tenant() AND
 * may_see(tenant_id): the bounds make an index usable, the set decides.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/check.h"
#include "billing/calendar.h"
#include "store/session.h"

PG_FUNCTION_INFO_V1(pm_clock);

Datum
pm_clock(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(pm_reading_clock());
}

PG_FUNCTION_INFO_V1(pm_write_clock);

Datum
pm_write_clock(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(pm_writing_clock());
}

/* The tenants that the actor may see, kept for the length of a query */
typedef struct Visible
{
	Oid			actor;
	int			count;			/* -1: all */
	int64	   *tenants;		/* ascending */
} Visible;

static Visible *
visible_tenants(FunctionCallInfo fcinfo)
{
	Visible    *visible = fcinfo->flinfo->fn_extra;
	MemoryContext old;
	PmCall		call;

	if (visible && visible->actor == GetUserId())
		return visible;
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	visible = palloc(sizeof(Visible));
	visible->actor = GetUserId();
	pm_begin(&call, fcinfo);
	visible->count = pm_visible_tenants(&call, &visible->tenants);
	pm_end(&call);
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = visible;
	return visible;
}

PG_FUNCTION_INFO_V1(pm_first_tenant);

Datum
pm_first_tenant(PG_FUNCTION_ARGS)
{
	Visible    *visible = visible_tenants(fcinfo);

	if (visible->count < 0)
		PG_RETURN_INT64(0);
	PG_RETURN_INT64(visible->count == 0 ? 1 : visible->tenants[0]);
}

PG_FUNCTION_INFO_V1(pm_last_tenant);

Datum
pm_last_tenant(PG_FUNCTION_ARGS)
{
	Visible    *visible = visible_tenants(fcinfo);

	if (visible->count < 0)
		PG_RETURN_INT64(PG_INT64_MAX);
	PG_RETURN_INT64(visible->count == 0 ? 0 : visible->tenants[visible->count - 1]);
}

PG_FUNCTION_INFO_V1(pm_sql_may_see);

Datum
pm_sql_may_see(PG_FUNCTION_ARGS)
{
	Visible    *visible = visible_tenants(fcinfo);
	int64		tenant_id = PG_GETARG_INT64(0);
	int			low = 0;
	int			high = visible->count - 1;

	if (visible->count < 0)
		PG_RETURN_BOOL(true);
	while (low <= high)
	{
		int			middle = low + (high - low) / 2;

		if (visible->tenants[middle] == tenant_id)
			PG_RETURN_BOOL(true);
		if (visible->tenants[middle] < tenant_id)
			low = middle + 1;
		else
			high = middle - 1;
	}
	PG_RETURN_BOOL(false);
}

/* ---- what constraints ask; two of them answer no by an error that says why ---- */

PG_FUNCTION_INFO_V1(pm_is_whole_second);

Datum
pm_is_whole_second(PG_FUNCTION_ARGS)
{
	TimestampTz instant = PG_GETARG_TIMESTAMPTZ(0);

	PG_RETURN_BOOL(!TIMESTAMP_NOT_FINITE(instant) && instant % USECS_PER_SEC == 0);
}

PG_FUNCTION_INFO_V1(pm_is_time_zone);

Datum
pm_is_time_zone(PG_FUNCTION_ARGS)
{
	pm_check_time_zone(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(pm_billing_month);

Datum
pm_billing_month(PG_FUNCTION_ARGS)
{
	int64		second = pm_second(PG_GETARG_TIMESTAMPTZ(0));
	pg_tz	   *zone = pm_time_zone(text_to_cstring(PG_GETARG_TEXT_PP(1)));

	PG_RETURN_TIMESTAMPTZ(pm_second_timestamptz(pm_month_start(second, zone)));
}

PG_FUNCTION_INFO_V1(pm_is_cycle);

Datum
pm_is_cycle(PG_FUNCTION_ARGS)
{
	(void) pm_cycle(PG_GETARG_INTERVAL_P(0));
	PG_RETURN_BOOL(true);
}
