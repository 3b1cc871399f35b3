-- The books: what usage was rated as, in which period it was booked, and the
-- bills that came of it. All of it is append-only but counters, which go on,
-- and the state of a period.

CREATE TABLE ledger (
    tenant_id      bigint      NOT NULL,
    settled_until  timestamptz NOT NULL DEFAULT '-infinity',
    closed_until   timestamptz NOT NULL DEFAULT '-infinity',
    archived_until timestamptz NOT NULL DEFAULT '-infinity',
    changed_at     timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT ledger_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT ledger_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT ledger_tenant_check CHECK (tenant_id <> 0),
    CONSTRAINT ledger_settled_check CHECK (NOT isfinite(settled_until) OR is_whole_second(settled_until)),
    CONSTRAINT ledger_closed_check CHECK (closed_until <= settled_until),
    CONSTRAINT ledger_archived_check CHECK (archived_until <= closed_until)
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger IS
'how far the books of a tenant have come; its row is the lock of all that is booked for it';
COMMENT ON COLUMN ledger.tenant_id IS 'whose books';
COMMENT ON COLUMN ledger.settled_until IS 'up to here everything that was held is usage, and rated unless it came later; -infinity: never settled';
COMMENT ON COLUMN ledger.closed_until IS 'end of the last period that is closed; what is booked for earlier times is a correction. -infinity: none is';
COMMENT ON COLUMN ledger.archived_until IS 'end of the last period that is archived: not all of its charges and usage is here. -infinity: none is';
COMMENT ON COLUMN ledger.changed_at IS 'when something was last booked, or a contract set: who took a snapshot before may not book by it. Later instants are not before it. -infinity: never';

CREATE TABLE price_book (
    one      boolean     NOT NULL DEFAULT true,
    version  bigint      NOT NULL DEFAULT 0,
    CONSTRAINT price_book_pkey PRIMARY KEY (one),
    CONSTRAINT price_book_one_check CHECK (one),
    CONSTRAINT price_book_version_check CHECK (version >= 0)
);
COMMENT ON TABLE price_book IS
'one row, the lock of all prices: who sets one changes it, who rates with them locks it, so that nothing is rated with a price that was just replaced';
COMMENT ON COLUMN price_book.one IS 'true';
COMMENT ON COLUMN price_book.version IS 'how often a price was set or ended';
-- not dumped: the lock is there again with the extension
INSERT INTO price_book DEFAULT VALUES;

CREATE TABLE billing_period (
    tenant_id    bigint       NOT NULL,
    period_start timestamptz  NOT NULL,
    period_end   timestamptz  NOT NULL,
    state        period_state NOT NULL DEFAULT 'open',
    closed_at    timestamptz,
    last_booking bigint,
    last_charge  bigint,
    contract_from date        NOT NULL,
    CONSTRAINT billing_period_pkey PRIMARY KEY (tenant_id, period_start),
    CONSTRAINT billing_period_ledger_fkey FOREIGN KEY (tenant_id) REFERENCES ledger,
    -- so that a dump brings contracts first: then their guard sees no periods yet
    CONSTRAINT billing_period_contract_fkey FOREIGN KEY (tenant_id, contract_from) REFERENCES contract,
    CONSTRAINT billing_period_times_check CHECK (
        period_start < period_end AND is_whole_second(period_start) AND is_whole_second(period_end)),
    CONSTRAINT billing_period_closed_check CHECK (
        num_nonnulls(closed_at, last_booking, last_charge) = CASE state WHEN 'closed' THEN 3 ELSE 0 END AND closed_at >= period_end),
    CONSTRAINT billing_period_overlap_excl EXCLUDE USING gist (
        tenant_id WITH =, tstzrange(period_start, period_end) WITH &&)
);
COMMENT ON TABLE billing_period IS
'billing months of tenants for which something was booked: the local calendar month of the contract, or its part up to a change of the time zone';
COMMENT ON COLUMN billing_period.tenant_id IS 'whose period';
COMMENT ON COLUMN billing_period.period_start IS 'first second';
COMMENT ON COLUMN billing_period.period_end IS 'second behind the last';
COMMENT ON COLUMN billing_period.state IS 'open, closing or closed';
COMMENT ON COLUMN billing_period.closed_at IS 'when its bill was issued';
COMMENT ON COLUMN billing_period.last_booking IS 'greatest id of its bookings then, 0 without any: there will be none after it';
COMMENT ON COLUMN billing_period.last_charge IS 'the same of its charges';
COMMENT ON COLUMN billing_period.contract_from IS 'contract that it goes by: the month from which it holds';

CREATE SEQUENCE booking_id_seq;
CREATE TABLE booking (
    tenant_id    bigint       NOT NULL,
    booking_id   bigint       NOT NULL DEFAULT nextval('booking_id_seq'),
    period_start timestamptz  NOT NULL,
    kind         booking_kind NOT NULL,
    currency     text         NOT NULL,
    charges      bigint       NOT NULL,
    units        numeric      NOT NULL,
    amount       numeric      NOT NULL,
    booked_at    timestamptz  NOT NULL,
    booked_by    name         NOT NULL,
    reason       text,
    CONSTRAINT booking_pkey PRIMARY KEY (tenant_id, booking_id),
    CONSTRAINT booking_period_key UNIQUE (tenant_id, booking_id, period_start),
    CONSTRAINT booking_period_fkey FOREIGN KEY (tenant_id, period_start) REFERENCES billing_period,
    CONSTRAINT booking_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT booking_charges_check CHECK (charges > 0),
    CONSTRAINT booking_reason_check CHECK (reason <> '' AND (kind = 'settlement' OR reason IS NOT NULL))
);
CREATE INDEX booking_of_period_idx ON booking (tenant_id, period_start);
COMMENT ON TABLE booking IS
'what was booked at once, into one period and in one currency, with the totals that its charges must add up to. Append-only';
COMMENT ON COLUMN booking.tenant_id IS 'who pays';
COMMENT ON COLUMN booking.booking_id IS 'identifier';
COMMENT ON COLUMN booking.period_start IS 'period it was booked into';
COMMENT ON COLUMN booking.kind IS 'what booked it';
COMMENT ON COLUMN booking.currency IS 'ISO 4217 code';
COMMENT ON COLUMN booking.charges IS 'control total: number of charges';
COMMENT ON COLUMN booking.units IS 'control total: what the counters advanced by';
COMMENT ON COLUMN booking.amount IS 'control total: sum of the amounts';
COMMENT ON COLUMN booking.booked_at IS 'when';
COMMENT ON COLUMN booking.booked_by IS 'database role that called';
COMMENT ON COLUMN booking.reason IS 'why, of reprices and adjustments';

CREATE TABLE counter (
    tenant_id    bigint      NOT NULL,
    sku_id       bigint      NOT NULL,
    month_start  timestamptz NOT NULL,
    price_id     bigint      NOT NULL,
    units        bigint      NOT NULL,
    amount       numeric     NOT NULL,
    CONSTRAINT counter_pkey PRIMARY KEY (tenant_id, month_start, sku_id, price_id),
    CONSTRAINT counter_ledger_fkey FOREIGN KEY (tenant_id) REFERENCES ledger,
    CONSTRAINT counter_sku_fkey FOREIGN KEY (sku_id) REFERENCES sku,
    CONSTRAINT counter_price_fkey FOREIGN KEY (price_id) REFERENCES price (price_id),
    CONSTRAINT counter_units_check CHECK (units >= 0 AND (units > 0 OR amount = 0))
) WITH (fillfactor = 80);
COMMENT ON TABLE counter IS
'what was booked of a SKU in a month at a price version, by time of use: the sum of its charges, from which the next charge goes on';
COMMENT ON COLUMN counter.tenant_id IS 'who pays';
COMMENT ON COLUMN counter.sku_id IS 'of which SKU';
COMMENT ON COLUMN counter.month_start IS 'first second of the billing month in which it was used';
COMMENT ON COLUMN counter.price_id IS 'price version';
COMMENT ON COLUMN counter.units IS 'thousandths of a unit-second (once: of a unit)';
COMMENT ON COLUMN counter.amount IS 'what all of it costs, exact';

CREATE SEQUENCE charge_id_seq;
CREATE TABLE charge (
    tenant_id    bigint      NOT NULL,
    charge_id    bigint      NOT NULL DEFAULT nextval('charge_id_seq'),
    period_start timestamptz NOT NULL,
    booking_id   bigint      NOT NULL,
    usage_id     bigint,
    sku_id       bigint,
    price_id     bigint,
    workspace_id bigint,
    month_start  timestamptz NOT NULL,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    units_before bigint,
    units_after  bigint,
    corrects     bigint,
    kind         charge_kind NOT NULL,
    tier         integer,
    currency     text        NOT NULL,
    quantity     numeric,
    amount       numeric     NOT NULL,
    description  text,
    CONSTRAINT charge_pkey PRIMARY KEY (tenant_id, charge_id),
    CONSTRAINT charge_booking_fkey FOREIGN KEY (tenant_id, booking_id, period_start)
        REFERENCES booking (tenant_id, booking_id, period_start),
    CONSTRAINT charge_usage_fkey FOREIGN KEY (tenant_id, usage_id) REFERENCES usage,
    CONSTRAINT charge_counter_fkey FOREIGN KEY (tenant_id, month_start, sku_id, price_id) REFERENCES counter,
    CONSTRAINT charge_workspace_fkey FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspace,
    CONSTRAINT charge_corrects_fkey FOREIGN KEY (tenant_id, corrects) REFERENCES charge,
    CONSTRAINT charge_kind_check CHECK (
        kind IN ('usage', 'correction') AND description IS NULL AND
            num_nulls(usage_id, sku_id, price_id, units_before, units_after, tier, quantity) = 0 OR
        kind IN ('adjustment', 'tax') AND coalesce(description, '') <> '' AND
            num_nonnulls(usage_id, sku_id, price_id, units_before, units_after, tier, quantity) = 0),
    CONSTRAINT charge_month_check CHECK (
        CASE kind WHEN 'usage' THEN month_start = period_start WHEN 'correction' THEN month_start < period_start
            ELSE month_start <= period_start END),
    CONSTRAINT charge_times_check CHECK (
        is_whole_second(started_at) AND is_whole_second(ended_at) AND started_at <= ended_at AND started_at >= month_start),
    CONSTRAINT charge_units_check CHECK (units_before >= 0 AND units_after >= 0 AND units_before <> units_after),
    CONSTRAINT charge_currency_check CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE INDEX charge_period_idx ON charge (tenant_id, period_start, sku_id, price_id);
CREATE INDEX charge_usage_idx ON charge (tenant_id, usage_id) WHERE usage_id IS NOT NULL;
CREATE INDEX charge_corrects_idx ON charge (tenant_id, corrects) WHERE corrects IS NOT NULL;
COMMENT ON TABLE charge IS
'usage rated with the price in force, exact and unrounded: one row a slice of usage, local day, price version and tier. Append-only: what must change is taken back by another row';
COMMENT ON COLUMN charge.tenant_id IS 'who pays';
COMMENT ON COLUMN charge.charge_id IS 'identifier';
COMMENT ON COLUMN charge.period_start IS 'period it is booked in, and billed with';
COMMENT ON COLUMN charge.booking_id IS 'booking that wrote it';
COMMENT ON COLUMN charge.usage_id IS 'usage that it rates';
COMMENT ON COLUMN charge.sku_id IS 'what was used';
COMMENT ON COLUMN charge.price_id IS 'price version';
COMMENT ON COLUMN charge.workspace_id IS 'cost centre';
COMMENT ON COLUMN charge.month_start IS 'billing month in which it was used: that of the counter';
COMMENT ON COLUMN charge.started_at IS 'first second of what it is for';
COMMENT ON COLUMN charge.ended_at IS 'second behind the last';
COMMENT ON COLUMN charge.units_before IS 'counter before it, in thousandths of a unit-second (once: of a unit)';
COMMENT ON COLUMN charge.units_after IS 'counter after it; less: units were taken back';
COMMENT ON COLUMN charge.corrects IS 'charge that it corrects';
COMMENT ON COLUMN charge.kind IS 'usage; correction: of a closed period; adjustment; tax';
COMMENT ON COLUMN charge.tier IS 'tier of the tariff, from 1';
COMMENT ON COLUMN charge.currency IS 'ISO 4217 code';
COMMENT ON COLUMN charge.quantity IS 'unit-hours (once: units): what the counter''s quantity advanced by';
COMMENT ON COLUMN charge.amount IS 'what the counter''s amount advanced by';
COMMENT ON COLUMN charge.description IS 'what an adjustment or a tax is for';

CREATE SEQUENCE bill_id_seq;
CREATE TABLE bill (
    tenant_id    bigint        NOT NULL,
    bill_id      bigint        NOT NULL DEFAULT nextval('bill_id_seq'),
    period_start timestamptz   NOT NULL,
    time_zone    text          NOT NULL,
    currency     text          NOT NULL,
    rounding     rounding_rule NOT NULL,
    scale        integer       NOT NULL,
    lines        integer       NOT NULL,
    charges      bigint        NOT NULL,
    units        numeric       NOT NULL,
    amount       numeric       NOT NULL,
    total        numeric       NOT NULL,
    issued_at    timestamptz   NOT NULL,
    issued_by    name          NOT NULL,
    CONSTRAINT bill_pkey PRIMARY KEY (tenant_id, bill_id),
    CONSTRAINT bill_id_key UNIQUE (bill_id),
    CONSTRAINT bill_period_key UNIQUE (tenant_id, period_start, currency),
    CONSTRAINT bill_period_fkey FOREIGN KEY (tenant_id, period_start) REFERENCES billing_period,
    CONSTRAINT bill_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT bill_scale_check CHECK (scale BETWEEN 0 AND 4),
    CONSTRAINT bill_lines_check CHECK (lines >= 0),
    CONSTRAINT bill_charges_check CHECK (charges >= 0),
    CONSTRAINT bill_total_check CHECK (total = round(total, scale) AND abs(total - amount) < power(10::numeric, -scale))
);
COMMENT ON TABLE bill IS
'issued bills: all that was booked in a period in one currency, with control totals. Never changed';
COMMENT ON COLUMN bill.tenant_id IS 'who pays';
COMMENT ON COLUMN bill.bill_id IS 'number of the bill';
COMMENT ON COLUMN bill.period_start IS 'period that it closed';
COMMENT ON COLUMN bill.time_zone IS 'time zone of the contract then';
COMMENT ON COLUMN bill.currency IS 'ISO 4217 code; another than the contract''s, if what was used under an earlier contract was corrected';
COMMENT ON COLUMN bill.rounding IS 'how the total was rounded';
COMMENT ON COLUMN bill.scale IS 'digits of the currency''s minor unit';
COMMENT ON COLUMN bill.lines IS 'number of its lines: there are no more';
COMMENT ON COLUMN bill.charges IS 'control total: number of charges';
COMMENT ON COLUMN bill.units IS 'control total: what the counters advanced by';
COMMENT ON COLUMN bill.amount IS 'control total: sum of the charges, exact';
COMMENT ON COLUMN bill.total IS 'what is to be paid';
COMMENT ON COLUMN bill.issued_at IS 'when it was issued';
COMMENT ON COLUMN bill.issued_by IS 'database role that issued it';

CREATE TABLE bill_line (
    tenant_id   bigint      NOT NULL,
    bill_id     bigint      NOT NULL,
    line_no     integer     NOT NULL,
    kind        charge_kind NOT NULL,
    month_start timestamptz NOT NULL,
    sku_id      bigint,
    price_id    bigint,
    tier        integer,
    charge_id   bigint,
    charges     bigint      NOT NULL,
    quantity    numeric,
    unit_price  numeric,
    amount      numeric     NOT NULL,
    description text,
    CONSTRAINT bill_line_pkey PRIMARY KEY (tenant_id, bill_id, line_no),
    CONSTRAINT bill_line_bill_fkey FOREIGN KEY (tenant_id, bill_id) REFERENCES bill,
    CONSTRAINT bill_line_counter_fkey FOREIGN KEY (tenant_id, month_start, sku_id, price_id) REFERENCES counter,
    CONSTRAINT bill_line_charge_fkey FOREIGN KEY (tenant_id, charge_id) REFERENCES charge,
    CONSTRAINT bill_line_no_check CHECK (line_no > 0),
    CONSTRAINT bill_line_kind_check CHECK (
        CASE WHEN kind IN ('usage', 'correction') THEN
                num_nulls(sku_id, price_id, quantity) = 0 AND num_nonnulls(charge_id, description) = 0
            ELSE num_nonnulls(sku_id, price_id, tier, quantity, unit_price) = 0 AND
                num_nonnulls(charge_id, description) = CASE kind WHEN 'rounding' THEN 0 ELSE 2 END END),
    CONSTRAINT bill_line_price_check CHECK (quantity * unit_price = amount),
    CONSTRAINT bill_line_charges_check CHECK (
        CASE kind WHEN 'rounding' THEN charges = 0 WHEN 'adjustment' THEN charges = 1 WHEN 'tax' THEN charges = 1 ELSE charges > 0 END)
);
CREATE INDEX bill_line_charge_idx ON bill_line (tenant_id, charge_id) WHERE charge_id IS NOT NULL;
COMMENT ON TABLE bill_line IS
'lines of issued bills; they add up to the total to the last digit. Never changed';
COMMENT ON COLUMN bill_line.tenant_id IS 'who pays';
COMMENT ON COLUMN bill_line.bill_id IS 'bill';
COMMENT ON COLUMN bill_line.line_no IS 'number of the line, from 1, as printed; those of quantity and amount 0, which are not, come last';
COMMENT ON COLUMN bill_line.kind IS 'what kind of charges it sums; rounding: what rounding adds or cuts';
COMMENT ON COLUMN bill_line.month_start IS 'billing month in which it was used';
COMMENT ON COLUMN bill_line.sku_id IS 'what was used';
COMMENT ON COLUMN bill_line.price_id IS 'price version';
COMMENT ON COLUMN bill_line.tier IS 'tier of a graduated tariff; NULL: of another, whose tiers are not priced one by one';
COMMENT ON COLUMN bill_line.charge_id IS 'of an adjustment or a tax: the charge';
COMMENT ON COLUMN bill_line.charges IS 'number of charges that it sums';
COMMENT ON COLUMN bill_line.quantity IS 'unit-hours, or units';
COMMENT ON COLUMN bill_line.unit_price IS 'price of a unit, where quantity times it is the amount';
COMMENT ON COLUMN bill_line.amount IS 'exact sum of the charges';
COMMENT ON COLUMN bill_line.description IS 'of adjustments and taxes';

SELECT pg_catalog.pg_extension_config_dump('ledger', '');
SELECT pg_catalog.pg_extension_config_dump('billing_period', '');
SELECT pg_catalog.pg_extension_config_dump('booking_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('booking', '');
SELECT pg_catalog.pg_extension_config_dump('counter', '');
SELECT pg_catalog.pg_extension_config_dump('charge_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('charge', '');
SELECT pg_catalog.pg_extension_config_dump('bill_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('bill', '');
SELECT pg_catalog.pg_extension_config_dump('bill_line', '');
