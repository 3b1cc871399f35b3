-- Addresses of a network: for nodes, replicas, and what is reserved by name.

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
    INSERT INTO network_address AS a (network_id, address, tenant_id, pool_id, node_id, run_id, name, since, sku_id)
    SELECT hand_out_addresses.network, t.address, net.tenant_id, nullif(hand_out_addresses.pool, 0), t.node, t.run, t.name,
           hand_out_addresses.instant, net.address_sku_id
    FROM unnest(taken, array_cat(nodes, array_fill(NULL::bigint, ARRAY[cardinality(runs) + cardinality(names)])),
                array_cat(array_fill(NULL::bigint, ARRAY[cardinality(nodes)]), runs),
                array_cat(array_fill(NULL::text, ARRAY[cardinality(nodes) + cardinality(runs)]), names))
         AS t(address, node, run, name)
    ON CONFLICT (network_id, address) DO UPDATE SET pool_id = excluded.pool_id, node_id = excluded.node_id,
        run_id = excluded.run_id, name = excluded.name, since = excluded.since, sku_id = excluded.sku_id
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
        UPDATE network_address a SET pool_id = NULL, node_id = NULL, since = NULL, sku_id = NULL
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
    SELECT a.tenant_id, a.sku_id, 1000, net.workspace_id, a.network_id, a.address,
           date_trunc('second', instant), date_trunc('second', instant)
    FROM network_address a WHERE a.network_id = reserve_address.network AND a.address = reserved AND a.sku_id IS NOT NULL;
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
    UPDATE network_address a SET name = NULL, since = NULL, sku_id = NULL
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

GRANT SELECT ON address_status TO PUBLIC;
REVOKE EXECUTE ON FUNCTION hand_out_addresses(bigint, bigint, bigint[], bigint[], text[], timestamptz),
    take_node_addresses(bigint, bigint, bigint[], timestamptz),
    take_run_addresses(bigint, bigint, bigint[], integer[], timestamptz),
    give_back_node_addresses(bigint, bigint[]) FROM PUBLIC;
