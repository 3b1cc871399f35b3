/*-------------------------------------------------------------------------
 *
 * reprice.h
 *	  What was charged of a SKU is moved to the prices now in force.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_API_REPRICE_H
#define PM_API_REPRICE_H

#include "store/session.h"

typedef struct PmRepricing
{
	int64		sku_id;
	int64		since;			/* seconds */
	int64		until;
	const char *reason;
} PmRepricing;

/*
 * The caller holds the price book, and has changed it.  Tenants ascending:
 * their books are locked in this order.
 */
extern void pm_reprice(PmCall *call, const PmRepricing *repricing, const int64 *tenants, int ntenants);

#endif							/* PM_API_REPRICE_H */
