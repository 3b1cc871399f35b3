/*-------------------------------------------------------------------------
 *
 * rounding.h
 *	  Rounding of money (rule 6.8): the modes of a contract, the scale of a
 *	  currency.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_ROUNDING_H
#define PM_ROUNDING_H

#include "utils/numeric.h"

typedef enum PmRounding
{
	PM_ROUND_CUT,				/* toward zero */
	PM_ROUND_HALF_UP,			/* ties away from zero */
	PM_ROUND_HALF_EVEN			/* ties to the even digit */
} PmRounding;

/* A finite value to scale digits behind the point (0 to 12); palloc'd */
extern Numeric pm_round(Numeric value, PmRounding mode, int scale);

/* "cut", "half_up", "half_even"; any other name: 22023 */
extern PmRounding pm_rounding_mode(const char *name);

/*
 * Minor-unit digits of a currency by ISO 4217.  A code is three capital
 * letters (else 22023); one that ISO does not list, such as a provider's own
 * credits, has 2.
 */
extern int	pm_currency_scale(const char *code);

#endif							/* PM_ROUNDING_H */
