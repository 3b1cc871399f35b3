-- Job types of pools, and single-purpose pools that become unified ones.
-- Expected follows from the table of states: enabling -> enabled or
-- enable_failed; enabled -> disabling; enable_failed -> enabling or disabling;
-- disabling -> disabled, or back to enabled; disabled -> enabling.
BEGIN;
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET pool_manager.clock = '2026-03-01 00:00:00+00';
SELECT plan(94);

CREATE ROLE types_viewer;
CREATE ROLE types_owner;
CREATE ROLE types_operator;
SELECT create_tenant('acme', 'USD', 'UTC') AS acme \gset
SELECT grant_tenant('acme', 'types_viewer', 'viewer'), grant_tenant('acme', 'types_owner', 'owner'), grant_operator('types_operator');
SELECT create_sku('node', 'node'), create_flavor('cpu8', 'cpu=8', 'node');
SELECT set_resource_sku('cpu8', 'cpu=1', NULL);
SELECT create_network('net', '10.0.0.0/24', 'acme');
SELECT create_pool('lab', 'dedicated', 'acme', 'net', job_types => '{training,notebook}') AS lab,
    create_pool('agents', 'dedicated', 'acme', 'net', launch => 'agent') AS agents, create_pool('open', 'public') AS open \gset
SELECT add_nodes('lab', 'cpu8', 1), add_nodes('agents', 'cpu8', 1), add_nodes('open', 'cpu8', 1);

\ir include/calls.sql
-- DETAIL and HINT of what is refused
CREATE FUNCTION pg_temp.more(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d text;
    h text;
BEGIN
    EXECUTE query;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN d || ' ' || h;
END $$;
-- the types of a pool and their states
CREATE FUNCTION pg_temp.types(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat(t.kind, ' ', t.state), ', ' ORDER BY t.kind) FROM pool_job_type t JOIN pool p USING (pool_id) WHERE p.name = types.pool
$$;

-- ---- every pair of states, by hand ----

INSERT INTO pool_job_type (pool_id, kind, state) VALUES (:lab, 'workflow', 'enabled');
CREATE FUNCTION pg_temp.turn(a job_type_state, b job_type_state) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    UPDATE pool_job_type t SET state = a FROM pool p WHERE p.pool_id = t.pool_id AND p.name = 'lab' AND t.kind = 'workflow';
    PERFORM set_config('session_replication_role', 'origin', true);
    UPDATE pool_job_type t SET state = b FROM pool p WHERE p.pool_id = t.pool_id AND p.name = 'lab' AND t.kind = 'workflow';
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;
SELECT is(pg_temp.turn(a, b),
    CASE WHEN a = b OR (a, b) IN (('enabling', 'enabled'), ('enabling', 'enable_failed'), ('enabled', 'disabling'), ('enable_failed', 'enabling'),
        ('enable_failed', 'disabling'), ('disabling', 'disabled'), ('disabling', 'enabled'), ('disabled', 'enabling')) THEN 'done'
    ELSE format('PM002 pool_job_type cannot go from %s to %s', a, b) END, format('from %s to %s', a, b))
FROM unnest(enum_range(NULL::job_type_state)) AS a, unnest(enum_range(NULL::job_type_state)) AS b ORDER BY a, b;
DELETE FROM pool_job_type WHERE kind = 'workflow' AND pool_id = :lab;

-- ---- an instant provider ----

SELECT is(pg_temp.types('lab'), 'training enabled, notebook enabled', 'as it was made');
SELECT set_job_types('lab', '{training,inference}');
SELECT is(pg_temp.types('lab'), 'training enabled, inference enabled, notebook disabled', 'one more, one less');
SELECT results_eq($$SELECT from_state, to_state, reason, actor FROM event WHERE kind = 'job_type_state' ORDER BY event_id$$,
    $$VALUES ('enabled', 'disabling', 'notebook', current_user), ('disabling', 'disabled', 'notebook', current_user),
        (NULL, 'enabling', 'inference', current_user), ('enabling', 'enabled', 'inference', current_user)$$, 'an event each');
SELECT set_job_types('lab', '{inference,training,training}');
SELECT is((SELECT count(*) FROM event WHERE kind = 'job_type_state'), 4::bigint, 'the same again is nothing');
SELECT is(pg_temp.tried($$SELECT submit_job('lab', 'n', 'notebook', request => 'cpu=1', tenant => 'acme')$$),
    'PM003 pool "lab" does not take notebook jobs', 'a disabled type is not taken');
SELECT set_job_types('lab', '{training,inference,notebook}');
SELECT is(pg_temp.types('lab'), 'training enabled, inference enabled, notebook enabled', 'enabled again');

-- jobs that stand in the way
SELECT submit_job('lab', 'train', request => 'cpu=1', tenant => 'acme') AS train, submit_job('lab', 'note', 'notebook', request => 'cpu=4', tenant => 'acme') AS note,
    submit_job('lab', 'note2', 'notebook', request => 'cpu=8', tenant => 'acme') AS note2 \gset
SELECT results_eq($$SELECT job_id, name, tenant_id, kind::text, state::text FROM job_type_victims('lab', '{notebook,inference}')$$,
    format($$VALUES (%s::bigint, 'note', 1::bigint, 'notebook', 'running'), (%s, 'note2', 1, 'notebook', 'queued')$$, :note, :note2), 'victims');
SELECT is((SELECT count(*) FROM job_type_victims('lab', '{}')), 0::bigint, 'no types, no victims');
SELECT is(pg_temp.tried($$SELECT set_job_types('lab', '{training}')$$), 'PM002 disabling inference, notebook would end 2 jobs', 'not without force');
SELECT is(pg_temp.more($$SELECT set_job_types('lab', '{training}')$$),
    format('They are %s, %s. job_type_victims() lists them; force => true ends them.', :note, :note2), 'which');
SELECT is(pg_temp.types('lab'), 'training enabled, inference enabled, notebook enabled', 'and nothing was done');
SET pool_manager.clock = '2026-03-01 01:00:00+00';
SELECT set_job_types('lab', '{training}', force => true);
SELECT is(pg_temp.types('lab'), 'training enabled, inference disabled, notebook disabled', 'with force');
SELECT is((SELECT string_agg(state::text, ' ' ORDER BY job_id) FROM job_status WHERE job_id IN (:train, :note, :note2)), 'running cancelled cancelled',
    'waiting ones and running ones end, others do not');
SELECT is((SELECT end_reason FROM job_run WHERE job_id = :note), 'job type disabled', 'why');
SELECT is((SELECT reason FROM event WHERE job_id = :note2 AND to_state = 'cancelled'), 'job type disabled', 'why, of one that never ran');
SELECT is((SELECT allocated::text FROM node_load l WHERE pool_id = :lab), 'cpu=1', 'what they held is free');
SELECT is(pg_temp.tried($$SELECT set_job_types('lab', '{training,inference}', true)$$), 'done', 'force does no harm where nothing is in the way');

-- what is refused
SELECT is(pg_temp.tried($$SELECT set_job_types('lab', '{}')$$), '22023 no job types given', 'none at all');
SELECT is(pg_temp.tried($$SELECT set_job_types('lab', '{training,NULL}')$$), '22004 argument "job_types" must not contain null', 'NULL among them');
SELECT is(pg_temp.tried($$SELECT set_job_types('lab', NULL)$$), '22004 argument "job_types" must not be null', 'NULL');
SELECT is(pg_temp.tried($$SELECT set_job_types('open', '{training}')$$), 'PM003 public pool "open" does not offer a choice of job types', 'public pools do not');
SELECT is(pg_temp.tried($$SELECT job_type_victims('open', '{training}')$$), format('PM003 pool %s does not offer a choice of job types', :open), 'victims neither');
SELECT is(pg_temp.tried($$SELECT retry_job_type('open', 'training')$$), 'PM003 public pool "open" does not offer a choice of job types', 'nor to try again');
SELECT is(pg_temp.tried($$SELECT set_job_types('none', '{training}')$$), '42704 pool "none" does not exist', 'no such pool');
SELECT is(pg_temp.got('types_viewer', $$SELECT set_job_types('lab', '{training}')$$), '42501 permission denied for tenant 1', 'viewers change nothing');
SELECT is(pg_temp.got('types_viewer', $$SELECT count(*) FROM job_type_victims('lab', '{training}')$$), '1', 'but see victims');
SELECT is(pg_temp.got('types_owner', $$SELECT set_job_types('lab', '{training}')$$), 'done', 'owners do');
SELECT is(pg_temp.got('types_owner', $$SELECT job_type_ready('lab', 'training')$$), '42501 permission denied: "types_owner" is not an operator', 'owners report nothing');
SELECT is(pg_temp.got('types_owner', $$SELECT job_type_failed('lab', 'training', 'x')$$), '42501 permission denied: "types_owner" is not an operator', 'nor failures');
SELECT is(pg_temp.got('types_owner', $$SELECT customize_pool(1, 'x')$$), '42501 permission denied for function customize_pool', 'internal');
UPDATE pool SET state = 'abnormal' WHERE name = 'lab';
SELECT is(pg_temp.tried($$SELECT set_job_types('lab', '{training}')$$), 'PM002 pool "lab" is not running', 'a pool that does not run');
UPDATE pool SET state = 'running' WHERE name = 'lab';
SELECT restrict_pool('lab', '{frozen}');
SELECT is(pg_temp.tried($$SELECT set_job_types('lab', '{training}')$$), 'PM002 pool "lab" is frozen', 'a frozen pool');
SELECT restrict_pool('lab', '{}');

-- ---- an agent lets jobs go ----

SELECT submit_job('agents', 'a', 'notebook', request => 'cpu=1', tenant => 'acme') AS a \gset
SELECT start_job(:a), set_job_types('agents', '{training}', true);
SELECT is(pg_temp.types('agents'), 'training enabled, inference disabled, notebook disabling, workflow disabled', 'disabling until they have ended');
SELECT is((SELECT state::text FROM job_status WHERE job_id = :a), 'stopping', 'they are stopping');
SELECT set_job_types('agents', '{training}');
SELECT is(pg_temp.types('agents'), 'training enabled, inference disabled, notebook disabling, workflow disabled', 'and still');
SELECT is(pg_temp.tried($$SELECT set_job_types('agents', '{training,notebook}'), pg_temp.types('agents')$$), 'done', 'a type may come back meanwhile');
SELECT finish_job(:a);
SELECT set_job_types('agents', '{training}');
SELECT is(pg_temp.types('agents'), 'training enabled, inference disabled, notebook disabled, workflow disabled', 'disabled at last');
-- one that was coming to rest when its type was disabled does not rest for ever
SELECT set_job_types('agents', '{training,notebook}');
SELECT submit_job('agents', 'r', 'notebook', request => 'cpu=1', tenant => 'acme') AS r \gset
SELECT start_job(:r), stop_job(:r), set_job_types('agents', '{training}', true);
SELECT is(finish_job(:r), 'stopped', 'it was told to rest');
SELECT count(*) FROM schedule('agents');
SELECT is((SELECT end_state FROM job WHERE job_id = :r), 'cancelled', 'the next pass ends it');
SELECT is(pg_temp.types('agents'), 'training enabled, inference disabled, notebook disabled, workflow disabled', 'and the type is disabled, by itself');

-- ---- an external provider ----

SET session_replication_role = replica;
UPDATE pool SET provider = 'external' WHERE name = 'lab';
SET session_replication_role = origin;
SELECT set_job_types('lab', '{training,notebook,workflow}');
SELECT is(pg_temp.types('lab'), 'training enabled, inference disabled, notebook enabling, workflow enabling', 'enabling until the provider says so');
SELECT is(pg_temp.tried($$SELECT submit_job('lab', 'n', 'notebook', request => 'cpu=1', tenant => 'acme')$$),
    'PM003 pool "lab" does not take notebook jobs', 'not taken yet');
SELECT is(pg_temp.got('types_operator', $$SELECT job_type_ready('lab', 'notebook')$$), 'done', 'operators report');
SELECT job_type_failed('lab', 'workflow', 'no capacity for the controller');
SELECT is(pg_temp.types('lab'), 'training enabled, inference disabled, notebook enabled, workflow enable_failed', 'ready, and failed');
SELECT is((SELECT reason FROM pool_job_type WHERE pool_id = :lab AND kind = 'workflow'), 'no capacity for the controller', 'why');
SELECT is(pg_temp.tried($$SELECT job_type_ready('lab', 'workflow')$$), format('PM002 job type workflow of pool %s is not enabling', :lab), 'too late');
SELECT is(pg_temp.tried($$SELECT retry_job_type('lab', 'notebook')$$), format('PM002 job type notebook of pool %s is not enable_failed', :lab), 'nothing to try again');
SELECT retry_job_type('lab', 'workflow');
SELECT is((SELECT concat(state, reason) FROM pool_job_type WHERE pool_id = :lab AND kind = 'workflow'), 'enabling', 'once more');
SELECT set_job_types('lab', '{training}');
SELECT is(pg_temp.types('lab'), 'training enabled, inference disabled, notebook disabled, workflow disabled', 'one that was still being enabled');
SELECT is((SELECT string_agg(to_state, ' ' ORDER BY event_id) FROM event WHERE kind = 'job_type_state' AND pool_id = :lab AND reason LIKE 'workflow%'),
    'enabling enable_failed enabling enable_failed disabling disabled', 'step by step');

-- ---- single-purpose pools ----

SET session_replication_role = replica;
UPDATE pool SET provider = 'instant', unified = false WHERE name = 'lab';
SET session_replication_role = origin;
SELECT is(pg_temp.tried($$SELECT set_job_types('lab', '{training,notebook}')$$), 'PM003 job types of pool "lab" cannot be changed', 'not in a single-purpose pool');
SELECT is(pg_temp.more($$SELECT set_job_types('lab', '{training,notebook}')$$),
    'It is a single-purpose pool. Make it a unified one with migrate_pool().', 'what to do');
SELECT is(pg_temp.tried($$SELECT migrate_pool('agents')$$), 'PM002 pool "agents" is a unified pool', 'nothing to migrate');
SELECT is(pg_temp.tried($$SELECT migrate_pool('open')$$), 'PM003 public pool "open" does not offer migration', 'public pools');
SELECT is(pg_temp.got('types_viewer', $$SELECT migrate_pool('lab')$$), '42501 permission denied for tenant 1', 'viewers do not');
SELECT migrate_pool('lab') AS migration \gset
SELECT is((SELECT (unified, migrating)::text FROM pool WHERE name = 'lab'), '(t,f)', 'migrated at once');
SELECT is((SELECT (operation, phase, requested_by = current_user)::text FROM pool_order WHERE order_id = :migration), '(migrate,succeeded,t)', 'its order');
SELECT is(pg_temp.types('lab'), 'training enabled, inference disabled, notebook disabled, workflow disabled', 'it keeps its job types');
SELECT is(pg_temp.tried($$SELECT set_job_types('lab', '{training,notebook}')$$), 'done', 'which can be changed now');

SET session_replication_role = replica;
UPDATE pool SET provider = 'external', unified = false WHERE name = 'lab';
SET session_replication_role = origin;
SELECT migrate_pool('lab') AS migration \gset
SELECT is((SELECT (unified, migrating)::text FROM pool WHERE name = 'lab'), '(f,t)', 'migrating');
SELECT is(pg_temp.tried($$SELECT migrate_pool('lab')$$), 'PM002 pool "lab" has an open order', 'one order at a time');
SELECT is(pg_temp.got('types_owner', $$SELECT pool_migrated('lab')$$), '42501 permission denied: "types_owner" is not an operator', 'operators report');
SELECT migration_failed('lab', 'no capacity');
SELECT is((SELECT (unified, migrating)::text FROM pool WHERE name = 'lab'), '(f,f)', 'it stays what it was');
SELECT is((SELECT (phase, reason)::text FROM pool_order WHERE order_id = :migration), '(failed,"no capacity")', 'the order says why');
SELECT is(pg_temp.tried($$SELECT pool_migrated('lab')$$), format('PM002 pool %s is not being migrated', :lab), 'too late');
SELECT migrate_pool('lab') AS migration \gset
SELECT pool_migrated('lab');
SELECT is((SELECT (unified, migrating)::text FROM pool WHERE name = 'lab'), '(t,f)', 'migrated');
SELECT is((SELECT string_agg(to_state, ' ' ORDER BY event_id) FROM event WHERE kind = 'order_phase' AND pool_id = :lab),
    'processing succeeded processing succeeded processing failed processing succeeded', 'events: the creation''s, an attempt''s, the migration''s');
SELECT is(pg_temp.tried($$UPDATE pool SET migrating = true WHERE name = 'lab'$$), '23514 new row for relation "pool" violates check constraint "pool_migrating_check"',
    'by hand: a unified pool does not migrate');
SELECT is(pg_temp.tried($$UPDATE pool SET unified = false WHERE name = 'open'$$), '23514 new row for relation "pool" violates check constraint "pool_public_check"',
    'by hand: public pools are unified');

SELECT * FROM finish();
ROLLBACK;
