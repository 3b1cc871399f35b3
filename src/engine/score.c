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

/* Layout of a pack score, from the top: 1 bit, 42 bits, 21 bits */
#define SCORE_BEHIND	(UINT64CONST(1) << 63)
#define SCORE_ACC_SHIFT	(PM_SHARE_BITS + 1)
#define SCORE_ACC_MAX	((INT64CONST(1) << 42) - 1)

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
 * Score of putting one replica on a node with these free resources; smaller
 * is better, ties go to the node made first.
 *
 * pack, in this order: (1) a request without accelerator goes to nodes
 * without one; (2) least free accelerator, in thousandths, after placement;
 * (3) least dominant free share after placement, the maximum over all
 * dimensions of (free - request) / capacity.
 *
 * Putting a replica on a node never makes its score for the next one worse,
 * so the best node stays the best until it is full: place.c relies on it.
 */
uint64
pm_score(const PmSpace *space, const PmRequest *request, const PmKind *kind,
		 const int64 *free)
{
	int			ndims = space->cluster->ndims;
	uint64		score = 0;
	uint64		dominant = 0;

	if (space->placement == PM_PLACE_FIRST_FIT)
		return 0;

	if (kind->accelerator >= 0)
	{
		int64		after = free[kind->accelerator] - request->amounts[kind->accelerator];

		if (!request->wants_accelerator)
			score = SCORE_BEHIND;
		score |= (uint64) Min(after, SCORE_ACC_MAX) << SCORE_ACC_SHIFT;
	}
	for (int d = 0; d < ndims; d++)
	{
		uint64		share = pm_share(&kind->scale[d], free[d] - request->amounts[d]);

		if (share > dominant)
			dominant = share;
	}
	return score | dominant;
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
