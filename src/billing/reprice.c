/*-------------------------------------------------------------------------
 *
 * reprice.c
 *	  What must move from one price to another; see reprice.h.
 *
 * The charges of a row of usage may have been taken back and booked again, in
 * part, any number of times.  So its time is cut wherever one of them begins or
 * ends, and where prices change now; between two cuts it is booked at one
 * price: the one of which more charges book it than take it back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/counter.h"
#include "billing/reprice.h"
#include "billing/slice.h"

typedef struct Repricing
{
	const PmUsageRow *usage;
	const PmBooked *booked;
	int			nbooked;
	int64		since;
	int64		until;
	PmPieceCallback callback;
	void	   *state;
} Repricing;

/* Units of a stretch of the usage at a price */
static int64
units_of(const PmUsageRow *usage, bool once, int64 start, int64 end, const PmPriceVersion *price)
{
	int64		seconds = end - start;

	if (once)
		return usage->quantity;
	if (end == usage->end && usage->run_seconds >= 0)
		seconds = pm_counter_add(seconds, pm_extra_seconds(price->minimum_seconds, price->quantum_seconds,
														   usage->run_seconds));
	return pm_counter_units(usage->quantity, seconds);
}

/* Which charges book a stretch, if any does */
static const PmBooked *
find_booked(const Repricing *repricing, bool once, int64 start, int64 end)
{
	for (int i = 0; i < repricing->nbooked; i++)
	{
		const PmBooked *booked = &repricing->booked[i];
		const PmBooked *last = booked;
		int64		times = 0;

		for (int j = 0; j < repricing->nbooked; j++)
		{
			const PmBooked *other = &repricing->booked[j];
			int64		whole;

			if (other->price_id != booked->price_id || other->start > start || other->end < end)
				continue;
			whole = units_of(repricing->usage, once, other->start, other->end, other->price);
			times += whole == 0 ? 0 : other->units / whole;
			if (other->charge_id > last->charge_id)
				last = other;
		}
		if (booked->start <= start && booked->end >= end && times > 0)
			return last;
	}
	return NULL;
}

static void
move(const Repricing *repricing, const PmPiece *now, int64 start, int64 end)
{
	/* none of an empty slice whose price had nothing to bill beyond the run */
	const PmBooked *booked = find_booked(repricing, now->sku->once, start, end);
	PmPiece		piece = *now;

	if ((booked ? booked->price_id : 0) == (now->price ? now->price->price_id : 0))
		return;
	piece.start = start;
	piece.end = end;
	piece.corrects = booked ? booked->charge_id : 0;
	piece.price = booked ? booked->price : NULL;
	piece.units = booked ? -units_of(repricing->usage, now->sku->once, start, end, booked->price) : 0;
	if (piece.units != 0)
		repricing->callback(&piece, repricing->state);
	piece.price = now->price;
	piece.units = now->price ? units_of(repricing->usage, now->sku->once, start, end, now->price) : 1;
	if (piece.units != 0)
		repricing->callback(&piece, repricing->state);
}

/* The next cut behind an instant */
static int64
next_cut(const Repricing *repricing, int64 start, int64 end)
{
	if (repricing->since > start)
		end = Min(end, repricing->since);
	if (repricing->until > start)
		end = Min(end, repricing->until);
	for (int i = 0; i < repricing->nbooked; i++)
	{
		if (repricing->booked[i].start > start)
			end = Min(end, repricing->booked[i].start);
		if (repricing->booked[i].end > start)
			end = Min(end, repricing->booked[i].end);
	}
	return end;
}

/* A piece as it would be booked now, cut further */
static void
reprice_piece(const PmPiece *now, void *state)
{
	const Repricing *repricing = state;
	int64		start = now->start;
	int64		end;

	if (now->sku->once || now->start == now->end)
	{
		int64		second = now->start < now->end ? now->start : now->end - 1;

		if (second >= repricing->since && second < repricing->until)
			move(repricing, now, now->start, now->end);
		return;
	}
	for (; start < now->end; start = end)
	{
		end = next_cut(repricing, start, now->end);
		if (start >= repricing->since && start < repricing->until)
			move(repricing, now, start, end);
	}
}

void
pm_reprice_usage(const PmUsageRow *usage, const PmBooked *booked, int nbooked,
				 int64 since, int64 until, PmTerm *terms, int nterms,
				 PmPieceCallback callback, void *state)
{
	Repricing	repricing = {usage, booked, nbooked, since, until, callback, state};

	pm_cut_usage(usage, terms, nterms, reprice_piece, &repricing);
}
