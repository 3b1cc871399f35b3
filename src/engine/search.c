/*-------------------------------------------------------------------------
 *
 * search.c
 *	  The best class for a request, and how many replicas still fit.
 *
 * Each request that is searched for keeps a heap of the classes it fits, by
 * (score, lowest node).  Both the fit and the score of a class are fixed, for
 * a class is a state; only its lowest node changes.  It goes up as nodes
 * leave, which is found out when the entry comes up; when it goes down, or an
 * empty class gets a member, there is an event, and the search enters the
 * class again.  So the top is exactly what a scan over all nodes would find,
 * while the cost follows requests and events.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/engine_internal.h"

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

/* Append a class if it has members and the request fits it */
static bool
append_if_fits(PmSpace *space, PmSearch *search, int c)
{
	const PmClass *class = &space->classes[c];
	const PmKind *kind = &space->kinds[class->kind];
	const int64 *free = pm_class_free(space, c);
	int			room = search->maxcandidates;
	PmCandidate *candidate;

	if (class->nnodes == 0 || !search->match[kind->config] ||
		!pm_fits(search, kind, free, class->whole, class->most))
		return false;
	search->candidates = pm_grow(space->context, search->candidates,
								 &search->maxcandidates, search->ncandidates + 1,
								 sizeof(PmCandidate));
	space->held += search->maxcandidates - room;
	candidate = &search->candidates[search->ncandidates++];
	candidate->score = pm_score(space, search->request, kind, free,
								pm_class_devices(space, c));
	candidate->class = c;
	candidate->node = pm_class_lowest(space, c);
	return true;
}

static void
heapify(PmSearch *search)
{
	for (int i = search->ncandidates / 2 - 1; i >= 0; i--)
		sift_down(search, i);
}

/* Let all searches forget their candidates */
static void
close_searches(PmSpace *space)
{
	for (int r = 0; r < space->queue->nrequests; r++)
	{
		PmSearch   *search = &space->searches[r];

		if (search->candidates != NULL)
			pfree(search->candidates);
		search->candidates = NULL;
		search->maxcandidates = search->ncandidates = 0;
		search->opened = false;
	}
	space->held = 0;
}

/* Catch up with what has happened to the classes */
static void
catch_up(PmSpace *space, PmSearch *search)
{
	pm_class_catch_up(space);
	if (!search->opened)
	{
		CHECK_FOR_INTERRUPTS();
		if (space->held > PM_MAX_CANDIDATES)
			close_searches(space);
		for (int c = 0; c < space->nclasses; c++)
			append_if_fits(space, search, c);
		heapify(search);
		search->opened = true;
		search->cursor = space->nevents;
		return;
	}
	for (; search->cursor < space->nevents; search->cursor++)
		if (append_if_fits(space, search, space->events[search->cursor]))
			sift_up(search, search->ncandidates - 1);
}

/* The class of the node that the policy prefers, or -1 if no node fits */
int
pm_search_best(PmSpace *space, PmSearch *search)
{
	catch_up(space, search);
	while (search->ncandidates > 0)
	{
		PmCandidate *top = &search->candidates[0];
		int			lowest;

		if (space->classes[top->class].nnodes == 0)
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
	return -1;
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

		if (class->nnodes == 0 || class->stamp == stamp)
			continue;
		class->stamp = stamp;
		search->candidates[kept] = search->candidates[i];
		search->candidates[kept++].node =
			pm_class_lowest(space, search->candidates[i].class);
	}
	search->ncandidates = kept;
	heapify(search);
}

/*
 * How many replicas could be placed now, at most limit.  A class that is a
 * candidate holds at least one replica per node, so no more entries are
 * looked at than limit, empty classes aside.
 */
int64
pm_search_count(PmSpace *space, PmSearch *search, int64 limit)
{
	uint32		stamp;
	int64		total = 0;
	int			dead = 0;

	catch_up(space, search);
	stamp = ++space->stamp;
	for (int i = 0; i < search->ncandidates; i++)
	{
		int			c = search->candidates[i].class;
		PmClass    *class = &space->classes[c];

		if (class->nnodes == 0 || class->stamp == stamp)
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
