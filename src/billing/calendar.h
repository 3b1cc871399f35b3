/*-------------------------------------------------------------------------
 *
 * calendar.h
 *	  Whole seconds, local days, billing months and cycles (rules 6.1, 6.7).
 *
 * Instants are int64 seconds since the PostgreSQL epoch, 2000-01-01 00:00:00
 * UTC.  All intervals are half-open.
 *
 * The local midnight of a date is the instant from which on the zone's local
 * date is that date or a later one, for good.  Where clocks skip midnight it
 * is the instant of the jump; where they are set back over midnight it is the
 * second one; a date that a zone skipped altogether has the next date's.  So
 * local days cut time into pieces without gap or overlap, of 24 h mostly.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_CALENDAR_H
#define PM_CALENDAR_H

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"

/* What may stand for "no end" in a range of seconds */
#define PM_SECOND_MIN	PG_INT64_MIN
#define PM_SECOND_MAX	PG_INT64_MAX

#define PM_DAY_SECONDS	INT64CONST(86400)

typedef enum PmCycleKind
{
	PM_CYCLE_SECONDS,			/* a divisor of 24 h, from every local midnight */
	PM_CYCLE_DAY,				/* a local day */
	PM_CYCLE_MONTH				/* a local calendar month */
} PmCycleKind;

typedef struct PmCycle
{
	PmCycleKind kind;
	int32		seconds;		/* PM_CYCLE_SECONDS: 1 to 86400 */
} PmCycle;

/*
 * The cycles from since to until, and before them, if since is not the start
 * of a month, one piece from the start of its month: what feeds the counters
 * but is not returned.  The first and last cycle are clipped.
 */
typedef struct PmGrid
{
	int			ncycles;		/* pieces, the one before since included */
	int			first;			/* the first piece to return: 0 or 1 */
	int64	   *edges;			/* [ncycles + 1], ascending */
	int32	   *months;			/* [ncycles] month of a piece, 0 = the first */
	int			nmonths;
	int			room;			/* of edges and months */
} PmGrid;

/* Cut down to the second (floor).  Infinity is an error, 22008. */
extern int64 pm_second(TimestampTz instant);

/* The same for an argument of a call, which the error names; nor is another year than 1 to 9999 taken */
extern int64 pm_second_argument(TimestampTz instant, const char *name);

/* -infinity and infinity become PM_SECOND_MIN and PM_SECOND_MAX */
extern int64 pm_second_or_end(TimestampTz instant);

/* The other way; PM_SECOND_MIN and PM_SECOND_MAX become the infinities */
extern TimestampTz pm_second_timestamptz(int64 second);

/* A time zone by its full name, case-insensitive; unknown: 22023 */
extern pg_tz *pm_time_zone(const char *name);

/* Local midnight of a date; start of the local day or month that holds the
 * instant, and of the next */
extern int64 pm_date_start(DateADT date, pg_tz *zone);
extern int64 pm_day_start(int64 second, pg_tz *zone);
extern int64 pm_next_day_start(int64 second, pg_tz *zone);
extern int64 pm_month_start(int64 second, pg_tz *zone);
extern int64 pm_next_month_start(int64 second, pg_tz *zone);

/* A cycle from an interval: a divisor of 24 h, 1 day or 1 month; else 22023 */
extern PmCycle pm_cycle(const Interval *interval);

/* What a grid from since to until would be refused for, as far as that is seen
 * without making it */
extern void pm_cycle_check(PmCycle cycle, int64 since, int64 until);

/*
 * The grid from since to until, since < until; palloc'd in the current
 * context and gone with it.  More than 10 million cycles: 54000.
 */
extern PmGrid *pm_grid_make(PmCycle cycle, int64 since, int64 until, pg_tz *zone);

#endif							/* PM_CALENDAR_H */
