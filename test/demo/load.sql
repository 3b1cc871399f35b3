-- The trace as it is: nodes and tasks.  Then what it does not tell: which nodes
-- make a pool, and whose the tasks are.

CREATE SCHEMA demo;

CREATE TABLE demo.trace_node (
    node_id text, count integer, cpu_milli bigint, mem_mib bigint, gpu integer, gpu_type text, "group" text);
CREATE TABLE demo.trace_task (
    job_id text, user_or_tenant text, submit_s bigint, duration_s bigint, nodes_or_replicas integer,
    cpu_milli bigint, mem_mib bigint, gpu integer, gpu_milli integer, gpu_type text, priority_or_queue text,
    status text, observed_wait_s bigint);

\copy demo.trace_node FROM PROGRAM 'gunzip -c test/data/openb_nodes.csv.gz' WITH (FORMAT csv, HEADER)
\copy demo.trace_task FROM PROGRAM 'gunzip -c test/data/openb_jobs.csv.gz' WITH (FORMAT csv, HEADER)

-- A flavor for each specification of a node that there is.  V100 machines and
-- the 104-core machines without GPU are the dedicated pool's.
CREATE TABLE demo.flavor AS
SELECT lower(coalesce(gpu_type || 'x' || gpu, 'cpu')) || '.' || cpu_milli / 1000 || 'c' || mem_mib / 1024 || 'g' AS flavor,
       CASE WHEN gpu_type LIKE 'V100%' OR (gpu = 0 AND cpu_milli = 104000) THEN 'delta-pool'
            WHEN gpu > 0 THEN 'public-gpu'
            ELSE 'public-cpu' END AS pool,
       'gpu.' || lower(gpu_type) AS gpu_sku,
       format('cpu=%sm,memory=%sMi,nvidia.com/gpu=%s', cpu_milli, mem_mib, gpu) AS resources,
       count(*)::integer AS nodes
FROM demo.trace_node
GROUP BY gpu_type, gpu, cpu_milli, mem_mib;

-- Tenants by the task's number modulo 16: 0 to 5 aurora, 6 to 10 boreal, 11 to
-- 14 cirrus, 15 delta, whose tasks for at most one GPU go to its own pool.  LS is
-- latency-sensitive, the other classes are batch.
CREATE TABLE demo.task AS
SELECT job_id AS task,
       w.tenant,
       CASE WHEN w.tenant = 'delta' AND gpu <= 1 THEN 'delta-pool' WHEN gpu > 0 THEN 'public-gpu' ELSE 'public-cpu' END AS pool,
       CASE priority_or_queue WHEN 'LS' THEN 'inference' ELSE 'training' END::pool_manager.job_kind AS kind,
       format('cpu=%sm,memory=%sMi,nvidia.com/gpu=%s', cpu_milli, mem_mib, gpu * gpu_milli / 1000.0)::pool_manager.resource_list AS request,
       cpu_milli,
       mem_mib,
       gpu * gpu_milli AS gpu_milli,
       CASE status WHEN 'Failed' THEN 'failed' ELSE 'completed' END::pool_manager.job_state AS outcome,
       timestamptz '2026-03-01 00:00:00+00' + submit_s * interval '1 second' AS submit_at,
       duration_s * interval '1 second' AS run_time,
       'to come' AS state,
       NULL::bigint AS job_id,
       NULL::timestamptz AS ends_at,
       false AS placed_at_once,
       NULL::text AS refused
FROM demo.trace_task,
     LATERAL (SELECT right(job_id, 4)::integer % 16) AS h(rest),
     LATERAL (SELECT CASE WHEN rest < 6 THEN 'aurora' WHEN rest < 11 THEN 'boreal'
                          WHEN rest < 15 THEN 'cirrus' ELSE 'delta' END) AS w(tenant);
CREATE INDEX ON demo.task (submit_at, task);
CREATE INDEX ON demo.task (submit_at) WHERE state = 'to come';
CREATE INDEX ON demo.task (ends_at, job_id) WHERE state = 'running';
CREATE UNIQUE INDEX ON demo.task (job_id);
ANALYZE demo.task;
