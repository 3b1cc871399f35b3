/*-------------------------------------------------------------------------
 *
 * measure.h
 *	  What is held, in thousandths of a SKU's unit (rule 6.2).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_MEASURE_H
#define PM_MEASURE_H

/* Whole units: nodes, or replicas of a flavor.  Overflow: 22003 */
extern int64 pm_measure_units(int64 count);

/*
 * An amount of a resource, of which unit makes one unit of the SKU (both in
 * the resource's own unit): rounded half up once per replica, times replicas.
 */
extern int64 pm_measure_resource(int64 amount, int64 unit, int64 replicas);

#endif							/* PM_MEASURE_H */
