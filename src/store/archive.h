/*-------------------------------------------------------------------------
 *
 * archive.h
 *	  What of the books is archived, and deleting it.  How it is chosen and
 *	  copied is sql/install/56_archive.sql's.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_ARCHIVE_H
#define PM_ARCHIVE_H

#include "store/ledger.h"
#include "store/usage.h"

/* Up to when whose charges and usage are not all here */
typedef struct PmArchived
{
	const char *tenant;
	TimestampTz until;
} PmArchived;

/* Is something after an instant archived, of any of these tenants? */
extern bool pm_find_archived(const int64 *tenants, int n, int64 since, PmArchived *archived);
/* The same of what a SKU was charged at until an instant; tenant_id and price_id may be 0: any */
extern bool pm_find_archived_charges(int64 sku_id, int64 tenant_id, int64 price_id, int64 since, int64 until,
									 PmArchived *archived);
/* Have the charges of a row of usage that is here been moved away? */
extern bool pm_is_archived(const PmUsageRecord *usage);

/* Delete rows of archived periods, given as arrays of ids; how many of them may go */
extern uint64 pm_delete_archived_charges(int64 tenant_id, Datum ids);
extern uint64 pm_delete_archived_usage(int64 tenant_id, Datum ids);
/* The event of it; into which schema they were copied */
extern void pm_note_archived(PmCall *call, int64 tenant_id, uint64 charges, uint64 usage, const char *schema);
/* For the guard of append-only tables: is it one of these two that deletes? */
extern bool pm_deletes_archived(void);

#endif							/* PM_ARCHIVE_H */
