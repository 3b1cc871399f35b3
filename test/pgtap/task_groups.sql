-- Jobs of several task groups: all or nothing, each group with its own
-- request, counts and nodes; what they hold, and what is refused. Numbers are
-- worked out in the comments.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-01 09:00:00+00';
SELECT plan(48);

SELECT create_tenant('acme', 'USD', 'UTC');
SELECT create_sku('cpu.4', 'task'), create_sku('gpu.t4', 'task'), create_sku('vm', 'node'), create_sku('core', 'core');
SELECT set_price('cpu.4', '0.10', '2026-01-01', currency => 'USD'), set_price('gpu.t4', '2', '2026-01-01', currency => 'USD'),
       set_price('vm', '3', '2026-01-01', currency => 'USD'), set_price('core', '0.01', '2026-01-01', currency => 'USD');
SELECT create_flavor('vm.4t4', 'cpu=32,memory=128Gi,nvidia.com/gpu=4', 'vm', 'nvidia.com/gpu'),
       create_flavor('vm.cpu', 'cpu=16,memory=64Gi', 'vm'),
       create_flavor('cpu.4', 'cpu=4,memory=16Gi', 'cpu.4'), create_flavor('gpu.t4', 'cpu=4,nvidia.com/gpu=1', 'gpu.t4', 'nvidia.com/gpu', max_replicas => 8);
SELECT set_resource_sku('vm.4t4', 'cpu=1', 'core'), set_resource_sku('vm.4t4', 'memory=1Gi', NULL), set_resource_sku('vm.4t4', 'nvidia.com/gpu=1', NULL);
SELECT create_network('net', '10.0.0.0/16', 'acme');
SELECT create_pool('lab', 'public'), create_pool('own', 'dedicated', 'acme', 'net', queue_policy => 'traversal');
SELECT add_nodes('lab', 'vm.4t4', 2), add_nodes('own', 'vm.4t4'), add_nodes('own', 'vm.cpu', 2, labels => '{"disk": "ssd"}');

\ir include/calls.sql
\ir include/by_name.sql
CREATE FUNCTION pg_temp.placed(named text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s: %s on %s', a.group_no, a.replicas, f.name), '; ' ORDER BY a.group_no, a.node_id)
    FROM job_run r JOIN allocation a USING (pool_id, run_id) JOIN node n USING (pool_id, node_id) JOIN flavor f USING (flavor_id)
    WHERE r.job_id = pg_temp.job(named) AND r.ended_at IS NULL
$$;

--
-- Held and billed group by group
--
SELECT submit_job('lab', 'train', tenant => 'acme', task_groups => '[
    {"name": "leader", "flavor": "cpu.4"}, {"name": "workers", "flavor": "gpu.t4", "replicas": 6}, {"request": "cpu=2", "replicas": 2}]');
SELECT results_eq($$SELECT group_no::integer, g.name::text, f.name::text, request::text, replicas, min_replicas FROM task_group g LEFT JOIN flavor f USING (flavor_id) ORDER BY 1$$, $$VALUES
    (1, 'leader', 'cpu.4', 'cpu=4,memory=16Gi', 1, 1), (2, 'workers', 'gpu.t4', 'cpu=4,nvidia.com/gpu=1', 6, 6), (3, NULL, NULL, 'cpu=2', 2, 2)$$, 'a row each');
SELECT results_eq($$SELECT job_id, state::text FROM schedule('lab')$$, $$SELECT pg_temp.job('train'), 'running'$$, 'they start together');
SELECT is((SELECT replicas FROM job_run), '{1,6,2}', 'the run has the replicas of each');
SELECT results_eq($$SELECT group_no::integer, sum(replicas) FROM allocation GROUP BY 1 ORDER BY 1$$, $$VALUES (1, 1::bigint), (2, 6), (3, 2)$$, 'which are on nodes');
SELECT is((SELECT request FROM pool_jobs WHERE job = 'train'), '1 x cpu.4 + 6 x gpu.t4 + 2 x cpu=2', 'pool_jobs shows them');
SELECT results_eq($$SELECT s.name::text, h.quantity FROM holding h JOIN sku s USING (sku_id) WHERE job_id = pg_temp.job('train') ORDER BY 1$$,
    $$VALUES ('core', 4000::bigint), ('cpu.4', 1000), ('gpu.t4', 6000)$$, 'held: one task, six tasks, two times two cores');
SELECT pg_temp.at('2026-03-01 11:00:00');
SELECT finish_job(pg_temp.job('train'));
-- two hours: 1 x 0.10, 6 x 2, 4 x 0.01
SELECT results_eq($$SELECT sku, sum(quantity), sum(amount) FROM charges('acme', '2026-03-01', '2026-03-02') WHERE sku <> 'vm' GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('core', 8.0, 0.08), ('cpu.4', 2.0, 0.20), ('gpu.t4', 12.0, 24.0)$$, 'and billed so');

--
-- All or nothing
--
SELECT submit_job('lab', 'most', request => 'cpu=4,nvidia.com/gpu=1', replicas => 6, tenant => 'acme');
SELECT count(*) FROM schedule('lab');
-- two devices are left; the leader would fit
SELECT submit_job('lab', 'three', tenant => 'acme', task_groups => '[{"flavor": "cpu.4"}, {"flavor": "gpu.t4", "replicas": 3}]');
SELECT is_empty($$SELECT FROM schedule('lab')$$, 'a group that does not fit keeps the others from starting');
SELECT results_eq($$SELECT reason, lacking FROM queue$$, $$VALUES ('resources', '2 of 3 nvidia.com/gpu')$$, 'the reason has its numbers');
SELECT is((SELECT count(*) FROM allocation a JOIN job_run r USING (pool_id, run_id) WHERE r.job_id = pg_temp.job('three')), 0::bigint, 'nothing is held');
SELECT cancel_job(pg_temp.job('three'));
-- the minimum of both is there: one leader, one of four workers, and one more
SELECT submit_job('lab', 'some', tenant => 'acme', task_groups => '[{"flavor": "cpu.4"}, {"flavor": "gpu.t4", "replicas": 4, "min_replicas": 1}]');
SELECT count(*) FROM schedule('lab');
SELECT is((SELECT replicas FROM job_run WHERE job_id = pg_temp.job('some')), '{1,2}', 'with min_replicas of its own a group takes what there is');
SELECT results_eq($$SELECT s.name::text, h.quantity FROM holding h JOIN sku s USING (sku_id) WHERE job_id = pg_temp.job('some') ORDER BY 1$$,
    $$VALUES ('cpu.4', 1000::bigint), ('gpu.t4', 2000)$$, 'and is billed for that');
SELECT finish_job(pg_temp.job('most')), finish_job(pg_temp.job('some'));

--
-- Nodes of its own for each group
--
SELECT submit_job('own', 'split', task_groups => '[
    {"request": {"cpu": 10}, "replicas": 2, "node_selector": {"disk": "ssd"}}, {"request": "cpu=4,nvidia.com/gpu=2", "replicas": 2}]');
SELECT is(pg_temp.placed('split'), '1: 1 on vm.cpu; 1: 1 on vm.cpu; 2: 2 on vm.4t4', 'a node selector is its group''s');
SELECT cancel_job(pg_temp.job('split'));
SELECT set_node_taints(ARRAY[n.node_id], '[{"key": "gpu", "value": "only", "effect": "NoSchedule"}]')
FROM node n JOIN pool p USING (pool_id) JOIN flavor f USING (flavor_id) WHERE p.name = 'own' AND f.name = 'vm.4t4';
SELECT submit_job('own', 'tolerant', task_groups => '[
    {"request": "cpu=1"}, {"request": "cpu=1,nvidia.com/gpu=1", "tolerations": [{"key": "gpu"}]}]');
SELECT is(pg_temp.placed('tolerant'), '1: 1 on vm.cpu; 2: 1 on vm.4t4', 'a toleration too');
SELECT submit_job('own', 'selects', task_groups => '[{"request": "cpu=1"}, {"request": "cpu=1", "node_selector": {"disk": "none"}}]');
SELECT is((SELECT reason FROM queue WHERE job = 'selects'), 'no_matching_node', 'one group without a node is enough');
SELECT cancel_job(pg_temp.job('tolerant')), cancel_job(pg_temp.job('selects'));
SELECT set_node_taints(ARRAY[n.node_id], '[]') FROM node n JOIN pool p USING (pool_id) JOIN flavor f USING (flavor_id) WHERE p.name = 'own' AND f.name = 'vm.4t4';

-- a restart places all of them again
SELECT submit_job('own', 'again', task_groups => '[{"request": "cpu=1"}, {"request": "nvidia.com/gpu=1", "replicas": 2}]', max_retries => 1);
SELECT requeue_job(pg_temp.job('again'));
SELECT is(pg_temp.state('again'), 'queued', 'a restart queues the job');
SELECT count(*) FROM schedule('own');
SELECT is((SELECT array_agg(replicas::text ORDER BY run_id) FROM job_run WHERE job_id = pg_temp.job('again')), '{"{1,2}","{1,2}"}', 'with all its groups');
SELECT finish_job(pg_temp.job('again'));

--
-- Sub-pools count all groups together
--
SELECT create_sub_pool('own', 'half', guaranteed => 'cpu=8,nvidia.com/gpu=2', upper => 'cpu=8,nvidia.com/gpu=2');
SELECT throws_ok($$SELECT submit_job('own', 'x', sub_pool => 'half', task_groups => '[{"request": "cpu=5"}, {"request": "cpu=4"}]')$$,
    'PM001', 'job "x" asks for more than sub-pool "half" may ever hold', 'each would fit the upper quota, both do not');
SELECT throws_ok($$SELECT submit_job('own', 'x', sub_pool => 'half', task_groups => '[{"request": "cpu=5"}, {"request": "memory=4Gi"}]')$$,
    'PM001', 'sub-pool "half" does not offer "memory", which job "x" asks for', 'a resource that is not offered, in the second group');
SELECT submit_job('own', 'exact', sub_pool => 'half', task_groups => '[{"request": "cpu=4"}, {"request": "cpu=1,nvidia.com/gpu=1", "replicas": 4, "min_replicas": 2}]');
SELECT is((SELECT replicas FROM job_run WHERE job_id = pg_temp.job('exact')), '{1,2}', 'the quota caps what is beyond the minimum');
SELECT finish_job(pg_temp.job('exact'));

--
-- Other ways to submit
--
CREATE TEMP TABLE asked AS SELECT 'many-' || i AS name, '[{"request": "cpu=1"}, {"request": "cpu=2"}]'::jsonb AS task_groups, NULL::text AS flavor FROM generate_series(1, 3) AS i
    UNION ALL SELECT 'many-4', NULL, 'cpu.4';
SELECT is((SELECT count(*) FROM submit_jobs('lab', 'SELECT * FROM asked', 'acme')), 4::bigint, 'by a query, beside jobs of one group');
SELECT is((SELECT count(DISTINCT shape_id) FROM job WHERE name LIKE 'many-_'), 2::bigint, 'equal groups share a shape');
SELECT throws_ok($$SELECT submit_jobs('lab', 'SELECT ''x'' AS name, ''[{"flavor": "none"}]''::jsonb AS task_groups', 'acme')$$, '42704', 'flavor "none" does not exist', 'flavors of groups are looked up');
SELECT is((SELECT count(*) FROM submit_workflow('lab', 'flow', '[{"flavor": "cpu.4"}, {"task_groups": [{"flavor": "cpu.4"}, {"flavor": "gpu.t4"}]}]', 'acme')), 2::bigint, 'as a phase');
SELECT is((SELECT count(*) FROM task_group g JOIN job j USING (pool_id, shape_id) WHERE j.name = 'flow.2'), 2::bigint, 'which has both groups');

SELECT is(submit_job('lab', 'once', tenant => 'acme', request_id => 'r', task_groups => '[{"flavor": "cpu.4"}, {"flavor": "gpu.t4"}]'), pg_temp.job('once'), 'made once');
SELECT is(submit_job('lab', 'once', tenant => 'acme', request_id => 'r', task_groups => '[{"flavor": "cpu.4", "replicas": 1}, {"flavor": "gpu.t4"}]'), pg_temp.job('once'), 'the same content in other words');
CREATE FUNCTION pg_temp.differs(groups jsonb, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    BEGIN
        PERFORM submit_job('lab', 'once', tenant => 'acme', request_id => 'r', task_groups => groups);
    EXCEPTION WHEN SQLSTATE 'PM004' THEN
        GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
    END;
    RETURN is(said, format('Argument "task_groups" differs from that of job %s.', pg_temp.job('once')), description);
END $$;
SELECT pg_temp.differs('[{"flavor": "cpu.4"}, {"flavor": "gpu.t4", "replicas": 2}]', 'another number in the second group');
SELECT pg_temp.differs('[{"flavor": "cpu.4"}]', 'another number of groups');
SELECT pg_temp.differs('[{"flavor": "cpu.4"}, {"flavor": "gpu.t4", "name": "workers"}]', 'another name');
SELECT pg_temp.differs('[{"flavor": "gpu.t4"}, {"flavor": "cpu.4"}]', 'another order');
SELECT submit_job('lab', 'plain', flavor => 'cpu.4', tenant => 'acme', request_id => 'p');
SELECT is(submit_job('lab', 'plain', task_groups => '[{"flavor": "cpu.4"}]', tenant => 'acme', request_id => 'p'), pg_temp.job('plain'), 'one group is what the arguments say');

SELECT submit_job('lab', 'service', 'inference', tenant => 'acme', task_groups => '[{"flavor": "cpu.4"}, {"flavor": "gpu.t4", "replicas": 2, "min_replicas": 1}]');
SELECT count(*) FROM schedule('lab');
SELECT throws_ok(format('SELECT scale_job(%s, 1)', pg_temp.job('service')), 'PM003', format('job %s has 2 task groups and cannot be scaled', pg_temp.job('service')), 'scale_job is for one group');

--
-- Refused
--
CREATE FUNCTION pg_temp.refused(groups jsonb, state text, message text, detail text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said_state text;
    said_message text;
    said_detail text;
BEGIN
    BEGIN
        PERFORM submit_job('lab', 'x', tenant => 'acme', task_groups => groups);
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS said_state = RETURNED_SQLSTATE, said_message = MESSAGE_TEXT, said_detail = PG_EXCEPTION_DETAIL;
    END;
    RETURN is(ARRAY[said_state, said_message, said_detail], ARRAY[state, message, detail], description);
END $$;
SELECT pg_temp.refused('[]', '22023', 'invalid value for argument "task_groups"', 'It must be an array of 1 to 16 objects, one a task group.', 'none');
SELECT pg_temp.refused((SELECT jsonb_agg('{"flavor": "cpu.4"}'::jsonb) FROM generate_series(1, 17)), '22023', 'invalid value for argument "task_groups"', 'It must be an array of 1 to 16 objects, one a task group.', 'too many');
SELECT pg_temp.refused('[{"flavor": "cpu.4"}, 2]', '22023', 'invalid value for argument "task_groups"', 'Element 2 is not an object.', 'no object');
SELECT pg_temp.refused('[{"flavor": "cpu.4"}, {"count": 2}]', '22023', 'invalid value for argument "task_groups"', 'The key "count" of task group 2 means nothing.', 'an unknown key');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "replicas": "2"}]', '22023', 'invalid value for argument "task_groups"', '"replicas" of task group 1 must be an integer.', 'no number');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "replicas": 0}]', '22023', 'invalid value for argument "task_groups"', '"replicas" of task group 1: It must be 1 or more.', 'no replicas');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "replicas": 2, "min_replicas": 3}]', '22023', 'invalid value for argument "task_groups"', '"min_replicas" of task group 1: It must be between 1 and "replicas".', 'too large a minimum');
SELECT pg_temp.refused('[{"flavor": "cpu.4"}, {"replicas": 2}]', '22023', 'task group 2 of job "x" must have either a flavor or a request', 'It has neither.', 'a group of nothing');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "name": "a"}, {"flavor": "cpu.4", "name": "a"}]', '22023', 'invalid value for argument "task_groups"', '"name" of task group 2: Task group 1 has the same.', 'a name twice');
SELECT pg_temp.refused('[{"flavor": "gpu.t4", "replicas": 5}, {"flavor": "gpu.t4", "replicas": 4}]', '22023', 'invalid value for argument "task_groups"', '"replicas" of task group 2: In a public pool a job has at most 8 replicas of flavor "gpu.t4".', 'a flavor''s limit is for the job');
SELECT pg_temp.refused('[{"flavor": "cpu.4"}, {"request": "cpu=-1"}]', '22023', 'request of task group 2 of job "x" is negative', 'It asks for -1 of "cpu".', 'a negative request');
SELECT pg_temp.refused('[{"flavor": "cpu.4"}, {"request": "cpu=64"}]', 'PM001', 'no node of pool "lab" can hold a replica of task group 2 of job "x"', 'It asks for 64 of "cpu"; the largest node has 32.', 'a group that never fits');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "node_selector": {"a": 1}}]', '22023', 'invalid value for argument "node_selector of task group 1"', 'It must be an object of strings.', 'a selector of another form');
SELECT throws_ok($$SELECT submit_job('lab', 'x', flavor => 'cpu.4', tenant => 'acme', task_groups => '[{"flavor": "cpu.4"}]')$$, '22023', 'invalid value for argument "task_groups"', 'said twice');
SELECT throws_ok($$SELECT submit_job('lab', 'x', replicas => 2, tenant => 'acme', task_groups => '[{"flavor": "cpu.4"}]')$$, '22023', 'invalid value for argument "task_groups"', 'replicas of no group');

SELECT * FROM finish();
ROLLBACK;
