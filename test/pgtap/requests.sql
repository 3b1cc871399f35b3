-- request_id: a repeated call does nothing and returns the first result; the
-- same id with other content, or for another call, is refused.
BEGIN;
SELECT plan(21);
SET search_path TO pool_manager, public;
SET pool_manager.clock = '2026-03-01 00:00:00+00';

SELECT is(create_tenant('acme', 'USD', 'UTC', request_id => 't'),
    create_tenant('acme', 'USD', 'UTC', request_id => 't'), 'create_tenant');
SELECT is(create_workspace('acme', 'lab', request_id => 'w'),
    create_workspace('acme', 'lab', request_id => 'w'), 'create_workspace');
SELECT is(create_sku('core', 'core', request_id => 's'), create_sku('core', 'core', request_id => 's'), 'create_sku');
SELECT is(create_flavor('node', 'cpu=4', 'core', request_id => 'f'),
    create_flavor('node', 'cpu=4', 'core', request_id => 'f'), 'create_flavor');
SELECT is(create_network('net', '192.168.0.0/24', 'acme', request_id => 'n'),
    create_network('net', '192.168.0.0/24', 'acme', request_id => 'n'), 'create_network');
SELECT is(create_pool('own', 'dedicated', 'acme', 'net', request_id => 'p'),
    create_pool('own', 'dedicated', 'acme', 'net', request_id => 'p'), 'create_pool');
SELECT is(set_price('core', '0.05', '2026-03-01', currency => 'USD', request_id => 'x'),
    set_price('core', '0.05', '2026-03-01', currency => 'USD', request_id => 'x'), 'set_price');

SELECT results_eq($$SELECT * FROM add_nodes('own', 'node', 3, request_id => 'a')$$,
    $$SELECT * FROM add_nodes('own', 'node', 3, request_id => 'a')$$, 'add_nodes returns the same nodes');
SELECT is(count(*), 3::bigint, 'and adds them once') FROM node;
SELECT is(count(*), 3::bigint, 'to be paid for once') FROM holding;
SELECT is(target_count, 3, 'with a target of three') FROM node_group;

-- the same instant, written another way by a session in another time zone
SET timezone = 'Asia/Tokyo';
SET datestyle = 'German';
SELECT lives_ok($$SELECT set_price('core', '0.05', '2026-03-01 00:00:00+00', currency => 'USD', request_id => 'x')$$,
    'settings of the session make no difference');
SET timezone = 'UTC';
SET datestyle = 'ISO';

SELECT throws_ok($$SELECT * FROM add_nodes('own', 'node', 4, request_id => 'a')$$, 'PM004',
    'request_id "a" was used before with other content', 'another count');
SELECT throws_ok($$SELECT * FROM add_nodes('own', 'node', 3, labels => '{"rack": "1"}', request_id => 'a')$$, 'PM004',
    'request_id "a" was used before with other content', 'other labels');
SELECT throws_ok($$SELECT create_workspace('acme', 'lab', request_id => 'n')$$, 'PM004',
    'request_id "n" was used before for another call', 'another call');
SELECT throws_ok(format($$SELECT create_workspace(%s, 'lab', request_id => 'w')$$, (SELECT tenant_id FROM tenant WHERE name = 'acme')), 'PM004',
    'request_id "w" was used before with other content', 'the same tenant by id');
SELECT throws_ok($$SELECT create_sku('disk', 'GiB', request_id => '')$$, '22023', NULL, 'an empty request_id');
SELECT throws_ok($$SELECT create_sku('disk', 'GiB', request_id => repeat('x', 129))$$, '22023', NULL, 'one that is too long');
SELECT is(count(*), 0::bigint, 'nothing is left of what was refused') FROM sku WHERE name = 'disk';

-- ids are the tenant's own: two may use the same
SELECT isnt(create_sku('disk', 'GiB', request_id => 'w'), NULL, 'another tenant''s request_id is free');
SELECT throws_ok($$UPDATE request SET arguments = '{}' WHERE request_id = 'a'$$, '55000', NULL, 'a request stays as it was');

SELECT * FROM finish();
ROLLBACK;
