-- A scheduler in set-based SQL, the peer of reading and deciding: request by
-- request, in the order of the first job that makes it, all its jobs are laid
-- side by side over the nodes it fits, fullest nodes first.  Gangs are whole.
--
-- It does less than a pass: jobs of one request in turn, but not all jobs in
-- one order; devices as one number a node, not one by one; no selectors or
-- taints; no reasons.

SET search_path TO pool_manager, public;
CREATE SCHEMA bench;
CREATE FUNCTION bench.set_based(pool bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    CREATE TEMP TABLE free AS
    SELECT n.node_id, quantity(l.allocatable - l.allocated, 'cpu')::float8 AS cpu,
           quantity(l.allocatable - l.allocated, 'memory')::float8 AS memory,
           quantity(l.allocatable - l.allocated, 'nvidia.com/gpu')::float8 AS gpu
    FROM node n JOIN node_load l USING (pool_id, node_id)
    WHERE n.pool_id = pool AND n.state = 'available' AND n.schedulable;

    CREATE TEMP TABLE waiting AS
    SELECT q.job_id, g.request, g.replicas, row_number() OVER (ORDER BY q.priority DESC, q.submitted_at, q.job_id) AS rank
    FROM job_queue q JOIN task_group g USING (pool_id, shape_id)
    WHERE q.pool_id = pool AND q.state = 'queued';

    CREATE TEMP TABLE placed (job_id bigint, node_id bigint, request resource_list, replicas bigint);
    CREATE INDEX ON waiting (request, rank);
    ANALYZE free;
    ANALYZE waiting;

    FOR r IN SELECT request, sum(replicas) AS replicas, quantity(request, 'cpu')::float8 AS cpu,
                    quantity(request, 'memory')::float8 AS memory, quantity(request, 'nvidia.com/gpu')::float8 AS gpu
             FROM waiting GROUP BY request ORDER BY min(rank)
    LOOP
        WITH slots AS MATERIALIZED (
            SELECT * FROM (
                SELECT node_id, copies, sum(copies) OVER (ORDER BY gpu, cpu, node_id) AS upto
                FROM (SELECT node_id, cpu, gpu,
                             floor(least(cpu / r.cpu, memory / r.memory, gpu / nullif(r.gpu, 0)))::bigint AS copies
                      FROM free WHERE cpu >= r.cpu AND memory >= r.memory AND gpu >= r.gpu) AS f) AS s
            WHERE upto - copies < r.replicas),
        wanted AS MATERIALIZED (
            SELECT * FROM (SELECT job_id, replicas, sum(replicas) OVER (ORDER BY rank) AS upto
                           FROM waiting WHERE request = r.request) AS w
            WHERE upto <= (SELECT max(upto) FROM slots)),
        new AS (
            INSERT INTO placed
            SELECT w.job_id, s.node_id, r.request, least(w.upto, s.upto) - greatest(w.upto - w.replicas, s.upto - s.copies)
            FROM wanted w JOIN slots s ON w.upto - w.replicas < s.upto AND s.upto - s.copies < w.upto
            RETURNING node_id, replicas)
        UPDATE free f SET cpu = f.cpu - n.taken * r.cpu, memory = f.memory - n.taken * r.memory,
                          gpu = f.gpu - n.taken * r.gpu
        FROM (SELECT node_id, sum(replicas) AS taken FROM new GROUP BY node_id) AS n
        WHERE f.node_id = n.node_id;
    END LOOP;
    RETURN (SELECT count(DISTINCT job_id) FROM placed);
END $$;
