-- A closed period refuses everybody's SQL, a superuser's too, but takes what a
-- dump of it brings, in any order. The rows here are written by hand.
BEGIN;
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET pool_manager.clock = '2026-04-02 09:00:00+00';
SELECT plan(50);

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'USD', 'UTC');
INSERT INTO ledger (tenant_id, settled_until) VALUES (1, '2026-04-01'), (2, '2026-04-01');
INSERT INTO billing_period SELECT t, '2026-03-01', '2026-04-01', 'closing', NULL, NULL, NULL, '2000-01-01' FROM generate_series(1, 2) AS t;

CREATE FUNCTION pg_temp.booking(tenant bigint, id bigint) RETURNS text LANGUAGE sql RETURN
    format('INSERT INTO booking VALUES (%s, %s, ''2026-03-01'', ''adjustment'', ''USD'', 1, 0, 5, ''2026-03-05'', ''me'', ''late'')', tenant, id);
CREATE FUNCTION pg_temp.charge(tenant bigint, id bigint, booking bigint) RETURNS text LANGUAGE sql RETURN
    format('INSERT INTO charge (tenant_id, charge_id, period_start, booking_id, month_start, started_at, ended_at, kind, currency, amount, description)
        VALUES (%s, %s, ''2026-03-01'', %s, ''2026-03-01'', ''2026-03-01'', ''2026-04-01'', ''adjustment'', ''USD'', 5, ''late'')', tenant, id, booking);
CREATE FUNCTION pg_temp.bill(tenant bigint, id bigint, currency text, issued timestamptz) RETURNS text LANGUAGE sql RETURN
    format('INSERT INTO bill VALUES (%s, %s, ''2026-03-01'', ''UTC'', %L, ''cut'', 2, 1, 1, 0, 5, 5, %L, ''me'')', tenant, id, currency, issued);
CREATE FUNCTION pg_temp.line(tenant bigint, bill bigint, line integer, charge bigint) RETURNS text LANGUAGE sql RETURN
    format('INSERT INTO bill_line (tenant_id, bill_id, line_no, kind, month_start, charge_id, charges, amount, description)
        VALUES (%s, %s, %s, ''adjustment'', ''2026-03-01'', %s, 1, 5, ''late'')', tenant, bill, line, charge);

SELECT lives_ok(pg_temp.booking(1, 11), 'a closing period takes a booking');
SELECT lives_ok(pg_temp.charge(1, 21, 11), 'and a charge');
SELECT throws_ok(pg_temp.bill(1, 31, 'USD', '2026-04-02'), 'PM006', 'bill 31 is not of a period that was closed when it was issued', 'but no bill');

-- ---- closing by hand ----

SELECT throws_ok($$UPDATE billing_period SET state = 'closed' WHERE tenant_id = 1$$, '23514', NULL, 'not without its numbers');
SELECT throws_ok($$UPDATE billing_period SET closed_at = '2026-04-02', last_booking = 11, last_charge = 21 WHERE tenant_id = 1$$,
    '23514', NULL, 'and they not without it');
SELECT throws_ok($$UPDATE billing_period SET state = 'closed', closed_at = '2026-03-31', last_booking = 11, last_charge = 21 WHERE tenant_id = 1$$,
    '23514', NULL, 'nor before its end');
UPDATE billing_period SET state = 'closed', closed_at = '2026-04-02', last_booking = 11, last_charge = 21 WHERE tenant_id = 1;

-- ---- the period ----

SELECT throws_ok($$UPDATE billing_period SET state = 'closing' WHERE tenant_id = 1$$, 'PM002', 'billing_period cannot go from closed to closing', 'it is not opened again');
SELECT throws_ok($$UPDATE billing_period SET last_booking = 99 WHERE tenant_id = 1$$, '55000',
    'column "last_booking" of table "billing_period" cannot be changed', 'its last booking stays');
SELECT throws_ok($$UPDATE billing_period SET last_charge = 99 WHERE tenant_id = 1$$, '55000',
    'column "last_charge" of table "billing_period" cannot be changed', 'its last charge');
SELECT throws_ok($$UPDATE billing_period SET closed_at = '2026-04-03' WHERE tenant_id = 1$$, '55000',
    'column "closed_at" of table "billing_period" cannot be changed', 'when it was closed');
SELECT throws_ok($$DELETE FROM billing_period WHERE tenant_id = 1$$, '55000', 'table "billing_period" is append-only', 'it is not deleted');

-- ---- what comes later ----

SELECT throws_ok(pg_temp.booking(1, 12), 'PM006', 'the period of booking 12 is closed', 'a booking, whatever time it says');
SELECT throws_ok(pg_temp.charge(1, 22, 11), 'PM006', 'the period of charge 22 is closed', 'a charge in a booking that was there');
SELECT throws_ok(pg_temp.charge(1, 22, 12), '23503', NULL, 'in one that was not');
SELECT throws_ok($$UPDATE booking SET amount = 6$$, '55000', 'table "booking" is append-only', 'changing a booking');
SELECT throws_ok($$DELETE FROM charge$$, '55000', 'table "charge" is append-only', 'deleting a charge');
SELECT throws_ok($$UPDATE charge SET amount = 6$$, '55000', 'table "charge" is append-only', 'changing one');
SELECT throws_ok(pg_temp.bill(1, 31, 'USD', '2026-04-03'), 'PM006', 'bill 31 is not of a period that was closed when it was issued', 'a bill of another time');
SELECT lives_ok(pg_temp.bill(1, 31, 'USD', '2026-04-02'), 'its bill');
SELECT throws_ok(pg_temp.bill(1, 32, 'USD', '2026-04-02'), '23505', NULL, 'a second one');
SELECT throws_ok(pg_temp.line(1, 31, 2, 21), 'PM006', 'bill 31 has no line 2', 'more lines than it was issued with');
SELECT lives_ok(pg_temp.line(1, 31, 1, 21), 'its line');
SELECT throws_ok(pg_temp.line(1, 31, 1, 21), '23505', NULL, 'twice');
SELECT throws_ok($$DELETE FROM bill$$, '55000', 'table "bill" is append-only', 'deleting it');
SELECT throws_ok($$UPDATE bill SET total = 4$$, '55000', 'table "bill" is append-only', 'changing it');

-- ---- a dump of a closed period, and others beside it ----

SELECT lives_ok(pg_temp.booking(1, 10), 'a booking from before');
SELECT lives_ok(pg_temp.charge(1, 20, 10), 'a charge from before');
SELECT lives_ok(pg_temp.booking(2, 12), 'another tenant''s booking');
SELECT lives_ok(pg_temp.charge(2, 22, 12), 'another tenant''s charge');
SELECT lives_ok($$INSERT INTO billing_period VALUES (2, '2026-02-01', '2026-03-01', 'closed', '2026-03-02', 0, 0, '2000-01-01')$$, 'a period that comes closed');
SELECT throws_ok($$INSERT INTO booking VALUES (2, 1, '2026-02-01', 'settlement', 'USD', 1, 1, 1, '2026-02-02', 'me')$$,
    'PM006', 'the period of booking 1 is closed', 'and was empty');

-- ---- the contracts by which it was booked ----

-- whoever changes one changes how all of the time is billed in which it holds
CREATE FUNCTION pg_temp.keeps(statement text, month text, since text, title text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN NEXT fail(title);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN NEXT is(sqlstate || ' ' || sqlerrm || ': ' || detail, format('55000 %s of tenant "acme" has been charged by its contract: '
        'What a contract says stays once something was booked by it; the one from %s on holds for that time.', month, since), title);
END $$;
SELECT pg_temp.keeps(format('UPDATE contract SET %s WHERE tenant_id = 1', change), '2026-03', '2000-01-01', change)
FROM unnest(ARRAY['currency = ''EUR''', 'time_zone = ''Asia/Tokyo''', 'cycle = ''1 day''', 'rounding = ''cut''', 'from_month = ''2026-05-01''', 'tenant_id = 2']) AS change;
SELECT pg_temp.keeps('DELETE FROM contract WHERE tenant_id = 1', '2026-03', '2000-01-01', 'deleted');
SELECT throws_ok('TRUNCATE contract', '0A000', NULL, 'emptied');
SELECT pg_temp.keeps($$INSERT INTO contract VALUES (1, '2026-03-01', 'USD', 'UTC')$$, '2026-03', '2026-03-01', 'another one from the closed month on');
SELECT pg_temp.keeps($$INSERT INTO contract VALUES (1, '1990-01-01', 'USD', 'UTC')$$, '2026-03', '1990-01-01', 'one from before the first: it holds for what was before that');
-- from April on, but April of Tokyo begins in March of UTC
SELECT pg_temp.keeps($$INSERT INTO contract VALUES (1, '2026-04-01', 'USD', 'Asia/Tokyo')$$, '2026-03', '2026-04-01', 'one that cuts the closed month');
SELECT lives_ok($$INSERT INTO contract VALUES (1, '2026-04-01', 'EUR', 'UTC')$$, 'one for a month in which nothing was booked');
SELECT lives_ok($$UPDATE contract SET currency = 'JPY', time_zone = 'America/New_York' WHERE tenant_id = 1 AND from_month = '2026-04-01'$$, 'it changes');
SELECT pg_temp.keeps($$UPDATE contract SET time_zone = 'Asia/Tokyo' WHERE tenant_id = 1 AND from_month = '2026-04-01'$$,
    '2026-03', '2026-04-01', 'but not so that it begins earlier');
SELECT pg_temp.keeps($$UPDATE contract SET from_month = '2026-03-01' WHERE tenant_id = 1 AND from_month = '2026-04-01'$$,
    '2026-03', '2026-03-01', 'nor a month earlier');
SELECT lives_ok($$UPDATE contract SET currency = currency, cycle = cycle$$, 'what changes nothing is no change');
SELECT lives_ok($$DELETE FROM contract WHERE tenant_id = 1 AND from_month = '2026-04-01'$$, 'it is deleted');
SELECT is((SELECT array_agg(c::text) FROM contract c WHERE tenant_id = 1), ARRAY['(1,2000-01-01,USD,UTC,01:00:00,half_up)'], 'the one that was there holds as before');
SELECT throws_ok($$UPDATE billing_period SET period_end = period_end + interval '1 hour' WHERE tenant_id = 2$$, '55000',
    'column "period_end" of table "billing_period" cannot be changed', 'a period that is not open ends when it ends');
SELECT * FROM finish();
ROLLBACK;
