/*-------------------------------------------------------------------------
 *
 * tariff_text.c
 *	  The canonical text of a tariff.
 *
 * A unit tariff with nothing else is its plain number; everything else is a
 * compact JSON object with its keys in this order, left out when they say
 * nothing:
 *	  model, convert {op, factor, rounding}, free_units, unit_price | tiers
 *	  [{up_to, unit_price, flat}] | package_size, package_price, flat,
 *	  minimum, maximum
 * with all numbers as strings, for readers whose numbers are not exact.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "lib/stringinfo.h"
#include "types/tariff.h"
#include "utils/fmgrprotos.h"

const char *const pm_tariff_models[] = {"unit", "graduated", "volume", "package", NULL};
const char *const pm_tariff_conversions[] = {"", "multiply", "divide", NULL};
const char *const pm_tariff_roundings[] = {"none", "ceiling", "floor", "half_up", NULL};

/* ,"key":"number", unless absent */
static void
append_number(StringInfo out, const char *key, Numeric number)
{
	char	   *text;

	if (number == NULL)
		return;
	text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
	appendStringInfo(out, ",\"%s\":\"%s\"", key, text);
	pfree(text);
}

static void
append_tiers(StringInfo out, const PmTariff *tariff)
{
	uint32		t;

	appendStringInfoString(out, ",\"tiers\":[");
	for (t = 0; t < tariff->ntiers; t++)
	{
		Numeric		up_to = pm_tariff_tier_cell(tariff, t, PM_TIER_UP_TO);
		int			start;

		if (t > 0)
			appendStringInfoChar(out, ',');
		start = out->len;
		if (up_to)
			append_number(out, "up_to", up_to);
		else
			appendStringInfoString(out, ",\"up_to\":null");
		out->data[start] = '{';
		append_number(out, "unit_price", pm_tariff_tier_cell(tariff, t, PM_TIER_PRICE));
		append_number(out, "flat", pm_tariff_tier_cell(tariff, t, PM_TIER_FLAT));
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

/* Nothing but a price per unit? */
static bool
is_plain(const PmTariff *tariff)
{
	int			c;

	if (tariff->model != PM_TARIFF_UNIT ||
		pm_tariff_tier_cell(tariff, 0, PM_TIER_FLAT) != NULL)
		return false;
	for (c = 0; c < PM_CELL_TIERS; c++)
	{
		if (tariff->offsets[c] != 0)
			return false;
	}
	return true;
}

char *
pm_tariff_text(const PmTariff *tariff)
{
	Numeric		price = pm_tariff_tier_cell(tariff, 0, PM_TIER_PRICE);
	Numeric		flat = pm_tariff_tier_cell(tariff, 0, PM_TIER_FLAT);
	StringInfoData out;

	if (is_plain(tariff))
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(price)));

	initStringInfo(&out);
	appendStringInfo(&out, "{\"model\":\"%s\"", pm_tariff_models[tariff->model]);
	if (tariff->conversion != PM_CONVERT_NONE)
	{
		appendStringInfo(&out, ",\"convert\":{\"op\":\"%s\"", pm_tariff_conversions[tariff->conversion]);
		append_number(&out, "factor", pm_tariff_cell(tariff, PM_CELL_FACTOR));
		appendStringInfo(&out, ",\"rounding\":\"%s\"}", pm_tariff_roundings[tariff->rounding]);
	}
	append_number(&out, "free_units", pm_tariff_cell(tariff, PM_CELL_FREE_UNITS));

	switch ((PmTariffModel) tariff->model)
	{
		case PM_TARIFF_UNIT:
			append_number(&out, "unit_price", price);
			append_number(&out, "flat", flat);
			break;
		case PM_TARIFF_GRADUATED:
		case PM_TARIFF_VOLUME:
			append_tiers(&out, tariff);
			break;
		case PM_TARIFF_PACKAGE:
			append_number(&out, "package_size", pm_tariff_cell(tariff, PM_CELL_PACKAGE_SIZE));
			append_number(&out, "package_price", price);
			append_number(&out, "flat", flat);
			break;
	}

	append_number(&out, "minimum", pm_tariff_cell(tariff, PM_CELL_MINIMUM));
	append_number(&out, "maximum", pm_tariff_cell(tariff, PM_CELL_MAXIMUM));
	appendStringInfoChar(&out, '}');
	return out.data;
}
