-- How fast another session's statement gives up when it is told to.

CREATE SCHEMA bench;

-- The session, once it runs a statement that matches; NULL: it runs none
CREATE FUNCTION bench.at_work(what text, OUT process integer, OUT began timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz := clock_timestamp();
BEGIN
    WHILE clock_timestamp() < since + interval '10 s' LOOP
        PERFORM pg_stat_clear_snapshot();
        SELECT pid, query_start INTO process, began FROM pg_stat_activity
        WHERE application_name = 'bench_cancelled' AND state = 'active' AND query ~ what;
        EXIT WHEN process IS NOT NULL;
        PERFORM pg_sleep(0.0005);
    END LOOP;
END $$;

CREATE FUNCTION bench.runs(process integer, began timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_stat_clear_snapshot();
    RETURN EXISTS (SELECT FROM pg_stat_activity WHERE pid = process AND state = 'active' AND query_start = began);
END $$;

-- How long it still runs, in ms
CREATE FUNCTION bench.until_ready(process integer, began timestamptz) RETURNS double precision
LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz := clock_timestamp();
BEGIN
    WHILE bench.runs(process, began) LOOP
        PERFORM pg_sleep(0.0002);
    END LOOP;
    RETURN 1000 * extract(epoch FROM clock_timestamp() - since);
END $$;

-- The first statement shows how long it takes, after one that warms if it is
-- short; the others, "times" or one more, are cancelled at times spread over
-- that. Samples come as notices.
CREATE PROCEDURE bench.cancel(label text, what text, times integer)
LANGUAGE plpgsql AS $$
DECLARE
    statement record := bench.at_work(what);
    takes double precision := bench.until_ready(statement.process, statement.began);
BEGIN
    IF takes < 2000 THEN
        statement := bench.at_work(what);
        takes := bench.until_ready(statement.process, statement.began);
    ELSE
        times := times + 1;
    END IF;
    FOR i IN 1 .. times LOOP
        statement := bench.at_work(what);
        EXIT WHEN statement.process IS NULL;
        PERFORM pg_sleep(takes / 1000 * (i - 0.5) / times);
        CONTINUE WHEN NOT bench.runs(statement.process, statement.began);
        PERFORM pg_cancel_backend(statement.process);
        RAISE NOTICE '% %', label, bench.until_ready(statement.process, statement.began);
    END LOOP;
END $$;
