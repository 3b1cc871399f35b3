WITH r AS (INSERT INTO job_run SELECT * FROM bench.new_job_run),
     q AS (DELETE FROM job_queue q USING bench.new_job_run r WHERE q.pool_id = r.pool_id AND q.job_id = r.job_id),
     a AS (INSERT INTO allocation SELECT * FROM bench.new_allocation),
     l AS (UPDATE node_load l SET allocated = n.allocated, devices = n.devices
           FROM bench.new_node_load n WHERE l.pool_id = n.pool_id AND l.node_id = n.node_id),
     h AS (INSERT INTO holding SELECT * FROM bench.new_holding),
     s AS (UPDATE job_shape s SET reason = n.reason, level = n.level, resource = n.resource, needed = n.needed,
               available = n.available
           FROM bench.new_job_shape n WHERE s.pool_id = n.pool_id AND s.shape_id = n.shape_id)
INSERT INTO event SELECT * FROM bench.new_event;
