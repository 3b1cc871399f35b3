/*-------------------------------------------------------------------------
 *
 * simulate.c
 *	  simulate(): what would become of these jobs on those nodes?
 *
 * Both come from queries that run as the caller, as quotas do.  No table of the
 * extension is read, so that there is no switch of roles here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/check.h"
#include "api/schedule.h"
#include "api/simulate.h"
#include "api/submit.h"

#define MAX_LEVELS		8		/* of a topology */
#define MAX_COUNT		100000
#define MAX_DEVICES		1024
#define MAX_RESERVATIONS	10000

enum
{
	ARG_NODE_QUERY, ARG_JOB_QUERY, ARG_QUEUE_POLICY, ARG_PLACEMENT, ARG_JOB_ORDER, ARG_BACKFILL_ORDER,
	ARG_RESERVATIONS, ARG_STEP_TIMEOUT, ARG_TOPOLOGY_LEVELS, ARG_QUOTA_QUERY, ARG_PREEMPTION, ARG_RECLAIM,
	ARG_MIN_RUNTIME, ARG_PREEMPTION_DELAY
};

/* ---- checks of rows ---- */

/* Devices of a resource on one node; 0: it is no number of whole devices */
static int64
devices_of(const PmResourceList *resources, const char *name, int len)
{
	int64		amount = pm_resource_get(resources, name, len);

	if (pm_resource_in_bytes(name, len) || amount % PM_DEVICE_WHOLE != 0 ||
		amount > MAX_DEVICES * PM_DEVICE_WHOLE)
		return 0;
	return amount / PM_DEVICE_WHOLE;
}

/*
 * Unless it is said, the accelerator is the one resource with a domain in its
 * name, as in nvidia.com/gpu, of which the node has whole devices.
 */
static char *
likely_accelerator(const PmResourceList *resources)
{
	char	   *found = NULL;

	for (uint32 i = 0; i < resources->count; i++)
	{
		PmResource	resource = pm_resource_entry(resources, i);

		if (memchr(resource.name, '/', resource.name_len) == NULL)
			continue;
		if (found != NULL || devices_of(resources, resource.name, resource.name_len) == 0)
			return NULL;
		found = pnstrdup(resource.name, resource.name_len);
	}
	return found;
}

static void
check_not_negative(const PmResourceList *list, const char *column)
{
	for (uint32 i = 0; i < list->count; i++)
		if (pm_resource_entry(list, i).value < 0)
			pm_invalid_argument(column, "No resource is negative.", "Leave out what is not there.");
}

static void
check_node(PmSimNodeRow *row, const PmSimLevels *levels)
{
	pm_check_name(row->name, "name");
	check_not_negative(row->resources, "resources");
	if (row->count < 1 || row->count > MAX_COUNT)
		pm_invalid_argument("count", "It must be between 1 and 100000.", "Leave out the column for one node a row.");
	pm_check_labels(row->labels, "labels");
	pm_check_taints(row->taints, "taints", false);
	pm_check_sim_domains(row, levels);
	if (row->accelerator == NULL)
		row->accelerator = likely_accelerator(row->resources);
	else if (row->accelerator[0] == '\0')
		row->accelerator = NULL;
	else if (devices_of(row->resources, row->accelerator, strlen(row->accelerator)) == 0)
		pm_invalid_argument("accelerator", "It must name a resource of the node, of which there are 1 to 1024 whole devices.",
							"An empty string says that no resource is tracked by device.");
}

static void
check_job(PmSimJobRow *row, const PmSimLevels *levels)
{
	if (TIMESTAMP_NOT_FINITE(row->submitted_at))
		pm_invalid_argument("submitted_at", "It must be finite.", "Leave out jobs that are not submitted.");
	if (row->request->count == 0)
		pm_invalid_argument("request", "It must ask for something.",
							"Write it like cpu=8,memory=64Gi,nvidia.com/gpu=1.");
	check_not_negative(row->request, "request");
	if (row->replicas < 1)
		pm_invalid_argument("replicas", "It must be 1 or more.", "Leave out the column for one replica.");
	if (row->min_replicas < 1 || row->min_replicas > row->replicas)
		pm_invalid_argument("min_replicas", "It must be between 1 and \"replicas\".",
							"Leave out the column if all replicas must start together.");
	if (row->priority < PG_INT16_MIN || row->priority > PG_INT16_MAX)
		pm_invalid_argument("priority", "It must be between -32768 and 32767.", "Leave out the column for 1.");
	if (row->duration)
		row->duration = pm_exact_interval(row->duration, "duration");
	if (row->time_limit)
		row->time_limit = pm_exact_interval(row->time_limit, "time_limit");
	pm_check_labels(row->node_selector, "node_selector");
	pm_check_taints(row->tolerations, "tolerations", true);
	pm_check_sim_rules(row, levels);
	row->ndependencies = pm_read_dependencies(row->depends_on, &row->dependencies);
}

static void
check_quota(const PmSimQuotaRow *row)
{
	if (row->name)
		pm_check_name(row->name, "name");
	else if (row->parent)
		pm_invalid_argument("parent", "What has no name is a part of the pool itself.", "Leave out parent, or give it a name.");
	check_not_negative(row->guaranteed, "guaranteed");
	if (row->upper && !pm_resource_list_contains(row->upper, row->guaranteed))
		pm_invalid_argument("upper", "It is less than what is guaranteed.",
							"What it does not list is not offered; NULL is no bound.");
	if (row->upper && row->upper->count == 0)
		pm_invalid_argument("upper", "It must offer something.", "NULL is no bound.");
	if (row->borrow_limit)
		check_not_negative(row->borrow_limit, "borrow_limit");
	if (row->lend_limit)
		check_not_negative(row->lend_limit, "lend_limit");
}

/* The first job with this request */
static int64
job_of_request(const PmSimInput *input, int request)
{
	for (int i = 0; i < input->queue.njobs; i++)
	{
		const PmShape *shape = &input->queue.shapes[input->queue.jobs[i].shape];

		for (int g = 0; g < shape->ngroups; g++)
			if (shape->groups[g].request == request)
				return input->job_ids[i];
	}
	pg_unreachable();
}

/* Of devices a replica has a part of one, or whole ones */
static void
check_devices(const PmSimInput *input)
{
	bool	   *by_device = palloc0(sizeof(bool) * Max(input->cluster.ndims, 1));

	for (int n = 0; n < input->cluster.nnodes; n++)
		if (input->cluster.nodes[n].accelerator >= 0)
			by_device[input->cluster.nodes[n].accelerator] = true;
	for (int r = 0; r < input->queue.nrequests; r++)
	{
		for (int d = 0; d < input->cluster.ndims; d++)
		{
			int64		amount = input->queue.requests[r].amounts[d];

			if (by_device[d] && amount > PM_DEVICE_WHOLE && amount % PM_DEVICE_WHOLE != 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("no node can hold a replica of job " INT64_FORMAT, job_of_request(input, r)),
						 errdetail("It asks for %s of \"%s\", which is given out as a part of one device or as whole devices.",
								   pm_resource_quantity_text(input->terms->dimensions[d], strlen(input->terms->dimensions[d]), amount),
								   input->terms->dimensions[d]),
						 errhint("Ask for less than 1, or for a whole number.")));
		}
	}
	pfree(by_device);
}

/* ---- the call ---- */

/* A length of time that may be 0 */
static int64
length_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	const Interval *given = PG_GETARG_INTERVAL_P(n);

	if (given->month == 0 && given->day == 0 && given->time == 0)
		return 0;
	return pm_exact_interval(given, name)->time;
}

static PmPolicy
policy_of(FunctionCallInfo fcinfo)
{
	PmPolicy	policy = {0};

	policy.queue = pm_queue_policy(pm_enum_arg(fcinfo, ARG_QUEUE_POLICY));
	policy.placement = pm_placement_policy(pm_enum_arg(fcinfo, ARG_PLACEMENT));
	policy.order = strcmp(pm_enum_arg(fcinfo, ARG_JOB_ORDER), "shortest") == 0 ? PM_ORDER_SHORTEST : PM_ORDER_PRIORITY;
	policy.backfill_shortest = strcmp(pm_enum_arg(fcinfo, ARG_BACKFILL_ORDER), "shortest") == 0;
	policy.reservations = PG_GETARG_INT32(ARG_RESERVATIONS);
	if (policy.reservations < 0 || policy.reservations > MAX_RESERVATIONS)
		pm_invalid_argument("reservations", "It must be between 0, for all, and 10000.",
							"Leave out the argument for 1.");
	policy.step_timeout = pm_exact_interval(PG_GETARG_INTERVAL_P(ARG_STEP_TIMEOUT), "step_timeout")->time;
	policy.preemption = pm_preemption_policy(pm_enum_arg(fcinfo, ARG_PREEMPTION));
	policy.reclaim = pm_reclaim_policy(pm_enum_arg(fcinfo, ARG_RECLAIM));
	policy.min_runtime = length_arg(fcinfo, ARG_MIN_RUNTIME, "min_runtime");
	policy.preemption_delay = length_arg(fcinfo, ARG_PREEMPTION_DELAY, "preemption_delay");
	return policy;
}

/* As the domain level_list has it for pools */
static PmSimLevels
levels_of(FunctionCallInfo fcinfo)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(ARG_TOPOLOGY_LEVELS);
	PmSimLevels levels;
	Datum	   *names;
	bool	   *nulls;
	bool		valid;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &levels.count);
	valid = ARR_NDIM(array) <= 1 && levels.count <= MAX_LEVELS;
	levels.names = palloc(sizeof(char *) * Max(levels.count, 1));
	for (int l = 0; l < levels.count && valid; l++)
	{
		char	   *name = nulls[l] ? "" : TextDatumGetCString(names[l]);

		valid = name[0] != '\0' && strcmp(name, "pool") != 0 && strcmp(name, "node") != 0;
		for (int before = 0; before < l; before++)
			valid &= strcmp(levels.names[before], name) != 0;
		levels.names[l] = name;
	}
	if (!valid)
		pm_invalid_argument("topology_levels",
							"It must be an array of at most 8 different names, the widest level first, none of them empty, \"pool\" or \"node\".",
							"Write it like {zone,rack}; level \"node\" is below them by itself.");
	return levels;
}

/* Waits and the makespan are differences of instants: from the first submission to the last event they must not overflow */
static void
check_length(const PmSimulation *simulation)
{
	int64		first = PM_NEVER;
	int64		last = PG_INT64_MIN;
	int64		length;

	for (int i = 0; i < simulation->queue->njobs; i++)
	{
		const PmSimRun *run = &simulation->runs[i];

		first = Min(first, simulation->queue->jobs[i].submitted_at);
		last = Max(last, simulation->queue->jobs[i].submitted_at);
		if (run->started_at != PM_NEVER)
			last = Max(last, run->started_at);
		if (run->ended_at != PM_NEVER)
			last = Max(last, run->ended_at);
	}
	if (simulation->queue->njobs > 0 && pg_sub_s64_overflow(last, first, &length))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("interval out of range"),
				 errdetail("The simulation goes on for longer than 64 bits of microseconds can say."),
				 errhint("Submit the jobs within fewer years.")));
}

PmSimInput *
pm_simulate_call(FunctionCallInfo fcinfo, PmSimulation *simulation)
{
	static const PmSimChecks checks = {check_node, check_job, check_quota};
	PmSimQueries queries;
	PmSimLevels levels;
	PmSimInput *input;

	pm_refuse_nulls(fcinfo);
	levels = levels_of(fcinfo);
	memset(simulation, 0, sizeof(PmSimulation));
	simulation->policy = policy_of(fcinfo);
	queries.nodes = pm_text_arg(fcinfo, ARG_NODE_QUERY);
	queries.jobs = pm_text_arg(fcinfo, ARG_JOB_QUERY);
	queries.quotas = pm_text_arg(fcinfo, ARG_QUOTA_QUERY);
	input = pm_read_simulation(&queries, &levels, &checks);
	check_devices(input);
	simulation->cluster = &input->cluster;
	simulation->queue = &input->queue;
	simulation->durations = input->durations;
	simulation->preemptible = input->preemptible;
	simulation->ndependencies = input->ndependencies;
	simulation->dependencies = input->dependencies;
	pm_simulate(simulation);
	check_length(simulation);
	return input;
}

Datum
pm_instant_datum(int64 instant, bool *isnull)
{
	*isnull = instant == PM_NEVER;
	if (!*isnull && !IS_VALID_TIMESTAMP(instant))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range"),
				 errdetail("The simulation goes on for longer than a timestamp can say."),
				 errhint("Simulate fewer or shorter jobs, or more nodes.")));
	return TimestampTzGetDatum(instant);
}

Datum
pm_length_datum(int64 microseconds)
{
	Interval   *length = palloc0(sizeof(Interval));

	length->day = (int32) (microseconds / USECS_PER_DAY);
	length->time = microseconds % USECS_PER_DAY;
	return IntervalPGetDatum(length);
}

/* {"name": replicas, ...} */
static Datum
nodes_datum(const PmSimInput *input, const PmSimPlacement *placements, int n)
{
	JsonbParseState *state = NULL;
	JsonbValue *object;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < n; i++)
	{
		JsonbValue	value;

		value.type = jbvString;
		value.val.string.val = input->node_names[placements[i].node];
		value.val.string.len = strlen(value.val.string.val);
		(void) pushJsonbValue(&state, WJB_KEY, &value);
		value.type = jbvNumeric;
		value.val.numeric = int64_to_numeric(placements[i].replicas);
		(void) pushJsonbValue(&state, WJB_VALUE, &value);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(object));
}

PG_FUNCTION_INFO_V1(pm_simulate_jobs);

Datum
pm_simulate_jobs(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "simulated jobs", ALLOCSET_DEFAULT_SIZES);
	MemoryContext row = AllocSetContextCreate(context, "row of simulate", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	PmSimulation simulation;
	PmSimInput *input;

	InitMaterializedSRF(fcinfo, 0);
	old = MemoryContextSwitchTo(context);
	input = pm_simulate_call(fcinfo, &simulation);
	MemoryContextSwitchTo(row);
	for (int i = 0; i < input->queue.njobs; i++)
	{
		const PmSimRun *run = &simulation.runs[i];
		Datum		values[7] = {0};
		bool		nulls[7] = {0};

		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		values[0] = Int64GetDatum(input->job_ids[i]);
		values[1] = TimestampTzGetDatum(input->queue.jobs[i].submitted_at);
		values[2] = pm_instant_datum(run->started_at, &nulls[2]);
		values[3] = pm_instant_datum(run->ended_at, &nulls[3]);
		nulls[4] = nulls[5] = nulls[2];
		if (!nulls[2])
		{
			values[4] = pm_length_datum(run->started_at - input->queue.jobs[i].submitted_at);
			values[5] = nodes_datum(input, simulation.placements + run->first_placement, run->nplacements);
		}
		values[6] = Int32GetDatum(run->preemptions);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextReset(row);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
