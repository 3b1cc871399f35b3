/*-------------------------------------------------------------------------
 *
 * reference_cap.c
 *	  Caps of lanes and of the pool, kept slowly and plainly; see reference.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "reference.h"

/* The cap of a lane, then that of the pool; NULL where there is none */
static PmCap *
cap_of(const PmQueue *queue, int lane, int i)
{
	PmCap	   *cap = i == 1 ? queue->pool_cap :
		queue->lane_caps ? &queue->lane_caps[lane] : NULL;

	return cap && cap->limited ? cap : NULL;
}

/* May a lane have one more replica of this? */
bool
ref_cap_allows(const Ref *ref, int lane, const PmRequest *request)
{
	for (int i = 0; i < 2; i++)
	{
		const PmCap *cap = cap_of(ref->queue, lane, i);

		if (cap == NULL)
			continue;
		if (cap->replicas < 1)
			return false;
		for (int d = 0; d < ref->cluster->ndims; d++)
			if (request->amounts[d] > 0 && cap->available[d] < request->amounts[d])
				return false;
	}
	return true;
}

/* One replica more (sign 1) or less (-1) for a lane */
void
ref_cap_count(const Ref *ref, int lane, const PmRequest *request, int sign)
{
	for (int i = 0; i < 2; i++)
	{
		PmCap	   *cap = cap_of(ref->queue, lane, i);

		if (cap == NULL)
			continue;
		if (cap->replicas != PM_CAP_NONE)
			cap->replicas -= sign;
		for (int d = 0; d < ref->cluster->ndims; d++)
			if (cap->available[d] != PM_CAP_NONE)
				cap->available[d] -= sign * request->amounts[d];
	}
}

/*
 * Which cap does not allow the minimum of a shape to a lane, with the numbers
 * of the replicas or of the dimension that lacks most; PM_REASON_NONE: none
 */
PmReason
ref_cap_reason(const Ref *ref, int lane, const PmShape *shape,
			   int64 *needed, int64 *available)
{
	for (int i = 0; i < 2; i++)
	{
		const PmCap *cap = cap_of(ref->queue, lane, i);
		int64		replicas = 0;
		bool		lacks = false;

		if (cap == NULL)
			continue;
		for (int g = 0; g < shape->ngroups; g++)
			replicas += shape->groups[g].min_replicas;
		if (replicas > cap->replicas)
		{
			*needed = replicas;
			*available = Max(cap->replicas, 0);
			return i == 0 ? PM_REASON_QUOTA : PM_REASON_NO_ADDRESS;
		}
		for (int d = 0; d < ref->cluster->ndims; d++)
		{
			int128		sum = 0;
			int64		have = Max(cap->available[d], 0);

			for (int g = 0; g < shape->ngroups; g++)
				sum += (int128) shape->groups[g].min_replicas *
					ref->queue->requests[shape->groups[g].request].amounts[d];
			if (have == PM_CAP_NONE || sum <= have)
				continue;
			sum = Min(sum, PG_INT64_MAX);
			if (lacks && (sum - have) * *needed <= (int128) (*needed - *available) * sum)
				continue;
			lacks = true;
			*needed = (int64) sum;
			*available = have;
		}
		if (lacks)
			return i == 0 ? PM_REASON_QUOTA : PM_REASON_NETWORK_BANDWIDTH;
	}
	return PM_REASON_NONE;
}
