-- Faults of nodes and what follows from them, hot spares, scheduled events, and
-- the labels and taints that decide what a node takes.

-- ---- what these calls share ----

CREATE FUNCTION nodes_named(pool bigint, names text[]) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
    unknown text;
    seen boolean := has_level((SELECT p.tenant_id FROM pool p WHERE p.pool_id = nodes_named.pool), 'viewer');
BEGIN
    SELECT array_agg(n.node_id ORDER BY g.i), min(g.name) FILTER (WHERE g.name IS NOT NULL AND n.node_id IS NULL)
    INTO ids, unknown
    FROM unnest(names) WITH ORDINALITY AS g(name, i)
    LEFT JOIN node n ON seen AND n.pool_id = nodes_named.pool AND n.name = g.name AND n.deleted_at IS NULL;
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('node "%s" does not exist', unknown),
            DETAIL = format('The pool has none of this name that role "%s" may see.', actor()),
            HINT = 'Table "node" shows those that it may see.';
    END IF;
    RETURN coalesce(ids, '{}');
END $$;
COMMENT ON FUNCTION nodes_named(bigint, text[]) IS
'the ids of live nodes of a pool by name, of a NULL NULL. Bodies of calls only; 42704: no such node';

CREATE FUNCTION settle_pool_state(pool bigint, instant timestamptz) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    was pool_state;
    to_state pool_state;
BEGIN
    SELECT p.state INTO was FROM pool p WHERE p.pool_id = settle_pool_state.pool;
    IF was IN ('running', 'scaling_failed') THEN
        -- nodes that are being made or worked on are to come back
        SELECT 'abnormal' INTO to_state
        WHERE NOT EXISTS (SELECT FROM node n WHERE n.pool_id = settle_pool_state.pool AND n.deleted_at IS NULL
                              AND n.state IN ('available', 'creating', 'checking') AND NOT n.spare)
          AND EXISTS (SELECT FROM node n WHERE n.pool_id = settle_pool_state.pool AND n.deleted_at IS NULL AND n.state = 'abnormal');
    ELSIF was = 'abnormal' THEN
        SELECT 'running' INTO to_state
        WHERE EXISTS (SELECT FROM node n WHERE n.pool_id = settle_pool_state.pool AND n.deleted_at IS NULL
                          AND n.state = 'available' AND NOT n.spare)
           OR NOT EXISTS (SELECT FROM node n WHERE n.pool_id = settle_pool_state.pool AND n.deleted_at IS NULL);
    END IF;
    IF to_state IS NOT NULL THEN
        PERFORM set_pool_state(pool, to_state, instant,
            CASE to_state WHEN 'abnormal' THEN 'no node is in service' ELSE 'nodes are in service' END);
    END IF;
END $$;
COMMENT ON FUNCTION settle_pool_state(bigint, timestamptz) IS
'makes a running pool abnormal whose nodes have all failed, spares aside, and running again when one is available. To be called when nodes have failed or come back. Bodies of calls only';

-- ---- faults ----

CREATE FUNCTION report_fault(node bigint, code text DEFAULT 'NODE_DOWN', description text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    owner bigint;
    at record;
    failed node;
    fault fault_code;
    stands_in bigint;
BEGIN
    owner := require_nodes(ARRAY[report_fault.node], 'owner');
    SELECT f.* INTO fault FROM fault_code f WHERE f.code = report_fault.code;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('fault code "%s" does not exist', report_fault.code),
            DETAIL = 'Only known faults say what becomes of the node and its jobs.',
            HINT = 'Table "fault_code" lists them; OTHER is for what has no code of its own.';
    END IF;
    SELECT l.* INTO at FROM lock_node_pools(ARRAY[report_fault.node]) l;
    SELECT n.* INTO failed FROM node n WHERE n.pool_id = at.pool_id AND n.node_id = report_fault.node;
    IF failed.state IN ('creating', 'deleting') THEN
        PERFORM refuse_nodes(ARRAY[failed.node_id], 'report a fault of', format('it is %s', failed.state),
            'Faults are those of nodes that are in service, or were.', 'What fails while it is made is reported with node_failed().');
    END IF;
    INSERT INTO event (tenant_id, at, kind, pool_id, node_id, to_state, actor, reason)
    VALUES (owner, at.instant, 'node_fault', at.pool_id, failed.node_id, fault.code, actor(), report_fault.description);
    -- what is worked on is not in service, and may well not answer: how the work ends counts
    IF failed.state = 'checking' THEN
        RETURN NULL;
    END IF;

    -- a lesser fault does not hide a graver one
    UPDATE node n SET fault_code = fault.code
    WHERE n.pool_id = at.pool_id AND n.node_id = failed.node_id AND n.fault_code IS DISTINCT FROM fault.code
      AND (fault.unusable OR NOT EXISTS (SELECT FROM fault_code f WHERE f.code = failed.fault_code AND f.unusable));
    IF NOT fault.unusable THEN
        RETURN NULL;
    END IF;
    IF fault.stops_jobs THEN
        at.instant := interrupt_runs(at.pool_id, runs_on(at.pool_id, ARRAY[failed.node_id]), 'node fault ' || fault.code, at.instant, true);
    END IF;
    IF failed.state = 'available' THEN
        PERFORM set_node_states(at.pool_id, ARRAY[failed.node_id], 'abnormal', at.instant, fault.code);
        -- a node that a task has isolated was to go out of service anyway
        IF NOT failed.spare AND failed.isolated_by IS NULL THEN
            stands_in := swap_in_spare(at.pool_id, failed.node_id, at.instant);
        END IF;
        PERFORM settle_pool_state(at.pool_id, at.instant);
    END IF;
    PERFORM advance_pool(at.pool_id, at.instant);
    RETURN stands_in;
END $$;
COMMENT ON FUNCTION report_fault(bigint, text, text) IS
'says that a node has a fault, a code of table fault_code, and what is known of it. By its code the node becomes abnormal and leaves scheduling, and the runs on it end at once: jobs with retries left go back to the head of their priority, notebooks come to rest, others fail. The oldest spare of the same flavor and batch takes its place; returns that node, or NULL. Reported again it is noted again, no more; so is a fault of a node that is worked on. An abnormal node is billed as before. Owners of the pool (42501); 42704: no such node or code; PM002: the node is being created or deleted';
CREATE FUNCTION report_fault(pool text, node text, code text DEFAULT 'NODE_DOWN', description text DEFAULT NULL) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT report_fault(
            find_node(find_pool(report_fault.pool), report_fault.node), report_fault.code, report_fault.description);
    END;
COMMENT ON FUNCTION report_fault(text, text, text, text) IS 'the same, pool and node by name';

CREATE FUNCTION repair_nodes(nodes bigint[], force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    tasks bigint[] := earlier_results(require_nodes(repair_nodes.nodes, 'owner'));
    at record;
BEGIN
    IF tasks IS NULL THEN
        FOR at IN SELECT l.* FROM lock_node_pools(repair_nodes.nodes) l LOOP
            PERFORM check_pool_for_nodes(at.pool_id, 'repair', false);
            PERFORM refuse_nodes(array_agg(n.node_id), 'repair', 'nothing is known to be wrong',
                'A node is repaired that is abnormal or has a fault.',
                'The view node_faults shows them; report_fault() says that a node has one.')
            FROM node n
            WHERE n.pool_id = at.pool_id AND n.node_id = ANY (at.nodes_of)
              AND (n.state IN ('creating', 'deleting') OR (n.state = 'available' AND n.fault_code IS NULL));
            tasks := tasks || request_tasks(at.pool_id, at.nodes_of, 'repair', at.instant, repair_nodes.force);
            PERFORM advance_pool(at.pool_id, at.instant);
        END LOOP;
        PERFORM remember_results(tasks);
    END IF;
    RETURN QUERY SELECT unnest(tasks);
END $$;
COMMENT ON FUNCTION repair_nodes(bigint[], boolean, text) IS
'has nodes repaired that are abnormal or have a fault: each is worked on when the jobs on it have ended, which force does at once, and is available and without a fault afterwards. A spare stays a spare. Returns a task for each node, by pool and node. Owners of the pools (42501); 42704: no such node; PM002: nothing is wrong with one, it has an open task, or its pool is not in a state for it; PM005: the owner is frozen; PM004: other content for a request_id; 22004: a NULL id; 22023: no ids';
CREATE FUNCTION repair_node(node bigint, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT repair_nodes(ARRAY[repair_node.node], repair_node.force, repair_node.request_id); END;
COMMENT ON FUNCTION repair_node(bigint, boolean, text) IS 'the same for one node';
CREATE FUNCTION repair_node(pool text, node text, force boolean DEFAULT false, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
        SELECT repair_nodes(ARRAY[find_node(find_pool(repair_node.pool), repair_node.node)], repair_node.force, repair_node.request_id);
    END;
COMMENT ON FUNCTION repair_node(text, text, boolean, text) IS 'the same, the node by name';

-- ---- hot spares ----

CREATE FUNCTION swap_in_spare(pool bigint, failed bigint, instant timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    stands_in bigint;
BEGIN
    SELECT s.node_id INTO stands_in
    FROM node f JOIN node s ON s.pool_id = f.pool_id AND s.live_flavor_id = f.flavor_id AND s.batch_id IS NOT DISTINCT FROM f.batch_id
    WHERE f.pool_id = swap_in_spare.pool AND f.node_id = swap_in_spare.failed AND s.deleted_at IS NULL
      AND s.spare AND s.state = 'available' AND s.schedulable AND s.isolated_by IS NULL
    ORDER BY s.node_id LIMIT 1;
    IF stands_in IS NULL THEN
        RETURN NULL;
    END IF;
    -- the binding to a sub-pool goes with the duty
    WITH swapped AS (
        UPDATE node n SET spare = NOT n.spare, sub_pool_id = o.sub_pool_id
        FROM node o
        WHERE n.pool_id = swap_in_spare.pool AND n.node_id IN (stands_in, swap_in_spare.failed)
          AND o.pool_id = swap_in_spare.pool AND o.node_id = stands_in + swap_in_spare.failed - n.node_id
        RETURNING n.node_id, n.tenant_id, n.spare, o.name AS other)
    INSERT INTO event (tenant_id, at, kind, pool_id, node_id, from_state, to_state, actor, reason)
    SELECT s.tenant_id, swap_in_spare.instant, 'spare_swapped', swap_in_spare.pool, s.node_id,
           CASE WHEN s.spare THEN 'in service' ELSE 'spare' END, CASE WHEN s.spare THEN 'spare' ELSE 'in service' END,
           actor(), s.other
    FROM swapped s ORDER BY s.spare, s.node_id;
    -- and so do reservations, unless the spare has one for that time itself
    UPDATE reservation_node r SET node_id = stands_in
    WHERE r.pool_id = swap_in_spare.pool AND r.node_id = swap_in_spare.failed AND r.ends_at > swap_in_spare.instant
      AND NOT EXISTS (SELECT FROM reservation_node o WHERE o.node_id = stands_in
                          AND tstzrange(o.starts_at, o.ends_at) && tstzrange(r.starts_at, r.ends_at));
    RETURN stands_in;
END $$;
COMMENT ON FUNCTION swap_in_spare(bigint, bigint, timestamptz) IS
'the oldest available spare of the flavor and batch of a node that failed swaps marks and binding with it, and takes over its reservations; returns the spare, or NULL. Bodies of calls only';

CREATE FUNCTION set_spare(node bigint, spare boolean DEFAULT true) RETURNS void LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    owner bigint;
    at record;
    marked node;
    why text;
    hint text := 'Choose an available, idle node without an open task.';
BEGIN
    owner := require_nodes(ARRAY[set_spare.node], 'owner');
    SELECT l.* INTO at FROM lock_node_pools(ARRAY[set_spare.node]) l;
    PERFORM check_pool_for_nodes(at.pool_id, 'mark', false);
    SELECT n.* INTO marked FROM node n WHERE n.pool_id = at.pool_id AND n.node_id = set_spare.node;
    IF marked.spare = set_spare.spare THEN
        RETURN;
    END IF;
    IF set_spare.spare THEN
        IF marked.state <> 'available' THEN
            why := format('it is %s', marked.state);
        ELSIF marked.isolated_by IS NOT NULL THEN
            why := 'a task keeps jobs away from it';
        ELSIF runs_on(at.pool_id, ARRAY[marked.node_id]) <> '{}' THEN
            why := 'jobs are on it';
        ELSIF (SELECT count(*) = 0 FROM node n WHERE n.pool_id = at.pool_id AND n.deleted_at IS NULL AND n.state <> 'deleting'
                   AND NOT n.spare AND n.node_id <> marked.node_id) THEN
            why := 'it is the only node that takes jobs';
            hint := 'Give the pool another node first.';
        END IF;
        IF why IS NOT NULL THEN
            PERFORM refuse_nodes(ARRAY[marked.node_id], 'keep in reserve', why,
                'A spare takes no jobs, and must be able to stand in for another node of the pool.', hint);
        END IF;
    END IF;
    IF set_spare.spare THEN
        PERFORM check_guarantees(at.pool_id, ARRAY[marked.node_id]);
    END IF;
    UPDATE node n SET spare = set_spare.spare WHERE n.pool_id = at.pool_id AND n.node_id = marked.node_id;
    INSERT INTO event (tenant_id, at, kind, pool_id, node_id, actor, reason)
    VALUES (owner, at.instant, 'node_changed', at.pool_id, marked.node_id, actor(),
            CASE WHEN set_spare.spare THEN 'spare' ELSE 'no spare' END);
    PERFORM settle_pool_state(at.pool_id, at.instant);
END $$;
COMMENT ON FUNCTION set_spare(bigint, boolean) IS
'makes a node a hot spare, which takes no jobs until it stands in for one that fails, or an ordinary node again. It is billed like others. Owners of the pool (42501); 42704: no such node; PM002: to be a spare it is not available, has jobs or an open task, or is the only node that takes jobs, or sub-pools are guaranteed more than would be left; the pool is not in a state for it; PM005: the owner is frozen';
CREATE FUNCTION set_spare(pool text, node text, spare boolean DEFAULT true) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
        SELECT set_spare(
            find_node(find_pool(set_spare.pool), set_spare.node), set_spare.spare);
    END;
COMMENT ON FUNCTION set_spare(text, text, boolean) IS 'the same, pool and node by name';

-- ---- scheduled events ----

CREATE FUNCTION set_maintenance_states(pool bigint, ids bigint[], to_state maintenance_state, instant timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    WITH was AS MATERIALIZED (
        SELECT m.pool_id, m.maintenance_id, m.state FROM maintenance m
        WHERE m.pool_id = set_maintenance_states.pool AND m.maintenance_id = ANY (set_maintenance_states.ids)),
    written AS (
        UPDATE maintenance m SET state = set_maintenance_states.to_state,
            ended_at = CASE WHEN set_maintenance_states.to_state IN ('completed', 'failed', 'cancelled')
                            THEN set_maintenance_states.instant END
        FROM was w WHERE m.pool_id = w.pool_id AND m.maintenance_id = w.maintenance_id
        RETURNING m.maintenance_id, m.tenant_id, m.node_id, m.kind, w.state AS from_state)
    INSERT INTO event (tenant_id, at, kind, pool_id, node_id, from_state, to_state, actor, reason)
    SELECT w.tenant_id, set_maintenance_states.instant, 'maintenance_state', set_maintenance_states.pool, w.node_id, w.from_state,
           set_maintenance_states.to_state, actor(), w.kind
    FROM written w ORDER BY w.maintenance_id;
END $$;
COMMENT ON FUNCTION set_maintenance_states(bigint, bigint[], maintenance_state, timestamptz) IS
'puts scheduled events into a state and notes an event each. Bodies of calls only; PM002: the state cannot follow';

CREATE FUNCTION advance_maintenance(pool bigint, instant timestamptz) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    due record;
    tasks bigint[];
BEGIN
    FOR due IN
        SELECT m.kind, array_agg(m.maintenance_id ORDER BY m.node_id) AS ids, array_agg(m.node_id ORDER BY m.node_id) AS nodes
        -- by their key: a pool's id as a constant would let all its nodes be compared with all
        FROM (SELECT m.* FROM maintenance m
              WHERE m.pool_id = advance_maintenance.pool AND m.ended_at IS NULL AND m.state = 'scheduled'
                AND m.not_before <= advance_maintenance.instant OFFSET 0) m
        JOIN node n ON n.pool_id = m.pool_id AND n.node_id = m.node_id
        WHERE n.state NOT IN ('creating', 'deleting')
          AND NOT EXISTS (SELECT FROM node_task o WHERE o.pool_id = m.pool_id AND o.node_id = m.node_id AND o.ended_at IS NULL)
        GROUP BY m.kind ORDER BY m.kind
    LOOP
        -- one for each node, in order of node as well
        tasks := request_tasks(pool, due.nodes, due.kind, instant);
        UPDATE maintenance m SET task_id = u.task_id
        FROM unnest(due.ids, tasks) AS u(maintenance_id, task_id)
        WHERE m.maintenance_id = u.maintenance_id;
        PERFORM set_maintenance_states(pool, due.ids, 'executing', instant);
    END LOOP;
    IF tasks IS NOT NULL THEN
        PERFORM advance_tasks(pool, instant);
    END IF;
    FOR due IN
        SELECT s.to_state, array_agg(s.maintenance_id ORDER BY s.maintenance_id) AS ids
        FROM (SELECT m.maintenance_id, CASE t.state WHEN 'succeeded' THEN 'completed'::maintenance_state ELSE 'failed' END AS to_state
              FROM (SELECT m.* FROM maintenance m
                    WHERE m.pool_id = advance_maintenance.pool AND m.ended_at IS NULL AND m.state = 'executing' OFFSET 0) m
              JOIN node_task t ON t.pool_id = m.pool_id AND t.task_id = m.task_id
              WHERE t.ended_at IS NOT NULL) s
        GROUP BY s.to_state ORDER BY s.to_state
    LOOP
        PERFORM set_maintenance_states(pool, due.ids, due.to_state, instant);
    END LOOP;
END $$;
COMMENT ON FUNCTION advance_maintenance(bigint, timestamptz) IS
'begins the scheduled events of a pool whose time has come, on nodes without another open task, and ends those whose task has ended. Bodies of calls only';

CREATE FUNCTION schedule_maintenance(
    nodes bigint[], kind task_kind, description text, not_before timestamptz DEFAULT NULL, request_id text DEFAULT NULL)
RETURNS SETOF bigint LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    made bigint[];
    at record;
BEGIN
    PERFORM require_level(0, 'operator');
    made := earlier_results(0);
    IF made IS NOT NULL THEN
        RETURN QUERY SELECT unnest(made);
        RETURN;
    END IF;
    IF schedule_maintenance.kind NOT IN ('reboot', 'reset', 'repair', 'replace') THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "kind"',
            DETAIL = 'A scheduled event is a reboot, a reset, a repair or a replacement.',
            HINT = 'Other work on nodes has calls of its own.';
    END IF;
    IF schedule_maintenance.description !~ '[^[:space:]]' OR length(schedule_maintenance.description) > 1024 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "description"',
            DETAIL = 'It must have 1 to 1024 characters, not all of them blank.', HINT = 'Say why, for who has to consent.';
    END IF;
    PERFORM require_nodes(schedule_maintenance.nodes, 'viewer');
    FOR at IN SELECT l.pool_id, l.nodes_of, l.instant, p.tenant_id,
                     -- owners consent; nodes of public pools are the provider's own
                     CASE WHEN p.tenant_id = 0 AND schedule_maintenance.not_before IS NOT NULL THEN 'scheduled'::maintenance_state
                          ELSE 'inquiring' END AS initial
              FROM lock_node_pools(schedule_maintenance.nodes) l JOIN pool p USING (pool_id) ORDER BY l.pool_id
    LOOP
        PERFORM refuse_past(schedule_maintenance.not_before, at.instant);
        PERFORM refuse_nodes(array_agg(n.node_id), 'schedule work on', 'not in service',
            'Scheduled events are for nodes that are in service, or were.', 'Leave out those that are being created or deleted.')
        FROM node n WHERE n.pool_id = at.pool_id AND n.node_id = ANY (at.nodes_of) AND n.state IN ('creating', 'deleting');
        PERFORM refuse_nodes(array_agg(m.node_id), 'schedule work on', 'a scheduled event is open',
            'A node has at most one scheduled event that is open.', 'Wait for its end, or call it off with cancel_maintenance().')
        FROM maintenance m WHERE m.pool_id = at.pool_id AND m.node_id = ANY (at.nodes_of) AND m.ended_at IS NULL;
        WITH added AS (
            INSERT INTO maintenance (pool_id, node_id, tenant_id, kind, state, description, not_before, created_at)
            SELECT at.pool_id, u.node_id, at.tenant_id, schedule_maintenance.kind, at.initial, schedule_maintenance.description,
                   schedule_maintenance.not_before, at.instant
            FROM unnest(at.nodes_of) AS u(node_id) ORDER BY u.node_id
            RETURNING maintenance_id, node_id),
        noted AS (
            INSERT INTO event (tenant_id, at, kind, pool_id, node_id, to_state, actor, reason)
            SELECT at.tenant_id, at.instant, 'maintenance_state', at.pool_id, a.node_id, at.initial, actor(), schedule_maintenance.kind
            FROM added a ORDER BY a.maintenance_id)
        SELECT made || array_agg(a.maintenance_id ORDER BY a.maintenance_id) INTO made FROM added a;
        PERFORM advance_pool(at.pool_id, at.instant);
    END LOOP;
    PERFORM remember_results(made);
    RETURN QUERY SELECT unnest(made);
END $$;
COMMENT ON FUNCTION schedule_maintenance(bigint[], task_kind, text, timestamptz, text) IS
'announces work on nodes: reboot, reset, replace or repair, why, and from when on, if that is known; returns an id for each node, in order of pool and node. In a dedicated pool the owner has to consent with accept_maintenance(); in a public one it is scheduled as soon as there is a time. When the time has come the node takes no new jobs; the work begins when those on it have ended. Operators only (42501); 42704: no such node; 22004: a NULL id; 22023: another kind, no or too long a description, a time that is past, no nodes; PM002: a node is being created or deleted, or has a scheduled event that is open; PM004: request_id used before with other content';
CREATE FUNCTION schedule_maintenance(
    pool text, nodes text[], kind task_kind, description text, not_before timestamptz DEFAULT NULL, request_id text DEFAULT NULL)
RETURNS SETOF bigint LANGUAGE pool_manager AS $$
BEGIN
    RETURN QUERY SELECT schedule_maintenance(nodes_named(find_pool(pool), nodes), kind, description, not_before, request_id);
END $$;
COMMENT ON FUNCTION schedule_maintenance(text, text[], task_kind, text, timestamptz, text) IS 'the same, pool and nodes by name';
-- 'lab', '{n1,n2}', 'reboot', ... are this one's: between the two above PostgreSQL could not choose
CREATE FUNCTION schedule_maintenance(
    pool text, nodes text, kind text, description text, not_before text DEFAULT NULL, request_id text DEFAULT NULL)
RETURNS SETOF bigint LANGUAGE pool_manager AS $$
BEGIN
    RETURN QUERY SELECT schedule_maintenance(pool, nodes::text[], kind::task_kind, description, not_before::timestamptz, request_id);
END $$;
COMMENT ON FUNCTION schedule_maintenance(text, text, text, text, text, text) IS 'the same, all of it as plain literals';

CREATE FUNCTION refuse_past(not_before timestamptz, instant timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT isfinite(not_before) OR not_before < instant THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "not_before"',
            DETAIL = format('It is %s.', CASE WHEN isfinite(not_before) THEN 'past' ELSE 'not finite' END),
            HINT = 'Give a time to come, or leave it out.';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_past(timestamptz, timestamptz) IS
'refuses a time for a scheduled event that is past or not finite (22023); NULL passes. Bodies of calls only';

CREATE FUNCTION lock_maintenance(maintenance bigint, level text) RETURNS maintenance LANGUAGE plpgsql AS $$
DECLARE
    planned maintenance;
BEGIN
    SELECT m.* INTO planned FROM maintenance m WHERE m.maintenance_id = lock_maintenance.maintenance;
    IF NOT FOUND OR NOT has_level(planned.tenant_id, 'viewer') THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('scheduled event %s does not exist', maintenance),
            DETAIL = format('There is none with this id that role "%s" may see.', actor()),
            HINT = 'The view scheduled_events shows those that it may see.';
    END IF;
    PERFORM require_level(CASE level WHEN 'operator' THEN 0 ELSE planned.tenant_id END, level);
    PERFORM lock_pool(planned.pool_id);
    SELECT m.* INTO planned FROM maintenance m WHERE m.pool_id = planned.pool_id AND m.maintenance_id = planned.maintenance_id;
    RETURN planned;
END $$;
COMMENT ON FUNCTION lock_maintenance(bigint, text) IS
'takes the lock of the pool of a scheduled event and returns the event, to who has the level. Bodies of calls only; 42501: who has not; 42704: no such event';

CREATE FUNCTION accept_maintenance(maintenance bigint, not_before timestamptz DEFAULT NULL) RETURNS void LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    asked maintenance := lock_maintenance(accept_maintenance.maintenance, 'owner');
    instant timestamptz := lock_pool(asked.pool_id);
BEGIN
    IF asked.state <> 'inquiring' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('scheduled event %s is %s', asked.maintenance_id, asked.state),
            DETAIL = 'Consent is given once, while it is inquiring.', HINT = 'The view scheduled_events shows what has become of it.';
    END IF;
    PERFORM refuse_past(accept_maintenance.not_before, instant);
    IF accept_maintenance.not_before < asked.not_before THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "not_before"',
            DETAIL = format('The provider begins no earlier than %s.', asked.not_before),
            HINT = 'Give a later time, or leave it out for that one.';
    END IF;
    UPDATE maintenance m SET not_before = coalesce(accept_maintenance.not_before, greatest(asked.not_before, instant))
    WHERE m.pool_id = asked.pool_id AND m.maintenance_id = asked.maintenance_id;
    PERFORM set_maintenance_states(asked.pool_id, ARRAY[asked.maintenance_id], 'scheduled', instant);
    -- an owner may have thousands to accept, most of them for later
    PERFORM advance_pool(asked.pool_id, instant) WHERE coalesce(accept_maintenance.not_before, asked.not_before, instant) <= instant;
END $$;
COMMENT ON FUNCTION accept_maintenance(bigint, timestamptz) IS
'consents to a scheduled event, from a time on: that which was announced if none is given, else now. Owners of the pool (42501); 42704: no such event; 22023: the time is past, or before the one announced; PM002: it is not inquiring';

CREATE FUNCTION cancel_maintenance(maintenance bigint) RETURNS void LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    planned maintenance := lock_maintenance(cancel_maintenance.maintenance, 'operator');
    instant timestamptz := lock_pool(planned.pool_id);
BEGIN
    IF planned.state NOT IN ('inquiring', 'scheduled') THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('scheduled event %s is %s', planned.maintenance_id, planned.state),
            DETAIL = 'It can be called off until its time has come.', HINT = 'The view scheduled_events shows what has become of it.';
    END IF;
    PERFORM set_maintenance_states(planned.pool_id, ARRAY[planned.maintenance_id], 'cancelled', instant);
END $$;
COMMENT ON FUNCTION cancel_maintenance(bigint) IS
'calls a scheduled event off before it is executing. Operators only (42501); 42704: no such event; PM002: it is executing or has ended';

-- ---- labels and taints ----

CREATE FUNCTION set_node_labels(nodes bigint[], labels jsonb, action tag_action DEFAULT 'reset') RETURNS void LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    at record;
BEGIN
    IF jsonb_typeof(set_node_labels.labels) <> 'object' OR
        jsonb_path_exists(set_node_labels.labels, 'strict $.* ? (@.type() != "string")') THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "labels"',
            DETAIL = 'It must be an object of strings.', HINT = 'Write it like {"zone": "a"}.';
    END IF;
    PERFORM require_nodes(set_node_labels.nodes, 'owner');
    FOR at IN SELECT l.* FROM lock_node_pools(set_node_labels.nodes) l LOOP
        PERFORM check_pool_for_nodes(at.pool_id, 'label', false);
        WITH wanted AS MATERIALIZED (
            SELECT n.pool_id, n.node_id,
                   CASE set_node_labels.action
                       WHEN 'reset' THEN set_node_labels.labels
                       WHEN 'create' THEN n.labels || set_node_labels.labels
                       ELSE n.labels - ARRAY(SELECT d.key FROM jsonb_each_text(set_node_labels.labels) d WHERE n.labels ->> d.key = d.value)
                       END AS labels
            FROM node n WHERE n.pool_id = at.pool_id AND n.node_id = ANY (at.nodes_of)),
        changed AS (
            UPDATE node n SET labels = w.labels FROM wanted w
            WHERE n.pool_id = w.pool_id AND n.node_id = w.node_id AND n.labels <> w.labels
            RETURNING n.tenant_id, n.node_id)
        INSERT INTO event (tenant_id, at, kind, pool_id, node_id, actor, reason)
        SELECT c.tenant_id, at.instant, 'node_changed', at.pool_id, c.node_id, actor(), 'labels' FROM changed c ORDER BY c.node_id;
    END LOOP;
END $$;
COMMENT ON FUNCTION set_node_labels(bigint[], jsonb, tag_action) IS
'sets the labels of nodes, an object of strings that node selectors are matched with; by its action it replaces all, adds (create) or takes away those whose key and value match (delete). What runs stays. Owners of the pools (42501); 42704: no such node; 22004: a NULL id; 22023: labels of another form, no nodes; PM002: a pool is not in a state for it; PM005: the owner is frozen';
CREATE FUNCTION set_node_labels(pool text, nodes text[], labels jsonb, action tag_action DEFAULT 'reset') RETURNS void
LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_node_labels(nodes_named(find_pool(pool), nodes), labels, action);
END $$;
COMMENT ON FUNCTION set_node_labels(text, text[], jsonb, tag_action) IS 'the same, pool and nodes by name';
-- '{n1,n2}' and '{"disk": "ssd"}' are this one's: between the two above PostgreSQL could not choose
CREATE FUNCTION set_node_labels(pool text, nodes text, labels text, action text DEFAULT 'reset') RETURNS void
LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_node_labels(pool, nodes::text[], labels::jsonb, action::tag_action);
END $$;
COMMENT ON FUNCTION set_node_labels(text, text, text, text) IS 'the same, all of it as plain literals';

CREATE FUNCTION set_node_taints(nodes bigint[], taints jsonb) RETURNS void LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    at record;
    evicted bigint[];
BEGIN
    IF jsonb_typeof(set_node_taints.taints) <> 'array' OR
        jsonb_path_exists(set_node_taints.taints, 'strict $[*] ? (@.type() != "object" ||
            exists (@.keyvalue() ? (@.value.type() != "string")) || !exists (@.keyvalue() ? (@.key == "key")))') THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "taints"',
            DETAIL = 'It must be an array of objects of strings, each with a "key".',
            HINT = 'Write it like [{"key": "gpu", "value": "reserved"}].';
    END IF;
    PERFORM require_nodes(set_node_taints.nodes, 'owner');
    FOR at IN SELECT l.* FROM lock_node_pools(set_node_taints.nodes) l LOOP
        PERFORM check_pool_for_nodes(at.pool_id, 'taint', false);
        WITH changed AS (
            UPDATE node n SET taints = set_node_taints.taints
            WHERE n.pool_id = at.pool_id AND n.node_id = ANY (at.nodes_of) AND n.taints <> set_node_taints.taints
            RETURNING n.tenant_id, n.node_id)
        INSERT INTO event (tenant_id, at, kind, pool_id, node_id, actor, reason)
        SELECT c.tenant_id, at.instant, 'node_changed', at.pool_id, c.node_id, actor(), 'taints' FROM changed c ORDER BY c.node_id;

        -- as a pass matches them: a toleration without key or value takes any
        SELECT coalesce(array_agg(DISTINCT a.run_id ORDER BY a.run_id), '{}') INTO evicted
        FROM allocation a
        JOIN job_run r ON r.pool_id = a.pool_id AND r.run_id = a.run_id
        JOIN job j ON j.pool_id = r.pool_id AND j.job_id = r.job_id
        JOIN task_group g ON g.pool_id = j.pool_id AND g.shape_id = j.shape_id AND g.group_no = a.group_no
        WHERE a.pool_id = at.pool_id AND a.node_id = ANY (at.nodes_of) AND a.released_at IS NULL
          AND EXISTS (
            SELECT FROM jsonb_array_elements(set_node_taints.taints) t
            WHERE t ->> 'effect' = 'NoExecute' AND NOT EXISTS (
                SELECT FROM jsonb_array_elements(g.tolerations) o
                WHERE coalesce(o ->> 'key' = t ->> 'key', true)
                  AND coalesce(o ->> 'value' = coalesce(t ->> 'value', ''), true)));
        IF evicted <> '{}' THEN
            PERFORM advance_pool(at.pool_id, interrupt_runs(at.pool_id, evicted, 'node taint NoExecute', at.instant, false));
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION set_node_taints(bigint[], jsonb) IS
'replaces the taints of nodes, an array of {"key", "value", "effect"}: jobs that do not tolerate each are not placed there. Effect PreferNoSchedule keeps nothing away; NoExecute also ends runs that are there and do not tolerate it, by the rules for a node that goes away. Owners of the pools (42501); 42704: no such node; 22004: a NULL id; 22023: taints of another form, no nodes; PM002: a pool is not in a state for it; PM005: the owner is frozen';
CREATE FUNCTION set_node_taints(pool text, nodes text[], taints jsonb) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_node_taints(nodes_named(find_pool(pool), nodes), taints);
END $$;
COMMENT ON FUNCTION set_node_taints(text, text[], jsonb) IS 'the same, pool and nodes by name';

REVOKE EXECUTE ON FUNCTION nodes_named(bigint, text[]), settle_pool_state(bigint, timestamptz),
    swap_in_spare(bigint, bigint, timestamptz), set_maintenance_states(bigint, bigint[], maintenance_state, timestamptz),
    advance_maintenance(bigint, timestamptz), refuse_past(timestamptz, timestamptz), lock_maintenance(bigint, text) FROM PUBLIC;

-- ---- what one looks at ----

CREATE VIEW node_faults WITH (security_invoker = true) AS
SELECT p.name AS pool,
       n.name AS node,
       n.state,
       n.fault_code AS code,
       coalesce(f.reason, c.description) AS description,
       date_trunc('second', CASE WHEN n.state = 'abnormal' THEN n.state_since ELSE f.at END) AS since,
       s.reason AS stands_in
FROM pool p
JOIN node n ON n.pool_id = p.pool_id AND n.deleted_at IS NULL
LEFT JOIN fault_code c ON c.code = n.fault_code
LEFT JOIN LATERAL (
    SELECT e.at, e.reason FROM event e
    WHERE e.pool_id = n.pool_id AND e.node_id = n.node_id AND e.kind = 'node_fault' AND e.to_state = n.fault_code
    ORDER BY e.event_id DESC LIMIT 1) f ON true
LEFT JOIN LATERAL (
    SELECT e.reason FROM event e
    WHERE e.pool_id = n.pool_id AND e.node_id = n.node_id AND e.kind = 'spare_swapped' AND e.to_state = 'spare' AND n.spare
    ORDER BY e.event_id DESC LIMIT 1) s ON true
WHERE n.fault_code IS NOT NULL OR n.state = 'abnormal';
COMMENT ON VIEW node_faults IS 'nodes that have a fault or are abnormal';
COMMENT ON COLUMN node_faults.pool IS 'pool';
COMMENT ON COLUMN node_faults.node IS 'name of the node';
COMMENT ON COLUMN node_faults.state IS 'state of the node; one with a lesser fault is still available';
COMMENT ON COLUMN node_faults.code IS 'fault; NULL: none was reported, a task of it failed';
COMMENT ON COLUMN node_faults.description IS 'what was said of it when it was last reported, else what the code means';
COMMENT ON COLUMN node_faults.since IS 'since when it is abnormal; of a lesser fault, when it was last reported';
COMMENT ON COLUMN node_faults.stands_in IS 'name of the spare that took its place, whose place as a spare it has; NULL: none did';

CREATE VIEW scheduled_events WITH (security_invoker = true) AS
SELECT p.name AS pool,
       m.maintenance_id,
       n.name AS node,
       m.kind,
       m.state,
       m.not_before,
       m.description
FROM maintenance m
JOIN pool p USING (pool_id)
JOIN node n ON n.node_id = m.node_id;
COMMENT ON VIEW scheduled_events IS 'work on nodes that the provider has announced, to be consented to with accept_maintenance(); past ones too';
COMMENT ON COLUMN scheduled_events.pool IS 'pool';
COMMENT ON COLUMN scheduled_events.maintenance_id IS 'identifier';
COMMENT ON COLUMN scheduled_events.node IS 'name of the node';
COMMENT ON COLUMN scheduled_events.kind IS 'what is to be done';
COMMENT ON COLUMN scheduled_events.state IS 'how far it has come';
COMMENT ON COLUMN scheduled_events.not_before IS 'when it may begin: consented to, or while it is inquiring announced';
COMMENT ON COLUMN scheduled_events.description IS 'why';

CREATE VIEW job_runs WITH (security_invoker = true) AS
SELECT j.job_id,
       r.run_id,
       r.start_type,
       r.state,
       date_trunc('second', r.started_at) AS started_at,
       date_trunc('second', greatest(coalesce(r.ended_at, clock()) - r.started_at, '0')) AS ran,
       (SELECT count(DISTINCT a.node_id) FROM allocation a WHERE a.pool_id = r.pool_id AND a.run_id = r.run_id) AS nodes,
       (SELECT sum(n) FROM unnest(r.replicas) n) AS replicas,
       r.end_reason
FROM job j JOIN job_run r ON r.pool_id = j.pool_id AND r.job_id = j.job_id;
COMMENT ON VIEW job_runs IS 'run records: every attempt of every job; table job_run has its times in full';
COMMENT ON COLUMN job_runs.job_id IS 'job';
COMMENT ON COLUMN job_runs.run_id IS 'run';
COMMENT ON COLUMN job_runs.start_type IS 'why it began';
COMMENT ON COLUMN job_runs.state IS 'starting, running, stopping, or how it ended; failed: also that of a run cut short, whose job went on';
COMMENT ON COLUMN job_runs.started_at IS 'when it began to run; NULL: it never did';
COMMENT ON COLUMN job_runs.ran IS 'how long it ran, or has been running; it ended at started_at + ran';
COMMENT ON COLUMN job_runs.nodes IS 'how many nodes it had replicas on';
COMMENT ON COLUMN job_runs.replicas IS 'how many replicas it has, or had at its end';
COMMENT ON COLUMN job_runs.end_reason IS 'why it ended, where there is more to say than its state';

-- Bounded, so that it does not slow down with the years.
CREATE VIEW pool_events WITH (security_invoker = true) AS
SELECT p.name AS pool,
       date_trunc('second', e.last_at) AS last_at,
       CASE WHEN e.to_state IN ('abnormal', 'error', 'failed', 'partially_succeeded', 'creation_failed', 'scaling_failed', 'enable_failed')
                OR (SELECT k.warning FROM event_kind k WHERE k.kind = e.kind) THEN 'Warning' ELSE 'Normal' END AS type,
       e.kind,
       (SELECT n.name FROM node n WHERE n.pool_id = p.pool_id AND n.node_id = e.node_id) AS node,
       concat_ws(', ', nullif(concat_ws(' -> ', e.from_state, e.to_state), ''), e.reason) AS message,
       e.times,
       date_trunc('second', e.last_at - e.first_at) AS over
FROM pool p CROSS JOIN LATERAL (
    SELECT r.kind, r.from_state, r.to_state, r.reason, max(r.at) AS last_at, min(r.at) AS first_at, count(*) AS times,
           CASE WHEN count(DISTINCT coalesce(r.node_id, 0)) = 1 THEN min(r.node_id) END AS node_id
    FROM (
        SELECT l.*, row_number() OVER (ORDER BY l.event_id)
                    - row_number() OVER (PARTITION BY l.kind, l.from_state, l.to_state, l.reason ORDER BY l.event_id) AS row_no
        FROM (
            SELECT e.event_id, e.at, e.kind, e.node_id, e.from_state, e.to_state, e.reason FROM event e
            WHERE e.pool_id = p.pool_id AND e.job_id IS NULL
            ORDER BY e.event_id DESC LIMIT 10000) l) r
    GROUP BY r.kind, r.from_state, r.to_state, r.reason, r.row_no
    ORDER BY max(r.event_id) DESC) e;
COMMENT ON VIEW pool_events IS
'what happened to each pool and its nodes, newest first; what repeats itself is one row. The last 10,000 events of a pool; table event has all. What happens to jobs is in job_notices';
COMMENT ON COLUMN pool_events.pool IS 'pool';
COMMENT ON COLUMN pool_events.last_at IS 'when it happened, if it repeated itself last';
COMMENT ON COLUMN pool_events.type IS 'Normal, or Warning: something to look into';
COMMENT ON COLUMN pool_events.kind IS 'what happened: a word of event_kind';
COMMENT ON COLUMN pool_events.node IS 'node; NULL: none, or more than one';
COMMENT ON COLUMN pool_events.message IS 'state before and after, and why';
COMMENT ON COLUMN pool_events.times IS 'how often the same happened, to whatever nodes, with nothing else in between';
COMMENT ON COLUMN pool_events.over IS 'time from the first of these to the last: the first was at last_at - over';

CREATE VIEW job_notices WITH (security_invoker = true) AS
SELECT j.job_id,
       j.name AS job,
       t.name AS tenant,
       date_trunc('second', e.at) AS at,
       CASE WHEN e.kind = 'job_preempted' THEN 'JobPreempted' ELSE
       CASE e.to_state WHEN 'running' THEN 'JobStarted'
                       WHEN 'queued' THEN 'JobRestarted'
                       WHEN 'stopped' THEN 'JobStopped'
                       WHEN 'completed' THEN 'JobCompleted'
                       WHEN 'failed' THEN 'JobFailed'
                       ELSE 'JobTerminated' END END AS notice,
       coalesce(e.reason, CASE e.to_state WHEN 'cancelled' THEN 'cancelled by ' || e.actor WHEN 'timed_out' THEN 'time limit' END) AS reason
FROM job j
JOIN tenant t ON t.tenant_id = j.tenant_id
JOIN event e ON e.tenant_id = j.tenant_id AND e.job_id = j.job_id
WHERE e.kind = 'job_preempted' OR e.kind = 'job_state' AND (
    e.to_state IN ('running', 'stopped', 'completed', 'failed', 'cancelled', 'timed_out') OR
    (e.to_state = 'queued' AND e.from_state IN ('starting', 'running', 'stopping')));
COMMENT ON VIEW job_notices IS 'what the submitter of a job is told';
COMMENT ON COLUMN job_notices.job_id IS 'job';
COMMENT ON COLUMN job_notices.job IS 'name of the job';
COMMENT ON COLUMN job_notices.tenant IS 'tenant';
COMMENT ON COLUMN job_notices.at IS 'when';
COMMENT ON COLUMN job_notices.notice IS
'JobStarted: a run began to run; JobPreempted: its run makes room for another job; JobRestarted: its run was cut short, and it is back in the queue; JobStopped: it rests; JobCompleted; JobFailed; JobTerminated: it was cancelled or ran out of time';
COMMENT ON COLUMN job_notices.reason IS 'why, where there is more to say';

GRANT SELECT ON node_faults, scheduled_events, job_runs, pool_events, job_notices TO PUBLIC;
