/*-------------------------------------------------------------------------
 *
 * resource_list_agg.c
 *	  Aggregates over resource_list: sum, resource_max and resource_min.
 *
 * All three share one state: an array of the names seen so far, ascending,
 * with the running value of each.  Rows of one query mostly name the same few
 * resources, so a row is folded in by one walk along the array, and memory is
 * only touched when a new name comes.
 *
 * Sums are kept in 128 bits and checked at the end: their result does not
 * depend on the order of rows or on the number of parallel workers.  A
 * resource that a row does not name counts as 0 in that row; for the extremes
 * each name has a count of the rows that named it, and the 0 is put in at the
 * end if some did not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "compat.h"
#include "types/resource_list.h"

typedef enum Fold
{
	FOLD_SUM,
	FOLD_MAX,
	FOLD_MIN
} Fold;

typedef struct AggEntry
{
	int128		value;
	int64		rows;			/* how many named it */
	char	   *name;
	int			name_len;
} AggEntry;

typedef struct AggState
{
	MemoryContext context;		/* of the aggregate; everything lives there */
	int64		rows;			/* not null */
	int			count;
	int			allocated;
	AggEntry   *entries;		/* names ascend */
} AggState;

PG_FUNCTION_INFO_V1(pm_rl_agg_sum);
PG_FUNCTION_INFO_V1(pm_rl_agg_max);
PG_FUNCTION_INFO_V1(pm_rl_agg_min);
PG_FUNCTION_INFO_V1(pm_rl_agg_sum_combine);
PG_FUNCTION_INFO_V1(pm_rl_agg_max_combine);
PG_FUNCTION_INFO_V1(pm_rl_agg_min_combine);
PG_FUNCTION_INFO_V1(pm_rl_agg_serialize);
PG_FUNCTION_INFO_V1(pm_rl_agg_deserialize);
PG_FUNCTION_INFO_V1(pm_rl_agg_sum_final);
PG_FUNCTION_INFO_V1(pm_rl_agg_max_final);
PG_FUNCTION_INFO_V1(pm_rl_agg_min_final);

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

static AggState *
new_state(MemoryContext context)
{
	AggState   *state = (AggState *) MemoryContextAllocZero(context, sizeof(AggState));

	state->context = context;
	state->allocated = 8;
	state->entries = (AggEntry *)
		MemoryContextAlloc(context, sizeof(AggEntry) * state->allocated);
	return state;
}

/*
 * The place of a name, at or after from: where it is (*found) or belongs.
 * Names of a row ascend, so from is where the last one was found; most often
 * the next one is right there.
 */
static int
find_name(const AggState *state, int from, const char *name, int name_len,
		  bool *found)
{
	int			low = from;
	int			high = state->count;
	int			probe = from;

	*found = false;
	while (low < high)
	{
		const AggEntry *entry = &state->entries[probe];
		int			cmp = pm_resource_name_compare(entry->name, entry->name_len,
												   name, name_len);

		if (cmp == 0)
		{
			*found = true;
			return probe;
		}
		if (cmp < 0)
			low = probe + 1;
		else
			high = probe;
		probe = low + (high - low) / 2;
	}
	return low;
}

static void
insert_name(AggState *state, int place, const char *name, int name_len)
{
	AggEntry   *entry;

	if (state->count >= PM_RESOURCE_LIST_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an aggregate of resource_list cannot see more than %d names",
						PM_RESOURCE_LIST_MAX)));
	CHECK_FOR_INTERRUPTS();
	if (state->count == state->allocated)
	{
		state->allocated *= 2;
		state->entries = (AggEntry *)
			repalloc(state->entries, sizeof(AggEntry) * state->allocated);
	}
	entry = &state->entries[place];
	memmove(entry + 1, entry, sizeof(AggEntry) * (state->count - place));
	state->count++;
	entry->value = 0;
	entry->rows = 0;
	entry->name = (char *) MemoryContextAlloc(state->context, name_len);
	entry->name_len = name_len;
	memcpy(entry->name, name, name_len);
}

/* Fold a value that rows rows have led to into a name; returns its place */
static int
fold_value(AggState *state, Fold fold, int from, const char *name, int name_len,
		   int128 value, int64 rows)
{
	AggEntry   *entry;
	bool		found;
	int			place = find_name(state, from, name, name_len, &found);

	if (!found)
		insert_name(state, place, name, name_len);
	entry = &state->entries[place];
	if (fold == FOLD_SUM)
		entry->value += value;
	else if (!found)
		entry->value = value;
	else if (fold == FOLD_MAX)
		entry->value = Max(entry->value, value);
	else
		entry->value = Min(entry->value, value);
	entry->rows += rows;
	return place;
}

static Datum
transition(FunctionCallInfo fcinfo, Fold fold)
{
	MemoryContext context = aggregate_context(fcinfo);
	AggState   *state = PG_ARGISNULL(0) ? NULL : (AggState *) PG_GETARG_POINTER(0);
	PmResourceList *list;
	int			place = -1;
	uint32		i;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = new_state(context);

	list = PG_GETARG_RESOURCE_LIST_P(1);
	for (i = 0; i < list->count; i++)
	{
		PmResource	entry = pm_resource_entry(list, (int) i);

		place = fold_value(state, fold, place + 1, entry.name, entry.name_len,
						   entry.value, 1);
	}
	state->rows++;
	PG_RETURN_POINTER(state);
}

Datum
pm_rl_agg_sum(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, FOLD_SUM);
}

Datum
pm_rl_agg_max(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, FOLD_MAX);
}

Datum
pm_rl_agg_min(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, FOLD_MIN);
}

/* Fold the second state into the first; nothing of it is kept */
static Datum
combine(FunctionCallInfo fcinfo, Fold fold)
{
	MemoryContext context = aggregate_context(fcinfo);
	AggState   *state = PG_ARGISNULL(0) ? NULL : (AggState *) PG_GETARG_POINTER(0);
	AggState   *other = PG_ARGISNULL(1) ? NULL : (AggState *) PG_GETARG_POINTER(1);
	int			place = -1;
	int			i;

	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = new_state(context);

	for (i = 0; i < other->count; i++)
	{
		const AggEntry *entry = &other->entries[i];

		place = fold_value(state, fold, place + 1, entry->name, entry->name_len,
						   entry->value, entry->rows);
	}
	state->rows += other->rows;
	PG_RETURN_POINTER(state);
}

Datum
pm_rl_agg_sum_combine(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, FOLD_SUM);
}

Datum
pm_rl_agg_max_combine(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, FOLD_MAX);
}

Datum
pm_rl_agg_min_combine(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, FOLD_MIN);
}

/*
 * Serialized state: int64 rows, int32 count, then for each entry int32 length
 * of name, name, int64 rows, the value as int64 high and low half.
 */
Datum
pm_rl_agg_serialize(PG_FUNCTION_ARGS)
{
	AggState   *state = (AggState *) PG_GETARG_POINTER(0);
	StringInfoData buf;
	int			i;

	(void) aggregate_context(fcinfo);
	pq_begintypsend(&buf);
	pq_sendint64(&buf, state->rows);
	pq_sendint32(&buf, state->count);
	for (i = 0; i < state->count; i++)
	{
		const AggEntry *entry = &state->entries[i];

		pq_sendint32(&buf, entry->name_len);
		pq_sendbytes(&buf, entry->name, entry->name_len);
		pq_sendint64(&buf, entry->rows);
		pq_sendint64(&buf, (int64) (entry->value >> 64));
		pq_sendint64(&buf, (uint64) entry->value);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

Datum
pm_rl_agg_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *serialized = PG_GETARG_BYTEA_PP(0);
	AggState   *state;
	StringInfoData buf;
	int			count;
	int			i;

	(void) aggregate_context(fcinfo);
	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(serialized), VARSIZE_ANY_EXHDR(serialized));

	/* Lives until it is combined, right after this */
	state = new_state(CurrentMemoryContext);
	state->rows = pq_getmsgint64(&buf);
	count = (int) pq_getmsgint(&buf, 4);
	for (i = 0; i < count; i++)
	{
		int			name_len = (int) pq_getmsgint(&buf, 4);
		const char *name = pq_getmsgbytes(&buf, name_len);
		AggEntry   *entry;

		insert_name(state, i, name, name_len);
		entry = &state->entries[i];
		entry->rows = pq_getmsgint64(&buf);
		entry->value = (int128) pq_getmsgint64(&buf) << 64;
		entry->value |= (uint64) pq_getmsgint64(&buf);
	}
	pq_getmsgend(&buf);
	pfree(buf.data);
	PG_RETURN_POINTER(state);
}

/* The result; the state stays as it is, for windows */
static Datum
final(FunctionCallInfo fcinfo, Fold fold)
{
	AggState   *state;
	PmResource *entries;
	PmResourceList *list;
	int			i;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (AggState *) PG_GETARG_POINTER(0);
	entries = (PmResource *) palloc(sizeof(PmResource) * state->count);
	for (i = 0; i < state->count; i++)
	{
		const AggEntry *entry = &state->entries[i];
		int128		value = entry->value;

		if (fold == FOLD_MAX && entry->rows < state->rows)
			value = Max(value, 0);
		else if (fold == FOLD_MIN && entry->rows < state->rows)
			value = Min(value, 0);
		if (value > PG_INT64_MAX || value < PG_INT64_MIN)
			pm_resource_overflow(entry->name, entry->name_len);
		entries[i].name = entry->name;
		entries[i].name_len = entry->name_len;
		entries[i].value = (int64) value;
	}
	list = pm_resource_list_pack(entries, state->count);
	pfree(entries);
	PG_RETURN_RESOURCE_LIST_P(list);
}

Datum
pm_rl_agg_sum_final(PG_FUNCTION_ARGS)
{
	return final(fcinfo, FOLD_SUM);
}

Datum
pm_rl_agg_max_final(PG_FUNCTION_ARGS)
{
	return final(fcinfo, FOLD_MAX);
}

Datum
pm_rl_agg_min_final(PG_FUNCTION_ARGS)
{
	return final(fcinfo, FOLD_MIN);
}
