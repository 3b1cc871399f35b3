-- Job types of dedicated pools, and old, single-purpose pools made unified.

-- What only an owner changes, only in a dedicated pool, only while it runs.
CREATE FUNCTION customize_pool(pool bigint, what text) RETURNS timestamptz LANGUAGE pool_manager AS $$
DECLARE
    given pool;
    instant timestamptz;
BEGIN
    PERFORM find_pool(pool);
    SELECT p.* INTO given FROM pool p WHERE p.pool_id = customize_pool.pool;
    PERFORM require_level(given.tenant_id, 'owner');
    IF given.kind = 'public' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM003',
            MESSAGE = format('public pool "%s" does not offer %s', given.name, what),
            DETAIL = 'Public pools are the same for all who share them.',
            HINT = 'Use a dedicated pool.';
    END IF;
    instant := lock_pool(pool);
    SELECT p.* INTO given FROM pool p WHERE p.pool_id = customize_pool.pool;
    IF given.state NOT IN ('running', 'scaling_failed') THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool "%s" is not running', given.name),
            DETAIL = format('It is %s. Only a running pool can be customized.', given.state),
            HINT = 'Wait until it runs.';
    END IF;
    IF 'frozen' = ANY (given.restrictions) THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool "%s" is frozen', given.name),
            DETAIL = 'The provider lets nothing of it be changed.',
            HINT = 'An operator can lift that with restrict_pool().';
    END IF;
    RETURN instant;
END $$;
COMMENT ON FUNCTION customize_pool(bigint, text) IS
'checks that the actor may customize a pool and takes its lock; returns the instant of the change. Bodies of calls only (42501); 42501: not an owner; 42704: no such pool; PM002: it is not running, or frozen; PM003: it is public';

CREATE FUNCTION set_job_type_states(pool bigint, kinds job_kind[], to_state job_type_state, instant timestamptz, reason text DEFAULT NULL)
RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    WITH was AS MATERIALIZED (
        SELECT k.kind, t.state FROM unnest(set_job_type_states.kinds) AS k(kind)
        LEFT JOIN pool_job_type t ON t.pool_id = set_job_type_states.pool AND t.kind = k.kind),
    written AS (
        UPDATE pool_job_type t SET state = set_job_type_states.to_state,
            reason = CASE WHEN set_job_type_states.to_state = 'enable_failed' THEN set_job_type_states.reason END
        FROM was w WHERE t.pool_id = set_job_type_states.pool AND t.kind = w.kind),
    made AS (
        INSERT INTO pool_job_type (pool_id, kind, state)
        SELECT set_job_type_states.pool, w.kind, set_job_type_states.to_state FROM was w WHERE w.state IS NULL)
    INSERT INTO event (tenant_id, at, kind, pool_id, from_state, to_state, actor, reason)
    SELECT p.tenant_id, set_job_type_states.instant, 'job_type_state', p.pool_id, w.state, set_job_type_states.to_state, actor(),
        concat_ws(': ', w.kind, set_job_type_states.reason)
    FROM was w JOIN pool p ON p.pool_id = set_job_type_states.pool ORDER BY w.kind;
END $$;
COMMENT ON FUNCTION set_job_type_states(bigint, job_kind[], job_type_state, timestamptz, text) IS
'puts job types of a pool into a state, with an event each. Bodies of calls only (42501); PM002: the state cannot follow';

CREATE FUNCTION advance_job_types(pool bigint, instant timestamptz) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    kinds job_kind[];
    resting bigint[];
BEGIN
    -- jobs that were stopping, to rest or to be restarted, when the type was disabled by force
    resting := ARRAY(
        SELECT q.job_id FROM job_queue q JOIN job j USING (pool_id, job_id)
        JOIN pool_job_type t ON t.pool_id = q.pool_id AND t.kind = j.kind AND t.state = 'disabling'
        WHERE q.pool_id = advance_job_types.pool ORDER BY q.job_id);
    IF resting <> '{}' THEN
        PERFORM cancel_waiting(pool, resting, 'job type disabled', instant);
    END IF;
    kinds := ARRAY(
        SELECT t.kind FROM pool_job_type t JOIN pool p USING (pool_id)
        WHERE t.pool_id = advance_job_types.pool AND t.state = 'disabling' AND NOT EXISTS (
            SELECT FROM job j WHERE j.tenant_id = p.tenant_id AND j.kind = t.kind AND j.end_state IS NULL AND j.pool_id = p.pool_id)
        ORDER BY t.kind);
    IF kinds <> '{}' THEN
        PERFORM set_job_type_states(pool, kinds, 'disabled', instant);
    END IF;
END $$;
COMMENT ON FUNCTION advance_job_types(bigint, timestamptz) IS
'disables the job types of a dedicated pool that are disabling and whose jobs have ended. Under the pool''s lock, bodies of calls only (42501)';

REVOKE EXECUTE ON FUNCTION customize_pool(bigint, text), advance_job_types(bigint, timestamptz),
    set_job_type_states(bigint, job_kind[], job_type_state, timestamptz, text) FROM PUBLIC;

CREATE FUNCTION job_type_victims(pool bigint, kinds job_kind[])
RETURNS TABLE (job_id bigint, name text, tenant_id bigint, kind job_kind, state job_state) LANGUAGE pool_manager STABLE ROWS 100 AS $$
#variable_conflict use_column
DECLARE
    owner_id bigint;
BEGIN
    PERFORM find_pool(pool);
    SELECT p.tenant_id INTO owner_id FROM pool p WHERE p.pool_id = job_type_victims.pool;
    PERFORM require_level(owner_id, 'viewer');
    IF owner_id = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PM003',
            MESSAGE = format('pool %s does not offer a choice of job types', pool),
            DETAIL = 'It is public: its job types stay as they were made.',
            HINT = 'Name a dedicated pool.';
    END IF;
    RETURN QUERY
        SELECT j.job_id, j.name::text, j.tenant_id, j.kind, coalesce(r.state, q.state)
        FROM job j
        LEFT JOIN job_queue q ON q.pool_id = j.pool_id AND q.job_id = j.job_id
        LEFT JOIN job_run r ON r.pool_id = j.pool_id AND r.job_id = j.job_id AND r.ended_at IS NULL
        WHERE j.pool_id = job_type_victims.pool AND j.kind = ANY (job_type_victims.kinds) AND j.end_state IS NULL
            AND j.tenant_id = owner_id
        ORDER BY j.job_id;
END $$;
COMMENT ON FUNCTION job_type_victims(bigint, job_kind[]) IS
'the jobs that would end if these job types of a pool were disabled: all of the types that have not ended. Viewers of the pool''s owner (42501); 42704: no such pool; PM003: a public pool';
CREATE FUNCTION job_type_victims(pool text, kinds job_kind[])
RETURNS TABLE (job_id bigint, name text, tenant_id bigint, kind job_kind, state job_state) LANGUAGE pool_manager STABLE ROWS 100 AS $$
BEGIN
    RETURN QUERY SELECT v.* FROM job_type_victims(find_pool(job_type_victims.pool), job_type_victims.kinds) v;
END $$;
COMMENT ON FUNCTION job_type_victims(text, job_kind[]) IS 'the same, the pool by name';

CREATE FUNCTION set_job_types(pool bigint, job_types job_kind[], force boolean DEFAULT false) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz := customize_pool(pool, 'a choice of job types');
    given pool;
    wanted job_kind[];
    unwanted job_kind[];
    kinds job_kind[];
    victims bigint[];
BEGIN
    SELECT p.* INTO given FROM pool p WHERE p.pool_id = set_job_types.pool;
    IF NOT given.unified THEN
        RAISE EXCEPTION USING ERRCODE = 'PM003',
            MESSAGE = format('job types of pool "%s" cannot be changed', given.name),
            DETAIL = 'It is a single-purpose pool.',
            HINT = 'Make it a unified one with migrate_pool().';
    END IF;
    IF array_position(job_types, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004',
            MESSAGE = 'argument "job_types" must not contain null',
            DETAIL = 'Each element is a type of jobs that the pool takes.',
            HINT = 'Name the types.';
    END IF;
    IF cardinality(job_types) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'no job types given',
            DETAIL = 'A pool takes jobs of one type at least.',
            HINT = 'To keep jobs away for a while, cordon its nodes.';
    END IF;
    unwanted := ARRAY(
        SELECT t.kind FROM pool_job_type t
        WHERE t.pool_id = set_job_types.pool AND t.kind <> ALL (set_job_types.job_types)
            AND t.state IN ('enabling', 'enabled', 'enable_failed')
        ORDER BY t.kind);
    victims := ARRAY(SELECT v.job_id FROM job_type_victims(pool, unwanted) AS v ORDER BY v.job_id);
    IF victims <> '{}' AND NOT force THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('disabling %s would end %s jobs', array_to_string(unwanted, ', '), cardinality(victims)),
            DETAIL = format('They are %s%s.', array_to_string(victims[1:10], ', '),
                CASE WHEN cardinality(victims) > 10 THEN ' and others' ELSE '' END),
            HINT = 'job_type_victims() lists them; force => true ends them.';
    END IF;

    -- one that was still being enabled has failed to be, for want of a wish
    kinds := ARRAY(SELECT t.kind FROM pool_job_type t
        WHERE t.pool_id = set_job_types.pool AND t.kind = ANY (unwanted) AND t.state = 'enabling' ORDER BY t.kind);
    IF kinds <> '{}' THEN
        PERFORM set_job_type_states(pool, kinds, 'enable_failed', instant, 'no longer wanted');
    END IF;
    IF unwanted <> '{}' THEN
        PERFORM set_job_type_states(pool, unwanted, 'disabling', instant);
    END IF;
    IF victims <> '{}' THEN
        PERFORM cancel_waiting(pool, victims, 'job type disabled', instant);
        PERFORM cancel_runs(pool, r.runs, 'job type disabled', instant)
        FROM (SELECT array_agg(r.run_id ORDER BY r.run_id) AS runs FROM job_run r
              WHERE r.pool_id = set_job_types.pool AND r.job_id = ANY (victims) AND r.ended_at IS NULL AND r.state <> 'stopping') AS r
        WHERE r.runs IS NOT NULL;
    END IF;
    PERFORM advance_job_types(pool, instant);

    -- those that were being disabled go on; the others are prepared
    kinds := ARRAY(SELECT t.kind FROM pool_job_type t
        WHERE t.pool_id = set_job_types.pool AND t.kind = ANY (set_job_types.job_types) AND t.state = 'disabling' ORDER BY t.kind);
    IF kinds <> '{}' THEN
        PERFORM set_job_type_states(pool, kinds, 'enabled', instant);
    END IF;
    wanted := ARRAY(
        SELECT DISTINCT k.kind FROM unnest(set_job_types.job_types) AS k(kind)
        LEFT JOIN pool_job_type t ON t.pool_id = set_job_types.pool AND t.kind = k.kind
        WHERE t.state IS NULL OR t.state IN ('enable_failed', 'disabled') ORDER BY k.kind);
    IF wanted <> '{}' THEN
        PERFORM set_job_type_states(pool, wanted, 'enabling', instant);
        IF given.provider = 'instant' THEN
            PERFORM set_job_type_states(pool, wanted, 'enabled', instant);
        END IF;
    END IF;
END $$;
COMMENT ON FUNCTION set_job_types(bigint, job_kind[], boolean) IS
'enables these job types on a dedicated pool and disables the others. A type is enabling until the provider says job_type_ready (at once where it is instant), and disabling until its jobs have ended. Jobs that have not ended stand in the way, unless forced: then they end as cancelled, see job_type_victims. Owners of the pool (42501); 42704: no such pool; 22023: no types; 22004: a NULL among them; PM002: the pool is not running or frozen, or jobs would end; PM003: a public or single-purpose pool';
CREATE FUNCTION set_job_types(pool text, job_types job_kind[], force boolean DEFAULT false) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT set_job_types(find_pool(set_job_types.pool), set_job_types.job_types, set_job_types.force);
END;
COMMENT ON FUNCTION set_job_types(text, job_kind[], boolean) IS 'the same, the pool by name';

-- ---- what the provider reports ----

CREATE FUNCTION require_job_type(pool bigint, kind job_kind, state job_type_state) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    found_state job_type_state;
BEGIN
    SELECT t.state INTO found_state FROM pool_job_type t
    WHERE t.pool_id = require_job_type.pool AND t.kind = require_job_type.kind;
    IF found_state IS DISTINCT FROM state THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('job type %s of pool %s is not %s', kind, pool, state),
            DETAIL = format('It is %s.', coalesce(found_state::text, 'not wanted')),
            HINT = 'Table "pool_job_type" shows the states.';
    END IF;
END $$;
COMMENT ON FUNCTION require_job_type(bigint, job_kind, job_type_state) IS
'refuses a job type that is not in this state. Bodies of calls only (42501); PM002: it is in another';
REVOKE EXECUTE ON FUNCTION require_job_type(bigint, job_kind, job_type_state) FROM PUBLIC;

CREATE FUNCTION job_type_ready(pool bigint, kind job_kind) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz;
BEGIN
    PERFORM require_level(0, 'operator');
    PERFORM find_pool(pool);
    instant := lock_pool(pool);
    PERFORM require_job_type(pool, kind, 'enabling');
    PERFORM set_job_type_states(pool, ARRAY[kind], 'enabled', instant);
END $$;
COMMENT ON FUNCTION job_type_ready(bigint, job_kind) IS
'reports that a job type is ready: the pool takes such jobs. Operators only (42501); 42704: no such pool; PM002: it is not enabling';
CREATE FUNCTION job_type_ready(pool text, kind job_kind) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT job_type_ready(find_pool(job_type_ready.pool), job_type_ready.kind);
END;
COMMENT ON FUNCTION job_type_ready(text, job_kind) IS 'the same, the pool by name';

CREATE FUNCTION job_type_failed(pool bigint, kind job_kind, reason text) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz;
BEGIN
    PERFORM require_level(0, 'operator');
    PERFORM find_pool(pool);
    instant := lock_pool(pool);
    PERFORM require_job_type(pool, kind, 'enabling');
    PERFORM set_job_type_states(pool, ARRAY[kind], 'enable_failed', instant, reason);
END $$;
COMMENT ON FUNCTION job_type_failed(bigint, job_kind, text) IS
'reports that a job type could not be enabled, and why. Operators only (42501); 42704: no such pool; PM002: it is not enabling';
CREATE FUNCTION job_type_failed(pool text, kind job_kind, reason text) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT job_type_failed(find_pool(job_type_failed.pool), job_type_failed.kind, job_type_failed.reason);
END;
COMMENT ON FUNCTION job_type_failed(text, job_kind, text) IS 'the same, the pool by name';

CREATE FUNCTION retry_job_type(pool bigint, kind job_kind) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz := customize_pool(pool, 'a choice of job types');
BEGIN
    PERFORM require_job_type(pool, kind, 'enable_failed');
    PERFORM set_job_type_states(pool, ARRAY[kind], 'enabling', instant);
    PERFORM set_job_type_states(p.pool_id, ARRAY[retry_job_type.kind], 'enabled', instant)
    FROM pool p WHERE p.pool_id = retry_job_type.pool AND p.provider = 'instant';
END $$;
COMMENT ON FUNCTION retry_job_type(bigint, job_kind) IS
'tries once more to enable a job type. Owners of the pool (42501); 42704: no such pool; PM002: it has not failed, or the pool is not running or frozen; PM003: a public pool';
CREATE FUNCTION retry_job_type(pool text, kind job_kind) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT retry_job_type(find_pool(retry_job_type.pool), retry_job_type.kind);
END;
COMMENT ON FUNCTION retry_job_type(text, job_kind) IS 'the same, the pool by name';

-- ---- single-purpose pools ----

CREATE FUNCTION note_order(orders bigint[], instant timestamptz, from_phase order_phase DEFAULT NULL) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    INSERT INTO event (tenant_id, at, kind, pool_id, from_state, to_state, actor, reason)
    SELECT o.tenant_id, note_order.instant, 'order_phase', o.pool_id, note_order.from_phase, o.phase, actor(),
        concat_ws(': ', format('%s %s', o.operation, o.order_id), o.reason)
    FROM pool_order o WHERE o.order_id = ANY (note_order.orders) ORDER BY o.order_id;
END $$;
COMMENT ON FUNCTION note_order(bigint[], timestamptz, order_phase) IS
'notes that orders came to the phase that they are in. Bodies of calls only (42501)';

CREATE FUNCTION end_migration(pool bigint, succeeded boolean, instant timestamptz, reason text DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    migration bigint;
BEGIN
    SELECT o.order_id INTO migration FROM pool_order o
    WHERE o.pool_id = end_migration.pool AND o.operation = 'migrate' AND o.ended_at IS NULL;
    IF migration IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool %s is not being migrated', pool),
            DETAIL = 'It has no open order to migrate.',
            HINT = 'The owner gives one with migrate_pool().';
    END IF;
    UPDATE pool p SET migrating = false, unified = end_migration.succeeded WHERE p.pool_id = end_migration.pool;
    UPDATE pool_order o SET phase = CASE WHEN end_migration.succeeded THEN 'succeeded'::order_phase ELSE 'failed' END,
        ended_at = end_migration.instant, reason = end_migration.reason
    WHERE o.pool_id = end_migration.pool AND o.order_id = migration;
    PERFORM note_order(ARRAY[migration], instant, 'processing');
END $$;
COMMENT ON FUNCTION end_migration(bigint, boolean, timestamptz, text) IS
'ends the migration of a pool. Bodies of calls only (42501); PM002: it is not being migrated';
REVOKE EXECUTE ON FUNCTION note_order(bigint[], timestamptz, order_phase), end_migration(bigint, boolean, timestamptz, text) FROM PUBLIC;

CREATE FUNCTION migrate_pool(pool bigint) RETURNS bigint LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz := customize_pool(pool, 'migration');
    given pool;
    open_order pool_order;
    migration bigint;
BEGIN
    SELECT p.* INTO given FROM pool p WHERE p.pool_id = migrate_pool.pool;
    IF given.unified THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool "%s" is a unified pool', given.name),
            DETAIL = 'Only single-purpose pools are migrated.',
            HINT = 'Change its job types with set_job_types().';
    END IF;
    SELECT o.* INTO open_order FROM pool_order o WHERE o.pool_id = migrate_pool.pool AND o.ended_at IS NULL;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool "%s" has an open order', given.name),
            DETAIL = format('Order %s (%s) has not ended; a pool has one at a time.', open_order.order_id, open_order.operation),
            HINT = 'Wait until it has ended.';
    END IF;
    INSERT INTO pool_order (pool_id, tenant_id, operation, phase, created_at, started_at, requested_by)
    VALUES (migrate_pool.pool, given.tenant_id, 'migrate', 'processing', instant, instant, actor())
    RETURNING order_id INTO migration;
    PERFORM note_order(ARRAY[migration], instant);
    UPDATE pool p SET migrating = true WHERE p.pool_id = migrate_pool.pool;
    IF given.provider = 'instant' THEN
        PERFORM end_migration(pool, true, instant);
    END IF;
    RETURN migration;
END $$;
COMMENT ON FUNCTION migrate_pool(bigint) IS
'makes a single-purpose pool a unified one, with the job types that it has; returns the id of the order. Where the provider is external the pool is migrating until pool_migrated or migration_failed: it runs on, but is neither resized nor deleted meanwhile. Owners of the pool (42501); 42704: no such pool; PM002: it is unified, not running or frozen, or has an open order; PM003: a public pool';
CREATE FUNCTION migrate_pool(pool text) RETURNS bigint LANGUAGE sql BEGIN ATOMIC
    SELECT migrate_pool(find_pool(migrate_pool.pool));
END;
COMMENT ON FUNCTION migrate_pool(text) IS 'the same, the pool by name';

CREATE FUNCTION pool_migrated(pool bigint) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM require_level(0, 'operator');
    PERFORM find_pool(pool);
    PERFORM end_migration(pool, true, lock_pool(pool));
END $$;
COMMENT ON FUNCTION pool_migrated(bigint) IS
'reports that a pool has become a unified one. Operators only (42501); 42704: no such pool; PM002: it is not being migrated';
CREATE FUNCTION pool_migrated(pool text) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT pool_migrated(find_pool(pool_migrated.pool));
END;
COMMENT ON FUNCTION pool_migrated(text) IS 'the same, the pool by name';

CREATE FUNCTION migration_failed(pool bigint, reason text) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM require_level(0, 'operator');
    PERFORM find_pool(pool);
    PERFORM end_migration(pool, false, lock_pool(pool), reason);
END $$;
COMMENT ON FUNCTION migration_failed(bigint, text) IS
'reports that a pool stays a single-purpose one, and why. Operators only (42501); 42704: no such pool; PM002: it is not being migrated';
CREATE FUNCTION migration_failed(pool text, reason text) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT migration_failed(find_pool(migration_failed.pool), migration_failed.reason);
END;
COMMENT ON FUNCTION migration_failed(text, text) IS 'the same, the pool by name';
