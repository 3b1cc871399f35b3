-- Plays the cases of test/data/scheduling_cases.jsonl through the SQL surface.
-- For the files vectors_*.sql, which begin with \ir of this one; no test of
-- its own.
--
-- A case is built in a pool of its own: flavors, nodes, sub-pools, jobs that
-- run already, jobs that wait; then one pass, and every fact that the case
-- expects is looked up in views and tables and compared.  What a case says in
-- words of its own is translated here and nowhere else: words by the table
-- vectors.word, priorities by vectors.rank(), resources by vectors.list(),
-- policies by vectors.policy().  An expectation is never changed.
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA vectors;

-- ---- the cases ----

\getenv tree PM_TREE
\set cases :tree '/test/data/scheduling_cases.jsonl'
CREATE TABLE vectors.entry (n integer GENERATED ALWAYS AS IDENTITY, c jsonb NOT NULL, id text GENERATED ALWAYS AS (c ->> 'id') STORED UNIQUE);
COPY vectors.entry (c) FROM :'cases' (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02');

\ir vectors_left_out.sql

-- ---- translations ----

CREATE TABLE vectors.word (theirs text, ours text, because text, PRIMARY KEY (theirs, ours));
INSERT INTO vectors.word VALUES
    ('capacity', 'resources', 'the nodes together have too little free'),
    ('capacity', 'fragmented', 'enough is free, but not in pieces'),
    ('capacity', 'exceeds_max', 'more replicas than the nodes hold when empty are a reason, not an error'),
    ('quota', 'quota', 'the same'),
    ('exceeds_max', 'exceeds_max', 'the same'),
    ('exceeds_max', 'PM001', 'what could never start is refused when it is submitted'),
    ('no_matching_node', 'no_matching_node', 'the same'),
    ('topology', 'topology', 'the same'),
    ('behind_head', 'behind_head', 'the same'),
    ('waiting_for_preemption', 'waiting_for_preemption', 'the same');

-- one to three kinds of priority become 1 to 3, the smallest 1
CREATE FUNCTION vectors.rank(c jsonb, priority text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    all_of numeric[] := ARRAY(
        SELECT DISTINCT (j ->> 'priority')::numeric AS p
        FROM jsonb_array_elements(coalesce(c -> 'running', '[]') || coalesce(c -> 'pending', '[]')) j WHERE j ? 'priority' ORDER BY p);
    place integer := coalesce(array_position(all_of, priority::numeric), 1);
BEGIN
    IF cardinality(all_of) > 3 THEN
        -- where submission has the same order, priorities say nothing new
        IF EXISTS (
            SELECT FROM jsonb_array_elements(c -> 'pending') a, jsonb_array_elements(c -> 'pending') b
            WHERE (a ->> 'priority')::numeric > (b ->> 'priority')::numeric AND (a ->> 'submit')::numeric >= (b ->> 'submit')::numeric) THEN
            RAISE EXCEPTION 'case % has more than three priorities', c ->> 'id';
        END IF;
        RETURN 1;
    END IF;
    RETURN place;
END $$;

CREATE FUNCTION vectors.policy(c jsonb) RETURNS queue_policy LANGUAGE sql AS $$
    SELECT CASE c #>> '{policy,queueing}' WHEN 'strict_fifo' THEN 'fifo' ELSE 'traversal' END::queue_policy;
$$;

-- resources: memory in GiB, gpu is the accelerator
CREATE FUNCTION vectors.list(resources jsonb) RETURNS resource_list LANGUAGE sql AS $$
    SELECT coalesce(jsonb_object_agg(
        CASE key WHEN 'mem' THEN 'memory' WHEN 'gpu' THEN 'nvidia.com/gpu' ELSE key END,
        CASE key WHEN 'mem' THEN to_jsonb((value #>> '{}') || 'Gi') ELSE value END), '{}')::resource_list
    FROM jsonb_each(resources);
$$;

-- ---- what is made for a case ----

CREATE TABLE vectors.flavor (resources resource_list PRIMARY KEY, name text NOT NULL);
CREATE TABLE vectors.node (id text, name text, node_id bigint, capacity resource_list, state text, PRIMARY KEY (id, name));
CREATE TABLE vectors.job (
    id text, name text, role text, queue text, job_id bigint, refused text, asked integer, had integer, PRIMARY KEY (id, name));
CREATE TABLE vectors.pool (id text PRIMARY KEY, pool_id bigint, base timestamptz);

SET pool_manager.clock = '2026-01-01 00:00:00+00';
SELECT create_tenant('vectors', 'USD', 'UTC'), create_sku('node', 'node'), create_network('vectors', '10.0.0.0/9', 'vectors'),
    set_quota('vectors', 'pools', 1000) \g /dev/null

-- clocks do not go back: each case has a day of its own
CREATE FUNCTION vectors.at(id text, seconds numeric) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := (SELECT p.base FROM vectors.pool p WHERE p.id = at.id) + make_interval(secs => seconds::float8);
BEGIN
    IF moment > current_setting('pool_manager.clock')::timestamptz THEN
        PERFORM set_config('pool_manager.clock', moment::text, false);
    END IF;
END $$;

CREATE FUNCTION vectors.flavor(resources resource_list) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    made text := (SELECT f.name FROM vectors.flavor f WHERE f.resources = flavor.resources);
BEGIN
    IF made IS NULL THEN
        made := 'vectors.' || (SELECT count(*) FROM vectors.flavor);
        PERFORM create_flavor(made, resources, 'node', CASE WHEN quantity(resources, 'nvidia.com/gpu') > 0 THEN 'nvidia.com/gpu' END);
        INSERT INTO vectors.flavor VALUES (resources, made);
    END IF;
    RETURN made;
END $$;

CREATE FUNCTION vectors.build_nodes(c jsonb, pool bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    it record;
    capacity resource_list;
BEGIN
    FOR it IN SELECT n.value AS j FROM jsonb_array_elements(CASE
            WHEN c ? 'nodes' THEN c -> 'nodes'
            WHEN c ? 'cluster' THEN (
                SELECT jsonb_agg(jsonb_build_object('name', 'n' || i, 'capacity', '{"cpu":1}'::jsonb))
                FROM generate_series(1, (c #>> '{cluster,nodes}')::integer) AS i)
            -- guarantees are the capacity: the node is never what limits
            ELSE '[{"name": "node", "capacity": {"cpu": 1000, "mem": 1000}}]' END) WITH ORDINALITY AS n ORDER BY n.ordinality
    LOOP
        capacity := vectors.list(it.j -> 'capacity');
        INSERT INTO vectors.node
        SELECT c ->> 'id', it.j ->> 'name', n, capacity, coalesce(it.j ->> 'state', 'up')
        FROM add_nodes(pool, vectors.flavor(capacity), 1, it.j ->> 'name', labels => coalesce(it.j -> 'labels', '{}'),
            taints => coalesce(it.j -> 'taints', '[]')) AS n;
    END LOOP;
END $$;

CREATE FUNCTION vectors.build_queues(c jsonb, pool bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    it jsonb;
    total resource_list := (SELECT sum(n.capacity) FROM vectors.node n WHERE n.id = c ->> 'id');
    guaranteed resource_list;
    upper resource_list;
BEGIN
    FOR it IN SELECT q FROM jsonb_array_elements(c -> 'queues') AS q LOOP
        guaranteed := vectors.list(coalesce(it -> 'guaranteed', '{}'));
        upper := CASE WHEN c #>> '{policy,quota_model}' = 'capacity' THEN guaranteed
                 -- without a maximum it may have all that there is, and ask for more
                 ELSE ((total * 1000)::jsonb || vectors.list(coalesce(it -> 'max', '{}'))::jsonb)::resource_list END;
        PERFORM create_sub_pool(pool, it ->> 'name', guaranteed, upper);
    END LOOP;
END $$;

-- ---- jobs ----

CREATE FUNCTION vectors.submit(c jsonb, pool bigint, job jsonb, role text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    made bigint;
    refused text;
BEGIN
    BEGIN
        made := submit_job(pool, job ->> 'id',
            request => vectors.list(coalesce(job -> 'per_task', '{"cpu": 1}')),
            replicas => coalesce((job ->> 'tasks')::integer, 1),
            min_replicas => coalesce(job ->> 'min_tasks', job ->> 'tasks', '1')::integer,
            priority => vectors.rank(c, job ->> 'priority'),
            time_limit => make_interval(secs => (job ->> 'walltime')::float8),
            preemptible => coalesce((job ->> 'preemptible')::boolean, true),
            tolerations => coalesce(job -> 'tolerations', '[]'),
            node_selector => CASE WHEN job ? 'placement' THEN '{"pinned": "yes"}' ELSE '{}' END::jsonb,
            sub_pool => (SELECT s.sub_pool_id FROM sub_pool_status s WHERE s.pool_id = submit.pool AND s.sub_pool = job ->> 'queue'));
    EXCEPTION WHEN SQLSTATE 'PM001' THEN
        refused := sqlstate;
    END;
    INSERT INTO vectors.job VALUES (c ->> 'id', job ->> 'id', role, job ->> 'queue', made, refused, coalesce((job ->> 'tasks')::integer, 1), NULL);
    RETURN made;
END $$;

CREATE FUNCTION vectors.open_nodes(id text, states text[] DEFAULT '{up}') RETURNS void LANGUAGE sql AS $$
    SELECT uncordon_nodes(array_agg(n.node_id)) FROM vectors.node n WHERE n.id = open_nodes.id AND n.state = ANY (states) HAVING count(*) > 0;
$$;
CREATE FUNCTION vectors.close_nodes(id text) RETURNS void LANGUAGE sql AS $$
    SELECT cordon_nodes(array_agg(n.node_id)) FROM vectors.node n WHERE n.id = close_nodes.id AND n.state <> 'down';
$$;

-- how many replicas of each job are on each node
CREATE FUNCTION vectors.placed(pool bigint, job bigint) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_object_agg(s.name, s.replicas), '{}')
    FROM (SELECT n.name, sum(a.replicas) AS replicas
          FROM job_run r JOIN allocation a USING (pool_id, run_id) JOIN vectors.node n USING (node_id)
          WHERE r.pool_id = placed.pool AND r.job_id = placed.job AND r.ended_at IS NULL AND a.released_at IS NULL
          GROUP BY n.name) s;
$$;
CREATE FUNCTION vectors.tasks(pool bigint, job bigint) RETURNS integer LANGUAGE sql AS $$
    SELECT coalesce(sum(value::integer), 0)::integer FROM jsonb_each_text(vectors.placed(pool, job));
$$;

-- a job that runs already: on its nodes, which are open for it alone
CREATE FUNCTION vectors.begin(c jsonb, pool bigint, job jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    pinned bigint[] := ARRAY(
        SELECT n.node_id FROM vectors.node n WHERE n.id = c ->> 'id' AND job -> 'placement' ? n.name);
    made bigint;
    stopgap bigint;
BEGIN
    PERFORM vectors.open_nodes(c ->> 'id', '{up,drain}');
    IF pinned <> '{}' THEN
        PERFORM set_node_labels(pinned, '{"pinned": "yes"}', 'create');
    END IF;
    IF job ? 'running_tasks' THEN
        stopgap := submit_job(pool, 'stopgap', request => vectors.list(job -> 'per_task'), node_selector => '{"pinned": "yes"}',
            replicas => (job ->> 'tasks')::integer - (job ->> 'running_tasks')::integer,
            sub_pool => (SELECT s.sub_pool_id FROM sub_pool_status s WHERE s.pool_id = begin.pool AND s.sub_pool = job ->> 'queue'));
    END IF;
    made := vectors.submit(c, pool, job, 'running');
    PERFORM schedule(pool);
    IF stopgap IS NOT NULL THEN
        PERFORM cancel_job(stopgap);
    END IF;
    IF vectors.tasks(pool, made) IS DISTINCT FROM coalesce(job ->> 'running_tasks', job ->> 'tasks', '1')::integer OR
        job ? 'placement' AND vectors.placed(pool, made) <> job -> 'placement' THEN
        RAISE EXCEPTION 'job % of case % does not run as it should: %', job ->> 'id', c ->> 'id', vectors.placed(pool, made);
    END IF;
    UPDATE vectors.job j SET had = vectors.tasks(pool, made) WHERE j.job_id = made;
    IF pinned <> '{}' THEN
        PERFORM set_node_labels(pinned, '{"pinned": "yes"}', 'delete');
    END IF;
    PERFORM vectors.close_nodes(c ->> 'id');
END $$;

-- pool, nodes, queues and jobs of a case, up to the pass
CREATE FUNCTION vectors.build(c jsonb, queue_policy queue_policy) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    id text := c ->> 'id';
    pool bigint;
    it record;
    held bigint[] := '{}';
    made bigint;
BEGIN
    INSERT INTO vectors.pool VALUES (id, NULL, date_trunc('day', current_setting('pool_manager.clock')::timestamptz) + interval '36 hours');
    PERFORM vectors.at(id, -7200);
    pool := create_pool('vectors ' || id, 'dedicated', 'vectors', 'vectors', queue_policy => build.queue_policy);
    UPDATE vectors.pool p SET pool_id = pool WHERE p.id = build.c ->> 'id';
    PERFORM vectors.build_nodes(c, pool);
    PERFORM vectors.build_queues(c, pool);
    PERFORM vectors.close_nodes(id);
    -- jobs come in their order; one that waits while others begin is held meanwhile
    FOR it IN
        SELECT e.role, e.j, max(e.at) FILTER (WHERE e.role = 'running') OVER () > e.at AS early, e.at
        FROM (
            SELECT 'running' AS role, j.value AS j, j.ordinality AS n, coalesce(j.value ->> 'start', j.value ->> 'submit', '0')::numeric AS at
            FROM jsonb_array_elements(coalesce(c -> 'running', '[]')) WITH ORDINALITY j
            UNION ALL
            SELECT 'pending', j.value, j.ordinality, coalesce(j.value ->> 'submit', '0')::numeric
            FROM jsonb_array_elements(coalesce(c -> 'pending', '[]')) WITH ORDINALITY j) e
        ORDER BY e.at, e.role DESC, CASE WHEN c ->> 'kind' = 'order' THEN e.j ->> 'id' END, e.n
    LOOP
        PERFORM vectors.at(id, it.at);
        IF it.role = 'running' THEN
            PERFORM vectors.begin(c, pool, it.j);
        ELSE
            made := vectors.submit(c, pool, it.j, 'pending');
            IF it.early THEN
                PERFORM hold_job(made);
                held := held || made;
            END IF;
        END IF;
    END LOOP;
    PERFORM release_job(h) FROM unnest(held) AS h;
    PERFORM report_fault(n.node_id) FROM vectors.node n WHERE n.id = c ->> 'id' AND n.state = 'down';
    PERFORM vectors.open_nodes(id);
    RETURN pool;
END $$;

-- ---- what came of it ----

CREATE TYPE vectors.seen AS (name text, role text, queue text, state text, reason text, place bigint, tasks integer, had integer, placed jsonb);
CREATE FUNCTION vectors.seen(pool bigint) RETURNS SETOF vectors.seen LANGUAGE sql AS $$
    SELECT j.name, j.role, j.queue, s.state::text, coalesce(j.refused, q.reason), q.position, vectors.tasks(p.pool_id, j.job_id), j.had,
        vectors.placed(p.pool_id, j.job_id)
    FROM vectors.pool p JOIN vectors.job j USING (id)
    LEFT JOIN job_status s ON s.job_id = j.job_id LEFT JOIN queue q ON q.job_id = j.job_id
    WHERE p.pool_id = seen.pool;
$$;

CREATE FUNCTION vectors.set_of(names text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_agg(n ORDER BY n), '[]') FROM unnest(names) AS n;
$$;
CREATE FUNCTION vectors.counts(queues text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_object_agg(s.q, s.n), '{}') FROM (SELECT q, count(*) AS n FROM unnest(queues) AS q GROUP BY q) s;
$$;

-- one fact of a case as it came out, in the form of what is expected
CREATE FUNCTION vectors.fact(c jsonb, pool bigint, what text, expected jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    s vectors.seen[] := ARRAY(SELECT v FROM vectors.seen(pool) v);
    started text[] := ARRAY(SELECT v.name FROM unnest(s) v WHERE v.role = 'pending' AND v.state IN ('running', 'starting'));
    evicted text[] := ARRAY(SELECT v.name FROM unnest(s) v WHERE v.role = 'running' AND v.state NOT IN ('running', 'starting'));
BEGIN
    RETURN CASE what
        WHEN 'start' THEN vectors.set_of(started)
        WHEN 'start_after' THEN vectors.set_of(started)
        WHEN 'start_total' THEN to_jsonb(cardinality(started))
        WHEN 'start_count' THEN vectors.counts(ARRAY(SELECT v.queue FROM unnest(s) v WHERE v.name = ANY (started)))
        WHEN 'max_per_queue' THEN (SELECT to_jsonb(max(value::integer)) FROM jsonb_each_text(vectors.fact(c, pool, 'start_count', NULL)))
        -- reasons: their word where ours means it
        WHEN 'wait' THEN (
            SELECT coalesce(jsonb_object_agg(v.name, coalesce(
                (SELECT w.theirs FROM vectors.word w WHERE w.ours = v.reason AND w.theirs = expected ->> v.name), v.reason, v.state)), '{}')
            FROM unnest(s) v WHERE v.role = 'pending' AND NOT v.name = ANY (started))
        WHEN 'tasks' THEN (SELECT coalesce(jsonb_object_agg(v.name, v.tasks), '{}') FROM unnest(s) v WHERE expected ? v.name)
        WHEN 'sum_tasks' THEN (SELECT to_jsonb(sum(v.tasks)) FROM unnest(s) v WHERE v.name = ANY (started))
        WHEN 'placement' THEN (SELECT coalesce(jsonb_object_agg(v.name, v.placed), '{}') FROM unnest(s) v WHERE expected ? v.name)
        WHEN 'placement_after' THEN (SELECT coalesce(jsonb_object_agg(v.name, v.placed), '{}') FROM unnest(s) v WHERE expected ? v.name)
        WHEN 'still_running' THEN vectors.set_of(ARRAY(
            SELECT v.name FROM unnest(s) v WHERE v.role = 'running' AND NOT v.name = ANY (evicted)))
        WHEN 'grow' THEN (
            SELECT coalesce(jsonb_object_agg(v.name, v.tasks - v.had), '{}') FROM unnest(s) v WHERE v.role = 'running' AND v.tasks > v.had)
        WHEN 'shrink' THEN (
            SELECT coalesce(jsonb_object_agg(v.name, v.had - v.tasks), '{}')
            FROM unnest(s) v WHERE v.role = 'running' AND v.tasks < v.had AND NOT v.name = ANY (evicted))
        WHEN 'preempt' THEN vectors.set_of(evicted)
        WHEN 'preempt_count' THEN vectors.counts(ARRAY(SELECT v.queue FROM unnest(s) v WHERE v.name = ANY (evicted)))
        WHEN 'evicted_tasks' THEN (
            SELECT coalesce(jsonb_object_agg(v.name, v.had - v.tasks), '{}') FROM unnest(s) v WHERE v.name = ANY (evicted))
        WHEN 'order' THEN (
            SELECT coalesce(jsonb_agg(v.name ORDER BY v.place), '[]')
            FROM (SELECT v.* FROM unnest(s) v WHERE v.place IS NOT NULL ORDER BY v.place
                  LIMIT (c #>> '{policy,limit}')::bigint OFFSET (c #>> '{policy,offset}')::bigint) v)
        WHEN 'position' THEN (SELECT coalesce(jsonb_object_agg(v.name, v.place - 1), '{}') FROM unnest(s) v WHERE expected ? v.name)
        WHEN 'position_in_queue' THEN (
            SELECT jsonb_object_agg(v.name, v.place)
            FROM (SELECT v.name, row_number() OVER (PARTITION BY v.queue ORDER BY v.place) - 1 AS place FROM unnest(s) v) v
            WHERE expected ? v.name)
        ELSE to_jsonb('no fact is known by this name'::text) END;
END $$;

-- sets have no order
CREATE FUNCTION vectors.sorted(what text, value jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'array' AND what <> 'order' THEN
        (SELECT coalesce(jsonb_agg(v ORDER BY v #>> '{}'), '[]') FROM jsonb_array_elements(value) v) ELSE value END;
$$;

-- plays a case; what is not as expected, '' if all is
CREATE FUNCTION vectors.play(c jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    pool bigint;
BEGIN
    pool := vectors.build(c, vectors.policy(c));
    PERFORM vectors.at(c ->> 'id', coalesce(
        (c ->> 'now')::numeric,
        (SELECT max((j ->> 'submit')::numeric) FROM jsonb_array_elements(coalesce(c -> 'running', '[]') || coalesce(c -> 'pending', '[]')) j)));
    IF c ->> 'kind' <> 'order' THEN
        PERFORM schedule(pool);
    END IF;
    RETURN coalesce((
        SELECT string_agg(format('%s: %s, not %s', e.key, f, e.value), '; ')
        FROM jsonb_each(c -> 'expected') e, vectors.fact(c, pool, e.key, e.value) f
        WHERE vectors.sorted(e.key, f) IS DISTINCT FROM vectors.sorted(e.key, e.value)), '');
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ': ' || sqlerrm;
END $$;

-- ---- for the files ----

-- which file plays which groups of cases
CREATE TABLE vectors.file (prefix text PRIMARY KEY, name text NOT NULL);
INSERT INTO vectors.file VALUES
    ('place', 'vectors_place'),
    ('order', 'vectors_place');

CREATE FUNCTION vectors.of_file(name text) RETURNS SETOF vectors.entry LANGUAGE sql AS $$
    SELECT e.* FROM vectors.entry e JOIN vectors.file f ON f.prefix = split_part(e.id, '-', 1) WHERE f.name = of_file.name ORDER BY e.id;
$$;

-- a test for each case of a file, a line for each that is left out
CREATE FUNCTION vectors.run(file text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    it record;
BEGIN
    RETURN NEXT plan((
        SELECT count(*) FROM vectors.of_file(file) e WHERE NOT EXISTS (SELECT FROM vectors.left_out l WHERE l.id = e.id))::integer);
    FOR it IN SELECT e.id, e.c, l.rule, l.why FROM vectors.of_file(file) e LEFT JOIN vectors.left_out l USING (id) ORDER BY e.id LOOP
        IF it.rule IS NOT NULL THEN
            RETURN NEXT diag(format('left out: %s: %s (%s)', it.id, it.why, it.rule));
        ELSE
            RETURN NEXT is(vectors.play(it.c), '', format('%s: %s', it.id, it.c ->> 'title'));
        END IF;
    END LOOP;
END $$;
