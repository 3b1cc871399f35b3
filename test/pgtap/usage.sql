-- External meters, corrections, and what runs are billed beyond their seconds:
-- every figure by hand.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-20 00:00:00+00';
SELECT no_plan();

-- what a statement returns, a row after another, or its error
CREATE FUNCTION pg_temp.said(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    r record;
    rows text;
    detail text;
BEGIN
    FOR r IN EXECUTE statement LOOP
        rows := concat_ws(' ', rows, r::text);
    END LOOP;
    RETURN rows;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ': ' || detail;
END $$;

-- acme's months begin at 16:00 UTC
SELECT create_tenant('acme', 'USD', 'Asia/Shanghai'), create_tenant('beta', 'USD', 'UTC') \g /dev/null
SELECT create_sku('gib', 'GiB'), create_sku('call', 'request', per => 'once'), create_sku('gpu', 'GPU') \g /dev/null
SELECT create_workspace('acme', 'lab'), create_workspace('beta', 'other'), create_network('net', '10.0.0.0/16', 'beta') \g /dev/null
SELECT create_flavor('g4', 'nvidia.com/gpu=4', 'gpu', accelerator => 'nvidia.com/gpu'), set_resource_sku('g4', 'nvidia.com/gpu=1', 'gpu') \g /dev/null
SELECT create_pool('commons', 'public'), create_pool('own', 'dedicated', 'beta', 'net') \g /dev/null
SELECT count(*) FROM add_nodes('commons', 'g4', 3) \g /dev/null
SELECT set_price('gib', '0.001', '2026-01-01', currency => 'USD'), set_price('call', '2', '2026-01-01', currency => 'USD') \g /dev/null

--
-- Events
--
CREATE FUNCTION pg_temp.event(id text, more text DEFAULT '') RETURNS text LANGUAGE sql RETURN
    pg_temp.said(format($$SELECT * FROM record_usage('acme', 'gib', %s, source => 'nfs', event_id => %L)$$,
        coalesce(nullif(more, ''), $$1.5, '2026-03-01 10:00:00', '2026-03-01 11:00:00'$$), id));

SELECT is(pg_temp.event('1'), '(1,t)', 'an event is recorded');
SELECT is(pg_temp.event('1'), '(1,f)', 'and is there when it is told of again');
SELECT is(pg_temp.event('1', $$1.500, '2026-03-01 10:00:00.999', '2026-03-01 11:00:00.5'$$), '(1,f)', 'parts of a second are cut');
SELECT is((SELECT (quantity, started_at, ended_at)::text FROM usage WHERE usage_id = 1),
    '(1500,"2026-03-01 10:00:00+00","2026-03-01 11:00:00+00")', 'as it was used');
SELECT is((SELECT count(*) FROM unrated WHERE usage_id = 1), 1::bigint, 'it is to be rated, once');
SELECT is(pg_temp.said(format($$SELECT * FROM record_usage(%s, source => 'nfs', event_id => '1')$$, arguments)),
    'PM004 event "1" of "nfs" was recorded before with other content: Argument "' || field || '" differs from what was recorded.', 'another ' || field)
FROM (VALUES ($$'beta', 'gib', 1.5, '2026-03-01 10:00', '2026-03-01 11:00'$$, 'tenant'),
             ($$'acme', 'gpu', 1.5, '2026-03-01 10:00', '2026-03-01 11:00'$$, 'sku'),
             ($$'acme', 'gib', 1.501, '2026-03-01 10:00', '2026-03-01 11:00'$$, 'quantity'),
             ($$'acme', 'gib', 1.5, '2026-03-01 10:00:01', '2026-03-01 11:00'$$, 'started_at'),
             ($$'acme', 'gib', 1.5, '2026-03-01 10:00', '2026-03-01 11:00:01'$$, 'ended_at'),
             ($$'acme', 'gib', 1.5, '2026-03-01 10:00', '2026-03-01 11:00', workspace => 'lab'$$, 'workspace'),
             ($$'acme', 'gib', 1.5, '2026-03-01 10:00', '2026-03-01 11:00', pool => 'commons'$$, 'pool'),
             ($$'beta', 'gpu', 9, '2026-03-01 10:00', '2026-03-01 12:00'$$, 'tenant')) AS t(arguments, field);
SELECT is((SELECT count(*) FROM usage), 1::bigint, 'nothing of them stays');

-- a month's edge: two slices of one event, found again as one
SELECT is(pg_temp.event('2', $$2, '2026-02-28 15:00', '2026-02-28 17:30'$$) ~ '^\(\d+,t\) \(\d+,t\)$', true, 'across the edge of a month');
SELECT is((SELECT string_agg(concat_ws(' ', slice_no, quantity, started_at::time, ended_at::time), ', ' ORDER BY slice_no) FROM usage WHERE event_id = '2'),
    '1 2000 15:00:00 16:00:00, 2 2000 16:00:00 17:30:00', 'it is cut there');
SELECT is(pg_temp.event('2', $$2, '2026-02-28 15:00', '2026-02-28 17:30'$$) ~ '^\(\d+,f\) \(\d+,f\)$', true, 'and repeated as a whole');
SELECT is(pg_temp.event('2', $$2, '2026-02-28 15:00', '2026-02-28 16:00'$$),
    'PM004 event "2" of "nfs" was recorded before with other content: Argument "ended_at" differs from what was recorded.', 'its first slice alone is another event');
-- months that are cut elsewhere now: the event is what it was
UPDATE contract SET time_zone = 'UTC' WHERE tenant_id = 1;
SELECT is(pg_temp.event('2', $$2, '2026-02-28 15:00', '2026-02-28 17:30'$$) ~ '^\(\d+,f\) \(\d+,f\)$', true, 'cut elsewhere now, it is the same event');
SELECT is(pg_temp.event('3', $$2, '2026-02-28 15:00', '2026-02-28 17:30'$$) ~ '^\(\d+,t\)$', true, 'a new one is cut as months are now');
SELECT is((SELECT count(*) FROM usage WHERE event_id = '2'), 2::bigint, 'nothing was added to the other');
UPDATE contract SET time_zone = 'Asia/Shanghai' WHERE tenant_id = 1;

-- what is priced once
SELECT is(pg_temp.said($$SELECT recorded FROM record_usage('acme', 'call', 3, '2026-03-20', source => 'api', event_id => '1')$$), '(t)', 'one instant is enough, be it now');
SELECT is((SELECT ended_at - started_at FROM usage WHERE source = 'api'), interval '1 second', 'it takes a second of its own');
SELECT is(pg_temp.said($$SELECT * FROM record_usage('acme', 'call', 3, '2026-02-28 15:59:59', '2026-02-28 16:00:01', source => 'api', event_id => '2')$$),
    '22023 usage of a SKU that is priced once cannot go beyond the billing month: The month ends at 2026-02-28 16:00:00+00; what is priced once is counted once.', 'and cannot be cut');

-- what is none
SELECT is(pg_temp.event('9', arguments), said, said)
FROM (VALUES ($$0, '2026-03-01', '2026-03-02'$$, '22023 invalid value for argument "quantity": It is a number of units of the SKU above 0.'),
             ($$-1, '2026-03-01', '2026-03-02'$$, '22023 invalid value for argument "quantity": It is a number of units of the SKU above 0.'),
             ($$'NaN', '2026-03-01', '2026-03-02'$$, '22023 invalid value for argument "quantity": It is a number of units of the SKU above 0.'),
             ($$0.0001, '2026-03-01', '2026-03-02'$$, '22023 invalid value for argument "quantity": Quantities are thousandths of a unit, nothing more precise.'),
             ($$9223372036854775.808, '2026-03-01', '2026-03-01 00:00:01'$$, '22003 argument "quantity" is out of range: It counts thousandths of a unit in 64 bits.'),
             ($$1, '2026-03-01', '2026-03-01'$$, '22023 invalid value for argument "ended_at": It must be after "started_at"; both are cut to the second.'),
             ($$1, '2026-03-01 00:00:00.1', '2026-03-01 00:00:00.9'$$, '22023 invalid value for argument "ended_at": It must be after "started_at"; both are cut to the second.'),
             ($$1, '2026-03-19', '2026-03-20 00:00:01'$$, '22023 invalid value for argument "ended_at": It is in the future: the clock is at 2026-03-20 00:00:00+00.'),
             ($$1, '2026-03-19'$$, '22004 argument "ended_at" must not be null: The SKU is priced by the hour.'),
             ($$1, '0026-03-01', '2026-03-01'$$, '22023 invalid value for argument "started_at": It is before the year 2000, when the first contracts begin.'),
             ($$1, '-infinity', '2026-03-20'$$, '22008 argument "started_at" must be finite: Time is metered in whole seconds.'),
             ($$1, '2026-03-01', '2026-03-02', pool => 'own'$$, '22023 invalid value for argument "pool": It is a dedicated pool of another tenant.'),
             ($$1, '2026-03-01', '2026-03-02', job => 77$$, '22023 invalid value for argument "job": There is no job 77.'),
             ($$1, '2026-03-01', '2026-03-02', workspace => 'other'$$, '42704 workspace "other" does not exist: There is none of this name that role "' || current_user || '" may see.')) AS t(arguments, said);
-- the ledger is of the years 1 to 9999
SELECT is(pg_temp.said(format($$SELECT set_price('gib', '1', %L, currency => 'JPY')$$, instant)), said, 'a price from ' || instant)
FROM (VALUES ('4000-03-01 BC', 'not in'), ('0001-12-31 23:59:59+00 BC', 'not in'), ('0001-01-01 00:00:00+00', NULL), ('9999-12-31 23:59:59+00', NULL),
             ('10000-01-01 00:00:00+00', 'not in'), ('294276-12-31', 'not in'), ('infinity', 'infinite'), ('-infinity', 'infinite')) AS t(instant, what),
     LATERAL (SELECT CASE what WHEN 'not in' THEN '22008 argument "valid_from" is not in the years 1 to 9999: Prices, usage and bills are of these years, in UTC.'
                               WHEN 'infinite' THEN '22008 argument "valid_from" must be finite: Time is metered in whole seconds.'
                               ELSE (SELECT format('(%s)', max(price_id) + CASE instant WHEN '0001-01-01 00:00:00+00' THEN 1 ELSE 2 END) FROM price) END AS said) AS s;
SELECT is(pg_temp.said(call), '22008 argument "' || argument || '" is not in the years 1 to 9999: Prices, usage and bills are of these years, in UTC.', call)
FROM (VALUES ($$SELECT settle('acme', '0044-03-15 BC')$$, 'until'),
             ($$SELECT count(*) FROM charges('acme', '0044-03-15 BC', '2026-03-20')$$, 'since'),
             ($$SELECT count(*) FROM charges('acme', '2026-03-01', '12026-03-20')$$, 'until'),
             ($$SELECT count(*) FROM correct_usage(1, 'wrong', started_at => '0044-03-15 BC')$$, 'started_at'),
             ($$SELECT recorded FROM record_usage('acme', 'gib', 1, '2026-03-01', '12026-03-20', source => 'x', event_id => '1')$$, 'ended_at')) AS t(call, argument);
SELECT is(pg_temp.said(format('SELECT * FROM reconcile(%L)', d)), '22023 invalid value for argument "month": Books are compared by whole months.', 'reconcile ' || d)
FROM unnest('{infinity,-infinity}'::text[]) AS d;
SELECT is(pg_temp.event('9', $$9223372036854775, '2026-03-01', '2026-03-02'$$) LIKE '22003 usage counter out of range%', true, 'more than can be counted');
SELECT is(pg_temp.event('9', $$1, '2026-03-19 23:59:59.5', '2026-03-20 00:00:00.9'$$) ~ ',t', true, 'up to now');
SELECT is(pg_temp.said($$SELECT * FROM record_usage('acme', 'gib', 1, '2026-03-01', '2026-03-02', source => 'correction', event_id => '1')$$),
    '22023 invalid value for argument "source": This one is of what correct_usage() records.', 'a source that is taken');
SELECT is(pg_temp.said($$SELECT * FROM record_usage('acme', 'gib', 1, '2026-03-01', '2026-03-02', event_id => '1')$$),
    '22004 argument "source" must not be null: NULL is not taken for a default.', 'no source');
SELECT is(pg_temp.said($$SELECT * FROM record_usage(0, 'gib', 1, '2026-03-01', '2026-03-02', source => 'a', event_id => '1')$$),
    '22023 invalid value for argument "tenant": The provider pays nobody.', 'usage of the provider');

-- in bulk: twice in one query and there before, in the order of its rows
SELECT is(pg_temp.said($$SELECT recorded FROM record_usages('SELECT ''acme'' AS tenant, ''gib'' AS sku, 1.5 AS quantity,
    timestamptz ''2026-03-01 10:00'' AS started_at, timestamptz ''2026-03-01 11:00'' AS ended_at, ''nfs'' AS source, id AS event_id
    FROM unnest(ARRAY[''b'', ''1'', ''a'', ''b'']) AS id')$$), '(t) (f) (t) (f)', 'a query of events');
SELECT is(pg_temp.said($$SELECT recorded FROM record_usages('SELECT ''acme'' AS tenant, ''gib'' AS sku, n AS quantity,
    timestamptz ''2026-03-01 10:00'' AS started_at, timestamptz ''2026-03-01 11:00'' AS ended_at, ''bulk'' AS source, ''same'' AS event_id
    FROM generate_series(1, 2) AS n')$$),
    'PM004 event "same" of "bulk" was recorded before with other content: Argument "quantity" differs from what was recorded.', 'one event with two contents');
SELECT is((SELECT count(*) FROM usage WHERE source = 'bulk'), 0::bigint, 'all or none');
SELECT is(pg_temp.said($$SELECT recorded FROM record_usages('SELECT ''acme'' AS tenant, ''call'' AS sku, 1 AS quantity,
    timestamptz ''2026-03-01'' AS started_at, ''bulk'' AS source, NULL AS event_id')$$) LIKE '22004 %', true, 'an event without a name');
SELECT is(pg_temp.said($$SELECT recorded FROM record_usages('SELECT ''acme'' AS tenant')$$), '42703 the query returns no column "sku": record_usages cannot do without it.', 'a column is missing');

-- charges: 1.5 GiB x 1 h three times ('1', 'a', 'b'), 2 GiB x 2.5 h twice ('2', '3'), 1 GiB x 1 s ('9'), all at 0.001; 3 calls at 2
SELECT is((SELECT sum(quantity) FROM charges('acme', '2026-02-01', '2026-04-01', '1 month') WHERE sku = 'gib'), 14.500277777778, 'GiB-hours');
SELECT is((SELECT sum(amount) FROM charges('acme', '2026-02-01', '2026-04-01', '1 month') WHERE sku = 'call'), 6::numeric, 'calls');

--
-- Corrections
--
CREATE FUNCTION pg_temp.row_of(id bigint) RETURNS text LANGUAGE sql STABLE RETURN
    (SELECT concat_ws(' ', quantity, started_at::timestamp, ended_at::timestamp, slice_no, source, event_id, corrects, reason) FROM usage WHERE usage_id = id);
CREATE TEMP TABLE corrected AS SELECT n, id FROM correct_usage(1, 'the meter was off', quantity => 2) WITH ORDINALITY AS c(id, n);
SELECT is((SELECT pg_temp.row_of(id) FROM corrected WHERE n = 1), '-1500 2026-03-01 10:00:00 2026-03-01 11:00:00 1 1 the meter was off', 'it is taken back');
SELECT is((SELECT pg_temp.row_of(id) FROM corrected WHERE n = 2), '2000 2026-03-01 10:00:00 2026-03-01 11:00:00 1 correction usage 1 the meter was off', 'and recorded anew');
SELECT is((SELECT count(*) FROM corrected), 2::bigint, 'nothing else');
SELECT is((SELECT count(*) FROM corrected c JOIN unrated u ON u.usage_id = c.id), 2::bigint, 'both are to be rated');
SELECT is((SELECT reason FROM event WHERE kind = 'usage_corrected'), 'usage 1: the meter was off', 'an event says so');
SELECT is((SELECT sum(quantity) FROM charges('acme', '2026-02-01', '2026-04-01', '1 month') WHERE sku = 'gib'), 15.000277777778, 'half a GiB-hour more');
SELECT is(pg_temp.event('1'), '(1,f)', 'the event is what it was');
SELECT is(pg_temp.said($$SELECT correct_usage(1, 'again', quantity => 3)$$),
    'PM002 usage 1 has been corrected before: It was taken back by usage ' || (SELECT id FROM corrected WHERE n = 1) || '.', 'once');
SELECT is(pg_temp.said(format($$SELECT correct_usage(%s, 'back again', quantity => 3)$$, (SELECT id FROM corrected WHERE n = 1))),
    format('PM002 usage %s takes other usage back and cannot be corrected: It corrects usage 1.', (SELECT id FROM corrected WHERE n = 1)), 'what takes back stays');
-- what took its place goes, by another time across a month's edge, then for good
CREATE TEMP TABLE moved AS SELECT n, id FROM correct_usage((SELECT id FROM corrected WHERE n = 2), 'other times',
    started_at => '2026-02-28 15:00', ended_at => '2026-02-28 18:00', request_id => 'r') WITH ORDINALITY AS c(id, n);
SELECT is((SELECT string_agg(pg_temp.row_of(id), ', ' ORDER BY n) FROM moved WHERE n > 1),
    format('2000 2026-02-28 15:00:00 2026-02-28 16:00:00 1 correction usage %1$s other times, 2000 2026-02-28 16:00:00 2026-02-28 18:00:00 2 correction usage %1$s other times',
        (SELECT id FROM corrected WHERE n = 2)), 'other times are cut at the edges too');
SELECT is((SELECT array_agg(c) FROM correct_usage((SELECT id FROM corrected WHERE n = 2), 'other times',
    started_at => '2026-02-28 15:00', ended_at => '2026-02-28 18:00', request_id => 'r') AS c), (SELECT array_agg(id ORDER BY n) FROM moved), 'a request_id makes it repeatable');
SELECT is((SELECT count(*) FROM correct_usage((SELECT id FROM moved WHERE n = 2), 'not at all', 0)), 1::bigint, 'taken back, nothing in its place');
SELECT is((SELECT count(*) FROM correct_usage((SELECT id FROM moved WHERE n = 3), 'not at all', 0)), 1::bigint, 'the other slice too');
SELECT is((SELECT sum(quantity) FROM charges('acme', '2026-02-01', '2026-04-01', '1 month') WHERE sku = 'gib'), 13.000277777778, 'as if it had never been');
SELECT is(pg_temp.said('SELECT correct_usage(' || arguments || ')'), said, said)
FROM (VALUES ('999999, ''why'', 1', '42704 usage 999999 does not exist: No tenant has usage of this id, or it has been archived.'),
             ('2, NULL, 1', '42704 usage 2 does not exist: No tenant has usage of this id, or it has been archived.')) AS t(arguments, said);
SELECT is(pg_temp.said(format('SELECT correct_usage(%s, %s)', (SELECT usage_id FROM usage WHERE event_id = 'a'), arguments)), said, said)
FROM (VALUES ('NULL, 1', '22004 argument "reason" must not be null: NULL is not taken for a default.'),
             ($$'why', 1.0001$$, '22023 invalid value for argument "quantity": Quantities are thousandths of a unit, nothing more precise.'),
             ($$'why', -1$$, '22023 invalid value for argument "quantity": It is what was used in all, in units of the SKU, and not below 0.'),
             ($$'why', 0, '2026-03-01'$$, '22023 invalid value for argument "quantity": All of it is taken back: there is nothing left to have other times.'),
             ($$'why', started_at => '2026-03-01 11:00'$$, '22023 invalid value for argument "ended_at": It must be after "started_at"; both are cut to the second.'),
             ($$'why', ended_at => '2026-03-20 00:00:01'$$, '22023 invalid value for argument "ended_at": It is in the future: the clock is at 2026-03-20 00:00:00+00.')) AS t(arguments, said);
SELECT is(pg_temp.said(format($$SELECT correct_usage(%s, 'why', 1.5)$$, (SELECT usage_id FROM usage WHERE event_id = 'a'))) LIKE '22023 usage % would stay as it is: %', true, 'nothing would change');

--
-- Minimum and quantum: once per run, at its end
--
-- seconds that a run of so many is billed
SELECT is(run + extra_seconds(minimum, quantum, run), billed, format('%s s by at least %s in steps of %s', run, minimum, quantum))
FROM (VALUES (1::bigint, 60, NULL::integer, 60::bigint), (59, 60, NULL, 60), (60, 60, NULL, 60), (61, 60, NULL, 61), (3600, 60, NULL, 3600),
             (1, NULL, 60, 60), (60, NULL, 60, 60), (61, NULL, 60, 120), (3541, NULL, 60, 3600), (601, 600, 60, 660), (30, 600, 60, 600),
             (1, 100, 60, 100), (0, 60, 60, 0), (9223372036854775807, 86400, NULL, 9223372036854775807), (7, NULL, NULL, 7)) AS t(run, minimum, quantum, billed);
SELECT is(extra_seconds(60, 60, NULL), 0::bigint, 'of no run');

-- one GPU-hour at 3.60: a GPU-second costs 0.001
SELECT set_price('gpu', '3.60', '2026-01-01', currency => 'USD', minimum_seconds => 60) \g /dev/null
CREATE FUNCTION pg_temp.run(gpus integer, start timestamptz, stop timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    job bigint;
BEGIN
    PERFORM set_config('pool_manager.clock', start::text, false);
    job := submit_job('commons', 'short', tenant => 'acme', request => format('nvidia.com/gpu=%s', gpus)::resource_list);
    PERFORM schedule('commons');
    PERFORM set_config('pool_manager.clock', stop::text, false);
    PERFORM finish_job(job);
    RETURN job;
END $$;
CREATE FUNCTION pg_temp.cost(since text, until text, cycle interval DEFAULT '1 month') RETURNS numeric LANGUAGE sql RETURN
    (SELECT round(sum(amount), 9) FROM charges('acme', since::timestamptz, until::timestamptz, cycle) WHERE sku = 'gpu');
SELECT pg_temp.run(2, '2026-03-20 01:00:00.9', '2026-03-20 01:00:42.1') AS job \gset
SELECT is((SELECT (quantity, extract(epoch FROM ended_at - started_at)::integer, run_seconds)::text FROM usage WHERE job_id = :job), '(2000,42,42)', 'the last slice says how long it ran');
SELECT is(pg_temp.cost('2026-03-20', '2026-03-21'), 0.12, '2 GPU x 60 s for 42 s');
SELECT is(pg_temp.cost('2026-03-20 01:00:41', '2026-03-20 01:00:42', '1 second'), 0.038, 'the other 18 s are the last second''s: 2 x (1 + 18)');
SELECT is(pg_temp.cost('2026-03-20', '2026-03-20 01:00:41'), 0.082, 'and nobody else''s');
SELECT pg_temp.run(1, '2026-03-20 02:00', '2026-03-20 02:01:01') \g /dev/null
SELECT is(pg_temp.cost('2026-03-20 02:00', '2026-03-20 03:00'), 0.061, 'a run of 61 s is long enough');
SELECT pg_temp.run(1, '2026-03-20 03:00:00.1', '2026-03-20 03:00:00.9') \g /dev/null
SELECT is(pg_temp.cost('2026-03-20 03:00', '2026-03-20 04:00'), NULL, 'a run that was not there for a second is free');
-- the price of the last second counts
SELECT set_price('gpu', '7.20', '2026-03-20 04:00:20', currency => 'USD', quantum_seconds => 60) \g /dev/null
SELECT pg_temp.run(1, '2026-03-20 04:00', '2026-03-20 04:00:20') \g /dev/null
SELECT is(pg_temp.cost('2026-03-20 04:00', '2026-03-20 05:00'), 0.06, 'a run that ends as the price does: at least 60 s of the old one');
SELECT pg_temp.run(1, '2026-03-20 05:00', '2026-03-20 05:01:01') \g /dev/null
SELECT is(pg_temp.cost('2026-03-20 05:00', '2026-03-20 06:00'), 0.24, 'part of a minute counts whole: 120 s at 0.002');
-- 3,541 s at 0.0168 an hour, part of a minute whole: 60 x 0.00028
SELECT set_price('gpu', '0.0168', '2026-03-20 06:00', currency => 'USD', quantum_seconds => 60) \g /dev/null
SELECT pg_temp.run(1, '2026-03-20 06:00', '2026-03-20 06:59:01') \g /dev/null
SELECT is(pg_temp.cost('2026-03-20 06:00', '2026-03-20 07:00'), 0.0168, '59 minutes and a second are an hour');
-- over the edge of a month: acme's begins at 16:00
SELECT set_price('gpu', '3.60', '2026-03-31 12:00', currency => 'USD', minimum_seconds => 3600) \g /dev/null
SELECT pg_temp.run(1, '2026-03-31 15:50', '2026-03-31 16:10') AS job \gset
SELECT is((SELECT string_agg(concat_ws(' ', slice_no, run_seconds), ', ' ORDER BY slice_no) FROM usage WHERE job_id = :job), '1, 2 1200', 'the last slice alone');
SELECT is(pg_temp.cost('2026-03-31 15:00', '2026-03-31 16:00'), 0.6, 'ten minutes in March');
SELECT is(pg_temp.cost('2026-03-31 16:00', '2026-03-31 17:00'), 3.0, 'fifty in April: 600 s and 2,400 s to the hour');
-- a settlement that cuts where the run ends: its last slice is empty
SELECT set_config('pool_manager.clock', '2026-03-31 18:00:00+00', false) \g /dev/null
SELECT submit_job('commons', 'cut', tenant => 'acme', request => 'nvidia.com/gpu=1') AS job \gset
SELECT schedule('commons') \g /dev/null
SELECT set_config('pool_manager.clock', '2026-03-31 18:10:00+00', false) \g /dev/null
SELECT settle('acme') > 0 AS settled \g /dev/null
SELECT finish_job(:job) \g /dev/null
SELECT is((SELECT string_agg(concat_ws(' ', slice_no, extract(epoch FROM ended_at - started_at)::integer, run_seconds), ', ' ORDER BY slice_no) FROM usage WHERE job_id = :job),
    '1 600, 2 0 600', 'an empty slice, so that the minimum is not lost');
SELECT is(pg_temp.cost('2026-03-31 18:00', '2026-03-31 18:10'), 3.6, 'an hour, in the second before it');
SELECT is(pg_temp.cost('2026-03-31 18:10', '2026-03-31 19:00'), NULL, 'not behind it');
SELECT settle('acme') > 0 AS settled \g /dev/null
SELECT is((SELECT round(sum(c.amount), 9) FROM charge c JOIN usage u USING (tenant_id, usage_id) WHERE u.job_id = :job), 3.6, 'so it is booked');
SELECT is((SELECT round(sum(c.amount), 9) FROM charge c JOIN sku USING (sku_id) WHERE sku.name = 'gpu'), pg_temp.cost('2026-02-01', '2026-05-01'), 'as all of it');
-- a correction of the end of a run: ten minutes longer, still less than an hour
SELECT set_config('pool_manager.clock', '2026-03-31 20:00:00+00', false) \g /dev/null
CREATE TEMP TABLE longer AS SELECT c AS usage_id FROM correct_usage((SELECT usage_id FROM usage WHERE job_id = :job AND slice_no = 2), 'it ended later',
    started_at => '2026-03-31 18:10', ended_at => '2026-03-31 18:20') AS c;
SELECT is((SELECT string_agg(concat_ws(' ', quantity, run_seconds), ', ' ORDER BY usage_id) FROM usage JOIN longer USING (usage_id)),
    '-1000 600, 1000 1200', 'the run is longer by as much');
SELECT is(pg_temp.cost('2026-03-31 18:00', '2026-03-31 19:00'), 3.6, 'ten minutes, ten minutes, and forty to the hour');
SELECT settle('acme') > 0 AS settled \g /dev/null
SELECT is((SELECT round(sum(c.amount), 9) FROM charge c JOIN sku USING (sku_id) WHERE sku.name = 'gpu'), pg_temp.cost('2026-02-01', '2026-05-01'), 'booked as charges() says');

-- a run of 1,200 s that was cut in the middle; it ended there, and is billed for an hour still
SELECT set_config('pool_manager.clock', '2026-03-31 21:00:00+00', false) \g /dev/null
SELECT submit_job('commons', 'halves', tenant => 'acme', request => 'nvidia.com/gpu=1') AS job \gset
SELECT schedule('commons') \g /dev/null
SELECT set_config('pool_manager.clock', '2026-03-31 21:10:00+00', false) \g /dev/null
SELECT settle('acme') \g /dev/null
SELECT set_config('pool_manager.clock', '2026-03-31 21:20:00+00', false) \g /dev/null
SELECT finish_job(:job), settle('acme') \g /dev/null
SELECT is(pg_temp.cost('2026-03-31 21:00', '2026-03-31 22:00'), 3.6, '600 s, 600 s, and 2,400 to the hour');
CREATE TEMP TABLE ended AS SELECT c AS usage_id FROM correct_usage((SELECT usage_id FROM usage WHERE job_id = :job AND slice_no = 2), 'the node was dead',
    ended_at => '2026-03-31 21:10') AS c;
SELECT is((SELECT string_agg(concat_ws(' ', quantity, extract(epoch FROM ended_at - started_at)::integer, run_seconds), ', ' ORDER BY usage_id) FROM usage JOIN ended USING (usage_id)),
    '-1000 600 1200, 1000 0 600', 'the end of a run may become an empty slice');
SELECT is(pg_temp.cost('2026-03-31 21:00', '2026-03-31 22:00'), 3.6, '600 s and 3,000 to the hour');
SELECT settle('acme') > 0 AS settled \g /dev/null
SELECT is((SELECT round(sum(c.amount), 9) FROM charge c JOIN sku USING (sku_id) WHERE sku.name = 'gpu'), pg_temp.cost('2026-02-01', '2026-05-01'), 'that is booked');
SELECT is(pg_temp.said(format($$SELECT correct_usage(%s, 'earlier', ended_at => '2026-03-31 21:09:59')$$, (SELECT max(usage_id) FROM ended))),
    '22023 invalid value for argument "ended_at": It must be after "started_at"; both are cut to the second.', 'it is not cut further');
-- a row that is taken back takes along what it was charged, the rest of the hour too
SELECT count(*) FROM correct_usage((SELECT max(usage_id) FROM ended), 'let be', 0) \g /dev/null
SELECT is(pg_temp.cost('2026-03-31 21:00', '2026-03-31 22:00'), 0.6, 'what is left is 600 s');
SELECT count(*) FROM correct_usage((SELECT usage_id FROM usage WHERE job_id = :job AND slice_no = 1 AND corrects IS NULL AND source IS NULL), 'all of it', 0) \g /dev/null
SELECT is(pg_temp.cost('2026-03-31 21:00', '2026-03-31 22:00'), NULL, 'of a run of which every row was taken back nothing is left');
SELECT settle('acme') > 0 AS settled \g /dev/null
SELECT is((SELECT round(sum(c.amount), 9) FROM charge c JOIN sku USING (sku_id) WHERE sku.name = 'gpu'), pg_temp.cost('2026-02-01', '2026-05-01'), 'nor booked');
-- what is all of a run has no end without it
SELECT pg_temp.run(1, '2026-03-31 22:00', '2026-03-31 22:00:42') AS job \gset
SELECT is(pg_temp.said(format($$SELECT correct_usage(%s, 'not there', ended_at => '2026-03-31 22:00')$$, (SELECT usage_id FROM usage WHERE job_id = :job))),
    '22023 invalid value for argument "ended_at": It must be after "started_at"; both are cut to the second.', 'a run of no time is none');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');

SELECT is(pg_temp.said('SELECT set_price(' || arguments || ')'), said, said)
FROM (VALUES ($$'gpu', '1', '2027-01-01', currency => 'USD', minimum_seconds => 0$$, '22023 invalid value for argument "minimum_seconds": It is a number of seconds from 1 to 86400, a day.'),
             ($$'gpu', '1', '2027-01-01', currency => 'USD', quantum_seconds => 86401$$, '22023 invalid value for argument "quantum_seconds": It is a number of seconds from 1 to 86400, a day.'),
             ($$'gpu', NULL, '2027-01-01', tenant => 'acme', quantum_seconds => 60$$, '22023 invalid value for argument "quantum_seconds": A NULL tariff ends a price, and begins none.'),
             ($$'call', '1', '2027-01-01', currency => 'USD', minimum_seconds => 60$$, '22023 SKU "call" is priced once, not by the hour: Nodes, replicas and their resources are billed for the time they are held.')) AS t(arguments, said);

-- a quote counts both: 20 min are an hour
SELECT is((SELECT (per_hour, cost)::text FROM quote_job('commons', 'q', request => 'nvidia.com/gpu=2', tenant => 'acme', time_limit => '20 minutes')), '(7.2,7.2)', 'a quote');

SELECT * FROM finish();
ROLLBACK;
