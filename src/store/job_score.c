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

		/* a job of another pool that is only looked at has no score of its own */
		if (!isnull)
			sizes[pm_get_int64(row, 1) - 1] = pm_dominant_share(DatumGetResourceListP(request), capacity);
	}
	return sizes;
}

/* The tree of shares; the workspaces of the jobs come first, by their numbers */
static PmFairTree *
read_tree(PmPassData *data, TimestampTz instant, const PmResourceList *capacity)
{
	PmFairKey  *keys = palloc(sizeof(PmFairKey) * Max(data->nworkspaces, 1));

	for (int i = 0; i < data->queue.njobs; i++)
	{
		const PmJob *job = &data->queue.jobs[i];

		keys[job->workspace].tenant_id = data->lane_tenants[job->lane];
		keys[job->workspace].workspace_id = data->workspaces[job->workspace];
	}
	return pm_read_fair(data->pool, instant, capacity, keys, data->nworkspaces);
}

void
pm_score_queue(PmPassData *data, PmJobOrder order, TimestampTz instant)
{
	const PmWeights *weights = &data->pool->weights;
	PmScoring  *scoring;
	PmResourceList *capacity;

	if (weights->age == 0 && weights->fair == 0 && weights->size == 0)
		return;
	scoring = palloc0(sizeof(PmScoring));
	scoring->weights = *weights;
	scoring->order = order;
	scoring->now = instant;
	if (weights->fair > 0 || weights->size > 0)
	{
		capacity = pm_read_capacity(data->pool->pool_id);
		scoring->sizes = read_sizes(data, capacity);
		if (weights->fair > 0)
		{
			data->fair = read_tree(data, instant, capacity);
			scoring->nworkspaces = data->nworkspaces;
			scoring->workspaces = data->fair->workspaces;
		}
	}
	pm_score_jobs(scoring, data->queue.jobs, data->queue.njobs);
	data->scoring = scoring;
}
