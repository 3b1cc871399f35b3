-- simulate() with quotas and preemption: the rules, on numbers worked by hand,
-- and what trees are refused.  simulate_live.sql compares with pools.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL timezone TO 'UTC';
SELECT plan(38);

CREATE TEMP TABLE jobs (job_id bigint, submit int, request resource_list, run int, sub_pool text, priority int DEFAULT 1,
    preemptible boolean DEFAULT false, replicas int DEFAULT 1, min_replicas int, tenant text) ON COMMIT DROP;
CREATE TEMP TABLE quotas (name text, parent text, guaranteed resource_list DEFAULT '', upper resource_list, borrow_limit resource_list,
    lend_limit resource_list, tenant text) ON COMMIT DROP;
-- start, end and nodes of each job, and how often it gave way
CREATE FUNCTION pg_temp.play(nodes text, quota_query text DEFAULT NULL, queue_policy queue_policy DEFAULT 'traversal',
    preemption preemption_policy DEFAULT 'lower_priority', reclaim reclaim_policy DEFAULT 'any',
    min_runtime interval DEFAULT '0', preemption_delay interval DEFAULT '0', more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(CASE WHEN started_at IS NULL THEN format('%s never', job_id) ELSE
        format('%s: %s-%s %s', job_id, extract(epoch FROM started_at)::int, extract(epoch FROM ended_at)::int,
               (SELECT string_agg(n.key || ' x ' || n.value, ' ' ORDER BY n.key) FROM jsonb_each_text(s.nodes) n)) END
        || repeat('!', preemptions), ', ' ORDER BY job_id)
    FROM simulate(nodes, format('SELECT job_id, timestamptz ''epoch'' + submit * interval ''1 s'' AS submitted_at, request, run * interval ''1 s'' AS duration,
            sub_pool, priority, preemptible, replicas, min_replicas %s FROM jobs', more), queue_policy, 'first_fit', quota_query => quota_query,
        preemption => preemption, reclaim => reclaim, min_runtime => min_runtime, preemption_delay => preemption_delay) AS s
$$;
\set ten 'SELECT ''n'' AS name, ''cpu=10'' AS resources'
\set four 'SELECT ''n'' AS name, ''cpu=4'' AS resources'
\set tree 'SELECT name, parent, guaranteed, upper, borrow_limit, lend_limit FROM quotas'

-- ---- quotas: six of ten CPUs are guaranteed to a, four to b ----
INSERT INTO quotas (name, guaranteed) VALUES ('a', 'cpu=6'), ('b', 'cpu=4');
INSERT INTO jobs (job_id, submit, request, run, sub_pool) VALUES (1, 0, 'cpu=10', 10, 'a'), (2, 1, 'cpu=4', 5, 'b'), (3, 1, 'cpu=2', 5, 'a');
SELECT is(pg_temp.play(:'ten', :'tree'), '1: 0-10 n x 1, 2: 10-15 n x 1, 3: 10-15 n x 1', 'what is idle is lent for the length of a run');
UPDATE quotas SET lend_limit = '' WHERE name = 'b';
SELECT is(pg_temp.play(:'ten', :'tree'), '1 never, 2: 1-6 n x 1, 3: 1-6 n x 1', 'what is kept at home is not');
UPDATE quotas SET lend_limit = NULL;
UPDATE quotas SET borrow_limit = 'cpu=3' WHERE name = 'a';
SELECT is(pg_temp.play(:'ten', :'tree'), '1 never, 2: 1-6 n x 1, 3: 1-6 n x 1', 'nor more than may be borrowed');
UPDATE quotas SET borrow_limit = NULL, upper = 'cpu=9' WHERE name = 'a';
SELECT is(pg_temp.play(:'ten', :'tree'), '1 never, 2: 1-6 n x 1, 3: 1-6 n x 1', 'nor more than the upper quota');
SELECT is(pg_temp.play(:'ten', :'tree', 'fifo'), '1 never, 2: 1-6 n x 1, 3 never', 'under fifo it blocks its sub-pool, and no other');
-- with nine: job 3 would borrow, so job 2 comes first although its id is higher
UPDATE jobs SET request = 'cpu=6', submit = 1 WHERE job_id = 1;
UPDATE jobs SET job_id = 5 WHERE job_id = 2;
SELECT is(pg_temp.play(:'ten', :'tree'), '1: 1-11 n x 1, 3: 6-11 n x 1, 5: 1-6 n x 1', 'who would borrow comes last');

-- a whole of which a and b are parts: beside c, which has four of its own
TRUNCATE jobs;
UPDATE quotas SET upper = NULL, parent = 'whole', guaranteed = 'cpu=3';
INSERT INTO quotas (name, borrow_limit) VALUES ('whole', '');
INSERT INTO quotas (name, guaranteed) VALUES ('c', 'cpu=4');
INSERT INTO jobs (job_id, submit, request, run, sub_pool) VALUES (1, 0, 'cpu=6', 10, 'a'), (2, 1, 'cpu=3', 5, 'b'), (3, 2, 'cpu=4', 5, 'c'), (4, 3, 'cpu=7', 5, 'a');
SELECT is(pg_temp.play(:'ten', :'tree'), '1: 0-10 n x 1, 2: 10-15 n x 1, 3: 2-7 n x 1, 4 never', 'parts borrow from each other; what is above borrows nothing');

-- tenants of a public pool: those of one name are told apart where the query does
TRUNCATE jobs, quotas;
INSERT INTO quotas (tenant, name, guaranteed, upper) VALUES ('x', 's', 'cpu=3', 'cpu=3'), ('y', 's', 'cpu=7', NULL), ('z', NULL, '', 'cpu=1');
INSERT INTO jobs (job_id, submit, request, run, sub_pool, tenant) VALUES (1, 0, 'cpu=3', 10, 's', 'x'), (2, 0, 'cpu=3', 10, 's', 'x'), (3, 0, 'cpu=3', 10, 's', 'y'), (4, 0, 'cpu=1', 10, NULL, 'z'), (5, 0, 'cpu=1', 10, NULL, 'z');
SELECT is(pg_temp.play(:'ten', 'SELECT tenant, name, guaranteed, upper FROM quotas', more => ', tenant'),
    '1: 0-10 n x 1, 2: 10-20 n x 1, 3: 0-10 n x 1, 4: 0-10 n x 1, 5: 10-20 n x 1', 'sub-pools of tenants, and one without a name');

-- ---- lower priorities give way ----
TRUNCATE jobs, quotas;
INSERT INTO jobs (job_id, submit, request, run, priority, preemptible) VALUES (1, 0, 'cpu=4', 10, 1, true), (2, 3, 'cpu=2', 4, 2, false);
SELECT is(pg_temp.play(:'four'), '1: 7-17 n x 1!, 2: 3-7 n x 1', 'the job runs again from its beginning');
SELECT is(pg_temp.play(:'four', preemption => 'never'), '1: 0-10 n x 1, 2: 10-14 n x 1', 'unless nobody gives way');
SELECT is(pg_temp.play(:'four', min_runtime => '5 s'), '1: 9-19 n x 1!, 2: 5-9 n x 1', 'a run is safe for a time, whose end is an instant');
SELECT is(pg_temp.play(:'four', min_runtime => '10 s'), '1: 0-10 n x 1, 2: 10-14 n x 1', 'it may be as long as the run');
SELECT is(pg_temp.play(:'four', preemption_delay => '2 s'), '1: 9-19 n x 1!, 2: 5-9 n x 1', 'a job may have to wait, until an instant too');
SELECT results_eq($$SELECT wait, preemptions FROM simulate('SELECT ''n'' AS name, ''cpu=4'' AS resources',
        'SELECT job_id, timestamptz ''epoch'' + submit * interval ''1 s'' AS submitted_at, request, run * interval ''1 s'' AS duration, priority, preemptible FROM jobs')$$,
    $$VALUES (interval '7 s', 1), ('0', 0)$$, 'wait is until the last start');
-- held: 4 for 3 s, 2 for 4 s, 4 for 10 s, of 4 for 17 s; until 3 s all
SELECT results_eq($$SELECT jobs, started, mean_wait, makespan, utilisation, arrival_utilisation, preemptions FROM simulate_summary('SELECT ''n'' AS name, ''cpu=4'' AS resources',
        'SELECT job_id, timestamptz ''epoch'' + submit * interval ''1 s'' AS submitted_at, request, run * interval ''1 s'' AS duration, priority, preemptible FROM jobs')$$,
    $$VALUES (2::bigint, 2::bigint, interval '3.5 s', interval '17 s', 0.882352941, 1.000000000, 1::bigint)$$, 'what runs held that gave way was used');
UPDATE jobs SET preemptible = false;
SELECT is(pg_temp.play(:'four'), '1: 0-10 n x 1, 2: 10-14 n x 1', 'who is not preemptible does not give way');
-- an older job of the same priority, which comes late: it was submitted at 0, but 4 CPUs are free only at 5
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run, preemptible) VALUES (1, 0, 'cpu=2', 5, false), (2, 1, 'cpu=4', 5, false), (3, 2, 'cpu=2', 9, true);
SELECT is(pg_temp.play(:'four'), '1: 0-5 n x 1, 2: 11-16 n x 1, 3: 2-11 n x 1', 'an equal priority waits');
SELECT is(pg_temp.play(:'four', preemption => 'lower_or_newer_equal'), '1: 0-5 n x 1, 2: 5-10 n x 1, 3: 10-19 n x 1!', 'or has what was submitted later give way');

-- a gang of four shrinks to its minimum, and goes on
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run, priority, preemptible, replicas, min_replicas) VALUES (1, 0, 'cpu=1', 10, 1, true, 4, 2), (2, 5, 'cpu=2', 1, 2, false, 1, 1);
SELECT is(pg_temp.play(:'four'), '1: 0-10 n x 2, 2: 5-6 n x 1', 'a gang gives up what is beyond its minimum');
-- held: 4 for 5 s, 2 for 5 s, 2 for 1 s, of 4 for 10 s
SELECT is((SELECT utilisation FROM simulate_summary('SELECT ''n'' AS name, ''cpu=4'' AS resources',
        'SELECT job_id, timestamptz ''epoch'' + submit * interval ''1 s'' AS submitted_at, request, run * interval ''1 s'' AS duration, priority, preemptible, replicas, min_replicas FROM jobs')),
    0.800000000, 'which was used until then');

-- a run that gives way finds another place at the same instant
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, request, run, priority, preemptible) VALUES (1, 0, 'cpu=2', 10, 1, true), (2, 1, 'cpu=4', 5, 2, false);
SELECT is(pg_temp.play('SELECT * FROM (VALUES (''large'', ''cpu=4''), (''small'', ''cpu=2'')) AS n(name, resources)'),
    '1: 1-11 small x 1!, 2: 1-6 large x 1', 'another pass follows where jobs wait again');

-- ---- what is lent is taken back: b holds eight, of which four are its own ----
TRUNCATE jobs;
INSERT INTO quotas (name, guaranteed) VALUES ('a', 'cpu=6'), ('b', 'cpu=4');
INSERT INTO jobs (job_id, submit, request, run, sub_pool, preemptible) VALUES (1, 0, 'cpu=4', 20, 'b', true), (2, 0, 'cpu=4', 20, 'b', true), (3, 5, 'cpu=6', 5, 'a', false);
SELECT is(pg_temp.play(:'ten', :'tree'), '1: 0-20 n x 1, 2: 10-30 n x 1!, 3: 5-10 n x 1', 'the run that was started last gives way');
SELECT is(pg_temp.play(:'ten', :'tree', reclaim => 'lower_priority'), '1: 0-20 n x 1, 2: 0-20 n x 1, 3: 20-25 n x 1', 'of lower priority there is none');
SELECT is(pg_temp.play(:'ten', :'tree', reclaim => 'never'), '1: 0-20 n x 1, 2: 0-20 n x 1, 3: 20-25 n x 1', 'or what is lent stays lent');

-- ---- what is refused ----
CREATE FUNCTION pg_temp.refused(quota_query text, node_query text DEFAULT 'SELECT ''n'' AS name, ''cpu=10'' AS resources', job_query text DEFAULT 'SELECT 1 AS job_id, now() AS submitted_at, ''cpu=1'' AS request, interval ''1 s'' AS duration, ''a'' AS sub_pool')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    place text;
    said text;
BEGIN
    PERFORM simulate(node_query, job_query, quota_query => quota_query);
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT, said = PG_EXCEPTION_DETAIL;
    RETURN format('%s %s: %s', SQLSTATE, SQLERRM, said) || coalesce(', ' || substring(place FROM '(?:column "[^"]*" in )?row \d+ of \w+'), '');
END $$;
SELECT is(pg_temp.refused(q), said, said) FROM (VALUES
    ('SELECT ''b'' AS name', '22023 quota_query returns no sub-pool "a": With quotas each job is of a sub-pool that there is., row 1 of job_query'),
    ('SELECT * FROM (VALUES (''a'', NULL), (''b'', ''a'')) AS q(name, parent)', '22023 sub-pool "a" has parts: Sub-pool "b" is one; what is divided takes no jobs and no nodes., row 1 of job_query'),
    ('SELECT ''a'' AS name, ''x'' AS parent', '22023 quota_query returns no sub-pool "x": Sub-pool "a" is said to be a part of it.'),
    ('SELECT * FROM (VALUES (''a'', ''b''), (''b'', ''a'')) AS q(name, parent)', '22023 sub-pool "a" is a part of itself: The parents of sub-pools must lead to one that has none.'),
    ('SELECT ''s'' || n AS name, CASE WHEN n > 1 THEN ''s'' || n - 1 END AS parent FROM generate_series(1, 9) AS n', '54000 sub-pools nest no deeper than 8 levels: Sub-pool "s9" is on level 9.'),
    ('SELECT ''a'' AS name FROM generate_series(1, 2)', '22023 quota_query returns sub-pool "a" twice: Sub-pools are told apart by name, and by tenant where the query has a column of it., row 2 of quota_query'),
    ('SELECT NULL AS name, ''a'' AS parent', '22023 invalid value for argument "parent": What has no name is a part of the pool itself., row 1 of quota_query'),
    ('SELECT n AS name, ''cpu=6'' AS guaranteed FROM unnest(''{a,b}''::text[]) AS n', '22023 sub-pools cannot be guaranteed more than the nodes have: Together they are guaranteed 12 of "cpu"; the nodes have 10.'),
    ('SELECT ''a'' AS name, ''cpu=6'' AS guaranteed, ''cpu=5'' AS upper', '22023 invalid value for argument "upper": It is less than what is guaranteed., row 1 of quota_query'),
    ('SELECT ''a'' AS name, ''cpu=-1'' AS lend_limit', '22023 invalid value for argument "lend_limit": No resource is negative., row 1 of quota_query'),
    ('SELECT ''a'' AS name, NULL AS guaranteed', '22004 column "guaranteed" must not be null: A row without a value would say nothing., row 1 of quota_query'),
    ('SELECT ''a'' AS name, 1 AS weight', '42703 quota_query returns a column "weight" that simulate does not know: No column is left unused.')) AS v(q, said);
SELECT is(pg_temp.refused('SELECT ''a'' AS name', 'SELECT ''n'' AS name, ''cpu=1'' AS resources, ''x'' AS sub_pool'),
    '22023 quota_query returns no sub-pool "x": A node takes the jobs of a sub-pool that there is, or those of all., row 1 of node_query', 'a node of nobody');
SELECT throws_ok($$SELECT simulate('SELECT 1', 'SELECT 1', min_runtime => '-1 s')$$, '22023', 'invalid value for argument "min_runtime"', 'a time that is none');
SELECT * FROM finish();
ROLLBACK;
