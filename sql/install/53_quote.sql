-- Quotes: what a job would cost and when it would start, without submitting it;
-- what another size of a pool would cost, without resizing it.

CREATE FUNCTION job_outlook(job bigint) RETURNS TABLE (reason text, expected_start timestamptz)
    AS 'MODULE_PATHNAME', 'pm_job_outlook' LANGUAGE C STABLE STRICT ROWS 1;
COMMENT ON FUNCTION job_outlook(bigint) IS
'why the next pass would not start a job that is queued, or were (NULL: it would), and when it will start. Bodies of calls only';

-- An hour of what goes on, or all of what ends after so many seconds: a minimum
-- and a quantum are for runs, and count at their end.
CREATE FUNCTION quoted_amount(tariff tariff, quantity numeric, of_run numeric, seconds bigint, minimum_seconds integer, quantum_seconds integer)
RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN amount(tariff, CASE WHEN seconds IS NULL THEN quantity / 1000
        -- as usage is counted: unit-hours to twelve digits
        ELSE round((quantity * seconds + of_run * extra_seconds(minimum_seconds, quantum_seconds, seconds))::numeric(100, 20) / 3600000, 12) END, 0);
COMMENT ON FUNCTION quoted_amount(tariff, numeric, numeric, bigint, integer, integer) IS
'what so many thousandths of a SKU, of which a run holds some, cost in so many seconds at whose end the run ends, as the first of the tariff; seconds NULL: in an hour of a run that goes on. Bodies of calls only';

CREATE FUNCTION quoted_lines(job bigint, seconds bigint) RETURNS TABLE (sku_id bigint, quantity numeric, of_run numeric) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH it AS (
        SELECT j.pool_id, j.job_id, j.tenant_id, p.kind, p.network_id, p.container_network, j.shape_id, c.currency
        FROM job j JOIN pool p USING (pool_id)
        LEFT JOIN LATERAL (
            SELECT c.currency FROM contract c WHERE c.tenant_id = j.tenant_id
            ORDER BY c.from_month <= (clock() AT TIME ZONE c.time_zone) DESC, c.from_month DESC LIMIT 1) c ON true
        WHERE j.job_id = quoted_lines.job),
    grp AS (
        SELECT it.*, g.group_no, g.replicas, g.request, f.sku_id FROM it JOIN task_group g USING (pool_id, shape_id)
        LEFT JOIN flavor f ON f.flavor_id = g.flavor_id WHERE it.kind = 'public'),
    -- a bare request is billed by the flavor of the node: of those that hold it, the dearest for this time
    bare AS (
        SELECT g.group_no, n.flavor_id, s.sku_id, r.name,
            g.replicas * greatest(1, div(2000 * r.quantity + quantity(s.unit, r.name), 2 * quantity(s.unit, r.name))) AS quantity,
            s.flavor_id IS NOT NULL AS listed, g.tenant_id, g.currency
        FROM grp g JOIN node_group n USING (pool_id) JOIN flavor f ON f.flavor_id = n.flavor_id
        CROSS JOIN LATERAL resource_each(g.request) AS r
        LEFT JOIN flavor_resource_sku s ON s.flavor_id = n.flavor_id AND s.resource = r.name
        WHERE g.sku_id IS NULL AND g.request <@ f.resources),
    dearest AS (
        SELECT DISTINCT ON (b.group_no) b.group_no, b.flavor_id
        FROM bare b LEFT JOIN LATERAL (
            SELECT quoted_amount(p.tariff, b.quantity, b.quantity, seconds, p.minimum_seconds, p.quantum_seconds) AS amount FROM price p
            WHERE p.tenant_id IN (0, b.tenant_id) AND p.sku_id = b.sku_id AND p.currency = b.currency AND p.valid @> clock()
            ORDER BY p.tenant_id DESC LIMIT 1) a ON true
        GROUP BY b.group_no, b.flavor_id
        -- one that cannot be told comes before all prices
        ORDER BY b.group_no, bool_or(NOT b.listed OR b.sku_id IS NOT NULL AND a.amount IS NULL) DESC, sum(a.amount) DESC NULLS LAST, b.flavor_id),
    line AS (
        SELECT g.sku_id, 1000 * g.replicas::numeric AS quantity, true AS of_run FROM grp g WHERE g.sku_id IS NOT NULL
        UNION ALL
        SELECT b.sku_id, b.quantity, true FROM bare b JOIN dearest d USING (group_no, flavor_id) WHERE NOT b.listed OR b.sku_id IS NOT NULL
        UNION ALL
        SELECT n.address_sku_id, 1000 * g.replicas::numeric, true FROM it JOIN task_group g USING (pool_id, shape_id)
        JOIN network n ON n.network_id = it.network_id
        WHERE it.container_network = 'eni' AND n.address_sku_id IS NOT NULL
        UNION ALL
        SELECT h.sku_id, h.quantity, false FROM it JOIN holding h ON h.tenant_id = it.tenant_id AND h.pool_id = it.pool_id AND h.job_id = it.job_id
        WHERE h.volume_id IS NOT NULL)
    SELECT l.sku_id, sum(l.quantity), coalesce(sum(l.quantity) FILTER (WHERE l.of_run), 0) FROM line l GROUP BY l.sku_id;
END $$;
COMMENT ON FUNCTION quoted_lines(bigint, bigint) IS
'what a job will hold while it runs with all its replicas, on the nodes that are dearest for so many seconds, or by the hour (NULL): thousandths of SKUs, and how many of these its run holds; a SKU of NULL: it cannot be told. Bodies of calls only';

CREATE FUNCTION quoted_cost(job bigint, OUT currency text, OUT per_hour numeric, OUT cost numeric) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    it record;
BEGIN
    -- both ends of a run are cut to the second: a part of one may be billed as all of it
    SELECT j.tenant_id, c.currency,
        ceil(extract(epoch FROM least(coalesce(j.time_limit, p.default_time_limit), j.auto_stop))) AS seconds
    INTO it
    FROM job j JOIN pool p USING (pool_id)
    LEFT JOIN LATERAL (
        SELECT c.currency FROM contract c WHERE c.tenant_id = j.tenant_id
        ORDER BY c.from_month <= (clock() AT TIME ZONE c.time_zone) DESC, c.from_month DESC LIMIT 1) c ON true
    WHERE j.job_id = quoted_cost.job;
    currency := it.currency;
    -- each of them on the nodes that are dearest for it
    SELECT max(q.amount) FILTER (WHERE q.seconds IS NULL), max(q.amount) FILTER (WHERE q.seconds IS NOT NULL)
    INTO per_hour, cost
    FROM (
        SELECT w.seconds, CASE WHEN bool_or(l.quantity IS NOT NULL AND a.amount IS NULL) THEN NULL ELSE coalesce(sum(a.amount), 0) END AS amount
        FROM (SELECT NULL::bigint UNION SELECT it.seconds::bigint) AS w(seconds)
        LEFT JOIN LATERAL quoted_lines(job, w.seconds) AS l ON true
        LEFT JOIN LATERAL (
            SELECT quoted_amount(p.tariff, l.quantity, l.of_run, w.seconds, p.minimum_seconds, p.quantum_seconds) AS amount
            FROM price p
            WHERE p.tenant_id IN (0, it.tenant_id) AND p.sku_id = l.sku_id AND p.currency = it.currency AND p.valid @> clock()
            ORDER BY p.tenant_id DESC LIMIT 1) AS a ON true
        GROUP BY w.seconds) AS q;
END $$;
COMMENT ON FUNCTION quoted_cost(bigint) IS
'what a job costs by the hour, and a run of it that takes its whole time limit, at the prices in force; NULL where they cannot be told. Bodies of calls only';

CREATE FUNCTION quote_of(job bigint, OUT currency text, OUT per_hour numeric, OUT cost numeric, OUT expected_start timestamptz, OUT reason text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    it record;
BEGIN
    SELECT q.currency, q.per_hour, q.cost INTO currency, per_hour, cost FROM quoted_cost(job) q;
    SELECT j.pool_id, q.state, r.placed_at, j.not_before
    INTO it
    FROM job j
    LEFT JOIN job_queue q USING (pool_id, job_id)
    LEFT JOIN job_run r ON r.pool_id = j.pool_id AND r.job_id = j.job_id AND r.ended_at IS NULL
    WHERE j.job_id = quote_of.job;
    IF it.placed_at IS NOT NULL THEN
        expected_start := it.placed_at;
    ELSIF it.state = 'queued' THEN
        SELECT o.reason, o.expected_start INTO reason, expected_start FROM job_outlook(job) o;
    ELSIF it.state = 'waiting' THEN
        reason := CASE dependencies_hold(it.pool_id, job) WHEN false THEN 'dependency_never' WHEN true THEN 'not_before' ELSE 'dependency' END;
        IF reason = 'not_before' THEN
            -- the later of both, where the one can be told
            SELECT greatest(o.expected_start, it.not_before) INTO expected_start FROM job_outlook(job) o WHERE o.expected_start IS NOT NULL;
        END IF;
    ELSE
        reason := it.state;
    END IF;
END $$;
COMMENT ON FUNCTION quote_of(bigint) IS 'the quote of a job that has just been submitted. Bodies of calls only';

CREATE FUNCTION submit_as_called() RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_submit_as_called' LANGUAGE C;
COMMENT ON FUNCTION submit_as_called() IS
'submit_job() with the arguments of the call that runs, which are declared like its own. Bodies of calls only (55000)';

CREATE FUNCTION quote_as_called() RETURNS TABLE (currency text, per_hour numeric, cost numeric, expected_start timestamptz, reason text)
LANGUAGE plpgsql ROWS 1 AS $$
#variable_conflict use_column
DECLARE
    new_job bigint;
    quote record;
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = '25006', MESSAGE = 'a read-only transaction has no quotes',
            DETAIL = 'A quote submits the job, looks at it, and takes all of it back.', HINT = 'Begin the transaction READ WRITE, on the primary server.';
    END IF;
    BEGIN
        new_job := submit_as_called();
        SELECT q.* INTO quote FROM quote_of(new_job) q;
        -- nothing of the job stays, but variables do
        RAISE SQLSTATE 'PMQ00';
    EXCEPTION WHEN SQLSTATE 'PMQ00' THEN
        NULL;
    END;
    RETURN QUERY SELECT quote.currency, quote.per_hour, quote.cost, quote.expected_start, quote.reason;
END $$;
COMMENT ON FUNCTION quote_as_called() IS
'quotes the job that the call asks for which runs. Bodies of calls only (55000); 25006: the transaction is READ ONLY';

CREATE FUNCTION quote_job(
    pool bigint, name text, kind job_kind DEFAULT 'training', flavor text DEFAULT NULL,
    request resource_list DEFAULT NULL, replicas integer DEFAULT 1, min_replicas integer DEFAULT NULL,
    tenant bigint DEFAULT NULL, workspace bigint DEFAULT NULL, priority integer DEFAULT 1,
    time_limit interval DEFAULT NULL, node_selector jsonb DEFAULT '{}', tolerations jsonb DEFAULT '[]',
    sub_pool bigint DEFAULT NULL, preemptible boolean DEFAULT false, auto_stop interval DEFAULT NULL,
    max_retries integer DEFAULT 0, mounts jsonb DEFAULT '{}', volume_gib integer DEFAULT NULL,
    volume_type text DEFAULT NULL, task_groups jsonb DEFAULT NULL, affinity_level text DEFAULT NULL,
    affinity_required boolean DEFAULT true, group_level text DEFAULT NULL, group_size integer DEFAULT NULL,
    spread_level text DEFAULT NULL, max_per_domain integer DEFAULT NULL, depends_on text DEFAULT NULL,
    not_before timestamptz DEFAULT NULL, retry_backoff interval DEFAULT NULL,
    retry_on_failure boolean DEFAULT false, reservation text DEFAULT NULL, max_cost numeric DEFAULT NULL,
    tags jsonb DEFAULT '{}', request_id text DEFAULT NULL)
    RETURNS TABLE (currency text, per_hour numeric, cost numeric, expected_start timestamptz, reason text)
LANGUAGE pool_manager ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT * FROM quote_as_called();
END $$;
COMMENT ON FUNCTION quote_job(bigint, text, job_kind, text, resource_list, integer, integer, bigint, bigint, integer, interval, jsonb, jsonb, bigint, boolean, interval, integer, jsonb, integer, text, jsonb, text, boolean, text, integer, text, integer, text, timestamptz, interval, boolean, text, numeric, jsonb, text) IS
'what a job would cost and when it would start: submits it, looks, and takes all of it back but numbers of sequences. Arguments and errors are those of submit_job. per_hour: price of an hour with all its replicas, by the tariffs in force, as the first hour of their tiers; cost: of a run that takes its whole time limit (the pool''s, auto_stop), with minimum and quantum of the prices, NULL without one. A bare request is priced on those of the nodes that could hold it that are dearest, each of the two by itself. Both are NULL where a price is lacking, and in a dedicated pool without the nodes, which are paid anyway: volumes and addresses only. expected_start: as forecast has it, not before not_before, NULL: it cannot be told; reason: why the next pass would not start it, NULL: it would, or the job is placed at once. 25006: the transaction is READ ONLY';

CREATE FUNCTION quote_job(
    pool text, name text, kind job_kind DEFAULT 'training', flavor text DEFAULT NULL,
    request resource_list DEFAULT NULL, replicas integer DEFAULT 1, min_replicas integer DEFAULT NULL,
    tenant text DEFAULT NULL, workspace text DEFAULT NULL, priority integer DEFAULT 1,
    time_limit interval DEFAULT NULL, node_selector jsonb DEFAULT '{}', tolerations jsonb DEFAULT '[]',
    sub_pool text DEFAULT NULL, preemptible boolean DEFAULT false, auto_stop interval DEFAULT NULL,
    max_retries integer DEFAULT 0, mounts jsonb DEFAULT '{}', volume_gib integer DEFAULT NULL,
    volume_type text DEFAULT NULL, task_groups jsonb DEFAULT NULL, affinity_level text DEFAULT NULL,
    affinity_required boolean DEFAULT true, group_level text DEFAULT NULL, group_size integer DEFAULT NULL,
    spread_level text DEFAULT NULL, max_per_domain integer DEFAULT NULL, depends_on text DEFAULT NULL,
    not_before timestamptz DEFAULT NULL, retry_backoff interval DEFAULT NULL,
    retry_on_failure boolean DEFAULT false, reservation text DEFAULT NULL, max_cost numeric DEFAULT NULL,
    tags jsonb DEFAULT '{}', request_id text DEFAULT NULL)
    RETURNS TABLE (currency text, per_hour numeric, cost numeric, expected_start timestamptz, reason text)
LANGUAGE pool_manager ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT * FROM quote_as_called();
END $$;
COMMENT ON FUNCTION quote_job(text, text, job_kind, text, resource_list, integer, integer, text, text, integer, interval, jsonb, jsonb, text, boolean, interval, integer, jsonb, integer, text, jsonb, text, boolean, text, integer, text, integer, text, timestamptz, interval, boolean, text, numeric, jsonb, text) IS
'the same, pool, tenant, workspace and sub-pool by name';

-- ---- another size ----

CREATE FUNCTION quote_resize(pool bigint, flavor text, count integer)
    RETURNS TABLE (nodes integer, currency text, per_hour numeric, per_month numeric, expected_ready timestamptz)
LANGUAGE pool_manager ROWS 1 AS $$
#variable_conflict use_column
DECLARE
    it record;
    ordered bigint;
    seconds numeric;
    skus bigint[];
    quantities numeric[];
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = '25006', MESSAGE = 'a read-only transaction has no quotes',
            DETAIL = 'A quote resizes the pool, looks at it, and takes all of it back.', HINT = 'Begin the transaction READ WRITE, on the primary server.';
    END IF;
    BEGIN
        ordered := resize_pool(quote_resize.pool, quote_resize.flavor, quote_resize.count);
        SELECT i.target_count - i.initial_count, o.ended_at INTO nodes, expected_ready
        FROM pool_order o JOIN pool_order_item i USING (pool_id, order_id)
        WHERE o.pool_id = quote_resize.pool AND o.order_id = ordered;
        IF expected_ready IS NULL THEN
            -- nodes that go are there until what is on them has ended
            SELECT CASE WHEN count(*) = count(r.planned_end) THEN max(r.planned_end) END INTO expected_ready
            FROM node_task k
            JOIN allocation a ON a.node_id = k.node_id AND a.pool_id = k.pool_id AND a.released_at IS NULL
            JOIN job_run r ON r.pool_id = a.pool_id AND r.run_id = a.run_id
            WHERE k.pool_id = quote_resize.pool AND k.order_id = ordered AND k.ended_at IS NULL;
        END IF;
        -- as the holdings of the nodes that come or go
        SELECT array_agg(l.sku_id), array_agg(l.quantity) INTO skus, quantities
        FROM (SELECT h.sku_id, sum(h.quantity) AS quantity
              FROM (SELECT n.node_id FROM node n WHERE n.pool_id = quote_resize.pool AND n.order_id = ordered
                    UNION
                    SELECT k.node_id FROM node_task k WHERE k.pool_id = quote_resize.pool AND k.order_id = ordered) AS c
              JOIN node n ON n.pool_id = quote_resize.pool AND n.node_id = c.node_id
              JOIN pool p ON p.pool_id = n.pool_id AND p.kind = 'dedicated'
              JOIN flavor f ON f.flavor_id = n.flavor_id
              LEFT JOIN volume_type v ON v.volume_type = n.disk_type
              LEFT JOIN network w ON w.network_id = p.network_id,
              LATERAL (VALUES (f.sku_id, 1000::numeric), (v.sku_id, 1000::numeric * n.disk_count * n.disk_gib),
                              (w.address_sku_id, 1000)) AS h(sku_id, quantity)
              WHERE h.sku_id IS NOT NULL GROUP BY h.sku_id) AS l;
        -- nothing of it stays, but variables do
        RAISE SQLSTATE 'PMQ00';
    EXCEPTION WHEN SQLSTATE 'PMQ00' THEN
        NULL;
    END;
    SELECT p.tenant_id INTO it FROM pool p WHERE p.pool_id = quote_resize.pool;
    SELECT m.currency, extract(epoch FROM m.period_end - m.period_start) INTO currency, seconds FROM period_at(it.tenant_id, clock()) AS m;
    SELECT CASE WHEN bool_or(a.hour IS NULL) THEN NULL ELSE sign(nodes) * coalesce(sum(a.hour), 0) END,
           CASE WHEN bool_or(a.hour IS NULL) THEN NULL ELSE sign(nodes) * coalesce(sum(a.month), 0) END
    INTO per_hour, per_month
    FROM unnest(skus, quantities) AS l(sku_id, quantity)
    LEFT JOIN LATERAL (
        SELECT amount(p.tariff, l.quantity / 1000, 0) AS hour, amount(p.tariff, counter_quantity(l.quantity * seconds, 'hour'), 0) AS month
        FROM price p
        WHERE p.tenant_id IN (0, it.tenant_id) AND p.sku_id = l.sku_id AND p.currency = quote_resize.currency AND p.valid @> clock()
        ORDER BY p.tenant_id DESC LIMIT 1) AS a ON true;
    per_hour := trim_scale(per_hour);
    per_month := trim_scale(per_month);
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION quote_resize(bigint, text, integer) IS
'what it would change to give a dedicated pool so many nodes of a flavor: resizes it, looks, and takes all of it back but numbers of sequences. Errors are those of resize_pool. nodes: how many come, or go (below 0); per_hour, per_month: what an hour and the whole of the present billing month of them, their disks and addresses cost more, or less (below 0), by the tariffs in force, as the first of their tiers, without minimum and quantum, which are for runs; NULL where a price is lacking. expected_ready: when the order will be done: now, or when the jobs on nodes that go have reached their time limits; NULL: it cannot be told. 25006: the transaction is READ ONLY';

CREATE FUNCTION quote_resize(pool text, flavor text, count integer)
    RETURNS TABLE (nodes integer, currency text, per_hour numeric, per_month numeric, expected_ready timestamptz)
LANGUAGE pool_manager ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT * FROM quote_resize(find_pool(pool), flavor, count);
END $$;
COMMENT ON FUNCTION quote_resize(text, text, integer) IS 'the same, the pool by name';

REVOKE EXECUTE ON FUNCTION job_outlook(bigint), quoted_amount(tariff, numeric, numeric, bigint, integer, integer), quoted_lines(bigint, bigint), quoted_cost(bigint), quote_of(bigint), submit_as_called(), quote_as_called() FROM PUBLIC;
