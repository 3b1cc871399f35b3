-- Networks: ranges and bandwidth; what the files of addresses, file systems and
-- peers share.
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

GRANT SELECT ON network_status TO PUBLIC;
REVOKE EXECUTE ON FUNCTION check_range(cidr, text), check_address(inet, cidr), find_hourly_sku(text), lock_network(bigint, text),
    open_bandwidth_holding(bigint, timestamptz), close_network_holdings(bigint, inet, timestamptz),
    set_network_state(network, network_state, text), require_active(network, text), network_uses(bigint) FROM PUBLIC;
