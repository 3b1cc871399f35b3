/*-------------------------------------------------------------------------
 *
 * plain.c
 *	  What a plain C program would do for a pass: the floor of the benchmark.
 *
 * It sorts the jobs, keeps the nodes in buckets by free whole devices, and
 * gives each replica the node with the least dominant free share in the first
 * bucket where it fits; a request that failed is not tried again.  It knows
 * no labels, takes devices like the engine, and leaves out everything that
 * the engine does beyond that: reasons, exact ties, partial gangs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "plain.h"

#undef qsort					/* the C library's, not the server's */

#define MAX_BUCKETS 18			/* no devices, 0 .. 16 free whole devices */

typedef struct Bucket
{
	int			n;
	int		   *nodes;
} Bucket;

typedef struct Plain
{
	PmCluster  *cluster;
	double	   *inverse;		/* [nnodes][ndims] */
	Bucket		buckets[MAX_BUCKETS];
	int		   *bucket_of;
	int		   *place_in;
} Plain;

typedef struct Undo
{
	int			node;
	int			device;			/* fraction: which; else -1 */
	unsigned	devices;		/* whole: bits */
} Undo;

static int
compare_jobs(const void *pa, const void *pb)
{
	const PmJob *a = pa;
	const PmJob *b = pb;

	if (a->priority != b->priority)
		return b->priority - a->priority;
	if (a->restarted != b->restarted)
		return (int) b->restarted - (int) a->restarted;
	if (a->submitted_at != b->submitted_at)
		return a->submitted_at > b->submitted_at ? 1 : -1;
	return (a->job_id > b->job_id) - (a->job_id < b->job_id);
}

static int
bucket_for(const PmNode *node)
{
	int			whole = 0;

	if (node->accelerator < 0)
		return 0;
	for (int i = 0; i < node->ndevices; i++)
		whole += node->device_free[i] == PM_DEVICE_WHOLE;
	return whole + 1;
}

static void
add_to_bucket(Plain *plain, int n, int b)
{
	plain->bucket_of[n] = b;
	plain->place_in[n] = plain->buckets[b].n;
	plain->buckets[b].nodes[plain->buckets[b].n++] = n;
}

static void
rebucket(Plain *plain, int n)
{
	int			old = plain->bucket_of[n];
	int			b = bucket_for(&plain->cluster->nodes[n]);
	Bucket	   *bucket = &plain->buckets[old];
	int			last;

	if (b == old)
		return;
	last = bucket->nodes[--bucket->n];
	bucket->nodes[plain->place_in[n]] = last;
	plain->place_in[last] = plain->place_in[n];
	add_to_bucket(plain, n, b);
}

static bool
fraction_fits(const PmNode *node, int64 amount)
{
	for (int i = 0; i < node->ndevices; i++)
		if (node->device_free[i] >= amount)
			return true;
	return false;
}

/* The node with the least dominant free share in this bucket, or -1 */
static int
best_in_bucket(Plain *plain, const Bucket *bucket, const int64 *amounts, int64 fraction)
{
	int			ndims = plain->cluster->ndims;
	int			best = -1;
	double		best_share = 2;

	for (int i = 0; i < bucket->n; i++)
	{
		int			n = bucket->nodes[i];
		const PmNode *node = &plain->cluster->nodes[n];
		const double *inverse = plain->inverse + (size_t) n * ndims;
		double		share = 0;
		int			d;

		for (d = 0; d < ndims; d++)
		{
			double		s;

			if (node->free[d] < amounts[d])
				break;
			s = (double) (node->free[d] - amounts[d]) * inverse[d];
			if (s > share)
				share = s;
		}
		if (d == ndims && share < best_share &&
			(fraction == 0 || fraction_fits(node, fraction)))
		{
			best = n;
			best_share = share;
		}
	}
	return best;
}

static void
take(const PmCluster *cluster, PmNode *node, const int64 *amounts, Undo *undo)
{
	int64		amount;

	for (int d = 0; d < cluster->ndims; d++)
		node->free[d] -= amounts[d];
	undo->device = -1;
	undo->devices = 0;
	if (node->accelerator < 0 || (amount = amounts[node->accelerator]) == 0)
		return;
	for (int i = 0; i < node->ndevices && amount > 0; i++)
	{
		if (amount >= PM_DEVICE_WHOLE && node->device_free[i] == PM_DEVICE_WHOLE)
		{
			node->device_free[i] = 0;
			undo->devices |= 1u << i;
			amount -= PM_DEVICE_WHOLE;
		}
		else if (amount < PM_DEVICE_WHOLE && node->device_free[i] >= amount &&
				 (undo->device < 0 || node->device_free[i] < node->device_free[undo->device]))
			undo->device = i;
	}
	if (undo->device >= 0)
		node->device_free[undo->device] -= (int32) amount;
}

static void
give(const PmCluster *cluster, PmNode *node, const int64 *amounts, const Undo *undo)
{
	for (int d = 0; d < cluster->ndims; d++)
		node->free[d] += amounts[d];
	for (int i = 0; i < node->ndevices; i++)
		if (undo->devices & (1u << i))
			node->device_free[i] = PM_DEVICE_WHOLE;
	if (undo->device >= 0)
		node->device_free[undo->device] += (int32) amounts[node->accelerator];
}

static int
find_node(Plain *plain, const int64 *amounts, int accelerator)
{
	int64		gpus = accelerator >= 0 ? amounts[accelerator] : 0;
	int			first = gpus == 0 ? 0 : (int) (gpus / PM_DEVICE_WHOLE) + 1;

	for (int b = first; b < MAX_BUCKETS; b++)
	{
		int			n = best_in_bucket(plain, &plain->buckets[b], amounts,
									   gpus % PM_DEVICE_WHOLE);

		if (n >= 0)
			return n;
	}
	return -1;
}

static void
set_up(Plain *plain, PmCluster *cluster)
{
	plain->cluster = cluster;
	plain->inverse = palloc(sizeof(double) * cluster->nnodes * cluster->ndims);
	plain->bucket_of = palloc(sizeof(int) * cluster->nnodes);
	plain->place_in = palloc(sizeof(int) * cluster->nnodes);
	for (int b = 0; b < MAX_BUCKETS; b++)
	{
		plain->buckets[b].n = 0;
		plain->buckets[b].nodes = palloc(sizeof(int) * cluster->nnodes);
	}
	for (int n = 0; n < cluster->nnodes; n++)
	{
		for (int d = 0; d < cluster->ndims; d++)
			plain->inverse[(size_t) n * cluster->ndims + d] =
				cluster->nodes[n].capacity[d] ? 1.0 / (double) cluster->nodes[n].capacity[d] : 0;
		add_to_bucket(plain, n, bucket_for(&cluster->nodes[n]));
	}
}

long
plain_pass(PmCluster *cluster, PmQueue *queue)
{
	Plain		plain;
	bool	   *failed = palloc0(sizeof(bool) * queue->nshapes);
	Undo	   *undo = palloc(sizeof(Undo) * 4096);
	int			accelerator = -1;
	long		placed = 0;

	set_up(&plain, cluster);
	for (int n = 0; n < cluster->nnodes; n++)
		accelerator = Max(accelerator, cluster->nodes[n].accelerator);
	qsort(queue->jobs, queue->njobs, sizeof(PmJob), compare_jobs);
	for (int j = 0; j < queue->njobs; j++)
	{
		const PmTaskGroup *group = &queue->shapes[queue->jobs[j].shape].groups[0];
		const int64 *amounts = queue->requests[group->request].amounts;
		int			got;

		if (failed[queue->jobs[j].shape])
			continue;
		for (got = 0; got < group->replicas; got++)
		{
			int			n = find_node(&plain, amounts, accelerator);

			if (n < 0)
				break;
			undo[got].node = n;
			take(cluster, &cluster->nodes[n], amounts, &undo[got]);
			rebucket(&plain, n);
		}
		if (got == group->replicas)
		{
			placed += got;
			continue;
		}
		failed[queue->jobs[j].shape] = true;
		while (got-- > 0)
		{
			give(cluster, &cluster->nodes[undo[got].node], amounts, &undo[got]);
			rebucket(&plain, undo[got].node);
		}
	}
	return placed;
}
