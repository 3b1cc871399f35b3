-- simulate() against an independent simulator: the start of each of the first
-- 10,000 jobs of two batch traces, and the figures, under each policy that the
-- reference has.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SELECT plan(20);

CREATE TEMP TABLE batch (trace text, job_id bigint, submit_s bigint, duration_s bigint, processors int, estimate_s bigint) ON COMMIT DROP;
CREATE TEMP TABLE start (trace text, job_id bigint, fcfs bigint, fcfs_easy bigint, easy_sjbf bigint, sjf bigint, sjf_easy bigint) ON COMMIT DROP;
CREATE TEMP TABLE reference (trace text, part text, policy text, jobs bigint, avg_bsld numeric, avg_wait numeric, med_wait numeric,
    p95_wait numeric, max_wait numeric, util numeric, util_win numeric, makespan numeric, zero_wait numeric) ON COMMIT DROP;
ALTER TABLE batch ALTER trace SET DEFAULT 'sdsc_sp2';
ALTER TABLE start ALTER trace SET DEFAULT 'sdsc_sp2';
\copy batch (job_id, submit_s, duration_s, processors, estimate_s) FROM PROGRAM 'gunzip -c test/data/sdsc_sp2_jobs.csv.gz' WITH (FORMAT csv, HEADER)
\copy start (job_id, fcfs, fcfs_easy, easy_sjbf, sjf, sjf_easy) FROM PROGRAM 'gunzip -c test/data/sdsc_sp2_starts.csv.gz' WITH (FORMAT csv, HEADER)
ALTER TABLE batch ALTER trace SET DEFAULT 'lublin_1';
ALTER TABLE start ALTER trace SET DEFAULT 'lublin_1';
\copy batch (job_id, submit_s, duration_s, processors, estimate_s) FROM PROGRAM 'gunzip -c test/data/lublin_1_jobs.csv.gz' WITH (FORMAT csv, HEADER)
\copy start (job_id, fcfs, fcfs_easy, easy_sjbf, sjf, sjf_easy) FROM PROGRAM 'gunzip -c test/data/lublin_1_starts.csv.gz' WITH (FORMAT csv, HEADER)
\copy reference FROM 'test/data/batch_reference.csv' WITH (FORMAT csv, HEADER)
-- of both traces the first 10,000
DELETE FROM batch b WHERE NOT EXISTS (SELECT FROM start s WHERE s.trace = b.trace AND s.job_id = b.job_id);

-- a machine of so many processors: one node, for all are alike
CREATE FUNCTION pg_temp.machine(trace text) RETURNS text LANGUAGE sql
    RETURN format($$SELECT 'machine' AS name, 'cpu=%s' AS resources$$, CASE trace WHEN 'sdsc_sp2' THEN 128 ELSE 256 END);
CREATE FUNCTION pg_temp.jobs(trace text) RETURNS text LANGUAGE sql
    RETURN format($$SELECT job_id, timestamptz 'epoch' + make_interval(secs => submit_s) AS submitted_at,
        ('cpu=' || processors)::pool_manager.resource_list AS request, make_interval(secs => duration_s) AS duration,
        make_interval(secs => estimate_s) AS time_limit FROM batch WHERE trace = %L$$, trace);

CREATE TEMP TABLE policy (name text, reference text, queue_policy queue_policy, job_order job_order, backfill_order job_order) ON COMMIT DROP;
INSERT INTO policy VALUES
    ('fcfs', 'FCFS', 'fifo', 'priority', 'priority'), ('fcfs_easy', 'FCFS+EASY', 'backfill', 'priority', 'priority'),
    ('easy_sjbf', 'EASY-SJBF', 'backfill', 'priority', 'shortest'),
    ('sjf', 'SJF', 'fifo', 'shortest', 'priority'), ('sjf_easy', 'SJF+EASY', 'backfill', 'shortest', 'priority');

SELECT is_empty(format($$
    SELECT s.job_id, s.%1$I AS reference, extract(epoch FROM r.started_at) AS started
    FROM start s FULL JOIN simulate(pg_temp.machine(%2$L), pg_temp.jobs(%2$L), %3$L, job_order => %4$L, backfill_order => %5$L) r USING (job_id)
    WHERE s.trace = %2$L AND s.%1$I IS DISTINCT FROM extract(epoch FROM r.started_at)
    ORDER BY s.%1$I LIMIT 5$$, p.name, t.trace, p.queue_policy, p.job_order, p.backfill_order),
    format('%s, %s: every job starts when the reference says', t.trace, p.reference))
FROM policy p, (VALUES ('sdsc_sp2'), ('lublin_1')) AS t(trace) ORDER BY t.trace, p.name;

-- the reference has nine digits of what is divided
SELECT results_eq(format($$
    SELECT jobs, jobs, round(avg_bsld, 2), round(avg_wait, 1), med_wait, p95_wait, max_wait,
           round(util, 7), round(util_win, 7), makespan, round(zero_wait, 7)
    FROM reference WHERE trace = %1$L AND part = 'first10k' AND policy = %2$L$$, t.trace, p.reference), format($$
    SELECT jobs, started, round(bounded_slowdown, 2), round(extract(epoch FROM mean_wait), 1),
           round(extract(epoch FROM median_wait)), round(extract(epoch FROM p95_wait)), round(extract(epoch FROM max_wait)),
           round(utilisation, 7), round(arrival_utilisation, 7), round(extract(epoch FROM makespan)), round(zero_wait, 7)
    FROM simulate_summary(pg_temp.machine(%1$L), pg_temp.jobs(%1$L), %2$L, job_order => %3$L, backfill_order => %4$L)$$,
    t.trace, p.queue_policy, p.job_order, p.backfill_order),
    format('%s, %s: the figures are those of the reference', t.trace, p.reference))
FROM policy p, (VALUES ('sdsc_sp2'), ('lublin_1')) AS t(trace) ORDER BY t.trace, p.name;

SELECT * FROM finish();
ROLLBACK;
