-- The life of a dedicated pool, on the two days after the replay: what its owner
-- calls, and what there is to see.  The provider is external, so an agent says
-- when work on nodes is done.

\pset footer off
\pset null ''
SET client_min_messages TO warning;

-- what the agent does: all that is running in the pool is done
CREATE FUNCTION demo.agent_done() RETURNS void LANGUAGE sql AS $$
    SELECT tasks_done(array_agg(task_id ORDER BY task_id)) FROM node_task t JOIN pool p USING (pool_id)
    WHERE p.name = 'echo-pool' AND t.state = 'running' HAVING count(*) > 0
$$;
CREATE FUNCTION demo.agent_ready() RETURNS SETOF void LANGUAGE sql AS $$
    SELECT node_ready(node_id) FROM node_status WHERE pool = 'echo-pool' AND state = 'creating' ORDER BY node_id
$$;

\o /dev/null
SET pool_manager.clock = '2026-07-28 08:00:00+00';
SELECT create_tenant('echo', 'USD', 'UTC'), create_network('echo-net', '10.30.0.0/24', 'echo'),
       create_sku('node.h8', 'node'), create_sku('disk', 'GiB');
SELECT create_flavor('h8', 'cpu=96,memory=768Gi,nvidia.com/gpu=8', 'node.h8', 'nvidia.com/gpu'), create_volume_type('SSD', 'disk'),
       set_price('node.h8', '12.50', currency => 'USD'), set_price('disk', '0.0002', currency => 'USD');

\echo
\echo '== A dedicated pool\'s life: four nodes are ordered, the agent brings them, one is a spare'
\set ECHO queries
SELECT create_pool('echo-pool', 'dedicated', 'echo', 'echo-net', provider => 'external', nodes => '{"h8": 4}');
SET pool_manager.clock = '2026-07-28 09:00:00+00';
SELECT demo.agent_ready();
\set ECHO none
SELECT ids[1] AS n1, ids[2] AS n2, ids[3] AS n3, ids[4] AS n4, p AS pool_id
FROM (SELECT array_agg(node_id ORDER BY node_id), find_pool('echo-pool') FROM node_status WHERE pool = 'echo-pool') AS n(ids, p) \gset
\set ECHO queries
SELECT set_spare(:n4);
SELECT create_sub_pool('echo-pool', 'research', 'nvidia.com/gpu=8', 'nvidia.com/gpu=24'),
       create_sub_pool('echo-pool', 'desk', 'nvidia.com/gpu=4');
SELECT submit_job('echo-pool', 'pretrain', request => 'nvidia.com/gpu=8', replicas => 2, max_retries => 1,
                  sub_pool => 'research') AS pretrain,
       submit_job('echo-pool', 'draft', 'notebook', request => 'nvidia.com/gpu=2', sub_pool => 'desk',
                  volume_gib => 500, volume_type => 'SSD') AS draft,
       submit_job('echo-pool', 'sweep', request => 'nvidia.com/gpu=8', sub_pool => 'research') AS sweep \gset
\set ECHO none
\o
SELECT sub_pool, guaranteed, upper, used, nodes, queued, running FROM sub_pool_status WHERE pool = 'echo-pool' AND sub_pool IS NOT NULL;
\o /dev/null

\echo '== At noon a node fails: the spare takes over, the job goes on there; the notebook is stopped'
\set ECHO queries
SET pool_manager.clock = '2026-07-28 12:00:00+00';
SELECT report_fault(:n1, 'A050101');
SELECT schedule('echo-pool');
SELECT stop_job(:draft);
\set ECHO none
\o
SELECT * FROM pool_status WHERE pool = 'echo-pool';
SELECT * FROM node_status WHERE pool = 'echo-pool' ORDER BY node_id;
SELECT start_type, state, started_at, ran, nodes, end_reason FROM job_runs WHERE job_id = :pretrain ORDER BY run_id;
\o /dev/null

\echo '== It is repaired; a driver is installed where no job is; a node is drained'
\set ECHO queries
SET pool_manager.clock = '2026-07-28 14:00:00+00';
SELECT repair_node(:n1);
SELECT demo.agent_done();
SELECT upgrade_driver('echo-pool', '560.35', 'idle', max_unavailable => '50%');
SELECT demo.agent_done();
\set ECHO none
\o
SELECT pool, version, state, strategy, max_unavailable, done, updating, pending, failed FROM driver_status WHERE pool = 'echo-pool';
\o /dev/null
\set ECHO queries
SET pool_manager.clock = '2026-07-28 20:00:00+00';
SELECT finish_job(:pretrain);
SELECT schedule('echo-pool');
SELECT demo.agent_done();
SELECT resume_job(:draft);
SELECT drain_nodes(ARRAY(SELECT node_id FROM allocation JOIN job_run USING (pool_id, run_id)
                         WHERE job_id = :sweep AND released_at IS NULL));
\set ECHO none
\o
SELECT * FROM drain_status WHERE pool = 'echo-pool';
\o /dev/null

\echo '== It grows overnight, and shrinks the next day: who would go?'
\set ECHO queries
SET pool_manager.clock = '2026-07-29 00:00:00+00';
SELECT resize_pool('echo-pool', 'h8', 6);
SET pool_manager.clock = '2026-07-29 01:00:00+00';
SELECT demo.agent_ready();
SET pool_manager.clock = '2026-07-29 12:00:00+00';
\o
SELECT * FROM resize_victims('echo-pool', 'h8', 3);
\o /dev/null
SELECT resize_pool('echo-pool', 'h8', 3);
SELECT demo.agent_done();
SET pool_manager.clock = '2026-07-29 18:00:00+00';
SELECT delete_pool('echo-pool', force => true);
SET pool_manager.clock = '2026-07-29 18:10:00+00';
SELECT demo.agent_done();
\set ECHO none
\o

\echo '== What was ordered, and the last that happened'
SELECT operation, phase, flavor, initial, target, result, ordered_at, took FROM pool_orders WHERE pool = 'echo-pool' ORDER BY "order";
SELECT last_at, type, kind, node, message, times FROM pool_events
WHERE pool = 'echo-pool' AND kind NOT IN ('node_task', 'order_phase') LIMIT 12;

\echo '== GPUs of the pool, by six hours'
SELECT bucket_start, allocated, most, idle, unavailable, capacity, busy
FROM pool_usage(:pool_id, '2026-07-28 06:00:00+00', '2026-07-29 18:10:00+00', '6 hours') WHERE resource = 'nvidia.com/gpu';

\echo '== What it cost, day by day: nodes busy or idle, the notebook\'s volume also while it was stopped'
SELECT sku, cycle_start::date AS day, round(quantity, 2) AS quantity, unit, round(amount, 2) AS amount, currency
FROM charges('echo', '2026-07-28 00:00:00+00', '2026-07-30 00:00:00+00', '1 day') ORDER BY sku, day;

\echo '== The month is over: its bill, and whether all books agree'
SET pool_manager.clock = '2026-08-01 00:00:00+00';
SELECT issue_bill('echo', '2026-07-01') AS bill \gset
\t
SELECT bill_text(:bill);
\t
SELECT count(*) AS disagreements FROM reconcile();
