/*-------------------------------------------------------------------------
 *
 * registry.c
 *	  Administrative calls: accounts, catalogue, networks, pools, nodes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/acl.h"
#include "utils/array.h"
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
	pm_check_currency(pm_text_arg(fcinfo, 1));
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
	pm_grant_tenant(&call, tenant_id, NameStr(*PG_GETARG_NAME(1)), PG_GETARG_DATUM(2));
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
	pm_grant_tenant(&call, 0, NameStr(*PG_GETARG_NAME(0)), pm_enum_datum("member_level", "owner"));
	pm_end(&call);
	PG_RETURN_VOID();
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

PG_FUNCTION_INFO_V1(pm_sql_create_flavor);

Datum
pm_sql_create_flavor(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmRequested requested;
	int64		flavor_id;

	pm_begin(&call, fcinfo);
	pm_require_operator(&call);
	(void) pm_name_arg(fcinfo, 0, "name");
	pm_not_null(fcinfo, 1, "resources");
	pm_not_null(fcinfo, 4, "cpu_architecture");
	pm_check_flavor(PG_GETARG_RESOURCE_LIST_P(1), pm_text_arg(fcinfo, 3));
	if (pm_is_repeated(&call, fcinfo, 0, &requested))
		flavor_id = requested.results[0];
	else
	{
		flavor_id = pm_create_flavor(pm_text_arg(fcinfo, 0), PG_GETARG_DATUM(1), pm_text_arg(fcinfo, 2),
									 pm_text_arg(fcinfo, 3), PG_GETARG_DATUM(4));
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

PG_FUNCTION_INFO_V1(pm_sql_create_network);

Datum
pm_sql_create_network(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmRequested requested;
	int64		tenant_id;
	int64		network_id;

	pm_begin(&call, fcinfo);
	(void) pm_name_arg(fcinfo, 0, "name");
	pm_not_null(fcinfo, 1, "cidr");
	pm_check_private(PG_GETARG_DATUM(1), "cidr");
	pm_not_null(fcinfo, 2, "tenant");
	tenant_id = pm_tenant_arg(&call, fcinfo, 2);
	pm_require(&call, tenant_id, PM_ACCESS_OWNER);
	if (pm_is_repeated(&call, fcinfo, tenant_id, &requested))
		network_id = requested.results[0];
	else
	{
		network_id = pm_create_network(&call, pm_text_arg(fcinfo, 0), PG_GETARG_DATUM(1), tenant_id);
		pm_request_done(&requested, &network_id, 1);
	}
	pm_end(&call);
	PG_RETURN_INT64(network_id);
}

/* ---- pools ---- */

/* A public pool is the provider's; a dedicated one has an owner and a network */
static void
check_pool_spec(PmCall *call, const PmPoolSpec *spec, bool has_network)
{
	if (!spec->dedicated)
	{
		const char *given = spec->tenant_id != 0 ? "tenant" : "network";

		if (spec->tenant_id != 0 || has_network)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("public pool \"%s\" cannot have a %s", spec->name, given),
					 errdetail("Public pools belong to the provider."),
					 errhint("Leave out the argument \"%s\", or make the pool dedicated.", given)));
		pm_require_operator(call);
		return;
	}
	if (spec->tenant_id == 0 || spec->network_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dedicated pool \"%s\" has no %s", spec->name,
						spec->tenant_id == 0 ? "tenant" : "network"),
				 errdetail("A dedicated pool has an owner and a network of the owner's."),
				 errhint("Name it with the argument \"%s\".",
						 spec->tenant_id == 0 ? "tenant" : "network")));
	pm_require(call, spec->tenant_id, PM_ACCESS_OWNER);
}

static void
check_job_types(ArrayType *job_types)
{
	if (array_contains_nulls(job_types))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"job_types\" must not contain null"),
				 errdetail("Each element is a type of jobs that the pool takes."),
				 errhint("Leave out the argument for all types.")));
}

PG_FUNCTION_INFO_V1(pm_sql_create_pool);

Datum
pm_sql_create_pool(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"name", "kind", "tenant", "network", "job_types", "queue_policy", "placement", "launch",
		"default_time_limit", "stop_timeout"
	};
	PmCall		call;
	PmRequested requested;
	PmPoolSpec	spec = {0};
	int64		pool_id;

	pm_begin(&call, fcinfo);
	for (int i = 0; i < (int) lengthof(names); i++)
	{
		/* tenant, network and time limit there may be none of */
		if (i != 2 && i != 3 && i != 8)
			pm_not_null(fcinfo, i, names[i]);
	}
	spec.name = pm_name_arg(fcinfo, 0, "name");
	spec.dedicated = strcmp(pm_enum_arg(fcinfo, 1), "dedicated") == 0;
	spec.tenant_id = pm_tenant_arg(&call, fcinfo, 2);
	if (spec.tenant_id != 0)
		spec.network_id = pm_network_arg(&call, fcinfo, 3, spec.tenant_id);
	spec.job_types = PG_GETARG_DATUM(4);
	spec.queue_policy = PG_GETARG_DATUM(5);
	spec.placement = PG_GETARG_DATUM(6);
	spec.launch = PG_GETARG_DATUM(7);
	spec.no_time_limit = PG_ARGISNULL(8);
	if (!spec.no_time_limit)
		spec.default_time_limit = IntervalPGetDatum(pm_exact_interval(PG_GETARG_INTERVAL_P(8), names[8]));
	spec.stop_timeout = IntervalPGetDatum(pm_exact_interval(PG_GETARG_INTERVAL_P(9), names[9]));
	check_job_types(PG_GETARG_ARRAYTYPE_P(4));
	check_pool_spec(&call, &spec, !PG_ARGISNULL(3));
	if (pm_is_repeated(&call, fcinfo, spec.tenant_id, &requested))
		pool_id = requested.results[0];
	else
	{
		pool_id = pm_create_pool(&call, &spec);
		pm_request_done(&requested, &pool_id, 1);
	}
	pm_end(&call);
	PG_RETURN_INT64(pool_id);
}

#define MAX_NODES_A_CALL 100000

/* What is checked, is checked under the pool's lock */
static int64 *
add_nodes(PmCall *call, PmPoolInfo *pool, const char *flavor_name, PmNodesSpec *spec)
{
	TimestampTz instant = pm_lock_pool(pool->pool_id);
	PmNodeFlavor *flavor = pm_find_node_flavor(pool, flavor_name);

	pm_check_node_flavor(pool, flavor);
	pm_check_node_prefix(spec->prefix);
	spec->flavor_id = flavor->flavor_id;
	return pm_add_nodes(call, pool, spec, instant);
}

PG_FUNCTION_INFO_V1(pm_sql_add_nodes);

Datum
pm_sql_add_nodes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PmCall		call;
	PmRequested requested;
	PmPoolInfo *pool;
	PmNodesSpec spec = {0};
	int64	   *ids;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pm_begin(&call, fcinfo);
	pm_not_null(fcinfo, 1, "flavor");
	pm_not_null(fcinfo, 2, "count");
	pm_not_null(fcinfo, 4, "labels");
	pm_not_null(fcinfo, 5, "taints");
	pm_check_labels(PG_GETARG_JSONB_P(4), "labels");
	pm_check_taints(PG_GETARG_JSONB_P(5), "taints", false);
	pool = pm_pool_arg(&call, fcinfo, 0);
	pm_require(&call, pool->tenant_id, PM_ACCESS_OWNER);
	spec.count = PG_GETARG_INT32(2);
	if (spec.count < 1 || spec.count > MAX_NODES_A_CALL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot add %d nodes", spec.count),
				 errdetail("A call adds between 1 and %d.", MAX_NODES_A_CALL),
				 errhint("Call add_nodes() again for more.")));
	if (pm_is_repeated(&call, fcinfo, pool->tenant_id, &requested))
		ids = requested.results;
	else
	{
		spec.prefix = pm_text_arg(fcinfo, PG_ARGISNULL(3) ? 1 : 3);
		spec.labels = PG_GETARG_DATUM(4);
		spec.taints = PG_GETARG_DATUM(5);
		ids = add_nodes(&call, pool, pm_text_arg(fcinfo, 1), &spec);
		pm_request_done(&requested, ids, spec.count);
	}
	pm_end(&call);
	for (int i = 0; i < spec.count; i++)
	{
		Datum		value = Int64GetDatum(ids[i]);
		bool		isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	}
	return (Datum) 0;
}
