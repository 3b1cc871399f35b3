/*-------------------------------------------------------------------------
 *
 * resource_list_access.c
 *	  Reading the entries of a resource_list from SQL: quantity(),
 *	  the subscript list['cpu'], and resource_each() with its planner support.
 *
 * A list cannot be changed by assigning to a subscript; lists are made whole.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/execExpr.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "nodes/subscripting.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_expr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "types/resource_list.h"

PG_FUNCTION_INFO_V1(pm_rl_quantity);
PG_FUNCTION_INFO_V1(pm_rl_subscript);
PG_FUNCTION_INFO_V1(pm_rl_each);
PG_FUNCTION_INFO_V1(pm_rl_each_support);

static Numeric
lookup_quantity(Datum list, Datum name)
{
	text	   *key = DatumGetTextPP(name);
	int			len = (int) VARSIZE_ANY_EXHDR(key);
	int64		value = pm_resource_get(DatumGetResourceListP(list),
										VARDATA_ANY(key), len);

	return pm_resource_quantity_numeric(VARDATA_ANY(key), len, value);
}

/*
 * quantity(list resource_list, name text) -> numeric
 */
Datum
pm_rl_quantity(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(lookup_quantity(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

/* Parse analysis of list[name] */
static void
subscript_transform(SubscriptingRef *sbsref, List *indirection,
					ParseState *pstate, bool isSlice, bool isAssignment)
{
	A_Indices  *index;
	Node	   *name;

	if (isAssignment)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot assign to an entry of a resource_list"),
				 errhint("Build the new list with + and -.")));
	if (isSlice || list_length(indirection) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a resource_list takes one subscript, the name of a resource"),
				 parser_errposition(pstate, exprLocation((Node *) indirection))));

	index = linitial_node(A_Indices, indirection);
	name = transformExpr(pstate, index->uidx, pstate->p_expr_kind);
	name = coerce_to_target_type(pstate, name, exprType(name), TEXTOID, -1,
								 COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the subscript of a resource_list must have type text"),
				 parser_errposition(pstate, exprLocation(index->uidx))));

	sbsref->refupperindexpr = list_make1(name);
	sbsref->reflowerindexpr = NIL;
	sbsref->refrestype = NUMERICOID;
	sbsref->reftypmod = -1;
}

/* Execution of list[name]; the list is not null (fetch_strict) */
static void
subscript_fetch(ExprState *state, ExprEvalStep *op, ExprContext *econtext)
{
	SubscriptingRefState *sbsrefstate = op->d.sbsref.state;

	if (sbsrefstate->upperindexnull[0])
	{
		*op->resnull = true;
		return;
	}
	*op->resvalue = NumericGetDatum(lookup_quantity(*op->resvalue,
													sbsrefstate->upperindex[0]));
}

static void
subscript_exec_setup(const SubscriptingRef *sbsref,
					 SubscriptingRefState *sbsrefstate,
					 SubscriptExecSteps *methods)
{
	methods->sbs_fetch = subscript_fetch;
}

/*
 * resource_list_subscript(internal) -> internal
 */
Datum
pm_rl_subscript(PG_FUNCTION_ARGS)
{
	static const SubscriptRoutines routines = {
		.transform = subscript_transform,
		.exec_setup = subscript_exec_setup,
		.fetch_strict = true,
		.fetch_leakproof = false,
		.store_leakproof = false
	};

	PG_RETURN_POINTER(&routines);
}

/*
 * resource_each(list resource_list) -> setof (name text, quantity numeric)
 */
Datum
pm_rl_each(PG_FUNCTION_ARGS)
{
	PmResourceList *list = PG_GETARG_RESOURCE_LIST_P(0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	uint32		i;

	InitMaterializedSRF(fcinfo, 0);
	for (i = 0; i < list->count; i++)
	{
		PmResource	entry = pm_resource_entry(list, (int) i);
		bool		nulls[2] = {false, false};
		Datum		values[2];

		values[0] = PointerGetDatum(cstring_to_text_with_len(entry.name,
															 entry.name_len));
		values[1] = NumericGetDatum(pm_resource_quantity_numeric(entry.name,
																 entry.name_len,
																 entry.value));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		pfree(DatumGetPointer(values[0]));
		pfree(DatumGetPointer(values[1]));
	}
	return (Datum) 0;
}

/*
 * Planner support of resource_each(): a constant list has a known number of
 * rows; for others the ROWS of the function stands.
 */
Datum
pm_rl_each_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestRows *rows;
	Node	   *argument;
	Const	   *constant;

	if (!IsA(request, SupportRequestRows))
		PG_RETURN_POINTER(NULL);
	rows = (SupportRequestRows *) request;
	if (!is_funcclause(rows->node))
		PG_RETURN_POINTER(NULL);

	argument = estimate_expression_value(rows->root,
										 linitial(((FuncExpr *) rows->node)->args));
	if (!IsA(argument, Const))
		PG_RETURN_POINTER(NULL);
	constant = (Const *) argument;
	rows->rows = constant->constisnull ? 0 :
		DatumGetResourceListP(constant->constvalue)->count;
	PG_RETURN_POINTER(request);
}
