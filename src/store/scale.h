/*-------------------------------------------------------------------------
 *
 * scale.h
 *	  Changing the number of replicas of a running service, under the pool's
 *	  lock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_SCALE_H
#define PM_SCALE_H

#include "store/pass.h"

/* A live run of one task group */
typedef struct PmService
{
	int64		run_id;
	int64		job_id;
	int64		tenant_id;
	int32		replicas;		/* now */
	int32		least;			/* min_replicas and replicas of its task group */
	int32		most;
	PmResourceList *request;
	int			ngroups;		/* task groups of the job */
	bool		topology;		/* it has rules of topology */
} PmService;

/* The live run of a service; NULL: it has none */
extern PmService *pm_read_service(int64 pool_id, int64 job_id);

/* Gives back so many replicas, the newest first */
extern void pm_shrink_service(PmCall *call, PmPoolInfo *pool, PmService *service,
							  int32 replicas, TimestampTz instant);

/* Adds what the engine placed; data is of pm_read_growth() */
extern void pm_grow_service(PmCall *call, PmPassData *data, PmService *service,
							const PmDecision *decision, TimestampTz instant);

/* It is to have so many: it grows to them by itself once there is room */
extern void pm_set_wanted(const PmPoolInfo *pool, const PmService *service, int32 replicas);

#endif							/* PM_SCALE_H */
