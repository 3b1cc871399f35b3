/*-------------------------------------------------------------------------
 *
 * holding.c
 *	  What is held and metered: opening holdings, closing them into usage.
 *
 * Usage is cut at the edges of billing months by the calendar of the tenant's
 * contract; both ends of a holding are cut down to the second.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "billing/calendar.h"
#include "billing/measure.h"
#include "store/run.h"
#include "store/statement.h"

/* ---- opening ---- */

/* The SKUs of one node flavor's resources */
typedef struct ResourceSku
{
	int64		flavor_id;
	char	   *resource;
	int64		unit;			/* how much of the resource is one unit */
	int64		sku_id;			/* 0: free */
} ResourceSku;

typedef struct ResourceSkus
{
	int			count;
	ResourceSku *skus;
} ResourceSkus;

static ResourceSkus
read_resource_skus(int64 pool_id)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT s.flavor_id, s.resource, s.unit, s.sku_id FROM pool_manager.flavor_resource_sku s"
										   " WHERE s.flavor_id IN (SELECT flavor_id FROM pool_manager.node_group WHERE pool_id = $1)"
										   " ORDER BY s.flavor_id, s.resource");
	ResourceSkus result;
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	result.count = (int) pm_run(&read, &args);
	result.skus = palloc(sizeof(ResourceSku) * Max(result.count, 1));
	for (int i = 0; i < result.count; i++)
	{
		ResourceSku *sku = &result.skus[i];
		bool		isnull;

		sku->flavor_id = pm_get_int64(i, 1);
		sku->resource = pm_get_text(i, 2);
		sku->unit = pm_resource_get(DatumGetResourceListP(pm_get(i, 3, &isnull)),
									sku->resource, strlen(sku->resource));
		sku->sku_id = pm_get_int64(i, 4);
	}
	return result;
}

static const ResourceSku *
find_resource_sku(const ResourceSkus *skus, int64 flavor_id, PmResource resource)
{
	for (int i = 0; i < skus->count; i++)
	{
		if (skus->skus[i].flavor_id == flavor_id &&
			(int) strlen(skus->skus[i].resource) == resource.name_len &&
			memcmp(skus->skus[i].resource, resource.name, resource.name_len) == 0)
			return &skus->skus[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("resource \"%.*s\" of flavor " INT64_FORMAT " has no SKU",
					resource.name_len, resource.name, flavor_id),
			 errhint("Name one with set_resource_sku(), or list the resource as free with a NULL SKU.")));
	return NULL;
}

/* One holding to be; those of one run and SKU are added up by the INSERT */
typedef struct HoldingArrays
{
	int			count;
	int			size;
	int64	   *run_ids;
	int64	   *job_ids;
	int64	   *tenant_ids;
	int64	   *sku_ids;
	int64	   *quantities;
} HoldingArrays;

static void
add_holding(HoldingArrays *arrays, const PmHeld *held, int64 sku_id, int64 quantity)
{
	if (quantity == 0)
		return;
	if (arrays->count == arrays->size)
	{
		arrays->size = Max(64, arrays->size * 2);
#define GROW(array) \
		((array) = (array) ? repalloc_huge((array), sizeof(int64) * arrays->size) : palloc(sizeof(int64) * arrays->size))
		GROW(arrays->run_ids);
		GROW(arrays->job_ids);
		GROW(arrays->tenant_ids);
		GROW(arrays->sku_ids);
		GROW(arrays->quantities);
	}
	arrays->run_ids[arrays->count] = held->run_id;
	arrays->job_ids[arrays->count] = held->job_id;
	arrays->tenant_ids[arrays->count] = held->tenant_id;
	arrays->sku_ids[arrays->count] = sku_id;
	arrays->quantities[arrays->count] = quantity;
	arrays->count++;
}

void
pm_open_holdings(int64 pool_id, const PmHeld *held, int n, TimestampTz instant)
{
	static PmStatement open = PM_STATEMENT("int8;timestamptz;int8[];int8[];int8[];int8[];int8[]",
										   "INSERT INTO pool_manager.holding (tenant_id, sku_id, quantity, workspace_id, pool_id, job_id, run_id, since, metered_until)"
										   " SELECT h.tenant_id, h.sku_id, h.quantity, j.workspace_id, $1, h.job_id, h.run_id, $2, $2"
										   " FROM (SELECT run_id, job_id, tenant_id, sku_id, sum(quantity)::bigint AS quantity, min(n) AS n"
										   "  FROM unnest($3, $4, $5, $6, $7) WITH ORDINALITY AS u(run_id, job_id, tenant_id, sku_id, quantity, n)"
										   "  GROUP BY run_id, job_id, tenant_id, sku_id) AS h"
										   " JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = h.job_id ORDER BY h.n");
	ResourceSkus skus = read_resource_skus(pool_id);
	HoldingArrays arrays = {0};
	PmArgs		args = {0};

	for (int i = 0; i < n; i++)
	{
		if (held[i].sku_id != 0)
		{
			add_holding(&arrays, &held[i], held[i].sku_id, pm_measure_units(held[i].replicas));
			continue;
		}
		for (uint32 e = 0; e < held[i].request->count; e++)
		{
			PmResource	resource = pm_resource_entry(held[i].request, e);
			const ResourceSku *sku = find_resource_sku(&skus, held[i].node_flavor_id, resource);

			if (sku->sku_id != 0)
				add_holding(&arrays, &held[i], sku->sku_id,
							pm_measure_resource(resource.value, sku->unit, held[i].replicas));
		}
	}
	if (arrays.count == 0)
		return;
	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, pm_second_timestamptz(pm_second(instant)));
	pm_arg_int64_array(&args, arrays.run_ids, arrays.count);
	pm_arg_int64_array(&args, arrays.job_ids, arrays.count);
	pm_arg_int64_array(&args, arrays.tenant_ids, arrays.count);
	pm_arg_int64_array(&args, arrays.sku_ids, arrays.count);
	pm_arg_int64_array(&args, arrays.quantities, arrays.count);
	pm_run(&open, &args);
}

/* ---- closing ---- */

/* Columns of table usage */
enum
{
	USAGE_TENANT, USAGE_ID, USAGE_SKU, USAGE_QUANTITY, USAGE_STARTED, USAGE_ENDED,
	USAGE_WORKSPACE, USAGE_POOL, USAGE_JOB, USAGE_RUN, USAGE_NODE, USAGE_HOLDING, USAGE_SLICE,
	USAGE_COLUMNS
};

/*
 * The slices of the holding in a row of the last result: from metered_until to
 * end, a new one at each month's edge.
 */
static void
add_slices(PmRows *usage, uint64 row, int64 end)
{
	Datum		values[USAGE_COLUMNS];
	bool		nulls[USAGE_COLUMNS] = {0};
	int64		start = pm_second(pm_get_time(row, 5));
	int32		slice = pm_get_int32(row, 6);
	pg_tz	   *zone;

	if (pm_is_null(row, 12))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tenant " INT64_FORMAT " has no contract", pm_get_int64(row, 1)),
				 errdetail("None of its contracts began before what it used.")));
	zone = pm_time_zone(pm_get_text(row, 12));
	values[USAGE_TENANT] = pm_get(row, 1, &nulls[USAGE_TENANT]);
	values[USAGE_HOLDING] = pm_get(row, 2, &nulls[USAGE_HOLDING]);
	values[USAGE_SKU] = pm_get(row, 3, &nulls[USAGE_SKU]);
	values[USAGE_QUANTITY] = pm_get(row, 4, &nulls[USAGE_QUANTITY]);
	values[USAGE_WORKSPACE] = pm_get(row, 7, &nulls[USAGE_WORKSPACE]);
	values[USAGE_POOL] = pm_get(row, 8, &nulls[USAGE_POOL]);
	values[USAGE_JOB] = pm_get(row, 9, &nulls[USAGE_JOB]);
	values[USAGE_RUN] = pm_get(row, 10, &nulls[USAGE_RUN]);
	values[USAGE_NODE] = pm_get(row, 11, &nulls[USAGE_NODE]);
	while (start < end)
	{
		int64		stop = Min(end, pm_next_month_start(start, zone));

		values[USAGE_ID] = Int64GetDatum(pm_next_id("usage_id_seq"));
		values[USAGE_STARTED] = TimestampTzGetDatum(pm_second_timestamptz(start));
		values[USAGE_ENDED] = TimestampTzGetDatum(pm_second_timestamptz(stop));
		values[USAGE_SLICE] = Int32GetDatum(++slice);
		pm_rows_add(usage, values, nulls);
		start = stop;
	}
}

void
pm_close_holdings(int64 pool_id, const int64 *run_ids, int n, TimestampTz instant)
{
	static PmStatement close = PM_STATEMENT("int8;int8[]",
											"DELETE FROM pool_manager.holding h WHERE h.pool_id = $1 AND h.run_id = ANY ($2)"
											" RETURNING tenant_id, holding_id, sku_id, quantity, metered_until, slice_no,"
											"  workspace_id, pool_id, job_id, run_id, node_id,"
											"  (SELECT c.time_zone FROM pool_manager.contract c WHERE c.tenant_id = h.tenant_id"
											"    AND c.from_month <= (h.metered_until AT TIME ZONE c.time_zone)"
											"   ORDER BY c.from_month DESC LIMIT 1)");
	static PmStatement append = PM_STATEMENT("pool_manager.usage[]",
											 "WITH u AS (INSERT INTO pool_manager.usage SELECT * FROM unnest($1) RETURNING tenant_id, usage_id)"
											 " INSERT INTO pool_manager.unrated SELECT tenant_id, usage_id FROM u");
	int64		end = pm_second(instant);
	PmArgs		args = {0};
	PmArgs		append_args = {0};
	PmRows		usage;
	uint64		closed;

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, run_ids, n);
	closed = pm_run(&close, &args);
	pm_rows_begin(&usage, "usage");
	for (uint64 row = 0; row < closed; row++)
		add_slices(&usage, row, end);
	if (usage.count > 0)
	{
		pm_arg_rows(&append_args, &usage);
		pm_run(&append, &append_args);
	}
	pm_rows_end(&usage);
}

TimestampTz
pm_metered_until(int64 pool_id, const int64 *run_ids, int n)
{
	static PmStatement latest = PM_STATEMENT("int8;int8[]",
											 "SELECT max(metered_until) FROM pool_manager.holding"
											 " WHERE pool_id = $1 AND run_id = ANY ($2)");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, run_ids, n);
	pm_run(&latest, &args);
	return pm_is_null(0, 1) ? DT_NOBEGIN : pm_get_time(0, 1);
}
