/*-------------------------------------------------------------------------
 *
 * engine_internal.h
 *	  What the files of the engine share with each other, and with nobody
 *	  else.
 *
 * Everything here lives for one pass, in one scratch context.  Vocabulary:
 *
 * kind		nodes that are alike when empty: same configuration, capacity,
 *			accelerator and number of devices
 * class	nodes that are alike now: same kind, free resources and multiset
 *			of free devices.  A class is a state: it never changes, nodes move
 *			from one to another
 * search	what is known of one request in this pass: which configurations
 *			match, which classes it fits, how many replicas could at most
 *			still be placed
 * take		replicas of one task group put on one node
 * space	the nodes of a pass with all of the above
 * cap		what a lane, or the pool, may still be given (cap.c, quota.c)
 *
 * plan		what nodes will have: ends of runs, reservations
 *
 * Free resources and caps only shrink during a pass (undo gives back no more
 * than the same job took), so what failed once fails for the rest of the pass.
 * Between passes, when looking ahead and to make room they grow; who gives
 * back says so by pm_space_grew().
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_ENGINE_INTERNAL_H
#define PM_ENGINE_INTERNAL_H

#include "engine/engine.h"

#define PM_SHARE_BITS	20		/* shares are in steps of 2^-20 */

/*
 * How many bytes of classes all searches together, and how many choices all
 * heaps of reserve.c together keep: 512 MB each.  Beyond, they are dropped and
 * found again when needed.
 */
#ifndef PM_MAX_HELD
#define PM_MAX_HELD			(INT64CONST(1) << 29)
#endif
#ifndef PM_MAX_CHOICES
#define PM_MAX_CHOICES		(INT64CONST(1) << 26)
#endif

/* The same for the numbers that views of the topology keep (domain.c) */
#ifndef PM_MAX_FITS
#define PM_MAX_FITS			(INT64CONST(1) << 26)
#endif

/* Reciprocal of a capacity, see score.c */
typedef struct PmScale
{
	uint64		factor;
	int			shift;
	int			cut;			/* low bits dropped from both sides first */
} PmScale;

typedef struct PmKind
{
	int			config;
	int			accelerator;	/* dimension, or -1 */
	int			ndevices;
	const int64 *capacity;		/* [ndims] */
	PmScale    *scale;			/* [ndims] */
	int			nnodes;
} PmKind;

typedef struct PmClass
{
	int			kind;
	int			whole;			/* devices that are entirely free */
	int32		most;			/* free on the freest device */
	int			nnodes;			/* members now */
	int			nheap;			/* entries, those of nodes that left included */
	int			maxheap;
	int32	   *heap;			/* node indexes, lowest first */
	uint64		hash;
	uint32		stamp;			/* last count that saw this class */
	uint32		generation;		/* of which state it is: it may be used again */
	bool		unused;			/* of none */
} PmClass;

typedef struct PmCandidate
{
	uint64		score;			/* smaller is better */
	int32		node;			/* lowest of the class when entered */
	int32		class;
	uint32		generation;		/* of the class */
} PmCandidate;

/* A class that may be a candidate, and its lowest node then */
typedef struct PmTold
{
	int32		class;
	int32		node;
} PmTold;

typedef struct PmSearch
{
	const PmRequest *request;
	const bool *match;			/* [nconfigs] */
	bool		matches;		/* any configuration at all */
	int			ndims;			/* dimensions asked for */
	int		   *dims;
	bool		opened;
	int64		bound;			/* no more replicas than this fit, */
	uint64		bounded_in;		/* unless the space has grown since */
	int			ncandidates;	/* a heap */
	int			maxcandidates;
	PmCandidate *candidates;
	int			ntold;			/* what it was told and has not looked at yet */
	int			maxtold;
	PmTold	   *told;
} PmSearch;

typedef struct PmTake
{
	PmSearch   *search;
	int			group;
	int			node;
	int			replicas;
	int			first_device;	/* into PmSpace.take_devices */
	int			ndevices;
	int			device_share;
	int			from_class;
} PmTake;

/* The tree of quotas (quota.c) */
typedef struct PmQuota PmQuota;

typedef struct PmSpace
{
	PmCluster  *cluster;
	const PmQueue *queue;
	PmPlacementPolicy placement;
	bool		least;			/* jobs are placed with their minimum only */
	MemoryContext context;

	int			nkinds;
	PmKind	   *kinds;
	int32	   *node_kind;		/* [nnodes] */

	int			maxdevices;		/* of any node */
	int			nclasses;
	int			maxclasses;
	PmClass    *classes;
	int64	   *class_free;		/* [nclasses][ndims] */
	int32	   *class_devices;	/* [nclasses][maxdevices], most free first */
	int32	   *node_class;		/* [nnodes] */
	int			nunused;
	int			maxunused;
	int32	   *unused;			/* classes of no state */
	int32	   *slots;			/* hash table: class + 1, or 0 */
	uint32		slot_mask;
	int			nstale;
	int32	   *stale;			/* [nnodes]: whose class is to be looked up anew */
	bool	   *is_stale;		/* [nnodes] */
	int32	   *sort_devices;	/* [maxdevices] scratch */
	uint32		stamp;
	uint64		growth;			/* how often something was given back */

	PmSearch   *searches;		/* [nrequests] */
	int			looks;			/* each time that it is asked, a search looks for so
								 * many candidates more; 0: for all there are */
	int			nopen;			/* searches that are to be told of changes */
	struct PmFitting *fitting;	/* made when the first is */
	int64		held;			/* bytes of what they keep */
	int		  **group_order;	/* [nshapes]: in which order groups are placed */
	int64	   *reached;		/* [nshapes]: replicas placed before a job of
								 * several groups failed */

	struct PmTopology *topology;	/* made when a rule first asks for it */

	const bool *closed;			/* [nnodes]: to jobs of the turn at hand, now; or
								 * NULL: none are */
	int			lane;			/* of the job at hand; -1: no cap holds for it */
	PmCap	   *pool_cap;		/* for the job at hand; NULL: none */

	int			ntakes;			/* of the job at hand */
	int			maxtakes;
	PmTake	   *takes;
	int			ntake_devices;
	int			maxtake_devices;
	int		   *take_devices;
	int32	   *take_of_node;	/* [nnodes] scratch of place.c, or NULL */
} PmSpace;

/* A dimension that lacks something */
typedef struct PmLack
{
	int			dimension;		/* or PM_DIM_REPLICAS, PM_DIM_NONE */
	int64		needed;
	int64		available;
} PmLack;

/* Resources withheld for blocked jobs (reserve.c) */
typedef struct PmReserve PmReserve;

/* The jobs that wait (backlog.c) */
typedef struct PmBacklog PmBacklog;

/* What nodes will have in the future (plan.c) */
typedef struct PmPlan PmPlan;

/* Claims of jobs that wait for runs to stop (claim.c) */
typedef struct PmClaims PmClaims;

/* Nodes that are no use to a job (shut.c) */
typedef struct PmShut PmShut;

/* Victims for jobs that are blocked (preempt.c) */
typedef struct PmPreempt PmPreempt;

typedef enum PmRoom
{
	PM_ROOM_NONE,
	PM_ROOM_MADE,				/* the job is placed */
	PM_ROOM_CLAIMED				/* it will be, when runs have stopped */
} PmRoom;

/* What the nodes have at one moment, for reasons (reason.c) */
typedef struct PmFacts PmFacts;

#define pm_class_free(space, class) \
	((space)->class_free + (size_t) (class) * (space)->cluster->ndims)
#define pm_class_devices(space, class) \
	((space)->class_devices + (size_t) (class) * (space)->maxdevices)

/* How many replicas of a group are placed if there is room for them */
static inline int
pm_wanted(const PmSpace *space, const PmTaskGroup *group)
{
	return space->least ? group->min_replicas : group->replicas;
}

/* One step of a hash over 64-bit words */
static inline uint64
pm_mix(uint64 hash, uint64 word)
{
	hash = (hash ^ word) * UINT64CONST(0x9E3779B97F4A7C15);
	return hash ^ (hash >> 29);
}

/* space.c */
extern PmSpace *pm_space_create(PmCluster *cluster, const PmQueue *queue,
								PmPlacementPolicy placement);
extern void *pm_grow(MemoryContext context, void *array, int *max, int needed, size_t size);

extern void pm_space_grew(PmSpace *space);
extern void pm_space_give(PmSpace *space, const PmHold *holds, int nholds);
extern void pm_space_take(PmSpace *space, const PmHold *holds, int nholds);

/* match.c */
extern bool pm_config_has_owner(const PmNodeConfig *config, int owner);
extern bool pm_config_matches(const PmNodeConfig *config, const PmRequest *request);
extern void pm_match_requests(PmSpace *space);

/* score.c */
extern void pm_scale_init(PmScale *scale, int64 capacity);
extern uint64 pm_share(const PmScale *scale, int64 amount);
extern uint64 pm_score(const PmSpace *space, const PmRequest *request,
					   const PmKind *kind, const int64 *free, const int32 *devices);
extern int64 pm_score_run(const PmSpace *space, const PmSearch *search, int c, int64 limit);
extern uint64 pm_shortfall(const PmSearch *search, const PmKind *kind,
						   const PmNode *node);

/* device.c */
extern bool pm_fits(const PmSearch *search, const PmKind *kind,
					const int64 *free, int whole, int32 most);
extern bool pm_node_fits(const PmSearch *search, const PmKind *kind, const PmNode *node);
extern int64 pm_copies(const PmSearch *search, const PmKind *kind,
					   const int64 *free, int whole, const int32 *devices,
					   int64 limit);
extern int64 pm_copies_when_empty(const PmSearch *search, const PmKind *kind, int64 limit);
extern int64 pm_freest_devices(const PmNode *node, int64 n);
extern int	pm_devices_per_replica(const PmNode *node, const PmRequest *request, int *share);
extern int	pm_fullest_device(const int32 *device_free, int ndevices, int64 amount);
extern void pm_node_take(PmNode *node, const PmSearch *search, int replicas, int *devices);
extern void pm_node_give(PmNode *node, const PmSearch *search, int replicas,
						 const int *devices, int ndevices, int share);
extern void pm_node_withhold(PmNode *node, const PmSearch *search);

/* class.c */
extern void pm_class_reuse(PmSpace *space);
extern void pm_class_enter(PmSpace *space, int node, int c);
extern int	pm_class_of_node(PmSpace *space, int n);
extern void pm_class_move(PmSpace *space, int node, int c);
extern void pm_class_defer(PmSpace *space, int node);
extern void pm_class_catch_up(PmSpace *space);
extern int	pm_class_lowest(PmSpace *space, int c);

/* fit.c */
typedef struct PmFitting PmFitting;

extern const uint64 *pm_fitting(PmSpace *space, int c, int *nwords);

/* search.c */
extern void pm_search_tell(PmSpace *space, int c, int node);
extern int	pm_search_best(PmSpace *space, PmSearch *search);
extern int64 pm_search_count(PmSpace *space, PmSearch *search, int64 limit);
extern int64 pm_search_bound(const PmSpace *space, const PmSearch *search);
extern void pm_search_set_bound(const PmSpace *space, PmSearch *search, int64 bound);
extern int64 pm_search_count_empty(const PmSpace *space, const PmSearch *search, int64 limit);

/* quota.c */
extern PmQuota *pm_quota_create(const PmCluster *cluster, const PmQueue *queue);
extern int	pm_lane_of(const PmQueue *queue, int64 sub_pool_id);
extern int64 pm_lane_available(const PmQuota *quota, int lane, int d, PmLevel *level);
extern int64 pm_lane_potential(const PmQuota *quota, int lane, int d, PmLevel *level);
extern bool pm_lane_would_borrow(const PmQueue *queue, int lane, int s);
extern bool pm_lane_owes(const PmQuota *quota, int lane, int to, int d);
extern void pm_lane_take(PmQuota *quota, int lane, int d, int64 amount);

/* cap.c */
extern void pm_caps_choose(PmSpace *space, int lane);
extern void pm_caps_ignore(PmSpace *space);
extern PmBlock pm_caps_block(const PmSpace *space, int s);
extern int64 pm_caps_copies(const PmSpace *space, const PmSearch *search, int64 limit);
extern void pm_caps_return(PmSpace *space, int lane, const PmHold *hold);
extern void pm_caps_take(PmSpace *space, const PmSearch *search, int64 replicas);

/*
 * domain.c: the topology as a tree, and how many replicas each domain holds.
 *
 * Domains are numbered level by level: the pool, which is level 0, then the
 * named levels, each in the order of first nodes; then the nodes.
 */
typedef struct PmTopology
{
	int			nlevels;		/* named ones */
	int			ninner;			/* domains that are not nodes */
	int32	   *first_of_level; /* [nlevels + 3]: nodes and the end included */
	int32	   *level;			/* [ninner] */
	bool	   *named;			/* [ninner]: false: of nodes without a domain there */
	int32	   *parent;			/* [ninner + nnodes], -1: the pool's */
	int32	   *first_child;	/* [ninner + 1], into children */
	int32	   *children;

	int			nviews;
	int			maxviews;
	struct PmView **views;
	int32	   *view_of_request;	/* [nrequests]: first of a chain, or -1 */
	int64		held;			/* numbers there is room for in all */

	int			nmoved;			/* nodes that changed, in order of time */
	int			maxmoved;
	int32	   *moved;
	int32	   *last_move;		/* [nnodes]: index of each node's latest there */
} PmTopology;

/* What the domains hold of one request under one rule */
typedef struct PmView
{
	PmSearch   *search;
	int			group_level;
	int			group_size;
	int			spread_level;
	int			max_per_domain;
	bool		empty;			/* what they hold when nodes are empty */
	int			next;			/* view of the same request, or -1 */
	int			cursor;			/* first moved node not yet looked at */
	int64	   *fit;			/* [ninner + nnodes]: replicas; NULL: not open */
	int64	   *sum;			/* [ninner]: over the children */
	int32	   *held;			/* [ninner + nnodes]: of the job at hand already,
								 * by domain of the spread level */
} PmView;

#define pm_is_node(topology, domain) ((domain) >= (topology)->ninner)

extern void pm_topology_begin(PmSpace *space);
extern void pm_topology_moved(PmSpace *space, int node);
extern int	pm_topology_level(const PmTopology *topology, int domain);
extern PmView *pm_view(PmSpace *space, const PmTaskGroup *group);
extern PmView *pm_view_when_empty(PmSpace *space, const PmTaskGroup *group);
extern int *pm_domain_nodes(const PmSpace *space, int domain, int *n);
extern void pm_view_hold(PmSpace *space, PmView *view, int node, int replicas);

/* topology.c */
extern bool pm_topology_rules(const PmShape *shape);
extern bool pm_topology_place(PmSpace *space, int s);
extern PmBlock pm_topology_block(PmSpace *space, int s);
extern int	pm_topology_awaited(PmSpace *space, int s);

/* place.c */
extern void pm_take_on_node(PmSpace *space, PmSearch *search, int group, int n, int count);
extern bool pm_place_shape(PmSpace *space, int s);
extern bool pm_each_fits_alone(PmSpace *space, const PmShape *shape);
extern int64 pm_place_minimum(PmSpace *space, int s);
extern int64 pm_place_more(PmSpace *space, int s, const int32 *counts);
extern bool pm_place_job(PmSpace *space, const PmJob *job);
extern void pm_place_undo(PmSpace *space);
extern PmHold *pm_holds_of_takes(const PmSpace *space, MemoryContext context);

/* reserve.c */
extern PmReserve *pm_reserve_create(PmSpace *space);
extern bool pm_reserve_shape(PmReserve *reserve, int s);
extern const int *pm_reserve_kept(const PmReserve *reserve, int *n);
extern void pm_reserve_release(PmReserve *reserve);

/* backlog.c */
extern PmBacklog *pm_backlog_create(const PmQueue *queue, bool by_limit, bool one_lane);
extern void pm_backlog_add(PmBacklog *backlog, int job);
extern void pm_backlog_begin(PmBacklog *backlog);
extern int	pm_backlog_first(const PmBacklog *backlog);
extern void pm_backlog_take(PmBacklog *backlog);
extern void pm_backlog_put_aside(PmBacklog *backlog);
extern void pm_backlog_sleep(PmBacklog *backlog);
extern void pm_backlog_close_lane(PmBacklog *backlog);
extern void pm_backlog_go_on_shortest(PmBacklog *backlog);
extern void pm_backlog_end(PmBacklog *backlog);

/* plan.c */
extern PmPlan *pm_plan_create(PmSpace *space, int64 now);
extern void pm_plan_run(PmPlan *plan, int64 planned_end, const PmHold *holds, int nholds);
extern void pm_plan_close_node(PmPlan *plan, int node, int64 since, int64 until);
extern PmSpace *pm_plan_space(PmPlan *plan, int64 until);
extern void pm_plan_changed(PmPlan *plan, int node);
extern void pm_plan_started(PmPlan *plan, const PmHold *holds, int nholds);
extern int64 pm_plan_reserve(PmPlan *plan, int s, int64 length, bool for_ever);

/* hold.c */
extern void pm_hold_give(PmSpace *space, const PmRunning *run, const PmHold *hold,
						 int first, int count);
extern void pm_hold_take(PmSpace *space, const PmRunning *run, const PmHold *hold,
						 int first, int count);
extern void pm_run_give(PmSpace *space, const PmRunning *run);
extern void pm_run_take(PmSpace *space, const PmRunning *run);

/* claim.c */
extern PmClaims *pm_claims_create(PmSpace *space);
extern bool pm_claims_expect(const PmClaims *claims);
extern void pm_claims_open(PmClaims *claims);
extern void pm_claims_close(PmClaims *claims);
extern void pm_claims_add(PmClaims *claims, int job);
extern bool pm_claims_has(const PmClaims *claims, int job);
extern void pm_claims_release(PmClaims *claims, int job);
extern void pm_claims_await(PmClaims *claims, int run);

/* shut.c */
extern bool pm_window_closes(const PmWindow *window, int owner, int64 *since, int64 *until);
extern bool pm_owner_is_open(const PmCluster *cluster, int owner, int64 now);
extern PmShut *pm_shut_create(PmSpace *space);
extern void pm_shut_until(PmShut *shut, int64 now, int64 until, int owner, bool maintenance);
extern void pm_shut_nodes(PmShut *shut, int64 now, const PmJob *job);
extern void pm_shut_reopen(PmShut *shut);
extern bool pm_shut_has(const PmShut *shut, const PmRunning *run);

/* keep.c */
extern void pm_keep_claims(PmClaims *claims, PmSpace *space, PmShut *shut, int64 now);

/* reclaim.c */
extern void pm_reclaim_lacks(PmSpace *space, const PmJob *job, bool *lacks);
extern bool pm_reclaim_from(const PmSpace *space, const PmRunning *run, const PmJob *job,
							const bool *lacks);

/* preempt.c */
extern PmPreempt *pm_preempt_create(PmSpace *space, PmQueue *queue, const PmPolicy *policy,
									int64 now, PmDecision *decision, MemoryContext caller);
extern bool pm_preempt_release(PmPreempt *preempt, int job);
extern PmRoom pm_preempt_for(PmPreempt *preempt, int job);

/* reason.c */
extern int64 pm_minimum_amount(const PmQueue *queue, const PmShape *shape,
							   int first, int last, int dim);
extern void pm_note_lack(PmLack *worst, int dimension, int64 needed, int64 available);
extern PmBlock pm_make_block(PmReason reason, PmLevel level, const PmLack *lack);
extern PmFacts *pm_facts_create(PmSpace *space);
extern PmBlock pm_explain_shape(PmFacts *facts, int s);

#endif							/* PM_ENGINE_INTERNAL_H */
