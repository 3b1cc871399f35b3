-- Jobs by their names, of which each is there once. For \ir; no test of its own.
CREATE FUNCTION pg_temp.job(named text) RETURNS bigint LANGUAGE sql AS $$
    SELECT job_id FROM job WHERE name = named
$$;
CREATE FUNCTION pg_temp.state(named text) RETURNS text LANGUAGE sql AS $$
    SELECT state::text FROM job_status WHERE job = named
$$;
