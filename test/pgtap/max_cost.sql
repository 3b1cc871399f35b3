-- max_cost: a run that would cost more, by the quote, is refused: by submit_job,
-- submit_jobs, submit_workflow and resume_job.
--
-- A GPU-hour costs 2.00, at least 60 s of a run: two GPUs for 90 minutes 6.00,
-- one for 10 s 2 x 60 / 3600 = 0.033333333334, a quantity of twelve digits. A GiB
-- of a volume costs 0.01 an hour: 100 of them for an hour 1.00.
BEGIN;
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
\ir include/calls.sql
SELECT no_plan();

SELECT pg_temp.at('2026-03-02 09:00');
SELECT create_tenant('acme', 'USD', 'UTC'), create_sku('gpu', 'GPU'), create_sku('disk', 'GiB'), create_sku('node', 'node'),
       create_flavor('g4', 'cpu=8,nvidia.com/gpu=4', 'node', accelerator => 'nvidia.com/gpu'),
       set_resource_sku('g4', 'nvidia.com/gpu=1', 'gpu'), set_resource_sku('g4', 'cpu=1', NULL), create_volume_type('SSD', 'disk'),
       create_network('net', '10.0.0.0/24', 'acme'), create_pool('commons', 'public');
SELECT create_pool('own', 'dedicated', 'acme', 'net');
SELECT count(*) FROM add_nodes('commons', 'g4');
SELECT count(*) FROM add_nodes('own', 'g4');
CREATE ROLE cost_member;
SELECT grant_tenant('acme', 'cost_member', 'member');

-- what submit_job says of these arguments, and nothing stays
CREATE FUNCTION pg_temp.said(arguments text, pool text DEFAULT 'commons') RETURNS text LANGUAGE sql AS
    $$SELECT regexp_replace(pg_temp.tried(format('SELECT submit_job(%L, ''train'', tenant => ''acme'', %s)', pool, arguments)), '^\d+$', 'taken')$$;

SELECT is(pg_temp.said($$request => 'nvidia.com/gpu=2', time_limit => '90 minutes', max_cost => 6$$),
    '55000 what job "train" would cost cannot be told', 'without a price');
CREATE FUNCTION pg_temp.detail(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE query;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS result = PG_EXCEPTION_DETAIL;
    RETURN result;
END $$;
SELECT is(pg_temp.detail($$SELECT submit_job('commons', 'train', tenant => 'acme', request => 'nvidia.com/gpu=2', time_limit => '90 minutes', max_cost => 6)$$),
    'SKU "gpu" has no price in USD now: with max_cost everything that the job holds needs one.', 'and what has none is named');
SELECT set_price('gpu', '2', '2026-01-01', currency => 'USD', minimum_seconds => 60), set_price('disk', '0.01', '2026-01-01', currency => 'USD'),
       set_price('node', '10', '2026-01-01', currency => 'USD');

SELECT is(pg_temp.said(arguments), expected, arguments) FROM (VALUES
    ($$request => 'nvidia.com/gpu=2', time_limit => '90 minutes', max_cost => 6$$, 'taken'),
    ($$request => 'nvidia.com/gpu=2', time_limit => '90 minutes', max_cost => 5.999999$$,
        '7 job "train" would cost 6 USD, more than its max_cost of 5.999999'),
    ($$request => 'nvidia.com/gpu=2', time_limit => '90 minutes', max_cost => NULL$$, 'taken'),
    ($$request => 'nvidia.com/gpu=1', replicas => 2, time_limit => '90 minutes', max_cost => 5$$,
        '7 job "train" would cost 6 USD, more than its max_cost of 5'),
    ($$request => 'nvidia.com/gpu=1', time_limit => '10 seconds', max_cost => 0.033333333334$$, 'taken'),
    ($$request => 'nvidia.com/gpu=1', time_limit => '10 seconds', max_cost => 0.033333333333$$,
        '7 job "train" would cost 0.033333333334 USD, more than its max_cost of 0.033333333333'),
    -- from 0.7 s to 1.2 s is a second, from 0.7 s to 61.2 s are 61: 2 x 0.016944444444
    ($$request => 'nvidia.com/gpu=1', time_limit => '0.5 seconds', max_cost => 0.03$$,
        '7 job "train" would cost 0.033333333334 USD, more than its max_cost of 0.03'),
    ($$request => 'nvidia.com/gpu=1', time_limit => '60.5 seconds', max_cost => 0.0338$$,
        '7 job "train" would cost 0.033888888888 USD, more than its max_cost of 0.0338'),
    ($$request => 'cpu=1', time_limit => '1 hour', max_cost => 0$$, 'taken'),
    ($$kind => 'notebook', request => 'cpu=1', auto_stop => '1 hour', volume_gib => 100, volume_type => 'SSD', max_cost => 1$$, 'taken'),
    ($$kind => 'notebook', request => 'cpu=1', auto_stop => '1 hour', volume_gib => 100, volume_type => 'SSD', max_cost => 0.99$$,
        '7 job "train" would cost 1 USD, more than its max_cost of 0.99'),
    ($$request => 'nvidia.com/gpu=2', max_cost => 6$$, '22023 invalid value for argument "max_cost"'),
    ($$request => 'nvidia.com/gpu=2', time_limit => '1 hour', max_cost => -0.01$$, '22023 invalid value for argument "max_cost"'),
    ($$request => 'nvidia.com/gpu=2', time_limit => '1 hour', max_cost => 'NaN'$$, '22023 invalid value for argument "max_cost"'),
    ($$request => 'nvidia.com/gpu=2', time_limit => '1 hour', max_cost => 'Infinity'$$, '22023 invalid value for argument "max_cost"'),
    ($$request => 'nvidia.com/gpu=2', time_limit => '1 hour', max_cost => 1e24$$, '22023 invalid value for argument "max_cost"')) AS v(arguments, expect),
    LATERAL (SELECT regexp_replace(v.expect, '^7 ', 'PM007 ')) AS e(expected);
SELECT is(pg_temp.said($$flavor => 'g4', time_limit => '1 hour', max_cost => 0$$, 'own'), 'taken', 'the nodes of a dedicated pool are paid anyway');
SELECT is(pg_temp.tried($$SELECT cost FROM quote_job('commons', 'train', tenant => 'acme', request => 'nvidia.com/gpu=2', time_limit => '90 minutes', max_cost => 5)$$),
    'PM007 job "train" would cost 6 USD, more than its max_cost of 5', 'a quote has the errors of submit_job');

-- ---- the pool's time limit ----

SELECT create_pool('brief', 'public', default_time_limit => '30 minutes');
SELECT count(*) FROM add_nodes('brief', 'g4');
SELECT is(pg_temp.said($$request => 'nvidia.com/gpu=4', max_cost => 4$$, 'brief'), 'taken', 'four for the half hour of the pool');
SELECT is(pg_temp.said($$request => 'nvidia.com/gpu=4', max_cost => 3$$, 'brief'),
    'PM007 job "train" would cost 4 USD, more than its max_cost of 3', 'and not for less');

-- ---- many at once ----

CREATE FUNCTION pg_temp.context(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE query;
    RETURN 'done';
EXCEPTION WHEN SQLSTATE 'PM007' OR SQLSTATE 'PM004' THEN
    GET STACKED DIAGNOSTICS result = PG_EXCEPTION_CONTEXT;
    RETURN sqlerrm || ', ' || split_part(result, E'\n', 1);
END $$;
SELECT is(pg_temp.context($$SELECT submit_jobs('commons', 'SELECT ''sweep'' AS name, ''nvidia.com/gpu=1'' AS request, ''1 hour''::interval AS time_limit, i AS max_cost FROM generate_series(3, 1, -1) i', 'acme')$$),
    'job "sweep" would cost 2 USD, more than its max_cost of 1, row 3 of the query', 'the row is named');
SELECT is(pg_temp.context($$SELECT submit_workflow('commons', 'flow', '[{"request": "nvidia.com/gpu=1", "time_limit": "1 hour", "max_cost": 2}, {"request": "nvidia.com/gpu=1", "time_limit": "2 hours", "max_cost": 3.5}]', 'acme')$$),
    'job "flow.2" would cost 4 USD, more than its max_cost of 3.5, phase 2 of the workflow', 'the phase is named');
SELECT is(pg_temp.tried($$SELECT submit_workflow('commons', 'flow', '[{"request": "nvidia.com/gpu=1", "time_limit": "1 hour", "max_cost": "2"}]', 'acme')$$),
    '22023 invalid value for argument "phases"', 'a number');
SELECT is(pg_temp.context($$SELECT submit_jobs('commons', 'SELECT ''sweep'' AS name, ''nvidia.com/gpu=1'' AS request, ''1 hour''::interval AS time_limit, 1 + i AS max_cost, ''s'' AS request_id FROM generate_series(1, 2) i', 'acme')$$),
    'request_id "s" was used before with other content, row 2 of the query', 'and the row whose request_id another has');
SELECT is_empty('SELECT FROM job', 'of all that was refused nothing is left');
SELECT is((SELECT count(*) FROM submit_jobs('commons', $$SELECT 'sweep' AS name, 'nvidia.com/gpu=1' AS request, '1 hour'::interval AS time_limit, i AS max_cost FROM generate_series(3, 2, -1) i$$, 'acme')),
    2::bigint, 'all that may');
SELECT results_eq('SELECT max_cost FROM job ORDER BY job_id', 'VALUES (3::numeric), (2)', 'they carry it');

-- ---- the same request again; who calls ----

SELECT submit_job('commons', 'once', tenant => 'acme', request => 'nvidia.com/gpu=1', time_limit => '1 hour', max_cost => 2, request_id => 'r1') AS once \gset
SELECT is(pg_temp.tried($$SELECT submit_job('commons', 'once', tenant => 'acme', request => 'nvidia.com/gpu=1', time_limit => '1 hour', max_cost => 2.00, request_id => 'r1')$$),
    :'once', 'the same');
SELECT is(pg_temp.tried($$SELECT submit_job('commons', 'once', tenant => 'acme', request => 'nvidia.com/gpu=1', time_limit => '1 hour', request_id => 'r1')$$),
    'PM004 request_id "r1" was used before with other content', 'without it');
SET search_path = public;
SELECT is(pg_temp.got('cost_member', $$SELECT pool_manager.submit_job('commons', 'mine', request => 'nvidia.com/gpu=1', time_limit => '1 hour', max_cost => 1)$$),
    'PM007 job "mine" would cost 2 USD, more than its max_cost of 1', 'a member, whatever its path');
SET search_path TO pool_manager, public;
SELECT throws_ok('UPDATE job SET max_cost = 1', NULL, NULL, 'what was asked is written once');
SELECT throws_ok($$INSERT INTO job SELECT (jsonb_populate_record(j, '{"job_id": 1000000, "max_cost": -1, "request_id": null}')).* FROM job j LIMIT 1$$, '23514',
    NULL, 'nor is it below 0 by hand');

-- ---- resumed at another price ----

SELECT submit_job('brief', 'notes', 'notebook', tenant => 'acme', request => 'nvidia.com/gpu=1', auto_stop => '15 minutes', max_cost => 0.5) AS notes \gset
SELECT count(*) FROM schedule('brief');
SELECT stop_job(:notes);
SELECT pg_temp.at('2026-03-02 10:00');
SELECT is(resume_job(:notes), 'queued', 'at the same price it goes on: 0.25 h x 2.00');
SELECT count(*) FROM schedule('brief');
SELECT stop_job(:notes);
SELECT set_price('gpu', '2.40', '2026-03-02 10:00', currency => 'USD');
SELECT is(pg_temp.tried(format('SELECT resume_job(%s)', :notes)), 'PM007 job "notes" would cost 0.6 USD, more than its max_cost of 0.5', 'at a higher one it rests');
SELECT is((SELECT state FROM job_status WHERE job_id = :notes), 'stopped', 'as before');
-- a quarter of an hour at 400 yen
SELECT set_contract('acme', '2026-04-01', 'JPY', 'UTC'), set_price('gpu', '400', '2026-01-01', currency => 'JPY');
SELECT pg_temp.at('2026-04-01 00:00');
SELECT is(pg_temp.tried(format('SELECT resume_job(%s)', :notes)), 'PM007 job "notes" would cost 100 JPY, more than its max_cost of 0.5', 'in the currency of now');

SELECT * FROM finish();
ROLLBACK;
