-- The life of pools: creation as an order, external providers and partial
-- success, resize and whom it takes, node groups, settings, deletion, what
-- nodes cost; each rule by the calls, and where tables keep it, by hand.
BEGIN;
SELECT plan(242);
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET pool_manager.clock = '2026-03-01 00:00:00+00';

-- what a query gives as text, or SQLSTATE and message of its error
CREATE FUNCTION pg_temp.got(query text, role name DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    result text;
    path constant text := current_setting('search_path');
BEGIN
    IF role IS NOT NULL THEN
        EXECUTE format('SET LOCAL ROLE %I', role);
    END IF;
    EXECUTE query INTO result;
    RESET ROLE;
    RETURN coalesce(result, '');
EXCEPTION WHEN OTHERS THEN
    PERFORM set_config('search_path', path, true);
    RETURN sqlstate || ' ' || sqlerrm;
END $$;
-- the constraint or SQLSTATE and message that refuses a statement written by hand
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    con text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS con = CONSTRAINT_NAME;
    RETURN sqlstate || ' ' || coalesce(nullif(con, ''), sqlerrm);
END $$;
-- live nodes of a pool: names without the number, states
CREATE FUNCTION pg_temp.nodes(of text) RETURNS text
LANGUAGE sql AS $$
    SELECT string_agg(n, ', ' ORDER BY n) FROM (
        SELECT count(*) || ' ' || f.name || ' ' || n.state AS n FROM node n JOIN flavor f USING (flavor_id) JOIN pool p USING (pool_id)
        WHERE p.name = of AND n.deleted_at IS NULL GROUP BY f.name, n.state) s
$$;
-- the last order of a pool: operation, phase, then each flavor before>wanted=reached and phase
CREATE FUNCTION pg_temp.last_order(of text) RETURNS text
LANGUAGE sql AS $$
    SELECT o.operation || ' ' || o.phase || coalesce(': ' || (
        SELECT string_agg(format('%s %s>%s=%s %s', f.name, i.initial_count, i.target_count, i.result_count, i.phase), ', ' ORDER BY f.name)
        FROM pool_order_item i JOIN flavor f USING (flavor_id) WHERE i.order_id = o.order_id), '') || coalesce('; ' || o.reason, '')
    FROM pool_order o JOIN pool p USING (pool_id) WHERE p.name = of ORDER BY o.order_id DESC LIMIT 1
$$;

CREATE ROLE life_owner;
CREATE ROLE life_member;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'UTC') AS beta \gset
SELECT grant_tenant('acme', 'life_owner', 'owner'), grant_tenant('acme', 'life_member', 'member');
SELECT create_workspace('acme', 'lab') AS lab, create_workspace('beta', 'its') AS its \gset
SELECT create_sku('node', 'node'), create_sku('gib', 'GiB'), create_sku('core', 'core');
SELECT create_flavor('c8', 'cpu=8,memory=32Gi,storage=100Gi', 'node'), create_flavor('g4', 'cpu=16,nvidia.com/gpu=4', 'node', 'nvidia.com/gpu'),
    create_flavor('arm', 'cpu=8', 'node', cpu_architecture => 'arm64'), create_flavor('bare', 'cpu=8');
SELECT set_resource_sku('c8', 'cpu=1', 'core'), set_resource_sku('c8', 'memory=1Gi', NULL), set_resource_sku('c8', 'storage=1Gi', NULL);
SELECT create_volume_type('SSD', 'gib', 10, 1000);
SELECT set_price('node', '0.66', '2026-03-01', currency => 'USD'), set_price('gib', '0.001', '2026-03-01', currency => 'USD');
SELECT create_network('net', '10.0.0.0/16', 'acme') AS net, create_network('net', '10.0.0.0/16', 'beta') AS beta_net,
    create_network('tiny', '10.1.0.0/28', 'acme') \gset

-- ---- every pair of states ----

CREATE TEMP TABLE legal (kind text, from_state text, to_states text[]);
INSERT INTO legal VALUES
    ('pool', 'waiting', '{creating,deleting}'),
    ('pool', 'creating', '{running,creation_failed,deleting}'),
    ('pool', 'running', '{abnormal,scaling_failed,error,deleting}'),
    ('pool', 'abnormal', '{running,error,deleting}'),
    ('pool', 'deleting', '{error}'),
    ('pool', 'error', '{running,abnormal,deleting}'),
    ('pool', 'creation_failed', '{creating,deleting}'),
    ('pool', 'scaling_failed', '{running,abnormal,error,deleting}'),
    ('order', 'pending', '{processing,failed}'),
    ('order', 'processing', '{succeeded,partially_succeeded,failed}'),
    ('order', 'succeeded', '{}'), ('order', 'partially_succeeded', '{}'), ('order', 'failed', '{}');
SELECT is((SELECT count(*) FROM legal WHERE kind = 'pool'), (SELECT count(*) FROM unnest(enum_range(NULL::pool_state))), 'the table has all states of a pool');
SELECT is((SELECT count(*) FROM legal WHERE kind = 'order'), (SELECT count(*) FROM unnest(enum_range(NULL::order_phase))), 'and all phases of an order');
SELECT create_pool('pairs', 'dedicated', 'acme', 'net') AS pairs \gset

-- A row in the state, made by hand, then the UPDATE; all of it is undone
CREATE FUNCTION pg_temp.goes(kind text, pool bigint, from_state text, to_state text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    done boolean;
    o bigint;
BEGIN
    BEGIN
        IF kind = 'pool' THEN
            INSERT INTO pool (name, kind, tenant_id, state, created_at) VALUES ('hand', 'public', 0, from_state::pool_state, clock());
            UPDATE pool SET state = to_state::pool_state WHERE name = 'hand';
        ELSE
            INSERT INTO pool_order (pool_id, tenant_id, operation, phase, created_at, started_at, ended_at, requested_by)
            SELECT p.pool_id, p.tenant_id, 'resize', from_state::order_phase, clock(),
                CASE WHEN from_state <> 'pending' THEN clock() END, CASE WHEN from_state NOT IN ('pending', 'processing') THEN clock() END, 'me'
            FROM pool p WHERE p.pool_id = pool RETURNING order_id INTO o;
            UPDATE pool_order SET phase = to_state::order_phase, started_at = clock(),
                ended_at = CASE WHEN to_state NOT IN ('pending', 'processing') THEN clock() END WHERE order_id = o;
        END IF;
        RAISE EXCEPTION SQLSTATE 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
        done := true;
    WHEN SQLSTATE 'PM002' THEN
        done := false;
    END;
    RETURN done;
END $$;
SELECT is(pg_temp.goes(a.kind, :pairs, a.from_state, b.from_state), b.from_state = ANY (a.to_states),
    format('%s: from %s to %s', a.kind, a.from_state, b.from_state))
FROM legal a JOIN legal b ON b.kind = a.kind AND b.from_state <> a.from_state ORDER BY a.kind, a.from_state, b.from_state;

-- ---- making ----

SELECT create_pool('ded', 'dedicated', 'acme', 'net', nodes => '{"c8": 2, "g4": 1}', request_id => 'r1') AS ded \gset
SELECT is(create_pool('ded', 'dedicated', 'acme', 'net', nodes => '{"c8": 2, "g4": 1}', request_id => 'r1'), :ded::bigint, 'a repeated call makes nothing');
SELECT is((SELECT state::text FROM pool WHERE pool_id = :ded), 'running', 'with an instant provider the pool runs at once');
SELECT is(pg_temp.last_order('ded'), 'create succeeded: c8 0>2=2 succeeded, g4 0>1=1 succeeded', 'its creation was an order');
SELECT is(pg_temp.nodes('ded'), '1 g4 available, 2 c8 available', 'and its nodes are there');
SELECT is((SELECT string_agg(host(a.address), ' ' ORDER BY a.address) FROM network_address a WHERE a.pool_id = :ded), '10.0.0.2 10.0.0.3 10.0.0.4',
    'each with an address of the network');
SELECT is((SELECT string_agg(kind || coalesce(' ' || from_state, '') || '>' || coalesce(to_state, ''), ' ' ORDER BY event_id) FROM event WHERE pool_id = :ded),
    'pool_created>creating order_phase>processing nodes_added>available nodes_added>available order_phase processing>succeeded pool_state creating>running',
    'all of it is noted');
SELECT create_pool('none', 'dedicated', 'acme', 'net') AS none \gset
SELECT is((SELECT state::text FROM pool WHERE pool_id = :none), 'running', 'a pool without nodes runs at once');
SELECT is((SELECT w.name::text FROM pool p JOIN workspace w USING (tenant_id, workspace_id) WHERE p.pool_id = :none), 'default', 'its workspace is the default one');
SELECT is(pg_temp.got($$SELECT create_pool('x', 'dedicated', 'acme', 'net', default_time_limit => '1 month 2 days 1.5 seconds') IS NULL$$), 'false', 'time limits');
SELECT is((SELECT default_time_limit || ' ' || stop_timeout || ' ' || restart_timeout FROM pool WHERE name = 'x'), '768:00:01.5 00:10:00 00:30:00',
    'a month counts 30 days, a day 24 hours');
SELECT is(pg_temp.got($$SELECT create_pool('y', 'dedicated', 'acme', 'net', job_types => '{training}', unified => false)$$),
    '22023 invalid value for argument "job_types"', 'a single-purpose pool takes training and notebook, or inference');
SELECT is(pg_temp.got($$SELECT create_pool('y', 'dedicated', 'acme', 'net', job_types => '{notebook,training}', unified => false) > 0$$), 'true', 'the one');
SELECT is(pg_temp.got($$SELECT create_pool('z', 'dedicated', 'acme', 'net', job_types => '{inference}', unified => false) > 0$$), 'true', 'or the other');
SELECT is(pg_temp.got(format($$SELECT create_pool('q', %s)$$, a)), said, format('create_pool(%s)', a))
FROM (VALUES
    ($$'public', 'acme'$$, '22023 public pool "q" cannot have a tenant'),
    ($$'public', network => 1$$, '22023 public pool "q" cannot have a network'),
    ($$'public', workspace => 1$$, '22023 public pool "q" cannot have a workspace'),
    ($$'public', unified => false, job_types => '{inference}'$$, 'PM003 public pool "q" cannot be customized: unified'),
    ($$'public', container_network => 'eni'$$, 'PM003 public pool "q" cannot be customized: container_network'),
    ($$'dedicated', 'acme'$$, '22023 dedicated pool "q" has no network'),
    ($$'dedicated', network => 1$$, '22023 dedicated pool "q" has no tenant'),
    ($$'dedicated', 'beta', 'tiny'$$, '42704 network "tiny" does not exist'),
    ($$'dedicated', 'acme', 'net', workspace => 'its'$$, '42704 workspace "its" does not exist'),
    ($$'dedicated', 'acme', 'net', tags => '{"a": 1}'$$, '22023 invalid value for argument "tags"'),
    ($$'dedicated', 'acme', 'net', description => repeat('x', 1025)$$, '22023 invalid value for argument "description"'),
    ($$'dedicated', 'acme', 'net', nodes => '{"c8": 1.5}'$$, '22023 invalid value for argument "nodes"'),
    ($$'dedicated', 'acme', 'net', nodes => '[]'$$, '22023 invalid value for argument "nodes"'),
    ($$'dedicated', 'acme', 'net', nodes => '{"c9": 1}'$$, '42704 flavor "c9" does not exist'),
    ($$'dedicated', 'acme', 'net', nodes => '{"bare": 1}'$$, '55000 flavor "bare" has no SKU'),
    ($$'dedicated', 'acme', 'net', nodes => '{"c8": 1, "arm": 1}'$$, '55000 pool "q" cannot have nodes of flavor "arm"'),
    ($$'dedicated', 'acme', 'tiny', nodes => '{"c8": 14}'$$, '54000 network "tiny" has not enough free addresses')) AS v(a, said);
SELECT is(pg_temp.got(format($$SELECT create_pool('q', 'dedicated', %s, %s)$$, :acme, :beta_net)), format('42704 network %s does not exist', :'beta_net'),
    'another tenant''s network is not there');
SELECT is(pg_temp.got(format($$SELECT create_pool('q', 'dedicated', %s, %s, workspace => %s)$$, :acme, :net, :its)),
    format('42704 workspace %s does not exist', :'its'), 'nor is another tenant''s workspace');
SELECT is(pg_temp.got($$SELECT create_pool('q', 'dedicated', 'acme', 'net')$$, 'life_member'), format('42501 permission denied for tenant %s', :'acme'), 'for owners');
UPDATE network SET state = 'abnormal' WHERE name = 'tiny';
SELECT is(pg_temp.got($$SELECT create_pool('q', 'dedicated', 'acme', 'tiny')$$), 'PM002 network "tiny" is not active', 'a network that is not active takes no pools');
UPDATE network SET state = 'active' WHERE name = 'tiny';
UPDATE flavor SET sale = 'sold_out' WHERE name = 'g4';
SELECT is(pg_temp.got($$SELECT create_pool('q', 'dedicated', 'acme', 'net', nodes => '{"g4": 1}')$$), 'PM003 flavor "g4" is sold out', 'nor is there what is sold out');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'g4', 2)$$), 'PM003 flavor "g4" is sold out', 'not for a pool that has it either');
UPDATE flavor SET sale = 'on_sale' WHERE name = 'g4';
UPDATE tenant SET state = 'frozen' WHERE name = 'acme';
SELECT is(pg_temp.got($$SELECT create_pool('q', 'dedicated', 'acme', 'net')$$), format('PM005 tenant %s is frozen', :'acme'), 'a frozen tenant gets no pool');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'g4', 2)$$), format('PM005 tenant %s is frozen', :'acme'), 'and no nodes');
UPDATE tenant SET state = 'active' WHERE name = 'acme';
INSERT INTO quota (tenant_id, resource, most, changed_at) VALUES (:acme, 'pools', 7, clock()), (:acme, 'nodes', 4, clock());
SELECT is(pg_temp.got($$SELECT create_pool('six', 'dedicated', 'acme', 'net') > 0$$), 'true', 'the seventh pool is within the quota');
SELECT is(left(pg_temp.got($$SELECT create_pool('q', 'dedicated', 'acme', 'net')$$), 29), 'PM007 quota of pools exceeded', 'the eighth is not');
SELECT is(left(pg_temp.got($$SELECT add_nodes('ded', 'c8', 2)$$), 29), 'PM007 quota of nodes exceeded', 'nor is the fifth node');
SELECT is(pg_temp.got($$SELECT count(*) FROM add_nodes('ded', 'c8', 1)$$), '1', 'the fourth is');
DELETE FROM quota;
SELECT is(pg_temp.refusal($$INSERT INTO pool (name, kind, tenant_id, created_at, unified) VALUES ('hand', 'public', 0, clock(), false)$$),
    '23514 pool_public_check', 'by hand: no single-purpose public pool');
SELECT is(pg_temp.refusal($$INSERT INTO pool (name, kind, tenant_id, created_at, driver) VALUES ('hand', 'public', 0, clock(), '1')$$),
    '23514 pool_public_check', 'by hand: no driver in a public pool');
SELECT is(pg_temp.refusal(format($$INSERT INTO pool (name, kind, tenant_id, workspace_id, created_at) VALUES ('hand', 'dedicated', %s, %s, clock())$$, :acme, :lab)),
    '23514 pool_network_check', 'by hand: no dedicated pool without a network');
SELECT is(pg_temp.refusal(format($$UPDATE pool SET migrating = true WHERE pool_id = %s$$, :ded)), '23514 pool_migrating_check', 'by hand: a unified pool does not migrate');
SELECT is(pg_temp.refusal(format($$UPDATE pool SET provider = 'external' WHERE pool_id = %s$$, :ded)),
    '55000 column "provider" of table "pool" cannot be changed', 'by hand: the provider stays');

-- ---- resize ----

SELECT is(pg_temp.got($$SELECT resize_pool('ded', '{"c8": 4, "g4": 0}')$$), '22023 pool "ded" cannot grow and shrink in one request', 'not both at once');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', '{"c8": 0, "g4": 0}')$$), '22023 pool "ded" would have no node', 'one node remains');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', '{}')$$), '22023 invalid value for argument "counts"', 'a flavor is named');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'c8', -1)$$), '22023 invalid value for argument "count"', 'counts are not negative');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'c8', NULL::integer)$$), '22004 argument "count" must not be null', 'nor null');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'arm', 1)$$), '55000 pool "ded" cannot have nodes of flavor "arm"', 'one architecture');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'c8', 2)$$, 'life_member'), format('42501 permission denied for tenant %s', :'acme'), 'for owners');
SELECT is(pg_temp.refusal(format($$INSERT INTO node_group (pool_id, flavor_id, group_no, cpu_architecture, target_count)
    SELECT %s, flavor_id, 3, 'arm64', 0 FROM flavor WHERE name = 'arm'$$, :ded)), '23P01 node_group_architecture_excl', 'by hand: one architecture');
SELECT is(pg_temp.refusal(format($$INSERT INTO node_group (pool_id, flavor_id, group_no, cpu_architecture, target_count)
    SELECT %s, flavor_id, 11, 'x86', 0 FROM flavor WHERE name = 'bare'$$, :ded)), '23514 node_group_no_check', 'by hand: ten flavors');
SELECT is(pg_temp.refusal(format($$INSERT INTO pool_order (pool_id, tenant_id, operation, phase, created_at, requested_by)
    SELECT %1$s, %2$s, 'resize', 'pending', clock(), 'me' FROM generate_series(1, 2)$$, :ded, :acme)), '23505 pool_order_open_key', 'by hand: one open order');
SELECT resize_pool('ded', '{"c8": 5, "g4": 2}', request_id => 'r2') AS grown \gset
SELECT is(resize_pool('ded', '{"c8": 5, "g4": 2}', request_id => 'r2'), :grown::bigint, 'a repeated resize is the same order');
SELECT is(pg_temp.last_order('ded'), 'resize succeeded: c8 3>5=5 succeeded, g4 1>2=2 succeeded', 'several flavors grow in one order');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'c8', 5) > 0$$), 'true', 'asking for what there is');
SELECT is(pg_temp.last_order('ded'), 'resize succeeded: c8 5>5=5 succeeded', 'succeeds and changes nothing');

-- Nodes of c8, oldest first: o1 and o2 of the creation, o3, y1, y2. o1 is
-- abnormal, y2 locked; one job runs on o2, two on y1, each of 3 cores with
-- pack: the first two fill one node, so selectors say where.
SELECT array_agg(node_id ORDER BY node_id) AS c8 FROM node JOIN flavor USING (flavor_id) WHERE pool_id = :ded AND flavor.name = 'c8' \gset
UPDATE node SET labels = jsonb_build_object('n', array_position(:'c8'::bigint[], node_id)::text) WHERE node_id = ANY (:'c8');
UPDATE node SET delete_lock = true WHERE node_id = (:'c8'::bigint[])[5];
UPDATE node SET state = 'abnormal', state_since = clock() WHERE node_id = (:'c8'::bigint[])[1];
SELECT submit_job('ded', 'on o2', request => 'cpu=3', node_selector => '{"n": "2"}') AS job_o2,
    submit_job('ded', 'on y1', request => 'cpu=3', node_selector => '{"n": "4"}') AS job_y1,
    submit_job('ded', 'on y1', request => 'cpu=3', node_selector => '{"n": "4"}') AS job_y1b \gset
SELECT is((SELECT string_agg(concat_ws(' ', n.labels->>'n', v.state, v.runs, cardinality(v.jobs)), ', ' ORDER BY v.ordinality)
    FROM ROWS FROM (resize_victims('ded', 'c8', 1)) WITH ORDINALITY v JOIN node n USING (node_id)),
    '1 abnormal 0 0, 3 available 0 0, 2 available 1 1, 4 available 2 2', 'abnormal first, then idle, then few runs; the locked one stays');
SELECT is((SELECT string_agg(n.labels->>'n', ' ' ORDER BY v.ordinality) FROM ROWS FROM (resize_victims('ded', 'c8', 3)) WITH ORDINALITY v JOIN node n USING (node_id)),
    '1 3', 'so many as are to go');
SELECT is((SELECT count(*) FROM resize_victims('ded', 'c8', 9)), 0::bigint, 'none where it grows');
SELECT is(pg_temp.got($$SELECT count(*) FROM resize_victims('ded', 'c8', 0)$$),
    'PM002 pool "ded" has too few nodes of flavor "c8" that may be deleted', 'a locked node cannot go');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'c8', 0)$$), 'PM002 pool "ded" has too few nodes of flavor "c8" that may be deleted', 'by resize neither');
SELECT is(pg_temp.got($$SELECT count(*) FROM resize_victims('ded', 'c8', 1)$$, 'life_member'), '4', 'all of the owner''s may look');
SELECT is(pg_temp.nodes('ded'), '1 c8 abnormal, 2 g4 available, 4 c8 available', 'and nothing has happened');
SELECT resize_pool('ded', 'c8', 2);
SELECT is(pg_temp.nodes('ded'), '2 g4 available, 3 c8 available', 'idle nodes go at once');
SELECT is(pg_temp.last_order('ded'), 'resize processing: c8 5>2= processing', 'a busy one when its job has ended');
SELECT is((SELECT string_agg(labels->>'n', ' ' ORDER BY node_id) FROM node WHERE pool_id = :ded AND isolated_by IS NOT NULL), '2', 'it takes no new jobs');
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'c8', 4)$$), 'PM002 pool "ded" has an open order', 'one order at a time');
SELECT is(pg_temp.got($$SELECT add_nodes('ded', 'c8')$$), 'PM002 pool "ded" has an open order', 'for more nodes too');
SELECT submit_job('ded', 'late', request => 'cpu=3', node_selector => '{"n": "2"}') AS late \gset
SELECT is((SELECT state::text FROM job_status WHERE job_id = :late), 'queued', 'a job for that node waits');
SELECT cancel_job(:late), finish_job(:job_o2);
SELECT schedule('ded');
SELECT is(pg_temp.last_order('ded'), 'resize succeeded: c8 5>2=2 succeeded', 'with its job the node goes, and the order is done');
SELECT resize_pool('ded', 'c8', 1, force => true);
SELECT is((SELECT state::text FROM job_status WHERE job_id = :job_y1), 'failed', 'force ends the jobs');
SELECT is(pg_temp.nodes('ded'), '1 c8 available, 2 g4 available', 'and the node goes at once');
UPDATE node SET delete_lock = false WHERE pool_id = :ded;
SELECT resize_pool('ded', 'c8', 0);
SELECT is((SELECT string_agg(f.name || ' ' || g.target_count, ', ') FROM node_group g JOIN flavor f USING (flavor_id) WHERE g.pool_id = :ded), 'g4 2',
    'a flavor without nodes leaves the pool');
UPDATE pool SET restrictions = '{flavor_change}' WHERE pool_id = :ded;
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'g4', 1)$$), 'PM002 pool "ded" is restricted: flavor_change', 'restricted');
UPDATE pool SET restrictions = '{frozen}' WHERE pool_id = :ded;
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'g4', 1)$$), 'PM002 pool "ded" is restricted: frozen', 'frozen');
SELECT is(pg_temp.got($$SELECT set_pool('ded', description => 'x')$$), 'PM002 pool "ded" is restricted: frozen', 'nothing of a frozen pool changes');
UPDATE pool SET restrictions = '{}', state = 'abnormal' WHERE pool_id = :ded;
SELECT is(pg_temp.got($$SELECT resize_pool('ded', 'g4', 1)$$), 'PM002 pool "ded" is not running', 'only while running');
UPDATE pool SET state = 'running' WHERE pool_id = :ded;
UPDATE pool SET migrating = true WHERE name = 'y';
SELECT is(pg_temp.got($$SELECT resize_pool('y', 'c8', 1)$$), 'PM002 pool "y" is migrating', 'not while migrating');
SELECT is(pg_temp.got($$SELECT delete_pool('y')$$), 'PM002 pool "y" is migrating', 'no deletion then either');
UPDATE pool SET migrating = false WHERE name = 'y';

-- ---- node groups ----

SELECT is(create_node_group('six', 'g4', 4, 'rack', '{"zone": "a"}', '[{"key": "k"}]'), 1, 'a group that is bought by the rack');
SELECT is(pg_temp.got($$SELECT create_node_group('six', 'g4')$$), '42710 pool "six" has a node group of flavor "g4"', 'one for a flavor');
SELECT is(pg_temp.got($$SELECT create_node_group('six', 'c8', 4)$$), '22023 invalid value for argument "step"', 'a step is of some type');
SELECT is(pg_temp.got($$SELECT create_node_group('six', 'c8', disk_count => 2)$$), '22023 invalid value for argument "disk_count"', 'disks have a size');
SELECT is(pg_temp.got($$SELECT create_node_group('six', 'c8', disk_count => 2, disk_gib => 5, disk_type => 'SSD')$$),
    '22023 invalid value for argument "disk_gib"', 'one that there is');
SELECT is(pg_temp.got($$SELECT create_node_group('six', 'c8', disk_count => 2, disk_gib => 100, disk_type => 'SATA')$$),
    '42704 volume type "SATA" does not exist', 'and a type that there is');
SELECT is(pg_temp.got($$SELECT resize_pool('six', 'g4', 6)$$), '22023 6 nodes of flavor "g4" are no whole number of steps', 'whole steps');
SELECT is(pg_temp.got($$SELECT add_nodes('six', 'g4', 2)$$), '22023 2 nodes of flavor "g4" are no whole number of steps', 'for add_nodes too');
SELECT is(pg_temp.refusal($$UPDATE node_group SET target_count = 6 WHERE step = 4$$), '23514 node_group_count_check', 'by hand: whole steps');
SELECT is(pg_temp.refusal($$UPDATE node_group SET step = 2 WHERE step = 4$$), '55000 column "step" of table "node_group" cannot be changed', 'by hand: the step is fixed');
SELECT count(*) FROM add_nodes('six', 'g4', 8, labels => '{"row": "1"}', taints => '[{"key": "l"}]');
SELECT is((SELECT string_agg(n::text, ' ') FROM (SELECT count(*) AS n FROM node JOIN pool USING (pool_id) WHERE pool.name = 'six' GROUP BY batch_id) s), '4 4',
    'nodes of a step have a batch');
SELECT is((SELECT DISTINCT n.labels::text || n.taints FROM node n JOIN pool p USING (pool_id) WHERE p.name = 'six'),
    '{"row": "1", "zone": "a"}[{"key": "k"}, {"key": "l"}]', 'labels and taints of the group and those given');
UPDATE node n SET delete_lock = true FROM pool p WHERE p.pool_id = n.pool_id AND p.name = 'six' AND n.node_id = n.batch_id AND n.batch_id = (
    SELECT max(batch_id) FROM node JOIN pool USING (pool_id) WHERE pool.name = 'six');
SELECT is((SELECT count(*) || ' ' || count(DISTINCT v.batch_id) || ' ' || bool_or(n.delete_lock) FROM resize_victims('six', 'g4', 4) v
    JOIN node m USING (node_id) JOIN node n ON n.batch_id = m.batch_id), '16 1 false', 'a step goes whole; one with a locked node stays');
SELECT set_node_group('six', 'g4', labels => '{}', taints => '[]', disk_count => 2, disk_gib => 100, disk_type => 'SSD');
SELECT is((SELECT labels::text || taints || disk_count || disk_gib || disk_type FROM node_group JOIN pool USING (pool_id) WHERE name = 'six'), '{}[]2100SSD', 'set_node_group');
SELECT is(pg_temp.got($$SELECT set_node_group('six', 'c8', labels => '{}')$$), '42704 pool "six" has no node group of flavor "c8"', 'of a flavor that is there');
SELECT is(pg_temp.got($$SELECT set_node_group('six', 'g4', disk_count => 17, disk_gib => 100, disk_type => 'SSD')$$),
    '22023 invalid value for argument "disk_count"', 'with disks in number');

-- ---- an external provider ----

SET pool_manager.clock = '2026-03-02 00:00:00+00';
SELECT create_node_group('x', 'c8', disk_count => 2, disk_gib => 100, disk_type => 'SSD');
SELECT create_pool('ext', 'dedicated', 'acme', 'net', provider => 'external', nodes => '{"c8": 3}') AS ext \gset
SELECT array_agg(node_id ORDER BY node_id) AS e, (array_agg(name::text ORDER BY node_id))[1] AS first_name FROM node WHERE pool_id = :ext \gset
SELECT is((SELECT state::text FROM pool WHERE pool_id = :ext) || ', ' || pg_temp.nodes('ext'), 'creating, 3 c8 creating', 'nodes of an external provider are ordered');
SELECT is(pg_temp.last_order('ext'), 'create pending: c8 0>3= pending', 'its order is pending');
SELECT is((SELECT count(*) FROM holding WHERE pool_id = :ext), 0::bigint, 'and nothing is billed');
SELECT is(pg_temp.got($$SELECT submit_job('ext', 'a', request => 'cpu=1')$$), 'PM002 pool "ext" is not running', 'no jobs yet');
SELECT is(pg_temp.got($$SELECT resize_pool('ext', 'c8', 4)$$), 'PM002 pool "ext" is not running', 'no resize either');
SELECT is(pg_temp.got($$SELECT retry_pool('ext')$$), 'PM002 the creation of pool "ext" has not failed', 'and nothing to try again');
SELECT is(left(pg_temp.got(format($$SELECT node_ready('ext', %L)$$, :'first_name'), 'life_owner'), 5), '42501', 'node_ready is for operators');
SELECT is(left(pg_temp.got(format($$SELECT node_failed('ext', %L, 'x')$$, :'first_name'), 'life_owner'), 5), '42501', 'node_failed too');
SELECT is(pg_temp.got('SELECT node_ready(99999)'), '42704 node 99999 does not exist', 'of a node that there is');
SET pool_manager.clock = '2026-03-02 01:00:00.7+00';
SELECT node_ready('ext', :'first_name');
SELECT is(pg_temp.last_order('ext'), 'create processing: c8 0>3= processing', 'with the first node the order has begun');
SELECT is(pg_temp.got(format('SELECT node_failed(%s, ''x'')', (:'e'::bigint[])[1])), format('PM002 node "%s" is available', :'first_name'), 'a node that is there has not failed');
SELECT node_ready((:'e'::bigint[])[1]);
SELECT is((SELECT count(*) FROM event WHERE pool_id = :ext AND kind = 'node_state'), 1::bigint, 'said twice it is noted once');
SELECT node_failed((:'e'::bigint[])[2], 'no capacity');
SELECT is(pg_temp.got(format('SELECT node_ready(%s)', (:'e'::bigint[])[2])) ~ '^PM002 node ".*" is deleting$', true, 'what was given up does not come');
SELECT is((SELECT state::text FROM pool WHERE pool_id = :ext), 'creating', 'the pool waits for the third');
SET pool_manager.clock = '2026-03-02 02:00:00+00';
SELECT node_ready((:'e'::bigint[])[3]);
SELECT is(pg_temp.last_order('ext'), 'create partially_succeeded: c8 0>3=2 partially_succeeded; no capacity', 'the order succeeded in part');
SELECT is((SELECT state::text FROM pool WHERE pool_id = :ext), 'running', 'and the pool runs');
SELECT is((SELECT target_count FROM node_group WHERE pool_id = :ext), 2, 'what could not be had is no longer wanted');
SELECT is((SELECT concat_ws(' ', "order" IS NOT NULL, pool, operation, phase, missed, reason) FROM pool_failures), 't ext create partially_succeeded 1 no capacity', 'pool_failures');
-- a resize that gets nothing
SELECT resize_pool('ext', 'c8', 3) AS order_3 \gset
SELECT node_failed(node_id, 'none left') FROM node WHERE pool_id = :ext AND state = 'creating';
SELECT is(pg_temp.last_order('ext') || '; ' || (SELECT state FROM pool WHERE pool_id = :ext), 'resize failed: c8 2>3=2 failed; none left; scaling_failed',
    'a resize that gets none has failed');
SELECT is(pg_temp.got($$SELECT submit_job('ext', 'a', request => 'cpu=1', request_id => 'j') > 0$$), 'true', 'the pool still takes jobs');
SELECT resize_pool('ext', 'c8', 4);
SELECT is(pg_temp.got(format('SELECT cancel_order(%s)', (SELECT max(order_id) FROM pool_order)), 'life_member'), format('42501 permission denied for tenant %s', :'acme'), 'cancel_order is for owners');
SELECT node_ready(min(node_id)) FROM node WHERE pool_id = :ext AND state = 'creating';
SELECT is(cancel_order(max(order_id)), 'partially_succeeded', 'what is not there is given up') FROM pool_order;
SELECT is(pg_temp.nodes('ext') || ', ' || (SELECT state FROM pool WHERE pool_id = :ext), '3 c8 available, running', 'what came stays, and the pool runs again');
SELECT is(pg_temp.got(format('SELECT cancel_order(%s)', :order_3)), format('PM002 order %s (resize) cannot be cancelled', :'order_3'), 'an order that has ended is not cancelled');
-- nothing comes at all
SELECT create_pool('gone', 'dedicated', 'acme', 'net', provider => 'external', nodes => '{"c8": 2}') AS gone \gset
SELECT node_failed(node_id, 'no rack') FROM node WHERE pool_id = :gone;
SELECT is((SELECT state::text FROM pool WHERE pool_id = :gone) || ', ' || pg_temp.last_order('gone'), 'creation_failed, create failed: c8 0>2=0 failed; no rack', 'a creation that gets none has failed');
SELECT retry_pool('gone');
SELECT is((SELECT state::text FROM pool WHERE pool_id = :gone) || ', ' || pg_temp.nodes('gone') || ', ' || pg_temp.last_order('gone'),
    'creating, 2 c8 creating, create pending: c8 0>2= pending', 'it can be tried again');
SELECT node_ready(node_id) FROM node WHERE pool_id = :gone AND state = 'creating';
SELECT is((SELECT state::text FROM pool WHERE pool_id = :gone), 'running', 'and succeeds');
-- nodes of a step come together
SELECT create_pool('racks', 'dedicated', 'acme', 'net', provider => 'external') AS racks \gset
SELECT create_node_group('racks', 'g4', 2, 'rack');
SELECT resize_pool('racks', 'g4', 4);
SELECT node_ready(min(node_id)), node_failed(max(node_id), 'late') FROM node WHERE pool_id = :racks;
SELECT is(pg_temp.nodes('racks') || ', ' || pg_temp.last_order('racks'), '2 g4 available, resize partially_succeeded: g4 0>4=2 partially_succeeded; late', 'or not at all');

-- ---- what they cost ----

-- Node 1 of ext: from 2026-03-02 01:00:00 (the fraction is cut) to 03:30:36,
-- 9,036 s = 2.51 h. Its job ends at 03:00, so it goes at once. Node 3 from
-- 02:00:00, the one that came last from 02:00:00 too: to 12:00:00, 10 h each.
-- (2.51 + 10 + 10) x 0.66 = 14.8566. gone: 2 nodes from 02:00 to 12:00 and
-- racks: 2 nodes, the same: 40 h x 0.66 = 26.40.
-- ded: c8 nodes all came and went on 2026-03-01 at 00:00:00, nothing. g4: 2
-- nodes from 03-01 00:00 to 03-02 12:00 = 72 h x 0.66 = 47.52. six: 8 nodes,
-- 36 h: 288 h x 0.66 = 190.08. In all 14.8566 + 26.40 + 47.52 + 190.08 = 278.8566
-- for 22.51 + 40 + 72 + 288 = 422.51 h.
SET pool_manager.clock = '2026-03-02 03:00:00+00';
SELECT finish_job(job_id) FROM job WHERE request_id = 'j';
SET pool_manager.clock = '2026-03-02 03:30:36+00';
UPDATE node SET delete_lock = node_id <> (:'e'::bigint[])[1] WHERE pool_id = :ext;
SELECT resize_pool('ext', 'c8', 2);
SELECT is((SELECT string_agg(t.kind || ' ' || t.state, ', ') FROM node_task t WHERE t.pool_id = :ext), 'delete running', 'an external provider deletes in its own time');
SELECT is(task_done(task_id)::text, '', 'and says so') FROM node_task WHERE pool_id = :ext AND ended_at IS NULL;
SELECT is(pg_temp.last_order('ext'), 'resize succeeded: c8 3>2=2 succeeded', 'then the order is done');
SET pool_manager.clock = '2026-03-02 12:00:00+00';
SELECT is((SELECT sum(quantity) || ' ' || sum(amount) FROM charges('acme', '2026-03-01', '2026-03-02 12:00:00+00') WHERE sku = 'node'), '422.51 278.8566',
    'nodes are billed from when they first are available until they are gone');

-- Data disks: 2 x 100 GiB for 6 h = 1,200 GiB-hours x 0.001 = 1.20; the node's
-- jobs have 300 GiB of storage.
SELECT add_nodes('x', 'c8') AS with_disks \gset
SELECT is((SELECT quantity(allocatable, 'storage') FROM node_load WHERE node_id = :with_disks), (300 * 1024 ^ 3)::numeric, 'data disks add to the storage of a node');
SET pool_manager.clock = '2026-03-02 15:00:00+00';
SELECT set_pool_workspace('x', 'lab');
SELECT is(pg_temp.got(format('SELECT set_pool_workspace(%s, %s)', (SELECT pool_id FROM pool WHERE name = 'x'), :its)), format('42704 workspace %s does not exist', :'its'),
    'to a workspace of the tenant');
SELECT is((SELECT string_agg(s.name || ' ' || w.name || ' ' || u.started_at::time || '-' || u.ended_at::time, ', ' ORDER BY s.name)
    FROM usage u JOIN sku s USING (sku_id) JOIN workspace w USING (tenant_id, workspace_id) WHERE u.node_id = :with_disks),
    'gib default 12:00:00-15:00:00, node default 12:00:00-15:00:00', 'another workspace: usage is cut');
SELECT is((SELECT string_agg(s.name || ' ' || w.name || ' ' || h.since::time, ', ' ORDER BY s.name) FROM holding h JOIN sku s USING (sku_id)
    JOIN workspace w USING (tenant_id, workspace_id) WHERE h.node_id = :with_disks), 'gib lab 15:00:00, node lab 15:00:00', 'and goes on there');
SET pool_manager.clock = '2026-03-02 18:00:00+00';
SELECT is((SELECT sum(amount)::numeric(20, 6) FROM charges('acme', '2026-03-01', '2026-03-02 18:00:00+00') WHERE sku = 'gib'), 1.2, 'data disks are billed by the GiB');
INSERT INTO quota (tenant_id, workspace_id, resource, most, changed_at) VALUES (:acme, :lab, 'nodes', 1, clock());
SELECT is(left(pg_temp.got($$SELECT set_pool_workspace('ded', 'lab')$$), 29), 'PM007 quota of nodes exceeded', 'a workspace has quotas');
DELETE FROM quota;

-- ---- settings ----

SELECT set_pool('ded', 'for vision', 'traversal', 'first_fit', '1 day', '5 minutes', '1 hour');
SELECT is((SELECT concat_ws(' ', description, queue_policy, placement, default_time_limit, stop_timeout, restart_timeout) FROM pool WHERE pool_id = :ded),
    'for vision traversal first_fit 24:00:00 00:05:00 01:00:00', 'set_pool');
SELECT set_pool('ded', default_time_limit => '0');
SELECT is((SELECT concat_ws(' ', description, queue_policy, default_time_limit) FROM pool WHERE pool_id = :ded), 'for vision traversal', 'what is not given stays; 0 takes the limit away');
SELECT is(pg_temp.got($$SELECT set_pool('ded', stop_timeout => '0')$$), '22023 invalid value for argument "stop_timeout"', 'limits are positive');
SELECT is(pg_temp.got($$SELECT set_pool('ded', 'x')$$, 'life_member'), format('42501 permission denied for tenant %s', :'acme'), 'for owners');

-- ---- the end ----

SELECT submit_job('ded', 'runs', request => 'cpu=16') AS runs, submit_job('ded', 'waits', request => 'cpu=16', replicas => 2) AS waits \gset
SELECT is(pg_temp.got($$SELECT delete_pool('ded')$$), 'PM002 pool "ded" has jobs', 'a pool with jobs is not deleted');
SELECT is(pg_temp.got($$SELECT delete_pool('ded', true)$$, 'life_member'), format('42501 permission denied for tenant %s', :'acme'), 'not by members');
UPDATE node SET delete_lock = true WHERE pool_id = :ded;
UPDATE pool SET restrictions = '{frozen}' WHERE pool_id = :ded;
SELECT delete_pool('ded', force => true);
SELECT is((SELECT string_agg(state::text, ' ') FROM job_status WHERE job_id IN (:runs, :waits)), 'cancelled cancelled', 'force cancels them');
SELECT is((SELECT concat_ws(' ', state, deleted_at, network_id) FROM pool WHERE pool_id = :ded), 'deleting 2026-03-02 18:00:00+00', 'locks and restrictions do not keep it');
SELECT is(pg_temp.last_order('ded'), 'delete succeeded: g4 2>0=0 succeeded', 'deletion is an order');
SELECT is((SELECT count(*) FROM holding WHERE pool_id = :ded) + (SELECT count(*) FROM network_address WHERE pool_id = :ded)
    + (SELECT count(*) FROM node_group WHERE pool_id = :ded) + (SELECT count(*) FROM pool_job_type WHERE pool_id = :ded), 0::bigint, 'nothing of it is left');
SELECT is(pg_temp.got($$SELECT delete_pool('ded')$$), '42704 pool "ded" does not exist', 'it is not there');
SELECT is(create_pool('ded', 'dedicated', 'acme', 'net') <> :ded, true, 'its name is free');
SELECT is(pg_temp.refusal(format($$UPDATE pool SET deleted_at = NULL WHERE pool_id = %s$$, :ded)), '55000 column "deleted_at" of table "pool" cannot be changed', 'by hand: deleted is deleted');
SELECT is(pg_temp.refusal(format($$UPDATE pool SET deleted_at = clock() WHERE pool_id = %s$$, :ext)), '23514 pool_deleted_check', 'by hand: a running pool is not');
-- an external provider, with an order open
SELECT resize_pool('ext', 'c8', 3);
SELECT delete_pool('ext');
SELECT is((SELECT string_agg(o.operation || ' ' || o.phase, ', ' ORDER BY order_id) FROM (SELECT * FROM pool_order WHERE pool_id = :ext ORDER BY order_id DESC LIMIT 2) o),
    'resize failed, delete processing', 'the open order has failed');
SELECT is((SELECT string_agg(DISTINCT t.kind || ' ' || t.state, ', ') FROM node_task t WHERE t.pool_id = :ext AND t.ended_at IS NULL), 'delete running', 'its nodes are being deleted');
SELECT is(pg_temp.got($$SELECT delete_pool('ext')$$), 'PM002 pool "ext" is being deleted', 'that is said once');
SELECT task_done(task_id) FROM node_task WHERE pool_id = :ext AND ended_at IS NULL;
SELECT is((SELECT deleted_at IS NOT NULL FROM pool WHERE pool_id = :ext), true, 'with its last node it is gone');
-- one that cannot be deleted at once
SELECT delete_pool('racks');
SELECT task_failed(max(task_id), 'it hangs'), task_done(min(task_id)) FROM node_task WHERE pool_id = :racks AND ended_at IS NULL;
SELECT is(pg_temp.last_order('racks') || ', ' || (SELECT state FROM pool WHERE pool_id = :racks),
    'delete partially_succeeded: g4 2>0=1 partially_succeeded; it hangs, error', 'nodes that cannot be deleted leave the pool in error');
SELECT delete_pool('racks');
SELECT task_done(task_id) FROM node_task WHERE pool_id = :racks AND ended_at IS NULL;
SELECT is((SELECT deleted_at IS NOT NULL FROM pool WHERE pool_id = :racks), true, 'until it is tried again');
-- a pool whose jobs stop in their own time
SELECT create_pool('agents', 'dedicated', 'acme', 'net', launch => 'agent', nodes => '{"c8": 1}') AS agents \gset
SELECT submit_job('agents', 'a', request => 'cpu=1') AS stops \gset
SELECT start_job(:stops);
SELECT delete_pool('agents', true);
SELECT is((SELECT state::text FROM job_status WHERE job_id = :stops) || ' ' || pg_temp.nodes('agents'), 'stopping 1 c8 available', 'agents stop the jobs first');
SELECT finish_job(:stops);
SELECT schedule('agents');
SELECT is((SELECT deleted_at IS NOT NULL FROM pool WHERE pool_id = :agents), true, 'then it goes');
SELECT is((SELECT count(*) FROM pool_failures WHERE pool = 'gone'), 1::bigint, 'failures are kept');
SET pool_manager.clock = '2026-03-05 02:00:01+00';
SELECT is((SELECT count(*) FROM pool_failures WHERE pool = 'gone'), 0::bigint, 'for three days');
SELECT ok((SELECT bool_and(length("order"::text || pool || operation || phase || coalesce(flavor, '') || coalesce(reason, '')) < 90) FROM pool_orders), 'pool_orders can be read');

-- a flavor's name may be longer than what is left of a node's
SELECT create_flavor(repeat('f', 128), 'cpu=8', 'node') \gset
SELECT create_pool('long', 'dedicated', 'acme', 'net', nodes => jsonb_build_object(repeat('f', 128), 1)) AS long \gset
SELECT is((SELECT name::text FROM node WHERE pool_id = :long), repeat('f', 108) || '-' || (SELECT node_id FROM node WHERE pool_id = :long),
    'its nodes have the beginning of it');

SELECT * FROM finish();
ROLLBACK;
