-- Do the books agree?  Every figure is computed a second time from the trace's
-- requests and the times of the runs, in plain SQL with numeric, and compared.

\pset footer off

-- What was held, from when to when, in thousandths of a unit
CREATE OR REPLACE VIEW demo.held AS
SELECT k.tenant, u.sku, a.replicas * u.thousandths AS quantity,
       date_trunc('second', r.started_at) AS since,
       date_trunc('second', coalesce(r.ended_at, clock())) AS until
FROM demo.task k
JOIN job_run r USING (job_id)
JOIN allocation a USING (pool_id, run_id)
JOIN node n USING (pool_id, node_id)
JOIN flavor f USING (flavor_id)
JOIN demo.flavor df ON df.flavor = f.name,
     LATERAL (VALUES ('cpu.core', k.cpu_milli::numeric),
                     ('memory.gib', round(k.mem_mib * 1000 / 1024.0)),
                     (df.gpu_sku, k.gpu_milli)) AS u(sku, thousandths)
WHERE k.pool <> 'delta-pool' AND u.thousandths > 0
UNION ALL
SELECT 'delta', 'node.' || f.name, 1000, date_trunc('second', n.created_at), date_trunc('second', clock())
FROM node n JOIN pool p USING (pool_id) JOIN flavor f USING (flavor_id)
WHERE p.name = 'delta-pool';

-- Prices in force by time: a tenant's own before the list's
CREATE OR REPLACE VIEW demo.in_force AS
SELECT t.tenant, e.sku, e.since, lead(e.since, 1, 'infinity') OVER (PARTITION BY t.tenant, e.sku ORDER BY e.since) AS until,
       v.per_hour, v.version
FROM demo.tenant t
JOIN (SELECT DISTINCT sku, currency, valid_from AS since FROM demo.price) e USING (currency)
JOIN LATERAL (SELECT p.per_hour, concat(p.tenant, ' ', p.valid_from) AS version
              FROM demo.price p
              WHERE p.sku = e.sku AND p.currency = e.currency AND p.valid_from <= e.since AND
                    (p.tenant IS NULL OR p.tenant = t.tenant)
              ORDER BY p.tenant NULLS LAST, p.valid_from DESC LIMIT 1) v ON true;

-- Unit-hours of a counter are rounded half up to 12 digits, once
CREATE OR REPLACE VIEW demo.bill AS
SELECT tenant, sku, month, sum(unit_hours) AS quantity, sum(unit_hours * per_hour) AS amount
FROM (SELECT h.tenant, h.sku, l.month, p.version, p.per_hour,
             div(sum(h.quantity * extract(epoch FROM x.until - x.since)) * 10 ^ 12::numeric + 1800000, 3600000) / 10 ^ 12::numeric AS unit_hours
      FROM demo.held h
      JOIN demo.tenant t USING (tenant)
      JOIN demo.in_force p ON p.tenant = h.tenant AND p.sku = h.sku AND p.since < h.until AND p.until > h.since,
           generate_series(timestamp '2026-02-01', '2026-08-01', '1 month') AS l(month),
           LATERAL (SELECT l.month AT TIME ZONE t.time_zone, (l.month + interval '1 month') AT TIME ZONE t.time_zone) AS m(since, until),
           LATERAL (SELECT greatest(h.since, p.since, m.since), least(h.until, p.until, m.until)) AS x(since, until)
      WHERE x.since < x.until
      GROUP BY h.tenant, h.sku, l.month, p.version, p.per_hour) AS counter
GROUP BY tenant, sku, month;

CREATE TEMP TABLE book (checked text, item text, books numeric, again numeric);

INSERT INTO book
SELECT '1 node loads = live allocations', concat_ws(' ', l.node_id, r.name), coalesce(quantity(l.allocated, r.name), 0), coalesce(a.sum, 0)
FROM (SELECT * FROM node_load, LATERAL resource_each(allocatable)) AS l(pool_id, node_id, allocatable, allocated, accelerator, devices, name, quantity),
     LATERAL (SELECT l.name) AS r(name),
     LATERAL (SELECT sum(quantity(a.allocated, r.name)) FROM allocation a
              WHERE a.pool_id = l.pool_id AND a.node_id = l.node_id AND a.released_at IS NULL) AS a;

INSERT INTO book
SELECT '2 device loads = live allocations', concat_ws(' ', node_id, device), l.share, coalesce(a.share, 0)
FROM (SELECT node_id, o - 1 AS device, d AS share FROM node_load, unnest(devices) WITH ORDINALITY AS u(d, o)) l
FULL JOIN (SELECT node_id, d AS device, sum(device_share) AS share FROM allocation, unnest(devices) AS d
           WHERE released_at IS NULL GROUP BY node_id, d) a USING (node_id, device);

INSERT INTO book
SELECT '3 node loads = requests of what runs', concat_ws(' ', l.node_id, u.name), quantity(l.allocated, u.name), coalesce(u.sum, 0)
FROM node_load l
LEFT JOIN (SELECT a.pool_id, a.node_id, q.name, sum(a.replicas * q.amount)
           FROM demo.task k
           JOIN job_run r USING (job_id)
           JOIN allocation a USING (pool_id, run_id),
                LATERAL (VALUES ('cpu', k.cpu_milli / 1000.0), ('memory', k.mem_mib * 1048576.0),
                                ('nvidia.com/gpu', k.gpu_milli / 1000.0)) AS q(name, amount)
           WHERE k.state = 'running' AND r.ended_at IS NULL
           GROUP BY a.pool_id, a.node_id, q.name) u USING (pool_id, node_id)
WHERE u.name IS NOT NULL OR l.allocated <> '';

INSERT INTO book
SELECT '4 usage and open holdings = requests x time', concat_ws(' ', tenant, sku), b.sum, h.sum
FROM (SELECT t.name AS tenant, s.name AS sku, sum(quantity * seconds)
      FROM (SELECT tenant_id, sku_id, quantity, extract(epoch FROM ended_at - started_at) AS seconds FROM usage
            UNION ALL
            SELECT tenant_id, sku_id, quantity, extract(epoch FROM date_trunc('second', clock()) - metered_until) FROM holding) u
      JOIN tenant t USING (tenant_id) JOIN sku s USING (sku_id)
      GROUP BY t.name, s.name HAVING sum(quantity * seconds) > 0) b
FULL JOIN (SELECT tenant, sku, sum(quantity * extract(epoch FROM until - since)) FROM demo.held
           GROUP BY tenant, sku HAVING sum(quantity * extract(epoch FROM until - since)) > 0) h USING (tenant, sku);

CREATE TEMP TABLE charged AS
SELECT c.tenant_name AS tenant, c.sku, date_trunc('month', c.cycle_start AT TIME ZONE t.time_zone) AS month,
       sum(c.quantity) AS quantity, sum(c.amount) AS amount
FROM charges(NULL::bigint, '2026-03-01 00:00:00+00', clock(), '1 month') c JOIN demo.tenant t ON t.tenant = c.tenant_name
GROUP BY 1, 2, 3;
CREATE TEMP TABLE billed AS SELECT * FROM demo.bill;

INSERT INTO book
SELECT n.checked, concat_ws(' ', tenant, sku, month::date), n.books, n.again
FROM billed b
FULL JOIN charged c USING (tenant, sku, month),
     LATERAL (VALUES ('5 charged unit-hours, by tenant, SKU, month', c.quantity, b.quantity),
                     ('6 charged amounts, by tenant, SKU, month', c.amount, b.amount)) AS n(checked, books, again);

\qecho '== Do allocations, usage and charges agree?'
SELECT checked, count(*) AS figures, trim_scale(round(sum(books), 6)) AS sum,
       CASE count(*) FILTER (WHERE books IS DISTINCT FROM again) WHEN 0 THEN 'agree'
            ELSE count(*) FILTER (WHERE books IS DISTINCT FROM again) || ' differ' END AS result
FROM book GROUP BY checked ORDER BY checked;

SELECT exists (SELECT FROM book WHERE books IS DISTINCT FROM again) AS differ \gset
\if :differ
SELECT * FROM book WHERE books IS DISTINCT FROM again ORDER BY checked, item LIMIT 20;
DO $$ BEGIN RAISE 'the books do not agree'; END $$;
\endif
