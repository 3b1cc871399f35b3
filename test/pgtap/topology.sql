-- Topology: affinity to a domain, groups, spread, and the levels and domains
-- that they are about. Worlds and results of the first cases are from the
-- public tests of other schedulers; all others are worked out in the comments.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-01 09:00:00+00';
SELECT plan(83);

SELECT create_tenant('acme', 'USD', 'UTC');
SELECT create_sku('x', 'x');
SELECT create_flavor('n' || c, ('cpu=' || c)::resource_list, 'x') FROM unnest('{1,2,4,32}'::integer[]) AS c;
SELECT create_network('net', '10.0.0.0/16', 'acme');

-- A pool with these levels; nodes are 'name cpu domain domain ...'
CREATE FUNCTION pg_temp.world(pool text, levels text[], variadic nodes text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    id bigint := create_pool(pool, 'dedicated', 'acme', 'net', queue_policy => 'traversal');
    node text[];
BEGIN
    PERFORM set_topology_levels(id, levels);
    FOR i IN 1 .. cardinality(nodes) LOOP
        node := string_to_array(nodes[i], ' ');
        PERFORM add_nodes(id, 'n' || node[2], name_prefix => node[1],
                          topology => jsonb_object(levels[1 : cardinality(node) - 2], node[3 :]));
    END LOOP;
    RETURN id;
END $$;
-- Where the replicas of a job are, nodes in order of creation
CREATE FUNCTION pg_temp.placed(named text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(regexp_replace(n.name, '-[0-9]+$', '') || CASE WHEN a.replicas > 1 THEN ' x' || a.replicas ELSE '' END,
                      ', ' ORDER BY a.group_no, n.node_id)
    FROM job j JOIN job_run r USING (pool_id, job_id) JOIN allocation a USING (pool_id, run_id) JOIN node n USING (pool_id, node_id)
    WHERE j.name = named AND r.ended_at IS NULL
$$;
CREATE FUNCTION pg_temp.waits(named text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', s.reason, s.level, s.available || ' of ' || s.needed, s.resource)
    FROM job j JOIN job_queue q USING (pool_id, job_id) JOIN job_shape s ON s.pool_id = j.pool_id AND s.shape_id = j.shape_id
    WHERE j.name = named
$$;

--
-- Cases of other schedulers
--
SELECT pg_temp.world('topo1', '{block,rack}', 'x3 1 b1 r1', 'x5 1 b1 r2', 'x1 1 b1 r2', 'x6 1 b1 r2', 'x2 1 b2 r1', 'x4 2 b2 r2');
SELECT submit_job('topo1', 'topo-001', request => 'cpu=1', replicas => 3, affinity_level => 'rack');
SELECT schedule('topo1');
SELECT is(pg_temp.placed('topo-001'), 'x5, x1, x6', 'topo-001: only one rack has room for 3');

SELECT pg_temp.world('topo5', '{block,rack}', 'x3 1 b1 r1', 'x5 1 b1 r2', 'x1 1 b1 r2', 'x6 1 b1 r2', 'x2 1 b2 r1', 'x4 2 b2 r2');
SELECT submit_job('topo5', 'topo-005', request => 'cpu=1', replicas => 2, affinity_level => 'rack');
SELECT schedule('topo5');
SELECT is(pg_temp.placed('topo-005'), 'x4 x2', 'topo-005: the tightest rack is taken');

SELECT pg_temp.world('topo10', '{block,rack}', 'x3 2 b1 r1', 'x5 2 b1 r2', 'x1 1 b1 r3', 'x2 1 b1 r3', 'x4 1 b1 r3', 'x6 1 b1 r3');
SELECT submit_job('topo10', 'topo-010', request => 'cpu=1', replicas => 4, affinity_level => 'block');
SELECT schedule('topo10');
SELECT is(pg_temp.placed('topo-010'), 'x1, x2, x4, x6', 'topo-010: within the block the fewest racks');

SELECT pg_temp.world('topo12', '{block,rack}', 'x3 1 b1 r1', 'x5 1 b1 r1', 'x1 1 b1 r2', 'x6 1 b1 r2', 'x2 1 b1 r2', 'x4 1 b2 r1', 'x7 1 b2 r1');
SELECT submit_job('topo12', 'topo-012', request => 'cpu=1', replicas => 6, affinity_level => 'block', group_level => 'rack', group_size => 2);
SELECT schedule('topo12');
SELECT is(pg_temp.placed('topo-012'), NULL, 'topo-012: three groups of 2 do not fit in one block');
SELECT is(pg_temp.waits('topo-012'), 'topology block 4 of 6 replicas', 'topo-012: block b1 has room for 5, but for two groups');
SELECT results_eq($$SELECT reason, lacking FROM queue WHERE job = 'topo-012'$$, $$VALUES ('topology', '4 of 6 replicas')$$,
                  'the queue says so too');

SELECT pg_temp.world('topo13', '{foo}', 'n1 32 foov1', 'n2 32 foov2');
SELECT submit_job('topo13', 'topo-013', request => 'cpu=16', replicas => 3, affinity_level => 'foo');
SELECT schedule('topo13');
SELECT is(pg_temp.waits('topo-013'), 'topology foo 2 of 3 replicas', 'topo-013: each domain has room for 2');

--
-- Affinity
--
SELECT pg_temp.world('zones', '{zone,rack}', 'a1 1 a r1', 'b1 1 b r1', 'a2 1 a r2', 'c 4');
-- rack r1 of zone a is not rack r1 of zone b, and node c is in no rack
SELECT submit_job('zones', 'one-rack', request => 'cpu=1', replicas => 2, affinity_level => 'rack');
SELECT schedule('zones');
SELECT is(pg_temp.waits('one-rack'), 'topology rack 1 of 2 replicas', 'a rack is known by its whole path, no rack is no domain');
SELECT submit_job('zones', 'one-zone', request => 'cpu=1', replicas => 2, affinity_level => 'zone');
SELECT schedule('zones');
SELECT is(pg_temp.placed('one-zone'), 'a1, a2', 'the zone that holds both');
SELECT submit_job('zones', 'more', request => 'cpu=1', replicas => 9, affinity_level => 'zone');
SELECT schedule('zones');
SELECT is(pg_temp.waits('more'), 'exceeds_max pool 7 of 9 replicas', 'more than the pool has is no matter of topology');
SELECT submit_job('zones', 'six', request => 'cpu=1', replicas => 6, affinity_level => 'zone');
SELECT schedule('zones');
SELECT is(pg_temp.waits('six'), 'resources pool 5 of 6 cpu', 'nor is more than is free');
SELECT finish_job(job_id) FROM job WHERE name = 'one-zone';
SELECT submit_job('zones', 'near', request => 'cpu=1', replicas => 2, affinity_level => 'rack', affinity_required => false);
SELECT schedule('zones');
SELECT is(pg_temp.placed('near'), 'a1, a2', 'preferred: no rack holds both, a zone does');
SELECT submit_job('zones', 'wide', request => 'cpu=1', replicas => 5, affinity_level => 'rack', affinity_required => false);
SELECT schedule('zones');
SELECT is(pg_temp.placed('wide'), 'b1, c x4', 'preferred: no zone does, so it is several domains');
SELECT finish_job(job_id) FROM job WHERE name IN ('near', 'wide');

SELECT pg_temp.world('elastic', '{rack}', 'p 2 r1', 'q 1 r1', 'r 4 r2', 's 1 r3');
SELECT submit_job('elastic', 'most', request => 'cpu=1', replicas => 6, min_replicas => 2, affinity_level => 'rack');
SELECT schedule('elastic');
SELECT is(pg_temp.placed('most'), 'r x4', 'with min_replicas the most that fit in a rack');
SELECT submit_job('elastic', 'rest', request => 'cpu=1', replicas => 6, min_replicas => 2, affinity_level => 'rack');
SELECT schedule('elastic');
SELECT is(pg_temp.placed('rest'), 'p x2, q', 'then the most in another');
SELECT submit_job('elastic', 'last', request => 'cpu=1', replicas => 2, affinity_level => 'node');
SELECT schedule('elastic');
SELECT is(pg_temp.waits('last'), 'resources pool 1 of 2 cpu', 'level node is there without being declared');

--
-- Groups
--
SELECT pg_temp.world('groups', '{block,rack}', 'x3 1 b1 r1', 'x5 1 b1 r1', 'x1 1 b1 r2', 'x6 1 b1 r2', 'x2 1 b1 r2', 'x4 1 b2 r1', 'x7 1 b2 r1');
-- three racks hold one group each: r1 and r2 of b1, r1 of b2
SELECT submit_job('groups', 'three', request => 'cpu=1', replicas => 6, affinity_level => 'rack', group_size => 2);
SELECT schedule('groups');
SELECT is(pg_temp.placed('three'), 'x3, x5, x1, x6, x4, x7', 'groups at the affinity level, the job anywhere');
SELECT results_eq($$SELECT s.affinity_level, g.group_level, g.group_size FROM job JOIN job_shape s USING (pool_id, shape_id)
                           JOIN task_group g USING (pool_id, shape_id) WHERE job.name = 'three'$$,
                  $$VALUES (NULL::text, 'rack', 2)$$, 'which is noted as the level of groups');
SELECT finish_job(job_id) FROM job WHERE job.name = 'three';
-- one block: b1 holds two groups
SELECT submit_job('groups', 'two', request => 'cpu=1', replicas => 4, affinity_level => 'block', group_level => 'rack', group_size => 2);
SELECT schedule('groups');
SELECT is(pg_temp.placed('two'), 'x3, x5, x1, x6', 'groups within the domain of the job');
-- x2 alone in its rack, x4 and x7: one group
SELECT submit_job('groups', 'some', request => 'cpu=1', replicas => 4, min_replicas => 2, affinity_level => 'rack', group_size => 2);
SELECT schedule('groups');
SELECT is(pg_temp.placed('some'), 'x4, x7', 'fewer replicas are fewer groups');

--
-- Spread
--
SELECT pg_temp.world('spread', '{zone}', 'a1 2 a', 'a2 2 a', 'b1 4 b', 'c1 1 c');
-- in turns a b c a b a b: c has room for one
SELECT submit_job('spread', 'even', request => 'cpu=1', replicas => 7, spread_level => 'zone');
SELECT schedule('spread');
SELECT is(pg_temp.placed('even'), 'a1 x2, a2, b1 x3, c1', 'in turns over the zones that have room');
SELECT finish_job(job_id) FROM job WHERE name = 'even';
SELECT submit_job('spread', 'few', request => 'cpu=1', replicas => 6, spread_level => 'zone', max_per_domain => 2);
SELECT schedule('spread');
SELECT is(pg_temp.waits('few'), 'topology zone 5 of 6 replicas', 'at most two in a zone: 2 + 2 + 1');
SELECT submit_job('spread', 'apart', request => 'cpu=1', replicas => 4, spread_level => 'node', max_per_domain => 1);
SELECT schedule('spread');
SELECT is(pg_temp.placed('apart'), 'a1, a2, b1, c1', 'no two on a node');
SELECT submit_job('spread', 'apart5', request => 'cpu=1', replicas => 4, spread_level => 'node', max_per_domain => 1);
SELECT schedule('spread');
-- 1 + 1 + 3 are free, on three nodes
SELECT is(pg_temp.waits('apart5'), 'topology node 3 of 4 replicas', 'a node each, and three nodes with room');
SELECT cancel_job(job_id) FROM job WHERE name IN ('few', 'apart', 'apart5');
-- two zones hold a group of 2 twice; a turn is a group
SELECT submit_job('spread', 'pairs', request => 'cpu=1', replicas => 4, group_level => 'node', group_size => 2, spread_level => 'zone');
SELECT schedule('spread');
SELECT is(pg_temp.placed('pairs'), 'a1 x2, b1 x2', 'groups are spread as a whole');
SELECT cancel_job(job_id) FROM job WHERE name = 'pairs';
-- in one zone, one replica a node: a has two nodes
SELECT submit_job('spread', 'both', request => 'cpu=1', replicas => 2, affinity_level => 'zone', spread_level => 'node', max_per_domain => 1);
SELECT schedule('spread');
SELECT is(pg_temp.placed('both'), 'a1, a2', 'affinity above, spread below');
SELECT cancel_job(job_id) FROM job WHERE name = 'both';

--
-- Several task groups
--
SELECT pg_temp.world('roles', '{rack}', 'p 4 r1', 'q 2 r1', 'r 4 r2', 's 4 r2');
-- a leader of 2 and 2 workers of 3: r1 has room for one worker, or for the
-- leader on q and one worker; r2 for one worker a node, and no leader then
SELECT submit_job('roles', 'team', task_groups => '[{"request": "cpu=2"}, {"request": "cpu=3", "replicas": 2}]', affinity_level => 'rack');
SELECT schedule('roles');
SELECT is(pg_temp.waits('team'), 'topology rack 2 of 3 replicas', 'all task groups in one rack');
-- a leader of 1 beside a worker: r2, for r1 has one worker only
SELECT submit_job('roles', 'team1', task_groups => '[{"request": "cpu=1"}, {"request": "cpu=3", "replicas": 2}]', affinity_level => 'rack');
SELECT schedule('roles');
SELECT is(pg_temp.placed('team1'), 'r, r, s', 'the rack that holds them all');
SELECT cancel_job(job_id) FROM job WHERE name LIKE 'team%';
SELECT submit_job('roles', 'mixed', task_groups => '[{"request": "cpu=1", "replicas": 2, "spread_level": "rack", "max_per_domain": 1},
    {"request": "cpu=2", "replicas": 2, "group_level": "node", "group_size": 2}]');
SELECT schedule('roles');
-- the group of two takes a whole node of 4: p, the first of those in r1, the
-- tighter rack; then one replica in each rack: q, r
SELECT is(pg_temp.placed('mixed'), 'q, r, p x2', 'each task group with a rule of its own');
SELECT throws_ok($$SELECT submit_job('roles', 'x', task_groups => '[{"request": "cpu=1", "replicas": 3, "group_level": "rack", "group_size": 2}]')$$,
                 '22023', 'invalid value for argument "task_groups"', 'groups of a task group are whole');
SELECT throws_ok($$SELECT submit_job('roles', 'x', group_size => 2, task_groups => '[{"request": "cpu=1"}]')$$,
                 '22023', 'invalid value for argument "task_groups"', 'rules of one task group are not given twice');

--
-- With other queue policies
--
SELECT pg_temp.world('resv', '{rack}', 'p 2 r1', 'q 2 r1', 'r 4 r2');
SELECT set_pool('resv', queue_policy => 'reserve');
SELECT submit_job('resv', 'r1', request => 'cpu=1'), submit_job('resv', 'r2', request => 'cpu=3'),
       submit_job('resv', 'four', request => 'cpu=1', replicas => 4, affinity_level => 'rack'),
       submit_job('resv', 's1', request => 'cpu=1'), submit_job('resv', 's2', request => 'cpu=1');
SELECT schedule('resv');
-- p has room for 1, q for 2, r for 1; both racks would hold four, r1 has room for most of them
SELECT is(array(SELECT pg_temp.placed(j) FROM unnest('{r1,r2,four,s1}'::text[]) AS j), '{p,r,NULL,r}', 'reserve withholds in one domain');
SELECT is(pg_temp.waits('four'), 'resources pool 3 of 4 cpu', 'three are withheld there, and no more are free now');
SELECT is(pg_temp.waits('s2'), 'reserved pool 0 of 1 cpu', 'another for what is withheld there');

SELECT pg_temp.world('fill', '{rack}', 'p 2 r1', 'q 2 r2');
SELECT set_pool('fill', queue_policy => 'backfill');
SELECT submit_job('fill', 'both racks', request => 'cpu=1', replicas => 2, spread_level => 'rack', time_limit => '2 hours'),
       submit_job('fill', 'pair', request => 'cpu=1', replicas => 2, affinity_level => 'rack', time_limit => '2 hours'),
       submit_job('fill', 'long', request => 'cpu=1', time_limit => '3 hours'),
       submit_job('fill', 'long2', request => 'cpu=1', time_limit => '3 hours'),
       submit_job('fill', 'short', request => 'cpu=1', time_limit => '1 hour');
SELECT schedule('fill');
-- pair is given rack r1 in two hours: until then p is free for who ends by then, q for anybody
SELECT is(array(SELECT pg_temp.placed(j) FROM unnest('{both racks,pair,long,long2,short}'::text[]) AS j),
          ARRAY['p, q', NULL, 'q', NULL, 'p'], 'backfill reserves in one domain');

--
-- In bulk, in phases, again
--
SELECT count(*) FROM submit_jobs('elastic', $$SELECT 'bulk' AS name, 'cpu=1'::resource_list AS request, 'rack' AS affinity_level,
    false AS affinity_required, 1 AS group_size, 'node' AS group_level, 2 AS max_per_domain, 'node' AS spread_level$$);
SELECT results_eq($$SELECT s.affinity_level, s.affinity_required, g.group_level, g.group_size, g.spread_level, g.max_per_domain
                    FROM job JOIN job_shape s USING (pool_id, shape_id) JOIN task_group g USING (pool_id, shape_id) WHERE job.name = 'bulk'$$,
                  $$VALUES ('rack', false, 'node', 1, 'node', 2)$$, 'columns of submit_jobs');
SELECT count(*) FROM submit_workflow('elastic', 'flow', '[{"request": "cpu=1", "affinity_level": "rack", "affinity_required": false,
    "spread_level": "node", "max_per_domain": 3, "group_level": "node", "group_size": 1}]');
SELECT results_eq($$SELECT s.affinity_level, s.affinity_required, g.group_level, g.group_size, g.spread_level, g.max_per_domain
                    FROM job JOIN job_shape s USING (pool_id, shape_id) JOIN task_group g USING (pool_id, shape_id) WHERE job.name = 'flow.1'$$,
                  $$VALUES ('rack', false, 'node', 1, 'node', 3)$$, 'keys of phases');
SELECT submit_job('elastic', 'again', request => 'cpu=1', affinity_level => 'rack', request_id => 'k') AS once \gset
SELECT is(submit_job('elastic', 'again', request => 'cpu=1', affinity_level => 'rack', request_id => 'k'), :once::bigint, 'repeated');
SELECT throws_ok(format($$SELECT submit_job('elastic', 'again', request => 'cpu=1', request_id => 'k', %s)$$, a),
                 'PM004', NULL, a || ' is another request')
FROM unnest(ARRAY['affinity_level => NULL', 'affinity_level => ''node''', 'affinity_level => ''rack'', affinity_required => false',
                  'affinity_level => ''rack'', group_level => ''node'', group_size => 1', 'affinity_level => ''rack'', spread_level => ''node''',
                  'affinity_level => ''rack'', spread_level => ''node'', max_per_domain => 1']) AS a;
SELECT isnt((SELECT shape_id FROM job WHERE name = 'again'),
            (SELECT shape_id FROM job WHERE job_id = submit_job('elastic', 'plain', request => 'cpu=1')), 'rules are part of the shape');

--
-- Refused
--
SELECT throws_ok($$SELECT submit_job('zones', 'x', request => 'cpu=1', affinity_level => 'supernode')$$,
                 '42704', 'pool "zones" has no topology level "supernode"', 'an unknown affinity level');
SELECT throws_ok($$SELECT submit_job('zones', 'x', request => 'cpu=1', group_level => 'supernode', group_size => 1)$$,
                 '42704', 'pool "zones" has no topology level "supernode"', 'an unknown level of groups');
SELECT throws_ok($$SELECT submit_job('zones', 'x', request => 'cpu=1', spread_level => 'supernode')$$,
                 '42704', 'pool "zones" has no topology level "supernode"', 'an unknown spread level');
SELECT throws_ok(format($$SELECT submit_job('zones', 'x', request => 'cpu=1', %s)$$, a), '22023',
                 format('invalid value for argument "%s"', named), a)
FROM (VALUES ('replicas => 3, affinity_level => ''rack'', group_size => 2', 'replicas'),
             ('replicas => 4, min_replicas => 3, affinity_level => ''rack'', group_size => 2', 'min_replicas'),
             ('group_size => 2, replicas => 2', 'group_size'),
             ('group_size => -1, affinity_level => ''rack''', 'group_size'),
             ('group_level => ''rack''', 'group_level'),
             ('max_per_domain => 1', 'max_per_domain'),
             ('max_per_domain => -1, spread_level => ''rack''', 'max_per_domain'),
             ('affinity_level => ''rack'', affinity_required => false, group_size => 1', 'affinity_required'),
             ('affinity_level => ''rack'', group_level => ''zone'', group_size => 1', 'group_level'),
             ('affinity_level => ''rack'', spread_level => ''rack''', 'spread_level')) AS v (a, named);
SELECT throws_ok($$SELECT submit_job('zones', 'x', request => 'cpu=1', affinity_required => NULL)$$, '22004', NULL, 'required or not');
SELECT submit_job('spread', 'service', 'inference', request => 'cpu=1', replicas => 2, min_replicas => 1, spread_level => 'zone') AS service \gset
SELECT throws_ok(format('SELECT scale_job(%s, 1)', :service), 'PM003', NULL, 'a service with rules is not scaled');

--
-- Levels and domains
--
SELECT throws_ok(format($$SELECT set_topology_levels('zones', %L)$$, l), '22023', 'invalid value for argument "levels"', l || ' are no levels')
FROM unnest('{"{zone,zone}","{node}","{pool}","{\"\"}","{NULL}","{a,b,c,d,e,f,g,h,i}","{{a,b}}"}'::text[]) AS l;
SELECT throws_ok($$UPDATE pool SET topology_levels = '{zone,zone}'$$, '23514', NULL, 'the table refuses them as well');
SELECT throws_ok($$SELECT set_topology_levels('zones', '{zone}')$$, '42704', 'pool "zones" has no topology level "rack"',
                 'a level at which nodes have domains stays');
SELECT throws_ok($$SELECT set_topology_levels('zones', '{rack,zone,row}')$$, 'PM002', 'topology level "rack" is in use', 'so does the order of those that jobs name');
SELECT throws_ok($$SELECT set_topology_levels('zones', '{region,zone,rack}')$$, '22023', 'invalid value for argument "topology"',
                 'none comes above domains that would have no path then');
SELECT lives_ok($$SELECT set_topology_levels('zones', '{zone,rack,shelf}')$$, 'one may come below');
SELECT throws_ok($$SELECT add_nodes('zones', 'n1', topology => '{"row": "1"}')$$, '42704', 'pool "zones" has no topology level "row"', 'an unknown level');
SELECT throws_ok($$SELECT add_nodes('zones', 'n1', topology => '{"rack": "1"}')$$, '22023', 'invalid value for argument "topology"', 'no whole path');
SELECT throws_ok($$SELECT add_nodes('zones', 'n1', topology => '{"zone": ""}')$$, '22023', 'invalid value for argument "topology"', 'no name');
SELECT throws_ok($$SELECT add_nodes('zones', 'n1', topology => '[]')$$, '22023', 'invalid value for argument "topology"', 'no object');
SELECT throws_ok($$UPDATE node SET topology = '{"zone": 1}'$$, '23514', NULL, 'the table refuses what is no name');

-- one-rack waits for two nodes in one rack
SELECT set_node_topology('zones', ARRAY(SELECT name FROM node WHERE name LIKE 'a2-%' AND pool_id = find_pool('zones')), '{"zone": "a", "rack": "r1"}');
SELECT schedule('zones');
SELECT is(pg_temp.placed('one-rack'), 'a1, a2', 'a node that is elsewhere now counts there');
SELECT results_eq($$SELECT topology FROM node_detail WHERE pool = 'zones' AND node LIKE 'a2-%'$$, $$VALUES ('{"zone": "a", "rack": "r1"}'::jsonb)$$, 'node_detail shows it');
SELECT ok(EXISTS (SELECT FROM event WHERE kind = 'node_changed' AND reason = 'topology'), 'and an event');
SELECT replace_nodes(ARRAY(SELECT node_id FROM node WHERE name LIKE 'b1-%' AND pool_id = find_pool('zones')));
SELECT results_eq($$SELECT topology FROM node_detail WHERE pool = 'zones' AND node LIKE 'b1-%'$$,
                  $$VALUES ('{"zone": "b", "rack": "r1"}'::jsonb)$$, 'a replacement is where its node was');

-- What-if leaves nothing
SAVEPOINT before;
SELECT set_node_topology('topo13', ARRAY(SELECT name::text FROM node WHERE pool_id = find_pool('topo13')), '{"foo": "v"}');
SELECT schedule('topo13');
SELECT is(pg_temp.placed('topo-013'), 'n1 x2, n2', 'in one domain it would start');
ROLLBACK TO before;
SELECT is(pg_temp.waits('topo-013'), 'topology foo 2 of 3 replicas', 'and does not');

SELECT * FROM finish();
ROLLBACK;
