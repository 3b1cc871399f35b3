-- Preemption: who gives way to whom, when, and what becomes of it. The numbers
-- are worked out in the comments.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-02 09:00:00+00';
SELECT no_plan();

SELECT create_tenant('acme', 'USD', 'UTC');
SELECT create_sku('node', 'node'), create_sku('address', 'address');
SELECT create_flavor('gpu4', 'cpu=16,gpu=4', 'node', 'gpu');
SELECT create_network('net', '10.0.0.0/16', 'acme');
SELECT set_address_sku('net', 'address');

\ir include/made.sql
CREATE FUNCTION pg_temp.at(t text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('pool_manager.clock', '2026-03-02 ' || t || '+00', true)
$$;
-- a job of so many replicas, of at least so many; none of them preemptible but those with a priority below 2
CREATE FUNCTION pg_temp.submit(pool text, name text, request resource_list, priority integer, replicas integer DEFAULT 1,
    fewest integer DEFAULT NULL, preemptible boolean DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO made SELECT submit.name, submit_job(submit.pool, submit.name, request => submit.request, priority => submit.priority,
        replicas => submit.replicas, min_replicas => coalesce(submit.fewest, submit.replicas),
        preemptible => coalesce(submit.preemptible, submit.priority < 2))
$$;
-- names and states of all jobs that have not ended, those that have changed by their ids
CREATE FUNCTION pg_temp.jobs(in_pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(job || ' ' || state, ', ' ORDER BY job_id) FROM job_status
    WHERE pool = in_pool AND state NOT IN ('completed', 'cancelled', 'failed', 'timed_out')
$$;
CREATE FUNCTION pg_temp.pass(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(m.name || ' ' || s.state, ', ' ORDER BY m.name), 'nothing')
    FROM schedule(pass.pool) s JOIN made m USING (job_id)
$$;
CREATE FUNCTION pg_temp.reason(job text) RETURNS text LANGUAGE sql AS $$
    SELECT q.reason FROM queue q WHERE q.job_id = pg_temp.id(reason.job)
$$;

-- one pool of two nodes with four devices each
SELECT create_pool('own', 'dedicated', 'acme', 'net', queue_policy => 'traversal', container_network => 'eni');
SELECT add_nodes('own', 'gpu4', 2);
SELECT set_quota('acme', 'accelerator_minutes', 1000000), set_quota('acme', 'run_minutes', 1000000);
SELECT is((SELECT ROW(preemption, min_runtime, preemption_delay)::text FROM pool WHERE name = 'own'), '(lower_priority,00:00:00,00:00:00)',
    'jobs of lower priority give way, at once, where nothing is said');

-- ---- one gives way ----

-- node 1: firm, all of it; node 2: low1 and low2, two devices each
SELECT pg_temp.submit('own', 'firm', 'gpu=4', 1, preemptible => false), pg_temp.submit('own', 'low1', 'gpu=2', 1);
SELECT pg_temp.at('09:00:10');
SELECT pg_temp.submit('own', 'low2', 'gpu=2', 1);
SELECT is(pg_temp.jobs('own'), 'firm running, low1 running, low2 running', 'three jobs fill the pool');
SELECT pg_temp.at('09:05:00');
SELECT pg_temp.submit('own', 'equal', 'gpu=1', 1);
SELECT is(pg_temp.jobs('own'), 'firm running, low1 running, low2 running, equal queued', 'an equal priority takes nobody''s place');
SELECT is(pg_temp.reason('equal'), 'resources', 'and has the plain reason');
SELECT pg_temp.at('09:10:00');
SELECT pg_temp.submit('own', 'high', 'gpu=2', 2);
SELECT is(pg_temp.jobs('own'), 'firm running, low1 running, low2 queued, equal queued, high running',
    'a higher one does: of two the later started gives way, and it starts in the same call');
SELECT is((SELECT ROW(r.state, r.ended_at, r.end_reason, r.preempted_by, r.stop_state)::text FROM job_run r WHERE r.job_id = pg_temp.id('low2')),
    format('(stopped,"2026-03-02 09:10:00+00","preempted by job %s",%s,)', pg_temp.id('high'), pg_temp.id('high')),
    'its run has ended at that instant, and says for whom');
SELECT is((SELECT ROW(q.state, q.start_type, q.restarted, q.submitted_at, q.requeued_at)::text FROM job_queue q WHERE q.job_id = pg_temp.id('low2')),
    '(queued,preempted,f,"2026-03-02 09:00:10+00",)', 'it waits where its submission puts it, not as after a fault');
SELECT is((SELECT string_agg(n.notice || ': ' || coalesce(n.reason, ''), '; ' ORDER BY n.at, n.notice) FROM job_notices n WHERE n.job = 'low2'),
    format('JobStarted: ; JobPreempted: for job %s; JobRestarted: preempted by job %s', pg_temp.id('high'), pg_temp.id('high')),
    'its submitter is told');
SELECT is((SELECT string_agg(job, ' ' ORDER BY position) FROM queue WHERE pool = 'own'), 'low2 equal', 'it is ahead of what was submitted later');

-- low2 held 2 devices for 590 s: 1180 device seconds; and an address for 590 s
SELECT is((SELECT used_us / 1000000 FROM quota WHERE resource = 'accelerator_minutes'), 1180::numeric, 'device minutes are counted to the instant');
SELECT is((SELECT used_us / 1000000 FROM quota WHERE resource = 'run_minutes'), 590::numeric, 'and run minutes');
SELECT is((SELECT string_agg(ROW(u.started_at, u.ended_at, u.quantity)::text, ' ') FROM usage u WHERE u.job_id = pg_temp.id('low2')),
    '("2026-03-02 09:00:10+00","2026-03-02 09:10:00+00",1000)', 'what it held is usage to the second');
SELECT is((SELECT string_agg(a.devices::text, ' ') FROM allocation a JOIN job_run r USING (pool_id, run_id) WHERE r.job_id = pg_temp.id('high')),
    (SELECT string_agg(a.devices::text, ' ') FROM allocation a JOIN job_run r USING (pool_id, run_id) WHERE r.job_id = pg_temp.id('low2')),
    'the other has its devices');
SELECT is(pg_temp.pass('own'), 'nothing', 'and nobody takes them back');
SELECT is(pg_temp.jobs('own'), 'firm running, low1 running, low2 queued, equal queued, high running', 'whoever asks');

-- ---- nobody in vain ----

-- four devices on one node: firm may not go, high is not lower, low1 alone has two
SELECT pg_temp.submit('own', 'wide', 'gpu=4', 2);
SELECT is(pg_temp.jobs('own'), 'firm running, low1 running, low2 queued, equal queued, high running, wide queued',
    'nobody gives way if it would not be enough');
SELECT pg_temp.at('09:11:00');
SELECT finish_job(pg_temp.id('high'), 'completed');
SELECT is(pg_temp.pass('own'), 'low1 queued, wide running', 'but together with what is free it is: no more than needed goes');
SELECT cancel_job(pg_temp.id('wide'));
SELECT is(pg_temp.pass('own'), 'low1 running, low2 running', 'they are back when there is room, in their order');
SELECT is((SELECT string_agg(start_type::text, ' ' ORDER BY run_id) FROM job_run WHERE job_id = pg_temp.id('low1')), 'initial preempted', 'with the reason why');
SELECT is((SELECT count(*) FROM event WHERE kind = 'job_preempted'), 2::bigint, 'each preemption is one event');

-- ---- never ----

SELECT set_pool('own', preemption => 'never');
SELECT pg_temp.submit('own', 'top', 'gpu=1', 3);
SELECT is(pg_temp.jobs('own'), 'firm running, low1 running, low2 running, equal queued, top queued', 'never: nobody gives way');
SELECT set_pool('own', preemption => 'lower_priority');

-- ---- minimum run time, delay ----

SELECT set_pool('own', min_runtime => '10 minutes');
-- low1 and low2 run since 09:11:00
SELECT pg_temp.at('09:20:59');
SELECT is(pg_temp.pass('own'), 'nothing', 'a run is safe until it has run so long');
SELECT set_pool('own', preemption_delay => '12 minutes');
SELECT pg_temp.at('09:21:00');
SELECT is(pg_temp.pass('own'), 'nothing', 'a job has to wait until it has waited so long');
SELECT pg_temp.at('09:22:59');
SELECT is(pg_temp.pass('own'), 'nothing', 'top was submitted at 09:11');
SELECT pg_temp.at('09:23:00');
SELECT is(pg_temp.pass('own'), 'equal running, low2 queued, top running', 'then it goes as ever; what is left over is for the next that it fits');
SELECT is((SELECT string_agg(reason, ', ' ORDER BY event_id) FROM event WHERE kind = 'pool_changed' AND reason ~ 'preempt|min_runtime'),
    'preemption never, preemption lower_priority, min_runtime, preemption_delay', 'changes of these settings are events');
SELECT set_pool('own', min_runtime => '0', preemption_delay => '0');
SELECT cancel_job(job_id) FROM job_status WHERE pool = 'own' AND state IN ('running', 'queued');

-- ---- gangs ----

-- five replicas over both nodes: one of them is enough, but a gang goes whole
SELECT pg_temp.submit('own', 'gang', 'gpu=1', 1, replicas => 8);
SELECT pg_temp.submit('own', 'one', 'gpu=1', 2);
SELECT is(pg_temp.jobs('own'), 'gang queued, one running', 'a gang gives way whole');
SELECT cancel_job(pg_temp.id('one'));
SELECT is(pg_temp.pass('own'), 'gang running', 'and begins whole');
SELECT cancel_job(pg_temp.id('gang'));

-- ---- those that shrink ----

SELECT pg_temp.at('10:00:00');
SELECT pg_temp.submit('own', 'elastic', 'cpu=1,gpu=1', 1, replicas => 8, fewest => 2);
SELECT pg_temp.at('10:10:00');
SELECT pg_temp.submit('own', 'three', 'gpu=3', 2);
SELECT is(pg_temp.jobs('own'), 'elastic running, three running', 'one that can do with less goes on');
SELECT is((SELECT replicas FROM job_run WHERE job_id = pg_temp.id('elastic') AND ended_at IS NULL), '{5}', 'three of eight replicas went');
SELECT is((SELECT sum(a.replicas) FROM allocation a JOIN job_run r USING (pool_id, run_id) WHERE r.job_id = pg_temp.id('elastic') AND a.released_at IS NULL), 5::bigint, 'its allocations say so');
SELECT is((SELECT string_agg(allocated::text || ' ' || devices::text, '; ' ORDER BY node_id) FROM node_load JOIN pool USING (pool_id) WHERE name = 'own'),
    'cpu=4,gpu=4 {1000,1000,1000,1000}; cpu=1,gpu=4 {1000,1000,1000,1000}', 'and the loads of the nodes');
SELECT is((SELECT reason FROM event WHERE kind = 'job_preempted' AND job_id = pg_temp.id('elastic')),
    format('for job %s, replicas 8 -> 5', pg_temp.id('three')), 'the event has the numbers');
-- eight addresses for 600 s, then five
SELECT is((SELECT string_agg(ROW(u.started_at, u.ended_at, u.quantity)::text, ' ') FROM usage u WHERE u.job_id = pg_temp.id('elastic')),
    '("2026-03-02 10:00:00+00","2026-03-02 10:10:00+00",8000)', 'eight addresses are billed until then');
SELECT is((SELECT string_agg(ROW(h.since, h.quantity)::text, ' ') FROM holding h WHERE h.job_id = pg_temp.id('elastic')),
    '("2026-03-02 10:10:00+00",5000)', 'and five from then on');
SELECT is((SELECT count(*) FROM network_address a JOIN job_run r USING (pool_id, run_id) WHERE r.job_id = pg_temp.id('elastic')), 5::bigint, 'of the network it has five');
SELECT pg_temp.at('10:20:00');
SELECT pg_temp.submit('own', 'more', 'gpu=1', 2, replicas => 3);
SELECT is((SELECT string_agg(replicas::text, ' ') FROM job_run WHERE job_id IN (pg_temp.id('elastic'), pg_temp.id('more')) AND ended_at IS NULL), '{2} {3}', 'down to its minimum');
SELECT pg_temp.submit('own', 'last', 'gpu=1', 2);
SELECT is(pg_temp.jobs('own'), 'elastic queued, three running, more running, last running', 'below it, it goes');
-- 8 devices for 600 s, 5 for 600 s: 7800
SELECT is((SELECT sum(cardinality(a.devices) * extract(epoch FROM a.released_at - a.since)) FROM allocation a JOIN job_run r USING (pool_id, run_id)
    WHERE r.job_id = pg_temp.id('elastic')), 7800::numeric, 'its allocations tell the story');
SELECT cancel_job(job_id) FROM job_status WHERE pool = 'own' AND state IN ('running', 'queued');

-- two task groups: what shrinks is the one that can
SELECT pg_temp.at('10:30:00');
INSERT INTO made SELECT 'roles', submit_job('own', 'roles', task_groups => '[{"name": "ps", "request": "cpu=4,gpu=1", "replicas": 4},
    {"name": "worker", "request": "cpu=1,gpu=1", "replicas": 4, "min_replicas": 1}]', preemptible => true);
SELECT pg_temp.submit('own', 'two', 'gpu=2', 2);
SELECT is((SELECT replicas FROM job_run WHERE job_id = pg_temp.id('roles') AND ended_at IS NULL), '{4,2}', 'of two task groups the one that may have fewer does');
SELECT cancel_job(job_id) FROM job_status WHERE pool = 'own' AND state IN ('running', 'queued');

-- ---- newer ones of the same priority ----

SELECT pg_temp.at('11:00:00');
SELECT pg_temp.submit('own', 'base', 'gpu=4', 1, preemptible => false), pg_temp.submit('own', 'part', 'gpu=3', 1);
SELECT pg_temp.at('11:01:00');
SELECT pg_temp.submit('own', 'whole', 'gpu=4', 1, preemptible => true);
SELECT pg_temp.at('11:02:00');
SELECT pg_temp.submit('own', 'late', 'gpu=1', 1);
SELECT is(pg_temp.pass('own'), 'late running', 'whole is passed over');
SELECT finish_job(pg_temp.id('part'), 'completed');
SELECT is(pg_temp.pass('own'), 'nothing', 'and late, of the same priority, is in its way');
SELECT set_pool('own', preemption => 'lower_or_newer_equal');
SELECT is(pg_temp.pass('own'), 'late queued, whole running', 'until those that were submitted later give way');
SELECT is(pg_temp.pass('own') || pg_temp.pass('own'), 'nothingnothing', 'and it is not given back: the older one does not');
SELECT set_pool('own', preemption => 'lower_priority');
SELECT cancel_job(job_id) FROM job_status WHERE pool = 'own' AND state IN ('running', 'queued');

-- ---- sub-pools ----

SELECT create_sub_pool('own', 'a', 'cpu=16,gpu=4', 'cpu=16,gpu=4'), create_sub_pool('own', 'b', 'cpu=16,gpu=4', 'cpu=16,gpu=4');
INSERT INTO made SELECT n, submit_job('own', n, request => 'gpu=4', sub_pool => p, preemptible => true) FROM (VALUES ('of_a', 'a'), ('of_b', 'b')) AS v(n, p);
INSERT INTO made SELECT 'high_a', submit_job('own', 'high_a', request => 'gpu=1', sub_pool => 'a', priority => 2);
SELECT is(pg_temp.jobs('own'), 'of_a queued, of_b running, high_a running', 'those of the own sub-pool give way, and free its quota with it');
SELECT cancel_job(job_id) FROM job_status WHERE pool = 'own' AND state IN ('running', 'queued');

-- ---- what is lent is taken back ----

-- two nodes, eight devices; four of them are guaranteed to each of two sub-pools, which may have all
SELECT create_pool('div', 'dedicated', 'acme', 'net', queue_policy => 'traversal');
SELECT add_nodes('div', 'gpu4', 2);
SELECT create_sub_pool('div', 'l', 'cpu=16,gpu=4', 'cpu=32,gpu=8'), create_sub_pool('div', 'r', 'cpu=16,gpu=4', 'cpu=32,gpu=8');
CREATE FUNCTION pg_temp.share(sub_pool text, name text, request resource_list, priority integer DEFAULT 1, preemptible boolean DEFAULT true)
    RETURNS void LANGUAGE sql AS $$
    INSERT INTO made SELECT share.name, submit_job('div', share.name, request => share.request, sub_pool => share.sub_pool,
        priority => share.priority, preemptible => share.preemptible)
$$;
SELECT pg_temp.at('11:30:00');
SELECT pg_temp.share('r', 'r1', 'gpu=4');
SELECT pg_temp.at('11:31:00');
SELECT pg_temp.share('r', 'r2', 'gpu=4', 3);
SELECT set_pool('div', reclaim => 'never');
SELECT pg_temp.share('l', 'l1', 'gpu=2', 2);
SELECT is(pg_temp.jobs('div'), 'r1 running, r2 running, l1 queued', 'never: what is lent stays so for the length of a run');
SELECT set_pool('div', reclaim => 'any', min_runtime => '1 hour');
SELECT is(pg_temp.pass('div'), 'nothing', 'a run is safe from this too');
SELECT set_pool('div', min_runtime => '0');
SELECT is(pg_temp.pass('div'), 'l1 running, r1 queued', 'then the lowest priority of the borrower gives way');
SELECT is(pg_temp.pass('div') || pg_temp.pass('div'), 'nothingnothing', 'and does not take it back: its sub-pool would borrow again');
SELECT pg_temp.share('l', 'l2', 'gpu=2');
SELECT is(pg_temp.jobs('div'), 'r1 queued, r2 running, l1 running, l2 running', 'what is free is free');
SELECT pg_temp.share('l', 'l3', 'gpu=1', 3);
SELECT is(pg_temp.jobs('div'), 'r1 queued, r2 running, l1 running, l2 queued, l3 running',
    'beyond its guarantee a sub-pool reclaims nothing; then those of its own give way, lower priority first');
SELECT finish_job(job_id, 'completed') FROM job_status WHERE pool = 'div' AND state = 'running';
SELECT cancel_job(job_id) FROM job_status WHERE pool = 'div' AND state = 'queued';

-- those of other priorities, and those that are not preemptible
SELECT pg_temp.at('11:40:00');
SELECT pg_temp.share('r', 'r3', 'gpu=4', 1, false), pg_temp.share('r', 'r4', 'gpu=4', 2);
SELECT set_pool('div', reclaim => 'lower_priority');
SELECT pg_temp.share('l', 'l4', 'gpu=1', 2, false);
SELECT is(pg_temp.jobs('div'), 'r3 running, r4 running, l4 queued', 'lower_priority: an equal one stays');
SELECT set_pool('div', reclaim => 'any');
SELECT is(pg_temp.pass('div'), 'l4 running, r4 queued', 'any: it goes; the other is not preemptible');
SELECT is(pg_temp.pass('div') || pg_temp.reason('r4'), 'nothingresources', 'and waits for what is free');
-- it leaves its sub-pool with what it is due: 4 of 4
SELECT pg_temp.share('l', 'l5', 'gpu=4', 3);
SELECT is(pg_temp.jobs('div'), 'r3 running, r4 queued, l4 running, l5 queued', 'one who holds what is its own keeps it');
SELECT cancel_job(job_id) FROM job_status WHERE pool = 'div' AND state IN ('running', 'queued');

-- both kinds together, with limits on what is lent: l holds 5, r 7 of 12 cores; l asks 4 and may have 6
SELECT create_flavor('cpu12', 'cpu=12', 'node'), create_pool('lend', 'dedicated', 'acme', 'net', queue_policy => 'traversal');
SELECT add_nodes('lend', 'cpu12', 1);
SELECT create_sub_pool('lend', 'l', 'cpu=6', 'cpu=12', lend_limit => 'cpu=4'), create_sub_pool('lend', 'r', 'cpu=6', 'cpu=12', lend_limit => 'cpu=2');
INSERT INTO made SELECT n, submit_job('lend', n, request => r, sub_pool => s, priority => p, preemptible => true)
FROM (VALUES ('l-low', 'l', 1, 'cpu=3'::resource_list), ('l-mid', 'l', 2, 'cpu=2'), ('r-low', 'r', 1, 'cpu=3'), ('r-mid', 'r', 2, 'cpu=4')) AS v(n, s, p, r);
SELECT set_pool('lend', reclaim => 'lower_priority');
INSERT INTO made SELECT 'l-in', submit_job('lend', 'l-in', request => 'cpu=4', sub_pool => 'l', priority => 2);
SELECT is(pg_temp.jobs('lend'), 'l-low queued, l-mid running, r-low queued, r-mid running, l-in running',
    'its own gives way so that it stays within its guarantee, the other''s for the room');

-- ---- agents ----

SELECT create_pool('agents', 'dedicated', 'acme', 'net', queue_policy => 'traversal', launch => 'agent', stop_timeout => '5 minutes');
SELECT add_nodes('agents', 'gpu4', 1);
SELECT pg_temp.at('12:00:00');
SELECT pg_temp.submit('agents', 'v1', 'gpu=2', 1), pg_temp.submit('agents', 'v2', 'gpu=1', 1);
SELECT start_job(pg_temp.id('v1'));
SELECT pg_temp.at('12:10:00');
-- one device is free, three are needed: v2 has one, v1 two; v1 alone will do
SELECT pg_temp.submit('agents', 'boss', 'gpu=3', 2);
SELECT is(pg_temp.jobs('agents'), 'v1 stopping, v2 starting, boss queued', 'with agents the victim is told to stop first');
SELECT is((SELECT ROW(state, stop_state, preempted_by = pg_temp.id('boss'), deadline)::text FROM job_run WHERE job_id = pg_temp.id('v1')),
    '(stopping,stopped,t,"2026-03-02 12:15:00+00")', 'within the stop timeout');
SELECT is(pg_temp.reason('boss'), 'waiting_for_preemption', 'the job says what it waits for');
SELECT is((SELECT string_agg(a.devices::text, ' ') FROM allocation a JOIN job_run r USING (pool_id, run_id) WHERE r.job_id = pg_temp.id('v1') AND a.released_at IS NULL),
    '{0,1}', 'what the victim holds stays held');
-- the free device is kept for boss: it needs it
SELECT pg_temp.submit('agents', 'thief', 'gpu=1', 1, preemptible => false);
SELECT is(pg_temp.jobs('agents'), 'v1 stopping, v2 starting, boss queued, thief queued', 'nobody takes what it will need');
SELECT pg_temp.at('12:10:30');
SELECT pg_temp.submit('agents', 'chief', 'gpu=1', 3, preemptible => false);
SELECT is(pg_temp.jobs('agents'), 'v1 stopping, v2 stopping, boss queued, thief queued, chief queued', 'a higher one has another give way');
SELECT is((SELECT string_agg(job || ' ' || reason, ', ' ORDER BY position) FROM queue WHERE pool = 'agents'),
    'boss waiting_for_preemption, chief waiting_for_preemption, thief resources', 'both wait for runs to stop, and come before all others');
-- with both gone four devices are free and boss needs three: the one that is free now is not needed any more
SELECT is(pg_temp.pass('agents'), 'chief starting', 'what is more than needed by now goes to the next');
SELECT is((SELECT count(*) FROM event WHERE kind = 'job_preempted' AND pool_id = (SELECT pool_id FROM pool WHERE name = 'agents')), 2::bigint, 'one event each');
SELECT pg_temp.at('12:11:00');
SELECT is(finish_job(pg_temp.id('v1'), 'failed'), 'queued', 'when it has stopped it goes back to the queue');
SELECT is((SELECT ROW(r.state, r.end_reason, q.start_type)::text FROM job_run r JOIN job_queue q USING (pool_id, job_id) WHERE r.job_id = pg_temp.id('v1')),
    format('(stopped,"preempted by job %s",preempted)', pg_temp.id('boss')), 'whatever its agent calls that');
SELECT is(pg_temp.pass('agents'), 'nothing', 'two devices of three are there');
SELECT is((SELECT claims_since FROM job_queue WHERE job_id = pg_temp.id('boss')), '2026-03-02 12:10:00+00'::timestamptz, 'boss waits on');
SELECT pg_temp.submit('agents', 'second', 'gpu=1', 3, preemptible => false);
SELECT is(pg_temp.reason('second'), 'resources', 'and gets them, whoever comes');
-- v2 never started; its agent does not answer, so the stop timeout ends it
SELECT pg_temp.at('12:16:00');
SELECT is(pg_temp.pass('agents'), 'boss starting, v2 queued', 'the stop timeout ends a victim too, and the job has its place');

-- one that completes while it is to stop has completed
SELECT pg_temp.at('12:20:00');
SELECT cancel_job(job_id) FROM job_status WHERE pool = 'agents' AND state = 'queued';
SELECT start_job(job_id) FROM job_status WHERE pool = 'agents' AND state = 'starting';
SELECT finish_job(job_id, 'completed') FROM job_status WHERE pool = 'agents' AND state = 'running';
SELECT pg_temp.submit('agents', 'v3', 'gpu=4', 1);
SELECT start_job(pg_temp.id('v3'));
SELECT pg_temp.submit('agents', 'p3', 'gpu=4', 2);
SELECT pg_temp.at('12:21:00');
SELECT is(finish_job(pg_temp.id('v3'), 'completed', 0), 'completed', 'a victim that completes while it is stopping has completed');
SELECT is(pg_temp.pass('agents'), 'p3 starting', 'and makes room as well');
SELECT start_job(pg_temp.id('p3'));
SELECT finish_job(pg_temp.id('p3'), 'completed');

-- the job that was to have the place is cancelled: nothing is stuck
SELECT pg_temp.submit('agents', 'v4', 'gpu=4', 1);
SELECT start_job(pg_temp.id('v4'));
SELECT pg_temp.submit('agents', 'p4', 'gpu=4', 2), pg_temp.submit('agents', 'other', 'gpu=1', 1, preemptible => false);
SELECT cancel_job(pg_temp.id('p4'));
SELECT is(pg_temp.jobs('agents'), 'v4 stopping, other queued', 'who was told to stop stops');
SELECT is(pg_temp.pass('agents'), 'nothing', 'and holds what it has until then');
SELECT finish_job(pg_temp.id('v4'), 'failed');
SELECT is(pg_temp.pass('agents'), 'v4 starting', 'then what it held is for the first in the queue that it fits: itself, which was there first');
SELECT is((SELECT string_agg(job || ' ' || reason, ', ') FROM queue WHERE pool = 'agents'), 'other resources', 'not for those behind it');

-- ---- who may, and what is refused ----

SELECT create_pool('open', 'public');
SELECT throws_ok($$SELECT set_pool('open', preemption => 'lower_priority')$$, 'PM003', 'pool "open" is public and preempts no jobs', 'public pools preempt nobody');
SELECT throws_ok($$SELECT set_pool('own', min_runtime => '-1 second')$$, '22023', 'invalid value for argument "min_runtime"', 'a time is not negative');
SELECT throws_ok($$SELECT set_pool('own', preemption_delay => '200 years')$$, '22023', 'invalid value for argument "preemption_delay"', 'nor endless');

SELECT * FROM finish();
ROLLBACK;
