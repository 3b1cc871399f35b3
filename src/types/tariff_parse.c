/*-------------------------------------------------------------------------
 *
 * tariff_parse.c
 *	  From the text of a tariff to its value.
 *
 * A tariff is a plain number or a JSON object; tariff_text.c lists the keys.
 * What is wrong with a single token is found in tariff_reader.c, what is wrong
 * with the whole here: keys that a model lacks or does not take, tiers that do
 * not ascend or leave some quantity without a price, conversions that are not
 * exact.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "types/tariff.h"
#include "types/tariff_reader.h"
#include "utils/fmgrprotos.h"

#define MAX_RECIPROCAL		200 /* digits; 2^159 < 10^48, the widest factor */

/* The keys of the object, in the order of output */
typedef enum Key
{
	KEY_MODEL,
	KEY_CONVERT,
	KEY_FREE_UNITS,
	KEY_UNIT_PRICE,
	KEY_TIERS,
	KEY_PACKAGE_SIZE,
	KEY_PACKAGE_PRICE,
	KEY_FLAT,
	KEY_MINIMUM,
	KEY_MAXIMUM
} Key;

static const char *const object_keys[] = {
	"model", "convert", "free_units", "unit_price", "tiers", "package_size",
	"package_price", "flat", "minimum", "maximum", NULL
};
static const char *const tier_keys[] = {"up_to", "unit_price", "flat", NULL};
static const char *const convert_keys[] = {"op", "factor", "rounding", NULL};

/* Which keys a model takes, besides those that all take */
static const uint32 model_keys[] = {
	(1 << KEY_UNIT_PRICE) | (1 << KEY_FLAT),
	(1 << KEY_TIERS),
	(1 << KEY_TIERS),
	(1 << KEY_PACKAGE_SIZE) | (1 << KEY_PACKAGE_PRICE) | (1 << KEY_FLAT)
};

#define COMMON_KEYS \
	((1 << KEY_MODEL) | (1 << KEY_CONVERT) | (1 << KEY_FREE_UNITS) | \
	 (1 << KEY_MINIMUM) | (1 << KEY_MAXIMUM))

/* What was read, before it is packed; NULL: absent */
typedef struct Spec
{
	uint32		seen;			/* bits of Key */
	int			model;
	int			conversion;
	int			rounding;
	Numeric		cells[PM_CELL_TIERS];
	int			ntiers;
	int			room;
	Numeric    *tiers;			/* [room x PM_TIER_CELLS] */
} Spec;

static bool
is_zero(Numeric number)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(number),
											 NumericGetDatum(int64_to_numeric(0)))) == 0;
}

/* A zero that says the same as nothing is not kept */
static Numeric
unless_zero(Numeric number)
{
	return number == NULL || is_zero(number) ? NULL : number;
}

/*
 * 1 / factor if it has finitely many digits, else NULL.  Exact division by
 * the factor is multiplication with it.
 */
static Numeric
reciprocal(Numeric factor)
{
	Numeric		ten = int64_to_numeric(10);
	Numeric		power = int64_to_numeric(1);
	int			digits;

	for (digits = 0; digits <= MAX_RECIPROCAL; digits++)
	{
		Datum		rest = DirectFunctionCall2(numeric_mod, NumericGetDatum(power),
											   NumericGetDatum(factor));

		if (is_zero(DatumGetNumeric(rest)))
		{
			Datum		quotient;
			char	   *shift = psprintf("1e-%d", digits);
			Datum		unit;

			quotient = DirectFunctionCall2(numeric_div_trunc, NumericGetDatum(power),
										   NumericGetDatum(factor));
			unit = DirectFunctionCall3(numeric_in, CStringGetDatum(shift),
									   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
			quotient = DirectFunctionCall2(numeric_mul, quotient, unit);
			return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, quotient));
		}
		power = DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(power),
													NumericGetDatum(ten)));
	}
	return NULL;
}

static bool
read_convert(PmTariffReader *r, Spec *spec)
{
	uint32		seen = 0;
	bool		done;
	int			key;

	if (!pm_tariff_expect(r, '{'))
		return false;
	do
	{
		bool		ok;

		if (!pm_tariff_read_key(r, convert_keys, &seen, &key))
			return false;
		if (key == 0)
			ok = pm_tariff_read_choice(r, "op", pm_tariff_conversions, &spec->conversion);
		else if (key == 1)
			ok = pm_tariff_read_number(r, "factor", &spec->cells[PM_CELL_FACTOR]);
		else
			ok = pm_tariff_read_choice(r, "rounding", pm_tariff_roundings, &spec->rounding);
		if (!ok || !pm_tariff_read_next(r, '}', &done))
			return false;
	} while (!done);

	if (spec->conversion == PM_CONVERT_NONE || spec->cells[PM_CELL_FACTOR] == NULL)
		PM_TARIFF_BAD_VALUE(r, "A conversion needs \"op\" and \"factor\".");
	if (is_zero(spec->cells[PM_CELL_FACTOR]))
		PM_TARIFF_BAD_VALUE(r, "The factor of a conversion is not above 0.");
	if (spec->conversion == PM_CONVERT_DIVIDE && spec->rounding == PM_CONVERT_EXACT)
	{
		spec->cells[PM_CELL_RECIPROCAL] = reciprocal(spec->cells[PM_CELL_FACTOR]);
		if (spec->cells[PM_CELL_RECIPROCAL] == NULL)
			PM_TARIFF_BAD_VALUE(r, "Division by the conversion's factor has no end: it needs a \"rounding\".");
	}
	return true;
}

static bool
read_tier(PmTariffReader *r, Spec *spec)
{
	Numeric    *tier;
	uint32		seen = 0;
	bool		done;
	int			key;

	if (spec->ntiers == PM_TARIFF_MAX_TIERS)
		PM_TARIFF_FAIL(r, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
					   "There are more than %d tiers.", PM_TARIFF_MAX_TIERS);
	if (spec->ntiers == spec->room)
	{
		spec->room *= 2;
		spec->tiers = repalloc(spec->tiers,
							   sizeof(Numeric) * PM_TIER_CELLS * spec->room);
	}
	tier = &spec->tiers[spec->ntiers++ * PM_TIER_CELLS];
	memset(tier, 0, sizeof(Numeric) * PM_TIER_CELLS);

	if (!pm_tariff_expect(r, '{'))
		return false;
	do
	{
		bool		ok;

		if (!pm_tariff_read_key(r, tier_keys, &seen, &key))
			return false;
		if (key == PM_TIER_UP_TO && pm_tariff_at_null(r))
			ok = pm_tariff_advance(r);
		else
			ok = pm_tariff_read_number(r, tier_keys[key], &tier[key]);
		if (!ok || !pm_tariff_read_next(r, '}', &done))
			return false;
	} while (!done);

	if (tier[PM_TIER_PRICE] == NULL && tier[PM_TIER_FLAT] == NULL)
		PM_TARIFF_BAD_VALUE(r, "Tier %d has neither \"unit_price\" nor \"flat\".", spec->ntiers);
	if (tier[PM_TIER_PRICE] == NULL)
		tier[PM_TIER_PRICE] = int64_to_numeric(0);
	tier[PM_TIER_FLAT] = unless_zero(tier[PM_TIER_FLAT]);
	return true;
}

static bool
read_tiers(PmTariffReader *r, Spec *spec)
{
	bool		done;
	int			i;

	if (!pm_tariff_expect(r, '['))
		return false;
	do
	{
		if (!read_tier(r, spec) || !pm_tariff_read_next(r, ']', &done))
			return false;
	} while (!done);

	for (i = 0; i < spec->ntiers; i++)
	{
		Numeric		up_to = spec->tiers[i * PM_TIER_CELLS + PM_TIER_UP_TO];
		Numeric		lower;

		if (i == spec->ntiers - 1)
		{
			if (up_to != NULL)
				PM_TARIFF_BAD_VALUE(r, "The last tier has a bound: units above it would have no price.");
			break;
		}
		lower = i == 0 ? int64_to_numeric(0) :
			spec->tiers[(i - 1) * PM_TIER_CELLS + PM_TIER_UP_TO];
		if (up_to == NULL ||
			DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(up_to),
											  NumericGetDatum(lower))) <= 0)
			PM_TARIFF_BAD_VALUE(r, "The bound of tier %d is not above that of the tier before it.", i + 1);
	}
	return true;
}

/* What a graduated tariff costs where each tier begins, with its flat fee */
static void
add_entries(Spec *spec)
{
	Datum		lower = NumericGetDatum(int64_to_numeric(0));
	Datum		entry = lower;

	for (int i = 0; i < spec->ntiers; i++)
	{
		Numeric    *tier = &spec->tiers[i * PM_TIER_CELLS];
		Datum		width;

		if (tier[PM_TIER_FLAT])
			entry = DirectFunctionCall2(numeric_add, entry, NumericGetDatum(tier[PM_TIER_FLAT]));
		if (i > 0)
			tier[PM_TIER_ENTRY] = unless_zero(DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, entry)));
		if (tier[PM_TIER_UP_TO] == NULL)
			break;
		width = DirectFunctionCall2(numeric_sub, NumericGetDatum(tier[PM_TIER_UP_TO]), lower);
		entry = DirectFunctionCall2(numeric_add, entry,
									DirectFunctionCall2(numeric_mul, width, NumericGetDatum(tier[PM_TIER_PRICE])));
		lower = NumericGetDatum(tier[PM_TIER_UP_TO]);
	}
}

/* The value of a key of the outer object */
static bool
read_value(PmTariffReader *r, Spec *spec, int key)
{
	const char *name = object_keys[key];

	switch ((Key) key)
	{
		case KEY_MODEL:
			return pm_tariff_read_choice(r, name, pm_tariff_models, &spec->model);
		case KEY_CONVERT:
			return read_convert(r, spec);
		case KEY_TIERS:
			return read_tiers(r, spec);
		case KEY_FREE_UNITS:
			return pm_tariff_read_number(r, name, &spec->cells[PM_CELL_FREE_UNITS]);
		case KEY_PACKAGE_SIZE:
			return pm_tariff_read_number(r, name, &spec->cells[PM_CELL_PACKAGE_SIZE]);
		case KEY_MINIMUM:
			return pm_tariff_read_number(r, name, &spec->cells[PM_CELL_MINIMUM]);
		case KEY_MAXIMUM:
			return pm_tariff_read_number(r, name, &spec->cells[PM_CELL_MAXIMUM]);
		case KEY_UNIT_PRICE:
		case KEY_PACKAGE_PRICE:
		case KEY_FLAT:
			break;
	}

	/* models without tiers keep their prices in tier 0, filled in later */
	if (key == KEY_FLAT)
		return pm_tariff_read_number(r, name, &spec->tiers[PM_TIER_FLAT]);
	return pm_tariff_read_number(r, name, &spec->tiers[PM_TIER_PRICE]);
}

/* What only the whole object tells */
static bool
check_object(PmTariffReader *r, Spec *spec)
{
	uint32		own = model_keys[spec->model];
	uint32		needed = own & ~(1U << KEY_FLAT);
	int			key;

	for (key = 0; object_keys[key] != NULL; key++)
	{
		uint32		bit = 1U << key;

		if ((spec->seen & bit) && !((COMMON_KEYS | own) & bit))
			PM_TARIFF_BAD_VALUE(r, "Key \"%s\" does not go with model \"%s\".",
								object_keys[key], pm_tariff_models[spec->model]);
		if ((needed & bit) && !(spec->seen & bit))
			PM_TARIFF_BAD_VALUE(r, "Model \"%s\" needs key \"%s\".",
								pm_tariff_models[spec->model], object_keys[key]);
	}

	if (spec->model == PM_TARIFF_PACKAGE && is_zero(spec->cells[PM_CELL_PACKAGE_SIZE]))
		PM_TARIFF_BAD_VALUE(r, "The package size is not above 0.");
	if (spec->cells[PM_CELL_MINIMUM] && spec->cells[PM_CELL_MAXIMUM] &&
		DatumGetInt32(DirectFunctionCall2(numeric_cmp,
										  NumericGetDatum(spec->cells[PM_CELL_MINIMUM]),
										  NumericGetDatum(spec->cells[PM_CELL_MAXIMUM]))) > 0)
		PM_TARIFF_BAD_VALUE(r, "The minimum is above the maximum.");

	if (spec->ntiers == 0)
	{
		spec->ntiers = 1;
		spec->tiers[PM_TIER_FLAT] = unless_zero(spec->tiers[PM_TIER_FLAT]);
	}
	if (spec->model == PM_TARIFF_GRADUATED)
		add_entries(spec);
	spec->cells[PM_CELL_FREE_UNITS] = unless_zero(spec->cells[PM_CELL_FREE_UNITS]);
	spec->cells[PM_CELL_MINIMUM] = unless_zero(spec->cells[PM_CELL_MINIMUM]);
	return true;
}

static bool
read_object(PmTariffReader *r, Spec *spec)
{
	bool		done;
	int			key;

	if (!pm_tariff_expect(r, '{'))
		return false;
	do
	{
		if (!pm_tariff_read_key(r, object_keys, &spec->seen, &key) ||
			!read_value(r, spec, key) ||
			!pm_tariff_read_next(r, '}', &done))
			return false;
	} while (!done);

	if (!(spec->seen & (1U << KEY_MODEL)))
		PM_TARIFF_BAD_VALUE(r, "Key \"model\" is missing.");
	return check_object(r, spec);
}

static PmTariff *
pack(const Spec *spec)
{
	uint32		ncells = PM_CELL_TIERS + spec->ntiers * PM_TIER_CELLS;
	Size		header = INTALIGN(offsetof(PmTariff, offsets) + ncells * sizeof(uint32));
	Size		size = header;
	PmTariff   *tariff;
	uint32		c;

#define CELL(c) \
	((c) < PM_CELL_TIERS ? spec->cells[c] : spec->tiers[(c) - PM_CELL_TIERS])

	for (c = 0; c < ncells; c++)
	{
		if (CELL(c))
			size += INTALIGN(VARSIZE(CELL(c)));
	}

	tariff = palloc0(size);
	SET_VARSIZE(tariff, size);
	tariff->model = spec->model;
	tariff->conversion = spec->conversion;
	tariff->rounding = spec->rounding;
	tariff->ntiers = spec->ntiers;

	size = header;
	for (c = 0; c < ncells; c++)
	{
		if (CELL(c) == NULL)
			continue;
		memcpy((char *) tariff + size, CELL(c), VARSIZE(CELL(c)));
		tariff->offsets[c] = size;
		size += INTALIGN(VARSIZE(CELL(c)));
	}
#undef CELL
	return tariff;
}

PmTariff *
pm_tariff_parse(const char *text, Node *escontext)
{
	PmTariffReader r = {.text = text,.next = text,.escontext = escontext};
	Spec		spec = {0};

	spec.room = 4;
	spec.tiers = palloc0(sizeof(Numeric) * PM_TIER_CELLS * spec.room);

	if (!pm_tariff_advance(&r))
		return NULL;
	if (pm_tariff_at(&r, '{'))
	{
		if (!read_object(&r, &spec))
			return NULL;
	}
	else
	{
		if (r.kind == PM_TOKEN_STRING)
			ereturn(escontext, NULL,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", "tariff", text),
					 errdetail("A tariff is a number or a JSON object.")));
		spec.model = PM_TARIFF_UNIT;
		spec.ntiers = 1;
		if (!pm_tariff_read_number(&r, "unit_price", &spec.tiers[PM_TIER_PRICE]))
			return NULL;
	}

	if (r.kind != PM_TOKEN_END)
		ereturn(escontext, NULL,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "tariff", text),
				 errdetail("Unexpected \"%.*s\" behind the tariff.", r.length, r.token)));
	return pack(&spec);
}
