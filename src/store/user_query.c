/*-------------------------------------------------------------------------
 *
 * user_query.c
 *	  The query of submit_jobs: what columns a job has.  How they are read is
 *	  row_query.c's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/numbers.h"
#include "store/row_query.h"
#include "store/user_query.h"

enum
{
	JOB_NAME, JOB_KIND, JOB_FLAVOR, JOB_REQUEST, JOB_REPLICAS, JOB_MIN_REPLICAS, JOB_WORKSPACE,
	JOB_PRIORITY, JOB_TIME_LIMIT, JOB_SELECTOR, JOB_TOLERATIONS, JOB_SUB_POOL, JOB_PREEMPTIBLE,
	JOB_AUTO_STOP, JOB_MAX_RETRIES, JOB_MOUNTS, JOB_VOLUME_GIB, JOB_VOLUME_TYPE, JOB_TASK_GROUPS,
	JOB_AFFINITY_LEVEL, JOB_AFFINITY_REQUIRED, JOB_GROUP_LEVEL, JOB_GROUP_SIZE, JOB_SPREAD_LEVEL,
	JOB_MAX_PER_DOMAIN, JOB_DEPENDS_ON, JOB_NOT_BEFORE, JOB_RETRY_BACKOFF, JOB_RETRY_ON_FAILURE,
	JOB_RESERVATION, JOB_MAX_COST, JOB_TAGS, JOB_REQUEST_ID
};

static const PmQueryColumn job_columns[] = {
	{"name", "pg_catalog.text", NULL, false},
	{"kind", "pool_manager.job_kind", "'training'", true},
	{"flavor", "pg_catalog.text", "NULL", false},
	{"request", "pool_manager.resource_list", "NULL", false},
	{"replicas", "pg_catalog.int4", "1", false},
	{"min_replicas", "pg_catalog.int4", "NULL", false},
	{"workspace", "pg_catalog.text", "NULL", false},
	{"priority", "pg_catalog.int4", "1", false},
	{"time_limit", "pg_catalog.interval", "NULL", false},
	{"node_selector", "pg_catalog.jsonb", "'{}'", true},
	{"tolerations", "pg_catalog.jsonb", "'[]'", true},
	{"sub_pool", "pg_catalog.text", "NULL", false},
	{"preemptible", "pg_catalog.bool", "false", true},
	{"auto_stop", "pg_catalog.interval", "NULL", false},
	{"max_retries", "pg_catalog.int4", "0", false},
	{"mounts", "pg_catalog.jsonb", "'{}'", true},
	{"volume_gib", "pg_catalog.int4", "NULL", false},
	{"volume_type", "pg_catalog.text", "NULL", false},
	{"task_groups", "pg_catalog.jsonb", "NULL", false},
	{"affinity_level", "pg_catalog.text", "NULL", false},
	{"affinity_required", "pg_catalog.bool", "true", false},
	{"group_level", "pg_catalog.text", "NULL", false},
	{"group_size", "pg_catalog.int4", "NULL", false},
	{"spread_level", "pg_catalog.text", "NULL", false},
	{"max_per_domain", "pg_catalog.int4", "NULL", false},
	{"depends_on", "pg_catalog.text", "NULL", false},
	{"not_before", "pg_catalog.timestamptz", "NULL", false},
	{"retry_backoff", "pg_catalog.interval", "NULL", false},
	{"retry_on_failure", "pg_catalog.bool", "false", false},
	{"reservation", "pg_catalog.text", "NULL", false},
	{"max_cost", "pg_catalog.numeric", "NULL", false},
	{"tags", "pg_catalog.jsonb", "'{}'", true},
	{"request_id", "pg_catalog.text", "NULL", false},
};

static const PmRowQuery job_query = {
	"the query", "submit_jobs",
	"Each row that it returns is a job to be submitted.",
	"A job has one of each.",
	"Columns are named like the arguments of submit_job.",
	lengthof(job_columns), job_columns
};

typedef struct Jobs
{
	int			count;
	int			max;
	PmJobSpec  *jobs;
} Jobs;

static void
read_job(const PmQueryRow *row, PmJobSpec *job)
{
	job->name = pm_row_text(row, JOB_NAME);
	job->kind = pm_row_text(row, JOB_KIND);
	job->flavor = pm_row_text(row, JOB_FLAVOR);
	job->request = pm_row_pointer(row, JOB_REQUEST);
	job->replicas = pm_row_int32(row, JOB_REPLICAS, 1);
	job->min_replicas = pm_row_int32(row, JOB_MIN_REPLICAS, job->replicas);
	job->workspace = pm_row_text(row, JOB_WORKSPACE);
	job->priority = pm_row_int32(row, JOB_PRIORITY, 1);
	job->time_limit = pm_row_pointer(row, JOB_TIME_LIMIT);
	job->node_selector = pm_row_pointer(row, JOB_SELECTOR);
	job->tolerations = pm_row_pointer(row, JOB_TOLERATIONS);
	job->sub_pool = pm_row_text(row, JOB_SUB_POOL);
	job->preemptible = pm_row_bool(row, JOB_PREEMPTIBLE, false);
	job->auto_stop = pm_row_pointer(row, JOB_AUTO_STOP);
	job->max_retries = pm_row_int32(row, JOB_MAX_RETRIES, 0);
	job->mounts = pm_row_pointer(row, JOB_MOUNTS);
	job->volume_gib = pm_row_int32(row, JOB_VOLUME_GIB, 0);
	job->volume_type = pm_row_text(row, JOB_VOLUME_TYPE);
	job->task_groups = pm_row_pointer(row, JOB_TASK_GROUPS);
	job->affinity_level = pm_row_text(row, JOB_AFFINITY_LEVEL);
	job->affinity_required = pm_row_bool(row, JOB_AFFINITY_REQUIRED, true);
	job->group_level = pm_row_text(row, JOB_GROUP_LEVEL);
	job->group_size = pm_row_int32(row, JOB_GROUP_SIZE, 0);
	job->spread_level = pm_row_text(row, JOB_SPREAD_LEVEL);
	job->max_per_domain = pm_row_int32(row, JOB_MAX_PER_DOMAIN, 0);
	job->depends_on = pm_row_text(row, JOB_DEPENDS_ON);
	job->not_before = row->nulls[JOB_NOT_BEFORE] ? DT_NOBEGIN : DatumGetTimestampTz(row->values[JOB_NOT_BEFORE]);
	job->retry_backoff = pm_row_pointer(row, JOB_RETRY_BACKOFF);
	job->retry_on_failure = pm_row_bool(row, JOB_RETRY_ON_FAILURE, false);
	job->reservation = pm_row_text(row, JOB_RESERVATION);
	job->max_cost = pm_row_pointer(row, JOB_MAX_COST);
	job->tags = pm_row_pointer(row, JOB_TAGS);
	job->request_id = pm_row_text(row, JOB_REQUEST_ID);
}

static void
job_row(const PmQueryRow *row, void *state)
{
	Jobs	   *jobs = state;

	jobs->jobs = pm_room_for(jobs->jobs, &jobs->max, jobs->count, sizeof(PmJobSpec));
	memset(&jobs->jobs[jobs->count], 0, sizeof(PmJobSpec));
	read_job(row, &jobs->jobs[jobs->count++]);
}

int
pm_run_job_query(const char *query, PmJobSpec **jobs)
{
	Jobs		read = {0};

	pm_run_row_query(&job_query, query, job_row, &read);
	*jobs = read.jobs;
	return read.count;
}
