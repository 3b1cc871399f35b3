/*-------------------------------------------------------------------------
 *
 * settle_all.c
 *	  settle_all(): all tenants are settled, and their arrears checked, each in
 *	  a transaction of its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "api/settle.h"
#include "billing/calendar.h"
#include "store/attempt.h"
#include "store/due.h"
#include "store/procedure.h"

typedef struct Settling
{
	FunctionCallInfo fcinfo;
	const PmDueTenant *tenant;
	int64		until;
} Settling;

static bool
settle(void *state)
{
	Settling   *settling = state;
	PmCall		call;

	pm_begin(&call, settling->fcinfo);
	pm_require_operator(&call);
	(void) pm_settle_tenant(&call, settling->tenant->tenant_id, settling->until);
	pm_end(&call);
	return true;
}

/* Something cannot be rated, or another transaction is in the way */
static bool
concerns_one(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		sqlerrcode == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE ||
		sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE;
}

/* What is wrong with one is no reason not to settle the others */
static bool
try_settle(FunctionCallInfo fcinfo, const PmDueTenant *tenant, int64 until)
{
	Settling	settling = {fcinfo, tenant, until};
	ErrorData  *error = pm_attempt(settle, &settling);

	if (error == NULL)
		return true;
	if (!concerns_one(error->sqlerrcode))
		ReThrowError(error);
	pm_warn_of_tenant(PM_NOT_SETTLED, tenant->name, error);
	return false;
}

static void
check_arrears(FunctionCallInfo fcinfo, const PmDueTenant *tenant)
{
	PmCall		call;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	pm_check_arrears(tenant->tenant_id);
	pm_end(&call);
}

PG_FUNCTION_INFO_V1(pm_settle_all);

Datum
pm_settle_all(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmDueTenant *tenants;
	int64		until;
	int			failed = 0;
	int			n;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	pm_end(&call);
	pm_procedure_begin(fcinfo, "settle_all");
	pm_begin(&call, fcinfo);
	until = pm_settle_until(fcinfo, 0);
	/* whoever is settled up to then may have been used late */
	n = pm_due_tenants(call.caller, PM_SECOND_MAX, &tenants);
	pm_end(&call);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!try_settle(fcinfo, &tenants[i], until))
			failed++;
		pm_procedure_commit();
		if (!tenants[i].limited)
			continue;
		check_arrears(fcinfo, &tenants[i]);
		pm_procedure_commit();
	}
	pm_procedure_end();
	if (failed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%d of the tenants could not be settled", failed),
				 errdetail("The others are settled and committed; the warnings say what is wrong."),
				 errhint("Mend it and call again: what is settled already costs nothing.")));
	PG_RETURN_VOID();
}
