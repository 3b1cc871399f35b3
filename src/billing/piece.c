/*-------------------------------------------------------------------------
 *
 * piece.c
 *	  Usage cut into pieces; see piece.h.  What a piece costs is the counter's
 *	  business.
 *
 * Days and prices are remembered where they were last found: usage comes in
 * the order of time, nearly.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/counter.h"
#include "billing/piece.h"
#include "billing/slice.h"

static int
find_term(const PmTerm *terms, int nterms, int64 second)
{
	int			t = nterms - 1;

	while (t > 0 && terms[t].starts_at > second)
		t--;
	return t;
}

/* Day and month of a second, remembered in its term */
static void
find_day(PmTerm *terms, int nterms, int t, int64 second)
{
	PmTerm	   *term = &terms[t];

	if (second >= term->day_start && second < term->day_end)
		return;
	term->day_start = pm_day_start(second, term->zone);
	term->day_end = pm_next_day_start(second, term->zone);
	if (second >= term->month_start && second < term->month_end)
		return;
	term->month_start = pm_month_start(second, term->zone);
	term->month_end = pm_next_month_start(second, term->zone);
	if (t > 0)
		term->month_start = Max(term->month_start, term->starts_at);
	if (t + 1 < nterms)
		term->month_end = Min(term->month_end, terms[t + 1].starts_at);
}

void
pm_find_month(PmTerm *terms, int nterms, int64 second, int64 *month_start, int64 *month_end)
{
	int			t = find_term(terms, nterms, second);

	find_day(terms, nterms, t, second);
	*month_start = terms[t].month_start;
	*month_end = terms[t].month_end;
}

static PmSkuPrices *
find_sku(PmTerm *term, int64 sku_id)
{
	int			low = 0;
	int			high = term->nskus - 1;

	while (low <= high)
	{
		int			middle = low + (high - low) / 2;

		if (term->skus[middle].sku_id == sku_id)
			return &term->skus[middle];
		if (term->skus[middle].sku_id < sku_id)
			low = middle + 1;
		else
			high = middle - 1;
	}
	elog(ERROR, "SKU " INT64_FORMAT " not found", sku_id);
	return NULL;				/* keep compilers quiet */
}

/* The price in force at a second, and until when that, or that there is none, holds */
static const PmPriceVersion *
find_price(PmSkuPrices *sku, int64 second, int64 *until)
{
	const PmPriceVersion *price;
	int			low = 0;
	int			high = sku->nprices;	/* the first that ends later */

	*until = PM_SECOND_MAX;
	if (sku->last < sku->nprices)
	{
		price = &sku->prices[sku->last];
		if (second >= price->valid_from && second < price->valid_to)
		{
			*until = price->valid_to;
			return price;
		}
	}
	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (sku->prices[middle].valid_to <= second)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == sku->nprices)
		return NULL;
	price = &sku->prices[low];
	if (price->valid_from > second)
	{
		*until = price->valid_from;
		return NULL;
	}
	sku->last = low;
	*until = price->valid_to;
	return price;
}

static void
place(PmPiece *piece, PmTerm *terms, int nterms, int64 second, int64 *until)
{
	int			t = find_term(terms, nterms, second);
	PmTerm	   *term = &terms[t];
	PmSkuPrices *sku;

	find_day(terms, nterms, t, second);
	sku = find_sku(term, piece->usage->sku_id);
	piece->term = term;
	piece->sku = sku;
	piece->price = find_price(sku, second, until);
	piece->month_start = term->month_start;
	piece->month_end = term->month_end;
	*until = Min(*until, Min(term->day_end, term->month_end));
}

/* Sold by the unit: all of it is at its first second */
static void
cut_once(PmPiece *piece, PmPieceCallback callback, void *state)
{
	piece->start = piece->usage->start;
	piece->end = piece->usage->end;
	piece->units = piece->usage->quantity;
	callback(piece, state);
}

void
pm_cut_usage(const PmUsageRow *usage, PmTerm *terms, int nterms, PmPieceCallback callback, void *state)
{
	PmPiece		piece = {0};
	int64		start = usage->start;
	int64		until;

	piece.usage = usage;
	/* a slice that is empty stands for the second before it */
	place(&piece, terms, nterms, start < usage->end ? start : usage->end - 1, &until);
	if (piece.sku->once)
	{
		cut_once(&piece, callback, state);
		return;
	}
	for (;;)
	{
		piece.start = start;
		piece.end = Min(usage->end, until);
		if (start == usage->end)
			piece.end = start;
		piece.units = pm_counter_units(usage->quantity, piece.end - piece.start);
		if (piece.end == usage->end && usage->run_seconds >= 0 && piece.price)
			piece.units = pm_counter_add(piece.units,
										 pm_counter_units(usage->quantity,
														  pm_extra_seconds(piece.price->minimum_seconds,
																		   piece.price->quantum_seconds,
																		   usage->run_seconds)));
		callback(&piece, state);
		start = piece.end;
		if (start >= usage->end)
			break;
		place(&piece, terms, nterms, start, &until);
	}
}
