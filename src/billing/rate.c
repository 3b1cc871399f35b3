/*-------------------------------------------------------------------------
 *
 * rate.c
 *	  From metered segments to rated rows, by the counter rule; see rate.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/counter.h"
#include "billing/rate.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"

/* A counter of the month being rated, with Q and A of where it stands */
typedef struct Counter
{
	int			month;			/* -1: never used */
	int64		units;
	Numeric		quantity;
	Numeric		total;			/* NULL without a tariff */
} Counter;

/*
 * Cutting the grid
 */
static void
check_prices(const PmPriceVersion *prices, int nprices)
{
	int			i;

	for (i = 0; i < nprices; i++)
	{
		if (prices[i].valid_from >= prices[i].valid_to ||
			(i > 0 && prices[i].valid_from < prices[i - 1].valid_to))
			elog(ERROR, "price versions are empty, overlap or are out of order");
	}
}

/* The next change of price after an instant: a start or an end of validity */
static int64
next_change(const PmPriceVersion *prices, int nprices, int next, int64 now)
{
	if (next >= nprices)
		return PM_SECOND_MAX;
	return prices[next].valid_from > now ? prices[next].valid_from : prices[next].valid_to;
}

PmSegments *
pm_segments_make(const PmGrid *grid, const PmPriceVersion *prices, int nprices)
{
	Size		most = (Size) grid->ncycles + 2 * (Size) nprices;
	PmSegments *segments;
	int			next = 0;		/* first price that does not end before now */
	int			n = 0;
	int			cycle;

	check_prices(prices, nprices);

	segments = palloc(sizeof(PmSegments));
	segments->edges = palloc(sizeof(int64) * (most + 1));
	segments->cycles = palloc(sizeof(int32) * most);
	segments->versions = palloc(sizeof(int32) * most);
	segments->grid = grid;
	segments->prices = prices;
	segments->nprices = nprices;

	for (cycle = 0; cycle < grid->ncycles; cycle++)
	{
		int64		now = grid->edges[cycle];
		int64		end = grid->edges[cycle + 1];

		while (now < end)
		{
			bool		priced;

			while (next < nprices && prices[next].valid_to <= now)
				next++;
			priced = next < nprices && prices[next].valid_from <= now;
			segments->edges[n] = now;
			segments->cycles[n] = cycle;
			segments->versions[n] = priced ? next : -1;
			n++;
			now = Min(end, next_change(prices, nprices, next, now));
		}
	}
	segments->edges[n] = grid->edges[grid->ncycles];
	segments->nsegments = n;
	return segments;
}

/*
 * Rating
 */

/*
 * Which counter a price advances: the first with its id, so that a price in
 * force twice has one.  The last counter is for time without a price.
 */
static int32 *
assign_counters(const PmSegments *segments)
{
	int32	   *counter_of = palloc(sizeof(int32) * (segments->nprices + 1));
	int			i;

	for (i = 0; i < segments->nprices; i++)
	{
		int			j = 0;

		while (segments->prices[j].price_id != segments->prices[i].price_id)
			j++;
		counter_of[i] = j;
	}
	counter_of[segments->nprices] = segments->nprices;
	return counter_of;
}

static void
start_counter(Counter *counter, int month, const PmTariff *tariff)
{
	counter->month = month;
	counter->units = 0;
	counter->quantity = int64_to_numeric(0);
	counter->total = tariff ? pm_tariff_total(tariff, counter->quantity, false) : NULL;
}

static Numeric
difference(Numeric after, Numeric before)
{
	Datum		result = DirectFunctionCall2(numeric_sub, NumericGetDatum(after),
											 NumericGetDatum(before));

	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, result));
}

static bool
is_zero(Numeric number)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(number),
											 NumericGetDatum(int64_to_numeric(0)))) == 0;
}

/* Advances a counter by a segment; quantity and amount of the row are set */
static void
advance_counter(Counter *counter, const PmTariff *tariff, bool once, PmRatedRow *row)
{
	Numeric		quantity;
	Numeric		total = NULL;

	counter->units = pm_counter_add(counter->units, row->units);
	quantity = pm_counter_quantity(counter->units, once);
	row->quantity = difference(quantity, counter->quantity);
	row->amount = NULL;
	if (tariff)
	{
		total = pm_tariff_total(tariff, quantity, true);
		row->amount = difference(total, counter->total);
	}
	counter->quantity = quantity;
	counter->total = total;
}

int
pm_rate(const PmSegments *segments, const PmMetered *metered, bool once, PmRatedRow *rows)
{
	const PmGrid *grid = segments->grid;
	int32	   *counter_of = assign_counters(segments);
	Counter    *counters = palloc(sizeof(Counter) * (segments->nprices + 1));
	int			nrows = 0;
	int			s;

	for (s = 0; s <= segments->nprices; s++)
		counters[s].month = -1;

	for (s = 0; s < segments->nsegments; s++)
	{
		int			cycle = segments->cycles[s];
		int			version = segments->versions[s];
		const PmTariff *tariff = version < 0 ? NULL : segments->prices[version].tariff;
		Counter    *counter = &counters[counter_of[version < 0 ? segments->nprices : version]];
		PmRatedRow *row = &rows[nrows];

		if (!metered[s].booked)
			continue;
		CHECK_FOR_INTERRUPTS();

		if (counter->month != grid->months[cycle])
			start_counter(counter, grid->months[cycle], tariff);
		row->segment = s;
		row->cycle = cycle;
		row->version = version;
		row->starts_at = segments->edges[s];
		row->ends_at = segments->edges[s + 1];
		row->units = metered[s].units;
		advance_counter(counter, tariff, once, row);

		if (cycle >= grid->first &&
			(row->units != 0 || (row->amount && !is_zero(row->amount))))
			nrows++;
	}

	pfree(counter_of);
	pfree(counters);
	return nrows;
}
