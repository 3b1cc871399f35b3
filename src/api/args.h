/*-------------------------------------------------------------------------
 *
 * args.h
 *	  Arguments of SQL-callable functions.
 *
 * A call that people type exists twice, with names and with ids; both are one
 * C function, which learns from the declared type what it was given.  An
 * argument that is NULL reads as NULL, 0 or the default named.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_ARGS_H
#define PM_ARGS_H

#include "postgres.h"

#include "fmgr.h"

#include "store/find.h"

extern char *pm_text_arg(FunctionCallInfo fcinfo, int n);
extern bool pm_is_text_arg(FunctionCallInfo fcinfo, int n);	/* by its declaration */
extern char *pm_enum_arg(FunctionCallInfo fcinfo, int n);	/* label */

/* 22004 naming the argument if it is NULL */
extern void pm_not_null(FunctionCallInfo fcinfo, int n, const char *name);

/* The same of every argument whose declaration has no DEFAULT NULL */
extern void pm_refuse_nulls(FunctionCallInfo fcinfo);

/* Tenant and pool by name or id; tenant 0 if the argument is NULL */
extern int64 pm_tenant_arg(PmCall *call, FunctionCallInfo fcinfo, int n);
extern int64 pm_workspace_arg(PmCall *call, FunctionCallInfo fcinfo, int n, int64 tenant_id);
extern PmPoolInfo *pm_pool_arg(PmCall *call, FunctionCallInfo fcinfo, int n);

#endif							/* PM_ARGS_H */
