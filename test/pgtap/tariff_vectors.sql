-- Cases of published billing systems, test/data/rating_cases.jsonl: those about
-- what a quantity or a time costs are played with amount(), lines() and
-- charges(); those in the table "books" by rounding.sql and rating_books.sql;
-- the rest is in "left_out", each with its reason, and in doc/billing.md.  An
-- expectation is never changed.
BEGIN;
SET search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET pool_manager.clock = '2026-01-01 00:00:00+00';
SELECT plan(143);

\getenv tree PM_TREE
\set cases :tree '/test/data/rating_cases.jsonl'
CREATE TEMP TABLE entry (n integer GENERATED ALWAYS AS IDENTITY, c jsonb NOT NULL, id text GENERATED ALWAYS AS (c ->> 'id') STORED UNIQUE,
    model text GENERATED ALWAYS AS (c ->> 'model') STORED);
COPY entry (c) FROM :'cases' (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02');

-- ---- what is not played ----

CREATE TEMP TABLE left_out (id text PRIMARY KEY REFERENCES entry (id), why text NOT NULL);
INSERT INTO left_out VALUES
    ('pkg-020', 'block_volume: blocks of another size in each tier; a conversion holds for the whole tariff'),
    ('com-002', 'a minimum held back until the last line of a period: here it is due with the first booking, the total of the period is the same'),
    ('cld-013', 'max_dimension: the greater of two resources; each resource is billed by its own SKU'),
    ('slw-004', 'MAX_TRES: the greatest of the resources; each resource is billed by its own SKU'),
    ('slw-005', 'MAX_TRES_GRES: the greatest of the resources; each resource is billed by its own SKU'),
    ('slw-010', 'MAX_TRES: the greatest of the resources; each resource is billed by its own SKU'),
    ('rer-022', 'postings_fx: no money is exchanged; a contract has one currency'),
    ('pro-006', 'fixed_days: a month of 30 days whatever its length; what is held is billed by its seconds'),
    ('pro-007', 'fixed_days: a month of 30 days whatever its length; what is held is billed by its seconds'),
    ('foc-003', 'commitment_hour: nothing is committed to; what is not used is not billed'),
    ('foc-004', 'commitment_hour: nothing is committed to; what is not used is not billed'),
    ('foc-007', 'commitment_invariant: nothing is committed to; what is not used is not billed'),
    ('rnd-011', 'rounding away from zero: a contract cuts, or rounds half up or half to even'),
    ('rnd-021', 'focus_tolerance: how far lines may be from their total; those of a bill add up to it');
CREATE TEMP TABLE books (model text, ids text, why text NOT NULL);
INSERT INTO books VALUES
    ('round', 'rnd-%', 'rounding of a bill: rounding.sql'),
    ('tax_components_rounded', 'rnd-%', 'rows of tax on a bill: both'),
    ('line_vs_total', 'rnd-%', 'the rounding line of a bill: both'),
    ('product', 'foc-%', 'a year of hours: rating_books.sql'),
    ('sum', 'foc-%', 'an amount booked by hand beside usage: rating_books.sql'),
    ('ratios_sum', 'foc-%', 'costs that are split: rating_books.sql'),
    ('idle', 'alc-%', 'what of a cost nobody used: rating_books.sql');

-- ---- translations ----

CREATE FUNCTION pg_temp.percent(tier jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT tier - 'rate_percent' || jsonb_build_object('unit_price', (tier ->> 'rate_percent')::numeric * 0.01);
$$;

-- The tariff of a case
CREATE FUNCTION pg_temp.tariff(model text, price jsonb) RETURNS tariff LANGUAGE sql AS $$
    SELECT (CASE model
        WHEN 'graduated_percentage' THEN jsonb_build_object('model', 'graduated', 'tiers', (
            SELECT jsonb_agg(pg_temp.percent(tier) ORDER BY t) FROM jsonb_array_elements(price -> 'tiers') WITH ORDINALITY AS e (tier, t)))
        -- tiers of whole blocks of one size
        WHEN 'block_graduated' THEN jsonb_build_object('model', 'graduated',
            'convert', jsonb_build_object('op', 'divide', 'factor', price #> '{tiers,0,block_size}', 'rounding', 'ceiling'),
            'tiers', (SELECT jsonb_agg(jsonb_build_object('unit_price', tier -> 'price', 'up_to', CASE WHEN tier ->> 'max_blocks' <> '-1' THEN blocks END) ORDER BY t)
                      FROM (SELECT tier, t, sum((tier ->> 'max_blocks')::numeric) OVER (ORDER BY t) AS blocks
                            FROM jsonb_array_elements(price -> 'tiers') WITH ORDINALITY AS e (tier, t)) AS cumulated))
        -- the price of a tier for whatever is in it; nothing is above the last
        WHEN 'capacity_flat' THEN jsonb_build_object('model', 'volume', 'tiers', jsonb_set(price -> 'tiers', '{-1,up_to}', 'null'))
        WHEN 'multiplier' THEN jsonb_build_object('model', 'unit', 'unit_price', price -> 'multiplier')
        -- a level is reached at its value: what is below it ends at the last of the 12 digits of a quantity
        WHEN 'threshold_rate' THEN jsonb_build_object('model', 'volume', 'tiers', (
            SELECT jsonb_agg(jsonb_build_object('unit_price', (price ->> 'unit_price')::numeric * rate, 'up_to', next - 0.000000000001) ORDER BY level)
            FROM (SELECT level, rate, lead(level) OVER (ORDER BY level) AS next
                  FROM (SELECT 0 AS level, 1 AS rate UNION ALL
                        SELECT (e ->> 'level')::numeric, (e ->> 'rate')::numeric FROM jsonb_array_elements(price -> 'thresholds') AS e) AS levels) AS ranges))
        ELSE jsonb_build_object('model', model) || price END)::tariff;
$$;

-- A percentage off is a lower price
CREATE FUNCTION pg_temp.discounted(price jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE WHEN price ? 'discount_percent'
        THEN price - 'discount_percent' || jsonb_build_object('unit_price', (price ->> 'unit_price')::numeric * (100 - (price ->> 'discount_percent')::numeric) * 0.01)
        ELSE price END;
$$;

-- As the source shows an amount
CREATE FUNCTION pg_temp.shown(amount numeric, c jsonb) RETURNS numeric LANGUAGE sql AS $$
    SELECT CASE WHEN c #>> '{rounding,mode}' = 'half_up' THEN round(amount, (c #>> '{rounding,scale}')::integer) ELSE amount END;
$$;

-- Numbers, however they are written, as equal text
CREATE FUNCTION pg_temp.plain(v jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE jsonb_typeof(v)
        WHEN 'array' THEN (SELECT jsonb_agg(pg_temp.plain(e) ORDER BY n) FROM jsonb_array_elements(v) WITH ORDINALITY AS a (e, n))
        WHEN 'boolean' THEN v
        ELSE to_jsonb(CASE WHEN v #>> '{}' ~ '^-?[0-9.]+$' THEN trim_scale((v #>> '{}')::numeric)::text ELSE v #>> '{}' END) END;
$$;

-- ---- a time of usage: a tenant and a SKU of its own, rated by charges() ----

-- When how much was used
CREATE FUNCTION pg_temp.intervals(c jsonb) RETURNS TABLE (starts timestamptz, ends timestamptz, count numeric) LANGUAGE sql AS $$
    SELECT (i ->> 'start')::timestamptz, (i ->> 'end')::timestamptz, (i ->> 'count')::numeric
    FROM jsonb_array_elements(c #> '{usage,intervals}') AS i
    UNION ALL
    SELECT '2025-03-03 10:00+00', '2025-03-03 10:00+00'::timestamptz + (c #>> '{usage,seconds}')::integer * interval '1 second', 1
    WHERE c -> 'usage' ? 'seconds'
    UNION ALL
    SELECT '2025-03-03 10:00+00', '2025-03-03 10:00+00'::timestamptz + (c #>> '{usage,factors,0}')::integer * interval '1 second', (c #>> '{usage,factors,1}')::numeric
    WHERE c -> 'usage' ? 'factors'
    UNION ALL
    -- a part of a period, or of several
    SELECT (p ->> 'from')::timestamptz, (p ->> 'to')::timestamptz, 1
    FROM jsonb_array_elements(coalesce(c #> '{price,parts}', jsonb_build_array(c -> 'usage'))) AS p WHERE p ? 'from'
    UNION ALL
    -- changes of a level; those of one instant add up
    SELECT at, lead(at, 1, (c #>> '{price,period_end}')::timestamptz) OVER (ORDER BY at), sum(sum(change)) OVER (ORDER BY at)
    FROM (SELECT (c #>> '{price,period_start}')::timestamptz AS at, (c #>> '{usage,initial}')::numeric AS change WHERE c -> 'usage' ? 'initial'
          UNION ALL
          SELECT (e ->> 0)::timestamptz, (e ->> 1)::numeric FROM jsonb_array_elements(c #> '{usage,changes}') AS e) AS changes
    GROUP BY at;
$$;

-- How long a period is
CREATE FUNCTION pg_temp.hours(period jsonb) RETURNS numeric LANGUAGE sql AS $$
    SELECT extract(epoch FROM (period ->> 'period_end')::timestamptz - (period ->> 'period_start')::timestamptz) / 3600;
$$;

-- A price of a second, a minute or a period as one of an hour; what of a minute is begun counts whole
CREATE FUNCTION pg_temp.hourly(price jsonb) RETURNS tariff LANGUAGE sql AS $$
    SELECT (CASE coalesce(price ->> 'per', CASE WHEN price ? 'amount' THEN 'period' ELSE 'hour' END)
        WHEN 'period' THEN jsonb_build_object('model', 'unit', 'unit_price', round((price ->> 'amount')::numeric(60, 40) / pg_temp.hours(price), 24))
        WHEN 'second' THEN jsonb_build_object('model', 'unit', 'unit_price', price -> 'unit_price', 'convert', '{"op":"multiply","factor":3600}'::jsonb)
        WHEN 'minute' THEN jsonb_build_object('model', 'unit', 'unit_price', price -> 'unit_price',
            'convert', jsonb_build_object('op', 'multiply', 'factor', 3600 / (price ->> 'quantum_seconds')::integer, 'rounding', price -> 'quantum_rounding'))
        WHEN 'hour' THEN jsonb_build_object('model', 'unit', 'unit_price', price -> 'unit_price') END)::tariff;
$$;

CREATE FUNCTION pg_temp.meter(c jsonb) RETURNS SETOF pg_temp.entry LANGUAGE plpgsql AS $$
DECLARE
    tenant bigint := create_tenant(c ->> 'id', c ->> 'currency', 'UTC');
BEGIN
    PERFORM create_sku(c ->> 'id', 'node');
    PERFORM set_price(c ->> 'id', pg_temp.hourly(c -> 'price' || v), coalesce((v ->> 'from')::timestamptz, '2010-01-01'), tenant)
    FROM jsonb_array_elements(coalesce(c #> '{price,versions}', jsonb_build_array(c -> 'price'))) AS v
    WHERE v ?| '{unit_price,amount}';
    PERFORM record_usage(tenant, c ->> 'id', count, starts, ends, 'case', concat_ws(' ', c ->> 'id', starts))
    FROM pg_temp.intervals(c) WHERE count > 0;
END $$;

-- What charges() say, hour by hour, with the interval that an hour is in
CREATE FUNCTION pg_temp.rated(c jsonb) RETURNS TABLE (starts timestamptz, price_id bigint, quantity numeric, amount numeric) LANGUAGE sql AS $$
    SELECT i.starts, r.price_id, sum(r.quantity), sum(r.amount)
    FROM (SELECT min(starts) AS since, max(ends) AS until FROM pg_temp.intervals(c)) AS span, charges(c ->> 'id', since, until, '1 hour') AS r
    LEFT JOIN pg_temp.intervals(c) AS i ON r.cycle_start >= i.starts AND r.cycle_start < i.ends
    GROUP BY 1, 2;
$$;

-- ---- players: all that a case may expect ----

CREATE FUNCTION pg_temp.play_tariff(c jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    price jsonb := pg_temp.discounted(c -> 'price');
    t tariff := pg_temp.tariff(c ->> 'model', price);
    uncapped tariff := pg_temp.tariff(c ->> 'model', price - 'maximum');
    listed tariff := pg_temp.tariff(c ->> 'model', (c -> 'price') - 'maximum' - 'discount_percent');
    q numeric := c #>> '{usage,quantity}';
    already numeric := c #>> '{usage,pre_quantity}';
    parts jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(format('tier%s-unit', l.tier), pg_temp.shown(l.amount, c)) ORDER BY l.tier) INTO parts
    FROM lines(t, q, already) AS l;
    RETURN jsonb_build_object('amount', pg_temp.shown(amount(t, q, already), c), 'lines', parts, 'line_totals', parts,
        'minimum_true_up', (SELECT coalesce(sum(l.amount), 0) FROM lines(t, q, already) AS l WHERE l.tier IS NULL),
        'true_up', (SELECT coalesce(sum(pg_temp.shown(l.amount, c)), 0) FROM lines(t, q, already) AS l WHERE l.tier IS NULL),
        'maximum_discount', amount(uncapped, q, already) - amount(t, q, already),
        'percent_discount', amount(listed, q, already) - amount(uncapped, q, already),
        'product', amount(t, q), 'matches', amount(t, q) = (c #>> '{usage,cost}')::numeric);
END $$;

CREATE FUNCTION pg_temp.play_usage(c jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('amount', CASE WHEN c ->> 'model' = 'product' THEN sum(quantity) * 3600 ELSE pg_temp.shown(sum(amount), c) END,
        'slices', jsonb_agg(jsonb_build_array(quantity, pg_temp.shown(amount, c)) ORDER BY starts, price_id),
        'quantity', pg_temp.shown(sum(quantity) / pg_temp.hours(c -> 'price'), c), 'ratio', pg_temp.shown(sum(quantity) / pg_temp.hours(c -> 'price'), c),
        'cycles', sum(pg_temp.shown(quantity / (SELECT pg_temp.hours(p) FROM jsonb_array_elements(c #> '{price,parts}') AS p WHERE (p ->> 'from')::timestamptz = starts), c)))
    FROM pg_temp.rated(c);
$$;

CREATE TEMP TABLE metered AS
SELECT unnest('{time_unit,price_versions,time_weighted_average,product,proration_ratio,proration_cycles,proration_amount}'::text[]) AS model;
CREATE FUNCTION pg_temp.play(c jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE c ->> 'model'
        WHEN 'unit_exactness' THEN pg_temp.play_tariff(jsonb_set(c || '{"model":"unit"}', '{price,unit_price}', c #> '{usage,unit_price}'))
        -- so much was billed: units at 1; whose minimum is for a part of a period has a price with that part of it
        WHEN 'true_up' THEN jsonb_build_object('amount', pg_temp.play_tariff(c || jsonb_build_object('model', 'unit',
            'price', c -> 'price' || jsonb_build_object('unit_price', 1, 'minimum', coalesce(round((c #>> '{price,minimum}')::numeric(60, 40)
                * (c #>> '{usage,days}')::numeric / (c #>> '{usage,period_days}')::numeric, 24), (c #>> '{price,minimum}')::numeric)),
            'usage', jsonb_build_object('quantity', c #> '{usage,billed}'))) -> 'true_up')
        -- each total after the one before
        WHEN 'rerate_delta' THEN jsonb_build_object('deltas', (
            SELECT jsonb_agg(pg_temp.shown(amount(pg_temp.tariff(c #>> '{price,model}', c -> 'price'), total - coalesce(before, 0), before), c) ORDER BY n)
            FROM (SELECT total, n, lag(total) OVER (ORDER BY n) AS before
                  FROM (SELECT e::numeric AS total, n FROM jsonb_array_elements_text(c #> '{usage,cumulative}') WITH ORDINALITY AS e (e, n)) AS totals) AS steps))
        -- money at a rate, and events at a price
        WHEN 'percentage' THEN jsonb_build_object('amount', pg_temp.shown(
            amount(pg_temp.tariff('unit', pg_temp.percent(c -> 'price') - 'fixed_per_event' || jsonb_build_object('free_units', c #> '{usage,free_units}')),
                   (c #>> '{usage,units}')::numeric) +
            amount(pg_temp.tariff('unit', jsonb_build_object('unit_price', c #> '{price,fixed_per_event}', 'free_units', c #> '{usage,free_events}')),
                   (c #>> '{usage,events}')::numeric), c))
        -- each event with a minimum and a maximum of its own
        WHEN 'percentage_per_event' THEN jsonb_build_object('amount', (
            SELECT pg_temp.shown(sum(amount(pg_temp.tariff('unit', pg_temp.percent(c -> 'price') - 'min' - 'max' ||
                jsonb_build_object('minimum', c #> '{price,min}', 'maximum', c #> '{price,max}')), e::numeric)), c)
            FROM jsonb_array_elements_text(c #> '{usage,event_values}') AS e))
        -- each resource by its own SKU
        WHEN 'billing_weights' THEN jsonb_build_object('units', (
            SELECT CASE WHEN (c #>> '{price,truncate}')::boolean THEN trunc(sum(a)) ELSE sum(a) END
            FROM (SELECT amount((c #> '{price,weights}' ->> key)::tariff, value::numeric) AS a FROM jsonb_each_text(c #> '{usage,resources}')) AS amounts))
        ELSE CASE WHEN c ->> 'model' IN (SELECT model FROM pg_temp.metered) THEN pg_temp.play_usage(c) ELSE pg_temp.play_tariff(c) END END;
$$;

CREATE FUNCTION pg_temp.answers(c jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(key, pg_temp.plain(played -> key)) FROM pg_temp.play(c) AS played, jsonb_object_keys(c -> 'expected') AS key;
$$;
CREATE FUNCTION pg_temp.expected(c jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(key, pg_temp.plain(value)) FROM jsonb_each(c -> 'expected');
$$;

-- ---- the tests ----

CREATE TEMP TABLE played AS
SELECT * FROM entry e WHERE NOT EXISTS (SELECT FROM left_out l WHERE l.id = e.id)
    AND NOT EXISTS (SELECT FROM books b WHERE b.model = e.model AND e.id SIMILAR TO b.ids) ORDER BY n;
SELECT is(count(*), 159::bigint, 'all cases are there') FROM entry;
SELECT is_empty('SELECT * FROM books b WHERE NOT EXISTS (SELECT FROM entry e WHERE b.model = e.model AND e.id SIMILAR TO b.ids)', 'no rule for nothing');
SELECT is_empty('SELECT id FROM left_out WHERE length(why) < 30', 'what is left out has its reason');
SELECT diag(format('%s cases are played, %s left out, %s are of the books', (SELECT count(*) FROM played), (SELECT count(*) FROM left_out),
    159 - (SELECT count(*) FROM played) - (SELECT count(*) FROM left_out)));
SELECT pg_temp.meter(c) FROM played JOIN metered USING (model) ORDER BY n;

SELECT is(pg_temp.answers(c), pg_temp.expected(c), format('%s: %s', id, c ->> 'title')) FROM played ORDER BY n;

-- Where the source rounds, the exact amount is the same but in these, and in
-- parts of periods that are not the half
SELECT results_eq(
    $$SELECT id FROM played WHERE c #>> '{rounding,mode}' <> 'none'
          AND (id NOT LIKE 'pro-%' OR id = 'pro-010')
          AND pg_temp.answers(c) <> pg_temp.answers(jsonb_set(c, '{rounding,mode}', '"none"')) ORDER BY id COLLATE "C"$$,
    ARRAY['com-016', 'com-017', 'com-018', 'pct-013', 'twa-001', 'twa-003', 'twa-006', 'twa-007', 'ver-008'], 'what rounding changes');

-- A cent more in any number that is expected is noticed
CREATE FUNCTION pg_temp.off(v jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE jsonb_typeof(v)
        WHEN 'array' THEN jsonb_set(v, '{-1}', pg_temp.off(v -> -1))
        WHEN 'boolean' THEN to_jsonb(NOT v::boolean)
        ELSE to_jsonb((v #>> '{}')::numeric + 0.01) END;
$$;
SELECT is_empty(
    $$SELECT id, key FROM played, jsonb_each(c -> 'expected')
      WHERE pg_temp.answers(jsonb_set(c, ARRAY['expected', key], pg_temp.off(value))) = pg_temp.expected(jsonb_set(c, ARRAY['expected', key], pg_temp.off(value)))$$,
    'a wrong expectation is noticed');
SELECT is((SELECT count(DISTINCT key) FROM played, jsonb_object_keys(c -> 'expected') AS key), 14::bigint, 'of each kind');
SELECT throws_ok(format('SELECT pg_temp.play(%L)', jsonb_set(c, '{price,rebate}', '"1"')), '22P02', NULL, format('a price that is not understood: %s', model))
FROM (SELECT DISTINCT ON (model) model, c FROM played WHERE model IN ('unit', 'graduated', 'volume', 'package') ORDER BY model, n) AS one ORDER BY model;

-- Lines add up; taking back undoes
CREATE TEMP TABLE vector AS
SELECT id, pg_temp.tariff(model, c -> 'price') AS tariff, (c #>> '{usage,quantity}')::numeric AS quantity, (c #>> '{usage,pre_quantity}')::numeric AS already
FROM played WHERE model IN ('unit', 'graduated', 'volume', 'package', 'graduated_percentage', 'block_graduated', 'capacity_flat', 'multiplier')
    AND NOT c -> 'price' ? 'discount_percent';
SELECT is_empty(
    $$SELECT id FROM vector WHERE amount(tariff, quantity, already) <> (SELECT coalesce(sum(l.amount), 0) FROM lines(tariff, quantity, already) AS l)$$,
    'lines add up to the amount');
SELECT is_empty(
    $$SELECT id, l FROM vector, lines(tariff, quantity, already) AS l
       WHERE l.tier IS NOT NULL AND l.quantity * l.unit_price + l.flat <> l.amount AND NOT tariff::jsonb ? 'maximum'$$,
    'quantity x unit price + flat = amount');
SELECT is_empty(
    $$SELECT id FROM vector WHERE amount(tariff, -quantity, coalesce(already, 0) + quantity) + amount(tariff, quantity, coalesce(already, 0)) <> 0$$,
    'what is taken back costs what it cost');

SELECT * FROM finish();
ROLLBACK;
