-- A role that acts for all tenants, the twenty shapes its jobs have in each,
-- and what the floor needs to write the same rows: ids that can be computed.

CREATE ROLE bench_member LOGIN;
SELECT grant_tenant('t' || i, 'bench_member') FROM generate_series(1, 10) AS i;
SELECT count(*) FROM generate_series(1, 10) AS t, submit_jobs('pub', $$
    SELECT 'first' AS name, format('cpu=%s,memory=8Gi,nvidia.com/gpu=0.5', s)::pool_manager.resource_list AS request
    FROM generate_series(1, 20) AS s$$, 't' || t);
CREATE TABLE bench.bare (LIKE job INCLUDING DEFAULTS);
GRANT USAGE ON SCHEMA bench TO bench_member;
GRANT INSERT, SELECT ON ALL TABLES IN SCHEMA bench TO bench_member;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA pool_manager TO bench_member;

CREATE VIEW bench.ids AS
SELECT p.pool_id, t.tenant_id, q.sub_pool_id, w.workspace_id, h.shape_id,
       substr(t.name, 2)::integer AS t, quantity(g.request, 'cpu')::integer AS s
FROM pool p JOIN sub_pool q USING (pool_id) JOIN tenant t ON t.tenant_id = q.tenant_id
JOIN workspace w ON w.tenant_id = t.tenant_id JOIN job_shape h USING (pool_id, sub_pool_id)
JOIN task_group g USING (pool_id, shape_id) WHERE p.name = 'pub';
VACUUM ANALYZE;
