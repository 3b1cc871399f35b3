/*-------------------------------------------------------------------------
 *
 * billing_stub.c
 *	  What the meter and the calendar need of a server beside server_stub.c:
 *	  time zones, from the C library.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "miscadmin.h"
#include "pgtime.h"
#include "utils/datetime.h"

struct pg_tz
{
	char		name[64];
};

#define MAX_ZONES	64

volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

/*
 * Time zones
 */
pg_tz *
pg_tzset(const char *name)
{
	static pg_tz zones[MAX_ZONES];
	static int	nzones = 0;
	char		path[128];
	FILE	   *file;
	int			i;

	for (i = 0; i < nzones; i++)
	{
		if (strcmp(zones[i].name, name) == 0)
			return &zones[i];
	}
	if (nzones == MAX_ZONES || strlen(name) >= sizeof(zones[0].name))
		return NULL;
	strcpy(path, "/usr/share/zoneinfo/");
	strcat(path, name);
	file = fopen(path, "r");
	if (file == NULL)
		return NULL;
	fclose(file);
	strcpy(zones[nzones].name, name);
	return &zones[nzones++];
}

bool
pg_tz_acceptable(pg_tz *tz)
{
	return tz != NULL;
}

static void
local_time(pg_time_t t, const pg_tz *zone, struct tm *tm)
{
	static const pg_tz *current = NULL;
	time_t		seconds = t;

	if (zone != current)
	{
		setenv("TZ", zone->name, 1);
		tzset();
		current = zone;
	}
	localtime_r(&seconds, tm);
}

struct pg_tm *
pg_localtime(const pg_time_t *timep, const pg_tz *zone)
{
	static struct pg_tm result;
	struct tm	tm;

	local_time(*timep, zone, &tm);
	result.tm_year = tm.tm_year;
	result.tm_mon = tm.tm_mon;
	result.tm_mday = tm.tm_mday;
	result.tm_gmtoff = tm.tm_gmtoff;
	return &result;
}

/* The next change of offset: in steps of an hour, then by halves */
int
pg_next_dst_boundary(const pg_time_t *timep, long int *before_gmtoff, int *before_isdst,
					 pg_time_t *boundary, long int *after_gmtoff, int *after_isdst,
					 const pg_tz *zone)
{
	struct tm	tm;
	pg_time_t	low = *timep;
	pg_time_t	high = low;
	int			hours;

	local_time(low, zone, &tm);
	*before_gmtoff = tm.tm_gmtoff;
	*before_isdst = tm.tm_isdst;
	for (hours = 0; hours < 100; hours++)
	{
		high = low + 3600;
		local_time(high, zone, &tm);
		if (tm.tm_gmtoff != *before_gmtoff)
			break;
		low = high;
	}
	if (hours == 100)
		return 0;
	while (high - low > 1)
	{
		pg_time_t	middle = low + (high - low) / 2;

		local_time(middle, zone, &tm);
		if (tm.tm_gmtoff != *before_gmtoff)
			high = middle;
		else
			low = middle;
	}
	local_time(high, zone, &tm);
	*boundary = high;
	*after_gmtoff = tm.tm_gmtoff;
	*after_isdst = tm.tm_isdst;
	return 1;
}

/*
 * Julian days, by the C library's calendar
 */
int
date2j(int year, int month, int day)
{
	struct tm	tm = {0};

	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	return (int) (timegm(&tm) / SECS_PER_DAY) + UNIX_EPOCH_JDATE;
}

void
j2date(int jd, int *year, int *month, int *day)
{
	time_t		t = ((time_t) jd - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	struct tm	tm;

	gmtime_r(&t, &tm);
	*year = tm.tm_year + 1900;
	*month = tm.tm_mon + 1;
	*day = tm.tm_mday;
}
