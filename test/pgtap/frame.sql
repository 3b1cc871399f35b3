-- The language pool_manager: PL/pgSQL in the frame of a call, and what bodies
-- use. Functions of the test stand in schema framed, as a superuser made them;
-- roles: frame_none, frame_viewer, frame_member, frame_owner of tenant acme,
-- frame_operator, and frame_app, which owns functions that are SECURITY DEFINER.
BEGIN;
SELECT plan(124);
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET pool_manager.clock = '2026-03-01 00:00:00+00';

CREATE ROLE frame_none;
CREATE ROLE frame_viewer;
CREATE ROLE frame_member;
CREATE ROLE frame_owner;
CREATE ROLE frame_operator;
CREATE ROLE frame_app;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'UTC') AS beta \gset
SELECT grant_tenant('acme', 'frame_viewer', 'viewer'), grant_tenant('acme', 'frame_member', 'member'),
    grant_tenant('acme', 'frame_owner', 'owner'), grant_operator('frame_operator');
SELECT create_network('net', '10.0.0.0/24', 'acme') AS net, create_network('net', '10.0.0.0/24', 'beta') AS beta_net,
    create_network('wide', '10.1.0.0/16', 'beta') AS wide \gset
SELECT create_sku('node', 'node'), create_flavor('small', 'cpu=4', 'node');
SELECT set_resource_sku('small', 'cpu=1', NULL);
SELECT create_pool('own', 'dedicated', 'acme', 'net') AS own, create_pool('open', 'public') AS open \gset
SELECT node_id AS own_node FROM add_nodes('own', 'small', 1) AS node_id \gset
SELECT node_id AS open_node FROM add_nodes('open', 'small', 1) AS node_id \gset
SELECT name AS own_node_name FROM node WHERE node_id = :own_node \gset
SELECT name AS open_node_name FROM node WHERE node_id = :open_node \gset

\ir include/calls.sql

CREATE SCHEMA framed;
GRANT USAGE ON SCHEMA framed TO PUBLIC;
SET search_path TO framed, pool_manager, public;

CREATE FUNCTION framed.who() RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    RETURN concat_ws(' ', actor(), current_user, session_user);
END $$;
CREATE FUNCTION framed.path() RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    RETURN current_setting('search_path');
END $$;
CREATE FUNCTION framed.fails() RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    RAISE EXCEPTION 'failed as %', actor();
END $$;
SELECT current_user AS super \gset

-- ---- the actor ----

SELECT is(framed.who(), format('%1$s %1$s %1$s', :'super'), 'a superuser is the actor and the owner');
SELECT is(pg_temp.got('frame_none', 'SELECT framed.who()'), format('frame_none %1$s %1$s', :'super'),
    'a role that was set is the actor');
SELECT is(pg_temp.got('frame_none', 'SELECT framed.path()'), 'pg_catalog, pool_manager, pg_temp', 'the search_path in a body');
SELECT is(pg_temp.got('frame_none', 'SELECT concat_ws(''; '', framed.path(), current_user, current_setting(''search_path''))'),
    'pg_catalog, pool_manager, pg_temp; frame_none; framed, pool_manager, public', 'both are put back after it');
SELECT is(pg_temp.got('frame_none', 'SELECT pool_manager.actor()'), 'frame_none', 'no body: the current role');

CREATE FUNCTION framed.definer() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    RETURN framed.who() || ', then ' || current_user;
END $$;
ALTER FUNCTION framed.definer() OWNER TO frame_app;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.definer()'), format('frame_app %1$s %1$s, then frame_app', :'super'),
    'in a SECURITY DEFINER function its owner is the actor');
CREATE FUNCTION framed.definer_sql() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT framed.who()';
ALTER FUNCTION framed.definer_sql() OWNER TO frame_app;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.definer_sql()'), format('frame_app %1$s %1$s', :'super'),
    'in one in SQL too');

CREATE FUNCTION framed.outer() RETURNS text LANGUAGE pool_manager AS $$
DECLARE
    inner_who text := framed.who();
BEGIN
    RETURN concat_ws(', ', inner_who, actor(), current_user, current_setting('search_path'));
END $$;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.outer()'),
    format('frame_none %1$s %1$s, frame_none, %1$s, pg_catalog, pool_manager, pg_temp', :'super'),
    'a call in a body has the actor of the body');
CREATE FUNCTION framed.around() RETURNS text LANGUAGE pool_manager AS $$
DECLARE
    inner_who text := framed.definer();
BEGIN
    RETURN concat_ws(', ', inner_who, actor());
END $$;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.around()'),
    format('frame_app %1$s %1$s, then frame_app, frame_none', :'super'),
    'a SECURITY DEFINER function between two bodies is the actor of the inner one');

-- functions owned by another role than the extension's: its rights, no more
CREATE FUNCTION framed.others() RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    RETURN concat_ws(' ', actor(), current_user);
END $$;
ALTER FUNCTION framed.others() OWNER TO frame_app;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.others()'), 'frame_none frame_app', 'the body runs as the owner of its function');
CREATE FUNCTION framed.to_others() RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    RETURN concat_ws(' ', framed.others(), actor());
END $$;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.to_others()'), 'frame_none frame_app frame_none',
    'called from a body of another owner');

-- recursion: each level has the same actor
CREATE FUNCTION framed.deep(n integer) RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    RETURN CASE WHEN n = 0 THEN actor() ELSE framed.deep(n - 1) END;
END $$;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.deep(20)'), 'frame_none', 'twenty bodies deep');

-- C calls of a body are the actor's
CREATE FUNCTION framed.make_workspace(name text, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE pool_manager AS $$
BEGIN
    RETURN create_workspace('acme', name, request_id);
END $$;
SELECT is(pg_temp.got('frame_member', $$SELECT framed.make_workspace('lab')$$), format('42501 permission denied for tenant %s', :acme),
    'a body does not lend its rights to the calls that it makes');
SELECT isnt(pg_temp.got('frame_owner', $$SELECT framed.make_workspace('lab', 'mw')$$), NULL, 'who may, may in a body');
SELECT is(actor, 'frame_owner', 'and is noted as the actor') FROM request WHERE request_id = 'mw';

-- policies ask for the role that reads, in a body the owner
CREATE FUNCTION framed.sees() RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    RETURN concat_ws(' ', may_see(0), (SELECT count(*) FROM pool_manager.pool));
END $$;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.sees()'), 't 2', 'a body sees all rows');
SELECT is(pg_temp.got('frame_none', 'SELECT concat_ws('' '', may_see(0), (SELECT count(*) FROM pool_manager.pool))'), 'f 1',
    'who calls it does not');

-- ---- errors ----

SELECT is(pg_temp.got('frame_none', 'SELECT framed.fails()'), 'P0001 failed as frame_none', 'an error comes through');
SELECT is(actor(), :'super'::name, 'and its frame is gone');
SELECT is(current_setting('search_path'), 'framed, pool_manager, public', 'the search_path is back');

CREATE FUNCTION framed.catches() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
BEGIN
    BEGIN
        PERFORM framed.fails();
    EXCEPTION WHEN OTHERS THEN
        message := concat_ws(', ', sqlerrm, actor(), current_user, current_setting('search_path'));
    END;
    RETURN concat_ws(', ', message, framed.who());
END $$;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.catches()'),
    format('failed as frame_none, frame_none, frame_none, framed, pool_manager, public, frame_none %1$s %1$s', :'super'),
    'an application that catches it goes on as itself');
CREATE FUNCTION framed.catches_within() RETURNS text LANGUAGE pool_manager AS $$
DECLARE
    message text;
BEGIN
    BEGIN
        PERFORM framed.fails();
    EXCEPTION WHEN OTHERS THEN
        message := concat_ws(', ', sqlerrm, actor(), current_user, current_setting('search_path'));
    END;
    RETURN concat_ws(', ', message, framed.who(), actor());
END $$;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.catches_within()'),
    format('failed as frame_none, frame_none, %1$s, pg_catalog, pool_manager, pg_temp, frame_none %1$s %1$s, frame_none', :'super'),
    'a body that catches it is still in its frame');
CREATE FUNCTION framed.catches_c() RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    BEGIN
        PERFORM find_pool('nowhere');
    EXCEPTION WHEN undefined_object THEN
        NULL;
    END;
    PERFORM lock_pool(find_pool('open'));
    RETURN concat_ws(' ', actor(), current_user);
END $$;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.catches_c()'), format('frame_none %s', :'super'),
    'after the error of a reading C function a body still writes');

-- ---- names of users ----

CREATE FUNCTION framed.names() RETURNS text LANGUAGE pool_manager AS $$
DECLARE
    row_of pool;
BEGIN
    RETURN concat_ws(' ', upper('x'), actor(), 'a'::text = 'b'::text, (SELECT count(*) FROM pool WHERE kind = 'public'),
        coalesce(row_of.name, 'no pool'));
END $$;
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.upper(text) RETURNS text LANGUAGE sql AS $$SELECT 'hijacked'$$;
CREATE FUNCTION pg_temp.upper(text) RETURNS text LANGUAGE sql AS $$SELECT 'hijacked'$$;
CREATE FUNCTION hostile.actor() RETURNS name LANGUAGE sql AS $$SELECT 'hijacked'::name$$;
CREATE FUNCTION pg_temp.actor() RETURNS name LANGUAGE sql AS $$SELECT 'hijacked'::name$$;
CREATE TABLE hostile.pool (hijacked text);
CREATE TEMP TABLE pool (hijacked text);
CREATE FUNCTION hostile.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.same);
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
-- compiled again, with all that in place
ALTER FUNCTION framed.names() COST 200;
SET search_path TO hostile, pg_temp, pg_catalog, pool_manager, public;
SELECT concat_ws(' ', upper('x'), actor(), 'a'::text = 'b'::text) AS outside, pg_temp.got('frame_none', 'SELECT framed.names()') AS inside \gset
SET search_path TO framed, pool_manager, public;
SELECT is(:'outside'::text, 'hijacked hijacked t', 'a search_path of a user''s own');
SELECT is(:'inside'::text, 'X frame_none f 1 no pool', 'it has no hold on a body');
SELECT is(pg_temp.got('frame_none', 'SELECT framed.names()'), 'X frame_none f 1 no pool', 'nor on a later one');
DROP TABLE pg_temp.pool;
CREATE FUNCTION framed.sets() RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_config('search_path', 'public', false), set_config('work_mem', '1MB', true);
    SET LOCAL ROLE frame_none;
    RETURN 'set';
END $$;
SELECT is(pg_temp.got('frame_operator', 'SELECT framed.sets()'),
    '42501 cannot set parameter "role" within security-definer function', 'a body does not change the role');
SELECT is(current_setting('search_path'), 'framed, pool_manager, public', 'what it set is undone');

-- ---- NULL ----

CREATE FUNCTION framed.nulls(a integer, b integer DEFAULT 1, c integer DEFAULT NULL, d object_name DEFAULT NULL, e integer[] DEFAULT NULL::integer[])
RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    RETURN concat_ws(' ', a, b, coalesce(c::text, 'null'), coalesce(d, 'null'), coalesce(e::text, 'null'));
END $$;
SELECT is(framed.nulls(7), '7 1 null null null', 'DEFAULT NULL is NULL');
SELECT is(framed.nulls(7, 8, 9, 'd', '{1,NULL}'), '7 8 9 d {1,NULL}', 'all given');
SELECT is(framed.nulls(7, c => NULL, d => NULL, e => NULL), '7 1 null null null', 'NULL where the default is');
SELECT throws_ok('SELECT framed.nulls(NULL)', '22004', 'argument "a" must not be null', 'no default');
SELECT throws_ok('SELECT framed.nulls(7, b => NULL)', '22004', 'argument "b" must not be null', 'another default');
SELECT throws_ok('SELECT framed.nulls(NULL, NULL)', '22004', 'argument "a" must not be null', 'the first is named');
CREATE FUNCTION framed.nulls_out(OUT x integer, a integer, OUT y text, INOUT b text, c integer DEFAULT NULL) LANGUAGE pool_manager AS $$
BEGIN
    x := a; y := coalesce(c::text, 'null');
END $$;
SELECT is(framed.nulls_out(1, 'b')::text, '(1,null,b)', 'results among the arguments');
SELECT throws_ok('SELECT framed.nulls_out(NULL, ''b'')', '22004', 'argument "a" must not be null', 'an argument after a result');
SELECT throws_ok('SELECT framed.nulls_out(1, NULL)', '22004', 'argument "b" must not be null', 'an argument that is a result too');
CREATE FUNCTION framed.nulls_unnamed(integer, integer) RETURNS integer LANGUAGE pool_manager AS 'BEGIN RETURN $1 + $2; END';
SELECT throws_ok('SELECT framed.nulls_unnamed(1, NULL)', '22004', 'argument "$2" must not be null', 'arguments without names');
CREATE FUNCTION framed.nulls_computed(a integer DEFAULT nullif(1, 1)) RETURNS integer LANGUAGE pool_manager AS 'BEGIN RETURN a; END';
SELECT throws_ok('SELECT framed.nulls_computed()', '22004', 'argument "a" must not be null', 'a default that only turns out to be NULL');
CREATE FUNCTION framed.nulls_list(VARIADIC a integer[]) RETURNS integer LANGUAGE pool_manager AS 'BEGIN RETURN cardinality(a); END';
SELECT is(framed.nulls_list(1, NULL, 3), 3, 'elements may be NULL');
SELECT throws_ok('SELECT framed.nulls_list(VARIADIC NULL)', '22004', 'argument "a" must not be null', 'the array may not');

-- ---- results ----

CREATE FUNCTION framed.nothing() RETURNS void LANGUAGE pool_manager AS 'BEGIN END';
SELECT is(framed.nothing()::text, '', 'void');
CREATE FUNCTION framed.numbers(n integer) RETURNS SETOF integer LANGUAGE pool_manager AS $$
BEGIN
    FOR i IN 1 .. n LOOP
        RETURN NEXT i;
    END LOOP;
END $$;
SELECT results_eq('SELECT * FROM framed.numbers(3)', 'VALUES (1), (2), (3)', 'SETOF');
SELECT results_eq('SELECT framed.numbers(2) AS a, framed.numbers(2) AS b', 'VALUES (1, 1), (2, 2)', 'two of them in one list');
SELECT is(sum(n), 50005000::bigint, 'ten thousand rows') FROM framed.numbers(10000) AS n;
SELECT is((SELECT n FROM framed.numbers(10000) AS n LIMIT 1), 1, 'rows that nobody fetches');
CREATE FUNCTION framed.pools(from_id bigint) RETURNS TABLE (pool bigint, label text, by name) LANGUAGE pool_manager AS $$
BEGIN
    RETURN QUERY SELECT p.pool_id, 'pool ' || p.name, actor() FROM pool p WHERE p.pool_id >= from_id ORDER BY 1;
END $$;
SELECT results_eq('SELECT * FROM framed.pools(0)',
    format($$VALUES (%s::bigint, 'pool own', %L::name), (%s, 'pool open', %2$L)$$, :own, :'super', :open), 'TABLE and RETURN QUERY');
SELECT is(pg_temp.got('frame_none', 'SELECT string_agg(by, '','') FROM framed.pools(0)'), 'frame_none,frame_none', 'their actor');
SELECT throws_ok('SELECT * FROM framed.pools(NULL)', '22004', 'argument "from_id" must not be null', 'their NULL');
CREATE FUNCTION framed.long(n integer) RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    RETURN repeat('x', n);
END $$;
SELECT is(sum(length(framed.long(n))), 5000::bigint * 5001 / 2, 'texts, many in one query') FROM generate_series(1, 5000) AS n;
SELECT is(array_agg(length(v)), '{100000,200000}', 'long texts outlive their frame')
FROM (SELECT framed.long(n * 100000) AS v FROM generate_series(1, 2) AS n OFFSET 0) q;
CREATE FUNCTION framed.squares(n integer) RETURNS bigint[] LANGUAGE pool_manager AS $$
DECLARE
    result bigint[] := '{}';
BEGIN
    FOR i IN 1 .. n LOOP
        result := result || (i * i)::bigint;
    END LOOP;
    RETURN result;
END $$;
SELECT is(framed.squares(4) || framed.squares(2), '{1,4,9,16,1,4}', 'arrays');
CREATE FUNCTION framed.one_pool(pool bigint) RETURNS pool LANGUAGE pool_manager AS $$
DECLARE
    result pool;
BEGIN
    SELECT p.* INTO result FROM pool p WHERE p.pool_id = pool;
    RETURN result;
END $$;
SELECT is((framed.one_pool(:own)).name::text, 'own', 'rows');
CREATE FUNCTION framed.resources() RETURNS resource_list LANGUAGE pool_manager AS $$ BEGIN RETURN 'cpu=4,memory=1Gi'; END $$;
SELECT is(framed.resources() - 'cpu=1'::resource_list, 'cpu=3,memory=1Gi'::resource_list, 'a type of the extension');
CREATE FUNCTION framed.steady(a integer) RETURNS text LANGUAGE pool_manager STABLE STRICT AS $$ BEGIN RETURN actor() || a; END $$;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.steady(1)'), 'frame_none1', 'STABLE');
SELECT is(framed.steady(NULL), NULL, 'STRICT: not called for NULL');
CREATE FUNCTION framed.generic(a anyelement) RETURNS anyarray LANGUAGE pool_manager AS $$ BEGIN RETURN ARRAY[a, a]; END $$;
SELECT is(framed.generic(1)::text || framed.generic('x'::text)::text, '{1,1}{x,x}', 'polymorphic');

-- ---- rights ----

CREATE FUNCTION framed.has(tenant bigint, level text) RETURNS boolean LANGUAGE pool_manager AS $$
BEGIN
    RETURN has_level(tenant, level);
END $$;
CREATE FUNCTION framed.require(tenant bigint, level text) RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    PERFORM require_level(tenant, level);
    RETURN 'may';
END $$;
SELECT is(string_agg(left(pg_temp.got(role, format('SELECT framed.has(%s, %L)', tenant, level)), 1), '' ORDER BY tenant = 0, no),
    levels, role || ': levels of a tenant, then of the provider')
FROM (VALUES ('frame_none', 'ffffffff'), ('frame_viewer', 'tfffffff'), ('frame_member', 'ttffffff'),
        ('frame_owner', 'tttfffff'), ('frame_operator', 'tttttttt')) AS r (role, levels),
    (VALUES (:acme), (0)) AS t (tenant), unnest('{viewer,member,owner,operator}'::text[]) WITH ORDINALITY AS l (level, no)
GROUP BY role, levels;
SELECT is(pg_temp.got('frame_owner', format('SELECT framed.require(%s, ''owner'')', :acme)), 'may', 'an owner is one');
SELECT is(pg_temp.got('frame_member', format('SELECT framed.require(%s, ''owner'')', :acme)),
    format('42501 permission denied for tenant %s', :acme), 'a member is not');
SELECT is(pg_temp.got('frame_owner', format('SELECT framed.require(%s, ''viewer'')', :beta)),
    format('42501 permission denied for tenant %s', :beta), 'nor of another tenant');
SELECT is(pg_temp.got('frame_owner', 'SELECT framed.require(0, ''viewer'')'),
    '42501 permission denied: "frame_owner" is not an operator', 'the provider''s are operators');
SELECT is(pg_temp.got('frame_owner', format('SELECT framed.require(%s, ''operator'')', :acme)),
    '42501 permission denied: "frame_owner" is not an operator', 'operators are no owners');
SELECT is(pg_temp.got('frame_operator', 'SELECT framed.require(0, ''operator'')'), 'may', 'an operator');
SELECT throws_ok('SELECT framed.require(0, ''king'')', '22023', 'unknown level "king"', 'an unknown level');
SELECT throws_ok('SELECT framed.has(0, ''Owner'')', '22023', 'unknown level "Owner"', 'levels are in lower case');
CREATE FUNCTION framed.has_null() RETURNS boolean LANGUAGE pool_manager AS $$ BEGIN RETURN has_level(NULL, 'owner'); END $$;
SELECT throws_ok('SELECT framed.has_null()', '22004', 'argument "tenant" must not be null', 'no tenant');

-- each body asks for its own actor, in one transaction too
SELECT is(pg_temp.got('frame_owner', format('SELECT framed.has(%s, ''owner'')', :acme)) || ' ' ||
    pg_temp.got('frame_viewer', format('SELECT framed.has(%s, ''owner'')', :acme)), 'true false', 'one role after the other');

-- ---- the pool's lock ----

CREATE FUNCTION framed.lock(pool bigint) RETURNS timestamptz LANGUAGE pool_manager AS $$ BEGIN RETURN lock_pool(pool); END $$;
SET pool_manager.clock = '2026-03-01 01:00:00+00';
SELECT is(framed.lock(:own), '2026-03-01 01:00:00+00'::timestamptz, 'the instant of the change');
SELECT is(last_instant, '2026-03-01 01:00:00+00'::timestamptz, 'is written') FROM pool_clock WHERE pool_id = :own;
SELECT throws_ok('SELECT framed.lock(0)', '42704', 'pool 0 does not exist', 'no such pool');

-- ---- repeated calls ----

CREATE SEQUENCE framed.made;
CREATE FUNCTION framed.make(tenant bigint, what text, n integer DEFAULT 2, request_id text DEFAULT NULL) RETURNS SETOF bigint
LANGUAGE pool_manager AS $$
DECLARE
    ids bigint[] := earlier_results(tenant);
BEGIN
    IF ids IS NULL THEN
        ids := ARRAY(SELECT nextval('framed.made') FROM generate_series(1, n));
        PERFORM remember_results(ids);
    END IF;
    RETURN QUERY SELECT unnest(ids);
END $$;
CREATE FUNCTION framed.make_other(tenant bigint, request_id text) RETURNS SETOF bigint LANGUAGE pool_manager AS $$
DECLARE
    inner_ids bigint[] := ARRAY(SELECT framed.make(tenant, 'inner', request_id => request_id || '/inner'));
BEGIN
    IF earlier_results(tenant) IS NULL THEN
        PERFORM remember_results(inner_ids || 0::bigint);
    END IF;
    RETURN QUERY SELECT unnest(inner_ids);
END $$;
SELECT results_eq(format('SELECT framed.make(%s, ''a'')', :acme), 'VALUES (1::bigint), (2)', 'no request_id');
SELECT results_eq(format('SELECT framed.make(%s, ''a'')', :acme), 'VALUES (3::bigint), (4)', 'makes new ones');
SELECT is(pg_temp.got('frame_owner', format('SELECT string_agg(v::text, '','') FROM framed.make(%s, ''a'', request_id => ''r1'') v', :acme)), '5,6',
    'the first call');
SELECT results_eq(format('SELECT framed.make(%s, ''a'', request_id => ''r1'')', :acme), 'VALUES (5::bigint), (6)', 'the same again');
SELECT results_eq(format('SELECT framed.make(%s, ''a'', 2, ''r1'')', :acme), 'VALUES (5::bigint), (6)', 'with the default written out');
SELECT throws_ok(format('SELECT framed.make(%s, ''b'', request_id => ''r1'')', :acme), 'PM004',
    'request_id "r1" was used before with other content', 'other content');
SELECT throws_ok(format('SELECT framed.make_other(%s, ''r1'')', :acme), 'PM004',
    'request_id "r1" was used before for another call', 'another call');
SELECT throws_ok(format('SELECT framed.make(%s, ''a'', request_id => '''')', :acme), '22023', NULL, 'an empty request_id');
SELECT results_eq($$SELECT call, actor, results, arguments - 'tenant' FROM request WHERE request_id = 'r1'$$,
    $$VALUES ('make', 'frame_owner'::name, '{5,6}'::bigint[], '{"what": "a", "n": "2"}'::jsonb)$$, 'what is kept');
SELECT results_eq(format('SELECT framed.make(%s, ''none'', 0, ''r2'')', :acme), 'SELECT 0::bigint WHERE false', 'a call without results');
SELECT results_eq(format('SELECT framed.make(%s, ''none'', 0, ''r2'')', :acme), 'SELECT 0::bigint WHERE false', 'and its repetition');
SELECT results_eq(format('SELECT framed.make_other(%s, ''r3'')', :acme), 'VALUES (9::bigint), (10)',
    'a call in a call; 7 and 8 went with the call that was refused');
SELECT is(array_agg(request_id || results::text ORDER BY request_id), '{"r3{9,10,0}","r3/inner{9,10}"}',
    'each keeps its own') FROM request WHERE request_id LIKE 'r3%';
CREATE FUNCTION framed.remember_null() RETURNS void LANGUAGE pool_manager AS $$ BEGIN PERFORM remember_results('{1,NULL}'); END $$;
SELECT throws_ok('SELECT framed.remember_null()', '22004', 'results must not contain nulls', 'results are ids');

-- ---- finding ----

SELECT is(find_tenant('acme') || ' ' || find_tenant(:acme), format('%1$s %1$s', :acme), 'find_tenant');
SELECT is(pg_temp.got('frame_owner', 'SELECT find_tenant(''beta'')'), '42704 tenant "beta" does not exist', 'not one of others');
SELECT is(pg_temp.got('frame_owner', format('SELECT find_tenant(%s)', :beta)), format('42704 tenant %s does not exist', :beta), 'by id neither');
SELECT throws_ok('SELECT find_tenant(NULL::text)', '22004', 'argument "tenant" must not be null', 'NULL');
SELECT is(find_pool('own') || ' ' || find_pool(:own), format('%1$s %1$s', :own), 'find_pool');
SELECT is(pg_temp.got('frame_none', 'SELECT find_pool(''own'')'), '42704 pool "own" does not exist', 'not a dedicated one of others');
SELECT is(pg_temp.got('frame_none', 'SELECT find_pool(''open'')'), :'open', 'a public one');
SELECT throws_ok('SELECT find_pool(NULL::bigint)', '22004', 'argument "pool" must not be null', 'NULL');
SELECT is(pg_temp.got('frame_owner', 'SELECT find_network(''net'')'), :'net', 'find_network: the only one that the actor may see');
SELECT throws_ok('SELECT find_network(''net'')', '22023', 'network "net" is not the only one of this name', 'there are two');
SELECT is(find_network('net', :beta) || ' ' || find_network('wide'), format('%s %s', :beta_net, :wide), 'of a tenant, or the only one');
SELECT throws_ok('SELECT find_network(''net'', 0)', '42704', 'network "net" does not exist', 'the provider has none');
SELECT is(pg_temp.got('frame_owner', format('SELECT find_network(''net'', %s)', :beta)),
    format('42704 tenant %s does not exist', :beta), 'of a tenant that is not seen');
SELECT is(pg_temp.got('frame_owner', format('SELECT find_network(%s)', :net)), :'net', 'by id');
SELECT is(pg_temp.got('frame_owner', format('SELECT find_network(%s)', :wide)), format('42704 network %s does not exist', :wide),
    'by id, of others');
SELECT is(pg_temp.got('frame_none', 'SELECT find_network(''net'')'), '42704 network "net" does not exist', 'who acts for nobody has none');
SELECT throws_ok('SELECT find_network(NULL::text)', '22004', 'argument "network" must not be null', 'NULL');
SELECT is(pg_temp.got('frame_viewer', format('SELECT find_node(%s, %L)', :own, :'own_node_name')), :'own_node', 'find_node');
SELECT is(pg_temp.got('frame_viewer', format('SELECT find_node(%s, ''nowhere'')', :own)), '42704 node "nowhere" does not exist', 'no such node');
SELECT is(pg_temp.got('frame_none', format('SELECT find_node(%s, %L)', :own, :'own_node_name')), format('42704 pool %s does not exist', :own),
    'of a pool that is not seen');
SELECT is(pg_temp.got('frame_viewer', format('SELECT find_node(%s, %L)', :open, :'open_node_name')),
    format('42704 node "%s" does not exist', :'open_node_name'), 'nodes of public pools are the provider''s');
CREATE FUNCTION framed.finds(pool text) RETURNS bigint LANGUAGE pool_manager AS $$ BEGIN RETURN find_pool(pool); END $$;
SELECT is(pg_temp.got('frame_none', 'SELECT framed.finds(''own'')') || ', ' || pg_temp.got('frame_viewer', 'SELECT framed.finds(''own'')'),
    format('42704 pool "own" does not exist, %s', :own), 'in a body the actor''s eyes count');

-- a call by name in front of the call by id
CREATE FUNCTION framed.touch(pool bigint, n integer DEFAULT 1, request_id text DEFAULT NULL) RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    RETURN concat_ws(' ', pool, n, actor(), coalesce(earlier_results(0)::text, 'new'));
END $$;
CREATE FUNCTION framed.touch(pool text, n integer DEFAULT 1, request_id text DEFAULT NULL) RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT framed.touch(pool_manager.find_pool(pool), n, request_id);
END;
SELECT is(pg_temp.got('frame_viewer', 'SELECT framed.touch(''own'', 2)'), format('%s 2 frame_viewer new', :own), 'by name');
SELECT is(pg_temp.got('frame_none', 'SELECT framed.touch(''own'', 2)'), '42704 pool "own" does not exist', 'by a name that is not seen');
SELECT throws_ok('SELECT framed.touch(''own'', NULL)', '22004', 'argument "n" must not be null', 'NULL by name');
SELECT throws_ok('SELECT framed.touch(NULL::text)', '22004', 'argument "pool" must not be null', 'a NULL name');

-- ---- what is closed ----

SELECT throws_ok('SELECT has_level(0, ''owner'')', '55000', 'no call is running', 'rights are those of a body''s actor');
SELECT throws_ok(format('SELECT lock_pool(%s)', :own), '55000', 'no call is running', 'locks are for bodies');
SELECT is(pg_temp.got('frame_operator', 'CREATE FUNCTION pg_temp.mine() RETURNS void LANGUAGE pool_manager AS ''BEGIN END'''),
    '42501 permission denied for language pool_manager', 'only superusers make calls');
SELECT results_eq($$SELECT p.oid::regprocedure::text COLLATE "C" AS f FROM pg_proc p WHERE pronamespace = 'pool_manager'::regnamespace
    AND proname IN ('call_handler', 'actor', 'has_level', 'require_level', 'lock_pool', 'earlier_results', 'remember_results',
        'find_tenant', 'find_pool', 'find_network', 'find_node')
    AND has_function_privilege('frame_none', oid, 'EXECUTE') ORDER BY f$$,
    $$VALUES ('actor()' COLLATE "C"), ('find_network(bigint)'), ('find_network(text,bigint)'), ('find_node(bigint,text)'), ('find_pool(bigint)'),
        ('find_pool(text)'), ('find_tenant(bigint)'), ('find_tenant(text)')$$, 'what everybody may call');

-- a refusal has no lines of bodies, by name either
CREATE FUNCTION pg_temp.context_of(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    place text;
BEGIN
    EXECUTE call;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
    RETURN SQLSTATE || coalesce(' ' || substring(place FROM '"(?:add_nodes|create_pool|create_sub_pool|set_fair_share|bind_nodes)"'), '');
END $$;
SELECT is(pg_temp.context_of(c), '42704', c) FROM unnest(ARRAY[
    $$SELECT pool_manager.add_nodes('nowhere', 'nothing')$$, $$SELECT pool_manager.create_pool('p', 'dedicated', 'nobody', 'none')$$,
    $$SELECT pool_manager.create_sub_pool('nowhere', 's', 'cpu=1')$$, $$SELECT pool_manager.set_fair_share('nowhere', 'nobody', 1)$$,
    $$SELECT pool_manager.bind_nodes('nowhere', 's', '{n}')$$]) AS c;

SELECT * FROM finish();
ROLLBACK;
