-- The life of pools: making them, their size, what is ordered of them, their
-- end.  Nodes that are ordered come at once where the pool's provider is
-- instant, else when its agent says so; nodes that go are deleted by tasks.

-- what is given

CREATE FUNCTION refuse_argument(argument text, detail text, hint text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('invalid value for argument "%s"', argument),
        DETAIL = detail, HINT = hint;
END $$;
COMMENT ON FUNCTION refuse_argument(text, text, text) IS 'refuses the value of an argument (22023). Bodies of calls only';

CREATE FUNCTION check_labels(value jsonb, argument text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_typeof(value) <> 'object' OR jsonb_path_exists(value, 'strict $.* ? (@.type() != "string")') THEN
        PERFORM refuse_argument(argument, 'It must be an object of strings.', 'Write it like {"zone": "a"}.');
    END IF;
END $$;
COMMENT ON FUNCTION check_labels(jsonb, text) IS 'refuses what is no object of strings (22023). Bodies of calls only';

CREATE FUNCTION check_taints(value jsonb, argument text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_typeof(value) <> 'array' OR jsonb_path_exists(value, 'strict $[*] ? (@.type() != "object" ||
        exists (@.keyvalue() ? (@.value.type() != "string")) || !exists (@.keyvalue() ? (@.key == "key")))') THEN
        PERFORM refuse_argument(argument, 'It must be an array of objects of strings, each with a "key".',
            'Write it like [{"key": "gpu", "value": "reserved"}].');
    END IF;
END $$;
COMMENT ON FUNCTION check_taints(jsonb, text) IS
'refuses what is no array of objects of strings with a key (22023). Bodies of calls only';

CREATE FUNCTION exact_interval(given interval, argument text) RETURNS interval
LANGUAGE plpgsql AS $$
DECLARE
    -- by the fields: a day has 24 hours, a month 30 days, and no sum of them overflows
    seconds constant numeric :=
        ((extract(year FROM given) * 12 + extract(month FROM given)) * 30 + extract(day FROM given)) * 86400
        + extract(hour FROM given) * 3600 + extract(minute FROM given) * 60 + extract(second FROM given);
BEGIN
    IF seconds <= 0 OR seconds > 36000 * 86400::numeric THEN
        PERFORM refuse_argument(argument, 'It must be longer than 0 seconds and at most 100 years.',
            'Leave out the argument for the default.');
    END IF;
    RETURN make_interval(hours => div(seconds, 3600)::integer, secs => mod(seconds, 3600)::double precision);
END $$;
COMMENT ON FUNCTION exact_interval(interval, text) IS
'the same length of time in hours and less: a day counts 24 hours, a month 30 days. Bodies of calls only; 22023: not positive, or beyond 100 years';

CREATE FUNCTION flavor_counts(counts jsonb, argument text) RETURNS TABLE (flavor_id bigint, count integer)
LANGUAGE plpgsql AS $$
DECLARE
    unknown text;
BEGIN
    IF jsonb_typeof(counts) <> 'object'
        OR jsonb_path_exists(counts, 'strict $.* ? (@.type() != "number" || @ < 0 || @ > 1000000 || @ != @.floor())') THEN
        PERFORM refuse_argument(argument, 'It must be an object of numbers of nodes, by the names of their flavors; 0 to 1000000 each.',
            'Write it like {"vm.cpu.8u": 4}.');
    END IF;
    SELECT k INTO unknown FROM jsonb_object_keys(counts) AS k
    WHERE NOT EXISTS (SELECT FROM flavor f WHERE f.name = k) ORDER BY k LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('flavor "%s" does not exist', unknown),
            DETAIL = 'The catalogue has none of this name.',
            HINT = 'Table "flavor" shows them; an operator makes one with create_flavor().';
    END IF;
    RETURN QUERY SELECT f.flavor_id, (e.value)::numeric::integer
        FROM jsonb_each(counts) AS e JOIN flavor f ON f.name = e.key ORDER BY f.flavor_id;
END $$;
COMMENT ON FUNCTION flavor_counts(jsonb, text) IS
'numbers of nodes, by the ids of their flavors. Bodies of calls only; 22023: another form; 42704: no such flavor';

CREATE FUNCTION check_workspace(tenant bigint, workspace bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM workspace w WHERE w.tenant_id = check_workspace.tenant AND w.workspace_id = check_workspace.workspace;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('workspace %s does not exist', workspace),
            DETAIL = format('There is none with this id that role "%s" may see.', actor()),
            HINT = 'Table "workspace" shows those that it may see.';
    END IF;
END $$;
COMMENT ON FUNCTION check_workspace(bigint, bigint) IS
'refuses the id of a workspace that the tenant does not have (42704). Bodies of calls only';

-- what may be done to a pool now

CREATE FUNCTION lock_live_pool(pool bigint) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
    instant constant timestamptz := lock_pool(pool);
BEGIN
    -- it may have gone while this call waited
    PERFORM find_pool(pool);
    RETURN instant;
END $$;
COMMENT ON FUNCTION lock_live_pool(bigint) IS
'takes the lock of a pool that is not deleted; returns the instant of the change. Bodies of calls only; 42704: no such pool';

CREATE FUNCTION check_no_order(pool bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    it record;
BEGIN
    SELECT p.name, o.order_id, o.operation, o.phase, o.created_at INTO it FROM pool_order o JOIN pool p USING (pool_id)
    WHERE o.pool_id = check_no_order.pool AND o.ended_at IS NULL;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" has an open order', it.name),
            DETAIL = format('Order %s (%s) is %s.', it.order_id, it.operation, it.phase),
            HINT = 'Wait until it has ended; the view pool_orders shows how far it is.';
    END IF;
END $$;
COMMENT ON FUNCTION check_no_order(bigint) IS
'refuses to go on while an order of the pool is open (PM002). Under the pool''s lock; bodies of calls only';

CREATE FUNCTION check_changeable(pool bigint, sizes boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    it record;
BEGIN
    SELECT p.name, p.state, p.migrating, p.restrictions INTO it FROM pool p WHERE p.pool_id = check_changeable.pool;
    IF 'frozen' = ANY (it.restrictions) OR (sizes AND 'flavor_change' = ANY (it.restrictions)) THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool "%s" is restricted: %s', it.name,
                CASE WHEN 'frozen' = ANY (it.restrictions) THEN 'frozen' ELSE 'flavor_change' END),
            DETAIL = CASE WHEN 'frozen' = ANY (it.restrictions) THEN 'The provider has forbidden all changes of it but its deletion.'
                ELSE 'The provider has forbidden changes of its nodes'' number and flavors.' END,
            HINT = 'An operator can lift the restriction with restrict_pool().';
    END IF;
    IF NOT sizes THEN
        RETURN;
    END IF;
    IF it.state NOT IN ('running', 'scaling_failed') THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" is not running', it.name),
            DETAIL = format('It is %s, and only a running pool changes its size.', it.state),
            HINT = 'The view pool_orders shows what is under way.';
    END IF;
    IF it.migrating THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" is migrating', it.name),
            DETAIL = 'It is being made a unified pool; its size cannot change meanwhile.',
            HINT = 'Wait until the migration is done; the view pool_orders shows it.';
    END IF;
    PERFORM check_no_order(pool);
END $$;
COMMENT ON FUNCTION check_changeable(bigint, boolean) IS
'refuses changes of a frozen pool, and where the size is to change, of one that is restricted in that, is not running, is migrating or has an open order (PM002). Under the pool''s lock; bodies of calls only';

CREATE FUNCTION check_node_flavor(pool bigint, flavor bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    it record;
BEGIN
    SELECT p.name AS pool, p.kind, f.name, f.sku_id, f.cpu_architecture::text AS architecture, f.sale,
        (SELECT min(r.name) FROM resource_each(f.resources) r
         WHERE NOT EXISTS (SELECT FROM flavor_resource_sku s WHERE s.flavor_id = f.flavor_id AND s.resource = r.name)) AS unlisted,
        g.architecture AS pool_architecture, g.others INTO it
    FROM pool p, flavor f, LATERAL (
        SELECT min(g.cpu_architecture::text) AS architecture, count(*) FILTER (WHERE g.flavor_id <> f.flavor_id) AS others
        FROM node_group g WHERE g.pool_id = p.pool_id) g
    WHERE p.pool_id = check_node_flavor.pool AND f.flavor_id = check_node_flavor.flavor;
    IF it.kind = 'dedicated' AND it.sku_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('flavor "%s" has no SKU', it.name),
            DETAIL = 'Nodes of a dedicated pool are billed as the SKU of their flavor.',
            HINT = 'Give the flavor a SKU when you create it.';
    END IF;
    IF it.kind = 'public' AND it.unlisted IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('resource "%s" of flavor "%s" has no SKU', it.unlisted, it.name),
            DETAIL = 'Jobs with a bare request are billed by resource in a public pool.',
            HINT = 'Name one with set_resource_sku(), or list the resource as free with a NULL SKU.';
    END IF;
    IF it.architecture <> it.pool_architecture THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('pool "%s" cannot have nodes of flavor "%s"', it.pool, it.name),
            DETAIL = format('The flavor''s processors are %s, those of the pool %s.', it.architecture, it.pool_architecture),
            HINT = 'Make a pool of their own for nodes of another processor architecture.';
    END IF;
    IF it.others >= 10 THEN
        RAISE EXCEPTION USING ERRCODE = '54000',
            MESSAGE = format('pool "%s" cannot have nodes of flavor "%s"', it.pool, it.name),
            DETAIL = format('It has nodes of %s other flavors, which is the most.', it.others),
            HINT = 'Add nodes of one of these flavors, or make another pool.';
    END IF;
    IF it.sale = 'sold_out' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM003', MESSAGE = format('flavor "%s" is sold out', it.name),
            DETAIL = 'No more nodes of it can be had at the moment.',
            HINT = 'Wait until it is on sale again, or take another flavor.';
    END IF;
END $$;
COMMENT ON FUNCTION check_node_flavor(bigint, bigint) IS
'refuses nodes of a flavor that a pool cannot have more of. Bodies of calls only; 55000: it cannot be billed, or has another processor architecture; 54000: an eleventh flavor; PM003: sold out';

-- orders

CREATE FUNCTION open_order(pool bigint, operation order_operation, force boolean, flavors bigint[], initial integer[],
    target integer[], instant timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ordered constant bigint := nextval('order_id_seq');
BEGIN
    -- an agent has yet to begin; what is done at once has begun
    INSERT INTO pool_order (pool_id, order_id, tenant_id, operation, phase, created_at, started_at, force, requested_by)
    SELECT p.pool_id, ordered, p.tenant_id, open_order.operation,
        CASE p.provider WHEN 'external' THEN 'pending'::order_phase ELSE 'processing' END, open_order.instant,
        CASE p.provider WHEN 'external' THEN NULL ELSE open_order.instant END, open_order.force, actor()
    FROM pool p WHERE p.pool_id = open_order.pool;
    INSERT INTO pool_order_item (pool_id, order_id, flavor_id, tenant_id, initial_count, target_count, phase)
    SELECT o.pool_id, o.order_id, u.flavor_id, o.tenant_id, u.initial, u.target, o.phase
    FROM pool_order o, unnest(open_order.flavors, open_order.initial, open_order.target) AS u(flavor_id, initial, target)
    WHERE o.order_id = ordered;
    INSERT INTO event (tenant_id, at, kind, pool_id, to_state, actor, reason)
    SELECT o.tenant_id, o.created_at, 'order_phase', o.pool_id, o.phase, actor(), o.operation || ' ' || o.order_id
    FROM pool_order o WHERE o.order_id = ordered;
    RETURN ordered;
END $$;
COMMENT ON FUNCTION open_order(bigint, order_operation, boolean, bigint[], integer[], integer[], timestamptz) IS
'notes an order of a pool, with node counts before and wanted by flavor; returns its id. Under the pool''s lock; bodies of calls only';

CREATE FUNCTION live_nodes(pool bigint, flavor bigint) RETURNS integer
    LANGUAGE sql STABLE
    BEGIN ATOMIC
        -- a node has at most one open task; looked for node by node, all of the pool might be read for each
        SELECT (SELECT count(*) FROM node n
                WHERE n.pool_id = live_nodes.pool AND n.live_flavor_id = live_nodes.flavor AND n.deleted_at IS NULL)::integer
             - (SELECT count(*)
                FROM (SELECT t.* FROM node_task t
                      WHERE t.pool_id = live_nodes.pool AND t.ended_at IS NULL AND t.kind IN ('delete', 'migrate') OFFSET 0) t
                JOIN node n ON n.pool_id = t.pool_id AND n.node_id = t.node_id
                WHERE n.live_flavor_id = live_nodes.flavor AND n.deleted_at IS NULL)::integer;
    END;
COMMENT ON FUNCTION live_nodes(bigint, bigint) IS
'how many nodes of a flavor a pool has, without those that are going';

CREATE FUNCTION set_order_phase(pool bigint, ordered bigint, to_phase order_phase, instant timestamptz) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        WITH was AS MATERIALIZED (
            SELECT o.tenant_id, o.phase, o.operation, o.reason FROM pool_order o
            WHERE o.pool_id = set_order_phase.pool AND o.order_id = set_order_phase.ordered FOR UPDATE),
        written AS (
            UPDATE pool_order o SET phase = set_order_phase.to_phase,
                started_at = coalesce(o.started_at, set_order_phase.instant),
                ended_at = CASE WHEN set_order_phase.to_phase <> 'processing' THEN set_order_phase.instant END
            WHERE o.pool_id = set_order_phase.pool AND o.order_id = set_order_phase.ordered)
        INSERT INTO event (tenant_id, at, kind, pool_id, from_state, to_state, actor, reason)
        SELECT w.tenant_id, set_order_phase.instant, 'order_phase', set_order_phase.pool, w.phase, set_order_phase.to_phase, actor(),
            concat_ws(': ', w.operation || ' ' || set_order_phase.ordered, w.reason)
        FROM was w;
    END;
COMMENT ON FUNCTION set_order_phase(bigint, bigint, order_phase, timestamptz) IS
'takes an order on to a phase, and notes it. Bodies of calls only; PM002: the phase cannot follow';

CREATE FUNCTION begin_order(pool bigint, ordered bigint, instant timestamptz) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT set_order_phase(begin_order.pool, begin_order.ordered, 'processing', begin_order.instant);
        UPDATE pool_order_item i SET phase = 'processing'
        WHERE i.pool_id = begin_order.pool AND i.order_id = begin_order.ordered AND i.phase = 'pending';
    END;
COMMENT ON FUNCTION begin_order(bigint, bigint, timestamptz) IS 'notes that work on a pending order has begun. Bodies of calls only';

CREATE FUNCTION end_order(pool bigint, ordered bigint, instant timestamptz) RETURNS order_phase
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    it record;
    outcome order_phase;
BEGIN
    SELECT o.operation, o.phase INTO it FROM pool_order o WHERE o.pool_id = end_order.pool AND o.order_id = end_order.ordered;
    IF it.phase = 'pending' THEN
        PERFORM begin_order(pool, ordered, instant);
    END IF;
    -- what it got of what it wanted: nodes that were available once, or tasks that succeeded
    WITH done AS (
        SELECT i.flavor_id, live_nodes(i.pool_id, i.flavor_id) AS live,
            CASE WHEN it.operation IN ('create', 'resize', 'delete') THEN abs(i.target_count - i.initial_count) ELSE t.n END AS wanted,
            CASE WHEN it.operation IN ('create', 'resize', 'delete') AND i.target_count >= i.initial_count THEN (
                SELECT count(*) FROM node n WHERE n.pool_id = i.pool_id AND n.flavor_id = i.flavor_id
                    AND n.order_id = i.order_id AND n.available_at IS NOT NULL)
                ELSE t.succeeded END AS got,
            t.reason
        FROM pool_order_item i, LATERAL (
            SELECT count(*) AS n, count(*) FILTER (WHERE t.state = 'succeeded') AS succeeded,
                string_agg(DISTINCT t.reason, '; ') FILTER (WHERE t.state <> 'succeeded') AS reason
            -- by their key: a pool's id as a constant would let all its nodes be compared with all
            FROM (SELECT t.* FROM node_task t WHERE t.pool_id = i.pool_id AND t.order_id = i.order_id OFFSET 0) t
            JOIN node n ON n.pool_id = t.pool_id AND n.node_id = t.node_id
            WHERE n.flavor_id = i.flavor_id) t
        WHERE i.pool_id = end_order.pool AND i.order_id = end_order.ordered)
    UPDATE pool_order_item i SET result_count = d.live, reason = coalesce(i.reason, d.reason),
        phase = CASE WHEN d.got >= d.wanted THEN 'succeeded'::order_phase WHEN d.got = 0 THEN 'failed' ELSE 'partially_succeeded' END
    FROM done d WHERE i.pool_id = end_order.pool AND i.order_id = end_order.ordered AND i.flavor_id = d.flavor_id;
    -- an order without parts is its tasks
    WITH part AS (
        SELECT i.phase = 'succeeded' AS good, i.phase = 'failed' AS bad, i.reason FROM pool_order_item i
        WHERE i.pool_id = end_order.pool AND i.order_id = end_order.ordered
        UNION ALL
        SELECT t.state = 'succeeded', t.state <> 'succeeded', CASE WHEN t.state <> 'succeeded' THEN t.reason END FROM node_task t
        WHERE t.pool_id = end_order.pool AND t.order_id = end_order.ordered AND NOT EXISTS (
            SELECT FROM pool_order_item i WHERE i.pool_id = end_order.pool AND i.order_id = end_order.ordered)),
    whole AS (
        SELECT CASE WHEN coalesce(bool_and(p.good), true) THEN 'succeeded'::order_phase WHEN bool_and(p.bad) THEN 'failed'
            ELSE 'partially_succeeded' END AS phase, string_agg(DISTINCT p.reason, '; ') AS reason FROM part p)
    UPDATE pool_order o SET reason = coalesce(o.reason, w.reason) FROM whole w
    WHERE o.pool_id = end_order.pool AND o.order_id = end_order.ordered RETURNING w.phase INTO outcome;
    PERFORM set_order_phase(pool, ordered, outcome, instant);
    -- what could not be had, or not be deleted, is no longer wanted, or wanted again
    UPDATE node_group g SET target_count = s.target
    FROM (SELECT i.flavor_id, (i.result_count + g.step - 1) / g.step * g.step AS target
          FROM pool_order_item i JOIN node_group g USING (pool_id, flavor_id)
          WHERE i.pool_id = end_order.pool AND i.order_id = end_order.ordered AND it.operation IN ('create', 'resize', 'delete')) s
    WHERE g.pool_id = end_order.pool AND g.flavor_id = s.flavor_id AND g.target_count <> s.target;
    RETURN outcome;
END $$;
COMMENT ON FUNCTION end_order(bigint, bigint, timestamptz) IS
'ends an order with what was reached, by flavor and as a whole; returns its phase. Under the pool''s lock; bodies of calls only';

CREATE FUNCTION bury_pool(pool bigint, instant timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    -- submissions that are under way hold these rows; later ones see a deleted pool
    PERFORM FROM sub_pool s WHERE s.pool_id = bury_pool.pool ORDER BY s.sub_pool_id FOR UPDATE;
    PERFORM cancel_waiting(pool, ARRAY(SELECT q.job_id FROM job_queue q WHERE q.pool_id = bury_pool.pool),
        'the pool was deleted', instant);
    DELETE FROM node_group g WHERE g.pool_id = bury_pool.pool;
    DELETE FROM pool_job_type t WHERE t.pool_id = bury_pool.pool;
    UPDATE sub_pool s SET deleted_at = greatest(bury_pool.instant, s.created_at)
    WHERE s.pool_id = bury_pool.pool AND s.name IS NOT NULL AND s.deleted_at IS NULL;
    UPDATE pool p SET deleted_at = bury_pool.instant, network_id = NULL, migrating = false WHERE p.pool_id = bury_pool.pool;
    INSERT INTO event (tenant_id, at, kind, pool_id, from_state, actor)
    SELECT p.tenant_id, bury_pool.instant, 'pool_deleted', p.pool_id, p.state, actor() FROM pool p WHERE p.pool_id = bury_pool.pool;
END $$;
COMMENT ON FUNCTION bury_pool(bigint, timestamptz) IS
'marks a pool without nodes deleted: its name, its network and its quota are free. Under the pool''s lock; bodies of calls only';

CREATE FUNCTION advance_orders(pool bigint, instant timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    it record;
    left_over bigint[];
    outcome order_phase;
    removed integer;
BEGIN
    SELECT o.order_id, o.operation, o.phase, p.migrating INTO it FROM pool_order o JOIN pool p USING (pool_id)
    WHERE o.pool_id = advance_orders.pool AND o.ended_at IS NULL;
    -- who turns a pool into a unified one says when that is done
    IF NOT FOUND OR (it.operation = 'migrate' AND it.migrating) THEN
        RETURN;
    END IF;
    IF it.operation = 'delete' THEN
        -- nodes that something else was being done to
        SELECT array_agg(l.node_id) INTO left_over FROM (
            SELECT n.node_id FROM node n WHERE n.pool_id = advance_orders.pool AND n.deleted_at IS NULL
            EXCEPT SELECT t.node_id FROM node_task t WHERE t.pool_id = advance_orders.pool AND t.ended_at IS NULL
            EXCEPT SELECT t.node_id FROM node_task t WHERE t.pool_id = advance_orders.pool AND t.order_id = it.order_id) l;
        IF left_over IS NOT NULL THEN
            PERFORM request_tasks(pool, left_over, 'delete', instant, false, NULL, it.order_id);
            PERFORM advance_tasks(pool, instant);
        END IF;
    END IF;
    IF EXISTS (SELECT FROM node n WHERE n.pool_id = advance_orders.pool AND n.state = 'creating' AND n.order_id = it.order_id)
        OR EXISTS (SELECT FROM node_task t WHERE t.pool_id = advance_orders.pool AND t.ended_at IS NULL
            AND (t.order_id = it.order_id OR it.operation = 'delete')) THEN
        IF it.phase = 'pending' AND (
            EXISTS (SELECT FROM node n WHERE n.pool_id = advance_orders.pool AND n.order_id = it.order_id AND n.state <> 'creating')
            OR EXISTS (SELECT FROM node_task t WHERE t.pool_id = advance_orders.pool AND t.order_id = it.order_id
                AND t.state <> 'pending')) THEN
            PERFORM begin_order(pool, it.order_id, instant);
        END IF;
        RETURN;
    END IF;

    outcome := end_order(pool, it.order_id, instant);
    IF it.operation = 'create' THEN
        PERFORM set_pool_state(pool, CASE outcome WHEN 'failed' THEN 'creation_failed'::pool_state ELSE 'running' END, instant)
        FROM pool p WHERE p.pool_id = advance_orders.pool AND p.state = 'creating';
    ELSIF it.operation = 'resize' THEN
        DELETE FROM node_group g USING pool_order_item i
        WHERE i.pool_id = advance_orders.pool AND i.order_id = it.order_id AND i.target_count = 0
            AND g.pool_id = i.pool_id AND g.flavor_id = i.flavor_id AND g.target_count = 0
            AND NOT EXISTS (SELECT FROM node n WHERE n.pool_id = i.pool_id AND n.live_flavor_id = i.flavor_id AND n.deleted_at IS NULL);
        GET DIAGNOSTICS removed = ROW_COUNT;
        IF removed > 0 THEN
            UPDATE pool p SET generation = generation + 1 WHERE p.pool_id = advance_orders.pool;
        END IF;
        PERFORM set_pool_state(pool, CASE outcome WHEN 'failed' THEN 'scaling_failed'::pool_state ELSE 'running' END, instant)
        FROM pool p WHERE p.pool_id = advance_orders.pool AND p.state IN ('running', 'scaling_failed');
    ELSIF it.operation = 'delete' THEN
        IF EXISTS (SELECT FROM node n WHERE n.pool_id = advance_orders.pool AND n.deleted_at IS NULL) THEN
            PERFORM set_pool_state(pool, 'error', instant, 'not all nodes could be deleted');
        ELSE
            PERFORM bury_pool(pool, instant);
        END IF;
    END IF;
END $$;
COMMENT ON FUNCTION advance_orders(bigint, timestamptz) IS
'takes the open order of a pool on: it begins when the first of its nodes is there or its first task has begun, and ends when all nodes ordered are there or given up and all its tasks have ended. Then the pool runs, has failed, or is deleted. Under the pool''s lock; bodies of calls only';

-- nodes

CREATE FUNCTION make_node_group(pool bigint, flavor bigint, step integer, step_type node_step, labels jsonb, taints jsonb,
    disk_count integer, disk_gib integer, disk_type text) RETURNS integer
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    made integer;
BEGIN
    INSERT INTO node_group (pool_id, flavor_id, group_no, cpu_architecture, target_count, step, step_type, labels, taints,
        disk_count, disk_gib, disk_type)
    SELECT make_node_group.pool, f.flavor_id, (
            SELECT min(s) FROM generate_series(1, 10) AS s
            WHERE NOT EXISTS (SELECT FROM node_group g WHERE g.pool_id = make_node_group.pool AND g.group_no = s)),
        f.cpu_architecture, 0, make_node_group.step, make_node_group.step_type, make_node_group.labels, make_node_group.taints,
        make_node_group.disk_count, make_node_group.disk_gib, make_node_group.disk_type
    FROM flavor f WHERE f.flavor_id = make_node_group.flavor RETURNING group_no INTO made;
    UPDATE pool p SET generation = generation + 1 WHERE p.pool_id = make_node_group.pool;
    RETURN made;
END $$;
COMMENT ON FUNCTION make_node_group(bigint, bigint, integer, node_step, jsonb, jsonb, integer, integer, text) IS
'makes a node group without nodes; returns its number. Under the pool''s lock; bodies of calls only';

CREATE FUNCTION make_nodes(pool bigint, flavor bigint, count integer, prefix text, labels jsonb, taints jsonb, ordered bigint,
    instant timestamptz) RETURNS bigint[]
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    it record;
    made bigint[];
BEGIN
    SELECT p.tenant_id, p.kind, p.network_id, p.provider = 'instant' AS at_once, g.step,
        g.labels || make_nodes.labels AS labels, g.taints || make_nodes.taints AS taints,
        f.name, f.accelerator, CASE WHEN f.accelerator IS NOT NULL THEN p.driver END AS driver,
        f.resources - f.reserved
            + jsonb_build_object('storage', format('%sGi', g.disk_count::bigint * coalesce(g.disk_gib, 0)))::resource_list AS allocatable
    INTO it
    FROM pool p JOIN node_group g USING (pool_id) JOIN flavor f USING (flavor_id)
    WHERE p.pool_id = make_nodes.pool AND g.flavor_id = make_nodes.flavor;

    WITH s AS (
        SELECT i, nextval('node_id_seq') AS id FROM generate_series(1, make_nodes.count) AS i),
    n AS (
        INSERT INTO node (pool_id, node_id, flavor_id, tenant_id, name, state, state_since, driver, labels, taints, batch_id,
            order_id, created_at, available_at)
        SELECT make_nodes.pool, s.id, make_nodes.flavor, it.tenant_id, coalesce(make_nodes.prefix, left(it.name, 108)) || '-' || s.id,
            CASE WHEN it.at_once THEN 'available'::node_state ELSE 'creating' END, make_nodes.instant, it.driver, it.labels, it.taints,
            CASE WHEN it.step > 1 THEN first_value(s.id) OVER (PARTITION BY (s.i - 1) / it.step ORDER BY s.i) END,
            make_nodes.ordered, make_nodes.instant, CASE WHEN it.at_once THEN make_nodes.instant END
        FROM s RETURNING node_id),
    l AS (
        INSERT INTO node_load (pool_id, node_id, allocatable, accelerator, devices)
        SELECT make_nodes.pool, n.node_id, it.allocatable, it.accelerator,
            CASE WHEN it.accelerator IS NULL THEN '{}' ELSE array_fill(0, ARRAY[quantity(it.allocatable, it.accelerator)::integer]) END
        FROM n)
    SELECT array_agg(n.node_id ORDER BY n.node_id) INTO made FROM n;
    IF it.network_id IS NOT NULL THEN
        PERFORM take_node_addresses(it.network_id, pool, made, instant);
    END IF;
    IF it.at_once THEN
        PERFORM open_node_holdings(pool, made, instant);
    END IF;
    INSERT INTO event (tenant_id, at, kind, pool_id, to_state, actor, reason)
    VALUES (it.tenant_id, instant, 'nodes_added', pool, CASE WHEN it.at_once THEN 'available' ELSE 'creating' END, actor(),
        count || ' x ' || it.name);
    RETURN made;
END $$;
COMMENT ON FUNCTION make_nodes(bigint, bigint, integer, text, jsonb, jsonb, bigint, timestamptz) IS
'adds nodes to a node group for an order (NULL: none), named prefix-id, with labels and taints beyond those of the group; returns their ids. Under the pool''s lock; bodies of calls only';

CREATE FUNCTION choose_victims(pool bigint, flavor bigint, wanted integer) RETURNS TABLE (
    node_id bigint, node text, state node_state, runs bigint, jobs bigint[], batch_id bigint)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    it record;
BEGIN
    SELECT p.name AS pool, f.name AS flavor, count(*) FILTER (WHERE NOT s.locked AND NOT s.busy) AS free,
        coalesce(sum(s.size) FILTER (WHERE NOT s.locked AND NOT s.busy), 0) AS free_nodes,
        coalesce(sum(s.size) FILTER (WHERE s.locked), 0) AS locked,
        coalesce(sum(s.size) FILTER (WHERE s.busy AND NOT s.locked), 0) AS busy
    INTO it
    FROM pool p JOIN flavor f ON f.flavor_id = choose_victims.flavor LEFT JOIN (
        SELECT count(*) AS size, bool_or(n.delete_lock) AS locked, bool_or(t.node_id IS NOT NULL) AS busy
        FROM node n LEFT JOIN LATERAL (
            SELECT t.node_id, t.kind FROM node_task t
            WHERE t.pool_id = n.pool_id AND t.node_id = n.node_id AND t.ended_at IS NULL LIMIT 1) t ON true
        WHERE n.pool_id = choose_victims.pool AND n.live_flavor_id = choose_victims.flavor AND n.deleted_at IS NULL
            AND (t.kind IS NULL OR t.kind NOT IN ('delete', 'migrate'))
        GROUP BY coalesce(n.batch_id, n.node_id)) s ON true
    WHERE p.pool_id = choose_victims.pool GROUP BY p.name, f.name;
    IF it.free_nodes < wanted THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool "%s" has too few nodes of flavor "%s" that may be deleted', it.pool, it.flavor),
            DETAIL = format('%s are to go, %s may: %s are locked against deletion, and %s have a task that is open.',
                wanted, it.free_nodes, it.locked, it.busy),
            HINT = 'Unlock nodes, or wait until their tasks have ended.';
    END IF;
    RETURN QUERY
        WITH one AS (
            SELECT n.node_id, n.name, n.state, n.batch_id, n.delete_lock OR EXISTS (
                    SELECT FROM node_task t WHERE t.pool_id = n.pool_id AND t.node_id = n.node_id AND t.ended_at IS NULL) AS stays,
                a.runs, a.jobs
            FROM node n, LATERAL (
                SELECT count(DISTINCT a.run_id) AS runs, coalesce(array_agg(DISTINCT r.job_id ORDER BY r.job_id)
                    FILTER (WHERE r.job_id IS NOT NULL), '{}') AS jobs
                FROM allocation a JOIN job_run r USING (pool_id, run_id)
                WHERE a.node_id = n.node_id AND a.pool_id = n.pool_id AND a.released_at IS NULL) a
            WHERE n.pool_id = choose_victims.pool AND n.live_flavor_id = choose_victims.flavor AND n.deleted_at IS NULL),
        step AS (
            SELECT o.*, bool_or(o.stays) OVER w AS step_stays, bool_or(o.state = 'abnormal') OVER w AS abnormal,
                sum(o.runs) OVER w AS step_runs, max(o.node_id) OVER w AS youngest
            FROM one o WINDOW w AS (PARTITION BY coalesce(o.batch_id, o.node_id))),
        ranked AS (
            -- nodes of one step are peers: counted together
            SELECT s.*, count(*) OVER (ORDER BY s.abnormal DESC, s.step_runs, s.youngest DESC) AS upto
            FROM step s WHERE NOT s.step_stays)
        SELECT r.node_id, r.name::text, r.state, r.runs, r.jobs, r.batch_id
        FROM ranked r WHERE r.upto <= choose_victims.wanted ORDER BY r.upto, r.node_id DESC;
END $$;
COMMENT ON FUNCTION choose_victims(bigint, bigint, integer) IS
'the nodes of a flavor that go first where so many are to go. Bodies of calls only; PM002: not enough may go';

CREATE FUNCTION change_size(pool bigint, flavors bigint[], targets integer[], force boolean, prefix text, labels jsonb,
    taints jsonb, instant timestamptz, OUT ordered bigint, OUT made bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    it record;
    part record;
    current integer[];
    changed bigint[];
    remaining bigint;
BEGIN
    PERFORM check_changeable(pool, true);
    SELECT p.name, p.tenant_id, p.workspace_id, p.kind INTO it FROM pool p WHERE p.pool_id = change_size.pool;
    SELECT array_agg(live_nodes(change_size.pool, u.flavor_id) ORDER BY u.n) INTO current
    FROM unnest(flavors) WITH ORDINALITY AS u(flavor_id, n);
    IF EXISTS (SELECT FROM unnest(targets, current) AS u(target, now) WHERE u.target > u.now)
        AND EXISTS (SELECT FROM unnest(targets, current) AS u(target, now) WHERE u.target < u.now) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('pool "%s" cannot grow and shrink in one request', it.name),
            DETAIL = (SELECT string_agg(format('%s: from %s to %s', f.name, u.now, u.target), '; ' ORDER BY f.name) || '.'
                FROM unnest(flavors, targets, current) AS u(flavor_id, target, now) JOIN flavor f USING (flavor_id)
                WHERE u.now <> u.target),
            HINT = 'Ask for what is to grow and what is to shrink one after the other.';
    END IF;
    SELECT f.name, g.step, g.step_type, u.target INTO part
    FROM unnest(flavors, targets) AS u(flavor_id, target) JOIN flavor f USING (flavor_id)
    JOIN node_group g ON g.pool_id = change_size.pool AND g.flavor_id = u.flavor_id WHERE u.target % g.step <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('%s nodes of flavor "%s" are no whole number of steps', part.target, part.name),
            DETAIL = format('They come and go by the %s, %s nodes together.', part.step_type, part.step),
            HINT = format('Ask for a multiple of %s.', part.step);
    END IF;
    IF EXISTS (SELECT FROM unnest(targets, current) AS u(target, now) WHERE u.target < u.now) THEN
        SELECT count(*) INTO remaining FROM node_group g, LATERAL (
            SELECT FROM generate_series(1, CASE WHEN g.flavor_id = ANY (change_size.flavors)
                THEN change_size.targets[array_position(change_size.flavors, g.flavor_id)]
                ELSE live_nodes(g.pool_id, g.flavor_id) END) LIMIT 1) AS n
        WHERE g.pool_id = change_size.pool;
        IF remaining = 0 THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('pool "%s" would have no node', it.name),
                DETAIL = 'A pool keeps at least one node.', HINT = 'To give back all of it use delete_pool().';
        END IF;
    END IF;
    SELECT sum(u.target - u.now) INTO remaining FROM unnest(targets, current) AS u(target, now) WHERE u.target > u.now;
    IF remaining > 100000 THEN
        PERFORM refuse_argument('counts', 'An order adds at most 100000 nodes.', 'Call resize_pool() again for more.');
    END IF;
    IF remaining > 0 THEN
        IF it.kind = 'dedicated' THEN
            PERFORM check_not_frozen(it.tenant_id);
            PERFORM check_quota(it.tenant_id, it.workspace_id, 'nodes', remaining);
        END IF;
        FOR part IN SELECT u.flavor_id FROM unnest(flavors, targets, current) AS u(flavor_id, target, now) WHERE u.target > u.now LOOP
            PERFORM check_node_flavor(pool, part.flavor_id);
            IF NOT EXISTS (SELECT FROM node_group g WHERE g.pool_id = change_size.pool AND g.flavor_id = part.flavor_id) THEN
                PERFORM make_node_group(pool, part.flavor_id, 1, NULL, '{}', '[]', 0, NULL, NULL);
            END IF;
        END LOOP;
    END IF;

    -- parts that stay as they are belong to an order only if nothing changes
    SELECT array_agg(u.flavor_id) INTO changed FROM unnest(flavors, targets, current) AS u(flavor_id, target, now) WHERE u.target <> u.now;
    SELECT open_order(change_size.pool, 'resize', change_size.force, array_agg(u.flavor_id), array_agg(u.now), array_agg(u.target),
        change_size.instant) INTO ordered
    FROM unnest(flavors, targets, current) AS u(flavor_id, target, now) WHERE changed IS NULL OR u.flavor_id = ANY (changed);
    UPDATE node_group g SET target_count = u.target FROM unnest(flavors, targets) AS u(flavor_id, target)
    WHERE g.pool_id = change_size.pool AND g.flavor_id = u.flavor_id AND g.target_count <> u.target;
    FOR part IN SELECT u.flavor_id, u.target - u.now AS more
        FROM unnest(flavors, targets, current) AS u(flavor_id, target, now) WHERE u.target <> u.now LOOP
        IF part.more > 0 THEN
            made := made || make_nodes(pool, part.flavor_id, part.more, prefix, labels, taints, ordered, instant);
        ELSE
            PERFORM request_tasks(pool, ARRAY(SELECT v.node_id FROM choose_victims(pool, part.flavor_id, -part.more) AS v),
                'delete', instant, force, NULL, ordered);
        END IF;
    END LOOP;
    PERFORM advance_pool(pool, instant);
END $$;
COMMENT ON FUNCTION change_size(bigint, bigint[], integer[], boolean, text, jsonb, jsonb, timestamptz) IS
'orders numbers of nodes by flavor; returns the order and the nodes that were added. Under the pool''s lock; bodies of calls only';

CREATE FUNCTION drop_creating(pool bigint, nodes bigint[], why text, instant timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_node_states(pool, nodes, 'deleting', instant, why);
    PERFORM release_nodes(pool, nodes, instant);
    UPDATE node_group g SET target_count = greatest(g.target_count - s.n, 0)
    FROM (SELECT n.flavor_id, count(*)::integer AS n FROM node n
          WHERE n.pool_id = drop_creating.pool AND n.node_id = ANY (drop_creating.nodes) GROUP BY n.flavor_id) s
    WHERE g.pool_id = drop_creating.pool AND g.flavor_id = s.flavor_id;
    UPDATE pool_order_item i SET reason = left(concat_ws('; ', i.reason, drop_creating.why), 1000)
    FROM (SELECT DISTINCT n.flavor_id, n.order_id FROM node n
          WHERE n.pool_id = drop_creating.pool AND n.node_id = ANY (drop_creating.nodes)) s
    WHERE i.pool_id = drop_creating.pool AND i.order_id = s.order_id AND i.flavor_id = s.flavor_id AND i.result_count IS NULL
        AND coalesce(position(drop_creating.why IN i.reason), 0) = 0;
END $$;
COMMENT ON FUNCTION drop_creating(bigint, bigint[], text, timestamptz) IS
'gives up nodes that never were available. Under the pool''s lock; bodies of calls only';

-- making a pool

CREATE FUNCTION create_pool(
    name text, kind pool_kind, tenant bigint DEFAULT NULL, network bigint DEFAULT NULL,
    job_types job_kind[] DEFAULT '{training,inference,notebook,workflow}',
    queue_policy queue_policy DEFAULT 'fifo', placement placement_policy DEFAULT 'pack',
    launch launch_mode DEFAULT 'immediate', default_time_limit interval DEFAULT NULL,
    stop_timeout interval DEFAULT '10 minutes', provider provider_mode DEFAULT 'instant',
    workspace bigint DEFAULT NULL, unified boolean DEFAULT true, container_network container_network DEFAULT 'overlay',
    restart_timeout interval DEFAULT '30 minutes', description text DEFAULT NULL, tags jsonb DEFAULT '{}',
    nodes jsonb DEFAULT '{}', request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    exclusive constant boolean := create_pool.kind = 'dedicated';
    owner_id constant bigint := coalesce(create_pool.tenant, 0);
    cost_centre bigint := create_pool.workspace;
    limit_by_default interval := create_pool.default_time_limit;
    limit_of_stop interval;
    limit_of_restart interval;
    given text;
    earlier bigint[];
    flavors bigint[];
    counts integer[];
    instant timestamptz;
    made bigint;
    ordered bigint;
BEGIN
    PERFORM check_name(create_pool.name, 'name');
    IF create_pool.tenant IS NOT NULL THEN
        PERFORM find_tenant(create_pool.tenant);
    END IF;
    IF limit_by_default IS NOT NULL THEN
        limit_by_default := exact_interval(limit_by_default, 'default_time_limit');
    END IF;
    limit_of_stop := exact_interval(create_pool.stop_timeout, 'stop_timeout');
    limit_of_restart := exact_interval(create_pool.restart_timeout, 'restart_timeout');
    IF array_position(create_pool.job_types, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "job_types" must not contain null',
            DETAIL = 'Each element is a type of jobs that the pool takes.', HINT = 'Leave out the argument for all types.';
    END IF;
    IF length(create_pool.description) > 1024 THEN
        PERFORM refuse_argument('description', 'It has at most 1024 characters.', 'Shorten it.');
    END IF;
    PERFORM check_labels(create_pool.tags, 'tags');
    IF create_pool.tags ? '' THEN
        PERFORM refuse_argument('tags', 'A tag has a key that is not empty.', 'Write it like {"team": "vision"}.');
    END IF;

    IF NOT exclusive THEN
        given := CASE WHEN create_pool.tenant IS NOT NULL THEN 'tenant' WHEN create_pool.network IS NOT NULL THEN 'network'
            WHEN create_pool.workspace IS NOT NULL THEN 'workspace' END;
        IF given IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('public pool "%s" cannot have a %s', create_pool.name, given),
                DETAIL = 'Public pools belong to the provider.',
                HINT = format('Leave out the argument "%s", or make the pool dedicated.', given);
        END IF;
        PERFORM require_level(0, 'operator');
        IF NOT create_pool.unified OR create_pool.container_network <> 'overlay' THEN
            given := CASE WHEN NOT create_pool.unified THEN 'unified' ELSE 'container_network' END;
            RAISE EXCEPTION USING ERRCODE = 'PM003',
                MESSAGE = format('public pool "%s" cannot be customized: %s', create_pool.name, given),
                DETAIL = 'Single-purpose pools and addresses for replicas are for dedicated pools.',
                HINT = format('Leave out the argument "%s", or make the pool dedicated.', given);
        END IF;
    ELSE
        given := CASE WHEN create_pool.tenant IS NULL THEN 'tenant' WHEN create_pool.network IS NULL THEN 'network' END;
        IF given IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('dedicated pool "%s" has no %s', create_pool.name, given),
                DETAIL = 'A dedicated pool has an owner and a network of the owner''s.',
                HINT = format('Name it with the argument "%s".', given);
        END IF;
        PERFORM require_level(create_pool.tenant, 'owner');
        IF cost_centre IS NULL THEN
            SELECT w.workspace_id INTO cost_centre FROM workspace w WHERE w.tenant_id = create_pool.tenant AND w.name = 'default';
        ELSE
            PERFORM check_workspace(create_pool.tenant, cost_centre);
        END IF;
    END IF;
    IF NOT create_pool.unified AND NOT (
        create_pool.job_types @> '{training,notebook}' AND create_pool.job_types <@ '{training,notebook}'
        OR create_pool.job_types @> '{inference}' AND create_pool.job_types <@ '{inference}') THEN
        PERFORM refuse_argument('job_types', 'A single-purpose pool takes training and notebook, or inference alone.',
            'Name these, or make the pool unified.');
    END IF;
    SELECT array_agg(c.flavor_id), array_agg(c.count) INTO flavors, counts
    FROM flavor_counts(create_pool.nodes, 'nodes') c WHERE c.count > 0;
    IF (SELECT sum(c) FROM unnest(counts) AS c) > 100000 THEN
        PERFORM refuse_argument('nodes', 'An order adds at most 100000 nodes.', 'Call resize_pool() for more.');
    END IF;

    earlier := earlier_results(owner_id);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    IF exclusive THEN
        PERFORM check_not_frozen(owner_id);
        PERFORM check_quota(owner_id, cost_centre, 'pools', 1);
        PERFORM check_quota(owner_id, cost_centre, 'nodes', (SELECT sum(c) FROM unnest(counts) AS c)) WHERE flavors IS NOT NULL;
        -- it must not become abnormal, or go, before this pool is there
        SELECT n.name INTO given FROM network n
        WHERE n.network_id = create_pool.network AND n.tenant_id = create_pool.tenant FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('network %s does not exist', create_pool.network),
                DETAIL = format('There is none with this id that role "%s" may see.', actor()),
                HINT = 'Table "network" shows those that it may see.';
        END IF;
        PERFORM FROM network n WHERE n.network_id = create_pool.network AND n.state = 'active';
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('network "%s" is not active', given),
                DETAIL = 'Only an active network takes pools.', HINT = 'Wait until it is, or take another one.';
        END IF;
    END IF;

    instant := write_clock();
    INSERT INTO pool (name, kind, tenant_id, network_id, state, queue_policy, placement, launch, default_time_limit, stop_timeout,
        restart_timeout, provider, workspace_id, unified, container_network, description, tags, created_at)
    VALUES (create_pool.name, create_pool.kind, owner_id, create_pool.network,
        CASE WHEN flavors IS NULL THEN 'running'::pool_state ELSE 'creating' END, create_pool.queue_policy, create_pool.placement,
        create_pool.launch, limit_by_default, limit_of_stop, limit_of_restart, create_pool.provider, cost_centre, create_pool.unified,
        create_pool.container_network, create_pool.description, create_pool.tags, instant)
    ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING RETURNING pool_id INTO made;
    IF made IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = format('pool "%s" already exists', create_pool.name),
            DETAIL = 'Names are not given twice.',
            HINT = 'Choose another name; with a "request_id" a call can be repeated.';
    END IF;
    INSERT INTO pool_clock (pool_id, last_instant) VALUES (made, instant);
    INSERT INTO pool_job_type (pool_id, kind) SELECT DISTINCT made, k FROM unnest(create_pool.job_types) AS k;
    INSERT INTO sub_pool (pool_id, tenant_id, pool_kind, owner_id)
    SELECT made, create_pool.tenant, create_pool.kind, create_pool.tenant WHERE exclusive;
    INSERT INTO event (tenant_id, at, kind, pool_id, to_state, actor)
    VALUES (owner_id, instant, 'pool_created', made, CASE WHEN flavors IS NULL THEN 'running' ELSE 'creating' END, actor());
    IF flavors IS NOT NULL THEN
        ordered := open_order(made, 'create', false, flavors, array_fill(0, ARRAY[cardinality(flavors)]), counts, instant);
        FOR i IN 1 .. cardinality(flavors) LOOP
            PERFORM check_node_flavor(made, flavors[i]);
            PERFORM make_node_group(made, flavors[i], 1, NULL, '{}', '[]', 0, NULL, NULL);
            UPDATE node_group g SET target_count = counts[i] WHERE g.pool_id = made AND g.flavor_id = flavors[i];
            PERFORM make_nodes(made, flavors[i], counts[i], NULL, '{}', '[]', ordered, instant);
        END LOOP;
        PERFORM advance_pool(made, instant);
    END IF;
    PERFORM remember_results(ARRAY[made]);
    RETURN made;
END $$;
COMMENT ON FUNCTION create_pool(text, pool_kind, bigint, bigint, job_kind[], queue_policy, placement_policy, launch_mode, interval, interval, provider_mode, bigint, boolean, container_network, interval, text, jsonb, jsonb, text) IS
'makes a resource pool; returns its id. A dedicated pool needs tenant and network, a public one has neither, and no workspace. nodes says how many of which flavor are ordered with it: {"flavor": count}; until they are there it is creating, and without any it is running at once. provider external: an agent reports each node. unified false: a single-purpose pool, for training and notebook or for inference. Operators, or owners of the tenant (42501); 22023: tenant or network missing or too many, a time limit that is not positive or beyond 100 years (a day counts 24 hours, a month 30 days), job types of no single purpose, tags that are no object of strings; 22004: a job type is NULL; 42710: the name is taken; 42704: no such tenant, network, workspace or flavor; PM002: the network is not active; PM003: a customization of a public pool, a flavor that is sold out; PM005: the tenant is frozen; PM007: a quota would be exceeded; of nodes as add_nodes';
CREATE FUNCTION create_pool(
    name text, kind pool_kind, tenant text, network text DEFAULT NULL,
    job_types job_kind[] DEFAULT '{training,inference,notebook,workflow}',
    queue_policy queue_policy DEFAULT 'fifo', placement placement_policy DEFAULT 'pack',
    launch launch_mode DEFAULT 'immediate', default_time_limit interval DEFAULT NULL,
    stop_timeout interval DEFAULT '10 minutes', provider provider_mode DEFAULT 'instant',
    workspace text DEFAULT NULL, unified boolean DEFAULT true, container_network container_network DEFAULT 'overlay',
    restart_timeout interval DEFAULT '30 minutes', description text DEFAULT NULL, tags jsonb DEFAULT '{}',
    nodes jsonb DEFAULT '{}', request_id text DEFAULT NULL) RETURNS bigint
    LANGUAGE sql SET search_path = pg_catalog, pool_manager, pg_temp AS $$
        -- without a tenant there is nobody whose network or workspace it could be
        SELECT pool_manager.create_pool(name, kind, CASE WHEN tenant IS NOT NULL THEN pool_manager.find_tenant(tenant) END,
            CASE WHEN network IS NULL THEN NULL WHEN tenant IS NULL THEN 0
                 ELSE pool_manager.find_network(network, pool_manager.find_tenant(tenant)) END,
            job_types, queue_policy, placement, launch, default_time_limit, stop_timeout, provider,
            CASE WHEN workspace IS NULL THEN NULL WHEN tenant IS NULL THEN 0
                 ELSE pool_manager.find_workspace(pool_manager.find_tenant(tenant), workspace) END,
            unified, container_network, restart_timeout, description, tags, nodes, request_id);
    $$;
COMMENT ON FUNCTION create_pool(text, pool_kind, text, text, job_kind[], queue_policy, placement_policy, launch_mode, interval, interval, provider_mode, text, boolean, container_network, interval, text, jsonb, jsonb, text) IS
'the same, tenant, network and workspace by name';

CREATE FUNCTION retry_pool(pool bigint, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    earlier bigint[];
    flavors bigint[];
    counts integer[];
    instant timestamptz;
    ordered bigint;
BEGIN
    PERFORM find_pool(retry_pool.pool);
    SELECT p.name, p.tenant_id, p.workspace_id, p.kind INTO it FROM pool p WHERE p.pool_id = retry_pool.pool;
    PERFORM require_level(it.tenant_id, 'owner');
    earlier := earlier_results(it.tenant_id);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    SELECT array_agg(i.flavor_id ORDER BY i.flavor_id), array_agg(i.target_count ORDER BY i.flavor_id) INTO flavors, counts
    FROM pool_order_item i
    WHERE i.pool_id = retry_pool.pool AND i.order_id = (
        SELECT max(o.order_id) FROM pool_order o WHERE o.pool_id = retry_pool.pool AND o.operation = 'create');
    IF it.kind = 'dedicated' THEN
        PERFORM check_not_frozen(it.tenant_id);
        PERFORM check_quota(it.tenant_id, it.workspace_id, 'nodes', (SELECT sum(c) FROM unnest(counts) AS c)) WHERE flavors IS NOT NULL;
    END IF;
    instant := lock_live_pool(retry_pool.pool);
    PERFORM check_changeable(retry_pool.pool, false);
    PERFORM FROM pool p WHERE p.pool_id = retry_pool.pool AND p.state = 'creation_failed';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('the creation of pool "%s" has not failed', it.name),
            DETAIL = (SELECT format('It is %s.', p.state) FROM pool p WHERE p.pool_id = retry_pool.pool),
            HINT = 'To change its size use resize_pool().';
    END IF;
    FOR i IN 1 .. cardinality(flavors) LOOP
        PERFORM check_node_flavor(retry_pool.pool, flavors[i]);
    END LOOP;
    PERFORM set_pool_state(retry_pool.pool, 'creating', instant, 'tried again');
    ordered := open_order(retry_pool.pool, 'create', false, flavors, array_fill(0, ARRAY[cardinality(flavors)]), counts, instant);
    FOR i IN 1 .. cardinality(flavors) LOOP
        IF NOT EXISTS (SELECT FROM node_group g WHERE g.pool_id = retry_pool.pool AND g.flavor_id = flavors[i]) THEN
            PERFORM make_node_group(retry_pool.pool, flavors[i], 1, NULL, '{}', '[]', 0, NULL, NULL);
        END IF;
        UPDATE node_group g SET target_count = counts[i] WHERE g.pool_id = retry_pool.pool AND g.flavor_id = flavors[i];
        PERFORM make_nodes(retry_pool.pool, flavors[i], counts[i], NULL, '{}', '[]', ordered, instant);
    END LOOP;
    PERFORM advance_pool(retry_pool.pool, instant);
    PERFORM remember_results(ARRAY[ordered]);
    RETURN ordered;
END $$;
COMMENT ON FUNCTION retry_pool(bigint, text) IS
'orders the nodes of a pool whose creation failed once more; returns the order''s id. Owners of the pool (42501); 42704: no such pool; PM002: its creation has not failed, or it is frozen; PM003: a flavor is sold out; PM005: the tenant is frozen; PM007: a quota would be exceeded';
CREATE FUNCTION retry_pool(pool text, request_id text DEFAULT NULL) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT retry_pool(find_pool(pool), request_id);
    END;
COMMENT ON FUNCTION retry_pool(text, text) IS 'the same, the pool by name';

-- its size

CREATE FUNCTION add_nodes(
    pool bigint, flavor text, count integer DEFAULT 1, name_prefix text DEFAULT NULL,
    labels jsonb DEFAULT '{}', taints jsonb DEFAULT '[]',
    request_id text DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    earlier bigint[];
    wanted bigint;
    instant timestamptz;
    made bigint[];
BEGIN
    PERFORM check_labels(add_nodes.labels, 'labels');
    PERFORM check_taints(add_nodes.taints, 'taints');
    PERFORM find_pool(add_nodes.pool);
    SELECT p.tenant_id, p.workspace_id, p.kind INTO it FROM pool p WHERE p.pool_id = add_nodes.pool;
    PERFORM require_level(it.tenant_id, 'owner');
    IF add_nodes.count NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('cannot add %s nodes', add_nodes.count),
            DETAIL = 'A call adds between 1 and 100000.', HINT = 'Call add_nodes() again for more.';
    END IF;
    earlier := earlier_results(it.tenant_id);
    IF earlier IS NOT NULL THEN
        RETURN QUERY SELECT unnest(earlier);
        RETURN;
    END IF;
    SELECT c.flavor_id INTO wanted FROM flavor_counts(jsonb_build_object(add_nodes.flavor, add_nodes.count), 'flavor') c;
    PERFORM check_name(coalesce(add_nodes.name_prefix, add_nodes.flavor), 'name_prefix');
    IF length(coalesce(add_nodes.name_prefix, add_nodes.flavor)) > 108 THEN
        PERFORM refuse_argument('name_prefix',
            'Nodes are named prefix-id: of 128 characters, 108 are left for the prefix, by default the flavor''s name.',
            'Give a shorter one.');
    END IF;
    IF it.kind = 'dedicated' THEN
        PERFORM check_quota(it.tenant_id, it.workspace_id, 'nodes', add_nodes.count);
    END IF;
    instant := lock_live_pool(add_nodes.pool);
    SELECT s.made INTO made FROM change_size(add_nodes.pool, ARRAY[wanted],
        ARRAY[live_nodes(add_nodes.pool, wanted) + add_nodes.count], false, add_nodes.name_prefix, add_nodes.labels, add_nodes.taints,
        instant) s;
    PERFORM remember_results(made);
    RETURN QUERY SELECT unnest(made);
END $$;
COMMENT ON FUNCTION add_nodes(bigint, text, integer, text, jsonb, jsonb, text) IS
'orders 1 to 100,000 more nodes of a flavor, named prefix-id (the flavor''s name by default), with labels and taints beyond those of its node group; returns their ids. They are available at once; in a pool with an external provider they are creating until node_ready(). Nodes of a dedicated pool are billed from when they first are available. Owners of the pool (42501); 42704: no such flavor; 55000: the flavor, or a resource of it in a public pool, has no SKU, or it has another processor architecture than the pool; 54000: an eleventh flavor; 22023: labels or taints of another form, a prefix of more than 108 characters, no whole number of steps; PM002: the pool is not running, is migrating, restricted or has an open order; 54000: its network has too few free addresses; PM003: the flavor is sold out; PM005: the tenant is frozen; PM007: a quota would be exceeded';
CREATE FUNCTION add_nodes(
    pool text, flavor text, count integer DEFAULT 1, name_prefix text DEFAULT NULL,
    labels jsonb DEFAULT '{}', taints jsonb DEFAULT '[]',
    request_id text DEFAULT NULL) RETURNS SETOF bigint
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT n FROM add_nodes(find_pool(pool), flavor, count, name_prefix, labels, taints, request_id) AS n;
    END;
COMMENT ON FUNCTION add_nodes(text, text, integer, text, jsonb, jsonb, text) IS 'the same, the pool by name';

CREATE FUNCTION resize_pool(pool bigint, counts jsonb, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    earlier bigint[];
    flavors bigint[];
    targets integer[];
    more bigint;
    instant timestamptz;
    ordered bigint;
BEGIN
    PERFORM find_pool(resize_pool.pool);
    SELECT p.tenant_id, p.workspace_id, p.kind INTO it FROM pool p WHERE p.pool_id = resize_pool.pool;
    PERFORM require_level(it.tenant_id, 'owner');
    earlier := earlier_results(it.tenant_id);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    SELECT array_agg(c.flavor_id), array_agg(c.count) INTO flavors, targets FROM flavor_counts(resize_pool.counts, 'counts') c;
    IF flavors IS NULL THEN
        PERFORM refuse_argument('counts', 'It names no flavor.', 'Write it like {"vm.cpu.8u": 4}.');
    END IF;
    IF it.kind = 'dedicated' THEN
        -- the lock of the quota comes before that of the pool
        SELECT sum(greatest(u.target - live_nodes(resize_pool.pool, u.flavor_id), 0)) INTO more
        FROM unnest(flavors, targets) AS u(flavor_id, target);
        PERFORM check_quota(it.tenant_id, it.workspace_id, 'nodes', more) WHERE more > 0;
    END IF;
    instant := lock_live_pool(resize_pool.pool);
    SELECT s.ordered INTO ordered
    FROM change_size(resize_pool.pool, flavors, targets, resize_pool.force, NULL, '{}', '[]', instant) s;
    PERFORM remember_results(ARRAY[ordered]);
    RETURN ordered;
END $$;
COMMENT ON FUNCTION resize_pool(bigint, jsonb, boolean, text) IS
'orders how many nodes of each flavor named a pool is to have: {"flavor": count}; returns the order''s id. 0 removes a flavor. Nodes that go are those of resize_victims(): idle ones at once, others when their jobs have ended; force ends the jobs. Owners of the pool (42501); 42704: no such pool or flavor; 22023: counts of another form, growth and shrinkage together, no node left, no whole number of steps, more than 100,000 new nodes; PM002: the pool is not running, is migrating, restricted or has an open order, or too few nodes may be deleted; PM003: a flavor is sold out; 55000 and 54000 as add_nodes; PM005: the tenant is frozen; PM007: a quota would be exceeded';
CREATE FUNCTION resize_pool(pool text, counts jsonb, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT resize_pool(find_pool(pool), counts, force, request_id);
    END;
COMMENT ON FUNCTION resize_pool(text, jsonb, boolean, text) IS 'the same, the pool by name';
CREATE FUNCTION resize_pool(pool bigint, flavor text, count integer, force boolean DEFAULT false, request_id text DEFAULT NULL)
    RETURNS bigint
LANGUAGE pool_manager AS $$
BEGIN
    RETURN resize_pool(pool, jsonb_build_object(flavor, count), force, request_id);
END $$;
COMMENT ON FUNCTION resize_pool(bigint, text, integer, boolean, text) IS 'the same for one flavor';
CREATE FUNCTION resize_pool(pool text, flavor text, count integer, force boolean DEFAULT false, request_id text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT resize_pool(find_pool(pool), flavor, count, force, request_id);
    END;
COMMENT ON FUNCTION resize_pool(text, text, integer, boolean, text) IS 'the same for one flavor, the pool by name';

CREATE FUNCTION resize_victims(pool bigint, flavor text, count integer) RETURNS TABLE (
    node_id bigint, node text, state node_state, runs bigint, jobs bigint[], batch_id bigint)
LANGUAGE pool_manager STABLE AS $$
#variable_conflict use_column
DECLARE
    owner_id bigint;
    part record;
BEGIN
    PERFORM find_pool(resize_victims.pool);
    SELECT p.tenant_id INTO owner_id FROM pool p WHERE p.pool_id = resize_victims.pool;
    PERFORM require_level(owner_id, 'viewer');
    SELECT c.flavor_id, c.count, live_nodes(resize_victims.pool, c.flavor_id) - c.count AS going INTO part
    FROM flavor_counts(jsonb_build_object(resize_victims.flavor, resize_victims.count), 'count') c;
    IF part.going > 0 THEN
        RETURN QUERY SELECT v.* FROM choose_victims(resize_victims.pool, part.flavor_id, part.going) v;
    END IF;
END $$;
COMMENT ON FUNCTION resize_victims(bigint, text, integer) IS
'the nodes that would go, in this order, if the pool were resized to so many nodes of the flavor now: abnormal ones first, then those with the fewest runs, of these the youngest; never one that is locked or has an open task; nodes that came as one step together. With their live runs and the jobs of these. Nothing is changed. Viewers of the pool''s owner, of a public pool operators (42501); 42704: no such pool or flavor; 22023: a negative count; PM002: too few may go';
CREATE FUNCTION resize_victims(pool text, flavor text, count integer) RETURNS TABLE (
    node_id bigint, node text, state node_state, runs bigint, jobs bigint[], batch_id bigint)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT v.node_id, v.node, v.state, v.runs, v.jobs, v.batch_id FROM resize_victims(find_pool(pool), flavor, count) v;
    END;
COMMENT ON FUNCTION resize_victims(text, text, integer) IS 'the same, the pool by name';

-- node groups

CREATE FUNCTION check_disks(disk_count integer, disk_gib integer, disk_type text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    it record;
BEGIN
    IF disk_count NOT BETWEEN 0 AND 16 THEN
        PERFORM refuse_argument('disk_count', 'A node has 0 to 16 data disks.', 'Take larger ones.');
    END IF;
    IF (disk_count = 0) <> (disk_gib IS NULL) OR (disk_count = 0) <> (disk_type IS NULL) THEN
        PERFORM refuse_argument('disk_count', 'Data disks have a size and a type, and without disks there is neither.',
            'Give disk_count, disk_gib and disk_type together.');
    END IF;
    IF disk_count = 0 THEN
        RETURN;
    END IF;
    SELECT v.least_gib, v.most_gib INTO it FROM volume_type v WHERE v.volume_type = check_disks.disk_type;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('volume type "%s" does not exist', disk_type),
            DETAIL = 'The catalogue has none of this name.', HINT = 'Table "volume_type" shows them.';
    END IF;
    IF disk_gib NOT BETWEEN it.least_gib AND it.most_gib THEN
        PERFORM refuse_argument('disk_gib', format('A volume of this type has %s to %s GiB.', it.least_gib, it.most_gib),
            'Take another size or type.');
    END IF;
END $$;
COMMENT ON FUNCTION check_disks(integer, integer, text) IS
'refuses data disks that nodes cannot have. Bodies of calls only; 22023: their number or size; 42704: no such volume type';

CREATE FUNCTION create_node_group(pool bigint, flavor text, step integer DEFAULT 1, step_type node_step DEFAULT NULL,
    labels jsonb DEFAULT '{}', taints jsonb DEFAULT '[]', disk_count integer DEFAULT 0, disk_gib integer DEFAULT NULL,
    disk_type text DEFAULT NULL, request_id text DEFAULT NULL) RETURNS integer
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    earlier bigint[];
    wanted bigint;
    made integer;
BEGIN
    PERFORM check_labels(create_node_group.labels, 'labels');
    PERFORM check_taints(create_node_group.taints, 'taints');
    IF create_node_group.step NOT BETWEEN 1 AND 10000 OR (create_node_group.step > 1) <> (create_node_group.step_type IS NOT NULL) THEN
        PERFORM refuse_argument('step', 'A step is 1 node, or 2 to 10000 that are a rack or a hyperinstance.',
            'Give step and step_type together.');
    END IF;
    PERFORM check_disks(create_node_group.disk_count, create_node_group.disk_gib, create_node_group.disk_type);
    PERFORM find_pool(create_node_group.pool);
    SELECT p.name, p.tenant_id INTO it FROM pool p WHERE p.pool_id = create_node_group.pool;
    PERFORM require_level(it.tenant_id, 'owner');
    earlier := earlier_results(it.tenant_id);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    SELECT c.flavor_id INTO wanted FROM flavor_counts(jsonb_build_object(create_node_group.flavor, 0), 'flavor') c;
    PERFORM lock_live_pool(create_node_group.pool);
    PERFORM check_changeable(create_node_group.pool, true);
    PERFORM FROM node_group g WHERE g.pool_id = create_node_group.pool AND g.flavor_id = wanted;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = format('pool "%s" has a node group of flavor "%s"', it.name, create_node_group.flavor),
            DETAIL = 'The nodes of a flavor in a pool are one group.',
            HINT = 'Change it with set_node_group(); its step is fixed.';
    END IF;
    PERFORM check_node_flavor(create_node_group.pool, wanted);
    made := make_node_group(create_node_group.pool, wanted, create_node_group.step, create_node_group.step_type, create_node_group.labels,
        create_node_group.taints, create_node_group.disk_count, create_node_group.disk_gib, create_node_group.disk_type);
    PERFORM remember_results(ARRAY[made::bigint]);
    RETURN made;
END $$;
COMMENT ON FUNCTION create_node_group(bigint, text, integer, node_step, jsonb, jsonb, integer, integer, text, text) IS
'makes a node group without nodes, where it is to differ from the one that the first nodes of a flavor make; returns its number, 1 to 10. step: so many nodes come and go together, as a rack or hyperinstance. New nodes get its labels, taints and data disks of disk_gib GiB. Owners of the pool (42501); 42704: no such pool, flavor or volume type; 42710: there is one; 22023: a step, labels, taints or disks out of range; PM002: the pool is not running, is migrating, restricted or has an open order; 55000, 54000 and PM003 as add_nodes';
CREATE FUNCTION create_node_group(pool text, flavor text, step integer DEFAULT 1, step_type node_step DEFAULT NULL,
    labels jsonb DEFAULT '{}', taints jsonb DEFAULT '[]', disk_count integer DEFAULT 0, disk_gib integer DEFAULT NULL,
    disk_type text DEFAULT NULL, request_id text DEFAULT NULL) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT create_node_group(find_pool(pool), flavor, step, step_type, labels, taints, disk_count, disk_gib, disk_type, request_id);
    END;
COMMENT ON FUNCTION create_node_group(text, text, integer, node_step, jsonb, jsonb, integer, integer, text, text) IS
'the same, the pool by name';

CREATE FUNCTION set_node_group(pool bigint, flavor text, labels jsonb DEFAULT NULL, taints jsonb DEFAULT NULL,
    disk_count integer DEFAULT NULL, disk_gib integer DEFAULT NULL, disk_type text DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    instant timestamptz;
    wanted bigint;
BEGIN
    IF set_node_group.labels IS NOT NULL THEN
        PERFORM check_labels(set_node_group.labels, 'labels');
    END IF;
    IF set_node_group.taints IS NOT NULL THEN
        PERFORM check_taints(set_node_group.taints, 'taints');
    END IF;
    IF num_nonnulls(set_node_group.disk_count, set_node_group.disk_gib, set_node_group.disk_type) > 0 THEN
        PERFORM check_disks(coalesce(set_node_group.disk_count, -1), set_node_group.disk_gib, set_node_group.disk_type);
    END IF;
    PERFORM find_pool(set_node_group.pool);
    SELECT p.name, p.tenant_id INTO it FROM pool p WHERE p.pool_id = set_node_group.pool;
    PERFORM require_level(it.tenant_id, 'owner');
    SELECT c.flavor_id INTO wanted FROM flavor_counts(jsonb_build_object(set_node_group.flavor, 0), 'flavor') c;
    instant := lock_live_pool(set_node_group.pool);
    PERFORM check_changeable(set_node_group.pool, false);
    IF set_node_group.disk_count IS NOT NULL THEN
        -- nodes on their way have the disks that they were ordered with
        PERFORM check_no_order(set_node_group.pool);
    END IF;
    UPDATE node_group g SET labels = coalesce(set_node_group.labels, g.labels), taints = coalesce(set_node_group.taints, g.taints),
        disk_count = coalesce(set_node_group.disk_count, g.disk_count),
        disk_gib = CASE WHEN set_node_group.disk_count IS NULL THEN g.disk_gib ELSE set_node_group.disk_gib END,
        disk_type = CASE WHEN set_node_group.disk_count IS NULL THEN g.disk_type ELSE set_node_group.disk_type END
    WHERE g.pool_id = set_node_group.pool AND g.flavor_id = wanted;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('pool "%s" has no node group of flavor "%s"', it.name, set_node_group.flavor),
            DETAIL = 'It has no nodes of this flavor.', HINT = 'Make one with create_node_group() or add_nodes().';
    END IF;
    UPDATE pool p SET generation = generation + 1 WHERE p.pool_id = set_node_group.pool;
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    VALUES (it.tenant_id, instant, 'pool_changed', set_node_group.pool, actor(), concat_ws(', ', 'node group ' || set_node_group.flavor || ':',
        CASE WHEN set_node_group.labels IS NOT NULL THEN 'labels' END, CASE WHEN set_node_group.taints IS NOT NULL THEN 'taints' END,
        CASE WHEN set_node_group.disk_count IS NOT NULL THEN 'disks' END));
END $$;
COMMENT ON FUNCTION set_node_group(bigint, text, jsonb, jsonb, integer, integer, text) IS
'sets the labels, taints and data disks that new nodes of a node group get; NULL leaves them, and disk_count 0 takes the disks away. Nodes that are there stay as they are. Owners of the pool (42501); 42704: no such pool, flavor, node group or volume type; 22023: labels, taints or disks out of range; PM002: the pool is frozen, or has an open order and the disks are to change';
CREATE FUNCTION set_node_group(pool text, flavor text, labels jsonb DEFAULT NULL, taints jsonb DEFAULT NULL,
    disk_count integer DEFAULT NULL, disk_gib integer DEFAULT NULL, disk_type text DEFAULT NULL) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT set_node_group(find_pool(pool), flavor, labels, taints, disk_count, disk_gib, disk_type);
    END;
COMMENT ON FUNCTION set_node_group(text, text, jsonb, jsonb, integer, integer, text) IS 'the same, the pool by name';

-- what an external provider's agent reports

CREATE FUNCTION ordered_nodes(node bigint, call text) RETURNS TABLE (pool_id bigint, nodes bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    it record;
BEGIN
    SELECT n.pool_id, n.name, n.state, n.batch_id, n.available_at INTO it FROM node n WHERE n.node_id = ordered_nodes.node;
    IF it.state = 'deleting' OR (it.available_at IS NOT NULL AND call = 'node_failed') THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('node "%s" is %s', it.name, it.state),
            DETAIL = format('%s() is for nodes that were ordered and are not there yet.', call),
            HINT = 'Faults of nodes in service are reported with report_fault().';
    END IF;
    -- nodes of one step come together, or not at all
    RETURN QUERY SELECT it.pool_id, ARRAY(
        SELECT n.node_id FROM node n
        WHERE n.pool_id = it.pool_id AND (n.node_id = ordered_nodes.node OR n.batch_id = it.batch_id)
            AND n.available_at IS NULL AND n.state <> 'deleting' ORDER BY n.node_id);
END $$;
COMMENT ON FUNCTION ordered_nodes(bigint, text) IS
'the nodes that a report of one is about: it, and those of its step. Bodies of calls only; PM002: it is on its way out, or was there already';

CREATE FUNCTION lock_pool_of(node bigint) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
    its_pool bigint;
BEGIN
    PERFORM require_level(0, 'operator');
    SELECT n.pool_id INTO its_pool FROM node n WHERE n.node_id = lock_pool_of.node;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('node %s does not exist', node),
            DETAIL = 'There is none with this id.', HINT = 'Table "node" shows them.';
    END IF;
    RETURN lock_pool(its_pool);
END $$;
COMMENT ON FUNCTION lock_pool_of(bigint) IS
'takes the lock of a node''s pool for an operator; returns the instant of the change. Bodies of calls only; 42501; 42704: no such node';

CREATE FUNCTION node_ready(node bigint) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz;
    it record;
BEGIN
    instant := lock_pool_of(node);
    SELECT o.pool_id, o.nodes INTO it FROM ordered_nodes(node, 'node_ready') o;
    PERFORM set_node_states(it.pool_id, it.nodes, 'available', instant);
    PERFORM advance_pool(it.pool_id, instant);
END $$;
COMMENT ON FUNCTION node_ready(bigint) IS
'says that a node that was ordered is there: it is available, and in a dedicated pool it is billed. With it come the nodes of its step. One that is there already is left alone. Operators (42501), for the agent of an external provider; 42704: no such node; PM002: it is on its way out';
CREATE FUNCTION node_ready(pool text, node text) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT node_ready(find_node(find_pool(pool), node));
    END;
COMMENT ON FUNCTION node_ready(text, text) IS 'the same, pool and node by name';

CREATE FUNCTION node_failed(node bigint, reason text) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz;
    it record;
BEGIN
    instant := lock_pool_of(node);
    SELECT o.pool_id, o.nodes INTO it FROM ordered_nodes(node, 'node_failed') o;
    PERFORM drop_creating(it.pool_id, it.nodes, reason, instant);
    PERFORM advance_pool(it.pool_id, instant);
END $$;
COMMENT ON FUNCTION node_failed(bigint, text) IS
'says that a node that was ordered cannot be had: it is gone, with the nodes of its step, and the order goes on without it. The reason stands in the order. Operators (42501), for the agent of an external provider; 42704: no such node; PM002: it is there, or on its way out';
CREATE FUNCTION node_failed(pool text, node text, reason text) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT node_failed(find_node(find_pool(pool), node), reason);
    END;
COMMENT ON FUNCTION node_failed(text, text, text) IS 'the same, pool and node by name';

CREATE FUNCTION cancel_order("order" bigint) RETURNS order_phase
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    instant timestamptz;
    given_up bigint[];
    result order_phase;
BEGIN
    SELECT o.pool_id, o.tenant_id INTO it FROM pool_order o JOIN pool p USING (pool_id)
    WHERE o.order_id = cancel_order."order" AND p.deleted_at IS NULL;
    IF NOT FOUND OR (it.tenant_id <> 0 AND NOT has_level(it.tenant_id, 'viewer')) THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('order %s does not exist', "order"),
            DETAIL = format('There is none with this id that role "%s" may see.', actor()),
            HINT = 'The view pool_orders shows those that it may see.';
    END IF;
    PERFORM require_level(it.tenant_id, 'owner');
    instant := lock_live_pool(it.pool_id);
    SELECT o.pool_id, o.operation, o.phase, o.ended_at INTO it FROM pool_order o WHERE o.order_id = cancel_order."order";
    IF it.ended_at IS NOT NULL OR it.operation NOT IN ('create', 'resize', 'upgrade_driver') THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('order %s (%s) cannot be cancelled', "order", it.operation),
            DETAIL = format('It is %s; what can be cancelled is creation, resize or upgrade that has not ended.', it.phase),
            HINT = 'The view pool_orders shows what has become of it.';
    END IF;
    given_up := ARRAY(SELECT n.node_id FROM node n
        WHERE n.pool_id = it.pool_id AND n.order_id = cancel_order."order" AND n.state = 'creating');
    PERFORM drop_creating(it.pool_id, given_up, 'the order was cancelled', instant);
    PERFORM cancel_tasks(it.pool_id, ARRAY(SELECT t.task_id FROM node_task t
        WHERE t.pool_id = it.pool_id AND t.order_id = cancel_order."order" AND t.state IN ('pending', 'waiting')),
        'the order was cancelled', instant);
    PERFORM advance_pool(it.pool_id, instant);
    SELECT o.phase INTO result FROM pool_order o WHERE o.order_id = cancel_order."order";
    RETURN result;
END $$;
COMMENT ON FUNCTION cancel_order(bigint) IS
'gives up what an order of creation, resize or upgrade has not done yet: nodes that are not there, tasks that have not begun; returns its phase. Owners of the pool (42501); 42704: no such order; PM002: it has ended, or is another operation';

-- its settings

CREATE FUNCTION set_pool(pool bigint, description text DEFAULT NULL, queue_policy queue_policy DEFAULT NULL,
    placement placement_policy DEFAULT NULL, default_time_limit interval DEFAULT NULL, stop_timeout interval DEFAULT NULL,
    restart_timeout interval DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    owner_id bigint;
    limit_by_default interval := nullif(set_pool.default_time_limit, '0');
    limit_of_stop interval := set_pool.stop_timeout;
    limit_of_restart interval := set_pool.restart_timeout;
    instant timestamptz;
BEGIN
    IF length(set_pool.description) > 1024 THEN
        PERFORM refuse_argument('description', 'It has at most 1024 characters.', 'Shorten it.');
    END IF;
    IF limit_by_default IS NOT NULL THEN
        limit_by_default := exact_interval(limit_by_default, 'default_time_limit');
    END IF;
    IF limit_of_stop IS NOT NULL THEN
        limit_of_stop := exact_interval(limit_of_stop, 'stop_timeout');
    END IF;
    IF limit_of_restart IS NOT NULL THEN
        limit_of_restart := exact_interval(limit_of_restart, 'restart_timeout');
    END IF;
    PERFORM find_pool(set_pool.pool);
    SELECT p.tenant_id INTO owner_id FROM pool p WHERE p.pool_id = set_pool.pool;
    PERFORM require_level(owner_id, 'owner');
    instant := lock_live_pool(set_pool.pool);
    PERFORM check_changeable(set_pool.pool, false);
    UPDATE pool p SET description = coalesce(set_pool.description, p.description),
        queue_policy = coalesce(set_pool.queue_policy, p.queue_policy), placement = coalesce(set_pool.placement, p.placement),
        default_time_limit = CASE WHEN set_pool.default_time_limit IS NULL THEN p.default_time_limit ELSE limit_by_default END,
        stop_timeout = coalesce(limit_of_stop, p.stop_timeout), restart_timeout = coalesce(limit_of_restart, p.restart_timeout)
    WHERE p.pool_id = set_pool.pool;
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    SELECT owner_id, instant, 'pool_changed', set_pool.pool, actor(), string_agg(v.what, ', ' ORDER BY v.n)
    FROM (VALUES (1, 'description', set_pool.description IS NOT NULL), (2, 'queue_policy ' || set_pool.queue_policy, true),
        (3, 'placement ' || set_pool.placement, true), (4, 'default_time_limit', set_pool.default_time_limit IS NOT NULL),
        (5, 'stop_timeout', set_pool.stop_timeout IS NOT NULL), (6, 'restart_timeout', set_pool.restart_timeout IS NOT NULL)
        ) AS v(n, what, is_set)
    WHERE v.is_set AND v.what IS NOT NULL HAVING count(*) > 0;
END $$;
COMMENT ON FUNCTION set_pool(bigint, text, queue_policy, placement_policy, interval, interval, interval) IS
'changes settings of a pool; NULL leaves one as it is, and a default_time_limit of 0 takes it away. Jobs that run keep their planned end. Owners of the pool (42501); 42704: no such pool; 22023: a time limit out of range, a description of more than 1024 characters; PM002: the pool is frozen';
CREATE FUNCTION set_pool(pool text, description text DEFAULT NULL, queue_policy queue_policy DEFAULT NULL,
    placement placement_policy DEFAULT NULL, default_time_limit interval DEFAULT NULL, stop_timeout interval DEFAULT NULL,
    restart_timeout interval DEFAULT NULL) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT set_pool(find_pool(pool), description, queue_policy, placement, default_time_limit, stop_timeout, restart_timeout);
    END;
COMMENT ON FUNCTION set_pool(text, text, queue_policy, placement_policy, interval, interval, interval) IS 'the same, the pool by name';

CREATE FUNCTION move_node_holdings(pool bigint, nodes bigint[], workspace bigint, instant timestamptz) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_sql_move_node_holdings' LANGUAGE C STRICT;
COMMENT ON FUNCTION move_node_holdings(bigint, bigint[], bigint, timestamptz) IS
'ends what nodes hold and begins it anew for another workspace. Returns the instant at which that is so: not before what is metered. Bodies of calls only';

CREATE FUNCTION set_pool_workspace(pool bigint, workspace bigint) RETURNS void
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    instant timestamptz;
    held bigint[];
BEGIN
    PERFORM find_pool(set_pool_workspace.pool);
    SELECT p.name, p.tenant_id, p.kind INTO it FROM pool p WHERE p.pool_id = set_pool_workspace.pool;
    PERFORM require_level(it.tenant_id, 'owner');
    IF it.kind = 'public' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM003', MESSAGE = format('public pool "%s" has no workspace', it.name),
            DETAIL = 'Its nodes are the provider''s; jobs in it have workspaces.', HINT = 'Submit jobs with the argument "workspace".';
    END IF;
    PERFORM check_workspace(it.tenant_id, set_pool_workspace.workspace);
    -- quotas are compared below, with the pool where it will be; their lock comes before the pool's
    PERFORM FROM tenant t WHERE t.tenant_id = it.tenant_id FOR NO KEY UPDATE;
    instant := lock_live_pool(set_pool_workspace.pool);
    PERFORM check_changeable(set_pool_workspace.pool, false);
    PERFORM FROM pool p WHERE p.pool_id = set_pool_workspace.pool AND p.workspace_id = set_pool_workspace.workspace;
    IF FOUND THEN
        RETURN;
    END IF;
    UPDATE pool p SET workspace_id = set_pool_workspace.workspace WHERE p.pool_id = set_pool_workspace.pool;
    PERFORM check_quota(it.tenant_id, set_pool_workspace.workspace, 'pools', 0);
    PERFORM check_quota(it.tenant_id, set_pool_workspace.workspace, 'nodes', 0);
    SELECT array_agg(DISTINCT h.node_id) INTO held FROM holding h WHERE h.pool_id = set_pool_workspace.pool AND h.node_id IS NOT NULL;
    IF held IS NOT NULL THEN
        instant := move_node_holdings(set_pool_workspace.pool, held, set_pool_workspace.workspace, instant);
    END IF;
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    SELECT it.tenant_id, instant, 'pool_changed', set_pool_workspace.pool, actor(), 'workspace ' || w.name
    FROM workspace w WHERE w.tenant_id = it.tenant_id AND w.workspace_id = set_pool_workspace.workspace;
END $$;
COMMENT ON FUNCTION set_pool_workspace(bigint, bigint) IS
'makes another workspace the cost centre of a dedicated pool: usage of its nodes counts for the old one until now, and for the new one from now. Owners of the pool (42501); 42704: no such pool or workspace; PM002: the pool is frozen; PM003: a public pool; PM007: a quota of the workspace would be exceeded';
CREATE FUNCTION set_pool_workspace(pool text, workspace text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pool_manager, pg_temp AS $$
        SELECT pool_manager.set_pool_workspace(p.pool_id, pool_manager.find_workspace(p.tenant_id, workspace))
        FROM pool_manager.pool p WHERE p.pool_id = pool_manager.find_pool(pool);
    $$;
COMMENT ON FUNCTION set_pool_workspace(text, text) IS 'the same, pool and workspace by name';

-- its end

CREATE FUNCTION delete_pool(pool bigint, force boolean DEFAULT false) RETURNS bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    instant timestamptz;
    waiting bigint[];
    running bigint[];
    ordered bigint;
BEGIN
    PERFORM find_pool(delete_pool.pool);
    SELECT p.tenant_id INTO it FROM pool p WHERE p.pool_id = delete_pool.pool;
    PERFORM require_level(it.tenant_id, 'owner');
    instant := lock_live_pool(delete_pool.pool);
    SELECT p.name, p.state, p.migrating INTO it FROM pool p WHERE p.pool_id = delete_pool.pool;
    IF it.state = 'deleting' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" is being deleted', it.name),
            DETAIL = 'It is gone when its last node is.', HINT = 'The view pool_orders shows how far that is.';
    END IF;
    IF it.migrating THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" is migrating', it.name),
            DETAIL = 'It is being made a unified pool, and cannot be deleted meanwhile.',
            HINT = 'Wait until the migration is done; the view pool_orders shows it.';
    END IF;
    waiting := ARRAY(SELECT q.job_id FROM job_queue q WHERE q.pool_id = delete_pool.pool ORDER BY q.job_id);
    running := ARRAY(SELECT r.run_id FROM job_run r WHERE r.pool_id = delete_pool.pool AND r.ended_at IS NULL ORDER BY r.run_id);
    IF NOT force AND cardinality(waiting) + cardinality(running) > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" has jobs', it.name),
            DETAIL = format('%s run, %s wait or rest.', cardinality(running), cardinality(waiting)),
            HINT = 'Wait until they have ended, or cancel them with force => true.';
    END IF;

    PERFORM cancel_waiting(delete_pool.pool, waiting, 'the pool was deleted', instant);
    instant := greatest(instant, cancel_runs(delete_pool.pool, running, 'the pool was deleted', instant));
    PERFORM cancel_tasks(delete_pool.pool, ARRAY(SELECT t.task_id FROM node_task t
        WHERE t.pool_id = delete_pool.pool AND t.state IN ('pending', 'waiting')), 'the pool was deleted', instant);
    SELECT o.order_id INTO ordered FROM pool_order o WHERE o.pool_id = delete_pool.pool AND o.ended_at IS NULL;
    IF FOUND THEN
        UPDATE pool_order o SET reason = 'the pool was deleted' WHERE o.order_id = ordered;
        PERFORM end_order(delete_pool.pool, ordered, instant);
    END IF;
    PERFORM set_pool_state(delete_pool.pool, 'deleting', instant);
    SELECT open_order(delete_pool.pool, 'delete', delete_pool.force, array_agg(g.flavor_id), array_agg(g.live), array_agg(0), instant)
    INTO ordered
    FROM (SELECT g.flavor_id, live_nodes(g.pool_id, g.flavor_id) AS live FROM node_group g
          WHERE g.pool_id = delete_pool.pool ORDER BY g.flavor_id) g;
    UPDATE node_group g SET target_count = 0 WHERE g.pool_id = delete_pool.pool;
    PERFORM request_tasks(delete_pool.pool, ARRAY(
        SELECT n.node_id FROM node n WHERE n.pool_id = delete_pool.pool AND n.deleted_at IS NULL
        EXCEPT SELECT t.node_id FROM node_task t WHERE t.pool_id = delete_pool.pool AND t.ended_at IS NULL),
        'delete', instant, false, NULL, ordered);
    PERFORM advance_pool(delete_pool.pool, instant);
    RETURN ordered;
END $$;
COMMENT ON FUNCTION delete_pool(bigint, boolean) IS
'deletes a pool with its nodes, locked ones too; returns the order''s id. While jobs wait or run it is refused unless force, which cancels them. It is gone, and its name free, when its last node is: where agents run its jobs when these have stopped, with an external provider when the agent has said so of each node. Restrictions do not keep it. Owners of the pool (42501); 42704: no such pool; PM002: it has jobs, is migrating, or is being deleted';
CREATE FUNCTION delete_pool(pool text, force boolean DEFAULT false) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT delete_pool(find_pool(pool), force);
    END;
COMMENT ON FUNCTION delete_pool(text, boolean) IS 'the same, the pool by name';

-- what to look at

CREATE VIEW pool_orders WITH (security_invoker = true) AS
SELECT o.order_id AS "order",
       p.name AS pool,
       o.operation,
       coalesce(i.phase, o.phase) AS phase,
       f.name AS flavor,
       i.initial_count AS initial,
       i.target_count AS target,
       i.result_count AS result,
       date_trunc('second', o.created_at) AS ordered_at,
       date_trunc('second', coalesce(o.ended_at, clock()) - o.created_at) AS took,
       coalesce(i.reason, o.reason) AS reason
FROM pool_order o
JOIN pool p USING (pool_id)
LEFT JOIN pool_order_item i ON i.pool_id = o.pool_id AND i.order_id = o.order_id
LEFT JOIN flavor f ON f.flavor_id = i.flavor_id;
COMMENT ON VIEW pool_orders IS
'what was ordered of pools: a row for each flavor, or one for an order that is not about numbers of nodes. Deleted pools are here too';
COMMENT ON COLUMN pool_orders."order" IS 'order';
COMMENT ON COLUMN pool_orders.pool IS 'name of the pool';
COMMENT ON COLUMN pool_orders.operation IS 'what it is to do';
COMMENT ON COLUMN pool_orders.phase IS 'how far this part has come';
COMMENT ON COLUMN pool_orders.flavor IS 'flavor; NULL: the whole pool';
COMMENT ON COLUMN pool_orders.initial IS 'nodes of the flavor before';
COMMENT ON COLUMN pool_orders.target IS 'nodes wanted';
COMMENT ON COLUMN pool_orders.result IS 'nodes when it ended';
COMMENT ON COLUMN pool_orders.ordered_at IS 'when it was given';
COMMENT ON COLUMN pool_orders.took IS 'time until it ended, or until now';
COMMENT ON COLUMN pool_orders.reason IS 'why it failed, or part of it';

CREATE VIEW pool_failures WITH (security_invoker = true) AS
SELECT date_trunc('second', o.ended_at) AS at,
       o.order_id AS "order",
       p.name AS pool,
       o.operation,
       o.phase,
       i.missed,
       o.reason
FROM pool_order o
JOIN pool p USING (pool_id)
LEFT JOIN LATERAL (
    SELECT sum(abs(i.target_count - i.result_count)) AS missed FROM pool_order_item i
    WHERE i.pool_id = o.pool_id AND i.order_id = o.order_id) i ON true
WHERE o.phase IN ('partially_succeeded', 'failed') AND o.ended_at > clock() - interval '72 hours'
ORDER BY o.ended_at DESC, o.order_id DESC
LIMIT 500;
COMMENT ON VIEW pool_failures IS 'orders of the last three days that failed, wholly or in part, newest first; at most 500';
COMMENT ON COLUMN pool_failures.at IS 'when it was given up';
COMMENT ON COLUMN pool_failures."order" IS 'order';
COMMENT ON COLUMN pool_failures.pool IS 'name of the pool';
COMMENT ON COLUMN pool_failures.operation IS 'what it was to do';
COMMENT ON COLUMN pool_failures.phase IS 'failed, or partially_succeeded';
COMMENT ON COLUMN pool_failures.missed IS 'nodes that are lacking, or that are still there';
COMMENT ON COLUMN pool_failures.reason IS 'why';

GRANT SELECT ON pool_orders, pool_failures TO PUBLIC;

REVOKE EXECUTE ON FUNCTION refuse_argument(text, text, text), check_labels(jsonb, text),
    check_taints(jsonb, text), exact_interval(interval, text), flavor_counts(jsonb, text), lock_live_pool(bigint),
    check_no_order(bigint), check_changeable(bigint, boolean), check_node_flavor(bigint, bigint),
    open_order(bigint, order_operation, boolean, bigint[], integer[], integer[], timestamptz), live_nodes(bigint, bigint),
    set_order_phase(bigint, bigint, order_phase, timestamptz), begin_order(bigint, bigint, timestamptz),
    end_order(bigint, bigint, timestamptz), bury_pool(bigint, timestamptz),
    advance_orders(bigint, timestamptz),
    make_node_group(bigint, bigint, integer, node_step, jsonb, jsonb, integer, integer, text),
    make_nodes(bigint, bigint, integer, text, jsonb, jsonb, bigint, timestamptz), choose_victims(bigint, bigint, integer),
    change_size(bigint, bigint[], integer[], boolean, text, jsonb, jsonb, timestamptz),
    drop_creating(bigint, bigint[], text, timestamptz), check_disks(integer, integer, text), ordered_nodes(bigint, text),
    check_workspace(bigint, bigint), move_node_holdings(bigint, bigint[], bigint, timestamptz),
    lock_pool_of(bigint) FROM PUBLIC;
