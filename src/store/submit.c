/*-------------------------------------------------------------------------
 *
 * submit.c
 *	  What submitting jobs finds out about the pool and the tenant, and the
 *	  shapes of jobs.
 *
 * Not here: the jobs' own rows (submit_insert.c), the look for an earlier call
 * (submit_repeat.c), file systems and volumes (submit_storage.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"

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

/* What quotas limit of jobs, and whether they limit any of a tenant's */
#define JOB_QUOTAS "('training_jobs', 'notebooks', 'services', 'workflows', 'accelerator_minutes', 'run_minutes')"
#define LIMITED(tenant) \
	"(EXISTS (SELECT FROM pool_manager.quota q WHERE q.tenant_id = " tenant ")" \
	" OR EXISTS (SELECT FROM pool_manager.quota_kind k WHERE k.by_default IS NOT NULL AND k.resource IN " JOB_QUOTAS "))"

PmSubmission *
pm_open_submission(PmPoolInfo *pool, int64 tenant_id)
{
	static PmStatement open = PM_STATEMENT("int8;int8",
										   "SELECT (SELECT sub_pool_id FROM pool_manager.sub_pool WHERE pool_id = $1 AND tenant_id = $2 AND name IS NULL),"
										   " (SELECT workspace_id FROM pool_manager.workspace WHERE tenant_id = $2 AND name = 'default'),"
										   " ARRAY(SELECT kind::text FROM pool_manager.pool_job_type WHERE pool_id = $1 AND state = 'enabled'),"
										   " t.state = 'frozen', " LIMITED("$2")
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

void
pm_lock_limited_tenant(int64 tenant_id)
{
	static PmStatement lock = PM_STATEMENT("int8",
										   "SELECT FROM pool_manager.tenant WHERE tenant_id = $1 AND " LIMITED("$1") " FOR NO KEY UPDATE");
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

Datum
pm_digest_datum(const uint8 *digest)
{
	bytea	   *value = palloc(VARHDRSZ + 32);

	SET_VARSIZE(value, VARHDRSZ + 32);
	memcpy(VARDATA(value), digest, 32);
	return PointerGetDatum(value);
}

int64
pm_find_shape(PmSubmission *submission, const PmJobSpec *job)
{
	static PmStatement find = PM_STATEMENT("int8;int8;bytea;int8;int8",
										   "SELECT shape_id FROM pool_manager.job_shape"
										   " WHERE pool_id = $1 AND sub_pool_id = $2 AND digest = $3 AND generation = $4"
										   "  AND reservation_id IS NOT DISTINCT FROM $5");
	PmArgs		args = {0};

	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, job->sub_pool_id);
	pm_arg(&args, pm_digest_datum(job->digest), false);
	pm_arg_int64(&args, submission->pool->generation);
	pm_arg_id(&args, job->reservation_id);
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
	static PmStatement put = PM_STATEMENT("int8;int8;bytea;int8;int8;pool_manager.task_group[];text;bool;int8",
										  "WITH s AS (INSERT INTO pool_manager.job_shape (pool_id, sub_pool_id, digest, generation, tenant_id,"
										  "   affinity_level, affinity_required, reservation_id) VALUES ($1, $2, $3, $4, $5, $7, $8, $9)"
										  "  ON CONFLICT (pool_id, sub_pool_id, digest, generation, reservation_id) DO NOTHING"
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
	pm_arg(&args, pm_digest_datum(job->digest), false);
	pm_arg_int64(&args, submission->pool->generation);
	pm_arg_int64(&args, submission->tenant_id);
	pm_arg_rows(&args, &groups);
	pm_arg_text(&args, job->affinity_level);
	pm_arg(&args, BoolGetDatum(job->affinity_required), job->affinity_level == NULL);
	pm_arg_id(&args, job->reservation_id);
	made = pm_run(&put, &args);
	pm_rows_end(&groups);
	if (made > 0)
		return pm_get_int64(0, 1);
	/* another session made it just now */
	return pm_find_shape(submission, job);
}

bool
pm_is_queued_ahead(int64 pool_id, int64 job_id)
{
	/* the order of engine/order.c; jobs of other reservations have turns of their own */
	static PmStatement ahead = PM_STATEMENT("int8;int8",
											"SELECT FROM pool_manager.job_queue me JOIN pool_manager.job_shape mine ON mine.pool_id = me.pool_id AND mine.shape_id = me.shape_id"
											" JOIN pool_manager.job_queue q ON q.pool_id = me.pool_id"
											" JOIN pool_manager.job_shape its ON its.pool_id = q.pool_id AND its.shape_id = q.shape_id"
											"  AND its.reservation_id IS NOT DISTINCT FROM mine.reservation_id"
											" WHERE me.pool_id = $1 AND me.job_id = $2 AND q.sub_pool_id = me.sub_pool_id AND q.state = 'queued'"
											"  AND (q.priority > me.priority"
											"  OR (q.priority = me.priority AND (q.restarted > me.restarted OR (q.restarted = me.restarted"
											"   AND (q.submitted_at, q.job_id) < (me.submitted_at, me.job_id))))) LIMIT 1");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, job_id);
	return pm_run(&ahead, &args) > 0;
}

bool
pm_find_dear_job(const int64 *jobs, int n, PmDearJob *dear)
{
	static PmStatement find = PM_STATEMENT("int8[]",
										   "SELECT j.job_id, j.name, trim_scale(j.max_cost)::text, q.currency, q.per_hour::text, trim_scale(q.cost)::text,"
										   " CASE WHEN q.per_hour IS NULL THEN (SELECT s.name FROM pool_manager.quoted_lines(j.job_id, NULL) AS l"
										   "  JOIN pool_manager.sku s USING (sku_id)"
										   "  WHERE NOT EXISTS (SELECT FROM pool_manager.price p"
										   "   WHERE p.tenant_id IN (0, j.tenant_id) AND p.sku_id = l.sku_id AND p.currency = q.currency"
										   "    AND p.valid @> pool_manager.clock())"
										   "  ORDER BY s.name LIMIT 1) END"
										   " FROM unnest($1) WITH ORDINALITY AS g(job_id, n) JOIN pool_manager.job j USING (job_id)"
										   " CROSS JOIN LATERAL pool_manager.quoted_cost(j.job_id) AS q"
										   " WHERE j.max_cost IS NOT NULL AND (q.cost <= j.max_cost) IS NOT TRUE"
										   " ORDER BY g.n LIMIT 1");
	PmArgs		args = {0};

	pm_arg_int64_array(&args, jobs, n);
	if (pm_run(&find, &args) == 0)
		return false;
	dear->job_id = pm_get_int64(0, 1);
	dear->name = pm_get_text(0, 2);
	dear->max_cost = pm_get_text(0, 3);
	dear->currency = pm_get_text(0, 4);
	dear->per_hour = pm_get_text(0, 5);
	dear->cost = pm_get_text(0, 6);
	dear->unpriced = pm_get_text(0, 7);
	return true;
}
