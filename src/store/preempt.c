/*-------------------------------------------------------------------------
 *
 * preempt.c
 *	  What a pass writes of runs that give way to jobs: they end and their
 *	  jobs go back to the queue, they are told to stop (pools with agents), or
 *	  they go on with fewer replicas.  Not who gives way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/pass.h"
#include "store/run.h"
#include "store/statement.h"

bool
pm_may_preempt(const PmPassData *data)
{
	static PmStatement any = PM_STATEMENT("int8",
										  "SELECT FROM pool_manager.job_run WHERE pool_id = $1 AND preemptible AND ended_at IS NULL LIMIT 1");
	PmArgs		args = {0};

	if (!data->pool->dedicated || data->queue.njobs == 0)
		return false;
	for (int i = 0; i < data->queue.njobs && data->pool->agent; i++)
		if (data->queue.jobs[i].claims_since != 0)
			return true;
	if (strcmp(data->pool->preemption, "never") == 0 && strcmp(data->pool->reclaim, "never") == 0)
		return false;
	pm_arg_int64(&args, data->pool->pool_id);
	return pm_run(&any, &args) > 0;
}

/* ---- races ---- */

static bool
is_among(const int *jobs, int n, int job)
{
	for (int i = 0; i < n; i++)
		if (jobs[i] == job)
			return true;
	return false;
}

static bool
has_victims(const PmDecision *decision, int job)
{
	for (int i = 0; i < decision->nvictims; i++)
		if (decision->victims[i].job == job)
			return true;
	return false;
}

int
pm_cut_starts(const PmDecision *decision, const bool *locked)
{
	for (int i = 0; i < decision->nstarts && decision->nvictims > 0; i++)
		if (!locked[i] && has_victims(decision, decision->starts[i].job))
			return i;
	return decision->nstarts;
}

/* Only the victims for these jobs are left */
static void
keep_victims_for(PmDecision *decision, const int *jobs, int n)
{
	int			kept = 0;

	for (int i = 0; i < decision->nvictims; i++)
		if (is_among(jobs, n, decision->victims[i].job))
			decision->victims[kept++] = decision->victims[i];
	decision->nvictims = kept;
}

/* ---- ends and stops ---- */

/* Runs that go whole, each once, and for which jobs */
typedef struct Gone
{
	int			n;
	int64	   *runs;
	int64	   *jobs;			/* theirs */
	int64	   *by;
} Gone;

static Gone
whole_victims(const PmPassData *data, const PmDecision *decision)
{
	Gone		gone;

	gone.n = 0;
	gone.runs = palloc(sizeof(int64) * Max(decision->nvictims, 1));
	gone.jobs = palloc(sizeof(int64) * Max(decision->nvictims, 1));
	gone.by = palloc(sizeof(int64) * Max(decision->nvictims, 1));
	for (int i = 0; i < decision->nvictims; i++)
	{
		const PmVictim *victim = &decision->victims[i];

		if (!victim->whole)
			continue;
		gone.runs[gone.n] = data->cluster.runs[victim->run].run_id;
		gone.jobs[gone.n] = data->cluster.runs[victim->run].job_id;
		gone.by[gone.n++] = data->queue.jobs[victim->job].job_id;
	}
	return gone;
}

static void
note_preempted(PmCall *call, int64 pool_id, const Gone *gone, TimestampTz instant)
{
	static PmStatement note = PM_STATEMENT("int8;timestamptz;int8[];int8[];text",
										   "INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, run_id, actor, reason)"
										   " SELECT r.tenant_id, $2, 'job_preempted', $1, r.job_id, r.run_id, $5, 'for job ' || u.preempted_by"
										   " FROM unnest($3, $4) WITH ORDINALITY AS u(run_id, preempted_by, n)"
										   " JOIN pool_manager.job_run r ON r.pool_id = $1 AND r.run_id = u.run_id ORDER BY u.n");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	pm_arg_int64_array(&args, gone->runs, gone->n);
	pm_arg_int64_array(&args, gone->by, gone->n);
	pm_arg_text(&args, call->actor_name);
	pm_run(&note, &args);
}

static void
add_changes(PmWritten *written, const Gone *gone, const char *state)
{
	written->preempted = palloc(sizeof(PmChange) * Max(gone->n, 1));
	for (int i = 0; i < gone->n; i++)
	{
		written->preempted[i].job_id = gone->jobs[i];
		written->preempted[i].state = state;
	}
	written->npreempted = gone->n;
}

/* ---- shrinking ---- */

/* Replicas of an allocation that go */
typedef struct Sheds
{
	int			n;
	int64	   *columns[5];		/* run, task group, node, part, replicas */
} Sheds;

static Sheds
sheds_of(const PmPassData *data, const PmDecision *decision)
{
	Sheds		sheds;

	sheds.n = 0;
	for (int c = 0; c < 5; c++)
		sheds.columns[c] = palloc(sizeof(int64) * Max(decision->nsheds, 1));
	for (int i = 0; i < decision->nvictims; i++)
	{
		const PmVictim *victim = &decision->victims[i];
		const PmRunning *run = &data->cluster.runs[victim->run];

		for (int s = victim->first_shed; s < victim->first_shed + victim->nsheds; s++)
		{
			const PmHold *hold = &run->holds[decision->sheds[s].hold];

			sheds.columns[0][sheds.n] = run->run_id;
			sheds.columns[1][sheds.n] = hold->group + 1;
			sheds.columns[2][sheds.n] = data->cluster.nodes[hold->node].node_id;
			sheds.columns[3][sheds.n] = hold->part;
			sheds.columns[4][sheds.n++] = decision->sheds[s].replicas;
		}
	}
	return sheds;
}

/*
 * Allocations are written once: what stays of one is a new part on the same
 * node, with the first of its devices.  All in one statement, so that runs,
 * allocations and loads are compared when all of them are written.  Returns
 * the runs, with how many replicas each had and has.
 */
static uint64
shed_statement(PmArgs *args)
{
	static PmStatement shed = PM_STATEMENT("int8;timestamptz;int8[];int8[];int8[];int8[];int8[]",
										   "WITH s AS MATERIALIZED (SELECT u.run_id, u.group_no::smallint, u.node_id, u.part_no::smallint, sum(u.count)::integer AS count"
										   "  FROM unnest($3, $4, $5, $6, $7) AS u(run_id, group_no, node_id, part_no, count)"
										   "  GROUP BY u.run_id, u.group_no, u.node_id, u.part_no),"
										   " released AS (UPDATE pool_manager.allocation a SET released_at = $2"
										   "  FROM s WHERE a.pool_id = $1 AND a.run_id = s.run_id AND a.group_no = s.group_no AND a.node_id = s.node_id AND a.part_no = s.part_no"
										   "  RETURNING a.run_id, a.group_no, a.node_id, a.part_no, a.tenant_id, a.replicas, a.devices, a.device_share, s.count),"
										   " split AS MATERIALIZED (SELECT r.*, g.request, cardinality(r.devices) / r.replicas AS per, r.replicas - r.count AS stay,"
										   "   (SELECT max(o.part_no) FROM pool_manager.allocation o WHERE o.pool_id = $1 AND o.run_id = r.run_id"
										   "     AND o.group_no = r.group_no AND o.node_id = r.node_id)"
										   "   + row_number() OVER (PARTITION BY r.run_id, r.group_no, r.node_id ORDER BY r.part_no) AS next_part"
										   "  FROM released r JOIN pool_manager.job_run l ON l.pool_id = $1 AND l.run_id = r.run_id"
										   "   JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = l.job_id"
										   "   JOIN pool_manager.task_group g ON g.pool_id = $1 AND g.shape_id = j.shape_id AND g.group_no = r.group_no),"
										   " stayed AS (INSERT INTO pool_manager.allocation"
										   "   (pool_id, run_id, group_no, node_id, tenant_id, replicas, allocated, devices, device_share, part_no, since)"
										   "  SELECT $1, p.run_id, p.group_no, p.node_id, p.tenant_id, p.stay, p.request * p.stay, p.devices[: p.per * p.stay],"
										   "   p.device_share, p.next_part::smallint, $2 FROM split p WHERE p.stay > 0),"
										   " less AS MATERIALIZED (SELECT p.node_id, pool_manager.sum(p.request * p.count) AS allocated,"
										   "   pool_manager.device_sum(p.devices[p.per * p.stay + 1 :], p.device_share) AS devices FROM split p GROUP BY p.node_id),"
										   " loaded AS (UPDATE pool_manager.node_load l"
										   "  SET allocated = l.allocated - n.allocated, devices = pool_manager.device_subtract(l.devices, n.devices)"
										   "  FROM less n WHERE l.pool_id = $1 AND l.node_id = n.node_id),"
										   " runs AS MATERIALIZED (SELECT s.run_id, sum(s.count)::integer AS count FROM s GROUP BY s.run_id),"
										   " unaddressed AS (UPDATE pool_manager.network_address a SET pool_id = NULL, run_id = NULL, since = NULL, sku_id = NULL"
										   "  FROM (SELECT b.network_id, b.address, b.run_id, row_number() OVER (PARTITION BY b.run_id ORDER BY b.address DESC) AS n"
										   "   FROM pool_manager.network_address b WHERE b.pool_id = $1 AND b.run_id IN (SELECT run_id FROM runs)) AS b"
										   "   JOIN runs USING (run_id)"
										   "  WHERE a.network_id = b.network_id AND a.address = b.address AND b.n <= runs.count RETURNING a.address),"
										   " network AS (UPDATE pool_manager.network_load l"
										   "  SET addresses = l.addresses - n.addresses, bandwidth = l.bandwidth - n.bandwidth"
										   "  FROM (SELECT p.network_id, (SELECT count(*) FROM unaddressed) AS addresses,"
										   "    (SELECT coalesce(sum(1000 * pool_manager.quantity(allocated, 'bandwidth')), 0)::bigint FROM less) AS bandwidth"
										   "   FROM pool_manager.pool p WHERE p.pool_id = $1) AS n"
										   "  WHERE l.network_id = n.network_id AND (n.addresses <> 0 OR n.bandwidth <> 0))"
										   " UPDATE pool_manager.job_run r SET wanted = coalesce(r.wanted, r.replicas), replicas = ARRAY(SELECT (x.n - coalesce((SELECT sum(s.count) FROM s"
										   "    WHERE s.run_id = r.run_id AND s.group_no = x.g), 0))::integer"
										   "   FROM unnest(r.replicas) WITH ORDINALITY AS x(n, g) ORDER BY x.g)"
										   "  FROM runs WHERE r.pool_id = $1 AND r.run_id = runs.run_id"
										   "  RETURNING r.run_id, (SELECT sum(n)::integer FROM unnest(r.replicas) AS n) + runs.count, (SELECT sum(n)::integer FROM unnest(r.replicas) AS n)");

	return pm_run(&shed, args);
}

static void
note_shrunk(PmCall *call, const PmPassData *data, const PmDecision *decision,
			const int64 *runs, const int32 *had, const int32 *has, int n, TimestampTz instant)
{
	static PmStatement note = PM_STATEMENT("int8;timestamptz;int8[];int8[];int8[];int8[];text",
										   "INSERT INTO pool_manager.event (tenant_id, at, kind, pool_id, job_id, run_id, actor, reason)"
										   " SELECT r.tenant_id, $2, 'job_preempted', $1, r.job_id, r.run_id, $7,"
										   "  format('for job %s, replicas %s -> %s', u.preempted_by, u.had, u.has)"
										   " FROM unnest($3, $4, $5, $6) AS u(run_id, preempted_by, had, has)"
										   " JOIN pool_manager.job_run r ON r.pool_id = $1 AND r.run_id = u.run_id ORDER BY r.run_id");
	int64	   *columns[3];
	PmArgs		args = {0};

	for (int c = 0; c < 3; c++)
		columns[c] = palloc0(sizeof(int64) * n);
	for (int i = 0; i < n; i++)
	{
		/* the first of several */
		for (int v = decision->nvictims - 1; v >= 0; v--)
			if (data->cluster.runs[decision->victims[v].run].run_id == runs[i])
				columns[0][i] = data->queue.jobs[decision->victims[v].job].job_id;
		columns[1][i] = had[i];
		columns[2][i] = has[i];
	}
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_time(&args, instant);
	pm_arg_int64_array(&args, runs, n);
	for (int c = 0; c < 3; c++)
		pm_arg_int64_array(&args, columns[c], n);
	pm_arg_text(&args, call->actor_name);
	pm_run(&note, &args);
}

static void
shrink(PmCall *call, const PmPassData *data, const PmDecision *decision, const Sheds *sheds, TimestampTz instant)
{
	PmArgs		args = {0};
	int64	   *runs;
	int32	   *had;
	int32	   *has;
	int			n;

	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_time(&args, instant);
	for (int c = 0; c < 5; c++)
		pm_arg_int64_array(&args, sheds->columns[c], sheds->n);
	n = (int) shed_statement(&args);
	runs = palloc(sizeof(int64) * Max(n, 1));
	had = palloc(sizeof(int32) * Max(n, 1));
	has = palloc(sizeof(int32) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		runs[i] = pm_get_int64(i, 1);
		had[i] = pm_get_int32(i, 2);
		has[i] = pm_get_int32(i, 3);
	}
	if (data->pool->addressed)
		pm_reopen_addresses(data->pool->pool_id, runs, n, instant);
	note_shrunk(call, data, decision, runs, had, has, n, instant);
	pm_changed();
}

/* ---- for a pass ---- */

TimestampTz
pm_write_victims(PmCall *call, PmPassData *data, PmDecision *decision, int nstarts,
				 TimestampTz instant, PmWritten *written)
{
	int		   *jobs = palloc(sizeof(int) * Max(nstarts, 1));
	Gone		gone;
	Sheds		sheds;

	for (int i = 0; i < nstarts; i++)
		jobs[i] = decision->starts[i].job;
	keep_victims_for(decision, jobs, nstarts);
	gone = whole_victims(data, decision);
	sheds = sheds_of(data, decision);
	if (sheds.n > 0)
		instant = Max(instant, pm_metered_until(PM_HOLDER_RUN, data->pool->pool_id,
												sheds.columns[0], sheds.n));
	if (sheds.n > 0)
		shrink(call, data, decision, &sheds, instant);
	if (gone.n > 0)
	{
		PmRunEnd   *ends = palloc0(sizeof(PmRunEnd) * gone.n);

		for (int i = 0; i < gone.n; i++)
		{
			ends[i].run_id = gone.runs[i];
			ends[i].state = "stopped";
			ends[i].job_after = "queued";
			ends[i].preempted_by = gone.by[i];
		}
		instant = pm_end_runs(call, data->pool->pool_id, ends, gone.n, instant, NULL);
		note_preempted(call, data->pool->pool_id, &gone, instant);
	}
	add_changes(written, &gone, "queued");
	return instant;
}

/*
 * The jobs with claims that are still queued and that nobody else is changing;
 * and the others have none any more.
 */
static int
lock_claims(PmPassData *data, const PmDecision *decision, int *jobs, TimestampTz *instant)
{
	static PmStatement lock = PM_STATEMENT("int8;int8[];int8[];timestamptz",
										   "WITH locked AS MATERIALIZED (SELECT q.job_id, q.changed_at, q.job_id = ANY ($2) AS wanted, q.claims_since IS NOT NULL AS had"
										   "  FROM pool_manager.job_queue q WHERE q.pool_id = $1 AND q.job_id = ANY ($2 || $3) AND q.state = 'queued'"
										   "  FOR NO KEY UPDATE SKIP LOCKED),"
										   " marked AS (UPDATE pool_manager.job_queue q SET claims_since = CASE WHEN l.wanted THEN $4 END"
										   "  FROM locked l WHERE q.pool_id = $1 AND q.job_id = l.job_id AND l.had <> l.wanted)"
										   " SELECT c.n, max(l.changed_at) OVER () FROM unnest($2) WITH ORDINALITY AS c(job_id, n) JOIN locked l USING (job_id) ORDER BY n");
	int64	   *wanted = palloc(sizeof(int64) * Max(decision->nclaims, 1));
	int64	   *had = palloc(sizeof(int64) * Max(data->queue.njobs, 1));
	int			nhad = 0;
	PmArgs		args = {0};
	int			n;

	for (int i = 0; i < decision->nclaims; i++)
		wanted[i] = data->queue.jobs[decision->claims[i]].job_id;
	for (int i = 0; i < data->queue.njobs; i++)
		if (data->queue.jobs[i].claims_since != 0 && !is_among(decision->claims, decision->nclaims, i))
			had[nhad++] = data->queue.jobs[i].job_id;
	if (decision->nclaims + nhad == 0)
		return 0;
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, wanted, decision->nclaims);
	pm_arg_int64_array(&args, had, nhad);
	pm_arg_time(&args, *instant);
	n = (int) pm_run(&lock, &args);
	for (int i = 0; i < n; i++)
		jobs[i] = decision->claims[pm_get_int64(i, 1) - 1];
	if (n > 0)
		*instant = Max(*instant, pm_get_time(0, 2));
	return n;
}

TimestampTz
pm_write_claims(PmCall *call, PmPassData *data, PmDecision *decision, TimestampTz instant, PmWritten *written)
{
	static PmStatement name = PM_STATEMENT("int8;int8[];int8[]",
										   "UPDATE pool_manager.job_run r SET preempted_by = u.preempted_by"
										   " FROM unnest($2, $3) AS u(run_id, preempted_by) WHERE r.pool_id = $1 AND r.run_id = u.run_id");
	int		   *jobs = palloc(sizeof(int) * Max(decision->nclaims, 1));
	int			n = lock_claims(data, decision, jobs, &instant);
	Gone		gone;
	PmArgs		args = {0};

	keep_victims_for(decision, jobs, n);
	gone = whole_victims(data, decision);
	if (gone.n > 0)
	{
		pm_stop_runs(call, data->pool->pool_id, gone.runs, gone.n, "stopped", instant, "preempted");
		pm_arg_int64(&args, data->pool->pool_id);
		pm_arg_int64_array(&args, gone.runs, gone.n);
		pm_arg_int64_array(&args, gone.by, gone.n);
		pm_run(&name, &args);
		note_preempted(call, data->pool->pool_id, &gone, instant);
		pm_changed();
	}
	add_changes(written, &gone, "stopping");
	return instant;
}
