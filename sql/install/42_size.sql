-- The size of pools: node groups, nodes that come and nodes that go.  Nodes that
-- are ordered come at once where the provider is instant, else when its agent
-- says so; nodes that go are deleted by tasks.

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
        g.labels || make_nodes.labels AS labels, g.taints || make_nodes.taints AS taints, g.disk_count, g.disk_gib, g.disk_type,
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
            order_id, created_at, available_at, disk_count, disk_gib, disk_type)
        SELECT make_nodes.pool, s.id, make_nodes.flavor, it.tenant_id, coalesce(make_nodes.prefix, left(it.name, 108)) || '-' || s.id,
            CASE WHEN it.at_once THEN 'available'::node_state ELSE 'creating' END, make_nodes.instant, it.driver, it.labels, it.taints,
            CASE WHEN it.step > 1 THEN first_value(s.id) OVER (PARTITION BY (s.i - 1) / it.step ORDER BY s.i) END,
            make_nodes.ordered, make_nodes.instant, CASE WHEN it.at_once THEN make_nodes.instant END,
            it.disk_count, it.disk_gib, it.disk_type
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
    victims bigint[];
    leaving bigint[] := '{}';
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
            victims := ARRAY(SELECT v.node_id FROM choose_victims(pool, part.flavor_id, -part.more) AS v);
            leaving := leaving || victims;
            PERFORM check_guarantees(pool, leaving);
            PERFORM request_tasks(pool, victims, 'delete', instant, force, NULL, ordered);
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

CREATE FUNCTION add_nodes(
    pool bigint, flavor text, count integer DEFAULT 1, name_prefix text DEFAULT NULL,
    labels jsonb DEFAULT '{}', taints jsonb DEFAULT '[]', topology jsonb DEFAULT '{}',
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
    PERFORM check_topology(add_nodes.pool, add_nodes.topology);
    SELECT s.made INTO made FROM change_size(add_nodes.pool, ARRAY[wanted],
        ARRAY[live_nodes(add_nodes.pool, wanted) + add_nodes.count], false, add_nodes.name_prefix, add_nodes.labels, add_nodes.taints,
        instant) s;
    IF add_nodes.topology <> '{}' THEN
        UPDATE node n SET topology = add_nodes.topology WHERE n.pool_id = add_nodes.pool AND n.node_id = ANY (made);
    END IF;
    PERFORM remember_results(made);
    RETURN QUERY SELECT unnest(made);
END $$;
COMMENT ON FUNCTION add_nodes(bigint, text, integer, text, jsonb, jsonb, jsonb, text) IS
'orders 1 to 100,000 more nodes of a flavor, named prefix-id (the flavor''s name by default), with labels and taints beyond those of its node group and with a topology, their domain at each level; returns their ids. They are available at once; in a pool with an external provider they are creating until node_ready(). Nodes of a dedicated pool are billed from when they first are available. Owners of the pool (42501); 42704: no such flavor or topology level; 55000: the flavor, or a resource of it in a public pool, has no SKU, or it has another processor architecture than the pool; 54000: an eleventh flavor; 22023: labels, taints or a topology of another form, a prefix of more than 108 characters, no whole number of steps; PM002: the pool is not running, is migrating, restricted or has an open order; 54000: its network has too few free addresses; PM003: the flavor is sold out; PM005: the tenant is frozen; PM007: a quota would be exceeded';

CREATE FUNCTION add_nodes(
    pool text, flavor text, count integer DEFAULT 1, name_prefix text DEFAULT NULL,
    labels jsonb DEFAULT '{}', taints jsonb DEFAULT '[]', topology jsonb DEFAULT '{}',
    request_id text DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE pool_manager AS $$
BEGIN
    RETURN QUERY SELECT add_nodes(find_pool(pool), flavor, count, name_prefix, labels, taints, topology, request_id);
END $$;
COMMENT ON FUNCTION add_nodes(text, text, integer, text, jsonb, jsonb, jsonb, text) IS 'the same, the pool by name';

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
    IF count NOT BETWEEN 0 AND 1000000 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "count"',
            DETAIL = 'It is how many nodes there shall be of the flavor, from 0 to 1000000.',
            HINT = 'Name the target, not the difference.';
    END IF;
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
    LANGUAGE pool_manager STABLE AS $$
BEGIN
    RETURN QUERY SELECT v.* FROM resize_victims(find_pool(pool), flavor, count) v;
END $$;
COMMENT ON FUNCTION resize_victims(text, text, integer) IS 'the same, the pool by name';

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

REVOKE EXECUTE ON FUNCTION make_node_group(bigint, bigint, integer, node_step, jsonb, jsonb, integer, integer, text),
    make_nodes(bigint, bigint, integer, text, jsonb, jsonb, bigint, timestamptz),
    choose_victims(bigint, bigint, integer),
    change_size(bigint, bigint[], integer[], boolean, text, jsonb, jsonb, timestamptz),
    drop_creating(bigint, bigint[], text, timestamptz) FROM PUBLIC;
