-- What is refused, and how it is said: SQLSTATE, message, detail and hint of
-- every error that the calls document. Nothing refused leaves anything behind.
SET search_path TO pool_manager, public;
SET timezone TO 'UTC';
SET datestyle TO ISO;
SET intervalstyle TO postgres;
SET pool_manager.clock = '2026-03-01 00:00:00+00';

-- Rows of all tables of the extension but its lists of words
CREATE FUNCTION pg_temp.rows() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    t text;
    n bigint;
    total bigint := 0;
BEGIN
    FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'pool_manager'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('SELECT count(*) FROM pool_manager.%I', t) INTO n;
        total := total + n;
    END LOOP;
    RETURN total;
END $$;

-- Runs a statement that is to be refused, as a role, and says how it was
CREATE FUNCTION pg_temp.refused(statement text, role name DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    before constant bigint := pg_temp.rows();
    path constant text := current_setting('search_path');
    d text;
    h text;
BEGIN
    BEGIN
        PERFORM set_config('role', coalesce(role, 'none'), true);
        EXECUTE statement;
        RETURN NEXT 'NOT REFUSED';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
        RETURN NEXT SQLSTATE || ': ' || SQLERRM;
        IF d <> '' THEN
            RETURN NEXT 'DETAIL:  ' || d;
        END IF;
        IF h <> '' THEN
            RETURN NEXT 'HINT:  ' || h;
        END IF;
    END;
    IF pg_temp.rows() <> before OR current_setting('search_path') <> path OR current_user <> session_user THEN
        RETURN NEXT 'SOMETHING IS LEFT BEHIND';
    END IF;
END $$;

-- What there is: two tenants, one with a pool of its own, a public pool
CREATE ROLE regress_pm_owner;
CREATE ROLE regress_pm_viewer;
CREATE ROLE regress_pm_nobody;
\pset tuples_only on
\pset format unaligned
\o /dev/null
SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('borealis', 'EUR', 'UTC');
SELECT grant_tenant('acme', 'regress_pm_owner', 'owner'), grant_tenant('acme', 'regress_pm_viewer', 'viewer'),
       grant_tenant('borealis', 'regress_pm_viewer', 'viewer');
SELECT create_sku('gpu', 'GPU'), create_sku('cpu', 'core'), create_sku('vm', 'node'), create_sku('call', 'call', 'once');
SELECT create_flavor('vm.4g', 'cpu=32,memory=128Gi,nvidia.com/gpu=4', 'vm', 'nvidia.com/gpu'),
       create_flavor('vm.c', 'cpu=64', 'vm'), create_flavor('vm.arm', 'cpu=64', 'vm', cpu_architecture => 'arm64'),
       create_flavor('vm.free', 'cpu=64');
SELECT set_resource_sku('vm.4g', 'cpu=1', 'cpu'), set_resource_sku('vm.4g', 'memory=1Gi', NULL),
       set_resource_sku('vm.4g', 'nvidia.com/gpu=1', 'gpu'), set_resource_sku('vm.c', 'cpu=1', 'cpu'),
       set_resource_sku('vm.arm', 'cpu=1', 'cpu');
SELECT create_network('net', '10.0.0.0/16', 'acme');
SELECT create_pool('lab', 'public', job_types => '{training,notebook}'), create_pool('edge', 'public', launch => 'agent'),
       create_pool('own', 'dedicated', 'acme', 'net'), create_pool('empty', 'public');
SELECT add_nodes('lab', 'vm.4g'), add_nodes('lab', 'vm.c'), add_nodes('own', 'vm.4g'), add_nodes('edge', 'vm.4g');
SELECT set_price('gpu', '1', '2026-01-01', currency => 'USD'), set_price('gpu', '2', '2026-01-01', 'acme');
SELECT submit_job('lab', 'runs', request => 'cpu=1', tenant => 'acme', request_id => 'r-1', time_limit => '1 hour'),
       submit_job('lab', 'ended', request => 'cpu=1', tenant => 'acme'),
       submit_job('edge', 'starts', request => 'cpu=1', tenant => 'acme'),
       submit_job('edge', 'stops', request => 'cpu=1', tenant => 'acme');
SELECT create_sku('disk', 'GiB', request_id => 'p-1'), create_network('other', '10.9.0.0/16', 'acme', request_id => 'a-1');
SELECT schedule();
SELECT finish_job(2), cancel_job(4);
SELECT submit_job('lab', 'waits', request => 'nvidia.com/gpu=4', replicas => 2, tenant => 'acme');
SELECT submit_job('lab', 'held', request => 'cpu=1', tenant => 'acme'), hold_job(6);
\o

--
-- Unknown things
--
SELECT pg_temp.refused($$SELECT submit_job('nowhere', 'a', request => 'cpu=1', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job(99, 'a', request => 'cpu=1')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', tenant => 'nobody')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1')$$, 'regress_pm_nobody');
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', tenant => 'acme', workspace => 'nowhere')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', flavor => 'none', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job(NULL::text, 'a', request => 'cpu=1', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT schedule('nowhere')$$);
SELECT pg_temp.refused(format('SELECT %s(99)', call))
  FROM unnest(ARRAY['start_job', 'finish_job', 'cancel_job', 'hold_job', 'release_job']) AS call;
SELECT pg_temp.refused(format('SELECT %s(NULL)', call))
  FROM unnest(ARRAY['start_job', 'finish_job', 'cancel_job', 'hold_job', 'release_job']) AS call;
SELECT pg_temp.refused($$SELECT add_nodes('own', 'none')$$);
SELECT pg_temp.refused($$SELECT set_resource_sku('none', 'cpu=1', 'cpu')$$);
SELECT pg_temp.refused($$SELECT set_resource_sku('vm.c', 'cpu=1', 'none')$$);
SELECT pg_temp.refused($$SELECT create_flavor('x', 'cpu=1', 'none')$$);
SELECT pg_temp.refused($$SELECT create_pool('x', 'dedicated', 'acme', 'none')$$);
SELECT pg_temp.refused($$SELECT set_price('none', '1', NULL, currency => 'USD')$$);
SELECT pg_temp.refused($$SELECT set_price('gpu', '1', NULL, 'nobody')$$);
SELECT pg_temp.refused($$SELECT charges('nobody', '2026-03-01', '2026-04-01')$$);
SELECT pg_temp.refused($$SELECT grant_tenant('acme', 'regress_pm_none')$$);
SELECT pg_temp.refused($$SELECT grant_operator('regress_pm_none')$$);

--
-- Requests that no node could ever hold
--
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1,memory=129Gi', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'amd.com/gpu=1', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=33,nvidia.com/gpu=1', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'nvidia.com/gpu=1.5', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('own', 'a', flavor => 'vm.c')$$);
SELECT pg_temp.refused($$SELECT submit_job('empty', 'a', request => 'cpu=1', tenant => 'acme')$$);

--
-- Arguments out of their range
--
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', replicas => 0, tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', replicas => -1, tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', replicas => 2, min_replicas => 3, tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', min_replicas => 0, tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1,nvidia.com/gpu=-1', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => '', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', flavor => 'vm.c', request => 'cpu=1', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', flavor => 'vm.free', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', time_limit => '0', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', time_limit => '-1 hour', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', time_limit => '170000000 years', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('own', 'a', request => 'cpu=1', priority => 4)$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', ' a', request => 'cpu=1', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', NULL, request => 'cpu=1', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', request_id => '', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', node_selector => '{"zone": 1}', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', node_selector => '[]', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', tolerations => '{}', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', tolerations => '[{"key": 5}]', tenant => 'acme')$$);

--
-- The pool does not offer it
--
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', 'inference', request => 'cpu=1', tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', priority => 2, tenant => 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_job('own', 'a', request => 'cpu=1', tenant => 'borealis')$$);
BEGIN;
UPDATE pool SET state = 'abnormal' WHERE name = 'lab';
SELECT pg_temp.refused($$SELECT submit_job('lab', 'a', request => 'cpu=1', tenant => 'acme')$$);
ROLLBACK;

--
-- A repeated request_id
--
SELECT pg_temp.refused($$SELECT submit_job('lab', 'runs', request => 'cpu=2', tenant => 'acme', request_id => 'r-1', time_limit => '1 hour')$$);
SELECT pg_temp.refused($$SELECT submit_job('own', 'runs', request => 'cpu=1', tenant => 'acme', request_id => 'r-1', time_limit => '1 hour')$$);
SELECT pg_temp.refused($$SELECT submit_job('lab', 'runs', request => 'cpu=1', tenant => 'acme', request_id => 'r-1')$$);
SELECT pg_temp.refused($$SELECT create_sku('disk', 'TiB', request_id => 'p-1')$$);
SELECT pg_temp.refused($$SELECT create_workspace('acme', 'x', request_id => 'a-1')$$);
SELECT pg_temp.refused($$SELECT create_workspace('acme', 'x', request_id => repeat('x', 129))$$);

--
-- The job is in another state
--
SELECT pg_temp.refused($$SELECT finish_job(5)$$);
SELECT pg_temp.refused($$SELECT finish_job(2)$$);
SELECT pg_temp.refused($$SELECT finish_job(3)$$);
SELECT pg_temp.refused($$SELECT finish_job(1, 'cancelled')$$);
SELECT pg_temp.refused($$SELECT start_job(1)$$);
SELECT pg_temp.refused($$SELECT start_job(4)$$);
SELECT pg_temp.refused($$SELECT start_job(5)$$);
SELECT pg_temp.refused($$SELECT cancel_job(2)$$);
SELECT pg_temp.refused($$SELECT cancel_job(4)$$);
SELECT pg_temp.refused($$SELECT hold_job(1)$$);
SELECT pg_temp.refused($$SELECT hold_job(6)$$);
SELECT pg_temp.refused($$SELECT release_job(5)$$);

--
-- Jobs from a query: all or none, and which row it was
--
SELECT pg_temp.refused($$SELECT submit_jobs('lab', 'SELECT ''a'' AS name, ''cpu=1''::resource_list AS request, n AS replicas FROM generate_series(2, 0, -1) n', 'acme')$$);
SELECT submit_jobs('lab', 'SELECT ''a'' AS name, ''cpu=1''::resource_list AS request, n AS replicas FROM generate_series(2, 0, -1) n', 'acme');
SELECT pg_temp.refused($$SELECT submit_jobs('lab', 'SELECT ''cpu=1''::resource_list AS request', 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_jobs('lab', 'SELECT ''a'' AS name, 1 AS cpu', 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_jobs('lab', 'SELECT ''a'' AS name, 1 AS replicas, 2 AS replicas', 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_jobs('lab', '-- no job', 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_jobs('lab', 'DELETE FROM pool_manager.job RETURNING name', 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_jobs('lab', 'SELECT name FROM pool_manager.job; SELECT 1', 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_jobs('lab', 'SELECT ''a'' AS name, ''cpu=1'' AS request, NULL AS kind', 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_jobs('lab', 'SELECT ''a'' AS name, ''cpu=x'' AS request', 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_jobs('lab', 'SELECT ''a'' AS name, ''cpu=1'' AS request, ''b'' AS request_id, n AS replicas FROM generate_series(1, 2) AS n', 'acme')$$);
SELECT pg_temp.refused($$SELECT submit_jobs('lab', NULL, 'acme')$$);
-- not refused: a semicolon or a comment at the end, or no row
BEGIN;
SELECT count(*) FROM submit_jobs('lab', 'SELECT ''a'' AS name, ''cpu=1'' AS request -- a job', 'acme');
SELECT count(*) FROM submit_jobs('lab', '/* a job; */ SELECT ''a;'' AS name, ''cpu=1'' AS request ; ; -- done', 'acme');
SELECT count(*) FROM submit_jobs('lab', 'SELECT ''a'' AS name, ''cpu=1'' AS request; ', 'acme');
SELECT count(*) FROM submit_jobs('lab', 'SELECT ''a'' AS name WHERE false', 'acme');
ROLLBACK;

--
-- Accounts and catalogue
--
SELECT pg_temp.refused($$SELECT create_tenant('acme', 'USD', 'UTC')$$);
SELECT pg_temp.refused($$SELECT create_tenant('', 'USD', 'UTC')$$);
SELECT pg_temp.refused($$SELECT create_tenant(E'a\u0085b', 'USD', 'UTC')$$);
SELECT pg_temp.refused($$SELECT create_tenant('new', 'usd', 'UTC')$$);
SELECT pg_temp.refused($$SELECT create_tenant('new', 'USD', 'Mars/Olympus')$$);
SELECT pg_temp.refused($$SELECT create_tenant('new', 'USD', 'UTC', cycle => '7 hours')$$);
SELECT pg_temp.refused($$SELECT create_tenant('new', NULL, 'UTC')$$);
SELECT pg_temp.refused($$SELECT create_workspace('acme', 'default')$$);
SELECT pg_temp.refused($$SELECT create_sku('gpu', 'GPU')$$);
SELECT pg_temp.refused($$SELECT create_flavor('vm.c', 'cpu=1')$$);
SELECT pg_temp.refused($$SELECT create_flavor('x', 'cpu=-1')$$);
SELECT pg_temp.refused($$SELECT create_flavor('x', '')$$);
SELECT pg_temp.refused($$SELECT create_flavor('x', 'cpu=1,gpu=0.5', accelerator => 'gpu')$$);
SELECT pg_temp.refused($$SELECT create_flavor('x', 'cpu=1,memory=4000', accelerator => 'memory')$$);
SELECT pg_temp.refused($$SELECT create_flavor('x', 'cpu=1', accelerator => 'gpu')$$);
SELECT pg_temp.refused($$SELECT set_resource_sku('vm.c', 'cpu=1,memory=1Gi', 'cpu')$$);
SELECT pg_temp.refused($$SELECT set_resource_sku('vm.c', 'cpu=-1', 'cpu')$$);
SELECT pg_temp.refused($$SELECT set_resource_sku('vm.c', 'cpu=1', 'call')$$);
SELECT pg_temp.refused($$SELECT create_flavor('x', 'cpu=1', 'call')$$);

--
-- Networks, pools, nodes
--
SELECT pg_temp.refused($$SELECT create_network('net', '10.1.0.0/16', 'acme')$$);
SELECT pg_temp.refused($$SELECT create_network('new', '8.8.8.0/24', 'acme')$$);
SELECT pg_temp.refused($$SELECT create_pool('lab', 'public')$$);
SELECT pg_temp.refused($$SELECT create_pool('new', 'public', 'acme')$$);
SELECT pg_temp.refused($$SELECT create_pool('new', 'dedicated')$$);
SELECT pg_temp.refused($$SELECT create_pool('new', 'dedicated', 'acme')$$);
SELECT pg_temp.refused($$SELECT create_pool('new', 'dedicated', 'borealis', 'net')$$);
SELECT pg_temp.refused($$SELECT create_pool('new', 'public', default_time_limit => '0')$$);
SELECT pg_temp.refused($$SELECT create_pool('new', 'public', stop_timeout => '300 years')$$);
SELECT pg_temp.refused($$SELECT create_pool('new', 'public', stop_timeout => '178956970 years 2147483647 days')$$);
SELECT pg_temp.refused($$SELECT create_pool('new', 'public', job_types => '{training,NULL}')$$);
SELECT pg_temp.refused($$SELECT add_nodes('lab', 'vm.c', 0)$$);
SELECT pg_temp.refused($$SELECT add_nodes('lab', 'vm.c', 100001)$$);
SELECT pg_temp.refused($$SELECT add_nodes('lab', 'vm.c', name_prefix => repeat('x', 109))$$);
SELECT pg_temp.refused($$SELECT add_nodes('lab', 'vm.c', name_prefix => E'a\nb')$$);
SELECT pg_temp.refused($$SELECT add_nodes('lab', 'vm.free')$$);
SELECT pg_temp.refused($$SELECT add_nodes('own', 'vm.free')$$);
SELECT pg_temp.refused($$SELECT add_nodes('lab', 'vm.arm')$$);
SELECT pg_temp.refused($$SELECT add_nodes('lab', 'vm.c', labels => '{"rack": 5}')$$);
SELECT pg_temp.refused($$SELECT add_nodes('lab', 'vm.c', taints => '[{"value": "x"}]')$$);
BEGIN;
DO $$
BEGIN
    FOR i IN 3 .. 11 LOOP
        PERFORM create_flavor('vm.' || i, 'cpu=1', 'vm'), set_resource_sku('vm.' || i, 'cpu=1', 'cpu');
        IF i <= 10 THEN
            PERFORM add_nodes('lab', 'vm.' || i);
        END IF;
    END LOOP;
END $$;
SELECT pg_temp.refused($$SELECT add_nodes('lab', 'vm.11')$$);
SELECT count(*) FROM add_nodes('lab', 'vm.10');
ROLLBACK;

--
-- Money and time
--
SELECT pg_temp.refused($$SELECT set_price('gpu', '3', '2026-01-01', currency => 'USD')$$);
SELECT pg_temp.refused($$SELECT set_price('gpu', '3', '2026-01-01', 'acme')$$);
SELECT pg_temp.refused($$SELECT set_price('gpu', '3', '2026-02-01')$$);
SELECT pg_temp.refused($$SELECT set_price('gpu', '3', '2026-02-01', currency => 'Dollar')$$);
SELECT pg_temp.refused($$SELECT set_price('gpu', NULL, '2026-02-01', currency => 'USD')$$);
SELECT pg_temp.refused($$SELECT set_price('gpu', NULL, '2025-02-01', 'acme')$$);
SELECT pg_temp.refused($$SELECT set_price('gpu', '3', '2026-02-01', 'acme', 'EUR')$$);
SELECT pg_temp.refused($$SELECT set_price('gpu', '3', 'infinity', 'acme')$$);
SELECT pg_temp.refused($$INSERT INTO price SELECT tenant_id, 99, sku_id, currency, tariff, '[2026-02-01,2026-02-02)', set_at, set_by FROM price LIMIT 1$$);
SELECT pg_temp.refused($$INSERT INTO holding (tenant_id, holding_id, sku_id, quantity, workspace_id, pool_id, job_id, run_id, node_id, since, metered_until) SELECT tenant_id, 99, sku_id, quantity, workspace_id, pool_id, job_id, run_id, node_id, since, metered_until FROM holding WHERE job_id = 1$$);
SELECT pg_temp.refused($$INSERT INTO holding (tenant_id, holding_id, sku_id, quantity, workspace_id, pool_id, job_id, run_id, node_id, since, metered_until) SELECT tenant_id, 99, sku_id, quantity, workspace_id, pool_id, job_id, run_id, node_id, since, metered_until FROM holding WHERE node_id IS NOT NULL$$);
SELECT pg_temp.refused($$DELETE FROM holding WHERE job_id = 1$$);
SELECT pg_temp.refused($$DELETE FROM holding WHERE node_id IS NOT NULL$$);
SELECT pg_temp.refused($$SELECT charges('acme', '2026-04-01', '2026-03-01')$$);
SELECT pg_temp.refused($$SELECT charges('acme', '2026-03-01', '2026-03-01 00:00:00.5')$$);
SELECT pg_temp.refused($$SELECT charges('acme', '2026-03-01', 'infinity')$$);
SELECT pg_temp.refused($$SELECT charges('acme', NULL, '2026-03-01')$$);
SELECT pg_temp.refused($$SELECT charges('acme', '2026-03-01', '2026-04-01', '2 days')$$);
SELECT pg_temp.refused($$SELECT charges('acme', '2026-03-01', '2027-04-01', '1 second')$$);
SELECT pg_temp.refused($$SELECT set_job_order('lab', half_life => '-1 hour')$$);
SELECT pg_temp.refused($$SELECT set_pool('lab', min_runtime => '101 years')$$);
SELECT pg_temp.refused($$SELECT set_topology_levels('lab', '{rack,rack}')$$);
SELECT pg_temp.refused($$SET pool_manager.clock = '2026-02-28 23:59:59+00'$$);
SELECT pg_temp.refused($$SET pool_manager.clock = 'soon'$$);
SELECT pg_temp.refused($$SET pool_manager.clock = 'infinity'$$);
SELECT pg_temp.refused($$SET pool_manager.clock = '10000-01-01 00:00:00+00'$$);
SELECT clock();

--
-- Who may not
--
SELECT pg_temp.refused(call, 'regress_pm_owner') FROM unnest(ARRAY[
    $$SELECT create_tenant('new', 'USD', 'UTC')$$, $$SELECT create_sku('new', 'x')$$, $$SELECT create_flavor('new', 'cpu=1')$$,
    $$SELECT set_resource_sku('vm.c', 'cpu=1', NULL)$$, $$SELECT set_price('gpu', '3', NULL, 'acme')$$,
    $$SELECT create_pool('new', 'public')$$, $$SELECT add_nodes('lab', 'vm.c')$$, $$SELECT schedule('lab')$$,
    $$SELECT grant_operator('regress_pm_owner')$$, $$SELECT finish_job(1)$$, $$SELECT start_job(3)$$]) AS call;
SELECT pg_temp.refused(call, 'regress_pm_viewer') FROM unnest(ARRAY[
    $$SELECT create_workspace('acme', 'new')$$, $$SELECT grant_tenant('acme', 'regress_pm_viewer', 'owner')$$,
    $$SELECT create_network('new', '10.1.0.0/16', 'acme')$$, $$SELECT create_pool('new', 'dedicated', 'acme', 'net')$$,
    $$SELECT add_nodes('own', 'vm.4g')$$, $$SELECT submit_job('own', 'a', request => 'cpu=1')$$,
    $$SELECT submit_job('lab', 'a', request => 'cpu=1')$$, $$SELECT submit_jobs('lab', 'SELECT ''a'' AS name', 'acme')$$,
    $$SELECT cancel_job(5)$$, $$SELECT hold_job(5)$$, $$SELECT release_job(6)$$, $$SELECT schedule('own')$$]) AS call;
-- what is somebody else's is not there
SELECT pg_temp.refused(call, 'regress_pm_nobody') FROM unnest(ARRAY[
    $$SELECT submit_job('own', 'a', request => 'cpu=1')$$, $$SELECT cancel_job(5)$$, $$SELECT finish_job(1)$$,
    $$SELECT schedule('own')$$, $$SELECT charges('acme', '2026-03-01', '2026-04-01')$$,
    $$SELECT create_workspace('acme', 'new')$$]) AS call;

\pset tuples_only off
\pset format aligned
DROP OWNED BY regress_pm_owner, regress_pm_viewer, regress_pm_nobody;
DROP ROLE regress_pm_owner, regress_pm_viewer, regress_pm_nobody;
