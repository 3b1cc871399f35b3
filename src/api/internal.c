/*-------------------------------------------------------------------------
 *
 * internal.c
 *	  What the bodies of calls in PL/pgSQL use of the frame and the store.
 *
 * Each is a call of its own, with its own SPI connection; the actor is that of
 * the body that runs it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/check.h"
#include "api/frame.h"
#include "api/request.h"
#include "store/books.h"
#include "store/find.h"
#include "store/registry.h"

PG_FUNCTION_INFO_V1(pm_sql_actor);

Datum
pm_sql_actor(PG_FUNCTION_ARGS)
{
	Name		name = palloc0(sizeof(NameData));

	namestrcpy(name, GetUserNameFromId(pm_actor(), false));
	PG_RETURN_NAME(name);
}

/* ---- rights ---- */

static PmAccess
level_arg(FunctionCallInfo fcinfo, int n)
{
	static const struct
	{
		const char *name;
		PmAccess	access;
	}			levels[] = {
		{"viewer", PM_ACCESS_VIEWER}, {"member", PM_ACCESS_MEMBER},
		{"owner", PM_ACCESS_OWNER}, {"operator", PM_ACCESS_OPERATOR}
	};
	char	   *name = pm_text_arg(fcinfo, n);

	for (int i = 0; i < (int) lengthof(levels); i++)
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].access;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown level \"%s\"", name),
			 errdetail("Levels of access are viewer, member, owner and operator."),
			 errhint("Ask for one of them.")));
}

PG_FUNCTION_INFO_V1(pm_sql_has_level);

Datum
pm_sql_has_level(PG_FUNCTION_ARGS)
{
	PmCall	   *body = pm_running_body();
	PmCall		call;
	PmAccess	level;
	bool		result;

	pm_begin(&call, fcinfo);
	pm_refuse_nulls(fcinfo);
	level = level_arg(fcinfo, 1);
	if (level == PM_ACCESS_OPERATOR || PG_GETARG_INT64(0) == 0)
		result = pm_access(body, 0) == PM_ACCESS_OPERATOR;
	else
		result = pm_access(body, PG_GETARG_INT64(0)) >= level;
	pm_end(&call);
	PG_RETURN_BOOL(result);
}

PG_FUNCTION_INFO_V1(pm_sql_require_level);

Datum
pm_sql_require_level(PG_FUNCTION_ARGS)
{
	PmCall	   *body = pm_running_body();
	PmCall		call;

	pm_begin(&call, fcinfo);
	pm_refuse_nulls(fcinfo);
	pm_require(body, PG_GETARG_INT64(0), level_arg(fcinfo, 1));
	pm_end(&call);
	PG_RETURN_VOID();
}

/* ---- the pool's lock ---- */

PG_FUNCTION_INFO_V1(pm_sql_lock_pool);

Datum
pm_sql_lock_pool(PG_FUNCTION_ARGS)
{
	PmCall		call;
	TimestampTz instant;

	(void) pm_running_body();
	pm_begin(&call, fcinfo);
	pm_refuse_nulls(fcinfo);
	instant = pm_lock_pool(PG_GETARG_INT64(0));
	pm_end(&call);
	PG_RETURN_TIMESTAMPTZ(instant);
}

/* ---- the books' lock ---- */

PG_FUNCTION_INFO_V1(pm_sql_lock_books);

Datum
pm_sql_lock_books(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmLedger	ledger;

	(void) pm_running_body();
	pm_begin(&call, fcinfo);
	pm_refuse_nulls(fcinfo);
	pm_lock_ledger(PG_GETARG_INT64(0), &ledger);
	pm_change_ledger(PG_GETARG_INT64(0), ledger.instant);
	pm_end(&call);
	PG_RETURN_TIMESTAMPTZ(ledger.instant);
}

/* ---- repeated calls ---- */

PG_FUNCTION_INFO_V1(pm_sql_earlier_results);

Datum
pm_sql_earlier_results(PG_FUNCTION_ARGS)
{
	PmFrame    *frame = pm_frame();
	PmCall		call;
	Datum	   *results;
	bool		repeated;

	pm_begin(&call, fcinfo);
	pm_refuse_nulls(fcinfo);
	/* request_id is kept for remember_results() */
	MemoryContextSwitchTo(frame->context);
	repeated = pm_is_repeated(&frame->call, frame->fcinfo, PG_GETARG_INT64(0), &frame->requested);
	pm_end(&call);
	if (!repeated)
		PG_RETURN_NULL();
	results = palloc(sizeof(Datum) * Max(frame->requested.nresults, 1));
	for (int i = 0; i < frame->requested.nresults; i++)
		results[i] = Int64GetDatum(frame->requested.results[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(results, frame->requested.nresults, INT8OID,
										  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

PG_FUNCTION_INFO_V1(pm_sql_remember_results);

Datum
pm_sql_remember_results(PG_FUNCTION_ARGS)
{
	PmFrame    *frame = pm_frame();
	PmCall		call;
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	int64	   *results;

	pm_begin(&call, fcinfo);
	pm_refuse_nulls(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, &nulls, &n);
	results = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("results must not contain nulls"),
					 errdetail("Element %d is null.", i + 1),
					 errhint("Remember the ids that the call returns.")));
		results[i] = DatumGetInt64(elements[i]);
	}
	pm_request_done(&frame->requested, results, n);
	pm_end(&call);
	PG_RETURN_VOID();
}

/* ---- names ---- */

PG_FUNCTION_INFO_V1(pm_sql_find_pool);

Datum
pm_sql_find_pool(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64		pool_id;

	pm_begin(&call, fcinfo);
	pool_id = pm_pool_arg(&call, fcinfo, 0)->pool_id;
	pm_end(&call);
	PG_RETURN_INT64(pool_id);
}

PG_FUNCTION_INFO_V1(pm_sql_find_tenant);

Datum
pm_sql_find_tenant(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64		tenant_id;

	pm_begin(&call, fcinfo);
	pm_not_null(fcinfo, 0, "tenant");
	tenant_id = pm_tenant_arg(&call, fcinfo, 0);
	pm_end(&call);
	PG_RETURN_INT64(tenant_id);
}

PG_FUNCTION_INFO_V1(pm_sql_find_bill);

Datum
pm_sql_find_bill(PG_FUNCTION_ARGS)
{
	PmCall		call;

	pm_begin(&call, fcinfo);
	pm_not_null(fcinfo, 0, "bill");
	(void) pm_find_bill(&call, PG_GETARG_INT64(0));
	pm_end(&call);
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

PG_FUNCTION_INFO_V1(pm_sql_find_network);

Datum
pm_sql_find_network(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64		network_id;

	pm_begin(&call, fcinfo);
	pm_not_null(fcinfo, 0, "network");
	if (PG_NARGS() == 1)
		network_id = pm_find_any_network(&call, -1, NULL, PG_GETARG_INT64(0));
	else
		network_id = pm_find_any_network(&call, PG_ARGISNULL(1) ? -1 : pm_tenant_arg(&call, fcinfo, 1),
										 pm_text_arg(fcinfo, 0), 0);
	pm_end(&call);
	PG_RETURN_INT64(network_id);
}

PG_FUNCTION_INFO_V1(pm_sql_find_node);

Datum
pm_sql_find_node(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64		node_id;

	pm_begin(&call, fcinfo);
	pm_refuse_nulls(fcinfo);
	node_id = pm_find_node(&call, PG_GETARG_INT64(0), pm_text_arg(fcinfo, 1));
	pm_end(&call);
	PG_RETURN_INT64(node_id);
}

/* ---- checks of what is given ---- */

PG_FUNCTION_INFO_V1(pm_sql_check_name);

Datum
pm_sql_check_name(PG_FUNCTION_ARGS)
{
	pm_check_name(pm_text_arg(fcinfo, 0), pm_text_arg(fcinfo, 1));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pm_sql_check_labels);

Datum
pm_sql_check_labels(PG_FUNCTION_ARGS)
{
	pm_check_labels(PG_GETARG_JSONB_P(0), pm_text_arg(fcinfo, 1));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pm_sql_check_taints);

Datum
pm_sql_check_taints(PG_FUNCTION_ARGS)
{
	pm_check_taints(PG_GETARG_JSONB_P(0), pm_text_arg(fcinfo, 1), false);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pm_sql_exact_interval);

Datum
pm_sql_exact_interval(PG_FUNCTION_ARGS)
{
	PG_RETURN_INTERVAL_P(pm_exact_interval(PG_GETARG_INTERVAL_P(0), pm_text_arg(fcinfo, 1)));
}

PG_FUNCTION_INFO_V1(pm_sql_exact_or_none);

Datum
pm_sql_exact_or_none(PG_FUNCTION_ARGS)
{
	PG_RETURN_INTERVAL_P(pm_exact_or_none(PG_GETARG_INTERVAL_P(0), pm_text_arg(fcinfo, 1)));
}
