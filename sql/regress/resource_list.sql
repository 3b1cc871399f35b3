--
-- The type resource_list: text, JSON and binary forms, operators, operator
-- classes, functions, aggregates, limits, and every error.
--
SET search_path TO pool_manager, public;

-- The value of an expression as text, or its error
CREATE FUNCTION pg_temp.try(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    state text;
    message text;
    detail text;
BEGIN
    EXECUTE format('SELECT (%s)::text', expression) INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE,
        message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN state || ': ' || message || coalesce(' | ' || nullif(detail, ''), '');
END $$;

--
-- Text
--
SELECT 'memory=64Gi, cpu = 8 ,nvidia.com/gpu=1,x=0'::resource_list;
SELECT ''::resource_list, E' \t\n'::resource_list, 'cpu=0'::resource_list = '' AS zero_is_empty;

-- Names are sorted by bytes, whatever the collation
SELECT 'b=1,B=1,a.b=1,a-b=1,a_b=1,a/b=1,ab=1,a=1,1=1'::resource_list;

-- The grammar of quantities, in thousandths
SELECT q AS quantity, pg_temp.try(format('%L::resource_list', 'cpu=' || q)) AS cpu
FROM unnest(ARRAY['0', '8', '+8', '-8', '-0', '00012', '0.5', '.5', '5.', '-1.500', '500m',
    '1500m', '46e-2', '1e3', '1E3', '1e+3', '1E-3', '1000000n', '1000u', '2k', '2M', '2G', '2T',
    '2P', '1Ki', '1.5Ki', '1Mi', '1Gi', '1Ti', '1Pi', '0.0009765625Ki', '0.001', '0.0010000',
    '0e99999999999999999999', '0.00000000000000000000000000000001e32',
    '1000000000000000000000000000000000000000000000e-45',
    '9223372036854775.807', '-9223372036854775.808']) AS q;

-- In bytes
SELECT q AS quantity, pg_temp.try(format('%L::resource_list', 'memory=' || q)) AS memory
FROM unnest(ARRAY['1', '1023', '1024', '1000m', '1.5Ki', '64Gi', '65536Mi', '64000M', '1Ei',
    '-8Ei', '7Ei', '1024Pi', '1E', '0.0009765625Ki', '0.000000000931322574615478515625Gi',
    '9223372036854775807', '-9223372036854775808']) AS q;

-- Which names are bytes
SELECT 'memory=1Ki,storage=1Ki,ephemeral-storage=1Ki,hugepages-2Mi=1Ki'::resource_list AS bytes,
    'memory2=1Ki,Memory=1Ki,x/memory=1Ki,hugepages=1Ki'::resource_list AS thousandths;

-- Malformed
SELECT q AS input, pg_temp.try(format('%L::resource_list', q)) AS error
FROM unnest(ARRAY['cpu', 'cpu=', '=1', ',', 'cpu=1,', ',cpu=1', 'cpu=1,,x=1', 'cpu==1',
    'cpu=x', 'cpu=-', 'cpu=.', 'cpu=- 1', 'cpu=1 2', 'cpu=1.2.3', 'cpu=0x10', 'cpu=NaN',
    'cpu=Infinity', 'cpu=1,5', 'cpu=1K', 'cpu=1ki', 'cpu=1KB', 'cpu=1e', 'cpu=1e+', 'cpu=1e1.5',
    'cpu=1Eim', 'cpu=1mm', '-x=1', 'x-=1', '/x=1', 'x/=1', 'x/-y=1', 'a/b/c=1', 'a b=1', 'ü=1', 'cpu=ü',
    'cpu:1', 'cpu=1;memory=1', '{"cpu":1}']) AS q;

-- Too precise, too large
SELECT q AS input, pg_temp.try(format('%L::resource_list', q)) AS error
FROM unnest(ARRAY['cpu=0.0001', 'cpu=1u', 'cpu=1n', 'cpu=1e-4', 'cpu=0.5m', 'memory=0.5',
    'memory=1m', 'memory=0.1Ki', 'hugepages-1Gi=1.5', 'cpu=0.000000001Ki',
    'cpu=0.49999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999',
    'cpu=1E', 'cpu=9223372036854775.808', 'cpu=-9223372036854775.809', 'cpu=1e99999999999999999999',
    'memory=8Ei', 'memory=10E', 'memory=9223372036854775808', 'memory=-9223372036854775809',
    'memory=1e19', 'cpu=1e-99999999999999999999']) AS q;

-- Repeated names, equal, different or zero
SELECT q AS input, pg_temp.try(format('%L::resource_list', q)) AS error
FROM unnest(ARRAY['cpu=1,cpu=1', 'cpu=1,memory=1,cpu=2', 'a=1,cpu=0,cpu=0']) AS q;

-- Long literals are cut in messages, between characters
SELECT pg_temp.try(format('%L::resource_list', 'cpu=' || repeat('ü', 40)));

--
-- JSON
--
SELECT '{"memory": "64Gi", "cpu": 8, "gpu": 0.46, "x": "500m", "y": 1e3, "z": -1, "none": 0}'::jsonb::resource_list;
SELECT ' { "memory" : "64Gi" ,"cpu":8, "y":1E+3 , "z":-1.5e-1}'::json::resource_list;
SELECT '{}'::jsonb::resource_list = '', '{ }'::json::resource_list = '';
SELECT '{"nvidia.com\/gpu": 1, "\u0063pu": "50\u0030m"}'::json::resource_list AS escapes,
    '{"nvidia.com\/gpu": 1, "\u0063pu": "50\u0030m"}'::jsonb::resource_list AS escapes_b;
SELECT 'memory=64Gi,cpu=0.5,x=-1'::resource_list::jsonb, 'memory=64Gi,cpu=0.5,x=-1'::resource_list::json,
    ''::resource_list::jsonb AS empty;
SELECT pg_typeof('cpu=1'::resource_list::json), pg_typeof('cpu=1'::resource_list::jsonb);
SELECT q AS input, pg_temp.try(format('%L::json::resource_list', q)) AS json,
    pg_temp.try(format('%L::jsonb::resource_list', q)) AS jsonb
FROM unnest(ARRAY['1', '"cpu=1"', 'null', '[]', '[{"cpu":1}]', '{"cpu": null}', '{"cpu": true}',
    '{"cpu": {}}', '{"cpu": [1]}', '{"cpu": ""}', '{"cpu": " 1"}', '{"cpu": "1x"}',
    '{"cpu": 0.0001}', '{"cpu": 1e30}', '{"memory": 0.5}', '{"": 1}', '{"a b": 1}', '{"a\"b": 1}']) AS q;
SELECT pg_temp.try($$'{"cpu": 1, "x": 1, "cpu": 1}'::json::resource_list$$) AS repeated,
    pg_temp.try($$'{"cpu": 1, "\u0063pu": 0}'::json::resource_list$$) AS repeated_by_escape,
    pg_temp.try($$'{"cpu": 1, "cpu": 2}'::jsonb::resource_list$$) AS jsonb_keeps_the_last;
-- Casts are explicit
CREATE TEMP TABLE explicit (r resource_list);
INSERT INTO explicit VALUES ('{}'::jsonb);
DROP TABLE explicit;

--
-- Binary
--
SELECT resource_list_send('cpu=1,memory=-1'), resource_list_send('');
CREATE TEMP TABLE source AS
SELECT i, r::resource_list FROM (VALUES (1, ''), (2, 'cpu=0.46,memory=64Gi'), (3, 'a=-9223372036854775.808'),
    (4, NULL), (5, 'memory=9223372036854775807')) AS v (i, r);
CREATE TEMP TABLE target (LIKE source);
COPY source TO PROGRAM 'cat > resource_list.copy' (FORMAT binary);
COPY target FROM PROGRAM 'cat resource_list.copy; rm resource_list.copy' (FORMAT binary);
SELECT i, source.r, source.r IS NOT DISTINCT FROM target.r AS same FROM source JOIN target USING (i) ORDER BY i;

--
-- Operators
--
SELECT 'cpu=1,memory=1Gi'::resource_list + 'cpu=0.5,gpu=1' AS plus,
    'cpu=1,memory=1Gi'::resource_list - 'cpu=1,memory=2Gi,gpu=0.5' AS minus,
    - 'cpu=1,gpu=-2'::resource_list AS negative,
    'cpu=0.46,memory=3'::resource_list * 100 AS times, -2 * 'cpu=0.46'::resource_list AS times_left,
    'cpu=1'::resource_list * 0 AS nothing;
SELECT e AS expression, pg_temp.try(e) AS result
FROM unnest(ARRAY[
    $$'a=1,cpu=9223372036854775.807'::resource_list + 'cpu=0.001'$$,
    $$'memory=-8Ei'::resource_list + 'memory=-1'$$,
    $$'memory=-8Ei'::resource_list - 'memory=1'$$,
    $$'memory=7Ei'::resource_list - 'memory=-7Ei'$$,
    $$- 'memory=-8Ei'::resource_list$$,
    $$'cpu=5000000000000000'::resource_list * 2$$,
    $$9223372036854775807 * 'cpu=1,memory=1'::resource_list$$,
    $$9223372036854775807 * 'memory=1'::resource_list$$,
    $$'memory=4Ei'::resource_list * -2$$,
    $$'memory=-8Ei'::resource_list * -1$$]) AS e;
SELECT NULL + 'cpu=1'::resource_list AS a, 'cpu=1'::resource_list * NULL::bigint AS b,
    'cpu=1'::resource_list @> NULL AS c, NULL = 'cpu=1'::resource_list AS d;

-- Containment: entry by entry, absent is 0
SELECT a, b, a::resource_list @> b::resource_list AS "a @> b", a::resource_list <@ b::resource_list AS "a <@ b"
FROM (VALUES ('cpu=1', 'cpu=1'), ('cpu=2', 'cpu=1'), ('cpu=2,memory=1', 'cpu=1'), ('cpu=2', 'cpu=1,memory=1'),
    ('cpu=2', 'cpu=1,gpu=-1'), ('', ''), ('cpu=1', ''), ('cpu=-1', ''), ('cpu=-1', 'cpu=-2'),
    ('cpu=1,gpu=-1', 'cpu=1'), ('a=1,c=1', 'b=0,c=1')) AS v (a, b);
CREATE TEMP TABLE load (allocatable resource_list, allocated resource_list,
    CHECK (allocated <@ allocatable AND allocated @> ''));
INSERT INTO load VALUES ('cpu=8,memory=64Gi', 'cpu=8');
UPDATE load SET allocated = allocated + 'cpu=0.001';
UPDATE load SET allocated = allocated - 'memory=1';
UPDATE load SET allocated = allocated + 'gpu=1';
UPDATE load SET allocated = allocated - 'cpu=0.5' RETURNING *;

-- The total order: the first name that differs decides
SELECT a, b, resource_list_cmp(a::resource_list, b::resource_list) AS cmp,
    concat_ws(' ', CASE WHEN a::resource_list < b::resource_list THEN '<' END,
        CASE WHEN a::resource_list <= b::resource_list THEN '<=' END,
        CASE WHEN a::resource_list = b::resource_list THEN '=' END,
        CASE WHEN a::resource_list <> b::resource_list THEN '<>' END,
        CASE WHEN a::resource_list >= b::resource_list THEN '>=' END,
        CASE WHEN a::resource_list > b::resource_list THEN '>' END) AS holds
FROM (VALUES ('', ''), ('', 'cpu=1'), ('', 'cpu=-1'), ('cpu=1', 'cpu=2'), ('cpu=1,x=9', 'cpu=2'),
    ('a=1', 'b=5'), ('a=-1', 'b=-5'), ('cpu=1', 'cpu=1000m'), ('cpu=1,z=1', 'cpu=1'), ('ab=1', 'a=1')) AS v (a, b);

--
-- Functions
--
SELECT quantity('cpu=0.46,memory=64Gi,x=-8', n) FROM unnest(ARRAY['cpu', 'memory', 'x', 'gpu', '', 'cpu ', 'CPU']) AS n;
SELECT resource_each('memory=64Gi,cpu=1.50,x=-0.001,y=100');
SELECT * FROM resource_each('');
SELECT * FROM resource_each(NULL);
SELECT resource_max('a=1,b=-1,c=5,d=2', 'a=2,c=-5,d=2,e=1,f=-1'), resource_min('a=1,b=-1,c=5,d=2', 'a=2,c=-5,d=2,e=1,f=-1');
SELECT c AS capacity, r AS request, copies(c::resource_list, r::resource_list),
    dominant_share(r::resource_list, c::resource_list)
FROM (VALUES ('cpu=8,memory=64Gi', 'cpu=3,memory=16Gi'), ('cpu=8,memory=64Gi', 'cpu=1,memory=33Gi'),
    ('cpu=8', 'cpu=8'), ('cpu=8', 'cpu=8.001'), ('cpu=8', 'gpu=1'), ('cpu=-8', 'cpu=1'), ('cpu=8', ''), ('', ''),
    ('cpu=8,gpu=0', 'cpu=1,gpu=1'), ('memory=9223372036854775807', 'memory=1'),
    ('memory=9223372036854775807', 'memory=9223372036854775806'), ('gpu=8,cpu=96', 'gpu=0.46,cpu=6')) AS v (c, r);
SELECT pg_temp.try($$copies('cpu=1', 'cpu=1,gpu=-0.5')$$), pg_temp.try($$dominant_share('memory=-1Ki', 'cpu=1')$$);

-- The planner knows how many rows a constant list gives
CREATE FUNCTION pg_temp.plan_rows(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
SELECT pg_temp.plan_rows($$SELECT * FROM resource_each('a=1,b=2,c=3,d=4,e=5,f=6')$$),
    pg_temp.plan_rows($$SELECT * FROM source, resource_each(r) WHERE i = 0$$) > 0 AS unknown;

-- Subscripting reads
SELECT r['cpu'], r['memory'], (r + r)['cpu'] AS twice, r['gpu' || 'x'] AS absent, r[NULL] AS nothing
FROM source WHERE i IN (2, 4) ORDER BY i;
SELECT ('cpu=1.5'::resource_list)['cpu'] * 2 AS three, pg_typeof(('cpu=1'::resource_list)['cpu']);
SELECT r[i::text] FROM source WHERE i = 2;
SELECT r['a':'b'] FROM source;
SELECT r['a']['b'] FROM source;
UPDATE source SET r['cpu'] = 1;
INSERT INTO source (i, r['cpu']) VALUES (6, 1);
SELECT r[i] FROM source;

--
-- Aggregates
--
SELECT sum(r), resource_max(r), resource_min(r) FROM (VALUES
    ('cpu=1,memory=1Gi'::resource_list), (NULL), ('cpu=2.5,gpu=1'), ('cpu=-1,gpu=2'), ('')) AS v (r);
SELECT sum(r), resource_max(r), resource_min(r) FROM (VALUES ('a=-1,b=1'::resource_list), ('a=-2,b=2')) AS v (r);
SELECT sum(r), resource_max(r), resource_min(r) FROM (VALUES ('b=-1'::resource_list), ('a=1')) AS v (r);
SELECT sum(r) IS NULL AS sum, resource_max(r) IS NULL AS max, resource_min(r) IS NULL AS min
FROM source WHERE r IS NULL;
SELECT sum(r) = '' AS sum, resource_max(r) = '' AS max FROM source WHERE r = '';
-- Only the result must be in range
SELECT sum(r) FROM (VALUES ('memory=7Ei'::resource_list), ('memory=7Ei'), ('memory=-7Ei'), ('memory=-6Ei')) AS v (r);
SELECT pg_temp.try($$(SELECT sum(r) FROM (VALUES ('cpu=1,memory=7Ei'::resource_list), ('memory=1Ei')) AS v (r))$$) AS high,
    pg_temp.try($$(SELECT sum(r) FROM (VALUES ('memory=-8Ei'::resource_list), ('memory=-1')) AS v (r))$$) AS low;
-- As window functions
SELECT i, sum(r) OVER w, resource_max(r) OVER w, resource_min(r) OVER w
FROM (VALUES (1, 'a=1'::resource_list), (2, 'b=2'), (3, 'a=-1,b=1'), (4, NULL), (5, 'c=1')) AS v (i, r)
WINDOW w AS (ORDER BY i) ORDER BY i;

-- In parallel
CREATE TABLE public.resource_list_test AS
SELECT i, CASE WHEN i % 10 <> 0 THEN format('cpu=%sm,memory=%sKi%s', i % 17 + 1, i % 23,
    CASE WHEN i % 100 = 7 THEN format(',r%s=%s', i % 700, i) ELSE '' END)::resource_list END AS r
FROM generate_series(1, 20000) AS i;
CREATE UNIQUE INDEX resource_list_test_i ON resource_list_test (i);
ANALYZE resource_list_test;
SELECT sum(r) AS s, resource_max(r) AS max, resource_min(r) AS min FROM resource_list_test \gset serial_
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT sum(r), resource_max(r), resource_min(r) FROM resource_list_test;
SELECT sum(r) = :'serial_s' AS sum, resource_max(r) = :'serial_max' AS max, resource_min(r) = :'serial_min' AS min
FROM resource_list_test;
EXPLAIN (COSTS OFF) SELECT i FROM resource_list_test WHERE r @> 'cpu=5m' AND r['memory'] > 0;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
SELECT :'serial_s'::resource_list = (SELECT jsonb_object_agg(name, total)::resource_list FROM (
    SELECT name, sum(quantity) AS total FROM resource_list_test, resource_each(r) GROUP BY name) AS totals) AS same_sum;
SELECT quantity(:'serial_max', 'cpu') AS cpu, quantity(:'serial_max', 'r7') AS r7, :'serial_min'::resource_list AS min;

--
-- Operator classes
--
SELECT amname, opcname, amvalidate(c.oid)
FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = opcmethod
WHERE opcintype = 'resource_list'::regtype ORDER BY 1, 2;
SELECT amname, opcname FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = opcmethod
WHERE opcnamespace = 'pool_manager'::regnamespace AND NOT amvalidate(c.oid);

CREATE INDEX resource_list_test_btree ON resource_list_test (r);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM resource_list_test WHERE r = 'cpu=3m,memory=5Ki';
SELECT count(*) FROM resource_list_test WHERE r = 'cpu=3m,memory=5Ki';
EXPLAIN (COSTS OFF) SELECT i FROM resource_list_test WHERE r >= 'cpu=17m' ORDER BY r LIMIT 1;
SELECT r FROM resource_list_test ORDER BY r LIMIT 1;
SELECT r FROM resource_list_test WHERE r IS NOT NULL ORDER BY r DESC LIMIT 1;
SELECT count(*) FROM resource_list_test AS a JOIN resource_list_test AS b ON b.i = a.i + 1 AND NOT a.r <= b.r AND NOT a.r > b.r;
DROP INDEX resource_list_test_btree;
CREATE INDEX resource_list_test_hash ON resource_list_test USING hash (r);
EXPLAIN (COSTS OFF) SELECT count(*) FROM resource_list_test WHERE r = 'cpu=3m,memory=5Ki';
SELECT count(*) FROM resource_list_test WHERE r = 'cpu=3m,memory=5Ki';
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT count(*) = (SELECT count(*) FROM resource_list_test WHERE quantity(r, 'cpu') = 0.003 AND quantity(r, 'memory') = 5120
    AND i % 100 <> 7) AS same FROM resource_list_test WHERE r = 'cpu=3m,memory=5Ki';
SET enable_nestloop = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM resource_list_test AS a JOIN (VALUES ('cpu=1m,memory=2Ki'::resource_list), ('cpu=1m')) AS b (r) USING (r);
SET enable_hashjoin = off;
SET enable_mergejoin = on;
EXPLAIN (COSTS OFF) SELECT count(*) FROM resource_list_test AS a JOIN resource_list_test AS b USING (r);
RESET enable_nestloop;
RESET enable_mergejoin;
RESET enable_hashjoin;
EXPLAIN (COSTS OFF) SELECT r, count(*) FROM resource_list_test GROUP BY r;
SELECT count(*) = (SELECT count(DISTINCT r::text) FROM resource_list_test) AS same_groups
FROM (SELECT r FROM resource_list_test WHERE r IS NOT NULL GROUP BY r) AS g;
DROP TABLE resource_list_test;

-- Hash partitions use the extended hash
CREATE TABLE public.resource_list_parts (r resource_list) PARTITION BY HASH (r);
CREATE TABLE public.resource_list_part0 PARTITION OF resource_list_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.resource_list_part1 PARTITION OF resource_list_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO resource_list_parts SELECT format('cpu=%s', i)::resource_list FROM generate_series(1, 1000) AS i;
SELECT count(*) BETWEEN 400 AND 600 AS even FROM resource_list_part0;
SELECT count(*) FROM resource_list_parts WHERE r = 'cpu=500';
DROP TABLE resource_list_parts;

--
-- Limits
--
-- 10,000 entries
SELECT string_agg(format('r%s=%sm', i, i), ',' ORDER BY md5(i::text)) AS list FROM generate_series(1, 10000) AS i \gset
CREATE TEMP TABLE big AS SELECT :'list'::resource_list AS r;
SELECT count(*), sum(quantity) = 50005 AS sum, count(DISTINCT name) AS names FROM big, resource_each(r);
SELECT r['r1'], r['r10000'], r['r5000'], r['r10001'] FROM big;
SELECT r::text::resource_list = r AS text, r::jsonb::resource_list = r AS jsonb, r::json::resource_list = r AS json,
    (r + r) = 2 * r AS sum, (r - r) = '' AS difference, r @> r AND NOT r @> r + 'r1=1m' AS fits, copies(r * 3, r),
    dominant_share(r, r * 4), resource_max(r, -r) = r AS max, resource_min(r, '') = '' AS min FROM big;
SELECT sum(r) = (SELECT 3 * r FROM big) AS sum FROM (SELECT r FROM big, generate_series(1, 3)) AS v;
-- Names of up to 317 bytes
SELECT length(format('%s=1', repeat('n', 300))::resource_list::text) AS "300", length(format('%s=1', repeat('n', 317))::resource_list::text) AS "317",
    (format('%s/%s=1.5', repeat('p', 253), repeat('n', 63))::resource_list)[repeat('p', 253) || '/' || repeat('n', 63)];
SELECT pg_temp.try($$format('%s=1', repeat('n', 318))::resource_list$$);
SELECT pg_temp.try($$format('{"%s":1}', repeat('n', 318))::jsonb::resource_list$$);
-- At most 65,535 entries
CREATE TEMP TABLE most AS
SELECT string_agg(format('r%s=1', i), ',')::resource_list AS r FROM generate_series(1, 65535) AS i;
SELECT pg_temp.try($$(SELECT string_agg(format('r%s=1', i), ',')::resource_list FROM generate_series(1, 65536) AS i)$$) AS text,
    pg_temp.try($$(SELECT jsonb_object_agg('r' || i, 1)::resource_list FROM generate_series(1, 65536) AS i)$$) AS jsonb;
SELECT pg_temp.try($$(SELECT r + 'x=1' FROM most)$$) AS sum,
    pg_temp.try($$(SELECT sum(v) FROM (SELECT r FROM most UNION ALL SELECT 'x=1') AS u (v))$$) AS aggregate,
    pg_temp.try($$(SELECT (r + 'r1=1')['r1'] FROM most)$$) AS same_names;

--
-- Labels and comments
--
SELECT oid::regprocedure FROM pg_proc
WHERE prosrc LIKE 'pm\_rl\_%' AND (provolatile <> 'i' OR proparallel <> 's' OR obj_description(oid, 'pg_proc') IS NULL);
SELECT oid::regprocedure FROM pg_proc
WHERE prokind = 'a' AND proargtypes[0] = 'resource_list'::regtype AND (proparallel <> 's' OR obj_description(oid, 'pg_proc') IS NULL);
SELECT oid::regoperator FROM pg_operator
WHERE 'resource_list'::regtype IN (oprleft, oprright) AND obj_description(oid, 'pg_operator') IS NULL;
