-- One pass, and the rows it wrote, for the floor.  Fills the pool.

SET search_path TO pool_manager, public;
SELECT count(*) FROM schedule('pub');
\cd :out
\copy job_run TO 'job_run'
\copy job_shape TO 'job_shape'
\copy node_load TO 'node_load'
\copy allocation TO 'allocation'
\copy holding TO 'holding'
\copy (SELECT * FROM event WHERE run_id IS NOT NULL) TO 'event'
