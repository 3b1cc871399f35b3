/*-------------------------------------------------------------------------
 *
 * phase.c
 *	  Phases of workflows: reading what is asked for, letting those go whose
 *	  time has come.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/timestamp.h"

#include "store/phase.h"
#include "store/run.h"
#include "store/statement.h"

/* A pointer to a copy of the value; NULL: none */
static void *
copy_pointer(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pm_get(row, column, &isnull);
	Interval   *interval;

	if (isnull)
		return NULL;
	if (SPI_gettypeid(SPI_tuptable->tupdesc, column) != INTERVALOID)
		return PG_DETOAST_DATUM_COPY(value);
	interval = palloc(sizeof(Interval));
	*interval = *DatumGetIntervalP(value);
	return interval;
}

int
pm_read_phases(Jsonb *phases, PmJobSpec **jobs)
{
	static PmStatement read = PM_STATEMENT("jsonb",
										   "SELECT v ->> 'name', v ->> 'flavor',"
										   " CASE jsonb_typeof(v -> 'request') WHEN 'object' THEN (v -> 'request')::pool_manager.resource_list"
										   "  ELSE (v ->> 'request')::pool_manager.resource_list END,"
										   " coalesce((v ->> 'replicas')::integer, 1),"
										   " coalesce((v ->> 'min_replicas')::integer, (v ->> 'replicas')::integer, 1),"
										   " coalesce((v ->> 'priority')::integer, 1), (v ->> 'time_limit')::interval,"
										   " coalesce(nullif(v -> 'node_selector', 'null'), '{}'), coalesce(nullif(v -> 'tolerations', 'null'), '[]'),"
										   " v ->> 'sub_pool', coalesce((v ->> 'preemptible')::boolean, false),"
										   " coalesce((v ->> 'max_retries')::integer, 0),"
										   " coalesce(nullif(v -> 'mounts', 'null'), '{}'), coalesce(nullif(v -> 'tags', 'null'), '{}'),"
										   " nullif(v -> 'task_groups', 'null'),"
										   " v ->> 'affinity_level', coalesce((v ->> 'affinity_required')::boolean, true),"
										   " v ->> 'group_level', (v ->> 'group_size')::integer, v ->> 'spread_level', (v ->> 'max_per_domain')::integer"
										   " FROM jsonb_array_elements($1) WITH ORDINALITY AS e(v, n) ORDER BY n");
	PmArgs		args = {0};
	int			n;

	pm_arg(&args, JsonbPGetDatum(phases), false);
	n = (int) pm_run(&read, &args);
	*jobs = palloc0(sizeof(PmJobSpec) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		PmJobSpec  *job = &(*jobs)[i];

		job->name = pm_get_text(i, 1);
		job->flavor = pm_get_text(i, 2);
		job->request = copy_pointer(i, 3);
		job->replicas = pm_get_int32(i, 4);
		job->min_replicas = pm_get_int32(i, 5);
		job->priority = pm_get_int32(i, 6);
		job->time_limit = copy_pointer(i, 7);
		job->node_selector = copy_pointer(i, 8);
		job->tolerations = copy_pointer(i, 9);
		job->sub_pool = pm_get_text(i, 10);
		job->preemptible = pm_get_bool(i, 11);
		job->max_retries = pm_get_int32(i, 12);
		job->mounts = copy_pointer(i, 13);
		job->tags = copy_pointer(i, 14);
		job->task_groups = copy_pointer(i, 15);
		job->affinity_level = pm_get_text(i, 16);
		job->affinity_required = pm_get_bool(i, 17);
		job->group_level = pm_get_text(i, 18);
		job->group_size = pm_get_int32(i, 19);
		job->spread_level = pm_get_text(i, 20);
		job->max_per_domain = pm_get_int32(i, 21);
		job->phase_no = i + 1;
	}
	return n;
}

/*
 * A phase goes when the one before it has completed, and is cancelled when one
 * before it ended otherwise.  What another session is changing is left to the
 * next that calls.
 */
void
pm_release_phases(PmCall *call, int64 pool_id, TimestampTz instant)
{
	static PmStatement release = PM_STATEMENT("int8;timestamptz;text",
											  "WITH due AS MATERIALIZED (SELECT q.job_id, q.tenant_id, greatest($2, q.changed_at) AS at,"
											  "   EXISTS (SELECT FROM pool_manager.job p WHERE p.workflow_id = j.workflow_id"
											  "    AND p.phase_no < j.phase_no AND p.end_state <> 'completed') AS never"
											  "  FROM pool_manager.job_queue q JOIN pool_manager.job j USING (pool_id, job_id)"
											  "  WHERE q.pool_id = $1 AND q.state = 'waiting' AND EXISTS (SELECT FROM pool_manager.job p"
											  "   WHERE p.workflow_id = j.workflow_id AND ((p.phase_no = j.phase_no - 1 AND p.end_state = 'completed')"
											  "    OR (p.phase_no < j.phase_no AND p.end_state <> 'completed')))"
											  "  ORDER BY q.job_id FOR UPDATE OF q SKIP LOCKED),"
											  " queued AS (UPDATE pool_manager.job_queue q SET state = 'queued', changed_at = d.at"
											  "  FROM due d WHERE q.pool_id = $1 AND q.job_id = d.job_id AND NOT d.never),"
											  " gone AS (DELETE FROM pool_manager.job_queue q USING due d"
											  "  WHERE q.pool_id = $1 AND q.job_id = d.job_id AND d.never),"
											  " ended AS (UPDATE pool_manager.job j SET end_state = 'cancelled', ended_at = d.at"
											  "  FROM due d WHERE j.pool_id = $1 AND j.job_id = d.job_id AND d.never)"
											  " INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, from_state, to_state, actor, reason)"
											  " SELECT d.tenant_id, d.at, 'job_state', $1, d.job_id, 'waiting',"
											  "  CASE WHEN d.never THEN 'cancelled' ELSE 'queued' END, $3,"
											  "  CASE WHEN d.never THEN 'a phase before it did not complete' ELSE 'the phase before it has completed' END"
											  " FROM due d ORDER BY d.job_id");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	if (pm_run(&release, &args) > 0)
		pm_changed();
}
