-- Periods, bills and adjustments: who may, what is refused, what belongs to
-- which month, and that everything adds up.
BEGIN;
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
\ir include/calls.sql
SELECT plan(88);

-- ---- the world ----

SELECT pg_temp.at('2026-01-01');
CREATE ROLE test_viewer; CREATE ROLE test_owner; CREATE ROLE test_stranger; CREATE ROLE test_operator;
SELECT create_tenant('acme', 'USD', 'Europe/Berlin'), create_tenant('beta', 'EUR', 'UTC', rounding => 'half_even'),
       create_tenant('mover', 'USD', 'Asia/Tokyo'), create_tenant('crowd', 'KWD', 'America/New_York', rounding => 'cut');
SELECT grant_tenant('acme', 'test_viewer', 'viewer'), grant_tenant('acme', 'test_owner', 'owner'), grant_operator('test_operator');
SELECT create_workspace('acme', 'research');
SELECT create_sku('gpu', 'GPU'), create_sku('core', 'core'), create_sku('disk', 'GiB'), create_sku('call', 'call', 'once');
SELECT set_price('gpu', '1.37', '2026-01-01', currency => c), set_price('core', '{"model": "graduated", "tiers": [
           {"up_to": "30.5", "unit_price": "0.07", "flat": "0.11"}, {"up_to": null, "unit_price": "0.0333"}]}', '2026-01-01', currency => c),
       set_price('disk', '{"model": "volume", "tiers": [{"up_to": 100, "unit_price": "0.02"}, {"up_to": null, "unit_price": "0.0111"}]}',
           '2026-01-01', currency => c),
       set_price('call', '{"model": "package", "package_size": 7, "package_price": "0.003", "free_units": 5}', '2026-01-01', currency => c)
FROM unnest('{USD,EUR,KWD}'::text[]) AS c;

-- what an external meter recorded, in units
CREATE FUNCTION pg_temp.used(tenant text, sku text, quantity numeric, started timestamptz, ended timestamptz) RETURNS void LANGUAGE sql AS $$
    WITH recorded AS (
        INSERT INTO usage (tenant_id, sku_id, quantity, started_at, ended_at, slice_no, source, event_id)
        SELECT t.tenant_id, s.sku_id, $3 * 1000, $4, $5, 1, 'meter', (SELECT count(*) FROM usage)::text
        FROM sku s, tenant t WHERE s.name = $2 AND t.name = $1 RETURNING tenant_id, usage_id)
    INSERT INTO unrated SELECT * FROM recorded;
$$;

-- what does not add up, one row each; from what the tables say of themselves
CREATE FUNCTION pg_temp.disagreements() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'total of bill ' || b.bill_id FROM bill b
    WHERE total <> (SELECT coalesce(sum(l.amount), 0) FROM bill_line l WHERE l.bill_id = b.bill_id)
    UNION ALL SELECT 'lines of bill ' || b.bill_id FROM bill b
    WHERE ARRAY(SELECT line_no FROM bill_line l WHERE l.bill_id = b.bill_id ORDER BY 1) <> ARRAY(SELECT generate_series(1, b.lines))
    UNION ALL SELECT 'rounding of bill ' || b.bill_id FROM bill b JOIN currency c ON c.code = b.currency
    WHERE b.scale <> c.digits OR b.total <> round_money(b.amount, c.digits, b.rounding)
    UNION ALL SELECT 'control totals of bill ' || b.bill_id FROM bill b
    WHERE (charges, units, amount) <> (SELECT count(*), coalesce(sum(units_after - units_before), 0), coalesce(sum(c.amount), 0) FROM charge c
        WHERE c.tenant_id = b.tenant_id AND c.period_start = b.period_start AND c.currency = b.currency)
    UNION ALL SELECT 'charge ' || c.charge_id FROM charge c JOIN billing_period p USING (tenant_id, period_start)
    WHERE p.state = 'closed' AND 1 <> (SELECT count(*) FROM bill_line l, bill_charges(l.bill_id, l.line_no) x
        WHERE l.tenant_id = c.tenant_id AND x.charge_id = c.charge_id)
    UNION ALL SELECT format('line %s of bill %s', l.line_no, l.bill_id) FROM bill_line l
    WHERE (l.charges, l.amount) <> (SELECT count(*), coalesce(sum(c.amount), CASE WHEN l.kind = 'rounding' THEN l.amount END)
        FROM bill_charges(l.bill_id, l.line_no) c)
    UNION ALL SELECT 'closed until ' || l.tenant_id FROM ledger l
    WHERE l.closed_until <> (SELECT coalesce(max(p.period_end), '-infinity') FROM billing_period p WHERE p.tenant_id = l.tenant_id AND p.state = 'closed')
    UNION ALL SELECT 'width of bill ' || b.bill_id FROM bill b, bill_text(b.bill_id) AS t(line) WHERE length(line) > 98;
$$;

-- ---- arguments and rights ----

SELECT is(pg_temp.tried($$SELECT issue_bill(0, '2026-01-01')$$), '22023 the provider has no bills', 'the provider');
SELECT is(pg_temp.tried($$SELECT issue_bill('nobody', '2026-01-01')$$), '42704 tenant "nobody" does not exist', 'no such tenant');
SELECT is(pg_temp.tried($$SELECT issue_bill('acme', '2026-01-31')$$), '22023 invalid value for argument "month"', 'no first day');
SELECT is(pg_temp.tried($$SELECT issue_bill('acme', 'infinity')$$), '22023 invalid value for argument "month"', 'no day');
SELECT is(pg_temp.tried($$SELECT issue_bill('acme', '5874897-12-01')$$), '22023 invalid value for argument "month"', 'no instant');
SELECT is(pg_temp.tried($$SELECT issue_bill('acme', NULL)$$), '22004 argument "month" must not be null', 'no month');
SELECT is(pg_temp.tried($$SELECT issue_bill('acme', '2026-01-01')$$), 'PM002 2026-01 of tenant "acme" is not over', 'not over');
SELECT is(pg_temp.tried($$SELECT adjust(0, 1, 'x')$$), '22023 the provider has no bills', 'adjust: the provider');
SELECT is(pg_temp.tried($$SELECT adjust('acme', 0, 'x')$$), '22023 invalid value for argument "amount"', 'adjust: nothing');
SELECT is(pg_temp.tried($$SELECT adjust('acme', 'NaN', 'x')$$), '22023 invalid value for argument "amount"', 'adjust: no number');
SELECT is(pg_temp.tried($$SELECT adjust('acme', '-Infinity', 'x')$$), '22023 invalid value for argument "amount"', 'adjust: no end');
SELECT is(pg_temp.tried($$SELECT adjust('acme', 1e-25, 'x')$$), '22023 invalid value for argument "amount"', 'adjust: too precise');
SELECT is(pg_temp.tried($$SELECT adjust('acme', 1e24, 'x')$$), '22023 invalid value for argument "amount"', 'adjust: too much');
SELECT is(pg_temp.tried($$SELECT adjust('acme', 1, E' \n')$$), '22023 invalid value for argument "description"', 'adjust: says nothing');
SELECT is(pg_temp.tried(format($$SELECT adjust('acme', 1, 'x', %L)$$, k)), '22023 invalid value for argument "kind"', 'adjust: ' || k)
FROM unnest('{usage,correction,rounding}'::charge_kind[]) AS k;
SELECT is(pg_temp.tried($$SELECT adjust('acme', 1, 'x', workspace => 'nowhere')$$), '42704 workspace "nowhere" does not exist', 'adjust: no such workspace');
SELECT is(pg_temp.tried($$SELECT adjust(1, 1, 'x', workspace => 999)$$), '42704 workspace 999 does not exist', 'adjust: nor by number');
SELECT is(pg_temp.tried($$SELECT adjust('acme', 1, 'x', corrects => 999)$$), '42704 charge 999 does not exist', 'adjust: no such charge');
SELECT is(pg_temp.got(r::name, $$SELECT adjust('acme', 1, 'x')$$), '42501 permission denied: "' || r || '" is not an operator', 'adjust: ' || r)
FROM unnest('{test_viewer,test_owner}'::text[]) AS r;
SELECT is(pg_temp.got('test_owner', $$SELECT issue_bill('acme', '2025-12-01')$$), '42501 permission denied: "test_owner" is not an operator', 'an owner issues no bills');
SELECT is(pg_temp.got('test_stranger', $$SELECT issue_bill('acme', '2025-12-01')$$), '42704 tenant "acme" does not exist', 'a stranger knows of nobody');

-- ---- a month, and what comes after ----

SELECT pg_temp.used('acme', 'gpu', 2, '2026-01-31 22:00+00', '2026-01-31 23:00+00');
SELECT pg_temp.used('acme', 'gpu', 1, '2026-01-31 23:00+00', '2026-02-01 00:00+00');
SELECT pg_temp.at('2026-01-31 22:59:59');
SELECT is(adjust('acme', 0.004, 'first', workspace => 'research'), 1::bigint, 'an adjustment');
SELECT results_eq($$SELECT state::text, currency, charges, amount FROM period_status$$, $$VALUES ('open', 'USD', 1::bigint, 0.004)$$, 'an open period');
SELECT pg_temp.at('2026-01-31 23:00:00');
SELECT is(issue_bill('acme', '2026-01-01', 'once'), 1::bigint, 'in the second in which it is over');
SELECT is(issue_bill('acme', '2026-01-01', 'once'), 1::bigint, 'asked again with its key');
SELECT is(pg_temp.tried($$SELECT issue_bill('acme', '2026-02-01', 'once')$$), 'PM004 request_id "once" was used before with other content', 'the key for another month');
SELECT is(pg_temp.tried($$SELECT issue_bill('acme', '2026-01-01')$$), 'PM002 2026-01 of tenant "acme" is closed', 'asked again');
SELECT is(pg_temp.tried($$SELECT issue_bill('acme', '2025-12-01')$$), 'PM002 2025-12 of tenant "acme" is closed', 'a month before it');
SELECT results_eq($$SELECT kind::text, sku::text, quantity, unit_price, amount FROM bill_detail WHERE bill_id = 1 ORDER BY line_no$$,
    $$VALUES ('usage', 'gpu', 2.0, 1.37, 2.74), ('adjustment', NULL, NULL, NULL, 0.004), ('rounding', NULL, NULL, NULL, -0.004)$$,
    'only what was used before midnight in Berlin');
SELECT results_eq($$SELECT workspace_id, started_at, ended_at FROM charge WHERE kind = 'adjustment'$$,
    $$SELECT workspace_id, timestamptz '2025-12-31 23:00+00', timestamptz '2026-01-31 23:00+00' FROM workspace WHERE name = 'research'$$,
    'an adjustment is for its period');
SELECT results_eq($$SELECT from_state, to_state, reason FROM event WHERE kind = 'bill_issued'$$,
    $$VALUES ('closing', 'closed', 'bill 1 of 2026-01: 2.74 USD')$$, 'the event');
SELECT results_eq($$SELECT reason FROM event WHERE kind = 'adjusted'$$, $$VALUES ('adjustment of 0.004 USD: first')$$, 'the event of an adjustment');

-- January goes on in February: 1 GPU for an hour late, 1 of February, and what is put right by hand
SELECT pg_temp.used('acme', 'gpu', 1, '2026-01-10 00:00+00', '2026-01-10 01:00+00');
SELECT lives_ok($$SELECT adjust('acme', -1, 'half of it back', corrects => (SELECT charge_id FROM charge WHERE kind = 'usage'))$$, 'a charge is corrected by hand');
SELECT pg_temp.at('2026-03-01');
SELECT is(issue_bill('acme', '2026-02-01'), 2::bigint, 'the next month');
SELECT results_eq($$SELECT kind::text, month, quantity, amount FROM bill_detail WHERE bill_id = 2 ORDER BY line_no$$,
    $$VALUES ('usage', '2026-02', 1.0, 1.37), ('correction', '2026-01', 1.0, 1.37), ('adjustment', '2026-01', NULL, -1.0)$$, 'corrections with their month');
SELECT is(total, 1.74, 'its total') FROM bill WHERE bill_id = 2;
SELECT results_eq($$SELECT c.month_start, c.started_at, c.workspace_id IS NULL FROM bill_charges(2, 3) c$$,
    $$VALUES (timestamptz '2025-12-31 23:00+00', timestamptz '2026-01-31 22:00+00', true)$$, 'a correction by hand keeps the time of what it corrects');

-- an empty month, and one that is skipped
SELECT pg_temp.at('2026-05-01');
SELECT is(issue_bill('acme', '2026-04-01'), 3::bigint, 'nothing was booked in March: it is skipped');
SELECT results_eq($$SELECT charges, amount, total, lines FROM bill WHERE bill_id = 3$$, $$VALUES (0::bigint, 0::numeric, 0.00, 0)$$, 'a bill of nothing');
SELECT throws_ok($$SELECT issue_bill('acme', '2026-03-01')$$, 'PM002', '2026-03 of tenant "acme" is closed', 'March is over and closed');
SELECT pg_temp.used('acme', 'gpu', 1, '2026-03-10 00:00+00', '2026-03-10 02:00+00');
SELECT is(settle('acme'), 1::bigint, 'what was used in it');
SELECT results_eq($$SELECT kind::text, period_start FROM charge ORDER BY charge_id DESC LIMIT 1$$,
    $$VALUES ('correction', timestamptz '2026-04-30 22:00+00')$$, 'is a correction in the next');

-- ---- months one after the other ----

SELECT pg_temp.used('beta', 'gpu', 1, '2026-02-10 00:00+00', '2026-02-10 01:00+00');
SELECT is(pg_temp.tried($$SELECT issue_bill('beta', '2026-03-01')$$), 'PM002 2026-02 of tenant "beta" has not been billed', 'February first');
-- settled beyond: a period that is made late is settled to its end too
SELECT settle('beta', '2026-04-15');
SELECT pg_temp.used('beta', 'gpu', 1, '2026-01-10 00:00+00', '2026-01-10 01:00+00');
SELECT isnt(issue_bill('beta', '2026-01-01'), NULL, 'a month that was settled past before it had anything');
SELECT isnt(issue_bill('beta', '2026-02-01'), NULL, 'and the next');

-- ---- books that disagree ----

SELECT settle('beta', '2026-05-01');
SELECT pg_temp.used('beta', 'gpu', 1, '2026-03-10 00:00+00', '2026-03-10 01:00+00');
SELECT settle('beta');
INSERT INTO booking (tenant_id, period_start, kind, currency, charges, units, amount, booked_at, booked_by)
SELECT tenant_id, '2026-03-01', 'settlement', 'EUR', 1, 1, 1, clock(), 'nobody' FROM tenant WHERE name = 'beta';
SELECT matches(pg_temp.tried($$SELECT issue_bill('beta', '2026-03-01')$$), '^PM006 charges of tenant 2 in the period from 2026-03-01 .* differ from its bookings$',
    'a booking without its charges');
SELECT is((SELECT p.state::text FROM billing_period p JOIN tenant USING (tenant_id) WHERE name = 'beta' AND period_start = '2026-03-01'), 'closing',
    'and nothing was closed');

-- ---- another currency, and another time zone ----

-- euros from July on: what was used in dollars is corrected in dollars
SELECT pg_temp.used('mover', 'gpu', 1, '2026-05-10 00:00+00', '2026-05-10 01:00+00');
SELECT pg_temp.at('2026-06-01');
SELECT isnt(issue_bill('mover', '2026-05-01'), NULL, 'May in dollars');
SELECT set_contract('mover', '2026-07-01', 'EUR', 'Asia/Tokyo', rounding => 'cut');
SELECT set_contract('mover', '2026-08-01', 'EUR', 'UTC');
SELECT pg_temp.at('2026-09-01');
SELECT pg_temp.used('mover', 'gpu', 3, '2026-07-10 00:00+00', '2026-07-10 01:00+00');
SELECT isnt(issue_bill('mover', '2026-06-01'), NULL, 'June');
SELECT pg_temp.used('mover', 'gpu', 0.5, '2026-05-20 00:00+00', '2026-05-20 01:00+00');
SELECT is(b.currency, 'EUR', 'the number of the bill in the contract''s currency') FROM issue_bill('mover', '2026-07-01') AS n JOIN bill b ON b.bill_id = n;
SELECT results_eq($$SELECT currency, amount, total, rounding::text FROM bill WHERE tenant_id = 3 AND period_start = '2026-06-30 15:00+00' ORDER BY bill_id$$,
    $$VALUES ('EUR', 4.11, 4.11, 'cut'), ('USD', 0.685, 0.68, 'cut')$$, 'and one for the other');
-- August of Tokyo has nine hours before that of UTC begins
SELECT pg_temp.used('mover', 'gpu', 1, '2026-07-31 20:00+00', '2026-07-31 21:00+00');
SELECT pg_temp.used('mover', 'gpu', 2, '2026-08-01 00:00+00', '2026-08-01 01:00+00');
SELECT isnt(issue_bill('mover', '2026-08-01'), NULL, 'the part that is Tokyo''s');
SELECT isnt(issue_bill('mover', '2026-08-01'), NULL, 'the part that is UTC''s');
SELECT throws_ok($$SELECT issue_bill('mover', '2026-08-01')$$, 'PM002', '2026-08 of tenant "mover" is closed', 'there is no third');
SELECT results_eq($$SELECT period_start, period_end, total FROM period_status WHERE tenant = 'mover' AND currency = 'EUR' ORDER BY 1 OFFSET 1$$,
    $$VALUES (timestamptz '2026-07-31 15:00+00', timestamptz '2026-08-01 00:00+00', 1.37), ('2026-08-01 00:00+00', '2026-09-01 00:00+00', 2.74)$$, 'both');
-- a contract for the next month cuts the present one, though it has been charged in part, and cuts it elsewhere when it is set anew
SELECT create_tenant('early', 'EUR', 'UTC');
SELECT pg_temp.used('early', 'gpu', 1, '2026-09-01 00:00+00', '2026-09-01 01:00+00');
SELECT pg_temp.at('2026-09-20');
SELECT settle('early');
CREATE FUNCTION pg_temp.open_period() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', p.state, period_start AT TIME ZONE 'UTC', period_end AT TIME ZONE 'UTC', contract_from), ', ')
    FROM billing_period p JOIN tenant USING (tenant_id) WHERE name = 'early' AND p.state <> 'closed' $$;
SELECT is(pg_temp.open_period(), 'open 2026-09-01 00:00:00 2026-10-01 00:00:00 2000-01-01', 'September is open');
SELECT set_contract('early', '2026-10-01', 'EUR', 'Asia/Tokyo');
SELECT is(pg_temp.open_period(), 'open 2026-09-01 00:00:00 2026-09-30 15:00:00 2000-01-01', 'it ends where October of Tokyo begins');
SELECT set_contract('early', '2026-10-01', 'EUR', 'America/New_York');
SELECT is(pg_temp.open_period(), 'open 2026-09-01 00:00:00 2026-10-01 00:00:00 2000-01-01', 'but not later than in its own time zone');
SELECT set_contract('early', '2026-10-01', 'EUR', 'Asia/Tokyo');
SELECT set_contract('early', '2026-11-01', 'EUR', 'UTC');
SELECT is(pg_temp.open_period(), 'open 2026-09-01 00:00:00 2026-09-30 15:00:00 2000-01-01', 'a later contract leaves it');
SELECT pg_temp.at('2026-10-01');
SELECT is(c.period_start, '2026-09-01 00:00+00', 'September takes what is booked') FROM adjust('early', 1, 'fee') AS a JOIN charge c ON c.charge_id = a;
SELECT settle('early');
SELECT is(pg_temp.open_period(), 'closing 2026-09-01 00:00:00 2026-09-30 15:00:00 2000-01-01', 'and the month goes on to its end');
-- what corrects a charge is of its cost centre, unless another is named: two move a charge
SELECT create_workspace('early', 'lab'), create_workspace('early', 'desk');
SELECT adjust('early', 2, 'of the lab', workspace => 'lab') AS wrong \gset
SELECT adjust('early', -2, 'wrong cost centre', corrects => :wrong), adjust('early', 2, 'of the desk', workspace => 'desk', corrects => :wrong);
SELECT results_eq(format('SELECT w.name::text, amount FROM charge JOIN workspace w USING (tenant_id, workspace_id) WHERE corrects = %s ORDER BY charge_id', :wrong),
    $$VALUES ('lab', -2.0), ('desk', 2.0)$$, 'a charge goes to another cost centre');
SELECT results_eq(format('SELECT DISTINCT month_start, started_at, ended_at FROM charge WHERE %s IN (charge_id, corrects)', :wrong),
    $$VALUES (timestamptz '2026-09-01 00:00+00', timestamptz '2026-09-01 00:00+00', timestamptz '2026-09-30 15:00+00')$$, 'all for the same time');
-- July began in Tokyo on what is still the last of June in UTC, and goes by its own name
SELECT pg_temp.used('mover', 'gpu', 1, '2026-07-20 00:00+00', '2026-07-20 01:00+00');
SELECT pg_temp.at('2026-10-01');
SELECT isnt(issue_bill('mover', '2026-09-01'), NULL, 'September');
SELECT results_eq($$SELECT kind::text, month, amount FROM bill_detail WHERE tenant = 'mover' AND period_start = '2026-09-01'$$,
    $$VALUES ('correction', '2026-07', 1.37)$$, 'a correction of July');

-- ---- who sees them ----

SELECT is(pg_temp.got(r::name, 'SELECT count(*) > 10 FROM bill_text(2)'), 'true', r || ' reads the bill') FROM unnest('{test_viewer,test_owner,test_operator}'::text[]) AS r;
SELECT is(pg_temp.got('test_viewer', $$SELECT bill_json(2) ->> 'total'$$), '1.74', 'as JSON');
SELECT is(pg_temp.got('test_viewer', 'SELECT count(*) FROM bill_charges(2, 1)'), '1', 'its charges');
SELECT is(pg_temp.got('test_viewer', $$SELECT string_agg(DISTINCT tenant, ' ') FROM bill_detail$$), 'acme', 'lines of nobody else');
SELECT is(pg_temp.got('test_viewer', $$SELECT string_agg(DISTINCT tenant, ' ') FROM period_status$$), 'acme', 'periods of nobody else');
SELECT is(pg_temp.got(r::name, format('SELECT %s', f)), '42704 bill 4 does not exist', r || ': ' || f)
FROM unnest('{test_viewer,test_stranger}'::text[]) AS r, unnest('{bill_text(4),bill_json(4),"count(*) FROM bill_charges(4, 1)"}'::text[]) AS f;
SELECT is(pg_temp.got('test_operator', $$SELECT adjust('acme', 1, 'by an operator')$$) ~ '^\d+$', true, 'operators adjust');

-- ---- numbers of lines ----

-- all that was booked at the list price moved to another: its line is empty, behind the rounding, and not printed
SELECT set_price('gpu', '1.111', '2026-08-31', tenant => 'early', reprice => 'agreed before');
SELECT issue_bill('early', '2026-09-01') AS early \gset
SELECT results_eq(format('SELECT line_no, kind::text, charges, quantity, amount FROM bill_detail WHERE bill_id = %s ORDER BY line_no', :early),
    $$VALUES (1, 'usage', 1::bigint, 1.0, 1.111), (2, 'adjustment', 1, NULL, 1.0), (3, 'adjustment', 1, NULL, 2.0), (4, 'adjustment', 1, NULL, -2.0),
             (5, 'adjustment', 1, NULL, 2.0), (6, 'rounding', 0, NULL, -0.001), (7, 'usage', 2, 0.0, 0.0)$$, 'an empty line is the last');
SELECT is(ARRAY(SELECT substring(line FROM '^ *(\d+)  ') FROM bill_text(:early) AS line WHERE line ~ '^ *\d+  '), '{1,2,3,4,5,6}', 'what is printed has no gap');
SELECT is((SELECT sum(units_after - units_before) FROM bill_charges(:early, 7)), 0::numeric, 'the number of the empty line has its charges');

-- ---- everything adds up ----

SELECT setseed(0.42);
SELECT pg_temp.used('crowd', (ARRAY['gpu', 'core', 'disk', 'call'])[1 + i % 4], 1 + floor(random() * 9000)::numeric / 1000, s, s + l)
FROM (SELECT i, timestamptz '2026-09-01 12:00+00' + floor(random() * 28 * 86400) * interval '1 second' AS s, floor(1 + random() * 50000) * interval '1 second' AS l
      FROM generate_series(1, 120) AS i) AS r;
SELECT pg_temp.at('2026-10-02');
SELECT settle('crowd');
SELECT set_price('gpu', '0.777777', '2026-09-12 03:04:05+00', currency => 'KWD', reprice => 'a mistake');
SELECT adjust('crowd', (0.0001 * i)::numeric, 'number ' || i, CASE WHEN i % 2 = 0 THEN 'adjustment' ELSE 'tax' END::charge_kind) FROM generate_series(1, 5) AS i;
SELECT isnt(issue_bill('crowd', '2026-09-01'), NULL, 'a bill of many charges');
SELECT pg_temp.used('crowd', (ARRAY['gpu', 'core', 'disk', 'call'])[1 + i % 4], 1 + floor(random() * 9000)::numeric / 1000, s, s + l)
FROM (SELECT i, timestamptz '2026-09-01 12:00+00' + floor(random() * 28 * 86400) * interval '1 second' AS s, floor(1 + random() * 50000) * interval '1 second' AS l
      FROM generate_series(1, 40) AS i) AS r;
SELECT pg_temp.at('2026-11-02');
SELECT isnt(issue_bill('crowd', '2026-10-01'), NULL, 'and one of corrections');
SELECT cmp_ok((SELECT count(DISTINCT kind) FROM bill_line WHERE tenant_id = 4), '=', 5::bigint, 'lines of every kind');
SELECT is_empty('SELECT pg_temp.disagreements()', 'everything adds up');
-- late or not, what was used costs the same: charges() reads no charge
SELECT results_eq($$SELECT sum(amount) FROM charge WHERE tenant_id = 4 AND kind IN ('usage', 'correction')$$,
    $$SELECT sum(amount) FROM charges('crowd', '2026-09-01 04:00+00', '2026-11-01 04:00+00', '1 month')$$, 'and is what charges() says');

SELECT * FROM finish();
ROLLBACK;
