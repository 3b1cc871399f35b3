/*-------------------------------------------------------------------------
 *
 * reference.h
 *	  What the files of the slow reference share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CORE_REFERENCE_H
#define CORE_REFERENCE_H

#include "core.h"

typedef struct Ref
{
	PmCluster  *cluster;
	PmQueue    *queue;
	PmPolicy	policy;
	int			maxreplicas;
	RefDecision *decision;
	int64	  **withheld;		/* [nnodes][ndims] */
	int32	  **withheld_devices;
	bool	   *hopeless;		/* [nshapes]: capacities did not hold it, or
								 * nothing more was withheld for it */
	int64	   *pool_free;		/* [ndims]: of all nodes, withheld or not */
} Ref;

/* Compared in this order, smaller is better */
typedef struct RefScore
{
	int64		behind;			/* of a node with accelerator, without asking for one */
	int64		waste;			/* pack: in eighths of a device */
	int64		share;			/* pack: dominant free; spread: greatest in use */
	int64		accelerator;	/* pack: free of it */
} RefScore;

extern int64 ref_share_of(int64 amount, int64 capacity);
extern bool ref_wants_accelerator(const PmCluster *cluster, const PmRequest *request);
extern RefScore ref_score(const Ref *ref, const PmNode *node, const PmRequest *request);
extern bool ref_less(RefScore a, RefScore b);
extern bool ref_matches(const PmCluster *cluster, const PmNode *node, const PmRequest *request);
extern PmCluster *ref_emptied(const PmCluster *cluster);
extern int	ref_place(Ref *ref, PmCluster *cluster, int job, const PmShape *shape,
					  int g, int count);
extern void ref_hardest_first(const Ref *ref, const PmShape *shape, int *order);
extern bool ref_try_shape(Ref *ref, PmCluster *cluster, int job, const PmShape *shape);
extern void ref_explain(Ref *ref, int s);
extern bool ref_cap_allows(const Ref *ref, int lane, const PmRequest *request);
extern void ref_cap_count(const Ref *ref, int lane, const PmRequest *request, int sign);
extern PmReason ref_cap_reason(const Ref *ref, int lane, const PmShape *shape,
							   int64 *needed, int64 *available);
extern bool ref_would_borrow(const Ref *ref, int lane, const PmShape *shape);

#endif							/* CORE_REFERENCE_H */
