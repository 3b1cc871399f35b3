/*-------------------------------------------------------------------------
 *
 * score.c
 *	  How good a node is for a request, as integers: the score of a placement
 *	  policy, and the shortfall by which reserved nodes are chosen.
 *
 * A share is floor(amount * 2^20 / capacity).  It is computed without a
 * division, by the reciprocal
 *
 *		factor = ceil(2^(20 + 2b) / capacity),  capacity < 2^b,  b <= 42
 *		share  = amount * factor >> 2b
 *
 * which is exact: the factor is too large by less than 1, the quotient hence
 * by less than amount / 2^2b < 2^-b < 1 / capacity, too little to reach the
 * next integer.  From capacities of 2^42 on (4 TiB), amount and capacity are
 * first shifted right until the capacity is below.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bitutils.h"

#include "engine/engine_internal.h"

#define SCALE_MAX_BITS	42

#define SHARE_WHOLE		(INT64CONST(1) << PM_SHARE_BITS)

/*
 * Layout of a pack score, from the top: 1 bit; what is wasted, in eighths of a
 * device, 21 bits; dominant free share, 21 bits; free accelerator, 21 bits.
 */
#define SCORE_BEHIND	(UINT64CONST(1) << 63)
#define FIELD_BITS		(PM_SHARE_BITS + 1)
#define FIELD_MAX		((INT64CONST(1) << FIELD_BITS) - 1)
#define NO_WASTE		(INT64CONST(1) << PM_SHARE_BITS)	/* waste may be negative */
#define WASTE_STEP		(PM_DEVICE_WHOLE / 8)

void
pm_scale_init(PmScale *scale, int64 capacity)
{
	int			bits;
	uint64		c;

	memset(scale, 0, sizeof(*scale));
	if (capacity <= 0)
		return;					/* factor 0: every share is 0 */

	bits = pg_leftmost_one_pos64((uint64) capacity) + 1;
	scale->cut = Max(bits - SCALE_MAX_BITS, 0);
	bits -= scale->cut;
	c = (uint64) capacity >> scale->cut;
	scale->shift = 2 * bits;
	scale->factor = (uint64) ((((uint128) 1 << (PM_SHARE_BITS + 2 * bits)) + c - 1) / c);
}

/* 0 <= amount <= capacity */
uint64
pm_share(const PmScale *scale, int64 amount)
{
	return (uint64) (((uint128) ((uint64) amount >> scale->cut) * scale->factor) >> scale->shift);
}

/*
 * What is free of a node's devices, in thousandths, but of no use: less is
 * free of another resource, as a share of the node's.
 */
static int64
stranded(const PmKind *kind, int64 devices_free, int64 least_share)
{
	int64		usable = (int64) kind->ndevices * PM_DEVICE_WHOLE * least_share >> PM_SHARE_BITS;

	return Max(devices_free - usable, 0);
}

#define is_fraction(amount) ((amount) % PM_DEVICE_WHOLE != 0)

/*
 * What a replica wastes on a node, in thousandths of a device: what it strands,
 * less what it makes use of that was stranded, and what a fraction leaves on
 * the device of which it takes a part.  Shares are the least of the resources
 * beside the devices, before and after.
 */
static int64
wasted(const PmKind *kind, int64 amount, int64 devices_free, const int32 *devices,
	   int64 before, int64 after)
{
	int64		waste = stranded(kind, devices_free - amount, after) -
		stranded(kind, devices_free, before);

	if (is_fraction(amount))
		waste += devices[pm_fullest_device(devices, kind->ndevices, amount)] - amount;
	return waste;
}

static uint64
pack_score(int ndims, const PmRequest *request, const PmKind *kind,
		   const int64 *free, const int32 *devices)
{
	int			accelerator = kind->accelerator;
	int64		dominant = 0;	/* of all dimensions */
	int64		before = SHARE_WHOLE;
	int64		after = SHARE_WHOLE;
	int64		steps = NO_WASTE;
	int64		left = 0;

	for (int d = 0; d < ndims; d++)
	{
		int64		share = (int64) pm_share(&kind->scale[d], free[d] - request->amounts[d]);

		dominant = Max(dominant, share);
		if (accelerator < 0 || d == accelerator || kind->capacity[d] == 0)
			continue;
		after = Min(after, share);
		if (request->amounts[d] > 0)
			share = (int64) pm_share(&kind->scale[d], free[d]);
		before = Min(before, share);
	}
	if (accelerator >= 0)
	{
		int64		amount = request->amounts[accelerator];
		int64		waste = wasted(kind, amount, free[accelerator], devices, before, after);

		/* rounded down, within its bits */
		steps = (NO_WASTE * WASTE_STEP + waste) / WASTE_STEP;
		steps = Max(0, Min(steps, FIELD_MAX));
		left = Min(free[accelerator] - amount, FIELD_MAX);
	}
	return ((uint64) steps << 2 * FIELD_BITS) | ((uint64) dominant << FIELD_BITS) | (uint64) left;
}

/* The greatest share in use of what is asked for */
static uint64
spread_score(int ndims, const PmRequest *request, const PmKind *kind, const int64 *free)
{
	uint64		used = 0;

	for (int d = 0; d < ndims; d++)
		if (request->amounts[d] > 0)
			used = Max(used, pm_share(&kind->scale[d],
									  kind->capacity[d] - free[d] + request->amounts[d]));
	return used;
}

/*
 * Score of putting one replica, which fits, on a node with these free
 * resources; smaller is better, ties go to the node made first.  With pack
 * and spread, a request without accelerator goes to nodes without one first.
 *
 * pack, in this order: least waste, in whole eighths of a device; least
 * dominant free share afterwards, the maximum over all dimensions of
 * (free - request) / capacity; least free accelerator afterwards, in
 * thousandths.  What is wasted are devices that nobody can use because too
 * little is free beside them, and what is left of a device in parts; a node
 * without accelerator wastes nothing.
 *
 * spread: least of the greatest share in use afterwards, of what it asks for.
 */
uint64
pm_score(const PmSpace *space, const PmRequest *request, const PmKind *kind,
		 const int64 *free, const int32 *devices)
{
	int			ndims = space->cluster->ndims;
	uint64		score = 0;

	if (space->placement == PM_PLACE_FIRST_FIT)
		return 0;
	if (space->placement == PM_PLACE_PACK)
		score = pack_score(ndims, request, kind, free, devices);
	else
		score = spread_score(ndims, request, kind, free);
	if (kind->accelerator >= 0 && !request->wants_accelerator)
		score |= SCORE_BEHIND;
	return score;
}

/*
 * How many replicas, at most limit, the best node of a class takes before
 * another may be better: as long as its score does not get worse.
 */
int64
pm_score_run(const PmSpace *space, const PmSearch *search, int c, int64 limit)
{
	const PmClass *class = &space->classes[c];
	const PmKind *kind = &space->kinds[class->kind];
	int			ndims = space->cluster->ndims;
	int			accelerator = kind->accelerator;
	const int64 *amounts = search->request->amounts;
	int64	   *free;
	int32	   *devices;
	uint64		score;
	int64		n;

	if (limit > 1)
		limit = pm_copies(search, kind, pm_class_free(space, c), class->whole,
						  pm_class_devices(space, c), limit);
	if (limit <= 1 || space->placement == PM_PLACE_FIRST_FIT ||
		(space->placement == PM_PLACE_PACK && accelerator < 0))
		return limit;

	free = palloc(sizeof(int64) * ndims);
	devices = palloc(sizeof(int32) * Max(kind->ndevices, 1));
	memcpy(free, pm_class_free(space, c), sizeof(int64) * ndims);
	if (kind->ndevices > 0)
		memcpy(devices, pm_class_devices(space, c), sizeof(int32) * kind->ndevices);
	score = pm_score(space, search->request, kind, free, devices);
	for (n = 1; n < limit; n++)
	{
		for (int i = 0; i < search->ndims; i++)
			free[search->dims[i]] -= amounts[search->dims[i]];
		if (accelerator >= 0 && is_fraction(amounts[accelerator]))
			devices[pm_fullest_device(devices, kind->ndevices, amounts[accelerator])] -=
				(int32) amounts[accelerator];
		if (pm_score(space, search->request, kind, free, devices) > score)
			break;
	}
	pfree(free);
	pfree(devices);
	return n;
}

/*
 * What a node lacks to hold one replica now: the sum over the dimensions of
 * lacking / capacity, as shares.  Devices count one by one: a whole request
 * needs that many entirely free, a fraction needs room within one.  The
 * request must fit the node's capacity.
 */
uint64
pm_shortfall(const PmSearch *search, const PmKind *kind, const PmNode *node)
{
	uint64		sum = 0;

	for (int i = 0; i < search->ndims; i++)
	{
		int			d = search->dims[i];
		int64		amount = search->request->amounts[d];
		int64		have = node->free[d];

		if (d == kind->accelerator && have > 0)
			have = pm_freest_devices(node, Max(amount / PM_DEVICE_WHOLE, 1));
		if (have < amount)
			sum += pm_share(&kind->scale[d], amount - have);
	}
	return sum;
}
