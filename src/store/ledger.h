/*-------------------------------------------------------------------------
 *
 * ledger.h
 *	  Reading usage, holdings, contracts and prices; writing prices.
 *
 * Instants that are int64 are seconds, see billing/calendar.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_LEDGER_H
#define PM_LEDGER_H

#include "pgtime.h"

#include "billing/rate.h"
#include "store/session.h"

/* How a tenant is billed from a month on */
typedef struct PmContract
{
	int64		starts_at;		/* local midnight of its first month */
	char	   *currency;
	pg_tz	   *zone;
	PmCycle		cycle;
	bool		contracted;		/* has the tenant prices of its own in that currency? */
} PmContract;

typedef struct PmAccount
{
	int64		tenant_id;
	char	   *name;
	int			ncontracts;
	PmContract *contracts;		/* ascending */
} PmAccount;

/* One tenant, or all that the actor may see (0), in order of id */
extern int	pm_read_accounts(PmCall *call, int64 tenant_id, PmAccount **accounts);

/* All SKUs, in order of id */
typedef struct PmSku
{
	int64		sku_id;
	char	   *name;
	char	   *unit;
	bool		once;
} PmSku;

extern int	pm_read_skus(PmSku **skus);

/*
 * What is in force for a tenant, of all SKUs: contracted prices, and list
 * prices where there is none.  Price i is of SKU sku_ids[i]; in order of SKU,
 * and of a SKU ascending, not overlapping.  All palloc'd.
 */
extern int	pm_read_prices(int64 tenant_id, const char *currency,
						   int64 **sku_ids, PmPriceVersion **prices);

/* All prices of a SKU that a tenant may have been charged at, in force or not; palloc'd */
extern int	pm_read_price_versions(int64 tenant_id, int64 sku_id, PmPriceVersion **prices);

/* What was used, or is held */
typedef struct PmUsed
{
	int64		tenant_id;
	int64		sku_id;
	int64		quantity;
	int64		start;
	int64		end;
	int64		run_seconds;	/* of a run that ends with it, else 0; start may be end then */
} PmUsed;

/*
 * Usage of tenants, -1: of all, that begins in [since, until], and what they
 * hold, up to until; in no order.  Rows come in batches.
 */
typedef void (*PmUsedCallback) (const PmUsed *rows, int n, void *state);
extern void pm_scan_usage(const int64 *tenants, int ntenants, int64 since, int64 until,
						  PmUsedCallback callback, void *state);
extern void pm_scan_holdings(const int64 *tenants, int ntenants, int64 until,
							 PmUsedCallback callback, void *state);

/* The currency of the contract in force at an instant, or the latest one */
extern char *pm_contract_currency(int64 tenant_id, TimestampTz at);

/* What a price is for; tenant 0: a list price */
typedef struct PmPriceKey
{
	int64		tenant_id;
	int64		sku_id;
	const char *currency;
} PmPriceKey;

/* The price in force at an instant, and when the next later one begins */
typedef struct PmPriceNeighbours
{
	int64		price_id;		/* 0: none is in force */
	TimestampTz starts;			/* of that one */
	TimestampTz next;			/* or infinity */
} PmPriceNeighbours;

/* To be held before neighbours are read: the price book has one writer, and
 * nobody rates with it meanwhile */
extern void pm_lock_prices(void);
extern void pm_read_neighbours(const PmPriceKey *key, TimestampTz at, PmPriceNeighbours *around);

/* Its validity goes only up to an instant; where it begins: it never was in force */
extern void pm_end_price(int64 tenant_id, int64 price_id, TimestampTz at);
/* The new price's id; seconds of 0: none, until may be infinity */
extern int64 pm_insert_price(PmCall *call, const PmPriceKey *key, Datum tariff,
							 int32 minimum_seconds, int32 quantum_seconds,
							 TimestampTz from, TimestampTz until, TimestampTz instant);
/* An event that says so */
extern void pm_note_price_set(PmCall *call, const PmPriceKey *key, TimestampTz instant);

extern void pm_note_repriced(PmCall *call, int64 tenant_id, int64 sku_id, const char *reason,
							 TimestampTz instant);

#endif							/* PM_LEDGER_H */
