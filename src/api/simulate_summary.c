/*-------------------------------------------------------------------------
 *
 * simulate_summary.c
 *	  simulate_summary(): the usual figures of a simulation, in one row.
 *
 * Sums are exact, in 128 bits; what is divided is cut to nine digits behind
 * the point, half up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "api/simulate.h"

#define DIGITS			9
#define SCALE			INT64CONST(1000000000)
#define SLOWDOWN_SCALE	INT64CONST(1000000000000)
#define TAU				(10 * USECS_PER_SEC)	/* shorter runs count as this long */

typedef struct Figures
{
	int			started;
	int			at_once;		/* did not wait */
	int64		preemptions;
	int64	   *waits;			/* [started], ascending */
	int128		total_wait;
	int128		total_slowdown; /* in steps of 1 / SLOWDOWN_SCALE */
	int64		first_submission;
	int64		last_submission;
	int64		last_event;
	int128	   *held;			/* [ndims] amount x time */
	int128	   *held_arriving;	/* the same, between first and last submission */
	int128	   *capacity;		/* [ndims] */
} Figures;

static inline int
wait_cmp(const int64 *a, const int64 *b)
{
	return *a < *b ? -1 : *a > *b;
}

#define ST_SORT sort_waits
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(a, b) wait_cmp(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* (wait + run) / max(run, tau), but at least 1; without an end it is 1 */
static int128
slowdown_of(int64 wait, int64 run)
{
	if (run == PM_NEVER)
		return SLOWDOWN_SCALE;
	return Max(((int128) wait + run) * SLOWDOWN_SCALE / Max(run, TAU), SLOWDOWN_SCALE);
}

static void
find_span(const PmSimInput *input, const PmSimulation *simulation, Figures *figures)
{
	for (int i = 0; i < input->queue.njobs; i++)
	{
		int64		submitted = input->queue.jobs[i].submitted_at;
		const PmSimRun *run = &simulation->runs[i];

		if (i == 0)
			figures->first_submission = figures->last_submission = figures->last_event = submitted;
		figures->first_submission = Min(figures->first_submission, submitted);
		figures->last_submission = Max(figures->last_submission, submitted);
		figures->last_event = Max(figures->last_event, submitted);
		if (run->started_at != PM_NEVER)
			figures->last_event = Max(figures->last_event, run->started_at);
		if (run->ended_at != PM_NEVER)
			figures->last_event = Max(figures->last_event, run->ended_at);
	}
}

/* What replicas of a job hold, for how long */
static void
add_held(const PmSimInput *input, int job, int64 replicas, int64 since, int64 until, Figures *figures)
{
	const PmShape *shape = &input->queue.shapes[input->queue.jobs[job].shape];
	const int64 *amounts = input->queue.requests[shape->groups[0].request].amounts;
	int64		end = Min(until, figures->last_event);
	int64		arriving = Min(end, figures->last_submission) - since;

	for (int d = 0; d < input->cluster.ndims; d++)
	{
		figures->held[d] += (int128) amounts[d] * replicas * (end - since);
		if (arriving > 0)
			figures->held_arriving[d] += (int128) amounts[d] * replicas * arriving;
	}
}

static int64
replicas_of(const PmSimulation *simulation, const PmSimRun *run)
{
	int64		replicas = 0;

	for (int p = 0; p < run->nplacements; p++)
		replicas += simulation->placements[run->first_placement + p].replicas;
	return replicas;
}

static void
add_up(const PmSimInput *input, const PmSimulation *simulation, Figures *figures)
{
	int			njobs = input->queue.njobs;
	Size		ndims = Max(input->cluster.ndims, 1);

	memset(figures, 0, sizeof(Figures));
	figures->held = palloc0(sizeof(int128) * ndims);
	figures->held_arriving = palloc0(sizeof(int128) * ndims);
	figures->capacity = palloc0(sizeof(int128) * ndims);
	figures->waits = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * (Size) Max(njobs, 1));
	find_span(input, simulation, figures);
	for (int n = 0; n < input->cluster.nnodes; n++)
		for (int d = 0; d < input->cluster.ndims; d++)
			figures->capacity[d] += input->cluster.nodes[n].capacity[d];
	for (int i = 0; i < njobs; i++)
	{
		const PmSimRun *run = &simulation->runs[i];
		int64		wait;

		figures->preemptions += run->preemptions;
		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		if (run->started_at == PM_NEVER)
			continue;
		wait = run->started_at - input->queue.jobs[i].submitted_at;
		figures->waits[figures->started++] = wait;
		figures->total_wait += wait;
		figures->at_once += wait == 0;
		figures->total_slowdown +=
			slowdown_of(wait, run->ended_at == PM_NEVER ? PM_NEVER : run->ended_at - run->started_at);
		add_held(input, i, replicas_of(simulation, run), run->started_at, run->ended_at, figures);
	}
	for (int i = 0; i < simulation->ngone; i++)
	{
		const PmSimGone *gone = &simulation->gone[i];

		add_held(input, gone->job, gone->replicas, gone->since, gone->until, figures);
	}
	if (figures->started > 1)
		sort_waits(figures->waits, figures->started);
}

/* part / whole, neither negative, in steps of 1 / SCALE, half up */
static int64
ratio(int128 part, int128 whole)
{
	int128		result = part / whole;
	int128		rest = part % whole;

	for (int i = 0; i < DIGITS; i++)
	{
		result = result * 10 + rest * 10 / whole;
		rest = rest * 10 % whole;
	}
	return (int64) (result + (rest >= whole - rest ? 1 : 0));
}

static Datum
ratio_datum(int64 value)
{
	return NumericGetDatum(int64_div_fast_to_numeric(value, DIGITS));
}

/* Utilisation of each resource over a length of time: {"cpu": 0.74, ...} */
static Datum
utilisations_datum(const PmSimInput *input, const Figures *figures, int64 length)
{
	JsonbParseState *state = NULL;
	JsonbValue *object;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int d = 0; d < input->cluster.ndims; d++)
	{
		JsonbValue	value;

		if (figures->capacity[d] == 0)
			continue;
		value.type = jbvString;
		value.val.string.val = input->terms->dimensions[d];
		value.val.string.len = strlen(value.val.string.val);
		(void) pushJsonbValue(&state, WJB_KEY, &value);
		value.type = jbvNumeric;
		value.val.numeric = int64_div_fast_to_numeric(ratio(figures->held[d], figures->capacity[d] * length), DIGITS);
		(void) pushJsonbValue(&state, WJB_VALUE, &value);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(object));
}

/* The resource that is used most, or -1; by name among equals */
static int
busiest(const PmSimInput *input, const Figures *figures, int64 length)
{
	int			best = -1;
	int64		most = 0;

	for (int d = 0; d < input->cluster.ndims; d++)
	{
		int64		used;

		if (figures->capacity[d] == 0)
			continue;
		used = ratio(figures->held[d], figures->capacity[d] * length);
		if (best >= 0 && (used < most || (used == most && strcmp(input->terms->dimensions[d], input->terms->dimensions[best]) > 0)))
			continue;
		best = d;
		most = used;
	}
	return best;
}

static void
waits_columns(const Figures *figures, Datum *values, bool *nulls)
{
	int64		n = figures->started;

	for (int c = 0; c < 6; c++)
		nulls[c] = n == 0;
	if (n == 0)
		return;
	values[0] = pm_length_datum((int64) ((figures->total_wait * 2 + n) / (2 * n)));
	values[1] = pm_length_datum(figures->waits[n / 2]);
	values[2] = pm_length_datum(figures->waits[n * 95 / 100]);
	values[3] = pm_length_datum(figures->waits[n - 1]);
	values[4] = ratio_datum(ratio(figures->at_once, n));
	values[5] = ratio_datum(ratio(figures->total_slowdown, (int128) n * SLOWDOWN_SCALE));
}

PG_FUNCTION_INFO_V1(pm_simulate_summary);

Datum
pm_simulate_summary(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "simulation summary", ALLOCSET_DEFAULT_SIZES);
	TupleDesc	desc;
	PmSimulation simulation;
	PmSimInput *input;
	Figures		figures;
	int64		makespan;
	int64		arriving;
	int			resource = -1;
	Datum		values[14] = {0};
	bool		nulls[14] = {0};
	HeapTuple	tuple;
	HeapTuple	result;

	MemoryContextSwitchTo(context);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	input = pm_simulate_call(fcinfo, &simulation);
	add_up(input, &simulation, &figures);

	makespan = figures.last_event - figures.first_submission;
	arriving = figures.last_submission - figures.first_submission;
	if (makespan > 0)
		resource = busiest(input, &figures, makespan);
	values[0] = Int64GetDatum(input->queue.njobs);
	values[1] = Int64GetDatum(figures.started);
	waits_columns(&figures, values + 2, nulls + 2);
	nulls[8] = input->queue.njobs == 0;
	values[8] = pm_length_datum(makespan);
	nulls[9] = nulls[10] = nulls[11] = nulls[12] = resource < 0;
	if (resource >= 0)
	{
		values[9] = ratio_datum(ratio(figures.held[resource], figures.capacity[resource] * makespan));
		nulls[10] = arriving == 0;
		if (arriving > 0)
			values[10] = ratio_datum(ratio(figures.held_arriving[resource], figures.capacity[resource] * arriving));
		values[11] = CStringGetTextDatum(input->terms->dimensions[resource]);
		values[12] = utilisations_datum(input, &figures, makespan);
	}
	values[13] = Int64GetDatum(figures.preemptions);
	tuple = heap_form_tuple(desc, values, nulls);
	MemoryContextSwitchTo(caller);
	result = heap_copytuple(tuple);
	MemoryContextDelete(context);
	PG_RETURN_DATUM(HeapTupleGetDatum(result));
}
