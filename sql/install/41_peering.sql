-- Peers: networks of tenants elsewhere that a network is connected to.

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

GRANT SELECT ON peering_status TO PUBLIC;
REVOKE EXECUTE ON FUNCTION lock_peering(network, text), set_peering_state(network_peering, peering_state, text) FROM PUBLIC;
