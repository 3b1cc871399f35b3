-- What is asked and written every day costs what is new, whatever the history:
-- counted are the rows and entries of indexes that are looked at in the tables
-- that grow, of a tenant with a quarter of it beside one with more. What is
-- deleted is gone only with a commit: no transaction around this file, which
-- has a database of its own.
SELECT no_plan();
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
-- as small as they are here they would be read whole
SET enable_seqscan = off;
SET pool_manager.clock = '2026-01-01 00:00:00+00';

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'USD', 'UTC'),
       create_sku('gpu', 'GPU'), create_sku('call', 'call', per => 'once'), create_sku('disk', 'GiB'),
       create_flavor('g4', 'nvidia.com/gpu=4', accelerator => 'nvidia.com/gpu'),
       set_resource_sku('g4', 'nvidia.com/gpu=1', 'gpu'), create_pool('commons', 'public') \g /dev/null
SELECT count(*) FROM add_nodes('commons', 'g4', 50) \g /dev/null
SELECT set_price('gpu', '1', '2026-01-01', currency => 'USD'), set_price('call', '0.001', '2026-01-01', currency => 'USD'),
       set_price('disk', '0.01', '2026-01-01', currency => 'USD') \g /dev/null

-- jobs of each month, and events of a meter; beta's wait
DO $$
DECLARE
    month timestamptz;
BEGIN
    FOR month IN SELECT generate_series('2026-01-01'::timestamptz, '2026-03-01', '1 month') LOOP
        PERFORM set_config('pool_manager.clock', month::text, false);
        PERFORM submit_job('commons', t || i, tenant => t, request => 'nvidia.com/gpu=1') FROM unnest('{acme,beta}'::text[]) AS t, generate_series(1, 100) AS i;
        PERFORM schedule('commons');
        PERFORM set_config('pool_manager.clock', (month + interval '20 hours')::text, false);
        PERFORM finish_job(job_id) FROM job_run WHERE ended_at IS NULL;
    END LOOP;
END $$;
SET pool_manager.clock = '2026-04-02 00:00:00+00';
SELECT count(*) FROM record_usages($$SELECT t AS tenant, 'call' AS sku, 5 AS quantity, '2026-01-01'::timestamptz + i * interval '40 minutes' AS started_at,
    'meter' AS source, t || i AS event_id FROM unnest('{acme,beta}'::text[]) AS t, generate_series(0, 3200) AS i$$) \g /dev/null
-- the little that questions are asked of
SELECT recorded FROM record_usage('acme', 'disk', 8, '2026-02-10 00:00+00', '2026-02-10 10:00+00', 'meter', 'disk') \g /dev/null
SELECT settle('acme') \g /dev/null
SELECT issue_bill AS january FROM issue_bill('acme', '2026-01-01') \gset
SELECT issue_bill AS february FROM issue_bill('acme', '2026-02-01') \gset
SELECT usage_id AS disk FROM usage WHERE event_id = 'disk' \gset
SELECT line_no AS line FROM bill_line JOIN sku USING (sku_id) WHERE bill_id = :february AND name = 'disk' \gset
SELECT cmp_ok((SELECT count(*) FROM charge WHERE tenant_id = 1), '>', 3000::bigint, 'there is a history');
SELECT cmp_ok((SELECT count(*) FROM unrated), '>', 3000::bigint, 'and another''s that waits');

CREATE FUNCTION pg_temp.looked_at() RETURNS numeric LANGUAGE sql AS $$
    WITH grows AS (SELECT format('pool_manager.%I', t)::regclass AS oid
                   FROM unnest('{usage,unrated,charge,event,job,job_run,allocation,holding,request}'::text[]) AS t)
    SELECT sum(pg_stat_get_xact_tuples_returned(oid))
    FROM (SELECT oid FROM grows UNION SELECT indexrelid FROM pg_index JOIN grows ON indrelid = oid) AS relations $$;

-- how many a statement looks at
CREATE FUNCTION pg_temp.looks_at(statement text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    before numeric := pg_temp.looked_at();
BEGIN
    EXECUTE statement;
    RETURN pg_temp.looked_at() - before;
END $$;

-- a month has no more than 1200 rows of usage and charges of acme
CREATE FUNCTION pg_temp.costs_little(round text, event text, disk bigint, february bigint, line integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    q record;
BEGIN
    FOR q IN
        SELECT * FROM (VALUES
            ('settled, nothing new', 100, $q$SELECT settle('acme')$q$),
            ('an event recorded', 100, format($q$SELECT record_usage('acme', 'call', 1, '2026-04-01', source => 'meter', event_id => %L)$q$, round)),
            ('recorded again', 100, format($q$SELECT record_usage('acme', 'call', 1, '2026-04-01', source => 'meter', event_id => %L)$q$, round)),
            ('and settled', 100, $q$SELECT settle('acme')$q$),
            ('usage corrected', 100, format($q$SELECT correct_usage(u.usage_id, 'test', 4) FROM usage u WHERE source = 'meter' AND event_id = %L$q$, event)),
            ('and settled', 100, $q$SELECT settle('acme')$q$),
            ('an adjustment', 100, $q$SELECT adjust('acme', 0.01, 'test')$q$),
            ('the month to date', 100, $q$SELECT * FROM month_to_date WHERE tenant = 'acme'$q$),
            ('running cost', 100, $q$SELECT * FROM running_cost WHERE tenant = 'acme'$q$),
            ('how far the books are', 100, $q$SELECT * FROM ledger_status WHERE tenant = 'acme'$q$),
            ('the balance', 100, $q$SELECT * FROM balance WHERE tenant = 'acme'$q$),
            ('a bill as text', 100, format('SELECT bill_text(%s)', february)),
            ('charges of its line', 100, format('SELECT * FROM bill_charges(%s, %s)', february, line)),
            ('charges of usage', 100, format('SELECT * FROM charge_detail WHERE tenant_id = 1 AND usage_id = %s', disk)),
            ('charges() of an hour: the month before, for tiers', 1200, $q$SELECT * FROM charges('acme', '2026-02-10', '2026-02-10 01:00+00', '1 hour')$q$)
        ) AS v(what, most, statement)
    LOOP
        RETURN NEXT cmp_ok(pg_temp.looks_at(q.statement), '<=', q.most::numeric, round || ': ' || q.what);
    END LOOP;
END $$;

VACUUM;
SELECT pg_temp.costs_little('before ANALYZE', 'acme1', :disk, :february, :line);
VACUUM ANALYZE;
SELECT pg_temp.costs_little('after', 'acme2', :disk, :february, :line);

-- from a job to the bill
SELECT submit_job('commons', 'new', tenant => 'acme', request => 'nvidia.com/gpu=1') AS job \gset
SELECT count(*) FROM schedule('commons') \g /dev/null
SET pool_manager.clock = '2026-04-02 01:00:00+00';
SELECT cmp_ok(pg_temp.looks_at($$SELECT * FROM running_cost WHERE tenant = 'acme'$$), '<=', 100::numeric, 'a job''s cost so far');
SELECT cmp_ok(pg_temp.looks_at(format('SELECT finish_job(%s)', :job)), '<=', 100::numeric, 'it is finished');
SELECT cmp_ok(pg_temp.looks_at($$SELECT settle('acme')$$), '<=', 100::numeric, 'and settled');

SELECT is_empty('SELECT * FROM reconcile()', 'after all of it the books agree');

SELECT * FROM finish();
