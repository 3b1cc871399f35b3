-- Questions asked of the books: by hand, and that whatever costs are grouped
-- by, the sums are the same; that a projection is what charges() says later.
BEGIN;
SELECT plan(29);
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET pool_manager.clock = '2026-03-02 00:00:00+00';

CREATE ROLE ask_acme;
CREATE ROLE ask_beta;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'Europe/Berlin') AS beta \gset
SELECT grant_tenant('acme', 'ask_acme', 'owner'), grant_tenant('beta', 'ask_beta', 'owner'), create_workspace('acme', 'lab'),
       create_workspace('beta', 'east'), create_workspace('beta', 'west'),
       create_sku('gpu', 'GPU'), create_sku('vm', 'node'), create_sku('traffic', 'GB', per => 'once'),
       create_network('net', '10.0.0.0/24', 'acme') \g /dev/null
SELECT create_flavor('g4', 'nvidia.com/gpu=4', accelerator => 'nvidia.com/gpu'), create_flavor('n8', 'cpu=8', 'vm'),
       set_resource_sku('g4', 'nvidia.com/gpu=1', 'gpu') \g /dev/null
SELECT set_price('gpu', '{"model": "graduated", "tiers": [{"up_to": 10, "unit_price": 1.00}, {"up_to": null, "unit_price": 0.50}]}',
                 '2026-01-01', currency => 'USD'),
       set_price('vm', '2', '2026-01-01', currency => 'USD'), set_price('traffic', '0.05', '2026-01-01', currency => 'USD'),
       -- announced
       set_price('vm', '3', '2026-03-21', currency => 'USD'),
       set_price('vm', '2.5', '2026-03-25', currency => 'USD', tenant => 'acme') \g /dev/null
SELECT create_pool('commons', 'public'), create_pool('own', 'dedicated', 'acme', 'net', tags => '{"team": "infra", "site": "A"}') \g /dev/null
SELECT count(*) FROM add_nodes('commons', 'g4', 2) \g /dev/null
SELECT count(*) FROM add_nodes('own', 'n8') \g /dev/null

CREATE FUNCTION pg_temp.raised(query text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;

-- ---- by hand ----

SELECT submit_job('commons', 'a', tenant => 'acme', request => 'nvidia.com/gpu=4', tags => '{"team": "red", "site": "B"}') AS a,
       submit_job('commons', 'b', tenant => 'acme', request => 'nvidia.com/gpu=2', workspace => 'lab') AS b \gset
SELECT count(*) FROM schedule('commons') \g /dev/null
SELECT is((SELECT count(*) FROM month_to_date), 0::bigint, 'nothing is settled: nothing to date');
SET pool_manager.clock = '2026-03-02 02:00:00+00';
SELECT settle('acme') \g /dev/null
SET pool_manager.clock = '2026-03-02 03:00:00+00';
SELECT finish_job(:a) \g /dev/null
SET pool_manager.clock = '2026-03-03 00:00:00+00';
SELECT record_usage('acme', 'traffic', 10, '2026-03-02 12:00+00', source => 'router', event_id => '1') \g /dev/null
SELECT settle('acme') \g /dev/null

-- a: 4 x 3, b: 2 x 24 GPU-hours: 10 x 1 + 50 x 0.5; a node of 24 hours at 2; 10 GB
SELECT results_eq(
    $$SELECT sku::text, quantity, unit, amount, currency, month_start, settled_until FROM month_to_date WHERE tenant = 'acme' ORDER BY sku$$,
    $$VALUES ('gpu', 60::numeric, 'GPU-hour', 35::numeric, 'USD', '2026-03-01 00:00+00'::timestamptz, '2026-03-03 00:00+00'::timestamptz),
             ('traffic', 10, 'GB', 0.5, 'USD', '2026-03-01 00:00+00', '2026-03-03 00:00+00'),
             ('vm', 24, 'node-hour', 48, 'USD', '2026-03-01 00:00+00', '2026-03-03 00:00+00')$$,
    'the month to date, by SKU');
SET pool_manager.clock = '2026-03-03 12:00:00+00';
SELECT is((SELECT sum(amount) FROM month_to_date WHERE tenant = 'acme'), 83.5, 'as of the last settlement: half a day later the same');

-- the first settlement took 8 GPU-hours of a at 1, then of b two at 1 and two at
-- 0.5; then came 4 of a and 44 of b at 0.5
SELECT is((SELECT string_agg(format('%s %s', coalesce(value, '-'), amount), ', ') FROM cost_by_tag('acme', 'team', '2026-03-01', '2026-04-01')),
          'infra 48, - 25.5, red 10', 'by tag: of a pool, of nothing, of a job');
SELECT is((SELECT string_agg(format('%s %s', coalesce(value, '-'), amount), ', ') FROM cost_by_tag('acme', 'site', '2026-03-01', '2026-04-01')),
          'A 48, - 25.5, B 10', 'by another one');
SELECT is((SELECT string_agg(format('%s %s', coalesce(value, '-'), amount), ', ') FROM cost_by_tag('acme', 'none', '2026-03-02', '2026-03-03')),
          '- 83.5', 'by one that nothing has');
SELECT is((SELECT count(*) FROM cost_by_tag('acme', 'team', '2026-03-03', '2026-04-01')), 0::bigint, 'days on which nothing was charged');
SELECT is((SELECT string_agg(format('%s %s', coalesce(workspace, '-'), amount), ', ') FROM
           (SELECT workspace::text, trim_scale(sum(amount)) AS amount FROM charge_detail GROUP BY 1 ORDER BY 1) s),
          'default 58, lab 25, - 0.5', 'by workspace: that of a meter was not said');
SELECT is((SELECT string_agg(format('%s %s', coalesce(what, '-'), amount), ', ') FROM
           (SELECT concat_ws(' ', cause, coalesce(job, node)) AS what, trim_scale(sum(amount)) AS amount FROM charge_detail GROUP BY 1 ORDER BY 1) s),
          (SELECT format('job a 10, job b 25, meter 0.5, node %s 48', n.name) FROM node n JOIN pool p USING (pool_id) WHERE p.name = 'own'),
          'by what was held');

-- 684 hours are left: 2 x 684 GPU-hours; of the node 420 at 2, 96 at 3, 168 at 2.5
SELECT results_eq(
    $$SELECT sku, quantity, amount, projected_quantity, projected_amount FROM projected_month_end('acme')$$,
    $$VALUES ('gpu', 84::numeric, 47::numeric, 1452::numeric, 731::numeric), ('traffic', 10, 0.5, 10, 0.5),
             ('vm', 36, 72, 456, 912), ('vm', 0, 0, 96, 288), ('vm', 0, 0, 168, 420)$$,
    'what the month will come to');
CREATE TEMP TABLE projected ON COMMIT DROP AS SELECT * FROM projected_month_end('acme');
SET pool_manager.clock = '2026-04-01 00:00:00+00';
SELECT results_eq(
    $$SELECT sku, price_id, projected_quantity, projected_amount, unit, currency FROM projected ORDER BY sku, price_id$$,
    $$SELECT sku, price_id, quantity, amount, unit, currency FROM charges('acme', '2026-03-01', '2026-04-01', '1 month') ORDER BY sku, price_id$$,
    'and it does');
SELECT is((SELECT count(*) FROM month_to_date), 0::bigint, 'a month has begun of which nothing is settled');
SELECT results_eq(
    $$SELECT sku, quantity, amount, projected_quantity, projected_amount FROM projected_month_end('acme')$$,
    -- 30 days
    $$VALUES ('gpu', 0::numeric, 0::numeric, 1440::numeric, 725::numeric), ('vm', 0, 0, 720, 1800)$$, 'a month that has just begun');

-- no price: no amount
SET pool_manager.clock = '2026-04-01 06:00:00+00';
SELECT create_sku('new', 'node'), create_flavor('n9', 'cpu=9', 'new') \g /dev/null
SELECT count(*) FROM add_nodes('own', 'n9') \g /dev/null
SET pool_manager.clock = '2026-04-01 07:00:00+00';
SELECT set_price('new', '7', '2026-04-11', currency => 'USD') \g /dev/null
-- 233 hours until then, 480 after
SELECT results_eq(
    $$SELECT quantity, amount, projected_quantity, projected_amount FROM projected_month_end('acme') WHERE sku = 'new' ORDER BY price_id NULLS FIRST$$,
    $$VALUES (1::numeric, NULL::numeric, 234::numeric, NULL::numeric), (0, 0, 480, 3360)$$, 'without a price there is no amount');

-- ---- a random history: whatever it is grouped by ----

RESET pool_manager.clock;
SET pool_manager.clock = '2026-03-01 00:00:00+00';
SELECT set_price('vm', '0.0371', '2026-01-01', currency => 'USD', tenant => 'beta'),
       set_price('gpu', '{"model": "volume", "tiers": [{"up_to": 1000, "unit_price": 0.017}, {"up_to": null, "unit_price": 0.0131}]}',
                 '2026-03-09 11:00+00', currency => 'USD', tenant => 'beta') \g /dev/null
SELECT create_network('bnet', '10.1.0.0/24', 'beta'), create_pool('east', 'dedicated', 'beta', 'bnet', tags => '{"team": "blue"}') \g /dev/null
SET pool_manager.clock = '2026-03-20 10:00:00.7+00';
SELECT count(*) FROM add_nodes('east', 'n8', 3) \g /dev/null
SELECT setseed(0.7);
SELECT count(*) FROM record_usages($$
    SELECT 'beta' AS tenant, (ARRAY['gpu', 'vm', 'traffic'])[1 + i % 3] AS sku, (1 + (random() * 9000)::integer) / 1000.0 AS quantity, at AS started_at,
           CASE WHEN i % 3 < 2 THEN at + ((1 + (random() * 90000)::integer) * interval '1 second') END AS ended_at,
           'meter' AS source, i::text AS event_id, (ARRAY['default', 'east', 'west'])[1 + (random() * 2)::integer] AS workspace
    FROM (SELECT i, '2026-02-25 00:00+00'::timestamptz + (random() * 1900000)::integer * interval '1 second' AS at FROM generate_series(1, 300) AS i) s$$) \g /dev/null
SELECT settle('beta', '2026-03-12 00:00+00') \g /dev/null
SELECT issue_bill('beta', '2026-02-01') \g /dev/null
SELECT correct_usage(usage_id, 'read anew', quantity => 1.5) FROM usage WHERE tenant_id = :beta AND source = 'meter' AND usage_id % 7 = 0 \g /dev/null
SELECT settle('beta'), adjust('beta', -12.345, 'a credit'), adjust('beta', 3.21, 'VAT', 'tax') \g /dev/null
SELECT cmp_ok((SELECT count(*) FROM charge WHERE tenant_id = :beta AND corrects IS NULL AND kind = 'correction'), '>', 0::bigint, 'late usage was corrected');
SELECT is((SELECT count(*) FROM charge_detail), (SELECT count(*) FROM charge), 'each charge is one row');
SELECT is(
    (SELECT string_agg(format('%s: %s', d, s.total - c.total), ', ')
     FROM unnest('{workspace,pool,job,day,kind,cause,sku,node,month_start,"tags ->> ''team''","workspace, sku, day","price_id, tier, node_id"}'::text[]) AS d,
          LATERAL (SELECT (xpath('/row/n/text()', query_to_xml(format(
              'SELECT sum(n) AS n FROM (SELECT sum(amount) AS n FROM pool_manager.charge_detail WHERE tenant_id = %s GROUP BY %s) s',
              :beta, d), false, true, '')))[1]::text::numeric AS total) AS s,
          (SELECT sum(amount) AS total FROM charge WHERE tenant_id = :beta) AS c
     WHERE s.total IS DISTINCT FROM c.total), NULL, 'whatever costs are grouped by, the sums are the same');
SELECT is((SELECT sum(amount) FROM cost_by_tag('beta', 'team', '2026-02-01', '2026-04-01')), (SELECT sum(amount) FROM charge WHERE tenant_id = :beta),
          'nor is anything lost by tag');
SELECT is((SELECT sum(c.amount) FROM generate_series('2026-02-20'::timestamp, '2026-03-31', '1 day') AS d, cost_by_tag('beta', 'team', d::date, d::date + 1) AS c),
          (SELECT sum(amount) FROM charge WHERE tenant_id = :beta), 'nor by tag day by day');
SELECT is((SELECT count(*) FROM charge_detail WHERE tenant_id = :beta AND usage_id IS NOT NULL AND day <> (started_at AT TIME ZONE 'Europe/Berlin')::date),
          0::bigint, 'days are local ones');
SELECT results_eq(
    $$SELECT sku::text, price_id, quantity, amount FROM month_to_date WHERE tenant = 'beta' ORDER BY 1, 2$$,
    $$SELECT sku, price_id, quantity, amount FROM charges('beta', '2026-03-01 00:00+01', '2026-04-01 00:00+02', '1 month') ORDER BY 1, 2$$,
    'the month to date is what charges() says of it');
SELECT record_usage('beta', 'gpu', 3, '2026-03-20 08:00+00', '2026-03-20 09:00+00', 'meter', 'late') \g /dev/null
SET pool_manager.clock = '2026-03-20 15:01:02.3+00';
CREATE TEMP TABLE random_projected ON COMMIT DROP AS SELECT * FROM projected_month_end('beta');
SELECT results_eq(
    $$SELECT sku, price_id, quantity, amount FROM random_projected WHERE quantity > 0 ORDER BY 1, 2$$,
    $$SELECT sku, price_id, quantity, amount FROM charges('beta', '2026-03-01 00:00+01', '2026-04-01 00:00+02', '1 month') ORDER BY 1, 2$$,
    'a projection begins with what charges() says now');
SET pool_manager.clock = '2026-03-31 22:00:00+00';
SELECT results_eq(
    $$SELECT sku, price_id, projected_quantity, projected_amount FROM random_projected ORDER BY 1, 2$$,
    $$SELECT sku, price_id, quantity, amount FROM charges('beta', '2026-03-01 00:00+01', '2026-04-01 00:00+02', '1 month') ORDER BY 1, 2$$,
    'and ends with what it says then, across a change of the clocks');

-- ---- who sees it ----

SET LOCAL ROLE ask_acme;
SELECT is((SELECT count(DISTINCT tenant) FROM month_to_date) + (SELECT count(DISTINCT tenant) FROM charge_detail), 2::bigint, 'a tenant sees its own');
SELECT is((SELECT sum(amount) FROM charge_detail), 83.5, 'all of it');
SELECT is((SELECT projected_amount FROM projected_month_end('acme') WHERE sku = 'traffic'), 0.5, 'by functions too');
SELECT is(pg_temp.raised($$SELECT projected_month_end('beta')$$), '42704 tenant "beta" does not exist', 'and nothing of others');
SELECT is(pg_temp.raised(format('SELECT * FROM cost_by_tag(%s, %L, %L, %L)', :beta, 'team', '2026-03-01', '2026-04-01')),
          format('42704 tenant %s does not exist', :beta), 'nor by id');
SET LOCAL ROLE ask_beta;
SELECT is((SELECT count(*) FROM charge_detail WHERE tenant_id = :acme), 0::bigint, 'so does the other');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
