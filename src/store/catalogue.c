/*-------------------------------------------------------------------------
 *
 * catalogue.c
 *	  Writing SKUs and flavors.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/registry.h"
#include "store/statement.h"

int64
pm_create_sku(const char *name, const char *unit, Datum per)
{
	static PmStatement create = PM_STATEMENT("text;text;pool_manager.sku_per;timestamptz",
											 "INSERT INTO pool_manager.sku (name, unit, per, created_at)"
											 " VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING RETURNING sku_id");
	PmArgs		args = {0};

	pm_arg_text(&args, name);
	pm_arg_text(&args, unit);
	pm_arg(&args, per, false);
	pm_arg_time(&args, pm_writing_clock());
	if (pm_run(&create, &args) == 0)
		pm_already_exists("SKU", name);
	return pm_get_int64(0, 1);
}

int64
pm_create_flavor(const char *name, Datum resources, const char *sku,
				 const char *accelerator, Datum cpu_architecture,
				 Datum reserved, int32 max_replicas)
{
	static PmStatement create = PM_STATEMENT(
											 "text;resource_list;int8;text;pool_manager.cpu_architecture;timestamptz;resource_list;int4",
											 "INSERT INTO pool_manager.flavor"
											 "  (name, resources, sku_id, accelerator, cpu_architecture, created_at, reserved, max_replicas)"
											 " VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, 0)) ON CONFLICT (name) DO NOTHING RETURNING flavor_id");
	PmArgs		args = {0};

	pm_arg_text(&args, name);
	pm_arg(&args, resources, false);
	pm_arg_id(&args, sku ? pm_find_hourly_sku(sku) : 0);
	pm_arg_text(&args, accelerator);
	pm_arg(&args, cpu_architecture, false);
	pm_arg_time(&args, pm_writing_clock());
	pm_arg(&args, reserved, false);
	pm_arg_int32(&args, max_replicas);
	if (pm_run(&create, &args) == 0)
		pm_already_exists("flavor", name);
	return pm_get_int64(0, 1);
}

void
pm_set_resource_sku(const char *flavor, Datum unit, const char *sku)
{
	static PmStatement set = PM_STATEMENT("text;resource_list;int8",
										  "INSERT INTO pool_manager.flavor_resource_sku (flavor_id, resource, unit, sku_id)"
										  " SELECT f.flavor_id, r.name, $2, $3"
										  " FROM pool_manager.flavor f, pool_manager.resource_each($2) r WHERE f.name = $1"
										  " ON CONFLICT (flavor_id, resource) DO UPDATE SET unit = excluded.unit, sku_id = excluded.sku_id");
	PmArgs		args = {0};

	pm_arg_text(&args, flavor);
	pm_arg(&args, unit, false);
	pm_arg_id(&args, sku ? pm_find_hourly_sku(sku) : 0);
	if (pm_run(&set, &args) == 0)
		pm_no_flavor(flavor);
}
