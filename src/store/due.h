/*-------------------------------------------------------------------------
 *
 * due.h
 *	  Whose books are due to be kept.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_DUE_H
#define PM_DUE_H

#include "store/session.h"

typedef struct PmDueTenant
{
	int64		tenant_id;
	char	   *name;
	bool		behind;			/* is not settled up to then */
	bool		limited;		/* has a limit to what it may owe */
} PmDueTenant;

/* Tenants of which either is so, by id; palloc'd in a context of the caller's */
extern int	pm_due_tenants(MemoryContext context, int64 until, PmDueTenant **tenants);

/* check_arrears() of a tenant, if that would change its state */
extern void pm_check_arrears(int64 tenant_id);

#endif							/* PM_DUE_H */
