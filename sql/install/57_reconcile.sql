-- Do all books agree? Each rule that the tables keep is asked again here, of
-- what is in them: a row for each thing that breaks it. The rules are written
-- anew, in plain SQL, so that they share no mistake with what they check.

-- ---- what is placed, and what is held ----

CREATE FUNCTION reconcile_pools()
    RETURNS TABLE (rule text, tenant_id bigint, thing text, expected text, found text) LANGUAGE sql STABLE BEGIN ATOMIC
    -- what is allocated on a node is what its live allocations hold
    SELECT 'load of a node', n.tenant_id, format('node %s', n.node_id), s.allocated::text, l.allocated::text
    FROM node_load l
    JOIN node n USING (pool_id, node_id)
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(a.allocated), '') AS allocated, device_sum(a.devices, a.device_share) AS devices FROM allocation a
        WHERE a.pool_id = l.pool_id AND a.node_id = l.node_id AND a.released_at IS NULL) AS s
    WHERE s.allocated <> l.allocated OR cardinality(s.devices) > cardinality(l.devices)
       OR 0 <> ANY (device_subtract(l.devices, s.devices))
    UNION ALL
    -- and not more than there is
    SELECT 'capacity of a node', n.tenant_id, format('node %s', n.node_id), l.allocatable::text, l.allocated::text
    FROM node_load l JOIN node n USING (pool_id, node_id) WHERE NOT l.allocated <@ l.allocatable
    UNION ALL
    -- a live run holds its replicas, one that has ended none
    SELECT 'replicas of a run', coalesce(g.tenant_id, r.tenant_id), format('run %s', run_id), coalesce(g.recorded, 0)::text, coalesce(a.held, 0)::text
    FROM (SELECT r.tenant_id, r.pool_id, r.run_id, g.n AS group_no, g.recorded
          FROM job_run r CROSS JOIN LATERAL unnest(r.replicas) WITH ORDINALITY AS g(recorded, n) WHERE r.ended_at IS NULL) AS g
    FULL JOIN (SELECT a.pool_id, a.run_id, a.group_no, sum(a.replicas) AS held FROM allocation a
               WHERE a.released_at IS NULL GROUP BY 1, 2, 3) AS a USING (pool_id, run_id, group_no)
    LEFT JOIN job_run r USING (pool_id, run_id)
    WHERE coalesce(g.recorded, 0) <> coalesce(a.held, 0)
    UNION ALL
    -- what is held is there
    SELECT 'holder of a holding', h.tenant_id, format('holding %s', h.holding_id), 'a live holder',
           CASE WHEN h.run_id IS NOT NULL THEN format('run %s', h.run_id) WHEN h.node_id IS NOT NULL THEN format('node %s', h.node_id)
                ELSE format('volume %s', h.volume_id) END
    FROM holding h
    WHERE h.run_id IS NOT NULL AND NOT EXISTS (
              SELECT FROM job_run r WHERE r.pool_id = h.pool_id AND r.run_id = h.run_id AND r.ended_at IS NULL)
       OR h.node_id IS NOT NULL AND NOT EXISTS (
              SELECT FROM node n WHERE n.pool_id = h.pool_id AND n.node_id = h.node_id AND n.deleted_at IS NULL)
       OR h.volume_id IS NOT NULL AND NOT EXISTS (
              SELECT FROM volume v WHERE v.tenant_id = h.tenant_id AND v.volume_id = h.volume_id AND v.deleted_at IS NULL)
    UNION ALL
    -- a run in a public pool that has begun is billed as the flavor it asked for
    SELECT 'holding of a run', r.tenant_id, format('run %s', r.run_id), format('%s of SKU %s', g.quantity, g.sku_id),
           coalesce(format('%s of SKU %s', h.quantity, g.sku_id), 'none')
    FROM job_run r
    JOIN job j ON j.pool_id = r.pool_id AND j.job_id = r.job_id AND j.pool_kind = 'public'
    CROSS JOIN LATERAL (
        SELECT f.sku_id, sum(1000 * r.replicas[g.group_no]) AS quantity
        FROM task_group g JOIN flavor f USING (flavor_id)
        WHERE g.pool_id = j.pool_id AND g.shape_id = j.shape_id AND f.sku_id IS NOT NULL GROUP BY 1) AS g
    LEFT JOIN holding h ON h.pool_id = r.pool_id AND h.run_id = r.run_id AND h.sku_id = g.sku_id
    WHERE r.ended_at IS NULL AND r.started_at IS NOT NULL AND g.quantity > 0 AND h.quantity IS DISTINCT FROM g.quantity
    UNION ALL
    -- a node in service is billed, except while its tenant is frozen
    SELECT 'holding of a node', n.tenant_id, format('node %s', n.node_id), CASE t.state WHEN 'frozen' THEN 'none' ELSE 'one' END,
           CASE WHEN h.holding_id IS NULL THEN 'none' ELSE format('holding %s', h.holding_id) END
    FROM node n
    JOIN pool p ON p.pool_id = n.pool_id AND p.kind = 'dedicated'
    JOIN tenant t ON t.tenant_id = n.tenant_id
    JOIN flavor f ON f.flavor_id = n.flavor_id AND f.sku_id IS NOT NULL
    LEFT JOIN holding h ON h.pool_id = n.pool_id AND h.node_id = n.node_id AND h.sku_id = f.sku_id
    -- beyond one unit disks are billed as the same SKU
    WHERE n.available_at IS NOT NULL AND n.deleted_at IS NULL
      AND CASE t.state WHEN 'frozen' THEN h.quantity = 1000 ELSE h.holding_id IS NULL END;
END;
COMMENT ON FUNCTION reconcile_pools() IS 'the part of reconcile that looks at nodes, runs and holdings. Bodies of calls only';

-- ---- which months ----

CREATE FUNCTION reconcile_periods(month date)
    RETURNS TABLE (tenant_id bigint, period_start timestamptz, period_end timestamptz, archived_until timestamptz) LANGUAGE sql STABLE BEGIN ATOMIC
    -- what is archived is not here to be compared; into a month that is named nothing may have been booked
    SELECT p.tenant_id, p.period_start, p.period_end, l.archived_until
    FROM billing_period p JOIN ledger l ON l.tenant_id = p.tenant_id AND l.archived_until <= p.period_start
    WHERE reconcile_periods.month IS NULL
    UNION ALL
    SELECT t.tenant_id, p.period_start, p.period_end, coalesce(l.archived_until, '-infinity')
    FROM tenant t LEFT JOIN ledger l USING (tenant_id)
    CROSS JOIN LATERAL month_periods(t.tenant_id, reconcile_periods.month) AS p
    WHERE reconcile_periods.month IS NOT NULL AND coalesce(l.archived_until, '-infinity') <= p.period_start;
END;
COMMENT ON FUNCTION reconcile_periods(date) IS 'all periods that are not archived, or those of each tenant in a local month. Bodies of calls only';

-- ---- what was used ----

CREATE FUNCTION reconcile_usage(month date)
    RETURNS TABLE (rule text, tenant_id bigint, thing text, expected text, found text) LANGUAGE sql STABLE BEGIN ATOMIC
    WITH span AS MATERIALIZED (
        SELECT p.tenant_id, min(p.period_start) AS since, max(p.period_end) AS until
        FROM reconcile_periods(reconcile_usage.month) AS p WHERE reconcile_usage.month IS NOT NULL GROUP BY 1
        UNION ALL
        SELECT t.tenant_id, '-infinity', 'infinity' FROM tenant t WHERE reconcile_usage.month IS NULL),
    -- slices of a holding abut, from the first on; the one before began in the last month at most
    slice AS (
        SELECT u.tenant_id, u.holding_id, u.slice_no, u.started_at, u.ended_at, s.since,
               lag(u.slice_no, 1, 0) OVER w AS last_no, lag(u.ended_at) OVER w AS last_end
        FROM span s JOIN usage u ON u.tenant_id = s.tenant_id AND u.started_at BETWEEN s.since - interval '32 days' AND s.until
        WHERE u.holding_id IS NOT NULL
        WINDOW w AS (PARTITION BY u.tenant_id, u.holding_id ORDER BY u.slice_no))
    SELECT 'slices of a holding', s.tenant_id, format('holding %s, slice %s', s.holding_id, s.slice_no),
           format('slice %s from %s', s.last_no + 1, coalesce(s.last_end, s.started_at)), format('slice %s from %s', s.slice_no, s.started_at)
    FROM slice s LEFT JOIN ledger l USING (tenant_id)
    -- what was before it may have been archived
    WHERE (s.slice_no <> s.last_no + 1 OR s.started_at <> s.last_end) AND s.started_at > coalesce(l.archived_until, '-infinity')
      AND s.started_at >= s.since
    UNION ALL
    -- of what is still held, up to where it says
    SELECT 'meter of a holding', h.tenant_id, format('holding %s', h.holding_id), format('slice %s to %s', h.slice_no, h.metered_until),
           coalesce(format('slice %s to %s', u.slice_no, u.ended_at), 'none')
    FROM holding h LEFT JOIN LATERAL (
        SELECT u.slice_no, u.ended_at FROM usage u WHERE u.tenant_id = h.tenant_id AND u.holding_id = h.holding_id
        ORDER BY u.slice_no DESC LIMIT 1) AS u ON true
    LEFT JOIN ledger l ON l.tenant_id = h.tenant_id
    WHERE (h.slice_no, h.metered_until) IS DISTINCT FROM (coalesce(u.slice_no, 0), coalesce(u.ended_at, h.since))
      AND h.metered_until > coalesce(l.archived_until, '-infinity');
END;
COMMENT ON FUNCTION reconcile_usage(date) IS 'the part of reconcile that looks at slices of usage. Bodies of calls only';

-- ---- what was charged ----

CREATE FUNCTION reconcile_charges(month date)
    RETURNS TABLE (rule text, tenant_id bigint, thing text, expected text, found text) LANGUAGE sql STABLE BEGIN ATOMIC
    WITH period AS MATERIALIZED (SELECT * FROM reconcile_periods(reconcile_charges.month)),
    -- which prices are in force for whom and when: contracted ones, and list prices beside them
    in_force AS MATERIALIZED (
        SELECT a.tenant_id, p.sku_id, p.price_id, p.minimum_seconds, p.quantum_seconds,
               lower(r.valid) AS since, coalesce(upper(r.valid), 'infinity') AS until
        FROM (SELECT DISTINCT period.tenant_id FROM period) AS a
        CROSS JOIN LATERAL billing_terms(a.tenant_id) AS t
        JOIN price p ON p.tenant_id IN (0, a.tenant_id) AND p.currency = t.currency
        CROSS JOIN LATERAL unnest(
            tstzmultirange(p.valid * tstzrange(t.starts_at, t.ends_at)) - CASE p.tenant_id WHEN 0 THEN coalesce((
                SELECT range_agg(c.valid) FROM price c
                WHERE c.tenant_id = a.tenant_id AND c.sku_id = p.sku_id AND c.currency = p.currency), '{}') ELSE '{}' END) AS r(valid)),
    -- what waits to be rated; and what was taken back before it was, with what takes it back
    not_rated AS MATERIALIZED (
        SELECT r.tenant_id, r.usage_id FROM unrated r
        UNION ALL
        SELECT c.tenant_id, unnest(ARRAY[c.usage_id, c.corrects]) FROM usage c
        LEFT JOIN period p ON p.tenant_id = c.tenant_id AND c.started_at BETWEEN p.period_start AND p.period_end
        WHERE c.corrects IS NOT NULL AND (reconcile_charges.month IS NULL OR p.tenant_id IS NOT NULL)
          AND NOT EXISTS (SELECT FROM charge h WHERE h.tenant_id = c.tenant_id AND h.usage_id IN (c.usage_id, c.corrects))
          AND NOT EXISTS (SELECT FROM unrated r WHERE r.tenant_id = c.tenant_id AND r.usage_id IN (c.usage_id, c.corrects))),
    -- all other usage is charged, second by second, at the price in force then;
    -- a slice without a second stands for the one before it
    slice AS NOT MATERIALIZED (
        SELECT u.tenant_id, u.usage_id, u.sku_id, u.quantity, u.started_at, u.ended_at, u.run_seconds, s.per,
               least(u.started_at, u.ended_at - interval '1 second') AS since,
               CASE s.per WHEN 'once' THEN u.started_at + interval '1 second' ELSE u.ended_at END AS until
        FROM usage u JOIN sku s USING (sku_id)
        WHERE NOT EXISTS (SELECT FROM not_rated n WHERE n.tenant_id = u.tenant_id AND n.usage_id = u.usage_id)),
    used AS (
        SELECT u.tenant_id, u.usage_id, f.price_id,
               sum(u.quantity * CASE WHEN u.per = 'once' THEN 1 ELSE
                   greatest(extract(epoch FROM least(u.ended_at, f.until) - greatest(u.started_at, f.since)), 0)
                   + CASE WHEN u.run_seconds > 0 AND u.ended_at > f.since AND u.ended_at <= f.until
                     THEN greatest(f.minimum_seconds, ceil(u.run_seconds::numeric / coalesce(f.quantum_seconds, 1)) * coalesce(f.quantum_seconds, 1),
                              u.run_seconds) - u.run_seconds ELSE 0 END END) AS units
        FROM slice u
        -- started_at: it has an index
        JOIN period p ON p.tenant_id = u.tenant_id AND u.since >= p.period_start AND u.since < p.period_end
            AND u.started_at BETWEEN p.period_start AND p.period_end
        JOIN in_force f ON f.tenant_id = u.tenant_id AND f.sku_id = u.sku_id AND f.since < u.until AND f.until > u.since
        GROUP BY u.tenant_id, u.usage_id, f.price_id),
    -- the counters of a month, and those that it went on with
    counted AS MATERIALIZED (
        SELECT k.tenant_id, k.sku_id, k.price_id, k.month_start FROM counter k
        LEFT JOIN period p ON p.tenant_id = k.tenant_id AND p.period_start = k.month_start
        WHERE reconcile_charges.month IS NULL OR p.tenant_id IS NOT NULL
        UNION
        SELECT c.tenant_id, c.sku_id, c.price_id, c.month_start FROM charge c JOIN period USING (tenant_id, period_start)
        WHERE c.sku_id IS NOT NULL AND c.month_start >= period.archived_until),
    -- their charges are in no period before their own. OFFSET 0: by index, whatever was booked before
    booked AS NOT MATERIALIZED (
        SELECT c.* FROM (SELECT k.tenant_id, min(k.month_start) AS since FROM counted k GROUP BY 1) AS k
        CROSS JOIN LATERAL (SELECT c.* FROM charge c WHERE c.tenant_id = k.tenant_id AND c.period_start >= k.since OFFSET 0) AS c),
    charged AS (
        SELECT c.tenant_id, c.usage_id, c.price_id, sum(c.units_after - c.units_before) AS units
        FROM booked c JOIN period p ON p.tenant_id = c.tenant_id AND p.period_start = c.month_start
        WHERE c.usage_id IS NOT NULL
        GROUP BY c.tenant_id, c.usage_id, c.price_id),
    counting AS NOT MATERIALIZED (SELECT c.* FROM booked c JOIN counted k USING (tenant_id, sku_id, price_id, month_start))
    SELECT 'charges of usage', tenant_id, format('usage %s at price %s', usage_id, price_id),
           coalesce(u.units, 0)::text, coalesce(c.units, 0)::text
    FROM used u FULL JOIN charged c USING (tenant_id, usage_id, price_id)
    WHERE coalesce(u.units, 0) <> coalesce(c.units, 0)
    UNION ALL
    -- of months into which nothing was booked, too
    SELECT 'charges of usage', s.tenant_id, format('usage %s', s.usage_id), 'charged, or not rated yet', 'neither'
    FROM slice s LEFT JOIN ledger l USING (tenant_id)
    WHERE reconcile_charges.month IS NULL AND s.started_at >= coalesce(l.archived_until, '-infinity') AND s.until > s.started_at
      AND NOT EXISTS (SELECT FROM charge c WHERE c.tenant_id = s.tenant_id AND c.usage_id = s.usage_id)
      AND NOT EXISTS (SELECT FROM billing_period p WHERE p.tenant_id = s.tenant_id AND s.since >= p.period_start AND s.since < p.period_end)
    UNION ALL
    -- a counter is the sum of its charges
    SELECT 'sum of a counter', k.tenant_id, format('SKU %s, price %s, month from %s', k.sku_id, k.price_id, k.month_start),
           format('%s units, %s', coalesce(c.units, 0), coalesce(trim_scale(c.amount), 0)), format('%s units, %s', k.units, trim_scale(k.amount))
    FROM counter k JOIN counted USING (tenant_id, sku_id, price_id, month_start)
    JOIN ledger l ON l.tenant_id = k.tenant_id AND l.archived_until <= k.month_start
    LEFT JOIN (
        SELECT c.tenant_id, c.sku_id, c.price_id, c.month_start, sum(c.units_after - c.units_before) AS units, sum(c.amount) AS amount
        FROM counting c GROUP BY 1, 2, 3, 4) AS c
        ON (c.tenant_id, c.sku_id, c.price_id, c.month_start) = (k.tenant_id, k.sku_id, k.price_id, k.month_start)
    WHERE (k.units, k.amount) IS DISTINCT FROM (coalesce(c.units, 0)::bigint, coalesce(c.amount, 0))
    UNION ALL
    -- each charge goes on where the one before it left its counter
    SELECT 'chain of a counter', c.tenant_id, format('charge %s', c.charge_id), format('from %s', c.last_units), format('from %s', c.units_before)
    FROM (SELECT c.tenant_id, c.charge_id, c.units_before, c.period_start, c.month_start,
                 lag(c.units_after, 1, 0) OVER (PARTITION BY c.tenant_id, c.sku_id, c.price_id, c.month_start ORDER BY c.charge_id) AS last_units
          FROM counting c) AS c
    JOIN period USING (tenant_id, period_start)
    WHERE c.units_before <> c.last_units AND c.month_start >= period.archived_until
    UNION ALL
    -- quantity and amount are what quantity and tariff of the counter advance by
    SELECT 'amount of a charge', c.tenant_id, format('charge %s', c.charge_id),
           format('%s, %s', trim_scale(a.quantity), trim_scale(a.amount)), format('%s, %s', trim_scale(c.quantity), trim_scale(c.amount))
    FROM charge c
    JOIN period USING (tenant_id, period_start)
    JOIN price p USING (price_id)
    JOIN sku s ON s.sku_id = c.sku_id
    CROSS JOIN LATERAL (
        SELECT CASE s.per WHEN 'once' THEN c.units_before / 1000.0 ELSE round(c.units_before::numeric(40, 20) / 3600000, 12) END AS before,
               CASE s.per WHEN 'once' THEN c.units_after / 1000.0 ELSE round(c.units_after::numeric(40, 20) / 3600000, 12) END AS after) AS q
    CROSS JOIN LATERAL (
        SELECT q.after - q.before AS quantity,
               CASE c.units_after WHEN 0 THEN 0 ELSE amount(p.tariff, q.after) END
               - CASE c.units_before WHEN 0 THEN 0 ELSE amount(p.tariff, q.before) END AS amount) AS a
    WHERE (c.quantity, c.amount) IS DISTINCT FROM (a.quantity, a.amount)
    UNION ALL
    -- a booking is the sum of its charges
    SELECT 'control totals of a booking', b.tenant_id, format('booking %s', b.booking_id),
           format('%s charges, %s units, %s', b.charges, trim_scale(b.units), trim_scale(b.amount)),
           format('%s charges, %s units, %s', coalesce(c.charges, 0), coalesce(c.units, 0), coalesce(trim_scale(c.amount), 0))
    FROM booking b
    JOIN period USING (tenant_id, period_start)
    LEFT JOIN (
        SELECT c.tenant_id, c.period_start, c.booking_id, c.currency, count(*) AS charges,
               sum(c.units_after - c.units_before) AS units, sum(c.amount) AS amount
        FROM charge c JOIN period USING (tenant_id, period_start)
        GROUP BY c.tenant_id, c.period_start, c.booking_id, c.currency) AS c USING (tenant_id, period_start, booking_id, currency)
    WHERE (b.charges, b.units, b.amount) IS DISTINCT FROM (coalesce(c.charges, 0), coalesce(c.units, 0), coalesce(c.amount, 0));
END;
COMMENT ON FUNCTION reconcile_charges(date) IS 'the part of reconcile that looks at charges, counters and bookings. Bodies of calls only';

-- ---- what was billed ----

CREATE FUNCTION reconcile_bills(month date)
    RETURNS TABLE (rule text, tenant_id bigint, thing text, expected text, found text) LANGUAGE sql STABLE BEGIN ATOMIC
    WITH issued AS MATERIALIZED (
        SELECT b.*, l.archived_until FROM bill b JOIN ledger l USING (tenant_id)
        WHERE reconcile_bills.month IS NULL
           OR reconcile_bills.month = date_trunc('month', (b.period_start + interval '12 hours') AT TIME ZONE b.time_zone)::date)
    -- what was booked into a closed period is what its bill says
    SELECT 'control totals of a bill', b.tenant_id, format('bill %s', b.bill_id),
           format('%s charges, %s units, %s', b.charges, trim_scale(b.units), trim_scale(b.amount)),
           format('%s charges, %s units, %s', k.charges, k.units, trim_scale(k.amount))
    FROM issued b CROSS JOIN LATERAL (
        SELECT coalesce(sum(k.charges), 0) AS charges, coalesce(sum(k.units), 0) AS units, coalesce(sum(k.amount), 0) AS amount
        FROM booking k WHERE k.tenant_id = b.tenant_id AND k.period_start = b.period_start AND k.currency = b.currency) AS k
    WHERE (b.charges, b.units, b.amount) IS DISTINCT FROM (k.charges, k.units, k.amount)
    UNION ALL
    -- its lines add up to what is to be paid, to the last digit
    SELECT 'lines of a bill', b.tenant_id, format('bill %s', b.bill_id), format('%s lines, %s', b.lines, b.total),
           format('%s lines, %s', l.lines, trim_scale(l.amount))
    FROM issued b CROSS JOIN LATERAL (
        SELECT count(*) AS lines, coalesce(sum(l.amount), 0) AS amount FROM bill_line l
        WHERE l.tenant_id = b.tenant_id AND l.bill_id = b.bill_id) AS l
    WHERE (b.lines, b.total) IS DISTINCT FROM (l.lines, l.amount)
    UNION ALL
    -- what its lines say of a price, or of a single charge, is the sum of its charges
    SELECT 'charges of a bill', tenant_id, format('bill %s, %s', bill_id, concat_ws(', ', kind, 'SKU ' || sku_id, 'price ' || price_id, 'charge ' || charge_id)),
           format('%s charges, %s', coalesce(l.charges, 0), coalesce(l.amount, 0)), format('%s charges, %s', coalesce(c.charges, 0), coalesce(c.amount, 0))
    FROM (SELECT b.tenant_id, b.bill_id, l.kind, l.month_start, coalesce(l.sku_id, 0) AS sku_id, coalesce(l.price_id, 0) AS price_id,
                 coalesce(l.charge_id, 0) AS charge_id, sum(l.charges) AS charges, trim_scale(sum(l.amount)) AS amount
          FROM issued b JOIN bill_line l USING (tenant_id, bill_id)
          WHERE l.kind <> 'rounding' AND b.period_start >= b.archived_until GROUP BY 1, 2, 3, 4, 5, 6, 7) AS l
    FULL JOIN (
          SELECT b.tenant_id, b.bill_id, c.kind, c.month_start, coalesce(c.sku_id, 0) AS sku_id, coalesce(c.price_id, 0) AS price_id,
                 CASE WHEN c.usage_id IS NULL THEN c.charge_id ELSE 0 END AS charge_id, count(*) AS charges, trim_scale(sum(c.amount)) AS amount
          FROM issued b JOIN charge c USING (tenant_id, period_start, currency)
          WHERE b.period_start >= b.archived_until GROUP BY 1, 2, 3, 4, 5, 6, 7) AS c
        USING (tenant_id, bill_id, kind, month_start, sku_id, price_id, charge_id)
    WHERE (l.charges, l.amount) IS DISTINCT FROM (c.charges, c.amount)
    UNION ALL
    -- it was rounded by its rule, once
    SELECT 'rounding of a bill', b.tenant_id, format('bill %s', b.bill_id), round_money(b.amount, b.scale, b.rounding)::text, b.total::text
    FROM issued b WHERE b.total <> round_money(b.amount, b.scale, b.rounding)
    UNION ALL
    -- what is closed has a bill, up to where the books say, and nothing was booked into it later
    SELECT 'bill of a period', p.tenant_id, format('period from %s', p.period_start), format('a bill in %s', c.currency), 'none'
    FROM billing_period p LEFT JOIN contract c ON c.tenant_id = p.tenant_id AND c.from_month = p.contract_from
    WHERE p.state = 'closed' AND NOT EXISTS (
        SELECT FROM bill b WHERE b.tenant_id = p.tenant_id AND b.period_start = p.period_start AND b.currency = c.currency)
    UNION ALL
    -- a period is a month of its contract, or the part of one in which that holds
    SELECT 'contract of a period', p.tenant_id, format('period from %s', p.period_start),
           coalesce(format('from %s to %s, contract from %s', a.period_start, a.period_end, a.contract_from), 'none'),
           format('from %s to %s, contract from %s', p.period_start, p.period_end, p.contract_from)
    FROM billing_period p LEFT JOIN LATERAL period_at(p.tenant_id, p.period_start) AS a ON true
    WHERE (p.period_start, p.period_end, p.contract_from) IS DISTINCT FROM (a.period_start, a.period_end, a.contract_from)
    UNION ALL
    -- what was used counts by such months, in the currency of the contract
    SELECT 'contract of a counter', k.tenant_id, format('month from %s', k.month_start),
           coalesce(format('%s, from %s', a.currency, a.period_start), 'none'), format('%s, from %s', k.currency, k.month_start)
    FROM (SELECT DISTINCT k.tenant_id, k.month_start, p.currency FROM counter k JOIN price p USING (price_id)) AS k
    LEFT JOIN LATERAL period_at(k.tenant_id, k.month_start) AS a ON true
    WHERE (k.currency, k.month_start) IS DISTINCT FROM (a.currency, a.period_start)
    UNION ALL
    -- and is billed by its rule
    SELECT 'contract of a bill', b.tenant_id, format('bill %s', b.bill_id), format('%s, %s', c.time_zone, c.rounding),
           format('%s, %s', b.time_zone, b.rounding)
    FROM issued b JOIN billing_period p USING (tenant_id, period_start)
    LEFT JOIN contract c ON c.tenant_id = p.tenant_id AND c.from_month = p.contract_from
    WHERE (b.time_zone, b.rounding) IS DISTINCT FROM (c.time_zone, c.rounding)
    UNION ALL
    SELECT 'end of the closed periods', l.tenant_id, format('tenant %s', l.tenant_id), coalesce(p.period_end, '-infinity')::text, l.closed_until::text
    FROM ledger l LEFT JOIN LATERAL (
        SELECT max(p.period_end) AS period_end FROM billing_period p WHERE p.tenant_id = l.tenant_id AND p.state = 'closed') AS p ON true
    WHERE l.closed_until <> coalesce(p.period_end, '-infinity')
    UNION ALL
    SELECT 'time of a booking', k.tenant_id, format('booking %s', k.booking_id), format('not after %s', p.closed_at), k.booked_at::text
    FROM booking k JOIN billing_period p USING (tenant_id, period_start) WHERE k.booked_at > p.closed_at;
END;
COMMENT ON FUNCTION reconcile_bills(date) IS 'the part of reconcile that looks at bills and periods. Bodies of calls only';

CREATE FUNCTION reconcile(month date DEFAULT NULL)
    RETURNS TABLE (rule text, tenant_id bigint, thing text, expected text, found text) LANGUAGE pool_manager STABLE
    -- to compile so many expressions takes longer than to ask a month of a large ledger
    SET jit = off AS $$
BEGIN
    PERFORM require_level(0, 'operator');
    IF NOT isfinite(month) OR extract(day FROM month) <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "month"',
            DETAIL = 'Books are compared by whole months.',
            HINT = 'Name the first day of a month, or leave it out for all of them.';
    END IF;
    RETURN QUERY
        SELECT * FROM reconcile_pools()
        UNION ALL SELECT * FROM reconcile_usage(month)
        UNION ALL SELECT * FROM reconcile_charges(month)
        UNION ALL SELECT * FROM reconcile_bills(month)
        ORDER BY 1, 2, 3;
END $$;
COMMENT ON FUNCTION reconcile(date) IS
'do all books agree: allocations, runs, holdings, usage, counters, charges, bookings, bills? A row for each thing that breaks a rule, with what it should be and what it is; none when they agree. month, the first day of a local month, leaves out usage, charges and bills of others, and costs what was booked since it began. Operators only (42501); 22023: not the first day of a month';
REVOKE EXECUTE ON FUNCTION reconcile_pools(), reconcile_periods(date), reconcile_usage(date), reconcile_charges(date), reconcile_bills(date) FROM PUBLIC;
