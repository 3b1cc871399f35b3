-- What is simulated: the batch trace SDSC-SP2, and the workloads of the
-- generators by which Kueue's CI measures itself (kubernetes-sigs/kueue,
-- test/performance/scheduler/configs), as rows.
--
-- Cohorts are sub-pools that borrow nothing from each other; their parts are the
-- cluster queues, with 20 CPUs guaranteed and 100 to borrow. All workloads are
-- preemptible: lower priorities of a queue give way, and whoever has borrowed
-- (withinClusterQueue LowerPriority, reclaimWithinCohort Any). Kueue counts quota
-- and no nodes, so there is one node of all CPUs; in "topology" there are the 640
-- nodes in ten racks, with the rules of the pods (balanced: slices in one rack each).
-- A workload that gives way waits again by its time of creation, at Kueue by that
-- of its eviction.

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
       format('queue-%s-%s', c, q) AS sub_pool, true AS preemptible, k.affinity_level, k.affinity_required, k.group_size
FROM kueue k, generate_series(1, k.cohorts) AS c, generate_series(1, k.queues) AS q, generate_series(1, k.count) AS i;

CREATE TABLE kueue_node AS
SELECT DISTINCT k.config, 'all' AS name, format('cpu=%s', k.cohorts * k.queues * 20)::resource_list AS resources, '{}'::jsonb AS topology
FROM kueue k WHERE k.config <> 'topology'
UNION ALL
SELECT 'topology', format('rack-%s-%s', r, n), 'cpu=96,memory=256Gi', jsonb_build_object('block', '1', 'rack', r::text)
FROM generate_series(1, 10) AS r, generate_series(1, 64) AS n;

CREATE TABLE kueue_quota AS
SELECT DISTINCT k.config, 'cohort-' || c AS name, NULL AS parent, ''::resource_list AS guaranteed, ''::resource_list AS borrow_limit
FROM kueue k, generate_series(1, k.cohorts) AS c
UNION ALL
SELECT DISTINCT k.config, format('queue-%s-%s', c, q), 'cohort-' || c, 'cpu=20'::resource_list, 'cpu=100'::resource_list
FROM kueue k, generate_series(1, k.cohorts) AS c, generate_series(1, k.queues) AS q;

CREATE FUNCTION kueue_run(wanted text) RETURNS TABLE (class text, jobs bigint, mean_ms numeric, until_ms numeric, gave_way bigint)
    LANGUAGE sql SET search_path TO bench, pool_manager, public AS $$
    SELECT j.class, count(*), round(1000 * avg(extract(epoch FROM s.wait)), 1),
           round(1000 * extract(epoch FROM max(s.ended_at) - timestamptz '2000-01-01 00:00+00')),
           sum(s.preemptions)
    FROM simulate(format('SELECT name, resources, topology FROM bench.kueue_node WHERE config = %L ORDER BY name', wanted),
            format('SELECT job_id, submitted_at, request, replicas, duration, priority, preemptible, sub_pool,
                           affinity_level, affinity_required, group_size
                    FROM bench.kueue_job WHERE config = %L', wanted),
            'traversal', topology_levels => '{block,rack}',
            quota_query => format('SELECT name, parent, guaranteed, borrow_limit FROM bench.kueue_quota WHERE config = %L', wanted)) AS s
    JOIN bench.kueue_job j ON j.config = wanted AND j.job_id = s.job_id
    GROUP BY j.class$$;
ANALYZE;
