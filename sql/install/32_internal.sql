-- What several calls in PL/pgSQL share: states with their history and events,
-- billing of nodes, ending what a node or pool can no longer hold.  All of it
-- under the pool's lock, set-based, in the name of the call's actor.

-- what is given: the checks that calls in C make of it

CREATE FUNCTION check_name(value text, argument text) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_check_name' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION check_name(text, text) IS
'refuses what is not the name of a thing (22023), as the value of an argument. Bodies of calls only';

CREATE FUNCTION check_labels(value jsonb, argument text) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_check_labels' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION check_labels(jsonb, text) IS 'refuses what is no object of strings (22023). Bodies of calls only';

CREATE FUNCTION check_taints(value jsonb, argument text) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_check_taints' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION check_taints(jsonb, text) IS
'refuses what is no array of objects of strings with a key (22023). Bodies of calls only';

CREATE FUNCTION exact_interval(given interval, argument text) RETURNS interval
    AS 'MODULE_PATHNAME', 'pm_sql_exact_interval' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION exact_interval(interval, text) IS
'the same length of time in hours and less: a day counts 24 hours, a month 30 days. Bodies of calls only; 22023: not positive, or beyond 100 years';

CREATE FUNCTION exact_or_none(given interval, argument text) RETURNS interval
    AS 'MODULE_PATHNAME', 'pm_sql_exact_or_none' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION exact_or_none(interval, text) IS
'the same of a length of time that may be 0, for none. Bodies of calls only; 22023: negative, or beyond 100 years';

CREATE FUNCTION close_holdings(tenant bigint, holdings bigint[], instant timestamptz) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_sql_close_holdings' LANGUAGE C STRICT;
COMMENT ON FUNCTION close_holdings(bigint, bigint[], timestamptz) IS
'ends holdings of a tenant; what is left of them becomes usage. Returns the instant at which they end: not before what is metered. Bodies of calls only';

CREATE FUNCTION close_node_holdings(pool bigint, nodes bigint[], instant timestamptz) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_sql_close_node_holdings' LANGUAGE C STRICT;
COMMENT ON FUNCTION close_node_holdings(bigint, bigint[], timestamptz) IS
'the same for all that nodes hold. They must be deleting. Bodies of calls only';

CREATE FUNCTION close_volume_holdings(pool bigint, jobs bigint[], instant timestamptz) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_sql_close_volume_holdings' LANGUAGE C STRICT;
COMMENT ON FUNCTION close_volume_holdings(bigint, bigint[], timestamptz) IS
'the same for volumes of jobs that end. Bodies of calls only';

CREATE FUNCTION interrupt_runs(pool bigint, runs bigint[], why text, instant timestamptz, at_once boolean) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_sql_interrupt_runs' LANGUAGE C STRICT;
COMMENT ON FUNCTION interrupt_runs(bigint, bigint[], text, timestamptz, boolean) IS
'ends live runs whose nodes go away. A job with retries left goes back to the head of its priority, a notebook comes to rest, another fails. In a pool with agents they become stopping first, unless at once. Returns the instant at which they end. Bodies of calls only';

CREATE FUNCTION stop_runs(pool bigint, runs bigint[], why text, instant timestamptz) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_sql_stop_runs' LANGUAGE C STRICT;
COMMENT ON FUNCTION stop_runs(bigint, bigint[], text, timestamptz) IS
'ends live runs of notebooks and services, which rest then; in a pool with agents they become stopping first. Returns the instant at which they end. Bodies of calls only';

CREATE FUNCTION cancel_runs(pool bigint, runs bigint[], why text, instant timestamptz) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_sql_cancel_runs' LANGUAGE C STRICT;
COMMENT ON FUNCTION cancel_runs(bigint, bigint[], text, timestamptz) IS
'ends live runs, and their jobs, as cancelled; in a pool with agents they become stopping first. Returns the instant at which they end. Bodies of calls only';

CREATE FUNCTION runs_on(pool bigint, nodes bigint[]) RETURNS bigint[]
    LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT coalesce(array_agg(DISTINCT a.run_id ORDER BY a.run_id), '{}') FROM allocation a
        WHERE a.pool_id = runs_on.pool AND a.node_id = ANY (runs_on.nodes) AND a.released_at IS NULL;
    END;
COMMENT ON FUNCTION runs_on(bigint, bigint[]) IS 'live runs that have replicas on any of the nodes, ascending';

CREATE FUNCTION end_waiting(pool bigint, jobs bigint[], outcome job_state, why text, instant timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    unvolumed bigint[];
BEGIN
    PERFORM FROM job_queue q WHERE q.pool_id = end_waiting.pool AND q.job_id = ANY (end_waiting.jobs)
    ORDER BY q.job_id FOR UPDATE;
    PERFORM FROM holding h WHERE h.pool_id = end_waiting.pool AND h.job_id = ANY (end_waiting.jobs) AND h.volume_id IS NOT NULL
    ORDER BY h.tenant_id, h.holding_id FOR UPDATE;
    -- a job does not end before its last change, nor before what its volume is metered
    SELECT greatest(end_waiting.instant, max(q.changed_at), max(h.metered_until)) INTO instant
    FROM job_queue q LEFT JOIN holding h ON h.pool_id = q.pool_id AND h.job_id = q.job_id AND h.volume_id IS NOT NULL
    WHERE q.pool_id = end_waiting.pool AND q.job_id = ANY (end_waiting.jobs);
    WITH gone AS (
        DELETE FROM job_queue q WHERE q.pool_id = end_waiting.pool AND q.job_id = ANY (end_waiting.jobs)
        RETURNING q.job_id, q.tenant_id, q.state, end_waiting.instant AS at),
    ended AS (
        UPDATE job j SET end_state = end_waiting.outcome, ended_at = g.at
        FROM gone g WHERE j.pool_id = end_waiting.pool AND j.job_id = g.job_id),
    noted AS (
        INSERT INTO event (tenant_id, at, kind, pool_id, job_id, from_state, to_state, actor, reason)
        SELECT g.tenant_id, g.at, 'job_state', end_waiting.pool, g.job_id, g.state, end_waiting.outcome, actor(), end_waiting.why
        FROM gone g ORDER BY g.job_id),
    volumes AS (
        UPDATE volume v SET deleted_at = g.at
        FROM gone g WHERE v.pool_id = end_waiting.pool AND v.job_id = g.job_id AND v.deleted_at IS NULL
        RETURNING v.job_id)
    SELECT array_agg(v.job_id) INTO unvolumed FROM volumes v;
    IF unvolumed IS NOT NULL THEN
        PERFORM close_volume_holdings(pool, unvolumed, instant);
    END IF;
END $$;
COMMENT ON FUNCTION end_waiting(bigint, bigint[], job_state, text, timestamptz) IS
'ends jobs that wait or rest, with their volumes; those among the ids that do neither are left alone. Bodies of calls only';

CREATE FUNCTION cancel_waiting(pool bigint, jobs bigint[], why text, instant timestamptz) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT end_waiting(cancel_waiting.pool, cancel_waiting.jobs, 'cancelled', cancel_waiting.why, cancel_waiting.instant);
    END;
COMMENT ON FUNCTION cancel_waiting(bigint, bigint[], text, timestamptz) IS 'the same, as cancelled';

CREATE FUNCTION open_node_holdings(pool bigint, nodes bigint[], instant timestamptz) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        -- the node by its flavor, its data disks by their volume type, its address by its network
        INSERT INTO holding (tenant_id, sku_id, quantity, workspace_id, pool_id, node_id, since, metered_until)
        SELECT n.tenant_id, h.sku_id, sum(h.quantity)::bigint, p.workspace_id, n.pool_id, n.node_id,
               date_trunc('second', open_node_holdings.instant), date_trunc('second', open_node_holdings.instant)
        FROM node n
        JOIN pool p USING (pool_id)
        JOIN tenant t ON t.tenant_id = n.tenant_id
        JOIN flavor f USING (flavor_id)
        LEFT JOIN volume_type v ON v.volume_type = n.disk_type
        LEFT JOIN network_address a ON a.pool_id = n.pool_id AND a.node_id = n.node_id,
        LATERAL (VALUES (f.sku_id, 1000::bigint), (v.sku_id, 1000::bigint * n.disk_count * n.disk_gib), (a.sku_id, 1000)) AS h(sku_id, quantity)
        WHERE n.pool_id = open_node_holdings.pool AND n.node_id = ANY (open_node_holdings.nodes)
          AND p.kind = 'dedicated' AND h.sku_id IS NOT NULL AND h.quantity > 0
        GROUP BY n.tenant_id, h.sku_id, p.workspace_id, n.pool_id, n.node_id, t.state, f.sku_id
        -- of a frozen tenant, what is storage goes on: thaw_nodes() begins the rest
        HAVING NOT (t.state = 'frozen' AND h.sku_id = f.sku_id AND sum(h.quantity) = 1000);
    END;
COMMENT ON FUNCTION open_node_holdings(bigint, bigint[], timestamptz) IS
'begins to bill nodes of a dedicated pool, with their data disks and addresses; of a frozen tenant without the nodes themselves. Bodies of calls only';

CREATE FUNCTION set_node_states(pool bigint, nodes bigint[], to_state node_state, instant timestamptz, reason text DEFAULT NULL)
    RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    begun bigint[];
BEGIN
    WITH picked AS MATERIALIZED (
        SELECT n.pool_id, n.node_id, n.tenant_id, n.state, n.state_since, n.available_at
        FROM node n
        WHERE n.pool_id = set_node_states.pool AND n.node_id = ANY (set_node_states.nodes)
          AND n.state <> set_node_states.to_state AND n.deleted_at IS NULL
        ORDER BY n.node_id FOR UPDATE),
    -- joined by both columns of the key: a pool's id as a constant would let
    -- all its nodes be compared with all
    changed AS MATERIALIZED (
        SELECT c.*, l.allocatable FROM picked c JOIN node_load l ON l.pool_id = c.pool_id AND l.node_id = c.node_id),
    period AS (
        INSERT INTO node_period (pool_id, node_id, tenant_id, state, since, until, allocatable)
        SELECT set_node_states.pool, c.node_id, c.tenant_id, c.state, c.state_since, set_node_states.instant, c.allocatable
        FROM changed c WHERE c.state_since < set_node_states.instant),
    written AS (
        UPDATE node n SET state = set_node_states.to_state, state_since = set_node_states.instant,
            available_at = CASE WHEN set_node_states.to_state = 'available'
                                THEN coalesce(n.available_at, set_node_states.instant) ELSE n.available_at END
        FROM changed c WHERE n.pool_id = c.pool_id AND n.node_id = c.node_id),
    noted AS (
        INSERT INTO event (tenant_id, at, kind, pool_id, node_id, from_state, to_state, actor, reason)
        SELECT c.tenant_id, set_node_states.instant, 'node_state', set_node_states.pool, c.node_id, c.state,
               set_node_states.to_state, actor(), set_node_states.reason
        FROM changed c)
    SELECT array_agg(c.node_id) INTO begun FROM changed c WHERE c.available_at IS NULL;
    IF to_state = 'available' AND begun IS NOT NULL THEN
        PERFORM open_node_holdings(pool, begun, instant);
    END IF;
END $$;
COMMENT ON FUNCTION set_node_states(bigint, bigint[], node_state, timestamptz, text) IS
'puts nodes into a state, keeps the period that ends, notes an event each; nodes in that state, and deleted ones, are left alone. Billing of a node begins when it first is available. Bodies of calls only; PM002: the state cannot follow';

CREATE FUNCTION set_pool_state(pool bigint, to_state pool_state, instant timestamptz, reason text DEFAULT NULL)
    RETURNS void LANGUAGE sql
    BEGIN ATOMIC
        WITH was AS MATERIALIZED (
            SELECT p.tenant_id, p.state FROM pool p
            WHERE p.pool_id = set_pool_state.pool AND p.state <> set_pool_state.to_state FOR UPDATE),
        written AS (
            UPDATE pool p SET state = set_pool_state.to_state FROM was WHERE p.pool_id = set_pool_state.pool)
        INSERT INTO event (tenant_id, at, kind, pool_id, from_state, to_state, actor, reason)
        SELECT w.tenant_id, set_pool_state.instant, 'pool_state', set_pool_state.pool, w.state, set_pool_state.to_state,
               actor(), set_pool_state.reason
        FROM was w;
    END;
COMMENT ON FUNCTION set_pool_state(bigint, pool_state, timestamptz, text) IS
'puts a pool into a state and notes the event; one that is in it is left alone. Bodies of calls only; PM002: the state cannot follow';

REVOKE EXECUTE ON FUNCTION check_name(text, text), check_labels(jsonb, text), check_taints(jsonb, text),
    exact_interval(interval, text), exact_or_none(interval, text), close_holdings(bigint, bigint[], timestamptz), close_node_holdings(bigint, bigint[], timestamptz),
    close_volume_holdings(bigint, bigint[], timestamptz), interrupt_runs(bigint, bigint[], text, timestamptz, boolean),
    stop_runs(bigint, bigint[], text, timestamptz), cancel_runs(bigint, bigint[], text, timestamptz), runs_on(bigint, bigint[]),
    end_waiting(bigint, bigint[], job_state, text, timestamptz), cancel_waiting(bigint, bigint[], text, timestamptz),
    open_node_holdings(bigint, bigint[], timestamptz),
    set_node_states(bigint, bigint[], node_state, timestamptz, text),
    set_pool_state(bigint, pool_state, timestamptz, text) FROM PUBLIC;
