-- simulate() and simulate_summary(): the rules, on numbers worked by hand; what
-- is refused; whose rights the queries have; and a random workload against a
-- slow, obvious simulation.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL timezone TO 'UTC';
SELECT plan(64);

CREATE FUNCTION pg_temp.at(seconds numeric) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    RETURN timestamptz '2026-01-01 00:00:00+00' + make_interval(secs => seconds::float8);
-- jobs: id, submission, request, duration, in seconds
CREATE TEMP TABLE jobs (job_id bigint, submit numeric, request resource_list, run numeric, "limit" numeric,
    replicas int DEFAULT 1, min_replicas int, priority int DEFAULT 1, tenant text, sub_pool text,
    selector jsonb DEFAULT '{}', tolerations jsonb DEFAULT '[]') ON COMMIT DROP;
CREATE FUNCTION pg_temp.seconds(value interval) RETURNS numeric LANGUAGE sql IMMUTABLE
    RETURN trim_scale(extract(epoch FROM value));
-- start, end and nodes of each job, in seconds, as one text a job
CREATE FUNCTION pg_temp.play(node_query text, queue_policy queue_policy DEFAULT 'fifo', more text DEFAULT '',
    placement placement_policy DEFAULT 'first_fit', job_order job_order DEFAULT 'priority') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s: %s', r.job_id, CASE WHEN started_at IS NULL THEN 'never' ELSE
        format('%s to %s on %s', pg_temp.seconds(started_at - pg_temp.at(0)),
               coalesce(pg_temp.seconds(ended_at - pg_temp.at(0))::text, 'ever'),
               (SELECT string_agg(n.key || ' x ' || n.value, ', ' ORDER BY n.key) FROM jsonb_each_text(nodes) n)) END)
    FROM simulate(node_query, format($q$SELECT job_id, pg_temp.at(submit) AS submitted_at, request,
        make_interval(secs => run::float8) AS duration, make_interval(secs => "limit"::float8) AS time_limit,
        replicas, min_replicas, priority, selector AS node_selector, tolerations %s FROM jobs$q$, more),
        queue_policy, placement, job_order) r ORDER BY r.job_id$$;

-- ---- events ----
INSERT INTO jobs (job_id, submit, request, run) VALUES (1, 0, 'cpu=1', 10), (3, 10, 'cpu=1', 5), (2, 5, 'cpu=1', 7);
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=1'' AS resources')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 10 to 17 on a x 1', '3: 17 to 22 on a x 1'],
    'an end comes before the submissions of its instant: the earlier job has the place');
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=2'' AS resources')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 5 to 12 on a x 1', '3: 10 to 15 on a x 1'], 'a job may start at the end of another');
SELECT results_eq($$SELECT pg_temp.seconds(wait) FROM simulate('SELECT ''a'' AS name, ''cpu=1'' AS resources',
        'SELECT job_id, pg_temp.at(submit) AS submitted_at, request, make_interval(secs => run::float8) AS duration FROM jobs')$$,
    ARRAY[0::numeric, 5, 7], 'wait is from submission to start');
UPDATE jobs SET submit = submit + 0.25, run = run - 0.000001;
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=1'' AS resources')$$,
    ARRAY['1: 0.25 to 10.249999 on a x 1', '2: 10.249999 to 17.249998 on a x 1', '3: 17.249998 to 22.249997 on a x 1'],
    'times are not cut to seconds');
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run, "limit") VALUES (1, 0, 'cpu=1', 10, 3), (2, 0, 'cpu=1', 2, 9), (3, 0, 'cpu=1', NULL, 4), (4, 0, 'cpu=1', NULL, NULL), (5, 0, 'cpu=1', 1, NULL);
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=1'' AS resources')$$,
    ARRAY['1: 0 to 3 on a x 1', '2: 3 to 5 on a x 1', '3: 5 to 9 on a x 1', '4: 9 to ever on a x 1', '5: never'],
    'a run ends at its time limit, an event of its own, if not before; without either it does not end');
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=1'' AS resources', job_order => 'shortest')$$,
    ARRAY['1: 0 to 3 on a x 1', '2: 7 to 9 on a x 1', '3: 3 to 7 on a x 1', '4: 9 to ever on a x 1', '5: never'],
    'shortest: by time limit, none last');

-- ---- order, queues, policies ----
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run, priority, tenant, sub_pool) VALUES
    (1, 0, 'cpu=2', 10, 1, 'x', 's'), (2, 1, 'cpu=3', 10, 1, 'x', 's'), (3, 2, 'cpu=1', 5, 1, 'y', 's'), (4, 3, 'cpu=1', 5, 9, 'x', 't');
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=3'' AS resources')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 10 to 20 on a x 1', '3: 20 to 25 on a x 1', '4: 3 to 8 on a x 1'],
    'priority first; without a sub_pool column all jobs are one queue, whose head blocks it');
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=3'' AS resources', more => ', sub_pool')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 10 to 20 on a x 1', '3: 20 to 25 on a x 1', '4: 3 to 8 on a x 1'],
    'with one, each sub-pool is a queue');
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=3'' AS resources', more => ', tenant')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 10 to 20 on a x 1', '3: 20 to 25 on a x 1', '4: 3 to 8 on a x 1'],
    'a tenant alone makes no queue');
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=3'' AS resources', more => ', sub_pool, tenant')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 12 to 22 on a x 1', '3: 2 to 7 on a x 1', '4: 7 to 12 on a x 1'],
    'sub-pools of two tenants are two queues, whatever their names');
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=3'' AS resources', 'traversal')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 12 to 22 on a x 1', '3: 2 to 7 on a x 1', '4: 7 to 12 on a x 1'],
    'traversal passes over what does not fit');
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=3'' AS resources', 'reserve')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 10 to 20 on a x 1', '3: 20 to 25 on a x 1', '4: 3 to 8 on a x 1'],
    'reserve withholds what is free for it');

-- ---- nodes ----
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run, replicas, min_replicas) VALUES
    (1, 0, 'cpu=1', 10, 4, 4), (2, 0, 'cpu=1', 10, 8, 3), (3, 0, 'cpu=1', 10, 9, 9), (4, 1, 'cpu=5', 1, 1, 1), (5, 1, 'memory=1', 1, 1, 1);
SELECT results_eq($$SELECT pg_temp.play('SELECT ''n'' AS name, ''cpu=4'' AS resources, 2 AS count', 'traversal')$$,
    ARRAY['1: 0 to 10 on n-1 x 4', '2: 0 to 10 on n-2 x 4', '3: never', '4: never', '5: never'],
    'count makes several nodes; a gang starts whole, or with its minimum; what can never start does not');
SELECT results_eq($$SELECT pg_temp.play('SELECT ''n'' AS name, ''cpu=4'' AS resources, 2 AS count')$$,
    ARRAY['1: 0 to 10 on n-1 x 4', '2: 0 to 10 on n-2 x 4', '3: never', '4: never', '5: never'],
    'a gang that could never be placed blocks a fifo queue');
UPDATE jobs SET submit = 2 WHERE job_id = 3;
INSERT INTO jobs (job_id, submit, request, run) VALUES (6, 1, 'cpu=1', 1);
SELECT results_eq($$SELECT pg_temp.play('SELECT ''n'' AS name, ''cpu=4'' AS resources, 3 AS count')$$,
    ARRAY['1: 0 to 10 on n-1 x 4', '2: 0 to 10 on n-2 x 4, n-3 x 4', '3: 10 to 20 on n-1 x 3, n-2 x 4, n-3 x 2', '4: never', '5: never', '6: 10 to 11 on n-1 x 1'],
    'what no node could hold, even an empty one, does not join the queue: it blocks nobody');

TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run, selector, tolerations, sub_pool) VALUES
    (1, 0, 'cpu=1', 10, '{"zone": "b"}', '[]', NULL), (2, 0, 'cpu=1', 10, '{}', '[{"key": "only"}]', 's'),
    (3, 0, 'cpu=1', 10, '{"zone": "z"}', '[]', NULL), (4, 0, 'cpu=1', 10, '{}', '[]', NULL), (5, 0, 'cpu=1', 10, '{}', '[]', 's');
SELECT results_eq($$SELECT pg_temp.play($q$SELECT * FROM (VALUES
        ('tainted', 'cpu=1', '{}'::jsonb, '[{"key": "only", "value": "x"}]'::jsonb, NULL),
        ('bound', 'cpu=1', '{}', '[]', 's'), ('b', 'cpu=1', '{"zone": "b"}', '[]', NULL), ('c', 'cpu=1', '{}', '[]', NULL))
        AS n(name, resources, labels, taints, sub_pool)$q$, 'traversal', ', sub_pool')$$,
    ARRAY['1: 0 to 10 on b x 1', '2: 0 to 10 on tainted x 1', '3: never', '4: 0 to 10 on c x 1', '5: 0 to 10 on bound x 1'],
    'labels, taints and bindings');

-- ---- devices ----
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run) VALUES (1, 0, 'x.com/gpu=0.6', 10), (2, 0, 'x.com/gpu=0.6', 20), (3, 0, 'x.com/gpu=0.6', 10), (4, 10, 'x.com/gpu=1', 5);
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=8,x.com/gpu=2'' AS resources')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 0 to 20 on a x 1', '3: 10 to 20 on a x 1', '4: 20 to 25 on a x 1'],
    'a fraction lies within one device of the resource with a domain in its name');
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=8,x.com/gpu=2'' AS resources, '''' AS accelerator')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 0 to 20 on a x 1', '3: 0 to 10 on a x 1', '4: 10 to 15 on a x 1'],
    'with accelerator empty nothing is tracked by device');
UPDATE jobs SET request = replace(request::text, 'x.com/', '')::resource_list;
SELECT results_eq($$SELECT pg_temp.play('SELECT ''a'' AS name, ''cpu=8,gpu=2'' AS resources, ''gpu'' AS accelerator')$$,
    ARRAY['1: 0 to 10 on a x 1', '2: 0 to 20 on a x 1', '3: 10 to 20 on a x 1', '4: 20 to 25 on a x 1'],
    'any resource can be the accelerator');

-- ---- topology: racks 1 (two nodes) and 2 (three), each in zone z ----
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run, replicas) VALUES (1, 0, 'cpu=1', 10, 5);
\set racks 'SELECT n AS name, ''cpu=2'' AS resources, format(''{"zone": "z", "rack": "%s"}'', r)::jsonb AS topology FROM (VALUES (''a'', 1), (''b'', 1), (''c'', 2), (''d'', 2), (''e'', 2)) AS v(n, r)'
CREATE FUNCTION pg_temp.racks(racks text, more text) RETURNS SETOF jsonb LANGUAGE sql AS $$
    SELECT nodes FROM simulate(racks, format($q$SELECT job_id, pg_temp.at(submit) AS submitted_at, request,
        make_interval(secs => run::float8) AS duration, replicas, %s FROM jobs$q$, more), placement => 'first_fit', topology_levels => '{zone,rack}')$$;
SELECT is(pg_temp.racks(:'racks', '''rack'' AS affinity_level'), '{"c": 2, "d": 2, "e": 1}', 'all in one rack: the one that has room');
SELECT is(pg_temp.racks(:'racks', '''node'' AS affinity_level, false AS affinity_required'), '{"c": 2, "d": 2, "e": 1}', 'preferably on one node: in the domain above that has room');
SELECT is((SELECT sum(value::int) FROM pg_temp.racks(:'racks', '''node'' AS spread_level, 1 AS max_per_domain') AS nodes, jsonb_each_text(nodes)), 5::bigint, 'spread, one on each node');
SELECT is((SELECT max(value::int) FROM pg_temp.racks(:'racks', '''node'' AS spread_level, 1 AS max_per_domain') AS nodes, jsonb_each_text(nodes)), 1, 'and no more');
SELECT throws_ok(format('SELECT pg_temp.racks(%L, %L)', :'racks', '''row'' AS affinity_level'), '22023', 'invalid value for argument "affinity_level"', 'a level that there is not');
SELECT throws_ok(format('SELECT simulate(%L, %L)', :'racks', 'SELECT 1'), '22023', 'invalid value for argument "topology"', 'a domain of such');

-- ---- placement ----
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run) VALUES (1, 0, 'cpu=2', 10);
SELECT results_eq($$SELECT pg_temp.play('SELECT n AS name, r AS resources FROM (VALUES (''large'', ''cpu=8''), (''small'', ''cpu=2'')) v(n, r)', placement => p) FROM (VALUES ('first_fit'::placement_policy), ('pack')) AS v(p)$$,
    ARRAY['1: 0 to 10 on large x 1', '1: 0 to 10 on small x 1'], 'the placement policy; nodes are in the order of the query');

-- ---- summary ----
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run) VALUES (1, 0, 'cpu=2,memory=1Gi', 4), (2, 0, 'cpu=2', 20), (3, 4, 'cpu=1', 10), (4, 10, 'cpu=1,memory=1Gi', 1), (5, 10, 'cpu=9', 1);
-- starts 0, 4, 24, 24, never; ends 4, 24, 34, 25; waits 0, 4, 20, 14
CREATE TEMP TABLE summary ON COMMIT DROP AS
SELECT * FROM simulate_summary('SELECT ''a'' AS name, ''cpu=2,memory=4Gi'' AS resources', $$SELECT job_id, pg_temp.at(submit) AS submitted_at, request, make_interval(secs => run::float8) AS duration FROM jobs$$);
SELECT results_eq('SELECT jobs, started, mean_wait, median_wait, p95_wait, max_wait, makespan FROM summary',
    $$VALUES (5::bigint, 4::bigint, interval '9.5 s', interval '14 s', interval '20 s', interval '20 s', interval '34 s')$$, 'waits and makespan');
-- (1 + 24/20 + 30/10 + 15/10) / 4; at once: 1 of 4
SELECT results_eq('SELECT zero_wait, bounded_slowdown FROM summary', 'VALUES (0.25, 1.675)', 'share that did not wait, mean bounded slowdown');
-- cpu 2*4 + 2*20 + 10 + 1 of 2*34; memory 4 + 1 of 4*34; between 0 and 10: 2*4 + 2*6 of 20
SELECT results_eq('SELECT resource, utilisation, arrival_utilisation, utilisations FROM summary',
    $$SELECT 'cpu', round(59 / 68.0, 9), 1.0, jsonb_build_object('cpu', round(59 / 68.0, 9), 'memory', round(5 / 136.0, 9))$$, 'utilisation');
UPDATE jobs SET run = NULL WHERE job_id = 2;
SELECT results_eq($$SELECT jobs, started, makespan, bounded_slowdown, utilisation FROM simulate_summary('SELECT ''a'' AS name, ''cpu=2,memory=4Gi'' AS resources', $q$SELECT job_id, pg_temp.at(submit) AS submitted_at, request, make_interval(secs => run::float8) AS duration FROM jobs$q$)$$,
    $$VALUES (5::bigint, 2::bigint, interval '10 s', 1.0, 1.0)$$, 'a run without end counts up to the last event; its slowdown is 1');
SELECT results_eq($$SELECT * FROM simulate_summary('SELECT ''a'' AS name, ''cpu=2'' AS resources', 'SELECT 1 AS job_id, now() AS submitted_at, ''cpu=1'' AS request, interval ''1 s'' AS duration WHERE false')$$,
    $$SELECT 0::bigint, 0::bigint, NULL::interval, NULL::interval, NULL::interval, NULL::interval, NULL::numeric, NULL::numeric, NULL::interval, NULL::numeric, NULL::numeric, NULL::text, NULL::jsonb, 0::bigint$$, 'no job, no figures');
SELECT is_empty($$SELECT * FROM simulate('SELECT ''a'' AS name, ''cpu=2'' AS resources', 'SELECT 1 AS job_id, now() AS submitted_at, ''cpu=1'' AS request, interval ''1 s'' AS duration WHERE false')$$, 'no job, no row');

-- 4713 BC to 294276 is more than 64 bits of microseconds
\set node 'SELECT ''a'' AS name, ''cpu=2'' AS resources'
\set ages 'SELECT i AS job_id, (ARRAY[''4713-01-01 BC'', ''294276-01-01''])[i]::timestamptz AS submitted_at, ''cpu=1'' AS request, interval ''1 s'' AS duration FROM generate_series(1, 2) AS i'
SELECT throws_ok(format('SELECT simulate(%L, %L)', :'node', :'ages'), '22008', 'interval out of range', 'jobs that are ages apart');
SELECT throws_ok(format('SELECT simulate_summary(%L, %L)', :'node', :'ages'), '22008', 'interval out of range', 'nor has it a makespan');
SELECT results_eq($$SELECT started_at FROM simulate('SELECT ''a'' AS name, ''cpu=2'' AS resources WHERE false', 'SELECT 1 AS job_id, now() AS submitted_at, ''cpu=1'' AS request, interval ''1 s'' AS duration')$$, ARRAY[NULL::timestamptz], 'no node, no start');

-- ---- what is refused ----
SELECT throws_ok(format('SELECT simulate(%L, %L, topology_levels => %L)', 'SELECT', 'SELECT', l), '22023', 'invalid value for argument "topology_levels"', 'levels ' || l)
FROM unnest('{"{a,a}","{a,node}","{pool}","{\"\"}","{NULL}","{{a},{b}}","{a,b,c,d,e,f,g,h,i}"}'::text[]) AS l;
CREATE FUNCTION pg_temp.refused(node_query text, job_query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    place text;
BEGIN
    PERFORM simulate(node_query, job_query);
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
    RETURN format('%s %s', SQLSTATE, SQLERRM) || coalesce(', ' || substring(place FROM '(?:column "[^"]*" in )?row \d+ of \w+'), '');
END $$;
\set node 'SELECT ''a'' AS name, ''cpu=1'' AS resources'
\set job 'SELECT 1 AS job_id, now() AS submitted_at, ''cpu=1'' AS request, interval ''1 s'' AS duration'
SELECT is(pg_temp.refused(n, j), said, said) FROM (VALUES
    (:'node', 'SELECT 1 AS job_id', '42703 job_query returns no column "submitted_at"'),
    (:'node' || ', 1 AS cost', :'job', '42703 node_query returns a column "cost" that simulate does not know'),
    (:'node' || ', 1 AS count, 2 AS count', :'job', '42701 node_query returns column "count" twice'),
    ('DELETE FROM jobs RETURNING job_id AS name', :'job', '22023 node_query must be one SELECT'),
    (:'node', 'WITH gone AS (DELETE FROM jobs RETURNING *) ' || :'job', '22023 job_query must be one SELECT'),
    (:'node', :'job' || ', 1 AS time_limit', '42846 column "time_limit" of job_query cannot be cast from type integer to interval'),
    (:'node' || ' UNION ALL SELECT ''b'', ''cpu=x''', :'job', '22P02 invalid quantity "x" of resource "cpu", column "resources" in row 2 of node_query'),
    (:'node', :'job' || ' UNION ALL SELECT 2, NULL, ''cpu=1'', NULL', '22004 column "submitted_at" must not be null, row 2 of job_query'),
    (:'node', :'job' || ' UNION ALL SELECT 2, now(), ''cpu=1'', interval ''-1 s''', '22023 invalid value for argument "duration", row 2 of job_query'),
    (:'node', :'job' || ' UNION ALL ' || :'job', '22023 job_query returns job 1 twice'),
    (:'node' || ' UNION ALL ' || :'node', :'job', '22023 node_query returns node "a" twice'),
    (:'node' || ', 0 AS count', :'job', '22023 invalid value for argument "count", row 1 of node_query'),
    (:'node' || ', ''gpu'' AS accelerator', :'job', '22023 invalid value for argument "accelerator", row 1 of node_query'),
    ('SELECT ''a'' AS name, ''x/gpu=4'' AS resources', replace(:'job', 'cpu=1', 'x/gpu=1.5'), '22023 no node can hold a replica of job 1'),
    (:'node', :'job' || ', 2 AS replicas, 3 AS min_replicas', '22023 invalid value for argument "min_replicas", row 1 of job_query'),
    (:'node', NULL, '22004 argument "job_query" must not be null')) AS v(n, j, said);
SELECT is((SELECT count(*) FROM jobs), 5::bigint, 'nothing was deleted');

-- ---- rights ----
CREATE ROLE simulate_stranger;
CREATE TABLE public.secret AS SELECT 'a'::text AS name, 'cpu=1'::text AS resources;
GRANT USAGE ON SCHEMA pool_manager TO simulate_stranger;
SET LOCAL ROLE simulate_stranger;
SELECT throws_ok(format($$SELECT simulate('SELECT * FROM public.secret', %L)$$, :'job'), '42501', 'permission denied for table secret', 'the queries run as the caller');
SELECT lives_ok(format($$SELECT simulate(%L, %L)$$, :'node', :'job'), 'anybody may ask');
RESET ROLE;

-- ---- a slow, obvious simulation ----
CREATE TEMP TABLE machine (no int, cpu int, memory int, free_cpu int, free_memory int) ON COMMIT DROP;
CREATE TEMP TABLE work (job_id bigint, submit int, cpu int, memory int, run int, replicas int, started int, ended int) ON COMMIT DROP;
CREATE TEMP TABLE piece (job_id bigint, no int) ON COMMIT DROP;
CREATE FUNCTION pg_temp.obvious(policy queue_policy) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    instant int := -1;
    job work;
    chosen int;
BEGIN
    UPDATE work SET started = NULL, ended = NULL;
    UPDATE machine SET free_cpu = cpu, free_memory = memory;
    TRUNCATE piece;
    LOOP
        SELECT min(t) INTO instant FROM work w, LATERAL (VALUES (w.submit), (w.ended)) AS v(t) WHERE t > instant;
        EXIT WHEN instant IS NULL;
        FOR job IN SELECT * FROM work w WHERE w.ended = instant LOOP
            FOR chosen IN SELECT p.no FROM piece p WHERE p.job_id = job.job_id LOOP
                UPDATE machine m SET free_cpu = m.free_cpu + job.cpu, free_memory = m.free_memory + job.memory WHERE m.no = chosen;
            END LOOP;
        END LOOP;
        FOR job IN SELECT * FROM work w WHERE w.submit <= instant AND w.started IS NULL ORDER BY w.submit, w.job_id LOOP
            FOR i IN 1 .. job.replicas LOOP
                SELECT min(m.no) INTO chosen FROM machine m WHERE m.free_cpu >= job.cpu AND m.free_memory >= job.memory;
                EXIT WHEN chosen IS NULL;
                INSERT INTO piece VALUES (job.job_id, chosen);
                UPDATE machine m SET free_cpu = m.free_cpu - job.cpu, free_memory = m.free_memory - job.memory WHERE m.no = chosen;
            END LOOP;
            IF chosen IS NOT NULL THEN
                UPDATE work w SET started = instant, ended = instant + w.run WHERE w.job_id = job.job_id;
                CONTINUE;
            END IF;
            FOR chosen IN SELECT p.no FROM piece p WHERE p.job_id = job.job_id LOOP
                UPDATE machine m SET free_cpu = m.free_cpu + job.cpu, free_memory = m.free_memory + job.memory WHERE m.no = chosen;
            END LOOP;
            DELETE FROM piece p WHERE p.job_id = job.job_id;
            EXIT WHEN policy = 'fifo';
        END LOOP;
    END LOOP;
END $$;
SELECT setseed(0.4);
INSERT INTO machine SELECT n, 4 + 4 * (n % 2), 16 - 4 * (n % 3), 0, 0 FROM generate_series(1, 5) AS n;
INSERT INTO work SELECT n, (random() * 900)::int, 1 + (random() * 3)::int, (random() * 6)::int, 1 + (random() * 40)::int, 1 + (random() * 3)::int
FROM generate_series(1, 250) AS n;
CREATE FUNCTION pg_temp.differences(policy queue_policy) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT pg_temp.obvious(policy);
    SELECT format('job %s: %s on %s, not %s on %s', w.job_id, s.started_at, s.nodes, w.started, o.nodes)
    FROM simulate('SELECT no::text AS name, format(''cpu=%s,memory=%s'', cpu, memory) AS resources FROM machine ORDER BY no',
        'SELECT job_id, pg_temp.at(submit) AS submitted_at, format(''cpu=%s,memory=%s'', cpu, memory) AS request, make_interval(secs => run) AS duration, replicas FROM work', policy, 'first_fit') s
    JOIN work w USING (job_id), LATERAL (
        SELECT jsonb_object_agg(c.no, c.replicas) AS nodes FROM (SELECT p.no, count(*) AS replicas FROM piece p WHERE p.job_id = w.job_id GROUP BY p.no) AS c) AS o
    WHERE (s.started_at, s.ended_at, s.nodes) IS DISTINCT FROM (pg_temp.at(w.started), pg_temp.at(w.ended), o.nodes) ORDER BY 1$$;
SELECT is_empty($$SELECT * FROM pg_temp.differences('fifo') LIMIT 5$$, 'fifo: what the obvious simulation does, nodes too');
SELECT is_empty($$SELECT * FROM pg_temp.differences('traversal') LIMIT 5$$, 'traversal likewise');
SELECT cmp_ok((SELECT count(*) FROM work WHERE started > submit), '>', 50::bigint, 'it is a workload that waits');

SELECT * FROM finish();
ROLLBACK;
