/*-------------------------------------------------------------------------
 *
 * scale.c
 *	  Changing the number of replicas of a running service.
 *
 * Allocations are written once: what stays of one that is given back in part
 * is a new part on the same node, with the devices that stay.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/scale.h"
#include "store/statement.h"

/* Replicas of the service on a node, placed together */
typedef struct Part
{
	int64		node_id;
	int64		part_no;
	int32		replicas;
	int			ndevices;
	int32	   *devices;
	int32		device_share;
} Part;

/* What is written: parts that go, parts that come */
typedef struct Change
{
	int			ngone;
	int64	   *gone_nodes;
	int64	   *gone_parts;
	PmRows		rows;
	int32		replicas;		/* afterwards */
} Change;

PmService *
pm_read_service(int64 pool_id, int64 job_id)
{
	static PmStatement read = PM_STATEMENT("int8;int8",
										   "SELECT r.run_id, r.tenant_id, r.replicas[1], g.min_replicas, g.replicas, g.request, cardinality(r.replicas),"
										   " s.affinity_level IS NOT NULL OR g.group_level IS NOT NULL OR g.spread_level IS NOT NULL"
										   " FROM pool_manager.job_run r JOIN pool_manager.job j USING (pool_id, job_id)"
										   " JOIN pool_manager.job_shape s USING (pool_id, shape_id)"
										   " JOIN pool_manager.task_group g ON g.pool_id = j.pool_id AND g.shape_id = j.shape_id AND g.group_no = 1"
										   " WHERE r.pool_id = $1 AND r.job_id = $2 AND r.ended_at IS NULL AND r.state = 'running'");
	PmService  *service = palloc(sizeof(PmService));
	PmArgs		args = {0};
	bool		isnull;

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, job_id);
	if (pm_run(&read, &args) == 0)
		return NULL;
	service->run_id = pm_get_int64(0, 1);
	service->job_id = job_id;
	service->tenant_id = pm_get_int64(0, 2);
	service->replicas = pm_get_int32(0, 3);
	service->least = pm_get_int32(0, 4);
	service->most = pm_get_int32(0, 5);
	service->request = (PmResourceList *) PG_DETOAST_DATUM_COPY(pm_get(0, 6, &isnull));
	service->ngroups = pm_get_int32(0, 7);
	service->topology = pm_get_bool(0, 8);
	return service;
}

/* Its live parts, the newest first */
static int
read_parts(int64 pool_id, const PmService *service, Part **parts)
{
	static PmStatement read = PM_STATEMENT("int8;int8",
										   "SELECT a.node_id, a.part_no::int8, a.replicas, a.devices, a.device_share FROM pool_manager.allocation a"
										   " WHERE a.pool_id = $1 AND a.run_id = $2 AND a.group_no = 1 AND " PM_HELD("a")
										   " ORDER BY a.since DESC, a.part_no DESC, a.node_id DESC");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, service->run_id);
	n = (int) pm_run(&read, &args);
	*parts = palloc(sizeof(Part) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		bool		isnull;
		ArrayType  *devices = DatumGetArrayTypePCopy(pm_get(i, 4, &isnull));

		(*parts)[i].node_id = pm_get_int64(i, 1);
		(*parts)[i].part_no = pm_get_int64(i, 2);
		(*parts)[i].replicas = pm_get_int32(i, 3);
		(*parts)[i].ndevices = ArrayGetNItems(ARR_NDIM(devices), ARR_DIMS(devices));
		(*parts)[i].devices = (int32 *) ARR_DATA_PTR(devices);
		(*parts)[i].device_share = pm_get_int32(i, 5);
	}
	return n;
}

/* The first number of a part on the node that was never used */
static int16
next_part(int64 pool_id, const PmService *service, int64 node_id)
{
	static PmStatement read = PM_STATEMENT("int8;int8;int8",
										   "SELECT max(part_no)::int4 + 1 FROM pool_manager.allocation"
										   " WHERE pool_id = $1 AND run_id = $2 AND group_no = 1 AND node_id = $3");
	PmArgs		args = {0};
	int32		part_no;

	pm_arg_int64(&args, pool_id);
	pm_arg_int64(&args, service->run_id);
	pm_arg_int64(&args, node_id);
	pm_run(&read, &args);
	part_no = pm_get_int32(0, 1);
	if (part_no > PG_INT16_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("job " INT64_FORMAT " was scaled too often", service->job_id),
				 errdetail("A run is scaled on one node at most %d times.", PG_INT16_MAX),
				 errhint("Stop the service with stop_job() and start it again with resume_job().")));
	return (int16) part_no;
}

static void
add_part(Change *change, const PmPoolInfo *pool, const PmService *service, const Part *part, TimestampTz instant)
{
	Datum	   *devices = palloc(sizeof(Datum) * Max(part->ndevices, 1));
	Datum		values[12];
	bool		nulls[12] = {0};

	for (int i = 0; i < part->ndevices; i++)
		devices[i] = Int32GetDatum(part->devices[i]);
	values[0] = Int64GetDatum(pool->pool_id);
	values[1] = Int64GetDatum(service->run_id);
	values[2] = Int16GetDatum(1);
	values[3] = Int64GetDatum(part->node_id);
	values[4] = Int64GetDatum(service->tenant_id);
	values[5] = Int32GetDatum(part->replicas);
	values[6] = ResourceListPGetDatum(part->replicas == 1 ? service->request :
									  pm_resource_list_scale(service->request, part->replicas));
	values[7] = PointerGetDatum(construct_array(devices, part->ndevices, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	values[8] = Int32GetDatum(part->ndevices > 0 ? part->device_share : 0);
	nulls[9] = true;
	values[10] = Int16GetDatum((int16) part->part_no);
	values[11] = TimestampTzGetDatum(instant);
	pm_rows_add(&change->rows, values, nulls);
}

/* Allocations, loads, the run, the network's bandwidth and the event, in one statement */
static void
write_change(PmCall *call, const PmPoolInfo *pool, const PmService *service, Change *change, TimestampTz instant)
{
	static PmStatement write = PM_STATEMENT("int8;timestamptz;int8;int8[];int8[];pool_manager.allocation[];int4;text",
											"WITH released AS (UPDATE pool_manager.allocation a SET released_at = $2"
											"   FROM unnest($4, $5) AS g(node_id, part_no)"
											"   WHERE a.pool_id = $1 AND a.run_id = $3 AND a.group_no = 1 AND a.node_id = g.node_id AND a.part_no = g.part_no"
											"   RETURNING a.node_id, a.allocated, a.devices, a.device_share),"
											" placed AS (INSERT INTO pool_manager.allocation SELECT * FROM unnest($6)),"
											" less AS MATERIALIZED (SELECT node_id, pool_manager.sum(allocated) AS allocated,"
											"   pool_manager.device_sum(devices, device_share) AS devices FROM released GROUP BY node_id),"
											" more AS MATERIALIZED (SELECT node_id, pool_manager.sum(allocated) AS allocated,"
											"   pool_manager.device_sum(devices, device_share) AS devices FROM unnest($6) GROUP BY node_id),"
											" loaded AS (UPDATE pool_manager.node_load l"
											"  SET allocated = l.allocated - coalesce(n.less, '') + coalesce(n.more, ''),"
											"   devices = pool_manager.device_add(pool_manager.device_subtract(l.devices, coalesce(n.devices_less, '{}')),"
											"    coalesce(n.devices_more, '{}'))"
											"  FROM (SELECT node_id, less.allocated AS less, less.devices AS devices_less,"
											"     more.allocated AS more, more.devices AS devices_more FROM less FULL JOIN more USING (node_id)) AS n"
											"  WHERE l.pool_id = $1 AND l.node_id = n.node_id),"
											" network AS (UPDATE pool_manager.network_load l SET bandwidth = l.bandwidth + n.bandwidth"
											"  FROM (SELECT p.network_id, 1000 * (coalesce((SELECT sum(pool_manager.quantity(allocated, 'bandwidth')) FROM more), 0)"
											"     - coalesce((SELECT sum(pool_manager.quantity(allocated, 'bandwidth')) FROM less), 0))::bigint AS bandwidth"
											"   FROM pool_manager.pool p WHERE p.pool_id = $1) AS n"
											"  WHERE l.network_id = n.network_id AND n.bandwidth <> 0),"
											" was AS MATERIALIZED (SELECT job_id, tenant_id, replicas[1] AS replicas FROM pool_manager.job_run"
											"  WHERE pool_id = $1 AND run_id = $3),"
											" scaled AS (UPDATE pool_manager.job_run SET replicas = ARRAY[$7], wanted = NULL WHERE pool_id = $1 AND run_id = $3)"
											" INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, run_id, actor, reason)"
											" SELECT tenant_id, $2, 'job_changed', $1, job_id, $3, $8, 'replicas ' || replicas || ' -> ' || $7 FROM was");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool->pool_id);
	pm_arg_time(&args, instant);
	pm_arg_int64(&args, service->run_id);
	pm_arg_int64_array(&args, change->gone_nodes, change->ngone);
	pm_arg_int64_array(&args, change->gone_parts, change->ngone);
	pm_arg_rows(&args, &change->rows);
	pm_arg_int32(&args, change->replicas);
	pm_arg_text(&args, call->actor_name);
	pm_run(&write, &args);
	pm_changed();
}

/* The highest addresses first */
static void
give_back_addresses(const PmPoolInfo *pool, const PmService *service, int32 count)
{
	static PmStatement give = PM_STATEMENT("int8;int8;int8;int4",
										   "WITH back AS (UPDATE pool_manager.network_address a SET pool_id = NULL, run_id = NULL, since = NULL, sku_id = NULL"
										   "  WHERE a.network_id = $1 AND a.address IN (SELECT b.address FROM pool_manager.network_address b"
										   "   WHERE b.pool_id = $2 AND b.run_id = $3 ORDER BY b.address DESC LIMIT $4) RETURNING a.address)"
										   " UPDATE pool_manager.network_load SET addresses = addresses - (SELECT count(*) FROM back)"
										   " WHERE network_id = $1");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool->network_id);
	pm_arg_int64(&args, pool->pool_id);
	pm_arg_int64(&args, service->run_id);
	pm_arg_int32(&args, count);
	pm_run(&give, &args);
}

static void
take_addresses(const PmPoolInfo *pool, const PmService *service, int32 count, TimestampTz instant)
{
	static PmStatement take = PM_STATEMENT("int8;int8;int8;int4;timestamptz",
										   "SELECT pool_manager.take_run_addresses($1, $2, ARRAY[$3], ARRAY[$4], $5)");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool->network_id);
	pm_arg_int64(&args, pool->pool_id);
	pm_arg_int64(&args, service->run_id);
	pm_arg_int32(&args, count);
	pm_arg_time(&args, instant);
	pm_run(&take, &args);
}

void
pm_shrink_service(PmCall *call, PmPoolInfo *pool, PmService *service, int32 replicas, TimestampTz instant)
{
	Part	   *parts;
	int			nparts = read_parts(pool->pool_id, service, &parts);
	int32		left = replicas;
	Change		change = {0};

	change.gone_nodes = palloc(sizeof(int64) * Max(nparts, 1));
	change.gone_parts = palloc(sizeof(int64) * Max(nparts, 1));
	change.replicas = service->replicas - replicas;
	pm_rows_begin(&change.rows, "allocation");
	for (int i = 0; i < nparts && left > 0; i++)
	{
		Part	   *part = &parts[i];

		change.gone_nodes[change.ngone] = part->node_id;
		change.gone_parts[change.ngone++] = part->part_no;
		if (part->replicas > left)
		{
			part->ndevices = part->ndevices / part->replicas * (part->replicas - left);
			part->replicas -= left;
			part->part_no = next_part(pool->pool_id, service, part->node_id);
			add_part(&change, pool, service, part, instant);
			left = 0;
		}
		else
			left -= part->replicas;
	}
	if (pool->addressed)
		give_back_addresses(pool, service, replicas);
	write_change(call, pool, service, &change, instant);
	pm_rows_end(&change.rows);
	service->replicas = change.replicas;
}

void
pm_grow_service(PmCall *call, PmPassData *data, PmService *service,
				const PmDecision *decision, TimestampTz instant)
{
	const PmPoolInfo *pool = data->pool;
	const PmStart *start = &decision->starts[0];
	Change		change = {0};
	int32		replicas = 0;

	pm_rows_begin(&change.rows, "allocation");
	for (int k = 0; k < start->nplacements; k++)
	{
		const PmPlacement *placement = &decision->placements[start->first_placement + k];
		Part		part;

		part.node_id = data->cluster.nodes[placement->node].node_id;
		part.part_no = next_part(pool->pool_id, service, part.node_id);
		part.replicas = placement->replicas;
		part.ndevices = placement->ndevices;
		part.devices = &decision->devices[placement->first_device];
		part.device_share = placement->device_share;
		add_part(&change, pool, service, &part, instant);
		replicas += placement->replicas;
	}
	change.replicas = service->replicas + replicas;
	if (pool->addressed)
		take_addresses(pool, service, replicas, instant);
	write_change(call, pool, service, &change, instant);
	pm_rows_end(&change.rows);
	service->replicas = change.replicas;
}

void
pm_set_wanted(const PmPoolInfo *pool, const PmService *service, int32 replicas)
{
	static PmStatement set = PM_STATEMENT("int8;int8;int4",
										  "UPDATE pool_manager.job_run SET wanted = CASE WHEN replicas[1] < $3 THEN ARRAY[$3] END"
										  " WHERE pool_id = $1 AND run_id = $2 AND wanted IS DISTINCT FROM CASE WHEN replicas[1] < $3 THEN ARRAY[$3] END");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool->pool_id);
	pm_arg_int64(&args, service->run_id);
	pm_arg_int32(&args, replicas);
	pm_run(&set, &args);
}
