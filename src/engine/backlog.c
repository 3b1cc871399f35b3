/*-------------------------------------------------------------------------
 *
 * backlog.c
 *	  The jobs that wait, and which of them a pass looks at next.
 *
 * Jobs are known by their rank, their place in the sorted queue.  A lane is
 * one queue; within it, jobs of one shape (and, where time matters, of one
 * time limit) are in one bucket: if the first of them cannot start, none of
 * them can, so a pass costs what it starts and the buckets that it tries,
 * whatever the length of the queue.
 *
 * Looked at next is the first job of the lane whose first job comes first: it
 * has a claim (preempt.c) while others have none, or it would not borrow while
 * they would (quota.c), or else is before them.  A
 * pass takes it out, puts it aside until the pass ends, lets its bucket sleep
 * or closes its lane.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

/* Jobs that are alike to a pass */
typedef struct Bucket
{
	int32		shape;
	int32		lane;
	int64		time_limit;
	int			njobs;
	int			maxjobs;
	int32	   *jobs;			/* a heap, first job on top */
} Bucket;

typedef struct Lane
{
	int			nbuckets;
	int			maxbuckets;
	int32	   *buckets;		/* the first nawake are a heap, first job on top */
	int			nawake;
	int			nkept;			/* of a closed lane: so many still are a heap */
	bool		changed;		/* buckets are to be put in order anew */
	int			rank;			/* of its first job: has it a claim, or would it
								 * borrow? */
} Lane;

struct PmBacklog
{
	const PmQueue *queue;
	MemoryContext context;
	bool		by_limit;		/* are buckets told apart by time limit? */
	bool		one_lane;		/* or by lane? */
	int			nlanes;
	bool		shortest;		/* the rest of the pass: by time limit first */

	int			nbuckets;
	int			maxbuckets;
	Bucket	   *buckets;
	int32	   *slots;			/* hash table: bucket + 1, or 0 */
	uint32		slot_mask;
	int			last;			/* bucket of the job that joined last */

	Lane	   *lanes;			/* [nlanes] */
	int			nopen;
	int32	   *open;			/* a heap of lanes that have a bucket awake */

	int			naside;
	int			maxaside;
	int32	   *aside;
};

/* ---- heaps of buckets and lanes ---- */

static inline bool
bucket_before(const PmBacklog *backlog, int a, int b)
{
	const Bucket *x = &backlog->buckets[a];
	const Bucket *y = &backlog->buckets[b];

	if (backlog->shortest && x->time_limit != y->time_limit)
		return x->time_limit < y->time_limit;
	return x->jobs[0] < y->jobs[0];
}

static inline bool
lane_before(const PmBacklog *backlog, int a, int b)
{
	const Lane *x = &backlog->lanes[a];
	const Lane *y = &backlog->lanes[b];

	if (x->rank != y->rank)
		return x->rank < y->rank;
	return bucket_before(backlog, x->buckets[0], y->buckets[0]);
}

/* The first job of a lane, or what the lane holds, has changed */
static void
note_borrowing(PmBacklog *backlog, int l)
{
	Lane	   *lane = &backlog->lanes[l];

	const Bucket *bucket = &backlog->buckets[lane->buckets[0]];

	if (backlog->queue->jobs[bucket->jobs[0]].claims_since != 0)
		lane->rank = 0;
	else
		lane->rank = pm_lane_would_borrow(backlog->queue, l, bucket->shape) ? 2 : 1;
}

typedef bool (*Before) (const PmBacklog *backlog, int a, int b);

static void
sift_down(const PmBacklog *backlog, int32 *heap, int n, int at, Before before)
{
	int32		moved = heap[at];

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= n)
			break;
		if (child + 1 < n && before(backlog, heap[child + 1], heap[child]))
			child++;
		if (!before(backlog, heap[child], moved))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

static void
heapify(const PmBacklog *backlog, int32 *heap, int n, Before before)
{
	for (int i = n / 2 - 1; i >= 0; i--)
		sift_down(backlog, heap, n, i, before);
}

/* ---- heaps of jobs ---- */

static void
push_job(PmBacklog *backlog, Bucket *bucket, int job)
{
	int			at = bucket->njobs++;

	bucket->jobs = pm_grow(backlog->context, bucket->jobs, &bucket->maxjobs, bucket->njobs,
						   sizeof(int32));
	while (at > 0 && bucket->jobs[(at - 1) / 2] > job)
	{
		bucket->jobs[at] = bucket->jobs[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	bucket->jobs[at] = job;
}

static void
pop_job(Bucket *bucket)
{
	int			last = bucket->jobs[--bucket->njobs];
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= bucket->njobs)
			break;
		if (child + 1 < bucket->njobs && bucket->jobs[child + 1] < bucket->jobs[child])
			child++;
		if (bucket->jobs[child] >= last)
			break;
		bucket->jobs[at] = bucket->jobs[child];
		at = child;
	}
	bucket->jobs[at] = last;
}

/* ---- buckets ---- */

static uint32
bucket_hash(int32 shape, int32 lane, int64 time_limit)
{
	uint64		h = pm_mix(0, ((uint64) (uint32) shape << 32) | (uint32) lane);

	return (uint32) (pm_mix(h, (uint64) time_limit) >> 32);
}

static void
grow_slots(PmBacklog *backlog)
{
	uint32		size = (backlog->slot_mask + 1) * 2;

	pfree(backlog->slots);
	backlog->slots = MemoryContextAllocHuge(backlog->context, sizeof(int32) * (Size) size);
	memset(backlog->slots, 0, sizeof(int32) * (Size) size);
	backlog->slot_mask = size - 1;
	for (int b = 0; b < backlog->nbuckets; b++)
	{
		const Bucket *bucket = &backlog->buckets[b];
		uint32		slot = bucket_hash(bucket->shape, bucket->lane, bucket->time_limit) &
			backlog->slot_mask;

		while (backlog->slots[slot] != 0)
			slot = (slot + 1) & backlog->slot_mask;
		backlog->slots[slot] = b + 1;
	}
}

static int
add_bucket(PmBacklog *backlog, int32 shape, int32 l, int64 time_limit)
{
	Lane	   *lane = &backlog->lanes[l];
	Bucket	   *bucket;

	backlog->buckets = pm_grow(backlog->context, backlog->buckets, &backlog->maxbuckets,
							   backlog->nbuckets + 1, sizeof(Bucket));
	bucket = &backlog->buckets[backlog->nbuckets];
	memset(bucket, 0, sizeof(Bucket));
	bucket->shape = shape;
	bucket->lane = l;
	bucket->time_limit = time_limit;
	lane->buckets = pm_grow(backlog->context, lane->buckets, &lane->maxbuckets,
							lane->nbuckets + 1, sizeof(int32));
	lane->buckets[lane->nbuckets++] = backlog->nbuckets;
	return backlog->nbuckets++;
}

static inline bool
is_of(const PmBacklog *backlog, int b, const PmJob *job)
{
	const Bucket *bucket = &backlog->buckets[b];

	return bucket->shape == job->shape && (backlog->one_lane || bucket->lane == job->lane) &&
		(!backlog->by_limit || bucket->time_limit == job->time_limit);
}

static int
find_bucket(PmBacklog *backlog, const PmJob *job)
{
	int64		time_limit = backlog->by_limit ? job->time_limit : 0;
	int32		lane = backlog->one_lane ? 0 : job->lane;
	uint32		slot;

	if (backlog->last >= 0 && is_of(backlog, backlog->last, job))
		return backlog->last;
	if ((uint32) backlog->nbuckets * 2 > backlog->slot_mask)
		grow_slots(backlog);
	slot = bucket_hash(job->shape, lane, time_limit) & backlog->slot_mask;
	while (backlog->slots[slot] != 0)
	{
		if (is_of(backlog, backlog->slots[slot] - 1, job))
			return backlog->last = backlog->slots[slot] - 1;
		slot = (slot + 1) & backlog->slot_mask;
	}
	backlog->last = add_bucket(backlog, job->shape, lane, time_limit);
	backlog->slots[slot] = backlog->last + 1;
	return backlog->last;
}

/* ---- for the scheduler ---- */

/*
 * One lane: it matters to nothing whose jobs are whose, so all are in one
 * queue, and what is alike is in one bucket.
 */
PmBacklog *
pm_backlog_create(const PmQueue *queue, bool by_limit, bool one_lane)
{
	PmBacklog  *backlog = palloc0(sizeof(PmBacklog));

	backlog->queue = queue;
	backlog->context = CurrentMemoryContext;
	backlog->by_limit = by_limit;
	backlog->one_lane = one_lane;
	backlog->nlanes = one_lane ? 1 : queue->nlanes;
	backlog->slot_mask = 255;
	backlog->slots = palloc0(sizeof(int32) * 256);
	backlog->last = -1;
	backlog->lanes = palloc0(sizeof(Lane) * Max(backlog->nlanes, 1));
	backlog->open = palloc(sizeof(int32) * Max(backlog->nlanes, 1));
	return backlog;
}

/* A job waits from now on; not during a pass */
void
pm_backlog_add(PmBacklog *backlog, int job)
{
	int			b = find_bucket(backlog, &backlog->queue->jobs[job]);

	push_job(backlog, &backlog->buckets[b], job);
	backlog->lanes[backlog->buckets[b].lane].changed = true;
}

/* All its buckets that have jobs.  What a closed lane keeps is in order. */
static void
wake_lane(PmBacklog *backlog, Lane *lane)
{
	bool		kept = !lane->changed && lane->nawake == 0;

	lane->nawake = lane->nkept;
	lane->nkept = 0;
	lane->changed = false;
	if (kept)
		return;
	lane->nawake = 0;
	for (int i = 0; i < lane->nbuckets; i++)
	{
		int32		b = lane->buckets[i];

		if (backlog->buckets[b].njobs == 0)
			continue;
		lane->buckets[i] = lane->buckets[lane->nawake];
		lane->buckets[lane->nawake++] = b;
	}
	heapify(backlog, lane->buckets, lane->nawake, bucket_before);
}

/* A pass begins: every bucket with jobs is awake, every lane open */
void
pm_backlog_begin(PmBacklog *backlog)
{
	backlog->shortest = false;
	backlog->nopen = 0;
	for (int l = 0; l < backlog->nlanes; l++)
	{
		Lane	   *lane = &backlog->lanes[l];

		wake_lane(backlog, lane);
		if (lane->nawake == 0)
			continue;
		note_borrowing(backlog, l);
		backlog->open[backlog->nopen++] = l;
	}
	heapify(backlog, backlog->open, backlog->nopen, lane_before);
}

/* The job to look at next, or -1 */
int
pm_backlog_first(const PmBacklog *backlog)
{
	if (backlog->nopen == 0)
		return -1;
	return backlog->buckets[backlog->lanes[backlog->open[0]].buckets[0]].jobs[0];
}

/* The lane that was looked at has changed */
static void
lane_changed(PmBacklog *backlog)
{
	if (backlog->lanes[backlog->open[0]].nawake == 0)
		backlog->open[0] = backlog->open[--backlog->nopen];
	else
		note_borrowing(backlog, backlog->open[0]);
	if (backlog->nopen > 1)
		sift_down(backlog, backlog->open, backlog->nopen, 0, lane_before);
}

/* No job of the bucket that was looked at is looked at any more in this pass */
void
pm_backlog_sleep(PmBacklog *backlog)
{
	Lane	   *lane = &backlog->lanes[backlog->open[0]];
	int32		b = lane->buckets[0];

	lane->changed |= backlog->buckets[b].njobs > 0;
	lane->buckets[0] = lane->buckets[--lane->nawake];
	lane->buckets[lane->nawake] = b;
	if (lane->nawake > 1)
		sift_down(backlog, lane->buckets, lane->nawake, 0, bucket_before);
	lane_changed(backlog);
}

/* The job that was looked at waits no more */
void
pm_backlog_take(PmBacklog *backlog)
{
	Lane	   *lane = &backlog->lanes[backlog->open[0]];
	Bucket	   *bucket = &backlog->buckets[lane->buckets[0]];

	pop_job(bucket);
	if (bucket->njobs == 0)
	{
		pm_backlog_sleep(backlog);
		return;
	}
	sift_down(backlog, lane->buckets, lane->nawake, 0, bucket_before);
	lane_changed(backlog);
}

/* The same, until the pass ends */
void
pm_backlog_put_aside(PmBacklog *backlog)
{
	backlog->aside = pm_grow(backlog->context, backlog->aside, &backlog->maxaside,
							 backlog->naside + 1, sizeof(int32));
	backlog->aside[backlog->naside++] = pm_backlog_first(backlog);
	pm_backlog_take(backlog);
}

/* No job of the lane that was looked at is looked at any more in this pass */
void
pm_backlog_close_lane(PmBacklog *backlog)
{
	Lane	   *lane = &backlog->lanes[backlog->open[0]];

	lane->nkept = lane->nawake;
	lane->nawake = 0;
	lane_changed(backlog);
}

/* What is left is looked at by time limit, and only then in its order */
void
pm_backlog_go_on_shortest(PmBacklog *backlog)
{
	Assert(backlog->by_limit);
	backlog->shortest = true;
	for (int i = 0; i < backlog->nopen; i++)
	{
		Lane	   *lane = &backlog->lanes[backlog->open[i]];

		lane->changed = true;
		heapify(backlog, lane->buckets, lane->nawake, bucket_before);
		note_borrowing(backlog, backlog->open[i]);
	}
	heapify(backlog, backlog->open, backlog->nopen, lane_before);
}

/* The pass ends: what was put aside waits again */
void
pm_backlog_end(PmBacklog *backlog)
{
	while (backlog->naside > 0)
		pm_backlog_add(backlog, backlog->aside[--backlog->naside]);
}
