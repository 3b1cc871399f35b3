-- Driver upgrades: who, how many at a time, what becomes of jobs, going on
-- after failures. Pool ins is upgraded at once, pool ext by an agent.
BEGIN;
SELECT plan(56);
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET LOCAL pool_manager.clock = '2026-03-01 00:00:00+00';

CREATE ROLE driver_member;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme \gset
SELECT grant_tenant('acme', 'driver_member', 'member');
SELECT create_network('net', '10.0.0.0/16', 'acme'), create_sku('node', 'node'),
    create_flavor('gpu4', 'cpu=16,nvidia.com/gpu=4', 'node', 'nvidia.com/gpu'), create_flavor('cpu8', 'cpu=8', 'node') ;
SELECT set_resource_sku('gpu4', 'cpu=1', NULL), set_resource_sku('gpu4', 'nvidia.com/gpu=1', NULL);
SELECT create_pool('ins', 'dedicated', tenant => 'acme', network => 'net') AS ins, create_pool('ext', 'dedicated', tenant => 'acme', network => 'net') AS ext,
    create_pool('plain', 'dedicated', tenant => 'acme', network => 'net') AS plain, create_pool('open', 'public') AS open \gset
SELECT cardinality(ARRAY(SELECT add_nodes('ins', 'gpu4', 3, 'i'))), cardinality(ARRAY(SELECT add_nodes('ins', 'cpu8', 1, 'c'))),
    cardinality(ARRAY(SELECT add_nodes('ext', 'gpu4', 8, 'e'))), cardinality(ARRAY(SELECT add_nodes('plain', 'cpu8', 1, 'p'))),
    cardinality(ARRAY(SELECT add_nodes('open', 'gpu4', 1, 'o')));
-- nodes are there; from now on an agent reports
ALTER TABLE pool DISABLE TRIGGER guard_unchanged;
UPDATE pool SET provider = 'external' WHERE name = 'ext';
ALTER TABLE pool ENABLE TRIGGER guard_unchanged;

CREATE FUNCTION pg_temp.n(pool text, place integer) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT n.node_id FROM pool_manager.node n JOIN pool_manager.pool p USING (pool_id) WHERE p.name = $1 ORDER BY n.node_id OFFSET $2 - 1 LIMIT 1 $$;
-- version, driver state and node state of the nodes of a pool, in order
CREATE FUNCTION pg_temp.drivers(pool text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(concat_ws(' ', coalesce(n.driver, '-'), n.driver_state, n.state), ', ' ORDER BY n.node_id)
    FROM pool_manager.node n JOIN pool_manager.pool p USING (pool_id) WHERE p.name = $1 AND n.deleted_at IS NULL $$;
CREATE FUNCTION pg_temp.status(pool text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(' ', version, state, strategy, max_unavailable, 'done', done, 'updating', updating, 'pending', pending, 'failed', failed, 'other', other)
    FROM pool_manager.driver_status d WHERE d.pool = $1 $$;
CREATE FUNCTION pg_temp.phase("order" bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT phase::text FROM pool_manager.pool_order WHERE order_id = $1 $$;
-- tasks that an agent has before it
CREATE FUNCTION pg_temp.running(pool text) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(t.task_id ORDER BY t.task_id), '{}') FROM pool_manager.node_task t JOIN pool_manager.pool p USING (pool_id)
    WHERE p.name = $1 AND t.state = 'running' $$;

-- ---- refused ----

SELECT throws_ok($$SELECT upgrade_driver('open', '535.1')$$, 'PM003', 'the driver of public pool "open" cannot be chosen', 'public pools');
SELECT throws_ok($$SELECT upgrade_driver('plain', '535.1')$$, 'PM002', 'pool "plain" has no driver to upgrade', 'no accelerator');
SELECT throws_ok($$SELECT upgrade_driver('nowhere', '535.1')$$, '42704', 'pool "nowhere" does not exist', 'no such pool');
SELECT throws_ok(format('SELECT upgrade_driver(''ins'', %L)', v), '22023', format('driver version "%s" is malformed', v), format('version "%s"', v))
FROM unnest(ARRAY['', ' 535', '535 1', E'535\n', repeat('5', 65)]) AS v;
SELECT throws_ok($$SELECT upgrade_driver('ins', '535.1', 'now')$$, '22023', 'unknown upgrade strategy "now"', 'strategy');
SELECT throws_ok($$SELECT upgrade_driver('ins', '535.1', max_unavailable => '0')$$, '22023', 'max_unavailable "0" is neither a number nor a percentage', 'none at a time');
SELECT throws_ok($$SELECT upgrade_driver('ins', '535.1', sub_pool => 'x')$$, '42704', 'sub-pool "x" of pool "ins" does not exist', 'no such sub-pool');
SELECT throws_ok($$SELECT upgrade_driver('ins', NULL)$$, '22004', NULL, 'no version');
SET LOCAL ROLE driver_member;
SELECT throws_ok($$SELECT upgrade_driver('ins', '535.1')$$, '42501', format('permission denied for tenant %s', :acme), 'members may not');
RESET ROLE;
UPDATE pool SET state = 'abnormal' WHERE name = 'ins';
SELECT throws_ok($$SELECT upgrade_driver('ins', '535.1')$$, 'PM002', 'pool "ins" is not running', 'not running');
UPDATE pool SET state = 'running' WHERE name = 'ins';
SELECT throws_ok($$UPDATE node SET driver = 'x' WHERE pool_id = (SELECT pool_id FROM pool WHERE name = 'open')$$, '23514', NULL, 'nor by hand in public pools');

-- ---- idle, at once where nodes are idle ----

SELECT submit_job('ins', 'long', request => 'nvidia.com/gpu=1') AS long \gset
SELECT upgrade_driver('ins', '535.1', request_id => 'u1') AS up1 \gset
SELECT is(pg_temp.drivers('ins'), '- pending available, 535.1 running available, 535.1 running available, - running available', 'idle nodes at once, the busy one waits, one without accelerator has none');
SELECT is(pg_temp.status('ins'), '535.1 upgrading idle done 2 updating 0 pending 1 failed 0 other 0', 'status');
SELECT is(pg_temp.phase(:up1), 'processing', 'the order is open');
SELECT is(upgrade_driver('ins', '535.1', request_id => 'u1'), :up1::bigint, 'the same request');
SELECT throws_ok($$SELECT upgrade_driver('ins', '535.2', request_id => 'u1')$$, 'PM004', NULL, 'other content');
SELECT throws_ok($$SELECT upgrade_driver('ins', '535.2')$$, 'PM002', 'pool "ins" has an open order', 'one at a time');
SELECT is((SELECT state::text FROM job_status WHERE job_id = :long), 'running', 'the job goes on');
SELECT submit_job('ins', 'next', request => 'nvidia.com/gpu=1') AS next \gset
SELECT is((SELECT node_id FROM allocation JOIN job_run USING (run_id) WHERE job_id = :next), pg_temp.n('ins', 2), 'new jobs go elsewhere');
SELECT finish_job(:long);
SELECT count(*) FROM schedule('ins') \gset
SELECT is(pg_temp.drivers('ins'), '535.1 running available, 535.1 running available, 535.1 running available, - running available', 'after the job, a pass');
SELECT is(pg_temp.phase(:up1) || '; ' || pg_temp.status('ins'), 'succeeded; 535.1 running done 3 updating 0 pending 0 failed 0 other 0', 'done');
SELECT is((SELECT driver FROM pool WHERE pool_id = :ins), '535.1', 'the pool''s version');
SELECT upgrade_driver('ins', '535.1') AS up2 \gset
SELECT is(pg_temp.phase(:up2) || ' ' || (SELECT count(*) FROM node_task WHERE order_id = :up2), 'succeeded 0', 'nothing to do');
-- work that is open
SELECT drain_node(pg_temp.n('ins', 2));
SELECT throws_ok($$SELECT upgrade_driver('ins', '535.2')$$, 'PM002', format('cannot upgrade the driver of node "i-%s": work is under way', pg_temp.n('ins', 2)), 'a node that is being drained');
SELECT cancel_tasks(ARRAY(SELECT task_id FROM node_task WHERE ended_at IS NULL));
-- force
SELECT upgrade_driver('ins', '535.2', 'force') AS up3 \gset
SELECT is(pg_temp.phase(:up3) || ' ' || (SELECT state FROM job_status WHERE job_id = :next), 'succeeded failed', 'force ends jobs');
SELECT is(pg_temp.status('ins'), '535.2 running done 3 updating 0 pending 0 failed 0 other 0', 'all have it');
-- new nodes, replaced ones and reset ones have the pool's
SELECT reset_node(pg_temp.n('ins', 1)), replace_node(pg_temp.n('ins', 2));
SELECT is((SELECT string_agg(DISTINCT driver, ',') FROM node WHERE pool_id = :ins AND deleted_at IS NULL), '535.2', 'so have nodes that come in the place of others');

-- ---- with an agent: states, failures, going on ----

SELECT submit_job('ext', 'j1', request => 'nvidia.com/gpu=4') AS j1 \gset
SELECT upgrade_driver('ext', 'A', 'idle', '25%') AS e1 \gset
SELECT is(pg_temp.status('ext'), 'A upgrading idle 2 done 0 updating 2 pending 6 failed 0 other 0', '25 % of 8 are 2');
SELECT is((SELECT string_agg((t.node_id - pg_temp.n('ext', 1) + 1)::text, ',' ORDER BY t.node_id) FROM node_task t WHERE t.order_id = :e1 AND t.state = 'running'), '2,3', 'idle ones first');
SELECT tasks_failed(pg_temp.running('ext'), 'no such file');
SELECT is(pg_temp.status('ext'), 'A upgrading idle 2 done 0 updating 2 pending 4 failed 2 other 0', 'two failed: it goes on with the others');
SELECT is((SELECT string_agg(driver_state || ' ' || state, ', ' ORDER BY node_id) FROM node WHERE node_id IN (pg_temp.n('ext', 2), pg_temp.n('ext', 4))), 'abnormal abnormal, updating checking', 'states of nodes');
SELECT tasks_done(pg_temp.running('ext'));
SELECT tasks_done(pg_temp.running('ext'));
SELECT is(pg_temp.status('ext'), 'A upgrading idle 2 done 4 updating 1 pending 1 failed 2 other 0', 'the last idle one');
SELECT tasks_done(pg_temp.running('ext'));
SELECT is(pg_temp.status('ext') || '; ' || (SELECT state FROM job_status WHERE job_id = :j1), 'A upgrading idle 2 done 5 updating 0 pending 1 failed 2 other 0; running', 'the busy node is left until it is idle');
SELECT is((SELECT concat_ws(' ', state, isolated_by IS NULL, driver_state) FROM node WHERE node_id = pg_temp.n('ext', 1)), 'available t running', 'and takes jobs meanwhile');
SELECT finish_job(:j1);
SELECT count(*) FROM schedule('ext') \gset
SELECT tasks_done(pg_temp.running('ext'));
SELECT is(pg_temp.phase(:e1) || '; ' || pg_temp.status('ext'), 'partially_succeeded; A abnormal done 6 updating 0 pending 0 failed 2 other 0', 'partly done');
SELECT upgrade_driver('ext', 'A') AS e2 \gset
SELECT is(pg_temp.status('ext'), 'A upgrading idle done 6 updating 2 pending 0 failed 0 other 0', 'again: what is left, abnormal nodes too');
SELECT tasks_done(pg_temp.running('ext'));
SELECT is(pg_temp.phase(:e2) || '; ' || pg_temp.status('ext'), 'succeeded; A running done 8 updating 0 pending 0 failed 0 other 0', 'all done');
SELECT is((SELECT count(*) FROM node WHERE pool_id = :ext AND state = 'available' AND isolated_by IS NULL), 8::bigint, 'and in service');
-- called off
SELECT upgrade_driver('ext', 'B', max_unavailable => '3') AS e3 \gset
SELECT is(pg_temp.status('ext'), 'B upgrading idle 3 done 0 updating 3 pending 5 failed 0 other 0', 'three at a time');
SELECT cancel_tasks(ARRAY(SELECT task_id FROM node_task WHERE order_id = :e3 AND state = 'pending'));
SELECT tasks_done(pg_temp.running('ext'));
SELECT is(pg_temp.phase(:e3) || '; ' || pg_temp.status('ext'), 'partially_succeeded; B running done 3 updating 0 pending 0 failed 0 other 5', 'the others have another version');

-- ---- sub-pools ----

INSERT INTO sub_pool (pool_id, tenant_id, pool_kind, owner_id, name, guaranteed, upper, created_at)
VALUES (:ext, :acme, 'dedicated', :acme, 'team', 'nvidia.com/gpu=4', 'nvidia.com/gpu=8', clock());
UPDATE node SET sub_pool_id = (SELECT sub_pool_id FROM sub_pool WHERE name = 'team') WHERE node_id IN (pg_temp.n('ext', 7), pg_temp.n('ext', 8));
SELECT upgrade_driver('ext', 'C') AS e4 \gset
SELECT is(pg_temp.status('ext'), 'C upgrading idle done 0 updating 6 pending 0 failed 0 other 2', 'nodes bound to a sub-pool are left out');
SELECT tasks_done(pg_temp.running('ext'));
SELECT upgrade_driver('ext', 'C', sub_pool => 'team', max_unavailable => '50%') AS e5 \gset
SELECT is(pg_temp.status('ext'), 'C upgrading idle 1 done 6 updating 1 pending 1 failed 0 other 0', 'until it is their turn; 50 % of 2');
SELECT tasks_done(pg_temp.running('ext'));
SELECT tasks_done(pg_temp.running('ext'));
SELECT is(pg_temp.status('ext'), 'C running done 8 updating 0 pending 0 failed 0 other 0', 'done');
UPDATE node SET sub_pool_id = NULL WHERE pool_id = :ext;
UPDATE sub_pool SET deleted_at = clock() WHERE name = 'team';

-- ---- whatever happens: a rolling upgrade takes so many nodes out of service,
-- and no more; idle ends no run ----

CREATE FUNCTION pg_temp.walk(strategy text, most integer, seed double precision, OUT worst integer, OUT cut bigint, OUT busy_down bigint, OUT phase text)
LANGUAGE plpgsql AS $$
DECLARE
    made bigint;
    down integer;
    pick bigint;
BEGIN
    PERFORM setseed(seed);
    worst := 0; busy_down := 0;
    PERFORM pool_manager.cancel_job(job_id) FROM pool_manager.job_status WHERE pool = 'ext' AND state IN ('queued', 'running');
    FOR i IN 1 .. 5 LOOP
        PERFORM pool_manager.submit_job('ext', 'w', request => 'nvidia.com/gpu=4');
    END LOOP;
    made := pool_manager.upgrade_driver('ext', strategy || most || seed, strategy, most::text);
    FOR i IN 1 .. 400 LOOP
        CASE trunc(random() * 5)::integer
        WHEN 0 THEN
            PERFORM pool_manager.submit_job('ext', 'w', request => 'nvidia.com/gpu=2');
        WHEN 1 THEN
            SELECT job_id INTO pick FROM pool_manager.job_status WHERE pool = 'ext' AND state = 'running' ORDER BY random() LIMIT 1;
            IF FOUND THEN PERFORM pool_manager.finish_job(pick); END IF;
        WHEN 2 THEN
            PERFORM pool_manager.schedule('ext');
        WHEN 3 THEN
            SELECT task_id INTO pick FROM pool_manager.node_task WHERE order_id = made AND state = 'running' ORDER BY random() LIMIT 1;
            IF FOUND THEN PERFORM pool_manager.task_done(pick); END IF;
        ELSE
            SELECT task_id INTO pick FROM pool_manager.node_task WHERE order_id = made AND state = 'running' AND random() < 0.2 ORDER BY random() LIMIT 1;
            IF FOUND THEN PERFORM pool_manager.task_failed(pick, 'x'); END IF;
        END CASE;
        SELECT count(*), count(*) FILTER (WHERE l.allocated <> '' AND n.driver_state = 'updating') + busy_down INTO down, busy_down
        FROM pool_manager.node n JOIN pool_manager.node_load l USING (node_id) JOIN pool_manager.pool p ON p.pool_id = n.pool_id
        WHERE p.name = 'ext' AND (n.isolated_by IS NOT NULL OR n.state = 'checking');
        worst := greatest(worst, down);
        EXIT WHEN NOT EXISTS (SELECT FROM pool_manager.node_task WHERE order_id = made AND ended_at IS NULL);
    END LOOP;
    -- no more work comes
    FOR i IN 1 .. 40 LOOP
        PERFORM pool_manager.cancel_job(job_id) FROM pool_manager.job_status WHERE pool = 'ext' AND state = 'queued';
        PERFORM pool_manager.finish_job(job_id) FROM pool_manager.job_status WHERE pool = 'ext' AND state = 'running';
        PERFORM pool_manager.schedule('ext');
        EXIT WHEN pg_temp.running('ext') = '{}';
        PERFORM pool_manager.tasks_done(pg_temp.running('ext'));
    END LOOP;
    SELECT count(*) INTO cut FROM pool_manager.job_run WHERE end_reason LIKE 'node taken%' AND job_id IN (SELECT job_id FROM pool_manager.job WHERE name = 'w');
    SELECT CASE WHEN o.ended_at IS NULL THEN 'open' ELSE 'ended' END INTO phase FROM pool_manager.pool_order o WHERE o.order_id = made;
    PERFORM pool_manager.upgrade_driver('ext', strategy || most || seed, 'force');
    PERFORM pool_manager.tasks_done(pg_temp.running('ext')) WHERE pg_temp.running('ext') <> '{}';
END $$;
SELECT is(concat_ws(' ', w.worst <= s.most, w.worst > 0, w.cut, w.busy_down, w.phase), 't t 0 0 ended', format('idle, %s at a time, seed %s', s.most, s.seed))
FROM (VALUES (1, 0.1), (2, 0.2), (3, 0.3), (5, 0.4), (8, 0.5)) AS s(most, seed), LATERAL pg_temp.walk('idle', s.most, s.seed) w;
SELECT is(concat_ws(' ', w.worst <= s.most, w.worst > 0, w.busy_down, w.phase), 't t 0 ended', format('force, %s at a time, seed %s', s.most, s.seed))
FROM (VALUES (1, 0.6), (3, 0.7), (4, 0.8)) AS s(most, seed), LATERAL pg_temp.walk('force', s.most, s.seed) w;
SELECT ok((SELECT count(*) > 0 FROM job_run WHERE end_reason = 'node taken out of service: upgrade driver'), 'force does end runs');

SELECT * FROM finish();
ROLLBACK;
