-- Hot spares: which nodes may be one, who stands in for whom when a node
-- fails, and what becomes of the one that failed.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-01 00:00:00+00';
SELECT plan(54);

CREATE ROLE spare_member;
CREATE ROLE spare_owner;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme \gset
SELECT grant_tenant('acme', 'spare_member', 'member'), grant_tenant('acme', 'spare_owner', 'owner');
SELECT create_sku('node', 'node');
SELECT create_flavor('big', 'cpu=8', 'node'), create_flavor('small', 'cpu=4', 'node'), set_resource_sku('small', 'cpu=1', NULL);
SELECT set_price('node', '1', currency => 'USD');
SELECT create_network('net', '10.0.0.0/24', 'acme');

\ir include/calls.sql
-- of each live node of a pool, in order: number from the first, state, spare
CREATE FUNCTION pg_temp.nodes(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat(CASE n.state WHEN 'available' THEN 'up' ELSE n.state::text END, CASE WHEN n.spare THEN ' spare' END), ', ' ORDER BY node_id)
    FROM pool_manager.node n JOIN pool_manager.pool p USING (pool_id) WHERE p.name = pool AND n.deleted_at IS NULL
$$;

SELECT create_pool('ded', 'dedicated', 'acme', 'net') AS ded \gset
SELECT i AS n1 FROM add_nodes('ded', 'big', 1, 'n') i \gset

-- ---- which nodes may be spares ----

SELECT throws_ok(format('SELECT set_spare(%s)', :n1), 'PM002',
    format('cannot keep in reserve node "n-%s": it is the only node that takes jobs', :n1), 'the only node of a pool is no spare');
SELECT n[1] AS n2, n[2] AS n3, n[3] AS n4 FROM (SELECT array_agg(i ORDER BY i) AS n FROM add_nodes('ded', 'big', 3, 'n') i) s \gset
SELECT submit_job('ded', 'j', flavor => 'big') AS j \gset
SELECT throws_ok(format('SELECT set_spare(%s)', :n1), 'PM002', format('cannot keep in reserve node "n-%s": jobs are on it', :n1), 'nor one with jobs');
SELECT alike(pg_temp.got('spare_member', format('SELECT set_spare(%s)', :n4)), '42501 %', 'a member has no say');
SELECT throws_ok($$ SELECT set_spare(NULL::bigint) $$, '22004', NULL, 'a node is named');
SELECT throws_ok($$ SELECT set_spare('ded', 'n') $$, '42704', 'node "n" does not exist', 'one that there is');
SELECT is(pg_temp.got('spare_owner', format('SELECT set_spare(%s)', :n4)), 'done', 'an owner keeps a node in reserve');
SELECT is(pg_temp.nodes('ded'), 'up, up, up, up spare', 'it is marked');
SELECT is((SELECT string_agg(reason, ', ') FROM event WHERE kind = 'node_changed' AND node_id = :n4), 'spare', 'an event says so');
SELECT set_spare('ded', 'n-' || :n4);
SELECT is((SELECT count(*) FROM event WHERE kind = 'node_changed' AND node_id = :n4), 1::bigint, 'said again it is no event');
SELECT set_spare(:n3);
SELECT set_spare(:n2);
SELECT is(pg_temp.nodes('ded'), 'up, up spare, up spare, up spare', 'all but one may be');
SELECT finish_job(:j);
SELECT throws_ok(format('SELECT set_spare(%s)', :n1), 'PM002', NULL, 'but not the last');
SELECT submit_job('ded', 'j2', flavor => 'big', max_retries => 3) AS j2, submit_job('ded', 'k', flavor => 'big') AS k \gset
SELECT is((SELECT count(*) FROM schedule('ded')), 0::bigint, 'a spare takes no job');
SELECT is((SELECT node_id FROM allocation WHERE released_at IS NULL), :n1::bigint, 'the other node does');
SELECT cancel_job(:k);
SELECT set_spare(:n2, false);
SELECT is(pg_temp.nodes('ded'), 'up, up, up spare, up spare', 'a spare is made an ordinary node');
SELECT is((SELECT string_agg(reason, ', ' ORDER BY event_id) FROM event WHERE kind = 'node_changed' AND node_id = :n2), 'spare, no spare', 'with an event');
SELECT submit_job('ded', 'l', flavor => 'big', max_retries => 3) AS l \gset
SELECT is((SELECT max(node_id) FROM allocation WHERE released_at IS NULL), :n2::bigint, 'that takes jobs');

-- ---- a node fails: the oldest spare stands in ----

SET pool_manager.clock = '2026-03-01 01:00:00+00';
SELECT is(report_fault(:n1), :n3::bigint, 'the first spare takes over');
SELECT is(pg_temp.nodes('ded'), 'abnormal spare, up, up, up spare', 'the two swap the mark');
SELECT is((SELECT string_agg(concat_ws(' ', node_id, from_state || '>' || to_state, reason), ', ' ORDER BY event_id) FROM event WHERE kind = 'spare_swapped'),
    format('%s spare>in service n-%s, %s in service>spare n-%s', :n3, :n1, :n1, :n3), 'an event of each, that names the other');
SELECT is((SELECT row(node, state, stands_in)::text FROM node_faults), format('(n-%s,abnormal,n-%s)', :n1, :n3), 'node_faults shows who stands in');
SELECT is((SELECT string_agg(concat_ws(' ', job_id, state), ', ') FROM schedule('ded')), format('%s running', :j2), 'the job that was on it runs again');
SELECT is((SELECT max(node_id) FROM allocation WHERE released_at IS NULL), :n3::bigint, 'on the spare');
SELECT is(report_fault(:n1), NULL, 'a fault that is reported again');
SELECT is(pg_temp.nodes('ded'), 'abnormal spare, up, up, up spare', 'takes no other spare');
SELECT is(report_fault(:n1, 'A050101'), NULL, 'nor does another fault of the broken spare');
SELECT is(pg_temp.nodes('ded'), 'abnormal spare, up, up, up spare', 'which has nobody to stand in for it');

SELECT is(report_fault(:n2), :n4::bigint, 'the next node that fails gets the next spare');
SELECT count(*) FROM schedule('ded');
SELECT is(report_fault(:n3), NULL, 'and the third none: a broken spare does not stand in');
SELECT is(pg_temp.nodes('ded'), 'abnormal spare, abnormal spare, abnormal, up', 'who has which mark');
SELECT is((SELECT state FROM pool WHERE pool_id = :ded), 'running'::pool_state, 'the pool has one node in service');
SELECT is(report_fault(:n4), NULL, 'that one fails too');
SELECT is((SELECT state FROM pool WHERE pool_id = :ded), 'abnormal'::pool_state, 'it has none');
SELECT repair_node(:n1);
SELECT is(pg_temp.nodes('ded'), 'up spare, abnormal spare, abnormal, abnormal', 'a broken spare that is repaired stays a spare');
SELECT is((SELECT state FROM pool WHERE pool_id = :ded), 'abnormal'::pool_state, 'with which alone the pool is not in service');
SELECT set_spare(:n1, false);
SELECT is((SELECT state FROM pool WHERE pool_id = :ded), 'running'::pool_state, 'until it is made an ordinary node');
SELECT repair_nodes(ARRAY[:n2, :n3, :n4]);
SELECT is(pg_temp.nodes('ded'), 'up, up spare, up, up', 'the others are back');
SELECT is(report_fault(:n2), NULL, 'a spare fails, with no one to stand in');
SELECT is((SELECT stands_in FROM node_faults), (SELECT name::text FROM node WHERE node_id = :n4), 'the one that took its place before is there still');
SELECT repair_node(:n2);

-- ---- who does not stand in ----

SELECT i AS s1 FROM add_nodes('ded', 'small', 1, 's') i \gset
SELECT set_spare(:s1);
SELECT cordon_node(:n2);
SELECT is(report_fault(:n1), NULL, 'a cordoned spare does not, nor one of another flavor');
SELECT is(pg_temp.nodes('ded'), 'abnormal, up spare, up, up, up spare', 'nothing is swapped');
SELECT repair_node(:n1);
SELECT uncordon_node(:n2);
SELECT is(report_fault(:n1, 'NT_NET_NTP_CHECK'), NULL, 'none is needed for a lesser fault');
SELECT is(pg_temp.nodes('ded'), 'up, up spare, up, up, up spare', 'nothing is swapped either');

-- steps: only within the same one
UPDATE node_group SET step = 1 WHERE pool_id = :ded;
SELECT create_pool('steps', 'dedicated', 'acme', 'net') AS steps \gset
SELECT n[1] AS b1, n[2] AS b2, n[3] AS b3, n[4] AS b4 FROM (SELECT array_agg(i ORDER BY i) AS n FROM add_nodes('steps', 'big', 4, 'b') i) s \gset
ALTER TABLE node DISABLE TRIGGER guard_unchanged;
UPDATE node SET batch_id = CASE WHEN node_id <= :b2 THEN 1 ELSE 2 END WHERE pool_id = :steps;
ALTER TABLE node ENABLE TRIGGER guard_unchanged;
SELECT set_spare(:b1), set_spare(:b4);
SELECT is(report_fault(:b3), :b4::bigint, 'a node that came as part of a step has a spare of the same step');
SELECT is(pg_temp.nodes('steps'), 'up spare, up, abnormal spare, up', 'not the oldest');
SELECT is(report_fault(:b4), NULL, 'or none');

-- ---- the binding to a sub-pool goes over ----

INSERT INTO sub_pool (pool_id, sub_pool_id, tenant_id, pool_kind, owner_id, name, guaranteed, upper, created_at)
    VALUES (:steps, 1000000, :acme, 'dedicated', :acme, 'team', '', 'cpu=8', clock());
UPDATE node SET sub_pool_id = 1000000 WHERE node_id = :b2;
SELECT is(report_fault(:b2), :b1::bigint, 'the node of a sub-pool fails');
SELECT is((SELECT string_agg(concat_ws(' ', node_id, sub_pool_id), ', ' ORDER BY node_id) FROM node WHERE node_id IN (:b1, :b2)),
    format('%s 1000000, %s', :b1, :b2), 'its spare belongs to the sub-pool now, it no more');

-- ---- public pools, and what it costs ----

SELECT create_pool('pub', 'public') AS pub \gset
SELECT n[1] AS p1, n[2] AS p2 FROM (SELECT array_agg(i ORDER BY i) AS n FROM add_nodes('pub', 'small', 2, 'p') i) s \gset
SELECT is(pg_temp.got('spare_owner', format('SELECT set_spare(%s)', :p2)), format('42704 node %s does not exist', :p2), 'tenants have no say in a public pool');
SELECT set_spare(:p2);
SELECT is(report_fault(:p1), :p2::bigint, 'the provider''s spare stands in there');

-- ded: 1 node from 00:00, 3 more at once: 4 for 2 h; small and 4 of steps from 01:00: 5 for 1 h
SET pool_manager.clock = '2026-03-01 02:00:00+00';
SELECT is((SELECT trim_scale(sum(amount)) FROM charges('acme', '2026-03-01', '2026-03-02')), 13::numeric, 'spares and broken nodes are paid for as others are');
SELECT is((SELECT count(*) FROM holding WHERE tenant_id = :acme), 9::bigint, 'nothing else is held');
-- one spare of several pools at most stands in: marks add up
SELECT is((SELECT string_agg(p.name || ' ' || count, ', ' ORDER BY p.name) FROM (SELECT pool_id, count(*) FROM node WHERE spare GROUP BY pool_id) s JOIN pool p USING (pool_id)),
    'ded 2, pub 1, steps 2', 'each swap left as many spares as there were');
-- a node that a task has isolated is not stood in for
SELECT cancel_job(job_id) FROM job_queue WHERE pool_id = :ded;
SELECT submit_job('ded', 'm', flavor => 'big') AS m \gset
SELECT node_id AS busy FROM allocation a JOIN job_run r USING (pool_id, run_id) WHERE job_id = :m \gset
SELECT drain_node(:busy);
SELECT is(report_fault(:busy), NULL, 'a node that is being drained needs no one to stand in');
SELECT is((SELECT spare FROM node WHERE node_id = :busy), false, 'and is no spare');

SELECT * FROM finish();
ROLLBACK;
