-- Do charges() and the hand-written SQL agree to the last digit?
SET search_path TO pool_manager, public;
WITH subject AS (SELECT tenant_id, s.sku_id, price_id, cycle_start, c.quantity, amount
                 FROM charges(NULL::bigint, '2026-03-01', '2026-04-01', '1 day') c JOIN sku s ON s.name = c.sku),
     differences AS ((TABLE subject EXCEPT TABLE hand_written) UNION ALL (TABLE hand_written EXCEPT TABLE subject))
SELECT CASE WHEN (SELECT count(*) FROM differences) = 0 THEN 'agrees with hand-written SQL: '
            ELSE 'DIFFERS from hand-written SQL in ' || (SELECT count(*) FROM differences) || ' of ' END ||
       count(*) || ' rows, sum ' || trim_scale(sum(amount)) FROM subject;
