/*-------------------------------------------------------------------------
 *
 * registry.c
 *	  Administrative calls: accounts, catalogue.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/acl.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/check.h"
#include "api/request.h"
#include "store/registry.h"
#include "store/submit.h"

PG_FUNCTION_INFO_V1(pm_sql_create_tenant);

Datum
pm_sql_create_tenant(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmRequested requested;
	int64		tenant_id;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	(void) pm_name_arg(fcinfo, 0, "name");
	pm_not_null(fcinfo, 1, "currency");
	pm_find_currency(pm_text_arg(fcinfo, 1));
	pm_not_null(fcinfo, 2, "time_zone");
	pm_check_time_zone(pm_text_arg(fcinfo, 2));
	pm_not_null(fcinfo, 3, "cycle");
	pm_not_null(fcinfo, 4, "rounding");
	if (pm_is_repeated(&call, fcinfo, 0, &requested))
		tenant_id = requested.results[0];
	else
	{
		tenant_id = pm_create_tenant(&call, pm_text_arg(fcinfo, 0), pm_text_arg(fcinfo, 1),
									 pm_text_arg(fcinfo, 2), PG_GETARG_DATUM(3), PG_GETARG_DATUM(4));
		pm_request_done(&requested, &tenant_id, 1);
	}
	pm_end(&call);
	PG_RETURN_INT64(tenant_id);
}

PG_FUNCTION_INFO_V1(pm_sql_create_workspace);

Datum
pm_sql_create_workspace(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmRequested requested;
	int64		tenant_id;
	int64		workspace_id;

	pm_begin(&call, fcinfo);
	pm_not_null(fcinfo, 0, "tenant");
	(void) pm_name_arg(fcinfo, 1, "name");
	tenant_id = pm_tenant_arg(&call, fcinfo, 0);
	pm_require(&call, tenant_id, PM_ACCESS_OWNER);
	if (pm_is_repeated(&call, fcinfo, tenant_id, &requested))
		workspace_id = requested.results[0];
	else
	{
		workspace_id = pm_create_workspace(&call, tenant_id, pm_text_arg(fcinfo, 1));
		pm_request_done(&requested, &workspace_id, 1);
	}
	pm_end(&call);
	PG_RETURN_INT64(workspace_id);
}

PG_FUNCTION_INFO_V1(pm_sql_grant_tenant);

Datum
pm_sql_grant_tenant(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64		tenant_id;

	pm_begin(&call, fcinfo);
	pm_not_null(fcinfo, 0, "tenant");
	pm_not_null(fcinfo, 1, "role");
	pm_not_null(fcinfo, 2, "level");
	tenant_id = pm_tenant_arg(&call, fcinfo, 0);
	pm_require(&call, tenant_id, PM_ACCESS_OWNER);
	(void) get_role_oid(NameStr(*PG_GETARG_NAME(1)), false);
	pm_not_null(fcinfo, 3, "public_pools");
	pm_not_null(fcinfo, 4, "high_priority");
	pm_grant_tenant(&call, tenant_id, NameStr(*PG_GETARG_NAME(1)), PG_GETARG_DATUM(2),
					PG_GETARG_BOOL(3), PG_GETARG_BOOL(4));
	pm_end(&call);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pm_sql_grant_operator);

Datum
pm_sql_grant_operator(PG_FUNCTION_ARGS)
{
	PmCall		call;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	pm_not_null(fcinfo, 0, "role");
	(void) get_role_oid(NameStr(*PG_GETARG_NAME(0)), false);
	pm_grant_tenant(&call, 0, NameStr(*PG_GETARG_NAME(0)), pm_enum_datum("member_level", "owner"),
					true, true);
	pm_end(&call);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pm_sql_latest_quota_count);

Datum
pm_sql_latest_quota_count(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64		count;

	pm_begin(&call, fcinfo);
	pm_not_null(fcinfo, 0, "tenant");
	pm_not_null(fcinfo, 2, "resource");
	count = pm_latest_quota_count(PG_GETARG_INT64(0), PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1),
								  pm_text_arg(fcinfo, 2));
	pm_end(&call);
	PG_RETURN_INT64(count);
}

PG_FUNCTION_INFO_V1(pm_sql_latest_mounts);

Datum
pm_sql_latest_mounts(PG_FUNCTION_ARGS)
{
	PmCall		call;
	int64		count;

	pm_begin(&call, fcinfo);
	count = pm_latest_mounts(PG_GETARG_INT64(0));
	pm_end(&call);
	PG_RETURN_INT64(count);
}

PG_FUNCTION_INFO_V1(pm_sql_create_sku);

Datum
pm_sql_create_sku(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmRequested requested;
	int64		sku_id;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	(void) pm_name_arg(fcinfo, 0, "name");
	(void) pm_name_arg(fcinfo, 1, "unit");
	pm_not_null(fcinfo, 2, "per");
	if (pm_is_repeated(&call, fcinfo, 0, &requested))
		sku_id = requested.results[0];
	else
	{
		sku_id = pm_create_sku(pm_text_arg(fcinfo, 0), pm_text_arg(fcinfo, 1), PG_GETARG_DATUM(2));
		pm_request_done(&requested, &sku_id, 1);
	}
	pm_end(&call);
	PG_RETURN_INT64(sku_id);
}

/* Nodes keep something for the system: no more than they have, and no devices */
static void
check_flavor_limits(PmResourceList *resources, PmResourceList *reserved, const char *accelerator, int32 max_replicas)
{
	bool		valid = accelerator == NULL || pm_resource_get(reserved, accelerator, strlen(accelerator)) == 0;

	for (uint32 i = 0; valid && i < reserved->count; i++)
	{
		PmResource	kept = pm_resource_entry(reserved, i);

		valid = kept.value >= 0 && kept.value <= pm_resource_get(resources, kept.name, kept.name_len);
	}
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for argument \"reserved\""),
				 errdetail("It is at most what the flavor has of each resource, and no accelerator devices."),
				 errhint("Write it like cpu=2,memory=8Gi.")));
	if (max_replicas < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for argument \"max_replicas\""),
				 errdetail("It is 1 or more; 0 stands for any number."),
				 errhint("Leave it out for any number.")));
}

PG_FUNCTION_INFO_V1(pm_sql_create_flavor);

Datum
pm_sql_create_flavor(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmRequested requested;
	int64		flavor_id;
	int32		max_replicas;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	(void) pm_name_arg(fcinfo, 0, "name");
	pm_not_null(fcinfo, 1, "resources");
	pm_not_null(fcinfo, 4, "cpu_architecture");
	pm_check_flavor(PG_GETARG_RESOURCE_LIST_P(1), pm_text_arg(fcinfo, 3));
	pm_not_null(fcinfo, 5, "reserved");
	max_replicas = PG_ARGISNULL(6) ? 0 : PG_GETARG_INT32(6);
	check_flavor_limits(PG_GETARG_RESOURCE_LIST_P(1), PG_GETARG_RESOURCE_LIST_P(5), pm_text_arg(fcinfo, 3), max_replicas);
	if (pm_is_repeated(&call, fcinfo, 0, &requested))
		flavor_id = requested.results[0];
	else
	{
		flavor_id = pm_create_flavor(pm_text_arg(fcinfo, 0), PG_GETARG_DATUM(1), pm_text_arg(fcinfo, 2),
									 pm_text_arg(fcinfo, 3), PG_GETARG_DATUM(4),
									 PG_GETARG_DATUM(5), max_replicas);
		pm_request_done(&requested, &flavor_id, 1);
	}
	pm_end(&call);
	PG_RETURN_INT64(flavor_id);
}

PG_FUNCTION_INFO_V1(pm_sql_set_resource_sku);

Datum
pm_sql_set_resource_sku(PG_FUNCTION_ARGS)
{
	PmCall		call;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	pm_not_null(fcinfo, 0, "flavor");
	pm_not_null(fcinfo, 1, "unit");
	pm_check_resource_unit(PG_GETARG_RESOURCE_LIST_P(1), pm_find_flavor(pm_text_arg(fcinfo, 0))->resources);
	pm_set_resource_sku(pm_text_arg(fcinfo, 0), PG_GETARG_DATUM(1), pm_text_arg(fcinfo, 2));
	pm_end(&call);
	PG_RETURN_VOID();
}
