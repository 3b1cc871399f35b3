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
#include "utils/snapmgr.h"

#include "billing/calendar.h"
#include "store/dependency.h"
#include "store/statement.h"
#include "store/submit.h"

int64
pm_default_sub_pool(PmSubmission *submission)
{
	static PmStatement make = PM_STATEMENT("int8;int8",
										   "INSERT INTO pool_manager.sub_pool (pool_id, tenant_id, pool_kind, owner_id)"
										   " SELECT pool_id, $2, kind, tenant_id FROM pool_manager.pool WHERE pool_id = $1"
										   " ON CONFLICT (pool_id, tenant_id) WHERE name IS NULL DO NOTHING");
	static PmStatement find = PM_STATEMENT("int8;int8",
										   "SELECT sub_pool_id FROM pool_manager.sub_pool WHERE pool_id = $1 AND tenant_id = $2 AND name IS NULL");
	PmArgs		args = {0};

	if (submission->sub_pool_id != 0)
		return submission->sub_pool_id;
	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, submission->tenant_id);
	pm_run(&make, &args);
	if (pm_run(&find, &args) == 0)
		elog(ERROR, "pool " INT64_FORMAT " has no sub-pool of tenant " INT64_FORMAT,
			 submission->pool->pool_id, submission->tenant_id);
	submission->sub_pool_id = pm_get_int64(0, 1);
	return submission->sub_pool_id;
}

static PmResourceList *
get_list(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pm_get(row, column, &isnull);

	return isnull ? NULL : (PmResourceList *) PG_DETOAST_DATUM_COPY(value);
}

/* What quotas limit of jobs */
#define JOB_QUOTAS "('training_jobs', 'notebooks', 'services', 'workflows', 'accelerator_minutes', 'run_minutes')"

PmSubmission *
pm_open_submission(PmPoolInfo *pool, int64 tenant_id)
{
	static PmStatement open = PM_STATEMENT("int8;int8",
										   "SELECT (SELECT sub_pool_id FROM pool_manager.sub_pool WHERE pool_id = $1 AND tenant_id = $2 AND name IS NULL),"
										   " (SELECT workspace_id FROM pool_manager.workspace WHERE tenant_id = $2 AND name = 'default'),"
										   " ARRAY(SELECT kind::text FROM pool_manager.pool_job_type WHERE pool_id = $1 AND state = 'enabled'),"
										   " t.state = 'frozen', EXISTS (SELECT FROM pool_manager.quota q WHERE q.tenant_id = $2)"
										   "  OR EXISTS (SELECT FROM pool_manager.quota_kind k WHERE k.by_default IS NOT NULL AND k.resource IN " JOB_QUOTAS ")"
										   " FROM pool_manager.tenant t WHERE t.tenant_id = $2");
	static PmStatement limited = PM_STATEMENT("int8",
											  "SELECT ARRAY(SELECT k.resource FROM pool_manager.quota_kind k WHERE k.resource IN " JOB_QUOTAS
											  "  AND (k.by_default IS NOT NULL OR EXISTS (SELECT FROM pool_manager.quota q"
											  "   WHERE q.tenant_id = $1 AND q.resource = k.resource)))");
	PmSubmission *submission = palloc0(sizeof(PmSubmission));
	PmArgs		args = {0};

	submission->pool = pool;
	submission->tenant_id = tenant_id;
	pm_arg_int64(&args, pool->pool_id);
	pm_arg_int64(&args, tenant_id);
	if (pm_run(&open, &args) == 0)
		elog(ERROR, "tenant " INT64_FORMAT " not found", tenant_id);
	submission->sub_pool_id = pm_get_int64(0, 1);
	submission->default_workspace_id = pm_get_int64(0, 2);
	submission->frozen = pm_get_bool(0, 4);
	submission->nkinds = pm_get_texts(0, 3, &submission->kinds);
	if (pm_get_bool(0, 5))
	{
		PmArgs		tenant_arg = {0};

		pm_arg_int64(&tenant_arg, tenant_id);
		pm_run(&limited, &tenant_arg);
		submission->nlimited = pm_get_texts(0, 1, &submission->limited);
	}
	return submission;
}

void
pm_read_sub_pools(PmSubmission *submission)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT s.sub_pool_id, s.name, pool_manager.sub_pool_reach(s.guaranteed, s.upper, s.borrow_limit),"
										   " pool_manager.sub_pool_takes(s.guaranteed, s.upper, 'notebook', s.borrow_limit),"
										   " EXISTS (SELECT FROM pool_manager.sub_pool c"
										   "  WHERE c.pool_id = $1 AND c.parent_id = s.sub_pool_id AND c.deleted_at IS NULL)"
										   " FROM pool_manager.sub_pool s"
										   " WHERE s.pool_id = $1 AND s.name IS NOT NULL AND s.deleted_at IS NULL ORDER BY s.name");
	PmArgs		args = {0};

	if (submission->sub_pools != NULL)
		return;
	pm_arg_int64(&args, submission->pool->pool_id);
	submission->nsub_pools = submission->pool->dedicated ? (int) pm_run(&read, &args) : 0;
	submission->sub_pools = palloc0(sizeof(PmSubPool) * Max(submission->nsub_pools, 1));
	for (int i = 0; i < submission->nsub_pools; i++)
	{
		submission->sub_pools[i].sub_pool_id = pm_get_int64(i, 1);
		submission->sub_pools[i].name = pm_get_text(i, 2);
		submission->sub_pools[i].reach = get_list(i, 3);
		submission->sub_pools[i].fixed = pm_get_bool(i, 4);
		submission->sub_pools[i].divided = pm_get_bool(i, 5);
	}
}

/* Detaching one waits for the jobs that are being submitted to be seen */
int
pm_find_file_systems(int64 tenant_id, char **names, int n, PmFileSystem **found)
{
	static PmStatement find = PM_STATEMENT("int8;text[]",
										   "SELECT f.file_system_id, f.name, f.network_id, n.name, f.state::text"
										   " FROM pool_manager.file_system f JOIN pool_manager.network n USING (network_id)"
										   " WHERE f.tenant_id = $1 AND f.name = ANY ($2)"
										   " ORDER BY f.file_system_id FOR SHARE OF f");
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));
	PmArgs		args = {0};
	int			nfound;

	for (int i = 0; i < n; i++)
		values[i] = CStringGetTextDatum(names[i]);
	pm_arg_int64(&args, tenant_id);
	pm_arg_array(&args, values, NULL, n, TEXTOID, -1, false, TYPALIGN_INT);
	nfound = (int) pm_run(&find, &args);
	*found = palloc(sizeof(PmFileSystem) * Max(nfound, 1));
	for (int i = 0; i < nfound; i++)
	{
		(*found)[i].file_system_id = pm_get_int64(i, 1);
		(*found)[i].name = pm_get_text(i, 2);
		(*found)[i].network_id = pm_get_int64(i, 3);
		(*found)[i].network = pm_get_text(i, 4);
		(*found)[i].state = pm_get_text(i, 5);
	}
	return nfound;
}

int
pm_read_volume_types(PmVolumeType **types)
{
	static PmStatement read = PM_STATEMENT("",
										   "SELECT volume_type, sku_id, least_gib, most_gib FROM pool_manager.volume_type ORDER BY volume_type");
	PmArgs		args = {0};
	int			n = (int) pm_run(&read, &args);

	*types = palloc(sizeof(PmVolumeType) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		(*types)[i].name = pm_get_text(i, 1);
		(*types)[i].sku_id = pm_get_int64(i, 2);
		(*types)[i].least_gib = pm_get_int32(i, 3);
		(*types)[i].most_gib = pm_get_int32(i, 4);
	}
	return n;
}

void
pm_lock_tenant(int64 tenant_id)
{
	static PmStatement lock = PM_STATEMENT("int8",
										   "SELECT FROM pool_manager.tenant WHERE tenant_id = $1 FOR NO KEY UPDATE");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_run(&lock, &args);
}

void
pm_check_quota(int64 tenant_id, int64 workspace_id, const char *resource, int64 more)
{
	static PmStatement check = PM_STATEMENT("int8;int8;text;int8",
											"SELECT pool_manager.check_quota($1, $2, $3, $4)");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_id(&args, workspace_id);
	pm_arg_text(&args, resource);
	pm_arg_int64(&args, more);
	pm_run(&check, &args);
}

void
pm_check_metered(int64 pool_id, int64 job_id)
{
	static PmStatement check = PM_STATEMENT("int8;int8",
											"SELECT pool_manager.check_quota(j.tenant_id, j.workspace_id, k.resource, 0)"
											" FROM pool_manager.job j, pool_manager.quota_kind k"
											" WHERE j.pool_id = $1 AND j.job_id = $2 AND k.metered ORDER BY k.resource");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, job_id);
	pm_run(&check, &args);
}

static void
get_flavor(uint64 row, PmFlavor *flavor)
{
	flavor->flavor_id = pm_get_int64(row, 1);
	flavor->name = pm_get_text(row, 2);
	flavor->resources = get_list(row, 3);
	flavor->accelerator = pm_get_text(row, 4);
	flavor->sku_id = pm_get_int64(row, 5);
	flavor->max_replicas = pm_get_int32(row, 6);
}

PmFlavor *
pm_find_flavor(const char *name)
{
	static PmStatement find = PM_STATEMENT("text",
										   "SELECT flavor_id, name, resources, accelerator, sku_id, max_replicas"
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
										   "SELECT f.flavor_id, f.name, f.resources - f.reserved + CASE WHEN g.disk_count = 0 THEN '' ELSE"
										   "  ('storage=' || g.disk_count::bigint * g.disk_gib || 'Gi')::pool_manager.resource_list END,"
										   " f.accelerator, f.sku_id, f.max_replicas"
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
pm_find_shape(PmSubmission *submission, const PmJobSpec *job)
{
	static PmStatement find = PM_STATEMENT("int8;int8;bytea;int8",
										   "SELECT shape_id FROM pool_manager.job_shape"
										   " WHERE pool_id = $1 AND sub_pool_id = $2 AND digest = $3 AND generation = $4");
	PmArgs		args = {0};

	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, job->sub_pool_id);
	pm_arg(&args, digest_datum(job->digest), false);
	pm_arg_int64(&args, submission->pool->generation);
	return pm_run(&find, &args) == 0 ? 0 : pm_get_int64(0, 1);
}

/* A row of each task group, without the shape's id */
static void
add_groups(PmRows *rows, PmSubmission *submission, const PmJobSpec *job)
{
	for (int g = 0; g < job->ngroups; g++)
	{
		const PmGroupSpec *group = &job->groups[g];
		Datum		values[15];
		bool		nulls[15] = {0};

		values[0] = Int64GetDatum(submission->pool->pool_id);
		values[1] = Int64GetDatum(0);
		values[2] = Int16GetDatum((int16) (g + 1));
		values[3] = Int64GetDatum(submission->tenant_id);
		values[4] = Int64GetDatum(group->flavor_id);
		nulls[4] = group->flavor_id == 0;
		values[5] = ResourceListPGetDatum(group->request);
		values[6] = Int32GetDatum(group->replicas);
		values[7] = Int32GetDatum(group->min_replicas);
		values[8] = JsonbPGetDatum(group->node_selector);
		values[9] = JsonbPGetDatum(group->tolerations);
		nulls[10] = group->name == NULL;
		values[10] = group->name ? CStringGetTextDatum(group->name) : (Datum) 0;
		nulls[11] = nulls[12] = group->group_level == NULL;
		values[11] = group->group_level ? CStringGetTextDatum(group->group_level) : (Datum) 0;
		values[12] = Int32GetDatum(group->group_size);
		nulls[13] = group->spread_level == NULL;
		values[13] = group->spread_level ? CStringGetTextDatum(group->spread_level) : (Datum) 0;
		nulls[14] = group->max_per_domain == 0;
		values[14] = Int32GetDatum(group->max_per_domain);
		pm_rows_add(rows, values, nulls);
	}
}

int64
pm_put_shape(PmSubmission *submission, const PmJobSpec *job)
{
	static PmStatement put = PM_STATEMENT("int8;int8;bytea;int8;int8;pool_manager.task_group[];text;bool",
										  "WITH s AS (INSERT INTO pool_manager.job_shape (pool_id, sub_pool_id, digest, generation, tenant_id,"
										  "   affinity_level, affinity_required) VALUES ($1, $2, $3, $4, $5, $7, $8)"
										  "  ON CONFLICT (pool_id, sub_pool_id, digest, generation) DO NOTHING"
										  "  RETURNING shape_id),"
										  " g AS (INSERT INTO pool_manager.task_group (pool_id, shape_id, group_no, tenant_id, flavor_id,"
										  "   request, replicas, min_replicas, node_selector, tolerations, name,"
										  "   group_level, group_size, spread_level, max_per_domain)"
										  "  SELECT $1, s.shape_id, r.group_no, $5, r.flavor_id, r.request, r.replicas, r.min_replicas,"
										  "   r.node_selector, r.tolerations, r.name, r.group_level, r.group_size, r.spread_level, r.max_per_domain FROM s, unnest($6) AS r ORDER BY r.group_no)"
										  " SELECT shape_id FROM s");
	PmRows		groups;
	PmArgs		args = {0};
	uint64		made;

	pm_rows_begin(&groups, "task_group");
	add_groups(&groups, submission, job);
	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, job->sub_pool_id);
	pm_arg(&args, digest_datum(job->digest), false);
	pm_arg_int64(&args, submission->pool->generation);
	pm_arg_int64(&args, submission->tenant_id);
	pm_arg_rows(&args, &groups);
	pm_arg_text(&args, job->affinity_level);
	pm_arg(&args, BoolGetDatum(job->affinity_required), job->affinity_level == NULL);
	made = pm_run(&put, &args);
	pm_rows_end(&groups);
	if (made > 0)
		return pm_get_int64(0, 1);
	/* another session made it just now */
	return pm_find_shape(submission, job);
}

/* ---- jobs ---- */

int64
pm_find_request(PmSubmission *submission, const PmJobSpec *job, const char **differs)
{
	/* a sub-pool by its name or its id, as it was given; what is detached since is not compared */
	static PmStatement find = PM_STATEMENT(
										   "int8;text;int8;text;text;int8;int4;interval;int8;resource_list;int4;int4;jsonb;jsonb;"
										   "text;int8;bool;interval;int4;jsonb;int4;text;jsonb;int4;bytea;"
										   "text;bool;text;int4;text;int4;text;timestamptz;interval;bool",
										   "SELECT j.job_id, CASE WHEN j.pool_id <> $3 THEN 'pool' WHEN j.name <> $4 THEN 'name'"
										   "  WHEN j.kind::text <> $5 THEN 'kind' WHEN j.workspace_id <> $6 THEN 'workspace'"
										   "  WHEN coalesce(j.asked_priority, j.priority) <> $7 THEN 'priority' WHEN j.time_limit IS DISTINCT FROM $8 THEN 'time_limit'"
										   "  WHEN h.affinity_level IS DISTINCT FROM $26 THEN 'affinity_level'"
										   "  WHEN h.affinity_required IS DISTINCT FROM $27 THEN 'affinity_required'"
										   "  WHEN c.groups <> $24 OR (c.groups > 1 AND h.digest <> $25) THEN 'task_groups'"
										   "  WHEN g.flavor_id IS DISTINCT FROM $9 THEN 'flavor' WHEN g.request <> $10 THEN 'request'"
										   "  WHEN g.replicas <> $11 THEN 'replicas' WHEN g.min_replicas <> $12 THEN 'min_replicas'"
										   "  WHEN g.node_selector <> $13 THEN 'node_selector' WHEN g.tolerations <> $14 THEN 'tolerations'"
										   "  WHEN g.group_level IS DISTINCT FROM $28 THEN 'group_level'"
										   "  WHEN g.group_size IS DISTINCT FROM $29 THEN 'group_size'"
										   "  WHEN g.spread_level IS DISTINCT FROM $30 THEN 'spread_level'"
										   "  WHEN g.max_per_domain IS DISTINCT FROM $31 THEN 'max_per_domain'"
										   "  WHEN h.digest <> $25 THEN 'task_groups'"
										   "  WHEN CASE WHEN $16 <> 0 THEN s.sub_pool_id <> $16 ELSE s.name IS DISTINCT FROM $15 END THEN 'sub_pool'"
										   "  WHEN j.preemptible <> $17 THEN 'preemptible' WHEN j.auto_stop IS DISTINCT FROM $18 THEN 'auto_stop'"
										   "  WHEN j.max_retries <> $19 THEN 'max_retries'"
										   "  WHEN (SELECT coalesce(jsonb_object_agg(m.path, coalesce(f.name, $20 ->> m.path)), '{}')"
										   "   FROM pool_manager.job_mount m LEFT JOIN pool_manager.file_system f USING (file_system_id)"
										   "   WHERE m.pool_id = j.pool_id AND m.job_id = j.job_id) <> $20 THEN 'mounts'"
										   "  WHEN coalesce(v.gib, 0) <> $21 THEN 'volume_gib'"
										   "  WHEN v.volume_type IS DISTINCT FROM $22 THEN 'volume_type'"
										   "  WHEN j.phase_no IS NULL AND pool_manager.dependencies_text(j.pool_id, j.job_id) IS DISTINCT FROM $32 THEN 'depends_on'"
										   "  WHEN coalesce(j.not_before, '-infinity') <> $33 THEN 'not_before'"
										   "  WHEN j.retry_backoff IS DISTINCT FROM $34 THEN 'retry_backoff' WHEN j.retry_on_failure <> $35 THEN 'retry_on_failure' WHEN j.tags <> $23 THEN 'tags' END"
										   " FROM pool_manager.job j JOIN pool_manager.job_shape h USING (pool_id, shape_id)"
										   " JOIN pool_manager.task_group g ON g.pool_id = j.pool_id AND g.shape_id = j.shape_id AND g.group_no = 1"
										   " CROSS JOIN LATERAL (SELECT count(*) AS groups FROM pool_manager.task_group o"
										   "  WHERE o.pool_id = j.pool_id AND o.shape_id = j.shape_id) c"
										   " JOIN pool_manager.sub_pool s ON s.pool_id = j.pool_id AND s.sub_pool_id = j.sub_pool_id"
										   " LEFT JOIN pool_manager.volume v ON v.pool_id = j.pool_id AND v.job_id = j.job_id"
										   " WHERE j.tenant_id = $1 AND j.request_id = $2");
	const PmGroupSpec *first = &job->groups[0];
	PmArgs		args = {0};

	pm_arg_int64(&args, submission->tenant_id);
	pm_arg_text(&args, job->request_id);
	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_text(&args, job->name);
	pm_arg_text(&args, job->kind);
	pm_arg_int64(&args, job->workspace_id);
	pm_arg_int32(&args, job->priority);
	pm_arg(&args, IntervalPGetDatum(job->time_limit), job->time_limit == NULL);
	pm_arg_id(&args, first->flavor_id);
	pm_arg(&args, ResourceListPGetDatum(first->request), false);
	pm_arg_int32(&args, first->replicas);
	pm_arg_int32(&args, first->min_replicas);
	pm_arg(&args, JsonbPGetDatum(first->node_selector), false);
	pm_arg(&args, JsonbPGetDatum(first->tolerations), false);
	pm_arg_text(&args, job->sub_pool);
	pm_arg_int64(&args, job->asked_sub_pool_id);
	pm_arg_bool(&args, job->preemptible);
	pm_arg(&args, IntervalPGetDatum(job->auto_stop), job->auto_stop == NULL);
	pm_arg_int32(&args, job->max_retries);
	pm_arg(&args, JsonbPGetDatum(job->mounts), false);
	pm_arg_int32(&args, job->volume_gib);
	pm_arg_text(&args, job->volume_type);
	pm_arg(&args, JsonbPGetDatum(job->tags), false);
	pm_arg_int32(&args, job->ngroups);
	pm_arg(&args, digest_datum(job->digest), false);
	pm_arg_text(&args, job->affinity_level);
	pm_arg(&args, BoolGetDatum(job->affinity_required), job->affinity_level == NULL);
	pm_arg_text(&args, first->group_level);
	pm_arg(&args, Int32GetDatum(first->group_size), first->group_level == NULL);
	pm_arg_text(&args, first->spread_level);
	pm_arg(&args, Int32GetDatum(first->max_per_domain), first->max_per_domain == 0);
	pm_arg_text(&args, job->depends_on);
	pm_arg_time(&args, job->not_before);
	pm_arg(&args, IntervalPGetDatum(job->retry_backoff), job->retry_backoff == NULL);
	pm_arg_bool(&args, job->retry_on_failure);
	if (pm_run(&find, &args) == 0)
		return 0;
	*differs = pm_get_text(0, 2);
	return pm_get_int64(0, 1);
}

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

#define ARG_COLUMN(kind, column) arg_##kind(args, jobs, n, offsetof(PmJobSpec, column))

/* Is there more to write than of a job that has all the defaults? */
static bool
has_extras(PmJobSpec **jobs, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (jobs[i]->preemptible || jobs[i]->auto_stop || jobs[i]->max_retries != 0 ||
			jobs[i]->phase_no != 0 || jobs[i]->ndependencies > 0 ||
			!TIMESTAMP_IS_NOBEGIN(jobs[i]->not_before) || JB_ROOT_COUNT(jobs[i]->tags) > 0)
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
}

/* Rows of mounts and volumes of jobs that were inserted */
static void
insert_mounts(PmSubmission *submission, PmJobSpec **jobs, int n)
{
	static PmStatement insert = PM_STATEMENT("int8;int8;int8[];text[];int8[];int8[]",
											 "INSERT INTO pool_manager.job_mount (pool_id, job_id, path, tenant_id, network_id, file_system_id)"
											 " SELECT $1, m.job_id, m.path, $2, m.network_id, m.file_system_id"
											 " FROM unnest($3, $4, $5, $6) AS m(job_id, path, network_id, file_system_id)");
	int			nmounts = 0;
	int			k = 0;
	int64	   *ids[3];
	Datum	   *paths;
	PmArgs		args = {0};

	for (int i = 0; i < n; i++)
		nmounts += jobs[i]->job_id == 0 ? 0 : jobs[i]->nmounts;
	if (nmounts == 0)
		return;
	for (int c = 0; c < 3; c++)
		ids[c] = palloc(sizeof(int64) * nmounts);
	paths = palloc(sizeof(Datum) * nmounts);
	for (int i = 0; i < n; i++)
	{
		for (int m = 0; m < jobs[i]->nmounts && jobs[i]->job_id != 0; m++, k++)
		{
			ids[0][k] = jobs[i]->job_id;
			paths[k] = CStringGetTextDatum(jobs[i]->mount[m].path);
			ids[1][k] = jobs[i]->mount[m].file_system->network_id;
			ids[2][k] = jobs[i]->mount[m].file_system->file_system_id;
		}
	}
	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, submission->tenant_id);
	pm_arg_int64_array(&args, ids[0], nmounts);
	pm_arg_array(&args, paths, NULL, nmounts, TEXTOID, -1, false, TYPALIGN_INT);
	pm_arg_int64_array(&args, ids[1], nmounts);
	pm_arg_int64_array(&args, ids[2], nmounts);
	pm_run(&insert, &args);
}

static void
insert_volumes(PmSubmission *submission, PmJobSpec **jobs, int n, TimestampTz instant)
{
	static PmStatement insert = PM_STATEMENT("int8;int8;timestamptz;timestamptz;int8[];text[];int4[];int8[];int8[]",
											 "WITH v AS (INSERT INTO pool_manager.volume (tenant_id, pool_id, job_id, volume_type, gib, created_at)"
											 "  SELECT $2, $1, u.job_id, u.volume_type, u.gib, $3"
											 "  FROM unnest($5, $6, $7) AS u(job_id, volume_type, gib) RETURNING volume_id, job_id, gib)"
											 " INSERT INTO pool_manager.holding (tenant_id, sku_id, quantity, workspace_id, pool_id, job_id, volume_id, since, metered_until)"
											 " SELECT $2, u.sku_id, v.gib * 1000::bigint, u.workspace_id, $1, v.job_id, v.volume_id, $4, $4"
											 " FROM v JOIN unnest($5, $8, $9) AS u(job_id, sku_id, workspace_id) USING (job_id) WHERE u.sku_id <> 0");
	PmJobSpec **with = palloc(sizeof(PmJobSpec *) * Max(n, 1));
	PmArgs		all = {0};
	PmArgs	   *args = &all;
	int			nwith = 0;

	for (int i = 0; i < n; i++)
	{
		if (jobs[i]->volume_gib != 0 && jobs[i]->job_id != 0)
			with[nwith++] = jobs[i];
	}
	if (nwith == 0)
		return;
	jobs = with;
	n = nwith;
	pm_arg_int64(args, submission->pool->pool_id);
	pm_arg_int64(args, submission->tenant_id);
	pm_arg_time(args, instant);
	pm_arg_time(args, pm_second_timestamptz(pm_second(instant)));
	ARG_COLUMN(ids, job_id);
	ARG_COLUMN(texts, volume_type);
	ARG_COLUMN(ints, volume_gib);
	ARG_COLUMN(ids, volume_sku_id);
	ARG_COLUMN(ids, workspace_id);
	pm_run(&insert, args);
}

void
pm_insert_jobs(PmCall *call, PmSubmission *submission, PmJobSpec **jobs, int n)
{
#define INSERT_TYPES \
	"int8;int8;text;timestamptz;text;int8[];int8[];int8[];int8[];int4[];text[];text[];interval[];text[]"
#define EXTRA_TYPES ";bool[];interval[];int4[];int4[];jsonb[];timestamptz[];int8[];interval[];bool[]"
#define INSERT_JOBS(columns, values, arrays, names, state, queue_columns, queue_values, on_conflict, result) \
	"WITH new_job AS (INSERT INTO pool_manager.job (pool_id, job_id, tenant_id, pool_kind, sub_pool_id, shape_id," \
	"   workspace_id, kind, priority, name, time_limit, request_id, submitted_at, submitted_by" columns ")" \
	"  SELECT $1, g.job_id, $2, $3::pool_manager.pool_kind, g.sub_pool_id, g.shape_id, g.workspace_id," \
	"   g.kind::pool_manager.job_kind, g.priority, g.name, g.time_limit, g.request_id, $4, $5" values \
	"  FROM unnest($6, $7, $8, $9, $10, $11, $12, $13, $14" arrays ")" \
	"   AS g(job_id, sub_pool_id, shape_id, workspace_id, priority, kind, name, time_limit, request_id" names ")" \
	on_conflict \
	"  RETURNING job_id, sub_pool_id, shape_id, priority, time_limit, auto_stop, workspace_id, not_before)," \
	" queued AS (INSERT INTO pool_manager.job_queue (pool_id, job_id, tenant_id, sub_pool_id, shape_id," \
	"   submitted_at, changed_at, priority, time_limit, auto_stop, workspace_id, state" queue_columns ")" \
	"  SELECT $1, job_id, $2, sub_pool_id, shape_id, $4, $4, priority, time_limit, auto_stop, workspace_id, " state queue_values " FROM new_job)," \
	" noted AS (INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, actor, to_state)" \
	"  SELECT $2, $4, 'job_state', $1, job_id, $5, " state " FROM new_job)" \
	result
#define EXTRA_COLUMNS ", preemptible, auto_stop, max_retries, workflow_id, phase_no, tags, not_before, retry_backoff, retry_on_failure"
#define EXTRA_VALUES \
	", g.preemptible, g.auto_stop, g.max_retries, CASE WHEN g.phase_no <> 0 THEN ($6)[1] END, nullif(g.phase_no, 0), g.tags, nullif(g.not_before, '-infinity')" \
	", g.retry_backoff, g.retry_on_failure"
#define EXTRA_ARRAYS ", $15, $16, $17, $18, $19, $20, $22, $23"
#define EXTRA_NAMES ", preemptible, auto_stop, max_retries, phase_no, tags, not_before, retry_backoff, retry_on_failure"
#define EXTRA_STATE "CASE WHEN job_id = ANY ($21) OR not_before > $4 THEN 'waiting' ELSE 'queued' END::pool_manager.job_state"
#define EXTRA_QUEUE ", not_before"
#define EXTRA_QUEUED ", CASE WHEN not_before > $4 THEN not_before END"
	/* in the order of request_ids, so that two batches do not wait crosswise */
#define ONCE " ORDER BY g.request_id ON CONFLICT (tenant_id, request_id) WHERE request_id IS NOT NULL DO NOTHING"
#define INSERTED " SELECT job_id FROM new_job ORDER BY job_id"
	static PmStatement insert = PM_STATEMENT(INSERT_TYPES,
											 INSERT_JOBS("", "", "", "", "'queued'", "", "", "", " SELECT count(*) FROM new_job"));
	static PmStatement insert_once = PM_STATEMENT(INSERT_TYPES,
												  INSERT_JOBS("", "", "", "", "'queued'", "", "", ONCE, INSERTED));
	static PmStatement insert_extra = PM_STATEMENT(INSERT_TYPES EXTRA_TYPES,
												   INSERT_JOBS(EXTRA_COLUMNS, EXTRA_VALUES, EXTRA_ARRAYS, EXTRA_NAMES,
															   EXTRA_STATE, EXTRA_QUEUE, EXTRA_QUEUED, ONCE, INSERTED));
	PmArgs		all = {0};
	PmArgs	   *args = &all;
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
	pm_arg_int64(args, submission->pool->pool_id);
	pm_arg_int64(args, submission->tenant_id);
	pm_arg_text(args, submission->pool->dedicated ? "dedicated" : "public");
	pm_arg_time(args, instant);
	pm_arg_text(args, call->actor_name);
	ARG_COLUMN(ids, job_id);
	ARG_COLUMN(ids, sub_pool_id);
	ARG_COLUMN(ids, shape_id);
	ARG_COLUMN(ids, workspace_id);
	ARG_COLUMN(ints, priority);
	ARG_COLUMN(texts, kind);
	ARG_COLUMN(texts, name);
	ARG_COLUMN(intervals, time_limit);
	ARG_COLUMN(texts, request_id);
	if (extra)
		arg_extras(args, jobs, n);
	inserted = pm_run(extra ? &insert_extra : once ? &insert_once : &insert, args);
	pm_changed();

	/* ids grow along the array */
	for (int i = 0; i < n && once; i++)
	{
		if (found < inserted && pm_get_int64(found, 1) == jobs[i]->job_id)
			found++;
		else
			jobs[i]->job_id = 0;
	}
	insert_mounts(submission, jobs, n);
	insert_volumes(submission, jobs, n, instant);
	pm_insert_dependencies(call, submission, jobs, n, instant);
}

int64
pm_latest_mounts(int64 file_system_id)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT count(DISTINCT j.job_id) FROM pool_manager.job_mount m"
										   " JOIN pool_manager.job j USING (pool_id, job_id)"
										   " WHERE m.file_system_id = $1 AND j.end_state IS NULL");
	PmArgs		args = {0};

	pm_arg_int64(&args, file_system_id);
	PushActiveSnapshot(GetLatestSnapshot());
	pm_run(&read, &args);
	PopActiveSnapshot();
	return pm_get_int64(0, 1);
}

bool
pm_is_queued_ahead(int64 pool_id, int64 job_id)
{
	/* the order of engine/order.c */
	static PmStatement ahead = PM_STATEMENT("int8;int8",
											"SELECT FROM pool_manager.job_queue me JOIN pool_manager.job_queue q USING (pool_id)"
											" WHERE me.pool_id = $1 AND me.job_id = $2 AND q.sub_pool_id = me.sub_pool_id AND q.state = 'queued'"
											"  AND (q.priority > me.priority"
											"  OR (q.priority = me.priority AND (q.restarted > me.restarted OR (q.restarted = me.restarted"
											"   AND (q.submitted_at, q.job_id) < (me.submitted_at, me.job_id))))) LIMIT 1");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, job_id);
	return pm_run(&ahead, &args) > 0;
}
