-- Restarts: after faults and failures, how often, after how long. The waits
-- are worked out in the comments.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-01 09:00:00+00';
SELECT plan(31);

SELECT create_tenant('acme', 'USD', 'UTC');
SELECT create_sku('task', 'task');
SELECT set_price('task', '1', '2026-01-01', currency => 'USD');
SELECT create_flavor('vm', 'cpu=64'), create_flavor('task', 'cpu=1', 'task');
SELECT set_resource_sku('vm', 'cpu=1', NULL);
SELECT create_pool('lab', 'public'), create_pool('edge', 'public', launch => 'agent');
SELECT add_nodes('lab', 'vm', 2), add_nodes('edge', 'vm', 1);

CREATE FUNCTION pg_temp.at(t timestamptz) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('pool_manager.clock', t::text, false)
$$;
\ir include/by_name.sql
-- ends the run as failed, waits as long as it must, starts it again; the waits in minutes
CREATE FUNCTION pg_temp.waits(named text, times integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    waits text := '';
    until timestamptz;
BEGIN
    FOR i IN 1 .. times LOOP
        PERFORM finish_job(pg_temp.job(named), 'failed');
        SELECT q.not_before INTO until FROM job_queue q WHERE q.job_id = pg_temp.job(named);
        waits := concat_ws(' ', nullif(waits, ''), coalesce((extract(epoch FROM until - clock()) / 60)::integer::text, '-'));
        PERFORM pg_temp.at(until - interval '1 microsecond');
        PERFORM schedule('lab');
        IF pg_temp.state(named) <> 'waiting' THEN
            RETURN 'too early';
        END IF;
        PERFORM pg_temp.at(until);
        PERFORM schedule('lab');
        IF pg_temp.state(named) <> 'running' THEN
            RETURN 'too late';
        END IF;
    END LOOP;
    RETURN waits;
END $$;

--
-- How long
--
SELECT submit_job('lab', 'minute', flavor => 'task', tenant => 'acme', max_retries => 9, retry_backoff => '1 minute', retry_on_failure => true),
       submit_job('lab', 'third', flavor => 'task', tenant => 'acme', max_retries => 9, retry_backoff => '20 minutes', retry_on_failure => true),
       submit_job('lab', 'day', flavor => 'task', tenant => 'acme', max_retries => 9, retry_backoff => '1 day', retry_on_failure => true);
SELECT is((SELECT retry_backoff FROM job WHERE name = 'day'), interval '24 hours', 'exact time is stored');
SELECT count(*) FROM schedule('lab');
-- doubled until an hour
SELECT is(pg_temp.waits('minute', 8), '1 2 4 8 16 32 60 60', 'the wait doubles, up to an hour');
SELECT is(pg_temp.waits('third', 4), '20 40 60 60', 'which is the most, whatever twice the wait is');
SELECT is(pg_temp.waits('day', 2), '1440 1440', 'a longer one stays');
SELECT cancel_job(pg_temp.job('third')), cancel_job(pg_temp.job('day'));
SELECT is((SELECT count(*) FROM job_run WHERE job_id = pg_temp.job('minute') AND start_type = 'restarted'), 8::bigint, 'eight restarts');
SELECT finish_job(pg_temp.job('minute'), 'failed', 7);
SELECT is((SELECT reason || ' ' || lacking FROM queue WHERE job = 'minute'), 'not_before until ' || clock() + interval '1 hour', 'the queue says until when');
SELECT pg_temp.at(clock() + interval '1 hour');
SELECT count(*) FROM schedule('lab');
SELECT is(finish_job(pg_temp.job('minute'), 'failed', 7), 'failed', 'after nine restarts it fails');
SELECT is((SELECT end_state::text FROM job WHERE name = 'minute'), 'failed', 'for good');

--
-- What counts
--
SELECT pg_temp.at('2026-03-10 09:00:00+00');
SELECT submit_job('lab', 'plain', flavor => 'task', tenant => 'acme', max_retries => 3),
       submit_job('lab', 'once', flavor => 'task', tenant => 'acme', max_retries => 1, retry_on_failure => true),
       submit_job('lab', 'ends', flavor => 'task', tenant => 'acme', max_retries => 3, retry_on_failure => true, time_limit => '1 hour'),
       submit_job('lab', 'nb', 'notebook', flavor => 'task', tenant => 'acme', max_retries => 1, retry_backoff => '2 hours');
SELECT count(*) FROM schedule('lab');
SELECT is(finish_job(pg_temp.job('plain'), 'failed'), 'failed', 'a failure is the job''s own, unless it asks');
SELECT is(finish_job(pg_temp.job('once'), 'failed', 3), 'queued', 'without a wait it queues at once');
SELECT is((SELECT restarted FROM job_queue WHERE job_id = pg_temp.job('once')), true, 'first of its priority');
SELECT results_eq($$SELECT from_state, to_state FROM event WHERE job_id = pg_temp.job('once') ORDER BY event_id$$,
    $$VALUES (NULL, 'queued'), ('queued', 'running'), ('running', 'queued')$$, 'the events');
SELECT is((SELECT state || ' ' || exit_code FROM job_run WHERE job_id = pg_temp.job('once')), 'failed 3', 'the run failed');
SELECT requeue_job(pg_temp.job('nb'));
SELECT is(pg_temp.state('nb'), 'queued', 'requeue_job does not wait');
SELECT count(*) FROM schedule('lab');
SELECT is(finish_job(pg_temp.job('once')), 'completed', 'a restart that goes well ends it');
SELECT pg_temp.at('2026-03-10 10:00:00+00');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.state('ends'), 'timed_out', 'over its time it is not restarted');
-- a wait is no search for resources: it may be longer than the pool's restart_timeout
SELECT submit_job('lab', 'patient', flavor => 'task', tenant => 'acme', max_retries => 2, retry_backoff => '2 hours', retry_on_failure => true);
SELECT count(*) FROM schedule('lab');
SELECT is(finish_job(pg_temp.job('patient'), 'failed'), 'waiting', 'two hours, where the pool gives up after 30 minutes');
SELECT results_eq($$SELECT sum(quantity), sum(amount) FROM charges('acme', '2026-03-10', '2026-03-11', '1 day') WHERE sku = 'task'$$,
    -- ends and nb for an hour
    $$VALUES (2.0, 2.0)$$, 'a wait costs nothing');
SELECT pg_temp.at('2026-03-10 12:00:00+00');
SELECT cordon_nodes(array_agg(node_id)) FROM node WHERE pool_id = find_pool('lab');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.state('patient'), 'queued', 'now it looks for resources');
SELECT pg_temp.at('2026-03-10 12:29:59+00');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.state('patient'), 'queued', 'for 30 minutes from then');
SELECT pg_temp.at('2026-03-10 12:30:00+00');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.state('patient'), 'failed', 'then it fails');
SELECT uncordon_nodes(array_agg(node_id)) FROM node WHERE pool_id = find_pool('lab');

-- other jobs are told only of the last end
SELECT submit_job('lab', 'again', flavor => 'task', tenant => 'acme', max_retries => 1, retry_backoff => '10 minutes', retry_on_failure => true);
SELECT count(*) FROM schedule('lab');
SELECT submit_job('lab', 'alarm', flavor => 'task', tenant => 'acme', depends_on => format('afternotok:%s', pg_temp.job('again')));
SELECT finish_job(pg_temp.job('again'), 'failed');
SELECT is(pg_temp.state('alarm'), 'waiting', 'a restart is no end for what depends on it');
SELECT pg_temp.at('2026-03-10 12:40:00+00');
SELECT count(*) FROM schedule('lab');
SELECT finish_job(pg_temp.job('again'), 'failed');
SELECT is(pg_temp.state('alarm'), 'queued', 'the last failure is');

-- agents: a run that fails before it starts; a node that goes away
SELECT submit_job('edge', 'agent', flavor => 'task', tenant => 'acme', max_retries => 2, retry_backoff => '10 minutes', retry_on_failure => true);
SELECT count(*) FROM schedule('edge');
SELECT is(finish_job(pg_temp.job('agent'), 'failed'), 'waiting', 'one that does not start waits too');
SELECT pg_temp.at('2026-03-10 12:50:00+00');
SELECT count(*) FROM schedule('edge');
SELECT is(pg_temp.state('agent'), 'starting', 'and is tried again');

--
-- Asked otherwise, asked wrongly
--
SELECT is((SELECT count(*) FROM submit_jobs('lab', $$SELECT 'q' AS name, 'task' AS flavor, 2 AS max_retries, '1 hour'::interval AS retry_backoff, true AS retry_on_failure$$, 'acme')), 1::bigint, 'by a query');
SELECT is((SELECT count(*) FROM submit_workflow('lab', 'w', '[{"flavor": "task", "max_retries": 2, "retry_backoff": "1 hour", "retry_on_failure": true}]', 'acme')), 1::bigint, 'as a phase');
SELECT results_eq($$SELECT name::text, retry_backoff, retry_on_failure FROM job WHERE name IN ('q', 'w.1') ORDER BY 1$$, $$VALUES ('q', interval '1 hour', true), ('w.1', '1 hour', true)$$, 'both');
SELECT throws_ok($$SELECT submit_job('lab', 'x', flavor => 'task', tenant => 'acme', retry_on_failure => true)$$, '22023', 'invalid value for argument "retry_on_failure"', 'how often?');
SELECT throws_ok($$SELECT submit_job('lab', 'x', flavor => 'task', tenant => 'acme', retry_backoff => '1 hour')$$, '22023', 'invalid value for argument "retry_backoff"', 'how often, here?');
SELECT throws_ok($$SELECT submit_job('lab', 'x', flavor => 'task', tenant => 'acme', max_retries => 1, retry_backoff => '0')$$, '22023', 'invalid value for argument "retry_backoff"', 'no time');

SELECT * FROM finish();
ROLLBACK;
