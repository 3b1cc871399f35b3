-- Accounts: who is billed, in whose name a role acts.

CREATE FUNCTION is_time_zone(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_is_time_zone' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION is_time_zone(text) IS
'is this the full name of a time zone with known rules (Asia/Shanghai)? Abbreviations and bare offsets are not';

CREATE FUNCTION is_cycle(interval) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_is_cycle' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION is_cycle(interval) IS
'is this a settlement cycle: a whole number of seconds that divides 24 hours, one day, or one month?';

CREATE FUNCTION is_whole_second(timestamptz) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_is_whole_second' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION is_whole_second(timestamptz) IS
'does this instant fall on a whole second? Metered intervals do';

CREATE FUNCTION billing_month(instant timestamptz, time_zone text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_billing_month' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION billing_month(timestamptz, text) IS
'the local midnight at which the billing month of an instant began: where clocks are set back over it, the second one. 22023: unknown time zone; 22008: an instant that is not finite';

CREATE SEQUENCE tenant_id_seq;
CREATE TABLE tenant (
    tenant_id   bigint      NOT NULL DEFAULT nextval('tenant_id_seq'),
    name        object_name NOT NULL,
    created_at  timestamptz NOT NULL,
    state       tenant_state NOT NULL DEFAULT 'active',
    state_since timestamptz,
    CONSTRAINT tenant_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT tenant_name_key UNIQUE (name),
    CONSTRAINT tenant_state_check CHECK (tenant_id <> 0 OR state = 'active')
);
COMMENT ON TABLE tenant IS
'accounts that own pools, submit jobs and are billed; tenant 0 is the provider, owner of public pools and list prices';
COMMENT ON COLUMN tenant.tenant_id IS 'identifier; 0 is the provider';
COMMENT ON COLUMN tenant.name IS 'unique name';
COMMENT ON COLUMN tenant.created_at IS 'when the account was made';
COMMENT ON COLUMN tenant.state IS 'active, grace or frozen';
COMMENT ON COLUMN tenant.state_since IS 'when it was put into this state; NULL: it was never in another';
INSERT INTO tenant VALUES (0, 'provider', '2000-01-01 00:00:00+00');

CREATE SEQUENCE workspace_id_seq;
CREATE TABLE workspace (
    tenant_id    bigint      NOT NULL,
    workspace_id bigint      NOT NULL DEFAULT nextval('workspace_id_seq'),
    name         object_name NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT workspace_pkey PRIMARY KEY (tenant_id, workspace_id),
    CONSTRAINT workspace_name_key UNIQUE (tenant_id, name),
    CONSTRAINT workspace_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant
);
COMMENT ON TABLE workspace IS 'cost centres of a tenant; every job has one, by default the one named default';
COMMENT ON COLUMN workspace.tenant_id IS 'whose cost centre it is';
COMMENT ON COLUMN workspace.workspace_id IS 'identifier';
COMMENT ON COLUMN workspace.name IS 'name, unique within the tenant';
COMMENT ON COLUMN workspace.created_at IS 'when it was made';

CREATE TABLE contract (
    tenant_id  bigint        NOT NULL,
    from_month date          NOT NULL,
    currency   text          NOT NULL,
    time_zone  text          NOT NULL,
    cycle      interval      NOT NULL DEFAULT '1 hour',
    rounding   rounding_rule NOT NULL DEFAULT 'half_up',
    CONSTRAINT contract_pkey PRIMARY KEY (tenant_id, from_month),
    CONSTRAINT contract_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT contract_tenant_check CHECK (tenant_id <> 0),
    CONSTRAINT contract_currency_fkey FOREIGN KEY (currency) REFERENCES currency,
    CONSTRAINT contract_from_month_check CHECK (extract(day FROM from_month) = 1 AND from_month >= '0001-01-01' AND from_month < '10000-01-01'),
    CONSTRAINT contract_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT contract_time_zone_check CHECK (is_time_zone(time_zone)),
    CONSTRAINT contract_cycle_check CHECK (is_cycle(cycle))
);
COMMENT ON TABLE contract IS
'how a tenant is billed from a month on; the row with the latest from_month that is not later counts';
COMMENT ON COLUMN contract.tenant_id IS 'who is billed';
COMMENT ON COLUMN contract.from_month IS 'first day of the first billing month it holds for';
COMMENT ON COLUMN contract.currency IS 'ISO 4217 code; only prices in it apply';
COMMENT ON COLUMN contract.time_zone IS 'full name of the time zone whose midnights are the edges of days and months';
COMMENT ON COLUMN contract.cycle IS 'settlement cycle: a divisor of 24 hours, a day, or a month';
COMMENT ON COLUMN contract.rounding IS 'how a bill is rounded, once, at its end';

CREATE TABLE tenant_member (
    tenant_id bigint       NOT NULL,
    role_name name         NOT NULL,
    level     member_level NOT NULL,
    public_pools  boolean  NOT NULL DEFAULT true,
    high_priority boolean  NOT NULL DEFAULT true,
    CONSTRAINT tenant_member_pkey PRIMARY KEY (tenant_id, role_name),
    CONSTRAINT tenant_member_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant
);
CREATE INDEX tenant_member_role_idx ON tenant_member (role_name);
COMMENT ON TABLE tenant_member IS
'which database roles act for which tenant; a member of such a role acts too. Members of tenant 0 are operators';
COMMENT ON COLUMN tenant_member.tenant_id IS 'for whom; 0 makes the role an operator';
COMMENT ON COLUMN tenant_member.role_name IS 'database role, by name, so that a dump loads where the role is not there yet';
COMMENT ON COLUMN tenant_member.level IS 'viewer, member or owner';
COMMENT ON COLUMN tenant_member.public_pools IS 'may it submit jobs to public pools?';
COMMENT ON COLUMN tenant_member.high_priority IS 'may it give jobs priority 3?';

CREATE TABLE quota_kind (
    resource    text   NOT NULL,
    unit        text   NOT NULL,
    by_default  bigint,
    metered     boolean NOT NULL DEFAULT false,
    description text   NOT NULL,
    CONSTRAINT quota_kind_pkey PRIMARY KEY (resource),
    CONSTRAINT quota_kind_default_check CHECK (by_default >= 0)
);
COMMENT ON TABLE quota_kind IS 'what may be limited by a quota, and the limit of tenants that have none of their own';
COMMENT ON COLUMN quota_kind.resource IS 'the word';
COMMENT ON COLUMN quota_kind.unit IS 'what is counted';
COMMENT ON COLUMN quota_kind.by_default IS 'limit of each tenant without a row in table quota; NULL: none';
COMMENT ON COLUMN quota_kind.metered IS 'is it used up by runs as they end, rather than counted from what there is?';
COMMENT ON COLUMN quota_kind.description IS 'what counts';
INSERT INTO quota_kind (resource, unit, by_default, metered, description) VALUES
    ('pools', 'pool', 15, false, 'dedicated pools that are not deleted'),
    ('nodes', 'node', NULL, false, 'nodes of dedicated pools'),
    ('networks', 'network', 15, false, 'networks'),
    ('training_jobs', 'job', NULL, false, 'training jobs that have not ended'),
    ('notebooks', 'job', NULL, false, 'notebooks that have not ended, stopped ones too'),
    ('services', 'job', NULL, false, 'inference services that have not ended, stopped ones too'),
    ('workflows', 'job', NULL, false, 'jobs of workflows that have not ended'),
    ('accelerator_minutes', 'device-minute', NULL, true, 'whole and partial accelerator devices held by runs, times minutes, of runs that have ended'),
    ('run_minutes', 'minute', NULL, true, 'minutes of runs that have ended');

CREATE TABLE quota (
    tenant_id    bigint  NOT NULL,
    workspace_id bigint,
    resource     text    NOT NULL,
    most         bigint  NOT NULL,
    used_us      numeric NOT NULL DEFAULT 0,
    changed_at   timestamptz NOT NULL,
    CONSTRAINT quota_key UNIQUE NULLS NOT DISTINCT (tenant_id, workspace_id, resource),
    CONSTRAINT quota_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT quota_workspace_fkey FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspace,
    CONSTRAINT quota_resource_fkey FOREIGN KEY (resource) REFERENCES quota_kind,
    CONSTRAINT quota_tenant_check CHECK (tenant_id <> 0),
    CONSTRAINT quota_most_check CHECK (most >= 0),
    CONSTRAINT quota_used_check CHECK (used_us >= 0)
);
COMMENT ON TABLE quota IS 'limits of a tenant, or of one of its workspaces; see the view quota_status for what is used';
COMMENT ON COLUMN quota.tenant_id IS 'who is limited';
COMMENT ON COLUMN quota.workspace_id IS 'limited to this workspace; NULL: the whole tenant';
COMMENT ON COLUMN quota.resource IS 'what is limited: a word of quota_kind';
COMMENT ON COLUMN quota.most IS 'the limit, in the unit of the resource';
COMMENT ON COLUMN quota.used_us IS 'of a metered resource: what was used since the quota was set, in device-microseconds or microseconds';
COMMENT ON COLUMN quota.changed_at IS 'when the limit was set';

SELECT pg_catalog.pg_extension_config_dump('tenant_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('tenant', 'WHERE tenant_id <> 0');
SELECT pg_catalog.pg_extension_config_dump('workspace_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('workspace', '');
SELECT pg_catalog.pg_extension_config_dump('contract', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_member', '');
SELECT pg_catalog.pg_extension_config_dump('quota', '');
