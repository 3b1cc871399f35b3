/*-------------------------------------------------------------------------
 *
 * find.c
 *	  Finding things by name or id.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"

#include "store/find.h"
#include "store/statement.h"

static void
not_found(PmCall *call, const char *what, const char *name, int64 id)
{
	if (name)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("%s \"%s\" does not exist", what, name),
				 errdetail("There is none of this name that role \"%s\" may see.", call->actor_name),
				 errhint("Table \"%s\" shows those that it may see.", what)));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("%s " INT64_FORMAT " does not exist", what, id),
			 errdetail("There is none with this id that role \"%s\" may see.", call->actor_name),
			 errhint("Table \"%s\" shows those that it may see.", what)));
}

int64
pm_find_tenant(PmCall *call, const char *name, int64 id)
{
	int64		tenant_id = pm_visible_tenant(call, name, id);

	if (tenant_id < 0)
		not_found(call, "tenant", name, id);
	return tenant_id;
}

int64
pm_default_tenant(PmCall *call)
{
	int64	   *tenants;
	int			n = pm_visible_tenants(call, &tenants);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no tenant given"),
				 n == 0 ? errdetail("Role \"%s\" acts for no tenant.", call->actor_name) :
				 errdetail("Role \"%s\" acts for more than one.", call->actor_name),
				 errhint("Name it with the argument \"tenant\".")));
	return tenants[0];
}

int64
pm_find_workspace(PmCall *call, int64 tenant_id, const char *name, int64 id)
{
	static PmStatement find = PM_STATEMENT("int8;text;int8",
										   "SELECT workspace_id FROM pool_manager.workspace"
										   " WHERE tenant_id = $1 AND (name = $2 OR workspace_id = $3)");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_text(&args, name);
	pm_arg(&args, Int64GetDatum(id), name != NULL);
	if (pm_run(&find, &args) == 0)
		not_found(call, "workspace", name, id);
	return pm_get_int64(0, 1);
}

int64
pm_find_any_network(PmCall *call, int64 tenant_id, const char *name, int64 id)
{
#define SEEN_NETWORKS \
	"SELECT network_id FROM pool_manager.network" \
	" WHERE ($2 IS NULL OR tenant_id = $2) AND ($3 IS NULL OR tenant_id = ANY ($3))"
	static PmStatement by_id = PM_STATEMENT("int8;int8;int8[]", SEEN_NETWORKS " AND network_id = $1");
	static PmStatement by_name = PM_STATEMENT("text;int8;int8[]", SEEN_NETWORKS " AND name = $1");
	PmArgs		args = {0};
	int64	   *tenants;
	int			ntenants = pm_visible_tenants(call, &tenants);
	uint64		n;

	if (name)
		pm_arg_text(&args, name);
	else
		pm_arg_int64(&args, id);
	pm_arg(&args, Int64GetDatum(tenant_id), tenant_id < 0);
	if (ntenants < 0)
		pm_arg(&args, (Datum) 0, true);
	else
		pm_arg_int64_array(&args, tenants, ntenants);
	n = pm_run(name ? &by_name : &by_id, &args);
	if (n == 0)
		not_found(call, "network", name, id);
	if (n > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("network \"%s\" is not the only one of this name", name),
				 errdetail("Role \"%s\" may see such networks of " UINT64_FORMAT " tenants.",
						   call->actor_name, n),
				 errhint("Name the tenant, or give the network by its id.")));
	return pm_get_int64(0, 1);
}

int64
pm_find_node(PmCall *call, int64 pool_id, const char *name)
{
	static PmStatement find = PM_STATEMENT("int8;text",
										   "SELECT node_id, tenant_id FROM pool_manager.node"
										   " WHERE pool_id = $1 AND name = $2 AND deleted_at IS NULL");
	PmArgs		args = {0};
	int64		node_id;

	(void) pm_find_pool(call, NULL, pool_id);
	pm_arg_int64(&args, pool_id);
	pm_arg_text(&args, name);
	if (pm_run(&find, &args) == 0)
		not_found(call, "node", name, 0);
	node_id = pm_get_int64(0, 1);
	if (!pm_may_see(call, pm_get_int64(0, 2)))
		not_found(call, "node", name, 0);
	return node_id;
}

int64
pm_find_sku(const char *name)
{
	static PmStatement find = PM_STATEMENT("text",
										   "SELECT sku_id FROM pool_manager.sku WHERE name = $1");
	PmArgs		args = {0};

	pm_arg_text(&args, name);
	if (pm_run(&find, &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("SKU \"%s\" does not exist", name),
				 errdetail("The catalogue has none of this name."),
				 errhint("Table \"sku\" shows them; an operator makes one with create_sku().")));
	return pm_get_int64(0, 1);
}

int64
pm_find_hourly_sku(const char *name)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT per = 'hour' FROM pool_manager.sku WHERE sku_id = $1");
	int64		sku_id = pm_find_sku(name);
	PmArgs		args = {0};

	pm_arg_int64(&args, sku_id);
	pm_run(&read, &args);
	if (!pm_get_bool(0, 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("SKU \"%s\" is priced once, not by the hour", name),
				 errdetail("Nodes, replicas and their resources are billed for the time they are held."),
				 errhint("Name a SKU that was made with per => 'hour'.")));
	return sku_id;
}

int64
pm_find_bill(PmCall *call, int64 bill_id)
{
	static PmStatement find = PM_STATEMENT("int8",
										   "SELECT tenant_id FROM pool_manager.bill WHERE bill_id = $1");
	PmArgs		args = {0};
	int64		tenant_id;

	pm_arg_int64(&args, bill_id);
	tenant_id = pm_run(&find, &args) == 0 ? -1 : pm_get_int64(0, 1);
	if (tenant_id < 0 || !pm_may_see(call, tenant_id))
		not_found(call, "bill", NULL, bill_id);
	return tenant_id;
}

void
pm_find_currency(const char *code)
{
	static PmStatement find = PM_STATEMENT("text",
										   "SELECT FROM pool_manager.currency WHERE code = $1");
	PmArgs		args = {0};

	pm_arg_text(&args, code);
	if (pm_run(&find, &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid currency code \"%s\"", code),
				 errdetail("A currency is three capital letters, as in ISO 4217; table \"currency\" has them."),
				 errhint("Write it like USD.")));
}

void
pm_already_exists(const char *what, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("%s \"%s\" already exists", what, name),
			 errdetail("Names are not given twice."),
			 errhint("Choose another name; with a \"request_id\" a call can be repeated.")));
}

void
pm_no_flavor(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("flavor \"%s\" does not exist", name),
			 errdetail("The catalogue has none of this name."),
			 errhint("Table \"flavor\" shows them; an operator makes one with create_flavor().")));
}

static PmSizeOrder
size_order(const char *name)
{
	if (strcmp(name, "large") == 0)
		return PM_SIZE_LARGE;
	return strcmp(name, "small") == 0 ? PM_SIZE_SMALL : PM_SIZE_LARGE_PER_MINUTE;
}

PmPoolInfo *
pm_find_pool(PmCall *call, const char *name, int64 id)
{
#define POOL_COLUMNS \
	"SELECT pool_id, name, kind = 'dedicated', tenant_id, state IN ('running', 'scaling_failed'), launch = 'agent'," \
	" queue_policy, placement, generation, network_id, container_network = 'eni'," \
	" 'frozen' = ANY (restrictions), restrictions && '{service,frozen}', default_time_limit," \
	" job_order = 'shortest', age_weight, fair_weight, size_weight, size_order, max_age, half_life, fair_since," \
	" reservations, backfill_order, step_timeout," \
	" nullif(topology_levels, '{}')," \
	" preemption, reclaim, min_runtime, preemption_delay" \
	" FROM pool_manager.pool WHERE deleted_at IS NULL"
	static PmStatement by_id = PM_STATEMENT("int8", POOL_COLUMNS " AND pool_id = $1");
	static PmStatement by_name = PM_STATEMENT("text", POOL_COLUMNS " AND name = $1");
	PmArgs		args = {0};
	PmPoolInfo *pool;
	uint64		n;

	if (name)
	{
		pm_arg_text(&args, name);
		n = pm_run(&by_name, &args);
	}
	else
	{
		pm_arg_int64(&args, id);
		n = pm_run(&by_id, &args);
	}
	if (n == 0)
		not_found(call, "pool", name, id);

	pool = palloc0(sizeof(PmPoolInfo));
	pool->pool_id = pm_get_int64(0, 1);
	pool->name = pm_get_text(0, 2);
	pool->dedicated = pm_get_bool(0, 3);
	pool->tenant_id = pm_get_int64(0, 4);
	pool->running = pm_get_bool(0, 5);
	pool->agent = pm_get_bool(0, 6);
	pool->queue_policy = pm_get_text(0, 7);
	pool->placement = pm_get_text(0, 8);
	pool->generation = pm_get_int64(0, 9);
	pool->network_id = pm_get_int64(0, 10);
	pool->addressed = pm_get_bool(0, 11);
	pool->frozen = pm_get_bool(0, 12);
	pool->closed = pm_get_bool(0, 13);
	pool->default_time_limit = pm_get_length(0, 14);
	pool->shortest = pm_get_bool(0, 15);
	pool->weights.age = pm_get_int32(0, 16);
	pool->weights.fair = pm_get_int32(0, 17);
	pool->weights.size = pm_get_int32(0, 18);
	pool->weights.size_order = size_order(pm_get_text(0, 19));
	pool->weights.max_age = pm_get_length(0, 20);
	pool->weights.half_life = pm_get_length(0, 21);
	pool->fair_since = pm_get_time(0, 22);
	pool->reservations = pm_get_int32(0, 23);
	pool->backfill_order = pm_get_text(0, 24);
	pool->step_timeout = pm_get_length(0, 25);
	pool->nlevels = pm_get_texts(0, 26, &pool->levels);
	pool->preemption = pm_get_text(0, 27);
	pool->reclaim = pm_get_text(0, 28);
	pool->min_runtime = pm_get_length(0, 29);
	pool->preemption_delay = pm_get_length(0, 30);
	if (pool->dedicated && !pm_may_see(call, pool->tenant_id))
		not_found(call, "pool", name, id);
	return pool;
}

PmJobInfo *
pm_find_job(PmCall *call, int64 job_id)
{
	static PmStatement find = PM_STATEMENT("int8",
										   "SELECT j.pool_id, p.tenant_id, j.tenant_id, p.launch = 'agent', j.end_state::text, q.state::text,"
										   " p.kind = 'dedicated', j.kind::text, EXISTS (SELECT FROM pool_manager.job_dependency d"
										   "  WHERE d.pool_id = j.pool_id AND d.depends_on = j.job_id)"
										   " FROM pool_manager.job j JOIN pool_manager.pool p USING (pool_id)"
										   " LEFT JOIN pool_manager.job_queue q USING (pool_id, job_id)"
										   " WHERE j.job_id = $1");
	PmArgs		args = {0};
	PmJobInfo  *job;

	pm_arg_int64(&args, job_id);
	if (pm_run(&find, &args) == 0)
		not_found(call, "job", NULL, job_id);

	job = palloc0(sizeof(PmJobInfo));
	job->job_id = job_id;
	job->pool_id = pm_get_int64(0, 1);
	job->pool_tenant_id = pm_get_int64(0, 2);
	job->tenant_id = pm_get_int64(0, 3);
	job->agent = pm_get_bool(0, 4);
	job->end_state = pm_get_text(0, 5);
	job->queue_state = pm_get_text(0, 6);
	job->dedicated = pm_get_bool(0, 7);
	job->kind = pm_get_text(0, 8);
	job->has_dependents = pm_get_bool(0, 9);
	if (!pm_may_see(call, job->tenant_id))
		not_found(call, "job", NULL, job_id);
	return job;
}
