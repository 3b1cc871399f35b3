/*-------------------------------------------------------------------------
 *
 * grow.c
 *	  Runs that are to grow in a pass: reading them, and writing what they
 *	  grew by.  Not into what (engine/grow.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/numbers.h"
#include "store/pass.h"
#include "store/run.h"
#include "store/statement.h"

/* ---- reading ---- */

/* What is wanted and not held, by task group */
static int32 *
lacking(uint64 row, int held, int wanted)
{
	bool		isnull;
	ArrayType  *has = DatumGetArrayTypeP(pm_get(row, held, &isnull));
	ArrayType  *wants = DatumGetArrayTypeP(pm_get(row, wanted, &isnull));
	int			ngroups = ArrayGetNItems(ARR_NDIM(has), ARR_DIMS(has));
	int32	   *counts = palloc(sizeof(int32) * ngroups);

	for (int g = 0; g < ngroups; g++)
		counts[g] = Max(((int32 *) ARR_DATA_PTR(wants))[g] - ((int32 *) ARR_DATA_PTR(has))[g], 0);
	return counts;
}

/*
 * Runs with rules of topology stay as they are, and so do those whose parts on
 * some node have no more numbers: nothing would ever be written of them.
 */
void
pm_read_growing(PmPassData *data, HTAB *shapes, HTAB *lanes)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT r.run_id, r.started_at, j.shape_id, j.sub_pool_id, j.priority::int4, r.replicas, r.wanted, r.job_id"
										   " FROM pool_manager.job_run r JOIN pool_manager.job j USING (pool_id, job_id)"
										   " JOIN pool_manager.job_shape s USING (pool_id, shape_id)"
										   " WHERE r.pool_id = $1 AND r.wanted IS NOT NULL AND r.ended_at IS NULL AND r.state = 'running'"
										   " AND s.affinity_level IS NULL"
										   " AND NOT EXISTS (SELECT FROM pool_manager.task_group g WHERE g.pool_id = $1 AND g.shape_id = j.shape_id"
										   "  AND (g.group_level IS NOT NULL OR g.spread_level IS NOT NULL))"
										   " AND NOT EXISTS (SELECT FROM pool_manager.allocation a WHERE a.pool_id = $1 AND a.run_id = r.run_id AND a.part_no = 32767)"
										   " ORDER BY r.run_id");
	PmQueue    *queue = &data->queue;
	PmArgs		args = {0};
	bool		is_new;

	pm_arg_int64(&args, data->pool->pool_id);
	queue->ngrowing = (int) pm_run(&read, &args);
	if (queue->ngrowing == 0)
		return;
	queue->growing = palloc0(sizeof(PmGrowing) * queue->ngrowing);
	for (int row = 0; row < queue->ngrowing; row++)
	{
		PmGrowing  *growing = &queue->growing[row];

		growing->run_id = pm_get_int64(row, 1);
		growing->started_at = pm_get_time(row, 2);
		growing->shape = pm_number_id(shapes, pm_get_int64(row, 3), &is_new);
		growing->lane = pm_number_id(lanes, pm_get_int64(row, 4), &is_new);
		growing->priority = (int16) pm_get_int32(row, 5);
		growing->lacking = lacking(row, 6, 7);
		growing->job_id = pm_get_int64(row, 8);
	}
}

/* ---- writing ---- */

static const PmGrowing *
growing_of(const PmPassData *data, const PmGrowth *growth)
{
	return &data->queue.growing[growth->growing];
}

TimestampTz
pm_growing_metered_until(const PmPassData *data, const PmDecision *decision)
{
	int64	   *runs = palloc(sizeof(int64) * decision->ngrowths);

	for (int i = 0; i < decision->ngrowths; i++)
		runs[i] = growing_of(data, &decision->growths[i])->run_id;
	return pm_metered_until(PM_HOLDER_RUN, data->pool->pool_id, runs, decision->ngrowths);
}

/* An address for each replica */
static void
take_addresses(const PmPassData *data, const int64 *runs, const int64 *counts, int n, TimestampTz instant)
{
	static PmStatement take = PM_STATEMENT("int8;int8;int8[];int8[];timestamptz",
										   "SELECT pool_manager.take_run_addresses($1, $2, $3, $4::integer[], $5)");
	PmArgs		args = {0};

	pm_arg_int64(&args, data->pool->network_id);
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, runs, n);
	pm_arg_int64_array(&args, counts, n);
	pm_arg_time(&args, instant);
	pm_run(&take, &args);
}

/*
 * Allocations, loads, the network's bandwidth, runs and events, in one
 * statement, so that the books are compared when all of it is written.
 */
static void
write_growths(PmCall *call, const PmPassData *data, PmRows *allocations, TimestampTz instant)
{
	static PmStatement write = PM_STATEMENT("int8;timestamptz;pool_manager.allocation[];text",
											"WITH placed AS (INSERT INTO pool_manager.allocation"
											"   (pool_id, run_id, group_no, node_id, tenant_id, replicas, allocated, devices, device_share, part_no, since)"
											"  SELECT a.pool_id, a.run_id, a.group_no, a.node_id, a.tenant_id, a.replicas, a.allocated, a.devices, a.device_share,"
											"   coalesce((SELECT max(o.part_no) + 1 FROM pool_manager.allocation o WHERE o.pool_id = $1 AND o.run_id = a.run_id"
											"    AND o.group_no = a.group_no AND o.node_id = a.node_id), 0)::smallint, a.since"
											"  FROM unnest($3) AS a),"
											" more AS MATERIALIZED (SELECT a.node_id, pool_manager.sum(a.allocated) AS allocated,"
											"   pool_manager.device_sum(a.devices, a.device_share) AS devices FROM unnest($3) AS a GROUP BY a.node_id),"
											" loaded AS (UPDATE pool_manager.node_load l"
											"  SET allocated = l.allocated + n.allocated, devices = pool_manager.device_add(l.devices, n.devices)"
											"  FROM more AS n WHERE l.pool_id = $1 AND l.node_id = n.node_id),"
											" network AS (UPDATE pool_manager.network_load l SET bandwidth = l.bandwidth + n.bandwidth"
											"  FROM (SELECT p.network_id, 1000 * (SELECT coalesce(sum(pool_manager.quantity(allocated, 'bandwidth')), 0) FROM more)::bigint AS bandwidth"
											"   FROM pool_manager.pool p WHERE p.pool_id = $1) AS n"
											"  WHERE l.network_id = n.network_id AND n.bandwidth <> 0),"
											" plus AS MATERIALIZED (SELECT a.run_id, a.group_no, sum(a.replicas)::integer AS count"
											"  FROM unnest($3) AS a GROUP BY a.run_id, a.group_no),"
											" changed AS MATERIALIZED (SELECT r.run_id, r.job_id, r.tenant_id, c.had, c.has, c.replicas"
											"  FROM (SELECT DISTINCT run_id FROM plus) AS p JOIN pool_manager.job_run r ON r.pool_id = $1 AND r.run_id = p.run_id,"
											"  LATERAL (SELECT sum(x.n) AS had, sum(x.n + coalesce(g.count, 0)) AS has,"
											"    array_agg(x.n + coalesce(g.count, 0) ORDER BY x.g) AS replicas"
											"   FROM unnest(r.replicas) WITH ORDINALITY AS x(n, g) LEFT JOIN plus g ON g.run_id = r.run_id AND g.group_no = x.g) AS c),"
											" grown AS (UPDATE pool_manager.job_run r SET replicas = c.replicas, wanted = nullif(r.wanted, c.replicas)"
											"  FROM changed c WHERE r.pool_id = $1 AND r.run_id = c.run_id)"
											" INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, run_id, actor, reason)"
											" SELECT tenant_id, $2, 'job_changed', $1, job_id, run_id, $4, 'replicas ' || had || ' -> ' || has FROM changed ORDER BY run_id");
	PmArgs		args = {0};

	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_time(&args, instant);
	pm_arg_rows(&args, allocations);
	pm_arg_text(&args, call->actor_name);
	pm_run(&write, &args);
}

/* What is billed in public pools */
static PmHeld
held_by(const PmPassData *data, const PmGrowing *growing, const PmPlacement *placement)
{
	const PmStoredGroup *group = &data->shapes[growing->shape].groups[placement->group];
	PmHeld		held = {0};

	held.run_id = growing->run_id;
	held.job_id = growing->job_id;
	held.tenant_id = data->lane_tenants[growing->lane];
	held.sku_id = group->sku_id;
	held.request = group->request;
	held.node_flavor_id = data->node_flavors[placement->node];
	held.replicas = placement->replicas;
	return held;
}

void
pm_write_growths(PmCall *call, PmPassData *data, const PmDecision *decision,
				 TimestampTz instant, PmWritten *written)
{
	const PmPoolInfo *pool = data->pool;
	int64	   *runs = palloc(sizeof(int64) * decision->ngrowths);
	int64	   *counts = palloc0(sizeof(int64) * decision->ngrowths);
	PmRows		allocations;

	written->grown = palloc(sizeof(PmHeld) * Max(decision->nplacements, 1));
	pm_rows_begin(&allocations, "allocation");
	for (int i = 0; i < decision->ngrowths; i++)
	{
		const PmGrowth *growth = &decision->growths[i];
		const PmGrowing *growing = growing_of(data, growth);

		runs[i] = growing->run_id;
		for (int k = 0; k < growth->nplacements; k++)
		{
			const PmPlacement *placement = &decision->placements[growth->first_placement + k];

			counts[i] += placement->replicas;
			pm_add_allocation(&allocations, data, decision, placement, growing->shape,
							  growing->lane, growing->run_id, instant);
			written->grown[written->ngrown++] = held_by(data, growing, placement);
		}
	}
	if (pool->addressed)
		take_addresses(data, runs, counts, decision->ngrowths, instant);
	write_growths(call, data, &allocations, instant);
	pm_rows_end(&allocations);
	if (!pool->dedicated)
		return;
	written->ngrown = 0;
	if (pool->addressed)
		pm_reopen_addresses(pool->pool_id, runs, decision->ngrowths, instant);
}
