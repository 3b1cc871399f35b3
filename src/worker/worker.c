/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The optional background workers: registration, waking at commit, and
 *	  what both of them are made of.
 *
 * One runs passes (passes.c), the other keeps the books (settle.c): a
 * settlement may take minutes, and no pass is to wait for it.  Both serve the
 * database named by pool_manager.database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "worker/worker.h"

char	   *pm_worker_database = NULL;
int			pm_worker_naptime = 10000;
int			pm_worker_settle_interval = 3600;

/* ---- in every backend: waking the scheduler at commit ---- */

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

static void
register_worker(const char *name, const char *function)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "pool_manager", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
	strlcpy(worker.bgw_name, name, BGW_MAXLEN);
	strlcpy(worker.bgw_type, name, BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

void
pm_worker_init(void)
{
	pm_stats_init();
	pm_changed_hook = note_change;
	RegisterXactCallback(at_xact_end, NULL);
	if (IsBinaryUpgrade || pm_worker_database == NULL || *pm_worker_database == '\0')
		return;
	register_worker("pool_manager scheduler", "pm_passes_main");
	register_worker("pool_manager ledger", "pm_settle_main");
}

/* ---- in a worker ---- */

void
pm_work_connect(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(pm_worker_database, NULL, 0);
	/* what is done takes a lock and then reads what others committed */
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "off", PGC_SUSET, PGC_S_OVERRIDE);
	/* one whose lock somebody keeps does not hold up the others */
	if (LockTimeout == 0)
		SetConfigOption("lock_timeout", "1s", PGC_SUSET, PGC_S_OVERRIDE);
}

static void
report_idle(void)
{
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

bool
pm_work_begin(PmCall *call)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	call->actor_name = NULL;
	if (OidIsValid(get_extension_oid("pool_manager", true)))
		pm_begin_background(call);
	return call->actor_name != NULL;
}

void
pm_work_end(PmCall *call)
{
	if (call->actor_name)
		pm_end(call);
	PopActiveSnapshot();
	CommitTransactionCommand();
	report_idle();
}

void
pm_work_abort(void)
{
	AbortCurrentTransaction();
	FlushErrorState();
	QueryCancelPending = false;
	report_idle();
}

void
pm_work_wait(long ms)
{
	/* waiting for a lock has cleared the latch, if it was set meanwhile */
	if (!ConfigReloadPending)
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	/* there is nothing to cancel */
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}
