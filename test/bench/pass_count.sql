SELECT (SELECT count(*) FROM job_queue WHERE pool_id = :pool AND state = 'queued'),
       (SELECT count(*) FROM sub_pool WHERE pool_id = :pool),
       (SELECT count(*) FROM node n JOIN node_load l USING (pool_id, node_id)
        WHERE n.pool_id = :pool AND n.state = 'available' AND n.schedulable),
       (SELECT count(*) FROM job_shape s JOIN task_group g USING (pool_id, shape_id) WHERE s.pool_id = :pool);
