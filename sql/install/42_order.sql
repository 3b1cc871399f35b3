-- Orders: what was asked of a pool as a whole, how far it is, what the agent of
-- an external provider reports of it.

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
    PERFORM FROM pool p WHERE p.pool_id = bury_pool.pool FOR UPDATE;
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

REVOKE EXECUTE ON FUNCTION open_order(bigint, order_operation, boolean, bigint[], integer[], integer[], timestamptz),
    live_nodes(bigint, bigint), set_order_phase(bigint, bigint, order_phase, timestamptz),
    begin_order(bigint, bigint, timestamptz), end_order(bigint, bigint, timestamptz), bury_pool(bigint, timestamptz),
    advance_orders(bigint, timestamptz), ordered_nodes(bigint, text), lock_pool_of(bigint) FROM PUBLIC;
