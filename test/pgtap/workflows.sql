-- Workflows: phases one after the other, each with its own flavor; what ends
-- them, and what is billed. The amounts are worked out in the comments.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-01 09:00:00+00';
SELECT plan(66);

SELECT create_tenant('acme', 'USD', 'UTC');
SELECT create_workspace('acme', 'research');
SELECT create_sku('cpu.4', 'task'), create_sku('gpu.t4', 'task'), create_sku('vm', 'node');
SELECT set_price('cpu.4', '0.10', '2026-01-01', currency => 'USD'), set_price('gpu.t4', '2', '2026-01-01', currency => 'USD'),
       set_price('vm', '3', '2026-01-01', currency => 'USD');
SELECT create_flavor('vm.4t4', 'cpu=32,memory=128Gi,nvidia.com/gpu=4', 'vm', 'nvidia.com/gpu'),
       create_flavor('cpu.4', 'cpu=4,memory=16Gi', 'cpu.4'), create_flavor('gpu.t4', 'cpu=4,nvidia.com/gpu=1', 'gpu.t4', 'nvidia.com/gpu');
SELECT count(set_resource_sku('vm.4t4', unit::resource_list, NULL)) FROM unnest(ARRAY['cpu=1', 'memory=1Gi', 'nvidia.com/gpu=1']) AS unit;
SELECT create_network('net', '10.0.0.0/16', 'acme');
SELECT create_pool('lab', 'public'), create_pool('own', 'dedicated', 'acme', 'net');
SELECT add_nodes('lab', 'vm.4t4'), add_nodes('own', 'vm.4t4');

CREATE TEMP TABLE made (name text, phase bigint, job_id bigint, PRIMARY KEY (name, phase));
CREATE FUNCTION pg_temp.submit(workflow text, pool text, phases jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO made SELECT workflow, n, id FROM submit_workflow(pool, workflow, phases, 'acme') WITH ORDINALITY AS s(id, n)
$$;
CREATE FUNCTION pg_temp.id(workflow text, p bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT job_id FROM made WHERE name = workflow AND phase = p
$$;
CREATE FUNCTION pg_temp.states(workflow text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coalesce(j.end_state, q.state, r.state)::text, ' ' ORDER BY phase) FROM made m JOIN job j USING (job_id)
    LEFT JOIN job_queue q USING (pool_id, job_id) LEFT JOIN job_run r ON r.pool_id = j.pool_id AND r.job_id = j.job_id AND r.ended_at IS NULL
    WHERE m.name = workflow
$$;
\ir include/calls.sql

--
-- Three phases, each with its own flavor
--
SELECT pg_temp.submit('train', 'lab', '[{"name": "prepare", "flavor": "cpu.4", "tags": {"step": "1"}},
    {"name": "fit", "flavor": "gpu.t4", "replicas": 2, "time_limit": "3 hours"}, {"request": {"cpu": "2"}, "max_retries": 3}]');
SELECT results_eq($$SELECT j.name::text, j.kind::text, j.workflow_id, j.phase_no::integer, j.tags::jsonb, j.max_retries::integer, g.request::text, g.replicas
    FROM job j JOIN task_group g USING (pool_id, shape_id) ORDER BY job_id$$, $$VALUES
    ('train.prepare', 'workflow', pg_temp.id('train', 1), 1, '{"step": "1"}'::jsonb, 0, 'cpu=4,memory=16Gi', 1),
    ('train.fit', 'workflow', pg_temp.id('train', 1), 2, '{}', 0, 'cpu=4,nvidia.com/gpu=1', 2),
    ('train.3', 'workflow', pg_temp.id('train', 1), 3, '{}', 3, 'cpu=2', 1)$$, 'a job a phase');
SELECT is(pg_temp.states('train'), 'queued waiting waiting', 'the first queues, the others wait');
SELECT results_eq($$SELECT job_id FROM queue_order(1)$$, $$SELECT pg_temp.id('train', 1)$$, 'and have no place in the queue');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.states('train'), 'running waiting waiting', 'the first runs');
SELECT pg_temp.at('2026-03-01 10:00:00');
SELECT finish_job(pg_temp.id('train', 1));
SELECT is(pg_temp.states('train'), 'completed queued waiting', 'with its end the second queues');
SELECT is_empty($$SELECT FROM holding WHERE job_id IS NOT NULL$$, 'between phases nothing is billed');
SELECT pg_temp.at('2026-03-01 11:00:00');
SELECT count(*) FROM schedule('lab');
SELECT pg_temp.at('2026-03-01 12:30:00');
SELECT finish_job(pg_temp.id('train', 2));
SELECT pg_temp.at('2026-03-01 13:00:00');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.states('train'), 'completed completed running', 'the third runs');
SELECT pg_temp.at('2026-03-01 13:30:00');
SELECT finish_job(pg_temp.id('train', 3));
SELECT is(pg_temp.states('train'), 'completed completed completed', 'all done');
-- 1 hour at 0.10, 1.5 hours of 2 at 2, and a bare request of what is free
SELECT results_eq($$SELECT sku, sum(quantity), sum(amount) FROM charges('acme', '2026-03-01', '2026-03-02') WHERE sku <> 'vm' GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('cpu.4', 1.0, 0.10), ('gpu.t4', 3.0, 6.0)$$, 'each phase is billed while it runs, by its flavor');
SELECT results_eq($$SELECT from_state, to_state, reason FROM event WHERE job_id = pg_temp.id('train', 2) ORDER BY event_id$$, $$VALUES
    (NULL, 'waiting', NULL), ('waiting', 'queued', 'the phase before it has completed'), ('queued', 'running', NULL), ('running', 'completed', NULL)$$,
    'events of a phase');

--
-- What ends the later phases
--
SELECT pg_temp.submit(w, 'lab', '[{"flavor": "cpu.4", "time_limit": "1 hour"}, {"flavor": "cpu.4"}, {"flavor": "cpu.4"}]')
FROM unnest(ARRAY['fails', 'cancelled', 'queued', 'late', 'waiting', 'running']) AS w;
SELECT cancel_job(pg_temp.id('queued', 1));
SELECT is(pg_temp.states('queued'), 'cancelled cancelled cancelled', 'the first was cancelled in the queue');
SELECT cancel_job(pg_temp.id('waiting', 2));
SELECT is(pg_temp.states('waiting'), 'queued cancelled cancelled', 'the second was cancelled while it waited: the first goes on');
SELECT count(*) FROM schedule('lab');
SELECT finish_job(pg_temp.id('fails', 1), 'failed'), cancel_job(pg_temp.id('cancelled', 1)),
       finish_job(pg_temp.id('waiting', 1)), finish_job(pg_temp.id('running', 1));
SELECT is(pg_temp.states('fails'), 'failed cancelled cancelled', 'the first failed');
SELECT is(pg_temp.states('cancelled'), 'cancelled cancelled cancelled', 'the first was cancelled while it ran');
SELECT is(pg_temp.states('waiting'), 'completed cancelled cancelled', 'what is cancelled stays so');
SELECT count(*) FROM schedule('lab');
SELECT cancel_job(pg_temp.id('running', 2));
SELECT is(pg_temp.states('running'), 'completed cancelled cancelled', 'the second was cancelled while it ran');
SELECT pg_temp.at('2026-03-01 14:30:00');
SELECT is(pg_temp.states('late'), 'running waiting waiting', 'one that will be late');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.states('late'), 'timed_out cancelled cancelled', 'the first was timed out by a pass');
SELECT is((SELECT reason FROM event WHERE job_id = pg_temp.id('late', 3) AND to_state = 'cancelled'), 'a phase before it did not complete', 'the event says why');
SELECT is((SELECT count(*) FROM job_queue), 0::bigint, 'nothing waits for ever');

--
-- Holding, dedicated pools, restarts
--
SELECT pg_temp.submit('held', 'lab', '[{"flavor": "cpu.4"}, {"flavor": "cpu.4"}]');
SELECT throws_ok($$SELECT hold_job(pg_temp.id('held', 2))$$, 'PM002', NULL, 'what waits for a phase is not held');
SELECT hold_job(pg_temp.id('held', 1)), release_job(pg_temp.id('held', 1));
SELECT is(pg_temp.states('held'), 'queued waiting', 'the queued one is');
SELECT cancel_job(pg_temp.id('held', 1));

SELECT pg_temp.submit('own', 'own', '[{"flavor": "gpu.t4", "priority": 2}, {"flavor": "gpu.t4", "priority": 3}, {"flavor": "gpu.t4"}]');
SELECT is(pg_temp.states('own'), 'running waiting waiting', 'in a dedicated pool the first is placed at once');
SELECT set_priority(pg_temp.id('own', 3), 2);
SELECT is((SELECT priority FROM job WHERE job_id = pg_temp.id('own', 3)), 2::smallint, 'the priority of one that waits may change');
SELECT requeue_job(pg_temp.id('own', 1));
SELECT is(pg_temp.states('own'), 'queued waiting waiting', 'a phase that is restarted has not ended');
SELECT count(*) FROM schedule('own');
SELECT finish_job(pg_temp.id('own', 1));
SELECT is(pg_temp.states('own'), 'completed queued waiting', 'only its end counts');
SELECT throws_ok($$SELECT stop_job(pg_temp.id('own', 2))$$, 'PM003', NULL, 'a phase does not rest');
SELECT cancel_job(pg_temp.id('own', 2));

--
-- The same again
--
SELECT results_eq($$SELECT * FROM submit_workflow('lab', 'twice', '[{"flavor": "cpu.4"}, {"flavor": "cpu.4"}]', 'acme', request_id => 'w1')$$,
    $$SELECT * FROM submit_workflow('lab', 'twice', '[{"flavor": "cpu.4"}, {"flavor": "cpu.4"}]', 'acme', request_id => 'w1')$$,
    'a repeated call returns the same jobs');
SELECT is((SELECT count(*) FROM job WHERE name LIKE 'twice.%'), 2::bigint, 'and makes none');
SELECT throws_ok($$SELECT submit_workflow('lab', 'twice', '[{"flavor": "cpu.4"}]', 'acme', request_id => 'w1')$$, 'PM004', NULL, 'other content does not');
SELECT is((SELECT count(DISTINCT workspace_id) FROM job), 1::bigint, 'all so far in one workspace');
SELECT lives_ok($$SELECT submit_workflow('lab', 'ws', '[{"flavor": "cpu.4"}]', 'acme', 'research')$$, 'in another');
SELECT is((SELECT w.name::text FROM job j JOIN workspace w USING (tenant_id, workspace_id) WHERE j.name = 'ws.1'), 'research', 'which its phases have');

--
-- Refused
--
CREATE FUNCTION pg_temp.refused(phases jsonb, state text, message text, description text) RETURNS text LANGUAGE sql AS $$
    SELECT throws_ok(format('SELECT submit_workflow(%L, %L, %L, %L)', 'lab', 'x', phases, 'acme'), state, message, description)
$$;
SELECT pg_temp.refused('[]', '22023', 'invalid value for argument "phases"', 'no phase');
SELECT pg_temp.refused('{}', '22023', 'invalid value for argument "phases"', 'no array');
SELECT pg_temp.refused('"x"', '22023', 'invalid value for argument "phases"', 'a scalar');
SELECT pg_temp.refused('[1]', '22023', 'invalid value for argument "phases"', 'no object');
SELECT pg_temp.refused('[[]]', '22023', 'invalid value for argument "phases"', 'an array in it');
SELECT pg_temp.refused((SELECT jsonb_agg('{"flavor": "cpu.4"}'::jsonb) FROM generate_series(1, 101)), '22023', 'invalid value for argument "phases"', 'too many');
SELECT lives_ok($$SELECT submit_workflow('lab', 'many', (SELECT jsonb_agg('{"flavor": "cpu.4"}'::jsonb) FROM generate_series(1, 100)), 'acme')$$, 'a hundred');
SELECT pg_temp.refused('[{"flavour": "cpu.4"}]', '22023', 'invalid value for argument "phases"', 'an unknown key');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "kind": "training"}]', '22023', 'invalid value for argument "phases"', 'a key that is not the phase''s');
SELECT pg_temp.refused('[{"flavor": "cpu.4"}, {"flavor": "nope"}]', '42704', 'flavor "nope" does not exist', 'an unknown flavor');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "replicas": 0}]', '22023', 'invalid value for argument "replicas"', 'no replicas');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "replicas": "two"}]', '22023', NULL, 'no number');
SELECT pg_temp.refused('[{"flavor": "cpu.4"}, {"request": {"cpu": 64}}]', 'PM001', NULL, 'a phase that never fits');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "priority": 2}]', 'PM003', NULL, 'priorities in a public pool');
SELECT pg_temp.refused('[{}]', '22023', 'job "x.1" must have either a flavor or a request', 'a phase of nothing');
SELECT throws_ok($$SELECT submit_workflow('lab', ' ', '[{"flavor": "cpu.4"}]', 'acme')$$, '22023', 'invalid value for argument "name"', 'no name');
SELECT throws_ok($$SELECT submit_workflow('lab', 'x', NULL, 'acme')$$, '22004', 'argument "phases" must not be null', 'no phases');
SELECT throws_ok($$SELECT submit_workflow('none', 'x', '[{"flavor": "cpu.4"}]', 'acme')$$, '42704', 'pool "none" does not exist', 'no pool');
UPDATE tenant SET state = 'frozen' WHERE name = 'acme';
SELECT pg_temp.refused('[{"flavor": "cpu.4"}]', 'PM005', NULL, 'a frozen tenant');
UPDATE tenant SET state = 'active' WHERE name = 'acme';

-- values that are not what they must be
SELECT pg_temp.refused('[{"flavor": "cpu.4", "replicas": "2"}]', '22023', 'invalid value for argument "phases"', 'a number as a string');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "replicas": 1.5}]', '22023', 'invalid value for argument "phases"', 'half a replica');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "max_retries": 9999999999}]', '22023', 'invalid value for argument "phases"', 'too large a number');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "preemptible": "no"}]', '22023', 'invalid value for argument "phases"', 'not true or false');
SELECT pg_temp.refused('[{"request": ["cpu=1"]}]', '22023', 'invalid value for argument "phases"', 'no resources');
SELECT pg_temp.refused('[{"flavor": "cpu.4", "time_limit": 5}]', '22023', 'invalid value for argument "phases"', 'a time without a unit');

-- text that is no value of its type, with where it is
CREATE FUNCTION pg_temp.where_refused(phases jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    place text;
BEGIN
    PERFORM submit_workflow('lab', 'x', phases, 'acme');
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws(' ', SQLSTATE, substring(place FROM '"[^"]*" of (?:phase|task group) \d+'), substring(place FROM 'phase \d+ of the workflow'));
END $$;
SELECT is(pg_temp.where_refused('[{"flavor": "cpu.4"}, {"flavor": "cpu.4", "not_before": "soon"}]'), '22007 "not_before" of phase 2', 'no time');
SELECT is(pg_temp.where_refused('[{"flavor": "cpu.4", "retry_backoff": "a while"}]'), '22007 "retry_backoff" of phase 1', 'no length of time');
SELECT is(pg_temp.where_refused('[{"flavor": "cpu.4", "time_limit": "1 fortnight"}]'), '22007 "time_limit" of phase 1', 'nor this');
SELECT is(pg_temp.where_refused('[{"flavor": "cpu.4"}, {"request": "cpu=many"}]'), '22P02 "request" of phase 2', 'no resources');
SELECT is(pg_temp.where_refused('[{"flavor": "cpu.4"}, {"request": {"cpu": "many"}}]'), '22P02 "request" of phase 2', 'nor as an object');
SELECT is(pg_temp.where_refused('[{"flavor": "cpu.4"}, {"task_groups": [{"request": "cpu=1"}, {"request": "cpu=many"}]}]'),
    '22P02 "request" of task group 2 phase 2 of the workflow', 'in a task group of a phase');

-- what can be written by hand
SELECT throws_ok($$UPDATE job SET phase_no = 2 WHERE job_id = pg_temp.id('own', 1)$$, '55000', NULL, 'a phase does not move');
SELECT throws_ok($$INSERT INTO job (pool_id, tenant_id, pool_kind, sub_pool_id, shape_id, workspace_id, kind, priority, name, submitted_at, submitted_by, workflow_id, phase_no)
    SELECT pool_id, tenant_id, pool_kind, sub_pool_id, shape_id, workspace_id, kind, priority, name, submitted_at, submitted_by, workflow_id, phase_no
    FROM job WHERE job_id = pg_temp.id('own', 2)$$, '23505', NULL, 'nor is there another of its number');

SELECT * FROM finish();
ROLLBACK;
