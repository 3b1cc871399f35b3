--
-- What once went wrong, each pinned by the smallest case.
--
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET pool_manager.clock = '2026-03-01 00:00:00+00';
SELECT create_tenant('acme', 'USD', 'UTC'), create_sku('core', 'core'), create_sku('gib', 'GiB'), create_sku('node', 'node');
SELECT create_flavor('small', 'cpu=4,memory=16Gi', 'node');
SELECT set_resource_sku('small', 'cpu=1', 'core'), set_resource_sku('small', 'memory=1Gi', 'gib');
SELECT create_pool('open', 'public', queue_policy => 'traversal'), create_network('net', '10.0.0.0/24', 'acme');
SELECT create_pool('own', 'dedicated', 'acme', 'net', default_time_limit => '1 day');
SELECT count(*) FROM add_nodes('open', 'small', 1);
SELECT count(*) FROM add_nodes('own', 'small', 2);
CREATE ROLE regress_pinned;
SELECT grant_tenant('acme', 'regress_pinned');

-- an error that is caught leaves the role and the path as they were
SELECT submit_job('open', 'waiting', request => 'cpu=1', tenant => 'acme') AS job \gset
SELECT set_config('pinned.job', :'job', false);
SET ROLE regress_pinned;
SET client_min_messages = notice;
BEGIN READ ONLY;
DO $$
DECLARE
    call text;
BEGIN
    FOREACH call IN ARRAY ARRAY['cancel_job', 'hold_job', 'release_job'] LOOP
        BEGIN
            EXECUTE format('SELECT %I($1)', call) USING current_setting('pinned.job')::bigint;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE '%: % as %, path %', call, sqlstate, current_user, current_setting('search_path');
        END;
    END LOOP;
END $$;
COMMIT;
SELECT current_user;
-- who may do nothing may crash nothing
SELECT device_sum_step(NULL, '{}', 0), device_sum_step(NULL, NULL, NULL), device_sum_step('{1}', '{1}', 5);
RESET ROLE;
SET client_min_messages = warning;

-- a batch keeps the dedicated promise, and does not break it for the next
SELECT count(*) FROM submit_jobs('own', $$SELECT 'batch-' || i AS name, 'cpu=1' AS request FROM generate_series(1, 3) AS i$$);
SELECT submit_job('own', 'next', request => 'cpu=1') > 0 AS submitted;
SELECT job, state FROM job_status WHERE pool = 'own' ORDER BY job;

-- a pool's default of a day is 24 hours, whatever the time zone of the session
-- (in Berlin, 29 March has 23)
SET timezone = 'Europe/Berlin';
SET pool_manager.clock = '2026-03-28 12:00:00+00';
SELECT submit_job('own', 'over the edge', request => 'cpu=1') > 0 AS submitted;
SELECT max(planned_end - placed_at) FROM job_run;
RESET timezone;
SET timezone = 'UTC';

-- what rounds to nothing a thousandth is billed as one, replica by replica:
-- 8 x 100,000 bytes of a GiB
SELECT submit_job('open', 'dust', request => 'memory=100k', replicas => 8, tenant => 'acme') AS dust \gset
SELECT state FROM schedule('open') WHERE job_id = :dust;
SELECT s.name, h.quantity FROM holding h JOIN sku s USING (sku_id) WHERE job_id = :dust;

-- a run outlives a change of the contract's time zone: its usage is cut where
-- the months of either zone begin, and where the new contract does
INSERT INTO contract (tenant_id, from_month, currency, time_zone)
SELECT tenant_id, '2026-04-01', 'USD', 'Asia/Shanghai' FROM tenant WHERE name = 'acme';
SET pool_manager.clock = '2026-05-02 00:00:00+00';
SELECT finish_job(:dust);
SELECT slice_no, started_at, ended_at FROM usage WHERE job_id = :dust ORDER BY slice_no;

-- an offset is no time zone: its sign is not clear
SELECT create_tenant('offset', 'USD', '+05');
-- a unit so small that a month of a node would not fit into a counter
SELECT set_resource_sku('small', 'memory=1', 'gib');

-- the clock is kept with its offset
SHOW pool_manager.clock;

DROP OWNED BY regress_pinned;
DROP ROLE regress_pinned;
