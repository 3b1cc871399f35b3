/*-------------------------------------------------------------------------
 *
 * cap.c
 *	  What limits jobs beside the nodes: upper quotas of sub-pools, addresses
 *	  and bandwidth of the pool's network.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/timestamp.h"

#include "billing/calendar.h"
#include "store/pass.h"
#include "store/statement.h"

int
pm_dimension_of(const PmPassData *data, const char *name, int len)
{
	for (int d = 0; d < data->cluster.ndims; d++)
	{
		if ((int) strlen(data->dimensions[d]) == len && memcmp(data->dimensions[d], name, len) == 0)
			return d;
	}
	return -1;
}

static PmCap *
make_caps(PmPassData *data, int n, int64 available)
{
	PmCap	   *caps = palloc0(sizeof(PmCap) * n);
	int			ndims = data->cluster.ndims;

	for (int i = 0; i < n; i++)
	{
		caps[i].replicas = PM_CAP_NONE;
		caps[i].available = palloc(sizeof(int64) * Max(ndims, 1));
		for (int d = 0; d < ndims; d++)
			caps[i].available[d] = available;
	}
	return caps;
}

/* A resource that an upper quota does not list is not offered */
static void
set_quota(PmPassData *data, PmCap *cap, const PmResourceList *upper, const PmResourceList *used)
{
	cap->limited = true;
	for (uint32 i = 0; i < upper->count; i++)
	{
		PmResource	resource = pm_resource_entry(upper, i);
		int			d = pm_dimension_of(data, resource.name, resource.name_len);

		if (d >= 0)
			cap->available[d] = resource.value - pm_resource_get(used, resource.name, resource.name_len);
	}
}

/* What live runs of each sub-pool with a quota hold, and the quota */
static void
read_quotas(PmPassData *data)
{
	static PmStatement read = PM_STATEMENT("int8;int8[]",
										   "SELECT s.sub_pool_id, s.upper, coalesce(u.used, '')"
										   " FROM pool_manager.sub_pool s LEFT JOIN LATERAL ("
										   "  SELECT pool_manager.sum(a.allocated) AS used FROM pool_manager.job_run r"
										   "   JOIN pool_manager.job j USING (pool_id, job_id) JOIN pool_manager.allocation a USING (pool_id, run_id)"
										   "  WHERE r.pool_id = $1 AND r.ended_at IS NULL AND j.sub_pool_id = s.sub_pool_id AND " PM_HELD("a") ") AS u ON true"
										   " WHERE s.pool_id = $1 AND s.sub_pool_id = ANY ($2) AND s.upper IS NOT NULL");
	PmArgs		args = {0};
	uint64		n;

	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, data->lanes, data->queue.nlanes);
	n = pm_run(&read, &args);
	if (n == 0)
		return;
	data->queue.lane_caps = make_caps(data, data->queue.nlanes, 0);
	for (uint64 row = 0; row < n; row++)
	{
		bool		isnull;
		int			lane = 0;

		while (data->lanes[lane] != pm_get_int64(row, 1))
			lane++;
		set_quota(data, &data->queue.lane_caps[lane], DatumGetResourceListP(pm_get(row, 2, &isnull)),
				  DatumGetResourceListP(pm_get(row, 3, &isnull)));
	}
}

void
pm_lock_network(const PmPoolInfo *pool)
{
	static PmStatement lock = PM_STATEMENT("int8;bool",
										   "SELECT FROM pool_manager.network_load"
										   " WHERE network_id = $1 AND ($2 OR bandwidth_capacity IS NOT NULL) FOR NO KEY UPDATE");
	PmArgs		args = {0};

	if (pool->network_id == 0)
		return;
	pm_arg_int64(&args, pool->network_id);
	pm_arg_bool(&args, pool->addressed);
	pm_run(&lock, &args);
}

/* The network's load is locked: other pools may be on it */
static void
read_network(PmPassData *data)
{
	static PmStatement read = PM_STATEMENT("int8;bool",
										   "SELECT capacity - addresses, bandwidth_capacity - bandwidth FROM pool_manager.network_load"
										   " WHERE network_id = $1 AND ($2 OR bandwidth_capacity IS NOT NULL) FOR NO KEY UPDATE");
	PmCap	   *cap;
	PmArgs		args = {0};

	pm_arg_int64(&args, data->pool->network_id);
	pm_arg_bool(&args, data->pool->addressed);
	if (pm_run(&read, &args) == 0)
		return;
	cap = make_caps(data, 1, PM_CAP_NONE);
	cap->limited = true;
	if (data->pool->addressed)
		cap->replicas = pm_get_int64(0, 1);
	if (data->bandwidth >= 0 && !pm_is_null(0, 2))
		cap->available[data->bandwidth] = pm_get_int64(0, 2);
	data->queue.pool_cap = cap;
}

void
pm_read_caps(PmPassData *data)
{
	data->bandwidth = -1;
	if (!data->pool->dedicated)
		return;
	read_quotas(data);
	data->bandwidth = pm_dimension_of(data, "bandwidth", strlen("bandwidth"));
	if (data->pool->network_id != 0)
		read_network(data);
}

void
pm_take_of_network(PmPassData *data, const PmDecision *decision, int nstarts,
				   const int64 *run_ids, TimestampTz instant)
{
	static PmStatement add = PM_STATEMENT("int8;int8",
										  "UPDATE pool_manager.network_load SET bandwidth = bandwidth + $2 WHERE network_id = $1");
	static PmStatement take = PM_STATEMENT("int8;int8;int8[];int8[];timestamptz",
										   "SELECT pool_manager.take_run_addresses($1, $2, $3, $4::integer[], $5)");
	/* addresses that cost something are held by the run that has them */
	static PmStatement hold = PM_STATEMENT("int8;int8;int8[];int8[];timestamptz",
										   "INSERT INTO pool_manager.holding (tenant_id, sku_id, quantity, workspace_id, pool_id, job_id, run_id, since, metered_until)"
										   " SELECT r.tenant_id, n.address_sku_id, 1000 * u.count, j.workspace_id, $2, r.job_id, r.run_id, $5, $5"
										   " FROM pool_manager.network n, unnest($3, $4) WITH ORDINALITY AS u(run_id, count, n)"
										   " JOIN pool_manager.job_run r ON r.pool_id = $2 AND r.run_id = u.run_id"
										   " JOIN pool_manager.job j ON j.pool_id = $2 AND j.job_id = r.job_id"
										   " WHERE n.network_id = $1 AND n.address_sku_id IS NOT NULL ORDER BY u.n");
	int64		bandwidth = 0;
	int64	   *counts = palloc0(sizeof(int64) * nstarts);
	PmArgs		args = {0};

	if (data->pool->network_id == 0)
		return;
	for (int i = 0; i < nstarts; i++)
	{
		const PmStart *start = &decision->starts[i];
		const PmShape *shape = &data->queue.shapes[data->queue.jobs[start->job].shape];

		for (int k = 0; k < start->nplacements; k++)
		{
			const PmPlacement *placement = &decision->placements[start->first_placement + k];

			counts[i] += placement->replicas;
			if (data->bandwidth >= 0)
				bandwidth += placement->replicas *
					data->queue.requests[shape->groups[placement->group].request].amounts[data->bandwidth];
		}
	}
	if (bandwidth > 0)
	{
		pm_arg_int64(&args, data->pool->network_id);
		pm_arg_int64(&args, bandwidth);
		pm_run(&add, &args);
	}
	if (data->pool->addressed)
	{
		PmArgs		take_args = {0};

		pm_arg_int64(&take_args, data->pool->network_id);
		pm_arg_int64(&take_args, data->pool->pool_id);
		pm_arg_int64_array(&take_args, run_ids, nstarts);
		pm_arg_int64_array(&take_args, counts, nstarts);
		pm_arg_time(&take_args, instant);
		pm_run(&take, &take_args);
		take_args.values[take_args.count - 1] = TimestampTzGetDatum(pm_second_timestamptz(pm_second(instant)));
		pm_run(&hold, &take_args);
	}
}
