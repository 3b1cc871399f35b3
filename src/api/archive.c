/*-------------------------------------------------------------------------
 *
 * archive.c
 *	  drop_archived(): rows that archive() has copied are deleted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/array.h"

#include "api/args.h"
#include "store/archive.h"

/* All of them must be gone; how many those are */
static uint64
check_deleted(const char *what, Datum ids, uint64 deleted)
{
	ArrayType  *array = DatumGetArrayTypeP(ids);
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (deleted != (uint64) n)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%d of the %s cannot be deleted", n - (int) deleted, what),
				 errdetail("They are not there, or of no archived period, or adjustments, taxes or records of external meters, which stay."),
				 errhint("Use archive(), which copies them and chooses those that can.")));
	return deleted;
}

PG_FUNCTION_INFO_V1(pm_sql_drop_archived);

Datum
pm_sql_drop_archived(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64		tenant_id;
	uint64		charges;
	uint64		usage;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	pm_refuse_nulls(fcinfo);
	tenant_id = pm_tenant_arg(&call, fcinfo, 0);
	charges = check_deleted("charges", PG_GETARG_DATUM(1), pm_delete_archived_charges(tenant_id, PG_GETARG_DATUM(1)));
	usage = check_deleted("rows of usage", PG_GETARG_DATUM(2), pm_delete_archived_usage(tenant_id, PG_GETARG_DATUM(2)));
	if (charges + usage > 0)
		pm_note_archived(&call, tenant_id, charges, usage, pm_text_arg(fcinfo, 3));
	pm_end(&call);
	PG_RETURN_VOID();
}
