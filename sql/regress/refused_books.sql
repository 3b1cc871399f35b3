-- What the calls of the ledger say where they are refused, with what psql shows
-- of it: no line of their inside. And settle_all, which commits.
SET search_path TO pool_manager, public;
SET timezone TO 'UTC';
SET datestyle TO ISO;
SET client_min_messages = error;
SET pool_manager.clock = '2026-03-01 00:00:00+00';
SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'EUR', 'UTC'), create_tenant('gamma', 'USD', 'UTC'),
    create_sku('core', 'core'), create_flavor('node', 'cpu=4'), set_resource_sku('node', 'cpu=1', 'core'),
    create_pool('pub', 'public'), set_price('core', '0.5', '2026-01-01', currency => 'USD');
SELECT add_nodes('pub', 'node');
SELECT submit_job('pub', 'a', request => 'cpu=2', tenant => 'acme'), submit_job('pub', 'b', request => 'cpu=1', tenant => 'beta'),
    submit_job('pub', 'c', request => 'cpu=1', tenant => 'gamma');
SELECT count(*) FROM schedule();
SET pool_manager.clock = '2026-03-01 02:00:00+00';
CREATE ROLE regress_pm_stranger;
RESET client_min_messages;

-- NULL is no default
SELECT settle(NULL::bigint);
SELECT settle(NULL::text);
SELECT adjust(NULL::bigint, 1, 'x');
SELECT adjust(NULL::text, 1, 'x');
SELECT adjust('acme', NULL, 'x');
SELECT adjust('acme', 1, NULL);
SELECT issue_bill('acme', NULL);
SELECT record_payment(NULL::text, 1, 'x');
SELECT set_credit_limit('acme', 1, NULL);
SELECT check_arrears(NULL::text);

-- a transaction that is read-only
BEGIN READ ONLY;
\set ON_ERROR_ROLLBACK on
SELECT settle('acme');
SELECT adjust('acme', 1, 'x');
SELECT adjust(1, 1, 'x');
SELECT issue_bill('acme', '2026-02-01');
SELECT record_payment('acme', 1, 'x');
SELECT set_credit_limit('acme', 1);
SELECT set_price('core', '0.4', currency => 'EUR');
SELECT record_usage('acme', 'core', 1, '2026-03-01 00:00+00', '2026-03-01 01:00+00', 'meter', 'e1');
SELECT create_tenant('delta', 'USD', 'UTC');
SELECT submit_job('pub', 'd', request => 'cpu=1', tenant => 'acme');
SELECT count(*) FROM schedule('pub');
SELECT * FROM check_arrears();
SELECT sku, quantity, amount FROM charges('acme', '2026-03-01', '2026-03-02', '1 day');
\unset ON_ERROR_ROLLBACK
COMMIT;

-- settle_all
SET default_transaction_read_only = on;
CALL settle_all();
RESET default_transaction_read_only;
BEGIN;
CALL settle_all();
ROLLBACK;
CALL settle_all('2026-03-02');
CALL settle_all('infinity');
SET ROLE regress_pm_stranger;
CALL settle_all();
RESET ROLE;
SELECT tenant, settled_until FROM ledger_status ORDER BY tenant;

-- beta's currency has no price; it keeps nobody from theirs
CALL settle_all('2026-03-01 01:00:00+00');
SELECT tenant, settled_until FROM ledger_status ORDER BY tenant;
SELECT t.name, c.units, trim_scale(c.amount) AS amount FROM counter c JOIN tenant t USING (tenant_id) ORDER BY 1;
SELECT set_price('core', '0.4', '2026-01-01', currency => 'EUR'), set_credit_limit('acme', 1.5, '0');
CALL settle_all(NULL);
SELECT tenant, settled_until FROM ledger_status ORDER BY tenant;
SELECT t.name, c.units, trim_scale(c.amount) AS amount FROM counter c JOIN tenant t USING (tenant_id) ORDER BY 1;
SELECT from_state, to_state, actor = current_user AS by_caller, reason FROM event WHERE kind = 'tenant_state';
-- from code that may commit, too
DO $$ BEGIN CALL pool_manager.settle_all(); END $$;
SELECT * FROM reconcile();

-- archive: what it says is its own, without lines of its body
CALL archive(NULL, 'history');
CALL archive('2026-03-01', NULL);
CALL archive('2026-03-01', 'history', NULL);
CALL archive('2026-03-01', 'history', 0);
CALL archive('2026-03-01', 'pool_manager');
CALL archive('2026-03-01', 'history');
BEGIN;
CALL archive('2026-03-01', 'history');
ROLLBACK;
SET default_transaction_read_only = on;
CALL archive('2026-03-01', 'history');
RESET default_transaction_read_only;
SET ROLE regress_pm_stranger;
CALL archive('2026-03-01', 'history');
RESET ROLE;
DROP ROLE regress_pm_stranger;
