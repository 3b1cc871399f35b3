-- Jobs that wait for other jobs, or for a time: what each kind waits for, when
-- they are let go and by whom, what is refused; and all states of other jobs
-- against a naive reading of the rules.

BEGIN;
SET LOCAL search_path TO pool_manager, public;
SET LOCAL client_min_messages TO warning;
SET LOCAL timezone TO 'UTC';
SET pool_manager.clock = '2026-03-01 09:00:00+00';
SELECT plan(106);

SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('globex', 'USD', 'UTC');
SELECT create_sku('vm', 'node');
SELECT create_flavor('vm', 'cpu=64', 'vm');
SELECT set_resource_sku('vm', 'cpu=1', NULL);
SELECT create_network('net', '10.0.0.0/16', 'acme');
SELECT create_pool('lab', 'public'), create_pool('own', 'dedicated', 'acme', 'net');
SELECT add_nodes('lab', 'vm', 4), add_nodes('own', 'vm', 1);

\ir include/calls.sql
\ir include/by_name.sql
-- "afterok:a?afterok:b" with names instead of ids
CREATE FUNCTION pg_temp.ids(names text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text := names;
    j record;
BEGIN
    FOR j IN SELECT job_id, name::text FROM job ORDER BY length(name) DESC LOOP
        said := regexp_replace(said, ':' || j.name || '(?![\w-])', ':' || j.job_id, 'g');
    END LOOP;
    RETURN said;
END $$;
CREATE FUNCTION pg_temp.submit(named text, depends_on text DEFAULT NULL, not_before timestamptz DEFAULT NULL, pool text DEFAULT 'lab') RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM submit_job(pool, named, request => 'cpu=1', tenant => 'acme', depends_on => pg_temp.ids(depends_on), not_before => not_before);
    RETURN pg_temp.state(named);
END $$;
-- reason and what is lacking, with names
CREATE FUNCTION pg_temp.why(named text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text := (SELECT concat_ws(' ', q.reason, q.lacking) FROM queue q WHERE q.job = named);
    j record;
BEGIN
    FOR j IN SELECT job_id, name::text FROM job LOOP
        said := regexp_replace(said, '(after\w*):' || j.job_id || '(?!\d)', '\1:' || j.name, 'g');
    END LOOP;
    RETURN said;
END $$;

--
-- What each kind waits for. Others: p ends well, f fails, r runs, q is queued,
-- c is cancelled in the queue, x while it runs
--
SELECT pg_temp.submit(n) FROM unnest(ARRAY['p', 'f', 'r', 'x']) AS n;
SELECT count(*) FROM schedule('lab');
SELECT pg_temp.submit('q'), pg_temp.submit('c'), hold_job(pg_temp.job('q'));
SELECT finish_job(pg_temp.job('p')), finish_job(pg_temp.job('f'), 'failed', 1), cancel_job(pg_temp.job('c')), cancel_job(pg_temp.job('x'));

CREATE TABLE pg_temp.expected (kind text, other text, holds text);
-- worked out by hand from the rules: y it holds, n it never will, - not yet
INSERT INTO expected VALUES
    ('afterok',    'p', 'y'), ('afterok',    'f', 'n'), ('afterok',    'r', '-'), ('afterok',    'q', '-'), ('afterok',    'c', 'n'), ('afterok',    'x', 'n'),
    ('afternotok', 'p', 'n'), ('afternotok', 'f', 'y'), ('afternotok', 'r', '-'), ('afternotok', 'q', '-'), ('afternotok', 'c', 'y'), ('afternotok', 'x', 'y'),
    ('afterany',   'p', 'y'), ('afterany',   'f', 'y'), ('afterany',   'r', '-'), ('afterany',   'q', '-'), ('afterany',   'c', 'y'), ('afterany',   'x', 'y'),
    ('after',      'p', 'y'), ('after',      'f', 'y'), ('after',      'r', 'y'), ('after',      'q', '-'), ('after',      'c', 'y'), ('after',      'x', 'y');
SELECT is(pg_temp.submit(kind || '-' || other, kind || ':' || other), CASE holds WHEN 'y' THEN 'queued' ELSE 'waiting' END, format('%s a job in state %s', kind, other))
FROM expected ORDER BY kind, other;
SELECT results_eq($$SELECT job::text, reason FROM queue JOIN expected ON job = kind || '-' || other WHERE holds <> 'y' ORDER BY 1$$,
    $$SELECT kind || '-' || other, CASE holds WHEN 'n' THEN 'dependency_never' ELSE 'dependency' END FROM expected WHERE holds <> 'y' ORDER BY 1$$, 'the reasons');
SELECT results_eq($$SELECT kind::text, other_job::text, CASE holds WHEN true THEN 'y' WHEN false THEN 'n' ELSE '-' END FROM dependency_status ORDER BY 1, 2$$,
    $$SELECT * FROM expected ORDER BY 1, 2$$, 'dependency_status says which hold');
SELECT results_eq($$SELECT other_job::text, other_state::text FROM dependency_status WHERE kind = 'after' ORDER BY 1$$,
    $$VALUES ('c', 'cancelled'), ('f', 'failed'), ('p', 'completed'), ('q', 'held'), ('r', 'running'), ('x', 'cancelled')$$, 'and what state the others are in');
SELECT is((SELECT count(*) FROM queue WHERE "position" IS NOT NULL AND reason LIKE 'dependency%'), 0::bigint, 'what waits has no position');
SELECT results_eq($$SELECT to_state, reason FROM event WHERE job_id = pg_temp.job('afterok-p') ORDER BY event_id$$,
    $$VALUES ('waiting', NULL), ('queued', 'what it depends on holds')$$, 'events of one that has nothing to wait for');
SELECT count(*) FROM schedule('lab');
SELECT results_eq($$SELECT job::text FROM job_status WHERE job LIKE 'after%' AND state = 'waiting' ORDER BY 1$$,
    $$SELECT kind || '-' || other FROM expected WHERE holds <> 'y' ORDER BY 1$$, 'a pass lets nothing else go');

-- they begin, they end: each call lets go what depends on it
SELECT release_job(pg_temp.job('q'));
SELECT is(pg_temp.why('after-q'), 'dependency after:q', 'what is lacking is what is not there yet');
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.state('after-q'), 'waiting', 'q has begun to run by that very pass');
SELECT is(pg_temp.why('after-q'), 'not_considered', 'it is for the next');
SELECT results_eq($$SELECT job_id, state::text FROM schedule('lab')$$, $$SELECT pg_temp.job('after-q'), 'running'$$, 'which starts it');
SELECT finish_job(pg_temp.job('q'));
SELECT results_eq($$SELECT job::text, state::text FROM job_status WHERE job LIKE 'after%-q' ORDER BY 1$$,
    $$VALUES ('after-q', 'running'), ('afterany-q', 'queued'), ('afternotok-q', 'waiting'), ('afterok-q', 'queued')$$, 'q completes');
SELECT is(pg_temp.why('afternotok-q'), 'dependency_never afternotok:q', 'now it never will');
SELECT finish_job(pg_temp.job('r'), 'failed');
SELECT results_eq($$SELECT job::text, state::text FROM job_status WHERE job LIKE 'after%-r' ORDER BY 1$$,
    $$VALUES ('after-r', 'running'), ('afterany-r', 'queued'), ('afternotok-r', 'queued'), ('afterok-r', 'waiting')$$, 'r fails');
SELECT pg_temp.at('2026-03-01 10:00:00');
SELECT count(*) FROM schedule('lab');
SELECT is((SELECT count(*) FROM queue WHERE reason = 'dependency_never'), 6::bigint, 'what never will waits on');
SELECT is(cancel_job(pg_temp.job('afterok-f')), 'cancelled', 'until it is cancelled');
SELECT is((SELECT count(*) FROM queue WHERE reason <> 'dependency_never'), 0::bigint, 'nothing else waits');
SELECT cancel_job(job_id) FROM job_status WHERE state IN ('waiting', 'running');

--
-- All of them, one of them
--
SELECT pg_temp.submit(n) FROM unnest(ARRAY['fast', 'slow', 'bad', 'A-1', 'A-2', 'A-3']) AS n;
SELECT count(*) FROM schedule('lab');
SELECT is(pg_temp.submit('or', 'afterok:slow?afterok:fast'), 'waiting', 'one of two');
SELECT is(pg_temp.submit('and', 'afterok:slow,afterok:fast'), 'waiting', 'both');
SELECT is(pg_temp.submit('short', 'afterok:slow:fast'), 'waiting', 'both, shorter');
SELECT is(pg_temp.submit('mixed', 'afterok:bad?afternotok:fast , afterany:slow'), 'waiting', 'one of two, and another');
SELECT is(pg_temp.why('mixed'), 'dependency afternotok:fast?afterok:bad,afterany:slow', 'the queue shows it');
SELECT finish_job(pg_temp.job('fast'));
SELECT is(pg_temp.state('or'), 'queued', 'the fast one is enough');
SELECT is(pg_temp.why('and'), 'dependency afterok:slow', 'the other waits for the slow one');
SELECT is(pg_temp.why('mixed'), 'dependency afternotok:fast?afterok:bad,afterany:slow', 'a choice with one way left is open');
SELECT finish_job(pg_temp.job('bad'), 'failed');
SELECT is(pg_temp.why('mixed'), 'dependency_never afternotok:fast?afterok:bad,afterany:slow', 'without any, it never holds');
SELECT finish_job(pg_temp.job('slow'));
SELECT is(pg_temp.state('and'), 'queued', 'both are there');
SELECT is(pg_temp.state('short'), 'queued', 'both, shorter');
SELECT is(pg_temp.state('mixed'), 'waiting', 'the other condition does not help');
SELECT cancel_job(pg_temp.job('mixed'));
-- the tasks of an array, all or one of them
SELECT finish_job(pg_temp.job('A-1')), finish_job(pg_temp.job('A-3'));
SELECT is(pg_temp.submit('all', 'afterany:A-1:A-2:A-3'), 'waiting', 'the second of three runs');
SELECT is(pg_temp.submit('one', 'afterany:A-1'), 'queued', 'the first does not');
SELECT finish_job(pg_temp.job('A-2'), 'failed');
SELECT is(pg_temp.state('all'), 'queued', 'all have ended, somehow');
SELECT cancel_job(job_id) FROM job_status WHERE state IN ('queued', 'running');

--
-- Who lets them go
--
SELECT submit_job('lab', 'late', request => 'cpu=1', tenant => 'acme', time_limit => '1 hour', max_retries => 1);
SELECT count(*) FROM schedule('lab');
SELECT pg_temp.submit('then', 'afternotok:late');
SELECT requeue_job(pg_temp.job('late'));
SELECT is(pg_temp.why('then'), 'dependency afternotok:late', 'a restart is no end');
SELECT count(*) FROM schedule('lab');
SELECT pg_temp.at('2026-03-01 11:00:00');
SELECT results_eq($$SELECT job_id, state::text FROM schedule('lab') ORDER BY 1$$,
    $$VALUES (pg_temp.job('late'), 'timed_out'), (pg_temp.job('then'), 'running')$$, 'the pass that times one out starts the next');
SELECT pg_temp.submit('chain-' || n, CASE WHEN n > 1 THEN 'afterok:chain-' || n - 1 END) FROM generate_series(1, 4) AS n;
SELECT cancel_job(pg_temp.job('chain-1'));
SELECT results_eq($$SELECT job::text, reason FROM queue WHERE job LIKE 'chain%' ORDER BY 1$$,
    $$VALUES ('chain-2', 'dependency_never'), ('chain-3', 'dependency'), ('chain-4', 'dependency')$$, 'what depends on one that waits in vain may yet be cancelled with it');
SELECT cancel_job(pg_temp.job('chain-2'));
SELECT is(pg_temp.why('chain-3'), 'dependency_never afterok:chain-2', 'and so on');
SELECT cancel_job(job_id) FROM job_status WHERE state IN ('waiting', 'queued', 'running');
-- a dedicated pool
SELECT pg_temp.submit('first', pool => 'own');
SELECT is(pg_temp.submit('second', 'afterok:first', pool => 'own'), 'waiting', 'in a dedicated pool too it waits');
SELECT is(pg_temp.submit('other', pool => 'own'), 'running', 'and what comes after it is not behind it');
SELECT finish_job(pg_temp.job('first'));
SELECT is(pg_temp.submit('third', 'afterany:first', pool => 'own'), 'queued', 'one that is ready is behind those that are queued');
SELECT count(*) FROM schedule('own');
SELECT is(pg_temp.submit('fourth', 'afterany:first', pool => 'own'), 'running', 'with nothing ahead of it, it is placed at once');

--
-- A time
--
SELECT is(pg_temp.submit('noon', not_before => '2026-03-01 12:00:00+00'), 'waiting', 'a job for noon');
SELECT is(pg_temp.why('noon'), 'not_before until 2026-03-01 12:00:00+00', 'the queue shows until when');
SELECT is(pg_temp.submit('past', not_before => '2026-03-01 11:00:00+00'), 'queued', 'a time that has come holds nothing up');
SELECT is(pg_temp.submit('both', 'afterok:noon', '2026-03-01 13:00:00+00'), 'waiting', 'a job and a time');
SELECT pg_temp.at('2026-03-01 11:59:59.999999');
SELECT is_empty($$SELECT FROM schedule('lab') WHERE job_id = pg_temp.job('noon')$$, 'not before');
SELECT pg_temp.at('2026-03-01 12:00:00');
SELECT is(pg_temp.why('noon'), 'not_considered', 'now it is for a pass');
SELECT results_eq($$SELECT job_id, state::text FROM schedule('lab')$$, $$SELECT pg_temp.job('noon'), 'running'$$, 'which starts it');
SELECT is((SELECT reason FROM event WHERE job_id = pg_temp.job('noon') AND to_state = 'queued'), 'its time has come', 'the event says why');
SELECT is(pg_temp.why('both'), 'dependency afterok:noon', 'of two reasons the job comes first');
SELECT finish_job(pg_temp.job('noon'));
SELECT is(pg_temp.why('both'), 'not_before until 2026-03-01 13:00:00+00', 'then the time');
SELECT pg_temp.at('2026-03-01 13:00:00');
SELECT results_eq($$SELECT job_id, state::text FROM schedule('lab')$$, $$SELECT pg_temp.job('both'), 'running'$$, 'then nothing');

-- rest, and what waits when it begins again
SELECT submit_job('lab', 'nb', 'notebook', request => 'cpu=1', tenant => 'acme', not_before => '2026-03-01 14:00:00+00', depends_on => pg_temp.ids('afterany:both'));
SELECT is(stop_job(pg_temp.job('nb')), 'stopped', 'a notebook that waits may rest');
SELECT is(resume_job(pg_temp.job('nb')), 'waiting', 'and waits again');
SELECT stop_job(pg_temp.job('nb'));
SELECT finish_job(pg_temp.job('both'));
SELECT is(pg_temp.state('nb'), 'stopped', 'one at rest is not let go');
SELECT pg_temp.at('2026-03-01 14:00:00');
SELECT is(resume_job(pg_temp.job('nb')), 'queued', 'until it is resumed');

--
-- Other ways to submit
--
SELECT pg_temp.submit('base');
SELECT is((SELECT count(*) FROM submit_jobs('lab', format($$SELECT 'q-' || i AS name, 'cpu=1' AS request, CASE i WHEN 1 THEN 'afterok:%s' END AS depends_on,
    CASE i WHEN 2 THEN '2026-03-02'::timestamptz END AS not_before FROM generate_series(1, 3) AS i ORDER BY i$$, pg_temp.job('base')), 'acme')), 3::bigint, 'by a query');
SELECT results_eq($$SELECT job::text, state::text FROM job_status WHERE job LIKE 'q-%' ORDER BY 1$$, $$VALUES ('q-1', 'waiting'), ('q-2', 'waiting'), ('q-3', 'queued')$$, 'which says what each waits for');
SELECT count(*) FROM submit_workflow('lab', 'w', format('[{"request": "cpu=1", "depends_on": "afterok:%s"}, {"request": "cpu=1", "not_before": "2026-03-01 15:00:00+00"}]', pg_temp.job('base'))::jsonb, 'acme');
SELECT results_eq($$SELECT job::text, clause_no::integer, other_job::text FROM dependency_status s JOIN job_dependency d USING (job_id, depends_on) WHERE job LIKE 'w.%' ORDER BY 1, 2$$,
    $$VALUES ('w.1', 1, 'base'), ('w.2', 1, 'w.1')$$, 'phases of a workflow');
SELECT count(*) FROM schedule('lab');
SELECT finish_job(pg_temp.job('base'));
SELECT count(*) FROM schedule('lab');
SELECT finish_job(pg_temp.job('w.1'));
SELECT is(pg_temp.why('w.2'), 'not_before until 2026-03-01 15:00:00+00', 'a phase with a time of its own');

SELECT submit_job('lab', 'once', request => 'cpu=1', tenant => 'acme', request_id => 'r', depends_on => pg_temp.ids('afterok:q-1,afterany:q-3'), not_before => '2026-03-03');
SELECT is(submit_job('lab', 'once', request => 'cpu=1', tenant => 'acme', request_id => 'r', depends_on => pg_temp.ids(' afterok:q-1 , afterany:q-3 '), not_before => '2026-03-03') IS NOT NULL, true, 'made once');
SELECT is((SELECT count(*) FROM job WHERE name = 'once'), 1::bigint, 'not twice');
SELECT throws_ok($$SELECT submit_job('lab', 'once', request => 'cpu=1', tenant => 'acme', request_id => 'r', depends_on => pg_temp.ids('afterok:q-1'), not_before => '2026-03-03')$$, 'PM004', NULL, 'other dependencies');
SELECT throws_ok($$SELECT submit_job('lab', 'once', request => 'cpu=1', tenant => 'acme', request_id => 'r', depends_on => pg_temp.ids('afterok:q-1,afterany:q-3'))$$, 'PM004', NULL, 'another time');

--
-- Refused
--
CREATE FUNCTION pg_temp.refused(depends_on text, state text, detail text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said_state text;
    said_detail text;
BEGIN
    BEGIN
        PERFORM submit_job('lab', 'refused', request => 'cpu=1', tenant => 'acme', depends_on => pg_temp.ids(depends_on));
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS said_state = RETURNED_SQLSTATE, said_detail = PG_EXCEPTION_DETAIL;
    END;
    RETURN is(ARRAY[said_state, said_detail], ARRAY[state, detail], description);
END $$;
SELECT pg_temp.refused('', '22023', '"" is no dependency.', 'nothing');
SELECT pg_temp.refused('12', '22023', '"12" is no dependency.', 'no kind');
SELECT pg_temp.refused('afterok', '22023', '"afterok" is no dependency.', 'no job');
SELECT pg_temp.refused('afterok:', '22023', '"afterok:" is no dependency.', 'nor here');
SELECT pg_temp.refused('singleton:q-1', '22023', '"' || pg_temp.ids('singleton:q-1') || '" is no dependency.', 'another kind');
SELECT pg_temp.refused('afterok:q-1,', '22023', '"" is no dependency.', 'nothing after a comma');
SELECT pg_temp.refused('afterok:-1', '22023', '"afterok:-1" is no dependency.', 'no number of a job');
SELECT pg_temp.refused('afterok:99999999999999999999', '22023', '"afterok:99999999999999999999" is no dependency.', 'too large for one');
SELECT pg_temp.refused('afterok:1:2?afterany:3', '22023', '"afterok:1:2" is no dependency.', 'a choice is of single jobs');
SELECT pg_temp.refused('afterok:99999', '42704', 'Job "refused" is to depend on it, and the tenant has no job with this id.', 'a job that does not exist');
SELECT submit_job('lab', 'theirs', request => 'cpu=1', tenant => 'globex');
SELECT pg_temp.refused('afterok:theirs', '42704', 'Job "refused" is to depend on it, and the tenant has no job with this id.', 'another tenant''s job');
SELECT pg_temp.refused('afterok:first', '22023', format('Job %s is in another pool than "lab".', pg_temp.job('first')), 'a job of another pool');
SELECT pg_temp.refused((SELECT 'afterok:' || string_agg(i::text, ':') FROM generate_series(1, 1001) AS i), '22023', 'A job has at most 1000 dependencies.', 'too many');
SELECT throws_ok($$SELECT pg_temp.submit('never', not_before => 'infinity')$$, '22023', 'invalid value for argument "not_before"', 'a time that never comes');

-- what can be written by hand
SELECT throws_ok($$INSERT INTO job_dependency SELECT pool_id, job_id, 9::smallint, job_id, 'afterok', tenant_id FROM job WHERE name = 'q-1'$$, '23514', NULL, 'no circles');
SELECT throws_ok($$INSERT INTO job_dependency SELECT pool_id, job_id, 9::smallint, pg_temp.job('q-1'), 'afterok', tenant_id FROM job WHERE name = 'theirs'$$, 'PM006', NULL, 'nor across tenants');
SELECT throws_ok($$UPDATE job_dependency SET kind = 'after' WHERE job_id = pg_temp.job('q-1')$$, '55000', NULL, 'what is asked stays');
SELECT throws_ok($$UPDATE job_queue SET not_before = '2026-04-01' WHERE job_id = pg_temp.job('theirs')$$, '23514', NULL, 'what is queued waits for no time');

--
-- Random dependencies on jobs in all states, against a naive reading
--
SELECT cancel_job(job_id) FROM job_status WHERE state NOT IN ('completed', 'failed', 'cancelled', 'timed_out', 'stopping');
CREATE TEMP TABLE other AS SELECT 'o' || i AS name, i, submit_job('lab', 'o' || i, request => 'cpu=1', tenant => 'acme') AS job_id FROM generate_series(1, 24) AS i;
SELECT count(*) FROM schedule('lab');
SELECT finish_job(job_id, CASE i % 6 WHEN 0 THEN 'completed'::job_state WHEN 1 THEN 'failed' ELSE 'completed' END), i FROM other WHERE i % 6 IN (0, 1, 2);
SELECT cancel_job(job_id) FROM other WHERE i % 6 = 3;
SELECT requeue_job(job_id) FROM other WHERE i % 6 = 4;
SELECT setseed(0.42);
CREATE TEMP TABLE asked AS SELECT n, (SELECT string_agg(clause, ',') FROM (SELECT string_agg(k || ':' || o, '?') AS clause FROM (
        SELECT (random() * 2 + n * 0)::integer AS c, (ARRAY['after', 'afterok', 'afterany', 'afternotok'])[1 + floor(random() * 4)::integer] AS k, other.job_id AS o
        FROM other WHERE random() < 0.12 + n * 0) t GROUP BY c) u) AS text
    FROM generate_series(1, 300) AS n;
DELETE FROM asked WHERE text IS NULL;
SELECT count(*) FROM submit_jobs('lab', 'SELECT ''random-'' || n AS name, ''cpu=1'' AS request, text AS depends_on FROM asked', 'acme');
CREATE FUNCTION pg_temp.naive(text text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    clause text;
    term text;
    s text;
    begun boolean;
    hope boolean;
    met boolean;
    result text := 'queued';
BEGIN
    FOREACH clause IN ARRAY string_to_array(text, ',') LOOP
        hope := false;
        met := false;
        FOREACH term IN ARRAY string_to_array(clause, '?') LOOP
            SELECT j.state::text INTO s FROM job_status j WHERE j.job_id = split_part(term, ':', 2)::bigint;
            begun := EXISTS (SELECT FROM event e WHERE e.job_id = split_part(term, ':', 2)::bigint AND e.to_state = 'running');
            IF s IN ('completed', 'failed', 'cancelled', 'timed_out') THEN
                met := met OR split_part(term, ':', 1) IN ('after', 'afterany') OR (split_part(term, ':', 1) = 'afterok') = (s = 'completed');
            ELSE
                met := met OR (split_part(term, ':', 1) = 'after' AND begun);
                hope := true;
            END IF;
        END LOOP;
        IF NOT met AND NOT hope THEN
            RETURN 'never';
        ELSIF NOT met THEN
            result := 'waits';
        END IF;
    END LOOP;
    RETURN result;
END $$;
SELECT results_eq($$SELECT n, CASE WHEN q.state = 'queued' THEN 'queued' WHEN v.reason = 'dependency' THEN 'waits' ELSE 'never' END
    FROM asked JOIN job j ON j.name = 'random-' || n JOIN job_queue q USING (pool_id, job_id) JOIN queue v USING (job_id) ORDER BY n$$,
    $$SELECT n, pg_temp.naive(text) FROM asked ORDER BY n$$, 'as a naive reading has it');
SELECT cmp_ok((SELECT count(DISTINCT pg_temp.naive(text)) FROM asked), '=', 3::bigint, 'with all three outcomes');

SELECT * FROM finish();
ROLLBACK;
