/*-------------------------------------------------------------------------
 *
 * tariff.c
 *	  The amount of a quantity under a tariff, as a total and line by line.
 *
 * Text is read and written in tariff_text.c; the SQL functions are in
 * tariff_io.c.  The formulas and their order are stated in tariff.h; they are
 * those of the tariff models that billing systems share (OpenMeter, Lago, Kill
 * Bill, Stripe).
 *
 * All arithmetic is exact: sums and products of numeric, and divisions only
 * where the quotient is cut to an integer or known to be finite.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "types/tariff.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

static inline Numeric
add(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_add,
											   NumericGetDatum(a), NumericGetDatum(b)));
}

static inline Numeric
subtract(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_sub,
											   NumericGetDatum(a), NumericGetDatum(b)));
}

static inline Numeric
multiply(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_mul,
											   NumericGetDatum(a), NumericGetDatum(b)));
}

/* 0, kept: it is compared with all the time */
Numeric
pm_tariff_zero(void)
{
	static Numeric zero = NULL;

	if (zero == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		zero = int64_to_numeric(0);
		MemoryContextSwitchTo(old);
	}
	return zero;
}

static inline int
compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp,
											 NumericGetDatum(a), NumericGetDatum(b)));
}

/* a / b, cut to an integer and then rounded as stated; a >= 0, b > 0 */
static Numeric
divide(Numeric a, Numeric b, PmTariffConversionRounding rounding)
{
	Numeric		quotient;
	Numeric		rest;
	bool		up = false;

	quotient = DatumGetNumeric(DirectFunctionCall2(numeric_div_trunc,
												   NumericGetDatum(a), NumericGetDatum(b)));
	rest = DatumGetNumeric(DirectFunctionCall2(numeric_mod,
											   NumericGetDatum(a), NumericGetDatum(b)));
	if (rounding == PM_CONVERT_CEILING)
		up = compare(rest, pm_tariff_zero()) > 0;
	else if (rounding == PM_CONVERT_HALF_UP)
		up = compare(add(rest, rest), b) >= 0;
	return up ? add(quotient, int64_to_numeric(1)) : quotient;
}

/* The quantity in the unit of the prices; what is below 0 mirrors what is above */
static Numeric
convert(const PmTariff *tariff, Numeric quantity)
{
	Numeric		factor = pm_tariff_cell(tariff, PM_CELL_FACTOR);
	Numeric		result;
	bool		negative = compare(quantity, pm_tariff_zero()) < 0;

	if (negative)
		quantity = subtract(pm_tariff_zero(), quantity);

	if (tariff->conversion == PM_CONVERT_DIVIDE)
	{
		if (tariff->rounding == PM_CONVERT_EXACT)
			result = multiply(quantity, pm_tariff_cell(tariff, PM_CELL_RECIPROCAL));
		else
			result = divide(quantity, factor, tariff->rounding);
	}
	else
	{
		result = multiply(quantity, factor);
		if (tariff->rounding != PM_CONVERT_EXACT)
			result = divide(result, int64_to_numeric(1), tariff->rounding);
	}

	return negative ? subtract(pm_tariff_zero(), result) : result;
}

/* Steps 1 and 2: what the model is applied to */
static Numeric
priced_quantity(const PmTariff *tariff, Numeric quantity)
{
	Numeric		free_units = pm_tariff_cell(tariff, PM_CELL_FREE_UNITS);

	if (tariff->conversion != PM_CONVERT_NONE)
		quantity = convert(tariff, quantity);
	if (free_units == NULL)
		return quantity;

	if (compare(quantity, pm_tariff_zero()) <= 0)
		return quantity;
	return compare(quantity, free_units) > 0 ? subtract(quantity, free_units) : pm_tariff_zero();
}

/* The tier, from 0, that holds what is priced: the first whose bound is not exceeded */
static uint32
find_tier(const PmTariff *tariff, Numeric quantity)
{
	uint32		low = 0;
	uint32		high = tariff->ntiers - 1;

	while (low < high)
	{
		uint32		middle = (low + high) / 2;

		if (compare(quantity, pm_tariff_tier_cell(tariff, middle, PM_TIER_UP_TO)) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static Numeric
packages(const PmTariff *tariff, Numeric quantity)
{
	if (compare(quantity, pm_tariff_zero()) <= 0)
		return pm_tariff_zero();
	return divide(quantity, pm_tariff_cell(tariff, PM_CELL_PACKAGE_SIZE), PM_CONVERT_CEILING);
}

/*
 * Lines
 */

static void
set_line(PmTariffLine *line, const PmTariff *tariff, int tier, Numeric quantity)
{
	Numeric		flat = pm_tariff_tier_cell(tariff, tier, PM_TIER_FLAT);

	line->tier = tier + 1;
	line->quantity = quantity;
	line->unit_price = pm_tariff_tier_cell(tariff, tier, PM_TIER_PRICE);
	line->flat = flat ? flat : pm_tariff_zero();
	line->amount = multiply(quantity, line->unit_price);
	if (flat)
		line->amount = add(line->amount, flat);
}

/* Each unit at the price of its tier */
static int
graduated_lines(const PmTariff *tariff, Numeric quantity, PmTariffLine *lines)
{
	Numeric		lower = pm_tariff_zero();
	uint32		t;

	for (t = 0; t < tariff->ntiers; t++)
	{
		Numeric		upper = pm_tariff_tier_cell(tariff, t, PM_TIER_UP_TO);
		bool		beyond = upper != NULL && compare(quantity, upper) > 0;

		set_line(&lines[t], tariff, t,
				 subtract(beyond ? upper : quantity, lower));
		if (!beyond)
			break;
		lower = upper;
	}
	return t + 1;
}

/* Step 3 */
static int
model_lines(const PmTariff *tariff, Numeric quantity, PmTariffLine *lines)
{
	switch ((PmTariffModel) tariff->model)
	{
		case PM_TARIFF_UNIT:
			set_line(&lines[0], tariff, 0, quantity);
			return 1;
		case PM_TARIFF_GRADUATED:
			return graduated_lines(tariff, quantity, lines);
		case PM_TARIFF_VOLUME:
			set_line(&lines[0], tariff, find_tier(tariff, quantity), quantity);
			return 1;
		case PM_TARIFF_PACKAGE:
			set_line(&lines[0], tariff, 0, packages(tariff, quantity));
			return 1;
	}
	elog(ERROR, "unknown tariff model %d", tariff->model);
	return 0;					/* keep compilers quiet */
}

int
pm_tariff_lines(const PmTariff *tariff, Numeric quantity, PmTariffLine *lines)
{
	Numeric		minimum = pm_tariff_cell(tariff, PM_CELL_MINIMUM);
	Numeric		maximum = pm_tariff_cell(tariff, PM_CELL_MAXIMUM);
	Numeric		sum = pm_tariff_zero();
	int			nlines;
	int			i;

	nlines = model_lines(tariff, priced_quantity(tariff, quantity), lines);
	if (minimum == NULL && maximum == NULL)
		return nlines;

	/* the maximum cuts the lines in their order */
	for (i = 0; i < nlines; i++)
	{
		Numeric		next = add(sum, lines[i].amount);

		if (maximum != NULL && compare(next, maximum) > 0)
		{
			next = maximum;
			lines[i].amount = subtract(next, sum);
		}
		sum = next;
	}

	if (minimum != NULL && compare(sum, minimum) < 0)
	{
		PmTariffLine *line = &lines[nlines++];

		line->tier = 0;
		line->quantity = pm_tariff_zero();
		line->unit_price = NULL;
		line->flat = pm_tariff_zero();
		line->amount = subtract(minimum, sum);
	}
	return nlines;
}

/*
 * Totals: the same without lines, since almost all that is rated wants no more
 */

/* Step 3: of a tier its price of a quantity, and what is due besides */
static Numeric
model_total(const PmTariff *tariff, Numeric quantity)
{
	uint32		t = tariff->ntiers > 1 ? find_tier(tariff, quantity) : 0;
	Numeric		base = pm_tariff_tier_cell(tariff, t, PM_TIER_FLAT);
	Numeric		amount;

	if (tariff->model == PM_TARIFF_PACKAGE)
		quantity = packages(tariff, quantity);
	else if (tariff->model == PM_TARIFF_GRADUATED && t > 0)
	{
		base = pm_tariff_tier_cell(tariff, t, PM_TIER_ENTRY);
		quantity = subtract(quantity, pm_tariff_tier_cell(tariff, t - 1, PM_TIER_UP_TO));
	}
	amount = multiply(quantity, pm_tariff_tier_cell(tariff, t, PM_TIER_PRICE));
	return base ? add(amount, base) : amount;
}

Numeric
pm_tariff_total(const PmTariff *tariff, Numeric quantity, bool booked)
{
	Numeric		minimum = pm_tariff_cell(tariff, PM_CELL_MINIMUM);
	Numeric		maximum = pm_tariff_cell(tariff, PM_CELL_MAXIMUM);
	Numeric		amount;

	if (!booked)
		return int64_to_numeric(0);
	amount = model_total(tariff, priced_quantity(tariff, quantity));
	if (maximum != NULL && compare(amount, maximum) > 0)
		amount = add(maximum, pm_tariff_zero());
	if (minimum != NULL && compare(amount, minimum) < 0)
		amount = add(minimum, pm_tariff_zero());
	return amount;
}

/* Do units of one tier cost its price each, whatever else was used? */
static bool
is_linear(const PmTariff *tariff)
{
	return (tariff->model == PM_TARIFF_UNIT || tariff->model == PM_TARIFF_GRADUATED) &&
		tariff->conversion == PM_CONVERT_NONE &&
		pm_tariff_cell(tariff, PM_CELL_FREE_UNITS) == NULL &&
		pm_tariff_cell(tariff, PM_CELL_MINIMUM) == NULL &&
		pm_tariff_cell(tariff, PM_CELL_MAXIMUM) == NULL;
}

Numeric
pm_tariff_step(const PmTariff *tariff, Numeric before, Numeric step)
{
	Numeric		after = add(before, step);

	if (is_linear(tariff))
	{
		uint32		t = find_tier(tariff, before);

		if (tariff->ntiers == 1 || find_tier(tariff, after) == t)
			return multiply(step, pm_tariff_tier_cell(tariff, t, PM_TIER_PRICE));
	}
	return subtract(pm_tariff_total(tariff, after, true), pm_tariff_total(tariff, before, true));
}

int
pm_tariff_tier(const PmTariff *tariff, Numeric quantity)
{
	return tariff->ntiers > 1 ? find_tier(tariff, priced_quantity(tariff, quantity)) + 1 : 1;
}

bool
pm_tariff_equal(const PmTariff *a, const PmTariff *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}
