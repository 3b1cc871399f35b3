-- Reservations: who makes and deletes them, of which nodes, and what they are.

CREATE FUNCTION reservation_obstacles(pool bigint, since timestamptz, until timestamptz, sub_pool bigint)
RETURNS TABLE (node_id bigint, flavor_id bigint, bound boolean, obstacle text) LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT n.node_id, n.flavor_id, n.sub_pool_id IS NOT NULL,
            CASE WHEN n.state <> 'available' OR NOT n.schedulable OR n.spare OR n.isolated_by IS NOT NULL THEN 'out of service'
                 WHEN n.sub_pool_id <> reservation_obstacles.sub_pool OR (n.sub_pool_id IS NOT NULL AND reservation_obstacles.sub_pool IS NULL)
                     THEN 'bound to a sub-pool'
                 WHEN EXISTS (SELECT FROM reservation_node r WHERE r.node_id = n.node_id
                         AND tstzrange(r.starts_at, r.ends_at) && tstzrange(reservation_obstacles.since, reservation_obstacles.until))
                     THEN 'reserved'
                 WHEN EXISTS (SELECT FROM maintenance m WHERE m.pool_id = n.pool_id AND m.node_id = n.node_id AND m.ended_at IS NULL
                         AND m.state <> 'inquiring' AND m.not_before < reservation_obstacles.until)
                     THEN 'in maintenance'
                 -- one that has no time limit never ends
                 WHEN EXISTS (SELECT FROM allocation a JOIN job_run r USING (pool_id, run_id)
                         WHERE a.pool_id = n.pool_id AND a.node_id = n.node_id AND a.released_at IS NULL
                         AND coalesce(CASE WHEN r.state = 'stopping' THEN r.deadline ELSE r.planned_end END, 'infinity') > reservation_obstacles.since)
                     THEN 'busy'
            END
        FROM node n WHERE n.pool_id = reservation_obstacles.pool AND n.deleted_at IS NULL AND n.state <> 'deleting';
    END;
COMMENT ON FUNCTION reservation_obstacles(bigint, timestamptz, timestamptz, bigint) IS
'the nodes of a pool, and why they cannot be reserved for a time; NULL: they can. Bodies of calls only';

CREATE FUNCTION create_reservation(
    pool bigint, name text, starts_at timestamptz, ends_at timestamptz, node_count integer DEFAULT NULL,
    nodes bigint[] DEFAULT NULL, flavor text DEFAULT NULL, tenant bigint DEFAULT NULL, sub_pool text DEFAULT NULL,
    request_id text DEFAULT NULL) RETURNS bigint LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    p pool;
    made bigint[];
    holder bigint;
    part bigint;
    instant timestamptz;
    since timestamptz;
    chosen bigint[];
    of_flavor bigint;
    lacking text;
BEGIN
    SELECT q.* INTO p FROM pool q WHERE q.pool_id = find_pool(create_reservation.pool);
    PERFORM require_level(p.tenant_id, CASE p.kind WHEN 'public' THEN 'operator' ELSE 'owner' END);
    made := earlier_results(p.tenant_id);
    IF made IS NOT NULL THEN
        RETURN made[1];
    END IF;
    PERFORM check_name(create_reservation.name, 'name');
    IF (create_reservation.node_count IS NULL) = (create_reservation.nodes IS NULL) OR create_reservation.node_count < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "node_count"',
            DETAIL = 'A reservation is of so many nodes, 1 or more, or of those that are named.',
            HINT = 'Give one of the arguments "node_count" and "nodes".';
    END IF;
    holder := coalesce(create_reservation.tenant, nullif(p.tenant_id, 0));
    IF holder IS NULL OR (p.kind = 'dedicated' AND holder <> p.tenant_id) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "tenant"',
            DETAIL = CASE p.kind WHEN 'public' THEN 'In a public pool nodes are reserved for a tenant.'
                                 ELSE 'A dedicated pool takes jobs of its owner alone.' END,
            HINT = CASE p.kind WHEN 'public' THEN 'Say for whom.' ELSE 'Leave out the argument.' END;
    END IF;
    PERFORM find_tenant(holder);
    IF create_reservation.sub_pool IS NOT NULL THEN
        part := find_sub_pool(create_reservation.pool, create_reservation.sub_pool);
    END IF;
    IF create_reservation.flavor IS NOT NULL THEN
        of_flavor := find_flavor(create_reservation.flavor);
    END IF;
    IF create_reservation.nodes IS NOT NULL THEN
        PERFORM require_nodes(create_reservation.nodes, 'viewer');
    END IF;

    instant := lock_pool(create_reservation.pool);
    PERFORM check_pool_for_nodes(create_reservation.pool, 'reserve', false);
    since := greatest(create_reservation.starts_at, instant);
    IF NOT isfinite(create_reservation.starts_at) OR NOT isfinite(create_reservation.ends_at) OR since >= create_reservation.ends_at THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "ends_at"',
            DETAIL = 'A reservation begins at a time, now at the earliest, and ends later.',
            HINT = 'Give two times in order, the second of them to come.';
    END IF;
    IF create_reservation.nodes IS NULL THEN
        -- nodes that nobody else may use first, then the oldest
        SELECT array_agg(s.node_id) INTO chosen
        FROM (SELECT o.node_id FROM reservation_obstacles(create_reservation.pool, since, create_reservation.ends_at, part) o
              WHERE o.obstacle IS NULL AND (of_flavor IS NULL OR o.flavor_id = of_flavor)
              ORDER BY o.bound DESC, o.node_id LIMIT create_reservation.node_count) s;
        IF coalesce(cardinality(chosen), 0) < create_reservation.node_count THEN
            SELECT string_agg(format('%s %s', s.n, coalesce(s.obstacle, 'could be reserved')), ', ' ORDER BY s.obstacle NULLS FIRST) INTO lacking
            FROM (SELECT o.obstacle, count(*) AS n
                  FROM reservation_obstacles(create_reservation.pool, since, create_reservation.ends_at, part) o
                  WHERE of_flavor IS NULL OR o.flavor_id = of_flavor GROUP BY o.obstacle) s;
            RAISE EXCEPTION USING ERRCODE = 'PM002',
                MESSAGE = format('cannot reserve %s of the nodes of pool "%s"', create_reservation.node_count, p.name),
                DETAIL = format('Of its nodes %s.', coalesce(lacking, 'none are of that flavor')),
                HINT = 'Reserve fewer, or for another time. Nodes are busy where runs may last beyond its beginning.';
        END IF;
    ELSE
        SELECT array_agg(DISTINCT u.node_id ORDER BY u.node_id) INTO chosen FROM unnest(create_reservation.nodes) AS u(node_id);
        PERFORM refuse_nodes(array_agg(u.node_id), 'reserve', 'not in the pool', 'A reservation is of nodes of one pool.', 'Make one in each pool.')
        FROM unnest(chosen) AS u(node_id)
        WHERE NOT EXISTS (SELECT FROM node n WHERE n.pool_id = create_reservation.pool AND n.node_id = u.node_id AND n.deleted_at IS NULL);
        PERFORM refuse_nodes(s.ids, 'reserve', s.obstacle, 'In that time they would not be free for who reserves them.',
            'Leave them out, or reserve them for another time. Nodes are busy where runs may last beyond its beginning.')
        FROM (SELECT coalesce(o.obstacle, 'of another flavor') AS obstacle, array_agg(o.node_id) AS ids
              FROM reservation_obstacles(create_reservation.pool, since, create_reservation.ends_at, part) o
              WHERE o.node_id = ANY (chosen) AND (o.obstacle IS NOT NULL OR o.flavor_id <> of_flavor) GROUP BY 1 ORDER BY 1) s;
    END IF;

    -- the name of one that is over is free
    UPDATE reservation r SET deleted_at = instant
    WHERE r.pool_id = create_reservation.pool AND r.name = create_reservation.name AND r.deleted_at IS NULL AND r.ends_at <= instant;
    INSERT INTO reservation (pool_id, tenant_id, sub_pool_id, name, starts_at, ends_at, created_at, created_by)
    VALUES (create_reservation.pool, holder, part, create_reservation.name, since, create_reservation.ends_at, instant, actor())
    ON CONFLICT (pool_id, name) WHERE deleted_at IS NULL DO NOTHING
    RETURNING ARRAY[reservation_id] INTO made;
    IF made IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = format('reservation "%s" already exists', create_reservation.name),
            DETAIL = format('Pool "%s" has one of this name that is not over.', p.name),
            HINT = 'Choose another name; with a "request_id" a call can be repeated.';
    END IF;
    INSERT INTO reservation_node (pool_id, reservation_id, node_id, tenant_id, starts_at, ends_at)
    SELECT create_reservation.pool, made[1], u.node_id, holder, since, create_reservation.ends_at FROM unnest(chosen) AS u(node_id);
    INSERT INTO event (tenant_id, at, kind, pool_id, to_state, actor, reason)
    VALUES (holder, instant, 'reservation_changed', create_reservation.pool, 'created', actor(), create_reservation.name);
    UPDATE pool_clock c SET last_instant = instant WHERE c.pool_id = create_reservation.pool AND c.last_instant < instant;
    PERFORM remember_results(made);
    RETURN made[1];
END $$;
COMMENT ON FUNCTION create_reservation(bigint, text, timestamptz, timestamptz, integer, bigint[], text, bigint, text, text) IS
'reserves nodes for a time: so many, of a flavor if one is named, or those that are named; returns an id. In that time they take jobs alone that name the reservation (submit_job); before it, only jobs that will have ended. A beginning that is past is now. In dedicated pools owners (42501) reserve, for all their jobs or those of a sub-pool; in public ones operators, for a tenant. Nodes that are reserved and idle cost nothing by themselves. 42704: no such pool, node, flavor, tenant, sub-pool; 42710: a reservation of this name is not over; 22004: a NULL id; 22023: times not in order, no number of nodes, another tenant than the pool''s; PM002: too few nodes are free for it then, or the pool is not in a state for it; PM004: request_id used before with other content; PM005: the owner is frozen';
CREATE FUNCTION create_reservation(
    pool text, name text, starts_at timestamptz, ends_at timestamptz, node_count integer DEFAULT NULL,
    nodes text[] DEFAULT NULL, flavor text DEFAULT NULL, tenant text DEFAULT NULL, sub_pool text DEFAULT NULL,
    request_id text DEFAULT NULL) RETURNS bigint LANGUAGE pool_manager AS $$
DECLARE
    pool_id bigint := find_pool(pool);
BEGIN
    RETURN create_reservation(pool_id, name, starts_at, ends_at, node_count,
        CASE WHEN nodes IS NOT NULL THEN nodes_named(pool_id, nodes) END, flavor,
        CASE WHEN tenant IS NOT NULL THEN find_tenant(tenant) END, sub_pool, request_id);
END $$;
COMMENT ON FUNCTION create_reservation(text, text, timestamptz, timestamptz, integer, text[], text, text, text, text) IS
'the same, pool, nodes and tenant by name';

CREATE FUNCTION delete_reservation(pool bigint, reservation text) RETURNS void LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    p pool;
    given reservation;
    instant timestamptz;
BEGIN
    SELECT q.* INTO p FROM pool q WHERE q.pool_id = find_pool(delete_reservation.pool);
    PERFORM require_level(p.tenant_id, CASE p.kind WHEN 'public' THEN 'operator' ELSE 'owner' END);
    instant := lock_pool(delete_reservation.pool);
    UPDATE reservation r SET deleted_at = instant
    WHERE r.pool_id = delete_reservation.pool AND r.name = delete_reservation.reservation AND r.deleted_at IS NULL
    RETURNING r.* INTO given;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('reservation "%s" does not exist', delete_reservation.reservation),
            DETAIL = format('Pool "%s" has none of this name.', p.name),
            HINT = 'The view reservation_status shows those that there are.';
    END IF;
    -- which nodes one that is over had is kept
    DELETE FROM reservation_node n
    WHERE n.pool_id = given.pool_id AND n.reservation_id = given.reservation_id AND n.ends_at > instant;
    INSERT INTO event (tenant_id, at, kind, pool_id, from_state, actor, reason)
    VALUES (given.tenant_id, instant, 'reservation_changed', given.pool_id,
        CASE WHEN given.ends_at <= instant THEN 'over' WHEN given.starts_at <= instant THEN 'open' ELSE 'planned' END, actor(), given.name);
    UPDATE pool_clock c SET last_instant = instant WHERE c.pool_id = given.pool_id AND c.last_instant < instant;
END $$;
COMMENT ON FUNCTION delete_reservation(bigint, text) IS
'gives the nodes of a reservation back to all. Its runs go on to their ends; jobs that still wait for it never start: cancel them. Who may make reservations of the pool (42501); 42704: no such pool or reservation';
CREATE FUNCTION delete_reservation(pool text, reservation text) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM delete_reservation(find_pool(pool), reservation);
END $$;
COMMENT ON FUNCTION delete_reservation(text, text) IS 'the same, the pool by name';

REVOKE EXECUTE ON FUNCTION reservation_obstacles(bigint, timestamptz, timestamptz, bigint) FROM PUBLIC;

-- ---- what one looks at ----

CREATE VIEW reservation_status WITH (security_invoker = true) AS
SELECT p.name AS pool,
       r.name AS reservation,
       CASE WHEN r.ends_at <= clock() THEN 'over' WHEN r.starts_at <= clock() THEN 'open' ELSE 'planned' END AS state,
       date_trunc('second', r.starts_at) AS starts_at,
       date_trunc('second', r.ends_at) AS ends_at,
       coalesce(s.name::text, t.name::text) AS holder,
       n.nodes,
       CASE WHEN r.starts_at <= clock() AND clock() < r.ends_at THEN n.in_use ELSE 0 END AS in_use,
       (SELECT count(*) FROM job_queue q JOIN job_shape h USING (pool_id, shape_id)
        WHERE q.pool_id = r.pool_id AND h.reservation_id = r.reservation_id AND q.state = 'queued') AS queued
FROM reservation r
JOIN pool p USING (pool_id)
JOIN tenant t ON t.tenant_id = r.tenant_id
LEFT JOIN sub_pool s ON s.pool_id = r.pool_id AND s.sub_pool_id = r.sub_pool_id
CROSS JOIN LATERAL (
    SELECT count(*) AS nodes, count(*) FILTER (WHERE EXISTS (
        SELECT FROM allocation a WHERE a.pool_id = m.pool_id AND a.node_id = m.node_id AND a.released_at IS NULL)) AS in_use
    FROM reservation_node m WHERE m.pool_id = r.pool_id AND m.reservation_id = r.reservation_id) n
WHERE r.deleted_at IS NULL;
COMMENT ON VIEW reservation_status IS 'reservations of nodes that were not deleted, those that are over too';
COMMENT ON COLUMN reservation_status.pool IS 'pool';
COMMENT ON COLUMN reservation_status.reservation IS 'name';
COMMENT ON COLUMN reservation_status.state IS 'planned: to come; open: its jobs run; over';
COMMENT ON COLUMN reservation_status.starts_at IS 'when it begins';
COMMENT ON COLUMN reservation_status.ends_at IS 'when it ends';
COMMENT ON COLUMN reservation_status.holder IS 'sub-pool whose jobs may name it, else the tenant';
COMMENT ON COLUMN reservation_status.nodes IS 'how many nodes it has';
COMMENT ON COLUMN reservation_status.in_use IS 'while it is open: on how many of them something runs';
COMMENT ON COLUMN reservation_status.queued IS 'how many queued jobs name it';
