/*-------------------------------------------------------------------------
 *
 * due.c
 *	  Whose books are due to be kept; see due.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "billing/calendar.h"
#include "store/due.h"
#include "store/statement.h"

int
pm_due_tenants(MemoryContext context, int64 until, PmDueTenant **tenants)
{
	static PmStatement read = PM_STATEMENT("timestamptz",
										   "SELECT d.* FROM (SELECT t.tenant_id, t.name, l.settled_until IS NULL OR l.settled_until < $1 AS behind,"
										   "  c.tenant_id IS NOT NULL AS limited FROM pool_manager.tenant t"
										   "  LEFT JOIN pool_manager.ledger l USING (tenant_id)"
										   "  LEFT JOIN pool_manager.credit_limit c USING (tenant_id) WHERE t.tenant_id <> 0) AS d"
										   " WHERE d.behind OR d.limited ORDER BY d.tenant_id");
	PmArgs		args = {0};
	int			n;

	pm_arg_time(&args, pm_second_timestamptz(until));
	n = (int) pm_run(&read, &args);
	*tenants = MemoryContextAllocHuge(context, sizeof(PmDueTenant) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		PmDueTenant *tenant = &(*tenants)[i];

		tenant->tenant_id = pm_get_int64(i, 1);
		tenant->name = MemoryContextStrdup(context, pm_get_text(i, 2));
		tenant->behind = pm_get_bool(i, 3);
		tenant->limited = pm_get_bool(i, 4);
	}
	return n;
}

void
pm_check_arrears(int64 tenant_id)
{
	/* it wakes the scheduler, so it is called where something comes of it */
	static PmStatement check = PM_STATEMENT("int8",
											"SELECT c.* FROM (SELECT DISTINCT b.tenant_id FROM pool_manager.balance b"
											"  WHERE b.tenant_id = $1 AND b.next_state <> b.state) AS d,"
											" pool_manager.check_arrears(d.tenant_id) AS c");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_run(&check, &args);
}
