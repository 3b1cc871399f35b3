/*-------------------------------------------------------------------------
 *
 * row_query.c
 *	  Running queries that users hand in as text.
 *
 * They run as the caller, who could run them anyway, row by row through a
 * cursor.  A known column is cast to what is needed as CAST would do it, but
 * here: so that an error can name row and column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"

#include "store/row_query.h"

#define FETCH_ROWS	1000

typedef struct Reader
{
	const PmRowQuery *kind;
	int		   *attributes;		/* [ncolumns] of the query, 0: not there */
	ExprState **casts;			/* [ncolumns]; NULL: is of that type already */
	ExprContext *econtext;
	Datum	   *defaults;
	bool	   *no_defaults;
	Datum	   *values;			/* of the row at hand */
	bool	   *nulls;
	uint64		row;			/* its number, from 1 */
	int			column;			/* being cast, or -1 */
} Reader;

static void
error_place(void *arg)
{
	const Reader *reader = arg;

	if (reader->column >= 0)
		errcontext("column \"%s\" in row " UINT64_FORMAT " of %s",
				   reader->kind->columns[reader->column].name, reader->row, reader->kind->query);
	else if (reader->row > 0)
		errcontext("row " UINT64_FORMAT " of %s", reader->row, reader->kind->query);
}

/* The query, prepared and analyzed; it must be one that only returns rows */
static SPIPlanPtr
analyze(const PmRowQuery *kind, const char *query, TupleDesc *desc)
{
	SPIPlanPtr	plan = SPI_prepare(query, 0, NULL);
	List	   *sources;
	CachedPlanSource *source;

	if (plan == NULL)
		elog(ERROR, "could not prepare the query: %s", SPI_result_code_string(SPI_result));
	sources = SPI_plan_get_plan_sources(plan);
	source = list_length(sources) == 1 ? (CachedPlanSource *) linitial(sources) : NULL;
	if (source == NULL || source->commandTag != CMDTAG_SELECT || source->resultDesc == NULL ||
		list_length(source->query_list) != 1 ||
		linitial_node(Query, source->query_list)->hasModifyingCTE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be one SELECT", kind->query),
				 errdetail("%s", kind->is),
				 errhint("Collect the rows in a table and select from it.")));
	*desc = source->resultDesc;
	return plan;
}

static int
column_number(const PmRowQuery *kind, const char *name)
{
	for (int c = 0; c < kind->ncolumns; c++)
		if (strcmp(name, kind->columns[c].name) == 0)
			return c;
	return -1;
}

static const char *
naming_of(const PmRowQuery *kind)
{
	StringInfoData names;

	if (kind->naming)
		return kind->naming;
	initStringInfo(&names);
	for (int c = 0; c < kind->ncolumns; c++)
		appendStringInfo(&names, "%s%s", c == 0 ? "It may return " : c < kind->ncolumns - 1 ? ", " : " and ",
						 kind->columns[c].name);
	appendStringInfoChar(&names, '.');
	return names.data;
}

/* No column is unknown, none is there twice, none is missing */
static void
find_columns(Reader *reader, TupleDesc desc)
{
	const PmRowQuery *kind = reader->kind;

	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);
		int			c = column_number(kind, name);

		if (c < 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("%s returns a column \"%s\" that %s does not know", kind->query, name, kind->call),
					 errdetail("No column is left unused."),
					 errhint("%s", naming_of(kind))));
		if (reader->attributes[c] != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("%s returns column \"%s\" twice", kind->query, name),
					 errdetail("%s", kind->has_one),
					 errhint("Leave out one of the two.")));
		reader->attributes[c] = i + 1;
	}
	for (int c = 0; c < kind->ncolumns; c++)
	{
		if (reader->attributes[c] == 0 && kind->columns[c].missing == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("%s returns no column \"%s\"", kind->query, kind->columns[c].name),
					 errdetail("%s cannot do without it.", kind->call),
					 errhint("%s", naming_of(kind))));
	}
}

/* The types that are needed, and what stands for columns that are not there */
static TupleDesc
read_defaults(Reader *reader, MemoryContext context)
{
	const PmRowQuery *kind = reader->kind;
	StringInfoData sql;
	TupleDesc	types;
	MemoryContext old;

	initStringInfo(&sql);
	for (int c = 0; c < kind->ncolumns; c++)
		appendStringInfo(&sql, "%sCAST(%s AS %s)", c == 0 ? "SELECT " : ", ",
						 kind->columns[c].missing ? kind->columns[c].missing : "NULL",
						 kind->columns[c].type);
	if (SPI_execute(sql.data, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the defaults of a query");
	old = MemoryContextSwitchTo(context);
	types = CreateTupleDescCopy(SPI_tuptable->tupdesc);
	for (int c = 0; c < kind->ncolumns; c++)
	{
		Form_pg_attribute attribute = TupleDescAttr(types, c);
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], types, c + 1, &reader->no_defaults[c]);

		reader->defaults[c] = reader->no_defaults[c] ? (Datum) 0 :
			datumCopy(value, attribute->attbyval, attribute->attlen);
	}
	MemoryContextSwitchTo(old);
	return types;
}

/* How a column of the query becomes one of the type that is needed */
static void
prepare_cast(Reader *reader, int c, Form_pg_attribute from, Form_pg_attribute to)
{
	CaseTestExpr *value = makeNode(CaseTestExpr);
	Node	   *cast;

	value->typeId = from->atttypid;
	value->typeMod = from->atttypmod;
	value->collation = from->attcollation;
	cast = coerce_to_target_type(NULL, (Node *) value, from->atttypid, to->atttypid, to->atttypmod,
								 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
	if (cast == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CANNOT_COERCE),
				 errmsg("column \"%s\" of %s cannot be cast from type %s to %s",
						reader->kind->columns[c].name, reader->kind->query,
						format_type_be(from->atttypid), format_type_be(to->atttypid)),
				 errdetail("%s takes a column of this name as %s.",
						   reader->kind->call, format_type_be(to->atttypid)),
				 errhint("Cast it in the query.")));
	if (cast == (Node *) value)
		return;
	assign_expr_collations(NULL, cast);
	reader->casts[c] = ExecInitExpr(expression_planner((Expr *) cast), NULL);
}

static void
refuse_nulls(const Reader *reader)
{
	for (int c = 0; c < reader->kind->ncolumns; c++)
	{
		const PmQueryColumn *column = &reader->kind->columns[c];

		if (reader->nulls[c] && column->not_null)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("column \"%s\" must not be null", column->name),
					 errdetail("A row without a value would say nothing."),
					 column->missing ? errhint("Leave out the column for the default.") :
					 errhint("Leave out the row.")));
	}
}

static void
read_row(Reader *reader, HeapTuple tuple, TupleDesc desc)
{
	ExprContext *econtext = reader->econtext;

	ResetExprContext(econtext);
	for (int c = 0; c < reader->kind->ncolumns; c++)
	{
		if (reader->attributes[c] == 0)
		{
			reader->values[c] = reader->defaults[c];
			reader->nulls[c] = reader->no_defaults[c];
			continue;
		}
		reader->values[c] = SPI_getbinval(tuple, desc, reader->attributes[c], &reader->nulls[c]);
		if (reader->casts[c] == NULL)
			continue;
		reader->column = c;
		econtext->caseValue_datum = reader->values[c];
		econtext->caseValue_isNull = reader->nulls[c];
		reader->values[c] = ExecEvalExprSwitchContext(reader->casts[c], econtext, &reader->nulls[c]);
	}
	reader->column = -1;
	refuse_nulls(reader);
}

void
pm_run_row_query(const PmRowQuery *kind, const char *query, PmQueryCallback callback, void *state)
{
	MemoryContext caller = CurrentMemoryContext;
	Size		n = kind->ncolumns;
	Reader		reader = {0};
	ErrorContextCallback where;
	PmQueryRow	row;
	SPIPlanPtr	plan;
	Portal		portal;
	TupleDesc	desc;
	TupleDesc	types;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	reader.kind = kind;
	reader.column = -1;
	reader.attributes = palloc0(sizeof(int) * n);
	reader.casts = palloc0(sizeof(ExprState *) * n);
	reader.defaults = palloc0(sizeof(Datum) * n);
	reader.no_defaults = palloc0(sizeof(bool) * n);
	reader.values = palloc0(sizeof(Datum) * n);
	reader.nulls = palloc0(sizeof(bool) * n);
	reader.econtext = CreateStandaloneExprContext();

	plan = analyze(kind, query, &desc);
	find_columns(&reader, desc);
	types = read_defaults(&reader, CurrentMemoryContext);
	for (int c = 0; c < kind->ncolumns; c++)
		if (reader.attributes[c] > 0)
			prepare_cast(&reader, c, TupleDescAttr(desc, reader.attributes[c] - 1), TupleDescAttr(types, c));

	row.types = types;
	row.attributes = reader.attributes;
	row.values = reader.values;
	row.nulls = reader.nulls;
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, false);
	where.callback = error_place;
	where.arg = &reader;
	where.previous = error_context_stack;
	for (;;)
	{
		SPITupleTable *rows;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		rows = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		error_context_stack = &where;
		for (uint64 i = 0, end = SPI_processed; i < end; i++)
		{
			MemoryContext old;

			reader.row++;
			read_row(&reader, rows->vals[i], rows->tupdesc);
			row.number = reader.row;
			old = MemoryContextSwitchTo(caller);
			callback(&row, state);
			MemoryContextSwitchTo(old);
		}
		error_context_stack = where.previous;
		SPI_freetuptable(rows);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(portal);
	FreeExprContext(reader.econtext, true);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

bool
pm_row_has(const PmQueryRow *row, int column)
{
	return row->attributes[column] > 0;
}

char *
pm_row_text(const PmQueryRow *row, int column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->types, column);
	Oid			output;
	bool		varlena;

	if (row->nulls[column])
		return NULL;
	if (attribute->atttypid == TEXTOID)
		return TextDatumGetCString(row->values[column]);
	getTypeOutputInfo(attribute->atttypid, &output, &varlena);
	return OidOutputFunctionCall(output, row->values[column]);
}

void *
pm_row_pointer(const PmQueryRow *row, int column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->types, column);

	if (row->nulls[column])
		return NULL;
	if (attribute->attlen == -1)
		return PG_DETOAST_DATUM_COPY(row->values[column]);
	return DatumGetPointer(datumCopy(row->values[column], attribute->attbyval, attribute->attlen));
}

int32
pm_row_int32(const PmQueryRow *row, int column, int32 missing)
{
	return row->nulls[column] ? missing : DatumGetInt32(row->values[column]);
}

bool
pm_row_bool(const PmQueryRow *row, int column, bool missing)
{
	return row->nulls[column] ? missing : DatumGetBool(row->values[column]);
}
