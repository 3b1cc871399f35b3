-- Every change of state: when, what, from, to, who, why.

CREATE TABLE event_kind (
    kind        text NOT NULL,
    description text NOT NULL,
    CONSTRAINT event_kind_pkey PRIMARY KEY (kind)
);
COMMENT ON TABLE event_kind IS 'what can be read in event.kind';
COMMENT ON COLUMN event_kind.kind IS 'the word';
COMMENT ON COLUMN event_kind.description IS 'what happened, and what reason holds';
INSERT INTO event_kind (kind, description) VALUES
    ('tenant_created', 'an account was made'),
    ('member_granted', 'a database role may act for the tenant; reason: the role and its level'),
    ('network_created', 'a network was made'),
    ('pool_created', 'a pool was made'),
    ('nodes_added', 'nodes joined the pool; reason: how many of which flavor'),
    ('price_set', 'a price was set or ended; reason: the SKU'),
    ('job_state', 'a job changed its state');

CREATE SEQUENCE event_id_seq;
CREATE TABLE event (
    tenant_id  bigint      NOT NULL,
    event_id   bigint      NOT NULL DEFAULT nextval('event_id_seq'),
    at         timestamptz NOT NULL,
    kind       text        NOT NULL,
    pool_id    bigint,
    node_id    bigint,
    job_id     bigint,
    run_id     bigint,
    from_state text,
    to_state   text,
    actor      name        NOT NULL,
    reason     text,
    CONSTRAINT event_pkey PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX event_job_idx ON event (tenant_id, job_id) WHERE job_id IS NOT NULL;
COMMENT ON TABLE event IS 'every change of state, append-only';
COMMENT ON COLUMN event.tenant_id IS 'whom it concerns; 0: the provider';
COMMENT ON COLUMN event.event_id IS 'identifier';
COMMENT ON COLUMN event.at IS 'when, by the extension''s clock';
COMMENT ON COLUMN event.kind IS 'what happened: a word of event_kind. No foreign key: every writer would lock the same row';
COMMENT ON COLUMN event.pool_id IS 'pool';
COMMENT ON COLUMN event.node_id IS 'node';
COMMENT ON COLUMN event.job_id IS 'job';
COMMENT ON COLUMN event.run_id IS 'run';
COMMENT ON COLUMN event.from_state IS 'state before; NULL: there was none';
COMMENT ON COLUMN event.to_state IS 'state after';
COMMENT ON COLUMN event.actor IS 'database role that caused it';
COMMENT ON COLUMN event.reason IS 'why, where there is more to say';

SELECT pg_catalog.pg_extension_config_dump('event_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('event', '');
