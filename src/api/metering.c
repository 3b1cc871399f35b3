/*-------------------------------------------------------------------------
 *
 * metering.c
 *	  Metering what runs hold in a public pool.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "api/metering.h"

static int
measure(int64 pool_id, const PmHeld *held, int n, PmMeasured **measured)
{
	PmResourceSku *skus;
	int			nskus = pm_read_resource_skus(pool_id, &skus);

	return pm_measure(held, n, skus, nskus, measured);
}

void
pm_meter_held(int64 pool_id, const PmHeld *held, int n, TimestampTz instant)
{
	PmMeasured *measured;

	if (n == 0)
		return;
	n = measure(pool_id, held, n, &measured);
	pm_open_holdings(pool_id, measured, n, instant);
}

void
pm_meter_grown(int64 pool_id, const PmHeld *held, int n, TimestampTz instant)
{
	PmMeasured *measured;

	if (n == 0)
		return;
	n = measure(pool_id, held, n, &measured);
	pm_add_to_holdings(pool_id, measured, n, instant);
}
