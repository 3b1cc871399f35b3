/*-------------------------------------------------------------------------
 *
 * simulate.h
 *	  What a simulation reads: nodes, jobs and quotas, from queries of the
 *	  caller.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_STORE_SIMULATE_H
#define PM_STORE_SIMULATE_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"

#include "engine/simulate.h"
#include "store/submit.h"
#include "store/terms.h"
#include "types/resource_list.h"

typedef struct PmSimNodeRow
{
	char	   *name;
	PmResourceList *resources;
	int32		count;			/* more than 1: such nodes, named name-1 and so on */
	Jsonb	   *labels;
	Jsonb	   *taints;
	char	   *sub_pool;		/* whose jobs alone they take; NULL: anybody's */
	char	   *accelerator;	/* resource tracked by device, NULL: none */
	Jsonb	   *topology;		/* its domain at each level */
} PmSimNodeRow;

typedef struct PmSimJobRow
{
	int64		job_id;
	TimestampTz submitted_at;
	PmResourceList *request;
	Interval   *duration;		/* NULL: does not end by itself */
	int32		replicas;
	int32		min_replicas;
	Interval   *time_limit;		/* NULL: none */
	int32		priority;
	bool		preemptible;
	char	   *tenant;
	char	   *sub_pool;
	Jsonb	   *node_selector;
	Jsonb	   *tolerations;
	char	   *affinity_level; /* as those of submit_job; NULL, 0: none */
	bool		affinity_required;
	char	   *group_level;
	int32		group_size;
	char	   *spread_level;
	int32		max_per_domain;
	char	   *depends_on;		/* as that of submit_job; NULL: nothing */
	int			ndependencies;	/* read from it, by clause */
	PmDependency *dependencies;
} PmSimJobRow;

/* A sub-pool of the tree of quotas, as the table has it */
typedef struct PmSimQuotaRow
{
	char	   *tenant;			/* whose it is */
	char	   *name;			/* NULL: the share for work that names none */
	char	   *parent;			/* NULL: a part of the pool itself */
	PmResourceList *guaranteed;
	PmResourceList *upper;		/* NULL: no bound */
	PmResourceList *borrow_limit;	/* NULL: no limit */
	PmResourceList *lend_limit; /* NULL: no limit */
} PmSimQuotaRow;

/* Levels of the topology, widest first */
typedef struct PmSimLevels
{
	int			count;
	char	  **names;
} PmSimLevels;

/* What a row must be is for the caller to say, which may also complete it */
typedef struct PmSimChecks
{
	void		(*node) (PmSimNodeRow *row, const PmSimLevels *levels);
	void		(*job) (PmSimJobRow *row, const PmSimLevels *levels);
	void		(*quota) (const PmSimQuotaRow *row);
} PmSimChecks;

typedef struct PmSimQueries
{
	const char *nodes;
	const char *jobs;
	const char *quotas;			/* NULL: there are none */
} PmSimQueries;

typedef struct PmSimInput
{
	PmCluster	cluster;
	const PmTerms *terms;
	char	  **node_names;		/* [cluster.nnodes] */
	PmQueue		queue;			/* jobs as pm_simulate() wants them */
	int64	   *job_ids;		/* [queue.njobs], ascending */
	int64	   *durations;		/* [queue.njobs] */
	bool	   *preemptible;	/* [queue.njobs], or NULL: nobody is */
	int			ndependencies;
	PmSimDependency *dependencies;	/* a job's together, by clause */
} PmSimInput;

/* Runs the queries as the current role; everything is palloc'd in the current
 * context */
extern PmSimInput *pm_read_simulation(const PmSimQueries *queries, const PmSimLevels *levels,
									  const PmSimChecks *checks);

#endif							/* PM_STORE_SIMULATE_H */
