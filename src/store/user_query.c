/*-------------------------------------------------------------------------
 *
 * user_query.c
 *	  Running queries that users hand in as text.
 *
 * They run as the caller, who could run them anyway.  The columns that are
 * known are cast to what is needed by a query around the given one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/plancache.h"

#include "store/user_query.h"

typedef struct Column
{
	const char *name;
	const char *type;
	const char *missing;		/* instead of a column that is not there */
} Column;

enum
{
	JOB_NAME, JOB_KIND, JOB_FLAVOR, JOB_REQUEST, JOB_REPLICAS, JOB_MIN_REPLICAS, JOB_WORKSPACE,
	JOB_PRIORITY, JOB_TIME_LIMIT, JOB_SELECTOR, JOB_TOLERATIONS, JOB_SUB_POOL, JOB_PREEMPTIBLE,
	JOB_AUTO_STOP, JOB_MAX_RETRIES, JOB_MOUNTS, JOB_VOLUME_GIB, JOB_VOLUME_TYPE, JOB_TAGS, JOB_REQUEST_ID
};

static const Column job_columns[] = {
	{"name", "pg_catalog.text", NULL},
	{"kind", "pool_manager.job_kind", "'training'"},
	{"flavor", "pg_catalog.text", "NULL"},
	{"request", "pool_manager.resource_list", "NULL"},
	{"replicas", "pg_catalog.int4", "1"},
	{"min_replicas", "pg_catalog.int4", "NULL"},
	{"workspace", "pg_catalog.text", "NULL"},
	{"priority", "pg_catalog.int4", "1"},
	{"time_limit", "pg_catalog.interval", "NULL"},
	{"node_selector", "pg_catalog.jsonb", "'{}'"},
	{"tolerations", "pg_catalog.jsonb", "'[]'"},
	{"sub_pool", "pg_catalog.text", "NULL"},
	{"preemptible", "pg_catalog.bool", "false"},
	{"auto_stop", "pg_catalog.interval", "NULL"},
	{"max_retries", "pg_catalog.int4", "0"},
	{"mounts", "pg_catalog.jsonb", "'{}'"},
	{"volume_gib", "pg_catalog.int4", "NULL"},
	{"volume_type", "pg_catalog.text", "NULL"},
	{"tags", "pg_catalog.jsonb", "'{}'"},
	{"request_id", "pg_catalog.text", "NULL"},
};

/* The query, analyzed; it must be one that returns rows */
static CachedPlanSource *
analyze(const char *query)
{
	SPIPlanPtr	plan = SPI_prepare(query, 0, NULL);
	List	   *sources;
	CachedPlanSource *source;

	if (plan == NULL)
		elog(ERROR, "could not prepare the query: %s", SPI_result_code_string(SPI_result));
	sources = SPI_plan_get_plan_sources(plan);
	source = list_length(sources) == 1 ? (CachedPlanSource *) linitial(sources) : NULL;
	if (source == NULL || source->commandTag != CMDTAG_SELECT || source->resultDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query must be one SELECT"),
				 errdetail("Each row that it returns is a job to be submitted."),
				 errhint("Collect the jobs in a table and select from it.")));
	return source;
}

static void
check_columns(TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);
		bool		known = false;

		for (int c = 0; c < (int) lengthof(job_columns); c++)
			known |= strcmp(name, job_columns[c].name) == 0;
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("the query returns a column \"%s\" that submit_jobs does not know", name),
					 errdetail("No column is left unused."),
					 errhint("Columns are named like the arguments of submit_job.")));
		for (int before = 0; before < i; before++)
		{
			if (strcmp(name, NameStr(TupleDescAttr(desc, before)->attname)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("the query returns column \"%s\" twice", name),
						 errdetail("A job has one of each."),
						 errhint("Leave out one of the two.")));
		}
	}
}

/* The query as a table of another; only its statement, without a semicolon */
static char *
wrap_query(const char *query, CachedPlanSource *source)
{
	StringInfoData sql;
	TupleDesc	desc = source->resultDesc;
	const char *statement = query + Max(source->raw_parse_tree->stmt_location, 0);
	int			len = source->raw_parse_tree->stmt_len;

	initStringInfo(&sql);
	for (int c = 0; c < (int) lengthof(job_columns); c++)
	{
		const Column *column = &job_columns[c];
		bool		present = SPI_fnumber(desc, column->name) > 0;

		if (!present && column->missing == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("the query returns no column \"%s\"", column->name),
					 errdetail("It is the one column that submit_jobs cannot do without."),
					 errhint("Columns are named like the arguments of submit_job.")));
		appendStringInfoString(&sql, c == 0 ? "SELECT " : ", ");
		if (present)
			appendStringInfo(&sql, "CAST(q.%s AS %s)", column->name, column->type);
		else
			appendStringInfo(&sql, "CAST(%s AS %s)", column->missing, column->type);
	}
	if (len == 0)
		len = strlen(statement);
	/* the line may end in a comment */
	appendStringInfoString(&sql, " FROM (");
	appendBinaryStringInfo(&sql, statement, len);
	appendStringInfoString(&sql, "\n) AS q");
	return sql.data;
}

/* A column's value, copied into the current context; *isnull: none */
static Datum
copy_value(uint64 row, int column, bool *isnull)
{
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column + 1, isnull);
	Form_pg_attribute attribute = TupleDescAttr(SPI_tuptable->tupdesc, column);

	if (*isnull)
		return value;
	if (attribute->attlen == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	return datumCopy(value, attribute->attbyval, attribute->attlen);
}

static char *
copy_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column + 1);
}

static void *
copy_pointer(uint64 row, int column)
{
	bool		isnull;
	Datum		value = copy_value(row, column, &isnull);

	return isnull ? NULL : DatumGetPointer(value);
}

static int32
copy_int32(uint64 row, int column, int32 missing)
{
	bool		isnull;
	Datum		value = copy_value(row, column, &isnull);

	return isnull ? missing : DatumGetInt32(value);
}

static void
read_job(uint64 row, PmJobSpec *job)
{
	bool		no_preemptible;

	job->name = copy_text(row, JOB_NAME);
	job->kind = copy_text(row, JOB_KIND);
	job->flavor = copy_text(row, JOB_FLAVOR);
	job->request = copy_pointer(row, JOB_REQUEST);
	job->replicas = copy_int32(row, JOB_REPLICAS, 1);
	job->min_replicas = copy_int32(row, JOB_MIN_REPLICAS, job->replicas);
	job->workspace = copy_text(row, JOB_WORKSPACE);
	job->priority = copy_int32(row, JOB_PRIORITY, 1);
	job->time_limit = copy_pointer(row, JOB_TIME_LIMIT);
	job->node_selector = copy_pointer(row, JOB_SELECTOR);
	job->tolerations = copy_pointer(row, JOB_TOLERATIONS);
	job->sub_pool = copy_text(row, JOB_SUB_POOL);
	job->preemptible = DatumGetBool(copy_value(row, JOB_PREEMPTIBLE, &no_preemptible));
	job->auto_stop = copy_pointer(row, JOB_AUTO_STOP);
	job->max_retries = copy_int32(row, JOB_MAX_RETRIES, 0);
	job->mounts = copy_pointer(row, JOB_MOUNTS);
	job->volume_gib = copy_int32(row, JOB_VOLUME_GIB, 0);
	job->volume_type = copy_text(row, JOB_VOLUME_TYPE);
	job->tags = copy_pointer(row, JOB_TAGS);
	job->request_id = copy_text(row, JOB_REQUEST_ID);
	if (job->kind == NULL || job->node_selector == NULL || job->tolerations == NULL ||
		job->mounts == NULL || job->tags == NULL || no_preemptible)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("kind, node_selector, tolerations, preemptible, mounts and tags must not be null"),
				 errdetail("Row " UINT64_FORMAT " of the query.", row + 1),
				 errhint("Leave out the column for the default.")));
}

int
pm_run_job_query(const char *query, PmJobSpec **jobs)
{
	MemoryContext context = CurrentMemoryContext;
	CachedPlanSource *source;
	char	   *sql;
	uint64		n;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	source = analyze(query);
	check_columns(source->resultDesc);
	sql = wrap_query(query, source);
	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run the query");
	n = SPI_processed;
	if (n > PG_INT32_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the query returns too many rows"),
				 errdetail("A call submits %d jobs at most.", PG_INT32_MAX / 2),
				 errhint("Submit them by several calls.")));

	MemoryContextSwitchTo(context);
	*jobs = MemoryContextAllocExtended(context, sizeof(PmJobSpec) * Max(n, 1),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 row = 0; row < n; row++)
	{
		if ((row & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		read_job(row, &(*jobs)[row]);
	}
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return (int) n;
}
