/*-------------------------------------------------------------------------
 *
 * job_order.c
 *	  What the order of a pool's jobs is by: scores, and the shares and usage
 *	  behind them.
 *
 * The views job_priority and fair_share_status show it.  All of the pool
 * counts; returned is what the actor may see.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/schedule.h"

/* Is a tenant among those that the actor may see?  They ascend; n < 0: all */
static bool
is_visible(int64 tenant_id, const int64 *tenants, int n)
{
	int			low = 0;

	if (n < 0)
		return true;
	while (low < n)
	{
		int			middle = low + (n - low) / 2;

		if (tenants[middle] == tenant_id)
			return true;
		if (tenants[middle] < tenant_id)
			low = middle + 1;
		else
			n = middle;
	}
	return false;
}

static void
put_job(ReturnSetInfo *rsinfo, const PmJob *job, int position, const PmWeights *weights,
		PmFactors factors)
{
	Datum		values[7];
	bool		nulls[7] = {0};

	values[0] = Int64GetDatum(job->job_id);
	values[1] = Int64GetDatum(position);
	values[2] = Int16GetDatum(job->priority);
	values[3] = Int64GetDatum(job->score);
	nulls[4] = weights->age == 0;
	nulls[5] = weights->fair == 0;
	nulls[6] = weights->size == 0;
	values[4] = Int32GetDatum(factors.age);
	values[5] = Int32GetDatum(factors.fair);
	values[6] = Int32GetDatum(factors.size);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(pm_job_scores);

Datum
pm_job_scores(PG_FUNCTION_ARGS)
{
	const PmFactors nothing = {0};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PmCall		call;
	PmPassData *data;
	MemoryContext inner;
	int64	   *tenants;
	int			ntenants;

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);
	data = pm_read_queue(pm_pool_arg(&call, fcinfo, 0));
	pm_score_queue(data, pm_policy_of(data->pool).order, pm_reading_clock());
	pm_order_jobs(data->queue.jobs, data->queue.njobs, pm_policy_of(data->pool).order);
	ntenants = pm_visible_tenants(&call, &tenants);

	inner = MemoryContextSwitchTo(call.caller);
	for (int i = 0; i < data->queue.njobs; i++)
	{
		const PmJob *job = &data->queue.jobs[i];

		if (is_visible(data->lane_tenants[job->lane], tenants, ntenants))
			put_job(rsinfo, job, i + 1, &data->pool->weights,
					data->scoring ? pm_factors_of_job(data->scoring, job) : nothing);
	}
	MemoryContextSwitchTo(inner);
	pm_end(&call);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(pm_fair_shares);

Datum
pm_fair_shares(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PmCall		call;
	PmPassData *data;
	PmFairTree *tree;
	MemoryContext inner;
	int64	   *tenants;
	int			ntenants;

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);
	data = pm_read_queue(pm_pool_arg(&call, fcinfo, 0));
	pm_score_queue(data, pm_policy_of(data->pool).order, pm_reading_clock());
	tree = data->fair;
	ntenants = pm_visible_tenants(&call, &tenants);

	inner = MemoryContextSwitchTo(call.caller);
	for (int i = 0; tree && i < tree->nworkspaces; i++)
	{
		const PmFairWorkspace *workspace = &tree->workspaces[i];
		Datum		values[9];
		bool		nulls[9] = {0};

		if (!is_visible(tree->keys[i].tenant_id, tenants, ntenants))
			continue;
		values[0] = Int64GetDatum(tree->keys[i].tenant_id);
		values[1] = Int64GetDatum(tree->keys[i].workspace_id);
		values[2] = Int32GetDatum(tree->tenants[workspace->tenant].shares);
		values[3] = Int32GetDatum(workspace->shares);
		values[4] = Int64GetDatum(workspace->usage);
		values[5] = Int64GetDatum(workspace->norm_shares);
		values[6] = Int64GetDatum(workspace->norm_usage);
		values[7] = Int64GetDatum(workspace->effective);
		values[8] = Int32GetDatum(workspace->factor);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(inner);
	pm_end(&call);
	return (Datum) 0;
}

/* Bodies of calls, under the pool's lock */
PG_FUNCTION_INFO_V1(pm_sql_count_fair_usage);

Datum
pm_sql_count_fair_usage(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmPoolInfo *pool;

	pm_begin(&call, fcinfo);
	pool = pm_find_pool(&call, NULL, PG_GETARG_INT64(0));
	if (pool->weights.fair > 0)
		pm_write_fair(pool, pm_read_fair(pool, PG_GETARG_TIMESTAMPTZ(1),
										 pm_read_capacity(pool->pool_id), NULL, 0), true);
	pm_end(&call);
	PG_RETURN_VOID();
}
