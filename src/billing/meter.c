/*-------------------------------------------------------------------------
 *
 * meter.c
 *	  Intervals in, counter units per segment of time out; see meter.h.
 *
 * Needs nothing of the server but memory and ereport(), so that it is tested
 * and measured outside it (test/core/billing_test.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "billing/meter.h"
#include "common/int.h"
#include "utils/memutils.h"

#define MAX_BUCKETS_PER_SEGMENT 4
#define WALK					8	/* segments in a bucket to look through in turn */

static void
meter_overflow(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("metered usage out of range"),
			 errdetail("A sum is beyond 9.2e18 thousandths of a unit-second."),
			 errhint("Take a shorter time; or take back what was recorded wrongly, with correct_usage().")));
}

static inline void
add_checked(int64 *sum, int64 more)
{
	if (unlikely(pg_add_s64_overflow(*sum, more, sum)))
		meter_overflow();
}

/*
 * A sum goes beyond 64 bits: it counts on from the other end, and how often is
 * kept.  What was recorded wrongly is in it before what takes it back.
 */
static pg_noinline void
carry(PmMeter *meter, int64 *sum, int64 more)
{
	if (meter->carries == NULL)
		meter->carries = MemoryContextAllocZero(meter->context, sizeof(int64) * 2 *
												((Size) meter->timeline->nsegments + 1));
	/* parts and rates are one piece of memory */
	meter->carries[sum - meter->part] += more > 0 ? 1 : -1;
	*sum = (int64) ((uint64) *sum + (uint64) more);
}

static inline void
add(PmMeter *meter, int64 *sum, int64 more)
{
	int64		result;

	if (unlikely(pg_add_s64_overflow(*sum, more, &result)))
		carry(meter, sum, more);
	else
		*sum = result;
}

static inline int64
product(int64 a, int64 b)
{
	int64		result;

	if (unlikely(pg_mul_s64_overflow(a, b, &result)))
		meter_overflow();
	return result;
}

PmTimeline *
pm_timeline_make(const int64 *edges, int nsegments)
{
	PmTimeline *timeline;
	uint64		range = (uint64) edges[nsegments] - (uint64) edges[0];
	int			shift = 0;
	int			nbuckets;
	int			segment = 0;
	int			b;

	Assert(nsegments > 0);

	while (((range - 1) >> shift) >= (uint64) nsegments * MAX_BUCKETS_PER_SEGMENT)
		shift++;
	nbuckets = (int) ((range - 1) >> shift) + 1;

	timeline = palloc(MAXALIGN(sizeof(PmTimeline)) + sizeof(int32) * (nbuckets + 1));
	timeline->nsegments = nsegments;
	timeline->edges = edges;
	timeline->shift = shift;
	timeline->buckets = (int32 *) ((char *) timeline + MAXALIGN(sizeof(PmTimeline)));

	for (b = 0; b < nbuckets; b++)
	{
		int64		start = (int64) ((uint64) edges[0] + ((uint64) b << shift));

		while (edges[segment + 1] <= start)
			segment++;
		timeline->buckets[b] = segment;
	}
	timeline->buckets[nbuckets] = nsegments - 1;
	return timeline;
}

/* The look-up itself; second lies in the range */
static inline int
find_segment(const PmTimeline *timeline, int64 second)
{
	const int64 *edges = timeline->edges;
	uint64		bucket = ((uint64) second - (uint64) edges[0]) >> timeline->shift;
	int			low = timeline->buckets[bucket];
	int			high = timeline->buckets[bucket + 1];

	/* many edges in one bucket: halve; few, as mostly: look at each */
	while (unlikely(high - low > WALK))
	{
		int			middle = low + (high - low + 1) / 2;

		if (edges[middle] <= second)
			low = middle;
		else
			high = middle - 1;
	}
	while (edges[low + 1] <= second)
		low++;
	return low;
}

int
pm_timeline_find(const PmTimeline *timeline, int64 second)
{
	Assert(second >= timeline->edges[0] &&
		   second < timeline->edges[timeline->nsegments]);
	return find_segment(timeline, second);
}

PmMeter *
pm_meter_make(const PmTimeline *timeline)
{
	Size		n = timeline->nsegments + 1;
	PmMeter    *meter;

	meter = palloc0(MAXALIGN(sizeof(PmMeter)) + n * 2 * sizeof(int64));
	meter->timeline = timeline;
	meter->context = CurrentMemoryContext;
	meter->part = (int64 *) ((char *) meter + MAXALIGN(sizeof(PmMeter)));
	meter->rate = meter->part + n;
	return meter;
}

void
pm_meter_add(PmMeter *meter, int64 start, int64 end, int64 quantity_milli)
{
	const PmTimeline *timeline = meter->timeline;
	const int64 *edges = timeline->edges;
	int			first;
	int			last;

	start = Max(start, edges[0]);
	end = Min(end, edges[timeline->nsegments]);
	if (start >= end)
		return;

	first = find_segment(timeline, start);
	if (end <= edges[first + 1])
	{
		add(meter, &meter->part[first], product(quantity_milli, end - start));
		return;
	}

	last = find_segment(timeline, end - 1);
	add(meter, &meter->part[first], product(quantity_milli, edges[first + 1] - start));
	add(meter, &meter->part[last], product(quantity_milli, end - edges[last]));
	add(meter, &meter->rate[first + 1], quantity_milli);
	add(meter, &meter->rate[last], -quantity_milli);
}

void
pm_meter_add_once(PmMeter *meter, int64 at, int64 quantity_milli)
{
	const PmTimeline *timeline = meter->timeline;
	int			segment;

	if (at < timeline->edges[0] || at >= timeline->edges[timeline->nsegments])
		return;

	segment = find_segment(timeline, at);
	add(meter, &meter->part[segment], quantity_milli);
}

void
pm_meter_finish(const PmMeter *meter, int64 *units)
{
	const PmTimeline *timeline = meter->timeline;
	int64		rate = 0;

	for (int i = 0; meter->carries && i < 2 * (timeline->nsegments + 1); i++)
	{
		if (meter->carries[i] != 0)
			meter_overflow();
	}
	for (int i = 0; i < timeline->nsegments; i++)
	{
		int64		length = timeline->edges[i + 1] - timeline->edges[i];

		add_checked(&rate, meter->rate[i]);
		units[i] = product(rate, length);
		add_checked(&units[i], meter->part[i]);
	}
}
