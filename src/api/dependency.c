/*-------------------------------------------------------------------------
 *
 * dependency.c
 *	  The argument depends_on: afterok:12,afterany:13?afterany:14
 *
 * Between commas stand conditions, all of which must hold; between question
 * marks choices, of which one is enough.  kind:12:13 is short for
 * kind:12,kind:13.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "api/check.h"
#include "api/submit.h"
#include "store/dependency.h"

#define MAX_DEPENDENCIES	1000

/* ---- reading ---- */

static void
malformed(const char *start, int len)
{
	pm_invalid_argument("depends_on", psprintf("\"%.*s\" is no dependency.", Min(len, 60), start),
						"Write it like afterok:12,afterany:13; kinds are after, afterok, afterany and afternotok.");
}

/* The next piece up to one of the characters or the end; blanks around it do not count */
static const char *
next_piece(const char **next, const char *ends, const char **start, int *len)
{
	const char *from = *next;
	const char *end = from + strcspn(from, ends);

	*next = *end ? end + 1 : NULL;
	while (from < end && *from == ' ')
		from++;
	*start = from;
	*len = end - from;
	while (*len > 0 && from[*len - 1] == ' ')
		(*len)--;
	return *start;
}

static int
read_kind(const char *start, int len)
{
	for (int kind = 0; kind < PM_DEPENDENCY_KINDS; kind++)
	{
		if ((int) strlen(pm_dependency_kinds[kind]) == len && strncmp(pm_dependency_kinds[kind], start, len) == 0)
			return kind;
	}
	return -1;
}

/* 0: it is no id */
static int64
read_id(const char *start, int len)
{
	int64		id = 0;

	for (int i = 0; i < len; i++)
	{
		if (start[i] < '0' || start[i] > '9' || id > (PG_INT64_MAX - 9) / 10)
			return 0;
		id = id * 10 + (start[i] - '0');
	}
	return id;
}

typedef struct Dependencies
{
	int			n;
	int			size;
	PmDependency *list;
} Dependencies;

static void
add(Dependencies *read, int clause_no, int kind, int64 job_id)
{
	PmDependency *dependency;

	for (int d = read->n - 1; d >= 0 && read->list[d].clause_no == clause_no; d--)
	{
		if (read->list[d].kind == kind && read->list[d].job_id == job_id)
			return;
	}
	if (read->n == MAX_DEPENDENCIES)
		pm_invalid_argument("depends_on", psprintf("A job has at most %d dependencies.", MAX_DEPENDENCIES),
							"Let a job that does nothing depend on some of them, and this one on that.");
	if (read->n == read->size)
	{
		read->size = Max(4, read->size * 2);
		read->list = read->list ? repalloc(read->list, sizeof(PmDependency) * read->size) :
			palloc(sizeof(PmDependency) * read->size);
	}
	dependency = &read->list[read->n++];
	dependency->clause_no = clause_no;
	dependency->kind = kind;
	dependency->job_id = job_id;
}

/* kind:id, or where it is the only choice kind:id:id... */
static void
read_term(Dependencies *read, const char *start, int len, bool only, int *clause_no)
{
	char	   *term = pnstrdup(start, len);
	const char *next = term;
	const char *piece;
	int			piece_len;
	int			kind;
	int			ids = 0;

	next_piece(&next, ":", &piece, &piece_len);
	kind = read_kind(piece, piece_len);
	if (kind < 0 || next == NULL)
		malformed(start, len);
	while (next)
	{
		int64		id;

		next_piece(&next, ":", &piece, &piece_len);
		id = read_id(piece, piece_len);
		if (id == 0 || (ids > 0 && !only))
			malformed(start, len);
		if (ids++ > 0)
			(*clause_no)++;
		add(read, *clause_no, kind, id);
	}
	pfree(term);
}

static int
compare_dependencies(const void *a, const void *b)
{
	const PmDependency *left = a;
	const PmDependency *right = b;

	if (left->clause_no != right->clause_no)
		return left->clause_no < right->clause_no ? -1 : 1;
	if (left->job_id != right->job_id)
		return left->job_id < right->job_id ? -1 : 1;
	return left->kind < right->kind ? -1 : left->kind > right->kind ? 1 : 0;
}

/* As dependencies_text() writes what is stored */
static char *
canonical_text(const PmJobSpec *job)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int d = 0; d < job->ndependencies; d++)
	{
		const PmDependency *dependency = &job->dependencies[d];

		if (d > 0)
			appendStringInfoChar(&text, dependency->clause_no == job->dependencies[d - 1].clause_no ? '?' : ',');
		appendStringInfo(&text, "%s:" INT64_FORMAT, pm_dependency_kinds[dependency->kind], dependency->job_id);
	}
	return text.data;
}

int
pm_read_dependencies(const char *text, PmDependency **dependencies)
{
	Dependencies read = {0};
	const char *next_clause = text;
	int			clause_no = 0;

	while (next_clause)
	{
		const char *clause;
		const char *next;
		int			len;

		next_piece(&next_clause, ",", &clause, &len);
		clause_no++;
		next = clause = pnstrdup(clause, len);
		while (next)
		{
			const char *term;
			int			term_len;

			next_piece(&next, "?", &term, &term_len);
			read_term(&read, term, term_len, next == NULL && term == clause, &clause_no);
		}
	}
	if (read.n > 1)
		qsort(read.list, read.n, sizeof(PmDependency), compare_dependencies);
	*dependencies = read.list;
	return read.n;
}

void
pm_check_dependencies(PmJobSpec *job)
{
	job->ndependencies = pm_read_dependencies(job->depends_on, &job->dependencies);
	if (job->ndependencies > 0)
		job->depends_on = canonical_text(job);
}

/* ---- looking them up ---- */

static int
compare_ids(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return left < right ? -1 : left > right ? 1 : 0;
}

static int
compare_predecessor(const void *id, const void *predecessor)
{
	return compare_ids(id, &((const PmPredecessor *) predecessor)->job_id);
}

static void
check_predecessor(PmSubmission *submission, const PmJobSpec *job, int64 id, const PmPredecessor *found)
{
	if (found == NULL || found->tenant_id != submission->tenant_id)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("job " INT64_FORMAT " does not exist", id),
				 errdetail("Job \"%s\" is to depend on it, and the tenant has no job with this id.", job->name),
				 errhint("The view job_status shows the tenant's jobs.")));
	if (found->pool_id != submission->pool->pool_id)
		pm_invalid_argument("depends_on", psprintf("Job " INT64_FORMAT " is in another pool than \"%s\".", id, submission->pool->name),
							"A job depends on jobs of its own pool.");
}

void
pm_resolve_dependencies(PmSubmission *submission, PmJobSpec *jobs, PmJobSpec **fresh, int n, int *current)
{
	int			total = 0;
	int			k = 0;
	int64	   *ids;
	PmPredecessor *found;
	int			nfound;

	for (int i = 0; i < n; i++)
		total += fresh[i]->ndependencies;
	if (total == 0)
		return;
	ids = palloc(sizeof(int64) * total);
	for (int i = 0; i < n; i++)
	{
		for (int d = 0; d < fresh[i]->ndependencies; d++)
			ids[k++] = fresh[i]->dependencies[d].job_id;
	}
	qsort(ids, total, sizeof(int64), compare_ids);
	k = 1;
	for (int i = 1; i < total; i++)
	{
		if (ids[i] != ids[k - 1])
			ids[k++] = ids[i];
	}
	nfound = pm_find_predecessors(ids, k, &found);
	for (int i = 0; i < n; i++)
	{
		*current = fresh[i] - jobs;
		for (int d = 0; d < fresh[i]->ndependencies; d++)
		{
			int64		id = fresh[i]->dependencies[d].job_id;

			check_predecessor(submission, fresh[i], id,
							  bsearch(&id, found, nfound, sizeof(PmPredecessor), compare_predecessor));
		}
	}
}
