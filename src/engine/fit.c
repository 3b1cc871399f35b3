/*-------------------------------------------------------------------------
 *
 * fit.c
 *	  Which requests fit a class, for all requests at once: for the searches
 *	  that are to know of it.  Whether one request fits is in device.c.
 *
 * A request fits if it asks for no more than is free, dimension by dimension,
 * where of devices that counts which the best free ones hold together.  So
 * each dimension keeps amounts in order, and the set of the requests that ask
 * for less than each; the answer is what the sets of all dimensions have in
 * common.  With many distinct amounts not all of them are kept, and there may
 * be some in the answer that do not fit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

#define MAX_STEPS 256			/* amounts kept of a dimension */

typedef struct Steps
{
	int			n;
	int64	   *amounts;		/* [n] ascending */
	uint64	   *sets;			/* [n + 1][nwords]: who asks for less; the last
								 * one: all */
} Steps;

struct PmFitting
{
	int			nwords;			/* of a set: one bit for each request */
	Steps	   *steps;			/* [ndims] */
	uint64	   *matching;		/* [nconfigs][nwords] */
	uint64	   *fitting;		/* [nwords]: the answer */
};

static inline void
set_add(uint64 *set, int r)
{
	set[r / 64] |= UINT64CONST(1) << r % 64;
}

static int
compare_amounts(const int64 *a, const int64 *b)
{
	return *a < *b ? -1 : *a > *b;
}

#define ST_SORT sort_amounts
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(a, b) compare_amounts(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static void
make_steps(Steps *steps, const PmQueue *queue, int d, int nwords)
{
	int64	   *amounts = palloc(sizeof(int64) * Max(queue->nrequests, 1));
	int			n = 0;
	int			every;

	for (int r = 0; r < queue->nrequests; r++)
		if (queue->requests[r].amounts[d] > 0)
			amounts[n++] = queue->requests[r].amounts[d];
	if (n > 1)
		sort_amounts(amounts, n);
	for (int i = 0; i < n; i++)
		if (i == 0 || amounts[i] != amounts[steps->n - 1])
			amounts[steps->n++] = amounts[i];
	every = (steps->n + MAX_STEPS - 1) / MAX_STEPS;
	for (int i = 0; every > 1 && i * every < steps->n; i++)
		amounts[i] = amounts[i * every];
	if (every > 1)
		steps->n = (steps->n + every - 1) / every;
	steps->amounts = amounts;
	steps->sets = palloc0(sizeof(uint64) * (Size) (steps->n + 1) * nwords);
	for (int i = 0; i <= steps->n; i++)
		for (int r = 0; r < queue->nrequests; r++)
			if (i == steps->n || queue->requests[r].amounts[d] < amounts[i])
				set_add(steps->sets + (Size) i * nwords, r);
}

static PmFitting *
make_fitting(PmSpace *space)
{
	const PmCluster *cluster = space->cluster;
	const PmQueue *queue = space->queue;
	MemoryContext old = MemoryContextSwitchTo(space->context);
	PmFitting  *fitting = palloc(sizeof(PmFitting));

	fitting->nwords = (queue->nrequests + 63) / 64;
	fitting->fitting = palloc(sizeof(uint64) * fitting->nwords);
	fitting->steps = palloc0(sizeof(Steps) * Max(cluster->ndims, 1));
	for (int d = 0; d < cluster->ndims; d++)
		make_steps(&fitting->steps[d], queue, d, fitting->nwords);
	fitting->matching = palloc0(sizeof(uint64) * (Size) cluster->nconfigs * fitting->nwords);
	for (int r = 0; r < queue->nrequests; r++)
		for (int c = 0; c < cluster->nconfigs; c++)
			if (space->searches[r].match[c])
				set_add(fitting->matching + (Size) c * fitting->nwords, r);
	MemoryContextSwitchTo(old);
	return fitting;
}

/* How many amounts are not greater than this one */
static int
steps_up_to(const Steps *steps, int64 amount)
{
	int			low = 0;
	int			high = steps->n;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (steps->amounts[middle] <= amount)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The requests of which a replica fits a class, and perhaps some more, as a
 * set that is good until the next call.
 */
const uint64 *
pm_fitting(PmSpace *space, int c, int *nwords)
{
	const PmClass *class = &space->classes[c];
	const PmKind *kind = &space->kinds[class->kind];
	const int64 *free = pm_class_free(space, c);
	PmFitting  *fitting = space->fitting;
	uint64	   *answer;

	if (fitting == NULL)
		fitting = space->fitting = make_fitting(space);
	*nwords = fitting->nwords;
	answer = fitting->fitting;
	memcpy(answer, fitting->matching + (Size) kind->config * *nwords, sizeof(uint64) * *nwords);
	for (int d = 0; d < space->cluster->ndims; d++)
	{
		const Steps *steps = &fitting->steps[d];
		int64		most = free[d];
		const uint64 *set;
		int			i;

		/* whole devices, or a part of one */
		if (d == kind->accelerator)
			most = class->whole > 0 ? (int64) class->whole * PM_DEVICE_WHOLE : class->most;
		i = steps_up_to(steps, most);
		if (i == steps->n)
			continue;
		set = steps->sets + (Size) i * *nwords;
		for (int w = 0; w < *nwords; w++)
			answer[w] &= set[w];
	}
	return answer;
}
