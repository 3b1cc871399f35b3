-- Services: replicas scaled while they run, and what is billed for them. The
-- amounts are worked out in the comments.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-01 09:00:00+00';
SELECT plan(65);

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'USD', 'UTC');
SELECT create_sku('svc', 'replica'), create_sku('gpu', 'GPU'), create_sku('cpu', 'core'), create_sku('vm', 'node');
SELECT set_price('svc', '0.50', '2026-01-01', currency => 'USD'), set_price('gpu', '2', '2026-01-01', currency => 'USD'),
       set_price('cpu', '0.10', '2026-01-01', currency => 'USD'), set_price('vm', '3', '2026-01-01', currency => 'USD');
SELECT create_flavor('vm.4t4', 'cpu=32,memory=128Gi,nvidia.com/gpu=4', 'vm', 'nvidia.com/gpu'),
       create_flavor('svc.t4', 'cpu=4,memory=16Gi,nvidia.com/gpu=1', 'svc', 'nvidia.com/gpu');
SELECT set_resource_sku('vm.4t4', 'nvidia.com/gpu=1', 'gpu'), set_resource_sku('vm.4t4', 'cpu=1', 'cpu'),
       set_resource_sku('vm.4t4', 'memory=1Gi', NULL);
SELECT create_network('net', '10.0.0.0/16', 'acme');
SELECT create_pool('lab', 'public'), create_pool('own', 'dedicated', 'acme', 'net'), create_pool('agents', 'public', launch => 'agent');
SELECT add_nodes('lab', 'vm.4t4', 2), add_nodes('own', 'vm.4t4', 2), add_nodes('agents', 'vm.4t4');

\ir include/made.sql
\ir include/calls.sql
-- Live parts of a job: node, part, replicas, devices
CREATE FUNCTION pg_temp.parts(job text) RETURNS TABLE (node bigint, part integer, replicas integer, devices integer[]) LANGUAGE sql AS $$
    SELECT a.node_id, a.part_no, a.replicas, a.devices FROM allocation a JOIN job_run r USING (pool_id, run_id)
    WHERE r.job_id = pg_temp.id(job) AND a.released_at IS NULL ORDER BY 1, 2
$$;

--
-- In a public pool, a service of a flavor
--
INSERT INTO made SELECT 's', submit_job('lab', 's', 'inference', 'svc.t4', replicas => 6, min_replicas => 1, tenant => 'acme');
SELECT count(*) FROM schedule('lab');
SELECT results_eq($$SELECT * FROM pg_temp.parts('s')$$,
    $$VALUES (1::bigint, 0, 4, '{0,1,2,3}'::integer[]), (2, 0, 2, '{0,1}')$$, 'it has all its replicas');
SELECT pg_temp.at('2026-03-01 10:00:00');
SELECT is(scale_job(pg_temp.id('s'), 3), 3, 'three of six');
-- of parts placed together that of the last node goes first; of the other, three stay
SELECT results_eq($$SELECT * FROM pg_temp.parts('s')$$, $$VALUES (1::bigint, 1, 3, '{0,1,2}'::integer[])$$,
    'what stays of a part is a new one');
SELECT results_eq($$SELECT replicas FROM job_run WHERE job_id = pg_temp.id('s')$$, $$VALUES ('{3}'::integer[])$$, 'the run has three');
SELECT results_eq($$SELECT allocated::text, devices FROM node_load WHERE pool_id = 1 ORDER BY node_id$$,
    $$VALUES ('cpu=12,memory=48Gi,nvidia.com/gpu=3', '{1000,1000,1000,0}'::integer[]), ('', '{0,0,0,0}')$$, 'nodes have the rest back');
SELECT results_eq($$SELECT quantity, since FROM holding WHERE job_id = pg_temp.id('s')$$,
    $$VALUES (3000::bigint, timestamptz '2026-03-01 10:00+00')$$, 'three are held from then on');
SELECT pg_temp.at('2026-03-01 10:30:00');
SELECT is(scale_job(pg_temp.id('s'), 1), 1, 'one');
SELECT results_eq($$SELECT * FROM pg_temp.parts('s')$$, $$VALUES (1::bigint, 2, 1, '{0}'::integer[])$$, 'on its first device');
SELECT pg_temp.at('2026-03-01 11:00:00');
SELECT is(scale_job(pg_temp.id('s'), 5), 5, 'five');
SELECT results_eq($$SELECT * FROM pg_temp.parts('s')$$,
    $$VALUES (1::bigint, 2, 1, '{0}'::integer[]), (1, 3, 3, '{1,2,3}'), (2, 1, 1, '{0}')$$, 'on what is free');
SELECT is(scale_job(pg_temp.id('s'), 5), 5, 'five again');
SELECT is((SELECT count(*) FROM event WHERE kind = 'job_changed'), 3::bigint, 'which changes nothing');
SELECT results_eq($$SELECT reason, at FROM event WHERE kind = 'job_changed' ORDER BY event_id$$, $$VALUES
    ('replicas 6 -> 3', timestamptz '2026-03-01 10:00+00'), ('replicas 3 -> 1', '2026-03-01 10:30+00'), ('replicas 1 -> 5', '2026-03-01 11:00+00')$$,
    'each change is an event');

-- another tenant takes two of the three devices that are left
INSERT INTO made SELECT 'other', submit_job('lab', 'other', flavor => 'svc.t4', replicas => 2, tenant => 'beta');
SELECT count(*) FROM schedule('lab');
SELECT pg_temp.at('2026-03-01 12:00:00');
SELECT is(scale_job(pg_temp.id('s'), 6), 6, 'the last device is enough for the sixth');
SELECT is(scale_job(pg_temp.id('s'), 4), 4, 'back to four');
INSERT INTO made SELECT 'third', submit_job('lab', 'third', flavor => 'svc.t4', tenant => 'beta');
SELECT count(*) FROM schedule('lab');
SELECT is(scale_job(pg_temp.id('s'), 6), 5, 'as many as fit: one of two');
SELECT is(scale_job(pg_temp.id('s'), 6), 5, 'and then none');
SELECT is((SELECT sum(cardinality(devices)) FROM pg_temp.parts('s')), 5::bigint, 'a device each');
SELECT results_eq($$SELECT devices FROM node_load WHERE pool_id = 1 ORDER BY node_id$$,
    $$VALUES ('{1000,1000,1000,1000}'::integer[]), ('{1000,1000,1000,1000}')$$, 'none is given out twice');
SELECT pg_temp.at('2026-03-01 13:00:00');
SELECT is(stop_job(pg_temp.id('s')), 'stopped', 'stopped');
SELECT cancel_job(pg_temp.id('other')), cancel_job(pg_temp.id('third'));
SELECT is_empty($$SELECT FROM node_load WHERE pool_id = 1 AND (allocated <> '' OR 0 <> ALL (devices))$$, 'all is free');
-- 9:00 to 10:00 six, to 10:30 three, to 11:00 one, to 12:00 five, to 13:00 five:
-- 6 + 1.5 + 0.5 + 5 + 5 = 18 hours at 0.50
SELECT results_eq($$SELECT sum(quantity), sum(amount) FROM charges('acme', '2026-03-01', '2026-03-02') WHERE sku = 'svc'$$,
    $$VALUES (18.0, 9.00)$$, 'each is billed for its time');
SELECT results_eq($$SELECT quantity, started_at, ended_at FROM usage WHERE job_id = pg_temp.id('s') ORDER BY started_at$$, $$VALUES
    (6000::bigint, timestamptz '2026-03-01 09:00+00', timestamptz '2026-03-01 10:00+00'), (3000, '2026-03-01 10:00+00', '2026-03-01 10:30+00'),
    (1000, '2026-03-01 10:30+00', '2026-03-01 11:00+00'), (5000, '2026-03-01 11:00+00', '2026-03-01 12:00+00'),
    (5000, '2026-03-01 12:00+00', '2026-03-01 13:00+00')$$, 'in slices that abut; what came and went at 12:00 took no second');
SELECT resume_job(pg_temp.id('s'));
SELECT count(*) FROM schedule('lab');
SELECT is((SELECT sum(replicas) FROM pg_temp.parts('s')), 6::bigint, 'it begins again with all its replicas');
SELECT finish_job(pg_temp.id('s'));

--
-- A bare request, of parts of devices: each SKU is billed anew
--
SELECT pg_temp.at('2026-03-01 14:00:00');
INSERT INTO made SELECT 'b', submit_job('lab', 'b', 'inference', request => 'cpu=0.5,memory=1Gi,nvidia.com/gpu=0.46', replicas => 4, min_replicas => 2, tenant => 'acme');
SELECT count(*) FROM schedule('lab');
SELECT results_eq($$SELECT * FROM pg_temp.parts('b')$$, $$VALUES (1::bigint, 0, 4, '{0,0,1,1}'::integer[])$$, 'two share a device');
SELECT pg_temp.at('2026-03-01 15:00:00');
SELECT is(scale_job(pg_temp.id('b'), 3), 3, 'three of four');
SELECT results_eq($$SELECT devices FROM node_load WHERE node_id = 1$$, $$VALUES ('{920,460,0,0}'::integer[])$$, 'the third keeps its part');
SELECT results_eq($$SELECT s.name::text, quantity FROM holding h JOIN sku s USING (sku_id) WHERE job_id = pg_temp.id('b') ORDER BY 1$$,
    $$VALUES ('cpu', 1500::bigint), ('gpu', 1380)$$, 'each SKU by three');
SELECT pg_temp.at('2026-03-01 16:00:00');
SELECT finish_job(pg_temp.id('b'));
-- (4 + 3) x 0.46 GPU x 2 + (4 + 3) x 0.5 core x 0.10 = 6.44 + 0.35
SELECT results_eq($$SELECT sku, sum(amount) FROM charges('acme', '2026-03-01 14:00', '2026-03-02') WHERE sku IN ('cpu', 'gpu') GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('cpu', 0.35), ('gpu', 6.44)$$, 'and priced by it');

--
-- In a dedicated pool nothing is billed for it; a sub-pool caps it
--
INSERT INTO made SELECT 'd', submit_job('own', 'd', 'inference', 'svc.t4', replicas => 8, min_replicas => 1);
SELECT is(scale_job(pg_temp.id('d'), 2), 2, 'two of eight');
SELECT is(scale_job(pg_temp.id('d'), 8), 8, 'eight again');
SELECT is_empty($$SELECT FROM holding WHERE job_id = pg_temp.id('d')$$, 'no replica is billed');
SELECT cancel_job(pg_temp.id('d'));
SELECT create_sub_pool('own', 'web', 'nvidia.com/gpu=1', 'cpu=32,memory=128Gi,nvidia.com/gpu=3');
INSERT INTO made SELECT 'w', submit_job('own', 'w', 'inference', 'svc.t4', replicas => 4, min_replicas => 1, sub_pool => 'web');
SELECT is((SELECT sum(replicas) FROM pg_temp.parts('w')), 3::bigint, 'it starts with what the quota allows');
SELECT is(scale_job(pg_temp.id('w'), 4), 3, 'and does not outgrow it');
SELECT is(scale_job(pg_temp.id('w'), 1), 1, 'one');
SELECT is(scale_job(pg_temp.id('w'), 4), 3, 'and three again');

--
-- Addresses and bandwidth of the network follow
--
SELECT create_sku('ip', 'address'), create_network('small', '10.9.0.0/28', 'acme', address_sku => 'ip', bandwidth => 100);
SELECT set_price('ip', '0.01', '2026-01-01', currency => 'USD');
SELECT create_flavor('vm.net', 'cpu=32,bandwidth=80', 'vm');
SELECT create_pool('eni', 'dedicated', 'acme', 'small', container_network => 'eni');
SELECT add_nodes('eni', 'vm.net', 2);
SELECT addresses AS before FROM network_load l JOIN network USING (network_id) WHERE name = 'small' \gset
SELECT pg_temp.at('2026-03-01 17:00:00');
INSERT INTO made SELECT 'n', submit_job('eni', 'n', 'inference', request => 'cpu=1,bandwidth=10', replicas => 12, min_replicas => 1);
SELECT is((SELECT sum(replicas) FROM pg_temp.parts('n')), 10::bigint, 'ten replicas of 10 Mbit/s');
CREATE FUNCTION pg_temp.network() RETURNS TABLE (addresses bigint, handed_out bigint, bandwidth bigint, held bigint) LANGUAGE sql AS $$
    SELECT l.addresses, (SELECT count(*) FROM network_address a JOIN job_run r USING (pool_id, run_id) WHERE r.job_id = pg_temp.id('n')),
           l.bandwidth, (SELECT h.quantity FROM holding h WHERE h.job_id = pg_temp.id('n'))
    FROM network_load l JOIN network USING (network_id) WHERE name = 'small'
$$;
SELECT results_eq('SELECT * FROM pg_temp.network()', format('SELECT %s::bigint + 10, 10::bigint, 100000::bigint, 10000::bigint', :before), 'each with an address');
SELECT pg_temp.at('2026-03-01 18:00:00');
SELECT is(scale_job(pg_temp.id('n'), 3), 3, 'three of them');
SELECT results_eq('SELECT * FROM pg_temp.network()', format('SELECT %s::bigint + 3, 3::bigint, 30000::bigint, 3000::bigint', :before), 'give back the other addresses');
SELECT pg_temp.at('2026-03-01 19:00:00');
SELECT is(scale_job(pg_temp.id('n'), 12), 10, 'all that the bandwidth allows');
SELECT results_eq('SELECT * FROM pg_temp.network()', format('SELECT %s::bigint + 10, 10::bigint, 100000::bigint, 10000::bigint', :before), 'have addresses again');
SELECT pg_temp.at('2026-03-01 20:00:00');
SELECT stop_job(pg_temp.id('n'));
SELECT results_eq('SELECT addresses, handed_out, bandwidth FROM pg_temp.network()', format('SELECT %s::bigint, 0::bigint, 0::bigint', :before), 'at rest it has none');
-- 10 + 3 + 10 address-hours, and those of two nodes for 4 hours, at 0.01
SELECT results_eq($$SELECT sum(quantity), sum(amount) FROM charges('acme', '2026-03-01', '2026-03-02') WHERE sku = 'ip'$$,
    $$VALUES (31.0, 0.31)$$, 'and each was billed for its time');

--
-- Refused
--
INSERT INTO made SELECT 't', submit_job('own', 't', request => 'cpu=1', sub_pool => 'web');
INSERT INTO made SELECT 'a', submit_job('agents', 'a', 'inference', 'svc.t4', replicas => 4, min_replicas => 2, tenant => 'acme');
SELECT throws_ok($$SELECT scale_job(pg_temp.id('a'), 3)$$, 'PM002', format('job %s is not running', pg_temp.id('a')), 'a queued one');
SELECT count(*) FROM schedule('agents');
SELECT throws_ok($$SELECT scale_job(pg_temp.id('a'), 3)$$, 'PM002', format('job %s is not running', pg_temp.id('a')), 'a starting one');
SELECT start_job(pg_temp.id('a'));
SELECT is(scale_job(pg_temp.id('a'), 3), 3, 'one that an agent has started');
SELECT throws_ok($$SELECT scale_job(pg_temp.id('a'), 1)$$, '22023', 'invalid value for argument "replicas"', 'below its minimum');
SELECT throws_ok($$SELECT scale_job(pg_temp.id('a'), 5)$$, '22023', 'invalid value for argument "replicas"', 'above what it asked for');
SELECT throws_ok($$SELECT scale_job(pg_temp.id('t'), 1)$$, 'PM003', format('job %s is a training job and cannot be scaled', pg_temp.id('t')), 'training');
SELECT throws_ok($$SELECT scale_job(999, 1)$$, '42704', NULL, 'no such job');
SELECT throws_ok($$SELECT scale_job(1, NULL)$$, '22004', 'argument "replicas" must not be null', 'NULL');
SELECT stop_job(pg_temp.id('a'));
SELECT throws_ok($$SELECT scale_job(pg_temp.id('a'), 3)$$, 'PM002', format('job %s is not running', pg_temp.id('a')), 'a stopping one');
SELECT finish_job(pg_temp.id('a'));
SELECT throws_ok($$SELECT scale_job(pg_temp.id('a'), 3)$$, 'PM002', format('job %s is not running', pg_temp.id('a')), 'a stopped one');
UPDATE tenant SET state = 'frozen' WHERE name = 'acme';
SELECT is(scale_job(pg_temp.id('w'), 2), 2, 'a frozen tenant may have less');
SELECT throws_ok($$SELECT scale_job(pg_temp.id('w'), 3)$$, 'PM005', NULL, 'but not more');
UPDATE tenant SET state = 'active' WHERE name = 'acme';

-- what is billed goes on as it began, though it would be billed otherwise if it began now; what comes is billed as what it is then
SELECT create_sku('ip.2', 'address'), create_sku('cpu.2', 'core');
INSERT INTO made SELECT 'same', submit_job('eni', 'same', 'inference', request => 'cpu=1', replicas => 4, min_replicas => 1);
INSERT INTO made SELECT 'core', submit_job('lab', 'core', 'inference', request => 'cpu=1.5', replicas => 4, min_replicas => 1, tenant => 'acme');
SELECT count(*) FROM schedule('lab');
SELECT set_address_sku('small', 'ip.2'), set_resource_sku('vm.4t4', 'cpu=1', 'cpu.2');
SELECT pg_temp.at('2026-03-01 21:00:00');
SELECT scale_job(pg_temp.id('same'), 3), scale_job(pg_temp.id('core'), 2);
SELECT results_eq($$SELECT s.name::text, quantity, since FROM holding h JOIN sku s USING (sku_id) WHERE job_id IN (pg_temp.id('same'), pg_temp.id('core')) ORDER BY 1$$,
    $$VALUES ('cpu', 3000::bigint, timestamptz '2026-03-01 21:00+00'), ('ip', 3000, '2026-03-01 21:00+00')$$, 'smaller services hold less of the same SKUs');
SELECT set_address_sku('small'), set_resource_sku('vm.4t4', 'cpu=1', NULL);
SELECT scale_job(pg_temp.id('same'), 4), scale_job(pg_temp.id('core'), 4);
SELECT results_eq($$SELECT s.name::text, quantity FROM holding h JOIN sku s USING (sku_id) WHERE job_id IN (pg_temp.id('same'), pg_temp.id('core')) ORDER BY 1$$,
    $$VALUES ('cpu', 3000::bigint), ('ip', 3000)$$, 'what they have grown by is free, as it is now');
SELECT set_resource_sku('vm.4t4', 'cpu=1', 'cpu.2'), set_address_sku('small', 'ip.2');
SELECT scale_job(pg_temp.id('core'), 3), scale_job(pg_temp.id('same'), 3), scale_job(pg_temp.id('same'), 4);
-- of 3 cores in 4 replicas 3 replicas have 2.25; the free address went, the highest
SELECT results_eq($$SELECT s.name::text, quantity FROM holding h JOIN sku s USING (sku_id) WHERE job_id IN (pg_temp.id('same'), pg_temp.id('core')) ORDER BY 1$$,
    $$VALUES ('cpu', 2250::bigint), ('ip', 3000), ('ip.2', 1000)$$, 'replicas in proportion, addresses each as it was handed out');
SELECT scale_job(pg_temp.id('same'), 3);
SELECT results_eq($$SELECT s.name::text, quantity FROM holding h JOIN sku s USING (sku_id) WHERE job_id = pg_temp.id('same') ORDER BY 1$$,
    $$VALUES ('ip', 3000::bigint)$$, 'no address is billed in part');
SELECT cancel_job(pg_temp.id('same')), cancel_job(pg_temp.id('core'));
SELECT set_address_sku('small', 'ip'), set_resource_sku('vm.4t4', 'cpu=1', 'cpu');

-- on nodes of two flavors, whose cores are billed as two SKUs
SELECT create_flavor('old', 'cpu=2', 'vm'), create_flavor('new', 'cpu=2', 'vm'), create_sku('cpu.new', 'core');
SELECT set_resource_sku('old', 'cpu=1', 'cpu'), set_resource_sku('new', 'cpu=1', 'cpu.new');
SELECT create_pool('mixed', 'public');
SELECT add_nodes('mixed', 'old'), add_nodes('mixed', 'new');
INSERT INTO made SELECT 'two', submit_job('mixed', 'two', 'inference', request => 'cpu=2', replicas => 2, min_replicas => 1, tenant => 'acme');
SELECT count(*) FROM schedule('mixed');
CREATE FUNCTION pg_temp.billed() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT s.name || ' ' || h.quantity FROM holding h JOIN sku s USING (sku_id) WHERE h.job_id = pg_temp.id('two') ORDER BY s.name
$$;
SELECT set_eq('SELECT pg_temp.billed()', '{cpu 2000,cpu.new 2000}'::text[], 'a replica on each');
SELECT pg_temp.at('2026-03-01 22:00:00');
SELECT scale_job(pg_temp.id('two'), 1);
SELECT set_eq('SELECT pg_temp.billed()', '{cpu 2000}'::text[], 'what it has left, is billed no more');
SELECT scale_job(pg_temp.id('two'), 2);
SELECT set_eq('SELECT pg_temp.billed()', '{cpu 2000,cpu.new 2000}'::text[], 'what it has grown onto, is billed');
SELECT cancel_job(pg_temp.id('two'));

-- books that do not agree are refused, whoever writes them
SELECT throws_ok($$UPDATE job_run SET replicas = '{3}' WHERE job_id = pg_temp.id('w')$$, 'PM006', NULL, 'replicas without allocations');
INSERT INTO made SELECT 'live', submit_job('lab', 'live', 'inference', 'svc.t4', tenant => 'acme');
SELECT count(*) FROM schedule('lab');
SELECT throws_ok($$DELETE FROM holding WHERE job_id = pg_temp.id('live')$$, 'PM006', NULL, 'what a live run holds is not forgotten');

SELECT * FROM finish();
ROLLBACK;
