/*-------------------------------------------------------------------------
 *
 * resource_list_ops.c
 *	  SQL operators and functions of two resource_lists, and the support
 *	  functions of the btree and hash operator classes.
 *
 * Thin wrappers around resource_list.c, and the two questions about a request
 * and a capacity: copies() and dominant_share().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/fmgrprotos.h"

#include "compat.h"
#include "types/resource_list.h"

PG_FUNCTION_INFO_V1(pm_rl_eq);
PG_FUNCTION_INFO_V1(pm_rl_ne);
PG_FUNCTION_INFO_V1(pm_rl_lt);
PG_FUNCTION_INFO_V1(pm_rl_le);
PG_FUNCTION_INFO_V1(pm_rl_gt);
PG_FUNCTION_INFO_V1(pm_rl_ge);
PG_FUNCTION_INFO_V1(pm_rl_cmp);
PG_FUNCTION_INFO_V1(pm_rl_hash);
PG_FUNCTION_INFO_V1(pm_rl_hash_extended);
PG_FUNCTION_INFO_V1(pm_rl_add);
PG_FUNCTION_INFO_V1(pm_rl_subtract);
PG_FUNCTION_INFO_V1(pm_rl_negate);
PG_FUNCTION_INFO_V1(pm_rl_multiply);
PG_FUNCTION_INFO_V1(pm_rl_multiply_left);
PG_FUNCTION_INFO_V1(pm_rl_contains);
PG_FUNCTION_INFO_V1(pm_rl_contained);
PG_FUNCTION_INFO_V1(pm_rl_max);
PG_FUNCTION_INFO_V1(pm_rl_min);
PG_FUNCTION_INFO_V1(pm_rl_copies);
PG_FUNCTION_INFO_V1(pm_rl_dominant_share);

Datum
pm_rl_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pm_resource_list_equal(PG_GETARG_RESOURCE_LIST_P(0),
										  PG_GETARG_RESOURCE_LIST_P(1)));
}

Datum
pm_rl_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!pm_resource_list_equal(PG_GETARG_RESOURCE_LIST_P(0),
										   PG_GETARG_RESOURCE_LIST_P(1)));
}

/* The arguments of an ordering operator, compared; large copies are freed */
static int
compare_arguments(FunctionCallInfo fcinfo)
{
	PmResourceList *a = PG_GETARG_RESOURCE_LIST_P(0);
	PmResourceList *b = PG_GETARG_RESOURCE_LIST_P(1);
	int			cmp = pm_resource_list_compare(a, b);

	/* An index build compares in a context that lives long */
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return cmp;
}

Datum
pm_rl_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

Datum
pm_rl_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

Datum
pm_rl_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

Datum
pm_rl_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

Datum
pm_rl_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_arguments(fcinfo));
}

/* Equal lists are equal bytes */
Datum
pm_rl_hash(PG_FUNCTION_ARGS)
{
	PmResourceList *list = PG_GETARG_RESOURCE_LIST_P(0);
	uint32		hash = hash_bytes((unsigned char *) VARDATA(list),
								  (int) (VARSIZE(list) - VARHDRSZ));

	PG_FREE_IF_COPY(list, 0);
	PG_RETURN_INT32((int32) hash);
}

Datum
pm_rl_hash_extended(PG_FUNCTION_ARGS)
{
	PmResourceList *list = PG_GETARG_RESOURCE_LIST_P(0);
	uint64		hash = hash_bytes_extended((unsigned char *) VARDATA(list),
										   (int) (VARSIZE(list) - VARHDRSZ),
										   (uint64) PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(list, 0);
	PG_RETURN_INT64((int64) hash);
}

Datum
pm_rl_add(PG_FUNCTION_ARGS)
{
	PG_RETURN_RESOURCE_LIST_P(pm_resource_list_add(PG_GETARG_RESOURCE_LIST_P(0),
												   PG_GETARG_RESOURCE_LIST_P(1)));
}

Datum
pm_rl_subtract(PG_FUNCTION_ARGS)
{
	PG_RETURN_RESOURCE_LIST_P(pm_resource_list_subtract(PG_GETARG_RESOURCE_LIST_P(0),
														PG_GETARG_RESOURCE_LIST_P(1)));
}

Datum
pm_rl_negate(PG_FUNCTION_ARGS)
{
	PG_RETURN_RESOURCE_LIST_P(pm_resource_list_scale(PG_GETARG_RESOURCE_LIST_P(0), -1));
}

Datum
pm_rl_multiply(PG_FUNCTION_ARGS)
{
	PG_RETURN_RESOURCE_LIST_P(pm_resource_list_scale(PG_GETARG_RESOURCE_LIST_P(0),
													 PG_GETARG_INT64(1)));
}

Datum
pm_rl_multiply_left(PG_FUNCTION_ARGS)
{
	PG_RETURN_RESOURCE_LIST_P(pm_resource_list_scale(PG_GETARG_RESOURCE_LIST_P(1),
													 PG_GETARG_INT64(0)));
}

Datum
pm_rl_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pm_resource_list_contains(PG_GETARG_RESOURCE_LIST_P(0),
											 PG_GETARG_RESOURCE_LIST_P(1)));
}

Datum
pm_rl_contained(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pm_resource_list_contains(PG_GETARG_RESOURCE_LIST_P(1),
											 PG_GETARG_RESOURCE_LIST_P(0)));
}

Datum
pm_rl_max(PG_FUNCTION_ARGS)
{
	PG_RETURN_RESOURCE_LIST_P(pm_resource_list_max(PG_GETARG_RESOURCE_LIST_P(0),
												   PG_GETARG_RESOURCE_LIST_P(1)));
}

Datum
pm_rl_min(PG_FUNCTION_ARGS)
{
	PG_RETURN_RESOURCE_LIST_P(pm_resource_list_min(PG_GETARG_RESOURCE_LIST_P(0),
												   PG_GETARG_RESOURCE_LIST_P(1)));
}

/* Entry i of a request, which cannot be negative */
static PmResource
request_entry(const PmResourceList *request, int i)
{
	PmResource	entry = pm_resource_entry(request, i);

	if (entry.value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("request for resource \"%.*s\" is negative",
						entry.name_len, entry.name),
				 errdetail("The request is %s.",
						   pm_resource_quantity_text(entry.name, entry.name_len,
													 entry.value))));
	return entry;
}

/*
 * copies(capacity resource_list, request resource_list) -> bigint
 */
Datum
pm_rl_copies(PG_FUNCTION_ARGS)
{
	PmResourceList *capacity = PG_GETARG_RESOURCE_LIST_P(0);
	PmResourceList *request = PG_GETARG_RESOURCE_LIST_P(1);
	int64		copies = PG_INT64_MAX;
	uint32		i;

	if (request->count == 0)
		PG_RETURN_NULL();		/* fits without limit */
	for (i = 0; i < request->count; i++)
	{
		PmResource	need = request_entry(request, (int) i);
		int64		have = pm_resource_get(capacity, need.name, need.name_len);

		copies = Min(copies, Max(have, 0) / need.value);
	}
	PG_RETURN_INT64(copies);
}

/*
 * dominant_share(request resource_list, capacity resource_list) -> numeric
 *
 * The shares are compared exactly; only the greatest is divided.
 */
Datum
pm_rl_dominant_share(PG_FUNCTION_ARGS)
{
	PmResourceList *request = PG_GETARG_RESOURCE_LIST_P(0);
	PmResourceList *capacity = PG_GETARG_RESOURCE_LIST_P(1);
	int64		share_need = 0;
	int64		share_have = 1;
	bool		unbounded = false;
	Datum		share;
	uint32		i;

	for (i = 0; i < request->count; i++)
	{
		PmResource	need = request_entry(request, (int) i);
		int64		have = pm_resource_get(capacity, need.name, need.name_len);

		if (have <= 0)
			unbounded = true;
		else if ((int128) need.value * share_have > (int128) share_need * have)
		{
			share_need = need.value;
			share_have = have;
		}
	}
	if (unbounded)
		PG_RETURN_NULL();
	share = DirectFunctionCall2(numeric_div,
								NumericGetDatum(int64_to_numeric(share_need)),
								NumericGetDatum(int64_to_numeric(share_have)));
	return DirectFunctionCall1(numeric_trim_scale, share);
}
