/*-------------------------------------------------------------------------
 *
 * reprice.h
 *	  What must move from one price to another when prices of the past change
 *	  (rule 6.6).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_REPRICE_H
#define PM_REPRICE_H

#include "billing/piece.h"

/* What is booked of a row of usage: the charges of one price and interval, added up */
typedef struct PmBooked
{
	int64		price_id;
	const PmPriceVersion *price;	/* with its tariff; when it was in force does not matter */
	int64		start;
	int64		end;
	int64		units;			/* negative: more was taken back than booked */
	int64		charge_id;		/* the last that booked it */
} PmBooked;

/*
 * Compares what is booked of usage with the prices in force now: a callback for
 * each piece that is to be taken back, of the price it was booked at and with
 * its units negated, and one for the same at the price in force.  booked is all
 * of the usage's; what lies outside [since, until) stays as it is.
 */
extern void pm_reprice_usage(const PmUsageRow *usage, const PmBooked *booked, int nbooked,
							 int64 since, int64 until, PmTerm *terms, int nterms,
							 PmPieceCallback callback, void *state);

#endif							/* PM_REPRICE_H */
