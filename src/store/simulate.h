/*-------------------------------------------------------------------------
 *
 * simulate.h
 *	  What a simulation reads: nodes and jobs, from two queries of the caller.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_STORE_SIMULATE_H
#define PM_STORE_SIMULATE_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"

#include "engine/simulate.h"
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
} PmSimJobRow;

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
} PmSimChecks;

typedef struct PmSimInput
{
	PmCluster	cluster;
	char	  **dimensions;		/* [cluster.ndims] resource names */
	char	  **node_names;		/* [cluster.nnodes] */
	PmQueue		queue;			/* jobs as pm_simulate() wants them */
	int64	   *job_ids;		/* [queue.njobs], ascending */
	int64	   *durations;		/* [queue.njobs] */
} PmSimInput;

/* Runs both queries as the current role; everything is palloc'd in the current
 * context */
extern PmSimInput *pm_read_simulation(const char *node_query, const char *job_query,
									  const PmSimLevels *levels, const PmSimChecks *checks);

#endif							/* PM_STORE_SIMULATE_H */
