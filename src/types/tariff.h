/*-------------------------------------------------------------------------
 *
 * tariff.h
 *	  The type tariff: a price model, the amount as a function of a quantity.
 *
 * A tariff knows no currency, no unit and no time; the price row that holds it
 * does.  All numbers are exact decimals (numeric), never negative, with at
 * most PM_TARIFF_DIGITS digits on either side of the point.
 *
 * A(n), the amount for n units, is computed in this order:
 *	  1. conversion: n is multiplied or divided, then rounded as stated
 *	  2. free units are taken off, not below 0
 *	  3. the model:
 *		 unit		 n x unit_price + flat
 *		 graduated	 each unit at the price of its tier; a tier's flat fee once
 *					 it is entered; the first tier's even at 0 units
 *		 volume		 all units at the price of the tier that holds n, plus its
 *					 flat fee
 *		 package	 ceil(n / package_size) x package_price + flat
 *	  4. not more than maximum, then not less than minimum
 * A tier's upper bound belongs to the tier.  Nothing booked costs nothing:
 * flat fees and the minimum are due with the first booking.
 *
 * Layout: the fixed header, ncells offsets from the start of the value (0:
 * absent), then the numbers, int-aligned, in the order of their cells.  The
 * form is canonical: numbers without trailing zeros, a zero that says nothing
 * is absent; equal tariffs are bitwise equal.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_TARIFF_H
#define PM_TARIFF_H

#include "fmgr.h"
#include "nodes/nodes.h"
#include "types/exact.h"
#include "utils/numeric.h"

#define PM_TARIFF_DIGITS		24
#define PM_TARIFF_MAX_TIERS		1000

typedef enum PmTariffModel
{
	PM_TARIFF_UNIT,
	PM_TARIFF_GRADUATED,
	PM_TARIFF_VOLUME,
	PM_TARIFF_PACKAGE
} PmTariffModel;

typedef enum PmTariffConversion
{
	PM_CONVERT_NONE,
	PM_CONVERT_MULTIPLY,
	PM_CONVERT_DIVIDE
} PmTariffConversion;

typedef enum PmTariffConversionRounding
{
	PM_CONVERT_EXACT,			/* "none" */
	PM_CONVERT_CEILING,
	PM_CONVERT_FLOOR,
	PM_CONVERT_HALF_UP
} PmTariffConversionRounding;

/* The cells of a tariff: these, then four for each tier */
typedef enum PmTariffCell
{
	PM_CELL_FREE_UNITS,
	PM_CELL_FACTOR,				/* of the conversion */
	PM_CELL_RECIPROCAL,			/* 1 / factor, if an exact division needs it */
	PM_CELL_PACKAGE_SIZE,
	PM_CELL_MINIMUM,
	PM_CELL_MAXIMUM,
	PM_CELL_TIERS				/* first cell of tier 0 */
} PmTariffCell;

#define PM_TIER_UP_TO		0	/* absent: no upper bound */
#define PM_TIER_PRICE		1	/* package: price of a package; always there */
#define PM_TIER_FLAT		2
#define PM_TIER_ENTRY		3	/* graduated, above the first tier: what all below
								 * it costs, with its own flat fee; absent: 0 */
#define PM_TIER_CELLS		4

typedef struct PmTariff
{
	int32		vl_len_;		/* varlena header, do not touch directly */
	uint8		model;			/* PmTariffModel */
	uint8		conversion;		/* PmTariffConversion */
	uint8		rounding;		/* PmTariffConversionRounding */
	uint8		reserved;		/* 0 */
	uint32		ntiers;			/* unit and package: 1 */
	uint32		offsets[FLEXIBLE_ARRAY_MEMBER];
} PmTariff;

/* One line of an amount: the part that one tier contributes */
typedef struct PmTariffLine
{
	int			tier;			/* from 1; 0: what the minimum adds */
	PmExact		quantity;		/* converted units in the tier; packages */
	Numeric		unit_price;		/* in the tariff; NULL: none */
	PmExact		flat;			/* flat fee in the amount */
	PmExact		amount;			/* quantity x unit_price + flat, cut by the maximum */
} PmTariffLine;

#define DatumGetTariffP(d)		((PmTariff *) PG_DETOAST_DATUM(d))
#define PG_GETARG_TARIFF_P(n)	DatumGetTariffP(PG_GETARG_DATUM(n))
#define TariffPGetDatum(p)		PointerGetDatum(p)
#define PG_RETURN_TARIFF_P(p)	PG_RETURN_POINTER(p)

/*
 * A(quantity) if something was booked, else 0.  A quantity below 0, which an
 * unfinished correction may leave for a while, goes on at the first tier's
 * price (package: as 0).
 */
extern PmExact pm_tariff_total(const PmTariff *tariff, PmExact quantity, bool booked);

/* A(before + step) - A(before), where something is booked already */
extern PmExact pm_tariff_step(const PmTariff *tariff, PmExact before, PmExact step);

/*
 * A(quantity) line by line into lines[ntiers + 1]; returns how many.  A
 * minimum that is not reached adds a last line with tier 0.  The amounts add
 * up to pm_tariff_total().
 */
extern int	pm_tariff_lines(const PmTariff *tariff, PmExact quantity, PmTariffLine *lines);

/* The tier, from 1, that holds a quantity */
extern int	pm_tariff_tier(const PmTariff *tariff, PmExact quantity);

extern bool pm_tariff_equal(const PmTariff *a, const PmTariff *b);

/* Names in the order of their enums, NULL at the end */
extern const char *const pm_tariff_models[];
extern const char *const pm_tariff_conversions[];	/* [0] is "" */
extern const char *const pm_tariff_roundings[];

/* The canonical text, palloc'd */
extern char *pm_tariff_text(const PmTariff *tariff);

/* Reads the text form; errors go to escontext as an input function's do */
extern PmTariff *pm_tariff_parse(const char *text, Node *escontext);

/* The number in a cell, pointing into the tariff; NULL if absent */
static inline Numeric
pm_tariff_cell(const PmTariff *tariff, uint32 cell)
{
	uint32		offset = tariff->offsets[cell];

	return offset == 0 ? NULL : (Numeric) ((char *) tariff + offset);
}

static inline Numeric
pm_tariff_tier_cell(const PmTariff *tariff, uint32 tier, uint32 cell)
{
	return pm_tariff_cell(tariff, PM_CELL_TIERS + tier * PM_TIER_CELLS + cell);
}

/* The price of a unit, whatever the quantity; NULL: there is more to it */
static inline Numeric
pm_tariff_plain_price(const PmTariff *tariff)
{
	if (tariff->model != PM_TARIFF_UNIT || tariff->conversion != PM_CONVERT_NONE ||
		pm_tariff_cell(tariff, PM_CELL_FREE_UNITS) || pm_tariff_cell(tariff, PM_CELL_MINIMUM) ||
		pm_tariff_cell(tariff, PM_CELL_MAXIMUM) || pm_tariff_tier_cell(tariff, 0, PM_TIER_FLAT))
		return NULL;
	return pm_tariff_tier_cell(tariff, 0, PM_TIER_PRICE);
}

#endif							/* PM_TARIFF_H */
