-- The books against a rater that knows nothing of them: plain SQL numeric, second
-- by second and price by price, over what was told of random months in zones
-- whose clocks are hard. Each tenant has twins who live through the same in
-- another way: events in pieces, in another order, every call twice, months
-- closed in between, or nothing settled before the end. All pay the same.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2018-01-01 00:00:00+00';
SELECT plan(70);
SELECT setseed(0.20240229);
\ir include/midnight.sql

-- a random instant of two seasons: clocks change in all zones, and there is a leap day
CREATE FUNCTION pg_temp.moment() RETURNS timestamptz LANGUAGE sql AS $$
    SELECT CASE WHEN random() < 0.5 THEN timestamptz '2018-09-28' ELSE timestamptz '2024-02-20' END
        + floor(random() * 50 * 86400) * interval '1 second'
$$;
-- a random number with so many decimals; most are small
CREATE FUNCTION pg_temp.number(most numeric, decimals integer) RETURNS numeric LANGUAGE sql AS $$
    SELECT round((power(random(), 3) * most::float8)::numeric, decimals) + power(10::numeric, -decimals)
$$;

--
-- Who, and under which contract
--
CREATE TEMP TABLE term (family text, currency text, zone text, starts timestamptz, ends timestamptz);
INSERT INTO term VALUES
    ('utc', 'USD', 'UTC', '-infinity', 'infinity'), ('shanghai', 'CNY', 'Asia/Shanghai', '-infinity', 'infinity'),
    ('howe', 'USD', 'Australia/Lord_Howe', '-infinity', 'infinity'), ('york', 'USD', 'America/New_York', '-infinity', 'infinity'),
    ('berlin', 'EUR', 'Europe/Berlin', '-infinity', 'infinity'), ('paulo', 'USD', 'America/Sao_Paulo', '-infinity', 'infinity'),
    -- zone and currency change while things are used
    ('mover', 'USD', 'America/New_York', '-infinity', pg_temp.midnight('2018-11-01', 'Asia/Shanghai')),
    ('mover', 'EUR', 'Asia/Shanghai', pg_temp.midnight('2018-11-01', 'Asia/Shanghai'), pg_temp.midnight('2024-03-01', 'UTC')),
    ('mover', 'USD', 'UTC', pg_temp.midnight('2024-03-01', 'UTC'), 'infinity');
CREATE TEMP TABLE way (way text PRIMARY KEY);
INSERT INTO way VALUES ('plain'), ('pieces'), ('shuffled'), ('twice'), ('closed'), ('late'), ('by clock');
CREATE TEMP TABLE twin AS
SELECT family, way, family || ' ' || way AS name,
       create_tenant(family || ' ' || way, (array_agg(currency ORDER BY starts))[1], (array_agg(zone ORDER BY starts))[1],
           rounding => (ARRAY['cut', 'half_up', 'half_even']::rounding_rule[])[1 + length(family) % 3]) AS tenant_id
FROM term, way GROUP BY family, way ORDER BY family, way;
SELECT count(*) FROM (
    SELECT set_contract(tenant_id, '2018-11-01', 'EUR', 'Asia/Shanghai'), set_contract(tenant_id, '2024-03-01', 'USD', 'UTC')
    FROM twin WHERE family = 'mover') AS s \g /dev/null
-- the months of each, cut where its contract changes
CREATE TEMP TABLE month AS
SELECT family, currency, greatest(b, starts) AS starts, least(e, ends) AS ends
FROM term, generate_series(date '2018-08-01', '2018-12-01', '1 month') AS d,
     LATERAL (SELECT pg_temp.midnight(d::date, zone) AS b, pg_temp.midnight((d + interval '1 month')::date, zone) AS e) AS m
WHERE b < ends AND e > starts
UNION ALL
SELECT family, currency, greatest(b, starts), least(e, ends)
FROM term, generate_series(date '2024-01-01', '2024-05-01', '1 month') AS d,
     LATERAL (SELECT pg_temp.midnight(d::date, zone) AS b, pg_temp.midnight((d + interval '1 month')::date, zone) AS e) AS m
WHERE b < ends AND e > starts;

--
-- Prices: of the list and contracted, at odd seconds, some of them set when
-- what they are for has been charged; two of them at once, the later counts
--
CREATE TEMP TABLE stock (sku text PRIMARY KEY, per sku_per);
INSERT INTO stock VALUES ('core', 'hour'), ('disk', 'hour'), ('gpu', 'hour'), ('chip', 'hour'), ('call', 'once');
SELECT create_sku(sku, 'unit', per) FROM stock ORDER BY sku \g /dev/null

CREATE TEMP TABLE tag (tag integer PRIMARY KEY, round integer, family text, currency text, sku text, valid_from timestamptz, kind text, n numeric[],
    minimum integer, quantum integer);
INSERT INTO tag
SELECT row_number() OVER (ORDER BY round, family NULLS FIRST, currency, sku, valid_from), round, family, currency, sku, valid_from, kind,
    CASE kind
        WHEN 'unit' THEN ARRAY[pg_temp.number(9, 5)]
        WHEN 'zero' THEN '{0}'
        WHEN 'flat' THEN ARRAY[pg_temp.number(9, 2), pg_temp.number(3, 4)]
        WHEN 'free' THEN ARRAY[pg_temp.number(40, 1), pg_temp.number(3, 3)]
        WHEN 'bounds' THEN ARRAY[pg_temp.number(3, 3), 1.5, 1.5 + pg_temp.number(40, 2)]
        WHEN 'package' THEN ARRAY[pg_temp.number(7, 2), pg_temp.number(2, 3), pg_temp.number(5, 1)]
        WHEN 'graduated' THEN ARRAY[b, pg_temp.number(2, 3), b + c, pg_temp.number(2, 3), pg_temp.number(1, 6), pg_temp.number(3, 2)]
        WHEN 'volume' THEN ARRAY[b, pg_temp.number(2, 3), b + c, pg_temp.number(2, 3), pg_temp.number(1, 6), pg_temp.number(3, 2)]
    END
FROM (
    SELECT r.*, (ARRAY['unit', 'zero', 'flat', 'free', 'bounds', 'package', 'graduated', 'volume', 'graduated', 'volume'])[1 + floor(random() * 10)::integer] AS kind,
           pg_temp.number(30, 3) AS b, pg_temp.number(100, 3) AS c
    FROM (
        SELECT 0 AS round, NULL AS family, currency, sku, timestamptz '2018-01-01' AS valid_from FROM stock, unnest('{USD,CNY,EUR}'::text[]) AS currency
        UNION ALL
        SELECT floor(random() * 4)::integer, NULL, currency, sku, pg_temp.moment() FROM stock, unnest('{USD,CNY,EUR}'::text[]) AS currency, generate_series(1, 3)
        UNION ALL
        SELECT floor(random() * 4)::integer, f.family, NULL, sku, pg_temp.moment()
        FROM (SELECT DISTINCT family FROM term) AS f, stock, generate_series(1, 2) WHERE f.family <> 'utc') AS r) AS t;
UPDATE tag SET currency = (SELECT currency FROM term WHERE term.family = tag.family AND starts <= valid_from AND valid_from < ends) WHERE family IS NOT NULL;
-- a wrong price put right from its first second on, and a contracted one that ends
INSERT INTO tag SELECT 1000 + row_number() OVER (), 3, family, currency, sku, valid_from, 'unit', ARRAY[0.25] FROM tag WHERE tag % 7 = 0;
INSERT INTO tag SELECT 2000 + row_number() OVER (), 3, family, currency, sku, valid_from + interval '50:20:01', 'end', NULL
FROM tag WHERE family IS NOT NULL AND tag % 3 = 0 AND tag < 1000;
UPDATE tag SET minimum = nullif(tag % 4 * 600, 0), quantum = (ARRAY[NULL, 60, 7200])[1 + tag % 3] WHERE sku = 'chip' AND kind <> 'end';
DELETE FROM tag t WHERE kind = 'end' AND coalesce((
    SELECT b.kind FROM tag b WHERE (b.family, b.sku, b.currency) = (t.family, t.sku, t.currency) AND b.valid_from < t.valid_from
    ORDER BY b.valid_from DESC, b.tag DESC LIMIT 1), 'end') = 'end';

CREATE FUNCTION pg_temp.written(kind text, n numeric[]) RETURNS tariff LANGUAGE sql AS $$
    SELECT CASE kind
        WHEN 'unit' THEN n[1]::text
        WHEN 'zero' THEN '0'
        WHEN 'flat' THEN format('{"model":"unit","flat":"%s","unit_price":"%s"}', n[1], n[2])
        WHEN 'free' THEN format('{"model":"unit","free_units":"%s","unit_price":"%s"}', n[1], n[2])
        WHEN 'bounds' THEN format('{"model":"unit","unit_price":"%s","minimum":"%s","maximum":"%s"}', n[1], n[2], n[3])
        WHEN 'package' THEN format('{"model":"package","package_size":"%s","package_price":"%s","free_units":"%s"}', n[1], n[2], n[3])
        WHEN 'end' THEN NULL
        ELSE format('{"model":"%s","tiers":[{"up_to":"%s","unit_price":"%s"},{"up_to":"%s","unit_price":"%s","flat":"%s"},{"unit_price":"%s"}]}',
            kind, n[1], n[2], n[3], n[4], n[6], n[5]) END::tariff
$$;
-- what so many units cost, if there are any
CREATE FUNCTION pg_temp.cost(kind text, n numeric[], q numeric) RETURNS numeric LANGUAGE sql AS $$
    SELECT CASE kind
        WHEN 'unit' THEN q * n[1]
        WHEN 'zero' THEN 0
        WHEN 'flat' THEN n[1] + q * n[2]
        WHEN 'free' THEN greatest(q - n[1], 0) * n[2]
        WHEN 'bounds' THEN greatest(least(q * n[1], n[3]), n[2])
        WHEN 'package' THEN (div(greatest(q - n[3], 0), n[1]) + (mod(greatest(q - n[3], 0), n[1]) > 0)::integer) * n[2]
        WHEN 'graduated' THEN least(q, n[1]) * n[2] + greatest(least(q, n[3]) - n[1], 0) * n[4]
            + CASE WHEN q > n[1] THEN n[6] ELSE 0 END + greatest(q - n[3], 0) * n[5]
        WHEN 'volume' THEN CASE WHEN q <= n[1] THEN q * n[2] WHEN q <= n[3] THEN q * n[4] + n[6] ELSE q * n[5] END
    END
$$;

CREATE TEMP TABLE set_price (tag integer, tenant_id bigint, price_id bigint);
CREATE FUNCTION pg_temp.set_prices(of_round integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT t.*, w.tenant_id FROM tag t LEFT JOIN twin w USING (family) WHERE round = of_round ORDER BY tag, w.tenant_id LOOP
        INSERT INTO pg_temp.set_price
        VALUES (p.tag, p.tenant_id, set_price(p.sku, pg_temp.written(p.kind, p.n), p.valid_from, p.tenant_id,
            CASE WHEN p.tenant_id IS NULL THEN p.currency END, CASE WHEN of_round > 0 THEN 'agreed' END, p.minimum, p.quantum));
    END LOOP;
END $$;

--
-- What was used, told in four rounds, and what of it was wrong
--
CREATE TEMP TABLE event (family text, n integer, sku text, q numeric, t0 timestamptz, t1 timestamptz, round integer, PRIMARY KEY (family, n));
INSERT INTO event
SELECT family, n, sku, pg_temp.number(9, 3), t0,
       CASE per WHEN 'once' THEN t0 + interval '1 second' ELSE t0 + (1 + floor(power(random(), 5) * 1500000)) * interval '1 second' END,
       1 + floor(random() * 4)
FROM (SELECT f.family, n, (ARRAY['call', 'core', 'core', 'disk', 'gpu'])[1 + n % 5] AS sku, pg_temp.moment() AS t0
      FROM (SELECT DISTINCT family FROM term) AS f, generate_series(1, 45) AS n) AS e JOIN stock USING (sku);
-- to another quantity, twice, to another time, to nothing
CREATE TEMP TABLE mistake AS
SELECT family, n, sku, (ARRAY['quantity', 'again', 'time', 'nothing'])[1 + n / 5 % 4] AS kind, pg_temp.number(9, 3) + 0.0005 * 2 AS q,
       t0 + (1 + floor(random() * 90000)) * interval '1 second' AS t0, least(4, round + floor(random() * 2)::integer) AS round
FROM event WHERE n % 5 IN (0, 2, 3) AND n % 2 = 0;
ALTER TABLE mistake ADD t1 timestamptz;
UPDATE mistake m SET q = CASE WHEN m.q = e.q THEN m.q + 1 ELSE m.q END,
    t1 = CASE m.sku WHEN 'call' THEN m.t0 + interval '1 second' ELSE m.t0 + (1 + floor(random() * 500000)) * interval '1 second' END
FROM event e WHERE (e.family, e.n) = (m.family, m.n);

-- how each twin is told: in pieces, each with the time between random seconds
CREATE TEMP TABLE piece AS
SELECT w.tenant_id, w.way, e.family, e.n, e.sku, e.q, a.at AS t0, a.next AS t1, a.piece_no,
       CASE w.way WHEN 'shuffled' THEN 1 + floor(random() * 4)::integer ELSE e.round END AS round
FROM event e JOIN twin w USING (family),
     LATERAL (
        SELECT at, lead(at) OVER (ORDER BY at) AS next, row_number() OVER (ORDER BY at) AS piece_no
        FROM (SELECT e.t0 AS at UNION SELECT e.t1
              UNION SELECT e.t0 + floor(random() * extract(epoch FROM e.t1 - e.t0)) * interval '1 second'
              FROM generate_series(1, 3) WHERE w.way = 'pieces' AND e.sku <> 'call') AS cuts) AS a
WHERE a.next IS NOT NULL;

CREATE FUNCTION pg_temp.tell(of_round integer, ways text[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE recorded) FROM record_usages(format($q$
        SELECT t.name AS tenant, p.sku, p.q AS quantity, p.t0 AS started_at, p.t1 AS ended_at, 'meter' AS source,
               concat_ws('/', p.tenant_id, p.n, p.piece_no) AS event_id
        FROM pg_temp.piece p JOIN pg_temp.twin t USING (tenant_id) WHERE p.round = %s AND p.way = ANY (%L)
        ORDER BY md5(p.n::text || p.piece_no)$q$, of_round, ways))
$$;
-- Each row of a wrong event is corrected; of one at another time the first moves, the others go
CREATE FUNCTION pg_temp.correct(of_round integer, ways text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    row record;
    ids bigint[];
    moves boolean;
BEGIN
    FOR row IN
        SELECT m.*, w.way, u.usage_id, row_number() OVER (PARTITION BY m.family, m.n, w.tenant_id ORDER BY u.usage_id) AS row_no
        FROM mistake m JOIN twin w USING (family)
        JOIN usage u ON u.tenant_id = w.tenant_id AND u.source = 'meter' AND split_part(u.event_id, '/', 2) = m.n::text
        WHERE w.way = ANY (ways) AND of_round = CASE w.way WHEN 'shuffled' THEN 4 ELSE m.round END
        ORDER BY u.usage_id
    LOOP
        moves := row.kind = 'time' AND row.row_no = 1;
        FOR times IN 1..CASE row.way WHEN 'twice' THEN 2 ELSE 1 END LOOP
            ids := ARRAY(SELECT correct_usage(row.usage_id, 'wrong',
                CASE row.kind WHEN 'quantity' THEN row.q WHEN 'again' THEN row.q + 10 ELSE CASE WHEN NOT moves THEN 0 END END,
                CASE WHEN moves THEN row.t0 END, CASE WHEN moves THEN row.t1 END, 'fix ' || row.usage_id));
        END LOOP;
        IF row.kind = 'again' THEN
            PERFORM correct_usage(again, 'wrong again', row.q) FROM unnest(ids[2:]) AS again;
        END IF;
    END LOOP;
END $$;

-- What could never be rated: without a price, or more than a counter holds. It is
-- put right before anything is settled, at once or in two steps: to nothing, or
-- to a time that has a price
CREATE TEMP TABLE slip (family text, n integer, kind text, sku text, q numeric, t0 timestamptz, t1 timestamptz, round integer, good timestamptz);
INSERT INTO slip
SELECT family, n, kind, CASE kind WHEN 'unpriced' THEN 'void' WHEN 'early' THEN 'core' ELSE 'gpu' END,
       CASE WHEN kind IN ('unpriced', 'early') THEN pg_temp.number(9, 3) ELSE 1.4e12 + n END,
       t0, t0 + interval '1 hour', 1 + floor(random() * 4), pg_temp.moment()
FROM (SELECT f.family, n, kind, CASE kind WHEN 'early' THEN '2017-11-11 11:11:11+00' ELSE pg_temp.moment() END AS t0
      FROM (SELECT DISTINCT family FROM term) AS f, generate_series(1, 20) AS n,
           LATERAL (SELECT (ARRAY['unpriced', 'early', 'huge', 'huger'])[1 + n % 4] AS kind) AS k) AS s;
SELECT create_sku('void', 'unit') \g /dev/null
CREATE FUNCTION pg_temp.slip(of_round integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    row record;
    again bigint;
BEGIN
    PERFORM record_usages(format($q$
        SELECT w.name AS tenant, s.sku, s.q AS quantity, s.t0 AS started_at, s.t1 AS ended_at, 'slip' AS source, concat_ws('/', w.tenant_id, s.n) AS event_id
        FROM pg_temp.slip s JOIN pg_temp.twin w USING (family) WHERE s.round = %s$q$, of_round));
    FOR row IN
        SELECT u.usage_id, s.* FROM slip s JOIN twin w USING (family)
        JOIN usage u ON u.tenant_id = w.tenant_id AND u.source = 'slip' AND u.event_id = concat_ws('/', w.tenant_id, s.n)
        WHERE s.round = of_round ORDER BY u.usage_id
    LOOP
        IF row.kind = 'early' THEN
            PERFORM correct_usage(row.usage_id, 'a slip', NULL, row.good, row.good + interval '5 hours');
        ELSIF row.kind = 'huger' THEN
            FOR again IN SELECT c FROM correct_usage(row.usage_id, 'a slip', row.q + 1) WITH ORDINALITY AS c(c, n) WHERE n > 1 LOOP
                PERFORM correct_usage(again, 'still one', 0);
            END LOOP;
        ELSE
            PERFORM correct_usage(row.usage_id, 'a slip', 0);
        END IF;
    END LOOP;
END $$;

--
-- Runs, by the clock: each twin has the same, settled while they run, right
-- before they end, or not at all
--
CREATE TEMP TABLE run (family text, n integer, gpus integer, t0 timestamptz, t1 timestamptz);
CREATE FUNCTION pg_temp.run(since timestamptz, steps integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    f record;
    at timestamptz := since;
BEGIN
    FOR step IN 1..steps LOOP
        at := at + (1 + floor(power(random(), 2) * 25000)) * interval '1 second';
        PERFORM set_config('pool_manager.clock', at::text, false);
        FOR f IN SELECT DISTINCT t.family, r.n FROM term t LEFT JOIN run r ON r.family = t.family AND r.t1 IS NULL ORDER BY 1 LOOP
            PERFORM settle(tenant_id) FROM twin WHERE family = f.family AND (way = 'by clock' OR way = 'plain' AND step % 3 = 0);
            IF f.n IS NULL AND step < steps THEN
                INSERT INTO run VALUES (f.family, step + extract(day FROM since)::integer * 100, 1 + floor(random() * 3), at);
                PERFORM submit_job('commons', 'run ' || r.n, tenant => w.name, request => ('nvidia.com/gpu=' || r.gpus)::resource_list)
                FROM run r JOIN twin w USING (family) WHERE r.family = f.family AND r.t1 IS NULL;
            ELSIF f.n IS NOT NULL AND (random() < 0.6 OR step = steps) THEN
                PERFORM finish_job(j.job_id) FROM job j JOIN twin w USING (tenant_id) WHERE w.family = f.family AND j.name = 'run ' || f.n;
                UPDATE run SET t1 = at WHERE family = f.family AND n = f.n;
            END IF;
        END LOOP;
        PERFORM schedule('commons');
    END LOOP;
END $$;
SELECT create_flavor('g3', 'nvidia.com/gpu=3', accelerator => 'nvidia.com/gpu'), set_resource_sku('g3', 'nvidia.com/gpu=1', 'chip'),
       create_pool('commons', 'public') \g /dev/null
SELECT count(*) FROM add_nodes('commons', 'g3', (SELECT count(*) FROM twin)::integer) \g /dev/null

-- bills of all that is over by then, one month after the other
CREATE FUNCTION pg_temp.bill(tenant bigint, over timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p record;
BEGIN
    PERFORM settle(tenant, over);
    LOOP
        SELECT date_trunc('month', b.period_start AT TIME ZONE t.time_zone + interval '2 hours')::date AS month,
               concat_ws(' ', b.period_start, l.closed_until) AS request INTO p
        FROM billing_period b JOIN ledger l USING (tenant_id)
        JOIN billing_terms(tenant) t ON b.period_start >= t.starts_at AND b.period_start < t.ends_at
        WHERE b.tenant_id = tenant AND b.state <> 'closed' AND b.period_end <= over ORDER BY b.period_start LIMIT 1;
        EXIT WHEN NOT FOUND;
        PERFORM issue_bill(tenant, p.month, p.request), issue_bill(tenant, p.month, p.request);
    END LOOP;
END $$;

CREATE FUNCTION pg_temp.live() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t record;
    at timestamptz;
BEGIN
    FOR r IN 1..4 LOOP
        PERFORM pg_temp.tell(r, array_agg(way)) FROM way;
        PERFORM pg_temp.tell(r, '{twice}');
        PERFORM pg_temp.correct(r, array_agg(way)) FROM way;
        PERFORM pg_temp.slip(r);
        -- some runs were none
        PERFORM correct_usage(u.usage_id, 'a test', 0) FROM usage u JOIN job j USING (pool_id, job_id)
        WHERE r = 2 AND split_part(j.name, ' ', 2)::integer % 4 = 0;
        FOR t IN SELECT * FROM twin WHERE way NOT IN ('late', 'closed') ORDER BY tenant_id LOOP
            at := CASE t.way WHEN 'by clock' THEN clock() ELSE pg_temp.moment() END;
            PERFORM settle(t.tenant_id, at);
            IF t.way = 'twice' THEN
                PERFORM settle(t.tenant_id, at), settle(t.tenant_id, at - interval '1 day');
            END IF;
        END LOOP;
        PERFORM pg_temp.bill(tenant_id, (ARRAY['2018-11-03', '2018-12-20', '2024-03-04', '2024-03-20']::timestamptz[])[r])
        FROM twin WHERE way = 'closed' ORDER BY tenant_id;
        PERFORM adjust(tenant_id, r - 2.345, 'a credit', request_id => 'credit ' || r),
                adjust(tenant_id, r - 2.345, 'a credit', request_id => 'credit ' || r)
        FROM twin WHERE way IN ('closed', 'twice') ORDER BY tenant_id;
        PERFORM pg_temp.set_prices(r);
    END LOOP;
END $$;

SELECT pg_temp.set_prices(0) \g /dev/null
SELECT pg_temp.run('2024-02-28 12:00+00', 14), pg_temp.run('2024-03-09 20:00+00', 10) \g /dev/null
SET pool_manager.clock = '2024-05-01 06:00:00+00';
SELECT lives_ok('SELECT pg_temp.live()', 'months go by');
SELECT lives_ok('SELECT settle(tenant_id) FROM twin ORDER BY tenant_id', 'and are settled');
SELECT is(sum(settle(tenant_id)), 0::numeric, 'once') FROM twin;

--
-- The rater: which price is in force from when to when, in which month, and how
-- much of what was really used lies in it
--
CREATE TEMP TABLE fact AS
SELECT e.family, e.sku, CASE WHEN m.kind IN ('quantity', 'again') THEN m.q ELSE e.q END AS q,
       CASE m.kind WHEN 'time' THEN m.t0 ELSE e.t0 END AS t0, CASE m.kind WHEN 'time' THEN m.t1 ELSE e.t1 END AS t1,
       0 AS run_seconds
FROM event e LEFT JOIN mistake m USING (family, n) WHERE m.kind IS DISTINCT FROM 'nothing'
UNION ALL
SELECT family, sku, q, good, good + interval '5 hours', 0 FROM slip WHERE kind = 'early'
UNION ALL
SELECT family, 'chip', gpus, t0, t1, extract(epoch FROM t1 - t0) FROM run WHERE n % 4 <> 0;

CREATE TEMP TABLE span AS
SELECT s.family, s.sku, m.starts AS month_start, s.t0, s.t1, CASE WHEN own.kind <> 'end' THEN own.tag ELSE list.tag END AS tag
FROM (
    SELECT family, sku, t AS t0, lead(t) OVER (PARTITION BY family, sku ORDER BY t) AS t1
    FROM (SELECT family, sku, starts AS t FROM month, stock
          UNION SELECT family, sku, ends FROM month, stock
          UNION SELECT f.family, p.sku, p.valid_from FROM tag p JOIN (SELECT DISTINCT family FROM term) AS f ON f.family = coalesce(p.family, f.family)) AS edges) AS s
JOIN month m ON m.family = s.family AND m.starts <= s.t0 AND s.t0 < m.ends
LEFT JOIN LATERAL (
    SELECT p.* FROM tag p WHERE p.family = s.family AND p.sku = s.sku AND p.currency = m.currency AND p.valid_from <= s.t0
    ORDER BY p.valid_from DESC, p.tag DESC LIMIT 1) AS own ON true
LEFT JOIN LATERAL (
    SELECT p.* FROM tag p WHERE p.family IS NULL AND p.sku = s.sku AND p.currency = m.currency AND p.valid_from <= s.t0
    ORDER BY p.valid_from DESC, p.tag DESC LIMIT 1) AS list ON true;

CREATE TEMP TABLE model AS
SELECT c.*, pg_temp.cost(p.kind, p.n, c.quantity) AS amount
FROM (
    SELECT family, sku, month_start, tag, sum(units) AS units,
           round(sum(units)::numeric(60, 20) / CASE per WHEN 'once' THEN 1000 ELSE 3600000 END, 12) AS quantity
    FROM (
        SELECT s.family, s.sku, per, s.month_start, s.tag, 1000 * f.q * CASE per
                   WHEN 'once' THEN (s.t0 <= f.t0 AND f.t0 < s.t1)::integer
                   ELSE greatest(0, extract(epoch FROM least(f.t1, s.t1) - greatest(f.t0, s.t0)))
                       + CASE WHEN f.run_seconds > 0 AND s.t0 < f.t1 AND f.t1 <= s.t1
                         THEN greatest(p.minimum, p.quantum * ceil(f.run_seconds / p.quantum), f.run_seconds) - f.run_seconds ELSE 0 END END AS units
        FROM span s JOIN stock USING (sku) JOIN fact f USING (family, sku) JOIN tag p USING (tag)) AS u
    GROUP BY family, sku, per, month_start, tag HAVING sum(units) > 0) AS c
JOIN tag p USING (tag);

-- what is in the books, by the same names
CREATE TEMP VIEW booked AS
SELECT w.family, w.way, w.tenant_id, k.name AS sku, c.month_start, p.tag, c.units::numeric AS units, c.amount
FROM counter c JOIN twin w USING (tenant_id) JOIN sku k USING (sku_id) JOIN set_price p USING (price_id);

SELECT cmp_ok((SELECT count(*) FROM model WHERE family = f.family), '>', 15::bigint, 'much was used in ' || f.family)
FROM (SELECT DISTINCT family FROM term) AS f ORDER BY f.family;
SELECT is(count(*) FILTER (WHERE (m.units, m.amount) IS DISTINCT FROM (b.units, b.amount)), 0::bigint, format('%s, %s: to the last digit', family, way))
FROM (SELECT model.*, way FROM model JOIN twin USING (family)) AS m
FULL JOIN (SELECT * FROM booked WHERE units > 0) AS b USING (family, way, sku, month_start, tag)
GROUP BY family, way ORDER BY family, way;
SELECT is(count(*), 0::bigint, 'what was booked into any period sums to the counter') FROM (
    SELECT tenant_id, sku_id, price_id, month_start, units, amount FROM counter
    EXCEPT
    SELECT tenant_id, sku_id, price_id, month_start, sum(units_after - units_before), sum(amount) FROM charge
    WHERE usage_id IS NOT NULL GROUP BY 1, 2, 3, 4) AS d;
SELECT is(count(*), 0::bigint, 'charges() says the same, month by month') FROM (
    SELECT family, way, sku, month_start, tag, sum(quantity) AS quantity, sum(amount) AS amount FROM (
        SELECT w.family, w.way, r.sku, m.starts AS month_start, p.tag, r.quantity, r.amount
        FROM twin w, charges(w.tenant_id, '2018-08-02', '2024-05-01', '1 month') r, set_price p, month m
        WHERE p.price_id = r.price_id AND m.family = w.family AND r.cycle_start >= m.starts AND r.cycle_start < m.ends) AS r
    GROUP BY 1, 2, 3, 4, 5) AS r
FULL JOIN (SELECT model.*, way FROM model JOIN twin USING (family)) AS m USING (family, way, sku, month_start, tag)
WHERE (r.quantity, r.amount) IS DISTINCT FROM (m.quantity, m.amount);

--
-- Bills
--
SELECT lives_ok($$SELECT pg_temp.bill(tenant_id, '2024-05-01 05:00') FROM twin WHERE way IN ('closed', 'plain') ORDER BY tenant_id$$, 'the rest is billed');
SELECT is(count(*), 0::bigint, 'a bill is what was booked into its period, rounded once') FROM (
    SELECT b.bill_id, b.total, b.rounding, b.scale, coalesce(sum(c.amount), 0) AS exact
    FROM bill b LEFT JOIN charge c USING (tenant_id, period_start, currency) GROUP BY b.tenant_id, b.bill_id) AS b
WHERE total <> sign(exact) * floor(abs(exact) * power(10::numeric, scale) + CASE rounding
    WHEN 'cut' THEN 0 WHEN 'half_up' THEN 0.5
    ELSE CASE WHEN mod(abs(exact) * power(10::numeric, scale), 2) = 0.5 THEN 0 ELSE 0.5 END END) / power(10::numeric, scale);
SELECT is(count(*), 0::bigint, 'nothing is left out of them') FROM (
    SELECT w.tenant_id, c.currency, sum(c.amount) FROM twin w JOIN charge c USING (tenant_id) WHERE way IN ('closed', 'plain') GROUP BY 1, 2
    EXCEPT
    SELECT tenant_id, currency, sum(amount) FROM bill GROUP BY 1, 2) AS d;
SELECT is(count(*), 0::bigint, 'month by month, who was billed in between paid what who was never billed had booked') FROM (
    SELECT family, sku_id, month_start, tag, sum(amount) FILTER (WHERE way = 'closed') AS closed, sum(amount) FILTER (WHERE way = 'late') AS late
    FROM charge c JOIN twin w USING (tenant_id) JOIN set_price p USING (price_id) GROUP BY 1, 2, 3, 4) AS d
WHERE closed IS DISTINCT FROM late AND coalesce(closed, 0) <> coalesce(late, 0);
SELECT results_eq('SELECT rule, thing, expected, found FROM reconcile()',
    $$SELECT ''::text, ''::text, ''::text, ''::text WHERE false$$, 'all books agree');

-- that it was hard
SELECT is((count(DISTINCT u.usage_id) >= 1960, count(c.charge_id))::text, '(t,0)', 'slips, of which none was rated')
FROM usage u LEFT JOIN charge c USING (tenant_id, usage_id) WHERE u.source = 'slip' OR u.corrects IN (SELECT usage_id FROM usage WHERE source = 'slip');
SELECT cmp_ok(count(*), '>', 100::bigint, 'corrections of closed months') FROM charge WHERE kind = 'correction';
SELECT cmp_ok(count(DISTINCT tenant_id), '>', 40::bigint, 'reprices of nearly all') FROM booking WHERE kind = 'reprice';
SELECT cmp_ok(count(DISTINCT (price_id, tier)), '>', 30::bigint, 'tiers that were left again') FROM charge WHERE tier > 1 AND units_after < units_before;
SELECT * FROM finish();
ROLLBACK;
