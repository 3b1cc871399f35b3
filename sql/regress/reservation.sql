-- Nodes reserved in a public pool, as an operator and as two tenants see it in
-- psql: before, while it is open, and after. The answers are worked out in the
-- comments.
SET search_path TO pool_manager, public;
SET timezone TO 'UTC';
SET datestyle TO ISO;
SET client_min_messages TO warning;
SET pool_manager.clock = '2026-03-01 08:00:00+00';
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('borealis', 'USD', 'UTC') AS borealis;
SELECT create_sku('core', 'core') AS core, create_flavor('c8', 'cpu=8') AS c8;
SELECT set_resource_sku('c8', 'cpu=1', 'core');
CREATE ROLE regress_acme;
CREATE ROLE regress_borealis;
SELECT grant_tenant('acme', 'regress_acme', 'member'), grant_tenant('borealis', 'regress_borealis', 'member');
SELECT create_pool('open', 'public', queue_policy => 'traversal') AS open;
SELECT * FROM add_nodes('open', 'c8', 3, name_prefix => 'n');

-- three nodes, of which acme gets two from 10 to 12
SELECT create_reservation('open', 'exam', '2026-03-01 10:00+00', '2026-03-01 12:00+00', 2, tenant => 'acme');
SELECT create_reservation('open', 'too-much', '2026-03-01 11:00+00', '2026-03-01 13:00+00', 2, tenant => 'borealis');
SELECT * FROM reservation_status;

SET ROLE regress_borealis;
-- not theirs to see, to make or to name
SELECT * FROM reservation_status;
SELECT create_reservation('open', 'mine', '2026-03-01 14:00+00', '2026-03-01 15:00+00', 1, tenant => 'borealis');
SELECT submit_job('open', 'peek', request => 'cpu=8', time_limit => '1 hour', reservation => 'exam');
-- two hours end by 10, three do not: one node is in no reservation
SELECT submit_job('open', 'two-hours', request => 'cpu=8', replicas => 2, time_limit => '2 hours') AS two_hours,
       submit_job('open', 'three-hours', request => 'cpu=8', replicas => 2, time_limit => '3 hours') AS three_hours;
SET ROLE regress_acme;
SELECT submit_job('open', 'paper', request => 'cpu=8', replicas => 2, time_limit => '90 minutes', reservation => 'exam') AS paper,
       submit_job('open', 'marks', request => 'cpu=8', time_limit => '1 hour', reservation => 'exam') AS marks;
RESET ROLE;
SELECT * FROM schedule('open');
SELECT job_id, job, tenant, reason, lacking, expected_start FROM queue;
SELECT kind, item, detail, count, needed, available, at FROM explain_job(2) WHERE kind IN ('reason', 'nodes', 'blocked_by', 'would_start');

-- open: paper has both nodes until 11:30, which is too late for marks
SET pool_manager.clock = '2026-03-01 10:00:00+00';
SELECT * FROM schedule('open');
SELECT * FROM reservation_status;
SELECT job_id, job, tenant, reason, lacking, expected_start FROM queue;
SET pool_manager.clock = '2026-03-01 11:30:00+00';
SELECT * FROM schedule('open');
SELECT job_id, job, tenant, reason, lacking, expected_start FROM queue;

-- over: three-hours has its nodes, marks waits for ever
SET pool_manager.clock = '2026-03-01 12:00:00+00';
SELECT * FROM schedule('open');
SELECT job_id, job, tenant, reason, lacking, expected_start FROM queue;
SELECT * FROM reservation_status;
SELECT kind, from_state, to_state, reason FROM event WHERE kind = 'reservation_changed';
DROP OWNED BY regress_acme, regress_borealis;
DROP ROLE regress_acme, regress_borealis;
