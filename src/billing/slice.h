/*-------------------------------------------------------------------------
 *
 * slice.h
 *	  From when to when usage goes: where it is cut, and what a run is billed
 *	  beyond it (rule 6.1).
 *
 * Instants are int64 seconds, see calendar.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SLICE_H
#define PM_SLICE_H

#include "pgtime.h"

/* From when on a tenant's months are those of a time zone */
typedef struct PmZoneSpan
{
	int64		starts_at;
	pg_tz	   *zone;
} PmZoneSpan;

/*
 * Where the slice of usage that begins at start ends: at end, the edge of the
 * month, or where the next span begins.  Spans ascending, at least one; the
 * first also holds for what is before it.
 */
extern int64 pm_slice_end(int64 start, int64 end, const PmZoneSpan *spans, int nspans);

/*
 * Seconds that a run which took run_seconds is billed beyond those, by a price
 * that rounds runs up to a quantum and has a minimum; 0: it has none.  A run
 * that was not there for a second is not billed.
 */
extern int64 pm_extra_seconds(int32 minimum, int32 quantum, int64 run_seconds);

#endif							/* PM_SLICE_H */
