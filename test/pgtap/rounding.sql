-- Currencies and round_money(), against cases of published billing systems
-- (test/data/rating_cases.jsonl) and by what each rule promises.
-- Left out: rnd-011 (rounding up is no rule here), rnd-021 (a tolerance; bills
-- have none).
BEGIN;
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SELECT plan(28);

\getenv tree PM_TREE
\set cases :tree '/test/data/rating_cases.jsonl'
CREATE TEMP TABLE entry (c jsonb NOT NULL);
COPY entry FROM :'cases' (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02');

CREATE FUNCTION pg_temp.rule(c jsonb) RETURNS rounding_rule LANGUAGE sql IMMUTABLE RETURN
    CASE c #>> '{rounding,mode}' WHEN 'down' THEN 'cut' ELSE c #>> '{rounding,mode}' END::rounding_rule;
CREATE FUNCTION pg_temp.rounded(c jsonb, amount numeric) RETURNS text LANGUAGE sql IMMUTABLE RETURN
    round_money(amount, (c #>> '{rounding,scale}')::integer, pg_temp.rule(c))::text;

SELECT is(pg_temp.rounded(c, (c #>> '{usage,value}')::numeric), c #>> '{expected,amount}', concat_ws(' ', c ->> 'id', c ->> 'title'))
FROM entry WHERE c ->> 'model' = 'round' AND c ->> 'id' <> 'rnd-011' ORDER BY c ->> 'id';

-- cents x a fraction; net and tax are rounded apart, then added
SELECT is(ARRAY[pg_temp.rounded(c, net), pg_temp.rounded(c, net * percent / 100),
                (pg_temp.rounded(c, net)::numeric + pg_temp.rounded(c, net * percent / 100)::numeric)::text],
          ARRAY[c #>> '{expected,net}', c #>> '{expected,tax}', c #>> '{expected,amount}'], concat_ws(' ', c ->> 'id', c ->> 'title'))
FROM entry, LATERAL (
    SELECT (c #>> '{usage,exact_base,0}')::numeric * (c #>> '{usage,exact_base,1}')::numeric
           / (c #>> '{usage,exact_base,2}')::numeric / 100 AS net, (c #>> '{price,tax_percent}')::numeric AS percent) AS base
WHERE c ->> 'model' = 'tax_components_rounded' ORDER BY c ->> 'id';

SELECT is(ARRAY[line_sum::text, total, (total::numeric - line_sum)::text],
          ARRAY[c #>> '{expected,line_sum}', c #>> '{expected,total}', c #>> '{expected,rounding_line}'], concat_ws(' ', c ->> 'id', c ->> 'title'))
FROM entry, LATERAL (
    SELECT sum(pg_temp.rounded(c, v::numeric)::numeric) AS line_sum, pg_temp.rounded(c, sum(v::numeric)) AS total
    FROM jsonb_array_elements_text(c #> '{usage,values}') AS v) AS sums
WHERE c ->> 'model' = 'line_vs_total';

-- by hand: amount, digits, then cut, half_up, half_even
CREATE TEMP TABLE worked (amount numeric, digits integer, cut text, half_up text, half_even text);
INSERT INTO worked VALUES
    ('2.345', 2, '2.34', '2.35', '2.34'),
    ('2.355', 2, '2.35', '2.36', '2.36'),
    ('-2.345', 2, '-2.34', '-2.35', '-2.34'),
    ('-2.355', 2, '-2.35', '-2.36', '-2.36'),
    ('2.3450000000000000000001', 2, '2.34', '2.35', '2.35'),
    ('-0.005', 2, '0.00', '-0.01', '0.00'),
    ('0.015', 2, '0.01', '0.02', '0.02'),
    ('2.5', 0, '2', '3', '2'),
    ('-3.5', 0, '-3', '-4', '-4'),
    ('1234567890123456789012.0005', 3, '1234567890123456789012.000', '1234567890123456789012.001', '1234567890123456789012.000'),
    ('7', 2, '7.00', '7.00', '7.00');
SELECT is(ARRAY[round_money(amount, digits, 'cut')::text, round_money(amount, digits, 'half_up')::text,
                round_money(amount, digits, 'half_even')::text], ARRAY[cut, half_up, half_even], amount || ' to ' || digits)
FROM worked;

-- multiples of the minor unit, nearer than it, and nearer than half where the rule says so; even at half
SELECT is_empty($$
    WITH cases AS (
        SELECT n * power(10::numeric, -d - 1) AS amount, d AS digits, rule
        FROM generate_series(-1000, 1000) AS n, generate_series(0, 4) AS d, unnest(enum_range(NULL::rounding_rule)) AS rule),
    done AS (SELECT *, round_money(amount, digits, rule) AS r, power(10::numeric, -digits) AS unit FROM cases)
    SELECT amount, digits, rule, r FROM done
    WHERE scale(r) <> digits OR abs(r - amount) >= unit
       OR rule = 'cut' AND (abs(r) > abs(amount) OR sign(r) = -sign(amount) AND r <> 0)
       OR rule <> 'cut' AND abs(r - amount) > unit / 2
       OR rule = 'half_up' AND abs(r - amount) = unit / 2 AND abs(r) < abs(amount)
       OR rule = 'half_even' AND abs(r - amount) = unit / 2 AND mod(round(r / unit), 2) <> 0$$, 'what each rule promises');

-- ---- currencies ----

SELECT results_eq($$SELECT code, digits FROM currency WHERE code IN ('JPY', 'USD', 'EUR', 'CNY', 'KWD', 'BHD', 'CLF', 'XCG', 'ISK') ORDER BY code$$,
    $$VALUES ('BHD', 3), ('CLF', 4), ('CNY', 2), ('EUR', 2), ('ISK', 0), ('JPY', 0), ('KWD', 3), ('USD', 2), ('XCG', 2)$$, 'minor units');
SELECT results_eq($$SELECT digits, count(*)::integer FROM currency GROUP BY 1 ORDER BY 1$$,
    $$VALUES (0, 17), (2, 141), (3, 7), (4, 2)$$, 'how many there are of each');
SELECT throws_ok($$SELECT create_tenant('typo', 'UDS', 'UTC')$$, '22023', 'invalid currency code "UDS"', 'a code that is none: an account');
SELECT create_tenant('acme', 'USD', 'UTC'), create_sku('gpu', 'GPU');
SELECT throws_ok($$SELECT set_price('gpu', '1', currency => 'UDS')$$, '22023', 'invalid currency code "UDS"', 'a price');
INSERT INTO currency VALUES ('PTS', 1);
SELECT lives_ok($$SELECT create_tenant('beta', 'PTS', 'UTC')$$, 'one that was added');
SELECT * FROM finish();
ROLLBACK;
