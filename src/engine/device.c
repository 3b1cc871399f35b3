/*-------------------------------------------------------------------------
 *
 * device.c
 *	  One node and one request: does a replica fit, how many do, and taking
 *	  or giving back what they hold.  Not which node.
 *
 * In the accelerator dimension of a node, whole requests take entirely free
 * devices, lowest number first; a fraction goes to the fullest device that
 * still has room, lowest number first.  In every other dimension a request
 * is just an amount.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

#define is_whole(amount)	((amount) % PM_DEVICE_WHOLE == 0)

/* Does one replica fit what is free? */
bool
pm_fits(const PmSearch *search, const PmKind *kind, const int64 *free,
		int whole, int32 most)
{
	const int64 *amounts = search->request->amounts;

	for (int i = 0; i < search->ndims; i++)
	{
		int			d = search->dims[i];

		if (free[d] < amounts[d])
			return false;
	}
	if (kind->accelerator >= 0)
	{
		int64		amount = amounts[kind->accelerator];

		if (is_whole(amount))
			return whole >= amount / PM_DEVICE_WHOLE;
		return amount <= most;
	}
	return true;
}

bool
pm_node_fits(const PmSearch *search, const PmKind *kind, const PmNode *node)
{
	int			whole = 0;
	int32		most = 0;

	for (int i = 0; i < node->ndevices; i++)
	{
		if (node->device_free[i] == PM_DEVICE_WHOLE)
			whole++;
		most = Max(most, node->device_free[i]);
	}
	return pm_fits(search, kind, node->free, whole, most);
}

/* How many times the amounts are in what is there, devices aside */
static int64
copies_by_amount(const PmSearch *search, const int64 *free, int64 limit)
{
	int64		n = limit;

	for (int i = 0; i < search->ndims && n > 0; i++)
	{
		int64		amount = search->request->amounts[search->dims[i]];
		int64		have = free[search->dims[i]];

		if (amount > have / n)
			n = have / amount;
	}
	return n;
}

/* How many replicas fit side by side, at most limit */
int64
pm_copies(const PmSearch *search, const PmKind *kind, const int64 *free,
		  int whole, const int32 *devices, int64 limit)
{
	int64		n = copies_by_amount(search, free, limit);

	if (kind->accelerator >= 0 && search->request->amounts[kind->accelerator] > 0)
	{
		int64		amount = search->request->amounts[kind->accelerator];
		int64		room = 0;

		if (is_whole(amount))
			room = whole / (amount / PM_DEVICE_WHOLE);
		else
			for (int i = 0; i < kind->ndevices; i++)
				room += devices[i] / amount;
		n = Min(n, room);
	}
	return n;
}

/* The same for a node of this kind without any load */
int64
pm_copies_when_empty(const PmSearch *search, const PmKind *kind, int64 limit)
{
	int64		n = copies_by_amount(search, kind->capacity, limit);

	if (kind->accelerator >= 0 && search->request->amounts[kind->accelerator] > 0)
	{
		int64		amount = search->request->amounts[kind->accelerator];

		if (is_whole(amount))
			n = Min(n, kind->ndevices / (amount / PM_DEVICE_WHOLE));
		else
			n = Min(n, kind->ndevices * (PM_DEVICE_WHOLE / amount));
	}
	return n;
}

/*
 * The device after prev (-1: the first) when devices are ranked by what is
 * free on them, most first, lowest number first; -1 after the last
 */
static int
next_freest(const PmNode *node, int prev)
{
	int			next = -1;

	for (int i = 0; i < node->ndevices; i++)
	{
		int32		have = node->device_free[i];

		if (prev >= 0 &&
			(have > node->device_free[prev] ||
			 (have == node->device_free[prev] && i <= prev)))
			continue;
		if (next < 0 || have > node->device_free[next])
			next = i;
	}
	return next;
}

/* The fullest device with room for a fraction, lowest number first, or -1 */
int
pm_fullest_device(const int32 *device_free, int ndevices, int64 amount)
{
	int			fullest = -1;

	for (int i = 0; i < ndevices; i++)
		if (device_free[i] >= amount &&
			(fullest < 0 || device_free[i] < device_free[fullest]))
			fullest = i;
	return fullest;
}

/* What is free on the n freest devices of a node together */
int64
pm_freest_devices(const PmNode *node, int64 n)
{
	int64		sum = 0;
	int			whole = 0;
	int			partly = 0;
	int			device = -1;

	for (int i = 0; i < node->ndevices; i++)
	{
		int32		have = node->device_free[i];

		sum += have;
		if (have == PM_DEVICE_WHOLE)
			whole++;
		else if (have > 0)
			partly++;
	}
	if (n <= whole)
		return n * PM_DEVICE_WHOLE;
	if (n >= whole + partly)
		return sum;
	for (sum = 0; n > 0; n--)
	{
		device = next_freest(node, device);
		sum += node->device_free[device];
	}
	return sum;
}

/* Devices that one replica holds on a node, and how much of each */
int
pm_devices_per_replica(const PmNode *node, const PmRequest *request, int *share)
{
	int64		amount = 0;

	if (node->accelerator >= 0)
		amount = request->amounts[node->accelerator];
	*share = 0;
	if (amount == 0)
		return 0;
	*share = Min(amount, PM_DEVICE_WHOLE);
	return is_whole(amount) ? (int) (amount / PM_DEVICE_WHOLE) : 1;
}

/*
 * Put replicas, which fit, on the node.  The numbers of their devices go to
 * devices, replica by replica.
 */
void
pm_node_take(PmNode *node, const PmSearch *search, int replicas, int *devices)
{
	int			share;
	int64		want = (int64) replicas *
		pm_devices_per_replica(node, search->request, &share);

	for (int i = 0; i < search->ndims; i++)
	{
		int			d = search->dims[i];

		node->free[d] -= search->request->amounts[d] * replicas;
		Assert(node->free[d] >= 0);
	}
	if (want == 0)
		return;

	if (share < PM_DEVICE_WHOLE)
	{
		for (int i = 0; i < replicas; i++)
		{
			devices[i] = pm_fullest_device(node->device_free, node->ndevices, share);
			Assert(devices[i] >= 0);
			node->device_free[devices[i]] -= share;
		}
		return;
	}
	for (int i = 0; i < node->ndevices && want > 0; i++)
		if (node->device_free[i] == PM_DEVICE_WHOLE)
		{
			node->device_free[i] = 0;
			*devices++ = i;
			want--;
		}
	Assert(want == 0);
}

/* The reverse */
void
pm_node_give(PmNode *node, const PmSearch *search, int replicas,
			 const int *devices, int ndevices, int share)
{
	for (int i = 0; i < search->ndims; i++)
	{
		int			d = search->dims[i];

		node->free[d] += search->request->amounts[d] * replicas;
	}
	for (int i = 0; i < ndevices; i++)
		node->device_free[devices[i]] += share;
}

/*
 * Take what is free of one replica's request, be it less than the request.
 * Of devices, the freest are taken, whole, for they will be needed whole; a
 * fraction takes its share where it fits, else what the freest device has.
 */
void
pm_node_withhold(PmNode *node, const PmSearch *search)
{
	const int64 *amounts = search->request->amounts;
	int			share;
	int			want = pm_devices_per_replica(node, search->request, &share);

	for (int i = 0; i < search->ndims; i++)
	{
		int			d = search->dims[i];

		if (d != node->accelerator)
			node->free[d] -= Min(node->free[d], amounts[d]);
	}
	if (want == 0)
		return;

	for (int i = 0; i < want; i++)
	{
		int			device = -1;
		int32		taken;

		if (share < PM_DEVICE_WHOLE)
			device = pm_fullest_device(node->device_free, node->ndevices, share);
		if (device < 0)
			device = next_freest(node, -1);
		if (device < 0 || node->device_free[device] == 0)
			break;
		taken = Min(node->device_free[device], share);
		node->device_free[device] -= taken;
		node->free[node->accelerator] -= taken;
	}
}
