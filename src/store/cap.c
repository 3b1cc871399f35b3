/*-------------------------------------------------------------------------
 *
 * cap.c
 *	  What limits jobs beside the nodes: quotas of sub-pools, addresses and
 *	  bandwidth of the pool's network.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/timestamp.h"

#include "store/numbers.h"
#include "store/pass.h"
#include "store/run.h"
#include "store/statement.h"

/* ---- quotas ---- */

static PmResourceList *
keep_list(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pm_get(row, column, &isnull);

	return isnull ? NULL : (PmResourceList *) PG_DETOAST_DATUM_COPY(value);
}

void
pm_keep_quotas(PmPassData *data, HTAB *lanes, uint64 n)
{
	for (uint64 row = 0; row < n; row++)
	{
		PmStoredQuota *quota;
		bool		is_new;

		if (pm_is_null(row, 5))
			continue;
		if (data->quotas == NULL)
			data->quotas = palloc0(sizeof(PmStoredQuota) * data->queue.nlanes);
		quota = &data->quotas[pm_number_id(lanes, pm_get_int64(row, 1), &is_new)];
		quota->guaranteed = keep_list(row, 5);
		quota->upper = keep_list(row, 6);
		quota->borrow_limit = keep_list(row, 7);
		quota->lend_limit = keep_list(row, 8);
		quota->parent = pm_is_null(row, 9) ? -1 :
			pm_number_id(lanes, pm_get_int64(row, 9), &is_new);
	}
}

/* The lanes as a tree, and what live runs of those with a quota hold */
static void
read_quotas(PmPassData *data)
{
	static PmStatement read = PM_STATEMENT("int8;int8[]",
										   "SELECT j.sub_pool_id, pool_manager.sum(a.allocated) FROM pool_manager.job_run r"
										   " JOIN pool_manager.job j USING (pool_id, job_id) JOIN pool_manager.allocation a USING (pool_id, run_id)"
										   " WHERE r.pool_id = $1 AND r.ended_at IS NULL AND j.sub_pool_id = ANY ($2) AND " PM_HELD("a")
										   " GROUP BY j.sub_pool_id");
	int			nlanes = data->queue.nlanes;
	int64	   *limited;
	int			nlimited = 0;
	PmArgs		args = {0};
	uint64		n;

	if (data->quotas == NULL)
		return;
	limited = palloc(sizeof(int64) * nlanes);
	data->queue.lanes = palloc0(sizeof(PmLane) * nlanes);
	for (int l = 0; l < nlanes; l++)
	{
		PmLane	   *lane = &data->queue.lanes[l];
		const PmStoredQuota *quota = &data->quotas[l];

		lane->sub_pool_id = data->lanes[l];
		lane->parent = -1;
		if (quota->guaranteed == NULL)
			continue;
		lane->parent = quota->parent;
		lane->guaranteed = pm_vector(data->terms, quota->guaranteed);
		lane->upper = pm_vector(data->terms, quota->upper);
		lane->borrow_limit = pm_vector(data->terms, quota->borrow_limit);
		lane->lend_limit = pm_vector(data->terms, quota->lend_limit);
		lane->held = palloc0(sizeof(int64) * Max(data->cluster.ndims, 1));
		limited[nlimited++] = lane->sub_pool_id;
	}
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, limited, nlimited);
	n = pm_run(&read, &args);
	for (uint64 row = 0; row < n; row++)
	{
		int			lane = 0;

		while (data->lanes[lane] != pm_get_int64(row, 1))
			lane++;
		data->queue.lanes[lane].held = pm_vector(data->terms, keep_list(row, 2));
	}
}

/* ---- the network ---- */

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

/* The network's load is locked, for other pools may be on it, unless one only looks */
static void
read_network(PmPassData *data)
{
#define NETWORK \
	"SELECT capacity - addresses, bandwidth_capacity - bandwidth FROM pool_manager.network_load" \
	" WHERE network_id = $1 AND ($2 OR bandwidth_capacity IS NOT NULL)"
	static PmStatement look = PM_STATEMENT("int8;bool", NETWORK);
	static PmStatement read = PM_STATEMENT("int8;bool", NETWORK " FOR NO KEY UPDATE");
	PmCap	   *cap;
	PmArgs		args = {0};
	int			ndims = data->cluster.ndims;

	pm_arg_int64(&args, data->pool->network_id);
	pm_arg_bool(&args, data->pool->addressed);
	if (pm_run(data->only_looks ? &look : &read, &args) == 0)
		return;
	cap = palloc0(sizeof(PmCap));
	cap->limited = true;
	cap->replicas = data->pool->addressed ? pm_get_int64(0, 1) : PM_CAP_NONE;
	cap->available = palloc(sizeof(int64) * Max(ndims, 1));
	for (int d = 0; d < ndims; d++)
		cap->available[d] = PM_CAP_NONE;
	if (data->bandwidth >= 0 && !pm_is_null(0, 2))
		cap->available[data->bandwidth] = pm_get_int64(0, 2);
	data->queue.pool_cap = cap;
}

void
pm_read_caps(PmPassData *data)
{
	data->bandwidth = -1;
	read_quotas(data);
	if (!data->pool->dedicated)
		return;
	data->bandwidth = pm_dimension(data->terms, "bandwidth", strlen("bandwidth"));
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
		pm_reopen_addresses(data->pool->pool_id, run_ids, nstarts, instant);
	}
}
