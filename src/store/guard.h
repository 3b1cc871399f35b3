/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  What triggers by which tables defend themselves share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_GUARD_H
#define PM_GUARD_H

#include "commands/trigger.h"

#include "store/statement.h"

/* Called by hand there is no trigger, and no table to look at: an error */
extern TriggerData *pm_trigger_of(FunctionCallInfo fcinfo);

/*
 * The rows of a statement, as table new_rows.  A plan over them belongs to one
 * trigger: each has its own statements, though some read alike.
 */
extern PmArgs pm_register_new_rows(TriggerData *trigger);

#endif							/* PM_GUARD_H */
