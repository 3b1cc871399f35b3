/*-------------------------------------------------------------------------
 *
 * ledger.h
 *	  Reading usage, holdings, contracts and prices; writing prices.
 *
 * Instants are seconds, see billing/calendar.h.
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
 * What is in force for a tenant: contracted prices, and list prices where
 * there is none.  Ascending, not overlapping.
 */
extern int	pm_read_prices(int64 tenant_id, int64 sku_id, const char *currency,
						   PmPriceVersion **prices);

/* Usage that begins in [since, until), and what is held, up to until */
typedef void (*PmUsageCallback) (int64 tenant_id, int64 sku_id, int64 quantity,
								 int64 start, int64 end, void *state);
extern void pm_scan_usage(int64 tenant_id, int64 since, int64 until,
						  PmUsageCallback callback, void *state);
extern void pm_scan_holdings(int64 tenant_id, int64 until,
							 PmUsageCallback callback, void *state);

/* Returns the price's id; 0 where a NULL tariff ended one */
extern int64 pm_set_price(PmCall *call, int64 tenant_id, int64 sku_id, const char *currency,
						  Datum tariff, bool end, TimestampTz valid_from);
/* The currency of the contract in force at an instant, or the latest one */
extern char *pm_contract_currency(int64 tenant_id, TimestampTz at);

#endif							/* PM_LEDGER_H */
