/*-------------------------------------------------------------------------
 *
 * metering.h
 *	  Metering what runs hold in a public pool.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_METERING_H
#define PM_METERING_H

#include "store/run.h"

/* Opens the holdings of what is held, since the instant */
extern void pm_meter_held(int64 pool_id, const PmHeld *held, int n, TimestampTz instant);

/* What live runs hold since the instant, beside what they held before */
extern void pm_meter_grown(int64 pool_id, const PmHeld *held, int n, TimestampTz instant);

#endif							/* PM_METERING_H */
