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
 * All arithmetic is exact: sums and products of decimals, and divisions only
 * where the quotient is cut to an integer or known to be finite.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "types/tariff.h"

static const PmExact zero = {0, 0};

/* The number in a cell that is there */
static inline PmExact
number(const PmTariff *tariff, uint32 cell)
{
	return pm_exact(pm_tariff_cell(tariff, cell));
}

static inline PmExact
tier_number(const PmTariff *tariff, uint32 tier, uint32 cell)
{
	return number(tariff, PM_CELL_TIERS + tier * PM_TIER_CELLS + cell);
}

/* a / b, cut to an integer and then rounded as stated; a >= 0, b > 0 */
static PmExact
divide(PmExact a, PmExact b, PmTariffConversionRounding rounding)
{
	PmExact		rest;
	PmExact		quotient = pm_exact_divide(a, b, &rest);
	bool		up = false;

	if (rounding == PM_CONVERT_CEILING)
		up = pm_exact_sign(rest) > 0;
	else if (rounding == PM_CONVERT_HALF_UP)
		up = pm_exact_compare(pm_exact_add(rest, rest), b) >= 0;
	return up ? pm_exact_add(quotient, pm_exact_of(1, 0)) : quotient;
}

/* The quantity in the unit of the prices; what is below 0 mirrors what is above */
static PmExact
convert(const PmTariff *tariff, PmExact quantity)
{
	PmExact		result;
	bool		negative = pm_exact_sign(quantity) < 0;

	if (negative)
		quantity = pm_exact_subtract(zero, quantity);

	if (tariff->conversion == PM_CONVERT_DIVIDE)
	{
		if (tariff->rounding == PM_CONVERT_EXACT)
			result = pm_exact_multiply(quantity, number(tariff, PM_CELL_RECIPROCAL));
		else
			result = divide(quantity, number(tariff, PM_CELL_FACTOR), tariff->rounding);
	}
	else
	{
		result = pm_exact_multiply(quantity, number(tariff, PM_CELL_FACTOR));
		if (tariff->rounding != PM_CONVERT_EXACT)
			result = divide(result, pm_exact_of(1, 0), tariff->rounding);
	}

	return negative ? pm_exact_subtract(zero, result) : result;
}

/* Steps 1 and 2: what the model is applied to */
static PmExact
priced_quantity(const PmTariff *tariff, PmExact quantity)
{
	PmExact		rest;

	if (tariff->conversion != PM_CONVERT_NONE)
		quantity = convert(tariff, quantity);
	if (pm_tariff_cell(tariff, PM_CELL_FREE_UNITS) == NULL || pm_exact_sign(quantity) <= 0)
		return quantity;
	rest = pm_exact_subtract(quantity, number(tariff, PM_CELL_FREE_UNITS));
	return pm_exact_sign(rest) > 0 ? rest : zero;
}

/* The tier, from 0, that holds what is priced: the first whose bound is not exceeded */
static uint32
find_tier(const PmTariff *tariff, PmExact quantity)
{
	uint32		low = 0;
	uint32		high = tariff->ntiers - 1;

	while (low < high)
	{
		uint32		middle = (low + high) / 2;

		if (pm_exact_compare(quantity, tier_number(tariff, middle, PM_TIER_UP_TO)) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static PmExact
packages(const PmTariff *tariff, PmExact quantity)
{
	if (pm_exact_sign(quantity) <= 0)
		return zero;
	return divide(quantity, number(tariff, PM_CELL_PACKAGE_SIZE), PM_CONVERT_CEILING);
}

/*
 * Lines
 */

static void
set_line(PmTariffLine *line, const PmTariff *tariff, int tier, PmExact quantity)
{
	line->tier = tier + 1;
	line->quantity = quantity;
	line->unit_price = pm_tariff_tier_cell(tariff, tier, PM_TIER_PRICE);
	line->flat = zero;
	if (pm_tariff_tier_cell(tariff, tier, PM_TIER_FLAT))
		line->flat = tier_number(tariff, tier, PM_TIER_FLAT);
	line->amount = pm_exact_add(pm_exact_multiply(quantity, tier_number(tariff, tier, PM_TIER_PRICE)),
								line->flat);
}

/* Each unit at the price of its tier */
static int
graduated_lines(const PmTariff *tariff, PmExact quantity, PmTariffLine *lines)
{
	PmExact		lower = zero;
	uint32		t;

	for (t = 0; t < tariff->ntiers - 1; t++)
	{
		PmExact		upper = tier_number(tariff, t, PM_TIER_UP_TO);

		if (pm_exact_compare(quantity, upper) <= 0)
			break;
		set_line(&lines[t], tariff, t, pm_exact_subtract(upper, lower));
		lower = upper;
	}
	set_line(&lines[t], tariff, t, pm_exact_subtract(quantity, lower));
	return t + 1;
}

/* Step 3 */
static int
model_lines(const PmTariff *tariff, PmExact quantity, PmTariffLine *lines)
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
pm_tariff_lines(const PmTariff *tariff, PmExact quantity, PmTariffLine *lines)
{
	bool		cut = pm_tariff_cell(tariff, PM_CELL_MAXIMUM) != NULL;
	PmExact		maximum = cut ? number(tariff, PM_CELL_MAXIMUM) : zero;
	PmExact		sum = zero;
	int			nlines = model_lines(tariff, priced_quantity(tariff, quantity), lines);

	/* the maximum cuts the lines in their order */
	for (int i = 0; i < nlines; i++)
	{
		PmExact		next = pm_exact_add(sum, lines[i].amount);

		if (cut && pm_exact_compare(next, maximum) > 0)
		{
			next = maximum;
			lines[i].amount = pm_exact_subtract(next, sum);
		}
		sum = next;
	}

	if (pm_tariff_cell(tariff, PM_CELL_MINIMUM))
	{
		PmExact		lacking = pm_exact_subtract(number(tariff, PM_CELL_MINIMUM), sum);

		if (pm_exact_sign(lacking) > 0)
			lines[nlines++] = (PmTariffLine) {0, zero, NULL, zero, lacking};
	}
	return nlines;
}

/*
 * Totals: the same without lines, since almost all that is rated wants no more
 */

/* Step 3: of a tier its price of a quantity, and what is due besides */
static PmExact
model_total(const PmTariff *tariff, PmExact quantity)
{
	uint32		t = tariff->ntiers > 1 ? find_tier(tariff, quantity) : 0;
	uint32		due = PM_TIER_FLAT;
	PmExact		amount;

	if (tariff->model == PM_TARIFF_PACKAGE)
		quantity = packages(tariff, quantity);
	else if (tariff->model == PM_TARIFF_GRADUATED && t > 0)
	{
		due = PM_TIER_ENTRY;
		quantity = pm_exact_subtract(quantity, tier_number(tariff, t - 1, PM_TIER_UP_TO));
	}
	amount = pm_exact_multiply(quantity, tier_number(tariff, t, PM_TIER_PRICE));
	return pm_tariff_tier_cell(tariff, t, due) ? pm_exact_add(amount, tier_number(tariff, t, due)) : amount;
}

PmExact
pm_tariff_total(const PmTariff *tariff, PmExact quantity, bool booked)
{
	PmExact		amount;

	if (!booked)
		return zero;
	amount = model_total(tariff, priced_quantity(tariff, quantity));
	if (pm_tariff_cell(tariff, PM_CELL_MAXIMUM))
	{
		PmExact		maximum = number(tariff, PM_CELL_MAXIMUM);

		if (pm_exact_compare(amount, maximum) > 0)
			amount = maximum;
	}
	if (pm_tariff_cell(tariff, PM_CELL_MINIMUM))
	{
		PmExact		minimum = number(tariff, PM_CELL_MINIMUM);

		if (pm_exact_compare(amount, minimum) < 0)
			amount = minimum;
	}
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

PmExact
pm_tariff_step(const PmTariff *tariff, PmExact before, PmExact step)
{
	PmExact		after = pm_exact_add(before, step);

	if (is_linear(tariff))
	{
		uint32		t = find_tier(tariff, before);

		if (tariff->ntiers == 1 || find_tier(tariff, after) == t)
			return pm_exact_multiply(step, tier_number(tariff, t, PM_TIER_PRICE));
	}
	return pm_exact_subtract(pm_tariff_total(tariff, after, true), pm_tariff_total(tariff, before, true));
}

int
pm_tariff_tier(const PmTariff *tariff, PmExact quantity)
{
	return tariff->ntiers > 1 ? find_tier(tariff, priced_quantity(tariff, quantity)) + 1 : 1;
}

bool
pm_tariff_equal(const PmTariff *a, const PmTariff *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}
