/*-------------------------------------------------------------------------
 *
 * frame.c
 *	  The language of calls whose body is PL/pgSQL.
 *
 * Its handler puts the frame of a call around the handler of PL/pgSQL, which
 * compiles whatever function it is called for.  SECURITY DEFINER would give
 * the body the owner's rights too, but does not tell who calls.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"

#include "api/args.h"
#include "api/frame.h"

static PGFunction
plpgsql_handler(void)
{
	static PGFunction handler = NULL;

	if (handler == NULL)
		handler = load_external_function("$libdir/plpgsql", "plpgsql_call_handler", true, NULL);
	return handler;
}

PG_FUNCTION_INFO_V1(pm_call_handler);

Datum
pm_call_handler(PG_FUNCTION_ARGS)
{
	PGFunction	handler = plpgsql_handler();
	PmCall	   *outer = pm_body;
	PmFrame		frame = {0};
	Datum		result = (Datum) 0;
	bool		reads;

	/* a COMMIT in the body would end the frame under it */
	if (fcinfo->context && IsA(fcinfo->context, CallContext))
		((CallContext *) fcinfo->context)->atomic = true;

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
		ErrorData  *error;

		pm_body = outer;
		MemoryContextSwitchTo(frame.call.caller);
		error = CopyErrorData();
		FlushErrorState();
		/* what is refused is a statement of the body: it is the call that cannot be */
		if (error->sqlerrcode == ERRCODE_READ_ONLY_SQL_TRANSACTION && error->hint == NULL)
			pm_reword_read_only(error, frame.call.function);
		/* a refusal says all there is to say, and has a hint; lines of the body say nothing to the caller */
		if (error->hint)
			error->context = NULL;
		ReThrowError(error);
	}
	PG_END_TRY();
	pm_body = outer;
	if (!reads)
		pm_changed();
	pm_end(&frame.call);
	return result;
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
