-- What a job may ask for: sub-pools, priority and preemption, file systems,
-- tags, retries; who may ask; what a restriction or a quota forbids.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-01 09:00:00+00';
SELECT plan(125);

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'USD', 'UTC');
SELECT create_workspace('acme', 'research');
SELECT create_sku('vm', 'node'), create_sku('cpu.4', 'task');
SELECT create_flavor('vm.4t4', 'cpu=32,memory=128Gi,storage=100Gi,nvidia.com/gpu=4', 'vm', 'nvidia.com/gpu', reserved => 'cpu=2,memory=8Gi'),
       create_flavor('cpu.4', 'cpu=4,memory=16Gi', 'cpu.4', max_replicas => 2), create_flavor('cpu.2', 'cpu=2', 'cpu.4');
SELECT count(set_resource_sku('vm.4t4', unit::resource_list, NULL)) FROM unnest(ARRAY['cpu=1', 'memory=1Gi', 'storage=1Gi', 'nvidia.com/gpu=1']) AS unit;
SELECT create_volume_type('SSD');
SELECT create_network('net', '10.0.0.0/16', 'acme'), create_network('other', '10.1.0.0/16', 'acme');
SELECT create_pool('lab', 'public'), create_pool('own', 'dedicated', 'acme', 'net'), create_pool('parts', 'dedicated', 'acme', 'net'),
       create_pool('empty', 'dedicated', 'acme', 'net');
SELECT add_nodes('lab', 'vm.4t4'), add_nodes('own', 'vm.4t4'), add_nodes('parts', 'vm.4t4', 2);
SELECT attach_file_system('net', 'data'), attach_file_system('net', 'models'), attach_file_system('other', 'far'), attach_file_system('net', 'ill');
UPDATE file_system SET state = 'abnormal' WHERE name = 'ill';

\ir include/made.sql
GRANT SELECT, INSERT ON made TO PUBLIC;
CREATE FUNCTION pg_temp.state(job text) RETURNS text LANGUAGE sql AS $$
    SELECT s.state::text FROM job_status s WHERE s.job_id = pg_temp.id(state.job)
$$;
\ir include/calls.sql
-- submit_job with these arguments is refused
CREATE FUNCTION pg_temp.refused(pool text, arguments text, state text, message text, description text) RETURNS text LANGUAGE sql AS $$
    SELECT throws_ok(format('SELECT submit_job(%L, %L, tenant => %L, %s)', pool, 'x', 'acme', arguments), state, message, description)
$$;

--
-- What only dedicated pools offer
--
SELECT pg_temp.refused('lab', 'request => ''cpu=1'', priority => 2', 'PM003', 'pool "lab" is public and has no priorities', 'priority');
SELECT pg_temp.refused('lab', 'request => ''cpu=1'', preemptible => true', 'PM003', 'pool "lab" is public and preempts no jobs', 'preemption');
SELECT pg_temp.refused('lab', 'request => ''cpu=1'', sub_pool => ''a''', 'PM003', 'pool "lab" is public and is not divided', 'sub-pools');
SELECT pg_temp.refused('lab', 'request => ''cpu=1'', mounts => ''{"/data": "data"}''', 'PM003', 'pool "lab" is public and mounts no file systems', 'file systems');
SELECT pg_temp.refused('lab', 'flavor => ''cpu.4'', replicas => 3', '22023', 'invalid value for argument "replicas"', 'no more replicas than the flavor has in public pools');
SELECT lives_ok($$SELECT submit_job('lab', 'two', flavor => 'cpu.4', replicas => 2, tenant => 'acme')$$, 'two are allowed');
SELECT lives_ok($$SELECT submit_job('own', 'three', flavor => 'cpu.4', replicas => 3)$$, 'three in a dedicated pool');
SELECT lives_ok($$SELECT submit_job('own', 'p3', request => 'cpu=1', priority => 3, preemptible => true)$$, 'and priority and preemption');
SELECT is((SELECT preemptible FROM job WHERE name = 'p3'), true, 'which the job keeps');

--
-- Out of range
--
SELECT pg_temp.refused('own', 'request => ''cpu=1'', max_retries => -1', '22023', 'invalid value for argument "max_retries"', 'fewer than no retries');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', max_retries => 129', '22023', 'invalid value for argument "max_retries"', 'too many retries');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', max_retries => NULL', '22004', 'argument "max_retries" must not be null', 'NULL retries');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', preemptible => NULL', '22004', 'argument "preemptible" must not be null', 'NULL for preemptible');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', tags => NULL', '22004', 'argument "tags" must not be null', 'NULL tags');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', mounts => NULL', '22004', 'argument "mounts" must not be null', 'NULL mounts');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', tags => ''{"a": 1}''', '22023', 'invalid value for argument "tags"', 'a tag that is a number');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', tags => ''{"": "1"}''', '22023', 'invalid value for argument "tags"', 'a tag without a key');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', tags => ''[]''', '22023', 'invalid value for argument "tags"', 'tags that are an array');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', tags => ''{"CCE-x": "1"}''', '22023', 'invalid value for argument "tags"', 'a key of the provider');
SELECT pg_temp.refused('own', format('request => ''cpu=1'', tags => %L', (SELECT jsonb_object_agg('k' || i, 'v') FROM generate_series(1, 21) AS i)), '54000', 'too many tags', '21 tags');
SELECT lives_ok($$SELECT submit_job('own', 'tagged', request => 'cpu=1', tags => '{"team": "vision"}', max_retries => 128)$$, 'tags and retries');
SELECT results_eq($$SELECT tags::jsonb, max_retries::integer FROM job WHERE name = 'tagged'$$, $$VALUES ('{"team": "vision"}'::jsonb, 128)$$, 'are kept');

--
-- What a node holds: its flavor less what that reserves, and data disks
--
SELECT pg_temp.refused('own', 'request => ''cpu=31''', 'PM001', NULL, 'what the flavor reserves is not for jobs');
SELECT lives_ok($$SELECT submit_job('lab', 'thirty', request => 'cpu=30', tenant => 'acme')$$, 'the rest is');
SELECT pg_temp.refused('parts', 'request => ''storage=101Gi''', 'PM001', NULL, 'more storage than a node has');
UPDATE node_group SET disk_count = 2, disk_gib = 50, disk_type = 'SSD' WHERE pool_id = (SELECT pool_id FROM pool WHERE name = 'parts');
SELECT lives_ok($$SELECT submit_job('parts', 'disks', request => 'storage=200Gi')$$, 'data disks count');
SELECT pg_temp.refused('parts', 'request => ''storage=201Gi''', 'PM001', NULL, 'up to their size');
SELECT cancel_job((SELECT job_id FROM job WHERE name = 'disks'));

--
-- Sub-pools
--
SELECT create_sub_pool('parts', 'fixed', 'cpu=16,nvidia.com/gpu=2', 'cpu=16,nvidia.com/gpu=2'),
       create_sub_pool('parts', 'loose', 'cpu=4', 'cpu=16');
SELECT pg_temp.refused('parts', 'request => ''cpu=1''', '22023', 'job "x" must name a sub-pool', 'a divided pool wants one named');
SELECT throws_like($$SELECT submit_job('parts', 'x', request => 'cpu=1', sub_pool => 'none')$$, 'sub-pool "none" does not exist', 'one that there is');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', sub_pool => ''fixed''', '42704', 'sub-pool "fixed" does not exist', 'in this pool');
SELECT throws_ok($$SELECT submit_job(3, 'x', request => 'cpu=1', sub_pool => 999)$$, '42704', 'sub-pool 999 does not exist', 'by id too');
SELECT pg_temp.refused('parts', 'kind => ''notebook'', request => ''cpu=1'', sub_pool => ''loose''', 'PM003', 'sub-pool "loose" does not take notebooks', 'notebooks want equal quotas');
SELECT lives_ok($$SELECT submit_job('parts', 'nb', 'notebook', request => 'cpu=1', sub_pool => 'fixed')$$, 'as this one has');
SELECT pg_temp.refused('parts', 'request => ''cpu=1,nvidia.com/gpu=1'', sub_pool => ''loose''', 'PM001',
    'sub-pool "loose" does not offer "nvidia.com/gpu", which job "x" asks for', 'a resource that is not listed');
SELECT pg_temp.refused('parts', 'request => ''cpu=17'', sub_pool => ''loose''', 'PM001', 'job "x" asks for more than sub-pool "loose" may ever hold', 'more than the quota');
SELECT pg_temp.refused('parts', 'request => ''cpu=6'', replicas => 4, min_replicas => 3, sub_pool => ''loose''', 'PM001', NULL, 'a minimum that is more than the quota');
INSERT INTO made SELECT 'min', submit_job('parts', 'min', request => 'cpu=6', replicas => 4, min_replicas => 2, sub_pool => 'loose');
SELECT is((SELECT replicas FROM job_run WHERE job_id = pg_temp.id('min')), '{2}', 'with a minimum that is not, it starts with what the quota allows');
INSERT INTO made SELECT 'by.id', submit_job(p.pool_id, 'by.id', request => 'cpu=1', sub_pool => s.sub_pool_id)
FROM pool p JOIN sub_pool s USING (pool_id) WHERE p.name = 'parts' AND s.name = 'fixed';
SELECT is((SELECT s.name::text FROM job JOIN sub_pool s USING (pool_id, sub_pool_id) WHERE job_id = pg_temp.id('by.id')), 'fixed', 'by id');
SELECT results_eq($$SELECT count(*) FROM submit_jobs('parts', $q$SELECT 'batch' AS name, 'cpu=1' AS request, s AS sub_pool
    FROM unnest(ARRAY['fixed', 'loose', 'fixed']) AS s$q$)$$, $$VALUES (3::bigint)$$, 'a batch may use several');
SELECT results_eq($$SELECT s.name::text, count(*), count(DISTINCT shape_id) FROM job JOIN sub_pool s USING (pool_id, sub_pool_id) WHERE job.name = 'batch' GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('fixed', 2::bigint, 1::bigint), ('loose', 1, 1)$$, 'each with shapes of its own');

--
-- File systems
--
INSERT INTO made SELECT 'm', submit_job('own', 'm', request => 'cpu=1', mounts => '{"/data": "data", "/mnt/models": "models", "/cache/x": "data"}');
SELECT results_eq($$SELECT m.path, f.name::text, n.name::text FROM job_mount m JOIN file_system f USING (file_system_id)
    JOIN network n ON n.network_id = m.network_id WHERE job_id = pg_temp.id('m') ORDER BY 1$$,
    $$VALUES ('/cache/x', 'data', 'net'), ('/data', 'data', 'net'), ('/mnt/models', 'models', 'net')$$, 'mounts');
SELECT pg_temp.refused('own', format('request => ''cpu=1'', mounts => %L', m), '22023', 'invalid value for argument "mounts"', m)
FROM unnest(ARRAY['{"/": "data"}', '{"/cache": "data"}', '{"data": "data"}', '{"/a/": "data"}', '{"//a": "data"}', '{"/a//b": "data"}',
    '{"/a/./b": "data"}', '{"/a/..": "data"}', '{"/..": "data"}', '{"": "data"}', '{"/a\u0001": "data"}', '{"/a": 1}', '[]', '"/a"']) AS m;
SELECT lives_ok($$SELECT submit_job('own', 'dots', request => 'cpu=1', mounts => '{"/.a/..b/c.": "data"}')$$, 'dots in names are fine');
SELECT pg_temp.refused('own', format('request => ''cpu=1'', mounts => %L', (SELECT jsonb_object_agg('/' || i, 'data') FROM generate_series(1, 9) AS i)),
    '22023', 'invalid value for argument "mounts"', 'nine of them');
SELECT lives_ok($$SELECT submit_job('own', 'eight', request => 'cpu=1', mounts => (SELECT jsonb_object_agg('/' || i, 'data') FROM generate_series(1, 8) AS i))$$, 'eight');
SELECT lives_ok($$SELECT submit_job('own', 'long', request => 'cpu=1', mounts => jsonb_build_object('/' || repeat('x', 1023), 'data', '/' || U&'\+002028' || 'a', 'data'))$$,
    'a long path, and a character that some locales take for a control character');
SELECT pg_temp.refused('own', format('request => ''cpu=1'', mounts => %L', jsonb_build_object('/' || repeat('x', 1024), 'data')), '22023',
    'invalid value for argument "mounts"', 'too long a path');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', mounts => ''{"/a": "nope"}''', '42704', 'file system "nope" does not exist', 'an unknown one');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', mounts => ''{"/a": "far"}''', 'PM003', 'pool "own" does not reach file system "far"', 'one on another network');
SELECT pg_temp.refused('own', 'request => ''cpu=1'', mounts => ''{"/a": "ill"}''', 'PM002', 'file system "ill" is not active', 'one that is not active');

--
-- A batch with all columns
--
SELECT lives_ok($$SELECT count(*) FROM submit_jobs('own', $q$SELECT 'all' || i AS name, 'notebook' AS kind, 'cpu=0.1' AS request, 2 AS priority, true AS preemptible,
    interval '1 hour' AS auto_stop, 3 AS max_retries, '{"/d": "data"}'::jsonb AS mounts, 5 + i AS volume_gib, 'SSD' AS volume_type,
    jsonb_build_object('n', i::text) AS tags FROM generate_series(1, 3) AS i$q$)$$, 'a batch with all columns');
SELECT results_eq($$SELECT j.name::text, j.auto_stop, j.preemptible, j.max_retries::integer, j.tags::jsonb, v.gib, m.path FROM job j JOIN volume v USING (pool_id, job_id)
    JOIN job_mount m USING (pool_id, job_id) WHERE j.name LIKE 'all%' ORDER BY 1$$, $$SELECT 'all' || i, interval '1 hour', true, 3,
    jsonb_build_object('n', i::text), 5 + i, '/d' FROM generate_series(1, 3) AS i$$, 'each job has its own');
SELECT throws_ok($$SELECT submit_jobs('own', $q$SELECT 'x' AS name, 'cpu=1' AS request, NULL::boolean AS preemptible$q$)$$, '22004', NULL, 'NULL in a batch');
SELECT throws_like($$SELECT submit_jobs('own', $q$SELECT 'x' AS name, 'cpu=1' AS request, '{"/a": "nope"}' AS mounts$q$)$$, 'file system "nope" does not exist', 'an unknown file system in a batch');

--
-- The same request again
--
CREATE FUNCTION pg_temp.again(arguments text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE id bigint;
BEGIN
    EXECUTE format('SELECT submit_job(''own'', ''again'', ''notebook'', request => ''cpu=0.1'', request_id => ''r1'', %s)', arguments) INTO id;
    RETURN id;
END $$;
INSERT INTO made SELECT 'again', pg_temp.again($$mounts => '{"/d": "data"}', volume_gib => 5, volume_type => 'SSD', auto_stop => '1 hour', max_retries => 1, tags => '{"a": "b"}'$$);
SELECT is(pg_temp.again($$mounts => '{"/d": "data"}', volume_gib => 5, volume_type => 'SSD', auto_stop => '60 minutes', max_retries => 1, tags => '{"a": "b"}'$$),
    pg_temp.id('again'), 'returns the same job');
SELECT throws_like(format('SELECT pg_temp.again(%L)', a), 'request_id "r1" was used before with other content', a)
FROM unnest(ARRAY[
    $$mounts => '{"/d": "models"}', volume_gib => 5, volume_type => 'SSD', auto_stop => '1 hour', max_retries => 1, tags => '{"a": "b"}'$$,
    $$volume_gib => 5, volume_type => 'SSD', auto_stop => '1 hour', max_retries => 1, tags => '{"a": "b"}'$$,
    $$mounts => '{"/d": "data"}', volume_gib => 6, volume_type => 'SSD', auto_stop => '1 hour', max_retries => 1, tags => '{"a": "b"}'$$,
    $$mounts => '{"/d": "data"}', auto_stop => '1 hour', max_retries => 1, tags => '{"a": "b"}'$$,
    $$mounts => '{"/d": "data"}', volume_gib => 5, volume_type => 'SSD', max_retries => 1, tags => '{"a": "b"}'$$,
    $$mounts => '{"/d": "data"}', volume_gib => 5, volume_type => 'SSD', auto_stop => '1 hour', tags => '{"a": "b"}'$$,
    $$mounts => '{"/d": "data"}', volume_gib => 5, volume_type => 'SSD', auto_stop => '1 hour', max_retries => 1$$,
    $$mounts => '{"/d": "data"}', volume_gib => 5, volume_type => 'SSD', auto_stop => '1 hour', max_retries => 1, tags => '{"a": "b"}', preemptible => true$$,
    $$mounts => '{"/d": "data"}', volume_gib => 5, volume_type => 'SSD', auto_stop => '1 hour', max_retries => 1, tags => '{"a": "b"}', sub_pool => 'x'$$]) AS a;
SELECT is((SELECT count(*) FROM volume WHERE job_id = pg_temp.id('again')), 1::bigint, 'it has one volume');
INSERT INTO made SELECT 'sub', submit_job('parts', 'sub', request => 'cpu=1', sub_pool => 'fixed', request_id => 'r2');
SELECT is(submit_job('parts', 'sub', request => 'cpu=1', sub_pool => 'fixed', request_id => 'r2'), pg_temp.id('sub'), 'by the name of its sub-pool');
SELECT is(submit_job((SELECT pool_id FROM pool WHERE name = 'parts'), 'sub', request => 'cpu=1',
    sub_pool => (SELECT sub_pool_id FROM sub_pool WHERE name = 'fixed'), request_id => 'r2'), pg_temp.id('sub'), 'by its id');
SELECT throws_ok($$SELECT submit_job('parts', 'sub', request => 'cpu=1', sub_pool => 'loose', request_id => 'r2')$$, 'PM004', NULL, 'not in another');

--
-- Priority
--
INSERT INTO made SELECT 'big', submit_job('own', 'big', request => 'nvidia.com/gpu=4');
INSERT INTO made SELECT n, submit_job('own', n, request => 'nvidia.com/gpu=4') FROM unnest(ARRAY['q1', 'q2', 'q3']) AS n;
SELECT set_priority(pg_temp.id('q3'), 3);
SELECT hold_job(pg_temp.id('q2'));
SELECT set_priority(pg_temp.id('q2'), 2);
SELECT release_job(pg_temp.id('q2'));
SELECT results_eq($$SELECT m.name FROM queue_order((SELECT pool_id FROM pool WHERE name = 'own')) o JOIN made m USING (job_id) ORDER BY o."position"$$,
    $$VALUES ('q3'), ('q2'), ('q1')$$, 'the queue is in the new order');
SELECT results_eq($$SELECT j.priority::integer, q.priority::integer FROM job j JOIN job_queue q USING (pool_id, job_id) WHERE job_id = pg_temp.id('q3')$$,
    $$VALUES (3, 3)$$, 'the job has it, for its next run too');
SELECT set_priority(pg_temp.id('q3'), 3);
SELECT results_eq($$SELECT m.name, e.reason FROM event e JOIN made m USING (job_id) WHERE kind = 'job_changed' ORDER BY event_id$$,
    $$VALUES ('q3', 'priority 1 -> 3'), ('q2', 'priority 1 -> 2')$$, 'with an event each');
-- repeated, a call is the same call though the priority was changed since
INSERT INTO made SELECT 'changed', submit_job('own', 'changed', request => 'nvidia.com/gpu=4', request_id => 'r3');
SELECT set_priority(pg_temp.id('changed'), 3), set_priority(pg_temp.id('changed'), 2);
SELECT is(submit_job('own', 'changed', request => 'nvidia.com/gpu=4', request_id => 'r3'), pg_temp.id('changed'), 'the priority that was asked for');
SELECT throws_ok($$SELECT submit_job('own', 'changed', request => 'nvidia.com/gpu=4', priority => 2, request_id => 'r3')$$, 'PM004', NULL, 'not that of now');
SELECT cancel_job(pg_temp.id('changed'));
SELECT throws_ok($$SELECT set_priority(pg_temp.id('big'), 2)$$, 'PM002', format('job %s is not waiting in the queue', pg_temp.id('big')), 'not of a running one');
SELECT throws_ok($$SELECT set_priority(pg_temp.id('q1'), 4)$$, '22023', 'invalid value for argument "priority"', 'no fourth');
SELECT throws_ok($$SELECT set_priority(pg_temp.id('q1'), NULL)$$, '22004', 'argument "priority" must not be null', 'NULL');
SELECT throws_ok($$SELECT set_priority((SELECT job_id FROM job WHERE name = 'thirty'), 2)$$, 'PM003', NULL, 'not in a public pool');
SELECT throws_ok($$SELECT set_priority(999, 2)$$, '42704', NULL, 'no such job');

--
-- Back into the queue
--
SELECT requeue_job(pg_temp.id('big'));
SELECT results_eq($$SELECT state::text, restarted, start_type::text, requeued_at FROM job_queue WHERE job_id = pg_temp.id('big')$$,
    $$VALUES ('queued', true, 'restarted', timestamptz '2026-03-01 09:00+00')$$, 'it queues to be restarted');
SELECT results_eq($$SELECT state::text, end_reason FROM job_run WHERE job_id = pg_temp.id('big')$$, $$VALUES ('stopped', 'requeued')$$, 'its run has ended');
SELECT throws_ok($$SELECT requeue_job(pg_temp.id('big'))$$, 'PM002', format('job %s is not running', pg_temp.id('big')), 'once');
SELECT cancel_job(pg_temp.id('q3')), cancel_job(pg_temp.id('q2'));
SELECT results_eq($$SELECT s.job_id FROM schedule('own') s$$, $$SELECT pg_temp.id('big')$$, 'first of its priority');
SELECT is((SELECT start_type FROM job_run WHERE job_id = pg_temp.id('big') ORDER BY run_id DESC LIMIT 1), 'restarted', 'its second run is a restart');
SELECT cancel_job(pg_temp.id('big')), cancel_job(pg_temp.id('q1'));

--
-- Frozen tenants, restricted pools, quotas
--
UPDATE tenant SET state = 'frozen' WHERE name = 'acme';
SELECT pg_temp.refused('own', format('kind => %L, request => ''cpu=1''', k), 'PM005', NULL, k || ' of a frozen tenant')
FROM unnest(enum_range(NULL::job_kind)) AS k;
SELECT is(pg_temp.again($$mounts => '{"/d": "data"}', volume_gib => 5, volume_type => 'SSD', auto_stop => '60 minutes', max_retries => 1, tags => '{"a": "b"}'$$),
    pg_temp.id('again'), 'what was submitted before is still told');
SELECT lives_ok($$SELECT submit_job('lab', 'b', flavor => 'cpu.2', tenant => 'beta')$$, 'others go on');
UPDATE tenant SET state = 'grace' WHERE name = 'acme';
SELECT lives_ok($$SELECT submit_job('own', 'grace', request => 'cpu=0.1')$$, 'in grace all goes on');
UPDATE tenant SET state = 'active' WHERE name = 'acme';
SELECT restrict_pool('own', '{service}');
SELECT pg_temp.refused('own', 'request => ''cpu=0.1''', 'PM002', 'pool "own" takes no new jobs', 'a pool without new jobs');
SELECT restrict_pool('own', '{frozen}');
SELECT pg_temp.refused('own', 'request => ''cpu=0.1''', 'PM002', 'pool "own" takes no new jobs', 'a frozen pool');
SELECT restrict_pool('own', '{flavor_change}');
SELECT lives_ok($$SELECT submit_job('own', 'free', request => 'cpu=0.1')$$, 'other restrictions are not for jobs');
SELECT set_quota('acme', 'notebooks', 6);
SELECT lives_ok($$SELECT submit_job('own', 'nb', 'notebook', request => 'cpu=0.1')$$, 'the sixth notebook');
SELECT pg_temp.refused('own', 'kind => ''notebook'', request => ''cpu=0.1''', 'PM007', NULL, 'the seventh');
SELECT lives_ok($$SELECT submit_job('own', 'tr', request => 'cpu=0.1')$$, 'other kinds are not counted');
SELECT set_quota('acme', 'services', 3), set_quota('acme', 'services', 1, 'research');
SELECT throws_ok($$SELECT submit_jobs('own', $q$SELECT 's' AS name, 'inference' AS kind, 'cpu=0.1' AS request FROM generate_series(1, 4)$q$)$$, 'PM007', NULL, 'a batch counts as a whole');
SELECT throws_ok($$SELECT submit_jobs('own', $q$SELECT 's' AS name, 'inference' AS kind, 'cpu=0.1' AS request, 'research' AS workspace FROM generate_series(1, 2)$q$)$$, 'PM007', NULL, 'by workspace');
SELECT throws_ok($$SELECT submit_jobs('own', $q$SELECT 's' AS name, 'inference' AS kind, 'cpu=0.1' AS request, CASE WHEN i < 4 THEN 'default' ELSE 'research' END AS workspace
    FROM generate_series(1, 4) AS i$q$)$$, 'PM007', NULL, 'and over all of them');
SELECT lives_ok($$SELECT submit_jobs('own', $q$SELECT 's' AS name, 'inference' AS kind, 'cpu=0.1' AS request, CASE WHEN i < 3 THEN 'default' ELSE 'research' END AS workspace
    FROM generate_series(1, 3) AS i$q$)$$, 'three are allowed');

--
-- Rights
--
CREATE ROLE jobs_all; CREATE ROLE jobs_own; CREATE ROLE jobs_low; CREATE ROLE jobs_both; CREATE ROLE jobs_viewer;
GRANT jobs_own, jobs_low TO jobs_both;
SELECT grant_tenant('acme', 'jobs_all'), grant_tenant('acme', 'jobs_own', public_pools => false),
       grant_tenant('acme', 'jobs_low', high_priority => false), grant_tenant('acme', 'jobs_viewer', 'viewer');
GRANT jobs_viewer TO jobs_own;
SET LOCAL ROLE jobs_all;
SELECT lives_ok($$SELECT submit_job('lab', 'r', request => 'cpu=1', tenant => 'acme')$$, 'all rights: public pools');
SELECT lives_ok($$SELECT submit_job('own', 'r', request => 'cpu=0.1', priority => 3)$$, 'all rights: priority 3');
SET LOCAL ROLE jobs_own;
SELECT throws_ok($$SELECT submit_job('lab', 'r', request => 'cpu=1', tenant => 'acme')$$, '42501', 'role "jobs_own" may not submit jobs to public pools', 'no public pools, whatever a viewer may');
SELECT lives_ok($$SELECT submit_job('own', 'r', request => 'cpu=0.1', priority => 3)$$, 'but priority 3');
SET LOCAL ROLE jobs_low;
SELECT throws_ok($$SELECT submit_job('own', 'r', request => 'cpu=0.1', priority => 3)$$, '42501', 'role "jobs_low" may not give jobs priority 3', 'no priority 3');
SELECT lives_ok($$SELECT submit_job('own', 'low', request => 'cpu=29.9', priority => 2)$$, 'but priority 2');
SELECT throws_ok($$SELECT set_priority((SELECT job_id FROM job WHERE name = 'low'), 3)$$, '42501', 'role "jobs_low" may not give jobs priority 3', 'nor later');
SET LOCAL ROLE jobs_both;
SELECT lives_ok($$SELECT submit_job('lab', 'r', request => 'cpu=1', tenant => 'acme')$$, 'a role has the rights of all its memberships: public pools');
SELECT lives_ok($$SELECT set_priority((SELECT job_id FROM job WHERE name = 'low'), 3)$$, 'and priority 3');
SELECT throws_ok($$SELECT requeue_job((SELECT job_id FROM job WHERE name = 'two'))$$, '42501', NULL, 'jobs of a public pool are requeued by operators');
SET LOCAL ROLE jobs_viewer;
SELECT throws_ok($$SELECT stop_job((SELECT job_id FROM job WHERE name = 'nb' LIMIT 1))$$, '42501', NULL, 'viewers stop nothing');
SELECT throws_ok($$SELECT scale_job((SELECT job_id FROM job WHERE name = 's' LIMIT 1), 1)$$, '42501', NULL, 'nor scale');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
