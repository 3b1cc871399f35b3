/*-------------------------------------------------------------------------
 *
 * clock.h
 *	  The setting pool_manager.clock: the hooks that keep it in order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_CLOCK_H
#define PM_CLOCK_H

#include "utils/guc.h"

extern char *pm_clock_setting;	/* what the GUC machinery holds; not to be read */
extern bool pm_clock_check(char **newval, void **extra, GucSource source);
extern void pm_clock_assign(const char *newval, void *extra);

#endif							/* PM_CLOCK_H */
