-- Arguments for pgbench: with them, ids are sums, any of a tenant's shapes
-- being as good as another.  Nothing if they are not.
SELECT format('-D pool=%s -D tenant0=%s -D sub0=%s -D space0=%s -D shape0=%s',
              min(pool_id), min(tenant_id - t), min(sub_pool_id - t), min(workspace_id - t), min(shape - 20 * t - 1))
FROM (SELECT *, min(shape_id) OVER (PARTITION BY t) AS shape, max(shape_id) OVER (PARTITION BY t) AS last_shape
      FROM bench.ids) AS i
HAVING count(*) = 200 AND min(tenant_id - t) = max(tenant_id - t) AND min(sub_pool_id - t) = max(sub_pool_id - t) AND
       min(workspace_id - t) = max(workspace_id - t) AND min(shape - 20 * t) = max(shape - 20 * t) AND
       max(last_shape - shape) = 19;
