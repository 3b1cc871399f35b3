/*-------------------------------------------------------------------------
 *
 * reference_score.c
 *	  How good a node is for a request, with divisions and no packed numbers.
 *
 * It shares no code with the engine.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "reference.h"

int64
ref_share_of(int64 amount, int64 capacity)
{
	while (capacity >= INT64CONST(1) << 42)
	{
		amount >>= 1;
		capacity >>= 1;
	}
	return capacity == 0 ? 0 : (int64) ((int128) amount * (1 << 20) / capacity);
}

bool
ref_wants_accelerator(const PmCluster *cluster, const PmRequest *request)
{
	for (int n = 0; n < cluster->nnodes; n++)
		if (cluster->nodes[n].accelerator >= 0 &&
			request->amounts[cluster->nodes[n].accelerator] > 0)
			return true;
	return false;
}

/* pack: the part of free devices for which something else would be lacking */
static int64
stranded(const PmCluster *cluster, const PmNode *node, const int64 *free)
{
	int64		usable = node->ndevices * 1000;

	for (int d = 0; d < cluster->ndims; d++)
		if (d != node->accelerator && node->capacity[d] > 0)
			usable = Min(usable, (int64) ((int128) node->ndevices * 1000 *
										  ref_share_of(free[d], node->capacity[d]) / (1 << 20)));
	return Max(free[node->accelerator] - usable, 0);
}

/* pack: what is left on the device that a fraction would take */
static int64
left_on_device(const PmNode *node, int64 amount)
{
	int64		left = -1;

	if (amount % 1000 == 0)
		return 0;
	for (int i = 0; i < node->ndevices; i++)
		if (node->device_free[i] >= amount && (left < 0 || node->device_free[i] - amount < left))
			left = node->device_free[i] - amount;
	return left;
}

RefScore
ref_score(const Ref *ref, const PmNode *node, const PmRequest *request)
{
	int			ndims = ref->cluster->ndims;
	int64	   *after = palloc(sizeof(int64) * ndims);
	int64		dominant = 0;
	int64		waste;
	RefScore	s = {0, 0, 0, 0};

	if (ref->policy.placement == PM_PLACE_FIRST_FIT)
		return s;
	s.behind = node->accelerator >= 0 && !ref_wants_accelerator(ref->cluster, request);
	for (int d = 0; d < ndims; d++)
	{
		after[d] = node->free[d] - request->amounts[d];
		dominant = Max(dominant, ref_share_of(after[d], node->capacity[d]));
		if (ref->policy.placement == PM_PLACE_SPREAD && request->amounts[d] > 0)
			s.share = Max(s.share, ref_share_of(node->capacity[d] - after[d], node->capacity[d]));
	}
	if (ref->policy.placement == PM_PLACE_SPREAD)
		return s;
	s.share = dominant;
	if (node->accelerator < 0)
		return s;
	s.accelerator = after[node->accelerator];
	waste = stranded(ref->cluster, node, after) - stranded(ref->cluster, node, node->free) +
		left_on_device(node, request->amounts[node->accelerator]);
	s.waste = waste >= 0 ? waste / 125 : -((-waste + 124) / 125);
	return s;
}

bool
ref_less(RefScore a, RefScore b)
{
	if (a.behind != b.behind)
		return a.behind < b.behind;
	if (a.waste != b.waste)
		return a.waste < b.waste;
	if (a.share != b.share)
		return a.share < b.share;
	return a.accelerator < b.accelerator;
}
