-- Accounts: quotas, states, members, contracts; what changes in the catalogue;
-- tags, restrictions and reserved resources. From the API and by hand.
BEGIN;
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET pool_manager.clock = '2026-03-01 00:00:00+00';
SELECT plan(160);

CREATE ROLE quota_none;
CREATE ROLE quota_viewer;
CREATE ROLE quota_member;
CREATE ROLE quota_owner;
CREATE ROLE quota_operator;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'EUR', 'Asia/Shanghai') AS beta \gset
SELECT create_workspace('acme', 'vision') AS vision, create_workspace('beta', 'sound') AS sound \gset
SELECT grant_tenant('acme', 'quota_viewer', 'viewer'), grant_tenant('acme', 'quota_member', 'member'),
    grant_tenant('acme', 'quota_owner', 'owner'), grant_operator('quota_operator');
SELECT create_sku('node', 'node'), create_sku('core', 'core'), create_sku('card', 'card', 'once');
SELECT create_flavor('gpu4', 'cpu=32,memory=128Gi,gpu=4', 'node', 'gpu'), create_flavor('cpu8', 'cpu=8', 'node');
SELECT set_resource_sku('gpu4', 'cpu=1', 'core'), set_resource_sku('gpu4', 'memory=1Gi', NULL), set_resource_sku('gpu4', 'gpu=1', NULL);
SELECT create_network('net', '10.0.0.0/24', 'acme'), create_network('net', '10.0.0.0/24', 'beta');
SELECT create_pool('lab', 'dedicated', 'acme', 'net') AS lab, create_pool('open', 'public') AS open, create_pool('wide', 'public') AS wide \gset
SELECT add_nodes('lab', 'gpu4', 2), add_nodes('lab', 'cpu8', 1);
SELECT add_nodes('open', 'gpu4', 2), add_nodes('wide', 'gpu4', 1);
SELECT name AS gpu_a FROM node WHERE pool_id = :lab ORDER BY node_id LIMIT 1 \gset
SELECT name AS gpu_b FROM node WHERE pool_id = :lab ORDER BY node_id OFFSET 1 LIMIT 1 \gset

\ir include/calls.sql
-- message, detail and hint: is each there, and in its form?
CREATE FUNCTION pg_temp.well_said(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    m text;
    d text;
    h text;
BEGIN
    EXECUTE query;
    RETURN false;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN m !~ '[.]$' AND d ~ '[.]$' AND h ~ '[.]$';
END $$;

-- ---- quotas ----

SELECT results_eq($$SELECT resource, most, used, unit FROM quota_status WHERE tenant = 'acme' ORDER BY resource COLLATE "C"$$,
    $$VALUES ('accelerator_minutes', NULL::bigint, NULL::bigint, 'device-minute'), ('networks', 15, 1, 'network'), ('nodes', NULL, 3, 'node'),
        ('notebooks', NULL, 0, 'job'), ('pools', 15, 1, 'pool'), ('run_minutes', NULL, NULL, 'minute'), ('services', NULL, 0, 'job'),
        ('training_jobs', NULL, 0, 'job'), ('workflows', NULL, 0, 'job')$$, 'what is used, and the defaults');
SELECT is((SELECT count(*) FROM quota_status WHERE tenant_id = 0), 0::bigint, 'the provider has none');
SELECT is(pg_temp.tried('SELECT check_quota(1, NULL, ''pools'', 14)'), 'done', '1 + 14 pools are 15');
SELECT is(pg_temp.tried('SELECT check_quota(1, NULL, ''pools'', 15)'), 'PM007 quota of pools exceeded: limit 15, used 1, asked for 15 more',
    'the default holds');
SELECT ok(pg_temp.well_said('SELECT check_quota(1, NULL, ''pools'', 15)'), 'said well');
SELECT is(pg_temp.tried('SELECT check_quota(0, NULL, ''pools'', 100)'), 'done', 'not for the provider');
SELECT is(pg_temp.tried('SELECT check_quota(1, NULL, ''nodes'', 1000000000000)'), 'done', 'no limit, no check');

SELECT set_quota('acme', 'pools', 1), set_quota('acme', 'nodes', 4), set_quota('acme', 'networks', 0);
SELECT is(pg_temp.tried('SELECT check_quota(1, NULL, ''pools'', 1)'), 'PM007 quota of pools exceeded: limit 1, used 1, asked for 1 more', 'its own limit');
SELECT is(pg_temp.tried('SELECT check_quota(2, NULL, ''pools'', 1)'), 'done', 'not another tenant''s');
SELECT is(pg_temp.tried('SELECT check_quota(1, NULL, ''nodes'', 1)'), 'done', 'the fourth node');
SELECT is(pg_temp.tried('SELECT check_quota(1, NULL, ''nodes'', 2)'), 'PM007 quota of nodes exceeded: limit 4, used 3, asked for 2 more', 'a fifth');
SELECT is(pg_temp.tried('SELECT check_quota(1, NULL, ''networks'', 1)'), 'PM007 quota of networks exceeded: limit 0, used 1, asked for 1 more',
    'a limit below what there is');
SELECT is(pg_temp.tried($$SELECT create_network('more', '10.1.0.0/24', 'acme')$$), 'PM007 quota of networks exceeded: limit 0, used 1, asked for 1 more',
    'create_network asks');
SELECT set_quota('acme', 'networks');
SELECT is((SELECT most FROM quota_status WHERE tenant = 'acme' AND resource = 'networks'), 15::bigint, 'removed: the default again');
SELECT is((SELECT count(*) FROM quota), 2::bigint, 'and its row is gone');

-- workspaces: both limits hold
SELECT set_quota('acme', 'notebooks', 2, 'vision'), set_quota('acme', 'notebooks', 3);
SELECT is(pg_temp.tried(format('SELECT check_quota(1, %s, ''notebooks'', 2)', :vision)), 'done', 'two in the workspace');
SELECT is(pg_temp.tried(format('SELECT check_quota(1, %s, ''notebooks'', 3)', :vision)),
    'PM007 quota of notebooks exceeded: limit 2, used 0, asked for 3 more', 'three in the workspace');
SELECT is(pg_temp.tried('SELECT check_quota(1, NULL, ''notebooks'', 3)'), 'done', 'three elsewhere');
SELECT is(pg_temp.tried('SELECT check_quota(1, 1, ''notebooks'', 4)'), 'PM007 quota of notebooks exceeded: limit 3, used 0, asked for 4 more', 'four elsewhere');
SELECT is(pg_temp.tried(format('SELECT check_quota(1, %s, ''notebooks'', 3)', :vision)),
    'PM007 quota of notebooks exceeded: limit 2, used 0, asked for 3 more', 'by kind of job');
SELECT is(pg_temp.tried(format('SELECT check_quota(1, %s, ''training_jobs'', 300)', :vision)), 'done', 'another kind');
SELECT results_eq($$SELECT workspace::text, most FROM quota_status WHERE tenant = 'acme' AND resource = 'notebooks' ORDER BY 1 NULLS FIRST$$,
    $$VALUES (NULL::text, 3::bigint), ('vision', 2)$$, 'a row for each limit');

-- what counts: jobs by kind that have not ended, wherever they are
SELECT submit_job('open', 'n', 'notebook', request => 'cpu=1', tenant => 'acme', workspace => 'vision') AS note \gset
SELECT submit_job('open', 't', 'training', request => 'cpu=1', tenant => 'acme') AS train,
    submit_job('lab', 'i', 'inference', request => 'cpu=1', tenant => 'acme') AS serve,
    submit_job('lab', 'w', 'workflow', request => 'cpu=1', tenant => 'acme') AS flow \gset
SELECT results_eq($$SELECT resource, workspace::text, used FROM quota_status WHERE tenant = 'acme' AND unit = 'job' ORDER BY resource COLLATE "C", 2 NULLS FIRST$$,
    $$VALUES ('notebooks', NULL::text, 1::bigint), ('notebooks', 'vision', 1), ('services', NULL, 1), ('training_jobs', NULL, 1), ('workflows', NULL, 1)$$,
    'jobs by kind');
SELECT is(pg_temp.tried(format('SELECT check_quota(1, %s, ''notebooks'', 2)', :vision)),
    'PM007 quota of notebooks exceeded: limit 2, used 1, asked for 2 more', 'what there is counts');
SELECT cancel_job(:note), cancel_job(:train), cancel_job(:flow), cancel_job(:serve);
SELECT is((SELECT sum(used) FROM quota_status WHERE tenant = 'acme' AND unit = 'job'), 0::numeric, 'what has ended does not count');

-- metered: used up as runs end, limits are whole minutes
SELECT set_quota('acme', 'run_minutes', 2), set_quota('acme', 'accelerator_minutes', 5), set_quota('acme', 'run_minutes', 1, 'vision');
SELECT submit_job('lab', 'm', request => 'cpu=1,gpu=2', tenant => 'acme') AS metered \gset
SET pool_manager.clock = '2026-03-01 00:01:30+00';
SELECT is(pg_temp.tried('SELECT check_quota(1, 1, ''run_minutes'', 1)'), 'done', 'nothing while it runs');
SELECT finish_job(:metered);
-- 90 s: 1.5 minutes, on two devices 3
SELECT results_eq($$SELECT resource, workspace::text, used FROM quota_status WHERE tenant = 'acme' AND resource LIKE '%minutes' ORDER BY 1, 2 NULLS FIRST$$,
    $$VALUES ('accelerator_minutes', NULL::text, 3::bigint), ('run_minutes', NULL, 1), ('run_minutes', 'vision', 0)$$, 'whole minutes are shown');
SELECT is((SELECT used_us FROM quota WHERE resource = 'run_minutes' AND workspace_id IS NULL), 90000000::numeric, 'microseconds are kept');
SELECT is(pg_temp.tried('SELECT check_quota(1, 1, ''run_minutes'', 100)'), 'done', 'below the limit any number may start');
SELECT submit_job('lab', 'm', request => 'cpu=1,gpu=0.5', tenant => 'acme') AS metered \gset
SET pool_manager.clock = '2026-03-01 00:02:00+00';
SELECT finish_job(:metered);
-- 30 s more: 2 minutes; on half a device 0.25 minutes more
SELECT is((SELECT used_us FROM quota WHERE resource = 'accelerator_minutes'), 195000000::numeric, '3.25 device-minutes');
SELECT is(pg_temp.tried('SELECT check_quota(1, 1, ''run_minutes'', 1)'), 'PM007 quota of run_minutes exceeded: limit 2, used 2', 'used up');
SELECT ok(pg_temp.well_said('SELECT check_quota(1, 1, ''run_minutes'', 1)'), 'said well');
SELECT set_quota('acme', 'run_minutes', 3);
SELECT is(pg_temp.tried('SELECT check_quota(1, 1, ''run_minutes'', 1)'), 'done', 'a higher limit');
SELECT set_quota('acme', 'run_minutes', 2);
SELECT is((SELECT used FROM quota_status WHERE tenant = 'acme' AND resource = 'run_minutes' AND workspace IS NULL), 2::bigint, 'what was used still counts');
SELECT set_quota('acme', 'run_minutes', 2, reset => true);
SELECT is((SELECT used_us FROM quota WHERE resource = 'run_minutes' AND workspace_id IS NULL), 0::numeric, 'unless it is reset');
SELECT is(pg_temp.tried('SELECT check_quota(1, 1, ''run_minutes'', 1)'), 'done', 'and jobs may start again');
SELECT set_quota('acme', 'run_minutes', 0);
SELECT is(pg_temp.tried('SELECT check_quota(1, 1, ''run_minutes'', 1)'), 'PM007 quota of run_minutes exceeded: limit 0, used 0', 'a limit of nothing');
SELECT set_quota('acme', 'run_minutes'), set_quota('acme', 'accelerator_minutes'), set_quota('acme', 'run_minutes', NULL, 'vision');
SELECT results_eq($$SELECT reason FROM event WHERE kind = 'quota_set' ORDER BY event_id DESC LIMIT 3$$,
    $$VALUES ('run_minutes removed for workspace "vision"'), ('accelerator_minutes removed'), ('run_minutes removed')$$, 'events');

-- who, and what not
SELECT is(pg_temp.got('quota_owner', $$SELECT set_quota('acme', 'pools', 9)$$), '42501 permission denied: "quota_owner" is not an operator', 'owners set none of the tenant');
SELECT is(pg_temp.got('quota_operator', $$SELECT set_quota('acme', 'pools', 9)$$), 'done', 'operators do');
SELECT is(pg_temp.got('quota_owner', $$SELECT set_quota('acme', 'pools', 9, 'vision')$$), 'done', 'owners set those of workspaces');
SELECT is(pg_temp.got('quota_member', $$SELECT set_quota('acme', 'pools', 9, 'vision')$$), '42501 permission denied for tenant 1', 'members do not');
SELECT is(pg_temp.got('quota_none', $$SELECT set_quota('acme', 'pools', 9)$$), '42704 tenant "acme" does not exist', 'nobody sees nothing');
SELECT is(pg_temp.got('quota_none', $$SELECT count(*) FROM quota_status$$), '0', 'nor in the view');
SELECT is(pg_temp.got('quota_viewer', $$SELECT count(DISTINCT tenant_id) FROM quota_status$$), '1', 'a viewer sees its tenant''s');
SELECT is(pg_temp.got('quota_viewer', $$SELECT used FROM quota_status WHERE resource = 'nodes'$$), '3', 'with what is used');
SELECT is(pg_temp.got('quota_owner', $$SELECT check_quota(1, NULL, 'pools', 1)$$), '42501 permission denied for function check_quota', 'internal');
SELECT is(pg_temp.got('quota_owner', $$SELECT check_not_frozen(1)$$), '42501 permission denied for function check_not_frozen', 'internal too');
SELECT is(pg_temp.tried($$SELECT set_quota('acme', 'cats', 9)$$), '22023 there are no quotas of "cats"', 'unknown resource');
SELECT is(pg_temp.tried($$SELECT set_quota('acme', 'pools', -1)$$), '22023 invalid value for argument "most"', 'negative');
SELECT is(pg_temp.tried($$SELECT set_quota(0, 'pools', 1)$$), '22023 the provider has no quotas', 'the provider');
SELECT is(pg_temp.tried($$SELECT set_quota('acme', 'pools', 1, 'sound')$$), '42704 workspace "sound" does not exist', 'another tenant''s workspace');
SELECT is(pg_temp.tried(format($$SELECT set_quota(1, 'pools', 1, %s)$$, :sound)), format('42704 workspace %s does not exist', :sound), 'by id too');
SELECT is(pg_temp.tried($$SELECT set_quota('acme', NULL, 1)$$), '22004 argument "resource" must not be null', 'NULL');
SELECT is(pg_temp.tried($$INSERT INTO quota VALUES (1, NULL, 'cats', 1, 0, now())$$), '23503 insert or update on table "quota" violates foreign key constraint "quota_resource_fkey"', 'by hand: the resource');
SELECT is(pg_temp.tried($$INSERT INTO quota VALUES (0, NULL, 'nodes', 1, 0, now())$$), '23514 new row for relation "quota" violates check constraint "quota_tenant_check"', 'by hand: the provider');
SELECT is(pg_temp.tried($$INSERT INTO quota VALUES (1, NULL, 'nodes', 1, 0, now())$$), '23505 duplicate key value violates unique constraint "quota_key"', 'by hand: twice');
SELECT is(pg_temp.tried($$UPDATE quota SET most = -1$$), '23514 new row for relation "quota" violates check constraint "quota_most_check"', 'by hand: negative');
SELECT is(pg_temp.tried($$UPDATE quota SET used_us = -1$$), '23514 new row for relation "quota" violates check constraint "quota_used_check"', 'by hand: given back');
SELECT is(pg_temp.tried(format($$UPDATE quota SET workspace_id = %s WHERE workspace_id IS NULL$$, :sound)),
    '23503 insert or update on table "quota" violates foreign key constraint "quota_workspace_fkey"', 'by hand: another tenant''s workspace');

-- ---- states of tenants ----

-- every pair, by hand: all may follow one another
SELECT is(pg_temp.tried(format($$UPDATE tenant SET state = '%s' WHERE name = 'beta'; UPDATE tenant SET state = '%s' WHERE name = 'beta' RETURNING state$$, a, b)),
    b::text, format('tenant: from %s to %s', a, b))
FROM unnest(enum_range(NULL::tenant_state)) AS a, unnest(enum_range(NULL::tenant_state)) AS b ORDER BY a, b;
SELECT is(pg_temp.tried($$UPDATE tenant SET state = 'grace' WHERE tenant_id = 0$$), '23514 new row for relation "tenant" violates check constraint "tenant_state_check"', 'by hand: the provider');

SELECT submit_job('open', 'runs', request => 'cpu=1', tenant => 'acme') AS runs, submit_job('wide', 'runs too', request => 'cpu=32', tenant => 'acme') AS runs2,
    submit_job('open', 'other', request => 'cpu=1', tenant => 'beta') AS other, submit_job('lab', 'own', request => 'cpu=1', tenant => 'acme') AS own \gset
SELECT count(*) FROM schedule();
SELECT submit_job('wide', 'waits', request => 'cpu=1', tenant => 'acme') AS waits \gset
SELECT is((SELECT string_agg(state::text, ' ' ORDER BY job_id) FROM job_status WHERE job_id IN (:runs, :runs2, :other, :own, :waits)),
    'running running running running queued', 'before');
SELECT is(pg_temp.tried('SELECT check_not_frozen(1)'), 'done', 'an active tenant');
SELECT set_tenant_state('acme', 'grace', 'a bill is due');
SELECT is(pg_temp.tried('SELECT check_not_frozen(1)'), 'done', 'grace: all goes on');
SET pool_manager.clock = '2026-03-01 01:00:00+00';
SELECT set_tenant_state('acme', 'frozen', 'unpaid');
SELECT is((SELECT string_agg(state::text, ' ' ORDER BY job_id) FROM job_status WHERE job_id IN (:runs, :runs2, :other, :own, :waits)),
    'cancelled cancelled running running queued', 'its runs in public pools have ended, its queued jobs wait, its own pool runs on');
SELECT is((SELECT end_reason FROM job_run WHERE job_id = :runs), 'tenant frozen', 'why');
SELECT is((SELECT count(*) FROM node WHERE tenant_id = :acme AND deleted_at IS NULL), 3::bigint, 'it keeps its nodes');
SELECT is(pg_temp.tried('SELECT check_not_frozen(1)'), 'PM005 tenant 1 is frozen', 'a frozen tenant');
SELECT ok(pg_temp.well_said('SELECT check_not_frozen(1)'), 'said well');
SELECT is(pg_temp.tried('SELECT check_not_frozen(0)'), 'done', 'the provider never is');
SELECT results_eq($$SELECT from_state, to_state, reason, at FROM event WHERE kind = 'tenant_state' ORDER BY event_id$$,
    $$VALUES ('active', 'grace', 'a bill is due', timestamptz '2026-03-01 00:02:00+00'), ('grace', 'frozen', 'unpaid', '2026-03-01 01:00:00+00')$$, 'events');
SELECT set_tenant_state('acme', 'frozen');
SELECT is((SELECT count(*) FROM event WHERE kind = 'tenant_state'), 2::bigint, 'the same state again is nothing');
SELECT is(pg_temp.got('quota_owner', $$SELECT set_tenant_state('acme', 'active')$$), '42501 permission denied: "quota_owner" is not an operator', 'owners do not');
SELECT is(pg_temp.got('quota_operator', $$SELECT set_tenant_state('acme', 'active')$$), 'done', 'operators do');
SELECT is(pg_temp.tried($$SELECT set_tenant_state(0, 'grace')$$), '22023 the provider is always active', 'the provider');
SELECT is(pg_temp.tried($$SELECT set_tenant_state('nobody', 'grace')$$), '42704 tenant "nobody" does not exist', 'nobody');
SELECT cancel_job(:waits), cancel_job(:own), cancel_job(:other);

-- an agent must stop them
SELECT create_pool('agents', 'public', launch => 'agent');
SELECT add_nodes('agents', 'gpu4', 1);
SELECT submit_job('agents', 'a', request => 'cpu=1', tenant => 'acme') AS a \gset
SELECT count(*) FROM schedule('agents');
SELECT start_job(:a), set_tenant_state('acme', 'frozen');
SELECT is((SELECT state::text FROM job_status WHERE job_id = :a), 'stopping', 'stopping until its agent says so');
SELECT set_tenant_state('acme', 'active'), set_tenant_state('acme', 'frozen');
SELECT is(finish_job(:a)::text, 'cancelled', 'cancelled then');
SELECT set_tenant_state('acme', 'active');

-- ---- members ----

SELECT is((SELECT (public_pools, high_priority)::text FROM tenant_member WHERE role_name = 'quota_member'), '(t,t)', 'all, unless said otherwise');
SELECT grant_tenant('acme', 'quota_member', 'member', public_pools => false, high_priority => false);
SELECT is((SELECT (level, public_pools, high_priority)::text FROM tenant_member WHERE role_name = 'quota_member'), '(member,f,f)', 'no public pools, no high priority');
SELECT is((SELECT reason FROM event ORDER BY event_id DESC LIMIT 1), 'quota_member member, no public pools, no high priority', 'the event says so');
SELECT is(pg_temp.tried($$SELECT grant_tenant('acme', 'quota_member', 'member', NULL)$$), '22004 argument "public_pools" must not be null', 'NULL');
SELECT is(pg_temp.got('quota_member', $$SELECT revoke_tenant('acme', 'quota_viewer')$$), '42501 permission denied for tenant 1', 'members revoke nothing');
SELECT is(pg_temp.got('quota_owner', $$SELECT revoke_tenant('acme', 'quota_member')$$), 'done', 'owners do');
SELECT is(pg_temp.got('quota_member', $$SELECT count(*) FROM tenant$$), '0', 'and it sees nothing any more');
SELECT is(pg_temp.tried($$SELECT revoke_tenant('acme', 'quota_member')$$), '42704 role "quota_member" was not granted tenant 1', 'not twice');
SELECT is(pg_temp.got('quota_owner', $$SELECT revoke_operator('quota_operator')$$), '42501 permission denied: "quota_owner" is not an operator', 'operators by operators');
SELECT is(pg_temp.tried($$SELECT revoke_operator('quota_operator')$$), 'done', 'revoke_operator');
SELECT is(pg_temp.tried($$SELECT revoke_operator('quota_owner')$$), '42704 role "quota_owner" is no operator', 'it is none');
SELECT is((SELECT count(*) FROM event WHERE kind = 'member_revoked'), 1::bigint, 'an event each');

-- ---- contracts ----

SELECT set_contract('acme', '2026-05-01', 'EUR', 'Asia/Shanghai', '1 day', 'cut');
SELECT results_eq($$SELECT from_month::text, currency, time_zone, cycle, rounding::text FROM contract WHERE tenant_id = 1 ORDER BY from_month$$,
    $$VALUES ('2000-01-01', 'USD', 'UTC', interval '1 hour', 'half_up'), ('2026-05-01', 'EUR', 'Asia/Shanghai', '1 day', 'cut')$$, 'from a month on');
SELECT set_contract('acme', '2026-05-01', 'USD', 'Asia/Shanghai');
SELECT is((SELECT currency FROM contract WHERE from_month = '2026-05-01'), 'USD', 'set again');
SELECT is(pg_temp.tried($$SELECT set_contract('acme', '2026-03-01', 'EUR', 'UTC')$$), '55000 the month of 2026-03-01 has begun', 'not for a month that has begun');
SELECT is(pg_temp.tried($$SELECT set_contract('acme', '2026-04-02', 'EUR', 'UTC')$$), '22023 invalid value for argument "from_month"', 'whole months');
SELECT is(pg_temp.tried(format('SELECT set_contract(''acme'', %L, ''EUR'', ''UTC'')', d)), '22023 invalid value for argument "from_month"', d)
FROM unnest('{infinity,5874897-12-01,10000-01-01}'::text[]) AS d;
SELECT throws_ok($$INSERT INTO contract (tenant_id, from_month, currency, time_zone) VALUES (1, 'infinity', 'EUR', 'UTC')$$, '23514', NULL,
    'the table refuses one that never begins');
SELECT is(pg_temp.tried($$SELECT set_contract('acme', '2026-04-01', 'eur', 'UTC')$$), '22023 invalid currency code "eur"', 'currency');
SELECT is(pg_temp.tried($$SELECT set_contract('acme', '2026-04-01', 'EUR', 'CET-1')$$), '22023 time zone "CET-1" is not a name', 'time zone');
SELECT is(pg_temp.tried($$SELECT set_contract('acme', '2026-04-01', 'EUR', 'UTC', '7 minutes')$$), '22023 invalid billing cycle', 'cycle');
SELECT is(pg_temp.tried($$SELECT set_contract(0, '2026-04-01', 'EUR', 'UTC')$$), '22023 the provider has no contract', 'the provider');
SELECT is(pg_temp.got('quota_owner', $$SELECT set_contract('acme', '2026-04-01', 'EUR', 'UTC')$$), '42501 permission denied: "quota_owner" is not an operator', 'operators only');
-- 17:00 in UTC is the next day in Shanghai, where the month has begun
SET pool_manager.clock = '2026-03-31 17:00:00+00';
SELECT is(pg_temp.tried($$SELECT set_contract('acme', '2026-04-01', 'EUR', 'UTC')$$), '55000 the month of 2026-04-01 has begun', 'in one of its time zones');
SELECT is(pg_temp.tried($$SELECT set_contract('beta', '2026-04-01', 'EUR', 'UTC')$$), '55000 the month of 2026-04-01 has begun', 'in the one in force');
SELECT is(pg_temp.tried($$SELECT set_contract('acme', '2026-06-01', 'EUR', 'UTC')$$), 'done', 'a later month');

-- ---- catalogue ----

SELECT set_flavor_sale('gpu4', 'sold_out');
SELECT is((SELECT sale::text FROM flavor WHERE name = 'gpu4'), 'sold_out', 'sold out');
SELECT set_flavor_sale('gpu4', 'on_sale'), set_flavor('gpu4', 'cpu=2,memory=8Gi', 4);
SELECT is((SELECT (reserved::text, max_replicas)::text FROM flavor WHERE name = 'gpu4'), '("cpu=2,memory=8Gi",4)', 'reserved and most replicas');
SELECT set_flavor('gpu4', max_replicas => 0);
SELECT is((SELECT (reserved::text, max_replicas)::text FROM flavor WHERE name = 'gpu4'), '("cpu=2,memory=8Gi",)', 'any number; what is not named stays');
SELECT is(pg_temp.tried($$SELECT set_flavor('gpu4', 'cpu=33')$$), '22023 invalid value for argument "reserved"', 'more than there is');
SELECT is(pg_temp.tried($$SELECT set_flavor('gpu4', 'gpu=1')$$), '22023 invalid value for argument "reserved"', 'devices');
SELECT is(pg_temp.tried($$SELECT set_flavor('gpu4', max_replicas => -1)$$), '22023 invalid value for argument "max_replicas"', 'negative');
SELECT is(pg_temp.tried($$SELECT set_flavor('none', 'cpu=1')$$), '42704 flavor "none" does not exist', 'unknown');
SELECT is(pg_temp.tried($$SELECT create_flavor('x', 'cpu=4', reserved => 'memory=1Gi')$$), '22023 invalid value for argument "reserved"', 'create_flavor: more than there is');
SELECT is(pg_temp.tried($$SELECT create_flavor('x', 'cpu=4', max_replicas => -1)$$), '22023 invalid value for argument "max_replicas"', 'create_flavor: negative');
SELECT create_flavor('kept', 'cpu=4', reserved => 'cpu=1', max_replicas => 1);
SELECT is((SELECT (reserved::text, max_replicas)::text FROM flavor WHERE name = 'kept'), '(cpu=1,1)', 'create_flavor');
SELECT is(pg_temp.got('quota_owner', $$SELECT set_flavor_sale('gpu4', 'sold_out')$$), '42501 permission denied: "quota_owner" is not an operator', 'operators only');
SELECT create_volume_type('SSD', 'core', 10, 100, 'ssd'), create_volume_type('SSD', 'core', 10, 100, 'ssd');
SELECT is((SELECT (sku_id IS NOT NULL, least_gib, most_gib)::text FROM volume_type), '(t,10,100)', 'a volume type, once');
SELECT is(pg_temp.tried($$SELECT create_volume_type('SSD')$$), '42710 volume type "SSD" already exists', 'taken');
SELECT is(pg_temp.tried($$SELECT create_volume_type('HDD', 'card')$$), '22023 SKU "card" is priced once, not by the hour', 'priced once');
SELECT is(pg_temp.tried($$SELECT create_volume_type('HDD', 'none')$$), '42704 SKU "none" does not exist', 'no SKU');
SELECT is(pg_temp.tried($$SELECT create_volume_type('HDD', least_gib => 9, most_gib => 8)$$), '22023 invalid value for argument "least_gib"', 'sizes');
SELECT is(pg_temp.tried($$SELECT create_volume_type(' HDD')$$), '22023 invalid value for argument "name"', 'name');

-- ---- tags, restrictions ----

SELECT tag_pool('lab', '{"team": "vision", "stage": "test"}'), tag_pool('lab', '{"stage": "live", "cost": "7"}', 'create');
SELECT is((SELECT tags::text FROM pool WHERE name = 'lab'), '{"cost": "7", "team": "vision", "stage": "live"}', 'create overwrites');
SELECT tag_pool('lab', '{"cost": "7"}', 'delete');
SELECT is((SELECT tags::text FROM pool WHERE name = 'lab'), '{"team": "vision", "stage": "live"}', 'delete');
SELECT is(pg_temp.tried($$SELECT tag_pool('lab', '{"team": "vision", "stage": "test"}', 'delete')$$), '22023 there is no tag "stage" with value "test"', 'delete: key and value match');
SELECT tag_pool('lab', '{"a": "b"}', 'reset');
SELECT is((SELECT tags::text FROM pool WHERE name = 'lab'), '{"a": "b"}', 'reset');
SELECT is(pg_temp.tried($$SELECT tag_pool('lab', '{}', 'reset')$$), 'done', 'only reset may be without any');
SELECT is(pg_temp.tried($$SELECT tag_pool('lab', '{}')$$), '22023 no tags given', 'create may not');
SELECT is(pg_temp.tried($$SELECT tag_pool('lab', '["a"]')$$), '22023 invalid value for argument "tags"', 'no object');
SELECT is(pg_temp.tried($$SELECT tag_pool('lab', '{"a": 1}')$$), '22023 invalid value for argument "tags"', 'no strings');
SELECT is(pg_temp.tried($$SELECT tag_pool('lab', '{"": "1"}')$$), '22023 invalid value for argument "tags"', 'no key');
SELECT is(pg_temp.tried($$SELECT tag_pool('lab', '{"CCE-x": "1"}')$$), '22023 tag "CCE-x" is reserved', 'reserved');
SELECT is(pg_temp.tried($$SELECT tag_pool('lab', (SELECT jsonb_object_agg(i, 'x') FROM generate_series(1, 19) AS i))$$), 'done', '20 tags');
SELECT is(pg_temp.tried($$SELECT tag_pool('lab', (SELECT jsonb_object_agg(i, 'x') FROM generate_series(1, 20) AS i))$$), '54000 too many tags', '21 tags');
SELECT is(pg_temp.got('quota_viewer', $$SELECT tag_pool('lab', '{"a": "c"}')$$), '42501 permission denied for tenant 1', 'owners only');
SELECT tag_nodes('lab', ARRAY[:'gpu_a', :'gpu_b'], '{"rack": "7"}');
SELECT is((SELECT count(*) FROM node WHERE tags = '{"rack": "7"}'), 2::bigint, 'nodes');
SELECT is(pg_temp.tried(format($$SELECT tag_nodes(%s, '{}', '{"rack": "7"}')$$, :lab)), '22023 no nodes given', 'no nodes');
SELECT is(pg_temp.tried(format($$SELECT tag_nodes(%s, ARRAY[(SELECT max(node_id) FROM node)], '{"rack": "7"}')$$, :lab)),
    (SELECT format('42704 node %s does not exist', max(node_id)) FROM node), 'a node of another pool');
SELECT restrict_pool('lab', '{service,flavor_change,service}');
SELECT is((SELECT restrictions::text FROM pool WHERE name = 'lab'), '{flavor_change,service}', 'restrictions');
SELECT restrict_pool('lab', '{}');
SELECT is((SELECT restrictions::text FROM pool WHERE name = 'lab'), '{}', 'lifted');
SELECT is(pg_temp.tried($$SELECT restrict_pool('lab', '{NULL}')$$), '22004 argument "restrictions" must not contain null', 'NULL');
SELECT is(pg_temp.got('quota_owner', $$SELECT restrict_pool('lab', '{}')$$), '42501 permission denied: "quota_owner" is not an operator', 'operators only');

-- ---- what of a node jobs cannot have ----

SELECT submit_job('lab', 'big', request => 'cpu=30,gpu=4', tenant => 'acme', node_selector => '{}') AS big \gset
SELECT n.name AS busy FROM allocation a JOIN node n USING (pool_id, node_id) WHERE a.pool_id = :lab AND a.released_at IS NULL \gset
SELECT is(pg_temp.tried(format($$SELECT set_node_reserved('lab', ARRAY[%L], 'cpu=3')$$, :'busy')),
    format('PM002 jobs hold what is to be reserved on node "%s"', :'busy'), 'jobs hold it');
SET pool_manager.clock = '2026-04-01 00:00:00+00';
SELECT set_node_reserved('lab', ARRAY[:'busy'], 'cpu=2');
SELECT is((SELECT l.allocatable::text FROM node_load l JOIN node n USING (pool_id, node_id) WHERE n.name = :'busy'), 'cpu=30,gpu=4,memory=128Gi', 'less for jobs');
SELECT is((SELECT (state, until, allocatable::text)::text FROM node_period), '(available,"2026-04-01 00:00:00+00","cpu=32,gpu=4,memory=128Gi")', 'what it was is kept');
SELECT is((SELECT state_since FROM node WHERE name = :'busy'), timestamptz '2026-04-01 00:00:00+00', 'a new period begins');
SELECT set_node_reserved('lab', ARRAY[:'busy'], 'memory=28Gi');
SELECT is((SELECT l.allocatable::text FROM node_load l JOIN node n USING (pool_id, node_id) WHERE n.name = :'busy'), 'cpu=32,gpu=4,memory=100Gi', 'replaced, not added');
SELECT is(pg_temp.tried(format($$SELECT set_node_reserved('lab', ARRAY[%L], 'gpu=1')$$, :'busy')), format('22023 node "%s" cannot have "gpu=1" reserved', :'busy'), 'devices');
SELECT is(pg_temp.tried(format($$SELECT set_node_reserved('lab', ARRAY[%L], 'cpu=33')$$, :'busy')), format('22023 node "%s" cannot have "cpu=33" reserved', :'busy'), 'more than it has');
SELECT is(pg_temp.tried(format($$SELECT set_node_reserved('lab', ARRAY[%L], 'cpu=-1')$$, :'busy')), format('22023 node "%s" cannot have "cpu=-1" reserved', :'busy'), 'negative');

SELECT * FROM finish();
ROLLBACK;
