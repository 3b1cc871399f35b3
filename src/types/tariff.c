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
		up = compare(rest, int64_to_numeric(0)) > 0;
	else if (rounding == PM_CONVERT_HALF_UP)
		up = compare(add(rest, rest), b) >= 0;
	return up ? add(quotient, int64_to_numeric(1)) : quotient;
}

/* The quantity in the unit of the prices; what is below 0 mirrors what is above */
static Numeric
convert(const PmTariff *tariff, Numeric quantity)
{
	Numeric		factor = pm_tariff_cell(tariff, PM_CELL_FACTOR);
	Numeric		one = int64_to_numeric(1);
	Numeric		result;
	bool		negative = compare(quantity, int64_to_numeric(0)) < 0;

	if (negative)
		quantity = subtract(int64_to_numeric(0), quantity);

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
			result = divide(result, one, tariff->rounding);
	}

	return negative ? subtract(int64_to_numeric(0), result) : result;
}

/* Steps 1 and 2: what the model is applied to */
static Numeric
priced_quantity(const PmTariff *tariff, Numeric quantity)
{
	Numeric		free_units = pm_tariff_cell(tariff, PM_CELL_FREE_UNITS);
	Numeric		zero;

	if (tariff->conversion != PM_CONVERT_NONE)
		quantity = convert(tariff, quantity);
	if (free_units == NULL)
		return quantity;

	zero = int64_to_numeric(0);
	if (compare(quantity, zero) <= 0)
		return quantity;
	quantity = subtract(quantity, free_units);
	return compare(quantity, zero) > 0 ? quantity : zero;
}

static void
set_line(PmTariffLine *line, const PmTariff *tariff, int tier, Numeric quantity)
{
	Numeric		flat = pm_tariff_tier_cell(tariff, tier, PM_TIER_FLAT);

	line->tier = tier + 1;
	line->quantity = quantity;
	line->unit_price = pm_tariff_tier_cell(tariff, tier, PM_TIER_PRICE);
	line->flat = flat ? flat : int64_to_numeric(0);
	line->amount = multiply(quantity, line->unit_price);
	if (flat)
		line->amount = add(line->amount, flat);
}

/* Each unit at the price of its tier */
static int
graduated_lines(const PmTariff *tariff, Numeric quantity, PmTariffLine *lines)
{
	Numeric		lower = int64_to_numeric(0);
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

/* All units at the price of the tier that holds the quantity */
static int
volume_lines(const PmTariff *tariff, Numeric quantity, PmTariffLine *lines)
{
	uint32		t = 0;

	while (t + 1 < tariff->ntiers &&
		   compare(quantity, pm_tariff_tier_cell(tariff, t, PM_TIER_UP_TO)) > 0)
		t++;
	set_line(&lines[0], tariff, t, quantity);
	return 1;
}

static int
package_lines(const PmTariff *tariff, Numeric quantity, PmTariffLine *lines)
{
	Numeric		packages = int64_to_numeric(0);

	if (compare(quantity, packages) > 0)
		packages = divide(quantity, pm_tariff_cell(tariff, PM_CELL_PACKAGE_SIZE),
						  PM_CONVERT_CEILING);
	set_line(&lines[0], tariff, 0, packages);
	return 1;
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
			return volume_lines(tariff, quantity, lines);
		case PM_TARIFF_PACKAGE:
			return package_lines(tariff, quantity, lines);
	}
	elog(ERROR, "unknown tariff model %d", tariff->model);
	return 0;					/* keep compilers quiet */
}

int
pm_tariff_lines(const PmTariff *tariff, Numeric quantity, PmTariffLine *lines)
{
	Numeric		minimum = pm_tariff_cell(tariff, PM_CELL_MINIMUM);
	Numeric		maximum = pm_tariff_cell(tariff, PM_CELL_MAXIMUM);
	Numeric		sum = int64_to_numeric(0);
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
		line->quantity = int64_to_numeric(0);
		line->unit_price = NULL;
		line->flat = int64_to_numeric(0);
		line->amount = subtract(minimum, sum);
	}
	return nlines;
}

Numeric
pm_tariff_total(const PmTariff *tariff, Numeric quantity, bool booked)
{
	PmTariffLine one_tier[2];
	PmTariffLine *lines = one_tier;
	Numeric		sum;
	int			nlines;
	int			i;

	if (!booked)
		return int64_to_numeric(0);

	if (tariff->ntiers > 1)
		lines = palloc(sizeof(PmTariffLine) * (tariff->ntiers + 1));
	nlines = pm_tariff_lines(tariff, quantity, lines);
	sum = lines[0].amount;
	for (i = 1; i < nlines; i++)
		sum = add(sum, lines[i].amount);
	if (lines != one_tier)
		pfree(lines);
	return sum;
}

int
pm_tariff_tier(const PmTariff *tariff, Numeric quantity)
{
	uint32		t = 0;

	if (tariff->ntiers > 1)
		quantity = priced_quantity(tariff, quantity);
	while (t + 1 < tariff->ntiers &&
		   compare(quantity, pm_tariff_tier_cell(tariff, t, PM_TIER_UP_TO)) > 0)
		t++;
	return t + 1;
}

bool
pm_tariff_equal(const PmTariff *a, const PmTariff *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}
