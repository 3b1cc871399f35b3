/*-------------------------------------------------------------------------
 *
 * forecast.h
 *	  When queued jobs are expected to start: for calls that ask.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_API_FORECAST_H
#define PM_API_FORECAST_H

#include "store/pass.h"

/*
 * The expected start of each job of a pool that was read to look at it, in the
 * order of the queue, which is sorted; PM_NEVER: none can be told.
 */
extern int64 *pm_forecast_pool(PmPassData *data);

/* queue.c: which lanes' jobs the actor may see; palloc'd */
extern bool *pm_visible_lanes(PmCall *call, const PmPassData *data);

#endif							/* PM_API_FORECAST_H */
