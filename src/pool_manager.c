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
	MarkGUCPrefixReserved("pool_manager");
}
