-- Reservations: who makes them and of which nodes; whose jobs run there, what
-- others may still do, and what they are told.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-01 09:00:00+00';
SELECT no_plan();

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'USD', 'UTC');
SELECT create_sku('vm', 'node'), create_sku('task', 'task');
SELECT set_price('vm', '3', '2026-01-01', currency => 'USD'), set_price('task', '1', '2026-01-01', currency => 'USD');
SELECT create_flavor('vm.8', 'cpu=8', 'vm'), create_flavor('vm.16', 'cpu=16', 'vm'), create_flavor('task.8', 'cpu=8', 'task');
SELECT set_resource_sku('vm.8', 'cpu=1', NULL), set_resource_sku('vm.16', 'cpu=1', NULL);
SELECT create_network('net', '10.0.0.0/16', 'acme');
CREATE ROLE res_owner; CREATE ROLE res_member; CREATE ROLE res_beta;
SELECT grant_tenant('acme', 'res_owner', 'owner'), grant_tenant('acme', 'res_member', 'member'), grant_tenant('beta', 'res_beta', 'owner');

CREATE TEMP TABLE made (name text PRIMARY KEY, job_id bigint);
GRANT ALL ON made TO PUBLIC;
CREATE FUNCTION pg_temp.id(job text) RETURNS bigint LANGUAGE sql AS $$ SELECT job_id FROM made WHERE name = job $$;
CREATE FUNCTION pg_temp.at(t text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('pool_manager.clock', '2026-03-01 ' || t || '+00', false)
$$;
CREATE FUNCTION pg_temp.submit(pool text, name text, hours numeric DEFAULT NULL, replicas integer DEFAULT 1, reservation text DEFAULT NULL,
    sub_pool text DEFAULT NULL, priority integer DEFAULT 1, preemptible boolean DEFAULT false, fewest integer DEFAULT NULL,
    tenant text DEFAULT 'acme', request resource_list DEFAULT 'cpu=8') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO made SELECT submit.name, submit_job(submit.pool, submit.name, request => submit.request, replicas => submit.replicas,
        min_replicas => submit.fewest, tenant => submit.tenant, time_limit => submit.hours * interval '1 hour', sub_pool => submit.sub_pool,
        priority => submit.priority, preemptible => submit.preemptible, reservation => submit.reservation);
    PERFORM schedule(submit.pool);
END $$;
-- where a job runs; or why not, with the numbers
CREATE FUNCTION pg_temp.says(asked text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(
        (SELECT string_agg(n.name, ' ' ORDER BY n.node_id) FROM allocation a JOIN job_run r USING (pool_id, run_id) JOIN node n USING (pool_id, node_id)
         WHERE r.job_id = pg_temp.id(asked) AND a.released_at IS NULL),
        (SELECT concat_ws(' ', q.reason, q.lacking) FROM queue q WHERE q.job_id = pg_temp.id(asked)),
        (SELECT j.end_state::text FROM job j WHERE j.job_id = pg_temp.id(asked)))
$$;
CREATE FUNCTION pg_temp.starts(asked text) RETURNS text LANGUAGE sql AS $$
    SELECT to_char(q.expected_start, 'HH24:MI') FROM queue q WHERE q.job_id = pg_temp.id(asked)
$$;
CREATE FUNCTION pg_temp.nodes_of(reservation text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(n.name, ' ' ORDER BY n.node_id) FROM reservation_node m JOIN reservation r USING (pool_id, reservation_id)
    JOIN node n ON n.pool_id = m.pool_id AND n.node_id = m.node_id WHERE r.name = nodes_of.reservation AND r.deleted_at IS NULL
$$;

SELECT create_pool('own', 'dedicated', 'acme', 'net'), create_pool('open', 'public');
SELECT add_nodes('own', 'vm.8', 4, 'n'), add_nodes('open', 'vm.8', 2, 'p');
SELECT set_queue_policy('own', 'traversal');

-- ---- who, and what of ----

SET ROLE res_member;
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 10:00+00', '2026-03-01 11:00+00', 1)$$, '42501', NULL, 'members reserve nothing');
SET ROLE res_beta;
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 10:00+00', '2026-03-01 11:00+00', 1)$$, '42704', NULL, 'nor does a stranger');
SET ROLE res_owner;
SELECT throws_ok($$SELECT create_reservation('open', 'r', '2026-03-01 10:00+00', '2026-03-01 11:00+00', 1, tenant => 'acme')$$, '42501', NULL,
    'in a public pool operators reserve');
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 10:00+00', '2026-03-01 11:00+00')$$, '22023', 'invalid value for argument "node_count"', 'so many');
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 10:00+00', '2026-03-01 11:00+00', 1, nodes => '{n-1}')$$, '22023', NULL, 'or those that are named');
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 10:00+00', '2026-03-01 11:00+00', 0)$$, '22023', NULL, 'at least one');
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 10:00+00', '2026-03-01 10:00+00', 1)$$, '22023', 'invalid value for argument "ends_at"', 'it lasts');
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 07:00+00', '2026-03-01 09:00+00', 1)$$, '22023', NULL, 'and is not over already');
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 10:00+00', 'infinity', 1)$$, '22023', NULL, 'nor lasts for ever');
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 10:00+00', '2026-03-01 11:00+00', nodes => '{n-9}')$$, '42704', NULL, 'of nodes that are there');
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 10:00+00', '2026-03-01 11:00+00', 1, sub_pool => 'x')$$, '42704', NULL, 'for a sub-pool that is there');
SELECT throws_ok($$SELECT create_reservation('own', '', '2026-03-01 10:00+00', '2026-03-01 11:00+00', 1)$$, '22023', NULL, 'by a name');
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 10:00+00', '2026-03-01 11:00+00', 5)$$, 'PM002', 'cannot reserve 5 of the nodes of pool "own"', 'no more than there are');
SELECT create_reservation('own', 'event', '2026-03-01 12:00+00', '2026-03-01 14:00+00', 2, request_id => 'k1') AS event \gset
SELECT is(create_reservation('own', 'event', '2026-03-01 12:00+00', '2026-03-01 14:00+00', 2, request_id => 'k1'), :event::bigint, 'a call can be repeated');
SELECT throws_ok($$SELECT create_reservation('own', 'event', '2026-03-01 12:00+00', '2026-03-01 14:00+00', 3, request_id => 'k1')$$, 'PM004', NULL, 'as it was');
SELECT throws_ok($$SELECT create_reservation('own', 'event', '2026-03-02 12:00+00', '2026-03-02 14:00+00', 1)$$, '42710', NULL, 'a name is given once');
RESET ROLE;
SELECT is(pg_temp.nodes_of('event'), 'n-1 n-2', 'the first nodes that are free for it');
SELECT throws_ok($$SELECT create_reservation('own', 'r', '2026-03-01 13:00+00', '2026-03-01 15:00+00', nodes => '{n-2,n-3}')$$, 'PM002',
    'cannot reserve node "n-2": reserved', 'a node is in one at a time');
SELECT create_reservation('own', 'next', '2026-03-01 14:00+00', '2026-03-01 15:00+00', nodes => '{n-2,n-3}');
SELECT is(pg_temp.nodes_of('next'), 'n-2 n-3', 'one after the other');

-- the tables themselves
SELECT throws_ok(format($$INSERT INTO reservation_node SELECT pool_id, %s, node_id, tenant_id, '2026-03-01 12:00+00', '2026-03-01 14:00+00'
    FROM node WHERE name = 'n-2' AND pool_id = (SELECT pool_id FROM pool WHERE name = 'own')$$, :event), '23505', NULL, 'a node is in a reservation once');
SELECT throws_ok(format($$INSERT INTO reservation_node SELECT pool_id, reservation_id, (SELECT node_id FROM node WHERE name = 'n-4'), tenant_id, starts_at, ends_at + interval '1 hour'
    FROM reservation WHERE reservation_id = %s$$, :event), '23503', NULL, 'at the times of the reservation');
SELECT throws_ok($$INSERT INTO reservation_node SELECT pool_id, reservation_id, (SELECT node_id FROM node WHERE name = 'n-1'), tenant_id, starts_at - interval '1 hour', ends_at
    FROM reservation WHERE name = 'next'$$, '23P01', NULL, 'and in no other then');
SELECT throws_ok(format($$UPDATE reservation SET ends_at = '2026-03-01 16:00+00' WHERE reservation_id = %s$$, :event), '55000', NULL, 'what was reserved does not change');

-- ---- before it begins ----

SELECT pg_temp.submit('own', 'short', 3, 2), pg_temp.submit('own', 'long', 4, 2), pg_temp.submit('own', 'endless');
SELECT is(pg_temp.says('short'), 'n-1 n-2', 'what ends in time runs on reserved nodes');
SELECT is(pg_temp.says('long'), 'n-3 n-4', 'what does not runs on others');
SELECT pg_temp.submit('own', 'e1', 1, 1, 'event'), pg_temp.submit('own', 'e2', 2, 2, 'event'), pg_temp.submit('own', 'n1', 1, 1, 'next');
SELECT is(pg_temp.says('e1'), 'reservation until 2026-03-01 12:00:00+00', 'its jobs wait for it');
SELECT is(pg_temp.says('endless'), 'resources 0 of 8 cpu', 'others for what is free');
-- e2 before e1: both cannot run side by side, and e1 comes first
SELECT is(pg_temp.starts('e1'), '12:00', 'a job starts when its reservation begins');
SELECT is(pg_temp.starts('e2'), NULL, 'one that would not end in it does not');
SELECT is(pg_temp.starts('n1'), '14:00', 'and in the next, then');
SELECT is(pg_temp.starts('endless'), '13:00', 'one of no reservation without an end on a node that is in none');
SELECT throws_ok($$SELECT pg_temp.submit('own', 'x', NULL, 1, 'event')$$, 'PM001', 'job "x" may run longer than its reservation "event" lasts', 'its jobs have a time limit');
SELECT throws_ok($$SELECT pg_temp.submit('own', 'x', 2.1, 1, 'event')$$, 'PM001', NULL, 'that is not longer than it');
SELECT throws_ok($$SELECT pg_temp.submit('own', 'x', 1, 1, 'nobody')$$, '42704', 'reservation "nobody" does not exist', 'a name that is known');
SELECT results_eq($$SELECT reservation::text, state, holder, nodes, in_use, queued FROM reservation_status ORDER BY starts_at$$,
    $$VALUES ('event', 'planned', 'acme', 2::bigint, 0::bigint, 2::bigint), ('next', 'planned', 'acme', 2, 0, 1)$$, 'what is reserved');

-- ---- while it is open ----

SELECT pg_temp.at('12:00:00');
SELECT schedule('own');
SELECT is(pg_temp.says('short'), 'timed_out', 'who was there has ended');
SELECT is(pg_temp.says('e1'), 'n-1', 'its job runs on its nodes');
SELECT is(pg_temp.says('e2'), 'resources 8 of 16 cpu', 'another waits for them');
SELECT pg_temp.submit('own', 'foreign', 0.5);
SELECT is(pg_temp.says('foreign'), 'reserved_nodes 0 of 1 replicas', 'others do not get what is free there');
SELECT is(pg_temp.starts('foreign'), '13:00', 'they wait for another node');
SELECT is(pg_temp.says('endless'), 'reserved_nodes 0 of 1 replicas', 'who has no time limit too');
SELECT pg_temp.submit('own', 'e3', 1, 3, 'event');
SELECT is(pg_temp.says('e3'), 'exceeds_max 2 of 3 replicas', 'a job that its nodes do not hold');
SELECT is((SELECT row(nodes, in_use, queued)::text FROM reservation_status WHERE reservation = 'event'), '(2,1,2)', 'what is in use');

-- ---- its end ----

SELECT pg_temp.at('13:00:00');
SELECT schedule('own');
SELECT is(pg_temp.says('e1'), 'timed_out', 'e1 has ended');
SELECT is(pg_temp.says('e2'), 'reservation_over', 'what would not end in time does not start');
SELECT is(pg_temp.says('endless'), 'n-4', 'long has ended too');
SELECT is(pg_temp.says('foreign'), 'n-3', 'on n-3 until the next begins');
SELECT is((SELECT string_agg(concat_ws(' ', e.kind, e.item, e.detail, e.count, to_char(e.at, 'HH24:MI')), ', ') FROM explain_job(pg_temp.id('e2')) e
    WHERE e.kind IN ('nodes', 'blocked_by', 'would_start')), 'nodes reservation 4, blocked_by own_reservation event 14:00, would_start time_limit 01:00:00',
    'explained: no node for so long, and what limit would do');
SELECT pg_temp.submit('own', 'e4', 0.5, 2, 'event');
SELECT is(pg_temp.says('e4'), 'n-1 n-2', 'a short one does');
SELECT throws_ok($$SELECT pg_temp.submit('own', 'x', 1.5, 1, 'event')$$, 'PM001', NULL, 'nobody comes who is too late');
SELECT pg_temp.at('14:00:00');
SELECT schedule('own');
SELECT is(pg_temp.says('e2'), 'reservation_over', 'it is over');
SELECT is(pg_temp.says('n1'), 'n-2', 'the next has begun');
SELECT throws_ok($$SELECT pg_temp.submit('own', 'x', 1, 1, 'event')$$, 'PM002', 'reservation "event" is over', 'nobody comes any more');
SELECT pg_temp.submit('own', 'after', 5);
SELECT is(pg_temp.says('after'), 'n-1', 'its node is anybody''s');
SELECT results_eq($$SELECT reservation::text, state, nodes FROM reservation_status ORDER BY starts_at$$,
    $$VALUES ('event', 'over', 2::bigint), ('next', 'open', 2)$$, 'over');
SELECT create_reservation('own', 'event', '2026-03-01 15:00+00', '2026-03-01 16:00+00', 1) AS again \gset
SELECT isnt(:again::bigint, :event::bigint, 'the name of one that is over is free');
SELECT is(pg_temp.nodes_of('event'), 'n-2', 'n-1 is busy then');

-- ---- deleting ----

SELECT pg_temp.submit('own', 'n2', 1, 1, 'next'), pg_temp.submit('own', 'n3', 1, 1, 'next');
SELECT is(pg_temp.says('n2'), 'n-3', 'the second node');
SELECT is(pg_temp.says('n3'), 'resources 0 of 8 cpu', 'and no third');
SET ROLE res_member;
SELECT throws_ok($$SELECT delete_reservation('own', 'next')$$, '42501', NULL, 'members delete nothing');
SET ROLE res_owner;
SELECT delete_reservation('own', 'next');
SELECT throws_ok($$SELECT delete_reservation('own', 'next')$$, '42704', NULL, 'once');
RESET ROLE;
SELECT schedule('own');
SELECT is(pg_temp.says('n2'), 'n-3', 'what runs goes on');
SELECT is(pg_temp.says('n3'), 'reservation_over', 'what waits does not start');
SELECT is((SELECT string_agg(concat_ws(' ', from_state, to_state, reason), ', ' ORDER BY event_id) FROM event WHERE kind = 'reservation_changed'),
    'created event, created next, created event, open next', 'events');
SELECT is(cancel_job(pg_temp.id('n3'))::text, cancel_job(pg_temp.id('e2'))::text, 'cancelled');

SELECT create_reservation('own', 'early', '2026-03-01 20:00+00', '2026-03-01 21:00+00', 1);
SELECT pg_temp.submit('own', 'x1', 1, 1, 'early');
SELECT delete_reservation('own', 'early');
SELECT schedule('own');
SELECT is(pg_temp.says('x1'), 'reservation_over', 'one that never began');
SELECT is((SELECT string_agg(concat_ws(' ', e.item, e.detail, to_char(e.at, 'HH24:MI')), ', ') FROM explain_job(pg_temp.id('x1')) e WHERE e.kind = 'blocked_by'),
    'own_reservation early 14:00', 'explained');

-- ---- maintenance, and nodes that go ----

SELECT create_pool('two', 'dedicated', 'acme', 'net');
SELECT add_nodes('two', 'vm.8', 3, 't');
SELECT set_queue_policy('two', 'traversal');
SELECT create_reservation('two', 'r', '2026-03-01 16:00+00', '2026-03-01 20:00+00', nodes => '{t-7,t-8}');
SELECT accept_maintenance(schedule_maintenance('two', '{t-7}', 'reboot', 'kernel', '2026-03-01 18:00+00'));
SELECT pg_temp.at('16:00:00');
SELECT pg_temp.submit('two', 'r1', 3, 2, 'r');
SELECT is(pg_temp.says('r1'), 'maintenance', 'maintenance counts in reservations');
SELECT pg_temp.submit('two', 'r2', 2, 2, 'r');
SELECT is(pg_temp.says('r2'), 't-7 t-8', 'what ends before it runs');
SELECT throws_ok($$SELECT create_reservation('two', 'x', '2026-03-01 21:00+00', '2026-03-01 22:00+00', nodes => '{t-7}')$$, 'PM002',
    'cannot reserve node "t-7": in maintenance', 'nobody knows how long it takes');
SELECT pg_temp.submit('two', 'free', 10);
SELECT throws_ok($$SELECT create_reservation('two', 'x', '2026-03-01 21:00+00', '2026-03-01 22:00+00', nodes => '{t-9}')$$, 'PM002',
    'cannot reserve node "t-9": busy', 'where a run may last beyond the beginning');
SELECT create_reservation('two', 'later', '2026-03-02 03:00+00', '2026-03-02 04:00+00', nodes => '{t-9}');
SELECT delete_nodes(ARRAY(SELECT node_id FROM node WHERE name = 't-9'), force => true);
SELECT is(pg_temp.nodes_of('later'), NULL, 'a node that goes leaves its reservations');

-- ---- sub-pools and preemption ----

SELECT create_pool('parts', 'dedicated', 'acme', 'net');
SELECT set_pool('parts', preemption => 'lower_priority');
SELECT add_nodes('parts', 'vm.8', 2, 's');
SELECT create_sub_pool('parts', 'a', 'cpu=16'), create_sub_pool('parts', 'b', '', 'cpu=16');
SELECT create_reservation('parts', 'ra', clock(), clock() + interval '4 hours', 1, sub_pool => 'a');
SELECT is((SELECT holder FROM reservation_status WHERE reservation = 'ra'), 'a', 'for a sub-pool');
SELECT throws_ok($$SELECT pg_temp.submit('parts', 'x', 1, 1, 'ra', 'b')$$, '42704', NULL, 'not for another');
SELECT pg_temp.submit('parts', 'low', 2, 1, 'ra', 'a', 1, true), pg_temp.submit('parts', 'other', 2, 1, NULL, 'a', 1);
SELECT is(pg_temp.says('low'), 's-10', 'in it');
SELECT is(pg_temp.says('other'), 's-11', 'beside it');
SELECT pg_temp.submit('parts', 'high', 2, 1, NULL, 'a', 3);
SELECT is(pg_temp.says('low'), 's-10', 'nobody is evicted from a reservation for others');
SELECT pg_temp.submit('parts', 'best', 2, 1, 'ra', 'a', 2);
SELECT is(pg_temp.says('best'), 's-10', 'but for its own jobs');

-- ---- growth ----

SELECT create_pool('grow', 'dedicated', 'acme', 'net');
SELECT add_nodes('grow', 'vm.16', 2, 'g');
SELECT create_reservation('grow', 'rg', clock(), clock() + interval '4 hours', 1);
SELECT pg_temp.submit('grow', 'outside', 3, 1, request => 'cpu=12');
SELECT is(pg_temp.says('outside'), 'g-13', 'outside');
SELECT pg_temp.submit('grow', 'inside', 3, 1, 'rg', request => 'cpu=12');
SELECT pg_temp.submit('grow', 'elastic', 2, 4, 'rg', fewest => 1, request => 'cpu=4'), pg_temp.submit('grow', 'elastic2', 2, 4, fewest => 1, request => 'cpu=4');
SELECT is((SELECT string_agg(array_to_string(r.replicas, ','), ' ' ORDER BY r.run_id) FROM job_run r WHERE r.job_id IN (pg_temp.id('elastic'), pg_temp.id('elastic2'))), '1 1', 'one each');
SELECT finish_job(pg_temp.id('inside'));
SELECT schedule('grow');
SELECT is((SELECT array_to_string(r.replicas, ',') FROM job_run r WHERE r.job_id = pg_temp.id('elastic')), '4', 'a job of the reservation grows in it');
SELECT is((SELECT array_to_string(r.replicas, ',') FROM job_run r WHERE r.job_id = pg_temp.id('elastic2')), '1', 'nobody grows into it');

-- ---- public pools ----

SELECT throws_ok($$SELECT create_reservation('open', 'r', '2026-03-01 17:00+00', '2026-03-01 18:00+00', 1)$$, '22023', 'invalid value for argument "tenant"', 'for somebody');
SELECT create_reservation('open', 'r', clock(), '2026-03-01 18:00+00', 1, tenant => 'beta');
SELECT pg_temp.submit('open', 'b1', 1, 1, 'r', tenant => 'beta'), pg_temp.submit('open', 'a1', 1), pg_temp.submit('open', 'a2', 1);
SELECT throws_ok($$SELECT pg_temp.submit('open', 'x', 1, 1, 'r')$$, '42704', NULL, 'others do not know it');
SELECT is(pg_temp.says('b1'), 'p-5', 'its job in it');
SELECT is(pg_temp.says('a1'), 'p-6', 'others beside it');
SET ROLE res_beta;
SELECT is((SELECT row(reservation, holder, nodes)::text FROM reservation_status), '(r,beta,1)', 'who has it sees it');
SET ROLE res_owner;
SELECT is((SELECT count(*) FROM reservation_status WHERE pool = 'open'), 0::bigint, 'others do not');
RESET ROLE;
SELECT is((SELECT count(*) FROM holding WHERE node_id IS NOT NULL AND pool_id = (SELECT pool_id FROM pool WHERE name = 'open')), 0::bigint, 'what is idle costs nothing');

-- ---- batches, workflows, repeats, quotes ----

SELECT create_reservation('own', 'bulk', '2026-03-01 17:00+00', '2026-03-01 19:00+00', 1);
SELECT is((SELECT count(*) FROM submit_jobs('own', $q$SELECT 'batch' AS name, 'cpu=8'::resource_list AS request, interval '1 hour' AS time_limit, 'bulk' AS reservation FROM generate_series(1, 2)$q$)), 2::bigint, 'in bulk');
SELECT is((SELECT count(DISTINCT j.shape_id) FROM job j WHERE j.name = 'batch'), 1::bigint, 'of one shape');
SELECT set_job_types('own', '{training,workflow}');
SELECT is((SELECT count(*) FROM submit_workflow('own', 'flow', '[{"request": {"cpu": 1}, "time_limit": "1 hour", "reservation": "bulk"}]')), 1::bigint, 'as a phase');
SELECT submit_job('own', 'once', request => 'cpu=1', time_limit => '1 hour', reservation => 'bulk', request_id => 'j1') AS once \gset
SELECT is(submit_job('own', 'once', request => 'cpu=1', time_limit => '1 hour', reservation => 'bulk', request_id => 'j1'), :once::bigint, 'once');
SELECT throws_ok($$SELECT submit_job('own', 'once', request => 'cpu=1', time_limit => '1 hour', request_id => 'j1')$$, 'PM004', NULL, 'in the same one');
SELECT pg_temp.at('16:30:00');
SELECT create_reservation('own', 'eve', '2026-03-01 22:00+00', '2026-03-01 23:00+00', 1);
SELECT is((SELECT row(to_char(expected_start, 'HH24:MI'), reason)::text FROM quote_job('own', 'q', request => 'cpu=1', time_limit => '1 hour', reservation => 'eve')),
    '(22:00,reservation)', 'a quote says when it begins');

-- ---- spares ----

SELECT create_pool('spare', 'dedicated', 'acme', 'net');
SELECT add_nodes('spare', 'vm.8', 3, 'f');
SELECT set_spare('spare', (SELECT max(name::text) FROM node WHERE name LIKE 'f-%'));
SELECT throws_ok($$SELECT create_reservation('spare', 'kept', '2026-03-02 09:00+00', '2026-03-02 10:00+00', 3)$$, 'PM002', NULL, 'a spare is not reserved');
SELECT create_reservation('spare', 'kept', '2026-03-02 09:00+00', '2026-03-02 10:00+00', 2);
SELECT is(pg_temp.nodes_of('kept'), 'f-14 f-15', 'but others');
SELECT report_fault('spare', 'f-14', 'A050101');
SELECT is(pg_temp.nodes_of('kept'), 'f-15 f-16', 'it takes over the reservations of a node that fails');

SELECT * FROM finish();
ROLLBACK;
