-- Work on nodes: the state machines, what each call does and refuses, and what
-- it costs. Pool ins is carried out at once, pool ext by an agent.
BEGIN;
SELECT plan(204);
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET LOCAL pool_manager.clock = '2026-03-01 00:00:00+00';

CREATE ROLE task_owner;
CREATE ROLE task_member;
CREATE ROLE task_other;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'UTC') AS beta \gset
SELECT grant_tenant('acme', 'task_owner', 'owner'), grant_tenant('acme', 'task_member', 'member'), grant_tenant('beta', 'task_other', 'owner');
SELECT create_network('net', '10.0.0.0/24', 'acme'), create_network('lan', '10.0.1.0/24', 'beta'), create_sku('node', 'node'), create_sku('big', 'node'),
    create_flavor('gpu4', 'cpu=16,nvidia.com/gpu=4', 'node', 'nvidia.com/gpu'), create_flavor('cpu8', 'cpu=8', 'big'),
    create_flavor('arm', 'cpu=8', 'node', cpu_architecture => 'arm64');
SELECT set_price('node', '10'::tariff, '2026-01-01', currency => 'USD'), set_price('big', '1'::tariff, '2026-01-01', currency => 'USD');
SELECT create_pool('ins', 'dedicated', tenant => 'acme', network => 'net') AS ins,
    create_pool('ext', 'dedicated', tenant => 'acme', network => 'net') AS ext,
    create_pool('away', 'dedicated', tenant => 'acme', network => 'net') AS away,
    create_pool('beta', 'dedicated', tenant => 'beta', network => 'lan') AS beta_pool,
    create_pool('open', 'public') AS open \gset
SELECT set_resource_sku('cpu8', 'cpu=1', NULL);
SELECT cardinality(ARRAY(SELECT add_nodes('ins', 'gpu4', 6, 'i'))), cardinality(ARRAY(SELECT add_nodes('ext', 'gpu4', 4, 'e'))), cardinality(ARRAY(SELECT add_nodes('beta', 'gpu4', 1, 'b'))), cardinality(ARRAY(SELECT add_nodes('open', 'cpu8', 2, 'o'))) \gset
-- nodes are there; from now on an agent reports
ALTER TABLE pool DISABLE TRIGGER guard_unchanged;
UPDATE pool SET provider = 'external' WHERE name = 'ext';
ALTER TABLE pool ENABLE TRIGGER guard_unchanged;

-- node by the first letter of its pool and its place there
CREATE FUNCTION pg_temp.n(pool text, place integer) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT n.node_id FROM pool_manager.node n JOIN pool_manager.pool p USING (pool_id) WHERE p.name = $1 ORDER BY n.node_id OFFSET $2 - 1 LIMIT 1 $$;
CREATE FUNCTION pg_temp.tasks(pool text, VARIADIC places integer[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(coalesce((SELECT t.kind || ' ' || t.state FROM pool_manager.node_task t WHERE t.node_id = pg_temp.n($1, u.p) ORDER BY t.task_id DESC LIMIT 1), '-'), ', ' ORDER BY u.p)
    FROM unnest(places) AS u(p) $$;
CREATE FUNCTION pg_temp.nodes(pool text, VARIADIC places integer[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(concat_ws(' ', n.state, CASE WHEN NOT n.schedulable THEN 'cordoned' END, CASE WHEN n.isolated_by IS NOT NULL THEN 'isolated' END,
        CASE WHEN n.deleted_at IS NOT NULL THEN 'gone' END, CASE WHEN n.driver_state <> 'running' THEN 'driver ' || n.driver_state END), ', ' ORDER BY u.p)
    FROM unnest(places) AS u(p) JOIN pool_manager.node n ON n.node_id = pg_temp.n($1, u.p) $$;
CREATE FUNCTION pg_temp.last_task(pool text, place integer) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT max(t.task_id) FROM pool_manager.node_task t WHERE t.node_id = pg_temp.n($1, $2) $$;
CREATE FUNCTION pg_temp.as_role(role name, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE query INTO result;
    RESET ROLE;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;

-- ---- every pair of states, by hand ----

CREATE FUNCTION pg_temp.task_moves(from_state text, to_state text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
    at constant timestamptz := '2026-03-01';
BEGIN
    BEGIN
        INSERT INTO pool_manager.node_task (pool_id, task_id, node_id, tenant_id, kind, state, requested_at, requested_by, waiting_at, started_at, ended_at)
        SELECT n.pool_id, 99, n.node_id, n.tenant_id, 'reboot', $1::pool_manager.task_state, at, 'x',
            CASE WHEN $1 NOT IN ('pending', 'cancelled') THEN at END, CASE WHEN $1 IN ('running', 'succeeded', 'failed') THEN at END,
            CASE WHEN $1 IN ('succeeded', 'failed', 'cancelled') THEN at END
        FROM pool_manager.node n WHERE n.node_id = pg_temp.n('ins', 1);
        UPDATE pool_manager.node_task SET state = $2::pool_manager.task_state,
            waiting_at = CASE WHEN $2 = 'waiting' THEN at ELSE waiting_at END, started_at = CASE WHEN $2 = 'running' THEN at ELSE started_at END,
            ended_at = CASE WHEN $2 IN ('succeeded', 'failed', 'cancelled') THEN at ELSE ended_at END
        WHERE task_id = 99;
        RAISE EXCEPTION 'done';
    EXCEPTION WHEN OTHERS THEN
        said := CASE WHEN sqlerrm = 'done' THEN 'yes' WHEN sqlstate = 'PM002' THEN 'no' ELSE sqlstate || ' ' || sqlerrm END;
    END;
    RETURN said;
END $$;
SELECT is(pg_temp.task_moves(f::text, t::text),
    CASE WHEN (f::text, t::text) IN (('pending', 'waiting'), ('pending', 'cancelled'), ('waiting', 'running'), ('waiting', 'succeeded'),
        ('waiting', 'failed'), ('waiting', 'cancelled'), ('running', 'succeeded'), ('running', 'failed')) THEN 'yes' ELSE 'no' END,
    format('task %s -> %s', f, t))
FROM unnest(enum_range(NULL::task_state)) AS f, unnest(enum_range(NULL::task_state)) AS t WHERE f <> t;

CREATE FUNCTION pg_temp.node_moves(col text, from_state text, to_state text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    BEGIN
        EXECUTE format('INSERT INTO pool_manager.node (pool_id, node_id, flavor_id, tenant_id, name, state_since, created_at, available_at, state, driver_state)
            SELECT pool_id, 999999, flavor_id, tenant_id, ''x'', created_at, created_at, created_at, %L, %L
            FROM pool_manager.node WHERE node_id = pg_temp.n(''ins'', 1)',
            CASE WHEN col = 'state' THEN from_state ELSE 'available' END, CASE WHEN col = 'driver_state' THEN from_state ELSE 'running' END);
        EXECUTE format('UPDATE pool_manager.node SET %I = %L WHERE node_id = 999999', col, to_state);
        RAISE EXCEPTION 'done';
    EXCEPTION WHEN OTHERS THEN
        said := CASE WHEN sqlerrm = 'done' THEN 'yes' WHEN sqlstate = 'PM002' THEN 'no' ELSE sqlstate || ' ' || sqlerrm END;
    END;
    RETURN said;
END $$;
SELECT is(pg_temp.node_moves('state', f::text, t::text),
    CASE WHEN t = 'creating' OR (t = 'checking' AND f = 'deleting') OR (t = 'available' AND f = 'deleting') THEN 'no' ELSE 'yes' END,
    format('node %s -> %s', f, t))
FROM unnest(enum_range(NULL::node_state)) AS f, unnest(enum_range(NULL::node_state)) AS t WHERE f <> t;
SELECT is(pg_temp.node_moves('driver_state', f::text, t::text),
    CASE WHEN (f::text, t::text) IN (('running', 'pending'), ('running', 'abnormal'), ('pending', 'updating'), ('pending', 'running'),
        ('updating', 'running'), ('updating', 'abnormal'), ('abnormal', 'pending'), ('abnormal', 'updating'), ('abnormal', 'running')) THEN 'yes' ELSE 'no' END,
    format('driver %s -> %s', f, t))
FROM unnest(enum_range(NULL::driver_state)) AS f, unnest(enum_range(NULL::driver_state)) AS t WHERE f <> t;

-- a node is isolated by at most one open task
INSERT INTO node_task (pool_id, node_id, tenant_id, kind, requested_at, requested_by)
SELECT pool_id, node_id, tenant_id, 'reboot', '2026-03-01', 'x' FROM node WHERE node_id = pg_temp.n('ext', 4);
SELECT throws_ok($$INSERT INTO node_task (pool_id, node_id, tenant_id, kind, requested_at, requested_by)
    SELECT pool_id, node_id, tenant_id, 'reset', '2026-03-01', 'x' FROM node WHERE node_id = pg_temp.n('ext', 4)$$, '23505', NULL, 'one open task a node');
SELECT throws_ok($$INSERT INTO node_task (pool_id, node_id, tenant_id, kind, requested_at, requested_by, max_unavailable)
    SELECT pool_id, node_id, tenant_id, 'reset', '2026-03-01', 'x', 1 FROM node WHERE node_id = pg_temp.n('ext', 3)$$, '23514', NULL, 'a limit is shared by somebody');
SELECT throws_ok($$INSERT INTO node_task (pool_id, node_id, tenant_id, kind, requested_at, requested_by)
    SELECT pool_id, node_id, tenant_id, 'upgrade_driver', '2026-03-01', 'x' FROM node WHERE node_id = pg_temp.n('ext', 3)$$, '23514', NULL, 'an upgrade is to a version');
SELECT lives_ok('SELECT cancel_task(pg_temp.last_task(''ext'', 4))', 'cancelled while pending');
SELECT is(pg_temp.tasks('ext', 4) || '; ' || pg_temp.nodes('ext', 4), 'reboot cancelled; available', 'what is left of it');

-- ---- cordon and lock ----

SELECT cordon_nodes(ARRAY[pg_temp.n('ins', 1), pg_temp.n('ins', 2)]), cordon_node('ins', 'i-' || pg_temp.n('ins', 2));
SELECT is(pg_temp.nodes('ins', 1, 2, 3), 'available cordoned, available cordoned, available', 'cordoned');
SELECT is((SELECT string_agg(reason, ',' ORDER BY node_id) FROM event WHERE kind = 'node_changed'), 'cordon,cordon', 'an event for each that changed');
SELECT is(submit_job('ins', 'whole', request => 'nvidia.com/gpu=4', replicas => 4, time_limit => '1 hour') IS NOT NULL, true, 'a job');
SELECT is((SELECT count(*) FROM allocation WHERE node_id IN (pg_temp.n('ins', 1), pg_temp.n('ins', 2))), 0::bigint, 'takes no cordoned node');
SELECT uncordon_node(pg_temp.n('ins', 1)), uncordon_nodes(ARRAY[pg_temp.n('ins', 2)]);
SELECT is(pg_temp.nodes('ins', 1, 2), 'available, available', 'uncordoned');
SELECT lock_nodes(ARRAY[pg_temp.n('ins', 1)]), lock_node(pg_temp.n('ins', 1));
SELECT throws_ok(format('SELECT delete_nodes(%L)', ARRAY[pg_temp.n('ins', 1), pg_temp.n('ins', 2)]), 'PM002',
    format('cannot delete node "i-%s": locked', pg_temp.n('ins', 1)), 'a locked node is not deleted');
SELECT throws_ok(format('SELECT drain_node(%s)', pg_temp.n('ins', 1)), 'PM002', format('cannot drain node "i-%s": locked', pg_temp.n('ins', 1)), 'nor drained');
SELECT lives_ok(format('SELECT reboot_node(%s)', pg_temp.n('ins', 1)), 'but rebooted');
SELECT is(pg_temp.tasks('ins', 1) || '; ' || pg_temp.nodes('ins', 1), 'reboot succeeded; available', 'at once');
SELECT unlock_nodes(ARRAY[pg_temp.n('ins', 1)]);

-- who may
SELECT is(pg_temp.as_role('task_member', format('SELECT cordon_node(%s)', pg_temp.n('ins', 1))), format('42501 permission denied for tenant %s', :acme), 'a member may not');
SELECT is(pg_temp.as_role('task_other', format('SELECT drain_node(%s)', pg_temp.n('ins', 1))), format('42704 node %s does not exist', pg_temp.n('ins', 1)), 'others do not see it');
SELECT is(pg_temp.as_role('task_owner', format('SELECT cordon_node(%s)', pg_temp.n('open', 1))), format('42704 node %s does not exist', pg_temp.n('open', 1)), 'nor a node of a public pool');
SELECT is(pg_temp.as_role('task_owner', format('SELECT drain_nodes(%L)', ARRAY[pg_temp.n('ins', 1), pg_temp.n('beta', 1)])),
    format('42704 node %s does not exist', pg_temp.n('beta', 1)), 'nor among others');
SELECT is(pg_temp.as_role('task_owner', format('SELECT lock_node(%s)', pg_temp.n('ins', 6))), '', 'an owner may');
SELECT is(pg_temp.as_role('task_owner', format('SELECT unlock_node(%s)', pg_temp.n('ins', 6))), '', 'and take it back');
SELECT is(pg_temp.as_role('task_owner', 'SELECT advance_pool(1, now())'), '42501 permission denied for function advance_pool', 'what bodies use is closed');
SELECT throws_ok('SELECT drain_nodes(''{}'')', '22023', 'no nodes are named', 'no nodes');
SELECT throws_ok('SELECT drain_nodes(ARRAY[NULL]::bigint[])', '22004', 'nodes must not contain null', 'a NULL node');
SELECT throws_ok('SELECT drain_node(NULL::bigint)', '22004', 'nodes must not contain null', 'the same');
SELECT throws_ok('SELECT drain_nodes(NULL)', '22004', 'argument "nodes" must not be null', 'NULL nodes');
SELECT throws_ok('SELECT drain_nodes(''{987654}'')', '42704', 'node 987654 does not exist', 'an unknown node');

-- ---- drain ----

SET LOCAL pool_manager.clock = '2026-03-01 00:10:00+00';
SELECT is(cardinality(ARRAY(SELECT drain_nodes(ARRAY[pg_temp.n('ins', 3), pg_temp.n('ins', 1), pg_temp.n('ins', 1)], request_id => 'd1'))), 2, 'a task for each node');
SELECT is(ARRAY(SELECT drain_nodes(ARRAY[pg_temp.n('ins', 3), pg_temp.n('ins', 1), pg_temp.n('ins', 1)], request_id => 'd1')),
    ARRAY[pg_temp.last_task('ins', 1), pg_temp.last_task('ins', 3)], 'the same request: the same tasks, by node');
SELECT throws_ok(format('SELECT drain_nodes(%L, request_id => ''d1'')', ARRAY[pg_temp.n('ins', 3)]), 'PM004', NULL, 'other content');
SELECT is(pg_temp.tasks('ins', 1, 3) || '; ' || pg_temp.nodes('ins', 1, 3),
    'drain succeeded, drain waiting; available cordoned, available isolated', 'an idle node is drained, a busy one waits');
SELECT results_eq('SELECT node::text, state::text, jobs, expected_end FROM drain_status',
    format($$VALUES ('i-%s', 'waiting', 1::bigint, '2026-03-01 01:00:00+00'::timestamptz)$$, pg_temp.n('ins', 3)), 'what is left');
SELECT results_eq('SELECT node::text, job::text, state::text, expected_end FROM drain_jobs',
    format($$VALUES ('i-%s', 'whole', 'running', '2026-03-01 01:00:00+00'::timestamptz)$$, pg_temp.n('ins', 3)), 'which jobs');
SELECT throws_ok(format('SELECT reboot_node(%s)', pg_temp.n('ins', 3)), 'PM002', format('cannot reboot node "i-%s": work is under way', pg_temp.n('ins', 3)), 'one task at a time');
SELECT throws_ok(format('SELECT uncordon_node(%s)', pg_temp.n('ins', 3)), 'PM002', format('cannot uncordon node "i-%s": being drained', pg_temp.n('ins', 3)), 'no uncordon meanwhile');
-- two drains with an endless job: the end is not known
SELECT submit_job('ins', 'endless', request => 'nvidia.com/gpu=1') AS endless \gset
SELECT is((SELECT node_id FROM allocation JOIN job_run USING (run_id) WHERE job_id = :endless), pg_temp.n('ins', 2), 'the one node that takes jobs');
SELECT drain_node('ins', 'i-' || pg_temp.n('ins', 2));
SELECT is((SELECT concat_ws(' ', jobs, coalesce(expected_end::text, 'NULL')) FROM drain_status WHERE node = 'i-' || pg_temp.n('ins', 2)), '1 NULL', 'no end is expected');
SELECT submit_job('ins', 'late', request => 'nvidia.com/gpu=1') AS late \gset
SELECT is((SELECT state::text FROM job_status WHERE job_id = :late), 'queued', 'nothing takes new jobs');
SELECT cancel_task(pg_temp.last_task('ins', 2));
SELECT is(pg_temp.tasks('ins', 2) || '; ' || pg_temp.nodes('ins', 2), 'drain cancelled; available', 'cancelled while waiting: it takes jobs again');
SELECT throws_ok(format('SELECT cancel_task(%s)', pg_temp.last_task('ins', 2)), 'PM002', format('cannot cancel task %s: it has begun or ended', pg_temp.last_task('ins', 2)), 'not twice');
SELECT count(*) FROM schedule('ins') \gset
SELECT is((SELECT state::text FROM job_status WHERE job_id = :late), 'running', 'and does');
-- the end of the last job, then a pass
SELECT finish_job((SELECT job_id FROM job WHERE name = 'whole'));
SELECT is((SELECT n.allocated::text FROM node_load n WHERE n.node_id = pg_temp.n('ins', 3)), '', 'its job has ended');
SELECT count(*) FROM schedule('ins') \gset
SELECT is(pg_temp.tasks('ins', 3) || '; ' || pg_temp.nodes('ins', 3), 'drain succeeded; available cordoned', 'a pass ends the drain: empty and cordoned');
-- force
SELECT drain_node(pg_temp.n('ins', 2), force => true);
SELECT is(pg_temp.tasks('ins', 2) || '; ' || pg_temp.nodes('ins', 2), 'drain succeeded; available cordoned', 'force: at once');
SELECT is((SELECT string_agg(state::text, ',' ORDER BY job_id) FROM job_status WHERE job_id IN (:endless, :late)), 'failed,failed', 'jobs without retries fail');
SELECT is((SELECT DISTINCT end_reason FROM job_run WHERE job_id = :late), 'node taken out of service: drain', 'and are told why');
SELECT uncordon_nodes(ARRAY[pg_temp.n('ins', 1), pg_temp.n('ins', 2), pg_temp.n('ins', 3)]);

-- ---- an agent carries it out ----

SELECT reboot_nodes(ARRAY[pg_temp.n('ext', 1), pg_temp.n('ext', 2)]);
SELECT is(pg_temp.tasks('ext', 1, 2) || '; ' || pg_temp.nodes('ext', 1, 2), 'reboot running, reboot running; checking isolated, checking isolated', 'it waits for the agent');
SELECT throws_ok(format('SELECT cancel_task(%s)', pg_temp.last_task('ext', 1)), 'PM002', NULL, 'begun: no cancel');
SELECT is(pg_temp.as_role('task_member', format('SELECT task_done(%s)', pg_temp.last_task('ext', 1))), format('42501 permission denied for tenant %s', :acme), 'a member is no agent');
SET LOCAL pool_manager.clock = '2026-03-01 00:20:00+00';
SELECT task_done(pg_temp.last_task('ext', 1)), task_failed(pg_temp.last_task('ext', 2), 'no power');
SELECT is(pg_temp.tasks('ext', 1, 2) || '; ' || pg_temp.nodes('ext', 1, 2), 'reboot succeeded, reboot failed; available, abnormal', 'done and failed');
SELECT is((SELECT remark FROM node_tasks WHERE task_id = pg_temp.last_task('ext', 2)), 'no power', 'why');
SELECT is((SELECT string_agg(state || ' ' || (until - since), ', ' ORDER BY until) FROM node_period WHERE node_id = pg_temp.n('ext', 1)),
    'available 00:10:00, checking 00:10:00', 'its history');
SELECT lives_ok(format('SELECT task_done(%s), task_failed(%s, ''x'')', pg_temp.last_task('ext', 1), pg_temp.last_task('ext', 2)), 'reports may be repeated');
SELECT throws_ok(format('SELECT task_failed(%s, ''x'')', pg_temp.last_task('ext', 1)), 'PM002',
    format('cannot report the end of task %s: it is succeeded', pg_temp.last_task('ext', 1)), 'but not contradicted');
SELECT throws_ok(format('SELECT task_done(%s)', pg_temp.last_task('ins', 1)), 'PM003', 'pool "ins" does not take reports on tasks', 'no reports where there is no agent');
SELECT throws_ok('SELECT task_done(987654)', '42704', 'task 987654 does not exist', 'an unknown task');
SELECT throws_ok('SELECT tasks_done(''{}'')', '22023', 'no tasks are named', 'no tasks');
SELECT throws_ok('SELECT cancel_task(NULL)', '22004', 'tasks must not contain null', 'a NULL task');
SELECT throws_ok(format('SELECT drain_node(%s)', pg_temp.n('ext', 2)), 'PM002', format('cannot drain node "e-%s": abnormal', pg_temp.n('ext', 2)), 'an abnormal node is not drained');
SELECT lives_ok(format('SELECT reboot_node(%s)', pg_temp.n('ext', 2)), 'but rebooted again');
SELECT task_done(pg_temp.last_task('ext', 2));
SELECT is(pg_temp.nodes('ext', 2), 'available', 'and is back');
-- a fault outlives a reboot
UPDATE node SET fault_code = 'NODE_DOWN' WHERE node_id = pg_temp.n('ext', 2);
SELECT reboot_node(pg_temp.n('ext', 2));
SELECT task_done(pg_temp.last_task('ext', 2));
SELECT is(pg_temp.tasks('ext', 2) || '; ' || pg_temp.nodes('ext', 2), 'reboot succeeded; abnormal', 'a fault that makes it unusable outlives a reboot');
UPDATE node SET fault_code = NULL WHERE node_id = pg_temp.n('ext', 2);
SELECT reset_node('ext', 'e-' || pg_temp.n('ext', 2));
SELECT task_done(pg_temp.last_task('ext', 2));
SELECT is(pg_temp.tasks('ext', 2) || '; ' || pg_temp.nodes('ext', 2), 'reset succeeded; available', 'reset');

-- ---- reset, rolling ----

SELECT submit_job('ext', 'busy', request => 'nvidia.com/gpu=4') AS busy \gset
SELECT throws_ok(format('SELECT reset_nodes(%L)', ARRAY[pg_temp.n('ext', 1), pg_temp.n('ext', 2)]), 'PM002', format('cannot reset node "e-%s": in use by jobs', pg_temp.n('ext', 1)), 'no reset of a busy node');
SELECT throws_ok(format('SELECT reset_nodes(%L, max_unavailable => %L)', ARRAY[pg_temp.n('ext', 2)], v), '22023', format('max_unavailable "%s" is neither a number nor a percentage', v), v)
FROM unnest(ARRAY['0', '-1', '0%', '101%', 'all', '', '1.5', '1000000']) AS v;
SELECT reset_nodes(ARRAY[pg_temp.n('ext', 2), pg_temp.n('ext', 3), pg_temp.n('ext', 4)], max_unavailable => '67%');
SELECT is(pg_temp.tasks('ext', 2, 3, 4), 'reset running, reset running, reset pending', '67 % of 3 are 2');
SELECT is(pg_temp.nodes('ext', 2, 3, 4), 'checking isolated, checking isolated, available', 'the third stays in service');
SELECT task_failed(pg_temp.last_task('ext', 3), 'bad image');
SELECT is(pg_temp.tasks('ext', 2, 3, 4), 'reset running, reset failed, reset running', 'an end makes room, success or not');
SELECT tasks_done(ARRAY[pg_temp.last_task('ext', 2), pg_temp.last_task('ext', 4)]);
SELECT is(pg_temp.nodes('ext', 2, 3, 4), 'available, abnormal, available', 'the others are back');
SELECT reset_nodes(ARRAY[pg_temp.n('ext', 1)], force => true);
SELECT is(pg_temp.tasks('ext', 1) || ', ' || (SELECT state FROM job_status WHERE job_id = :busy), 'reset running, failed', 'force ends the job');
SELECT tasks_done(ARRAY[pg_temp.last_task('ext', 1)]);

-- ---- delete and replace, and their cost ----

-- pools ins (6 nodes) and ext (4 nodes) since 00:00 at 10 an hour
SET LOCAL pool_manager.clock = '2026-03-01 01:00:00+00';
SELECT cordon_node(pg_temp.n('ins', 1));
UPDATE node SET labels = '{"zone": "a"}', tags = '{"team": "x"}' WHERE node_id = pg_temp.n('ins', 1);
SELECT replace_node(pg_temp.n('ins', 1));
SELECT is(pg_temp.tasks('ins', 1) || '; ' || pg_temp.nodes('ins', 1, 7), 'replace succeeded; deleting cordoned gone, available cordoned', 'replaced');
SELECT is((SELECT concat_ws(' ', name, labels, tags, available_at) FROM node WHERE node_id = pg_temp.n('ins', 7)),
    format('i-%s {"zone": "a"} {"team": "x"} 2026-03-01 01:00:00+00', pg_temp.n('ins', 7)), 'its successor has its marks and a new name');
SELECT is((SELECT concat_ws(' ', allocatable, devices) FROM node_load WHERE node_id = pg_temp.n('ins', 7)), 'cpu=16,nvidia.com/gpu=4 {0,0,0,0}', 'its size');
SELECT is((SELECT count(*) FROM network_address WHERE pool_id = :ins AND node_id IS NOT NULL), 6::bigint, 'six nodes, six addresses');
SELECT delete_node('ins', 'i-' || pg_temp.n('ins', 2));
SELECT is(pg_temp.nodes('ins', 2) || '; ' || (SELECT target_count FROM node_group WHERE pool_id = :ins), 'deleting gone; 5', 'deleted');
SELECT is((SELECT count(*) FROM network_address WHERE pool_id = :ins AND node_id IS NOT NULL), 5::bigint, 'its address is free');
SELECT throws_ok(format('SELECT delete_node(%s)', pg_temp.n('ins', 2)), '42704', format('node %s does not exist', pg_temp.n('ins', 2)), 'not twice');
SELECT throws_ok(format('SELECT delete_nodes(%L)', ARRAY(SELECT node_id FROM node WHERE pool_id = :ins AND deleted_at IS NULL)), '22023', 'cannot delete the last nodes of pool "ins"', 'one remains');

-- in ext: waits for the job, then for the agent; until then it is billed
SELECT submit_job('ext', 'tail', request => 'nvidia.com/gpu=4') AS tail \gset
SELECT is((SELECT node_id FROM allocation JOIN job_run USING (run_id) WHERE job_id = :tail), pg_temp.n('ext', 1), 'a job on the first');
SELECT cardinality(ARRAY(SELECT delete_nodes(ARRAY[pg_temp.n('ext', 1), pg_temp.n('ext', 2)], request_id => 'x1'))) \gset
SELECT is(pg_temp.tasks('ext', 1, 2) || '; ' || pg_temp.nodes('ext', 1, 2), 'delete waiting, delete running; available isolated, deleting isolated', 'one waits for its job, one for the agent');
SELECT is((SELECT target_count FROM node_group WHERE pool_id = :ext), 2, 'two are to remain');
SELECT throws_ok(format('SELECT delete_nodes(%L)', ARRAY[pg_temp.n('ext', 3), pg_temp.n('ext', 4)]), '22023', 'cannot delete the last nodes of pool "ext"', 'those that go do not remain');
SELECT cancel_task(pg_temp.last_task('ext', 1));
SELECT is(pg_temp.nodes('ext', 1) || '; ' || (SELECT target_count FROM node_group WHERE pool_id = :ext), 'available; 3', 'called off for the one');
SET LOCAL pool_manager.clock = '2026-03-01 01:30:00+00';
SELECT task_failed(pg_temp.last_task('ext', 2), 'stuck');
SELECT is(pg_temp.nodes('ext', 2) || '; ' || (SELECT target_count FROM node_group WHERE pool_id = :ext), 'abnormal; 3', 'a deletion that fails leaves an abnormal node');
SELECT delete_node(pg_temp.n('ext', 2));
SELECT task_done(pg_temp.last_task('ext', 2));
SELECT is(pg_temp.nodes('ext', 2) || '; ' || (SELECT target_count FROM node_group WHERE pool_id = :ext), 'deleting gone; 3', 'asked for again, it is not counted twice');
SELECT is(ARRAY(SELECT delete_nodes(ARRAY[pg_temp.n('ext', 1), pg_temp.n('ext', 2)], request_id => 'x1')),
    ARRAY(SELECT task_id FROM node_task WHERE kind = 'delete' AND requested_at = '2026-03-01 01:00:00+00' AND pool_id = :ext ORDER BY task_id), 'repeated though the node is gone');

-- by hand, until 02:00 at 10 an hour. ins: 4 nodes of 2 h, the replaced one 1 h
-- and its successor 1 h, the deleted one 1 h: 8 + 1 + 1 + 1 = 11 h.
-- ext: 3 nodes of 2 h, the deleted one 1.5 h: 7.5 h. Together 18.5 h, 185.
SET LOCAL pool_manager.clock = '2026-03-01 02:00:00+00';
SELECT results_eq($$SELECT sum(quantity), sum(amount) FROM charges('acme', '2026-03-01', '2026-03-02')$$, 'VALUES (18.5, 185.0)', 'what it costs');

-- ---- steps ----

SELECT create_flavor('rack', 'cpu=4', 'node') AS rack \gset
ALTER TABLE node DISABLE TRIGGER guard_unchanged;
SELECT cardinality(ARRAY(SELECT add_nodes('ins', 'rack', 4, 'r'))) \gset
ALTER TABLE node_group DISABLE TRIGGER guard_unchanged;
UPDATE node_group SET step = 2, step_type = 'rack' WHERE flavor_id = :rack;
ALTER TABLE node_group ENABLE TRIGGER guard_unchanged;
UPDATE node n SET batch_id = 100 + (r.n - 1) / 2 FROM (SELECT node_id, row_number() OVER (ORDER BY node_id) AS n FROM node WHERE flavor_id = :rack) r WHERE n.node_id = r.node_id;
ALTER TABLE node ENABLE TRIGGER guard_unchanged;
SELECT throws_ok(format('SELECT delete_nodes(%L)', ARRAY(SELECT min(node_id) FROM node WHERE batch_id = 100)), '22023',
    format('cannot delete part of a step: node "r-%s" is not named', (SELECT max(node_id) FROM node WHERE batch_id = 100)), 'a step goes whole');
SELECT cardinality(ARRAY(SELECT delete_nodes(ARRAY(SELECT node_id FROM node WHERE batch_id = 100)))) \gset
SELECT is((SELECT target_count FROM node_group WHERE flavor_id = :rack), 2, 'so many fewer');
SELECT cardinality(ARRAY(SELECT delete_nodes(ARRAY(SELECT node_id FROM node WHERE batch_id = 101)))) \gset
SELECT is((SELECT count(*) FROM node_group WHERE flavor_id = :rack), 0::bigint, 'a flavor leaves with its last node');

-- ---- migration ----

SELECT submit_job('ins', 'there', request => 'nvidia.com/gpu=4') AS there \gset
SELECT node_id AS there_node FROM allocation JOIN job_run USING (run_id) WHERE job_id = :there \gset
SELECT throws_ok(format('SELECT migrate_node(%s, %s)', :there_node, :away), 'PM002', format('cannot migrate node "i-%s": in use by jobs', :there_node), 'no node with jobs migrates');
SELECT throws_ok(format('SELECT migrate_node(%s, %s)', pg_temp.n('ins', 5), :ins), '22023', format('node "i-%s" is in pool "ins" already', pg_temp.n('ins', 5)), 'not where it is');
SELECT throws_ok(format('SELECT migrate_node(%s, %s)', pg_temp.n('ins', 5), :beta_pool), '22023', 'pools "ins" and "beta" have different owners', 'not to another owner');
SELECT throws_ok(format('SELECT migrate_node(%s, 987654)', pg_temp.n('ins', 5)), '42704', NULL, 'not to nowhere');
SELECT migrate_node('ins', 'i-' || pg_temp.n('ins', 5), 'away', 'm1') AS moved \gset
SELECT is((SELECT concat_ws(' ', name, state, labels, driver_state, pool_id = :away) FROM node WHERE node_id = :moved), format('i-%s available {} running t', pg_temp.n('ins', 5)), 'it is there with its name');
SELECT is(pg_temp.nodes('ins', 5) || '; ' || pg_temp.tasks('ins', 5), 'deleting gone; migrate succeeded', 'and no longer here');
SELECT is(migrate_node('ins', 'i-' || pg_temp.n('ins', 6), 'away'), :moved::bigint + 1, 'another');
SELECT is((SELECT string_agg(p.name || ' ' || g.target_count, ', ' ORDER BY p.name) FROM node_group g JOIN pool p USING (pool_id) WHERE p.pool_id IN (:ins, :away)), 'away 2, ins 3', 'both pools should have what they have');
SELECT is((SELECT count(*) FROM network_address WHERE pool_id = :away AND node_id IS NOT NULL), 2::bigint, 'with addresses');
SELECT create_pool('arms', 'dedicated', tenant => 'acme', network => 'net') AS arms \gset
SELECT cardinality(ARRAY(SELECT add_nodes('arms', 'arm', 1))) \gset
SELECT throws_ok(format('SELECT migrate_node(%s, %s)', :moved, :arms), '22023', 'flavor "gpu4" is x86, pool "arms" is arm64', 'one architecture a pool');
SELECT throws_ok(format('SELECT migrate_nodes(%L, %s)', ARRAY[:moved, :moved + 1], :ins), '22023', 'cannot migrate the last nodes of pool "away"', 'one remains');
-- a workspace that may have no nodes
SELECT create_workspace('acme', 'none') AS none \gset
SELECT create_pool('none', 'dedicated', :acme, (SELECT network_id FROM network WHERE name = 'net'), workspace => :none) AS none_pool \gset
SELECT set_quota(:acme, 'nodes', 0, :none);
SELECT throws_ok(format('SELECT migrate_node(%s, %s)', :moved, :none_pool), 'PM007', NULL, 'the quota of its workspace');
-- ten flavors there
SELECT create_pool('ten', 'dedicated', tenant => 'acme', network => 'net') AS ten \gset
SELECT count(create_flavor('f' || i, 'cpu=1', 'node')) FROM generate_series(1, 10) AS i \gset
SELECT sum(cardinality(ARRAY(SELECT add_nodes('ten', 'f' || i, 1)))) FROM generate_series(1, 10) AS i \gset
SELECT throws_ok(format('SELECT migrate_node(%s, %s)', :moved, :ten), '54000', 'pool "ten" would have more than 10 flavors', 'ten flavors a pool');
-- billing: charges of ins and away together go on, second for second: until
-- 03:00 the two that moved cost 10 an hour as before
SET LOCAL pool_manager.clock = '2026-03-01 03:00:00+00';
SELECT is((SELECT sum(u.ended_at - u.started_at) FROM (
        SELECT started_at, ended_at FROM usage WHERE node_id IN (pg_temp.n('ins', 5), pg_temp.n('ins', 6))
        UNION ALL SELECT since, clock() FROM holding WHERE node_id IN (:moved, :moved + 1)) u), interval '6 hours', 'neither gap nor overlap');

-- ---- pools that may not be changed ----

UPDATE pool SET restrictions = '{flavor_change}' WHERE pool_id = :ins;
SELECT throws_ok(format('SELECT delete_node(%s)', pg_temp.n('ins', 4)), 'PM002', 'cannot delete nodes of pool "ins": the provider has restricted it', 'flavor_change: no deletion');
SELECT lives_ok(format('SELECT reboot_node(%s)', pg_temp.n('ins', 4)), 'flavor_change: a reboot');
UPDATE pool SET restrictions = '{frozen}' WHERE pool_id = :ins;
SELECT throws_ok(format('SELECT reboot_node(%s)', pg_temp.n('ins', 4)), 'PM002', 'cannot reboot nodes of pool "ins": the provider has restricted it', 'frozen: no reboot');
UPDATE pool SET restrictions = '{}' WHERE pool_id = :ins;
UPDATE pool SET state = 'abnormal' WHERE pool_id = :ins;
SELECT throws_ok(format('SELECT delete_node(%s)', pg_temp.n('ins', 4)), 'PM002', 'cannot delete nodes of pool "ins": it is abnormal', 'not running: no deletion');
SELECT lives_ok(format('SELECT reboot_node(%s)', pg_temp.n('ins', 4)), 'not running: a reboot');
UPDATE pool SET state = 'running' WHERE pool_id = :ins;
UPDATE tenant SET state = 'frozen' WHERE tenant_id = :acme;
SELECT is(left(pg_temp.as_role('task_owner', format('SELECT reboot_node(%s)', pg_temp.n('ins', 4))), 5), 'PM005', 'a frozen owner');
SELECT lives_ok(format('SELECT reboot_node(%s)', pg_temp.n('ins', 4)), 'the provider still may');
UPDATE tenant SET state = 'active' WHERE tenant_id = :acme;

-- ---- agents that stop jobs ----

SELECT create_pool('slow', 'dedicated', tenant => 'acme', network => 'net', launch => 'agent') AS slow \gset
SELECT cardinality(ARRAY(SELECT add_nodes('slow', 'gpu4', 2, 's'))) \gset
SELECT submit_job('slow', 'a', request => 'nvidia.com/gpu=4') AS slow_job \gset
SELECT start_job(:slow_job);
SELECT drain_node(pg_temp.n('slow', 1), force => true);
SELECT is((SELECT state::text FROM job_status WHERE job_id = :slow_job) || '; ' || pg_temp.tasks('slow', 1), 'stopping; drain waiting', 'the job is told to stop, the node waits');
SELECT count(*) FROM schedule('slow') \gset
SELECT is((SELECT count(*) FROM event WHERE job_id = :slow_job AND to_state = 'stopping'), 1::bigint, 'it is told once');
SELECT finish_job(:slow_job, 'failed');
SELECT count(*) FROM schedule('slow') \gset
SELECT is(pg_temp.tasks('slow', 1) || '; ' || pg_temp.nodes('slow', 1), 'drain succeeded; available cordoned', 'drained when it has stopped');

-- ---- public pools, several pools in one call ----

SELECT is(cardinality(ARRAY(SELECT drain_nodes(ARRAY[pg_temp.n('open', 1), pg_temp.n('beta', 1), pg_temp.n('slow', 2)]))), 3, 'an operator drains nodes of three pools');
SELECT is(pg_temp.nodes('open', 1) || ', ' || pg_temp.nodes('beta', 1) || ', ' || pg_temp.nodes('slow', 2), 'available cordoned, available cordoned, available cordoned', 'all of them');
SELECT lives_ok(format('SELECT replace_node(%s)', pg_temp.n('open', 1)), 'a node of a public pool is replaced');
SELECT is(pg_temp.nodes('open', 3), 'available cordoned', 'without billing or address');
SELECT is((SELECT count(*) FROM holding WHERE pool_id = :open), 0::bigint, 'nothing is held');

-- every live node is isolated by its open task or by none
SELECT is((SELECT count(*) FROM node n LEFT JOIN node_task t ON t.task_id = n.isolated_by AND t.node_id = n.node_id AND t.state IN ('waiting', 'running')
    WHERE n.isolated_by IS NOT NULL AND t.task_id IS NULL), 0::bigint, 'who isolates is open');
SELECT is((SELECT count(*) FROM node_task t JOIN node n USING (node_id) WHERE t.state IN ('waiting', 'running') AND n.isolated_by IS DISTINCT FROM t.task_id), 0::bigint, 'and the other way round');

-- a thousand nodes in one call
SELECT create_network('wide', '10.4.0.0/16', 'acme');
SELECT create_pool('wide', 'dedicated', tenant => 'acme', network => 'wide') AS wide \gset
SELECT cardinality(ARRAY(SELECT add_nodes('wide', 'gpu4', 1001, 'w'))) \gset
SELECT is((SELECT count(*) FROM drain_nodes(ARRAY(SELECT node_id FROM node WHERE pool_id = :wide ORDER BY node_id LIMIT 1000))), 1000::bigint, '1,000 tasks');
SELECT is((SELECT count(*) FROM node WHERE pool_id = :wide AND NOT schedulable AND isolated_by IS NULL), 1000::bigint, '1,000 drained nodes');

-- ---- a step goes whole, also while jobs are on part of it ----

SELECT create_pool('racks', 'dedicated', tenant => 'acme', network => 'wide') AS racks \gset
SELECT create_node_group('racks', 'gpu4', 2, 'rack') \gset
SELECT cardinality(ARRAY(SELECT add_nodes('racks', 'gpu4', 4, 'k'))) \gset
SELECT submit_job('racks', 'on one node', request => 'nvidia.com/gpu=4') AS half \gset
SELECT count(*) FROM schedule('racks') \gset
SELECT n.batch_id AS rack FROM allocation a JOIN node n USING (pool_id, node_id) WHERE a.pool_id = :racks AND a.released_at IS NULL \gset
SELECT array_agg(t) AS going FROM delete_nodes(ARRAY(SELECT node_id FROM node WHERE batch_id = :rack AND pool_id = :racks)) t \gset
SELECT is((SELECT string_agg(state::text, ' ') FROM node_task WHERE task_id = ANY (:'going')), 'waiting waiting', 'the idle node of a step waits for the busy one');
SELECT is((SELECT target_count FROM node_group WHERE pool_id = :racks), 2, 'two are to stay');
SELECT cancel_task((:'going'::bigint[])[1]);
SELECT is((SELECT string_agg(state::text, ' ') FROM node_task WHERE task_id = ANY (:'going')), 'cancelled cancelled', 'called off as a whole');
SELECT is((SELECT target_count FROM node_group WHERE pool_id = :racks), 4, 'four are to be there again');
SELECT count(*) FROM delete_nodes(ARRAY(SELECT node_id FROM node WHERE batch_id = :rack AND pool_id = :racks)) \gset
SELECT finish_job(:half) \gset
SELECT count(*) FROM schedule('racks') \gset
SELECT is((SELECT count(*) FROM node WHERE pool_id = :racks AND deleted_at IS NULL), 2::bigint, 'gone together when the job has ended');
-- what is left of a step counts as one
ALTER TABLE pool DISABLE TRIGGER guard_unchanged;
UPDATE pool SET provider = 'external' WHERE name = 'racks';
ALTER TABLE pool ENABLE TRIGGER guard_unchanged;
SELECT cardinality(ARRAY(SELECT add_nodes('racks', 'gpu4', 2, 'k'))) \gset
SELECT min(node_id) AS young, max(node_id) AS youngest FROM node WHERE pool_id = :racks AND state = 'creating' \gset
SELECT node_ready(:young);
SELECT array_agg(t) AS going FROM delete_nodes(ARRAY[:young, :youngest]) t \gset
SELECT task_done((:'going'::bigint[])[1]), task_failed((:'going'::bigint[])[2], 'stuck');
SELECT repair_node(:youngest) AS repair \gset
SELECT task_done(:repair);
SELECT submit_job('racks', 'on it', request => 'nvidia.com/gpu=4', replicas => 3) \gset
SELECT count(*) FROM schedule('racks') \gset
SELECT delete_node(:youngest) AS going \gset
SELECT is((SELECT target_count FROM node_group WHERE pool_id = :racks), 2, 'half a step is deleted');
SELECT cancel_task(:going);
SELECT is((SELECT target_count FROM node_group WHERE pool_id = :racks), 4, 'and called off, it counts as a step');

-- ---- of a pool whose nodes in service have moved away ----

SELECT create_pool('left', 'dedicated', tenant => 'acme', network => 'wide') AS left_pool, create_pool('new home', 'dedicated', tenant => 'acme', network => 'wide') AS home \gset
SELECT cardinality(ARRAY(SELECT add_nodes('left', 'gpu4', 2, 'l'))) \gset
SELECT report_fault(pg_temp.n('left', 1)) \gset
SELECT is(migrate_node(pg_temp.n('left', 2), :home) IS NOT NULL, true, 'the node in service moves');
SELECT is((SELECT state::text FROM pool WHERE name = 'left'), 'abnormal', 'what is left of the pool is abnormal');

-- ---- disks and addresses are those that a node came with ----

SELECT create_sku('GiB', 'GiB'), create_sku('ip', 'address'), create_sku('ip 2', 'address'), create_volume_type('SSD', 'GiB'), create_volume_type('HDD', 'GiB') \gset
SELECT create_network('billed', '10.5.0.0/24', 'acme', address_sku => 'ip') \gset
SELECT create_pool('disks', 'dedicated', tenant => 'acme', network => 'billed') AS disks, create_pool('bare', 'dedicated', tenant => 'acme', network => 'billed') AS bare \gset
SELECT create_node_group('disks', 'cpu8', disk_count => 2, disk_gib => 50, disk_type => 'SSD') \gset
SELECT add_nodes('disks', 'cpu8', 1, 'd'), add_nodes('bare', 'cpu8', 1, 'd');
SELECT add_nodes('disks', 'cpu8', 1, 'd') AS third \gset
SELECT set_node_group('disks', 'cpu8', disk_count => 1, disk_gib => 70, disk_type => 'HDD'), set_address_sku('billed', 'ip 2') \gset
CREATE FUNCTION pg_temp.has(pool bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(concat_ws(' ', n.disk_count, n.disk_gib, n.disk_type, div(quantity(l.allocatable, 'storage'), 1073741824),
        (SELECT string_agg(s.name || ' ' || h.quantity / 1000, ', ' ORDER BY s.name) FROM holding h JOIN sku s USING (sku_id) WHERE h.node_id = n.node_id)), '; ' ORDER BY n.node_id)
    FROM node n JOIN node_load l USING (pool_id, node_id) WHERE n.pool_id = has.pool AND n.deleted_at IS NULL $$;
SELECT replace_node(pg_temp.n('disks', 1)), migrate_node(:third, :bare) \gset
SELECT is(pg_temp.has(:disks), '2 50 SSD 100 GiB 100, big 1, ip 2 1', 'a replacement has the disks of its node, and an address of its own');
SELECT is(pg_temp.has(:bare), '0 0 big 1, ip 1; 2 50 SSD 100 GiB 100, big 1, ip 2 1', 'a node that moves keeps its disks');
SELECT add_nodes('disks', 'cpu8', 1, 'd') \gset
SELECT is(pg_temp.has(:disks), '2 50 SSD 100 GiB 100, big 1, ip 2 1; 1 70 HDD 70 GiB 70, big 1, ip 2 1', 'a new one has those of its group');
-- one that is ordered has its address already
ALTER TABLE pool DISABLE TRIGGER guard_unchanged;
UPDATE pool SET provider = 'external' WHERE name = 'bare';
ALTER TABLE pool ENABLE TRIGGER guard_unchanged;
SELECT add_nodes('bare', 'cpu8', 1, 'd') AS ordered \gset
SELECT set_address_sku('billed'), node_ready(:ordered) \gset
SELECT is((SELECT count(*) FROM holding h JOIN sku s USING (sku_id) WHERE h.node_id = :ordered AND s.name = 'ip 2'), 1::bigint, 'an address is billed as what it was handed out as');

SELECT * FROM finish();
ROLLBACK;
