-- Whom the current role acts for: what views and policies ask.

CREATE FUNCTION first_tenant() RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_first_tenant' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION first_tenant() IS 'lowest tenant id that the role may see; 0 for operators';

CREATE FUNCTION last_tenant() RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_last_tenant' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION last_tenant() IS 'highest tenant id that the role may see';

CREATE FUNCTION may_see(tenant_id bigint) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_sql_may_see' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION may_see(bigint) IS 'may the role see rows of this tenant? Operators see all';
