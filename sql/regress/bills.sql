-- Bills as they are seen in psql: two months of one tenant, worked by hand.
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET pool_manager.clock = '2026-03-01 00:00:00+00';

SELECT create_tenant('acme', 'USD', 'Europe/Berlin'), create_tenant('beta', 'JPY', 'Asia/Tokyo', rounding => 'cut');
SELECT create_sku('core', 'core'), create_sku('gpu', 'GPU'), create_sku('token', 'token', 'once'),
       create_flavor('g4', 'cpu=8,nvidia.com/gpu=4', accelerator => 'nvidia.com/gpu'), create_pool('commons', 'public');
SELECT set_resource_sku('g4', 'nvidia.com/gpu=1', 'gpu'), set_resource_sku('g4', 'cpu=1', 'core');
SELECT add_nodes('commons', 'g4');
SELECT set_price('gpu', '{"model": "graduated", "tiers": [{"up_to": 10, "unit_price": 1.00}, {"up_to": null, "unit_price": 0.50}]}',
                 '2026-01-01', currency => 'USD'),
       set_price('core', '{"model": "volume", "tiers": [{"up_to": 20, "unit_price": 0.05}, {"up_to": null, "unit_price": 0.04}]}',
                 '2026-01-01', currency => 'USD'),
       set_price('token', '{"model": "package", "package_size": 1000, "package_price": 0.30}', '2026-01-01', currency => 'USD'),
       set_price('gpu', '7', '2026-01-01', currency => 'JPY');

-- what an external meter recorded
CREATE FUNCTION metered(sku text, quantity numeric, started timestamptz, ended timestamptz, event text, tenant bigint DEFAULT 1) RETURNS void
LANGUAGE sql AS $$
    WITH recorded AS (
        INSERT INTO usage (tenant_id, sku_id, quantity, started_at, ended_at, slice_no, source, event_id)
        SELECT $6, s.sku_id, $2 * 1000, $3, $4, 1, 'meter', $5 FROM sku s WHERE s.name = $1 RETURNING tenant_id, usage_id)
    INSERT INTO unrated SELECT * FROM recorded;
$$;

-- 14,401 s: 16.001111111111 GPU-hours, 10 of them at 1.00; 32.002222222222
-- core-hours, all at 0.04, though the first were booked at 0.05; 3 packages
SET pool_manager.clock = '2026-03-02 09:00:00+00';
SELECT submit_job('commons', 'train', tenant => 'acme', request => 'nvidia.com/gpu=4,cpu=8');
SELECT count(*) FROM schedule('commons');
SET pool_manager.clock = '2026-03-02 10:00:00+00';
SELECT settle('acme');
SET pool_manager.clock = '2026-03-02 13:00:01+00';
SELECT finish_job(1);
SELECT metered('token', 2500, '2026-03-03', '2026-03-04', 'e1');
SELECT adjust('acme', -5, 'goodwill for the outage of 12 March, agreed with the customer by telephone and confirmed later'),
       adjust('acme', 1.93, '19 % VAT', 'tax');
SELECT tenant, period_start, state, currency, charges, amount, bill_id, total FROM period_status;

-- not before it is over
SET pool_manager.clock = '2026-03-31 21:59:59+00';
SELECT issue_bill('acme', '2026-03-01');
SET pool_manager.clock = '2026-04-02 09:00:00+00';
SELECT issue_bill('acme', '2026-04-01');
SELECT issue_bill('acme', '2026-03-02');

SELECT issue_bill('acme', '2026-03-01', request_id => 'march');
SELECT bill_text(1);
SELECT issue_bill('acme', '2026-03-01', request_id => 'march');
SELECT issue_bill('acme', '2026-03-01');
SELECT tenant, period_start, state, currency, charges, amount, bill_id, total FROM period_status;
SELECT line_no, kind, month, sku, tier, charges, quantity, unit, unit_price, amount FROM bill_detail WHERE bill_id = 1 ORDER BY line_no;
SELECT charge_id, tier, quantity, amount FROM bill_charges(1, 1) ORDER BY charge_id;
SELECT count(*), sum(amount) FROM bill_charges(1, 5);

-- late usage of March, at the tier that March has reached, on the bill of April
SELECT metered('gpu', 1, '2026-03-20 10:00+00', '2026-03-20 12:00+00', 'e2'),
       metered('gpu', 2, '2026-04-01 10:00+00', '2026-04-01 11:00+00', 'e3');
SELECT adjust('acme', 0.50, 'support for the outage', corrects => (SELECT min(charge_id) FROM charge));
SET pool_manager.clock = '2026-05-01 00:00:00+00';
SELECT issue_bill('acme', '2026-05-01');
SELECT issue_bill('acme', '2026-04-01');
SELECT bill_text(2);
SELECT jsonb_pretty(bill_json(2) #- '{issued_by}');

-- 1,000 s: 0.277777777778 GPU-hours of 7 are 1.944444444446
SELECT metered('gpu', 1, '2026-03-20 10:00:00+00', '2026-03-20 10:16:40+00', 'e4', 2);
SELECT issue_bill('beta', '2026-04-01');
SELECT issue_bill('beta', '2026-03-01'), issue_bill('beta', '2026-04-01');
SELECT bill_text(3);
SELECT bill_text(4);

-- numbers that leave no room for labels; a tenant of many letters
SELECT create_tenant(repeat('many letters, ', 8) || 'and wide 宽', 'USD', 'UTC') AS tenant_id \gset
SELECT set_price('token', '{"model": "graduated", "tiers": [{"up_to": 1, "unit_price": "0.123456789012345678901234"}, {"up_to": null, "unit_price": "123456789012.5"}]}', '2026-01-01', tenant => :tenant_id);
SELECT metered('token', 123456789.001, '2026-03-20', '2026-03-21', 'e5', :tenant_id);
SELECT settle(:tenant_id, '2026-04-01');
SELECT adjust(:tenant_id, -1, repeat(E'a\nlong ', 20) || repeat('x', 120) || '宽字');
SELECT issue_bill(:tenant_id, '2026-03-01') AS bill_id \gset
SELECT bill_text(:bill_id);
SELECT max(length(l)) FROM bill_text(:bill_id) AS l;

SELECT bill_text(99);
SELECT bill_json(99);
SELECT * FROM bill_charges(99, 1);
DROP FUNCTION metered;
