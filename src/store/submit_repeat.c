/*-------------------------------------------------------------------------
 *
 * submit_repeat.c
 *	  A request of an earlier call, compared with the one that is made now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/statement.h"
#include "store/submit.h"

int64
pm_find_request(PmSubmission *submission, const PmJobSpec *job, const char **differs)
{
	/* a sub-pool by its name or its id, as it was given; what is detached since is not compared */
	static PmStatement find = PM_STATEMENT(
										   "int8;text;int8;text;text;int8;int4;interval;int8;resource_list;int4;int4;jsonb;jsonb;"
										   "text;int8;bool;interval;int4;jsonb;int4;text;jsonb;int4;bytea;"
										   "text;bool;text;int4;text;int4;text;timestamptz;interval;bool;text;numeric",
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
										   "  WHEN (SELECT r.name FROM pool_manager.reservation r"
										   "   WHERE r.pool_id = h.pool_id AND r.reservation_id = h.reservation_id) IS DISTINCT FROM $36 THEN 'reservation'"
										   "  WHEN j.preemptible <> $17 THEN 'preemptible' WHEN j.auto_stop IS DISTINCT FROM $18 THEN 'auto_stop'"
										   "  WHEN j.max_retries <> $19 THEN 'max_retries'"
										   "  WHEN (SELECT coalesce(jsonb_object_agg(m.path, coalesce(f.name, $20 ->> m.path)), '{}')"
										   "   FROM pool_manager.job_mount m LEFT JOIN pool_manager.file_system f USING (file_system_id)"
										   "   WHERE m.pool_id = j.pool_id AND m.job_id = j.job_id) <> $20 THEN 'mounts'"
										   "  WHEN coalesce(v.gib, 0) <> $21 THEN 'volume_gib'"
										   "  WHEN v.volume_type IS DISTINCT FROM $22 THEN 'volume_type'"
										   "  WHEN j.phase_no IS NULL AND pool_manager.dependencies_text(j.pool_id, j.job_id) IS DISTINCT FROM $32 THEN 'depends_on'"
										   "  WHEN coalesce(j.not_before, '-infinity') <> $33 THEN 'not_before'"
										   "  WHEN j.retry_backoff IS DISTINCT FROM $34 THEN 'retry_backoff' WHEN j.retry_on_failure <> $35 THEN 'retry_on_failure'"
										   "  WHEN j.max_cost IS DISTINCT FROM $37 THEN 'max_cost' WHEN j.tags <> $23 THEN 'tags' END"
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
	pm_arg(&args, pm_digest_datum(job->digest), false);
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
	pm_arg_text(&args, job->reservation);
	pm_arg(&args, NumericGetDatum(job->max_cost), job->max_cost == NULL);
	if (pm_run(&find, &args) == 0)
		return 0;
	*differs = pm_get_text(0, 2);
	return pm_get_int64(0, 1);
}
