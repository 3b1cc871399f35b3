-- Shared file systems, which a network reaches and jobs mount.

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

GRANT SELECT ON file_system_status TO PUBLIC;
REVOKE EXECUTE ON FUNCTION lock_file_system(network, text), set_file_system_state(file_system, file_system_state, text, inet),
    forget_file_system(file_system), refuse_file_system(file_system, text), latest_mounts(bigint) FROM PUBLIC;
