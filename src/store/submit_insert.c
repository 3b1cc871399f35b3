/*-------------------------------------------------------------------------
 *
 * submit_insert.c
 *	  The rows of jobs that are submitted: one statement for all of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "store/dependency.h"
#include "store/statement.h"
#include "store/submit.h"

/* Columns of what differs from job to job */
static void
arg_ids(PmArgs *args, PmJobSpec **jobs, int n, Size column)
{
	int64	   *ids = palloc(sizeof(int64) * n);

	for (int i = 0; i < n; i++)
		ids[i] = *(int64 *) ((char *) jobs[i] + column);
	pm_arg_int64_array(args, ids, n);
}

static void
arg_ints(PmArgs *args, PmJobSpec **jobs, int n, Size column)
{
	Datum	   *values = palloc(sizeof(Datum) * n);

	for (int i = 0; i < n; i++)
		values[i] = Int32GetDatum(*(int32 *) ((char *) jobs[i] + column));
	pm_arg_array(args, values, NULL, n, INT4OID, sizeof(int32), true, TYPALIGN_INT);
}

static void
arg_texts(PmArgs *args, PmJobSpec **jobs, int n, Size column)
{
	Datum	   *values = palloc(sizeof(Datum) * n);
	bool	   *nulls = palloc(sizeof(bool) * n);

	for (int i = 0; i < n; i++)
	{
		char	   *text = *(char **) ((char *) jobs[i] + column);

		nulls[i] = text == NULL;
		values[i] = text ? CStringGetTextDatum(text) : (Datum) 0;
	}
	pm_arg_array(args, values, nulls, n, TEXTOID, -1, false, TYPALIGN_INT);
}

static void
arg_intervals(PmArgs *args, PmJobSpec **jobs, int n, Size column)
{
	Datum	   *values = palloc(sizeof(Datum) * n);
	bool	   *nulls = palloc(sizeof(bool) * n);

	for (int i = 0; i < n; i++)
	{
		Interval   *interval = *(Interval **) ((char *) jobs[i] + column);

		nulls[i] = interval == NULL;
		values[i] = IntervalPGetDatum(interval);
	}
	pm_arg_array(args, values, nulls, n, INTERVALOID, sizeof(Interval), false, TYPALIGN_DOUBLE);
}

static void
arg_costs(PmArgs *args, PmJobSpec **jobs, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * n);
	bool	   *nulls = palloc(sizeof(bool) * n);

	for (int i = 0; i < n; i++)
	{
		nulls[i] = jobs[i]->max_cost == NULL;
		values[i] = NumericGetDatum(jobs[i]->max_cost);
	}
	pm_arg_array(args, values, nulls, n, NUMERICOID, -1, false, TYPALIGN_INT);
}

#define ARG_COLUMN(kind, column) arg_##kind(args, jobs, n, offsetof(PmJobSpec, column))

/* The same columns of a job by itself, which need no array */
static void
arg_one(PmArgs *args, const PmJobSpec *job)
{
	pm_arg_int64(args, job->job_id);
	pm_arg_int64(args, job->sub_pool_id);
	pm_arg_int64(args, job->shape_id);
	pm_arg_int64(args, job->workspace_id);
	pm_arg_int32(args, job->priority);
	pm_arg_text(args, job->kind);
	pm_arg_text(args, job->name);
	pm_arg(args, IntervalPGetDatum(job->time_limit), job->time_limit == NULL);
	pm_arg_text(args, job->request_id);
}

static void
arg_all(PmArgs *args, PmJobSpec **jobs, int n)
{
	ARG_COLUMN(ids, job_id);
	ARG_COLUMN(ids, sub_pool_id);
	ARG_COLUMN(ids, shape_id);
	ARG_COLUMN(ids, workspace_id);
	ARG_COLUMN(ints, priority);
	ARG_COLUMN(texts, kind);
	ARG_COLUMN(texts, name);
	ARG_COLUMN(intervals, time_limit);
	ARG_COLUMN(texts, request_id);
}

/* Is there more to write than of a job that has all the defaults? */
static bool
has_extras(PmJobSpec **jobs, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (jobs[i]->preemptible || jobs[i]->auto_stop || jobs[i]->max_retries != 0 ||
			jobs[i]->phase_no != 0 || jobs[i]->ndependencies > 0 ||
			!TIMESTAMP_IS_NOBEGIN(jobs[i]->not_before) || jobs[i]->max_cost || JB_ROOT_COUNT(jobs[i]->tags) > 0)
			return true;
	}
	return false;
}

static void
arg_extras(PmArgs *args, PmJobSpec **jobs, int n)
{
	Datum	   *preemptible = palloc(sizeof(Datum) * n);
	Datum	   *tags = palloc(sizeof(Datum) * n);
	Datum	   *not_before = palloc(sizeof(Datum) * n);
	int64	   *depend = palloc(sizeof(int64) * n);
	int			ndepend = 0;
	Datum	   *on_failure = palloc(sizeof(Datum) * n);

	for (int i = 0; i < n; i++)
	{
		not_before[i] = TimestampTzGetDatum(jobs[i]->not_before);
		on_failure[i] = BoolGetDatum(jobs[i]->retry_on_failure);
		if (jobs[i]->ndependencies > 0 || jobs[i]->phase_no > 1)
			depend[ndepend++] = jobs[i]->job_id;
		preemptible[i] = BoolGetDatum(jobs[i]->preemptible);
		tags[i] = JsonbPGetDatum(jobs[i]->tags);
	}
	pm_arg_array(args, preemptible, NULL, n, BOOLOID, sizeof(bool), true, TYPALIGN_CHAR);
	ARG_COLUMN(intervals, auto_stop);
	ARG_COLUMN(ints, max_retries);
	ARG_COLUMN(ints, phase_no);
	pm_arg_array(args, tags, NULL, n, JSONBOID, -1, false, TYPALIGN_INT);
	pm_arg_array(args, not_before, NULL, n, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	pm_arg_int64_array(args, depend, ndepend);
	ARG_COLUMN(intervals, retry_backoff);
	pm_arg_array(args, on_failure, NULL, n, BOOLOID, sizeof(bool), true, TYPALIGN_CHAR);
	arg_costs(args, jobs, n);
}

void
pm_insert_jobs(PmCall *call, PmSubmission *submission, PmJobSpec **jobs, int n)
{
#define CALL_TYPES "int8;int8;text;timestamptz;text;"
#define ONE_TYPES CALL_TYPES "int8;int8;int8;int8;int4;text;text;interval;text"
#define INSERT_TYPES CALL_TYPES "int8[];int8[];int8[];int8[];int4[];text[];text[];interval[];text[]"
#define EXTRA_TYPES ";bool[];interval[];int4[];int4[];jsonb[];timestamptz[];int8[];interval[];bool[];numeric[]"
#define INSERT_JOBS(columns, values, source, names, state, queue_columns, queue_values, on_conflict, result) \
	"WITH new_job AS (INSERT INTO pool_manager.job (pool_id, job_id, tenant_id, pool_kind, sub_pool_id, shape_id," \
	"   workspace_id, kind, priority, name, time_limit, request_id, submitted_at, submitted_by" columns ")" \
	"  SELECT $1, g.job_id, $2, $3::pool_manager.pool_kind, g.sub_pool_id, g.shape_id, g.workspace_id," \
	"   g.kind::pool_manager.job_kind, g.priority, g.name, g.time_limit, g.request_id, $4, $5" values \
	"  FROM " source \
	"   AS g(job_id, sub_pool_id, shape_id, workspace_id, priority, kind, name, time_limit, request_id" names ")" \
	on_conflict \
	"  RETURNING job_id, sub_pool_id, shape_id, priority, time_limit, auto_stop, workspace_id, not_before)," \
	" queued AS (INSERT INTO pool_manager.job_queue (pool_id, job_id, tenant_id, sub_pool_id, shape_id," \
	"   submitted_at, changed_at, priority, time_limit, auto_stop, workspace_id, state" queue_columns ")" \
	"  SELECT $1, job_id, $2, sub_pool_id, shape_id, $4, $4, priority, time_limit, auto_stop, workspace_id, " state queue_values " FROM new_job)," \
	" noted AS (INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, actor, to_state)" \
	"  SELECT $2, $4, 'job_state', $1, job_id, $5, " state " FROM new_job)" \
	result
#define EXTRA_COLUMNS ", preemptible, auto_stop, max_retries, workflow_id, phase_no, tags, not_before, retry_backoff, retry_on_failure, max_cost"
#define EXTRA_VALUES \
	", g.preemptible, g.auto_stop, g.max_retries, CASE WHEN g.phase_no <> 0 THEN ($6)[1] END, nullif(g.phase_no, 0), g.tags, nullif(g.not_before, '-infinity')" \
	", g.retry_backoff, g.retry_on_failure, g.max_cost"
#define COLUMNS "$6, $7, $8, $9, $10, $11, $12, $13, $14"
#define ONE "(VALUES (" COLUMNS "))"
#define ALL "unnest(" COLUMNS ")"
#define ALL_EXTRA "unnest(" COLUMNS ", $15, $16, $17, $18, $19, $20, $22, $23, $24)"
#define EXTRA_NAMES ", preemptible, auto_stop, max_retries, phase_no, tags, not_before, retry_backoff, retry_on_failure, max_cost"
#define EXTRA_STATE "CASE WHEN job_id = ANY ($21) OR not_before > $4 THEN 'waiting' ELSE 'queued' END::pool_manager.job_state"
#define EXTRA_QUEUE ", not_before"
#define EXTRA_QUEUED ", CASE WHEN not_before > $4 THEN not_before END"
	/* in the order of request_ids, so that two batches do not wait crosswise */
#define ONCE " ORDER BY g.request_id ON CONFLICT (tenant_id, request_id) WHERE request_id IS NOT NULL DO NOTHING"
#define INSERTED " SELECT job_id FROM new_job ORDER BY job_id"
#define COUNTED " SELECT count(*) FROM new_job"
	static PmStatement insert_one = PM_STATEMENT(ONE_TYPES,
												 INSERT_JOBS("", "", ONE, "", "'queued'", "", "", "", COUNTED));
	static PmStatement insert_one_once = PM_STATEMENT(ONE_TYPES,
													  INSERT_JOBS("", "", ONE, "", "'queued'", "", "", ONCE, INSERTED));
	static PmStatement insert = PM_STATEMENT(INSERT_TYPES,
											 INSERT_JOBS("", "", ALL, "", "'queued'", "", "", "", COUNTED));
	static PmStatement insert_once = PM_STATEMENT(INSERT_TYPES,
												  INSERT_JOBS("", "", ALL, "", "'queued'", "", "", ONCE, INSERTED));
	static PmStatement insert_extra = PM_STATEMENT(INSERT_TYPES EXTRA_TYPES,
												   INSERT_JOBS(EXTRA_COLUMNS, EXTRA_VALUES, ALL_EXTRA, EXTRA_NAMES,
															   EXTRA_STATE, EXTRA_QUEUE, EXTRA_QUEUED, ONCE, INSERTED));
	PmArgs		args = {0};
	TimestampTz instant = pm_writing_clock();
	bool		extra = has_extras(jobs, n);
	bool		once = extra;
	uint64		inserted;
	uint64		found = 0;

	for (int i = 0; i < n; i++)
	{
		jobs[i]->job_id = pm_next_id("job_id_seq");
		once |= jobs[i]->request_id != NULL;
	}
	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, submission->tenant_id);
	pm_arg_text(&args, submission->pool->dedicated ? "dedicated" : "public");
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	if (n == 1 && !extra)
	{
		arg_one(&args, jobs[0]);
		inserted = pm_run(once ? &insert_one_once : &insert_one, &args);
	}
	else
	{
		arg_all(&args, jobs, n);
		if (extra)
			arg_extras(&args, jobs, n);
		inserted = pm_run(extra ? &insert_extra : once ? &insert_once : &insert, &args);
	}
	pm_changed();

	/* ids grow along the array */
	for (int i = 0; i < n && once; i++)
	{
		if (found < inserted && pm_get_int64(found, 1) == jobs[i]->job_id)
			found++;
		else
			jobs[i]->job_id = 0;
	}
	pm_insert_mounts(submission, jobs, n);
	pm_insert_volumes(submission, jobs, n, instant);
	pm_insert_dependencies(call, submission, jobs, n, instant);
}
