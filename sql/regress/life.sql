-- One whole life in each kind of pool: from accounts to charges, as psql shows
-- it. The amounts are worked out in the comments.
SET search_path TO pool_manager, public;
SET timezone TO 'UTC';
SET datestyle TO ISO;
SET intervalstyle TO postgres;
SET pool_manager.clock = '2026-03-01 00:00:00+00';

--
-- Accounts, catalogue, prices
--
SELECT create_tenant('acme', 'USD', 'UTC') AS acme,
       create_tenant('borealis', 'USD', 'Asia/Shanghai', cycle => '1 day', rounding => 'cut') AS borealis;
SELECT create_workspace('acme', 'research');
SELECT create_sku('gpu.t4', 'GPU'), create_sku('cpu', 'core'), create_sku('ram', 'GiB'),
       create_sku('task.t4', 'task'), create_sku('vm.8h100', 'node');
SELECT create_flavor('vm.gpu.4t4', 'cpu=32,memory=128Gi,nvidia.com/gpu=4', NULL, 'nvidia.com/gpu'),
       create_flavor('vm.cpu.16', 'cpu=16,memory=64Gi'),
       create_flavor('task.gpu.t4', 'cpu=8,memory=32Gi,nvidia.com/gpu=1', 'task.t4', 'nvidia.com/gpu'),
       create_flavor('vm.gpu.8h100', 'cpu=96,memory=1Ti,nvidia.com/gpu=8', 'vm.8h100', 'nvidia.com/gpu');
SELECT count(set_resource_sku(flavor, unit::resource_list, sku)) FROM (VALUES
    ('vm.gpu.4t4', 'nvidia.com/gpu=1', 'gpu.t4'), ('vm.gpu.4t4', 'cpu=1', 'cpu'), ('vm.gpu.4t4', 'memory=1Gi', 'ram'),
    ('vm.cpu.16', 'cpu=1', 'cpu'), ('vm.cpu.16', 'memory=1Gi', NULL)) AS v (flavor, unit, sku);
SELECT set_price('gpu.t4', '0.60', '2026-01-01', currency => 'USD') AS gpu,
       set_price('cpu', '0.05', '2026-01-01', currency => 'USD') AS cpu,
       set_price('ram', '0.005', '2026-01-01', currency => 'USD') AS ram,
       set_price('vm.8h100', '32', '2026-01-01', currency => 'USD') AS vm,
       set_price('gpu.t4', '0.50', '2026-03-01', 'acme') AS acme_gpu;

--
-- A public pool: fractions of a GPU, whole ones, taints
--
SELECT create_pool('openlab', 'public');
SELECT * FROM add_nodes('openlab', 'vm.gpu.4t4', 2, name_prefix => 't4', labels => '{"zone": "a"}');
SELECT * FROM add_nodes('openlab', 'vm.cpu.16', name_prefix => 'cpu', labels => '{"zone": "b"}',
                        taints => '[{"key": "burst", "value": "yes"}]');

SELECT submit_job('openlab', 'notebook-1', 'notebook', request => 'cpu=4,memory=16Gi,nvidia.com/gpu=0.46', tenant => 'acme'),
       submit_job('openlab', 'notebook-2', 'notebook', request => 'cpu=4,memory=16Gi,nvidia.com/gpu=0.46', tenant => 'acme'),
       submit_job('openlab', 'notebook-3', 'notebook', request => 'cpu=4,memory=16Gi,nvidia.com/gpu=0.1', tenant => 'acme',
                  workspace => 'research');
SELECT submit_job('openlab', 'sweep', flavor => 'task.gpu.t4', replicas => 5, tenant => 'borealis'),
       submit_job('openlab', 'pretrain', request => 'cpu=16,memory=64Gi,nvidia.com/gpu=4', tenant => 'borealis'),
       submit_job('openlab', 'tokenise', request => 'cpu=1', tenant => 'borealis'),
       submit_job('openlab', 'burst', request => 'cpu=16', tolerations => '[{"key": "burst", "value": "yes"}]',
                  node_selector => '{"zone": "b"}', tenant => 'acme');
SELECT * FROM queue;
-- notebooks share a device until it is full, the third needs another; pretrain
-- blocks tokenise, which is of the same tenant, but not burst
SELECT * FROM schedule('openlab');
SELECT * FROM queue;
SELECT run_id, node_id, replicas, allocated, devices, device_share FROM allocation ORDER BY 1, 2;
SELECT * FROM node_status ORDER BY node_id;
SELECT node_id, devices FROM node_load ORDER BY 1;
SELECT * FROM pool_status;
SELECT * FROM pool_utilization ORDER BY resource;
SELECT * FROM running_cost ORDER BY holder, sku;
SELECT * FROM job_status ORDER BY job_id;

-- nothing has changed: a pass does nothing
SELECT * FROM schedule('openlab');

-- hold, release, cancel while queued; the queue moves up
SET pool_manager.clock = '2026-03-01 00:10:00+00';
SELECT hold_job(5);
SELECT * FROM queue;
SELECT * FROM schedule();
SELECT release_job(5), cancel_job(5);
SELECT * FROM queue;

-- ends between whole seconds: 1 h 29 min 59 s of sweep are metered
SET pool_manager.clock = '2026-03-01 01:29:59.7+00';
SELECT finish_job(4), finish_job(1, 'failed', 137), finish_job(6);
SELECT cancel_job(7);
SELECT * FROM schedule('openlab');
SELECT * FROM job_status ORDER BY job_id;
SELECT * FROM running_cost ORDER BY holder, sku;

-- acme: notebook-1 0.46 GPU for 5399 s, notebook-2 0.46 and notebook-3 0.1 to
-- the clock, which is 01:29:59.7, so 5399 s too: (0.46 + 0.46 + 0.1) x 5399 /
-- 3600 = 1.529716667 GPU-hours at 0.50. Cores: 3 x 4 + 16 = 28, GiB: 48.
-- borealis: task.t4 has no price; a core from 00:10:00 to 01:29:59.
SELECT tenant_name, sku, quantity, unit, amount, currency FROM charges('acme', '2026-03-01', '2026-04-01', '1 month');
SELECT tenant_name, sku, quantity, unit, amount, currency FROM charges('borealis', '2026-02-28', '2026-04-01', '1 month');
-- the contract of borealis says by the day, and its days begin at 16:00 UTC
SELECT tenant_name, sku, cycle_start, cycle_end, quantity FROM charges('borealis', '2026-03-01', '2026-03-02');

--
-- The same request_id is the same job
--
SELECT submit_job('openlab', 'once', request => 'cpu=1', tenant => 'acme', time_limit => '1 day', request_id => 'r-1') AS first,
       submit_job('openlab', 'once', request => 'cpu=1.0', tenant => 'acme', time_limit => '24:00', request_id => 'r-1') AS again;
SELECT * FROM schedule('openlab');
SELECT submit_job('openlab', 'once', request => 'cpu=1', tenant => 'acme', time_limit => '1 day', request_id => 'r-1') AS running;
SELECT finish_job(8);
SELECT submit_job('openlab', 'once', request => 'cpu=1', tenant => 'acme', time_limit => '1 day', request_id => 'r-1') AS ended,
       submit_job('openlab', 'other', request => 'cpu=1', tenant => 'borealis', request_id => 'r-1') AS other_tenant;
SELECT job_id, tenant, state FROM job_status WHERE job = 'other';
SELECT cancel_job(9);
SELECT create_workspace('acme', 'twice', request_id => 'w-1') AS first, create_workspace('acme', 'twice', request_id => 'w-1') AS again;

--
-- Jobs from a query; min_replicas: as many as fit
--
SELECT * FROM submit_jobs('openlab', $$
    SELECT 'elastic' AS name, 'cpu=2,nvidia.com/gpu=1'::resource_list AS request, 9 AS replicas, 2 AS min_replicas,
           NULL AS time_limit, 'research' AS workspace
    UNION ALL SELECT 'limited', 'cpu=0.25', 1, 1, '45 min', NULL$$, 'acme');
SELECT * FROM schedule('openlab');
SELECT job_id, replicas, planned_end FROM job_run WHERE job_id > 9;
SELECT node_id, replicas, allocated, devices, device_share FROM allocation WHERE allocated['nvidia.com/gpu'] >= 1 AND released_at IS NULL;
-- a time limit is ended by a pass, at the instant of the pass
SET pool_manager.clock = '2026-03-01 02:14:59+00';
SELECT * FROM schedule('openlab');
SET pool_manager.clock = '2026-03-01 02:20:00+00';
SELECT * FROM schedule('openlab');
SELECT finish_job(10), finish_job(2), finish_job(3);
SELECT * FROM running_cost;
SELECT * FROM pool_status;

--
-- A dedicated pool: the promise, priorities, nodes on the bill
--
SELECT create_network('train-net', '10.20.0.0/16', 'acme');
SELECT create_pool('train-h100', 'dedicated', 'acme', 'train-net', job_types => '{training,inference}',
                   queue_policy => 'traversal', placement => 'first_fit', default_time_limit => '2 hours');
SELECT * FROM add_nodes('train-h100', 'vm.gpu.8h100', 2, name_prefix => 'h100');
-- returns with the job running; no tenant needed where there is but one owner
SELECT submit_job('train-h100', 'finetune', request => 'cpu=32,memory=256Gi,nvidia.com/gpu=6');
SELECT * FROM job_status WHERE pool = 'train-h100';
SELECT submit_job('train-h100', 'big', request => 'nvidia.com/gpu=8', replicas => 2),
       submit_job('train-h100', 'urgent', request => 'nvidia.com/gpu=8', replicas => 2, priority => 3),
       submit_job('train-h100', 'small', 'inference', request => 'nvidia.com/gpu=2');
-- small was not placed at once, as there is something ahead of it; a pass passes the others over
SELECT * FROM queue;
SELECT * FROM schedule('train-h100');
SELECT * FROM queue;
SELECT run_id, node_id, devices FROM allocation WHERE pool_id = 2 AND released_at IS NULL ORDER BY 1;
SELECT * FROM running_cost;
-- the default time limit ends finetune and small; urgent is before big
SET pool_manager.clock = '2026-03-01 04:20:00+00';
SELECT * FROM schedule('train-h100');
SELECT cancel_job(13), cancel_job(14);
SELECT * FROM job_status WHERE pool = 'train-h100' ORDER BY job_id;
-- two nodes for two hours, busy or idle, and nothing for the jobs
SELECT sku, quantity, amount FROM charges('acme', '2026-03-01', '2026-04-01', '1 month') WHERE sku = 'vm.8h100';

-- reserve: what is free for the head is withheld
SELECT create_pool('train-r', 'dedicated', 'acme', 'train-net', queue_policy => 'reserve');
SELECT count(*) FROM add_nodes('train-r', 'vm.gpu.8h100', 2);
SELECT submit_job('train-r', 'base', request => 'nvidia.com/gpu=4'),
       submit_job('train-r', 'wide', request => 'nvidia.com/gpu=8', replicas => 2),
       submit_job('train-r', 'narrow', request => 'nvidia.com/gpu=1'),
       submit_job('train-r', 'cores', request => 'cpu=8');
SELECT * FROM schedule('train-r');
SELECT * FROM queue;

--
-- An agent pool: starting, running, stopping
--
SELECT create_pool('edge', 'public', launch => 'agent', stop_timeout => '5 minutes');
SELECT count(*) FROM add_nodes('edge', 'vm.gpu.4t4');
SELECT submit_job('edge', 'serve', 'inference', request => 'nvidia.com/gpu=1', tenant => 'borealis'),
       submit_job('edge', 'batch', request => 'nvidia.com/gpu=1', tenant => 'borealis', time_limit => '30 min'),
       submit_job('edge', 'stuck', request => 'nvidia.com/gpu=1', tenant => 'borealis'),
       submit_job('edge', 'never', request => 'nvidia.com/gpu=1', tenant => 'borealis');
SELECT * FROM schedule('edge');
-- time to start is free
SELECT count(*) FROM running_cost WHERE tenant = 'borealis';
SET pool_manager.clock = '2026-03-01 04:25:00+00';
SELECT start_job(20), start_job(21), start_job(22);
SELECT finish_job(23, 'failed', 1);
SELECT holder, quantity, since, per_hour FROM running_cost WHERE tenant = 'borealis';
SELECT cancel_job(22);
SET pool_manager.clock = '2026-03-01 04:29:59+00';
SELECT * FROM schedule('edge');
-- what is stopping is still held; the pass that comes after the stop timeout takes it back
SELECT job_id, state, ran FROM job_status WHERE pool = 'edge' ORDER BY job_id;
SET pool_manager.clock = '2026-03-01 04:30:00+00';
SELECT * FROM schedule('edge');
-- over its time limit, counted from its start: told to stop, and says so
SET pool_manager.clock = '2026-03-01 04:54:59.9+00';
SELECT * FROM schedule('edge');
SET pool_manager.clock = '2026-03-01 04:55:00+00';
SELECT * FROM schedule('edge');
SET pool_manager.clock = '2026-03-01 05:00:00+00';
SELECT finish_job(21);
SELECT finish_job(20, exit_code => 0);
SELECT job_id, job, state, ran, exit_code FROM job_status WHERE pool = 'edge' ORDER BY job_id;
SELECT run_id, state, placed_at, started_at, stopping_at, deadline, ended_at FROM job_run WHERE job_id IN (20, 22) ORDER BY run_id;
-- 35 min of job 20, 35 min of 21, 5 min of 22: 1.25 h at 0.60
SELECT sku, quantity, amount FROM charges('borealis', '2026-03-01', '2026-04-01', '1 month') WHERE sku = 'gpu.t4';

--
-- Who did what, when
--
SELECT at, kind, coalesce(from_state, '') || '>' || coalesce(to_state, '') AS change, run_id, reason
  FROM event WHERE job_id IN (21, 22) OR job_id IS NULL ORDER BY event_id;
-- all is given back but what reserve still runs
SELECT * FROM pool_status ORDER BY pool;
SELECT count(*) FROM node_load WHERE allocated <> '' AND pool_id <> 3;
