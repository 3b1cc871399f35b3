/*-------------------------------------------------------------------------
 *
 * args.c
 *	  Arguments of SQL-callable functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "api/args.h"

char *
pm_text_arg(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
pm_enum_arg(FunctionCallInfo fcinfo, int n)
{
	Oid			output;
	bool		varlena;
	Oid		   *argtypes;
	int			nargs;

	if (PG_ARGISNULL(n))
		return NULL;
	(void) get_func_signature(fcinfo->flinfo->fn_oid, &argtypes, &nargs);
	getTypeOutputInfo(argtypes[n], &output, &varlena);
	return OidOutputFunctionCall(output, PG_GETARG_DATUM(n));
}

void
pm_not_null(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name),
				 errdetail("NULL is not taken for a default."),
				 errhint("Give it a value, or leave it out where it has a default.")));
}

static bool
is_null_default(Node *expression)
{
	Node	   *value = strip_implicit_coercions(expression);

	return IsA(value, Const) && ((Const *) value)->constisnull;
}

void
pm_refuse_nulls(FunctionCallInfo fcinfo)
{
	int			first = 0;
	int			ndefaults;
	HeapTuple	tuple;
	Datum		value;
	Datum		modes;
	bool		isnull;
	List	   *defaults = NIL;
	char	  **names = NULL;
	int			nnames = 0;

	while (first < PG_NARGS() && !PG_ARGISNULL(first))
		first++;
	if (first == PG_NARGS())
		return;

	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargdefaults, &isnull);
	if (!isnull)
		defaults = castNode(List, stringToNode(TextDatumGetCString(value)));
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargnames, &isnull);
	if (!isnull)
	{
		modes = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargmodes, &isnull);
		nnames = get_func_input_arg_names(value, isnull ? (Datum) 0 : modes, &names);
	}
	/* defaults are those of the last arguments */
	ndefaults = list_length(defaults);
	for (int n = first; n < PG_NARGS(); n++)
	{
		int			no = n - (PG_NARGS() - ndefaults);

		if (PG_ARGISNULL(n) && (no < 0 || !is_null_default(list_nth(defaults, no))))
			pm_not_null(fcinfo, n, n < nnames && names[n] ? names[n] : psprintf("$%d", n + 1));
	}
	ReleaseSysCache(tuple);
}

bool
pm_is_text_arg(FunctionCallInfo fcinfo, int n)
{
	Oid		   *argtypes;
	int			nargs;
	bool		result;

	(void) get_func_signature(fcinfo->flinfo->fn_oid, &argtypes, &nargs);
	result = argtypes[n] == TEXTOID;
	pfree(argtypes);
	return result;
}

int64
pm_tenant_arg(PmCall *call, FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		return 0;
	if (pm_is_text_arg(fcinfo, n))
		return pm_find_tenant(call, pm_text_arg(fcinfo, n), 0);
	return pm_find_tenant(call, NULL, PG_GETARG_INT64(n));
}

int64
pm_workspace_arg(PmCall *call, FunctionCallInfo fcinfo, int n, int64 tenant_id)
{
	if (pm_is_text_arg(fcinfo, n))
		return pm_find_workspace(call, tenant_id, pm_text_arg(fcinfo, n), 0);
	return pm_find_workspace(call, tenant_id, NULL, PG_GETARG_INT64(n));
}

PmPoolInfo *
pm_pool_arg(PmCall *call, FunctionCallInfo fcinfo, int n)
{
	pm_not_null(fcinfo, n, "pool");
	if (pm_is_text_arg(fcinfo, n))
		return pm_find_pool(call, pm_text_arg(fcinfo, n), 0);
	return pm_find_pool(call, NULL, PG_GETARG_INT64(n));
}
