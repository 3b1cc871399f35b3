-- Fills the queue up to "jobs" jobs, "since" being the first one's number, in
-- ten rounds over ten tenants, so that no tenant's jobs are all ahead of
-- another's.  In a pool where nothing fits, a pass then gives all a reason.

SET search_path TO pool_manager, public;
SELECT ceil((:jobs - count(*)) / 100.0) AS each FROM job_queue \gset
SELECT format('SELECT count(*) FROM submit_jobs(''pub'', ''SELECT * FROM public.some_jobs(%s, %s)'', ''t%s'')',
              :since + (10 * round + t) * :each, :each, t)
FROM generate_series(0, 9) AS round, generate_series(1, 10) AS t ORDER BY round, t \gexec
SELECT 'SELECT count(*) FROM schedule(''pub'')' WHERE :since > 0 \gexec
VACUUM ANALYZE job, job_queue, job_shape, task_group, sub_pool, node, node_load;
CHECKPOINT;
