-- What a job that does not fit means for those behind it.

CREATE FUNCTION set_queue_policy(pool bigint, queue_policy queue_policy DEFAULT NULL, reservations integer DEFAULT NULL,
    backfill_order job_order DEFAULT NULL, step_timeout interval DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
#variable_conflict use_column
DECLARE
    exact_timeout interval := exact_interval(set_queue_policy.step_timeout, 'step_timeout');
    change record;
BEGIN
    IF set_queue_policy.reservations NOT BETWEEN 0 AND 10000 THEN
        PERFORM refuse_argument('reservations', 'They are 0 to 10000.', 'With 0 every blocked job is given a time.');
    END IF;
    change := begin_pool_change(set_queue_policy.pool);
    UPDATE pool p SET queue_policy = coalesce(set_queue_policy.queue_policy, p.queue_policy),
        reservations = coalesce(set_queue_policy.reservations, p.reservations),
        backfill_order = coalesce(set_queue_policy.backfill_order, p.backfill_order),
        step_timeout = coalesce(exact_timeout, p.step_timeout)
    WHERE p.pool_id = set_queue_policy.pool;
    PERFORM note_pool_change(set_queue_policy.pool, change.owner_id, change.instant,
        'queue_policy ' || set_queue_policy.queue_policy, 'reservations ' || set_queue_policy.reservations,
        'backfill_order ' || set_queue_policy.backfill_order, 'step_timeout ' || exact_timeout);
END $$;
COMMENT ON FUNCTION set_queue_policy(bigint, queue_policy, integer, job_order, interval) IS
'sets what a job that does not fit means for those behind it. reservations, of backfill: how many blocked jobs are given a time that nothing behind them delays; 1 is EASY backfill, 0, all, is conservative. backfill_order: what comes first among the jobs behind them. step_timeout, of stepped and tiered: how long something is withheld for a job. NULL leaves a setting as it is. Owners of the pool (42501); 42704: no such pool; 22023: a number or a length of time out of range; PM002: the pool is frozen';
CREATE FUNCTION set_queue_policy(pool text, queue_policy queue_policy DEFAULT NULL, reservations integer DEFAULT NULL,
    backfill_order job_order DEFAULT NULL, step_timeout interval DEFAULT NULL) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT set_queue_policy(find_pool(pool), queue_policy, reservations, backfill_order, step_timeout);
    END;
COMMENT ON FUNCTION set_queue_policy(text, queue_policy, integer, job_order, interval) IS 'the same, the pool by name';
