-- A team's quarter, January to March 2026, told in the public calls. Its last
-- chapter is the bill: each charge is worked out by hand in the comments, as
-- intervals x quantity x price, and compared with charges().
--
-- All times are Berlin's, where the contract is. January has 31 x 24 = 744 hours,
-- February 28 x 24 = 672, March 31 x 24 - 1 = 743: its 29th has 23.
--
-- The prices, in EUR for a unit-hour:
--      node.gpu    a node with 8 GPUs          16      from 16 March on 15, for the team alone
--      node.cpu    a node with 32 cores         2
--      ssd         a GiB of disk or volume      0.001
--      ip          an address                   0.004
--      mbit        a Mbit/s of a network        0.002
--      gpu         a GPU, in public pools       3      beyond 10 GPU-hours of a month 2
--      core        a core, in public pools      0.05
--      task        a replica of cpu.4           0.40

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'Europe/Berlin';
SELECT plan(106);

-- nodes by the names of this story
CREATE TEMP TABLE cast_list (node_id bigint, nick text);
CREATE FUNCTION pg_temp.nick(id bigint) RETURNS text LANGUAGE sql AS $$ SELECT nick FROM cast_list WHERE node_id = id $$;
-- the nodes of a pool: n1, n2 abnormal, n3 spare
CREATE FUNCTION pg_temp.fleet(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', pg_temp.nick(node_id), nullif(state, 'available')), ', ' ORDER BY pg_temp.nick(node_id))
    FROM node_status s WHERE s.pool = fleet.pool
$$;
-- where a job is
CREATE FUNCTION pg_temp.nodes_of(job bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(DISTINCT pg_temp.nick(a.node_id), ' ') FROM allocation a JOIN job_run r USING (pool_id, run_id)
    WHERE r.job_id = nodes_of.job AND a.released_at IS NULL
$$;
CREATE FUNCTION pg_temp.state_of(job bigint) RETURNS text LANGUAGE sql AS $$ SELECT s.state::text FROM job_status s WHERE s.job_id = state_of.job $$;
-- a pass, and what it changed: name and new state of the jobs
CREATE FUNCTION pg_temp.pass(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', j.name, s.state), ', ' ORDER BY j.job_id) FROM schedule(pass.pool) s JOIN job j USING (pool_id, job_id)
$$;
-- the agent of the provider reports all that it was doing in a pool as done
CREATE FUNCTION pg_temp.agent_done(pool text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    work record;
BEGIN
    SELECT array_agg(task_id) AS tasks, string_agg(concat_ws(' ', t.kind, pg_temp.nick(t.node_id)), ', ' ORDER BY pg_temp.nick(t.node_id)) AS said
    INTO work FROM node_task t WHERE t.pool_id = find_pool(agent_done.pool) AND t.state = 'running';
    PERFORM tasks_done(work.tasks);
    RETURN work.said;
END $$;
-- the last order of a pool
CREATE FUNCTION pg_temp.last_order(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', operation, phase, initial || '>' || target, 'result ' || result) FROM pool_orders o
    WHERE o.pool = last_order.pool ORDER BY "order" DESC LIMIT 1
$$;

-- ---- 1. The catalogue. The operator says what there is, and what it costs. ----

SET pool_manager.clock = '2026-01-01 00:00:00+01';
SELECT create_sku('node.gpu', 'node'), create_sku('node.cpu', 'node'), create_sku('ssd', 'GiB'), create_sku('ip', 'address'),
       create_sku('mbit', 'Mbit/s'), create_sku('gpu', 'GPU'), create_sku('core', 'core'), create_sku('task', 'task');
SELECT set_price('node.gpu', '16', currency => 'EUR'), set_price('node.cpu', '2', currency => 'EUR'),
       set_price('ssd', '0.001', currency => 'EUR'), set_price('ip', '0.004', currency => 'EUR'),
       set_price('mbit', '0.002', currency => 'EUR'), set_price('core', '0.05', currency => 'EUR'),
       set_price('task', '0.40', currency => 'EUR'),
       set_price('gpu', '{"model": "graduated", "tiers": [{"up_to": 10, "unit_price": 3}, {"unit_price": 2}]}', currency => 'EUR');
SELECT create_volume_type('SSD', 'ssd');
SELECT create_flavor('gpu.8', 'cpu=96,memory=1Ti,nvidia.com/gpu=8', 'node.gpu', 'nvidia.com/gpu', reserved => 'cpu=4,memory=24Gi'),
       create_flavor('cpu.32', 'cpu=32,memory=128Gi', 'node.cpu'),
       create_flavor('gpu.4', 'cpu=32,memory=128Gi,nvidia.com/gpu=4', NULL, 'nvidia.com/gpu'),
       create_flavor('gpu.1', 'cpu=4,memory=16Gi,nvidia.com/gpu=1', 'gpu', 'nvidia.com/gpu'),
       create_flavor('cpu.4', 'cpu=4,memory=16Gi', 'task');
SELECT set_resource_sku('gpu.4', 'nvidia.com/gpu=1', 'gpu'), set_resource_sku('gpu.4', 'cpu=1', 'core'),
       set_resource_sku('gpu.4', 'memory=1Gi', NULL);
SELECT create_tenant('north', 'EUR', 'Europe/Berlin');
SELECT create_pool('commons', 'public');
INSERT INTO cast_list SELECT i, 'p1' FROM add_nodes('commons', 'gpu.4') i;

-- ---- 2. Monday, 5 January, 08:00. The team gets an account, and its network. ----

SET pool_manager.clock = '2026-01-05 08:00:00+01';
CREATE ROLE helix_finance;
SELECT create_tenant('helix', 'EUR', 'Europe/Berlin');
SELECT grant_tenant('helix', 'helix_finance', 'viewer');
SELECT create_workspace('helix', 'research'), create_workspace('helix', 'product');
SELECT set_quota('helix', 'networks', 1), set_quota('helix', 'pools', 2), set_quota('helix', 'notebooks', 1, workspace => 'research');
SELECT create_network('lab', '10.8.0.0/24', 'helix', bandwidth => 1000, bandwidth_sku => 'mbit', address_sku => 'ip', workspace => 'research');
SELECT throws_ok($$ SELECT create_network('more', '10.9.0.0/24', 'helix') $$, 'PM007', NULL, 'the quota allows one network');
SELECT connect_peer('lab', 'office', '10.20.0.0/16');
SELECT throws_ok($$ SELECT connect_peer('lab', 'branch', '10.20.128.0/20') $$, '22023', NULL, 'a peer must not overlap another');
SELECT attach_file_system('lab', 'datasets', 'peering', '10.20.3.0/24', '10.20.3.9');
SELECT is(reserve_address('lab', 'jump-host'), '10.8.0.2'::inet, 'an address is set aside for a host of its own');

-- ---- 3. The same day, 09:00. A dedicated pool is ordered; a provider's agent makes its nodes. ----

SET pool_manager.clock = '2026-01-05 09:00:00+01';
SELECT create_pool('train', 'dedicated', 'helix', 'lab', provider => 'external', workspace => 'research', nodes => '{"gpu.8": 4}');
INSERT INTO cast_list SELECT node_id, 'n' || row_number() OVER (ORDER BY node_id) FROM node_status WHERE pool = 'train';
SELECT is(pg_temp.fleet('train'), 'n1 creating, n2 creating, n3 creating, n4 creating', 'four nodes are being made');
SELECT is((SELECT state::text FROM pool WHERE name = 'train'), 'creating', 'and so is the pool');
SELECT throws_ok($$ SELECT submit_job('train', 'early', request => 'nvidia.com/gpu=1') $$, 'PM002', NULL, 'it takes no jobs yet');
SET pool_manager.clock = '2026-01-05 10:00:00+01';
SELECT node_ready(node_id) FROM cast_list WHERE nick IN ('n1', 'n2', 'n3') ORDER BY node_id;
SET pool_manager.clock = '2026-01-05 11:00:00+01';
SELECT node_failed(node_id, 'no capacity in this zone') FROM cast_list WHERE nick = 'n4';
SELECT is(pg_temp.last_order('train'), 'create partially_succeeded 0>4 result 3', 'three of four came');
SELECT is((SELECT row(missed, reason)::text FROM pool_failures WHERE pool = 'train'), '(1,"no capacity in this zone")', 'it is told why');
SELECT is((SELECT state::text FROM pool WHERE name = 'train'), 'running', 'the pool runs with them');
SELECT resize_pool('train', 'gpu.8', 5);
INSERT INTO cast_list SELECT node_id, 'n' || 4 + row_number() OVER (ORDER BY node_id)
FROM node_status s WHERE pool = 'train' AND NOT EXISTS (SELECT FROM cast_list c WHERE c.node_id = s.node_id);
SET pool_manager.clock = '2026-01-05 12:00:00+01';
SELECT node_ready(node_id) FROM cast_list WHERE nick IN ('n5', 'n6') ORDER BY node_id;
SELECT is(pg_temp.last_order('train'), 'resize succeeded 3>5 result 5', 'the second order brings two more');
SELECT set_spare(node_id) FROM cast_list WHERE nick = 'n6';
SELECT is(pg_temp.fleet('train'), 'n1, n2, n3, n5, n6 spare', 'one of the five is kept in reserve');

-- ---- 4. 7 January. Training and a notebook begin; more training waits. ----

SET pool_manager.clock = '2026-01-07 08:00:00+01';
SELECT submit_job('train', 'pretrain', request => 'nvidia.com/gpu=8,cpu=64', replicas => 2, max_retries => 2,
                  workspace => 'research', mounts => '{"/data": "datasets"}') AS pretrain \gset
SELECT submit_job('train', 'explore', 'notebook', request => 'nvidia.com/gpu=1,cpu=8', workspace => 'research',
                  volume_gib => 100, volume_type => 'SSD', auto_stop => '12 hours') AS explore \gset
SELECT submit_job('train', 'sweep', request => 'nvidia.com/gpu=8', replicas => 2, workspace => 'research') AS sweep \gset
SELECT is(pg_temp.nodes_of(:pretrain), 'n1 n2', 'pretrain is placed at once');
SELECT is(pg_temp.nodes_of(:explore), 'n3', 'and the notebook');
SELECT is((SELECT row(job, reason, lacking)::text FROM queue WHERE pool = 'train'), '(sweep,resources,"15 of 16 nvidia.com/gpu")', 'sweep waits: the spare takes no job');
SELECT throws_ok($$ SELECT submit_job('train', 'second', 'notebook', request => 'cpu=1', workspace => 'research') $$, 'PM007', NULL,
    'the workspace has its one notebook');
SELECT throws_ok($$ SELECT detach_file_system('lab', 'datasets') $$, 'PM002', NULL, 'a job mounts the file system, which stays');
SET pool_manager.clock = '2026-01-07 18:00:00+01';
SELECT is(stop_job(:explore)::text, 'stopped', 'in the evening the notebook is stopped');
SELECT is((SELECT string_agg(concat_ws(' ', sku, quantity, per_hour), ', ') FROM running_cost WHERE sku = 'ssd'), 'ssd 100 0.1', 'its volume is held, and billed');
SET pool_manager.clock = '2026-01-08 08:00:00+01';
SELECT is(resume_job(:explore)::text, 'running', 'in the morning it goes on: it was submitted before sweep');
SET pool_manager.clock = '2026-01-08 20:00:00+01';
SELECT is(pg_temp.pass('train'), 'explore stopped, sweep running', 'after 12 hours it is stopped by itself, and sweep begins');
SELECT is(pg_temp.nodes_of(:sweep), 'n3 n5', 'on the nodes that are free');

-- ---- 5. 12 January. A second pool serves models: its provider does all at once. ----

SET pool_manager.clock = '2026-01-12 08:00:00+01';
SELECT create_pool('serve', 'dedicated', 'helix', 'lab', workspace => 'product', job_types => '{inference}', container_network => 'eni');
SELECT throws_ok($$ SELECT create_pool('third', 'dedicated', 'helix', 'lab') $$, 'PM007', NULL, 'the quota allows two pools');
-- each node with two disks of 100 GiB
SELECT create_node_group('serve', 'cpu.32', disk_count => 2, disk_gib => 100, disk_type => 'SSD');
SELECT resize_pool('serve', 'cpu.32', 2);
INSERT INTO cast_list SELECT node_id, 'c' || row_number() OVER (ORDER BY node_id) FROM node_status WHERE pool = 'serve';
SELECT is(pg_temp.last_order('serve') || ': ' || pg_temp.fleet('serve'), 'resize succeeded 0>2 result 2: c1, c2', 'its two nodes are there at once');
SELECT throws_ok($$ SELECT submit_job('serve', 'no', request => 'cpu=1') $$, 'PM003', NULL, 'it takes services only');
SET pool_manager.clock = '2026-01-12 09:00:00+01';
SELECT submit_job('serve', 'chat', 'inference', request => 'cpu=8', replicas => 6, min_replicas => 2, workspace => 'product') AS chat \gset
SELECT is(pg_temp.nodes_of(:chat), 'c1 c2', 'a service of six replicas runs');
SELECT is((SELECT addresses FROM network_status WHERE network = 'lab'), 14::bigint, 'addresses: the host''s, five and two nodes'', six replicas''');

-- ---- 6. 14 January. A node is lost. The spare stands in, the job goes on there. ----

SET pool_manager.clock = '2026-01-14 10:00:00+01';
SELECT submit_job('train', 'other', request => 'nvidia.com/gpu=8', replicas => 3, workspace => 'research') AS other \gset
SELECT is(pg_temp.state_of(:other), 'queued', 'another job waits');
SELECT is(pg_temp.nick(report_fault(node_id, 'A050101')), 'n6', 'n6 takes over from n1') FROM cast_list WHERE nick = 'n1';
SELECT is((SELECT string_agg(job, ' ' ORDER BY position) FROM queue WHERE pool = 'train'), 'pretrain other', 'the job that was on n1 is the first of its priority');
SELECT is(pg_temp.pass('train'), 'pretrain running', 'and begins again before the other');
SELECT is(pg_temp.nodes_of(:pretrain), 'n2 n6', 'on the node that it had, and the spare');
SELECT is((SELECT string_agg(concat_ws(' ', start_type, state, ran), ', ' ORDER BY run_id) FROM job_runs WHERE job_id = :pretrain),
    'initial failed 7 days 02:00:00, restarted running 00:00:00', 'its second run');
SELECT cancel_job(:other);
SET pool_manager.clock = '2026-01-14 16:00:00+01';
SELECT repair_node(node_id) FROM cast_list WHERE nick = 'n1';
SELECT is(pg_temp.agent_done('train'), 'repair n1', 'n1 is repaired');
SELECT is(pg_temp.fleet('train'), 'n1 spare, n2, n3, n5, n6', 'and is the spare from now on');
SET pool_manager.clock = '2026-01-17 08:00:00+01';
SELECT finish_job(:pretrain);
SELECT is((SELECT string_agg(concat_ws(' ', start_type, state, ran), ', ' ORDER BY run_id) FROM job_runs WHERE job_id = :pretrain),
    'initial failed 7 days 02:00:00, restarted completed 2 days 22:00:00', 'pretrain is done');
SELECT finish_job(:sweep);

-- ---- 7. The service follows its load; a first job in the public pool. ----

SET pool_manager.clock = '2026-01-19 09:00:00+01';
SELECT is(scale_job(:chat, 2), 2, 'a quiet week: two replicas');
SET pool_manager.clock = '2026-01-20 09:00:00+01';
SELECT submit_job('commons', 'trial', request => 'cpu=8,memory=32Gi,nvidia.com/gpu=1', tenant => 'helix', workspace => 'product') AS trial \gset
SELECT is(pg_temp.pass('commons'), 'trial running', 'a job in the public pool is billed by what it holds');
SET pool_manager.clock = '2026-01-20 12:00:00+01';
SELECT finish_job(:trial);
SET pool_manager.clock = '2026-01-26 09:00:00+01';
SELECT is(scale_job(:chat, 6), 6, 'the load is back: six replicas');

-- ---- 8. 3 and 5 February. New drivers: first on idle nodes, then at once. ----

SET pool_manager.clock = '2026-02-03 07:00:00+01';
SELECT submit_job('train', 'eval', request => 'nvidia.com/gpu=8', workspace => 'research') AS eval \gset
SELECT is(pg_temp.nodes_of(:eval), 'n2', 'a job runs on n2');
SET pool_manager.clock = '2026-02-03 08:00:00+01';
SELECT upgrade_driver('train', '550.90', max_unavailable => '2');
SELECT is(pg_temp.fleet('train'), 'n1 checking, n2, n3 checking, n5, n6', 'two nodes at a time, and none that is busy');
SET pool_manager.clock = '2026-02-03 09:00:00+01';
SELECT is(pg_temp.agent_done('train'), 'upgrade_driver n1, upgrade_driver n3', 'an hour later they are done');
SELECT is(pg_temp.fleet('train'), 'n1 spare, n2, n3, n5 checking, n6 checking', 'the next two');
SET pool_manager.clock = '2026-02-03 10:00:00+01';
SELECT task_failed(task_id, 'no answer') FROM node_task WHERE state = 'running' AND pg_temp.nick(node_id) = 'n6';
SELECT is(pg_temp.agent_done('train'), 'upgrade_driver n5', 'n5 comes back, n6 does not');
SELECT is(pg_temp.state_of(:eval), 'running', 'the job was left alone');
SET pool_manager.clock = '2026-02-03 12:00:00+01';
SELECT finish_job(:eval);
SELECT is(pg_temp.pass('train'), NULL, 'it ends');
SELECT is(pg_temp.fleet('train'), 'n1 spare, n2 checking, n3, n5, n6 abnormal', 'and its node is upgraded');
SET pool_manager.clock = '2026-02-03 13:00:00+01';
SELECT pg_temp.agent_done('train');
SELECT is(pg_temp.last_order('train'), 'upgrade_driver partially_succeeded', 'one is left');
SELECT upgrade_driver('train', '550.90');
SELECT is(pg_temp.agent_done('train'), 'upgrade_driver n6', 'asked for again, it goes on with that one');
SELECT is((SELECT row(version, state, done)::text FROM driver_status WHERE pool = 'train'), '(550.90,running,5)', 'all five have the driver');

SET pool_manager.clock = '2026-02-05 09:00:00+01';
SELECT submit_job('train', 'bert', request => 'nvidia.com/gpu=8', replicas => 2, max_retries => 1, workspace => 'research') AS bert \gset
SET pool_manager.clock = '2026-02-05 10:00:00+01';
SELECT upgrade_driver('train', '560.35', 'force', max_unavailable => '100%');
SELECT is(pg_temp.fleet('train'), 'n1 checking, n2 checking, n3 checking, n5 checking, n6 checking', 'force takes all out of service');
SELECT is(pg_temp.state_of(:bert), 'queued', 'what ran goes back to the queue');
SET pool_manager.clock = '2026-02-05 10:20:00+01';
SELECT pg_temp.agent_done('train');
SELECT is(pg_temp.pass('train'), 'bert running', 'and begins again');
SET pool_manager.clock = '2026-02-06 10:00:00+01';
SELECT finish_job(:bert);

-- ---- 9. 9 February. The service rests for a week. The pool grows; then it shrinks. ----

SET pool_manager.clock = '2026-02-09 08:00:00+01';
SELECT resize_pool('train', 'gpu.8', 7);
INSERT INTO cast_list SELECT node_id, 'n' || 6 + row_number() OVER (ORDER BY node_id)
FROM node_status s WHERE pool = 'train' AND NOT EXISTS (SELECT FROM cast_list c WHERE c.node_id = s.node_id);
SELECT throws_ok($$ SELECT resize_pool('train', 'gpu.8', 6) $$, 'PM002', NULL, 'one order at a time');
SET pool_manager.clock = '2026-02-09 09:00:00+01';
SELECT is(stop_job(:chat)::text, 'stopped', 'the service rests');
SET pool_manager.clock = '2026-02-09 10:00:00+01';
SELECT node_ready(node_id) FROM cast_list WHERE nick IN ('n7', 'n8') ORDER BY node_id;
SELECT is(pg_temp.last_order('train'), 'resize succeeded 5>7 result 7', 'two more nodes');

SET pool_manager.clock = '2026-02-12 07:00:00+01';
SELECT submit_job('train', 'a', request => 'nvidia.com/gpu=8', replicas => 2, workspace => 'research') AS a,
       submit_job('train', 'b', request => 'nvidia.com/gpu=8', replicas => 2, workspace => 'research') AS b,
       submit_job('train', 'c', request => 'nvidia.com/gpu=8', workspace => 'research') AS c \gset
SELECT is(concat_ws(', ', pg_temp.nodes_of(:a), pg_temp.nodes_of(:b), pg_temp.nodes_of(:c)), 'n2 n3, n5 n6, n7', 'three jobs on five nodes');
SET pool_manager.clock = '2026-02-12 08:00:00+01';
SELECT lock_node(node_id) FROM cast_list WHERE nick = 'n1';
SELECT is((SELECT string_agg(concat_ws(' ', pg_temp.nick(node_id), runs || ' runs', jobs::text), ', ') FROM resize_victims('train', 'gpu.8', 4)),
    format('n8 0 runs {}, n7 1 runs {%s}, n6 1 runs {%s}', :c, :b), 'what shrinking would take: the idle one, then the youngest');
SELECT is(pg_temp.fleet('train'), 'n1 spare, n2, n3, n5, n6, n7, n8', 'asking takes nothing');
SELECT throws_ok($$ SELECT resize_pool('train', '{"gpu.8": 4, "cpu.32": 1}') $$, '22023', NULL, 'no growing and shrinking in one order');
SELECT resize_pool('train', 'gpu.8', 4);
SELECT is(pg_temp.fleet('train'), 'n1 spare, n2, n3, n5, n6 deleting, n7 deleting, n8 deleting', 'three nodes take no more jobs');
SELECT is(concat_ws(', ', pg_temp.nodes_of(:b), pg_temp.nodes_of(:c)), 'n5 n6, n7', 'what runs on them goes on');
SET pool_manager.clock = '2026-02-12 08:30:00+01';
SELECT is(pg_temp.agent_done('train'), 'delete n8', 'n8 is gone');
SET pool_manager.clock = '2026-02-12 12:00:00+01';
SELECT finish_job(:c);
SELECT pg_temp.pass('train');
SET pool_manager.clock = '2026-02-12 12:15:00+01';
SELECT is(pg_temp.agent_done('train'), 'delete n7', 'n7 when its job has ended');
SET pool_manager.clock = '2026-02-12 18:00:00+01';
SELECT finish_job(:a), finish_job(:b);
SELECT pg_temp.pass('train');
SET pool_manager.clock = '2026-02-12 18:30:00+01';
SELECT is(pg_temp.agent_done('train'), 'delete n6', 'and n6');
SELECT is(pg_temp.last_order('train'), 'resize succeeded 7>4 result 4', 'the order is done');
SELECT is(pg_temp.fleet('train'), 'n1 spare, n2, n3, n5', 'four nodes are left');

-- ---- 10. 16 to 20 February. Work on nodes: drained, rebooted, by consent, replaced. ----

SET pool_manager.clock = '2026-02-16 08:00:00+01';
SELECT submit_job('train', 'd', request => 'nvidia.com/gpu=8', time_limit => '10 hours', workspace => 'research') AS d \gset
SELECT drain_node(node_id) FROM cast_list WHERE nick = 'n2';
SELECT is((SELECT row(state, jobs, expected_end)::text FROM drain_status WHERE pool = 'train'), '(waiting,1,"2026-02-16 18:00:00+01")', 'n2 is drained, by six at the latest');
SET pool_manager.clock = '2026-02-16 09:00:00+01';
SELECT is(resume_job(:chat)::text, 'running', 'the service is back, with all its replicas');
SET pool_manager.clock = '2026-02-16 12:00:00+01';
SELECT set_network_bandwidth('lab', 400);
SELECT finish_job(:d);
SELECT pg_temp.pass('train');
SELECT is(pg_temp.fleet('train'), 'n1 spare, n2 cordoned, n3, n5', 'n2 is empty, and takes nothing');
SELECT reboot_node(node_id) FROM cast_list WHERE nick = 'n2';
SET pool_manager.clock = '2026-02-16 12:30:00+01';
SELECT is(pg_temp.agent_done('train'), 'reboot n2', 'it is rebooted');
SELECT uncordon_node(node_id) FROM cast_list WHERE nick = 'n2';
SET pool_manager.clock = '2026-02-16 14:00:00+01';
SELECT schedule_maintenance(ARRAY[node_id], 'reboot', 'new firmware', '2026-02-18 06:00:00+01') FROM cast_list WHERE nick = 'n5';
SELECT is((SELECT row(state, description)::text FROM scheduled_events WHERE pool = 'train'), '(inquiring,"new firmware")', 'the provider asks for n5');
SELECT accept_maintenance(maintenance_id) FROM scheduled_events WHERE pool = 'train';
SELECT pg_temp.pass('train');
SELECT is(pg_temp.fleet('train'), 'n1 spare, n2, n3, n5', 'nothing happens before its time');
SET pool_manager.clock = '2026-02-18 06:00:00+01';
SELECT pg_temp.pass('train');
SELECT is(pg_temp.fleet('train'), 'n1 spare, n2, n3, n5 checking', 'then it does');
SET pool_manager.clock = '2026-02-18 07:00:00+01';
SELECT pg_temp.agent_done('train');
SELECT is((SELECT state::text FROM maintenance), 'completed', 'and is over');
SET pool_manager.clock = '2026-02-20 08:00:00+01';
SELECT replace_node(node_id) FROM cast_list WHERE nick = 'n3';
SET pool_manager.clock = '2026-02-20 09:00:00+01';
SELECT is(pg_temp.agent_done('train'), 'replace n3', 'n3 is replaced');
INSERT INTO cast_list SELECT node_id, 'n9' FROM node_status s WHERE pool = 'train' AND NOT EXISTS (SELECT FROM cast_list c WHERE c.node_id = s.node_id);
SELECT is(pg_temp.fleet('train'), 'n1 spare, n2, n5, n9', 'by n9');

-- ---- 11. 23 February. The pool is divided; the old notebook goes, a new one comes. ----

SET pool_manager.clock = '2026-02-23 08:00:00+01';
SELECT is(cancel_job(:explore)::text, 'cancelled', 'the old notebook and its volume are given up');
SELECT create_sub_pool('train', 'vision', 'nvidia.com/gpu=8,cpu=92', 'nvidia.com/gpu=16,cpu=184'), create_sub_pool('train', 'desk', 'nvidia.com/gpu=8,cpu=64');
SELECT throws_ok($$ SELECT create_sub_pool('train', 'greedy', 'nvidia.com/gpu=16') $$, '22023', 'sub-pools cannot be guaranteed more than the pool has',
    'of 24 GPUs for jobs 16 are promised: 16 more are not, for the spare is none of them');
SELECT bind_nodes('train', 'vision', ARRAY(SELECT node FROM node_status JOIN cast_list USING (node_id) WHERE nick = 'n9'));
SET pool_manager.clock = '2026-02-23 09:00:00+01';
SELECT throws_ok($$ SELECT submit_job('train', 'x', request => 'nvidia.com/gpu=1', workspace => 'research') $$, '22023', NULL, 'a job names its sub-pool now');
SELECT throws_ok($$ SELECT submit_job('train', 'x', 'notebook', request => 'nvidia.com/gpu=1', sub_pool => 'vision', workspace => 'research') $$, 'PM003', NULL,
    'a notebook only where both quotas are the same');
SELECT submit_job('train', 'desk-1', 'notebook', request => 'nvidia.com/gpu=1,cpu=8', sub_pool => 'desk', workspace => 'research',
                  volume_gib => 50, volume_type => 'SSD') AS desk,
       submit_job('train', 'e', request => 'nvidia.com/gpu=8', replicas => 2, sub_pool => 'vision', workspace => 'research') AS e,
       submit_job('train', 'f', request => 'nvidia.com/gpu=8', sub_pool => 'vision', workspace => 'research') AS f \gset
SELECT is((SELECT string_agg(concat_ws(' ', sub_pool, used, nodes, queued, running), ', ' ORDER BY sub_pool) FROM sub_pool_status WHERE pool = 'train' AND sub_pool IN ('vision', 'desk')),
    'desk cpu=8,nvidia.com/gpu=1 0 0 1, vision nvidia.com/gpu=16 1 1 1', 'vision has reached its upper quota');
SELECT is((SELECT reason FROM queue WHERE pool = 'train' AND job_id = :f), 'quota', 'its second job waits for that');
SET pool_manager.clock = '2026-02-24 09:00:00+01';
SELECT stop_job(:desk);
SELECT finish_job(:e);
SELECT is(pg_temp.pass('train'), 'f running', 'and follows the first');
SET pool_manager.clock = '2026-02-25 09:00:00+01';
SELECT finish_job(:f);

-- ---- 12. The last night of February. A workflow in the public pool, over the month's edge. ----

SET pool_manager.clock = '2026-02-28 20:00:00+01';
SELECT submit_job('commons', 'rival', flavor => 'gpu.1', replicas => 2, tenant => 'north') AS rival \gset
SELECT min(w) AS prepare, min(w) + 1 AS fit, max(w) AS report FROM submit_workflow('commons', 'tune', '[
    {"name": "prepare", "flavor": "cpu.4"},
    {"name": "fit", "flavor": "gpu.1", "replicas": 3, "max_retries": 1},
    {"name": "report", "flavor": "cpu.4"}]', 'helix', 'product') w \gset
SELECT is(pg_temp.pass('commons'), 'rival running, tune.prepare running', 'the first phase runs');
SET pool_manager.clock = '2026-02-28 22:00:00+01';
SELECT finish_job(:prepare);
SELECT is(pg_temp.pass('commons'), NULL, 'the second finds another tenant on two of the four GPUs');
SET pool_manager.clock = '2026-02-28 23:00:00+01';
SELECT finish_job(:rival);
SELECT is(pg_temp.pass('commons'), 'tune.fit running', 'and begins an hour later');
SET pool_manager.clock = '2026-03-01 05:00:00+01';
SELECT finish_job(:fit);
SELECT is(pg_temp.pass('commons'), 'tune.report running', 'then the third');
SET pool_manager.clock = '2026-03-01 05:30:00+01';
SELECT finish_job(:report);

-- ---- 13. March. Another cost centre, a better price, a larger service for a week. ----

SET pool_manager.clock = '2026-03-02 12:00:00+01';
SELECT set_pool_workspace('train', 'product');
-- 4 x 16 for train, 2 x 2 for serve, 450 GiB x 0.001, 1 + 4 + 2 + 6 = 13 addresses x 0.004, 400 Mbit/s x 0.002
SELECT is((SELECT sum(per_hour) FROM running_cost WHERE tenant = 'helix'), 69.302, 'what an hour costs now');
-- while much is held still, January and February cost what chapter 17 says: 54429.896 + 53887.571
SELECT is((SELECT sum(amount) FROM charges('helix', '2026-01-01 00:00:00+01', '2026-03-01 00:00:00+01', '1 month')), 108317.467, 'the months that are over');
SELECT set_price('node.gpu', '15', '2026-03-16 00:00:00+01', tenant => 'helix');
SET pool_manager.clock = '2026-03-09 00:00:00+01';
SELECT resize_pool('serve', 'cpu.32', 3);
INSERT INTO cast_list SELECT node_id, 'c3' FROM node_status s WHERE pool = 'serve' AND NOT EXISTS (SELECT FROM cast_list c WHERE c.node_id = s.node_id);
SET pool_manager.clock = '2026-03-10 10:00:00+01';
SELECT submit_job('commons', 'probe', request => 'cpu=2,nvidia.com/gpu=0.5', tenant => 'helix', workspace => 'product') AS probe \gset
SELECT pg_temp.pass('commons');
SET pool_manager.clock = '2026-03-10 10:24:00+01';
SELECT is(finish_job(:probe)::text, 'completed', 'half a GPU for 24 minutes');
SET pool_manager.clock = '2026-03-14 00:00:00+01';
SELECT resize_pool('serve', 'cpu.32', 2);
SELECT is(pg_temp.last_order('serve') || ': ' || pg_temp.fleet('serve'), 'resize succeeded 3>2 result 2: c1, c2', 'the third node of the service came and went');

-- ---- 14. The night of 29 March, when clocks go from 02:00 to 03:00. ----

SET pool_manager.clock = '2026-03-28 22:00:00+01';
SELECT submit_job('commons', 'night', 'notebook', 'gpu.1', tenant => 'helix', workspace => 'product', volume_gib => 20, volume_type => 'SSD') AS night \gset
SELECT is(pg_temp.pass('commons'), 'night running', 'somebody cannot sleep');
SET pool_manager.clock = '2026-03-29 08:00:00+02';
SELECT stop_job(:night);
SELECT is((SELECT ran FROM job_runs WHERE job_id = :night), interval '9 hours', 'from 22:00 to 08:00 it is nine hours');

-- ---- 15. 30 and 31 March. The quarter ends, and so does the team. ----

SET pool_manager.clock = '2026-03-30 09:00:00+02';
SELECT cancel_job(:chat);
SET pool_manager.clock = '2026-03-30 10:00:00+02';
SELECT cancel_job(:night);
SET pool_manager.clock = '2026-03-31 08:00:00+02';
SELECT delete_pool('serve');
SELECT is((SELECT count(*) FROM pool_status WHERE pool = 'serve'), 0::bigint, 'the one pool is gone at once');
SET pool_manager.clock = '2026-03-31 09:00:00+02';
SELECT throws_ok($$ SELECT delete_pool('train') $$, 'PM002', 'pool "train" has jobs', 'a notebook still rests in the other');
SELECT throws_ok($$ SELECT delete_network('lab') $$, 'PM002', NULL, 'and its network is in use');
SELECT delete_pool('train', force => true);
SELECT is(pg_temp.state_of(:desk), 'cancelled', 'the notebook ends');
SELECT is(pg_temp.fleet('train'), 'n1 deleting, n2 deleting, n5 deleting, n9 deleting', 'the nodes are going');
SET pool_manager.clock = '2026-03-31 10:00:00+02';
SELECT pg_temp.agent_done('train');
SELECT is((SELECT count(*) FROM pool_status WHERE pool = 'train'), 0::bigint, 'when the agent is done, so is the pool');
SELECT detach_file_system('lab', 'datasets'), disconnect_peer('lab', 'office'), release_address('lab', 'jump-host');
SET pool_manager.clock = '2026-03-31 12:00:00+02';
SELECT delete_network('lab');
SELECT is((SELECT count(*) FROM running_cost WHERE tenant = 'helix'), 0::bigint, 'nothing is billed any more');
SET pool_manager.clock = '2026-04-02 00:00:00+02';

-- ---- 16. Node-hours, node by node. ----
--
--          from                until
-- n1, n2   5 January 10:00     31 March 10:00      14 + 26 x 24 = 638, all of February 672, 30 x 24 - 1 + 10 = 729;   2039
-- n3       5 January 10:00     20 February 09:00   638, 19 x 24 + 9 = 465;                                           1103
-- n4       never came                                                                                                -
-- n5       5 January 12:00     31 March 10:00      12 + 26 x 24 = 636, 672, 729;                                     2037
-- n6       5 January 12:00     12 February 18:30   636, 11 x 24 + 18.5 = 282.5;                                       918.5
-- n7       9 February 10:00    12 February 12:15   3 x 24 + 2.25;                                                      74.25
-- n8       9 February 10:00    12 February 08:30   3 x 24 - 1.5;                                                       70.5
-- n9       20 February 09:00   31 March 10:00      15 + 8 x 24 = 207, 729;                                            936
-- c1, c2   12 January 08:00    31 March 08:00      16 + 19 x 24 = 472, 672, 30 x 24 - 1 + 8 = 727;                   1871
-- c3       9 March 00:00       14 March 00:00      5 x 24;                                                            120

SELECT results_eq($$
    SELECT pg_temp.nick(node_id), sum(quantity * extract(epoch FROM ended_at - started_at)) / 3600000
    FROM usage JOIN sku USING (sku_id) WHERE sku.name LIKE 'node.%' GROUP BY node_id ORDER BY 1 $$,
    $$ VALUES ('c1', 1871::numeric), ('c2', 1871), ('c3', 120), ('n1', 2039), ('n2', 2039), ('n3', 1103), ('n5', 2037),
              ('n6', 918.5), ('n7', 74.25), ('n8', 70.5), ('n9', 936) $$, 'node-hours of each node');

-- The pool train was research's until 2 March 12:00, which is 36 hours into the month:
--      January and February whole (chapter 17)     3186 + 3115.25 + 4 x 36 = 6445.25
--      product has the rest                        4 x (729 - 36) = 2772
SELECT results_eq($$
    SELECT w.name::text, sum(quantity * extract(epoch FROM ended_at - started_at)) / 3600000
    FROM usage u JOIN sku USING (sku_id) JOIN workspace w USING (workspace_id) WHERE sku.name = 'node.gpu' GROUP BY w.name ORDER BY 1 $$,
    $$ VALUES ('product', 2772::numeric), ('research', 6445.25) $$, 'node-hours of each cost centre');

-- ---- 17. The bill: each SKU, each month. ----
--
-- node.gpu, the nodes of train (chapter 16)
--      January     n1 n2 n3 638 each, n5 n6 636 each       3 x 638 + 2 x 636 = 3186                x 16 = 50976
--      February    n1 n2 n5 672, n3 465 and n9 207,
--                  n6 282.5, n7 74.25, n8 70.5             4 x 672 + 427.25 = 3115.25              x 16 = 49844
--      1 March     n1 n2 n5 n9, 15 days                    4 x 15 x 24 = 1440                      x 16 = 23040
--      16 March    the same, until the 31st, 10:00         4 x (729 - 360) = 1476                  x 15 = 22140
-- node.cpu, the nodes of serve
--      January     c1 c2                                   2 x 472 = 944                           x 2 = 1888
--      February                                            2 x 672 = 1344                          x 2 = 2688
--      March       c1 c2 727 each, c3 120                  2 x 727 + 120 = 1574                    x 2 = 3148
-- ssd: 200 GiB of each node of serve; volumes of explore 100 GiB, desk-1 50 GiB, night 20 GiB
--      January     explore from the 7th 08:00:             944 x 200 = 188800
--                  16 + 24 x 24 = 592 hours                592 x 100 = 59200;   248000             x 0.001 = 248
--      February    explore to the 23rd 08:00: 22 x 24 + 8  1344 x 200 = 268800; 536 x 100 = 53600
--                  desk-1 from the 23rd 09:00: 15 + 5 x 24 135 x 50 = 6750;     329150             x 0.001 = 329.15
--      March       desk-1 to the 31st 09:00: 30 x 24 - 1+9 1574 x 200 = 314800; 728 x 50 = 36400
--                  night 28th 22:00 to 30th 10:00: 2+23+10 35 x 20 = 700;       351900             x 0.001 = 351.9
-- ip: the jump-host, one for each node, one for each replica of chat
--      January     jump-host from the 5th 08:00            16 + 26 x 24 = 640
--                  nodes as above                          3186 + 944 = 4130
--                  chat, 12th 09:00: 6 for 7 days,         6 x 168 = 1008
--                  19th: 2 for 7 days,                     2 x 168 = 336
--                  26th 09:00: 6 for 15 + 5 x 24           6 x 135 = 810
--                                                          640 + 4130 + 2154 = 6924                x 0.004 = 27.696
--      February    jump-host                               672
--                  nodes                                   3115.25 + 1344 = 4459.25
--                  chat to the 9th 09:00: 8 x 24 + 9       6 x 201 = 1206
--                  from the 16th 09:00: 15 + 12 x 24       6 x 303 = 1818
--                                                          672 + 4459.25 + 3024 = 8155.25          x 0.004 = 32.621
--      March       jump-host to the 31st 10:00             30 x 24 - 1 + 10 = 729
--                  nodes                                   1440 + 1476 + 1574 = 4490
--                  chat to the 30th 09:00: 29 x 24 - 1 + 9 6 x 704 = 4224
--                                                          729 + 4490 + 4224 = 9443                x 0.004 = 37.772
-- mbit, the network
--      January     from the 5th 08:00                      640 x 1000 = 640000                     x 0.002 = 1280
--      February    1000 to the 16th 12:00, then 400        372 x 1000 + 300 x 400 = 492000         x 0.002 = 984
--      March       to the 31st 12:00                       (30 x 24 - 1 + 12) x 400 = 292400       x 0.002 = 584.8
-- gpu
--      January     trial                                   3 x 1 = 3                               x 3 = 9
--      February    fit, 23:00 to 24:00                     1 x 3 = 3                               x 3 = 9
--      March       fit to 05:00, probe, night              5 x 3 + 0.4 x 0.5 + 9 x 1 = 24.2        10 x 3 + 14.2 x 2 = 58.4
-- core
--      January     trial                                   3 x 8 = 24                              x 0.05 = 1.2
--      March       probe                                   0.4 x 2 = 0.8                           x 0.05 = 0.04
-- task
--      February    prepare                                 2 x 1 = 2                               x 0.40 = 0.8
--      March       report                                  0.5 x 1 = 0.5                           x 0.40 = 0.2

SELECT results_eq($$
    SELECT cycle_start::text, cycle_end::text, sku, quantity, amount, currency
    FROM charges('helix', '2026-01-01 00:00:00+01', '2026-04-01 00:00:00+02', '1 month') ORDER BY 1, 3 $$, $$
    VALUES ('2026-01-01 00:00:00+01', '2026-02-01 00:00:00+01', 'core',     24::numeric,      1.2::numeric, 'EUR'),
           ('2026-01-01 00:00:00+01', '2026-02-01 00:00:00+01', 'gpu',       3,                9,            'EUR'),
           ('2026-01-01 00:00:00+01', '2026-02-01 00:00:00+01', 'ip',     6924,               27.696,       'EUR'),
           ('2026-01-01 00:00:00+01', '2026-02-01 00:00:00+01', 'mbit', 640000,             1280,            'EUR'),
           ('2026-01-01 00:00:00+01', '2026-02-01 00:00:00+01', 'node.cpu',  944,           1888,            'EUR'),
           ('2026-01-01 00:00:00+01', '2026-02-01 00:00:00+01', 'node.gpu', 3186,          50976,            'EUR'),
           ('2026-01-01 00:00:00+01', '2026-02-01 00:00:00+01', 'ssd',  248000,              248,            'EUR'),
           ('2026-02-01 00:00:00+01', '2026-03-01 00:00:00+01', 'gpu',       3,                9,            'EUR'),
           ('2026-02-01 00:00:00+01', '2026-03-01 00:00:00+01', 'ip',     8155.25,            32.621,       'EUR'),
           ('2026-02-01 00:00:00+01', '2026-03-01 00:00:00+01', 'mbit', 492000,              984,            'EUR'),
           ('2026-02-01 00:00:00+01', '2026-03-01 00:00:00+01', 'node.cpu', 1344,           2688,            'EUR'),
           ('2026-02-01 00:00:00+01', '2026-03-01 00:00:00+01', 'node.gpu', 3115.25,       49844,            'EUR'),
           ('2026-02-01 00:00:00+01', '2026-03-01 00:00:00+01', 'ssd',  329150,              329.15,       'EUR'),
           ('2026-02-01 00:00:00+01', '2026-03-01 00:00:00+01', 'task',      2,                0.8,          'EUR'),
           ('2026-03-01 00:00:00+01', '2026-04-01 00:00:00+02', 'core',      0.8,              0.04,         'EUR'),
           ('2026-03-01 00:00:00+01', '2026-04-01 00:00:00+02', 'gpu',      24.2,             58.4,          'EUR'),
           ('2026-03-01 00:00:00+01', '2026-04-01 00:00:00+02', 'ip',     9443,               37.772,       'EUR'),
           ('2026-03-01 00:00:00+01', '2026-04-01 00:00:00+02', 'mbit', 292400,              584.8,          'EUR'),
           ('2026-03-01 00:00:00+01', '2026-04-01 00:00:00+02', 'node.cpu', 1574,           3148,            'EUR'),
           ('2026-03-01 00:00:00+01', '2026-03-16 00:00:00+01', 'node.gpu', 1440,          23040,            'EUR'),
           ('2026-03-01 00:00:00+01', '2026-04-01 00:00:00+02', 'ssd',  351900,              351.9,          'EUR'),
           ('2026-03-01 00:00:00+01', '2026-04-01 00:00:00+02', 'task',      0.5,              0.2,          'EUR'),
           ('2026-03-16 00:00:00+01', '2026-04-01 00:00:00+02', 'node.gpu', 1476,          22140,            'EUR')
    $$, 'each SKU and month, as by hand');

-- 50976 + 1888 + 248 + 27.696 + 1280 + 9 + 1.2 = 54429.896
-- 49844 + 2688 + 329.15 + 32.621 + 984 + 9 + 0.8 = 53887.571
-- 23040 + 22140 + 3148 + 351.9 + 37.772 + 584.8 + 58.4 + 0.04 + 0.2 = 49361.112
SET LOCAL ROLE helix_finance;
SELECT sum(amount) AS total FROM charges(NULL::bigint, '2026-01-01 00:00:00+01', '2026-04-01 00:00:00+02', '1 month') \gset
RESET ROLE;
SELECT is(:total::numeric, 157678.579, 'the quarter, as the team''s finance role sees it');

-- ---- 18. March, day by day. ----
--
-- A row stands for each of the days from .. to. On the 29th an hour is missing.
--
-- node.gpu     4 nodes: 24 x 4 = 96 a day, x 16, from the 16th x 15; 23 x 4 = 92; on the 31st 10 x 4 = 40
-- node.cpu     24 x 2 = 48, x 2; with c3 24 x 3 = 72; 23 x 2 = 46; 8 x 2 = 16
-- ssd          200 x 2 + 50 = 450 GiB: 24 x 450 = 10800, x 0.001; with the disks of c3 24 x 650 = 15600;
--              28th: 10800 + 2 x 20 = 10840; 29th: 23 x (450 + 20) = 10810; 30th: 10800 + 10 x 20 = 11000;
--              31st: 8 x 400 + 9 x 50 = 3650
-- ip           1 + 4 + 2 + 6 = 13: 24 x 13 = 312, x 0.004; with c3 24 x 14 = 336; 23 x 13 = 299;
--              30th: 24 x 7 + 9 x 6 = 222; 31st: 10 x (1 + 4) + 8 x 2 = 66
-- mbit         24 x 400 = 9600, x 0.002; 23 x 400 = 9200; 12 x 400 = 4800
-- gpu          1st: fit, 5 x 3 = 15, of which 10 x 3 and 5 x 2 = 40; then x 2:
--              10th: probe, 0.4 x 0.5 = 0.2; night: 28th 2 x 1, 29th 7 x 1
-- core         10th: probe, 0.4 x 2 = 0.8, x 0.05
-- task         1st: report, 0.5, x 0.40

SELECT results_eq($$
    SELECT sku, cycle_start::date, sum(quantity), sum(amount)
    FROM charges('helix', '2026-03-01 00:00:00+01', '2026-04-01 00:00:00+02', '1 day') GROUP BY 1, 2 ORDER BY 1, 2 $$, $$
    SELECT sku, '2026-03-01'::date + day - 1, quantity, amount
    FROM (VALUES ('node.gpu',  1, 15,    96::numeric, 1536::numeric),
                 ('node.gpu', 16, 28,    96,          1440),
                 ('node.gpu', 29, 29,    92,          1380),
                 ('node.gpu', 30, 30,    96,          1440),
                 ('node.gpu', 31, 31,    40,           600),
                 ('node.cpu',  1,  8,    48,            96),
                 ('node.cpu',  9, 13,    72,           144),
                 ('node.cpu', 14, 28,    48,            96),
                 ('node.cpu', 29, 29,    46,            92),
                 ('node.cpu', 30, 30,    48,            96),
                 ('node.cpu', 31, 31,    16,            32),
                 ('ssd',       1,  8, 10800,            10.8),
                 ('ssd',       9, 13, 15600,            15.6),
                 ('ssd',      14, 27, 10800,            10.8),
                 ('ssd',      28, 28, 10840,            10.84),
                 ('ssd',      29, 29, 10810,            10.81),
                 ('ssd',      30, 30, 11000,            11),
                 ('ssd',      31, 31,  3650,             3.65),
                 ('ip',        1,  8,   312,             1.248),
                 ('ip',        9, 13,   336,             1.344),
                 ('ip',       14, 28,   312,             1.248),
                 ('ip',       29, 29,   299,             1.196),
                 ('ip',       30, 30,   222,             0.888),
                 ('ip',       31, 31,    66,             0.264),
                 ('mbit',      1, 28,  9600,            19.2),
                 ('mbit',     29, 29,  9200,            18.4),
                 ('mbit',     30, 30,  9600,            19.2),
                 ('mbit',     31, 31,  4800,             9.6),
                 ('gpu',       1,  1,    15,            40),
                 ('gpu',      10, 10,     0.2,           0.4),
                 ('gpu',      28, 28,     2,             4),
                 ('gpu',      29, 29,     7,            14),
                 ('core',     10, 10,     0.8,           0.04),
                 ('task',      1,  1,     0.5,           0.2)) AS by_hand (sku, first_day, last_day, quantity, amount),
         generate_series(first_day, last_day) AS day
    ORDER BY 1, 2 $$, 'each SKU and day of March, as by hand');

-- what another tenant used is on its own bill: 2 GPUs, 28 February 20:00 to 23:00, 3 x 2 = 6, x 3 = 18
SELECT results_eq($$ SELECT sku, quantity, amount FROM charges('north', '2026-01-01 00:00:00+01', '2026-04-01 00:00:00+02', '1 month') $$,
    $$ VALUES ('gpu', 6::numeric, 18::numeric) $$, 'the other tenant pays for its own');

SELECT * FROM finish();
ROLLBACK;
