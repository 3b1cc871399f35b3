/*-------------------------------------------------------------------------
 *
 * core.h
 *	  What the files of the engine's harness share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CORE_H
#define CORE_H

#include "engine/engine.h"

/* stub.c */
extern void core_fresh_memory(void);
extern void core_free_memory(void);

/* core_test.c: count a check, print it if it failed */
extern bool core_check(bool ok, const char *format,...) pg_attribute_printf(2, 3);

/* random.c: a small generator of numbers and of whole inputs */
extern void core_seed(uint64 seed);
extern uint64 core_next(void);
extern int64 core_between(int64 low, int64 high);
extern PmCluster *core_random_cluster(int size);
extern PmQueue *core_random_queue(const PmCluster *cluster, int size);
extern void core_random_lanes(const PmCluster *cluster, PmQueue *queue, int size);
extern void core_random_caps(const PmCluster *cluster, PmQueue *queue, int size);
extern PmCluster *core_copy_cluster(const PmCluster *cluster);
extern PmQueue *core_copy_queue(const PmCluster *cluster, const PmQueue *queue);
extern void core_shuffle_jobs(PmQueue *queue);

/* reference.c: the rules, done slowly */
typedef struct RefReplica
{
	int			job;			/* index into the sorted jobs */
	int			group;
	int			node;
	int			ndevices;
	int			devices[16];
	int			share;
} RefReplica;

typedef struct RefDecision
{
	int			nstarts;
	int		   *starts;			/* job indexes, after sorting */
	int			nreplicas;
	RefReplica *replicas;		/* in the order of placement */
	bool	   *blocked;		/* [nshapes] */
	int		   *blocked_by;		/* [nlanes] */
	PmReason   *reasons;		/* [nshapes] */
	int64	   *needed;			/* [nshapes], -1: not computed */
	int64	   *available;
	int			nlocks;
	int		   *locks;			/* stepped, tiered: jobs for which something is withheld */
} RefDecision;

/* reference_cap.c: the recursion of quotas, done slowly */
extern int64 ref_lane_available(const PmQueue *queue, const int64 *pool_free, int lane, int d);
extern int128 ref_held_below(const PmQueue *queue, int lane, int d);
extern int128 ref_kept_idle(const PmQueue *queue, int d);

extern RefDecision *ref_pass(PmCluster *cluster, PmQueue *queue, const PmPolicy *policy);

/* cases.c and property.c: the tests */
extern void core_cases(void);
extern void core_properties(int rounds);
extern bool core_same_decision(const PmDecision *decision, const RefDecision *ref,
							   const PmQueue *queue);
extern bool core_same_nodes(const PmCluster *a, const PmCluster *b);

/* cases_time.c and property_time.c */
extern void core_time_cases(void);
extern void core_time_properties(int rounds);

/* property_owner.c: reservations; the pass looks at their jobs first */
extern void core_random_owners(PmCluster *cluster, PmQueue *queue, int64 now);
extern void core_owner_round(int round, PmCluster *cluster, PmQueue *queue, const PmPolicy *policy);

/* property_priority.c */
extern void core_priorities(int rounds);

/* property_grow.c: what runs grow into */
extern void core_growth_properties(int rounds);

/* property_topology.c: rules of topology against every way there is */
extern void core_topology_properties(int rounds);

/* property_cap.c: rules of caps and frozen lanes, whatever the reference says */
extern bool core_caps_agree(const PmDecision *decision, const PmCluster *cluster,
							const PmQueue *queue, const PmQueue *before);
extern bool core_quotas_kept(const PmDecision *decision, const PmCluster *cluster,
							 const PmCluster *start, const PmQueue *queue,
							 const PmQueue *before);
extern void core_quota_properties(int rounds);
extern bool core_cut_only_by_need(const PmDecision *decision, const PmCluster *cluster,
								  const PmQueue *queue);
extern bool core_frozen_wait(const PmDecision *decision, const PmQueue *queue);

/* property_preempt.c */
extern void core_preemption(int rounds);

#endif							/* CORE_H */
