-- Arrears, a story with figures worked out by hand: a month is used and billed,
-- not paid; grace, frozen, paid, active. Then who may, and what is refused.
--
-- An hour costs: two nodes at 2.00, their disks and a volume, 300 GiB at 0.01,
-- and a GPU at 1.00: 4 + 3 + 1 = 8.
BEGIN;
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
\ir include/calls.sql
SELECT no_plan();

SELECT pg_temp.at('2026-03-01');
CREATE ROLE arrears_viewer; CREATE ROLE arrears_owner; CREATE ROLE arrears_stranger; CREATE ROLE arrears_operator;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'JPY', 'UTC') AS beta \gset
SELECT grant_tenant('acme', 'arrears_viewer', 'viewer'), grant_tenant('acme', 'arrears_owner', 'owner'), grant_operator('arrears_operator'),
       create_sku('gpu', 'GPU'), create_sku('node', 'node'), create_sku('disk', 'GiB'), create_volume_type('SSD', 'disk'),
       create_flavor('g4', 'nvidia.com/gpu=4', accelerator => 'nvidia.com/gpu'), set_resource_sku('g4', 'nvidia.com/gpu=1', 'gpu'),
       create_flavor('own', 'cpu=8', 'node');
SELECT set_price('gpu', '1', '2026-01-01', currency => 'USD'), set_price('node', '2', '2026-01-01', currency => 'USD'),
       set_price('disk', '0.01', '2026-01-01', currency => 'USD');
SELECT create_pool('commons', 'public'), create_network('net', '10.0.0.0/24', 'acme'), create_network('net', '10.0.0.0/24', 'beta');
SELECT create_pool('lab', 'dedicated', 'acme', 'net');
SELECT create_node_group('lab', 'own', disk_count => 1, disk_gib => 100, disk_type => 'SSD');
SELECT count(*) FROM add_nodes('commons', 'g4');
SELECT count(*) FROM add_nodes('lab', 'own', 2);
SELECT submit_job('commons', 'train', request => 'nvidia.com/gpu=1', tenant => 'acme') AS train,
       submit_job('lab', 'notes', 'notebook', request => 'cpu=4', tenant => 'acme', volume_gib => 100, volume_type => 'SSD') AS notes \gset
SELECT count(*) FROM schedule();
-- they wait: for the GPU that train has, for the node that notes is on
SELECT submit_job('commons', 'next', request => 'nvidia.com/gpu=4', tenant => 'acme') AS next,
       submit_job('lab', 'wide', request => 'cpu=8', replicas => 2, tenant => 'acme') AS wide \gset
SELECT count(*) FROM schedule();

CREATE FUNCTION pg_temp.jobs() RETURNS text LANGUAGE sql AS
    $$SELECT string_agg(job || ' ' || state, ', ' ORDER BY job_id) FROM job_status$$;
CREATE FUNCTION pg_temp.held() RETURNS text LANGUAGE sql AS
    $$SELECT string_agg(s.name || ' ' || h.n, ', ' ORDER BY s.name)
      FROM (SELECT sku_id, count(*) AS n FROM holding WHERE tenant_id = (SELECT tenant_id FROM tenant WHERE name = 'acme') GROUP BY 1) h JOIN sku s USING (sku_id)$$;
-- owed and unbilled, and the state
CREATE FUNCTION pg_temp.account() RETURNS text LANGUAGE sql AS
    $$SELECT format('%s %s %s', owed, unbilled, state) FROM balance WHERE tenant = 'acme'$$;

SELECT set_credit_limit('acme', 3000, '10 days');
SELECT is(pg_temp.jobs(), 'train running, notes running, next queued, wide queued', 'what runs and waits');
SELECT is(pg_temp.held(), 'disk 3, gpu 1, node 2', 'what is held');
SELECT is(pg_temp.account(), '0 0 active', 'nothing is owed');

-- ---- a month, not paid ----

SELECT pg_temp.at('2026-04-01');
SELECT issue_bill('acme', '2026-03-01') AS march \gset
SELECT is((SELECT total FROM bill WHERE bill_id = :march), 5952.00, '744 hours at 8');
SELECT results_eq('SELECT * FROM check_arrears()', format($$VALUES (%s::bigint, 'active'::tenant_state, 'grace'::tenant_state)$$, :acme), 'beyond the limit: grace');
SELECT results_eq($$SELECT at, from_state, to_state, reason FROM event WHERE kind = 'tenant_state'$$,
    $$VALUES (timestamptz '2026-04-01', 'active', 'grace', '5952 USD owed, 0 unbilled, limit 3000')$$, 'the event has the numbers');
SELECT is_empty('SELECT * FROM check_arrears()', 'the same call again changes nothing');
SELECT is((SELECT (frozen_at, next_state)::text FROM balance WHERE tenant = 'acme'), '("2026-04-11 00:00:00+00",grace)', 'when it will be frozen');
SELECT is(pg_temp.jobs(), 'train running, notes running, next queued, wide queued', 'in grace all goes on');
SELECT is(pg_temp.held(), 'disk 3, gpu 1, node 2', 'and is billed');
SELECT pg_temp.at('2026-04-10 23:59:59');
SELECT is_empty('SELECT * FROM check_arrears()', 'grace is not over');

-- ---- frozen, after 246.5 hours of April ----

SELECT pg_temp.at('2026-04-11 06:30:00');
SELECT results_eq($$SELECT to_state FROM check_arrears('acme')$$, $$VALUES ('frozen'::tenant_state)$$, 'grace is over: frozen');
SELECT is(pg_temp.jobs(), 'train cancelled, notes running, next queued, wide queued', 'the run in the public pool has ended');
SELECT is((SELECT (ended_at, end_reason)::text FROM job_run WHERE job_id = :train), '("2026-04-11 06:30:00+00","tenant frozen")', 'to the instant');
SELECT is(pg_temp.held(), 'disk 3', 'nodes are not billed, storage is');
SELECT is((SELECT count(*) FROM node_status WHERE pool = 'lab' AND state = 'available'), 2::bigint, 'they are kept');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');
SELECT is((SELECT count(*) FROM schedule()), 0::bigint, 'nothing starts');
SELECT is((SELECT string_agg(DISTINCT reason, ' ') FROM queue), 'tenant_frozen', 'why');
SELECT is(pg_temp.tried($$SELECT submit_job('lab', 'x', request => 'cpu=1', tenant => 'acme')$$), format('PM005 tenant %s is frozen', :acme), 'nothing new');
SELECT create_workspace('acme', 'research'), set_pool_workspace('lab', 'research');

SELECT pg_temp.at('2026-04-20');
SELECT settle('acme');
SELECT results_eq($$SELECT s.name::text, sum(c.amount) FROM charge c JOIN sku s USING (sku_id) WHERE period_start = '2026-04-01' GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('disk', 1368.0), ('gpu', 246.5), ('node', 986.0)$$, 'disks for 456 hours, the GPU and the nodes for 246.5');
SELECT is(pg_temp.account(), '5952 2600.5 frozen', 'owed and unbilled');
SELECT is_empty('SELECT * FROM check_arrears()', 'frozen it stays');

-- ---- paid ----

SELECT record_payment('acme', 2000, 'transfer 1', request_id => 'p1') AS first \gset
SELECT is(pg_temp.account(), '3952 2600.5 frozen', 'not enough');
SELECT is(record_payment('acme', 2000, 'transfer 1', request_id => 'p1'), :first::bigint, 'the same payment again is the first');
SELECT is(record_payment('acme', 2000.00, 'transfer 1', request_id => 'p1'), :first::bigint, 'however its amount is written');
SELECT is(pg_temp.tried($$SELECT record_payment('acme', 2001, 'transfer 1', request_id => 'p1')$$),
    'PM004 request_id "p1" was used before with other content', 'with another amount it is none');
SELECT record_payment('acme', 3952.00, 'transfer 2');
SELECT is(pg_temp.account(), '0 2600.5 active', 'paid: active at once');
SELECT is(pg_temp.held(), 'disk 3, node 2', 'nodes are billed again');
SELECT results_eq($$SELECT DISTINCT h.since, w.name::text FROM holding h JOIN sku s USING (sku_id) JOIN workspace w USING (tenant_id, workspace_id) WHERE s.name = 'node'$$,
    $$VALUES (timestamptz '2026-04-20', 'research')$$, 'from now on, for the new cost centre');
SELECT is((SELECT string_agg(job_id::text, ' ') FROM schedule()), :'next', 'what waited starts');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');

-- what is used and not billed counts too; the limit itself is not beyond it
SELECT set_credit_limit('acme', 2600.5);
SELECT is(pg_temp.account(), '0 2600.5 active', 'at the limit');
SELECT set_credit_limit('acme', 2600.49);
SELECT is(pg_temp.account(), '0 2600.5 grace', 'a cent less');
SELECT is((SELECT frozen_at FROM balance WHERE tenant = 'acme'), '2026-05-05', 'for 15 days by default');
SELECT set_credit_limit('acme', 3000, '0 seconds');
SELECT is(pg_temp.account(), '0 2600.5 active', 'a higher limit');
SELECT record_payment('acme', -10, 'paid twice');
SELECT is((SELECT (billed, paid, owed)::text FROM balance WHERE tenant = 'acme'), '(5952,5942,10)', 'a refund');

SELECT pg_temp.at('2026-05-01');
SELECT issue_bill('acme', '2026-04-01') AS april \gset
SELECT results_eq(format('SELECT sku::text, sum(amount) FROM bill_detail WHERE bill_id = %s GROUP BY 1 ORDER BY 1', :april),
    $$VALUES ('disk', 2160.0), ('gpu', 1302.5), ('node', 2042.0)$$,
    'disks for 720 hours; the GPU for 246.5, four for 264; nodes for 246.5 and 264');
SELECT is(pg_temp.account(), '5514.5 0 active', '5504.50 and the refund');
-- without grace
SELECT results_eq('SELECT from_state, to_state FROM check_arrears()', $$VALUES ('active'::tenant_state, 'frozen'::tenant_state)$$, 'no time of grace: frozen at once');
SELECT set_credit_limit('acme');
SELECT is(pg_temp.account(), '5514.5 0 frozen', 'without a limit its state stays');
SELECT is_empty('SELECT * FROM check_arrears()', 'and nobody looks');
SELECT set_tenant_state('acme', 'active', 'agreed');
SELECT is_empty('SELECT * FROM check_arrears()', 'neither then');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');
SELECT is((SELECT count(*) FROM usage u JOIN sku s USING (sku_id) JOIN usage o ON o.tenant_id = u.tenant_id AND o.node_id = u.node_id AND o.sku_id = u.sku_id
        AND o.usage_id < u.usage_id AND o.started_at < u.ended_at AND u.started_at < o.ended_at
    WHERE s.name = 'node'), 0::bigint, 'frozen and active in one instant: no second twice');

-- paid before: a limit of 0
SELECT record_payment('acme', 6000, 'in advance'), set_credit_limit('acme', 0);
SELECT is(pg_temp.account(), '-485.5 0 active', 'paid before');
SELECT pg_temp.at('2026-05-03');
SELECT settle('acme');
-- 48 hours: nodes 192, disks 144, four GPUs for none: next ended when it was frozen
SELECT is(pg_temp.account(), '-485.5 336 active', 'some is left');
SELECT pg_temp.at('2026-05-04');
SELECT settle('acme');
SELECT is(pg_temp.account(), '-485.5 504 active', 'none is left');
SELECT results_eq('SELECT to_state FROM check_arrears()', $$VALUES ('grace'::tenant_state)$$, 'grace');

-- ---- a node that is ready while its owner is frozen ----

SELECT create_pool('ext', 'dedicated', 'beta', 'net', provider => 'external', nodes => '{"own": 1}');
SELECT set_tenant_state('beta', 'frozen');
SELECT node_ready(n.node_id) FROM node n WHERE n.tenant_id = :beta;
SELECT is((SELECT count(*) FROM holding WHERE tenant_id = :beta), 0::bigint, 'it is not billed');
SELECT is_empty('SELECT * FROM reconcile()', 'as it should be');
SELECT pg_temp.at('2026-05-04 00:00:01.7');
SELECT set_tenant_state('beta', 'grace');
SELECT results_eq(format('SELECT since, quantity FROM holding WHERE tenant_id = %s', :beta), $$VALUES (timestamptz '2026-05-04 00:00:01', 1000::bigint)$$, 'from when it is not frozen');
-- frozen by a session whose clock is ahead
SELECT pg_temp.at('2026-05-04 01:00:00');
SELECT set_tenant_state('beta', 'frozen');
UPDATE tenant SET state_since = '2026-05-04 01:00:30' WHERE tenant_id = :beta;
SELECT set_tenant_state('beta', 'active');
SELECT is((SELECT since FROM holding WHERE tenant_id = :beta), '2026-05-04 01:00:30+00', 'no second before it was frozen');

-- ---- who may, and what is refused ----

SELECT is(pg_temp.got('arrears_viewer', 'SELECT string_agg(tenant, '' '') FROM balance'), 'acme', 'a viewer sees its own balance');
SELECT is(pg_temp.got('arrears_viewer', 'SELECT count(*) FROM payment'), '4', 'and payments');
SELECT is(pg_temp.got('arrears_viewer', 'SELECT count(*) FROM credit_limit'), '1', 'and its limit');
SELECT is(pg_temp.got('arrears_stranger', format('SELECT count(*) FROM %I', t)), '0', 'a stranger sees nothing of ' || t) FROM unnest('{balance,payment,credit_limit}'::text[]) AS t;
SELECT is(pg_temp.got('arrears_owner', q), '42501 permission denied: "arrears_owner" is not an operator', q)
FROM unnest(ARRAY[$$SELECT record_payment('acme', 1, 'x')$$, $$SELECT set_credit_limit('acme', 1)$$, 'SELECT check_arrears()', $$SELECT check_arrears('acme')$$]) AS q;
SELECT is(left(pg_temp.got('arrears_owner', $$INSERT INTO payment VALUES (1, 99, 'USD', 1, 'x', now(), 'x')$$), 5), '42501', 'nobody writes payments');
SELECT is(pg_temp.got('arrears_operator', $$SELECT record_payment('acme', 1, 'x') > 0$$), 'true', 'operators do');
SELECT is(pg_temp.tried(q), refused, q) FROM (VALUES
    ($$SELECT record_payment(0, 1, 'x')$$, '22023 the provider has no bills'),
    ($$SELECT record_payment(0, 1, 'x', 'USD')$$, '22023 the provider has no bills'),
    ($$SELECT set_credit_limit(0, 1)$$, '22023 the provider has no bills'),
    ($$SELECT record_payment('nobody', 1, 'x')$$, '42704 tenant "nobody" does not exist'),
    ($$SELECT check_arrears('nobody')$$, '42704 tenant "nobody" does not exist'),
    ($$SELECT record_payment('acme', 0, 'x')$$, '22023 invalid value for argument "amount"'),
    ($$SELECT record_payment('acme', 'NaN', 'x')$$, '22023 invalid value for argument "amount"'),
    ($$SELECT record_payment('acme', 1.005, 'x')$$, '22023 invalid value for argument "amount"'),
    ($$SELECT record_payment('beta', 0.5, 'x')$$, '22023 invalid value for argument "amount"'),
    ($$SELECT record_payment('acme', 1, ' ')$$, '22023 invalid value for argument "reference"'),
    ($$SELECT record_payment('acme', 1, NULL)$$, '22004 argument "reference" must not be null'),
    ($$SELECT record_payment('acme', 1, 'x', 'ABC')$$, '22023 invalid currency code "ABC"'),
    ($$SELECT set_credit_limit('acme', -1)$$, '22023 invalid value for argument "credit_limit"'),
    ($$SELECT set_credit_limit('acme', 'Infinity')$$, '22023 invalid value for argument "credit_limit"'),
    ($$SELECT set_credit_limit('acme', 1, '-1 day')$$, '22023 invalid value for argument "grace"')) AS v(q, refused);
SELECT record_payment('acme', 5, 'in euros', 'EUR');
SELECT is((SELECT string_agg(format('%s %s %s', currency, paid, coalesce(credit_limit::text, '-')), ', ' ORDER BY currency) FROM balance WHERE tenant = 'acme'),
    'EUR 5 -, USD 11943 0', 'each currency for itself');
SELECT is(pg_temp.tried('UPDATE payment SET amount = 1'), '55000 table "payment" is append-only', 'payments stay');
SELECT is(pg_temp.tried('DELETE FROM payment'), '55000 table "payment" is append-only', 'all of them');
SELECT is(left(pg_temp.tried($$UPDATE credit_limit SET amount = -1$$), 5), '23514', 'no negative limit');
SELECT is(left(pg_temp.tried($$INSERT INTO payment VALUES (0, 99, 'USD', 1, 'x', now(), 'x')$$), 5), '23514', 'the provider pays nothing');

SELECT * FROM finish();
ROLLBACK;
