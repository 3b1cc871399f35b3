-- What moves by itself: work that waits for time, for jobs to end or for other
-- work, in one step that calls and passes take under the pool's lock.

CREATE FUNCTION advance_pool(pool bigint, instant timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM advance_tasks(pool, instant);
    PERFORM advance_maintenance(pool, instant);
    PERFORM advance_job_types(pool, instant);
    PERFORM settle_pool_state(pool, instant);
    PERFORM advance_orders(pool, instant);
END $$;
COMMENT ON FUNCTION advance_pool(bigint, timestamptz) IS
'takes scheduled events, tasks, job types and orders of a pool as far as they come now. With the pool''s lock. Bodies of calls only';

CREATE FUNCTION pool_is_busy(pool bigint, instant timestamptz) RETURNS boolean LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT EXISTS (SELECT FROM node_task t WHERE t.pool_id = pool_is_busy.pool AND t.ended_at IS NULL) OR
               EXISTS (SELECT FROM pool_order o WHERE o.pool_id = pool_is_busy.pool AND o.ended_at IS NULL) OR
               EXISTS (SELECT FROM pool_job_type k WHERE k.pool_id = pool_is_busy.pool AND k.state = 'disabling') OR
               EXISTS (SELECT FROM maintenance m WHERE m.pool_id = pool_is_busy.pool AND m.ended_at IS NULL AND
                           (m.state = 'executing' OR (m.state = 'scheduled' AND m.not_before <= pool_is_busy.instant)));
    END;
COMMENT ON FUNCTION pool_is_busy(bigint, timestamptz) IS
'is there anything that advance_pool() might take further: an open task or order, a job type being disabled, a scheduled event that is due? For passes';

REVOKE EXECUTE ON FUNCTION advance_pool(bigint, timestamptz), pool_is_busy(bigint, timestamptz) FROM PUBLIC;
