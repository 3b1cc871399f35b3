-- A day of two tenants, "rows" rows of usage each, the same; the first is
-- settled, and what that wrote is kept as if it were the second's.

SET search_path TO pool_manager, public;
SET pool_manager.clock = '2026-03-01 00:00:00+00';
SELECT create_tenant('t1', 'USD', 'UTC'), create_tenant('t2', 'USD', 'UTC');
SELECT create_sku('sku-' || i, 'unit') FROM generate_series(1, 20) AS i;
SELECT set_price('sku-' || s, (0.01 * s + 0.0001 * v)::text::tariff, '2026-02-28 10:20:30+00'::timestamptz + v * interval '7 hours', currency => 'USD')
FROM generate_series(1, 20) AS s, generate_series(0, 5) AS v ORDER BY s, v;

SET session_replication_role = replica;
INSERT INTO usage (tenant_id, usage_id, sku_id, quantity, started_at, ended_at, workspace_id, holding_id, slice_no)
SELECT t, (t - 1) * :rows + i, 1 + i % 20, 1 + i % 8000, '2026-03-01'::timestamptz + (i % 80000) * interval '1 second',
       '2026-03-01'::timestamptz + (i % 80000 + 1 + i % 6000) * interval '1 second', t, i, 1
FROM generate_series(1, 2) AS t, generate_series(1, :rows) AS i ORDER BY t, i;
INSERT INTO unrated SELECT tenant_id, usage_id FROM usage;
RESET session_replication_role;
SELECT setval('usage_id_seq', 10 * :rows);

-- As many events of an external meter, and the rows of usage that they are
CREATE TABLE public.events AS
SELECT 't' || 1 + i % 2 AS tenant, 'sku-' || 1 + i % 20 AS sku, 1 + i % 8 AS quantity, 'meter' AS source, 'event-' || i AS event_id,
       '2026-02-10'::timestamptz + (i % 800000) * interval '1 second' AS started_at,
       '2026-02-10'::timestamptz + (i % 800000 + 60 + i % 3600) * interval '1 second' AS ended_at
FROM generate_series(1, :rows) AS i;
CREATE TABLE public.usage_recorded AS SELECT * FROM usage WHERE false;
INSERT INTO public.usage_recorded (tenant_id, usage_id, sku_id, quantity, started_at, ended_at, slice_no, source, event_id)
SELECT t.tenant_id, 3 * :rows + row_number() OVER (ORDER BY event_id COLLATE "C"), s.sku_id, 1000 * quantity, started_at, ended_at, 1, source, event_id
FROM public.events e JOIN tenant t ON t.name = e.tenant JOIN sku s ON s.name = e.sku ORDER BY 2;
VACUUM ANALYZE;

SET pool_manager.clock = '2026-03-02 00:00:00+00';
SELECT settle('t1');
CREATE TABLE public.ledger_written AS SELECT * FROM ledger;
CREATE TABLE public.period_written AS SELECT * FROM billing_period;
CREATE TABLE public.booking_written AS SELECT * FROM booking;
CREATE TABLE public.counter_written AS SELECT * FROM counter;
CREATE TABLE public.charge_written AS SELECT * FROM charge;
UPDATE public.ledger_written SET tenant_id = 2;
UPDATE public.period_written SET tenant_id = 2;
UPDATE public.booking_written SET tenant_id = 2;
UPDATE public.counter_written SET tenant_id = 2;
UPDATE public.charge_written SET tenant_id = 2, usage_id = usage_id + :rows, workspace_id = 2;
VACUUM ANALYZE;
CHECKPOINT;
