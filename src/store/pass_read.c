/*-------------------------------------------------------------------------
 *
 * pass_read.c
 *	  What a scheduling pass reads: the queue and its lanes, and the whole of
 *	  it in order.
 *
 * Nodes are read in pass_nodes.c, shapes in pass_shapes.c, runs in run_read.c,
 * maintenance and reservations in reservation.c, quotas and the network's limit
 * in cap.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/timestamp.h"

#include "store/explain.h"
#include "store/numbers.h"
#include "store/pass.h"
#include "store/statement.h"

typedef struct Reader
{
	PmPassData *data;
	HTAB	   *shapes;
	HTAB	   *lanes;
	HTAB	   *workspaces;		/* where fair shares count */
	int			max_jobs;
	int64		last_shape;		/* jobs in a row often share it */
	int			last_shape_no;
	int64		last_lane;
	int			last_lane_no;
	int64		last_workspace;
	int			last_workspace_no;
	const PmJobInfo *guest;		/* looked at with the queue; NULL: none */
	TimestampTz guest_at;
} Reader;

static int64 *
ids_of(HTAB *table, int n)
{
	int64	   *ids = palloc(sizeof(int64) * Max(n, 1));
	HASH_SEQ_STATUS status;
	PmIdNumber *entry;

	hash_seq_init(&status, table);
	while ((entry = hash_seq_search(&status)) != NULL)
		ids[entry->number] = entry->id;
	return ids;
}

static void
queue_row(Datum *values, bool *nulls, void *state)
{
	Reader	   *reader = state;
	PmPassData *data = reader->data;
	int64		shape_id = DatumGetInt64(values[2]);
	int64		lane_id = DatumGetInt64(values[3]);
	PmJob	   *job;
	bool		is_new;

	if (data->queue.njobs >= reader->max_jobs)
	{
		reader->max_jobs *= 2;
		data->queue.jobs = repalloc_huge(data->queue.jobs, sizeof(PmJob) * reader->max_jobs);
	}
	if (shape_id != reader->last_shape)
	{
		reader->last_shape = shape_id;
		reader->last_shape_no = pm_number_id(reader->shapes, shape_id, &is_new);
	}
	if (lane_id != reader->last_lane)
	{
		reader->last_lane = lane_id;
		reader->last_lane_no = pm_number_id(reader->lanes, lane_id, &is_new);
	}
	if (reader->workspaces && DatumGetInt64(values[8]) != reader->last_workspace)
	{
		reader->last_workspace = DatumGetInt64(values[8]);
		reader->last_workspace_no = pm_number_id(reader->workspaces, reader->last_workspace, &is_new);
	}
	job = &data->queue.jobs[data->queue.njobs++];
	memset(job, 0, sizeof(PmJob));
	job->job_id = DatumGetInt64(values[0]);
	job->submitted_at = DatumGetTimestampTz(values[1]);
	job->shape = job->asked = reader->last_shape_no;
	job->lane = reader->last_lane_no;
	job->workspace = reader->last_workspace_no;
	job->priority = DatumGetInt16(values[4]);
	job->restarted = DatumGetBool(values[5]);
	job->time_limit = nulls[6] ? data->pool->default_time_limit : pm_length(values[6], false);
	job->time_limit = Min(job->time_limit, pm_length(values[7], nulls[7]));
	job->locked_since = nulls[9] ? 0 : DatumGetTimestampTz(values[9]);
	job->claims_since = nulls[10] ? 0 : DatumGetTimestampTz(values[10]);
}

/* A job that the queue does not have: of another pool, in the sub-pool of the
 * same name or else in the queue of its tenant, or one that waits */
static void
read_guest_job(Reader *reader)
{
	static PmStatement guest = PM_STATEMENT("int8;int8;int8;timestamptz",
											"SELECT j.job_id, $4, j.shape_id, CASE WHEN j.pool_id = $1 THEN j.sub_pool_id ELSE coalesce((SELECT s.sub_pool_id FROM pool_manager.sub_pool s"
											"   LEFT JOIN pool_manager.sub_pool o ON o.pool_id = j.pool_id AND o.sub_pool_id = j.sub_pool_id AND o.name = s.name"
											"  WHERE s.pool_id = $1 AND s.tenant_id = j.tenant_id AND (s.name IS NULL OR o.name IS NOT NULL) AND s.deleted_at IS NULL"
											"  ORDER BY s.name LIMIT 1), 0) END,"
											" CASE p.kind WHEN 'public' THEN 1::smallint ELSE j.priority END, false, j.time_limit, j.auto_stop, j.workspace_id, NULL"
											" FROM pool_manager.job j, pool_manager.pool p WHERE p.pool_id = $1 AND j.pool_id = $2 AND j.job_id = $3");
	PmArgs		args = {0};

	pm_arg_int64(&args, reader->data->pool->pool_id);
	pm_arg_int64(&args, reader->guest->pool_id);
	pm_arg_int64(&args, reader->guest->job_id);
	pm_arg_time(&args, reader->guest_at);
	/* 0, of a tenant that has had no job there, is a lane as well */
	reader->last_lane = -1;
	pm_scan(&guest, &args, queue_row, reader);
}

/* All that is queued, and what is to grow; or one job that is not queued */
static void
read_queue(Reader *reader, int64 job_id, bool grow)
{
	static PmStatement queue = PM_STATEMENT("int8",
											"SELECT job_id, submitted_at, shape_id, sub_pool_id, priority, restarted, time_limit, auto_stop, workspace_id, locked_since, claims_since"
											" FROM pool_manager.job_queue WHERE pool_id = $1 AND state = 'queued'");
	static PmStatement one = PM_STATEMENT("int8;int8",
										  "SELECT job_id, submitted_at, shape_id, sub_pool_id, priority, false, time_limit, auto_stop, workspace_id, NULL, NULL::timestamptz"
										  " FROM pool_manager.job WHERE pool_id = $1 AND job_id = $2");
	PmPassData *data = reader->data;
	PmArgs		args = {0};

	reader->max_jobs = 1024;
	data->queue.jobs = palloc(sizeof(PmJob) * reader->max_jobs);
	reader->shapes = pm_id_numbers("shapes of a pass");
	reader->lanes = pm_id_numbers("lanes of a pass");
	if (data->pool->weights.fair > 0)
		reader->workspaces = pm_id_numbers("workspaces of a pass");
	pm_arg_int64(&args, data->pool->pool_id);
	if (job_id != 0)
		pm_arg_int64(&args, job_id);
	pm_scan(job_id != 0 ? &one : &queue, &args, queue_row, reader);
	if (reader->guest)
		read_guest_job(reader);
	data->nqueued_shapes = (int) hash_get_num_entries(reader->shapes);
	if (grow)
		pm_read_growing(data, reader->shapes, reader->lanes);
	data->queue.nshapes = (int) hash_get_num_entries(reader->shapes);
	data->queue.nlanes = (int) hash_get_num_entries(reader->lanes);
	data->shape_ids = ids_of(reader->shapes, data->queue.nshapes);
	if (reader->workspaces)
	{
		data->nworkspaces = (int) hash_get_num_entries(reader->workspaces);
		data->workspaces = ids_of(reader->workspaces, data->nworkspaces);
	}
}

static void
read_lanes(Reader *reader)
{
	static PmStatement lanes = PM_STATEMENT("int8;int8[]",
											"SELECT s.sub_pool_id, s.tenant_id, s.blocked_by, t.state = 'frozen'"
											PM_QUOTA_COLUMNS
											" FROM pool_manager.sub_pool s JOIN pool_manager.tenant t USING (tenant_id)"
											" WHERE s.pool_id = $1 AND (s.sub_pool_id = ANY ($2) OR s.blocked_by IS NOT NULL"
											"  OR (s.limited AND s.deleted_at IS NULL))");
	PmPassData *data = reader->data;
	bool	   *frozen;
	bool		any_frozen = false;
	PmArgs		args = {0};
	uint64		n;

	data->lanes = ids_of(reader->lanes, data->queue.nlanes);
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, data->lanes, data->queue.nlanes);
	n = pm_run(&lanes, &args);
	data->lanes = repalloc(data->lanes, sizeof(int64) * (n + 1));
	data->lane_tenants = palloc0(sizeof(int64) * (n + 1));
	data->lane_blocked = palloc0(sizeof(int64) * (n + 1));
	frozen = palloc0(sizeof(bool) * (n + 1));
	for (uint64 row = 0; row < n; row++)
	{
		bool		is_new;
		int			lane = pm_number_id(reader->lanes, pm_get_int64(row, 1), &is_new);

		/* one that has no queued job: it was blocked, or has a quota */
		if (is_new)
			data->lanes[data->queue.nlanes++] = pm_get_int64(row, 1);
		data->lane_tenants[lane] = pm_get_int64(row, 2);
		data->lane_blocked[lane] = pm_get_int64(row, 3);
		frozen[lane] = pm_get_bool(row, 4);
		any_frozen |= frozen[lane];
	}
	data->queue.lane_frozen = any_frozen ? frozen : NULL;
	pm_keep_quotas(data, reader->lanes, n);
}

PmPassData *
pm_read_queue(PmPoolInfo *pool)
{
	PmPassData *data = palloc0(sizeof(PmPassData));
	Reader		reader = {0};

	data->pool = pool;
	reader.data = data;
	read_queue(&reader, 0, false);
	read_lanes(&reader);
	return data;
}

/*
 * Who plans ahead needs all runs, who preempts those that may give way.  For
 * when they end nobody asks whose they are, but quotas do.
 */
static void
read_runs(PmPassData *data, int64 job_id)
{
	bool		preempts = !data->only_looks && job_id == 0 && pm_may_preempt(data);

	if (data->only_looks || strcmp(data->pool->queue_policy, "backfill") == 0)
		pm_read_runs(data, true, data->only_looks || preempts || data->queue.lanes != NULL);
	else if (preempts)
		pm_read_runs(data, false, true);
}

static PmPassData *
read_pass(PmPoolInfo *pool, int64 job_id, bool only_looks, const PmJobInfo *guest, TimestampTz guest_at)
{
	PmPassData *data = palloc0(sizeof(PmPassData));
	Reader		reader = {0};

	data->pool = pool;
	data->only_looks = only_looks;
	reader.data = data;
	reader.guest = guest;
	reader.guest_at = guest_at;
	read_queue(&reader, job_id, job_id == 0 && !only_looks);
	read_lanes(&reader);
	if (data->queue.njobs == 0 && data->queue.ngrowing == 0)
		return data;
	data->terms = pm_terms_create();
	pm_read_windows(data);
	pm_read_nodes(data);
	pm_read_shapes(data, reader.shapes, guest);
	pm_read_caps(data);
	pm_merge_shapes(data);
	pm_place_windows(data);
	read_runs(data, job_id);
	return data;
}

PmPassData *
pm_read_pass(PmPoolInfo *pool)
{
	return read_pass(pool, 0, false, NULL, 0);
}

PmPassData *
pm_read_outlook(PmPoolInfo *pool)
{
	return read_pass(pool, 0, true, NULL, 0);
}

PmPassData *
pm_read_guest(PmPoolInfo *pool, const PmJobInfo *job, TimestampTz at)
{
	return read_pass(pool, 0, true, job, at);
}

PmPassData *
pm_read_growth(PmPoolInfo *pool, int64 job_id, int replicas)
{
	PmPassData *data = read_pass(pool, job_id, false, NULL, 0);
	PmTaskGroup *group = palloc(sizeof(PmTaskGroup));

	*group = data->queue.shapes[0].groups[0];
	group->replicas = replicas;
	group->min_replicas = 1;
	((PmShape *) data->queue.shapes)[0].groups = group;
	return data;
}
