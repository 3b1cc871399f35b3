-- charges() against a rater that knows nothing of it: plain SQL numeric, cell
-- by cell of (SKU, price, cycle), each counter summed up anew from its month's
-- start (rules 6.1, 6.2, 6.5, 6.6, 6.7).

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2009-10-01 00:00:00+00';
SELECT plan(151);
SELECT setseed(0.20091101);

--
-- The model
--

\ir include/midnight.sql
CREATE TEMP TABLE midnight (zone text, d date, t timestamptz, PRIMARY KEY (zone, d));

-- The cycles from since to until with the start of their month; a cycle of
-- '1 day' or '1 month', or so many seconds from each midnight
CREATE FUNCTION pg_temp.cycles(zone text, since timestamptz, until timestamptz, cycle interval)
RETURNS TABLE (starts timestamptz, ends timestamptz, month_start timestamptz) LANGUAGE sql AS $$
    WITH days AS (
        SELECT m.d, m.t AS t0, lead(m.t) OVER (ORDER BY m.d) AS t1,
               (SELECT f.t FROM midnight f WHERE f.zone = m.zone AND f.d = date_trunc('month', m.d)) AS month_start
        FROM midnight m WHERE m.zone = cycles.zone),
    pieces AS (
        SELECT s AS p0, least(t1, s + cycle) AS p1, month_start
        FROM days, generate_series(t0, t1 - interval '1 second', cycle) AS s
        WHERE cycle < '1 day' AND t0 < t1 AND t1 > since AND t0 < until
        UNION ALL
        SELECT t0, t1, month_start FROM days WHERE cycle = '1 day' AND t0 < t1
        UNION ALL
        SELECT month_start, max(t1), month_start FROM days WHERE cycle = '1 month' GROUP BY month_start)
    SELECT greatest(p0, since), least(p1, until), month_start FROM pieces WHERE p1 > since AND p0 < until
$$;

-- What was used or is held: a row each, up to the clock
CREATE VIEW pg_temp.used AS
SELECT tenant_id, sku_id, quantity::numeric AS quantity, started_at AS starts, ended_at AS ends FROM usage
UNION ALL
SELECT tenant_id, sku_id, quantity, metered_until, date_trunc('second', clock()) FROM holding;

-- Which price is in force when, for a tenant: the contracted one before the list's
CREATE FUNCTION pg_temp.in_force(tenant bigint) RETURNS TABLE (sku_id bigint, price_id bigint, starts timestamptz, ends timestamptz)
LANGUAGE sql AS $$
    WITH p AS (
        SELECT p.* FROM price p JOIN contract c ON c.tenant_id = tenant AND c.currency = p.currency
        WHERE p.tenant_id IN (0, tenant)),
    edges AS (
        SELECT sku_id, timestamptz '1900-01-01' AS t FROM sku
        UNION SELECT sku_id, lower(valid) FROM p
        UNION SELECT sku_id, upper(valid) FROM p WHERE upper(valid) IS NOT NULL),
    pieces AS (
        SELECT sku_id, t AS t0, coalesce(lead(t) OVER (PARTITION BY sku_id ORDER BY t), '2100-01-01') AS t1 FROM edges)
    SELECT sku_id, (SELECT p.price_id FROM p WHERE p.sku_id = pieces.sku_id AND p.valid @> t0
                    ORDER BY p.tenant_id DESC LIMIT 1), t0, t1
    FROM pieces
$$;

CREATE TEMP TABLE model_tariff (price_id bigint PRIMARY KEY, kind text, numbers numeric[]);

-- What a tariff asks for a quantity of which something was booked
CREATE FUNCTION pg_temp.price_of(id bigint, q numeric) RETURNS numeric LANGUAGE sql AS $$
    SELECT CASE kind
        WHEN 'unit' THEN q * numbers[1]
        -- flat fee at the first booking, then so much a unit
        WHEN 'flat' THEN numbers[1] + q * numbers[2]
        -- up to [1] at [2], then up to [3] at [4], then at [5]
        WHEN 'graduated' THEN least(q, numbers[1]) * numbers[2]
            + greatest(least(q, numbers[3]) - numbers[1], 0) * numbers[4] + greatest(q - numbers[3], 0) * numbers[5]
        -- all of it at the price of the tier in which it ends: up to [1] at [2], then at [3]
        WHEN 'volume' THEN q * CASE WHEN q <= numbers[1] THEN numbers[2] ELSE numbers[3] END
        END
    FROM model_tariff WHERE price_id = id
$$;

CREATE TEMP TABLE force (sku_id bigint, price_id bigint, starts timestamptz, ends timestamptz);

-- Thousandths of a unit-second (once: of a unit) of a counter from its month's start to an instant
CREATE FUNCTION pg_temp.counted(tenant bigint, id bigint, version bigint, month_start timestamptz, until timestamptz)
RETURNS numeric LANGUAGE sql AS $$
    SELECT coalesce(sum(u.quantity * CASE
        WHEN (SELECT per FROM sku WHERE sku_id = id) = 'once'
        THEN (u.starts >= greatest(month_start, f.starts) AND u.starts < least(until, f.ends))::integer
        ELSE greatest(0, extract(epoch FROM least(u.ends, f.ends, until) - greatest(u.starts, f.starts, month_start))) END), 0)
    FROM pg_temp.used u, force f
    WHERE u.tenant_id = tenant AND u.sku_id = id AND f.sku_id = id AND f.price_id IS NOT DISTINCT FROM version
      AND u.starts < until AND u.ends > month_start
$$;

CREATE FUNCTION pg_temp.model(tenant bigint, since timestamptz, until timestamptz, cycle interval)
RETURNS TABLE (sku text, price_id bigint, starts timestamptz, quantity numeric, amount numeric) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM force;
    INSERT INTO force SELECT * FROM pg_temp.in_force(tenant);
    RETURN QUERY
    WITH cells AS MATERIALIZED (
        SELECT s.name, s.per, p.price_id, c.starts,
               pg_temp.counted(tenant, s.sku_id, p.price_id, c.month_start, c.starts) AS n0,
               pg_temp.counted(tenant, s.sku_id, p.price_id, c.month_start, c.ends) AS n1
        FROM sku s, pg_temp.cycles((SELECT time_zone FROM contract WHERE tenant_id = tenant), since, until, cycle) c,
             LATERAL (SELECT DISTINCT f.price_id FROM force f WHERE f.sku_id = s.sku_id AND f.starts < c.ends AND f.ends > c.starts) p
        WHERE EXISTS (SELECT FROM pg_temp.used u
                      WHERE u.tenant_id = tenant AND u.sku_id = s.sku_id AND u.starts < c.ends AND u.ends > c.starts)),
    hours AS (
        SELECT *, round(n0::numeric(40, 20) / CASE per WHEN 'once' THEN 1000 ELSE 3600000 END, 12) AS q0,
               round(n1::numeric(40, 20) / CASE per WHEN 'once' THEN 1000 ELSE 3600000 END, 12) AS q1
        FROM cells WHERE n1 <> n0)
    SELECT h.name::text, h.price_id, h.starts, h.q1 - h.q0,
           CASE WHEN n1 = 0 THEN 0 ELSE pg_temp.price_of(h.price_id, q1) END
               - CASE WHEN n0 = 0 THEN 0 ELSE pg_temp.price_of(h.price_id, q0) END
    FROM hours h;
END $$;

-- The same of charges(): rows that a price change cut belong to one cycle
CREATE FUNCTION pg_temp.rated(tenant bigint, since timestamptz, until timestamptz, cycle interval)
RETURNS TABLE (sku text, price_id bigint, starts timestamptz, quantity numeric, amount numeric) LANGUAGE sql AS $$
    SELECT r.sku, r.price_id, c.starts, sum(r.quantity), sum(r.amount)
    FROM charges(tenant, since, until, cycle) r
    JOIN pg_temp.cycles((SELECT time_zone FROM contract WHERE tenant_id = tenant), since, until, cycle) c
      ON r.cycle_start >= c.starts AND r.cycle_end <= c.ends
    GROUP BY r.sku, r.price_id, c.starts
$$;

-- How many rows differ, of how many
CREATE FUNCTION pg_temp.compared(tenant bigint, since timestamptz, until timestamptz, cycle interval)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    differ bigint;
    rows bigint;
    lost bigint;
BEGIN
    SELECT count(*) FILTER (WHERE m.quantity IS DISTINCT FROM r.quantity OR m.amount IS DISTINCT FROM r.amount), count(*)
    INTO differ, rows
    FROM pg_temp.model(tenant, since, until, cycle) m
    FULL JOIN pg_temp.rated(tenant, since, until, cycle) r
      ON r.sku = m.sku AND r.starts = m.starts AND coalesce(r.price_id, 0) = coalesce(m.price_id, 0);
    -- a row outside every cycle would be lost by rated()
    SELECT (SELECT count(*) FROM charges(tenant, since, until, cycle)) - count(*) INTO lost
    FROM charges(tenant, since, until, cycle) r
    JOIN pg_temp.cycles((SELECT time_zone FROM contract WHERE tenant_id = tenant), since, until, cycle) c
      ON r.cycle_start >= c.starts AND r.cycle_end <= c.ends;
    RETURN format('%s differ, %s lost, %s', differ, lost, CASE WHEN rows > 0 THEN 'some' ELSE 'NONE' END);
END $$;

--
-- The world: a tenant in each zone whose clocks are hard, five SKUs
--
CREATE TEMP TABLE scene (n integer, zone text, since timestamptz, until timestamptz, tenant_id bigint);
INSERT INTO scene SELECT n, zone, since, until, create_tenant('t' || n, 'USD', zone)
FROM (VALUES
    (1, 'America/St_Johns', timestamptz '2009-10-29 12:00:00+00', timestamptz '2009-11-03 12:00:00+00'), -- set back over the midnight of a month
    (2, 'Pacific/Apia', '2011-12-28 12:00:00+00', '2012-01-02 12:00:00+00'),                             -- 30 December is left out
    (3, 'America/Sao_Paulo', '2018-02-15 12:00:00+00', '2018-02-20 12:00:00+00'),                        -- 24:00 is 23:00
    (4, 'America/Sao_Paulo', '2018-10-31 12:00:00+00', '2018-11-05 12:00:00+00'),                        -- 00:00 is 01:00
    (5, 'Asia/Shanghai', '2026-02-26 12:00:00+00', '2026-03-03 12:00:00+00'),
    (6, 'Australia/Lord_Howe', '2026-03-30 12:00:00+00', '2026-04-06 12:00:00+00')) AS v (n, zone, since, until)
ORDER BY n;
INSERT INTO midnight
SELECT DISTINCT zone, d::date, pg_temp.midnight(d::date, zone)
FROM scene, generate_series(date_trunc('month', since - interval '2 days'), date_trunc('month', until) + interval '33 days', '1 day') AS d;

SELECT create_sku(name, 'unit', per::sku_per) FROM (VALUES
    ('plain', 'hour'), ('tiered', 'hour'), ('bulk', 'hour'), ('unpriced', 'hour'), ('fee', 'once'), ('node', 'hour')) AS v (name, per);

-- Sets a price and notes it for the model
CREATE FUNCTION pg_temp.set_price(sku text, kind text, numbers numeric[], valid_from timestamptz, tenant bigint) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO model_tariff
    SELECT set_price(sku, CASE kind
        WHEN 'unit' THEN numbers[1]::text::tariff
        WHEN 'flat' THEN format('{"model":"unit","flat":"%s","unit_price":"%s"}', numbers[1], numbers[2])::tariff
        WHEN 'graduated' THEN format('{"model":"graduated","tiers":[{"up_to":"%s","unit_price":"%s"},{"up_to":"%s","unit_price":"%s"},{"unit_price":"%s"}]}',
            numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])::tariff
        WHEN 'volume' THEN format('{"model":"volume","tiers":[{"up_to":"%s","unit_price":"%s"},{"unit_price":"%s"}]}',
            numbers[1], numbers[2], numbers[3])::tariff END,
        valid_from, tenant, CASE WHEN tenant IS NULL THEN 'USD' END), kind, numbers
$$;

-- List prices that change in the middle of an hour; one in another currency,
-- which counts for nobody; for one SKU from the third day on only
SELECT pg_temp.set_price(sku, kind, numbers, since + at, NULL)
FROM scene, (VALUES
    ('plain', 'unit', '{0.6612}'::numeric[], interval '-40 days'), ('plain', 'unit', '{0.7}', '41:23:45'),
    ('plain', 'unit', '{1.05}', '83:00:01'), ('node', 'unit', '{3.3}', '-40 days'),
    ('tiered', 'graduated', '{20,1.2,45.5,1.1,0.98}', '-40 days'), ('tiered', 'graduated', '{10,2,30,1,0.5}', '60:30:00'),
    ('bulk', 'volume', '{33.3,0.25,0.2}', '-40 days'), ('bulk', 'flat', '{5,0.125}', '50:15:15'),
    ('unpriced', 'unit', '{9.99}', '49:59:59'), ('fee', 'unit', '{2.5}', '-40 days'), ('fee', 'graduated', '{3,4,8,2,1}', '70:07:07')) AS v (sku, kind, numbers, at)
ORDER BY n, at;
SELECT set_price(name, '77', '2000-01-01', currency => 'EUR') FROM sku;
-- contracted over list for a day or so, twice the same SKU; ended by NULL
SELECT pg_temp.set_price('plain', 'unit', '{0.5}', since + interval '20:20:20', tenant_id),
       set_price('plain', NULL, since + interval '45:00:30', tenant_id),
       pg_temp.set_price('plain', 'flat', '{10,0.4}', since + interval '90:10:00', tenant_id),
       pg_temp.set_price('tiered', 'graduated', '{5,3,6,2,1}', since + interval '30:00:00', tenant_id),
       set_price('tiered', NULL, since + interval '55:44:33', tenant_id)
FROM scene WHERE n IN (1, 3, 5, 6);

-- Random usage: some of a second, some of days, none across a month's edge
INSERT INTO usage (tenant_id, sku_id, quantity, started_at, ended_at, holding_id, slice_no)
SELECT tenant_id, sku_id, quantity, t0,
       least(t0 + seconds * interval '1 second', until,
             (SELECT min(m.t) FROM midnight m WHERE m.zone = r.zone AND extract(day FROM m.d) = 1 AND m.t > t0)),
       row_number() OVER (), 1
FROM (SELECT s.*, (1 + floor(random() * 5))::bigint AS sku_id,
             1 + floor(power(random(), 3) * 9000)::bigint AS quantity,
             since + floor(random() * extract(epoch FROM until - since) * 0.99) * interval '1 second' AS t0,
             1 + floor(power(random(), 4) * 200000) AS seconds
      FROM scene s, generate_series(1, 60)) AS r;
SELECT is(count(*), 360::bigint, 'random usage') FROM usage;
-- some of it taken back
INSERT INTO usage (tenant_id, sku_id, quantity, started_at, ended_at, slice_no, corrects, reason)
SELECT tenant_id, sku_id, -quantity, started_at, ended_at, 1, usage_id, 'not theirs' FROM usage WHERE holding_id % 7 = 0;

-- What the model says of midnights, against what is known
SELECT is(pg_temp.midnight('2009-11-01', 'America/St_Johns'), '2009-11-01 03:30:00+00', 'the second midnight, where clocks are set back over it');
SELECT is(pg_temp.midnight('2011-12-30', 'Pacific/Apia'), pg_temp.midnight('2011-12-31', 'Pacific/Apia'), 'a day that never was');
SELECT is(pg_temp.midnight('2018-11-04', 'America/Sao_Paulo'), '2018-11-04 03:00:00+00', 'the instant of the jump over midnight');

--
-- Usage alone, all cycles; the clock stands before it, so nothing is held
--
SELECT is(pg_temp.compared(tenant_id, since, until, cycle), '0 differ, 0 lost, some', format('%s by %s', zone, cycle))
FROM scene, unnest('{1 hour,6 hours,1 day,1 month}'::interval[]) AS cycle ORDER BY n, cycle;
SELECT is(pg_temp.compared(tenant_id, since + interval '35:00:16', since + interval '70:30:30', cycle), '0 differ, 0 lost, some',
          format('%s by %s, from and to the middle of a cycle', zone, cycle))
FROM scene, unnest('{15 min,1 hour,6 hours,1 day,1 month,24:00}'::interval[]) AS cycle ORDER BY n, cycle;
-- the contract's cycle, 1 hour
SELECT is(count(*), 0::bigint, 'the contract''s cycle by default') FROM (
    (SELECT charges(tenant_id, since, until) FROM scene EXCEPT ALL SELECT charges(tenant_id, since, until, '1 hour') FROM scene)
    UNION ALL
    (SELECT charges(tenant_id, since, until, '1 hour') FROM scene EXCEPT ALL SELECT charges(tenant_id, since, until) FROM scene)) AS d;

-- Rows of a SKU neither overlap nor leave their price's validity
SELECT is(count(*), 0::bigint, 'rows lie within the validity of their price')
FROM scene s, charges(s.tenant_id, s.since, s.until, '6 hours') r JOIN price p ON p.price_id = r.price_id
WHERE NOT p.valid @> tstzrange(r.cycle_start, r.cycle_end) OR p.currency <> r.currency;
SELECT is(count(*), 0::bigint, 'rows of a SKU do not overlap') FROM (
    SELECT cycle_start < lag(cycle_end) OVER (PARTITION BY r.tenant_id, r.sku ORDER BY cycle_start) AS crossed
    FROM scene s, charges(s.tenant_id, s.since, s.until, '6 hours') r) AS o WHERE crossed;

--
-- Properties
--

-- Splitting at any instant changes nothing of what a month costs
CREATE FUNCTION pg_temp.counters(tenant bigint, cuts timestamptz[], cycle interval)
RETURNS TABLE (sku text, price_id bigint, month date, quantity numeric, amount numeric) LANGUAGE sql AS $$
    SELECT r.sku, r.price_id, (SELECT max(m.d) FROM midnight m WHERE m.zone = c.time_zone AND extract(day FROM m.d) = 1 AND m.t <= r.cycle_start),
           sum(r.quantity), sum(r.amount)
    FROM contract c, generate_series(1, cardinality(cuts) - 1) AS i, charges(tenant, cuts[i], cuts[i + 1], cycle) r
    WHERE c.tenant_id = tenant GROUP BY 1, 2, 3
$$;
SELECT is((SELECT count(*) FROM (
        (SELECT * FROM pg_temp.counters(tenant_id, ARRAY[since, until], '1 month') EXCEPT SELECT * FROM pg_temp.counters(tenant_id, cuts, cycle))
        UNION ALL
        (SELECT * FROM pg_temp.counters(tenant_id, cuts, cycle) EXCEPT SELECT * FROM pg_temp.counters(tenant_id, ARRAY[since, until], '1 month'))) AS d),
    0::bigint, format('%s: split in %s pieces by %s, each counter''s month is the same', zone, cardinality(cuts) - 1, cycle))
FROM scene, unnest('{15 min,1 hour,1 day}'::interval[]) AS cycle,
     LATERAL (SELECT array_agg(t ORDER BY t) AS cuts FROM (
        SELECT since AS t UNION SELECT until
        UNION SELECT since + floor(random() * extract(epoch FROM until - since)) * interval '1 second' FROM generate_series(1, 5 + n)) AS s) AS c
ORDER BY n, cycle;

SELECT is(count(*) FILTER (WHERE r.amount <> r.quantity * m.numbers[1]), 0::bigint, 'a unit tariff: price x quantity = amount, exactly, in ' || count(*) / 100 || '00 rows')
FROM scene s, charges(s.tenant_id, s.since, s.until, '15 min') r JOIN model_tariff m ON m.price_id = r.price_id AND m.kind = 'unit';
SELECT is(count(*) FILTER (WHERE (r.amount IS NULL) <> (r.price_id IS NULL) OR r.quantity IS NULL OR r.quantity <= 0), 0::bigint,
          'no amount where there is no price, but the quantity')
FROM scene s, charges(s.tenant_id, s.since, s.until) r;
SELECT ok(count(*) > 0, 'there are such rows') FROM scene s, charges(s.tenant_id, s.since, s.until) r WHERE r.amount IS NULL;
SELECT is((SELECT string_agg(r::text, ' ' ORDER BY r) FROM charges(NULL::bigint, '2009-10-01', '2026-05-01', '1 month') r),
          (SELECT string_agg(r::text, ' ' ORDER BY r) FROM scene s, charges(s.tenant_id, '2009-10-01', '2026-05-01', '1 month') r),
          'a tenant of NULL means all');
SELECT is((SELECT string_agg(r::text, ' ' ORDER BY r) FROM charges('t3', '2018-02-01', '2018-03-01') r),
          (SELECT string_agg(r::text, ' ' ORDER BY r) FROM scene s, charges(s.tenant_id, '2018-02-01', '2018-03-01') r WHERE n = 3),
          'the tenant by name');
SELECT is(count(*), 0::bigint, 'nothing where nothing was used') FROM scene s, charges(s.tenant_id, '2010-01-01', '2010-12-31') r;

--
-- A flat fee of 10 with 0.4 an hour: due while something is booked, gone when
-- all of it is taken back
--
SELECT create_tenant('returned', 'USD', 'UTC'), create_sku('returned', 'unit');
SELECT set_price('returned', '{"model":"unit","flat":"10","unit_price":"0.4"}', '2026-01-01', currency => 'USD');
CREATE FUNCTION pg_temp.use_returned(quantity bigint, since timestamptz, hours integer, id bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO usage (tenant_id, sku_id, quantity, started_at, ended_at, holding_id, slice_no)
    SELECT t.tenant_id, s.sku_id, quantity, since, since + hours * interval '1 hour', id, 1
    FROM tenant t, sku s WHERE t.name = 'returned' AND s.name = 'returned'
$$;
CREATE FUNCTION pg_temp.returned() RETURNS TABLE (cycle_start timestamptz, quantity numeric, amount numeric) LANGUAGE sql AS $$
    SELECT cycle_start, quantity, amount FROM charges('returned', '2026-01-01', '2026-02-01', '1 day')
$$;
SELECT pg_temp.use_returned(3000, '2026-01-05 23:00:00+00', 2, 5001);
SELECT results_eq('SELECT * FROM pg_temp.returned()',
    $$VALUES (timestamptz '2026-01-05 00:00:00+00', 3::numeric, 11.2), ('2026-01-06 00:00:00+00', 3, 1.2)$$, 'the fee is due with the first unit');
INSERT INTO usage (tenant_id, sku_id, quantity, started_at, ended_at, slice_no, corrects, reason)
SELECT tenant_id, sku_id, -quantity, started_at, ended_at, 1, usage_id, 'by mistake' FROM usage WHERE holding_id = 5001;
SELECT is_empty('SELECT * FROM pg_temp.returned()', 'usage that was taken back owes no fee');
SELECT pg_temp.use_returned(1000, '2026-01-07 00:00:00+00', 5, 5002);
SELECT results_eq('SELECT * FROM pg_temp.returned()', $$VALUES (timestamptz '2026-01-07 00:00:00+00', 5::numeric, 12::numeric)$$,
    'but the next does');

--
-- What is held now counts to the clock: nodes of dedicated pools
--
SELECT create_flavor('vm', 'cpu=16,nvidia.com/gpu=4', 'node', 'nvidia.com/gpu');
SELECT create_pool('own' || n, 'dedicated', tenant_id, create_network('net', '10.0.0.0/16', tenant_id)) FROM scene ORDER BY n;

CREATE FUNCTION pg_temp.hold_and_compare() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    s scene;
    step interval;
BEGIN
    FOR s IN SELECT * FROM scene ORDER BY n LOOP
        PERFORM set_config('pool_manager.clock', (s.since + interval '7:29:16.4')::text, false);
        PERFORM add_nodes('own' || s.n, 'vm', s.n);
        PERFORM set_config('pool_manager.clock', (s.since + interval '100:30:30.9')::text, false);
        FOREACH step IN ARRAY '{1 hour,6 hours,1 day,1 month}'::interval[] LOOP
            RETURN NEXT is(pg_temp.compared(s.tenant_id, s.since, s.until, step), '0 differ, 0 lost, some',
                           format('%s by %s, with what is held', s.zone, step));
        END LOOP;
        -- a counter for each of two months, rounded for itself
        RETURN NEXT is((SELECT round(sum(quantity), 11) FROM charges(s.tenant_id, s.since, s.until) WHERE sku = 'node'),
                       round(s.n * (extract(epoch FROM interval '100:30:30' - interval '7:29:16')) / 3600, 11),
                       format('%s: to the second of the clock', s.zone));
    END LOOP;
END $$;
SELECT pg_temp.hold_and_compare();

--
-- Ended in the night in which a month has two midnights: Newfoundland, 2009
--
RESET pool_manager.clock;
SET pool_manager.clock = '2009-11-01 02:30:30+00';
SELECT create_flavor('once', 'cpu=1'), set_resource_sku('once', 'cpu=1', 'plain'), create_pool('night', 'public');
SELECT add_nodes('night', 'once');
SELECT submit_job('night', 'late', request => 'cpu=1', tenant => 't1');
SELECT schedule('night');
SET pool_manager.clock = '2009-11-01 04:00:00+00';
SELECT is(finish_job(max(job_id)), 'completed', 'a run that began between the midnights ends') FROM job;
SELECT results_eq('SELECT slice_no, started_at, ended_at FROM usage WHERE run_id IS NOT NULL ORDER BY 1',
    $$VALUES (1, timestamptz '2009-11-01 02:30:30+00', timestamptz '2009-11-01 03:30:00+00'), (2, '2009-11-01 03:30:00+00', '2009-11-01 04:00:00+00')$$,
    'and is cut at the second of them');

--
-- Running jobs in a public pool, and how they end
--
SELECT set_config('pool_manager.clock', '2026-05-31 15:29:16.999+00', false);
SELECT create_tenant('runner', 'USD', 'UTC');
SELECT create_sku('core2', 'two cores'), create_sku('core3', 'three cores'), create_sku('slice', 'slice');
SELECT create_flavor('public2', 'cpu=16'), create_flavor('public3', 'cpu=16');
SELECT set_resource_sku('public2', 'cpu=2', 'core2'), set_resource_sku('public3', 'cpu=3', 'core3');
SELECT create_flavor('task', 'cpu=1', 'slice');
SELECT create_pool('two', 'public'), create_pool('three', 'public'), create_pool('both', 'public', placement => 'first_fit');
SELECT add_nodes('two', 'public2'), add_nodes('three', 'public3'), add_nodes('both', 'public2'), add_nodes('both', 'public3');

-- 6.2: thousandths of a unit, half up for each replica, times replicas
CREATE FUNCTION pg_temp.held_as(pool text, request resource_list, replicas integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    job bigint;
BEGIN
    job := submit_job(pool, 'measured', request => request, replicas => replicas, tenant => 'runner');
    PERFORM schedule(pool);
    RETURN (SELECT string_agg(s.name || ' ' || h.quantity, ', ' ORDER BY s.name) FROM holding h JOIN sku s USING (sku_id) WHERE h.job_id = job);
END $$;
SELECT is(pg_temp.held_as('two', 'cpu=0.001', 7), 'core2 7', 'a half is rounded up, once a replica');
SELECT is(pg_temp.held_as('two', 'cpu=0.003', 3), 'core2 6', '1.5 is 2 a replica');
SELECT is(pg_temp.held_as('three', 'cpu=0.001', 7), 'core3 7', 'a third of a thousandth is not nothing');
SELECT is(pg_temp.held_as('three', 'cpu=0.005', 2), 'core3 4', '1.667 is 2');
SELECT is(pg_temp.held_as('three', 'cpu=1', 3), 'core3 999', '333.3 is 333, three times');
SELECT is(pg_temp.held_as('both', 'cpu=10', 2), 'core2 5000, core3 3333', 'each node bills as its flavor says');
SELECT is((SELECT count(*) FROM holding WHERE job_id IS NOT NULL), 7::bigint, 'one holding a run and SKU');

-- 6.7: 15:29:16 to 16:30:30 is 1,844 s and 1,830 s; 3,600 replicas make an hour of each second
SELECT create_flavor('wide', 'cpu=4000', 'slice'), set_resource_sku('wide', 'cpu=1', NULL), create_pool('wide', 'public');
SELECT add_nodes('wide', 'wide');
SELECT submit_job('wide', 'example', flavor => 'task', replicas => 3600, tenant => 'runner');
SELECT schedule('wide');
SELECT set_config('pool_manager.clock', '2026-05-31 16:30:30.001+00', false);
SELECT results_eq($$SELECT cycle_start, cycle_end, quantity FROM charges('runner', '2026-05-31', '2026-06-01') WHERE sku = 'slice' ORDER BY 1$$,
    $$VALUES (timestamptz '2026-05-31 15:00:00+00', timestamptz '2026-05-31 16:00:00+00', 1844::numeric), ('2026-05-31 16:00:00+00', '2026-05-31 17:00:00+00', 1830)$$,
    'the example while it runs');
SELECT finish_job(max(job_id)) FROM job;
SELECT set_config('pool_manager.clock', '2026-05-31 20:00:00+00', false);
SELECT results_eq($$SELECT quantity FROM charges('runner', '2026-05-31', '2026-06-01') WHERE sku = 'slice' ORDER BY cycle_start$$,
    $$VALUES (1844::numeric), (1830)$$, 'the example once it has ended');
SELECT is((SELECT sum(quantity) FROM charges('runner', '2026-05-31 15:45:00', '2026-05-31 16:10:10') WHERE sku = 'slice'), 1510::numeric,
          'a part of it');

-- a run over the edge of a month makes two slices that abut; one within a second makes none
SELECT set_config('pool_manager.clock', '2026-06-02 00:00:00.3+00', false);
SELECT finish_job(job_id) FROM job_run WHERE ended_at IS NULL AND pool_id = (SELECT pool_id FROM pool WHERE name = 'both');
SELECT results_eq($$SELECT DISTINCT slice_no, started_at, ended_at FROM usage u JOIN pool p USING (pool_id) WHERE p.name = 'both' ORDER BY 1$$,
    $$VALUES (1, timestamptz '2026-05-31 15:29:16+00', timestamptz '2026-06-01 00:00:00+00'), (2, '2026-06-01 00:00:00+00', '2026-06-02 00:00:00+00')$$,
    'a slice each side of the month''s edge');
SELECT is(pg_temp.held_as('both', 'cpu=2', 1), 'core2 1000', 'a short run');
SELECT set_config('pool_manager.clock', '2026-06-02 00:00:00.9+00', false);
SELECT is(finish_job(max(job_id)), 'completed', 'that ends within the second') FROM job;
SELECT is((SELECT count(*) FROM usage WHERE job_id = (SELECT max(job_id) FROM job)), 0::bigint, 'is not metered');
SELECT is((SELECT count(*) FROM unrated), (SELECT count(*) FROM usage WHERE run_id IS NOT NULL), 'what was metered is still to be rated');

--
-- Fine cycles and many SKUs: what was not used costs nothing
--
RESET pool_manager.clock;
SET pool_manager.clock = '2026-06-02 01:00:00+00';
SELECT create_tenant('many', 'USD', 'UTC');
SELECT create_sku('many' || i, 'unit') FROM generate_series(1, 300) AS i;
SELECT set_price('many' || i, '0.01', '2026-06-01 00:30:00', currency => 'USD') FROM generate_series(1, 300) AS i;
-- of SKU i, i thousandths for an hour from i seconds after midnight on; a price is in force for 1800 + i seconds of it
CREATE FUNCTION pg_temp.use_many(first integer, last integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO usage (tenant_id, sku_id, quantity, started_at, ended_at, holding_id, slice_no)
    SELECT (SELECT tenant_id FROM tenant WHERE name = 'many'), s.sku_id, i, t, t + interval '1 hour', 10000 + i, 1
    FROM generate_series(first, last) AS i JOIN sku s ON s.name = 'many' || i,
         LATERAL (SELECT timestamptz '2026-06-01 00:00:00+00' + i * interval '1 second' AS t) AS x
$$;
CREATE FUNCTION pg_temp.charged_many(cycle interval) RETURNS TABLE (rows bigint, quantity numeric, amount numeric) LANGUAGE sql AS $$
    SELECT count(*), round(sum(quantity), 9), round(sum(amount), 9) FROM charges('many', '2026-06-01', '2026-07-01', cycle)
$$;
SELECT is_empty($$SELECT * FROM pg_temp.charged_many('1 second') WHERE rows > 0$$, 'a month by the second in which nothing was used');
SELECT pg_temp.use_many(1, 2);
SELECT results_eq($$SELECT * FROM pg_temp.charged_many('1 second')$$,
    $$VALUES (7200::bigint, 0.003, round((0.001 * 1801 + 0.002 * 1802) / 3600 * 0.01, 9))$$, 'of many SKUs, two by the second');
-- by the second few of them fit into memory at once
CREATE TEMP TABLE at_once AS SELECT * FROM charges(NULL::bigint, '2026-06-01', '2026-06-01 02:00:00', '1 second');
CREATE TEMP TABLE in_turn AS SELECT r.* FROM tenant t, charges(t.tenant_id, '2026-06-01', '2026-06-01 02:00:00', '1 second') r;
SELECT is(count(DISTINCT tenant_id), 8::bigint, 'tenants that do not fit into memory together') FROM at_once;
SELECT is(count(*), 0::bigint, 'are charged as they are one by one') FROM (
    (TABLE at_once EXCEPT ALL TABLE in_turn) UNION ALL (TABLE in_turn EXCEPT ALL TABLE at_once)) AS d;
SELECT pg_temp.use_many(3, 300);
-- 13 rows of five minutes for an hour that begins within them, 12 for SKU 300
SELECT results_eq($$SELECT * FROM pg_temp.charged_many('5 min')$$,
    $$SELECT 299 * 13 + 12::bigint, sum(i) / 1000.0, round(sum(i * (1800 + i)) / 1000.0 / 3600 * 0.01, 9) FROM generate_series(1, 300) AS i$$,
    'all of them by five minutes');
SELECT throws_ok($$SELECT * FROM charges('many', '2026-06-01', '2026-07-01', '1 second')$$, '54000',
    'too many billing cycles for the SKUs used', 'not all of them by the second');

--
-- The provider pays nobody; that is not everybody
--
SELECT is_empty($$SELECT * FROM charges('provider', '2026-05-31', '2026-07-01')$$, 'the provider by name');
SELECT is_empty($$SELECT * FROM charges(0, '2026-05-31', '2026-07-01')$$, 'the provider by id');

--
-- A price that was set is answered again, whatever the contract says by now
--
SELECT set_price('many1', '0.02', '2026-08-01', 'many', 'USD', request_id => 'august') AS august \gset
INSERT INTO contract (tenant_id, from_month, currency, time_zone, cycle, rounding)
SELECT tenant_id, '2026-07-01', 'EUR', time_zone, cycle, rounding FROM contract JOIN tenant USING (tenant_id) WHERE name = 'many';
SELECT is(set_price('many1', '0.02', '2026-08-01', 'many', 'USD', request_id => 'august'), :august::bigint, 'a price set again after a change of contract');
SELECT throws_ok($$SELECT set_price('many2', '0.02', '2026-08-01', 'many', 'USD', request_id => 'other')$$, '22023', NULL, 'another is not');

SELECT * FROM finish();
ROLLBACK;
