/*-------------------------------------------------------------------------
 *
 * job_score.c
 *	  The scores of queued jobs: reads what they are made of.
 *
 * Where a pool weights nothing, nothing is read.  Formulas are the engine's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "store/pass.h"
#include "store/statement.h"

/* Which share of the pool a job of each shape asks for, with all its replicas */
static int64 *
read_sizes(const PmPassData *data, const PmResourceList *capacity)
{
	static PmStatement read = PM_STATEMENT("int8;int8[]",
										   "SELECT u.n, s.request FROM unnest($2) WITH ORDINALITY AS u(shape_id, n) CROSS JOIN LATERAL"
										   " (SELECT pool_manager.sum(g.request * g.replicas) AS request FROM pool_manager.task_group g"
										   "  WHERE g.pool_id = $1 AND g.shape_id = u.shape_id) AS s");
	int64	   *sizes = palloc0(sizeof(int64) * Max(data->queue.nshapes, 1));
	PmArgs		args = {0};
	uint64		n;

	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, data->shape_ids, data->queue.nshapes);
	n = pm_run(&read, &args);
	for (uint64 row = 0; row < n; row++)
	{
		bool		isnull;
		Datum		request = pm_get(row, 2, &isnull);

		sizes[pm_get_int64(row, 1) - 1] = pm_dominant_share(DatumGetResourceListP(request), capacity);
	}
	return sizes;
}

/* The fair share of each workspace that has queued jobs */
static int32 *
read_fair_factors(PmPassData *data, TimestampTz instant, const PmResourceList *capacity)
{
	PmFairKey  *keys = palloc(sizeof(PmFairKey) * Max(data->nworkspaces, 1));
	int32	   *factors = palloc(sizeof(int32) * Max(data->nworkspaces, 1));

	for (int i = 0; i < data->queue.njobs; i++)
	{
		int			w = data->job_workspaces[i];

		keys[w].tenant_id = data->lane_tenants[data->queue.jobs[i].lane];
		keys[w].workspace_id = data->workspaces[w];
	}
	data->fair = pm_read_fair(data->pool, instant, capacity, keys, data->nworkspaces);
	for (int w = 0; w < data->nworkspaces; w++)
		factors[w] = data->fair->workspaces[pm_fair_number(data->fair, keys[w])].factor;
	return factors;
}

void
pm_score_jobs(PmPassData *data, TimestampTz instant)
{
	const PmWeights *weights = &data->pool->weights;
	PmResourceList *capacity = NULL;
	int32	   *fair = NULL;
	int64	   *sizes = NULL;

	if (weights->age == 0 && weights->fair == 0 && weights->size == 0)
		return;
	if (weights->fair > 0 || weights->size > 0)
		capacity = pm_read_capacity(data->pool->pool_id);
	if (weights->fair > 0)
		fair = read_fair_factors(data, instant, capacity);
	if (weights->size > 0)
		sizes = read_sizes(data, capacity);
	data->factors = MemoryContextAllocHuge(CurrentMemoryContext,
										   sizeof(PmFactors) * (Size) Max(data->queue.njobs, 1));
	for (int i = 0; i < data->queue.njobs; i++)
	{
		PmJob	   *job = &data->queue.jobs[i];
		PmFactors	factors = {0};

		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		if (weights->age > 0)
			factors.age = pm_age_factor(instant - job->submitted_at, weights->max_age);
		if (fair)
			factors.fair = fair[data->job_workspaces[i]];
		if (sizes)
			factors.size = pm_size_factor(sizes[job->shape], job->time_limit, weights->size_order);
		job->score = pm_job_score(weights, &factors);
		data->factors[i] = factors;
	}
}
