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
			 errmsg("quantity of a holding out of range"),
			 errdetail("It counts thousandths of the SKU's unit in 64 bits."),
			 errhint("Ask for less, or bill in larger units.")));
}

/*
 * An amount of a resource, of which unit makes one unit of the SKU (both in
 * the resource's own unit): rounded half up once per replica, but not down to
 * nothing, times replicas.
 */
static int64
measure_resource(int64 amount, int64 unit, int64 replicas)
{
	int128		each;
	int64		result = 0;

	Assert(amount >= 0 && unit > 0);
	/* floor(x + 1/2) with x = 1000 amount / unit */
	each = ((int128) amount * 2000 + unit) / ((int128) unit * 2);
	/* else many small replicas would hold a node free of charge */
	each = Max(each, amount > 0 ? 1 : 0);
	if (each > PG_INT64_MAX || pg_mul_s64_overflow((int64) each, replicas, &result))
		out_of_range();
	return result;
}

static const PmResourceSku *
find_resource_sku(const PmResourceSku *skus, int nskus, int64 flavor_id, PmResource resource)
{
	for (int i = 0; i < nskus; i++)
	{
		if (skus[i].flavor_id == flavor_id &&
			(int) strlen(skus[i].resource) == resource.name_len &&
			memcmp(skus[i].resource, resource.name, resource.name_len) == 0)
			return &skus[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("resource \"%.*s\" of flavor " INT64_FORMAT " has no SKU",
					resource.name_len, resource.name, flavor_id),
			 errdetail("Jobs with a bare request are billed by resource in a public pool."),
			 errhint("Name one with set_resource_sku(), or list the resource as free with a NULL SKU.")));
	return NULL;
}

int
pm_measure(const PmHeld *held, int nheld,
		   const PmResourceSku *skus, int nskus, PmMeasured **measured)
{
	int			size = 0;
	int			n = 0;

	for (int i = 0; i < nheld; i++)
		size += held[i].sku_id != 0 ? 1 : (int) held[i].request->count;
	*measured = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PmMeasured) * Max(size, 1));
	for (int i = 0; i < nheld; i++)
	{
		PmMeasured	one = {held[i].run_id, held[i].job_id, held[i].tenant_id, held[i].sku_id, 0};

		if (one.sku_id != 0)
		{
			one.quantity = measure_resource(1, 1, held[i].replicas);
			(*measured)[n++] = one;
			continue;
		}
		for (uint32 e = 0; e < held[i].request->count; e++)
		{
			PmResource	resource = pm_resource_entry(held[i].request, e);
			const PmResourceSku *sku = find_resource_sku(skus, nskus, held[i].node_flavor_id, resource);

			if (sku->sku_id == 0)
				continue;
			one.sku_id = sku->sku_id;
			one.quantity = measure_resource(resource.value, sku->unit, held[i].replicas);
			(*measured)[n++] = one;
		}
	}
	return n;
}
