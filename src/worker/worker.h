/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  The optional background worker and its shared memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_WORKER_H
#define PM_WORKER_H

#include "storage/latch.h"
#include "datatype/timestamp.h"

/* Settings */
extern char *pm_worker_database;
extern int	pm_worker_naptime;	/* milliseconds */

/* Called while shared_preload_libraries are loaded */
extern void pm_worker_init(void);
extern PGDLLEXPORT void pm_worker_main(Datum main_arg);

/* ---- stats.c: what the worker has done since the server started ---- */

typedef struct PmWorkerStats
{
	int64		passes;
	int64		changed;		/* jobs whose state a pass changed */
	int64		failed;			/* passes that ended in an error */
	TimestampTz last_pass_at;	/* 0: none yet */
	int64		last_pass_us;
} PmWorkerStats;

extern void pm_stats_init(void);
extern void pm_stats_add(const PmWorkerStats *delta);

/* The latch by which writers wake the worker; NULL: nobody to wake */
extern void pm_stats_set_latch(Latch *latch);
extern void pm_stats_wake(void);

#endif							/* PM_WORKER_H */
