/*-------------------------------------------------------------------------
 *
 * pass.h
 *	  What a scheduling pass reads and writes.
 *
 * Reading turns rows into the engine's structs, one scan a table; writing
 * turns its decision into rows, one statement a set.  The store keeps beside
 * each struct what the engine need not know: ids, old reasons.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_PASS_H
#define PM_PASS_H

#include "billing/measure.h"
#include "engine/engine.h"
#include "store/fair.h"
#include "store/find.h"
#include "store/statement.h"
#include "store/terms.h"
#include "types/resource_list.h"
#include "utils/hsearch.h"

/* One task group of a shape, as stored */
typedef struct PmStoredGroup
{
	PmResourceList *request;
	int64		sku_id;			/* of the flavor asked for; 0: a bare request */
} PmStoredGroup;

typedef struct PmStoredShape
{
	int64		shape_id;
	char	   *reason;			/* what is stored now */
	char	   *level;
	char	   *resource;
	char	   *needed;
	char	   *available;
	PmStoredGroup *groups;
} PmStoredShape;

/* The quota of a sub-pool, as stored */
typedef struct PmStoredQuota
{
	int			parent;			/* lane, -1: none */
	PmResourceList *guaranteed; /* NULL: it has no quota, nor the rest */
	PmResourceList *upper;		/* NULL: no bound */
	PmResourceList *borrow_limit;	/* NULL: no limit */
	PmResourceList *lend_limit; /* NULL: no limit */
} PmStoredQuota;

/* A time in which a node does not take everybody's jobs */
typedef struct PmStoredWindow
{
	int64		node_id;
	int64		since;
	int64		until;
	int			owner;			/* the engine's number of a reservation; 0: maintenance */
} PmStoredWindow;

typedef struct PmPassData
{
	PmPoolInfo *pool;
	PmTerms    *terms;
	PmCluster	cluster;
	int			nwindows;
	PmStoredWindow *windows;	/* in order of nodes */
	HTAB	   *reservations;	/* their numbers, owners less 1, by id */
	int64	   *reservation_ids;	/* [cluster.nowners] */
	int			max_owners;		/* there is room for */
	int			max_reservation_ids;
	int64	   *node_flavors;	/* [nnodes] flavor ids */
	PmQueue		queue;
	PmStoredShape *shapes;		/* [queue.nshapes] */
	int			nqueued_shapes; /* those alone that runs have come last */
	int64	   *lanes;			/* [queue.nlanes] sub-pool ids; those without a
								 * queued job come last */
	int64	   *lane_tenants;	/* [queue.nlanes] */
	PmStoredQuota *quotas;		/* [queue.nlanes], NULL: no sub-pool has one */
	int64	   *lane_blocked;	/* [queue.nlanes] stored blocked_by, 0: none */
	int64	   *shape_ids;		/* [queue.nshapes] */
	int32	   *alike;			/* [queue.nshapes]: the first of those that are alike
								 * to the engine, which its jobs have for a shape */
	int			nworkspaces;	/* of the queued jobs, where fair shares count */
	int64	   *workspaces;		/* [nworkspaces] ids */
	PmScoring  *scoring;		/* once scored, where anything is weighted */
	PmFairTree *fair;			/* once scored, where fair shares count */
	bool		only_looks;		/* nothing is to be written, nothing is locked */
	int			bandwidth;		/* dimension of the network's bandwidth, -1: none */
} PmPassData;

/* pass_nodes.c: the nodes that take work */
extern void pm_read_nodes(PmPassData *data);
/* pass_shapes.c: the numbered shapes, once nodes are read; the guest's are
 * those of its pool */
extern void pm_read_shapes(PmPassData *data, HTAB *shapes, const PmJobInfo *guest);
/*
 * Shapes that ask for the same are one to the engine, whosever they are, unless
 * quotas, caps or frozen tenants make it matter whose.
 */
extern void pm_merge_shapes(PmPassData *data);

/* Under the pool's lock; everything is palloc'd in the current context */
extern PmPassData *pm_read_pass(PmPoolInfo *pool);
/* The same with one job alone, as if it were queued for so many replicas of
 * its task group, or as many of them as fit */
extern PmPassData *pm_read_growth(PmPoolInfo *pool, int64 job_id, int replicas);
/*
 * run_read.c: fills in the cluster's runs, for what looks at them: all, or
 * those alone that may give way to others or are stopping.  whose: with what
 * is known of their jobs; without, they are all read.
 */
extern void pm_read_runs(PmPassData *data, bool all, bool whose);
/* The cluster's index of a node, or -1 */
extern int	pm_node_index(const PmCluster *cluster, int64 node_id);

/* reservation.c: maintenance and reservations to come, before nodes are read,
 * and then on which of them */
extern void pm_read_windows(PmPassData *data);
extern const PmStoredWindow *pm_windows_of_node(const PmPassData *data, int64 node_id, int *n);
extern void pm_place_windows(PmPassData *data);
extern int	pm_owner_number(PmPassData *data, int64 reservation_id, TimestampTz since, TimestampTz until);
/* What a pass reads, with the runs, without any lock */
extern PmPassData *pm_read_outlook(PmPoolInfo *pool);

/* How long runs of a sub-pool last in the end, of their time limits */
typedef struct PmAccuracy
{
	int64		sub_pool_id;
	int32		thousandths;
} PmAccuracy;

/* For the sub-pools of which enough is known, in order of ids; palloc'd */
extern int	pm_read_accuracy(int64 pool_id, PmAccuracy **accuracy);
/* The queue and its lanes alone: enough to order it */
extern PmPassData *pm_read_queue(PmPoolInfo *pool);

/* cap.c: keeps the quotas in these columns, the last of n rows of lanes */
#define PM_QUOTA_COLUMNS \
	", CASE WHEN s.limited AND s.deleted_at IS NULL THEN s.guaranteed END, s.upper, s.borrow_limit, s.lend_limit, s.parent_id"
extern void pm_keep_quotas(PmPassData *data, HTAB *lanes, uint64 n);

/*
 * cap.c: fills in the quotas of lanes and the cap of the pool once lanes and
 * dimensions are known.  Locks the load of the pool's network where the network limits jobs.
 */
extern void pm_read_caps(PmPassData *data);

/* The load of the pool's network, where that limits jobs; before quotas are */
extern void pm_lock_network(const PmPoolInfo *pool);

/* What starts take of the pool's network: bandwidth and addresses */
extern void pm_take_of_network(PmPassData *data, const PmDecision *decision, int nstarts,
							   const int64 *run_ids, TimestampTz instant);

/*
 * job_score.c: the scores of the jobs at an instant, where the pool weights
 * anything.  May sort the jobs.
 */
extern void pm_score_queue(PmPassData *data, PmJobOrder order, TimestampTz instant);

/* What became of one job in a call */
typedef struct PmChange
{
	int64		job_id;
	const char *state;
} PmChange;

typedef struct PmWritten
{
	TimestampTz instant;		/* of the starts: not before a job's last change */
	int			nstarted;
	PmChange   *started;
	int			npreempted;
	PmChange   *preempted;		/* jobs that gave way, or are to */
	int			nheld;
	PmHeld	   *held;			/* by what was started */
	int			ngrown;
	PmHeld	   *grown;			/* what runs hold beside what they held */
} PmWritten;

/* pass_write.c: a placement on a node as a row of table allocation */
extern void pm_add_allocation(PmRows *rows, const PmPassData *data, const PmDecision *decision,
							  const PmPlacement *placement, int shape, int lane, int64 run_id, TimestampTz instant);

/* ---- grow.c ---- */

/* Adds the runs that are to grow to what a pass reads, their shapes and lanes to the numbers */
extern void pm_read_growing(PmPassData *data, HTAB *shapes, HTAB *lanes);
/* Nobody grows before this: until then what they hold is metered */
extern TimestampTz pm_growing_metered_until(const PmPassData *data, const PmDecision *decision);
extern void pm_write_growths(PmCall *call, PmPassData *data, const PmDecision *decision,
							 TimestampTz instant, PmWritten *written);

/* ---- preempt.c ---- */

/* May a job have others give way, or has it already?  Then runs are to be read. */
extern bool pm_may_preempt(const PmPassData *data);
/*
 * Which is the first start that is lost with what was to give way to it?  Those
 * behind it may count on that.
 */
extern int	pm_cut_starts(const PmDecision *decision, const bool *locked);
/*
 * Those that give way to the first starts end, or shrink; or they are told to
 * stop, for jobs that claim what they hold.  Both return the instant of it.
 */
extern TimestampTz pm_write_victims(PmCall *call, PmPassData *data, PmDecision *decision,
									int nstarts, TimestampTz instant, PmWritten *written);
extern TimestampTz pm_write_claims(PmCall *call, PmPassData *data, PmDecision *decision,
								   TimestampTz instant, PmWritten *written);

/*
 * Writes runs, allocations, loads, events, reasons; starts that lost a race
 * against another session are left out.
 */
extern PmWritten pm_write_pass(PmCall *call, PmPassData *data, PmDecision *decision,
							   TimestampTz instant);

#endif							/* PM_PASS_H */
