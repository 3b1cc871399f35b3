/*-------------------------------------------------------------------------
 *
 * pool.c
 *	  Writing pools and their nodes; the pool's lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/calendar.h"
#include "store/registry.h"
#include "store/statement.h"

TimestampTz
pm_lock_pool(int64 pool_id)
{
	/*
	 * write_clock() is read again when the UPDATE had to wait for another
	 * call, so the instant is taken with the lock held.
	 */
	static PmStatement lock = PM_STATEMENT("int8",
										   "UPDATE pool_manager.pool_clock"
										   " SET last_instant = greatest(last_instant, pool_manager.write_clock())"
										   " WHERE pool_id = $1 RETURNING last_instant");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	if (pm_run(&lock, &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("pool " INT64_FORMAT " does not exist", pool_id),
				 errdetail("It has no row in table pool_clock."),
				 errhint("The view pool_status shows the pools that you may see.")));
	return pm_get_time(0, 1);
}

void
pm_advance_pool(int64 pool_id, TimestampTz instant)
{
	static PmStatement advance = PM_STATEMENT("int8;timestamptz",
											  "UPDATE pool_manager.pool_clock SET last_instant = greatest(last_instant, $2)"
											  " WHERE pool_id = $1");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	pm_run(&advance, &args);
}

int
pm_schedulable_pools(PmCall *call, int64 **pools)
{
	static PmStatement read = PM_STATEMENT("",
										   "SELECT pool_id, tenant_id FROM pool_manager.pool ORDER BY pool_id");
	PmArgs		args = {0};
	int			n = (int) pm_run(&read, &args);
	int64	   *tenants = palloc(sizeof(int64) * Max(n, 1));
	int			kept = 0;

	*pools = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		(*pools)[i] = pm_get_int64(i, 1);
		tenants[i] = pm_get_int64(i, 2);
	}
	for (int i = 0; i < n; i++)
	{
		if (pm_access(call, tenants[i]) >= PM_ACCESS_MEMBER)
			(*pools)[kept++] = (*pools)[i];
	}
	return kept;
}

int
pm_busy_pools(int64 **pools)
{
	static PmStatement read = PM_STATEMENT("timestamptz",
										   "SELECT p.pool_id FROM pool_manager.pool p WHERE"
										   " EXISTS (SELECT FROM pool_manager.job_queue q WHERE q.pool_id = p.pool_id AND q.state = 'queued')"
										   " OR EXISTS (SELECT FROM pool_manager.job_run r WHERE r.pool_id = p.pool_id AND r.deadline <= $1)"
										   " ORDER BY p.pool_id");
	PmArgs		args = {0};
	int			n;

	pm_arg_time(&args, pm_writing_clock());
	n = (int) pm_run(&read, &args);
	*pools = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*pools)[i] = pm_get_int64(i, 1);
	return n;
}

int64
pm_create_pool(PmCall *call, const PmPoolSpec *spec)
{
	static PmStatement create = PM_STATEMENT(
											 "text;text;int8;int8;pool_manager.job_kind[];pool_manager.queue_policy;"
											 "pool_manager.placement_policy;pool_manager.launch_mode;interval;interval;timestamptz;text",
											 "WITH p AS (INSERT INTO pool_manager.pool (name, kind, tenant_id, network_id, queue_policy,"
											 "   placement, launch, default_time_limit, stop_timeout, created_at, workspace_id)"
											 "  VALUES ($1, $2::pool_manager.pool_kind, $3, $4, $6, $7, $8, $9, $10, $11,"
											 "   (SELECT workspace_id FROM pool_manager.workspace WHERE tenant_id = $3 AND name = 'default'))"
											 "  ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING RETURNING pool_id, kind, tenant_id),"
											 " c AS (INSERT INTO pool_manager.pool_clock (pool_id, last_instant) SELECT pool_id, $11 FROM p),"
											 " t AS (INSERT INTO pool_manager.pool_job_type (pool_id, kind)"
											 "  SELECT DISTINCT p.pool_id, k FROM p, unnest($5) AS k),"
											 " s AS (INSERT INTO pool_manager.sub_pool (pool_id, tenant_id, pool_kind, owner_id)"
											 "  SELECT pool_id, tenant_id, kind, tenant_id FROM p WHERE kind = 'dedicated'),"
											 " e AS (INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, to_state, actor)"
											 "  SELECT tenant_id, $11, 'pool_created', pool_id, 'running', $12 FROM p)"
											 " SELECT pool_id FROM p");
	PmArgs		args = {0};

	pm_arg_text(&args, spec->name);
	pm_arg_text(&args, spec->dedicated ? "dedicated" : "public");
	pm_arg_int64(&args, spec->tenant_id);
	pm_arg_id(&args, spec->network_id);
	pm_arg(&args, spec->job_types, false);
	pm_arg(&args, spec->queue_policy, false);
	pm_arg(&args, spec->placement, false);
	pm_arg(&args, spec->launch, false);
	pm_arg(&args, spec->default_time_limit, spec->no_time_limit);
	pm_arg(&args, spec->stop_timeout, false);
	pm_arg_time(&args, pm_writing_clock());
	pm_arg_text(&args, call->actor_name);
	if (pm_run(&create, &args) == 0)
		pm_already_exists("pool", spec->name);
	return pm_get_int64(0, 1);
}

/* ---- nodes ---- */

PmNodeFlavor *
pm_find_node_flavor(const PmPoolInfo *pool, const char *name)
{
	static PmStatement find = PM_STATEMENT("int8;text",
										   "SELECT f.flavor_id, f.sku_id IS NOT NULL,"
										   " (SELECT min(r.name) FROM pool_manager.resource_each(f.resources) r"
										   "  WHERE NOT EXISTS (SELECT FROM pool_manager.flavor_resource_sku s"
										   "   WHERE s.flavor_id = f.flavor_id AND s.resource = r.name)),"
										   " f.cpu_architecture::text, g.cpu_architecture, g.others"
										   " FROM pool_manager.flavor f, LATERAL ("
										   "  SELECT min(g.cpu_architecture::text) AS cpu_architecture,"
										   "   (count(*) FILTER (WHERE g.flavor_id <> f.flavor_id))::integer AS others"
										   "  FROM pool_manager.node_group g WHERE g.pool_id = $1) AS g"
										   " WHERE f.name = $2");
	PmNodeFlavor *flavor = palloc(sizeof(PmNodeFlavor));
	PmArgs		args = {0};

	pm_arg_int64(&args, pool->pool_id);
	pm_arg_text(&args, name);
	if (pm_run(&find, &args) == 0)
		pm_no_flavor(name);
	flavor->flavor_id = pm_get_int64(0, 1);
	flavor->name = pstrdup(name);
	flavor->has_sku = pm_get_bool(0, 2);
	flavor->unlisted = pm_get_text(0, 3);
	flavor->architecture = pm_get_text(0, 4);
	flavor->pool_architecture = pm_get_text(0, 5);
	flavor->others = pm_get_int32(0, 6);
	return flavor;
}

static void
join_node_group(const PmPoolInfo *pool, int64 flavor_id, int count)
{
	static PmStatement join = PM_STATEMENT("int8;int8;int4",
										   "INSERT INTO pool_manager.node_group (pool_id, flavor_id, group_no, cpu_architecture, target_count)"
										   " SELECT $1, flavor_id, (SELECT coalesce(max(group_no) FILTER (WHERE flavor_id = $2), count(*) + 1)"
										   "   FROM pool_manager.node_group WHERE pool_id = $1),"
										   "  cpu_architecture, $3 FROM pool_manager.flavor WHERE flavor_id = $2"
										   " ON CONFLICT (pool_id, flavor_id) DO UPDATE SET target_count = node_group.target_count + $3"
										   " RETURNING xmax = 0");
	static PmStatement turn = PM_STATEMENT("int8",
										   "UPDATE pool_manager.pool SET generation = generation + 1 WHERE pool_id = $1");
	PmArgs		args = {0};
	PmArgs		pool_arg = {0};

	pm_arg_int64(&args, pool->pool_id);
	pm_arg_int64(&args, flavor_id);
	pm_arg_int32(&args, count);
	pm_run(&join, &args);
	if (pm_get_bool(0, 1))
	{
		pm_arg_int64(&pool_arg, pool->pool_id);
		pm_run(&turn, &pool_arg);
	}
}

int64 *
pm_add_nodes(PmCall *call, PmPoolInfo *pool, const PmNodesSpec *spec, TimestampTz instant)
{
	static PmStatement add = PM_STATEMENT(
										  "int8;int8;int8;int4;text;jsonb;jsonb;timestamptz;timestamptz;bool;text",
										  "WITH n AS (INSERT INTO pool_manager.node (pool_id, node_id, flavor_id, tenant_id, name, labels, taints, created_at, state_since, available_at)"
										  "  SELECT $1, id, $2, $3, $5 || '-' || id, $6, $7, $8, $8, $8"
										  "  FROM (SELECT nextval('pool_manager.node_id_seq') AS id FROM generate_series(1, $4)) AS s"
										  "  RETURNING node_id),"
										  " l AS (INSERT INTO pool_manager.node_load (pool_id, node_id, allocatable, accelerator, devices)"
										  "  SELECT $1, node_id, resources, accelerator,"
										  "   CASE WHEN accelerator IS NULL THEN '{}'"
										  "    ELSE array_fill(0, ARRAY[pool_manager.quantity(resources, accelerator)::integer]) END"
										  "  FROM n, pool_manager.flavor WHERE flavor_id = $2),"
										  " h AS (INSERT INTO pool_manager.holding (tenant_id, sku_id, quantity, pool_id, node_id, since, metered_until)"
										  "  SELECT $3, sku_id, 1000, $1, node_id, $9, $9"
										  "  FROM n, pool_manager.flavor WHERE flavor_id = $2 AND $10),"
										  " e AS (INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, to_state, actor, reason)"
										  "  SELECT $3, $8, 'nodes_added', $1, 'available', $11, $4 || ' x ' || name"
										  "  FROM pool_manager.flavor WHERE flavor_id = $2)"
										  " SELECT node_id FROM n ORDER BY node_id");
	PmArgs		args = {0};
	int64	   *ids;

	join_node_group(pool, spec->flavor_id, spec->count);

	pm_arg_int64(&args, pool->pool_id);
	pm_arg_int64(&args, spec->flavor_id);
	pm_arg_int64(&args, pool->tenant_id);
	pm_arg_int32(&args, spec->count);
	pm_arg_text(&args, spec->prefix);
	pm_arg(&args, spec->labels, false);
	pm_arg(&args, spec->taints, false);
	pm_arg_time(&args, instant);
	pm_arg_time(&args, pm_second_timestamptz(pm_second(instant)));
	pm_arg_bool(&args, pool->dedicated);
	pm_arg_text(&args, call->actor_name);
	pm_run(&add, &args);
	pm_changed();

	ids = MemoryContextAlloc(call->caller, sizeof(int64) * spec->count);
	for (int i = 0; i < spec->count; i++)
		ids[i] = pm_get_int64(i, 1);
	return ids;
}
