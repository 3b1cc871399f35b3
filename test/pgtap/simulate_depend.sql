-- simulate() of jobs that depend on others, on numbers worked by hand.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL timezone TO 'UTC';
SELECT plan(21);

CREATE TEMP TABLE jobs (job_id bigint, submit int, run int, depends_on text, "limit" int, request resource_list DEFAULT 'cpu=1',
    priority int DEFAULT 1, preemptible boolean DEFAULT false) ON COMMIT DROP;
CREATE FUNCTION pg_temp.play(cpus int) RETURNS TABLE (job bigint, ran text) LANGUAGE sql AS $$
    SELECT job_id, CASE WHEN started_at IS NULL THEN 'never' ELSE format('%s-%s', extract(epoch FROM started_at)::int, extract(epoch FROM ended_at)::int) END
    FROM simulate(format('SELECT ''n'' AS name, ''cpu=%s'' AS resources', cpus),
        'SELECT job_id, timestamptz ''epoch'' + submit * interval ''1 s'' AS submitted_at, request, run * interval ''1 s'' AS duration,
            "limit" * interval ''1 s'' AS time_limit, priority, preemptible, depends_on FROM jobs')
$$;

INSERT INTO jobs (job_id, submit, run, depends_on, "limit") VALUES
    (1, 0, 10, NULL, NULL), (2, 1, 5, 'afterok:1', NULL), (3, 1, 3, 'after:1', NULL), (4, 0, 3, 'after:1', NULL), (5, 0, 3, 'afternotok:1', NULL),
    (6, 0, 9, NULL, 3), (7, 0, 2, 'afternotok:6', NULL), (8, 0, 2, 'afterok:6?afterok:1', NULL), (9, 0, 2, 'afterany:6:1', NULL),
    (10, 0, 2, 'after:11', NULL), (11, 0, 2, 'after:10', NULL), (12, 20, 2, 'afterok:1', NULL), (13, 0, 2, 'afterok:6,afterany:1', NULL),
    (14, 0, 2, 'after:4', NULL), (15, 0, 2, 'afterany:5', NULL), (16, 4, 1, '', NULL), (17, 0, 1, 'afterany:7', NULL);
UPDATE jobs SET depends_on = NULL WHERE depends_on = '';
SELECT is(p.ran, v.ran, v.why) FROM (VALUES
    (1, '0-10', 'one that depends on nothing'), (2, '10-15', 'afterok: when it has completed'), (3, '1-4', 'after: it has started already'),
    (4, '0-3', 'after: at the same instant'), (5, 'never', 'afternotok: it completes'), (6, '0-3', 'it is over its time limit'),
    (7, '3-5', 'afternotok: then'), (8, '10-12', 'of choices one is enough'), (9, '10-12', 'all are waited for'), (10, 'never', 'a circle'),
    (11, 'never', 'its other half'), (12, '20-22', 'not before it is submitted'), (13, 'never', 'of clauses all must hold'),
    (14, '0-2', 'after what is after another'), (15, 'never', 'what never runs does not end'), (16, '4-5', 'what waits blocks nobody'),
    (17, '5-6', 'a chain')) AS v(job, ran, why) JOIN pg_temp.play(100) AS p USING (job) ORDER BY job;

-- what gives way has not ended: 1 runs from 0 to 3 and again from 5 to 15
TRUNCATE jobs;
INSERT INTO jobs (job_id, submit, run, depends_on, request, priority, preemptible) VALUES
    (1, 0, 10, NULL, 'cpu=2', 1, true), (2, 3, 2, NULL, 'cpu=2', 2, false), (3, 0, 1, 'afterany:1', 'cpu=2', 1, false);
SELECT results_eq('SELECT ran FROM pg_temp.play(2)', ARRAY['5-15', '3-5', '15-16'], 'a run that gives way is no end');

CREATE FUNCTION pg_temp.refused(depends_on text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM simulate('SELECT ''n'' AS name, ''cpu=1'' AS resources', format('SELECT 1 AS job_id, now() AS submitted_at, ''cpu=1'' AS request, interval ''1 s'' AS duration, %L AS depends_on', depends_on));
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s %s', SQLSTATE, SQLERRM);
END $$;
SELECT is(pg_temp.refused('afterok:7'), '22023 job_query returns no job 7', 'a job that there is not');
SELECT is(pg_temp.refused('afterwards:1'), '22023 invalid value for argument "depends_on"', 'a kind that there is not');
SELECT is(pg_temp.refused('afterok:1'), 'done', 'itself: it never starts');
SELECT * FROM finish();
ROLLBACK;
