/*-------------------------------------------------------------------------
 *
 * frame.c
 *	  The language of calls whose body is PL/pgSQL.
 *
 * Its handler puts the frame of a call around the handler of PL/pgSQL, which
 * compiles whatever function it is called for.  SECURITY DEFINER would give
 * the body the owner's rights too, but does not tell who calls.
 *
 * A procedure is not a call: it makes some, as who called it, and commits
 * between them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"

#include "api/args.h"
#include "api/frame.h"
#include "store/procedure.h"

static PGFunction
plpgsql_handler(void)
{
	static PGFunction handler = NULL;

	if (handler == NULL)
		handler = load_external_function("$libdir/plpgsql", "plpgsql_call_handler", true, NULL);
	return handler;
}

/* An error of a body, caught, as the caller is to see it */
static void
rethrow(MemoryContext caller, Oid function)
{
	ErrorData  *error;

	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	FlushErrorState();
	/* what is refused is a statement of the body: it is the call that cannot be */
	if (error->sqlerrcode == ERRCODE_READ_ONLY_SQL_TRANSACTION && error->hint == NULL)
		pm_reword_read_only(error, function);
	/* a refusal says all there is to say, and has a hint; lines of the body say nothing to the caller */
	if (error->hint)
		error->context = NULL;
	ReThrowError(error);
}

static Datum
run_procedure(FunctionCallInfo fcinfo)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			function = fcinfo->flinfo->fn_oid;
	Datum		result = (Datum) 0;

	pm_require_commits(fcinfo, get_func_name(function));
	if (XactReadOnly)
		pm_refuse_read_only(function);
	pm_refuse_nulls(fcinfo);
	PG_TRY();
	{
		result = plpgsql_handler()(fcinfo);
	}
	PG_CATCH();
	{
		rethrow(caller, function);
	}
	PG_END_TRY();
	return result;
}

static Datum
run_call(FunctionCallInfo fcinfo)
{
	PGFunction	handler = plpgsql_handler();
	PmCall	   *outer = pm_body;
	PmFrame		frame = {0};
	Datum		result = (Datum) 0;
	bool		reads;

	pm_begin(&frame.call, fcinfo);
	frame.call.framed = true;
	/* asked now: an error that the body catches leaves behind what its call was */
	reads = pm_call_is_read_only();
	frame.fcinfo = fcinfo;
	frame.context = CurrentMemoryContext;
	pm_refuse_nulls(fcinfo);

	/* PL/pgSQL leaves its result where it was called */
	MemoryContextSwitchTo(frame.call.caller);
	PG_TRY();
	{
		pm_body = &frame.call;
		result = handler(fcinfo);
	}
	PG_CATCH();
	{
		pm_body = outer;
		rethrow(frame.call.caller, frame.call.function);
	}
	PG_END_TRY();
	pm_body = outer;
	if (!reads)
		pm_changed();
	pm_end(&frame.call);
	return result;
}

PG_FUNCTION_INFO_V1(pm_call_handler);

Datum
pm_call_handler(PG_FUNCTION_ARGS)
{
	if (fcinfo->context && IsA(fcinfo->context, CallContext))
		return run_procedure(fcinfo);
	return run_call(fcinfo);
}

PmCall *
pm_running_body(void)
{
	if (!pm_in_body())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no call is running"),
				 errdetail("This function serves the bodies of calls, functions in language pool_manager."),
				 errhint("Use the calls themselves.")));
	return pm_body;
}

PmFrame *
pm_frame(void)
{
	PmCall	   *body = pm_running_body();

	/* a pass runs bodies too, without the arguments of a call */
	if (!body->framed)
		elog(ERROR, "a pass has no arguments");
	return (PmFrame *) body;
}
