/*-------------------------------------------------------------------------
 *
 * quantity.c
 *	  The Kubernetes grammar of resource names and quantities: checking,
 *	  parsing, printing.
 *
 * A quantity is an exact 64-bit integer here: whole bytes for the names that
 * pm_quantity_in_bytes() knows, thousandths for all others.  Parsing is exact:
 * a text that is no whole number of that unit is refused, never rounded.
 *
 *		quantity	= [ "+" | "-" ] number [ suffix ]
 *		number		= digits [ "." [ digits ] ] | "." digits
 *		suffix		= "n" | "u" | "m" | "k" | "M" | "G" | "T" | "P" | "E"
 *					| "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei"
 *					| ( "e" | "E" ) [ "+" | "-" ] digits
 *
 * Not here: lists of quantities, errors, memory.  Nothing in this file may
 * use the server.
 *
 *-------------------------------------------------------------------------
 */
#include "types/quantity.h"

#include <stdio.h>
#include <string.h>

/* 10^19 exceeds the range; 60 digits more can be divided away by 2^60 */
#define MAX_MAGNITUDE_DIGITS	19
#define MAX_BINARY_EXPONENT		60
#define MAX_DIGITS				(MAX_MAGNITUDE_DIGITS + MAX_BINARY_EXPONENT)

/* An exponent beyond this is out of range or too precise for any number */
#define EXPONENT_LIMIT			INT64_C(4000000000)

/* What a text says: digits * 10^exp10 * 2^exp2 */
typedef struct Parsed
{
	const char *digits;			/* first significant digit; may span the dot */
	int64_t		ndigits;		/* significant digits: no zeros at either end */
	int64_t		exp10;			/* of the last significant digit */
	int			exp2;
	bool		negative;
} Parsed;

static const struct
{
	const char *text;
	int			exp10;
	int			exp2;
}			suffixes[] =
{
	{"n", -9, 0}, {"u", -6, 0}, {"m", -3, 0},
	{"k", 3, 0}, {"M", 6, 0}, {"G", 9, 0},
	{"T", 12, 0}, {"P", 15, 0}, {"E", 18, 0},
	{"Ki", 0, 10}, {"Mi", 0, 20}, {"Gi", 0, 30},
	{"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
};

#define N_SUFFIXES	((int) (sizeof(suffixes) / sizeof(suffixes[0])))

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * Is this a name: letters, digits, '-', '_', '.', and at most one '/', each
 * part starting and ending with a letter or digit?  Length is checked too.
 */
bool
pm_resource_name_valid(const char *name, size_t len)
{
	bool		slash = false;
	size_t		i;

	if (len == 0 || len > PM_RESOURCE_NAME_MAX)
		return false;
	if (!is_alnum(name[0]) || !is_alnum(name[len - 1]))
		return false;
	for (i = 1; i < len; i++)
	{
		if (is_alnum(name[i]))
			continue;
		if (name[i] == '/')
		{
			if (slash || !is_alnum(name[i - 1]) || !is_alnum(name[i + 1]))
				return false;
			slash = true;
		}
		else if (name[i] != '-' && name[i] != '_' && name[i] != '.')
			return false;
	}
	return true;
}

/* Is this resource counted in whole bytes? */
bool
pm_quantity_in_bytes(const char *name, size_t len)
{
#define NAME_IS(s)	(len == sizeof(s) - 1 && memcmp(name, s, sizeof(s) - 1) == 0)
#define NAME_STARTS(s)	(len >= sizeof(s) - 1 && memcmp(name, s, sizeof(s) - 1) == 0)
	return NAME_IS("memory") || NAME_IS("storage") ||
		NAME_IS("ephemeral-storage") || NAME_STARTS("hugepages-");
#undef NAME_IS
#undef NAME_STARTS
}

/*
 * Read the digits and the dot; returns how many bytes they take, 0 if there
 * is no digit.
 */
static size_t
scan_number(const char *text, size_t len, Parsed *p)
{
	size_t		i;
	size_t		first = len;	/* first and last digit that is not zero */
	size_t		last = 0;
	size_t		dot = len;
	bool		any = false;

	for (i = 0; i < len; i++)
	{
		if (text[i] == '.' && dot == len)
		{
			dot = i;
			continue;
		}
		if (!is_digit(text[i]))
			break;
		any = true;
		if (text[i] == '0')
			continue;
		if (first == len)
			first = i;
		last = i;
	}
	if (!any)
		return 0;

	p->digits = text + first;
	p->ndigits = 0;
	p->exp10 = 0;
	if (first < len)
	{
		size_t		point = dot < i ? dot : i;

		p->ndigits = (int64_t) (last - first) + 1;
		if (first < point && point < last)
			p->ndigits--;		/* the dot between them */
		if (last < point)
			p->exp10 = (int64_t) (point - last) - 1;
		else
			p->exp10 = -(int64_t) (last - point);
	}
	return i;
}

/* Read what follows the number, all of it; false if it is no suffix */
static bool
scan_suffix(const char *text, size_t len, Parsed *p)
{
	int64_t		exponent = 0;
	bool		negative;
	size_t		i;
	int			s;

	if (len == 0)
		return true;
	for (s = 0; s < N_SUFFIXES; s++)
	{
		if (strlen(suffixes[s].text) == len &&
			memcmp(suffixes[s].text, text, len) == 0)
		{
			p->exp10 += suffixes[s].exp10;
			p->exp2 = suffixes[s].exp2;
			return true;
		}
	}

	if (text[0] != 'e' && text[0] != 'E')
		return false;
	i = 1;
	negative = i < len && text[i] == '-';
	if (i < len && (text[i] == '-' || text[i] == '+'))
		i++;
	if (i == len)
		return false;
	for (; i < len; i++)
	{
		if (!is_digit(text[i]))
			return false;
		if (exponent < EXPONENT_LIMIT)
			exponent = exponent * 10 + (text[i] - '0');
	}
	p->exp10 += negative ? -exponent : exponent;
	return true;
}

/* Divide a number of n decimal digits by 5; false if that leaves a rest */
static bool
divide_by_5(unsigned char *digits, int n)
{
	int			rest = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		int			v = rest * 10 + digits[i];

		digits[i] = (unsigned char) (v / 5);
		rest = v % 5;
	}
	return rest == 0;
}

/* The value of n decimal digits times 2^shift, if it is at most 2^63 */
static bool
digits_to_magnitude(const unsigned char *digits, int n, int shift, uint64_t *result)
{
	const uint64_t limit = (UINT64_C(1) << 63) >> shift;
	uint64_t	v = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (v > limit / 10)
			return false;
		v = v * 10 + digits[i];
	}
	if (v > limit)
		return false;
	*result = v << shift;
	return true;
}

/*
 * digits * 10^exp10 * 2^exp2 as an integer.  The digits do not end in a zero,
 * so with exp10 < 0 the result is whole only if 5^-exp10 divides them; they
 * are odd then, and all factors of two must come from 2^exp2.
 */
static PmQuantityResult
evaluate(const Parsed *p, uint64_t *magnitude)
{
	unsigned char digits[MAX_DIGITS];
	const char *c = p->digits;
	int			shift = p->exp2;
	int			n = 0;
	int64_t		e;

	*magnitude = 0;
	if (p->ndigits == 0)
		return PM_QUANTITY_OK;
	if (p->ndigits + p->exp10 > MAX_MAGNITUDE_DIGITS)
		return PM_QUANTITY_OUT_OF_RANGE;
	if (-p->exp10 > p->exp2)
		return PM_QUANTITY_TOO_PRECISE;

	while (n < p->ndigits)
	{
		if (*c != '.')
			digits[n++] = (unsigned char) (*c - '0');
		c++;
	}
	for (e = p->exp10; e > 0; e--)
		digits[n++] = 0;
	for (; e < 0; e++, shift--)
	{
		if (!divide_by_5(digits, n))
			return PM_QUANTITY_TOO_PRECISE;
	}
	if (!digits_to_magnitude(digits, n, shift, magnitude))
		return PM_QUANTITY_OUT_OF_RANGE;
	return PM_QUANTITY_OK;
}

/*
 * Parse a quantity, without spaces, into bytes or thousandths.  On
 * PM_QUANTITY_BAD_SUFFIX, *suffix says where the unknown part starts.
 */
PmQuantityResult
pm_quantity_parse(const char *text, size_t len, bool in_bytes, int64_t *value,
				  size_t *suffix)
{
	Parsed		p = {0};
	PmQuantityResult result;
	uint64_t	magnitude;
	size_t		pos = 0;
	size_t		used;

	if (len > 0 && (text[0] == '-' || text[0] == '+'))
	{
		p.negative = text[0] == '-';
		pos = 1;
	}
	used = scan_number(text + pos, len - pos, &p);
	if (used == 0)
		return PM_QUANTITY_MALFORMED;
	pos += used;
	if (!in_bytes)
		p.exp10 += 3;
	if (!scan_suffix(text + pos, len - pos, &p))
	{
		*suffix = pos;
		return PM_QUANTITY_BAD_SUFFIX;
	}

	result = evaluate(&p, &magnitude);
	if (result != PM_QUANTITY_OK)
		return result;
	if (magnitude > (uint64_t) INT64_MAX + (p.negative ? 1 : 0))
		return PM_QUANTITY_OUT_OF_RANGE;
	*value = p.negative ? (int64_t) (0 - magnitude) : (int64_t) magnitude;
	return PM_QUANTITY_OK;
}

/*
 * Print the canonical text: bytes with the largest binary suffix that divides
 * them, others as a decimal without trailing zeros.  Returns its length.
 */
int
pm_quantity_print(int64_t value, bool in_bytes, char buffer[PM_QUANTITY_TEXT_SIZE])
{
	static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	uint64_t	magnitude = value < 0 ? 0 - (uint64_t) value : (uint64_t) value;
	const char *sign = value < 0 ? "-" : "";
	unsigned	rest;
	int			i = 0;
	int			len;

	if (in_bytes)
	{
		while (magnitude != 0 && magnitude % 1024 == 0 && i < 6)
		{
			magnitude /= 1024;
			i++;
		}
		return snprintf(buffer, PM_QUANTITY_TEXT_SIZE, "%s%llu%s", sign,
						(unsigned long long) magnitude, binary[i]);
	}

	rest = (unsigned) (magnitude % 1000);
	if (rest == 0)
		return snprintf(buffer, PM_QUANTITY_TEXT_SIZE, "%s%llu", sign,
						(unsigned long long) (magnitude / 1000));
	len = snprintf(buffer, PM_QUANTITY_TEXT_SIZE, "%s%llu.%03u", sign,
				   (unsigned long long) (magnitude / 1000), rest);
	while (buffer[len - 1] == '0')
		buffer[--len] = '\0';
	return len;
}
