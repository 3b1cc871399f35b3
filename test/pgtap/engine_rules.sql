-- The rules of scheduling on random small clusters, by the public calls alone.
-- What fits is worked out from table allocation by a model that knows nothing
-- of the engine.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-01-01 00:00:00+00';
SELECT plan(66);
SELECT setseed(0.20260102);

--
-- The model
--

CREATE FUNCTION pg_temp.pick(variadic choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT choices[1 + floor(random() * cardinality(choices))::integer]
$$;

-- Thousandths free of each device of a node, from live allocations
CREATE FUNCTION pg_temp.free_devices(in_pool bigint, node bigint) RETURNS SETOF integer LANGUAGE sql AS $$
    SELECT 1000 - coalesce((SELECT sum(a.device_share) FROM allocation a, unnest(a.devices) AS used
                            WHERE a.pool_id = in_pool AND a.node_id = node AND a.released_at IS NULL AND used = d), 0)::integer
    FROM node_load l, generate_series(0, quantity(l.allocatable, l.accelerator)::integer - 1) AS d
    WHERE l.pool_id = in_pool AND l.node_id = node
$$;

-- How many replicas of a request a node could take
CREATE FUNCTION pg_temp.copies_on(in_pool bigint, node bigint, request resource_list) RETURNS numeric LANGUAGE sql AS $$
    SELECT min(CASE
        WHEN r.name IS DISTINCT FROM l.accelerator
        THEN floor((quantity(l.allocatable, r.name)
                    - coalesce((SELECT sum(quantity(a.allocated, r.name)) FROM allocation a
                                WHERE a.pool_id = in_pool AND a.node_id = node AND a.released_at IS NULL), 0)) / r.quantity)
        WHEN r.quantity % 1 = 0
        THEN floor((SELECT count(*) FROM pg_temp.free_devices(in_pool, node) AS f WHERE f = 1000) / r.quantity)
        ELSE (SELECT sum(floor(f / (1000 * r.quantity))) FROM pg_temp.free_devices(in_pool, node) AS f) END)
    FROM node_load l, resource_each(request) r WHERE l.pool_id = in_pool AND l.node_id = node
$$;

-- Could a job start now?
CREATE FUNCTION pg_temp.fits(in_pool bigint, job bigint) RETURNS boolean LANGUAGE sql AS $$
    SELECT coalesce(sum(pg_temp.copies_on(in_pool, n.node_id, g.request)), 0) >= min(g.min_replicas)
    FROM job j JOIN task_group g USING (pool_id, shape_id) JOIN node n USING (pool_id)
    WHERE j.pool_id = in_pool AND j.job_id = job AND n.labels @> g.node_selector
      AND NOT EXISTS (SELECT FROM jsonb_array_elements(n.taints) AS t
                      WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(g.tolerations) AS o WHERE o->>'key' = t->>'key'))
$$;

-- What is wrong with a pool at any time; nothing, if all goes well
CREATE FUNCTION pg_temp.wrongs(in_pool bigint) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('node %s has more %s than there is', l.node_id, r.name)
    FROM node_load l, resource_each(l.allocatable) r
    WHERE l.pool_id = in_pool AND r.quantity < (
        SELECT sum(quantity(a.allocated, r.name)) FROM allocation a WHERE a.pool_id = in_pool AND a.node_id = l.node_id AND a.released_at IS NULL)
    UNION ALL
    SELECT format('a device of node %s is given out twice', n.node_id)
    FROM node n, pg_temp.free_devices(in_pool, n.node_id) AS f WHERE n.pool_id = in_pool AND f < 0
    UNION ALL
    SELECT format('load of node %s differs from its allocations', l.node_id)
    FROM node_load l, resource_each(l.allocatable) r
    WHERE l.pool_id = in_pool AND quantity(l.allocated, r.name) <> coalesce((
        SELECT sum(quantity(a.allocated, r.name)) FROM allocation a WHERE a.pool_id = in_pool AND a.node_id = l.node_id AND a.released_at IS NULL), 0)
    UNION ALL
    SELECT format('run %s holds %s of %s to %s replicas', r.run_id, held, g.min_replicas, g.replicas)
    FROM job_run r JOIN job j USING (pool_id, job_id) JOIN task_group g USING (pool_id, shape_id),
         LATERAL (SELECT coalesce(sum(a.replicas), 0) AS held FROM allocation a
                  WHERE a.pool_id = r.pool_id AND a.run_id = r.run_id AND a.released_at IS NULL) h
    WHERE r.pool_id = in_pool AND r.ended_at IS NULL AND (held NOT BETWEEN g.min_replicas AND g.replicas OR held <> r.replicas[1])
    UNION ALL
    SELECT format('run %s: allocation is not its request times replicas', a.run_id)
    FROM allocation a JOIN job_run r USING (pool_id, run_id) JOIN job j USING (pool_id, job_id)
         JOIN task_group g USING (pool_id, shape_id)
    WHERE a.pool_id = in_pool AND a.allocated <> g.request * a.replicas
    UNION ALL
    SELECT format('run %s is on a node that its job does not match', a.run_id)
    FROM allocation a JOIN node n USING (pool_id, node_id) JOIN job_run r USING (pool_id, run_id)
         JOIN job j USING (pool_id, job_id) JOIN task_group g USING (pool_id, shape_id)
    WHERE a.pool_id = in_pool AND (NOT n.labels @> g.node_selector OR (n.taints <> '[]' AND g.tolerations = '[]'))
    UNION ALL
    SELECT format('device numbers of run %s are not those of its replicas', a.run_id)
    FROM allocation a JOIN node_load l USING (pool_id, node_id)
    WHERE a.pool_id = in_pool AND l.accelerator IS NOT NULL
      AND cardinality(a.devices) * a.device_share <> 1000 * quantity(a.allocated, l.accelerator)
    UNION ALL
    SELECT format('position %s of job %s is not its rank', position, job_id)
    FROM (SELECT o.position, q.job_id, rank() OVER (ORDER BY q.priority DESC, q.submitted_at, q.job_id) AS rank
          FROM queue_order(in_pool) o JOIN job_queue q USING (job_id)) AS o
    WHERE position <> rank
$$;

-- What is wrong after a pass that started the jobs given
CREATE FUNCTION pg_temp.wrongs_of_pass(in_pool bigint, policy text, started bigint[]) RETURNS SETOF text LANGUAGE sql AS $$
    WITH waiting AS (
        SELECT q.*, rank() OVER (PARTITION BY sub_pool_id ORDER BY priority DESC, submitted_at, job_id) AS place,
               rank() OVER (ORDER BY priority DESC, submitted_at, job_id) AS overall
        FROM job_queue q WHERE q.pool_id = in_pool AND q.state = 'queued')
    SELECT format('job %s has overtaken job %s', s.job_id, w.job_id)
    FROM job s JOIN waiting w USING (sub_pool_id)
    WHERE s.job_id = ANY (started) AND policy = 'fifo' AND (-w.priority, w.submitted_at, w.job_id) < (-s.priority, s.submitted_at, s.job_id)
    UNION ALL
    -- who is first in his queue waits for nobody else's; with traversal nobody waits who fits
    SELECT format('job %s fits and waits', w.job_id)
    FROM waiting w
    WHERE (policy = 'traversal' OR policy = 'fifo' AND place = 1 OR overall = 1) AND pg_temp.fits(in_pool, w.job_id)
    UNION ALL
    SELECT format('job %s waits for %s', v.job_id, v.reason)
    FROM queue v JOIN pool p ON p.name = v.pool JOIN waiting w ON w.job_id = v.job_id
    WHERE p.pool_id = in_pool AND (v.reason IN ('not_considered', 'pool_not_running')
        OR NOT EXISTS (SELECT FROM pending_reason r WHERE r.reason = v.reason)
        OR (v.reason = 'behind_head') <> (policy = 'fifo' AND place > 1)
        OR (v.reason IN ('resources', 'fragmented')) <> (v.lacking IS NOT NULL AND v.reason NOT IN ('reserved', 'exceeds_max')))
$$;

-- Who runs where, by names that twins share
CREATE FUNCTION pg_temp.picture(in_pool bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s: %s on node %s, devices %s of %s', j.name, a.replicas, n.place, a.devices, a.device_share), E'\n'
                      ORDER BY j.job_id, n.place)
    FROM job_run r JOIN job j USING (pool_id, job_id) JOIN allocation a USING (pool_id, run_id)
         JOIN (SELECT node_id, rank() OVER (ORDER BY node_id) AS place FROM node WHERE pool_id = in_pool) n USING (node_id)
    WHERE r.pool_id = in_pool
$$;

--
-- The worlds
--
SELECT create_sku('x', 'x');
SELECT create_tenant('t' || i, 'USD', 'UTC') FROM generate_series(1, 3) AS i;
SELECT create_flavor('gpu4', 'cpu=8,memory=16Gi,gpu=4', 'x', 'gpu'), create_flavor('gpu2', 'cpu=16,memory=8Gi,gpu=2', 'x', 'gpu'),
       create_flavor('cpu', 'cpu=12,memory=32Gi', 'x');
SELECT count(set_resource_sku(f, u::resource_list, NULL)) FROM unnest('{gpu4,gpu2,cpu}'::text[]) AS f, unnest('{cpu=1,memory=1Gi,gpu=1}'::text[]) AS u;
SELECT set_quota('t1', 'pools', 18);
SELECT create_network('n', '10.0.0.0/16', 't1');

CREATE TEMP TABLE world (seed integer, policy text, placement text, dedicated boolean, twins bigint[]);
CREATE TEMP TABLE seen (seed integer, what text);
CREATE TEMP TABLE counted (seed integer, passes integer DEFAULT 0, starts integer DEFAULT 0, left_waiting integer DEFAULT 0,
                           promises integer DEFAULT 0, partial integer DEFAULT 0);

CREATE FUNCTION pg_temp.build(w world) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    pools bigint[];
    flavor text;
    labels jsonb;
    taints jsonb;
    id bigint;
BEGIN
    FOR i IN 1 .. 2 LOOP
        pools := pools || CASE WHEN w.dedicated
            THEN create_pool(format('p%s-%s', w.seed, i), 'dedicated', 't1', 'n',
                             queue_policy => w.policy::queue_policy, placement => w.placement::placement_policy)
            ELSE create_pool(format('p%s-%s', w.seed, i), 'public',
                             queue_policy => w.policy::queue_policy, placement => w.placement::placement_policy) END;
    END LOOP;
    FOR i IN 1 .. 3 + w.seed % 3 LOOP
        flavor := CASE i WHEN 1 THEN 'gpu4' ELSE pg_temp.pick('gpu4', 'gpu2', 'cpu') END;
        labels := jsonb_build_object('zone', pg_temp.pick('a', 'b'));
        taints := pg_temp.pick('[]', '[]', '[{"key": "k", "value": "v"}]')::jsonb;
        FOREACH id IN ARRAY pools LOOP
            PERFORM add_nodes(id, flavor, labels => labels, taints => taints);
        END LOOP;
    END LOOP;
    RETURN pools;
END $$;

-- Submits the same random job to both twins; checks the dedicated promise
CREATE FUNCTION pg_temp.submit(w world, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    request constant resource_list := pg_temp.pick('cpu=1', 'cpu=3,memory=2Gi', 'cpu=9', 'cpu=1,gpu=0.3', 'gpu=0.46', 'gpu=1',
                                                   'cpu=2,gpu=2', 'gpu=4', 'memory=5Gi', 'cpu=0.5,memory=1Gi,gpu=1');
    replicas constant integer := 1 + floor(random() * random() * 4);
    least constant integer := CASE WHEN random() < 0.3 THEN 1 + floor(random() * replicas) ELSE replicas END;
    selector constant jsonb := pg_temp.pick('{}', '{}', '{}', '{"zone": "a"}');
    tolerations constant jsonb := pg_temp.pick('[]', '[]', '[{"key": "k"}]');
    urgency constant integer := CASE WHEN w.dedicated THEN 1 + floor(random() * 3) ELSE 1 END;
    owner constant bigint := CASE WHEN w.dedicated THEN 1 ELSE 1 + floor(random() * 3) END;
    id bigint;
    in_pool bigint;
    ahead boolean;
BEGIN
    FOREACH in_pool IN ARRAY w.twins LOOP
        ahead := EXISTS (SELECT FROM job_queue q WHERE q.pool_id = in_pool AND q.state = 'queued' AND q.priority >= urgency);
        id := submit_job(in_pool, name, request => request, replicas => replicas, min_replicas => least, tenant => owner,
                         priority => urgency, node_selector => selector, tolerations => tolerations);
        CONTINUE WHEN NOT w.dedicated OR ahead;
        UPDATE counted SET promises = promises + 1 WHERE seed = w.seed;
        -- it runs, or what is free is too little
        IF EXISTS (SELECT FROM job_queue q WHERE q.pool_id = in_pool AND q.job_id = id) AND pg_temp.fits(in_pool, id) THEN
            INSERT INTO seen VALUES (w.seed, format('job %s was promised', id));
        END IF;
    END LOOP;
END $$;

-- The same thing to jobs of the same name in both twins
CREATE FUNCTION pg_temp.both(w world, call text, job_name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id bigint;
BEGIN
    FOR id IN SELECT job_id FROM job WHERE pool_id = ANY (w.twins) AND name = job_name ORDER BY 1 LOOP
        EXECUTE format('SELECT %I(%s)', call, id);
    END LOOP;
END $$;

CREATE FUNCTION pg_temp.live(w world) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    started bigint[];
    in_pool bigint;
    job_name text;
    n integer := 0;
BEGIN
    FOR step IN 1 .. 12 LOOP
        PERFORM set_config('pool_manager.clock', (clock() + floor(random() * 100) * interval '1 second')::text, false);
        FOR i IN 1 .. floor(random() * 7) LOOP
            n := n + 1;
            -- what no node could ever hold is refused
            BEGIN
                PERFORM pg_temp.submit(w, 'job' || n);
            EXCEPTION WHEN SQLSTATE 'PM001' THEN
                NULL;
            END;
        END LOOP;
        FOREACH in_pool IN ARRAY w.twins LOOP
            SELECT coalesce(array_agg(job_id), '{}') INTO started FROM schedule(in_pool) WHERE state = 'running';
            UPDATE counted SET passes = passes + 1, starts = starts + cardinality(started),
                left_waiting = left_waiting + (SELECT count(*) FROM job_queue q WHERE q.pool_id = in_pool) WHERE seed = w.seed;
            INSERT INTO seen SELECT w.seed, what FROM pg_temp.wrongs_of_pass(in_pool, w.policy, started) AS what;
            INSERT INTO seen SELECT w.seed, what FROM pg_temp.wrongs(in_pool) AS what;
            -- the next pass has nothing to add
            INSERT INTO seen SELECT w.seed, format('job %s was started by a second pass', job_id) FROM schedule(in_pool)
            WHERE w.policy <> 'reserve';    -- which may find others to withhold for
        END LOOP;
        IF pg_temp.picture(w.twins[1]) IS DISTINCT FROM pg_temp.picture(w.twins[2]) THEN
            INSERT INTO seen VALUES (w.seed, 'twins differ');
        END IF;
        -- some end, some are cancelled, held and released
        FOR job_name IN SELECT j.name FROM job_run r JOIN job j USING (pool_id, job_id)
                        WHERE r.pool_id = w.twins[1] AND r.ended_at IS NULL AND random() < 0.35 ORDER BY 1 LOOP
            PERFORM pg_temp.both(w, pg_temp.pick('finish_job', 'finish_job', 'cancel_job'), job_name);
        END LOOP;
        FOR job_name IN SELECT j.name FROM job_queue q JOIN job j USING (pool_id, job_id)
                        WHERE q.pool_id = w.twins[1] AND q.state = 'queued' AND random() < 0.25 ORDER BY 1 LOOP
            PERFORM pg_temp.both(w, pg_temp.pick('cancel_job', 'hold_job'), job_name);
        END LOOP;
        FOR job_name IN SELECT j.name FROM job_queue q JOIN job j USING (pool_id, job_id)
                        WHERE q.pool_id = w.twins[1] AND q.state = 'held' AND random() < 0.4 ORDER BY 1 LOOP
            PERFORM pg_temp.both(w, 'release_job', job_name);
        END LOOP;
        INSERT INTO seen SELECT w.seed, what FROM unnest(w.twins) AS p, pg_temp.wrongs(p) AS what;
    END LOOP;
    UPDATE counted SET partial = (SELECT count(*) FROM job_run r JOIN job j USING (pool_id, job_id)
        JOIN task_group g USING (pool_id, shape_id) WHERE r.pool_id = ANY (w.twins) AND r.replicas[1] < g.replicas) WHERE seed = w.seed;
END $$;

INSERT INTO world
SELECT row_number() OVER (), policy, placement, dedicated
FROM unnest('{fifo,traversal,reserve}'::text[]) AS policy, unnest('{pack,first_fit,spread}'::text[]) AS placement,
     unnest('{false,true}'::boolean[]) AS dedicated;
INSERT INTO counted (seed) SELECT seed FROM world;
DO $$
DECLARE
    w world;
BEGIN
    FOR w IN SELECT * FROM world ORDER BY seed LOOP
        UPDATE world SET twins = pg_temp.build(w) WHERE seed = w.seed RETURNING twins INTO w.twins;
        PERFORM pg_temp.live(w);
    END LOOP;
END $$;

CREATE FUNCTION pg_temp.title(w world) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s, %s, %s %s: ', w.policy, w.placement, CASE WHEN w.dedicated THEN 'dedicated' ELSE 'public' END, w.seed)
$$;
SELECT is((SELECT string_agg(DISTINCT what, '; ') FROM seen s WHERE s.seed = w.seed AND what LIKE '%overtaken%'), NULL,
          pg_temp.title(w) || 'nobody overtakes') FROM world w WHERE policy = 'fifo' ORDER BY seed;
SELECT is((SELECT string_agg(DISTINCT what, '; ') FROM seen s WHERE s.seed = w.seed AND what LIKE '%fits and waits'), NULL,
          pg_temp.title(w) || 'nobody who may start waits') FROM world w ORDER BY seed;
SELECT is((SELECT string_agg(DISTINCT what, '; ') FROM seen s WHERE s.seed = w.seed AND what = 'twins differ'), NULL,
          pg_temp.title(w) || 'same input, same output') FROM world w ORDER BY seed;
SELECT is((SELECT string_agg(DISTINCT what, '; ') FROM seen s WHERE s.seed = w.seed
           AND what NOT LIKE '%overtaken%' AND what NOT LIKE '%fits and waits' AND what <> 'twins differ'), NULL,
          pg_temp.title(w) || 'nodes, gangs, matches, devices, ranks, reasons, promises') FROM world w ORDER BY seed;
-- that these say something
SELECT cmp_ok(sum(starts), '>', 300::bigint, 'jobs were started') FROM counted;
SELECT cmp_ok(sum(left_waiting), '>', 500::bigint, 'jobs had to wait') FROM counted;
SELECT cmp_ok(sum(promises), '>', 50::bigint, 'promises were tried') FROM counted;
SELECT cmp_ok(sum(partial), '>', 5::bigint, 'runs had less than all replicas') FROM counted;
SELECT ok((SELECT count(*) FROM counted WHERE left_waiting = 0) = 0, 'in every world');

-- the view orders a pool once, though no table has been analysed
SET LOCAL track_functions TO 'all';
SELECT count(*) >= 0 FROM queue;
SELECT is((SELECT sum(calls) FROM pg_stat_xact_user_functions WHERE funcname = 'queue_order'), (SELECT count(*)::numeric FROM pool),
          'the view queue orders each pool once');

SELECT * FROM finish();
ROLLBACK;
