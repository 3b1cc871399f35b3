/*-------------------------------------------------------------------------
 *
 * counter.h
 *	  Counters: what was used of a SKU, and the quantity it stands for
 *	  (rule 6.6).
 *
 * A counter is an int64 in thousandths of a unit-second; of a SKU that is
 * sold per "once", in thousandths of a unit.  The largest, 9.2e18, is 2.5e12
 * unit-hours; beyond it 22003.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_COUNTER_H
#define PM_COUNTER_H

#include "utils/numeric.h"

#define PM_MILLI_SECONDS_PER_HOUR	INT64CONST(3600000)
#define PM_QUANTITY_DIGITS			12

/*
 * Q(n), without trailing zeros, palloc'd: n / 3,600,000 rounded half up to 12
 * digits (unit-hours); "once": n / 1000, exact.
 */
extern Numeric pm_counter_quantity(int64 n, bool once);

/* n + more, checked */
extern int64 pm_counter_add(int64 n, int64 more);

#endif							/* PM_COUNTER_H */
