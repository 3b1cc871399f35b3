/*-------------------------------------------------------------------------
 *
 * schedule.c
 *	  schedule(): one scheduling pass over a pool, or over all pools.
 *
 * A pass takes the pool's lock, ends what is over its time, reads nodes and
 * queue once, decides in memory and writes all results in bulk.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/interrupt.h"
#include "api/metering.h"
#include "api/schedule.h"
#include "store/registry.h"
#include "store/run.h"

/*
 * Runs over their time limit end, those whose auto_stop has come are stopped
 * to rest; in agent pools they become stopping first, and end when the stop
 * timeout is over too.
 */
static TimestampTz
end_due_runs(PmCall *call, PmPoolInfo *pool, TimestampTz instant, PmPassResult *result)
{
	PmRun	   *due;
	int			n = pm_due_runs(pool->pool_id, instant, &due);
	PmRunEnd   *ends = palloc0(sizeof(PmRunEnd) * Max(n, 1));
	int64	   *stops[2];		/* timed out, resting */
	int			nstops[2] = {0};
	int			nends = 0;

	result->changes = palloc(sizeof(PmChange) * Max(n, 1));
	for (int s = 0; s < 2; s++)
		stops[s] = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		PmChange   *change = &result->changes[result->nchanges++];

		change->job_id = due[i].job_id;
		if (due[i].stop_state == NULL && pool->agent)
		{
			stops[due[i].rests][nstops[due[i].rests]++] = due[i].run_id;
			change->state = "stopping";
			continue;
		}
		if (due[i].stop_state)
			pm_end_as_told(&ends[nends], &due[i]);
		else
		{
			ends[nends].run_id = due[i].run_id;
			ends[nends].state = due[i].rests ? "stopped" : "timed_out";
			ends[nends].job_after = due[i].rests ? "stopped" : NULL;
		}
		nends++;
	}
	if (nends > 0)
	{
		int			e = 0;

		pm_settle_failed(pool->pool_id, ends, nends);
		for (int i = 0; i < n; i++)
		{
			if (e < nends && ends[e].run_id == due[i].run_id)
			{
				result->changes[i].state = ends[e].job_after ? ends[e].job_after : ends[e].state;
				e++;
			}
		}
		instant = pm_end_runs(call, pool->pool_id, ends, nends, instant,
							  pool->agent ? "stop timeout" : "time limit");
	}
	for (int s = 0; s < 2; s++)
	{
		if (nstops[s] > 0)
			pm_stop_runs(call, pool->pool_id, stops[s], nstops[s], s ? "stopped" : "timed_out", instant, NULL);
	}
	return instant;
}

static void
give_up_restarts(PmCall *call, PmPoolInfo *pool, PmPassResult *result)
{
	int64	   *jobs;
	int			n = pm_give_up_restarts(call, pool->pool_id, result->instant, &jobs);

	if (n == 0)
		return;
	result->changes = repalloc(result->changes, sizeof(PmChange) * (result->nchanges + n));
	for (int i = 0; i < n; i++)
	{
		result->changes[result->nchanges].job_id = jobs[i];
		result->changes[result->nchanges++].state = "failed";
	}
}

PmQueuePolicy
pm_queue_policy(const char *name)
{
	if (strcmp(name, "fifo") == 0)
		return PM_QUEUE_FIFO;
	if (strcmp(name, "traversal") == 0)
		return PM_QUEUE_TRAVERSAL;
	if (strcmp(name, "stepped") == 0)
		return PM_QUEUE_STEPPED;
	if (strcmp(name, "tiered") == 0)
		return PM_QUEUE_TIERED;
	if (strcmp(name, "backfill") == 0)
		return PM_QUEUE_BACKFILL;
	return PM_QUEUE_RESERVE;
}

PmPlacementPolicy
pm_placement_policy(const char *name)
{
	if (strcmp(name, "pack") == 0)
		return PM_PLACE_PACK;
	if (strcmp(name, "spread") == 0)
		return PM_PLACE_SPREAD;
	return PM_PLACE_FIRST_FIT;
}

PmPreemption
pm_preemption_policy(const char *name)
{
	if (strcmp(name, "lower_priority") == 0)
		return PM_PREEMPT_LOWER;
	if (strcmp(name, "lower_or_newer_equal") == 0)
		return PM_PREEMPT_NEWER_EQUAL;
	return PM_PREEMPT_NEVER;
}

PmReclaim
pm_reclaim_policy(const char *name)
{
	if (strcmp(name, "lower_priority") == 0)
		return PM_RECLAIM_LOWER;
	if (strcmp(name, "any") == 0)
		return PM_RECLAIM_ANY;
	return PM_RECLAIM_NEVER;
}

PmPolicy
pm_policy_of(const PmPoolInfo *pool)
{
	PmPolicy	policy = {0};

	policy.queue = pm_queue_policy(pool->queue_policy);
	policy.step_timeout = pool->step_timeout;
	policy.reservations = pool->reservations;
	policy.backfill_shortest = strcmp(pool->backfill_order, "shortest") == 0;
	policy.placement = pm_placement_policy(pool->placement);
	if (pool->dedicated)
	{
		policy.preemption = pm_preemption_policy(pool->preemption);
		policy.reclaim = pm_reclaim_policy(pool->reclaim);
		policy.min_runtime = pool->min_runtime;
		policy.preemption_delay = pool->preemption_delay;
		policy.stops = pool->agent;
	}
	policy.order = pool->shortest ? PM_ORDER_SHORTEST : PM_ORDER_PRIORITY;
	return policy;
}

static void
add_changes(PmPassResult *result, const PmChange *changes, int n)
{
	if (n == 0)
		return;
	result->changes = repalloc(result->changes, sizeof(PmChange) * (result->nchanges + n));
	memcpy(result->changes + result->nchanges, changes, sizeof(PmChange) * n);
	result->nchanges += n;
}

/* The parts of a pass: read, decide, write */
static void
log_parts(int64 pool_id, const instr_time *edges)
{
	double		ms[3];

	for (int i = 0; i < 3; i++)
	{
		instr_time	part = edges[i + 1];

		INSTR_TIME_SUBTRACT(part, edges[i]);
		ms[i] = INSTR_TIME_GET_MILLISEC(part);
	}
	elog(DEBUG1, "pass over pool " INT64_FORMAT ": read %.3f ms, decide %.3f ms, write %.3f ms",
		 pool_id, ms[0], ms[1], ms[2]);
}

PmPassResult
pm_run_pass(PmCall *call, PmPoolInfo *pool)
{
	PmPassResult result = {0};
	PmDecision *decision = NULL;
	PmPolicy	policy;
	PmPassData *data;
	PmWritten	written;
	TimestampTz locked_at;
	PmWork		work;
	instr_time	edges[4];

	INSTR_TIME_SET_CURRENT(edges[0]);
	locked_at = pm_lock_pool(pool->pool_id);
	/* whoever held the lock before may have changed the pool */
	pool = pm_find_pool(call, NULL, pool->pool_id);
	policy = pm_policy_of(pool);
	pm_lock_network(pool);
	result.instant = end_due_runs(call, pool, locked_at, &result);
	work = pm_advance_work(call, pool->pool_id, result.instant);
	if (work == PM_WORK_POOL_DELETED)
		return result;
	if (work == PM_WORK_DONE)
	{
		/* it may have ended runs later than that, or changed the pool */
		result.instant = Max(result.instant, pm_lock_pool(pool->pool_id));
		pool = pm_find_pool(call, NULL, pool->pool_id);
	}
	give_up_restarts(call, pool, &result);
	pm_release_waiting(call, pool->pool_id, result.instant);

	data = pm_read_pass(pool);
	pm_score_queue(data, policy.order, result.instant);
	if (data->fair)
		pm_write_fair(pool, data->fair, false);
	policy.now = result.instant;
	INSTR_TIME_SET_CURRENT(edges[1]);
	if (data->queue.njobs + data->queue.ngrowing > 0 && pool->running && !pool->frozen)
		decision = pm_pass(&data->cluster, &data->queue, &policy);
	INSTR_TIME_SET_CURRENT(edges[2]);
	written = pm_write_pass(call, data, decision, result.instant);
	result.passed_over = decision && written.nstarted < decision->nstarts;
	result.instant = written.instant;
	if (!pool->dedicated && !pool->agent)
		pm_meter_held(pool->pool_id, written.held, written.nheld, result.instant);
	pm_meter_grown(pool->pool_id, written.grown, written.ngrown, result.instant);
	if (result.instant > locked_at)
		pm_advance_pool(pool->pool_id, result.instant);
	INSTR_TIME_SET_CURRENT(edges[3]);
	log_parts(pool->pool_id, edges);

	add_changes(&result, written.preempted, written.npreempted);
	add_changes(&result, written.started, written.nstarted);
	return result;
}

static void
return_changes(PmCall *call, FunctionCallInfo fcinfo, int64 pool_id, const PmPassResult *result)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old = MemoryContextSwitchTo(call->caller);

	for (int i = 0; i < result->nchanges; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {0};

		values[0] = Int64GetDatum(pool_id);
		values[1] = Int64GetDatum(result->changes[i].job_id);
		values[2] = pm_enum_datum("job_state", result->changes[i].state);
		values[3] = TimestampTzGetDatum(result->instant);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(old);
}

static void
schedule_pool(PmCall *call, FunctionCallInfo fcinfo, PmPoolInfo *pool)
{
	MemoryContext pass_context = AllocSetContextCreate(CurrentMemoryContext, "scheduling pass",
													   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	PmPassResult result;

	pm_require(call, pool->tenant_id, PM_ACCESS_MEMBER);
	old = MemoryContextSwitchTo(pass_context);
	result = pm_run_pass(call, pool);
	return_changes(call, fcinfo, pool->pool_id, &result);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(pass_context);
}

PG_FUNCTION_INFO_V1(pm_schedule_one);

Datum
pm_schedule_one(PG_FUNCTION_ARGS)
{
	PmCall		call;

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);
	schedule_pool(&call, fcinfo, pm_pool_arg(&call, fcinfo, 0));
	pm_end(&call);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(pm_schedule_all);

Datum
pm_schedule_all(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64	   *locked;
	int64	   *pools;
	int			nlocked;
	int			n;
	int			next = 0;

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);

	/*
	 * A pass also locks what pools share, networks and quotas.  Who holds one
	 * of these must not wait for a pool any more.
	 */
	nlocked = pm_schedulable_pools(&call, &locked);
	pm_lock_pools(locked, nlocked);
	/* some may be deleted by now; new ones are for the next call */
	n = pm_schedulable_pools(&call, &pools);
	for (int i = 0; i < n; i++)
	{
		while (next < nlocked && locked[next] < pools[i])
			next++;
		if (next < nlocked && locked[next] == pools[i])
			schedule_pool(&call, fcinfo, pm_find_pool(&call, NULL, pools[i]));
	}
	pm_end(&call);
	return (Datum) 0;
}
