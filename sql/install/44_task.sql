-- Work on nodes: tasks, which isolate a node, wait until no job is on it, are
-- carried out and end.

-- ---- what the bodies below share ----

CREATE FUNCTION node_names(nodes bigint[]) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT CASE WHEN cardinality(node_names.nodes) = 1 THEN 'node ' ELSE 'nodes ' END ||
                string_agg(format('"%s"', s.name), ', ' ORDER BY s.node_id) ||
                CASE WHEN cardinality(node_names.nodes) > 5
                     THEN format(' and %s more', cardinality(node_names.nodes) - 5) ELSE '' END
            FROM (SELECT n.node_id, n.name FROM node n WHERE n.node_id = ANY (node_names.nodes)
                  ORDER BY n.node_id LIMIT 5) s);
END $$;
COMMENT ON FUNCTION node_names(bigint[]) IS 'nodes as errors and events name them, the first five. Bodies of calls only';

CREATE FUNCTION refuse_nodes(nodes bigint[], what text, why text, detail text, hint text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF cardinality(nodes) > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('cannot %s %s: %s', refuse_nodes.what, node_names(refuse_nodes.nodes), refuse_nodes.why),
            DETAIL = refuse_nodes.detail, HINT = refuse_nodes.hint;
    END IF;
END $$;
COMMENT ON FUNCTION refuse_nodes(bigint[], text, text, text, text) IS
'refuses if there are any such nodes, and names them. Bodies of calls only; PM002: there are some';

CREATE FUNCTION require_nodes(nodes bigint[], level text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    owners bigint[];
    missing bigint;
BEGIN
    IF array_position(nodes, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004',
            MESSAGE = 'nodes must not contain null',
            DETAIL = 'Each element is the id of a node.',
            HINT = 'The view node_status shows the ids.';
    ELSIF cardinality(nodes) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'no nodes are named',
            DETAIL = 'The array of node ids is empty.',
            HINT = 'Name at least one node.';
    END IF;
    SELECT coalesce(array_agg(s.tenant_id ORDER BY s.tenant_id), '{}') INTO owners
    FROM (SELECT DISTINCT n.tenant_id FROM node n WHERE n.node_id = ANY (require_nodes.nodes)) s
    WHERE has_level(s.tenant_id, 'viewer');
    SELECT min(w.id) INTO missing FROM unnest(require_nodes.nodes) AS w(id)
    LEFT JOIN node n ON n.node_id = w.id AND n.tenant_id = ANY (owners) WHERE n.node_id IS NULL;
    IF missing IS NOT NULL THEN
        PERFORM refuse_missing_node(missing);
    END IF;
    FOR i IN 1 .. cardinality(owners) LOOP
        PERFORM require_level(owners[i], level);
    END LOOP;
    RETURN owners[1];
END $$;
COMMENT ON FUNCTION require_nodes(bigint[], text) IS
'the owner of nodes (of several the lowest id), if the actor has the level for all owners. Deleted nodes count, for calls that are repeated. Bodies of calls only; 22004: a NULL id; 22023: no ids; 42704: no such node; 42501: not the level';

CREATE FUNCTION refuse_missing_node(node bigint) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = '42704',
        MESSAGE = format('node %s does not exist', refuse_missing_node.node),
        DETAIL = 'There is no node with this id that you may see, or it is deleted.',
        HINT = 'The view node_status shows the nodes that you may see.';
END $$;
COMMENT ON FUNCTION refuse_missing_node(bigint) IS 'refuses a node (42704). Bodies of calls only';

-- All pools are locked before anything is changed, in order of id, and the
-- call has one instant in all of them.
CREATE FUNCTION lock_node_pools(nodes bigint[], also bigint DEFAULT NULL)
    RETURNS TABLE (pool_id bigint, nodes_of bigint[], instant timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    pools bigint[];
    missing bigint;
BEGIN
    SELECT array_agg(DISTINCT s.pool_id ORDER BY s.pool_id) INTO pools
    FROM (SELECT n.pool_id FROM node n WHERE n.node_id = ANY (lock_node_pools.nodes)
          UNION ALL SELECT lock_node_pools.also WHERE lock_node_pools.also IS NOT NULL) s;
    instant := '-infinity';
    FOR i IN 1 .. cardinality(pools) LOOP
        instant := greatest(instant, lock_pool(pools[i]));
    END LOOP;
    UPDATE pool_clock c SET last_instant = lock_node_pools.instant
    WHERE c.pool_id = ANY (pools) AND c.last_instant < lock_node_pools.instant;

    SELECT min(w.id) INTO missing FROM unnest(lock_node_pools.nodes) AS w(id)
    LEFT JOIN node n ON n.node_id = w.id AND n.deleted_at IS NULL WHERE n.node_id IS NULL;
    IF missing IS NOT NULL THEN
        PERFORM refuse_missing_node(missing);
    END IF;
    RETURN QUERY SELECT n.pool_id, array_agg(n.node_id ORDER BY n.node_id), lock_node_pools.instant
        FROM node n WHERE n.node_id = ANY (lock_node_pools.nodes) GROUP BY n.pool_id ORDER BY n.pool_id;
END $$;
COMMENT ON FUNCTION lock_node_pools(bigint[], bigint) IS
'locks the pools of nodes, and one more, in order of id: their nodes by pool, each once, and the instant of the call. After require_nodes(). Bodies of calls only; 42704: a node is deleted';

-- Is the pool in a state in which its owner may have nodes worked on? Where
-- nodes come or go, more is asked.
CREATE FUNCTION check_pool_for_nodes(pool bigint, what text, resizing boolean) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    p pool;
    forbidden pool_restriction;
BEGIN
    SELECT * INTO p FROM pool q WHERE q.pool_id = check_pool_for_nodes.pool;
    IF NOT has_level(0, 'operator') THEN
        PERFORM check_not_frozen(p.tenant_id);
    END IF;
    IF p.state <> 'running' AND (resizing OR p.state NOT IN ('abnormal', 'scaling_failed', 'error')) THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('cannot %s nodes of pool "%s": it is %s', check_pool_for_nodes.what, p.name, replace(p.state::text, '_', ' ')),
            DETAIL = CASE WHEN resizing THEN 'Nodes come and go only while their pool is running.'
                          ELSE 'Nodes are worked on after their pool was created and before it is deleted.' END,
            HINT = 'The view pool_status shows the state of the pool.';
    END IF;
    SELECT r INTO forbidden FROM unnest(p.restrictions) AS r
    WHERE r = 'frozen' OR (resizing AND r = 'flavor_change') ORDER BY r DESC LIMIT 1;
    IF forbidden IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('cannot %s nodes of pool "%s": the provider has restricted it', check_pool_for_nodes.what, p.name),
            DETAIL = format('The pool has the restriction %s.', forbidden),
            HINT = 'An operator can lift it with restrict_pool().';
    END IF;
    IF resizing AND p.migrating THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('cannot %s nodes of pool "%s": it is being migrated', check_pool_for_nodes.what, p.name),
            DETAIL = 'Nodes neither come nor go while a pool is made a unified one.',
            HINT = 'Wait until migrate_pool() has ended.';
    END IF;
    IF resizing AND EXISTS (SELECT FROM pool_order o WHERE o.pool_id = p.pool_id AND o.ended_at IS NULL AND o.operation <> 'upgrade_driver') THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('cannot %s nodes of pool "%s": it has an open order', check_pool_for_nodes.what, p.name),
            DETAIL = 'What an order counts on must not change under it.',
            HINT = 'Wait until the order has ended.';
    END IF;
END $$;
COMMENT ON FUNCTION check_pool_for_nodes(bigint, text, boolean) IS
'refuses work on nodes of a pool that is not in a state for it; resizing: nodes come or go. Bodies of calls only; PM002: not in such a state; PM005: the owner is frozen';

CREATE FUNCTION node_limit(max_unavailable text, total bigint) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF max_unavailable ~ '^[1-9][0-9]{0,5}$' THEN
        RETURN max_unavailable::integer;
    ELSIF max_unavailable ~ '^([1-9][0-9]?|100)%$' THEN
        RETURN greatest(total * rtrim(max_unavailable, '%')::integer / 100, 1);
    ELSIF max_unavailable IS NULL THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION USING ERRCODE = '22023',
        MESSAGE = format('max_unavailable "%s" is neither a number nor a percentage', node_limit.max_unavailable),
        DETAIL = 'A number is from 1 to 999999, a percentage from 1% to 100%.',
        HINT = 'Write for example ''2'' or ''25%''.';
END $$;
COMMENT ON FUNCTION node_limit(text, bigint) IS
'a limit such as 2 or 25% as a number of nodes: a percentage rounds down, to 1 at least. Bodies of calls only; 22023: neither';

-- ---- the machine ----

CREATE FUNCTION set_task_states(pool bigint, tasks bigint[], to_state task_state, instant timestamptz, reason text DEFAULT NULL)
    RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    WITH written AS (
        UPDATE node_task t SET state = set_task_states.to_state,
            waiting_at = CASE WHEN set_task_states.to_state = 'waiting' THEN set_task_states.instant ELSE t.waiting_at END,
            started_at = CASE WHEN set_task_states.to_state = 'running' THEN set_task_states.instant ELSE t.started_at END,
            ended_at = CASE WHEN set_task_states.to_state IN ('succeeded', 'failed', 'cancelled') THEN set_task_states.instant END,
            reason = coalesce(set_task_states.reason, t.reason)
        WHERE t.pool_id = set_task_states.pool AND t.task_id = ANY (set_task_states.tasks)
        RETURNING t.task_id, t.tenant_id, t.node_id, t.kind)
    INSERT INTO event (tenant_id, at, kind, pool_id, node_id, from_state, to_state, actor, reason)
    SELECT w.tenant_id, set_task_states.instant, 'node_task', set_task_states.pool, w.node_id, o.state,
           set_task_states.to_state, actor(), concat_ws(': ', w.kind, set_task_states.reason)
    FROM written w
    -- the row as it was, looked up by its key: planned as a join it may be compared with all
    CROSS JOIN LATERAL (SELECT t.state FROM node_task t WHERE t.task_id = w.task_id OFFSET 0) o
    ORDER BY w.task_id;
END $$;
COMMENT ON FUNCTION set_task_states(bigint, bigint[], task_state, timestamptz, text) IS
'puts tasks into a state and notes an event each. Bodies of calls only; PM002: the state cannot follow';

CREATE FUNCTION request_tasks(
    pool bigint, nodes bigint[], kind task_kind, instant timestamptz, force boolean DEFAULT false,
    parameter text DEFAULT NULL, pool_order bigint DEFAULT NULL, max_unavailable integer DEFAULT NULL)
    RETURNS bigint[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    tasks bigint[];
BEGIN
    PERFORM refuse_nodes(array_agg(t.node_id), CASE WHEN request_tasks.kind = 'upgrade_driver' THEN 'upgrade the driver of' ELSE request_tasks.kind::text END,
        'work is under way',
        'A node has at most one task that is open.',
        'The view node_tasks shows it; wait for its end, or call cancel_task() while it is pending or waiting.')
    FROM node_task t
    WHERE t.pool_id = request_tasks.pool AND t.node_id = ANY (request_tasks.nodes) AND t.ended_at IS NULL;
    WITH ids AS (
        SELECT s.node_id, nextval('task_id_seq') AS task_id
        FROM (SELECT DISTINCT u.node_id FROM unnest(request_tasks.nodes) AS u(node_id) ORDER BY u.node_id) s),
    made AS (
        INSERT INTO node_task (pool_id, task_id, node_id, tenant_id, order_id, rolling_id, max_unavailable, kind, force,
            parameter, requested_at, requested_by)
        SELECT p.pool_id, i.task_id, i.node_id, p.tenant_id, request_tasks.pool_order,
               CASE WHEN request_tasks.max_unavailable IS NOT NULL THEN min(i.task_id) OVER () END,
               request_tasks.max_unavailable, request_tasks.kind, request_tasks.force, request_tasks.parameter,
               request_tasks.instant, actor()
        FROM ids i, pool p WHERE p.pool_id = request_tasks.pool ORDER BY i.task_id
        RETURNING task_id, node_id, tenant_id),
    noted AS (
        INSERT INTO event (tenant_id, at, kind, pool_id, node_id, to_state, actor, reason)
        SELECT m.tenant_id, request_tasks.instant, 'node_task', request_tasks.pool, m.node_id, 'pending', actor(), request_tasks.kind
        FROM made m ORDER BY m.task_id)
    SELECT coalesce(array_agg(m.task_id ORDER BY m.task_id), '{}') INTO tasks FROM made m;
    RETURN tasks;
END $$;
COMMENT ON FUNCTION request_tasks(bigint, bigint[], task_kind, timestamptz, boolean, text, bigint, integer) IS
'makes a pending task for each node, in order of node id; returns their ids. What they begin is for advance_tasks(). Bodies of calls only; PM002: a node has an open task';

CREATE FUNCTION release_nodes(pool bigint, nodes bigint[], instant timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ended timestamptz := greatest(close_node_holdings(pool, nodes, instant), instant);
BEGIN
    PERFORM give_back_node_addresses(pool, nodes);
    UPDATE node n SET deleted_at = ended, isolated_by = NULL, sub_pool_id = NULL
    WHERE n.pool_id = release_nodes.pool AND n.node_id = ANY (release_nodes.nodes);
    -- one that is executing is ended by the end of its task
    WITH called_off AS (
        UPDATE maintenance m SET state = 'cancelled', ended_at = ended
        FROM (SELECT o.pool_id, o.maintenance_id, o.state AS from_state FROM maintenance o
              WHERE o.pool_id = release_nodes.pool AND o.node_id = ANY (release_nodes.nodes) AND o.ended_at IS NULL AND
                    o.state IN ('inquiring', 'scheduled') OFFSET 0) o
        WHERE m.pool_id = o.pool_id AND m.maintenance_id = o.maintenance_id
        RETURNING m.tenant_id, m.maintenance_id, m.node_id, m.kind, o.from_state)
    INSERT INTO event (tenant_id, at, kind, pool_id, node_id, from_state, to_state, actor, reason)
    SELECT c.tenant_id, ended, 'maintenance_state', release_nodes.pool, c.node_id, c.from_state, 'cancelled',
           actor(), c.kind
    FROM called_off c ORDER BY c.maintenance_id;
    -- reservations to come have them no more
    DELETE FROM reservation_node r
    WHERE r.pool_id = release_nodes.pool AND r.node_id = ANY (release_nodes.nodes) AND r.ends_at > ended;
    -- a flavor leaves the pool with its last node
    DELETE FROM node_group g
    WHERE g.pool_id = release_nodes.pool AND g.target_count = 0 AND
          g.flavor_id IN (SELECT n.flavor_id FROM node n WHERE n.pool_id = release_nodes.pool AND n.node_id = ANY (release_nodes.nodes)) AND
          NOT EXISTS (SELECT FROM node n WHERE n.pool_id = g.pool_id AND n.live_flavor_id = g.flavor_id AND n.deleted_at IS NULL);
    IF FOUND THEN
        UPDATE pool p SET generation = p.generation + 1 WHERE p.pool_id = release_nodes.pool;
    END IF;
    RETURN ended;
END $$;
COMMENT ON FUNCTION release_nodes(bigint, bigint[], timestamptz) IS
'marks nodes that are deleting and hold no jobs as deleted: ends billing, gives back addresses, calls scheduled events off, drops node groups that are to have no nodes. Returns the instant at which that is so. Bodies of calls only; PM006: jobs are on them';

-- A replacement keeps the place of its node: sub-pool, spare mark, new name. A
-- node that moves keeps what it is: driver, fault, topology where the pools have
-- the same levels, and, where it is free, name.
CREATE FUNCTION copy_nodes(pool bigint, nodes bigint[], target bigint, instant timestamptz) RETURNS bigint[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    replacing boolean := target = pool;
    copies bigint[];
BEGIN
    WITH old AS MATERIALIZED (
        SELECT n.*, nextval('node_id_seq') AS copy_id FROM (
            SELECT n.*, l.allocatable, l.accelerator, cardinality(l.devices) AS devices
            FROM (SELECT n.* FROM node n WHERE n.pool_id = copy_nodes.pool AND n.node_id = ANY (copy_nodes.nodes) OFFSET 0) n
            JOIN node_load l ON l.pool_id = n.pool_id AND l.node_id = n.node_id
            ORDER BY n.node_id) n),
    made AS (
        INSERT INTO node (pool_id, node_id, flavor_id, tenant_id, name, state, state_since, schedulable, spare, delete_lock,
            fault_code, driver, driver_state, labels, taints, tags, topology, reserved, batch_id, sub_pool_id, created_at,
            disk_count, disk_gib, disk_type)
        SELECT p.pool_id, o.copy_id, o.flavor_id, o.tenant_id,
               CASE WHEN replacing OR EXISTS (SELECT FROM node n WHERE n.pool_id = p.pool_id AND n.name = o.name AND n.deleted_at IS NULL)
                    THEN left(regexp_replace(o.name, '-[0-9]+$', ''), 127 - length(o.copy_id::text)) || '-' || o.copy_id
                    ELSE o.name END,
               'creating', copy_nodes.instant, o.schedulable, o.spare AND replacing, o.delete_lock,
               CASE WHEN NOT replacing THEN o.fault_code END,
               CASE WHEN NOT replacing THEN o.driver WHEN o.accelerator IS NOT NULL THEN p.driver END,
               CASE WHEN replacing THEN 'running' ELSE o.driver_state END,
               o.labels, o.taints, o.tags,
               CASE WHEN p.topology_levels::text[] = (SELECT s.topology_levels::text[] FROM pool s WHERE s.pool_id = copy_nodes.pool)
                    THEN o.topology ELSE '{}' END,
               o.reserved, o.batch_id, CASE WHEN replacing THEN o.sub_pool_id END,
               copy_nodes.instant, o.disk_count, o.disk_gib, o.disk_type
        FROM old o, pool p
        WHERE p.pool_id = copy_nodes.target ORDER BY o.copy_id
        RETURNING pool_id, node_id, flavor_id, tenant_id),
    loads AS (
        INSERT INTO node_load (pool_id, node_id, allocatable, accelerator, devices)
        SELECT copy_nodes.target, o.copy_id, o.allocatable, o.accelerator, array_fill(0, ARRAY[o.devices])
        FROM old o ORDER BY o.copy_id),
    noted AS (
        INSERT INTO event (tenant_id, at, kind, pool_id, to_state, actor, reason)
        SELECT m.tenant_id, copy_nodes.instant, 'nodes_added', m.pool_id, 'creating', actor(), count(*) || ' x ' || f.name
        FROM made m JOIN flavor f USING (flavor_id) GROUP BY m.tenant_id, m.pool_id, f.flavor_id ORDER BY f.flavor_id)
    SELECT array_agg(m.node_id ORDER BY m.node_id) INTO copies FROM made m;
    RETURN copies;
END $$;
COMMENT ON FUNCTION copy_nodes(bigint, bigint[], bigint, timestamptz) IS
'makes a creating node for each node, in order of id: a replacement in the same pool, or the node itself in another one; returns their ids. Bodies of calls only';

CREATE FUNCTION end_tasks(pool bigint, tasks bigint[], instant timestamptz) RETURNS bigint[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    back bigint[];
    faulty bigint[];
    gone bigint[];
    copied bigint[];
    target bigint;
    copies bigint[];
    ended timestamptz := instant;
BEGIN
    -- what a node has from the work on it
    UPDATE node n SET isolated_by = NULL,
        schedulable = n.schedulable AND t.kind <> 'drain',
        fault_code = CASE WHEN t.kind <> 'repair' THEN n.fault_code END,
        driver = CASE WHEN t.kind = 'upgrade_driver' THEN t.parameter
                      WHEN t.kind = 'reset' AND l.accelerator IS NOT NULL THEN p.driver
                      ELSE n.driver END,
        driver_state = CASE WHEN t.kind IN ('upgrade_driver', 'reset') THEN 'running' ELSE n.driver_state END
    -- by their key: a pool's id as a constant would let all its nodes be compared with all
    FROM (SELECT t.* FROM node_task t WHERE t.pool_id = end_tasks.pool AND t.task_id = ANY (end_tasks.tasks) OFFSET 0) t, node_load l, pool p
    WHERE n.pool_id = t.pool_id AND n.node_id = t.node_id AND
          l.pool_id = t.pool_id AND l.node_id = t.node_id AND p.pool_id = end_tasks.pool;
    -- a fault that makes a node unusable outlives all but its repair
    SELECT array_agg(n.node_id) FILTER (WHERE t.kind IN ('reboot', 'reset', 'repair', 'upgrade_driver') AND f.unusable IS NOT TRUE),
           array_agg(n.node_id) FILTER (WHERE t.kind IN ('reboot', 'reset', 'repair', 'upgrade_driver') AND f.unusable),
           array_agg(n.node_id) FILTER (WHERE t.kind IN ('delete', 'replace', 'migrate')),
           array_agg(n.node_id) FILTER (WHERE t.kind IN ('replace', 'migrate')),
           coalesce(max(t.parameter::bigint) FILTER (WHERE t.kind = 'migrate'), end_tasks.pool)
    INTO back, faulty, gone, copied, target
    FROM (SELECT t.* FROM node_task t WHERE t.pool_id = end_tasks.pool AND t.task_id = ANY (end_tasks.tasks) OFFSET 0) t
    JOIN node n ON n.pool_id = t.pool_id AND n.node_id = t.node_id LEFT JOIN fault_code f ON f.code = n.fault_code;

    IF back IS NOT NULL THEN
        PERFORM set_node_states(pool, back, 'available', instant);
    END IF;
    IF faulty IS NOT NULL THEN
        PERFORM set_node_states(pool, faulty, 'abnormal', instant);
    END IF;
    IF copied IS NOT NULL THEN
        copies := copy_nodes(pool, copied, target, instant);
    END IF;
    IF gone IS NOT NULL THEN
        ended := release_nodes(pool, gone, instant);
    END IF;
    IF copies IS NOT NULL THEN
        PERFORM take_node_addresses(p.network_id, target, copies, ended) FROM pool p
        WHERE p.pool_id = target AND p.network_id IS NOT NULL;
        PERFORM set_node_states(target, copies, 'available', ended);
    END IF;
    PERFORM set_task_states(pool, tasks, 'succeeded', ended);
    RETURN copies;
END $$;
COMMENT ON FUNCTION end_tasks(bigint, bigint[], timestamptz) IS
'ends tasks with success, and does to their nodes what they are for; returns the nodes that took the place of others. Bodies of calls only';

CREATE FUNCTION fail_tasks(pool bigint, tasks bigint[], reason text, instant timestamptz) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    nodes bigint[];
BEGIN
    WITH left_behind AS (
        UPDATE node n SET isolated_by = NULL,
            driver_state = CASE WHEN t.kind = 'upgrade_driver' THEN 'abnormal' ELSE n.driver_state END
        FROM (SELECT t.* FROM node_task t WHERE t.pool_id = fail_tasks.pool AND t.task_id = ANY (fail_tasks.tasks) OFFSET 0) t
        WHERE n.pool_id = t.pool_id AND n.node_id = t.node_id
        RETURNING n.node_id)
    SELECT array_agg(l.node_id) INTO nodes FROM left_behind l;
    PERFORM set_node_states(pool, nodes, 'abnormal', instant, reason);
    PERFORM set_task_states(pool, tasks, 'failed', instant, reason);
END $$;
COMMENT ON FUNCTION fail_tasks(bigint, bigint[], text, timestamptz) IS
'ends running tasks without success; their nodes become abnormal. Bodies of calls only';

-- Those of one rolling_id begin together only as far as max_unavailable goes,
-- and those that may not end jobs only on nodes without any. What takes no time
-- keeps no node out of service.
CREATE FUNCTION begin_tasks(pool bigint, instant timestamptz, instantly boolean, immediate boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    begun bigint[];
BEGIN
    SELECT array_agg(s.task_id) INTO begun
    FROM (SELECT t.task_id, t.rolling_id, t.max_unavailable, l.allocated = '' AS idle,
                 row_number() OVER (PARTITION BY t.rolling_id ORDER BY l.allocated <> '', t.task_id) AS place
          -- by their key, as below: a pool's id as a constant would let all its nodes be compared with all
          FROM (SELECT t.* FROM node_task t
                WHERE t.pool_id = begin_tasks.pool AND t.ended_at IS NULL AND t.state = 'pending' OFFSET 0) t
          JOIN node_load l ON l.pool_id = t.pool_id AND l.node_id = t.node_id
          WHERE t.rolling_id IS NULL OR t.force OR l.allocated = '') s
    LEFT JOIN (SELECT t.rolling_id, count(*) AS begun FROM node_task t
               WHERE t.pool_id = begin_tasks.pool AND t.ended_at IS NULL AND t.state <> 'pending' AND t.rolling_id IS NOT NULL
               GROUP BY t.rolling_id) b USING (rolling_id)
    WHERE s.rolling_id IS NULL OR s.place + coalesce(b.begun, 0) <= s.max_unavailable OR
          (instantly AND (s.idle OR immediate));
    IF begun IS NULL THEN
        RETURN false;
    END IF;
    PERFORM set_task_states(pool, begun, 'waiting', instant);
    UPDATE node n SET isolated_by = t.task_id,
        driver_state = CASE WHEN t.kind = 'upgrade_driver' AND n.driver_state = 'running' THEN 'pending' ELSE n.driver_state END
    FROM (SELECT t.* FROM node_task t WHERE t.pool_id = begin_tasks.pool AND t.task_id = ANY (begun) OFFSET 0) t
    WHERE n.pool_id = t.pool_id AND n.node_id = t.node_id;
    RETURN true;
END $$;
COMMENT ON FUNCTION begin_tasks(bigint, timestamptz, boolean, boolean) IS
'lets pending tasks isolate their nodes as far as their limits allow; were there any? Bodies of calls only';

CREATE FUNCTION run_tasks(pool bigint, instant timestamptz, instantly boolean) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    busy record;
    kept bigint[];
    drained bigint[];
    started bigint[];
    checking bigint[];
    deleting bigint[];
BEGIN
    FOR busy IN
        SELECT t.kind, array_agg(t.node_id) AS nodes
        FROM (SELECT t.* FROM node_task t
              WHERE t.pool_id = run_tasks.pool AND t.ended_at IS NULL AND t.state = 'waiting' AND t.force OFFSET 0) t
        JOIN node_load l ON l.pool_id = t.pool_id AND l.node_id = t.node_id
        WHERE l.allocated <> ''
        GROUP BY t.kind ORDER BY t.kind
    LOOP
        -- not before what of them is metered
        instant := interrupt_runs(pool, runs_on(pool, busy.nodes),
            format('node taken out of service: %s', replace(busy.kind::text, '_', ' ')), instant, false);
    END LOOP;
    -- a step goes whole: while jobs are on one of its nodes, none of them goes
    kept := ARRAY(
        SELECT DISTINCT n.batch_id
        FROM (SELECT t.* FROM node_task t WHERE t.pool_id = run_tasks.pool AND t.ended_at IS NULL AND t.kind = 'delete' OFFSET 0) t
        JOIN node_load l ON l.pool_id = t.pool_id AND l.node_id = t.node_id
        JOIN node n ON n.pool_id = t.pool_id AND n.node_id = t.node_id
        WHERE l.allocated <> '' AND n.batch_id IS NOT NULL);
    SELECT array_agg(t.task_id) FILTER (WHERE t.kind = 'drain'),
           array_agg(t.task_id) FILTER (WHERE t.kind <> 'drain'),
           array_agg(t.node_id) FILTER (WHERE t.kind IN ('reboot', 'reset', 'repair', 'upgrade_driver')),
           array_agg(t.node_id) FILTER (WHERE t.kind IN ('delete', 'replace', 'migrate'))
    INTO drained, started, checking, deleting
    FROM (SELECT t.* FROM node_task t WHERE t.pool_id = run_tasks.pool AND t.ended_at IS NULL AND t.state = 'waiting' OFFSET 0) t
    JOIN node_load l ON l.pool_id = t.pool_id AND l.node_id = t.node_id
    JOIN node n ON n.pool_id = t.pool_id AND n.node_id = t.node_id
    WHERE l.allocated = '' AND
          (t.kind <> 'delete' OR n.batch_id IS NULL OR n.batch_id <> ALL (kept));
    IF drained IS NOT NULL THEN
        PERFORM end_tasks(pool, drained, instant);
    END IF;
    IF started IS NOT NULL THEN
        PERFORM set_task_states(pool, started, 'running', instant);
        UPDATE node n SET driver_state = 'updating'
        FROM (SELECT t.* FROM node_task t
              WHERE t.pool_id = run_tasks.pool AND t.task_id = ANY (started) AND t.kind = 'upgrade_driver' OFFSET 0) t
        WHERE n.pool_id = t.pool_id AND n.node_id = t.node_id;
        IF checking IS NOT NULL THEN
            PERFORM set_node_states(pool, checking, 'checking', instant);
        END IF;
        IF deleting IS NOT NULL THEN
            PERFORM set_node_states(pool, deleting, 'deleting', instant);
        END IF;
        IF instantly THEN
            PERFORM end_tasks(pool, started, instant);
        END IF;
    END IF;
    RETURN drained IS NOT NULL OR (instantly AND started IS NOT NULL);
END $$;
COMMENT ON FUNCTION run_tasks(bigint, timestamptz, boolean) IS
'ends jobs on nodes whose tasks say so, and goes on with waiting tasks whose nodes hold none; have any tasks ended? Bodies of calls only';

CREATE FUNCTION advance_tasks(pool bigint, instant timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    instantly boolean;
    immediate boolean;
BEGIN
    PERFORM FROM node_task t WHERE t.pool_id = advance_tasks.pool AND t.ended_at IS NULL LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT p.provider = 'instant', p.launch = 'immediate' INTO instantly, immediate
    FROM pool p WHERE p.pool_id = advance_tasks.pool;
    -- an end makes room for others of its rolling_id
    LOOP
        PERFORM begin_tasks(pool, instant, instantly, immediate);
        EXIT WHEN NOT run_tasks(pool, instant, instantly);
    END LOOP;
END $$;
COMMENT ON FUNCTION advance_tasks(bigint, timestamptz) IS
'takes the open tasks of a pool as far as they come now. With the pool''s lock. Bodies of calls only';

-- ---- calls on tasks ----

CREATE FUNCTION lock_task_pools(tasks bigint[]) RETURNS TABLE (pool_id bigint, tasks_of bigint[], instant timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    owners bigint[];
    pools bigint[];
    missing bigint;
BEGIN
    IF array_position(tasks, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004',
            MESSAGE = 'tasks must not contain null',
            DETAIL = 'Each element is the id of a task.',
            HINT = 'The view node_tasks shows the ids.';
    ELSIF cardinality(tasks) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'no tasks are named',
            DETAIL = 'The array of task ids is empty.',
            HINT = 'Name at least one task.';
    END IF;
    SELECT coalesce(array_agg(s.tenant_id ORDER BY s.tenant_id), '{}') INTO owners
    FROM (SELECT DISTINCT t.tenant_id FROM node_task t WHERE t.task_id = ANY (lock_task_pools.tasks)) s
    WHERE has_level(s.tenant_id, 'viewer');
    SELECT min(w.id) INTO missing FROM unnest(lock_task_pools.tasks) AS w(id)
    LEFT JOIN node_task t ON t.task_id = w.id AND t.tenant_id = ANY (owners) WHERE t.task_id IS NULL;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('task %s does not exist', missing),
            DETAIL = 'There is no task with this id that you may see.',
            HINT = 'The view node_tasks shows the tasks that you may see.';
    END IF;
    FOR i IN 1 .. cardinality(owners) LOOP
        PERFORM require_level(owners[i], 'owner');
    END LOOP;
    SELECT array_agg(s.pool_id ORDER BY s.pool_id) INTO pools
    FROM (SELECT DISTINCT t.pool_id FROM node_task t WHERE t.task_id = ANY (lock_task_pools.tasks)) s;
    instant := '-infinity';
    FOR i IN 1 .. cardinality(pools) LOOP
        instant := greatest(instant, lock_pool(pools[i]));
    END LOOP;
    UPDATE pool_clock c SET last_instant = lock_task_pools.instant
    WHERE c.pool_id = ANY (pools) AND c.last_instant < lock_task_pools.instant;
    RETURN QUERY SELECT t.pool_id, array_agg(t.task_id ORDER BY t.task_id), lock_task_pools.instant
        FROM node_task t WHERE t.task_id = ANY (lock_task_pools.tasks) GROUP BY t.pool_id ORDER BY t.pool_id;
END $$;
COMMENT ON FUNCTION lock_task_pools(bigint[]) IS
'locks the pools of tasks in order of id, if the actor is an owner: their tasks by pool, each once, and the instant of the call. Bodies of calls only; 22004: a NULL id; 22023: no ids; 42704: no such task; 42501: not an owner';

CREATE FUNCTION refuse_tasks(tasks bigint[], what text, why text, detail text, hint text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF cardinality(tasks) > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('cannot %s task %s: %s', refuse_tasks.what, refuse_tasks.tasks[1], refuse_tasks.why),
            DETAIL = refuse_tasks.detail, HINT = refuse_tasks.hint;
    END IF;
END $$;
COMMENT ON FUNCTION refuse_tasks(bigint[], text, text, text, text) IS
'refuses if there are any such tasks, and names the first. Bodies of calls only; PM002: there are some';

CREATE FUNCTION cancel_tasks(pool bigint, tasks bigint[], why text, instant timestamptz) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    UPDATE node n SET isolated_by = NULL, driver_state = CASE WHEN n.driver_state = 'pending' THEN 'running' ELSE n.driver_state END
    FROM (SELECT t.* FROM node_task t WHERE t.pool_id = cancel_tasks.pool AND t.task_id = ANY (cancel_tasks.tasks) OFFSET 0) t
    WHERE n.pool_id = t.pool_id AND n.node_id = t.node_id;
    -- what an order wanted, its end puts right; part of a step, the rest of which is gone, counts as one
    UPDATE node_group g SET target_count = (g.target_count + s.staying + g.step - 1) / g.step * g.step
    FROM (SELECT n.flavor_id, count(*)::integer AS staying
          FROM (SELECT t.* FROM node_task t
                WHERE t.pool_id = cancel_tasks.pool AND t.task_id = ANY (cancel_tasks.tasks) AND t.kind = 'delete' AND
                      t.order_id IS NULL OFFSET 0) t
          JOIN node n ON n.pool_id = t.pool_id AND n.node_id = t.node_id
          GROUP BY n.flavor_id) s
    WHERE g.pool_id = cancel_tasks.pool AND g.flavor_id = s.flavor_id;
    PERFORM set_task_states(pool, tasks, 'cancelled', instant, why);
END $$;
COMMENT ON FUNCTION cancel_tasks(bigint, bigint[], text, timestamptz) IS
'calls tasks off that are pending or waiting; those of a step together. Bodies of calls only; PM002: one has begun or ended';

CREATE FUNCTION cancel_tasks(tasks bigint[]) RETURNS void LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    part record;
    steps bigint[];
    cancelled bigint[];
BEGIN
    FOR part IN SELECT * FROM lock_task_pools(tasks) LOOP
        -- what is deleted as one step is kept as one
        steps := ARRAY(
            SELECT DISTINCT n.batch_id
            FROM (SELECT t.* FROM node_task t
                  WHERE t.pool_id = part.pool_id AND t.task_id = ANY (part.tasks_of) AND t.kind = 'delete' AND t.ended_at IS NULL OFFSET 0) t
            JOIN node n ON n.pool_id = t.pool_id AND n.node_id = t.node_id
            WHERE n.batch_id IS NOT NULL);
        cancelled := ARRAY(
            SELECT t.task_id
            FROM (SELECT t.* FROM node_task t WHERE t.pool_id = part.pool_id AND t.kind = 'delete' AND t.ended_at IS NULL OFFSET 0) t
            JOIN node n ON n.pool_id = t.pool_id AND n.node_id = t.node_id
            WHERE n.batch_id = ANY (steps)
            UNION SELECT unnest(part.tasks_of) ORDER BY 1);
        PERFORM refuse_tasks(array_agg(t.task_id ORDER BY t.task_id), 'cancel', 'it has begun or ended',
            'A task can be cancelled while it is pending or waiting; a step as long as that is so of all its nodes.',
            'The view node_tasks shows the state of tasks.')
        FROM node_task t
        WHERE t.pool_id = part.pool_id AND t.task_id = ANY (cancelled) AND t.state NOT IN ('pending', 'waiting');
        PERFORM refuse_tasks(array_agg(t.task_id ORDER BY t.task_id), 'cancel', 'it belongs to an order',
            'What an order takes away goes as the order says.', 'The order ends with the last of its tasks.')
        FROM node_task t JOIN pool_order o USING (pool_id, order_id)
        WHERE t.pool_id = part.pool_id AND t.task_id = ANY (cancelled) AND o.operation <> 'upgrade_driver';
        PERFORM cancel_tasks(part.pool_id, cancelled, NULL, part.instant);
        PERFORM advance_pool(part.pool_id, part.instant);
    END LOOP;
END $$;
COMMENT ON FUNCTION cancel_tasks(bigint[]) IS
'calls tasks off that are pending or waiting; their nodes take replicas again. The deletion of a step is called off as a whole. Owners of the pools (42501); 42704: no such task; PM002: one has begun or ended, or belongs to an order that is not an upgrade; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION cancel_task(task bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT cancel_tasks(ARRAY[cancel_task.task]); END;
COMMENT ON FUNCTION cancel_task(bigint) IS 'the same for one task';

CREATE FUNCTION report_tasks(tasks bigint[], outcome task_state, reason text) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    part record;
    reported bigint[];
    name text;
BEGIN
    FOR part IN SELECT * FROM lock_task_pools(tasks) LOOP
        SELECT p.name INTO name FROM pool p WHERE p.pool_id = part.pool_id AND p.provider <> 'external';
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'PM003',
                MESSAGE = format('pool "%s" does not take reports on tasks', name),
                DETAIL = 'In a pool with provider instant, tasks are carried out at once.',
                HINT = 'Reports are for pools made with provider => ''external''.';
        END IF;
        PERFORM refuse_tasks(array_agg(t.task_id ORDER BY t.task_id), 'report the end of',
            'it is ' || min(t.state), 'Only a running task is carried out; a report may be repeated.',
            'The view node_tasks shows the state of tasks.')
        FROM node_task t
        WHERE t.pool_id = part.pool_id AND t.task_id = ANY (part.tasks_of) AND t.state NOT IN ('running', outcome);
        SELECT array_agg(t.task_id ORDER BY t.task_id) INTO reported
        FROM node_task t WHERE t.pool_id = part.pool_id AND t.task_id = ANY (part.tasks_of) AND t.state = 'running';
        IF reported IS NOT NULL THEN
            IF outcome = 'succeeded' THEN
                PERFORM end_tasks(part.pool_id, reported, part.instant);
            ELSE
                PERFORM fail_tasks(part.pool_id, reported, report_tasks.reason, part.instant);
            END IF;
            PERFORM advance_pool(part.pool_id, part.instant);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION report_tasks(bigint[], task_state, text) IS
'what an agent says of running tasks. Bodies of calls only; the errors of tasks_done()';

CREATE FUNCTION tasks_done(tasks bigint[]) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM report_tasks(tasks, 'succeeded', NULL);
END $$;
COMMENT ON FUNCTION tasks_done(bigint[]) IS
'says that running tasks were carried out; what they are for is then so. Said again it changes nothing. For agents of pools with provider = external: operators, or owners of the pools (42501); 42704: no such task; PM002: one is not running; PM003: the provider is instant; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION task_done(task bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT tasks_done(ARRAY[task_done.task]); END;
COMMENT ON FUNCTION task_done(bigint) IS 'the same for one task';

CREATE FUNCTION tasks_failed(tasks bigint[], reason text) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM report_tasks(tasks, 'failed', reason);
END $$;
COMMENT ON FUNCTION tasks_failed(bigint[], text) IS
'says that running tasks could not be carried out; their nodes are abnormal, others of an order go on. Said again it changes nothing. For agents of pools with provider = external: operators, or owners of the pools (42501); 42704: no such task; PM002: one is not running; PM003: the provider is instant; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION task_failed(task bigint, reason text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT tasks_failed(ARRAY[task_failed.task], task_failed.reason); END;
COMMENT ON FUNCTION task_failed(bigint, text) IS 'the same for one task';

-- ---- what can be seen ----

CREATE VIEW node_tasks WITH (security_invoker = true) AS
SELECT p.name AS pool,
       n.name AS node,
       t.task_id,
       t.kind,
       t.state,
       date_trunc('second', t.requested_at) AS requested_at,
       date_trunc('second', t.ended_at) AS ended_at,
       coalesce(t.reason, t.parameter) AS remark
FROM node_task t
JOIN node n USING (pool_id, node_id)
JOIN pool p USING (pool_id)
ORDER BY t.task_id DESC;
COMMENT ON VIEW node_tasks IS 'what is or was done to nodes, newest first; those of public pools are seen by operators';
COMMENT ON COLUMN node_tasks.pool IS 'pool';
COMMENT ON COLUMN node_tasks.node IS 'name of the node';
COMMENT ON COLUMN node_tasks.task_id IS 'task';
COMMENT ON COLUMN node_tasks.kind IS 'what is done';
COMMENT ON COLUMN node_tasks.state IS 'how far it has come';
COMMENT ON COLUMN node_tasks.requested_at IS 'when it was asked for';
COMMENT ON COLUMN node_tasks.ended_at IS 'when it ended; NULL: it is open';
COMMENT ON COLUMN node_tasks.remark IS 'why it failed; else driver version or id of the target pool, where there is one';

CREATE VIEW drain_status WITH (security_invoker = true) AS
SELECT p.name AS pool,
       n.name AS node,
       t.task_id,
       t.kind,
       t.state,
       t.force,
       j.jobs,
       CASE WHEN j.jobs > 0 AND NOT j.endless THEN date_trunc('second', j.last_end) END AS expected_end
FROM node_task t
JOIN node n USING (pool_id, node_id)
JOIN pool p USING (pool_id),
LATERAL (SELECT count(*) AS jobs, bool_or(r.planned_end IS NULL) AS endless, max(r.planned_end) AS last_end
         FROM job_run r
         WHERE (r.pool_id, r.run_id) IN (SELECT a.pool_id, a.run_id FROM allocation a
                                         WHERE a.pool_id = t.pool_id AND a.node_id = t.node_id AND a.released_at IS NULL)) j
WHERE t.ended_at IS NULL AND t.state IN ('pending', 'waiting');
COMMENT ON VIEW drain_status IS
'nodes that wait until no job is on them, for a drain or other work: how much is left. In public pools seen by operators';
COMMENT ON COLUMN drain_status.pool IS 'pool';
COMMENT ON COLUMN drain_status.node IS 'name of the node';
COMMENT ON COLUMN drain_status.task_id IS 'task';
COMMENT ON COLUMN drain_status.kind IS 'what is done when the node is empty';
COMMENT ON COLUMN drain_status.state IS 'pending: still takes new jobs; waiting: takes none';
COMMENT ON COLUMN drain_status.force IS 'are the jobs told to end?';
COMMENT ON COLUMN drain_status.jobs IS 'jobs left on it';
COMMENT ON COLUMN drain_status.expected_end IS 'when the last of them ends by its time limit; NULL: none is left, or one has no limit';

CREATE VIEW drain_jobs WITH (security_invoker = true) AS
SELECT p.name AS pool,
       n.name AS node,
       t.task_id,
       r.job_id,
       j.name AS job,
       r.state,
       date_trunc('second', r.planned_end) AS expected_end
FROM node_task t
JOIN node n USING (pool_id, node_id)
JOIN pool p USING (pool_id)
JOIN LATERAL (SELECT DISTINCT a.run_id FROM allocation a
              WHERE a.pool_id = t.pool_id AND a.node_id = t.node_id AND a.released_at IS NULL) a ON true
JOIN job_run r ON r.pool_id = t.pool_id AND r.run_id = a.run_id
JOIN job j ON j.pool_id = r.pool_id AND j.job_id = r.job_id
WHERE t.ended_at IS NULL AND t.state IN ('pending', 'waiting');
COMMENT ON VIEW drain_jobs IS 'the jobs that nodes of drain_status wait for';
COMMENT ON COLUMN drain_jobs.pool IS 'pool';
COMMENT ON COLUMN drain_jobs.node IS 'name of the node';
COMMENT ON COLUMN drain_jobs.task_id IS 'task that waits';
COMMENT ON COLUMN drain_jobs.job_id IS 'job';
COMMENT ON COLUMN drain_jobs.job IS 'name of the job';
COMMENT ON COLUMN drain_jobs.state IS 'state of its run';
COMMENT ON COLUMN drain_jobs.expected_end IS 'when it ends by its time limit; NULL: it has none';

GRANT SELECT ON node_tasks, drain_status, drain_jobs TO PUBLIC;

REVOKE EXECUTE ON FUNCTION node_names(bigint[]), refuse_nodes(bigint[], text, text, text, text), require_nodes(bigint[], text),
    refuse_missing_node(bigint), lock_node_pools(bigint[], bigint), check_pool_for_nodes(bigint, text, boolean),
    node_limit(text, bigint), set_task_states(bigint, bigint[], task_state, timestamptz, text),
    request_tasks(bigint, bigint[], task_kind, timestamptz, boolean, text, bigint, integer),
    release_nodes(bigint, bigint[], timestamptz), copy_nodes(bigint, bigint[], bigint, timestamptz),
    end_tasks(bigint, bigint[], timestamptz), fail_tasks(bigint, bigint[], text, timestamptz),
    begin_tasks(bigint, timestamptz, boolean, boolean), run_tasks(bigint, timestamptz, boolean), advance_tasks(bigint, timestamptz),
    lock_task_pools(bigint[]), cancel_tasks(bigint, bigint[], text, timestamptz), refuse_tasks(bigint[], text, text, text, text),
    report_tasks(bigint[], task_state, text) FROM PUBLIC;
