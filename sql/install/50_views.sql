-- What administrators and applications look at.  Each fits 120 columns.

CREATE VIEW queue WITH (security_invoker = true) AS
SELECT p.name AS pool,
       p."position",
       q.job_id,
       j.name AS job,
       t.name AS tenant,
       q.priority,
       date_trunc('second', greatest(clock() - q.submitted_at, '0')) AS waiting,
       CASE WHEN q.state = 'held' THEN 'held'
            WHEN p.state <> 'running' THEN 'pool_not_running'
            WHEN p.behind_head THEN 'behind_head'
            ELSE s.reason END AS reason,
       CASE WHEN q.state = 'queued' AND p.state = 'running' AND NOT p.behind_head AND s.resource IS NOT NULL
            THEN format('%s of %s %s',
                 coalesce(nullif(split_part(jsonb_build_object(s.resource, s.available)::resource_list::text, '=', 2), ''), '0'),
                 split_part(jsonb_build_object(s.resource, s.needed)::resource_list::text, '=', 2), s.resource)
            END AS lacking
FROM (
    SELECT pool_id, (s.o).job_id, (s.o)."position", (s.o).behind_head, name, state
    -- in the select list, a pool is ordered once, whatever the planner thinks
    FROM (SELECT pool_id, queue_order(pool_id) AS o, name, state FROM pool) s
    UNION ALL
    SELECT pool_id, w.job_id, NULL, false, p.name, p.state
    FROM pool p JOIN job_queue w USING (pool_id) WHERE w.state <> 'queued') p
JOIN job_queue q ON q.pool_id = p.pool_id AND q.job_id = p.job_id
JOIN job j ON j.pool_id = q.pool_id AND j.job_id = q.job_id
JOIN tenant t ON t.tenant_id = q.tenant_id
JOIN job_shape s ON s.pool_id = q.pool_id AND s.shape_id = q.shape_id
ORDER BY p.name, p."position", q.job_id;
COMMENT ON VIEW queue IS
'jobs that wait, in the order in which the next pass looks at them, and why they wait: see table pending_reason. Jobs of other tenants count in position but are not shown';
COMMENT ON COLUMN queue.pool IS 'pool';
COMMENT ON COLUMN queue."position" IS 'rank in the pool''s queue, from 1; NULL: held';
COMMENT ON COLUMN queue.job_id IS 'job';
COMMENT ON COLUMN queue.job IS 'name of the job';
COMMENT ON COLUMN queue.tenant IS 'tenant';
COMMENT ON COLUMN queue.priority IS '1 to 3, larger first';
COMMENT ON COLUMN queue.waiting IS 'time since it was submitted';
COMMENT ON COLUMN queue.reason IS 'why it has not started';
COMMENT ON COLUMN queue.lacking IS
'how much is available of how much that is needed, of the resource that is lacking or of replicas; job_shape has the numbers';

CREATE VIEW job_status WITH (security_invoker = true) AS
SELECT j.job_id,
       j.name AS job,
       t.name AS tenant,
       p.name AS pool,
       coalesce(j.end_state, r.state, q.state) AS state,
       date_trunc('second', j.submitted_at) AS submitted_at,
       date_trunc('second', greatest(coalesce(r.started_at, j.ended_at, clock()) - j.submitted_at, '0')) AS waited,
       CASE WHEN r.started_at IS NOT NULL
            THEN date_trunc('second', greatest(coalesce(j.ended_at, clock()) - r.started_at, '0')) END AS ran,
       r.exit_code
FROM job j
JOIN pool p USING (pool_id)
JOIN tenant t ON t.tenant_id = j.tenant_id
LEFT JOIN job_queue q ON q.pool_id = j.pool_id AND q.job_id = j.job_id
LEFT JOIN LATERAL (SELECT state, started_at, exit_code FROM job_run r
                   WHERE r.pool_id = j.pool_id AND r.job_id = j.job_id
                   ORDER BY run_id DESC LIMIT 1) r ON true;
COMMENT ON VIEW job_status IS 'every job with its present state and its last run';
COMMENT ON COLUMN job_status.job_id IS 'job';
COMMENT ON COLUMN job_status.job IS 'name of the job';
COMMENT ON COLUMN job_status.tenant IS 'tenant';
COMMENT ON COLUMN job_status.pool IS 'pool';
COMMENT ON COLUMN job_status.state IS 'present state';
COMMENT ON COLUMN job_status.submitted_at IS 'when it was submitted';
COMMENT ON COLUMN job_status.waited IS 'time until its last run began to run, or until now or its end without one';
COMMENT ON COLUMN job_status.ran IS 'time that its last run has been running or ran; NULL: it did not start';
COMMENT ON COLUMN job_status.exit_code IS 'as reported by finish_job';

CREATE VIEW node_status WITH (security_invoker = true) AS
SELECT p.name AS pool,
       n.node_id,
       n.name AS node,
       CASE WHEN n.state = 'available' AND NOT n.schedulable THEN 'cordoned' ELSE n.state::text END AS state,
       (SELECT count(*) FROM allocation a
        WHERE a.pool_id = n.pool_id AND a.node_id = n.node_id AND a.released_at IS NULL) AS runs,
       round(100 * dominant_share(l.allocated, l.allocatable), 1) AS busy,
       l.allocated
FROM node n
JOIN node_load l USING (pool_id, node_id)
JOIN pool p USING (pool_id);
COMMENT ON VIEW node_status IS 'nodes and what is allocated on them; those of public pools are seen by operators';
COMMENT ON COLUMN node_status.pool IS 'pool';
COMMENT ON COLUMN node_status.node_id IS 'node';
COMMENT ON COLUMN node_status.node IS 'name of the node';
COMMENT ON COLUMN node_status.state IS 'state; cordoned: available, but takes no new replicas';
COMMENT ON COLUMN node_status.runs IS 'how many task groups of runs have replicas on it';
COMMENT ON COLUMN node_status.busy IS 'percent allocated of the resource that is scarcest on it';
COMMENT ON COLUMN node_status.allocated IS 'what jobs hold';

CREATE VIEW pool_status WITH (security_invoker = true) AS
SELECT p.name AS pool,
       p.kind,
       t.name AS tenant,
       p.state,
       n.nodes,
       n.available,
       q.queued,
       r.running,
       round(100 * dominant_share(n.allocated, n.allocatable), 1) AS busy
FROM pool p
LEFT JOIN tenant t USING (tenant_id)
LEFT JOIN LATERAL (
    SELECT count(*) AS nodes, count(*) FILTER (WHERE n.state = 'available' AND n.schedulable) AS available,
           coalesce(sum(l.allocated), '') AS allocated, coalesce(sum(l.allocatable), '') AS allocatable
    FROM node n JOIN node_load l USING (pool_id, node_id)
    WHERE n.pool_id = p.pool_id HAVING may_see(p.tenant_id)) n ON true
LEFT JOIN LATERAL (SELECT count(*) AS queued FROM job_queue q WHERE q.pool_id = p.pool_id) q ON true
LEFT JOIN LATERAL (SELECT count(*) AS running FROM job_run r WHERE r.pool_id = p.pool_id AND r.ended_at IS NULL) r ON true;
COMMENT ON VIEW pool_status IS
'pools with their nodes and jobs. Who is no operator sees only his own jobs counted, and no nodes, of a public pool';
COMMENT ON COLUMN pool_status.pool IS 'pool';
COMMENT ON COLUMN pool_status.kind IS 'public or dedicated';
COMMENT ON COLUMN pool_status.tenant IS 'owner, where it may be seen';
COMMENT ON COLUMN pool_status.state IS 'state';
COMMENT ON COLUMN pool_status.nodes IS 'number of nodes';
COMMENT ON COLUMN pool_status.available IS 'nodes that take replicas';
COMMENT ON COLUMN pool_status.queued IS 'jobs that wait';
COMMENT ON COLUMN pool_status.running IS 'jobs that hold resources';
COMMENT ON COLUMN pool_status.busy IS 'percent allocated of the resource that is scarcest';

CREATE VIEW pool_utilization WITH (security_invoker = true) AS
SELECT p.name AS pool,
       r.name AS resource,
       quantity(n.allocated, r.name) AS allocated,
       r.quantity AS allocatable,
       round(100 * quantity(n.allocated, r.name) / r.quantity, 1) AS busy
FROM pool p,
     LATERAL (SELECT sum(l.allocated) AS allocated, sum(l.allocatable) AS allocatable
              FROM node_load l WHERE l.pool_id = p.pool_id) n,
     LATERAL resource_each(n.allocatable) r;
COMMENT ON VIEW pool_utilization IS 'what is allocated of each resource, summed over the nodes that the role may see';
COMMENT ON COLUMN pool_utilization.pool IS 'pool';
COMMENT ON COLUMN pool_utilization.resource IS 'resource';
COMMENT ON COLUMN pool_utilization.allocated IS 'what jobs hold (bytes for memory)';
COMMENT ON COLUMN pool_utilization.allocatable IS 'what jobs may hold';
COMMENT ON COLUMN pool_utilization.busy IS 'percent';

CREATE FUNCTION scheduler_stats() RETURNS TABLE (
    passes bigint, changed bigint, failed bigint, last_pass_at timestamptz, last_pass_us bigint)
    AS 'MODULE_PATHNAME', 'pm_scheduler_stats' LANGUAGE C VOLATILE ROWS 1;
COMMENT ON FUNCTION scheduler_stats() IS
'what the background worker has done since the server started; no row where the library is not preloaded';

CREATE VIEW stat_scheduler WITH (security_invoker = true) AS
SELECT passes, changed, failed, last_pass_at, last_pass_us FROM scheduler_stats();
COMMENT ON VIEW stat_scheduler IS
'what the background worker has done since the server started; no row where the library is not preloaded';
COMMENT ON COLUMN stat_scheduler.passes IS 'passes it has run';
COMMENT ON COLUMN stat_scheduler.changed IS 'jobs whose state these passes changed';
COMMENT ON COLUMN stat_scheduler.failed IS 'passes that ended in an error; the log has it';
COMMENT ON COLUMN stat_scheduler.last_pass_at IS 'end of the last pass, by the real clock';
COMMENT ON COLUMN stat_scheduler.last_pass_us IS 'how long it took, in microseconds, with its commit';

CREATE VIEW running_cost WITH (security_invoker = true) AS
SELECT t.name AS tenant,
       h.job_id,
       h.node_id,
       s.name AS sku,
       trim_scale(h.quantity / 1000.0) AS quantity,
       h.since,
       pr.per_hour,
       c.currency
FROM holding h
JOIN tenant t USING (tenant_id)
JOIN sku s USING (sku_id)
LEFT JOIN LATERAL (
    SELECT c.currency FROM contract c WHERE c.tenant_id = h.tenant_id
    ORDER BY c.from_month <= (clock() AT TIME ZONE c.time_zone) DESC, c.from_month DESC LIMIT 1) c ON true
LEFT JOIN LATERAL (
    SELECT amount(p.tariff, h.quantity / 1000.0, 0) AS per_hour FROM price p
    WHERE p.tenant_id IN (0, h.tenant_id) AND p.sku_id = h.sku_id AND p.currency = c.currency AND p.valid @> clock()
    ORDER BY p.tenant_id DESC LIMIT 1) pr ON true;
COMMENT ON VIEW running_cost IS 'what is held and billed right now, and what an hour of it costs';
COMMENT ON COLUMN running_cost.tenant IS 'who pays';
COMMENT ON COLUMN running_cost.job_id IS 'job that holds it, in a public pool';
COMMENT ON COLUMN running_cost.node_id IS 'node that is held, of a dedicated pool';
COMMENT ON COLUMN running_cost.sku IS 'what it is billed as';
COMMENT ON COLUMN running_cost.quantity IS 'units of the SKU';
COMMENT ON COLUMN running_cost.since IS 'from when';
COMMENT ON COLUMN running_cost.per_hour IS 'price of an hour by the tariff in force, as the first hour of its tier; NULL: no price';
COMMENT ON COLUMN running_cost.currency IS 'currency of the contract';
