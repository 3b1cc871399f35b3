-- A month of usage: "rows" rows of 50 tenants and 20 SKUs with six prices each,
-- changed in the middle of days; from minutes to three days long.

SET search_path TO pool_manager, public;
SELECT create_tenant('t' || i, 'USD', 'UTC') FROM generate_series(1, 50) AS i;
SELECT create_sku('sku-' || i, 'unit') FROM generate_series(1, 20) AS i;
SELECT set_price('sku-' || s, (0.01 * s + 0.0001 * v)::text::tariff, '2026-02-28 10:20:30+00'::timestamptz + v * interval '5 days', currency => 'USD')
FROM generate_series(1, 20) AS s, generate_series(0, 5) AS v ORDER BY s, v;

CREATE ROLE bench_operator;
CREATE ROLE bench_tenant;
SELECT grant_operator('bench_operator'), grant_tenant('t1', 'bench_tenant', 'viewer');

-- without the checks of each row, which take longer than the rows
SET session_replication_role = replica;
SELECT setseed(0.5);
INSERT INTO usage (tenant_id, sku_id, quantity, started_at, ended_at, holding_id, slice_no)
SELECT t.tenant_id, s.sku_id, u.quantity, u.started_at, least(u.started_at + u.seconds * interval '1 second', '2026-04-01'), row_number() OVER (ORDER BY u.started_at), 1
FROM (SELECT (random() * 49)::integer AS t, (random() * 19)::integer AS s, 1 + (random() * 8000)::bigint AS quantity,
             '2026-03-01'::timestamptz + (random() * (31 * 86400 - 60))::integer * interval '1 second' AS started_at,
             60 + (CASE WHEN random() < 0.8 THEN random() * 6 ELSE random() * 72 END * 3600)::integer AS seconds
      FROM generate_series(1, :rows)) AS u
JOIN (SELECT row_number() OVER (ORDER BY tenant_id) - 1 AS t, tenant_id FROM tenant WHERE tenant_id > 0) AS t USING (t)
JOIN (SELECT row_number() OVER (ORDER BY sku_id) - 1 AS s, sku_id FROM sku) AS s USING (s)
ORDER BY u.started_at;

RESET session_replication_role;

-- Quantities for amount()
CREATE TABLE public.asked AS
SELECT round((random() * 100000)::numeric, 3) AS quantity, round((random() * 200000)::numeric, 3) AS already FROM generate_series(1, 1000000);

-- What one writes by hand: prices as plain columns, days as a table
CREATE TABLE public.flat_price AS
SELECT price_id, sku_id, tariff::text::numeric AS price, lower(valid) AS since, coalesce(upper(valid), 'infinity') AS until FROM price;
CREATE TABLE public.day AS
SELECT day AS since, day + interval '1 day' AS until
FROM generate_series('2026-03-01'::timestamptz, '2026-03-31', '1 day') AS day;

-- A price's total of the month is its hours so far, rounded to 12 digits,
-- times the price; a row is what that total grows by
CREATE VIEW public.hand_written AS
SELECT tenant_id, sku_id, price_id, day, hours - before AS quantity, (hours - before) * price AS amount
FROM (SELECT *, coalesce(lag(hours) OVER (PARTITION BY tenant_id, sku_id, price_id ORDER BY day), 0) AS before
      FROM (SELECT tenant_id, sku_id, price_id, price, day,
                   round(sum(units) OVER (PARTITION BY tenant_id, sku_id, price_id ORDER BY day)::numeric(40, 20) / 3600000, 12) AS hours
            FROM (SELECT u.tenant_id, u.sku_id, p.price_id, p.price, greatest(d.since, p.since) AS day,
                         sum(u.quantity * extract(epoch FROM least(u.ended_at, p.until, d.until) - greatest(u.started_at, p.since, d.since))) AS units
                  FROM usage u
                  JOIN flat_price p ON p.sku_id = u.sku_id AND p.since < u.ended_at AND p.until > u.started_at
                  JOIN day d ON d.since < least(u.ended_at, p.until) AND d.until > greatest(u.started_at, p.since)
                  GROUP BY u.tenant_id, u.sku_id, p.price_id, p.price, greatest(d.since, p.since)) AS a) AS b) AS c;
VACUUM ANALYZE;
CHECKPOINT;
