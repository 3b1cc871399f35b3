-- Notebooks: stop and start again, volumes that stay, auto_stop; what of it is
-- billed. The amounts are worked out in the comments.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET LOCAL intervalstyle TO postgres;
SET pool_manager.clock = '2026-03-01 10:00:00+00';
SELECT plan(83);

SELECT create_tenant('acme', 'USD', 'UTC');
SELECT create_sku('nb.t4', 'notebook'), create_sku('evs.ssd', 'GiB'), create_sku('vm.4t4', 'node');
SELECT set_price('nb.t4', '1.20', '2026-01-01', currency => 'USD'), set_price('evs.ssd', '0.0014', '2026-01-01', currency => 'USD'),
       set_price('vm.4t4', '3', '2026-01-01', currency => 'USD');
SELECT create_flavor('vm.4t4', 'cpu=32,memory=128Gi,nvidia.com/gpu=4', 'vm.4t4', 'nvidia.com/gpu'),
       create_flavor('nb.t4', 'cpu=8,memory=32Gi,nvidia.com/gpu=1', 'nb.t4', 'nvidia.com/gpu');
SELECT count(set_resource_sku('vm.4t4', unit::resource_list, NULL)) FROM unnest(ARRAY['cpu=1', 'memory=1Gi', 'nvidia.com/gpu=1']) AS unit;
SELECT create_volume_type('SSD', 'evs.ssd'), create_volume_type('free', least_gib => 1, most_gib => 50);
SELECT create_network('net', '10.0.0.0/16', 'acme');
SELECT create_pool('lab', 'public'), create_pool('own', 'dedicated', 'acme', 'net'),
       create_pool('agents', 'public', launch => 'agent', stop_timeout => '5 minutes');
SELECT add_nodes('lab', 'vm.4t4'), add_nodes('own', 'vm.4t4'), add_nodes('agents', 'vm.4t4');

\ir include/made.sql
CREATE FUNCTION pg_temp.state(job text) RETURNS job_state LANGUAGE sql AS $$
    SELECT s.state FROM job_status s WHERE s.job_id = pg_temp.id(state.job)
$$;
\ir include/calls.sql

--
-- A notebook with a volume, over stop, start, stop, in a public pool
--
INSERT INTO made SELECT 'n1', submit_job('lab', 'n1', 'notebook', 'nb.t4', tenant => 'acme', volume_gib => 45, volume_type => 'SSD');
SELECT is(pg_temp.state('n1'), 'queued', 'in a public pool it queues');
SELECT results_eq($$SELECT v.volume_type, v.gib, v.created_at, v.deleted_at FROM volume v WHERE job_id = pg_temp.id('n1')$$,
    $$VALUES ('SSD', 45, timestamptz '2026-03-01 10:00+00', NULL::timestamptz)$$, 'it has its volume from submission on');
SELECT results_eq($$SELECT s.name::text, h.quantity, h.since, h.run_id FROM holding h JOIN sku s USING (sku_id) WHERE job_id = pg_temp.id('n1')$$,
    $$VALUES ('evs.ssd', 45000::bigint, timestamptz '2026-03-01 10:00+00', NULL::bigint)$$, 'the volume is held, compute is not');
SELECT pg_temp.at('2026-03-01 10:05:00');
SELECT results_eq($$SELECT s.job_id, s.state::text FROM schedule('lab') s$$, $$SELECT pg_temp.id('n1'), 'running'$$, 'a pass starts it');
SELECT pg_temp.at('2026-03-01 12:05:00');
SELECT is(stop_job(pg_temp.id('n1')), 'stopped', 'stopped');
SELECT is(pg_temp.state('n1'), 'stopped', 'it rests');
SELECT results_eq($$SELECT r.state::text, r.start_type::text, r.ended_at, j.end_state::text FROM job_run r JOIN job j USING (pool_id, job_id)
    WHERE job_id = pg_temp.id('n1')$$,
    $$VALUES ('stopped', 'initial', timestamptz '2026-03-01 12:05+00', NULL)$$, 'its run has ended, the job has not');
SELECT results_eq($$SELECT s.name::text FROM holding h JOIN sku s USING (sku_id) WHERE job_id = pg_temp.id('n1')$$,
    $$VALUES ('evs.ssd')$$, 'it holds its volume, no compute');
SELECT throws_ok($$DELETE FROM holding WHERE job_id = pg_temp.id('n1')$$, 'PM006', format('table holding would contradict job %s: the volume is still there', pg_temp.id('n1')), 'nor is that forgotten by hand');
SELECT is_empty($$SELECT FROM node_load l JOIN pool USING (pool_id) WHERE name = 'lab' AND allocated <> ''$$, 'the node is free');
SELECT is_empty($$SELECT FROM schedule('lab')$$, 'no pass starts what rests');
SELECT is_empty($$SELECT FROM queue_order(1) WHERE job_id = pg_temp.id('n1')$$, 'it has no place in the queue');
SELECT throws_like($$SELECT stop_job(pg_temp.id('n1'))$$, '%is not waiting or running', 'not stopped twice');
SELECT throws_like($$SELECT hold_job(pg_temp.id('n1'))$$, '%is not queued', 'nor held');
SELECT throws_like($$SELECT finish_job(pg_temp.id('n1'))$$, '%is not running', 'nor finished');

SELECT pg_temp.at('2026-03-01 20:00:00');
SELECT is(resume_job(pg_temp.id('n1')), 'queued', 'in a public pool it queues again');
SELECT results_eq($$SELECT submitted_at, start_type::text, restarted FROM job_queue WHERE job_id = pg_temp.id('n1')$$,
    $$VALUES (timestamptz '2026-03-01 10:00+00', 'resumed', false)$$, 'at the place its submission gives it');
SELECT throws_like($$SELECT resume_job(pg_temp.id('n1'))$$, '%is not stopped', 'not resumed twice');
SELECT pg_temp.at('2026-03-01 20:10:00');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.state('n1'), 'running', 'it runs again');
SELECT pg_temp.at('2026-03-01 22:10:00');
SELECT stop_job(pg_temp.id('n1'));
SELECT results_eq($$SELECT start_type::text, started_at FROM job_run WHERE job_id = pg_temp.id('n1') ORDER BY run_id$$,
    $$VALUES ('initial', timestamptz '2026-03-01 10:05+00'), ('resumed', '2026-03-01 20:10+00')$$, 'two runs');
SELECT pg_temp.at('2026-03-02 10:00:00');
SELECT is(cancel_job(pg_temp.id('n1')), 'cancelled', 'a stopped one can be ended');
SELECT is_empty($$SELECT FROM holding WHERE job_id = pg_temp.id('n1')$$, 'then it holds nothing');
SELECT results_eq($$SELECT deleted_at FROM volume WHERE job_id = pg_temp.id('n1')$$, $$VALUES (timestamptz '2026-03-02 10:00+00')$$,
    'its volume is gone');
-- 45 GiB for 24 hours at 0.0014: 1.512; 2 hours twice at 1.20: 4.80
SELECT results_eq($$SELECT sku, sum(quantity), sum(amount) FROM charges('acme', '2026-03-01', '2026-03-03') WHERE sku <> 'vm.4t4' GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('evs.ssd', 1080.0, 1.512), ('nb.t4', 4.0, 4.80)$$, 'compute while it ran, the volume all the time');
SELECT results_eq($$SELECT from_state, to_state FROM event WHERE job_id = pg_temp.id('n1') ORDER BY event_id$$, $$VALUES
    (NULL, 'queued'), ('queued', 'running'), ('running', 'stopped'), ('stopped', 'queued'), ('queued', 'running'),
    ('running', 'stopped'), ('stopped', 'cancelled')$$, 'each change of state is an event');

--
-- A volume of a free type, and of a notebook that ends while it runs or waits
--
INSERT INTO made SELECT n, submit_job('lab', n, 'notebook', 'nb.t4', tenant => 'acme', volume_gib => 50, volume_type => t)
FROM (VALUES ('free', 'free'), ('ends', 'SSD'), ('waits', 'SSD')) AS v(n, t);
SELECT is((SELECT count(*) FROM holding WHERE job_id = pg_temp.id('free')), 0::bigint, 'a volume without a SKU is free');
SELECT hold_job(pg_temp.id('waits'));
SELECT count(*) FROM schedule('lab');
SELECT pg_temp.at('2026-03-02 12:00:00');
SELECT finish_job(pg_temp.id('ends'), 'failed'), cancel_job(pg_temp.id('waits')), cancel_job(pg_temp.id('free'));
SELECT is((SELECT count(*) FROM volume WHERE deleted_at = '2026-03-02 12:00+00'), 3::bigint, 'volumes go with their notebooks');
-- 50 GiB for 2 hours at 0.0014 is 0.14, twice; two notebooks of 2 hours at 1.20 is 4.80
SELECT results_eq($$SELECT sku, sum(amount) FROM charges('acme', '2026-03-02 10:00', '2026-03-03') WHERE sku <> 'vm.4t4' GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('evs.ssd', 0.28), ('nb.t4', 4.80)$$, 'and are billed until then');

--
-- auto_stop
--
INSERT INTO made SELECT 'auto', submit_job('lab', 'auto', 'notebook', 'nb.t4', tenant => 'acme', auto_stop => '1 hour', time_limit => '2 hours');
INSERT INTO made SELECT 'limit', submit_job('lab', 'limit', 'notebook', 'nb.t4', tenant => 'acme', auto_stop => '1 hour', time_limit => '30 minutes');
INSERT INTO made SELECT 'auto.service', submit_job('lab', 'auto.service', 'inference', 'nb.t4', tenant => 'acme', auto_stop => '1 hour');
SELECT count(*) FROM schedule('lab');
SELECT pg_temp.at('2026-03-02 12:59:59');
SELECT results_eq($$SELECT job_id, state::text FROM schedule('lab')$$, $$SELECT pg_temp.id('limit'), 'timed_out'$$,
    'the time limit ends it where it is shorter');
SELECT pg_temp.at('2026-03-02 13:00:00');
SELECT results_eq($$SELECT job_id, state::text FROM schedule('lab') ORDER BY 1$$,
    $$VALUES (pg_temp.id('auto'), 'stopped'), (pg_temp.id('auto.service'), 'stopped')$$, 'auto_stop brings it to rest');
SELECT is(pg_temp.state('auto'), 'stopped', 'stopped, not ended');
SELECT resume_job(pg_temp.id('auto'));
SELECT count(*) FROM schedule('lab');
SELECT results_eq($$SELECT state::text, deadline FROM job_run WHERE job_id = pg_temp.id('auto') ORDER BY run_id DESC LIMIT 1$$,
    $$VALUES ('running', timestamptz '2026-03-02 14:00+00')$$, 'the next run has its hour again');
SELECT cancel_job(pg_temp.id('auto'));
SELECT is(cancel_job(pg_temp.id('auto.service')), 'cancelled', 'a resting service can be cancelled');

--
-- What waits comes to rest too
--
INSERT INTO made SELECT n, submit_job('lab', n, 'notebook', 'nb.t4', tenant => 'acme') FROM unnest(ARRAY['q', 'h']) AS n;
SELECT hold_job(pg_temp.id('h'));
SELECT is(stop_job(pg_temp.id('q')), 'stopped', 'a queued one');
SELECT is(stop_job(pg_temp.id('h')), 'stopped', 'a held one');
SELECT resume_job(pg_temp.id('q'));
SELECT is((SELECT start_type FROM job_queue WHERE job_id = pg_temp.id('q')), 'initial', 'that never ran begins as if it were new');
SELECT cancel_job(pg_temp.id('q')), cancel_job(pg_temp.id('h'));

--
-- Dedicated: at once
--
INSERT INTO made SELECT 'd', submit_job('own', 'd', 'notebook', 'nb.t4');
SELECT is(pg_temp.state('d'), 'running', 'placed at once');
SELECT stop_job(pg_temp.id('d'));
SELECT is(resume_job(pg_temp.id('d')), 'running', 'and when it is resumed');
SELECT stop_job(pg_temp.id('d'));
INSERT INTO made SELECT 'full', submit_job('own', 'full', request => 'nvidia.com/gpu=4');
SELECT is(resume_job(pg_temp.id('d')), 'queued', 'unless there is no room');
SELECT is(pg_temp.state('d'), 'queued', 'then it queues');
SELECT cancel_job(pg_temp.id('full'));
SELECT is(pg_temp.state('d'), 'queued', 'until a pass');
SELECT count(*) FROM schedule('own');
SELECT is(pg_temp.state('d'), 'running', 'starts it');
SELECT is_empty($$SELECT FROM holding h WHERE job_id = pg_temp.id('d')$$, 'no compute is billed in a dedicated pool');
-- a volume is, wherever
INSERT INTO made SELECT 'dv', submit_job('own', 'dv', 'notebook', 'nb.t4', volume_gib => 5, volume_type => 'SSD');
SELECT results_eq($$SELECT quantity, run_id FROM holding h WHERE job_id = pg_temp.id('dv')$$, $$VALUES (5000::bigint, NULL::bigint)$$,
    'but a volume');

--
-- Agents have a say
--
INSERT INTO made SELECT 'a', submit_job('agents', 'a', 'notebook', 'nb.t4', tenant => 'acme');
SELECT count(*) FROM schedule('agents');
SELECT is(stop_job(pg_temp.id('a')), 'stopping', 'a starting one is told to stop');
SELECT throws_like($$SELECT stop_job(pg_temp.id('a'))$$, '%is not waiting or running', 'once');
SELECT throws_like($$SELECT cancel_job(pg_temp.id('a'))$$, '%is not waiting or running', 'and not cancelled meanwhile');
SELECT is(finish_job(pg_temp.id('a')), 'stopped', 'finish_job says where it rests');
SELECT is(pg_temp.state('a'), 'stopped', 'it rests');
SELECT is(resume_job(pg_temp.id('a')), 'queued', 'and is resumed');
SELECT count(*) FROM schedule('agents');
SELECT start_job(pg_temp.id('a'));
SELECT is(stop_job(pg_temp.id('a')), 'stopping', 'a running one is told to stop');
SELECT ok((SELECT count(*) = 1 FROM holding WHERE job_id = pg_temp.id('a')), 'what it holds is billed until it has stopped');
SELECT pg_temp.at('2026-03-02 13:05:00');
SELECT results_eq($$SELECT job_id, state::text FROM schedule('agents')$$, $$SELECT pg_temp.id('a'), 'stopped'$$,
    'without an answer, when the stop timeout is over');

INSERT INTO made SELECT 'slow', submit_job('agents', 'slow', 'notebook', 'nb.t4', tenant => 'acme', auto_stop => '1 hour', volume_gib => 5, volume_type => 'SSD');
SELECT count(*) FROM schedule('agents');
SELECT pg_temp.at('2026-03-02 14:05:00');
SELECT count(*) FROM schedule('agents');
SELECT is(finish_job(pg_temp.id('slow')), 'stopped', 'auto_stop brings to rest what its agent has not started');
SELECT ok((SELECT deleted_at IS NULL FROM volume WHERE job_id = pg_temp.id('slow')), 'and it keeps its volume');

--
-- The end of a notebook is not before what its volume is metered
--
SELECT pg_temp.at('2026-03-02 15:00:00');
INSERT INTO made SELECT 'ahead', submit_job('lab', 'ahead', 'notebook', 'nb.t4', tenant => 'acme', volume_gib => 5, volume_type => 'SSD');
SELECT count(*) FROM schedule('lab');
WITH h AS (
    UPDATE holding SET metered_until = '2026-03-02 16:00:00+00', slice_no = 1 WHERE job_id = pg_temp.id('ahead') AND volume_id IS NOT NULL
    RETURNING *),
u AS (
    INSERT INTO usage (tenant_id, usage_id, sku_id, quantity, started_at, ended_at, workspace_id, pool_id, job_id, volume_id, holding_id, slice_no)
    SELECT tenant_id, nextval('usage_id_seq'), sku_id, quantity, since, metered_until, workspace_id, pool_id, job_id, volume_id, holding_id, 1 FROM h
    RETURNING tenant_id, usage_id)
INSERT INTO unrated SELECT * FROM u;
SELECT pg_temp.at('2026-03-02 15:30:00');
SELECT finish_job(pg_temp.id('ahead'));
SELECT results_eq($$SELECT j.ended_at, v.deleted_at, (SELECT max(u.ended_at) FROM usage u WHERE u.job_id = j.job_id)
    FROM job j JOIN volume v USING (pool_id, job_id) WHERE j.job_id = pg_temp.id('ahead')$$,
    $$VALUES (timestamptz '2026-03-02 16:00+00', timestamptz '2026-03-02 16:00+00', timestamptz '2026-03-02 16:00+00')$$, 'all end at once');

-- who is held is not restarted too late
SELECT pg_temp.at('2026-03-02 17:00:00');
INSERT INTO made SELECT 'late', submit_job('lab', 'late', flavor => 'nb.t4', tenant => 'acme', max_retries => 1);
SELECT count(*) FROM schedule('lab');
SELECT requeue_job(pg_temp.id('late'));
SELECT hold_job(pg_temp.id('late'));
SELECT pg_temp.at('2026-03-02 19:00:00');
SELECT release_job(pg_temp.id('late'));
SELECT results_eq($$SELECT job_id, state::text FROM schedule('lab')$$, $$SELECT pg_temp.id('late'), 'running'$$,
    'the time to find resources begins anew when it is released');
SELECT finish_job(pg_temp.id('late'));

--
-- Refused
--
INSERT INTO made SELECT 't', submit_job('own', 't', request => 'cpu=1');
SELECT throws_ok($$SELECT stop_job(pg_temp.id('t'))$$, 'PM003', format('job %s is a training job and cannot be stopped', pg_temp.id('t')), 'training does not rest');
SELECT throws_ok($$SELECT resume_job(pg_temp.id('t'))$$, 'PM003', NULL, 'nor is it resumed');
SELECT throws_ok($$SELECT stop_job(999)$$, '42704', 'job 999 does not exist', 'no such job');
SELECT throws_ok($$SELECT stop_job(NULL)$$, '22004', NULL, 'NULL');
SELECT throws_ok($$SELECT resume_job(pg_temp.id('d'))$$, 'PM002', NULL, 'a running one is not resumed');
SELECT throws_ok($$SELECT stop_job(pg_temp.id('n1'))$$, 'PM002', format('job %s is not waiting or running', pg_temp.id('n1')), 'nor an ended one stopped');
SELECT throws_ok($$SELECT submit_job('own', 'x', auto_stop => '1 hour', request => 'cpu=1')$$, '22023', 'invalid value for argument "auto_stop"', 'auto_stop of training');
SELECT throws_ok($$SELECT submit_job('own', 'x', 'notebook', auto_stop => '0', request => 'cpu=1')$$, '22023', 'invalid value for argument "auto_stop"', 'auto_stop of no time');
SELECT throws_ok($$SELECT submit_job('own', 'x', request => 'cpu=1', volume_gib => 5, volume_type => 'SSD')$$, '22023', NULL, 'a volume of training');
SELECT throws_ok($$SELECT submit_job('own', 'x', 'notebook', request => 'cpu=1', volume_gib => 5)$$, '22023', NULL, 'a volume of no type');
SELECT throws_ok($$SELECT submit_job('own', 'x', 'notebook', request => 'cpu=1', volume_type => 'SSD')$$, '22023', NULL, 'a volume of no size');
SELECT throws_ok($$SELECT submit_job('own', 'x', 'notebook', request => 'cpu=1', volume_gib => 4, volume_type => 'SSD')$$, '22023', NULL, 'too small a volume');
SELECT throws_ok($$SELECT submit_job('own', 'x', 'notebook', request => 'cpu=1', volume_gib => 4097, volume_type => 'SSD')$$, '22023', NULL, 'too large a volume');
SELECT throws_ok($$SELECT submit_job('own', 'x', 'notebook', request => 'cpu=1', volume_gib => -1, volume_type => 'SSD')$$, '22023', NULL, 'less than no volume');
SELECT throws_ok($$SELECT submit_job('own', 'x', 'notebook', request => 'cpu=1', volume_gib => 5, volume_type => 'tape')$$, '42704', 'volume type "tape" does not exist', 'an unknown type');
SELECT stop_job(pg_temp.id('d'));
UPDATE tenant SET state = 'frozen' WHERE name = 'acme';
SELECT throws_ok($$SELECT resume_job(pg_temp.id('d'))$$, 'PM005', NULL, 'a frozen tenant starts nothing');
SELECT is(pg_temp.state('d'), 'stopped', 'and what rests goes on resting');
UPDATE tenant SET state = 'active' WHERE name = 'acme';
UPDATE pool SET restrictions = '{service}' WHERE name = 'own';
SELECT is(resume_job(pg_temp.id('d')), 'running', 'a pool without new jobs starts old ones again');
SELECT stop_job(pg_temp.id('d'));
UPDATE pool SET restrictions = '{frozen}' WHERE name = 'own';
SELECT throws_ok($$SELECT resume_job(pg_temp.id('d'))$$, 'PM002', 'pool "own" takes no new jobs', 'a frozen one does not');
UPDATE pool_job_type SET state = 'disabling' WHERE kind = 'notebook' AND pool_id = (SELECT pool_id FROM pool WHERE name = 'own');
UPDATE pool SET restrictions = '{}' WHERE name = 'own';
SELECT throws_ok($$SELECT resume_job(pg_temp.id('d'))$$, 'PM003', 'pool "own" does not take notebook jobs', 'nor one that takes no notebooks any more');

--
-- Of a frozen tenant: what can rest is stopped and keeps its volume
--
INSERT INTO made SELECT p || n, submit_job(p, p || n, CASE n WHEN 't' THEN 'training' WHEN 's' THEN 'inference' ELSE 'notebook' END::job_kind, 'nb.t4', tenant => 'acme',
    volume_gib => CASE n WHEN 'n' THEN 10 END, volume_type => CASE n WHEN 'n' THEN 'SSD' END)
FROM unnest('{lab,agents}'::text[]) AS p, unnest('{n,s,t}'::text[]) AS n WHERE p = 'lab' OR n = 'n';
SELECT count(*) FROM schedule('lab');
SELECT count(*) FROM schedule('agents');
SELECT start_job(pg_temp.id('agentsn'));
SELECT is((SELECT string_agg(pg_temp.state(n)::text, ' ') FROM unnest('{labn,labs,labt,agentsn}'::text[]) AS n), 'running running running running', 'all run');
SELECT set_tenant_state('acme', 'frozen');
SELECT is((SELECT string_agg(pg_temp.state(n)::text, ' ') FROM unnest('{labn,labs,labt,agentsn}'::text[]) AS n), 'stopped stopped cancelled stopping', 'what can rest is stopped');
SELECT finish_job(pg_temp.id('agentsn'));
SELECT is(pg_temp.state('agentsn'), 'stopped', 'an agent ends its notebook');
SELECT is((SELECT string_agg(j.name || ' ' || h.quantity, ', ' ORDER BY j.name) FROM holding h JOIN job j USING (pool_id, job_id) WHERE j.name IN ('labn', 'labs', 'labt', 'agentsn')),
    'agentsn 10000, labn 10000', 'volumes are billed on, compute is not');
SELECT throws_ok($$SELECT resume_job(pg_temp.id('labn'))$$, 'PM005', NULL, 'nothing starts');
SELECT set_tenant_state('acme', 'active');
SELECT lives_ok($$SELECT resume_job(pg_temp.id('labn'))$$, 'it goes on when the tenant is active');

SELECT * FROM finish();
ROLLBACK;
