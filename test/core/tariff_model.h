/*-------------------------------------------------------------------------
 *
 * tariff_model.h
 *	  Tariffs as whole numbers, beside which they are tested.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TARIFF_MODEL_H
#define TARIFF_MODEL_H

#include "types/tariff.h"

#define MODEL_TIERS		6
#define MILLION			1000000

/* A tariff as whole numbers: millionths, the factor in thousandths */
typedef struct ModelTier
{
	int64		up_to;			/* of the last: 0, which is no bound */
	int64		price;			/* of a package too */
	int64		flat;
} ModelTier;

typedef struct Model
{
	PmTariffModel model;
	PmTariffConversion conversion;
	PmTariffConversionRounding rounding;
	int64		factor;
	int64		free_units;
	int64		package_size;
	int64		minimum;
	int64		maximum;		/* -1: none */
	int			ntiers;
	ModelTier	tiers[MODEL_TIERS];
} Model;

/* 0 <= result < below; the same sequence on every machine */
extern int64 model_random(int64 below);

/* A random one, and a text of it, in any spelling that is allowed; palloc'd */
extern Model model_draw(void);
extern char *model_text(const Model *model);

/* What so many millionths of a unit cost, and the tier that they are in, from 1;
 * the amount is a fraction whose denominator depends on the model alone */
extern __int128 model_amount(const Model *model, int64 quantity, int *tier);
extern __int128 model_denominator(const Model *model);

#endif							/* TARIFF_MODEL_H */
