-- explain_job(), by hand: every kind of row, every test that a node can fail,
-- every change that is offered, and that what is offered starts.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-05-04 08:00:00+00';
SELECT no_plan();

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('globex', 'USD', 'UTC'), create_sku('node', 'node'),
       create_network('lab', '10.1.0.0/16', 'acme') \g /dev/null
SELECT create_flavor('c1', 'cpu=1,memory=1Gi', 'node'), create_flavor('c4', 'cpu=4,memory=8Gi', 'node'),
       create_flavor('c8', 'cpu=8,memory=16Gi', 'node'),
       create_flavor('g2', 'cpu=8,memory=16Gi,nvidia.com/gpu=2', 'node', 'nvidia.com/gpu') \g /dev/null
SELECT set_resource_sku(f, r::resource_list, NULL) FROM unnest('{c1,c4,c8}'::text[]) AS f, unnest('{cpu=1,memory=1Gi}'::text[]) AS r \g /dev/null

CREATE FUNCTION pg_temp.id(named text) RETURNS bigint LANGUAGE sql AS $$
    SELECT max(job_id) FROM job WHERE name = named
$$;
-- the rows of a kind, or of all but those about nodes
CREATE FUNCTION pg_temp.said(job text, of_kind text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', CASE WHEN of_kind IS NULL THEN e.kind END, e.item, e.detail, e.count, e.available || ' of ' || e.needed,
               CASE WHEN e.needed IS NULL THEN e.available END,
               (SELECT j.name FROM job j WHERE j.job_id = e.job_id),
               extract(epoch FROM e.at - clock())::integer || ' s'), ', ')
    FROM explain_job(pg_temp.id(job)) e WHERE CASE WHEN of_kind IS NULL THEN e.kind <> 'nodes' ELSE e.kind = of_kind END
$$;
CREATE FUNCTION pg_temp.pool(name text, flavor text, nodes integer, policy queue_policy DEFAULT 'fifo') RETURNS void LANGUAGE sql AS $$
    SELECT create_pool(name, 'dedicated', 'acme', 'lab', queue_policy => policy);
    SELECT add_nodes(name, flavor, nodes);
$$;
CREATE FUNCTION pg_temp.pass(pool text) RETURNS void LANGUAGE sql AS $$ SELECT count(*) FROM schedule(pool) $$;
CREATE FUNCTION pg_temp.state(named text) RETURNS text LANGUAGE sql AS $$
    SELECT state::text FROM job_status WHERE job_id = pg_temp.id(named)
$$;

--
-- Every test, in their order: each node fails exactly one, and is counted once
--
SELECT create_pool('tests', 'dedicated', 'acme', 'lab', queue_policy => 'traversal'),
       set_topology_levels('tests', '{rack}') \g /dev/null
CREATE FUNCTION pg_temp.add(flavor text, count integer, prefix text, labels jsonb DEFAULT '{"disk": "ssd"}', taints jsonb DEFAULT '[]',
    topology jsonb DEFAULT '{"rack": "a"}') RETURNS void LANGUAGE sql AS $$
    SELECT count(*) FROM add_nodes('tests', flavor, count, prefix, labels, taints, topology)
$$;
CREATE FUNCTION pg_temp.nodes(prefix text) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT array_agg(node_id ORDER BY node_id) FROM node WHERE name LIKE prefix || '-%'
$$;
CREATE FUNCTION pg_temp.names(prefix text) RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(name ORDER BY node_id) FROM node WHERE name LIKE prefix || '-%'
$$;
SELECT pg_temp.add('c8', 1, 'cordoned'), pg_temp.add('c8', 2, 'spare'), pg_temp.add('c8', 1, 'broken'),
       pg_temp.add('c8', 1, 'leaving', '{"disk": "ssd", "use": "first"}'), pg_temp.add('c8', 2, 'bound'),
       pg_temp.add('c8', 3, 'bare', '{"disk": "hdd"}'),
       pg_temp.add('c8', 1, 'tainted', taints => '[{"key": "k", "value": "v", "effect": "NoSchedule"}]'),
       pg_temp.add('c8', 1, 'loose', topology => '{}'), pg_temp.add('c4', 2, 'small'), pg_temp.add('c8', 1, 'closing'),
       pg_temp.add('c8', 2, 'taken', '{"disk": "ssd", "use": "first"}'), pg_temp.add('c8', 1, 'open') \g /dev/null
SELECT create_sub_pool('tests', 'one', 'cpu=1', 'cpu=200'), create_sub_pool('tests', 'two', 'cpu=1', 'cpu=200') \g /dev/null
SELECT submit_job('tests', 'holder', request => 'cpu=6', node_selector => '{"use": "first"}', replicas => 3, time_limit => '50 s', sub_pool => 'one') \g /dev/null
SELECT pg_temp.pass('tests') \g /dev/null
SELECT is(pg_temp.state('holder'), 'running', 'six processors of each of three nodes are taken');
SELECT cordon_nodes(pg_temp.nodes('cordoned')), drain_nodes(pg_temp.nodes('leaving')), bind_nodes('tests', 'two', pg_temp.names('bound')),
       report_fault('tests', (pg_temp.names('broken'))[1])  \g /dev/null
SELECT set_spare('tests', n, true) FROM unnest(pg_temp.names('spare')) AS n \g /dev/null
SELECT accept_maintenance(schedule_maintenance(pg_temp.nodes('closing'), 'reboot', 'kernel'), clock() + interval '1 hour') \g /dev/null
SELECT submit_job('tests', 'asks', request => 'cpu=5', node_selector => '{"disk": "ssd"}', replicas => 2, time_limit => '2 hours',
                  affinity_level => 'rack', sub_pool => 'one') \g /dev/null
SELECT pg_temp.pass('tests') \g /dev/null
SELECT is(pg_temp.said('asks', 'nodes'), concat_ws(', ', 'abnormal 1', 'cordoned 1', 'spare 2', 'isolated 1', 'bound 2', 'selector 3', 'taint 1',
          'no_domain 1', 'too_small cpu 2 4 of 5', 'maintenance 1', 'no_room cpu 2 2 of 5', 'fits 1'), 'which test nodes fail first');
SELECT is((SELECT sum(count) FROM explain_job(pg_temp.id('asks')) WHERE kind = 'nodes'),
          (SELECT count(*)::numeric FROM node JOIN pool USING (pool_id) WHERE pool.name = 'tests'), '... is each node once');
SELECT is(pg_temp.said('asks'), concat_ws(', ', 'state queued 0 s', 'position 1', 'reason maintenance', 'would_start replicas 1',
          'would_start time_limit 01:00:00', 'expected_start 50 s'), 'a job that maintenance keeps from starting');

--
-- What is offered starts when it is done: the job is cancelled, another call
-- made and a pass run, then all of it taken back
--
CREATE FUNCTION pg_temp.done(instead_of text, in_pool text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    new_job bigint;
    became text;
BEGIN
    PERFORM cancel_job(pg_temp.id(instead_of));
    EXECUTE 'SELECT submit_job(' || call || ')' INTO new_job;
    PERFORM pg_temp.pass(in_pool);
    SELECT state INTO became FROM job_status WHERE job_id = new_job;
    RAISE EXCEPTION USING ERRCODE = 'XX999';
EXCEPTION WHEN SQLSTATE 'XX999' THEN
    RETURN became;
END $$;
SELECT is(pg_temp.done('asks', 'tests', $$'tests', 'asks', request => 'cpu=5', node_selector => '{"disk": "ssd"}', replicas => 2,
          time_limit => '1 hour', affinity_level => 'rack', sub_pool => 'one'$$), 'running', 'an hour is short enough');
SELECT is(pg_temp.done('asks', 'tests', $$'tests', 'asks', request => 'cpu=5', node_selector => '{"disk": "ssd"}', replicas => 2,
          time_limit => '1 hour 1 s', affinity_level => 'rack', sub_pool => 'one'$$), 'queued', '... a second more is not');
SELECT is(pg_temp.done('asks', 'tests', $$'tests', 'asks', request => 'cpu=5', node_selector => '{"disk": "ssd"}', replicas => 1,
          time_limit => '2 hours', affinity_level => 'rack', sub_pool => 'one'$$), 'running', 'one replica starts');

--
-- fifo: two nodes of four processors, three of one taken. The head needs eight;
-- were it to come last, the one behind it would take the one that is left there
--
SELECT pg_temp.pool('line', 'c4', 2) \g /dev/null
SELECT submit_job('line', 'r', request => 'cpu=3', time_limit => '100 s') \g /dev/null
SELECT submit_job('line', 'head', request => 'cpu=4', replicas => 2, time_limit => '60 s'),
       submit_job('line', 'behind', request => 'cpu=1', time_limit => '10 s') \g /dev/null
SELECT pg_temp.pass('line') \g /dev/null
SELECT is(pg_temp.said('head', 'nodes'), 'no_room cpu 1 1 of 4, fits 1', 'head: one node of two has room');
SELECT is(pg_temp.said('head'), concat_ws(', ', 'state queued 0 s', 'position 1', 'reason resources cpu 5 of 8', 'holds cpu 3 r 100 s',
          'would_start replicas 1', 'would_start request cpu=2', 'expected_start 100 s'), 'head: what it lacks, who holds it, what would start');
SELECT is(pg_temp.said('behind'), concat_ws(', ', 'state queued 0 s', 'position 2', 'reason behind_head', 'blocked_by head head',
          'expected_start 160 s'), 'behind it: the head is in the way, whatever it asks for');
SELECT is(pg_temp.done('head', 'line', $$'line', 'head', request => 'cpu=4', replicas => 1$$), 'running', 'fewer replicas start');
SELECT is(pg_temp.done('head', 'line', $$'line', 'head', request => 'cpu=2', replicas => 2$$), 'running', 'a smaller request starts');
SELECT is(pg_temp.done('head', 'line', $$'line', 'head', request => 'cpu=3', replicas => 2$$), 'queued', '... a larger one does not');

--
-- A flavor that is smaller; a request, one resource after the other: seven
-- processors in all, four on one node, but three where the memory is
--
SELECT pg_temp.pool('mixed', 'c8', 1, 'traversal') \g /dev/null
SELECT add_nodes('mixed', 'c4') \g /dev/null
SELECT submit_job('mixed', 'five', request => 'cpu=5'), submit_job('mixed', 'big', flavor => 'c8') \g /dev/null
SELECT is(pg_temp.said('big', 'nodes'), 'too_small cpu 1 4 of 8, no_room cpu 1 3 of 8', 'a flavor: one node is too small, one has no room');
SELECT is(pg_temp.said('big'), concat_ws(', ', 'state queued 0 s', 'position 1', 'reason resources cpu 7 of 8', 'holds cpu 5 five',
          'would_start request cpu=3,memory=16Gi', 'would_start flavor c4', 'expected_start'), 'what holds has no end, so it has no start');
SELECT is(pg_temp.done('big', 'mixed', $$'mixed', 'big', flavor => 'c4'$$), 'running', 'the smaller flavor starts');
SELECT is(pg_temp.done('big', 'mixed', $$'mixed', 'big', request => 'cpu=3,memory=16Gi'$$), 'running', 'the smaller request starts');

SELECT restrict_pool('mixed', '{service}') \g /dev/null
SELECT is(pg_temp.said('big', 'would_start'), NULL, 'nothing is offered in a pool that takes no new jobs');

--
-- Quota: s1 may hold four processors and holds three
--
SELECT pg_temp.pool('shares', 'c8', 2),
       create_sub_pool('shares', 's1', 'cpu=2', 'cpu=4'), create_sub_pool('shares', 's2', 'cpu=2', 'cpu=16') \g /dev/null
SELECT submit_job('shares', 'mine', request => 'cpu=3', time_limit => '70 s', sub_pool => 's1'),
       submit_job('shares', 'others', request => 'cpu=3', time_limit => '60 s', sub_pool => 's2'),
       submit_job('shares', 'more', request => 'cpu=2', sub_pool => 's1') \g /dev/null
SELECT is(pg_temp.said('more'), concat_ws(', ', 'state queued 0 s', 'position 1', 'reason quota cpu 1 of 2', 'blocked_by quota s1: cpu 1 of 2',
          'holds cpu 3 mine 70 s', 'would_start request cpu=1', 'expected_start 70 s'), 'a quota: its numbers, and who of its sub-pool holds it');
SELECT is(pg_temp.said('more', 'nodes'), 'fits 2', '... on nodes there is room');
SELECT is(pg_temp.done('more', 'shares', $$'shares', 'more', request => 'cpu=1', sub_pool => 's1'$$), 'running', 'what the quota allows starts');

--
-- Backfill: six nodes, three until 100 s; the head will need five, so one may be
-- used for longer
--
SELECT pg_temp.pool('easy', 'c1', 6, 'backfill') \g /dev/null
SELECT submit_job('easy', 'first', request => 'cpu=1', replicas => 3, time_limit => '100 s'),
       submit_job('easy', 'wide', request => 'cpu=1', replicas => 5, time_limit => '100 s'),
       submit_job('easy', 'fill', request => 'cpu=1', replicas => 3, time_limit => '250 s') \g /dev/null
SELECT pg_temp.pass('easy') \g /dev/null
SELECT is(pg_temp.said('fill'), concat_ws(', ', 'state queued 0 s', 'position 2', 'reason reserved', 'blocked_by reservation wide 100 s',
          'would_start replicas 1', 'would_start time_limit 00:01:40', 'expected_start 200 s'), 'a reservation is in the way');
SELECT is(pg_temp.done('fill', 'easy', $$'easy', 'fill', request => 'cpu=1', replicas => 3, time_limit => '100 s'$$), 'running', 'it ends in time');
SELECT is(pg_temp.done('fill', 'easy', $$'easy', 'fill', request => 'cpu=1', replicas => 3, time_limit => '101 s'$$), 'queued', '... or not');
SELECT is(pg_temp.done('fill', 'easy', $$'easy', 'fill', request => 'cpu=1', replicas => 1, time_limit => '250 s'$$), 'running', 'one leaves the head alone');
SELECT is(pg_temp.done('fill', 'easy', $$'easy', 'fill', request => 'cpu=1', replicas => 2, time_limit => '250 s'$$), 'queued', '... two do not');

--
-- reserve: what is free is withheld
--
SELECT pg_temp.pool('kept', 'g2', 2, 'reserve') \g /dev/null
SELECT submit_job('kept', 'one', request => 'cpu=1,nvidia.com/gpu=1', time_limit => '30 s'),
       submit_job('kept', 'four', request => 'cpu=1,nvidia.com/gpu=2', replicas => 2, time_limit => '60 s'),
       submit_job('kept', 'small', request => 'cpu=1,nvidia.com/gpu=1') \g /dev/null
SELECT pg_temp.pass('kept') \g /dev/null
SELECT is(pg_temp.said('small'), concat_ws(', ', 'state queued 0 s', 'position 2', 'reason reserved nvidia.com/gpu 0 of 1', 'blocked_by withheld 1',
          'holds nvidia.com/gpu 1 one 30 s', 'expected_start 90 s'), 'what is free is withheld for one ahead of it; no change is of use');
SELECT is(pg_temp.said('four'), concat_ws(', ', 'state queued 0 s', 'position 1', 'reason resources nvidia.com/gpu 3 of 4', 'holds nvidia.com/gpu 1 one 30 s',
          'would_start replicas 1', 'would_start request cpu=1,nvidia.com/gpu=1', 'expected_start 30 s'), 'whole devices are offered');
SELECT is(pg_temp.done('four', 'kept', $$'kept', 'four', request => 'cpu=1,nvidia.com/gpu=1', replicas => 2$$), 'running', 'one device each starts');

SELECT restrict_pool('kept', '{service}') \g /dev/null

--
-- Several task groups: nodes for each; what is offered is not what it cannot be
--
SELECT pg_temp.pool('roles', 'c4', 2) \g /dev/null
SELECT submit_job('roles', 'before', request => 'cpu=3', time_limit => '20 s'),
       submit_job('roles', 'pair', task_groups => '[{"request": "cpu=2"}, {"request": "cpu=1", "replicas": 4}]') \g /dev/null
SELECT is(pg_temp.said('pair', 'nodes'), concat_ws(', ', 'no_room group 1: cpu 1 1 of 2', 'fits group 1 1', 'fits group 2 2'), 'nodes of each task group');
SELECT is(pg_temp.said('pair'), concat_ws(', ', 'state queued 0 s', 'position 1', 'reason resources cpu 5 of 6', 'holds cpu 3 before 20 s',
          'expected_start 20 s'), 'no number of replicas and no request are offered');

--
-- Jobs that are not queued: one row
--
SELECT hold_job(pg_temp.id('behind')) \g /dev/null
SELECT submit_job('line', 'after', request => 'cpu=1', depends_on => 'afterok:' || pg_temp.id('r')),
       submit_job('line', 'tomorrow', request => 'cpu=1', not_before => clock() + interval '1 day') \g /dev/null
SELECT is(pg_temp.said('behind'), 'state held held 0 s', 'held');
SELECT is(pg_temp.said('after'), 'state waiting dependency afterok:' || pg_temp.id('r'), 'waiting for a job');
SELECT is(pg_temp.said('tomorrow'), 'state waiting not_before 86400 s', 'waiting for a time');
SELECT is(pg_temp.said('r'), 'state running 0 s', 'running');
SELECT cancel_job(pg_temp.id('behind')) \g /dev/null
SELECT is(pg_temp.said('behind'), 'state cancelled 0 s', 'ended');

-- a pass would start it: it has only not been looked at
SELECT cancel_job(pg_temp.id('r')) \g /dev/null
SELECT is(pg_temp.said('head'), concat_ws(', ', 'state queued 0 s', 'position 1', 'reason not_considered', 'expected_start 0 s'), 'the next pass starts it');

--
-- Other pools: a dedicated one, a public one; not those that are too small,
-- closed, divided, another tenant's
--
SELECT create_network('far', '10.9.0.0/16', 'globex') \g /dev/null
SELECT create_pool('other', 'dedicated', 'acme', 'lab'), create_pool('closed', 'dedicated', 'acme', 'lab'), create_pool('tiny', 'dedicated', 'acme', 'lab'),
       create_pool('divided', 'dedicated', 'acme', 'lab'), create_pool('theirs', 'dedicated', 'globex', 'far'), create_pool('public', 'public') \g /dev/null
SELECT add_nodes(p, 'c8') FROM unnest('{other,closed,divided,theirs,public}'::text[]) AS p \g /dev/null
SELECT add_nodes('tiny', 'c4') \g /dev/null
SELECT restrict_pool('closed', '{service}'), create_sub_pool('divided', 'part', 'cpu=8', 'cpu=8,memory=16Gi') \g /dev/null
SELECT restrict_pool('mixed', '{}') \g /dev/null
SELECT is(pg_temp.said('big', 'would_start'), 'request cpu=3,memory=16Gi, flavor c4, pool other, pool public', 'other pools that would start it');
SELECT is(pg_temp.done('big', 'other', $$'other', 'big', flavor => 'c8'$$), 'running', 'the dedicated one does');
SELECT is(pg_temp.done('big', 'public', $$'public', 'big', flavor => 'c8', tenant => 'acme'$$), 'running', 'the public one does');
-- a public pool takes no priorities, and preempts nobody
SELECT set_priority(pg_temp.id('big'), 2) \g /dev/null
SELECT is(pg_temp.said('big', 'would_start'), 'request cpu=3,memory=16Gi, flavor c4, pool other', 'no public one to a job of higher priority');
SELECT set_priority(pg_temp.id('big'), 1) \g /dev/null
SELECT submit_job('mixed', 'gives way', flavor => 'c8', preemptible => true) \g /dev/null
SELECT is_empty($$SELECT FROM explain_job(pg_temp.id('gives way')) WHERE kind = 'would_start' AND detail = 'public'$$, 'nor to a preemptible one');
SELECT isnt_empty($$SELECT FROM explain_job(pg_temp.id('gives way')) WHERE kind = 'would_start' AND detail = 'other'$$, 'to which a dedicated one is offered');
SELECT cancel_job(pg_temp.id('gives way')) \g /dev/null
SELECT restrict_pool('mixed', '{frozen}') \g /dev/null
SELECT is(pg_temp.said('big'), concat_ws(', ', 'state queued 0 s', 'position 1', 'reason pool_not_running', 'would_start pool other',
          'would_start pool public', 'expected_start'), 'of a pool that starts nothing other pools are offered');

--
-- Who may see it
--
SELECT submit_job('public', 'theirs', request => 'cpu=6', tenant => 'globex', time_limit => '40 s'),
       submit_job('public', 'ours', request => 'cpu=3', tenant => 'acme') \g /dev/null
SELECT pg_temp.pass('public') \g /dev/null
SELECT restrict_pool('other', '{service}') \g /dev/null
SELECT is(pg_temp.said('ours'), concat_ws(', ', 'state queued 0 s', 'position 1', 'reason resources cpu 2 of 3', 'holds cpu 6 theirs 40 s',
          'would_start request cpu=2', 'would_start pool tiny', 'expected_start 40 s'), 'an operator sees whose');
CREATE ROLE explain_acme;
CREATE ROLE explain_viewer;
CREATE ROLE explain_globex;
SELECT grant_tenant('acme', 'explain_acme', 'member'), grant_tenant('acme', 'explain_viewer', 'viewer'),
       grant_tenant('globex', 'explain_globex', 'member') \g /dev/null
SELECT set_config('test.job', pg_temp.id('ours')::text, true) \g /dev/null
SET LOCAL search_path TO pool_manager, public;
SET LOCAL ROLE explain_acme;
SELECT is((SELECT count(*) FROM explain_job(current_setting('test.job')::bigint) WHERE kind = 'holds'), 0::bigint, 'a member does not see jobs of other tenants');
SET LOCAL ROLE explain_viewer;
SELECT is((SELECT count(*) FROM explain_job(current_setting('test.job')::bigint) WHERE kind = 'would_start' AND item = 'pool'), 0::bigint,
          'who may submit nothing is offered no pools');
SET LOCAL ROLE explain_globex;
SELECT throws_ok(format($$ SELECT * FROM explain_job(%s) $$, current_setting('test.job')), '42704', NULL, 'nor is there a job that it may not see');
RESET ROLE;
SELECT throws_ok($$ SELECT * FROM explain_job((SELECT job_id FROM job WHERE name = 'no such job')) $$, '22004', 'argument "job" must not be null', 'no job is no answer');

--
-- A sub-pool is kept where the other pool has it; where that has none at all, it is left out, and the row says so
--
SELECT pg_temp.pool(p, 'c4', 1) FROM unnest('{from,same,shut,whole}'::text[]) AS p \g /dev/null
SELECT create_sub_pool('from', 'vision', 'cpu=2', 'cpu=4'), create_sub_pool('same', 'vision', 'cpu=2', 'cpu=4'),
       create_sub_pool('same', 'speech', 'cpu=2'), create_sub_pool('shut', 'speech', 'cpu=2', 'cpu=4') \g /dev/null
SELECT submit_job('from', 'busy', request => 'cpu=4', sub_pool => 'vision') \g /dev/null
SELECT submit_job('from', 'moves', request => 'cpu=3', sub_pool => 'vision') \g /dev/null
SELECT is((SELECT string_agg(item || ': ' || detail, '; ' ORDER BY detail COLLATE "C") FROM explain_job(pg_temp.id('moves'))
           WHERE kind = 'would_start' AND item ~ 'pool' AND detail IN ('from', 'same', 'shut', 'whole')),
          'pool: same; pool, sub_pool: whole', 'a pool with the sub-pool, and one without any');
-- what is offered starts
SELECT submit_job('same', 'moved', request => 'cpu=3', sub_pool => 'vision'), submit_job('whole', 'let go', request => 'cpu=3') \g /dev/null
SELECT is(pg_temp.state('moved') || ' ' || pg_temp.state('let go'), 'running running', 'what is offered starts');
-- the other sub-pool holds what it is guaranteed: there is no room for three beside it
SELECT cancel_job(pg_temp.id('moved')), submit_job('same', 'speaks', request => 'cpu=2', sub_pool => 'speech') \g /dev/null
SELECT is((SELECT count(*) FROM explain_job(pg_temp.id('moves')) WHERE kind = 'would_start' AND detail = 'same'), 0::bigint, 'nothing is offered that would not start');

--
-- What expected_start() found out does not outlive what it was found out from
--
CREATE FUNCTION pg_temp.twice(job bigint, other bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    seen text[];
BEGIN
    FOR i IN 1 .. 2 LOOP
        seen[i] := extract(epoch FROM expected_start(find_pool('public'), job) - clock())::integer;
        PERFORM cancel_job(other) WHERE i = 1;
    END LOOP;
    RETURN array_to_string(seen, ' ');
END $$;
SELECT is(pg_temp.twice(pg_temp.id('ours'), pg_temp.id('theirs')), '40 0', 'an expression that is evaluated again sees what changed');

SELECT * FROM finish();
ROLLBACK;
