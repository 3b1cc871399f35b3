-- Reservations: nodes that for a time take the jobs of one tenant or sub-pool alone.

CREATE SEQUENCE reservation_id_seq;
CREATE TABLE reservation (
    pool_id        bigint      NOT NULL,
    reservation_id bigint      NOT NULL DEFAULT nextval('reservation_id_seq'),
    tenant_id      bigint      NOT NULL,
    sub_pool_id    bigint,
    name           object_name NOT NULL,
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    created_by     name        NOT NULL,
    deleted_at     timestamptz,
    CONSTRAINT reservation_pkey PRIMARY KEY (pool_id, reservation_id),
    CONSTRAINT reservation_id_key UNIQUE (reservation_id),
    CONSTRAINT reservation_tenant_key UNIQUE (pool_id, reservation_id, tenant_id),
    CONSTRAINT reservation_times_key UNIQUE (pool_id, reservation_id, tenant_id, starts_at, ends_at),
    CONSTRAINT reservation_pool_fkey FOREIGN KEY (pool_id) REFERENCES pool,
    CONSTRAINT reservation_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT reservation_sub_pool_fkey FOREIGN KEY (pool_id, sub_pool_id) REFERENCES sub_pool,
    CONSTRAINT reservation_times_check CHECK (isfinite(starts_at) AND isfinite(ends_at) AND starts_at < ends_at),
    CONSTRAINT reservation_deleted_check CHECK (deleted_at >= created_at)
);
CREATE UNIQUE INDEX reservation_name_key ON reservation (pool_id, name) WHERE deleted_at IS NULL;
COMMENT ON TABLE reservation IS
'advance reservations: in that time their nodes take jobs alone that name the reservation';
COMMENT ON COLUMN reservation.pool_id IS 'pool';
COMMENT ON COLUMN reservation.reservation_id IS 'identifier';
COMMENT ON COLUMN reservation.tenant_id IS 'whose jobs may name it';
COMMENT ON COLUMN reservation.sub_pool_id IS 'sub-pool whose jobs alone may; NULL: all of the tenant''s';
COMMENT ON COLUMN reservation.name IS 'name, which jobs give';
COMMENT ON COLUMN reservation.starts_at IS 'from then on its jobs run there, and nothing else';
COMMENT ON COLUMN reservation.ends_at IS 'by then they have ended';
COMMENT ON COLUMN reservation.created_at IS 'when it was made';
COMMENT ON COLUMN reservation.created_by IS 'database role that made it';
COMMENT ON COLUMN reservation.deleted_at IS 'when it was deleted, or its name was given anew; NULL: it was not';

CREATE TABLE reservation_node (
    pool_id        bigint      NOT NULL,
    reservation_id bigint      NOT NULL,
    node_id        bigint      NOT NULL,
    tenant_id      bigint      NOT NULL,
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    CONSTRAINT reservation_node_pkey PRIMARY KEY (pool_id, reservation_id, node_id),
    -- the times are those of the reservation
    CONSTRAINT reservation_node_reservation_fkey FOREIGN KEY (pool_id, reservation_id, tenant_id, starts_at, ends_at)
        REFERENCES reservation (pool_id, reservation_id, tenant_id, starts_at, ends_at),
    CONSTRAINT reservation_node_node_fkey FOREIGN KEY (pool_id, node_id) REFERENCES node,
    CONSTRAINT reservation_node_overlap_excl EXCLUDE USING gist (node_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
);
CREATE INDEX reservation_node_ends_idx ON reservation_node (pool_id, ends_at);
COMMENT ON TABLE reservation_node IS
'nodes of reservations that were not deleted: at any time a node is in one at most';
COMMENT ON COLUMN reservation_node.pool_id IS 'pool';
COMMENT ON COLUMN reservation_node.reservation_id IS 'reservation';
COMMENT ON COLUMN reservation_node.node_id IS 'node';
COMMENT ON COLUMN reservation_node.tenant_id IS 'whose jobs may name the reservation';
COMMENT ON COLUMN reservation_node.starts_at IS 'that of the reservation, for the constraint';
COMMENT ON COLUMN reservation_node.ends_at IS 'that of the reservation, for the constraint';

SELECT pg_catalog.pg_extension_config_dump('reservation_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reservation', '');
SELECT pg_catalog.pg_extension_config_dump('reservation_node', '');
