/*-------------------------------------------------------------------------
 *
 * usage_meters.c
 *	  Usage of many tenants, metered in one reading; see usage_meters.h.
 *
 * Prices are read before usage, which comes row by row out of a running
 * statement; what is cut and metered is only what was used.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/pg_list.h"

#include "api/usage_meters.h"
#include "billing/calendar.h"
#include "billing/counter.h"
#include "billing/slice.h"

/* A tenant, as long as its usage is read */
typedef struct Payer
{
	const PmAccount *account;
	int			nstretches;
	PmTerms   **stretches;		/* [account->ncontracts], those that count */
	int			nmeters;		/* that are open */
	int64		nsegments;		/* of these, at most */
} Payer;

typedef struct UsageKey
{
	int64		tenant_id;
	int64		sku_id;
} UsageKey;

/* What a row of usage is looked up by */
typedef struct UsageEntry
{
	UsageKey	key;
	char		status;
	int			sku;			/* index */
	Payer	   *payer;			/* NULL: none of ours */
	PmMeter   **meters;			/* [payer->nstretches], NULL: not used in it */
} UsageEntry;

static inline uint32
hash_usage_key(UsageKey key)
{
	uint64		hash = (uint64) key.tenant_id * UINT64CONST(0x9E3779B97F4A7C15);

	hash = (hash ^ (uint64) key.sku_id) * UINT64CONST(0xD6E8FEB86659FD93);
	return (uint32) (hash >> 32);
}

#define SH_PREFIX			usagetable
#define SH_ELEMENT_TYPE		UsageEntry
#define SH_KEY_TYPE			UsageKey
#define SH_KEY				key
#define SH_HASH_KEY(t, k)	hash_usage_key(k)
#define SH_EQUAL(t, a, b)	((a).tenant_id == (b).tenant_id && (a).sku_id == (b).sku_id)
#define SH_SCOPE			static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct PmUsageMeters
{
	MemoryContext context;
	const PmSku *skus;
	int			nskus;
	int			npayers;
	int			maxpayers;
	Payer	   *payers;
	List	   *terms;
	struct usagetable_hash *table;
	int			nmeters;
};

PmUsageMeters *
pm_usage_meters_make(const PmSku *skus, int nskus)
{
	PmUsageMeters *meters = palloc0(sizeof(PmUsageMeters));

	meters->context = CurrentMemoryContext;
	meters->skus = skus;
	meters->nskus = nskus;
	meters->maxpayers = 16;
	meters->payers = palloc(sizeof(Payer) * meters->maxpayers);
	return meters;
}

/* ---- terms ---- */

/* The index of a SKU, which is there */
static int
find_sku(const PmUsageMeters *meters, int64 sku_id)
{
	int			low = 0;
	int			high = meters->nskus - 1;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (meters->skus[middle].sku_id < sku_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* All that may be needed: within a scan nothing can be read */
static void
read_prices(const PmUsageMeters *meters, PmTerms *terms)
{
	PmPriceVersion *prices;
	int64	   *sku_ids;
	int			n = pm_read_prices(terms->prices_of, terms->currency, &sku_ids, &prices);

	for (int p = 0; p < n; p++)
	{
		PmSkuTerms *sku = &terms->skus[find_sku(meters, sku_ids[p])];

		if (sku->nprices++ == 0)
			sku->prices = &prices[p];
	}
}

static bool
same_terms(const PmTerms *a, const PmTerms *b)
{
	return a->prices_of == b->prices_of && a->since == b->since && a->until == b->until &&
		a->zone == b->zone && a->cycle.kind == b->cycle.kind &&
		a->cycle.seconds == b->cycle.seconds && strcmp(a->currency, b->currency) == 0;
}

static PmTerms *
find_terms(PmUsageMeters *meters, const PmTerms *wanted)
{
	PmTerms    *terms;
	ListCell   *cell;

	foreach(cell, meters->terms)
	{
		if (same_terms(lfirst(cell), wanted))
			return lfirst(cell);
	}
	terms = palloc(sizeof(PmTerms));
	*terms = *wanted;
	pm_cycle_check(terms->cycle, terms->since, terms->until);
	terms->month_start = pm_month_start(terms->since, terms->zone);
	terms->skus = palloc0(sizeof(PmSkuTerms) * Max(meters->nskus, 1));
	read_prices(meters, terms);
	/* contracted prices are nobody else's: they are not looked for */
	if (terms->prices_of == 0)
		meters->terms = lappend(meters->terms, terms);
	return terms;
}

void
pm_usage_meters_add(PmUsageMeters *meters, const PmAccount *account,
					const PmContract *contract, PmCycle cycle, int64 since, int64 until)
{
	Payer	   *payer = &meters->payers[Max(meters->npayers - 1, 0)];
	PmTerms		terms = {0};

	if (meters->npayers == 0 || payer->account != account)
	{
		if (meters->npayers == meters->maxpayers)
		{
			meters->maxpayers *= 2;
			meters->payers = repalloc(meters->payers, sizeof(Payer) * meters->maxpayers);
		}
		payer = &meters->payers[meters->npayers++];
		memset(payer, 0, sizeof(Payer));
		payer->account = account;
		payer->stretches = palloc(sizeof(PmTerms *) * account->ncontracts);
	}
	terms.cycle = cycle;
	terms.since = since;
	terms.until = until;
	terms.zone = contract->zone;
	terms.currency = contract->currency;
	terms.prices_of = contract->contracted ? account->tenant_id : 0;
	payer->stretches[payer->nstretches++] = find_terms(meters, &terms);
}

/* ---- meters ---- */

static Payer *
find_payer(const PmUsageMeters *meters, int64 tenant_id)
{
	int			low = 0;
	int			high = meters->npayers - 1;

	while (low <= high)
	{
		int			middle = low + (high - low) / 2;
		int64		found = meters->payers[middle].account->tenant_id;

		if (found == tenant_id)
			return &meters->payers[middle];
		if (found < tenant_id)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

/* Called within a scan, whose memory goes with it */
static void
fill_entry(PmUsageMeters *meters, UsageEntry *entry)
{
	entry->payer = find_payer(meters, entry->key.tenant_id);
	entry->sku = find_sku(meters, entry->key.sku_id);
	entry->meters = NULL;
	if (entry->payer)
		entry->meters = MemoryContextAllocZero(meters->context,
											   sizeof(PmMeter *) * entry->payer->nstretches);
}

/* Before anything is cut: the limit is there to save its memory */
static void
count_segments(Payer *payer, const PmGrid *grid, int nprices)
{
	payer->nmeters++;
	payer->nsegments += grid->ncycles + 2 * (int64) nprices;
	if (payer->nsegments > PM_MAX_SEGMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many billing cycles for the SKUs used"),
				 errdetail("Tenant \"%s\" used %d SKUs or more in %d cycles; cycles times SKUs may be " INT64_FORMAT ".",
						   payer->account->name, payer->nmeters, grid->ncycles, PM_MAX_SEGMENTS),
				 errhint("Take a longer cycle or a shorter time.")));
}

static PmMeter *
open_meter(PmUsageMeters *meters, UsageEntry *entry, PmTerms *terms)
{
	MemoryContext old = MemoryContextSwitchTo(meters->context);
	PmSkuTerms *sku = &terms->skus[entry->sku];
	PmMeter    *meter;

	if (terms->grid == NULL)
		terms->grid = pm_grid_make(terms->cycle, terms->since, terms->until, terms->zone);
	count_segments(entry->payer, terms->grid, sku->nprices);
	if (sku->segments == NULL)
	{
		sku->segments = pm_segments_make(terms->grid, sku->prices, sku->nprices);
		sku->timeline = pm_timeline_make(sku->segments->edges, sku->segments->nsegments);
	}
	meter = pm_meter_make(sku->timeline);
	meters->nmeters++;
	MemoryContextSwitchTo(old);
	return meter;
}

/* What the price in force in a run's last second bills beyond its seconds */
static void
meter_extra(const PmSkuTerms *sku, PmMeter *meter, const PmUsed *usage)
{
	int64		last = usage->end - 1;
	int			version = sku->segments->versions[pm_timeline_find(sku->timeline, last)];
	int64		extra;

	if (version < 0)
		return;
	extra = pm_extra_seconds(sku->prices[version].minimum_seconds, sku->prices[version].quantum_seconds,
							 usage->run_seconds);
	if (extra > 0)
		pm_meter_add_once(meter, last, pm_counter_units(usage->quantity, extra));
}

static void
meter_usage(PmUsageMeters *meters, const PmUsed *usage)
{
	UsageKey	key = {usage->tenant_id, usage->sku_id};
	bool		found;
	UsageEntry *entry = usagetable_insert(meters->table, key, &found);

	if (!found)
		fill_entry(meters, entry);
	if (entry->payer == NULL || (usage->start >= usage->end && usage->run_seconds == 0))
		return;
	for (int i = 0; i < entry->payer->nstretches; i++)
	{
		PmTerms    *terms = entry->payer->stretches[i];

		/* an empty slice stands for the second before it */
		if (Min(usage->start, usage->end - 1) >= terms->until || usage->end <= terms->month_start)
			continue;
		if (entry->meters[i] == NULL)
			entry->meters[i] = open_meter(meters, entry, terms);
		if (meters->skus[entry->sku].once)
			pm_meter_add_once(entry->meters[i], usage->start, usage->quantity);
		else
		{
			pm_meter_add(entry->meters[i], usage->start, usage->end, usage->quantity);
			if (usage->run_seconds > 0 && usage->end <= terms->until)
				meter_extra(&terms->skus[entry->sku], entry->meters[i], usage);
		}
	}
}

static void
meter_rows(const PmUsed *rows, int n, void *state)
{
	for (int i = 0; i < n; i++)
		meter_usage(state, &rows[i]);
}

/* Stretches of a tenant are in order of time already */
static int
compare_meters(const void *a, const void *b)
{
	const PmUsageMeter *left = a;
	const PmUsageMeter *right = b;

	if (left->account->tenant_id != right->account->tenant_id)
		return left->account->tenant_id < right->account->tenant_id ? -1 : 1;
	if (left->terms->since != right->terms->since)
		return left->terms->since < right->terms->since ? -1 : 1;
	return left->sku - right->sku;
}

static PmUsageMeter *
sorted_meters(PmUsageMeters *meters)
{
	PmUsageMeter *result = palloc(sizeof(PmUsageMeter) * Max(meters->nmeters, 1));
	usagetable_iterator iterator;
	UsageEntry *entry;
	int			n = 0;

	usagetable_start_iterate(meters->table, &iterator);
	while ((entry = usagetable_iterate(meters->table, &iterator)) != NULL)
	{
		for (int i = 0; entry->payer && i < entry->payer->nstretches; i++)
		{
			PmUsageMeter *meter = &result[n];

			if (entry->meters[i] == NULL)
				continue;
			meter->account = entry->payer->account;
			meter->terms = entry->payer->stretches[i];
			meter->sku = entry->sku;
			meter->meter = entry->meters[i];
			n++;
		}
	}
	Assert(n == meters->nmeters);
	qsort(result, n, sizeof(PmUsageMeter), compare_meters);
	return result;
}

int
pm_usage_meters_read(PmUsageMeters *meters, bool all, int64 now, PmUsageMeter **result)
{
	int64	   *tenants = palloc(sizeof(int64) * Max(meters->npayers, 1));
	int			ntenants = all ? -1 : meters->npayers;
	int64		since = PM_SECOND_MAX;
	int64		until = PM_SECOND_MIN;

	for (int i = 0; i < meters->npayers; i++)
	{
		Payer	   *payer = &meters->payers[i];

		tenants[i] = payer->account->tenant_id;
		since = Min(since, payer->stretches[0]->month_start);
		until = Max(until, payer->stretches[payer->nstretches - 1]->until);
	}
	meters->table = usagetable_create(meters->context, 1024, NULL);
	if (meters->npayers > 0)
	{
		pm_scan_usage(tenants, ntenants, since, until, meter_rows, meters);
		pm_scan_holdings(tenants, ntenants, Min(until, now), meter_rows, meters);
	}
	*result = sorted_meters(meters);
	return meters->nmeters;
}
