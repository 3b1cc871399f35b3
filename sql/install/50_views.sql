-- What administrators and applications look at.  Each row fits 120 columns,
-- but for the views named detail and jobs, which are for \x and for programs.
-- A deleted pool or node is history: no view shows it.

CREATE VIEW queue WITH (security_invoker = true) AS
SELECT p.name AS pool,
       p."position",
       q.job_id,
       j.name AS job,
       t.name AS tenant,
       q.priority,
       date_trunc(CASE WHEN clock() - q.submitted_at < '10 days' THEN 'second' ELSE 'day' END,
                  greatest(clock() - q.submitted_at, '0')) AS waiting,
       w.reason,
       CASE WHEN w.reason = 'not_before' THEN 'until ' || date_trunc('second', q.not_before)
            WHEN w.reason = 'reservation'
            THEN (SELECT 'until ' || date_trunc('second', r.starts_at) FROM reservation r
                  WHERE r.pool_id = q.pool_id AND r.reservation_id = s.reservation_id)
            WHEN q.state = 'waiting'
            THEN dependencies_text(q.pool_id, q.job_id, true)
            WHEN w.of_shape AND s.resource IS NOT NULL
            THEN format('%s of %s %s',
                 coalesce(nullif(split_part(jsonb_build_object(s.resource, s.available)::resource_list::text, '=', 2), ''), '0'),
                 split_part(jsonb_build_object(s.resource, s.needed)::resource_list::text, '=', 2), s.resource)
            END AS lacking,
       CASE WHEN q.state = 'queued' THEN expected_start(q.pool_id, q.job_id)::timestamptz(0) END AS expected_start
FROM (
    SELECT pool_id, (s.o).job_id, (s.o)."position", (s.o).behind_head, name, runs, endless
    -- in the select list, a pool is ordered once, whatever the planner thinks
    FROM (SELECT pool_id, queue_order(pool_id) AS o, name,
                 state IN ('running', 'scaling_failed') AND NOT 'frozen' = ANY (restrictions) AS runs,
                 queue_policy = 'backfill' AND default_time_limit IS NULL AS endless
          FROM pool WHERE deleted_at IS NULL) s
    UNION ALL
    SELECT pool_id, w.job_id, NULL, false, p.name, true, false
    FROM pool p JOIN job_queue w USING (pool_id) WHERE p.deleted_at IS NULL AND w.state IN ('held', 'waiting')) p
JOIN job_queue q ON q.pool_id = p.pool_id AND q.job_id = p.job_id
-- looked up one by one: the table holds all jobs that ever were
CROSS JOIN LATERAL (SELECT j.name FROM job j WHERE j.pool_id = q.pool_id AND j.job_id = q.job_id OFFSET 0) j
JOIN tenant t ON t.tenant_id = q.tenant_id
JOIN job_shape s ON s.pool_id = q.pool_id AND s.shape_id = q.shape_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN q.state = 'held' THEN 'held'
                WHEN q.state = 'waiting'
                THEN CASE dependencies_hold(q.pool_id, q.job_id) WHEN false THEN 'dependency_never'
                        WHEN true THEN CASE WHEN q.not_before > clock() THEN 'not_before' ELSE 'not_considered' END
                        ELSE 'dependency' END
                WHEN NOT p.runs THEN 'pool_not_running'
                WHEN t.state = 'frozen' THEN 'tenant_frozen'
                WHEN q.claims_since IS NOT NULL THEN 'waiting_for_preemption'
                WHEN p.behind_head AND s.reservation_id IS NULL THEN 'behind_head'
                WHEN s.reason = 'reserved' AND p.endless AND q.time_limit IS NULL AND q.auto_stop IS NULL THEN 'no_time_limit'
                ELSE s.reason END AS reason,
           q.state = 'queued' AND p.runs AND t.state <> 'frozen' AND q.claims_since IS NULL AND NOT p.behind_head AS of_shape) w
ORDER BY p.name, p."position", q.job_id;
COMMENT ON VIEW queue IS
'jobs that wait, in the order in which the next pass looks at them, and why they wait: see table pending_reason. Jobs of other tenants count in position but are not shown';
COMMENT ON COLUMN queue.pool IS 'pool';
COMMENT ON COLUMN queue."position" IS 'rank in the pool''s queue, from 1; NULL: held, or waiting for other jobs or a time';
COMMENT ON COLUMN queue.job_id IS 'job';
COMMENT ON COLUMN queue.job IS 'name of the job';
COMMENT ON COLUMN queue.tenant IS 'tenant';
COMMENT ON COLUMN queue.priority IS '1 to 3, larger first';
COMMENT ON COLUMN queue.waiting IS 'time since it was submitted, in whole seconds, from ten days on in whole days';
COMMENT ON COLUMN queue.reason IS 'why it has not started';
COMMENT ON COLUMN queue.lacking IS
'how much is available of how much that is needed, of the resource that is lacking or of replicas (job_shape has the numbers); what is still open of its dependencies; until when it waits';
COMMENT ON COLUMN queue.expected_start IS 'when it will start, to the second, as forecast has it; NULL: that cannot be told. Looked at only where it is asked for';

CREATE VIEW job_status WITH (security_invoker = true) AS
SELECT j.job_id,
       j.name AS job,
       t.name AS tenant,
       p.name AS pool,
       -- what rests or waits again has a last run that ended
       coalesce(j.end_state, q.state, r.state) AS state,
       date_trunc('second', j.submitted_at) AS submitted_at,
       date_trunc('second', greatest(coalesce(r.started_at, j.ended_at, clock()) - j.submitted_at, '0')) AS waited,
       CASE WHEN r.started_at IS NOT NULL
            THEN date_trunc('second', greatest(coalesce(r.ended_at, clock()) - r.started_at, '0')) END AS ran,
       r.exit_code
FROM job j
JOIN pool p USING (pool_id)
JOIN tenant t ON t.tenant_id = j.tenant_id
LEFT JOIN job_queue q ON q.pool_id = j.pool_id AND q.job_id = j.job_id
LEFT JOIN LATERAL (SELECT state, started_at, ended_at, exit_code FROM job_run r
                   WHERE r.pool_id = j.pool_id AND r.job_id = j.job_id
                   ORDER BY run_id DESC LIMIT 1) r ON true;
COMMENT ON VIEW job_status IS 'every job, of deleted pools too, with its present state and its last run';
COMMENT ON COLUMN job_status.job_id IS 'job';
COMMENT ON COLUMN job_status.job IS 'name of the job';
COMMENT ON COLUMN job_status.tenant IS 'tenant';
COMMENT ON COLUMN job_status.pool IS 'pool';
COMMENT ON COLUMN job_status.state IS 'present state';
COMMENT ON COLUMN job_status.submitted_at IS 'when it was submitted';
COMMENT ON COLUMN job_status.waited IS 'time until its last run began to run, or until now or its end without one';
COMMENT ON COLUMN job_status.ran IS 'time that its last run has been running or ran; NULL: it did not start';
COMMENT ON COLUMN job_status.exit_code IS 'as reported by finish_job';

CREATE VIEW pool_jobs WITH (security_invoker = true) AS
SELECT p.name AS pool,
       j.job_id,
       j.name AS job,
       t.name AS tenant,
       j.kind,
       coalesce(q.state, r.state) AS state,
       coalesce(q.priority, j.priority) AS priority,
       p."position" AS pending_position,
       CASE WHEN q.state IN ('held', 'waiting', 'queued')
            THEN floor(extract(epoch FROM greatest(clock() - j.submitted_at, '0')))::bigint END AS pending_seconds,
       CASE WHEN r.started_at IS NOT NULL
            THEN floor(extract(epoch FROM greatest(clock() - r.started_at, '0')))::bigint END AS running_seconds,
       n.nodes,
       g.request
FROM (
    SELECT pool_id, name, (s.o).job_id, (s.o)."position"
    FROM (SELECT pool_id, name, queue_order(pool_id) AS o FROM pool WHERE deleted_at IS NULL) s
    UNION ALL
    SELECT pool_id, p.name, q.job_id, NULL
    FROM pool p JOIN job_queue q USING (pool_id) WHERE p.deleted_at IS NULL AND q.state <> 'queued'
    UNION ALL
    SELECT pool_id, p.name, r.job_id, NULL
    FROM pool p JOIN job_run r USING (pool_id) WHERE p.deleted_at IS NULL AND r.ended_at IS NULL) p
-- looked up one by one: the table holds all jobs that ever were
CROSS JOIN LATERAL (SELECT j.* FROM job j WHERE j.pool_id = p.pool_id AND j.job_id = p.job_id OFFSET 0) j
JOIN tenant t ON t.tenant_id = j.tenant_id
LEFT JOIN job_queue q ON q.pool_id = p.pool_id AND q.job_id = p.job_id
LEFT JOIN job_run r ON r.pool_id = p.pool_id AND r.job_id = p.job_id AND r.ended_at IS NULL
LEFT JOIN LATERAL (
    SELECT string_agg(n.name, ', ' ORDER BY n.node_id) AS nodes
    FROM (SELECT DISTINCT a.node_id FROM allocation a
          WHERE a.pool_id = r.pool_id AND a.run_id = r.run_id AND a.released_at IS NULL) a
    JOIN node n ON n.pool_id = r.pool_id AND n.node_id = a.node_id) n ON true
LEFT JOIN LATERAL (
    SELECT string_agg(format('%s x %s', coalesce(r.replicas[g.group_no], g.replicas), coalesce(f.name::text, g.request::text)), ' + '
                      ORDER BY g.group_no) AS request
    FROM task_group g LEFT JOIN flavor f USING (flavor_id)
    WHERE g.pool_id = j.pool_id AND g.shape_id = coalesce(q.shape_id, j.shape_id)) g ON true;
COMMENT ON VIEW pool_jobs IS
'jobs that have not ended, those at rest too: where they stand in the queue, how long they wait or run, on which nodes. Those that have ended are in job_history';
COMMENT ON COLUMN pool_jobs.pool IS 'pool';
COMMENT ON COLUMN pool_jobs.job_id IS 'job';
COMMENT ON COLUMN pool_jobs.job IS 'name of the job';
COMMENT ON COLUMN pool_jobs.tenant IS 'tenant';
COMMENT ON COLUMN pool_jobs.kind IS 'training, inference, notebook or workflow';
COMMENT ON COLUMN pool_jobs.state IS 'present state';
COMMENT ON COLUMN pool_jobs.priority IS '1 to 3, larger first';
COMMENT ON COLUMN pool_jobs.pending_position IS 'rank in the pool''s queue, from 1; NULL: not queued';
COMMENT ON COLUMN pool_jobs.pending_seconds IS 'whole seconds since it was submitted; NULL: it does not wait';
COMMENT ON COLUMN pool_jobs.running_seconds IS 'whole seconds since its run began to run; NULL: it does not run';
COMMENT ON COLUMN pool_jobs.nodes IS 'names of the nodes that it holds, where they may be seen';
COMMENT ON COLUMN pool_jobs.request IS 'what it asks for, of a run what it has: replicas x flavor or resources, task group by task group';

CREATE VIEW job_history WITH (security_invoker = true) AS
SELECT p.name AS pool,
       j.job_id,
       j.name AS job,
       t.name AS tenant,
       j.kind,
       j.end_state AS state,
       j.ended_at,
       date_trunc('second', greatest(coalesce(r.started_at, j.ended_at) - j.submitted_at, '0')) AS waited,
       date_trunc('second', r.ran) AS ran,
       r.runs
FROM job j
JOIN pool p USING (pool_id)
JOIN tenant t ON t.tenant_id = j.tenant_id
CROSS JOIN LATERAL (
    SELECT count(*) AS runs, min(r.started_at) AS started_at, sum(r.ended_at - r.started_at) AS ran
    FROM job_run r WHERE r.pool_id = j.pool_id AND r.job_id = j.job_id) r
WHERE j.ended_at IS NOT NULL;
COMMENT ON VIEW job_history IS
'jobs that have ended, of deleted pools too. With a pool and a lower bound of ended_at only what ended since is read';
COMMENT ON COLUMN job_history.pool IS 'pool';
COMMENT ON COLUMN job_history.job_id IS 'job';
COMMENT ON COLUMN job_history.job IS 'name of the job';
COMMENT ON COLUMN job_history.tenant IS 'tenant';
COMMENT ON COLUMN job_history.kind IS 'training, inference, notebook or workflow';
COMMENT ON COLUMN job_history.state IS 'how it ended';
COMMENT ON COLUMN job_history.ended_at IS 'when it ended';
COMMENT ON COLUMN job_history.waited IS 'time from its submission until it first ran, or until its end';
COMMENT ON COLUMN job_history.ran IS 'time that its runs ran, together; NULL: none started';
COMMENT ON COLUMN job_history.runs IS 'how many runs it had';

CREATE FUNCTION workload_statistics(pool bigint, since timestamptz DEFAULT NULL)
    RETURNS TABLE (kind job_kind, state job_state, jobs bigint)
    LANGUAGE sql STABLE ROWS 20
    BEGIN ATOMIC
        -- (SELECT ...): once, not once a row; and row-level security lets it be looked up in an index
        SELECT w.kind, w.state, count(*)
        FROM (
            SELECT (SELECT j.kind FROM job j WHERE j.pool_id = q.pool_id AND j.job_id = q.job_id) AS kind, q.state FROM job_queue q
            WHERE q.pool_id = (SELECT find_pool(workload_statistics.pool))
            UNION ALL
            SELECT (SELECT j.kind FROM job j WHERE j.pool_id = r.pool_id AND j.job_id = r.job_id), r.state FROM job_run r
            WHERE r.pool_id = (SELECT find_pool(workload_statistics.pool)) AND r.ended_at IS NULL
            UNION ALL
            SELECT j.kind, j.end_state FROM job j
            WHERE j.pool_id = (SELECT find_pool(workload_statistics.pool))
              AND j.ended_at >= (SELECT coalesce(workload_statistics.since, clock() - interval '24:00:00'))) w
        GROUP BY w.kind, w.state
        ORDER BY w.kind, w.state;
    END;
COMMENT ON FUNCTION workload_statistics(bigint, timestamptz) IS
'how many jobs of a pool there are of each kind and state: of those that have ended, the ones that ended at since or later (24 hours ago by default). Counts the jobs that the role may see; no row where there is none. 42704: no such pool';
CREATE FUNCTION workload_statistics(pool text, since timestamptz DEFAULT NULL)
    RETURNS TABLE (kind job_kind, state job_state, jobs bigint)
    LANGUAGE sql STABLE ROWS 20
    BEGIN ATOMIC
        SELECT w.kind, w.state, w.jobs
        FROM workload_statistics(find_pool(workload_statistics.pool), workload_statistics.since) w;
    END;
COMMENT ON FUNCTION workload_statistics(text, timestamptz) IS 'the same, the pool by name';

CREATE FUNCTION node_condition(state node_state, task task_kind, spare boolean, schedulable boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN state <> 'available' THEN state::text
                WHEN task IS NOT NULL
                THEN CASE task WHEN 'drain' THEN 'draining' WHEN 'reboot' THEN 'rebooting' WHEN 'reset' THEN 'resetting'
                               WHEN 'repair' THEN 'repairing' WHEN 'replace' THEN 'replacing' WHEN 'migrate' THEN 'migrating'
                               WHEN 'upgrade_driver' THEN 'upgrading' WHEN 'delete' THEN 'deleting' END
                WHEN spare THEN 'spare'
                WHEN NOT schedulable THEN 'cordoned'
                ELSE 'available' END;
COMMENT ON FUNCTION node_condition(node_state, task_kind, boolean, boolean) IS
'one word for a node: its state; of an available one that takes no new replicas, why: draining, rebooting, resetting, repairing, replacing, migrating, upgrading or deleting for the task that isolates it, spare, cordoned';

CREATE VIEW node_status WITH (security_invoker = true) AS
SELECT p.name AS pool,
       n.node_id,
       n.name AS node,
       node_condition(n.state, k.kind, n.spare, n.schedulable) AS state,
       nullif(concat_ws(' ', n.fault_code, CASE WHEN n.delete_lock THEN 'locked' END), '') AS marks,
       (SELECT count(*) FROM allocation a
        WHERE a.pool_id = n.pool_id AND a.node_id = n.node_id AND a.released_at IS NULL) AS runs,
       round(100 * dominant_share(l.allocated, l.allocatable), 1) AS busy,
       l.allocated
FROM node n
JOIN node_load l USING (pool_id, node_id)
JOIN pool p USING (pool_id)
LEFT JOIN node_task k ON k.pool_id = n.pool_id AND k.task_id = n.isolated_by
WHERE n.deleted_at IS NULL;
COMMENT ON VIEW node_status IS 'nodes and what is allocated on them; those of public pools are seen by operators';
COMMENT ON COLUMN node_status.pool IS 'pool';
COMMENT ON COLUMN node_status.node_id IS 'node';
COMMENT ON COLUMN node_status.node IS 'name of the node';
COMMENT ON COLUMN node_status.state IS
'state. Available nodes that take no new replicas are cordoned, spare, or what the task is doing that keeps replicas away: draining, rebooting, resetting, repairing, replacing, migrating, upgrading, deleting';
COMMENT ON COLUMN node_status.marks IS 'its fault code; locked: must not be deleted';
COMMENT ON COLUMN node_status.runs IS 'how many task groups of runs have replicas on it';
COMMENT ON COLUMN node_status.busy IS 'percent allocated of the resource that is scarcest on it';
COMMENT ON COLUMN node_status.allocated IS 'what jobs hold';

CREATE VIEW node_detail WITH (security_invoker = true) AS
SELECT p.name AS pool,
       n.node_id,
       n.name AS node,
       f.name AS flavor,
       f.cpu_architecture,
       node_condition(n.state, i.kind, n.spare, n.schedulable) AS state,
       n.state_since,
       n.schedulable,
       n.spare,
       n.delete_lock,
       n.fault_code,
       c.description AS fault,
       a.address,
       b.name AS sub_pool,
       n.batch_id,
       n.driver,
       CASE WHEN f.accelerator IS NOT NULL THEN n.driver_state END AS driver_state,
       k.kind AS task,
       k.state AS task_state,
       f.resources,
       l.allocatable,
       l.allocated,
       l.allocatable - l.allocated AS free,
       l.devices,
       n.topology,
       n.labels,
       n.taints,
       n.tags,
       n.created_at,
       n.available_at
FROM node n
JOIN node_load l USING (pool_id, node_id)
JOIN pool p USING (pool_id)
JOIN flavor f USING (flavor_id)
LEFT JOIN fault_code c ON c.code = n.fault_code
LEFT JOIN network_address a ON a.pool_id = n.pool_id AND a.node_id = n.node_id
LEFT JOIN sub_pool b ON b.pool_id = n.pool_id AND b.sub_pool_id = n.sub_pool_id
LEFT JOIN node_task k ON k.pool_id = n.pool_id AND k.node_id = n.node_id AND k.ended_at IS NULL
LEFT JOIN node_task i ON i.pool_id = n.pool_id AND i.task_id = n.isolated_by
WHERE n.deleted_at IS NULL;
COMMENT ON VIEW node_detail IS
'all there is to know of a node, one row each, for \x; those of public pools are seen by operators';
COMMENT ON COLUMN node_detail.pool IS 'pool';
COMMENT ON COLUMN node_detail.node_id IS 'node';
COMMENT ON COLUMN node_detail.node IS 'name of the node';
COMMENT ON COLUMN node_detail.flavor IS 'flavor';
COMMENT ON COLUMN node_detail.cpu_architecture IS 'x86 or arm64';
COMMENT ON COLUMN node_detail.state IS 'as in node_status';
COMMENT ON COLUMN node_detail.state_since IS 'since when the node has its own state: creating, checking, available, abnormal or deleting';
COMMENT ON COLUMN node_detail.schedulable IS 'false: cordoned';
COMMENT ON COLUMN node_detail.spare IS 'hot spare';
COMMENT ON COLUMN node_detail.delete_lock IS 'must not be deleted';
COMMENT ON COLUMN node_detail.fault_code IS 'fault that it has';
COMMENT ON COLUMN node_detail.fault IS 'what that means';
COMMENT ON COLUMN node_detail.address IS 'its address in the pool''s network';
COMMENT ON COLUMN node_detail.sub_pool IS 'sub-pool whose jobs alone it takes';
COMMENT ON COLUMN node_detail.batch_id IS 'nodes that came together as one step';
COMMENT ON COLUMN node_detail.driver IS 'version of its accelerator driver; NULL: that of its image';
COMMENT ON COLUMN node_detail.driver_state IS 'state of that driver; NULL: it has no accelerator';
COMMENT ON COLUMN node_detail.task IS 'what is being done to it, or will be';
COMMENT ON COLUMN node_detail.task_state IS 'how far that has come';
COMMENT ON COLUMN node_detail.resources IS 'what the flavor has';
COMMENT ON COLUMN node_detail.allocatable IS 'what jobs may use';
COMMENT ON COLUMN node_detail.allocated IS 'what jobs hold';
COMMENT ON COLUMN node_detail.free IS 'what is left';
COMMENT ON COLUMN node_detail.devices IS 'thousandths allocated of each device, from device 0';
COMMENT ON COLUMN node_detail.topology IS 'its domain at each level of the pool''s topology';
COMMENT ON COLUMN node_detail.labels IS 'labels';
COMMENT ON COLUMN node_detail.taints IS 'taints';
COMMENT ON COLUMN node_detail.tags IS 'tags';
COMMENT ON COLUMN node_detail.created_at IS 'when it was ordered';
COMMENT ON COLUMN node_detail.available_at IS 'when it first was available';

-- Functions, so that a list of all pools is not planned as one query that is
-- worth compiling: that would take longer than to run it.
CREATE FUNCTION node_counts(pool bigint, OUT nodes bigint, OUT available bigint, OUT abnormal bigint, OUT creating bigint,
    OUT deleting bigint, OUT allocated resource_list, OUT allocatable resource_list)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pool_manager, pg_temp AS $$
BEGIN
    SELECT count(*),
           count(*) FILTER (WHERE n.state = 'available' AND n.schedulable AND NOT n.spare AND n.isolated_by IS NULL),
           count(*) FILTER (WHERE n.state = 'abnormal'),
           count(*) FILTER (WHERE n.state IN ('creating', 'checking')),
           count(*) FILTER (WHERE n.state = 'deleting'),
           coalesce(sum(l.allocated), ''),
           coalesce(sum(l.allocatable) FILTER (WHERE n.available_at IS NOT NULL), '')
    INTO nodes, available, abnormal, creating, deleting, allocated, allocatable
    FROM node n JOIN node_load l USING (pool_id, node_id)
    WHERE n.pool_id = node_counts.pool AND n.deleted_at IS NULL;
END $$;
COMMENT ON FUNCTION node_counts(bigint) IS
'nodes of a pool that the role may see, by state, and what is allocated of what can be on those that have been available: behind pool_status and pool_utilization';

CREATE FUNCTION job_counts(pool bigint, OUT queued bigint, OUT running bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pool_manager, pg_temp AS $$
BEGIN
    SELECT (SELECT count(*) FROM job_queue q WHERE q.pool_id = job_counts.pool AND q.state <> 'stopped'),
           (SELECT count(*) FROM job_run r WHERE r.pool_id = job_counts.pool AND r.ended_at IS NULL)
    INTO queued, running;
END $$;
COMMENT ON FUNCTION job_counts(bigint) IS
'jobs of a pool that wait, and that hold resources, of those that the role may see: behind pool_status';

CREATE VIEW pool_status WITH (security_invoker = true) AS
SELECT p.name AS pool,
       t.name AS tenant,
       p.state,
       n.nodes,
       n.available,
       n.abnormal,
       n.creating,
       n.deleting,
       j.queued,
       j.running,
       round(100 * dominant_share(n.allocated, n.allocatable), 1) AS busy
FROM pool p
LEFT JOIN tenant t USING (tenant_id)
LEFT JOIN LATERAL node_counts(p.pool_id) n ON may_see(p.tenant_id)
CROSS JOIN LATERAL job_counts(p.pool_id) j
WHERE p.deleted_at IS NULL;
COMMENT ON VIEW pool_status IS
'pools with their nodes and jobs. Who is no operator sees only his own jobs counted, and no nodes, of a public pool';
COMMENT ON COLUMN pool_status.pool IS 'pool';
COMMENT ON COLUMN pool_status.tenant IS 'owner, where it may be seen; provider: a public pool';
COMMENT ON COLUMN pool_status.state IS 'state';
COMMENT ON COLUMN pool_status.nodes IS 'number of nodes';
COMMENT ON COLUMN pool_status.available IS 'nodes that take replicas';
COMMENT ON COLUMN pool_status.abnormal IS 'nodes that are abnormal';
COMMENT ON COLUMN pool_status.creating IS 'nodes that are being made or checked';
COMMENT ON COLUMN pool_status.deleting IS 'nodes that are being given back';
COMMENT ON COLUMN pool_status.queued IS 'jobs that wait';
COMMENT ON COLUMN pool_status.running IS 'jobs that hold resources';
COMMENT ON COLUMN pool_status.busy IS 'percent allocated of the resource that is scarcest, of nodes that have been available';

CREATE VIEW pool_detail WITH (security_invoker = true) AS
SELECT p.pool_id,
       p.name AS pool,
       p.kind,
       t.name AS tenant,
       w.name AS workspace,
       p.description,
       p.state,
       p.restrictions,
       p.unified,
       p.migrating,
       y.job_types,
       g.node_groups,
       n.node_states,
       s.sub_pools,
       o.operation AS open_order,
       p.provider,
       x.name AS network,
       x.cidr,
       p.container_network,
       p.driver,
       p.queue_policy,
       p.placement,
       p.launch,
       p.default_time_limit,
       p.stop_timeout,
       p.restart_timeout,
       p.job_order,
       p.age_weight,
       p.fair_weight,
       p.size_weight,
       p.size_order,
       p.max_age,
       p.half_life,
       p.tags,
       p.created_at
FROM pool p
LEFT JOIN tenant t ON t.tenant_id = p.tenant_id
LEFT JOIN workspace w ON w.tenant_id = p.tenant_id AND w.workspace_id = p.workspace_id
LEFT JOIN network x ON x.network_id = p.network_id
LEFT JOIN pool_order o ON o.pool_id = p.pool_id AND o.ended_at IS NULL
LEFT JOIN LATERAL (
    SELECT string_agg(concat_ws(' ', y.kind, nullif(y.state, 'enabled')), ', ' ORDER BY y.kind) AS job_types
    FROM pool_job_type y WHERE y.pool_id = p.pool_id AND y.state <> 'disabled') y ON true
LEFT JOIN LATERAL (
    SELECT string_agg(format('%s x %s', g.target_count, f.name), ', ' ORDER BY g.group_no) AS node_groups
    FROM node_group g JOIN flavor f USING (flavor_id) WHERE g.pool_id = p.pool_id) g ON true
LEFT JOIN LATERAL (
    SELECT string_agg(format('%s %s', n.nodes, n.state), ', ' ORDER BY n.state) AS node_states
    FROM (SELECT n.state, count(*) AS nodes FROM node n
          WHERE n.pool_id = p.pool_id AND n.deleted_at IS NULL GROUP BY n.state) n) n ON true
LEFT JOIN LATERAL (
    SELECT string_agg(s.name, ', ' ORDER BY s.sub_pool_id) AS sub_pools
    FROM sub_pool s WHERE s.pool_id = p.pool_id AND s.name IS NOT NULL AND s.deleted_at IS NULL) s ON true
WHERE p.deleted_at IS NULL;
COMMENT ON VIEW pool_detail IS
'all there is to know of a pool, one row each, for \x';
COMMENT ON COLUMN pool_detail.pool_id IS 'pool';
COMMENT ON COLUMN pool_detail.pool IS 'its name';
COMMENT ON COLUMN pool_detail.kind IS 'public or dedicated';
COMMENT ON COLUMN pool_detail.tenant IS 'owner, where it may be seen';
COMMENT ON COLUMN pool_detail.workspace IS 'cost centre of its nodes';
COMMENT ON COLUMN pool_detail.description IS 'for people';
COMMENT ON COLUMN pool_detail.state IS 'state';
COMMENT ON COLUMN pool_detail.restrictions IS 'what the provider has forbidden';
COMMENT ON COLUMN pool_detail.unified IS 'false: the old, single-purpose kind';
COMMENT ON COLUMN pool_detail.migrating IS 'is it being made a unified one?';
COMMENT ON COLUMN pool_detail.job_types IS 'job types that it takes, and the state of those that are not enabled';
COMMENT ON COLUMN pool_detail.node_groups IS 'how many nodes of which flavors it should have';
COMMENT ON COLUMN pool_detail.node_states IS 'how many nodes are in which state, where they may be seen';
COMMENT ON COLUMN pool_detail.sub_pools IS 'its sub-pools';
COMMENT ON COLUMN pool_detail.open_order IS 'what is being done to it as a whole';
COMMENT ON COLUMN pool_detail.provider IS 'who carries out what is ordered';
COMMENT ON COLUMN pool_detail.network IS 'network of its nodes';
COMMENT ON COLUMN pool_detail.cidr IS 'range of that network';
COMMENT ON COLUMN pool_detail.container_network IS 'do replicas have addresses of the network?';
COMMENT ON COLUMN pool_detail.driver IS 'version of the accelerator driver that its nodes should have; NULL: that of their image';
COMMENT ON COLUMN pool_detail.queue_policy IS 'what a job that does not fit does to those behind it';
COMMENT ON COLUMN pool_detail.placement IS 'which node a replica goes to';
COMMENT ON COLUMN pool_detail.launch IS 'do placed jobs run at once, or when an agent says so?';
COMMENT ON COLUMN pool_detail.default_time_limit IS 'time limit of jobs that state none';
COMMENT ON COLUMN pool_detail.stop_timeout IS 'how long a stopping job may hold its resources';
COMMENT ON COLUMN pool_detail.restart_timeout IS 'how long a job that was restarted after a fault may wait for resources';
COMMENT ON COLUMN pool_detail.job_order IS 'what comes first among jobs of one priority';
COMMENT ON COLUMN pool_detail.age_weight IS 'weight of a job''s age in its score';
COMMENT ON COLUMN pool_detail.fair_weight IS 'weight of the fair share of its workspace';
COMMENT ON COLUMN pool_detail.size_weight IS 'weight of what it asks for';
COMMENT ON COLUMN pool_detail.size_order IS 'which size raises the score';
COMMENT ON COLUMN pool_detail.max_age IS 'waiting so long is the age 1';
COMMENT ON COLUMN pool_detail.half_life IS 'after so long half of a usage is forgotten; NULL: nothing ever is';
COMMENT ON COLUMN pool_detail.tags IS 'tags';
COMMENT ON COLUMN pool_detail.created_at IS 'when it was made';

CREATE VIEW pool_utilization WITH (security_invoker = true) AS
SELECT p.name AS pool,
       r.name AS resource,
       quantity(n.allocated, r.name) AS allocated,
       r.quantity AS allocatable,
       round(100 * quantity(n.allocated, r.name) / r.quantity, 1) AS busy
FROM pool p,
     LATERAL node_counts(p.pool_id) n,
     LATERAL resource_each(n.allocatable) r
WHERE p.deleted_at IS NULL;
COMMENT ON VIEW pool_utilization IS
'what is allocated of each resource, summed over the nodes that the role may see and that have been available; over time: pool_usage';
COMMENT ON COLUMN pool_utilization.pool IS 'pool';
COMMENT ON COLUMN pool_utilization.resource IS 'resource';
COMMENT ON COLUMN pool_utilization.allocated IS 'what jobs hold (bytes for memory)';
COMMENT ON COLUMN pool_utilization.allocatable IS 'what jobs may hold';
COMMENT ON COLUMN pool_utilization.busy IS 'percent';

CREATE FUNCTION scheduler_stats() RETURNS TABLE (
    passes bigint, changed bigint, failed bigint, last_pass_at timestamptz, last_pass_us bigint,
    settled bigint, settle_failed bigint, last_settle_at timestamptz, last_settle_us bigint)
    AS 'MODULE_PATHNAME', 'pm_scheduler_stats' LANGUAGE C VOLATILE ROWS 1;
COMMENT ON FUNCTION scheduler_stats() IS
'what the background worker has done since the server started; no row where the library is not preloaded';

CREATE VIEW stat_scheduler WITH (security_invoker = true) AS
SELECT passes, changed, failed, last_pass_at, last_pass_us, settled, settle_failed, last_settle_at, last_settle_us
FROM scheduler_stats();
COMMENT ON VIEW stat_scheduler IS
'what the background worker has done since the server started; no row where the library is not preloaded';
COMMENT ON COLUMN stat_scheduler.passes IS 'passes it has run';
COMMENT ON COLUMN stat_scheduler.changed IS 'jobs whose state these passes changed';
COMMENT ON COLUMN stat_scheduler.failed IS 'passes that ended in an error; the log has it';
COMMENT ON COLUMN stat_scheduler.last_pass_at IS 'end of the last pass, by the real clock';
COMMENT ON COLUMN stat_scheduler.last_pass_us IS 'how long it took, in microseconds, with its commit';
COMMENT ON COLUMN stat_scheduler.settled IS 'settlements of tenants, one each time that a tenant was settled';
COMMENT ON COLUMN stat_scheduler.settle_failed IS 'settlements and checks of arrears that ended in an error; the log has it';
COMMENT ON COLUMN stat_scheduler.last_settle_at IS 'end of the last round over the tenants, by the real clock';
COMMENT ON COLUMN stat_scheduler.last_settle_us IS 'how long it took, in microseconds';

CREATE VIEW running_cost WITH (security_invoker = true) AS
SELECT t.name AS tenant,
       CASE WHEN h.run_id IS NOT NULL THEN format('job %s', h.job_id)
            WHEN h.volume_id IS NOT NULL THEN format('volume of job %s', h.job_id)
            WHEN h.node_id IS NOT NULL THEN format('node %s', n.name)
            WHEN h.address IS NOT NULL THEN format('address %s', host(h.address))
            ELSE format('bandwidth of network %s', w.name) END AS holder,
       s.name AS sku,
       trim_scale(h.quantity / 1000.0) AS quantity,
       h.since,
       greatest(0, extract(epoch FROM date_trunc('second', clock()) - h.since))::bigint + CASE WHEN r.run_id IS NULL THEN 0
           ELSE extra_seconds(x.minimum_seconds, x.quantum_seconds, extract(epoch FROM date_trunc('second', clock())
               - date_trunc('second', CASE o.kind WHEN 'public' THEN r.started_at ELSE r.placed_at END))::bigint) END AS billed_seconds,
       pr.per_hour,
       c.currency
FROM holding h
JOIN tenant t USING (tenant_id)
JOIN sku s USING (sku_id)
LEFT JOIN node n ON n.pool_id = h.pool_id AND n.node_id = h.node_id
LEFT JOIN network w ON w.network_id = h.network_id
LEFT JOIN job_run r ON r.pool_id = h.pool_id AND r.run_id = h.run_id
LEFT JOIN pool o ON o.pool_id = r.pool_id
LEFT JOIN LATERAL (
    SELECT c.currency FROM contract c WHERE c.tenant_id = h.tenant_id
    ORDER BY c.from_month <= (clock() AT TIME ZONE c.time_zone) DESC, c.from_month DESC LIMIT 1) c ON true
LEFT JOIN LATERAL (
    SELECT amount(p.tariff, h.quantity / 1000.0, 0) AS per_hour FROM price p
    WHERE p.tenant_id IN (0, h.tenant_id) AND p.sku_id = h.sku_id AND p.currency = c.currency AND p.valid @> clock()
    ORDER BY p.tenant_id DESC LIMIT 1) pr ON true
-- the price of the last second says what is added to all of a run that ended now
LEFT JOIN LATERAL (
    SELECT p.minimum_seconds, p.quantum_seconds FROM price p
    WHERE p.tenant_id IN (0, h.tenant_id) AND p.sku_id = h.sku_id AND p.currency = c.currency
      AND p.valid @> date_trunc('second', clock()) - interval '1 second'
    ORDER BY p.tenant_id DESC LIMIT 1) x ON true;
COMMENT ON VIEW running_cost IS
'what is held and billed right now, for how long, and what an hour of it costs; what it has cost is in charges(), because tiers depend on all that was used in the month. Table holding has the ids';
COMMENT ON COLUMN running_cost.tenant IS 'who pays';
COMMENT ON COLUMN running_cost.holder IS 'what holds it or is held: a job, a volume, a node of a dedicated pool, a reserved address, the bandwidth of a network';
COMMENT ON COLUMN running_cost.sku IS 'what it is billed as';
COMMENT ON COLUMN running_cost.quantity IS 'units of the SKU';
COMMENT ON COLUMN running_cost.since IS 'from when';
COMMENT ON COLUMN running_cost.billed_seconds IS 'seconds since then; of a run with those that the minimum and quantum of its price would add if it ended now';
COMMENT ON COLUMN running_cost.per_hour IS 'price of an hour that it goes on, by the tariff in force, as the first hour of its tier; NULL: no price';
COMMENT ON COLUMN running_cost.currency IS 'currency of the contract';
