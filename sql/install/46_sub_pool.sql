-- Sub-pools that owners make of their dedicated pools, and nodes bound to them.

CREATE FUNCTION sub_pool_reach(guaranteed resource_list, upper resource_list, borrow_limit resource_list) RETURNS resource_list
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN borrow_limit IS NULL THEN upper WHEN upper IS NULL THEN guaranteed + borrow_limit
                ELSE resource_min(upper, guaranteed + borrow_limit) END;
COMMENT ON FUNCTION sub_pool_reach(resource_list, resource_list, resource_list) IS
'the most that a sub-pool without parts can ever hold by its own quotas; NULL: no bound';

CREATE FUNCTION sub_pool_takes(
    guaranteed resource_list, upper resource_list, kind job_kind, borrow_limit resource_list DEFAULT NULL) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN kind <> 'notebook' OR coalesce(guaranteed = sub_pool_reach(guaranteed, upper, borrow_limit), true);
COMMENT ON FUNCTION sub_pool_takes(resource_list, resource_list, job_kind, resource_list) IS
'does a sub-pool with these quotas take jobs of a kind? Notebooks only where it can hold no more than it is guaranteed, so that nobody can take their resources back';

CREATE FUNCTION find_sub_pool(pool bigint, sub_pool text) RETURNS bigint LANGUAGE pool_manager STABLE AS $$
DECLARE
    found_id bigint;
BEGIN
    PERFORM find_pool(pool);
    SELECT s.sub_pool_id INTO found_id FROM sub_pool s
    WHERE s.pool_id = find_sub_pool.pool AND s.name = find_sub_pool.sub_pool AND s.deleted_at IS NULL AND has_level(s.tenant_id, 'viewer');
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('sub-pool "%s" does not exist', sub_pool),
            DETAIL = format('Pool %s has none of this name that role "%s" may see.', pool, actor()),
            HINT = 'The view sub_pool_status shows those that it may see.';
    END IF;
    RETURN found_id;
END $$;
COMMENT ON FUNCTION find_sub_pool(bigint, text) IS
'the id of a sub-pool by name, if there is one that the actor may see. For all; 42704: there is none, or no such pool';

-- A sub-pool that is to be changed, by its id; after the pool's lock
CREATE FUNCTION own_sub_pool(pool bigint, sub_pool bigint) RETURNS sub_pool LANGUAGE pool_manager AS $$
DECLARE
    given sub_pool;
BEGIN
    -- FOR UPDATE: jobs that are just being submitted to it, which refer to it, are waited for
    SELECT s.* INTO given FROM sub_pool s
    WHERE s.pool_id = own_sub_pool.pool AND s.sub_pool_id = own_sub_pool.sub_pool AND s.name IS NOT NULL AND s.deleted_at IS NULL
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('sub-pool %s does not exist', sub_pool),
            DETAIL = format('Pool %s has none with this id.', pool),
            HINT = 'The view sub_pool_status shows those that you may see.';
    END IF;
    RETURN given;
END $$;
COMMENT ON FUNCTION own_sub_pool(bigint, bigint) IS
'the row of a sub-pool that has a name, locked. Bodies of calls only (42501); 42704: there is none';

-- With its quotas as they are to be, a pool must be able to keep its promises
CREATE FUNCTION promised_in(pool bigint, other_than bigint DEFAULT NULL) RETURNS resource_list LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT coalesce(sum(s.guaranteed), '') FROM sub_pool s
        WHERE s.pool_id = promised_in.pool AND s.deleted_at IS NULL AND s.sub_pool_id IS DISTINCT FROM promised_in.other_than;
    END;
COMMENT ON FUNCTION promised_in(bigint, bigint) IS 'what the sub-pools of a pool are guaranteed together, one of them left out. Bodies of calls only';

CREATE FUNCTION usable_in(pool bigint, without bigint[] DEFAULT '{}') RETURNS resource_list LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT coalesce(sum(l.allocatable), '')
        FROM (SELECT n.pool_id, n.node_id FROM node n
              WHERE n.pool_id = usable_in.pool AND n.deleted_at IS NULL AND n.state <> 'deleting' AND NOT n.spare
                  AND n.node_id <> ALL (usable_in.without) OFFSET 0) n
        JOIN node_load l ON l.pool_id = n.pool_id AND l.node_id = n.node_id
        LEFT JOIN LATERAL (
            SELECT t.task_id AS going FROM node_task t WHERE t.pool_id = n.pool_id AND t.node_id = n.node_id
                AND t.ended_at IS NULL AND t.kind = 'delete' LIMIT 1) t ON true
        WHERE going IS NULL;
    END;
COMMENT ON FUNCTION usable_in(bigint, bigint[]) IS 'what the nodes of a pool have for jobs: without spares, those that are leaving, and some others. Bodies of calls only';

CREATE FUNCTION check_guarantees(pool bigint, without bigint[]) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    promised resource_list := promised_in(pool);
    rest resource_list;
BEGIN
    IF promised = '' THEN
        RETURN;
    END IF;
    rest := usable_in(pool, without);
    IF NOT promised <@ rest THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = 'the sub-pools of the pool are guaranteed more than would be left',
            DETAIL = format('Together they are guaranteed "%s"; the nodes that stay for jobs have "%s".', promised, rest),
            HINT = 'Lower the guarantees with resize_sub_pool() or set_tenant_quota() first.';
    END IF;
END $$;
COMMENT ON FUNCTION check_guarantees(bigint, bigint[]) IS
'refuses that a pool goes without some nodes (PM002) where what is left is less than its sub-pools are guaranteed. Under the pool''s lock; bodies of calls only';

CREATE FUNCTION quota_text(
    guaranteed resource_list, upper resource_list, borrow_limit resource_list, lend_limit resource_list) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN concat_ws(', ', 'guaranteed ' || guaranteed::text, 'upper ' || upper::text, 'borrow limit ' || borrow_limit::text,
        'lend limit ' || lend_limit::text);
COMMENT ON FUNCTION quota_text(resource_list, resource_list, resource_list, resource_list) IS
'the quotas of a sub-pool in words, as events have them; without those that are NULL. Bodies of calls only';

-- What every quota has to keep, of a sub-pool that an owner made or of a tenant in a public pool
CREATE FUNCTION check_sub_pool_quota(
    pool bigint, sub_pool bigint, guaranteed resource_list, upper resource_list DEFAULT NULL,
    borrow_limit resource_list DEFAULT NULL, lend_limit resource_list DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    promised resource_list;
    whole resource_list;
BEGIN
    IF NOT guaranteed @> '' OR NOT guaranteed <@ upper OR upper = '' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid quota of a sub-pool',
            DETAIL = format('Guaranteed is "%s", upper "%s".', guaranteed, upper),
            HINT = 'Of each resource 0 <= guaranteed <= upper; what is not listed in upper is not offered, and something must be.';
    END IF;
    IF NOT borrow_limit @> '' OR NOT lend_limit @> '' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid limit of a sub-pool',
            DETAIL = format('The borrow limit is "%s", the lend limit "%s".', borrow_limit, lend_limit),
            HINT = 'A limit is 0 or more of each resource; what it does not list is 0.';
    END IF;
    promised := promised_in(pool, sub_pool) + guaranteed;
    whole := usable_in(pool);
    IF NOT promised <@ whole THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'sub-pools cannot be guaranteed more than the pool has',
            DETAIL = format('Together they would be guaranteed "%s"; its nodes have "%s".', promised, whole),
            HINT = 'Guarantee less, or add nodes first.';
    END IF;
END $$;
COMMENT ON FUNCTION check_sub_pool_quota(bigint, bigint, resource_list, resource_list, resource_list, resource_list) IS
'refuses quotas of a sub-pool that cannot be, and guarantees that the pool could not keep. Bodies of calls only (42501); 22023: such quotas';

-- A sub-pool that is to be divided, locked: it has no jobs and no nodes of its own
CREATE FUNCTION check_parent(pool bigint, parent bigint) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    given sub_pool := own_sub_pool(pool, parent);
    job bigint;
    node_name text;
    levels bigint;
BEGIN
    SELECT j.job_id INTO job FROM job j
    WHERE j.tenant_id = given.tenant_id AND j.end_state IS NULL AND j.pool_id = check_parent.pool AND j.sub_pool_id = check_parent.parent
    ORDER BY j.job_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('jobs of sub-pool "%s" have not ended', given.name),
            DETAIL = format('Job %s is one; a sub-pool that is divided takes no jobs.', job),
            HINT = 'Wait until they have, or cancel them.';
    END IF;
    SELECT n.name INTO node_name FROM node n
    WHERE n.pool_id = check_parent.pool AND n.sub_pool_id = check_parent.parent AND n.deleted_at IS NULL ORDER BY n.node_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('sub-pool "%s" has nodes', given.name),
            DETAIL = format('Node "%s" is bound to it; nodes take the jobs of one sub-pool that is not divided.', node_name),
            HINT = 'Unbind them with unbind_nodes() first.';
    END IF;
    WITH RECURSIVE path AS (
        SELECT s.parent_id FROM sub_pool s WHERE s.pool_id = check_parent.pool AND s.sub_pool_id = check_parent.parent
        UNION ALL
        SELECT s.parent_id FROM path p JOIN sub_pool s ON s.pool_id = check_parent.pool AND s.sub_pool_id = p.parent_id)
    SELECT count(*) INTO levels FROM path;
    IF levels >= 8 THEN
        RAISE EXCEPTION USING ERRCODE = '54000',
            MESSAGE = 'sub-pools nest no deeper than 8 levels',
            DETAIL = format('Sub-pool "%s" is on level %s.', given.name, levels),
            HINT = 'Make it a part of one further up.';
    END IF;
END $$;
COMMENT ON FUNCTION check_parent(bigint, bigint) IS
'refuses to divide a sub-pool that is not there (42704), that has jobs or nodes (PM002) or is on level 8 (54000); locks it. Bodies of calls only (42501)';
REVOKE EXECUTE ON FUNCTION own_sub_pool(bigint, bigint), check_parent(bigint, bigint),
    quota_text(resource_list, resource_list, resource_list, resource_list),
    check_sub_pool_quota(bigint, bigint, resource_list, resource_list, resource_list, resource_list),
    promised_in(bigint, bigint), usable_in(bigint, bigint[]), check_guarantees(bigint, bigint[]) FROM PUBLIC;

CREATE FUNCTION create_sub_pool(
    pool bigint, name text, guaranteed resource_list, upper resource_list DEFAULT NULL, parent bigint DEFAULT NULL,
    borrow_limit resource_list DEFAULT NULL, lend_limit resource_list DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz;
    given pool;
    earlier bigint[];
    most resource_list := CASE WHEN borrow_limit IS NULL THEN coalesce(upper, guaranteed) ELSE upper END;
    made bigint;
BEGIN
    PERFORM find_pool(pool);
    SELECT p.* INTO given FROM pool p WHERE p.pool_id = create_sub_pool.pool;
    PERFORM require_level(given.tenant_id, 'owner');
    earlier := earlier_results(given.tenant_id);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    instant := customize_pool(pool, 'sub-pools');
    PERFORM check_name(name, 'name');
    PERFORM check_sub_pool_quota(pool, 0, guaranteed, most, borrow_limit, lend_limit);
    IF parent IS NOT NULL THEN
        PERFORM check_parent(pool, parent);
    END IF;
    INSERT INTO sub_pool (pool_id, tenant_id, pool_kind, owner_id, name, parent_id, guaranteed, upper, borrow_limit, lend_limit, created_at)
    VALUES (create_sub_pool.pool, given.tenant_id, given.kind, given.tenant_id, create_sub_pool.name, create_sub_pool.parent,
        create_sub_pool.guaranteed, most, create_sub_pool.borrow_limit, create_sub_pool.lend_limit, instant)
    ON CONFLICT DO NOTHING RETURNING sub_pool_id INTO made;
    IF made IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42710',
            MESSAGE = format('sub-pool "%s" already exists', name),
            DETAIL = 'Names are not given twice in a pool.',
            HINT = 'Choose another name; with a "request_id" a call can be repeated.';
    END IF;
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    VALUES (given.tenant_id, instant, 'sub_pool_changed', create_sub_pool.pool, actor(), create_sub_pool.name || ': made');
    PERFORM remember_results(ARRAY[made]);
    RETURN made;
END $$;
COMMENT ON FUNCTION create_sub_pool(bigint, text, resource_list, resource_list, bigint, resource_list, resource_list, text) IS
'makes a sub-pool of a dedicated pool, or with parent a part of a sub-pool; returns its id. It is a queue whose jobs hold at most upper together (without a borrow_limit by default as much as guaranteed), and at most borrow_limit beyond what it is guaranteed; what is its own and idle is lent to others up to lend_limit (NULL: all). Once there is one, work must name a sub-pool; one that has parts takes no jobs. Owners of the pool (42501); 42704: no such pool or parent; 42710: the name is taken; 22023: a malformed name, not 0 <= guaranteed <= upper, an empty upper quota, a negative limit, more guaranteed in all than the nodes of the pool have; 54000: deeper than 8 levels; PM002: the pool is not running or frozen, the parent has jobs or nodes; PM003: a public pool; PM004: request_id used before with other content';
CREATE FUNCTION create_sub_pool(
    pool text, name text, guaranteed resource_list, upper resource_list DEFAULT NULL, parent text DEFAULT NULL,
    borrow_limit resource_list DEFAULT NULL, lend_limit resource_list DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
DECLARE
    of_pool constant bigint := find_pool(pool);
BEGIN
    RETURN create_sub_pool(of_pool, name, guaranteed, upper, CASE WHEN parent IS NOT NULL THEN find_sub_pool(of_pool, parent) END,
        borrow_limit, lend_limit, request_id);
END $$;
COMMENT ON FUNCTION create_sub_pool(text, text, resource_list, resource_list, text, resource_list, resource_list, text) IS 'the same, pool and parent by name';

CREATE FUNCTION resize_sub_pool(
    pool bigint, sub_pool bigint, guaranteed resource_list, upper resource_list DEFAULT NULL,
    borrow_limit resource_list DEFAULT NULL, lend_limit resource_list DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz := customize_pool(pool, 'sub-pools');
    given sub_pool := own_sub_pool(pool, sub_pool);
    most resource_list := CASE WHEN borrow_limit IS NULL THEN coalesce(upper, guaranteed) ELSE upper END;
    reach resource_list;
    held resource_list;
    notebook bigint;
BEGIN
    PERFORM check_sub_pool_quota(pool, sub_pool, guaranteed, most, borrow_limit, lend_limit);
    -- what one with parts may borrow depends on these too
    reach := CASE WHEN EXISTS (
            SELECT FROM sub_pool c WHERE c.pool_id = resize_sub_pool.pool AND c.parent_id = resize_sub_pool.sub_pool AND c.deleted_at IS NULL)
        THEN most ELSE sub_pool_reach(guaranteed, most, borrow_limit) END;
    WITH RECURSIVE below AS (
        SELECT resize_sub_pool.sub_pool AS sub_pool_id
        UNION ALL
        SELECT c.sub_pool_id FROM below b JOIN sub_pool c ON c.pool_id = resize_sub_pool.pool AND c.parent_id = b.sub_pool_id)
    SELECT coalesce(sum(a.allocated), '') INTO held
    FROM job_run r JOIN job j USING (pool_id, job_id)
    JOIN allocation a ON a.pool_id = r.pool_id AND a.run_id = r.run_id AND a.released_at IS NULL
    WHERE r.pool_id = resize_sub_pool.pool AND r.ended_at IS NULL AND j.sub_pool_id IN (SELECT b.sub_pool_id FROM below b);
    IF NOT held <@ reach THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('jobs of sub-pool "%s" hold more than that', given.name),
            DETAIL = format('They hold "%s"; the upper quota would be "%s".', held, reach),
            HINT = 'Wait until some have ended, or cancel them.';
    END IF;
    SELECT j.job_id INTO notebook FROM job j
    WHERE j.tenant_id = given.tenant_id AND j.kind = 'notebook' AND j.end_state IS NULL
        AND j.pool_id = resize_sub_pool.pool AND j.sub_pool_id = resize_sub_pool.sub_pool
        AND NOT sub_pool_takes(resize_sub_pool.guaranteed, most, 'notebook', resize_sub_pool.borrow_limit)
    ORDER BY j.job_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('sub-pool "%s" has notebooks', given.name),
            DETAIL = format('Job %s is one; they are only where the guaranteed quota is the upper one.', notebook),
            HINT = 'End them first, or make both quotas the same.';
    END IF;
    UPDATE sub_pool s SET guaranteed = resize_sub_pool.guaranteed, upper = most,
        borrow_limit = resize_sub_pool.borrow_limit, lend_limit = resize_sub_pool.lend_limit
    WHERE s.pool_id = resize_sub_pool.pool AND s.sub_pool_id = resize_sub_pool.sub_pool;
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    VALUES (given.tenant_id, instant, 'sub_pool_changed', resize_sub_pool.pool, actor(),
        given.name || ': ' || quota_text(guaranteed, most, borrow_limit, lend_limit));
END $$;
COMMENT ON FUNCTION resize_sub_pool(bigint, bigint, resource_list, resource_list, resource_list, resource_list) IS
'sets all quotas of a sub-pool; those that are not given are as create_sub_pool has them by default. Owners of the pool (42501); 42704: no such pool or sub-pool; 22023: as create_sub_pool; PM002: its jobs hold more, it has notebooks and could borrow, the pool is not running or frozen; PM003: a public pool';
CREATE FUNCTION resize_sub_pool(
    pool text, sub_pool text, guaranteed resource_list, upper resource_list DEFAULT NULL,
    borrow_limit resource_list DEFAULT NULL, lend_limit resource_list DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    of_pool constant bigint := find_pool(pool);
BEGIN
    PERFORM resize_sub_pool(of_pool, find_sub_pool(of_pool, sub_pool), guaranteed, upper, borrow_limit, lend_limit);
END $$;
COMMENT ON FUNCTION resize_sub_pool(text, text, resource_list, resource_list, resource_list, resource_list) IS 'the same, pool and sub-pool by name';

CREATE FUNCTION delete_sub_pool(pool bigint, sub_pool bigint) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz := customize_pool(pool, 'sub-pools');
    given sub_pool := own_sub_pool(pool, sub_pool);
    part text;
    jobs bigint[];
BEGIN
    SELECT c.name INTO part FROM sub_pool c
    WHERE c.pool_id = delete_sub_pool.pool AND c.parent_id = delete_sub_pool.sub_pool AND c.deleted_at IS NULL ORDER BY c.sub_pool_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('sub-pool "%s" has parts', given.name),
            DETAIL = format('Sub-pool "%s" is one.', part),
            HINT = 'Delete them first.';
    END IF;
    jobs := ARRAY(
        SELECT j.job_id FROM job j
        WHERE j.tenant_id = given.tenant_id AND j.end_state IS NULL AND j.pool_id = delete_sub_pool.pool AND j.sub_pool_id = delete_sub_pool.sub_pool
        ORDER BY j.job_id);
    IF jobs <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('%s jobs of sub-pool "%s" have not ended', cardinality(jobs), given.name),
            DETAIL = format('They are %s%s.', array_to_string(jobs[1:10], ', '), CASE WHEN cardinality(jobs) > 10 THEN ' and others' ELSE '' END),
            HINT = 'Wait until they have, or cancel them.';
    END IF;
    WITH unbound AS (
        UPDATE node n SET sub_pool_id = NULL
        WHERE n.pool_id = delete_sub_pool.pool AND n.sub_pool_id = delete_sub_pool.sub_pool AND n.deleted_at IS NULL
        RETURNING n.node_id, n.tenant_id)
    INSERT INTO event (tenant_id, at, kind, pool_id, node_id, actor, reason)
    SELECT u.tenant_id, instant, 'node_changed', delete_sub_pool.pool, u.node_id, actor(), 'sub-pool: none' FROM unbound u ORDER BY u.node_id;
    UPDATE sub_pool s SET deleted_at = instant WHERE s.pool_id = delete_sub_pool.pool AND s.sub_pool_id = delete_sub_pool.sub_pool;
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    VALUES (given.tenant_id, instant, 'sub_pool_changed', delete_sub_pool.pool, actor(), given.name || ': deleted');
END $$;
COMMENT ON FUNCTION delete_sub_pool(bigint, bigint) IS
'deletes a sub-pool; its nodes are bound to none. Owners of the pool (42501); 42704: no such pool or sub-pool; PM002: it has parts, jobs of it have not ended, the pool is not running or frozen; PM003: a public pool';
CREATE FUNCTION delete_sub_pool(pool text, sub_pool text) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    of_pool constant bigint := find_pool(pool);
BEGIN
    PERFORM delete_sub_pool(of_pool, find_sub_pool(of_pool, sub_pool));
END $$;
COMMENT ON FUNCTION delete_sub_pool(text, text) IS 'the same, pool and sub-pool by name';

-- ---- tenants in public pools ----

CREATE FUNCTION set_tenant_quota(
    pool bigint, tenant bigint, guaranteed resource_list DEFAULT '', upper resource_list DEFAULT NULL,
    borrow_limit resource_list DEFAULT NULL, lend_limit resource_list DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz;
    given pool;
    share bigint;
BEGIN
    PERFORM require_level(0, 'operator');
    PERFORM find_pool(pool), find_tenant(tenant);
    SELECT p.* INTO given FROM pool p WHERE p.pool_id = set_tenant_quota.pool;
    IF given.kind <> 'public' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM003',
            MESSAGE = format('pool "%s" is dedicated', given.name),
            DETAIL = 'All of a dedicated pool is its owner''s.',
            HINT = 'The owner divides it with create_sub_pool().';
    END IF;
    IF tenant = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'the provider has no quotas',
            DETAIL = 'Quotas limit what tenants use of what the provider offers.',
            HINT = 'Name another tenant.';
    END IF;
    instant := lock_pool(pool);
    SELECT s.sub_pool_id INTO share FROM sub_pool s WHERE s.pool_id = set_tenant_quota.pool AND s.tenant_id = set_tenant_quota.tenant;
    PERFORM check_sub_pool_quota(pool, coalesce(share, 0), guaranteed, upper, borrow_limit, lend_limit);
    INSERT INTO sub_pool AS s (pool_id, tenant_id, pool_kind, owner_id, guaranteed, upper, borrow_limit, lend_limit)
    VALUES (set_tenant_quota.pool, set_tenant_quota.tenant, 'public', 0, set_tenant_quota.guaranteed, set_tenant_quota.upper,
        set_tenant_quota.borrow_limit, set_tenant_quota.lend_limit)
    ON CONFLICT (pool_id, tenant_id) WHERE name IS NULL DO UPDATE
        SET guaranteed = excluded.guaranteed, upper = excluded.upper, borrow_limit = excluded.borrow_limit, lend_limit = excluded.lend_limit;
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    VALUES (set_tenant_quota.tenant, instant, 'sub_pool_changed', set_tenant_quota.pool, actor(),
        quota_text(guaranteed, upper, borrow_limit, lend_limit));
END $$;
COMMENT ON FUNCTION set_tenant_quota(bigint, bigint, resource_list, resource_list, resource_list, resource_list) IS
'sets all quotas of a tenant in a public pool: what it is guaranteed, the most that its jobs may hold together (NULL: no bound), what it may hold beyond its guarantee (NULL: no limit), and how much of that others may hold while it is idle (NULL: all). Nothing is taken back from what runs. Without arguments the tenant has no quota. Operators (42501); 42704: no such pool or tenant; 22023: not 0 <= guaranteed <= upper, an empty upper quota, a negative limit, more guaranteed in all than the nodes of the pool have, or the provider; PM003: a dedicated pool';
CREATE FUNCTION set_tenant_quota(
    pool text, tenant text, guaranteed resource_list DEFAULT '', upper resource_list DEFAULT NULL,
    borrow_limit resource_list DEFAULT NULL, lend_limit resource_list DEFAULT NULL) RETURNS void
LANGUAGE sql BEGIN ATOMIC
    SELECT set_tenant_quota(find_pool(set_tenant_quota.pool), find_tenant(set_tenant_quota.tenant), set_tenant_quota.guaranteed,
        set_tenant_quota.upper, set_tenant_quota.borrow_limit, set_tenant_quota.lend_limit);
END;
COMMENT ON FUNCTION set_tenant_quota(text, text, resource_list, resource_list, resource_list, resource_list) IS 'the same, pool and tenant by name';

-- ---- nodes ----

CREATE FUNCTION set_binding(pool bigint, sub_pool bigint, nodes bigint[], instant timestamptz) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    torn record;
BEGIN
    SELECT (SELECT n.name FROM node n
            WHERE n.pool_id = set_binding.pool AND n.batch_id = o.batch_id AND n.node_id = ANY (set_binding.nodes)
            ORDER BY n.node_id LIMIT 1) AS name, o.name AS other INTO torn
    FROM node o
    WHERE o.pool_id = set_binding.pool AND o.deleted_at IS NULL AND o.node_id <> ALL (set_binding.nodes) AND o.batch_id = ANY (ARRAY(
        SELECT DISTINCT n.batch_id FROM node n
        WHERE n.pool_id = set_binding.pool AND n.node_id = ANY (set_binding.nodes) AND n.batch_id IS NOT NULL))
    ORDER BY o.node_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('node "%s" is bound together with node "%s"', torn.name, torn.other),
            DETAIL = 'Nodes that came as one step stay together.',
            HINT = 'Name all nodes of the step.';
    END IF;
    WITH bound AS (
        UPDATE node n SET sub_pool_id = nullif(set_binding.sub_pool, 0)
        WHERE n.pool_id = set_binding.pool AND n.node_id = ANY (set_binding.nodes)
            AND coalesce(n.sub_pool_id, 0) <> set_binding.sub_pool
        RETURNING n.node_id, n.tenant_id)
    INSERT INTO event (tenant_id, at, kind, pool_id, node_id, actor, reason)
    SELECT b.tenant_id, set_binding.instant, 'node_changed', set_binding.pool, b.node_id, actor(), 'sub-pool: ' || coalesce(s.name, 'none')
    FROM bound b LEFT JOIN sub_pool s ON s.pool_id = set_binding.pool AND s.sub_pool_id = set_binding.sub_pool ORDER BY b.node_id;
END $$;
COMMENT ON FUNCTION set_binding(bigint, bigint, bigint[], timestamptz) IS
'binds nodes to a sub-pool, or for 0 to none. Under the pool''s lock, bodies of calls only (42501); 22023: part of a step';
REVOKE EXECUTE ON FUNCTION set_binding(bigint, bigint, bigint[], timestamptz) FROM PUBLIC;

CREATE FUNCTION bind_nodes(pool bigint, sub_pool bigint, nodes bigint[], drain boolean DEFAULT false) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz := customize_pool(pool, 'sub-pools');
    given sub_pool := own_sub_pool(pool, sub_pool);
    busy record;
BEGIN
    PERFORM FROM sub_pool c WHERE c.pool_id = bind_nodes.pool AND c.parent_id = bind_nodes.sub_pool AND c.deleted_at IS NULL;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('sub-pool "%s" has parts', given.name),
            DETAIL = 'Nodes take the jobs of one sub-pool that is not divided.',
            HINT = 'Bind them to one of its parts.';
    END IF;
    PERFORM lock_own_nodes(pool, nodes);
    SELECT n.name, j.job_id INTO busy
    FROM allocation a JOIN node n USING (pool_id, node_id)
    JOIN job_run r ON r.pool_id = a.pool_id AND r.run_id = a.run_id JOIN job j ON j.pool_id = r.pool_id AND j.job_id = r.job_id
    WHERE a.pool_id = bind_nodes.pool AND a.node_id = ANY (bind_nodes.nodes) AND a.released_at IS NULL
        AND j.sub_pool_id <> bind_nodes.sub_pool AND NOT bind_nodes.drain
    ORDER BY a.node_id, j.job_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('node "%s" is busy with jobs of others', busy.name),
            DETAIL = format('Job %s is on it, which is not of sub-pool "%s".', busy.job_id, given.name),
            HINT = 'With drain => true such jobs go on to their end, and no others come.';
    END IF;
    PERFORM set_binding(pool, sub_pool, nodes, instant);
END $$;
COMMENT ON FUNCTION bind_nodes(bigint, bigint, bigint[], boolean) IS
'binds nodes to a sub-pool: they take its jobs alone; its jobs may go elsewhere too. With drain, jobs of others that are on them go on to their end. Nodes of one step are bound together. Owners of the pool (42501); 42704: no such pool, sub-pool or node; 22023: no nodes, or part of a step; PM002: busy with jobs of others, the sub-pool has parts, the pool is not running or frozen; PM003: a public pool';
CREATE FUNCTION bind_nodes(pool text, sub_pool text, nodes text[], drain boolean DEFAULT false) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    of_pool constant bigint := find_pool(pool);
BEGIN
    PERFORM bind_nodes(of_pool, find_sub_pool(of_pool, sub_pool), ARRAY(SELECT find_node(of_pool, u.name) FROM unnest(nodes) AS u(name)), drain);
END $$;
COMMENT ON FUNCTION bind_nodes(text, text, text[], boolean) IS 'the same, all by name';

CREATE FUNCTION unbind_nodes(pool bigint, nodes bigint[]) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz := customize_pool(pool, 'sub-pools');
BEGIN
    PERFORM lock_own_nodes(pool, nodes);
    PERFORM set_binding(pool, 0, nodes, instant);
END $$;
COMMENT ON FUNCTION unbind_nodes(bigint, bigint[]) IS
'binds nodes to no sub-pool: they take jobs of all. Owners of the pool (42501); 42704: no such pool or node; 22023: no nodes, or part of a step; PM002: the pool is not running or frozen; PM003: a public pool';
CREATE FUNCTION unbind_nodes(pool text, nodes text[]) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    of_pool constant bigint := find_pool(pool);
BEGIN
    PERFORM unbind_nodes(of_pool, ARRAY(SELECT find_node(of_pool, u.name) FROM unnest(nodes) AS u(name)));
END $$;
COMMENT ON FUNCTION unbind_nodes(text, text[]) IS 'the same, all by name';

CREATE VIEW sub_pool_status WITH (security_invoker = true) AS
SELECT p.pool_id,
       p.name AS pool,
       s.sub_pool_id,
       s.name AS sub_pool,
       s.parent,
       s.guaranteed,
       s.upper,
       s.borrow_limit,
       s.lend_limit,
       s.used,
       s.borrowed,
       s.nodes,
       s.queued,
       s.running
FROM pool p, LATERAL (
    SELECT s.sub_pool_id, s.name, a.name AS parent, s.guaranteed, s.upper, s.borrow_limit, s.lend_limit, coalesce(r.used, '') AS used,
           CASE WHEN bool_or(s.limited) OVER () THEN resource_max(coalesce(r.used, '') - s.guaranteed, '') ELSE '' END AS borrowed,
           coalesce(n.nodes, 0) AS nodes, coalesce(q.queued, 0) AS queued, coalesce(r.running, 0) AS running
    FROM sub_pool s
    LEFT JOIN sub_pool a ON a.pool_id = s.pool_id AND a.sub_pool_id = s.parent_id
    LEFT JOIN (
        SELECT n.sub_pool_id, count(*) AS nodes FROM node n
        WHERE n.pool_id = p.pool_id AND n.sub_pool_id IS NOT NULL AND n.deleted_at IS NULL
        GROUP BY n.sub_pool_id) AS n ON n.sub_pool_id = s.sub_pool_id
    LEFT JOIN (
        SELECT q.sub_pool_id, count(*) AS queued FROM job_queue q
        WHERE q.pool_id = p.pool_id AND q.state = 'queued'
        GROUP BY q.sub_pool_id) AS q ON q.sub_pool_id = s.sub_pool_id
    LEFT JOIN (
        SELECT j.sub_pool_id, count(*) AS running, sum(a.allocated) AS used
        FROM job_run r
        JOIN job j ON j.pool_id = r.pool_id AND j.job_id = r.job_id,
        LATERAL (
            SELECT sum(a.allocated) AS allocated FROM allocation a
            WHERE a.pool_id = r.pool_id AND a.run_id = r.run_id AND a.released_at IS NULL) AS a
        WHERE r.pool_id = p.pool_id AND r.ended_at IS NULL
        GROUP BY j.sub_pool_id) AS r ON r.sub_pool_id = s.sub_pool_id
    WHERE s.pool_id = p.pool_id AND s.deleted_at IS NULL
    -- planned by itself: a pool is read once, not once for each of its sub-pools
    OFFSET 0) AS s;
COMMENT ON VIEW sub_pool_status IS
'sub-pools with what their jobs hold and what waits. The row without a name is the share for work that names none, of a public pool that of the tenant';
COMMENT ON COLUMN sub_pool_status.pool_id IS 'pool';
COMMENT ON COLUMN sub_pool_status.pool IS 'its name';
COMMENT ON COLUMN sub_pool_status.sub_pool_id IS 'sub-pool';
COMMENT ON COLUMN sub_pool_status.sub_pool IS 'its name; NULL: it has none';
COMMENT ON COLUMN sub_pool_status.parent IS 'sub-pool that it is a part of; NULL: of the pool itself';
COMMENT ON COLUMN sub_pool_status.guaranteed IS 'resources that are its own';
COMMENT ON COLUMN sub_pool_status.upper IS 'most that its jobs may hold together; NULL: no bound';
COMMENT ON COLUMN sub_pool_status.borrow_limit IS 'most that it may hold beyond what is its own; NULL: no limit';
COMMENT ON COLUMN sub_pool_status.lend_limit IS 'most of its own that others may hold while it is idle; NULL: all';
COMMENT ON COLUMN sub_pool_status.used IS 'what its jobs hold';
COMMENT ON COLUMN sub_pool_status.borrowed IS 'what they hold beyond what is guaranteed to it, where any sub-pool of the pool has a quota';
COMMENT ON COLUMN sub_pool_status.nodes IS 'nodes that are bound to it';
COMMENT ON COLUMN sub_pool_status.queued IS 'its jobs that are queued';
COMMENT ON COLUMN sub_pool_status.running IS 'its jobs that have a run';
GRANT SELECT ON sub_pool_status TO PUBLIC;
