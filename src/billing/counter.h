/*-------------------------------------------------------------------------
 *
 * counter.h
 *	  Counters: what was used of a SKU, and the quantity it stands for
 *	  (rule 6.6).
 *
 * A counter is an int64 in thousandths of a unit-second; of a SKU that is
 * sold per "once", in thousandths of a unit.  The largest, 9.2e18, is 2.5e12
 * unit-hours; beyond it 22003.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_COUNTER_H
#define PM_COUNTER_H

#include "types/tariff.h"
#include "utils/numeric.h"

#define PM_MILLI_SECONDS_PER_HOUR	INT64CONST(3600000)

/*
 * Q(n): n / 3,600,000 rounded half up to 12 digits (unit-hours); "once":
 * n / 1000, exact.
 */
extern PmExact pm_counter_quantity(int64 n, bool once);

/* A quantity, in thousandths, for so many seconds; checked */
extern int64 pm_counter_units(int64 quantity, int64 seconds);
/* n + more, checked */
extern int64 pm_counter_add(int64 n, int64 more);

/*
 * A counter, with what of its amount has to be kept, in its context.
 */
typedef struct PmCounter
{
	const PmTariff *tariff;		/* NULL: no price is in force */
	bool		once;
	int64		units;
	bool		plain;			/* every unit costs the same: */
	PmExact		price;			/* this, and the amount is not needed */
	PmExact		amount;			/* A(units), 0 of 0 units */
	MemoryContext context;
} PmCounter;

/* Sets the counter to where it stands; it is kept in the current context */
extern void pm_counter_begin(PmCounter *counter, const PmTariff *tariff, bool once, int64 units);

/* A(units), palloc'd in the current context */
extern Numeric pm_counter_amount(const PmCounter *counter);

/*
 * Moves the counter to a number of units.  What quantity and amount advance by
 * is palloc'd in the current context; the amount is NULL without a tariff.
 */
extern void pm_counter_move(PmCounter *counter, int64 units, Numeric *quantity, Numeric *amount);

/* What a counter advances by within one tier */
typedef struct PmStep
{
	int64		before;			/* units */
	int64		after;			/* less: units are taken back */
	int			tier;			/* from 1 */
	Numeric		quantity;		/* Q(after) - Q(before) */
	Numeric		amount;			/* A(after) - A(before) */
} PmStep;

typedef void (*PmStepCallback) (const PmStep *step, void *state);

/* Control totals: what steps of counters come to, exactly */
typedef struct PmTotals
{
	int64		steps;
	PmExact		units;
	PmExact		amount;
} PmTotals;

/* A sum that is large is palloc'd in the current context */
extern void pm_totals_begin(PmTotals *totals);
extern void pm_totals_add(PmTotals *totals, const PmStep *step);

/*
 * Advances the counter by units, which may be negative, in a step a tier; a
 * callback a step.  The numerics of a step are palloc'd in the current context.
 */
extern void pm_counter_advance(PmCounter *counter, int64 units,
							   PmStepCallback callback, void *state);

#endif							/* PM_COUNTER_H */
