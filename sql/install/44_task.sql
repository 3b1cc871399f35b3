-- Work on nodes: tasks, which isolate a node, wait until no job is on it, are
-- carried out and end; and the calls that ask for them.

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
            fault_code, driver, driver_state, labels, taints, tags, topology, reserved, batch_id, sub_pool_id, created_at)
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
               copy_nodes.instant
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

-- ---- calls on nodes ----

CREATE FUNCTION mark_nodes(nodes bigint[], mark text) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    owner bigint := require_nodes(nodes, 'owner');
    part record;
BEGIN
    FOR part IN SELECT * FROM lock_node_pools(nodes) LOOP
        IF mark = 'uncordon' THEN
            PERFORM refuse_nodes(array_agg(t.node_id), mark, 'being drained',
                'A drain that succeeds leaves its node cordoned.', 'End the drain with cancel_task().')
            FROM node_task t
            WHERE t.pool_id = part.pool_id AND t.node_id = ANY (part.nodes_of) AND t.ended_at IS NULL AND t.kind = 'drain';
        END IF;
        WITH marked AS (
            UPDATE node n SET
                schedulable = CASE mark WHEN 'cordon' THEN false WHEN 'uncordon' THEN true ELSE n.schedulable END,
                delete_lock = CASE mark WHEN 'lock' THEN true WHEN 'unlock' THEN false ELSE n.delete_lock END
            WHERE n.pool_id = part.pool_id AND n.node_id = ANY (part.nodes_of) AND
                  CASE mark WHEN 'cordon' THEN n.schedulable WHEN 'uncordon' THEN NOT n.schedulable
                            WHEN 'lock' THEN NOT n.delete_lock ELSE n.delete_lock END
            RETURNING n.tenant_id, n.node_id)
        INSERT INTO event (tenant_id, at, kind, pool_id, node_id, actor, reason)
        SELECT m.tenant_id, part.instant, 'node_changed', part.pool_id, m.node_id, actor(), mark FROM marked m ORDER BY m.node_id;
    END LOOP;
END $$;
COMMENT ON FUNCTION mark_nodes(bigint[], text) IS
'cordon, uncordon, lock or unlock: sets the mark of nodes, where it is not set. Bodies of calls only';

CREATE FUNCTION cordon_nodes(nodes bigint[]) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM mark_nodes(nodes, 'cordon');
END $$;
COMMENT ON FUNCTION cordon_nodes(bigint[]) IS
'keeps new replicas away from nodes until uncordon_nodes; what runs on them goes on. Owners of the pools (42501); 42704: no such node; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION cordon_node(node bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT cordon_nodes(ARRAY[cordon_node.node]); END;
COMMENT ON FUNCTION cordon_node(bigint) IS 'the same for one node';
CREATE FUNCTION cordon_node(pool text, node text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT cordon_nodes(ARRAY[find_node(find_pool(cordon_node.pool), cordon_node.node)]); END;
COMMENT ON FUNCTION cordon_node(text, text) IS 'the same, the node by name';

CREATE FUNCTION uncordon_nodes(nodes bigint[]) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM mark_nodes(nodes, 'uncordon');
END $$;
COMMENT ON FUNCTION uncordon_nodes(bigint[]) IS
'lets nodes that were cordoned or drained take replicas again. Owners of the pools (42501); 42704: no such node; PM002: one is being drained; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION uncordon_node(node bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT uncordon_nodes(ARRAY[uncordon_node.node]); END;
COMMENT ON FUNCTION uncordon_node(bigint) IS 'the same for one node';
CREATE FUNCTION uncordon_node(pool text, node text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT uncordon_nodes(ARRAY[find_node(find_pool(uncordon_node.pool), uncordon_node.node)]); END;
COMMENT ON FUNCTION uncordon_node(text, text) IS 'the same, the node by name';

CREATE FUNCTION lock_nodes(nodes bigint[]) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM mark_nodes(nodes, 'lock');
END $$;
COMMENT ON FUNCTION lock_nodes(bigint[]) IS
'locks nodes against delete_nodes and drain_nodes until unlock_nodes; all else may still happen to them. Owners of the pools (42501); 42704: no such node; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION lock_node(node bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT lock_nodes(ARRAY[lock_node.node]); END;
COMMENT ON FUNCTION lock_node(bigint) IS 'the same for one node';
CREATE FUNCTION lock_node(pool text, node text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT lock_nodes(ARRAY[find_node(find_pool(lock_node.pool), lock_node.node)]); END;
COMMENT ON FUNCTION lock_node(text, text) IS 'the same, the node by name';

CREATE FUNCTION unlock_nodes(nodes bigint[]) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM mark_nodes(nodes, 'unlock');
END $$;
COMMENT ON FUNCTION unlock_nodes(bigint[]) IS
'takes the lock of lock_nodes away. Owners of the pools (42501); 42704: no such node; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION unlock_node(node bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT unlock_nodes(ARRAY[unlock_node.node]); END;
COMMENT ON FUNCTION unlock_node(bigint) IS 'the same for one node';
CREATE FUNCTION unlock_node(pool text, node text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT unlock_nodes(ARRAY[find_node(find_pool(unlock_node.pool), unlock_node.node)]); END;
COMMENT ON FUNCTION unlock_node(text, text) IS 'the same, the node by name';

-- What leaves a pool: locked nodes stay, a step goes whole, one node remains.
CREATE FUNCTION check_leaving(pool bigint, nodes bigint[], what text) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    batches bigint[] := ARRAY(SELECT DISTINCT n.batch_id FROM node n
        WHERE n.pool_id = check_leaving.pool AND n.node_id = ANY (check_leaving.nodes) AND n.batch_id IS NOT NULL);
    broken bigint;
BEGIN
    IF batches <> '{}' THEN
        SELECT n.node_id INTO broken FROM node n
        WHERE n.pool_id = check_leaving.pool AND n.deleted_at IS NULL AND n.batch_id = ANY (batches) AND
              n.node_id <> ALL (check_leaving.nodes)
        ORDER BY n.node_id LIMIT 1;
    END IF;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('cannot %s part of a step: %s is not named', check_leaving.what, node_names(ARRAY[broken])),
            DETAIL = 'Nodes that came together as one step go together.',
            HINT = 'Name all nodes of the step: those with the same batch_id in table node.';
    END IF;
    PERFORM FROM node n LEFT JOIN LATERAL (
        -- one by one: a join could read all open tasks of the pool for each node
        SELECT t.task_id AS going FROM node_task t WHERE t.pool_id = n.pool_id AND t.node_id = n.node_id AND t.ended_at IS NULL AND
            t.kind = 'delete' LIMIT 1) t ON true
    WHERE n.pool_id = check_leaving.pool AND n.deleted_at IS NULL AND n.node_id <> ALL (check_leaving.nodes) AND going IS NULL AND
          NOT n.spare
    LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('cannot %s the last nodes of pool "%s"', check_leaving.what,
                (SELECT p.name FROM pool p WHERE p.pool_id = check_leaving.pool)),
            DETAIL = 'At least one node of a pool must remain that is no spare.',
            HINT = 'To give back all of it, use delete_pool().';
    END IF;
    PERFORM check_guarantees(pool, nodes);
END $$;
COMMENT ON FUNCTION check_leaving(bigint, bigint[], text) IS
'refuses to let nodes leave a pool if part of a step would stay, or nothing. Bodies of calls only; 22023: so it would be';

CREATE FUNCTION lower_targets(pool bigint, nodes bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- not below what a deletion that failed has already taken off
    UPDATE node_group g SET target_count = least(g.target_count, s.staying / g.step * g.step)
    FROM (SELECT n.flavor_id, (count(*) FILTER (WHERE n.node_id <> ALL (lower_targets.nodes) AND going IS NULL))::integer AS staying
          FROM node n LEFT JOIN LATERAL (
              SELECT t.task_id AS going FROM node_task t WHERE t.pool_id = n.pool_id AND t.node_id = n.node_id AND t.ended_at IS NULL AND
                  t.kind = 'delete' LIMIT 1) t ON true
          WHERE n.pool_id = lower_targets.pool AND n.deleted_at IS NULL GROUP BY n.flavor_id) s
    WHERE g.pool_id = lower_targets.pool AND g.flavor_id = s.flavor_id AND
          g.flavor_id IN (SELECT n.flavor_id FROM node n WHERE n.node_id = ANY (lower_targets.nodes));
END $$;
COMMENT ON FUNCTION lower_targets(bigint, bigint[]) IS
'takes nodes that are to leave off what their node groups should have. Bodies of calls only';

CREATE FUNCTION work_on_nodes(nodes bigint[], kind task_kind, force boolean, max_unavailable text DEFAULT NULL)
    RETURNS bigint[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    part record;
    tasks bigint[] := earlier_results(require_nodes(nodes, 'owner'));
BEGIN
    IF tasks IS NOT NULL THEN
        RETURN tasks;
    END IF;
    FOR part IN SELECT * FROM lock_node_pools(nodes) LOOP
        PERFORM check_pool_for_nodes(part.pool_id, kind::text, kind = 'delete');
        IF kind IN ('drain', 'delete') THEN
            PERFORM refuse_nodes(array_agg(n.node_id), kind::text, 'locked',
                'Locked nodes are neither drained nor deleted.', 'Unlock them with unlock_nodes().')
            FROM node n WHERE n.pool_id = part.pool_id AND n.node_id = ANY (part.nodes_of) AND n.delete_lock;
        END IF;
        PERFORM refuse_nodes(array_agg(n.node_id), kind::text,
            string_agg(DISTINCT n.state::text, ', '),
            CASE WHEN kind = 'drain' THEN 'Only an available node is drained.'
                 WHEN kind = 'delete' THEN 'A node is deleted once.'
                 ELSE 'A node is worked on when it is available or abnormal.' END,
            'The view node_status shows the state of nodes.')
        FROM node n
        WHERE n.pool_id = part.pool_id AND n.node_id = ANY (part.nodes_of) AND
              CASE WHEN kind = 'drain' THEN n.state <> 'available'
                   WHEN kind = 'delete' THEN n.state = 'deleting' AND NOT EXISTS (
                       SELECT FROM node_task t WHERE t.pool_id = n.pool_id AND t.node_id = n.node_id AND t.ended_at IS NULL)
                   ELSE n.state NOT IN ('available', 'abnormal') AND NOT EXISTS (
                       SELECT FROM node_task t WHERE t.pool_id = n.pool_id AND t.node_id = n.node_id AND t.ended_at IS NULL) END;
        IF kind = 'reset' AND NOT force THEN
            PERFORM refuse_nodes(array_agg(l.node_id), kind::text, 'in use by jobs',
                'A reset takes all that jobs have on a node.', 'Drain the nodes first, or write force => true to end the jobs.')
            FROM node_load l WHERE l.pool_id = part.pool_id AND l.node_id = ANY (part.nodes_of) AND l.allocated <> '';
        END IF;
        IF kind = 'delete' THEN
            PERFORM check_leaving(part.pool_id, part.nodes_of, kind::text);
            PERFORM lower_targets(part.pool_id, part.nodes_of);
        END IF;
        tasks := tasks || request_tasks(part.pool_id, part.nodes_of, kind, part.instant, force,
            max_unavailable => node_limit(work_on_nodes.max_unavailable, cardinality(part.nodes_of)));
        PERFORM advance_pool(part.pool_id, part.instant);
    END LOOP;
    PERFORM remember_results(tasks);
    RETURN tasks;
END $$;
COMMENT ON FUNCTION work_on_nodes(bigint[], task_kind, boolean, text) IS
'makes a task for each node and takes it as far as it comes now; returns the tasks, by pool and node, or those of the same call before (request_id). Bodies of calls only; 42501: not an owner of the pools, and what the call says';

CREATE FUNCTION drain_nodes(nodes bigint[], force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE pool_manager AS $$
BEGIN
    RETURN QUERY SELECT unnest(work_on_nodes(nodes, 'drain', force));
END $$;
COMMENT ON FUNCTION drain_nodes(bigint[], boolean, text) IS
'empties nodes: they take no new replicas, and when the last job on them has ended they are cordoned; force ends the jobs. Views drain_status and drain_jobs show what is left. Returns a task for each node, by pool and node. Owners of the pools (42501); 42704: no such node; PM002: one is not available, is locked or has an open task, or its pool is not in a state for it; PM005: the owner is frozen; PM004: other content for a request_id; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION drain_node(node bigint, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT drain_nodes(ARRAY[drain_node.node], drain_node.force, drain_node.request_id); END;
COMMENT ON FUNCTION drain_node(bigint, boolean, text) IS 'the same for one node';
CREATE FUNCTION drain_node(pool text, node text, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
        SELECT drain_nodes(ARRAY[find_node(find_pool(drain_node.pool), drain_node.node)], drain_node.force, drain_node.request_id);
    END;
COMMENT ON FUNCTION drain_node(text, text, boolean, text) IS 'the same, the node by name';

CREATE FUNCTION reboot_nodes(nodes bigint[], force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE pool_manager AS $$
BEGIN
    RETURN QUERY SELECT unnest(work_on_nodes(nodes, 'reboot', force));
END $$;
COMMENT ON FUNCTION reboot_nodes(bigint[], boolean, text) IS
'reboots nodes: each takes no new replicas and is rebooted when the jobs on it have ended; force ends them. Returns a task for each node, by pool and node. Owners of the pools (42501); 42704: no such node; PM002: one is neither available nor abnormal or has an open task, or its pool is not in a state for it; PM005: the owner is frozen; PM004: other content for a request_id; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION reboot_node(node bigint, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT reboot_nodes(ARRAY[reboot_node.node], reboot_node.force, reboot_node.request_id); END;
COMMENT ON FUNCTION reboot_node(bigint, boolean, text) IS 'the same for one node';
CREATE FUNCTION reboot_node(pool text, node text, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
        SELECT reboot_nodes(ARRAY[find_node(find_pool(reboot_node.pool), reboot_node.node)], reboot_node.force, reboot_node.request_id);
    END;
COMMENT ON FUNCTION reboot_node(text, text, boolean, text) IS 'the same, the node by name';

CREATE FUNCTION reset_nodes(
    nodes bigint[], force boolean DEFAULT false, max_unavailable text DEFAULT NULL, request_id text DEFAULT NULL)
    RETURNS SETOF bigint LANGUAGE pool_manager AS $$
BEGIN
    RETURN QUERY SELECT unnest(work_on_nodes(nodes, 'reset', force, max_unavailable));
END $$;
COMMENT ON FUNCTION reset_nodes(bigint[], boolean, text, text) IS
'installs nodes anew, with the driver of their pool; at most max_unavailable of them (a number, or a percentage of those named of one pool) at a time. force ends the jobs on them. Returns a task for each node, by pool and node. Owners of the pools (42501); 42704: no such node; PM002: jobs are on one and force is false, it is neither available nor abnormal or has an open task, or its pool is not in a state for it; PM005: the owner is frozen; PM004: other content for a request_id; 22004: a NULL id; 22023: no ids, or another max_unavailable';
CREATE FUNCTION reset_node(node bigint, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT reset_nodes(ARRAY[reset_node.node], reset_node.force, NULL, reset_node.request_id); END;
COMMENT ON FUNCTION reset_node(bigint, boolean, text) IS 'the same for one node';
CREATE FUNCTION reset_node(pool text, node text, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
        SELECT reset_nodes(ARRAY[find_node(find_pool(reset_node.pool), reset_node.node)], reset_node.force, NULL, reset_node.request_id);
    END;
COMMENT ON FUNCTION reset_node(text, text, boolean, text) IS 'the same, the node by name';

CREATE FUNCTION replace_nodes(nodes bigint[], force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE pool_manager AS $$
BEGIN
    RETURN QUERY SELECT unnest(work_on_nodes(nodes, 'replace', force));
END $$;
COMMENT ON FUNCTION replace_nodes(bigint[], boolean, text) IS
'gives nodes back and puts new ones in their places, with their marks and the same flavor, when the jobs on them have ended; force ends these. Billing goes over from the one to the other. Returns a task for each node, by pool and node. Owners of the pools (42501); 42704: no such node; PM002: one is neither available nor abnormal or has an open task, or its pool is not in a state for it; PM005: the owner is frozen; PM004: other content for a request_id; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION replace_node(node bigint, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT replace_nodes(ARRAY[replace_node.node], replace_node.force, replace_node.request_id); END;
COMMENT ON FUNCTION replace_node(bigint, boolean, text) IS 'the same for one node';
CREATE FUNCTION replace_node(pool text, node text, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
        SELECT replace_nodes(ARRAY[find_node(find_pool(replace_node.pool), replace_node.node)], replace_node.force, replace_node.request_id);
    END;
COMMENT ON FUNCTION replace_node(text, text, boolean, text) IS 'the same, the node by name';

CREATE FUNCTION delete_nodes(nodes bigint[], force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE pool_manager AS $$
BEGIN
    RETURN QUERY SELECT unnest(work_on_nodes(nodes, 'delete', force));
END $$;
COMMENT ON FUNCTION delete_nodes(bigint[], boolean, text) IS
'gives nodes back when the jobs on them have ended; force ends these. The node groups are to have so many fewer. Returns a task for each node, by pool and node. Owners of the pools (42501); 42704: no such node; PM002: one is locked or has an open task, or its pool is not running, restricted, being migrated or has an open order; 22023: no ids, part of a step, or no node of the pool would remain; PM005: the owner is frozen; PM004: other content for a request_id; 22004: a NULL id';
CREATE FUNCTION delete_node(node bigint, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT delete_nodes(ARRAY[delete_node.node], delete_node.force, delete_node.request_id); END;
COMMENT ON FUNCTION delete_node(bigint, boolean, text) IS 'the same for one node';
CREATE FUNCTION delete_node(pool text, node text, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
        SELECT delete_nodes(ARRAY[find_node(find_pool(delete_node.pool), delete_node.node)], delete_node.force, delete_node.request_id);
    END;
COMMENT ON FUNCTION delete_node(text, text, boolean, text) IS 'the same, the node by name';

CREATE FUNCTION migrate_nodes(nodes bigint[], target bigint, request_id text DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    moved bigint[] := earlier_results(require_nodes(nodes, 'owner'));
    part record;
    tasks bigint[];
    into_pool pool;
    odd record;
BEGIN
    IF moved IS NOT NULL THEN
        RETURN QUERY SELECT unnest(moved);
        RETURN;
    END IF;
    SELECT * INTO into_pool FROM pool p WHERE p.pool_id = find_pool(migrate_nodes.target);
    PERFORM require_level(into_pool.tenant_id, 'owner');
    moved := '{}';
    -- quotas of workspaces are compared below, with the nodes where they will be; their lock comes before those of pools
    PERFORM FROM tenant t WHERE t.tenant_id = into_pool.tenant_id FOR NO KEY UPDATE;
    FOR part IN SELECT * FROM lock_node_pools(nodes, target) LOOP
        SELECT * INTO into_pool FROM pool p WHERE p.pool_id = migrate_nodes.target;
        PERFORM check_pool_for_nodes(part.pool_id, 'migrate', true);
        PERFORM check_pool_for_nodes(target, 'migrate', true);
        IF part.pool_id = target THEN
            RAISE EXCEPTION USING ERRCODE = '22023',
                MESSAGE = format('%s in pool "%s" already', node_names(part.nodes_of) ||
                    CASE WHEN cardinality(part.nodes_of) = 1 THEN ' is' ELSE ' are' END, into_pool.name),
                DETAIL = 'Nodes migrate from one pool to another.',
                HINT = 'Name nodes of other pools.';
        END IF;
        SELECT p.name INTO odd FROM pool p WHERE p.pool_id = part.pool_id AND p.tenant_id <> into_pool.tenant_id;
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = '22023',
                MESSAGE = format('pools "%s" and "%s" have different owners', odd.name, into_pool.name),
                DETAIL = 'Nodes migrate between pools of one owner.',
                HINT = 'Delete the nodes from the one pool and add nodes to the other.';
        END IF;
        PERFORM refuse_nodes(array_agg(n.node_id), 'migrate', string_agg(DISTINCT n.state::text, ', '),
            'Only available nodes migrate.', 'The view node_status shows the state of nodes.')
        FROM node n WHERE n.pool_id = part.pool_id AND n.node_id = ANY (part.nodes_of) AND n.state <> 'available';
        PERFORM refuse_nodes(array_agg(l.node_id), 'migrate', 'in use by jobs',
            'A node migrates when it holds no job.', 'Drain the nodes first.')
        FROM node_load l WHERE l.pool_id = part.pool_id AND l.node_id = ANY (part.nodes_of) AND l.allocated <> '';
        PERFORM check_leaving(part.pool_id, part.nodes_of, 'migrate');
        PERFORM admit_flavors(part.pool_id, part.nodes_of, target);
        PERFORM lower_targets(part.pool_id, part.nodes_of);
        tasks := request_tasks(part.pool_id, part.nodes_of, 'migrate', part.instant, false, target::text);
        PERFORM set_task_states(part.pool_id, tasks, 'waiting', part.instant);
        PERFORM set_task_states(part.pool_id, tasks, 'running', part.instant);
        PERFORM set_node_states(part.pool_id, part.nodes_of, 'deleting', part.instant);
        moved := moved || end_tasks(part.pool_id, tasks, part.instant);
        PERFORM settle_pool_state(part.pool_id, part.instant);
    END LOOP;
    PERFORM check_quota(into_pool.tenant_id, into_pool.workspace_id, 'nodes', 0);
    PERFORM remember_results(moved);
    RETURN QUERY SELECT unnest(moved);
END $$;
COMMENT ON FUNCTION migrate_nodes(bigint[], bigint, text) IS
'moves nodes without jobs to another pool of the same owner: there they have new ids, which are returned, and where they are taken new names; sub-pool and spare mark are lost. Billing goes on without a gap. Owners of the pools (42501); 42704: no such node or pool; PM002: one is not available, has jobs or an open task, or a pool is not running, restricted, being migrated or has an open order; 22023: no ids, part of a step, no node would remain, the pools have different owners or are the same, the processor architecture or the step of a flavor does not fit; 54000: the pool would have more than 10 flavors; PM007: a quota of its workspace would be exceeded; PM005: the owner is frozen; PM004: other content for a request_id; 22004: a NULL id';

CREATE FUNCTION admit_flavors(pool bigint, nodes bigint[], target bigint) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    name text;
    odd record;
BEGIN
    SELECT p.name INTO name FROM pool p WHERE p.pool_id = admit_flavors.target;
    SELECT f.name AS flavor, g.cpu_architecture, o.cpu_architecture AS other INTO odd
    FROM node_group g JOIN flavor f USING (flavor_id) JOIN node_group o ON o.pool_id = admit_flavors.target AND o.cpu_architecture <> g.cpu_architecture
    WHERE g.pool_id = admit_flavors.pool LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('flavor "%s" is %s, pool "%s" is %s', odd.flavor, odd.cpu_architecture, name, odd.other),
            DETAIL = 'All nodes of a pool have one processor architecture.',
            HINT = 'Choose a pool of the same architecture.';
    END IF;
    SELECT f.name AS flavor, g.step, o.step AS other INTO odd
    FROM node_group g JOIN flavor f USING (flavor_id) JOIN node_group o ON o.pool_id = admit_flavors.target AND o.flavor_id = g.flavor_id
    WHERE g.pool_id = admit_flavors.pool AND (g.step, g.step_type) IS DISTINCT FROM (o.step, o.step_type) AND
          g.flavor_id IN (SELECT n.flavor_id FROM node n WHERE n.node_id = ANY (admit_flavors.nodes)) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('nodes of flavor "%s" come %s together, in pool "%s" %s', odd.flavor, odd.step, name, odd.other),
            DETAIL = 'The step of a node group is fixed when it is made.',
            HINT = 'Choose a pool with the same step, or without nodes of the flavor.';
    END IF;
    UPDATE node_group g SET target_count = g.target_count + s.arriving
    FROM (SELECT n.flavor_id, count(*)::integer AS arriving FROM node n WHERE n.node_id = ANY (admit_flavors.nodes) GROUP BY n.flavor_id) s
    WHERE g.pool_id = admit_flavors.target AND g.flavor_id = s.flavor_id;
    -- a flavor new to the pool takes the lowest numbers that are free
    WITH arriving AS (
        SELECT g.*, s.arriving, row_number() OVER (ORDER BY g.group_no) AS place
        FROM node_group g JOIN (SELECT n.flavor_id, count(*) AS arriving FROM node n WHERE n.node_id = ANY (admit_flavors.nodes)
                                GROUP BY n.flavor_id) s USING (flavor_id)
        WHERE g.pool_id = admit_flavors.pool AND
              NOT EXISTS (SELECT FROM node_group o WHERE o.pool_id = admit_flavors.target AND o.flavor_id = g.flavor_id)),
    free AS (
        SELECT no, row_number() OVER (ORDER BY no) AS place FROM generate_series(1, 20) AS no
        WHERE no NOT IN (SELECT o.group_no FROM node_group o WHERE o.pool_id = admit_flavors.target)),
    checked AS (
        SELECT a.*, f.no FROM arriving a JOIN free f USING (place)),
    made AS (
        INSERT INTO node_group (pool_id, flavor_id, group_no, cpu_architecture, target_count, step, step_type, labels, taints,
            disk_count, disk_gib, disk_type)
        SELECT admit_flavors.target, c.flavor_id, c.no, c.cpu_architecture, c.arriving, c.step, c.step_type, c.labels, c.taints,
               c.disk_count, c.disk_gib, c.disk_type
        FROM checked c WHERE c.no <= 10)
    SELECT max(c.no) AS last INTO odd FROM checked c;
    IF odd.last > 10 THEN
        RAISE EXCEPTION USING ERRCODE = '54000',
            MESSAGE = format('pool "%s" would have more than 10 flavors', name),
            DETAIL = 'A pool has 1 to 10 node groups, each of one flavor.',
            HINT = 'Choose another pool, or nodes of flavors that the pool has.';
    ELSIF odd.last IS NOT NULL THEN
        UPDATE pool p SET generation = p.generation + 1 WHERE p.pool_id = admit_flavors.target;
    END IF;
END $$;
COMMENT ON FUNCTION admit_flavors(bigint, bigint[], bigint) IS
'makes room for nodes that come from another pool: their node groups, and what these are to have. Bodies of calls only; 22023: architecture or step does not fit; 54000: more than 10 flavors';

CREATE FUNCTION migrate_node(node bigint, target bigint, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT migrate_nodes(ARRAY[migrate_node.node], migrate_node.target, migrate_node.request_id); END;
COMMENT ON FUNCTION migrate_node(bigint, bigint, text) IS 'the same for one node';
CREATE FUNCTION migrate_node(pool text, node text, target text, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
        SELECT migrate_nodes(ARRAY[find_node(find_pool(migrate_node.pool), migrate_node.node)], find_pool(migrate_node.target),
            migrate_node.request_id);
    END;
COMMENT ON FUNCTION migrate_node(text, text, text, text) IS 'the same, the node by name';

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
    mark_nodes(bigint[], text), check_leaving(bigint, bigint[], text), lower_targets(bigint, bigint[]),
    work_on_nodes(bigint[], task_kind, boolean, text), admit_flavors(bigint, bigint[], bigint),
    lock_task_pools(bigint[]), cancel_tasks(bigint, bigint[], text, timestamptz), refuse_tasks(bigint[], text, text, text, text), report_tasks(bigint[], task_state, text) FROM PUBLIC;
