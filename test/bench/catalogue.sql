-- What every row needs: ten tenants, three flavors of nodes, one public pool.
-- Variable "nodes": how many nodes; three in five have 8 devices, one 4, one
-- none.

SET search_path TO pool_manager, public;
SELECT create_tenant('t' || i, 'USD', 'UTC') FROM generate_series(1, 10) AS i;
SELECT create_sku('core', 'core'), create_sku('gib', 'GiB'), create_sku('gpu', 'GPU');
SELECT create_flavor('big', 'cpu=128,memory=1024Gi,nvidia.com/gpu=8', NULL, 'nvidia.com/gpu'),
       create_flavor('mid', 'cpu=64,memory=256Gi,nvidia.com/gpu=4', NULL, 'nvidia.com/gpu'),
       create_flavor('cpu', 'cpu=64,memory=256Gi');
SELECT set_resource_sku(f, 'cpu=1', 'core'), set_resource_sku(f, 'memory=1Gi', 'gib')
FROM unnest('{big,mid,cpu}'::text[]) AS f;
SELECT set_resource_sku(f, 'nvidia.com/gpu=1', 'gpu') FROM unnest('{big,mid}'::text[]) AS f;
SELECT create_pool('pub', 'public', queue_policy => 'traversal');
SELECT count(*) FROM (VALUES ('big', 3), ('mid', 1), ('cpu', 1)) AS v(f, n), add_nodes('pub', f, :nodes / 5 * n);

-- 200 shapes: fractions of a device, whole devices, none; four in five of one
-- replica, the others gangs of 2 to 64
CREATE TABLE public.shape AS
SELECT n, format('cpu=%s,memory=%sGi%s', cpu, cpu * (2 + more % 7),
                 CASE WHEN gpu > 0 THEN ',nvidia.com/gpu=' || gpu ELSE '' END)::resource_list AS request,
       (CASE WHEN n % 20 < 16 THEN 1 WHEN n % 20 < 19 THEN 2 + more % 7 ELSE 2 + more % 63 END)::integer AS replicas
FROM (SELECT n, more, gpu, CASE WHEN gpu > 1 THEN (gpu * (4 + hash % 11))::integer ELSE 1 + hash % 16 END AS cpu
      FROM (SELECT n, abs(hashint4(n)::bigint) AS hash, abs(hashint4(-n)::bigint) AS more,
                   ('{0,0,0.25,0.5,1,1,2,4,8,1}'::numeric[])[1 + n % 10] AS gpu
            FROM generate_series(0, 199) AS n) AS a) AS b;

-- Any number of jobs, of shapes in no order, that last an hour to a day
CREATE FUNCTION public.some_jobs(since integer, count integer)
RETURNS TABLE (name text, request resource_list, replicas integer, time_limit interval)
LANGUAGE sql STABLE AS $$
    SELECT 'job-' || i, s.request, s.replicas, make_interval(hours => (1 + abs(hashint4(-i)::bigint) % 24)::integer)
    FROM generate_series(since, since + count - 1) AS i
    JOIN public.shape s ON s.n = abs(hashint4(i)::bigint) % 200 ORDER BY i
$$;
