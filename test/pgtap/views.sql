-- What the views show: jobs in every state, nodes in every condition, pools
-- with their counts, what is billed; nothing of what is deleted.  States that
-- other suites bring about by calls are written into the tables here.
BEGIN;
SELECT plan(48);
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';

-- one line of a query: its columns, blanks between; rows by ' | '
CREATE FUNCTION pg_temp.said(query text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SELECT string_agg((SELECT string_agg(coalesce(v, ''-''), '' '' ORDER BY n)
        FROM json_each_text(row_to_json(q)) WITH ORDINALITY AS c(k, v, n)), '' | '') FROM (%s) AS q', query) INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;
-- how wide psql prints it
CREATE FUNCTION pg_temp.width(view text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    result bigint;
BEGIN
    EXECUTE (SELECT format('SELECT %s + %s FROM %I', string_agg(format('greatest(max(length(%I::text)), %s)', attname, length(attname)), ' + '),
                           3 * count(*) - 1, view)
             FROM pg_attribute WHERE attrelid = view::regclass AND attnum > 0) INTO result;
    RETURN result;
END $$;
CREATE FUNCTION public.views_set_state(pool bigint, node bigint, to_state node_state) RETURNS void
LANGUAGE pool_manager AS $$
BEGIN
    PERFORM set_node_states(pool, ARRAY[node], to_state, lock_pool(pool));
END $$;
CREATE FUNCTION public.views_interrupt(pool bigint, run bigint) RETURNS void
LANGUAGE pool_manager AS $$
BEGIN
    PERFORM interrupt_runs(pool, ARRAY[run], 'a fault', lock_pool(pool), true);
END $$;

-- ---- how long it waits ----

-- Queued on 2024-07-11 12:15:20 and 2024-09-25 09:02:27, looked at on
-- 2024-10-17 13:53:03: epochs 1720700120, 1727254947 and 1729173183
SET pool_manager.clock = '2024-07-01 00:00:00+00';
CREATE ROLE views_app;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'UTC') AS beta \gset
SELECT grant_tenant('beta', 'views_app', 'owner');
SELECT create_sku('node', 'node'), create_sku('gib', 'GiB'), create_sku('mbit', 'Mbit/s'), create_sku('core', 'core');
SELECT create_flavor('small', 'cpu=4', 'node');
SELECT set_resource_sku('small', 'cpu=1', 'core');
SELECT create_network('net', '10.0.0.0/24', 'acme') AS net, create_network('other', '10.0.0.0/24', 'beta') \gset
SELECT create_pool('old', 'dedicated', 'acme', 'net') AS old \gset
SELECT add_nodes('old', 'small');
SET pool_manager.clock = '2024-07-11 12:15:20+00';
SELECT submit_job('old', 'first', request => 'cpu=4', replicas => 2);
SET pool_manager.clock = '2024-09-25 09:02:27.75+00';
SELECT submit_job('old', 'second', request => 'cpu=4', replicas => 2);
SET pool_manager.clock = '2024-10-17 13:53:03.5+00';
SELECT is(pg_temp.said($$SELECT job, pending_position, pending_seconds, running_seconds FROM pool_jobs WHERE pool = 'old' ORDER BY job_id$$),
    'first 1 8473063 - | second 2 1918235 -', 'whole seconds since submission; a part of one is none');
SET pool_manager.clock = '2024-10-17 13:53:03.75+00';
SELECT is((SELECT pending_seconds FROM pool_jobs WHERE job = 'second'), 1918236::bigint, 'the second begins when it is full');

-- ---- jobs ----

SET pool_manager.clock = '2026-03-02 09:00:00+00';
SELECT create_pool('own', 'dedicated', 'acme', 'net') AS own, create_pool('open', 'public') AS open \gset
SELECT count(*) FROM add_nodes('own', 'small', 3, 'n');
SELECT count(*) FROM add_nodes('open', 'small', 1, 'o');
SELECT min(node_id) AS n1, min(node_id) + 1 AS n2, max(node_id) AS n3 FROM node WHERE pool_id = :own \gset
-- gang takes two nodes; done and again the third
SELECT submit_job('own', 'gang', request => 'cpu=3', replicas => 2) AS gang,
       submit_job('own', 'done', request => 'cpu=2') AS done, submit_job('own', 'again', request => 'cpu=2') AS again,
       submit_job('own', 'wide', flavor => 'small', replicas => 4) AS wide,
       submit_job('own', 'behind', request => 'cpu=1', kind => 'inference') AS behind,
       submit_job('own', 'urgent', request => 'cpu=4', replicas => 3, priority => 2) AS urgent,
       submit_job('own', 'held', request => 'cpu=1') AS held,
       submit_job('own', 'phase', request => 'cpu=1', kind => 'workflow') AS phase,
       submit_job('own', 'rests', request => 'cpu=1', kind => 'notebook') AS rests,
       submit_job('own', 'gone', request => 'cpu=1') AS gone \gset
SELECT hold_job(:held), hold_job(:urgent), hold_job(:wide), hold_job(:behind), hold_job(:phase), hold_job(:rests);
SELECT cancel_job(:gone);
SELECT count(*) FROM schedule('own');
SET pool_manager.clock = '2026-03-02 09:10:00+00';
SELECT release_job(:wide), release_job(:behind), release_job(:urgent), release_job(:phase), release_job(:rests);
-- a phase that waits, a notebook at rest
UPDATE job_queue SET state = 'waiting' WHERE job_id = :phase;
INSERT INTO job_dependency SELECT pool_id, job_id, 1::smallint, :gang, 'afterok', tenant_id FROM job WHERE job_id = :phase;
UPDATE job_queue SET state = 'stopped' WHERE job_id = :rests;
SET pool_manager.clock = '2026-03-02 09:30:00+00';
SELECT finish_job(:done, exit_code => 0);
-- a fault, and a retry
SET pool_manager.clock = '2026-03-02 09:40:00+00';
SET LOCAL session_replication_role = replica;
UPDATE job SET max_retries = 3 WHERE job_id = :again;
SET LOCAL session_replication_role = origin;
SELECT public.views_interrupt(:own, run_id) FROM job_run WHERE job_id = :again;
SET pool_manager.clock = '2026-03-02 10:00:00+00';
-- the head of priority 2 lacks resources, the others are behind it
SELECT count(*) FROM schedule('own');

SELECT is(pg_temp.said($$SELECT job, kind, state, priority, pending_position, pending_seconds, running_seconds, nodes, request
                         FROM pool_jobs WHERE pool = 'own' ORDER BY job_id$$),
    format('gang training running 1 - - 3600 n-%s, n-%s 2 x cpu=3 | again training queued 1 2 3600 - - 1 x cpu=2 | ', :n1, :n2) ||
    'wide training queued 1 3 3600 - - 4 x small | behind inference queued 1 4 3600 - - 1 x cpu=1 | ' ||
    'urgent training queued 2 1 3600 - - 3 x cpu=4 | held training held 1 - 3600 - - 1 x cpu=1 | ' ||
    'phase workflow waiting 1 - 3600 - - 1 x cpu=1 | rests notebook stopped 1 - - - - 1 x cpu=1',
    'pool_jobs: all that has not ended');
SELECT is(pg_temp.said($$SELECT "position", job, waiting, reason, lacking FROM queue WHERE pool = 'own'$$),
    '1 urgent 01:00:00 resources 6 of 12 cpu | 2 again 01:00:00 behind_head - | 3 wide 01:00:00 behind_head - | ' ||
    '4 behind 01:00:00 behind_head - | - held 01:00:00 held - | - phase 01:00:00 dependency afterok:' || :gang,
    'queue: what waits; what rests does not');
SELECT is(pg_temp.said($$SELECT job, state, waited, ran, exit_code FROM job_status WHERE pool = 'own' ORDER BY job_id$$),
    'gang running 00:00:00 01:00:00 - | done completed 00:00:00 00:30:00 0 | again queued 00:00:00 00:40:00 - | ' ||
    'wide queued 01:00:00 - - | behind queued 01:00:00 - - | urgent queued 01:00:00 - - | held held 01:00:00 - - | ' ||
    'phase waiting 01:00:00 - - | rests stopped 01:00:00 - - | gone cancelled 00:00:00 - -',
    'job_status: present states, whatever the last run ended as');
SELECT is(pg_temp.said($$SELECT job, kind, state, ended_at::time, waited, ran, runs FROM job_history WHERE pool = 'own' ORDER BY ended_at$$),
    'gone training cancelled 09:00:00 00:00:00 - 0 | done training completed 09:30:00 00:00:00 00:30:00 1', 'job_history: what has ended');
SELECT is(pg_temp.said($$SELECT * FROM workload_statistics('own')$$),
    'training held 1 | training queued 3 | training running 1 | training completed 1 | training cancelled 1 | ' ||
    'inference queued 1 | notebook stopped 1 | workflow waiting 1', 'workload_statistics: by kind and state');
SELECT is(pg_temp.said($$SELECT kind, state, jobs FROM workload_statistics('own', '2026-03-02 09:10:00+00') WHERE state IN ('completed', 'cancelled')$$),
    'training completed 1', 'of those that have ended, since an instant');
SELECT is(pg_temp.said($$SELECT * FROM workload_statistics('none')$$), '42704 pool "none" does not exist', 'no such pool');
SELECT is(pg_temp.said($$SELECT p.name, sum(w.jobs) AS jobs FROM pool p, workload_statistics(p.pool_id) w GROUP BY 1 ORDER BY 1$$),
    'old 2 | own 10', 'all pools at once');

-- reasons with other numbers
UPDATE job_shape s SET reason = 'quota', level = 'pool', resource = 'cpu', needed = 9, available = -1
FROM job_queue q WHERE q.job_id = :urgent AND s.pool_id = q.pool_id AND s.shape_id = q.shape_id;
SELECT is((SELECT reason || ' ' || lacking FROM queue WHERE job_id = :urgent), 'quota -1 of 9 cpu', 'more than its quota is held');
UPDATE job_shape s SET reason = 'no_address', level = NULL, resource = 'addresses', needed = 2, available = 0
FROM job_queue q WHERE q.job_id = :urgent AND s.pool_id = q.pool_id AND s.shape_id = q.shape_id;
SELECT is((SELECT reason || ' ' || lacking FROM queue WHERE job_id = :urgent), 'no_address 0 of 2 addresses', 'too few addresses');
UPDATE job_shape s SET reason = 'bandwidth', level = 'pool', resource = 'bandwidth', needed = 1.5, available = 0.5
FROM job_queue q WHERE q.job_id = :urgent AND s.pool_id = q.pool_id AND s.shape_id = q.shape_id;
SELECT is((SELECT reason || ' ' || lacking FROM queue WHERE job_id = :urgent), 'bandwidth 0.5 of 1.5 bandwidth', 'too little bandwidth');
UPDATE tenant SET state = 'frozen' WHERE name = 'acme';
SELECT is(pg_temp.said($$SELECT job, reason, lacking FROM queue WHERE pool = 'own'$$),
    'urgent tenant_frozen - | again tenant_frozen - | wide tenant_frozen - | behind tenant_frozen - | held held - | phase dependency afterok:' || :gang,
    'a frozen tenant''s jobs');
UPDATE tenant SET state = 'active' WHERE name = 'acme';
UPDATE pool SET restrictions = '{frozen}' WHERE name = 'own';
SELECT is(pg_temp.said($$SELECT job, reason, lacking FROM queue WHERE pool = 'own' AND "position" = 1$$), 'urgent pool_not_running -', 'a frozen pool''s');
UPDATE pool SET restrictions = '{}' WHERE name = 'own';

-- each pool is ordered once
SET LOCAL track_functions TO 'all';
SELECT coalesce(sum(calls), 0) AS before FROM pg_stat_xact_user_functions WHERE funcname = 'queue_order' \gset
SELECT count(*) FROM pool_jobs WHERE pool = 'own';
SELECT is((SELECT sum(calls) - :before FROM pg_stat_xact_user_functions WHERE funcname = 'queue_order'), 1::numeric, 'pool_jobs of one pool orders one');
SELECT count(*) FROM pool_jobs;
SELECT is((SELECT sum(calls) - :before FROM pg_stat_xact_user_functions WHERE funcname = 'queue_order'), 4::numeric, 'of all, each once');

-- ---- nodes ----

SELECT is(pg_temp.said(format('SELECT node_id - %s AS n, state, marks, runs, busy, allocated::text FROM node_status WHERE pool = %L ORDER BY node_id', :n1, 'own')),
    '0 available - 1 75.0 cpu=3 | 1 available - 1 75.0 cpu=3 | 2 available - 0 0.0 ', 'node_status: what is on them');
UPDATE node SET schedulable = false WHERE node_id = :n2;
UPDATE node SET spare = true, delete_lock = true WHERE node_id = :n3;
SELECT is(pg_temp.said($$SELECT state, marks FROM node_status WHERE pool = 'own' ORDER BY node_id$$), 'available - | cordoned - | spare locked', 'cordoned, spare, locked');
SELECT public.views_set_state(:own, :n3, 'abnormal');
UPDATE node SET fault_code = 'NODE_DOWN' WHERE node_id = :n3;
INSERT INTO node_task (pool_id, task_id, node_id, tenant_id, kind, state, requested_at, requested_by, waiting_at)
VALUES (:own, 1000, :n2, :acme, 'drain', 'waiting', clock(), 'me', clock());
UPDATE node SET isolated_by = 1000 WHERE node_id = :n2;
SELECT is(pg_temp.said($$SELECT state, marks FROM node_status WHERE pool = 'own' ORDER BY node_id$$),
    'available - | draining - | abnormal NODE_DOWN locked', 'draining, abnormal with its fault');
SELECT is(
    (SELECT string_agg(node_condition('available', k, true, false), ' ' ORDER BY k) FROM unnest(enum_range(NULL::task_kind)) AS k),
    'draining rebooting resetting repairing replacing upgrading migrating deleting', 'a word for every task');
SELECT is((SELECT string_agg(node_condition(s, 'drain', true, false), ' ' ORDER BY s) FROM unnest(enum_range(NULL::node_state)) AS s),
    'creating checking draining abnormal deleting', 'which counts for available nodes');
SELECT is(pg_temp.said($$SELECT flavor, cpu_architecture, state, state_since::time, schedulable, spare, delete_lock, fault_code, fault, task, task_state,
                         resources::text, allocatable::text, allocated::text, free::text FROM node_detail WHERE pool = 'own' ORDER BY node_id$$),
    'small x86 available 09:00:00 true false false - - - - cpu=4 cpu=4 cpu=3 cpu=1 | ' ||
    'small x86 draining 09:00:00 false false false - - drain waiting cpu=4 cpu=4 cpu=3 cpu=1 | ' ||
    'small x86 abnormal 10:00:00 true true true NODE_DOWN the node does not answer - - cpu=4 cpu=4  cpu=4', 'node_detail');

-- ---- pools ----

SELECT is(pg_temp.said('SELECT * FROM pool_status ORDER BY pool'),
    'old acme running 1 1 0 0 0 2 0 0.0 | open provider running 1 1 0 0 0 0 0 0.0 | own acme running 3 1 1 0 0 6 1 50.0', 'pool_status');
SELECT is(pg_temp.said('SELECT * FROM pool_utilization ORDER BY pool'),
    'old cpu 0 4 0.0 | open cpu 0 4 0.0 | own cpu 6 12 50.0', 'pool_utilization');
-- one more that was never available: it counts as a node, not as capacity
INSERT INTO node (pool_id, node_id, flavor_id, tenant_id, name, state, state_since, created_at)
SELECT pool_id, 1000, flavor_id, tenant_id, 'new', 'creating', clock(), clock() FROM node WHERE node_id = :n1;
INSERT INTO node_load (pool_id, node_id, allocatable) VALUES (:own, 1000, 'cpu=4');
INSERT INTO node (pool_id, node_id, flavor_id, tenant_id, name, state, state_since, created_at, available_at, deleted_at)
SELECT pool_id, 1001, flavor_id, tenant_id, 'gone', 'deleting', clock(), created_at, created_at, clock() FROM node WHERE node_id = :n1;
INSERT INTO node_load (pool_id, node_id, allocatable) VALUES (:own, 1001, 'cpu=4');
SELECT is(pg_temp.said($$SELECT nodes, available, abnormal, creating, deleting, busy FROM pool_status WHERE pool = 'own'$$), '4 1 1 1 0 50.0',
    'a node that is being made');
SELECT is((SELECT string_agg(node || ' ' || state, ', ') FROM node_status WHERE pool = 'own' AND node_id >= 1000), 'new creating', 'no deleted node');
SELECT is((SELECT string_agg(node, ', ') FROM node_detail WHERE pool = 'own' AND node_id >= 1000), 'new', 'nor in detail');
SELECT is((SELECT allocatable FROM pool_utilization WHERE pool = 'own'), 12::numeric, 'nor in the capacity');
UPDATE pool_job_type SET state = 'disabling' WHERE pool_id = :own AND kind = 'notebook';
UPDATE pool_job_type SET state = 'disabling' WHERE pool_id = :own AND kind = 'inference';
UPDATE pool_job_type SET state = 'disabled' WHERE pool_id = :own AND kind = 'inference';
SELECT is(pg_temp.said($$SELECT pool_id > 0 AS id, pool, kind, tenant, workspace, state, restrictions, unified, migrating, job_types, node_groups,
                         node_states, sub_pools, open_order, provider, network, cidr, container_network, driver, queue_policy, placement, launch,
                         default_time_limit, stop_timeout, restart_timeout, tags, created_at::time FROM pool_detail WHERE pool = 'own'$$),
    'true own dedicated acme default running [] true false training, notebook disabling, workflow 3 x small ' ||
    '1 creating, 2 available, 1 abnormal - - instant net 10.0.0.0/24 overlay - fifo pack immediate - 00:10:00 00:30:00 {} 09:00:00',
    'pool_detail');
SELECT is(pg_temp.said($$SELECT kind, tenant, workspace, network, node_groups, node_states FROM pool_detail WHERE pool = 'open'$$),
    'public provider - - 1 x small 1 available', 'of a public pool, an operator sees all');
SET LOCAL ROLE views_app;
SELECT is(pg_temp.said($$SELECT kind, tenant, workspace, network, node_groups, node_states FROM pool_detail$$),
    'public - - - 1 x small -', 'others see what they can order, not what there is');
SELECT is(pg_temp.said('SELECT * FROM pool_status'), 'open - running - - - - - 0 0 -', 'and no nodes');
SELECT is(pg_temp.said($$SELECT (SELECT count(*) FROM pool_jobs) AS a, (SELECT count(*) FROM job_history) AS b, (SELECT count(*) FROM node_detail) AS c,
                                (SELECT count(*) FROM node_status) AS d, (SELECT count(*) FROM running_cost) AS e$$), '0 0 0 0 0', 'nothing of another tenant');
SELECT is(pg_temp.said($$SELECT * FROM workload_statistics('own')$$), '42704 pool "own" does not exist', 'nor its statistics');
SELECT is(pg_temp.said($$SELECT * FROM workload_statistics('open')$$), NULL, 'of a public pool one''s own');
RESET ROLE;

-- a pool that was deleted, and made again
SELECT create_pool('brief', 'dedicated', 'acme', 'net') AS brief \gset
SELECT submit_job('brief', 'last', request => 'cpu=1') AS last FROM add_nodes('brief', 'small') \gset
SELECT cancel_job(:last);
SET LOCAL session_replication_role = replica;
DELETE FROM holding WHERE pool_id = :brief;
UPDATE node SET state = 'deleting', deleted_at = clock() WHERE pool_id = :brief;
UPDATE pool SET state = 'deleting', deleted_at = clock() WHERE pool_id = :brief;
SET LOCAL session_replication_role = origin;
SELECT is(pg_temp.said($$SELECT (SELECT count(*) FROM pool_status WHERE pool = 'brief') AS a, (SELECT count(*) FROM pool_detail WHERE pool = 'brief') AS b,
    (SELECT count(*) FROM pool_utilization WHERE pool = 'brief') AS c, (SELECT count(*) FROM node_status WHERE pool = 'brief') AS d,
    (SELECT count(*) FROM pool_jobs WHERE pool = 'brief') AS e, (SELECT count(*) FROM queue WHERE pool = 'brief') AS f$$), '0 0 0 0 0 0',
    'a deleted pool is shown nowhere');
SELECT is(pg_temp.said($$SELECT job, state FROM job_history WHERE pool = 'brief'$$), 'last cancelled', 'but its jobs are history');
SELECT is((SELECT state::text FROM job_status WHERE pool = 'brief'), 'cancelled', 'and can be looked up');

-- ---- what is billed ----

SELECT submit_job('open', 'paid', request => 'cpu=2', tenant => 'beta') AS paid \gset
SELECT count(*) FROM schedule('open');
SELECT set_price('node', '1.5', '2026-01-01', currency => 'USD'), set_price('mbit', '0.01', '2026-01-01', currency => 'USD');
INSERT INTO volume_type (volume_type, sku_id, created_at) SELECT 'SSD', sku_id, clock() FROM sku WHERE name = 'gib';
INSERT INTO volume (tenant_id, volume_id, pool_id, job_id, volume_type, gib, created_at) VALUES (:acme, 1, :own, :rests, 'SSD', 20, clock());
UPDATE network SET bandwidth = 100, bandwidth_sku_id = (SELECT sku_id FROM sku WHERE name = 'mbit') WHERE network_id = :net;
INSERT INTO holding (tenant_id, sku_id, quantity, pool_id, job_id, volume_id, network_id, address, since, metered_until)
SELECT :acme, s.sku_id, h.quantity, h.pool_id, h.job_id, h.volume_id, h.network_id, h.address, clock(), clock()
FROM (VALUES ('gib', 20000, :own::bigint, :rests::bigint, 1::bigint, NULL::bigint, NULL::inet), ('mbit', 100000, NULL, NULL, NULL, :net, NULL),
             ('node', 1000, NULL, NULL, NULL, :net, '10.0.0.9')) AS h(sku, quantity, pool_id, job_id, volume_id, network_id, address)
JOIN sku s ON s.name = h.sku;
SELECT is(pg_temp.said($$SELECT tenant, holder, sku, quantity, since::time, per_hour, currency FROM running_cost
                         WHERE holder NOT LIKE 'node old%' AND holder NOT LIKE 'node small%' ORDER BY tenant, holder$$),
    format('acme address 10.0.0.9 node 1 10:00:00 1.5 USD | acme bandwidth of network net mbit 100 10:00:00 1 USD | ' ||
           'acme node n-%1$s node 1 09:00:00 1.5 USD | acme node n-%2$s node 1 09:00:00 1.5 USD | acme node n-%3$s node 1 09:00:00 1.5 USD | ' ||
           'acme volume of job %4$s gib 20 10:00:00 - USD | beta job %5$s core 2 10:00:00 - USD', :n1, :n2, :n3, :rests, :paid),
    'running_cost: nodes, runs, volumes, networks and addresses');

-- ---- what they look like ----

SELECT cmp_ok(pg_temp.width(v), '<=', 120::bigint, v || ' fits 120 columns')
FROM unnest('{queue,job_status,job_history,node_status,pool_status,pool_utilization,running_cost}'::text[]) AS v;
SELECT is(
    (SELECT string_agg(c.relname || '.' || coalesce(a.attname, '*'), ', ')
     FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace = 'pool_manager'::regnamespace AND c.relkind = 'v'
       AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL OR NOT has_table_privilege('views_app', c.oid, 'SELECT'))),
    NULL, 'every view and column is explained, and may be read');

SELECT * FROM finish();
ROLLBACK;
