-- Fills the pool; of the jobs that found no room, none is left in the queue.

SET search_path TO pool_manager, public;
SELECT count(*) FROM schedule('pub');
SET session_replication_role = replica;
WITH gone AS (DELETE FROM job_queue RETURNING pool_id, job_id)
UPDATE job j SET end_state = 'cancelled', ended_at = now() FROM gone g WHERE j.pool_id = g.pool_id AND j.job_id = g.job_id;
RESET session_replication_role;
VACUUM ANALYZE;
SELECT create_pool('warm', 'public');
CHECKPOINT;
