-- What is simulated: the batch trace SDSC-SP2, and the workloads of the
-- generators by which Kueue's CI measures itself (kubernetes-sigs/kueue,
-- test/performance/scheduler/configs), as rows.
--
-- Of these are modelled: cohorts, queues, workloads with their intervals of
-- creation, run times, priorities and requests; what a cohort's queues may use
-- together, as one node of so many CPUs, which is the same, for there any queue
-- may borrow what another leaves idle. Not modelled: that a queue borrows 100 at
-- most (it binds in "large" alone, for a queue may hold 120 of 2,000), that
-- borrowers come last and are preempted. In "topology" the 640 nodes are there,
-- ten racks, and the rules of the pods (balanced: slices in one rack each), but
-- no quota: its 600 of 61,440 CPUs are what makes workloads wait at Kueue.

CREATE SCHEMA bench;
SET search_path TO bench, pool_manager, public;

CREATE TABLE batch (job_id bigint, submit_s bigint, duration_s bigint, processors int, estimate_s bigint);
\copy batch FROM PROGRAM 'gunzip -c ../data/sdsc_sp2_jobs.csv.gz' WITH (FORMAT csv, HEADER)
CREATE TABLE batch_job AS
SELECT job_id, timestamptz '2000-01-01 00:00+00' + make_interval(secs => submit_s) AS submitted_at,
       ('cpu=' || processors)::resource_list AS request, make_interval(secs => duration_s) AS duration,
       make_interval(secs => estimate_s) AS time_limit
FROM batch;

CREATE TABLE kueue (config text, cohorts int, queues int, class text, count int, every_ms int, run_ms int, priority int,
    request text, replicas int, affinity_level text, affinity_required boolean, group_size int);
INSERT INTO kueue VALUES
    ('baseline', 5, 6, 'small', 350, 100, 200, 50, 'cpu=1', 1, NULL, true, NULL),
    ('baseline', 5, 6, 'medium', 100, 500, 500, 100, 'cpu=5', 1, NULL, true, NULL),
    ('baseline', 5, 6, 'large', 50, 1200, 1000, 200, 'cpu=20', 1, NULL, true, NULL),
    ('large', 10, 100, 'small', 35, 60, 150, 50, 'cpu=1', 1, NULL, true, NULL),
    ('large', 10, 100, 'medium', 11, 300, 350, 100, 'cpu=5', 1, NULL, true, NULL),
    ('large', 10, 100, 'large', 4, 700, 700, 200, 'cpu=20', 1, NULL, true, NULL),
    ('topology', 5, 6, 'small', 120, 100, 200, 50, 'cpu=500m', 2, 'rack', true, NULL),
    ('topology', 5, 6, 'small', 120, 100, 200, 50, 'cpu=500m', 2, 'rack', false, NULL),
    ('topology', 5, 6, 'small', 110, 100, 200, 50, 'cpu=500m', 2, 'rack', true, 1),
    ('topology', 5, 6, 'medium', 34, 500, 500, 100, 'cpu=1250m', 4, 'rack', true, NULL),
    ('topology', 5, 6, 'medium', 33, 500, 500, 100, 'cpu=1250m', 4, 'rack', false, NULL),
    ('topology', 5, 6, 'medium', 33, 500, 500, 100, 'cpu=1250m', 4, 'rack', true, 2),
    ('topology', 5, 6, 'large', 17, 1200, 1000, 200, 'cpu=2500m', 8, 'rack', true, NULL),
    ('topology', 5, 6, 'large', 17, 1200, 1000, 200, 'cpu=2500m', 8, 'rack', false, NULL),
    ('topology', 5, 6, 'large', 16, 1200, 1000, 200, 'cpu=2500m', 8, 'rack', true, 4);

CREATE TABLE kueue_job AS
SELECT k.config, k.class,
       row_number() OVER (PARTITION BY k.config ORDER BY i * k.every_ms, c, q, k.priority, k.affinity_required, k.group_size) AS job_id,
       timestamptz '2000-01-01 00:00+00' + i * k.every_ms * interval '1 ms' AS submitted_at,
       k.request::resource_list AS request, k.replicas, k.run_ms * interval '1 ms' AS duration, k.priority,
       format('%s-%s', c, q) AS sub_pool,
       CASE k.config WHEN 'topology' THEN '{}' ELSE jsonb_build_object('cohort', c::text) END AS node_selector,
       k.affinity_level, k.affinity_required, k.group_size
FROM kueue k, generate_series(1, k.cohorts) AS c, generate_series(1, k.queues) AS q, generate_series(1, k.count) AS i;

CREATE TABLE kueue_node AS
SELECT DISTINCT k.config, 'cohort-' || c AS name, format('cpu=%s', k.queues * 20)::resource_list AS resources,
       jsonb_build_object('cohort', c::text) AS labels, '{}'::jsonb AS topology
FROM kueue k, generate_series(1, k.cohorts) AS c WHERE k.config <> 'topology'
UNION ALL
SELECT 'topology', format('rack-%s-%s', r, n), 'cpu=96,memory=256Gi', '{}', jsonb_build_object('block', '1', 'rack', r::text)
FROM generate_series(1, 10) AS r, generate_series(1, 64) AS n;

CREATE FUNCTION kueue_run(wanted text) RETURNS TABLE (class text, jobs bigint, mean_ms numeric, until_ms numeric)
    LANGUAGE sql SET search_path TO bench, pool_manager, public AS $$
    SELECT j.class, count(*), round(1000 * avg(extract(epoch FROM s.wait)), 1),
           round(1000 * extract(epoch FROM max(s.ended_at) - timestamptz '2000-01-01 00:00+00'))
    FROM simulate(format('SELECT name, resources, labels, topology FROM bench.kueue_node WHERE config = %L ORDER BY name', wanted),
            format('SELECT job_id, submitted_at, request, replicas, duration, priority, sub_pool, node_selector,
                           affinity_level, affinity_required, group_size
                    FROM bench.kueue_job WHERE config = %L', wanted),
            'traversal', topology_levels => '{block,rack}') AS s
    JOIN bench.kueue_job j ON j.config = wanted AND j.job_id = s.job_id
    GROUP BY j.class$$;
ANALYZE;
