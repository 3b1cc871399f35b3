-- Every change of state: when, what, from, to, who, why.

CREATE TABLE event_kind (
    kind        text    NOT NULL,
    warning     boolean NOT NULL DEFAULT false,
    description text    NOT NULL,
    CONSTRAINT event_kind_pkey PRIMARY KEY (kind)
);
COMMENT ON TABLE event_kind IS 'what can be read in event.kind';
COMMENT ON COLUMN event_kind.kind IS 'the word';
COMMENT ON COLUMN event_kind.warning IS 'is it something to look into?';
COMMENT ON COLUMN event_kind.description IS 'what happened, and what reason holds';
INSERT INTO event_kind (kind, description) VALUES
    ('tenant_created', 'an account was made'),
    ('tenant_state', 'an account changed its state'),
    ('quota_set', 'a quota was set; reason: the resource and the limit'),
    ('network_state', 'a network changed its state; reason: its name'),
    ('network_deleted', 'a network was deleted; reason: its name'),
    ('network_changed', 'bandwidth, IPv6 range or SKUs of a network were set; reason: which, and its name'),
    ('peering_state', 'a peering was made, changed its state or ended; reason: the peer'),
    ('file_system_state', 'a file system was attached, changed its state or was detached; reason: its name'),
    ('address_reserved', 'an address was reserved or given back; reason: the address and its name'),
    ('pool_state', 'a pool changed its state'),
    ('pool_changed', 'settings of a pool were changed; reason: which'),
    ('pool_deleted', 'a pool was deleted'),
    ('order_phase', 'an order of a pool came further; reason: its operation and id'),
    ('job_type_state', 'a job type of a pool changed its state; reason: the type'),
    ('sub_pool_changed', 'a sub-pool was made, changed or deleted, or nodes were bound to it; reason: its name'),
    ('node_state', 'a node changed its state'),
    ('node_changed', 'marks of a node were changed: cordon, lock, spare, labels, taints, tags, topology, binding; reason: which'),
    ('node_task', 'a task of a node came further; reason: its kind'),
    ('maintenance_state', 'a scheduled event came further; reason: what it is'),
    ('reservation_changed', 'a reservation of nodes was made or deleted; reason: its name'),
    ('job_changed', 'priority or number of replicas of a job was changed; reason: from what to what'),
    ('member_granted', 'a database role may act for the tenant; reason: the role and its level'),
    ('member_revoked', 'a database role no longer acts for the tenant; reason: the role'),
    ('contract_set', 'a contract was set; reason: from which month, and what it says'),
    ('network_created', 'a network was made'),
    ('pool_created', 'a pool was made'),
    ('nodes_added', 'nodes joined the pool; reason: how many of which flavor'),
    ('bill_issued', 'a month was closed; reason: its bill'),
    ('archived', 'closed periods were marked as archived, or charges and usage of them were moved away; reason: up to when, or how many rows into which schema'),
    ('payment_recorded', 'a payment was recorded; reason: the amount and what it was'),
    ('credit_limit_set', 'what a tenant may owe was limited; reason: the limit and the time of grace'),
    ('adjusted', 'an adjustment or a tax was booked; reason: the amount and what for'),
    ('price_set', 'a price was set or ended; reason: the SKU'),
    ('repriced', 'charges moved to a price set for their past; reason: the SKU, and why'),
    ('usage_corrected', 'usage was taken back, and recorded anew if something was left; reason: which, and why'),
    ('job_preempted', 'a run ends, stops or has become smaller for another job; reason: for which, and from how many replicas to how many'),
    ('job_state', 'a job changed its state');
INSERT INTO event_kind (kind, warning, description) VALUES
    ('node_fault', true, 'a fault of a node was reported; to: the code, reason: what was said of it'),
    ('spare_swapped', true, 'a hot spare took the place of a node that failed; reason: the name of the other'),
    ('restart_given_up', true, 'a job that was to be restarted found no resources in time');

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
CREATE INDEX event_pool_idx ON event (pool_id, event_id) WHERE pool_id IS NOT NULL AND job_id IS NULL;
CREATE INDEX event_fault_idx ON event (pool_id, node_id, event_id) WHERE kind IN ('node_fault', 'spare_swapped');
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
