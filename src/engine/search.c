/*-------------------------------------------------------------------------
 *
 * search.c
 *	  The best class for a request, and how many replicas still fit.
 *
 * Each request that is searched for keeps a heap of the classes it fits, by
 * (score, lowest node).  Both the fit and the score of a class are fixed, for
 * a class is a state; only its lowest node changes.  It goes up as nodes
 * leave, which is found out when the entry comes up; when it goes down, or an
 * empty class gets a member, the searches of the requests that fit (fit.c) are
 * told.  So the top is exactly what a scan over all nodes would find.
 *
 * What a search was told is looked at when it is asked: behind the heap are
 * the classes that it has not looked at yet.  One that is not asked for long
 * is closed, and looks at all there is when it is asked again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"

#include "engine/engine_internal.h"

/* Has the class of a candidate members, or is it of another state by now? */
static inline bool
is_empty(const PmSpace *space, const PmCandidate *candidate)
{
	const PmClass *class = &space->classes[candidate->class];

	return class->nnodes == 0 || class->generation != candidate->generation;
}

static inline bool
better(const PmCandidate *a, const PmCandidate *b)
{
	if (a->score != b->score)
		return a->score < b->score;
	return a->node < b->node;
}

static void
sift_down(PmSearch *search, int at)
{
	PmCandidate *heap = search->candidates;
	PmCandidate moved = heap[at];

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= search->ncandidates)
			break;
		if (child + 1 < search->ncandidates && better(&heap[child + 1], &heap[child]))
			child++;
		if (!better(&heap[child], &moved))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

static void
sift_up(PmSearch *search, int at)
{
	PmCandidate *heap = search->candidates;
	PmCandidate moved = heap[at];

	while (at > 0 && better(&moved, &heap[(at - 1) / 2]))
	{
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = moved;
}

static void
drop_top(PmSearch *search)
{
	search->candidates[0] = search->candidates[--search->ncandidates];
	if (search->ncandidates > 0)
		sift_down(search, 0);
}

static void
heapify(PmSearch *search)
{
	for (int i = search->ncandidates / 2 - 1; i >= 0; i--)
		sift_down(search, i);
}

/* Drop entries of empty classes and repeated ones; stamps are set */
static void
compact(PmSpace *space, PmSearch *search)
{
	uint32		stamp = ++space->stamp;
	int			kept = 0;

	for (int i = 0; i < search->ncandidates; i++)
	{
		PmClass    *class = &space->classes[search->candidates[i].class];

		if (is_empty(space, &search->candidates[i]) || class->stamp == stamp)
			continue;
		class->stamp = stamp;
		search->candidates[kept] = search->candidates[i];
		search->candidates[kept++].node =
			pm_class_lowest(space, search->candidates[i].class);
	}
	search->ncandidates = kept;
	heapify(search);
}

/* Make a class a candidate, if it has members and the request fits it */
static bool
look_at(PmSpace *space, PmSearch *search, int c, int node)
{
	const PmClass *class = &space->classes[c];
	const PmKind *kind = &space->kinds[class->kind];
	const int64 *free = pm_class_free(space, c);
	int			room;
	PmCandidate *candidate;

	if (class->nnodes == 0 || !search->match[kind->config] ||
		!pm_fits(search, kind, free, class->whole, class->most))
		return false;
	if (search->ncandidates == search->maxcandidates)
		compact(space, search);
	room = search->maxcandidates;
	search->candidates = pm_grow(space->context, search->candidates, &search->maxcandidates,
								 search->ncandidates + 1, sizeof(PmCandidate));
	space->held += (search->maxcandidates - room) * sizeof(PmCandidate);
	candidate = &search->candidates[search->ncandidates++];
	candidate->score = pm_score(space, search->request, kind, free, pm_class_devices(space, c));
	candidate->class = c;
	candidate->generation = class->generation;
	candidate->node = node;
	return true;
}

/* Let a search forget its candidates */
static void
close_search(PmSpace *space, PmSearch *search)
{
	space->held -= search->maxcandidates * sizeof(PmCandidate) + search->maxtold * sizeof(PmTold);
	if (search->candidates != NULL)
		pfree(search->candidates);
	if (search->told != NULL)
		pfree(search->told);
	search->candidates = NULL;
	search->told = NULL;
	search->maxcandidates = search->ncandidates = search->maxtold = search->ntold = 0;
	space->nopen -= search->opened;
	search->opened = false;
}

/* Tell a search of a class */
static void
tell(PmSpace *space, PmSearch *search, int c, int node)
{
	int			room = search->maxtold;

	search->told = pm_grow(space->context, search->told, &search->maxtold, search->ntold + 1,
						   sizeof(PmTold));
	space->held += (search->maxtold - room) * sizeof(PmTold);
	search->told[search->ntold].class = c;
	search->told[search->ntold++].node = node;
}

/* Tell a search of all classes, those with the lowest nodes last */
static void
open_search(PmSpace *space, PmSearch *search)
{
	CHECK_FOR_INTERRUPTS();
	for (int r = 0; space->held > PM_MAX_HELD && r < space->queue->nrequests; r++)
		close_search(space, &space->searches[r]);
	for (int c = 0; c < space->nclasses; c++)
		if (space->classes[c].nnodes > 0)
			tell(space, search, c, pm_class_lowest(space, c));
	search->opened = true;
	space->nopen++;
}

/*
 * What a search was told fills the room for it: forget what is empty by now.
 * Is it still too much, the search is closed, to look at all there is when it
 * is asked.
 */
static void
forget_empty(PmSpace *space, PmSearch *search)
{
	int			kept = 0;

	for (int i = 0; i < search->ntold; i++)
		if (space->classes[search->told[i].class].nnodes > 0)
			search->told[kept++] = search->told[i];
	search->ntold = kept;
	if (kept > search->maxtold / 2 &&
		(kept > space->cluster->nnodes || space->held > PM_MAX_HELD))
		close_search(space, search);
}

/* A node is the first or lowest member of a class now: tell whom it may concern */
void
pm_search_tell(PmSpace *space, int c, int node)
{
	const uint64 *fitting;
	int			nwords;

	if (space->nopen == 0)
		return;
	fitting = pm_fitting(space, c, &nwords);
	for (int w = 0; w < nwords; w++)
		for (uint64 left = fitting[w]; left != 0; left &= left - 1)
		{
			PmSearch   *search = &space->searches[w * 64 + pg_rightmost_one_pos64(left)];

			if (search->opened && search->ntold == search->maxtold)
				forget_empty(space, search);
			if (search->opened)
				tell(space, search, c, node);
		}
}

/* Look at what a search was told, the last first, until it has so many candidates more */
static void
look_at_told(PmSpace *space, PmSearch *search, int64 wanted)
{
	while (search->ntold > 0 && wanted > 0)
	{
		const PmTold *told = &search->told[--search->ntold];

		if (!look_at(space, search, told->class, told->node))
			continue;
		sift_up(search, search->ncandidates - 1);
		wanted--;
	}
}

/* Catch up with what has happened to the classes */
static void
catch_up(PmSpace *space, PmSearch *search)
{
	pm_class_catch_up(space);
	if (!search->opened)
		open_search(space, search);
	look_at_told(space, search, space->looks > 0 ? space->looks : PG_INT64_MAX);
}

/* The class of the node that the policy prefers, or -1 if no node fits */
int
pm_search_best(PmSpace *space, PmSearch *search)
{
	catch_up(space, search);
	for (;;)
	{
		PmCandidate *top;
		int			lowest;

		if (search->ncandidates == 0)
			look_at_told(space, search, 1);
		if (search->ncandidates == 0)
			return -1;
		top = &search->candidates[0];
		if (is_empty(space, top))
		{
			drop_top(search);
			continue;
		}
		lowest = pm_class_lowest(space, top->class);
		if (lowest == top->node)
			return top->class;
		top->node = lowest;
		sift_down(search, 0);
	}
}

/* How many replicas the candidates hold, at most limit */
static int64
count(PmSpace *space, PmSearch *search, int64 limit)
{
	uint32		stamp = ++space->stamp;
	int64		total = 0;
	int			dead = 0;

	for (int i = 0; i < search->ncandidates; i++)
	{
		int			c = search->candidates[i].class;
		PmClass    *class = &space->classes[c];

		if (is_empty(space, &search->candidates[i]) || class->stamp == stamp)
		{
			dead++;
			continue;
		}
		class->stamp = stamp;
		if (class->nnodes >= limit - total)
			return limit;
		total += class->nnodes *
			pm_copies(search, &space->kinds[class->kind], pm_class_free(space, c),
					  class->whole, pm_class_devices(space, c), limit - total);
		if (total >= limit)
			return limit;
	}
	if (dead > search->ncandidates / 2)
		compact(space, search);
	return total;
}

/*
 * How many replicas could be placed now, at most limit.  A class that is a
 * candidate holds at least one replica per node, so no more entries are
 * looked at than limit, empty classes aside.
 */
int64
pm_search_count(PmSpace *space, PmSearch *search, int64 limit)
{
	int64		total;

	catch_up(space, search);
	total = count(space, search, limit);
	if (total == limit || search->ntold == 0)
		return total;
	look_at_told(space, search, PG_INT64_MAX);
	return count(space, search, limit);
}

/* The same if all nodes were empty */
int64
pm_search_count_empty(const PmSpace *space, const PmSearch *search, int64 limit)
{
	int64		total = 0;

	for (int k = 0; k < space->nkinds && total < limit; k++)
	{
		const PmKind *kind = &space->kinds[k];

		if (search->match[kind->config])
			total += kind->nnodes * pm_copies_when_empty(search, kind, limit - total);
	}
	return Min(total, limit);
}

/* No more replicas than this fit, as far as is known */
int64
pm_search_bound(const PmSpace *space, const PmSearch *search)
{
	return search->bounded_in == space->growth ? search->bound :
		search->matches ? PG_INT64_MAX : 0;
}

/* No more than this many do, until something is given back */
void
pm_search_set_bound(const PmSpace *space, PmSearch *search, int64 bound)
{
	search->bound = Min(bound, pm_search_bound(space, search));
	search->bounded_in = space->growth;
}
