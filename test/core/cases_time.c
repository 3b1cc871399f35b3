/*-------------------------------------------------------------------------
 *
 * cases_time.c
 *	  Cases made by hand: maintenance, as passes and forecasts see it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"

#define NOW 100
#define MAX_NODES 2
#define MAX_JOBS 3

/* Nodes of cpu = 8, and jobs of one replica each */
typedef struct TimeCase
{
	const char *name;
	PmQueuePolicy queue;
	int			nnodes;
	int64		free[MAX_NODES];
	int			nwindows;
	PmWindow	windows[2];
	int			njobs;
	struct
	{
		int64		cpu;
		int64		time_limit;
	}			jobs[MAX_JOBS];
	int			nstarts;		/* at once */
	int64		promised;		/* to the first that waits; 0: nothing */
	int64		forecast;		/* of the first job; 0: not asked */
} TimeCase;

static const TimeCase cases[] = {
	{
		"what is over closes no node, and nothing is promised for then", PM_QUEUE_BACKFILL,
		1, {8}, 2, {{0, 90, 95}, {0, 102, 105}}, 1, {{8, 5}}, 0, 105, 105
	},
	{
		"what ends now closes no node", PM_QUEUE_BACKFILL,
		1, {8}, 1, {{0, 90, 100}}, 1, {{8, 5}}, 1, 0, 100
	},
	{
		"a job waits for a node to come back, though no run will end", PM_QUEUE_TRAVERSAL,
		1, {8}, 1, {{0, 100, 107}}, 1, {{8, 5}}, 0, 0, 107
	},
	{
		"a job waits for ever for a node that does not come back", PM_QUEUE_TRAVERSAL,
		1, {8}, 1, {{0, 103, PM_NEVER}}, 1, {{8, 5}}, 0, 0, PM_NEVER
	},
	{
		"what is withheld is withheld from jobs that run into maintenance elsewhere",
		PM_QUEUE_RESERVE,
		2, {4, 2}, 1, {{1, 103, PM_NEVER}}, 2, {{8, PM_NEVER}, {3, 5}}, 0, 0, 0
	},
	{
		"what a job takes that may run longer is taken for those that may not",
		PM_QUEUE_TRAVERSAL,
		2, {8, 0}, 2, {{1, 103, 105}, {1, 110, PM_NEVER}}, 3, {{4, 5}, {4, 20}, {4, 5}}, 2, 0, 0
	}
};

static void
make(const TimeCase *c, PmCluster *cluster, PmQueue *queue)
{
	static const int64 capacity[1] = {8};
	static const PmNodeConfig config;
	PmShape    *shapes = palloc0(sizeof(PmShape) * c->njobs);
	PmTaskGroup *groups = palloc0(sizeof(PmTaskGroup) * c->njobs);

	memset(cluster, 0, sizeof(*cluster));
	cluster->ndims = cluster->nconfigs = 1;
	cluster->configs = &config;
	cluster->nnodes = c->nnodes;
	cluster->nodes = palloc0(sizeof(PmNode) * c->nnodes);
	for (int n = 0; n < c->nnodes; n++)
	{
		cluster->nodes[n].accelerator = -1;
		cluster->nodes[n].capacity = capacity;
		cluster->nodes[n].free = palloc(sizeof(int64));
		cluster->nodes[n].free[0] = c->free[n];
	}
	cluster->nwindows = c->nwindows;
	cluster->windows = c->windows;

	memset(queue, 0, sizeof(*queue));
	queue->nlanes = 1;
	queue->nrequests = queue->nshapes = queue->njobs = c->njobs;
	queue->requests = palloc0(sizeof(PmRequest) * c->njobs);
	queue->shapes = shapes;
	queue->jobs = palloc0(sizeof(PmJob) * c->njobs);
	for (int i = 0; i < c->njobs; i++)
	{
		queue->requests[i].amounts = &c->jobs[i].cpu;
		groups[i].request = i;
		groups[i].replicas = groups[i].min_replicas = 1;
		shapes[i].ngroups = 1;
		shapes[i].groups = &groups[i];
		queue->jobs[i].job_id = i + 1;
		queue->jobs[i].shape = i;
		queue->jobs[i].time_limit = c->jobs[i].time_limit;
	}
}

void
core_time_cases(void)
{
	for (int i = 0; i < lengthof(cases); i++)
	{
		const TimeCase *c = &cases[i];
		PmPolicy	policy = {c->queue, PM_PLACE_PACK, NOW};
		PmCluster	cluster;
		PmQueue		queue;
		PmDecision *decision;

		core_fresh_memory();
		make(c, &cluster, &queue);
		decision = pm_pass(&cluster, &queue, &policy);
		core_check(decision->nstarts == c->nstarts, "%s: %d start", c->name, decision->nstarts);
		core_check(c->promised == 0 ? decision->nreservations == 0 :
				   decision->nreservations == 1 && decision->reservations[0].at == c->promised,
				   "%s: what is promised", c->name);
		make(c, &cluster, &queue);
		if (c->forecast != 0)
			core_check(pm_forecast(&cluster, &queue, &policy)[0] == c->forecast,
					   "%s: the forecast", c->name);
	}
}
