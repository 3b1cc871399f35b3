-- Utilisation over time: what was allocated of what there was, in any window.
--
-- Nothing is sampled. Allocations, periods of nodes and deletions are kept
-- with their instants; what was allocated and what there was changes only at
-- these.  Only rows that overlap the window are read.

-- what was released long after it was placed; of the rest, what is released
-- within a day after the window is all that may reach into it
CREATE INDEX allocation_long_idx ON allocation (pool_id, released_at)
    WHERE released_at - since > interval '24:00:00';
CREATE INDEX node_deleted_idx ON node (pool_id, deleted_at) WHERE deleted_at IS NOT NULL;

CREATE FUNCTION node_stretches(pool bigint, since timestamptz, until timestamptz)
    RETURNS TABLE (node_id bigint, starts_at timestamptz, ends_at timestamptz, allocatable resource_list, available boolean)
    LANGUAGE sql STABLE ROWS 100
    BEGIN ATOMIC
        SELECT n.node_id, greatest(h.since, n.available_at, node_stretches.since), least(h.until, node_stretches.until),
               h.allocatable, h.state = 'available'
        FROM node_period h JOIN node n USING (pool_id, node_id)
        WHERE h.pool_id = node_stretches.pool AND h.until > node_stretches.since AND h.since < node_stretches.until
          AND n.available_at < h.until
        UNION ALL
        SELECT n.node_id, greatest(n.state_since, n.available_at, node_stretches.since),
               least(n.deleted_at, node_stretches.until), l.allocatable, n.state = 'available'
        FROM node n JOIN node_load l USING (pool_id, node_id)
        WHERE n.pool_id = node_stretches.pool AND n.deleted_at IS NULL
          AND n.available_at < node_stretches.until AND n.state_since < node_stretches.until
        UNION ALL
        SELECT n.node_id, greatest(n.state_since, n.available_at, node_stretches.since),
               least(n.deleted_at, node_stretches.until), l.allocatable, n.state = 'available'
        FROM node n JOIN node_load l USING (pool_id, node_id)
        WHERE n.pool_id = node_stretches.pool AND n.deleted_at > node_stretches.since
          AND n.available_at < node_stretches.until AND n.state_since < node_stretches.until;
    END;
COMMENT ON FUNCTION node_stretches(bigint, timestamptz, timestamptz) IS
'what nodes of a pool there were in [since, until) and whether they were available: a row for each stretch in one state, from when they first were available until they were deleted. Of nodes that the role may see';

CREATE FUNCTION allocation_stretches(pool bigint, since timestamptz, until timestamptz)
    RETURNS TABLE (node_id bigint, starts_at timestamptz, ends_at timestamptz, allocated resource_list)
    LANGUAGE sql STABLE ROWS 1000
    BEGIN ATOMIC
        SELECT a.node_id, greatest(a.since, allocation_stretches.since), allocation_stretches.until, a.allocated
        FROM node n JOIN allocation a ON a.node_id = n.node_id AND a.pool_id = n.pool_id
        WHERE n.pool_id = allocation_stretches.pool AND n.deleted_at IS NULL
          AND a.released_at IS NULL AND a.since < allocation_stretches.until
        UNION ALL
        SELECT a.node_id, greatest(a.since, allocation_stretches.since), least(a.released_at, allocation_stretches.until), a.allocated
        FROM allocation a
        WHERE a.pool_id = allocation_stretches.pool AND a.since < allocation_stretches.until
          AND a.released_at > allocation_stretches.since AND a.released_at <= allocation_stretches.until + interval '24:00:00'
        UNION ALL
        SELECT a.node_id, greatest(a.since, allocation_stretches.since), allocation_stretches.until, a.allocated
        FROM allocation a
        WHERE a.pool_id = allocation_stretches.pool AND a.since < allocation_stretches.until
          AND a.released_at > allocation_stretches.until + interval '24:00:00'
          AND a.released_at - a.since > interval '24:00:00';
    END;
COMMENT ON FUNCTION allocation_stretches(bigint, timestamptz, timestamptz) IS
'what was allocated on nodes of a pool in [since, until): a row for each allocation. Of allocations that the role may see';

CREATE FUNCTION pool_load_steps(
    pool bigint, since timestamptz, until timestamptz, bucket interval DEFAULT NULL)
    RETURNS TABLE (step_start timestamptz, step_end timestamptz,
        allocated resource_list, unavailable resource_list, capacity resource_list)
    LANGUAGE sql STABLE ROWS 1000
    BEGIN ATOMIC
        WITH period AS (
            SELECT n.node_id, n.starts_at AS since, n.ends_at AS until, n.allocatable, n.available
            FROM node_stretches(pool_load_steps.pool, pool_load_steps.since, pool_load_steps.until) n),
        held AS (
            SELECT a.node_id, a.starts_at AS since, a.ends_at AS until, a.allocated
            FROM allocation_stretches(pool_load_steps.pool, pool_load_steps.since, pool_load_steps.until) a),
        change (at, allocated, unavailable, capacity) AS (
            SELECT e.at, ''::resource_list, CASE WHEN p.available THEN '' ELSE e.sign * p.allocatable END, e.sign * p.allocatable
            FROM period p, LATERAL (VALUES (p.since, 1::bigint), (p.until, -1)) AS e(at, sign)
            WHERE p.since < p.until
            UNION ALL
            SELECT e.at, e.sign * h.allocated, '', ''
            FROM held h, LATERAL (VALUES (h.since, 1::bigint), (h.until, -1)) AS e(at, sign)
            WHERE h.since < h.until
            UNION ALL
            -- what is held on a node while it is not available counts as allocated
            SELECT e.at, '', e.sign * h.allocated, ''
            FROM period p
            JOIN held h ON h.node_id = p.node_id AND h.since < p.until AND h.until > p.since,
                 LATERAL (VALUES (greatest(p.since, h.since), -1::bigint), (least(p.until, h.until), 1)) AS e(at, sign)
            WHERE NOT p.available AND p.since < p.until AND h.since < h.until
            UNION ALL
            SELECT e.at, '', '', ''
            FROM generate_series(pool_load_steps.since, pool_load_steps.until, coalesce(pool_load_steps.bucket,
                                 pool_load_steps.until - pool_load_steps.since)) AS e(at)
            UNION ALL
            SELECT pool_load_steps.until, '', '', ''),
        step AS (
            SELECT c.at AS step_start, lead(c.at) OVER w AS step_end, sum(sum(c.allocated)) OVER w AS allocated,
                   sum(sum(c.unavailable)) OVER w AS unavailable, sum(sum(c.capacity)) OVER w AS capacity
            FROM change c
            GROUP BY c.at
            WINDOW w AS (ORDER BY c.at))
        SELECT s.step_start, s.step_end, s.allocated, s.unavailable, s.capacity
        FROM step s
        WHERE s.step_end IS NOT NULL;
    END;
COMMENT ON FUNCTION pool_load_steps(bigint, timestamptz, timestamptz, interval) IS
'what pool_usage_steps and pool_usage are made of: [since, until), cut wherever something was placed, released, or a node came, went or changed its state, and every bucket from since on. Of nodes and allocations that the role may see; since must be before until, bucket positive and in hours and less';

CREATE FUNCTION usage_window(pool bigint, since timestamptz, until timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pool_manager, pg_temp AS $$
DECLARE
    seen boolean;
BEGIN
    IF pool IS NULL OR since IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = format('%s must not be null', CASE WHEN pool IS NULL THEN 'pool' ELSE 'since' END),
            DETAIL = 'Utilisation is that of a pool from an instant on.', HINT = 'Only until may be left out: it is the present.';
    END IF;
    IF NOT isfinite(since) OR since >= coalesce(until, clock()) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'since must be before until',
            DETAIL = format('since is %s, until %s.', since, coalesce(until, clock())),
            HINT = 'Without until, the window ends at the present.';
    END IF;
    SELECT may_see(p.tenant_id) INTO seen FROM pool p WHERE p.pool_id = usage_window.pool;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('pool %s does not exist', pool),
            DETAIL = 'There is none that you may see.', HINT = 'The view pool_detail shows pools with their ids.';
    END IF;
    RETURN CASE WHEN seen AND since < clock() THEN least(until, clock()) END;
END $$;
COMMENT ON FUNCTION usage_window(bigint, timestamptz, timestamptz) IS
'the end of what can be told of a window: until, or the present; NULL: nothing can, because it lies in the future or the role may not see the pool''s nodes. 42704, 22023, 22004: as pool_usage';

CREATE FUNCTION pool_usage_steps(pool bigint, since timestamptz, until timestamptz DEFAULT NULL)
    RETURNS TABLE (step_start timestamptz, step_end timestamptz, resource text,
        allocated numeric, idle numeric, unavailable numeric, capacity numeric)
    LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog, pool_manager, pg_temp AS $$
#variable_conflict use_column
DECLARE
    stop timestamptz := usage_window(pool, since, until);
BEGIN
    IF stop IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH step AS MATERIALIZED (
            SELECT s.step_start, s.allocated, s.unavailable, s.capacity
            FROM pool_load_steps(pool_usage_steps.pool, pool_usage_steps.since, stop) s),
        value AS (
            SELECT s.step_start, r.name, quantity(s.allocated, r.name) AS allocated,
                   quantity(s.unavailable, r.name) AS unavailable, quantity(s.capacity, r.name) AS capacity
            FROM step s, resource_each((SELECT resource_max(s.capacity) FROM step s)) AS r),
        -- a step that changes nothing of a resource is none of it
        changed AS (
            SELECT v.*, (v.allocated, v.unavailable, v.capacity) IS DISTINCT FROM
                        (lag(v.allocated) OVER w, lag(v.unavailable) OVER w, lag(v.capacity) OVER w) AS differs
            FROM value v
            WINDOW w AS (PARTITION BY v.name ORDER BY v.step_start))
        SELECT c.step_start, lead(c.step_start, 1, stop) OVER (PARTITION BY c.name ORDER BY c.step_start), c.name,
               c.allocated, c.capacity - c.allocated - c.unavailable, c.unavailable, c.capacity
        FROM changed c
        WHERE c.differs
        ORDER BY c.name, c.step_start;
END $$;
COMMENT ON FUNCTION pool_usage_steps(bigint, timestamptz, timestamptz) IS
'what was allocated of what there was in a pool in [since, until), by resource (bytes for memory): one row for each stretch in which nothing changed, exact. unavailable: what was free on nodes that were not available; allocated + idle + unavailable = capacity, which counts a node from when it first was available until it was deleted. until is the present by default and at most. Deleted pools by id. Of a public pool operators alone get rows. 22023: since not before until; 42704: no such pool; 22004: pool or since is NULL';
CREATE FUNCTION pool_usage_steps(pool text, since timestamptz, until timestamptz DEFAULT NULL)
    RETURNS TABLE (step_start timestamptz, step_end timestamptz, resource text,
        allocated numeric, idle numeric, unavailable numeric, capacity numeric)
    LANGUAGE sql STABLE ROWS 1000
    BEGIN ATOMIC
        SELECT s.step_start, s.step_end, s.resource, s.allocated, s.idle, s.unavailable, s.capacity
        FROM pool_usage_steps(find_pool(pool_usage_steps.pool), pool_usage_steps.since, pool_usage_steps.until) s;
    END;
COMMENT ON FUNCTION pool_usage_steps(text, timestamptz, timestamptz) IS 'the same, the pool by name';

CREATE FUNCTION pool_usage(
    pool bigint, since timestamptz, until timestamptz DEFAULT NULL, bucket interval DEFAULT '1 hour')
    RETURNS TABLE (bucket_start timestamptz, bucket_end timestamptz, resource text, allocated numeric, most numeric,
        idle numeric, unavailable numeric, capacity numeric, busy numeric)
    LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog, pool_manager, pg_temp AS $$
#variable_conflict use_column
DECLARE
    stop timestamptz := usage_window(pool, since, until);
    width interval;
BEGIN
    IF bucket IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'bucket must not be null',
            DETAIL = 'It says how long each bucket is.', HINT = 'Left out, it is an hour.';
    END IF;
    IF extract(year FROM bucket) <> 0 OR extract(month FROM bucket) <> 0 OR extract(epoch FROM bucket) <= 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('"%s" is no length of a bucket', bucket),
            DETAIL = 'A bucket is a positive time in days of 24 hours and less.', HINT = 'Write ''1 hour'', ''5 minutes'' or ''7 days''.';
    END IF;
    IF stop IS NULL THEN
        RETURN;
    END IF;
    -- all of it as hours: a day is 24 of them whatever the time zone
    width := make_interval(secs => extract(epoch FROM bucket)::double precision);
    RETURN QUERY
        WITH step AS MATERIALIZED (
            SELECT date_bin(width, s.step_start, pool_usage.since) AS bucket_start,
                   extract(epoch FROM s.step_end - s.step_start) AS seconds, s.allocated, s.unavailable, s.capacity
            FROM pool_load_steps(pool_usage.pool, pool_usage.since, stop, width) s),
        -- cut, not rounded: what is cut cannot add up to more than there was
        mean AS (
            SELECT s.bucket_start, r.name,
                   trunc(sum(quantity(s.allocated, r.name) * s.seconds) / sum(s.seconds), 3) AS allocated,
                   max(quantity(s.allocated, r.name)) AS most,
                   trunc(sum(quantity(s.unavailable, r.name) * s.seconds) / sum(s.seconds), 3) AS unavailable,
                   trunc(sum(quantity(s.capacity, r.name) * s.seconds) / sum(s.seconds), 3) AS capacity,
                   round(100 * sum(quantity(s.allocated, r.name) * s.seconds) /
                         nullif(sum(quantity(s.capacity, r.name) * s.seconds), 0), 1) AS busy
            FROM step s, resource_each((SELECT resource_max(s.capacity) FROM step s)) AS r
            GROUP BY s.bucket_start, r.name)
        SELECT m.bucket_start, least(m.bucket_start + width, stop), m.name, trim_scale(m.allocated), m.most,
               trim_scale(m.capacity - m.allocated - m.unavailable), trim_scale(m.unavailable), trim_scale(m.capacity), m.busy
        FROM mean m
        ORDER BY m.name, m.bucket_start;
END $$;
COMMENT ON FUNCTION pool_usage(bigint, timestamptz, timestamptz, interval) IS
'the same by bucket, from since on, the last cut at until: means over the time of the bucket, to three digits; most: the most that was allocated at a time; busy: percent of the capacity that was allocated, NULL where there was none. allocated + idle + unavailable = capacity. 22023: a bucket that is not positive, or in months, too; 22004: a NULL bucket, too';
CREATE FUNCTION pool_usage(
    pool text, since timestamptz, until timestamptz DEFAULT NULL, bucket interval DEFAULT '1 hour')
    RETURNS TABLE (bucket_start timestamptz, bucket_end timestamptz, resource text, allocated numeric, most numeric,
        idle numeric, unavailable numeric, capacity numeric, busy numeric)
    LANGUAGE sql STABLE ROWS 1000
    BEGIN ATOMIC
        SELECT u.bucket_start, u.bucket_end, u.resource, u.allocated, u.most, u.idle, u.unavailable, u.capacity, u.busy
        FROM pool_usage(find_pool(pool_usage.pool), pool_usage.since, pool_usage.until, pool_usage.bucket) u;
    END;
COMMENT ON FUNCTION pool_usage(text, timestamptz, timestamptz, interval) IS 'the same, the pool by name';
