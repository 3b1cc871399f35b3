/*-------------------------------------------------------------------------
 *
 * counter.c
 *	  Counters, the quantity they stand for, and charges in steps of them; see
 *	  counter.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/counter.h"
#include "common/int.h"
#include "compat.h"
#include "utils/memutils.h"

/* A quantity has 12 digits behind the point: 10^12 / 3,600,000 = 2,500,000 / 9
 * of the last is a unit */
#define QUANTITY_GROUPS		3
#define QUANTITY_UNIT		INT64CONST(1000000000000)
#define RATIO_NUMERATOR		INT64CONST(2500000)
#define RATIO_DENOMINATOR	9

static void
counter_overflow(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("usage counter out of range"),
			 errdetail("A counter holds less than 2.56e12 unit-hours a month."),
			 errhint("Take a shorter time, or meter in larger units.")));
}

int64
pm_counter_add(int64 n, int64 more)
{
	if (pg_add_s64_overflow(n, more, &n))
		counter_overflow();
	return n;
}

int64
pm_counter_units(int64 quantity, int64 seconds)
{
	int64		units;

	if (pg_mul_s64_overflow(quantity, seconds, &units))
		counter_overflow();
	return units;
}

/*
 * What is left of a count over whole hours, in last digits of a quantity: rest x
 * 2,500,000 / 9, rounded.  The divisor is odd, so there are no ties, and
 * rounding half up is adding half the divisor.
 */
static int64
fraction(int64 n)
{
	int64		product = 2 * (n % PM_MILLI_SECONDS_PER_HOUR) * RATIO_NUMERATOR;

	return (product + (n < 0 ? -RATIO_DENOMINATOR : RATIO_DENOMINATOR)) / (2 * RATIO_DENOMINATOR);
}

PmExact
pm_counter_quantity(int64 n, bool once)
{
	if (once)
		return pm_exact_of((int128) n * 10, 1);
	return pm_exact_of((int128) (n / PM_MILLI_SECONDS_PER_HOUR) * QUANTITY_UNIT + fraction(n), QUANTITY_GROUPS);
}

/*
 * Moving on
 */
static PmExact
total(const PmCounter *counter)
{
	return pm_tariff_total(counter->tariff, pm_counter_quantity(counter->units, counter->once),
						   counter->units != 0);
}

/* Keeps the amount that the counter has come to */
static void
keep_amount(PmCounter *counter, PmExact amount)
{
	PmExact		before = counter->amount;

	if (pm_exact_is_large(amount))
	{
		Numeric		large = pm_exact_large(amount);
		Numeric		kept = MemoryContextAlloc(counter->context, VARSIZE(large));

		memcpy(kept, large, VARSIZE(large));
		amount = pm_exact_of_large(kept);
	}
	counter->amount = amount;
	if (pm_exact_is_large(before))
		pfree(pm_exact_large(before));
}

void
pm_counter_begin(PmCounter *counter, const PmTariff *tariff, bool once, int64 units)
{
	Numeric		price = tariff ? pm_tariff_plain_price(tariff) : NULL;

	memset(counter, 0, sizeof(PmCounter));
	counter->tariff = tariff;
	counter->once = once;
	counter->units = units;
	counter->context = CurrentMemoryContext;
	counter->plain = price != NULL;
	if (price)
		counter->price = pm_exact(price);
	else if (tariff)
		keep_amount(counter, total(counter));
}

Numeric
pm_counter_amount(const PmCounter *counter)
{
	return pm_exact_numeric(total(counter));
}

void
pm_counter_move(PmCounter *counter, int64 units, Numeric *quantity, Numeric *amount)
{
	PmExact		step = pm_exact_subtract(pm_counter_quantity(units, counter->once),
										 pm_counter_quantity(counter->units, counter->once));

	*quantity = pm_exact_numeric(step);
	*amount = NULL;
	counter->units = units;
	if (counter->plain)
		*amount = pm_exact_numeric(pm_exact_multiply(counter->price, step));
	else if (counter->tariff)
	{
		PmExact		after = total(counter);

		*amount = pm_exact_numeric(pm_exact_subtract(after, counter->amount));
		keep_amount(counter, after);
	}
}

/*
 * Steps
 */
static int
tier_of(const PmCounter *counter, int64 units)
{
	if (counter->tariff->ntiers == 1)
		return 1;
	return pm_tariff_tier(counter->tariff, pm_counter_quantity(units, counter->once));
}

/*
 * The end of a tier on the way from one count to another: the last count that
 * is in the tier of the first, going up, or the first that is, going down from
 * it.  Tiers grow with the count.
 */
static int64
tier_edge(const PmCounter *counter, int64 from, int64 to, int tier)
{
	while (to - from > 1 || from - to > 1)
	{
		int64		middle = from + (to - from) / 2;

		if (tier_of(counter, middle) == tier)
			from = middle;
		else
			to = middle;
	}
	return from;
}

static void
step_to(PmCounter *counter, int64 units, int tier, PmStepCallback callback, void *state)
{
	PmStep		step = {counter->units, units, tier, NULL, NULL};

	pm_counter_move(counter, units, &step.quantity, &step.amount);
	callback(&step, state);
}

void
pm_counter_advance(PmCounter *counter, int64 units, PmStepCallback callback, void *state)
{
	int64		target = pm_counter_add(counter->units, units);
	int			tier = tier_of(counter, counter->units);
	int			last = tier_of(counter, target);

	if (target < 0)
		elog(ERROR, "a counter of " INT64_FORMAT " units cannot give back " INT64_FORMAT,
			 counter->units, -units);
	while (tier != last)
	{
		int64		edge = tier_edge(counter, counter->units, target, tier);

		if (target > counter->units)
		{
			if (edge != counter->units)
				step_to(counter, edge, tier, callback, state);
			tier = tier_of(counter, edge + 1);
		}
		else
		{
			/* what is beyond the edge of the tier below is of this tier */
			step_to(counter, edge - 1, tier, callback, state);
			tier = tier_of(counter, counter->units);
		}
	}
	if (counter->units != target)
		step_to(counter, target, tier, callback, state);
}

/* ---- control totals ---- */

void
pm_totals_begin(PmTotals *totals)
{
	totals->steps = 0;
	totals->units = pm_exact_of(0, 0);
	totals->amount = pm_exact_of(0, 0);
}

void
pm_totals_add(PmTotals *totals, const PmStep *step)
{
	totals->steps++;
	totals->units = pm_exact_add(totals->units, pm_exact_of(step->after - step->before, 0));
	totals->amount = pm_exact_add(totals->amount, pm_exact(step->amount));
}
