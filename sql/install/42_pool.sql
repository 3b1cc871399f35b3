-- Pools: making them, changing them, their end.

CREATE FUNCTION create_pool(
    name text, kind pool_kind, tenant bigint DEFAULT NULL, network bigint DEFAULT NULL,
    job_types job_kind[] DEFAULT '{training,inference,notebook,workflow}',
    queue_policy queue_policy DEFAULT 'fifo', placement placement_policy DEFAULT 'pack',
    launch launch_mode DEFAULT 'immediate', default_time_limit interval DEFAULT NULL,
    stop_timeout interval DEFAULT '10 minutes', provider provider_mode DEFAULT 'instant',
    workspace bigint DEFAULT NULL, unified boolean DEFAULT true, container_network container_network DEFAULT 'overlay',
    restart_timeout interval DEFAULT '30 minutes', description text DEFAULT NULL, tags jsonb DEFAULT '{}',
    nodes jsonb DEFAULT '{}', request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    exclusive constant boolean := create_pool.kind = 'dedicated';
    owner_id constant bigint := coalesce(create_pool.tenant, 0);
    cost_centre bigint := create_pool.workspace;
    limit_by_default constant interval := exact_interval(create_pool.default_time_limit, 'default_time_limit');
    limit_of_stop constant interval := exact_interval(create_pool.stop_timeout, 'stop_timeout');
    limit_of_restart constant interval := exact_interval(create_pool.restart_timeout, 'restart_timeout');
    given text;
    earlier bigint[];
    flavors bigint[];
    counts integer[];
    instant timestamptz;
    made bigint;
    ordered bigint;
BEGIN
    PERFORM check_name(create_pool.name, 'name');
    IF create_pool.tenant IS NOT NULL THEN
        PERFORM find_tenant(create_pool.tenant);
    END IF;
    IF array_position(create_pool.job_types, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "job_types" must not contain null',
            DETAIL = 'Each element is a type of jobs that the pool takes.', HINT = 'Leave out the argument for all types.';
    END IF;
    IF length(create_pool.description) > 1024 THEN
        PERFORM refuse_argument('description', 'It has at most 1024 characters.', 'Shorten it.');
    END IF;
    PERFORM apply_tags('{}', create_pool.tags, 'reset');

    IF NOT exclusive THEN
        given := CASE WHEN create_pool.tenant IS NOT NULL THEN 'tenant' WHEN create_pool.network IS NOT NULL THEN 'network'
            WHEN create_pool.workspace IS NOT NULL THEN 'workspace' END;
        IF given IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('public pool "%s" cannot have a %s', create_pool.name, given),
                DETAIL = 'Public pools belong to the provider.',
                HINT = format('Leave out the argument "%s", or make the pool dedicated.', given);
        END IF;
        PERFORM require_level(0, 'operator');
        IF NOT create_pool.unified OR create_pool.container_network <> 'overlay' THEN
            given := CASE WHEN NOT create_pool.unified THEN 'unified' ELSE 'container_network' END;
            RAISE EXCEPTION USING ERRCODE = 'PM003',
                MESSAGE = format('public pool "%s" cannot be customized: %s', create_pool.name, given),
                DETAIL = 'Single-purpose pools and addresses for replicas are for dedicated pools.',
                HINT = format('Leave out the argument "%s", or make the pool dedicated.', given);
        END IF;
    ELSE
        given := CASE WHEN create_pool.tenant IS NULL THEN 'tenant' WHEN create_pool.network IS NULL THEN 'network' END;
        IF given IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('dedicated pool "%s" has no %s', create_pool.name, given),
                DETAIL = 'A dedicated pool has an owner and a network of the owner''s.',
                HINT = format('Name it with the argument "%s".', given);
        END IF;
        PERFORM require_level(create_pool.tenant, 'owner');
        IF cost_centre IS NULL THEN
            SELECT w.workspace_id INTO cost_centre FROM workspace w WHERE w.tenant_id = create_pool.tenant AND w.name = 'default';
        ELSE
            PERFORM check_workspace(create_pool.tenant, cost_centre);
        END IF;
    END IF;
    IF NOT create_pool.unified AND NOT (
        create_pool.job_types @> '{training,notebook}' AND create_pool.job_types <@ '{training,notebook}'
        OR create_pool.job_types @> '{inference}' AND create_pool.job_types <@ '{inference}') THEN
        PERFORM refuse_argument('job_types', 'A single-purpose pool takes training and notebook, or inference alone.',
            'Name these, or make the pool unified.');
    END IF;
    SELECT array_agg(c.flavor_id), array_agg(c.count) INTO flavors, counts
    FROM flavor_counts(create_pool.nodes, 'nodes') c WHERE c.count > 0;
    IF (SELECT sum(c) FROM unnest(counts) AS c) > 100000 THEN
        PERFORM refuse_argument('nodes', 'An order adds at most 100000 nodes.', 'Call resize_pool() for more.');
    END IF;

    earlier := earlier_results(owner_id);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    IF exclusive THEN
        PERFORM check_not_frozen(owner_id);
        PERFORM check_quota(owner_id, cost_centre, 'pools', 1);
        PERFORM check_quota(owner_id, cost_centre, 'nodes', (SELECT sum(c) FROM unnest(counts) AS c)) WHERE flavors IS NOT NULL;
        -- it must not become abnormal, or go, before this pool is there
        SELECT n.name INTO given FROM network n
        WHERE n.network_id = create_pool.network AND n.tenant_id = create_pool.tenant FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('network %s does not exist', create_pool.network),
                DETAIL = format('There is none with this id that role "%s" may see.', actor()),
                HINT = 'Table "network" shows those that it may see.';
        END IF;
        PERFORM FROM network n WHERE n.network_id = create_pool.network AND n.state = 'active';
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('network "%s" is not active', given),
                DETAIL = 'Only an active network takes pools.', HINT = 'Wait until it is, or take another one.';
        END IF;
    END IF;

    instant := write_clock();
    INSERT INTO pool (name, kind, tenant_id, network_id, state, queue_policy, placement, launch, default_time_limit, stop_timeout,
        restart_timeout, provider, workspace_id, unified, container_network, description, tags, created_at)
    VALUES (create_pool.name, create_pool.kind, owner_id, create_pool.network,
        CASE WHEN flavors IS NULL THEN 'running'::pool_state ELSE 'creating' END, create_pool.queue_policy, create_pool.placement,
        create_pool.launch, limit_by_default, limit_of_stop, limit_of_restart, create_pool.provider, cost_centre, create_pool.unified,
        create_pool.container_network, create_pool.description, create_pool.tags, instant)
    ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING RETURNING pool_id INTO made;
    IF made IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = format('pool "%s" already exists', create_pool.name),
            DETAIL = 'Names are not given twice.',
            HINT = 'Choose another name; with a "request_id" a call can be repeated.';
    END IF;
    INSERT INTO pool_clock (pool_id, last_instant) VALUES (made, instant);
    INSERT INTO pool_job_type (pool_id, kind) SELECT DISTINCT made, k FROM unnest(create_pool.job_types) AS k;
    INSERT INTO sub_pool (pool_id, tenant_id, pool_kind, owner_id)
    SELECT made, create_pool.tenant, create_pool.kind, create_pool.tenant WHERE exclusive;
    INSERT INTO event (tenant_id, at, kind, pool_id, to_state, actor)
    VALUES (owner_id, instant, 'pool_created', made, CASE WHEN flavors IS NULL THEN 'running' ELSE 'creating' END, actor());
    IF flavors IS NOT NULL THEN
        ordered := open_order(made, 'create', false, flavors, array_fill(0, ARRAY[cardinality(flavors)]), counts, instant);
        FOR i IN 1 .. cardinality(flavors) LOOP
            PERFORM check_node_flavor(made, flavors[i]);
            PERFORM make_node_group(made, flavors[i], 1, NULL, '{}', '[]', 0, NULL, NULL);
            UPDATE node_group g SET target_count = counts[i] WHERE g.pool_id = made AND g.flavor_id = flavors[i];
            PERFORM make_nodes(made, flavors[i], counts[i], NULL, '{}', '[]', ordered, instant);
        END LOOP;
        PERFORM advance_pool(made, instant);
    END IF;
    PERFORM remember_results(ARRAY[made]);
    RETURN made;
END $$;
COMMENT ON FUNCTION create_pool(text, pool_kind, bigint, bigint, job_kind[], queue_policy, placement_policy, launch_mode, interval, interval, provider_mode, bigint, boolean, container_network, interval, text, jsonb, jsonb, text) IS
'makes a resource pool; returns its id. A dedicated pool needs tenant and network, a public one has neither, and no workspace. nodes says how many of which flavor are ordered with it: {"flavor": count}; until they are there it is creating, and without any it is running at once. provider external: an agent reports each node. unified false: a single-purpose pool, for training and notebook or for inference. Operators, or owners of the tenant (42501); 22023: tenant or network missing or too many, a time limit that is not positive or beyond 100 years (a day counts 24 hours, a month 30 days), job types of no single purpose, tags that are no object of strings or have a key of the provider''s; 54000: more than 20 tags; 22004: a job type is NULL; 42710: the name is taken; 42704: no such tenant, network, workspace or flavor; PM002: the network is not active; PM003: a customization of a public pool, a flavor that is sold out; PM005: the tenant is frozen; PM007: a quota would be exceeded; of nodes as add_nodes';

CREATE FUNCTION create_pool(
    name text, kind pool_kind, tenant text, network text DEFAULT NULL,
    job_types job_kind[] DEFAULT '{training,inference,notebook,workflow}',
    queue_policy queue_policy DEFAULT 'fifo', placement placement_policy DEFAULT 'pack',
    launch launch_mode DEFAULT 'immediate', default_time_limit interval DEFAULT NULL,
    stop_timeout interval DEFAULT '10 minutes', provider provider_mode DEFAULT 'instant',
    workspace text DEFAULT NULL, unified boolean DEFAULT true, container_network container_network DEFAULT 'overlay',
    restart_timeout interval DEFAULT '30 minutes', description text DEFAULT NULL, tags jsonb DEFAULT '{}',
    nodes jsonb DEFAULT '{}', request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
DECLARE
    owner constant bigint := CASE WHEN tenant IS NOT NULL THEN find_tenant(tenant) END;
BEGIN
    -- without a tenant there is nobody whose network or workspace it could be
    RETURN create_pool(name, kind, owner,
        CASE WHEN network IS NULL THEN NULL WHEN owner IS NULL THEN 0 ELSE find_network(network, owner) END,
        job_types, queue_policy, placement, launch, default_time_limit, stop_timeout, provider,
        CASE WHEN workspace IS NULL THEN NULL WHEN owner IS NULL THEN 0 ELSE find_workspace(owner, workspace) END,
        unified, container_network, restart_timeout, description, tags, nodes, request_id);
END $$;
COMMENT ON FUNCTION create_pool(text, pool_kind, text, text, job_kind[], queue_policy, placement_policy, launch_mode, interval, interval, provider_mode, text, boolean, container_network, interval, text, jsonb, jsonb, text) IS
'the same, tenant, network and workspace by name';

CREATE FUNCTION retry_pool(pool bigint, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    earlier bigint[];
    flavors bigint[];
    counts integer[];
    instant timestamptz;
    ordered bigint;
BEGIN
    PERFORM find_pool(retry_pool.pool);
    SELECT p.name, p.tenant_id, p.workspace_id, p.kind INTO it FROM pool p WHERE p.pool_id = retry_pool.pool;
    PERFORM require_level(it.tenant_id, 'owner');
    earlier := earlier_results(it.tenant_id);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    SELECT array_agg(i.flavor_id ORDER BY i.flavor_id), array_agg(i.target_count ORDER BY i.flavor_id) INTO flavors, counts
    FROM pool_order_item i
    WHERE i.pool_id = retry_pool.pool AND i.order_id = (
        SELECT max(o.order_id) FROM pool_order o WHERE o.pool_id = retry_pool.pool AND o.operation = 'create');
    IF it.kind = 'dedicated' THEN
        PERFORM check_not_frozen(it.tenant_id);
        PERFORM check_quota(it.tenant_id, it.workspace_id, 'nodes', (SELECT sum(c) FROM unnest(counts) AS c)) WHERE flavors IS NOT NULL;
    END IF;
    instant := lock_live_pool(retry_pool.pool);
    PERFORM check_changeable(retry_pool.pool, false);
    PERFORM FROM pool p WHERE p.pool_id = retry_pool.pool AND p.state = 'creation_failed';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('the creation of pool "%s" has not failed', it.name),
            DETAIL = (SELECT format('It is %s.', p.state) FROM pool p WHERE p.pool_id = retry_pool.pool),
            HINT = 'To change its size use resize_pool().';
    END IF;
    FOR i IN 1 .. cardinality(flavors) LOOP
        PERFORM check_node_flavor(retry_pool.pool, flavors[i]);
    END LOOP;
    PERFORM set_pool_state(retry_pool.pool, 'creating', instant, 'tried again');
    ordered := open_order(retry_pool.pool, 'create', false, flavors, array_fill(0, ARRAY[cardinality(flavors)]), counts, instant);
    FOR i IN 1 .. cardinality(flavors) LOOP
        IF NOT EXISTS (SELECT FROM node_group g WHERE g.pool_id = retry_pool.pool AND g.flavor_id = flavors[i]) THEN
            PERFORM make_node_group(retry_pool.pool, flavors[i], 1, NULL, '{}', '[]', 0, NULL, NULL);
        END IF;
        UPDATE node_group g SET target_count = counts[i] WHERE g.pool_id = retry_pool.pool AND g.flavor_id = flavors[i];
        PERFORM make_nodes(retry_pool.pool, flavors[i], counts[i], NULL, '{}', '[]', ordered, instant);
    END LOOP;
    PERFORM advance_pool(retry_pool.pool, instant);
    PERFORM remember_results(ARRAY[ordered]);
    RETURN ordered;
END $$;
COMMENT ON FUNCTION retry_pool(bigint, text) IS
'orders the nodes of a pool whose creation failed once more; returns the order''s id. Owners of the pool (42501); 42704: no such pool; PM002: its creation has not failed, or it is frozen; PM003: a flavor is sold out; PM005: the tenant is frozen; PM007: a quota would be exceeded';

CREATE FUNCTION retry_pool(pool text, request_id text DEFAULT NULL) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT retry_pool(find_pool(pool), request_id);
    END;
COMMENT ON FUNCTION retry_pool(text, text) IS 'the same, the pool by name';

-- settings: what every change of them begins and ends with

CREATE FUNCTION begin_pool_change(pool bigint, OUT owner_id bigint, OUT instant timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM find_pool(begin_pool_change.pool);
    SELECT p.tenant_id INTO owner_id FROM pool p WHERE p.pool_id = begin_pool_change.pool;
    PERFORM require_level(owner_id, 'owner');
    instant := lock_live_pool(begin_pool_change.pool);
    PERFORM check_changeable(begin_pool_change.pool, false);
END $$;
COMMENT ON FUNCTION begin_pool_change(bigint) IS
'takes the lock of a pool whose settings are to be changed, for its owners. Bodies of calls only; 42501: who is none; 42704: no such pool; PM002: the pool is frozen';

CREATE FUNCTION note_pool_change(pool bigint, owner_id bigint, instant timestamptz, VARIADIC what text[]) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    SELECT note_pool_change.owner_id, note_pool_change.instant, 'pool_changed', note_pool_change.pool, actor(), array_to_string(what, ', ')
    WHERE num_nonnulls(VARIADIC what) > 0;
END;
COMMENT ON FUNCTION note_pool_change(bigint, bigint, timestamptz, text[]) IS
'the event of a change of a pool''s settings: what is now what; NULL: that one was left as it was. Bodies of calls only';

CREATE FUNCTION set_pool(pool bigint, description text DEFAULT NULL, queue_policy queue_policy DEFAULT NULL,
    placement placement_policy DEFAULT NULL, default_time_limit interval DEFAULT NULL, stop_timeout interval DEFAULT NULL,
    restart_timeout interval DEFAULT NULL, preemption preemption_policy DEFAULT NULL, reclaim reclaim_policy DEFAULT NULL,
    min_runtime interval DEFAULT NULL, preemption_delay interval DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    limit_by_default interval := exact_or_none(set_pool.default_time_limit, 'default_time_limit');
    limit_of_stop interval := exact_interval(set_pool.stop_timeout, 'stop_timeout');
    limit_of_restart interval := exact_interval(set_pool.restart_timeout, 'restart_timeout');
    safe_for interval := exact_or_none(set_pool.min_runtime, 'min_runtime');
    safe_until interval := exact_or_none(set_pool.preemption_delay, 'preemption_delay');
    change record;
BEGIN
    IF length(set_pool.description) > 1024 THEN
        PERFORM refuse_argument('description', 'It has at most 1024 characters.', 'Shorten it.');
    END IF;
    change := begin_pool_change(set_pool.pool);
    IF change.owner_id = 0 AND num_nonnulls(set_pool.preemption, set_pool.reclaim, safe_for, safe_until) > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PM003',
            MESSAGE = format('pool "%s" is public and preempts no jobs', (SELECT p.name FROM pool p WHERE p.pool_id = set_pool.pool)),
            DETAIL = 'Preemption is for dedicated pools.',
            HINT = 'Leave out the arguments "preemption", "reclaim", "min_runtime" and "preemption_delay".';
    END IF;
    UPDATE pool p SET description = coalesce(set_pool.description, p.description),
        queue_policy = coalesce(set_pool.queue_policy, p.queue_policy), placement = coalesce(set_pool.placement, p.placement),
        default_time_limit = nullif(coalesce(limit_by_default, p.default_time_limit), '0'),
        stop_timeout = coalesce(limit_of_stop, p.stop_timeout), restart_timeout = coalesce(limit_of_restart, p.restart_timeout),
        preemption = coalesce(set_pool.preemption, p.preemption), reclaim = coalesce(set_pool.reclaim, p.reclaim),
        min_runtime = coalesce(safe_for, p.min_runtime), preemption_delay = coalesce(safe_until, p.preemption_delay)
    WHERE p.pool_id = set_pool.pool;
    PERFORM note_pool_change(set_pool.pool, change.owner_id, change.instant,
        CASE WHEN set_pool.description IS NOT NULL THEN 'description' END, 'queue_policy ' || set_pool.queue_policy,
        'placement ' || set_pool.placement, CASE WHEN limit_by_default IS NOT NULL THEN 'default_time_limit' END,
        CASE WHEN limit_of_stop IS NOT NULL THEN 'stop_timeout' END, CASE WHEN limit_of_restart IS NOT NULL THEN 'restart_timeout' END,
        'preemption ' || set_pool.preemption, CASE WHEN safe_for IS NOT NULL THEN 'min_runtime' END,
        CASE WHEN safe_until IS NOT NULL THEN 'preemption_delay' END, 'reclaim ' || set_pool.reclaim);
END $$;
COMMENT ON FUNCTION set_pool(bigint, text, queue_policy, placement_policy, interval, interval, interval, preemption_policy, reclaim_policy, interval, interval) IS
'changes settings of a pool; NULL leaves one as it is, and a default_time_limit of 0 takes it away. Jobs that run keep their planned end. preemption, reclaim, min_runtime and preemption_delay: which runs of the own sub-pool, and of others over their guarantee, give way to jobs that find no room, for how long they are safe, how long such a job waits first; dedicated pools only. Owners of the pool (42501); 42704: no such pool; 22023: a time limit out of range, a description of more than 1024 characters; PM002: the pool is frozen; PM003: preemption in a public pool';

CREATE FUNCTION set_pool(pool text, description text DEFAULT NULL, queue_policy queue_policy DEFAULT NULL,
    placement placement_policy DEFAULT NULL, default_time_limit interval DEFAULT NULL, stop_timeout interval DEFAULT NULL,
    restart_timeout interval DEFAULT NULL, preemption preemption_policy DEFAULT NULL, reclaim reclaim_policy DEFAULT NULL,
    min_runtime interval DEFAULT NULL, preemption_delay interval DEFAULT NULL) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT set_pool(find_pool(pool), description, queue_policy, placement, default_time_limit, stop_timeout, restart_timeout,
            preemption, reclaim, min_runtime, preemption_delay);
    END;
COMMENT ON FUNCTION set_pool(text, text, queue_policy, placement_policy, interval, interval, interval, preemption_policy, reclaim_policy, interval, interval) IS 'the same, the pool by name';

CREATE FUNCTION move_node_holdings(pool bigint, nodes bigint[], workspace bigint, instant timestamptz) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_sql_move_node_holdings' LANGUAGE C STRICT;
COMMENT ON FUNCTION move_node_holdings(bigint, bigint[], bigint, timestamptz) IS
'ends what nodes hold and begins it anew for another workspace. Returns the instant at which that is so: not before what is metered. Bodies of calls only';

CREATE FUNCTION set_pool_workspace(pool bigint, workspace bigint) RETURNS void
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    instant timestamptz;
    held bigint[];
BEGIN
    PERFORM find_pool(set_pool_workspace.pool);
    SELECT p.name, p.tenant_id, p.kind INTO it FROM pool p WHERE p.pool_id = set_pool_workspace.pool;
    PERFORM require_level(it.tenant_id, 'owner');
    IF it.kind = 'public' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM003', MESSAGE = format('public pool "%s" has no workspace', it.name),
            DETAIL = 'Its nodes are the provider''s; jobs in it have workspaces.', HINT = 'Submit jobs with the argument "workspace".';
    END IF;
    PERFORM check_workspace(it.tenant_id, set_pool_workspace.workspace);
    -- quotas are compared below, with the pool where it will be; their lock comes before the pool's
    PERFORM FROM tenant t WHERE t.tenant_id = it.tenant_id FOR NO KEY UPDATE;
    instant := lock_live_pool(set_pool_workspace.pool);
    PERFORM check_changeable(set_pool_workspace.pool, false);
    PERFORM FROM pool p WHERE p.pool_id = set_pool_workspace.pool AND p.workspace_id = set_pool_workspace.workspace;
    IF FOUND THEN
        RETURN;
    END IF;
    UPDATE pool p SET workspace_id = set_pool_workspace.workspace WHERE p.pool_id = set_pool_workspace.pool;
    PERFORM check_quota(it.tenant_id, set_pool_workspace.workspace, 'pools', 0);
    PERFORM check_quota(it.tenant_id, set_pool_workspace.workspace, 'nodes', 0);
    SELECT array_agg(DISTINCT h.node_id) INTO held FROM holding h WHERE h.pool_id = set_pool_workspace.pool AND h.node_id IS NOT NULL;
    IF held IS NOT NULL THEN
        instant := move_node_holdings(set_pool_workspace.pool, held, set_pool_workspace.workspace, instant);
    END IF;
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    SELECT it.tenant_id, instant, 'pool_changed', set_pool_workspace.pool, actor(), 'workspace ' || w.name
    FROM workspace w WHERE w.tenant_id = it.tenant_id AND w.workspace_id = set_pool_workspace.workspace;
END $$;
COMMENT ON FUNCTION set_pool_workspace(bigint, bigint) IS
'makes another workspace the cost centre of a dedicated pool: usage of its nodes counts for the old one until now, and for the new one from now. Owners of the pool (42501); 42704: no such pool or workspace; PM002: the pool is frozen; PM003: a public pool; PM007: a quota of the workspace would be exceeded';

CREATE FUNCTION set_pool_workspace(pool text, workspace text) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_pool_workspace(p.pool_id, find_workspace(p.tenant_id, set_pool_workspace.workspace))
    FROM pool p WHERE p.pool_id = find_pool(set_pool_workspace.pool);
END $$;
COMMENT ON FUNCTION set_pool_workspace(text, text) IS 'the same, pool and workspace by name';

CREATE FUNCTION delete_pool(pool bigint, force boolean DEFAULT false) RETURNS bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    it record;
    instant timestamptz;
    waiting bigint[];
    running bigint[];
    ordered bigint;
BEGIN
    PERFORM find_pool(delete_pool.pool);
    SELECT p.tenant_id INTO it FROM pool p WHERE p.pool_id = delete_pool.pool;
    PERFORM require_level(it.tenant_id, 'owner');
    instant := lock_live_pool(delete_pool.pool);
    SELECT p.name, p.state, p.migrating INTO it FROM pool p WHERE p.pool_id = delete_pool.pool;
    IF it.state = 'deleting' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" is being deleted', it.name),
            DETAIL = 'It is gone when its last node is.', HINT = 'The view pool_orders shows how far that is.';
    END IF;
    IF it.migrating THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" is migrating', it.name),
            DETAIL = 'It is being made a unified pool, and cannot be deleted meanwhile.',
            HINT = 'Wait until the migration is done; the view pool_orders shows it.';
    END IF;
    waiting := ARRAY(SELECT q.job_id FROM job_queue q WHERE q.pool_id = delete_pool.pool ORDER BY q.job_id);
    running := ARRAY(SELECT r.run_id FROM job_run r WHERE r.pool_id = delete_pool.pool AND r.ended_at IS NULL ORDER BY r.run_id);
    IF NOT force AND cardinality(waiting) + cardinality(running) > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" has jobs', it.name),
            DETAIL = format('%s run, %s wait or rest.', cardinality(running), cardinality(waiting)),
            HINT = 'Wait until they have ended, or cancel them with force => true.';
    END IF;

    PERFORM cancel_waiting(delete_pool.pool, waiting, 'the pool was deleted', instant);
    instant := greatest(instant, cancel_runs(delete_pool.pool, running, 'the pool was deleted', instant));
    PERFORM cancel_tasks(delete_pool.pool, ARRAY(SELECT t.task_id FROM node_task t
        WHERE t.pool_id = delete_pool.pool AND t.state IN ('pending', 'waiting')), 'the pool was deleted', instant);
    SELECT o.order_id INTO ordered FROM pool_order o WHERE o.pool_id = delete_pool.pool AND o.ended_at IS NULL;
    IF FOUND THEN
        UPDATE pool_order o SET reason = 'the pool was deleted' WHERE o.order_id = ordered;
        PERFORM end_order(delete_pool.pool, ordered, instant);
    END IF;
    PERFORM set_pool_state(delete_pool.pool, 'deleting', instant);
    SELECT open_order(delete_pool.pool, 'delete', delete_pool.force, array_agg(g.flavor_id), array_agg(g.live), array_agg(0), instant)
    INTO ordered
    FROM (SELECT g.flavor_id, live_nodes(g.pool_id, g.flavor_id) AS live FROM node_group g
          WHERE g.pool_id = delete_pool.pool ORDER BY g.flavor_id) g;
    UPDATE node_group g SET target_count = 0 WHERE g.pool_id = delete_pool.pool;
    PERFORM request_tasks(delete_pool.pool, ARRAY(
        SELECT n.node_id FROM node n WHERE n.pool_id = delete_pool.pool AND n.deleted_at IS NULL
        EXCEPT SELECT t.node_id FROM node_task t WHERE t.pool_id = delete_pool.pool AND t.ended_at IS NULL),
        'delete', instant, false, NULL, ordered);
    PERFORM advance_pool(delete_pool.pool, instant);
    RETURN ordered;
END $$;
COMMENT ON FUNCTION delete_pool(bigint, boolean) IS
'deletes a pool with its nodes, locked ones too; returns the order''s id. While jobs wait or run it is refused unless force, which cancels them. It is gone, and its name free, when its last node is: where agents run its jobs when these have stopped, with an external provider when the agent has said so of each node. Restrictions do not keep it. Owners of the pool (42501); 42704: no such pool; PM002: it has jobs, is migrating, or is being deleted';

CREATE FUNCTION delete_pool(pool text, force boolean DEFAULT false) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT delete_pool(find_pool(pool), force);
    END;
COMMENT ON FUNCTION delete_pool(text, boolean) IS 'the same, the pool by name';

REVOKE EXECUTE ON FUNCTION begin_pool_change(bigint), note_pool_change(bigint, bigint, timestamptz, text[]),
    move_node_holdings(bigint, bigint[], bigint, timestamptz) FROM PUBLIC;
