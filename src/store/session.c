/*-------------------------------------------------------------------------
 *
 * session.c
 *	  Call frames, and who may do what.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "store/session.h"
#include "store/statement.h"

#define CALL_SEARCH_PATH "pg_catalog, pool_manager, pg_temp"

PmCall	   *pm_body = NULL;

/* Every begin sets them, so that an error leaves nothing behind */
static bool read_only = false;
static Oid	running = InvalidOid;

bool
pm_in_body(void)
{
	return pm_body != NULL && GetUserId() == pm_body->owner;
}

Oid
pm_actor(void)
{
	return pm_in_body() ? pm_body->actor : GetUserId();
}

/* From here on, the extension's own way of seeing names */
static void
enter(PmCall *call)
{
	call->access_tenant = -1;
	call->framed = false;
	call->save_nestlevel = NewGUCNestLevel();
	(void) set_config_option("search_path", CALL_SEARCH_PATH, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
pm_begin(PmCall *call, FunctionCallInfo fcinfo)
{
	Oid			function = fcinfo->flinfo->fn_oid;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);

	call->save_function = running;
	call->function = running = function;
	call->caller = CurrentMemoryContext;
	call->save_read_only = read_only;
	read_only = form->provolatile != PROVOLATILE_VOLATILE;
	GetUserIdAndSecContext(&call->save_user, &call->save_context);
	/* parallel workers know of no body: what may run in them asks for the role */
	call->actor = form->proparallel == PROPARALLEL_SAFE ? call->save_user : pm_actor();
	call->actor_name = GetUserNameFromId(call->actor, false);
	call->owner = form->proowner;
	SetUserIdAndSecContext(call->owner,
						   call->save_context | SECURITY_LOCAL_USERID_CHANGE);
	ReleaseSysCache(tuple);
	enter(call);
}

void
pm_begin_background(PmCall *call)
{
	call->save_function = running;
	call->function = running = InvalidOid;
	call->caller = CurrentMemoryContext;
	call->save_read_only = read_only;
	read_only = false;
	GetUserIdAndSecContext(&call->save_user, &call->save_context);
	call->actor = call->owner = call->save_user;
	call->actor_name = GetUserNameFromId(call->actor, false);
	enter(call);
}

void		(*pm_changed_hook) (void) = NULL;

void
pm_changed(void)
{
	if (pm_changed_hook)
		pm_changed_hook();
}

void
pm_end(PmCall *call)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	AtEOXact_GUC(false, call->save_nestlevel);
	SetUserIdAndSecContext(call->save_user, call->save_context);
	MemoryContextSwitchTo(call->caller);
	read_only = call->save_read_only;
	running = call->save_function;
}

bool
pm_call_is_read_only(void)
{
	return read_only;
}

Oid
pm_running_function(void)
{
	return pm_in_body() ? pm_body->function : running;
}

void
pm_reword_read_only(ErrorData *error, Oid function)
{
	char	   *name = get_func_name(function);

	error->message = psprintf(_("cannot execute %s() in a read-only transaction"), name ? name : "");
	error->detail = pstrdup(_("It would write, or take a lock."));
	error->hint = pstrdup(_("Begin a transaction that is READ WRITE; a standby has none."));
}

void
pm_refuse_read_only(Oid function)
{
	ErrorData	said = {0};

	pm_reword_read_only(&said, function);
	ereport(ERROR,
			(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
			 errmsg_internal("%s", said.message),
			 errdetail_internal("%s", said.detail),
			 errhint("%s", said.hint)));
}

Oid
pm_extension_identity(void)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum("resource_list"),
						   ObjectIdGetDatum(get_namespace_oid("pool_manager", false)));
}

/* ---- access ---- */

static bool
is_privileged(PmCall *call)
{
	return has_privs_of_role(call->actor, GetUserId());
}

/* From the memberships in the last result, of the tenant and of operators */
static PmAccess
note_access(PmCall *call, int64 tenant_id, uint64 n)
{
	PmAccess	access = PM_ACCESS_NONE;
	bool		public_pools = false;
	bool		high_priority = false;

	for (uint64 row = 0; row < n; row++)
	{
		char	   *name = pm_get_text(row, 2);
		Oid			role = name ? get_role_oid(name, true) : InvalidOid;
		char	   *level = pm_get_text(row, 3);
		PmAccess	granted;

		if (!OidIsValid(role) || !has_privs_of_role(call->actor, role))
			continue;
		if (pm_get_int64(row, 1) == 0)
			granted = PM_ACCESS_OPERATOR;
		else if (strcmp(level, "owner") == 0)
			granted = PM_ACCESS_OWNER;
		else if (strcmp(level, "member") == 0)
			granted = PM_ACCESS_MEMBER;
		else
			granted = PM_ACCESS_VIEWER;
		access = Max(access, granted);
		/* those of viewers give no right to submit at all */
		if (granted >= PM_ACCESS_MEMBER)
		{
			public_pools |= granted == PM_ACCESS_OPERATOR || pm_get_bool(row, 4);
			high_priority |= granted == PM_ACCESS_OPERATOR || pm_get_bool(row, 5);
		}
	}
	call->access_tenant = tenant_id;
	call->access = access;
	call->public_pools = public_pools;
	call->high_priority = high_priority;
	return access;
}

#define MEMBER_COLUMNS "m.tenant_id, m.role_name, m.level::text, m.public_pools, m.high_priority"

PmAccess
pm_access(PmCall *call, int64 tenant_id)
{
	static PmStatement members = PM_STATEMENT("int8",
											  "SELECT " MEMBER_COLUMNS " FROM pool_manager.tenant_member m WHERE m.tenant_id IN (0, $1)");
	PmArgs		args = {0};

	if (is_privileged(call))
		return PM_ACCESS_OPERATOR;
	if (call->access_tenant == tenant_id)
		return call->access;
	pm_arg_int64(&args, tenant_id);
	return note_access(call, tenant_id, pm_run(&members, &args));
}

int64
pm_visible_tenant(PmCall *call, const char *name, int64 id)
{
#define TENANT_MEMBERS \
	"SELECT " MEMBER_COLUMNS ", t.tenant_id FROM pool_manager.tenant t" \
	" LEFT JOIN pool_manager.tenant_member m ON m.tenant_id IN (0, t.tenant_id) WHERE t."
	static PmStatement by_id = PM_STATEMENT("int8", TENANT_MEMBERS "tenant_id = $1");
	static PmStatement by_name = PM_STATEMENT("text", TENANT_MEMBERS "name = $1");
	PmArgs		args = {0};
	int64		tenant_id;
	uint64		n;

	if (name)
		pm_arg_text(&args, name);
	else
		pm_arg_int64(&args, id);
	n = pm_run(name ? &by_name : &by_id, &args);
	if (n == 0)
		return -1;
	tenant_id = pm_get_int64(0, 6);
	if (!is_privileged(call) && note_access(call, tenant_id, n) < PM_ACCESS_VIEWER)
		return -1;
	return tenant_id;
}

void
pm_require_public_pools(PmCall *call, int64 tenant_id)
{
	if (pm_access(call, tenant_id) < PM_ACCESS_OPERATOR && !call->public_pools)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" may not submit jobs to public pools", call->actor_name),
				 errdetail("Its membership of tenant " INT64_FORMAT " excludes them.", tenant_id),
				 errhint("Submit to a dedicated pool, or ask an owner of the tenant for the right.")));
}

void
pm_require_high_priority(PmCall *call, int64 tenant_id)
{
	if (pm_access(call, tenant_id) < PM_ACCESS_OPERATOR && !call->high_priority)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" may not give jobs priority 3", call->actor_name),
				 errdetail("Its membership of tenant " INT64_FORMAT " excludes it.", tenant_id),
				 errhint("Use priority 1 or 2, or ask an owner of the tenant for the right.")));
}

bool
pm_may_see(PmCall *call, int64 tenant_id)
{
	return pm_access(call, tenant_id) >= PM_ACCESS_VIEWER;
}

void
pm_require_operator(PmCall *call)
{
	if (pm_access(call, 0) < PM_ACCESS_OPERATOR)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: \"%s\" is not an operator", call->actor_name),
				 errdetail("Catalogue, prices and public pools are the provider's."),
				 errhint("An operator can make the role one with grant_operator().")));
}

void
pm_require(PmCall *call, int64 tenant_id, PmAccess least)
{
	static const char *const levels[] = {"", "viewer", "member", "owner", "operator"};

	if (tenant_id == 0 || least == PM_ACCESS_OPERATOR)
		pm_require_operator(call);
	else if (pm_access(call, tenant_id) < least)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for tenant " INT64_FORMAT, tenant_id),
				 errdetail("Role \"%s\" is not its %s.", call->actor_name, levels[least]),
				 errhint("An owner of the tenant or an operator can grant it with grant_tenant().")));
}

int
pm_visible_tenants(PmCall *call, int64 **tenants)
{
	static PmStatement visible = PM_STATEMENT("oid",
											  "SELECT DISTINCT tenant_id FROM pool_manager.tenant_member"
											  " WHERE role_name IN (SELECT rolname FROM pg_catalog.pg_roles"
											  "  WHERE pg_catalog.pg_has_role($1, oid, 'USAGE'))"
											  " ORDER BY tenant_id");
	PmArgs		args = {0};
	uint64		n;

	*tenants = NULL;
	if (is_privileged(call))
		return -1;
	pm_arg(&args, ObjectIdGetDatum(call->actor), false);
	n = pm_run(&visible, &args);
	if (n == 0)
		return 0;
	if (pm_get_int64(0, 1) == 0)
		return -1;				/* tenant 0 comes first: an operator */
	*tenants = MemoryContextAlloc(call->caller, sizeof(int64) * n);
	for (uint64 row = 0; row < n; row++)
		(*tenants)[row] = pm_get_int64(row, 1);
	return (int) n;
}

Datum
pm_enum_datum(const char *type, const char *label)
{
	Oid			value = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
										ObjectIdGetDatum(TypenameGetTypid(type)),
										CStringGetDatum(label));

	if (!OidIsValid(value))
		elog(ERROR, "enum %s has no label \"%s\"", type, label);
	return ObjectIdGetDatum(value);
}
