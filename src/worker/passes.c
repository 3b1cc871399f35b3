/*-------------------------------------------------------------------------
 *
 * passes.c
 *	  The worker that runs passes when something changed or the nap is over,
 *	  and tells listeners.
 *
 * It only calls what schedule() calls, one transaction a pool; a pass that
 * fails is logged and tried again after the next nap.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/async.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/schedule.h"
#include "store/registry.h"
#include "worker/worker.h"

/* ms until the next pass over what another transaction kept from one */
#define RETRY_NAPTIME 1000

static void
forget_latch(int code, Datum arg)
{
	pm_stats_set_latch(NULL);
}

/* Pools with something to do, in a context that outlives the transaction */
static int
read_pools(MemoryContext context, int64 **pools)
{
	PmCall		call;
	int64	   *found;
	int			n = 0;

	if (pm_work_begin(&call))
	{
		n = pm_busy_pools(&found);
		*pools = MemoryContextAlloc(context, sizeof(int64) * Max(n, 1));
		memcpy(*pools, found, sizeof(int64) * n);
	}
	pm_work_end(&call);
	return n;
}

/* False if a job that could start was being changed by somebody */
static bool
run_pass(int64 pool_id)
{
	PmWorkerStats delta = {0};
	TimestampTz started = GetCurrentTimestamp();
	PmPassResult result = {0};
	PmCall		call;

	if (pm_work_begin(&call))
	{
		PmPoolInfo *pool = pm_find_pool(&call, NULL, pool_id);

		pgstat_report_activity(STATE_RUNNING, psprintf("pass over pool \"%s\"", pool->name));
		result = pm_run_pass(&call, pool);
		if (result.nchanges > 0)
			Async_Notify("pool_manager", pool->name);
	}
	delta.changed = result.nchanges;
	pm_work_end(&call);
	delta.passes = 1;
	delta.last_pass_at = GetCurrentTimestamp();
	delta.last_pass_us = delta.last_pass_at - started;
	pm_stats_add(&delta);
	return !result.passed_over;
}

/*
 * One that fails does not keep the others from their pass.  False if something
 * is left that waits for the end of another transaction: it may be rolled
 * back, which wakes nobody.
 */
static bool
try_pass(int64 pool_id)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool complete = true;

	PG_TRY();
	{
		complete = run_pass(pool_id);
	}
	PG_CATCH();
	{
		PmWorkerStats delta = {.failed = 1};

		MemoryContextSwitchTo(context);
		HOLD_INTERRUPTS();
		complete = geterrcode() != ERRCODE_LOCK_NOT_AVAILABLE;
		EmitErrorReport();
		pm_work_abort();
		RESUME_INTERRUPTS();
		pm_stats_add(&delta);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return complete;
}

void
pm_passes_main(Datum main_arg)
{
	MemoryContext context;

	pm_work_connect();
	pm_stats_set_latch(MyLatch);
	before_shmem_exit(forget_latch, (Datum) 0);
	context = AllocSetContextCreate(TopMemoryContext, "pool_manager scheduler", ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		int64	   *pools;
		int			n;
		int			nap = pm_worker_naptime;

		MemoryContextSwitchTo(context);
		pm_stats_take_wake();
		n = read_pools(context, &pools);
		for (int i = 0; i < n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextSwitchTo(context);
			if (!try_pass(pools[i]))
				nap = Min(nap, RETRY_NAPTIME);
		}
		MemoryContextReset(context);
		pm_work_wait(pm_stats_is_woken() ? 0 : nap);
	}
}
