-- Jobs by names that the test file gives them. For \ir; no test of its own.
CREATE TEMP TABLE made (name text PRIMARY KEY, job_id bigint);
CREATE FUNCTION pg_temp.id(job text) RETURNS bigint LANGUAGE sql AS $$ SELECT job_id FROM made WHERE name = job $$;
