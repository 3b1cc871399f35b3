/*-------------------------------------------------------------------------
 *
 * exact.c
 *	  Exact decimals: integers of 123 bits where they fit, numeric where they
 *	  do not; see exact.h.
 *
 * A numeric is read and made in the form in which it is stored, which stays
 * as it is for the sake of pg_upgrade: a header, then digits to the base
 * 10000, the most significant first, without zeros at either end.  A short
 * header has 16 bits: 10, the sign, 6 bits for how many decimals are shown, and
 * 7 (in two's complement) for the weight, the power of 10000 of the first digit.
 * A long one has 16 bits, 0 and the sign, 14 for the decimals, and 16 for the
 * weight.  11 begins what is not a number, or infinite.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "port/pg_bitutils.h"
#include "types/exact.h"
#include "utils/fmgrprotos.h"

#define BASE				10000
#define BASE_DIGITS			4

#define HEADER_KIND			0xC000
#define HEADER_POSITIVE		0x0000	/* a long header */
#define HEADER_NEGATIVE		0x4000
#define HEADER_SHORT		0x8000
#define SHORT_NEGATIVE		0x2000
#define SHORT_SCALE_SHIFT	7
#define SHORT_WEIGHT_SIGN	0x0040
#define SHORT_WEIGHT_MASK	0x003F

#define MOST_BITS			123 /* of a value */
#define MOST_DIGITS			10	/* of it, to the base 10000 */

static const int64 power[] = {1, BASE, INT64CONST(100000000), INT64CONST(1000000000000), INT64CONST(10000000000000000)};

#define MOST_POWER			4

/* Of the absolute value */
static int
bits(int128 value)
{
	uint128		size = value < 0 ? -(uint128) value : (uint128) value;
	uint64		high = (uint64) (size >> 64);

	if (high)
		return 65 + pg_leftmost_one_pos64(high);
	return (uint64) size ? 1 + pg_leftmost_one_pos64((uint64) size) : 0;
}

/* value x 10000^n; false: it does not fit */
static inline bool
scale_up(int128 *value, int n)
{
	while (n > 0)
	{
		int			step = Min(n, MOST_POWER);

		if ((int64) *value != *value && bits(*value) + bits(power[step]) > MOST_BITS)
			return false;
		*value *= power[step];
		n -= step;
	}
	return true;
}

/* ---- from numeric ---- */

static inline int
digit_at(const char *digits, int i)
{
	int16		digit;

	memcpy(&digit, digits + i * sizeof(int16), sizeof(int16));
	return digit;
}

/* Digits, the last of which counts 10000^-groups; false: they do not fit */
static bool
read_digits(const char *digits, int n, int groups, int128 *result)
{
	int128		value = 0;

	if (n > MOST_DIGITS - 1 || groups > PM_EXACT_GROUPS)
		return false;
	for (int i = 0; i < n; i++)
		value = value * BASE + digit_at(digits, i);
	*result = value;
	return groups >= 0 || scale_up(result, -groups);
}

/* Of a number as it is stored; it is large if it does not fit */
static PmExact
read_number(Numeric number, const char *data, Size size)
{
	int			n;
	int			groups;
	int128		value;
	uint16		header;
	int16		weight;
	bool		negative;

	memcpy(&header, data, sizeof(header));
	data += sizeof(header);
	size -= sizeof(header);
	if (likely((header & HEADER_KIND) == HEADER_SHORT))
	{
		weight = header & SHORT_WEIGHT_MASK;
		if (header & SHORT_WEIGHT_SIGN)
			weight -= SHORT_WEIGHT_SIGN;
		negative = (header & SHORT_NEGATIVE) != 0;
	}
	else if ((header & HEADER_KIND) == HEADER_KIND)
		return pm_exact_of_large(number);
	else
	{
		memcpy(&weight, data, sizeof(weight));
		data += sizeof(weight);
		size -= sizeof(weight);
		negative = (header & HEADER_KIND) == HEADER_NEGATIVE;
	}
	n = size / sizeof(int16);
	groups = n - 1 - weight;
	if (n <= MOST_POWER && groups >= 0 && groups <= MOST_POWER)
	{
		/* almost all are */
		int64		small = 0;

		for (int i = 0; i < n; i++)
			small = small * BASE + digit_at(data, i);
		return pm_exact_of(negative ? -small : small, groups);
	}
	if (n == 0)
		return pm_exact_of(0, 0);
	if (!read_digits(data, n, groups, &value))
		return pm_exact_of_large(number);
	return pm_exact_of(negative ? -value : value, Max(groups, 0));
}

PmExact
pm_exact(Numeric number)
{
	return read_number(number, VARDATA(number), VARSIZE(number) - VARHDRSZ);
}

/* ---- to numeric ---- */

/* The digits of a value, the least significant first; how many */
static int
split(uint128 value, int16 *digits)
{
	uint64		small;
	int			n = 0;

	while (value > PG_UINT64_MAX)
	{
		/* four digits at a time: divisions of 128 bits are slow */
		uint64		part = value % power[MOST_POWER];

		value /= power[MOST_POWER];
		for (int i = 0; i < MOST_POWER; i++)
		{
			digits[n++] = part % BASE;
			part /= BASE;
		}
	}
	for (small = value; small > 0; small /= BASE)
		digits[n++] = small % BASE;
	return n;
}

/* Decimals of so many digits behind the point, the last of which is not 0 */
static int
decimals(int groups, int last)
{
	int			n = groups * BASE_DIGITS;

	if (n <= 0)
		return 0;
	for (; last % 10 == 0; last /= 10)
		n--;
	return n;
}

Numeric
pm_exact_numeric(PmExact number)
{
	int16		digits[MOST_DIGITS];
	int128		value = pm_exact_value(number);
	int			groups = pm_exact_groups(number);
	int			n;
	int			skipped = 0;
	uint16		header = HEADER_SHORT;
	char	   *result;
	char	   *data;
	Size		size;

	if (pm_exact_is_large(number))
		return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(pm_exact_large(number))));
	n = split(value < 0 ? -(uint128) value : (uint128) value, digits);
	while (skipped < n && digits[skipped] == 0)
		skipped++;
	if (n > 0)
	{
		header |= decimals(groups - skipped, digits[skipped]) << SHORT_SCALE_SHIFT;
		header |= (n - 1 - groups) & (SHORT_WEIGHT_SIGN | SHORT_WEIGHT_MASK);
		if (value < 0)
			header |= SHORT_NEGATIVE;
	}
	size = VARHDRSZ + sizeof(header) + (n - skipped) * sizeof(int16);
	result = palloc(size);
	SET_VARSIZE(result, size);
	data = VARDATA(result);
	memcpy(data, &header, sizeof(header));
	data += sizeof(header);
	while (n > skipped)
	{
		memcpy(data, &digits[--n], sizeof(int16));
		data += sizeof(int16);
	}
	return (Numeric) result;
}

bool
pm_exact_is_finite(PmExact number)
{
	return !pm_exact_is_large(number) ||
		(!numeric_is_nan(pm_exact_large(number)) && !numeric_is_inf(pm_exact_large(number)));
}

/* ---- arithmetic ---- */

static Datum
any(PmExact number)
{
	return NumericGetDatum(pm_exact_is_large(number) ? pm_exact_large(number) : pm_exact_numeric(number));
}

static PmExact
by_numeric(PGFunction function, PmExact a, PmExact b)
{
	return pm_exact(DatumGetNumeric(DirectFunctionCall2(function, any(a), any(b))));
}

/* The usual case: one is to be brought to the groups of the other */
static inline bool
is_close(PmExact a, PmExact b)
{
	int			difference = pm_exact_groups(a) - pm_exact_groups(b);

	return !pm_exact_is_large(a) && !pm_exact_is_large(b) &&
		difference >= -MOST_POWER && difference <= MOST_POWER &&
		(int64) pm_exact_value(a) == pm_exact_value(a) && (int64) pm_exact_value(b) == pm_exact_value(b);
}

/* As an integer, with so many groups */
static inline int128
with_groups(PmExact number, int groups)
{
	return (int128) (int64) pm_exact_value(number) * power[groups - pm_exact_groups(number)];
}

/* Any as integers, with the same groups, which are returned; -1: one of them is large then */
static int
align(PmExact a, PmExact b, int128 *x, int128 *y)
{
	int			groups = Max(pm_exact_groups(a), pm_exact_groups(b));

	if (groups == PM_EXACT_LARGE)
		return -1;
	*x = pm_exact_value(a);
	*y = pm_exact_value(b);
	if (!scale_up(x, groups - pm_exact_groups(a)) || !scale_up(y, groups - pm_exact_groups(b)))
		return -1;
	return groups;
}

PmExact
pm_exact_add_any(PmExact a, PmExact b)
{
	int			groups = Max(pm_exact_groups(a), pm_exact_groups(b));
	int128		x;
	int128		y;

	if (is_close(a, b))
		return pm_exact_of(with_groups(a, groups) + with_groups(b, groups), groups);
	if (align(a, b, &x, &y) >= 0 && pm_exact_fits(x + y))
		return pm_exact_of(x + y, groups);
	return by_numeric(numeric_add, a, b);
}

PmExact
pm_exact_subtract_any(PmExact a, PmExact b)
{
	int			groups = Max(pm_exact_groups(a), pm_exact_groups(b));
	int128		x;
	int128		y;

	if (is_close(a, b))
		return pm_exact_of(with_groups(a, groups) - with_groups(b, groups), groups);
	if (align(a, b, &x, &y) >= 0 && pm_exact_fits(x - y))
		return pm_exact_of(x - y, groups);
	return by_numeric(numeric_sub, a, b);
}

PmExact
pm_exact_multiply_any(PmExact a, PmExact b)
{
	int			groups = pm_exact_groups(a) + pm_exact_groups(b);

	/* what is large has more than the most groups */
	if (groups <= PM_EXACT_GROUPS && bits(pm_exact_value(a)) + bits(pm_exact_value(b)) <= MOST_BITS)
		return pm_exact_of(pm_exact_value(a) * pm_exact_value(b), groups);
	return by_numeric(numeric_mul, a, b);
}

int
pm_exact_compare_any(PmExact a, PmExact b)
{
	int128		x;
	int128		y;

	if (is_close(a, b))
	{
		int			groups = Max(pm_exact_groups(a), pm_exact_groups(b));

		x = with_groups(a, groups);
		y = with_groups(b, groups);
		return (x > y) - (x < y);
	}
	if (align(a, b, &x, &y) >= 0)
		return (x > y) - (x < y);
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, any(a), any(b)));
}

PmExact
pm_exact_divide(PmExact a, PmExact b, PmExact *rest)
{
	int128		x;
	int128		y;
	int			groups = align(a, b, &x, &y);

	if (groups < 0)
	{
		*rest = by_numeric(numeric_mod, a, b);
		return by_numeric(numeric_div_trunc, a, b);
	}
	if ((int64) x == x && (int64) y == y)
	{
		*rest = pm_exact_of((int64) x % (int64) y, groups);
		return pm_exact_of((int64) x / (int64) y, 0);
	}
	*rest = pm_exact_of(x % y, groups);
	return pm_exact_of(x / y, 0);
}
