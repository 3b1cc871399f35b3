-- A random walk: a thousand calls of all kinds over a small world, each of
-- which may be refused, but only for a reason that is documented. What the
-- tables say must agree all along, and nothing may be left when all has ended.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-31 00:00:00+00';
SELECT plan(15);

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'EUR', 'Asia/Kolkata');
SELECT create_sku(s, 'unit') FROM unnest(ARRAY['vm', 'slot', 'gpu', 'core', 'disk', 'ip', 'mbit']) AS s;
SELECT set_price(s, '0.5', '2026-01-01', currency => c)
FROM unnest(ARRAY['vm', 'slot', 'gpu', 'core', 'disk', 'ip', 'mbit']) AS s, unnest(ARRAY['USD', 'EUR']) AS c;
SELECT create_flavor('node', 'cpu=16,nvidia.com/gpu=4,bandwidth=100', 'vm', 'nvidia.com/gpu'),
       create_flavor('slot', 'cpu=2,nvidia.com/gpu=1', 'slot', 'nvidia.com/gpu'), create_flavor('small', 'cpu=1', 'slot');
SELECT set_resource_sku('node', 'cpu=1', 'core'), set_resource_sku('node', 'nvidia.com/gpu=1', 'gpu'),
       set_resource_sku('node', 'bandwidth=1', NULL);
SELECT create_volume_type('ssd', 'disk', 1, 100);
SELECT create_network('net', '10.0.0.0/27', 'acme', bandwidth => 300, bandwidth_sku => 'mbit', address_sku => 'ip');
SELECT attach_file_system('net', 'files');
SELECT create_pool('open', 'public'), create_pool('agents', 'public', launch => 'agent', stop_timeout => '10 minutes'),
       create_pool('own', 'dedicated', 'acme', 'net', container_network => 'eni'),
       create_pool('far', 'dedicated', 'acme', 'net', launch => 'agent', stop_timeout => '10 minutes', container_network => 'eni');
SELECT add_nodes('open', 'node', 2), add_nodes('agents', 'node', 2), add_nodes('own', 'node', 2), add_nodes('far', 'node', 2);

CREATE TEMP TABLE refused (step integer, call text, code text, message text);
CREATE TEMP TABLE wrong (step integer, rule text, what text);

CREATE FUNCTION pg_temp.pick(anyarray) RETURNS anyelement LANGUAGE sql VOLATILE AS $$
    SELECT $1[1 + floor(random() * cardinality($1))::integer]
$$;

-- The call of a step, as text
CREATE FUNCTION pg_temp.call(pool text, job bigint, state job_state, node bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    kind text := pg_temp.pick(ARRAY['training', 'inference', 'inference', 'inference', 'notebook']);
    tenant text := CASE WHEN pool IN ('own', 'far') THEN 'acme' ELSE pg_temp.pick(ARRAY['acme', 'beta']) END;
    most integer := 1 + floor(random() * 5)::integer;
    at double precision := random();
BEGIN
    IF at < 0.27 OR at < 0.86 AND job IS NULL THEN
        RETURN format('SELECT submit_job(%L, ''j'', %L, %s, replicas => %s, min_replicas => %s, tenant => %L, max_retries => %s%s%s%s%s)',
            pool, kind,
            pg_temp.pick(ARRAY['flavor => ''slot''', 'flavor => ''small''', 'request => ''cpu=1.5,nvidia.com/gpu=0.3''', 'request => ''cpu=0.5,bandwidth=30''']),
            most, least(most, 1 + floor(random() * 2)::integer), tenant, floor(random() * 3)::integer,
            CASE WHEN kind = 'notebook' AND random() < 0.7 THEN ', volume_type => ''ssd'', volume_gib => ' || most ELSE '' END,
            CASE WHEN kind <> 'training' AND random() < 0.3 THEN ', auto_stop => ''20 minutes''' WHEN random() < 0.3 THEN ', time_limit => ''30 minutes''' ELSE '' END,
            CASE WHEN pool IN ('own', 'far') THEN format(', priority => %s%s', 1 + floor(random() * 3)::integer,
                CASE WHEN random() < 0.2 THEN ', mounts => ''{"/data": "files"}''' ELSE '' END) ELSE '' END,
            CASE WHEN pool = 'own' AND random() < 0.5 THEN ', sub_pool => ' || quote_literal(pg_temp.pick(ARRAY['a', 'b'])) ELSE '' END);
    ELSIF at < 0.30 THEN
        RETURN format('SELECT count(*) FROM submit_workflow(%L, ''w'', %L, %L)', pool,
            '[{"flavor": "small", "max_retries": 1}, {"flavor": "slot", "replicas": 2}, {"request": "cpu=1"}]', tenant);
    ELSIF at < 0.42 THEN
        RETURN format('SELECT count(*) FROM schedule(%L)', pool);
    ELSIF at < 0.86 THEN
        -- mostly something that its state allows
        RETURN format(pg_temp.pick(CASE
            WHEN random() < 0.2 OR state IS NULL THEN ARRAY['SELECT cancel_job(%s)', 'SELECT stop_job(%s)', 'SELECT resume_job(%s)',
                'SELECT scale_job(%s, 2)', 'SELECT hold_job(%s)', 'SELECT release_job(%s)', 'SELECT set_priority(%s, 2)', 'SELECT requeue_job(%s)',
                'SELECT start_job(%s)', 'SELECT finish_job(%s)']
            WHEN state = 'stopped' THEN ARRAY['SELECT resume_job(%s)', 'SELECT resume_job(%s)', 'SELECT resume_job(%s)', 'SELECT cancel_job(%s)']
            WHEN state IN ('queued', 'held', 'waiting') THEN ARRAY['SELECT hold_job(%s)', 'SELECT release_job(%s)', 'SELECT release_job(%s)',
                'SELECT set_priority(%s, 2)', 'SELECT stop_job(%s)', 'SELECT cancel_job(%s)']
            WHEN state = 'starting' THEN ARRAY['SELECT start_job(%s)', 'SELECT start_job(%s)', 'SELECT start_job(%s)', 'SELECT start_job(%s)',
                'SELECT finish_job(%s, ''failed'')', 'SELECT stop_job(%s)', 'SELECT cancel_job(%s)']
            WHEN state = 'stopping' THEN ARRAY['SELECT finish_job(%s)']
            ELSE ARRAY['SELECT scale_job(%s, ' || most || ')', 'SELECT scale_job(%s, 1)', 'SELECT scale_job(%s, 2)', 'SELECT scale_job(%s, ' || most || ')', 'SELECT stop_job(%s)',
                'SELECT finish_job(%s)', 'SELECT finish_job(%s)', 'SELECT finish_job(%s, ''failed'', 1)', 'SELECT requeue_job(%s)', 'SELECT cancel_job(%s)']
            END), job);
    ELSIF at < 0.93 THEN
        RETURN format(pg_temp.pick(ARRAY['SELECT report_fault(%s)', 'SELECT repair_node(%s, true)', 'SELECT repair_node(%s, true)', 'SELECT repair_node(%s, true)', 'SELECT repair_node(%s, true)', 'SELECT repair_node(%s, true)', 'SELECT cordon_node(%s)',
            'SELECT uncordon_node(%s)', 'SELECT uncordon_node(%s)', 'SELECT uncordon_node(%s)', 'SELECT uncordon_node(%s)', 'SELECT drain_node(%s, true)', 'SELECT reboot_node(%s, true)']), node);
    END IF;
    RETURN pg_temp.pick(ARRAY['SELECT create_sub_pool(''own'', ''a'', ''cpu=8,nvidia.com/gpu=2,bandwidth=100'')',
        'SELECT create_sub_pool(''own'', ''b'', ''cpu=2'', ''cpu=12,nvidia.com/gpu=4,bandwidth=60'')',
        'SELECT delete_sub_pool(''own'', ''a'')', 'SELECT delete_sub_pool(''own'', ''b'')',
        'SELECT resize_sub_pool(''own'', ''b'', ''cpu=1'', ''cpu=6,nvidia.com/gpu=1,bandwidth=30'')',
        'SELECT set_tenant_state(''beta'', ''frozen'')', 'SELECT set_tenant_state(''beta'', ''active'')', 'SELECT set_tenant_state(''acme'', ''grace'')',
        'SELECT set_tenant_state(''acme'', ''frozen'')', 'SELECT set_tenant_state(''acme'', ''active'')', 'SELECT set_tenant_state(''acme'', ''active'')', 'SELECT set_tenant_state(''acme'', ''active'')',
        'SELECT reserve_address(''net'', ''vip'')', 'SELECT release_address(''net'', ''vip'')',
        'SELECT set_network_bandwidth(''net'', 200)', 'SELECT set_network_bandwidth(''net'', 300)', 'SELECT set_address_sku(''net'', ''ip'')', 'SELECT set_address_sku(''net'')',
        'SELECT detach_file_system(''net'', ''files'')', 'SELECT attach_file_system(''net'', ''files'')',
        'SELECT resize_pool(''far'', ''node'', 2, true)', 'SELECT resize_pool(''far'', ''node'', 3)', 'SELECT resize_pool(''own'', ''node'', 2)',
        'SELECT set_job_types(''far'', ''{training,notebook}'', true)', 'SELECT set_job_types(''far'', ''{training,notebook,inference,workflow}'')',
        'SELECT set_resource_sku(''node'', ''cpu=1'', NULL)', 'SELECT set_resource_sku(''node'', ''cpu=1'', ''core'')']);
END $$;

-- What is wrong, if anything
CREATE FUNCTION pg_temp.disagreements() RETURNS TABLE (rule text, what text) LANGUAGE sql AS $$
    SELECT 'loads', format('node %s: %s, not %s', l.node_id, l.allocated, s.allocated)
    FROM node_load l, LATERAL (SELECT coalesce(sum(a.allocated), '') AS allocated FROM allocation a
        WHERE a.pool_id = l.pool_id AND a.node_id = l.node_id AND a.released_at IS NULL) AS s
    WHERE l.allocated <> s.allocated OR NOT l.allocated <@ l.allocatable
    UNION ALL
    SELECT 'devices', format('node %s device %s: %s, not %s', l.node_id, d.no - 1, d.used, coalesce(sum(u.share), 0))
    FROM node_load l, LATERAL unnest(l.devices) WITH ORDINALITY AS d(used, no)
    LEFT JOIN LATERAL (SELECT a.device_share AS share FROM allocation a, unnest(a.devices) AS x(device)
        WHERE a.pool_id = l.pool_id AND a.node_id = l.node_id AND a.released_at IS NULL AND x.device = d.no - 1) AS u ON true
    GROUP BY l.node_id, d.no, d.used HAVING d.used <> coalesce(sum(u.share), 0) OR d.used > 1000
    UNION ALL
    SELECT 'one state', format('job %s: %s times', j.job_id, s.n)
    FROM job j, LATERAL (SELECT (j.end_state IS NOT NULL)::integer
            + (SELECT count(*) FROM job_queue q WHERE q.pool_id = j.pool_id AND q.job_id = j.job_id)
            + (SELECT count(*) FROM job_run r WHERE r.pool_id = j.pool_id AND r.job_id = j.job_id AND r.ended_at IS NULL) AS n) AS s
    WHERE s.n <> 1
    UNION ALL
    SELECT 'replicas', format('run %s: %s, not %s', r.run_id, r.replicas, s.n)
    FROM job_run r, LATERAL (SELECT coalesce(sum(a.replicas), 0) AS n FROM allocation a
        WHERE a.pool_id = r.pool_id AND a.run_id = r.run_id AND a.released_at IS NULL) AS s
    WHERE CASE WHEN r.ended_at IS NULL THEN r.replicas[1] ELSE 0 END <> s.n
    UNION ALL
    SELECT 'addresses', format('%s in use, %s counted', s.n, l.addresses)
    FROM network_load l, LATERAL (SELECT count(*) AS n FROM network_address a WHERE a.network_id = l.network_id AND a.since IS NOT NULL) AS s
    WHERE l.addresses <> s.n
    UNION ALL
    SELECT 'addresses of runs', format('run %s has %s', r.run_id, s.n)
    FROM job_run r JOIN pool p USING (pool_id), LATERAL (SELECT count(*) AS n FROM network_address a
        WHERE a.pool_id = r.pool_id AND a.run_id = r.run_id) AS s
    WHERE s.n <> CASE WHEN r.ended_at IS NULL AND p.container_network = 'eni' THEN r.replicas[1] ELSE 0 END
    UNION ALL
    SELECT 'addresses of nodes', format('node %s has %s', n.node_id, s.n)
    FROM node n JOIN pool p USING (pool_id), LATERAL (SELECT count(*) AS n FROM network_address a
        WHERE a.pool_id = n.pool_id AND a.node_id = n.node_id) AS s
    WHERE s.n <> CASE WHEN n.deleted_at IS NULL AND p.kind = 'dedicated' THEN 1 ELSE 0 END
    UNION ALL
    SELECT 'bandwidth', format('%s held, %s counted', s.n, l.bandwidth)
    FROM network_load l, LATERAL (SELECT coalesce(sum(1000 * quantity(a.allocated, 'bandwidth')), 0) AS n
        FROM pool p JOIN allocation a USING (pool_id) WHERE p.network_id = l.network_id AND a.released_at IS NULL) AS s
    WHERE l.bandwidth <> s.n OR l.bandwidth > l.bandwidth_capacity
    UNION ALL
    SELECT 'runs that hold nothing any more', format('run %s is billed', h.run_id)
    FROM holding h JOIN job_run r USING (pool_id, run_id) WHERE r.ended_at IS NOT NULL
    UNION ALL
    SELECT 'flavors are billed', format('run %s holds %s', r.run_id, s.quantity)
    FROM job_run r JOIN pool p USING (pool_id) JOIN job j USING (pool_id, job_id) JOIN task_group g USING (pool_id, shape_id),
        LATERAL (SELECT sum(h.quantity) AS quantity FROM holding h WHERE h.pool_id = r.pool_id AND h.run_id = r.run_id) AS s
    WHERE p.kind = 'public' AND r.ended_at IS NULL AND g.flavor_id IS NOT NULL
      AND s.quantity IS DISTINCT FROM CASE WHEN r.started_at IS NOT NULL THEN 1000 * r.replicas[1] END
    UNION ALL
    SELECT 'volumes', format('volume %s', v.volume_id)
    FROM volume v JOIN job j USING (pool_id, job_id)
    WHERE v.deleted_at IS DISTINCT FROM j.ended_at
       OR (v.deleted_at IS NULL) <> EXISTS (SELECT FROM holding h WHERE h.tenant_id = v.tenant_id AND h.volume_id = v.volume_id)
    UNION ALL
    SELECT 'phases', format('job %s', j.job_id)
    FROM job j JOIN job before ON before.workflow_id = j.workflow_id AND before.phase_no = j.phase_no - 1
    LEFT JOIN job_queue q ON q.pool_id = j.pool_id AND q.job_id = j.job_id
    WHERE CASE WHEN before.end_state = 'completed' THEN q.state = 'waiting'
               ELSE q.state <> 'waiting' OR q.state IS NULL AND j.end_state IS DISTINCT FROM 'cancelled' END
    UNION ALL
    SELECT 'sub-pools', format('sub-pool %s holds %s', s.name, u.used)
    FROM sub_pool s, LATERAL (SELECT coalesce(sum(a.allocated), '') AS used FROM job_run r JOIN job j USING (pool_id, job_id)
        JOIN allocation a USING (pool_id, run_id) WHERE j.sub_pool_id = s.sub_pool_id AND a.released_at IS NULL) AS u
    WHERE NOT u.used <@ s.upper
$$;

CREATE FUNCTION pg_temp.walk(steps integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    instant timestamptz := '2026-03-31 00:00:00+00';
    call text;
    job bigint;
    node bigint;
    state job_state;
    code text;
    message text;
BEGIN
    FOR step IN 1..steps LOOP
        instant := instant + interval '1.3 seconds' * floor(random() * 200);
        PERFORM set_config('pool_manager.clock', instant::text, false);
        SELECT j.job_id, j.state INTO job, state FROM (
            SELECT q.job_id, q.state FROM job_queue q UNION ALL SELECT r.job_id, r.state FROM job_run r WHERE r.ended_at IS NULL OR random() < 0.005) AS j
        ORDER BY random() * CASE j.state WHEN 'running' THEN 0.1 WHEN 'starting' THEN 0.3 ELSE 1 END LIMIT 1;
        SELECT n.node_id INTO node FROM node n WHERE n.deleted_at IS NULL ORDER BY random() LIMIT 1;
        call := pg_temp.call(pg_temp.pick(ARRAY['open', 'agents', 'own', 'far']), job, state, node);
        BEGIN
            EXECUTE call;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
            INSERT INTO refused VALUES (step, call, code, message);
        END;
        IF step IN (100, 300, 900) THEN
            ANALYZE job, job_queue, job_run, allocation, holding, usage, network_address, event, volume;
        END IF;
        IF step % 40 = 0 THEN
            PERFORM set_tenant_state('acme', 'active');
            -- phases follow with the next pass
            PERFORM count(*) FROM schedule();
            INSERT INTO wrong SELECT step, d.rule, d.what FROM pg_temp.disagreements() d;
            EXIT WHEN EXISTS (SELECT FROM wrong);
        END IF;
    END LOOP;
END $$;

SELECT setseed(0.5);
SELECT pg_temp.walk(1000);
SELECT is_empty('SELECT * FROM wrong', 'at every fortieth step all tables agree');
-- what is refused says why, in the words of the documentation
SELECT is_empty($$SELECT * FROM refused WHERE code !~ '^PM00[1-57]$' AND code NOT IN ('22023', '42704', '42710', '54000')$$,
    'no call fails for another reason than those that are documented');
SELECT ok((SELECT count(*) > 80 FROM job_run) AND (SELECT count(*) > 2 FROM event WHERE reason LIKE 'replicas %'),
    'many jobs ran, and services were scaled');
SELECT cmp_ok((SELECT count(DISTINCT to_state) FROM event WHERE kind = 'job_state'), '=', 11::bigint, 'in all states there are');

-- What was metered is what was held: of flavors in public pools by allocations,
-- of volumes by their time, both in whole seconds.
CREATE TEMP VIEW metered AS
    SELECT u.pool_id, u.run_id, u.volume_id, u.job_id, u.quantity, extract(epoch FROM u.ended_at - u.started_at) AS seconds FROM usage u
    UNION ALL
    SELECT h.pool_id, h.run_id, h.volume_id, h.job_id, h.quantity, extract(epoch FROM date_trunc('second', clock()) - h.metered_until) FROM holding h;
SELECT is_empty($$
    SELECT r.run_id, a.held, m.held FROM job_run r JOIN pool p USING (pool_id) JOIN job j USING (pool_id, job_id) JOIN task_group g USING (pool_id, shape_id)
    CROSS JOIN LATERAL (SELECT coalesce(sum(1000 * a.replicas * greatest(0, extract(epoch FROM date_trunc('second', coalesce(a.released_at, clock()))
            - date_trunc('second', greatest(a.since, r.started_at))))), 0) AS held FROM allocation a
        WHERE a.pool_id = r.pool_id AND a.run_id = r.run_id AND r.started_at IS NOT NULL) AS a
    CROSS JOIN LATERAL (SELECT coalesce(sum(m.quantity * m.seconds), 0) AS held FROM metered m WHERE m.pool_id = r.pool_id AND m.run_id = r.run_id) AS m
    WHERE p.kind = 'public' AND g.flavor_id IS NOT NULL AND a.held <> m.held$$, 'replicas are billed for the time that they were held');
SELECT is_empty($$
    SELECT v.volume_id FROM volume v CROSS JOIN LATERAL (SELECT coalesce(sum(m.quantity * m.seconds), 0) AS held FROM metered m
        WHERE m.volume_id = v.volume_id) AS m
    WHERE m.held <> 1000 * v.gib * extract(epoch FROM date_trunc('second', coalesce(v.deleted_at, clock())) - date_trunc('second', v.created_at))$$,
    'volumes from submission to the end of their notebooks');
SELECT is_empty($$SELECT r.run_id FROM job_run r JOIN pool p USING (pool_id) JOIN metered m USING (pool_id, run_id)
    WHERE p.kind = 'public' AND r.started_at IS NULL$$, 'what never began to run is not billed');
SELECT is_empty($$SELECT u.usage_id FROM usage u JOIN job j USING (pool_id, job_id) WHERE j.ended_at < u.ended_at$$, 'nothing beyond the end of its job');
SELECT is_empty($$SELECT * FROM charges(NULL::bigint, '2026-03-01', '2026-05-01') c WHERE c.amount IS NULL OR c.amount < 0 OR c.amount IN ('NaN', 'Infinity')$$,
    'charges are numbers');
SELECT cmp_ok((SELECT count(DISTINCT date_trunc('month', started_at)) FROM usage), '>=', 2::bigint, 'of more than a month');
SELECT is_empty($$SELECT e.event_id FROM event e JOIN event f ON f.job_id = e.job_id AND f.kind = e.kind AND f.event_id > e.event_id
    WHERE e.kind = 'job_state' AND f.at < e.at$$, 'events of a job are in order of time');
SELECT is_empty($$SELECT * FROM (SELECT e.job_id, e.from_state, lag(e.to_state) OVER (PARTITION BY e.job_id ORDER BY e.event_id) AS was
    FROM event e WHERE e.kind = 'job_state') AS s WHERE s.from_state IS DISTINCT FROM s.was$$, 'and each change begins where the one before ended');

-- The end of all
SELECT set_tenant_state('acme', 'active'), set_tenant_state('beta', 'active');
SELECT set_config('pool_manager.clock', (clock() + interval '1 day')::text, false);
CREATE FUNCTION pg_temp.end_all() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    it record;
BEGIN
    FOR it IN SELECT s.job_id, r.state FROM job s LEFT JOIN job_run r ON r.pool_id = s.pool_id AND r.job_id = s.job_id AND r.ended_at IS NULL
              WHERE s.end_state IS NULL ORDER BY s.job_id LOOP
        -- a phase ends with the one before it
        CONTINUE WHEN (SELECT end_state IS NOT NULL FROM job WHERE job_id = it.job_id);
        IF it.state = 'stopping' OR cancel_job(it.job_id) = 'stopping' THEN
            PERFORM finish_job(it.job_id);
        END IF;
    END LOOP;
END $$;
SELECT pg_temp.end_all();
SELECT pg_temp.end_all();
SELECT count(*) FROM schedule();
SELECT is_empty($$SELECT job_id FROM job WHERE end_state IS NULL$$, 'every job can be ended');
SELECT is_empty($$SELECT FROM node_load WHERE allocated <> '' OR 0 <> ALL (devices) UNION ALL SELECT FROM network_load WHERE bandwidth <> 0
    UNION ALL SELECT FROM holding WHERE job_id IS NOT NULL UNION ALL SELECT FROM network_address WHERE run_id IS NOT NULL$$, 'then nothing is held');
SELECT is_empty('SELECT * FROM pg_temp.disagreements()', 'and all tables agree');

SELECT * FROM finish();
ROLLBACK;
