/*-------------------------------------------------------------------------
 *
 * workflow.c
 *	  submit_workflow: jobs that run one after the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"

#include "api/args.h"
#include "api/check.h"
#include "api/objects.h"
#include "api/request.h"
#include "api/submit.h"
#include "store/phase.h"

#define MAX_PHASES		100

enum
{
	ARG_POOL, ARG_NAME, ARG_PHASES, ARG_TENANT, ARG_WORKSPACE, ARG_REQUEST_ID
};

static void
error_phase(void *arg)
{
	int			current = *(int *) arg;

	if (current >= 0)
		errcontext("phase %d of the workflow", current + 1);
}

static const PmObjectKey phase_keys[] = {
	{"name", PM_VALUE_STRING}, {"flavor", PM_VALUE_STRING}, {"request", PM_VALUE_RESOURCES},
	{"replicas", PM_VALUE_INTEGER}, {"min_replicas", PM_VALUE_INTEGER}, {"priority", PM_VALUE_INTEGER},
	{"time_limit", PM_VALUE_STRING}, {"node_selector", PM_VALUE_ANY}, {"tolerations", PM_VALUE_ANY},
	{"sub_pool", PM_VALUE_STRING}, {"preemptible", PM_VALUE_BOOLEAN}, {"max_retries", PM_VALUE_INTEGER},
	{"mounts", PM_VALUE_ANY}, {"task_groups", PM_VALUE_ANY}, {"affinity_level", PM_VALUE_STRING},
	{"affinity_required", PM_VALUE_BOOLEAN}, {"group_level", PM_VALUE_STRING}, {"group_size", PM_VALUE_INTEGER},
	{"spread_level", PM_VALUE_STRING}, {"max_per_domain", PM_VALUE_INTEGER},
	{"depends_on", PM_VALUE_STRING}, {"not_before", PM_VALUE_STRING},
	{"retry_backoff", PM_VALUE_STRING}, {"retry_on_failure", PM_VALUE_BOOLEAN}, {"tags", PM_VALUE_ANY}
};

static const PmObjectForm phase_form = {
	"phases", "phase", MAX_PHASES,
	"[{\"flavor\": \"prepare\"}, {\"flavor\": \"train\", \"replicas\": 4}]",
	"{\"flavor\": \"train\", \"replicas\": 4}",
	lengthof(phase_keys), phase_keys
};

/* Submits the phases; their jobs' ids, in the caller's context */
static int
submit_phases(PmCall *call, FunctionCallInfo fcinfo, PmPoolInfo *pool, int64 tenant_id, int64 **ids)
{
	PmSubmission *submission = pm_begin_submission(call, pool, tenant_id);
	char	   *name = pm_name_arg(fcinfo, ARG_NAME, "name");
	int64		workspace_id = PG_ARGISNULL(ARG_WORKSPACE) ? 0 : pm_workspace_arg(call, fcinfo, ARG_WORKSPACE, tenant_id);
	PmJobSpec  *jobs;
	ErrorContextCallback where;
	int			current = -1;
	int			n;

	pm_check_objects(PG_GETARG_JSONB_P(ARG_PHASES), &phase_form);
	n = pm_read_phases(PG_GETARG_JSONB_P(ARG_PHASES), &jobs);
	for (int i = 0; i < n; i++)
	{
		jobs[i].name = jobs[i].name ? psprintf("%s.%s", name, jobs[i].name) : psprintf("%s.%d", name, i + 1);
		jobs[i].kind = "workflow";
		jobs[i].workspace_id = workspace_id;
	}
	where.callback = error_phase;
	where.arg = &current;
	where.previous = error_context_stack;
	error_context_stack = &where;
	pm_submit_batch(call, submission, jobs, n, &current);
	error_context_stack = where.previous;
	pm_keep_promise(call, submission, jobs, n);

	*ids = MemoryContextAlloc(call->caller, sizeof(int64) * n);
	for (int i = 0; i < n; i++)
		(*ids)[i] = jobs[i].job_id;
	return n;
}

PG_FUNCTION_INFO_V1(pm_submit_workflow);

Datum
pm_submit_workflow(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PmCall		call;
	PmRequested requested;
	PmPoolInfo *pool;
	int64		tenant_id;
	int64	   *ids;
	int			n;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pm_begin(&call, fcinfo);
	pm_refuse_nulls(fcinfo);
	pool = pm_pool_arg(&call, fcinfo, ARG_POOL);
	tenant_id = pm_tenant_arg(&call, fcinfo, ARG_TENANT);
	if (tenant_id == 0)
		tenant_id = pool->dedicated ? pool->tenant_id : pm_default_tenant(&call);
	pm_require(&call, tenant_id, PM_ACCESS_MEMBER);
	if (pm_is_repeated(&call, fcinfo, tenant_id, &requested))
	{
		ids = requested.results;
		n = requested.nresults;
	}
	else
	{
		n = submit_phases(&call, fcinfo, pool, tenant_id, &ids);
		pm_request_done(&requested, ids, n);
	}
	pm_end(&call);

	for (int i = 0; i < n; i++)
	{
		Datum		value = Int64GetDatum(ids[i]);
		bool		isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	}
	return (Datum) 0;
}
