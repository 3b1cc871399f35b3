/*-------------------------------------------------------------------------
 *
 * decimal.c
 *	  numeric, as far as tariffs use it, for a program that is no server: slow,
 *	  obvious, and of any length.
 *
 * A number is a sign, decimal digits from the lowest on, and how many of them
 * are behind the point.  There is no zero at the upper end, and 0 has no sign.
 * The scales of results are those of the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

struct NumericData
{
	int32		vl_len_;
	int16		scale;
	int16		negative;
	int32		ndigits;
	uint8		digits[FLEXIBLE_ARRAY_MEMBER];
};

static Numeric
make(int ndigits, int scale)
{
	Numeric		n = palloc0(offsetof(struct NumericData, digits) + ndigits);

	n->ndigits = ndigits;
	n->scale = scale;
	return n;
}

static Numeric
done(Numeric n)
{
	while (n->ndigits > 0 && n->digits[n->ndigits - 1] == 0)
		n->ndigits--;
	if (n->ndigits == 0)
		n->negative = false;
	SET_VARSIZE(n, offsetof(struct NumericData, digits) + n->ndigits);
	return n;
}

/* Digit i of a number that is written with a scale */
static int
digit(Numeric n, int i, int scale)
{
	i -= scale - n->scale;
	return i >= 0 && i < n->ndigits ? n->digits[i] : 0;
}

static int
length(Numeric n, int scale)
{
	return n->ndigits + scale - n->scale;
}

static int
compare_magnitudes(Numeric a, Numeric b)
{
	int			scale = Max(a->scale, b->scale);

	for (int i = Max(length(a, scale), length(b, scale)) - 1; i >= 0; i--)
	{
		if (digit(a, i, scale) != digit(b, i, scale))
			return digit(a, i, scale) < digit(b, i, scale) ? -1 : 1;
	}
	return 0;
}

static Numeric
add_magnitudes(Numeric a, Numeric b)
{
	int			scale = Max(a->scale, b->scale);
	int			n = Max(length(a, scale), length(b, scale)) + 1;
	Numeric		sum = make(n, scale);
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
static Numeric
subtract_magnitudes(Numeric a, Numeric b)
{
	int			scale = Max(a->scale, b->scale);
	int			n = length(a, scale);
	Numeric		rest = make(Max(n, 0), scale);
	int			borrow = 0;

	for (int i = 0; i < n; i++)
	{
		int			d = digit(a, i, scale) - digit(b, i, scale) - borrow;

		borrow = d < 0;
		rest->digits[i] = d + 10 * borrow;
	}
	return rest;
}

static Numeric
add_signed(Numeric a, Numeric b, bool negate)
{
	bool		b_negative = b->negative != negate;
	Numeric		result;

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
divide(Numeric a, Numeric b, Numeric *quotient, Numeric *rest)
{
	int			scale = Max(a->scale, b->scale);
	int			n = length(a, scale);
	Numeric		q = make(Max(n, 0), 0);
	Numeric		r = done(make(0, scale));

	if (b->ndigits == 0)
		abort();
	for (int i = n - 1; i >= 0; i--)
	{
		Numeric		next = make(r->ndigits + 1, scale);

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

/* ---- the server's names ---- */

Numeric
int64_to_numeric(int64 value)
{
	Numeric		n = make(20, 0);
	uint64		magnitude = value < 0 ? -(uint64) value : (uint64) value;

	for (int i = 0; i < 20; i++)
	{
		n->digits[i] = magnitude % 10;
		magnitude /= 10;
	}
	n->negative = value < 0;
	return done(n);
}

/* The text is a number; see is_number() */
Datum
numeric_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	Numeric		n = make(strlen(text) + 100, 0);
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
	PG_RETURN_NUMERIC(done(n));
}

Datum
numeric_out(PG_FUNCTION_ARGS)
{
	Numeric		n = PG_GETARG_NUMERIC(0);
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
	Numeric		a = PG_GETARG_NUMERIC(0);
	Numeric		b = PG_GETARG_NUMERIC(1);

	if (a->negative != b->negative)
		PG_RETURN_INT32(a->negative ? -1 : 1);
	PG_RETURN_INT32(a->negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b));
}

Datum
numeric_add(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(add_signed(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1), false));
}

Datum
numeric_sub(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(add_signed(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1), true));
}

Datum
numeric_mul(PG_FUNCTION_ARGS)
{
	Numeric		a = PG_GETARG_NUMERIC(0);
	Numeric		b = PG_GETARG_NUMERIC(1);
	Numeric		product = make(a->ndigits + b->ndigits, a->scale + b->scale);

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
	PG_RETURN_NUMERIC(done(product));
}

Datum
numeric_div_trunc(PG_FUNCTION_ARGS)
{
	Numeric		quotient;
	Numeric		rest;

	divide(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1), &quotient, &rest);
	PG_RETURN_NUMERIC(quotient);
}

Datum
numeric_mod(PG_FUNCTION_ARGS)
{
	Numeric		quotient;
	Numeric		rest;

	divide(PG_GETARG_NUMERIC(0), PG_GETARG_NUMERIC(1), &quotient, &rest);
	PG_RETURN_NUMERIC(rest);
}

Datum
numeric_trim_scale(PG_FUNCTION_ARGS)
{
	Numeric		n = PG_GETARG_NUMERIC(0);
	int			zeros = 0;
	Numeric		trimmed;

	while (zeros < n->scale && (zeros >= n->ndigits || n->digits[zeros] == 0))
		zeros++;
	trimmed = make(Max(n->ndigits - zeros, 0), n->scale - zeros);
	memcpy(trimmed->digits, n->digits + Min(zeros, n->ndigits), trimmed->ndigits);
	trimmed->negative = n->negative;
	PG_RETURN_NUMERIC(done(trimmed));
}
