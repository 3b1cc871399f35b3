-- The order of a pool's jobs: what it is by, shares, and the views that show
-- what a score is made of.

CREATE FUNCTION count_fair_usage(pool bigint, instant timestamptz) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_count_fair_usage' LANGUAGE C STRICT;
COMMENT ON FUNCTION count_fair_usage(bigint, timestamptz) IS
'counts what was used of a pool until an instant, for all who have used it, with its present half-life. Under the pool''s lock, bodies of calls only';
REVOKE EXECUTE ON FUNCTION count_fair_usage(bigint, timestamptz) FROM PUBLIC;

CREATE FUNCTION set_job_order(pool bigint, job_order job_order DEFAULT NULL, age_weight integer DEFAULT NULL,
    fair_weight integer DEFAULT NULL, size_weight integer DEFAULT NULL, size_order size_order DEFAULT NULL,
    max_age interval DEFAULT NULL, half_life interval DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    exact_age interval := exact_interval(set_job_order.max_age, 'max_age');
    exact_half interval := exact_or_none(set_job_order.half_life, 'half_life');
    wrong text;
    change record;
BEGIN
    SELECT w.argument INTO wrong
    FROM (VALUES (1, 'age_weight', set_job_order.age_weight), (2, 'fair_weight', set_job_order.fair_weight),
        (3, 'size_weight', set_job_order.size_weight)) AS w (n, argument, weight)
    WHERE w.weight NOT BETWEEN 0 AND 1000000 ORDER BY w.n LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_argument(wrong, 'A weight is 0 to 1000000.', 'With 0 it counts for nothing.');
    END IF;
    change := begin_pool_change(set_job_order.pool);
    -- until now by what was set until now
    PERFORM count_fair_usage(set_job_order.pool, change.instant);
    UPDATE pool p SET job_order = coalesce(set_job_order.job_order, p.job_order),
        age_weight = coalesce(set_job_order.age_weight, p.age_weight),
        fair_weight = coalesce(set_job_order.fair_weight, p.fair_weight),
        size_weight = coalesce(set_job_order.size_weight, p.size_weight),
        size_order = coalesce(set_job_order.size_order, p.size_order),
        max_age = coalesce(exact_age, p.max_age),
        half_life = nullif(coalesce(exact_half, p.half_life), '0'),
        fair_since = CASE WHEN coalesce(set_job_order.fair_weight, p.fair_weight) > 0 THEN coalesce(p.fair_since, change.instant) END
    WHERE p.pool_id = set_job_order.pool;
    PERFORM note_pool_change(set_job_order.pool, change.owner_id, change.instant,
        'job_order ' || set_job_order.job_order, 'age_weight ' || set_job_order.age_weight,
        'fair_weight ' || set_job_order.fair_weight, 'size_weight ' || set_job_order.size_weight,
        'size_order ' || set_job_order.size_order, 'max_age ' || exact_age,
        'half_life ' || coalesce(nullif(exact_half, '0')::text, CASE WHEN exact_half IS NOT NULL THEN 'none' END));
END $$;
COMMENT ON FUNCTION set_job_order(bigint, job_order, integer, integer, integer, size_order, interval, interval) IS
'sets what the order of a pool''s jobs of one priority is by: the smallest time limit or the score, the weights of age, fair share and size in a score, what counts as size, at which age a job has waited enough, after which time half of a usage is forgotten (0: never). NULL leaves a setting as it is. Usage is counted while fair_weight is not 0. Owners of the pool (42501); 42704: no such pool; 22023: a weight or a length of time out of range; PM002: the pool is frozen';
CREATE FUNCTION set_job_order(pool text, job_order job_order DEFAULT NULL, age_weight integer DEFAULT NULL,
    fair_weight integer DEFAULT NULL, size_weight integer DEFAULT NULL, size_order size_order DEFAULT NULL,
    max_age interval DEFAULT NULL, half_life interval DEFAULT NULL) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT set_job_order(find_pool(pool), job_order, age_weight, fair_weight, size_weight, size_order, max_age, half_life);
    END;
COMMENT ON FUNCTION set_job_order(text, job_order, integer, integer, integer, size_order, interval, interval) IS 'the same, the pool by name';

CREATE FUNCTION set_fair_share(pool bigint, tenant bigint, shares integer, workspace bigint DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    owner_id bigint;
    instant timestamptz;
    named text;
BEGIN
    IF set_fair_share.shares NOT BETWEEN 0 AND 10000 THEN
        PERFORM refuse_argument('shares', 'They are 0 to 10000.', 'With 1 it has as many as who was never given any.');
    END IF;
    PERFORM find_pool(set_fair_share.pool);
    SELECT p.tenant_id INTO owner_id FROM pool p WHERE p.pool_id = set_fair_share.pool;
    IF set_fair_share.workspace IS NULL THEN
        PERFORM require_level(owner_id, 'owner');
        PERFORM find_tenant(set_fair_share.tenant);
    ELSE
        PERFORM require_level(find_tenant(set_fair_share.tenant), 'owner');
        PERFORM check_workspace(set_fair_share.tenant, set_fair_share.workspace);
    END IF;
    IF set_fair_share.tenant = 0 OR owner_id NOT IN (0, set_fair_share.tenant) THEN
        PERFORM refuse_argument('tenant', 'It has no jobs in this pool.', 'In a dedicated pool only the owner has.');
    END IF;
    instant := lock_live_pool(set_fair_share.pool);
    PERFORM check_changeable(set_fair_share.pool, false);
    IF set_fair_share.shares = 1 THEN
        DELETE FROM fair_share s
        WHERE s.pool_id = set_fair_share.pool AND s.tenant_id = set_fair_share.tenant
            AND s.workspace_id IS NOT DISTINCT FROM set_fair_share.workspace;
    ELSE
        INSERT INTO fair_share (pool_id, tenant_id, workspace_id, shares)
        VALUES (set_fair_share.pool, set_fair_share.tenant, set_fair_share.workspace, set_fair_share.shares)
        ON CONFLICT ON CONSTRAINT fair_share_key DO UPDATE SET shares = EXCLUDED.shares;
    END IF;
    SELECT t.name || coalesce('/' || w.name, '') INTO named
    FROM tenant t LEFT JOIN workspace w ON w.tenant_id = t.tenant_id AND w.workspace_id = set_fair_share.workspace
    WHERE t.tenant_id = set_fair_share.tenant;
    INSERT INTO event (tenant_id, at, kind, pool_id, actor, reason)
    VALUES (set_fair_share.tenant, instant, 'pool_changed', set_fair_share.pool, actor(),
        format('fair share of %s: %s', named, set_fair_share.shares));
END $$;
COMMENT ON FUNCTION set_fair_share(bigint, bigint, integer, bigint) IS
'gives a tenant shares of a pool beside other tenants, or one of its workspaces shares beside its others: 0 to 10000; who was never given any has 1. For tenants, owners of the pool, for workspaces, owners of the tenant (42501); 42704: no such pool, tenant or workspace; 22023: shares out of range, a tenant that has no jobs in the pool; PM002: the pool is frozen';
CREATE FUNCTION set_fair_share(pool text, tenant text, shares integer, workspace text DEFAULT NULL) RETURNS void LANGUAGE pool_manager AS $$
DECLARE
    of_tenant constant bigint := find_tenant(tenant);
BEGIN
    PERFORM set_fair_share(find_pool(pool), of_tenant, shares, CASE WHEN workspace IS NOT NULL THEN find_workspace(of_tenant, workspace) END);
END $$;
COMMENT ON FUNCTION set_fair_share(text, text, integer, text) IS 'the same, all by name';

CREATE FUNCTION job_scores(pool bigint)
    RETURNS TABLE (job_id bigint, "position" bigint, priority smallint, score bigint, age integer, fair_share integer, size integer)
    AS 'MODULE_PATHNAME', 'pm_job_scores' LANGUAGE C STABLE ROWS 1000;
COMMENT ON FUNCTION job_scores(bigint) IS
'the queued jobs of a pool that the role may see, with rank, score and the factors behind it, all of these in steps of 2^-20; a factor without weight is NULL. Behind the view job_priority';

CREATE FUNCTION fair_shares(pool bigint)
    RETURNS TABLE (tenant_id bigint, workspace_id bigint, tenant_shares integer, shares integer, usage bigint,
        norm_shares bigint, norm_usage bigint, effective_usage bigint, factor integer)
    AS 'MODULE_PATHNAME', 'pm_fair_shares' LANGUAGE C STABLE ROWS 100;
COMMENT ON FUNCTION fair_shares(bigint) IS
'who has shares, usage or queued jobs in a pool with a fair_weight, as far as the role may see it: usage in nanoseconds of the whole pool, shares and usage of the whole in steps of 2^-32, the factor in steps of 2^-20. Behind the view fair_share_status';

CREATE VIEW job_priority WITH (security_invoker = true) AS
SELECT p.name AS pool,
       (p.s)."position",
       (p.s).job_id,
       t.name AS tenant,
       (p.s).priority,
       round((p.s).score / 1048576.0, 2) AS score,
       round((p.s).age / 1048576.0, 4) AS age,
       round((p.s).age * p.age_weight::bigint / 1048576.0, 2) AS age_score,
       round((p.s).fair_share / 1048576.0, 4) AS fair,
       round((p.s).fair_share * p.fair_weight::bigint / 1048576.0, 2) AS fair_score,
       round((p.s).size / 1048576.0, 4) AS size,
       round((p.s).size * p.size_weight::bigint / 1048576.0, 2) AS size_score
FROM (SELECT p.pool_id, p.name, p.age_weight, p.fair_weight, p.size_weight, job_scores(p.pool_id) AS s
      FROM pool p WHERE p.deleted_at IS NULL) AS p
JOIN job_queue q ON q.pool_id = p.pool_id AND q.job_id = (p.s).job_id
JOIN tenant t ON t.tenant_id = q.tenant_id
ORDER BY p.name, (p.s)."position";
COMMENT ON VIEW job_priority IS
'queued jobs in the order of the next pass, with what it is by: priority, score, and behind the score each factor, 0 to 1, and what it adds, which is the factor times its weight';
COMMENT ON COLUMN job_priority.pool IS 'pool';
COMMENT ON COLUMN job_priority."position" IS 'rank in the pool''s queue, from 1';
COMMENT ON COLUMN job_priority.job_id IS 'job';
COMMENT ON COLUMN job_priority.tenant IS 'tenant';
COMMENT ON COLUMN job_priority.priority IS '1 to 3, larger first';
COMMENT ON COLUMN job_priority.score IS 'sum of what the factors add';
COMMENT ON COLUMN job_priority.age IS 'time since it was submitted, of the pool''s max_age; NULL: has no weight';
COMMENT ON COLUMN job_priority.age_score IS 'what that adds';
COMMENT ON COLUMN job_priority.fair IS 'fair share of its workspace, those of its jobs that are ahead counted: 1 without usage, 0.5 at its share, 0.25 at twice that; NULL: has no weight';
COMMENT ON COLUMN job_priority.fair_score IS 'what that adds';
COMMENT ON COLUMN job_priority.size IS 'by the pool''s size_order; NULL: has no weight';
COMMENT ON COLUMN job_priority.size_score IS 'what that adds';

CREATE VIEW fair_share_status WITH (security_invoker = true) AS
SELECT p.name AS pool,
       t.name AS tenant,
       w.name AS workspace,
       (p.s).tenant_shares,
       (p.s).shares,
       round((p.s).norm_shares / 4294967296.0, 4) AS norm_shares,
       round((p.s).usage / 1000000000.0, 3) AS usage,
       round((p.s).norm_usage / 4294967296.0, 4) AS norm_usage,
       round((p.s).effective_usage / 4294967296.0, 4) AS effective_usage,
       round((p.s).factor / 1048576.0, 4) AS factor
FROM (SELECT p.pool_id, p.name, fair_shares(p.pool_id) AS s
      FROM pool p WHERE p.deleted_at IS NULL AND p.fair_weight > 0) AS p
JOIN tenant t ON t.tenant_id = (p.s).tenant_id
LEFT JOIN workspace w ON w.tenant_id = (p.s).tenant_id AND w.workspace_id = (p.s).workspace_id
ORDER BY p.name, t.name, w.name;
COMMENT ON VIEW fair_share_status IS
'who has shares, usage or queued jobs in pools with a fair_weight, workspace by workspace, and the fair share that follows; what runs is counted up to now';
COMMENT ON COLUMN fair_share_status.pool IS 'pool';
COMMENT ON COLUMN fair_share_status.tenant IS 'tenant';
COMMENT ON COLUMN fair_share_status.workspace IS 'workspace';
COMMENT ON COLUMN fair_share_status.tenant_shares IS 'shares of the tenant beside other tenants';
COMMENT ON COLUMN fair_share_status.shares IS 'shares of the workspace beside the others of the tenant';
COMMENT ON COLUMN fair_share_status.norm_shares IS 'share of the whole pool that follows: S';
COMMENT ON COLUMN fair_share_status.usage IS 'what its runs have used and is not forgotten, in seconds of the whole pool';
COMMENT ON COLUMN fair_share_status.norm_usage IS 'that, of all usage';
COMMENT ON COLUMN fair_share_status.effective_usage IS 'the same, with what the tenant''s other workspaces used counted by the share: U';
COMMENT ON COLUMN fair_share_status.factor IS '2^(-U/S): 1 without usage, 0.5 at its share; what its first job has';
GRANT SELECT ON job_priority, fair_share_status TO PUBLIC;
