-- Settling: usage is rated and booked.

CREATE FUNCTION settle(tenant bigint, until timestamptz DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_settle' LANGUAGE C;
COMMENT ON FUNCTION settle(bigint, timestamptz) IS
'rates and books what a tenant has used up to an instant (now by default; cut to the second), and what came late; returns the number of charges written, 0 when nothing is new. In one transaction: all of it or nothing. Usage that was taken back before it was rated is left out, and so is what takes it back. Operators only (42501); 55000: used without a price in force; 22003: more than a counter holds; 22023: until is in the future, the provider; 42704: no such tenant';
CREATE FUNCTION settle(tenant text, until timestamptz DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_settle' LANGUAGE C;
COMMENT ON FUNCTION settle(text, timestamptz) IS 'the same, the tenant by name';

CREATE PROCEDURE settle_all(until timestamptz DEFAULT NULL)
    AS 'MODULE_PATHNAME', 'pm_settle_all' LANGUAGE C;
COMMENT ON PROCEDURE settle_all(timestamptz) IS
'settles all tenants up to an instant (now by default), each in a transaction of its own, so that what is done stays done and is seen in ledger_status from other sessions; and checks the arrears of each; who cannot be settled is warned of and counted in the error at the end (55000). Not within a transaction block (2D000). Operators only (42501); 22023: until is in the future';

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
