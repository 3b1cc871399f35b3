/*-------------------------------------------------------------------------
 *
 * guard_ledger.c
 *	  The triggers by which closed periods and issued bills refuse new rows,
 *	  and contracts change only where nothing was booked by them.  That the
 *	  rows of the books are not changed is for guard_append_only().
 *
 * A dump brings the rows of closed periods in any order, one by one perhaps,
 * so nothing may be missed.  What may come is told by numbers that were kept
 * when the period closed: ids grow, and lines are numbered from 1.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/guard.h"
#include "store/session.h"

static void
refuse_late(const char *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_PM_BOOKS),
			 errmsg("the period of %s " INT64_FORMAT " is closed", table, pm_get_int64(0, 1)),
			 errdetail("Its bills were issued at %s; nothing is booked into it since.",
					   timestamptz_to_str(pm_get_time(0, 2))),
			 errhint("Late usage is settled into the next period; adjust() books there too.")));
}

static void
refuse_bill(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PM_BOOKS),
			 errmsg("bill " INT64_FORMAT " is not of a period that was closed when it was issued", pm_get_int64(0, 1)),
			 errdetail("A bill is issued when its period is closed, in one transaction."),
			 errhint("Use issue_bill().")));
}

static void
refuse_line(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PM_BOOKS),
			 errmsg("bill " INT64_FORMAT " has no line %d", pm_get_int64(0, 1), pm_get_int32(0, 2)),
			 errdetail("It was issued with %d lines.", pm_get_int32(0, 3)),
			 errhint("What is wrong is corrected in the next period, with adjust().")));
}

PG_FUNCTION_INFO_V1(pm_guard_closed);

Datum
pm_guard_closed(PG_FUNCTION_ARGS)
{
	static PmStatement bookings = PM_STATEMENT("",
											   "SELECT t.booking_id, p.closed_at FROM new_rows t"
											   " JOIN pool_manager.billing_period p USING (tenant_id, period_start)"
											   " WHERE t.booking_id > p.last_booking LIMIT 1");
	static PmStatement charges = PM_STATEMENT("",
											  "SELECT t.charge_id, p.closed_at FROM new_rows t"
											  " JOIN pool_manager.billing_period p USING (tenant_id, period_start)"
											  " WHERE t.charge_id > p.last_charge LIMIT 1");
	static PmStatement bills = PM_STATEMENT("",
											"SELECT t.bill_id FROM new_rows t"
											" JOIN pool_manager.billing_period p USING (tenant_id, period_start)"
											" WHERE p.closed_at IS DISTINCT FROM t.issued_at LIMIT 1");
	static PmStatement lines = PM_STATEMENT("",
											"SELECT t.bill_id, t.line_no, b.lines FROM new_rows t"
											" JOIN pool_manager.bill b USING (tenant_id, bill_id)"
											" WHERE t.line_no > b.lines LIMIT 1");
	TriggerData *trigger = pm_trigger_of(fcinfo);
	const char *table = RelationGetRelationName(trigger->tg_relation);
	PmArgs		args;
	PmCall		call;

	pm_begin(&call, fcinfo);
	args = pm_register_new_rows(trigger);
	if (strcmp(table, "bill") == 0)
	{
		if (pm_run(&bills, &args) > 0)
			refuse_bill();
	}
	else if (strcmp(table, "bill_line") == 0)
	{
		if (pm_run(&lines, &args) > 0)
			refuse_line();
	}
	else if (pm_run(strcmp(table, "booking") == 0 ? &bookings : &charges, &args) > 0)
		refuse_late(table);
	pm_end(&call);
	return (Datum) 0;
}

/* ---- contracts ---- */

/*
 * A contract holds from the beginning of its month, the first one from ever.
 * All that holds before the end of what was booked stays as it is.
 */
static void
check_contract(Relation relation, HeapTuple row)
{
	static PmStatement share = PM_STATEMENT("int8", "SELECT FROM pool_manager.ledger WHERE tenant_id = $1 FOR SHARE");
	static PmStatement booked = PM_STATEMENT("int8;date;text",
											 "SELECT t.name, to_char(p.period_start AT TIME ZONE b.time_zone, 'YYYY-MM'), $2::text"
											 " FROM pool_manager.billing_period p JOIN pool_manager.tenant t USING (tenant_id)"
											 " JOIN pool_manager.contract b ON b.tenant_id = p.tenant_id AND b.from_month = p.contract_from"
											 " WHERE p.tenant_id = $1 AND (p.period_end > pool_manager.billing_month(($2 + time '12:00') AT TIME ZONE $3, $3)"
											 "  OR NOT EXISTS (SELECT FROM pool_manager.contract c WHERE c.tenant_id = $1 AND c.from_month < $2))"
											 " ORDER BY p.period_start LIMIT 1");
	static const char *const columns[] = {"tenant_id", "from_month", "time_zone"};
	TupleDesc	desc = RelationGetDescr(relation);
	PmArgs		args = {0};
	PmArgs		tenant = {0};
	bool		isnull;

	/* who is booking by the contract comes to its end first */
	pm_arg(&tenant, SPI_getbinval(row, desc, SPI_fnumber(desc, columns[0]), &isnull), false);
	pm_run(&share, &tenant);
	for (int i = 0; i < (int) lengthof(columns); i++)
	{
		Datum		value = SPI_getbinval(row, desc, SPI_fnumber(desc, columns[i]), &isnull);

		pm_arg(&args, value, isnull);
	}
	if (pm_run(&booked, &args) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s of tenant \"%s\" has been charged by its contract", pm_get_text(0, 2), pm_get_text(0, 1)),
				 errdetail("What a contract says stays once something was booked by it; the one from %s on holds for that time.",
						   pm_get_text(0, 3)),
				 errhint("Use set_contract() for a month that has not begun.")));
}

PG_FUNCTION_INFO_V1(pm_guard_contract);

Datum
pm_guard_contract(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = pm_trigger_of(fcinfo);
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	PmCall		call;

	pm_begin(&call, fcinfo);
	check_contract(trigger->tg_relation, trigger->tg_trigtuple);
	if (update)
		check_contract(trigger->tg_relation, trigger->tg_newtuple);
	pm_end(&call);
	return PointerGetDatum(update ? trigger->tg_newtuple : trigger->tg_trigtuple);
}
