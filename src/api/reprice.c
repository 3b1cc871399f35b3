/*-------------------------------------------------------------------------
 *
 * reprice.c
 *	  What was charged is moved to the prices now in force; see reprice.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/booking.h"
#include "api/reprice.h"
#include "store/ledger.h"

/* Rows of usage that are moved at once */
#define BATCH_ROWS	20000

static void
find_prices(PmBookedUsage *rows, int n, const PmPriceVersion *prices, int nprices)
{
	for (int i = 0; i < n; i++)
	{
		for (int b = 0; b < rows[i].nbooked; b++)
		{
			PmBooked   *booked = &rows[i].booked[b];
			int			p = 0;

			while (p < nprices && prices[p].price_id != booked->price_id)
				p++;
			if (p == nprices)
				elog(ERROR, "price " INT64_FORMAT " not found", booked->price_id);
			booked->price = &prices[p];
		}
	}
}

static int64
reprice_tenant(PmCall *call, const PmRepricing *repricing, int64 tenant_id)
{
	MemoryContext of_rows = AllocSetContextCreate(CurrentMemoryContext, "booked usage", ALLOCSET_DEFAULT_SIZES);
	PmBooks    *books = pm_books_open(call, tenant_id, "reprice", repricing->reason);
	PmPriceVersion *prices;
	int			nprices = pm_read_price_versions(tenant_id, repricing->sku_id, &prices);
	int64		after = 0;
	int64		charges = 0;

	for (;;)
	{
		MemoryContext old = MemoryContextSwitchTo(of_rows);
		PmBookedUsage *rows;
		int			n = pm_read_booked(tenant_id, repricing->sku_id, repricing->since, repricing->until,
									   after, BATCH_ROWS, &rows);

		MemoryContextSwitchTo(old);
		if (n == 0)
			break;
		find_prices(rows, n, prices, nprices);
		charges += pm_books_reprice(books, rows, n, repricing->since, repricing->until);
		after = rows[n - 1].usage.corrects ? rows[n - 1].usage.corrects : rows[n - 1].usage.usage_id;
		MemoryContextReset(of_rows);
	}
	MemoryContextDelete(of_rows);
	return charges;
}

void
pm_reprice(PmCall *call, const PmRepricing *repricing, const int64 *tenants, int ntenants)
{
	for (int i = 0; i < ntenants; i++)
	{
		MemoryContext of_tenant = AllocSetContextCreate(CurrentMemoryContext, "books of a tenant",
														ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(of_tenant);

		if (reprice_tenant(call, repricing, tenants[i]) > 0)
			pm_note_repriced(call, tenants[i], repricing->sku_id, repricing->reason, pm_writing_clock());
		MemoryContextSwitchTo(old);
		MemoryContextDelete(of_tenant);
	}
}
