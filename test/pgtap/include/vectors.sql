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
    ('waiting_for_preemption', 'waiting_for_preemption', 'the same'),
    ('begin_time', 'not_before', 'the same'),
    ('array_task_limit', 'quota', 'the tasks of an array are jobs of a sub-pool that holds so many');

-- the priority of a job, that of its queue before its own
CREATE FUNCTION vectors.precedence(c jsonb, job jsonb) RETURNS numeric[] LANGUAGE sql AS $$
    SELECT ARRAY[coalesce((SELECT (q ->> 'priority')::numeric FROM jsonb_array_elements(c -> 'queues') q WHERE q ->> 'name' = job ->> 'queue'), 0),
        coalesce((job ->> 'priority')::numeric, 0)];
$$;

-- one to three kinds of priority become 1 to 3, the smallest 1
CREATE TABLE vectors.priority (id text, precedence numeric[], priority integer, PRIMARY KEY (id, precedence));
CREATE FUNCTION vectors.rank_jobs(c jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kinds bigint;
    overtakes boolean;
BEGIN
    INSERT INTO vectors.priority
    SELECT c ->> 'id', precedence, row_number() OVER (ORDER BY precedence)
    FROM (SELECT DISTINCT vectors.precedence(c, j) AS precedence
          FROM jsonb_array_elements(coalesce(c -> 'running', '[]') || coalesce(c -> 'pending', '[]')) j WHERE j ? 'priority') s
    WHERE NOT EXISTS (SELECT FROM vectors.priority p WHERE p.id = c ->> 'id');
    GET DIAGNOSTICS kinds = ROW_COUNT;
    IF kinds > 3 THEN
        -- where submission has the same order, priorities say nothing new
        SELECT max(at) OVER (ORDER BY precedence DESC GROUPS UNBOUNDED PRECEDING EXCLUDE GROUP) >= at INTO overtakes
        FROM (SELECT vectors.precedence(c, j) AS precedence, coalesce(j ->> 'submitted', j ->> 'submit')::numeric AS at
              FROM jsonb_array_elements(c -> 'pending') j) s ORDER BY 1 DESC NULLS LAST LIMIT 1;
        IF overtakes THEN
            RAISE EXCEPTION 'case % has more than three priorities', c ->> 'id';
        END IF;
        UPDATE vectors.priority SET priority = 1 WHERE id = c ->> 'id';
    END IF;
END $$;
CREATE FUNCTION vectors.rank(c jsonb, job jsonb) RETURNS integer LANGUAGE sql AS $$
    SELECT coalesce((SELECT p.priority FROM vectors.priority p WHERE p.id = c ->> 'id' AND p.precedence = vectors.precedence(c, job) AND job ? 'priority'), 1);
$$;

CREATE FUNCTION vectors.policy(c jsonb) RETURNS queue_policy LANGUAGE sql AS $$
    SELECT CASE c #>> '{policy,queueing}' WHEN 'strict_fifo' THEN 'fifo' ELSE 'traversal' END::queue_policy;
$$;

-- resources: memory in GiB, gpu is the accelerator
CREATE FUNCTION vectors.list(resources jsonb) RETURNS resource_list LANGUAGE sql AS $$
    SELECT CASE WHEN resources IS NOT NULL THEN coalesce(jsonb_object_agg(
        CASE key WHEN 'mem' THEN 'memory' WHEN 'gpu' THEN 'nvidia.com/gpu' ELSE key END,
        CASE key WHEN 'mem' THEN to_jsonb((value #>> '{}') || 'Gi') ELSE value END), '{}')::resource_list END
    FROM jsonb_each(resources);
$$;

-- ---- what is made for a case ----

CREATE TABLE vectors.flavor (resources resource_list PRIMARY KEY, name text NOT NULL);
CREATE TABLE vectors.node (id text, name text, node_id bigint, capacity resource_list, state text, PRIMARY KEY (id, name));
CREATE TABLE vectors.job (
    id text, name text, role text, queue text, job_id bigint, refused text, asked integer, had integer, PRIMARY KEY (id, name));
CREATE TABLE vectors.pool (id text PRIMARY KEY, pool_id bigint, base timestamptz);

SET pool_manager.clock = '2026-01-01 00:00:00+00';
SELECT create_tenant(t, 'USD', 'UTC') FROM unnest('{vectors,one,others}'::text[]) AS t \g /dev/null
SELECT create_sku('node', 'node'), create_network('vectors', '10.0.0.0/9', 'vectors'),
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

-- levels of the topology; a host is a node, which is a level by itself, and a
-- label that all nodes of a job must share is one
CREATE FUNCTION vectors.levels(c jsonb) RETURNS text[] LANGUAGE sql AS $$
    SELECT ARRAY(
        SELECT l FROM jsonb_array_elements_text(c #> '{policy,topology_levels}') AS l WHERE l <> 'host'
        UNION ALL
        SELECT j #>> '{topology,same_label}' FROM jsonb_array_elements(c -> 'pending') AS j WHERE j -> 'topology' ? 'same_label');
$$;

CREATE FUNCTION vectors.build_nodes(c jsonb, pool bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    it record;
    levels constant text[] := vectors.levels(c);
    capacity resource_list;
BEGIN
    PERFORM set_topology_levels(pool, levels) WHERE levels <> '{}';
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
            taints => coalesce(it.j -> 'taints', '[]'),
            topology => (SELECT coalesce(jsonb_object_agg(l, it.j #> ARRAY['labels', l]), '{}') FROM unnest(levels) AS l)) AS n;
        PERFORM node_ready(n.node_id) FROM vectors.node n WHERE n.id = c ->> 'id' AND n.name = it.j ->> 'name' AND c ? 'reservations';
    END LOOP;
END $$;

-- what a queue is guaranteed beside its parts; where the nodes are the capacity
-- a parent's guarantee is that of its parts too
CREATE FUNCTION vectors.own_guarantee(c jsonb, queue jsonb) RETURNS resource_list LANGUAGE sql AS $$
    SELECT CASE WHEN c #>> '{policy,quota_model}' = 'capacity' THEN vectors.list(coalesce(queue -> 'guaranteed', '{}'))
        ELSE resource_max(vectors.list(coalesce(queue -> 'guaranteed', '{}')) - (
            SELECT coalesce(sum(vectors.list(q -> 'guaranteed')), '')
            FROM jsonb_array_elements(c -> 'queues') q WHERE q ->> 'parent' = queue ->> 'name' AND q ? 'guaranteed'), '') END;
$$;
-- nobody can be promised what no node has: all are scaled down to what there is
CREATE FUNCTION vectors.guarantee(c jsonb, queue jsonb, total resource_list) RETURNS resource_list LANGUAGE sql AS $$
    SELECT coalesce(jsonb_object_agg(r.name, CASE r.name WHEN 'memory' THEN trunc(r.quantity * s.scale) ELSE trunc(r.quantity * s.scale, 3) END), '{}')::resource_list
    FROM resource_each(vectors.own_guarantee(c, queue)) r, LATERAL (
        SELECT least(1, quantity(total, r.name) / sum(quantity(vectors.own_guarantee(c, q), r.name)))
        FROM jsonb_array_elements(c -> 'queues') q) AS s (scale);
$$;

CREATE FUNCTION vectors.workspace(c jsonb, queue text) RETURNS bigint LANGUAGE sql AS $$
    SELECT w.workspace_id FROM workspace w
    WHERE w.tenant_id = find_tenant('vectors') AND w.name = queue AND c #>> '{policy,across_queues}' = 'fair_share';
$$;

CREATE FUNCTION vectors.build_queues(c jsonb, pool bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    it jsonb;
    capacity constant boolean := c #>> '{policy,quota_model}' = 'capacity';
    total resource_list := (SELECT sum(n.capacity) FROM vectors.node n WHERE n.id = c ->> 'id');
    guaranteed resource_list;
    borrow resource_list;
    upper resource_list;
BEGIN
    FOR it IN SELECT q.value FROM jsonb_array_elements(c -> 'queues') WITH ORDINALITY AS q ORDER BY q.ordinality LOOP
        guaranteed := vectors.guarantee(c, it, total);
        -- guarantees that are the capacity are all there is: nothing is borrowed of the pool
        borrow := CASE WHEN it ? 'borrow_limit' THEN vectors.list(it -> 'borrow_limit')
                       WHEN capacity AND NOT it ? 'parent' THEN '' END;
        -- without a maximum it may have all that there is, and ask for more
        upper := ((total * 1000)::jsonb || vectors.list(coalesce(it -> 'max', '{}'))::jsonb)::resource_list;
        PERFORM create_sub_pool(pool, it ->> 'name', guaranteed, upper, parent => (
                SELECT s.sub_pool_id FROM sub_pool_status s WHERE s.pool_id = build_queues.pool AND s.sub_pool = it ->> 'parent'),
            borrow_limit => borrow, lend_limit => vectors.list(it -> 'lend_limit'));
    END LOOP;
    -- shares are those of workspaces: each queue is one too
    IF c #>> '{policy,across_queues}' = 'fair_share' THEN
        PERFORM set_job_order(pool, fair_weight => 1000);
        FOR it IN SELECT q FROM jsonb_array_elements(c -> 'queues') AS q LOOP
            PERFORM create_workspace('vectors', it ->> 'name')
            WHERE NOT EXISTS (SELECT FROM workspace w WHERE w.tenant_id = find_tenant('vectors') AND w.name = it ->> 'name');
            PERFORM set_fair_share(pool, find_tenant('vectors'), (1000 * coalesce((it ->> 'weight')::numeric, 1))::integer,
                vectors.workspace(c, it ->> 'name'));
        END LOOP;
    END IF;
END $$;

-- ---- jobs ----

-- dependencies on jobs of the case; on an array is on all of its tasks, task by
-- task is on the one that is named, and a singleton waits for those of its name
-- and user
CREATE FUNCTION vectors.depends_on(c jsonb, job jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN job ? 'singleton' THEN (
        SELECT string_agg('afterany:' || j.job_id, ',')
        FROM vectors.job j, jsonb_array_elements(c -> 'finished') f
        WHERE j.id = c ->> 'id' AND j.name = f ->> 'id' AND f ->> 'name' = job ->> 'name' AND f ->> 'user' = job ->> 'user')
    ELSE string_agg(format('%s:%s', CASE d.value ->> 'type' WHEN 'aftercorr' THEN 'afterok' ELSE d.value ->> 'type' END, j.job_id),
        CASE job ->> 'dep_join' WHEN 'any' THEN '?' ELSE ',' END ORDER BY d.ordinality, j.job_id) END
    FROM jsonb_array_elements(job -> 'depends') WITH ORDINALITY d, vectors.job j
    WHERE j.id = c ->> 'id' AND (j.name = d.value ->> 'on' OR EXISTS (
        SELECT FROM jsonb_array_elements(c -> 'finished') f WHERE f ->> 'id' = j.name AND f ->> 'array' = d.value ->> 'on'));
$$;

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
            workspace => vectors.workspace(c, job ->> 'queue'),
            priority => vectors.rank(c, job),
            time_limit => make_interval(secs => (job ->> 'walltime')::float8),
            -- in time nobody is evicted
            preemptible => coalesce((job ->> 'preemptible')::boolean, c ->> 'kind' <> 'timeline'),
            tolerations => coalesce(job -> 'tolerations', '[]'),
            node_selector => vectors.pin(job),
            affinity_level => coalesce(job #>> '{topology,required}', job #>> '{topology,same_label}'),
            depends_on => vectors.depends_on(c, job),
            not_before => (SELECT p.base + make_interval(secs => (job ->> 'not_before')::float8) FROM vectors.pool p WHERE p.id = c ->> 'id'),
            group_level => job #>> '{topology,slice,level}', group_size => (job #>> '{topology,slice,size}')::integer,
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

-- a label that only the nodes of a job have, by which it comes there
CREATE FUNCTION vectors.pin(job jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE WHEN job ? 'placement' THEN jsonb_build_object('pinned-' || (job ->> 'id'), 'yes') ELSE '{}' END;
$$;

-- a job that runs already: on its nodes
CREATE FUNCTION vectors.set_running(c jsonb, pool bigint, job jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    made bigint;
    stopgap bigint;
BEGIN
    PERFORM vectors.open_nodes(c ->> 'id', '{up,drain}');
    PERFORM set_node_labels(array_agg(n.node_id), vectors.pin(job), 'create')
    FROM vectors.node n WHERE n.id = c ->> 'id' AND job -> 'placement' ? n.name HAVING count(*) > 0;
    IF job ? 'running_tasks' THEN
        stopgap := submit_job(pool, 'stopgap', request => vectors.list(job -> 'per_task'), node_selector => vectors.pin(job),
            replicas => (job ->> 'tasks')::integer - (job ->> 'running_tasks')::integer,
            sub_pool => (SELECT s.sub_pool_id FROM sub_pool_status s WHERE s.pool_id = set_running.pool AND s.sub_pool = job ->> 'queue'));
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
    PERFORM vectors.close_nodes(c ->> 'id');
END $$;

-- who gives way is a matter of the pool: it has the rules of the queue that asks
CREATE FUNCTION vectors.set_preemption(c jsonb, pool bigint) RETURNS void LANGUAGE sql AS $$
    SELECT set_pool(pool, preemption => (q ->> 'within_queue')::preemption_policy, reclaim => (q ->> 'reclaim')::reclaim_policy,
        min_runtime => make_interval(secs => (c #>> '{policy,min_runtime}')::float8),
        preemption_delay => make_interval(secs => (c #>> '{pending,0,preemption_delay}')::float8))
    FROM jsonb_array_elements(c -> 'queues') q
    WHERE c ->> 'kind' LIKE '%preempt%' AND q ->> 'name' = c #>> '{pending,0,queue}';
$$;

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
    PERFORM vectors.rank_jobs(c);
    PERFORM vectors.at(id, -7200);
    -- work on nodes takes time where an agent reports it
    pool := create_pool('vectors ' || id, 'dedicated', 'vectors', 'vectors', queue_policy => build.queue_policy,
        provider => CASE WHEN c ? 'reservations' THEN 'external' ELSE 'instant' END::provider_mode);
    UPDATE vectors.pool p SET pool_id = pool WHERE p.id = build.c ->> 'id';
    PERFORM vectors.set_preemption(c, pool);
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
            PERFORM vectors.set_running(c, pool, it.j);
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
    WITH j AS MATERIALIZED (SELECT j.* FROM vectors.pool p JOIN vectors.job j USING (id) WHERE p.pool_id = seen.pool),
    s AS MATERIALIZED (SELECT s.job_id, s.state FROM job_status s WHERE s.pool = (SELECT p.name FROM pool p WHERE p.pool_id = seen.pool)),
    q AS MATERIALIZED (SELECT q.job_id, q.reason, q.position FROM queue q WHERE q.pool = (SELECT p.name FROM pool p WHERE p.pool_id = seen.pool)),
    a AS MATERIALIZED (
        SELECT a.job_id, sum(a.replicas)::integer AS tasks, jsonb_object_agg(a.name, a.replicas) AS placed
        FROM (SELECT r.job_id, n.name, sum(a.replicas) AS replicas
              FROM job_run r JOIN allocation a USING (pool_id, run_id) JOIN vectors.node n USING (node_id)
              WHERE r.pool_id = seen.pool AND r.ended_at IS NULL AND a.released_at IS NULL GROUP BY r.job_id, n.name) a
        GROUP BY a.job_id)
    SELECT j.name, j.role, j.queue, s.state::text, coalesce(j.refused, q.reason), q.position, coalesce(a.tasks, 0), j.had, coalesce(a.placed, '{}')
    FROM j LEFT JOIN s USING (job_id) LEFT JOIN q USING (job_id) LEFT JOIN a USING (job_id);
$$;

CREATE FUNCTION vectors.set_of(names text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_agg(n ORDER BY n), '[]') FROM unnest(names) AS n;
$$;
CREATE FUNCTION vectors.counts(queues text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_object_agg(s.q, s.n), '{}') FROM (SELECT q, count(*) AS n FROM unnest(queues) AS q GROUP BY q) s;
$$;

-- the first instant, of one and the second before it, at which a pass evicts
CREATE FUNCTION vectors.evicted_at(c jsonb, pool bigint, instant numeric) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    FOR t IN (instant - 1)::integer .. instant::integer LOOP
        PERFORM vectors.at(c ->> 'id', t);
        PERFORM schedule(pool);
        IF EXISTS (SELECT FROM vectors.seen(pool) s WHERE s.role = 'running' AND s.state <> 'running') THEN
            RETURN to_jsonb(t);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

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
        WHEN 'domain' THEN (
            SELECT jsonb_object_agg(v.key, (
                SELECT jsonb_object_agg(l, (
                    SELECT string_agg(DISTINCT n.topology ->> l, ' and ') FROM unnest(s) f, jsonb_object_keys(f.placed) AS p
                    JOIN vectors.node m ON m.id = c ->> 'id' AND m.name = p JOIN node n ON n.node_id = m.node_id WHERE f.name = v.key))
                FROM jsonb_object_keys(v.value) AS l))
            FROM jsonb_each(expected) v)
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
        WHEN 'preempt_possible_at' THEN vectors.evicted_at(c, pool, (expected #>> '{}')::numeric)
        ELSE to_jsonb('no fact is known by this name'::text) END;
END $$;

-- sets have no order
CREATE FUNCTION vectors.sorted(what text, value jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'array' AND what <> 'order' THEN
        (SELECT coalesce(jsonb_agg(v ORDER BY v #>> '{}'), '[]') FROM jsonb_array_elements(value) v) ELSE value END;
$$;

\ir vectors_formula.sql
\ir vectors_time.sql
\ir vectors_depend.sql

-- plays a case; what is not as expected, '' if all is
CREATE FUNCTION vectors.play(c jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    pool bigint;
BEGIN
    CASE c ->> 'kind'
        WHEN 'formula' THEN RETURN vectors.play_formula(c);
        WHEN 'timeline' THEN RETURN vectors.play_time(c);
        WHEN 'dependency' THEN RETURN vectors.play_dependency(c);
        ELSE NULL;
    END CASE;
    pool := vectors.build(c, vectors.policy(c));
    PERFORM vectors.at(c ->> 'id', coalesce(
        (c ->> 'now')::numeric,
        (SELECT max((j ->> 'submit')::numeric) FROM jsonb_array_elements(coalesce(c -> 'running', '[]') || coalesce(c -> 'pending', '[]')) j)));
    IF c ->> 'kind' <> 'order' THEN
        PERFORM schedule(pool);
    END IF;
    -- what goes on after the pass comes last
    RETURN coalesce((
        SELECT string_agg(format('%s: %s, not %s', e.key, f, e.value), '; ')
        FROM (SELECT * FROM jsonb_each(c -> 'expected') ORDER BY key = 'preempt_possible_at' OFFSET 0) e, vectors.fact(c, pool, e.key, e.value) f
        WHERE vectors.sorted(e.key, f) IS DISTINCT FROM vectors.sorted(e.key, e.value)), '');
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ': ' || sqlerrm;
END $$;

-- ---- for the files ----

-- which file plays which groups of cases
CREATE TABLE vectors.file (prefix text PRIMARY KEY, name text NOT NULL);
INSERT INTO vectors.file VALUES
    ('admit', 'vectors_admit'),
    ('gang', 'vectors_admit'),
    ('place', 'vectors_place'),
    ('order', 'vectors_place'),
    ('topo', 'vectors_place'),
    ('backfill', 'vectors_time'),
    ('timeline', 'vectors_time'),
    ('preempt', 'vectors_preempt'),
    ('reclaim', 'vectors_preempt'),
    ('fairpre', 'vectors_preempt'),
    ('elastic', 'vectors_admit'),
    ('depend', 'vectors_depend'),
    ('fair', 'vectors_fair'),
    ('formula', 'vectors_fair');

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
