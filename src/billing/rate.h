/*-------------------------------------------------------------------------
 *
 * rate.h
 *	  From metered segments to rated rows, by the counter rule (6.6).
 *
 * There is one counter per month and price version (and one for time without
 * a price).  Segments advance their counter in order of time; a row is what
 * its segment adds: quantity Q(after) - Q(before), amount A(after) - A(before),
 * where A of a counter at 0 units is 0: nothing is booked on it, or all of it was
 * taken back.  A price version in force more than once in a month goes on with
 * its counter.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_RATE_H
#define PM_RATE_H

#include "billing/calendar.h"
#include "billing/meter.h"
#include "types/tariff.h"

/* A price as it is in force for one tenant and SKU.  The caller has already
 * decided between list and contracted: versions neither overlap nor have to
 * abut.  One price that is in force twice appears twice, with one id. */
typedef struct PmPriceVersion
{
	int64		price_id;
	int64		valid_from;		/* seconds, or PM_SECOND_MIN */
	int64		valid_to;		/* exclusive, or PM_SECOND_MAX */
	const PmTariff *tariff;
	int32		minimum_seconds;	/* of a run; 0: none, as pm_extra_seconds() takes it */
	int32		quantum_seconds;
} PmPriceVersion;

/* A grid cut further by price changes; what pm_rate() needs of a segment */
typedef struct PmSegments
{
	int			nsegments;
	int64	   *edges;			/* [nsegments + 1] */
	int32	   *cycles;			/* [nsegments] piece of the grid */
	int32	   *versions;		/* [nsegments] index of the price, -1: none */
	const PmGrid *grid;
	const PmPriceVersion *prices;
	int			nprices;
} PmSegments;

typedef struct PmRatedRow
{
	int			segment;
	int			cycle;			/* piece of the grid */
	int			version;		/* index into prices, -1: no price in force */
	int64		starts_at;		/* the cycle, clipped to the price's validity */
	int64		ends_at;
	int64		units;			/* what the counter advanced by */
	Numeric		quantity;		/* unit-hours, or units */
	Numeric		amount;			/* exact; NULL without a price */
} PmRatedRow;

/*
 * Cuts the grid at the price changes.  Prices in order of valid_from; an
 * overlap is an internal error.  Keeps grid and prices; the rest is palloc'd
 * in the current context and gone with it.
 */
extern PmSegments *pm_segments_make(const PmGrid *grid,
									const PmPriceVersion *prices, int nprices);

/*
 * Rates units[nsegments]: a callback a row, in order of time.  Left out are the
 * grid's piece before since and segments whose units are 0, which move no
 * counter.  The row, its numerics and what the callback pallocs are gone when it
 * returns, so that any number of rows takes the memory of one.
 */
typedef void (*PmRatedCallback) (const PmRatedRow *row, void *state);
extern void pm_rate(const PmSegments *segments, const int64 *units, bool once,
					PmRatedCallback callback, void *state);

#endif							/* PM_RATE_H */
