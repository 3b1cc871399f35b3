-- Faults of nodes and their repair, scheduled events, labels and taints, and
-- the views that tell of them. Clock: a Sunday, hours of 2026-03-01, UTC.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET LOCAL intervalstyle TO 'postgres';
SET pool_manager.clock = '2026-03-01 00:00:00+00';
SELECT plan(193);

CREATE ROLE fault_none;
CREATE ROLE fault_viewer;
CREATE ROLE fault_member;
CREATE ROLE fault_owner;
CREATE ROLE fault_operator;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'UTC') AS beta \gset
SELECT grant_tenant('acme', 'fault_viewer', 'viewer'), grant_tenant('acme', 'fault_member', 'member'),
    grant_tenant('acme', 'fault_owner', 'owner'), grant_operator('fault_operator');
SELECT create_sku('node', 'node'), create_sku('core', 'core');
SELECT create_flavor('gpu4', 'cpu=8,nvidia.com/gpu=4', 'node', 'nvidia.com/gpu'), create_flavor('cpu4', 'cpu=4', 'node');
SELECT set_resource_sku('cpu4', 'cpu=1', 'core');
SELECT set_price('node', '2', currency => 'USD'), set_price('core', '0.5', currency => 'USD');
SELECT create_network('net', '10.0.0.0/24', 'acme');

\ir include/calls.sql
-- a job of whole nodes, with so many retries
CREATE FUNCTION pg_temp.submit(pool text, name text, retries integer, replicas integer DEFAULT 1, priority integer DEFAULT 1,
    kind job_kind DEFAULT 'training', tolerations jsonb DEFAULT '[]') RETURNS bigint LANGUAGE sql AS $$
    SELECT submit_job(pool, name, kind, 'gpu4', replicas => replicas, priority => priority, tolerations => tolerations, max_retries => retries)
$$;
CREATE FUNCTION pg_temp.nodes(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', n.state, n.fault_code, CASE WHEN n.isolated_by IS NOT NULL THEN 'isolated' END), ', ' ORDER BY node_id)
    FROM pool_manager.node n JOIN pool_manager.pool p USING (pool_id) WHERE p.name = pool AND n.deleted_at IS NULL
$$;
CREATE FUNCTION pg_temp.state(job bigint) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(j.end_state, q.state, r.state)::text FROM pool_manager.job j
    LEFT JOIN pool_manager.job_queue q ON q.pool_id = j.pool_id AND q.job_id = j.job_id
    LEFT JOIN pool_manager.job_run r ON r.pool_id = j.pool_id AND r.job_id = j.job_id AND r.ended_at IS NULL WHERE j.job_id = job
$$;
CREATE FUNCTION pg_temp.jobs(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(j.name || ' ' || pg_temp.state(j.job_id), ', ' ORDER BY job_id)
    FROM pool_manager.job j JOIN pool_manager.pool p USING (pool_id) WHERE p.name = jobs.pool
$$;
CREATE FUNCTION pg_temp.waiting(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', "position", job), ', ' ORDER BY "position", job) FROM pool_manager.queue q WHERE q.pool = waiting.pool
$$;

-- ---- rights and arguments ----

SELECT create_pool('ded', 'dedicated', 'acme', 'net') AS ded \gset
SELECT n[1] AS n1, n[2] AS n2, n[3] AS n3 FROM (SELECT array_agg(i ORDER BY i) AS n FROM add_nodes('ded', 'gpu4', 3, 'n') i) s \gset
SELECT create_pool('pub', 'public') AS pub \gset
SELECT i AS p1 FROM add_nodes('pub', 'cpu4', 1, 'p') i \gset

SELECT is(pg_temp.got('fault_none', format('SELECT report_fault(%s)', :n1)), format('42704 node %s does not exist', :n1),
    'who may not see a node reports no fault of it');
SELECT is(pg_temp.got('fault_owner', format('SELECT report_fault(%s)', :p1)), format('42704 node %s does not exist', :p1),
    'nor does a tenant of a public pool''s');
SELECT alike(pg_temp.got('fault_viewer', format('SELECT report_fault(%s)', :n1)), '42501 %', 'nor a viewer');
SELECT alike(pg_temp.got('fault_member', format('SELECT report_fault(%s)', :n1)), '42501 %', 'nor a member');
SELECT throws_ok($$ SELECT report_fault(NULL::bigint) $$, '22004', NULL, 'a node is named');
SELECT throws_ok(format('SELECT report_fault(%s, NULL)', :n1), '22004', NULL, 'and a code');
SELECT throws_ok(format('SELECT report_fault(%s, ''BOREDOM'')', :n1), '42704', 'fault code "BOREDOM" does not exist', 'a known code');
SELECT throws_ok($$ SELECT report_fault('ded', 'nobody') $$, '42704', 'node "nobody" does not exist', 'by name, of a node that is there');
SELECT throws_ok($$ SELECT report_fault(987654321) $$, '42704', 'node 987654321 does not exist', 'by id too');
SELECT is(pg_temp.nodes('ded'), 'available, available, available', 'nothing has become of it all');
SELECT alike(pg_temp.got('fault_member', format('SELECT repair_node(%s)', :n1)), '42501 %', 'a member repairs no node');
SELECT throws_ok(format('SELECT repair_node(%s)', :n1), 'PM002', format('cannot repair node "n-%s": nothing is known to be wrong', :n1),
    'what is not broken is not repaired');

-- ---- lesser faults, and those that leave jobs alone ----

SELECT is(pg_temp.submit('ded', 'small', 0) IS NOT NULL, true, 'a job runs on the first node');
SELECT is(pg_temp.got('fault_owner', format('SELECT report_fault(%s, ''NT_NET_NTP_CHECK'', ''three seconds slow'')', :n1)), 'done',
    'an owner reports a fault: no spare took over');
SELECT is(pg_temp.nodes('ded'), 'available NT_NET_NTP_CHECK, available, available', 'a lesser fault is noted');
SELECT is(pg_temp.jobs('ded'), 'small running', 'and the job goes on');
SELECT is((SELECT row(node, state, code, description, since, stands_in)::text FROM node_faults),
    format('(n-%s,available,NT_NET_NTP_CHECK,"three seconds slow","2026-03-01 00:00:00+00",)', :n1), 'it is in node_faults');
SELECT is(pg_temp.got('fault_operator', format('SELECT report_fault(%s, ''A200008'')', :n1)), 'done', 'an operator reports another');
SELECT is(pg_temp.nodes('ded'), 'abnormal A200008, available, available', 'one that makes the node unusable');
SELECT is(pg_temp.jobs('ded'), 'small running', 'but does not stop what is on it');
SELECT is(report_fault(:n1, 'NT_NET_NTP_CHECK'), NULL, 'a lesser one on top of it');
SELECT is(pg_temp.nodes('ded'), 'abnormal A200008, available, available', 'does not hide it');
SELECT is((SELECT row(code, description)::text FROM node_faults), '(A200008,"the admission check failed")', 'without a word the code speaks');
SET pool_manager.clock = '2026-03-01 00:10:00+00';
SELECT is(repair_node(:n1) IS NOT NULL, true, 'a repair begins');
SELECT is(pg_temp.nodes('ded'), 'abnormal A200008 isolated, available, available', 'it waits for the job');
SELECT throws_ok(format('SELECT repair_node(%s)', :n1), 'PM002', NULL, 'a second one is refused');
SELECT is(report_fault(:n1, 'NODE_DOWN') IS NULL AND pg_temp.jobs('ded') = 'small failed', true, 'a graver fault ends the job');
SELECT is(pg_temp.nodes('ded'), 'available, available, available', 'and the repair is done as soon as it has');
SELECT is((SELECT count(*) FROM node_faults), 0::bigint, 'no node has a fault');
SELECT is((SELECT string_agg(concat_ws('>', from_state, to_state, reason), ' ' ORDER BY event_id) FROM event WHERE kind = 'node_fault'),
    'NT_NET_NTP_CHECK>three seconds slow A200008 NT_NET_NTP_CHECK NODE_DOWN', 'every report is an event');
SELECT is((SELECT string_agg(concat(p.state, ' ', p.until - p.since), ', ' ORDER BY p.until) FROM node_period p WHERE p.node_id = :n1),
    'abnormal 00:10:00', 'what the node was is kept; what it was for no time is not');

-- a lesser fault is repaired too, with force at once
SELECT is(report_fault(:n1, 'NT_NPU_ECC_COUNT'), NULL, 'a lesser fault again');
SELECT is(pg_temp.submit('ded', 'forced', 0) IS NOT NULL, true, 'of a node with a job');
SELECT is((SELECT node_id FROM allocation WHERE released_at IS NULL), :n1::bigint, 'on it');
SELECT is(repair_node('ded', 'n-' || :n1, true) IS NOT NULL AND pg_temp.nodes('ded') = 'available, available, available', true,
    'force repairs it at once');
SELECT is(pg_temp.jobs('ded'), 'small failed, forced failed', 'and ends the job');

-- ---- retries ----

-- a holds n1, the gang b n2 and n3; q1 goes before b by its priority, q2 behind
SET pool_manager.clock = '2026-03-01 00:30:00+00';
SELECT pg_temp.submit('ded', 'a', 0) AS a, pg_temp.submit('ded', 'b', 1, 2) AS b, pg_temp.submit('ded', 'q1', 0, 2, 3) AS q1,
    pg_temp.submit('ded', 'q2', 2) AS q2 \gset
SELECT is((SELECT string_agg(a.node_id || ' ' || j.name, ', ' ORDER BY a.node_id) FROM allocation a JOIN job_run r USING (pool_id, run_id)
           JOIN job j USING (pool_id, job_id) WHERE a.released_at IS NULL), format('%s a, %s b, %s b', :n1, :n2, :n3), 'who is where');
SET pool_manager.clock = '2026-03-01 01:00:00+00';
SELECT is(report_fault('ded', 'n-' || :n3, 'A050101'), NULL, 'a node of the gang fails');
SELECT is(pg_temp.nodes('ded'), 'available, available, abnormal A050101', 'it is abnormal');
SELECT is(pg_temp.jobs('ded'), 'small failed, forced failed, a running, b queued, q1 queued, q2 queued', 'the whole gang is back in the queue');
SELECT is((SELECT string_agg(l.allocated::text, '; ' ORDER BY l.node_id) FROM node_load l WHERE l.pool_id = :ded), 'cpu=8,nvidia.com/gpu=4; ; ',
    'its other node is free');
SELECT is(pg_temp.waiting('ded'), '1 q1, 2 b, 3 q2', 'it is the head of its priority');
SELECT is((SELECT row(restarted, requeued_at, start_type)::text FROM job_queue WHERE job_id = :b), '(t,"2026-03-01 01:00:00+00",restarted)',
    'it waits to be restarted');
SELECT is((SELECT row(state, started_at, ended_at, end_reason)::text FROM job_run WHERE job_id = :b),
    '(failed,"2026-03-01 00:30:00+00","2026-03-01 01:00:00+00","node fault A050101")', 'its run has ended, and why');
SELECT is((SELECT count(*) FROM schedule('ded')), 0::bigint, 'a pass finds no room for it');
SELECT is((SELECT cancel_job(:q1)), 'cancelled'::job_state, 'the one before it goes away');
SELECT is(pg_temp.waiting('ded'), '1 b, 2 q2', 'it is the first of all');
-- the same again
SELECT is(report_fault(:n3, 'A050101'), NULL, 'the fault is reported again');
SELECT is((SELECT count(*) FROM event WHERE kind = 'node_state' AND node_id = :n3), 1::bigint, 'the node changes no state again');
SELECT is((SELECT row(last_at, type, node, message, times)::text FROM pool_events WHERE pool = 'ded' LIMIT 1),
    format('("2026-03-01 01:00:00+00",Warning,n-%s,A050101,1)', :n3), 'but it is noted');
SELECT is(report_fault(:n3, 'A050101'), NULL, 'and again');
SELECT is((SELECT row(node, message, times, over)::text FROM pool_events WHERE pool = 'ded' LIMIT 1),
    format('(n-%s,A050101,2,00:00:00)', :n3), 'as one row of pool_events');

SET pool_manager.clock = '2026-03-01 01:20:00+00';
SELECT is(repair_node('ded', 'n-' || :n3) IS NOT NULL AND pg_temp.nodes('ded') = 'available, available, available', true, 'the node is repaired');
SELECT is((SELECT string_agg(job_id || ' ' || state, ', ') FROM schedule('ded')), format('%s running', :b), 'the gang runs again');
SELECT is((SELECT string_agg(start_type || ' ' || state, ', ' ORDER BY run_id) FROM job_runs WHERE job_id = :b), 'initial failed, restarted running',
    'it has two runs');
SET pool_manager.clock = '2026-03-01 02:00:00+00';
SELECT is(report_fault(:n2), NULL, 'a node of it fails again');
SELECT is(pg_temp.jobs('ded'), 'small failed, forced failed, a running, b failed, q1 cancelled, q2 queued', 'its one retry is used up: it fails');
SELECT is((SELECT row(end_state, ended_at)::text FROM job WHERE job_id = :b), '(failed,"2026-03-01 02:00:00+00")', 'for good');
SELECT is(report_fault(:n1), NULL, 'the node of the other one fails');
SELECT is((SELECT end_state FROM job WHERE job_id = :a), 'failed'::job_state, 'without retries it fails');
SELECT is((SELECT state FROM pool WHERE pool_id = :ded), 'running'::pool_state, 'the pool has one node left and is running');
SELECT is((SELECT string_agg(job_id || ' ' || state, ', ') FROM schedule('ded')), format('%s running', :q2), 'the last job runs on it');
SELECT is((SELECT string_agg(concat_ws(' ', to_char(at, 'HH24:MI'), notice, reason), ', ' ORDER BY at, notice DESC) FROM job_notices WHERE job_id = :b),
    '00:30 JobStarted, 01:00 JobRestarted node fault A050101, 01:20 JobStarted, 02:00 JobFailed node fault NODE_DOWN', 'what its submitter is told');

-- ---- the pool without a node ----

SET pool_manager.clock = '2026-03-01 03:00:00+00';
SELECT is(report_fault(:n3), NULL, 'the last node fails');
SELECT is((SELECT state FROM pool WHERE pool_id = :ded), 'abnormal'::pool_state, 'the pool is abnormal');
SELECT is((SELECT row(job, reason)::text FROM queue WHERE pool = 'ded'), '(q2,pool_not_running)', 'its job waits for it');
SELECT throws_ok($$ SELECT submit_job('ded', 'late', flavor => 'gpu4') $$, 'PM002', NULL, 'it takes no jobs');
SELECT is((SELECT row(type, kind, message)::text FROM pool_events WHERE pool = 'ded' LIMIT 1),
    '(Warning,pool_state,"running -> abnormal, no node is in service")', 'it says why');
SET pool_manager.clock = '2026-03-01 03:20:00+00';
SELECT is(repair_node(:n3) IS NOT NULL, true, 'the node is repaired');
SELECT is((SELECT state FROM pool WHERE pool_id = :ded), 'running'::pool_state, 'the pool is running again');
SELECT is((SELECT count(*) FROM schedule('ded')), 1::bigint, 'the job runs, a second time');
SET pool_manager.clock = '2026-03-01 04:00:00+00';
SELECT is(report_fault(:n3) IS NULL AND pg_temp.state(:q2) = 'queued', true, 'its second retry');
SELECT is(repair_node(:n3) IS NOT NULL AND (SELECT count(*) = 1 FROM schedule('ded')), true, 'it runs a third time');
SET pool_manager.clock = '2026-03-01 04:30:00+00';
SELECT is(report_fault(:n3) IS NULL AND pg_temp.state(:q2) = 'failed', true, 'there is no third retry');
SELECT is((SELECT string_agg(concat_ws(' ', start_type, state, ran, nodes, replicas), ', ' ORDER BY run_id) FROM job_runs WHERE job_id = :q2),
    'initial failed 01:00:00 1 1, restarted failed 00:40:00 1 1, restarted failed 00:30:00 1 1', 'its runs');
SELECT is((SELECT string_agg(concat_ws(' ', to_char(since, 'HH24:MI'), code), ', ' ORDER BY node) FROM node_faults WHERE pool = 'ded'),
    '02:00 NODE_DOWN, 02:00 NODE_DOWN, 04:30 NODE_DOWN', 'three nodes have a fault, since when');

-- three nodes from 00:00 to 05:00, whatever became of them: 15 node hours at 2
SET pool_manager.clock = '2026-03-01 05:00:00+00';
SELECT is((SELECT row(trim_scale(sum(quantity)), trim_scale(sum(amount)))::text FROM charges('acme', '2026-03-01', '2026-03-02') WHERE sku = 'node'),
    '(15,30)', 'an abnormal node is billed as before');

-- ---- notebooks ----

SELECT repair_nodes(ARRAY[:n1, :n2, :n3]);
SELECT is(pg_temp.nodes('ded'), 'available, available, available', 'several nodes are repaired at once');
SELECT pg_temp.submit('ded', 'nb', 0, kind => 'notebook') AS nb \gset
SELECT is(report_fault(:n1), NULL, 'the node of a notebook fails');
SELECT is(pg_temp.state(:nb), 'stopped', 'the notebook comes to rest');
SELECT is((SELECT end_state FROM job WHERE job_id = :nb), NULL, 'it has not ended');
SELECT is((SELECT string_agg(concat_ws(' ', notice, reason), ', ' ORDER BY at, notice) FROM job_notices WHERE job_id = :nb),
    'JobStarted, JobStopped node fault NODE_DOWN', 'its owner is told');
SELECT repair_node(:n1);

-- ---- public pools ----

-- 3 cores from 10:00:00 to 10:20:30, and from 10:45 to 11:15: 3 x (1230 + 1800) s = 2.525 core hours, at 0.5
SET pool_manager.clock = '2026-03-01 10:00:00+00';
SELECT submit_job('pub', 'billed', request => 'cpu=3', tenant => 'beta', max_retries => 1) AS billed \gset
SELECT is((SELECT count(*) FROM schedule('pub')), 1::bigint, 'a job runs in a public pool');
SET pool_manager.clock = '2026-03-01 10:20:30.9+00';
SELECT is(pg_temp.got('fault_operator', $$ SELECT report_fault('pub', 'p-$$ || :p1 || $$', 'NODE_DOWN', 'power') $$), 'done', 'its node fails');
SELECT is((SELECT count(*) FROM holding WHERE job_id = :billed OR run_id IS NOT NULL), 0::bigint, 'nothing of it is held');
SELECT is((SELECT state FROM pool WHERE pool_id = :pub), 'abnormal'::pool_state, 'the pool has no other');
SET pool_manager.clock = '2026-03-01 10:45:00+00';
SELECT is(repair_node(:p1) IS NOT NULL AND (SELECT count(*) = 1 FROM schedule('pub')), true, 'it runs again, half an hour later');
SET pool_manager.clock = '2026-03-01 11:15:00+00';
SELECT finish_job(:billed);
SELECT is((SELECT row(trim_scale(sum(quantity)), trim_scale(sum(amount)))::text FROM charges('beta', '2026-03-01', '2026-03-02')),
    '(2.525,1.2625)', 'the time of both runs is paid for, the time between them is not');

-- ---- nodes that come, go, or are worked on ----

SELECT create_pool('ext', 'dedicated', 'acme', 'net', provider => 'external') AS ext \gset
SELECT n[1] AS e1, n[2] AS e2 FROM (SELECT array_agg(i ORDER BY i) AS n FROM add_nodes('ext', 'gpu4', 2, 'e') i) s \gset
SELECT node_ready(:e1), node_ready(:e2);
SELECT is(report_fault(:e1), NULL, 'a node of a pool with a provider behind it fails');
SELECT repair_node(:e1) AS task \gset
SELECT is(pg_temp.nodes('ext'), 'checking NODE_DOWN isolated, available', 'its repair takes time');
SELECT is(report_fault(:e1, 'A050102'), NULL, 'meanwhile it does not answer');
SELECT is(pg_temp.nodes('ext'), 'checking NODE_DOWN isolated, available', 'which is no news');
SELECT throws_ok(format('SELECT set_spare(%s)', :e1), 'PM002', format('cannot keep in reserve node "e-%s": it is checking', :e1), 'it is no spare');
SELECT task_done(:task);
SELECT is(pg_temp.nodes('ext'), 'available, available', 'the provider says that it is done');
SELECT report_fault(:e2);
SELECT repair_node(:e2) AS task \gset
SELECT task_failed(:task, 'no parts');
SELECT is(pg_temp.nodes('ext'), 'available, abnormal NODE_DOWN', 'a repair that failed leaves it as it was');
SELECT report_fault(:e1);
SELECT is((SELECT state FROM pool WHERE pool_id = :ext), 'abnormal'::pool_state, 'both have failed');
SELECT repair_node(:e1) AS task \gset
SELECT is((SELECT state FROM pool WHERE pool_id = :ext), 'abnormal'::pool_state, 'while one is repaired the pool has none');
SELECT task_done(:task);
SELECT is((SELECT state FROM pool WHERE pool_id = :ext), 'running'::pool_state, 'then it has');
SELECT repair_node(:e2) AS task \gset
SELECT task_done(:task);
-- made by hand, as an order leaves them while it is open
INSERT INTO node (pool_id, flavor_id, tenant_id, name, state, state_since, created_at)
    SELECT :ext, flavor_id, :acme, s, s::node_state, clock(), clock() FROM flavor, unnest('{creating,deleting}'::text[]) s WHERE flavor.name = 'gpu4';
SELECT throws_ok($$ SELECT report_fault('ext', 'creating') $$, 'PM002', 'cannot report a fault of node "creating": it is creating',
    'a node that is being made has no faults yet');
SELECT throws_ok($$ SELECT report_fault('ext', 'deleting') $$, 'PM002', 'cannot report a fault of node "deleting": it is deleting',
    'nor one that goes');
SELECT throws_ok($$ SELECT repair_node('ext', 'creating') $$, 'PM002', NULL, 'neither is repaired');
DELETE FROM node WHERE name IN ('creating', 'deleting');

-- ---- scheduled events: states ----

CREATE FUNCTION pg_temp.pair(from_state maintenance_state, to_state maintenance_state) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    final maintenance_state[] := '{completed,failed,cancelled}';
    answer text;
BEGIN
    INSERT INTO pool_manager.node_task (pool_id, task_id, node_id, tenant_id, kind, state, requested_at, requested_by, ended_at)
    SELECT n.pool_id, 1000000, n.node_id, n.tenant_id, 'reboot', 'cancelled', clock(), 'x', clock() FROM pool_manager.node n
    ORDER BY n.node_id LIMIT 1;
    INSERT INTO pool_manager.maintenance (pool_id, maintenance_id, node_id, tenant_id, kind, state, description, not_before, task_id, created_at, ended_at)
    SELECT t.pool_id, 1000000, t.node_id, t.tenant_id, 'reboot', from_state, 'x', clock(), t.task_id, clock(),
           CASE WHEN from_state = ANY (final) THEN clock() END
    FROM pool_manager.node_task t WHERE t.task_id = 1000000;
    BEGIN
        UPDATE pool_manager.maintenance SET state = to_state, ended_at = CASE WHEN to_state = ANY (final) THEN clock() END
        WHERE maintenance_id = 1000000;
        answer := 'goes';
    EXCEPTION WHEN OTHERS THEN
        answer := sqlstate;
    END;
    DELETE FROM pool_manager.maintenance WHERE maintenance_id = 1000000;
    DELETE FROM pool_manager.node_task WHERE task_id = 1000000;
    RETURN answer;
END $$;
WITH legal(f, t) AS (VALUES ('inquiring', 'scheduled'), ('inquiring', 'cancelled'), ('scheduled', 'executing'), ('scheduled', 'cancelled'),
    ('executing', 'completed'), ('executing', 'failed'))
SELECT is(pg_temp.pair(a, b), CASE WHEN EXISTS (SELECT FROM legal l WHERE l.f = a::text AND l.t = b::text) THEN 'goes' ELSE 'PM002' END,
    format('a scheduled event from %s to %s', a, b))
FROM unnest(enum_range(NULL::maintenance_state)) a, unnest(enum_range(NULL::maintenance_state)) b WHERE a <> b;

-- ---- scheduled events: with consent ----

SET pool_manager.clock = '2026-03-01 12:00:00+00';
SELECT alike(pg_temp.got('fault_owner', format($$ SELECT schedule_maintenance(ARRAY[%s], 'reboot', 'x') $$, :n1)), '42501 %',
    'the provider announces work, not the owner');
SELECT throws_ok(format($$ SELECT schedule_maintenance(ARRAY[%s], 'drain', 'x') $$, :n1), '22023', 'invalid value for argument "kind"', 'of four kinds');
SELECT throws_ok(format($$ SELECT schedule_maintenance(ARRAY[%s], 'reboot', '  ') $$, :n1), '22023', 'invalid value for argument "description"', 'and says why');
SELECT throws_ok(format($$ SELECT schedule_maintenance(ARRAY[%s], 'reboot', 'x', '2026-03-01 11:59:59+00') $$, :n1), '22023',
    'invalid value for argument "not_before"', 'not for the past');
SELECT throws_ok(format($$ SELECT schedule_maintenance(ARRAY[%s], 'reboot', 'x', 'infinity') $$, :n1), '22023', NULL, 'nor for ever');
SELECT throws_ok($$ SELECT schedule_maintenance('{}', 'reboot', 'x') $$, '22023', NULL, 'of some nodes');
SELECT throws_ok($$ SELECT schedule_maintenance(ARRAY[NULL::bigint], 'reboot', 'x') $$, '22004', NULL, 'none of them NULL');
SELECT throws_ok($$ SELECT schedule_maintenance('ded', '{nobody}', 'reboot', 'x') $$, '42704', 'node "nobody" does not exist', 'plain literals are enough');
SELECT throws_ok($$ SELECT schedule_maintenance('ded', '{nobody}', 'reboot', 'x', '2026-03-02 12:00:00+00') $$, '42704', 'node "nobody" does not exist', 'with a time, too');
SELECT throws_ok($$ SELECT schedule_maintenance('ded', '{nobody}', 'rebot', 'x') $$, '22P02', NULL, 'of one of the kinds');
SELECT throws_ok($$ SELECT set_node_labels('ded', '{nobody}', '{"disk": "ssd"}') $$, '42704', 'node "nobody" does not exist', 'so they are for labels');
SELECT throws_ok($$ SELECT set_node_labels('ded', '{nobody}', '{"disk": "ssd"}', 'create') $$, '42704', 'node "nobody" does not exist', 'with an action, too');
SELECT throws_ok($$ SELECT schedule_maintenance('ded', ARRAY['nobody'], 'reboot', 'x') $$, '42704', 'node "nobody" does not exist', 'that are there');

SELECT m[1] AS m1, m[2] AS m2 FROM (SELECT array_agg(i) AS m FROM schedule_maintenance('ded', ARRAY['n-' || :n1, 'n-' || :n2], 'reboot', 'new kernel', request_id => 'r1') i) s \gset
SELECT is((SELECT string_agg(concat_ws(' ', maintenance_id, node, kind, state, not_before, description), ', ' ORDER BY maintenance_id) FROM scheduled_events),
    format('%s n-%s reboot inquiring new kernel, %s n-%s reboot inquiring new kernel', :m1, :n1, :m2, :n2), 'the owner is asked');
SELECT is((SELECT array_agg(i) FROM schedule_maintenance('ded', ARRAY['n-' || :n1, 'n-' || :n2], 'reboot', 'new kernel', request_id => 'r1') i),
    ARRAY[:m1, :m2]::bigint[], 'the same request asks once');
SELECT throws_ok(format($$ SELECT schedule_maintenance('ded', ARRAY['n-%s'], 'reset', 'new kernel', request_id => 'r1') $$, :n1), 'PM004', NULL, 'another one cannot have its id');
SELECT throws_ok(format($$ SELECT schedule_maintenance(ARRAY[%s], 'reset', 'x') $$, :n2), 'PM002',
    format('cannot schedule work on node "n-%s": a scheduled event is open', :n2), 'one at a time');
SELECT is((SELECT count(*) FROM schedule('ded')), 0::bigint, 'a pass changes nothing');
SELECT is(pg_temp.nodes('ded'), 'available, available, available', 'nothing happens without consent');
SELECT is(pg_temp.got('fault_none', format('SELECT accept_maintenance(%s)', :m1)), format('42704 scheduled event %s does not exist', :m1), 'not of a stranger');
SELECT alike(pg_temp.got('fault_member', format('SELECT accept_maintenance(%s)', :m1)), '42501 %', 'nor of a member');
SELECT throws_ok(format($$ SELECT accept_maintenance(%s, '2026-03-01 11:00:00+00') $$, :m1), '22023', NULL, 'nor for the past');

-- m1 at 13:00, when q is on the node; m2 now
SELECT pg_temp.submit('ded', 'keeps', 0) AS keeps \gset
SELECT is(pg_temp.got('fault_owner', format($$ SELECT accept_maintenance(%s, '2026-03-01 13:00:00+00') $$, :m1)), 'done', 'the owner consents, from 13:00 on');
SELECT accept_maintenance(:m2);
SELECT is((SELECT string_agg(concat_ws(' ', state, to_char(not_before, 'HH24:MI')), ', ' ORDER BY maintenance_id) FROM scheduled_events),
    'scheduled 13:00, completed 12:00', 'and at once to the other, which is done');
SELECT throws_ok(format('SELECT accept_maintenance(%s)', :m1), 'PM002', format('scheduled event %s is scheduled', :m1), 'consent is given once');
SET pool_manager.clock = '2026-03-01 12:59:59+00';
SELECT is((SELECT count(*) FROM schedule('ded')) = 0 AND pg_temp.nodes('ded') = 'available, available, available', true, 'not before 13:00');
SET pool_manager.clock = '2026-03-01 13:00:00+00';
SELECT count(*) FROM schedule('ded');
SELECT is(pg_temp.nodes('ded'), 'available isolated, available, available', 'then the node takes no new jobs');
SELECT is(pg_temp.state(:keeps), 'running', 'the one on it goes on');
SELECT is((SELECT state FROM maintenance WHERE maintenance_id = :m1), 'executing'::maintenance_state, 'the event is executing');
SELECT throws_ok(format('SELECT cancel_maintenance(%s)', :m1), 'PM002', format('scheduled event %s is executing', :m1), 'and cannot be called off');
SET pool_manager.clock = '2026-03-01 13:20:00+00';
SELECT finish_job(:keeps);
SELECT count(*) FROM schedule('ded');
SELECT count(*) FROM schedule('ded');
SELECT is((SELECT state FROM maintenance WHERE maintenance_id = :m1), 'completed'::maintenance_state, 'when the job has ended it is done');
SELECT is(pg_temp.nodes('ded'), 'available, available, available', 'and the node back');
SELECT is((SELECT string_agg(concat_ws('>', from_state, to_state), ' ' ORDER BY event_id) FROM event WHERE kind = 'maintenance_state' AND node_id = :n1),
    'inquiring inquiring>scheduled scheduled>executing executing>completed', 'every step is an event');

-- announced for a time; called off; an external pool; public pools
SELECT schedule_maintenance(ARRAY[:n1, :e1], 'repair', 'hot', '2026-03-01 15:00:00+00') AS m3 OFFSET 0 LIMIT 1 \gset
SELECT maintenance_id AS m4 FROM maintenance WHERE node_id = :e1 \gset
SELECT throws_ok(format($$ SELECT accept_maintenance(%s, '2026-03-01 14:00:00+00') $$, :m4), '22023', NULL, 'not before the provider comes');
SELECT accept_maintenance(:m3), accept_maintenance(:m4);
SELECT is((SELECT string_agg(concat_ws(' ', pool, state, to_char(not_before, 'HH24:MI')), ', ' ORDER BY maintenance_id) FROM scheduled_events
           WHERE maintenance_id IN (:m3, :m4)), 'ded scheduled 15:00, ext scheduled 15:00', 'in two pools at once, from the time announced on');
SELECT alike(pg_temp.got('fault_owner', format('SELECT cancel_maintenance(%s)', :m3)), '42501 %', 'the owner does not call it off');
SELECT cancel_maintenance(:m3);
SELECT is((SELECT row(state, ended_at)::text FROM maintenance WHERE maintenance_id = :m3), '(cancelled,"2026-03-01 13:20:00+00")', 'the provider does');
SET pool_manager.clock = '2026-03-01 15:00:00+00';
SELECT count(*) FROM schedule();
SELECT is(pg_temp.nodes('ded') || '; ' || pg_temp.nodes('ext'), 'available, available, available; checking isolated, available',
    'one is called off, the other begins');
SELECT task_id AS task FROM maintenance WHERE maintenance_id = :m4 \gset
SELECT task_failed(:task, 'still hot');
SELECT count(*) FROM schedule('ext');
SELECT is((SELECT state FROM maintenance WHERE maintenance_id = :m4), 'failed'::maintenance_state, 'it fails with its task');
SELECT is(pg_temp.nodes('ext'), 'abnormal, available', 'and so does the node');
SELECT is((SELECT row(code, description, since)::text FROM node_faults WHERE pool = 'ext'), '(,,"2026-03-01 15:00:00+00")', 'which has no fault that was reported');
SELECT repair_node(:e1) AS task \gset
SELECT task_done(:task);
SELECT schedule_maintenance(ARRAY[:p1], 'reboot', 'x', '2026-03-01 16:00:00+00') AS m5 \gset
SELECT is((SELECT state FROM maintenance WHERE maintenance_id = :m5), 'scheduled'::maintenance_state, 'for a public pool nobody is asked');
SET pool_manager.clock = '2026-03-01 16:00:00+00';
SELECT count(*) FROM schedule('pub');
SELECT is((SELECT state FROM maintenance WHERE maintenance_id = :m5), 'completed'::maintenance_state, 'and it is done in time');

-- ---- labels and taints ----

SELECT alike(pg_temp.got('fault_member', format($$ SELECT set_node_labels(ARRAY[%s], '{}') $$, :n1)), '42501 %', 'a member sets no labels');
SELECT throws_ok(format($$ SELECT set_node_labels(ARRAY[%s], '{"a": 1}') $$, :n1), '22023', 'invalid value for argument "labels"', 'labels are strings');
SELECT throws_ok(format($$ SELECT set_node_labels(ARRAY[%s], '[]') $$, :n1), '22023', NULL, 'of an object');
SELECT throws_ok(format($$ SELECT set_node_labels(ARRAY[%s], '{"a": ["b"]}') $$, :n1), '22023', NULL, 'not of arrays in it');
SELECT set_node_labels(ARRAY[:n1, :n2, :e1], '{"zone": "a", "rack": "1"}');
SELECT set_node_labels('ded', ARRAY['n-' || :n2], '{"zone": "b", "row": "7"}', 'create');
SELECT set_node_labels(ARRAY[:n1, :n2], '{"zone": "a", "rack": "1"}', 'delete');
SELECT is((SELECT string_agg(labels::text, ' ' ORDER BY node_id) FROM node WHERE node_id IN (:n1, :n2, :n3, :e1)),
    '{} {"row": "7", "zone": "b"} {} {"rack": "1", "zone": "a"}', 'labels are replaced, added and taken away, in two pools at once');
SELECT is((SELECT count(*) FROM event WHERE kind = 'node_changed' AND reason = 'labels'), 6::bigint, 'an event for each node that changed');
SELECT set_node_labels(ARRAY[:n1], '{}');
SELECT is((SELECT count(*) FROM event WHERE kind = 'node_changed' AND reason = 'labels'), 6::bigint, 'none for one that did not');

SELECT throws_ok(format($$ SELECT set_node_taints(ARRAY[%s], '{}') $$, :n1), '22023', 'invalid value for argument "taints"', 'taints are an array');
SELECT throws_ok(format($$ SELECT set_node_taints(ARRAY[%s], '[{"value": "a"}]') $$, :n1), '22023', NULL, 'each with a key');
SELECT throws_ok(format($$ SELECT set_node_taints(ARRAY[%s], '[{"key": 1}]') $$, :n1), '22023', NULL, 'which is a string');
SELECT throws_ok(format($$ SELECT set_node_taints(ARRAY[%s], '["a"]') $$, :n1), '22023', NULL, 'and are objects');
-- three jobs: any value of the key, another value, none
SELECT pg_temp.submit('ded', 'any', 1, tolerations => '[{"key": "test"}]') AS t1,
    pg_temp.submit('ded', 'other', 1, tolerations => '[{"key": "test", "value": "2"}]') AS t2, pg_temp.submit('ded', 'none', 0) AS t3 \gset
SELECT set_node_taints(ARRAY[:n1, :n2, :n3], '[{"key": "test", "value": "1", "effect": "PreferNoSchedule"}]');
SELECT set_node_taints(ARRAY[:n1, :n2, :n3], '[{"key": "test", "value": "1", "effect": "NoSchedule"}]');
SELECT is(concat_ws(' ', pg_temp.state(:t1), pg_temp.state(:t2), pg_temp.state(:t3)), 'running running running',
    'what runs stays');
SELECT set_node_taints(ARRAY[:n1, :n2, :n3], '[{"key": "test", "value": "1", "effect": "NoExecute"}]');
SELECT is(concat_ws(' ', pg_temp.state(:t1), pg_temp.state(:t2), pg_temp.state(:t3)), 'running queued failed',
    'unless the effect is NoExecute and the job does not tolerate it: it goes back into the queue, or fails');
SELECT is((SELECT count(*) FROM schedule('ded')), 0::bigint, 'and is not placed there');
SELECT is((SELECT reason FROM queue WHERE job_id = :t2), 'no_matching_node', 'for no other reason');
SELECT set_node_taints('ded', ARRAY['n-' || :n2], '[{"key": "test", "value": "2"}]');
SELECT is((SELECT string_agg(job_id || ' ' || state, ', ') FROM schedule('ded')), format('%s running', :t2), 'but where it is tolerated');
SELECT set_node_taints(ARRAY[:n1, :n2, :n3], '[]');
SELECT is((SELECT count(*) FROM node WHERE taints <> '[]'), 0::bigint, 'taints are taken away');

-- ---- internals ----

SELECT is((SELECT string_agg(f, ' ') FROM unnest(ARRAY['nodes_named(bigint,text[])', 'settle_pool_state(bigint,timestamptz)',
        'swap_in_spare(bigint,bigint,timestamptz)', 'set_maintenance_states(bigint,bigint[],maintenance_state,timestamptz)',
        'advance_maintenance(bigint,timestamptz)', 'refuse_past(timestamptz,timestamptz)', 'lock_maintenance(bigint,text)']) f
    WHERE has_function_privilege('fault_operator', f::regprocedure, 'EXECUTE')), NULL, 'what calls share is theirs alone');
SELECT is(pg_temp.got('fault_none', $$ SELECT concat((SELECT count(*) FROM node_faults), (SELECT count(*) FROM scheduled_events),
    (SELECT count(*) FROM job_runs), (SELECT count(*) FROM pool_events), (SELECT count(*) FROM job_notices)) $$), '00000',
    'a stranger sees nothing in the views');

SELECT * FROM finish();
ROLLBACK;
