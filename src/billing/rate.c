/*-------------------------------------------------------------------------
 *
 * rate.c
 *	  From metered segments to rated rows, by the counter rule; see rate.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "billing/counter.h"
#include "billing/rate.h"

/* A counter of the month being rated */
typedef struct Counter
{
	int			month;			/* -1: never used */
	PmCounter	counter;
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

static Counter *
make_counters(int n)
{
	Counter    *counters = palloc0(sizeof(Counter) * n);

	for (int i = 0; i < n; i++)
		counters[i].month = -1;
	return counters;
}

/* The counter of segment s: it begins anew with its month */
static PmCounter *
counter_of_segment(const PmSegments *segments, int s, Counter *counter, bool once, MemoryContext context)
{
	int			month = segments->grid->months[segments->cycles[s]];
	int			version = segments->versions[s];

	if (counter->month != month)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		counter->month = month;
		pm_counter_begin(&counter->counter, version < 0 ? NULL : segments->prices[version].tariff, once, 0);
		MemoryContextSwitchTo(old);
	}
	return &counter->counter;
}

void
pm_rate(const PmSegments *segments, const int64 *units, bool once,
		PmRatedCallback callback, void *state)
{
	MemoryContext of_counters = AllocSetContextCreate(CurrentMemoryContext, "counters", ALLOCSET_SMALL_SIZES);
	MemoryContext of_row = AllocSetContextCreate(of_counters, "rated row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(of_counters);
	int32	   *counter_of = assign_counters(segments);
	Counter    *counters = make_counters(segments->nprices + 1);

	MemoryContextSwitchTo(of_row);
	for (int s = 0; s < segments->nsegments; s++)
	{
		int			version = segments->versions[s];
		PmCounter  *counter;
		PmRatedRow	row;

		if (units[s] == 0)
			continue;
		CHECK_FOR_INTERRUPTS();
		counter = counter_of_segment(segments, s, &counters[counter_of[version < 0 ? segments->nprices : version]],
									 once, of_counters);
		row.segment = s;
		row.cycle = segments->cycles[s];
		row.version = version;
		row.starts_at = segments->edges[s];
		row.ends_at = segments->edges[s + 1];
		row.units = units[s];
		pm_counter_move(counter, pm_counter_add(counter->units, units[s]), &row.quantity, &row.amount);
		if (row.cycle >= segments->grid->first)
			callback(&row, state);
		MemoryContextReset(of_row);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(of_counters);
}
