-- simulate() against the pool itself: small random cases of sub-pools, quotas,
-- preemption and dependencies are played by the calls of a pool, instant by instant with the
-- clock, and by simulate() from the same tables.  Every job must start, end and
-- give way alike, on the same nodes.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-02 00:00:00+00';
SELECT plan(7);

SELECT create_tenant('acme', 'USD', 'UTC');
SELECT create_sku('node', 'node');
SELECT create_flavor('gpu4', 'cpu=8,gpu=4', 'node', 'gpu');
SELECT create_network('net', '10.0.0.0/16', 'acme');
SELECT set_quota('acme', r, 100000000) FROM unnest('{accelerator_minutes,run_minutes,pools,nodes}'::text[]) AS r;

CREATE TEMP TABLE case_job (pool text, n int, since timestamptz, submit int, request resource_list, replicas int, run int, "limit" int,
    priority int, preemptible boolean, sub_pool text, kind text, on_job int, job_id bigint) ON COMMIT DROP;
CREATE TEMP TABLE difference (pool text, job text) ON COMMIT DROP;
CREATE FUNCTION pg_temp.at(since timestamptz, seconds int) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    RETURN since + make_interval(secs => seconds);

-- a pool of two to four nodes, two sub-pools one of which has two parts, and
-- jobs of all of these
CREATE FUNCTION pg_temp.make_case(pool text, policy queue_policy) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    nodes int := 2 + floor(random() * 3);
    since timestamptz := clock() + interval '1 hour';
    submit int := 1;
    share text;
BEGIN
    PERFORM set_config('pool_manager.clock', since::text, true);
    PERFORM create_pool(pool, 'dedicated', 'acme', 'net', queue_policy => policy,
        placement => (ARRAY['pack', 'first_fit', 'spread']::placement_policy[])[1 + floor(random() * 3)]);
    PERFORM set_pool(pool,
        preemption => (ARRAY['never', 'lower_priority', 'lower_priority', 'lower_or_newer_equal']::preemption_policy[])[1 + floor(random() * 4)],
        reclaim => (ARRAY['never', 'lower_priority', 'any', 'any', 'any', 'any']::reclaim_policy[])[1 + floor(random() * 6)],
        min_runtime => make_interval(secs => CASE WHEN random() < 0.3 THEN 1 + floor(random() * 20) ELSE 0 END),
        preemption_delay => make_interval(secs => CASE WHEN random() < 0.2 THEN 1 + floor(random() * 20) ELSE 0 END));
    PERFORM add_nodes(pool, 'gpu4', nodes);
    PERFORM create_sub_pool(pool, 'whole', '', borrow_limit => CASE WHEN random() < 0.2 THEN ''::resource_list ELSE 'cpu=32,gpu=16' END);
    FOREACH share IN ARRAY ARRAY['one', 'two', 'other'] LOOP
        PERFORM create_sub_pool(pool, share,
            format('cpu=%s,gpu=%s', floor((1 + random()) * nodes * 4 / 3), floor((1 + random()) * nodes * 2 / 3))::resource_list,
            parent => CASE WHEN share <> 'other' THEN 'whole' END,
            borrow_limit => format('cpu=%s,gpu=%s', 4 + floor(random() * 20), 2 + floor(random() * 12))::resource_list,
            lend_limit => CASE WHEN random() < 0.4 THEN format('cpu=%s,gpu=%s', floor(random() * 6), floor(random() * 3))::resource_list END);
    END LOOP;
    FOR n IN 1 .. 20 LOOP
        submit := submit + floor(random() * 7);
        INSERT INTO case_job (pool, n, since, submit, request, replicas, run, priority, preemptible, sub_pool, kind, on_job)
        VALUES (pool, n, since, submit,
            format('cpu=%s,gpu=%s', 1 + floor(random() * 4), (ARRAY['0', '0.5', '1', '1', '2', '3'])[1 + floor(random() * 6)])::resource_list,
            1 + floor(random() * random() * 4), 5 + floor(random() * 60), 1 + floor(random() * 3), random() < 0.8,
            (ARRAY['one', 'two', 'other'])[1 + floor(random() * 3)],
            CASE WHEN n > 3 AND random() < 0.3 THEN (ARRAY['after', 'afterok', 'afterany', 'afternotok'])[1 + floor(random() * 4)] END, 1 + floor(random() * (n - 1)));
    END LOOP;
    UPDATE case_job c SET "limit" = greatest(1, c.run + floor(random() * 2) * floor(random() * 60 - 20))
    WHERE c.pool = make_case.pool AND (policy = 'backfill' OR random() < 0.3);
END $$;

-- by the calls of the pool: ends, then submissions, then passes until one lets
-- nobody give way.  A pass more might find another reservation, so there is none.
CREATE FUNCTION pg_temp.play(pool text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own bigint := find_pool(pool);
    nodes bigint[] := ARRAY(SELECT n.node_id FROM node n WHERE n.pool_id = own);
    given pool;
    instant timestamptz := clock();
    job case_job;
    ended bigint;
BEGIN
    SELECT p.* INTO given FROM pool p WHERE p.pool_id = own;
    LOOP
        SELECT min(t) INTO instant
        FROM case_job c LEFT JOIN job_run r ON r.pool_id = own AND r.job_id = c.job_id AND r.ended_at IS NULL,
            LATERAL (VALUES (pg_temp.at(c.since, c.submit)), (pg_temp.at(c.since, c.submit) + given.preemption_delay),
                (pg_temp.at(r.started_at, c.run)), (r.planned_end), (r.placed_at + given.min_runtime)) AS v(t)
        WHERE c.pool = play.pool AND t > instant;
        EXIT WHEN instant IS NULL;
        PERFORM set_config('pool_manager.clock', instant::text, true);
        FOR ended IN SELECT c.job_id FROM case_job c JOIN job_run r ON r.pool_id = own AND r.job_id = c.job_id AND r.ended_at IS NULL
            WHERE c.pool = play.pool AND pg_temp.at(r.started_at, c.run) = instant ORDER BY r.run_id LOOP
            PERFORM finish_job(ended, 'completed');
        END LOOP;
        FOR job IN SELECT * FROM case_job c WHERE c.pool = play.pool AND pg_temp.at(c.since, c.submit) = instant ORDER BY c.n LOOP
            -- while no node takes work, so that it is not placed before the others' pass
            PERFORM cordon_nodes(nodes);
            BEGIN
                UPDATE case_job c SET job_id = submit_job(job.pool, 'j' || job.n, request => job.request, replicas => job.replicas,
                    sub_pool => job.sub_pool, priority => job.priority, preemptible => job.preemptible, time_limit => make_interval(secs => job."limit"),
                    depends_on => job.kind || ':' || (SELECT o.job_id FROM case_job o WHERE o.pool = job.pool AND o.n = job.on_job))
                WHERE c.pool = job.pool AND c.n = job.n;
            EXCEPTION WHEN SQLSTATE 'PM001' THEN
                -- asks for more than there can ever be
                DELETE FROM case_job c WHERE c.pool = job.pool AND c.n = job.n;
            END;
            PERFORM uncordon_nodes(nodes);
        END LOOP;
        LOOP
            PERFORM FROM schedule(own) s WHERE s.state = 'queued';
            EXIT WHEN NOT FOUND AND NOT EXISTS (SELECT FROM job_queue q
                WHERE q.pool_id = own AND q.state = 'waiting' AND dependencies_hold(own, q.job_id));
        END LOOP;
    END LOOP;
END $$;

CREATE FUNCTION pg_temp.compare(pool text) RETURNS void LANGUAGE sql AS $$
    WITH played AS (
        SELECT r.job_id, r.started_at, r.ended_at, row_number() OVER last - 1 AS preemptions, row_number() OVER later AS nth,
            (SELECT jsonb_object_agg(a.name, a.replicas) FROM (
                SELECT n.name, sum(a.replicas) AS replicas FROM allocation a JOIN node n USING (pool_id, node_id)
                WHERE a.pool_id = r.pool_id AND a.run_id = r.run_id GROUP BY n.name) AS a) AS nodes
        FROM job_run r WHERE r.pool_id = find_pool(compare.pool)
        WINDOW last AS (PARTITION BY r.job_id ORDER BY r.run_id), later AS (PARTITION BY r.job_id ORDER BY r.run_id DESC)),
    waits AS (SELECT q.job_id FROM job_queue q WHERE q.pool_id = find_pool(compare.pool) AND q.state = 'queued'),
    simulated AS (
        SELECT s.* FROM pool p, simulate(
            format('SELECT n.name, l.allocatable AS resources, l.accelerator FROM node n JOIN node_load l USING (pool_id, node_id) WHERE n.pool_id = %s ORDER BY n.node_id', p.pool_id),
            format('SELECT job_id, pg_temp.at(since, submit) AS submitted_at, request, replicas, make_interval(secs => run) AS duration,
                make_interval(secs => "limit") AS time_limit, priority, preemptible, sub_pool,
                kind || '':'' || (SELECT o.job_id FROM case_job o WHERE o.pool = c.pool AND o.n = c.on_job) AS depends_on FROM case_job c WHERE pool = %L', p.name),
            p.queue_policy, p.placement, quota_query => format('SELECT sub_pool AS name, parent, guaranteed, upper, borrow_limit, lend_limit
                FROM sub_pool_status WHERE pool_id = %s AND sub_pool IS NOT NULL', p.pool_id),
            preemption => p.preemption, reclaim => p.reclaim, min_runtime => p.min_runtime, preemption_delay => p.preemption_delay) AS s
        WHERE p.name = compare.pool)
    INSERT INTO difference
    SELECT compare.pool, format('j%s: pool %s to %s on %s, gave way %s; simulated %s to %s on %s, gave way %s', c.n, x.started_at, x.ended_at, x.nodes, x.preemptions,
        s.started_at, s.ended_at, s.nodes, s.preemptions)
    FROM case_job c JOIN simulated s USING (job_id) LEFT JOIN (
        SELECT p.job_id, CASE WHEN w.job_id IS NULL THEN p.started_at END AS started_at, CASE WHEN w.job_id IS NULL THEN p.ended_at END AS ended_at,
            CASE WHEN w.job_id IS NULL THEN p.nodes END AS nodes, p.preemptions + (w.job_id IS NOT NULL)::int AS preemptions
        FROM played p LEFT JOIN waits w USING (job_id) WHERE p.nth = 1) AS x USING (job_id)
    WHERE c.pool = compare.pool AND (x.started_at, x.ended_at, x.nodes, coalesce(x.preemptions, 0)) IS DISTINCT FROM (s.started_at, s.ended_at, s.nodes, s.preemptions)
    ORDER BY c.n
$$;

SELECT setseed(0.25);
SELECT count(*) FROM (
    SELECT pg_temp.make_case(name, policy), pg_temp.play(name), pg_temp.compare(name)
    FROM (SELECT format('%s%s', p, n) AS name, p AS policy
          FROM generate_series(1, 6) AS n, unnest('{fifo,traversal,reserve,backfill}'::queue_policy[]) AS p OFFSET 0) AS c OFFSET 0) AS c;
SELECT is_empty('SELECT * FROM difference ORDER BY 1, 2 LIMIT 10', 'every job runs as in the pool');
SELECT cmp_ok((SELECT count(*) FROM case_job), '>', 400::bigint, 'many of them');
SELECT cmp_ok((SELECT count(*) FROM case_job c JOIN job_run r USING (job_id) WHERE r.started_at > pg_temp.at(c.since, c.submit)), '>', 150::bigint, 'of which many wait');
SELECT cmp_ok((SELECT count(*) FROM job_run WHERE preempted_by IS NOT NULL), '>', 30::bigint, 'many give way');
SELECT cmp_ok((SELECT count(*) FROM job_run r JOIN job v USING (pool_id, job_id) JOIN job b ON b.pool_id = r.pool_id AND b.job_id = r.preempted_by
    WHERE b.sub_pool_id <> v.sub_pool_id), '>', 5::bigint, 'to jobs of other sub-pools too');
SELECT cmp_ok((SELECT count(*) FROM case_job c WHERE c.kind IS NOT NULL AND EXISTS (SELECT FROM job_run r WHERE r.job_id = c.job_id)), '>', 40::bigint, 'many that depend on others run');
SELECT cmp_ok((SELECT count(*) FROM case_job c WHERE c.kind = 'afternotok' AND EXISTS (SELECT FROM job_run r WHERE r.job_id = c.job_id)), '>', 0::bigint, 'and some because another ran out of time');
SELECT * FROM finish();
ROLLBACK;
