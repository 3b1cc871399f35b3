-- The tree of quotas: sub-pools with parts, what is guaranteed, lent and
-- borrowed; quotas of tenants in public pools.  Cases named admit-... are those
-- of a collection of scheduling cases, with its numbers.
BEGIN;
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET pool_manager.clock = '2026-03-01 00:00:00+00';
SELECT plan(65);

SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'UTC') AS beta, create_tenant('crest', 'USD', 'UTC') AS crest \gset
CREATE ROLE tree_owner;
SELECT grant_tenant('acme', 'tree_owner', 'owner');
SELECT create_sku('node', 'node'), create_flavor('big', 'cpu=200,memory=400Gi', 'node'), create_flavor('gpus', 'cpu=64,gpu=4', 'node', 'gpu'), create_flavor('small', 'cpu=64', 'node');
SELECT set_resource_sku('big', 'cpu=1', NULL), set_resource_sku('big', 'memory=1Gi', NULL), set_resource_sku('small', 'cpu=1', NULL);
SELECT create_network('net', '10.0.0.0/24', 'acme');

\ir include/calls.sql
CREATE FUNCTION pg_temp.more(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d text;
    h text;
BEGIN
    EXECUTE query;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN d || ' ' || h;
END $$;
CREATE FUNCTION pg_temp.make_pool(name text, flavor text DEFAULT 'big', policy queue_policy DEFAULT 'fifo') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    made bigint := create_pool(name, 'dedicated', 'acme', 'net', queue_policy => policy);
BEGIN
    PERFORM add_nodes(make_pool.name, flavor, 1);
    RETURN made;
END $$;
-- a job that is queued: nodes are cordoned while it comes
CREATE FUNCTION pg_temp.wants(pool text, sub_pool text, job text, request resource_list, replicas integer DEFAULT 1, priority integer DEFAULT 1)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM cordon_nodes(array_agg(n.node_id)) FROM node n JOIN pool p USING (pool_id) WHERE p.name = wants.pool;
    made := submit_job(pool, job, request => request, replicas => replicas, sub_pool => sub_pool, priority => priority);
    SET LOCAL pool_manager.clock = '2026-03-01 00:00:00+00';
    RETURN made;
END $$;
CREATE FUNCTION pg_temp.opens(pool text) RETURNS void LANGUAGE sql AS $$
    SELECT uncordon_nodes(array_agg(n.node_id)) FROM node n JOIN pool p USING (pool_id) WHERE p.name = opens.pool;
$$;
CREATE FUNCTION pg_temp.passes(pool text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.opens(pool);
    PERFORM schedule(pool);
END $$;
-- job: running, or the reason with its numbers
CREATE FUNCTION pg_temp.outcome(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s', j.name, CASE WHEN q.job_id IS NULL THEN 'runs'
        ELSE concat_ws(' ', s.reason, s.level, s.resource, round(s.needed, 1) || '/' || round(s.available, 1)) END), ', ' ORDER BY j.job_id)
    FROM job j JOIN pool p USING (pool_id) LEFT JOIN job_queue q USING (pool_id, job_id) LEFT JOIN job_shape s ON s.pool_id = j.pool_id AND s.shape_id = j.shape_id
    WHERE p.name = outcome.pool AND j.end_state IS NULL;
$$;

-- ---- making the tree ----

SELECT pg_temp.make_pool('tree') AS tree \gset
SELECT create_sub_pool('tree', 'eng', '', borrow_limit => '') AS eng \gset
SELECT create_sub_pool('tree', 'alpha', 'cpu=50', parent => 'eng', borrow_limit => 'cpu=50') AS alpha,
       create_sub_pool('tree', 'beta', 'cpu=50', parent => 'eng', borrow_limit => 'cpu=10', lend_limit => 'cpu=40') AS beta_share \gset
SELECT results_eq($$SELECT sub_pool::text, parent::text, guaranteed::text, upper::text, borrow_limit::text, lend_limit::text, used::text, borrowed::text
        FROM sub_pool_status WHERE pool = 'tree' ORDER BY sub_pool_id$$,
    $$VALUES (NULL::text, NULL::text, '', NULL::text, NULL::text, NULL::text, '', ''), ('eng', NULL, '', NULL, '', NULL, '', ''),
        ('alpha', 'eng', 'cpu=50', NULL, 'cpu=50', NULL, '', ''), ('beta', 'eng', 'cpu=50', NULL, 'cpu=10', 'cpu=40', '', '')$$, 'the tree');
SELECT is((SELECT string_agg(reason, '; ' ORDER BY event_id) FROM event WHERE kind = 'sub_pool_changed'), 'eng: made; alpha: made; beta: made', 'events');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('tree', 'x', 'cpu=101', parent => 'eng')$$), '22023 sub-pools cannot be guaranteed more than the pool has', 'parts count in the pool');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('tree', 'x', 'cpu=100', parent => 'eng') > 0$$), 'true', 'all of it; what a sub-pool is guaranteed and what its parts are adds up');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('tree', 'x', 'cpu=1', parent => 'none')$$), '42704 sub-pool "none" does not exist', 'no such parent');
SELECT is(pg_temp.tried(format($$SELECT create_sub_pool(%s, 'x', 'cpu=1', parent => 0)$$, :tree)), '42704 sub-pool 0 does not exist', 'by id');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('tree', 'x', 'cpu=1', borrow_limit => 'cpu=-1')$$), '22023 invalid limit of a sub-pool', 'a negative limit');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('tree', 'x', 'cpu=1', lend_limit => 'cpu=-1')$$), '22023 invalid limit of a sub-pool', 'another');
SELECT is(pg_temp.more($$SELECT create_sub_pool('tree', 'x', 'cpu=1', lend_limit => 'cpu=-1')$$),
    'The borrow limit is "", the lend limit "cpu=-1". A limit is 0 or more of each resource; what it does not list is 0.', 'which');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('tree', 'x', '')$$), '22023 invalid quota of a sub-pool', 'it must offer something');
SELECT is(pg_temp.tried($$SELECT delete_sub_pool('tree', 'eng')$$), 'PM002 sub-pool "eng" has parts', 'not deleted under its parts');
SELECT is(pg_temp.tried(format($$SELECT bind_nodes(%s, %s, ARRAY(SELECT node_id FROM node WHERE pool_id = %s))$$, :tree, :eng, :tree)), 'PM002 sub-pool "eng" has parts', 'no nodes for one with parts');
SELECT bind_nodes(:tree, :alpha, ARRAY(SELECT node_id FROM node WHERE pool_id = :tree));
SELECT is(pg_temp.tried($$SELECT create_sub_pool('tree', 'x', 'cpu=1', parent => 'alpha')$$), 'PM002 sub-pool "alpha" has nodes', 'no parts for one with nodes');
SELECT unbind_nodes(:tree, ARRAY(SELECT node_id FROM node WHERE pool_id = :tree));
SELECT is(pg_temp.tried($$SELECT submit_job('tree', 'j', request => 'cpu=1', sub_pool => 'eng')$$), '22023 sub-pool "eng" takes no jobs', 'one with parts takes no jobs');
SELECT is(pg_temp.more($$SELECT submit_job('tree', 'j', request => 'cpu=1', sub_pool => 'eng')$$),
    'It has parts, and these do; pool "tree" has "alpha", "beta". Name one of them with the argument "sub_pool".', 'who does');
SELECT is(pg_temp.tried($$SELECT submit_job('tree', 'j', request => 'cpu=1')$$), '22023 job "j" must name a sub-pool', 'one must be named');
SELECT is(pg_temp.tried($$SELECT submit_job('tree', 'j', request => 'cpu=1', replicas => 61, sub_pool => 'beta')$$),
    'PM001 job "j" asks for more than sub-pool "beta" may ever hold', 'beyond its guarantee and its borrow limit');
SELECT is(pg_temp.tried($$SELECT submit_job('tree', 'j', 'notebook', request => 'cpu=1', sub_pool => 'beta')$$),
    'PM003 sub-pool "beta" does not take notebooks', 'no notebooks where something may be borrowed');
SELECT is(sub_pool_takes('cpu=1', NULL, 'notebook', ''), true, 'but where nothing is');
SELECT is(sub_pool_reach('cpu=1', 'cpu=4', 'cpu=2')::text, 'cpu=3', 'upper and borrow limit: both hold');
SELECT submit_job('tree', 'j', request => 'cpu=1', sub_pool => 'alpha') AS job \gset
SELECT is(pg_temp.tried($$SELECT create_sub_pool('tree', 'x', 'cpu=1', parent => 'alpha')$$), 'PM002 jobs of sub-pool "alpha" have not ended', 'no parts for one with jobs');
SELECT is(pg_temp.tried($$SELECT resize_sub_pool('tree', 'eng', '', 'gpu=1')$$), 'PM002 jobs of sub-pool "eng" hold more than that', 'what parts hold counts');
SELECT cancel_job(:job);
SELECT create_sub_pool('tree', 'l3', '', 'cpu=9', 'alpha'), create_sub_pool('tree', 'l4', '', 'cpu=9', 'l3'), create_sub_pool('tree', 'l5', '', 'cpu=9', 'l4'),
       create_sub_pool('tree', 'l6', '', 'cpu=9', 'l5'), create_sub_pool('tree', 'l7', '', 'cpu=9', 'l6'), create_sub_pool('tree', 'l8', '', 'cpu=9', 'l7');
SELECT is(pg_temp.tried($$SELECT create_sub_pool('tree', 'l9', '', 'cpu=9', 'l8')$$), '54000 sub-pools nest no deeper than 8 levels', 'eight levels');
SELECT resize_sub_pool('tree', 'beta', 'cpu=20', borrow_limit => 'cpu=5');
SELECT is((SELECT (guaranteed::text, upper::text, borrow_limit::text, lend_limit::text)::text FROM sub_pool WHERE sub_pool_id = :beta_share), '(cpu=20,,cpu=5,)', 'resized');
SELECT is((SELECT reason FROM event WHERE kind = 'sub_pool_changed' ORDER BY event_id DESC LIMIT 1), 'beta: guaranteed cpu=20, borrow limit cpu=5', 'its event');

-- ---- by hand ----

SELECT is(pg_temp.tried(format('UPDATE sub_pool SET parent_id = NULL WHERE sub_pool_id = %s', :alpha)), '55000 column "parent_id" of table "sub_pool" cannot be changed', 'a parent is fixed');
SELECT is(pg_temp.tried(format($$INSERT INTO sub_pool (pool_id, sub_pool_id, tenant_id, pool_kind, owner_id, name, parent_id, guaranteed, upper, created_at) VALUES (%s, 5, 1, 'dedicated', 1, 'x', 5, '', 'cpu=1', now())$$, :tree)),
    '23514 new row for relation "sub_pool" violates check constraint "sub_pool_parent_check"', 'older than its parts');
SELECT pg_temp.make_pool('other') AS other \gset
SELECT is(pg_temp.tried(format($$INSERT INTO sub_pool (pool_id, tenant_id, pool_kind, owner_id, name, parent_id, guaranteed, upper, created_at) VALUES (%s, 1, 'dedicated', 1, 'x', %s, '', 'cpu=1', now())$$, :other, :eng)),
    '23503 insert or update on table "sub_pool" violates foreign key constraint "sub_pool_parent_fkey"', 'of the same pool');
SELECT is(pg_temp.tried(format('UPDATE sub_pool SET guaranteed = %L WHERE pool_id = %s AND name IS NULL', 'cpu=1', :tree)),
    '23514 new row for relation "sub_pool" violates check constraint "sub_pool_undivided_check"', 'no quota for what names none');
SELECT is(pg_temp.tried(format('UPDATE sub_pool SET lend_limit = %L WHERE sub_pool_id = %s', 'cpu=-1', :beta_share)),
    '23514 new row for relation "sub_pool" violates check constraint "sub_pool_quota_check"', 'limits are not negative');
SELECT is(pg_temp.tried(format('UPDATE sub_pool SET borrow_limit = NULL WHERE sub_pool_id = %s', :eng)),
    '23514 new row for relation "sub_pool" violates check constraint "sub_pool_upper_check"', 'something bounds it');

-- ---- who may start ----

SELECT pg_temp.make_pool('a005');
SELECT create_sub_pool('a005', 'eng', '', borrow_limit => ''), create_sub_pool('a005', 'eng-alpha', 'cpu=50', parent => 'eng', borrow_limit => 'cpu=50'),
       create_sub_pool('a005', 'eng-beta', 'cpu=50', parent => 'eng', borrow_limit => 'cpu=10');
SELECT pg_temp.wants('a005', 'eng-beta', 'b', 'cpu=1', 56), pg_temp.wants('a005', 'eng-alpha', 'a', 'cpu=1', 45), pg_temp.opens('a005');
SELECT is((SELECT string_agg(job, ' ' ORDER BY position) FROM queue WHERE pool = 'a005'), 'a b', 'admit-005: who would not borrow is first in the queue');
SELECT pg_temp.passes('a005');
SELECT is(pg_temp.outcome('a005'), 'b quota parent cpu 56.0/55.0, a runs', 'admit-005: who stays within the guarantee comes first');
SELECT results_eq($$SELECT sub_pool::text, used::text, borrowed::text, queued FROM sub_pool_status WHERE pool = 'a005' AND sub_pool LIKE 'eng-%' ORDER BY sub_pool_id$$,
    $$VALUES ('eng-alpha', 'cpu=45', '', 0::bigint), ('eng-beta', '', '', 1)$$, 'the view');
SELECT submit_job('a005', 'c', request => 'cpu=1', replicas => 55, sub_pool => 'eng-beta') AS behind \gset
SELECT is((SELECT state FROM job_status WHERE job_id = :behind), 'queued', 'behind the head');
SELECT cancel_job(job_id) FROM job WHERE name = 'b';
SELECT count(*) FROM schedule('a005');
SELECT is(pg_temp.outcome('a005'), 'a runs, c runs', 'admit-006: one borrows exactly what the other leaves');
SELECT is((SELECT borrowed::text FROM sub_pool_status WHERE pool = 'a005' AND sub_pool = 'eng-beta'), 'cpu=5', 'what it has borrowed');

SELECT pg_temp.make_pool('a010', policy => 'traversal');
SELECT create_sub_pool('a010', 'team', '', borrow_limit => ''), create_sub_pool('a010', 'A', 'cpu=9,memory=36Gi', 'cpu=1000,memory=1000Gi', 'team'),
       create_sub_pool('a010', 'B', 'cpu=12,memory=48Gi', 'cpu=1000,memory=1000Gi', 'team');
SELECT pg_temp.wants('a010', 'A', 'j', 'cpu=1,memory=85Gi'), pg_temp.passes('a010');
SELECT is(pg_temp.outcome('a010'), 'j exceeds_max parent memory 91268055040.0/90194313216.0', 'admit-010: more than all of its branch have');
SELECT submit_job('a010', 'k', request => 'cpu=1,memory=84Gi', sub_pool => 'A') AS k \gset
SELECT count(*) FROM schedule('a010');
SELECT is((SELECT state FROM job_status WHERE job_id = :k), 'running', 'just that');

SELECT pg_temp.make_pool('a012', policy => 'traversal');
SELECT create_sub_pool('a012', 'lend', '', borrow_limit => ''), create_sub_pool('a012', 'lend-a', 'cpu=3', 'cpu=1000', 'lend', lend_limit => 'cpu=2'),
       create_sub_pool('a012', 'lend-b', 'cpu=2', 'cpu=1000', 'lend', lend_limit => 'cpu=2');
SELECT submit_job('a012', 'a', request => 'cpu=2', sub_pool => 'lend-b') AS a, submit_job('a012', 'b', request => 'cpu=3', sub_pool => 'lend-b') AS b,
       submit_job('a012', 'c', request => 'cpu=2', sub_pool => 'lend-b') AS c \gset
SELECT count(*) FROM schedule('a012');
SELECT submit_job('a012', 'd', request => 'cpu=2', sub_pool => 'lend-a') AS d,
       submit_job('a012', 'e', request => 'cpu=1', sub_pool => 'lend-a') AS e \gset
SELECT count(*) FROM schedule('a012');
SELECT is(pg_temp.outcome('a012'), 'a runs, b quota parent cpu 3.0/0.0, c runs, d quota parent cpu 2.0/0.0, e runs',
    'admit-012: a lender waits for what it lent, and has what it kept');
SELECT finish_job(:c, 'completed');
SELECT count(*) FROM schedule('a012');
SELECT is(pg_temp.outcome('a012'), 'a runs, b quota parent cpu 3.0/0.0, d runs, e runs', 'lent for the length of a run: then the lender comes first');

SELECT pg_temp.make_pool('a028', policy => 'traversal');
SELECT create_sub_pool('a028', 'root', '', borrow_limit => ''), create_sub_pool('a028', 'research', '', parent => 'root', borrow_limit => ''),
       create_sub_pool('a028', 'production-cq', 'cpu=1', 'cpu=1000', 'root'), create_sub_pool('a028', 'research-cq', 'cpu=1', 'cpu=1000', 'research');
SELECT submit_job('a028', 'r' || i, request => 'cpu=0.5', sub_pool => 'research-cq') FROM generate_series(1, 3) AS i;
SELECT count(*) FROM schedule('a028');
SELECT is(pg_temp.outcome('a028'), 'r1 runs, r2 runs, r3 quota parent cpu 0.5/0.0', 'admit-028: a branch that may not borrow');

SELECT pg_temp.make_pool('a030', policy => 'traversal');
SELECT create_sub_pool('a030', 'all', '', borrow_limit => ''), create_sub_pool('a030', 'prod', 'cpu=2', 'cpu=1000', 'all'), create_sub_pool('a030', 'dev', '', 'cpu=1000', 'all');
SELECT pg_temp.wants('a030', 'dev', 'd-wl-1', 'cpu=1'), pg_temp.wants('a030', 'prod', 'p-wl-2', 'cpu=2'), pg_temp.passes('a030');
SELECT is(pg_temp.outcome('a030'), 'd-wl-1 quota parent cpu 1.0/0.0, p-wl-2 runs', 'admit-030: below its guarantee before the borrower, though newer');

SELECT pg_temp.make_pool('a033', 'gpus', 'traversal');
SELECT create_sub_pool('a033', 'dept', 'gpu=1', 'gpu=2'), create_sub_pool('a033', 'q0', 'gpu=1', 'gpu=1000', 'dept'), create_sub_pool('a033', 'q1', 'gpu=1', 'gpu=1000', 'dept');
SELECT submit_job('a033', 'j' || i, request => 'gpu=2', sub_pool => 'q' || i) FROM generate_series(0, 1) AS i;
SELECT count(*) FROM schedule('a033');
SELECT is(pg_temp.outcome('a033'), 'j0 runs, j1 quota parent gpu 2.0/0.0', 'admit-033: the upper quota of the sub-pool above');

SELECT pg_temp.make_pool('f006', 'gpus', 'traversal');
SELECT create_sub_pool('f006', 'queue0', 'gpu=2', 'gpu=1000'), create_sub_pool('f006', 'queue1', 'gpu=2', 'gpu=1000');
SELECT pg_temp.wants('f006', 'queue' || q, 'j' || q || i, 'gpu=1') FROM generate_series(0, 1) AS q, generate_series(1, 3) AS i ORDER BY q, i;
SELECT pg_temp.opens('f006');
SELECT is((SELECT string_agg(job, ' ' ORDER BY position) FROM queue WHERE pool = 'f006'), 'j01 j02 j11 j12 j03 j13',
    'fair-006: the positions are those that passes take, if each job starts');
SELECT pg_temp.passes('f006');
SELECT is(pg_temp.outcome('f006'), 'j01 runs, j02 runs, j03 resources pool gpu 1.0/0.0, j11 runs, j12 runs, j13 resources pool gpu 1.0/0.0', 'fair-006: half each');

-- ---- what is kept ----

SELECT pg_temp.make_pool('keeps', policy => 'traversal');
SELECT create_sub_pool('keeps', 'kept', 'cpu=120', 'cpu=120', lend_limit => 'cpu=20'), create_sub_pool('keeps', 'rest', '', 'cpu=200');
SELECT submit_job('keeps', 'r' || i, request => 'cpu=50', sub_pool => 'rest') FROM generate_series(1, 2) AS i;
SELECT count(*) FROM schedule('keeps');
SELECT is(pg_temp.outcome('keeps'), 'r1 runs, r2 runs', '100 of 200 are not kept');
SELECT submit_job('keeps', 'r3', request => 'cpu=1', sub_pool => 'rest') AS r3, submit_job('keeps', 'k', request => 'cpu=100', sub_pool => 'kept') AS k \gset
SELECT count(*) FROM schedule('keeps');
SELECT is(pg_temp.outcome('keeps'), 'r1 runs, r2 runs, r3 quota pool cpu 1.0/0.0, k runs', 'the rest of the pool is, and is there for whom it is kept');

-- ---- tenants of a public pool ----

SELECT create_pool('commons', 'public', queue_policy => 'traversal') AS commons \gset
SELECT add_nodes('commons', 'big', 1);
SELECT is(pg_temp.tried($$SELECT set_tenant_quota('commons', 'acme', 'cpu=201')$$), '22023 sub-pools cannot be guaranteed more than the pool has', 'no more than there is');
SELECT is(pg_temp.tried($$SELECT set_tenant_quota('commons', 'acme', 'cpu=2', 'cpu=1')$$), '22023 invalid quota of a sub-pool', 'nor than upper');
SELECT is(pg_temp.tried($$SELECT set_tenant_quota('commons', 'nobody', 'cpu=2')$$), '42704 tenant "nobody" does not exist', 'no such tenant');
SELECT is(pg_temp.tried($$SELECT set_tenant_quota('tree', 'acme', 'cpu=2')$$), 'PM003 pool "tree" is dedicated', 'not in a dedicated pool');
SELECT is(pg_temp.tried(format('SELECT set_tenant_quota(%s, 0, %L)', :commons, 'cpu=2')), '22023 the provider has no quotas', 'not for the provider');
SET ROLE tree_owner;
SELECT is(pg_temp.tried($$SELECT set_tenant_quota('commons', 'acme', 'cpu=2')$$), '42501 permission denied: "tree_owner" is not an operator', 'operators only');
RESET ROLE;
SELECT set_tenant_quota('commons', 'acme', 'cpu=120'), set_tenant_quota('commons', 'beta', 'cpu=50', 'cpu=100');
SELECT is((SELECT string_agg(t.name || ': ' || e.reason, '; ' ORDER BY e.event_id) FROM event e JOIN tenant t USING (tenant_id) WHERE e.pool_id = :commons AND e.kind = 'sub_pool_changed'),
    'acme: guaranteed cpu=120; beta: guaranteed cpu=50, upper cpu=100', 'events');
SELECT is(pg_temp.tried($$SELECT set_tenant_quota('commons', 'crest', 'cpu=31')$$), '22023 sub-pools cannot be guaranteed more than the pool has', 'guarantees add up');
CREATE FUNCTION pg_temp.smaller(pool text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    old bigint[] := ARRAY(SELECT n.node_id FROM node n JOIN pool p USING (pool_id) WHERE p.name = smaller.pool);
BEGIN
    PERFORM add_nodes(pool, 'small', 1);
    PERFORM delete_nodes(old);
END $$;
SELECT is(pg_temp.tried($$SELECT pg_temp.smaller('commons')$$),
    'PM002 the sub-pools of the pool are guaranteed more than would be left', 'and hold when nodes leave');
SELECT submit_job('commons', 'c1', request => 'cpu=150', tenant => 'crest') AS c1, submit_job('commons', 'b1', request => 'cpu=101', tenant => 'beta') AS b1 \gset
SELECT count(*) FROM schedule('commons');
SELECT is(pg_temp.outcome('commons'), 'c1 runs, b1 exceeds_max cpu 101.0/100.0', 'idle quota is lent, also to who has none; upper holds');
SELECT submit_job('commons', 'c2', request => 'cpu=60', tenant => 'crest') AS c2, submit_job('commons', 'a1', request => 'cpu=120', tenant => 'acme') AS a1 \gset
SELECT count(*) FROM schedule('commons');
SELECT is(pg_temp.outcome('commons'), 'c1 runs, b1 exceeds_max cpu 101.0/100.0, c2 resources pool cpu 60.0/50.0, a1 resources pool cpu 120.0/50.0', 'for the length of a run');
SELECT finish_job(:c1, 'completed');
SELECT count(*) FROM schedule('commons');
SELECT is(pg_temp.outcome('commons'), 'b1 exceeds_max cpu 101.0/100.0, c2 runs, a1 runs', 'then both fit');
SELECT is((SELECT string_agg(t.name || ' ' || s.used::text || ' ' || s.borrowed::text, ', ' ORDER BY t.name)
           FROM sub_pool_status s JOIN sub_pool p USING (pool_id, sub_pool_id) JOIN tenant t USING (tenant_id) WHERE s.pool = 'commons'),
    'acme cpu=120 , beta  , crest cpu=60 cpu=60', 'who has no guarantee borrows all');
SELECT finish_job(:c2, 'completed'), finish_job(:a1, 'completed'), cancel_job(:b1);
SELECT submit_job('commons', 'c3', request => 'cpu=150', tenant => 'crest') AS c3, submit_job('commons', 'a2', request => 'cpu=120', tenant => 'acme') AS a2 \gset
SELECT count(*) FROM schedule('commons');
SELECT is(pg_temp.outcome('commons'), 'c3 resources pool cpu 150.0/80.0, a2 runs', 'who is within the guarantee comes first');
SELECT finish_job(:a2, 'completed');
SELECT set_tenant_quota('commons', 'acme', 'cpu=120', lend_limit => '');
SELECT count(*) FROM schedule('commons');
SELECT is(pg_temp.outcome('commons'), 'c3 exceeds_max pool cpu 150.0/80.0', 'what is not lent stays idle');
SELECT set_tenant_quota('commons', 'acme', lend_limit => 'cpu=1');
SELECT count(*) FROM schedule('commons');
SELECT is(pg_temp.outcome('commons'), 'c3 runs', 'nothing is kept of no guarantee');
SELECT set_tenant_quota('commons', 'acme'), set_tenant_quota('commons', 'beta');
SELECT is((SELECT count(*) FROM sub_pool WHERE pool_id = :commons AND limited), 0::bigint, 'no quotas any more');

SELECT * FROM finish();
ROLLBACK;
