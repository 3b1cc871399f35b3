/*-------------------------------------------------------------------------
 *
 * core_bench.c
 *	  How long a pass decides, beside a plain C program on the same data.
 *
 * 100,000 jobs of 600 shapes over 200 requests, one in five a gang of 2 to
 * 64; 1,000 and 10,000 nodes, three in five with 8 devices, one with 4, one
 * without; empty, and full: after a pass over another 100,000 jobs.  Jobs
 * come in the order of submission.  The rows named topology ask every gang to
 * be within one of 8 zones, preferably one of the racks of 32 nodes, a
 * third of them with one replica a node.  Medians; times in milliseconds.
 *
 * Usage: core_bench [repetitions [jobs]]
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "core.h"
#include "plain.h"

#undef printf					/* the C library's, not the server's */
#undef qsort
#undef snprintf

#define NDIMS		4			/* cpu, mem, gpu, pods */
#define NREQUESTS	200
#define NSHAPES		(3 * NREQUESTS)
#define MAX_REPEAT	101
#define GIB			(INT64CONST(1) << 30)
#define HOUR (INT64CONST(3600) * 1000000)

static int	repeat = 5;
static int	njobs = 100000;

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec * 1e3 + (double) ts.tv_nsec / 1e6;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
median(double *values, int n)
{
	qsort(values, n, sizeof(double), compare_doubles);
	return values[n / 2];
}

bool
core_check(bool ok, const char *format,...)
{
	(void) format;
	return ok;
}

static PmCluster *
make_cluster(int nnodes)
{
	static const int devices_of[] = {8, 8, 8, 4, 0};
	PmCluster  *cluster = palloc0(sizeof(PmCluster));

	cluster->ndims = NDIMS;
	cluster->nconfigs = 1;
	cluster->configs = palloc0(sizeof(PmNodeConfig));
	cluster->nnodes = nnodes;
	cluster->nodes = palloc0(sizeof(PmNode) * nnodes);
	for (int n = 0; n < nnodes; n++)
	{
		PmNode	   *node = &cluster->nodes[n];
		int64	   *capacity = palloc(sizeof(int64) * NDIMS);

		node->node_id = n + 1;
		node->ndevices = devices_of[n % 5];
		node->accelerator = node->ndevices > 0 ? 2 : -1;
		capacity[0] = node->ndevices == 8 ? 128000 : 64000;
		capacity[1] = node->ndevices == 8 ? 1024 * GIB : 256 * GIB;
		capacity[2] = node->ndevices * PM_DEVICE_WHOLE;
		capacity[3] = 110000;
		node->capacity = capacity;
		node->free = palloc(sizeof(int64) * NDIMS);
		memcpy(node->free, capacity, sizeof(int64) * NDIMS);
		node->device_free = palloc(sizeof(int32) * Max(node->ndevices, 1));
		for (int i = 0; i < node->ndevices; i++)
			node->device_free[i] = PM_DEVICE_WHOLE;
	}
	return cluster;
}

/* Distinct requests: fractions, whole devices, none */
static void
make_requests(PmQueue *queue)
{
	static const int gpus[] = {0, 0, 250, 500, 1000, 1000, 2000, 4000, 8000, 1000};

	queue->nrequests = NREQUESTS;
	queue->requests = palloc0(sizeof(PmRequest) * NREQUESTS);
	for (int r = 0; r < NREQUESTS; r++)
	{
		int64	   *amounts = palloc(sizeof(int64) * NDIMS);

		amounts[2] = gpus[r % 10];
		amounts[0] = amounts[2] > 1000 ? amounts[2] * core_between(4, 14) :
			core_between(1, 16) * 1000;
		amounts[1] = amounts[0] / 1000 * core_between(2, 8) * GIB;
		amounts[3] = 1000;
		queue->requests[r].amounts = amounts;
	}
}

static PmQueue *
make_queue(void)
{
	PmQueue    *queue = palloc0(sizeof(PmQueue));
	PmShape    *shapes = palloc0(sizeof(PmShape) * NSHAPES);

	make_requests(queue);
	queue->nshapes = NSHAPES;
	queue->shapes = shapes;
	for (int s = 0; s < NSHAPES; s++)
	{
		PmTaskGroup *group = palloc0(sizeof(PmTaskGroup));

		group->request = s % NREQUESTS;
		group->replicas = s < NREQUESTS ? 1 :
			(int) core_between(2, s < 2 * NREQUESTS ? 8 : 64);
		group->min_replicas = group->replicas;
		shapes[s].ngroups = 1;
		shapes[s].groups = group;
	}
	queue->nlanes = 50;
	queue->njobs = njobs;
	queue->jobs = palloc0(sizeof(PmJob) * njobs);
	for (int i = 0; i < njobs; i++)
	{
		PmJob	   *job = &queue->jobs[i];
		int			kind = (int) core_between(0, 99);

		job->job_id = i + 1;
		job->submitted_at = (int64) i * 1000;
		job->shape = (int) core_between(0, NREQUESTS - 1) +
			(kind < 80 ? 0 : kind < 95 ? NREQUESTS : 2 * NREQUESTS);
		job->lane = (int) core_between(0, queue->nlanes - 1);
		job->priority = (int) core_between(1, 3);
		job->time_limit = core_between(1, 24) * HOUR;
	}
	return queue;
}

/* What was started, as runs that end within a day */
static void
make_runs(PmCluster *cluster, const PmQueue *queue, const PmDecision *decision)
{
	cluster->nruns = decision->nstarts;
	cluster->runs = palloc0(sizeof(PmRunning) * Max(decision->nstarts, 1));
	for (int i = 0; i < decision->nstarts; i++)
	{
		const PmStart *start = &decision->starts[i];
		const PmShape *shape = &queue->shapes[queue->jobs[start->job].shape];
		PmRunning  *run = &cluster->runs[i];

		run->run_id = i + 1;
		run->planned_end = core_between(1, 24 * HOUR);
		run->nholds = start->nplacements;
		run->holds = palloc0(sizeof(PmHold) * start->nplacements);
		for (int k = 0; k < start->nplacements; k++)
		{
			const PmPlacement *placement = &decision->placements[start->first_placement + k];
			const PmRequest *request = &queue->requests[shape->groups[placement->group].request];
			int64	   *amounts = palloc(sizeof(int64) * NDIMS);

			for (int d = 0; d < NDIMS; d++)
				amounts[d] = request->amounts[d] * placement->replicas;
			run->holds[k].node = placement->node;
			run->holds[k].replicas = placement->replicas;
			run->holds[k].amounts = amounts;
			run->holds[k].ndevices = placement->ndevices;
			run->holds[k].devices = decision->devices + placement->first_device;
			run->holds[k].device_share = placement->device_share;
		}
	}
}

/* Racks of 32 nodes, in 8 zones */
static void
add_topology(PmCluster *cluster, PmQueue *queue)
{
	int			per_zone = (cluster->nnodes + 7) / 8;

	cluster->nlevels = 2;
	for (int n = 0; n < cluster->nnodes; n++)
	{
		int32	   *domains = palloc(sizeof(int32) * 2);

		domains[0] = n / per_zone;
		domains[1] = domains[0] * (per_zone / 32 + 1) + n % per_zone / 32;
		cluster->nodes[n].domains = domains;
	}
	for (int s = NREQUESTS; s < queue->nshapes; s++)
	{
		PmShape    *shape = (PmShape *) &queue->shapes[s];
		PmTaskGroup *group = (PmTaskGroup *) &shape->groups[0];

		shape->affinity_level = s % 2 ? 2 : 1;
		shape->affinity_required = s % 2 == 0;
		if (s % 3 == 0)
		{
			group->spread_level = 3;
			group->max_per_domain = 1;
		}
	}
}

static void
reset(PmCluster *cluster, const PmCluster *from, PmQueue *queue, const PmQueue *jobs_from)
{
	for (int n = 0; n < cluster->nnodes; n++)
	{
		memcpy(cluster->nodes[n].free, from->nodes[n].free, sizeof(int64) * NDIMS);
		memcpy(cluster->nodes[n].device_free, from->nodes[n].device_free,
			   sizeof(int32) * from->nodes[n].ndevices);
	}
	memcpy(queue->jobs, jobs_from->jobs, sizeof(PmJob) * queue->njobs);
}

static void
measure(const char *what, const PmCluster *cluster, const PmQueue *queue, PmPolicy p)
{
	PmCluster  *c = core_copy_cluster(cluster);
	PmQueue    *q = core_copy_queue(cluster, queue);
	double		order[MAX_REPEAT];
	double		pass[MAX_REPEAT];
	double		plain[MAX_REPEAT];
	PmDecision *decision = NULL;
	long		replicas = 0;
	long		plain_replicas = 0;
	double		order_ms,
				pass_ms,
				plain_ms;

	for (int i = 0; i < repeat; i++)
	{
		double		start;

		reset(c, cluster, q, queue);
		start = now_ms();
		pm_order_jobs(q->jobs, q->njobs, PM_ORDER_PRIORITY);
		order[i] = now_ms() - start;

		reset(c, cluster, q, queue);
		start = now_ms();
		decision = pm_pass(c, q, &p);
		pass[i] = now_ms() - start;

		reset(c, cluster, q, queue);
		start = now_ms();
		plain_replicas = plain_pass(c, q);
		plain[i] = now_ms() - start;
	}
	for (int i = 0; i < decision->nplacements; i++)
		replicas += decision->placements[i].replicas;
	order_ms = median(order, repeat);
	pass_ms = median(pass, repeat);
	plain_ms = median(plain, repeat);
	printf("%-28s %8d %9ld %9.2f %9.2f %9ld %9.2f %7.2f\n", what, decision->nstarts, replicas,
		   order_ms, pass_ms, plain_replicas, plain_ms, pass_ms / plain_ms);
}

/* Looking ahead, beside a plain pass */
static void
measure_forecast(const char *what, const PmCluster *cluster, const PmQueue *queue, PmPolicy p)
{
	PmCluster  *c = core_copy_cluster(cluster);
	PmQueue    *q = core_copy_queue(cluster, queue);
	double		times[MAX_REPEAT];
	int			told = 0;

	for (int i = 0; i < repeat; i++)
	{
		double		start;
		int64	   *starts;

		reset(c, cluster, q, queue);
		start = now_ms();
		starts = pm_forecast(c, q, &p);
		times[i] = now_ms() - start;
		told = 0;
		for (int job = 0; job < q->njobs; job++)
			told += starts[job] != PM_NEVER;
	}
	printf("%-28s %8d %9s %9s %9.2f\n", what, told, "", "", median(times, repeat));
}

int
main(int argc, char **argv)
{
	static const int sizes[] = {1000, 10000};
	PmPolicy	fill = {PM_QUEUE_TRAVERSAL, PM_PLACE_PACK};
	PmPolicy	fifo = {PM_QUEUE_FIFO, PM_PLACE_PACK};
	PmPolicy	reserve = {PM_QUEUE_RESERVE, PM_PLACE_PACK};
	PmPolicy	backfill = {PM_QUEUE_BACKFILL, PM_PLACE_PACK, .reservations = 1};

	if (argc > 1)
		repeat = Max(1, Min(atoi(argv[1]), MAX_REPEAT));
	if (argc > 2)
		njobs = Max(1, atoi(argv[2]));
	core_fresh_memory();
	printf("%d jobs\n", njobs);
	printf("%-28s %8s %9s %9s %9s %9s %9s %7s\n", "", "starts", "replicas",
		   "sort ms", "pass ms", "replicas", "plain ms", "ratio");
	for (int i = 0; i < lengthof(sizes); i++)
	{
		PmCluster  *cluster;
		PmQueue    *queue;
		PmQueue    *filled;
		char		what[64];

		core_seed(sizes[i]);
		cluster = make_cluster(sizes[i]);
		queue = make_queue();
		snprintf(what, sizeof(what), "%d nodes, empty", sizes[i]);
		measure(what, cluster, queue, fill);
		filled = core_copy_queue(cluster, queue);
		make_runs(cluster, filled, pm_pass(cluster, filled, &fill));
		queue = make_queue();
		snprintf(what, sizeof(what), "%d nodes, full", sizes[i]);
		measure(what, cluster, queue, fill);
		snprintf(what, sizeof(what), "%d nodes, full, reserve", sizes[i]);
		measure(what, cluster, queue, reserve);
		snprintf(what, sizeof(what), "%d nodes, full, backfill 1", sizes[i]);
		measure(what, cluster, queue, backfill);
		backfill.reservations = 100;
		snprintf(what, sizeof(what), "%d nodes, full, backfill 100", sizes[i]);
		measure(what, cluster, queue, backfill);
		backfill.reservations = 1;
		snprintf(what, sizeof(what), "%d nodes, forecast", sizes[i]);
		measure_forecast(what, cluster, queue, fill);
		snprintf(what, sizeof(what), "%d nodes, forecast, fifo", sizes[i]);
		measure_forecast(what, cluster, queue, fifo);
		snprintf(what, sizeof(what), "%d nodes, forecast, backfill", sizes[i]);
		measure_forecast(what, cluster, queue, backfill);

		core_seed(sizes[i]);
		cluster = make_cluster(sizes[i]);
		queue = make_queue();
		add_topology(cluster, queue);
		snprintf(what, sizeof(what), "%d nodes, topology", sizes[i]);
		measure(what, cluster, queue, fill);
		pm_pass(cluster, core_copy_queue(cluster, queue), &fill);
		queue = make_queue();
		add_topology(cluster, queue);
		snprintf(what, sizeof(what), "%d nodes, topology, full", sizes[i]);
		measure(what, cluster, queue, fill);
	}
	core_free_memory();
	return 0;
}
