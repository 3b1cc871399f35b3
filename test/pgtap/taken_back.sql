-- Usage that cannot be rated holds up the books of its tenant until there is a
-- price for it, or it is taken back: then it is as if it had never been, but for
-- its rows in table usage. Figures by hand.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
\ir include/calls.sql
SELECT no_plan();

-- how a statement is refused: state, message, detail, hint, context of ours
CREATE FUNCTION pg_temp.refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
    context text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, detail, hint, substring(context FROM '^charges of[^\n]*'));
END $$;
CREATE FUNCTION pg_temp.record(event text, sku text, quantity numeric, since text, until text) RETURNS bigint LANGUAGE sql AS $$
    SELECT usage_id FROM record_usage('acme', sku, quantity, since::timestamptz, until::timestamptz, source => 'nfs', event_id => event)
$$;
CREATE FUNCTION pg_temp.books() RETURNS text LANGUAGE sql AS $$
    SELECT format('%s unrated, %s charges, %s', (SELECT count(*) FROM unrated), (SELECT count(*) FROM charge WHERE usage_id IS NOT NULL),
        (SELECT trim_scale(coalesce(sum(amount), 0)) FROM charge WHERE usage_id IS NOT NULL))
$$;

SELECT pg_temp.at('2026-03-20');
SELECT create_tenant('acme', 'USD', 'UTC'), create_sku('gib', 'GiB'), create_sku('call', 'request', per => 'once'), create_sku('gpu', 'GPU'),
       create_flavor('g1', 'nvidia.com/gpu=1', accelerator => 'nvidia.com/gpu'), set_resource_sku('g1', 'nvidia.com/gpu=1', 'gpu'),
       create_pool('commons', 'public');
SELECT count(*) FROM add_nodes('commons', 'g1');
SELECT set_price('gib', '0.5', '2026-02-01', currency => 'USD'), set_price('call', '2', '2026-02-01', currency => 'USD');

--
-- No price was in force
--
SELECT pg_temp.record('good', 'gib', 2, '2026-03-01 10:00', '2026-03-01 11:00') AS good \gset
SELECT pg_temp.record('early', 'gib', 4, '2026-01-31 23:00', '2026-02-01 00:00') AS early \gset
SELECT is(pg_temp.refused($$SELECT settle('acme')$$),
    format(E'55000 SKU "gib" has no price in USD at 2026-01-31 23:00:00+00\nTenant "acme" used it then, as usage %1$s, event "early" of "nfs".\nSet one with set_price(..., valid_from => ...), of 0 if it is free; or take back what was recorded wrongly, with correct_usage(%1$s, reason, 0).', :early),
    'what cannot be rated is named, with what to do');
SELECT is(pg_temp.books(), '2 unrated, 0 charges, 0', 'and holds up the rest');
SELECT correct_usage(:early, 'another tenant''s', 0) AS back \gset
SELECT is(pg_temp.books(), '3 unrated, 0 charges, 0', 'it is taken back');
-- before the next settlement, too, it makes no period: a fee goes where the good one goes
SELECT lives_ok($$SELECT adjust('acme', 1, 'fee')$$, 'a fee is booked meanwhile');
SELECT is((SELECT string_agg(period_start::date::text, ' ') FROM billing_period), '2026-03-01', 'in the month of what stays');
SELECT is(settle('acme'), 1::bigint, 'the books go on');
SELECT is(pg_temp.books(), '0 unrated, 1 charges, 1', '2 GiB-hours at 0.5');
SELECT is((SELECT string_agg(quantity::text, ' ' ORDER BY usage_id) FROM usage WHERE usage_id IN (:early, :back)), '4000 -4000', 'what happened can be seen');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');
SELECT is((SELECT string_agg(concat_ws(' ', quantity, amount), ', ') FROM charges('acme', '2026-01-01', '2026-04-01', '1 month')), '2 1', 'charges() knows only what stays');
SELECT is((SELECT string_agg(concat_ws(' ', sku, quantity, amount), ', ') FROM month_to_date), 'gib 2 1', 'month_to_date too');
SELECT is((SELECT sum(charges) FROM cost_by_tag('acme', 'team', '2026-01-01', '2026-04-01')), 2::numeric, 'and cost_by_tag(): the fee and the usage');
-- a price for that time comes too late
SELECT lives_ok($$SELECT set_price('gib', '7', '2026-01-01', currency => 'USD')$$, 'a price for that time');
SELECT is(settle('acme'), 0::bigint, 'changes nothing');
SELECT lives_ok($$SELECT set_price('gib', '8', '2026-01-01', currency => 'USD', reprice => 'not 7')$$, 'another one');
SELECT is(settle('acme'), 0::bigint, 'neither');
SELECT is(pg_temp.books(), '0 unrated, 1 charges, 1', 'it stays unbooked');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree with a price there');
-- the event is known, and it can be told how to go on
SELECT is((SELECT recorded FROM record_usage('acme', 'gib', 4, '2026-01-31 23:00', '2026-02-01 00:00', 'nfs', 'early')), false, 'told of again it is no new event');
SELECT is(pg_temp.refused(format($$SELECT correct_usage(%s, 'why', 3)$$, :early)),
    format(E'PM002 usage %s has been corrected before\nIt was taken back by usage %s.\nNothing took its place: record what was used with record_usage(), as another event.', :early, :back),
    'there is nothing in its place');
SELECT is(pg_temp.refused(format($$SELECT correct_usage(%s, 'why', 3)$$, :back)),
    format(E'PM002 usage %s takes other usage back and cannot be corrected\nIt corrects usage %s.\nNothing took its place: record what was used with record_usage(), as another event.', :back, :early),
    'nor is what took it back corrected');

--
-- Corrected to what cannot be rated either
--
SELECT pg_temp.record('old', 'call', 3, '2026-01-10', '2026-01-10 00:00:01') AS old \gset
SELECT array_agg(c) AS ids FROM correct_usage(:old, 'it were two', 2) AS c \gset
SELECT is(pg_temp.refused($$SELECT settle('acme')$$),
    format(E'55000 SKU "call" has no price in USD at 2026-01-10 00:00:00+00\nTenant "acme" used it then, as usage %1$s, event "usage %2$s" of "correction".\nSet one with set_price(..., valid_from => ...), of 0 if it is free; or take back what was recorded wrongly, with correct_usage(%1$s, reason, 0).',
        (:'ids'::bigint[])[2], :old), 'it is what stays that needs a price');
SELECT is(pg_temp.refused(format($$SELECT correct_usage(%s, 'why', 3)$$, :old)) LIKE format(E'%%\nCorrect what took its place: source ''correction'', event_id ''usage %s''.', :old), true, 'there is something in its place');
SELECT is(pg_temp.refused(format($$SELECT correct_usage(%s, 'why', 3)$$, (:'ids'::bigint[])[1])) LIKE format(E'%%\nCorrect what took its place: source ''correction'', event_id ''usage %s''.', :old), true, 'said also of what took it back');
SELECT is(pg_temp.refused(format($$SELECT correct_usage(%s, 'why', -1)$$, (:'ids'::bigint[])[2])),
    E'22023 invalid value for argument "quantity"\nIt is what was used in all, in units of the SKU, and not below 0.\nSay what is right, not the difference; 0 takes all of it back.', 'a correction is no difference');
SELECT is(pg_temp.refused($$SELECT record_usage('acme', 'gib', -1, '2026-03-01 10:00', '2026-03-01 11:00', source => 'nfs', event_id => 'x')$$),
    E'22023 invalid value for argument "quantity"\nIt is a number of units of the SKU above 0.\nWhat was recorded wrongly is taken back with correct_usage(), and a quantity of 0.', 'nor is a record');
-- at a time that has a price it can be
SELECT count(*) FROM correct_usage((:'ids'::bigint[])[2], 'it was in March', NULL, '2026-03-10');
SELECT is(settle('acme'), 1::bigint, 'moved to where there is a price it is rated');
SELECT is(pg_temp.books(), '0 unrated, 2 charges, 5', '2 calls at 2');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree: two were taken back, one stays');
SELECT set_price('call', '9', '2026-01-01', currency => 'USD') \g /dev/null

--
-- More than a counter holds: three times bytes for GiB, 10^12 of them for an hour
-- or 3.6 x 10^18 thousandths of a unit-second each
--
SELECT pg_temp.record('bytes 1', 'gib', 1e12, '2026-03-02 10:00', '2026-03-02 11:00') AS b1,
       pg_temp.record('bytes 2', 'gib', 1e12, '2026-03-02 10:30', '2026-03-02 11:30') AS b2 \gset
SELECT is(settle('acme'), 2::bigint, 'two can be counted');
SELECT pg_temp.record('bytes 3', 'gib', 1e12, '2026-03-02 10:45', '2026-03-02 11:45') AS b3 \gset
SELECT pg_temp.record('next', 'gib', 1, '2026-03-03 10:00', '2026-03-03 11:00') AS next \gset
SELECT is(pg_temp.refused($$SELECT settle('acme')$$),
    format(E'22003 counter of SKU "gib" out of range at 2026-03-02 10:45:00+00\nTenant "acme" used it then, as usage %1$s, event "bytes 3" of "nfs"; a counter holds less than 2.56e12 unit-hours a month.\nTake back what was recorded wrongly, with correct_usage(%1$s, reason, 0), or meter in larger units.', :b3),
    'the third is beyond');
SELECT is(pg_temp.refused($$SELECT charges(NULL, '2026-03-01', '2026-04-01', '1 month')$$),
    E'22003 metered usage out of range\nA sum is beyond 9.2e18 thousandths of a unit-second.\nTake a shorter time; or take back what was recorded wrongly, with correct_usage().\ncharges of SKU "gib" to tenant "acme"', 'for charges() too');
SELECT correct_usage(:b3, 'bytes', 0) \g /dev/null
SELECT is(settle('acme'), 1::bigint, 'taken back, it is passed over');
SELECT is((SELECT sum(quantity) FROM charges('acme', '2026-03-01', '2026-04-01', '1 month') WHERE sku = 'gib'), 2000000000003::numeric, 'charges() sums all of it, on the way beyond what it can say');
SELECT is((SELECT sum(c.quantity) FROM charge c JOIN sku USING (sku_id) WHERE sku.name = 'gib'), 2000000000003::numeric, 'and that is booked');
-- neither of the two waits, or both do; half of them does not pass
CREATE FUNCTION pg_temp.half(id bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    BEGIN
        INSERT INTO unrated SELECT tenant_id, usage_id FROM usage WHERE usage_id = id;
        SELECT string_agg(concat_ws(' ', r.rule, trim_scale(r.expected::numeric), r.found), ', ') INTO result FROM reconcile() AS r;
        RAISE SQLSTATE 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
        RETURN result;
    END;
END $$;
SELECT is(pg_temp.half(:b3), 'charges of usage -3600000000000000000 0', 'reconcile() tells when only one of them is to be rated');
SELECT is(pg_temp.half((SELECT usage_id FROM usage WHERE corrects = :b3)), 'charges of usage 3600000000000000000 0', 'or the other');
-- nor does it move with what was charged
SELECT lives_ok($$SELECT set_price('gib', '1', '2026-03-01', currency => 'USD', reprice => 'dearer')$$, 'a reprice of that time');
SELECT is((SELECT sum(c.quantity) || ' ' || trim_scale(sum(c.amount)) FROM charge c JOIN sku USING (sku_id) WHERE sku.name = 'gib'), '2000000000003 2000000000003', 'moves what is charged');
SELECT is((SELECT count(*) FROM charge c JOIN usage u USING (tenant_id, usage_id) WHERE :b3 IN (u.usage_id, u.corrects)), 0::bigint, 'nothing else');
SELECT correct_usage(:b1, 'bytes', 0), correct_usage(:b2, 'bytes', 931.323) \g /dev/null
SELECT is(settle('acme'), 3::bigint, 'what was rated is taken back by charges');
SELECT is((SELECT trim_scale(sum(c.amount)) FROM charge c JOIN sku USING (sku_id) WHERE sku.name = 'gib'), 934.323, '2 + 1 + 931.323');
SELECT is((SELECT amount FROM charges('acme', '2026-03-01', '2026-04-01', '1 month') WHERE sku = 'gib'), 934.323, 'as charges() says');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');

--
-- Runs: one that has ended is a row, one that runs is none yet
--
SELECT submit_job('commons', 'glance', tenant => 'acme', request => 'nvidia.com/gpu=1') AS job \gset
SELECT count(*) FROM schedule('commons');
SELECT pg_temp.at('2026-03-20 01:00');
SELECT is(pg_temp.refused($$SELECT settle('acme')$$),
    E'55000 SKU "gpu" has no price in USD at 2026-03-20 00:00:00+00\nTenant "acme" used it then.\nSet one with set_price(..., valid_from => ...), of 0 if it is free.', 'what still runs is no row to be taken back');
SELECT finish_job(:job) \g /dev/null
SELECT is(pg_temp.refused($$SELECT settle('acme')$$) LIKE '55000 %Tenant "acme" used it then, as usage ' || (SELECT max(usage_id) FROM usage) || '.%', true, 'when it has ended it is');
SELECT correct_usage((SELECT max(usage_id) FROM usage), 'a test', 0) \g /dev/null
SELECT is(settle('acme'), 0::bigint, 'and was');

--
-- Closed months
--
SELECT pg_temp.at('2026-04-02');
SELECT pg_temp.record('mistyped', 'call', 1, '2006-03-20', '2006-03-20 00:00:01') AS typo \gset
SELECT is(pg_temp.refused($$SELECT issue_bill('acme', '2026-03-01')$$) LIKE '55000 SKU "call" has no price in USD at 2006-03-20%', true, 'a mistyped year holds up the bill');
SELECT correct_usage(:typo, 'the year', 0) \g /dev/null
SELECT lives_ok($$SELECT issue_bill('acme', '2026-03-01')$$, 'it can be issued then');
SELECT is((SELECT count(*) FROM billing_period), 1::bigint, 'and no other month need be');
SELECT pg_temp.record('late', 'call', 1, '2026-03-20', '2026-03-20 00:00:01') AS late \gset
SELECT correct_usage(:late, 'none', 0) \g /dev/null
SELECT pg_temp.at('2026-05-02');
SELECT is(pg_temp.books(), (SELECT format('2 unrated, %s charges, %s', count(*), trim_scale(sum(amount))) FROM charge WHERE usage_id IS NOT NULL), 'late and taken back');
SELECT lives_ok($$SELECT issue_bill('acme', '2026-04-01')$$, 'the next month');
SELECT is((SELECT concat_ws(' ', lines, charges, total) FROM bill ORDER BY bill_id DESC LIMIT 1), '0 0 0.00', 'has no correction of it');
SELECT is((SELECT count(*) FROM unrated), 0::bigint, 'nothing waits');
SELECT is_empty('SELECT * FROM reconcile()', 'all books agree');

SELECT * FROM finish();
ROLLBACK;
