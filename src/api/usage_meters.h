/*-------------------------------------------------------------------------
 *
 * usage_meters.h
 *	  Usage of many tenants, metered in one reading.
 *
 * Tenants are added with the stretches of time in which they have one
 * contract; then all of their usage and holdings is read, each row once.  A
 * meter is opened when a tenant's first row of a SKU is seen.  What tenants
 * with the same terms have in common, the cutting of time into segments, is
 * made once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_USAGE_METERS_H
#define PM_USAGE_METERS_H

#include "billing/meter.h"
#include "store/ledger.h"

/* Of all SKUs that a tenant used; a segment takes at most some 70 bytes */
#define PM_MAX_SEGMENTS	INT64CONST(10000000)

/* One SKU under the terms of a contract */
typedef struct PmSkuTerms
{
	PmPriceVersion *prices;
	int			nprices;
	PmSegments *segments;		/* NULL: nobody used it yet */
	PmTimeline *timeline;
} PmSkuTerms;

/* How a stretch of time is rated: that of a tenant, or of all whose contracts
 * say the same and who pay list prices */
typedef struct PmTerms
{
	PmCycle		cycle;
	int64		since;
	int64		until;
	pg_tz	   *zone;
	const char *currency;
	int64		prices_of;		/* the tenant whose prices they are; 0: the list's */
	int64		month_start;	/* of since: counters begin there */
	PmGrid	   *grid;			/* NULL: nothing used yet */
	PmSkuTerms *skus;
} PmTerms;

/* A SKU of a tenant in a stretch of time, in which it was used */
typedef struct PmUsageMeter
{
	const PmAccount *account;
	const PmTerms *terms;
	int			sku;			/* index */
	PmMeter    *meter;
} PmUsageMeter;

typedef struct PmUsageMeters PmUsageMeters;

/* In the current memory context, and gone with it */
extern PmUsageMeters *pm_usage_meters_make(const PmSku *skus, int nskus);

/* A stretch under a contract; of a tenant in order of time, tenants in order of
 * id.  The cycle is checked. */
extern void pm_usage_meters_add(PmUsageMeters *meters, const PmAccount *account,
								const PmContract *contract, PmCycle cycle,
								int64 since, int64 until);

/*
 * Reads what was used in these stretches and what is held, up to now; all: the
 * tenants are all there are.  Returns how many meters there are, in order of
 * tenant, time and SKU.  More than PM_MAX_SEGMENTS of a tenant: 54000.
 */
extern int	pm_usage_meters_read(PmUsageMeters *meters, bool all, int64 now,
								 PmUsageMeter **result);

#endif							/* PM_USAGE_METERS_H */
