-- Minimum and quantum of prices in answers given before a run has ended:
-- quotes, running_cost, charges(), projections.  Each is held against what is
-- charged in the end.  GPU-seconds at 3.60 an hour cost 0.001.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-02 09:00:00+00';
SELECT plan(34);
\ir include/calls.sql

SELECT create_tenant('acme', 'USD', 'UTC'), create_sku('gpu', 'GPU'), create_sku('tick', 'replica'), create_sku('bit', 'core'), create_sku('dear', 'core'),
       create_sku('disk', 'GiB'), create_sku('vm', 'node'), create_network('net', '10.0.0.0/16', 'acme') \g /dev/null
SELECT create_flavor('g4', 'gpu=4,cpu=4', accelerator => 'gpu'), create_flavor('t4', 'gpu=1,cpu=1', 'tick', 'gpu'), create_flavor('m4', 'cpu=4'),
       create_flavor('m8', 'cpu=8'), create_flavor('v4', 'cpu=4', 'vm'), create_volume_type('ssd', 'disk') \g /dev/null
SELECT set_resource_sku('g4', 'gpu=1', 'gpu'), set_resource_sku('g4', 'cpu=1', NULL), set_resource_sku('m4', 'cpu=1', 'bit'),
       set_resource_sku('m8', 'cpu=1', 'dear') \g /dev/null
SELECT set_price('gpu', '3.60', '2026-01-01', currency => 'USD', minimum_seconds => 60, quantum_seconds => 45),
       set_price('tick', '0.60', '2026-01-01', currency => 'USD', minimum_seconds => 60, quantum_seconds => 45),
       set_price('bit', '0.05', '2026-01-01', currency => 'USD', minimum_seconds => 3600),
       set_price('dear', '0.08', '2026-01-01', currency => 'USD'),
       -- what no run holds has no minimum
       set_price('disk', '0.01', '2026-01-01', currency => 'USD', minimum_seconds => 3600),
       set_price('vm', '3.60', '2026-01-01', currency => 'USD', minimum_seconds => 3600) \g /dev/null
SELECT create_pool('lab', 'public'), create_pool('two', 'public'), create_pool('own', 'dedicated', 'acme', 'net') \g /dev/null
SELECT count(*) FROM add_nodes('lab', 'g4') \g /dev/null
SELECT count(*) FROM add_nodes('two', 'm4') \g /dev/null
SELECT count(*) FROM add_nodes('two', 'm8') \g /dev/null

CREATE FUNCTION pg_temp.quote(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE 'SELECT concat_ws('' '', trim_scale(per_hour), trim_scale(round(cost, 9))) FROM quote_job(' || arguments || ', tenant => ''acme'')' INTO said;
    RETURN said;
END $$;
CREATE FUNCTION pg_temp.amount(sku text, since text DEFAULT '2026-03-01', until text DEFAULT '2026-04-01') RETURNS numeric LANGUAGE sql RETURN
    (SELECT round(sum(c.amount), 9) FROM charges('acme', since::timestamptz, until::timestamptz, '1 month') AS c WHERE c.sku = amount.sku);
CREATE FUNCTION pg_temp.billed(sku text) RETURNS bigint LANGUAGE sql RETURN
    (SELECT sum(r.billed_seconds) FROM running_cost r WHERE r.sku = billed.sku);

-- ---- quotes ----

-- 10 s are 60: 2 x 60 x 0.60 / 3600; 61 s are 90, 3,590 s are 3,600
SELECT is(pg_temp.quote($$'lab', 'q', flavor => 't4', replicas => 2, time_limit => '10 s'$$), '1.2 0.02', 'a quote counts the minimum');
SELECT is(pg_temp.quote($$'lab', 'q', flavor => 't4', replicas => 2, time_limit => '61 s'$$), '1.2 0.03', 'and the quantum');
SELECT is(pg_temp.quote($$'lab', 'q', request => 'gpu=2', time_limit => '3590 s'$$), '7.2 7.2', 'of what a bare request holds too');
SELECT is(pg_temp.quote($$'lab', 'q', request => 'gpu=2', time_limit => '3601 s'$$), '7.2 7.29', 'a second over an hour is a quantum over it: 7.2 + 2 x 45 x 0.001');
SELECT is(pg_temp.quote($$'lab', 'q', flavor => 't4'$$), '0.6', 'without a time limit there is an hour, but no end');
-- 36 GiB for 10 s at 0.01 an hour cost 0.001, and a replica for 60 s 0.01
SELECT is(pg_temp.quote($$'lab', 'q', kind => 'notebook', flavor => 't4', auto_stop => '10 s', volume_gib => 36, volume_type => 'ssd'$$), '0.96 0.011',
          'a volume outlives the run: no minimum');
-- two cores on m4 cost 0.10 an hour, and so for less; on m8 0.16 an hour
SELECT is(pg_temp.quote($$'two', 'q', request => 'cpu=2', time_limit => '10 s'$$), '0.16 0.1', 'of two kinds of nodes one is the dearer by the hour, one for ten seconds');
SELECT is(pg_temp.quote($$'two', 'q', request => 'cpu=2', time_limit => '36 minutes'$$), '0.16 0.1', 'for 36 minutes still: 0.6 x 0.16 = 0.096');
SELECT is(pg_temp.quote($$'two', 'q', request => 'cpu=2', time_limit => '38 minutes 15 s'$$), '0.16 0.102', 'but not for 38 minutes');

-- it is placed on the node that is dearer for it
CREATE TEMP TABLE quoted ON COMMIT DROP AS SELECT cost FROM quote_job('two', 'q', request => 'cpu=2', time_limit => '10 s', tenant => 'acme');
SELECT submit_job('two', 'x', request => 'cpu=2', time_limit => '10 s', tenant => 'acme') AS job \gset
SELECT count(*) FROM schedule('two') \g /dev/null
SELECT pg_temp.at('2026-03-02 09:00:10') \g /dev/null
SELECT is((SELECT string_agg(state::text, ', ') FROM schedule('two')), 'timed_out', 'it has run for its ten seconds');
SELECT is((SELECT sum(amount) FROM charges('acme', '2026-03-01', '2026-04-01', '1 month')), (SELECT cost FROM quoted), 'and costs what was quoted');

-- ---- while a run goes on ----

SELECT pg_temp.at('2026-03-02 10:00:00.9') \g /dev/null
SELECT submit_job('lab', 'a', request => 'gpu=2', tenant => 'acme') AS a \gset
SELECT count(*) FROM schedule('lab') \g /dev/null
SELECT is(pg_temp.billed('gpu'), 0::bigint, 'what was not there for a second is free');
SELECT pg_temp.at('2026-03-02 10:00:01') \g /dev/null
SELECT is(pg_temp.billed('gpu'), 60::bigint, 'one second is a minute');
SELECT pg_temp.at('2026-03-02 10:01:00.5') \g /dev/null
SELECT is(pg_temp.billed('gpu'), 90::bigint, 'a minute is two steps of 45 seconds');
SELECT is(pg_temp.amount('gpu'), 0.12, 'charges() have what was used: 2 x 60 s');
SELECT settle('acme') \g /dev/null
SELECT is((SELECT round(amount, 9) FROM month_to_date WHERE sku = 'gpu'), 0.12, 'a settlement books no more');
SELECT is(pg_temp.billed('gpu'), 90::bigint, 'and changes no answer');
SELECT pg_temp.at('2026-03-02 10:01:31') \g /dev/null
SELECT is((SELECT round(billed_seconds * per_hour / 3600, 9) FROM running_cost WHERE sku = 'gpu'), 0.27, '91 s are 135: 2 x 135 x 0.001');
SELECT finish_job(:a) \g /dev/null
SELECT is(pg_temp.amount('gpu'), 0.27, 'which is what it costs when it ends');

-- the price of the last second says it
SELECT set_price('gpu', '3.60', '2026-03-02 11:00:30', currency => 'USD', quantum_seconds => 3600) \g /dev/null
SELECT pg_temp.at('2026-03-02 11:00:00') \g /dev/null
SELECT submit_job('lab', 'b', request => 'gpu=1', tenant => 'acme') AS b \gset
SELECT count(*) FROM schedule('lab') \g /dev/null
SELECT pg_temp.at('2026-03-02 11:00:30') \g /dev/null
SELECT is(pg_temp.billed('gpu'), 60::bigint, 'a price that begins now did not have the last second');
SELECT pg_temp.at('2026-03-02 11:00:31') \g /dev/null
SELECT is(pg_temp.billed('gpu'), 3600::bigint, 'then it has');
SELECT finish_job(:b) \g /dev/null
SELECT is(pg_temp.amount('gpu', '2026-03-02 11:00', '2026-03-02 12:00'), 3.6, 'as is charged: 30 s, a second, and 3,569 more');

-- a run that grows: 1 GPU for 20 minutes, 3 for 10, then for 30 more to the hour
SELECT pg_temp.at('2026-03-02 12:00:00') \g /dev/null
SELECT submit_job('lab', 'c', request => 'gpu=3', tenant => 'acme') AS c, submit_job('lab', 'd', request => 'gpu=1', replicas => 3, min_replicas => 1, tenant => 'acme') AS d \gset
SELECT count(*) FROM schedule('lab') \g /dev/null
SELECT pg_temp.at('2026-03-02 12:20:00') \g /dev/null
SELECT finish_job(:c) \g /dev/null
SELECT count(*) FROM schedule('lab') \g /dev/null
SELECT pg_temp.at('2026-03-02 12:30:00') \g /dev/null
SELECT is((SELECT (quantity, since::time, billed_seconds)::text FROM running_cost WHERE sku = 'gpu'), '(3,12:20:00,2400)', 'ten minutes since then, and thirty that the whole run lacks');
SELECT finish_job(:d) \g /dev/null
-- c is billed 3 x 3600 s; d 1200 + 3 x 2400 s
SELECT is(pg_temp.amount('gpu', '2026-03-02 12:00', '2026-03-02 13:00'), 19.2, 'as is charged');

-- ---- what no run holds ----

SELECT pg_temp.at('2026-03-02 13:00:00') \g /dev/null
SELECT count(*) FROM add_nodes('own', 'v4', 2) \g /dev/null
SELECT is((SELECT (per_hour, per_month)::text FROM quote_resize('own', 'v4', 3)), '(3.6,2678.4)', 'nodes have no minimum: an hour, 744 hours');
SELECT pg_temp.at('2026-03-02 13:00:10') \g /dev/null
SELECT is((SELECT string_agg(billed_seconds::text, ' ') FROM running_cost WHERE sku = 'vm'), '10 10', 'nor while they are there');
SELECT resize_pool('own', 'v4', 1) \g /dev/null
SELECT pg_temp.at('2026-03-02 13:00:20') \g /dev/null
SELECT is(pg_temp.amount('vm'), 0.03, 'ten seconds of one, twenty of the other');

-- ---- to the end of the month ----

SELECT pg_temp.at('2026-03-31 23:50:00') \g /dev/null
SELECT pg_temp.amount('gpu') AS before \gset
SELECT submit_job('lab', 'e', request => 'gpu=1', time_limit => '5 minutes', tenant => 'acme') AS e, submit_job('lab', 'f', request => 'gpu=1', tenant => 'acme') AS f \gset
SELECT count(*) FROM schedule('lab') \g /dev/null
SELECT pg_temp.at('2026-03-31 23:51:00') \g /dev/null
-- both go on for ten minutes, which end no hour of theirs
SELECT is((SELECT round(sum(projected_amount), 9) - :before FROM projected_month_end('acme') WHERE sku = 'gpu'), 1.2, 'runs go on: 2 x 600 s, whatever the time limit');
SELECT finish_job(:e) \g /dev/null
SELECT is((SELECT round(sum(projected_amount), 9) - :before FROM projected_month_end('acme') WHERE sku = 'gpu'), 4.2, 'one has ended: 3,600 s, and 600 of the other');
CREATE TEMP TABLE projected ON COMMIT DROP AS SELECT * FROM projected_month_end('acme');
SELECT pg_temp.at('2026-04-01 00:00:00') \g /dev/null
SELECT results_eq($$SELECT sku, price_id, projected_quantity, projected_amount FROM projected ORDER BY 1, 2$$,
    $$SELECT sku, price_id, quantity, amount FROM charges('acme', '2026-03-01', '2026-04-01', '1 month') ORDER BY 1, 2$$, 'what charges() say then');
SELECT pg_temp.at('2026-04-01 00:10:00') \g /dev/null
SELECT is(pg_temp.billed('gpu'), 3600::bigint, 'what goes on over the edge is one run');
SELECT finish_job(:f) \g /dev/null
SELECT is(pg_temp.amount('gpu') - :before, 4.2, 'what lacks to its hour is not March''s');
SELECT is(pg_temp.amount('gpu', '2026-04-01', '2026-05-01'), 3.0, 'but April''s: 600 s, and 2,400 more');

-- ---- who may see it ----

SELECT submit_job('lab', 'g', request => 'gpu=1', tenant => 'acme') AS g \gset
SELECT count(*) FROM schedule('lab') \g /dev/null
SELECT pg_temp.at('2026-04-01 00:10:07') \g /dev/null
CREATE ROLE minimum_viewer;
SELECT grant_tenant('acme', 'minimum_viewer', 'viewer') \g /dev/null
SELECT is(pg_temp.got('minimum_viewer', $$SELECT billed_seconds FROM running_cost WHERE sku = 'gpu'$$), '3600', 'a viewer of the tenant is told the same');

SELECT * FROM finish();
ROLLBACK;
