-- What there is at the end of the replay.

\pset footer off
\pset null ''
\set day_before 'clock() - interval ''1 day'''

\qecho
\qecho '== The tasks of the trace, by pool'
SELECT pool, count(*) AS tasks,
       count(*) FILTER (WHERE state = 'refused') AS refused,
       count(*) FILTER (WHERE state = 'ended') AS ended,
       count(*) FILTER (WHERE state = 'running') AS running,
       count(*) FILTER (WHERE state = 'queued') AS waiting,
       count(*) FILTER (WHERE state = 'to come') AS to_come,
       count(*) FILTER (WHERE placed_at_once) AS placed_by_submit
FROM demo.task GROUP BY ROLLUP (pool) ORDER BY pool;

SELECT count(*) > 0 AS some_refused FROM demo.task WHERE state = 'refused' \gset
\if :some_refused
\qecho '== Refused: no node of the pool could ever hold them'
SELECT tenant, pool, count(*) AS tasks, min(refused) AS for_example
FROM demo.task WHERE state = 'refused' GROUP BY tenant, pool ORDER BY tenant, pool;
\endif

\qecho '== The queues: the first five of each pool'
SELECT pool, "position", job, tenant, waiting, reason, lacking FROM queue WHERE "position" <= 5 ORDER BY pool, "position";

\qecho '== The queues: by reason'
SELECT pool, reason, count(*) AS jobs, min(waiting) AS shortest, max(waiting) AS longest, string_agg(DISTINCT tenant, ', ') AS tenants
FROM queue GROUP BY pool, reason ORDER BY pool, jobs DESC, reason;

\qecho '== Pools'
SELECT * FROM pool_status ORDER BY pool;
SELECT pool, resource,
       CASE resource WHEN 'memory' THEN round(allocated / 2 ^ 30) ELSE trim_scale(allocated) END AS allocated,
       CASE resource WHEN 'memory' THEN round(allocatable / 2 ^ 30) ELSE trim_scale(allocatable) END AS allocatable,
       CASE resource WHEN 'memory' THEN 'GiB' WHEN 'cpu' THEN 'core' ELSE 'GPU' END AS unit, busy
FROM pool_utilization ORDER BY pool, resource;

\qecho '== Nodes: by flavor, and of each flavor with GPUs the one with most runs'
SELECT p.name AS pool, f.name AS flavor, count(*) AS nodes,
       count(*) FILTER (WHERE s.runs > 0) AS in_use, round(avg(s.busy), 1) AS busy, sum(s.runs) AS runs
FROM node n JOIN node_status s USING (node_id) JOIN pool p USING (pool_id) JOIN flavor f USING (flavor_id)
GROUP BY p.name, f.name ORDER BY p.name, nodes DESC, f.name;
SELECT pool, node, state, runs, busy, allocated FROM node_status
WHERE node_id IN (SELECT DISTINCT ON (n.flavor_id) node_id
                  FROM node n JOIN flavor f USING (flavor_id) JOIN node_status s USING (node_id)
                  WHERE f.accelerator IS NOT NULL AND s.runs > 0 ORDER BY n.flavor_id, s.runs DESC, node_id)
ORDER BY node_id;

\qecho '== Running cost, per hour'
SELECT tenant, CASE WHEN sku LIKE 'node.%' THEN 'node.*' ELSE sku END AS sku, sum(quantity) AS quantity,
       round(sum(per_hour), 2) AS per_hour, currency
FROM running_cost GROUP BY 1, 2, 5 ORDER BY 1, 2;

\qecho '== Charges of the last 24 hours, by tenant and SKU'
SELECT tenant_name AS tenant, sku, round(sum(quantity), 2) AS quantity, unit,
       round(sum(amount), 2) AS amount, currency
FROM charges(NULL::bigint, :day_before, clock(), '1 day')
GROUP BY tenant_name, sku, unit, currency ORDER BY tenant_name, sku;

\qecho '== Month to date, by tenant'
SELECT t.tenant, to_char(n.month, 'YYYY-MM') AS month, t.time_zone,
       round(sum(c.amount) FILTER (WHERE c.sku LIKE 'gpu.%'), 2) AS gpus,
       round(sum(c.amount) FILTER (WHERE c.sku = 'cpu.core'), 2) AS cores,
       round(sum(c.amount) FILTER (WHERE c.sku = 'memory.gib'), 2) AS memory,
       round(sum(c.amount) FILTER (WHERE c.sku LIKE 'node.%'), 2) AS nodes,
       round(sum(c.amount), 2) AS amount, c.currency
FROM demo.tenant t,
     LATERAL (SELECT date_trunc('month', clock() AT TIME ZONE t.time_zone)) AS n(month),
     LATERAL charges(t.tenant, n.month AT TIME ZONE t.time_zone, clock(), '1 month') AS c
GROUP BY t.tenant, n.month, t.time_zone, c.currency ORDER BY t.tenant;

\qecho '== One of them before and after the prices changed on the 15th'
SELECT c.tenant_name AS tenant, c.sku, c.cycle_start::date AS since, c.cycle_end::date AS until, round(c.quantity, 2) AS quantity, c.unit,
       p.tariff AS price, round(c.amount, 2) AS amount, c.currency
FROM charges('aurora', '2026-07-01 00:00:00-04', clock(), '1 month') c JOIN price p USING (price_id)
WHERE c.sku LIKE 'gpu.%' ORDER BY c.sku, c.cycle_start;

\qecho '== What the calls took'
SELECT funcname AS call, calls, round(total_time::numeric / 1000, 1) AS seconds,
       round(calls * 1000 / nullif(total_time, 0)::numeric) AS per_second
FROM pg_stat_user_functions
WHERE funcname IN ('submit_job', 'schedule', 'finish_job') ORDER BY total_time DESC;
