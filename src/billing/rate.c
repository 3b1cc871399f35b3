/*-------------------------------------------------------------------------
 *
 * rate.c
 *	  From metered segments to rated rows, by the counter rule; see rate.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "billing/counter.h"
#include "billing/rate.h"
#include "compat.h"

/* A counter of the month being rated */
typedef struct Counter
{
	int			month;			/* -1: never used */
	int64		units;
	MemoryContext context;		/* of total, which outlives rows */
	Numeric		total;			/* A(units); NULL: 0, or not needed */
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

static Numeric
trim(Datum number)
{
	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, number));
}

static void
set_total(Counter *counter, Numeric total)
{
	if (counter->total)
		pfree(counter->total);
	counter->total = NULL;
	if (total)
	{
		counter->total = MemoryContextAlloc(counter->context, VARSIZE(total));
		memcpy(counter->total, total, VARSIZE(total));
	}
}

/* A(after) - A(before) where tiers, fees or limits count */
static Numeric
advance_total(Counter *counter, const PmTariff *tariff, bool once)
{
	Numeric		before = counter->total ? counter->total : int64_to_numeric(0);
	Numeric		after = pm_tariff_total(tariff, pm_counter_quantity(counter->units, once),
										counter->units != 0);
	Numeric		step = trim(DirectFunctionCall2(numeric_sub, NumericGetDatum(after),
												NumericGetDatum(before)));

	set_total(counter, after);
	return step;
}

/* Advances a counter by a segment; quantity and amount of the row are set */
static void
advance_counter(Counter *counter, const PmTariff *tariff, bool once, PmRatedRow *row)
{
	int64		before = counter->units;
	Numeric		price = tariff ? pm_tariff_plain_price(tariff) : NULL;

	counter->units = pm_counter_add(counter->units, row->units);
	row->quantity = pm_counter_step(before, counter->units, once);
	if (price)
		row->amount = trim(DirectFunctionCall2(numeric_mul, NumericGetDatum(price),
											   NumericGetDatum(row->quantity)));
	else
		row->amount = tariff ? advance_total(counter, tariff, once) : NULL;
}

static Counter *
make_counters(int n)
{
	Counter    *counters = palloc0(sizeof(Counter) * n);

	for (int i = 0; i < n; i++)
	{
		counters[i].month = -1;
		counters[i].context = CurrentMemoryContext;
	}
	return counters;
}

/* Advances the counter of segment s, by row->units; the rest of the row is set */
static void
rate_segment(const PmSegments *segments, int s, Counter *counter, bool once, PmRatedRow *row)
{
	int			cycle = segments->cycles[s];
	int			version = segments->versions[s];
	int			month = segments->grid->months[cycle];
	const PmTariff *tariff = version < 0 ? NULL : segments->prices[version].tariff;

	if (counter->month != month)
	{
		counter->month = month;
		counter->units = 0;
		set_total(counter, NULL);
	}
	row->segment = s;
	row->cycle = cycle;
	row->version = version;
	row->starts_at = segments->edges[s];
	row->ends_at = segments->edges[s + 1];
	advance_counter(counter, tariff, once, row);
}

void
pm_rate(const PmSegments *segments, const int64 *units, bool once,
		PmRatedCallback callback, void *state)
{
	int32	   *counter_of = assign_counters(segments);
	Counter    *counters = make_counters(segments->nprices + 1);
	MemoryContext of_row = AllocSetContextCreate(CurrentMemoryContext, "rated row",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(of_row);

	for (int s = 0; s < segments->nsegments; s++)
	{
		int			version = segments->versions[s];
		Counter    *counter = &counters[counter_of[version < 0 ? segments->nprices : version]];
		PmRatedRow	row;

		if (units[s] == 0)
			continue;
		CHECK_FOR_INTERRUPTS();
		row.units = units[s];
		rate_segment(segments, s, counter, once, &row);
		if (row.cycle >= segments->grid->first)
			callback(&row, state);
		MemoryContextReset(of_row);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(of_row);
	for (int i = 0; i <= segments->nprices; i++)
		set_total(&counters[i], NULL);
	pfree(counter_of);
	pfree(counters);
}
