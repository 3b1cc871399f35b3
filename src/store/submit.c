/*-------------------------------------------------------------------------
 *
 * submit.c
 *	  What submitting jobs reads and writes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"

#include "store/statement.h"
#include "store/submit.h"

static int64
make_sub_pool(PmPoolInfo *pool, int64 tenant_id)
{
	static PmStatement make = PM_STATEMENT("int8;int8",
										   "INSERT INTO pool_manager.sub_pool (pool_id, tenant_id, pool_kind, owner_id)"
										   " SELECT pool_id, $2, kind, tenant_id FROM pool_manager.pool WHERE pool_id = $1"
										   " ON CONFLICT (pool_id, tenant_id) WHERE name IS NULL DO NOTHING");
	static PmStatement find = PM_STATEMENT("int8;int8",
										   "SELECT sub_pool_id FROM pool_manager.sub_pool WHERE pool_id = $1 AND tenant_id = $2 AND name IS NULL");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool->pool_id);
	pm_arg_int64(&args, tenant_id);
	pm_run(&make, &args);
	if (pm_run(&find, &args) == 0)
		elog(ERROR, "pool " INT64_FORMAT " has no sub-pool of tenant " INT64_FORMAT,
			 pool->pool_id, tenant_id);
	return pm_get_int64(0, 1);
}

PmSubmission *
pm_open_submission(PmPoolInfo *pool, int64 tenant_id)
{
	static PmStatement open = PM_STATEMENT("int8;int8",
										   "SELECT (SELECT sub_pool_id FROM pool_manager.sub_pool WHERE pool_id = $1 AND tenant_id = $2 AND name IS NULL),"
										   " (SELECT workspace_id FROM pool_manager.workspace WHERE tenant_id = $2 AND name = 'default'),"
										   " ARRAY(SELECT kind::text FROM pool_manager.pool_job_type WHERE pool_id = $1 AND state = 'enabled')");
	PmSubmission *submission = palloc0(sizeof(PmSubmission));
	PmArgs		args = {0};
	Datum		kinds;
	Datum	   *elements;
	bool		isnull;

	submission->pool = pool;
	submission->tenant_id = tenant_id;
	pm_arg_int64(&args, pool->pool_id);
	pm_arg_int64(&args, tenant_id);
	pm_run(&open, &args);
	submission->sub_pool_id = pm_get_int64(0, 1);
	submission->default_workspace_id = pm_get_int64(0, 2);
	kinds = pm_get(0, 3, &isnull);
	deconstruct_array(DatumGetArrayTypeP(kinds), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &submission->nkinds);
	submission->kinds = palloc(sizeof(char *) * Max(submission->nkinds, 1));
	for (int i = 0; i < submission->nkinds; i++)
		submission->kinds[i] = TextDatumGetCString(elements[i]);
	if (submission->sub_pool_id == 0)
		submission->sub_pool_id = make_sub_pool(pool, tenant_id);
	return submission;
}

static void
get_flavor(uint64 row, PmFlavor *flavor)
{
	bool		isnull;
	Datum		resources;

	flavor->flavor_id = pm_get_int64(row, 1);
	flavor->name = pm_get_text(row, 2);
	resources = pm_get(row, 3, &isnull);
	flavor->resources = DatumGetResourceListP(datumCopy(resources, false, -1));
	flavor->accelerator = pm_get_text(row, 4);
	flavor->sku_id = pm_get_int64(row, 5);
}

PmFlavor *
pm_find_flavor(const char *name)
{
	static PmStatement find = PM_STATEMENT("text",
										   "SELECT flavor_id, name, resources, accelerator, sku_id"
										   " FROM pool_manager.flavor WHERE name = $1");
	PmArgs		args = {0};
	PmFlavor   *flavor;

	pm_arg_text(&args, name);
	if (pm_run(&find, &args) == 0)
		pm_no_flavor(name);
	flavor = palloc0(sizeof(PmFlavor));
	get_flavor(0, flavor);
	return flavor;
}

void
pm_read_pool_flavors(PmSubmission *submission)
{
	static PmStatement find = PM_STATEMENT("int8",
										   "SELECT f.flavor_id, f.name, f.resources, f.accelerator, f.sku_id"
										   " FROM pool_manager.node_group g JOIN pool_manager.flavor f USING (flavor_id)"
										   " WHERE g.pool_id = $1 ORDER BY g.group_no");
	PmArgs		args = {0};

	if (submission->flavors != NULL)
		return;
	pm_arg_int64(&args, submission->pool->pool_id);
	submission->nflavors = (int) pm_run(&find, &args);
	submission->flavors = palloc0(sizeof(PmFlavor) * Max(submission->nflavors, 1));
	for (int i = 0; i < submission->nflavors; i++)
		get_flavor(i, &submission->flavors[i]);
}

/* ---- shapes ---- */

static Datum
digest_datum(const uint8 *digest)
{
	bytea	   *value = palloc(VARHDRSZ + 32);

	SET_VARSIZE(value, VARHDRSZ + 32);
	memcpy(VARDATA(value), digest, 32);
	return PointerGetDatum(value);
}

int64
pm_find_shape(PmSubmission *submission, const uint8 *digest)
{
	static PmStatement find = PM_STATEMENT("int8;int8;bytea;int8",
										   "SELECT shape_id FROM pool_manager.job_shape"
										   " WHERE pool_id = $1 AND sub_pool_id = $2 AND digest = $3 AND generation = $4");
	PmArgs		args = {0};

	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, submission->sub_pool_id);
	pm_arg(&args, digest_datum(digest), false);
	pm_arg_int64(&args, submission->pool->generation);
	return pm_run(&find, &args) == 0 ? 0 : pm_get_int64(0, 1);
}

int64
pm_put_shape(PmSubmission *submission, const PmJobSpec *job)
{
	static PmStatement put = PM_STATEMENT(
										  "int8;int8;bytea;int8;int8;int8;resource_list;int4;int4;jsonb;jsonb",
										  "WITH s AS (INSERT INTO pool_manager.job_shape (pool_id, sub_pool_id, digest, generation, tenant_id)"
										  "  VALUES ($1, $2, $3, $4, $5)"
										  "  ON CONFLICT (pool_id, sub_pool_id, digest, generation) DO NOTHING"
										  "  RETURNING shape_id),"
										  " g AS (INSERT INTO pool_manager.task_group (pool_id, shape_id, group_no, tenant_id, flavor_id,"
										  "   request, replicas, min_replicas, node_selector, tolerations)"
										  "  SELECT $1, shape_id, 1, $5, $6, $7, $8, $9, $10, $11 FROM s)"
										  " SELECT shape_id FROM s");
	PmArgs		args = {0};

	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, submission->sub_pool_id);
	pm_arg(&args, digest_datum(job->digest), false);
	pm_arg_int64(&args, submission->pool->generation);
	pm_arg_int64(&args, submission->tenant_id);
	pm_arg_id(&args, job->flavor_id);
	pm_arg(&args, ResourceListPGetDatum(job->request), false);
	pm_arg_int32(&args, job->replicas);
	pm_arg_int32(&args, job->min_replicas);
	pm_arg(&args, JsonbPGetDatum(job->node_selector), false);
	pm_arg(&args, JsonbPGetDatum(job->tolerations), false);
	if (pm_run(&put, &args) > 0)
		return pm_get_int64(0, 1);
	/* another session made it just now */
	return pm_find_shape(submission, job->digest);
}

/* ---- jobs ---- */

int64
pm_find_request(PmSubmission *submission, const PmJobSpec *job, const char **differs)
{
	static PmStatement find = PM_STATEMENT(
										   "int8;text;int8;text;text;int8;int4;interval;int8;resource_list;int4;int4;jsonb;jsonb",
										   "SELECT j.job_id, CASE WHEN j.pool_id <> $3 THEN 'pool' WHEN j.name <> $4 THEN 'name'"
										   "  WHEN j.kind::text <> $5 THEN 'kind' WHEN j.workspace_id <> $6 THEN 'workspace'"
										   "  WHEN j.priority <> $7 THEN 'priority' WHEN j.time_limit IS DISTINCT FROM $8 THEN 'time_limit'"
										   "  WHEN g.flavor_id IS DISTINCT FROM $9 THEN 'flavor' WHEN g.request <> $10 THEN 'request'"
										   "  WHEN g.replicas <> $11 THEN 'replicas' WHEN g.min_replicas <> $12 THEN 'min_replicas'"
										   "  WHEN g.node_selector <> $13 THEN 'node_selector' WHEN g.tolerations <> $14 THEN 'tolerations' END"
										   " FROM pool_manager.job j JOIN pool_manager.task_group g USING (pool_id, shape_id)"
										   " WHERE j.tenant_id = $1 AND j.request_id = $2");
	PmArgs		args = {0};

	pm_arg_int64(&args, submission->tenant_id);
	pm_arg_text(&args, job->request_id);
	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_text(&args, job->name);
	pm_arg_text(&args, job->kind);
	pm_arg_int64(&args, job->workspace_id);
	pm_arg_int32(&args, job->priority);
	pm_arg(&args, IntervalPGetDatum(job->time_limit), job->time_limit == NULL);
	pm_arg_id(&args, job->flavor_id);
	pm_arg(&args, ResourceListPGetDatum(job->request), false);
	pm_arg_int32(&args, job->replicas);
	pm_arg_int32(&args, job->min_replicas);
	pm_arg(&args, JsonbPGetDatum(job->node_selector), false);
	pm_arg(&args, JsonbPGetDatum(job->tolerations), false);
	if (pm_run(&find, &args) == 0)
		return 0;
	*differs = pm_get_text(0, 2);
	return pm_get_int64(0, 1);
}

/* The columns that differ from job to job, as arrays */
static void
arg_jobs(PmArgs *args, PmJobSpec **jobs, int n)
{
	int64	   *ids = palloc(sizeof(int64) * n);
	Datum	   *values = palloc(sizeof(Datum) * n);
	bool	   *nulls = palloc(sizeof(bool) * n);

	for (int i = 0; i < n; i++)
		ids[i] = jobs[i]->job_id;
	pm_arg_int64_array(args, ids, n);
	for (int i = 0; i < n; i++)
		ids[i] = jobs[i]->shape_id;
	pm_arg_int64_array(args, ids, n);
	for (int i = 0; i < n; i++)
		ids[i] = jobs[i]->workspace_id;
	pm_arg_int64_array(args, ids, n);
	for (int i = 0; i < n; i++)
		ids[i] = jobs[i]->priority;
	pm_arg_int64_array(args, ids, n);
	for (int i = 0; i < n; i++)
		values[i] = CStringGetTextDatum(jobs[i]->kind);
	pm_arg_array(args, values, NULL, n, TEXTOID, -1, false, TYPALIGN_INT);
	for (int i = 0; i < n; i++)
		values[i] = CStringGetTextDatum(jobs[i]->name);
	pm_arg_array(args, values, NULL, n, TEXTOID, -1, false, TYPALIGN_INT);
	for (int i = 0; i < n; i++)
	{
		nulls[i] = jobs[i]->time_limit == NULL;
		values[i] = IntervalPGetDatum(jobs[i]->time_limit);
	}
	pm_arg_array(args, values, nulls, n, INTERVALOID, sizeof(Interval), false, TYPALIGN_DOUBLE);
	for (int i = 0; i < n; i++)
	{
		nulls[i] = jobs[i]->request_id == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(jobs[i]->request_id);
	}
	pm_arg_array(args, values, nulls, n, TEXTOID, -1, false, TYPALIGN_INT);
}

void
pm_insert_jobs(PmCall *call, PmSubmission *submission, PmJobSpec **jobs, int n)
{
#define INSERT_TYPES \
	"int8;int8;text;int8;timestamptz;text;int8[];int8[];int8[];int8[];text[];text[];interval[];text[]"
#define INSERT_JOBS(on_conflict, result) \
	"WITH new_job AS (INSERT INTO pool_manager.job (pool_id, job_id, tenant_id, pool_kind, sub_pool_id, shape_id," \
	"   workspace_id, kind, priority, name, time_limit, request_id, submitted_at, submitted_by)" \
	"  SELECT $1, g.job_id, $2, $3::pool_manager.pool_kind, $4, g.shape_id, g.workspace_id," \
	"   g.kind::pool_manager.job_kind, g.priority, g.name, g.time_limit, g.request_id, $5, $6" \
	"  FROM unnest($7, $8, $9, $10, $11, $12, $13, $14)" \
	"   AS g(job_id, shape_id, workspace_id, priority, kind, name, time_limit, request_id)" \
	on_conflict \
	"  RETURNING job_id, shape_id, priority)," \
	" queued AS (INSERT INTO pool_manager.job_queue (pool_id, job_id, tenant_id, sub_pool_id, shape_id," \
	"   submitted_at, changed_at, priority)" \
	"  SELECT $1, job_id, $2, $4, shape_id, $5, $5, priority FROM new_job)," \
	" noted AS (INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, to_state, actor)" \
	"  SELECT $2, $5, 'job_state', $1, job_id, 'queued', $6 FROM new_job)" \
	result
	static PmStatement insert = PM_STATEMENT(INSERT_TYPES,
											 INSERT_JOBS("", " SELECT count(*) FROM new_job"));
	/* in the order of request_ids, so that two batches do not wait crosswise */
	static PmStatement insert_once = PM_STATEMENT(INSERT_TYPES,
												  INSERT_JOBS(" ORDER BY g.request_id ON CONFLICT (tenant_id, request_id) WHERE request_id IS NOT NULL DO NOTHING",
															  " SELECT job_id FROM new_job ORDER BY job_id"));
	bool		once = false;
	PmArgs		args = {0};
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
	pm_arg_int64(&args, submission->sub_pool_id);
	pm_arg_time(&args, pm_writing_clock());
	pm_arg_text(&args, call->actor_name);
	arg_jobs(&args, jobs, n);
	inserted = pm_run(once ? &insert_once : &insert, &args);
	pm_changed();
	if (!once)
		return;

	/* ids grow along the array */
	for (int i = 0; i < n; i++)
	{
		if (found < inserted && pm_get_int64(found, 1) == jobs[i]->job_id)
			found++;
		else
			jobs[i]->job_id = 0;
	}
}

bool
pm_is_queued_ahead(int64 pool_id, int64 job_id)
{
	/* the order of engine/order.c */
	static PmStatement ahead = PM_STATEMENT("int8;int8",
											"SELECT FROM pool_manager.job_queue me JOIN pool_manager.job_queue q USING (pool_id)"
											" WHERE me.pool_id = $1 AND me.job_id = $2 AND q.state = 'queued' AND (q.priority > me.priority"
											"  OR (q.priority = me.priority AND (q.restarted > me.restarted OR (q.restarted = me.restarted"
											"   AND (q.submitted_at, q.job_id) < (me.submitted_at, me.job_id))))) LIMIT 1");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, job_id);
	return pm_run(&ahead, &args) > 0;
}
