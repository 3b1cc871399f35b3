/*-------------------------------------------------------------------------
 *
 * billing_test.c
 *	  Tests of the meter, the calendar and slices outside a server.
 *
 * Usage: billing_test [rounds of random meters]	run the tests
 *		  billing_test speed						intervals a second
 *
 * What rates with numeric (counter, rate, rounding) is tested in the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "billing/calendar.h"
#include "billing/meter.h"
#include "billing/slice.h"
#include "server_stub.h"

#define UNIX_TO_PG	INT64CONST(946684800)
#define HOUR		3600

#define ERRCODE_22003	MAKE_SQLSTATE('2', '2', '0', '0', '3')
#define ERRCODE_22023	MAKE_SQLSTATE('2', '2', '0', '2', '3')
#define ERRCODE_22008	MAKE_SQLSTATE('2', '2', '0', '0', '8')
#define ERRCODE_54000	MAKE_SQLSTATE('5', '4', '0', '0', '0')

static uint64 random_state = 42;

/* The statement raises this SQLSTATE */
#define CHECK_ERROR(code, statement) \
	do { \
		if (setjmp(stub_error_jump) == 0) \
		{ \
			statement; \
			CHECK(false, "no error from %s", #statement); \
		} \
		else \
			CHECK(stub_error_code == (code), "other error from %s", #statement); \
	} while (0)

/* xorshift64* */
static uint64
next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64CONST(0x2545F4914F6CDD1D);
}

static int64
between(int64 low, int64 high)
{
	return low + (int64) (next_random() % (uint64) (high - low + 1));
}

/*
 * Meter
 */
#define MAX_SEGMENTS	200
#define MAX_INTERVALS	60

typedef struct Usage
{
	int64		start;
	int64		end;
	int64		quantity;
} Usage;

/* Evenly spread, clustered, or a mixture */
static int
random_edges(int64 *edges)
{
	int			n = between(1, MAX_SEGMENTS);
	int64		widest = between(0, 2) == 0 ? 3 : between(1, 20000);
	int			i;

	edges[0] = between(-1000000, 1000000);
	for (i = 1; i <= n; i++)
		edges[i] = edges[i - 1] + (between(0, 20) == 0 ? between(1, 5000000) : between(1, widest));
	return n;
}

/* An instant, often on or beside an edge, at times outside */
static int64
random_instant(const int64 *edges, int n)
{
	switch (between(0, 3))
	{
		case 0:
			return edges[between(0, n)];
		case 1:
			return edges[between(0, n)] + between(-1, 1);
		default:
			return between(edges[0] - 100, edges[n] + 100);
	}
}

/* The same by looking at every segment */
static void
naive(const int64 *edges, int n, const Usage *usage, int nusage, int64 *result)
{
	int			i;
	int			u;

	for (i = 0; i < n; i++)
	{
		result[i] = 0;
		for (u = 0; u < nusage; u++)
		{
			int64		start = Max(usage[u].start, edges[i]);
			int64		end = Min(usage[u].end, edges[i + 1]);

			if (start < end)
				result[i] += usage[u].quantity * (end - start);
		}
	}
}

static void
random_meter(void)
{
	int64		edges[MAX_SEGMENTS + 1];
	Usage		usage[MAX_INTERVALS];
	int64		expected[MAX_SEGMENTS];
	int64		result[MAX_SEGMENTS];
	int			n = random_edges(edges);
	int			nusage = between(0, MAX_INTERVALS);
	PmTimeline *timeline = pm_timeline_make(edges, n);
	PmMeter    *meter = pm_meter_make(timeline);
	bool		same = true;
	int			i;

	for (i = 0; i < nusage; i++)
	{
		usage[i].start = random_instant(edges, n);
		usage[i].end = random_instant(edges, n);
		usage[i].quantity = between(-5, 1000000);
		pm_meter_add(meter, usage[i].start, usage[i].end, usage[i].quantity);
	}
	pm_meter_finish(meter, result);
	naive(edges, n, usage, nusage, expected);
	for (i = 0; i < n; i++)
		same = same && result[i] == expected[i];
	CHECK(same, "meter of %d segments, %d intervals", n, nusage);

	same = true;
	for (i = 0; i < 20; i++)
	{
		int64		second = between(edges[0], edges[n] - 1);
		int			found = pm_timeline_find(timeline, second);

		same = same && edges[found] <= second && second < edges[found + 1];
	}
	CHECK(same, "look-up among %d segments", n);
	pfree(meter);
	pfree(timeline);
}

static void
meter_cases(void)
{
	static const int64 edges[] = {0, 10, 20, 30};
	static const int64 long_edges[] = {-(INT64CONST(1) << 40), 0, INT64CONST(1) << 40};
	int64		result[3];
	PmTimeline *timeline = pm_timeline_make(edges, 3);
	PmMeter    *meter = pm_meter_make(timeline);

	pm_meter_add(meter, 5, 30, 2);
	pm_meter_add(meter, 5, 5, 100);
	pm_meter_add(meter, 9, 7, 100);
	pm_meter_add(meter, 10, 20, -2);
	pm_meter_add_once(meter, 29, 7);
	pm_meter_add_once(meter, 30, 100);
	pm_meter_add_once(meter, -1, 100);
	pm_meter_finish(meter, result);
	CHECK(result[0] == 10, "first segment");
	CHECK(result[1] == 0, "taken back");
	CHECK(result[2] == 27, "last segment");

	meter = pm_meter_make(timeline);
	pm_meter_finish(meter, result);
	CHECK(result[0] == 0, "nothing metered");

	CHECK_ERROR(ERRCODE_22003, pm_meter_add(meter, 0, 10, PG_INT64_MAX));
	pm_meter_add_once(meter, 0, PG_INT64_MAX);
	pm_meter_add_once(meter, 0, 1);
	CHECK_ERROR(ERRCODE_22003, pm_meter_finish(meter, result));
	pm_meter_add_once(meter, 0, -5);
	pm_meter_finish(meter, result);
	CHECK(result[0] == PG_INT64_MAX - 4, "beyond 64 bits and back");
	pm_meter_add_once(meter, 0, -PG_INT64_MAX);
	pm_meter_add_once(meter, 0, -PG_INT64_MAX);
	CHECK_ERROR(ERRCODE_22003, (pm_meter_add_once(meter, 0, -6), pm_meter_finish(meter, result)));

	/* three times too much over all segments, and taken back */
	meter = pm_meter_make(timeline);
	for (int i = 0; i < 6; i++)
		pm_meter_add(meter, 2, 28, i < 3 ? PG_INT64_MAX / 26 : -(PG_INT64_MAX / 26));
	pm_meter_add(meter, 0, 30, 3);
	pm_meter_finish(meter, result);
	CHECK(result[0] == 30 && result[1] == 30 && result[2] == 30, "what was taken back is not there");
	for (int i = 0; i < 3; i++)
		pm_meter_add(meter, 2, 28, PG_INT64_MAX / 26);
	CHECK_ERROR(ERRCODE_22003, pm_meter_finish(meter, result));

	meter = pm_meter_make(pm_timeline_make(long_edges, 2));
	pm_meter_add(meter, PG_INT64_MIN, PG_INT64_MAX, 1000);
	pm_meter_finish(meter, result);
	CHECK(result[0] == (INT64CONST(1) << 40) * 1000 && result[1] == result[0],
		  "clipped to the timeline");
}

/*
 * Calendar
 */

/* Local midnight by looking at every minute, then every second, of two days */
static int64
slow_midnight(int year, int month, int day, const char *zone)
{
	struct tm	date = {.tm_year = year - 1900,.tm_mon = month - 1,.tm_mday = day};
	time_t		target = timegm(&date);
	time_t		from = target - 18 * HOUR;
	time_t		last = from;
	time_t		t;

	/* any call with this zone makes the C library use it */
	(void) pm_day_start(target - UNIX_TO_PG, pm_time_zone(zone));
	for (t = from; t < target + 18 * HOUR; t += 60)
	{
		struct tm	tm;

		localtime_r(&t, &tm);
		if (t + tm.tm_gmtoff < target)
			last = t;
	}
	for (t = last; t <= last + 60; t++)
	{
		struct tm	tm;

		localtime_r(&t, &tm);
		if (t + tm.tm_gmtoff < target)
			last = Max(last, t);
	}
	return last + 1 - UNIX_TO_PG;
}

typedef struct Day
{
	const char *zone;
	int			year;
	int			month;
	int			day;
	int			minutes;		/* length of the local day */
} Day;

/* Lengths worked out by hand from the zones' published rules */
static const Day days[] = {
	{"UTC", 2024, 2, 29, 1440},
	{"Asia/Shanghai", 2026, 5, 1, 1440},
	{"Asia/Kathmandu", 1986, 1, 1, 1425},	/* 15 minutes forward at midnight */
	{"Europe/Berlin", 2024, 3, 31, 1380},
	{"Europe/Berlin", 2024, 10, 27, 1500},
	{"Australia/Lord_Howe", 2024, 4, 7, 1470},
	{"Australia/Lord_Howe", 2024, 10, 6, 1410},
	{"America/Sao_Paulo", 2018, 11, 4, 1380},	/* no midnight */
	{"America/Sao_Paulo", 2019, 2, 16, 1500},	/* 23:00 twice */
	{"Asia/Beirut", 2021, 3, 28, 1380}, /* no midnight */
	{"Asia/Beirut", 2021, 10, 30, 1500},
	{"America/St_Johns", 2006, 10, 28, 1500},	/* midnight twice: the second */
	{"America/St_Johns", 2006, 10, 29, 1440},
	{"America/St_Johns", 2006, 4, 2, 1380},
	{"America/Toronto", 1919, 3, 30, 1410}, /* 23:30 to 00:30 */
	{"America/Toronto", 1919, 3, 31, 1410},
	{"Pacific/Apia", 2011, 12, 29, 1440},
	{"Pacific/Apia", 2011, 12, 31, 1440},	/* the 30th did not happen */
	{"Antarctica/Troll", 2024, 3, 31, 1320}
};

static void
day_cases(void)
{
	int			i;
	int			k;

	for (i = 0; i < (int) lengthof(days); i++)
	{
		const Day  *d = &days[i];
		pg_tz	   *zone = pm_time_zone(d->zone);
		int64		start = slow_midnight(d->year, d->month, d->day, d->zone);
		int64		end = start + d->minutes * 60;
		int64		at[] = {start, start + 30, (start + end) / 2, end - 1};

		for (k = 0; k < (int) lengthof(at); k++)
		{
			CHECK(pm_day_start(at[k], zone) == start,
				  "%s %d-%d-%d: start %lld, expected %lld", d->zone, d->year, d->month,
				  d->day, (long long) pm_day_start(at[k], zone), (long long) start);
			CHECK(pm_next_day_start(at[k], zone) == end,
				  "%s %d-%d-%d: length %lld", d->zone, d->year, d->month, d->day,
				  (long long) (pm_next_day_start(at[k], zone) - start) / 60);
			CHECK(pm_month_start(at[k], zone) ==
				  slow_midnight(d->year, d->month, 1, d->zone),
				  "%s %d-%d: month start", d->zone, d->year, d->month);
			CHECK(pm_next_month_start(at[k], zone) ==
				  slow_midnight(d->year, d->month + 1, 1, d->zone),
				  "%s %d-%d: next month", d->zone, d->year, d->month);
		}
	}
}

static void
second_cases(void)
{
	CHECK(pm_second(0) == 0 && pm_second(999999) == 0, "cut down");
	CHECK(pm_second(-1) == -1 && pm_second(-1000000) == -1 &&
		  pm_second(-1000001) == -2, "cut down before the epoch");
	CHECK(pm_second_or_end(DT_NOBEGIN) == PM_SECOND_MIN &&
		  pm_second_or_end(DT_NOEND) == PM_SECOND_MAX, "infinities");
	CHECK(pm_second_timestamptz(PM_SECOND_MAX) == DT_NOEND &&
		  pm_second_timestamptz(-5) == -5000000, "and back");
	CHECK_ERROR(ERRCODE_22008, (void) pm_second(DT_NOEND));
	CHECK_ERROR(ERRCODE_22008, (void) pm_second_timestamptz(PM_SECOND_MAX - 1));
	CHECK_ERROR(ERRCODE_22023, (void) pm_time_zone("Mars/Olympus"));
}

static void
cycle_cases(void)
{
	static const Interval refused[] = {
		{.time = 0}, {.time = -HOUR * USECS_PER_SEC}, {.time = 7 * HOUR * USECS_PER_SEC},
		{.time = 1500000}, {.day = 2}, {.month = 2}, {.day = 1,.time = USECS_PER_SEC},
		{.month = 1,.day = 1}, {.time = 25 * HOUR * USECS_PER_SEC}, {.day = -1}
	};
	Interval	hour = {.time = HOUR * USECS_PER_SEC};
	Interval	full = {.time = USECS_PER_DAY};
	Interval	day = {.day = 1};
	Interval	month = {.month = 1};
	int			i;

	CHECK(pm_cycle(&hour).kind == PM_CYCLE_SECONDS && pm_cycle(&hour).seconds == HOUR, "hour");
	CHECK(pm_cycle(&full).kind == PM_CYCLE_SECONDS && pm_cycle(&full).seconds == 86400, "24 h");
	CHECK(pm_cycle(&day).kind == PM_CYCLE_DAY, "day");
	CHECK(pm_cycle(&month).kind == PM_CYCLE_MONTH, "month");
	for (i = 0; i < (int) lengthof(refused); i++)
		CHECK_ERROR(ERRCODE_22023, (void) pm_cycle(&refused[i]));
}

/* The rule, instant by instant: is there an edge here, in the day from start? */
static bool
is_edge(PmCycle cycle, int64 second, int64 start, pg_tz *zone)
{
	if (cycle.kind == PM_CYCLE_MONTH)
		return second == start && pm_month_start(second, zone) == second;
	if (second == start || cycle.kind == PM_CYCLE_DAY)
		return second == start;
	return (second - start) % cycle.seconds == 0;
}

static void
check_grid(PmCycle cycle, int64 since, int64 until, const char *name)
{
	pg_tz	   *zone = pm_time_zone(name);
	PmGrid	   *grid = pm_grid_make(cycle, since, until, zone);
	int64		month_start = pm_month_start(since, zone);
	int			i = grid->first;
	int64		day_start = PM_SECOND_MIN;
	int64		day_end = PM_SECOND_MIN;
	int64		t;
	bool		same = true;

	CHECK(grid->edges[0] == month_start && grid->edges[grid->first] == since &&
		  grid->first == (month_start < since) &&
		  grid->edges[grid->ncycles] == until, "%s: ends of the grid", name);

	/* all edges are multiples of 15 s here */
	for (t = since + 15 - ((since % 15) + 15) % 15; t < until; t += 15)
	{
		if (t >= day_end)
		{
			day_start = pm_day_start(t, zone);
			day_end = pm_next_day_start(t, zone);
		}
		if (is_edge(cycle, t, day_start, zone) && grid->edges[++i] != t)
			same = false;
	}
	CHECK(same && i + 1 == grid->ncycles, "%s: edges from %lld to %lld", name,
		  (long long) since, (long long) until);

	same = true;
	for (i = 1; i < grid->ncycles; i++)
	{
		bool		new_month = pm_month_start(grid->edges[i], zone) == grid->edges[i];

		same = same && grid->months[i] == grid->months[i - 1] + new_month;
	}
	CHECK(same && grid->months[0] == 0 &&
		  grid->nmonths == grid->months[grid->ncycles - 1] + 1, "%s: months", name);
}

static void
grid_cases(void)
{
	static const PmCycle cycles[] = {
		{PM_CYCLE_SECONDS, HOUR}, {PM_CYCLE_SECONDS, 18000 + 3600}, {PM_CYCLE_SECONDS, 900},
		{PM_CYCLE_SECONDS, 86400}, {PM_CYCLE_DAY, 0}, {PM_CYCLE_MONTH, 0}
	};
	PmCycle		hourly = {PM_CYCLE_SECONDS, HOUR};
	PmCycle		second = {PM_CYCLE_SECONDS, 1};
	int64		start = slow_midnight(2026, 5, 1, "Asia/Shanghai");
	PmGrid	   *grid;
	int			i;
	int			c;

	/* rule 6.7: 15:29:16 to 16:30:30 gives 1,844 s and 1,830 s */
	grid = pm_grid_make(hourly, start + 15 * HOUR + 29 * 60 + 16,
						start + 16 * HOUR + 30 * 60 + 30, pm_time_zone("Asia/Shanghai"));
	CHECK(grid->ncycles == 3 && grid->first == 1 &&
		  grid->edges[2] - grid->edges[1] == 1844 &&
		  grid->edges[3] - grid->edges[2] == 1830, "1,844 s and 1,830 s");

	for (i = 0; i < (int) lengthof(days); i++)
	{
		int64		noon = slow_midnight(days[i].year, days[i].month, days[i].day,
										 days[i].zone) + 12 * HOUR;

		if (days[i].year < 1970)
			continue;
		for (c = 0; c < (int) lengthof(cycles); c++)
			check_grid(cycles[c], noon - 86400 + 17, noon + 86400 + 5, days[i].zone);
	}
	check_grid(hourly, start, start + 32 * 86400, "Asia/Shanghai");
	CHECK_ERROR(ERRCODE_54000,
				(void) pm_grid_make(second, 0, 20000000, pm_time_zone("UTC")));
}

/*
 * Slices
 */

/* Step by step: whole quanta until the run is in, then seconds to the minimum */
static int64
slow_billed(int32 minimum, int32 quantum, int64 run)
{
	int64		billed = 0;

	while (billed < run)
		billed += Max(quantum, 1);
	while (billed < minimum)
		billed++;
	return billed;
}

static void
extra_cases(void)
{
	int			i;

	CHECK(pm_extra_seconds(60, 0, 1) == 59 && pm_extra_seconds(60, 0, 59) == 1 &&
		  pm_extra_seconds(60, 0, 60) == 0 && pm_extra_seconds(60, 0, 61) == 0, "minimum");
	CHECK(pm_extra_seconds(0, 60, 1) == 59 && pm_extra_seconds(0, 60, 60) == 0 &&
		  pm_extra_seconds(0, 60, 61) == 59 && pm_extra_seconds(0, 60, 3541) == 59, "quantum");
	CHECK(pm_extra_seconds(600, 60, 601) == 59 && pm_extra_seconds(100, 60, 1) == 99, "both");
	CHECK(pm_extra_seconds(86400, 86400, 0) == 0, "nothing");
	for (i = 0; i < 10000; i++)
	{
		int32		minimum = between(0, 1) * between(1, 5000);
		int32		quantum = between(0, 1) * between(1, 5000);
		int64		run = between(1, 10000);

		CHECK(run + pm_extra_seconds(minimum, quantum, run) == slow_billed(minimum, quantum, run),
			  "extra of %d, %d, %lld", minimum, quantum, (long long) run);
	}
}

/* Slices abut, lie in one month of one span, and go as far as they can */
static void
random_slices(void)
{
	static const char *const names[] = {"UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York"};
	int64		year = slow_midnight(2026, 1, 1, "UTC");
	int64		start = year + between(0, 300 * 86400);
	int64		end = start + between(1, 120 * 86400);
	PmZoneSpan	spans[3];
	int			nspans = between(1, lengthof(spans));
	bool		right = true;
	int			i;

	for (i = 0; i < nspans; i++)
	{
		spans[i].zone = pm_time_zone(names[between(0, lengthof(names) - 1)]);
		spans[i].starts_at = pm_month_start(year + between(100 * i, 100 * (i + 1) - 40) * 86400, spans[i].zone);
	}
	while (start < end && right)
	{
		int64		stop = pm_slice_end(start, end, spans, nspans);
		int			span = nspans - 1;

		while (span > 0 && spans[span].starts_at > start)
			span--;
		right = stop > start && stop <= end &&
			pm_month_start(start, spans[span].zone) == pm_month_start(stop - 1, spans[span].zone) &&
			(span == nspans - 1 || stop <= spans[span + 1].starts_at) &&
			(stop == end || pm_month_start(stop, spans[span].zone) == stop ||
			 (span < nspans - 1 && stop == spans[span + 1].starts_at));
		start = stop;
	}
	CHECK(right, "slices of %d spans", nspans);
}

/*
 * Speed: intervals of up to two days, a month by the hour, in random order
 */
static void
measure_speed(void)
{
	enum
	{
		N = 1 << 20, ROUNDS = 20
	};
	Usage	   *usage = palloc(sizeof(Usage) * N);
	int64		edges[745];
	int64		result[744];
	PmTimeline *timeline;
	PmMeter    *meter;
	clock_t		start;
	double		seconds;
	int			i;

	for (i = 0; i <= 744; i++)
		edges[i] = i * HOUR;
	for (i = 0; i < N; i++)
	{
		usage[i].start = between(0, 743 * HOUR);
		usage[i].end = usage[i].start + between(1, 48 * HOUR);
		usage[i].quantity = 1000;
	}
	timeline = pm_timeline_make(edges, 744);
	meter = pm_meter_make(timeline);
	start = clock();
	for (i = 0; i < N * ROUNDS; i++)
	{
		Usage	   *u = &usage[i & (N - 1)];

		pm_meter_add(meter, u->start, u->end, u->quantity);
	}
	seconds = (double) (clock() - start) / CLOCKS_PER_SEC;
	pm_meter_finish(meter, result);
	printf("%.1f million intervals/s\n", N * (double) ROUNDS / seconds / 1e6);
}

int
main(int argc, char **argv)
{
	int			rounds = argc > 1 ? atoi(argv[1]) : 20000;
	int			i;

	if (argc > 1 && strcmp(argv[1], "speed") == 0)
	{
		measure_speed();
		return 0;
	}
	meter_cases();
	for (i = 0; i < rounds; i++)
		random_meter();
	second_cases();
	day_cases();
	cycle_cases();
	grid_cases();
	extra_cases();
	for (i = 0; i < 1000; i++)
		random_slices();
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
