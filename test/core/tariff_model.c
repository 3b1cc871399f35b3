/*-------------------------------------------------------------------------
 *
 * tariff_model.c
 *	  Random tariffs as whole numbers, their texts in any spelling, and what
 *	  they say a quantity costs, reckoned in integers of 128 bits.
 *
 * Nothing here knows how the type does it; the rules are those of tariff.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "tariff_model.h"

static uint64 random_state = 20260702;

int64
model_random(int64 below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (int64) ((random_state >> 11) % (uint64) below);
}

/* ---- drawing ---- */

/* Millionths: whole, of few digits or of all, from so many */
static int64
draw_number(int64 from, int64 below)
{
	static const int64 steps[] = {MILLION, 10000, 1};
	int64		step = steps[model_random(lengthof(steps))];
	int64		number = model_random(below / step + 1) * step;

	return Max(from, number);
}

static int64
maybe(int64 number)
{
	return model_random(3) == 0 ? number : 0;
}

static void
draw_conversion(Model *model)
{
	/* by these, and by their tenth, division has an end */
	static const int64 exact[] = {10, 20, 40, 50, 100, 160, 250, 500, 2000, 8000, 12500, 64000};

	model->conversion = PM_CONVERT_MULTIPLY + model_random(2);
	model->rounding = model_random(4);
	/* by others there are no halves either */
	model->factor = exact[model_random(lengthof(exact))];
	if (!(model->conversion == PM_CONVERT_DIVIDE && model->rounding == PM_CONVERT_EXACT) && model_random(2))
		model->factor = 10 + model_random(100000);
}

Model
model_draw(void)
{
	Model		model = {0};

	model.model = model_random(4);
	if (model_random(3) == 0)
		draw_conversion(&model);
	model.free_units = maybe(draw_number(0, 100 * MILLION));
	model.minimum = maybe(draw_number(0, 1000 * MILLION));
	model.maximum = model_random(3) == 0 ? model.minimum + draw_number(0, 10000 * (int64) MILLION) : -1;
	model.package_size = draw_number(MILLION / 10, 100 * MILLION);
	model.ntiers = 1;
	if (model.model == PM_TARIFF_GRADUATED || model.model == PM_TARIFF_VOLUME)
		model.ntiers += model_random(MODEL_TIERS);
	for (int t = 0; t < model.ntiers; t++)
	{
		model.tiers[t].price = draw_number(0, 100 * MILLION);
		model.tiers[t].flat = maybe(draw_number(0, 100 * MILLION));
		if (t < model.ntiers - 1)
			model.tiers[t].up_to = (t > 0 ? model.tiers[t - 1].up_to : 0) + draw_number(1, 100 * MILLION);
	}
	return model;
}

/* ---- spelling ---- */

static void
append_space(StringInfo out)
{
	static const char *const spaces[] = {"", "", "", "", " ", "\n\t", "\r  "};

	appendStringInfoString(out, spaces[model_random(lengthof(spaces))]);
}

/* A number of so many digits behind the point */
static void
append_number(StringInfo out, int64 number, int digits)
{
	const char *quote = model_random(2) ? "\"" : "";
	const char *plus = model_random(8) ? "" : "+";
	int64		unit = 1;

	for (int i = 0; i < digits; i++)
		unit *= 10;
	switch (model_random(4))
	{
		case 0:
			appendStringInfo(out, "%s%s%lld.%0*lld%s", quote, plus, (long long) (number / unit), digits, (long long) (number % unit), quote);
			break;
		case 1:
			appendStringInfo(out, "%s%s%llde-%d%s", quote, plus, (long long) number, digits, quote);
			break;
		case 2:
			appendStringInfo(out, "%s%s00%lld.%0*lld000E+00%s", quote, plus, (long long) (number / unit), digits, (long long) (number % unit), quote);
			break;
		default:
			if (number % unit == 0)
				appendStringInfo(out, "%s%s%lld%s", quote, plus, (long long) (number / unit), quote);
			else
				appendStringInfo(out, "%s%s.%0*llde%d%s", quote, plus, 18, (long long) number, 18 - digits, quote);
			break;
	}
}

/* Members of an object, which may come in any order */
typedef struct Members
{
	int			count;
	char	   *texts[16];
} Members;

static StringInfo
begin_member(const char *key)
{
	StringInfo	out = palloc(sizeof(StringInfoData));

	initStringInfo(out);
	appendStringInfo(out, "\"%s\"", key);
	append_space(out);
	appendStringInfoChar(out, ':');
	append_space(out);
	return out;
}

static void
add_number(Members *members, const char *key, int64 number, int digits)
{
	StringInfo	out = begin_member(key);

	append_number(out, number, digits);
	members->texts[members->count++] = out->data;
}

/* What is 0 need not be said */
static void
add_unless_zero(Members *members, const char *key, int64 number)
{
	if (number != 0 || model_random(4) == 0)
		add_number(members, key, number, 6);
}

static void
add_text(Members *members, const char *key, const char *text)
{
	StringInfo	out = begin_member(key);

	appendStringInfoString(out, text);
	members->texts[members->count++] = out->data;
}

static char *
object(Members *members)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < members->count; i++)
	{
		int			other = i + model_random(members->count - i);
		char	   *text = members->texts[other];

		members->texts[other] = members->texts[i];
		append_space(&out);
		appendStringInfoString(&out, text);
		append_space(&out);
		appendStringInfoChar(&out, i < members->count - 1 ? ',' : '}');
	}
	return out.data;
}

static char *
tiers_text(const Model *model)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int t = 0; t < model->ntiers; t++)
	{
		const ModelTier *tier = &model->tiers[t];
		Members		members = {0};

		if (t < model->ntiers - 1)
			add_number(&members, "up_to", tier->up_to, 6);
		else if (model_random(2))
			add_text(&members, "up_to", "null");
		if (tier->flat == 0 || tier->price > 0)
			add_number(&members, "unit_price", tier->price, 6);
		add_unless_zero(&members, "flat", tier->flat);
		appendStringInfoChar(&out, t == 0 ? '[' : ',');
		append_space(&out);
		appendStringInfoString(&out, object(&members));
		append_space(&out);
	}
	appendStringInfoChar(&out, ']');
	return out.data;
}

char *
model_text(const Model *model)
{
	static const char *const models[] = {"\"unit\"", "\"graduated\"", "\"volume\"", "\"package\""};
	static const char *const ops[] = {"", "\"multiply\"", "\"divide\""};
	static const char *const roundings[] = {"\"none\"", "\"ceiling\"", "\"floor\"", "\"half_up\""};
	Members		members = {0};

	add_text(&members, "model", models[model->model]);
	if (model->conversion != PM_CONVERT_NONE)
	{
		Members		convert = {0};

		add_text(&convert, "op", ops[model->conversion]);
		add_number(&convert, "factor", model->factor, 3);
		if (model->rounding != PM_CONVERT_EXACT || model_random(2))
			add_text(&convert, "rounding", roundings[model->rounding]);
		add_text(&members, "convert", object(&convert));
	}
	add_unless_zero(&members, "free_units", model->free_units);
	if (model->model == PM_TARIFF_GRADUATED || model->model == PM_TARIFF_VOLUME)
		add_text(&members, "tiers", tiers_text(model));
	else
	{
		add_number(&members, model->model == PM_TARIFF_PACKAGE ? "package_price" : "unit_price", model->tiers[0].price, 6);
		add_unless_zero(&members, "flat", model->tiers[0].flat);
		if (model->model == PM_TARIFF_PACKAGE)
			add_number(&members, "package_size", model->package_size, 6);
	}
	add_unless_zero(&members, "minimum", model->minimum);
	if (model->maximum >= 0)
		add_number(&members, "maximum", model->maximum, 6);
	return object(&members);
}

/* ---- amounts ---- */

static __int128
times(__int128 a, __int128 b)
{
	__int128	product;

	if (__builtin_mul_overflow(a, b, &product))
		abort();				/* the numbers are drawn too large */
	return product;
}

/* A quantity of millionths is a whole number of 1 / this, converted */
static __int128
parts(const Model *model)
{
	if (model->conversion == PM_CONVERT_NONE)
		return MILLION;
	if (model->rounding != PM_CONVERT_EXACT)
		return 1;
	return times(MILLION, model->conversion == PM_CONVERT_MULTIPLY ? 1000 : model->factor);
}

/* Of what is priced, in parts of a millionth */
static __int128
priced(const Model *model, int64 quantity)
{
	__int128	of = MILLION;
	__int128	n = quantity;

	if (model->conversion == PM_CONVERT_MULTIPLY)
	{
		n = times(n, model->factor);
		of = times(of, 1000);
	}
	else if (model->conversion == PM_CONVERT_DIVIDE)
	{
		n = times(n, 1000);
		of = times(of, model->factor);
	}
	if (model->conversion != PM_CONVERT_NONE && model->rounding != PM_CONVERT_EXACT)
	{
		__int128	whole = n / of;
		__int128	rest = n % of;

		n = whole + (model->rounding == PM_CONVERT_CEILING ? rest > 0 :
					 model->rounding == PM_CONVERT_HALF_UP ? 2 * rest >= of : 0);
		of = 1;
	}
	n = times(n, MILLION) - times(model->free_units, of);
	return Max(n, 0);
}

__int128
model_denominator(const Model *model)
{
	return times(parts(model), times(MILLION, MILLION));
}

__int128
model_amount(const Model *model, int64 quantity, int *tier)
{
	__int128	of = parts(model);
	__int128	n = priced(model, quantity);
	__int128	one = times(of, MILLION);	/* a millionth of money */
	__int128	amount = 0;
	int			t;

	for (t = 0; t < model->ntiers - 1; t++)
	{
		if (n <= times(model->tiers[t].up_to, of))
			break;
	}
	*tier = t + 1;
	switch (model->model)
	{
		case PM_TARIFF_UNIT:
		case PM_TARIFF_VOLUME:
			amount = times(n, model->tiers[t].price) + times(model->tiers[t].flat, one);
			break;
		case PM_TARIFF_PACKAGE:
			{
				__int128	size = times(of, model->package_size);
				__int128	packages = n / size + (n % size > 0);

				amount = times(times(packages, MILLION), times(of, model->tiers[0].price)) + times(model->tiers[0].flat, one);
				break;
			}
		case PM_TARIFF_GRADUATED:
			for (int i = 0; i <= t; i++)
			{
				__int128	lower = i > 0 ? times(model->tiers[i - 1].up_to, of) : 0;
				__int128	upper = i < t ? times(model->tiers[i].up_to, of) : n;

				amount += times(upper - lower, model->tiers[i].price) + times(model->tiers[i].flat, one);
			}
			break;
	}
	if (model->maximum >= 0)
		amount = Min(amount, times(model->maximum, one));
	return Max(amount, times(model->minimum, one));
}
