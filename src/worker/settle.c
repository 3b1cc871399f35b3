/*-------------------------------------------------------------------------
 *
 * settle.c
 *	  The worker that keeps the books: settles all tenants at each multiple of
 *	  pool_manager.settle_interval and checks their arrears.
 *
 * It only calls what settle() and check_arrears() call, each in a transaction
 * of its own.  Who is settled up to then is left alone, so a round that was
 * interrupted is gone through again at no cost.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/settle.h"
#include "billing/calendar.h"
#include "store/due.h"
#include "worker/worker.h"

/* ms until the clock is looked at again: it may have been set meanwhile */
#define MAX_NAPTIME 60000
/* ms until what another transaction was in the way of is tried again */
#define RETRY_NAPTIME 5000
/* An error that stays the same is logged again after so many ms */
#define REMINDER_TIME (24 * 3600 * 1000)

typedef enum Step
{
	STEP_SETTLE,
	STEP_ARREARS
} Step;

typedef struct FailureKey
{
	int64		tenant_id;
	int64		step;
} FailureKey;

/* A step that has failed, and has not been done since */
typedef struct Failure
{
	FailureKey	key;
	int64		round;			/* not to be tried again in it */
	char	   *message;
	TimestampTz logged_at;
} Failure;

static HTAB *failures;
static MemoryContext failure_context;

/* What is said of a step, by the name of its tenant */
static const struct
{
	const char *running;		/* and how far the round has come */
	const char *failed;			/* and why */
	const char *done_again;
}			texts[] = {
	[STEP_SETTLE] = {
		"settling tenant \"%s\" (%d of %d)",
		PM_NOT_SETTLED,
		"tenant \"%s\" is settled again"
	},
	[STEP_ARREARS] = {
		"checking arrears of tenant \"%s\" (%d of %d)",
		"arrears of tenant \"%s\" are not checked: %s",
		"arrears of tenant \"%s\" are checked again"
	}
};

/* ---- what failed ---- */

static Failure *
find_failure(const PmDueTenant *tenant, Step step, HASHACTION action, bool *found)
{
	FailureKey	key = {tenant->tenant_id, step};

	return hash_search(failures, &key, action, found);
}

static bool
has_failed(const PmDueTenant *tenant, Step step, int64 round)
{
	Failure    *failure = find_failure(tenant, step, HASH_FIND, NULL);

	return failure && failure->round == round;
}

/* Is another transaction the cause, which will be over soon? */
static bool
passes_by(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE;
}

/* Each round fails alike until somebody mends it: it is said when it is new */
static void
note_failure(const PmDueTenant *tenant, Step step, int64 round, const ErrorData *error)
{
	TimestampTz now = GetCurrentTimestamp();
	Failure    *failure;
	bool		found;

	failure = find_failure(tenant, step, HASH_ENTER, &found);
	failure->round = passes_by(error) ? PM_SECOND_MIN : round;
	if (found && strcmp(failure->message, error->message) == 0 &&
		!TimestampDifferenceExceeds(failure->logged_at, now, REMINDER_TIME))
		return;
	if (found)
		pfree(failure->message);
	failure->message = MemoryContextStrdup(failure_context, error->message);
	failure->logged_at = now;
	pm_warn_of_tenant(texts[step].failed, tenant->name, error);
}

static void
note_success(const PmDueTenant *tenant, Step step)
{
	Failure    *failure = find_failure(tenant, step, HASH_FIND, NULL);

	if (failure == NULL)
		return;
	pfree(failure->message);
	(void) find_failure(tenant, step, HASH_REMOVE, NULL);
	ereport(LOG, (errmsg(texts[step].done_again, tenant->name)));
}

/* ---- a round ---- */

/* A tenant's turn in a round, by number */
typedef struct Turn
{
	const PmDueTenant *tenant;
	int64		round;
	int			number;
	int			of;
} Turn;

static void
run_step(const Turn *turn, Step step)
{
	const PmDueTenant *tenant = turn->tenant;
	PmWorkerStats delta = {0};
	PmCall		call;

	if (pm_work_begin(&call))
	{
		pgstat_report_activity(STATE_RUNNING,
							   psprintf(texts[step].running, tenant->name, turn->number, turn->of));
		if (step == STEP_SETTLE)
			(void) pm_settle_tenant(&call, tenant->tenant_id, turn->round);
		else
			pm_check_arrears(tenant->tenant_id);
		delta.settled = step == STEP_SETTLE;
	}
	pm_work_end(&call);
	pm_stats_add(&delta);
}

/*
 * One that fails does not keep others from theirs.  False if it waits for the
 * end of another transaction.
 */
static bool
try_step(const Turn *turn, Step step)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool complete = true;

	if (has_failed(turn->tenant, step, turn->round))
		return true;
	PG_TRY();
	{
		CHECK_FOR_INTERRUPTS();
		run_step(turn, step);
		note_success(turn->tenant, step);
	}
	PG_CATCH();
	{
		PmWorkerStats delta = {.settle_failed = 1};
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		HOLD_INTERRUPTS();
		error = CopyErrorData();
		pm_work_abort();
		complete = !passes_by(error);
		note_failure(turn->tenant, step, turn->round, error);
		FreeErrorData(error);
		RESUME_INTERRUPTS();
		pm_stats_add(&delta);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return complete;
}

/* Settles all tenants up to a second; false if something is left to do soon */
static bool
run_round(int64 round)
{
	PmWorkerStats delta = {0};
	TimestampTz started = GetCurrentTimestamp();
	MemoryContext context = CurrentMemoryContext;
	PmDueTenant *tenants = NULL;
	PmCall		call;
	bool		complete = true;
	int			n = 0;

	if (pm_work_begin(&call))
		n = pm_due_tenants(context, round, &tenants);
	pm_work_end(&call);
	for (int i = 0; i < n && !ConfigReloadPending; i++)
	{
		Turn		turn = {&tenants[i], round, i + 1, n};

		MemoryContextSwitchTo(context);
		if (tenants[i].behind && !try_step(&turn, STEP_SETTLE))
			complete = false;
		if (tenants[i].limited && !try_step(&turn, STEP_ARREARS))
			complete = false;
	}
	if (ConfigReloadPending)
		return false;
	delta.last_settle_at = GetCurrentTimestamp();
	delta.last_settle_us = delta.last_settle_at - started;
	pm_stats_add(&delta);
	return complete;
}

/* ---- when ---- */

/* The last whole multiple of the interval, from which rounds have their number */
static int64
last_edge(int64 now)
{
	int64		past = now % pm_worker_settle_interval;

	return now - (past < 0 ? past + pm_worker_settle_interval : past);
}

static void
make_failures(void)
{
	HASHCTL		info = {0};

	failure_context = AllocSetContextCreate(TopMemoryContext, "failed settlements", ALLOCSET_DEFAULT_SIZES);
	info.keysize = sizeof(FailureKey);
	info.entrysize = sizeof(Failure);
	info.hcxt = failure_context;
	failures = hash_create("failed settlements", 64, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
pm_settle_main(Datum main_arg)
{
	MemoryContext context;
	int64		done = PM_SECOND_MIN;

	pm_work_connect();
	make_failures();
	context = AllocSetContextCreate(TopMemoryContext, "pool_manager ledger", ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		long		nap = MAX_NAPTIME;

		MemoryContextSwitchTo(context);
		if (pm_worker_settle_interval > 0)
		{
			int64		round = last_edge(pm_second(pm_writing_clock()));

			if (round != done)
				done = run_round(round) ? round : PM_SECOND_MIN;
			if (done != round)
				nap = RETRY_NAPTIME;
			else
				nap = Min(nap, 1000 * (round + pm_worker_settle_interval - pm_second(pm_writing_clock())));
		}
		MemoryContextReset(context);
		pm_work_wait(Max(nap, 0));
	}
}
