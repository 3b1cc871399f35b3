-- Calls on nodes: marks, and what asks for work on them.

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

REVOKE EXECUTE ON FUNCTION mark_nodes(bigint[], text), check_leaving(bigint, bigint[], text), lower_targets(bigint, bigint[]),
    work_on_nodes(bigint[], task_kind, boolean, text), admit_flavors(bigint, bigint[], bigint) FROM PUBLIC;
