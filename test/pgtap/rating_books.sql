-- Cases of published billing systems (test/data/rating_cases.jsonl) that need
-- books: amounts and taxes booked by hand, bills, what stood idle, costs that are
-- split.  tariff_vectors.sql plays what a quantity or a time costs.
BEGIN;
SET search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET pool_manager.clock = '2025-01-01 00:00:00+00';
SELECT plan(11);

\getenv tree PM_TREE
\set cases :tree '/test/data/rating_cases.jsonl'
CREATE TEMP TABLE entry (c jsonb NOT NULL, id text GENERATED ALWAYS AS (c ->> 'id') STORED, model text GENERATED ALWAYS AS (c ->> 'model') STORED);
COPY entry (c) FROM :'cases' (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02');
CREATE FUNCTION pg_temp.titled(id text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', e.id, e.c ->> 'title') FROM entry e WHERE e.id = titled.id
$$;

-- ---- bills ----

SELECT create_tenant(id, c ->> 'currency', 'UTC') FROM entry WHERE model IN ('tax_components_rounded', 'line_vs_total') ORDER BY id \g /dev/null
-- cents x a fraction; whoever reckons the tax rounds it, as its law has it
CREATE TEMP TABLE net AS
SELECT id, c, (c #>> '{usage,exact_base,0}')::numeric * (c #>> '{usage,exact_base,1}')::numeric(40, 24) / (c #>> '{usage,exact_base,2}')::numeric / 100 AS net
FROM entry WHERE model = 'tax_components_rounded';
SELECT adjust(id, round(net, 12), 'net'),
       adjust(id, round_money(net * (c #>> '{price,tax_percent}')::numeric / 100, 2, 'half_up'), 'tax', 'tax') FROM net ORDER BY id \g /dev/null
SELECT adjust(id, v::numeric, 'a line') FROM entry, jsonb_array_elements_text(c #> '{usage,values}') AS v WHERE model = 'line_vs_total' \g /dev/null
SET pool_manager.clock = '2025-02-01 00:00:00+00';
SELECT issue_bill(id, '2025-01-01') FROM entry WHERE model IN ('tax_components_rounded', 'line_vs_total') ORDER BY id \g /dev/null
SELECT is(b.total::text, coalesce(c #>> '{expected,amount}', c #>> '{expected,total}'), pg_temp.titled(e.id))
FROM entry e JOIN tenant t ON t.name = e.id JOIN bill b USING (tenant_id) WHERE model IN ('tax_components_rounded', 'line_vs_total') ORDER BY e.id;
SELECT is((SELECT sum(d.amount) FROM bill_detail d JOIN bill b USING (bill_id) JOIN tenant t ON t.tenant_id = b.tenant_id WHERE t.name = 'rnd-020' AND d.kind = 'rounding'), -0.002,
          'its lines are exact: three times 0.334 less 0.002');

-- ---- a year: by the hour; half of it by hand ----

SELECT create_tenant(id, c ->> 'currency', 'UTC'), create_sku(id, 'node') FROM entry WHERE id IN ('foc-005', 'foc-006') ORDER BY id \g /dev/null
SELECT set_price('foc-005', (c #>> '{usage,factors,1}')::tariff, '2023-01-01', 'foc-005') FROM entry WHERE id = 'foc-005' \g /dev/null
SELECT set_price('foc-006', ((c #>> '{usage,amounts,1}')::numeric / 8760)::tariff, '2023-01-01', 'foc-006') FROM entry WHERE id = 'foc-006' \g /dev/null
SELECT adjust('foc-006', (c #>> '{usage,amounts,0}')::numeric, 'half of a year, up front') FROM entry WHERE id = 'foc-006' \g /dev/null
SET pool_manager.clock = '2026-02-01 00:00:00+00';
SELECT record_usage(name, name, 1, '2025-02-01', '2026-02-01', 'case', name) FROM tenant WHERE name IN ('foc-005', 'foc-006') \g /dev/null
SELECT settle(name) FROM tenant WHERE name IN ('foc-005', 'foc-006') \g /dev/null
SELECT is((SELECT round(sum(d.amount), 2)::text FROM charge_detail d WHERE d.tenant = id), c #>> '{expected,amount}', pg_temp.titled(id))
FROM entry WHERE id IN ('foc-005', 'foc-006') ORDER BY id;

-- ---- what nobody used ----

-- 10 hours of a node at a tenth of the asset's cost; a job for 62.5 % of them
SELECT create_tenant('idle', 'USD', 'UTC'), create_sku('node', 'node'), create_flavor('n8', 'cpu=8', 'node'), create_network('net', '10.0.0.0/24', 'idle'),
       create_pool('own', 'dedicated', 'idle', 'net') \g /dev/null
SELECT set_price('node', ((c #>> '{price,asset_cost}')::numeric / 10)::tariff, '2025-01-01', currency => 'USD') FROM entry WHERE id = 'alc-002' \g /dev/null
SELECT count(*) FROM add_nodes('own', 'n8') \g /dev/null
SELECT submit_job('own', 'j', request => 'cpu=8') AS job \gset
SELECT count(*) FROM schedule('own') \g /dev/null
SELECT set_config('pool_manager.clock', ('2026-02-01 00:00:00+00'::timestamptz + (c #>> '{usage,workload_cost}')::numeric / (c #>> '{price,asset_cost}')::numeric * interval '10 hours')::text, false)
FROM entry WHERE id = 'alc-002' \g /dev/null
SELECT finish_job(:job) \g /dev/null
SET pool_manager.clock = '2026-02-01 10:00:00+00';
SELECT settle('idle') \g /dev/null
SELECT is((SELECT ARRAY[sum(i.idle_amount), round(100 * sum(i.idle) / sum(i.capacity), 2)] FROM pool_idle('own', '2026-02-01', '2026-02-02') AS i),
          ARRAY[(c #>> '{expected,idle}')::numeric, (c #>> '{expected,idle_percent}')::numeric], pg_temp.titled(id))
FROM entry WHERE id = 'alc-002';

-- ---- costs that are split ----

SELECT is((SELECT sum(p) FROM unnest(split_amount(1.00, ratios)) AS p), (c #>> '{expected,sum}')::numeric, pg_temp.titled(id)),
       is(split_amount(1.00, ratios), ratios, 'each part is its share')
FROM entry, LATERAL (SELECT array_agg(r::numeric ORDER BY n) AS ratios FROM jsonb_array_elements_text(c #> '{usage,ratios}') WITH ORDINALITY AS e (r, n)) AS given
WHERE id = 'foc-011';

SELECT * FROM finish();
ROLLBACK;
