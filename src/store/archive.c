/*-------------------------------------------------------------------------
 *
 * archive.c
 *	  What of the books is archived, and deleting it; see archive.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/calendar.h"
#include "store/archive.h"
#include "store/statement.h"

/* ---- what is archived ---- */

static bool
get_archived(uint64 rows, PmArchived *archived)
{
	if (rows == 0)
		return false;
	archived->tenant = pm_get_text(0, 1);
	archived->until = pm_get_time(0, 2);
	return true;
}

bool
pm_find_archived(const int64 *tenants, int n, int64 since, PmArchived *archived)
{
	static PmStatement find = PM_STATEMENT("int8[];timestamptz",
										   "SELECT t.name, l.archived_until FROM pool_manager.ledger l JOIN pool_manager.tenant t USING (tenant_id)"
										   " WHERE l.tenant_id = ANY ($1) AND l.archived_until > $2 ORDER BY l.tenant_id LIMIT 1");
	PmArgs		args = {0};

	pm_arg_int64_array(&args, tenants, n);
	pm_arg_time(&args, pm_second_timestamptz(since));
	return get_archived(pm_run(&find, &args), archived);
}

bool
pm_find_archived_charges(int64 sku_id, int64 tenant_id, int64 price_id, int64 since, int64 until,
						 PmArchived *archived)
{
	/* charges may be gone, their counters are not; a month has no more than 32 days */
	static PmStatement find = PM_STATEMENT("int8;int8;int8;timestamptz;timestamptz",
										   "SELECT t.name, l.archived_until FROM pool_manager.counter k"
										   " JOIN pool_manager.ledger l USING (tenant_id) JOIN pool_manager.tenant t USING (tenant_id)"
										   " WHERE k.sku_id = $1 AND ($2 IS NULL OR k.tenant_id = $2) AND ($3 IS NULL OR k.price_id = $3)"
										   "  AND k.month_start > $4 - '32 days'::interval AND k.month_start < $5"
										   "  AND l.archived_until > greatest($4, k.month_start)"
										   " ORDER BY l.archived_until DESC, l.tenant_id LIMIT 1");
	PmArgs		args = {0};

	pm_arg_int64(&args, sku_id);
	pm_arg_id(&args, tenant_id);
	pm_arg_id(&args, price_id);
	pm_arg_time(&args, pm_second_timestamptz(since));
	pm_arg_time(&args, pm_second_timestamptz(until));
	return get_archived(pm_run(&find, &args), archived);
}

bool
pm_is_archived(const PmUsageRecord *usage)
{
	static PmStatement find = PM_STATEMENT("int8;int8;timestamptz",
										   "SELECT FROM pool_manager.ledger l WHERE l.tenant_id = $1 AND l.archived_until > $3"
										   " AND NOT EXISTS (SELECT FROM pool_manager.unrated r WHERE r.tenant_id = $1 AND r.usage_id = $2)"
										   " AND NOT EXISTS (SELECT FROM pool_manager.charge c WHERE c.tenant_id = $1 AND c.usage_id = $2)");
	PmArgs		args = {0};

	pm_arg_int64(&args, usage->tenant_id);
	pm_arg_int64(&args, usage->usage_id);
	pm_arg_time(&args, pm_second_timestamptz(usage->start));
	return pm_run(&find, &args) > 0;
}

/* ---- deleting it ---- */

static bool deletes_archived = false;

bool
pm_deletes_archived(void)
{
	return deletes_archived;
}

static uint64
delete_archived(PmStatement *statement, int64 tenant_id, Datum ids)
{
	PmArgs		args = {0};
	uint64		rows;

	pm_arg_int64(&args, tenant_id);
	pm_arg(&args, ids, false);
	deletes_archived = true;
	PG_TRY();
	{
		rows = pm_run(statement, &args);
	}
	PG_FINALLY();
	{
		deletes_archived = false;
	}
	PG_END_TRY();
	return rows;
}

uint64
pm_delete_archived_charges(int64 tenant_id, Datum ids)
{
	/* adjustments and taxes are lines of bills, which stay */
	static PmStatement delete = PM_STATEMENT("int8;int8[]",
											 "DELETE FROM pool_manager.charge c USING pool_manager.ledger l"
											 " WHERE c.tenant_id = $1 AND c.charge_id = ANY ($2) AND l.tenant_id = $1"
											 "  AND c.usage_id IS NOT NULL AND c.period_start < l.archived_until");

	return delete_archived(&delete, tenant_id, ids);
}

uint64
pm_delete_archived_usage(int64 tenant_id, Datum ids)
{
	/* by the records of external meters a repeated event is told from a new one; an empty slice is of the second before */
	static PmStatement delete = PM_STATEMENT("int8;int8[]",
											 "DELETE FROM pool_manager.usage u USING pool_manager.ledger l"
											 " WHERE u.tenant_id = $1 AND u.usage_id = ANY ($2) AND l.tenant_id = $1"
											 "  AND u.source IS NULL AND least(u.started_at, u.ended_at - '1 second'::interval) < l.archived_until");

	return delete_archived(&delete, tenant_id, ids);
}

void
pm_note_archived(PmCall *call, int64 tenant_id, uint64 charges, uint64 usage, const char *schema)
{
	static PmStatement note = PM_STATEMENT("int8;timestamptz;text;int8;int8;text",
										   "INSERT INTO pool_manager.event (tenant_id, at, kind, actor, reason) VALUES ($1, $2, 'archived', $3,"
										   " format('%s charges and %s rows of usage into schema \"%s\"', $4, $5, $6))");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_time(&args, pm_writing_clock());
	pm_arg_text(&args, call->actor_name);
	pm_arg_int64(&args, (int64) charges);
	pm_arg_int64(&args, (int64) usage);
	pm_arg_text(&args, schema);
	pm_run(&note, &args);
}
