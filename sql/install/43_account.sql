-- Accounts: their states, members and contracts, and the quotas they live within.

-- What a tenant, or one of its workspaces, uses of what is counted.
CREATE FUNCTION quota_count(tenant bigint, workspace bigint, resource text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path TO pg_catalog, pool_manager, pg_temp AS $$
BEGIN
    RETURN CASE quota_count.resource
        WHEN 'pools' THEN (
            SELECT count(*) FROM pool p
            WHERE p.tenant_id = quota_count.tenant AND p.deleted_at IS NULL AND (quota_count.workspace IS NULL OR p.workspace_id = quota_count.workspace))
        WHEN 'nodes' THEN (
            SELECT count(*) FROM pool p JOIN node n ON n.pool_id = p.pool_id AND n.deleted_at IS NULL
            WHERE p.tenant_id = quota_count.tenant AND (quota_count.workspace IS NULL OR p.workspace_id = quota_count.workspace))
        WHEN 'networks' THEN (SELECT count(*) FROM network n WHERE n.tenant_id = quota_count.tenant)
        ELSE (
            SELECT count(*) FROM job j
            WHERE j.tenant_id = quota_count.tenant AND j.end_state IS NULL AND (quota_count.workspace IS NULL OR j.workspace_id = quota_count.workspace)
                AND j.kind = CASE quota_count.resource WHEN 'training_jobs' THEN 'training'::job_kind WHEN 'notebooks' THEN 'notebook'
                    WHEN 'services' THEN 'inference' WHEN 'workflows' THEN 'workflow' END)
        END;
END $$;
COMMENT ON FUNCTION quota_count(bigint, bigint, text) IS
'how much there is of a resource that is not metered, of a tenant or, unless NULL, of one workspace. For calls only (42501)';

-- Two calls at once must not both slip through: where a limit holds they lock
-- the tenant's row, so that the second one counts what the first one made. The
-- lock lets checks of foreign keys pass, and unlike an advisory lock nobody
-- else can take it. It comes before the locks of pools.
CREATE FUNCTION check_quota(tenant bigint, workspace bigint, resource text, more bigint) RETURNS void
LANGUAGE plpgsql SET search_path TO pg_catalog, pool_manager, pg_temp AS $$
DECLARE
    limits record;
    used numeric;
BEGIN
    PERFORM FROM quota_kind k LEFT JOIN quota q ON q.resource = k.resource AND q.tenant_id = check_quota.tenant
        AND (q.workspace_id IS NULL OR q.workspace_id = check_quota.workspace)
    WHERE k.resource = check_quota.resource AND check_quota.tenant <> 0 AND (k.by_default IS NOT NULL OR q.most IS NOT NULL);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM FROM tenant t WHERE t.tenant_id = check_quota.tenant FOR NO KEY UPDATE;
    FOR limits IN
        SELECT s.workspace_id, w.name AS workspace, k.unit, k.metered, q.used_us, coalesce(q.most, k.by_default) AS most
        FROM quota_kind k CROSS JOIN (VALUES (NULL::bigint), (check_quota.workspace)) AS s(workspace_id)
        LEFT JOIN quota q ON q.resource = k.resource AND q.tenant_id = check_quota.tenant
            AND q.workspace_id IS NOT DISTINCT FROM s.workspace_id
        LEFT JOIN workspace w ON w.tenant_id = check_quota.tenant AND w.workspace_id = s.workspace_id
        WHERE k.resource = check_quota.resource
            AND CASE WHEN s.workspace_id IS NULL THEN coalesce(q.most, k.by_default) ELSE q.most END IS NOT NULL
    LOOP
        IF limits.metered THEN
            used := trunc(coalesce(limits.used_us, 0) / 60000000);
            CONTINUE WHEN used < limits.most;
        ELSE
            used := quota_count(check_quota.tenant, limits.workspace_id, check_quota.resource);
            CONTINUE WHEN used + check_quota.more <= limits.most;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'PM007',
            MESSAGE = format('quota of %s exceeded: limit %s, used %s, asked for %s', check_quota.resource, limits.most, used, check_quota.more),
            DETAIL = CASE WHEN limits.workspace_id IS NULL THEN format('The limit holds for tenant %s.', check_quota.tenant)
                ELSE format('The limit holds for workspace "%s" of tenant %s.', limits.workspace, check_quota.tenant) END,
            HINT = 'Give back what is not needed, or have the limit raised with set_quota().';
    END LOOP;
END $$;
COMMENT ON FUNCTION check_quota(bigint, bigint, text, bigint) IS
'refuses more of a resource than the quotas of the tenant and of the workspace (NULL: none) allow; until the end of the transaction others of the tenant wait for it. To be called before the locks of pools. For calls only (42501); PM007: a quota would be exceeded';

CREATE FUNCTION check_not_frozen(tenant bigint) RETURNS void
LANGUAGE plpgsql SET search_path TO pg_catalog, pool_manager, pg_temp AS $$
BEGIN
    PERFORM FROM tenant t WHERE t.tenant_id = check_not_frozen.tenant AND t.state = 'frozen';
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM005',
            MESSAGE = format('tenant %s is frozen', check_not_frozen.tenant),
            DETAIL = 'Who is frozen creates no dedicated pools, submits no jobs and starts no notebooks and services.',
            HINT = 'An operator can make it active again with set_tenant_state().';
    END IF;
END $$;
COMMENT ON FUNCTION check_not_frozen(bigint) IS
'refuses what a frozen tenant may not do. For calls only (42501); PM005: the tenant is frozen';

REVOKE EXECUTE ON FUNCTION quota_count(bigint, bigint, text), check_quota(bigint, bigint, text, bigint), check_not_frozen(bigint)
    FROM PUBLIC;
