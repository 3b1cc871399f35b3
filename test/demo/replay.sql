-- The replay.  At each instant all ends release, then all submissions join,
-- then one pass runs over each pool that was touched.

CREATE PROCEDURE demo.replay(until timestamptz, replicas integer) LANGUAGE plpgsql AS $$
DECLARE
    instant timestamptz;
    touched text[];
    due     record;
    job     bigint;
    p       text;
BEGIN
    LOOP
        instant := least((SELECT min(submit_at) FROM demo.task WHERE state = 'to come'),
                         (SELECT min(ends_at) FROM demo.task WHERE state = 'running'));
        EXIT WHEN instant IS NULL OR instant > until;
        PERFORM set_config('pool_manager.clock', instant::text, false);
        touched := '{}';

        FOR due IN SELECT job_id, outcome, pool FROM demo.task
                 WHERE state = 'running' AND ends_at = instant ORDER BY job_id
        LOOP
            PERFORM finish_job(due.job_id, due.outcome);
            UPDATE demo.task SET state = 'ended' WHERE job_id = due.job_id;
            touched := touched || due.pool;
        END LOOP;

        FOR due IN SELECT * FROM demo.task WHERE state = 'to come' AND submit_at = instant ORDER BY task
        LOOP
            BEGIN
                job := submit_job(due.pool, due.task, due.kind, request => due.request, replicas => replicas, tenant => due.tenant);
                UPDATE demo.task SET state = 'queued', job_id = job WHERE task = due.task;
                touched := touched || due.pool;
            EXCEPTION WHEN SQLSTATE 'PM001' THEN
                UPDATE demo.task SET state = 'refused', refused = SQLERRM WHERE task = due.task;
            END;
        END LOOP;
        -- a dedicated pool may have placed it at once
        UPDATE demo.task t SET state = 'running', ends_at = r.started_at + t.run_time, placed_at_once = true
        FROM pool, job_run r
        WHERE t.submit_at = instant AND t.state = 'queued' AND t.pool = pool.name AND pool.kind = 'dedicated' AND
              r.pool_id = pool.pool_id AND r.job_id = t.job_id;

        FOR p IN SELECT DISTINCT unnest(touched) ORDER BY 1
        LOOP
            FOR due IN SELECT job_id FROM schedule(p)
            LOOP
                UPDATE demo.task SET state = 'running', ends_at = instant + run_time WHERE job_id = due.job_id;
            END LOOP;
        END LOOP;

        COMMIT;
    END LOOP;
    PERFORM set_config('pool_manager.clock', until::text, false);
END
$$;

CREATE FUNCTION demo.progress() RETURNS text LANGUAGE sql AS $$
SELECT format('%s  %s of %s tasks came, %s ended, %s run, %s wait, %s %% of the GPUs busy   ',
              to_char(clock(), 'YYYY-MM-DD'), to_char(n.come, 'FM9,999'), to_char(n.tasks, 'FM9,999'), to_char(n.ended, 'FM9,999'),
              n.running, n.waiting, g.busy)
FROM (SELECT count(*) AS tasks,
             count(*) FILTER (WHERE state <> 'to come') AS come,
             count(*) FILTER (WHERE state = 'ended') AS ended,
             count(*) FILTER (WHERE state = 'running') AS running,
             count(*) FILTER (WHERE state = 'queued') AS waiting
      FROM demo.task) AS n,
     (SELECT round(100 * sum(allocated) / sum(allocatable)) AS busy FROM pool_utilization WHERE resource = 'nvidia.com/gpu') AS g
$$;
