-- Accounts: the quotas they live within, their states, members and contracts.

-- ---- quotas ----

CREATE FUNCTION quota_count(tenant bigint, workspace bigint, resource text) RETURNS bigint LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE quota_count.resource
        WHEN 'pools' THEN (
            SELECT count(*) FROM pool p
            WHERE p.tenant_id = quota_count.tenant AND p.deleted_at IS NULL
                AND (quota_count.workspace IS NULL OR p.workspace_id = quota_count.workspace))
        WHEN 'nodes' THEN (
            SELECT count(*) FROM pool p JOIN node n ON n.pool_id = p.pool_id AND n.deleted_at IS NULL
            WHERE p.tenant_id = quota_count.tenant AND (quota_count.workspace IS NULL OR p.workspace_id = quota_count.workspace))
        WHEN 'networks' THEN (
            SELECT count(*) FROM network n
            WHERE n.tenant_id = quota_count.tenant AND (quota_count.workspace IS NULL OR n.workspace_id = quota_count.workspace))
        ELSE (
            SELECT count(*) FROM job j
            WHERE j.tenant_id = quota_count.tenant AND j.end_state IS NULL
                AND (quota_count.workspace IS NULL OR j.workspace_id = quota_count.workspace)
                AND j.kind = CASE quota_count.resource WHEN 'training_jobs' THEN 'training'::job_kind WHEN 'notebooks' THEN 'notebook'
                    WHEN 'services' THEN 'inference' WHEN 'workflows' THEN 'workflow' END)
        END;
END;
COMMENT ON FUNCTION quota_count(bigint, bigint, text) IS
'how much there is of a resource of quota_kind that is not metered: of a tenant, or unless NULL of one workspace of it. What the role may see is counted';

CREATE FUNCTION latest_quota_count(tenant bigint, workspace bigint, resource text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_latest_quota_count' LANGUAGE C STABLE;
COMMENT ON FUNCTION latest_quota_count(bigint, bigint, text) IS
'the same of all that is committed by now, whatever snapshot the transaction has. Bodies of calls only (42501)';

-- Two calls at once must not both slip through: where a limit holds they lock
-- the tenant's row, and the second one counts what the first one made. The
-- lock lets checks of foreign keys pass, and unlike an advisory lock nobody
-- else can take it. Who is not limited takes no lock and counts nothing.
CREATE FUNCTION check_quota(tenant bigint, workspace bigint, resource text, more bigint) RETURNS void
LANGUAGE plpgsql SET search_path TO pg_catalog, pool_manager, pg_temp AS $$
DECLARE
    counted boolean;
    limits record;
    used numeric;
BEGIN
    SELECT bool_or(NOT k.metered) INTO counted FROM quota_kind k
    WHERE k.resource = check_quota.resource AND check_quota.tenant <> 0
        AND (k.by_default IS NOT NULL OR EXISTS (
            SELECT FROM quota q WHERE q.tenant_id = check_quota.tenant AND q.resource = k.resource
                AND (q.workspace_id IS NULL OR q.workspace_id = check_quota.workspace)));
    IF counted IS NULL THEN
        RETURN;
    ELSIF counted THEN
        PERFORM FROM tenant t WHERE t.tenant_id = check_quota.tenant FOR NO KEY UPDATE;
    END IF;
    FOR limits IN
        SELECT k.resource, s.workspace_id, w.name AS workspace, k.metered, q.used_us,
            CASE WHEN s.workspace_id IS NULL THEN coalesce(q.most, k.by_default) ELSE q.most END AS most
        FROM quota_kind k
        CROSS JOIN (SELECT NULL::bigint UNION ALL SELECT check_quota.workspace WHERE check_quota.workspace IS NOT NULL) AS s(workspace_id)
        LEFT JOIN quota q ON q.resource = k.resource AND q.tenant_id = check_quota.tenant
            AND q.workspace_id IS NOT DISTINCT FROM s.workspace_id
        LEFT JOIN workspace w ON w.tenant_id = check_quota.tenant AND w.workspace_id = s.workspace_id
        WHERE k.resource = check_quota.resource
        ORDER BY s.workspace_id NULLS FIRST
    LOOP
        CONTINUE WHEN limits.most IS NULL;
        IF limits.metered THEN
            used := trunc(coalesce(limits.used_us, 0) / 60000000);
            CONTINUE WHEN used < limits.most;
        ELSE
            used := latest_quota_count(tenant, limits.workspace_id, limits.resource);
            CONTINUE WHEN used + more <= limits.most;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'PM007',
            MESSAGE = format('quota of %s exceeded: limit %s, used %s', limits.resource, limits.most, used)
                || CASE WHEN limits.metered THEN '' ELSE format(', asked for %s more', more) END,
            DETAIL = CASE WHEN limits.workspace_id IS NULL THEN format('It is a limit of tenant %s.', tenant)
                ELSE format('It is a limit of workspace "%s" of tenant %s.', limits.workspace, tenant) END,
            HINT = 'Give back what is not needed, or have the limit raised with set_quota().';
    END LOOP;
END $$;
COMMENT ON FUNCTION check_quota(bigint, bigint, text, bigint) IS
'refuses more of a resource than the quotas of the tenant and of its workspace (NULL: none) allow. Where there is a quota, others of the tenant wait for the end of the transaction. To be called before the locks of pools. Bodies of calls only (42501); PM007: a quota would be exceeded, or is used up';

-- ---- what a frozen tenant may not do ----

CREATE FUNCTION check_not_frozen(tenant bigint) RETURNS void
LANGUAGE plpgsql SET search_path TO pg_catalog, pool_manager, pg_temp AS $$
BEGIN
    PERFORM FROM tenant t WHERE t.tenant_id = check_not_frozen.tenant AND t.state = 'frozen';
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM005',
            MESSAGE = format('tenant %s is frozen', tenant),
            DETAIL = 'Who is frozen creates no dedicated pools, submits no jobs and starts no notebooks or services.',
            HINT = 'An operator can make it active again with set_tenant_state().';
    END IF;
END $$;
COMMENT ON FUNCTION check_not_frozen(bigint) IS
'refuses what a frozen tenant may not do. Bodies of calls only (42501); PM005: the tenant is frozen';

REVOKE EXECUTE ON FUNCTION latest_quota_count(bigint, bigint, text), check_quota(bigint, bigint, text, bigint),
    check_not_frozen(bigint) FROM PUBLIC;

-- ---- setting quotas ----

CREATE FUNCTION find_workspace(tenant bigint, workspace text DEFAULT NULL) RETURNS bigint LANGUAGE pool_manager STABLE AS $$
DECLARE
    found_id bigint;
BEGIN
    IF workspace IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT w.workspace_id INTO found_id FROM workspace w
    WHERE w.tenant_id = find_workspace.tenant AND w.name = find_workspace.workspace AND has_level(w.tenant_id, 'viewer');
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('workspace "%s" does not exist', workspace),
            DETAIL = format('There is none of this name that role "%s" may see.', actor()),
            HINT = 'Table "workspace" shows those that it may see.';
    END IF;
    RETURN found_id;
END $$;
COMMENT ON FUNCTION find_workspace(bigint, text) IS
'the id of a workspace of a tenant by name, if the actor may see it; NULL for NULL. For all; 42704: there is none';

CREATE FUNCTION set_quota(
    tenant bigint, resource text, most bigint DEFAULT NULL, workspace bigint DEFAULT NULL, reset boolean DEFAULT false) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    now timestamptz;
    changed bigint;
BEGIN
    PERFORM find_tenant(tenant);
    PERFORM require_level(tenant, CASE WHEN workspace IS NULL THEN 'operator' ELSE 'owner' END);
    IF tenant = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'the provider has no quotas',
            DETAIL = 'Quotas limit what tenants use of what the provider offers.',
            HINT = 'Name another tenant.';
    END IF;
    PERFORM FROM quota_kind k WHERE k.resource = set_quota.resource;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('there are no quotas of "%s"', resource),
            DETAIL = format('Quotas are of %s.', (SELECT string_agg(k.resource, ', ' ORDER BY k.resource) FROM quota_kind k)),
            HINT = 'Table "quota_kind" says what each of them counts.';
    END IF;
    IF most < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "most"',
            DETAIL = 'A limit is 0 or more.',
            HINT = 'NULL removes a limit.';
    END IF;
    IF workspace IS NOT NULL AND NOT EXISTS (
        SELECT FROM workspace w WHERE w.tenant_id = set_quota.tenant AND w.workspace_id = set_quota.workspace) THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('workspace %s does not exist', workspace),
            DETAIL = format('There is none with this id of tenant %s.', tenant),
            HINT = 'Table "workspace" shows them.';
    END IF;

    now := write_clock();
    IF most IS NULL THEN
        DELETE FROM quota q WHERE q.tenant_id = set_quota.tenant AND q.workspace_id IS NOT DISTINCT FROM set_quota.workspace
            AND q.resource = set_quota.resource;
    ELSE
        INSERT INTO quota AS q (tenant_id, workspace_id, resource, most, changed_at)
        VALUES (set_quota.tenant, set_quota.workspace, set_quota.resource, set_quota.most, now)
        ON CONFLICT ON CONSTRAINT quota_key DO UPDATE SET most = excluded.most, changed_at = excluded.changed_at,
            used_us = CASE WHEN set_quota.reset THEN 0 ELSE q.used_us END;
    END IF;
    GET DIAGNOSTICS changed = ROW_COUNT;
    INSERT INTO event (tenant_id, at, kind, actor, reason)
    SELECT set_quota.tenant, now, 'quota_set', actor(), concat(set_quota.resource, ' ', coalesce(set_quota.most::text, 'removed'),
        (SELECT format(' for workspace "%s"', w.name) FROM workspace w
         WHERE w.tenant_id = set_quota.tenant AND w.workspace_id = set_quota.workspace))
    WHERE changed > 0;
END $$;
COMMENT ON FUNCTION set_quota(bigint, text, bigint, bigint, boolean) IS
'limits what a tenant, or one workspace of it, may have of a resource of quota_kind; NULL: removes the limit, and the tenant has the default one. What is there already stays. What was used of a metered resource still counts, unless reset. Operators; owners of the tenant for its workspaces (42501); 42704: no such tenant or workspace; 22023: no such resource, a negative limit, or the provider';
CREATE FUNCTION set_quota(
    tenant text, resource text, most bigint DEFAULT NULL, workspace text DEFAULT NULL, reset boolean DEFAULT false) RETURNS void
LANGUAGE sql BEGIN ATOMIC
    SELECT set_quota(t.tenant_id, set_quota.resource, set_quota.most, find_workspace(t.tenant_id, set_quota.workspace), set_quota.reset)
    FROM find_tenant(set_quota.tenant) AS t(tenant_id);
END;
COMMENT ON FUNCTION set_quota(text, text, bigint, text, boolean) IS 'the same, tenant and workspace by name';

CREATE VIEW quota_status WITH (security_invoker = true) AS
SELECT t.tenant_id,
       t.name AS tenant,
       q.workspace_id,
       w.name AS workspace,
       k.resource,
       coalesce(q.most, CASE WHEN q.workspace_id IS NULL THEN k.by_default END) AS most,
       CASE WHEN k.metered THEN trunc(q.used_us / 60000000)::bigint
            ELSE quota_count(t.tenant_id, q.workspace_id, k.resource) END AS used,
       k.unit,
       q.changed_at
FROM tenant t
CROSS JOIN quota_kind k
LEFT JOIN LATERAL (
    SELECT q.workspace_id, q.most, q.used_us, q.changed_at FROM quota q WHERE q.tenant_id = t.tenant_id AND q.resource = k.resource
    UNION ALL
    SELECT NULL, NULL, NULL, NULL WHERE NOT EXISTS (
        SELECT FROM quota q WHERE q.tenant_id = t.tenant_id AND q.resource = k.resource AND q.workspace_id IS NULL)) AS q ON true
LEFT JOIN workspace w ON w.tenant_id = t.tenant_id AND w.workspace_id = q.workspace_id
WHERE t.tenant_id <> 0;
COMMENT ON VIEW quota_status IS
'limits of tenants and workspaces and what is used of them: a row per tenant and resource, whether limited or not, and one per limit of a workspace';
COMMENT ON COLUMN quota_status.tenant_id IS 'tenant';
COMMENT ON COLUMN quota_status.tenant IS 'its name';
COMMENT ON COLUMN quota_status.workspace_id IS 'workspace that is limited; NULL: the whole tenant';
COMMENT ON COLUMN quota_status.workspace IS 'its name';
COMMENT ON COLUMN quota_status.resource IS 'what is counted: a word of quota_kind';
COMMENT ON COLUMN quota_status.most IS 'the limit; NULL: none';
COMMENT ON COLUMN quota_status.used IS 'how much there is; of a metered resource, whole units since the limit was set or reset. NULL: not metered, because not limited';
COMMENT ON COLUMN quota_status.unit IS 'unit of both';
COMMENT ON COLUMN quota_status.changed_at IS 'when the limit was set; NULL: it is the default, or there is none';
GRANT SELECT ON quota_status TO PUBLIC;

-- ---- states ----

-- Nodes alone are not billed while their tenant is frozen: holdings of the
-- flavor's SKU. Where disks are billed as the same SKU, all of it goes on.
CREATE FUNCTION freeze_nodes(tenant bigint, instant timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    held bigint[];
BEGIN
    SELECT array_agg(h.holding_id) INTO held
    FROM holding h JOIN node n USING (pool_id, node_id) JOIN flavor f USING (flavor_id)
    WHERE h.tenant_id = freeze_nodes.tenant AND h.sku_id = f.sku_id AND h.quantity = 1000;
    IF held IS NOT NULL THEN
        instant := close_holdings(tenant, held, instant);
    END IF;
    RETURN instant;
END $$;
COMMENT ON FUNCTION freeze_nodes(bigint, timestamptz) IS
'ends the billing of the nodes of a tenant that was frozen, under the locks of its pools; their disks and addresses go on. Returns the instant at which it ends: not before what is metered. Bodies of calls only (42501)';

CREATE FUNCTION thaw_nodes(tenant bigint, instant timestamptz) RETURNS void LANGUAGE sql BEGIN ATOMIC
    INSERT INTO holding (tenant_id, sku_id, quantity, workspace_id, pool_id, node_id, since, metered_until)
    SELECT n.tenant_id, f.sku_id, 1000, p.workspace_id, n.pool_id, n.node_id,
           date_trunc('second', thaw_nodes.instant), date_trunc('second', thaw_nodes.instant)
    FROM pool p JOIN node n USING (pool_id) JOIN flavor f USING (flavor_id)
    WHERE p.tenant_id = thaw_nodes.tenant AND p.kind = 'dedicated'
      AND n.available_at IS NOT NULL AND n.deleted_at IS NULL AND f.sku_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM holding h WHERE h.pool_id = n.pool_id AND h.node_id = n.node_id AND h.sku_id = f.sku_id)
    ORDER BY n.pool_id, n.node_id;
END;
COMMENT ON FUNCTION thaw_nodes(bigint, timestamptz) IS
'begins the billing of the nodes of a tenant that is not frozen any more, under the locks of its pools. Bodies of calls only (42501)';
REVOKE EXECUTE ON FUNCTION freeze_nodes(bigint, timestamptz), thaw_nodes(bigint, timestamptz) FROM PUBLIC;

CREATE FUNCTION set_tenant_state(tenant bigint, state tenant_state, reason text DEFAULT NULL) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    was record;
    changed pool[];
    it pool;
    instant timestamptz;
    runs bigint[];
    resting bigint[];
BEGIN
    PERFORM require_level(0, 'operator');
    PERFORM find_tenant(tenant);
    IF tenant = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'the provider is always active',
            DETAIL = 'States are of tenants that are billed.',
            HINT = 'Name another tenant.';
    END IF;
    SELECT t.state, t.state_since INTO was FROM tenant t WHERE t.tenant_id = set_tenant_state.tenant FOR NO KEY UPDATE;
    IF was.state = state THEN
        RETURN;
    END IF;
    -- Its own pools and all public ones: a pass that still takes the tenant for
    -- active has ended, and its runs are seen, or waits and will see the new
    -- state. All locks before the first run ends: ends lock the tenant's quotas.
    instant := greatest(write_clock(), was.state_since);
    IF 'frozen' IN (was.state, state) THEN
        SELECT coalesce(array_agg(p ORDER BY p.pool_id), '{}') INTO changed
        FROM pool p
        WHERE p.deleted_at IS NULL AND (p.tenant_id = set_tenant_state.tenant OR p.kind = 'public' AND set_tenant_state.state = 'frozen');
        FOREACH it IN ARRAY changed LOOP
            instant := greatest(instant, lock_pool(it.pool_id));
        END LOOP;
    END IF;
    UPDATE tenant t SET state = set_tenant_state.state, state_since = instant WHERE t.tenant_id = set_tenant_state.tenant;
    IF state = 'frozen' THEN
        instant := freeze_nodes(tenant, instant);
        UPDATE tenant t SET state_since = instant WHERE t.tenant_id = set_tenant_state.tenant AND t.state_since < instant;
    ELSIF was.state = 'frozen' THEN
        PERFORM thaw_nodes(tenant, instant);
    END IF;
    INSERT INTO event (tenant_id, at, kind, from_state, to_state, actor, reason)
    VALUES (set_tenant_state.tenant, instant, 'tenant_state', was.state, set_tenant_state.state, actor(), set_tenant_state.reason);
    IF state <> 'frozen' THEN
        RETURN;
    END IF;
    FOREACH it IN ARRAY changed LOOP
        CONTINUE WHEN it.kind <> 'public';
        -- what can rest keeps its volume, and goes on one day
        SELECT coalesce(array_agg(r.run_id ORDER BY r.run_id) FILTER (WHERE j.kind IN ('notebook', 'inference')), '{}'),
               coalesce(array_agg(r.run_id ORDER BY r.run_id) FILTER (WHERE j.kind NOT IN ('notebook', 'inference')), '{}')
        INTO resting, runs
        FROM job_run r JOIN job j USING (pool_id, job_id)
        WHERE r.pool_id = it.pool_id AND r.ended_at IS NULL AND r.tenant_id = set_tenant_state.tenant AND r.state <> 'stopping';
        IF resting <> '{}' THEN
            PERFORM stop_runs(it.pool_id, resting, 'tenant frozen', instant);
        END IF;
        IF runs <> '{}' THEN
            PERFORM cancel_runs(it.pool_id, runs, 'tenant frozen', instant);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION set_tenant_state(bigint, tenant_state, text) IS
'makes a tenant active, in grace or frozen. When it is frozen its runs in public pools end: notebooks and services are stopped, other jobs cancelled; its queued jobs wait until it is active, its dedicated pools keep their nodes, which are not billed, and what runs there. Operators only (42501); 42704: no such tenant; 22023: the provider; PM002: the state cannot follow';
CREATE FUNCTION set_tenant_state(tenant text, state tenant_state, reason text DEFAULT NULL) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT set_tenant_state(find_tenant(set_tenant_state.tenant), set_tenant_state.state, set_tenant_state.reason);
END;
COMMENT ON FUNCTION set_tenant_state(text, tenant_state, text) IS 'the same, the tenant by name';

-- ---- members ----

CREATE FUNCTION revoke_tenant(tenant bigint, role name) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    IF tenant <> 0 THEN
        PERFORM find_tenant(tenant);
    END IF;
    PERFORM require_level(tenant, 'owner');
    DELETE FROM tenant_member m WHERE m.tenant_id = revoke_tenant.tenant AND m.role_name = revoke_tenant.role;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = CASE tenant WHEN 0 THEN format('role "%s" is no operator', role)
                ELSE format('role "%s" was not granted tenant %s', role, tenant) END,
            DETAIL = 'It may still act as a member of another role that was granted as much.',
            HINT = 'Table "tenant_member" shows what was granted to which role.';
    END IF;
    INSERT INTO event (tenant_id, at, kind, actor, reason)
    VALUES (revoke_tenant.tenant, write_clock(), 'member_revoked', actor(), revoke_tenant.role);
END $$;
COMMENT ON FUNCTION revoke_tenant(bigint, name) IS
'takes back what grant_tenant gave a database role. Owners of the tenant (42501); 42704: no such tenant, or the role was not granted it';
CREATE FUNCTION revoke_tenant(tenant text, role name) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT revoke_tenant(find_tenant(revoke_tenant.tenant), revoke_tenant.role);
END;
COMMENT ON FUNCTION revoke_tenant(text, name) IS 'the same, the tenant by name';

CREATE FUNCTION revoke_operator(role name) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT revoke_tenant(0, revoke_operator.role);
END;
COMMENT ON FUNCTION revoke_operator(name) IS
'takes back what grant_operator gave a database role. Operators only (42501); 42704: it is none';

-- ---- contracts ----

CREATE FUNCTION set_contract(
    tenant bigint, from_month date, currency text, time_zone text, cycle interval DEFAULT '1 hour',
    rounding rounding_rule DEFAULT 'half_up') RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    now timestamptz;
    begins timestamptz;
BEGIN
    PERFORM find_tenant(tenant);
    PERFORM require_level(tenant, 'operator');
    IF tenant = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'the provider has no contract',
            DETAIL = 'Contracts say how tenants are billed.',
            HINT = 'Name another tenant.';
    END IF;
    -- they say themselves what is wrong with another one
    PERFORM is_time_zone(time_zone), is_cycle(cycle);
    IF NOT EXISTS (SELECT FROM currency c WHERE c.code = set_contract.currency) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('invalid currency code "%s"', currency),
            DETAIL = 'A currency is three capital letters, as in ISO 4217; table "currency" has them.',
            HINT = 'Write it like USD.';
    END IF;
    IF from_month >= '10000-01-01' OR extract(day FROM from_month) <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "from_month"',
            DETAIL = 'Contracts hold for whole months, up to the year 9999.',
            HINT = 'Name the first day of a month.';
    END IF;
    -- the clock is read when nobody settles any more: who did may have come to this month
    now := lock_books(tenant);
    -- usage is cut at the edges of the month as the contracts before and after have them
    SELECT min(from_month::timestamp AT TIME ZONE z.time_zone) INTO begins
    FROM (SELECT set_contract.time_zone UNION SELECT c.time_zone FROM contract c WHERE c.tenant_id = set_contract.tenant) AS z(time_zone);
    IF begins <= greatest(now, (SELECT max(h.metered_until) FROM holding h WHERE h.tenant_id = set_contract.tenant)) THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('the month of %s has begun', from_month),
            DETAIL = 'Its usage has been cut by the contract in force.',
            HINT = 'Name a later month.';
    END IF;
    -- the month before ends where this one begins, though it has been charged in part
    begins := billing_month((from_month + time '12:00') AT TIME ZONE time_zone, time_zone);
    UPDATE billing_period p SET period_end = begins
    WHERE p.tenant_id = set_contract.tenant AND p.state = 'open' AND p.period_start < begins AND p.period_end > begins;
    INSERT INTO contract (tenant_id, from_month, currency, time_zone, cycle, rounding)
    VALUES (set_contract.tenant, set_contract.from_month, set_contract.currency, set_contract.time_zone, set_contract.cycle, set_contract.rounding)
    ON CONFLICT ON CONSTRAINT contract_pkey DO UPDATE SET currency = excluded.currency, time_zone = excluded.time_zone,
        cycle = excluded.cycle, rounding = excluded.rounding;
    -- or at its own end, if what was set there before began earlier
    UPDATE billing_period p SET period_end = m.period_end
    FROM billing_period o, LATERAL period_at(o.tenant_id, o.period_start) AS m
    WHERE o.tenant_id = set_contract.tenant AND o.state = 'open' AND m.period_end > o.period_end
      AND p.tenant_id = o.tenant_id AND p.period_start = o.period_start;
    INSERT INTO event (tenant_id, at, kind, actor, reason)
    VALUES (set_contract.tenant, now, 'contract_set', actor(),
        format('from %s: %s, %s, %s, %s', set_contract.from_month, set_contract.currency, set_contract.time_zone, set_contract.cycle, set_contract.rounding));
END $$;
COMMENT ON FUNCTION set_contract(bigint, date, text, text, interval, rounding_rule) IS
'bills a tenant otherwise from a month on, until the month of a later contract; the same month again replaces what was set. Operators only (42501); 42704: no such tenant; 22023: not the first day of a month, unknown time zone or cycle, no such currency, the provider; 55000: the month has begun';
CREATE FUNCTION set_contract(
    tenant text, from_month date, currency text, time_zone text, cycle interval DEFAULT '1 hour',
    rounding rounding_rule DEFAULT 'half_up') RETURNS void
LANGUAGE sql BEGIN ATOMIC
    SELECT set_contract(find_tenant(set_contract.tenant), set_contract.from_month, set_contract.currency, set_contract.time_zone,
        set_contract.cycle, set_contract.rounding);
END;
COMMENT ON FUNCTION set_contract(text, date, text, text, interval, rounding_rule) IS 'the same, the tenant by name';
