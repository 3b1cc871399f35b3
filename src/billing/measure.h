/*-------------------------------------------------------------------------
 *
 * measure.h
 *	  What is held, in thousandths of a SKU's unit (rule 6.2).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_MEASURE_H
#define PM_MEASURE_H

#include "types/resource_list.h"

/* Replicas of one task group on nodes of one flavor, held by a run */
typedef struct PmHeld
{
	int64		run_id;
	int64		job_id;
	int64		tenant_id;
	int64		sku_id;			/* of the job's flavor; 0: bill by resource */
	const PmResourceList *request;
	int64		node_flavor_id;
	int64		replicas;
} PmHeld;

/* What a resource is billed as on nodes of a flavor */
typedef struct PmResourceSku
{
	int64		flavor_id;
	const char *resource;
	int64		unit;			/* how much of the resource is one unit */
	int64		sku_id;			/* 0: free */
} PmResourceSku;

/* A holding to be; those of one run and SKU are to be added up */
typedef struct PmMeasured
{
	int64		run_id;
	int64		job_id;
	int64		tenant_id;
	int64		sku_id;
	int64		quantity;		/* thousandths of the SKU's unit */
} PmMeasured;

/*
 * A job with a flavor is billed as its SKU x replicas, one with a bare request
 * per resource.  Returns how many; *measured is palloc'd.  A resource that is
 * not listed: 55000; overflow: 22003.
 */
extern int	pm_measure(const PmHeld *held, int nheld,
					   const PmResourceSku *skus, int nskus, PmMeasured **measured);

#endif							/* PM_MEASURE_H */
