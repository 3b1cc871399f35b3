/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The optional background worker: runs passes when something changed or
 *	  the nap is over, and tells listeners.
 *
 * One worker serves the database named by pool_manager.database.  It only
 * calls what schedule() calls, one transaction a pool; a pass that fails is
 * logged and tried again after the next nap.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "api/schedule.h"
#include "store/registry.h"
#include "store/session.h"
#include "worker/worker.h"

/* ms until the next pass over what another transaction kept from one */
#define RETRY_NAPTIME 1000

char	   *pm_worker_database = NULL;
int			pm_worker_naptime = 10000;

/* ---- in every backend: waking the worker at commit ---- */

static bool wake_at_commit = false;

static void
note_change(void)
{
	wake_at_commit = true;
}

static void
at_xact_end(XactEvent event, void *arg)
{
	if (wake_at_commit && event == XACT_EVENT_COMMIT)
		pm_stats_wake();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		wake_at_commit = false;
}

void
pm_worker_init(void)
{
	BackgroundWorker worker = {0};

	pm_stats_init();
	pm_changed_hook = note_change;
	RegisterXactCallback(at_xact_end, NULL);
	if (IsBinaryUpgrade || pm_worker_database == NULL || *pm_worker_database == '\0')
		return;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "pool_manager", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "pm_worker_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "pool_manager scheduler", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pool_manager scheduler", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* ---- the worker ---- */

static void
forget_latch(int code, Datum arg)
{
	pm_stats_set_latch(NULL);
}

static void
report_idle(void)
{
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

static void
begin_work(PmCall *call)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (get_extension_oid("pool_manager", true) != InvalidOid)
		pm_begin_background(call);
	else
		call->actor_name = NULL;
}

static void
end_work(PmCall *call)
{
	if (call->actor_name)
		pm_end(call);
	PopActiveSnapshot();
	CommitTransactionCommand();
	report_idle();
}

/* Pools with something to do, in a context that outlives the transaction */
static int
read_pools(MemoryContext context, int64 **pools)
{
	PmCall		call;
	int64	   *found;
	int			n = 0;

	begin_work(&call);
	if (call.actor_name)
	{
		n = pm_busy_pools(&found);
		*pools = MemoryContextAlloc(context, sizeof(int64) * Max(n, 1));
		memcpy(*pools, found, sizeof(int64) * n);
	}
	end_work(&call);
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

	begin_work(&call);
	if (call.actor_name)
	{
		PmPoolInfo *pool = pm_find_pool(&call, NULL, pool_id);

		pgstat_report_activity(STATE_RUNNING, psprintf("pass over pool \"%s\"", pool->name));
		result = pm_run_pass(&call, pool);
		if (result.nchanges > 0)
			Async_Notify("pool_manager", pool->name);
	}
	delta.changed = result.nchanges;
	end_work(&call);
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
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
		pm_stats_add(&delta);
		report_idle();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return complete;
}

void
pm_worker_main(Datum main_arg)
{
	MemoryContext context;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(pm_worker_database, NULL, 0);
	/* passes take the pool's lock and then read what others committed */
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "off", PGC_SUSET, PGC_S_OVERRIDE);
	/* one pool whose lock somebody keeps does not hold up the others */
	if (LockTimeout == 0)
		SetConfigOption("lock_timeout", "1s", PGC_SUSET, PGC_S_OVERRIDE);
	pm_stats_set_latch(MyLatch);
	before_shmem_exit(forget_latch, (Datum) 0);
	context = AllocSetContextCreate(TopMemoryContext, "pool_manager worker", ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		int64	   *pools;
		int			n;
		int			nap = pm_worker_naptime;

		MemoryContextSwitchTo(context);
		n = read_pools(context, &pools);
		for (int i = 0; i < n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextSwitchTo(context);
			if (!try_pass(pools[i]))
				nap = Min(nap, RETRY_NAPTIME);
		}
		MemoryContextReset(context);

		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 nap, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}
