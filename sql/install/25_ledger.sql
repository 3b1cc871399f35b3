-- Metering and prices: what is held, what was used, what it costs.

CREATE SEQUENCE holding_id_seq;
CREATE TABLE holding (
    tenant_id     bigint      NOT NULL,
    holding_id    bigint      NOT NULL DEFAULT nextval('holding_id_seq'),
    sku_id        bigint      NOT NULL,
    quantity      bigint      NOT NULL,
    workspace_id  bigint,
    pool_id       bigint,
    job_id        bigint,
    run_id        bigint,
    node_id       bigint,
    volume_id     bigint,
    network_id    bigint,
    address       inet,
    since         timestamptz NOT NULL,
    metered_until timestamptz NOT NULL,
    slice_no      integer     NOT NULL DEFAULT 0,
    CONSTRAINT holding_pkey PRIMARY KEY (tenant_id, holding_id),
    CONSTRAINT holding_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT holding_sku_fkey FOREIGN KEY (sku_id) REFERENCES sku,
    CONSTRAINT holding_run_fkey FOREIGN KEY (pool_id, run_id) REFERENCES job_run,
    CONSTRAINT holding_node_fkey FOREIGN KEY (pool_id, node_id) REFERENCES node,
    CONSTRAINT holding_volume_fkey FOREIGN KEY (tenant_id, volume_id) REFERENCES volume,
    CONSTRAINT holding_network_fkey FOREIGN KEY (network_id, tenant_id) REFERENCES network (network_id, tenant_id),
    CONSTRAINT holding_thing_check CHECK (
        num_nonnulls(run_id, node_id, volume_id, network_id) = 1 AND
        (num_nonnulls(run_id, volume_id) = 1) = (job_id IS NOT NULL) AND
        (network_id IS NULL) = (pool_id IS NOT NULL) AND (address IS NULL OR network_id IS NOT NULL)),
    CONSTRAINT holding_quantity_check CHECK (quantity > 0),
    CONSTRAINT holding_tenant_check CHECK (tenant_id <> 0),
    CONSTRAINT holding_times_check CHECK (
        is_whole_second(since) AND is_whole_second(metered_until) AND metered_until >= since),
    CONSTRAINT holding_slice_check CHECK (slice_no >= 0 AND (slice_no = 0) = (metered_until = since))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX holding_run_key ON holding (pool_id, run_id, sku_id) WHERE run_id IS NOT NULL;
CREATE UNIQUE INDEX holding_node_key ON holding (pool_id, node_id, sku_id) WHERE node_id IS NOT NULL;
CREATE UNIQUE INDEX holding_volume_key ON holding (tenant_id, volume_id) WHERE volume_id IS NOT NULL;
CREATE UNIQUE INDEX holding_volume_job_key ON holding (pool_id, job_id) WHERE volume_id IS NOT NULL;
CREATE UNIQUE INDEX holding_network_key ON holding (network_id, address, sku_id) NULLS NOT DISTINCT WHERE network_id IS NOT NULL;
COMMENT ON TABLE holding IS
'what is held now and billed by time: one row per run and SKU, per node of a dedicated pool and SKU, per volume, per network or address of it and SKU. The row goes when it is given back';
COMMENT ON COLUMN holding.tenant_id IS 'who pays';
COMMENT ON COLUMN holding.holding_id IS 'identifier, kept by the usage it causes';
COMMENT ON COLUMN holding.sku_id IS 'what it is billed as';
COMMENT ON COLUMN holding.quantity IS 'thousandths of the SKU''s unit';
COMMENT ON COLUMN holding.workspace_id IS 'cost centre';
COMMENT ON COLUMN holding.pool_id IS 'pool; none of a network';
COMMENT ON COLUMN holding.job_id IS 'job, of a run or a volume';
COMMENT ON COLUMN holding.run_id IS 'run that holds it';
COMMENT ON COLUMN holding.node_id IS 'node that is held, or that holds it: a data disk, an address';
COMMENT ON COLUMN holding.volume_id IS 'volume that is held';
COMMENT ON COLUMN holding.network_id IS 'network whose bandwidth, or one of whose addresses, is held';
COMMENT ON COLUMN holding.address IS 'address reserved by reserve_address';
COMMENT ON COLUMN holding.since IS 'from when, cut to the second';
COMMENT ON COLUMN holding.metered_until IS 'end of its last slice of usage; since, while there is none';
COMMENT ON COLUMN holding.slice_no IS 'number of its last slice of usage';

CREATE SEQUENCE usage_id_seq;
CREATE TABLE usage (
    tenant_id    bigint      NOT NULL,
    usage_id     bigint      NOT NULL DEFAULT nextval('usage_id_seq'),
    sku_id       bigint      NOT NULL,
    quantity     bigint      NOT NULL,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    run_seconds  bigint,
    workspace_id bigint,
    pool_id      bigint,
    job_id       bigint,
    run_id       bigint,
    node_id      bigint,
    volume_id    bigint,
    network_id   bigint,
    holding_id   bigint,
    slice_no     integer     NOT NULL,
    source       text,
    event_id     text,
    corrects     bigint,
    reason       text,
    CONSTRAINT usage_pkey PRIMARY KEY (tenant_id, usage_id),
    CONSTRAINT usage_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT usage_sku_fkey FOREIGN KEY (sku_id) REFERENCES sku,
    CONSTRAINT usage_workspace_fkey FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspace,
    CONSTRAINT usage_corrects_fkey FOREIGN KEY (tenant_id, corrects) REFERENCES usage,
    CONSTRAINT usage_origin_check CHECK (num_nonnulls(holding_id, source, corrects) = 1),
    CONSTRAINT usage_event_check CHECK ((source IS NULL) = (event_id IS NULL) AND source <> '' AND event_id <> ''),
    CONSTRAINT usage_quantity_check CHECK (quantity <> 0 AND (quantity < 0) = (corrects IS NOT NULL)),
    CONSTRAINT usage_run_check CHECK (run_seconds IS NULL OR
        run_seconds > 0 AND run_seconds >= extract(epoch FROM ended_at - started_at) AND run_id IS NOT NULL),
    CONSTRAINT usage_reason_check CHECK (
        reason <> '' AND (reason IS NOT NULL) = (corrects IS NOT NULL OR source IS NOT DISTINCT FROM 'correction')),
    CONSTRAINT usage_slice_check CHECK (slice_no >= 1),
    CONSTRAINT usage_tenant_check CHECK (tenant_id <> 0),
    CONSTRAINT usage_times_check CHECK (
        is_whole_second(started_at) AND is_whole_second(ended_at) AND
        (ended_at > started_at OR ended_at = started_at AND run_seconds IS NOT NULL))
);
CREATE UNIQUE INDEX usage_slice_key ON usage (tenant_id, holding_id, slice_no) WHERE holding_id IS NOT NULL;
CREATE INDEX usage_time_idx ON usage (tenant_id, started_at);
CREATE UNIQUE INDEX usage_event_key ON usage (source, event_id, slice_no) WHERE source IS NOT NULL;
CREATE UNIQUE INDEX usage_corrects_key ON usage (tenant_id, corrects) WHERE corrects IS NOT NULL;
COMMENT ON TABLE usage IS
'what was used, [started_at, ended_at) in whole seconds, never across the edge of a billing month: closed slices of holdings, records of external meters, corrections. Append-only';
COMMENT ON COLUMN usage.tenant_id IS 'who pays';
COMMENT ON COLUMN usage.usage_id IS 'identifier';
COMMENT ON COLUMN usage.sku_id IS 'what it is billed as';
COMMENT ON COLUMN usage.quantity IS 'thousandths of the SKU''s unit; below 0: takes other usage back';
COMMENT ON COLUMN usage.started_at IS 'first second';
COMMENT ON COLUMN usage.ended_at IS 'second behind the last';
COMMENT ON COLUMN usage.run_seconds IS 'of the last slice of a run: how long all of the run took, for prices with a minimum or a quantum of seconds; the slice may be empty then';
COMMENT ON COLUMN usage.workspace_id IS 'cost centre';
COMMENT ON COLUMN usage.pool_id IS 'pool';
COMMENT ON COLUMN usage.job_id IS 'job';
COMMENT ON COLUMN usage.run_id IS 'run';
COMMENT ON COLUMN usage.node_id IS 'node, of a dedicated pool';
COMMENT ON COLUMN usage.volume_id IS 'volume';
COMMENT ON COLUMN usage.network_id IS 'network';
COMMENT ON COLUMN usage.holding_id IS 'holding it is a slice of; NULL: from an external meter, or a correction';
COMMENT ON COLUMN usage.slice_no IS 'number of the slice of the holding or event, from 1; each begins where the one before ended';
COMMENT ON COLUMN usage.source IS 'external meter that recorded it; correction: it takes the place of other usage';
COMMENT ON COLUMN usage.event_id IS 'identifier of the event within its source; of a correction: usage and the id of what it takes the place of';
COMMENT ON COLUMN usage.corrects IS 'usage that this takes back, with its quantity negated';
COMMENT ON COLUMN usage.reason IS 'why it was corrected';

CREATE TABLE unrated (
    tenant_id bigint NOT NULL,
    usage_id  bigint NOT NULL,
    CONSTRAINT unrated_pkey PRIMARY KEY (tenant_id, usage_id),
    CONSTRAINT unrated_usage_fkey FOREIGN KEY (tenant_id, usage_id) REFERENCES usage
);
COMMENT ON TABLE unrated IS 'usage that no settlement has rated yet';
COMMENT ON COLUMN unrated.tenant_id IS 'who pays';
COMMENT ON COLUMN unrated.usage_id IS 'usage';

CREATE SEQUENCE price_id_seq;
CREATE TABLE price (
    tenant_id bigint      NOT NULL,
    price_id  bigint      NOT NULL DEFAULT nextval('price_id_seq'),
    sku_id    bigint      NOT NULL,
    currency  text        NOT NULL,
    tariff    tariff      NOT NULL,
    valid     tstzrange   NOT NULL,
    set_at    timestamptz NOT NULL,
    set_by    name        NOT NULL,
    minimum_seconds integer,
    quantum_seconds integer,
    CONSTRAINT price_pkey PRIMARY KEY (tenant_id, price_id),
    CONSTRAINT price_id_key UNIQUE (price_id),
    CONSTRAINT price_seconds_check CHECK (minimum_seconds BETWEEN 1 AND 86400 AND quantum_seconds BETWEEN 1 AND 86400),
    CONSTRAINT price_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT price_sku_fkey FOREIGN KEY (sku_id) REFERENCES sku,
    CONSTRAINT price_currency_fkey FOREIGN KEY (currency) REFERENCES currency,
    CONSTRAINT price_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT price_valid_check CHECK (
        isempty(valid) OR NOT lower_inf(valid) AND lower_inc(valid) AND NOT upper_inc(valid) AND
        is_whole_second(lower(valid)) AND (upper_inf(valid) OR is_whole_second(upper(valid))) AND
        lower(valid) >= '0001-01-01 00:00:00+00' AND lower(valid) < '10000-01-01 00:00:00+00' AND
        (upper_inf(valid) OR upper(valid) < '10000-01-01 00:00:00+00')),
    CONSTRAINT price_overlap_excl EXCLUDE USING gist (
        tenant_id WITH =, sku_id WITH =, currency WITH =, valid WITH &&)
);
COMMENT ON TABLE price IS
'the price book: tariffs for a unit-hour of a SKU (or a unit of a once SKU), each in force for a time; list prices and contracted ones';
COMMENT ON COLUMN price.tenant_id IS 'for whom it was contracted; 0: list price';
COMMENT ON COLUMN price.price_id IS 'identifier: the price version';
COMMENT ON COLUMN price.sku_id IS 'what it is for';
COMMENT ON COLUMN price.currency IS 'ISO 4217 code';
COMMENT ON COLUMN price.tariff IS 'the price model';
COMMENT ON COLUMN price.valid IS 'when it is in force, in whole seconds, the upper bound excluded; empty: never, another took its place from its first second on';
COMMENT ON COLUMN price.set_at IS 'when it was entered';
COMMENT ON COLUMN price.set_by IS 'database role that entered it';
COMMENT ON COLUMN price.minimum_seconds IS 'a run is billed as at least so many seconds; NULL: no minimum';
COMMENT ON COLUMN price.quantum_seconds IS 'a run is billed in steps of so many seconds; NULL: by the second';

SELECT pg_catalog.pg_extension_config_dump('holding_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('holding', '');
SELECT pg_catalog.pg_extension_config_dump('usage_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('usage', '');
SELECT pg_catalog.pg_extension_config_dump('unrated', '');
SELECT pg_catalog.pg_extension_config_dump('price_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('price', '');
