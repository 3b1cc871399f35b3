-- Random tariffs against a rater that knows nothing of the type: plain numeric
-- on the JSON that the tariff was made of.  The numbers are such as hurt:
-- bounds met exactly and missed by the last of 12 digits, 0, prices of 10
-- digits, quantities of 12 digits on both sides of the point.
BEGIN;
SET search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SELECT plan(43);
SELECT setseed(0.20091102);

-- ---- the model ----

-- What convert makes of a quantity.  Divisors are so small that a quotient
-- with 60 digits tells whole from not whole.
CREATE FUNCTION pg_temp.converted(p jsonb, q numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p #>> '{convert,rounding}'
        WHEN 'ceiling' THEN ceil(exact) WHEN 'floor' THEN floor(exact) WHEN 'half_up' THEN floor(exact + 0.5)
        ELSE exact END
    FROM (SELECT CASE p #>> '{convert,op}'
        WHEN 'multiply' THEN q * (p #>> '{convert,factor}')::numeric
        WHEN 'divide' THEN q * 1e60 / (p #>> '{convert,factor}')::numeric * 1e-60
        ELSE q END AS exact) AS e
$$;

CREATE FUNCTION pg_temp.tiers(p jsonb) RETURNS TABLE (t bigint, lower numeric, upper numeric, price numeric, flat numeric) LANGUAGE sql IMMUTABLE AS $$
    SELECT t, lag((e ->> 'up_to')::numeric, 1, 0.0) OVER (ORDER BY t), (e ->> 'up_to')::numeric,
           coalesce((e ->> 'unit_price')::numeric, 0), coalesce((e ->> 'flat')::numeric, 0)
    FROM jsonb_array_elements(p -> 'tiers') WITH ORDINALITY AS a (e, t)
$$;

-- A(q): what q units cost once something is booked
CREATE FUNCTION pg_temp.total(p jsonb, q numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(least(CASE p ->> 'model'
        WHEN 'unit' THEN n * (p ->> 'unit_price')::numeric + coalesce((p ->> 'flat')::numeric, 0)
        WHEN 'package' THEN coalesce((p ->> 'flat')::numeric, 0) + (p ->> 'package_price')::numeric *
            (div(n, (p ->> 'package_size')::numeric) + (mod(n, (p ->> 'package_size')::numeric) > 0)::integer)
        WHEN 'graduated' THEN (SELECT sum((least(n, upper) - lower) * price + flat) FROM pg_temp.tiers(p) WHERE t = 1 OR n > lower)
        WHEN 'volume' THEN (SELECT n * price + flat FROM pg_temp.tiers(p) WHERE upper IS NULL OR n <= upper ORDER BY t LIMIT 1)
        END, (p ->> 'maximum')::numeric), coalesce((p ->> 'minimum')::numeric, 0))
    FROM (SELECT greatest(pg_temp.converted(p, q) - coalesce((p ->> 'free_units')::numeric, 0), 0) AS n) AS priced
$$;

-- ---- random tariffs ----

CREATE FUNCTION pg_temp.one_of(VARIADIC choices numeric[]) RETURNS numeric LANGUAGE sql VOLATILE AS $$
    SELECT choices[1 + floor(random() * cardinality(choices))::integer]
$$;
-- a price: small, of many digits, none
CREATE FUNCTION pg_temp.a_price() RETURNS numeric LANGUAGE sql VOLATILE AS $$
    SELECT pg_temp.one_of(0, 1, 0.66, 1750, round(random()::numeric * 100, 2), round(random()::numeric * 10, 10), 0.0000000001, 99999999.9999999999)
$$;
CREATE FUNCTION pg_temp.some_tiers(n integer) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_agg(CASE floor(random() * 3)
        WHEN 0 THEN jsonb_build_object('up_to', up_to, 'unit_price', pg_temp.a_price()::text)
        WHEN 1 THEN jsonb_build_object('up_to', up_to, 'flat', pg_temp.a_price())
        ELSE jsonb_build_object('up_to', up_to, 'unit_price', pg_temp.a_price(), 'flat', pg_temp.a_price()::text) END ORDER BY t)
    FROM (SELECT t, CASE WHEN t < n THEN sum(width) OVER (ORDER BY t) END AS up_to
          FROM (SELECT t, pg_temp.one_of(1, 5, 10, 0.1, 0.000000000001, round(random()::numeric * 100, 3), 123456789012) AS width
                FROM generate_series(1, n) AS t) AS widths) AS bounds
$$;
CREATE FUNCTION pg_temp.a_tariff(s integer) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
            'free_units', CASE WHEN random() < 0.3 THEN pg_temp.one_of(0, 1, 10, 2.5, 0.000000000001) END,
            'minimum', CASE WHEN random() < 0.3 THEN pg_temp.one_of(0, 1, 10.55, 100) END,
            'maximum', CASE WHEN random() < 0.3 THEN pg_temp.one_of(100, 1000.01, 1e15) END,
            'convert', CASE WHEN random() < 0.4 THEN (ARRAY['{"op":"divide","factor":1000,"rounding":"ceiling"}', '{"op":"divide","factor":"7","rounding":"ceiling"}',
                '{"op":"divide","factor":3,"rounding":"floor"}', '{"op":"divide","factor":0.6,"rounding":"half_up"}', '{"op":"divide","factor":1024}',
                '{"op":"multiply","factor":"1.2","rounding":"none"}', '{"op":"multiply","factor":0.125,"rounding":"half_up"}',
                '{"op":"multiply","factor":60,"rounding":"ceiling"}', '{"op":"multiply","factor":2.75,"rounding":"floor"}']::jsonb[])[1 + floor(random() * 9)::integer] END)) ||
        CASE s % 4
            WHEN 0 THEN jsonb_strip_nulls(jsonb_build_object('model', 'unit', 'unit_price', pg_temp.a_price(), 'flat', CASE WHEN random() < 0.5 THEN pg_temp.a_price() END))
            WHEN 1 THEN jsonb_build_object('model', 'graduated', 'tiers', pg_temp.some_tiers(1 + floor(random() * 6)::integer))
            WHEN 2 THEN jsonb_build_object('model', 'volume', 'tiers', pg_temp.some_tiers(1 + floor(random() * 6)::integer))
            ELSE jsonb_strip_nulls(jsonb_build_object('model', 'package', 'package_price', pg_temp.a_price(), 'flat', CASE WHEN random() < 0.5 THEN pg_temp.a_price() END,
                'package_size', pg_temp.one_of(1, 10, 0.3, 1000000, 0.000000000001))) END
$$;
CREATE TEMP TABLE drawn AS SELECT s, pg_temp.a_tariff(s) AS p FROM generate_series(1, 200) AS s;
ALTER TABLE drawn ADD t tariff;
UPDATE drawn SET t = p::tariff;

-- Quantities: fixed ones, random ones, each bound of the tariff and its
-- neighbours at the 12th digit, before conversion and free units where that can be undone
CREATE TEMP TABLE sample AS
SELECT DISTINCT s, q FROM (
    SELECT s, unnest(ARRAY[0, 0.000000000001, 0.5, 1, 5, 999.999999999999, 1000, 123456789012.345678901234, 999999999999.999999999999]) AS q FROM drawn
    UNION ALL
    SELECT s, round((random() * 10 ^ floor(random() * 7))::numeric, (random() * 12)::integer) FROM drawn, generate_series(1, 5)
    UNION ALL
    SELECT s, greatest(x + coalesce((p ->> 'free_units')::numeric, 0) + d * 0.000000000001, 0)
    FROM drawn, LATERAL (SELECT upper FROM pg_temp.tiers(p) WHERE upper IS NOT NULL UNION ALL SELECT (p ->> 'package_size')::numeric * 3 WHERE p ? 'package_size') AS b (x),
         unnest(ARRAY[-1, 0, 1]) AS d) AS quantities
WHERE q IS NOT NULL;
SELECT cmp_ok(count(*), '>', 3000::bigint, 'many quantities') FROM sample;
SELECT is(count(DISTINCT p ->> 'model'), 4::bigint, 'of every model') FROM drawn;

-- ---- amounts ----

SELECT is_empty($$SELECT p, q, amount(t, q), pg_temp.total(p, q) FROM sample JOIN drawn USING (s) WHERE amount(t, q) IS DISTINCT FROM pg_temp.total(p, q)$$,
    'the amount of a first booking');
SELECT is_empty($$SELECT p, q FROM sample JOIN drawn USING (s) WHERE (amount(t, q) + 0.000000000001) = pg_temp.total(p, q)$$,
    'a wrong amount would be noticed');
CREATE TEMP TABLE pair AS
SELECT s, t, p, a.q AS already, b.q AS q FROM drawn JOIN LATERAL (SELECT q FROM sample WHERE sample.s = drawn.s ORDER BY random() LIMIT 4) AS a ON true
    JOIN LATERAL (SELECT q FROM sample WHERE sample.s = drawn.s ORDER BY random() LIMIT 4) AS b ON true;
SELECT is_empty($$SELECT p, q, already FROM pair WHERE amount(t, q, already) IS DISTINCT FROM pg_temp.total(p, already + q) - pg_temp.total(p, already)$$,
    'the amount of what comes after something');
SELECT is_empty($$SELECT p, q, already FROM pair WHERE amount(t, -q, already + q) + amount(t, q, already) <> 0$$, 'what is taken back costs what it cost');

-- parts, each after the ones before, are the whole
CREATE TEMP TABLE part AS
SELECT s, i, round(random()::numeric * pg_temp.one_of(0.000001, 1, 30), 12) AS q FROM drawn, generate_series(1, 7) AS i;
SELECT is_empty($$
    SELECT s FROM (SELECT s, q, sum(q) OVER w AS whole, sum(q) OVER w - q AS before, i FROM part WINDOW w AS (PARTITION BY s ORDER BY i)) AS parts JOIN drawn USING (s)
    GROUP BY s HAVING sum(amount(t, q, CASE WHEN i > 1 THEN before END)) <> amount(max(t::text)::tariff, max(whole))$$,
    'the sum of the parts is the whole');
SELECT is_empty($$
    SELECT s FROM (SELECT s, q, sum(q) OVER w - q AS before, sum(q) OVER (PARTITION BY s) AS whole FROM part WINDOW w AS (PARTITION BY s ORDER BY i DESC)) AS parts JOIN drawn USING (s)
    GROUP BY s HAVING sum(amount(t, q, before)) <> amount(max(t::text)::tariff, max(whole), 0)$$,
    'in whatever order');

-- more never costs less, unless a volume price falls
SELECT is_empty($$SELECT p, q, before FROM (SELECT s, q, lag(q) OVER (PARTITION BY s ORDER BY q) AS before FROM sample) AS steps JOIN drawn USING (s)
    WHERE p ->> 'model' <> 'volume' AND amount(t, q) < amount(t, before)$$, 'more never costs less');
SELECT isnt_empty($$SELECT FROM (SELECT s, q, lag(q) OVER (PARTITION BY s ORDER BY q) AS before FROM sample) AS steps JOIN drawn USING (s)
    WHERE p ->> 'model' = 'volume' AND amount(t, q) < amount(t, before)$$, 'unless a volume price falls');
SELECT is_empty($$SELECT p, q FROM sample JOIN drawn USING (s) WHERE amount(t, q) < (p ->> 'minimum')::numeric OR amount(t, q) > (p ->> 'maximum')::numeric$$,
    'between minimum and maximum');
SELECT isnt_empty($$SELECT FROM sample JOIN drawn USING (s) WHERE amount(t, q) = (p ->> 'minimum')::numeric AND amount((p - 'minimum')::tariff, q) < amount(t, q)$$, 'a minimum was met');
SELECT isnt_empty($$SELECT FROM sample JOIN drawn USING (s) WHERE amount(t, q) = (p ->> 'maximum')::numeric AND amount((p - 'maximum')::tariff, q) > amount(t, q)$$, 'a maximum was met');

-- the bound is of the tier, what is a last digit above is not
SELECT results_eq($$SELECT l.tier FROM unnest(ARRAY[9.999999999999, 10, 10.000000000001]) AS q,
    lines('{"model":"volume","tiers":[{"up_to":10,"unit_price":2},{"unit_price":1}]}', q) AS l ORDER BY q$$, ARRAY[1, 1, 2], 'volume: bounds are inclusive');
SELECT results_eq($$SELECT count(*)::integer FROM unnest(ARRAY[9.999999999999, 10, 10.000000000001]) AS q,
    lines('{"model":"graduated","tiers":[{"up_to":10,"unit_price":2},{"unit_price":1}]}', q) AS l GROUP BY q ORDER BY q$$, ARRAY[1, 1, 2], 'graduated: too');

-- ---- numbers of any length ----

-- Below 2^123 they are reckoned with as integers, above as numeric: numbers of
-- every length, so that each sum and product is met on both sides.
CREATE FUNCTION pg_temp.a_number(before integer, behind integer) RETURNS numeric LANGUAGE sql VOLATILE AS $$
    SELECT string_agg(floor(random() * 10)::text, '')::numeric * ('1e-' || behind)::numeric FROM generate_series(1, before + behind)
$$;
CREATE FUNCTION pg_temp.any_number(most_before integer, most_behind integer) RETURNS numeric LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN random() < 0.2 THEN trunc(n, -floor(random() * 10)::integer) ELSE n END
    FROM pg_temp.a_number(1 + floor(random() * most_before)::integer, floor(random() * (most_behind + 1))::integer) AS n
$$;
CREATE TEMP TABLE wide AS
SELECT s, p, p::tariff AS t, b.low, b.high FROM generate_series(1, 800) AS s,
    LATERAL (SELECT least(x, y) + 0.001 AS low, greatest(x, y) + 0.002 AS high
             FROM (SELECT pg_temp.any_number(20, 12) + s * 0 AS x, pg_temp.any_number(20, 12) AS y) AS bounds) AS b,
    LATERAL (SELECT CASE s % 4
        WHEN 0 THEN jsonb_build_object('model', 'unit', 'unit_price', pg_temp.any_number(24, 24), 'flat', pg_temp.any_number(24, 24))
        WHEN 1 THEN jsonb_build_object('model', 'package', 'package_price', pg_temp.any_number(24, 24), 'package_size', b.low)
        ELSE jsonb_build_object('model', (ARRAY['graduated', 'volume'])[s % 4 - 1], 'tiers', jsonb_build_array(
            jsonb_build_object('up_to', b.low, 'unit_price', pg_temp.any_number(12, 12)),
            jsonb_build_object('up_to', b.high, 'unit_price', pg_temp.any_number(24, 24), 'flat', pg_temp.any_number(24, 24)),
            jsonb_build_object('unit_price', pg_temp.any_number(8, 4)))) END ||
        jsonb_strip_nulls(jsonb_build_object('maximum', CASE s % 5 WHEN 0 THEN 1e20 + pg_temp.any_number(24, 24) - 1e20 END, 'free_units', CASE s % 7 WHEN 0 THEN b.low END)) AS p) AS tariffs;
CREATE TEMP TABLE wide_pair AS
SELECT wide.*, pg_temp.any_number(30, 20) + s * 0 AS q, pg_temp.any_number(30, 20) + s * 0 AS already FROM wide, generate_series(1, 4)
UNION ALL
-- the edge of the integers, as it is and with so many digits behind the point
SELECT wide.*, (2 ^ 123::numeric + d) * ('1e-' || n)::numeric, (2 ^ 122::numeric - d) * ('1e-' || n)::numeric
FROM wide, generate_series(-1, 1) AS d, generate_series(0, 40, 4) AS n WHERE s < 30;
SELECT is_empty($$SELECT p, q FROM wide_pair WHERE amount(t, q) IS DISTINCT FROM pg_temp.total(p, q)$$, 'the amount of numbers of any length');
SELECT is_empty($$SELECT p, q, already FROM wide_pair WHERE amount(t, q, already) IS DISTINCT FROM pg_temp.total(p, already + q) - pg_temp.total(p, already)$$,
    'and of what comes after something');
SELECT is_empty($$SELECT p, q, already FROM wide_pair WHERE amount(t, -q, already + q) + amount(t, q, already) <> 0$$, 'taken back again');
SELECT is_empty($$SELECT p, q FROM wide_pair WHERE amount(t, q)::text <> trim_scale(pg_temp.total(p, q))::text$$, 'it has no zeros behind');
SELECT is_empty($$SELECT q FROM wide_pair WHERE amount('1', q)::text <> trim_scale(q)::text OR numeric_send(amount('1', q)) <> numeric_send(trim_scale(q))$$,
    'what is read and made again is the same, bit by bit');
SELECT is_empty($$SELECT length FROM generate_series(20, 50) AS length WHERE NOT EXISTS (
    SELECT FROM wide_pair WHERE length(replace(amount(t, q)::text, '.', '')) = length)$$, 'amounts are of 20 to 50 digits');

-- ---- lines ----

SELECT is_empty($$SELECT p, q, already FROM pair WHERE amount(t, q, already) <> (SELECT coalesce(sum(l.amount), 0) FROM lines(t, q, already) AS l)$$, 'lines add up');
SELECT is_empty($$SELECT p, q FROM sample JOIN drawn USING (s) WHERE amount(t, q) <> (SELECT coalesce(sum(l.amount), 0) FROM lines(t, q) AS l)$$, 'those of a first booking too');
SELECT is_empty($$SELECT p, q, l FROM sample JOIN drawn USING (s), lines(t, q) AS l
    WHERE l.tier IS NOT NULL AND (l.quantity < 0 OR l.amount < 0 OR l.amount > l.quantity * l.unit_price + l.flat OR
        NOT p ? 'maximum' AND l.amount <> l.quantity * l.unit_price + l.flat)$$, 'quantity x unit price + flat, less what the maximum cuts');
SELECT is_empty($$SELECT p, q FROM sample JOIN drawn USING (s), lines(t, q) AS l WHERE p ->> 'model' = 'graduated' AND l.tier IS NOT NULL
    GROUP BY s, p, q HAVING sum(l.quantity) <> greatest(pg_temp.converted(p, q) - coalesce((p ->> 'free_units')::numeric, 0), 0)$$, 'graduated: the quantities of the tiers are what is priced');

-- ---- forms ----

SELECT is_empty($$SELECT p FROM drawn WHERE t::text::tariff <> t OR t::text::tariff::text <> t::text$$, 'text reads back');
SELECT is_empty($$SELECT p FROM drawn WHERE t::jsonb::tariff <> t OR t::text::jsonb <> t::jsonb$$, 'JSON too');
SELECT is_empty($$SELECT p FROM drawn WHERE tariff_hash(t) <> tariff_hash(t::text::tariff)$$, 'equal ones hash alike');
SELECT is_empty($$SELECT p, q FROM sample JOIN drawn USING (s) WHERE amount(t, q) <> amount(t::text::tariff, q)$$, 'and cost the same');
SELECT is_empty($$SELECT a.p, b.p FROM drawn a JOIN drawn b ON a.s < b.s AND a.t = b.t JOIN sample ON sample.s = a.s WHERE amount(a.t, q) <> amount(b.t, q)$$, 'equal ones cost the same');
SELECT is_empty($$SELECT p FROM drawn WHERE p ->> 'model' = 'unit' AND p - 'unit_price' = '{"model":"unit"}' AND t <> (p ->> 'unit_price')::numeric::tariff$$, 'a number is a price per unit');

-- ---- what is no tariff: an error with a detail, never a crash or another tariff ----

CREATE FUNCTION pg_temp.read(text, OUT t tariff, OUT code text, OUT detail text) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    t := $1::tariff;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
END $$;

-- a character left out, doubled, or another in its place; the rest left out
CREATE TEMP TABLE broken AS
SELECT b.text, r.* FROM (SELECT t::text AS x FROM drawn) AS whole, LATERAL (SELECT 1 + floor(random() * length(x))::integer AS at FROM generate_series(1, 10)) AS places,
    LATERAL unnest(ARRAY[overlay(x PLACING '' FROM at FOR 1), overlay(x PLACING substr(x, at, 1) || substr(x, at, 1) FROM at FOR 1),
        overlay(x PLACING substr('{}[]:,"-+.e0 x\', 1 + floor(random() * 15)::integer, 1) FROM at FOR 1), left(x, at)]) AS b (text),
    LATERAL pg_temp.read(b.text) AS r;
SELECT is_empty('SELECT text FROM broken WHERE t IS NOT NULL AND t::text::tariff <> t', 'what is still a tariff reads back');
SELECT is_empty($$SELECT text FROM broken WHERE t IS NULL AND (code NOT IN ('22P02', '22023', '22003') OR detail = '')$$, 'what is none has an error with a detail');
SELECT cmp_ok(count(*), '>', 5000::bigint, 'many are none') FROM broken WHERE t IS NULL;
SELECT isnt_empty('SELECT text FROM broken WHERE t IS NOT NULL', 'some still are');

SELECT is(r.code || ': ' || r.detail, v.code || ': ' || v.detail, v.tariff) FROM (VALUES
    ('{"model":"unit","unit_price":"-0.01"}', '22023', 'The value of "unit_price", -0.01, is negative.'),
    ('{"model":"graduated","tiers":[{"up_to":-5,"unit_price":1},{"unit_price":1}]}', '22023', 'The value of "up_to", -5, is negative.'),
    ('{"model":"volume","tiers":[{"up_to":10,"unit_price":1},{"up_to":5,"unit_price":1},{"unit_price":1}]}', '22023', 'The bound of tier 2 is not above that of the tier before it.'),
    ('{"model":"volume","tiers":[{"up_to":10,"unit_price":1},{"up_to":"10.0","unit_price":1},{"unit_price":1}]}', '22023', 'The bound of tier 2 is not above that of the tier before it.'),
    ('{"model":"volume","tiers":[{"up_to":10,"unit_price":1}]}', '22023', 'The last tier has a bound: units above it would have no price.'),
    ('{"model":"volume","tiers":[{"up_to":10,"up_to":20,"unit_price":1},{"unit_price":1}]}', '22P02', 'Key "up_to" is given twice.'),
    ('{"model":"package","package_price":1,"package_size":0.0}', '22023', 'The package size is not above 0.'),
    ('{"model":"unit","unit_price":1,"minimum":"1.01","maximum":"1.0"}', '22023', 'The minimum is above the maximum.')) AS v (tariff, code, detail), pg_temp.read(v.tariff) AS r;

SELECT * FROM finish();
ROLLBACK;
