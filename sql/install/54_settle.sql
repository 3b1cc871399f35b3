-- Settling: usage is rated and booked.

CREATE FUNCTION settle(tenant bigint, until timestamptz DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_settle' LANGUAGE C;
COMMENT ON FUNCTION settle(bigint, timestamptz) IS
'rates and books what a tenant has used up to an instant (now by default; cut to the second), and what came late; returns the number of charges written, 0 when nothing is new. In one transaction: all of it or nothing. Usage that was taken back before it was rated is left out, and so is what takes it back. Operators only (42501); 55000: used without a price in force; 22003: more than a counter holds; 22023: until is in the future, the provider; 42704: no such tenant';
CREATE FUNCTION settle(tenant text, until timestamptz DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_settle' LANGUAGE C;
COMMENT ON FUNCTION settle(text, timestamptz) IS 'the same, the tenant by name';

CREATE PROCEDURE settle_all(until timestamptz DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := coalesce(until, pool_manager.clock());
    tenant record;
    failed bigint;
    detail text;
    hint text;
BEGIN
    -- a procedure that commits has no path of its own, and a commit takes back this one
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    -- others see no tenants, or theirs only
    IF NOT pool_manager.may_see(0) THEN
        RAISE EXCEPTION USING ERRCODE = '42501',
            MESSAGE = format('permission denied: "%s" is not an operator', current_user),
            DETAIL = 'All tenants are settled by operators only.',
            HINT = 'An operator can make the role one with grant_operator().';
    END IF;
    failed := 0;
    FOR tenant IN SELECT t.tenant_id, t.name FROM pool_manager.tenant t WHERE t.tenant_id <> 0 ORDER BY t.tenant_id LOOP
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        -- what is wrong with one is no reason not to settle the others
        BEGIN
            PERFORM pool_manager.settle(tenant.tenant_id, at);
        EXCEPTION WHEN object_not_in_prerequisite_state OR numeric_value_out_of_range THEN
            failed := failed + 1;
            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
            RAISE WARNING USING MESSAGE = format('tenant "%s" is not settled: %s', tenant.name, SQLERRM),
                DETAIL = coalesce(nullif(detail, ''), 'SQLSTATE ' || SQLSTATE), HINT = coalesce(nullif(hint, ''), 'settle() of it alone says more.');
        END;
        COMMIT;
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        PERFORM pool_manager.check_arrears(tenant.tenant_id);
        COMMIT;
    END LOOP;
    IF failed > 0 THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('%s of the tenants could not be settled', failed),
            DETAIL = 'The others are settled and committed; the warnings say what is wrong.',
            HINT = 'Mend it and call again: what is settled already costs nothing.';
    END IF;
END $$;
COMMENT ON PROCEDURE settle_all(timestamptz) IS
'settles all tenants up to an instant (now by default), each in a transaction of its own, so that what is done stays done and is seen in ledger_status from other sessions; and checks the arrears of each; who cannot be settled is warned of and counted in the error at the end (55000). Not within a transaction block (2D000). Operators only (42501)';

CREATE VIEW ledger_status WITH (security_invoker = true) AS
SELECT t.tenant_id,
       t.name AS tenant,
       l.settled_until,
       l.closed_until,
       l.archived_until,
       (SELECT count(*) FROM unrated r WHERE r.tenant_id = t.tenant_id) AS unrated,
       p.period_start,
       p.state AS period_state
FROM tenant t
LEFT JOIN ledger l USING (tenant_id)
LEFT JOIN LATERAL (
    SELECT p.period_start, p.state FROM billing_period p
    WHERE p.tenant_id = t.tenant_id AND p.state <> 'closed' ORDER BY p.period_start LIMIT 1) p ON true
WHERE t.tenant_id <> 0;
COMMENT ON VIEW ledger_status IS
'how far the books of each tenant have come; while settle_all runs, its progress';
COMMENT ON COLUMN ledger_status.tenant_id IS 'tenant';
COMMENT ON COLUMN ledger_status.tenant IS 'its name';
COMMENT ON COLUMN ledger_status.settled_until IS 'up to here all is rated and booked, but what came later; NULL: never settled';
COMMENT ON COLUMN ledger_status.closed_until IS 'end of the last period with an issued bill; -infinity: none';
COMMENT ON COLUMN ledger_status.archived_until IS 'end of the last period that archive has put away; -infinity: none';
COMMENT ON COLUMN ledger_status.unrated IS 'rows of usage that wait for the next settlement';
COMMENT ON COLUMN ledger_status.period_start IS 'oldest period that is not closed';
COMMENT ON COLUMN ledger_status.period_state IS 'its state';
