/*-------------------------------------------------------------------------
 *
 * booking.h
 *	  Booking usage: rated by its tenant's terms, counters advanced, charges
 *	  written into the period they belong to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_BOOKING_H
#define PM_BOOKING_H

#include "store/books.h"
#include "store/ledger.h"

typedef struct PmBooks PmBooks;

/*
 * Opens a tenant's books: takes the locks (a share of the price book's first),
 * reads contracts and prices.  kind is a booking_kind; reason may be NULL.
 * palloc'd in the current context.  55000: the tenant has no contract.
 */
extern PmBooks *pm_books_open(PmCall *call, int64 tenant_id, const char *kind, const char *reason);

extern const PmLedger *pm_books_ledger(const PmBooks *books);

/*
 * Books usage, in the order given, and writes it.  55000: no price is in force
 * for some of it.  Returns the number of charges.
 */
extern int64 pm_books_add(PmBooks *books, const PmUsageRow *usage, int n);

/*
 * Moves what is booked of usage to the prices now in force, for [since, until).
 * What takes usage back comes in the same call, behind it.  Returns the number
 * of charges.
 */
extern int64 pm_books_reprice(PmBooks *books, const PmBookedUsage *usage, int n, int64 since, int64 until);

#endif							/* PM_BOOKING_H */
