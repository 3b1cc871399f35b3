-- Networks, peers, file systems, addresses, bandwidth: every rule from the
-- calls and by hand-written statements, who may call what, states, what
-- addresses do against a naive model, and what all of it costs.
BEGIN;
SELECT plan(385);
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET LOCAL pool_manager.clock = '2026-03-01 00:00:00+00';

-- what a statement says, as a role: its value, or SQLSTATE and constraint, or SQLSTATE and message
CREATE FUNCTION pg_temp.said(statement text, role name DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
    con text;
    d text;
    h text;
BEGIN
    BEGIN
        PERFORM set_config('role', coalesce(role, 'none'), true);
        EXECUTE statement INTO said;
        PERFORM set_config('role', 'none', true);
        RETURN said;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS con = CONSTRAINT_NAME, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
        RETURN concat_ws(' ', SQLSTATE, coalesce(nullif(con, ''), SQLERRM),
            CASE WHEN con = '' AND (d !~ '[.]$' OR h !~ '[.]$') THEN '(detail or hint is no sentence)' END);
    END;
END $$;

-- said(), and what it did is undone
CREATE FUNCTION pg_temp.would_say(statement text, role name DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    BEGIN
        said := pg_temp.said(statement, role);
        RAISE EXCEPTION SQLSTATE 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
        RETURN said;
    END;
END $$;

CREATE FUNCTION pg_temp.refused(statement text, expected text) RETURNS text LANGUAGE sql AS $$
    SELECT is(pg_temp.would_say(statement), expected, statement)
$$;

CREATE ROLE net_owner;
CREATE ROLE net_member;
CREATE ROLE net_viewer;
CREATE ROLE net_other;
CREATE ROLE net_operator;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'UTC') AS beta,
    create_tenant('many', 'USD', 'UTC') AS many \gset
SELECT grant_tenant('acme', 'net_owner', 'owner'), grant_tenant('acme', 'net_member', 'member'),
    grant_tenant('acme', 'net_viewer', 'viewer'), grant_tenant('beta', 'net_other', 'owner'), grant_operator('net_operator');
SELECT create_workspace('acme', 'lab') AS lab_space \gset
SELECT create_sku('ip', 'address') AS ip, create_sku('mbit', 'Mbit/s') AS mbit, create_sku('call', 'call', 'once'),
    create_sku('vm', 'node') AS vm \gset

-- ---- creation ----

SELECT create_network('lab', '192.168.10.0/24', 'acme', request_id => 'n-1') AS lab \gset
SELECT is(row(n.name, n.cidr, n.cidr6, n.state, n.provider, n.bandwidth, n.bandwidth_sku_id, n.address_sku_id, n.created_at)::text,
    '(lab,192.168.10.0/24,,active,instant,,,,"2026-03-01 00:00:00+00")', 'a network') FROM network n WHERE network_id = :lab;
SELECT is(w.name, 'default', 'is paid for by the default workspace') FROM network n JOIN workspace w USING (tenant_id, workspace_id)
WHERE network_id = :lab;
SELECT is(row(next_offset, addresses, capacity, bandwidth, bandwidth_capacity)::text, '(2,0,253,0,)', 'nothing of it is in use: 256 - 3')
FROM network_load WHERE network_id = :lab;
SELECT results_eq(format('SELECT range, peering_id FROM network_range WHERE network_id = %s', :lab),
    $$VALUES ('192.168.10.0/24'::cidr, NULL::bigint)$$, 'it knows its own range');
SELECT is(row(kind, from_state, to_state, reason, actor = current_user)::text, '(network_created,,active,lab,t)', 'there is an event')
FROM event WHERE tenant_id = :acme ORDER BY event_id DESC LIMIT 1;
SELECT is(create_network('lab', '192.168.10.0/24', 'acme', request_id => 'n-1'), :lab::bigint, 'a repeated call does nothing');
SELECT is(create_network('lab', '192.168.10.0/24', :acme, request_id => 'n-1'), :lab::bigint, 'by id too');
SELECT pg_temp.refused($$SELECT create_network('lab', '192.168.11.0/24', 'acme', request_id => 'n-1')$$,
    'PM004 request_id "n-1" was used before with other content');
SELECT is(count(*), 1::bigint, 'it was made once') FROM network WHERE tenant_id = :acme;

SELECT pg_temp.refused($$SELECT create_network('lab', '192.168.11.0/24', 'acme')$$, '42710 network "lab" already exists');
SELECT pg_temp.refused($$SELECT create_network('', '192.168.11.0/24', 'acme')$$, '22023 invalid value for argument "name"');
SELECT pg_temp.refused($$SELECT create_network(' x', '192.168.11.0/24', 'acme')$$, '22023 invalid value for argument "name"');
SELECT pg_temp.refused($$SELECT create_network(E'x\ny', '192.168.11.0/24', 'acme')$$, '22023 invalid value for argument "name"');
SELECT pg_temp.refused($$SELECT create_network(repeat('x', 129), '192.168.11.0/24', 'acme')$$, '22023 invalid value for argument "name"');
SELECT pg_temp.refused($$SELECT create_network(NULL, '192.168.11.0/24', 'acme')$$, '22004 argument "name" must not be null');
SELECT pg_temp.refused($$SELECT create_network('x', NULL, 'acme')$$, '22004 argument "cidr" must not be null');
SELECT pg_temp.refused($$SELECT create_network('x', '192.168.11.0/24', 'gamma')$$, '42704 tenant "gamma" does not exist');
SELECT pg_temp.refused($$SELECT create_network('x', '192.168.11.0/24', 0)$$, '22023 invalid value for argument "tenant"');
SELECT pg_temp.refused($$SELECT create_network('x', '192.168.11.0/24', 'acme', workspace => 'none')$$, '42704 workspace "none" does not exist');
SELECT pg_temp.refused(format($$SELECT create_network('x', '192.168.11.0/24', %s, workspace => %s)$$, :beta, :lab_space),
    format('42704 workspace %s does not exist', :lab_space));
SELECT pg_temp.refused($$SELECT create_network('x', '192.168.11.0/24', 'acme', bandwidth => 0)$$, '22023 invalid value for argument "bandwidth"');
SELECT pg_temp.refused($$SELECT create_network('x', '192.168.11.0/24', 'acme', bandwidth => 1000001)$$, '22023 invalid value for argument "bandwidth"');
SELECT pg_temp.refused($$SELECT create_network('x', '192.168.11.0/24', 'acme', bandwidth_sku => 'mbit')$$,
    '22023 argument "bandwidth_sku" needs argument "bandwidth"');
SELECT pg_temp.refused($$SELECT create_network('x', '192.168.11.0/24', 'acme', bandwidth => 1, bandwidth_sku => 'none')$$,
    '42704 SKU "none" does not exist');
SELECT pg_temp.refused($$SELECT create_network('x', '192.168.11.0/24', 'acme', address_sku => 'call')$$,
    '22023 SKU "call" is priced once, not by the hour');

-- ranges: private, 8 to 28 bits, none of those that pools use themselves
CREATE FUNCTION pg_temp.capacity(range cidr) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    id bigint := create_network('x', range, 'acme');
BEGIN
    RETURN (SELECT capacity FROM network_load WHERE network_id = id);
END $$;
SELECT is(pg_temp.would_say(format('SELECT pg_temp.capacity(%L)', range)),
    expected, format('create_network %s: %s', range, expected))
FROM (VALUES
    ('192.168.0.0/16', '65533'), ('192.168.11.0/28', '13'), ('192.168.255.240/28', '13'), ('10.0.0.0/9', '8388605'),
    ('10.128.0.0/10', '4194301'), ('10.248.0.0/13', '524285'), ('172.17.0.0/16', '65533'), ('172.24.0.0/13', '524285'),
    ('10.246.0.0/16', '65533'), ('172.31.255.0/24', '253'),
    ('10.0.0.0/8', '22023 range 10.0.0.0/8 overlaps 10.247.0.0/16'),
    ('10.247.0.0/16', '22023 range 10.247.0.0/16 overlaps 10.247.0.0/16'),
    ('10.247.128.0/20', '22023 range 10.247.128.0/20 overlaps 10.247.0.0/16'),
    ('10.240.0.0/13', '22023 range 10.240.0.0/13 overlaps 10.247.0.0/16'),
    ('172.16.0.0/12', '22023 range 172.16.0.0/12 overlaps 172.16.0.0/16'),
    ('172.16.4.0/24', '22023 range 172.16.4.0/24 overlaps 172.16.0.0/16'),
    ('192.168.11.0/29', '22023 invalid value for argument "cidr"'), ('192.168.11.1/32', '22023 invalid value for argument "cidr"'),
    ('11.0.0.0/16', '22023 invalid value for argument "cidr"'), ('8.8.8.0/24', '22023 invalid value for argument "cidr"'),
    ('172.32.0.0/16', '22023 invalid value for argument "cidr"'), ('192.0.0.0/8', '22023 invalid value for argument "cidr"'),
    ('0.0.0.0/0', '22023 invalid value for argument "cidr"'), ('fd00::/64', '22023 invalid value for argument "cidr"')) AS v(range, expected);

-- the same by hand, past the calls
CREATE FUNCTION pg_temp.network_row(id bigint, net cidr, rest text DEFAULT 'DEFAULT, DEFAULT, DEFAULT', net6 cidr DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_temp.would_say(format(
        $q$WITH r AS (INSERT INTO network_range (network_id, range) VALUES (%1$s, %2$L))
        INSERT INTO network (network_id, tenant_id, name, cidr, cidr6, workspace_id, created_at, state, provider, bandwidth)
        SELECT %1$s, w.tenant_id, 'hand', %2$L, %4$L, w.workspace_id, now(), 'active', 'instant', %3$s
        FROM workspace w WHERE w.workspace_id = (SELECT min(workspace_id) FROM workspace) RETURNING 'done'$q$, id, net, rest, net6));
END $$;
SELECT is(pg_temp.network_row(999, range, 'NULL'), expected, format('by hand %s: %s', range, expected))
FROM (VALUES
    ('192.168.11.0/28'::cidr, 'done'), ('10.0.0.0/9', 'done'), ('172.17.0.0/16', 'done'),
    ('10.0.0.0/8', '23514 network_cidr_check'), ('10.247.0.0/24', '23514 network_cidr_check'), ('172.16.9.0/24', '23514 network_cidr_check'),
    ('192.168.11.0/29', '23514 network_cidr_check'), ('8.8.8.0/24', '23514 network_cidr_check'), ('fd00::/64', '23514 network_cidr_check'))
    AS v(range, expected);
SELECT is(pg_temp.network_row(999, '192.168.11.0/24', bandwidth::text), expected, format('by hand, bandwidth %s', bandwidth))
FROM (VALUES (0, '23514 network_bandwidth_check'), (1, 'done'), (1000000, 'done'), (1000001, '23514 network_bandwidth_check')) AS v(bandwidth, expected);
SELECT is(pg_temp.network_row(999, '192.168.11.0/24', 'NULL', 'fd00:0:0:3e8::/64'), '23514 network_cidr6_check', 'by hand, the IPv6 range of another');
SELECT pg_temp.refused(format('UPDATE network SET cidr6 = ipv6_range(network_id) WHERE network_id = %s', :lab), '23503 network_range6_fkey');
SELECT pg_temp.refused(format($$INSERT INTO network (tenant_id, name, cidr, workspace_id, created_at) SELECT tenant_id, 'x', cidr, workspace_id, now() FROM network
    WHERE network_id = %s$$, :lab), '23503 network_range_fkey');
SELECT pg_temp.refused(format($$UPDATE network SET bandwidth_sku_id = %s WHERE network_id = %s$$, :mbit, :lab), '23514 network_bandwidth_sku_check');
SELECT pg_temp.refused(format($$UPDATE network SET reason = 'x' WHERE network_id = %s$$, :lab), '23514 network_reason_check');
SELECT pg_temp.refused(format($$UPDATE network SET workspace_id = NULL WHERE network_id = %s$$, :lab),
    '23502 null value in column "workspace_id" of relation "network" violates not-null constraint (detail or hint is no sentence)');
SELECT pg_temp.refused(format($$UPDATE network SET workspace_id = (SELECT workspace_id FROM workspace WHERE tenant_id = %s) WHERE network_id = %s$$, :beta, :lab),
    '23503 network_workspace_fkey');
SELECT pg_temp.refused(format($$UPDATE network SET %s WHERE network_id = %s$$, change, :lab), format('55000 column "%s" of table "network" cannot be changed', col))
FROM (VALUES ('cidr', $$cidr = '192.168.12.0/24'$$), ('name', $$name = 'x'$$), ('tenant_id', 'tenant_id = 2'), ('created_at', 'created_at = now()')) AS v(col, change);
SELECT pg_temp.refused(format($$UPDATE network_range SET range = '192.168.12.0/24' WHERE network_id = %s$$, :lab),
    '55000 column "range" of table "network_range" cannot be changed');
SELECT pg_temp.refused(format('DELETE FROM network_range WHERE network_id = %s', :lab), '23503 network_range_fkey');
SELECT pg_temp.refused(format('DELETE FROM network WHERE network_id = %s', :lab), '23503 network_load_network_fkey');
SELECT pg_temp.refused(format('UPDATE network_load SET %s WHERE network_id = %s', change, :lab), expected)
FROM (VALUES ('addresses = 254', '23514 network_load_addresses_check'), ('addresses = -1', '23514 network_load_addresses_check'),
    ('next_offset = 1', '23514 network_load_offset_check'), ('next_offset = 256', '23514 network_load_offset_check'),
    ('bandwidth = -1', '23514 network_load_bandwidth_check'), ('bandwidth_capacity = 5, bandwidth = 6', '23514 network_load_bandwidth_check'))
    AS v(change, expected);

-- ---- the quota ----

SELECT is((SELECT count(create_network('n' || n, '10.1.0.0/24', 'many')) FROM generate_series(1, 15) AS n), 15::bigint, '15 networks, of one range even');
SELECT ok(pg_temp.would_say($$SELECT create_network('n16', '10.1.0.0/24', 'many')$$) LIKE 'PM007 quota of networks exceeded%', 'and no sixteenth');
SELECT delete_network('n3');
SELECT isnt(create_network('n3', '10.1.0.0/24', 'many'), NULL, 'one that is deleted leaves room, and its name');

-- ---- states, every pair by hand ----

CREATE FUNCTION pg_temp.transition(tab regclass, key text, id bigint, from_state text, to_state text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE format('UPDATE %s SET state = %L WHERE %I = %s', tab, from_state, key, id);
    SET LOCAL session_replication_role = origin;
    RETURN pg_temp.would_say(format('UPDATE %s SET state = %L WHERE %I = %s RETURNING state', tab, to_state, key, id));
END $$;

SELECT create_network('states', '10.2.0.0/24', 'acme', provider => 'external') AS states \gset
SELECT network_ready(:states), connect_peer(:states, 'vpc', '10.3.0.0/16') AS peering, attach_file_system(:states, 'turbo') AS fs \gset
SELECT is(pg_temp.transition('network', 'network_id', :states, f::text, t::text),
    CASE WHEN f = t OR (f, t) IN (('creating', 'active'), ('creating', 'abnormal'), ('active', 'abnormal'), ('abnormal', 'active'))
         THEN t::text ELSE format('PM002 network cannot go from %s to %s', f, t) END, format('a network from %s to %s', f, t))
FROM unnest(enum_range(NULL::network_state)) AS f, unnest(enum_range(NULL::network_state)) AS t ORDER BY f, t;
SELECT is(pg_temp.transition('network_peering', 'peering_id', :peering, f::text, t::text),
    CASE WHEN f = t OR (f, t) IN (('connecting', 'active'), ('connecting', 'abnormal'), ('active', 'abnormal'),
                                  ('abnormal', 'connecting'), ('abnormal', 'active'))
         THEN t::text ELSE format('PM002 network_peering cannot go from %s to %s', f, t) END, format('a peering from %s to %s', f, t))
FROM unnest(enum_range(NULL::peering_state)) AS f, unnest(enum_range(NULL::peering_state)) AS t ORDER BY f, t;
SELECT is(pg_temp.transition('file_system', 'file_system_id', :fs, f::text, t::text),
    CASE WHEN f = t OR (f, t) IN (('creating', 'active'), ('creating', 'abnormal'), ('creating', 'deleting'), ('active', 'abnormal'),
                                  ('active', 'deleting'), ('abnormal', 'creating'), ('abnormal', 'active'), ('abnormal', 'deleting'),
                                  ('deleting', 'abnormal'))
         THEN t::text ELSE format('PM002 file_system cannot go from %s to %s', f, t) END, format('a file system from %s to %s', f, t))
FROM unnest(enum_range(NULL::file_system_state)) AS f, unnest(enum_range(NULL::file_system_state)) AS t ORDER BY f, t;

-- ---- states, every call in every state ----

CREATE FUNCTION pg_temp.call_in(tab regclass, key text, id bigint, from_state text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
    state text;
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE format('UPDATE %s SET state = %L, reason = NULL WHERE %I = %s', tab, from_state, key, id);
    SET LOCAL session_replication_role = origin;
    BEGIN
        said := pg_temp.said(statement);
        EXECUTE format('SELECT concat_ws('': '', state::text, reason) FROM %s WHERE %I = %s', tab, key, id) INTO state;
        RAISE EXCEPTION SQLSTATE 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
        RETURN coalesce(nullif(said, ''), state, 'gone');
    END;
END $$;

SELECT is(pg_temp.call_in('network', 'network_id', :states, state, statement), expected, format('%s of a network that is %s', statement, state))
FROM (VALUES
    ('creating', $$SELECT network_ready('states')$$, 'active'),
    ('active', $$SELECT network_ready('states')$$, 'PM002 network "states" is active'),
    ('abnormal', $$SELECT network_ready('states')$$, 'active'),
    ('creating', $$SELECT network_failed('states', 'no route')$$, 'abnormal: no route'),
    ('active', $$SELECT network_failed('states', 'no route')$$, 'abnormal: no route'),
    ('abnormal', $$SELECT network_failed('states', 'no route')$$, 'PM002 network "states" is abnormal'),
    ('creating', $$SELECT connect_peer('states', 'b', '10.4.0.0/16')$$, 'PM002 network "states" is creating'),
    ('abnormal', $$SELECT connect_peer('states', 'b', '10.4.0.0/16')$$, 'PM002 network "states" is abnormal'),
    ('creating', $$SELECT attach_file_system('states', 'b')$$, 'PM002 network "states" is creating'),
    ('abnormal', $$SELECT attach_file_system('states', 'b')$$, 'PM002 network "states" is abnormal'),
    ('creating', $$SELECT reserve_address('states', 'b')$$, 'PM002 network "states" is creating'),
    ('abnormal', $$SELECT reserve_address('states', 'b')$$, 'PM002 network "states" is abnormal')) AS v(state, statement, expected);
UPDATE network SET state = 'active' WHERE network_id = :states;
SELECT is(pg_temp.call_in('network_peering', 'peering_id', :peering, state, statement), expected, format('%s of a peering that is %s', statement, state))
FROM (VALUES
    ('connecting', $$SELECT peering_ready('states', 'vpc')$$, 'active'),
    ('active', $$SELECT peering_ready('states', 'vpc')$$, 'PM002 the connection to peer "vpc" is active'),
    ('abnormal', $$SELECT peering_ready('states', 'vpc')$$, 'active'),
    ('connecting', $$SELECT peering_failed('states', 'vpc', 'refused')$$, 'abnormal: refused'),
    ('active', $$SELECT peering_failed('states', 'vpc', 'refused')$$, 'abnormal: refused'),
    ('abnormal', $$SELECT peering_failed('states', 'vpc', 'refused')$$, 'PM002 the connection to peer "vpc" is abnormal'),
    ('connecting', $$SELECT reconnect_peer('states', 'vpc')$$, 'PM002 the connection to peer "vpc" is connecting'),
    ('active', $$SELECT reconnect_peer('states', 'vpc')$$, 'PM002 the connection to peer "vpc" is active'),
    ('abnormal', $$SELECT reconnect_peer('states', 'vpc')$$, 'connecting'),
    ('connecting', $$SELECT disconnect_peer('states', 'vpc')$$, 'gone'),
    ('active', $$SELECT disconnect_peer('states', 'vpc')$$, 'gone'),
    ('abnormal', $$SELECT disconnect_peer('states', 'vpc')$$, 'gone'),
    ('active', $$SELECT disconnect_peer('states', 'none')$$, '42704 peer "none" does not exist'),
    ('connecting', $$SELECT attach_file_system('states', 'p', 'peering', '10.3.1.0/24')$$,
        'PM002 network "states" does not reach 10.3.1.0/24 over a peering'),
    ('abnormal', $$SELECT attach_file_system('states', 'p', 'peering', '10.3.1.0/24')$$,
        'PM002 network "states" does not reach 10.3.1.0/24 over a peering')) AS v(state, statement, expected);
SELECT is(pg_temp.call_in('file_system', 'file_system_id', :fs, state, statement), expected, format('%s of a file system that is %s', statement, state))
FROM (VALUES
    ('creating', $$SELECT file_system_ready('states', 'turbo')$$, 'active'),
    ('active', $$SELECT file_system_ready('states', 'turbo')$$, 'PM002 file system "turbo" is active'),
    ('abnormal', $$SELECT file_system_ready('states', 'turbo')$$, 'active'),
    ('deleting', $$SELECT file_system_ready('states', 'turbo')$$, 'PM002 file system "turbo" is deleting'),
    ('creating', $$SELECT file_system_failed('states', 'turbo', 'lost')$$, 'abnormal: lost'),
    ('active', $$SELECT file_system_failed('states', 'turbo', 'lost')$$, 'abnormal: lost'),
    ('abnormal', $$SELECT file_system_failed('states', 'turbo', 'lost')$$, 'PM002 file system "turbo" is abnormal'),
    ('deleting', $$SELECT file_system_failed('states', 'turbo', 'lost')$$, 'abnormal: lost'),
    ('creating', $$SELECT reattach_file_system('states', 'turbo')$$, 'PM002 file system "turbo" is creating'),
    ('active', $$SELECT reattach_file_system('states', 'turbo')$$, 'PM002 file system "turbo" is active'),
    ('abnormal', $$SELECT reattach_file_system('states', 'turbo')$$, 'creating'),
    ('deleting', $$SELECT reattach_file_system('states', 'turbo')$$, 'PM002 file system "turbo" is deleting'),
    ('creating', $$SELECT detach_file_system('states', 'turbo')$$, 'deleting'),
    ('active', $$SELECT detach_file_system('states', 'turbo')$$, 'deleting'),
    ('abnormal', $$SELECT detach_file_system('states', 'turbo')$$, 'deleting'),
    ('deleting', $$SELECT detach_file_system('states', 'turbo')$$, 'PM002 file system "turbo" is deleting'),
    ('creating', $$SELECT file_system_detached('states', 'turbo')$$, 'PM002 file system "turbo" is creating'),
    ('active', $$SELECT file_system_detached('states', 'turbo')$$, 'PM002 file system "turbo" is active'),
    ('abnormal', $$SELECT file_system_detached('states', 'turbo')$$, 'PM002 file system "turbo" is abnormal'),
    ('deleting', $$SELECT file_system_detached('states', 'turbo')$$, 'gone'),
    ('active', $$SELECT detach_file_system('states', 'none')$$, '42704 file system "none" does not exist')) AS v(state, statement, expected);

-- ---- peers ----

SELECT connect_peer('lab', 'vpc', '10.0.0.0/16', request_id => 'p-1') AS vpc \gset
SELECT is(connect_peer('lab', 'vpc', '10.0.0.0/16', request_id => 'p-1'), :vpc::bigint, 'a repeated connect_peer does nothing');
SELECT is(row(peer, cidr, state, file_systems, reason)::text, '(vpc,10.0.0.0/16,active,0,)', 'a peer of an instant network is active')
FROM peering_status WHERE network = 'lab';
SELECT pg_temp.refused(format($$SELECT connect_peer('lab', %L, %L)$$, peer, range), expected)
FROM (VALUES ('b', '10.0.0.0/16', '22023 range 10.0.0.0/16 overlaps 10.0.0.0/16'), ('b', '10.0.7.0/24', '22023 range 10.0.7.0/24 overlaps 10.0.0.0/16'),
    ('b', '10.0.0.0/9', '22023 range 10.0.0.0/9 overlaps 10.0.0.0/16'), ('b', '192.168.10.128/25', '22023 range 192.168.10.128/25 overlaps 192.168.10.0/24'),
    ('b', '192.168.0.0/16', '22023 range 192.168.0.0/16 overlaps 192.168.10.0/24'), ('b', '172.16.0.0/24', '22023 range 172.16.0.0/24 overlaps 172.16.0.0/16'),
    ('b', '10.247.1.0/24', '22023 range 10.247.1.0/24 overlaps 10.247.0.0/16'), ('b', '0.0.0.0/0', '22023 range 0.0.0.0/0 overlaps 172.16.0.0/16'),
    ('vpc', '10.9.0.0/16', '42710 network "lab" is connected to "vpc"'), ('', '10.9.0.0/16', '22023 invalid value for argument "peer"')) AS v(peer, range, expected);
SELECT isnt(connect_peer('lab', 'next', '10.1.0.0/16'), NULL, 'the next range');
SELECT isnt(connect_peer('lab', 'six', 'fd00:1::/32'), NULL, 'one of IPv6');
SELECT isnt(connect_peer('states', 'vpc2', '10.0.0.0/16'), NULL, 'what another network is connected to makes no difference');
-- by hand
SELECT pg_temp.refused(format($$INSERT INTO network_range VALUES (%s, %L)$$, :lab, range), '23P01 network_range_overlap_excl')
FROM unnest('{10.0.0.0/24,10.0.0.0/8,192.168.10.0/25,fd00:1:2::/48}'::cidr[]) AS range;
SELECT pg_temp.refused(format($$INSERT INTO network_peering (network_id, tenant_id, peer, cidr, created_at) VALUES (%s, %s, 'b', '10.9.0.0/16', now())$$, :lab, :acme),
    '23503 network_peering_range_fkey');
SELECT pg_temp.refused(format($$INSERT INTO network_peering SELECT * FROM network_peering WHERE peering_id = %s$$, :vpc), '23505 network_peering_pkey');
SELECT pg_temp.refused(format($$INSERT INTO network_peering (network_id, tenant_id, peer, cidr, created_at) VALUES (%s, %s, 'vpc', '10.9.0.0/16', now())$$, :lab, :acme),
    '23505 network_peering_peer_key');
SELECT pg_temp.refused(format($$WITH r AS (INSERT INTO network_range VALUES (%1$s, '10.9.0.0/16', 999))
    INSERT INTO network_peering (peering_id, network_id, tenant_id, peer, cidr, created_at) VALUES (999, %1$s, %2$s, 'b', '10.9.0.0/16', now())$$, :lab, :beta),
    '23503 network_peering_network_fkey');
SELECT pg_temp.refused(format($$INSERT INTO network_peering (network_id, tenant_id, peer, cidr, created_at) VALUES (%s, %s, 'b', '10.247.0.0/24', now())$$, :lab, :acme),
    '23514 network_peering_cidr_check');
SELECT pg_temp.refused(format($$UPDATE network_peering SET reason = 'x' WHERE peering_id = %s$$, :vpc), '23514 network_peering_reason_check');
SELECT pg_temp.refused(format($$UPDATE network_peering SET cidr = '10.9.0.0/16' WHERE peering_id = %s$$, :vpc),
    '55000 column "cidr" of table "network_peering" cannot be changed');
SELECT pg_temp.refused(format($$DELETE FROM network_range WHERE network_id = %s AND peering_id = %s$$, :lab, :vpc), '23503 network_peering_range_fkey');
SELECT disconnect_peer('lab', 'next');
SELECT isnt(connect_peer('lab', 'again', '10.1.0.0/17'), NULL, 'the range of a peer that is gone is free');
SELECT peering_failed('lab', 'again', 'cut');
SELECT reconnect_peer('lab', 'again');
SELECT is(row(state, reason)::text, '(active,)', 'an instant network reconnects at once') FROM peering_status WHERE peer = 'again';
SELECT results_eq(format($$SELECT from_state, to_state, reason FROM event WHERE tenant_id = %s AND kind = 'peering_state' AND reason LIKE 'again%%' ORDER BY event_id$$, :acme),
    $$VALUES (NULL, 'active', 'again'), ('active', 'abnormal', 'again: cut'), ('abnormal', 'active', 'again')$$, 'the events of a peer');

-- ---- IPv6 ----

SELECT is(ipv6_range(id), range::cidr, format('IPv6 range of network %s', id))
FROM (VALUES (1, 'fd00:0:0:1::/64'), (65536, 'fd00:0:1:0::/64'), (x'abcdef0123456789'::bigint, 'fdcd:ef01:2345:6789::/64'),
    (x'00ffffffffffffff'::bigint, 'fdff:ffff:ffff:ffff::/64')) AS v(id, range);
SELECT is(enable_ipv6('lab'), ipv6_range(:lab), 'enable_ipv6 says the range');
SELECT is(enable_ipv6('lab'), ipv6_range(:lab), 'once more changes nothing');
SELECT is(count(*), 1::bigint, 'one event of it') FROM event WHERE tenant_id = :acme AND kind = 'network_changed' AND reason = 'IPv6 range of lab';
SELECT pg_temp.refused(format('UPDATE network SET cidr6 = NULL WHERE network_id = %s', :lab), '55000 column "cidr6" of table "network" cannot be changed');
SELECT pg_temp.refused(format('DELETE FROM network_range WHERE network_id = %s AND range = ipv6_range(%1$s)', :lab), '23503 network_range6_fkey');
SELECT pg_temp.refused(format($$SELECT connect_peer('lab', 'b', %L)$$, set_masklen(ipv6_range(:lab), 80)),
    format('22023 range %s overlaps %s', set_masklen(ipv6_range(:lab), 80), ipv6_range(:lab)));
SELECT connect_peer('states', 'wide6', 'fd00::/8');
SELECT pg_temp.refused($$SELECT enable_ipv6('states')$$, '55000 network "states" is connected to a peer with range fd00::/8');
SELECT create_network('six', '10.9.0.0/28', 'beta', ipv6 => true) AS six \gset
SELECT is(cidr6, ipv6_range(:six), 'a network with IPv6 from the start') FROM network WHERE network_id = :six;

-- ---- file systems ----

SELECT attach_file_system('lab', 'data', 'peering', '10.0.5.0/24', '10.0.5.9', request_id => 'f-1') AS data \gset
SELECT is(attach_file_system('lab', 'data', 'peering', '10.0.5.0/24', '10.0.5.9', request_id => 'f-1'), :data::bigint, 'a repeated attach_file_system does nothing');
SELECT is(row(network, connection, peer, subnet, address, state, jobs)::text, '(lab,peering,vpc,10.0.5.0/24,10.0.5.9,active,0)', 'a file system over a peering')
FROM file_system_status WHERE file_system = 'data';
SELECT pg_temp.refused(format('SELECT attach_file_system(%s)', arguments), expected)
FROM (VALUES ($$'states', 'data'$$, '42710 file system "data" is attached'), ($$'lab', 'data'$$, '42710 file system "data" is attached'),
    ($$'lab', ' x'$$, '22023 invalid value for argument "name"'), ($$'lab', 'x', 'peering'$$, '22023 a file system over a peering needs a subnet or an address'),
    ($$'lab', 'x', 'peering', '10.77.0.0/24'$$, 'PM002 network "lab" does not reach 10.77.0.0/24 over a peering'),
    ($$'lab', 'x', 'peering', '10.0.0.0/8'$$, '22023 range 10.0.0.0/8 overlaps 10.247.0.0/16'),
    ($$'lab', 'x', 'peering', '10.0.0.0/15'$$, 'PM002 network "lab" does not reach 10.0.0.0/15 over a peering'),
    ($$'lab', 'x', subnet => '172.16.3.0/24'$$, '22023 range 172.16.3.0/24 overlaps 172.16.0.0/16'),
    ($$'lab', 'x', address => '10.247.0.1'$$, '22023 range 10.247.0.1/32 overlaps 10.247.0.0/16'),
    ($$'lab', 'x', subnet => '10.9.0.0/24', address => '10.9.1.1'$$, '22023 invalid value for argument "address"'),
    ($$'lab', 'x', address => '10.9.1.1/24'$$, '22023 invalid value for argument "address"'),
    ($$'none', 'x'$$, '42704 network "none" does not exist')) AS v(arguments, expected);
SELECT isnt(attach_file_system('lab', 'port'), NULL, 'one by a port');
SELECT isnt(attach_file_system('lab', 'near', 'peering', address => '10.0.77.7'), NULL, 'one over a peering, by its address');
SELECT pg_temp.refused($$SELECT disconnect_peer('lab', 'vpc')$$, 'PM002 peer "vpc" is in use');
SELECT file_system_failed('states', 'turbo', 'lost');
SELECT file_system_ready('states', 'turbo', '10.3.0.9');
SELECT is(row(state, address)::text, '(active,10.3.0.9)', 'the agent says the address') FROM file_system WHERE name = 'turbo';
SELECT pg_temp.refused(format('INSERT INTO file_system (tenant_id, name, network_id, connection, peering_id, subnet, address, created_at, reason) VALUES (%s)', row), expected)
FROM (VALUES
    (format($$%s, 'data', %s, 'vpc_port', NULL, NULL, NULL, now(), NULL$$, :acme, :states), '23505 file_system_name_key'),
    (format($$%s, 'x', %s, 'vpc_port', NULL, NULL, NULL, now(), NULL$$, :beta, :states), '23503 file_system_network_fkey'),
    (format($$%s, 'x', %s, 'peering', %s, NULL, NULL, now(), NULL$$, :acme, :states, :vpc), '23503 file_system_peering_fkey'),
    (format($$%s, 'x', %s, 'peering', NULL, NULL, NULL, now(), NULL$$, :acme, :lab), '23514 file_system_peering_check'),
    (format($$%s, 'x', %s, 'vpc_port', %s, NULL, NULL, now(), NULL$$, :acme, :lab, :vpc), '23514 file_system_peering_check'),
    (format($$%s, 'x', %s, 'vpc_port', NULL, '10.247.3.0/24', NULL, now(), NULL$$, :acme, :lab), '23514 file_system_subnet_check'),
    (format($$%s, 'x', %s, 'vpc_port', NULL, '10.9.0.0/24', '10.9.1.1', now(), NULL$$, :acme, :lab), '23514 file_system_address_check'),
    (format($$%s, 'x', %s, 'vpc_port', NULL, NULL, '172.16.0.9', now(), NULL$$, :acme, :lab), '23514 file_system_host_check'),
    (format($$%s, 'x', %s, 'vpc_port', NULL, NULL, '10.9.0.9/24', now(), NULL$$, :acme, :lab), '23514 file_system_host_check'),
    (format($$%s, 'x', %s, 'vpc_port', NULL, NULL, NULL, now(), 'x'$$, :acme, :lab), '23514 file_system_reason_check')) AS v(row, expected);
SELECT pg_temp.refused(format($$UPDATE file_system SET network_id = %s WHERE file_system_id = %s$$, :states, :data),
    '55000 column "network_id" of table "file_system" cannot be changed');
SELECT pg_temp.refused(format('DELETE FROM network_peering WHERE peering_id = %s', :vpc), '23503 file_system_peering_fkey');

-- a job that has not ended keeps its file system
SELECT create_flavor('small', 'cpu=4', 'vm'), create_pool('own', 'dedicated', 'acme', 'lab') AS own \gset
SELECT count(*) FROM add_nodes('own', 'small', 2);
SELECT submit_job('own', 'a', request => 'cpu=1', tenant => 'acme') AS job, submit_job('own', 'b', request => 'cpu=1', tenant => 'acme') AS job2 \gset
INSERT INTO job_mount (pool_id, job_id, path, tenant_id, network_id, file_system_id) VALUES
    (:own, :job, '/data', :acme, :lab, :data), (:own, :job, '/data2', :acme, :lab, :data), (:own, :job2, '/data', :acme, :lab, :data);
SELECT is(jobs, 2::bigint, 'two jobs mount it, one of them twice') FROM file_system_status WHERE file_system = 'data';
SELECT pg_temp.refused($$SELECT detach_file_system('lab', 'data')$$, 'PM002 file system "data" is in use');
SELECT finish_job(:job);
SELECT pg_temp.refused($$SELECT detach_file_system('lab', 'data')$$, 'PM002 file system "data" is in use');
SELECT finish_job(:job2);
SELECT is(pg_temp.said($$SELECT detach_file_system('lab', 'data')$$), '', 'once they have ended it goes');
SELECT isnt(attach_file_system('states', 'data'), NULL, 'to another network');

-- ---- many pools ----

SELECT is((SELECT count(create_pool('p' || n, 'dedicated', 'acme', 'lab')) FROM generate_series(1, 5) AS n), 5::bigint, 'more pools on the network');
SELECT is(row(state, pools, mbits, mbits_total)::text, '(active,6,0,)', 'they are counted') FROM network_status WHERE network = 'lab';

-- ---- addresses: /28 to the end ----

-- nodes made by hand, so that nobody but the test gives them addresses
CREATE TEMP TABLE hand_node (n serial, node_id bigint);
WITH made AS (
    INSERT INTO node (pool_id, flavor_id, tenant_id, name, state, state_since, created_at)
    SELECT :own, flavor_id, :acme, 'hand-' || n, 'creating', now(), now() FROM flavor, generate_series(1, 60) AS n WHERE name = 'small'
    RETURNING node_id)
INSERT INTO hand_node (node_id) SELECT node_id FROM made ORDER BY node_id;
SELECT create_network('tiny', '10.5.0.16/28', 'acme', ipv6 => true) AS tiny \gset
SELECT create_pool('on_tiny', 'dedicated', 'acme', 'tiny') AS on_tiny \gset
SELECT count(*) FROM add_nodes('on_tiny', 'small', 1);
SELECT give_back_node_addresses(:on_tiny, ARRAY(SELECT node_id FROM node WHERE pool_id = :on_tiny));
SELECT submit_job('on_tiny', 'c', request => 'cpu=1', tenant => 'acme') AS job3 \gset

SELECT is(reserve_address('tiny', 'gate', request_id => 'r-1'), '10.5.0.18', 'the first address: the range''s and the gateway''s are not handed out');
SELECT is(reserve_address('tiny', 'gate', request_id => 'r-1'), '10.5.0.18', 'a repeated call takes no other');
SELECT pg_temp.refused($$SELECT reserve_address('tiny', 'gate')$$, '42710 address "gate" already exists');
SELECT pg_temp.refused($$SELECT reserve_address('tiny', 'x' || chr(1))$$, '22023 invalid value for argument "name"');
SELECT pg_temp.refused($$SELECT release_address('tiny', 'none')$$, '42704 address "none" does not exist');
SELECT take_node_addresses(:tiny, :own, ARRAY(SELECT node_id FROM hand_node WHERE n <= 4 ORDER BY n DESC), clock());
SELECT results_eq(format($$SELECT host(address), host(address6), n FROM address_status JOIN hand_node USING (node_id) WHERE network_id = %s ORDER BY address$$, :tiny),
    format($$SELECT '10.5.0.' || 18 + n, host(set_masklen(ipv6_range(%s)::inet, 128) + 2 + n), n FROM generate_series(1, 4) AS n$$, :tiny),
    'nodes get the next ones in order of their ids, with the IPv6 address at the same offset');
SELECT take_node_addresses(:tiny, :own, ARRAY(SELECT node_id FROM hand_node WHERE n <= 5), clock());
SELECT is(addresses, 6::bigint, 'a node that has one gets no second') FROM network_load WHERE network_id = :tiny;
SELECT give_back_node_addresses(:own, ARRAY(SELECT node_id FROM hand_node WHERE n IN (1, 3, 5)));
SELECT release_address('tiny', 'gate');
SELECT is(reserve_address('tiny', 'a'), '10.5.0.18', 'the lowest that was freed comes first');
SELECT run_id AS run FROM job_run WHERE job_id = :job3 \gset
SELECT take_run_addresses(:tiny, :on_tiny, ARRAY[:run], ARRAY[4], clock());
SELECT results_eq(format($$SELECT host(address) FROM address_status WHERE run_id = %s ORDER BY address$$, :run),
    $$VALUES ('10.5.0.19'), ('10.5.0.21'), ('10.5.0.23'), ('10.5.0.24')$$, 'then the other freed ones, then those that never were used');
SELECT is(array_agg(DISTINCT job_id), ARRAY[:job3::bigint], 'the job is shown') FROM address_status WHERE run_id = :run;
SELECT take_node_addresses(:tiny, :own, ARRAY(SELECT node_id FROM hand_node WHERE n BETWEEN 10 AND 14), clock());
SELECT is(row(addresses, free)::text, '(12,1)', 'one is left of 16 - 3') FROM network_status WHERE network = 'tiny';
SELECT pg_temp.refused(format($$SELECT take_node_addresses(%s, %s, ARRAY(SELECT node_id FROM hand_node WHERE n IN (20, 21)), clock())$$, :tiny, :own),
    '54000 network "tiny" has not enough free addresses');
SELECT is(reserve_address('tiny', 'last'), '10.5.0.30', 'the last; the broadcast address is not handed out');
SELECT pg_temp.refused($$SELECT reserve_address('tiny', 'more')$$, '54000 network "tiny" has not enough free addresses');
SELECT is(row(next_offset, addresses, capacity)::text, '(15,13,13)', 'all are in use') FROM network_load WHERE network_id = :tiny;
SELECT finish_job(:job3);
SELECT is(addresses, 9::bigint, 'a run that ends gives its addresses back') FROM network_load WHERE network_id = :tiny;

-- by hand
SELECT pg_temp.refused(format('INSERT INTO network_address (network_id, address, tenant_id, pool_id, node_id, run_id, name, since) VALUES (%s)', row), expected)
FROM (SELECT node_id AS taken FROM address_status WHERE network_id = :tiny AND node_id IS NOT NULL LIMIT 1) AS t, LATERAL (VALUES
    (format($$%s, '10.5.0.18', %s, NULL, NULL, NULL, 'x', now()$$, :tiny, :acme), '23505 network_address_pkey'),
    (format($$%s, '10.5.0.99', %s, NULL, NULL, NULL, 'a', now()$$, :tiny, :acme), '23505 network_address_name_key'),
    (format($$%s, '10.5.0.99', %s, %s, %s, NULL, NULL, now()$$, :tiny, :acme, :own, taken), '23505 network_address_node_key'),
    (format($$%s, '10.5.0.99', %s, NULL, NULL, NULL, 'x', now()$$, :tiny, :beta), '23503 network_address_network_fkey'),
    (format($$%s, '10.5.0.99', %s, %s, 99999, NULL, NULL, now()$$, :tiny, :acme, :own), '23503 network_address_node_fkey'),
    (format($$%s, '10.5.0.99', %s, %s, NULL, 99999, NULL, now()$$, :tiny, :acme, :own), '23503 network_address_run_fkey'),
    (format($$%s, '10.5.0.99', %s, NULL, NULL, NULL, NULL, now()$$, :tiny, :acme), '23514 network_address_holder_check'),
    (format($$%s, '10.5.0.99', %s, NULL, NULL, NULL, 'x', NULL$$, :tiny, :acme), '23514 network_address_holder_check'),
    (format($$%s, '10.5.0.99', %s, %s, %s, NULL, 'x', now()$$, :tiny, :acme, :own, taken), '23514 network_address_holder_check'),
    (format($$%s, '10.5.0.99', %s, NULL, %s, NULL, NULL, now()$$, :tiny, :acme, taken), '23514 network_address_holder_check'),
    (format($$%s, '10.5.0.99', %s, %s, NULL, NULL, 'x', now()$$, :tiny, :acme, :own), '23514 network_address_holder_check'),
    (format($$%s, '10.5.0.0/24', %s, NULL, NULL, NULL, 'x', now()$$, :tiny, :acme), '23514 network_address_family_check'),
    (format($$%s, 'fd00::9', %s, NULL, NULL, NULL, 'x', now()$$, :tiny, :acme), '23514 network_address_family_check')) AS v(row, expected);
SELECT pg_temp.refused('TRUNCATE network_address', '55000 table "network_address" cannot be truncated');
-- a count of what was never used that is wrong hands out nothing twice
SELECT create_network('wrong', '10.5.1.0/24', 'beta') AS wrong \gset
SELECT reserve_address('wrong', 'a');
UPDATE network_load SET next_offset = 2 WHERE network_id = :wrong;
SELECT pg_temp.refused($$SELECT reserve_address('wrong', 'b')$$, 'PM006 the books of network "wrong" do not agree');
SELECT is(count(*), 1::bigint, 'and nothing is left of it') FROM network_address WHERE network_id = :wrong;

-- ---- addresses: random operations against a naive model ----

-- The model: a row for every address of the range, looked through from below;
-- one that was handed out before goes first.
SELECT create_network('model', '10.6.0.0/26', 'acme') AS model \gset
CREATE TEMP TABLE model (address inet PRIMARY KEY, used_before boolean DEFAULT false, holder text);
INSERT INTO model (address) SELECT '10.6.0.0'::inet + n FROM generate_series(2, 62) AS n;
SELECT setseed(0.42);

CREATE FUNCTION pg_temp.play(net bigint, own bigint, steps integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    dice integer;
    who text[];
    nodes bigint[];
    free bigint;
    said text;
    expected text;
    refusals integer := 0;
    taken integer := 0;
    wrong integer := 0;
BEGIN
    FOR step IN 1..steps LOOP
        dice := floor(random() * 4);
        IF dice <= 1 THEN
            nodes := ARRAY(SELECT h.node_id FROM hand_node h WHERE NOT EXISTS (SELECT FROM address_status a WHERE a.node_id = h.node_id)
                           ORDER BY random() LIMIT 1 + floor(random() * 12));
            who := ARRAY(SELECT 'node ' || u FROM unnest(nodes) AS u ORDER BY u);
            said := pg_temp.said(format('SELECT take_node_addresses(%s, %s, %L::bigint[], clock())', net, own, nodes));
        ELSIF dice = 2 THEN
            who := ARRAY['name ' || step];
            said := pg_temp.said(format('SELECT left(reserve_address(%s, %L)::text, 0)', net, step));
        ELSE
            who := ARRAY(SELECT holder FROM model WHERE holder IS NOT NULL ORDER BY random() LIMIT floor(random() * 20));
            UPDATE model SET holder = NULL WHERE holder = ANY (who);
            PERFORM give_back_node_addresses(own, ARRAY(SELECT split_part(u, ' ', 2)::bigint FROM unnest(who) AS u WHERE u LIKE 'node%'));
            PERFORM release_address(net, split_part(u, ' ', 2)) FROM unnest(who) AS u WHERE u LIKE 'name%';
            CONTINUE;
        END IF;
        SELECT count(*) INTO free FROM model WHERE holder IS NULL;
        expected := CASE WHEN cardinality(who) > free THEN '54000 network "model" has not enough free addresses' ELSE '' END;
        IF said <> expected THEN
            RETURN NEXT fail(format('step %s: %s of %s free: %s', step, cardinality(who), free, said));
        END IF;
        IF cardinality(who) > free THEN
            refusals := refusals + 1;
            CONTINUE;
        END IF;
        taken := taken + cardinality(who);
        FOR i IN 1..cardinality(who) LOOP
            UPDATE model SET holder = who[i], used_before = true
            WHERE address = (SELECT m.address FROM model m WHERE m.holder IS NULL ORDER BY NOT m.used_before, m.address LIMIT 1);
        END LOOP;
        SELECT wrong + count(*) INTO wrong
        FROM (SELECT address, coalesce('node ' || node_id, 'name ' || name) AS holder FROM address_status WHERE network_id = net) AS a
        FULL JOIN (SELECT * FROM model WHERE holder IS NOT NULL) AS m USING (address, holder) WHERE a IS NULL OR m IS NULL;
        SELECT wrong + count(*) INTO wrong FROM network_load
        WHERE network_id = net AND addresses <> (SELECT count(*) FROM model WHERE holder IS NOT NULL);
    END LOOP;
    RETURN NEXT is(wrong, 0, format('%s addresses in %s random steps, all as in the model', taken, steps));
    RETURN NEXT ok(refusals > 5 AND taken > 500, format('%s times there were too few', refusals));
END $$;
SELECT give_back_node_addresses(:own, ARRAY(SELECT node_id FROM hand_node));
SELECT * FROM pg_temp.play(:model, :own, 400);
SELECT is(count(*) FILTER (WHERE address6 IS NOT NULL), 0::bigint, 'no IPv6 addresses where the network has none') FROM address_status WHERE network_id = :model;
SELECT enable_ipv6(:model);
SELECT is(array_agg(DISTINCT (address6 - set_masklen(ipv6_range(:model)::inet, 128)) - (address - '10.6.0.0'::inet)), ARRAY[0::bigint],
    'once it has, addresses in use have them too') FROM address_status WHERE network_id = :model;

-- ---- what it costs does not depend on the range ----

SELECT create_network('wide', '10.0.0.0/9', 'beta') AS wide \gset
SELECT is(reserve_address('wide', 'a'), '10.0.0.2', 'the first of 8,388,605 addresses');
SELECT is(count(*), 1::bigint, 'is one row') FROM network_address WHERE network_id = :wide;
-- five thousand freed ones: only as many are read as are wanted, by the index of free ones
INSERT INTO network_address (network_id, address, tenant_id) SELECT :wide, '10.0.0.2'::inet + n, :beta FROM generate_series(1, 5000) AS n;
UPDATE network_load SET next_offset = 5003 WHERE network_id = :wide;
ANALYZE network_address;
CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    plan text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        plan := concat_ws(E'\n', plan, line);
    END LOOP;
    RETURN plan;
END $$;
SELECT matches(pg_temp.plan(format(
    'SELECT a.address FROM network_address a WHERE a.network_id = %s AND a.since IS NULL ORDER BY a.network_id, a.address LIMIT 3', :wide)),
    '^Limit\n *-> +Index( Only)? Scan using network_address_free_idx on network_address a\n[^>]*$', 'three free ones are three rows of an index, in its order');
SELECT is(reserve_address('wide', 'b'), '10.0.0.3', 'the lowest of them');

-- ---- what it costs in money ----

SELECT set_price('ip', '0.004', '2026-01-01', currency => 'USD'), set_price('mbit', '0.01', '2026-01-01', currency => 'USD');
SELECT create_network('paid', '10.8.0.0/24', 'acme', bandwidth => 100, bandwidth_sku => 'mbit', address_sku => 'ip', workspace => 'lab') AS paid,
    create_network('late', '10.8.1.0/24', 'beta', provider => 'external', bandwidth => 10, bandwidth_sku => 'mbit') AS late \gset
SELECT reserve_address('paid', 'gate');
SELECT results_eq(format($$SELECT s.name::text, h.quantity, w.name::text, host(h.address), h.since FROM holding h JOIN sku s USING (sku_id)
    JOIN workspace w USING (tenant_id, workspace_id) WHERE network_id = %s ORDER BY s.name$$, :paid),
    $$VALUES ('ip', 1000::bigint, 'lab', '10.8.0.2', '2026-03-01'::timestamptz), ('mbit', 100000, 'lab', NULL, '2026-03-01')$$, 'what is held of a network');
SELECT is(count(*), 0::bigint, 'one that is not active yet is not billed') FROM holding WHERE network_id = :late;
SET LOCAL pool_manager.clock = '2026-03-01 06:00:00.7+00';
SELECT network_ready('late');
SELECT network_failed('late', 'down');
SELECT network_ready('late');
SELECT set_network_bandwidth('paid', 250);
SELECT is(bandwidth_capacity, 250000::bigint, 'jobs can hold more now') FROM network_load WHERE network_id = :paid;
SET LOCAL pool_manager.clock = '2026-03-01 10:30:00+00';
SELECT release_address('paid', 'gate');
SELECT set_network_bandwidth('paid', 250);
SET LOCAL pool_manager.clock = '2026-03-01 16:00:00+00';
-- address: 10.5 h x 0.004 = 0.042. Bandwidth: 100 Mbit/s x 6 h + 250 x 10 h = 3,100 Mbit/s-hours, x 0.01 = 31
SELECT results_eq(format($$SELECT sku, quantity, amount FROM charges(%s, '2026-03-01', '2026-03-02', '1 day') WHERE sku <> 'vm' ORDER BY sku$$, :acme),
    $$VALUES ('ip', 10.5, 0.042), ('mbit', 3100, 31)$$, 'an address of ten hours and a half, bandwidth that was raised after six hours');
SELECT results_eq(format($$SELECT s.name::text, u.quantity, u.started_at, u.ended_at FROM usage u JOIN sku s USING (sku_id) WHERE network_id = %s ORDER BY usage_id$$, :paid),
    $$VALUES ('mbit', 100000::bigint, '2026-03-01 00:00:00+00'::timestamptz, '2026-03-01 06:00:00+00'::timestamptz), ('ip', 1000, '2026-03-01 00:00:00+00', '2026-03-01 10:30:00+00')$$,
    'what has ended is usage; the same bandwidth once more ends nothing');
-- ready at 06:00, failed and ready again: 10 Mbit/s x 10 h x 0.01 = 1
SELECT results_eq(format($$SELECT sku, quantity, amount FROM charges(%s, '2026-03-01', '2026-03-02', '1 day') ORDER BY sku$$, :beta),
    $$VALUES ('mbit', 100::numeric, 1::numeric)$$, 'a network is billed from when it is ready, and while it is abnormal');
SELECT delete_network('late');
SET LOCAL pool_manager.clock = '2026-03-01 20:00:00+00';
SELECT results_eq(format($$SELECT sku, quantity, amount FROM charges(%s, '2026-03-01', '2026-03-02', '1 day') ORDER BY sku$$, :beta),
    $$VALUES ('mbit', 100::numeric, 1::numeric)$$, 'and until it is deleted');
-- a node's address is held with the node: 4 h x 0.004 = 0.016 for one, to which 0.042 comes
SELECT create_pool('on_paid', 'dedicated', 'acme', 'paid') AS on_paid, create_flavor('free', 'cpu=4', 'vm') \gset
INSERT INTO node_group (pool_id, flavor_id, group_no, cpu_architecture, target_count)
SELECT :on_paid, flavor_id, 1, cpu_architecture, 1 FROM flavor WHERE name = 'free' ON CONFLICT DO NOTHING;
INSERT INTO node (pool_id, flavor_id, tenant_id, name, state, state_since, created_at, available_at)
SELECT :on_paid, flavor_id, :acme, 'one', 'available', clock(), clock(), clock() FROM flavor WHERE name = 'free' RETURNING node_id AS one \gset
SELECT take_node_addresses(:paid, :on_paid, ARRAY[:one], clock());
SELECT open_node_holdings(:on_paid, ARRAY[:one], clock());
SET LOCAL pool_manager.clock = '2026-03-02 00:00:00+00';
SELECT results_eq(format($$SELECT sku, quantity, amount FROM charges(%s, '2026-03-01', '2026-03-02', '1 day') WHERE sku = 'ip'$$, :acme),
    $$VALUES ('ip', 14.5, 0.058)$$, 'the address of a node for four hours more');

-- bandwidth: what it may be
SELECT pg_temp.refused(format('SELECT set_network_bandwidth(%s)', arguments), expected)
FROM (VALUES ($$'paid', 0$$, '22023 invalid value for argument "bandwidth"'), ($$'paid', 1000001$$, '22023 invalid value for argument "bandwidth"'),
    ($$'paid', sku => 'mbit'$$, '22023 argument "sku" needs argument "bandwidth"'), ($$'paid', 5, 'none'$$, '42704 SKU "none" does not exist'),
    ($$'paid', 5, 'call'$$, '22023 SKU "call" is priced once, not by the hour'), ($$'none', 5$$, '42704 network "none" does not exist')) AS v(arguments, expected);
UPDATE network_load SET bandwidth = 60500 WHERE network_id = :paid;
SELECT pg_temp.refused($$SELECT set_network_bandwidth('paid', 60)$$, 'PM002 60.5 Mbit/s of network "paid" are in use');
SELECT is(row(mbits, mbits_total)::text, '(60.5,250)', 'what of it is in use') FROM network_status WHERE network = 'paid';
SELECT is(pg_temp.would_say($$SELECT set_network_bandwidth('paid', 61)$$), '', 'as much as is in use can stay');
UPDATE network_load SET bandwidth = 0 WHERE network_id = :paid;
SELECT set_network_bandwidth('paid');
SELECT is(row(n.bandwidth, n.bandwidth_sku_id, l.bandwidth_capacity)::text, '(,,)', 'any bandwidth, not billed') FROM network n JOIN network_load l USING (network_id)
WHERE network_id = :paid;
SELECT set_network_bandwidth('paid', 5, 'mbit');
SELECT is(quantity, 5000::bigint, 'billed again') FROM holding WHERE network_id = :paid;
SELECT set_address_sku('paid');
SELECT is(count(*), 0::bigint, 'an address that is free') FROM reserve_address('paid', 'b') AS a JOIN holding h ON h.network_id = :paid AND h.address = a;
SELECT set_address_sku('paid', 'ip');
SELECT is(count(*), 0::bigint, 'stays free') FROM holding WHERE network_id = :paid AND address IS NOT NULL;
SELECT pg_temp.refused($$SELECT set_address_sku('paid', 'call')$$, '22023 SKU "call" is priced once, not by the hour');

-- ---- deletion ----

SELECT pg_temp.refused($$SELECT delete_network('lab')$$, 'PM002 network "lab" is in use');
SELECT is(network_uses(:lab), 'pools own, p1, p2, p3, p4, ...; peers again, six, vpc; file systems near, port', 'what uses it, up to five of each');
SELECT delete_network('six');
SELECT is(count(*), 0::bigint, 'its ranges go with it') FROM network_range r WHERE NOT EXISTS (SELECT FROM network n WHERE n.network_id = r.network_id);
SELECT create_network('gone', '10.8.4.0/24', 'beta', bandwidth => 1, bandwidth_sku => 'mbit') AS gone \gset
SELECT connect_peer('gone', 'p', '10.77.0.0/16'), attach_file_system('gone', 'f'), reserve_address('gone', 'a');
SELECT pg_temp.refused($$SELECT delete_network('gone')$$, 'PM002 network "gone" is in use');
SELECT is(network_uses(:gone), 'peers p; file systems f; addresses a', 'what uses a network');
SELECT pg_temp.refused(format('DELETE FROM network WHERE network_id = %s', :gone), '23503 network_load_network_fkey');
SELECT disconnect_peer('gone', 'p'), detach_file_system('gone', 'f');
SELECT pg_temp.refused($$SELECT delete_network('gone')$$, 'PM002 network "gone" is in use');
SELECT release_address('gone', 'a');
SELECT is(pg_temp.said($$SELECT delete_network('gone')$$), '', 'nothing uses it: it goes');
SELECT is(count(*), 0::bigint, 'with all its rows') FROM (
    SELECT network_id FROM network UNION ALL SELECT network_id FROM network_load UNION ALL SELECT network_id FROM network_range
    UNION ALL SELECT network_id FROM network_address UNION ALL SELECT network_id FROM holding) AS n WHERE network_id = :gone;
SELECT is(row(kind, from_state, to_state, reason)::text, '(network_deleted,active,,gone)', 'there is an event')
FROM event WHERE tenant_id = :beta ORDER BY event_id DESC LIMIT 1;
SELECT pg_temp.refused($$SELECT delete_network('gone')$$, '42704 network "gone" does not exist');

-- ---- who may ----

SELECT is(pg_temp.would_say(statement, role), CASE
        WHEN role IN ('net_owner', 'net_operator') THEN ''
        WHEN role = 'net_other' THEN '42704 network "lab" does not exist'
        ELSE format('42501 permission denied for tenant %s', :acme) END,
    format('%s as %s', statement, role))
FROM (VALUES
    ($$SELECT left(connect_peer('lab', 'x', '10.50.0.0/16')::text, 0)$$), ($$SELECT disconnect_peer('lab', 'six')$$),
    ($$SELECT left(attach_file_system('lab', 'x')::text, 0)$$), ($$SELECT detach_file_system('lab', 'port')$$),
    ($$SELECT left(enable_ipv6('lab')::text, 0)$$), ($$SELECT left(reserve_address('lab', 'x')::text, 0)$$),
    ($$SELECT set_network_bandwidth('lab', 5)$$)) AS v(statement),
    unnest('{net_owner,net_member,net_viewer,net_other,net_operator}'::name[]) AS role;
SELECT is(left(pg_temp.would_say(statement, role), 5), CASE WHEN role = 'net_other' THEN '42704' ELSE '42501' END, format('%s as %s', statement, role))
FROM unnest(ARRAY[$$SELECT network_ready('lab')$$, $$SELECT network_failed('lab', 'x')$$, $$SELECT peering_ready('lab', 'vpc')$$, $$SELECT peering_failed('lab', 'vpc', 'x')$$,
    $$SELECT file_system_ready('lab', 'port')$$, $$SELECT file_system_failed('lab', 'port', 'x')$$, $$SELECT file_system_detached('lab', 'port')$$,
    $$SELECT set_address_sku('lab', 'ip')$$]) AS statement, unnest('{net_owner,net_other}'::name[]) AS role;
SELECT is(left(pg_temp.would_say(statement, 'net_owner'), 5), '42501', statement || ' as net_owner')
FROM unnest(ARRAY[$$SELECT create_network('x', '10.60.0.0/24', 'acme', bandwidth => 5, bandwidth_sku => 'mbit')$$,
    $$SELECT create_network('x', '10.60.0.0/24', 'acme', address_sku => 'ip')$$, $$SELECT set_network_bandwidth('lab', 5, 'mbit')$$,
    $$SELECT set_network_bandwidth('paid')$$]) AS statement;
SELECT isnt(pg_temp.would_say($$SELECT create_network('x', '10.60.0.0/24', 'acme', bandwidth => 5)$$, 'net_owner'), NULL, 'an owner makes a network');
SELECT is(pg_temp.would_say($$SELECT set_network_bandwidth('paid', 10)$$, 'net_owner'), '', 'and sets how much bandwidth it has');
SELECT is(left(pg_temp.would_say($$SELECT create_network('x', '10.60.0.0/24', 'acme')$$, role), 5), expected, format('create_network as %s', role))
FROM (VALUES ('net_member'::name, '42501'), ('net_viewer', '42501'), ('net_other', '42704')) AS v(role, expected);
SELECT is(count(*), 0::bigint, 'what calls use is not for users') FROM pg_proc p
WHERE pronamespace = 'pool_manager'::regnamespace AND has_function_privilege('net_operator', p.oid, 'EXECUTE') AND proname IN (
    'check_name', 'check_range', 'check_address', 'find_hourly_sku', 'lock_network', 'open_bandwidth_holding', 'close_network_holdings',
    'set_network_state', 'require_active', 'network_uses', 'lock_peering', 'set_peering_state', 'lock_file_system',
    'set_file_system_state', 'forget_file_system', 'refuse_file_system', 'hand_out_addresses', 'take_node_addresses',
    'take_run_addresses', 'give_back_node_addresses');
SELECT is(pg_temp.said(format($$SELECT array_agg(DISTINCT network)::text FROM %s$$, view), 'net_other'), expected, format('%s shows others nothing', view))
FROM (VALUES ('network_status', '{wide,wrong}'), ('address_status', '{wide,wrong}'), ('peering_status', NULL), ('file_system_status', NULL)) AS v(view, expected);
SELECT ok(pg_temp.said($$SELECT count(*) FROM network_status$$, 'net_viewer')::int >= 5, 'viewers see their own');

SELECT * FROM finish();
ROLLBACK;
