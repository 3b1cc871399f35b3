/*-------------------------------------------------------------------------
 *
 * life.c
 *	  start_job, finish_job, requeue_job, cancel_job, stop_job, resume_job,
 *	  hold_job, release_job, set_priority.
 *
 * A job that waits is changed by its own row's lock; one that runs, under the
 * pool's.  Which it is may change while a call waits: see change_waiting().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/check.h"
#include "api/interrupt.h"
#include "api/life.h"
#include "api/metering.h"
#include "api/schedule.h"
#include "api/submit.h"
#include "errors.h"
#include "store/attempt.h"
#include "store/registry.h"
#include "store/run.h"

/* PM002: the job is in another state than the call needs */
void
pm_wrong_job_state(int64 job_id, const char *wanted, const char *is)
{
	ereport(ERROR,
			(errcode(ERRCODE_PM_WRONG_STATE),
			 errmsg("job " INT64_FORMAT " is not %s", job_id, wanted),
			 errdetail("It is %s.", is),
			 errhint("The view job_status shows it.")));
}

const char *
pm_job_state_now(PmJobInfo *job, const PmRun *run)
{
	if (job->end_state)
		return job->end_state;
	if (run)
		return run->state;
	return job->queue_state ? job->queue_state : "being changed by another session";
}

/* A change of a waiting job: in which of the states, to what */
typedef struct Change
{
	const char *from;			/* states, each between blanks; NULL: any */
	const char *to;				/* a state; NULL: the priority */
	int			priority;
} Change;

static char *
change_now(PmCall *call, PmJobInfo *job, const Change *change)
{
	if (change->to == NULL)
		return pm_prioritize_queued(call, job, change->from, change->priority);
	if (strcmp(change->to, "cancelled") == 0)
		return pm_cancel_queued(call, job);
	return pm_change_queued(call, job, change->from, change->to);
}

/* A change of a waiting job, and what became of it; NULL: it does not wait (any more) */
typedef struct Changing
{
	PmCall	   *call;
	PmJobInfo  *job;
	const Change *change;
	char	   *state;
} Changing;

static bool
try_change(void *state)
{
	Changing   *changing = state;

	changing->state = change_now(changing->call, changing->job, changing->change);
	return changing->state != NULL;
}

/*
 * Of a job that does not wait the row's lock is given back, so that the pool's
 * lock can be taken without waiting for it the wrong way round.
 */
static char *
change_waiting(PmCall *call, PmJobInfo *job, const Change *change)
{
	Changing	changing = {call, job, change, NULL};
	ErrorData  *error = pm_attempt(try_change, &changing);

	if (error)
		ReThrowError(error);
	return changing.state;
}

/* The job by the argument, and the right to act for its tenant */
PmJobInfo *
pm_job_of_tenant(PmCall *call, FunctionCallInfo fcinfo)
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

/* PM002 unless the job waits, and in one of the states */
static void
change_or_refuse(PmCall *call, PmJobInfo *job, const Change *change, const char *wanted)
{
	char	   *state = change_waiting(call, job, change);

	if (state == NULL)
	{
		job = pm_find_job(call, job->job_id);
		pm_wrong_job_state(job->job_id, wanted, pm_job_state_now(job, pm_find_run(job->pool_id, job->job_id)));
	}
	if (!pm_is_state_of(state, change->from))
		pm_wrong_job_state(job->job_id, wanted, state);
}

PG_FUNCTION_INFO_V1(pm_hold_job);

Datum
pm_hold_job(PG_FUNCTION_ARGS)
{
	static const Change hold = {" queued ", "held", 0};
	PmCall		call;

	pm_begin(&call, fcinfo);
	change_or_refuse(&call, pm_job_of_tenant(&call, fcinfo), &hold, "queued");
	pm_end(&call);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pm_release_job);

Datum
pm_release_job(PG_FUNCTION_ARGS)
{
	static const Change release = {" held ", "queued", 0};
	PmCall		call;

	pm_begin(&call, fcinfo);
	change_or_refuse(&call, pm_job_of_tenant(&call, fcinfo), &release, "held");
	pm_end(&call);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pm_set_priority);

Datum
pm_set_priority(PG_FUNCTION_ARGS)
{
	Change		change = {" queued held waiting ", NULL, 0};
	PmCall		call;
	PmJobInfo  *job;

	pm_begin(&call, fcinfo);
	job = pm_job_of_tenant(&call, fcinfo);
	pm_not_null(fcinfo, 1, "priority");
	change.priority = PG_GETARG_INT32(1);
	if (change.priority < 1 || change.priority > 3)
		pm_invalid_argument("priority", "It must be 1, 2 or 3, of which 3 is looked at first.",
							"Give one of these.");
	if (!job->dedicated)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("job " INT64_FORMAT " is in a public pool, which has no priorities", job->job_id),
				 errdetail("Priorities are for dedicated pools."),
				 errhint("Submit the job to a dedicated pool.")));
	if (change.priority == 3)
		pm_require_high_priority(&call, job->tenant_id);
	change_or_refuse(&call, job, &change, "waiting in the queue");
	pm_end(&call);
	PG_RETURN_VOID();
}

/* ---- jobs with a run ---- */

/* The live run, which has not been told to stop; PM002 otherwise */
static PmRun *
live_run(PmCall *call, PmJobInfo *job, const char *wanted)
{
	PmRun	   *run = pm_find_run(job->pool_id, job->job_id);

	/* as it is now that the lock is held */
	if (run == NULL || run->stop_state)
		pm_wrong_job_state(job->job_id, wanted, pm_job_state_now(pm_find_job(call, job->job_id), run));
	return run;
}

/* Ends a run, under the pool's lock since the instant; what follows for jobs that depend on it too */
static void
end_run(PmCall *call, PmJobInfo *job, PmRunEnd *end, TimestampTz instant, const char *reason)
{
	TimestampTz ended_at = pm_end_runs(call, job->pool_id, end, 1, instant, reason);

	if (job->has_dependents && end->job_after == NULL)
		pm_release_dependents(call, job->pool_id, job->job_id, ended_at);
	if (ended_at > instant)
		pm_advance_pool(job->pool_id, ended_at);
}

/* The job's new state after a change of a waiting one, which was in that state */
static const char *
changed_to(PmJobInfo *job, const Change *change, const char *was, const char *wanted)
{
	if (change->from && !pm_is_state_of(was, change->from))
		pm_wrong_job_state(job->job_id, wanted, was);
	return change->to;
}

/*
 * Changes a job that waits, or ends the run of one that does not, now or by
 * telling its agent to; returns the job's new state.  While the call waited for
 * the pool's lock the job may have gone back into the queue.
 */
static const char *
change_or_stop(PmCall *call, PmJobInfo *job, const Change *change, const char *job_after, const char *wanted)
{
	const char *state = change->to;
	char	   *was = change_waiting(call, job, change);
	TimestampTz instant;
	PmRun	   *run;
	PmRunEnd	end = {0};

	if (was)
		return changed_to(job, change, was, wanted);
	instant = pm_lock_pool(job->pool_id);
	if (pm_find_run(job->pool_id, job->job_id) == NULL && (was = change_now(call, job, change)) != NULL)
		return changed_to(job, change, was, wanted);
	run = live_run(call, job, wanted);
	if (job->agent)
	{
		pm_stop_runs(call, job->pool_id, &run->run_id, 1, state, instant, NULL);
		return "stopping";
	}
	end.run_id = run->run_id;
	end.state = state;
	end.job_after = job_after;
	end_run(call, job, &end, instant, NULL);
	return state;
}

PG_FUNCTION_INFO_V1(pm_cancel_job);

Datum
pm_cancel_job(PG_FUNCTION_ARGS)
{
	static const Change cancel = {NULL, "cancelled", 0};
	PmCall		call;
	PmJobInfo  *job;
	Datum		result;

	pm_begin(&call, fcinfo);
	job = pm_job_of_tenant(&call, fcinfo);
	result = pm_enum_datum("job_state", change_or_stop(&call, job, &cancel, NULL, "waiting or running"));
	pm_end(&call);
	return result;
}

/* ---- rest ---- */

/* PM003 unless the job is of a kind that can come to rest */
static void
check_rests(PmJobInfo *job)
{
	if (strcmp(job->kind, "notebook") != 0 && strcmp(job->kind, "inference") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("job " INT64_FORMAT " is a %s job and cannot be stopped", job->job_id, job->kind),
				 errdetail("Only notebooks and services come to rest and begin again."),
				 errhint("Use cancel_job() to end it.")));
}

PG_FUNCTION_INFO_V1(pm_stop_job);

Datum
pm_stop_job(PG_FUNCTION_ARGS)
{
	static const Change stop = {" queued held waiting ", "stopped", 0};
	PmCall		call;
	PmJobInfo  *job;
	Datum		result;

	pm_begin(&call, fcinfo);
	job = pm_job_of_tenant(&call, fcinfo);
	check_rests(job);
	result = pm_enum_datum("job_state", change_or_stop(&call, job, &stop, "stopped", "waiting or running"));
	pm_end(&call);
	return result;
}

PG_FUNCTION_INFO_V1(pm_resume_job);

Datum
pm_resume_job(PG_FUNCTION_ARGS)
{
	static const Change resume = {" stopped ", "queued", 0};
	PmCall		call;
	PmJobInfo  *job;
	PmSubmission *submission;
	Datum		result;

	pm_begin(&call, fcinfo);
	job = pm_job_of_tenant(&call, fcinfo);
	check_rests(job);
	if (job->dedicated)
		(void) pm_lock_pool(job->pool_id);
	else
		pm_require_public_pools(&call, job->tenant_id);
	change_or_refuse(&call, job, &resume, "stopped");
	submission = pm_open_submission(pm_find_pool(&call, NULL, job->pool_id), job->tenant_id);
	pm_check_may_start(submission, true);
	pm_check_kind(submission, job->kind);
	pm_check_metered(job->pool_id, job->job_id);
	pm_check_cost(job->job_id);
	/* the dedicated promise */
	if (job->dedicated && !pm_is_queued_ahead(job->pool_id, job->job_id))
		(void) pm_run_pass(&call, submission->pool);
	job = pm_find_job(&call, job->job_id);
	result = pm_enum_datum("job_state", pm_job_state_now(job, pm_find_run(job->pool_id, job->job_id)));
	pm_end(&call);
	return result;
}

/* ---- agents ---- */

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
		pm_wrong_job_state(job->job_id, "starting", pm_job_state_now(job, run));
	}
	pm_start_run(&call, job->pool_id, run, instant);
	n = pm_read_held(job->pool_id, run, &held);
	pm_meter_held(job->pool_id, held, n, instant);
	if (job->has_dependents)
		pm_release_dependents(&call, job->pool_id, job->job_id, instant);
	pm_end(&call);
	PG_RETURN_VOID();
}

/* How the run ends, given what the caller says */
static void
set_end(PmJobInfo *job, const PmRun *run, const char *outcome, PmRunEnd *end)
{
	if (strcmp(outcome, "completed") != 0 && strcmp(outcome, "failed") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a job cannot finish as \"%s\"", outcome),
				 errdetail("The outcome is completed or failed."),
				 errhint("Use cancel_job() to cancel a job.")));
	/* what was done before it had to give way is done */
	if (run->stop_state && !(run->preempted && run->started && strcmp(outcome, "completed") == 0))
	{
		pm_end_as_told(end, run);
		pm_settle_failed(job->pool_id, end, 1);
		return;
	}
	if (strcmp(run->state, "starting") == 0 && strcmp(outcome, "completed") == 0)
		pm_wrong_job_state(job->job_id, "running", run->state);
	end->run_id = run->run_id;
	end->state = outcome;
	pm_settle_failed(job->pool_id, end, 1);
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
	Datum		result;

	pm_begin(&call, fcinfo);
	job = job_of_pool(&call, fcinfo);
	pm_not_null(fcinfo, 1, "outcome");
	instant = pm_lock_pool(job->pool_id);
	run = pm_find_run(job->pool_id, job->job_id);
	if (run == NULL)
	{
		job = pm_find_job(&call, job->job_id);
		pm_wrong_job_state(job->job_id, "running", pm_job_state_now(job, NULL));
	}
	set_end(job, run, pm_enum_arg(fcinfo, 1), &end);
	end.has_exit_code = !PG_ARGISNULL(2);
	end.exit_code = end.has_exit_code ? PG_GETARG_INT32(2) : 0;
	end_run(&call, job, &end, instant, NULL);
	result = pm_enum_datum("job_state", end.job_after ? end.job_after : end.state);
	pm_end(&call);
	return result;
}

PG_FUNCTION_INFO_V1(pm_requeue_job);

Datum
pm_requeue_job(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmJobInfo  *job;
	PmRunEnd	end = {0};
	TimestampTz instant;

	pm_begin(&call, fcinfo);
	job = job_of_pool(&call, fcinfo);
	instant = pm_lock_pool(job->pool_id);
	end.run_id = live_run(&call, job, "running")->run_id;
	end.state = "stopped";
	end.job_after = "queued";
	end_run(&call, job, &end, instant, "requeued");
	pm_end(&call);
	PG_RETURN_VOID();
}
