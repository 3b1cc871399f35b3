-- Do charges() and the hand-written SQL agree to the last digit, whoever asks?
-- A line each for the owner, an operator, and a member of one tenant.
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
CREATE TEMP TABLE expected AS TABLE hand_written;
GRANT SELECT ON expected TO PUBLIC;
CREATE FUNCTION pg_temp.agreed(whose bigint) RETURNS text LANGUAGE sql AS $$
    WITH subject AS (SELECT tenant_id, s.sku_id, price_id, cycle_start, c.quantity, amount
                     FROM charges(NULL::bigint, '2026-03-01', '2026-04-01', '1 day') c JOIN sku s ON s.name = c.sku),
         wanted AS (SELECT * FROM expected WHERE tenant_id = whose OR whose IS NULL),
         differences AS ((TABLE subject EXCEPT ALL TABLE wanted) UNION ALL (TABLE wanted EXCEPT ALL TABLE subject))
    SELECT current_user || CASE WHEN (SELECT count(*) FROM differences) = 0 THEN ' agrees with hand-written SQL: '
                           ELSE ' DIFFERS from hand-written SQL in ' || (SELECT count(*) FROM differences) || ' of ' END ||
           count(*) || ' rows, sum ' || trim_scale(sum(amount)) FROM subject
$$;
SELECT tenant_id AS one FROM tenant WHERE name = 't1' \gset
SELECT pg_temp.agreed(NULL);
SET ROLE bench_operator;
SELECT pg_temp.agreed(NULL);
SET ROLE bench_tenant;
SELECT pg_temp.agreed(:one);
