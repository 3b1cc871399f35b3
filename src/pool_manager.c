/*-------------------------------------------------------------------------
 *
 * pool_manager.c
 *	  Module entry: the magic block and the settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "compat.h"
#include "store/clock.h"
#include "worker/worker.h"

PM_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	DefineCustomStringVariable("pool_manager.clock",
							   "Instant that the extension takes for the present; empty: the real clock.",
							   "It can only be set forward. For tests, replays and simulations.",
							   &pm_clock_setting,
							   "",
							   PGC_SUSET,
							   0,
							   pm_clock_check,
							   pm_clock_assign,
							   NULL);
	if (process_shared_preload_libraries_in_progress)
	{
		DefineCustomStringVariable("pool_manager.database",
								   "Database that the background worker serves; empty: there is none.",
								   NULL,
								   &pm_worker_database,
								   "",
								   PGC_POSTMASTER,
								   0,
								   NULL, NULL, NULL);
		DefineCustomIntVariable("pool_manager.naptime",
								"Longest time between two rounds of passes by the background worker.",
								"It is woken earlier when a queue or a pool changes.",
								&pm_worker_naptime,
								10000, 10, 3600000,
								PGC_SIGHUP,
								GUC_UNIT_MS,
								NULL, NULL, NULL);
		DefineCustomIntVariable("pool_manager.settle_interval",
								"How often the background worker settles all tenants and checks their arrears; 0: never.",
								"At whole multiples of it, counted from midnight UTC if it divides a day.",
								&pm_worker_settle_interval,
								3600, 0, 31 * 86400,
								PGC_SIGHUP,
								GUC_UNIT_S,
								NULL, NULL, NULL);
		pm_worker_init();
	}
	MarkGUCPrefixReserved("pool_manager");
}
