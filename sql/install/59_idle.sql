-- What of dedicated pools was used, stood idle or was not available, and what
-- each of these cost. Of resources over time tells 51_utilisation.

CREATE FUNCTION require_weights(weights numeric[]) RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path TO pg_catalog, pg_temp AS $$
BEGIN
    -- NaN is above all numbers
    IF EXISTS (SELECT FROM unnest(weights) AS w WHERE w IS NULL OR w < 0 OR w >= 'Infinity') THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "weights"',
            DETAIL = 'They are numbers that are not below 0.',
            HINT = 'Write 0 for who has no part.';
    END IF;
    RETURN weights;
END $$;
COMMENT ON FUNCTION require_weights(numeric[]) IS 'the weights, if an amount can be split by them. For all; 22023: one is NULL, below 0, or not finite';

CREATE FUNCTION split_amount(amount numeric, weights numeric[]) RETURNS numeric[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    WITH whole AS (
        SELECT greatest(scale(split_amount.amount), 12) AS digits, coalesce(nullif(sum(w.weight), 0), 1) AS weight,
               -- where nothing weighs anything the last does
               CASE sum(w.weight) WHEN 0 THEN max(w.no) END AS heir
        FROM unnest(require_weights(split_amount.weights)) WITH ORDINALITY AS w(weight, no)),
    part AS (
        SELECT p.no, d.digits, q.n, s.n - sum(q.n) OVER () AS left_over, row_number() OVER (ORDER BY q.rest DESC, p.no) AS turn
        FROM whole d
        CROSS JOIN LATERAL (SELECT abs(split_amount.amount) * ('1e' || d.digits)::numeric AS n) AS s
        CROSS JOIN unnest(split_amount.weights) WITH ORDINALITY AS p(weight, no)
        CROSS JOIN LATERAL (SELECT CASE p.no WHEN d.heir THEN 1 ELSE p.weight END AS weight) AS w
        CROSS JOIN LATERAL (SELECT div(s.n * w.weight, d.weight) AS n, mod(s.n * w.weight, d.weight) AS rest) AS q)
    SELECT array_agg(trim_scale(sign(split_amount.amount) * (p.n + (p.turn <= p.left_over)::integer) * ('1e-' || p.digits)::numeric) ORDER BY p.no)
    FROM part p;
END;
COMMENT ON FUNCTION split_amount(numeric, numeric[]) IS
'an amount in parts as weights, which are not below 0, by the largest remainder: each has the digits of the amount, at least twelve, and they add up to it exactly; of equal remainders the first counts. Where all weights are 0 the last has all of it. 22023: a weight that is NULL, below 0 or not finite';

CREATE FUNCTION require_pool(pool bigint) RETURNS bigint LANGUAGE plpgsql STABLE
SET search_path TO pg_catalog, pool_manager, pg_temp AS $$
BEGIN
    IF pool IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "pool" must not be null',
            DETAIL = 'What stood idle is told of one pool.', HINT = 'Table "pool" shows pools with their ids.';
    END IF;
    IF NOT EXISTS (SELECT FROM pool p WHERE p.pool_id = require_pool.pool) THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('pool %s does not exist', pool),
            DETAIL = 'There is none that you may see.', HINT = 'Table "pool" shows pools with their ids.';
    END IF;
    RETURN pool;
END $$;
COMMENT ON FUNCTION require_pool(bigint) IS
'the id of a pool, which may have been deleted, if the role may see it. For all; 42704: there is none; 22004: NULL';

CREATE FUNCTION pool_idle(pool bigint, since date, until date, resource text DEFAULT NULL)
    RETURNS TABLE (day date, node_id bigint, node text, flavor text, capacity numeric, used numeric, idle numeric, unavailable numeric,
        amount numeric, used_amount numeric, idle_amount numeric, unavailable_amount numeric, currency text)
    -- a long query on few rows: to compile it takes longer than to run it
    LANGUAGE sql STABLE ROWS 100 SET jit = off
    BEGIN ATOMIC
        -- local days of the owner, to the second, up to the present
        WITH day AS MATERIALIZED (
            SELECT p.pool_id, p.tenant_id, d.day::date AS day, e.starts_at, e.ends_at
            FROM require_pool(pool_idle.pool) AS f(pool_id)
            JOIN pool p ON p.pool_id = f.pool_id AND p.kind = 'dedicated'
            JOIN LATERAL not_archived(p.tenant_id, pool_idle.since) AS o(tenant_id) ON o.tenant_id = p.tenant_id
            CROSS JOIN LATERAL billing_terms(p.tenant_id) AS z
            -- of the days on which there was a pool
            CROSS JOIN generate_series(
                greatest(pool_idle.since::timestamp, date_trunc('day', p.created_at AT TIME ZONE z.time_zone)),
                least(pool_idle.until::timestamp - interval '1 day', coalesce(p.deleted_at, clock()) AT TIME ZONE z.time_zone), '1 day') AS d(day)
            CROSS JOIN LATERAL (
                SELECT greatest(d.day AT TIME ZONE z.time_zone, z.starts_at) AS starts_at,
                       least((d.day + interval '1 day') AT TIME ZONE z.time_zone, z.ends_at, date_trunc('second', clock())) AS ends_at) AS e
            WHERE (SELECT require_days(pool_idle.since, pool_idle.until)) AND e.starts_at < e.ends_at),
        stretch AS MATERIALIZED (
            SELECT d.starts_at AS day_start, n.node_id, date_trunc('second', n.starts_at) AS since, date_trunc('second', n.ends_at) AS until,
                   n.available, CASE WHEN pool_idle.resource IS NULL THEN 1 ELSE quantity(n.allocatable, pool_idle.resource) END AS amount
            FROM day d CROSS JOIN LATERAL node_stretches(d.pool_id, d.starts_at, d.ends_at) AS n),
        held AS MATERIALIZED (
            SELECT d.starts_at AS day_start, a.node_id, date_trunc('second', a.starts_at) AS since, date_trunc('second', a.ends_at) AS until,
                   quantity(a.allocated, pool_idle.resource) AS amount
            FROM day d CROSS JOIN LATERAL allocation_stretches(d.pool_id, d.starts_at, d.ends_at) AS a
            WHERE pool_idle.resource IS NOT NULL
            UNION ALL
            -- a node is used while anything is on it
            SELECT h.day_start, h.node_id, lower(r.held), upper(r.held), 1
            FROM (SELECT d.starts_at AS day_start, a.node_id,
                         range_agg(tstzrange(date_trunc('second', a.starts_at), date_trunc('second', a.ends_at))) AS held
                  FROM day d CROSS JOIN LATERAL allocation_stretches(d.pool_id, d.starts_at, d.ends_at) AS a
                  WHERE pool_idle.resource IS NULL
                  GROUP BY d.starts_at, a.node_id) AS h, unnest(h.held) AS r(held)),
        there AS (
            SELECT s.day_start, s.node_id, sum(s.amount * extract(epoch FROM s.until - s.since)) AS capacity,
                   coalesce(sum(s.amount * extract(epoch FROM s.until - s.since)) FILTER (WHERE NOT s.available), 0) AS down
            FROM stretch s GROUP BY s.day_start, s.node_id),
        taken AS (
            SELECT h.day_start, h.node_id, sum(h.amount * extract(epoch FROM h.until - h.since)) AS used
            FROM held h GROUP BY h.day_start, h.node_id),
        -- what is held on a node that is not available is used
        taken_down AS (
            SELECT s.day_start, s.node_id, sum(h.amount * extract(epoch FROM least(s.until, h.until) - greatest(s.since, h.since))) AS used
            FROM stretch s JOIN held h ON h.day_start = s.day_start AND h.node_id = s.node_id AND h.since < s.until AND h.until > s.since
            WHERE NOT s.available GROUP BY s.day_start, s.node_id),
        seconds AS (
            SELECT t.day_start, t.node_id, trim_scale(t.capacity) AS capacity, trim_scale(coalesce(u.used, 0)) AS used,
                   trim_scale(t.capacity - coalesce(u.used, 0) - t.down + coalesce(x.used, 0)) AS idle,
                   trim_scale(t.down - coalesce(x.used, 0)) AS unavailable
            FROM there t LEFT JOIN taken u USING (day_start, node_id) LEFT JOIN taken_down x USING (day_start, node_id)
            WHERE t.capacity > 0),
        -- usage of a node is within a billing month
        cost AS (
            SELECT d.starts_at AS day_start, u.node_id, sum(c.amount) AS amount, c.currency
            FROM (SELECT d.pool_id, d.tenant_id, min(d.starts_at) AS since, max(d.ends_at) AS until FROM day d GROUP BY d.pool_id, d.tenant_id) AS w
            JOIN usage u ON u.tenant_id = w.tenant_id AND u.pool_id = w.pool_id AND u.node_id IS NOT NULL
                AND u.started_at < w.until AND u.started_at >= (SELECT m.period_start FROM period_at(w.tenant_id, w.since) AS m)
            JOIN charge c ON c.tenant_id = u.tenant_id AND c.usage_id = u.usage_id
            JOIN day d ON c.started_at >= d.starts_at AND c.started_at < d.ends_at
            GROUP BY d.starts_at, u.node_id, c.currency)
        SELECT d.day, n.node_id, n.name, f.name, coalesce(s.capacity, 0), coalesce(s.used, 0), coalesce(s.idle, 0), coalesce(s.unavailable, 0),
               trim_scale(c.amount), a.parts[1], a.parts[2], a.parts[3], c.currency
        FROM seconds s
        FULL JOIN cost c USING (day_start, node_id)
        JOIN day d ON d.starts_at = day_start
        JOIN node n ON n.pool_id = d.pool_id AND n.node_id = coalesce(s.node_id, c.node_id)
        JOIN flavor f USING (flavor_id)
        CROSS JOIN LATERAL split_amount(c.amount,
            ARRAY[coalesce(s.used, 0), coalesce(s.idle, 0), coalesce(s.unavailable, 0)]) AS a(parts)
        ORDER BY d.starts_at, n.node_id;
    END;
COMMENT ON FUNCTION pool_idle(bigint, date, date, text) IS
'what of a dedicated pool was used, idle or not available on the owner''s local days from since until before until, node by node, in whole node-seconds, or in unit-seconds of a resource: used + idle + unavailable = capacity, exactly, and so of any sum. A node is used while anything is on it, not available while it is not and nothing is. What was charged for the node and what it holds is split by the same seconds, to the last digit; NULL: nothing yet. Of a public pool there are no rows; deleted pools by id. 55000: some of what was charged has been archived; 42704: no such pool; 22004: NULL; 22008: a day that is not finite; 22023: since is after until';
CREATE FUNCTION pool_idle(pool text, since date, until date, resource text DEFAULT NULL)
    RETURNS TABLE (day date, node_id bigint, node text, flavor text, capacity numeric, used numeric, idle numeric, unavailable numeric,
        amount numeric, used_amount numeric, idle_amount numeric, unavailable_amount numeric, currency text)
    LANGUAGE sql STABLE ROWS 100
    BEGIN ATOMIC
        SELECT i.day, i.node_id, i.node, i.flavor, i.capacity, i.used, i.idle, i.unavailable,
               i.amount, i.used_amount, i.idle_amount, i.unavailable_amount, i.currency
        FROM pool_idle(find_pool(pool_idle.pool), pool_idle.since, pool_idle.until, pool_idle.resource) AS i;
    END;
COMMENT ON FUNCTION pool_idle(text, date, date, text) IS 'the same, the pool by name';
