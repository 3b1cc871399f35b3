-- Arrears: what tenants paid, what they owe, how much they may owe, and what
-- becomes of those who owe more. How a state is put into effect is in
-- 43_account.sql, what is owed comes from 55_bills.sql.

CREATE SEQUENCE payment_id_seq;
CREATE TABLE payment (
    tenant_id   bigint      NOT NULL,
    payment_id  bigint      NOT NULL DEFAULT nextval('payment_id_seq'),
    currency    text        NOT NULL,
    amount      numeric     NOT NULL,
    reference   text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by name        NOT NULL,
    CONSTRAINT payment_pkey PRIMARY KEY (tenant_id, payment_id),
    CONSTRAINT payment_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT payment_currency_fkey FOREIGN KEY (currency) REFERENCES currency,
    CONSTRAINT payment_tenant_check CHECK (tenant_id <> 0),
    CONSTRAINT payment_amount_check CHECK (amount <> 0 AND abs(amount) < 1e24 AND amount = round(amount, 4)),
    CONSTRAINT payment_reference_check CHECK (reference ~ '\S')
);
COMMENT ON TABLE payment IS 'what tenants have paid, and what was paid back to them. Append-only';
COMMENT ON COLUMN payment.tenant_id IS 'who paid';
COMMENT ON COLUMN payment.payment_id IS 'identifier';
COMMENT ON COLUMN payment.currency IS 'ISO 4217 code';
COMMENT ON COLUMN payment.amount IS 'how much; below 0: paid back, or a payment that was returned';
COMMENT ON COLUMN payment.reference IS 'what it was: a transfer, a bill, why it was paid back';
COMMENT ON COLUMN payment.recorded_at IS 'when it was recorded';
COMMENT ON COLUMN payment.recorded_by IS 'database role that recorded it';
CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();

CREATE TABLE credit_limit (
    tenant_id bigint      NOT NULL,
    currency  text        NOT NULL,
    amount    numeric     NOT NULL,
    grace     interval    NOT NULL,
    set_at    timestamptz NOT NULL,
    CONSTRAINT credit_limit_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT credit_limit_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT credit_limit_currency_fkey FOREIGN KEY (currency) REFERENCES currency,
    CONSTRAINT credit_limit_tenant_check CHECK (tenant_id <> 0),
    CONSTRAINT credit_limit_amount_check CHECK (amount >= 0 AND amount < 1e24),
    CONSTRAINT credit_limit_grace_check CHECK (grace >= interval '0')
);
COMMENT ON TABLE credit_limit IS 'how much tenants may owe; those without a row are never in arrears';
COMMENT ON COLUMN credit_limit.tenant_id IS 'who';
COMMENT ON COLUMN credit_limit.currency IS 'ISO 4217 code: that of the contract when the limit was set; what is owed in others does not count';
COMMENT ON COLUMN credit_limit.amount IS 'so much may be owed and used unbilled together; 0: nothing, it is paid before';
COMMENT ON COLUMN credit_limit.grace IS 'so long a tenant that is beyond the limit goes on before it is frozen';
COMMENT ON COLUMN credit_limit.set_at IS 'when it was set';

SELECT pg_catalog.pg_extension_config_dump('payment_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('payment', '');
SELECT pg_catalog.pg_extension_config_dump('credit_limit', '');

-- ---- what is owed ----

CREATE VIEW balance WITH (security_invoker = true) AS
SELECT b.*,
       CASE WHEN b.credit_limit IS NULL THEN b.state
            WHEN b.owed + b.unbilled <= b.credit_limit THEN 'active'
            WHEN b.state = 'active' AND b.grace > interval '0' THEN 'grace'
            WHEN b.state = 'grace' AND clock() < b.frozen_at THEN 'grace'
            ELSE 'frozen' END AS next_state
FROM (
    SELECT t.tenant_id, t.name AS tenant, s.currency, s.billed, s.paid, trim_scale(s.billed - s.paid) AS owed, s.unbilled,
           l.amount AS credit_limit, l.grace, t.state, t.state_since,
           CASE t.state WHEN 'grace' THEN t.state_since + l.grace END AS frozen_at
    FROM tenant t
    CROSS JOIN LATERAL (
        SELECT m.currency, trim_scale(sum(m.billed)) AS billed, trim_scale(sum(m.paid)) AS paid, trim_scale(sum(m.unbilled)) AS unbilled
        FROM (
            SELECT c.currency, 0, 0, 0 FROM contract c WHERE c.tenant_id = t.tenant_id
            UNION ALL
            SELECT b.currency, b.total, 0, 0 FROM bill b WHERE b.tenant_id = t.tenant_id
            UNION ALL
            SELECT p.currency, 0, p.amount, 0 FROM payment p WHERE p.tenant_id = t.tenant_id
            UNION ALL
            SELECT k.currency, 0, 0, k.amount FROM billing_period p JOIN booking k USING (tenant_id, period_start)
            WHERE p.tenant_id = t.tenant_id AND p.state <> 'closed') AS m(currency, billed, paid, unbilled)
        GROUP BY m.currency) AS s
    LEFT JOIN credit_limit l ON l.tenant_id = t.tenant_id AND l.currency = s.currency
    WHERE t.tenant_id <> 0) AS b;
COMMENT ON VIEW balance IS
'what each tenant was billed, has paid and owes, a row a currency, and what its limit makes of it';
COMMENT ON COLUMN balance.tenant_id IS 'tenant';
COMMENT ON COLUMN balance.tenant IS 'its name';
COMMENT ON COLUMN balance.currency IS 'ISO 4217 code';
COMMENT ON COLUMN balance.billed IS 'sum of its bills';
COMMENT ON COLUMN balance.paid IS 'sum of its payments';
COMMENT ON COLUMN balance.owed IS 'billed but not paid; below 0: paid before';
COMMENT ON COLUMN balance.unbilled IS 'booked into periods that have no bill yet, exact: up to the last settlement';
COMMENT ON COLUMN balance.credit_limit IS 'how much owed and unbilled may come to; NULL: no limit in this currency';
COMMENT ON COLUMN balance.grace IS 'how long it may be more';
COMMENT ON COLUMN balance.state IS 'active, grace or frozen';
COMMENT ON COLUMN balance.state_since IS 'since when; NULL: always';
COMMENT ON COLUMN balance.frozen_at IS 'in grace: when that ends';
COMMENT ON COLUMN balance.next_state IS 'what check_arrears() would make of it now';
GRANT SELECT ON balance TO PUBLIC;

-- ---- what becomes of it ----

CREATE FUNCTION check_arrears(tenant bigint DEFAULT NULL)
    RETURNS TABLE (tenant_id bigint, from_state tenant_state, to_state tenant_state) LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    candidates bigint[];
    candidate bigint;
    it record;
BEGIN
    PERFORM require_level(0, 'operator');
    IF tenant IS NOT NULL THEN
        PERFORM find_tenant(check_arrears.tenant);
    END IF;
    candidates := ARRAY(
        SELECT b.tenant_id FROM balance b
        WHERE b.next_state <> b.state AND (check_arrears.tenant IS NULL OR b.tenant_id = check_arrears.tenant)
        ORDER BY b.tenant_id);
    FOREACH candidate IN ARRAY candidates LOOP
        -- a payment that was just recorded counts: it takes the same lock
        PERFORM FROM tenant t WHERE t.tenant_id = candidate FOR NO KEY UPDATE;
        SELECT b.* INTO it FROM balance b WHERE b.tenant_id = candidate AND b.next_state <> b.state;
        CONTINUE WHEN NOT FOUND;
        PERFORM set_tenant_state(candidate, it.next_state,
            format('%s %s owed, %s unbilled, limit %s', it.owed, it.currency, it.unbilled, it.credit_limit));
        RETURN QUERY SELECT it.tenant_id, it.state, it.next_state;
    END LOOP;
END $$;
COMMENT ON FUNCTION check_arrears(bigint) IS
'compares what a tenant, or each one, owes and has used unbilled with its limit: who is beyond it comes into grace, and when that is over is frozen; who is not any more is active. Returns who changed; called again it changes nothing. Tenants without a limit are left as they are. Operators only (42501); 42704: no such tenant';
CREATE FUNCTION check_arrears(tenant text)
    RETURNS TABLE (tenant_id bigint, from_state tenant_state, to_state tenant_state) LANGUAGE pool_manager AS $$
BEGIN
    RETURN QUERY SELECT c.* FROM check_arrears(find_tenant(check_arrears.tenant)) AS c;
END $$;
COMMENT ON FUNCTION check_arrears(text) IS 'the same, the tenant by name';

-- ---- payments and limits ----

CREATE FUNCTION record_payment(
    tenant bigint, amount numeric, reference text, currency text DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE pool_manager AS $$
DECLARE
    earlier bigint[];
    paid_in text;
    minor integer;
    new_payment bigint;
BEGIN
    PERFORM require_billed(tenant);
    earlier := earlier_results(tenant);
    IF earlier IS NOT NULL THEN
        RETURN earlier[1];
    END IF;
    paid_in := coalesce(record_payment.currency, (SELECT p.currency FROM period_at(tenant, write_clock()) AS p));
    SELECT c.digits INTO minor FROM currency c WHERE c.code = paid_in;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('invalid currency code "%s"', paid_in),
            DETAIL = 'A currency is three capital letters, as in ISO 4217; table "currency" has them.',
            HINT = 'Write it like USD.';
    END IF;
    IF amount = 0 OR NOT abs(amount) < 1e24 OR amount <> round(amount, minor) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "amount"',
            DETAIL = format('It is not 0, and has at most 24 digits before the point and %s behind it, as %s has.', minor, paid_in),
            HINT = 'An amount below 0 was paid back.';
    END IF;
    IF reference !~ '\S' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "reference"',
            DETAIL = 'It says what was paid, or why it was paid back.',
            HINT = 'Name the transfer or the bill.';
    END IF;
    PERFORM FROM tenant t WHERE t.tenant_id = record_payment.tenant FOR NO KEY UPDATE;
    INSERT INTO payment (tenant_id, currency, amount, reference, recorded_at, recorded_by)
    VALUES (record_payment.tenant, paid_in, trim_scale(record_payment.amount), record_payment.reference, write_clock(), actor())
    RETURNING payment_id INTO new_payment;
    INSERT INTO event (tenant_id, at, kind, actor, reason)
    VALUES (record_payment.tenant, write_clock(), 'payment_recorded', actor(),
        format('%s %s: %s', trim_scale(record_payment.amount), paid_in, record_payment.reference));
    PERFORM remember_results(ARRAY[new_payment]);
    PERFORM check_arrears(tenant);
    RETURN new_payment;
END $$;
COMMENT ON FUNCTION record_payment(bigint, numeric, text, text, text) IS
'records what a tenant has paid, or below 0 what was paid back to it, in the contract''s currency by default, and checks its arrears. Returns the id of the payment. Operators only (42501); 42704: no such tenant; 22023: an amount of 0 or of parts of a minor unit, no reference, no such currency, the provider; PM004: request_id used before with other content';
CREATE FUNCTION record_payment(
    tenant text, amount numeric, reference text, currency text DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
LANGUAGE sql BEGIN ATOMIC
    SELECT record_payment(find_tenant(record_payment.tenant), record_payment.amount, record_payment.reference,
        record_payment.currency, record_payment.request_id);
END;
COMMENT ON FUNCTION record_payment(text, numeric, text, text, text) IS 'the same, the tenant by name';

CREATE FUNCTION set_credit_limit(tenant bigint, credit_limit numeric DEFAULT NULL, grace interval DEFAULT '15 days') RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    limited_in text;
    exact_grace interval := exact_or_none(set_credit_limit.grace, 'grace');
BEGIN
    PERFORM require_billed(tenant);
    limited_in := (SELECT p.currency FROM period_at(tenant, write_clock()) AS p);
    IF credit_limit < 0 OR NOT credit_limit < 1e24 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "credit_limit"',
            DETAIL = 'It is 0 or more, and has at most 24 digits before the point.',
            HINT = 'With 0 the tenant pays before; NULL is no limit.';
    END IF;
    PERFORM FROM tenant t WHERE t.tenant_id = set_credit_limit.tenant FOR NO KEY UPDATE;
    IF credit_limit IS NULL THEN
        DELETE FROM credit_limit l WHERE l.tenant_id = set_credit_limit.tenant;
    ELSE
        INSERT INTO credit_limit (tenant_id, currency, amount, grace, set_at)
        VALUES (set_credit_limit.tenant, limited_in, trim_scale(set_credit_limit.credit_limit), exact_grace, write_clock())
        ON CONFLICT ON CONSTRAINT credit_limit_pkey DO UPDATE SET currency = excluded.currency, amount = excluded.amount,
            grace = excluded.grace, set_at = excluded.set_at;
    END IF;
    INSERT INTO event (tenant_id, at, kind, actor, reason)
    VALUES (set_credit_limit.tenant, write_clock(), 'credit_limit_set', actor(),
        CASE WHEN set_credit_limit.credit_limit IS NULL THEN 'none'
             ELSE format('%s %s, grace %s', trim_scale(set_credit_limit.credit_limit), limited_in, exact_grace) END);
    PERFORM check_arrears(tenant);
END $$;
COMMENT ON FUNCTION set_credit_limit(bigint, numeric, interval) IS
'limits what a tenant may owe and have used unbilled, in its contract''s currency, and checks its arrears: beyond the limit it is in grace for so long, then frozen. 0: it pays before; NULL: there is no limit, and its state stays as it is. Operators only (42501); 42704: no such tenant; 22023: a negative limit or time, the provider';
CREATE FUNCTION set_credit_limit(tenant text, credit_limit numeric DEFAULT NULL, grace interval DEFAULT '15 days') RETURNS void
LANGUAGE sql BEGIN ATOMIC
    SELECT set_credit_limit(find_tenant(set_credit_limit.tenant), set_credit_limit.credit_limit, set_credit_limit.grace);
END;
COMMENT ON FUNCTION set_credit_limit(text, numeric, interval) IS 'the same, the tenant by name';
