-- Cases of kind dependency: jobs that have ended, or run, and jobs that wait for
-- them, on a node where everything fits.

-- plays a case; what is not as expected, '' if all is
CREATE FUNCTION vectors.play_dependency(c jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    pool bigint := vectors.build(c - 'pending', 'traversal');
    it jsonb;
    made bigint;
BEGIN
    FOR it IN SELECT j.value FROM jsonb_array_elements(c -> 'finished') WITH ORDINALITY j ORDER BY j.ordinality LOOP
        made := vectors.submit(c, pool, it, 'finished');
        PERFORM finish_job(made, (it ->> 'state')::job_state, (it ->> 'exit_code')::integer) WHERE it ->> 'state' <> 'running';
    END LOOP;
    FOR it IN SELECT j.value FROM jsonb_array_elements(c -> 'pending') WITH ORDINALITY j ORDER BY j.ordinality LOOP
        PERFORM vectors.submit(c, pool, it, 'pending');
    END LOOP;
    PERFORM schedule(pool);
    RETURN (
        SELECT coalesce(string_agg(format('%s: %s, not %s', e.key, f, e.value), '; '), '')
        FROM jsonb_each(c -> 'expected') e, LATERAL vectors.set_of(ARRAY(
            SELECT s.name FROM vectors.seen(pool) s
            WHERE s.role = 'pending' AND e.key = CASE
                WHEN s.state = 'running' THEN 'runnable' WHEN s.reason = 'dependency_never' THEN 'never' WHEN s.reason = 'dependency' THEN 'waiting' END)) f
        WHERE f <> vectors.sorted(e.key, e.value));
END $$;
