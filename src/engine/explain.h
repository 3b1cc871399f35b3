/*-------------------------------------------------------------------------
 *
 * explain.h
 *	  Why a job waits, and what would start it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_EXPLAIN_H
#define PM_EXPLAIN_H

#include "engine/engine.h"

/* What a node can fail first for a task group, in the order of the tests */
typedef enum PmNodeTest
{
	PM_TEST_RESERVATION,		/* it is not in the job's reservation, or not for
								 * as long as the job may run */
	PM_TEST_BOUND,				/* it takes another sub-pool's jobs alone */
	PM_TEST_SELECTOR,			/* it lacks a label */
	PM_TEST_TAINT,				/* it has a taint that is not tolerated */
	PM_TEST_NO_DOMAIN,			/* it is in no domain of a level asked for */
	PM_TEST_TOO_SMALL,			/* empty, it would not hold a replica */
	PM_TEST_MAINTENANCE,		/* it is to be empty before the job must have ended */
	PM_TEST_RESERVED,			/* others have reserved it, now or before the job
								 * must have ended */
	PM_TEST_NO_ROOM,			/* too little is free */
	PM_TEST_FITS				/* it would hold a replica */
} PmNodeTest;

#define PM_NODE_TESTS	(PM_TEST_FITS + 1)

/* Nodes that fail the same test, where it is about resources in the same
 * dimension: the one that lacks most */
typedef struct PmTested
{
	PmNodeTest	test;
	int			dimension;		/* or PM_DIM_NONE */
	int64		nodes;
	int64		needed;
	int64		available;		/* on the best of them */
} PmTested;

/* A job of a queue, in a pool as it is at the instant of the policy */
typedef struct PmCase
{
	const PmCluster *cluster;
	const PmQueue *queue;
	const PmPolicy *policy;
	int64		job_id;
} PmCase;

/* The job as it might have been submitted instead, now */
typedef struct PmInstead
{
	const PmTaskGroup *group;	/* in place of its only one; NULL: as it is */
	const int64 *amounts;		/* what that asks for; NULL: as it is */
	int64		time_limit;		/* 0: as it is */
} PmInstead;

/* What a pass would do; everything is a copy */
typedef struct PmWouldBe
{
	PmQueue		queue;
	PmDecision *decision;
	int			job;			/* index of the job */
	int			replicas;		/* that start of it; 0: it does not */
	PmBlock		block;			/* why not */
	bool		claims;			/* runs are being stopped for it */
} PmWouldBe;

extern const char *pm_test_name(PmNodeTest test);
extern int	pm_test_nodes(const PmCase *it, int group, PmTested **tested);
extern void pm_copy_pool(const PmCase *it, PmCluster *cluster, PmQueue *queue);
extern PmWouldBe *pm_what_if(const PmCase *it, const PmInstead *instead);

/* The nearest change of a kind with which a pass would start the job: 0, NULL
 * if there is none */
extern int	pm_fewer_replicas(const PmCase *it);
extern int64 *pm_smaller_request(const PmCase *it);
extern int64 pm_shorter_limit(const PmCase *it);

#endif							/* PM_EXPLAIN_H */
