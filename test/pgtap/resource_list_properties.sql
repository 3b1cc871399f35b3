-- Properties of resource_list over thousands of random lists, each compared
-- with a model that knows nothing of the type: rows of (name, numeric).

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SELECT plan(47);
SELECT setseed(0.20260702);

--
-- The model
--

-- How many of a resource's smallest unit make one of it
CREATE FUNCTION pg_temp.unit(name text) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN name IN ('memory', 'storage', 'ephemeral-storage') OR name LIKE 'hugepages-%' THEN 1 ELSE 1000 END
$$;

-- The canonical text of one entry
CREATE FUNCTION pg_temp.entry_text(name text, quantity numeric) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT name || '=' || CASE WHEN pg_temp.unit(name) = 1000 THEN trim_scale(quantity)::text ELSE (
        SELECT trim_scale(quantity / size)::text || suffix
        FROM (VALUES (1152921504606846976, 'Ei'), (1125899906842624, 'Pi'), (1099511627776, 'Ti'),
            (1073741824, 'Gi'), (1048576, 'Mi'), (1024, 'Ki'), (1, '')) AS s (size, suffix)
        WHERE quantity % size = 0 ORDER BY size DESC LIMIT 1) END
$$;

-- What a literal says, by regular expressions and numeric: canonical text or 'error'
CREATE FUNCTION pg_temp.model_in(literal text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    label constant text := '[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?';
    part text;
    m text[];
    exponent numeric;
    quantity numeric;
    entries jsonb := '{}';
    sizes constant jsonb := '{"n":-9,"u":-6,"m":-3,"":0,"k":3,"M":6,"G":9,"T":12,"P":15,"E":18}';
    binary_sizes constant jsonb := '{"Ki":1,"Mi":2,"Gi":3,"Ti":4,"Pi":5,"Ei":6}';
BEGIN
    IF literal ~ '^[ \t\n\r\f\v]*$' THEN
        RETURN '';
    END IF;
    FOREACH part IN ARRAY string_to_array(literal, ',') LOOP
        m := regexp_match(part, '^[ \t\n\r\f\v]*(' || label || '(?:/' || label || ')?)[ \t\n\r\f\v]*=[ \t\n\r\f\v]*'
            '([-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+))(?:[eE]([-+]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)[ \t\n\r\f\v]*$');
        IF m IS NULL OR length(m[1]) > 317 OR entries ? m[1] THEN
            RETURN 'error';
        END IF;
        quantity := m[4]::numeric;
        IF binary_sizes ? m[6] THEN
            quantity := quantity * 1024::numeric ^ (binary_sizes ->> m[6])::numeric;
        ELSE
            exponent := coalesce(m[5]::numeric, (sizes ->> coalesce(m[6], ''))::numeric);
            IF quantity <> 0 AND abs(exponent) > 300 THEN
                RETURN 'error';
            END IF;
            quantity := CASE WHEN quantity = 0 THEN 0 ELSE (quantity::text || 'e' || exponent)::numeric END;
        END IF;
        quantity := quantity * pg_temp.unit(m[1]);
        IF quantity <> trunc(quantity) OR quantity NOT BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
            RETURN 'error';
        END IF;
        entries := entries || jsonb_build_object(m[1], quantity / pg_temp.unit(m[1]));
    END LOOP;
    RETURN (SELECT coalesce(string_agg(pg_temp.entry_text(key, value::numeric), ',' ORDER BY key COLLATE "C"), '')
        FROM jsonb_each_text(entries) WHERE value::numeric <> 0);
END $$;

-- What the type makes of it: canonical text, 'error' if of class 22, or what is wrong
CREATE FUNCTION pg_temp.type_in(literal text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    r resource_list;
BEGIN
    r := literal::resource_list;
    IF r::text::resource_list IS DISTINCT FROM r THEN
        RETURN 'does not read back: ' || r;
    END IF;
    RETURN r::text;
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN SQLSTATE LIKE '22%' THEN 'error' ELSE SQLSTATE || ': ' || SQLERRM END;
END $$;

-- Text of an expression's value, or its SQLSTATE
CREATE FUNCTION pg_temp.try(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE 'SELECT (' || expression || ')::text' INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;

-- One of the ways to write a quantity that is n smallest units of a resource
CREATE FUNCTION pg_temp.spell(name text, n numeric, way integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE way
        WHEN 0 THEN trim_scale(n / pg_temp.unit(name))::text
        WHEN 1 THEN (n * 1000 / pg_temp.unit(name))::numeric(40) || 'm'
        WHEN 2 THEN (n / pg_temp.unit(name))::numeric(40, 7)::text
        WHEN 3 THEN n || CASE WHEN pg_temp.unit(name) = 1 THEN 'e0' ELSE 'e-3' END
        WHEN 4 THEN CASE WHEN n < 0 THEN '' ELSE '+' END || trim_scale(n / pg_temp.unit(name) / 1000) || 'k'
        WHEN 5 THEN ' 00' || abs(n) / pg_temp.unit(name) || 'E' || CASE WHEN n < 0 THEN '0' ELSE '+00' END
        WHEN 6 THEN trim_scale((n / pg_temp.unit(name))::numeric(60, 10) / 1024) || 'Ki'
        ELSE trim_scale((n / pg_temp.unit(name))::numeric(80, 20) / 1048576) || 'Mi ' END
$$;

--
-- 4,000 lists, the even ones without negative entries
--
CREATE TEMP TABLE entry AS
SELECT id, name, (CASE WHEN id % 2 = 1 AND random() < 0.3 THEN -1 ELSE 1 END * CASE
    WHEN random() < 0.05 THEN 0
    WHEN random() < 0.3 THEN floor(random() * 20) * pg_temp.unit(name)
    WHEN random() < 0.5 THEN floor(random() * 1000) * 1048576
    ELSE floor(random() * 10 ^ floor(random() * 14)) END)::numeric AS n, floor(random() * 8)::integer AS way
FROM generate_series(1, 4000) AS id, unnest(ARRAY['cpu', 'memory', 'storage', 'ephemeral-storage', 'hugepages-2Mi',
    'nvidia.com/gpu', 'a', 'A', 'a-b', 'a.b', 'a/b', 'a_b', 'ab', 'memory2']) AS name
WHERE random() < CASE WHEN id % 5 = 0 OR name = 'cpu' THEN 0.5 ELSE 0.2 END;
-- Way 5 has no sign, and two divisions by powers of 1024 need more digits than numeric keeps for thousandths
UPDATE entry SET way = 0 WHERE n < 0 AND way = 5;
UPDATE entry SET way = 1 WHERE way >= 6 AND pg_temp.unit(name) = 1000 AND n % 1000 <> 0;

CREATE TEMP TABLE list AS
SELECT id, coalesce(literal, '') AS literal, coalesce(literal, '')::resource_list AS r, coalesce(canonical, '') AS canonical
FROM generate_series(1, 4000) AS id LEFT JOIN (
    SELECT id, string_agg(CASE WHEN way = 7 THEN '  ' ELSE '' END || name || CASE WHEN way = 6 THEN ' ' ELSE '' END || '='
            || pg_temp.spell(name, n, way), ',' ORDER BY random()) AS literal,
        string_agg(pg_temp.entry_text(name, n / pg_temp.unit(name)), ',' ORDER BY name COLLATE "C") FILTER (WHERE n <> 0) AS canonical
    FROM entry GROUP BY id) AS e USING (id);
CREATE UNIQUE INDEX ON list (id);
CREATE INDEX ON entry (id, name);
ANALYZE entry;
ANALYZE list;

-- What a query of (id, actual, expected) finds wrong
CREATE FUNCTION pg_temp.agree(query text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
    wrong bigint;
    example text;
BEGIN
    EXECUTE format('SELECT count(*), count(*) FILTER (WHERE actual IS DISTINCT FROM expected),
        min(format(''%%s: got %%s, expected %%s'', id, actual, expected)) FILTER (WHERE actual IS DISTINCT FROM expected)
        FROM (%s) AS q (id, actual, expected)', query) INTO rows, wrong, example;
    RETURN ok(rows > 0 AND wrong = 0, format('%s (%s cases)', description, rows))
        || coalesce(E'\n' || diag(wrong || ' differ, such as ' || example), '');
END $$;

--
-- Reading and writing
--
SELECT cmp_ok((SELECT count(DISTINCT canonical) FROM list), '>', 3000::bigint, 'the lists differ');
SELECT pg_temp.agree('SELECT id, r::text, canonical FROM list', 'text is canonical');
SELECT pg_temp.agree('SELECT id, pg_temp.model_in(literal), canonical FROM list', 'the model reads every spelling');
SELECT pg_temp.agree('SELECT id, r::text::resource_list, r FROM list', 'text reads back to the same');
SELECT pg_temp.agree('SELECT id, r::json::resource_list, r FROM list', 'json reads back to the same');
SELECT pg_temp.agree('SELECT id, r::jsonb::resource_list, r FROM list', 'jsonb reads back to the same');
SELECT pg_temp.agree($$SELECT l.id, (SELECT coalesce(jsonb_object_agg(name, trim_scale(n / pg_temp.unit(name))), '{}')
    FROM entry AS e WHERE e.id = l.id)::resource_list, r FROM list AS l$$, 'an object of numbers gives the list');
SELECT pg_temp.agree($$SELECT id, r::jsonb, (SELECT coalesce(jsonb_object_agg(split_part(e, '=', 1), split_part(e, '=', 2)), '{}')
    FROM string_to_table(canonical, ',') AS e) FROM list$$, 'the list gives an object of strings');
SELECT pg_temp.agree($$SELECT l.id, resource_list_send(r), '\x01'::bytea || int4send(count(n)::integer) || coalesce(string_agg(
        int2send(length(name)::smallint) || convert_to(name, 'UTF8') || int8send(n::bigint), '' ORDER BY name COLLATE "C"), '')
    FROM list AS l LEFT JOIN entry AS e ON e.id = l.id AND n <> 0 GROUP BY l.id, r$$, 'binary is as documented');
SELECT pg_temp.agree($$SELECT id, quantity(r, name), n / pg_temp.unit(name) FROM list JOIN entry USING (id)$$, 'quantity()');
SELECT pg_temp.agree($$SELECT l.id, r[name], (SELECT n / pg_temp.unit(name) FROM entry AS e WHERE e.id = l.id AND e.name = n.name
    UNION ALL SELECT 0 LIMIT 1) FROM list AS l, (VALUES ('cpu'), ('memory'), ('a_b'), ('zz')) AS n (name)$$, 'subscript');
SELECT pg_temp.agree($$SELECT l.id, (SELECT array_agg((name, quantity)::text) FROM resource_each(r)),
    (SELECT array_agg((name, trim_scale(n / pg_temp.unit(name)))::text ORDER BY name COLLATE "C") FROM entry AS e WHERE e.id = l.id AND n <> 0)
    FROM list AS l$$, 'resource_each()');

--
-- Pairs: neighbours, and each even list with an odd one far away; every name of either
--
CREATE TEMP TABLE pair AS
SELECT row_number() OVER () AS id, a.id AS a_id, b.id AS b_id, a.r AS a, b.r AS b, floor(random() * 2001 - 1000)::bigint AS factor
FROM list AS a JOIN list AS b ON b.id IN (a.id % 4000 + 1, (a.id * 7 + 1999) % 4000 + 1, CASE WHEN a.id % 10 = 0 THEN a.id END);
CREATE TEMP TABLE side AS
SELECT id, name, coalesce(ea.n, 0) AS a, coalesce(eb.n, 0) AS b, pg_temp.unit(name) AS unit, factor
FROM pair, LATERAL (SELECT name FROM entry WHERE entry.id IN (a_id, b_id) GROUP BY name) AS names
    LEFT JOIN LATERAL (SELECT n FROM entry WHERE entry.id = a_id AND entry.name = names.name) AS ea ON true
    LEFT JOIN LATERAL (SELECT n FROM entry WHERE entry.id = b_id AND entry.name = names.name) AS eb ON true;
CREATE INDEX ON side (id);
ANALYZE pair;
ANALYZE side;

-- The canonical text of what a model expression over a and b gives
CREATE FUNCTION pg_temp.agree_entries(actual text, expected text, description text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.agree(format('SELECT id, (%s)::text, coalesce((SELECT string_agg(pg_temp.entry_text(name, (%s) / unit), '',''
        ORDER BY name COLLATE "C") FILTER (WHERE (%s) <> 0) FROM side WHERE side.id = pair.id), '''') FROM pair', actual, expected, expected), description)
$$;

SELECT pg_temp.agree_entries('a + b', 'a + b', 'sum');
SELECT pg_temp.agree_entries('a - b', 'a - b', 'difference');
SELECT pg_temp.agree_entries('- a', '- a', 'negation');
SELECT pg_temp.agree_entries('a * factor', 'a * factor', 'product');
SELECT pg_temp.agree_entries('factor * a', 'a * factor', 'product, the other way');
SELECT pg_temp.agree_entries('resource_max(a, b)', 'greatest(a, b)', 'greater of two');
SELECT pg_temp.agree_entries('resource_min(a, b)', 'least(a, b)', 'lesser of two');
SELECT pg_temp.agree('SELECT id, a @> b, (SELECT coalesce(bool_and(side.a >= side.b), true) FROM side WHERE side.id = pair.id) FROM pair', '@>');
SELECT pg_temp.agree('SELECT id, a <@ b, (SELECT coalesce(bool_and(side.a <= side.b), true) FROM side WHERE side.id = pair.id) FROM pair', '<@');
SELECT pg_temp.agree('SELECT id, a @> resource_min(a, b) AND b @> resource_min(a, b) AND resource_max(a, b) @> a AND resource_max(a, b) @> b
    AND resource_max(a, b) + resource_min(a, b) = a + b AND (a @> b) = (a - b @> '''') AND (a - b) + b = a, true FROM pair', 'laws of the operators');
SELECT pg_temp.agree('SELECT id, copies(a, b), (SELECT min(div(greatest(side.a, 0), side.b)) FROM side WHERE side.id = pair.id AND side.b > 0)
    FROM pair WHERE b @> ''''', 'copies()');
SELECT pg_temp.agree('SELECT id, b <> '''' AND resource_max(a, '''') @> b * copies(a, b) AND NOT resource_max(a, '''') @> b * (copies(a, b) + 1), true
    FROM pair WHERE b @> '''' AND b <> ''''', 'that many copies fit, one more does not');
SELECT pg_temp.agree('SELECT id, dominant_share(b, a), (SELECT CASE WHEN bool_or(side.a <= 0) THEN NULL ELSE coalesce(max(trim_scale(side.b / nullif(side.a, 0))), 0) END
    FROM side WHERE side.id = pair.id AND side.b > 0) FROM pair WHERE b @> ''''', 'dominant_share()');
SELECT pg_temp.agree('SELECT id, pg_temp.try(format(''copies(%L, %L)'', a, b)), ''22023'' FROM pair WHERE NOT b @> '''' AND id % 10 = 0',
    'copies() of a negative request is an error');

--
-- Order and hash
--
CREATE TEMP TABLE compared AS
SELECT *, coalesce((SELECT sign(side.a - side.b) FROM side WHERE side.id = pair.id AND side.a <> side.b
    ORDER BY name COLLATE "C" LIMIT 1), 0) AS model FROM pair;
SELECT pg_temp.agree('SELECT id, sign(resource_list_cmp(a, b))::numeric, model FROM compared', 'order');
SELECT pg_temp.agree('SELECT id, ARRAY[a < b, a <= b, a = b, a <> b, a >= b, a > b, b > a],
    ARRAY[model < 0, model <= 0, model = 0, model <> 0, model >= 0, model > 0, model < 0] FROM compared', 'comparison operators');
SELECT pg_temp.agree('SELECT id, resource_list_cmp(a, b) = - resource_list_cmp(b, a), true FROM pair', 'order is antisymmetric');
CREATE TEMP TABLE sorted AS SELECT row_number() OVER (ORDER BY r) AS id, r FROM list;
SELECT pg_temp.agree('SELECT x.id, x.r <= y.r, true FROM sorted AS x JOIN sorted AS y ON y.id IN (x.id + 1, x.id + 2, x.id + 10, x.id + 1000)',
    'order is transitive');
SELECT pg_temp.agree('SELECT id, resource_list_hash(r), resource_list_hash(canonical::resource_list) FROM list', 'equal lists hash alike');
SELECT pg_temp.agree('SELECT id, resource_list_hash_extended(r, id), resource_list_hash_extended(canonical::resource_list, id) FROM list',
    'equal lists hash alike with a seed');
SELECT cmp_ok((SELECT count(DISTINCT resource_list_hash(r)) FROM list), '>', (SELECT count(DISTINCT r) - 10 FROM list), 'others hardly ever do');
SELECT is((SELECT count(DISTINCT r) FROM list), (SELECT count(DISTINCT canonical) FROM list), 'as many values as canonical texts');
SELECT is((SELECT count(*) FROM list WHERE resource_list_hash_extended(r, 0) & 4294967295 <> resource_list_hash(r)::bigint & 4294967295),
    0::bigint, 'seed 0 agrees with the plain hash');

--
-- Aggregates: 61 groups, the first without any list that is not null
--
CREATE TEMP TABLE member AS
SELECT id % 61 AS g, CASE WHEN id % 61 <> 0 AND id % 13 <> 0 THEN r END AS r, id FROM list;
CREATE TEMP TABLE total AS
SELECT g, name, sum(coalesce(n, 0)) AS sum, max(coalesce(n, 0)) AS max, min(coalesce(n, 0)) AS min
FROM member CROSS JOIN (SELECT DISTINCT name FROM entry) AS names LEFT JOIN entry USING (id, name)
WHERE r IS NOT NULL GROUP BY g, name;
CREATE FUNCTION pg_temp.agree_total(aggregate text, expected text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.agree(format('SELECT g, (SELECT %s(r) FROM member WHERE member.g = m.g)::text, (SELECT coalesce(string_agg(
        pg_temp.entry_text(name, %s / pg_temp.unit(name)), '','' ORDER BY name COLLATE "C") FILTER (WHERE %2$s <> 0), '''')
        FROM total WHERE total.g = m.g HAVING count(*) > 0) FROM member AS m GROUP BY g', aggregate, expected), 'aggregate ' || aggregate)
$$;
SELECT pg_temp.agree_total('sum', 'sum');
SELECT pg_temp.agree_total('resource_max', 'max');
SELECT pg_temp.agree_total('resource_min', 'min');

--
-- Near the limits of 64 bits
--
CREATE TEMP TABLE edge AS
SELECT id, a, b, factor, pg_temp.entry_text('memory', a)::resource_list AS ra, pg_temp.entry_text('memory', b)::resource_list AS rb
FROM (SELECT id, CASE WHEN random() < 0.5 THEN -1 ELSE 1 END * trunc(9223372036854775807 * random()::numeric) AS a,
        CASE WHEN random() < 0.5 THEN -1 ELSE 1 END * trunc(9223372036854775807 / 10 ^ floor(random() * 4)::numeric * random()::numeric) AS b,
        floor(random() * 9 - 4)::bigint AS factor
    FROM generate_series(1, 1000) AS id) AS e;
CREATE FUNCTION pg_temp.model_value(n numeric) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN n NOT BETWEEN -9223372036854775808 AND 9223372036854775807 THEN '22003'
        WHEN n = 0 THEN '' ELSE pg_temp.entry_text('memory', n) END
$$;
SELECT pg_temp.agree('SELECT id, pg_temp.try(format(''%L::resource_list + %L'', ra, rb)), pg_temp.model_value(a + b) FROM edge', 'sums overflow with an error');
SELECT pg_temp.agree('SELECT id, pg_temp.try(format(''%L::resource_list - %L'', ra, rb)), pg_temp.model_value(a - b) FROM edge', 'differences do');
SELECT pg_temp.agree('SELECT id, pg_temp.try(format(''%L::resource_list * %s'', ra, factor)), pg_temp.model_value(a * factor) FROM edge', 'products do');
SELECT pg_temp.agree('SELECT id, pg_temp.try(format(''(SELECT sum(r) FROM unnest(ARRAY[%L, %L, %L]::resource_list[]) AS r)'', ra, rb, ra)),
    pg_temp.model_value(2 * a + b) FROM edge', 'aggregated sums do');
SELECT pg_temp.agree('SELECT id, dominant_share(resource_max(rb, -rb), resource_max(ra, -ra)), trim_scale(abs(b) / abs(a)) FROM edge WHERE a <> 0',
    'shares are exact');

--
-- Mutated literals: one to three characters deleted, replaced, inserted or
-- doubled, or the end cut off
--
CREATE FUNCTION pg_temp.mutate(literal text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    alphabet constant text := '0123456789..++--eEnumkMGTPEKiii==,,,/_ {}"x' || chr(252) || chr(9);
    c text;
    at integer;
BEGIN
    FOR i IN 1 .. 1 + floor(random() * 3) LOOP
        at := 1 + floor(random() * (length(literal) + 1));
        c := substr(alphabet, 1 + floor(random() * length(alphabet))::integer, 1);
        literal := CASE floor(random() * 9)
            WHEN 0 THEN left(literal, at - 1)
            WHEN 1 THEN overlay(literal PLACING '' FROM at FOR 1)
            WHEN 2 THEN overlay(literal PLACING '' FROM at FOR 1)
            WHEN 3 THEN overlay(literal PLACING substr(literal, at, 3) FROM at FOR 0)
            WHEN 4 THEN literal || ',' || literal
            WHEN 5 THEN overlay(literal PLACING c FROM at FOR 0)
            WHEN 6 THEN overlay(literal PLACING c FROM at FOR 0)
            ELSE overlay(literal PLACING c FROM at FOR 1) END;
    END LOOP;
    RETURN literal;
END $$;
CREATE TEMP TABLE mutant AS SELECT id, pg_temp.mutate(CASE WHEN id % 3 = 0 THEN canonical ELSE literal END) AS literal FROM list;
INSERT INTO mutant SELECT id + 4000, pg_temp.mutate(name || '=' || pg_temp.spell(name, n, way)) FROM entry ORDER BY id, name LIMIT 4000;
CREATE TEMP TABLE verdict AS SELECT literal AS id, pg_temp.type_in(literal) AS actual, pg_temp.model_in(literal) AS expected FROM mutant;
SELECT cmp_ok((SELECT count(*) FILTER (WHERE expected <> 'error') FROM verdict), '>', 1000::bigint, 'many mutants are valid');
SELECT cmp_ok((SELECT count(*) FILTER (WHERE expected = 'error') FROM verdict), '>', 1000::bigint, 'many are not');
SELECT pg_temp.agree('SELECT * FROM verdict', 'a mutated literal gives the value that the model reads, or an error of class 22');
SELECT pg_temp.agree('SELECT id, pg_temp.try(format(''%L::jsonb::resource_list'', pg_temp.mutate(r::jsonb::text))) ~
    ''^((22[0-9A-Z]{3}|54000)$|[-A-Za-z0-9._/]+=|$)'', true FROM list', 'mutated JSON gives a list or an error of class 22');

SELECT * FROM finish();
ROLLBACK;
