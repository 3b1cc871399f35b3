/*-------------------------------------------------------------------------
 *
 * devices.c
 *	  Loads of devices: integer arrays that say, device by device from 0, how
 *	  many thousandths are taken.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "utils/array.h"

#define MAX_DEVICE 65535

static void
out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("device load out of range")));
}

/* The values of an array without NULLs, or none */
static int32 *
values_of(ArrayType *array, int *n)
{
	if (ARR_NDIM(array) > 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != INT4OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("devices must be an array of integers of one dimension, without nulls")));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (int32 *) ARR_DATA_PTR(array);
}

static ArrayType *
make_array(const int32 *values, int n)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		datums[i] = Int32GetDatum(values[i]);
	return construct_array(datums, n, INT4OID, sizeof(int32), true, TYPALIGN_INT);
}

/* a + sign * b; the shorter one counts as 0 beyond its end */
static Datum
combine(FunctionCallInfo fcinfo, int sign)
{
	int			na;
	int			nb;
	int32	   *a = values_of(PG_GETARG_ARRAYTYPE_P(0), &na);
	int32	   *b = values_of(PG_GETARG_ARRAYTYPE_P(1), &nb);
	int			n = Max(na, nb);
	int32	   *result = palloc0(sizeof(int32) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		int64		value = (i < na ? a[i] : 0) + (int64) sign * (i < nb ? b[i] : 0);

		if (value < PG_INT32_MIN || value > PG_INT32_MAX)
			out_of_range();
		result[i] = (int32) value;
	}
	PG_RETURN_ARRAYTYPE_P(make_array(result, n));
}

PG_FUNCTION_INFO_V1(pm_device_add);

Datum
pm_device_add(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, 1);
}

PG_FUNCTION_INFO_V1(pm_device_subtract);

Datum
pm_device_subtract(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, -1);
}

PG_FUNCTION_INFO_V1(pm_device_total);

Datum
pm_device_total(PG_FUNCTION_ARGS)
{
	int			n;
	int32	   *loads = values_of(PG_GETARG_ARRAYTYPE_P(0), &n);
	int64		total = 0;

	for (int i = 0; i < n; i++)
		total += loads[i];
	PG_RETURN_INT64(total);
}

/* Transition of device_sum: adds share to each device in a list of numbers */
PG_FUNCTION_INFO_V1(pm_device_sum_step);

Datum
pm_device_sum_step(PG_FUNCTION_ARGS)
{
	int			nloads = 0;
	int			nnumbers = 0;
	int32	   *loads = NULL;
	int32	   *numbers = NULL;
	int32		share = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2);
	int32	   *result;
	int			n;

	/* not STRICT: rows without devices count as rows */
	if (!PG_ARGISNULL(0))
		loads = values_of(PG_GETARG_ARRAYTYPE_P(0), &nloads);
	if (!PG_ARGISNULL(1))
		numbers = values_of(PG_GETARG_ARRAYTYPE_P(1), &nnumbers);
	n = nloads;
	for (int i = 0; i < nnumbers; i++)
	{
		if (numbers[i] < 0 || numbers[i] > MAX_DEVICE)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("device number %d out of range", numbers[i])));
		n = Max(n, numbers[i] + 1);
	}
	result = palloc0(sizeof(int32) * Max(n, 1));
	if (nloads > 0)
		memcpy(result, loads, sizeof(int32) * nloads);
	for (int i = 0; i < nnumbers; i++)
	{
		if (pg_add_s32_overflow(result[numbers[i]], share, &result[numbers[i]]))
			out_of_range();
	}
	PG_RETURN_ARRAYTYPE_P(make_array(result, n));
}
