/*-------------------------------------------------------------------------
 *
 * request.c
 *	  The argument request_id of calls that create things.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/syscache.h"

#include "api/args.h"
#include "api/check.h"
#include "api/request.h"
#include "errors.h"
#include "store/request.h"

static void
set_locally(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* The arguments but the last, as the text of a JSON object of strings */
static char *
arguments_text(FunctionCallInfo fcinfo, char **function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			nest_level;
	StringInfoData text;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	/* the same text whatever the session's settings */
	nest_level = NewGUCNestLevel();
	set_locally("datestyle", "ISO");
	set_locally("intervalstyle", "postgres");
	set_locally("timezone", "UTC");
	*function = pstrdup(NameStr(((Form_pg_proc) GETSTRUCT(tuple))->proname));
	(void) get_func_arg_info(tuple, &types, &names, &modes);
	initStringInfo(&text);
	for (int i = 0; i < PG_NARGS() - 1; i++)
	{
		Oid			output;
		bool		varlena;

		appendStringInfoChar(&text, i == 0 ? '{' : ',');
		escape_json(&text, names[i]);
		appendStringInfoChar(&text, ':');
		if (PG_ARGISNULL(i))
		{
			appendStringInfoString(&text, "null");
			continue;
		}
		if (types[i] == NUMERICOID)
		{
			/* 2 and 2.00 are one amount */
			escape_json(&text, numeric_normalize(PG_GETARG_NUMERIC(i)));
			continue;
		}
		getTypeOutputInfo(types[i], &output, &varlena);
		escape_json(&text, OidOutputFunctionCall(output, PG_GETARG_DATUM(i)));
	}
	appendStringInfoChar(&text, '}');
	AtEOXact_GUC(true, nest_level);
	ReleaseSysCache(tuple);
	return text.data;
}

bool
pm_is_repeated(PmCall *call, FunctionCallInfo fcinfo, int64 tenant_id, PmRequested *requested)
{
	PmEarlier  *earlier;
	char	   *function;
	char	   *arguments;

	requested->tenant_id = tenant_id;
	requested->request_id = pm_text_arg(fcinfo, PG_NARGS() - 1);
	if (requested->request_id == NULL)
		return false;
	pm_check_request_id(requested->request_id);
	arguments = arguments_text(fcinfo, &function);
	earlier = pm_note_request(call, tenant_id, requested->request_id, function, arguments);
	if (earlier == NULL)
		return false;
	if (strcmp(earlier->call, function) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_REQUEST_REUSED),
				 errmsg("request_id \"%s\" was used before for another call", requested->request_id),
				 errdetail("It was a call of %s.", earlier->call),
				 errhint("Use another request_id.")));
	if (earlier->differs)
		ereport(ERROR,
				(errcode(ERRCODE_PM_REQUEST_REUSED),
				 errmsg("request_id \"%s\" was used before with other content", requested->request_id),
				 errdetail("Argument \"%s\" differs from that of the first call.", earlier->differs),
				 errhint("Repeat the call as it was, or use another request_id.")));
	requested->nresults = earlier->nresults;
	requested->results = earlier->results;
	return true;
}

void
pm_request_done(const PmRequested *requested, const int64 *results, int nresults)
{
	if (requested->request_id)
		pm_note_results(requested->tenant_id, requested->request_id, results, nresults);
}
