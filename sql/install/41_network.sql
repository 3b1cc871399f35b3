-- Networks: ranges, peers, file systems, addresses, bandwidth.
--
-- A call on a network locks the network's row, then, where addresses or
-- bandwidth change hands, that of its load. Who takes addresses for a pool
-- has the pool's lock and takes that of the load only.

CREATE FUNCTION check_range(range cidr, argument text) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    IF is_reserved_range(range) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('range %s overlaps %s', range,
                CASE WHEN range && '172.16.0.0/16' THEN '172.16.0.0/16' ELSE '10.247.0.0/16' END),
            DETAIL = format('Pools use that range themselves, for %s.',
                CASE WHEN range && '172.16.0.0/16' THEN 'containers' ELSE 'services' END),
            HINT = format('Choose another range for argument "%s".', argument);
    END IF;
END $$;
COMMENT ON FUNCTION check_range(cidr, text) IS
'refuses a range that overlaps one that pools use themselves (22023; 22004: NULL), as the value of an argument. Not to be called by users (42501)';

CREATE FUNCTION check_address(address inet, subnet cidr DEFAULT NULL) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    bits integer := CASE family(address) WHEN 4 THEN 32 ELSE 128 END;
BEGIN
    IF masklen(address) <> bits OR NOT address <<= subnet THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "address"',
            DETAIL = 'It must be one address, and lie in the subnet where that is given.',
            HINT = 'Leave it out where it is not known.';
    END IF;
    PERFORM check_range(address::cidr, 'address');
END $$;
COMMENT ON FUNCTION check_address(inet, cidr) IS
'refuses what is not a single address outside of the ranges that pools use themselves, in a subnet if there is one (22023). Not to be called by users (42501)';

CREATE FUNCTION find_hourly_sku(sku text) RETURNS bigint LANGUAGE pool_manager AS $$
DECLARE
    found_sku sku;
BEGIN
    SELECT s.* INTO found_sku FROM sku s WHERE s.name = find_hourly_sku.sku;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('SKU "%s" does not exist', sku),
            DETAIL = 'There is none of this name.', HINT = 'Table "sku" shows those there are.';
    END IF;
    IF found_sku.per <> 'hour' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('SKU "%s" is priced once, not by the hour', sku),
            DETAIL = 'Addresses and bandwidth are billed for the time they are held.',
            HINT = 'Name a SKU that was made with per => ''hour''.';
    END IF;
    RETURN found_sku.sku_id;
END $$;
COMMENT ON FUNCTION find_hourly_sku(text) IS
'the id of a SKU that is priced by the hour. 42704: there is none of this name; 22023: it is priced once; 22004: NULL. Not to be called by users (42501)';

CREATE FUNCTION lock_network(network bigint, level text) RETURNS network LANGUAGE pool_manager AS $$
DECLARE
    net network;
BEGIN
    PERFORM find_network(network);
    PERFORM require_level((SELECT n.tenant_id FROM network n WHERE n.network_id = lock_network.network), level);
    SELECT n.* INTO net FROM network n WHERE n.network_id = lock_network.network FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        -- deleted meanwhile: says so
        PERFORM find_network(network);
    END IF;
    RETURN net;
END $$;
COMMENT ON FUNCTION lock_network(bigint, text) IS
'locks the row of a network, which stays, until the end of the transaction, and returns it, for an actor who has the level for its owner (42501). 42704: there is none that the actor may see. Not to be called by users (42501)';

-- ---- networks ----

CREATE FUNCTION open_bandwidth_holding(network bigint, instant timestamptz) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    INSERT INTO holding (tenant_id, sku_id, quantity, workspace_id, network_id, since, metered_until)
    SELECT n.tenant_id, n.bandwidth_sku_id, 1000::bigint * n.bandwidth, n.workspace_id, n.network_id,
           date_trunc('second', instant), date_trunc('second', instant)
    FROM network n WHERE n.network_id = open_bandwidth_holding.network AND n.bandwidth_sku_id IS NOT NULL;
END $$;
COMMENT ON FUNCTION open_bandwidth_holding(bigint, timestamptz) IS
'from now on the bandwidth of a network is billed, if it has a SKU for it. Not to be called by users (42501)';

CREATE FUNCTION close_network_holdings(network bigint, address inet, instant timestamptz) RETURNS timestamptz
LANGUAGE pool_manager AS $$
DECLARE
    tenant bigint;
    ids bigint[];
    last_slice timestamptz;
BEGIN
    SELECT h.tenant_id, array_agg(h.holding_id), max(h.metered_until) INTO tenant, ids, last_slice FROM (
        SELECT * FROM holding h
        WHERE h.network_id = close_network_holdings.network AND h.address IS NOT DISTINCT FROM nullif(close_network_holdings.address, '::')
        ORDER BY h.holding_id FOR UPDATE) AS h
    GROUP BY h.tenant_id;
    IF FOUND THEN
        instant := greatest(instant, last_slice);
        PERFORM close_holdings(tenant, ids, instant);
    END IF;
    RETURN instant;
END $$;
COMMENT ON FUNCTION close_network_holdings(bigint, inet, timestamptz) IS
'ends what is billed of a network: its bandwidth (address ::) or a reserved address; returns the instant used. Not to be called by users (42501)';

CREATE FUNCTION create_network(
    name text, cidr cidr, tenant bigint, ipv6 boolean DEFAULT false, provider provider_mode DEFAULT 'instant',
    bandwidth integer DEFAULT NULL, bandwidth_sku text DEFAULT NULL, address_sku text DEFAULT NULL,
    workspace bigint DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    instant timestamptz;
    earlier bigint[];
    space bigint;
    id bigint;
    bandwidth_sku_id bigint;
    address_sku_id bigint;
    network_state network_state := CASE create_network.provider WHEN 'instant' THEN 'active' ELSE 'creating' END;
BEGIN
    PERFORM find_tenant(create_network.tenant);
    IF create_network.tenant = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "tenant"',
            DETAIL = 'The provider has no networks: nodes of public pools are in none.',
            HINT = 'Name the tenant whose pools are to be on the network.';
    END IF;
    PERFORM require_level(create_network.tenant, 'owner');
    PERFORM check_name(create_network.name, 'name');
    IF family(create_network.cidr) <> 4 OR NOT (create_network.cidr <<= '10.0.0.0/8' OR
        create_network.cidr <<= '172.16.0.0/12' OR create_network.cidr <<= '192.168.0.0/16')
    THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "cidr"',
            DETAIL = 'It must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.',
            HINT = 'Choose a range for private use.';
    END IF;
    IF masklen(create_network.cidr) > 28 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "cidr"',
            DETAIL = format('Its network part has %s bits, and must have 8 to 28.', masklen(create_network.cidr)),
            HINT = 'Choose a larger range: it cannot be changed later.';
    END IF;
    PERFORM check_range(create_network.cidr, 'cidr');
    IF create_network.bandwidth NOT BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "bandwidth"',
            DETAIL = 'It must be from 1 to 1000000, in Mbit/s.', HINT = 'Leave it out for as much as there is.';
    END IF;
    IF create_network.bandwidth_sku IS NOT NULL AND create_network.bandwidth IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'argument "bandwidth_sku" needs argument "bandwidth"',
            DETAIL = 'What is billed is the bandwidth that the network may use.', HINT = 'Say how many Mbit/s.';
    END IF;
    IF create_network.bandwidth_sku IS NOT NULL OR create_network.address_sku IS NOT NULL THEN
        -- what a thing is billed as is the provider's to say
        PERFORM require_level(create_network.tenant, 'operator');
    END IF;
    earlier := earlier_results(create_network.tenant);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;

    IF create_network.bandwidth_sku IS NOT NULL THEN
        bandwidth_sku_id := find_hourly_sku(create_network.bandwidth_sku);
    END IF;
    IF create_network.address_sku IS NOT NULL THEN
        address_sku_id := find_hourly_sku(create_network.address_sku);
    END IF;
    SELECT w.workspace_id INTO space FROM workspace w WHERE w.tenant_id = create_network.tenant AND
        CASE WHEN create_network.workspace IS NULL THEN w.name = 'default' ELSE w.workspace_id = create_network.workspace END;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('workspace %s does not exist', coalesce(create_network.workspace::text, '"default"')),
            DETAIL = format('Tenant %s has none of that name or id.', create_network.tenant),
            HINT = 'Table "workspace" shows those that it has.';
    END IF;
    PERFORM check_quota(create_network.tenant, space, 'networks', 1);

    id := nextval('network_id_seq');
    instant := write_clock();
    INSERT INTO network_range (network_id, range) VALUES (id, create_network.cidr);
    IF create_network.ipv6 THEN
        INSERT INTO network_range (network_id, range) VALUES (id, ipv6_range(id));
    END IF;
    INSERT INTO network (network_id, tenant_id, name, cidr, cidr6, state, provider, workspace_id, bandwidth,
        bandwidth_sku_id, address_sku_id, created_at)
    VALUES (id, create_network.tenant, create_network.name, create_network.cidr,
        CASE WHEN create_network.ipv6 THEN ipv6_range(id) END, network_state, create_network.provider, space,
        create_network.bandwidth, bandwidth_sku_id, address_sku_id, instant)
    ON CONFLICT (tenant_id, name) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = format('network "%s" already exists', create_network.name),
            DETAIL = 'Names are not given twice.',
            HINT = 'Choose another name; with a "request_id" a call can be repeated.';
    END IF;
    INSERT INTO network_load (network_id, capacity, bandwidth_capacity)
    VALUES (id, (1::bigint << (32 - masklen(create_network.cidr))) - 3, 1000::bigint * create_network.bandwidth);
    INSERT INTO event (tenant_id, at, kind, to_state, actor, reason)
    VALUES (create_network.tenant, instant, 'network_created', network_state::text, actor(), create_network.name);
    IF network_state = 'active' THEN
        PERFORM open_bandwidth_holding(id, instant);
    END IF;
    PERFORM remember_results(ARRAY[id]);
    RETURN id;
END $$;
COMMENT ON FUNCTION create_network(text, cidr, bigint, boolean, provider_mode, integer, text, text, bigint, text) IS
'makes a private network of a tenant; returns its id. The range is fixed. It is active at once, or with provider external creating until network_ready(). bandwidth is what jobs on its pools may ask for together, in Mbit/s, billed as bandwidth_sku from when the network is active; an address in use is billed as address_sku; both are given by operators. workspace pays for both, by default the one named default. Owners of the tenant (42501); 42710: the name is taken; 22023: the range is not private, has more than 28 bits of network or is one that pools use themselves, bandwidth is not 1 to 1,000,000, a SKU that is priced once; 42704: no such tenant, workspace or SKU; PM007: more networks than the quota allows';
CREATE FUNCTION create_network(
    name text, cidr cidr, tenant text, ipv6 boolean DEFAULT false, provider provider_mode DEFAULT 'instant',
    bandwidth integer DEFAULT NULL, bandwidth_sku text DEFAULT NULL, address_sku text DEFAULT NULL,
    workspace text DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
DECLARE
    owner_id bigint := find_tenant(create_network.tenant);
BEGIN
    RETURN create_network(name, cidr, owner_id, ipv6, provider, bandwidth, bandwidth_sku, address_sku,
        find_workspace(owner_id, workspace), request_id);
END $$;
COMMENT ON FUNCTION create_network(text, cidr, text, boolean, provider_mode, integer, text, text, text, text) IS
'the same, tenant and workspace by name';

CREATE FUNCTION set_network_state(network network, to_state network_state, reason text DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    instant timestamptz := greatest(write_clock(), (network).created_at);
BEGIN
    UPDATE network n SET state = to_state, reason = set_network_state.reason
    WHERE n.network_id = (set_network_state.network).network_id;
    INSERT INTO event (tenant_id, at, kind, from_state, to_state, actor, reason)
    VALUES ((network).tenant_id, instant, 'network_state', (network).state::text, to_state::text, actor(),
        concat_ws(': ', (network).name, set_network_state.reason));
    IF to_state = 'active' AND NOT EXISTS (
        SELECT FROM holding h WHERE h.network_id = (set_network_state.network).network_id AND h.address IS NULL)
    THEN
        PERFORM open_bandwidth_holding((network).network_id, instant);
    END IF;
END $$;
COMMENT ON FUNCTION set_network_state(network, network_state, text) IS
'changes the state of a network that is locked, with its event; one that becomes active is billed. Not to be called by users (42501)';

CREATE FUNCTION network_ready(network bigint) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'operator');
BEGIN
    IF net.state = 'active' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('network "%s" is active', net.name),
            DETAIL = 'Only one that is being created or is abnormal becomes active.', HINT = 'There is nothing to do.';
    END IF;
    PERFORM set_network_state(net, 'active');
END $$;
COMMENT ON FUNCTION network_ready(bigint) IS
'a network that was being created, or was abnormal, is active; its bandwidth is billed. Operators only (42501); 42704: no such network; PM002: it is active';
CREATE FUNCTION network_ready(network text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.network_ready(pool_manager.find_network(network)); END;
COMMENT ON FUNCTION network_ready(text) IS 'the same, the network by name';

CREATE FUNCTION network_failed(network bigint, reason text) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'operator');
BEGIN
    IF net.state = 'abnormal' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('network "%s" is abnormal', net.name),
            DETAIL = 'Only one that is being created or is active becomes abnormal.', HINT = 'There is nothing to do.';
    END IF;
    PERFORM set_network_state(net, 'abnormal', network_failed.reason);
END $$;
COMMENT ON FUNCTION network_failed(bigint, text) IS
'a network could not be created, or has failed: it is abnormal until network_ready(). What is billed of it goes on. Operators only (42501); 42704: no such network; PM002: it is abnormal';
CREATE FUNCTION network_failed(network text, reason text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.network_failed(pool_manager.find_network(network), reason); END;
COMMENT ON FUNCTION network_failed(text, text) IS 'the same, the network by name';

CREATE FUNCTION require_active(network network, purpose text) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    IF (network).state <> 'active' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('network "%s" is %s', (network).name, (network).state),
            DETAIL = format('Only an active network %s.', purpose),
            HINT = 'Wait until network_ready() makes it active.';
    END IF;
END $$;
COMMENT ON FUNCTION require_active(network, text) IS
'refuses a network that is not active (PM002). Not to be called by users (42501)';

CREATE FUNCTION enable_ipv6(network bigint) RETURNS cidr LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'owner');
BEGIN
    IF net.cidr6 IS NULL THEN
        net.cidr6 := ipv6_range(network);
        BEGIN
            INSERT INTO network_range (network_id, range) VALUES (network, net.cidr6);
        EXCEPTION WHEN exclusion_violation THEN
            RAISE EXCEPTION USING ERRCODE = '55000',
                MESSAGE = format('network "%s" is connected to a peer with range %s', net.name,
                    (SELECT r.range FROM network_range r
                     WHERE r.network_id = enable_ipv6.network AND r.range && net.cidr6 LIMIT 1)),
                DETAIL = format('The IPv6 range of the network would be %s, which that overlaps.', net.cidr6),
                HINT = 'Disconnect the peer first.';
        END;
        UPDATE network n SET cidr6 = net.cidr6 WHERE n.network_id = enable_ipv6.network;
        INSERT INTO event (tenant_id, at, kind, actor, reason)
        VALUES (net.tenant_id, greatest(write_clock(), net.created_at), 'network_changed', actor(),
            format('IPv6 range of %s', net.name));
    END IF;
    RETURN net.cidr6;
END $$;
COMMENT ON FUNCTION enable_ipv6(bigint) IS
'gives a network a range of IPv6 addresses, for good, and returns it; one that has one keeps it. Each address of the network has an IPv6 address at the same offset. Owners of the tenant (42501); 42704: no such network; 55000: a peer has the range';
CREATE FUNCTION enable_ipv6(network text) RETURNS cidr LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.enable_ipv6(pool_manager.find_network(network)); END;
COMMENT ON FUNCTION enable_ipv6(text) IS 'the same, the network by name';

CREATE FUNCTION set_network_bandwidth(network bigint, bandwidth integer DEFAULT NULL, sku text DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'owner');
    load network_load;
    instant timestamptz;
    new_sku_id bigint := net.bandwidth_sku_id;
    was_billed boolean;
BEGIN
    IF bandwidth NOT BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument "bandwidth"',
            DETAIL = 'It must be from 1 to 1000000, in Mbit/s.', HINT = 'NULL allows as much as there is.';
    END IF;
    IF sku IS NOT NULL OR (bandwidth IS NULL AND net.bandwidth_sku_id IS NOT NULL) THEN
        -- what it is billed as, and that it is not billed, is the provider's to say
        PERFORM require_level(net.tenant_id, 'operator');
    END IF;
    IF sku IS NOT NULL AND bandwidth IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'argument "sku" needs argument "bandwidth"',
            DETAIL = 'What is billed is the bandwidth that the network may use.', HINT = 'Say how many Mbit/s.';
    END IF;
    IF sku IS NOT NULL THEN
        new_sku_id := find_hourly_sku(sku);
    ELSIF bandwidth IS NULL THEN
        new_sku_id := NULL;
    END IF;
    IF bandwidth IS NOT DISTINCT FROM net.bandwidth AND new_sku_id IS NOT DISTINCT FROM net.bandwidth_sku_id THEN
        RETURN;
    END IF;
    SELECT l.* INTO STRICT load FROM network_load l WHERE l.network_id = set_network_bandwidth.network FOR NO KEY UPDATE;
    IF load.bandwidth > 1000::bigint * bandwidth THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('%s Mbit/s of network "%s" are in use',
                trim_scale(load.bandwidth / 1000.0), net.name),
            DETAIL = format('It cannot have less; %s Mbit/s were asked for.', bandwidth),
            HINT = 'Wait until jobs have ended.';
    END IF;
    instant := greatest(write_clock(), net.created_at);
    -- not before the network is active
    was_billed := net.state = 'active' OR EXISTS (
        SELECT FROM holding h WHERE h.network_id = set_network_bandwidth.network AND h.address IS NULL);
    instant := close_network_holdings(network, '::', instant);
    UPDATE network n SET bandwidth = set_network_bandwidth.bandwidth, bandwidth_sku_id = new_sku_id
    WHERE n.network_id = set_network_bandwidth.network;
    UPDATE network_load l SET bandwidth_capacity = 1000::bigint * set_network_bandwidth.bandwidth
    WHERE l.network_id = set_network_bandwidth.network;
    IF was_billed THEN
        PERFORM open_bandwidth_holding(network, instant);
    END IF;
    INSERT INTO event (tenant_id, at, kind, actor, reason)
    VALUES (net.tenant_id, instant, 'network_changed', actor(), format('bandwidth of %s: %s', net.name,
        coalesce(bandwidth || ' Mbit/s', 'any')));
END $$;
COMMENT ON FUNCTION set_network_bandwidth(bigint, integer, text) IS
'how much bandwidth jobs on the pools of a network may ask for together, in Mbit/s (NULL: any), and what it is billed as (NULL: as before). What was billed ends now and begins anew. Owners of the tenant; only operators name a SKU or take away the limit of bandwidth that is billed (42501); 42704: no such network or SKU; 22023: not 1 to 1,000,000, a SKU without bandwidth, one that is priced once; PM002: jobs hold more';
CREATE FUNCTION set_network_bandwidth(network text, bandwidth integer DEFAULT NULL, sku text DEFAULT NULL) RETURNS void
LANGUAGE sql BEGIN ATOMIC
    SELECT pool_manager.set_network_bandwidth(pool_manager.find_network(network), bandwidth, sku);
END;
COMMENT ON FUNCTION set_network_bandwidth(text, integer, text) IS 'the same, the network by name';

CREATE FUNCTION set_address_sku(network bigint, sku text DEFAULT NULL) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'operator');
    new_sku_id bigint := CASE WHEN sku IS NOT NULL THEN find_hourly_sku(sku) END;
BEGIN
    UPDATE network n SET address_sku_id = new_sku_id WHERE n.network_id = set_address_sku.network;
    INSERT INTO event (tenant_id, at, kind, actor, reason)
    VALUES (net.tenant_id, greatest(write_clock(), net.created_at), 'network_changed', actor(),
        format('address SKU of %s: %s', net.name, coalesce(sku, 'none')));
END $$;
COMMENT ON FUNCTION set_address_sku(bigint, text) IS
'what addresses of a network that are handed out from now on are billed as; NULL: they are free. Those in use go on as they began. Operators only (42501); 42704: no such network or SKU; 22023: the SKU is priced once';
CREATE FUNCTION set_address_sku(network text, sku text DEFAULT NULL) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.set_address_sku(pool_manager.find_network(network), sku); END;
COMMENT ON FUNCTION set_address_sku(text, text) IS 'the same, the network by name';

CREATE FUNCTION network_uses(network bigint) RETURNS text LANGUAGE pool_manager AS $$
BEGIN
    RETURN (
        SELECT string_agg(u.what || ' ' || u.names, '; ' ORDER BY u.no)
        FROM (SELECT s.no, s.what, string_agg(CASE WHEN s.rank <= 5 THEN quote_ident(s.name) ELSE '...' END, ', ' ORDER BY s.rank) AS names
              FROM (SELECT 1 AS no, 'pools' AS what, p.name::text, row_number() OVER (ORDER BY p.name) AS rank FROM pool p
                    WHERE p.network_id = network_uses.network AND p.deleted_at IS NULL
                    UNION ALL
                    SELECT 2, 'peers', c.peer, row_number() OVER (ORDER BY c.peer) FROM network_peering c
                    WHERE c.network_id = network_uses.network
                    UNION ALL
                    SELECT 3, 'file systems', f.name, row_number() OVER (ORDER BY f.name) FROM file_system f
                    WHERE f.network_id = network_uses.network
                    UNION ALL
                    SELECT 4, 'addresses', a.name, row_number() OVER (ORDER BY a.name) FROM network_address a
                    WHERE a.network_id = network_uses.network AND a.name IS NOT NULL) AS s
              WHERE s.rank <= 6
              GROUP BY s.no, s.what) AS u);
END $$;
COMMENT ON FUNCTION network_uses(bigint) IS
'what uses a network: live pools, peers, file systems, reserved addresses, up to five of each by name; NULL: nothing. Not to be called by users (42501)';

CREATE FUNCTION delete_network(network bigint) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    net network;
    uses text;
    instant timestamptz;
BEGIN
    SELECT n.* INTO net FROM network n WHERE n.network_id = find_network(delete_network.network);
    PERFORM require_level(net.tenant_id, 'owner');
    -- once before the lock, so as not to wait for the work of its pools, once
    -- behind it: what refers to the network has committed then, or has not begun
    FOR attempt IN 1..2 LOOP
        uses := network_uses(network);
        IF uses IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('network "%s" is in use', net.name),
                DETAIL = format('It has %s.', uses),
                HINT = 'Delete the pools, disconnect the peers, detach the file systems and release the addresses first.';
        END IF;
        IF attempt = 1 THEN
            SELECT n.* INTO net FROM network n WHERE n.network_id = delete_network.network FOR UPDATE;
            IF NOT FOUND THEN
                PERFORM find_network(network);
            END IF;
        END IF;
    END LOOP;
    instant := close_network_holdings(network, '::', greatest(write_clock(), net.created_at));
    DELETE FROM network_address a WHERE a.network_id = delete_network.network;
    DELETE FROM network_load l WHERE l.network_id = delete_network.network;
    DELETE FROM network n WHERE n.network_id = delete_network.network;
    DELETE FROM network_range r WHERE r.network_id = delete_network.network;
    INSERT INTO event (tenant_id, at, kind, from_state, actor, reason)
    VALUES (net.tenant_id, instant, 'network_deleted', net.state::text, actor(), net.name);
END $$;
COMMENT ON FUNCTION delete_network(bigint) IS
'deletes a network that nothing uses; its bandwidth is billed until now. Owners of the tenant (42501); 42704: no such network; PM002: a pool, peer, file system or reserved address uses it';
CREATE FUNCTION delete_network(network text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.delete_network(pool_manager.find_network(network)); END;
COMMENT ON FUNCTION delete_network(text) IS 'the same, the network by name';

-- ---- peers ----

CREATE FUNCTION connect_peer(network bigint, peer text, cidr cidr, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'owner');
    earlier bigint[] := earlier_results(net.tenant_id);
    id bigint;
    to_state peering_state := CASE net.provider WHEN 'instant' THEN 'active' ELSE 'connecting' END;
    instant timestamptz := greatest(write_clock(), net.created_at);
BEGIN
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    PERFORM check_name(connect_peer.peer, 'peer');
    PERFORM check_range(connect_peer.cidr, 'cidr');
    PERFORM require_active(net, 'is connected to others');
    IF EXISTS (SELECT FROM network_peering p WHERE p.network_id = connect_peer.network AND p.peer = connect_peer.peer) THEN
        RAISE EXCEPTION USING ERRCODE = '42710',
            MESSAGE = format('network "%s" is connected to "%s"', net.name, connect_peer.peer),
            DETAIL = 'Names are not given twice.',
            HINT = 'Choose another name; with a "request_id" a call can be repeated.';
    END IF;
    id := nextval('peering_id_seq');
    BEGIN
        INSERT INTO network_range (network_id, range, peering_id) VALUES (connect_peer.network, connect_peer.cidr, id);
    EXCEPTION WHEN exclusion_violation OR unique_violation THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = (SELECT format('range %s overlaps %s', connect_peer.cidr, r.range) FROM network_range r
                       WHERE r.network_id = connect_peer.network AND r.range && connect_peer.cidr
                       ORDER BY r.range LIMIT 1),
            DETAIL = (SELECT CASE WHEN p.peer IS NULL THEN format('That is the range of network "%s" itself.', net.name)
                             ELSE format('That is the range of its peer "%s".', p.peer) END
                      FROM network_range r LEFT JOIN network_peering p USING (network_id, peering_id)
                      WHERE r.network_id = connect_peer.network AND r.range && connect_peer.cidr
                      ORDER BY r.range LIMIT 1),
            HINT = 'An address must belong to one network only: give one of them another range.';
    END;
    INSERT INTO network_peering (peering_id, network_id, tenant_id, peer, cidr, state, created_at)
    VALUES (id, connect_peer.network, net.tenant_id, connect_peer.peer, connect_peer.cidr, to_state, instant);
    INSERT INTO event (tenant_id, at, kind, to_state, actor, reason)
    VALUES (net.tenant_id, instant, 'peering_state', to_state::text, actor(), connect_peer.peer);
    PERFORM remember_results(ARRAY[id]);
    RETURN id;
END $$;
COMMENT ON FUNCTION connect_peer(bigint, text, cidr, text) IS
'connects a network to another of the tenant''s elsewhere, with the range that it has there; returns the id of the peering. It is active at once, or with provider external connecting until peering_ready(). Owners of the tenant (42501); 42704: no such network; 42710: the network has a peer of this name; 22023: the range overlaps that of the network, of a peer or one that pools use themselves; PM002: the network is not active';
CREATE FUNCTION connect_peer(network text, peer text, cidr cidr, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.connect_peer(pool_manager.find_network(network), peer, cidr, request_id); END;
COMMENT ON FUNCTION connect_peer(text, text, cidr, text) IS 'the same, the network by name';

CREATE FUNCTION lock_peering(network network, peer text) RETURNS network_peering LANGUAGE pool_manager AS $$
DECLARE
    peering network_peering;
BEGIN
    SELECT p.* INTO peering FROM network_peering p
    WHERE p.network_id = (lock_peering.network).network_id AND p.peer = lock_peering.peer FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('peer "%s" does not exist', lock_peering.peer),
            DETAIL = format('Network "%s" is connected to none of this name.', (network).name),
            HINT = 'Table "network_peering" shows its peers.';
    END IF;
    RETURN peering;
END $$;
COMMENT ON FUNCTION lock_peering(network, text) IS
'a peering of a network that is locked (42704: there is none of this name). Not to be called by users (42501)';

CREATE FUNCTION set_peering_state(peering network_peering, to_state peering_state, reason text DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
BEGIN
    IF (peering).state = to_state OR to_state = 'connecting' AND (peering).state <> 'abnormal' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('the connection to peer "%s" is %s', (peering).peer, (peering).state),
            DETAIL = format('It cannot become %s.', to_state),
            HINT = 'Table "network_peering" shows the states of peers.';
    END IF;
    UPDATE network_peering p SET state = to_state, reason = set_peering_state.reason
    WHERE p.peering_id = (peering).peering_id;
    INSERT INTO event (tenant_id, at, kind, from_state, to_state, actor, reason)
    VALUES ((peering).tenant_id, greatest(write_clock(), (peering).created_at), 'peering_state', (peering).state::text,
        to_state::text, actor(), concat_ws(': ', (peering).peer, set_peering_state.reason));
END $$;
COMMENT ON FUNCTION set_peering_state(network_peering, peering_state, text) IS
'changes the state of a peering that is locked, with its event (PM002: it cannot). Not to be called by users (42501)';

CREATE FUNCTION peering_ready(network bigint, peer text) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_peering_state(lock_peering(lock_network(network, 'operator'), peer), 'active');
END $$;
COMMENT ON FUNCTION peering_ready(bigint, text) IS
'a peer that was being connected, or was abnormal, is connected. Operators only (42501); 42704: no such network or peer; PM002: it is connected';
CREATE FUNCTION peering_ready(network text, peer text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.peering_ready(pool_manager.find_network(network), peer); END;
COMMENT ON FUNCTION peering_ready(text, text) IS 'the same, the network by name';

CREATE FUNCTION peering_failed(network bigint, peer text, reason text) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_peering_state(lock_peering(lock_network(network, 'operator'), peer), 'abnormal', reason);
END $$;
COMMENT ON FUNCTION peering_failed(bigint, text, text) IS
'a peer could not be connected, or the connection has failed: it is abnormal. Operators only (42501); 42704: no such network or peer; PM002: it is abnormal';
CREATE FUNCTION peering_failed(network text, peer text, reason text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.peering_failed(pool_manager.find_network(network), peer, reason); END;
COMMENT ON FUNCTION peering_failed(text, text, text) IS 'the same, the network by name';

CREATE FUNCTION reconnect_peer(network bigint, peer text) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'owner');
    peering network_peering := lock_peering(net, peer);
BEGIN
    PERFORM require_active(net, 'is connected to others');
    IF peering.state <> 'abnormal' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('the connection to peer "%s" is %s', peer, peering.state),
            DETAIL = 'Only one that is abnormal is tried again.', HINT = 'There is nothing to do.';
    END IF;
    PERFORM set_peering_state(peering, CASE net.provider WHEN 'instant' THEN 'active' ELSE 'connecting' END::peering_state);
END $$;
COMMENT ON FUNCTION reconnect_peer(bigint, text) IS
'tries again to connect a peer that is abnormal. Owners of the tenant (42501); 42704: no such network or peer; PM002: it is not abnormal, or the network is not active';
CREATE FUNCTION reconnect_peer(network text, peer text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.reconnect_peer(pool_manager.find_network(network), peer); END;
COMMENT ON FUNCTION reconnect_peer(text, text) IS 'the same, the network by name';

CREATE FUNCTION disconnect_peer(network bigint, peer text) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'owner');
    peering network_peering := lock_peering(net, peer);
    systems text := (SELECT string_agg(quote_ident(f.name), ', ' ORDER BY f.name) FROM file_system f
                     WHERE f.network_id = disconnect_peer.network AND f.peering_id = peering.peering_id);
BEGIN
    IF systems IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('peer "%s" is in use', peer),
            DETAIL = format('Network "%s" reaches over it the file systems %s.', net.name, systems),
            HINT = 'Detach them first.';
    END IF;
    DELETE FROM network_peering p WHERE p.peering_id = peering.peering_id;
    DELETE FROM network_range r WHERE r.network_id = disconnect_peer.network AND r.range = peering.cidr;
    INSERT INTO event (tenant_id, at, kind, from_state, actor, reason)
    VALUES (net.tenant_id, greatest(write_clock(), peering.created_at), 'peering_state', peering.state::text, actor(), peer);
END $$;
COMMENT ON FUNCTION disconnect_peer(bigint, text) IS
'ends the connection of a network to a peer, in any state. Owners of the tenant (42501); 42704: no such network or peer; PM002: file systems are reached over it';
CREATE FUNCTION disconnect_peer(network text, peer text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.disconnect_peer(pool_manager.find_network(network), peer); END;
COMMENT ON FUNCTION disconnect_peer(text, text) IS 'the same, the network by name';

-- ---- file systems ----

CREATE FUNCTION attach_file_system(
    network bigint, name text, connection file_system_connection DEFAULT 'vpc_port', subnet cidr DEFAULT NULL,
    address inet DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'owner');
    earlier bigint[] := earlier_results(net.tenant_id);
    id bigint;
    over network_peering;
    to_state file_system_state := CASE net.provider WHEN 'instant' THEN 'active' ELSE 'creating' END;
    instant timestamptz := greatest(write_clock(), net.created_at);
BEGIN
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    PERFORM check_name(attach_file_system.name, 'name');
    IF subnet IS NOT NULL THEN
        PERFORM check_range(subnet, 'subnet');
    END IF;
    IF address IS NOT NULL THEN
        PERFORM check_address(address, subnet);
    END IF;
    PERFORM require_active(net, 'is given file systems');
    IF connection = 'peering' THEN
        IF coalesce(subnet, address) IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a file system over a peering needs a subnet or an address',
                DETAIL = 'It says which peer reaches the file system.', HINT = 'Give argument "subnet" or "address".';
        END IF;
        SELECT p.* INTO over FROM network_peering p
        WHERE p.network_id = attach_file_system.network AND coalesce(attach_file_system.subnet, attach_file_system.address) <<= p.cidr
        FOR KEY SHARE;
        IF over.state IS DISTINCT FROM 'active' THEN
            RAISE EXCEPTION USING ERRCODE = 'PM002',
                MESSAGE = format('network "%s" does not reach %s over a peering', net.name, coalesce(subnet, address)),
                DETAIL = CASE WHEN over.peering_id IS NULL THEN 'It lies in the range of no peer.'
                              ELSE format('Peer "%s" is %s, not active.', over.peer, over.state) END,
                HINT = 'Connect the peer first, with connect_peer() or reconnect_peer().';
        END IF;
    END IF;
    id := nextval('file_system_id_seq');
    INSERT INTO file_system (file_system_id, tenant_id, name, network_id, connection, peering_id, subnet, address, state, created_at)
    VALUES (id, net.tenant_id, attach_file_system.name, attach_file_system.network, attach_file_system.connection,
        over.peering_id, attach_file_system.subnet, attach_file_system.address, to_state, instant)
    ON CONFLICT ON CONSTRAINT file_system_name_key DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42710',
            MESSAGE = format('file system "%s" is attached', attach_file_system.name),
            DETAIL = (SELECT format('It is attached to network "%s"; a file system is attached to one network.', n.name)
                      FROM file_system f JOIN network n USING (network_id)
                      WHERE f.tenant_id = net.tenant_id AND f.name = attach_file_system.name),
            HINT = 'Detach it there first; with a "request_id" a call can be repeated.';
    END IF;
    INSERT INTO event (tenant_id, at, kind, to_state, actor, reason)
    VALUES (net.tenant_id, instant, 'file_system_state', to_state::text, actor(), attach_file_system.name);
    PERFORM remember_results(ARRAY[id]);
    RETURN id;
END $$;
COMMENT ON FUNCTION attach_file_system(bigint, text, file_system_connection, cidr, inet, text) IS
'attaches a shared file system of the tenant''s to a network, so that jobs in its pools can mount it; returns its id. It is active at once, or with provider external creating until file_system_ready(). Over a peering, the subnet or else the address says over which. Owners of the tenant (42501); 42704: no such network; 42710: it is attached, here or to another network; 22023: a subnet or address that pools use themselves, an address outside of the subnet, a peering without either; PM002: the network or the peer is not active';
CREATE FUNCTION attach_file_system(
    network text, name text, connection file_system_connection DEFAULT 'vpc_port', subnet cidr DEFAULT NULL,
    address inet DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE sql BEGIN ATOMIC
    SELECT pool_manager.attach_file_system(pool_manager.find_network(network), name, connection, subnet, address, request_id);
END;
COMMENT ON FUNCTION attach_file_system(text, text, file_system_connection, cidr, inet, text) IS 'the same, the network by name';

CREATE FUNCTION lock_file_system(network network, name text) RETURNS file_system LANGUAGE pool_manager AS $$
DECLARE
    fs file_system;
BEGIN
    SELECT f.* INTO fs FROM file_system f
    WHERE f.network_id = (lock_file_system.network).network_id AND f.name = lock_file_system.name FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('file system "%s" does not exist', lock_file_system.name),
            DETAIL = format('None of this name is attached to network "%s".', (network).name),
            HINT = 'Table "file_system" shows those that are.';
    END IF;
    RETURN fs;
END $$;
COMMENT ON FUNCTION lock_file_system(network, text) IS
'a file system of a network that is locked (42704: there is none of this name). Not to be called by users (42501)';

CREATE FUNCTION set_file_system_state(
    fs file_system, to_state file_system_state, reason text DEFAULT NULL, address inet DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
BEGIN
    UPDATE file_system f SET state = to_state, reason = set_file_system_state.reason,
        address = coalesce(set_file_system_state.address, f.address)
    WHERE f.file_system_id = (fs).file_system_id;
    INSERT INTO event (tenant_id, at, kind, from_state, to_state, actor, reason)
    VALUES ((fs).tenant_id, greatest(write_clock(), (fs).created_at), 'file_system_state', (fs).state::text,
        to_state::text, actor(), concat_ws(': ', (fs).name, set_file_system_state.reason));
END $$;
COMMENT ON FUNCTION set_file_system_state(file_system, file_system_state, text, inet) IS
'changes the state of a file system that is locked, with its event. Not to be called by users (42501)';

CREATE FUNCTION forget_file_system(fs file_system) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    DELETE FROM file_system f WHERE f.file_system_id = (fs).file_system_id;
    INSERT INTO event (tenant_id, at, kind, from_state, actor, reason)
    VALUES ((fs).tenant_id, greatest(write_clock(), (fs).created_at), 'file_system_state', (fs).state::text, actor(), (fs).name);
END $$;
COMMENT ON FUNCTION forget_file_system(file_system) IS
'removes a file system that is locked, with its event. Not to be called by users (42501)';

CREATE FUNCTION refuse_file_system(fs file_system, detail text) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('file system "%s" is %s', (fs).name, (fs).state),
        DETAIL = detail, HINT = 'Table "file_system" shows the states of file systems.';
END $$;
COMMENT ON FUNCTION refuse_file_system(file_system, text) IS
'says that a file system is in the wrong state (PM002). Not to be called by users (42501)';

CREATE FUNCTION file_system_ready(network bigint, name text, address inet DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    fs file_system := lock_file_system(lock_network(network, 'operator'), name);
BEGIN
    IF fs.state NOT IN ('creating', 'abnormal') THEN
        PERFORM refuse_file_system(fs, 'Only one that is being attached or is abnormal becomes active.');
    END IF;
    IF address IS NOT NULL THEN
        PERFORM check_address(address, fs.subnet);
    END IF;
    PERFORM set_file_system_state(fs, 'active', address => address);
END $$;
COMMENT ON FUNCTION file_system_ready(bigint, text, inet) IS
'a file system that was being attached, or was abnormal, is attached; its address, where that is known now. Operators only (42501); 42704: no such network or file system; 22023: an address outside of its subnet, or that pools use themselves; PM002: it is active or being detached';
CREATE FUNCTION file_system_ready(network text, name text, address inet DEFAULT NULL) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.file_system_ready(pool_manager.find_network(network), name, address); END;
COMMENT ON FUNCTION file_system_ready(text, text, inet) IS 'the same, the network by name';

CREATE FUNCTION file_system_failed(network bigint, name text, reason text) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    fs file_system := lock_file_system(lock_network(network, 'operator'), name);
BEGIN
    IF fs.state = 'abnormal' THEN
        PERFORM refuse_file_system(fs, 'It is so already.');
    END IF;
    PERFORM set_file_system_state(fs, 'abnormal', reason);
END $$;
COMMENT ON FUNCTION file_system_failed(bigint, text, text) IS
'a file system could not be attached or detached, or cannot be reached: it is abnormal, and new jobs cannot mount it. Operators only (42501); 42704: no such network or file system; PM002: it is abnormal';
CREATE FUNCTION file_system_failed(network text, name text, reason text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.file_system_failed(pool_manager.find_network(network), name, reason); END;
COMMENT ON FUNCTION file_system_failed(text, text, text) IS 'the same, the network by name';

CREATE FUNCTION reattach_file_system(network bigint, name text) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'owner');
    fs file_system := lock_file_system(net, name);
BEGIN
    PERFORM require_active(net, 'is given file systems');
    IF fs.state <> 'abnormal' THEN
        PERFORM refuse_file_system(fs, 'Only one that is abnormal is attached again.');
    END IF;
    PERFORM set_file_system_state(fs, CASE net.provider WHEN 'instant' THEN 'active' ELSE 'creating' END::file_system_state);
END $$;
COMMENT ON FUNCTION reattach_file_system(bigint, text) IS
'tries again to attach a file system that is abnormal. Owners of the tenant (42501); 42704: no such network or file system; PM002: it is not abnormal, or the network is not active';
CREATE FUNCTION reattach_file_system(network text, name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.reattach_file_system(pool_manager.find_network(network), name); END;
COMMENT ON FUNCTION reattach_file_system(text, text) IS 'the same, the network by name';

CREATE FUNCTION latest_mounts(file_system bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_latest_mounts' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION latest_mounts(bigint) IS
'how many jobs that have not ended mount a file system, of all that is committed by now, whatever snapshot the transaction has. Bodies of calls only (42501)';
REVOKE EXECUTE ON FUNCTION latest_mounts(bigint) FROM PUBLIC;

CREATE FUNCTION detach_file_system(network bigint, name text) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'owner');
    fs file_system := lock_file_system(net, name);
    -- submissions lock the file system too: those before are committed by now
    jobs bigint := latest_mounts(fs.file_system_id);
BEGIN
    IF fs.state = 'deleting' THEN
        PERFORM refuse_file_system(fs, 'It is being detached already.');
    END IF;
    IF jobs > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('file system "%s" is in use', name),
            DETAIL = format('Jobs that have not ended mount it: %s.', jobs), HINT = 'End them first, or wait until they have ended.';
    END IF;
    IF net.provider = 'instant' THEN
        PERFORM forget_file_system(fs);
    ELSE
        PERFORM set_file_system_state(fs, 'deleting');
    END IF;
END $$;
COMMENT ON FUNCTION detach_file_system(bigint, text) IS
'detaches a file system from its network; it can then be attached to another. It is gone at once, or with provider external deleting until file_system_detached(). Owners of the tenant (42501); 42704: no such network or file system; PM002: jobs that have not ended mount it, or it is being detached';
CREATE FUNCTION detach_file_system(network text, name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.detach_file_system(pool_manager.find_network(network), name); END;
COMMENT ON FUNCTION detach_file_system(text, text) IS 'the same, the network by name';

CREATE FUNCTION file_system_detached(network bigint, name text) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    fs file_system := lock_file_system(lock_network(network, 'operator'), name);
BEGIN
    IF fs.state <> 'deleting' THEN
        PERFORM refuse_file_system(fs, 'Only one that is being detached is gone.');
    END IF;
    PERFORM forget_file_system(fs);
END $$;
COMMENT ON FUNCTION file_system_detached(bigint, text) IS
'a file system that was being detached is gone. Operators only (42501); 42704: no such network or file system; PM002: it is not being detached';
CREATE FUNCTION file_system_detached(network text, name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.file_system_detached(pool_manager.find_network(network), name); END;
COMMENT ON FUNCTION file_system_detached(text, text) IS 'the same, the network by name';

-- ---- addresses ----

-- What it costs depends on how many are handed out, never on the range:
-- freed ones come first, by their index, then those never used, in order.
CREATE FUNCTION hand_out_addresses(
    network bigint, pool bigint, nodes bigint[], runs bigint[], names text[], instant timestamptz) RETURNS inet[]
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    net network;
    load network_load;
    wanted bigint := cardinality(nodes) + cardinality(runs) + cardinality(names);
    taken inet[];
    unused bigint;
    written bigint;
BEGIN
    SELECT l.* INTO STRICT load FROM network_load l WHERE l.network_id = hand_out_addresses.network FOR NO KEY UPDATE;
    SELECT n.* INTO STRICT net FROM network n WHERE n.network_id = hand_out_addresses.network;
    IF load.capacity - load.addresses < wanted THEN
        RAISE EXCEPTION USING ERRCODE = '54000',
            MESSAGE = format('network "%s" has not enough free addresses', net.name),
            DETAIL = format('%s are needed; of %s there are %s free.', wanted, load.capacity, load.capacity - load.addresses),
            HINT = 'Delete nodes, end jobs or release reserved addresses, or use a pool on a larger network.';
    END IF;
    taken := ARRAY(SELECT a.address FROM network_address a
                   WHERE a.network_id = hand_out_addresses.network AND a.since IS NULL
                   ORDER BY a.network_id, a.address LIMIT wanted);
    unused := wanted - cardinality(taken);
    taken := taken || ARRAY(SELECT set_masklen(net.cidr::inet, 32) + load.next_offset + o
                            FROM generate_series(0, unused - 1) AS o);
    UPDATE network_load l SET addresses = l.addresses + wanted, next_offset = l.next_offset + unused
    WHERE l.network_id = hand_out_addresses.network;
    INSERT INTO network_address AS a (network_id, address, tenant_id, pool_id, node_id, run_id, name, since)
    SELECT hand_out_addresses.network, t.address, net.tenant_id, nullif(hand_out_addresses.pool, 0), t.node, t.run, t.name,
           hand_out_addresses.instant
    FROM unnest(taken, array_cat(nodes, array_fill(NULL::bigint, ARRAY[cardinality(runs) + cardinality(names)])),
                array_cat(array_fill(NULL::bigint, ARRAY[cardinality(nodes)]), runs),
                array_cat(array_fill(NULL::text, ARRAY[cardinality(nodes) + cardinality(runs)]), names))
         AS t(address, node, run, name)
    ON CONFLICT (network_id, address) DO UPDATE SET pool_id = excluded.pool_id, node_id = excluded.node_id,
        run_id = excluded.run_id, name = excluded.name, since = excluded.since
    WHERE a.since IS NULL;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> wanted THEN
        RAISE EXCEPTION USING ERRCODE = 'PM006', MESSAGE = format('the books of network "%s" do not agree', net.name),
            DETAIL = 'An address that table "network_load" counts as never used is in use.',
            HINT = 'Compare it with table "network_address".';
    END IF;
    RETURN taken;
END $$;
COMMENT ON FUNCTION hand_out_addresses(bigint, bigint, bigint[], bigint[], text[], timestamptz) IS
'hands out addresses of a network, the lowest freed ones, then those never used: one to each node and run of a pool, or (pool 0) to each name; returns them. Takes the lock of the network''s addresses. 54000: there are not as many free; PM006: the books do not agree. Not to be called by users (42501)';

CREATE FUNCTION take_node_addresses(network bigint, pool bigint, nodes bigint[], instant timestamptz) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    takers bigint[] := ARRAY(
        SELECT u.node FROM unnest(nodes) AS u(node) WHERE NOT EXISTS (
            SELECT FROM network_address a WHERE a.pool_id = take_node_addresses.pool AND a.node_id = u.node)
        ORDER BY u.node);
BEGIN
    IF cardinality(takers) > 0 THEN
        PERFORM hand_out_addresses(network, pool, takers, '{}', '{}', instant);
    END IF;
END $$;
COMMENT ON FUNCTION take_node_addresses(bigint, bigint, bigint[], timestamptz) IS
'gives each of a pool''s nodes that has none an address of its network, under the pool''s lock. 54000: there are not as many free. Not to be called by users (42501)';

CREATE FUNCTION take_run_addresses(network bigint, pool bigint, runs bigint[], counts integer[], instant timestamptz) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    takers bigint[] := ARRAY(
        SELECT u.run FROM unnest(runs, counts) AS u(run, replicas), generate_series(1, u.replicas) ORDER BY u.run);
BEGIN
    IF cardinality(takers) > 0 THEN
        PERFORM hand_out_addresses(network, pool, '{}', takers, '{}', instant);
    END IF;
END $$;
COMMENT ON FUNCTION take_run_addresses(bigint, bigint, bigint[], integer[], timestamptz) IS
'gives runs of a pool so many addresses each of its network, one a replica, under the pool''s lock; they go back when the run ends. 54000: there are not as many free. Not to be called by users (42501)';

CREATE FUNCTION give_back_node_addresses(pool bigint, nodes bigint[]) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    WITH freed AS (
        UPDATE network_address a SET pool_id = NULL, node_id = NULL, since = NULL
        WHERE a.pool_id = give_back_node_addresses.pool AND a.node_id = ANY (give_back_node_addresses.nodes)
        RETURNING a.network_id)
    UPDATE network_load l SET addresses = l.addresses - f.addresses
    FROM (SELECT network_id, count(*) AS addresses FROM freed GROUP BY network_id) AS f
    WHERE l.network_id = f.network_id;
END $$;
COMMENT ON FUNCTION give_back_node_addresses(bigint, bigint[]) IS
'frees the addresses of a pool''s nodes, under the pool''s lock. Not to be called by users (42501)';

CREATE FUNCTION reserve_address(network bigint, name text, request_id text DEFAULT NULL) RETURNS inet
LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'owner');
    earlier bigint[] := earlier_results(net.tenant_id);
    first_address inet := set_masklen(net.cidr::inet, 32);
    instant timestamptz := greatest(write_clock(), net.created_at);
    reserved inet;
BEGIN
    IF earlier IS NOT NULL THEN
        RETURN first_address + earlier[1];
    END IF;
    PERFORM check_name(reserve_address.name, 'name');
    PERFORM require_active(net, 'hands out addresses');
    IF EXISTS (SELECT FROM network_address a WHERE a.network_id = reserve_address.network AND a.name = reserve_address.name) THEN
        RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = format('address "%s" already exists', reserve_address.name),
            DETAIL = 'Names are not given twice.',
            HINT = 'Choose another name; with a "request_id" a call can be repeated.';
    END IF;
    reserved := (hand_out_addresses(network, 0, '{}', '{}', ARRAY[reserve_address.name], instant))[1];
    INSERT INTO holding (tenant_id, sku_id, quantity, workspace_id, network_id, address, since, metered_until)
    SELECT net.tenant_id, net.address_sku_id, 1000, net.workspace_id, net.network_id, reserved,
           date_trunc('second', instant), date_trunc('second', instant)
    WHERE net.address_sku_id IS NOT NULL;
    INSERT INTO event (tenant_id, at, kind, to_state, actor, reason)
    VALUES (net.tenant_id, instant, 'address_reserved', 'reserved', actor(), format('%s %s', host(reserved), reserve_address.name));
    PERFORM remember_results(ARRAY[reserved - first_address]);
    RETURN reserved;
END $$;
COMMENT ON FUNCTION reserve_address(bigint, text, text) IS
'takes an address of a network out of those that nodes and replicas get, under a name, and returns it; it is billed until release_address(), if addresses of the network are. Owners of the tenant (42501); 42704: no such network; 42710: the name is taken; 54000: none is free; PM002: the network is not active';
CREATE FUNCTION reserve_address(network text, name text, request_id text DEFAULT NULL) RETURNS inet LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.reserve_address(pool_manager.find_network(network), name, request_id); END;
COMMENT ON FUNCTION reserve_address(text, text, text) IS 'the same, the network by name';

CREATE FUNCTION release_address(network bigint, name text) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    net network := lock_network(network, 'owner');
    held network_address;
    instant timestamptz;
BEGIN
    UPDATE network_load l SET addresses = l.addresses WHERE l.network_id = release_address.network;
    SELECT a.* INTO held FROM network_address a
    WHERE a.network_id = release_address.network AND a.name = release_address.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('address "%s" does not exist', release_address.name),
            DETAIL = format('Network "%s" has reserved none of this name.', net.name),
            HINT = 'View "address_status" shows those that are in use.';
    END IF;
    instant := close_network_holdings(network, held.address, greatest(write_clock(), held.since));
    UPDATE network_address a SET name = NULL, since = NULL
    WHERE a.network_id = release_address.network AND a.address = held.address;
    UPDATE network_load l SET addresses = l.addresses - 1 WHERE l.network_id = release_address.network;
    INSERT INTO event (tenant_id, at, kind, from_state, actor, reason)
    VALUES (net.tenant_id, instant, 'address_reserved', 'reserved', actor(), format('%s %s', host(held.address), release_address.name));
END $$;
COMMENT ON FUNCTION release_address(bigint, text) IS
'frees an address that was reserved; it is billed until now. Owners of the tenant (42501); 42704: no such network, or no address of this name';
CREATE FUNCTION release_address(network text, name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC SELECT pool_manager.release_address(pool_manager.find_network(network), name); END;
COMMENT ON FUNCTION release_address(text, text) IS 'the same, the network by name';

-- ---- what there is to see ----

CREATE VIEW network_status WITH (security_invoker = true) AS
SELECT n.network_id,
       n.name AS network,
       t.name AS tenant,
       n.cidr,
       n.cidr6,
       n.state,
       (SELECT count(*) FROM pool p WHERE p.network_id = n.network_id AND p.deleted_at IS NULL) AS pools,
       l.addresses,
       l.capacity - l.addresses AS free,
       trim_scale(l.bandwidth / 1000.0) AS mbits,
       n.bandwidth AS mbits_total
FROM network n
JOIN tenant t USING (tenant_id)
JOIN network_load l USING (network_id);
COMMENT ON VIEW network_status IS 'networks with what is on them and what of them is in use';
COMMENT ON COLUMN network_status.network_id IS 'network';
COMMENT ON COLUMN network_status.network IS 'its name';
COMMENT ON COLUMN network_status.tenant IS 'owner';
COMMENT ON COLUMN network_status.cidr IS 'address range';
COMMENT ON COLUMN network_status.cidr6 IS 'range of IPv6 addresses; NULL: none';
COMMENT ON COLUMN network_status.state IS 'state';
COMMENT ON COLUMN network_status.pools IS 'pools that are on it';
COMMENT ON COLUMN network_status.addresses IS 'addresses in use';
COMMENT ON COLUMN network_status.free IS 'addresses that are free';
COMMENT ON COLUMN network_status.mbits IS 'bandwidth that running jobs hold, in Mbit/s';
COMMENT ON COLUMN network_status.mbits_total IS 'bandwidth that jobs can hold together; NULL: any';

CREATE VIEW address_status WITH (security_invoker = true) AS
SELECT n.name AS network,
       a.address,
       set_masklen(n.cidr6::inet, 128) + (a.address - set_masklen(n.cidr::inet, 32)) AS address6,
       p.name AS pool,
       d.name AS node,
       r.job_id,
       a.name,
       date_trunc('second', a.since) AS since,
       a.network_id,
       a.pool_id,
       a.node_id,
       a.run_id
FROM network_address a
JOIN network n USING (network_id)
LEFT JOIN pool p ON p.pool_id = a.pool_id
LEFT JOIN node d ON d.pool_id = a.pool_id AND d.node_id = a.node_id
LEFT JOIN job_run r ON r.pool_id = a.pool_id AND r.run_id = a.run_id
WHERE a.since IS NOT NULL;
COMMENT ON VIEW address_status IS 'addresses in use, and who has each: a node, a replica of a job, or a name for which it is reserved';
COMMENT ON COLUMN address_status.network IS 'network';
COMMENT ON COLUMN address_status.address IS 'the address';
COMMENT ON COLUMN address_status.address6 IS 'the IPv6 address that goes with it; NULL: the network has none';
COMMENT ON COLUMN address_status.pool IS 'pool of the node or job';
COMMENT ON COLUMN address_status.node IS 'node that has it';
COMMENT ON COLUMN address_status.job_id IS 'job one of whose replicas has it';
COMMENT ON COLUMN address_status.name IS 'what it is reserved for';
COMMENT ON COLUMN address_status.since IS 'since when';
COMMENT ON COLUMN address_status.network_id IS 'network';
COMMENT ON COLUMN address_status.pool_id IS 'pool';
COMMENT ON COLUMN address_status.node_id IS 'node';
COMMENT ON COLUMN address_status.run_id IS 'run';

CREATE VIEW peering_status WITH (security_invoker = true) AS
SELECT n.name AS network,
       p.peer,
       p.cidr,
       p.state,
       (SELECT count(*) FROM file_system f WHERE f.network_id = p.network_id AND f.peering_id = p.peering_id) AS file_systems,
       date_trunc('second', p.created_at) AS created_at,
       p.reason
FROM network_peering p
JOIN network n USING (network_id);
COMMENT ON VIEW peering_status IS 'networks of tenants elsewhere that networks are connected to';
COMMENT ON COLUMN peering_status.network IS 'network';
COMMENT ON COLUMN peering_status.peer IS 'network at the other end';
COMMENT ON COLUMN peering_status.cidr IS 'its range';
COMMENT ON COLUMN peering_status.state IS 'state';
COMMENT ON COLUMN peering_status.file_systems IS 'file systems that are reached over it';
COMMENT ON COLUMN peering_status.created_at IS 'when it was asked for';
COMMENT ON COLUMN peering_status.reason IS 'why it is abnormal';

CREATE VIEW file_system_status WITH (security_invoker = true) AS
SELECT f.name AS file_system,
       n.name AS network,
       f.connection,
       p.peer,
       f.subnet,
       f.address,
       f.state,
       (SELECT count(DISTINCT (j.pool_id, j.job_id)) FROM job_mount m JOIN job j USING (pool_id, job_id)
        WHERE m.file_system_id = f.file_system_id AND j.end_state IS NULL) AS jobs,
       f.reason
FROM file_system f
JOIN network n USING (network_id)
LEFT JOIN network_peering p ON p.network_id = f.network_id AND p.peering_id = f.peering_id;
COMMENT ON VIEW file_system_status IS 'shared file systems, how they are reached and how many jobs mount them';
COMMENT ON COLUMN file_system_status.file_system IS 'file system';
COMMENT ON COLUMN file_system_status.network IS 'network that reaches it';
COMMENT ON COLUMN file_system_status.connection IS 'how';
COMMENT ON COLUMN file_system_status.peer IS 'over which peer, where it is a peering';
COMMENT ON COLUMN file_system_status.subnet IS 'range that it lies in, where known';
COMMENT ON COLUMN file_system_status.address IS 'its address, where known';
COMMENT ON COLUMN file_system_status.state IS 'state';
COMMENT ON COLUMN file_system_status.jobs IS 'jobs that mount it and have not ended';
COMMENT ON COLUMN file_system_status.reason IS 'why it is abnormal';

GRANT SELECT ON network_status, address_status, peering_status, file_system_status TO PUBLIC;
REVOKE EXECUTE ON FUNCTION check_range(cidr, text), check_address(inet, cidr), find_hourly_sku(text), lock_network(bigint, text),
    open_bandwidth_holding(bigint, timestamptz), close_network_holdings(bigint, inet, timestamptz),
    set_network_state(network, network_state, text), require_active(network, text), network_uses(bigint),
    lock_peering(network, text), set_peering_state(network_peering, peering_state, text), lock_file_system(network, text),
    set_file_system_state(file_system, file_system_state, text, inet), forget_file_system(file_system),
    refuse_file_system(file_system, text),
    hand_out_addresses(bigint, bigint, bigint[], bigint[], text[], timestamptz),
    take_node_addresses(bigint, bigint, bigint[], timestamptz),
    take_run_addresses(bigint, bigint, bigint[], integer[], timestamptz),
    give_back_node_addresses(bigint, bigint[]) FROM PUBLIC;
