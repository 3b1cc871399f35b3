-- Examples with figures from the price pages of ModelArts, played with pools and
-- jobs on the clock; V1 to V9 are the numbers that doc and reports know them by.
-- Of V2 to V4, which are of subscriptions, nothing is here.
--
-- Origin: support.huaweicloud.com, pages price-modelarts-0014 (V1), -0008 (V5),
-- -0018 (V6); the same rule for API Gateway (V7) and AppStage (V8);
-- codeartsagent_billing_0027 (V9).
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'Asia/Shanghai';
SET pool_manager.clock = '2023-04-01 00:00:00+08';
SELECT plan(10);

SELECT create_tenant('acme', 'USD', 'Asia/Shanghai');
SELECT create_network('net', '10.0.0.0/16', 'acme');
SELECT create_sku('node', 'node'), create_sku('train', 'instance'), create_sku('serve', 'instance');
SELECT set_price('node', '0.66', currency => 'USD'), set_price('train', '6.93', currency => 'USD'), set_price('serve', '0.23', currency => 'USD');
SELECT create_flavor('node', 'cpu=8,memory=32Gi', 'node'), create_flavor('train', 'cpu=4', 'train'), create_flavor('serve', 'cpu=2', 'serve');

-- a dedicated pool of one node for a while, and what it is charged hour by hour
CREATE FUNCTION pg_temp.hold(pool text, since timestamptz, until timestamptz)
RETURNS TABLE (cycle_start timestamptz, seconds numeric, amount numeric) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('pool_manager.clock', since::text, true);
    PERFORM create_pool(hold.pool, 'dedicated', 'acme', 'net', nodes => '{"node": 1}');
    PERFORM set_config('pool_manager.clock', until::text, true);
    PERFORM delete_pool(hold.pool);
    RETURN QUERY SELECT c.cycle_start, round(sum(c.quantity) * 3600, 6), sum(c.amount) FROM charges('acme', date_trunc('hour', since), until) AS c GROUP BY 1 ORDER BY 1;
END $$;

SELECT results_eq($$SELECT count(*), sum(seconds) / 3600, sum(amount) FROM pg_temp.hold('v1', '2023-04-01 10:00:00+08', '2023-05-01 10:00:00+08')$$,
    $$VALUES (720::bigint, 720::numeric, 475.20)$$, 'V1: a node at 0.66 an hour for 30 days: 475.20');
SELECT results_eq($$SELECT cycle_start, seconds FROM pg_temp.hold('v6', '2023-05-18 15:29:16+08', '2023-05-18 16:30:30+08')$$,
    $$VALUES (timestamptz '2023-05-18 15:00:00+08', 1844::numeric), ('2023-05-18 16:00:00+08', 1830)$$, 'V6: 1,844 s of one hour, 1,830 s of the next');
SELECT results_eq($$SELECT cycle_start, seconds FROM pg_temp.hold('v7', '2023-05-19 08:45:30+08', '2023-05-19 09:30:00+08')$$,
    $$VALUES (timestamptz '2023-05-19 08:00:00+08', 870::numeric), ('2023-05-19 09:00:00+08', 1800)$$, 'V7: 870 s of one hour, 1,800 s of the next');
SELECT results_eq($$SELECT cycle_start, seconds FROM pg_temp.hold('v8', '2023-05-20 08:45:30+08', '2023-05-20 08:55:30+08')$$,
    $$VALUES (timestamptz '2023-05-20 08:00:00+08', 600::numeric)$$, 'V8: 600 s of one hour');

-- V5: 0.1 h of training and 0.5 h of a service in a public pool
SET pool_manager.clock = '2023-06-01 10:00:00+08';
SELECT set_resource_sku('node', 'cpu=1', NULL), set_resource_sku('node', 'memory=1Gi', NULL), create_pool('pub', 'public');
SELECT add_nodes('pub', 'node');
SELECT submit_job('pub', 'train', flavor => 'train', tenant => 'acme') AS train \gset
SELECT FROM schedule('pub');
SET pool_manager.clock = '2023-06-01 10:06:00+08';
SELECT is(finish_job(:train), 'completed', 'V5: training for 6 minutes');
SELECT submit_job('pub', 'serve', 'inference', flavor => 'serve', tenant => 'acme') AS serve \gset
SELECT FROM schedule('pub');
SET pool_manager.clock = '2023-06-01 10:36:00+08';
SELECT is(stop_job(:serve), 'stopped', 'then a service for 30');
SELECT results_eq($$SELECT sku, quantity, amount FROM charges('acme', '2023-06-01 00:00+08', '2023-06-02 00:00+08', '1 day') ORDER BY sku DESC$$,
    $$VALUES ('train', 0.1, 0.693), ('serve', 0.5, 0.115)$$, 'at 6.93 and 0.23 an hour');
SELECT is((SELECT sum(amount) FROM charges('acme', '2023-06-01 00:00+08', '2023-06-02 00:00+08')), 0.808, 'together 0.808');

-- V9: a month and 0.20698925 of one
SELECT is(amount('39', 0.20698925 + 1), 47.07258075, 'V9: 39 x 1.20698925');
SELECT is(round_money(amount('39', 0.20698925 + 1), 2, 'cut'), 47.07, 'is shown as 47.07');

SELECT * FROM finish();
ROLLBACK;
