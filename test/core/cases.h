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

#define NDIMS		3			/* by name: cpu, mem, gpu */
#define MAX_NODES	4
#define MAX_JOBS	6
#define MAX_GROUPS	2
#define NLANES		2

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
	CaseCap		lane_caps[NLANES];
	CaseCap		pool_cap;
	bool		frozen[NLANES];
} Case;

/* case_run.c: run a case and compare */
extern void core_run_case(const Case *c);

#endif							/* CORE_CASES_H */
