/*-------------------------------------------------------------------------
 *
 * usage.c
 *	  record_usage(), record_usages(), correct_usage(), extra_seconds(): what
 *	  external meters tell of, what was wrong, and what runs are billed beyond.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/check.h"
#include "api/request.h"
#include "billing/calendar.h"
#include "billing/counter.h"
#include "billing/slice.h"
#include "errors.h"
#include "store/archive.h"

/* ---- what is given ---- */

static int
compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

/* Thousandths of a unit.  Never rounded: nobody pays for what was not used. */
static int64
thousandths(Numeric quantity, bool corrected)
{
	Numeric		scaled;
	Numeric		whole;

	if (numeric_is_nan(quantity) || numeric_is_inf(quantity) ||
		compare(quantity, int64_to_numeric(0)) < (corrected ? 0 : 1))
		pm_invalid_argument("quantity",
							corrected ? "It is what was used in all, in units of the SKU, and not below 0." :
							"It is a number of units of the SKU above 0.",
							corrected ? "Say what is right, not the difference; 0 takes all of it back." :
							"What was recorded wrongly is taken back with correct_usage(), and a quantity of 0.");
	scaled = DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(quantity),
												 NumericGetDatum(int64_to_numeric(1000))));
	whole = DatumGetNumeric(DirectFunctionCall2(numeric_trunc, NumericGetDatum(scaled), Int32GetDatum(0)));
	if (compare(scaled, whole) != 0)
		pm_invalid_argument("quantity", "Quantities are thousandths of a unit, nothing more precise.",
							"Round it, or meter in a smaller unit.");
	if (compare(whole, int64_to_numeric(PG_INT64_MAX)) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("argument \"quantity\" is out of range"),
				 errdetail("It counts thousandths of a unit in 64 bits."),
				 errhint("Meter in larger units.")));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(whole)));
}

/* Its times make sense, and what it amounts to can be counted; the end of a run may be an empty slice */
static void
check_times(const PmUsageRecord *usage, int64 now)
{
	if (usage->end < usage->start || (usage->end == usage->start && usage->run_seconds <= 0))
		pm_invalid_argument("ended_at", "It must be after \"started_at\"; both are cut to the second.",
							usage->usage_id != 0 ? "A quantity of 0 takes all of it back." :
							usage->once ? "Leave it out: what is priced once needs one instant." :
							"Usage is from its first second to the one behind its last.");
	/* a mistyped year is a row for each month since, none of which has a price */
	if (usage->start < 0)
		pm_invalid_argument("started_at", "It is before the year 2000, when the first contracts begin.",
							"Write the year with four digits.");
	if (usage->end > now + (usage->once ? 1 : 0))
		pm_invalid_argument("ended_at",
							psprintf("It is in the future: the clock is at %s.",
									 timestamptz_to_str(pm_second_timestamptz(now))),
							"Record usage when it has happened.");
	(void) pm_counter_units(usage->quantity, usage->once ? 1 : usage->end - usage->start);
}

static void
check_event_name(const char *value, const char *name)
{
	pm_check_name(value, name);
	if (strcmp(name, "source") == 0 && strcmp(value, PM_CORRECTION) == 0)
		pm_invalid_argument(name, "This one is of what correct_usage() records.", "Choose another name.");
}

/* Its job and pool are the tenant's; they say where it was used */
static void
set_place(PmUsageRecord *usage, const PmUsageFacts *facts)
{
	if (facts->pool_tenant_id != 0 && facts->pool_tenant_id != usage->tenant_id)
		pm_invalid_argument("pool", "It is a dedicated pool of another tenant.",
							"Name one of the tenant's, or leave it out.");
	if (usage->job_id == 0)
		return;
	if (facts->job_tenant_id != usage->tenant_id)
		pm_invalid_argument("job",
							facts->job_tenant_id < 0 ? psprintf("There is no job " INT64_FORMAT ".", usage->job_id) :
							psprintf("Job " INT64_FORMAT " is another tenant's.", usage->job_id),
							"Table job has the jobs of each tenant.");
	if (usage->pool_id != 0 && usage->pool_id != facts->job_pool_id)
		pm_invalid_argument("pool", psprintf("Job " INT64_FORMAT " is in another pool.", usage->job_id),
							"Leave it out: it is the job's.");
	usage->pool_id = facts->job_pool_id;
	if (usage->workspace_id == 0)
		usage->workspace_id = facts->job_workspace_id;
}

/* Completes events whose ids are known */
static void
set_events(PmUsageRecord *events, const PmUsageGiven *given, int n, int *current)
{
	int64		now = pm_second(pm_writing_clock());
	PmUsageFacts *facts = pm_read_usage_facts(events, n);

	for (*current = 0; *current < n; (*current)++)
	{
		int			i = *current;
		PmUsageRecord    *event = &events[i];

		if (event->tenant_id == 0)
			pm_invalid_argument("tenant", "The provider pays nobody.", "Name the tenant that used it.");
		check_event_name(given[i].source, "source");
		check_event_name(given[i].event_id, "event_id");
		event->source = given[i].source;
		event->event_id = given[i].event_id;
		event->once = facts[i].once;
		event->quantity = thousandths(given[i].quantity, false);
		event->start = pm_second_argument(given[i].started_at, "started_at");
		if (given[i].has_end)
			event->end = pm_second_argument(given[i].ended_at, "ended_at");
		else if (event->once)
			event->end = event->start + 1;
		else
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"ended_at\" must not be null"),
					 errdetail("The SKU is priced by the hour."),
					 errhint("Only what is priced once needs no end.")));
		check_times(event, now);
		set_place(event, &facts[i]);
	}
	*current = -1;
}

static void
return_recorded(FunctionCallInfo fcinfo, const PmRecorded *recorded, int n)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < recorded[i].nids; k++)
		{
			Datum		values[] = {Int64GetDatum(recorded[i].ids[k]), BoolGetDatum(recorded[i].now)};
			bool		nulls[] = {false, false};

			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
}

/* ---- record_usage ---- */

PG_FUNCTION_INFO_V1(pm_sql_record_usage);

Datum
pm_sql_record_usage(PG_FUNCTION_ARGS)
{
	static const char *const needed[] = {"tenant", "sku", "quantity", "started_at", NULL, "source", "event_id"};
	PmCall		call;
	PmUsageGiven given = {0};
	PmUsageRecord		event = {0};
	int			current;

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	for (int n = 0; n < (int) lengthof(needed); n++)
	{
		if (needed[n])
			pm_not_null(fcinfo, n, needed[n]);
	}
	given.quantity = PG_GETARG_NUMERIC(2);
	given.started_at = PG_GETARG_TIMESTAMPTZ(3);
	given.has_end = !PG_ARGISNULL(4);
	given.ended_at = given.has_end ? PG_GETARG_TIMESTAMPTZ(4) : 0;
	given.source = pm_text_arg(fcinfo, 5);
	given.event_id = pm_text_arg(fcinfo, 6);
	event.tenant_id = pm_tenant_arg(&call, fcinfo, 0);
	event.sku_id = pm_find_sku(pm_text_arg(fcinfo, 1));
	if (!PG_ARGISNULL(7))
		event.workspace_id = pm_workspace_arg(&call, fcinfo, 7, event.tenant_id);
	if (!PG_ARGISNULL(8))
		event.pool_id = pm_pool_arg(&call, fcinfo, 8)->pool_id;
	if (!PG_ARGISNULL(9))
		event.job_id = PG_GETARG_INT64(9);
	set_events(&event, &given, 1, &current);
	return_recorded(fcinfo, pm_record_usage(&event, 1, &current), 1);
	pm_end(&call);
	return (Datum) 0;
}

/* ---- record_usages ---- */

static void
error_row(void *arg)
{
	int			current = *(int *) arg;

	if (current >= 0)
		errcontext("row %d of the query", current + 1);
}

/* What is not there by its name is said as by any other call */
static void
find_names(PmCall *call, const PmUsageGiven *given, PmUsageRecord *events, int n, int *current)
{
	pm_find_usage_names(given, events, n);
	for (*current = 0; *current < n; (*current)++)
	{
		PmUsageRecord    *event = &events[*current];
		const PmUsageGiven *names = &given[*current];

		if (event->tenant_id == 0)
			event->tenant_id = pm_find_tenant(call, names->tenant, 0);
		if (event->sku_id == 0)
			event->sku_id = pm_find_sku(names->sku);
		if (event->workspace_id == 0 && names->workspace)
			event->workspace_id = pm_find_workspace(call, event->tenant_id, names->workspace, 0);
		if (event->pool_id == 0 && names->pool)
			event->pool_id = pm_find_pool(call, names->pool, 0)->pool_id;
		event->job_id = names->job_id;
	}
}

PG_FUNCTION_INFO_V1(pm_record_usages);

Datum
pm_record_usages(PG_FUNCTION_ARGS)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "usage of a query",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	ErrorContextCallback where;
	PmCall		call;
	PmUsageGiven *given;
	PmUsageRecord    *events;
	int			current = -1;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	pm_not_null(fcinfo, 0, "usage_query");
	old = MemoryContextSwitchTo(context);
	n = pm_run_usage_query(pm_text_arg(fcinfo, 0), &given);
	MemoryContextSwitchTo(old);

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	events = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(PmUsageRecord) * Max(n, 1),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	where.callback = error_row;
	where.arg = &current;
	where.previous = error_context_stack;
	error_context_stack = &where;
	find_names(&call, given, events, n, &current);
	set_events(events, given, n, &current);
	return_recorded(fcinfo, pm_record_usage(events, n, &current), n);
	error_context_stack = where.previous;
	pm_end(&call);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/* ---- correct_usage ---- */

static void
check_not_archived(const PmUsageRecord *usage)
{
	if (pm_is_archived(usage))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("charges of usage " INT64_FORMAT " have been archived", usage->usage_id),
				 errdetail("It was used from %s on.", timestamptz_to_str(pm_second_timestamptz(usage->start))),
				 errhint("Book what is wrong by hand, with adjust().")));
}

/* Where to go from usage that was taken back: to what took its place, if anything did */
static char *
after_correction(int64 usage_id)
{
	if (pm_is_replaced(usage_id))
		return psprintf("Correct what took its place: source 'correction', event_id 'usage " INT64_FORMAT "'.", usage_id);
	return "Nothing took its place: record what was used with record_usage(), as another event.";
}

static void
check_not_corrected(const PmUsageRecord *usage, int64 corrected_by)
{
	if (usage->corrects != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_WRONG_STATE),
				 errmsg("usage " INT64_FORMAT " takes other usage back and cannot be corrected", usage->usage_id),
				 errdetail("It corrects usage " INT64_FORMAT ".", usage->corrects),
				 errhint("%s", after_correction(usage->corrects))));
	if (corrected_by != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_WRONG_STATE),
				 errmsg("usage " INT64_FORMAT " has been corrected before", usage->usage_id),
				 errdetail("It was taken back by usage " INT64_FORMAT ".", corrected_by),
				 errhint("%s", after_correction(usage->usage_id))));
}

/* What was used, as the arguments have it; a run is longer or shorter with its last slice */
static PmUsageRecord
replacement_of(FunctionCallInfo fcinfo, const PmUsageRecord *usage)
{
	PmUsageRecord		right = *usage;
	bool		moved;

	if (!PG_ARGISNULL(2))
		right.quantity = thousandths(PG_GETARG_NUMERIC(2), true);
	if (!PG_ARGISNULL(3))
		right.start = pm_second_argument(PG_GETARG_TIMESTAMPTZ(3), "started_at");
	if (!PG_ARGISNULL(4))
		right.end = pm_second_argument(PG_GETARG_TIMESTAMPTZ(4), "ended_at");
	else if (right.once && !PG_ARGISNULL(3))
		right.end = right.start + (usage->end - usage->start);
	moved = right.start != usage->start || right.end != usage->end;
	if (right.quantity == usage->quantity && !moved)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("usage " INT64_FORMAT " would stay as it is", usage->usage_id),
				 errdetail("What is given of \"quantity\", \"started_at\" and \"ended_at\" is what was recorded."),
				 errhint("Say what is right; a quantity of 0 takes all of it back.")));
	if (right.quantity == 0 && moved)
		pm_invalid_argument("quantity", "All of it is taken back: there is nothing left to have other times.",
							"Leave out the times, or give another quantity.");
	if (right.run_seconds > 0)
		right.run_seconds += (right.end - right.start) - (usage->end - usage->start);
	if (moved)
		check_times(&right, pm_second(pm_writing_clock()));
	else
		(void) pm_counter_units(right.quantity, usage->once ? 1 : usage->end - usage->start);
	right.slice_no = 0;
	right.source = PM_CORRECTION;
	right.event_id = psprintf("usage " INT64_FORMAT, usage->usage_id);
	return right;
}

/* Takes usage back and appends what was used instead, if anything was */
static int
correct(PmCall *call, FunctionCallInfo fcinfo, const PmUsageRecord *usage, int64 **ids)
{
	char	   *reason = pm_name_arg(fcinfo, 1, "reason");
	PmUsageRecord		rows[2];

	rows[0] = *usage;
	rows[0].quantity = -usage->quantity;
	rows[0].corrects = usage->usage_id;
	rows[0].reason = reason;
	rows[1] = replacement_of(fcinfo, usage);
	rows[1].reason = reason;
	pm_note_corrected(call, usage, reason, pm_writing_clock());
	return pm_append_usage(rows, rows[1].quantity == 0 ? 1 : 2, ids);
}

PG_FUNCTION_INFO_V1(pm_sql_correct_usage);

Datum
pm_sql_correct_usage(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PmCall		call;
	PmRequested requested;
	PmUsageRecord    *usage;
	int64		corrected_by;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	pm_not_null(fcinfo, 0, "usage");
	usage = pm_lock_usage(PG_GETARG_INT64(0), &corrected_by);
	if (usage == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("usage " INT64_FORMAT " does not exist", PG_GETARG_INT64(0)),
				 errdetail("No tenant has usage of this id, or it has been archived."),
				 errhint("Table usage shows what was used.")));
	if (!pm_is_repeated(&call, fcinfo, usage->tenant_id, &requested))
	{
		check_not_corrected(usage, corrected_by);
		check_not_archived(usage);
		requested.nresults = correct(&call, fcinfo, usage, &requested.results);
		pm_request_done(&requested, requested.results, requested.nresults);
	}
	for (int i = 0; i < requested.nresults; i++)
	{
		Datum		value = Int64GetDatum(requested.results[i]);
		bool		isnull = false;

		tuplestore_putvalues(result->setResult, result->setDesc, &value, &isnull);
	}
	pm_end(&call);
	return (Datum) 0;
}

/* ---- extra_seconds ---- */

PG_FUNCTION_INFO_V1(pm_sql_extra_seconds);

Datum
pm_sql_extra_seconds(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(pm_extra_seconds(PG_ARGISNULL(0) ? 0 : PG_GETARG_INT32(0),
									 PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1),
									 PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2)));
}
