-- The reference names all that the extension offers, and offers all that it
-- names: signatures and columns in it are those of the catalogue. And every
-- object has a comment.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SELECT plan(10);

\set page `cat doc/reference.md`

-- what the page says: each indented line with those that go on with it
CREATE TEMP TABLE said ON COMMIT DROP AS
SELECT regexp_replace(btrim(m[1]), '\s+', ' ', 'g') AS signature
FROM regexp_matches(E'\n' || :'page', E'(?<=\n)    ([a-z_0-9]+\\([^\n]*(?:\n {5,}[^\n]+)*)', 'g') AS m;

CREATE TEMP TABLE heading ON COMMIT DROP AS
SELECT btrim(name) AS name
FROM regexp_matches(E'\n' || :'page', E'\n#{3,4} ([^\n]+)', 'g') AS m, string_to_table(m[1], ',') AS name;

CREATE FUNCTION pg_temp.is_of_extension(class regclass, object oid) RETURNS boolean
LANGUAGE sql STABLE RETURN EXISTS (
    SELECT FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
    WHERE e.extname = 'pool_manager' AND d.classid = class AND d.objid = object AND d.deptype = 'e');

-- text of a type or default as the page has it
CREATE FUNCTION pg_temp.plain(text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN
    regexp_replace(replace(replace(replace(replace($1, 'pool_manager.', ''), ' DEFAULT ', ' = '),
        'timestamp with time zone', 'timestamptz'), '"', ''), '::[a-z_][a-z_ ]*[a-z](\[\])?', '', 'g');

-- functions for all; not those by which types, operators, casts and aggregates work
CREATE TEMP TABLE offered ON COMMIT DROP AS
SELECT p.proname::text AS name,
       format('%s(%s)', p.proname, regexp_replace(pg_temp.plain(pg_get_function_arguments(p.oid)), '\mIN ', '', 'g'))
           || coalesce(' → ' || pg_temp.plain(pg_get_function_result(p.oid)), '') AS signature
FROM pg_proc p
WHERE pg_temp.is_of_extension('pg_proc', p.oid) AND has_function_privilege('public', p.oid, 'EXECUTE')
  AND p.prorettype NOT IN ('trigger'::regtype, 'language_handler'::regtype)
  AND NOT EXISTS (
    SELECT FROM pg_depend u LEFT JOIN pg_proc a ON u.classid = 'pg_proc'::regclass AND a.oid = u.objid
    WHERE u.refclassid = 'pg_proc'::regclass AND u.refobjid = p.oid
      AND (u.classid IN ('pg_operator'::regclass, 'pg_cast'::regclass, 'pg_type'::regclass,
                         'pg_amproc'::regclass, 'pg_opclass'::regclass) OR a.prokind = 'a'));

CREATE TEMP TABLE shown ON COMMIT DROP AS
SELECT c.relname::text AS name, format('%s(%s)', c.relname, string_agg(a.attname, ', ' ORDER BY a.attnum)) AS signature
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'v' AND pg_temp.is_of_extension('pg_class', c.oid)
GROUP BY c.oid;

SELECT cmp_ok((SELECT count(*) FROM said), '>', 100::bigint, 'the page can be read');
SELECT is_empty($$
    SELECT DISTINCT name FROM offered o
    WHERE NOT EXISTS (SELECT FROM said s WHERE split_part(s.signature, '(', 1) = o.name) ORDER BY 1$$,
    'every function that all may call is in the reference');
SELECT is_empty($$
    SELECT name FROM shown v WHERE NOT EXISTS (SELECT FROM heading h WHERE h.name = v.name) ORDER BY 1$$,
    'every view is in the reference');
SELECT is_empty($$
    SELECT signature FROM said EXCEPT (SELECT signature FROM offered UNION ALL SELECT signature FROM shown) ORDER BY 1$$,
    'what is in the reference is as it says: names, types and defaults of arguments, columns of views');
SELECT is_empty(format($$
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND pg_temp.is_of_extension('pg_class', oid) AND strpos(%L, '`' || relname || '`') = 0
    UNION ALL
    SELECT typname FROM pg_type
    WHERE typtype IN ('e', 'd', 'b') AND typelem = 0 AND pg_temp.is_of_extension('pg_type', oid)
      AND strpos(%1$L, '`' || typname || '`') = 0$$, :'page'),
    'every table and type is in the reference');

SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc p
    WHERE pg_temp.is_of_extension('pg_proc', p.oid) AND obj_description(p.oid, 'pg_proc') IS NULL$$,
    'every function has a comment');
SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class c
    WHERE c.relkind IN ('r', 'v', 'p', 'm') AND pg_temp.is_of_extension('pg_class', c.oid)
      AND obj_description(c.oid, 'pg_class') IS NULL$$,
    'every table and view has a comment');
SELECT is_empty($$
    SELECT c.relname, a.attname
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'v', 'p', 'm') AND pg_temp.is_of_extension('pg_class', c.oid)
      AND col_description(c.oid, a.attnum) IS NULL$$,
    'every column has a comment');
SELECT is_empty($$
    SELECT t.oid::regtype FROM pg_type t
    WHERE t.typelem = 0 AND t.typrelid = 0 AND pg_temp.is_of_extension('pg_type', t.oid)
      AND obj_description(t.oid, 'pg_type') IS NULL$$,
    'every type has a comment');
SELECT is_empty($$
    SELECT o.oid::regoperator::text FROM pg_operator o
    WHERE pg_temp.is_of_extension('pg_operator', o.oid) AND obj_description(o.oid, 'pg_operator') IS NULL
    UNION ALL
    SELECT l.lanname::text FROM pg_language l
    WHERE pg_temp.is_of_extension('pg_language', l.oid) AND obj_description(l.oid, 'pg_language') IS NULL$$,
    'every operator and language has a comment');

SELECT * FROM finish();
ROLLBACK;
