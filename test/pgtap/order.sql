-- The order of jobs: scores factor by factor, fair shares with decay, the
-- shortest first. Numbers are worked out by hand or by numeric arithmetic from
-- table allocation.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET pool_manager.clock = '2026-03-02 00:00:00+00';
SELECT plan(89);

CREATE ROLE order_beta;
CREATE ROLE order_acme;
CREATE FUNCTION pg_temp.got(query text, role name DEFAULT current_user) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE query INTO result;
    RESET ROLE;
    RETURN coalesce(result, 'nothing');
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;
CREATE FUNCTION pg_temp.at(instant timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT set_config('pool_manager.clock', instant::text, false)
$$;
-- queued jobs of a pool in order, by name
CREATE FUNCTION pg_temp.line(pool text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(q.job, ' ' ORDER BY q.position) FROM queue q WHERE q.pool = line.pool
$$;

SELECT create_tenant('acme', 'USD', 'UTC') AS acme, create_tenant('beta', 'USD', 'UTC') AS beta, create_tenant('gama', 'USD', 'UTC') AS gama \gset
SELECT grant_tenant('acme', 'order_acme', 'owner'), grant_tenant('beta', 'order_beta', 'member');
SELECT create_sku('node', 'node'), create_flavor('c64', 'cpu=64', 'node'), create_flavor('c1', 'cpu=1', 'node'),
       create_flavor('g4', 'cpu=8,gpu=4', 'node', 'gpu');
SELECT set_resource_sku(f, 'cpu=1', NULL) FROM unnest('{c64,c1,g4}'::text[]) AS f;
SELECT set_resource_sku('g4', 'gpu=1', NULL);
SELECT find_workspace(:acme, 'default') AS acme_ws, find_workspace(:beta, 'default') AS beta_ws \gset

--
-- Published points of the formulas
--

SELECT create_pool('f', 'public') AS f \gset
SELECT add_nodes('f', 'c64', 1);
SELECT is(pg_temp.got($$SELECT set_job_order('f', fair_weight => 1, half_life => '1 day')$$), '', 'weights are set');
SELECT set_fair_share('f', 'acme', 3), set_fair_share('f', 'beta', 7), set_fair_share('f', 'acme', 5, 'default');
INSERT INTO fair_usage VALUES (:f, :acme, :acme_ws, 1, clock()), (:f, :beta, :beta_ws, 1, clock());
CREATE FUNCTION pg_temp.factor_at(in_pool bigint, acme bigint, used numeric, of_all numeric) RETURNS integer LANGUAGE sql AS $$
    UPDATE fair_usage u SET usage = 1e9 * CASE WHEN u.tenant_id = acme THEN used ELSE of_all - used END WHERE u.pool_id = in_pool;
    SELECT factor FROM fair_shares(in_pool) WHERE tenant_id = acme;
$$;
SELECT is(pg_temp.factor_at(:f, :acme, p.used, 10), round(1048576 * p.factor)::integer, format('formula-003-classic-points: %s of a share of 3', p.used))
FROM (VALUES (0, 1.0), (3, 0.5), (6, 0.25), (1.5, 0.70710678)) AS p (used, factor);
SELECT is(pg_temp.factor_at(:f, :acme, u, 10), round(1048576 * power(2::numeric(40, 30), -u / 3))::integer, format('2^-(%s / 3)', u))
FROM unnest('{0.001,0.7,1.9,4.4,7.77,10}'::numeric[]) AS u;
SELECT results_eq(format('SELECT norm_shares, norm_usage, effective_usage FROM fair_shares(%s) WHERE tenant_id = %s', :f, :acme),
    $$VALUES (floor(0.3 * 4294967296)::bigint, 4294967296, 4294967296)$$, 'shares and usage of the whole');

UPDATE fair_usage SET usage = 10000000000 WHERE tenant_id = :acme AND pool_id = :f;
CREATE FUNCTION pg_temp.usage_of(in_pool bigint, tenant bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(usage)::bigint FROM fair_shares(in_pool) WHERE tenant_id = tenant
$$;
SELECT is(pg_temp.usage_of(:f, :acme), 10000000000, 'formula-004-decay: nothing is lost at once');
SELECT pg_temp.at('2026-03-02 12:00:00+00');
SELECT is(pg_temp.usage_of(:f, :acme), 7071067812, 'formula-004-decay: half a half-life leaves 0.70710678');
SELECT pg_temp.at('2026-03-03 00:00:00+00');
SELECT is(pg_temp.usage_of(:f, :acme), 5000000000, 'formula-004-decay: a half-life leaves half');
SELECT pg_temp.at('2026-03-04 00:00:00+00');
SELECT is(pg_temp.usage_of(:f, :acme), 2500000000, 'formula-004-decay: two leave a quarter');

SELECT set_job_order('f', fair_weight => 0, size_weight => 1, size_order => 'large_per_minute');
SELECT submit_job('f', 'sized', request => 'cpu=16', replicas => 2, time_limit => '16 minutes', tenant => 'acme');
SELECT is((SELECT size FROM job_scores(:f)), 32768, 'formula-010-job-size: 32 of 64 for 16 minutes is 0.03125');
SELECT is((SELECT count(*) FROM fair_shares(:f)), 0::bigint, 'without a weight there are no fair shares');
SELECT is((SELECT string_agg(o::text, '|') FROM job_scores(:f) AS o), (SELECT format('(%s,1,1,32768,,,32768)', job_id) FROM job_queue WHERE pool_id = :f),
    'a factor without weight is NULL');

--
-- Age and size
--

SELECT create_pool('as', 'public') AS "as" \gset
SELECT add_nodes('as', 'c64', 1);
SELECT set_job_order('as', age_weight => 100, size_weight => 50, max_age => '10 hours');
SELECT submit_job('as', 'old', request => 'cpu=16', tenant => 'acme');
SELECT pg_temp.at('2026-03-04 02:00:00+00');
SELECT submit_job('as', 'wide', request => 'cpu=1', replicas => 64, tenant => 'beta');
SELECT submit_job('as', 'new', request => 'cpu=1', tenant => 'beta');
-- 2 of 10 hours, a quarter of the pool: 20 + 12.5; nothing, all of it: 50; 1/64: 0.78
SELECT is((SELECT string_agg(format('%s %s', j.name, p.score), ', ' ORDER BY p.position) FROM job_priority p JOIN job j USING (job_id) WHERE p.pool = 'as'),
    'wide 50.00, old 32.50, new 0.78', 'size beats two hours');
SELECT is(pg_temp.line('as'), 'wide old new', 'the queue is in this order');
SELECT pg_temp.at('2026-03-04 06:00:00+00');
-- 6 of 10: 60 + 12.5; 4 of 10: 40 + 50
SELECT is(pg_temp.line('as'), 'wide old new', 'all grow old alike');
SELECT pg_temp.at('2026-03-04 13:00:00+00');
-- 10 of 10: 100 + 12.5; 100 + 50; 100 + 0.78
SELECT is((SELECT string_agg(format('%s %s %s', age, age_score, size_score), ', ' ORDER BY position) FROM job_priority WHERE pool = 'as'),
    '1.0000 100.00 50.00, 1.0000 100.00 12.50, 1.0000 100.00 0.78', 'age ends at 1');
SELECT set_job_order('as', size_order => 'small');
SELECT is(pg_temp.line('as'), 'new old wide', 'small ones first');
SELECT is((SELECT string_agg(size::text, ' ' ORDER BY position) FROM job_priority WHERE pool = 'as'), '0.9844 0.7500 0.0000', 'as one less the share');
SELECT set_job_order('as', age_weight => 1000000, size_weight => 1, max_age => '100 days');
SELECT is(pg_temp.line('as'), 'old new wide', 'a greater weight decides');
SELECT set_job_order('as', age_weight => 0, size_weight => 0);
SELECT is(pg_temp.line('as'), 'old wide new', 'without weights submission does');
SELECT is((SELECT sum(score) FROM job_priority WHERE pool = 'as'), 0.00, 'and all scores are 0');
SELECT set_job_order('as', size_weight => 1, size_order => 'large');
SELECT job_id AS started FROM schedule('as') \gset
SELECT is((SELECT name FROM job WHERE job_id = :started), 'wide', 'a pass starts by score');
SELECT is((SELECT count(*) FROM fair_usage WHERE pool_id = :as), 0::bigint, 'without a fair weight nothing is counted');

--
-- Usage
--

SELECT create_pool('u', 'public') AS u \gset
SELECT add_nodes('u', 'g4', 1);
SELECT submit_job('u', 'before', request => 'cpu=4', tenant => 'gama') AS before \gset
SELECT count(*) FROM schedule('u');
SELECT pg_temp.at('2026-03-04 14:00:00+00');
SELECT set_job_order('u', fair_weight => 1000, half_life => '1 hour');
SELECT finish_job(:before);
SELECT submit_job('u', 'a', request => 'cpu=2,gpu=3', tenant => 'acme') AS a \gset
SELECT count(*) FROM schedule('u');
SELECT is((SELECT count(*) FROM fair_usage WHERE pool_id = :u), 0::bigint, 'what was before the weight does not count');
SELECT pg_temp.at('2026-03-04 15:00:00+00');
-- 3 of 4 devices for a half-life: 0.75 x 3600 s x (1 - 1/2) / ln 2
CREATE FUNCTION pg_temp.near(a numeric, b numeric, by numeric, what text) RETURNS text LANGUAGE sql AS $$
    SELECT ok(abs(a - b) <= by, format('%s: %s is %s', what, a, round(b, 3)))
$$;
SELECT pg_temp.near(pg_temp.usage_of(:u, :acme), 0.75 * 3600e9 * 0.5 / ln(2::numeric(40, 30)), 1, 'dominant share x time, decayed');
SELECT is((SELECT usage FROM fair_share_status WHERE pool = 'u' AND tenant = 'acme'), 1947.638, 'in seconds of the whole pool');
SELECT is((SELECT count(*) FROM fair_usage WHERE pool_id = :u), 0::bigint, 'who looks stores nothing');
SELECT count(*) FROM schedule('u');
SELECT is((SELECT usage FROM fair_usage WHERE pool_id = :u), pg_temp.usage_of(:u, :acme), 'a pass stores what is seen');
SELECT pg_temp.at('2026-03-04 15:30:00+00');
SELECT finish_job(:a);
SELECT pg_temp.at('2026-03-04 16:30:00+00');
SELECT pg_temp.near(pg_temp.usage_of(:u, :acme), 0.75 * 3600e9 / ln(2::numeric(40, 30)) * (power(2::numeric(40, 30), -1) - power(2::numeric(40, 30), -2.5)), 3,
    'a run that has ended counts up to its end');
SELECT pg_temp.usage_of(:u, :acme) AS seen \gset
SELECT count(*) FROM schedule('u');
SELECT count(*) FROM schedule('u');
SELECT pg_temp.near(pg_temp.usage_of(:u, :acme), :seen, 2, 'and once');
SELECT set_job_order('u', half_life => '2 hours');
SELECT is((SELECT max(as_of) FROM fair_usage WHERE pool_id = :u), clock(), 'another half-life');
SELECT pg_temp.near(pg_temp.usage_of(:u, :acme), :seen, 2, 'changes nothing of the past');
SELECT pg_temp.at('2026-03-04 18:30:00+00');
SELECT pg_temp.near(pg_temp.usage_of(:u, :acme), :seen / 2.0, 2, 'and holds from now');
-- the pool grows to twice the size: the same run is half the share
SELECT set_job_order('u', half_life => '0');
SELECT is((SELECT half_life FROM pool WHERE pool_id = :u), NULL, 'a half-life of 0 is none');
SELECT submit_job('u', 'b', request => 'gpu=4', tenant => 'beta') AS b \gset
SELECT count(*) FROM schedule('u');
SELECT add_nodes('u', 'g4', 1);
SELECT pg_temp.at('2026-03-04 19:30:00+00');
SELECT is(pg_temp.usage_of(:u, :beta), 1800 * 1000000000::bigint, 'half the pool for an hour');
SELECT count(*) FROM schedule('u');
SELECT pg_temp.at('2026-03-04 20:30:00+00');
SELECT is(pg_temp.usage_of(:u, :beta), 3600 * 1000000000::bigint, 'and for another, nothing forgotten');
SELECT set_job_order('u', fair_weight => 0);
SELECT is((SELECT usage FROM fair_usage WHERE pool_id = :u AND tenant_id = :beta), 3600 * 1000000000::bigint, 'what was used until the weight goes is kept');
SELECT pg_temp.at('2026-03-04 23:30:00+00');
SELECT count(*) FROM schedule('u');
SELECT set_job_order('u', fair_weight => 1);
SELECT is(pg_temp.usage_of(:u, :beta), 3600 * 1000000000::bigint, 'what was used meanwhile is not counted');

-- Against numeric arithmetic over all that was ever allocated
SELECT create_workspace('acme', 'vision') AS vision \gset
SELECT create_pool('r', 'public') AS r \gset
SELECT add_nodes('r', 'g4', 3);
SELECT set_job_order('r', fair_weight => 1, half_life => '5 hours');
SELECT setseed(0.4);
CREATE FUNCTION pg_temp.live(in_pool bigint, from_time timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    passes integer := 0;
BEGIN
    FOR i IN 1 .. 120 LOOP
        from_time := from_time + random() * interval '20 minutes';
        PERFORM pg_temp.at(from_time);
        IF random() < 0.5 THEN
            PERFORM submit_job(in_pool, 'r' || i, request => format('cpu=%s,gpu=%s', 1 + floor(random() * 4), 1 + floor(random() * 2))::resource_list,
                replicas => 1 + floor(random() * 3)::integer, tenant => t.tenant, workspace => t.workspace)
            FROM (VALUES (1, 'acme', 'default'), (2, 'acme', 'vision'), (3, 'beta', 'default')) AS v (n, tenant, workspace),
                LATERAL (SELECT x.tenant_id AS tenant, w.workspace_id AS workspace FROM tenant x JOIN workspace w USING (tenant_id)
                         WHERE x.name = v.tenant AND w.name = v.workspace) AS t
            ORDER BY random() LIMIT 1;
        END IF;
        IF random() < 0.3 THEN
            PERFORM finish_job(r.job_id) FROM (SELECT job_id FROM job_run WHERE pool_id = in_pool AND ended_at IS NULL ORDER BY random() LIMIT 1) AS r;
        END IF;
        IF random() < 0.4 THEN
            PERFORM schedule(in_pool);
            passes := passes + 1;
        END IF;
    END LOOP;
    RETURN passes;
END $$;
SELECT pg_temp.live(:r, clock()) AS passes \gset
CREATE FUNCTION pg_temp.worked_out(in_pool bigint) RETURNS TABLE (tenant_id bigint, workspace_id bigint, usage numeric) LANGUAGE sql AS $$
    SELECT j.tenant_id, j.workspace_id, sum(
        greatest(a.cpu / 24, a.gpu / 12) * 1e9 * 18000 / ln(2::numeric(60, 40))
        * (power(2::numeric(60, 40), -extract(epoch FROM clock() - a.until) / 18000) - power(2::numeric(60, 40), -extract(epoch FROM clock() - a.since) / 18000)))
    FROM (SELECT a.run_id, a.since, coalesce(a.released_at, clock()) AS until,
                 sum(quantity(a.allocated, 'cpu')) AS cpu, sum(quantity(a.allocated, 'gpu')) AS gpu
          FROM allocation a WHERE a.pool_id = in_pool GROUP BY 1, 2, 3) AS a
    JOIN job_run r ON r.pool_id = in_pool AND r.run_id = a.run_id JOIN job j ON j.pool_id = in_pool AND j.job_id = r.job_id
    GROUP BY 1, 2
$$;
SELECT cmp_ok((SELECT count(*) FROM job_run WHERE pool_id = :r AND ended_at IS NOT NULL), '>', 15::bigint, 'runs began and ended');
SELECT cmp_ok(:passes, '>', 30, 'while passes went by');
SELECT is((SELECT count(*) FROM pg_temp.worked_out(:r)), 3::bigint, 'of three workspaces');
SELECT is_empty(format($$SELECT s.*, w.usage AS worked_out FROM pg_temp.worked_out(%1$s) w FULL JOIN fair_shares(%1$s) s USING (tenant_id, workspace_id)
    WHERE (abs(s.usage - w.usage) <= 10 * %2$s) IS NOT TRUE AND (w.usage > 0 OR s.usage > 0)$$, :r, :passes), 'usage is what numeric arithmetic says');
SELECT is_empty(format($$
    WITH s AS (SELECT *, sum(usage) OVER () AS total, sum(usage) OVER (PARTITION BY tenant_id) AS of_tenant,
                      count(*) OVER (PARTITION BY tenant_id) AS siblings FROM fair_shares(%s))
    SELECT * FROM s WHERE abs(factor - 1048576 * power(2::numeric(60, 40),
        -(usage / total + (of_tenant - usage) / total / siblings) * siblings * 2)) > 1$$, :r), 'and so are the factors');
-- each job behind those of its workspace that were submitted before it: as if they held what they ask for, for 5 minutes
SELECT is_empty(format($$
    WITH s AS (SELECT *, sum(usage) OVER () AS total, sum(usage) OVER (PARTITION BY tenant_id) AS of_tenant,
                      count(*) OVER (PARTITION BY tenant_id) AS siblings FROM fair_shares(%1$s)),
    j AS (SELECT q.job_id, q.tenant_id, q.workspace_id, sum(g.replicas * greatest(quantity(g.request, 'cpu') / 24, quantity(g.request, 'gpu') / 12))
              OVER (PARTITION BY q.workspace_id ORDER BY q.submitted_at, q.job_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ahead
          FROM job_queue q JOIN task_group g USING (pool_id, shape_id) WHERE q.pool_id = %1$s)
    SELECT job_id, o.fair_share FROM job_scores(%1$s) o JOIN j USING (job_id) JOIN s USING (tenant_id, workspace_id)
    WHERE abs(o.fair_share - 1048576 * power(2::numeric(60, 40),
        -(usage / total + (of_tenant - usage) / total / siblings + coalesce(ahead, 0) * least(1, 300e9 / total)) * siblings * 2)) > 2$$, :r),
    'a job counts those ahead of it');
SELECT is((SELECT array_agg(job_id ORDER BY position) FROM queue_order(:r)),
    (SELECT array_agg(s.job_id ORDER BY s.fair_share DESC, q.submitted_at, q.job_id) FROM job_scores(:r) s JOIN job_queue q USING (job_id)),
    'the queue is in the order of factors');
SELECT cmp_ok((SELECT count(*) FROM queue_order(:r)), '>', 5::bigint, 'of several jobs');

-- Who comes next, where one job runs at a time
CREATE FUNCTION pg_temp.turns(pool text, n integer, from_time timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text[] := '{}';
    job bigint;
BEGIN
    FOR i IN 1 .. n LOOP
        PERFORM pg_temp.at(from_time + i * interval '1 hour');
        IF job IS NOT NULL THEN
            PERFORM finish_job(job);
        END IF;
        SELECT s.job_id INTO job FROM schedule(turns.pool) AS s;
        said := said || (SELECT j.name::text FROM job j WHERE j.job_id = job);
    END LOOP;
    RETURN array_to_string(said, ' ');
END $$;
SELECT create_pool('even', 'public'), create_pool('odd', 'public'), create_pool('plain', 'public');
SELECT add_nodes(p, 'c1', 1) FROM unnest('{even,odd,plain}'::text[]) AS p;
SELECT set_job_order('even', fair_weight => 1, half_life => '1 day'), set_job_order('odd', fair_weight => 1, half_life => '0');
SELECT set_fair_share('odd', 'acme', 2);
SELECT submit_job(p, left(t, 1) || i, request => 'cpu=1', tenant => t)
FROM unnest('{even,odd,plain}'::text[]) AS p, unnest('{acme,beta}'::text[]) WITH ORDINALITY AS t (t, n), generate_series(1, 4) AS i ORDER BY p, n, i;
SELECT clock() AS began \gset
SELECT is(pg_temp.turns('plain', 6, :'began'), 'a1 a2 a3 a4 b1 b2', 'in order of submission');
SELECT is(pg_temp.turns('even', 6, clock()), 'a1 b1 a2 b2 a3 b3', 'two tenants take turns');
-- shares 2/3 and 1/3; after a1 b1: U/S 0.75 and 1.5; after a2: 1 and 1, the earlier; after a3: 1.125 and 0.75; after b2: 0.9 and 1.2
SELECT is(pg_temp.turns('odd', 6, clock()), 'a1 b1 a2 a3 b2 a4', 'with two shares to one, two turns to one');
-- in one pass: 32 processors, and tenants who have used nothing
CREATE FUNCTION pg_temp.shared(pool text, weights integer[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    names text[] := '{acme,beta,gama}';
BEGIN
    PERFORM create_pool(pool, 'public', queue_policy => 'traversal');
    PERFORM add_nodes(pool, 'c64', 1, NULL);
    PERFORM set_job_order(pool, fair_weight => 1);
    FOR i IN 1 .. cardinality(weights) LOOP
        PERFORM set_fair_share(pool, names[i], weights[i]);
        PERFORM submit_job(pool, 's' || n, request => 'cpu=2', tenant => names[i]) FROM generate_series(1, 32) AS n;
    END LOOP;
    PERFORM schedule(pool);
    RETURN (SELECT string_agg(t.n::text, ' ' ORDER BY t.name)
            FROM (SELECT t.name, count(*) AS n FROM job_run r JOIN pool p USING (pool_id) JOIN tenant t ON t.tenant_id = r.tenant_id
                  WHERE p.name = shared.pool GROUP BY t.name) AS t);
END $$;
SELECT is(pg_temp.shared('fair1', '{1,1}'), '16 16', 'fair-001-two-equal: half of it each');
SELECT is(pg_temp.shared('fair4', '{10,5,1}'), '20 10 2', 'fair-004-weights-three, on a third of the nodes: by shares');
SELECT is((SELECT string_agg(tenant, ' ' ORDER BY position) FROM job_priority WHERE pool = 'fair1' AND position <= 4), 'acme beta acme beta', 'the queue goes on like this');
SELECT submit_job('even', 'c1', request => 'cpu=1', tenant => 'gama');
SELECT is((SELECT job FROM queue WHERE pool = 'even' AND position = 1), 'c1', 'who has used nothing comes first');
SELECT set_fair_share('even', 'gama', 0);
SELECT is((SELECT job FROM queue WHERE pool = 'even' AND position = 3), 'c1', 'who has no shares comes last');
SELECT set_fair_share('even', 'gama', 1);
SELECT is((SELECT job FROM queue WHERE pool = 'even' AND position = 1), 'c1', 'until they are as they were');

--
-- The shortest first
--

SELECT create_network('net', '10.0.0.0/24', 'acme');
SELECT create_pool('s', 'dedicated', 'acme', 'net', default_time_limit => '90 minutes') AS s \gset
SELECT add_nodes('s', 'c1', 1);
SELECT submit_job('s', 'runs', request => 'cpu=1') AS runs \gset
SELECT set_job_order('s', 'shortest');
SELECT submit_job('s', 'two', request => 'cpu=1', time_limit => '2 hours'), submit_job('s', 'default', request => 'cpu=1'),
    submit_job('s', 'one', request => 'cpu=1', time_limit => '1 hour'), submit_job('s', 'urgent', request => 'cpu=1', time_limit => '9 hours', priority => 2),
    submit_job('s', 'too', request => 'cpu=1', time_limit => '1 hour');
SELECT is(pg_temp.line('s'), 'urgent one too default two', 'priority, time limit, submission');
SELECT set_pool('s', default_time_limit => '0');
SELECT is(pg_temp.line('s'), 'urgent one too two default', 'no time limit comes last');
SELECT set_job_order('s', age_weight => 1000);
SELECT is(pg_temp.line('s'), 'urgent one too two default', 'a score comes after the time limit');
SELECT set_job_order('s', 'priority', 0);
SELECT is(pg_temp.line('s'), 'urgent two default one too', 'and back');
SELECT set_job_order('s', 'shortest');
SELECT set_priority(job_id, 1) FROM job WHERE name = 'urgent';
SELECT finish_job(:runs);
SELECT is((SELECT string_agg(j.name::text, ' ') FROM job_run r JOIN job j USING (pool_id, job_id) WHERE r.pool_id = :s AND r.ended_at IS NULL), NULL, 'what has ended makes room');
SELECT is((SELECT j.name::text FROM schedule('s') AS c JOIN job j USING (job_id)), 'one', 'a pass starts the shortest');

--
-- Who sees and sets what
--

SELECT is(pg_temp.got($$SELECT string_agg(format('%s %s', position, tenant), ', ' ORDER BY position) FROM job_priority WHERE pool = 'as'$$, 'order_beta'), '2 beta',
    'jobs of others count and are not shown');
SELECT is(pg_temp.got($$SELECT string_agg(format('%s %s', tenant, factor < 1), ', ') FROM fair_share_status WHERE pool = 'even'$$, 'order_beta'), 'beta t', 'nor are their shares');
SELECT is(pg_temp.got($$SELECT count(*) FROM fair_usage$$, 'order_beta'), (SELECT count(*)::text FROM fair_usage WHERE tenant_id = :beta), 'rows of usage neither');
SELECT is(pg_temp.got($$SELECT set_job_order('as', 'shortest')$$, 'order_acme'), '42501 permission denied: "order_acme" is not an operator', 'the order of a public pool is the provider''s');
SELECT is(pg_temp.got($$SELECT set_fair_share('as', 'acme', 9)$$, 'order_acme'), '42501 permission denied: "order_acme" is not an operator', 'and tenants'' shares of it');
SELECT is(pg_temp.got($$SELECT set_fair_share('as', 'acme', 9, 'vision')$$, 'order_acme'), '', 'those of workspaces are the tenant''s');
SELECT is(pg_temp.got($$SELECT set_fair_share('as', 'beta', 9, 'default')$$, 'order_beta'), format('42501 permission denied for tenant %s', :beta), 'of its owners');
SELECT is(pg_temp.got($$SELECT set_fair_share('s', 'beta', 1)$$), '22023 invalid value for argument "tenant"', 'in a dedicated pool only the owner has shares');
SELECT is(pg_temp.got($$SELECT set_fair_share('s', 'acme', 10001)$$), '22023 invalid value for argument "shares"', 'shares have a limit');
SELECT is(pg_temp.got(format('SELECT set_job_order(%L, %s => %s)', 's', a, v)), format('22023 invalid value for argument "%s"', a), 'and so has ' || a)
FROM (VALUES ('age_weight', '-1'), ('fair_weight', '1000001'), ('size_weight', '1000001'), ('max_age', '''0'''), ('half_life', '''-1 s''')) AS v (a, v);
SELECT restrict_pool('s', '{frozen}');
SELECT is(left(pg_temp.got($$SELECT set_job_order('s', 'priority')$$), 5), 'PM002', 'nothing of a frozen pool changes');
SELECT is((SELECT string_agg(reason, '; ' ORDER BY event_id) FROM event WHERE pool_id = :u AND kind = 'pool_changed'),
    'fair_weight 1000, half_life 01:00:00; half_life 02:00:00; half_life none; fair_weight 0; fair_weight 1', 'changes are events');
SELECT throws_ok(format($$UPDATE fair_usage SET as_of = as_of - interval '1 s' WHERE pool_id = %s$$, :u), '55000', NULL, 'usage is not counted backwards');
SELECT throws_ok('UPDATE pool SET fair_weight = 1 WHERE fair_weight = 0', '23514', NULL, 'a fair weight has a beginning');
SELECT throws_ok('UPDATE fair_share SET shares = -1', '23514', NULL, 'nobody has less than no shares');

-- how wide psql prints it
CREATE FUNCTION pg_temp.width(view text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    result bigint;
BEGIN
    EXECUTE (SELECT format('SELECT %s + %s FROM %I', string_agg(format('greatest(max(length(%I::text)), %s)', attname, length(attname)), ' + '),
                           3 * count(*) - 1, view)
             FROM pg_attribute WHERE attrelid = view::regclass AND attnum > 0) INTO result;
    RETURN result;
END $$;
SELECT cmp_ok(pg_temp.width(v), '<=', 120::bigint, v || ' fits') FROM unnest('{job_priority,fair_share_status}'::text[]) AS v;

SELECT * FROM finish();
ROLLBACK;
