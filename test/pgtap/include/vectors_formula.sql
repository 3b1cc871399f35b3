-- Cases of kind formula: the numbers are brought about in a pool and read from
-- the views that show shares and scores.  Those are in steps of 2^-20.

-- the whole pool for some seconds, by a job of a tenant
CREATE FUNCTION vectors.use_all(id text, pool bigint, tenant text, seconds numeric) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    since interval := current_setting('pool_manager.clock')::timestamptz - (SELECT p.base FROM vectors.pool p WHERE p.id = use_all.id);
    job bigint;
BEGIN
    IF seconds > 0 THEN
        job := submit_job(pool, 'all of it', request => 'cpu=10', tenant => find_tenant(tenant));
        PERFORM schedule(pool);
        PERFORM vectors.at(id, extract(epoch FROM since) + seconds);
        PERFORM finish_job(job);
    END IF;
END $$;

-- a pool of one node of 10 cpus; public, where tenants have shares of it
CREATE FUNCTION vectors.plain_pool(id text, kind pool_kind, cpus integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    flavor text := vectors.flavor(vectors.list(jsonb_build_object('cpu', cpus)));
    pool bigint;
BEGIN
    PERFORM set_resource_sku(flavor, 'cpu=1', NULL);
    INSERT INTO vectors.pool VALUES (id, NULL, date_trunc('day', current_setting('pool_manager.clock')::timestamptz) + interval '36 hours');
    PERFORM vectors.at(id, 0);
    pool := CASE kind WHEN 'public' THEN create_pool('vectors ' || id, 'public')
            ELSE create_pool('vectors ' || id, 'dedicated', 'vectors', 'vectors') END;
    PERFORM add_nodes(pool, flavor, 1);
    RETURN pool;
END $$;

-- usage U of one with the share S, others have the rest of both
CREATE FUNCTION vectors.fair_factor(id text, u numeric, s numeric) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    pool bigint := vectors.plain_pool(id, 'public', 10);
BEGIN
    PERFORM set_job_order(pool, fair_weight => 1, half_life => '0');
    PERFORM set_fair_share(pool, find_tenant('one'), (1000 * s)::integer), set_fair_share(pool, find_tenant('others'), (1000 * (1 - s))::integer);
    PERFORM vectors.use_all(id, pool, 'one', 100 * u), vectors.use_all(id, pool, 'others', 100 * (1 - u));
    PERFORM submit_job(pool, 'waits', request => 'cpu=1', tenant => find_tenant('one'));
    RETURN (SELECT f.factor / 1048576.0 FROM fair_shares(pool) f WHERE f.tenant_id = find_tenant('one'));
END $$;

-- what is left of a usage after so many seconds
CREATE FUNCTION vectors.decayed(id text, usage numeric, half_life numeric, elapsed numeric) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    pool bigint := vectors.plain_pool(id, 'public', 10);
BEGIN
    PERFORM set_job_order(pool, fair_weight => 1, half_life => '0');
    PERFORM vectors.use_all(id, pool, 'one', usage);
    PERFORM set_job_order(pool, half_life => make_interval(secs => half_life::float8));
    PERFORM vectors.at(id, usage + elapsed);
    RETURN (SELECT f.usage / 1e9 FROM fair_shares(pool) f WHERE f.tenant_id = find_tenant('one'));
END $$;

-- size of a job relative to its time
CREATE FUNCTION vectors.size_factor(id text, cpus integer, minutes integer, total integer) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    pool bigint := vectors.plain_pool(id, 'dedicated', total);
    job bigint;
BEGIN
    PERFORM set_job_order(pool, size_weight => 1, size_order => 'large_per_minute');
    PERFORM cordon_nodes(array_agg(n.node_id)) FROM node n WHERE n.pool_id = pool;
    job := submit_job(pool, 'sized', request => vectors.list(jsonb_build_object('cpu', cpus)), time_limit => make_interval(mins => minutes));
    RETURN (SELECT s.size / 1048576.0 FROM job_scores(pool) s WHERE s.job_id = job);
END $$;

-- how many jobs of each queue one pass starts, those of one queue submitted
-- before those of the next; asked: by queue what one asks for and how many
CREATE FUNCTION vectors.started(id text, capacity jsonb, queues jsonb, asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    c constant jsonb := jsonb_build_object('id', id,
        'policy', '{"quota_model": "deserved", "queueing": "best_effort_fifo", "across_queues": "fair_share"}'::jsonb,
        'nodes', jsonb_build_array(jsonb_build_object('name', 'node', 'capacity', capacity)), 'queues', queues,
        'pending', (SELECT jsonb_agg(jsonb_build_object('queue', key, 'priority', 0)) FROM jsonb_each(asked)));
    pool bigint;
    queue record;
BEGIN
    pool := vectors.build(c - 'pending', 'traversal');
    PERFORM vectors.rank_jobs(c), vectors.close_nodes(id);
    FOR queue IN SELECT key AS name, value FROM jsonb_each(asked) ORDER BY key LOOP
        PERFORM submit_jobs(pool, format('SELECT %L || i AS name, %L::pool_manager.resource_list AS request, %s AS priority, %L AS sub_pool, %L AS workspace
                                          FROM generate_series(1, %s) AS i', queue.name, vectors.list(queue.value -> 'request'),
            vectors.rank(c, jsonb_build_object('queue', queue.name, 'priority', 0)), queue.name, queue.name, queue.value ->> 'number'));
    END LOOP;
    PERFORM vectors.open_nodes(id);
    PERFORM schedule(pool);
    RETURN (SELECT jsonb_object_agg(s.sub_pool, s.running) FROM sub_pool_status s WHERE s.pool_id = pool AND s.sub_pool IS NOT NULL);
END $$;

-- shares of cpus by weights, or by guarantees with the rest by priority
CREATE FUNCTION vectors.shares(id text, input jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('share', s, 'remaining', (input ->> 'total')::integer - (SELECT sum(value::integer) FROM jsonb_each_text(s)))
    FROM vectors.started(id, jsonb_build_object('cpu', input -> 'total'), (
        SELECT jsonb_agg(CASE WHEN value ? 'deserved' THEN jsonb_build_object('guaranteed', jsonb_build_object('cpu', value -> 'deserved'))
            ELSE jsonb_build_object('weight', value -> 'weight') END || jsonb_build_object('name', key, 'priority', coalesce(value -> 'priority', '0')) ||
            CASE WHEN (value ->> 'max') IS NOT NULL THEN jsonb_build_object('max', jsonb_build_object('cpu', value -> 'max')) ELSE '{}' END ORDER BY key)
        FROM jsonb_each(input -> 'queues')), (
        SELECT jsonb_object_agg(key, jsonb_build_object('request', '{"cpu": 1}'::jsonb, 'number', coalesce(value -> 'demand', value -> 'request')))
        FROM jsonb_each(input -> 'queues'))) AS s;
$$;

-- how many tasks each has, and its dominant share, where all want more
CREATE FUNCTION vectors.drf(id text, capacity jsonb, demand jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('tasks', s, 'dominant_share', (
        SELECT jsonb_object_agg(key, round(dominant_share(vectors.list(demand -> key) * value::integer, vectors.list(capacity)), 6)) FROM jsonb_each_text(s)))
    FROM vectors.started(id, capacity, (
        SELECT jsonb_agg(jsonb_build_object('name', q, 'weight', 1)) FROM jsonb_object_keys(demand) q), (
        SELECT jsonb_object_agg(key, jsonb_build_object('request', value, 'number', 20)) FROM jsonb_each(demand))) AS s;
$$;

-- plays a case; what is not as expected, '' if all is
CREATE FUNCTION vectors.play_formula(c jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    id constant text := c ->> 'id';
    input constant jsonb := c -> 'input';
    expected numeric[] := ARRAY(
        SELECT v::numeric FROM jsonb_array_elements_text(coalesce(c #> '{expected,values}', jsonb_build_array(c #> '{expected,value}'))) v);
    got numeric[];
BEGIN
    IF input ?| '{queues,demand}' THEN
        RETURN (SELECT coalesce(string_agg(format('%s: %s, not %s', e.key, g -> e.key, e.value), '; '), '')
                FROM (SELECT CASE WHEN input ? 'queues' THEN vectors.shares(id, input) ELSE vectors.drf(id, input -> 'capacity', input -> 'demand') END) AS v (g), jsonb_each(c -> 'expected') e
                WHERE g -> e.key IS DISTINCT FROM e.value);
    END IF;
    got := CASE c ->> 'formula'
        WHEN '2^(-U/S)' THEN ARRAY(
            SELECT vectors.fair_factor(id || ' ' || n, (p ->> 0)::numeric, (p ->> 1)::numeric)
            FROM jsonb_array_elements(input -> 'pairs') WITH ORDINALITY AS v (p, n) ORDER BY n)
        WHEN 'U * 2^(-t/h)' THEN ARRAY(
            SELECT vectors.decayed(id || ' ' || n, (input ->> 'usage')::numeric, (input ->> 'half_life')::numeric, t::numeric)
            FROM jsonb_array_elements_text(input -> 'elapsed') WITH ORDINALITY AS v (t, n) ORDER BY n)
        WHEN '(cpus / minutes) / total_cpus' THEN ARRAY[
            vectors.size_factor(id, (input ->> 'cpus')::integer, (input ->> 'minutes')::integer, (input ->> 'total_cpus')::integer)] END;
    RETURN (
        SELECT coalesce(string_agg(format('%s: %s, not %s', k, g, e), '; '), '')
        FROM jsonb_object_keys(c -> 'expected') AS k, unnest(got, expected) AS v (g, e) WHERE abs(g - e) <= 0.000001 IS NOT TRUE);
END $$;
