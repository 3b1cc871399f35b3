/*-------------------------------------------------------------------------
 *
 * settle.c
 *	  settle(): what was used up to an instant is rated and booked.  Of all
 *	  tenants: settle_all.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/booking.h"
#include "api/settle.h"
#include "billing/calendar.h"

/* Rows of usage that are rated at once */
#define BATCH_ROWS	50000

/* What takes back usage of the same batch waits for the next: the charge that it corrects is to be in the books */
static int
without_own_corrections(const PmUsageRow *usage, int n)
{
	for (int i = 1; i < n; i++)
	{
		if (usage[i].corrects >= usage[0].usage_id)
			return i;
	}
	return n;
}

static int64
book_unrated(PmBooks *books, int64 tenant_id, int64 until)
{
	MemoryContext of_rows = AllocSetContextCreate(CurrentMemoryContext, "unrated usage", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(of_rows);
	int64		after = 0;
	int64		charges = 0;

	for (;;)
	{
		PmUsageRow *usage;
		int64	   *ids;
		int			n = pm_read_unrated(tenant_id, after, until, BATCH_ROWS, &usage);

		if (n == 0)
			break;
		for (int first = 0, some; first < n; first += some)
		{
			some = without_own_corrections(&usage[first], n - first);
			charges += pm_books_add(books, &usage[first], some);
		}
		ids = palloc(sizeof(int64) * n);
		for (int i = 0; i < n; i++)
			ids[i] = usage[i].usage_id;
		pm_delete_unrated(tenant_id, ids, n);
		after = ids[n - 1];
		MemoryContextReset(of_rows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(of_rows);
	return charges;
}

/*
 * What is held is cut first: that waits for those who are about to give it
 * back, and what they leave is among the unrated then.
 */
static int64
book_all(PmBooks *books, int64 tenant_id, int64 until)
{
	PmUsageRow *slices;
	int			n = pm_cut_held(tenant_id, until, &slices);
	int64		charges;

	pm_drop_taken_back(tenant_id);
	charges = book_unrated(books, tenant_id, until);
	for (int first = 0; first < n; first += BATCH_ROWS)
		charges += pm_books_add(books, &slices[first], Min(BATCH_ROWS, n - first));
	return charges;
}

int64
pm_settle_tenant(PmCall *call, int64 tenant_id, int64 until)
{
	PmBooks    *books = pm_books_open(call, tenant_id, "settlement", NULL);
	int64		charges = book_all(books, tenant_id, until);

	if (until > pm_books_ledger(books)->settled_until)
		pm_settled(tenant_id, until);
	return charges;
}

int64
pm_settle_until(FunctionCallInfo fcinfo, int n)
{
	TimestampTz now = pm_writing_clock();
	int64		until = PG_ARGISNULL(n) ? pm_second(now) :
		pm_second_argument(PG_GETARG_TIMESTAMPTZ(n), "until");

	if (until > pm_second(now))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"until\" must not be in the future"),
				 errdetail("The clock is at %s.", timestamptz_to_str(now)),
				 errhint("Leave it out to settle up to now.")));
	return until;
}

void
pm_warn_of_tenant(const char *text, const char *name, const ErrorData *error)
{
	/* a refusal says all there is to say, and has a hint */
	const char *context = error->hint ? NULL : error->context;

	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg(text, name, error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0,
			 error->hint ? errhint("%s", error->hint) : 0,
			 context ? errcontext("%s", context) : 0));
}

PG_FUNCTION_INFO_V1(pm_settle);

Datum
pm_settle(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64		tenant_id;
	int64		charges;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	pm_not_null(fcinfo, 0, "tenant");
	tenant_id = pm_tenant_arg(&call, fcinfo, 0);
	if (tenant_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the provider pays nobody"),
				 errdetail("Books are kept for tenants that are billed."),
				 errhint("Name another tenant.")));
	charges = pm_settle_tenant(&call, tenant_id, pm_settle_until(fcinfo, 1));
	pm_end(&call);
	PG_RETURN_INT64(charges);
}
