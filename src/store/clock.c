/*-------------------------------------------------------------------------
 *
 * clock.c
 *	  The extension's clock.
 *
 * Writing calls read the setting pool_manager.clock, else clock_timestamp();
 * reading calls the setting, else now().  The setting may only go forward.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "store/clock.h"
#include "store/session.h"

char	   *pm_clock_setting = NULL;

static TimestampTz clock_value = 0;
static bool clock_set = false;

/* Whatever is counted from an instant of these years ends before timestamps do */
#define FIRST_YEAR	1
#define LAST_YEAR	9999

/* An absolute, finite instant; hooks must not throw, so timestamptz_in is out */
static bool
parse_instant(const char *text, TimestampTz *value)
{
	char		work[MAXDATELEN + MAXDATEFIELDS];
	char	   *field[MAXDATEFIELDS];
	int			ftype[MAXDATEFIELDS];
	int			nf;
	int			dtype;
	int			tz;
	fsec_t		fsec;
	struct pg_tm tm;

	return ParseDateTime(text, work, sizeof(work), field, ftype, MAXDATEFIELDS, &nf) == 0 &&
		pm_decode_datetime(field, ftype, nf, &dtype, &tm, &fsec, &tz) == 0 &&
		dtype == DTK_DATE &&
		tm2timestamp(&tm, fsec, &tz, value) == 0;
}

/*
 * The setting is kept with its offset from UTC spelt out, so that it means the
 * same whatever TimeZone is when a parallel worker reads it back.
 */
bool
pm_clock_check(char **newval, void **extra, GucSource source)
{
	TimestampTz value;
	TimestampTz *keep;
	char	   *text;
	char		buffer[MAXDATELEN + 1];
	struct pg_tm tm;
	fsec_t		fsec;

	if (**newval == '\0')
		return true;
	if (!parse_instant(*newval, &value))
	{
		GUC_check_errcode(ERRCODE_INVALID_DATETIME_FORMAT);
		GUC_check_errmsg("invalid value for parameter \"%s\": \"%s\"", "pool_manager.clock", *newval);
		GUC_check_errdetail("It must be a finite timestamp with time zone, or empty for the real clock.");
		GUC_check_errhint("Write it like 2026-03-01 00:00:00+00.");
		return false;
	}
	if (timestamp2tm(value, NULL, &tm, &fsec, NULL, NULL) != 0)
		return false;
	if (tm.tm_year < FIRST_YEAR || tm.tm_year > LAST_YEAR)
	{
		GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
		GUC_check_errmsg("invalid value for parameter \"%s\": \"%s\"", "pool_manager.clock", *newval);
		GUC_check_errdetail("It must lie in the years %d to %d of UTC.", FIRST_YEAR, LAST_YEAR);
		GUC_check_errhint("Set an earlier or a later instant, or RESET it for the real clock.");
		return false;
	}
	if (clock_set && value < clock_value)
	{
		GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
		GUC_check_errmsg("pool_manager.clock cannot be set back");
		GUC_check_errdetail("It stands at %s; \"%s\" is earlier.",
							timestamptz_to_str(clock_value), *newval);
		GUC_check_errhint("Set a later instant, or RESET it for the real clock.");
		return false;
	}
	tm.tm_isdst = 0;			/* else the offset is left out */
	EncodeDateTime(&tm, fsec, true, 0, NULL, USE_ISO_DATES, buffer);

	text = pm_guc_malloc(strlen(buffer) + 1);
	keep = pm_guc_malloc(sizeof(TimestampTz));
	if (text == NULL || keep == NULL)
		return false;
	strcpy(text, buffer);
	*keep = value;
	pm_guc_free(*newval);
	*newval = text;
	*extra = keep;
	return true;
}

void
pm_clock_assign(const char *newval, void *extra)
{
	clock_set = extra != NULL;
	if (clock_set)
		clock_value = *(TimestampTz *) extra;
}

TimestampTz
pm_reading_clock(void)
{
	return clock_set ? clock_value : GetCurrentTransactionStartTimestamp();
}

TimestampTz
pm_writing_clock(void)
{
	return clock_set ? clock_value : GetCurrentTimestamp();
}
