-- Networks of tenants: ranges, peers, file systems, addresses.

CREATE FUNCTION is_reserved_range(range cidr) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN range && '172.16.0.0/16'::cidr OR range && '10.247.0.0/16'::cidr;
COMMENT ON FUNCTION is_reserved_range(cidr) IS
'does an address range overlap one that the pools themselves use: 172.16.0.0/16 for containers, 10.247.0.0/16 for services?';

CREATE FUNCTION ipv6_range(network bigint) RETURNS cidr
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT format('fd%s:%s:%s:%s::/64', substr(h, 1, 2), substr(h, 3, 4), substr(h, 7, 4), substr(h, 11, 4))::cidr
            FROM (SELECT lpad(to_hex(network & x'ffffffffffffff'::bigint), 14, '0') AS h) AS d);
COMMENT ON FUNCTION ipv6_range(bigint) IS
'the range of IPv6 addresses that the network with this id has once it has any: fd00::/8 and the last 56 bits of the id, a /64 of its own';

CREATE TABLE network_range (
    network_id bigint NOT NULL,
    range      cidr   NOT NULL,
    peering_id bigint,
    CONSTRAINT network_range_pkey PRIMARY KEY (network_id, range),
    CONSTRAINT network_range_peering_key UNIQUE (network_id, range, peering_id),
    CONSTRAINT network_range_overlap_excl EXCLUDE USING gist (network_id WITH =, range inet_ops WITH &&)
);
COMMENT ON TABLE network_range IS
'ranges that a network knows, its own and its peers'': no two overlap. Networks and peerings refer to it, so none is without its range here';
COMMENT ON COLUMN network_range.network_id IS 'network';
COMMENT ON COLUMN network_range.range IS 'address range';
COMMENT ON COLUMN network_range.peering_id IS 'whose range it is; NULL: the network''s own';

CREATE SEQUENCE network_id_seq;
CREATE TABLE network (
    network_id       bigint        NOT NULL DEFAULT nextval('network_id_seq'),
    tenant_id        bigint        NOT NULL,
    name             object_name   NOT NULL,
    cidr             cidr          NOT NULL,
    cidr6            cidr,
    state            network_state NOT NULL DEFAULT 'active',
    reason           text,
    provider         provider_mode NOT NULL DEFAULT 'instant',
    workspace_id     bigint        NOT NULL,
    bandwidth        integer,
    bandwidth_sku_id bigint,
    address_sku_id   bigint,
    created_at       timestamptz   NOT NULL,
    CONSTRAINT network_pkey PRIMARY KEY (network_id),
    CONSTRAINT network_name_key UNIQUE (tenant_id, name),
    CONSTRAINT network_tenant_key UNIQUE (network_id, tenant_id),
    CONSTRAINT network_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT network_range_fkey FOREIGN KEY (network_id, cidr) REFERENCES network_range (network_id, range),
    CONSTRAINT network_range6_fkey FOREIGN KEY (network_id, cidr6) REFERENCES network_range (network_id, range),
    CONSTRAINT network_workspace_fkey FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspace,
    CONSTRAINT network_bandwidth_sku_fkey FOREIGN KEY (bandwidth_sku_id) REFERENCES sku,
    CONSTRAINT network_address_sku_fkey FOREIGN KEY (address_sku_id) REFERENCES sku,
    CONSTRAINT network_tenant_check CHECK (tenant_id <> 0),
    CONSTRAINT network_cidr_check CHECK (
        family(cidr) = 4 AND masklen(cidr) <= 28 AND NOT is_reserved_range(cidr) AND
        (cidr <<= '10.0.0.0/8' OR cidr <<= '172.16.0.0/12' OR cidr <<= '192.168.0.0/16')),
    CONSTRAINT network_cidr6_check CHECK (cidr6 = ipv6_range(network_id)),
    CONSTRAINT network_reason_check CHECK (reason IS NULL OR state = 'abnormal'),
    CONSTRAINT network_bandwidth_check CHECK (bandwidth BETWEEN 1 AND 1000000),
    CONSTRAINT network_bandwidth_sku_check CHECK (bandwidth_sku_id IS NULL OR bandwidth IS NOT NULL)
);
COMMENT ON TABLE network IS 'private networks of tenants; many pools may be on one';
COMMENT ON COLUMN network.network_id IS 'identifier';
COMMENT ON COLUMN network.tenant_id IS 'owner';
COMMENT ON COLUMN network.name IS 'name, unique within the tenant';
COMMENT ON COLUMN network.cidr IS 'address range, private, fixed at creation; 8 to 28 bits of network';
COMMENT ON COLUMN network.cidr6 IS 'range of IPv6 addresses, a /64 that ipv6_range() says; NULL: none. Cannot be taken away';
COMMENT ON COLUMN network.state IS 'creating, active or abnormal';
COMMENT ON COLUMN network.reason IS 'why it is abnormal';
COMMENT ON COLUMN network.provider IS 'who carries out what is asked of the network';
COMMENT ON COLUMN network.workspace_id IS 'cost centre of what the network itself costs';
COMMENT ON COLUMN network.bandwidth IS 'Mbit/s that jobs on all its pools may ask for together (resource bandwidth); NULL: any';
COMMENT ON COLUMN network.bandwidth_sku_id IS 'what a Mbit/s of it is billed as; NULL: it is free';
COMMENT ON COLUMN network.address_sku_id IS 'what an address in use is billed as; NULL: they are free';
COMMENT ON COLUMN network.created_at IS 'when it was made';

CREATE TABLE network_load (
    network_id  bigint NOT NULL,
    next_offset bigint NOT NULL DEFAULT 2,
    addresses   bigint NOT NULL DEFAULT 0,
    capacity    bigint NOT NULL,
    bandwidth   bigint NOT NULL DEFAULT 0,
    bandwidth_capacity bigint,
    CONSTRAINT network_load_pkey PRIMARY KEY (network_id),
    CONSTRAINT network_load_network_fkey FOREIGN KEY (network_id) REFERENCES network,
    CONSTRAINT network_load_addresses_check CHECK (addresses BETWEEN 0 AND capacity),
    CONSTRAINT network_load_offset_check CHECK (next_offset BETWEEN 2 AND capacity + 2),
    CONSTRAINT network_load_bandwidth_check CHECK (bandwidth >= 0 AND bandwidth <= bandwidth_capacity)
) WITH (fillfactor = 20);
COMMENT ON TABLE network_load IS
'the lock of each network, and what of it is in use: who updates the row owns the addresses and the bandwidth until the end of the transaction';
COMMENT ON COLUMN network_load.network_id IS 'network';
COMMENT ON COLUMN network_load.next_offset IS 'first address, counted from that of the network, that was never handed out';
COMMENT ON COLUMN network_load.addresses IS 'addresses in use';
COMMENT ON COLUMN network_load.capacity IS 'addresses that can be in use: all but those of the network, its gateway and broadcast';
COMMENT ON COLUMN network_load.bandwidth IS 'thousandths of a Mbit/s that live runs hold';
COMMENT ON COLUMN network_load.bandwidth_capacity IS 'thousandths of a Mbit/s that live runs can hold; NULL: any';

CREATE SEQUENCE peering_id_seq;
CREATE TABLE network_peering (
    peering_id bigint        NOT NULL DEFAULT nextval('peering_id_seq'),
    network_id bigint        NOT NULL,
    tenant_id  bigint        NOT NULL,
    peer       object_name   NOT NULL,
    cidr       cidr          NOT NULL,
    state      peering_state NOT NULL DEFAULT 'active',
    reason     text,
    created_at timestamptz   NOT NULL,
    CONSTRAINT network_peering_pkey PRIMARY KEY (peering_id),
    CONSTRAINT network_peering_network_key UNIQUE (network_id, peering_id),
    CONSTRAINT network_peering_peer_key UNIQUE (network_id, peer),
    CONSTRAINT network_peering_network_fkey FOREIGN KEY (network_id, tenant_id) REFERENCES network (network_id, tenant_id),
    CONSTRAINT network_peering_range_fkey FOREIGN KEY (network_id, cidr, peering_id)
        REFERENCES network_range (network_id, range, peering_id),
    CONSTRAINT network_peering_cidr_check CHECK (NOT is_reserved_range(cidr)),
    CONSTRAINT network_peering_reason_check CHECK (reason IS NULL OR state = 'abnormal')
);
COMMENT ON TABLE network_peering IS 'networks of the tenant''s elsewhere (VPC) that a network is connected to';
COMMENT ON COLUMN network_peering.peering_id IS 'identifier';
COMMENT ON COLUMN network_peering.network_id IS 'network';
COMMENT ON COLUMN network_peering.tenant_id IS 'its owner';
COMMENT ON COLUMN network_peering.peer IS 'name of the network at the other end';
COMMENT ON COLUMN network_peering.cidr IS 'its range, which overlaps no other range that the network knows';
COMMENT ON COLUMN network_peering.state IS 'connecting, active or abnormal';
COMMENT ON COLUMN network_peering.reason IS 'why it is abnormal';
COMMENT ON COLUMN network_peering.created_at IS 'when it was asked for';

CREATE SEQUENCE file_system_id_seq;
CREATE TABLE file_system (
    file_system_id bigint                 NOT NULL DEFAULT nextval('file_system_id_seq'),
    tenant_id      bigint                 NOT NULL,
    name           object_name            NOT NULL,
    network_id     bigint                 NOT NULL,
    connection     file_system_connection NOT NULL DEFAULT 'vpc_port',
    peering_id     bigint,
    subnet         cidr,
    address        inet,
    state          file_system_state      NOT NULL DEFAULT 'active',
    reason         text,
    created_at     timestamptz            NOT NULL,
    CONSTRAINT file_system_pkey PRIMARY KEY (file_system_id),
    CONSTRAINT file_system_name_key UNIQUE (tenant_id, name),
    CONSTRAINT file_system_network_key UNIQUE (file_system_id, network_id),
    CONSTRAINT file_system_network_fkey FOREIGN KEY (network_id, tenant_id) REFERENCES network (network_id, tenant_id),
    CONSTRAINT file_system_peering_fkey FOREIGN KEY (network_id, peering_id)
        REFERENCES network_peering (network_id, peering_id),
    CONSTRAINT file_system_peering_check CHECK ((connection = 'peering') = (peering_id IS NOT NULL)),
    CONSTRAINT file_system_subnet_check CHECK (NOT is_reserved_range(subnet)),
    CONSTRAINT file_system_address_check CHECK (address IS NULL OR subnet IS NULL OR address <<= subnet),
    CONSTRAINT file_system_host_check CHECK (
        NOT is_reserved_range(network(address)) AND masklen(address) = CASE family(address) WHEN 4 THEN 32 ELSE 128 END),
    CONSTRAINT file_system_reason_check CHECK (reason IS NULL OR state = 'abnormal')
);
CREATE INDEX file_system_network_idx ON file_system (network_id);
COMMENT ON TABLE file_system IS 'shared file systems, each attached to one network; its pools'' jobs can mount them';
COMMENT ON COLUMN file_system.file_system_id IS 'identifier';
COMMENT ON COLUMN file_system.tenant_id IS 'owner';
COMMENT ON COLUMN file_system.name IS 'name, unique within the tenant';
COMMENT ON COLUMN file_system.network_id IS 'the one network that reaches it';
COMMENT ON COLUMN file_system.connection IS 'how the network reaches it';
COMMENT ON COLUMN file_system.peering_id IS 'peering that reaches it; NULL: a port in the network does';
COMMENT ON COLUMN file_system.subnet IS 'range that it lies in, where known; not one that the pools use themselves';
COMMENT ON COLUMN file_system.address IS 'its address, where known';
COMMENT ON COLUMN file_system.state IS 'creating, active, abnormal or deleting; only an active one is mounted by new jobs';
COMMENT ON COLUMN file_system.reason IS 'why it is abnormal';
COMMENT ON COLUMN file_system.created_at IS 'when it was attached';

SELECT pg_catalog.pg_extension_config_dump('network_range', '');
SELECT pg_catalog.pg_extension_config_dump('network_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('network', '');
SELECT pg_catalog.pg_extension_config_dump('network_load', '');
SELECT pg_catalog.pg_extension_config_dump('peering_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('network_peering', '');
SELECT pg_catalog.pg_extension_config_dump('file_system_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('file_system', '');
