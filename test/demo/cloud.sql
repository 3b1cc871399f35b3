-- The cloud: tenants, SKUs, prices, flavors, pools, nodes.

CREATE TABLE demo.tenant (tenant text, currency text, time_zone text);
INSERT INTO demo.tenant VALUES
    ('aurora', 'USD', 'America/New_York'),
    ('boreal', 'CNY', 'Asia/Shanghai'),
    ('cirrus', 'CNY', 'Asia/Shanghai'),
    ('delta', 'USD', 'America/New_York');
SELECT count(create_tenant(tenant, currency, time_zone)) AS tenants FROM demo.tenant;

-- Prices of a unit-hour: a GPU, a core, a GiB, a node.  The second ones of the
-- GPUs come in the middle of the busy weeks; boreal has one of its own.
CREATE TABLE demo.price (sku text, unit text, currency text, per_hour numeric, valid_from timestamptz, tenant text);
INSERT INTO demo.price
SELECT sku, unit, currency, per_hour, timestamptz '2026-03-01 00:00:00+00', NULL
FROM (VALUES
    ('gpu.g2', 'GPU', 1.20, 8.60),
    ('gpu.g3', 'GPU', 2.10, 15.00),
    ('gpu.t4', 'GPU', 0.35, 2.50),
    ('gpu.p100', 'GPU', 0.55, 3.95),
    ('gpu.a10', 'GPU', 0.80, 5.70),
    ('cpu.core', 'core', 0.035, 0.25),
    ('memory.gib', 'GiB', 0.0045, 0.032)) AS p(sku, unit, usd, cny),
    LATERAL (VALUES ('USD', usd), ('CNY', cny)) AS c(currency, per_hour)
UNION ALL
SELECT 'node.' || flavor, 'node', 'USD',
       (CASE WHEN gpu_sku LIKE 'gpu.v100%' THEN 0.90 ELSE 0 END * r.gpu + 0.03 * r.cpu)::numeric(10, 2),
       '2026-03-01 00:00:00+00', NULL
FROM demo.flavor,
     LATERAL (SELECT resources::resource_list) AS l(list),
     LATERAL (SELECT quantity(l.list, 'nvidia.com/gpu'), quantity(l.list, 'cpu')) AS r(gpu, cpu)
WHERE pool = 'delta-pool';
INSERT INTO demo.price
SELECT sku, unit, currency, per_hour * 0.85, '2026-07-15 00:00:00+00', NULL FROM demo.price WHERE unit = 'GPU';
INSERT INTO demo.price VALUES ('gpu.g2', 'GPU', 'CNY', 7.77, '2026-03-01 00:00:00+00', 'boreal');

SELECT count(create_sku(sku, unit)) AS skus FROM (SELECT DISTINCT sku, unit FROM demo.price ORDER BY sku) s;
SELECT count(set_price(sku, per_hour::text::tariff, valid_from, tenant, CASE WHEN tenant IS NULL THEN currency END)) AS prices
FROM demo.price WHERE valid_from = '2026-03-01 00:00:00+00';

SELECT count(create_flavor(flavor, resources::resource_list,
                           CASE pool WHEN 'delta-pool' THEN 'node.' || flavor END,
                           CASE WHEN gpu_sku IS NOT NULL THEN 'nvidia.com/gpu' END)) AS flavors
FROM (SELECT * FROM demo.flavor ORDER BY flavor) f;
SELECT FROM demo.flavor,
     LATERAL (VALUES ('cpu=1', 'cpu.core'), ('memory=1Gi', 'memory.gib'), ('nvidia.com/gpu=1', gpu_sku)) AS r(unit, sku),
     LATERAL set_resource_sku(flavor, unit::resource_list, sku)
WHERE pool <> 'delta-pool' AND sku IS NOT NULL;

SELECT create_pool('public-gpu', 'public', queue_policy => 'traversal'),
       create_pool('public-cpu', 'public', queue_policy => 'traversal'),
       create_network('delta-net', '10.20.0.0/16', 'delta');
SELECT create_pool('delta-pool', 'dedicated', tenant => 'delta', network => 'delta-net', queue_policy => 'traversal');
SELECT pool, count(*) AS nodes FROM (SELECT * FROM demo.flavor ORDER BY pool, flavor) f, add_nodes(pool, flavor, nodes) GROUP BY pool;
ANALYZE;
