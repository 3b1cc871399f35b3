/*-------------------------------------------------------------------------
 *
 * piece.h
 *	  Usage cut into the pieces that are charged one by one: by local day and
 *	  price version (rules 6.6, 6.7).
 *
 * Instants are seconds, see calendar.h; intervals are half-open.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_PIECE_H
#define PM_PIECE_H

#include "billing/rate.h"

/* A row of usage */
typedef struct PmUsageRow
{
	int64		usage_id;
	int64		sku_id;
	int64		workspace_id;	/* 0: none */
	int64		quantity;		/* thousandths of a unit; negative: taken back */
	int64		start;
	int64		end;
	int64		run_seconds;	/* of the last slice of a run: of all of it; else -1 */
	int64		corrects;		/* usage that it takes back; 0: none */
} PmUsageRow;

/* A SKU and the prices in force for it, in one currency */
typedef struct PmSkuPrices
{
	int64		sku_id;
	bool		once;
	int			nprices;
	const PmPriceVersion *prices;	/* ascending, not overlapping */
	int			last;			/* that was in force when last asked */
} PmSkuPrices;

/* How a tenant is billed for a stretch of time */
typedef struct PmTerm
{
	int64		starts_at;		/* local midnight of its first month */
	pg_tz	   *zone;
	const char *currency;
	int			nskus;
	PmSkuPrices *skus;			/* in order of id */
	int64		day_start;		/* local day that was last asked for; */
	int64		day_end;		/* equal: none was */
	int64		month_start;	/* the month of that day, cut at the term's edges */
	int64		month_end;
} PmTerm;

typedef struct PmPiece
{
	const PmUsageRow *usage;
	const PmTerm *term;
	const PmSkuPrices *sku;
	const PmPriceVersion *price;	/* NULL: none is in force */
	int64		start;
	int64		end;
	int64		month_start;
	int64		month_end;
	int64		units;			/* thousandths of a unit-second, or of a unit */
	int64		corrects;		/* charge that it corrects; 0: none, or that of usage->corrects */
} PmPiece;

typedef void (*PmPieceCallback) (const PmPiece *piece, void *state);

/*
 * Cuts; a callback a piece, in order of time.  The only piece of an empty slice
 * may have no units.  Terms ascending, at least one;
 * the first also holds for what is before it.  A SKU that is not among its
 * term's is an internal error; overflow: 22003.
 */
extern void pm_cut_usage(const PmUsageRow *usage, PmTerm *terms, int nterms,
						 PmPieceCallback callback, void *state);

/* The billing month of a term that holds a second: the local calendar month,
 * cut where the term begins and where the next one does */
extern void pm_find_month(PmTerm *terms, int nterms, int64 second,
						  int64 *month_start, int64 *month_end);

#endif							/* PM_PIECE_H */
