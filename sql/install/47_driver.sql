-- Upgrade of the accelerator driver of dedicated pools.

CREATE FUNCTION upgrade_driver(
    pool bigint, version text, strategy text DEFAULT 'idle', max_unavailable text DEFAULT NULL, sub_pool text DEFAULT NULL,
    request_id text DEFAULT NULL) RETURNS bigint LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    upgraded pool;
    earlier bigint[];
    bound_to bigint;
    instant timestamptz;
    total integer;
    due bigint[];
    made bigint;
BEGIN
    SELECT * INTO upgraded FROM pool p WHERE p.pool_id = find_pool(upgrade_driver.pool);
    PERFORM require_level(upgraded.tenant_id, 'owner');
    earlier := earlier_results(upgraded.tenant_id);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    IF version !~ '^[^[:cntrl:][:space:]]{1,64}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('driver version "%s" is malformed', version),
            DETAIL = 'A version has 1 to 64 characters, no blanks among them.',
            HINT = 'Write for example ''535.129.03''.';
    ELSIF strategy NOT IN ('idle', 'force') THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('unknown upgrade strategy "%s"', strategy),
            DETAIL = 'The strategy idle waits for jobs to end, force ends them.',
            HINT = 'Write ''idle'' or ''force''.';
    ELSIF upgraded.kind <> 'dedicated' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM003',
            MESSAGE = format('the driver of public pool "%s" cannot be chosen', upgraded.name),
            DETAIL = 'Drivers are customized in dedicated pools.',
            HINT = 'Use a dedicated pool.';
    END IF;
    instant := lock_pool(pool);
    SELECT * INTO upgraded FROM pool p WHERE p.pool_id = upgrade_driver.pool;
    IF upgraded.state <> 'running' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool "%s" is not running', upgraded.name),
            DETAIL = format('It is %s; drivers are upgraded in a running pool.', replace(upgraded.state::text, '_', ' ')),
            HINT = 'The view pool_status shows the state of the pool.';
    END IF;
    PERFORM check_pool_for_nodes(pool, 'upgrade', false);
    IF EXISTS (SELECT FROM pool_order o WHERE o.pool_id = upgrade_driver.pool AND o.ended_at IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool "%s" has an open order', upgraded.name),
            DETAIL = 'At most one order of a pool is open.',
            HINT = 'Wait until the order has ended; the view driver_status shows how far an upgrade is.';
    END IF;
    IF sub_pool IS NOT NULL THEN
        SELECT s.sub_pool_id INTO bound_to FROM sub_pool s
        WHERE s.pool_id = upgrade_driver.pool AND s.name = upgrade_driver.sub_pool AND s.deleted_at IS NULL;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = '42704',
                MESSAGE = format('sub-pool "%s" of pool "%s" does not exist', upgrade_driver.sub_pool, upgraded.name),
                DETAIL = 'The pool has no sub-pool of this name.',
                HINT = 'The table sub_pool shows those that there are.';
        END IF;
    END IF;
    -- nodes that are to go are not waited for; those in their places come with the pool's driver
    SELECT count(*), array_agg(n.node_id) FILTER (WHERE n.driver IS DISTINCT FROM upgrade_driver.version OR n.driver_state = 'abnormal')
    INTO total, due
    -- by their key: a pool's id as a constant would let all its nodes be compared with all
    FROM (SELECT n.* FROM node n
          WHERE n.pool_id = upgrade_driver.pool AND n.deleted_at IS NULL AND n.sub_pool_id IS NOT DISTINCT FROM bound_to OFFSET 0) n
    JOIN node_load l ON l.pool_id = n.pool_id AND l.node_id = n.node_id
    LEFT JOIN LATERAL (
        SELECT t.task_id AS going FROM node_task t WHERE t.pool_id = n.pool_id AND t.node_id = n.node_id AND t.ended_at IS NULL AND
            t.kind IN ('delete', 'replace') LIMIT 1) t ON true
    WHERE l.accelerator IS NOT NULL AND going IS NULL;
    IF total = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool "%s" has no driver to upgrade', upgraded.name),
            DETAIL = CASE WHEN sub_pool IS NULL THEN 'No node that is bound to no sub-pool has an accelerator.'
                          ELSE 'No node that is bound to the sub-pool has an accelerator.' END,
            HINT = 'Nodes that are bound to a sub-pool are upgraded with the argument "sub_pool".';
    END IF;
    IF sub_pool IS NULL THEN
        UPDATE pool p SET driver = upgrade_driver.version WHERE p.pool_id = upgrade_driver.pool;
    END IF;
    INSERT INTO pool_order (pool_id, tenant_id, operation, phase, created_at, started_at, driver, force, max_unavailable, requested_by)
    VALUES (upgrade_driver.pool, upgraded.tenant_id, 'upgrade_driver', 'processing', instant, instant,
            upgrade_driver.version, strategy = 'force',
            node_limit(upgrade_driver.max_unavailable, total), actor())
    RETURNING order_id INTO made;
    INSERT INTO event (tenant_id, at, kind, pool_id, to_state, actor, reason)
    VALUES (upgraded.tenant_id, instant, 'order_phase', upgrade_driver.pool, 'processing', actor(), 'upgrade_driver ' || made);
    IF due IS NOT NULL THEN
        PERFORM request_tasks(pool, due, 'upgrade_driver', instant, strategy = 'force', version, made, node_limit(max_unavailable, total));
    END IF;
    PERFORM remember_results(ARRAY[made]);
    PERFORM advance_pool(pool, instant);
    RETURN made;
END $$;
COMMENT ON FUNCTION upgrade_driver(bigint, text, text, text, text, text) IS
'brings the accelerator driver of a dedicated pool to a version; returns the id of the order. It upgrades each node that has another version or an abnormal driver; without sub_pool those bound to no sub-pool, else those bound to that one. idle: a node takes no new jobs and is upgraded when it holds none; force: the jobs on it are ended. With max_unavailable (a number, or a percentage of the nodes that have an accelerator) at most so many are out of service at a time, and idle takes only nodes that hold no jobs. Called again it goes on with what is left. Owners of the pool (42501); 42704: no such pool or sub-pool; PM003: the pool is public; PM002: it is not running, frozen, has an open order or no accelerator, or one of the nodes an open task; PM005: the owner is frozen; 22023: malformed version or max_unavailable, unknown strategy; PM004: other content for a request_id';
CREATE FUNCTION upgrade_driver(
    pool text, version text, strategy text DEFAULT 'idle', max_unavailable text DEFAULT NULL, sub_pool text DEFAULT NULL,
    request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
        SELECT upgrade_driver(find_pool(upgrade_driver.pool), upgrade_driver.version, upgrade_driver.strategy,
            upgrade_driver.max_unavailable, upgrade_driver.sub_pool, upgrade_driver.request_id);
    END;
COMMENT ON FUNCTION upgrade_driver(text, text, text, text, text, text) IS 'the same, the pool by name';

CREATE VIEW driver_status WITH (security_invoker = true) AS
SELECT p.name AS pool,
       p.driver AS version,
       CASE WHEN p.state IN ('waiting', 'creating') THEN 'creating'
            WHEN o.order_id IS NOT NULL THEN 'upgrading'
            WHEN n.failed > 0 THEN 'abnormal'
            ELSE 'running' END AS state,
       CASE WHEN o.force THEN 'force' WHEN NOT o.force THEN 'idle' END AS strategy,
       o.max_unavailable,
       n.done,
       n.updating,
       n.pending,
       n.failed,
       n.other
FROM pool p
LEFT JOIN pool_order o ON o.pool_id = p.pool_id AND o.ended_at IS NULL AND o.operation = 'upgrade_driver',
LATERAL (
    SELECT count(*) FILTER (WHERE s.state = 'done') AS done,
           count(*) FILTER (WHERE s.state = 'updating') AS updating,
           count(*) FILTER (WHERE s.state = 'pending') AS pending,
           count(*) FILTER (WHERE s.state = 'failed') AS failed,
           count(*) FILTER (WHERE s.state = 'other') AS other
    FROM (SELECT CASE WHEN n.driver_state = 'updating' THEN 'updating'
                      WHEN t.task_id IS NOT NULL THEN 'pending'
                      WHEN n.driver_state = 'abnormal' THEN 'failed'
                      WHEN n.driver IS NOT DISTINCT FROM p.driver THEN 'done'
                      ELSE 'other' END AS state
          FROM node n JOIN node_load l USING (pool_id, node_id)
          LEFT JOIN LATERAL (
              SELECT t.task_id FROM node_task t WHERE t.pool_id = n.pool_id AND t.node_id = n.node_id AND t.ended_at IS NULL AND
                  t.kind = 'upgrade_driver' LIMIT 1) t ON true
          WHERE n.pool_id = p.pool_id AND n.deleted_at IS NULL AND l.accelerator IS NOT NULL) s) n
WHERE p.kind = 'dedicated' AND p.deleted_at IS NULL;
COMMENT ON VIEW driver_status IS 'dedicated pools, the accelerator driver that they should have, and how many of their nodes with an accelerator have it';
COMMENT ON COLUMN driver_status.pool IS 'pool';
COMMENT ON COLUMN driver_status.version IS 'version that its nodes should have; NULL: that of their image';
COMMENT ON COLUMN driver_status.state IS 'creating: with its pool; upgrading: an order is open; abnormal: it is of some node; else running';
COMMENT ON COLUMN driver_status.strategy IS 'of the open upgrade: idle waits for jobs to end, force ends them';
COMMENT ON COLUMN driver_status.max_unavailable IS 'of the open upgrade: nodes out of service at a time; NULL: any number';
COMMENT ON COLUMN driver_status.done IS 'nodes that have the version';
COMMENT ON COLUMN driver_status.updating IS 'nodes that are being upgraded';
COMMENT ON COLUMN driver_status.pending IS 'nodes that the open upgrade has still to come to';
COMMENT ON COLUMN driver_status.failed IS 'nodes whose driver is abnormal, and that no open upgrade will come to';
COMMENT ON COLUMN driver_status.other IS 'nodes that have another version';

GRANT SELECT ON driver_status TO PUBLIC;
