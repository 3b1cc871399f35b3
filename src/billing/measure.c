/*-------------------------------------------------------------------------
 *
 * measure.c
 *	  What is held, in thousandths of a SKU's unit (rule 6.2).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"

#include "billing/measure.h"

static void
out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("quantity of a holding out of range")));
}

int64
pm_measure_units(int64 count)
{
	int64		result = 0;

	if (pg_mul_s64_overflow(count, 1000, &result))
		out_of_range();
	return result;
}

int64
pm_measure_resource(int64 amount, int64 unit, int64 replicas)
{
	int128		each;
	int64		result = 0;

	Assert(amount >= 0 && unit > 0);
	/* floor(x + 1/2) with x = 1000 amount / unit */
	each = ((int128) amount * 2000 + unit) / ((int128) unit * 2);
	if (each > PG_INT64_MAX || pg_mul_s64_overflow((int64) each, replicas, &result))
		out_of_range();
	return result;
}
