/*-------------------------------------------------------------------------
 *
 * engine.h
 *	  Scheduling on plain structs: what a caller hands to the engine and what
 *	  it gets back.
 *
 * The engine knows no SQL, no tables and no clock.  Resources are vectors:
 * dimension d of every vector means resource name d of the cluster; units are
 * those of resource_list (bytes or thousandths).  All arrays belong to the
 * caller unless said otherwise; the engine allocates in the current memory
 * context and frees nothing of the caller's.  Same input, same output.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_ENGINE_H
#define PM_ENGINE_H

#include "postgres.h"

#define PM_DEVICE_WHOLE 1000	/* one whole device, in thousandths */

/* Instants and lengths of time are in microseconds, as TimestampTz is */
#define PM_NEVER		PG_INT64_MAX

typedef enum PmQueuePolicy
{
	PM_QUEUE_FIFO,				/* a blocked head blocks its queue */
	PM_QUEUE_TRAVERSAL,			/* what does not fit is passed over */
	PM_QUEUE_RESERVE,			/* what is blocked keeps what is free for its
								 * minimum, see reserve.c */
	PM_QUEUE_STEPPED,			/* the same, for a time only */
	PM_QUEUE_TIERED,			/* priority 3 stepped, others traversal */
	PM_QUEUE_BACKFILL			/* what is blocked is given a time, and nothing
								 * that passes it delays it, see plan.c */
} PmQueuePolicy;

typedef enum PmPlacementPolicy
{
	PM_PLACE_PACK,
	PM_PLACE_FIRST_FIT,
	PM_PLACE_SPREAD
} PmPlacementPolicy;

/* What comes first among jobs of one priority; order.c has all of it */
typedef enum PmJobOrder
{
	PM_ORDER_PRIORITY,			/* what has the greater score */
	PM_ORDER_SHORTEST			/* what has the smaller time limit */
} PmJobOrder;

/* Why a job was not started; names in pm_reason_name() */
typedef enum PmReason
{
	PM_REASON_NONE,
	PM_REASON_RESOURCES,		/* the pool has too little free in a dimension */
	PM_REASON_FRAGMENTED,		/* enough in all, not on one node */
	PM_REASON_TOPOLOGY,			/* enough, but not in the domains asked for */
	PM_REASON_RESERVED,			/* free, but withheld for a job ahead, or needed
								 * by one before this would have ended */
	PM_REASON_MAINTENANCE,		/* free, but not for as long as it may run */
	PM_REASON_RESERVED_NODES,	/* free, but others have reserved it, now or
								 * before this would have ended */
	PM_REASON_RESERVATION,		/* its own reservation has not begun */
	PM_REASON_RESERVATION_OVER, /* its own has ended, or does before it would */
	PM_REASON_EXCEEDS_MAX,		/* more than fits when the pool is empty */
	PM_REASON_NO_MATCHING_NODE, /* no node passes selector and taints, or none in service */
	PM_REASON_BEHIND_HEAD,		/* the head of its queue is blocked */
	PM_REASON_QUOTA,			/* the quota of its lane, see quota.c */
	PM_REASON_NO_ADDRESS,		/* the pool's cap, in replicas: free network addresses */
	PM_REASON_NETWORK_BANDWIDTH,	/* the pool's cap, in a dimension */
	PM_REASON_TENANT_FROZEN		/* its lane is frozen */
} PmReason;

/* A label or a selector term, a taint or a toleration; strings are interned
 * by the caller: equal numbers mean equal strings */
typedef struct PmLabel
{
	int			key;
	int			value;
} PmLabel;

#define PM_ANY_KEY		(-1)	/* toleration of every key */
#define PM_ANY_VALUE	(-1)	/* toleration: any value of the key ("Exists") */

/* What distinguishes nodes beyond their resources */
typedef struct PmNodeConfig
{
	int			nlabels;
	const PmLabel *labels;
	int			ntaints;
	const PmLabel *taints;		/* those that keep jobs away */
	int64		sub_pool;		/* whose jobs alone it takes; 0: anybody's */
	int			nowners;
	const int  *owners;			/* of its windows, ascending */
} PmNodeConfig;

/* A node that may take work (available, schedulable, not spare).  Nodes come
 * in creation order: a node's index breaks ties.  0 <= free <= capacity; in
 * the dimension of its accelerator free is the sum of device_free. */
typedef struct PmNode
{
	int64		node_id;
	int			config;			/* index into PmCluster.configs */
	int			accelerator;	/* dimension of its devices, or -1 */
	int			ndevices;
	int32	   *device_free;	/* [ndevices] thousandths; engine updates */
	const int64 *capacity;		/* [ndims] allocatable */
	int64	   *free;			/* [ndims]; engine updates */
	const int32 *domains;		/* [nlevels] its domain at each level of the
								 * topology, -1: none; NULL: it is in none.
								 * Domains of a level are numbered from 0; equal
								 * numbers mean the same whole path. */
} PmNode;

/* Replicas of one task group of a run on one node of the cluster */
typedef struct PmHold
{
	int			node;			/* index into PmCluster.nodes */
	int			group;			/* number within the shape */
	int			replicas;
	const int64 *amounts;		/* [ndims], of them all */
	int			ndevices;
	const int  *devices;		/* numbers, replica by replica */
	int			device_share;	/* thousandths held of each */
	int			part;			/* of several of a group on a node, which; for the caller */
} PmHold;

/* A run that has not ended.  What it holds on nodes that take no work now is
 * left out: its end brings nothing back. */
typedef struct PmRunning
{
	int64		run_id;
	int64		job_id;
	int64		sub_pool_id;
	int			lane;			/* index of its sub-pool, or -1: no job of it is queued */
	int16		priority;
	bool		preemptible;
	bool		stopping;		/* is ending already */
	int64		submitted_at;	/* of its job */
	int64		placed_at;
	int64		planned_end;	/* PM_NEVER: has no time limit */
	int			ngroups;
	const int  *min_replicas;	/* [ngroups] */
	int			nholds;
	PmHold	   *holds;
	int			number;			/* where runs are kept, as PmStart.run */
} PmRunning;

/* A reservation: the owner of windows on nodes, whose jobs run there and then */
typedef struct PmOwner
{
	int64		since;
	int64		until;
} PmOwner;

/*
 * A time in which nothing is to run on a node but the jobs of its owner, which
 * run nowhere else.  All windows of an owner are of its time; those of a node
 * that have owners do not overlap.
 */
typedef struct PmWindow
{
	int			node;			/* index into PmCluster.nodes */
	int64		since;
	int64		until;			/* PM_NEVER: not known */
	int			owner;			/* 1 .. PmCluster.nowners; 0: it has none, that is
								 * maintenance */
} PmWindow;

typedef struct PmCluster
{
	int			ndims;
	int			nconfigs;
	const PmNodeConfig *configs;
	int			nnodes;
	PmNode	   *nodes;
	int			nlevels;		/* of the topology, widest first.  Rules count them
								 * from 1; level nlevels + 1 is the node. */
	int			nruns;			/* where a policy needs them */
	PmRunning  *runs;			/* in order of run id */
	int			nwindows;
	const PmWindow *windows;
	int			nowners;
	const PmOwner *owners;		/* [nowners], owner 1 first */
} PmCluster;

/* What one replica needs.  In the accelerator dimension of a node: a multiple
 * of 1000 takes whole free devices; less than 1000 fits within one device;
 * anything else is refused before it comes here. */
typedef struct PmRequest
{
	const int64 *amounts;		/* [ndims], none negative */
	bool		impossible;		/* names a resource that no node of the cluster has */
	bool		wants_accelerator;	/* asks for a resource that is some node's
									 * accelerator; the engine sets it */
	int			nselectors;
	const PmLabel *selectors;	/* all must be among a node's labels */
	int			ntolerations;
	const PmLabel *tolerations; /* every taint of a node must match one */
	int64		sub_pool;		/* whose job it is of; 0: no node is bound to one */
	int			owner;			/* in whose windows alone it runs, one for all groups
								 * of a shape; 0: in nobody's */
} PmRequest;

/* A role of a job: identical replicas.  Levels are those of the topology, 0:
 * none; nodes without a domain at a level that is named take none of them. */
typedef struct PmTaskGroup
{
	int			request;		/* index into PmQueue.requests */
	int			replicas;
	int			min_replicas;	/* 1 .. replicas; equal: all or nothing */
	int			group_level;	/* every group_size replicas in one domain of it; */
	int			group_size;		/* divides replicas and min_replicas */
	int			spread_level;	/* evenly over the domains of it, */
	int			max_per_domain; /* no more than so many in each; 0: any number */
} PmTaskGroup;

/* What jobs of one shape share; equal requests must have equal indexes, and
 * equal shapes should: what failed is remembered by index.  Levels of groups
 * are not above the affinity level, spread levels below it. */
typedef struct PmShape
{
	int			ngroups;
	const PmTaskGroup *groups;
	int			affinity_level; /* all replicas in one domain of it; 0: none */
	bool		affinity_required;	/* false: or of one above, or in several */
} PmShape;

typedef struct PmJob
{
	int64		job_id;
	int64		submitted_at;	/* TimestampTz */
	int32		shape;			/* index into PmQueue.shapes */
	int32		lane;			/* index of its sub-pool, 0 .. nlanes - 1 */
	int16		priority;		/* larger first */
	bool		restarted;		/* restarted after a fault: first of its priority */
	int32		workspace;		/* whose fair share it has; for scores alone */
	int64		time_limit;		/* how long it may run; PM_NEVER: no limit */
	int64		score;			/* larger first */
	int64		locked_since;	/* stepped: since when it withholds; 0: does not */
	int32		asked;			/* the caller's number of what it asks for; not
								 * looked at */
	int64		claims_since;	/* since when runs are being stopped for it, which
								 * puts it before all others; 0: none are */
} PmJob;

/*
 * A lane in the tree of those that share the pool.  Vectors are [ndims]; quota.c
 * says what they mean.  A zeroed lane below the pool, with parent -1, has no
 * quota.
 */
typedef struct PmLane
{
	int64		sub_pool_id;
	int			parent;			/* the lane above it, or -1: the pool */
	const int64 *guaranteed;	/* NULL: nothing */
	const int64 *upper;			/* NULL: no bound */
	const int64 *borrow_limit;	/* NULL: no limit */
	const int64 *lend_limit;	/* NULL: no limit */
	int64	   *held;			/* by its own jobs; NULL, where it has no quota and
								 * is no parent: not known.  engine updates */
} PmLane;

/*
 * What may still be given out to the jobs of the whole pool, whatever is free
 * on nodes.  A zeroed cap limits nothing; a number below 0 is as good as 0.
 */
#define PM_CAP_NONE		PG_INT64_MAX

typedef struct PmCap
{
	bool		limited;		/* false: no limit, the rest is not looked at */
	int64		replicas;		/* that may still be started, or PM_CAP_NONE;
								 * engine updates */
	int64	   *available;		/* [ndims], PM_CAP_NONE where nothing limits;
								 * engine updates */
} PmCap;

/* A run that has fewer replicas than it is to have, see grow.c */
typedef struct PmGrowing
{
	int64		run_id;
	int64		job_id;
	int64		started_at;
	int32		shape;			/* its shape need not have a job in the queue */
	int32		lane;
	int16		priority;
	const int32 *lacking;		/* [ngroups] replicas; none negative */
} PmGrowing;

typedef struct PmQueue
{
	int			nrequests;
	PmRequest  *requests;
	int			nshapes;
	const PmShape *shapes;
	int			nlanes;			/* sub-pools; each is one queue */

	/*
	 * With quotas, caps or frozen lanes, all jobs of a shape are in one lane:
	 * what stopped one of them stops them all.
	 */
	PmLane	   *lanes;			/* [nlanes], or NULL: none has a quota */
	struct PmQuota *quota;		/* what the engine keeps of them */
	PmCap	   *pool_cap;		/* or NULL: none */
	const bool *lane_frozen;	/* [nlanes]: not looked at; or NULL: none is */

	int			njobs;
	PmJob	   *jobs;			/* any order; the engine sorts them in place */
	int			ngrowing;
	PmGrowing  *growing;		/* likewise */
} PmQueue;

/* Of which runs of its lane a job takes the place when there is no other */
typedef enum PmPreemption
{
	PM_PREEMPT_NEVER,			/* of none */
	PM_PREEMPT_LOWER,			/* of lower priority */
	PM_PREEMPT_NEWER_EQUAL		/* and of its own priority, submitted later */
} PmPreemption;

/* Of which runs of other lanes that hold more than is guaranteed to them */
typedef enum PmReclaim
{
	PM_RECLAIM_NEVER,			/* of none */
	PM_RECLAIM_LOWER,			/* of lower priority */
	PM_RECLAIM_ANY
} PmReclaim;

typedef struct PmPolicy
{
	PmQueuePolicy queue;
	PmPlacementPolicy placement;
	int64		now;			/* instant of the pass */
	PmPreemption preemption;
	PmReclaim	reclaim;
	int64		min_runtime;	/* that a run is safe for */
	int64		preemption_delay;	/* that a job waits before it preempts */
	bool		stops;			/* victims stop first, and hold what they have until then */
	PmJobOrder	order;
	int64		step_timeout;	/* stepped: how long a job withholds */
	int			reservations;	/* backfill: how many blocked jobs are given a
								 * time; 0: all */
	bool		backfill_shortest;	/* once they are, the shortest job first */
} PmPolicy;

/* Replicas of one task group on one node.  Replica k of n holds
 * devices[k * per .. (k + 1) * per - 1], per = ndevices / replicas; each of
 * them by device_share thousandths. */
typedef struct PmPlacement
{
	int			group;			/* number within the shape */
	int			node;			/* index into PmCluster.nodes */
	int			replicas;
	int			first_device;	/* into PmDecision.devices */
	int			ndevices;
	int			device_share;	/* 1000, the fraction, or 0 without devices */
} PmPlacement;

typedef struct PmStart
{
	int			job;			/* index into PmQueue.jobs, after sorting */
	int			run;			/* its number, where runs are kept; or -1 */
	int			first_placement;
	int			nplacements;	/* one for each (group, node) */
} PmStart;

/* More replicas of a run */
typedef struct PmGrowth
{
	int			growing;		/* index into PmQueue.growing, after sorting */
	int			first_placement;
	int			nplacements;	/* one for each (group, node) */
} PmGrowth;

/* Why a shape is not started, with the numbers behind it, from the nodes and
 * caps as they are at the end of the pass; reason.c says which numbers.  dimension is
 * PM_DIM_REPLICAS where the count of replicas is what is lacking.  Jobs behind
 * a blocked head (blocked_by) have PM_REASON_BEHIND_HEAD instead. */
#define PM_DIM_NONE		(-1)
#define PM_DIM_REPLICAS (-2)

typedef enum PmLevel
{
	PM_LEVEL_NONE,
	PM_LEVEL_POOL,				/* summed over the nodes that match; of a
								 * quota: less what other lanes keep at home */
	PM_LEVEL_NODE,				/* the best single node */
	PM_LEVEL_DOMAIN,			/* the best domain of PmBlock.topology_level */
	PM_LEVEL_PARENT				/* of a quota: a lane above */
} PmLevel;

typedef struct PmBlock
{
	PmReason	reason;			/* PM_REASON_NONE: not met, or started */
	PmLevel		level;
	int			topology_level; /* of PM_LEVEL_DOMAIN; else 0 */
	int			dimension;
	int64		needed;
	int64		available;
} PmBlock;

/* The time that a blocked job was given */
typedef struct PmReservation
{
	int			job;			/* index into PmQueue.jobs, after sorting */
	int64		at;
} PmReservation;

/* Replicas of a hold that go: the last ones of what is left of it */
typedef struct PmShed
{
	int			hold;			/* index into the run's holds */
	int			replicas;
} PmShed;

/* A run that goes, or shrinks, for a job.  One that shrinks may be named again. */
typedef struct PmVictim
{
	int			run;			/* index into PmCluster.runs */
	int			job;			/* index into PmQueue.jobs, after sorting */
	bool		whole;
	int			first_shed;		/* into PmDecision.sheds, unless whole */
	int			nsheds;
} PmVictim;

typedef struct PmDecision
{
	int			nstarts;
	PmStart    *starts;			/* in the order of the pass */
	int			nplacements;
	PmPlacement *placements;
	int			ndevices;
	int		   *devices;		/* device numbers, from 0 */
	PmBlock    *blocks;			/* [nshapes]: outcome of the last job met of
								 * each shape that was not started */
	int		   *blocked_by;		/* [nlanes]: index of the job that blocks the
								 * lane (fifo), or -1 */
	int			nreservations;	/* backfill */
	PmReservation *reservations;
	int			nlocks;			/* stepped: jobs for which something is withheld */
	int		   *locks;
	int64		examined;		/* jobs tried; those like one that failed are not */
	int			nvictims;		/* preemption */
	PmVictim   *victims;		/* job by job, in the order of the pass */
	int			nsheds;
	PmShed	   *sheds;
	int			nclaims;
	int		   *claims;			/* jobs that wait for runs to stop */
	int			ngrowths;
	PmGrowth   *growths;		/* in the order of the pass */
} PmDecision;

/* order.c: sort jobs as a pass looks at them */
extern void pm_order_jobs(PmJob *jobs, int njobs, PmJobOrder order);

/* pass.c: one scheduling pass; updates free and device_free of the nodes,
 * what lanes hold, and the pool's cap */
extern PmDecision *pm_pass(PmCluster *cluster, PmQueue *queue, const PmPolicy *policy);
extern int *pm_queue_turns(const PmCluster *cluster, PmQueue *queue);

/* forecast.c */
extern int64 *pm_forecast(PmCluster *cluster, PmQueue *queue, const PmPolicy *policy);

/* shut.c: in whose windows alone the jobs of a shape run; 0: in nobody's */
extern int	pm_owner_of(const PmQueue *queue, int s);

/* plan.c: later than the end of time is the end of time */
extern int64 pm_time_add(int64 at, int64 length);

/* reason.c */
extern const char *pm_reason_name(PmReason reason);
extern const char *pm_level_name(PmLevel level);

#endif							/* PM_ENGINE_H */
