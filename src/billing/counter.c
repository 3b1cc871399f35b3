/*-------------------------------------------------------------------------
 *
 * counter.c
 *	  Counters and the quantity they stand for; see counter.h.  What a counter
 *	  costs is in rate.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/counter.h"
#include "common/int.h"
#include "utils/fmgrprotos.h"

/* The last digit of a quantity: 10^12 / 3,600,000 = 2,500,000 / 9 of it a unit */
#define QUANTITY_UNIT		INT64CONST(1000000000000)
#define RATIO_NUMERATOR		INT64CONST(2500000)
#define RATIO_DENOMINATOR	9

static void
counter_overflow(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("usage counter out of range"),
			 errdetail("A counter holds less than 2.56e12 unit-hours a month."),
			 errhint("Take a shorter time, or meter in larger units.")));
}

int64
pm_counter_add(int64 n, int64 more)
{
	if (pg_add_s64_overflow(n, more, &n))
		counter_overflow();
	return n;
}

Numeric
pm_counter_quantity(int64 n, bool once)
{
	int64		hours = n / PM_MILLI_SECONDS_PER_HOUR;
	int64		rest = n % PM_MILLI_SECONDS_PER_HOUR;
	int64		fraction;
	int64		small;
	Datum		result;

	if (once)
		return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale,
												   NumericGetDatum(int64_div_fast_to_numeric(n, 3))));

	/*
	 * rest x 2,500,000 / 9, rounded; the divisor is odd, so there are no ties,
	 * and rounding half up is adding half the divisor.
	 */
	fraction = rest * RATIO_NUMERATOR;
	fraction = (2 * fraction + (n < 0 ? -RATIO_DENOMINATOR : RATIO_DENOMINATOR)) /
		(2 * RATIO_DENOMINATOR);

	if (!pg_mul_s64_overflow(hours, QUANTITY_UNIT, &small) &&
		!pg_add_s64_overflow(small, fraction, &small))
		result = NumericGetDatum(int64_div_fast_to_numeric(small, PM_QUANTITY_DIGITS));
	else
		result = DirectFunctionCall2(numeric_add, NumericGetDatum(int64_to_numeric(hours)),
									 NumericGetDatum(int64_div_fast_to_numeric(fraction,
																			   PM_QUANTITY_DIGITS)));
	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, result));
}
