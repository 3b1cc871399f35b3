-- The jobs to submit, and the rows that submitting them writes, for the floor.

SET search_path TO pool_manager, public;
CREATE TABLE public.source AS SELECT * FROM some_jobs(0, :jobs);
SELECT count(*) FROM submit_jobs('pub', 'SELECT name, request, replicas FROM public.shape, (VALUES (''first'')) AS v(name)', 't1');
BEGIN;
SELECT count(*) FROM submit_jobs('pub', 'SELECT * FROM public.source', 't1');
\cd :out
\copy (SELECT * FROM job WHERE name <> 'first') TO 'job'
\copy (SELECT * FROM job_queue WHERE job_id IN (SELECT job_id FROM job WHERE name <> 'first')) TO 'job_queue'
\copy (SELECT * FROM event WHERE job_id IN (SELECT job_id FROM job WHERE name <> 'first')) TO 'event'
ROLLBACK;
CREATE TABLE bench.new_job (LIKE job);
CREATE TABLE bench.new_job_queue (LIKE job_queue);
CREATE TABLE bench.new_event (LIKE event);
\copy bench.new_job FROM 'job'
\copy bench.new_job_queue FROM 'job_queue'
\copy bench.new_event FROM 'event'
VACUUM ANALYZE;
CHECKPOINT;
