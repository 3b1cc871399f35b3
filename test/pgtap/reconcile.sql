-- reconcile(): none of its rules is broken by what the calls do, and each of
-- them is, by what they never do: rows changed by hand, as the owner, with the
-- triggers off.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL timezone TO 'UTC';
SELECT no_plan();

SET pool_manager.clock = '2026-02-20 00:00:00+00';
SELECT create_tenant('acme', 'USD', 'Asia/Shanghai'), create_tenant('beta', 'EUR', 'Europe/Berlin'),
       create_sku('gpu', 'GPU'), create_sku('core', 'core'), create_sku('vm', 'node'), create_sku('disk', 'GiB'),
       create_flavor('g4', 'nvidia.com/gpu=4,cpu=8', accelerator => 'nvidia.com/gpu'),
       create_flavor('half', 'nvidia.com/gpu=2', 'gpu', accelerator => 'nvidia.com/gpu'),
       set_resource_sku('g4', 'nvidia.com/gpu=1', 'gpu'), set_resource_sku('g4', 'cpu=1', 'core'),
       create_flavor('own', 'cpu=8', 'vm'), create_volume_type('SSD', 'disk'),
       create_pool('commons', 'public');
SELECT create_network('net', '10.1.0.0/16', 'beta'), create_pool('mine', 'dedicated', 'beta', 'net');
SELECT add_nodes('commons', 'g4', 3);
SELECT add_nodes('mine', 'own', 2);
SELECT set_price('gpu', '{"model": "graduated", "tiers": [{"up_to": 100, "unit_price": 1.00}, {"up_to": null, "unit_price": 0.5}]}',
                 '2026-01-01', currency => c),
       set_price('core', '0.01', '2026-01-01', currency => c), set_price('vm', '0.66', '2026-01-01', currency => c),
       set_price('disk', '0.0002', '2026-01-01', currency => c)
FROM unnest('{USD,EUR}'::text[]) AS c;
SELECT set_price('gpu', '0.9', '2026-02-25 11:11:11+00', tenant => 'acme');
SELECT submit_job('commons', 'train', tenant => 'acme', request => 'nvidia.com/gpu=1,cpu=2', replicas => 3),
       submit_job('commons', 'flavor', tenant => 'beta', flavor => 'half', replicas => 2),
       submit_job('commons', 'notes', 'notebook', tenant => 'beta', flavor => 'half', volume_gib => 50, volume_type => 'SSD'),
       submit_job('mine', 'inside', tenant => 'beta', request => 'cpu=4');
SELECT count(*) FROM schedule();

-- weeks go by
SET pool_manager.clock = '2026-02-26 05:00:00+00';
SELECT settle('acme'), settle('beta');
SET pool_manager.clock = '2026-03-01 03:30:00+00';
SELECT finish_job(j.job_id) FROM job j WHERE name = 'train';
SELECT settle('acme'), settle('beta', '2026-02-28');
SELECT is((SELECT count(*) FROM job_run WHERE ended_at IS NULL), 3::bigint, 'runs go on');
SELECT issue_bill('acme', '2026-02-01'), issue_bill('beta', '2026-02-01');
-- corrections of what was billed
SELECT set_price('gpu', '0.8', '2026-02-27', tenant => 'acme', reprice => 'agreed'),
       set_price('gpu', '1.1', '2026-02-28 12:00+00', currency => 'EUR', reprice => 'forgotten'),
       adjust('acme', -5, 'goodwill');
SET pool_manager.clock = '2026-03-10 00:00:00+00';
SELECT settle('beta');

SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');
SELECT is_empty('SELECT * FROM reconcile(''2026-02-01'')', 'those of a month too');
SELECT cmp_ok((SELECT count(*) FROM charge WHERE kind = 'correction'), '>', 4::bigint, 'with corrections');
SELECT cmp_ok((SELECT count(*) FROM charge WHERE tier = 2), '>', 0::bigint, 'and tiers');
SELECT is((SELECT count(*) FROM bill), 2::bigint, 'and bills');
SELECT throws_ok('SELECT * FROM reconcile(''2026-02-02'')', '22023', 'invalid value for argument "month"');

-- breaks(statement, rules): those rules, and no others, see what it did, all at
-- once and month by month
CREATE FUNCTION pg_temp.breaks(statement text, VARIADIC rules text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    seen text[];
    by_month text[];
    changed bigint;
BEGIN
    BEGIN
        SET LOCAL session_replication_role = replica;
        EXECUTE statement;
        GET DIAGNOSTICS changed = ROW_COUNT;
        seen := ARRAY(SELECT DISTINCT rule FROM reconcile() ORDER BY 1);
        by_month := ARRAY(SELECT rule FROM reconcile('2026-02-01') UNION SELECT rule FROM reconcile('2026-03-01') ORDER BY 1);
        RAISE SQLSTATE 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
        NULL;
    END;
    RETURN NEXT is(seen, ARRAY(SELECT unnest(rules) ORDER BY 1), statement);
    RETURN NEXT is(by_month, seen, 'by month too');
    RETURN NEXT cmp_ok(changed, '>', 0::bigint, 'it did something');
END $$;

-- placements and holdings
CREATE FUNCTION pg_temp.run(job text) RETURNS bigint LANGUAGE sql AS
    'SELECT r.run_id FROM job_run r JOIN job j USING (pool_id, job_id) WHERE j.name = run.job';
SELECT pg_temp.breaks($$UPDATE node_load SET allocated = 'cpu=1' WHERE node_id = 1$$, 'load of a node');
SELECT pg_temp.breaks($$UPDATE node_load SET devices = devices[2:] || devices[:1] WHERE cardinality(devices) > 1$$, 'load of a node');
-- this one a constraint refuses, whoever writes
SELECT pg_temp.breaks($$ALTER TABLE node_load DROP CONSTRAINT node_load_allocated_check;
    UPDATE node_load SET allocatable = 'nvidia.com/gpu=4' WHERE allocated @> 'cpu=2'$$, 'capacity of a node');
SELECT pg_temp.breaks($$UPDATE allocation SET replicas = replicas + 1 WHERE run_id = pg_temp.run('flavor')$$, 'replicas of a run');
SELECT pg_temp.breaks($$UPDATE allocation SET released_at = NULL WHERE run_id = pg_temp.run('train')$$, 'load of a node', 'replicas of a run');
SELECT pg_temp.breaks($$DELETE FROM holding WHERE run_id = pg_temp.run('flavor')$$, 'holding of a run');
SELECT pg_temp.breaks($$UPDATE holding SET quantity = quantity + 1 WHERE run_id = pg_temp.run('flavor')$$, 'holding of a run');
SELECT pg_temp.breaks($$UPDATE holding SET run_id = pg_temp.run('train') WHERE run_id = pg_temp.run('flavor')$$, 'holder of a holding', 'holding of a run');
SELECT pg_temp.breaks($$UPDATE node SET state = 'deleting', deleted_at = '2026-03-01' WHERE node_id = (SELECT max(node_id) FROM node)$$, 'holder of a holding');
SELECT pg_temp.breaks($$DELETE FROM holding WHERE node_id = (SELECT max(node_id) FROM node)$$, 'holding of a node');
SELECT pg_temp.breaks($$UPDATE tenant SET state = 'frozen' WHERE name = 'beta'$$, 'holding of a node');
SELECT pg_temp.breaks($$UPDATE volume SET deleted_at = '2026-03-01'$$, 'holder of a holding');

-- usage
SELECT pg_temp.breaks($$UPDATE holding SET metered_until = metered_until - interval '1 second' WHERE run_id = pg_temp.run('flavor')$$, 'meter of a holding');
SELECT pg_temp.breaks($$DELETE FROM usage u WHERE slice_no = 2 AND holding_id = 1$$, 'slices of a holding', 'charges of usage');
SELECT pg_temp.breaks($$UPDATE usage SET started_at = started_at + interval '1 second' WHERE usage_id = (SELECT max(usage_id) FROM usage)$$,
    'slices of a holding', 'charges of usage');
SELECT pg_temp.breaks($$UPDATE usage SET quantity = quantity + 1 WHERE usage_id = 1$$, 'charges of usage');
SELECT pg_temp.breaks($$DELETE FROM charge WHERE charge_id = (SELECT max(charge_id) FROM charge WHERE usage_id IS NOT NULL)$$,
    'charges of usage', 'sum of a counter', 'control totals of a booking');
SELECT pg_temp.breaks($$INSERT INTO unrated SELECT tenant_id, usage_id FROM usage WHERE usage_id = 1$$, 'charges of usage');
-- of a tenant whose books have not begun
SELECT create_tenant('gamma', 'USD', 'UTC');
SELECT recorded FROM record_usage('gamma', 'core', 1, '2026-03-01 00:00+00', '2026-03-01 01:00+00', 'meter', 'e1');
SELECT is_empty('SELECT * FROM reconcile()', 'what waits to be rated is no disagreement');
SELECT pg_temp.breaks($$DELETE FROM unrated WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = 'gamma')$$, 'charges of usage');

-- prices
SELECT pg_temp.breaks($$UPDATE price SET tariff = '0.010000000001' WHERE price_id = (SELECT min(price_id) FROM charge WHERE sku_id = 2)$$, 'amount of a charge');
SELECT pg_temp.breaks($$UPDATE price SET valid = tstzrange(lower(valid), lower(valid) + interval '53 days 1 second') WHERE price_id = (
    SELECT price_id FROM price WHERE sku_id = 2 AND currency = 'USD')$$, 'charges of usage');

-- charges and counters
SELECT pg_temp.breaks($$UPDATE charge SET amount = amount + 0.000000000001 WHERE charge_id = 1$$,
    'amount of a charge', 'sum of a counter', 'control totals of a booking', 'charges of a bill');
SELECT pg_temp.breaks($$UPDATE charge SET quantity = quantity + 1 WHERE charge_id = 1$$, 'amount of a charge');
SELECT pg_temp.breaks($$UPDATE counter SET units = units + 1 WHERE tenant_id = 1 AND sku_id = 1$$, 'sum of a counter');
SELECT pg_temp.breaks($$UPDATE counter SET amount = amount + 1 WHERE tenant_id = 1 AND sku_id = 1 AND units > 0$$, 'sum of a counter');
SELECT pg_temp.breaks($$UPDATE charge SET units_before = units_before + 3600000, units_after = units_after + 3600000
    WHERE charge_id = (SELECT min(charge_id) FROM charge WHERE sku_id = 3)$$, 'chain of a counter');
SELECT pg_temp.breaks($$UPDATE booking SET charges = charges + 1 WHERE booking_id = 1$$, 'control totals of a booking', 'control totals of a bill');
SELECT pg_temp.breaks($$UPDATE booking SET amount = amount + 1 WHERE booking_id = 1$$, 'control totals of a booking', 'control totals of a bill');
SELECT pg_temp.breaks($$UPDATE booking SET units = units + 1 WHERE booking_id = (SELECT max(booking_id) FROM booking)$$, 'control totals of a booking');
SELECT pg_temp.breaks($$DELETE FROM charge WHERE description = 'goodwill'$$, 'control totals of a booking');

-- bills and periods
SELECT pg_temp.breaks($$UPDATE bill SET total = CASE WHEN total > amount THEN total - 0.01 ELSE total + 0.01 END WHERE bill_id = 1$$, 'lines of a bill', 'rounding of a bill');
SELECT pg_temp.breaks($$UPDATE bill SET amount = amount + 10, total = total + 10 WHERE bill_id = 1$$, 'control totals of a bill', 'lines of a bill');
SELECT pg_temp.breaks($$UPDATE bill_line SET amount = amount + 1, unit_price = NULL WHERE bill_id = 1 AND line_no = 1$$, 'lines of a bill', 'charges of a bill');
SELECT pg_temp.breaks($$DELETE FROM bill_line WHERE bill_id = 1 AND line_no = 1$$, 'lines of a bill', 'charges of a bill');
SELECT pg_temp.breaks($$DELETE FROM bill WHERE bill_id = 1$$, 'bill of a period');
SELECT pg_temp.breaks($$UPDATE ledger SET closed_until = '2026-01-01' WHERE tenant_id = 1$$, 'end of the closed periods');
SELECT pg_temp.breaks($$UPDATE booking SET booked_at = '2026-03-09' WHERE booking_id = 1$$, 'time of a booking');
SELECT pg_temp.breaks($$UPDATE charge SET period_start = '2026-02-28 16:00+00', kind = 'correction' WHERE charge_id = 1$$,
    'control totals of a booking', 'charges of a bill');

-- contracts
SELECT pg_temp.breaks($$UPDATE contract SET currency = 'EUR' WHERE tenant_id = 1$$, 'bill of a period', 'charges of usage', 'contract of a counter');
SELECT pg_temp.breaks($$UPDATE contract SET rounding = 'cut' WHERE tenant_id = 1$$, 'contract of a bill');
-- in winter clocks are the same there
SELECT pg_temp.breaks($$UPDATE contract SET time_zone = 'Asia/Singapore' WHERE tenant_id = 1$$, 'contract of a bill');
SELECT pg_temp.breaks($$INSERT INTO contract SELECT tenant_id, '2026-02-01', currency, time_zone, cycle, rounding FROM contract WHERE tenant_id = 1$$, 'contract of a period');
SELECT pg_temp.breaks($$INSERT INTO contract VALUES (1, '2026-04-01', 'USD', 'Asia/Tokyo')$$, 'contract of a period');
SELECT pg_temp.breaks($$UPDATE billing_period SET period_end = period_end - interval '1 hour' WHERE state = 'open' AND tenant_id = 1$$, 'contract of a period');

SELECT is_empty('SELECT * FROM reconcile()', 'all of that was undone');
SELECT * FROM finish();
ROLLBACK;
