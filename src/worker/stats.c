/*-------------------------------------------------------------------------
 *
 * stats.c
 *	  Shared memory of the background workers: counters, and the scheduler's
 *	  latch.
 *
 * Every field is protected by the spinlock; it guards plain assignments only.
 * Nothing here changes what a pass decides, so that a rolled-back pass leaves
 * no trace.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#include "worker/worker.h"

typedef struct SharedState
{
	slock_t		mutex;
	Latch	   *latch;
	bool		woken;			/* the latch alone is lost while a pass waits for a lock */
	PmWorkerStats stats;
} SharedState;

static SharedState *shared = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request_shmem(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(SharedState)));
}

static void
startup_shmem(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("pool_manager", sizeof(SharedState), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(SharedState));
		SpinLockInit(&shared->mutex);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
pm_stats_init(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}

/* false without shared memory: the library was not preloaded */
static bool
read_stats(PmWorkerStats *stats)
{
	if (shared == NULL)
		return false;
	SpinLockAcquire(&shared->mutex);
	*stats = shared->stats;
	SpinLockRelease(&shared->mutex);
	return true;
}

void
pm_stats_add(const PmWorkerStats *delta)
{
	SpinLockAcquire(&shared->mutex);
	shared->stats.passes += delta->passes;
	shared->stats.changed += delta->changed;
	shared->stats.failed += delta->failed;
	if (delta->passes > 0)
	{
		shared->stats.last_pass_at = delta->last_pass_at;
		shared->stats.last_pass_us = delta->last_pass_us;
	}
	shared->stats.settled += delta->settled;
	shared->stats.settle_failed += delta->settle_failed;
	if (delta->last_settle_at != 0)
	{
		shared->stats.last_settle_at = delta->last_settle_at;
		shared->stats.last_settle_us = delta->last_settle_us;
	}
	SpinLockRelease(&shared->mutex);
}

void
pm_stats_set_latch(Latch *latch)
{
	SpinLockAcquire(&shared->mutex);
	shared->latch = latch;
	SpinLockRelease(&shared->mutex);
}

void
pm_stats_wake(void)
{
	Latch	   *latch;

	if (shared == NULL)
		return;
	SpinLockAcquire(&shared->mutex);
	latch = shared->latch;
	shared->woken = true;
	SpinLockRelease(&shared->mutex);

	/* latches of processes stay in shared memory: at worst another is woken */
	if (latch)
		SetLatch(latch);
}

bool
pm_stats_is_woken(void)
{
	bool		woken;

	SpinLockAcquire(&shared->mutex);
	woken = shared->woken;
	SpinLockRelease(&shared->mutex);
	return woken;
}

void
pm_stats_take_wake(void)
{
	SpinLockAcquire(&shared->mutex);
	shared->woken = false;
	SpinLockRelease(&shared->mutex);
}

PG_FUNCTION_INFO_V1(pm_scheduler_stats);

Datum
pm_scheduler_stats(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PmWorkerStats stats;
	Datum		values[9];
	bool		nulls[9] = {0};

	InitMaterializedSRF(fcinfo, 0);
	if (!read_stats(&stats))
		return (Datum) 0;
	values[0] = Int64GetDatum(stats.passes);
	values[1] = Int64GetDatum(stats.changed);
	values[2] = Int64GetDatum(stats.failed);
	nulls[3] = nulls[4] = stats.passes == 0;
	values[3] = TimestampTzGetDatum(stats.last_pass_at);
	values[4] = Int64GetDatum(stats.last_pass_us);
	values[5] = Int64GetDatum(stats.settled);
	values[6] = Int64GetDatum(stats.settle_failed);
	nulls[7] = nulls[8] = stats.last_settle_at == 0;
	values[7] = TimestampTzGetDatum(stats.last_settle_at);
	values[8] = Int64GetDatum(stats.last_settle_us);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	return (Datum) 0;
}
