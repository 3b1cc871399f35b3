/*-------------------------------------------------------------------------
 *
 * simulate_jobs.c
 *	  Jobs of a simulation: rows of the job query become the engine's queue.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "store/numbers.h"
#include "store/row_query.h"
#include "store/simulate_reader.h"
#include "store/statement.h"
#include "store/topology.h"

enum
{
	JOB_ID, JOB_SUBMITTED_AT, JOB_REQUEST, JOB_DURATION, JOB_REPLICAS, JOB_MIN_REPLICAS,
	JOB_TIME_LIMIT, JOB_PRIORITY, JOB_PREEMPTIBLE, JOB_TENANT, JOB_SUB_POOL, JOB_SELECTOR, JOB_TOLERATIONS,
	JOB_AFFINITY_LEVEL, JOB_AFFINITY_REQUIRED, JOB_GROUP_LEVEL, JOB_GROUP_SIZE, JOB_SPREAD_LEVEL, JOB_MAX_PER_DOMAIN,
	JOB_DEPENDS_ON
};

static const PmQueryColumn job_columns[] = {
	{"job_id", "pg_catalog.int8", NULL, true},
	{"submitted_at", "pg_catalog.timestamptz", NULL, true},
	{"request", "pool_manager.resource_list", NULL, true},
	{"duration", "pg_catalog.interval", NULL, false},
	{"replicas", "pg_catalog.int4", "1", false},
	{"min_replicas", "pg_catalog.int4", "NULL", false},
	{"time_limit", "pg_catalog.interval", "NULL", false},
	{"priority", "pg_catalog.int4", "1", false},
	{"preemptible", "pg_catalog.bool", "false", true},
	{"tenant", "pg_catalog.text", "NULL", false},
	{"sub_pool", "pg_catalog.text", "NULL", false},
	{"node_selector", "pg_catalog.jsonb", "'{}'", true},
	{"tolerations", "pg_catalog.jsonb", "'[]'", true},
	{"affinity_level", "pg_catalog.text", "NULL", false},
	{"affinity_required", "pg_catalog.bool", "true", true},
	{"group_level", "pg_catalog.text", "NULL", false},
	{"group_size", "pg_catalog.int4", "NULL", false},
	{"spread_level", "pg_catalog.text", "NULL", false},
	{"max_per_domain", "pg_catalog.int4", "NULL", false},
	{"depends_on", "pg_catalog.text", "NULL", false},
};

static const PmRowQuery job_query_kind = {
	"job_query", "simulate",
	"Each row that it returns is a job.",
	"A job has one of each.",
	NULL,
	lengthof(job_columns), job_columns
};

typedef struct SimJob
{
	PmJob		job;
	int64		duration;
	bool		preemptible;
} SimJob;

/* Jobs by their ids */
typedef struct SimDependency
{
	int64		job_id;
	PmDependency dependency;
} SimDependency;

typedef struct JobReader
{
	PmSimReader *common;
	HTAB	   *shape_numbers;
	int			max_shapes;
	PmShape    *shapes;
	int			njobs;
	int			max_jobs;
	SimJob	   *jobs;
	bool		any_preemptible;
	int			ndependencies;
	int			max_dependencies;
	SimDependency *dependencies;
} JobReader;

static inline int
sim_job_cmp(const SimJob *a, const SimJob *b)
{
	return a->job.job_id < b->job.job_id ? -1 : a->job.job_id > b->job.job_id;
}

#define ST_SORT sort_sim_jobs
#define ST_ELEMENT_TYPE SimJob
#define ST_COMPARE(a, b) sim_job_cmp(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static int
read_shape(JobReader *reader, const PmSimJobRow *row, int lane)
{
	/* a key: no bytes between its members */
	struct
	{
		PmTaskGroup group;
		int			affinity_level;
		int			affinity_required;
		int			lane;		/* with quotas it matters whose a job is */
	}			key = {0};
	PmSimReader *common = reader->common;
	const PmSimLevels *levels = common->levels;
	PmShape    *shape;
	PmTaskGroup *kept;
	bool		is_new;
	int			number;

	key.group.request = pm_add_request(common->terms, row->request, row->node_selector, row->tolerations,
									   pm_sim_sub_pool(common, row->sub_pool), 0);
	key.group.replicas = row->replicas;
	key.group.min_replicas = row->min_replicas;
	key.group.group_level = pm_level_number(levels->names, levels->count, row->group_level);
	key.group.group_size = row->group_size;
	key.group.spread_level = pm_level_number(levels->names, levels->count, row->spread_level);
	key.group.max_per_domain = row->max_per_domain;
	key.affinity_level = pm_level_number(levels->names, levels->count, row->affinity_level);
	key.affinity_required = key.affinity_level != 0 && row->affinity_required;
	key.lane = common->has_quotas ? lane : 0;
	number = pm_number_bytes(reader->shape_numbers, &key, sizeof(key), &is_new);
	if (!is_new)
		return number;
	reader->shapes = pm_room_for(reader->shapes, &reader->max_shapes, number, sizeof(PmShape));
	shape = &reader->shapes[number];
	memset(shape, 0, sizeof(PmShape));
	kept = palloc(sizeof(PmTaskGroup));
	*kept = key.group;
	shape->ngroups = 1;
	shape->groups = kept;
	shape->affinity_level = key.affinity_level;
	shape->affinity_required = key.affinity_required != 0;
	return number;
}

static int64
length_of(const Interval *length)
{
	return length ? pm_length(IntervalPGetDatum(length), false) : PM_NEVER;
}

static void
keep_dependencies(JobReader *reader, const PmSimJobRow *row)
{
	for (int d = 0; d < row->ndependencies; d++)
	{
		reader->dependencies = pm_room_for(reader->dependencies, &reader->max_dependencies,
										   reader->ndependencies, sizeof(SimDependency));
		reader->dependencies[reader->ndependencies].job_id = row->job_id;
		reader->dependencies[reader->ndependencies++].dependency = row->dependencies[d];
	}
}

static void
job_row(const PmQueryRow *values, void *state)
{
	JobReader  *reader = state;
	PmSimReader *common = reader->common;
	PmSimJobRow row = {0};
	SimJob	   *kept;
	MemoryContext old;

	old = MemoryContextSwitchTo(common->row);
	row.job_id = DatumGetInt64(values->values[JOB_ID]);
	row.submitted_at = DatumGetTimestampTz(values->values[JOB_SUBMITTED_AT]);
	row.request = pm_row_pointer(values, JOB_REQUEST);
	row.duration = pm_row_pointer(values, JOB_DURATION);
	row.replicas = pm_row_int32(values, JOB_REPLICAS, 1);
	row.min_replicas = pm_row_int32(values, JOB_MIN_REPLICAS, row.replicas);
	row.time_limit = pm_row_pointer(values, JOB_TIME_LIMIT);
	row.priority = pm_row_int32(values, JOB_PRIORITY, 1);
	row.preemptible = pm_row_bool(values, JOB_PREEMPTIBLE, false);
	row.tenant = pm_row_text(values, JOB_TENANT);
	row.sub_pool = pm_row_text(values, JOB_SUB_POOL);
	row.node_selector = pm_row_pointer(values, JOB_SELECTOR);
	row.tolerations = pm_row_pointer(values, JOB_TOLERATIONS);
	row.affinity_level = pm_row_text(values, JOB_AFFINITY_LEVEL);
	row.affinity_required = pm_row_bool(values, JOB_AFFINITY_REQUIRED, true);
	row.group_level = pm_row_text(values, JOB_GROUP_LEVEL);
	row.group_size = pm_row_int32(values, JOB_GROUP_SIZE, 0);
	row.spread_level = pm_row_text(values, JOB_SPREAD_LEVEL);
	row.max_per_domain = pm_row_int32(values, JOB_MAX_PER_DOMAIN, 0);
	row.depends_on = pm_row_text(values, JOB_DEPENDS_ON);
	common->checks->job(&row, common->levels);
	MemoryContextSwitchTo(common->context);

	reader->jobs = pm_room_for(reader->jobs, &reader->max_jobs, reader->njobs, sizeof(SimJob));
	kept = &reader->jobs[reader->njobs++];
	memset(kept, 0, sizeof(SimJob));
	kept->job.job_id = row.job_id;
	kept->job.submitted_at = row.submitted_at;
	if (common->has_quotas || pm_row_has(values, JOB_SUB_POOL))
		kept->job.lane = pm_sim_lane_of(common, row.tenant, row.sub_pool);
	kept->job.shape = read_shape(reader, &row, kept->job.lane);
	kept->job.priority = (int16) row.priority;
	kept->job.time_limit = length_of(row.time_limit);
	kept->duration = length_of(row.duration);
	kept->preemptible = row.preemptible;
	reader->any_preemptible |= row.preemptible;
	keep_dependencies(reader, &row);
	MemoryContextSwitchTo(old);
	MemoryContextReset(common->row);
}

/* In order of their ids, each with its index instead of it */
static void
make_jobs(JobReader *reader)
{
	PmSimInput *input = reader->common->input;
	Size		n = reader->njobs;
	Size		room = Max(n, 1);

	if (n > 1)
		sort_sim_jobs(reader->jobs, n);
	input->job_ids = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * room);
	input->durations = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * room);
	if (reader->any_preemptible)
		input->preemptible = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(bool) * room);
	input->queue.jobs = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PmJob) * room);
	input->queue.njobs = (int) n;
	for (Size i = 0; i < n; i++)
	{
		const SimJob *job = &reader->jobs[i];

		if (i > 0 && job->job.job_id == job[-1].job.job_id)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("job_query returns job " INT64_FORMAT " twice", job->job.job_id),
					 errdetail("Jobs are told apart by job_id."),
					 errhint("row_number() can number them.")));
		input->job_ids[i] = job->job.job_id;
		input->durations[i] = job->duration;
		if (input->preemptible)
			input->preemptible[i] = job->preemptible;
		input->queue.jobs[i] = job->job;
		input->queue.jobs[i].job_id = (int64) i;
	}
	if (reader->jobs)
		pfree(reader->jobs);
	input->queue.shapes = reader->shapes;
	input->queue.nshapes = (int) hash_get_num_entries(reader->shape_numbers);
	input->queue.requests = reader->common->terms->requests;
	input->queue.nrequests = reader->common->terms->nrequests;
	input->queue.nlanes = Max((int) hash_get_num_entries(reader->common->lanes), 1);
}

static int
compare_ids(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return left < right ? -1 : left > right ? 1 : 0;
}

/* The index of a job that another one is to depend on */
static int
find_job(const PmSimInput *input, int64 job_id, int64 dependent)
{
	const int64 *found = bsearch(&job_id, input->job_ids, input->queue.njobs, sizeof(int64), compare_ids);

	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("job_query returns no job " INT64_FORMAT, job_id),
				 errdetail("Job " INT64_FORMAT " is to depend on it.", dependent),
				 errhint("Return it too, or leave it out of \"depends_on\".")));
	return found - input->job_ids;
}

/* They were kept row by row, and of a row by clause */
static void
make_dependencies(JobReader *reader)
{
	PmSimInput *input = reader->common->input;
	int			n = reader->ndependencies;

	input->ndependencies = n;
	input->dependencies = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PmSimDependency) * (Size) Max(n, 1));
	for (int d = 0; d < n; d++)
	{
		const SimDependency *read = &reader->dependencies[d];
		PmSimDependency *dependency = &input->dependencies[d];

		dependency->job = find_job(input, read->job_id, read->job_id);
		dependency->clause_no = read->dependency.clause_no;
		dependency->kind = (PmSimDependencyKind) read->dependency.kind;
		dependency->on = find_job(input, read->dependency.job_id, read->job_id);
	}
	if (reader->dependencies)
		pfree(reader->dependencies);
}

void
pm_read_sim_jobs(PmSimReader *reader, const char *query)
{
	JobReader	jobs = {0};

	jobs.common = reader;
	jobs.shape_numbers = pm_bytes_numbers("shapes of a simulation");
	pm_run_row_query(&job_query_kind, query, job_row, &jobs);
	make_jobs(&jobs);
	make_dependencies(&jobs);
}
