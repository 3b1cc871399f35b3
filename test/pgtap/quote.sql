-- quote_job(), quote_resize(): prices by hand, when it would start or be done,
-- errors of submit_job and resize_pool, and that nothing stays.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-05-04 08:00:00+00';
SELECT no_plan();

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('globex', 'USD', 'UTC'), create_sku('vm', 'node'), create_sku('core', 'core'),
       create_sku('dear', 'core'), create_sku('gib', 'GiB'), create_sku('disk', 'GiB'), create_sku('unpriced', 'node'),
       create_network('net', '10.0.0.0/16', 'acme') \g /dev/null
SELECT create_flavor('c4', 'cpu=4,memory=8Gi', 'vm'), create_flavor('c8', 'cpu=8,memory=16Gi', 'vm'), create_flavor('new', 'cpu=1,memory=1Gi', 'unpriced'),
       create_volume_type('ssd', 'disk') \g /dev/null
SELECT set_resource_sku('c4', 'cpu=1', 'core'), set_resource_sku('c4', 'memory=1Gi', 'gib'),
       set_resource_sku('c8', 'cpu=1', 'dear'), set_resource_sku('c8', 'memory=1Gi', NULL) \g /dev/null
SELECT set_price('vm', '0.60', '2026-01-01', currency => 'USD'), set_price('core', '0.05', '2026-01-01', currency => 'USD'),
       set_price('dear', '0.08', '2026-01-01', currency => 'USD'), set_price('gib', '0.01', '2026-01-01', currency => 'USD'),
       set_price('disk', '0.0001', '2026-01-01', currency => 'USD') \g /dev/null
SELECT create_pool('lab', 'public'), create_pool('two', 'public'), create_pool('own', 'dedicated', 'acme', 'net') \g /dev/null
SELECT count(*) FROM add_nodes('lab', 'c4', 2) \g /dev/null
SELECT count(*) FROM add_nodes('two', 'c4', 1) \g /dev/null
SELECT count(*) FROM add_nodes('two', 'c8', 1) \g /dev/null
SELECT count(*) FROM add_nodes('own', 'c4', 2) \g /dev/null

-- per hour, cost, seconds until it starts, reason
CREATE FUNCTION pg_temp.quote(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE 'SELECT concat_ws('' '', coalesce(currency, ''?''), coalesce(trim_scale(per_hour)::text, ''?''), coalesce(trim_scale(cost)::text, ''?''),
        coalesce(extract(epoch FROM expected_start - clock())::integer::text, ''?''), reason) FROM quote_job(' || arguments || ')' INTO said;
    RETURN said;
END $$;
-- all rows of all tables
CREATE FUNCTION pg_temp.everything() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    t regclass;
    said text := '';
    hash text;
BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'pool_manager'::regnamespace AND relkind = 'r' ORDER BY relname LOOP
        EXECUTE format('SELECT count(*) || md5(coalesce(string_agg(r::text, E''\n'' ORDER BY r::text), '''')) FROM %s r', t) INTO hash;
        said := said || t || hash || ' ';
    END LOOP;
    RETURN said;
END $$;
CREATE TEMP TABLE before ON COMMIT DROP AS SELECT pg_temp.everything() AS said;

--
-- Public pools: a flavor by its SKU, a bare request by resource
--
SELECT is(pg_temp.quote($$'lab', 'a', flavor => 'c4', replicas => 2, time_limit => '90 minutes', tenant => 'acme'$$), 'USD 1.2 1.8 0',
          'a flavor: 2 x 0.60 an hour, for an hour and a half');
SELECT is(pg_temp.quote($$'lab', 'a', flavor => 'c4', tenant => 'acme'$$), 'USD 0.6 ? 0', 'without a time limit there is no cost');
-- 5 cores and 8 GiB; in 1000 s 1.388888888889 core-hours and 2.222222222222 GiB-hours
SELECT is(pg_temp.quote($$'lab', 'a', request => 'cpu=2.5,memory=4Gi', replicas => 2, time_limit => '1000 s', tenant => 'acme'$$),
          'USD 0.33 0.09166666666667 0', 'a bare request: 5 x 0.05 + 8 x 0.01 an hour');
SELECT is(pg_temp.quote($$'two', 'a', request => 'cpu=2,memory=1Gi', time_limit => '1 hour', tenant => 'acme'$$), 'USD 0.16 0.16 0',
          'of two kinds of nodes the dearer one: 2 x 0.08, not 2 x 0.05 + 0.01');
SELECT is(pg_temp.quote($$'two', 'a', request => 'cpu=2,memory=12Gi', time_limit => '1 hour', tenant => 'acme'$$), 'USD 0.16 0.16 0', '... of those that hold it');
SELECT is(pg_temp.quote($$'lab', 'a', task_groups => '[{"flavor": "c4"}, {"request": "cpu=1", "replicas": 2}]', time_limit => '2 hours', tenant => 'acme'$$),
          'USD 0.7 1.4 0', 'task groups: 0.60 + 2 x 0.05');
SELECT is(pg_temp.quote($$'lab', 'a', request => 'cpu=1,memory=1Gi', kind => 'notebook', auto_stop => '30 minutes', time_limit => '1 hour', tenant => 'acme',
          volume_gib => 100, volume_type => 'ssd'$$), 'USD 0.07 0.035 0', 'a notebook with its volume, until it comes to rest');

--
-- When, and why not at once
--
SELECT is(pg_temp.quote($$'own', 'a', flavor => 'c4', replicas => 2, time_limit => '1 hour'$$), 'USD 0 0 0', 'a dedicated pool: placed at once, on nodes that are paid');
SELECT is(pg_temp.quote($$'own', 'a', flavor => 'c4', replicas => 3, time_limit => '1 hour'$$), 'USD 0 0 ? exceeds_max', 'never');
SELECT is(pg_temp.quote($$'own', 'a', flavor => 'c4', not_before => '2026-05-04 09:00+00'$$), 'USD 0 ? 3600 not_before', 'not before');
SELECT is((SELECT said FROM before), pg_temp.everything(), 'nothing stays');
SELECT submit_job('own', 'r', flavor => 'c4', time_limit => '100 s'), submit_job('lab', 'r', flavor => 'c4', replicas => 2, time_limit => '200 s', tenant => 'globex') \g /dev/null
SELECT count(*) FROM schedule() \g /dev/null
UPDATE before SET said = pg_temp.everything();
SELECT is(pg_temp.quote($$'own', 'a', flavor => 'c4', replicas => 2, time_limit => '1 hour'$$), 'USD 0 0 100 resources', 'when the one that runs has ended');
SELECT is(pg_temp.quote($$'lab', 'a', flavor => 'c4', time_limit => '1 hour', tenant => 'acme'$$), 'USD 0.6 0.6 200 resources', 'in a public pool likewise');
SELECT is(pg_temp.quote($$'own', 'a', flavor => 'c4', depends_on => 'afterok:$$ || (SELECT min(job_id) FROM job) || $$'$$), 'USD 0 ? ? dependency', 'it waits for another');
-- one node of own is free now, both at 100 s
SELECT is(pg_temp.quote($$'own', 'a', flavor => 'c4', not_before => clock() + interval '50 s'$$), 'USD 0 ? 50 not_before', 'room before it may start');
SELECT is(pg_temp.quote($$'own', 'a', flavor => 'c4', replicas => 2, not_before => clock() + interval '50 s'$$), 'USD 0 ? 100 not_before', 'room after it may start');
SELECT is(pg_temp.quote($$'own', 'a', flavor => 'c4', replicas => 3, not_before => clock() + interval '50 s'$$), 'USD 0 ? ? not_before', 'never room');
SELECT is(pg_temp.quote($$'lab', 'a', flavor => 'c4', not_before => clock() + interval '50 s', tenant => 'acme'$$), 'USD 0.6 ? 200 not_before', 'in a public pool likewise');
SELECT is((SELECT said FROM before), pg_temp.everything(), 'nothing stays');

-- replicas with addresses that cost: 3 x 0.002
SELECT create_sku('address', 'address'), create_network('wide', '10.4.0.0/16', 'acme', address_sku => 'address'),
       set_price('address', '0.002', '2026-01-01', currency => 'USD') \g /dev/null
SELECT create_pool('addressed', 'dedicated', 'acme', 'wide', container_network => 'eni') \g /dev/null
SELECT count(*) FROM add_nodes('addressed', 'c4') \g /dev/null
SELECT is(pg_temp.quote($$'addressed', 'a', request => 'cpu=1', replicas => 3, time_limit => '30 minutes'$$), 'USD 0.006 0.003 0', 'addresses of replicas');

--
-- Prices: contracted ones, none
--
SELECT set_price('vm', '0.50', '2026-02-01', 'acme') \g /dev/null
SELECT is(pg_temp.quote($$'two', 'a', flavor => 'c4', time_limit => '1 hour', tenant => 'acme'$$), 'USD 0.5 0.5 0', 'a contracted price');
SELECT is(pg_temp.quote($$'two', 'a', flavor => 'c4', time_limit => '1 hour', tenant => 'globex'$$), 'USD 0.6 0.6 0', '... is not for others');
SELECT is(pg_temp.quote($$'two', 'a', flavor => 'new', time_limit => '1 hour', tenant => 'acme'$$), 'USD ? ? 0', 'no price is not free of charge');
SELECT is((SELECT row(q.*)::text FROM quote_job((SELECT pool_id FROM pool WHERE name = 'two'), 'a', flavor => 'c4', time_limit => '1 hour',
          tenant => (SELECT tenant_id FROM tenant WHERE name = 'acme')) q), '(USD,0.5,0.5,"2026-05-04 08:00:00+00",)', 'by ids');

--
-- What it costs in the end is what was quoted
--
SELECT submit_job('two', 'paid', request => 'cpu=2,memory=12Gi', time_limit => '1000 s', tenant => 'acme') \g /dev/null
CREATE TEMP TABLE quoted ON COMMIT DROP AS
SELECT cost FROM quote_job('two', 'paid', request => 'cpu=2,memory=12Gi', time_limit => '1000 s', tenant => 'acme');
SELECT count(*) FROM schedule('two') \g /dev/null
SET pool_manager.clock = '2026-05-04 08:16:40+00';
SELECT count(*) FROM schedule('two') \g /dev/null
SELECT is((SELECT sum(amount) FROM charges('acme', '2026-05-04', '2026-05-05') WHERE sku = 'dear'), (SELECT cost FROM quoted), 'a charge is what was quoted');

--
-- Another size
--
CREATE FUNCTION pg_temp.resized(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE 'SELECT concat_ws('' '', nodes, coalesce(currency, ''?''), coalesce(per_hour::text, ''?''), coalesce(per_month::text, ''?''),
        coalesce(extract(epoch FROM expected_ready - clock())::integer::text, ''?'')) FROM quote_resize(' || arguments || ')' INTO said;
    RETURN said;
END $$;
SELECT create_pool('sized', 'dedicated', 'acme', 'wide'), create_pool('far', 'dedicated', 'acme', 'net', provider => 'external') \g /dev/null
SELECT create_node_group('sized', 'c4', disk_count => 2, disk_gib => 100, disk_type => 'ssd') \g /dev/null
SELECT count(*) FROM add_nodes('sized', 'c4', 2) \g /dev/null
UPDATE before SET said = pg_temp.everything();
-- a node at 0.50, 200 GiB at 0.0001, an address at 0.002; May has 744 hours
SELECT is(pg_temp.resized($$'sized', 'c4', 5$$), '3 USD 1.566 1165.104 0', 'three nodes more, with disks and addresses');
SELECT is(pg_temp.resized($$'sized', 'c4', 1$$), '-1 USD -0.522 -388.368 0', 'one less');
SELECT is(pg_temp.resized($$'sized', 'c4', 2$$), '0 USD 0 0 0', 'as many');
SELECT is(pg_temp.resized($$'sized', 'c8', 1$$), '1 USD 0.502 373.488 0', 'one of another flavor, which has no disks there');
SELECT is(pg_temp.resized($$'sized', 'new', 2$$), '2 USD ? ? 0', 'no price is not free of charge');
SELECT is(pg_temp.resized($$'far', 'c4', 1$$), '1 USD 0.5 372 ?', 'nobody knows how long an external provider takes');
SELECT is((SELECT said FROM before), pg_temp.everything(), 'nothing stays');
-- 2232 hours of three nodes: 1000 x 0.60 + 1232 x 0.50, and 0.022 for each
SELECT set_price('vm', '{"model": "graduated", "tiers": [{"up_to": 1000, "unit_price": 0.60}, {"up_to": null, "unit_price": 0.50}]}', clock(), 'acme') \g /dev/null
SELECT is(pg_temp.resized($$'sized', 'c4', 5$$), '3 USD 1.866 1265.104 0', 'from the first tier on');
SELECT submit_job('sized', 'x', request => 'cpu=4', time_limit => '1 hour'), submit_job('sized', 'y', request => 'cpu=4', time_limit => '1 hour') \g /dev/null
SELECT count(*) FROM schedule('sized') \g /dev/null
SELECT is(pg_temp.resized($$'sized', 'c4', 1$$), '-1 USD -0.622 -462.768 3600', 'one less, when its job has reached its time limit');
SELECT throws_ok($$ SELECT * FROM quote_resize('sized', 'c4', 0) $$, '22023', 'pool "sized" would have no node', 'errors are those of resize_pool');
SELECT throws_ok($$ SELECT * FROM quote_resize('nowhere', 'c4', 1) $$, '42704', 'pool "nowhere" does not exist', 'no such pool to resize');
SELECT is((SELECT row(q.*)::text FROM quote_resize((SELECT pool_id FROM pool WHERE name = 'far'), 'c4', 2) q), '(2,USD,1.2,844,)', 'by ids');
-- nodes that go had the disks that they came with: 200 GiB, those that come will have none. 0.60 and 0.002 an hour, tiers by the month
SELECT cancel_job(job_id) FROM job WHERE name IN ('x', 'y') AND end_state IS NULL \g /dev/null
SELECT set_node_group('sized', 'c4', disk_count => 0) \g /dev/null
SELECT is(pg_temp.resized($$'sized', 'c4', 3$$), '1 USD 0.602 447.888 0', 'one more, as nodes are bought now');
SELECT is(pg_temp.resized($$'sized', 'c4', 1$$), '-1 USD -0.622 -462.768 0', 'one less, as it was bought');
CREATE ROLE quote_viewer;
SELECT grant_tenant('acme', 'quote_viewer', 'viewer') \g /dev/null
SET LOCAL ROLE quote_viewer;
SELECT throws_ok($$ SELECT * FROM quote_resize('sized', 'c4', 3) $$, '42501', NULL, 'who may not resize has no quote of it');
RESET ROLE;

--
-- Errors are those of submit_job
--
SELECT throws_ok($$ SELECT * FROM quote_job('nowhere', 'a', flavor => 'c4') $$, '42704', 'pool "nowhere" does not exist', 'no such pool');
SELECT throws_ok($$ SELECT * FROM quote_job('own', 'a', flavor => 'c8') $$, 'PM001', NULL, 'no node could hold it');
SELECT throws_ok($$ SELECT * FROM quote_job('own', NULL, flavor => 'c4') $$, '22004', NULL, 'no name');
SELECT throws_ok($$ SELECT * FROM quote_job('lab', 'a', flavor => 'c4', priority => 2, tenant => 'acme') $$, 'PM003', NULL, 'not offered in a public pool');
CREATE ROLE quote_stranger;
GRANT USAGE ON SCHEMA pool_manager TO quote_stranger;
SET LOCAL ROLE quote_stranger;
SELECT throws_ok($$ SELECT * FROM quote_job('lab', 'a', flavor => 'c4', tenant => 'acme') $$, '42704', NULL, 'for a tenant that the role may not see');
RESET ROLE;
CREATE ROLE quote_member;
SELECT grant_tenant('globex', 'quote_member', 'member') \g /dev/null
SET LOCAL ROLE quote_member;
SELECT is((SELECT per_hour FROM quote_job('two', 'a', flavor => 'c4')), 0.60, 'a member is told the price of its tenant');
RESET ROLE;

SET TRANSACTION READ ONLY;
SELECT throws_ok($$ SELECT * FROM quote_job('lab', 'a', flavor => 'c4', tenant => 'acme') $$, '25006', 'a read-only transaction has no quotes', 'what cannot submit cannot quote');
SELECT throws_ok($$ SELECT * FROM quote_resize('sized', 'c4', 3) $$, '25006', 'a read-only transaction has no quotes', 'nor of sizes');

SELECT * FROM finish();
ROLLBACK;
