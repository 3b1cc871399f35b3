-- Who sees what and may do what: two tenants side by side in one public pool,
-- a viewer, an owner, an operator and a stranger; and what hostile roles try.
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET pool_manager.clock = '2026-03-01 00:00:00+00';

CREATE ROLE regress_acme;
CREATE ROLE regress_acme_viewer;
CREATE ROLE regress_acme_owner;
CREATE ROLE regress_beta;
CREATE ROLE regress_operator;
CREATE ROLE regress_stranger;
-- members of a role act as it does; without INHERIT only after SET ROLE
CREATE ROLE regress_intern IN ROLE regress_acme;
CREATE ROLE regress_outsider NOINHERIT IN ROLE regress_acme;

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'EUR', 'UTC');
SELECT create_sku('gpu', 'GPU'), create_sku('node', 'node'),
       create_flavor('gpu4', 'nvidia.com/gpu=4', 'node', 'nvidia.com/gpu');
SELECT set_resource_sku('gpu4', 'nvidia.com/gpu=1', 'gpu');
SELECT create_network('acme-net', '10.0.0.0/24', 'acme'), create_network('beta-net', '10.0.0.0/24', 'beta');
SELECT create_pool('pub', 'public', queue_policy => 'traversal'),
       create_pool('acme-pool', 'dedicated', tenant => 'acme', network => 'acme-net'),
       create_pool('beta-pool', 'dedicated', tenant => 'beta', network => 'beta-net');
SELECT add_nodes('pub', 'gpu4'), add_nodes('acme-pool', 'gpu4'), add_nodes('beta-pool', 'gpu4');
SELECT set_price('gpu', '1', '2026-01-01', currency => 'USD'), set_price('gpu', '2', '2026-01-01', currency => 'EUR'),
       set_price('gpu', '0.9', '2026-01-01', tenant => 'acme'), set_price('gpu', '1.8', '2026-01-01', tenant => 'beta');
SELECT grant_tenant('acme', 'regress_acme'), grant_tenant('acme', 'regress_acme_viewer', 'viewer'),
       grant_tenant('acme', 'regress_acme_owner', 'owner'), grant_tenant('beta', 'regress_beta', 'owner'),
       grant_operator('regress_operator');

SELECT create_workspace('acme', 'research', request_id => 'q'), create_workspace('beta', 'research', request_id => 'q');

-- both tenants: a job that runs, one that has ended, two that wait
SELECT submit_job('pub', t || ' runs', request => 'nvidia.com/gpu=1', tenant => t) FROM unnest('{acme,beta}'::text[]) AS t;
SELECT submit_job('pub', t || ' ends', request => 'nvidia.com/gpu=1', tenant => t, request_id => 'r') FROM unnest('{acme,beta}'::text[]) AS t;
SELECT submit_job('acme-pool', 'acme at home', request => 'nvidia.com/gpu=4');
SELECT submit_job('beta-pool', 'beta at home', request => 'nvidia.com/gpu=4');
SELECT job_id, state FROM schedule('pub');
SET pool_manager.clock = '2026-03-01 01:00:00+00';
SELECT finish_job(3), finish_job(4);
SELECT submit_job('pub', t || ' waits ' || i, request => 'nvidia.com/gpu=4', tenant => t)
FROM generate_series(1, 2) AS i, unnest('{beta,acme}'::text[]) AS t;

-- and books: February is billed, March was settled and corrected, with payments and limits
SELECT recorded FROM record_usage('acme', 'gpu', 1, '2026-02-10 00:00+00', '2026-02-10 01:00+00', 'meter', 'a');
SELECT recorded FROM record_usage('beta', 'gpu', 1, '2026-02-10 00:00+00', '2026-02-10 01:00+00', 'meter', 'b');
SELECT issue_bill('acme', '2026-02-01'), issue_bill('beta', '2026-02-01');
SELECT adjust('acme', 1, 'fee'), adjust('beta', 1, 'fee'), set_credit_limit('acme', 50), set_credit_limit('beta', 50),
       record_payment('acme', 1, 'transfer 1'), record_payment('beta', 1, 'transfer 2');

-- every table with a tenant: whose rows, and how many
CREATE FUNCTION public.seen(OUT "table" text, OUT rows text) RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pool_manager AS $$
BEGIN
    FOR "table" IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'pool_manager'::regnamespace AND c.relkind = 'r' AND a.attname = 'tenant_id' ORDER BY 1
    LOOP
        EXECUTE format('SELECT string_agg(format(''%%s: %%s'', tenant_id, n), '', '' ORDER BY tenant_id)
                        FROM (SELECT tenant_id, count(*) AS n FROM %I GROUP BY tenant_id) AS s', "table") INTO rows;
        RETURN NEXT;
    END LOOP;
END $$;

-- what is seen by each; NULL: nothing
CREATE TEMP TABLE sight (role text, "table" text, rows text);
GRANT ALL ON sight TO PUBLIC;
SET ROLE regress_acme;
INSERT INTO sight SELECT 'acme', * FROM public.seen();
SET ROLE regress_beta;
INSERT INTO sight SELECT 'beta', * FROM public.seen();
SET ROLE regress_acme_viewer;
INSERT INTO sight SELECT 'viewer', * FROM public.seen();
SET ROLE regress_intern;
INSERT INTO sight SELECT 'intern', * FROM public.seen();
SET ROLE regress_outsider;
INSERT INTO sight SELECT 'outsider', * FROM public.seen();
SET ROLE regress_operator;
INSERT INTO sight SELECT 'operator', * FROM public.seen();
SET ROLE regress_stranger;
INSERT INTO sight SELECT 'stranger', * FROM public.seen();
RESET ROLE;
SELECT "table",
       max(rows) FILTER (WHERE role = 'acme') AS acme, max(rows) FILTER (WHERE role = 'beta') AS beta,
       max(rows) FILTER (WHERE role = 'operator') AS operator, max(rows) FILTER (WHERE role = 'stranger') AS stranger
FROM sight GROUP BY "table" ORDER BY "table";
-- viewer and intern see what the member sees, the outsider what the stranger sees
SELECT s.role, count(*) AS tables, count(*) FILTER (WHERE s.rows IS DISTINCT FROM o.rows) AS differ
FROM sight s JOIN sight o ON o."table" = s."table" AND o.role = CASE s.role WHEN 'outsider' THEN 'stranger' ELSE 'acme' END
WHERE s.role IN ('viewer', 'intern', 'outsider') GROUP BY s.role ORDER BY s.role;

-- tables without a tenant of their own, and the lock, which nobody sees
CREATE FUNCTION public.others(OUT pools text, OUT node_groups bigint, OUT loads bigint, OUT clocks text) LANGUAGE plpgsql
SET search_path = pool_manager AS $$
BEGIN
    pools := (SELECT string_agg(name, ', ' ORDER BY name) FROM pool);
    node_groups := (SELECT count(*) FROM node_group);
    loads := (SELECT count(*) FROM node_load);
    clocks := (SELECT count(*) FROM pool_clock);
EXCEPTION WHEN insufficient_privilege THEN
    clocks := SQLERRM;
END $$;
SET ROLE regress_acme;
SELECT * FROM public.others();
SET ROLE regress_beta;
SELECT * FROM public.others();
SET ROLE regress_operator;
SELECT * FROM public.others();
SET ROLE regress_stranger;
SELECT * FROM public.others();

-- views: the others count in positions, but are not shown
SET ROLE regress_acme;
SELECT pool, "position", job, tenant, reason FROM queue;
SELECT job, pool, state FROM job_status ORDER BY job_id;
SELECT pool, node FROM node_status;
SELECT pool, tenant, nodes, queued, running FROM pool_status ORDER BY pool;
SELECT pool FROM pool_utilization ORDER BY pool;
SELECT tenant, sku, quantity FROM running_cost ORDER BY 1, 2, 3;
SELECT tenant_name, sku, sum(quantity) AS quantity, sum(amount) AS amount
FROM charges(NULL::bigint, '2026-03-01', '2026-03-02') GROUP BY 1, 2 ORDER BY 1, 2;
SET ROLE regress_beta;
SELECT pool, "position", job, tenant, reason FROM queue;
SELECT job, pool, state FROM job_status ORDER BY job_id;
SELECT pool, node FROM node_status;
SELECT pool, tenant, nodes, queued, running FROM pool_status ORDER BY pool;
SELECT pool FROM pool_utilization ORDER BY pool;
SELECT tenant, sku, quantity FROM running_cost ORDER BY 1, 2, 3;
SELECT tenant_name, sku, sum(quantity) AS quantity, sum(amount) AS amount
FROM charges(NULL::bigint, '2026-03-01', '2026-03-02') GROUP BY 1, 2 ORDER BY 1, 2;
SET ROLE regress_operator;
SELECT pool, "position", job, tenant, reason FROM queue;
SELECT pool, tenant, nodes, queued, running FROM pool_status ORDER BY pool;
SELECT tenant_name, sku, sum(quantity) AS quantity, sum(amount) AS amount
FROM charges(NULL::bigint, '2026-03-01', '2026-03-02') GROUP BY 1, 2 ORDER BY 1, 2;
SET ROLE regress_stranger;
SELECT (SELECT count(*) FROM queue) AS queue, (SELECT count(*) FROM job_status) AS jobs, (SELECT count(*) FROM node_status) AS nodes,
       (SELECT count(*) FROM running_cost) AS cost, (SELECT count(*) FROM queue_order(1)) AS positions,
       (SELECT count(*) FROM charges(NULL::bigint, '2026-03-01', '2026-03-02')) AS charges;
RESET ROLE;

-- what each may call: done, or the error.  Everything is undone.
CREATE FUNCTION public.try(call text) RETURNS text
LANGUAGE plpgsql SET search_path = pool_manager AS $$
BEGIN
    EXECUTE CASE WHEN call LIKE 'CALL %' THEN '' ELSE 'SELECT ' END || call;
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN 'done';
WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TEMP TABLE metered AS SELECT 'acme' AS tenant, 'gpu' AS sku, 1 AS quantity, timestamptz '2026-02-27' AS started_at,
    timestamptz '2026-02-28' AS ended_at, 'meter' AS source, 'd' AS event_id;
GRANT SELECT ON metered TO PUBLIC;
CREATE TEMP TABLE call (n serial, call text);
GRANT SELECT ON call TO PUBLIC;
INSERT INTO call (call) VALUES
    ($$create_tenant('gamma', 'USD', 'UTC')$$),
    ($$create_sku('x', 'x')$$),
    ($$create_flavor('x', 'cpu=1')$$),
    ($$set_resource_sku('gpu4', 'cpu=1', 'gpu')$$),
    ($$grant_operator('regress_stranger')$$),
    ($$set_price('gpu', '0', '2026-04-01', currency => 'USD')$$),
    ($$set_price('gpu', '0', '2026-04-01', tenant => 'acme')$$),
    ($$create_pool('x', 'public')$$),
    ($$add_nodes('pub', 'gpu4')$$),
    ($$schedule('pub')$$),
    ($$finish_job(1)$$),
    ($$start_job(1)$$),
    ($$grant_tenant('acme', 'regress_stranger')$$),
    ($$create_workspace('acme', 'x')$$),
    ($$create_network('x', '10.1.0.0/24', 'acme')$$),
    ($$create_pool('x', 'dedicated', tenant => 'acme', network => 'acme-net')$$),
    ($$create_pool('x', 'dedicated', tenant => 'acme', network => 'beta-net')$$),
    ($$add_nodes('acme-pool', 'gpu4')$$),
    ($$submit_job('pub', 'x', request => 'nvidia.com/gpu=1', tenant => 'acme')$$),
    ($$submit_job('pub', 'x', request => 'nvidia.com/gpu=1', tenant => 'beta')$$),
    ($$submit_job('pub', 'x', request => 'nvidia.com/gpu=1')$$),
    ($$submit_jobs('pub', 'SELECT 1 AS name, ''nvidia.com/gpu=1'' AS request', 'acme')$$),
    ($$submit_job('acme-pool', 'x', request => 'nvidia.com/gpu=1')$$),
    ($$submit_job('acme-pool', 'x', request => 'nvidia.com/gpu=1', tenant => 'beta')$$),
    ($$submit_job(1, 'x', request => 'nvidia.com/gpu=1', tenant => 1, workspace => 2)$$),
    ($$schedule('acme-pool')$$),
    ($$finish_job(5)$$),
    ($$hold_job(8)$$),
    ($$hold_job(7)$$),
    ($$release_job(8)$$),
    ($$cancel_job(8)$$),
    ($$cancel_job(7)$$),
    ($$cancel_job(2)$$),
    ($$cancel_job(999)$$),
    ($$queue_order(2)$$),
    ($$charges('acme', '2026-03-01', '2026-03-02')$$),
    ($$charges('beta', '2026-03-01', '2026-03-02')$$),
    ($$charges('gamma', '2026-03-01', '2026-03-02')$$),
    ($$charges(0, '2026-03-01', '2026-03-02')$$),
    -- the ledger: who is billed, writes the books, reads them
    ($$set_contract('acme', '2026-05-01', 'EUR', 'UTC')$$),
    ($$record_usage('acme', 'gpu', 1, '2026-03-01 00:00+00', '2026-03-01 00:30+00', 'meter', 'c')$$),
    ($$record_usages('TABLE pg_temp.metered')$$),
    ($$correct_usage(min(usage_id), 'wrong', quantity => 0) FROM usage$$),
    ($$settle('acme', '2026-03-01')$$),
    ($$CALL settle_all()$$),
    ($$issue_bill('acme', '2026-02-01')$$),
    ($$adjust('acme', 1, 'fee')$$),
    ($$record_payment('acme', 1, 'cash')$$),
    ($$set_credit_limit('acme', 100)$$),
    ($$check_arrears('acme')$$),
    ($$check_arrears()$$),
    ($$set_tenant_state('acme', 'grace')$$),
    ($$reconcile()$$),
    ($$mark_archived(1, '2026-03-01')$$),
    ($$drop_archived(1, '{}', '{}', 'regress_history')$$),
    ($$bill_text(1)$$),
    ($$bill_text(2)$$),
    ($$bill_json(1)$$),
    ($$bill_json(2)$$),
    ($$bill_charges(1, 1)$$),
    ($$bill_charges(2, 1)$$),
    ($$cost_by_tag('acme', 'team', '2026-03-01', '2026-04-01')$$),
    ($$cost_by_tag('beta', 'team', '2026-03-01', '2026-04-01')$$),
    ($$projected_month_end('acme')$$),
    ($$projected_month_end('beta')$$),
    ($$pool_idle('acme-pool', '2026-03-01', '2026-03-02')$$),
    ($$pool_idle('beta-pool', '2026-03-01', '2026-03-02')$$),
    ($$quote_resize('acme-pool', 'gpu4', 2)$$),
    ($$quote_resize('beta-pool', 'gpu4', 2)$$),
    -- and what is for bodies of calls
    ($$lock_books(1)$$),
    ($$require_billed(1)$$),
    ($$month_periods(1, '2026-03-01')$$),
    ($$write_bills(1, '2026-03-01', 'USD', 'UTC', 'cut', '2026-04-01')$$),
    ($$reconcile_charges(NULL)$$),
    ($$set_config('pool_manager.clock', '2027-01-01', true)$$),
    ($$guard_append_only()$$),
    ($$nextval('job_id_seq')$$);
SET ROLE regress_acme_viewer;
SELECT call, public.try(call) AS viewer FROM call ORDER BY n;
SET ROLE regress_acme;
SELECT call, public.try(call) AS member FROM call ORDER BY n;
SET ROLE regress_acme_owner;
SELECT call, public.try(call) AS owner FROM call ORDER BY n;
SET ROLE regress_operator;
SELECT call, public.try(call) AS operator FROM call ORDER BY n;
SET ROLE regress_stranger;
SELECT call, public.try(call) AS stranger FROM call ORDER BY n;
-- what is another's and what is not there look alike
SET ROLE regress_acme;
DO $$
DECLARE
    call text;
    state text;
    message text;
    detail text;
    hint text;
BEGIN
    CREATE TEMP TABLE said (call text, said text);
    FOREACH call IN ARRAY ARRAY['cancel_job(7)', 'cancel_job(999)', 'schedule(3)', 'schedule(999)', 'add_nodes(3, ''gpu4'')',
        'submit_job(3, ''x'', request => ''nvidia.com/gpu=1'')', 'submit_job(999, ''x'', request => ''nvidia.com/gpu=1'')',
        'charges(2, ''2026-03-01'', ''2026-03-02'')', 'charges(999, ''2026-03-01'', ''2026-03-02'')']
    LOOP
        BEGIN
            EXECUTE 'SELECT ' || call;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
            INSERT INTO said VALUES (call, concat_ws(' | ', state, message, detail, nullif(hint, '')));
        END;
    END LOOP;
END $$;
SELECT * FROM said;

-- by hand nothing can be written, nor read by TABLE
SELECT relname FROM pg_class
WHERE relnamespace = 'pool_manager'::regnamespace AND relkind IN ('r', 'S', 'v')
  AND (has_table_privilege('regress_acme', oid, 'INSERT') OR has_table_privilege('regress_acme', oid, 'UPDATE') OR
       has_table_privilege('regress_acme', oid, 'DELETE') OR has_table_privilege('regress_acme', oid, 'TRUNCATE') OR
       has_table_privilege('regress_acme', oid, 'TRIGGER') OR has_table_privilege('regress_acme', oid, 'REFERENCES'));
SELECT has_schema_privilege('regress_acme', 'pool_manager', 'CREATE') AS may_create;
RESET ROLE;

-- ---- attacks ----
GRANT CREATE ON SCHEMA public TO regress_stranger;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_stranger', current_database()); END $$;
SET ROLE regress_stranger;

-- a schema before ours, with operators and functions that say as whom they run
CREATE SCHEMA regress_evil;
GRANT USAGE ON SCHEMA regress_evil TO PUBLIC;
CREATE TABLE regress_evil.caught (as_whom name DEFAULT current_user, what text);
GRANT INSERT ON regress_evil.caught TO PUBLIC;
CREATE FUNCTION regress_evil.equal(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_evil.caught (what) VALUES ('=');
    RETURN true;
END $$;
CREATE OPERATOR regress_evil.= (FUNCTION = regress_evil.equal, LEFTARG = bigint, RIGHTARG = bigint);
CREATE FUNCTION regress_evil.may_see(bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_evil.caught (what) VALUES ('may_see');
    RETURN true;
END $$;
CREATE FUNCTION regress_evil.first_tenant() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
CREATE FUNCTION regress_evil.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_evil.caught (what) VALUES ('unnest');
END $$;
CREATE TABLE regress_evil.tenant_member AS SELECT 0::bigint AS tenant_id, 'regress_stranger'::name AS role_name, 'owner'::pool_manager.member_level AS level;
CREATE TEMP TABLE tenant_member AS SELECT * FROM regress_evil.tenant_member;
CREATE TEMP TABLE job_queue (LIKE pool_manager.job_queue);
CREATE TYPE regress_evil.job_run AS (a integer);
SET search_path TO regress_evil, pg_temp, pool_manager, pg_catalog;
SELECT count(*) FROM pool_manager.job;
SELECT count(*) FROM pool_manager.queue;
SELECT may_see FROM pool_manager.may_see(1);
SELECT pool_manager.create_sku('mine', 'x');
SELECT pool_manager.schedule();
RESET ROLE;
-- the same path, for those who do see something: their calls do what they do
SET ROLE regress_operator;
SET search_path TO regress_evil, pool_manager, pg_catalog;
SELECT pool_manager.submit_job('pub', 'under an evil path', request => 'nvidia.com/gpu=1', tenant => 'acme') AS job \gset
SELECT state FROM pool_manager.schedule('pub'::text);
SELECT pool_manager.cancel_job(:job);
SELECT count(*) FROM pool_manager.queue;
SELECT count(*) FROM pool_manager.charges(NULL::bigint, '2026-03-01', '2026-03-02', '1 month');
-- the trap works: here is what it catches
SELECT 1::bigint = 2::bigint AS trapped;
RESET ROLE;
SET search_path TO pool_manager, public;
SELECT * FROM regress_evil.caught;

-- guards work as the owner: nobody may put them on tables of his own
SET ROLE regress_stranger;
CREATE TABLE regress_evil.bait (pool_id bigint, run_id bigint, tenant_id bigint, node_id bigint, group_no integer);
CREATE TRIGGER bait AFTER INSERT ON regress_evil.bait REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION pool_manager.guard_books();
RESET ROLE;
SELECT p.proname FROM pg_proc p
WHERE p.pronamespace = 'pool_manager'::regnamespace AND p.prorettype = 'trigger'::regtype
  AND has_function_privilege('regress_stranger', p.oid, 'EXECUTE');
-- called by hand they say so, to superusers too
SELECT guard_append_only();
SELECT guard_state();
SELECT guard_unchanged();
SELECT guard_forward();
SELECT guard_books();
SELECT guard_job();
SELECT guard_usage();
SELECT guard_closed();
SELECT guard_contract();

-- the query of submit_jobs runs as the caller
SET ROLE regress_acme;
SELECT count(*) FROM submit_jobs('pub', $$SELECT current_user || ' sees ' || count(*) AS name, 'nvidia.com/gpu=1' AS request FROM pool_manager.job$$);
SELECT name FROM job ORDER BY job_id DESC LIMIT 1;
SELECT submit_jobs('pub', $$SELECT name, 'nvidia.com/gpu=1' AS request FROM pool_manager.pool_clock$$);
SELECT submit_jobs('pub', $$DELETE FROM pool_manager.job RETURNING name$$);
SELECT submit_jobs('pub', $$SELECT 'a' AS name; SELECT 'b' AS name$$);
SELECT submit_jobs('pub', $$SELECT 'a' AS name) AS q; SELECT ('b') AS name$$);
RESET ROLE;

-- ---- who acts: SET ROLE, SECURITY DEFINER ----
CREATE FUNCTION public.as_acme() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pool_manager AS
$$ SELECT submit_job('pub', 'by a definer', request => 'nvidia.com/gpu=2', tenant => 'acme') $$;
ALTER FUNCTION public.as_acme() OWNER TO regress_acme;
SET ROLE regress_beta;
SELECT public.as_acme() > 0 AS submitted;
SELECT count(*) AS seen_by_beta FROM job WHERE name = 'by a definer';
SET ROLE regress_intern;
SELECT submit_job('pub', 'by the intern', request => 'nvidia.com/gpu=2') > 0 AS submitted;
SET ROLE regress_outsider;
SELECT submit_job('pub', 'by the outsider', request => 'nvidia.com/gpu=2');
SET SESSION AUTHORIZATION regress_outsider;
SET ROLE regress_acme;
SELECT submit_job('pub', 'by the outsider as acme', request => 'nvidia.com/gpu=2') > 0 AS submitted;
RESET SESSION AUTHORIZATION;
SELECT j.name, j.submitted_by, e.actor FROM job j JOIN event e ON e.job_id = j.job_id AND e.to_state = 'queued' WHERE j.name LIKE 'by %' ORDER BY j.job_id;
-- after an error the caller is himself again, and so is his path
SET ROLE regress_beta;
BEGIN;
SAVEPOINT s;
SELECT finish_job(1);
ROLLBACK TO s;
SELECT current_user, current_setting('search_path') AS path;
COMMIT;
-- a query prepared by one is asked by another
RESET ROLE;
PREPARE mine AS SELECT count(*) AS jobs, count(DISTINCT tenant_id) AS tenants FROM job;
SET ROLE regress_beta;
EXECUTE mine;
SET ROLE regress_operator;
EXECUTE mine;
SET ROLE regress_stranger;
EXECUTE mine;
DEALLOCATE mine;

-- ---- plans: the policies' bounds are index conditions ----
SET ROLE regress_acme;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM usage;
EXPLAIN (COSTS OFF) SELECT * FROM usage WHERE started_at >= '2026-03-01';
EXPLAIN (COSTS OFF) SELECT * FROM event ORDER BY tenant_id, event_id LIMIT 10;
EXPLAIN (COSTS OFF) SELECT * FROM job WHERE job_id > 5;
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET ROLE;

-- ---- catalogue ----
-- objects of the extension without a comment
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pool_manager')
  AND d.classid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_class'::regclass, 'pg_operator'::regclass)
  AND NOT (d.classid = 'pg_class'::regclass AND (SELECT relkind FROM pg_class c WHERE c.oid = d.objid) = 'S')
  AND NOT (d.classid = 'pg_type'::regclass AND (SELECT typrelid <> 0 OR typelem <> 0 FROM pg_type t WHERE t.oid = d.objid))
  AND NOT EXISTS (SELECT FROM pg_description c WHERE c.classoid = d.classid AND c.objoid = d.objid AND c.objsubid = 0)
ORDER BY 1;
SELECT a.attrelid::regclass AS "table", a.attname AS without_comment
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'pool_manager'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
  AND col_description(a.attrelid, a.attnum) IS NULL
ORDER BY 1, a.attnum;
-- functions in SQL or PL/pgSQL that others may call without a path of their own, or a frame that brings one; definers
-- (a procedure that commits cannot have one, and sets it itself)
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'pool_manager'::regnamespace
  AND (p.prosecdef OR l.lanname NOT IN ('c', 'internal') AND NOT (l.lanname = 'pool_manager' AND p.prokind = 'f') AND p.prosqlbody IS NULL
       AND has_function_privilege('public', p.oid, 'EXECUTE') AND NOT coalesce(p.proconfig::text LIKE '%search_path=%', false));
-- tables without row-level security: the catalogue
SELECT relname FROM pg_class WHERE relnamespace = 'pool_manager'::regnamespace AND relkind = 'r' AND NOT relrowsecurity ORDER BY 1;
-- views that would read with their owner's eyes
SELECT relname FROM pg_class WHERE relnamespace = 'pool_manager'::regnamespace AND relkind = 'v'
  AND NOT coalesce(reloptions::text LIKE '%security_invoker=true%', false);
-- volatility and parallel safety of what is neither VOLATILE and PARALLEL UNSAFE nor IMMUTABLE and PARALLEL SAFE
SELECT p.proname, min(p.provolatile) AS volatile, min(p.proparallel) AS parallel, count(*)
FROM pg_proc p
WHERE p.pronamespace = 'pool_manager'::regnamespace AND p.prokind = 'f' AND (p.provolatile, p.proparallel) NOT IN (('v', 'u'), ('i', 's'))
GROUP BY 1 HAVING min(p.provolatile) = max(p.provolatile) AND min(p.proparallel) = max(p.proparallel) ORDER BY 1;
-- every table is dumped, or is filled by the script alone
SELECT c.relname AS not_dumped FROM pg_class c
WHERE c.relnamespace = 'pool_manager'::regnamespace AND c.relkind IN ('r', 'S')
  AND NOT c.oid = ANY (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'pool_manager') ORDER BY 1;

-- clean up what is not in the extension
DROP SCHEMA regress_evil CASCADE;
DROP FUNCTION public.seen(), public.others(), public.try(text), public.as_acme();
REVOKE CREATE ON SCHEMA public FROM regress_stranger;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_stranger', current_database()); END $$;
DISCARD TEMP;
DROP ROLE regress_intern, regress_outsider, regress_acme, regress_acme_viewer, regress_acme_owner, regress_beta, regress_operator, regress_stranger;
