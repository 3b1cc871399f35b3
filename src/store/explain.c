/*-------------------------------------------------------------------------
 *
 * explain.c
 *	  What explains why a job waits, beside what a pass reads: jobs that are
 *	  not queued, nodes that are not in service, what could be asked for
 *	  instead.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/explain.h"
#include "store/statement.h"

PmJobState
pm_read_job_state(const PmJobInfo *job)
{
	static PmStatement read = PM_STATEMENT("int8;int8",
										   "SELECT coalesce(j.end_state, q.state, r.state)::text,"
										   " CASE q.state WHEN 'held' THEN 'held' WHEN 'waiting' THEN"
										   "  CASE pool_manager.dependencies_hold(q.pool_id, q.job_id) WHEN false THEN 'dependency_never '"
										   "   || pool_manager.dependencies_text(q.pool_id, q.job_id, true)"
										   "   WHEN true THEN 'not_before'"
										   "   ELSE 'dependency ' || pool_manager.dependencies_text(q.pool_id, q.job_id, true) END END,"
										   " coalesce(j.ended_at, CASE WHEN q.state = 'waiting' THEN q.not_before ELSE q.changed_at END,"
										   "  CASE WHEN q.job_id IS NULL THEN coalesce(r.stopping_at, r.started_at, r.placed_at) END)"
										   " FROM pool_manager.job j LEFT JOIN pool_manager.job_queue q USING (pool_id, job_id)"
										   " LEFT JOIN pool_manager.job_run r ON r.pool_id = j.pool_id AND r.job_id = j.job_id AND r.ended_at IS NULL"
										   " WHERE j.pool_id = $1 AND j.job_id = $2");
	PmJobState	state = {0};
	PmArgs		args = {0};

	pm_arg_int64(&args, job->pool_id);
	pm_arg_int64(&args, job->job_id);
	if (pm_run(&read, &args) == 0)
		elog(ERROR, "job " INT64_FORMAT " is gone", job->job_id);
	state.state = pm_get_text(0, 1);
	state.why = pm_get_text(0, 2);
	state.at = pm_is_null(0, 3) ? 0 : pm_get_time(0, 3);
	return state;
}

int
pm_read_absent(int64 pool_id, PmAbsent **absent)
{
	/* the same conditions as of the nodes that a pass reads */
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT s.test, count(*) FROM (SELECT CASE WHEN n.state <> 'available' THEN n.state::text"
										   "  WHEN NOT n.schedulable THEN 'cordoned' WHEN n.spare THEN 'spare' ELSE 'isolated' END AS test,"
										   "  CASE WHEN n.state <> 'available' THEN 1 WHEN NOT n.schedulable THEN 2 WHEN n.spare THEN 3 ELSE 4 END AS rank"
										   " FROM pool_manager.node n WHERE n.pool_id = $1 AND n.deleted_at IS NULL"
										   "  AND NOT (n.state = 'available' AND n.schedulable AND NOT n.spare AND n.isolated_by IS NULL)) AS s"
										   " GROUP BY s.rank, s.test ORDER BY s.rank, s.test");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, pool_id);
	n = (int) pm_run(&read, &args);
	*absent = palloc(sizeof(PmAbsent) * Max(n, 1));
	for (int row = 0; row < n; row++)
	{
		(*absent)[row].test = pm_get_text(row, 1);
		(*absent)[row].nodes = pm_get_int64(row, 2);
	}
	return n;
}

char *
pm_sub_pool_name(int64 pool_id, int64 sub_pool_id)
{
	static PmStatement read = PM_STATEMENT("int8;int8",
										   "SELECT name FROM pool_manager.sub_pool WHERE pool_id = $1 AND sub_pool_id = $2");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, sub_pool_id);
	return pm_run(&read, &args) == 0 ? NULL : pm_get_text(0, 1);
}

int64 *
pm_job_tenants(int64 pool_id, const int64 *jobs, int n)
{
	static PmStatement read = PM_STATEMENT("int8;int8[]",
										   "SELECT u.n, j.tenant_id FROM unnest($2) WITH ORDINALITY AS u(job_id, n)"
										   " JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = u.job_id");
	int64	   *tenants = palloc0(sizeof(int64) * Max(n, 1));
	PmArgs		args = {0};
	uint64		rows;

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, jobs, n);
	rows = pm_run(&read, &args);
	for (uint64 row = 0; row < rows; row++)
		tenants[pm_get_int64(row, 1) - 1] = pm_get_int64(row, 2);
	return tenants;
}

int
pm_read_smaller_flavors(const PmJobInfo *job, PmSmallerFlavor **flavors)
{
	static PmStatement read = PM_STATEMENT("int8;int8;bool",
										   "SELECT f.name, f.resources FROM pool_manager.job j"
										   " JOIN pool_manager.task_group g USING (pool_id, shape_id)"
										   " JOIN pool_manager.node_group n USING (pool_id)"
										   " JOIN pool_manager.flavor f ON f.flavor_id = n.flavor_id"
										   " WHERE j.pool_id = $1 AND j.job_id = $2 AND g.flavor_id IS NOT NULL AND f.flavor_id <> g.flavor_id"
										   " AND NOT EXISTS (SELECT FROM pool_manager.task_group o"
										   "  WHERE o.pool_id = g.pool_id AND o.shape_id = g.shape_id AND o.group_no <> g.group_no)"
										   " AND f.resources <@ g.request AND f.resources <> g.request AND ($3 OR g.replicas <= coalesce(f.max_replicas, g.replicas))"
										   " ORDER BY pool_manager.dominant_share(f.resources, g.request) DESC, f.flavor_id");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, job->pool_id);
	pm_arg_int64(&args, job->job_id);
	pm_arg_bool(&args, job->dedicated);
	n = (int) pm_run(&read, &args);
	*flavors = palloc(sizeof(PmSmallerFlavor) * Max(n, 1));
	for (int row = 0; row < n; row++)
	{
		bool		isnull;

		(*flavors)[row].name = pm_get_text(row, 1);
		(*flavors)[row].resources = (PmResourceList *) PG_DETOAST_DATUM_COPY(pm_get(row, 2, &isnull));
	}
	return n;
}

int
pm_read_other_pools(const PmJobInfo *job, bool public_too, PmOtherPool **pools)
{
	/*
	 * A sub-pool is kept where the pool has one of that name.  Not offered:
	 * pools in which it would have to name something else as well, another
	 * sub-pool, levels of a topology, file systems; any, if other jobs wait for
	 * it; and public ones, to what only dedicated pools have.
	 */
	static PmStatement read = PM_STATEMENT("int8;int8;bool",
										   "SELECT p.pool_id, o.name IS NOT NULL AND d.name IS NULL FROM pool_manager.job j"
										   " JOIN pool_manager.job_shape s USING (pool_id, shape_id)"
										   " JOIN pool_manager.sub_pool o ON o.pool_id = j.pool_id AND o.sub_pool_id = j.sub_pool_id"
										   " JOIN pool_manager.pool p ON p.pool_id <> j.pool_id"
										   " JOIN pool_manager.pool_job_type t ON t.pool_id = p.pool_id AND t.kind = j.kind AND t.state = 'enabled'"
										   " LEFT JOIN pool_manager.sub_pool d ON d.pool_id = p.pool_id AND d.name = o.name AND d.deleted_at IS NULL"
										   "  AND pool_manager.sub_pool_takes(d.guaranteed, d.upper, j.kind, d.borrow_limit)"
										   "  AND NOT EXISTS (SELECT FROM pool_manager.sub_pool c WHERE c.pool_id = p.pool_id AND c.parent_id = d.sub_pool_id AND c.deleted_at IS NULL)"
										   " WHERE j.pool_id = $1 AND j.job_id = $2 AND p.deleted_at IS NULL"
										   " AND p.state IN ('running', 'scaling_failed') AND NOT p.restrictions && '{service,frozen}'"
										   " AND (p.kind = 'public' AND $3 AND j.priority = 1 AND NOT j.preemptible OR p.kind = 'dedicated' AND p.tenant_id = j.tenant_id)"
										   " AND j.workflow_id IS NULL AND s.affinity_level IS NULL"
										   " AND NOT EXISTS (SELECT FROM pool_manager.task_group g LEFT JOIN pool_manager.flavor f USING (flavor_id)"
										   "  WHERE g.pool_id = j.pool_id AND g.shape_id = j.shape_id AND (g.group_level IS NOT NULL OR g.spread_level IS NOT NULL"
										   "   OR p.kind = 'public' AND g.replicas > f.max_replicas))"
										   " AND (d.name IS NOT NULL OR NOT EXISTS (SELECT FROM pool_manager.sub_pool n WHERE n.pool_id = p.pool_id AND n.name IS NOT NULL AND n.deleted_at IS NULL))"
										   " AND NOT EXISTS (SELECT FROM pool_manager.job_mount m WHERE m.pool_id = j.pool_id AND m.job_id = j.job_id)"
										   " AND NOT EXISTS (SELECT FROM pool_manager.volume v WHERE v.pool_id = j.pool_id AND v.job_id = j.job_id)"
										   " AND NOT EXISTS (SELECT FROM pool_manager.job_dependency d WHERE d.pool_id = j.pool_id AND d.depends_on = j.job_id)"
										   " ORDER BY p.pool_id");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, job->pool_id);
	pm_arg_int64(&args, job->job_id);
	pm_arg_bool(&args, public_too);
	n = (int) pm_run(&read, &args);
	*pools = palloc(sizeof(PmOtherPool) * Max(n, 1));
	for (int row = 0; row < n; row++)
	{
		(*pools)[row].pool_id = pm_get_int64(row, 1);
		(*pools)[row].loses_sub_pool = pm_get_bool(row, 2);
	}
	return n;
}
