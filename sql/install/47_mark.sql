-- What is noted on pools and nodes: tags, restrictions, what is kept from jobs.

CREATE FUNCTION apply_tags(was tag_set, tags jsonb, action tag_action) RETURNS tag_set
LANGUAGE plpgsql STABLE SET search_path TO pg_catalog, pool_manager, pg_temp AS $$
DECLARE
    result jsonb;
    wrong text;
BEGIN
    IF jsonb_typeof(tags) <> 'object' OR jsonb_path_exists(tags, 'strict $.* ? (@.type() != "string")') OR tags ? '' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "tags"',
            DETAIL = 'Tags are an object of strings, whose keys are not empty.',
            HINT = 'Write them like {"project": "vision"}.';
    END IF;
    IF tags = '{}' AND action <> 'reset' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'no tags given',
            DETAIL = 'Only reset may be without any: it then removes all.',
            HINT = 'Name the tags that are to be created or deleted.';
    END IF;
    SELECT min(k.key) INTO wrong FROM jsonb_object_keys(tags) AS k(key)
    WHERE starts_with(k.key, 'CCE-') OR starts_with(k.key, '__type_baremetal');
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('tag "%s" is reserved', wrong),
            DETAIL = 'Keys that begin with CCE- or __type_baremetal are the provider''s.',
            HINT = 'Choose another key.';
    END IF;
    IF action = 'delete' THEN
        SELECT min(t.key) INTO wrong FROM jsonb_each_text(tags) AS t(key, value) WHERE was ->> t.key IS DISTINCT FROM t.value;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023',
                MESSAGE = format('there is no tag "%s" with value "%s"', wrong, tags ->> wrong),
                DETAIL = 'A tag is deleted where its key and its value match.',
                HINT = 'Read the tags that there are first.';
        END IF;
        result := was - ARRAY(SELECT jsonb_object_keys(tags));
    ELSIF action = 'create' THEN
        result := was || tags;
    ELSE
        result := tags;
    END IF;
    IF (SELECT count(*) FROM jsonb_object_keys(result)) > 20 THEN
        RAISE EXCEPTION USING ERRCODE = '54000',
            MESSAGE = 'too many tags',
            DETAIL = 'There may be 20, all in all.',
            HINT = 'Delete others first, or reset them.';
    END IF;
    RETURN result;
END $$;
COMMENT ON FUNCTION apply_tags(tag_set, jsonb, tag_action) IS
'tags after some were created, deleted or reset. 22023: malformed, none but for reset, a reserved key, none to delete of this key and value; 54000: more than 20';

CREATE FUNCTION tag_pool(pool bigint, tags jsonb, action tag_action DEFAULT 'create') RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    owner_id bigint;
    instant timestamptz;
BEGIN
    PERFORM find_pool(pool);
    SELECT p.tenant_id INTO owner_id FROM pool p WHERE p.pool_id = tag_pool.pool;
    PERFORM require_level(owner_id, 'owner');
    instant := lock_pool(pool);
    UPDATE pool p SET tags = apply_tags(p.tags, tag_pool.tags, tag_pool.action) WHERE p.pool_id = tag_pool.pool;
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    VALUES (owner_id, instant, 'pool_changed', tag_pool.pool, actor(), format('tags: %s %s', tag_pool.action, tag_pool.tags));
END $$;
COMMENT ON FUNCTION tag_pool(bigint, jsonb, tag_action) IS
'changes the tags of a pool: create adds, and overwrites those of the same key; delete removes those whose key and value match; reset replaces all. Owners of the pool (42501); 42704: no such pool; 22023: not an object of strings, none but for reset, a key of the provider''s (CCE-, __type_baremetal), nothing matches; 54000: more than 20';
CREATE FUNCTION tag_pool(pool text, tags jsonb, action tag_action DEFAULT 'create') RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT tag_pool(find_pool(tag_pool.pool), tag_pool.tags, tag_pool.action);
END;
COMMENT ON FUNCTION tag_pool(text, jsonb, tag_action) IS 'the same, the pool by name';

-- Nodes that are to be changed: named once, live, and of a pool whose owner
-- the actor is; then the pool's lock is taken.
CREATE FUNCTION lock_own_nodes(pool bigint, nodes bigint[]) RETURNS timestamptz LANGUAGE pool_manager AS $$
DECLARE
    owner_id bigint;
    instant timestamptz;
    missing bigint;
BEGIN
    PERFORM find_pool(pool);
    SELECT p.tenant_id INTO owner_id FROM pool p WHERE p.pool_id = lock_own_nodes.pool;
    PERFORM require_level(owner_id, 'owner');
    IF cardinality(nodes) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'no nodes given',
            DETAIL = 'The argument "nodes" is empty.',
            HINT = 'Name at least one node.';
    ELSIF array_position(nodes, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004',
            MESSAGE = 'nodes must not contain null',
            DETAIL = 'Each element is the id of a node.',
            HINT = 'The view node_status shows the ids.';
    END IF;
    instant := lock_pool(pool);
    SELECT u.node_id INTO missing FROM unnest(nodes) AS u(node_id)
    LEFT JOIN node n ON n.pool_id = lock_own_nodes.pool AND n.node_id = u.node_id AND n.deleted_at IS NULL
    WHERE n.node_id IS NULL ORDER BY u.node_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('node %s does not exist', missing),
            DETAIL = format('Pool %s has none with this id.', pool),
            HINT = 'The view node_status shows the nodes that you may see.';
    END IF;
    RETURN instant;
END $$;
COMMENT ON FUNCTION lock_own_nodes(bigint, bigint[]) IS
'checks that nodes are there and that the actor owns their pool, and takes the pool''s lock; returns the instant of the change. Bodies of calls only (42501); 42501: not an owner; 42704: no such pool or node; 22023: no nodes; 22004: a NULL among them';
REVOKE EXECUTE ON FUNCTION lock_own_nodes(bigint, bigint[]) FROM PUBLIC;

CREATE FUNCTION tag_nodes(pool bigint, nodes bigint[], tags jsonb, action tag_action DEFAULT 'create') RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz := lock_own_nodes(pool, nodes);
BEGIN
    WITH tagged AS (
        UPDATE node n SET tags = apply_tags(n.tags, tag_nodes.tags, tag_nodes.action)
        WHERE n.pool_id = tag_nodes.pool AND n.node_id = ANY (tag_nodes.nodes)
        RETURNING n.node_id, n.tenant_id)
    INSERT INTO event (tenant_id, at, kind, pool_id, node_id, actor, reason)
    SELECT t.tenant_id, instant, 'node_changed', tag_nodes.pool, t.node_id, actor(), format('tags: %s %s', tag_nodes.action, tag_nodes.tags)
    FROM tagged t ORDER BY t.node_id;
END $$;
COMMENT ON FUNCTION tag_nodes(bigint, bigint[], jsonb, tag_action) IS
'changes the tags of nodes as tag_pool does those of a pool, of all or none. Owners of the pool (42501); 42704: no such pool or node; 22023, 54000: as tag_pool, or no nodes';
CREATE FUNCTION tag_nodes(pool text, nodes text[], tags jsonb, action tag_action DEFAULT 'create') RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT tag_nodes(p.pool_id, ARRAY(SELECT find_node(p.pool_id, u.name) FROM unnest(tag_nodes.nodes) AS u(name)), tag_nodes.tags, tag_nodes.action)
    FROM find_pool(tag_nodes.pool) AS p(pool_id);
END;
COMMENT ON FUNCTION tag_nodes(text, text[], jsonb, tag_action) IS 'the same, pool and nodes by name';

CREATE FUNCTION restrict_pool(pool bigint, restrictions pool_restriction[]) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz;
    given pool_restriction[];
BEGIN
    PERFORM require_level(0, 'operator');
    PERFORM find_pool(pool);
    IF array_position(restrictions, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004',
            MESSAGE = 'argument "restrictions" must not contain null',
            DETAIL = 'Each element forbids something.',
            HINT = 'An empty array lifts all restrictions.';
    END IF;
    instant := lock_pool(pool);
    given := ARRAY(SELECT DISTINCT r FROM unnest(restrictions) AS r ORDER BY r);
    WITH changed AS (
        UPDATE pool p SET restrictions = given WHERE p.pool_id = restrict_pool.pool AND p.restrictions <> given RETURNING p.tenant_id)
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    SELECT c.tenant_id, instant, 'pool_changed', restrict_pool.pool, actor(), 'restrictions: ' || array_to_string(given, ', ') FROM changed c;
END $$;
COMMENT ON FUNCTION restrict_pool(bigint, pool_restriction[]) IS
'forbids things on a pool, and allows what is not named: flavor_change: no change of node counts and flavors; service: no new jobs; frozen: no new job or start, no change of size or settings, no work on nodes, only deletion; marks such as tags, cordons and locks are free. Operators only (42501); 42704: no such pool; 22004: a NULL among them';
CREATE FUNCTION restrict_pool(pool text, restrictions pool_restriction[]) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT restrict_pool(find_pool(restrict_pool.pool), restrict_pool.restrictions);
END;
COMMENT ON FUNCTION restrict_pool(text, pool_restriction[]) IS 'the same, the pool by name';

CREATE FUNCTION set_node_reserved(pool bigint, nodes bigint[], reserved resource_list) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz := lock_own_nodes(pool, nodes);
    wrong record;
BEGIN
    -- what jobs can have: what they could, and what was kept from them, less what is
    SELECT n.node_id, n.name, l.allocatable + n.reserved AS whole, l.allocated, l.accelerator INTO wrong
    -- by their key, as below: a pool's id as a constant would let all its nodes be compared with all
    FROM (SELECT n.* FROM node n WHERE n.pool_id = set_node_reserved.pool AND n.node_id = ANY (set_node_reserved.nodes) OFFSET 0) n
    JOIN node_load l ON l.pool_id = n.pool_id AND l.node_id = n.node_id
    WHERE (NOT set_node_reserved.reserved @> '' OR NOT set_node_reserved.reserved <@ (l.allocatable + n.reserved)
            OR quantity(set_node_reserved.reserved, l.accelerator) <> 0)
    ORDER BY n.node_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('node "%s" cannot have "%s" reserved', wrong.name, reserved),
            DETAIL = format('It has "%s"; nothing of its accelerators is reserved.', wrong.whole),
            HINT = 'Reserve less, and nothing negative.';
    END IF;
    SELECT n.node_id, n.name, l.allocated INTO wrong
    FROM (SELECT n.* FROM node n WHERE n.pool_id = set_node_reserved.pool AND n.node_id = ANY (set_node_reserved.nodes) OFFSET 0) n
    JOIN node_load l ON l.pool_id = n.pool_id AND l.node_id = n.node_id
    WHERE NOT l.allocated <@ (l.allocatable + n.reserved - set_node_reserved.reserved)
    ORDER BY n.node_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('jobs hold what is to be reserved on node "%s"', wrong.name),
            DETAIL = format('They hold "%s".', wrong.allocated),
            HINT = 'Drain the node first, or reserve less.';
    END IF;
    WITH changed AS MATERIALIZED (
        SELECT n.pool_id, n.node_id, n.tenant_id, n.state, n.state_since, l.allocatable, n.reserved
        FROM (SELECT n.* FROM node n
              WHERE n.pool_id = set_node_reserved.pool AND n.node_id = ANY (set_node_reserved.nodes)
                  AND n.reserved <> set_node_reserved.reserved OFFSET 0) n
        JOIN node_load l ON l.pool_id = n.pool_id AND l.node_id = n.node_id),
    period AS (
        INSERT INTO node_period (pool_id, node_id, tenant_id, state, since, until, allocatable)
        SELECT set_node_reserved.pool, c.node_id, c.tenant_id, c.state, c.state_since, instant, c.allocatable
        FROM changed c WHERE c.state_since < instant),
    loaded AS (
        UPDATE node_load l SET allocatable = c.allocatable + c.reserved - set_node_reserved.reserved
        FROM changed c WHERE l.pool_id = c.pool_id AND l.node_id = c.node_id),
    written AS (
        UPDATE node n SET reserved = set_node_reserved.reserved, state_since = instant
        FROM changed c WHERE n.pool_id = c.pool_id AND n.node_id = c.node_id)
    INSERT INTO event (tenant_id, at, kind, pool_id, node_id, actor, reason)
    SELECT c.tenant_id, instant, 'node_changed', set_node_reserved.pool, c.node_id, actor(), format('reserved: %s', set_node_reserved.reserved)
    FROM changed c ORDER BY c.node_id;
END $$;
COMMENT ON FUNCTION set_node_reserved(bigint, bigint[], resource_list) IS
'sets what of nodes jobs cannot have, beyond what their flavor reserves. Owners of the pool (42501); 42704: no such pool or node; 22023: more than a node has, negative, of the accelerator, or no nodes; PM002: jobs hold it';
CREATE FUNCTION set_node_reserved(pool text, nodes text[], reserved resource_list) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT set_node_reserved(p.pool_id, ARRAY(SELECT find_node(p.pool_id, u.name) FROM unnest(set_node_reserved.nodes) AS u(name)),
        set_node_reserved.reserved)
    FROM find_pool(set_node_reserved.pool) AS p(pool_id);
END;
COMMENT ON FUNCTION set_node_reserved(text, text[], resource_list) IS 'the same, pool and nodes by name';
