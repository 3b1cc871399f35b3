/*-------------------------------------------------------------------------
 *
 * exact.h
 *	  Exact decimals for arithmetic: integers of 123 bits where they fit,
 *	  numeric where they do not.
 *
 * What a numeric takes for every sum, its memory and its digits one by one, is
 * most of what rating costs.  The amounts that occur have less than 37 digits:
 * they are added and multiplied as integers, and become numeric once, in the
 * end.  Whatever is larger goes on as numeric, so nothing ever overflows and
 * the result is the same.
 *
 * Numbers are finite but for what pm_exact() was given.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_EXACT_H
#define PM_EXACT_H

#include "utils/numeric.h"

/*
 * A word of 128 bits, in halves: so it stays in registers.  Its last 4 bits
 * are the number of groups of 4 digits behind the point, those above the
 * number without that point; or they say that it is large, and those above are
 * a Numeric.
 */
typedef struct PmExact
{
	uint64		low;
	int64		high;
} PmExact;

#define PM_EXACT_SHIFT		4
#define PM_EXACT_GROUPS		9	/* at most: 10000^9 fits */
#define PM_EXACT_LARGE		15
#define PM_EXACT_LIMIT		((int128) 1 << 123)

/* Of one that is large, it is this one */
extern PmExact pm_exact(Numeric number);

/* The number, without trailing zeros behind the point; palloc'd */
extern Numeric pm_exact_numeric(PmExact number);

extern bool pm_exact_is_finite(PmExact number);

/* Of any size; pm_exact_add() and the others come to them */
extern PmExact pm_exact_add_any(PmExact a, PmExact b);
extern PmExact pm_exact_subtract_any(PmExact a, PmExact b);
extern PmExact pm_exact_multiply_any(PmExact a, PmExact b);
extern int	pm_exact_compare_any(PmExact a, PmExact b);

/* The whole part of a / b and the rest; a >= 0, b > 0 */
extern PmExact pm_exact_divide(PmExact a, PmExact b, PmExact *rest);

/* ---- the word ---- */

static inline int
pm_exact_groups(PmExact number)
{
	return number.low & ((1 << PM_EXACT_SHIFT) - 1);
}

static inline int128
pm_exact_value(PmExact number)
{
	return (int128) ((uint128) number.high << 64 | number.low) >> PM_EXACT_SHIFT;
}

/* value x 10000^-groups; |value| < PM_EXACT_LIMIT */
static inline PmExact
pm_exact_of(int128 value, int groups)
{
	uint128		word = (uint128) value << PM_EXACT_SHIFT | (uint128) groups;

	return (PmExact) {(uint64) word, (int64) (word >> 64)};
}

static inline bool
pm_exact_is_large(PmExact number)
{
	return pm_exact_groups(number) == PM_EXACT_LARGE;
}

static inline PmExact
pm_exact_of_large(Numeric number)
{
	return pm_exact_of((int128) PointerGetDatum(number), PM_EXACT_LARGE);
}

/* Of one that is large */
static inline Numeric
pm_exact_large(PmExact number)
{
	return (Numeric) DatumGetPointer((Datum) pm_exact_value(number));
}

static inline bool
pm_exact_fits(int128 value)
{
	return -PM_EXACT_LIMIT < value && value < PM_EXACT_LIMIT;
}

/* ---- arithmetic ---- */

/* -1, 0 or 1 */
static inline int
pm_exact_sign(PmExact number)
{
	if (pm_exact_is_large(number))
		return pm_exact_compare_any(number, pm_exact_of(0, 0));
	return number.high < 0 ? -1 : (number.high | (number.low >> PM_EXACT_SHIFT)) != 0;
}

/* Numbers of the same groups, none of them large */
static inline bool
pm_exact_alike(PmExact a, PmExact b)
{
	return pm_exact_groups(a) == pm_exact_groups(b) && !pm_exact_is_large(a);
}

static inline PmExact
pm_exact_add(PmExact a, PmExact b)
{
	int128		sum = pm_exact_value(a) + pm_exact_value(b);

	if (pm_exact_alike(a, b) && pm_exact_fits(sum))
		return pm_exact_of(sum, pm_exact_groups(a));
	return pm_exact_add_any(a, b);
}

static inline PmExact
pm_exact_subtract(PmExact a, PmExact b)
{
	int128		difference = pm_exact_value(a) - pm_exact_value(b);

	if (pm_exact_alike(a, b) && pm_exact_fits(difference))
		return pm_exact_of(difference, pm_exact_groups(a));
	return pm_exact_subtract_any(a, b);
}

static inline int
pm_exact_compare(PmExact a, PmExact b)
{
	if (pm_exact_alike(a, b))
		return (pm_exact_value(a) > pm_exact_value(b)) - (pm_exact_value(a) < pm_exact_value(b));
	return pm_exact_compare_any(a, b);
}

static inline PmExact
pm_exact_multiply(PmExact a, PmExact b)
{
	int			groups = pm_exact_groups(a) + pm_exact_groups(b);
	int128		x = pm_exact_value(a);
	int128		y = pm_exact_value(b);

	if (groups <= PM_EXACT_GROUPS && (int64) x == x && (int64) y == y)
	{
		int128		product = x * y;

		if (pm_exact_fits(product))
			return pm_exact_of(product, groups);
	}
	return pm_exact_multiply_any(a, b);
}

#endif							/* PM_EXACT_H */
