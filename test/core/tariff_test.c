/*-------------------------------------------------------------------------
 *
 * tariff_test.c
 *	  Tests of the type tariff outside a server: any bytes as its text, and
 *	  amounts beside whole numbers.
 *
 * Usage: tariff_test [rounds]
 *
 * A text is a tariff or an error with one of its documented SQLSTATEs; what is a
 * tariff reads back from its own text, and all that may be asked of it is
 * answered.  Amounts of random tariffs are those of tariff_model.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "lib/stringinfo.h"
#include "server_stub.h"
#include "tariff_model.h"
#include "utils/fmgrprotos.h"

#define MAX_TEXT	2000

static Numeric
call2(PGFunction function, Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(function, NumericGetDatum(a), NumericGetDatum(b)));
}

static int
compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

static Numeric
read_numeric(const char *text)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text), 0, -1));
}

static Numeric
whole(__int128 value)
{
	char		text[48];
	char	   *p = &text[sizeof(text) - 1];
	bool		negative = value < 0;

	*p = '\0';
	do
	{
		*--p = '0' + (negative ? -(int) (value % 10) : (int) (value % 10));
		value /= 10;
	} while (value != 0);
	if (negative)
		*--p = '-';
	return read_numeric(p);
}

static Numeric
millionths(int64 value)
{
	return read_numeric(psprintf("%llde-6", (long long) value));
}

/* The tariff of a text, NULL and its SQLSTATE if there is none */
static PmTariff *
parse(const char *text)
{
	if (setjmp(stub_error_jump) != 0)
		return NULL;
	stub_error_code = 0;
	return pm_tariff_parse(text, NULL);
}

/* ---- the numbers themselves ---- */

static void
random_decimals(void)
{
	int64		a = model_random(INT64CONST(2000000000000)) - INT64CONST(1000000000000);
	int64		b = model_random(INT64CONST(2000000)) - 1000000;
	Numeric		x = millionths(a);
	Numeric		y = millionths(b);
	Numeric		trillion = whole(INT64CONST(1000000000000));

	CHECK(compare(call2(numeric_add, x, y), millionths(a + b)) == 0, "%lld + %lld", (long long) a, (long long) b);
	CHECK(compare(call2(numeric_sub, x, y), millionths(a - b)) == 0, "%lld - %lld", (long long) a, (long long) b);
	CHECK(compare(call2(numeric_mul, call2(numeric_mul, x, y), trillion), whole((__int128) a * b)) == 0, "%lld x %lld", (long long) a, (long long) b);
	CHECK(compare(x, y) == (a > b) - (a < b), "%lld <=> %lld", (long long) a, (long long) b);
	if (b != 0)
	{
		CHECK(compare(call2(numeric_div_trunc, x, y), whole(a / b)) == 0, "%lld / %lld", (long long) a, (long long) b);
		CHECK(compare(call2(numeric_mod, x, y), millionths(a % b)) == 0, "%lld mod %lld", (long long) a, (long long) b);
	}
	stub_free_memory();
}

/* A number of up to 45 digits, the point anywhere, zeros at its end now and then */
static Numeric
any_number(void)
{
	int			ndigits = 1 + model_random(45);
	int			zeros = model_random(3) == 0 ? model_random(ndigits + 1) : 0;
	char	   *text = palloc(ndigits + 2);

	text[0] = model_random(2) ? '-' : '+';
	for (int i = 1; i <= ndigits; i++)
		text[i] = i > ndigits - zeros ? '0' : '0' + model_random(10);
	text[1 + ndigits] = '\0';
	return read_numeric(psprintf("%se-%d", text, (int) model_random(ndigits + 3)));
}

static bool
is_number(PmExact number, Numeric expected)
{
	return compare(pm_exact_numeric(number), expected) == 0;
}

/* Integers where they fit, numeric where they do not: the same */
static void
random_exact(void)
{
	Numeric		a = any_number();
	Numeric		b = any_number();
	PmExact		x = pm_exact(a);
	PmExact		y = pm_exact(b);
	Numeric		zero = int64_to_numeric(0);
	char	   *text = psprintf("%s and %s", DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(a))),
								DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(b))));
	Numeric		trimmed = DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(a)));
	Numeric		made = pm_exact_numeric(x);

	CHECK(VARSIZE(made) == VARSIZE(trimmed) && memcmp(made, trimmed, VARSIZE(made)) == 0, "%s, read and made", text);
	CHECK(is_number(pm_exact_add(x, y), call2(numeric_add, a, b)), "sum of %s", text);
	CHECK(is_number(pm_exact_subtract(x, y), call2(numeric_sub, a, b)), "difference of %s", text);
	CHECK(is_number(pm_exact_multiply(x, y), call2(numeric_mul, a, b)), "product of %s", text);
	CHECK(pm_exact_compare(x, y) == compare(a, b), "order of %s", text);
	CHECK(pm_exact_sign(x) == compare(a, zero), "sign of %s", text);
	if (compare(a, zero) >= 0 && compare(b, zero) > 0)
	{
		PmExact		rest;
		PmExact		quotient = pm_exact_divide(x, y, &rest);

		CHECK(is_number(quotient, call2(numeric_div_trunc, a, b)), "quotient of %s", text);
		CHECK(is_number(rest, call2(numeric_mod, a, b)), "rest of %s", text);
	}
	stub_free_memory();
}

/* ---- amounts ---- */

/* Of so many units: 0, bounds and their neighbours, any */
static int64
draw_quantity(const Model *model)
{
	int64		bound = model->tiers[model_random(model->ntiers)].up_to + model->free_units + model_random(3) - 1;

	switch (model_random(4))
	{
		case 0:
			return model_random(2);
		case 1:
			return Max(0, bound);
		case 2:
			return model_random(1000) * MILLION;
		default:
			return model_random(INT64CONST(1000000000));
	}
}

/* amount x denominator is the whole number that the model has */
static bool
is_amount(Numeric amount, const Model *model, __int128 numerator)
{
	return compare(call2(numeric_mul, amount, whole(model_denominator(model))), whole(numerator)) == 0;
}

static void
check_amounts(const Model *model, const PmTariff *tariff, const char *text)
{
	int64		before = draw_quantity(model);
	int64		step = draw_quantity(model);
	int			tier_before;
	int			tier;
	__int128	amount_before = model_amount(model, before, &tier_before);
	__int128	amount = model_amount(model, before + step, &tier);
	PmTariffLine lines[MODEL_TIERS + 1];
	PmExact		sum = pm_exact_of(0, 0);
	int			nlines = pm_tariff_lines(tariff, pm_exact(millionths(before)), lines);

	CHECK(is_amount(pm_exact_numeric(pm_tariff_total(tariff, pm_exact(millionths(before)), true)), model, amount_before), "amount of %lld by %s", (long long) before, text);
	CHECK(pm_exact_sign(pm_tariff_total(tariff, pm_exact(millionths(before)), false)) == 0, "nothing booked by %s", text);
	CHECK(is_amount(pm_exact_numeric(pm_tariff_step(tariff, pm_exact(millionths(before)), pm_exact(millionths(step)))), model, amount - amount_before),
		  "%lld after %lld by %s", (long long) step, (long long) before, text);
	CHECK(is_amount(pm_exact_numeric(pm_tariff_step(tariff, pm_exact(millionths(before + step)), pm_exact(millionths(-step)))), model, amount_before - amount),
		  "%lld back from %lld by %s", (long long) step, (long long) (before + step), text);
	CHECK(pm_tariff_tier(tariff, pm_exact(millionths(before))) == tier_before, "tier of %lld by %s", (long long) before, text);
	for (int i = 0; i < nlines; i++)
		sum = pm_exact_add(sum, lines[i].amount);
	CHECK(is_amount(pm_exact_numeric(sum), model, amount_before), "lines of %lld by %s", (long long) before, text);
}

/* Two spellings of a model are the same tariff, which costs what the model says */
static void
random_model(void)
{
	Model		model = model_draw();
	char	   *text = model_text(&model);
	char	   *again = model_text(&model);
	PmTariff   *tariff = parse(text);
	PmTariff   *same = parse(again);

	CHECK(tariff != NULL && same != NULL && pm_tariff_equal(tariff, same), "%s is not %s", text, again);
	for (int i = 0; tariff && i < 4; i++)
		check_amounts(&model, tariff, text);
	stub_free_memory();
}

/* ---- any text ---- */

/* Offsets lead to numbers that lie within the value, one after the other */
static bool
is_sound(const PmTariff *tariff)
{
	uint32		ncells = PM_CELL_TIERS + tariff->ntiers * PM_TIER_CELLS;
	uint32		end = offsetof(PmTariff, offsets) + ncells * sizeof(uint32);

	for (uint32 c = 0; c < ncells; c++)
	{
		uint32		at = tariff->offsets[c];

		if (at == 0)
			continue;
		if (at < end || at % sizeof(int32) != 0 || at + VARHDRSZ > VARSIZE(tariff))
			return false;
		end = at + VARSIZE((char *) tariff + at);
	}
	return end <= VARSIZE(tariff);
}

/* All that may be asked of a tariff is answered */
static void
ask(const PmTariff *tariff, const char *text)
{
	static const char *const quantities[] = {"0", "1", "10.5", "1e-12", "123456789012.123456789012", "-3.25"};
	PmTariffLine *lines = palloc(sizeof(PmTariffLine) * (tariff->ntiers + 1));
	PmExact		zero = pm_exact_of(0, 0);

	for (int i = 0; i < lengthof(quantities); i++)
	{
		PmExact		quantity = pm_exact(read_numeric(quantities[i]));
		PmExact		total = pm_tariff_total(tariff, quantity, true);
		PmExact		sum = zero;
		int			tier = pm_tariff_tier(tariff, quantity);
		int			nlines = pm_tariff_lines(tariff, quantity, lines);

		for (int l = 0; l < nlines; l++)
			sum = pm_exact_add(sum, lines[l].amount);
		/* below 0 a tariff is only asked what it totals */
		CHECK(pm_exact_sign(quantity) < 0 || pm_exact_compare(sum, total) == 0, "lines of %s by %s", quantities[i], text);
		CHECK(tier >= 1 && tier <= (int) tariff->ntiers, "tier of %s by %s", quantities[i], text);
		CHECK(pm_exact_compare(pm_exact_subtract(total, pm_tariff_total(tariff, zero, true)), pm_tariff_step(tariff, zero, quantity)) == 0,
			  "step to %s by %s", quantities[i], text);
	}
}

static bool
is_documented(int code)
{
	return code == ERRCODE_INVALID_TEXT_REPRESENTATION || code == ERRCODE_INVALID_PARAMETER_VALUE ||
		code == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE || code == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

/* A text is given in a block of its length, so that reading on is seen */
static bool
check_text(const char *bytes, int length)
{
	char	   *text = palloc(length + 1);
	PmTariff   *tariff;

	memcpy(text, bytes, length);
	text[length] = '\0';
	tariff = parse(text);
	if (tariff == NULL)
		CHECK(is_documented(stub_error_code), "%s: error %d", text, stub_error_code);
	else
	{
		char	   *canonical = pm_tariff_text(tariff);
		PmTariff   *again = parse(canonical);

		CHECK(is_sound(tariff), "%s is not sound", text);
		CHECK(again != NULL && pm_tariff_equal(tariff, again), "%s does not read back", text);
		CHECK(again != NULL && strcmp(canonical, pm_tariff_text(again)) == 0, "%s is not canonical", canonical);
		ask(tariff, text);
	}
	stub_free_memory();
	return tariff != NULL;
}

/* Keys, values and pieces of them */
static const char *const tokens[] = {
	"{", "}", "[", "]", ":", ",", "\"", "null", "\"model\":", "\"unit\"", "\"graduated\"", "\"volume\"", "\"package\"",
	"\"convert\":", "\"op\":", "\"multiply\"", "\"divide\"", "\"factor\":", "\"rounding\":", "\"none\"", "\"ceiling\"", "\"floor\"",
	"\"half_up\"", "\"free_units\":", "\"unit_price\":", "\"tiers\":[", "\"up_to\":", "\"package_size\":", "\"package_price\":",
	"\"flat\":", "\"minimum\":", "\"maximum\":", "0", "1", "\"1\"", "0.5", "1e3", "1e-24", "1e24", "9e99", "-1", "3", "7e-1", ".", "e", "+", " ", "\\",
	"123456789012345678901234.123456789012345678901234", "NaN", "Infinity", "0x1", "1_0", "\xc3\xa9", "\xff", "\1"
};

static int
append(char *text, int length, const char *more, int count)
{
	count = Min(count, MAX_TEXT - length);
	memcpy(text + length, more, count);
	return length + count;
}

static int
random_bytes(char *text)
{
	int			length = model_random(60);

	for (int i = 0; i < length; i++)
		text[i] = 1 + model_random(255);
	return length;
}

static int
random_tokens(char *text)
{
	int			length = 0;

	for (int n = 1 + model_random(30); n > 0; n--)
	{
		const char *token = tokens[model_random(lengthof(tokens))];

		length = append(text, length, token, strlen(token));
	}
	return length;
}

/* A tariff with some of it changed, left out, twice, or in another's place */
static int
mutant(char *text)
{
	char		other[MAX_TEXT];
	int			length = 0;
	Model		model = model_draw();
	char	   *original = model_text(&model);

	length = append(text, 0, original, strlen(original));
	for (int n = 1 + model_random(3); n > 0 && length > 0; n--)
	{
		int			at = model_random(length);
		int			most = 1 + model_random(12);
		int			count = Min(length - at, most);
		int			rest = length - at - count;
		const char *token = tokens[model_random(lengthof(tokens))];

		memcpy(other, text + at, length - at);
		switch (model_random(6))
		{
			case 0:
				text[at] = 1 + model_random(255);
				break;
			case 1:
				text[at] ^= 1 << model_random(7);
				text[at] = text[at] ? text[at] : ' ';
				break;
			case 2:
				length = append(text, at, other + count, rest);
				break;
			case 3:
				length = append(text, at + count, other, length - at);
				break;
			case 4:
				length = append(text, append(text, at, token, strlen(token)), other, rest + count);
				break;
			default:
				length = append(text, append(text, at, token, strlen(token)), other + count, rest);
				break;
		}
	}
	if (model_random(10) == 0)
		length = model_random(length + 1);
	return length;
}

static void
any_text(int rounds)
{
	char		text[MAX_TEXT];
	int			tariffs = 0;

	for (int i = 0; i < rounds; i++)
	{
		int			length = i % 4 == 0 ? random_bytes(text) : i % 4 == 1 ? random_tokens(text) : mutant(text);

		tariffs += check_text(text, length);
	}
	CHECK(tariffs > rounds / 100 && tariffs < rounds / 2, "%d tariffs in %d texts", tariffs, rounds);
}

/* Tiers are many, but not too many; nor are numbers too long */
static void
limits(void)
{
	static const char *const numbers[] = {
		"999999999999999999999999.999999999999999999999999", "1e23", "1e-24", "1e24", "1e-25", "1e99", "1e100",
		"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
		"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001"
	};
	static const int codes[] = {
		0, 0, 0, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
		ERRCODE_INVALID_TEXT_REPRESENTATION, 0, ERRCODE_INVALID_TEXT_REPRESENTATION
	};

	for (int ntiers = PM_TARIFF_MAX_TIERS; ntiers <= PM_TARIFF_MAX_TIERS + 1; ntiers++)
	{
		StringInfoData text;
		PmTariff   *tariff;

		initStringInfo(&text);
		appendStringInfoString(&text, "{\"model\":\"graduated\",\"tiers\":[");
		for (int t = 1; t < ntiers; t++)
			appendStringInfo(&text, "{\"up_to\":%d,\"unit_price\":1},", t);
		appendStringInfoString(&text, "{\"unit_price\":1}]}");
		tariff = parse(text.data);
		if (ntiers > PM_TARIFF_MAX_TIERS)
			CHECK(tariff == NULL && stub_error_code == ERRCODE_PROGRAM_LIMIT_EXCEEDED, "a tier too many");
		else
			CHECK(tariff != NULL && pm_exact_compare(pm_tariff_total(tariff, pm_exact(whole(5000)), true), pm_exact_of(5000, 0)) == 0, "as many tiers as may be");
		stub_free_memory();
	}
	for (int i = 0; i < lengthof(numbers); i++)
	{
		CHECK((parse(numbers[i]) != NULL) == (codes[i] == 0) && stub_error_code == codes[i], "%s", numbers[i]);
		stub_free_memory();
	}
}

int
main(int argc, char **argv)
{
	int			rounds = argc > 1 ? atoi(argv[1]) : 10000;

	for (int i = 0; i < rounds / 10; i++)
		random_decimals();
	for (int i = 0; i < rounds; i++)
		random_exact();
	for (int i = 0; i < rounds; i++)
		random_model();
	any_text(rounds);
	limits();
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
