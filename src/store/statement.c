/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  Preparing, running and reading the store's statements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"
#include "store/session.h"
#include "store/statement.h"

/* ---- arguments ---- */

void
pm_arg(PmArgs *args, Datum value, bool isnull)
{
	Assert(args->count < PM_MAX_ARGS);
	args->values[args->count] = value;
	args->nulls[args->count] = isnull ? 'n' : ' ';
	args->count++;
}

void
pm_arg_int64(PmArgs *args, int64 value)
{
	pm_arg(args, Int64GetDatum(value), false);
}

void
pm_arg_id(PmArgs *args, int64 id)
{
	pm_arg(args, Int64GetDatum(id), id == 0);
}

void
pm_arg_int32(PmArgs *args, int32 value)
{
	pm_arg(args, Int32GetDatum(value), false);
}

void
pm_arg_bool(PmArgs *args, bool value)
{
	pm_arg(args, BoolGetDatum(value), false);
}

void
pm_arg_text(PmArgs *args, const char *value)
{
	pm_arg(args, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

void
pm_arg_time(PmArgs *args, TimestampTz value)
{
	pm_arg(args, TimestampTzGetDatum(value), false);
}

void
pm_arg_array(PmArgs *args, Datum *values, bool *nulls, int n,
			 Oid type, int16 typlen, bool byval, char align)
{
	int			lower = 1;
	ArrayType  *array;

	array = construct_md_array(values, nulls, 1, &n, &lower, type, typlen, byval, align);
	pm_arg(args, PointerGetDatum(array), false);
	args->rows = Max(args->rows, n);
}

void
pm_arg_int64_array(PmArgs *args, const int64 *values, int n)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		datums[i] = Int64GetDatum(values[i]);
	pm_arg_array(args, datums, NULL, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

void
pm_rows_begin(PmRows *rows, const char *table)
{
	Oid			type = TypenameGetTypid(table);

	if (!OidIsValid(type))
		elog(ERROR, "row type \"%s\" not found", table);
	rows->desc = lookup_rowtype_tupdesc(type, -1);
	rows->count = 0;
	rows->size = 64;
	rows->rows = palloc(sizeof(Datum) * rows->size);
}

void
pm_rows_add(PmRows *rows, Datum *values, bool *nulls)
{
	HeapTuple	tuple = heap_form_tuple(rows->desc, values, nulls);

	if (rows->count == rows->size)
	{
		rows->size *= 2;
		rows->rows = repalloc_huge(rows->rows, sizeof(Datum) * rows->size);
	}
	rows->rows[rows->count++] = HeapTupleHeaderGetDatum(tuple->t_data);
}

void
pm_arg_rows(PmArgs *args, PmRows *rows)
{
	pm_arg_array(args, rows->rows, NULL, rows->count, rows->desc->tdtypeid,
				 -1, false, TYPALIGN_DOUBLE);
}

void
pm_rows_end(PmRows *rows)
{
	ReleaseTupleDesc(rows->desc);
}

/* ---- running ---- */

/* As far as the statement itself says so, not what the functions do that it calls */
static bool
writes(SPIPlanPtr plan)
{
	ListCell   *source;
	ListCell   *query;

	foreach(source, SPI_plan_get_plan_sources(plan))
	{
		foreach(query, ((CachedPlanSource *) lfirst(source))->query_list)
		{
			Query	   *parsed = lfirst_node(Query, query);

			if (parsed->commandType != CMD_SELECT || parsed->rowMarks != NIL || parsed->hasModifyingCTE)
				return true;
		}
	}
	return false;
}

static void
prepare(PmStatement *statement)
{
	Oid			extension = pm_extension_identity();
	SPIPlanPtr	plan;
	char	   *types;
	char	   *rest = NULL;

	if (statement->plan != NULL && statement->extension == extension)
		return;
	if (statement->plan != NULL)
	{
		SPI_freeplan(statement->plan);
		statement->plan = NULL;
	}

	statement->nargs = 0;
	types = pstrdup(statement->types);
	for (char *type = strtok_r(types, ";", &rest); type; type = strtok_r(NULL, ";", &rest))
	{
		int32		typmod;

		Assert(statement->nargs < PM_MAX_ARGS);
		pm_parse_type(type, &statement->argtypes[statement->nargs], &typmod);
		statement->nargs++;
	}
	/* an error leaves the statement without a plan, not with one that is gone */
	plan = SPI_prepare_cursor(statement->sql, statement->nargs, statement->argtypes,
							  CURSOR_OPT_GENERIC_PLAN | CURSOR_OPT_PARALLEL_OK);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", statement->sql,
			 SPI_result_code_string(SPI_result));
	statement->plan = plan;
	statement->extension = extension;
	statement->planned = false;
	statement->writes = writes(plan);
}

/* The statement would be refused too, but with its text for a context */
static void
prepare_to_run(PmStatement *statement)
{
	prepare(statement);
	if (statement->writes && XactReadOnly)
		pm_refuse_read_only(pm_running_function());
}

/*
 * A kept plan outlives the sizes it was made for: one made while a table was
 * small, or before it was analyzed, would read all of a pool for one row of
 * it.  So it is made without the methods that do; nor is it worth compiling.
 */
static int
run_kept_plan(PmStatement *statement, PmArgs *args, bool read_only)
{
	static const char *const off[] = {
		"enable_hashjoin", "enable_mergejoin", "enable_material",
		"enable_bitmapscan", "enable_seqscan", "jit"
	};
	int			nest_level;
	int			result;

	if (statement->planned && SPI_plan_is_valid(statement->plan))
		return SPI_execute_plan(statement->plan, args->values, args->nulls, read_only, 0);
	nest_level = NewGUCNestLevel();
	for (int i = 0; i < (int) lengthof(off); i++)
		(void) set_config_option(off[i], "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	result = SPI_execute_plan(statement->plan, args->values, args->nulls, read_only, 0);
	AtEOXact_GUC(true, nest_level);
	statement->planned = true;
	return result;
}

uint64
pm_run(PmStatement *statement, PmArgs *args)
{
	bool		read_only = pm_call_is_read_only();
	int			result;

	prepare_to_run(statement);
	if (args->count != statement->nargs)
		elog(ERROR, "%d arguments for \"%s\"", args->count, statement->sql);
	if (args->rows >= PM_BULK_ROWS)
		result = SPI_execute_with_args(statement->sql, statement->nargs, statement->argtypes,
									   args->values, args->nulls, read_only, 0);
	else
		result = run_kept_plan(statement, args, read_only);
	if (result < 0)
		elog(ERROR, "\"%s\": %s", statement->sql, SPI_result_code_string(result));
	return SPI_processed;
}

uint64
pm_run_latest(PmStatement *statement, PmArgs *args)
{
	int			result;

	prepare_to_run(statement);
	result = SPI_execute_snapshot(statement->plan, args->values, args->nulls, GetLatestSnapshot(),
								  InvalidSnapshot, true, false, 0);
	if (result < 0)
		elog(ERROR, "\"%s\": %s", statement->sql, SPI_result_code_string(result));
	return SPI_processed;
}

/* A receiver that hands each row to a callback and keeps none */
typedef struct ScanReceiver
{
	DestReceiver pub;
	PmRowCallback callback;
	void	   *state;
	int			ncolumns;		/* 0: all */
	uint32		rows;
} ScanReceiver;

static bool
scan_receive(TupleTableSlot *slot, DestReceiver *self)
{
	ScanReceiver *receiver = (ScanReceiver *) self;

	if ((++receiver->rows & 1023) == 0)
		CHECK_FOR_INTERRUPTS();
	slot_getsomeattrs(slot, receiver->ncolumns > 0 ? receiver->ncolumns :
					  slot->tts_tupleDescriptor->natts);
	receiver->callback(slot->tts_values, slot->tts_isnull, receiver->state);
	return true;
}

static void
scan_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
scan_end(DestReceiver *self)
{
}

/* Runs into a receiver: the statement as it is kept, or planned for args */
static void
scan(PmStatement *statement, PmArgs *args, ScanReceiver *receiver, bool planned)
{
	SPIExecuteOptions options = {0};
	ParamListInfo params;
	int			result;

	prepare_to_run(statement);
	params = makeParamList(statement->nargs);
	for (int i = 0; i < statement->nargs; i++)
	{
		params->params[i].value = args->values[i];
		params->params[i].isnull = args->nulls[i] == 'n';
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = statement->argtypes[i];
	}
	receiver->pub.receiveSlot = scan_receive;
	receiver->pub.rStartup = scan_startup;
	receiver->pub.rShutdown = scan_end;
	receiver->pub.rDestroy = scan_end;
	receiver->pub.mydest = DestNone;
	options.params = params;
	options.read_only = pm_call_is_read_only();
	options.dest = &receiver->pub;
	result = planned ? SPI_execute_extended(statement->sql, &options) :
		SPI_execute_plan_extended(statement->plan, &options);
	if (result < 0)
		elog(ERROR, "\"%s\": %s", statement->sql, SPI_result_code_string(result));
}

/*
 * Unlike in pm_run() the planner is free: scans read much of a table, a whole
 * queue or what is held of a pool, and what is right for that is forbidden there.
 */
void
pm_scan(PmStatement *statement, PmArgs *args,
		PmRowCallback callback, void *state)
{
	ScanReceiver receiver = {.callback = callback,.state = state};

	scan(statement, args, &receiver, false);
}

void
pm_scan_planned(PmStatement *statement, PmArgs *args, int ncolumns,
				PmRowCallback callback, void *state)
{
	ScanReceiver receiver = {.callback = callback,.state = state,.ncolumns = ncolumns};

	scan(statement, args, &receiver, true);
}

/* ---- reading ---- */

Datum
pm_get(uint64 row, int column, bool *isnull)
{
	Assert(row < SPI_tuptable->numvals);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

bool
pm_is_null(uint64 row, int column)
{
	bool		isnull;

	(void) pm_get(row, column, &isnull);
	return isnull;
}

int64
pm_get_int64(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pm_get(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

int32
pm_get_int32(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pm_get(row, column, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

bool
pm_get_bool(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pm_get(row, column, &isnull);

	return isnull ? false : DatumGetBool(value);
}

TimestampTz
pm_get_time(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pm_get(row, column, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(value);
}

int64
pm_length(Datum interval, bool isnull)
{
	return isnull ? PG_INT64_MAX : DatumGetIntervalP(interval)->time;
}

int64
pm_get_length(uint64 row, int column)
{
	bool		isnull;
	Datum		value = pm_get(row, column, &isnull);

	return pm_length(value, isnull);
}

char *
pm_get_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

int
pm_get_texts(uint64 row, int column, char ***texts)
{
	bool		isnull;
	Datum		value = pm_get(row, column, &isnull);
	Datum	   *elements;
	int			n = 0;

	if (isnull)
		return 0;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, NULL, &n);
	*texts = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*texts)[i] = TextDatumGetCString(elements[i]);
	return n;
}

int
pm_get_int64s(uint64 row, int column, int64 **values)
{
	bool		isnull;
	Datum		value = pm_get(row, column, &isnull);
	Datum	   *elements;
	int			n = 0;

	if (isnull)
		return 0;
	deconstruct_array(DatumGetArrayTypeP(value), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, NULL, &n);
	*values = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*values)[i] = DatumGetInt64(elements[i]);
	return n;
}

int64
pm_next_id(const char *sequence)
{
	Oid			oid = get_relname_relid(sequence, get_namespace_oid("pool_manager", false));

	if (!OidIsValid(oid))
		elog(ERROR, "sequence \"%s\" not found", sequence);
	if (XactReadOnly)
		pm_refuse_read_only(pm_running_function());
	return nextval_internal(oid, false);
}
