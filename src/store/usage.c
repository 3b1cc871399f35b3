/*-------------------------------------------------------------------------
 *
 * usage.c
 *	  Writing usage: slices of holdings, events of external meters, and what
 *	  corrects either.
 *
 * Where usage is cut is billing's; what may be recorded or corrected is said
 * by the calls.  What closes holdings is holding.c's, what usage refers to is
 * read by usage_read.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "billing/calendar.h"
#include "billing/slice.h"
#include "errors.h"
#include "store/usage.h"

/* ---- months ---- */

/* In which zones a tenant's months are */
typedef struct Months
{
	int64		tenant_id;
	int			nspans;
	PmZoneSpan *spans;
} Months;

static int
compare_ids(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

/* Those of all that used something, in order of tenant */
static int
read_months(const PmUsageRecord *usage, int n, Months **months)
{
	static PmStatement read = PM_STATEMENT("int8[]",
										   "SELECT tenant_id, from_month, time_zone FROM pool_manager.contract"
										   " WHERE tenant_id = ANY ($1) ORDER BY tenant_id, from_month");
	int64	   *tenants = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * Max(n, 1));
	PmArgs		args = {0};
	PmZoneSpan *spans;
	uint64		rows;
	int			ntenants = 0;
	int			nmonths = 0;

	for (int i = 0; i < n; i++)
	{
		if (ntenants == 0 || tenants[ntenants - 1] != usage[i].tenant_id)
			tenants[ntenants++] = usage[i].tenant_id;
	}
	qsort(tenants, ntenants, sizeof(int64), compare_ids);
	pm_arg_int64_array(&args, tenants, ntenants);
	rows = pm_run(&read, &args);
	spans = palloc(sizeof(PmZoneSpan) * Max(rows, 1));
	*months = palloc(sizeof(Months) * Max(rows, 1));
	for (uint64 row = 0; row < rows; row++)
	{
		Months	   *last = &(*months)[nmonths - 1];
		int64		tenant_id = pm_get_int64(row, 1);
		bool		isnull;

		if (nmonths == 0 || last->tenant_id != tenant_id)
		{
			last = &(*months)[nmonths++];
			*last = (Months) {tenant_id, 0, &spans[row]};
		}
		spans[row].zone = pm_time_zone(pm_get_text(row, 3));
		spans[row].starts_at = pm_date_start(DatumGetDateADT(pm_get(row, 2, &isnull)), spans[row].zone);
		last->nspans++;
	}
	pfree(tenants);
	return nmonths;
}

static const Months *
find_months(const Months *months, int nmonths, int64 tenant_id)
{
	const Months *found = bsearch(&tenant_id, months, nmonths, sizeof(Months), compare_ids);

	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tenant " INT64_FORMAT " has no contract", tenant_id),
				 errdetail("Its contract says in which time zone its months begin."),
				 errhint("Insert one into table contract.")));
	return found;
}

/* ---- slices ---- */

/* Columns of table usage */
enum
{
	USAGE_TENANT, USAGE_ID, USAGE_SKU, USAGE_QUANTITY, USAGE_STARTED, USAGE_ENDED, USAGE_RUN_SECONDS,
	USAGE_WORKSPACE, USAGE_POOL, USAGE_JOB, USAGE_RUN, USAGE_NODE, USAGE_VOLUME, USAGE_NETWORK,
	USAGE_HOLDING, USAGE_SLICE, USAGE_SOURCE, USAGE_EVENT, USAGE_CORRECTS, USAGE_REASON,
	USAGE_COLUMNS
};

/* A row of usage; returns its id */
static int64
add_row(PmRows *rows, const PmUsageRecord *usage, int64 start, int64 end, int32 slice_no, int64 run_seconds)
{
	const int64 ids[] = {usage->workspace_id, usage->pool_id, usage->job_id, usage->run_id,
	usage->node_id, usage->volume_id, usage->network_id, usage->holding_id};
	const char *const texts[] = {usage->source, usage->event_id, NULL, usage->reason};
	int64		usage_id = pm_next_id("usage_id_seq");
	Datum		values[USAGE_COLUMNS];
	bool		nulls[USAGE_COLUMNS] = {0};

	values[USAGE_TENANT] = Int64GetDatum(usage->tenant_id);
	values[USAGE_ID] = Int64GetDatum(usage_id);
	values[USAGE_SKU] = Int64GetDatum(usage->sku_id);
	values[USAGE_QUANTITY] = Int64GetDatum(usage->quantity);
	values[USAGE_STARTED] = TimestampTzGetDatum(pm_second_timestamptz(start));
	values[USAGE_ENDED] = TimestampTzGetDatum(pm_second_timestamptz(end));
	for (int c = USAGE_WORKSPACE; c <= USAGE_HOLDING; c++)
	{
		values[c] = Int64GetDatum(ids[c - USAGE_WORKSPACE]);
		nulls[c] = ids[c - USAGE_WORKSPACE] == 0;
	}
	values[USAGE_SLICE] = Int32GetDatum(slice_no);
	values[USAGE_RUN_SECONDS] = Int64GetDatum(run_seconds);
	nulls[USAGE_RUN_SECONDS] = run_seconds == 0;
	for (int c = USAGE_SOURCE; c <= USAGE_REASON; c++)
	{
		nulls[c] = texts[c - USAGE_SOURCE] == NULL;
		values[c] = nulls[c] ? (Datum) 0 : CStringGetTextDatum(texts[c - USAGE_SOURCE]);
	}
	values[USAGE_CORRECTS] = Int64GetDatum(usage->corrects);
	nulls[USAGE_CORRECTS] = usage->corrects == 0;
	pm_rows_add(rows, values, nulls);
	return usage_id;
}

static void
refuse_cut(int64 edge)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("usage of a SKU that is priced once cannot go beyond the billing month"),
			 errdetail("The month ends at %s; what is priced once is counted once.",
					   timestamptz_to_str(pm_second_timestamptz(edge))),
			 errhint("Record it in the month in which it is to count.")));
}

/*
 * The slices of usage from number first to last, counted from 1: those of
 * events go into two statements.  The last slice says how long the run took,
 * be it empty, so that no run misses its minimum.  Returns how many there are.
 */
static int
add_slices(PmRows *rows, const PmUsageRecord *usage, const Months *months, int first, int last, int64 *ids)
{
	int64		start = usage->start;
	int			n = 0;

	do
	{
		int64		stop = usage->end;
		int64		run_seconds;

		/* what takes usage back is cut as that was */
		if (start < stop && usage->corrects == 0)
			stop = pm_slice_end(start, stop, months->spans, months->nspans);
		if (usage->once && stop < usage->end)
			refuse_cut(stop);
		run_seconds = stop == usage->end ? usage->run_seconds : 0;
		n++;
		if (n >= first && n <= last && (start < stop || run_seconds > 0))
		{
			int64		id = add_row(rows, usage, start, stop, usage->slice_no + n, run_seconds);

			if (ids)
				ids[n - 1] = id;
		}
		start = stop;
	} while (start < usage->end);
	return n;
}

/* ---- appending ---- */

#define APPEND_USAGE(conflict) \
	"WITH u AS (INSERT INTO pool_manager.usage SELECT * FROM unnest($1) AS r " conflict " RETURNING tenant_id, usage_id)," \
	" r AS (INSERT INTO pool_manager.unrated SELECT tenant_id, usage_id FROM u)" \
	" SELECT usage_id FROM u ORDER BY usage_id"

/* Writes rows and forgets them; the ids of those written are the last result */
static uint64
append_rows(PmStatement *statement, PmRows *rows)
{
	PmArgs		args = {0};
	uint64		n = 0;

	if (rows->count > 0)
	{
		pm_arg_rows(&args, rows);
		n = pm_run(statement, &args);
	}
	pm_rows_end(rows);
	return n;
}

static PmStatement append = PM_STATEMENT("pool_manager.usage[]", APPEND_USAGE(""));

void
pm_slice_usage(PmRows *rows, const PmUsageRecord *usage, int n)
{
	Months	   *months;
	int			nmonths = read_months(usage, n, &months);

	pm_rows_begin(rows, "usage");
	for (int i = 0; i < n; i++)
		(void) add_slices(rows, &usage[i], find_months(months, nmonths, usage[i].tenant_id),
						  1, PG_INT32_MAX, NULL);
}

int
pm_append_usage(const PmUsageRecord *usage, int n, int64 **ids)
{
	PmRows		rows;
	int			nrows;

	pm_slice_usage(&rows, usage, n);
	nrows = (int) append_rows(&append, &rows);
	if (ids == NULL)
		return nrows;
	*ids = palloc(sizeof(int64) * Max(nrows, 1));
	for (int i = 0; i < nrows; i++)
		(*ids)[i] = pm_get_int64(i, 1);
	return nrows;
}

/* ---- events ---- */

static void
refuse_other_content(const PmUsageRecord *event, const char *field)
{
	ereport(ERROR,
			(errcode(ERRCODE_PM_REQUEST_REUSED),
			 errmsg("event \"%s\" of \"%s\" was recorded before with other content", event->event_id, event->source),
			 errdetail("Argument \"%s\" differs from what was recorded.", field),
			 errhint("Repeat the call as it was; what was recorded wrongly is put right with correct_usage().")));
}

/* Of those that were there already: ids, and that the content is the same */
static void
read_recorded(const PmUsageRecord *events, PmRecorded *recorded, int n, int *current)
{
	static PmStatement read = PM_STATEMENT("int8[];text[];text[];int8[];int8[];int8[];timestamptz[];timestamptz[];int8[];int8[];int8[]",
										   "SELECT x.i, e.ids, CASE WHEN e.tenant_id <> x.tenant_id THEN 'tenant' WHEN e.sku_id <> x.sku_id THEN 'sku'"
										   "  WHEN e.quantity <> x.quantity THEN 'quantity'"
										   "  WHEN e.started_at <> x.started_at THEN 'started_at' WHEN e.ended_at <> x.ended_at THEN 'ended_at'"
										   "  WHEN coalesce(e.workspace_id, 0) <> x.workspace_id THEN 'workspace'"
										   "  WHEN coalesce(e.pool_id, 0) <> x.pool_id THEN 'pool' WHEN coalesce(e.job_id, 0) <> x.job_id THEN 'job' END"
										   " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
										   "  AS x(i, source, event_id, tenant_id, sku_id, quantity, started_at, ended_at, workspace_id, pool_id, job_id),"
										   " LATERAL (SELECT min(tenant_id) AS tenant_id, min(sku_id) AS sku_id, min(quantity) AS quantity,"
										   "   min(started_at) AS started_at, max(ended_at) AS ended_at, min(workspace_id) AS workspace_id,"
										   "   min(pool_id) AS pool_id, min(job_id) AS job_id, array_agg(usage_id ORDER BY slice_no) AS ids"
										   "  FROM pool_manager.usage u WHERE u.source = x.source AND u.event_id = x.event_id) AS e ORDER BY x.i");
	enum
	{
		INDEX, SOURCE, EVENT, TENANT, SKU, QUANTITY, STARTED, ENDED, WORKSPACE, POOL, JOB, COLUMNS
	};
	Datum	   *columns[COLUMNS];
	PmArgs		args = {0};
	int			m = 0;

	for (int c = 0; c < COLUMNS; c++)
		columns[c] = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * n);
	for (int i = 0; i < n; i++)
	{
		if (recorded[i].now)
			continue;
		columns[INDEX][m] = Int64GetDatum(i);
		columns[SOURCE][m] = CStringGetTextDatum(events[i].source);
		columns[EVENT][m] = CStringGetTextDatum(events[i].event_id);
		columns[TENANT][m] = Int64GetDatum(events[i].tenant_id);
		columns[SKU][m] = Int64GetDatum(events[i].sku_id);
		columns[QUANTITY][m] = Int64GetDatum(events[i].quantity);
		columns[STARTED][m] = TimestampTzGetDatum(pm_second_timestamptz(events[i].start));
		columns[ENDED][m] = TimestampTzGetDatum(pm_second_timestamptz(events[i].end));
		columns[WORKSPACE][m] = Int64GetDatum(events[i].workspace_id);
		columns[POOL][m] = Int64GetDatum(events[i].pool_id);
		columns[JOB][m++] = Int64GetDatum(events[i].job_id);
	}
	if (m == 0)
		return;
	for (int c = 0; c < COLUMNS; c++)
	{
		if (c == SOURCE || c == EVENT)
			pm_arg_array(&args, columns[c], NULL, m, TEXTOID, -1, false, TYPALIGN_INT);
		else if (c == STARTED || c == ENDED)
			pm_arg_array(&args, columns[c], NULL, m, TIMESTAMPTZOID, sizeof(TimestampTz), true, TYPALIGN_DOUBLE);
		else
			pm_arg_array(&args, columns[c], NULL, m, INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE);
	}
	if (pm_run(&read, &args) != (uint64) m)
		elog(ERROR, "recorded events not found");
	for (int row = 0; row < m; row++)
	{
		int			i = (int) pm_get_int64(row, 1);
		char	   *field = pm_get_text(row, 3);

		*current = i;
		if (field)
			refuse_other_content(&events[i], field);
		recorded[i].nids = pm_get_int64s(row, 2, &recorded[i].ids);
	}
}

/*
 * The first slice of an event claims it; the others follow only then, since
 * they may have been cut elsewhere when it was recorded before.
 */
PmRecorded *
pm_record_usage(const PmUsageRecord *events, int n, int *current)
{
	/* in one order, so that two that record the same events do not deadlock */
	static PmStatement claim = PM_STATEMENT("pool_manager.usage[]",
											APPEND_USAGE("ORDER BY source COLLATE \"C\", event_id COLLATE \"C\", usage_id"
														 " ON CONFLICT (source, event_id, slice_no) WHERE source IS NOT NULL DO NOTHING"));
	PmRecorded *recorded = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PmRecorded) * Max(n, 1));
	Months	   *months;
	int			nmonths = read_months(events, n, &months);
	PmRows		rows;
	uint64		claimed;
	uint64		next = 0;

	pm_rows_begin(&rows, "usage");
	for (int i = 0; i < n; i++)
	{
		const Months *own = find_months(months, nmonths, events[i].tenant_id);
		int64		id;

		*current = i;
		recorded[i].nids = add_slices(&rows, &events[i], own, 1, 1, &id);
		recorded[i].ids = palloc(sizeof(int64) * recorded[i].nids);
		recorded[i].ids[0] = id;
	}
	*current = -1;
	claimed = append_rows(&claim, &rows);
	for (int i = 0; i < n; i++)
	{
		recorded[i].now = next < claimed && pm_get_int64(next, 1) == recorded[i].ids[0];
		next += recorded[i].now;
	}
	pm_rows_begin(&rows, "usage");
	for (int i = 0; i < n; i++)
	{
		if (recorded[i].now && recorded[i].nids > 1)
			(void) add_slices(&rows, &events[i], find_months(months, nmonths, events[i].tenant_id),
							  2, PG_INT32_MAX, recorded[i].ids);
	}
	(void) append_rows(&append, &rows);
	read_recorded(events, recorded, n, current);
	*current = -1;
	return recorded;
}

/* ---- corrections ---- */

void
pm_note_corrected(PmCall *call, const PmUsageRecord *usage, const char *reason, TimestampTz instant)
{
	static PmStatement note = PM_STATEMENT("int8;timestamptz;text;int8;int8;int8;text",
										   "INSERT INTO pool_manager.event (tenant_id, at, kind, actor, pool_id, job_id, run_id, reason)"
										   " VALUES ($1, $2, 'usage_corrected', $3, $4, $5, $6, $7)");
	PmArgs		args = {0};

	pm_arg_int64(&args, usage->tenant_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	pm_arg_id(&args, usage->pool_id);
	pm_arg_id(&args, usage->job_id);
	pm_arg_id(&args, usage->run_id);
	pm_arg_text(&args, psprintf("usage " INT64_FORMAT ": %s", usage->usage_id, reason));
	pm_run(&note, &args);
}
