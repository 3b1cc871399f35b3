/*-------------------------------------------------------------------------
 *
 * calendar.c
 *	  Local days, billing months and cycles; see calendar.h for what a local
 *	  midnight is.
 *
 * Time zones are asked only for their changes of offset, as the server knows
 * them; nothing is assumed about a day's length.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/calendar.h"
#include "datatype/timestamp.h"
#include "miscadmin.h"
#include "utils/datetime.h"

/* Unix epoch to PostgreSQL epoch */
#define EPOCH_SECONDS \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* No zone was ever further than this from UTC (Manila, 15:56:08 before 1845) */
#define MAX_OFFSET			(18 * SECS_PER_HOUR)

#define MAX_CYCLES			10000000

/* Seconds that a timestamp can express, a month off either end */
#define FIRST_SECOND		(MIN_TIMESTAMP / USECS_PER_SEC + 32 * SECS_PER_DAY)
#define LAST_SECOND			(END_TIMESTAMP / USECS_PER_SEC - 32 * SECS_PER_DAY)

/* The ledger is of the years 1 to 9999, in UTC, as bills can name them */
#define LEDGER_FIRST_SECOND	((int64) -63082281600)
#define LEDGER_END_SECOND	((int64) 252455616000)

static void
out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("timestamp out of range"),
			 errdetail("Days and months are known from 4713 BC to 294276 AD."),
			 errhint("Name an instant between.")));
}

/*
 * Seconds
 */
int64
pm_second(TimestampTz instant)
{
	int64		second = instant / USECS_PER_SEC;

	if (TIMESTAMP_NOT_FINITE(instant))
		out_of_range();
	if (instant % USECS_PER_SEC < 0)
		second--;
	return second;
}

int64
pm_second_argument(TimestampTz instant, const char *name)
{
	int64		second;

	if (TIMESTAMP_NOT_FINITE(instant))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("argument \"%s\" must be finite", name),
				 errdetail("Time is metered in whole seconds."),
				 errhint("Name an instant.")));
	second = pm_second(instant);
	if (second < LEDGER_FIRST_SECOND || second >= LEDGER_END_SECOND)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("argument \"%s\" is not in the years 1 to 9999", name),
				 errdetail("Prices, usage and bills are of these years, in UTC."),
				 errhint("Name an instant in one of them.")));
	return second;
}

int64
pm_second_or_end(TimestampTz instant)
{
	if (TIMESTAMP_IS_NOBEGIN(instant))
		return PM_SECOND_MIN;
	if (TIMESTAMP_IS_NOEND(instant))
		return PM_SECOND_MAX;
	return pm_second(instant);
}

TimestampTz
pm_second_timestamptz(int64 second)
{
	TimestampTz result;

	if (second == PM_SECOND_MIN)
		TIMESTAMP_NOBEGIN(result);
	else if (second == PM_SECOND_MAX)
		TIMESTAMP_NOEND(result);
	else
	{
		if (second < MIN_TIMESTAMP / USECS_PER_SEC ||
			second >= END_TIMESTAMP / USECS_PER_SEC)
			out_of_range();
		result = second * USECS_PER_SEC;
	}
	return result;
}

/*
 * Days and months
 */
pg_tz *
pm_time_zone(const char *name)
{
	pg_tz	   *zone = strlen(name) > TZ_STRLEN_MAX ? NULL : pg_tzset(name);

	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", name),
				 errdetail("It must be the full name of a zone, such as Asia/Shanghai."),
				 errhint("pg_timezone_names lists the names.")));
	return zone;
}

/*
 * The instant from which on the local date is date (a Julian day) or later.
 *
 * Between two changes of the zone's offset, local time is UTC plus that
 * offset, so it is before the date until (date's start - offset) or the next
 * change.  The last such instant among the stretches near the date counts.
 */
static int64
local_midnight(int date, pg_tz *zone)
{
	/* as Unix time, the scale of pgtime */
	int64		target = ((int64) date - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	pg_time_t	from = target - MAX_OFFSET;
	int64		midnight = from;
	bool		more = true;

	while (more && from < target + MAX_OFFSET)
	{
		long int	offset;
		long int	next_offset;
		int			isdst;
		int			next_isdst;
		pg_time_t	change;
		int			found;

		found = pg_next_dst_boundary(&from, &offset, &isdst, &change,
									 &next_offset, &next_isdst, zone);
		if (found < 0)
			out_of_range();
		more = found > 0;
		if (target - offset > from)
			midnight = more ? Min(target - offset, change) : target - offset;
		from = change;
	}
	return midnight - EPOCH_SECONDS;
}

/* The local day, a Julian day, that holds an instant */
static int
local_day(int64 second, pg_tz *zone)
{
	pg_time_t	t = second + EPOCH_SECONDS;
	struct pg_tm *tm;
	int			day;

	if (second < FIRST_SECOND || second > LAST_SECOND)
		out_of_range();
	tm = pg_localtime(&t, zone);
	if (tm == NULL)
		out_of_range();
	day = date2j(tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday);

	/* past a midnight that clocks are about to be set back over */
	while (local_midnight(day, zone) > second)
		day--;
	return day;
}

/* The first day of the month of a day, and of the month after */
static int
month_of_day(int day, int *next)
{
	int			year;
	int			month;
	int			mday;

	j2date(day, &year, &month, &mday);
	if (next)
		*next = month == 12 ? date2j(year + 1, 1, 1) : date2j(year, month + 1, 1);
	return day - mday + 1;
}

int64
pm_date_start(DateADT date, pg_tz *zone)
{
	return local_midnight(date + POSTGRES_EPOCH_JDATE, zone);
}

int64
pm_day_start(int64 second, pg_tz *zone)
{
	return local_midnight(local_day(second, zone), zone);
}

int64
pm_next_day_start(int64 second, pg_tz *zone)
{
	return local_midnight(local_day(second, zone) + 1, zone);
}

int64
pm_month_start(int64 second, pg_tz *zone)
{
	return local_midnight(month_of_day(local_day(second, zone), NULL), zone);
}

int64
pm_next_month_start(int64 second, pg_tz *zone)
{
	int			next;

	(void) month_of_day(local_day(second, zone), &next);
	return local_midnight(next, zone);
}

/*
 * Cycles
 */
PmCycle
pm_cycle(const Interval *interval)
{
	PmCycle		cycle = {PM_CYCLE_MONTH, 0};

	if (interval->month == 1 && interval->day == 0 && interval->time == 0)
		return cycle;

	if (interval->month == 0 && interval->day == 1 && interval->time == 0)
	{
		cycle.kind = PM_CYCLE_DAY;
		return cycle;
	}

	if (interval->month != 0 || interval->day != 0 ||
		interval->time <= 0 || interval->time > USECS_PER_DAY ||
		interval->time % USECS_PER_SEC != 0 ||
		USECS_PER_DAY % interval->time != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid billing cycle"),
				 errdetail("A cycle is a divisor of 24 hours in whole seconds, one day or one month."),
				 errhint("Write it like 1 hour, 15 min, 1 day or 1 month.")));

	cycle.kind = PM_CYCLE_SECONDS;
	cycle.seconds = interval->time / USECS_PER_SEC;
	return cycle;
}

static void
too_many_cycles(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many billing cycles"),
			 errdetail("There are more than %d between the two instants.", MAX_CYCLES),
			 errhint("Take a longer cycle or a shorter time.")));
}

void
pm_cycle_check(PmCycle cycle, int64 since, int64 until)
{
	if (until > LAST_SECOND)
		out_of_range();
	if (cycle.kind == PM_CYCLE_SECONDS && (until - since) / cycle.seconds > MAX_CYCLES)
		too_many_cycles();
}

/* Adds the next piece, up to end or until; edges[ncycles] is where it starts */
static void
add_piece(PmGrid *grid, int64 end, int64 until)
{
	int			n = grid->ncycles;

	end = Min(end, until);
	if (end <= grid->edges[n])
		return;

	if (n == MAX_CYCLES)
		too_many_cycles();
	if (n + 1 == grid->room)
	{
		CHECK_FOR_INTERRUPTS();
		grid->room *= 2;
		grid->edges = repalloc(grid->edges, sizeof(int64) * grid->room);
		grid->months = repalloc(grid->months, sizeof(int32) * grid->room);
	}
	grid->months[n] = grid->nmonths - 1;
	grid->edges[n + 1] = end;
	grid->ncycles++;
}

/* The pieces of a local day; what lies before the last edge is done already */
static void
add_day(PmGrid *grid, PmCycle cycle, int64 start, int64 end, int64 until)
{
	int64		last = grid->edges[grid->ncycles];

	if (cycle.kind == PM_CYCLE_SECONDS)
	{
		int64		edge = start;

		if (last > start)
			edge += (last - start) / cycle.seconds * cycle.seconds;
		for (edge += cycle.seconds; edge < end && edge < until; edge += cycle.seconds)
			add_piece(grid, edge, until);
	}
	add_piece(grid, end, until);
}

static void
add_month(PmGrid *grid, PmCycle cycle, int day, int next, pg_tz *zone, int64 until)
{
	int64		start;

	if (cycle.kind == PM_CYCLE_MONTH)
	{
		add_piece(grid, local_midnight(next, zone), until);
		return;
	}

	start = local_midnight(day, zone);
	while (day < next && start < until)
	{
		int64		end = local_midnight(++day, zone);

		if (end > grid->edges[grid->ncycles])
			add_day(grid, cycle, start, end, until);
		start = end;
	}
}

PmGrid *
pm_grid_make(PmCycle cycle, int64 since, int64 until, pg_tz *zone)
{
	PmGrid	   *grid = palloc0(sizeof(PmGrid));
	int			day;
	int			next;

	Assert(since < until);
	pm_cycle_check(cycle, since, until);

	grid->room = 64;
	grid->edges = palloc(sizeof(int64) * grid->room);
	grid->months = palloc(sizeof(int32) * grid->room);
	day = month_of_day(local_day(since, zone), &next);
	grid->edges[0] = local_midnight(day, zone);

	while (grid->edges[grid->ncycles] < until)
	{
		CHECK_FOR_INTERRUPTS();
		grid->nmonths++;
		if (grid->nmonths == 1)
		{
			add_piece(grid, since, until);
			grid->first = grid->ncycles;
		}
		add_month(grid, cycle, day, next, zone, until);
		day = month_of_day(next, &next);
	}
	return grid;
}
