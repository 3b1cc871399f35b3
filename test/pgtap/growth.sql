-- Growth: running jobs take more replicas where no queued job could use the
-- room; what they hold and what is billed follows. The numbers are worked out
-- in the comments.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-01 09:00:00+00';
SELECT no_plan();

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'USD', 'UTC');
SELECT create_sku('svc', 'replica'), create_sku('gpu', 'GPU'), create_sku('cpu', 'core'), create_sku('vm', 'node'), create_sku('ip', 'address');
SELECT set_price('svc', '0.50', '2026-01-01', currency => 'USD'), set_price('gpu', '2', '2026-01-01', currency => 'USD'),
       set_price('cpu', '0.10', '2026-01-01', currency => 'USD'), set_price('vm', '3', '2026-01-01', currency => 'USD'),
       set_price('ip', '0.01', '2026-01-01', currency => 'USD');
SELECT create_flavor('vm.4t4', 'cpu=32,gpu=4', 'vm', 'gpu'), create_flavor('vm.cpu', 'cpu=8', 'vm'),
       create_flavor('svc.t4', 'cpu=4,gpu=1', 'svc', 'gpu');
SELECT set_resource_sku('vm.4t4', 'gpu=1', 'gpu'), set_resource_sku('vm.4t4', 'cpu=1', 'cpu'), set_resource_sku('vm.cpu', 'cpu=1', 'cpu');
SELECT create_network('net', '10.0.0.0/16', 'acme');

\ir include/made.sql
CREATE FUNCTION pg_temp.at(t text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('pool_manager.clock', '2026-03-01 ' || t || '+00', false)
$$;
-- a job, and a pass in its pool; what it has then, and what it is to have
CREATE FUNCTION pg_temp.submit(pool text, name text, request resource_list, replicas integer DEFAULT 1, fewest integer DEFAULT NULL,
    sub_pool text DEFAULT NULL, priority integer DEFAULT 1, preemptible boolean DEFAULT false, kind job_kind DEFAULT 'training') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO made SELECT submit.name, submit_job(submit.pool, submit.name, submit.kind, request => submit.request, replicas => submit.replicas,
        min_replicas => submit.fewest, tenant => 'acme', sub_pool => submit.sub_pool, priority => submit.priority, preemptible => submit.preemptible);
    PERFORM schedule(submit.pool);
END $$;
CREATE FUNCTION pg_temp.has(job text) RETURNS text LANGUAGE sql AS $$
    SELECT r.replicas::text || coalesce(' of ' || r.wanted::text, '') FROM job_run r WHERE r.job_id = pg_temp.id(job) AND r.ended_at IS NULL
$$;
-- live parts of a job: node, part, replicas, devices
CREATE FUNCTION pg_temp.parts(job text) RETURNS TABLE (node text, part integer, replicas integer, devices integer[]) LANGUAGE sql AS $$
    SELECT n.name, a.part_no, a.replicas, a.devices FROM allocation a JOIN job_run r USING (pool_id, run_id) JOIN node n USING (pool_id, node_id)
    WHERE r.job_id = pg_temp.id(job) AND a.released_at IS NULL ORDER BY n.node_id, 2
$$;

-- ---- public pools: what is billed ----

SELECT create_pool('lab', 'public'), create_pool('agents', 'public', launch => 'agent');
SELECT add_nodes('lab', 'vm.4t4', 1, 'a'), add_nodes('agents', 'vm.4t4', 1, 'b');
INSERT INTO made SELECT 'first', submit_job('lab', 'first', flavor => 'svc.t4', replicas => 2, tenant => 'acme');
INSERT INTO made SELECT 'e', submit_job('lab', 'e', flavor => 'svc.t4', replicas => 4, min_replicas => 1, tenant => 'acme');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.has('e'), '{2} of {4}', 'two of four start');
SELECT is(pg_temp.has('first'), '{2}', 'who has all replicas wants none');
SELECT pg_temp.at('10:00:00');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.has('e'), '{2} of {4}', 'nothing is free');
SELECT pg_temp.at('11:00:00');
SELECT finish_job(pg_temp.id('first'));
SELECT is_empty($$SELECT FROM schedule('lab')$$, 'a job that grows does not change its state');
SELECT is(pg_temp.has('e'), '{4}', 'it has taken what became free');
SELECT results_eq($$SELECT * FROM pg_temp.parts('e')$$, $$VALUES ('a-1', 0, 2, '{2,3}'::integer[]), ('a-1', 1, 2, '{0,1}')$$,
    'as another part on the same node');
SELECT results_eq($$SELECT allocated::text, devices FROM node_load JOIN node USING (pool_id, node_id) WHERE name = 'a-1'$$,
    $$VALUES ('cpu=16,gpu=4', '{1000,1000,1000,1000}'::integer[])$$, 'the node is full');
SELECT results_eq($$SELECT reason, at FROM event WHERE kind = 'job_changed' AND job_id = pg_temp.id('e')$$,
    $$VALUES ('replicas 2 -> 4', timestamptz '2026-03-01 11:00+00')$$, 'an event says so');
SELECT results_eq($$SELECT quantity, since FROM holding WHERE job_id = pg_temp.id('e')$$,
    $$VALUES (4000::bigint, timestamptz '2026-03-01 11:00+00')$$, 'four are held from then on');
SELECT pg_temp.at('12:00:00');
SELECT finish_job(pg_temp.id('e'));
-- first 2 x 2 h; e 2 x 2 h + 4 x 1 h: 12 replica-hours at 0.50
SELECT results_eq($$SELECT sum(quantity), sum(amount) FROM charges('acme', '2026-03-01', '2026-03-02') WHERE sku = 'svc'$$,
    $$VALUES (12.0, 6.0)$$, 'each is billed for its time');

-- bare requests: 1.5 cores and 0.5 GPU a replica; two groups of different SKUs
SELECT pg_temp.submit('lab', 'most', 'cpu=29,gpu=3');
INSERT INTO made SELECT 'bare', submit_job('lab', 'bare', tenant => 'acme', task_groups =>
    '[{"request": "cpu=1.5"}, {"request": "gpu=0.5", "replicas": 4, "min_replicas": 1}]');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.has('bare'), '{1,2} of {1,4}', 'one of 1.5 cores, two half devices');
SELECT pg_temp.at('13:00:00');
SELECT finish_job(pg_temp.id('most'));
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.has('bare'), '{1,4}', 'each group up to its own number');
SELECT results_eq($$SELECT s.name::text, quantity FROM holding h JOIN sku s USING (sku_id) WHERE job_id = pg_temp.id('bare') ORDER BY 1$$,
    $$VALUES ('cpu', 1500::bigint), ('gpu', 2000)$$, 'cores as before, devices twice as many');
SELECT pg_temp.at('14:00:00');
SELECT finish_job(pg_temp.id('bare'));
-- bare: 1 GPU for one hour, 2 for one; most: 3 for one
SELECT results_eq($$SELECT sum(quantity), sum(amount) FROM charges('acme', '2026-03-01', '2026-03-02') WHERE sku = 'gpu'$$,
    $$VALUES (6.0, 12.0)$$, 'and is billed so');

-- with agents only what an agent has started grows, until it is told to stop
INSERT INTO made SELECT 'x', submit_job('agents', 'x', flavor => 'svc.t4', replicas => 2, tenant => 'acme');
INSERT INTO made SELECT 'y', submit_job('agents', 'y', flavor => 'svc.t4', replicas => 4, min_replicas => 1, tenant => 'acme');
SELECT count(*) FROM schedule('agents');
SELECT finish_job(pg_temp.id('x'), 'failed');
SELECT count(*) FROM schedule('agents');
SELECT is(pg_temp.has('y'), '{2} of {4}', 'a starting one does not grow');
SELECT start_job(pg_temp.id('y'));
SELECT count(*) FROM schedule('agents');
SELECT is(pg_temp.has('y'), '{4}', 'a running one does');
SELECT results_eq($$SELECT quantity FROM holding WHERE job_id = pg_temp.id('y')$$, $$VALUES (4000::bigint)$$, 'and is billed');
SELECT finish_job(pg_temp.id('y'));

-- ---- what a queued job could use ----

SELECT create_pool('own', 'dedicated', 'acme', 'net', queue_policy => 'traversal');
SELECT add_nodes('own', 'vm.4t4', 1, 'g'), add_nodes('own', 'vm.cpu', 1, 'c');
-- c: 6 of 8 cores; g: 20 + 10 of 32, two devices
SELECT pg_temp.submit('own', 'c6', 'cpu=6'), pg_temp.submit('own', 'g20', 'cpu=20,gpu=1'), pg_temp.submit('own', 'g10', 'cpu=10,gpu=1');
SELECT pg_temp.submit('own', 'wide', 'cpu=2', 12, 2);
SELECT is(pg_temp.has('wide'), '{2} of {12}', 'one replica on each node');
SELECT pg_temp.submit('own', 'big', 'gpu=4');
SELECT finish_job(pg_temp.id('g10')), finish_job(pg_temp.id('c6'));
SELECT count(*) FROM schedule('own');
-- the job waits for four devices of g: its ten cores are left alone; c has 6
SELECT results_eq($$SELECT node, sum(replicas) FROM pg_temp.parts('wide') GROUP BY 1 ORDER BY 1$$, $$VALUES ('c-4', 4::bigint), ('g-3', 1)$$,
    'nobody grows onto a node that a queued job could use');
SELECT is(pg_temp.has('wide'), '{5} of {12}', 'onto others they do');
SELECT is((SELECT reason FROM queue WHERE job = 'big'), 'resources', 'who waits, waits as before');
SELECT hold_job(pg_temp.id('big'));
SELECT count(*) FROM schedule('own');
SELECT is(pg_temp.has('wide'), '{10} of {12}', 'a job that is held keeps nobody away');
SELECT release_job(pg_temp.id('big')), finish_job(pg_temp.id('g20'));
-- big takes all devices of g, and 2 x 6 cores are taken; there are two replicas more
SELECT results_eq($$SELECT job_id FROM schedule('own')$$, $$SELECT pg_temp.id('big')$$, 'what is free is for who waits, first');
SELECT is(pg_temp.has('wide'), '{12}', 'the rest in the same pass for who runs');
SELECT cancel_job(pg_temp.id('wide')), cancel_job(pg_temp.id('big'));

-- a job that even the empty pool would not hold
SELECT pg_temp.submit('own', 'c7', 'cpu=7'), pg_temp.submit('own', 'g32', 'cpu=32');
SELECT pg_temp.submit('own', 'thin', 'cpu=1', 3, 1);
SELECT pg_temp.submit('own', 'never', 'cpu=20', 2);
SELECT is((SELECT reason FROM queue WHERE job = 'never'), 'exceeds_max', 'two nodes of 20 cores: there is one');
SELECT finish_job(pg_temp.id('g32'));
SELECT count(*) FROM schedule('own');
SELECT is(pg_temp.has('thin'), '{3}', 'keeps nobody away');
SELECT cancel_job(pg_temp.id('thin')), cancel_job(pg_temp.id('never')), finish_job(pg_temp.id('c7'));

-- the greater priority grows first; g: 1 core is free, c: 2
SELECT pg_temp.submit('own', 'hold', 'cpu=31'), pg_temp.submit('own', 'c4', 'cpu=4'), pg_temp.submit('own', 'x1', 'cpu=1'), pg_temp.submit('own', 'x2', 'cpu=1');
SELECT pg_temp.submit('own', 'low', 'cpu=1', 4, 1, priority => 1), pg_temp.submit('own', 'high', 'cpu=1', 2, 1, priority => 3);
SELECT finish_job(pg_temp.id('x1'));
SELECT count(*) FROM schedule('own');
SELECT is(ROW(pg_temp.has('low'), pg_temp.has('high'))::text, '("{3} of {4}","{1} of {2}")', 'who waits starts before who runs grows');
SELECT finish_job(pg_temp.id('x2'));
SELECT count(*) FROM schedule('own');
SELECT is(ROW(pg_temp.has('low'), pg_temp.has('high'))::text, '("{3} of {4}",{2})', 'the greater priority grows first');
SELECT finish_job(pg_temp.id('c4'));
SELECT count(*) FROM schedule('own');
SELECT is(ROW(pg_temp.has('low'), pg_temp.has('high'))::text, '({4},{2})', 'then the other');
SELECT cancel_job(pg_temp.id('low')), cancel_job(pg_temp.id('high')), cancel_job(pg_temp.id('hold'));

-- ---- quotas ----

SELECT create_pool('shares', 'dedicated', 'acme', 'net', queue_policy => 'traversal');
SELECT add_nodes('shares', 'vm.4t4', 1, 's'), add_nodes('shares', 'vm.cpu', 1, 't');
SELECT create_sub_pool('shares', 'left', 'cpu=4', 'cpu=8,gpu=4'), create_sub_pool('shares', 'right', 'cpu=4', 'cpu=40,gpu=4');
SELECT pg_temp.submit('shares', 'r8', 'cpu=8', sub_pool => 'right'), pg_temp.submit('shares', 'r28', 'cpu=28', sub_pool => 'right');
SELECT pg_temp.submit('shares', 'l', 'cpu=2', 6, 1, sub_pool => 'left');
SELECT is(pg_temp.has('l'), '{2} of {6}', 'four cores are free');
SELECT pg_temp.submit('shares', 'waits', 'gpu=4,cpu=20', sub_pool => 'right');
SELECT finish_job(pg_temp.id('r8'));
SELECT count(*) FROM schedule('shares');
SELECT is(pg_temp.has('l'), '{2} of {6}', 'cores count in the quotas, and a queued job asks for them');
SELECT cancel_job(pg_temp.id('waits'));
SELECT count(*) FROM schedule('shares');
SELECT is(pg_temp.has('l'), '{4} of {6}', 'eight cores are the upper quota');
SELECT finish_job(pg_temp.id('r28'));
SELECT count(*) FROM schedule('shares');
SELECT is(pg_temp.has('l'), '{4} of {6}', 'whatever is free');

-- ---- services, and those who do not grow ----

SELECT create_pool('serve', 'dedicated', 'acme', 'net', queue_policy => 'traversal');
SELECT add_nodes('serve', 'vm.cpu', 1, 'v');
SELECT pg_temp.submit('serve', 's', 'cpu=1', 8, 1, kind => 'inference');
SELECT is(scale_job(pg_temp.id('s'), 3), 3, 'a service scaled down');
SELECT count(*) FROM schedule('serve');
SELECT is(pg_temp.has('s'), '{3}', 'stays as it is');
SELECT pg_temp.submit('serve', 'other', 'cpu=2');
SELECT is(scale_job(pg_temp.id('s'), 7), 6, 'one for which there is too little room');
SELECT is(pg_temp.has('s'), '{6} of {7}', 'is to have what was asked for last');
SELECT finish_job(pg_temp.id('other'));
SELECT count(*) FROM schedule('serve');
SELECT is(pg_temp.has('s'), '{7}', 'and grows to that');
SELECT pg_temp.submit('serve', 'one', 'cpu=1');
SELECT is(scale_job(pg_temp.id('s'), 8), 7, 'one more does not fit');
SELECT is(scale_job(pg_temp.id('s'), 7), 7, 'who is content with what there is');
SELECT finish_job(pg_temp.id('one'));
SELECT count(*) FROM schedule('serve');
SELECT is(pg_temp.has('s'), '{7}', 'does not grow');
SELECT scale_job(pg_temp.id('s'), 1);
SELECT pg_temp.submit('serve', 'six', 'cpu=6');
INSERT INTO made SELECT 'spread', submit_job('serve', 'spread', request => 'cpu=1', replicas => 2, min_replicas => 1, spread_level => 'node', max_per_domain => 2);
SELECT count(*) FROM schedule('serve');
SELECT is(pg_temp.has('spread'), '{1}', 'rules of topology might not hold for more replicas');
SELECT finish_job(pg_temp.id('six'));
SELECT count(*) FROM schedule('serve');
SELECT is(pg_temp.has('spread'), '{1}', 'so such a job stays as it is');
SELECT cancel_job(pg_temp.id('s')), cancel_job(pg_temp.id('spread'));

-- frozen tenants, pools that start nothing
SELECT pg_temp.submit('serve', 'six2', 'cpu=6'), pg_temp.submit('serve', 'f', 'cpu=1', 4, 1);
SELECT finish_job(pg_temp.id('six2'));
UPDATE tenant SET state = 'frozen' WHERE name = 'acme';
SELECT count(*) FROM schedule('serve');
SELECT is(pg_temp.has('f'), '{2} of {4}', 'a frozen tenant gets nothing more');
UPDATE tenant SET state = 'active' WHERE name = 'acme';
SELECT count(*) FROM schedule('serve');
SELECT is(pg_temp.has('f'), '{4}', 'until it is active');
SELECT cancel_job(pg_temp.id('f'));

-- who has shrunk for another grows back when that is over
SELECT pg_temp.submit('serve', 'soft', 'cpu=2', 4, 1, priority => 1, preemptible => true);
SELECT pg_temp.submit('serve', 'boss', 'cpu=3', priority => 3);
SELECT is(pg_temp.has('soft'), '{2} of {4}', 'two of four gave way');
SELECT finish_job(pg_temp.id('boss'));
SELECT count(*) FROM schedule('serve');
SELECT is(pg_temp.has('soft'), '{4}', 'and came back');
SELECT cancel_job(pg_temp.id('soft'));

-- maintenance to come
SELECT add_nodes('serve', 'vm.cpu', 1, 'w');
SELECT pg_temp.submit('serve', 'fill1', 'cpu=8'), pg_temp.submit('serve', 'fill2', 'cpu=7'), pg_temp.submit('serve', 'm', 'cpu=1', 20, 1);
SELECT schedule_maintenance(ARRAY[node_id], 'reboot', 'kernel', '2026-03-01 20:00+00') FROM node WHERE name = 'v-7';
SELECT accept_maintenance(maintenance_id) FROM maintenance;
SELECT finish_job(pg_temp.id('fill1')), finish_job(pg_temp.id('fill2'));
SELECT count(*) FROM schedule('serve');
SELECT results_eq($$SELECT node, sum(replicas) FROM pg_temp.parts('m') GROUP BY 1$$, $$VALUES ('w-8', 8::bigint)$$, 'no growth onto a node with maintenance to come');

-- ---- addresses and bandwidth ----

SELECT create_network('small', '10.9.0.0/28', 'acme', address_sku => 'ip', bandwidth => 100);
SELECT create_flavor('vm.net', 'cpu=32,bandwidth=80', 'vm');
SELECT create_pool('eni', 'dedicated', 'acme', 'small', container_network => 'eni');
SELECT add_nodes('eni', 'vm.net', 2);
SELECT addresses AS before FROM network_load l JOIN network USING (network_id) WHERE name = 'small' \gset
CREATE FUNCTION pg_temp.network() RETURNS TABLE (addresses bigint, handed_out bigint, bandwidth bigint, held bigint) LANGUAGE sql AS $$
    SELECT l.addresses, (SELECT count(*) FROM network_address a JOIN job_run r USING (pool_id, run_id) WHERE r.job_id = pg_temp.id('n')),
           l.bandwidth, (SELECT h.quantity FROM holding h WHERE h.job_id = pg_temp.id('n'))
    FROM network_load l JOIN network USING (network_id) WHERE name = 'small'
$$;
SELECT pg_temp.at('17:00:00');
SELECT pg_temp.submit('eni', 'b1', 'cpu=1,bandwidth=60');
SELECT pg_temp.submit('eni', 'n', 'cpu=1,bandwidth=10', 12, 1);
SELECT results_eq('SELECT * FROM pg_temp.network()', format('SELECT %s::bigint + 5, 4::bigint, 100000::bigint, 4000::bigint', :before),
    'four replicas: the other 60 Mbit/s are taken');
SELECT pg_temp.at('18:00:00');
SELECT finish_job(pg_temp.id('b1'));
SELECT count(*) FROM schedule('eni');
SELECT is(pg_temp.has('n'), '{10} of {12}', 'ten are all that the bandwidth allows');
SELECT results_eq('SELECT * FROM pg_temp.network()', format('SELECT %s::bigint + 10, 10::bigint, 100000::bigint, 10000::bigint', :before), 'each with an address');
SELECT pg_temp.at('19:00:00');
SELECT cancel_job(pg_temp.id('n'));
SELECT results_eq('SELECT addresses, handed_out, bandwidth FROM pg_temp.network()', format('SELECT %s::bigint, 0::bigint, 0::bigint', :before), 'all is given back');
-- two nodes since 14:00: 2 x 5 h; b1 1 h; n 4 + 10
SELECT results_eq($$SELECT sum(quantity) FROM charges('acme', '2026-03-01', '2026-03-02') WHERE sku = 'ip'$$, $$VALUES (25.0)$$, 'and each address was billed for its time');

-- nobody reads runs of which none is to grow
SELECT is((SELECT count(*) FROM job_run WHERE wanted IS NOT NULL AND ended_at IS NULL AND pool_id IN (SELECT pool_id FROM pool WHERE name IN ('lab', 'eni'))),
    0::bigint, 'no live run is left that wants more');

SELECT * FROM finish();
ROLLBACK;
