/*-------------------------------------------------------------------------
 *
 * cases.h
 *	  The form of a case made by hand: what goes in and, in one line, what
 *	  comes out.
 *
 *		start JOB [gGROUP] nNODE xREPLICAS [dDEVICE,...[@SHARE]]
 *		wait JOB REASON [[LEVEL] DIMENSION NEEDED/AVAILABLE]
 *
 * starts in the order of the pass, then those that wait in queue order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CORE_CASES_H
#define CORE_CASES_H

#include "core.h"

#define GIB			(INT64CONST(1) << 30)
#define FIFO		PM_QUEUE_FIFO
#define TRAVERSAL	PM_QUEUE_TRAVERSAL
#define RESERVE		PM_QUEUE_RESERVE
#define ANY			PM_CAP_NONE

#define NDIMS		3			/* by name: cpu, mem, gpu */
#define MAX_NODES	4
#define MAX_JOBS	6
#define MAX_GROUPS	2
#define NLANES		4

typedef struct CaseNode
{
	int64		capacity[NDIMS];
	int64		used[NDIMS];
	int			ngpus;			/* tracked one by one if not 0 */
	int32		gpu_used[8];
	PmLabel		label;			/* key 0: none */
	PmLabel		taint;			/* key 0: none */
} CaseNode;

typedef struct CaseGroup
{
	int			replicas;
	int			min;			/* 0: all */
	int64		request[NDIMS];
} CaseGroup;

typedef struct CaseJob
{
	int			id;
	int			priority;
	int			submitted;
	int			lane;
	bool		restarted;
	CaseGroup	groups[MAX_GROUPS];
	PmLabel		selector;		/* key 0: none */
	PmLabel		toleration;		/* key 0: none */
	bool		impossible;
} CaseJob;

/* A lane with a quota; what is not listed of a vector is 0 */
#define Q(...) ((const int64[NDIMS]) {__VA_ARGS__})

typedef struct CaseLane
{
	int			above;			/* number of the lane above, from 1; 0: the pool */
	const int64 *guaranteed;
	const int64 *upper;
	const int64 *borrow;
	const int64 *lend;
	const int64 *held;
} CaseLane;

typedef struct CaseCap
{
	bool		limited;
	int64		replicas;
	int64		available[NDIMS];
} CaseCap;

typedef struct Case
{
	const char *name;
	PmQueuePolicy queue;
	PmPlacementPolicy placement;
	CaseNode	nodes[MAX_NODES];	/* up to the first without capacity */
	CaseJob		jobs[MAX_JOBS]; /* up to the first without id */
	const char *expected;
	CaseLane	lanes[NLANES];
	CaseCap		pool_cap;
	bool		frozen[NLANES];
} Case;

/* cases_cap.c */
extern void core_cap_cases(void);

/* cases_place.c */
extern void core_placement_cases(void);

/* case_run.c: run a case and compare */
extern void core_run_case(const Case *c);

#endif							/* CORE_CASES_H */
