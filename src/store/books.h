/*-------------------------------------------------------------------------
 *
 * books.h
 *	  Reading and writing the books: what is unrated, counters, charges and
 *	  their bookings, periods.
 *
 * Who writes any of it holds the tenant's row of table ledger; who rates, a
 * share of the price book's lock before that.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_BOOKS_H
#define PM_BOOKS_H

#include "billing/counter.h"
#include "billing/reprice.h"
#include "store/session.h"

typedef struct PmLedger
{
	int64		settled_until;	/* PM_SECOND_MIN: never settled */
	int64		closed_until;	/* PM_SECOND_MIN: no period is closed */
	TimestampTz instant;		/* of what changes now: not before the last change */
} PmLedger;

/*
 * Takes the tenant's books until the end of the transaction; makes them if there
 * are none.  No price changes until then.
 */
extern void pm_lock_ledger(int64 tenant_id, PmLedger *ledger);

/*
 * Something is booked by them, or a contract changes: who has an older snapshot
 * finds it out when he takes them (40001).
 */
extern void pm_change_ledger(int64 tenant_id, TimestampTz instant);

/* What was taken back before it was rated need not be: it is unrated no more, nor what takes it back */
extern void pm_drop_taken_back(int64 tenant_id);

/*
 * Usage that is unrated and ends by until, behind an id and in order of ids,
 * not more than limit; palloc'd.
 */
extern int	pm_read_unrated(int64 tenant_id, int64 after, int64 until, int limit, PmUsageRow **usage);
/* Cuts what is held: the slices up to an instant, which are not among the unrated; palloc'd */
extern int	pm_cut_held(int64 tenant_id, int64 until, PmUsageRow **usage);
extern void pm_delete_unrated(int64 tenant_id, const int64 *usage_ids, int n);

/* How a row of usage is named to who looks for it: its id, and its event if it has one */
typedef struct PmUsageName
{
	bool		unrated;
	const char *source;			/* NULL: none */
	const char *event_id;
} PmUsageName;

extern void pm_read_usage_name(int64 tenant_id, int64 usage_id, PmUsageName *name);

/* Which counter, and how far it has come */
typedef struct PmCounterKey
{
	int64		sku_id;
	int64		month_start;
	int64		price_id;
} PmCounterKey;

/* Units of counters, in the order of the keys; 0 where there is none yet */
extern int64 *pm_read_counters(int64 tenant_id, const PmCounterKey *keys, int n);
/* Amounts as numeric Datums */
extern void pm_write_counters(int64 tenant_id, const PmCounterKey *keys, const int64 *units,
							  Datum *amounts, int n);

/* Makes the period, unless it is there */
extern void pm_ensure_period(int64 tenant_id, int64 start, int64 end);

/* A row of table booking; totals are control totals of its charges */
typedef struct PmBooking
{
	int64		period_start;
	const char *kind;
	const char *currency;
	const char *reason;			/* or NULL */
	PmTotals	totals;
} PmBooking;

/* Returns its id */
extern int64 pm_insert_booking(PmCall *call, int64 tenant_id, const PmBooking *booking,
							   TimestampTz instant);

/* A row of table charge that rates usage */
typedef struct PmCharge
{
	int64		booking_id;
	int64		period_start;
	int64		usage_id;
	int64		sku_id;
	int64		price_id;
	int64		workspace_id;	/* 0: none */
	int64		month_start;
	int64		start;
	int64		end;
	int64		units_before;
	int64		units_after;
	int64		corrects;		/* 0: none, or */
	int64		corrects_usage; /* if not 0, that of this usage at the same time and price */
	int			tier;
	const char *currency;
	Numeric		quantity;
	Numeric		amount;
} PmCharge;

extern void pm_insert_charges(int64 tenant_id, const PmCharge *charges, int n);

/* Finds the charges that are corrected by usage, in the books as they are */
extern void pm_find_corrected(int64 tenant_id, PmCharge *charges, int n);

/* A row of usage, as it is booked */
typedef struct PmBookedUsage
{
	PmUsageRow		usage;
	int			nbooked;
	PmBooked   *booked;			/* without their prices */
} PmBookedUsage;

/*
 * Usage of a SKU behind an id, in order of ids and not more than limit, that
 * was rated and has a second in [since, until); behind each what takes it back,
 * if that was rated, too.  palloc'd.
 */
extern int	pm_read_booked(int64 tenant_id, int64 sku_id, int64 since, int64 until,
						   int64 after, int limit, PmBookedUsage **rows);

/*
 * Tenants, ascending, to whom a SKU was charged for [since, until); tenant_id
 * and price_id may be 0: any.  palloc'd.
 */
extern int	pm_charged_tenants(int64 sku_id, int64 tenant_id, int64 price_id, int64 since, int64 until,
							   int64 **tenants);

/* The tenant is settled up to here; periods that end by then are closing */
extern void pm_settled(int64 tenant_id, int64 until);

#endif							/* PM_BOOKS_H */
