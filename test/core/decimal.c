/*-------------------------------------------------------------------------
 *
 * decimal.c
 *	  numeric, as far as tariffs use it, for a program that is no server: slow,
 *	  obvious, and of any length.
 *
 * A number is a sign, decimal digits from the lowest on, and how many of them
 * are behind the point.  There is no zero at the upper end, and 0 has no sign.
 * The scales of results are those of the server.  Outside of this file a number
 * is in the form in which the server stores it, since that is what is read and
 * made by what is tested.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "compat.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

typedef struct Decimal
{
	int			scale;
	bool		negative;
	int			ndigits;
	uint8		digits[FLEXIBLE_ARRAY_MEMBER];
} Decimal;

static Decimal *
make(int ndigits, int scale)
{
	Decimal    *n = palloc0(offsetof(Decimal, digits) + ndigits);

	n->ndigits = ndigits;
	n->scale = scale;
	return n;
}

static Decimal *
done(Decimal *n)
{
	while (n->ndigits > 0 && n->digits[n->ndigits - 1] == 0)
		n->ndigits--;
	if (n->ndigits == 0)
		n->negative = false;
	return n;
}

/* Digit i of a number that is written with a scale */
static int
digit(Decimal *n, int i, int scale)
{
	i -= scale - n->scale;
	return i >= 0 && i < n->ndigits ? n->digits[i] : 0;
}

static int
length(Decimal *n, int scale)
{
	return n->ndigits + scale - n->scale;
}

static int
compare_magnitudes(Decimal *a, Decimal *b)
{
	int			scale = Max(a->scale, b->scale);

	for (int i = Max(length(a, scale), length(b, scale)) - 1; i >= 0; i--)
	{
		if (digit(a, i, scale) != digit(b, i, scale))
			return digit(a, i, scale) < digit(b, i, scale) ? -1 : 1;
	}
	return 0;
}

static Decimal *
add_magnitudes(Decimal *a, Decimal *b)
{
	int			scale = Max(a->scale, b->scale);
	int			n = Max(length(a, scale), length(b, scale)) + 1;
	Decimal    *sum = make(n, scale);
	int			carry = 0;

	for (int i = 0; i < n; i++)
	{
		carry += digit(a, i, scale) + digit(b, i, scale);
		sum->digits[i] = carry % 10;
		carry /= 10;
	}
	return sum;
}

/* a >= b */
static Decimal *
subtract_magnitudes(Decimal *a, Decimal *b)
{
	int			scale = Max(a->scale, b->scale);
	int			n = length(a, scale);
	Decimal    *rest = make(Max(n, 0), scale);
	int			borrow = 0;

	for (int i = 0; i < n; i++)
	{
		int			d = digit(a, i, scale) - digit(b, i, scale) - borrow;

		borrow = d < 0;
		rest->digits[i] = d + 10 * borrow;
	}
	return rest;
}

static Decimal *
add_signed(Decimal *a, Decimal *b, bool negate)
{
	bool		b_negative = b->negative != negate;
	Decimal    *result;

	if (a->negative == b_negative)
	{
		result = add_magnitudes(a, b);
		result->negative = a->negative;
	}
	else if (compare_magnitudes(a, b) >= 0)
	{
		result = subtract_magnitudes(a, b);
		result->negative = a->negative;
	}
	else
	{
		result = subtract_magnitudes(b, a);
		result->negative = b_negative;
	}
	return done(result);
}

/* The quotient cut to an integer, and what is left */
static void
divide(Decimal *a, Decimal *b, Decimal **quotient, Decimal **rest)
{
	int			scale = Max(a->scale, b->scale);
	int			n = length(a, scale);
	Decimal    *q = make(Max(n, 0), 0);
	Decimal    *r = done(make(0, scale));

	if (b->ndigits == 0)
		abort();
	for (int i = n - 1; i >= 0; i--)
	{
		Decimal    *next = make(r->ndigits + 1, scale);

		memcpy(next->digits + 1, r->digits, r->ndigits);
		next->digits[0] = digit(a, i, scale);
		pfree(r);
		r = done(next);
		while (compare_magnitudes(r, b) >= 0)
		{
			next = done(subtract_magnitudes(r, b));
			pfree(r);
			r = next;
			q->digits[i]++;
		}
	}
	r->negative = a->negative;
	q->negative = a->negative != b->negative;
	*quotient = done(q);
	*rest = done(r);
}

/* ---- the form in which they are stored: digits to the base 10000 ---- */

#define GROUP			4
#define SHORT_HEADER	0x8000
#define SHORT_NEGATIVE	0x2000
#define LONG_NEGATIVE	0x4000

static int
group_at(Decimal *n, int lowest)
{
	int			result = 0;

	for (int i = GROUP - 1; i >= 0; i--)
		result = 10 * result + digit(n, lowest + i, n->scale);
	return result;
}

static Numeric
pack(Decimal *n)
{
	/* so many digits of the lowest group are behind the last */
	int			behind = (GROUP - n->scale % GROUP) % GROUP;
	int			ngroups = (n->ndigits + behind + GROUP - 1) / GROUP;
	int			weight = ngroups - 1 - (n->scale + behind) / GROUP;
	int			skipped = 0;
	uint16		header[2];
	int			nheader = 1;
	char	   *result;
	char	   *p;

	while (skipped < ngroups && group_at(n, skipped * GROUP - behind) == 0)
		skipped++;
	if (ngroups == skipped)
		weight = 0;
	header[0] = SHORT_HEADER | (n->negative ? SHORT_NEGATIVE : 0) | n->scale << 7 | (weight & 0x7F);
	if (n->scale > 0x3F || weight < -64 || weight > 63)
	{
		header[0] = (n->negative ? LONG_NEGATIVE : 0) | n->scale;
		header[1] = weight;
		nheader = 2;
	}
	result = palloc(VARHDRSZ + sizeof(uint16) * (nheader + ngroups - skipped));
	SET_VARSIZE(result, VARHDRSZ + sizeof(uint16) * (nheader + ngroups - skipped));
	p = VARDATA(result);
	memcpy(p, header, sizeof(uint16) * nheader);
	p += sizeof(uint16) * nheader;
	for (int g = ngroups - 1; g >= skipped; g--)
	{
		int16		group = group_at(n, g * GROUP - behind);

		memcpy(p, &group, sizeof(group));
		p += sizeof(group);
	}
	return (Numeric) result;
}

static Decimal *
unpack(Numeric stored)
{
	const uint16 *p = (const uint16 *) VARDATA(stored);
	int			n = (VARSIZE(stored) - VARHDRSZ) / sizeof(uint16);
	bool		is_short = (p[0] & SHORT_HEADER) != 0;
	int			weight = is_short ? (p[0] & 0x3F) - (p[0] & 0x40) : (int16) p[1];
	int			scale = is_short ? (p[0] >> 7) & 0x3F : p[0] & 0x3FFF;
	int			ngroups = n - (is_short ? 1 : 2);
	Decimal    *result = make((Max(weight, 0) + 1) * GROUP + scale, scale);

	p += n - ngroups;
	result->negative = is_short ? (p[-1] & SHORT_NEGATIVE) != 0 : (p[-2] & LONG_NEGATIVE) != 0;
	for (int g = 0; g < ngroups; g++)
	{
		int			value = p[g];

		for (int i = 0; i < GROUP; i++, value /= 10)
		{
			int			at = (weight - g) * GROUP + i + scale;

			if (at >= 0 && at < result->ndigits)
				result->digits[at] = value % 10;
		}
	}
	return done(result);
}

/* ---- the server's names ---- */

Numeric
int64_to_numeric(int64 value)
{
	Decimal    *n = make(20, 0);
	uint64		magnitude = value < 0 ? -(uint64) value : (uint64) value;

	for (int i = 0; i < 20; i++)
	{
		n->digits[i] = magnitude % 10;
		magnitude /= 10;
	}
	n->negative = value < 0;
	return pack(done(n));
}

/* The text is a number; see is_number() */
Datum
numeric_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	Decimal    *n = make(strlen(text) + 100, 0);
	const char *p = text + (*text == '+' || *text == '-');
	int			behind = 0;
	int			count = 0;
	bool		point = false;
	int			shift = 0;

	for (; isdigit((unsigned char) *p) || *p == '.'; p++)
	{
		if (*p == '.')
			point = true;
		else
		{
			count++;
			behind += point;
			memmove(n->digits + 1, n->digits, count);
			n->digits[0] = *p - '0';
		}
	}
	if (*p == 'e' || *p == 'E')
		shift = atoi(p + 1);
	behind -= shift;
	if (behind < 0)
	{
		memmove(n->digits - behind, n->digits, count);
		memset(n->digits, 0, -behind);
	}
	n->scale = Max(behind, 0);
	n->negative = *text == '-';
	PG_RETURN_NUMERIC(pack(done(n)));
}

Datum
numeric_out(PG_FUNCTION_ARGS)
{
	Decimal    *n = unpack(PG_GETARG_NUMERIC(0));
	int			before = Max(n->ndigits - n->scale, 1);
	char	   *text = palloc(before + n->scale + 3);
	char	   *p = text;

	if (n->negative)
		*p++ = '-';
	for (int i = before + n->scale - 1; i >= 0; i--)
	{
		*p++ = '0' + digit(n, i, n->scale);
		if (i == n->scale && i > 0)
			*p++ = '.';
	}
	*p = '\0';
	PG_RETURN_CSTRING(text);
}

Datum
numeric_cmp(PG_FUNCTION_ARGS)
{
	Decimal    *a = unpack(PG_GETARG_NUMERIC(0));
	Decimal    *b = unpack(PG_GETARG_NUMERIC(1));

	if (a->negative != b->negative)
		PG_RETURN_INT32(a->negative ? -1 : 1);
	PG_RETURN_INT32(a->negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b));
}

Datum
numeric_add(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(pack(add_signed(unpack(PG_GETARG_NUMERIC(0)), unpack(PG_GETARG_NUMERIC(1)), false)));
}

Datum
numeric_sub(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(pack(add_signed(unpack(PG_GETARG_NUMERIC(0)), unpack(PG_GETARG_NUMERIC(1)), true)));
}

Datum
numeric_mul(PG_FUNCTION_ARGS)
{
	Decimal    *a = unpack(PG_GETARG_NUMERIC(0));
	Decimal    *b = unpack(PG_GETARG_NUMERIC(1));
	Decimal    *product = make(a->ndigits + b->ndigits, a->scale + b->scale);

	for (int i = 0; i < a->ndigits; i++)
	{
		int			carry = 0;

		for (int j = 0; j < b->ndigits || carry > 0; j++)
		{
			carry += product->digits[i + j] + (j < b->ndigits ? a->digits[i] * b->digits[j] : 0);
			product->digits[i + j] = carry % 10;
			carry /= 10;
		}
	}
	product->negative = a->negative != b->negative;
	PG_RETURN_NUMERIC(pack(done(product)));
}

Datum
numeric_div_trunc(PG_FUNCTION_ARGS)
{
	Decimal    *quotient;
	Decimal    *rest;

	divide(unpack(PG_GETARG_NUMERIC(0)), unpack(PG_GETARG_NUMERIC(1)), &quotient, &rest);
	PG_RETURN_NUMERIC(pack(quotient));
}

Datum
numeric_mod(PG_FUNCTION_ARGS)
{
	Decimal    *quotient;
	Decimal    *rest;

	divide(unpack(PG_GETARG_NUMERIC(0)), unpack(PG_GETARG_NUMERIC(1)), &quotient, &rest);
	PG_RETURN_NUMERIC(pack(rest));
}

Datum
numeric_trim_scale(PG_FUNCTION_ARGS)
{
	Decimal    *n = unpack(PG_GETARG_NUMERIC(0));
	int			zeros = 0;
	Decimal    *trimmed;

	while (zeros < n->scale && (zeros >= n->ndigits || n->digits[zeros] == 0))
		zeros++;
	trimmed = make(Max(n->ndigits - zeros, 0), n->scale - zeros);
	memcpy(trimmed->digits, n->digits + Min(zeros, n->ndigits), trimmed->ndigits);
	trimmed->negative = n->negative;
	PG_RETURN_NUMERIC(pack(done(trimmed)));
}

/* Neither is made here */
bool
numeric_is_nan(Numeric n)
{
	return false;
}

bool
numeric_is_inf(Numeric n)
{
	return false;
}
