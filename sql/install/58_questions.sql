-- Questions that billing people ask of the books, answered by plain SQL: what
-- the month has come to and will, what caused which cost. Nothing here writes.
-- What stood idle is 59_idle, what a job or another size would cost 53_quote.

-- ---- the month so far ----

CREATE FUNCTION counter_quantity(units numeric, per sku_per) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN trim_scale(CASE per WHEN 'once' THEN units / 1000 ELSE round(units::numeric(40, 20) / 3600000, 12) END);
COMMENT ON FUNCTION counter_quantity(numeric, sku_per) IS
'the quantity that a counter''s units are priced as: unit-hours to twelve digits, or units of what is priced once';

CREATE VIEW month_to_date WITH (security_invoker = true) AS
SELECT t.tenant_id,
       t.name AS tenant,
       m.period_start AS month_start,
       s.name AS sku,
       k.price_id,
       counter_quantity(k.units, s.per) AS quantity,
       CASE s.per WHEN 'hour' THEN s.unit || '-hour' ELSE s.unit END AS unit,
       trim_scale(k.amount) AS amount,
       p.currency,
       l.settled_until
FROM tenant t
JOIN ledger l USING (tenant_id)
CROSS JOIN LATERAL period_at(t.tenant_id, clock()) AS m
JOIN counter k ON k.tenant_id = t.tenant_id AND k.month_start = m.period_start
JOIN sku s USING (sku_id)
JOIN price p USING (price_id)
WHERE k.units > 0;
COMMENT ON VIEW month_to_date IS
'what was used in the present billing month and costs, by SKU and price version, as of the last settlement: read from the counters, however much usage there is. Corrections of earlier months, adjustments and taxes are in period_status';
COMMENT ON COLUMN month_to_date.tenant_id IS 'who pays';
COMMENT ON COLUMN month_to_date.tenant IS 'its name';
COMMENT ON COLUMN month_to_date.month_start IS 'first second of the billing month';
COMMENT ON COLUMN month_to_date.sku IS 'what was used';
COMMENT ON COLUMN month_to_date.price_id IS 'price version';
COMMENT ON COLUMN month_to_date.quantity IS 'unit-hours, or units';
COMMENT ON COLUMN month_to_date.unit IS 'of the quantity: GPU-hour';
COMMENT ON COLUMN month_to_date.amount IS 'what it costs, exact';
COMMENT ON COLUMN month_to_date.currency IS 'ISO 4217 code';
COMMENT ON COLUMN month_to_date.settled_until IS 'up to here all is counted; what was used since is in charges()';

CREATE FUNCTION projected_month_end(tenant bigint)
    RETURNS TABLE (sku text, price_id bigint, quantity numeric, amount numeric, projected_quantity numeric, projected_amount numeric,
        unit text, currency text)
    LANGUAGE sql STABLE ROWS 20
    BEGIN ATOMIC
        WITH month AS MATERIALIZED (
            SELECT f.tenant_id, m.period_start, m.period_end, m.currency, date_trunc('second', clock()) AS now
            FROM find_tenant(projected_month_end.tenant) AS f(tenant_id), LATERAL period_at(f.tenant_id, clock()) AS m),
        so_far AS (
            SELECT s.sku_id, c.price_id, c.quantity, c.amount,
                   round(c.quantity * CASE s.per WHEN 'once' THEN 1000 ELSE 3600000 END) AS units
            FROM month m CROSS JOIN LATERAL charges(m.tenant_id, m.period_start, m.period_end, '1 mon') AS c
            JOIN sku s ON s.name = c.sku),
        held AS MATERIALIZED (
            SELECT h.sku_id, sum(h.quantity) AS quantity FROM month m JOIN holding h USING (tenant_id) GROUP BY h.sku_id),
        -- a list price is in force where no contracted one is
        priced AS MATERIALIZED (
            SELECT h.sku_id, p.price_id, h.quantity * sum(extract(epoch FROM upper(r.valid) - lower(r.valid))) AS units
            FROM month m CROSS JOIN held h
            JOIN price p ON p.tenant_id IN (0, m.tenant_id) AND p.sku_id = h.sku_id AND p.currency = m.currency
                AND p.valid && tstzrange(m.now, m.period_end)
            CROSS JOIN LATERAL unnest(
                tstzmultirange(p.valid * tstzrange(m.now, m.period_end)) - CASE p.tenant_id WHEN 0 THEN coalesce((
                    SELECT range_agg(c.valid) FROM price c
                    WHERE c.tenant_id = m.tenant_id AND c.sku_id = p.sku_id AND c.currency = p.currency), '{}') ELSE '{}' END) AS r(valid)
            GROUP BY h.sku_id, p.price_id, h.quantity),
        ahead AS (
            SELECT q.sku_id, q.price_id, q.units FROM priced q
            UNION ALL
            SELECT h.sku_id, NULL, h.quantity * extract(epoch FROM m.period_end - m.now) - coalesce(sum(q.units), 0)
            FROM month m CROSS JOIN held h LEFT JOIN priced q USING (sku_id)
            GROUP BY h.sku_id, h.quantity, m.period_end, m.now),
        whole AS (
            SELECT u.sku_id, u.price_id, sum(u.quantity) AS quantity, sum(u.amount) AS amount, sum(u.units) AS units
            FROM (SELECT f.sku_id, f.price_id, f.quantity, f.amount, f.units FROM so_far f
                  UNION ALL SELECT a.sku_id, a.price_id, NULL, NULL, a.units FROM ahead a) AS u
            GROUP BY u.sku_id, u.price_id)
        SELECT s.name, w.price_id, coalesce(w.quantity, 0), CASE WHEN w.quantity IS NULL THEN 0 ELSE w.amount END,
               counter_quantity(w.units, s.per), trim_scale(amount(p.tariff, counter_quantity(w.units, s.per))),
               CASE s.per WHEN 'hour' THEN s.unit || '-hour' ELSE s.unit END, m.currency
        FROM month m CROSS JOIN whole w JOIN sku s USING (sku_id) LEFT JOIN price p ON p.price_id = w.price_id
        WHERE w.units > 0
        ORDER BY s.name, lower(p.valid), w.price_id;
    END;
COMMENT ON FUNCTION projected_month_end(bigint) IS
'what the present billing month of a tenant has come to, settled or not, and will have at its end if all that is held now is kept until then, nothing else is used, and prices are those that are set now, announced ones too: what charges() would say then. Runs go on, so minimum and quantum count of those alone that have ended. By SKU and price version; amounts are NULL where no price is in force. 42704: no such tenant; 22004: NULL';
CREATE FUNCTION projected_month_end(tenant text)
    RETURNS TABLE (sku text, price_id bigint, quantity numeric, amount numeric, projected_quantity numeric, projected_amount numeric,
        unit text, currency text)
    LANGUAGE sql STABLE ROWS 20
    BEGIN ATOMIC
        SELECT p.sku, p.price_id, p.quantity, p.amount, p.projected_quantity, p.projected_amount, p.unit, p.currency
        FROM projected_month_end(find_tenant(projected_month_end.tenant)) AS p;
    END;
COMMENT ON FUNCTION projected_month_end(text) IS 'the same, the tenant by name';

-- ---- what caused it ----

CREATE VIEW charge_detail WITH (security_invoker = true) AS
SELECT c.tenant_id,
       t.name AS tenant,
       c.period_start,
       c.month_start,
       -- the second before an empty slice is what it is for
       (greatest(c.month_start, least(c.started_at, c.ended_at - interval '1 second')) AT TIME ZONE z.time_zone)::date AS day,
       c.charge_id,
       c.kind,
       CASE WHEN c.usage_id IS NULL THEN NULL
            WHEN u.run_id IS NOT NULL THEN 'job'
            WHEN u.volume_id IS NOT NULL THEN 'volume'
            WHEN u.node_id IS NOT NULL THEN 'node'
            WHEN u.network_id IS NOT NULL THEN 'network'
            ELSE 'meter' END AS cause,
       s.name AS sku,
       c.price_id,
       c.tier,
       w.name AS workspace,
       u.pool_id,
       p.name AS pool,
       u.job_id,
       j.name AS job,
       j.kind AS job_kind,
       u.run_id,
       u.node_id,
       n.name AS node,
       coalesce(p.tags::jsonb, '{}') || coalesce(n.tags::jsonb, '{}') || coalesce(j.tags::jsonb, '{}') AS tags,
       c.usage_id,
       c.started_at,
       c.ended_at,
       c.quantity,
       CASE s.per WHEN 'hour' THEN s.unit || '-hour' ELSE s.unit END AS unit,
       c.amount,
       c.currency,
       c.corrects,
       c.description
FROM tenant t
CROSS JOIN LATERAL billing_terms(t.tenant_id) AS z
JOIN charge c ON c.tenant_id = t.tenant_id AND c.month_start >= z.starts_at AND c.month_start < z.ends_at
-- by keys: a charge is one row, whatever else is there
LEFT JOIN usage u ON u.tenant_id = c.tenant_id AND u.usage_id = c.usage_id
LEFT JOIN sku s ON s.sku_id = c.sku_id
LEFT JOIN workspace w ON w.tenant_id = c.tenant_id AND w.workspace_id = c.workspace_id
LEFT JOIN pool p ON p.pool_id = u.pool_id
LEFT JOIN job j ON j.pool_id = u.pool_id AND j.job_id = u.job_id
LEFT JOIN node n ON n.pool_id = u.pool_id AND n.node_id = u.node_id;
COMMENT ON VIEW charge_detail IS
'charges, one row each, with what they may be summed by; whatever they are grouped by, the sums add up to the same total. What has been archived is not here: ledger_status.archived_until';
COMMENT ON COLUMN charge_detail.tenant_id IS 'who pays';
COMMENT ON COLUMN charge_detail.tenant IS 'its name';
COMMENT ON COLUMN charge_detail.period_start IS 'period it is booked in, and billed with';
COMMENT ON COLUMN charge_detail.month_start IS 'billing month in which it was used';
COMMENT ON COLUMN charge_detail.day IS 'local day on which it was used';
COMMENT ON COLUMN charge_detail.charge_id IS 'charge';
COMMENT ON COLUMN charge_detail.kind IS 'usage, correction, adjustment or tax';
COMMENT ON COLUMN charge_detail.cause IS 'what was held: job, volume, node or network; meter: an external one recorded it; NULL: booked by hand';
COMMENT ON COLUMN charge_detail.sku IS 'what was used';
COMMENT ON COLUMN charge_detail.price_id IS 'price version';
COMMENT ON COLUMN charge_detail.tier IS 'tier of the tariff';
COMMENT ON COLUMN charge_detail.workspace IS 'cost centre';
COMMENT ON COLUMN charge_detail.pool_id IS 'pool';
COMMENT ON COLUMN charge_detail.pool IS 'its name';
COMMENT ON COLUMN charge_detail.job_id IS 'job';
COMMENT ON COLUMN charge_detail.job IS 'its name';
COMMENT ON COLUMN charge_detail.job_kind IS 'training, inference, notebook or workflow';
COMMENT ON COLUMN charge_detail.run_id IS 'run';
COMMENT ON COLUMN charge_detail.node_id IS 'node of a dedicated pool';
COMMENT ON COLUMN charge_detail.node IS 'its name';
COMMENT ON COLUMN charge_detail.tags IS 'present tags of the pool, over them those of the node or job';
COMMENT ON COLUMN charge_detail.usage_id IS 'usage that it rates';
COMMENT ON COLUMN charge_detail.started_at IS 'first second of what it is for';
COMMENT ON COLUMN charge_detail.ended_at IS 'second behind the last';
COMMENT ON COLUMN charge_detail.quantity IS 'unit-hours, or units; below 0: taken back';
COMMENT ON COLUMN charge_detail.unit IS 'of the quantity: GPU-hour';
COMMENT ON COLUMN charge_detail.amount IS 'exact';
COMMENT ON COLUMN charge_detail.currency IS 'ISO 4217 code';
COMMENT ON COLUMN charge_detail.corrects IS 'charge that it corrects';
COMMENT ON COLUMN charge_detail.description IS 'of adjustments and taxes';
GRANT SELECT ON month_to_date, charge_detail TO PUBLIC;

CREATE FUNCTION require_days(since date, until date) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path TO pg_catalog, pg_temp AS $$
BEGIN
    IF since IS NULL OR until IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004',
            MESSAGE = format('argument "%s" must not be null', CASE WHEN since IS NULL THEN 'since' ELSE 'until' END),
            DETAIL = 'Asked is for days from "since" until before "until".',
            HINT = 'Name a day.';
    END IF;
    IF NOT isfinite(since) OR NOT isfinite(until) THEN
        RAISE EXCEPTION USING ERRCODE = '22008',
            MESSAGE = format('argument "%s" must be finite', CASE WHEN isfinite(since) THEN 'until' ELSE 'since' END),
            DETAIL = 'Asked is for days from "since" until before "until".',
            HINT = 'Name a day.';
    END IF;
    IF since > until THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = '"since" must not be after "until"',
            DETAIL = format('They are %s and %s.', since, until),
            HINT = 'Name the first day first.';
    END IF;
    RETURN true;
END $$;
COMMENT ON FUNCTION require_days(date, date) IS
'true, if days from since until before until can be asked for. For all; 22004: NULL; 22008: not finite; 22023: since is after until';

CREATE FUNCTION cost_by_tag(tenant bigint, key text, since date, until date)
    RETURNS TABLE (value text, charges bigint, amount numeric, currency text)
    LANGUAGE sql STABLE ROWS 20
    BEGIN ATOMIC
        SELECT d.tags ->> cost_by_tag.key, count(*), trim_scale(sum(d.amount)), d.currency
        FROM charge_detail d
        WHERE (SELECT require_days(cost_by_tag.since, cost_by_tag.until))
          AND d.tenant_id = (SELECT not_archived(find_tenant(cost_by_tag.tenant), cost_by_tag.since)) AND d.day >= cost_by_tag.since AND d.day < cost_by_tag.until
          -- a month is booked into itself or a later one: what was booked before is not read
          AND d.period_start >= cost_by_tag.since::timestamp AT TIME ZONE 'UTC' - interval '768 hours'
        GROUP BY d.tags ->> cost_by_tag.key, d.currency
        ORDER BY sum(d.amount) DESC, 1;
    END;
COMMENT ON FUNCTION cost_by_tag(bigint, text, date, date) IS
'what was charged for the local days from since until before until, by value of a tag: of the job or node, else of the pool; NULL: without it. The amounts add up to all that was charged for these days. 55000: some of it has been archived; 42704: no such tenant; 22004: NULL; 22008: a day that is not finite; 22023: since is after until';
CREATE FUNCTION cost_by_tag(tenant text, key text, since date, until date)
    RETURNS TABLE (value text, charges bigint, amount numeric, currency text)
    LANGUAGE sql STABLE ROWS 20
    BEGIN ATOMIC
        SELECT c.value, c.charges, c.amount, c.currency
        FROM cost_by_tag(find_tenant(cost_by_tag.tenant), cost_by_tag.key, cost_by_tag.since, cost_by_tag.until) AS c;
    END;
COMMENT ON FUNCTION cost_by_tag(text, text, date, date) IS 'the same, the tenant by name';
