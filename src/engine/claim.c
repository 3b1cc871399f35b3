/*-------------------------------------------------------------------------
 *
 * claim.c
 *	  What is kept for jobs that wait until runs that are stopping are gone
 *	  (pools with agents).
 *
 * A claim is the placement of such a job on the nodes as they will be then,
 * with the claims before it taken.  Claims are open while such a placement is
 * looked for: what stopping runs hold is given back, what is claimed is taken.
 * They are closed otherwise: of what is free now, no more is left to be seen
 * than will be free when all that stops has gone and all claims have been
 * taken.  So whatever is started meanwhile, the claims will have their place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

typedef struct Claim
{
	int			job;			/* index into PmQueue.jobs */
	int			ntakes;
	PmTake	   *takes;
	int		   *devices;
} Claim;

/* What is not to be seen of a node that claims touch */
typedef struct Withheld
{
	int			node;
	int64	   *amounts;		/* [ndims] */
	int32	   *devices;		/* [ndevices] */
} Withheld;

struct PmClaims
{
	PmSpace    *space;
	bool		open;
	int			nclaims;
	int			maxclaims;
	Claim	   *claims;
	int			nstopping;		/* indexes into PmCluster.runs */
	int		   *stopping;
	int			nwithheld;
	int			maxwithheld;
	Withheld   *withheld;
	int32	   *withheld_of;	/* [nnodes]: index into withheld, or -1 */
	PmCap	   *cap;			/* of the pool; NULL: nothing limits it */
	int64		cap_replicas;	/* withheld of it */
	int64	   *cap_amounts;	/* [ndims] */
	int64	   *lanes;			/* [nlanes][ndims]: withheld of quotas, or NULL */
};

PmClaims *
pm_claims_create(PmSpace *space)
{
	PmClaims   *claims = palloc0(sizeof(PmClaims));
	PmCluster  *cluster = space->cluster;

	claims->space = space;
	claims->stopping = palloc(sizeof(int) * Max(cluster->nruns, 1));
	for (int r = 0; r < cluster->nruns; r++)
		if (cluster->runs[r].stopping)
			claims->stopping[claims->nstopping++] = r;
	claims->withheld_of = palloc(sizeof(int32) * Max(cluster->nnodes, 1));
	for (int n = 0; n < cluster->nnodes; n++)
		claims->withheld_of[n] = -1;
	claims->cap = space->queue->pool_cap && space->queue->pool_cap->limited ?
		space->queue->pool_cap : NULL;
	claims->cap_amounts = palloc0(sizeof(int64) * Max(cluster->ndims, 1));
	if (space->queue->quota)
		claims->lanes = palloc0(sizeof(int64) * (Size) Max(space->queue->nlanes * cluster->ndims, 1));
	return claims;
}

/* Is anything going to be free? */
bool
pm_claims_expect(const PmClaims *claims)
{
	return claims->nstopping > 0;
}

static void
move_claim(PmSpace *space, const Claim *claim, bool take)
{
	PmCluster  *cluster = space->cluster;

	pm_caps_choose(space, space->queue->jobs[claim->job].lane);
	for (int t = 0; t < claim->ntakes; t++)
	{
		const PmTake *it = &claim->takes[t];
		PmNode	   *node = &cluster->nodes[it->node];
		int			sign = take ? -1 : 1;

		for (int i = 0; i < it->search->ndims; i++)
		{
			int			d = it->search->dims[i];

			node->free[d] += sign * it->search->request->amounts[d] * it->replicas;
		}
		for (int i = 0; i < it->ndevices; i++)
			node->device_free[claim->devices[it->first_device + i]] += sign * it->device_share;
		pm_class_defer(space, it->node);
		pm_caps_take(space, it->search, take ? it->replicas : -it->replicas);
	}
	if (!take)
		pm_space_grew(space);
}

/* All that stops has gone, all claims are taken */
static void
look_ahead(PmClaims *claims)
{
	PmSpace    *space = claims->space;

	for (int i = 0; i < claims->nstopping; i++)
		pm_run_give(space, &space->cluster->runs[claims->stopping[i]]);
	for (int i = 0; i < claims->nclaims; i++)
		move_claim(space, &claims->claims[i], true);
}

static void
look_back(PmClaims *claims)
{
	PmSpace    *space = claims->space;

	for (int i = claims->nclaims - 1; i >= 0; i--)
		move_claim(space, &claims->claims[i], false);
	for (int i = claims->nstopping - 1; i >= 0; i--)
		pm_run_take(space, &space->cluster->runs[claims->stopping[i]]);
}

static void
hide(PmClaims *claims, int sign)
{
	PmSpace    *space = claims->space;
	PmCluster  *cluster = space->cluster;

	for (int i = 0; i < claims->nwithheld; i++)
	{
		const Withheld *withheld = &claims->withheld[i];
		PmNode	   *node = &cluster->nodes[withheld->node];

		for (int d = 0; d < cluster->ndims; d++)
			node->free[d] -= sign * withheld->amounts[d];
		for (int k = 0; k < node->ndevices; k++)
			node->device_free[k] -= sign * withheld->devices[k];
		pm_class_defer(space, withheld->node);
	}
	if (claims->cap && claims->cap->replicas != PM_CAP_NONE)
		claims->cap->replicas -= sign * claims->cap_replicas;
	for (int d = 0; d < cluster->ndims && claims->cap; d++)
		if (claims->cap->available[d] != PM_CAP_NONE)
			claims->cap->available[d] -= sign * claims->cap_amounts[d];
	for (int l = 0; l < space->queue->nlanes && claims->lanes; l++)
		for (int d = 0; d < cluster->ndims; d++)
			if (claims->lanes[l * cluster->ndims + d] > 0)
				pm_lane_take(space->queue->quota, l, d,
							 sign * claims->lanes[l * cluster->ndims + d]);
	if (sign < 0)
		pm_space_grew(space);
}

static void
touch(PmClaims *claims, int n)
{
	PmSpace    *space = claims->space;
	Withheld   *withheld;

	if (claims->withheld_of[n] >= 0)
		return;
	claims->withheld = pm_grow(space->context, claims->withheld, &claims->maxwithheld,
							   claims->nwithheld + 1, sizeof(Withheld));
	claims->withheld_of[n] = claims->nwithheld;
	withheld = &claims->withheld[claims->nwithheld++];
	withheld->node = n;
	withheld->amounts = MemoryContextAllocZero(space->context,
											   sizeof(int64) * Max(space->cluster->ndims, 1));
	withheld->devices = MemoryContextAllocZero(space->context,
											   sizeof(int32) * Max(space->maxdevices, 1));
}

/* Adds what is free, times sign, to what is withheld */
static void
count(PmClaims *claims, int sign)
{
	PmCluster  *cluster = claims->space->cluster;

	for (int i = 0; i < claims->nwithheld; i++)
	{
		Withheld   *withheld = &claims->withheld[i];
		const PmNode *node = &cluster->nodes[withheld->node];

		for (int d = 0; d < cluster->ndims; d++)
			withheld->amounts[d] += sign * node->free[d];
		for (int k = 0; k < node->ndevices; k++)
			withheld->devices[k] += sign * node->device_free[k];
	}
	if (claims->cap && claims->cap->replicas != PM_CAP_NONE)
		claims->cap_replicas += sign * claims->cap->replicas;
	for (int d = 0; d < cluster->ndims && claims->cap; d++)
		if (claims->cap->available[d] != PM_CAP_NONE)
			claims->cap_amounts[d] += sign * claims->cap->available[d];
}

/* Of the quota of each lane, what its claims take and its runs will not give back */
static void
count_lanes(PmClaims *claims)
{
	const PmSpace *space = claims->space;
	int			ndims = space->cluster->ndims;

	for (int i = 0; i < claims->nclaims; i++)
	{
		const Claim *claim = &claims->claims[i];
		int64	   *lane = claims->lanes + space->queue->jobs[claim->job].lane * ndims;

		for (int t = 0; t < claim->ntakes; t++)
			for (int d = 0; d < ndims; d++)
				lane[d] += claim->takes[t].search->request->amounts[d] * claim->takes[t].replicas;
	}
	for (int i = 0; i < claims->nstopping; i++)
	{
		const PmRunning *run = &space->cluster->runs[claims->stopping[i]];

		for (int h = 0; h < run->nholds && run->lane >= 0; h++)
			for (int d = 0; d < ndims; d++)
				claims->lanes[run->lane * ndims + d] -= run->holds[h].amounts[d];
	}
}

/* What is free now and will not be then; of devices, one by one */
static void
keep_shortfall(PmClaims *claims)
{
	PmCluster  *cluster = claims->space->cluster;

	for (int i = 0; i < claims->nwithheld; i++)
	{
		Withheld   *withheld = &claims->withheld[i];
		const PmNode *node = &cluster->nodes[withheld->node];
		int64		sum = 0;

		for (int d = 0; d < cluster->ndims; d++)
			withheld->amounts[d] = Max(withheld->amounts[d], 0);
		for (int k = 0; k < node->ndevices; k++)
		{
			withheld->devices[k] = Max(withheld->devices[k], 0);
			sum += withheld->devices[k];
		}
		if (node->accelerator >= 0)
			withheld->amounts[node->accelerator] = sum;
	}
	claims->cap_replicas = Max(claims->cap_replicas, 0);
	for (int d = 0; d < cluster->ndims; d++)
		claims->cap_amounts[d] = Max(claims->cap_amounts[d], 0);
}

/* Until pm_claims_close() the space is as it will be */
void
pm_claims_open(PmClaims *claims)
{
	Assert(!claims->open);
	hide(claims, -1);
	look_ahead(claims);
	claims->open = true;
}

void
pm_claims_close(PmClaims *claims)
{
	int			ndims = claims->space->cluster->ndims;

	Assert(claims->open);
	for (int i = 0; i < claims->nwithheld; i++)
	{
		memset(claims->withheld[i].amounts, 0, sizeof(int64) * ndims);
		memset(claims->withheld[i].devices, 0, sizeof(int32) * claims->space->maxdevices);
	}
	claims->cap_replicas = 0;
	memset(claims->cap_amounts, 0, sizeof(int64) * ndims);
	if (claims->lanes)
	{
		memset(claims->lanes, 0, sizeof(int64) * ndims * claims->space->queue->nlanes);
		count_lanes(claims);
	}
	count(claims, -1);
	look_back(claims);
	count(claims, 1);
	keep_shortfall(claims);
	hide(claims, 1);
	claims->open = false;
}

/* The takes of the job at hand, which are in the open space, become its claim */
void
pm_claims_add(PmClaims *claims, int job)
{
	PmSpace    *space = claims->space;
	Claim	   *claim;

	Assert(claims->open);
	claims->claims = pm_grow(space->context, claims->claims, &claims->maxclaims,
							 claims->nclaims + 1, sizeof(Claim));
	claim = &claims->claims[claims->nclaims++];
	claim->job = job;
	claim->ntakes = space->ntakes;
	claim->takes = MemoryContextAlloc(space->context, sizeof(PmTake) * Max(space->ntakes, 1));
	memcpy(claim->takes, space->takes, sizeof(PmTake) * space->ntakes);
	claim->devices = MemoryContextAlloc(space->context, sizeof(int) * Max(space->ntake_devices, 1));
	memcpy(claim->devices, space->take_devices, sizeof(int) * space->ntake_devices);
	for (int t = 0; t < claim->ntakes; t++)
		touch(claims, claim->takes[t].node);
	space->ntakes = space->ntake_devices = 0;
}

static int
find_claim(const PmClaims *claims, int job)
{
	int			i = 0;

	while (i < claims->nclaims && claims->claims[i].job != job)
		i++;
	return i;
}

bool
pm_claims_has(const PmClaims *claims, int job)
{
	return find_claim(claims, job) < claims->nclaims;
}

/* The open space has what a job claimed again */
void
pm_claims_release(PmClaims *claims, int job)
{
	int			i = find_claim(claims, job);
	Claim	   *claim = &claims->claims[i];

	Assert(claims->open && i < claims->nclaims);
	move_claim(claims->space, claim, false);
	pfree(claim->takes);
	pfree(claim->devices);
	memmove(claim, claim + 1, sizeof(Claim) * (--claims->nclaims - i));
}

/* What this run holds, which the open space has been given, is awaited too */
void
pm_claims_await(PmClaims *claims, int run)
{
	Assert(claims->open);
	claims->stopping[claims->nstopping++] = run;
}
