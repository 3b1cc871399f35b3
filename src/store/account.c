/*-------------------------------------------------------------------------
 *
 * account.c
 *	  Writing tenants, workspaces, contracts and members; counting for quotas.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/snapmgr.h"

#include "store/registry.h"
#include "store/statement.h"

int64
pm_create_tenant(PmCall *call, const char *name, const char *currency,
				 const char *time_zone, Datum cycle, Datum rounding)
{
	/* the first contract covers all time, so that early usage has one too */
	static PmStatement create = PM_STATEMENT(
											 "text;text;text;interval;pool_manager.rounding_rule;timestamptz;text",
											 "WITH t AS (INSERT INTO pool_manager.tenant (name, created_at) VALUES ($1, $6)"
											 "  ON CONFLICT (name) DO NOTHING RETURNING tenant_id),"
											 " w AS (INSERT INTO pool_manager.workspace (tenant_id, name, created_at)"
											 "  SELECT tenant_id, 'default', $6 FROM t),"
											 " c AS (INSERT INTO pool_manager.contract (tenant_id, from_month, currency, time_zone, cycle, rounding)"
											 "  SELECT tenant_id, '2000-01-01', $2, $3, $4, $5 FROM t),"
											 " e AS (INSERT INTO pool_manager.event (tenant_id, at, kind, actor)"
											 "  SELECT tenant_id, $6, 'tenant_created', $7 FROM t)"
											 " SELECT tenant_id FROM t");
	PmArgs		args = {0};

	pm_arg_text(&args, name);
	pm_arg_text(&args, currency);
	pm_arg_text(&args, time_zone);
	pm_arg(&args, cycle, false);
	pm_arg(&args, rounding, false);
	pm_arg_time(&args, pm_writing_clock());
	pm_arg_text(&args, call->actor_name);
	if (pm_run(&create, &args) == 0)
		pm_already_exists("tenant", name);
	return pm_get_int64(0, 1);
}

int64
pm_create_workspace(PmCall *call, int64 tenant_id, const char *name)
{
	static PmStatement create = PM_STATEMENT("int8;text;timestamptz",
											 "INSERT INTO pool_manager.workspace (tenant_id, name, created_at)"
											 " VALUES ($1, $2, $3)"
											 " ON CONFLICT (tenant_id, name) DO NOTHING RETURNING workspace_id");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_text(&args, name);
	pm_arg_time(&args, pm_writing_clock());
	if (pm_run(&create, &args) == 0)
		pm_already_exists("workspace", name);
	return pm_get_int64(0, 1);
}

void
pm_grant_tenant(PmCall *call, int64 tenant_id, const char *role, Datum level,
				bool public_pools, bool high_priority)
{
	static PmStatement grant = PM_STATEMENT("int8;text;pool_manager.member_level;timestamptz;text;bool;bool",
											"WITH m AS (INSERT INTO pool_manager.tenant_member"
											"   (tenant_id, role_name, level, public_pools, high_priority)"
											"  VALUES ($1, $2, $3, $6, $7) ON CONFLICT (tenant_id, role_name)"
											"  DO UPDATE SET level = $3, public_pools = $6, high_priority = $7)"
											" INSERT INTO pool_manager.event (tenant_id, at, kind, actor, reason)"
											" VALUES ($1, $4, 'member_granted', $5, concat($2, ' ', $3,"
											"  CASE WHEN NOT $6 THEN ', no public pools' END, CASE WHEN NOT $7 THEN ', no high priority' END))");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_text(&args, role);
	pm_arg(&args, level, false);
	pm_arg_time(&args, pm_writing_clock());
	pm_arg_text(&args, call->actor_name);
	pm_arg_bool(&args, public_pools);
	pm_arg_bool(&args, high_priority);
	pm_run(&grant, &args);
}

/*
 * Under REPEATABLE READ the transaction's snapshot would miss what others made
 * since; what a limit allows depends on it.
 */
int64
pm_latest_quota_count(int64 tenant_id, int64 workspace_id, const char *resource)
{
	static PmStatement read = PM_STATEMENT("int8;int8;text", "SELECT pool_manager.quota_count($1, $2, $3)");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_id(&args, workspace_id);
	pm_arg_text(&args, resource);
	PushActiveSnapshot(GetLatestSnapshot());
	pm_run(&read, &args);
	PopActiveSnapshot();
	return pm_get_int64(0, 1);
}
