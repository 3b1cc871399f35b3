/*-------------------------------------------------------------------------
 *
 * queue.c
 *	  The order of a pool's queue, as the view queue shows it.
 *
 * The whole pool is ordered by the code that a pass uses; returned are the
 * jobs that the actor may see.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "api/args.h"
#include "api/forecast.h"
#include "api/schedule.h"
#include "store/pass.h"

static bool
is_among(int64 id, const int64 *ids, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (ids[i] == id)
			return true;
	}
	return false;
}

/* Where in the order the head stands that blocks each lane; -1: none does */
static int *
blocked_heads(const PmPassData *data)
{
	int		   *heads = palloc(sizeof(int) * Max(data->queue.nlanes, 1));

	for (int lane = 0; lane < data->queue.nlanes; lane++)
		heads[lane] = -1;
	for (int i = 0; i < data->queue.njobs; i++)
	{
		const PmJob *job = &data->queue.jobs[i];

		if (data->lane_blocked[job->lane] == job->job_id)
			heads[job->lane] = i;
	}
	return heads;
}

bool *
pm_visible_lanes(PmCall *call, const PmPassData *data)
{
	bool	   *visible = palloc(sizeof(bool) * Max(data->queue.nlanes, 1));
	int64	   *tenants;
	int			ntenants = pm_visible_tenants(call, &tenants);

	for (int lane = 0; lane < data->queue.nlanes; lane++)
		visible[lane] = ntenants < 0 || is_among(data->lane_tenants[lane], tenants, ntenants);
	return visible;
}

PG_FUNCTION_INFO_V1(pm_queue_order);

Datum
pm_queue_order(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PmCall		call;
	PmPassData *data;
	MemoryContext inner;
	bool	   *visible;
	int		   *heads;
	int		   *turns = NULL;

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);
	data = pm_read_queue(pm_pool_arg(&call, fcinfo, 0));
	/* where something is guaranteed, it matters who would borrow */
	if (data->quotas)
		data = pm_read_outlook(data->pool);
	pm_score_queue(data, pm_policy_of(data->pool).order, pm_reading_clock());
	pm_order_jobs(data->queue.jobs, data->queue.njobs, pm_policy_of(data->pool).order);
	if (data->quotas)
		turns = pm_queue_turns(&data->cluster, &data->queue);
	heads = blocked_heads(data);
	visible = pm_visible_lanes(&call, data);

	inner = MemoryContextSwitchTo(call.caller);
	for (int turn = 0; turn < data->queue.njobs; turn++)
	{
		int			i = turns ? turns[turn] : turn;
		const PmJob *job = &data->queue.jobs[i];
		Datum		values[3];
		bool		nulls[3] = {0};

		if (!visible[job->lane])
			continue;
		values[0] = Int64GetDatum(job->job_id);
		values[1] = Int64GetDatum(turn + 1);
		values[2] = BoolGetDatum(heads[job->lane] >= 0 && i > heads[job->lane]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(inner);
	pm_end(&call);
	return (Datum) 0;
}
