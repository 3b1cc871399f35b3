-- Books by the real clock, which runs on within a call, and by clocks of other
-- sessions that were ahead: what a bill closes was booked before it. It runs on
-- between statements: no transaction around this file, which has a database of
-- its own.
SELECT plan(6);
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';

SELECT create_tenant('acme', 'USD', 'UTC'), create_sku('gpu', 'GPU'), set_price('gpu', '1', '2026-01-01', currency => 'USD') \g /dev/null
SELECT date_trunc('month', now()) - interval '2 months' AS past, date_trunc('month', now()) - interval '1 month' AS last \gset
SELECT recorded FROM record_usage('acme', 'gpu', 1, :'past', :'past'::timestamptz + interval '1 hour', 'meter', '1') \g /dev/null
SELECT lives_ok(format('SELECT issue_bill(''acme'', %L)', :'past'::date), 'a bill that settles first');
SELECT cmp_ok((SELECT max(booked_at) FROM booking), '<=', (SELECT closed_at FROM billing_period WHERE state = 'closed'), 'it closes what that booked');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');

-- as a session leaves it that was ahead of this one
SELECT now() + interval '10 minutes' AS ahead \gset
UPDATE ledger SET changed_at = :'ahead';
SELECT adjust('acme', 5, 'fee') \g /dev/null
SELECT lives_ok(format('SELECT issue_bill(''acme'', %L)', :'last'::date), 'a bill by a clock that is behind');
SELECT is((SELECT array_agg(DISTINCT t) FROM (SELECT closed_at FROM billing_period WHERE period_start = :'last'
           UNION ALL SELECT booked_at FROM booking WHERE kind = 'adjustment') AS x(t)), ARRAY[:'ahead'::timestamptz], 'it closes when the last was booked');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');

SELECT * FROM finish();
