-- A pool of "nodes" nodes and one of a tenth that is drained, made by calls;
-- the rows that this wrote are kept in schema bench, as those of the pool
-- empty (and of the first nodes of model), for the floor to write again.

SET search_path TO pool_manager, public;
SET pool_manager.clock = '2026-03-01 00:00:00+00';
CREATE SCHEMA bench;
SELECT create_tenant('t1', 'USD', 'UTC');
SELECT create_network(n, '10.0.0.0/16', 't1') FROM unnest('{made,model,empty,drained}'::text[]) AS n;
SELECT create_sku('node', 'node'), create_flavor('big', 'cpu=128,memory=1024Gi,nvidia.com/gpu=8', 'node', 'nvidia.com/gpu');
SELECT create_pool('empty', 'dedicated', 't1', 'empty');
SELECT create_pool('model', 'dedicated', 't1', 'model', nodes => jsonb_build_object('big', :nodes));
CREATE TABLE bench.new_event AS SELECT e.* FROM event e JOIN pool p USING (pool_id) WHERE p.name = 'model';
SELECT create_pool('drained', 'dedicated', 't1', 'drained', nodes => jsonb_build_object('big', :nodes / 10));
SELECT max(event_id) AS before FROM event \gset
SELECT count(*) FROM drain_nodes(ARRAY(SELECT node_id FROM node JOIN pool p USING (pool_id) WHERE p.name = 'drained'));
CREATE TABLE bench.drain_event AS SELECT * FROM event WHERE event_id > :before;

SELECT pool_id AS model FROM pool WHERE name = 'model' \gset
SELECT pool_id AS empty, network_id FROM pool WHERE name = 'empty' \gset
SELECT pool_id AS drained FROM pool WHERE name = 'drained' \gset
CREATE TABLE bench.new_node AS SELECT * FROM node WHERE pool_id = :model;
CREATE TABLE bench.new_node_load AS SELECT * FROM node_load WHERE pool_id = :model;
CREATE TABLE bench.new_holding AS SELECT * FROM holding WHERE pool_id = :model;
CREATE TABLE bench.new_network_address AS SELECT * FROM network_address WHERE pool_id = :model;
UPDATE bench.new_node SET pool_id = :empty, node_id = node_id + 10000000;
UPDATE bench.new_node_load SET pool_id = :empty, node_id = node_id + 10000000;
UPDATE bench.new_holding SET pool_id = :empty, node_id = node_id + 10000000, holding_id = holding_id + 10000000;
UPDATE bench.new_network_address SET pool_id = :empty, node_id = node_id + 10000000, network_id = :network_id;
UPDATE bench.new_event SET pool_id = :empty, node_id = node_id + 10000000, event_id = event_id + 10000000;
INSERT INTO node_group SELECT :empty, flavor_id, group_no, cpu_architecture, target_count FROM node_group WHERE pool_id = :model;

-- the n-th drained node stands for the n-th of model
CREATE TABLE bench.same AS
SELECT d.node_id AS drained, m.node_id
FROM (SELECT row_number() OVER (ORDER BY node_id) AS n, node_id FROM node WHERE pool_id = :drained) d
JOIN (SELECT row_number() OVER (ORDER BY node_id) AS n, node_id FROM node WHERE pool_id = :model) m USING (n);
CREATE TABLE bench.new_task AS SELECT * FROM node_task WHERE pool_id = :drained;
UPDATE bench.new_task t SET pool_id = :model, node_id = s.node_id, task_id = task_id + 10000000
FROM bench.same s WHERE s.drained = t.node_id;
UPDATE bench.drain_event e SET pool_id = :model, node_id = s.node_id, event_id = event_id + 20000000
FROM bench.same s WHERE s.drained = e.node_id;
CREATE TABLE bench.drained_node AS
SELECT :model AS pool_id, s.node_id, n.schedulable FROM bench.same s JOIN node n ON n.node_id = s.drained;
VACUUM ANALYZE;
CHECKPOINT;
