-- Sub-pools that owners make: their quotas, their nodes, what they take.
BEGIN;
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET pool_manager.clock = '2026-03-01 00:00:00+00';
SELECT plan(89);

CREATE ROLE shares_viewer;
CREATE ROLE shares_owner;
CREATE ROLE shares_none;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'UTC') AS beta \gset
SELECT grant_tenant('acme', 'shares_viewer', 'viewer'), grant_tenant('acme', 'shares_owner', 'owner');
SELECT create_sku('node', 'node'), create_flavor('gpu4', 'cpu=16,gpu=4', 'node', 'gpu');
SELECT set_resource_sku('gpu4', 'cpu=1', NULL), set_resource_sku('gpu4', 'gpu=1', NULL);
SELECT create_network('net', '10.0.0.0/24', 'acme');
SELECT create_pool('lab', 'dedicated', 'acme', 'net') AS lab, create_pool('spare', 'dedicated', 'acme', 'net') AS spare, create_pool('open', 'public') AS open \gset
SELECT add_nodes('lab', 'gpu4', 3), add_nodes('spare', 'gpu4', 1);
SELECT add_nodes('open', 'gpu4', 1);
SELECT array_agg(name ORDER BY node_id) AS names FROM node WHERE pool_id = :lab \gset
SELECT min(node_id) AS n1, min(node_id) + 1 AS n2, min(node_id) + 2 AS n3 FROM node WHERE pool_id = :lab \gset


-- jobs from before there were sub-pools
SELECT submit_job('lab', 'busy', request => 'cpu=4,gpu=1', tenant => 'acme') AS busy, submit_job('lab', 'note', 'notebook', request => 'cpu=1,gpu=1', tenant => 'acme') AS note,
    submit_job('lab', 'wait', request => 'cpu=16', replicas => 3, tenant => 'acme') AS wait \gset
SELECT a.node_id AS held, n.name AS held_name FROM allocation a JOIN node n USING (pool_id, node_id) JOIN job_run r USING (pool_id, run_id) WHERE r.job_id = :busy \gset
SELECT is((SELECT count(DISTINCT node_id) FROM allocation), 1::bigint, 'two jobs run, on one node');

\ir include/calls.sql
CREATE FUNCTION pg_temp.more(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d text;
    h text;
BEGIN
    EXECUTE query;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN d || ' ' || h;
END $$;

-- ---- which kinds a sub-pool takes ----

SELECT is(sub_pool_takes(g::resource_list, u::resource_list, k), takes, format('%s in "%s" to "%s"', k, g, u))
FROM (VALUES ('cpu=1', 'cpu=1', 'notebook'::job_kind, true), ('cpu=1', 'cpu=2', 'notebook', false), ('', 'cpu=1', 'notebook', false),
    ('', NULL, 'notebook', true), ('cpu=1', 'cpu=2', 'training', true), ('cpu=1', 'cpu=2', 'inference', true), ('cpu=1', 'cpu=2', 'workflow', true)) AS v(g, u, k, takes);

-- ---- made, resized, deleted ----

SELECT create_sub_pool('lab', 'vision', 'cpu=32,gpu=8') AS vision \gset
SELECT create_sub_pool('lab', 'speech', 'cpu=8', 'cpu=48,gpu=12', request_id => 's') AS speech \gset
SELECT is(create_sub_pool('lab', 'speech', 'cpu=8', 'cpu=48,gpu=12', request_id => 's'), :speech::bigint, 'a repeated call returns the first one''s');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'speech', 'cpu=9', 'cpu=48,gpu=12', request_id => 's')$$),
    'PM004 request_id "s" was used before with other content', 'other content');
SELECT results_eq($$SELECT sub_pool::text, guaranteed::text, upper::text, used::text, nodes, queued, running FROM sub_pool_status WHERE pool = 'lab' ORDER BY sub_pool_id$$,
    $$VALUES (NULL::text, '', NULL, 'cpu=5,gpu=2', 0::bigint, 1::bigint, 2::bigint), ('vision', 'cpu=32,gpu=8', 'cpu=32,gpu=8', '', 0, 0, 0),
        ('speech', 'cpu=8', 'cpu=48,gpu=12', '', 0, 0, 0)$$, 'upper is by default what is guaranteed');
SELECT is((SELECT string_agg(reason, '; ' ORDER BY event_id) FROM event WHERE kind = 'sub_pool_changed'), 'vision: made; speech: made', 'events');

-- the pool has cpu=48, gpu=12; guaranteed are cpu=40, gpu=8
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'rest', 'cpu=8,gpu=4') > 0$$), 'true', 'all of it');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'rest', 'cpu=9')$$), '22023 sub-pools cannot be guaranteed more than the pool has', 'more than all');
SELECT is(pg_temp.more($$SELECT create_sub_pool('lab', 'rest', 'cpu=9')$$),
    'Together they would be guaranteed "cpu=49,gpu=8"; its nodes have "cpu=48,gpu=12". Guarantee less, or add nodes first.', 'how much');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'rest', 'tpu=1')$$), '22023 sub-pools cannot be guaranteed more than the pool has', 'what it has not');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'rest', '', 'cpu=100') > 0$$), 'true', 'upper quotas may add up to more');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'rest', 'cpu=2', 'cpu=1')$$), '22023 invalid quota of a sub-pool', 'guaranteed above upper');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'rest', 'cpu=1,gpu=1', 'cpu=1')$$), '22023 invalid quota of a sub-pool', 'guaranteed, but not offered');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'rest', '', '')$$), '22023 invalid quota of a sub-pool', 'nothing at all');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'rest', 'cpu=-1', 'cpu=1')$$), '22023 invalid quota of a sub-pool', 'negative');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'vision', 'cpu=1')$$), '42710 sub-pool "vision" already exists', 'taken');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('spare', 'vision', 'cpu=1') > 0$$), 'true', 'the name in another pool');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', ' x', 'cpu=1')$$), '22023 invalid value for argument "name"', 'a name');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'x', NULL)$$), '22004 argument "guaranteed" must not be null', 'NULL');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('open', 'x', 'cpu=1')$$), 'PM003 public pool "open" does not offer sub-pools', 'public pools have none');
SELECT is(pg_temp.tried($$SELECT delete_sub_pool(p.pool_id, s.sub_pool_id) FROM pool p JOIN sub_pool s USING (pool_id) WHERE p.name = 'lab' AND s.name IS NULL$$),
    (SELECT format('42704 sub-pool %s does not exist', sub_pool_id) FROM sub_pool WHERE pool_id = :lab AND name IS NULL), 'the one without a name stays');
SELECT is(pg_temp.tried($$SELECT resize_sub_pool('lab', 'none', 'cpu=1')$$), '42704 sub-pool "none" does not exist', 'unknown');
SELECT is(pg_temp.got('shares_viewer', $$SELECT create_sub_pool('lab', 'x', 'cpu=1')$$), '42501 permission denied for tenant 1', 'viewers make none');
SELECT is(pg_temp.got('shares_viewer', $$SELECT resize_sub_pool('lab', 'vision', 'cpu=1')$$), '42501 permission denied for tenant 1', 'change none');
SELECT is(pg_temp.got('shares_viewer', $$SELECT delete_sub_pool('lab', 'vision')$$), '42501 permission denied for tenant 1', 'delete none');
SELECT is(pg_temp.got('shares_viewer', $$SELECT count(*) FROM sub_pool_status WHERE pool = 'lab'$$), '3', 'but see them');
SELECT is(pg_temp.got('shares_none', $$SELECT count(*) FROM sub_pool_status$$), '0', 'others see nothing');
SELECT is(pg_temp.got('shares_none', $$SELECT create_sub_pool('lab', 'x', 'cpu=1')$$), '42704 pool "lab" does not exist', 'not even the pool');
SELECT is(pg_temp.got('shares_owner', $$SELECT set_binding(1, 0, '{}', now())$$), '42501 permission denied for function set_binding', 'internal');
UPDATE pool SET state = 'abnormal' WHERE name = 'lab';
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'x', 'cpu=1')$$), 'PM002 pool "lab" is not running', 'a pool that does not run');
UPDATE pool SET state = 'running' WHERE name = 'lab';
SELECT restrict_pool('lab', '{frozen}');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'x', 'cpu=1')$$), 'PM002 pool "lab" is frozen', 'a frozen one');
SELECT restrict_pool('lab', '{}');

SELECT resize_sub_pool('lab', 'speech', 'cpu=16', 'cpu=32');
SELECT is((SELECT (guaranteed::text, upper::text)::text FROM sub_pool WHERE sub_pool_id = :speech), '(cpu=16,cpu=32)', 'resized; its own old share is not counted');
SELECT is(pg_temp.tried($$SELECT resize_sub_pool('lab', 'speech', 'cpu=17', 'cpu=32')$$), '22023 sub-pools cannot be guaranteed more than the pool has', 'not beyond the pool');
SELECT is(pg_temp.tried($$SELECT resize_sub_pool('lab', 'speech', 'cpu=3', 'cpu=2')$$), '22023 invalid quota of a sub-pool', 'nor beyond upper');
SELECT is((SELECT reason FROM event WHERE kind = 'sub_pool_changed' ORDER BY event_id DESC LIMIT 1), 'speech: guaranteed cpu=16, upper cpu=32', 'its event');

-- ---- sub-pools with jobs: those from before, moved by hand ----

SET session_replication_role = replica;
UPDATE job SET sub_pool_id = CASE WHEN job_id = :wait THEN :speech ELSE :vision END;
UPDATE job_queue SET sub_pool_id = :speech;
SET session_replication_role = origin;
SELECT results_eq($$SELECT sub_pool::text, used::text, queued, running FROM sub_pool_status WHERE pool = 'lab' ORDER BY sub_pool_id$$,
    $$VALUES (NULL::text, '', 0::bigint, 0::bigint), ('vision', 'cpu=5,gpu=2', 0, 2), ('speech', '', 1, 0)$$, 'what they hold and what waits');
SELECT is(pg_temp.tried($$SELECT resize_sub_pool('lab', 'vision', 'cpu=5,gpu=1')$$), 'PM002 jobs of sub-pool "vision" hold more than that', 'not below what its jobs hold');
SELECT is(pg_temp.more($$SELECT resize_sub_pool('lab', 'vision', 'cpu=5,gpu=1')$$),
    'They hold "cpu=5,gpu=2"; the upper quota would be "cpu=5,gpu=1". Wait until some have ended, or cancel them.', 'how much');
SELECT is(pg_temp.tried($$SELECT resize_sub_pool('lab', 'vision', 'cpu=5,gpu=2')$$), 'done', 'just what they hold');
SELECT is(pg_temp.tried($$SELECT resize_sub_pool('lab', 'vision', 'cpu=5', 'cpu=8,gpu=4')$$), 'PM002 sub-pool "vision" has notebooks', 'notebooks keep the quotas the same');
SELECT is(pg_temp.more($$SELECT resize_sub_pool('lab', 'vision', 'cpu=5', 'cpu=8,gpu=4')$$),
    format('Job %s is one; they are only where the guaranteed quota is the upper one. End them first, or make both quotas the same.', :note), 'which');
SELECT is(pg_temp.tried($$SELECT delete_sub_pool('lab', 'vision')$$), 'PM002 2 jobs of sub-pool "vision" have not ended', 'not deleted with jobs that run');
SELECT is(pg_temp.more($$SELECT delete_sub_pool('lab', 'vision')$$), format('They are %s, %s. Wait until they have, or cancel them.', :busy, :note), 'which');
SELECT is(pg_temp.tried($$SELECT delete_sub_pool('lab', 'speech')$$), 'PM002 1 jobs of sub-pool "speech" have not ended', 'nor with jobs that wait');

-- ---- nodes ----

SELECT is(pg_temp.tried(format($$SELECT bind_nodes('lab', 'speech', ARRAY[%L])$$, :'held_name')),
    format('PM002 node "%s" is busy with jobs of others', :'held_name'), 'not under jobs of others');
SELECT is(pg_temp.more(format($$SELECT bind_nodes('lab', 'speech', ARRAY[%L])$$, :'held_name')),
    format('Job %s is on it, which is not of sub-pool "speech". With drain => true such jobs go on to their end, and no others come.', :busy), 'which');
SELECT is(pg_temp.tried(format($$SELECT bind_nodes('lab', 'vision', ARRAY[%L])$$, :'held_name')), 'done', 'under its own jobs');
SELECT bind_nodes('lab', 'speech', ARRAY[:'held_name'], drain => true);
SELECT is((SELECT sub_pool_id FROM node WHERE node_id = :held), :speech::bigint, 'with drain: bound');
SELECT is((SELECT string_agg(state::text, ' ' ORDER BY job_id) FROM job_status WHERE job_id IN (:busy, :note)), 'running running', 'the jobs go on');
SELECT is((SELECT schedulable FROM node WHERE node_id = :held), true, 'and the node takes those of its sub-pool meanwhile');
SELECT is((SELECT nodes FROM sub_pool_status WHERE sub_pool = 'speech'), 1::bigint, 'counted');
SELECT bind_nodes('lab', 'vision', ARRAY[:'held_name']);
SELECT is((SELECT sub_pool_id FROM node WHERE node_id = :held), :vision::bigint, 'bound to another');
SELECT is((SELECT string_agg(reason, '; ' ORDER BY event_id) FROM event WHERE kind = 'node_changed'), 'sub-pool: speech; sub-pool: vision', 'an event each');
SELECT bind_nodes('lab', 'vision', ARRAY[:'held_name']);
SELECT is((SELECT count(*) FROM event WHERE kind = 'node_changed'), 2::bigint, 'the same again is nothing');
SELECT unbind_nodes('lab', ARRAY[:'held_name']);
SELECT is((SELECT sub_pool_id FROM node WHERE node_id = :held), NULL, 'unbound');
SELECT is((SELECT reason FROM event ORDER BY event_id DESC LIMIT 1), 'sub-pool: none', 'its event');

SET session_replication_role = replica;
UPDATE node SET batch_id = 7 WHERE node_id IN (:n2, :n3);
SET session_replication_role = origin;
SELECT is(pg_temp.tried(format($$SELECT bind_nodes(%s, %s, ARRAY[%s], true)$$, :lab, :vision, :n2)),
    format('22023 node "%s" is bound together with node "%s"', (SELECT name FROM node WHERE node_id = :n2), (SELECT name FROM node WHERE node_id = :n3)),
    'nodes of one step are bound together');
SELECT bind_nodes(:lab, :vision, ARRAY[:n2::bigint, :n3], true);
SELECT is((SELECT nodes FROM sub_pool_status WHERE sub_pool = 'vision'), 2::bigint, 'both');
SELECT is(pg_temp.tried(format($$SELECT unbind_nodes(%s, ARRAY[%s])$$, :lab, :n3)),
    format('22023 node "%s" is bound together with node "%s"', (SELECT name FROM node WHERE node_id = :n3), (SELECT name FROM node WHERE node_id = :n2)),
    'and unbound together');
SELECT is(pg_temp.tried(format($$SELECT bind_nodes(%s, %s, '{}')$$, :lab, :vision)), '22023 no nodes given', 'no nodes');
SELECT is(pg_temp.tried(format($$SELECT bind_nodes(%s, %s, (SELECT array_agg(node_id) FROM node WHERE pool_id = %s))$$, :lab, :vision, :spare)),
    (SELECT format('42704 node %s does not exist', node_id) FROM node WHERE pool_id = :spare), 'a node of another pool');
SELECT is(pg_temp.tried(format($$SELECT bind_nodes(%s, %s, ARRAY[%s])$$, :spare, :vision, :n1)), format('42704 sub-pool %s does not exist', :vision), 'a sub-pool of another pool');
SELECT is(pg_temp.got('shares_viewer', format($$SELECT bind_nodes(%s, %s, ARRAY[%s])$$, :lab, :vision, :n1)), '42501 permission denied for tenant 1', 'viewers bind nothing');
SELECT is(pg_temp.got('shares_viewer', format($$SELECT unbind_nodes(%s, ARRAY[%s])$$, :lab, :n1)), '42501 permission denied for tenant 1', 'nor unbind');
SELECT is(pg_temp.tried($$SELECT unbind_nodes('open', (SELECT array_agg(n.name) FROM node n JOIN pool p USING (pool_id) WHERE p.name = 'open'))$$),
    'PM003 public pool "open" does not offer sub-pools', 'not in public pools');

SELECT cancel_job(:busy), cancel_job(:note), cancel_job(:wait);
SET pool_manager.clock = '2026-03-01 01:00:00+00';
SELECT delete_sub_pool('lab', 'vision');
SELECT is((SELECT count(*) FROM node WHERE sub_pool_id IS NOT NULL), 0::bigint, 'deleted: its nodes are bound to none');
SELECT is((SELECT deleted_at FROM sub_pool WHERE sub_pool_id = :vision), timestamptz '2026-03-01 01:00:00+00', 'its row stays for its jobs');
SELECT is((SELECT count(*) FROM sub_pool_status WHERE pool = 'lab'), 2::bigint, 'but is not shown');
SELECT is(pg_temp.tried($$SELECT delete_sub_pool('lab', 'vision')$$), '42704 sub-pool "vision" does not exist', 'not twice');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('lab', 'vision', 'cpu=32') > 0$$), 'true', 'its name and its share can be had again');

-- ---- what is guaranteed stays ----

SELECT create_network('promises', '10.77.0.0/24', 'acme'), create_pool('kept', 'dedicated', 'acme', 'promises');
SELECT create_flavor('promise', 'cpu=8', 'node');
SELECT array_agg(n ORDER BY n) AS kept FROM add_nodes('kept', 'promise', 4) AS n \gset
SELECT set_spare((:'kept'::bigint[])[4]);
SELECT is(pg_temp.tried($$SELECT create_sub_pool('kept', 'a', 'cpu=25')$$), '22023 sub-pools cannot be guaranteed more than the pool has', 'a spare is not for jobs');
SELECT create_sub_pool('kept', 'a', 'cpu=12'), create_sub_pool('kept', 'b', 'cpu=8');
SELECT is(pg_temp.tried($$SELECT resize_pool('kept', 'promise', 2)$$), 'PM002 the sub-pools of the pool are guaranteed more than would be left', 'a resize below it');
SELECT is(pg_temp.tried(format('SELECT delete_nodes(ARRAY[%s])', (:'kept'::bigint[])[1])), 'PM002 the sub-pools of the pool are guaranteed more than would be left', 'a deletion');
SELECT is(pg_temp.tried(format('SELECT set_spare(%s)', (:'kept'::bigint[])[1])), 'PM002 the sub-pools of the pool are guaranteed more than would be left', 'another spare');
SELECT is(pg_temp.tried(format('SELECT count(*) FROM delete_nodes(ARRAY[%s])', (:'kept'::bigint[])[4])), '1', 'the spare may go');

-- ---- by hand ----

SELECT is(pg_temp.tried($$UPDATE sub_pool SET upper = 'cpu=1' WHERE name = 'speech'$$), '23514 new row for relation "sub_pool" violates check constraint "sub_pool_quota_check"', 'guaranteed above upper');
SELECT is(pg_temp.tried($$UPDATE sub_pool SET guaranteed = '', upper = '' WHERE name = 'speech'$$), '23514 new row for relation "sub_pool" violates check constraint "sub_pool_quota_check"', 'nothing at all');
SELECT is(pg_temp.tried($$UPDATE sub_pool SET upper = NULL WHERE name = 'speech'$$), '23514 new row for relation "sub_pool" violates check constraint "sub_pool_upper_check"', 'no upper quota');
SELECT is(pg_temp.tried($$UPDATE sub_pool SET guaranteed = 'cpu=-1' WHERE name = 'speech'$$), '23514 new row for relation "sub_pool" violates check constraint "sub_pool_quota_check"', 'negative');
SELECT is(pg_temp.tried(format($$INSERT INTO sub_pool (pool_id, tenant_id, pool_kind, owner_id, name, guaranteed, upper, created_at) VALUES (%s, 1, 'public', 0, 'x', 'cpu=1', 'cpu=1', now())$$, :open)),
    '23514 new row for relation "sub_pool" violates check constraint "sub_pool_public_check"', 'a name in a public pool');
SELECT is(pg_temp.tried(format($$INSERT INTO sub_pool (pool_id, tenant_id, pool_kind, owner_id, name, guaranteed, upper, created_at) VALUES (%s, 2, 'dedicated', 1, 'x', 'cpu=1', 'cpu=1', now())$$, :lab)),
    '23514 new row for relation "sub_pool" violates check constraint "sub_pool_owner_check"', 'for another tenant');
SELECT is(pg_temp.tried(format($$INSERT INTO sub_pool (pool_id, tenant_id, pool_kind, owner_id, name, guaranteed, upper, created_at) VALUES (%s, 1, 'dedicated', 1, 'speech', 'cpu=1', 'cpu=1', now())$$, :lab)),
    '23505 duplicate key value violates unique constraint "sub_pool_name_key"', 'a name twice');
SELECT is(pg_temp.tried(format($$UPDATE node SET sub_pool_id = %s WHERE pool_id = %s$$, :speech, :spare)), '23503 insert or update on table "node" violates foreign key constraint "node_sub_pool_fkey"', 'a node of another pool');

SELECT * FROM finish();
ROLLBACK;
