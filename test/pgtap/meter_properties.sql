-- What is held against what is metered: random lives of jobs, services, nodes,
-- pools, volumes, networks and addresses in three time zones, beside a book of
-- the test's own. After each call it looks at the tables of jobs, nodes, volumes
-- and networks, never at holdings, and notes what each tenant has now; in the end
-- usage, counters and amounts must be what that comes to, second by second.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-02-26 11:00:00.4+00';
SELECT plan(16);
\ir include/midnight.sql

--
-- The world
--
SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'EUR', 'Asia/Kolkata'),
       create_tenant('howe', 'USD', 'Australia/Lord_Howe'), create_workspace('acme', 'lab'), create_workspace('beta', 'lab') \g /dev/null
SELECT set_contract('acme', '2026-04-01', 'USD', 'America/New_York') \g /dev/null
SELECT create_sku(s, 'unit') FROM unnest('{vm,vm2,slot,gpu,core,tenth,ssd,hdd,ip,ip2,mbit,meter}'::text[]) AS s \g /dev/null
SELECT create_sku('call', 'call', per => 'once') \g /dev/null
SELECT create_flavor('big', 'cpu=16,nvidia.com/gpu=4,bandwidth=100', 'vm', 'nvidia.com/gpu'), create_flavor('thin', 'cpu=12', 'vm2'),
       create_flavor('slot', 'cpu=2,nvidia.com/gpu=1', 'slot', 'nvidia.com/gpu'), create_flavor('small', 'cpu=1', 'slot'),
       set_resource_sku('big', 'cpu=1', 'core'), set_resource_sku('big', 'nvidia.com/gpu=1', 'gpu'), set_resource_sku('big', 'bandwidth=1', NULL),
       -- 1.5 cores by the seventh of a core are 10.5, and half a GPU's thousandth is one
       set_resource_sku('thin', 'cpu=143m', 'tenth') \g /dev/null
SELECT create_volume_type('SSD', 'ssd', 1, 100), create_volume_type('HDD', 'hdd', 1, 100), create_volume_type('free', NULL, 1, 100) \g /dev/null
SELECT create_network('net', '10.0.0.0/25', 'acme', bandwidth => 300, bandwidth_sku => 'mbit', address_sku => 'ip'),
       create_network('far', '10.1.0.0/25', 'beta', provider => 'external', bandwidth => 200, bandwidth_sku => 'mbit', address_sku => 'ip', workspace => 'lab'),
       network_ready('far'), attach_file_system('net', 'files'), create_network('odd', '10.2.0.0/25', 'acme', address_sku => 'ip2') \g /dev/null
SELECT create_pool('open', 'public', queue_policy => 'traversal'), create_pool('agents', 'public', launch => 'agent', queue_policy => 'traversal'),
       create_pool('own', 'dedicated', 'acme', 'net', container_network => 'eni', queue_policy => 'traversal'),
       create_pool('twin', 'dedicated', 'acme', 'odd', container_network => 'eni', launch => 'agent', queue_policy => 'traversal'),
       create_pool('far', 'dedicated', 'beta', 'far', provider => 'external') \g /dev/null
SELECT create_node_group('own', 'thin', disk_count => 2, disk_gib => 5, disk_type => 'HDD') \g /dev/null
SELECT add_nodes('open', 'big', 2), add_nodes('agents', 'big', 2), add_nodes('agents', 'thin'), add_nodes('own', 'big', 2), add_nodes('twin', 'big'),
       add_nodes('far', 'thin', 2) \g /dev/null

--
-- What each tenant has, by the tables that say what is there
--
-- as what it was handed out, or made: later changes are for those that come later
CREATE TEMP TABLE handed_out (network_id bigint, address inet, since timestamptz, holder text, sku_id bigint,
    PRIMARY KEY (network_id, address, since, holder));
CREATE TEMP TABLE in_service (network_id bigint PRIMARY KEY);
CREATE FUNCTION pg_temp.look() RETURNS void LANGUAGE sql AS $$
    INSERT INTO pg_temp.handed_out
    SELECT a.network_id, a.address, a.since, concat_ws(' ', a.node_id, a.run_id, a.name), n.address_sku_id
    FROM network_address a JOIN network n USING (network_id) WHERE a.since IS NOT NULL
    ON CONFLICT DO NOTHING;
    -- what is out of order goes on being billed, but does not begin to be
    INSERT INTO pg_temp.in_service SELECT network_id FROM network WHERE state = 'active' ON CONFLICT DO NOTHING;
    DELETE FROM pg_temp.in_service i USING network n WHERE n.network_id = i.network_id AND n.state <> 'active' AND n.bandwidth_sku_id IS NULL;
$$;
CREATE TEMP VIEW address AS
SELECT a.network_id, a.address, a.tenant_id, a.pool_id, a.node_id, a.run_id, a.name, h.sku_id FROM network_address a
JOIN handed_out h ON (h.network_id, h.address, h.since, h.holder) = (a.network_id, a.address, a.since, concat_ws(' ', a.node_id, a.run_id, a.name));

CREATE TEMP VIEW had AS
-- replicas of a flavor
SELECT 'run ' || r.run_id AS thing, r.tenant_id, j.workspace_id, f.sku_id, 1000::bigint * a.replicas AS quantity
FROM job_run r JOIN pool p USING (pool_id) JOIN job j USING (pool_id, job_id) JOIN allocation a USING (pool_id, run_id)
JOIN task_group g ON g.pool_id = j.pool_id AND g.shape_id = j.shape_id AND g.group_no = a.group_no JOIN flavor f USING (flavor_id)
WHERE p.kind = 'public' AND r.ended_at IS NULL AND r.started_at IS NOT NULL AND a.released_at IS NULL
UNION ALL
-- resources of a bare request, by the node
SELECT 'run ' || r.run_id, r.tenant_id, j.workspace_id, s.sku_id,
       greatest(1, floor(1000 * quantity(g.request, s.resource) / quantity(s.unit, s.resource) + 0.5))::bigint * a.replicas
FROM job_run r JOIN pool p USING (pool_id) JOIN job j USING (pool_id, job_id) JOIN allocation a USING (pool_id, run_id)
JOIN task_group g ON g.pool_id = j.pool_id AND g.shape_id = j.shape_id AND g.group_no = a.group_no
JOIN node n ON n.pool_id = a.pool_id AND n.node_id = a.node_id JOIN flavor_resource_sku s ON s.flavor_id = n.flavor_id
WHERE p.kind = 'public' AND r.ended_at IS NULL AND r.started_at IS NOT NULL AND a.released_at IS NULL
  AND g.flavor_id IS NULL AND s.sku_id IS NOT NULL AND quantity(g.request, s.resource) > 0
UNION ALL
-- nodes, while their tenant is not frozen; their disks and addresses always
SELECT 'node ' || n.node_id, n.tenant_id, p.workspace_id, h.sku_id, h.quantity
FROM node n JOIN pool p USING (pool_id) JOIN tenant t ON t.tenant_id = n.tenant_id JOIN flavor f USING (flavor_id) JOIN node_load l USING (pool_id, node_id)
LEFT JOIN address a ON a.pool_id = n.pool_id AND a.node_id = n.node_id,
LATERAL (VALUES (CASE WHEN t.state <> 'frozen' THEN f.sku_id END, 1000::bigint),
                ((SELECT sku_id FROM sku WHERE name = 'hdd'), (quantity(l.allocatable, 'storage') / 1073741.824)::bigint),
                (a.sku_id, 1000)) AS h(sku_id, quantity)
WHERE p.kind = 'dedicated' AND n.available_at IS NOT NULL AND n.deleted_at IS NULL
UNION ALL
SELECT 'run ' || a.run_id, a.tenant_id, j.workspace_id, a.sku_id, 1000
FROM address a JOIN job_run r USING (pool_id, run_id) JOIN job j USING (pool_id, job_id)
UNION ALL
SELECT 'volume ' || v.volume_id, v.tenant_id, j.workspace_id, y.sku_id, 1000 * v.gib
FROM volume v JOIN volume_type y USING (volume_type) JOIN job j USING (pool_id, job_id) WHERE v.deleted_at IS NULL
UNION ALL
SELECT 'network ' || network_id, n.tenant_id, n.workspace_id, n.bandwidth_sku_id, 1000 * n.bandwidth FROM network n JOIN in_service USING (network_id)
UNION ALL
SELECT 'network ' || network_id, n.tenant_id, n.workspace_id, a.sku_id, 1000 FROM address a JOIN network n USING (network_id) WHERE a.name IS NOT NULL;

-- The book: what is had now and since when, what was had, what meters told and
-- what was corrected (negative: taken back), and how long runs took
CREATE TEMP TABLE seen (thing text, tenant_id bigint, workspace_id bigint, sku_id bigint, quantity bigint);
CREATE TEMP TABLE now_had (thing text, tenant_id bigint, workspace_id bigint, sku_id bigint, quantity bigint, since timestamptz);
CREATE TEMP TABLE book (thing text, tenant_id bigint, workspace_id bigint, sku_id bigint, quantity bigint, since timestamptz, until timestamptz);
CREATE TEMP TABLE took (tenant_id bigint, sku_id bigint, quantity bigint, ended timestamptz, seconds bigint);
CREATE TEMP TABLE tag (tag serial, tenant_id bigint, currency text, sku text, valid_from timestamptz, price numeric, minimum integer, quantum integer, price_id bigint);
CREATE TEMP TABLE refused (step integer, call text, code text, message text);
CREATE TEMP TABLE wrong (step integer, call text, what text);

CREATE FUNCTION pg_temp.note() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    second constant timestamptz := date_trunc('second', clock());
BEGIN
    PERFORM pg_temp.look();
    DELETE FROM pg_temp.seen;
    INSERT INTO pg_temp.seen
        SELECT thing, tenant_id, workspace_id, sku_id, sum(quantity)::bigint AS quantity FROM pg_temp.had
        WHERE sku_id IS NOT NULL AND quantity > 0 GROUP BY 1, 2, 3, 4;
    -- how long a run took that has ended, with what it held then
    INSERT INTO pg_temp.took
    SELECT n.tenant_id, n.sku_id, n.quantity, second, extract(epoch FROM second - date_trunc('second', CASE p.kind WHEN 'public' THEN r.started_at ELSE r.placed_at END))
    FROM pg_temp.now_had n JOIN job_run r ON r.run_id = substr(n.thing, 5)::bigint JOIN pool p USING (pool_id)
    WHERE n.thing LIKE 'run %' AND r.ended_at = clock();
    DELETE FROM pg_temp.took WHERE seconds = 0;
    WITH over AS (
        DELETE FROM pg_temp.now_had n WHERE NOT EXISTS (
            SELECT FROM pg_temp.seen s WHERE (s.thing, s.tenant_id, s.workspace_id, s.sku_id, s.quantity) = (n.thing, n.tenant_id, n.workspace_id, n.sku_id, n.quantity))
        RETURNING *)
    INSERT INTO pg_temp.book SELECT o.*, second FROM over o WHERE o.since < second;
    INSERT INTO pg_temp.now_had
    SELECT s.*, second FROM pg_temp.seen s WHERE NOT EXISTS (
        SELECT FROM pg_temp.now_had n WHERE (s.thing, s.tenant_id, s.workspace_id, s.sku_id, s.quantity) = (n.thing, n.tenant_id, n.workspace_id, n.sku_id, n.quantity));
END $$;
-- how the book calls what usage and holdings are of
CREATE FUNCTION pg_temp.thing(run bigint, node bigint, volume bigint, network bigint) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce('run ' || run, 'node ' || node, 'volume ' || volume, 'network ' || network, 'meter')
$$;
CREATE TEMP VIEW held AS
SELECT pg_temp.thing(run_id, node_id, volume_id, network_id) AS thing, tenant_id, workspace_id, sku_id, sum(quantity)::bigint AS quantity
FROM holding GROUP BY 1, 2, 3, 4;

--
-- A life
--
-- the months of each tenant, by its contracts
CREATE TEMP TABLE month AS
SELECT c.tenant_id, c.currency, greatest(m.b, c.starts) AS starts, least(m.e, c.ends) AS ends
FROM (SELECT tenant_id, currency, time_zone, pg_temp.midnight(from_month, time_zone) AS starts,
             coalesce(lead(pg_temp.midnight(from_month, time_zone)) OVER (PARTITION BY tenant_id ORDER BY from_month), 'infinity') AS ends FROM contract) AS c,
     generate_series(date '2025-11-01', '2026-08-01', '1 month') AS d,
     LATERAL (SELECT pg_temp.midnight(d::date, c.time_zone) AS b, pg_temp.midnight((d + interval '1 month')::date, c.time_zone) AS e) AS m
WHERE m.b < c.ends AND m.e > c.starts;

CREATE FUNCTION pg_temp.pick(anyarray) RETURNS anyelement LANGUAGE sql VOLATILE AS $$
    SELECT $1[1 + floor(random() * cardinality($1))::integer]
$$;
CREATE FUNCTION pg_temp.job_call(job bigint, state job_state, most integer) RETURNS text LANGUAGE sql AS $$
    SELECT format(pg_temp.pick(CASE
        WHEN state IS NULL THEN '{SELECT cancel_job(%s)}'
        WHEN state = 'stopped' THEN '{SELECT resume_job(%s),SELECT resume_job(%s),SELECT cancel_job(%s)}'
        WHEN state IN ('queued', 'held', 'waiting') THEN '{SELECT hold_job(%s),SELECT release_job(%s),SELECT release_job(%s),SELECT stop_job(%s),SELECT cancel_job(%s)}'
        WHEN state = 'starting' THEN ARRAY['SELECT start_job(%s)', 'SELECT start_job(%s)', 'SELECT start_job(%s)', 'SELECT finish_job(%s, ''failed'')', 'SELECT cancel_job(%s)']
        WHEN state = 'stopping' THEN '{SELECT finish_job(%s)}'
        ELSE ARRAY['SELECT scale_job(%s, ' || most || ')', 'SELECT scale_job(%s, 1)', 'SELECT scale_job(%s, ' || most || ')', 'SELECT scale_job(%s, 2)',
            'SELECT stop_job(%s)', 'SELECT finish_job(%s)', 'SELECT finish_job(%s, ''failed'', 1)', 'SELECT requeue_job(%s)', 'SELECT cancel_job(%s)',
            -- right where it is settled
            'SELECT settle(tenant_id), finish_job(job_id) FROM job WHERE job_id = %s', 'SELECT settle(tenant_id), scale_job(job_id, 2) FROM job WHERE job_id = %s']
        END::text[]), job)
$$;
CREATE FUNCTION pg_temp.submit_call(pool text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    kind text := pg_temp.pick('{training,training,inference,inference,notebook}'::text[]);
    most integer := CASE kind WHEN 'notebook' THEN 1 ELSE 1 + floor(random() * 6)::integer END;
    acme boolean := pool IN ('own', 'twin', 'brief');
    tenant text := CASE WHEN acme THEN 'acme' WHEN pool = 'far' THEN 'beta' ELSE pg_temp.pick('{acme,beta,howe}'::text[]) END;
BEGIN
    IF random() < 0.1 THEN
        RETURN format('SELECT submit_job(%L, ''j'', tenant => %L, max_retries => 1, task_groups => %L)', pool, tenant,
            '[{"flavor": "small"}, {"request": "cpu=1.5", "replicas": 4, "min_replicas": 1}, {"flavor": "slot", "replicas": 2, "min_replicas": 1}]');
    END IF;
    RETURN format('SELECT submit_job(%L, ''j'', %L, %s, replicas => %s, min_replicas => %s, tenant => %L, max_retries => %s%s%s%s%s)', pool, kind,
        pg_temp.pick(ARRAY['flavor => ''slot''', 'flavor => ''small''', 'request => ''cpu=1.5''', 'request => ''cpu=1,nvidia.com/gpu=0.33''',
            'request => ''cpu=1m,bandwidth=30''', 'request => ''cpu=2501m''']),
        most, least(most, 1 + floor(random() * 2)::integer), tenant, floor(random() * 3)::integer,
        CASE WHEN kind = 'notebook' AND random() < 0.8 THEN format(', volume_type => %L, volume_gib => %s', pg_temp.pick('{SSD,HDD,free}'::text[]), 1 + floor(random() * 50)) ELSE '' END,
        CASE WHEN kind <> 'training' AND random() < 0.2 THEN ', auto_stop => ''40 minutes''' WHEN random() < 0.2 THEN ', time_limit => ''90 minutes''' ELSE '' END,
        CASE WHEN tenant IN ('acme', 'beta') AND random() < 0.3 THEN ', workspace => ''lab''' ELSE '' END,
        CASE WHEN acme THEN format(', priority => %s, preemptible => %s%s', 1 + floor(random() * 3)::integer, (random() < 0.7)::text,
            CASE WHEN pool = 'own' AND random() < 0.1 THEN ', mounts => ''{"/data": "files"}''' ELSE '' END) ELSE '' END);
END $$;
CREATE FUNCTION pg_temp.node_call(node bigint) RETURNS text LANGUAGE sql AS $$
    SELECT format(pg_temp.pick('{report_fault(%s),report_fault(%s),repair_node(%s; true),repair_node(%s; true),repair_node(%s; true),cordon_node(%s),uncordon_node(%s),uncordon_node(%s),
        drain_node(%s; true),reboot_node(%s; true),replace_node(%s; true),replace_node(%s),delete_node(%s; true),lock_node(%s),unlock_node(%s),unlock_node(%s),set_spare(%s),set_spare(%s; false),
        migrate_node(%s; (SELECT pool_id FROM pool WHERE name = ''twin'')),migrate_node(%s; (SELECT pool_id FROM pool WHERE name = ''own''))}'::text[]), node)
$$;
CREATE FUNCTION pg_temp.owner_call() RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.pick(ARRAY[
        'add_nodes(''own'', ''big'')', 'add_nodes(''own'', ''thin'')', 'add_nodes(''far'', ''thin'')', 'add_nodes(''twin'', ''thin'')',
        'resize_pool(''own'', ''big'', 2)', 'resize_pool(''own'', ''big'', 3; true)', 'resize_pool(''own'', ''thin'', 1; true)', 'resize_pool(''far'', ''thin'', 3)',
        'resize_pool(''far'', ''thin'', 2; true)', 'resize_pool(''twin'', ''big'', 1; true)',
        'set_node_group(''own'', ''thin''; disk_count => 1; disk_gib => 7; disk_type => ''HDD'')', 'set_node_group(''own'', ''thin''; disk_count => 0)',
        'set_pool_workspace(''own'', ''lab'')', 'set_pool_workspace(''own'', ''default'')', 'set_pool_workspace(''far'', ''lab'')', 'set_pool_workspace(''far'', ''default'')',
        'set_tenant_state(''acme'', ''frozen'')', 'set_tenant_state(''acme'', ''active'')', 'set_tenant_state(''acme'', ''active'')', 'set_tenant_state(''acme'', ''active'')',
        'set_tenant_state(''beta'', ''frozen'')', 'set_tenant_state(''beta'', ''grace'')', 'set_tenant_state(''beta'', ''active'')', 'set_tenant_state(''beta'', ''active'')',
        'set_tenant_state(''howe'', ''frozen'')', 'set_tenant_state(''howe'', ''active'')', 'set_tenant_state(''howe'', ''active'')',
        'create_pool(''brief'', ''dedicated'', ''acme'', ''odd''; container_network => ''eni''; nodes => ''{"thin": 2, "big": 1}'')',
        'create_pool(''brief'', ''dedicated'', ''acme'', ''net''; nodes => ''{"big": 1}'')', 'delete_pool(''brief''; true)', 'delete_pool(''brief'')',
        'reserve_address(''net'', ''vip'')', 'release_address(''net'', ''vip'')', 'reserve_address(''net'', ''two'')', 'release_address(''net'', ''two'')',
        'reserve_address(''far'', ''vip'')', 'release_address(''far'', ''vip'')', 'set_network_bandwidth(''net'', 250)', 'set_network_bandwidth(''net'', 300)',
        'set_network_bandwidth(''net'', 300; ''mbit'')', 'set_network_bandwidth(''net'')', 'set_network_bandwidth(''far'', 100; ''mbit'')', 'set_network_bandwidth(''far'')',
        'network_failed(''far'', ''cable'')', 'network_ready(''far'')', 'detach_file_system(''net'', ''files'')', 'attach_file_system(''net'', ''files'')',
        'create_network(''more'', ''10.3.0.0/28'', ''howe''; bandwidth => 10; bandwidth_sku => ''mbit'')', 'delete_network(''more'')',
        'set_address_sku(''net'', ''ip'')', 'set_address_sku(''net'', ''ip2'')', 'set_address_sku(''odd'')', 'set_address_sku(''odd'', ''ip2'')'])
$$;
-- a call that an agent of an external provider would make
CREATE FUNCTION pg_temp.agent_call() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT call FROM (
        SELECT format('SELECT node_ready(%s)', node_id) AS call FROM node JOIN pool USING (pool_id) WHERE provider = 'external' AND node.state = 'creating'
        UNION ALL
        SELECT format(CASE WHEN random() < 0.9 THEN 'SELECT task_done(%s)' ELSE 'SELECT task_failed(%s, ''no answer'')' END, task_id)
        FROM node_task t JOIN pool USING (pool_id) WHERE provider = 'external' AND t.state = 'running' ORDER BY 1 OFFSET 0) AS c ORDER BY random() LIMIT 1), 'SELECT count(*) FROM schedule()')
$$;

-- Those whose result the book needs are made here; they return what they did
CREATE FUNCTION pg_temp.meter() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    who tenant;
    r constant double precision := random();
    told constant text := pg_temp.pick('{meter,meter,core,call}'::text[]);
    t1 timestamptz := date_trunc('second', clock()) - floor(power(random(), 3) * 3000000) * interval '1 second';
    t0 timestamptz := t1 - CASE told WHEN 'call' THEN 1 ELSE 1 + floor(power(random(), 4) * 3000000) END * interval '1 second';
    q bigint := 1 + floor(random() * 5000);
BEGIN
    SELECT * INTO who FROM tenant WHERE tenant_id = 1 + floor(r * 3);
    PERFORM record_usage(who.name, told, q / 1000.0, t0, t1, 'meter', md5(random()::text));
    INSERT INTO pg_temp.book SELECT 'meter', who.tenant_id, NULL, s.sku_id, q, t0, t1 FROM sku s WHERE s.name = told;
    RETURN 'record_usage';
END $$;
CREATE FUNCTION pg_temp.correct() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    u usage;
    q bigint;
    t0 timestamptz;
    t1 timestamptz;
    thing text;
    once boolean;
BEGIN
    SELECT x.* INTO u FROM (SELECT * FROM usage ORDER BY usage_id OFFSET 0) AS x WHERE x.corrects IS NULL AND NOT EXISTS (SELECT FROM usage y WHERE y.tenant_id = x.tenant_id AND y.corrects = x.usage_id)
    ORDER BY random() LIMIT 1;
    IF NOT FOUND THEN
        RETURN 'nothing to correct';
    END IF;
    once := EXISTS (SELECT FROM sku s WHERE s.sku_id = u.sku_id AND s.per = 'once');
    q := CASE WHEN random() < 0.3 THEN 0 WHEN random() < 0.4 THEN u.quantity ELSE u.quantity + 1 + floor(random() * 900) END;
    t0 := u.started_at;
    t1 := u.ended_at;
    IF q > 0 AND NOT once AND (q = u.quantity OR random() < 0.5) AND u.ended_at > u.started_at THEN
        t0 := t0 - floor(power(random(), 6) * 2000000) * interval '1 second';
        t1 := least(t1 + floor(power(random(), 4) * 1000) * interval '1 second', date_trunc('second', clock()));
    END IF;
    PERFORM correct_usage(u.usage_id, 'wrong', q / 1000.0, nullif(t0, u.started_at), nullif(t1, u.ended_at));
    thing := pg_temp.thing(u.run_id, u.node_id, u.volume_id, u.network_id);
    INSERT INTO pg_temp.book VALUES (thing, u.tenant_id, u.workspace_id, u.sku_id, -u.quantity, u.started_at, u.ended_at), (thing, u.tenant_id, u.workspace_id, u.sku_id, q, t0, t1);
    INSERT INTO pg_temp.took SELECT u.tenant_id, u.sku_id, -u.quantity, u.ended_at, u.run_seconds WHERE u.run_seconds > 0;
    INSERT INTO pg_temp.took
    SELECT u.tenant_id, u.sku_id, q, t1, u.run_seconds + extract(epoch FROM (t1 - t0) - (u.ended_at - u.started_at)) WHERE u.run_seconds > 0 AND q > 0;
    RETURN 'correct_usage';
END $$;
CREATE FUNCTION pg_temp.price(at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    t record;
    tag integer := nextval('pg_temp.tag_tag_seq');
    id bigint;
BEGIN
    SELECT CASE WHEN random() < 0.3 THEN 1 END AS tenant, pg_temp.pick('{USD,EUR}'::text[]) AS currency, s.name AS sku, round(random()::numeric * 9, 4) AS price,
           CASE WHEN s.name = 'slot' THEN pg_temp.pick('{NULL,60,3600}'::integer[]) END AS minimum,
           CASE WHEN s.name = 'slot' THEN pg_temp.pick('{NULL,60,900}'::integer[]) END AS quantum
    INTO t FROM sku s WHERE s.sku_id = (SELECT 1 + floor(random() * count(*))::bigint FROM sku);
    IF t.tenant IS NOT NULL THEN
        t.currency := 'USD';
    END IF;
    id := set_price(t.sku, t.price::text::tariff, at, t.tenant, CASE WHEN t.tenant IS NULL THEN t.currency END, 'agreed', t.minimum, t.quantum);
    INSERT INTO pg_temp.tag VALUES (tag, t.tenant, t.currency, t.sku, date_trunc('second', at), t.price, t.minimum, t.quantum, id);
    RETURN 'set_price';
END $$;
CREATE FUNCTION pg_temp.bill() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    b record;
BEGIN
    FOR b IN SELECT p.tenant_id, date_trunc('month', p.period_start AT TIME ZONE t.time_zone + interval '2 hours')::date AS month
             FROM billing_period p, billing_terms(p.tenant_id) t
             WHERE p.period_start >= t.starts_at AND p.period_start < t.ends_at AND p.state <> 'closed' AND p.period_end <= clock() AND random() < 0.7
             ORDER BY p.period_start, p.tenant_id LIMIT 1 LOOP
        PERFORM issue_bill(b.tenant_id, b.month);
    END LOOP;
    RETURN 'issue_bill';
END $$;
CREATE FUNCTION pg_temp.settle() RETURNS text LANGUAGE sql AS $$
    SELECT 'settle ' || settle(tenant_id, CASE WHEN random() < 0.5 THEN clock() - random() * interval '40 minutes' END)
    FROM (SELECT 1 + floor(random() * 3)::bigint AS tenant_id OFFSET 0) AS t
$$;

CREATE FUNCTION pg_temp.call() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    at double precision := random();
    pool text := pg_temp.pick('{open,agents,own,twin,far,open,agents,own,brief}'::text[]);
    job record;
    node bigint;
    call text;
BEGIN
    -- neither frozen tenants nor broken nodes last
    IF random() < 0.06 THEN
        SELECT format('SELECT set_tenant_state(%L, ''active'')', name) INTO call FROM tenant WHERE state = 'frozen' ORDER BY tenant_id LIMIT 1;
    ELSIF random() < 0.04 THEN
        SELECT format('SELECT repair_node(%s, true)', node_id) INTO call FROM node WHERE state = 'abnormal' AND deleted_at IS NULL ORDER BY node_id LIMIT 1;
    END IF;
    IF call IS NOT NULL THEN
        RETURN call;
    ELSIF at < 0.24 THEN
        RETURN pg_temp.submit_call(pool);
    ELSIF at < 0.38 THEN
        RETURN format('SELECT count(*) FROM schedule(%s)', pg_temp.pick(ARRAY['', quote_literal(pool)]));
    ELSIF at < 0.62 THEN
        SELECT j.* INTO job FROM (
            SELECT q.job_id, q.state FROM job_queue q UNION ALL SELECT r.job_id, r.state FROM job_run r WHERE r.ended_at IS NULL ORDER BY 1 OFFSET 0) AS j
        ORDER BY random() LIMIT 1;
        RETURN pg_temp.job_call(coalesce(job.job_id, 0), job.state, 1 + floor(random() * 6)::integer);
    ELSIF at < 0.71 THEN
        SELECT n.node_id INTO node FROM (SELECT * FROM node WHERE deleted_at IS NULL ORDER BY node_id OFFSET 0) AS n ORDER BY random() LIMIT 1;
        RETURN 'SELECT ' || replace(pg_temp.node_call(node), ';', ',');
    ELSIF at < 0.80 THEN
        RETURN 'SELECT ' || replace(pg_temp.owner_call(), ';', ',');
    ELSIF at < 0.85 THEN
        RETURN pg_temp.agent_call();
    END IF;
    RETURN pg_temp.pick(ARRAY['SELECT pg_temp.settle()', 'SELECT pg_temp.settle()', 'SELECT pg_temp.settle()', 'SELECT pg_temp.meter()', 'SELECT pg_temp.correct()',
        'SELECT pg_temp.bill()', format('SELECT pg_temp.price(clock() + (%s - 0.6) * interval ''20 days'')', random())]);
END $$;

CREATE FUNCTION pg_temp.live(seed double precision, steps integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    instant timestamptz := clock();
    call text;
    code text;
    message text;
    last bigint := 0;
BEGIN
    PERFORM setseed(seed);
    PERFORM pg_temp.note();
    FOR step IN 1..steps LOOP
        instant := instant + interval '0.1 second' * floor(CASE WHEN random() < 0.12 THEN 0 WHEN random() < 0.4 THEN 40 * random() WHEN random() < 0.75 THEN 50000 * random() ELSE 900000 * random() END);
        PERFORM set_config('pool_manager.clock', instant::text, false);
        call := pg_temp.call();
        BEGIN
            EXECUTE call;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
            INSERT INTO pg_temp.refused VALUES (step, call, code, message);
            CONTINUE;
        END;
        PERFORM pg_temp.note();
        INSERT INTO pg_temp.wrong
        SELECT step, call, d::text FROM (
            SELECT 'had and not held' AS what, x.* FROM (SELECT thing, tenant_id, workspace_id, sku_id, quantity FROM pg_temp.now_had EXCEPT SELECT * FROM pg_temp.held) AS x
            UNION ALL
            SELECT 'held and not had', y.* FROM (SELECT * FROM pg_temp.held EXCEPT SELECT thing, tenant_id, workspace_id, sku_id, quantity FROM pg_temp.now_had) AS y) AS d;
        EXIT WHEN FOUND;
        IF step IN (60, 250) THEN
            ANALYZE job, job_queue, job_run, allocation, holding, usage, network_address, event, volume, node, charge, unrated;
        END IF;
    END LOOP;
END $$;

--
-- What it comes to
--
CREATE FUNCTION pg_temp.disagreements() RETURNS TABLE (rule text, found text) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_temp.book SELECT n.*, date_trunc('second', clock()) FROM pg_temp.now_had n WHERE n.since < date_trunc('second', clock());
    PERFORM settle(tenant_id) FROM tenant WHERE tenant_id > 0 ORDER BY tenant_id;
    PERFORM settle(tenant_id) FROM tenant WHERE tenant_id > 0 ORDER BY tenant_id;
    -- all at every second: each is the sum of what it changed by
    RETURN QUERY
    WITH ours AS (
        SELECT b.thing, b.tenant_id, b.workspace_id, b.sku_id, c.at, sum(c.change)::bigint AS change
        FROM pg_temp.book b, LATERAL (VALUES (b.since, b.quantity), (b.until, -b.quantity)) AS c(at, change) GROUP BY 1, 2, 3, 4, 5 HAVING sum(c.change) <> 0),
    theirs AS (
        SELECT pg_temp.thing(u.run_id, u.node_id, u.volume_id, u.network_id), u.tenant_id, u.workspace_id, u.sku_id, c.at, sum(c.change)::bigint
        FROM usage u, LATERAL (VALUES (u.started_at, u.quantity), (u.ended_at, -u.quantity)) AS c(at, change) GROUP BY 1, 2, 3, 4, 5 HAVING sum(c.change) <> 0)
    SELECT 'what was used', d::text FROM (
        SELECT 'had' AS what, x.* FROM (SELECT * FROM ours EXCEPT SELECT * FROM theirs) AS x
        UNION ALL SELECT 'metered', y.* FROM (SELECT * FROM theirs EXCEPT SELECT * FROM ours) AS y) AS d;
    RETURN QUERY
    SELECT 'how long runs took', d::text FROM (
        SELECT coalesce(t, u) AS t, t.n AS ours, u.n AS theirs
        FROM (SELECT tenant_id, sku_id, quantity, ended, seconds, count(*) AS n FROM pg_temp.took GROUP BY 1, 2, 3, 4, 5) AS t
        FULL JOIN (SELECT x.tenant_id, x.sku_id, x.quantity, x.ended_at AS ended, x.run_seconds AS seconds, count(*) AS n FROM usage x
                   WHERE x.run_seconds IS NOT NULL GROUP BY 1, 2, 3, 4, 5) AS u USING (tenant_id, sku_id, quantity, ended, seconds)
        WHERE t.n IS DISTINCT FROM u.n) AS d;
    RETURN QUERY
    SELECT 'slices abut', d::text FROM (
        SELECT u.holding_id, u.slice_no, u.started_at, u.ended_at, u.run_seconds, lag(u.ended_at) OVER w AS before, lag(u.slice_no, 1, 0) OVER w AS last_no
        FROM usage u WHERE u.holding_id IS NOT NULL WINDOW w AS (PARTITION BY u.tenant_id, u.holding_id ORDER BY u.slice_no)) AS d
    WHERE d.started_at <> d.before OR d.slice_no <> d.last_no + 1 OR d.ended_at < d.started_at OR (d.ended_at = d.started_at AND d.run_seconds IS NULL);
    RETURN QUERY
    SELECT 'one holding at a time', d::text FROM (
        SELECT pg_temp.thing(u.run_id, u.node_id, u.volume_id, NULL) AS thing, u.sku_id, u.started_at, max(u.ended_at) OVER (
            PARTITION BY u.tenant_id, u.sku_id, pg_temp.thing(u.run_id, u.node_id, u.volume_id, NULL) ORDER BY u.started_at, u.ended_at
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM usage u WHERE u.holding_id IS NOT NULL AND u.network_id IS NULL) AS d
    WHERE d.before > d.started_at;
    RETURN QUERY
    SELECT 'months', u::text FROM usage u
    WHERE u.corrects IS NULL AND NOT EXISTS (
        SELECT FROM pg_temp.month m WHERE m.tenant_id = u.tenant_id AND m.starts <= u.started_at AND u.ended_at <= m.ends);
    RETURN QUERY
    WITH span AS MATERIALIZED (
        SELECT s.tenant_id, s.sku_id, s.per, m.starts AS month_start, s.t0, s.t1, p.tag, p.price, p.minimum, p.quantum, p.price_id
        FROM (SELECT e.tenant_id, e.sku_id, e.name, e.per, e.t AS t0, lead(e.t) OVER (PARTITION BY e.tenant_id, e.sku_id ORDER BY e.t) AS t1
              FROM (SELECT m.tenant_id, k.sku_id, k.name, k.per, m.starts AS t FROM pg_temp.month m, sku k
                    UNION SELECT t.tenant_id, k.sku_id, k.name, k.per, p.valid_from FROM pg_temp.tag p JOIN sku k ON k.name = p.sku, tenant t WHERE t.tenant_id > 0) AS e) AS s
        JOIN pg_temp.month m ON m.tenant_id = s.tenant_id AND m.starts <= s.t0 AND s.t0 < m.ends
        CROSS JOIN LATERAL (SELECT * FROM pg_temp.tag p WHERE p.sku = s.name AND coalesce(p.tenant_id, s.tenant_id) = s.tenant_id AND p.currency = m.currency
                            AND p.valid_from <= s.t0 ORDER BY p.tenant_id, p.valid_from DESC, p.tag DESC LIMIT 1) AS p),
    ours AS (
        SELECT u.tenant_id, u.sku_id, u.month_start, u.price_id, sum(u.units) AS units,
               round(sum(u.units)::numeric(60, 20) / CASE u.per WHEN 'once' THEN 1000 ELSE 3600000 END, 12) * u.price AS amount
        FROM (SELECT s.*, b.quantity * CASE s.per WHEN 'once' THEN (s.t0 <= b.since AND b.since < s.t1)::integer
                         ELSE greatest(0, extract(epoch FROM least(b.until, s.t1) - greatest(b.since, s.t0))) END AS units
              FROM pg_temp.book b JOIN span s ON s.tenant_id = b.tenant_id AND s.sku_id = b.sku_id AND s.t0 < b.until AND s.t1 > b.since
              UNION ALL
              SELECT s.*, t.quantity * (greatest(s.minimum, s.quantum * ceil(t.seconds / s.quantum::numeric), t.seconds) - t.seconds)
              FROM pg_temp.took t JOIN span s ON s.tenant_id = t.tenant_id AND s.sku_id = t.sku_id AND s.t0 < t.ended AND t.ended <= s.t1) AS u
        GROUP BY u.tenant_id, u.sku_id, u.month_start, u.price_id, u.per, u.price HAVING sum(u.units) <> 0)
    SELECT 'counters', d::text FROM (
        SELECT tenant_id, sku_id, month_start, price_id, o.units AS ours, c.units AS theirs, o.amount, c.amount AS their_amount
        FROM ours o FULL JOIN (SELECT * FROM counter WHERE units <> 0) AS c USING (tenant_id, sku_id, month_start, price_id)
        WHERE o.units IS DISTINCT FROM c.units OR o.amount IS DISTINCT FROM c.amount) AS d;
    RETURN QUERY
    SELECT 'charges', d::text FROM (
        SELECT tenant_id, sku_id, month_start, price_id, c.units, c.amount, k.units AS charged, k.amount AS charged_amount
        FROM counter c FULL JOIN (SELECT x.tenant_id, x.sku_id, x.month_start, x.price_id, sum(x.units_after - x.units_before) AS units, sum(x.amount) AS amount
            FROM charge x WHERE x.usage_id IS NOT NULL GROUP BY 1, 2, 3, 4) AS k USING (tenant_id, sku_id, month_start, price_id)
        WHERE c.units IS DISTINCT FROM k.units OR c.amount IS DISTINCT FROM k.amount) AS d;
    RETURN QUERY SELECT 'reconcile: ' || r.rule, r::text FROM reconcile() r;
END $$;

-- unit prices from before the first life on; prices that come later are of its accidents
SELECT setseed(0.77) \g /dev/null
INSERT INTO tag (currency, sku, valid_from, price, price_id)
SELECT currency, name, '2025-10-01', price, set_price(name, price::text::tariff, '2025-10-01', currency => currency)
FROM (SELECT currency, name, round(random()::numeric * 9, 4) AS price FROM sku, unnest('{USD,EUR}'::text[]) AS currency OFFSET 0) AS p;

-- What a life has come to: what was wrong, and how much happened
CREATE FUNCTION pg_temp.story(seed double precision, steps integer, OUT wrong text, OUT refused text, OUT disagreements text, OUT much bigint[]) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.live(seed, steps);
    SELECT coalesce(string_agg(w::text, E'\n'), '') INTO wrong FROM pg_temp.wrong w;
    SELECT coalesce(string_agg(r::text, E'\n'), '') INTO refused FROM pg_temp.refused r
    WHERE r.code !~ '^PM00[1-57]$' AND r.code NOT IN ('22023', '42704', '42710', '54000', '55000');
    SELECT coalesce(string_agg(d::text, E'\n'), '') INTO disagreements FROM (SELECT * FROM pg_temp.disagreements() LIMIT 20) AS d;
    much := ARRAY[(SELECT count(*) FROM job_run), (SELECT count(*) FROM usage), (SELECT count(*) FROM bill),
        (SELECT count(*) FROM usage WHERE corrects IS NOT NULL), (SELECT count(*) FROM charge WHERE kind = 'correction'),
        (SELECT count(DISTINCT pg_temp.thing(run_id, node_id, volume_id, network_id)) FROM usage WHERE holding_id IS NOT NULL),
        (SELECT count(*) FROM usage WHERE ended_at = started_at)];
END $$;

-- each life in a world of its own; what it has come to outlives it in variables
SAVEPOINT world;
SELECT wrong AS wrong1, refused AS refused1, disagreements AS disagreements1, much AS much1 FROM pg_temp.story(0.41, 350) \gset
ROLLBACK TO world;
SELECT wrong AS wrong2, refused AS refused2, disagreements AS disagreements2, much AS much2 FROM pg_temp.story(-0.63, 350) \gset
ROLLBACK TO world;
SELECT wrong AS wrong3, refused AS refused3, disagreements AS disagreements3, much AS much3 FROM pg_temp.story(0.96, 350) \gset
ROLLBACK TO world;
SELECT is(t.found, '', format('life %s: %s', l.n, t.what))
FROM (VALUES (1, :'wrong1', :'refused1', :'disagreements1'), (2, :'wrong2', :'refused2', :'disagreements2'), (3, :'wrong3', :'refused3', :'disagreements3'))
    AS l(n, wrong, refused, disagreements),
LATERAL (VALUES (l.wrong, 'at every step what is billed is what is had'), (l.refused, 'no call fails but for reasons that are documented'),
                (l.disagreements, 'usage, counters and amounts are what the book of the test comes to')) AS t(found, what);
-- that much has happened
SELECT cmp_ok((:'much1'::bigint[])[n] + (:'much2'::bigint[])[n] + (:'much3'::bigint[])[n], '>=', least::bigint, what)
FROM (VALUES (1, 120, 'runs'), (2, 600, 'rows of usage'), (3, 3, 'bills'), (4, 5, 'corrections'), (5, 3, 'charges of closed months'),
             (6, 150, 'things that were billed'), (7, 2, 'runs that ended where they were settled')) AS m(n, least, what);
SELECT * FROM finish();
ROLLBACK;
