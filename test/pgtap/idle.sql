-- What of a dedicated pool stood idle: by hand, with its cost, and who sees it.
-- A random history, against a count, is in utilisation.
BEGIN;
SELECT no_plan();
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET pool_manager.clock = '2026-03-28 12:00:00.4+01';

-- ---- parts of an amount ----

SELECT is(split_amount(10, '{1,1,1}'), '{3.333333333334,3.333333333333,3.333333333333}', 'of equal remainders the first counts');
SELECT is(split_amount(-10, '{1,1,1}'), '{-3.333333333334,-3.333333333333,-3.333333333333}', 'what is below 0 is split likewise');
SELECT is(split_amount(0.0000000000002, '{1,2,0}'), '{0.0000000000001,0.0000000000001,0}', 'in the digits of the amount');
SELECT is(split_amount(5, '{0,0,0}'), '{0,0,5}', 'without weights the last has all');
SELECT throws_ok(format('SELECT split_amount(1, %L)', w), '22023', 'invalid value for argument "weights"', w || ' are no weights')
FROM unnest('{"{-1,2}","{NULL,2}","{Infinity,1}","{NaN,1}"}'::text[]) AS w;
SELECT setseed(0.2);
SELECT is(
    (SELECT count(*) FROM (SELECT a, w, split_amount(a, w) AS parts
         FROM (SELECT round((random() * 2000 - 1000)::numeric, (i % 15)) AS a,
                      ARRAY[trunc(random()::numeric * 100, 2) * (i % 3), trunc(random()::numeric * 50, 1), trunc(random()::numeric * 9) * (i % 2)] AS w
               FROM generate_series(1, 500) AS i) s
         WHERE (SELECT sum(x) FROM unnest(w) x) > 0) s
     WHERE (SELECT sum(x) FROM unnest(parts) x) <> a
        OR EXISTS (SELECT FROM unnest(parts, w) AS u(p, w2) WHERE abs(p - a * w2 / (SELECT sum(x) FROM unnest(w) x)) > 0.000000000001)),
    0::bigint, 'parts add up, and none is further than a digit from its share');

-- ---- by hand ----

CREATE ROLE idle_acme;
CREATE ROLE idle_beta;
SELECT create_tenant('acme', 'EUR', 'Europe/Berlin') AS acme, create_tenant('beta', 'EUR', 'UTC') AS beta \gset
SELECT grant_tenant('acme', 'idle_acme', 'viewer'), grant_tenant('beta', 'idle_beta', 'owner'),
       create_network('net', '10.0.0.0/24', 'acme'), create_sku('vm', 'node'), create_flavor('n4', 'cpu=4', 'vm') \g /dev/null
SELECT set_price('vm', '0.70', '2026-01-01', currency => 'EUR'), create_pool('own', 'dedicated', 'acme', 'net') \g /dev/null
CREATE FUNCTION public.idle_set_state(pool text, node bigint, to_state node_state) RETURNS void
LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_node_states(find_pool(pool), ARRAY[node], to_state, lock_pool(find_pool(pool)));
END $$;
SELECT add_nodes('own', 'n4', 2, 'n') \g /dev/null
SELECT min(node_id) AS first, max(node_id) AS second FROM node \gset
-- one is used from 13:00 to 19:00, both jobs on it; the other fails at 18:00
SET pool_manager.clock = '2026-03-28 13:00:00.9+01';
SELECT submit_job('own', 'a', request => 'cpu=1') AS a, submit_job('own', 'b', request => 'cpu=2') AS b \gset
SELECT count(*) FROM schedule('own') \g /dev/null
SET pool_manager.clock = '2026-03-28 17:00:00.1+01';
SELECT finish_job(:a) \g /dev/null
SET pool_manager.clock = '2026-03-28 18:00:00+01';
SELECT node_id AS busy FROM allocation WHERE released_at IS NULL \gset
SELECT CASE :busy WHEN :first THEN :second ELSE :first END AS spare \gset
SELECT public.idle_set_state('own', :spare, 'abnormal') \g /dev/null
SET pool_manager.clock = '2026-03-28 19:00:00.6+01';
SELECT finish_job(:b) \g /dev/null
-- the 29th has 23 hours: one is used in six of them, and of the other two are lost
SET pool_manager.clock = '2026-03-29 03:00:00+02';
SELECT public.idle_set_state('own', :spare, 'available') \g /dev/null
SELECT submit_job('own', 'c', request => 'cpu=4') AS c \gset
SELECT count(*) FROM schedule('own') \g /dev/null
SELECT node_id AS busy2 FROM allocation WHERE released_at IS NULL \gset
SET pool_manager.clock = '2026-03-29 09:00:00+02';
SELECT finish_job(:c) \g /dev/null
SET pool_manager.clock = '2026-03-30 06:00:00.5+02';

CREATE FUNCTION pg_temp.said(resource text, since date, until date) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s: %s = %s + %s + %s', day, trim_scale(capacity / 3600), trim_scale(used / 3600), trim_scale(idle / 3600),
                             trim_scale(unavailable / 3600)), '; ' ORDER BY day)
    FROM (SELECT day, sum(capacity) AS capacity, sum(used) AS used, sum(idle) AS idle, sum(unavailable) AS unavailable
          FROM pool_idle('own', since, until, resource) GROUP BY day) s
$$;
-- 24 node-hours: 6 used, 12 + 0 idle of the rest, 6 not available
SELECT is(pg_temp.said(NULL, '2026-03-28', '2026-03-31'),
          '2026-03-28: 24 = 6 + 12 + 6; 2026-03-29: 46 = 6 + 38 + 2; 2026-03-30: 12 = 0 + 12 + 0', 'node-hours, day by day');
-- 4 x 1 + 6 x 2, and 6 x 4
SELECT is(pg_temp.said('cpu', '2026-03-28', '2026-03-31'),
          '2026-03-28: 96 = 16 + 56 + 24; 2026-03-29: 184 = 24 + 152 + 8; 2026-03-30: 48 = 0 + 48 + 0', 'core-hours');
SELECT is(pg_temp.said('nvidia.com/gpu', '2026-03-28', '2026-03-31'), NULL, 'of what there is none there are no rows');
SELECT is(pg_temp.said(NULL, '2026-03-29', '2026-03-30'), '2026-03-29: 46 = 6 + 38 + 2', 'a day of them');
SELECT is((SELECT count(amount) FROM pool_idle('own', '2026-03-28', '2026-03-31')), 0::bigint, 'nothing is settled, nothing has a cost');
SELECT settle('acme', '2026-03-30 00:00+02') \g /dev/null
-- 0.70 x 24 and x 46, of which 6 + 12 + 6 and 6 + 38 + 2
SELECT is(
    (SELECT string_agg(format('%s: %s = %s + %s + %s', day, amount, used, idle, unavailable), '; ' ORDER BY day)
     FROM (SELECT day, trim_scale(sum(amount)) AS amount, trim_scale(sum(used_amount)) AS used, trim_scale(sum(idle_amount)) AS idle,
                  trim_scale(sum(unavailable_amount)) AS unavailable FROM pool_idle('own', '2026-03-28', '2026-03-30') GROUP BY day) s),
    '2026-03-28: 16.8 = 4.2 + 8.4 + 4.2; 2026-03-29: 32.2 = 4.2 + 26.6 + 1.4', 'its cost in parts');
SELECT is((SELECT sum(used_amount + idle_amount + unavailable_amount) FROM pool_idle('own', '2026-03-01', '2026-04-01')),
          (SELECT sum(amount) FROM charge WHERE tenant_id = :acme), 'which add up to all that was charged');
SELECT is((SELECT count(*) FROM pool_idle('own', '2026-03-01', '2026-04-01') WHERE used + idle + unavailable <> capacity
           OR used_amount + idle_amount + unavailable_amount <> amount OR used < 0 OR idle < 0 OR unavailable < 0), 0::bigint, 'row by row');

-- ---- who sees it ----

SET LOCAL ROLE idle_acme;
SELECT is((SELECT sum(amount) FROM pool_idle('own', '2026-03-28', '2026-03-30')), 49.0, 'a viewer of the owner sees it');
SET LOCAL ROLE idle_beta;
PREPARE others AS SELECT * FROM pool_idle('own', '2026-03-28', '2026-03-30');
SELECT throws_ok('others', '42704', 'pool "own" does not exist', 'others do not');
RESET ROLE;
SELECT create_pool('open', 'public') \g /dev/null
SELECT is((SELECT count(*) FROM pool_idle('open', '2026-03-28', '2026-03-30')), 0::bigint, 'a public pool has no owner to tell');


-- ---- which days ----

SELECT throws_ok($$SELECT * FROM pool_idle('own', '-infinity', '2026-03-30')$$, '22008', 'argument "since" must be finite', 'from ever');
SELECT throws_ok($$SELECT * FROM pool_idle('own', '2026-03-28', 'infinity')$$, '22008', 'argument "until" must be finite', 'for ever');
SELECT throws_ok($$SELECT * FROM pool_idle('own', NULL, '2026-03-30')$$, '22004', 'argument "since" must not be null', 'NULL');
SELECT throws_ok($$SELECT * FROM pool_idle('own', '2026-03-30', '2026-03-28')$$, '22023', '"since" must not be after "until"', 'backwards');
SELECT throws_ok($$SELECT * FROM pool_idle(99, '2026-03-28', '2026-03-30')$$, '42704', 'pool 99 does not exist', 'of no pool');
SELECT throws_ok($$SELECT * FROM cost_by_tag('acme', 'team', NULL, '2026-03-30')$$, '22004', 'argument "since" must not be null', 'cost_by_tag() likewise');
SELECT set_eq($$SELECT * FROM pool_idle('own', '0001-01-01', '9999-12-31')$$, $$SELECT * FROM pool_idle('own', '2026-03-28', '2026-03-31')$$,
    'of all days those on which there was a pool');
CREATE TEMP TABLE told AS SELECT * FROM pool_idle('own', '2026-03-28', '2026-03-31');
SELECT pool_id AS own FROM pool WHERE name = 'own' \gset
SELECT delete_pool('own', force => true) \g /dev/null
SELECT set_eq(format($$SELECT * FROM pool_idle(%s, '2026-03-28', '2026-03-31')$$, :own), 'SELECT * FROM told', 'a pool that was deleted, by id');

SELECT * FROM finish();
ROLLBACK;
