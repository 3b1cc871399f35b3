/*-------------------------------------------------------------------------
 *
 * account.c
 *	  Writing tenants, workspaces, contracts and members.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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
pm_grant_tenant(PmCall *call, int64 tenant_id, const char *role, Datum level)
{
	static PmStatement grant = PM_STATEMENT("int8;text;pool_manager.member_level;timestamptz;text",
											"WITH m AS (INSERT INTO pool_manager.tenant_member (tenant_id, role_name, level)"
											"  VALUES ($1, $2, $3)"
											"  ON CONFLICT (tenant_id, role_name) DO UPDATE SET level = $3)"
											" INSERT INTO pool_manager.event (tenant_id, at, kind, actor, reason)"
											" VALUES ($1, $4, 'member_granted', $5, $2 || ' ' || $3::text)");
	PmArgs		args = {0};

	pm_arg_int64(&args, tenant_id);
	pm_arg_text(&args, role);
	pm_arg(&args, level, false);
	pm_arg_time(&args, pm_writing_clock());
	pm_arg_text(&args, call->actor_name);
	pm_run(&grant, &args);
}
