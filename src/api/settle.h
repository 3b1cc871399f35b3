/*-------------------------------------------------------------------------
 *
 * settle.h
 *	  Settling a tenant, for those who have checked that it may be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SETTLE_H
#define PM_SETTLE_H

#include "store/session.h"

/*
 * Rates and books what a tenant has used by a second, which is not in the
 * future.  Returns the number of charges.  55000: something has no price.
 */
extern int64 pm_settle_tenant(PmCall *call, int64 tenant_id, int64 until);

#endif							/* PM_SETTLE_H */
