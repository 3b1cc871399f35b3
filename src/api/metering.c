/*-------------------------------------------------------------------------
 *
 * metering.c
 *	  Metering what runs hold in a public pool.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "api/metering.h"

void
pm_meter_held(int64 pool_id, const PmHeld *held, int n, TimestampTz instant)
{
	PmResourceSku *skus;
	PmMeasured *measured;
	int			nskus;

	if (n == 0)
		return;
	nskus = pm_read_resource_skus(pool_id, &skus);
	n = pm_measure(held, n, skus, nskus, &measured);
	pm_open_holdings(pool_id, measured, n, instant);
}
