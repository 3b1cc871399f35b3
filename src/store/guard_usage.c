/*-------------------------------------------------------------------------
 *
 * guard_usage.c
 *	  The trigger by which table usage defends itself.  It only refuses.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"

#include "errors.h"
#include "store/guard.h"
#include "store/session.h"

/* What a rule says to who breaks it */
typedef struct Rule
{
	const char *message;
	const char *detail;
	const char *hint;
} Rule;

/* In the order of the statement below */
static const Rule rules[] = {
	{"does not abut on the other slices of its holding",
		"Each begins where the one before ended, and none follows the end of a run.",
	"Choose times that leave no gap and no second twice."},
	{"is not what its holding has metered",
		"A slice of what is still held has its quantity and lies in the time that it says is metered.",
	"Change table usage and table holding in one statement."},
	{"crosses the edge of a billing month",
		"Months are those of the contract's time zone.",
	"Make two slices that meet at the edge."},
	{"does not take back what it corrects",
		"It has the same content and the negated quantity.",
	"Use correct_usage(), which takes back and records anew."},
	{"does not go on with the slices of its event before it",
		"They are one event with one content, cut at the edges of months.",
	"Use record_usage(), which cuts what it records."}
};

PG_FUNCTION_INFO_V1(pm_guard_usage);

Datum
pm_guard_usage(PG_FUNCTION_ARGS)
{
	/*
	 * A dump brings the slices in any order, one by one perhaps.  OFFSET 0:
	 * row by row, by an index.  Nothing is known of new_rows when this is
	 * planned, and a join that the planner chooses may read all of usage.
	 */
	static PmStatement broken = PM_STATEMENT("",
											 "SELECT 0, u.usage_id FROM new_rows u, LATERAL (SELECT p.* FROM pool_manager.usage p"
											 "  WHERE p.tenant_id = u.tenant_id AND p.holding_id = u.holding_id OFFSET 0) AS p"
											 " WHERE u.holding_id IS NOT NULL AND ((p.slice_no = u.slice_no - 1 AND p.ended_at <> u.started_at)"
											 "  OR (p.slice_no = u.slice_no + 1 AND p.started_at <> u.ended_at)"
											 "  OR (p.slice_no < u.slice_no AND (p.ended_at > u.started_at OR p.run_seconds IS NOT NULL))"
											 "  OR (p.slice_no > u.slice_no AND (p.started_at < u.ended_at OR u.run_seconds IS NOT NULL)))"
											 " UNION ALL"
											 " SELECT 1, u.usage_id FROM new_rows u JOIN pool_manager.holding h USING (tenant_id, holding_id)"
											 " WHERE u.slice_no > h.slice_no OR u.ended_at > h.metered_until OR u.started_at < h.since"
											 "  OR (u.sku_id, u.quantity) <> (h.sku_id, h.quantity) OR u.run_seconds IS NOT NULL"
											 " UNION ALL"
											 " SELECT 2, u.usage_id FROM new_rows u, LATERAL ("
											 "  SELECT c.time_zone FROM pool_manager.contract c WHERE c.tenant_id = u.tenant_id"
											 "   ORDER BY c.from_month <= (u.started_at AT TIME ZONE c.time_zone) DESC, c.from_month DESC LIMIT 1) AS c"
											 /* the edge of any zone's month is less than a day from that of UTC's */
											 " WHERE date_trunc('month', (u.started_at - '1 day'::interval) AT TIME ZONE 'UTC')"
											 "  <> date_trunc('month', (u.ended_at + '1 day'::interval) AT TIME ZONE 'UTC')"
											 "  AND u.ended_at - u.started_at > '1 second' AND u.corrects IS NULL"
											 "  AND pool_manager.billing_month(u.started_at, c.time_zone)"
											 "  <> pool_manager.billing_month(u.ended_at - '1 second'::interval, c.time_zone)"
											 " UNION ALL"
											 " SELECT 3, u.usage_id FROM new_rows u, LATERAL (SELECT p.* FROM pool_manager.usage p"
											 "  WHERE p.tenant_id = u.tenant_id AND p.usage_id = u.corrects OFFSET 0) AS p"
											 " WHERE u.corrects IS NOT NULL AND (p.quantity <> -u.quantity OR (p.sku_id, p.started_at, p.ended_at, p.slice_no) <> (u.sku_id, u.started_at, u.ended_at, u.slice_no)"
											 "  OR (p.workspace_id, p.pool_id, p.job_id, p.run_id, p.node_id, p.volume_id, p.network_id, p.run_seconds)"
											 "   IS DISTINCT FROM (u.workspace_id, u.pool_id, u.job_id, u.run_id, u.node_id, u.volume_id, u.network_id, u.run_seconds))"
											 " UNION ALL"
											 " SELECT 4, u.usage_id FROM new_rows u, LATERAL (SELECT p.* FROM pool_manager.usage p"
											 "  WHERE p.source = u.source AND p.event_id = u.event_id AND p.slice_no < u.slice_no OFFSET 0) AS p"
											 " WHERE u.slice_no > 1 AND ((p.slice_no = u.slice_no - 1 AND p.ended_at <> u.started_at)"
											 "  OR (p.tenant_id, p.sku_id, p.quantity) <> (u.tenant_id, u.sku_id, u.quantity)"
											 "  OR (p.workspace_id, p.pool_id, p.job_id, p.run_id) IS DISTINCT FROM (u.workspace_id, u.pool_id, u.job_id, u.run_id))"
											 " LIMIT 1");
	TriggerData *trigger = pm_trigger_of(fcinfo);
	PmArgs		args;
	PmCall		call;

	pm_begin(&call, fcinfo);
	args = pm_register_new_rows(trigger);
	if (pm_run(&broken, &args) > 0)
	{
		const Rule *rule = &rules[pm_get_int32(0, 1)];

		ereport(ERROR,
				(errcode(ERRCODE_PM_BOOKS),
				 errmsg("usage " INT64_FORMAT " %s", pm_get_int64(0, 2), rule->message),
				 errdetail("%s", rule->detail),
				 errhint("%s", rule->hint)));
	}
	pm_end(&call);
	return (Datum) 0;
}
