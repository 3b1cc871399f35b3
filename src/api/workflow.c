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
#include "utils/numeric.h"

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

typedef enum PhaseValue
{
	VALUE_STRING, VALUE_INTEGER, VALUE_BOOLEAN, VALUE_RESOURCES, VALUE_ANY
} PhaseValue;

/* Those whose values are checked like the arguments they are may be anything here */
static const struct
{
	const char *name;
	PhaseValue	value;
}			phase_keys[] = {
	{"name", VALUE_STRING}, {"flavor", VALUE_STRING}, {"request", VALUE_RESOURCES},
	{"replicas", VALUE_INTEGER}, {"min_replicas", VALUE_INTEGER}, {"priority", VALUE_INTEGER},
	{"time_limit", VALUE_STRING}, {"node_selector", VALUE_ANY}, {"tolerations", VALUE_ANY},
	{"sub_pool", VALUE_STRING}, {"preemptible", VALUE_BOOLEAN}, {"max_retries", VALUE_INTEGER},
	{"mounts", VALUE_ANY}, {"tags", VALUE_ANY}
};

/* Index of the key in phase_keys; -1: it means nothing */
static int
phase_key(const JsonbValue *key)
{
	for (int i = 0; i < (int) lengthof(phase_keys); i++)
	{
		if ((int) strlen(phase_keys[i].name) == key->val.string.len &&
			memcmp(phase_keys[i].name, key->val.string.val, key->val.string.len) == 0)
			return i;
	}
	return -1;
}

static bool
is_integer(const JsonbValue *value)
{
	bool		failed = false;
	int32		number;

	if (value->type != jbvNumeric)
		return false;
	number = numeric_int4_opt_error(value->val.numeric, &failed);
	return !failed && DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(value->val.numeric),
													   NumericGetDatum(int64_to_numeric(number))));
}

/* What the value must be; NULL: it is that */
static const char *
wanted_value(PhaseValue wanted, const JsonbValue *value)
{
	if (value->type == jbvNull)
		return NULL;
	switch (wanted)
	{
		case VALUE_STRING:
			return value->type == jbvString ? NULL : "a string";
		case VALUE_INTEGER:
			return is_integer(value) ? NULL : "an integer";
		case VALUE_BOOLEAN:
			return value->type == jbvBool ? NULL : "true or false";
		case VALUE_RESOURCES:
			return value->type == jbvString ||
				(value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data)) ? NULL : "a string or an object";
		case VALUE_ANY:
			break;
	}
	return NULL;
}

/* An array of 1 to 100 objects without unknown keys and values of other types */
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
		int			key = -1;

		if (phase->type != jbvBinary || !JsonContainerIsObject(phase->val.binary.data))
			pm_invalid_argument("phases", psprintf("Element %d is not an object.", i + 1),
								"Write it like {\"flavor\": \"train\", \"replicas\": 4}.");
		it = JsonbIteratorInit(phase->val.binary.data);
		while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		{
			const char *wanted = token == WJB_VALUE ? wanted_value(phase_keys[key].value, &value) : NULL;

			if (wanted)
				pm_invalid_argument("phases", psprintf("\"%s\" of phase %d must be %s.", phase_keys[key].name, i + 1, wanted),
									"Values are like the arguments of submit_job.");
			if (token == WJB_KEY)
				key = phase_key(&value);
			if (token == WJB_KEY && key < 0)
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
