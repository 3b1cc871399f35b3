/*-------------------------------------------------------------------------
 *
 * request.c
 *	  Calls that were made before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"

#include "store/request.h"
#include "store/statement.h"

PmEarlier *
pm_note_request(PmCall *call, int64 tenant_id, const char *request_id,
				const char *name, const char *arguments)
{
	static PmStatement note = PM_STATEMENT("int8;text;text;text;timestamptz;text",
										   "INSERT INTO pool_manager.request (tenant_id, request_id, call, arguments, at, actor)"
										   " VALUES ($1, $2, $3, $4::jsonb, $5, $6)"
										   " ON CONFLICT (tenant_id, request_id) DO NOTHING");
	static PmStatement find = PM_STATEMENT("int8;text;text",
										   "SELECT r.call, r.results, (SELECT key FROM jsonb_each(r.arguments) a"
										   "  FULL JOIN jsonb_each($3::jsonb) b USING (key)"
										   "  WHERE a.value IS DISTINCT FROM b.value ORDER BY key LIMIT 1)"
										   " FROM pool_manager.request r WHERE r.tenant_id = $1 AND r.request_id = $2");
	PmArgs		args = {0};
	PmArgs		find_args = {0};
	PmEarlier  *earlier;
	MemoryContext old;

	pm_arg_int64(&args, tenant_id);
	pm_arg_text(&args, request_id);
	pm_arg_text(&args, name);
	pm_arg_text(&args, arguments);
	pm_arg_time(&args, pm_writing_clock());
	pm_arg_text(&args, call->actor_name);
	if (pm_run(&note, &args) > 0)
		return NULL;

	pm_arg_int64(&find_args, tenant_id);
	pm_arg_text(&find_args, request_id);
	pm_arg_text(&find_args, arguments);
	if (pm_run(&find, &find_args) == 0)
		elog(ERROR, "request \"%s\" not found", request_id);
	earlier = palloc0(sizeof(PmEarlier));
	earlier->call = pm_get_text(0, 1);
	earlier->differs = pm_get_text(0, 3);
	old = MemoryContextSwitchTo(call->caller);
	earlier->nresults = pm_get_int64s(0, 2, &earlier->results);
	MemoryContextSwitchTo(old);
	return earlier;
}

void
pm_note_results(int64 tenant_id, const char *request_id, const int64 *results, int nresults)
{
	static PmStatement note = PM_STATEMENT("int8;text;int8[]",
										   "UPDATE pool_manager.request SET results = $3 WHERE tenant_id = $1 AND request_id = $2");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_text(&args, request_id);
	pm_arg_int64_array(&args, results, nresults);
	pm_run(&note, &args);
}
