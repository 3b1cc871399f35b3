/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  The optional background workers and their shared memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_WORKER_H
#define PM_WORKER_H

#include "storage/latch.h"
#include "datatype/timestamp.h"

#include "store/session.h"

/* Settings */
extern char *pm_worker_database;
extern int	pm_worker_naptime;	/* milliseconds */
extern int	pm_worker_settle_interval;	/* seconds; 0: never */

/* Called while shared_preload_libraries are loaded */
extern void pm_worker_init(void);
extern PGDLLEXPORT void pm_passes_main(Datum main_arg);
extern PGDLLEXPORT void pm_settle_main(Datum main_arg);

/* ---- worker.c: what a worker is made of ---- */

extern void pm_work_connect(void);

/* A transaction with the frame of a call.  False where the extension is not
 * there: then it has only to be ended. */
extern bool pm_work_begin(PmCall *call);
extern void pm_work_end(PmCall *call);
/* Instead of the end, after an error, with interrupts held */
extern void pm_work_abort(void);

/* Waits, not beyond a signal or the latch; reads the settings anew if told to */
extern void pm_work_wait(long ms);

/* ---- stats.c: what the workers have done since the server started ---- */

typedef struct PmWorkerStats
{
	int64		passes;
	int64		changed;		/* jobs whose state a pass changed */
	int64		failed;			/* passes that ended in an error */
	TimestampTz last_pass_at;	/* 0: none yet */
	int64		last_pass_us;
	int64		settled;		/* settlements of a tenant */
	int64		settle_failed;	/* those, and checks of arrears, that ended in an error */
	TimestampTz last_settle_at; /* end of the last round over the tenants; 0: none yet */
	int64		last_settle_us;
} PmWorkerStats;

extern void pm_stats_init(void);
extern void pm_stats_add(const PmWorkerStats *delta);

/* The latch by which writers wake the scheduler; NULL: nobody to wake */
extern void pm_stats_set_latch(Latch *latch);
extern void pm_stats_wake(void);

/* Has anybody woken it since it took note of that? */
extern bool pm_stats_is_woken(void);
extern void pm_stats_take_wake(void);

#endif							/* PM_WORKER_H */
