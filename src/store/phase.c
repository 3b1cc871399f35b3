/*-------------------------------------------------------------------------
 *
 * phase.c
 *	  Phases of workflows: reading what is asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/timestamp.h"

#include "store/phase.h"
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
										   " v ->> 'group_level', (v ->> 'group_size')::integer, v ->> 'spread_level', (v ->> 'max_per_domain')::integer,"
										   " v ->> 'depends_on', coalesce((v ->> 'not_before')::timestamptz, '-infinity'),"
										   " (v ->> 'retry_backoff')::interval, coalesce((v ->> 'retry_on_failure')::boolean, false)"
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
		job->depends_on = pm_get_text(i, 22);
		job->not_before = pm_get_time(i, 23);
		job->retry_backoff = copy_pointer(i, 24);
		job->retry_on_failure = pm_get_bool(i, 25);
		job->phase_no = i + 1;
	}
	return n;
}
