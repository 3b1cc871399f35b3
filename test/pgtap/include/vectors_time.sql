-- Cases of kind timeline: a cluster of equal nodes, jobs with time limits.  The
-- policy is backfill, with one reservation (easy) or all (conservative).  Each
-- case is played through to the last start, a pass at every instant at which
-- something changes, with runs that take all of their time; what forecast() says
-- at the beginning must come.
--
-- Nodes are nodes of one cpu.  A license is a resource of which every node has
-- plenty and a sub-pool an upper quota; so is a limit on what a user, a project
-- or an array may hold, and one on the number of its jobs, of which a task is
-- a part.

-- the case in the form of the others, with nodes, queues and requests
CREATE FUNCTION vectors.of_time(c jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    limits constant jsonb := coalesce(c -> 'limits', '[]');
    licenses constant jsonb := coalesce(c -> 'licenses', '{}');
    node jsonb := '{"cpu": 1}';
    jobs jsonb := '{}';
    list text;
    key text;
BEGIN
    SELECT node || coalesce(jsonb_object_agg(l, 1), '{}') INTO node FROM jsonb_object_keys(licenses) AS l;
    IF jsonb_path_exists(limits, '$[*].max_jobs') THEN
        node := node || '{"jobs": 1}';
    END IF;
    FOREACH list IN ARRAY '{running,pending}'::text[] LOOP
        -- the order of submission counts, all is submitted when the clock begins
        jobs := jobs || jsonb_build_object(list, (
            SELECT coalesce(jsonb_agg(
                j.value || jsonb_build_object('submit', 0, 'submitted', j.value -> 'submit',
                    'per_task', '{"cpu": 1}' || coalesce(j.value -> 'licenses', '{}') || (
                        SELECT CASE count(*) WHEN 0 THEN '{}' ELSE jsonb_build_object('jobs', 1.0 / (j.value ->> 'tasks')::integer) END
                        FROM jsonb_array_elements(limits) l WHERE l.value ? 'max_jobs' AND j.value @> (l.value -> 'scope'))) || (
                SELECT CASE count(*) WHEN 0 THEN CASE WHEN licenses <> '{}' THEN '{"queue": "licensed"}' ELSE '{}' END::jsonb
                       ELSE jsonb_build_object('queue', string_agg(l.value ->> 'scope', ' and ')) END
                FROM jsonb_array_elements(limits) l WHERE j.value @> (l.value -> 'scope'))
                ORDER BY (j.value ->> 'submit')::numeric, j.ordinality), '[]')
            FROM jsonb_array_elements(coalesce(c -> list, '[]')) WITH ORDINALITY j));
    END LOOP;
    RETURN c || jobs || jsonb_build_object(
        'nodes', (SELECT jsonb_agg(jsonb_build_object('name', 'n' || i, 'capacity', node))
                  FROM generate_series(1, (c #>> '{cluster,nodes}')::integer) AS i),
        'queues', (
            SELECT coalesce(jsonb_agg(q), '[]')
            FROM (SELECT jsonb_build_object('name', l.value ->> 'scope', 'max',
                         CASE WHEN l.value ? 'max_jobs' THEN jsonb_build_object('jobs', l.value -> 'max_jobs')
                              ELSE jsonb_build_object('cpu', l.value -> 'max_resources') END)
                  FROM jsonb_array_elements(limits) l
                  UNION ALL
                  SELECT jsonb_build_object('name', 'licensed', 'max', licenses) WHERE licenses <> '{}') AS v (q)));
END $$;

-- when a job of the case began to run, in seconds; NULL: it did not
CREATE FUNCTION vectors.began(id text, name text) RETURNS numeric LANGUAGE sql AS $$
    SELECT extract(epoch FROM min(r.started_at) - p.base)
    FROM vectors.pool p JOIN vectors.job j USING (id) JOIN job_run r USING (job_id)
    WHERE p.id = began.id AND j.name = began.name GROUP BY p.base;
$$;

-- the next instant at which something changes
CREATE FUNCTION vectors.next_change(c jsonb, pool bigint, after numeric) RETURNS numeric LANGUAGE sql AS $$
    SELECT min(t) FROM (
        SELECT extract(epoch FROM r.planned_end - p.base) FROM job_run r JOIN vectors.pool p ON p.pool_id = r.pool_id
        WHERE r.pool_id = next_change.pool AND r.ended_at IS NULL
        UNION ALL
        SELECT v::numeric FROM jsonb_array_elements(c -> 'reservations') r, jsonb_each_text(r) AS e (k, v) WHERE k IN ('start', 'end')
        UNION ALL
        SELECT (j ->> 'not_before')::numeric FROM jsonb_array_elements(c -> 'pending') j) AS v (t)
    WHERE t > after;
$$;

-- nodes are out of service for a time
CREATE FUNCTION vectors.reserve(c jsonb, pool bigint) RETURNS void LANGUAGE sql AS $$
    SELECT accept_maintenance(m)
    FROM vectors.pool p, jsonb_array_elements(c -> 'reservations') r,
        schedule_maintenance(ARRAY(
            SELECT n.node_id FROM vectors.node n WHERE n.id = c ->> 'id' ORDER BY n.node_id LIMIT (r #>> '{resources,nodes}')::integer),
            'reboot', r ->> 'name', p.base + make_interval(secs => (r ->> 'start')::float8)) AS m
    WHERE p.pool_id = reserve.pool;
$$;

-- passes at every instant from one on at which something changes
CREATE FUNCTION vectors.pass_on(c jsonb, pool bigint, since numeric) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t numeric := since;
BEGIN
    WHILE t IS NOT NULL LOOP
        PERFORM vectors.at(c ->> 'id', t);
        PERFORM tasks_done(ARRAY(SELECT k.task_id FROM node_tasks k WHERE k.pool = 'vectors ' || (c ->> 'id') AND k.state = 'running'))
        FROM jsonb_array_elements(c -> 'reservations') r WHERE (r ->> 'end')::numeric = t;
        PERFORM schedule(pool);
        t := vectors.next_change(c, pool, t);
    END LOOP;
END $$;

-- when a job would begin that is not submitted: all is undone
CREATE FUNCTION vectors.would_begin(c jsonb, pool bigint, job jsonb) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    found numeric;
BEGIN
    PERFORM vectors.submit(c, pool, job, 'pending');
    PERFORM vectors.pass_on(c, pool, 0);
    found := vectors.began(c ->> 'id', job ->> 'id');
    RAISE EXCEPTION SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN found;
END $$;

-- plays a case with so many reservations and compares
CREATE FUNCTION vectors.play_easy_or_not(c jsonb, system text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    asked constant text := c #>> '{expected,what_if}';
    this constant jsonb := vectors.of_time(c) || jsonb_build_object('id', (c ->> 'id') || ' ' || system);
    id constant text := this ->> 'id';
    expected constant jsonb := coalesce(c #> ARRAY['expected', system], c -> 'expected');
    pool bigint;
    first vectors.seen[];
    foreseen jsonb;
    would numeric;
BEGIN
    PERFORM vectors.rank_jobs(this);
    pool := vectors.build(jsonb_set(this, '{pending}', (
        SELECT jsonb_agg(j.value ORDER BY j.ordinality) FROM jsonb_array_elements(this -> 'pending') WITH ORDINALITY j
        WHERE j.value ->> 'id' IS DISTINCT FROM asked)), 'backfill');
    PERFORM set_queue_policy(pool, reservations => CASE system WHEN 'easy' THEN 1 ELSE 0 END);
    PERFORM vectors.reserve(this, pool);
    PERFORM vectors.at(id, 0);
    PERFORM schedule(pool);
    first := ARRAY(SELECT s FROM vectors.seen(pool) s);
    foreseen := (
        SELECT coalesce(jsonb_object_agg(j.name, extract(epoch FROM f.expected_start - p.base)), '{}')
        FROM forecast(pool) f JOIN vectors.job j USING (job_id) JOIN vectors.pool p USING (id));
    IF asked IS NOT NULL THEN
        SELECT vectors.would_begin(this, pool, j) INTO would FROM jsonb_array_elements(this -> 'pending') j WHERE j ->> 'id' = asked;
    END IF;
    PERFORM vectors.pass_on(this, pool, vectors.next_change(this, pool, 0));
    -- what was foreseen for those in the queue has come; when work on nodes will
    -- have been done nobody knows
    IF EXISTS (SELECT FROM jsonb_each(foreseen) f
               WHERE f.value IS DISTINCT FROM to_jsonb(vectors.began(id, f.key)) AND NOT (this ? 'reservations' AND f.value = 'null')) THEN
        RETURN format('%s: foreseen %s, came %s', system, foreseen, (
            SELECT jsonb_object_agg(k, vectors.began(this ->> 'id', k)) FROM jsonb_object_keys(foreseen) k));
    END IF;
    RETURN (
        SELECT coalesce(string_agg(format('%s %s: %s, not %s', system, e.key, f, e.value), '; '), '')
        FROM jsonb_each(expected) e, LATERAL (
            SELECT CASE e.key
                WHEN 'start_at' THEN (SELECT jsonb_object_agg(j, trim_scale(CASE WHEN j = asked THEN would ELSE vectors.began(id, j) END))
                                 FROM jsonb_object_keys(e.value) AS j)
                WHEN 'what_if' THEN to_jsonb(asked)
                WHEN 'jobs_after' THEN vectors.set_of(ARRAY(SELECT j.job FROM job_status j WHERE j.pool = 'vectors ' || id))
                WHEN 'start_now' THEN vectors.set_of(ARRAY(
                    SELECT j.name FROM vectors.job j WHERE j.id = this ->> 'id' AND j.role = 'pending' AND vectors.began(j.id, j.name) = 0))
                WHEN 'reason' THEN (
                    SELECT coalesce(jsonb_object_agg(s.name, coalesce(
                        (SELECT w.theirs FROM vectors.word w WHERE w.ours = s.reason AND w.theirs = e.value ->> s.name), s.reason)), '{}')
                    FROM unnest(first) s WHERE e.value ? s.name)
                ELSE to_jsonb('no fact is known by this name'::text) END) AS v (f)
        WHERE e.key <> 'holds_for' AND vectors.sorted(e.key, f) IS DISTINCT FROM vectors.sorted(e.key, e.value));
END $$;

-- plays a case; what is not as expected, '' if all is
CREATE FUNCTION vectors.play_time(c jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(nullif(vectors.play_easy_or_not(c, system), ''), '; '), '')
    FROM jsonb_array_elements_text(c #> '{expected,holds_for}') AS system;
$$;
