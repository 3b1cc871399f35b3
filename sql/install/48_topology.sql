-- Topology: the levels that a pool declares, and the domains of its nodes.

-- Names of levels as people read them: "zone", "rack"
CREATE FUNCTION level_names(levels text[]) RETURNS text LANGUAGE sql IMMUTABLE BEGIN ATOMIC
    SELECT coalesce(string_agg('"' || l.name || '"', ', ' ORDER BY l.n), 'none') FROM unnest(levels) WITH ORDINALITY AS l(name, n);
END;
COMMENT ON FUNCTION level_names(text[]) IS 'names of levels, quoted, for messages. Bodies of calls only';

CREATE FUNCTION check_topology(pool bigint, topology jsonb, levels text[] DEFAULT NULL) RETURNS void LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    it record;
    wrong text;
BEGIN
    IF topology = '{}' THEN
        RETURN;
    END IF;
    PERFORM check_labels(check_topology.topology, 'topology');
    SELECT p.name, coalesce(check_topology.levels, p.topology_levels) AS levels INTO it FROM pool p WHERE p.pool_id = check_topology.pool;
    SELECT k.key INTO wrong FROM jsonb_object_keys(check_topology.topology) AS k(key) WHERE k.key <> ALL (it.levels) ORDER BY k.key LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('pool "%s" has no topology level "%s"', it.name, wrong),
            DETAIL = format('Its levels are %s.', level_names(it.levels)),
            HINT = 'Levels are declared with set_topology_levels().';
    END IF;
    -- a domain is known by its whole path
    SELECT l.name INTO wrong FROM unnest(it.levels) WITH ORDINALITY AS l(name, n)
    WHERE NOT check_topology.topology ? l.name AND EXISTS (
        SELECT FROM unnest(it.levels) WITH ORDINALITY AS b(name, n) WHERE b.n > l.n AND check_topology.topology ? b.name)
    ORDER BY l.n LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_argument('topology', format('It names a domain below level "%s", but none of that level.', wrong),
            'A domain is known by its whole path: name the levels above too.');
    END IF;
    IF EXISTS (SELECT FROM jsonb_each_text(check_topology.topology) AS d WHERE d.value = '') THEN
        PERFORM refuse_argument('topology', 'A domain has no name.', 'Leave out the levels at which the nodes have no domain.');
    END IF;
END $$;
COMMENT ON FUNCTION check_topology(bigint, jsonb, text[]) IS
'refuses what is no path of domains in a pool, whose levels may be about to change. Bodies of calls only; 42704: a level that the pool does not have; 22023: no object of strings, a level left out above another, an empty name';

CREATE FUNCTION set_topology_levels(pool bigint, levels text[]) RETURNS void LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    change record;
    was text[];
    at record;
BEGIN
    IF array_ndims(levels) > 1 OR cardinality(levels) > 8 OR array_position(levels, NULL) IS NOT NULL OR levels && '{"",pool,node}'
        OR (SELECT count(DISTINCT l) FROM unnest(levels) AS l) < cardinality(levels) THEN
        PERFORM refuse_argument('levels',
            'It must be an array of at most 8 different names, the widest level first, none of them empty, "pool" or "node".',
            'Write it like {zone,rack}; level "node" is below them by itself.');
    END IF;
    change := begin_pool_change(set_topology_levels.pool);
    SELECT p.name, p.topology_levels INTO at FROM pool p WHERE p.pool_id = set_topology_levels.pool;
    was := at.topology_levels;
    IF was = levels THEN
        RETURN;
    END IF;
    PERFORM check_topology(set_topology_levels.pool, n.topology, set_topology_levels.levels)
    FROM (SELECT DISTINCT n.topology FROM node n
          WHERE n.pool_id = set_topology_levels.pool AND n.deleted_at IS NULL AND n.topology <> '{}') n;
    -- jobs that may still be placed: their levels stay, in the same order
    SELECT j.job_id, l.name INTO at
    FROM job j JOIN job_shape s USING (pool_id, shape_id) JOIN task_group g USING (pool_id, shape_id),
         unnest(ARRAY[s.affinity_level, g.group_level, g.spread_level]) AS l(name)
    WHERE j.pool_id = set_topology_levels.pool AND j.end_state IS NULL AND l.name = ANY (was)
      AND (l.name <> ALL (levels) OR EXISTS (
        SELECT FROM unnest(was) AS o(name) WHERE o.name = ANY (levels)
          AND sign(array_position(was, o.name) - array_position(was, l.name))
            <> sign(array_position(levels, o.name) - array_position(levels, l.name))))
    ORDER BY j.job_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('topology level "%s" is in use', at.name),
            DETAIL = format('Job %s names it, and has not ended.', at.job_id),
            HINT = 'Leave the level where it is until the jobs that name it have ended.';
    END IF;
    UPDATE pool p SET topology_levels = set_topology_levels.levels WHERE p.pool_id = set_topology_levels.pool;
    PERFORM note_pool_change(set_topology_levels.pool, change.owner_id, change.instant,
        left('topology levels ' || level_names(set_topology_levels.levels), 1000));
END $$;
COMMENT ON FUNCTION set_topology_levels(bigint, text[]) IS
'declares the levels of the topology of a pool, the widest first, such as {zone,rack}; level node is below them by itself. Owners of the pool (42501); 42704: no such pool, or a node has a domain of a level that is left out; 22023: more than 8, a name twice, empty, pool or node, or a node would have a domain below a level at which it has none; PM002: a job that has not ended names a level that is left out or moved, or the pool is frozen';
CREATE FUNCTION set_topology_levels(pool text, levels text[]) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT set_topology_levels(find_pool(pool), levels);
END;
COMMENT ON FUNCTION set_topology_levels(text, text[]) IS 'the same, the pool by name';

CREATE FUNCTION set_node_topology(nodes bigint[], topology jsonb) RETURNS void LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    at record;
BEGIN
    PERFORM require_nodes(set_node_topology.nodes, 'owner');
    FOR at IN SELECT l.* FROM lock_node_pools(set_node_topology.nodes) l LOOP
        PERFORM check_pool_for_nodes(at.pool_id, 'place', false);
        PERFORM check_topology(at.pool_id, set_node_topology.topology);
        WITH changed AS (
            UPDATE node n SET topology = set_node_topology.topology
            WHERE n.pool_id = at.pool_id AND n.node_id = ANY (at.nodes_of) AND n.topology <> set_node_topology.topology
            RETURNING n.tenant_id, n.node_id)
        INSERT INTO event (tenant_id, at, kind, pool_id, node_id, actor, reason)
        SELECT c.tenant_id, at.instant, 'node_changed', at.pool_id, c.node_id, actor(), 'topology' FROM changed c ORDER BY c.node_id;
    END LOOP;
END $$;
COMMENT ON FUNCTION set_node_topology(bigint[], jsonb) IS
'says where nodes are: an object from level to domain, such as {"zone": "a", "rack": "r1"}, that replaces what was there. What runs stays. Owners of the pools (42501); 42704: no such node, or a level that the pool does not have; 22004: a NULL id; 22023: no object of strings, a level left out above another, an empty name, no nodes; PM002: a pool is not in a state for it; PM005: the owner is frozen';
CREATE FUNCTION set_node_topology(pool text, nodes text[], topology jsonb) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_node_topology(nodes_named(find_pool(pool), nodes), topology);
END $$;
COMMENT ON FUNCTION set_node_topology(text, text[], jsonb) IS 'the same, pool and nodes by name';

REVOKE EXECUTE ON FUNCTION level_names(text[]), check_topology(bigint, jsonb, text[]) FROM PUBLIC;
