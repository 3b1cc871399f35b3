-- The language of calls written in PL/pgSQL, and what their bodies use.
--
-- A function in language pool_manager is PL/pgSQL in the frame of a call: its
-- body runs as the function's owner with a search_path of its own, and
-- actor() is who called. An argument that is NULL is refused (22004) unless
-- its declaration says DEFAULT NULL. What a body calls is done in the name of
-- the actor, other calls too.
--
-- A procedure in it has no frame: it makes calls, as who called it, and commits
-- between them. Inside a transaction block it is refused (2D000).

CREATE FUNCTION call_handler() RETURNS language_handler
    AS 'MODULE_PATHNAME', 'pm_call_handler' LANGUAGE C;
COMMENT ON FUNCTION call_handler() IS
'runs functions in language pool_manager; not to be called (42501)';
CREATE LANGUAGE pool_manager HANDLER call_handler VALIDATOR pg_catalog.plpgsql_validator;
COMMENT ON LANGUAGE pool_manager IS 'PL/pgSQL in the frame of a call of pool_manager; superusers make functions in it';

CREATE FUNCTION actor() RETURNS name
    AS 'MODULE_PATHNAME', 'pm_sql_actor' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION actor() IS
'the role in whose name a call acts: in the body of a call who called it, elsewhere the current role';

CREATE FUNCTION has_level(tenant bigint, level text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_sql_has_level' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION has_level(bigint, text) IS
'may the actor act for the tenant as viewer, member, owner or operator, or higher? Tenant 0 asks for operators. Bodies of calls only (42501, 55000); 22023: unknown level; 22004: NULL';

CREATE FUNCTION require_level(tenant bigint, level text) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_require_level' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION require_level(bigint, text) IS
'refuses an actor who does not have the level for the tenant (42501). Tenant 0 asks for operators. Bodies of calls only (42501, 55000); 22023: unknown level; 22004: NULL';

CREATE FUNCTION lock_pool(pool bigint) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_sql_lock_pool' LANGUAGE C;
COMMENT ON FUNCTION lock_pool(bigint) IS
'takes the pool''s lock until the end of the transaction; returns the instant of the change. Bodies of calls only (42501, 55000); 42704: no such pool; 22004: NULL';

CREATE FUNCTION earlier_results(tenant bigint) RETURNS bigint[]
    AS 'MODULE_PATHNAME', 'pm_sql_earlier_results' LANGUAGE C;
COMMENT ON FUNCTION earlier_results(bigint) IS
'the ids that the same call with the same request_id returned before; NULL if there was none or it has no request_id. request_id is the last argument of the call; the tenant is whose request it is, 0 the provider. Bodies of calls only (42501, 55000), before they assign to an argument; PM004: used before for another call or other content; 22023: malformed; 22004: NULL';

CREATE FUNCTION remember_results(results bigint[]) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_remember_results' LANGUAGE C;
COMMENT ON FUNCTION remember_results(bigint[]) IS
'keeps the ids that the call returns for those that repeat it, after earlier_results(). Bodies of calls only (42501, 55000); 22004: NULL, or a NULL among them';

-- VOLATILE, so that they see what the same statement has made: by name, calls
-- find what calls before them in a SELECT list created
CREATE FUNCTION find_tenant(tenant bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_find_tenant' LANGUAGE C;
COMMENT ON FUNCTION find_tenant(bigint) IS
'the id of a tenant, if there is one that the actor may see. For all; 42704: there is none; 22004: NULL';
CREATE FUNCTION find_tenant(tenant text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_find_tenant' LANGUAGE C;
COMMENT ON FUNCTION find_tenant(text) IS 'the same, the tenant by name';

CREATE FUNCTION find_pool(pool bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_find_pool' LANGUAGE C;
COMMENT ON FUNCTION find_pool(bigint) IS
'the id of a pool, if there is one that the actor may see. For all; 42704: there is none; 22004: NULL';
CREATE FUNCTION find_pool(pool text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_find_pool' LANGUAGE C;
COMMENT ON FUNCTION find_pool(text) IS 'the same, the pool by name';

CREATE FUNCTION find_network(network bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_find_network' LANGUAGE C;
COMMENT ON FUNCTION find_network(bigint) IS
'the id of a network, if there is one that the actor may see. For all; 42704: there is none; 22004: NULL';
CREATE FUNCTION find_network(network text, tenant bigint DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_find_network' LANGUAGE C;
COMMENT ON FUNCTION find_network(text, bigint) IS
'the same, the network by name: of one tenant, or the only one of this name that the actor may see. For all; 42704: there is none; 22023: there is more than one; 22004: the name is NULL';

CREATE FUNCTION find_node(pool bigint, node text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_find_node' LANGUAGE C;
COMMENT ON FUNCTION find_node(bigint, text) IS
'the id of a node of a pool by name, if there is one that the actor may see. For all; 42704: there is none, or no such pool; 22004: NULL';

REVOKE EXECUTE ON FUNCTION call_handler(), has_level(bigint, text), require_level(bigint, text), lock_pool(bigint),
    earlier_results(bigint), remember_results(bigint[]) FROM PUBLIC;
