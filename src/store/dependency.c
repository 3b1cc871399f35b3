/*-------------------------------------------------------------------------
 *
 * dependency.c
 *	  What waiting jobs wait for: jobs that they depend on, phases of their
 *	  workflow among them, and a time.  Letting go those whose time has come.
 *
 * Nothing is noted where something ends: who lets jobs go looks at what is
 * there.  So nothing is missed, whoever commits last; a pass looks at all
 * waiting jobs of its pool, a call that ends or starts a job at those that
 * depend on it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/dependency.h"
#include "store/run.h"
#include "store/statement.h"

const char *const pm_dependency_kinds[PM_DEPENDENCY_KINDS] = {"after", "afterok", "afterany", "afternotok"};

/* ---- submitting ---- */

int
pm_find_predecessors(const int64 *ids, int n, PmPredecessor **found)
{
	static PmStatement find = PM_STATEMENT("int8[]",
										   "SELECT j.job_id, j.pool_id, j.tenant_id FROM unnest($1) AS u(job_id)"
										   " JOIN pool_manager.job j USING (job_id) ORDER BY j.job_id");
	PmArgs		args = {0};
	int			nfound;

	pm_arg_int64_array(&args, ids, n);
	nfound = (int) pm_run(&find, &args);
	*found = palloc(sizeof(PmPredecessor) * Max(nfound, 1));
	for (int i = 0; i < nfound; i++)
	{
		(*found)[i].job_id = pm_get_int64(i, 1);
		(*found)[i].pool_id = pm_get_int64(i, 2);
		(*found)[i].tenant_id = pm_get_int64(i, 3);
	}
	return nfound;
}

/*
 * Waiting jobs whose dependencies hold and whose time has come queue; phases
 * of workflows are cancelled when one before them ended otherwise than
 * completed.  Returned are both.  What another session is changing is left to
 * the next that calls.  Not by dependencies_hold(), which says the same: there
 * may be very many to look at, and a function of its own is not inlined.  Jobs
 * are looked up one by one: planned as a join while tables are new, each might
 * be compared with all.
 */
#define RELEASE(among) \
	"WITH due AS MATERIALIZED (SELECT q.job_id, q.tenant_id, greatest($2, q.changed_at) AS at, q.not_before, v.never, j.phase_no" \
	"  FROM pool_manager.job_queue q," \
	"  LATERAL (SELECT j.workflow_id, j.phase_no FROM pool_manager.job j WHERE j.pool_id = q.pool_id AND j.job_id = q.job_id OFFSET 0) AS j," \
	"  LATERAL (SELECT j.phase_no > 1 AND EXISTS (SELECT FROM pool_manager.job p WHERE p.workflow_id = j.workflow_id" \
	"    AND p.phase_no < j.phase_no AND p.end_state <> 'completed') AS never) AS v" \
	"  WHERE q.pool_id = $1 AND q.state = 'waiting'" among " AND (v.never OR (coalesce(q.not_before, '-infinity') <= $2" \
	"   AND NOT EXISTS (SELECT FROM pool_manager.job_dependency d," \
	"     LATERAL (SELECT p.end_state FROM pool_manager.job p WHERE p.pool_id = d.pool_id AND p.job_id = d.depends_on OFFSET 0) AS p" \
	"    WHERE d.pool_id = q.pool_id AND d.job_id = q.job_id GROUP BY d.clause_no" \
	"    HAVING bool_or(pool_manager.dependency_holds(d.kind, p.end_state, EXISTS (SELECT FROM pool_manager.job_run r" \
	"     WHERE r.pool_id = d.pool_id AND r.job_id = d.depends_on AND r.started_at IS NOT NULL))) IS NOT TRUE)))" \
	"  ORDER BY q.job_id FOR UPDATE OF q SKIP LOCKED)," \
	" queued AS (UPDATE pool_manager.job_queue q SET state = 'queued', changed_at = d.at, not_before = NULL," \
	"   requeued_at = CASE WHEN q.restarted THEN d.at END" \
	"  FROM due d WHERE q.pool_id = $1 AND q.job_id = d.job_id AND NOT d.never)," \
	" gone AS (DELETE FROM pool_manager.job_queue q USING due d" \
	"  WHERE q.pool_id = $1 AND q.job_id = d.job_id AND d.never)," \
	" ended AS (UPDATE pool_manager.job j SET end_state = 'cancelled', ended_at = d.at" \
	"  FROM due d WHERE j.pool_id = $1 AND j.job_id = d.job_id AND d.never)," \
	" noted AS (INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, from_state, to_state, actor, reason)" \
	"  SELECT d.tenant_id, d.at, 'job_state', $1, d.job_id, 'waiting'," \
	"   CASE WHEN d.never THEN 'cancelled' ELSE 'queued' END, $3," \
	"   CASE WHEN d.never THEN 'a phase before it did not complete' WHEN d.not_before IS NOT NULL THEN 'its time has come'" \
	"    WHEN d.phase_no > 1 THEN 'the phase before it has completed' ELSE 'what it depends on holds' END" \
	"  FROM due d ORDER BY d.job_id)" \
	" SELECT job_id FROM due ORDER BY job_id"

static void
release(PmCall *call, PmStatement *statement, int64 pool_id, TimestampTz instant, Datum of)
{
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	pm_arg_text(&args, call->actor_name);
	if (of != (Datum) 0)
		pm_arg(&args, of, false);
	if (pm_run(statement, &args) > 0)
		pm_changed();
}

void
pm_release_waiting(PmCall *call, int64 pool_id, TimestampTz instant)
{
	static PmStatement all = PM_STATEMENT("int8;timestamptz;text",
										  RELEASE(""));

	release(call, &all, pool_id, instant, (Datum) 0);
}

void
pm_release_dependents(PmCall *call, int64 pool_id, int64 job_id, TimestampTz instant)
{
	/* of a phase that did not complete, all that come after it */
	static PmStatement dependents = PM_STATEMENT("int8;timestamptz;text;int8",
												 RELEASE(" AND q.job_id = ANY (ARRAY(SELECT w.job_id FROM pool_manager.job_dependency w WHERE w.pool_id = $1 AND w.depends_on = $4"
														 " UNION SELECT l.job_id FROM pool_manager.job e JOIN pool_manager.job l USING (workflow_id)"
														 "  WHERE e.pool_id = $1 AND e.job_id = $4 AND l.phase_no > e.phase_no))"));

	release(call, &dependents, pool_id, instant, Int64GetDatum(job_id));
}

/* What a phase depends on: the one before it, which was inserted before it */
static int
phase_dependency(PmJobSpec **jobs, int i)
{
	return jobs[i]->phase_no > 1 ? 1 : 0;
}

void
pm_insert_dependencies(PmCall *call, PmSubmission *submission, PmJobSpec **jobs, int n, TimestampTz instant)
{
	static PmStatement insert = PM_STATEMENT("int8;int8;int8[];int8[];int8[];text[]",
											 "INSERT INTO pool_manager.job_dependency (pool_id, job_id, clause_no, depends_on, kind, tenant_id)"
											 " SELECT $1, d.job_id, d.clause_no::smallint, d.depends_on, d.kind::pool_manager.dependency_kind, $2"
											 " FROM unnest($3, $4, $5, $6) AS d(job_id, clause_no, depends_on, kind)");
	static PmStatement submitted = PM_STATEMENT("int8;timestamptz;text;int8[]",
												RELEASE(" AND q.job_id = ANY ($4)"));
	int			total = 0;
	int			k = 0;
	int			nwaiting = 0;
	int64	   *ids[3];
	int64	   *waiting = palloc(sizeof(int64) * Max(n, 1));
	Datum	   *kinds;
	PmArgs		args = {0};

	for (int i = 0; i < n; i++)
		total += jobs[i]->job_id == 0 ? 0 : jobs[i]->ndependencies + phase_dependency(jobs, i);
	if (total == 0)
		return;
	for (int c = 0; c < 3; c++)
		ids[c] = palloc(sizeof(int64) * total);
	kinds = palloc(sizeof(Datum) * total);
	for (int i = 0; i < n; i++)
	{
		int			clause_no = 0;

		if (jobs[i]->job_id == 0)
			continue;
		for (int d = 0; d < jobs[i]->ndependencies; d++, k++)
		{
			const PmDependency *dependency = &jobs[i]->dependencies[d];

			ids[0][k] = jobs[i]->job_id;
			ids[1][k] = clause_no = dependency->clause_no;
			ids[2][k] = dependency->job_id;
			kinds[k] = CStringGetTextDatum(pm_dependency_kinds[dependency->kind]);
		}
		if (phase_dependency(jobs, i))
		{
			ids[0][k] = jobs[i]->job_id;
			ids[1][k] = clause_no + 1;
			ids[2][k] = jobs[i - 1]->job_id;
			kinds[k++] = CStringGetTextDatum("afterok");
		}
		else if (jobs[i]->ndependencies > 0)
			waiting[nwaiting++] = jobs[i]->job_id;
	}
	pm_arg_int64(&args, submission->pool->pool_id);
	pm_arg_int64(&args, submission->tenant_id);
	for (int c = 0; c < 3; c++)
		pm_arg_int64_array(&args, ids[c], total);
	pm_arg_array(&args, kinds, NULL, total, TEXTOID, -1, false, TYPALIGN_INT);
	pm_run(&insert, &args);

	if (nwaiting > 0)
	{
		PmArgs		array = {0};

		pm_arg_int64_array(&array, waiting, nwaiting);
		release(call, &submitted, submission->pool->pool_id, instant, array.values[0]);
	}
}
