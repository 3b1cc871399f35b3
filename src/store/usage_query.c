/*-------------------------------------------------------------------------
 *
 * usage_query.c
 *	  The query of record_usages: what columns an event has.  How they are read
 *	  is row_query.c's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "store/row_query.h"
#include "store/usage.h"

#define MAX_EVENTS	1000000

enum
{
	EVENT_TENANT, EVENT_SKU, EVENT_QUANTITY, EVENT_STARTED, EVENT_ENDED, EVENT_SOURCE, EVENT_ID,
	EVENT_WORKSPACE, EVENT_POOL, EVENT_JOB
};

static const PmQueryColumn event_columns[] = {
	{"tenant", "pg_catalog.text", NULL, true},
	{"sku", "pg_catalog.text", NULL, true},
	{"quantity", "pg_catalog.numeric", NULL, true},
	{"started_at", "pg_catalog.timestamptz", NULL, true},
	{"ended_at", "pg_catalog.timestamptz", "NULL", false},
	{"source", "pg_catalog.text", NULL, true},
	{"event_id", "pg_catalog.text", NULL, true},
	{"workspace", "pg_catalog.text", "NULL", false},
	{"pool", "pg_catalog.text", "NULL", false},
	{"job", "pg_catalog.int8", "NULL", false},
};

static const PmRowQuery event_query = {
	"the query", "record_usages",
	"Each row that it returns is usage to be recorded.",
	"An event has one of each.",
	"Columns are named like the arguments of record_usage.",
	lengthof(event_columns), event_columns
};

typedef struct Events
{
	int			count;
	int			max;
	PmUsageGiven *events;
} Events;

static void
event_row(const PmQueryRow *row, void *state)
{
	Events	   *events = state;
	PmUsageGiven *event;

	if (events->count == MAX_EVENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the query returns too many rows"),
				 errdetail("A call records %d events at most.", MAX_EVENTS),
				 errhint("Record them by several calls.")));
	if (events->count == events->max)
	{
		events->max *= 2;
		events->events = repalloc_huge(events->events, sizeof(PmUsageGiven) * (Size) events->max);
	}
	event = &events->events[events->count++];
	event->tenant = pm_row_text(row, EVENT_TENANT);
	event->sku = pm_row_text(row, EVENT_SKU);
	event->quantity = pm_row_pointer(row, EVENT_QUANTITY);
	event->started_at = DatumGetTimestampTz(row->values[EVENT_STARTED]);
	event->has_end = !row->nulls[EVENT_ENDED];
	event->ended_at = event->has_end ? DatumGetTimestampTz(row->values[EVENT_ENDED]) : 0;
	event->source = pm_row_text(row, EVENT_SOURCE);
	event->event_id = pm_row_text(row, EVENT_ID);
	event->workspace = pm_row_text(row, EVENT_WORKSPACE);
	event->pool = pm_row_text(row, EVENT_POOL);
	event->job_id = row->nulls[EVENT_JOB] ? 0 : DatumGetInt64(row->values[EVENT_JOB]);
}

int
pm_run_usage_query(const char *query, PmUsageGiven **given)
{
	Events		read = {0, 256, NULL};

	read.events = palloc(sizeof(PmUsageGiven) * read.max);
	pm_run_row_query(&event_query, query, event_row, &read);
	*given = read.events;
	return read.count;
}
