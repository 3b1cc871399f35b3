/*-------------------------------------------------------------------------
 *
 * workflow.c
 *	  submit_workflow: jobs that run one after the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "api/args.h"
#include "api/check.h"
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

static bool
is_phase_key(const JsonbValue *key)
{
	static const char *const keys[] = {
		"name", "flavor", "request", "replicas", "min_replicas", "priority", "time_limit", "node_selector",
		"tolerations", "sub_pool", "preemptible", "max_retries", "mounts", "tags"
	};

	for (int i = 0; i < (int) lengthof(keys); i++)
	{
		if ((int) strlen(keys[i]) == key->val.string.len &&
			memcmp(keys[i], key->val.string.val, key->val.string.len) == 0)
			return true;
	}
	return false;
}

/* An array of 1 to 100 objects without unknown keys */
static void
check_phases(Jsonb *phases)
{
	int			n = JB_ROOT_IS_ARRAY(phases) && !JB_ROOT_IS_SCALAR(phases) ? (int) JB_ROOT_COUNT(phases) : 0;

	if (n == 0 || n > MAX_PHASES)
		pm_invalid_argument("phases", "It must be an array of 1 to 100 objects, one a phase.",
							"Write it like [{\"flavor\": \"prepare\"}, {\"flavor\": \"train\", \"replicas\": 4}].");
	for (int i = 0; i < n; i++)
	{
		JsonbValue *phase = getIthJsonbValueFromContainer(&phases->root, i);
		JsonbIterator *it;
		JsonbValue	value;
		JsonbIteratorToken token;

		if (phase->type != jbvBinary || !JsonContainerIsObject(phase->val.binary.data))
			pm_invalid_argument("phases", psprintf("Element %d is not an object.", i + 1),
								"Write it like {\"flavor\": \"train\", \"replicas\": 4}.");
		it = JsonbIteratorInit(phase->val.binary.data);
		while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		{
			if (token == WJB_KEY && !is_phase_key(&value))
				pm_invalid_argument("phases",
									psprintf("Phase %d has a key \"%.*s\" that means nothing.",
											 i + 1, value.val.string.len, value.val.string.val),
									"Keys are named like the arguments of submit_job.");
		}
	}
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

	check_phases(PG_GETARG_JSONB_P(ARG_PHASES));
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
