/*-------------------------------------------------------------------------
 *
 * settle.h
 *	  Settling a tenant: what settle(), settle_all() and the worker share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SETTLE_H
#define PM_SETTLE_H

#include "fmgr.h"
#include "store/session.h"

/*
 * Rates and books what a tenant has used by a second, which is not in the
 * future; that it may be done is checked.  Returns the number of charges.
 * 55000: something has no price.
 */
extern int64 pm_settle_tenant(PmCall *call, int64 tenant_id, int64 until);

/* The argument "until", now by default; 22023: it is in the future */
extern int64 pm_settle_until(FunctionCallInfo fcinfo, int n);

/* Warns of a tenant for whom something failed; in the text its name and the
 * message have their places */
#define PM_NOT_SETTLED "tenant \"%s\" is not settled: %s"
extern void pm_warn_of_tenant(const char *text, const char *name, const ErrorData *error);

#endif							/* PM_SETTLE_H */
