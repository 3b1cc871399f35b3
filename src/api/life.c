/*-------------------------------------------------------------------------
 *
 * life.c
 *	  start_job, finish_job, cancel_job, hold_job, release_job.
 *
 * A job that waits is changed by its own row's lock; one that runs, under the
 * pool's.  Which it is may change while a call waits: see change_waiting().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/metering.h"
#include "errors.h"
#include "store/registry.h"
#include "store/run.h"

/* PM002: the job is in another state than the call needs */
static void
wrong_state(int64 job_id, const char *wanted, const char *is)
{
	ereport(ERROR,
			(errcode(ERRCODE_PM_WRONG_STATE),
			 errmsg("job " INT64_FORMAT " is not %s", job_id, wanted),
			 errdetail("It is %s.", is),
			 errhint("The view job_status shows it.")));
}

static const char *
state_now(PmJobInfo *job, const PmRun *run)
{
	if (job->end_state)
		return job->end_state;
	if (run)
		return run->state;
	return job->queue_state ? job->queue_state : "being changed by another session";
}

typedef char *(*WaitingChange) (PmCall *call, PmJobInfo *job);

/*
 * Tries a change of a waiting job in a subtransaction; NULL if the job does
 * not wait (any more).  Then the row's lock is given back, so that the pool's
 * lock can be taken without waiting for it the wrong way round.
 *
 * An error must end the subtransaction before it goes on: one left open would
 * be taken for his own by a caller that catches the error, and restored for
 * him would be what was in force when it began, the extension's owner.
 */
static char *
change_waiting(PmCall *call, PmJobInfo *job, WaitingChange change)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile state = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		state = change(call, job);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		ReThrowError(error);
	}
	PG_END_TRY();
	if (state)
		ReleaseCurrentSubTransaction();
	else
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return state;
}

/* The job by the argument, and the right to act for its tenant */
static PmJobInfo *
job_of_tenant(PmCall *call, FunctionCallInfo fcinfo)
{
	PmJobInfo  *job;

	pm_not_null(fcinfo, 0, "job");
	job = pm_find_job(call, PG_GETARG_INT64(0));
	pm_require(call, job->tenant_id, PM_ACCESS_MEMBER);
	return job;
}

/* The same for what only those may do who run the pool */
static PmJobInfo *
job_of_pool(PmCall *call, FunctionCallInfo fcinfo)
{
	PmJobInfo  *job;

	pm_not_null(fcinfo, 0, "job");
	job = pm_find_job(call, PG_GETARG_INT64(0));
	pm_require(call, job->pool_tenant_id, PM_ACCESS_MEMBER);
	return job;
}

/* ---- waiting jobs ---- */

static char *
hold(PmCall *call, PmJobInfo *job)
{
	return pm_change_queued(call, job, "queued", "held");
}

static char *
release(PmCall *call, PmJobInfo *job)
{
	return pm_change_queued(call, job, "held", "queued");
}

static Datum
hold_or_release(FunctionCallInfo fcinfo, WaitingChange change, const char *from)
{
	PmCall		call;
	PmJobInfo  *job;
	char	   *state;

	pm_begin(&call, fcinfo);
	job = job_of_tenant(&call, fcinfo);
	state = change_waiting(&call, job, change);
	if (state == NULL)
	{
		job = pm_find_job(&call, job->job_id);
		wrong_state(job->job_id, from, state_now(job, pm_find_run(job->pool_id, job->job_id)));
	}
	if (strcmp(state, from) != 0)
		wrong_state(job->job_id, from, state);
	pm_end(&call);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pm_hold_job);

Datum
pm_hold_job(PG_FUNCTION_ARGS)
{
	return hold_or_release(fcinfo, hold, "queued");
}

PG_FUNCTION_INFO_V1(pm_release_job);

Datum
pm_release_job(PG_FUNCTION_ARGS)
{
	return hold_or_release(fcinfo, release, "held");
}

/* ---- jobs with a run ---- */

/* Ends the run now, or tells its agent to; returns the job's new state */
static const char *
cancel_run(PmCall *call, PmJobInfo *job)
{
	TimestampTz instant = pm_lock_pool(job->pool_id);
	TimestampTz ended_at;
	PmRun	   *run = pm_find_run(job->pool_id, job->job_id);
	PmRunEnd	end = {0};

	/* as it is now that the lock is held */
	job = pm_find_job(call, job->job_id);
	if (run == NULL)
		wrong_state(job->job_id, "waiting or running", state_now(job, NULL));
	if (run->stop_state)
		wrong_state(job->job_id, "waiting or running", run->state);
	if (job->agent)
	{
		pm_stop_runs(call, job->pool_id, &run->run_id, 1, "cancelled", instant, NULL);
		return "stopping";
	}
	end.run_id = run->run_id;
	end.state = "cancelled";
	ended_at = pm_end_runs(call, job->pool_id, &end, 1, instant, NULL);
	if (ended_at > instant)
		pm_advance_pool(job->pool_id, ended_at);
	return "cancelled";
}

PG_FUNCTION_INFO_V1(pm_cancel_job);

Datum
pm_cancel_job(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmJobInfo  *job;
	const char *state = "cancelled";
	Datum		result;

	pm_begin(&call, fcinfo);
	job = job_of_tenant(&call, fcinfo);
	if (change_waiting(&call, job, pm_cancel_queued) == NULL)
		state = cancel_run(&call, job);
	result = pm_enum_datum("job_state", state);
	pm_end(&call);
	return result;
}

PG_FUNCTION_INFO_V1(pm_start_job);

Datum
pm_start_job(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmJobInfo  *job;
	PmRun	   *run;
	PmHeld	   *held;
	TimestampTz instant;
	int			n;

	pm_begin(&call, fcinfo);
	job = job_of_pool(&call, fcinfo);
	instant = pm_lock_pool(job->pool_id);
	run = pm_find_run(job->pool_id, job->job_id);
	if (run == NULL || strcmp(run->state, "starting") != 0)
	{
		job = pm_find_job(&call, job->job_id);
		wrong_state(job->job_id, "starting", state_now(job, run));
	}
	pm_start_run(&call, job->pool_id, run, instant);
	n = pm_read_held(job->pool_id, run, &held);
	pm_meter_held(job->pool_id, held, n, instant);
	pm_end(&call);
	PG_RETURN_VOID();
}

/* How the run ends, given what the caller says */
static const char *
end_state(PmJobInfo *job, const PmRun *run, const char *outcome)
{
	if (strcmp(outcome, "completed") != 0 && strcmp(outcome, "failed") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a job cannot finish as \"%s\"", outcome),
				 errdetail("The outcome is completed or failed."),
				 errhint("Use cancel_job() to cancel a job.")));
	if (run->stop_state)
		return run->stop_state;
	if (strcmp(run->state, "starting") == 0 && strcmp(outcome, "completed") == 0)
		wrong_state(job->job_id, "running", run->state);
	return outcome;
}

PG_FUNCTION_INFO_V1(pm_finish_job);

Datum
pm_finish_job(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmJobInfo  *job;
	PmRun	   *run;
	PmRunEnd	end = {0};
	TimestampTz instant;
	TimestampTz ended_at;
	Datum		result;

	pm_begin(&call, fcinfo);
	job = job_of_pool(&call, fcinfo);
	pm_not_null(fcinfo, 1, "outcome");
	instant = pm_lock_pool(job->pool_id);
	run = pm_find_run(job->pool_id, job->job_id);
	if (run == NULL)
	{
		job = pm_find_job(&call, job->job_id);
		wrong_state(job->job_id, "running", state_now(job, NULL));
	}
	end.run_id = run->run_id;
	end.state = end_state(job, run, pm_enum_arg(fcinfo, 1));
	end.has_exit_code = !PG_ARGISNULL(2);
	end.exit_code = end.has_exit_code ? PG_GETARG_INT32(2) : 0;
	ended_at = pm_end_runs(&call, job->pool_id, &end, 1, instant, NULL);
	if (ended_at > instant)
		pm_advance_pool(job->pool_id, ended_at);
	result = pm_enum_datum("job_state", end.state);
	pm_end(&call);
	return result;
}
