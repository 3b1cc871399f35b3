-- What test files do in their steps. For \ir; no test of its own.

-- moves the clock on, in UTC
CREATE FUNCTION pg_temp.at(t text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('pool_manager.clock', t || '+00', false)
$$;
-- what a query of a role returns, 'done' for nothing, or how it is refused
CREATE FUNCTION pg_temp.got(role name, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE query INTO result;
    RESET ROLE;
    RETURN CASE WHEN length(result) > 0 THEN result ELSE 'done' END;
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;
-- the same of a query that leaves nothing behind
CREATE FUNCTION pg_temp.tried(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE query INTO result;
    RAISE EXCEPTION SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN CASE WHEN length(result) > 0 THEN result ELSE 'done' END;
WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;
