/*-------------------------------------------------------------------------
 *
 * booking.c
 *	  Booking usage; see booking.h.
 *
 * A batch is cut into pieces first, so that the counters it needs are read at
 * once; then the pieces advance them one by one, and charges, bookings and
 * counters are written, each by one statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/booking.h"
#include "billing/counter.h"
#include "store/statement.h"

/* A counter that is open, by its key */
typedef struct OpenCounter
{
	PmCounterKey key;
	PmCounter	counter;
	int			batch;			/* that used it last */
} OpenCounter;

struct PmBooks
{
	PmCall	   *call;
	int64		tenant_id;
	const char *tenant_name;
	const char *kind;			/* of its bookings */
	const char *reason;
	PmLedger	ledger;
	PmTerm	   *terms;
	int			nterms;
	PmSku	   *skus;
	int			nskus;
	MemoryContext context;		/* of what outlives batches */
	MemoryContext of_batch;
	HTAB	   *counters;		/* OpenCounter */
	/* of the batch */
	int			batch;
	PmPiece    *pieces;
	OpenCounter **counter_of;	/* of each piece */
	int			npieces;
	int			room;
	OpenCounter **touched;
	int			ntouched;
	int			touched_room;
	PmCharge   *charges;
	int			ncharges;
	int			charges_room;
	PmBooking  *bookings;
	int			nbookings;
};

/* ---- opening ---- */

static void
read_term(PmBooks *books, const PmContract *contract, PmTerm *term)
{
	PmPriceVersion *prices;
	int64	   *sku_ids;
	int			n = pm_read_prices(books->tenant_id, contract->currency, &sku_ids, &prices);
	int			next = 0;

	memset(term, 0, sizeof(PmTerm));
	term->starts_at = contract->starts_at;
	term->zone = contract->zone;
	term->currency = contract->currency;
	term->nskus = books->nskus;
	term->skus = palloc0(sizeof(PmSkuPrices) * Max(books->nskus, 1));
	for (int s = 0; s < books->nskus; s++)
	{
		PmSkuPrices *sku = &term->skus[s];

		sku->sku_id = books->skus[s].sku_id;
		sku->once = books->skus[s].once;
		sku->prices = &prices[next];
		while (next < n && sku_ids[next] == sku->sku_id)
		{
			sku->nprices++;
			next++;
		}
	}
}

PmBooks *
pm_books_open(PmCall *call, int64 tenant_id, const char *kind, const char *reason)
{
	PmBooks    *books = palloc0(sizeof(PmBooks));
	HASHCTL		info = {0};
	PmAccount  *account;

	books->call = call;
	books->tenant_id = tenant_id;
	books->kind = kind;
	books->reason = reason;
	books->context = CurrentMemoryContext;
	pm_lock_ledger(tenant_id, &books->ledger);
	if (pm_read_accounts(call, tenant_id, &account) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tenant " INT64_FORMAT " has no contract", tenant_id),
				 errdetail("Its contract says in which currency and time zone it is billed."),
				 errhint("Make one with set_contract().")));
	books->tenant_name = account->name;
	books->nskus = pm_read_skus(&books->skus);
	books->nterms = account->ncontracts;
	books->terms = palloc(sizeof(PmTerm) * books->nterms);
	for (int t = 0; t < books->nterms; t++)
		read_term(books, &account->contracts[t], &books->terms[t]);
	info.keysize = sizeof(PmCounterKey);
	info.entrysize = sizeof(OpenCounter);
	info.hcxt = books->context;
	books->counters = hash_create("counters", 256, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	books->of_batch = AllocSetContextCreate(books->context, "batch of usage", ALLOCSET_DEFAULT_SIZES);
	return books;
}

const PmLedger *
pm_books_ledger(const PmBooks *books)
{
	return &books->ledger;
}

/* ---- pieces and their counters ---- */

/* What an error says of usage that cannot be rated */
typedef struct Culprit
{
	const char *sku;
	const char *who;			/* used it, and what is the row of it */
	bool		stays;			/* when the error has taken back what was written: it can be corrected */
} Culprit;

static Culprit
find_culprit(const PmBooks *books, const PmPiece *piece)
{
	int64		usage_id = piece->usage->usage_id;
	Culprit		culprit = {0};
	PmUsageName name;

	for (int s = 0; s < books->nskus; s++)
	{
		if (books->skus[s].sku_id == piece->usage->sku_id)
			culprit.sku = books->skus[s].name;
	}
	pm_read_usage_name(books->tenant_id, usage_id, &name);
	/* not so a slice that was cut just now */
	culprit.stays = name.unrated || strcmp(books->kind, "reprice") == 0;
	culprit.who = psprintf("Tenant \"%s\" used it then", books->tenant_name);
	if (culprit.stays)
		culprit.who = psprintf("%s, as usage " INT64_FORMAT, culprit.who, usage_id);
	if (name.source)
		culprit.who = psprintf("%s, event \"%s\" of \"%s\"", culprit.who, name.event_id, name.source);
	return culprit;
}

static void
refuse_unpriced(const PmBooks *books, const PmPiece *piece)
{
	Culprit		culprit = find_culprit(books, piece);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("SKU \"%s\" has no price in %s at %s", culprit.sku, piece->term->currency,
					timestamptz_to_str(pm_second_timestamptz(piece->start))),
			 errdetail("%s.", culprit.who),
			 culprit.stays ?
			 errhint("Set one with set_price(..., valid_from => ...), of 0 if it is free; or take back what was recorded wrongly, with correct_usage(" INT64_FORMAT ", reason, 0).",
					 piece->usage->usage_id) :
			 errhint("Set one with set_price(..., valid_from => ...), of 0 if it is free.")));
}

static void
refuse_overflow(const PmBooks *books, const PmPiece *piece)
{
	Culprit		culprit = find_culprit(books, piece);

	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("counter of SKU \"%s\" out of range at %s", culprit.sku,
					timestamptz_to_str(pm_second_timestamptz(piece->start))),
			 errdetail("%s; a counter holds less than %s a month.", culprit.who,
					   piece->sku->once ? "9.2e15 units" : "2.56e12 unit-hours"),
			 culprit.stays ?
			 errhint("Take back what was recorded wrongly, with correct_usage(" INT64_FORMAT ", reason, 0), or meter in larger units.",
					 piece->usage->usage_id) :
			 errhint("Meter in larger units.")));
}

static void *
make_room(void *array, int count, int *room, Size size)
{
	if (count < *room)
		return array;
	*room = Max(1024, 2 * *room);
	return array ? repalloc_huge(array, size * *room) : MemoryContextAllocHuge(CurrentMemoryContext, size * *room);
}

/* The counter of a piece is found, and opened when it is new in the books */
static OpenCounter *
find_counter(PmBooks *books, const PmPiece *piece)
{
	PmCounterKey key = {piece->usage->sku_id, piece->month_start, piece->price->price_id};
	OpenCounter *open;
	bool		found;

	open = hash_search(books->counters, &key, HASH_ENTER, &found);
	if (!found)
	{
		open->batch = 0;
		open->counter.tariff = piece->price->tariff;
		open->counter.once = piece->sku->once;
		open->counter.context = NULL;
	}
	if (open->batch != books->batch)
	{
		open->batch = books->batch;
		books->touched = make_room(books->touched, books->ntouched, &books->touched_room, sizeof(OpenCounter *));
		books->touched[books->ntouched++] = open;
	}
	return open;
}

static void
add_piece(const PmPiece *piece, void *state)
{
	PmBooks    *books = state;
	int			room = books->room;

	if (piece->units == 0)
		return;
	if (piece->price == NULL)
		refuse_unpriced(books, piece);
	books->pieces = make_room(books->pieces, books->npieces, &room, sizeof(PmPiece));
	books->counter_of = make_room(books->counter_of, books->npieces, &books->room, sizeof(OpenCounter *));
	books->pieces[books->npieces] = *piece;
	books->counter_of[books->npieces++] = find_counter(books, piece);
}

/* Those that no batch has used before stand where the table says */
static void
read_counters(PmBooks *books)
{
	PmCounterKey *keys = palloc(sizeof(PmCounterKey) * Max(books->ntouched, 1));
	OpenCounter **open = palloc(sizeof(OpenCounter *) * Max(books->ntouched, 1));
	int64	   *units;
	MemoryContext old;
	int			n = 0;

	for (int i = 0; i < books->ntouched; i++)
	{
		if (books->touched[i]->counter.context != NULL)
			continue;
		open[n] = books->touched[i];
		keys[n++] = books->touched[i]->key;
	}
	if (n == 0)
		return;
	units = pm_read_counters(books->tenant_id, keys, n);
	old = MemoryContextSwitchTo(books->context);
	for (int i = 0; i < n; i++)
		pm_counter_begin(&open[i]->counter, open[i]->counter.tariff, open[i]->counter.once, units[i]);
	MemoryContextSwitchTo(old);
}

/* ---- charges ---- */

/* The booking that takes charges of a month in a currency */
static int
find_booking(PmBooks *books, const PmPiece *piece)
{
	int64		start = piece->month_start;
	int64		end = piece->month_end;
	PmBooking  *booking;
	int			b = 0;

	if (start < books->ledger.closed_until)
		pm_find_month(books->terms, books->nterms, books->ledger.closed_until, &start, &end);
	while (b < books->nbookings && !(books->bookings[b].period_start == start &&
									 strcmp(books->bookings[b].currency, piece->term->currency) == 0))
		b++;
	if (b < books->nbookings)
		return b;
	books->bookings = b == 0 ? palloc(sizeof(PmBooking)) : repalloc(books->bookings, sizeof(PmBooking) * (b + 1));
	booking = &books->bookings[books->nbookings++];
	memset(booking, 0, sizeof(PmBooking));
	booking->period_start = start;
	booking->kind = books->kind;
	booking->reason = books->reason;
	booking->currency = piece->term->currency;
	pm_totals_begin(&booking->totals);
	pm_ensure_period(books->tenant_id, start, end);
	return b;
}

typedef struct Stepping
{
	PmBooks    *books;
	const PmPiece *piece;
	int			booking;
} Stepping;

static void
add_charge(const PmStep *step, void *state)
{
	Stepping   *stepping = state;
	PmBooks    *books = stepping->books;
	const PmPiece *piece = stepping->piece;
	PmBooking  *booking = &books->bookings[stepping->booking];
	PmCharge   *charge;

	books->charges = make_room(books->charges, books->ncharges, &books->charges_room, sizeof(PmCharge));
	charge = &books->charges[books->ncharges++];
	charge->booking_id = stepping->booking;
	charge->period_start = booking->period_start;
	charge->usage_id = piece->usage->usage_id;
	charge->sku_id = piece->usage->sku_id;
	charge->price_id = piece->price->price_id;
	charge->workspace_id = piece->usage->workspace_id;
	charge->month_start = piece->month_start;
	charge->start = piece->start;
	charge->end = piece->end;
	charge->units_before = step->before;
	charge->units_after = step->after;
	charge->corrects = piece->corrects;
	charge->corrects_usage = piece->corrects == 0 ? piece->usage->corrects : 0;
	charge->tier = step->tier;
	charge->currency = piece->term->currency;
	charge->quantity = step->quantity;
	charge->amount = step->amount;
	pm_totals_add(&booking->totals, step);
}

static void
charge_piece(PmBooks *books, int i)
{
	const PmPiece *piece = &books->pieces[i];
	Stepping	stepping = {books, piece, find_booking(books, piece)};
	PmCounter  *counter = &books->counter_of[i]->counter;
	int64		after;

	CHECK_FOR_INTERRUPTS();
	if (pg_add_s64_overflow(counter->units, piece->units, &after))
		refuse_overflow(books, piece);
	pm_counter_advance(counter, piece->units, add_charge, &stepping);
}

/* What a correction had taken back, and gives again since it moves to another price */
static bool
is_given_again(const PmPiece *piece)
{
	return piece->usage->corrects != 0 && piece->units > 0;
}

/* That comes first: only then is there what the usage it corrects takes along */
static void
charge_pieces(PmBooks *books)
{
	for (int i = 0; i < books->npieces; i++)
	{
		if (is_given_again(&books->pieces[i]))
			charge_piece(books, i);
	}
	for (int i = 0; i < books->npieces; i++)
	{
		if (!is_given_again(&books->pieces[i]))
			charge_piece(books, i);
	}
}

/* ---- writing ---- */

static void
write_counters(PmBooks *books)
{
	PmCounterKey *keys = palloc(sizeof(PmCounterKey) * Max(books->ntouched, 1));
	int64	   *units = palloc(sizeof(int64) * Max(books->ntouched, 1));
	Datum	   *amounts = palloc(sizeof(Datum) * Max(books->ntouched, 1));

	for (int i = 0; i < books->ntouched; i++)
	{
		keys[i] = books->touched[i]->key;
		units[i] = books->touched[i]->counter.units;
		amounts[i] = NumericGetDatum(pm_counter_amount(&books->touched[i]->counter));
	}
	pm_write_counters(books->tenant_id, keys, units, amounts, books->ntouched);
}

static void
write_batch(PmBooks *books)
{
	int64	   *ids = palloc(sizeof(int64) * Max(books->nbookings, 1));

	pm_change_ledger(books->tenant_id, books->ledger.instant);
	write_counters(books);
	for (int b = 0; b < books->nbookings; b++)
		ids[b] = pm_insert_booking(books->call, books->tenant_id, &books->bookings[b], books->ledger.instant);
	for (int i = 0; i < books->ncharges; i++)
		books->charges[i].booking_id = ids[books->charges[i].booking_id];
	pm_insert_charges(books->tenant_id, books->charges, books->ncharges);
}

static void
begin_batch(PmBooks *books)
{
	books->batch++;
	books->pieces = NULL;
	books->counter_of = NULL;
	books->touched = NULL;
	books->charges = NULL;
	books->bookings = NULL;
	books->npieces = books->room = 0;
	books->ntouched = books->touched_room = 0;
	books->ncharges = books->charges_room = 0;
	books->nbookings = 0;
}

/* The pieces of the batch are there: they are charged, and all is written */
static int64
end_batch(PmBooks *books)
{
	read_counters(books);
	charge_pieces(books);
	pm_find_corrected(books->tenant_id, books->charges, books->ncharges);
	if (books->ncharges > 0)
		write_batch(books);
	return books->ncharges;
}

int64
pm_books_add(PmBooks *books, const PmUsageRow *usage, int n)
{
	MemoryContext old = MemoryContextSwitchTo(books->of_batch);
	int64		ncharges;

	begin_batch(books);
	for (int i = 0; i < n; i++)
		pm_cut_usage(&usage[i], books->terms, books->nterms, add_piece, books);
	ncharges = end_batch(books);
	MemoryContextSwitchTo(old);
	MemoryContextReset(books->of_batch);
	return ncharges;
}

int64
pm_books_reprice(PmBooks *books, const PmBookedUsage *usage, int n, int64 since, int64 until)
{
	MemoryContext old = MemoryContextSwitchTo(books->of_batch);
	int64		ncharges;

	begin_batch(books);
	for (int i = 0; i < n; i++)
	{
		/* taken back before it was rated: it costs nothing, at whatever price */
		if (usage[i].nbooked == 0 && i + 1 < n && usage[i + 1].nbooked == 0 &&
			usage[i + 1].usage.corrects == usage[i].usage.usage_id)
		{
			i++;
			continue;
		}
		pm_reprice_usage(&usage[i].usage, usage[i].booked, usage[i].nbooked, since, until,
						 books->terms, books->nterms, add_piece, books);
	}
	ncharges = end_batch(books);
	MemoryContextSwitchTo(old);
	MemoryContextReset(books->of_batch);
	return ncharges;
}
