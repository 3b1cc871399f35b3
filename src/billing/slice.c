/*-------------------------------------------------------------------------
 *
 * slice.c
 *	  From when to when usage goes: where it is cut, and what a run is billed
 *	  beyond it (rule 6.1).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/calendar.h"
#include "billing/slice.h"

int64
pm_slice_end(int64 start, int64 end, const PmZoneSpan *spans, int nspans)
{
	int			span = 0;

	while (span + 1 < nspans && spans[span + 1].starts_at <= start)
		span++;
	if (span + 1 < nspans)
		end = Min(end, spans[span + 1].starts_at);
	return Min(end, pm_next_month_start(start, spans[span].zone));
}

int64
pm_extra_seconds(int32 minimum, int32 quantum, int64 run_seconds)
{
	int64		extra = 0;

	if (run_seconds <= 0)
		return 0;
	if (quantum > 0 && run_seconds % quantum != 0)
		extra = quantum - run_seconds % quantum;
	return Max(extra, minimum - run_seconds);
}
