-- The type tariff: text forms, errors, amounts and lines.
SET search_path TO pool_manager, public;

-- a plain number, in any notation
SELECT t::text, t::tariff FROM unnest(ARRAY[
    '0.66', ' 0.660 ', '066e-2', '+.66', '0', '-0', '7.', '1e3',
    '123456789012345678901234.123456789012345678901234']) AS t;

-- canonical output: keys in order, numbers as strings, nothing that says nothing
SELECT t::tariff FROM unnest(ARRAY[
    '{"model":"unit","unit_price":0.660}',
    '{ "unit_price" : "2", "model" : "unit", "flat" : 0, "free_units" : "0.0", "minimum" : 0 }',
    '{"flat":"5","unit_price":"2","model":"unit"}',
    '{"model":"graduated","tiers":[{"up_to":"100","unit_price":"1.20","flat":"0"},{"up_to":null,"unit_price":"1.00"}]}',
    '{"model":"graduated","tiers":[{"flat":100,"up_to":5},{"unit_price":5}]}',
    '{"maximum":"100.0","minimum":"10","model":"volume","tiers":[{"up_to":null,"unit_price":"1"}],"free_units":"3","convert":{"rounding":"ceiling","factor":"1000","op":"divide"}}',
    '{"model":"package","package_size":"10","package_price":"15","convert":{"op":"multiply","factor":"1.2"},"maximum":0}']) AS t;

-- reads back equal; binary form too
CREATE TEMP TABLE some_tariff (t tariff);
INSERT INTO some_tariff VALUES
    ('0.66'), (1.50), ('{"model":"unit","unit_price":"2","flat":"5"}'),
    ('{"model":"graduated","tiers":[{"up_to":"5","flat":"100"},{"up_to":null,"unit_price":"5"}],"maximum":"170"}'),
    ('{"model":"volume","tiers":[{"up_to":"5","unit_price":"7"},{"unit_price":"6"}],"minimum":"1"}'),
    ('{"model":"package","package_size":"10","package_price":"15","free_units":"3"}');
SELECT count(*) AS n, bool_and(t = t::text::tariff) AS text_io, bool_and(t = t::jsonb::tariff) AS json,
       count(DISTINCT tariff_hash(t)) AS hashes, count(DISTINCT tariff_hash_extended(t, 1)) AS more_hashes
  FROM some_tariff;
SELECT count(*) FROM (SELECT t FROM some_tariff UNION SELECT t FROM some_tariff) AS u;
COPY some_tariff TO '/dev/null' (FORMAT binary);
SELECT t, t::jsonb, encode(tariff_send(t), 'escape') FROM some_tariff LIMIT 3;

-- equality and hash
SELECT '1'::tariff = '1.00' AS eq, '1'::tariff <> '{"unit_price":1,"model":"unit"}' AS ne,
       '1'::tariff = '{"model":"unit","unit_price":"1","flat":"1"}' AS flat;
SELECT a.t FROM some_tariff a JOIN some_tariff b USING (t) WHERE a.t = 1.5::tariff;

-- what is refused
SELECT ''::tariff;
SELECT 'free'::tariff;
SELECT '"0.66"'::tariff;
SELECT 'NaN'::tariff;
SELECT 'Infinity'::tariff;
SELECT 'NaN'::numeric::tariff;
SELECT '-1'::tariff;
SELECT '0x10'::tariff;
SELECT '1_000'::tariff;
SELECT '1e100000'::tariff;
SELECT '1e25'::tariff;
SELECT '1e-25'::tariff;
SELECT '1 2'::tariff;
SELECT '{}'::tariff;
SELECT '{"model":"unit"'::tariff;
SELECT '{"model":"unit"}'::tariff;
SELECT '{"unit_price":"1"}'::tariff;
SELECT '{"model":"dynamic","unit_price":"1"}'::tariff;
SELECT '{"model":"unit","unit_price":"1","unit_price":"2"}'::tariff;
SELECT '{"model":"unit","unit_price":"1","price":"2"}'::tariff;
SELECT '{"model":"unit","unit_price":null}'::tariff;
SELECT '{"model":"unit","unit_price":"1","tiers":[{"unit_price":"1"}]}'::tariff;
SELECT '{"model":"unit","unit_price":"\u0031"}'::tariff;
SELECT '{"model":"unit","unit_price":"1"} x'::tariff;
SELECT '{"model":"graduated","tiers":[]}'::tariff;
SELECT '{"model":"graduated","tiers":[{"up_to":"5","unit_price":"1"}]}'::tariff;
SELECT '{"model":"graduated","tiers":[{"up_to":"5","unit_price":"1"},{"up_to":"5","unit_price":"1"},{"unit_price":"1"}]}'::tariff;
SELECT '{"model":"graduated","tiers":[{"up_to":"0","unit_price":"1"},{"unit_price":"1"}]}'::tariff;
SELECT '{"model":"graduated","tiers":[{"unit_price":"1"},{"unit_price":"1"}]}'::tariff;
SELECT '{"model":"graduated","tiers":[{"up_to":"5"},{"unit_price":"1"}]}'::tariff;
SELECT '{"model":"graduated","tiers":[{"unit_price":"1"}],"flat":"1"}'::tariff;
SELECT '{"model":"package","package_price":"1"}'::tariff;
SELECT '{"model":"package","package_price":"1","package_size":"0"}'::tariff;
SELECT '{"model":"unit","unit_price":"1","minimum":"2","maximum":"1"}'::tariff;
SELECT '{"model":"unit","unit_price":"1","convert":{"op":"divide","factor":"3"}}'::tariff;
SELECT '{"model":"unit","unit_price":"1","convert":{"op":"divide","factor":"0"}}'::tariff;
SELECT '{"model":"unit","unit_price":"1","convert":{"factor":"3"}}'::tariff;
SELECT '{"model":"unit","unit_price":"1","convert":{"op":"add","factor":"3"}}'::tariff;
SELECT '[1]'::jsonb::tariff;
\set VERBOSITY sqlstate
SELECT ('{"model":"graduated","tiers":[' || string_agg('{"up_to":"' || i || '","unit_price":"1"}', ',') ||
        ',{"unit_price":"1"}]}')::tariff FROM generate_series(1, 1000) AS i;
SELECT amount('1', 'NaN');
SELECT amount('1', 1, 'Infinity');
SELECT amount('1', -1);
SELECT amount('1', -1, 0.5);
SELECT amount('1', 2, -1);
\set VERBOSITY default

-- nothing booked, booked with 0, NULLs
SELECT amount(t, 0) AS first_booking, amount(t, 0, 0) AS next_booking, amount(t, 12) AS at_once,
       amount(t, 7) + amount(t, 5, 7) AS in_two, amount(t, -5, 12) AS taken_back,
       amount(t, NULL), amount(NULL, 1)
  FROM CAST('{"model":"graduated","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"50"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}' AS tariff) AS t;

-- exact: no digit is lost
SELECT amount('0.123456789012345678901234', 123456789012345678901234.123456789012);
SELECT amount('{"model":"unit","unit_price":"1","convert":{"op":"divide","factor":"1024"}}', 1);
SELECT amount('{"model":"unit","unit_price":"1","convert":{"op":"divide","factor":"0.000000000000000000000001"}}', 0.5);

-- free units, conversion with rounding, maximum and minimum, in this order
SELECT q, amount(t, q) FROM CAST(
    '{"model":"unit","unit_price":"2","flat":"1","free_units":"3","convert":{"op":"divide","factor":"10","rounding":"ceiling"},"minimum":"4","maximum":"8"}'
    AS tariff) AS t, unnest(ARRAY[0, 30, 31, 41, 60, 61, 1000]::numeric[]) AS q;

-- lines add up to the amount
SELECT * FROM lines('{"model":"graduated","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"50"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', 22);
SELECT * FROM lines('{"model":"volume","tiers":[{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', 1, 15);
SELECT * FROM lines('{"model":"package","package_size":"10","package_price":"15","free_units":"5"}', 50, 60);
SELECT * FROM lines('{"model":"unit","unit_price":"10","minimum":"100"}', 3);
SELECT * FROM lines('{"model":"unit","unit_price":"10","minimum":"100"}', 9, 3);
SELECT * FROM lines('{"model":"graduated","tiers":[{"up_to":"5","flat":"100","unit_price":"0"},{"up_to":"10","flat":"50"},{"up_to":"15","unit_price":"5"},{"up_to":null,"unit_price":"1"}],"maximum":"170"}', 10, 12);
SELECT * FROM lines('1', 0);
SELECT * FROM lines(NULL, 1);

-- in a table, toasted
CREATE TEMP TABLE big_tariff (t tariff);
INSERT INTO big_tariff
SELECT ('{"model":"graduated","tiers":[' || string_agg('{"up_to":"' || i || '","unit_price":"' || i || '"}', ',') ||
        ',{"unit_price":"1000"}]}')::tariff FROM generate_series(1, 999) AS i;
SELECT amount(t, 1000) = sum(i) AS sum_of_tiers, length(t::text)
  FROM big_tariff, generate_series(1, 1000) AS i GROUP BY t;
