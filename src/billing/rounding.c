/*-------------------------------------------------------------------------
 *
 * rounding.c
 *	  Rounding of money; see rounding.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/rounding.h"
#include "utils/fmgrprotos.h"

/* Currencies whose minor unit is not a hundredth (ISO 4217, list one) */
static const struct
{
	char		code[4];
	int			scale;
}			currencies[] =
{
	{"BHD", 3}, {"BIF", 0}, {"CLF", 4}, {"CLP", 0}, {"DJF", 0}, {"GNF", 0},
	{"IQD", 3}, {"ISK", 0}, {"JOD", 3}, {"JPY", 0}, {"KMF", 0}, {"KRW", 0},
	{"KWD", 3}, {"LYD", 3}, {"OMR", 3}, {"PYG", 0}, {"RWF", 0}, {"TND", 3},
	{"UGX", 0}, {"UYI", 0}, {"UYW", 4}, {"VND", 0}, {"VUV", 0}, {"XAF", 0},
	{"XOF", 0}, {"XPF", 0}
};

/* Ties to the even digit: cut, then one step away from zero if that is nearer */
static Datum
round_half_even(Datum value, int scale)
{
	Datum		cut = DirectFunctionCall2(numeric_trunc, value, Int32GetDatum(scale));
	Datum		away = DirectFunctionCall2(numeric_round, value, Int32GetDatum(scale));
	Datum		rest = DirectFunctionCall2(numeric_sub, value, cut);
	Datum		step = DirectFunctionCall2(numeric_sub, away, cut);
	Datum		two = NumericGetDatum(int64_to_numeric(2));
	Datum		unit;
	Datum		digit;

	/* numeric_round() cuts below the tie and rounds away from it at and above */
	rest = DirectFunctionCall2(numeric_mul, rest, two);
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, rest, step)))
		return away;

	/* a tie, or nothing to round: the even one of cut and away */
	unit = NumericGetDatum(int64_div_fast_to_numeric(2, scale));
	digit = DirectFunctionCall2(numeric_mod, cut, unit);
	return DatumGetBool(DirectFunctionCall2(numeric_eq, digit,
											NumericGetDatum(int64_to_numeric(0)))) ? cut : away;
}

Numeric
pm_round(Numeric value, PmRounding mode, int scale)
{
	Datum		d = NumericGetDatum(value);

	Assert(scale >= 0 && scale <= 12);

	switch (mode)
	{
		case PM_ROUND_CUT:
			d = DirectFunctionCall2(numeric_trunc, d, Int32GetDatum(scale));
			break;
		case PM_ROUND_HALF_UP:
			d = DirectFunctionCall2(numeric_round, d, Int32GetDatum(scale));
			break;
		case PM_ROUND_HALF_EVEN:
			d = round_half_even(d, scale);
			break;
	}
	return DatumGetNumeric(d);
}

PmRounding
pm_rounding_mode(const char *name)
{
	if (strcmp(name, "cut") == 0)
		return PM_ROUND_CUT;
	if (strcmp(name, "half_up") == 0)
		return PM_ROUND_HALF_UP;
	if (strcmp(name, "half_even") == 0)
		return PM_ROUND_HALF_EVEN;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown rounding mode \"%s\"", name),
			 errhint("The modes are cut, half_up and half_even.")));
	return PM_ROUND_CUT;		/* keep compilers quiet */
}

int
pm_currency_scale(const char *code)
{
	int			i;

	if (strlen(code) != 3 || strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid currency code \"%s\"", code),
				 errdetail("A currency is three capital letters, as in ISO 4217."),
				 errhint("Write it like USD.")));

	for (i = 0; i < (int) lengthof(currencies); i++)
	{
		if (strcmp(currencies[i].code, code) == 0)
			return currencies[i].scale;
	}
	return 2;
}
