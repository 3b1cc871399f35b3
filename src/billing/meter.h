/*-------------------------------------------------------------------------
 *
 * meter.h
 *	  The accumulator behind charges(): intervals in, counter units per
 *	  segment of time out.
 *
 * A timeline is a sequence of edges, in seconds, that cuts time into segments;
 * segments may have any length, and none is empty.  It is made once and shared
 * by the meters of all (tenant, SKU) that have the same edges.
 *
 * An interval costs two look-ups (constant time while edges are spread evenly,
 * logarithmic otherwise) and at most four additions, however many segments it
 * covers: its first and last segment get its part, a difference array of rates
 * the ones between.  What lies outside the timeline is not counted.
 *
 * Sums may leave 64 bits on the way, as long as they come back: what is taken
 * back is there twice, and its sum is 0.
 *
 * Memory: 16 bytes a segment and meter, up to 24 bytes a segment of a timeline.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_METER_H
#define PM_METER_H

typedef struct PmTimeline
{
	int			nsegments;
	const int64 *edges;			/* [nsegments + 1], the caller's, ascending */
	int			shift;			/* bucket of a second: its distance >> shift */
	int32	   *buckets;		/* segment that holds the start of a bucket */
} PmTimeline;

typedef struct PmMeter
{
	const PmTimeline *timeline;
	int64	   *part;			/* units of intervals that end in the segment */
	int64	   *rate;			/* [nsegments + 1] change of rate at its start */
	MemoryContext context;
	int64	   *carries;		/* of parts and rates: 2^64 so often; NULL: never */
} PmMeter;

/* Keeps edges, does not copy them.  palloc'd; free with pfree(). */
extern PmTimeline *pm_timeline_make(const int64 *edges, int nsegments);

/* The segment that holds a second of the timeline's range */
extern int	pm_timeline_find(const PmTimeline *timeline, int64 second);

/* One palloc'd piece in the current context; free with pfree(). */
extern PmMeter *pm_meter_make(const PmTimeline *timeline);

/* quantity in thousandths of a unit, may be negative; its product with the time is checked: 22003 */
extern void pm_meter_add(PmMeter *meter, int64 start, int64 end, int64 quantity_milli);

/* For SKUs sold per "once": the quantity, whole, at an instant */
extern void pm_meter_add_once(PmMeter *meter, int64 at, int64 quantity_milli);

/* Sums per segment into units[nsegments], in thousandths of a unit-second, or of
 * a unit; the meter goes on as it was.  22003: a sum is beyond 64 bits */
extern void pm_meter_finish(const PmMeter *meter, int64 *units);

#endif							/* PM_METER_H */
