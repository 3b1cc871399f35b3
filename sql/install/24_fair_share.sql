-- Shares of pools, and how much of them was used: behind the fair share in a
-- job's score.

CREATE TABLE fair_share (
    pool_id      bigint  NOT NULL,
    tenant_id    bigint  NOT NULL,
    workspace_id bigint,
    shares       integer NOT NULL DEFAULT 1,
    CONSTRAINT fair_share_key UNIQUE NULLS NOT DISTINCT (pool_id, tenant_id, workspace_id),
    CONSTRAINT fair_share_pool_fkey FOREIGN KEY (pool_id) REFERENCES pool,
    CONSTRAINT fair_share_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT fair_share_workspace_fkey FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspace,
    CONSTRAINT fair_share_tenant_check CHECK (tenant_id <> 0),
    CONSTRAINT fair_share_shares_check CHECK (shares BETWEEN 0 AND 10000)
);
COMMENT ON TABLE fair_share IS
'shares of a pool that were given: to tenants, and within a tenant to its workspaces. Who has no row has one share';
COMMENT ON COLUMN fair_share.pool_id IS 'pool';
COMMENT ON COLUMN fair_share.tenant_id IS 'whose shares';
COMMENT ON COLUMN fair_share.workspace_id IS 'shares of this workspace beside the others of the tenant; NULL: of the tenant beside other tenants';
COMMENT ON COLUMN fair_share.shares IS '0 to 10000; with 0 its jobs have a fair share of 0';

CREATE TABLE fair_usage (
    pool_id      bigint      NOT NULL,
    tenant_id    bigint      NOT NULL,
    workspace_id bigint      NOT NULL,
    usage        bigint      NOT NULL,
    as_of        timestamptz NOT NULL,
    CONSTRAINT fair_usage_pkey PRIMARY KEY (pool_id, tenant_id, workspace_id),
    CONSTRAINT fair_usage_pool_fkey FOREIGN KEY (pool_id) REFERENCES pool,
    CONSTRAINT fair_usage_workspace_fkey FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspace,
    CONSTRAINT fair_usage_usage_check CHECK (usage >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE fair_usage IS
'what the runs of each workspace have used of a pool with a fair_weight: dominant share x time, of which half is forgotten in a half-life. Counted by passes, from allocations; a pass leaves alone who has nothing new';
COMMENT ON COLUMN fair_usage.pool_id IS 'pool';
COMMENT ON COLUMN fair_usage.tenant_id IS 'whose runs';
COMMENT ON COLUMN fair_usage.workspace_id IS 'workspace of their jobs';
COMMENT ON COLUMN fair_usage.usage IS 'in nanoseconds of the whole pool, as much as is left of it at as_of';
COMMENT ON COLUMN fair_usage.as_of IS 'until when it is counted';

SELECT pg_catalog.pg_extension_config_dump('fair_share', '');
SELECT pg_catalog.pg_extension_config_dump('fair_usage', '');
