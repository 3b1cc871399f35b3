-- Queue policies that look at time, by hand: backfill with one and with all
-- reservations, stepped, tiered; maintenance under any policy.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-05-04 08:00:00+00';
SELECT no_plan();

SELECT create_tenant('acme', 'USD', 'UTC'), create_sku('node', 'node'),
       create_network('lab', '10.1.0.0/16', 'acme') \g /dev/null
SELECT create_flavor('c1', 'cpu=1', 'node'), create_flavor('c4', 'cpu=4', 'node') \g /dev/null

CREATE FUNCTION pg_temp.pool(name text, flavor text, nodes integer, policy queue_policy) RETURNS void LANGUAGE sql AS $$
    SELECT create_pool(name, 'dedicated', 'acme', 'lab', queue_policy => policy);
    SELECT add_nodes(name, flavor, nodes);
$$;
CREATE FUNCTION pg_temp.job(pool text, name text, cpus integer, seconds integer DEFAULT NULL, priority integer DEFAULT 1)
    RETURNS bigint LANGUAGE sql AS $$
    SELECT submit_job(pool, name, request => 'cpu=1', replicas => cpus, priority => priority,
                      time_limit => make_interval(secs => seconds))
$$;
-- running jobs, and why the others wait
CREATE FUNCTION pg_temp.running(of_pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(job, ' ' ORDER BY job_id) FROM job_status WHERE pool = of_pool AND state = 'running'
$$;
CREATE FUNCTION pg_temp.waiting(of_pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(job || ' ' || reason, ', ' ORDER BY position) FROM queue WHERE pool = of_pool
$$;
CREATE FUNCTION pg_temp.pass(pool text) RETURNS void LANGUAGE sql AS $$ SELECT count(*) FROM schedule(pool) $$;

--
-- Six processors, three taken until 100 s; the head wants five, so it is given
-- 100 s and leaves one of the six: that one is free for anything.
--
SELECT pg_temp.pool(p, 'c1', 6, 'backfill'), pg_temp.job(p, 'r', 3, 100), pg_temp.job(p, 'head', 5, 100),
       pg_temp.job(p, 'second', 6, 100), pg_temp.job(p, 'fill', 1, 250)
FROM unnest('{easy,all}'::text[]) AS p \g /dev/null
SELECT set_queue_policy('all', reservations => 0) \g /dev/null
SELECT pg_temp.pass('easy'), pg_temp.pass('all') \g /dev/null
SELECT is(pg_temp.running('easy'), 'r fill', 'one reservation: what leaves the head alone starts');
SELECT is(pg_temp.waiting('easy'), 'head resources, second resources', '... and the others lack processors');
SELECT is(pg_temp.running('all'), 'r', 'all reservations: it would delay the second');
SELECT is(pg_temp.waiting('all'), 'head resources, second resources, fill reserved', '... and says so');

-- two are free in 'easy'; what ends by 100 s may have both
SELECT pg_temp.job('easy', 'late', 1, 101), pg_temp.job('easy', 'endless', 1), pg_temp.job('easy', 'short', 2, 100) \g /dev/null
SELECT pg_temp.pass('easy') \g /dev/null
SELECT is(pg_temp.running('easy'), 'r fill short', 'what ends when the reservation begins does not delay it');
SELECT is(pg_temp.waiting('easy'), 'head resources, second resources, late resources, endless resources', '... what is left is nothing');
SELECT cancel_job(job_id) FROM job_status WHERE pool = 'easy' AND job = 'short' \g /dev/null
SELECT pg_temp.pass('easy') \g /dev/null
SELECT is(pg_temp.waiting('easy'), 'head resources, second resources, late reserved, endless no_time_limit',
          'two are free, but not beyond 100 s; a job without a time limit is told so');

-- forecasts, of which the first is the reservation: the second after the head;
-- then late and endless, once nothing of the second is left
SELECT is((SELECT string_agg(job || ' ' || coalesce(extract(epoch FROM expected_start - clock())::integer::text, 'never'), ', ' ORDER BY position)
           FROM queue WHERE pool = 'easy'), 'head 100, second 250, late 350, endless 350', 'EASY: what a forecast says');
SELECT is((SELECT string_agg(job || ' ' || extract(epoch FROM expected_start - clock())::integer, ', ' ORDER BY position)
           FROM queue WHERE pool = 'all'), 'head 100, second 200, fill 300', 'conservative: likewise');
SELECT results_eq($$ SELECT * FROM forecast('all') $$, $$ SELECT job_id, position, expected_start FROM queue WHERE pool = 'all' $$,
                  'the view shows what the function returns');
SELECT is(expected_start(pool_id, job_id), NULL, 'no forecast for what runs') FROM job_status s JOIN job USING (job_id) WHERE s.pool = 'all' AND s.state = 'running';

-- at 100 s the run is over, and the head starts on time
SET pool_manager.clock = '2026-05-04 08:01:40+00';
SELECT pg_temp.pass('easy'), pg_temp.pass('all') \g /dev/null
SELECT is(pg_temp.running('easy'), 'head fill', 'the head starts at its time');
SELECT is(pg_temp.running('all'), 'head', '... under both');
SET pool_manager.clock = '2026-05-04 08:03:20+00';
SELECT pg_temp.pass('easy'), pg_temp.pass('all') \g /dev/null
SELECT is(pg_temp.running('easy'), 'fill', 'EASY: the second waits for the filler; it is the head now, and what would pass it ends too late');
SELECT is(pg_temp.running('all'), 'second', 'conservative: the second starts at 200 s');

--
-- The order behind the head
--
SELECT pg_temp.pool(p, 'c1', 4, 'backfill'), pg_temp.job(p, 'r', 3, 100), pg_temp.job(p, 'head', 4, 100),
       pg_temp.job(p, 'long', 1, 90), pg_temp.job(p, 'short', 1, 30)
FROM unnest('{asked,sjbf}'::text[]) AS p \g /dev/null
SELECT set_queue_policy('sjbf', backfill_order => 'shortest') \g /dev/null
SELECT pg_temp.pass('asked'), pg_temp.pass('sjbf') \g /dev/null
SELECT is(pg_temp.running('asked'), 'r long', 'behind the head jobs come in their order');
SELECT is(pg_temp.running('sjbf'), 'r short', '... or the shortest first');

--
-- Stepped: what is withheld is released after a timeout.  Four processors on
-- one node, one taken; the wide job wants all.
--
SELECT pg_temp.pool(p, 'c4', 1, p::queue_policy), pg_temp.job(p, 'r', 1, 100000),
       pg_temp.job(p, 'wide', 4, 60, CASE p WHEN 'tiered' THEN 3 ELSE 1 END), pg_temp.job(p, 'small', 1, 60)
FROM unnest('{stepped,tiered}'::text[]) AS p \g /dev/null
SELECT set_queue_policy(p, step_timeout => '10 min') FROM unnest('{stepped,tiered}'::text[]) AS p \g /dev/null
SELECT pg_temp.pass('stepped'), pg_temp.pass('tiered') \g /dev/null
SELECT is(pg_temp.waiting('stepped'), 'wide resources, small reserved', 'stepped: what is free is withheld for the first');
SELECT is(pg_temp.waiting('tiered'), 'wide resources, small reserved', 'tiered: so it is at priority 3');
SELECT is((SELECT array_agg(q.locked_since = clock() ORDER BY q.job_id) FROM job_queue q JOIN pool USING (pool_id) WHERE name = 'stepped'),
          '{t,NULL}', 'the timeout is counted from now on');
SET pool_manager.clock = '2026-05-04 08:13:19.999999+00';
SELECT pg_temp.pass('stepped') \g /dev/null
SELECT is(pg_temp.waiting('stepped'), 'wide resources, small reserved', 'just before the timeout it still is');
SET pool_manager.clock = '2026-05-04 08:13:20+00';
SELECT pg_temp.pass('stepped'), pg_temp.pass('tiered') \g /dev/null
SELECT is(pg_temp.running('stepped'), 'r small', 'then it is no more');
SELECT is(pg_temp.running('tiered'), 'r small', '... under tiered likewise');
SELECT pg_temp.pool('tier1', 'c4', 1, 'tiered'), pg_temp.job('tier1', 'r', 1), pg_temp.job('tier1', 'wide', 4, 60, 2),
       pg_temp.job('tier1', 'small', 1, 60) \g /dev/null
SELECT pg_temp.pass('tier1') \g /dev/null
SELECT is(pg_temp.running('tier1'), 'r small', 'tiered: below priority 3 nothing is withheld');

--
-- Maintenance: only what ends before it begins may start on the node
--
SELECT pg_temp.pool('kept', 'c4', 1, 'traversal') \g /dev/null
SELECT schedule_maintenance(ARRAY[n.node_id], 'reboot', 'kernel')
FROM node n JOIN pool p USING (pool_id) WHERE p.name = 'kept' \g /dev/null
SELECT accept_maintenance(m.maintenance_id, clock() + interval '1 hour') FROM maintenance m JOIN pool p USING (pool_id) WHERE p.name = 'kept' \g /dev/null
SELECT pg_temp.job('kept', 'long', 1, 3601), pg_temp.job('kept', 'fits', 1, 3600), pg_temp.job('kept', 'endless', 1) \g /dev/null
SELECT pg_temp.pass('kept') \g /dev/null
SELECT is(pg_temp.running('kept'), 'fits', 'what ends before maintenance starts');
SELECT is(pg_temp.waiting('kept'), 'long maintenance, endless maintenance', '... the others wait for it to be over');

-- with resources withheld: wide for 60 s waits for r, small of 60 s for wide; long would run into the maintenance
SELECT pg_temp.pool('withheld', 'c4', 1, 'reserve'), pg_temp.pool('alone', 'c4', 1, 'reserve') \g /dev/null
SELECT count(*) FROM pool p, schedule_maintenance(ARRAY(SELECT n.node_id FROM node n WHERE n.pool_id = p.pool_id), 'reboot', 'kernel') WHERE p.name IN ('withheld', 'alone') \g /dev/null
SELECT accept_maintenance(m.maintenance_id, clock() + interval '1 hour') FROM maintenance m JOIN pool p USING (pool_id) WHERE p.name IN ('withheld', 'alone') \g /dev/null
SELECT pg_temp.job('withheld', 'r', 2, 100), pg_temp.job('withheld', 'wide', 4, 60), pg_temp.job('withheld', 'small', 1, 60),
       pg_temp.job('withheld', 'long', 1, 3601), pg_temp.job('alone', 'long', 1, 3601) \g /dev/null
SELECT pg_temp.pass('withheld'), pg_temp.pass('alone') \g /dev/null
SELECT is(pg_temp.waiting('withheld'), 'wide resources, small reserved, long reserved', 'jobs of one shape share a reason: the shortest has it');
SELECT cancel_job(job_id) FROM job_status WHERE pool = 'withheld' AND job = 'small' \g /dev/null
SELECT pg_temp.pass('withheld') \g /dev/null
SELECT is(pg_temp.waiting('withheld'), 'wide resources, long maintenance', 'what is withheld does not keep it from starting: the maintenance does');
SELECT is(pg_temp.waiting('alone'), 'long maintenance', 'nor does what is withheld for itself');

--
-- Accuracy: ten runs of 30 of their 100 s; a forecast counts on 30 of 100
--
SELECT pg_temp.pool('known', 'c1', 1, 'fifo') \g /dev/null
DO $$
BEGIN
    FOR i IN 1 .. 10 LOOP
        PERFORM pg_temp.job('known', 'past', 1, 100);
        PERFORM pg_temp.pass('known');
        PERFORM set_config('pool_manager.clock', (clock() + interval '30 s')::text, false);
        IF i = 10 THEN
            PERFORM pg_temp.job('known', 'future', 1, 1000);
            PERFORM pg_temp.job('known', 'later', 1, 1000);
        END IF;
        PERFORM finish_job(job_id) FROM job_status WHERE pool = 'known' AND state = 'running';
    END LOOP;
    PERFORM pg_temp.pass('known');
END $$;
SELECT is((SELECT expected_start - clock() FROM queue WHERE pool = 'known'), interval '300 s', 'runs last three tenths of their limits');
SET pool_manager.clock = '2026-05-04 10:00:00+00';
SELECT is((SELECT expected_start - clock() FROM queue WHERE pool = 'known'), interval '0', 'a run over its time ends at once');

--
-- As many jobs of a hundred years as there is time for (the first starts), one that takes the rest
-- of it and two days more, and what comes after the end of time
--
SELECT pg_temp.pool('ages', 'c1', 1, 'fifo') \g /dev/null
SELECT 1 + div(extract(epoch FROM '294276-12-31 00:00:00+00' - clock()), 36000 * bigint '86400') AS ages \gset
SELECT count(*) FROM submit_jobs('ages', format(
    $$SELECT 'age ' || i AS name, 'cpu=1' AS request, CASE WHEN i < %1$s THEN interval '36000 days'
             WHEN i = %1$s THEN timestamptz '294276-12-31 00:00:00+00' - (pool_manager.clock() + (i - 1) * interval '36000 days') + interval '2 days' END AS time_limit
      FROM generate_series(1, %1$s + 1) AS i ORDER BY i$$, :ages)) \g /dev/null
SELECT results_eq(format($$SELECT job::text, expected_start FROM queue WHERE pool = 'ages' ORDER BY position OFFSET %s$$, :ages - 2),
    format($$VALUES ('age %1$s', clock() + (%1$s - 1) * interval '36000 days'), ('age %2$s', NULL)$$, :ages, :ages + 1), 'after the end of time it cannot be told');

--
-- Settings
--
SELECT throws_ok($$ SELECT set_queue_policy('easy', reservations => -1) $$, '22023', 'invalid value for argument "reservations"', 'no fewer than 0 reservations');
SELECT throws_ok($$ SELECT set_queue_policy('easy', step_timeout => '0') $$, '22023', NULL, 'no timeout of nothing');
SELECT throws_ok($$ SELECT set_queue_policy('nowhere', 'fifo') $$, '42704', NULL, 'no such pool');
SELECT is((SELECT e.reason FROM event e JOIN pool p USING (pool_id) WHERE p.name = 'all' AND e.kind = 'pool_changed'), 'reservations 0',
          'a change is an event');

SELECT * FROM finish();
ROLLBACK;
