-- A cloud with a history: "pools" dedicated pools of ten tenants, "nodes"
-- nodes each, half of them with a job that runs, a hundred jobs that wait.
-- bench.history(since, until) adds finished jobs, numbered from the latest
-- one: job i ended i / "jobs" of a hundred days ago, after an hour.
--
-- Rows are written as a dump brings them, and checked at the end.

SET search_path TO pool_manager, public;
SET pool_manager.clock = '2026-01-01 00:00:00+00';
CREATE SCHEMA bench;
SELECT create_tenant('t' || i, 'USD', 'UTC') FROM generate_series(1, 10) AS i;
SELECT create_network('net', '10.0.0.0/16', 't' || i) FROM generate_series(1, 10) AS i;
SELECT create_sku('node', 'node');
SELECT create_flavor('big', 'cpu=128,memory=1024Gi,nvidia.com/gpu=8', 'node', 'nvidia.com/gpu');
SELECT create_pool('pool-' || i, 'dedicated', 't' || (1 + i % 10), 'net') FROM generate_series(1, :pools) AS i;
-- the group, the queue and the shape of each by calls
SELECT count(*) FROM generate_series(1, :pools) AS i, add_nodes('pool-' || i, 'big', 1);
SELECT submit_job('pool-' || i, 'first', request => 'cpu=16,memory=128Gi,nvidia.com/gpu=1') FROM generate_series(1, :pools) AS i;
SELECT count(*) FROM job_status s, cancel_job(s.job_id) WHERE s.state <> 'cancelled';

CREATE TABLE bench.pool AS
SELECT row_number() OVER (ORDER BY p.pool_id) - 1 AS no, p.pool_id, p.tenant_id, p.workspace_id, s.sub_pool_id, h.shape_id, n.flavor_id
FROM pool p JOIN sub_pool s USING (pool_id) JOIN job_shape h USING (pool_id) JOIN node n USING (pool_id);
UPDATE node_group SET target_count = :nodes;

SET session_replication_role = replica;
INSERT INTO node (pool_id, flavor_id, tenant_id, name, state_since, created_at, available_at)
SELECT b.pool_id, b.flavor_id, b.tenant_id, 'node-' || i, clock(), clock(), clock()
FROM bench.pool b, generate_series(2, :nodes) AS i ORDER BY b.no, i;
INSERT INTO node_load (pool_id, node_id, allocatable, accelerator, devices)
SELECT n.pool_id, n.node_id, f.resources, f.accelerator, '{0,0,0,0,0,0,0,0}'
FROM node n JOIN flavor f USING (flavor_id) WHERE n.name LIKE 'node-%';
CREATE TABLE bench.node AS
SELECT row_number() OVER (PARTITION BY pool_id ORDER BY node_id) - 1 AS no, pool_id, node_id FROM node;
CREATE INDEX ON bench.node (pool_id, no);

CREATE FUNCTION bench.history(since integer, until integer, jobs integer) RETURNS void LANGUAGE sql AS $$
    WITH new AS MATERIALIZED (
        SELECT nextval('job_id_seq') AS job_id, nextval('run_id_seq') AS run_id, b.*, n.node_id,
               '2026-06-01 00:00:00+00'::timestamptz - (i * 100.0 / jobs) * interval '24:00:00' AS ended_at
        FROM generate_series(since, until) AS i
        JOIN bench.pool b ON b.no = i % (SELECT count(*) FROM bench.pool)
        JOIN bench.node n ON n.pool_id = b.pool_id AND n.no = i / 100 % (SELECT count(*) FROM bench.node m WHERE m.pool_id = b.pool_id)
        ORDER BY i DESC),
    a AS (
        INSERT INTO job (pool_id, job_id, tenant_id, pool_kind, sub_pool_id, shape_id, workspace_id, kind, priority, name,
                         submitted_at, submitted_by, end_state, ended_at)
        SELECT pool_id, job_id, tenant_id, 'dedicated', sub_pool_id, shape_id, workspace_id,
               (enum_range(NULL::job_kind))[1 + job_id % 4], 1, 'job-' || job_id,
               ended_at - interval '70 minutes', 'bench', 'completed', ended_at
        FROM new),
    b AS (
        INSERT INTO job_run (pool_id, run_id, job_id, tenant_id, state, replicas, placed_at, started_at, ended_at, exit_code)
        SELECT pool_id, run_id, job_id, tenant_id, 'completed', '{1}', ended_at - interval '1 hour', ended_at - interval '1 hour', ended_at, 0
        FROM new)
    INSERT INTO allocation (pool_id, run_id, group_no, node_id, tenant_id, replicas, allocated, devices, device_share, released_at, since)
    SELECT pool_id, run_id, 1, node_id, tenant_id, 1, 'cpu=16,memory=128Gi,nvidia.com/gpu=1', '{0}', 1000, ended_at, ended_at - interval '1 hour'
    FROM new
$$;

-- the latest tenth
SELECT bench.history(1, :jobs / 10, :jobs);

-- what runs: on every second node; what waits: a hundred jobs a pool
INSERT INTO job (pool_id, tenant_id, pool_kind, sub_pool_id, shape_id, workspace_id, kind, priority, name, submitted_at, submitted_by)
SELECT b.pool_id, b.tenant_id, 'dedicated', b.sub_pool_id, b.shape_id, b.workspace_id, 'training', 1,
       CASE WHEN i <= :nodes / 2 THEN 'runs-' ELSE 'waits-' END || i, '2026-05-31 00:00:00+00'::timestamptz + i * interval '1 second', 'bench'
FROM bench.pool b, generate_series(1, :nodes / 2 + 100) AS i ORDER BY i;
INSERT INTO job_queue (pool_id, job_id, tenant_id, sub_pool_id, shape_id, submitted_at, changed_at, priority, workspace_id)
SELECT pool_id, job_id, tenant_id, sub_pool_id, shape_id, submitted_at, submitted_at, priority, workspace_id FROM job WHERE name LIKE 'waits-%';
INSERT INTO job_run (pool_id, job_id, tenant_id, state, replicas, placed_at, started_at)
SELECT pool_id, job_id, tenant_id, 'running', '{1}', submitted_at, submitted_at FROM job WHERE name LIKE 'runs-%';
INSERT INTO allocation (pool_id, run_id, group_no, node_id, tenant_id, replicas, allocated, devices, device_share, since)
SELECT r.pool_id, r.run_id, 1, n.node_id, r.tenant_id, 1, 'cpu=16,memory=128Gi,nvidia.com/gpu=1', '{3}', 1000, r.placed_at
FROM (SELECT *, row_number() OVER (PARTITION BY pool_id ORDER BY run_id) AS no FROM job_run WHERE ended_at IS NULL) r
JOIN bench.node n ON n.pool_id = r.pool_id AND n.no = 2 * r.no - 1;
UPDATE node_load l SET allocated = a.allocated, devices = '{0,0,0,1000,0,0,0,0}'
FROM allocation a WHERE a.pool_id = l.pool_id AND a.node_id = l.node_id AND a.released_at IS NULL;
SET session_replication_role = origin;

-- the guards look at every row
UPDATE node_load SET allocated = allocated;
UPDATE job_queue SET priority = priority;
CREATE ROLE bench_operator;
SELECT grant_operator('bench_operator');
VACUUM ANALYZE;
CHECKPOINT;
