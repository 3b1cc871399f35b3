-- Bills: what was booked into a period, summed line by line and rounded once.
-- Adjustments and taxes, which are booked by hand.

CREATE FUNCTION round_money(amount numeric, scale integer, rule rounding_rule) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE BEGIN ATOMIC
    SELECT CASE rule
        WHEN 'cut' THEN trunc(amount, scale)
        WHEN 'half_up' THEN round(amount, scale)
        -- as far from the digit below as from the one above, and not on one of them
        WHEN 'half_even' THEN CASE
            WHEN round(amount, scale) - amount = amount - trunc(amount, scale) AND amount <> trunc(amount, scale)
            THEN 2 * round(amount * 0.5, scale) ELSE round(amount, scale) END END;
END;
COMMENT ON FUNCTION round_money(numeric, integer, rounding_rule) IS
'an amount with so many digits behind the point: cut: towards zero; half_up: to the nearest, half away from zero; half_even: to the nearest, half to the even digit';

-- ---- periods ----

CREATE FUNCTION billing_terms(tenant bigint)
    RETURNS TABLE (starts_at timestamptz, ends_at timestamptz, currency text, time_zone text, rounding rounding_rule, from_month date)
LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT CASE WHEN lag(s.starts_at) OVER w IS NULL THEN '-infinity' ELSE s.starts_at END,
           lead(s.starts_at, 1, 'infinity') OVER w, s.currency, s.time_zone, s.rounding, s.from_month
    FROM (SELECT c.from_month, c.currency, c.time_zone, c.rounding,
                 billing_month((c.from_month + time '12:00') AT TIME ZONE c.time_zone, c.time_zone) AS starts_at
          FROM contract c WHERE c.tenant_id = billing_terms.tenant) AS s
    WINDOW w AS (ORDER BY s.from_month);
END;
COMMENT ON FUNCTION billing_terms(bigint) IS
'when each contract of a tenant holds; the first one also for what was before it';

-- 768 hours after a month began it is over, and the next one is not
CREATE FUNCTION month_periods(tenant bigint, month date)
    RETURNS TABLE (period_start timestamptz, period_end timestamptz, currency text, time_zone text, rounding rounding_rule,
        contract_from date)
LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT greatest(m.begins, t.starts_at), least(m.ends, t.ends_at), t.currency, t.time_zone, t.rounding, t.from_month
    FROM billing_terms(month_periods.tenant) AS t,
         LATERAL (SELECT b AS begins, billing_month(b + '768 hours', t.time_zone) AS ends
                  FROM billing_month((month_periods.month + time '12:00') AT TIME ZONE t.time_zone, t.time_zone) AS b) AS m
    WHERE greatest(m.begins, t.starts_at) < least(m.ends, t.ends_at)
    ORDER BY 1;
END;
COMMENT ON FUNCTION month_periods(bigint, date) IS
'the periods of a tenant in a local calendar month: one, or two where the time zone changes. Bodies of calls only';

CREATE FUNCTION period_at(tenant bigint, instant timestamptz)
    RETURNS TABLE (period_start timestamptz, period_end timestamptz, currency text, contract_from date)
LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT greatest(b, t.starts_at), least(billing_month(b + '768 hours', t.time_zone), t.ends_at), t.currency, t.from_month
    FROM billing_terms(period_at.tenant) AS t, billing_month(period_at.instant, t.time_zone) AS b
    WHERE period_at.instant >= t.starts_at AND period_at.instant < t.ends_at;
END;
COMMENT ON FUNCTION period_at(bigint, timestamptz) IS 'the billing period of a tenant that holds an instant: the local calendar month, or its part up to a change of the time zone';

CREATE FUNCTION require_billed(tenant bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM find_tenant(tenant);
    PERFORM require_level(0, 'operator');
    IF tenant = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'the provider has no bills',
            DETAIL = 'Bills are for tenants with a contract.',
            HINT = 'Name another tenant.';
    END IF;
END $$;
COMMENT ON FUNCTION require_billed(bigint) IS
'refuses an actor who is no operator (42501), and tenants that have no bills: one that is not there (42704), the provider (22023). Bodies of calls only';

CREATE FUNCTION lock_books(tenant bigint) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_sql_lock_books' LANGUAGE C;
COMMENT ON FUNCTION lock_books(bigint) IS
'takes the prices, shared, and the books of a tenant until the end of the transaction, to change them; makes them if there are none. Returns the instant of the change. Bodies of calls only';

-- ---- bills ----

CREATE FUNCTION tier_price(tariff tariff, tier integer) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE BEGIN ATOMIC
    SELECT CASE jsonb_typeof(j) WHEN 'number' THEN j #>> '{}'
        ELSE coalesce(j ->> 'unit_price', j -> 'tiers' -> (tier_price.tier - 1) ->> 'unit_price') END::numeric
    FROM tariff_to_jsonb(tier_price.tariff) AS j;
END;
COMMENT ON FUNCTION tier_price(tariff, integer) IS
'what a unit costs in a tier of a tariff; NULL: it is sold by the package. Bodies of calls only';

CREATE FUNCTION write_bills(
    tenant bigint, period_start timestamptz, currency text, time_zone text, rounding rounding_rule, instant timestamptz)
    RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    WITH summed AS MATERIALIZED (
        SELECT c.currency, c.kind, c.month_start, c.sku_id, c.price_id, c.tier,
               CASE WHEN c.usage_id IS NULL THEN c.charge_id END AS charge_id, min(c.description) AS description,
               max(c.charge_id) AS last, count(*) AS charges, sum(c.units_after::numeric - c.units_before) AS units,
               sum(c.quantity) AS quantity, sum(c.amount) AS amount
        FROM charge c
        WHERE c.tenant_id = write_bills.tenant AND c.period_start = write_bills.period_start
        GROUP BY 1, 2, 3, 4, 5, 6, 7),
    priced AS (
        SELECT s.*, tier_price(p.tariff, s.tier) AS unit_price, lower(p.valid) AS valid_from,
               CASE WHEN p.tariff::jsonb ->> 'model' = 'graduated' THEN s.tier END AS own_tier
        FROM summed s LEFT JOIN price p ON p.price_id = s.price_id),
    -- the price of a volume tariff is that of the tier reached in the end
    merged AS (
        SELECT currency, kind, month_start, sku_id, price_id, valid_from, own_tier AS tier, charge_id, description,
               sum(charges) AS charges, trim_scale(sum(quantity)) AS quantity, trim_scale(sum(amount)) AS amount,
               (array_agg(unit_price ORDER BY last DESC))[1] AS unit_price
        FROM priced GROUP BY currency, kind, month_start, sku_id, price_id, valid_from, own_tier, charge_id, description),
    -- what is empty has the last numbers, behind the rounding: it is not printed, and leaves no gap
    numbered AS MATERIALIZED (
        SELECT m.*, e.empty, row_number() OVER (PARTITION BY m.currency
            ORDER BY e.empty, m.kind, m.month_start, k.name, m.valid_from, m.price_id, m.tier, m.charge_id) AS line_no
        FROM merged m LEFT JOIN sku k ON k.sku_id = m.sku_id,
             LATERAL (SELECT m.sku_id IS NOT NULL AND m.quantity = 0 AND m.amount = 0 AS empty) AS e),
    billed AS (
        SELECT b.currency, c.digits, coalesce(s.charges, 0) AS charges, coalesce(s.units, 0) AS units,
               coalesce(s.amount, 0) AS amount, round_money(coalesce(s.amount, 0), c.digits, write_bills.rounding) AS total,
               (SELECT count(*) FROM numbered n WHERE n.currency = b.currency) AS lines
        FROM (SELECT write_bills.currency AS currency UNION SELECT currency FROM summed) AS b
        JOIN currency c ON c.code = b.currency
        LEFT JOIN (SELECT currency, sum(charges) AS charges, coalesce(sum(units), 0) AS units, trim_scale(sum(amount)) AS amount
                   FROM summed GROUP BY currency) AS s USING (currency)),
    issued AS (
        INSERT INTO bill (tenant_id, period_start, time_zone, currency, rounding, scale, lines, charges, units, amount, total,
            issued_at, issued_by)
        SELECT write_bills.tenant, write_bills.period_start, write_bills.time_zone, b.currency, write_bills.rounding, b.digits,
               b.lines + (b.total <> b.amount)::integer, b.charges, b.units, b.amount, b.total, write_bills.instant, actor()
        FROM billed b ORDER BY b.currency <> write_bills.currency, b.currency
        RETURNING bill_id, currency, amount, total)
    INSERT INTO bill_line (tenant_id, bill_id, line_no, kind, month_start, sku_id, price_id, tier, charge_id, charges, quantity,
        unit_price, amount, description)
    SELECT write_bills.tenant, i.bill_id, n.line_no + (n.empty AND i.total <> i.amount)::integer, n.kind, n.month_start, n.sku_id, n.price_id, n.tier, n.charge_id, n.charges,
           n.quantity, CASE WHEN n.quantity * n.unit_price = n.amount THEN n.unit_price END, n.amount, n.description
    FROM issued i JOIN numbered n USING (currency)
    UNION ALL
    SELECT write_bills.tenant, i.bill_id, (SELECT count(*) + 1 FROM numbered n WHERE n.currency = i.currency AND NOT n.empty),
           'rounding', write_bills.period_start, NULL, NULL, NULL, NULL, 0, NULL,
           NULL, trim_scale(i.total - i.amount), NULL
    FROM issued i WHERE i.total <> i.amount;

    -- charges were summed; what was booked with them must come to the same
    IF EXISTS (
        SELECT FROM (SELECT b.currency, b.charges, b.units, b.amount FROM bill b
                     WHERE b.tenant_id = write_bills.tenant AND b.period_start = write_bills.period_start AND b.charges > 0) AS b
        FULL JOIN (SELECT k.currency, sum(k.charges) AS charges, sum(k.units) AS units, sum(k.amount) AS amount FROM booking k
                   WHERE k.tenant_id = write_bills.tenant AND k.period_start = write_bills.period_start GROUP BY 1) AS k USING (currency)
        WHERE (b.charges, b.units, b.amount) IS DISTINCT FROM (k.charges, k.units, k.amount))
    THEN
        RAISE EXCEPTION USING ERRCODE = 'PM006',
            MESSAGE = format('charges of tenant %s in the period from %s differ from its bookings', tenant, period_start),
            DETAIL = 'A booking keeps number, units and amount of its charges as control totals.',
            HINT = 'Compare table "booking" with table "charge".';
    END IF;
END $$;
COMMENT ON FUNCTION write_bills(bigint, timestamptz, text, text, rounding_rule, timestamptz) IS
'writes the bills of a closed period, one a currency and always one in that of the contract. With the books. Bodies of calls only; PM006: charges and bookings differ';

CREATE FUNCTION issue_bill(tenant bigint, month date, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE pool_manager AS $$
DECLARE
    earlier bigint[];
    tenant_name text;
    books ledger;
    period record;
    before record;
    instant timestamptz;
    result bill;
BEGIN
    PERFORM require_billed(tenant);
    earlier := earlier_results(tenant);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    IF NOT isfinite(month) OR month >= '10000-01-01' OR extract(day FROM month) <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "month"',
            DETAIL = 'Bills are for calendar months, up to the year 9999.',
            HINT = 'Name the first day of a month.';
    END IF;
    SELECT t.name INTO tenant_name FROM tenant t WHERE t.tenant_id = issue_bill.tenant;
    instant := lock_books(tenant);
    SELECT l.* INTO STRICT books FROM ledger l WHERE l.tenant_id = issue_bill.tenant;
    SELECT m.* INTO period FROM month_periods(issue_bill.tenant, issue_bill.month) m
    WHERE m.period_end > books.closed_until ORDER BY m.period_start LIMIT 1;
    IF NOT FOUND THEN
        SELECT b.* INTO result FROM month_periods(issue_bill.tenant, issue_bill.month) m
        JOIN bill b ON b.tenant_id = issue_bill.tenant AND b.period_start = m.period_start AND b.currency = m.currency
        ORDER BY m.period_start DESC LIMIT 1;
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('%s of tenant "%s" is closed', to_char(month, 'YYYY-MM'), tenant_name),
            DETAIL = CASE WHEN result.bill_id IS NULL
                THEN 'Nothing was booked into it when a later month was billed.'
                ELSE format('Its bill is number %s, issued at %s.', result.bill_id, result.issued_at) END,
            HINT = 'What is to be corrected is booked into the next period, with adjust().';
    END IF;
    IF period.period_end > instant THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('%s of tenant "%s" is not over', to_char(month, 'YYYY-MM'), tenant_name),
            DETAIL = format('It ends at %s.', period.period_end),
            HINT = 'Issue the bill then; charges() shows what was used so far.';
    END IF;
    PERFORM settle(tenant, period.period_end);
    -- what that booked was booked before the close
    SELECT l.changed_at INTO STRICT instant FROM ledger l WHERE l.tenant_id = issue_bill.tenant;
    SELECT to_char(p.period_start AT TIME ZONE m.time_zone, 'YYYY-MM') AS month INTO before
    FROM billing_period p JOIN billing_terms(issue_bill.tenant) m ON p.period_start >= m.starts_at AND p.period_start < m.ends_at
    WHERE p.tenant_id = issue_bill.tenant AND p.period_start < period.period_start AND p.state <> 'closed'
    ORDER BY p.period_start LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('%s of tenant "%s" has not been billed', before.month, tenant_name),
            DETAIL = 'Months are closed one after the other.',
            HINT = 'Issue the bill of that month first.';
    END IF;

    INSERT INTO billing_period (tenant_id, period_start, period_end, state, contract_from)
    VALUES (issue_bill.tenant, period.period_start, period.period_end, 'closing', period.contract_from)
    ON CONFLICT ON CONSTRAINT billing_period_pkey DO UPDATE SET state = 'closing';
    UPDATE billing_period p SET state = 'closed', closed_at = instant,
        last_booking = (SELECT coalesce(max(k.booking_id), 0) FROM booking k
                        WHERE k.tenant_id = p.tenant_id AND k.period_start = p.period_start),
        last_charge = (SELECT coalesce(max(c.charge_id), 0) FROM charge c
                       WHERE c.tenant_id = p.tenant_id AND c.period_start = p.period_start)
    WHERE p.tenant_id = issue_bill.tenant AND p.period_start = period.period_start;
    UPDATE ledger l SET closed_until = period.period_end WHERE l.tenant_id = issue_bill.tenant;
    PERFORM write_bills(tenant, period.period_start, period.currency, period.time_zone, period.rounding, instant);
    SELECT b.* INTO STRICT result FROM bill b
    WHERE b.tenant_id = issue_bill.tenant AND b.period_start = period.period_start AND b.currency = period.currency;
    INSERT INTO event (tenant_id, at, kind, from_state, to_state, actor, reason)
    SELECT issue_bill.tenant, instant, 'bill_issued', 'closing', 'closed', actor(),
           format('bill %s of %s: %s %s', b.bill_id, to_char(month, 'YYYY-MM'), b.total, b.currency)
    FROM bill b WHERE b.tenant_id = issue_bill.tenant AND b.period_start = period.period_start ORDER BY b.bill_id;
    PERFORM remember_results(ARRAY[result.bill_id]);
    RETURN result.bill_id;
END $$;
COMMENT ON FUNCTION issue_bill(bigint, date, text) IS
'closes a month of a tenant, of its first day, in the contract''s time zone: settles up to its end, writes its bill (one more for each other currency that was booked) and refuses whatever comes later for it, which becomes a correction in the next period. Where the time zone changed, a month may have two parts, billed by two calls. Returns the number of the bill in the contract''s currency. Operators only (42501); 42704: no such tenant; 22023: not the first day of a month, the provider; PM002: the month is not over, or closed, or an earlier one has not been billed; PM004: request_id used before with other content; and errors of settle';
CREATE FUNCTION issue_bill(tenant text, month date, request_id text DEFAULT NULL) RETURNS bigint LANGUAGE sql BEGIN ATOMIC
    SELECT issue_bill(find_tenant(issue_bill.tenant), issue_bill.month, issue_bill.request_id);
END;
COMMENT ON FUNCTION issue_bill(text, date, text) IS 'the same, the tenant by name';

-- ---- by hand ----

CREATE FUNCTION adjust(
    tenant bigint, amount numeric, description text, kind charge_kind DEFAULT 'adjustment', workspace bigint DEFAULT NULL,
    corrects bigint DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
DECLARE
    earlier bigint[];
    books ledger;
    period record;
    corrected charge;
    instant timestamptz;
    new_booking bigint;
    new_charge bigint;
BEGIN
    PERFORM require_billed(tenant);
    earlier := earlier_results(tenant);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    IF kind NOT IN ('adjustment', 'tax') THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "kind"',
            DETAIL = 'Usage, corrections and rounding are not booked by hand.',
            HINT = 'It is adjustment or tax.';
    END IF;
    IF amount = 0 OR NOT abs(amount) < 1e24 OR scale(trim_scale(amount)) > 24 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "amount"',
            DETAIL = 'It is not 0, and has at most 24 digits before the point and 24 behind it.',
            HINT = 'An amount below 0 is a credit.';
    END IF;
    IF description !~ '\S' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "description"',
            DETAIL = 'It is a line of the bill.',
            HINT = 'Say what the amount is for.';
    END IF;
    IF workspace IS NOT NULL AND NOT EXISTS (
        SELECT FROM workspace w WHERE w.tenant_id = adjust.tenant AND w.workspace_id = adjust.workspace) THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('workspace %s does not exist', workspace),
            DETAIL = format('There is none with this id of tenant %s.', tenant),
            HINT = 'Table "workspace" shows them.';
    END IF;
    IF corrects IS NOT NULL THEN
        SELECT c.* INTO corrected FROM charge c WHERE c.tenant_id = adjust.tenant AND c.charge_id = adjust.corrects;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = '42704',
                MESSAGE = format('charge %s does not exist', corrects),
                DETAIL = format('There is none with this id of tenant %s, or it has been archived.', tenant),
                HINT = 'Table "charge" shows them.';
        END IF;
    END IF;

    instant := lock_books(tenant);
    SELECT l.* INTO STRICT books FROM ledger l WHERE l.tenant_id = adjust.tenant;
    -- where corrections go: the oldest period that is not closed, be it not settled yet; not before what is corrected
    SELECT p.* INTO period FROM period_at(adjust.tenant, greatest(corrected.period_start,
        CASE WHEN isfinite(books.closed_until) THEN books.closed_until ELSE least(instant,
            (SELECT min(b.period_start) FROM billing_period b WHERE b.tenant_id = adjust.tenant),
            (SELECT min(u.started_at) FROM unrated r JOIN usage u USING (tenant_id, usage_id) WHERE r.tenant_id = adjust.tenant
                -- what was taken back, and what takes it back, make no period
                AND u.corrects IS NULL AND NOT EXISTS (
                    SELECT FROM usage c WHERE c.tenant_id = u.tenant_id AND c.corrects = u.usage_id)),
            (SELECT min(h.metered_until) FROM holding h WHERE h.tenant_id = adjust.tenant)) END)) p;
    INSERT INTO billing_period (tenant_id, period_start, period_end, state, contract_from)
    VALUES (adjust.tenant, period.period_start, period.period_end,
        CASE WHEN period.period_end <= books.settled_until THEN 'closing' ELSE 'open' END::period_state, period.contract_from)
    ON CONFLICT ON CONSTRAINT billing_period_pkey DO NOTHING;
    INSERT INTO booking (tenant_id, period_start, kind, currency, charges, units, amount, booked_at, booked_by, reason)
    VALUES (adjust.tenant, period.period_start, 'adjustment', coalesce(corrected.currency, period.currency), 1, 0, adjust.amount,
        instant, actor(), adjust.description)
    RETURNING booking_id INTO new_booking;
    INSERT INTO charge (tenant_id, period_start, booking_id, workspace_id, month_start, started_at, ended_at, corrects, kind,
        currency, amount, description)
    VALUES (adjust.tenant, period.period_start, new_booking, coalesce(adjust.workspace, corrected.workspace_id),
        coalesce(corrected.month_start, period.period_start), coalesce(corrected.started_at, period.period_start),
        coalesce(corrected.ended_at, period.period_end), adjust.corrects, adjust.kind,
        coalesce(corrected.currency, period.currency), adjust.amount, adjust.description)
    RETURNING charge_id INTO new_charge;
    INSERT INTO event (tenant_id, at, kind, actor, reason)
    VALUES (adjust.tenant, instant, 'adjusted', actor(),
        format('%s of %s %s: %s', adjust.kind, adjust.amount, coalesce(corrected.currency, period.currency), adjust.description));
    PERFORM remember_results(ARRAY[new_charge]);
    RETURN new_charge;
END $$;
COMMENT ON FUNCTION adjust(bigint, numeric, text, charge_kind, bigint, bigint, text) IS
'books an adjustment or a tax, a line of its own on the bill: below 0 a credit. It goes into the oldest period that is not closed, in the contract''s currency; one that corrects a charge keeps its time, month and currency, and its workspace unless another is named. Returns the id of the charge. Operators only (42501); 42704: no such tenant, workspace or charge; 22023: an amount of 0 or of too many digits, no description, another kind, the provider; PM004: request_id used before with other content';
CREATE FUNCTION adjust(
    tenant text, amount numeric, description text, kind charge_kind DEFAULT 'adjustment', workspace text DEFAULT NULL,
    corrects bigint DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
DECLARE
    named bigint := find_tenant(tenant);
BEGIN
    RETURN adjust(named, amount, description, kind, find_workspace(named, workspace), corrects, request_id);
END $$;
COMMENT ON FUNCTION adjust(text, numeric, text, charge_kind, text, bigint, text) IS 'the same, tenant and workspace by name';

-- ---- reading ----

CREATE VIEW period_status WITH (security_invoker = true) AS
SELECT p.tenant_id,
       t.name AS tenant,
       p.period_start,
       p.period_end,
       p.state,
       coalesce(b.currency, k.currency) AS currency,
       coalesce(b.charges, k.charges) AS charges,
       coalesce(b.amount, k.amount) AS amount,
       b.bill_id,
       b.total,
       p.closed_at
FROM billing_period p
JOIN tenant t USING (tenant_id)
LEFT JOIN bill b USING (tenant_id, period_start)
LEFT JOIN LATERAL (
    SELECT k.currency, sum(k.charges)::bigint AS charges, trim_scale(sum(k.amount)) AS amount
    FROM booking k
    WHERE p.state <> 'closed' AND k.tenant_id = p.tenant_id AND k.period_start = p.period_start
    GROUP BY k.currency) AS k ON true;
COMMENT ON VIEW period_status IS
'billing periods, what was booked into them, in each currency, and their bills';
COMMENT ON COLUMN period_status.tenant_id IS 'tenant';
COMMENT ON COLUMN period_status.tenant IS 'its name';
COMMENT ON COLUMN period_status.period_start IS 'first second';
COMMENT ON COLUMN period_status.period_end IS 'second behind the last';
COMMENT ON COLUMN period_status.state IS 'open, closing or closed';
COMMENT ON COLUMN period_status.currency IS 'ISO 4217 code';
COMMENT ON COLUMN period_status.charges IS 'number of charges so far, or on the bill';
COMMENT ON COLUMN period_status.amount IS 'what they come to, exact';
COMMENT ON COLUMN period_status.bill_id IS 'number of the bill; NULL: not issued';
COMMENT ON COLUMN period_status.total IS 'what is to be paid: the amount, rounded';
COMMENT ON COLUMN period_status.closed_at IS 'when the bill was issued';

-- a month is named as its contract named it, in whatever zone the bill is: ten days after it began there it is on everywhere
CREATE VIEW bill_detail WITH (security_invoker = true) AS
SELECT l.tenant_id,
       t.name AS tenant,
       l.bill_id,
       b.period_start,
       l.line_no,
       l.kind,
       to_char((l.month_start + '240 hours') AT TIME ZONE b.time_zone, 'YYYY-MM') AS month,
       k.name AS sku,
       l.price_id,
       l.tier,
       l.charges,
       l.quantity,
       CASE k.per WHEN 'hour' THEN k.unit || '-hour' ELSE k.unit END AS unit,
       l.unit_price,
       l.amount,
       b.currency,
       l.description
FROM bill_line l
JOIN bill b USING (tenant_id, bill_id)
JOIN tenant t USING (tenant_id)
LEFT JOIN sku k USING (sku_id);
COMMENT ON VIEW bill_detail IS
'lines of bills with names: they add up to the bill''s total. bill_charges() has the charges of a line';
COMMENT ON COLUMN bill_detail.tenant_id IS 'who pays';
COMMENT ON COLUMN bill_detail.tenant IS 'its name';
COMMENT ON COLUMN bill_detail.bill_id IS 'number of the bill';
COMMENT ON COLUMN bill_detail.period_start IS 'period that it closed';
COMMENT ON COLUMN bill_detail.line_no IS 'number of the line, from 1';
COMMENT ON COLUMN bill_detail.kind IS 'usage, correction, adjustment, tax or rounding';
COMMENT ON COLUMN bill_detail.month IS 'month in which it was used, in the contract''s time zone';
COMMENT ON COLUMN bill_detail.sku IS 'what was used';
COMMENT ON COLUMN bill_detail.price_id IS 'price version';
COMMENT ON COLUMN bill_detail.tier IS 'tier of a graduated tariff';
COMMENT ON COLUMN bill_detail.charges IS 'number of charges that it sums';
COMMENT ON COLUMN bill_detail.quantity IS 'unit-hours, or units';
COMMENT ON COLUMN bill_detail.unit IS 'of the quantity: GPU-hour';
COMMENT ON COLUMN bill_detail.unit_price IS 'price of a unit, where quantity times it is the amount; NULL: the tariff is another';
COMMENT ON COLUMN bill_detail.amount IS 'exact';
COMMENT ON COLUMN bill_detail.currency IS 'ISO 4217 code';
COMMENT ON COLUMN bill_detail.description IS 'of adjustments and taxes';
GRANT SELECT ON period_status, bill_detail TO PUBLIC;

CREATE FUNCTION find_bill(bill bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_find_bill' LANGUAGE C STABLE;
COMMENT ON FUNCTION find_bill(bigint) IS
'the number of a bill, if there is one that the actor may see. For all; 42704: there is none; 22004: NULL';

CREATE FUNCTION bill_charges(bill bigint, line_no integer) RETURNS SETOF charge LANGUAGE pool_manager STABLE ROWS 100 AS $$
DECLARE
    line record;
BEGIN
    PERFORM find_bill(bill);
    SELECT l.*, b.period_start, b.currency, b.period_start < k.archived_until AS archived INTO line
    FROM bill b JOIN bill_line l USING (tenant_id, bill_id) JOIN ledger k USING (tenant_id)
    WHERE b.bill_id = bill_charges.bill AND l.line_no = bill_charges.line_no;
    IF line.sku_id IS NULL THEN
        -- adjustments and taxes stay, and have a charge each
        RETURN QUERY SELECT c.* FROM charge c WHERE c.tenant_id = line.tenant_id AND c.charge_id = line.charge_id;
        RETURN;
    END IF;
    IF line.archived THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('charges of bill %s have been archived', bill),
            DETAIL = 'The bill and its lines are here; what they sum was moved away by archive().',
            HINT = 'The operator has the tables into which they went.';
    END IF;
    -- not joined with the line: by the index, however many charges the period has
    RETURN QUERY
    SELECT c.* FROM charge c
    WHERE c.tenant_id = line.tenant_id AND c.period_start = line.period_start AND c.sku_id = line.sku_id
      AND c.price_id = line.price_id AND c.currency = line.currency AND c.kind = line.kind AND c.month_start = line.month_start
      AND coalesce(c.tier = line.tier, true);
END $$;
COMMENT ON FUNCTION bill_charges(bigint, integer) IS
'the charges that a line of a bill sums. They have the keys of what was used: usage_id, and by table usage the run, the node or the volume. 42704: no such bill; 55000: they have been archived';

CREATE FUNCTION bill_json(bill bigint) RETURNS jsonb LANGUAGE pool_manager STABLE AS $$
BEGIN
    PERFORM find_bill(bill);
    RETURN (SELECT jsonb_build_object(
        'bill', b.bill_id,
        'tenant', t.name,
        'tenant_id', b.tenant_id,
        'month', to_char(b.period_start AT TIME ZONE b.time_zone, 'YYYY-MM'),
        'period_start', to_char(b.period_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'period_end', to_char(p.period_end AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'time_zone', b.time_zone,
        'currency', b.currency,
        'issued_at', to_char(b.issued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'issued_by', b.issued_by,
        'charges', b.charges,
        'amount', b.amount::text,
        'rounding', b.rounding,
        'total', b.total::text,
        'lines', coalesce((
            SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                'line', d.line_no,
                'kind', d.kind,
                'month', d.month,
                'sku', d.sku,
                'price_id', d.price_id,
                'tier', d.tier,
                'charges', d.charges,
                'quantity', d.quantity::text,
                'unit', d.unit,
                'unit_price', d.unit_price::text,
                'amount', d.amount::text,
                'description', d.description)) ORDER BY d.line_no)
            FROM bill_detail d WHERE d.tenant_id = b.tenant_id AND d.bill_id = b.bill_id), '[]'))
    FROM bill b
    JOIN tenant t USING (tenant_id)
    JOIN billing_period p USING (tenant_id, period_start)
    WHERE b.bill_id = bill_json.bill);
END $$;
COMMENT ON FUNCTION bill_json(bigint) IS
'a bill with its lines as JSON; decimal numbers are strings, for readers whose numbers are not exact. Instants are UTC. 42704: no such bill';

CREATE FUNCTION bill_text(bill bigint) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'pm_bill_text' LANGUAGE C STABLE STRICT ROWS 30;
COMMENT ON FUNCTION bill_text(bigint) IS
'a bill to be printed or read, at most 98 columns wide; line by line: psql -At. What rounding adds or cuts is a line of its own; lines whose units were all taken back have the last numbers, and are left out. 42704: no such bill';

REVOKE EXECUTE ON FUNCTION month_periods(bigint, date), require_billed(bigint), lock_books(bigint),
    tier_price(tariff, integer), write_bills(bigint, timestamptz, text, text, rounding_rule, timestamptz) FROM PUBLIC;
