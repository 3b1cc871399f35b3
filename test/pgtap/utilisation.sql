-- Utilisation over time: by hand for a history made by calls, and against a
-- second-by-second count for a random one that is written into the tables.
BEGIN;
SELECT plan(40);
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET pool_manager.clock = '2026-03-02 00:00:00+00';

CREATE ROLE use_viewer;
CREATE ROLE use_other;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'UTC') AS beta \gset
SELECT grant_tenant('acme', 'use_viewer', 'viewer'), grant_tenant('beta', 'use_other', 'owner');
SELECT create_network('net', '10.0.0.0/24', 'acme'), create_sku('node', 'node');
SELECT create_flavor('small', 'cpu=4', 'node'), create_flavor('big', 'cpu=4,gpu=2', 'node');
SELECT set_resource_sku('small', 'cpu=1', NULL);
SELECT create_pool('own', 'dedicated', 'acme', 'net') AS own, create_pool('open', 'public') AS open \gset

CREATE FUNCTION pg_temp.raised(query text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;
CREATE FUNCTION public.use_set_state(pool bigint, node bigint, to_state node_state) RETURNS void
LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_node_states(pool, ARRAY[node], to_state, lock_pool(pool));
END $$;
-- cpu as minutes since midnight: since-until allocated/idle/unavailable/capacity
CREATE FUNCTION pg_temp.steps(pool text, since timestamptz, until timestamptz) RETURNS text
LANGUAGE sql AS $$
    SELECT string_agg(format('%s-%s %s/%s/%s/%s', extract(epoch FROM step_start - '2026-03-02 00:00+00')::integer / 60,
                             extract(epoch FROM step_end - '2026-03-02 00:00+00')::integer / 60, allocated, idle, unavailable, capacity), ', '
                      ORDER BY step_start)
    FROM pool_usage_steps(pool, since, until) WHERE resource = 'cpu'
$$;

-- ---- by hand ----

SELECT is((SELECT count(*) FROM add_nodes('own', 'small', 2, 'n')), 2::bigint, 'two nodes of cpu=4 at 00:00');
SELECT min(node_id) AS first, max(node_id) AS second FROM node WHERE pool_id = :own \gset
SET pool_manager.clock = '2026-03-02 00:10:00+00';
SELECT submit_job('own', 'a', request => 'cpu=3') AS a \gset
SELECT count(*) FROM schedule('own');
SET pool_manager.clock = '2026-03-02 00:40:00+00';
SELECT finish_job(:a);
SET pool_manager.clock = '2026-03-02 01:00:00+00';
SELECT public.use_set_state(:own, :second, 'abnormal');
SET pool_manager.clock = '2026-03-02 01:20:00+00';
SELECT count(*) FROM add_nodes('own', 'big', 1, 'b');
SELECT submit_job('own', 'b', request => 'cpu=4') AS b \gset
SELECT count(*) FROM schedule('own');
SET pool_manager.clock = '2026-03-02 01:30:00+00';
SELECT public.use_set_state(:own, :second, 'available');
SET pool_manager.clock = '2026-03-02 01:40:00+00';

SELECT is(pg_temp.steps('own', '2026-03-01 23:00+00', NULL),
    '-60-0 0/0/0/0, 0-10 0/8/0/8, 10-40 3/5/0/8, 40-60 0/8/0/8, 60-80 0/4/4/8, 80-90 4/4/4/12, 90-100 4/8/0/12',
    'the steps, from before the pool was there until the present');
SELECT is(pg_temp.steps('own', '2026-03-02 00:20+00', '2026-03-02 01:10+00'),
    '20-40 3/5/0/8, 40-60 0/8/0/8, 60-70 0/4/4/8', 'a window that begins and ends within steps');
SELECT is(pg_temp.steps('own', '2026-03-02 01:35+00', '2026-03-03 00:00+00'), '95-100 4/8/0/12', 'the future is not told');
SELECT is(pg_temp.steps('own', '2026-03-02 00:45+00', '2026-03-02 00:50+00'), '45-50 0/8/0/8', 'a window in which nothing happens');
SELECT is(
    (SELECT string_agg(concat_ws(' ', to_char(step_start, 'HH24:MI'), to_char(step_end, 'HH24:MI'), resource, allocated, capacity), ', ')
     FROM pool_usage_steps('own', '2026-03-02 00:50+00') WHERE resource = 'gpu'),
    '00:50 01:20 gpu 0 0, 01:20 01:40 gpu 0 2', 'a resource that came later');
-- 00:00 to 01:00: 30 min x 3 cpu of 60 min x 8; 01:00 to 01:40: 20 min x 4 of
-- 20 min x 8 + 20 min x 12; unavailable 30 min x 4 of 40 min
SELECT is(
    (SELECT string_agg(concat_ws(' ', to_char(bucket_start, 'HH24:MI'), to_char(bucket_end, 'HH24:MI'),
                                 allocated, most, idle, unavailable, capacity, busy), ', ' ORDER BY bucket_start)
     FROM pool_usage('own', '2026-03-02 00:00+00') WHERE resource = 'cpu'),
    '00:00 01:00 1.5 3 6.5 0 8 18.8, 01:00 01:40 2 4 5 3 10 20.0', 'by the hour: means, the most, percent');
SELECT is(
    (SELECT string_agg(concat_ws(' ', to_char(bucket_start, 'HH24:MI'), allocated, most, busy), ', ' ORDER BY bucket_start)
     FROM pool_usage('own', '2026-03-02 00:05+00', '2026-03-02 00:50+00', '15 minutes') WHERE resource = 'cpu'),
    '00:05 2 3 25.0, 00:20 3 3 37.5, 00:35 1 3 12.5', 'buckets begin where the window does');
SELECT is(
    (SELECT string_agg(concat_ws(' ', allocated, capacity, coalesce(busy::text, 'none')), ', ' ORDER BY bucket_start)
     FROM pool_usage('own', '2026-03-01 22:00+00', '2026-03-02 00:00+00') WHERE resource = 'cpu'),
    NULL, 'a window before there was anything has no resources');
SELECT is(
    (SELECT string_agg(concat_ws(' ', capacity, coalesce(busy::text, 'none')), ', ' ORDER BY bucket_start)
     FROM pool_usage('own', '2026-03-01 23:30+00', '2026-03-02 00:30+00', '30 minutes') WHERE resource = 'cpu'),
    '0 none, 8 25.0', 'no percent of nothing');
SELECT results_eq(
    $$SELECT s.resource, s.allocated, s.capacity FROM pool_usage_steps('own', '2026-03-02 00:00+00') s
      WHERE s.step_end = clock() ORDER BY 1$$,
    $$SELECT resource, allocated, allocatable FROM pool_utilization WHERE pool = 'own' ORDER BY 1$$,
    'the last step is what pool_utilization shows');

-- a run that is left on a node that is not available: allocated, the rest of the node unavailable
SET pool_manager.clock = '2026-03-02 02:00:00+00';
SELECT finish_job(:b);
SELECT submit_job('own', 'c', request => 'cpu=1', replicas => 1) AS c \gset
SELECT count(*) FROM schedule('own');
SELECT node_id AS busy_node FROM allocation WHERE pool_id = :own AND released_at IS NULL \gset
SET pool_manager.clock = '2026-03-02 02:10:00+00';
SELECT public.use_set_state(:own, :busy_node, 'abnormal');
SET pool_manager.clock = '2026-03-02 02:20:00+00';
SELECT is(pg_temp.steps('own', '2026-03-02 02:00+00', NULL), '120-130 1/11/0/12, 130-140 1/8/3/12',
    'what is held on an abnormal node is allocated, not unavailable');

-- who sees it
SET LOCAL ROLE use_viewer;
SELECT is(pg_temp.steps('own', '2026-03-02 02:00+00', NULL), '120-130 1/11/0/12, 130-140 1/8/3/12', 'a viewer of the owner sees it');
SELECT is((SELECT count(*) FROM pool_usage('open', '2026-03-01 00:00+00')), 0::bigint, 'of public pools only operators do');
SET LOCAL ROLE use_other;
SELECT is(pg_temp.raised($$SELECT pool_usage('own', '2026-03-01 00:00+00')$$), '42704 pool "own" does not exist', 'no other tenant does, by name');
SELECT is(pg_temp.raised(format('SELECT pool_usage_steps(%s, %L)', :own, '2026-03-01 00:00+00')), format('42704 pool %s does not exist', :own), 'nor by id');
RESET ROLE;
SELECT add_nodes('open', 'small', 1);
SET pool_manager.clock = '2026-03-02 02:21:00+00';
SELECT is(pg_temp.steps('open', '2026-03-02 02:00+00', NULL), '120-140 0/0/0/0, 140-141 0/4/0/4', 'an operator sees a public pool');

-- what is refused
SELECT is(pg_temp.raised($$SELECT pool_usage('own', '2026-03-02 01:00+00', '2026-03-02 01:00+00')$$), '22023 since must be before until', 'an empty window');
SELECT is(pg_temp.raised($$SELECT pool_usage_steps('own', '2026-03-02 02:21+00')$$), '22023 since must be before until', 'a window that begins at the present');
SELECT is(pg_temp.raised($$SELECT pool_usage_steps('own', '-infinity')$$), '22023 since must be before until', 'one without a beginning');
SELECT is(pg_temp.raised($$SELECT pool_usage_steps('own', NULL)$$), '22004 since must not be null', 'NULL for since');
SELECT is(pg_temp.raised($$SELECT pool_usage_steps(NULL::bigint, '2026-03-02 01:00+00')$$), '22004 pool must not be null', 'NULL for the pool');
SELECT is(pg_temp.raised($$SELECT pool_usage('own', '2026-03-02 01:00+00', bucket => '1 month')$$), '22023 "1 mon" is no length of a bucket', 'a bucket of a month');
SELECT is(pg_temp.raised($$SELECT pool_usage('own', '2026-03-02 01:00+00', bucket => '-1 hour')$$), '22023 "-01:00:00" is no length of a bucket', 'a negative bucket');
SELECT is(pg_temp.raised($$SELECT pool_usage('own', '2026-03-02 01:00+00', bucket => NULL)$$), '22004 bucket must not be null', 'NULL for the bucket');
SELECT is(
    (SELECT count(*) FROM pool_usage('own', '2026-03-03 00:00+00', '2026-03-04 00:00+00')), 0::bigint, 'a window in the future is empty');

-- a bucket of a day is 24 hours, whatever the time zone: clocks were put forward on March 29
SET LOCAL timezone = 'Europe/Berlin';
SET pool_manager.clock = '2026-03-31 00:00:00+00';
SELECT is(
    (SELECT string_agg(DISTINCT (bucket_end - bucket_start)::text, ', ')
     FROM pool_usage('own', '2026-03-28 00:00+01', '2026-03-31 01:00+02', '1 day')),
    '1 day', 'a day has 24 hours');
SET LOCAL timezone = 'UTC';

-- ---- against a count second by second ----

-- Seven nodes, the first hour of whose lives is looked at, days later.  Times
-- are seconds from 00:00 of April 1.
SELECT create_pool('random', 'dedicated', 'acme', 'net') AS random \gset
SELECT count(*) FROM add_nodes('random', 'small', 1, 'seed');
SELECT submit_job('random', 'seed', request => 'cpu=1') AS seed \gset
SELECT count(*) FROM schedule('random');
SELECT run_id AS run, node_id AS seed_node FROM allocation WHERE pool_id = :random \gset
SELECT finish_job(:seed);
SELECT submit_job('random', 'live', request => 'cpu=1') AS live \gset
SELECT count(*) FROM schedule('random');
SELECT run_id AS live_run FROM job_run WHERE pool_id = :random AND ended_at IS NULL \gset
SET pool_manager.clock = '2026-04-08 00:00:00+00';

SELECT setseed(0.3);
CREATE TEMP TABLE piece (node bigint, since integer, until integer, state node_state, size resource_list);
CREATE TEMP TABLE life (node bigint, created integer, available integer, deleted integer);
CREATE TEMP TABLE part (no serial, node bigint, since integer, until integer, size resource_list);
DO $$
DECLARE
    n bigint;
    cur integer;
    next integer;
    -- half of the nodes are deleted within the hour, or soon after
    gone integer;
    states node_state[] := '{available,abnormal,available,checking}';
    k integer;
BEGIN
    FOR i IN 1..7 LOOP
        n := nextval('node_id_seq');
        cur := (random() * 900)::integer;
        next := cur + (random() * 200)::integer;
        gone := CASE WHEN i % 2 = 0 THEN next + 600 + (random() * 4000)::integer END;
        INSERT INTO life VALUES (n, cur, next, gone);
        IF next > cur THEN
            INSERT INTO piece VALUES (n, cur, next, 'creating', 'cpu=4,gpu=2');
        END IF;
        k := 0;
        LOOP
            cur := next;
            next := least(cur + 1 + (random() * 700)::integer, gone);
            INSERT INTO piece VALUES (n, cur, next, CASE WHEN next = gone THEN 'deleting' ELSE states[1 + k % 4] END,
                ('{"cpu=4,gpu=2","cpu=3,gpu=2","cpu=4"}'::text[])[1 + (random() * 2)::integer]::resource_list);
            k := k + 1;
            EXIT WHEN next = gone OR cur > 5000;
        END LOOP;
        -- the last piece goes on until the node is gone
        UPDATE piece SET until = gone, size = 'cpu=4,gpu=2' WHERE node = n AND since = cur;
        FOR j IN 1..30 LOOP
            cur := next - (random() * (next - (SELECT available FROM life WHERE node = n)))::integer;
            INSERT INTO part (node, since, until, size) VALUES (n, cur,
                CASE WHEN gone IS NOT NULL THEN least(cur + (random() * 900)::integer, gone)
                     ELSE (ARRAY[cur + (random() * 900)::integer, cur + 30000, cur + 110000, cur + 300000, NULL])[1 + (random() * 4)::integer] END,
                ('{"cpu=0.1","cpu=0.025,gpu=0.05"}'::text[])[1 + (random())::integer]::resource_list);
        END LOOP;
    END LOOP;
END $$;

CREATE FUNCTION pg_temp.at(seconds integer) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
    $$SELECT '2026-04-01 00:00:00+00'::timestamptz + seconds * interval '1 second'$$;
-- one run has all of them, which the guards would not have
SET LOCAL session_replication_role = replica;
INSERT INTO node (pool_id, node_id, flavor_id, tenant_id, name, state, state_since, created_at, available_at, deleted_at)
SELECT :random, l.node, f.flavor_id, :acme, 'r-' || l.node, p.state, pg_temp.at(p.since), pg_temp.at(l.created), pg_temp.at(l.available), pg_temp.at(l.deleted)
FROM life l JOIN flavor f ON f.name = 'small'
JOIN LATERAL (SELECT * FROM piece p WHERE p.node = l.node ORDER BY since DESC LIMIT 1) p ON true;
INSERT INTO node_load (pool_id, node_id, allocatable, allocated)
SELECT :random, l.node, p.size, coalesce((SELECT sum(size) FROM part t WHERE t.node = l.node AND t.until IS NULL), '')
FROM life l JOIN LATERAL (SELECT * FROM piece p WHERE p.node = l.node ORDER BY since DESC LIMIT 1) p ON true;
INSERT INTO node_period (pool_id, node_id, tenant_id, state, since, until, allocatable)
SELECT :random, node, :acme, state, pg_temp.at(since), pg_temp.at(until), size
FROM (SELECT *, row_number() OVER (PARTITION BY node ORDER BY since DESC) AS n FROM piece) p WHERE n > 1;
INSERT INTO allocation (pool_id, run_id, group_no, node_id, tenant_id, replicas, allocated, since, released_at, part_no)
SELECT :random, CASE WHEN until IS NULL THEN :live_run ELSE :run END, 1, node, :acme, 1, size, pg_temp.at(since), pg_temp.at(until), no
FROM part ORDER BY no;
SET LOCAL session_replication_role = origin;

-- the node that the pool began with, and the job on it
INSERT INTO life VALUES (:seed_node, 0, 0);
INSERT INTO piece VALUES (:seed_node, 0, NULL, 'available', 'cpu=4');
INSERT INTO part (node, since, size) VALUES (:seed_node, 0, 'cpu=1');
CREATE TEMP TABLE counted AS
SELECT s AS second, r.name AS resource,
       coalesce((SELECT sum(quantity(t.size, r.name)) FROM part t WHERE t.since <= s AND (t.until > s OR t.until IS NULL)), 0) AS allocated,
       coalesce((SELECT sum(quantity(p.size, r.name)) FROM piece p JOIN life l USING (node)
                 WHERE p.since <= s AND (p.until > s OR p.until IS NULL) AND l.available <= s), 0) AS capacity,
       coalesce((SELECT sum(quantity(p.size, r.name) -
                        coalesce((SELECT sum(quantity(t.size, r.name)) FROM part t
                                  WHERE t.node = p.node AND t.since <= s AND (t.until > s OR t.until IS NULL)), 0))
                 FROM piece p JOIN life l USING (node)
                 WHERE p.since <= s AND (p.until > s OR p.until IS NULL) AND l.available <= s AND p.state <> 'available'), 0) AS unavailable
FROM generate_series(0, 5999) AS s, (VALUES ('cpu'), ('gpu')) AS r(name);
SELECT cmp_ok((SELECT count(DISTINCT (allocated, capacity, unavailable)) FROM counted WHERE resource = 'cpu'), '>', 200::bigint,
    'the random history has many steps');

-- a resource that there is none of in the window is not told of
CREATE FUNCTION pg_temp.wrong(pool text, since integer, until integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*)
    FROM (SELECT s.*, extract(epoch FROM g.at - pg_temp.at(0))::integer AS second
          FROM pool_usage_steps(pool, pg_temp.at(since), pg_temp.at(until)) s,
               generate_series(s.step_start, s.step_end - interval '1 second', '1 second') AS g(at)) s
    FULL JOIN (SELECT * FROM counted c WHERE c.second >= since AND c.second < until) c USING (second, resource)
    WHERE (s.allocated, s.unavailable, s.capacity, s.idle) IS DISTINCT FROM
          (c.allocated, c.unavailable, c.capacity, c.capacity - c.allocated - c.unavailable)
      AND NOT (s.allocated IS NULL AND c.capacity = 0 AND c.allocated = 0)
$$;
SELECT is(pg_temp.wrong('random', 0, 6000), 0::bigint, 'all of it, second by second');
SELECT is(pg_temp.wrong('random', 1234, 3456), 0::bigint, 'part of it');
SELECT is((SELECT sum(pg_temp.wrong('random', s, s + 30)) FROM generate_series(0, 5900, 131) AS s), 0::numeric, 'half a minute of it');
SELECT is(
    (SELECT count(*) FROM (SELECT s.*, lead(step_start, 1, pg_temp.at(6000)) OVER w AS next_start,
                                  (allocated, unavailable, capacity) = (lead(allocated) OVER w, lead(unavailable) OVER w, lead(capacity) OVER w) AS same
                           FROM pool_usage_steps('random', pg_temp.at(0), pg_temp.at(6000)) s
                           WINDOW w AS (PARTITION BY resource ORDER BY step_start)) AS s
     WHERE step_end <> next_start OR same), 0::bigint, 'steps abut, and each differs from the next');
SELECT results_eq(
    $$SELECT bucket_start, bucket_end, resource, allocated, most, unavailable, capacity
      FROM pool_usage('random', pg_temp.at(100), pg_temp.at(5950), '7 minutes') ORDER BY resource, bucket_start$$,
    $$SELECT pg_temp.at(100 + b * 420), pg_temp.at(least(520 + b * 420, 5950)), resource, trim_scale(trunc(avg(allocated), 3)), max(allocated),
             trim_scale(trunc(avg(unavailable), 3)), trim_scale(trunc(avg(capacity), 3))
      FROM (SELECT *, (second - 100) / 420 AS b FROM counted WHERE second >= 100 AND second < 5950) c
      GROUP BY b, resource ORDER BY resource, b$$,
    'buckets of seven minutes');
SELECT is(
    (SELECT count(*) FROM pool_usage('random', pg_temp.at(0), pg_temp.at(6000), '17 seconds')
     WHERE allocated + idle + unavailable <> capacity), 0::bigint, 'the parts of every bucket add up to the capacity');
SELECT is(
    (SELECT sum(allocated * extract(epoch FROM step_end - step_start)) FROM pool_usage_steps('random', '2026-04-01 00:00+00') WHERE resource = 'cpu'),
    (SELECT sum(quantity(allocated, 'cpu') * extract(epoch FROM coalesce(released_at, '2026-04-08 00:00+00') - greatest(since, '2026-04-01 00:00+00')))
     FROM allocation WHERE pool_id = :random AND coalesce(released_at, 'infinity') > '2026-04-01 00:00+00'),
    'until the present: as many cpu-seconds as the allocations had');

-- ---- node by node and day by day ----

SELECT is(
    (SELECT count(*) FROM unnest('{NULL,cpu,gpu}'::text[]) AS r(resource), pool_idle('random', '2026-04-01', '2026-04-08', r.resource) AS i
     WHERE i.used + i.idle + i.unavailable <> i.capacity OR i.used < 0 OR i.idle < 0 OR i.unavailable < 0), 0::bigint,
    'used, idle and unavailable seconds of each node are its capacity');
SELECT results_eq(
    $$SELECT r.resource, i.day, sum(i.used), sum(i.idle), sum(i.unavailable), sum(i.capacity)
      FROM (VALUES ('cpu'), ('gpu')) AS r(resource), pool_idle('random', '2026-04-01', '2026-04-08', r.resource) AS i GROUP BY 1, 2 ORDER BY 1, 2$$,
    $$SELECT s.resource, d.day::date, sum(s.allocated * w.seconds), sum(s.idle * w.seconds), sum(s.unavailable * w.seconds), sum(s.capacity * w.seconds)
      FROM generate_series('2026-04-01'::timestamp, '2026-04-07', '1 day') AS d(day),
           pool_usage_steps('random', d.day AT TIME ZONE 'UTC', (d.day + interval '1 day') AT TIME ZONE 'UTC') AS s,
           LATERAL (SELECT extract(epoch FROM s.step_end - s.step_start) AS seconds) AS w GROUP BY 1, 2 ORDER BY 1, 2$$,
    'of resources, they are what the steps of each day come to');
-- of the first day, second by second
CREATE TEMP TABLE node_counted AS
SELECT l.node, count(*) AS capacity, count(t.second) AS used, count(*) FILTER (WHERE t.second IS NULL AND p.state <> 'available') AS unavailable
FROM life l
JOIN piece p USING (node)
CROSS JOIN LATERAL generate_series(greatest(p.since, l.available), least(p.until, l.deleted, 86400) - 1) AS g(second)
LEFT JOIN (SELECT DISTINCT t.node, h.second FROM part t, generate_series(t.since, least(t.until, 86400) - 1) AS h(second)) AS t
    ON t.node = l.node AND t.second = g.second
GROUP BY l.node;
SELECT results_eq(
    $$SELECT i.node_id, i.capacity, i.used, i.unavailable FROM pool_idle('random', '2026-04-01', '2026-04-02') AS i ORDER BY 1$$,
    $$SELECT node, capacity::numeric, used::numeric, unavailable::numeric FROM node_counted ORDER BY 1$$,
    'of nodes, they are those that are counted');
SELECT cmp_ok((SELECT count(*) FROM node_counted WHERE unavailable > 0), '>', 0::bigint, 'not all of them were always available');
SELECT results_eq(
    $$SELECT sum(capacity), sum(used), sum(idle), sum(unavailable) FROM pool_idle('random', '2026-04-01', '2026-04-05')$$,
    $$SELECT sum(i.capacity), sum(i.used), sum(i.idle), sum(i.unavailable)
      FROM generate_series(0, 3) AS d, pool_idle('random', '2026-04-01'::date + d, '2026-04-02'::date + d) AS i$$,
    'days by themselves add up to days together');

SELECT * FROM finish();
ROLLBACK;
