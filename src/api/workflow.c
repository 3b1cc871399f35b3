/*-------------------------------------------------------------------------
 *
 * workflow.c
 *	  submit_workflow: jobs that run one after the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/fmgrprotos.h"

#include "api/args.h"
#include "api/check.h"
#include "api/objects.h"
#include "api/request.h"
#include "api/submit.h"

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
	{"retry_backoff", PM_VALUE_STRING}, {"retry_on_failure", PM_VALUE_BOOLEAN},
	{"reservation", PM_VALUE_STRING}, {"max_cost", PM_VALUE_NUMBER}, {"tags", PM_VALUE_ANY}
};

static const PmObjectForm phase_form = {
	"phases", "phase", MAX_PHASES,
	"[{\"flavor\": \"prepare\"}, {\"flavor\": \"train\", \"replicas\": 4}]",
	"{\"flavor\": \"train\", \"replicas\": 4}",
	lengthof(phase_keys), phase_keys
};

/* What is missing has the default of submit_job */
static PmJobSpec *
read_phases(Jsonb *phases, const char *workflow, int64 workspace_id, int *n)
{
	Jsonb	   *no_labels = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	Jsonb	   *no_taints = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("[]")));
	PmJobSpec  *jobs;

	*n = pm_check_objects(phases, &phase_form);
	jobs = palloc0(sizeof(PmJobSpec) * *n);
	for (int i = 0; i < *n; i++)
	{
		PmObject	phase = pm_object_at(phases, &phase_form, i);
		PmJobSpec  *job = &jobs[i];
		char	   *name = pm_object_text(&phase, "name");

		job->name = name ? psprintf("%s.%s", workflow, name) : psprintf("%s.%d", workflow, i + 1);
		job->kind = "workflow";
		job->workspace_id = workspace_id;
		job->flavor = pm_object_text(&phase, "flavor");
		job->request = pm_object_resources(&phase, "request");
		job->replicas = pm_object_int32(&phase, "replicas", 1);
		job->min_replicas = pm_object_int32(&phase, "min_replicas", job->replicas);
		job->priority = pm_object_int32(&phase, "priority", 1);
		job->time_limit = pm_object_interval(&phase, "time_limit");
		job->node_selector = pm_object_json(&phase, "node_selector", no_labels);
		job->tolerations = pm_object_json(&phase, "tolerations", no_taints);
		job->sub_pool = pm_object_text(&phase, "sub_pool");
		job->preemptible = pm_object_bool(&phase, "preemptible", false);
		job->max_retries = pm_object_int32(&phase, "max_retries", 0);
		job->mounts = pm_object_json(&phase, "mounts", no_labels);
		job->task_groups = pm_object_json(&phase, "task_groups", NULL);
		job->affinity_level = pm_object_text(&phase, "affinity_level");
		job->affinity_required = pm_object_bool(&phase, "affinity_required", true);
		job->group_level = pm_object_text(&phase, "group_level");
		job->group_size = pm_object_int32(&phase, "group_size", 0);
		job->spread_level = pm_object_text(&phase, "spread_level");
		job->max_per_domain = pm_object_int32(&phase, "max_per_domain", 0);
		job->depends_on = pm_object_text(&phase, "depends_on");
		job->not_before = pm_object_time(&phase, "not_before", DT_NOBEGIN);
		job->retry_backoff = pm_object_interval(&phase, "retry_backoff");
		job->retry_on_failure = pm_object_bool(&phase, "retry_on_failure", false);
		job->reservation = pm_object_text(&phase, "reservation");
		job->max_cost = pm_object_numeric(&phase, "max_cost");
		job->tags = pm_object_json(&phase, "tags", no_labels);
		job->phase_no = i + 1;
	}
	return jobs;
}

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

	jobs = read_phases(PG_GETARG_JSONB_P(ARG_PHASES), name, workspace_id, &n);
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
