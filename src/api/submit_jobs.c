/*-------------------------------------------------------------------------
 *
 * submit_jobs.c
 *	  submit_jobs: a batch of jobs from a query.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/memutils.h"

#include "api/args.h"
#include "api/submit.h"
#include "store/user_query.h"

static void
error_row(void *arg)
{
	int			current = *(int *) arg;

	if (current >= 0)
		errcontext("row %d of the query", current + 1);
}

static void
resolve_workspaces(PmCall *call, PmSubmission *submission, PmJobSpec *jobs,
				   int n, int *current)
{
	const char *last = NULL;
	int64		last_id = 0;

	for (*current = 0; *current < n; (*current)++)
	{
		const char *name = jobs[*current].workspace;

		if (name == NULL)
			continue;
		if (last == NULL || strcmp(last, name) != 0)
			last_id = pm_find_workspace(call, submission->tenant_id, name, 0);
		last = name;
		jobs[*current].workspace_id = last_id;
	}
}

PG_FUNCTION_INFO_V1(pm_submit_jobs);

Datum
pm_submit_jobs(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "jobs of a query",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	ErrorContextCallback where;
	PmCall		call;
	PmSubmission *submission;
	PmJobSpec  *jobs;
	int			current = -1;
	int			n;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pm_not_null(fcinfo, 1, "job_query");
	old = MemoryContextSwitchTo(context);
	n = pm_run_job_query(pm_text_arg(fcinfo, 1), &jobs);
	MemoryContextSwitchTo(old);

	pm_begin(&call, fcinfo);
	submission = pm_begin_submission(&call, pm_pool_arg(&call, fcinfo, 0),
									 pm_tenant_arg(&call, fcinfo, 2));
	where.callback = error_row;
	where.arg = &current;
	where.previous = error_context_stack;
	error_context_stack = &where;
	resolve_workspaces(&call, submission, jobs, n, &current);
	pm_submit_batch(&call, submission, jobs, n, &current);
	error_context_stack = where.previous;
	pm_keep_promise(&call, submission, jobs, n);
	pm_end(&call);

	for (int i = 0; i < n; i++)
	{
		Datum		value = Int64GetDatum(jobs[i].job_id);
		bool		isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	}
	MemoryContextDelete(context);
	return (Datum) 0;
}
