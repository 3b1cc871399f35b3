/*-------------------------------------------------------------------------
 *
 * pass_write.c
 *	  What a scheduling pass writes: runs, allocations, loads, reasons.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/pass.h"
#include "store/statement.h"
#include "store/topology.h"

/*
 * Locks the chosen jobs that are still queued and not being changed by
 * another session; moves their starts to the front, in order.  None starts
 * before its last change.  If one is lost that others were to give way to, so
 * are those behind it, which may count on what these hold.
 */
static int
lock_starts(PmPassData *data, PmDecision *decision, TimestampTz *instant)
{
	bool	   *locked = palloc0(sizeof(bool) * decision->nstarts);
	int			cut;
	int			kept = 0;

	static PmStatement lock = PM_STATEMENT("int8;int8[]",
										   "WITH locked AS MATERIALIZED (SELECT q.job_id, q.changed_at FROM pool_manager.job_queue q"
										   "  WHERE q.pool_id = $1 AND q.job_id = ANY ($2) AND q.state = 'queued'"
										   "  FOR NO KEY UPDATE SKIP LOCKED)"
										   " SELECT c.n, max(changed_at) OVER () FROM unnest($2) WITH ORDINALITY AS c(job_id, n) JOIN locked USING (job_id) ORDER BY n");
	int64	   *ids = palloc(sizeof(int64) * decision->nstarts);
	PmArgs		args = {0};
	uint64		n;

	for (int i = 0; i < decision->nstarts; i++)
		ids[i] = data->queue.jobs[decision->starts[i].job].job_id;
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, ids, decision->nstarts);
	n = pm_run(&lock, &args);
	if (n > 0)
		*instant = Max(*instant, pm_get_time(0, 2));
	for (uint64 row = 0; row < n; row++)
		locked[pm_get_int64(row, 1) - 1] = true;
	cut = pm_cut_starts(decision, locked);
	for (int i = 0; i < cut; i++)
		if (locked[i])
			decision->starts[kept++] = decision->starts[i];
	return kept;
}

/* Replicas held by task group */
static Datum
replica_counts(const PmStart *start, const PmDecision *decision, int ngroups)
{
	Datum	   *counts = palloc0(sizeof(Datum) * ngroups);

	for (int i = 0; i < start->nplacements; i++)
	{
		const PmPlacement *placement = &decision->placements[start->first_placement + i];

		counts[placement->group] = Int32GetDatum(DatumGetInt32(counts[placement->group]) + placement->replicas);
	}
	return PointerGetDatum(construct_array(counts, ngroups, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* All replicas of the task groups; NULL if it holds them, or cannot grow to them */
static Datum
wanted_counts(const PmShape *shape, Datum held, bool *isnull)
{
	const int32 *has = (int32 *) ARR_DATA_PTR(DatumGetArrayTypeP(held));
	Datum	   *counts;

	*isnull = true;
	for (int g = 0; g < shape->ngroups; g++)
		*isnull &= has[g] == shape->groups[g].replicas;
	for (int g = 0; g < shape->ngroups && !*isnull; g++)
		*isnull = shape->groups[g].group_level != 0 || shape->groups[g].spread_level != 0;
	*isnull |= shape->affinity_level != 0;
	if (*isnull)
		return (Datum) 0;
	counts = palloc(sizeof(Datum) * shape->ngroups);
	for (int g = 0; g < shape->ngroups; g++)
		counts[g] = Int32GetDatum(shape->groups[g].replicas);
	return PointerGetDatum(construct_array(counts, shape->ngroups, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

void
pm_add_allocation(PmRows *rows, const PmPassData *data, const PmDecision *decision,
				  const PmPlacement *placement, int shape, int lane, int64 run_id, TimestampTz instant)
{
	PmResourceList *request = data->shapes[shape].groups[placement->group].request;
	Datum	   *devices = palloc(sizeof(Datum) * Max(placement->ndevices, 1));
	Datum		values[12];
	bool		nulls[12] = {0};

	for (int i = 0; i < placement->ndevices; i++)
		devices[i] = Int32GetDatum(decision->devices[placement->first_device + i]);
	values[0] = Int64GetDatum(data->pool->pool_id);
	values[1] = Int64GetDatum(run_id);
	values[2] = Int16GetDatum(placement->group + 1);
	values[3] = Int64GetDatum(data->cluster.nodes[placement->node].node_id);
	values[4] = Int64GetDatum(data->lane_tenants[lane]);
	values[5] = Int32GetDatum(placement->replicas);
	values[6] = ResourceListPGetDatum(placement->replicas == 1 ? request :
									  pm_resource_list_scale(request, placement->replicas));
	values[7] = PointerGetDatum(construct_array(devices, placement->ndevices, INT4OID,
												sizeof(int32), true, TYPALIGN_INT));
	values[8] = Int32GetDatum(placement->ndevices > 0 ? placement->device_share : 0);
	nulls[9] = true;
	values[10] = Int16GetDatum(0);
	values[11] = TimestampTzGetDatum(instant);
	pm_rows_add(rows, values, nulls);
}

/* Runs, allocations, loads and events of all starts, in one statement */
static void
insert_starts(PmCall *call, PmPassData *data, PmDecision *decision, int nstarts,
			  int64 *run_ids, TimestampTz instant)
{
	static PmStatement insert = PM_STATEMENT(
											 "int8;timestamptz;text;pool_manager.job_run[];pool_manager.allocation[];text",
											 "WITH new_run AS (INSERT INTO pool_manager.job_run (pool_id, run_id, job_id, tenant_id, state, replicas,"
											 "   placed_at, started_at, planned_end, deadline, start_type, preemptible, wanted)"
											 "  SELECT $1, r.run_id, r.job_id, r.tenant_id, $3::pool_manager.job_state, r.replicas,"
											 "   $2, CASE WHEN $3 = 'running' THEN $2 END, e.planned_end, e.planned_end, q.start_type, j.preemptible, r.wanted"
											 "  FROM unnest($4) AS r JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = r.job_id"
											 "   JOIN pool_manager.job_queue q ON q.pool_id = $1 AND q.job_id = r.job_id"
											 "   JOIN pool_manager.pool p ON p.pool_id = $1,"
											 "   LATERAL (SELECT $2 + least(coalesce(j.time_limit, p.default_time_limit), j.auto_stop) AS planned_end) AS e),"
											 " no_longer_queued AS (DELETE FROM pool_manager.job_queue q USING unnest($4) AS r"
											 "  WHERE q.pool_id = $1 AND q.job_id = r.job_id),"
											 " placed AS (INSERT INTO pool_manager.allocation SELECT * FROM unnest($5)),"
											 " loaded AS (UPDATE pool_manager.node_load l"
											 "  SET allocated = l.allocated + n.allocated, devices = pool_manager.device_add(l.devices, n.devices)"
											 "  FROM (SELECT a.node_id, pool_manager.sum(a.allocated) AS allocated,"
											 "    pool_manager.device_sum(a.devices, a.device_share) AS devices"
											 "   FROM unnest($5) AS a GROUP BY a.node_id) AS n"
											 "  WHERE l.pool_id = $1 AND l.node_id = n.node_id)"
											 " INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, run_id, from_state, to_state, actor)"
											 " SELECT r.tenant_id, $2, 'job_state', $1, r.job_id, r.run_id, 'queued', $3, $6 FROM unnest($4) AS r");
	PmRows		runs;
	PmRows		allocations;
	PmArgs		args = {0};

	pm_rows_begin(&runs, "job_run");
	pm_rows_begin(&allocations, "allocation");
	for (int i = 0; i < nstarts; i++)
	{
		const PmStart *start = &decision->starts[i];
		const PmJob *job = &data->queue.jobs[start->job];
		Datum		values[19] = {0};
		bool		nulls[19];

		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		run_ids[i] = pm_next_id("run_id_seq");
		memset(nulls, true, sizeof(nulls));
		nulls[1] = nulls[2] = nulls[3] = nulls[5] = false;
		values[1] = Int64GetDatum(run_ids[i]);
		values[2] = Int64GetDatum(job->job_id);
		values[3] = Int64GetDatum(data->lane_tenants[job->lane]);
		values[5] = replica_counts(start, decision, data->queue.shapes[job->shape].ngroups);
		values[18] = wanted_counts(&data->queue.shapes[job->shape], values[5], &nulls[18]);
		pm_rows_add(&runs, values, nulls);
		for (int k = 0; k < start->nplacements; k++)
			pm_add_allocation(&allocations, data, decision,
							  &decision->placements[start->first_placement + k],
							  job->asked, job->lane, run_ids[i], instant);
	}
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, data->pool->agent ? "starting" : "running");
	pm_arg_rows(&args, &runs);
	pm_arg_rows(&args, &allocations);
	pm_arg_text(&args, call->actor_name);
	pm_run(&insert, &args);
	pm_rows_end(&runs);
	pm_rows_end(&allocations);
}

/* What the starts hold, for metering */
static PmHeld *
held_by_starts(PmPassData *data, PmDecision *decision, int nstarts,
			   const int64 *run_ids, int *nheld)
{
	PmHeld	   *held = palloc(sizeof(PmHeld) * Max(decision->nplacements, 1));
	int			n = 0;

	for (int i = 0; i < nstarts; i++)
	{
		const PmStart *start = &decision->starts[i];
		const PmJob *job = &data->queue.jobs[start->job];

		for (int k = 0; k < start->nplacements; k++)
		{
			const PmPlacement *placement = &decision->placements[start->first_placement + k];
			const PmStoredGroup *group = &data->shapes[job->asked].groups[placement->group];

			held[n].run_id = run_ids[i];
			held[n].job_id = job->job_id;
			held[n].tenant_id = data->lane_tenants[job->lane];
			held[n].sku_id = group->sku_id;
			held[n].request = group->request;
			held[n].node_flavor_id = data->node_flavors[placement->node];
			held[n].replicas = placement->replicas;
			n++;
		}
	}
	*nheld = n;
	return held;
}

/* ---- reasons ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static char *
block_number(const PmPassData *data, int dimension, int64 value)
{
	const char *name;

	if (dimension == PM_DIM_REPLICAS)
		return psprintf(INT64_FORMAT, value);
	name = data->terms->dimensions[dimension];
	return DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(pm_resource_quantity_numeric(name, strlen(name), value))));
}

/* Of which shapes jobs still wait */
static bool *
waiting_shapes(const PmPassData *data, const PmDecision *decision)
{
	int		   *jobs = palloc0(sizeof(int) * Max(data->queue.nshapes, 1));
	bool	   *waiting = palloc(sizeof(bool) * Max(data->queue.nshapes, 1));

	for (int i = 0; i < data->queue.njobs; i++)
		jobs[data->queue.jobs[i].asked]++;
	for (int i = 0; i < decision->nstarts; i++)
		jobs[data->queue.jobs[decision->starts[i].job].asked]--;
	for (int s = 0; s < data->queue.nshapes; s++)
		waiting[s] = jobs[s] > 0;
	return waiting;
}

/* Only what differs from what is stored is written */
static void
write_reasons(PmPassData *data, const PmDecision *decision)
{
	static PmStatement update = PM_STATEMENT("int8;int8[];text[];text[];text[];text[];text[]",
											 "UPDATE pool_manager.job_shape s SET reason = r.reason, level = r.level, resource = r.resource,"
											 " needed = r.needed::numeric, available = r.available::numeric"
											 " FROM unnest($2, $3, $4, $5, $6, $7) AS r(shape_id, reason, level, resource, needed, available)"
											 " WHERE s.pool_id = $1 AND s.shape_id = r.shape_id");
	int			nshapes = data->nqueued_shapes;
	int64	   *ids = palloc(sizeof(int64) * Max(nshapes, 1));
	Datum	   *values[5];
	bool	   *nulls[5];
	bool	   *waiting = waiting_shapes(data, decision);
	const PmBlock none = {0};
	int			n = 0;
	PmArgs		args = {0};

	for (int c = 0; c < 5; c++)
	{
		values[c] = palloc0(sizeof(Datum) * Max(nshapes, 1));
		nulls[c] = palloc0(sizeof(bool) * Max(nshapes, 1));
	}
	for (int i = 0; i < nshapes; i++)
	{
		const PmBlock *block = waiting[i] ? &decision->blocks[data->alike[i]] : &none;
		const PmStoredShape *stored = &data->shapes[i];
		bool		numbers = block->dimension != PM_DIM_NONE && block->reason != PM_REASON_NONE;
		const char *texts[5] = {0};

		texts[0] = block->reason == PM_REASON_NONE ? "not_considered" : pm_reason_name(block->reason);
		if (block->reason != PM_REASON_NONE && block->level != PM_LEVEL_NONE)
			texts[1] = block->level == PM_LEVEL_DOMAIN ?
				pm_level_of_number(data->pool, block->topology_level) : pm_level_name(block->level);
		if (numbers)
		{
			texts[2] = block->dimension == PM_DIM_REPLICAS ? "replicas" : data->terms->dimensions[block->dimension];
			texts[3] = block_number(data, block->dimension, block->needed);
			texts[4] = block_number(data, block->dimension, block->available);
		}
		if (same_text(texts[0], stored->reason) && same_text(texts[1], stored->level) &&
			same_text(texts[2], stored->resource) && same_text(texts[3], stored->needed) &&
			same_text(texts[4], stored->available))
			continue;
		ids[n] = stored->shape_id;
		for (int c = 0; c < 5; c++)
		{
			nulls[c][n] = texts[c] == NULL;
			values[c][n] = texts[c] ? CStringGetTextDatum(texts[c]) : (Datum) 0;
		}
		n++;
	}
	if (n == 0)
		return;
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, ids, n);
	for (int c = 0; c < 5; c++)
		pm_arg_array(&args, values[c], nulls[c], n, TEXTOID, -1, false, TYPALIGN_INT);
	pm_run(&update, &args);
}

static void
write_blocked(PmPassData *data, const PmDecision *decision)
{
	static PmStatement update = PM_STATEMENT("int8;int8[];int8[]",
											 "UPDATE pool_manager.sub_pool s SET blocked_by = nullif(r.blocked_by, 0)"
											 " FROM unnest($2, $3) AS r(sub_pool_id, blocked_by)"
											 " WHERE s.pool_id = $1 AND s.sub_pool_id = r.sub_pool_id");
	int			nlanes = data->queue.nlanes;
	int64	   *ids = palloc(sizeof(int64) * Max(nlanes, 1));
	int64	   *blocked = palloc(sizeof(int64) * Max(nlanes, 1));
	int			n = 0;
	PmArgs		args = {0};

	for (int i = 0; i < nlanes; i++)
	{
		int			job = decision ? decision->blocked_by[i] : -1;
		int64		job_id = job < 0 ? 0 : data->queue.jobs[job].job_id;

		if (job_id == data->lane_blocked[i])
			continue;
		ids[n] = data->lanes[i];
		blocked[n++] = job_id;
	}
	if (n == 0)
		return;
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, ids, n);
	pm_arg_int64_array(&args, blocked, n);
	pm_run(&update, &args);
}

/* For whom something is withheld from now on */
static void
write_locks(PmPassData *data, const PmDecision *decision, TimestampTz instant)
{
	static PmStatement update = PM_STATEMENT("int8;int8[];timestamptz",
											 "UPDATE pool_manager.job_queue q SET locked_since = $3"
											 " FROM unnest($2) AS l(job_id)"
											 " WHERE q.pool_id = $1 AND q.job_id = l.job_id AND q.locked_since IS NULL");
	int64	   *ids = palloc(sizeof(int64) * Max(decision->nlocks, 1));
	int			n = 0;
	PmArgs		args = {0};

	for (int i = 0; i < decision->nlocks; i++)
	{
		const PmJob *job = &data->queue.jobs[decision->locks[i]];

		if (job->locked_since == 0)
			ids[n++] = job->job_id;
	}
	if (n == 0)
		return;
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, ids, n);
	pm_arg_time(&args, instant);
	pm_run(&update, &args);
}

PmWritten
pm_write_pass(PmCall *call, PmPassData *data, PmDecision *decision, TimestampTz instant)
{
	PmWritten	written = {.instant = instant};
	int64	   *run_ids;

	if (decision && decision->ngrowths > 0)
		written.instant = Max(instant, pm_growing_metered_until(data, decision));
	if (decision && decision->nstarts > 0)
	{
		written.nstarted = lock_starts(data, decision, &written.instant);
		if (decision->nvictims > 0 && !data->pool->agent)
			written.instant = pm_write_victims(call, data, decision, written.nstarted,
											   written.instant, &written);
	}
	if (written.nstarted > 0)
	{
		run_ids = palloc(sizeof(int64) * written.nstarted);
		insert_starts(call, data, decision, written.nstarted, run_ids, written.instant);
		pm_take_of_network(data, decision, written.nstarted, run_ids, written.instant);
		written.held = held_by_starts(data, decision, written.nstarted, run_ids, &written.nheld);
		written.started = palloc(sizeof(PmChange) * written.nstarted);
		for (int i = 0; i < written.nstarted; i++)
		{
			written.started[i].job_id = data->queue.jobs[decision->starts[i].job].job_id;
			written.started[i].state = data->pool->agent ? "starting" : "running";
		}
	}
	if (decision && data->pool->agent)
		written.instant = pm_write_claims(call, data, decision, written.instant, &written);
	/* a job that lost its start may be queued again */
	if (decision && decision->ngrowths > 0 && written.nstarted == decision->nstarts)
		pm_write_growths(call, data, decision, written.instant, &written);
	if (decision)
	{
		write_reasons(data, decision);
		write_locks(data, decision, written.instant);
	}
	write_blocked(data, decision);
	return written;
}
