/*-------------------------------------------------------------------------
 *
 * forecast.c
 *	  When queued jobs are expected to start.
 *
 * The pool is read like by a pass, but nothing is locked; the engine plays the
 * future through.  Runs are expected to last as long, of their time limits, as
 * those of the same sub-pool lately did.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/forecast.h"
#include "api/schedule.h"

/* accuracy is in the order of the sub-pools */
static int64
expected(int64 length, int64 sub_pool_id, const PmAccuracy *accuracy, int n)
{
	int			low = 0;
	int			high = n;

	if (length == PM_NEVER)
		return length;
	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (accuracy[middle].sub_pool_id < sub_pool_id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < n && accuracy[low].sub_pool_id == sub_pool_id)
		return (int64) Max(1, (int128) length * accuracy[low].thousandths / 1000);
	return length;
}

/* Time limits and planned ends become what is expected of them */
static void
expect(PmPassData *data, TimestampTz now)
{
	PmAccuracy *accuracy;
	int			n = pm_read_accuracy(data->pool->pool_id, &accuracy);

	for (int i = 0; i < data->queue.njobs; i++)
	{
		PmJob	   *job = &data->queue.jobs[i];

		job->time_limit = expected(job->time_limit, data->lanes[job->lane], accuracy, n);
	}
	for (int r = 0; r < data->cluster.nruns; r++)
	{
		PmRunning  *run = &data->cluster.runs[r];

		if (run->planned_end != PM_NEVER && run->planned_end > now)
			run->planned_end = now + expected(run->planned_end - now, run->sub_pool_id, accuracy, n);
	}
}

int64 *
pm_forecast_pool(PmPassData *data)
{
	TimestampTz now = pm_reading_clock();
	PmPolicy	policy = pm_policy_of(data->pool);
	int64	   *starts;

	policy.now = now;
	pm_score_queue(data, policy.order, now);
	if (data->queue.njobs > 0 && data->pool->running && !data->pool->frozen)
	{
		expect(data, now);
		starts = pm_forecast(&data->cluster, &data->queue, &policy);
		/* what comes after the last timestamp cannot be told */
		for (int i = 0; i < data->queue.njobs; i++)
		{
			if (!IS_VALID_TIMESTAMP(starts[i]))
				starts[i] = PM_NEVER;
		}
		return starts;
	}
	pm_order_jobs(data->queue.jobs, data->queue.njobs, policy.order);
	starts = palloc(sizeof(int64) * Max(data->queue.njobs, 1));
	for (int i = 0; i < data->queue.njobs; i++)
		starts[i] = PM_NEVER;
	return starts;
}

PG_FUNCTION_INFO_V1(pm_sql_forecast);

Datum
pm_sql_forecast(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PmCall		call;
	PmPassData *data;
	int64	   *starts;
	bool	   *visible;
	MemoryContext inner;

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);
	data = pm_read_outlook(pm_pool_arg(&call, fcinfo, 0));
	starts = pm_forecast_pool(data);
	visible = pm_visible_lanes(&call, data);

	inner = MemoryContextSwitchTo(call.caller);
	for (int i = 0; i < data->queue.njobs; i++)
	{
		const PmJob *job = &data->queue.jobs[i];
		Datum		values[3];
		bool		nulls[3] = {0};

		if (!visible[job->lane])
			continue;
		values[0] = Int64GetDatum(job->job_id);
		values[1] = Int64GetDatum(i + 1);
		values[2] = TimestampTzGetDatum(starts[i]);
		nulls[2] = starts[i] == PM_NEVER;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(inner);
	pm_end(&call);
	return (Datum) 0;
}

/* Forecasts of a query: each pool that it asks for is looked at once */
typedef struct Expectation
{
	int64		id;				/* of a job, or minus that of a pool: the key */
	int64		start;
} Expectation;

/* What they count for: an expression may live on, until the transaction ends */
typedef struct Expectations
{
	HTAB	   *known;
	Oid			role;
	CommandId	command;
	TransactionId xmin;
	TransactionId xmax;
	uint32		nrunning;		/* of those in between, which only end */
} Expectations;

static HTAB *
expectations(FunctionCallInfo fcinfo)
{
	Expectations *these = fcinfo->flinfo->fn_extra;
	Snapshot	snapshot = GetActiveSnapshot();
	HASHCTL		ctl = {0};

	if (these && these->role == GetUserId() && these->command == snapshot->curcid &&
		these->xmin == snapshot->xmin && these->xmax == snapshot->xmax &&
		these->nrunning == snapshot->xcnt)
		return these->known;
	if (these)
		hash_destroy(these->known);
	else
		these = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Expectations));
	fcinfo->flinfo->fn_extra = NULL;
	ctl.keysize = sizeof(int64);
	ctl.entrysize = sizeof(Expectation);
	ctl.hcxt = fcinfo->flinfo->fn_mcxt;
	these->known = hash_create("expected starts", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	these->role = GetUserId();
	these->command = snapshot->curcid;
	these->xmin = snapshot->xmin;
	these->xmax = snapshot->xmax;
	these->nrunning = snapshot->xcnt;
	fcinfo->flinfo->fn_extra = these;
	return these->known;
}

static void
look_at_pool(FunctionCallInfo fcinfo, HTAB *known)
{
	PmCall		call;
	PmPassData *data;
	int64	   *starts;
	bool	   *visible;

	pm_begin(&call, fcinfo);
	data = pm_read_outlook(pm_pool_arg(&call, fcinfo, 0));
	starts = pm_forecast_pool(data);
	visible = pm_visible_lanes(&call, data);
	for (int i = 0; i < data->queue.njobs; i++)
	{
		Expectation *entry;

		if (!visible[data->queue.jobs[i].lane])
			continue;
		entry = hash_search(known, &data->queue.jobs[i].job_id, HASH_ENTER, NULL);
		entry->start = starts[i];
	}
	pm_end(&call);
}

PG_FUNCTION_INFO_V1(pm_expected_start);

Datum
pm_expected_start(PG_FUNCTION_ARGS)
{
	HTAB	   *known = expectations(fcinfo);
	int64		pool_id = -PG_GETARG_INT64(0);
	int64		job_id = PG_GETARG_INT64(1);
	Expectation *entry;
	bool		found;

	(void) hash_search(known, &pool_id, HASH_FIND, &found);
	if (!found)
	{
		look_at_pool(fcinfo, known);
		(void) hash_search(known, &pool_id, HASH_ENTER, NULL);
	}
	entry = hash_search(known, &job_id, HASH_FIND, NULL);
	if (entry == NULL || entry->start == PM_NEVER)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(entry->start);
}
