-- archive(): history of closed months leaves, and nothing else changes by it.
-- A procedure that commits: no transaction around this file, which has a
-- database of its own.
SET search_path TO pool_manager, public;
SET timezone TO 'UTC';
SET client_min_messages = warning;
SELECT no_plan();

SET pool_manager.clock = '2026-01-20 00:00:00+00';
SELECT create_tenant('acme', 'USD', 'Asia/Shanghai'), create_tenant('beta', 'EUR', 'Europe/Berlin'), create_tenant('idle', 'EUR', 'UTC'),
       create_sku('gpu', 'GPU'), create_sku('call', 'call', 'once'),
       create_flavor('g4', 'nvidia.com/gpu=4', accelerator => 'nvidia.com/gpu'),
       set_resource_sku('g4', 'nvidia.com/gpu=1', 'gpu'), create_pool('commons', 'public');
SELECT add_nodes('commons', 'g4', 5);
SELECT set_price('gpu', '{"model": "graduated", "tiers": [{"up_to": 100, "unit_price": 1.00}, {"up_to": null, "unit_price": 0.5}]}',
                 '2026-01-01', currency => c),
       set_price('call', '0.001', '2026-01-01', currency => c)
FROM unnest('{USD,EUR}'::text[]) AS c;
-- two that go on, three that end in January
SELECT submit_job('commons', 'on', tenant => t, request => 'nvidia.com/gpu=2'),
       submit_job('commons', 'short', tenant => t, request => 'nvidia.com/gpu=1')
FROM unnest('{acme,beta}'::text[]) AS t;
SELECT submit_job('commons', 'fixed', tenant => 'acme', request => 'nvidia.com/gpu=3');
SELECT count(*) FROM schedule();
SELECT set_price('call', '0.003', '2026-01-01', tenant => 'acme'), set_price('call', NULL, '2026-02-01', tenant => 'acme');
SELECT recorded FROM record_usage('acme', 'call', 500, '2026-01-20 00:00:00+00', NULL, 'meter', 'first');
SET pool_manager.clock = '2026-01-22 05:00:00+00';
SELECT settle('acme'), settle('beta', '2026-01-21 12:00:00+00');
SET pool_manager.clock = '2026-01-25 00:00:00+00';
SELECT finish_job(job_id) FROM job WHERE name IN ('short', 'fixed') ORDER BY job_id;
SET pool_manager.clock = '2026-02-01 00:00:00+00';
SELECT issue_bill(t, '2026-01-01') FROM unnest('{acme,beta}'::text[]) AS t;
-- February: what January is corrected by, in each way
SELECT count(*) FROM correct_usage((SELECT min(usage_id) FROM usage u JOIN job j USING (pool_id, job_id) WHERE j.name = 'fixed'), 'a meter that lied', 1);
SELECT set_price('gpu', '0.9', '2026-01-30', currency => 'EUR', reprice => 'forgotten');
SELECT adjust('acme', -5, 'goodwill', corrects => (SELECT min(charge_id) FROM charge c JOIN usage u USING (tenant_id, usage_id)
    JOIN job j USING (pool_id, job_id) WHERE j.name = 'short' AND c.tenant_id = 1));
SET pool_manager.clock = '2026-03-01 00:00:01+00';
SELECT issue_bill(t, '2026-02-01') FROM unnest('{acme,beta}'::text[]) AS t;
SELECT recorded FROM record_usage('acme', 'call', 7, '2026-03-01 00:00:00+00', NULL, 'meter', 'march');
-- March: closed for one of them; a correction of February waits to be rated for the other
SET pool_manager.clock = '2026-04-01 00:00:00+00';
SELECT issue_bill('acme', '2026-03-01');
SET pool_manager.clock = '2026-04-10 00:00:00+00';
-- taken back before it was rated: it has no charges
SELECT count(*) FROM correct_usage((SELECT usage_id FROM record_usage('acme', 'call', 9, '2026-02-10 00:00:00+00', NULL, 'meter', 'never was')), 'never was', 0);
SELECT settle('acme'), settle('beta');
SELECT count(*) FROM correct_usage((SELECT min(usage_id) FROM usage WHERE tenant_id = 2 AND started_at > '2026-01-31 12:00+00'), 'half of it', 1);

-- ---- what is not to change ----

CREATE FUNCTION pg_temp.totals() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT bill_text(bill_id) FROM bill
    UNION ALL SELECT d::text FROM bill_detail d
    UNION ALL SELECT p::text FROM period_status p
    UNION ALL SELECT c::text FROM counter c
    UNION ALL SELECT b::text FROM booking b
    UNION ALL SELECT r::text FROM running_cost r
    UNION ALL SELECT u::text FROM unrated u
    UNION ALL SELECT row(tenant, settled_until, closed_until, unrated, period_start, period_state)::text FROM ledger_status
    UNION ALL SELECT c::text FROM charge c WHERE usage_id IS NULL
    UNION ALL SELECT c::text FROM charge c JOIN ledger l USING (tenant_id) WHERE c.period_start >= l.closed_until
    UNION ALL SELECT c::text FROM charges('acme', '2026-03-31 16:00:00+00', '2026-05-01', '1 month') c
    UNION ALL SELECT c::text FROM charges('beta', '2026-02-28 23:00:00+00', '2026-05-01', '1 month') c $$;
CREATE TEMP TABLE before AS SELECT t FROM pg_temp.totals() AS t;
CREATE TEMP TABLE charge_before AS SELECT * FROM charge;
CREATE TEMP TABLE usage_before AS SELECT * FROM usage;
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');

-- each row is here or there, as it was
CREATE FUNCTION pg_temp.is_whole(what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEXT bag_eq('SELECT * FROM pool_manager.charge UNION ALL SELECT * FROM history.charge', 'SELECT * FROM charge_before', what || ': no charge is lost, none doubled');
    RETURN NEXT bag_eq('SELECT * FROM pool_manager.usage UNION ALL SELECT * FROM history.usage', 'SELECT * FROM usage_before', what || ': no usage');
    RETURN NEXT bag_eq('SELECT pg_temp.totals()', 'SELECT t FROM before', what || ': every total is what it was');
    RETURN NEXT is_empty('SELECT * FROM pool_manager.reconcile()', what || ': the books agree');
END $$;

-- ---- who may, and into what ----

CREATE ROLE archive_keeper;
CREATE ROLE archive_stranger;
SELECT grant_operator('archive_keeper');
CREATE SCHEMA history AUTHORIZATION archive_keeper;
SET ROLE archive_keeper;
CREATE TABLE history.charge (LIKE pool_manager.charge);
CREATE TABLE history.usage (LIKE pool_manager.usage);
RESET ROLE;
GRANT USAGE ON SCHEMA history TO archive_stranger;
CREATE FUNCTION pg_temp.as_stranger(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE archive_stranger;
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.as_stranger($$SELECT mark_archived(1, '2026-03-01')$$), '42501', 'operators only');
SELECT is(pg_temp.as_stranger($$SELECT drop_archived(1, '{}', '{}', 'history')$$), '42501', 'both halves');

-- ---- a stop half-way ----

SET ROLE archive_keeper;
CREATE TABLE history.seen_by (who name);
CREATE SEQUENCE history.rows;
CREATE FUNCTION history.fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO history.seen_by VALUES (current_user);
    IF nextval('history.rows') = 4 THEN
        RAISE EXCEPTION 'disk full';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fail BEFORE INSERT ON history.usage FOR EACH ROW EXECUTE FUNCTION history.fail();
\set ON_ERROR_STOP 0
CALL archive('2026-03-01', 'history', 1);
\set stopped :SQLSTATE
\set ON_ERROR_STOP 1
RESET ROLE;
SELECT is(:'stopped'::text, 'P0001', 'it stopped');
SELECT cmp_ok((SELECT count(*) FROM history.usage), '>', 0::bigint, 'with some of it done');
SELECT is((SELECT array_agg(DISTINCT who) FROM history.seen_by), '{archive_keeper}'::name[], 'what is in the way of the copy ran as the caller');
SELECT pg_temp.is_whole('stopped');
SET ROLE archive_keeper;
CREATE OR REPLACE FUNCTION history.fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
\set ON_ERROR_STOP 0
CALL archive('2026-03-01', 'history', 1);
\set stopped :SQLSTATE
\set ON_ERROR_STOP 1
RESET ROLE;
SELECT is(:'stopped'::text, '55000', 'rows that are not kept are not deleted');
SELECT pg_temp.is_whole('refused');
DROP FUNCTION history.fail() CASCADE;

-- ---- going on ----

SET ROLE archive_keeper;
CALL archive('2026-03-01', 'history', 2);
RESET ROLE;
SELECT pg_temp.is_whole('archived');
SELECT results_eq('SELECT tenant::text, archived_until FROM ledger_status ORDER BY 1',
    $$VALUES ('acme', timestamptz '2026-02-28 16:00:00+00'), ('beta', '2026-02-28 23:00:00+00'), ('idle', NULL)$$, 'up to the local first of March');
SELECT results_eq($$SELECT t.name::text, e.reason FROM event e JOIN tenant t USING (tenant_id) WHERE kind = 'archived' AND actor = 'archive_keeper' AND e.reason LIKE 'up to %' ORDER BY 1$$,
    $$VALUES ('acme', 'up to 2026-02-28 16:00:00+00'), ('beta', 'up to 2026-02-28 23:00:00+00')$$, 'an event says so, once');
SELECT results_eq($$SELECT sum(n[1]::bigint), sum(n[2]::bigint) FROM event, regexp_match(reason, '^(\d+) charges and (\d+) rows of usage into schema "history"$') AS n
    WHERE kind = 'archived' AND reason NOT LIKE 'up to %'$$,
    $$SELECT (SELECT count(*)::numeric FROM history.charge), (SELECT count(*)::numeric FROM history.usage)$$, 'and others what left');
-- where acme's March is closed it is not asked for; what is kept, is for a reason
SELECT results_eq($$SELECT DISTINCT u.tenant_id, coalesce(j.name, u.source),
        EXISTS (SELECT FROM usage c WHERE c.tenant_id = u.tenant_id AND c.corrects = u.usage_id) FROM usage u LEFT JOIN job j USING (pool_id, job_id)
        JOIN ledger l ON l.tenant_id = u.tenant_id WHERE u.started_at < l.archived_until ORDER BY 1, 2, 3$$,
    $$VALUES (1::bigint, 'fixed', false), (1, 'meter', false), (1, 'meter', true), (1, 'short', false), (1, NULL, false), (2, 'on', false), (2, 'on', true)$$,
    'what stays: records of meters, also of corrections, what was adjusted, what waits to be rated');
SELECT is_empty($$SELECT * FROM charge c JOIN ledger l USING (tenant_id) JOIN usage u USING (tenant_id, usage_id)
    WHERE c.period_start < l.archived_until AND u.source IS NOT NULL$$, 'charges of meters leave');
SELECT isnt_empty('SELECT * FROM history.charge WHERE corrects IS NOT NULL', 'and those that correct, with what they correct');

-- ---- what is refused of it ----

SELECT throws_ok($$SELECT * FROM charges('acme', '2026-02-01', '2026-05-01')$$, '55000',
    'what tenant "acme" used before 2026-02-28 16:00:00+00 has been archived', 'charges() of a time that is gone');
SELECT throws_ok($$SELECT * FROM charges(NULL::text, '2026-02-01', '2026-05-01')$$, '55000', NULL, 'of all tenants');
SELECT throws_ok($$SELECT * FROM cost_by_tag('acme', 'team', '2026-02-28', '2026-05-01')$$, '55000',
    'what tenant "acme" used before 2026-02-28 16:00:00+00 has been archived', 'sums of a day that is gone, of its last day too');
SELECT throws_ok($$SELECT * FROM cost_by_tag('acme', 'team', '2026-01-01', '2026-02-01')$$, '55000', NULL, 'of a month that is');
-- what is here of the months from March on is all of them: the total that the counters have of them, and the adjustments
SELECT results_eq($$SELECT value, amount, currency FROM cost_by_tag('acme', 'team', '2026-03-01', '2026-05-01')$$,
    $$SELECT NULL::text, trim_scale(sum(amount)), 'USD' FROM counter WHERE tenant_id = 1 AND month_start >= '2026-02-28 16:00+00'$$, 'from then on they are whole');
SELECT throws_ok($$SELECT set_price('gpu', '0.7', '2026-02-10', currency => 'EUR', reprice => 'again')$$, '55000',
    'time from 2026-02-10 00:00:00+00 on has been charged and archived', 'a price for it');
SELECT throws_ok($$SELECT * FROM bill_charges(1, 1)$$, '55000', 'charges of bill 1 have been archived', 'charges of a bill');
SELECT is((SELECT count(*) FROM bill b JOIN bill_line l USING (tenant_id, bill_id), bill_charges(b.bill_id, l.line_no) c WHERE l.kind = 'adjustment'), 1::bigint, 'but not of its adjustments');
SELECT throws_ok(format('SELECT * FROM correct_usage(%s, ''why'', 1)', (SELECT max(usage_id) FROM history.usage)), '42704', NULL, 'usage that is gone');
SELECT throws_ok($$SELECT * FROM correct_usage((SELECT usage_id FROM usage WHERE event_id = 'first'), 'why', 1)$$, '55000', NULL, 'usage whose charges are');
SELECT throws_ok('DELETE FROM charge WHERE usage_id IS NOT NULL', '55000', 'table "charge" is append-only', 'deleting by hand');
SELECT throws_ok('DELETE FROM usage', '55000', 'table "usage" is append-only', 'usage too');
SELECT throws_ok($$UPDATE ledger SET archived_until = '2026-01-01' WHERE tenant_id = 1$$, '55000', NULL, 'what is archived is not called back');
SELECT throws_ok($$UPDATE ledger SET archived_until = '2026-05-01' WHERE tenant_id = 1$$, '23514', NULL, 'nor what is not closed');
SELECT throws_ok(format('SELECT drop_archived(1, ''{%s}'', ''{}'', ''history'')', (SELECT max(charge_id) FROM charge WHERE tenant_id = 1 AND usage_id IS NOT NULL)),
    '55000', '1 of the charges cannot be deleted', 'a charge of an open period');
SELECT throws_ok(format('SELECT drop_archived(1, ''{}'', ''{%s}'', ''history'')', (SELECT usage_id FROM usage WHERE event_id = 'first')),
    '55000', '1 of the rows of usage cannot be deleted', 'the record of a meter');
SELECT throws_ok(format('SELECT drop_archived(1, ''{%s}'', ''{}'', ''history'')', (SELECT corrects FROM charge WHERE description = 'goodwill')),
    '23503', NULL, 'a charge that is adjusted');
SELECT pg_temp.is_whole('all of it refused');

-- calls were charged at a contracted price in January, which is archived, and at the list price in March
CREATE TEMP TABLE booked AS SELECT charge_id FROM charge;
SELECT throws_ok($$SELECT set_price('call', '0.002', '2026-01-02', tenant => 'acme', reprice => 'again')$$, '55000',
    'time from 2026-01-02 00:00:00+00 on has been charged and archived', 'a contracted price for it');
BEGIN;
SELECT lives_ok($$SELECT set_price('call', '0.002', '2026-01-02', currency => 'USD', reprice => 'the list price alone')$$, 'but a list price that was not charged then');
SELECT results_eq($$SELECT DISTINCT u.event_id FROM charge c JOIN usage u USING (tenant_id, usage_id) WHERE charge_id NOT IN (SELECT charge_id FROM booked)$$,
    $$VALUES ('march')$$, 'moves what was');
SELECT is_empty('SELECT * FROM reconcile()', 'and nothing is charged twice');
ROLLBACK;

-- ---- what goes on ----

SELECT is((SELECT recorded FROM record_usage('acme', 'call', 500, '2026-01-20 00:00:00+00', NULL, 'meter', 'first')), false, 'a repeated event is one');
SELECT is((SELECT recorded FROM record_usage('acme', 'gpu', 2, '2026-01-20 00:00:00+00', '2026-01-20 01:00:00+00', 'meter', 'late')), true, 'late usage is taken');
SELECT settle('acme'), settle('beta');
-- January has long reached the second tier, with 2 GPUs held for 280 hours
SELECT results_eq($$SELECT c.kind::text, c.tier, trim_scale(c.quantity), trim_scale(c.amount) FROM charge c JOIN usage u USING (tenant_id, usage_id) WHERE u.event_id = 'late'$$,
    $$VALUES ('correction', 2, 2::numeric, 1::numeric)$$, 'and goes on from the counter of its month');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');
SET pool_manager.clock = '2026-05-01 00:00:00+00';
SELECT lives_ok($$SELECT issue_bill('beta', '2026-03-01'), issue_bill('acme', '2026-04-01'), issue_bill('beta', '2026-04-01')$$, 'the next months are billed');
SELECT is_empty('SELECT * FROM reconcile()', 'and agree');
TRUNCATE before, charge_before, usage_before;
INSERT INTO charge_before SELECT * FROM charge UNION ALL SELECT * FROM history.charge;
INSERT INTO usage_before SELECT * FROM usage UNION ALL SELECT * FROM history.usage;
CREATE OR REPLACE FUNCTION pg_temp.totals() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT bill_text(bill_id) FROM bill UNION ALL SELECT c::text FROM counter c UNION ALL SELECT b::text FROM booking b $$;
INSERT INTO before SELECT pg_temp.totals();
CALL archive('2026-05-01', 'history');
SELECT pg_temp.is_whole('all closed months archived');
SELECT is((SELECT count(*) FROM usage WHERE source IS NULL AND corrects IS NULL AND job_id <> (SELECT job_id FROM job WHERE name = 'short' AND tenant_id = 1)), 0::bigint,
    'what was corrected later has left with its corrections');
SET pool_manager.clock = '2026-05-02 00:00:00+00';
SELECT settle('acme'), settle('beta');
SELECT is_empty('SELECT * FROM reconcile()', 'what is held goes on');
DROP TABLE history.charge, history.usage;
SELECT is_empty('SELECT * FROM reconcile()', 'whatever becomes of the history');
DROP OWNED BY archive_keeper, archive_stranger;
DROP ROLE archive_keeper, archive_stranger;
SELECT * FROM finish();
