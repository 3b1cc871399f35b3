-- What moves to another price with what was used: usage that was taken back, and
-- ends of runs that cost nothing of their own. Figures by hand; random ones are
-- in settle_properties.sql.
BEGIN;
SET search_path TO pool_manager, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
\ir include/calls.sql
SELECT plan(22);

SELECT pg_temp.at('2026-03-20');
SELECT create_tenant('acme', 'USD', 'UTC'), create_sku('disk', 'GiB'), create_sku('gpu', 'GPU'),
       create_flavor('g1', 'nvidia.com/gpu=1', accelerator => 'nvidia.com/gpu'), set_resource_sku('g1', 'nvidia.com/gpu=1', 'gpu'),
       create_pool('commons', 'public');
SELECT count(*) FROM add_nodes('commons', 'g1');
SELECT set_price(sku, '3.60', '2026-01-01', currency => 'USD') FROM unnest('{disk,gpu}'::text[]) AS sku;
-- hours are rounded behind their twelfth digit
CREATE FUNCTION pg_temp.booked(sku text) RETURNS numeric LANGUAGE sql AS $$
    SELECT round(sum(c.amount), 9) FROM charge c JOIN sku s USING (sku_id) WHERE s.name = $1
$$;
CREATE FUNCTION pg_temp.moved(id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', p.tariff, to_char(c.started_at, 'HH24:MI'), c.quantity, c.amount, c.corrects), ', ' ORDER BY c.charge_id)
    FROM charge c JOIN price p USING (price_id) WHERE c.charge_id > id
$$;

-- an hour that never was; its second half then gets another price
SELECT record_usage('acme', 'disk', 1, '2026-03-01 10:00', '2026-03-01 11:00', 'meter', '1');
SELECT settle('acme');
SELECT correct_usage(1, 'never was', 0);
SELECT settle('acme');
SELECT is((SELECT units FROM counter), 0::bigint, 'nothing is on the counter');
SELECT lives_ok($$SELECT set_price('disk', '7.2', '2026-03-01 10:30', currency => 'USD', reprice => 'agreed')$$, 'so what moves must be given back first');
SELECT is(pg_temp.moved(2), '3.6 10:30 0.5 1.8 2, 3.6 10:30 -0.5 -1.8 1, 7.2 10:30 0.5 3.6 1, 7.2 10:30 -0.5 -3.6 2', 'then it moves, and is taken back there');
SELECT is(pg_temp.booked('disk'), 0::numeric, 'it costs nothing still');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree');

-- two GiB instead of one, one charged at the new price
SELECT record_usage('acme', 'disk', 1, '2026-03-02 10:00', '2026-03-02 11:00', 'meter', '2');
SELECT settle('acme');
SELECT correct_usage(3, 'it were two', 2);
SELECT settle('acme');
SELECT set_price('disk', '1', '2026-03-02 10:15', currency => 'USD', reprice => 'agreed');
SELECT is(pg_temp.booked('disk'), 5.1, '2 x (0.25 x 7.2 + 0.75 x 1)');
SELECT is_empty('SELECT * FROM reconcile()', 'the books agree again');
-- corrected again: each price that is in force now is taken back where it was booked
SELECT max(charge_id) AS last FROM charge \gset
SELECT correct_usage(5, 'it were none', 0);
SELECT settle('acme');
SELECT is(pg_temp.moved(:last), '7.2 10:00 -0.5 -3.6 9, 1 10:15 -1.5 -1.5 15', 'what is corrected is the charge at the same price');

-- a run of 42 s that is settled up to its end; its last slice is empty
SELECT submit_job('commons', 'glance', tenant => 'acme', request => 'nvidia.com/gpu=1');
SELECT count(*) FROM schedule('commons');
SELECT pg_temp.at('2026-03-20 00:00:42');
SELECT settle('acme');
SELECT finish_job(1);
SELECT is(settle('acme'), 0::bigint, 'an end that costs nothing of its own');
SELECT is(pg_temp.booked('gpu'), 0.042, '42 s');
SELECT set_price('gpu', '3.60', '2026-01-01', currency => 'USD', minimum_seconds => 60, reprice => 'a minute at least');
SELECT is(pg_temp.booked('gpu'), 0.06, 'a minute');
SELECT set_price('gpu', '3.60', '2026-01-01', currency => 'USD', reprice => 'no');
SELECT is(pg_temp.booked('gpu'), 0.042, '42 s again');
SELECT set_price('gpu', '3.60', '2026-01-01', currency => 'USD', quantum_seconds => 3600, reprice => 'whole hours');
SELECT is(pg_temp.booked('gpu'), 3.6, 'an hour');
SELECT is(pg_temp.booked('gpu'), (SELECT round(amount, 9) FROM charges('acme', '2026-03-01', '2026-04-01', '1 month') WHERE sku = 'gpu'), 'as charges() says');
SELECT set_price('gpu', '1.80', '2026-03-20 00:00:41', currency => 'USD', quantum_seconds => 60, reprice => 'the last second counts');
SELECT is(pg_temp.booked('gpu'), 0.0505, '41 s at 3.60, a second and 18 more at 1.80');
SELECT is_empty('SELECT * FROM reconcile()', 'and the books agree');

-- the end that was agreed stays, whatever takes a price's place before it
SELECT pg_temp.at('2026-04-10');
SELECT create_tenant('late', 'USD', 'UTC'), create_sku('egress', 'GB', per => 'once');
SELECT set_price('egress', '1', '2026-01-01', currency => 'USD');
SELECT set_price('egress', '0.50', '2026-02-01', tenant => 'late'), set_price('egress', NULL, '2026-03-01', tenant => 'late');
SELECT record_usage('late', 'egress', 100, '2026-02-10', NULL, 'meter', 'f'), record_usage('late', 'egress', 100, '2026-03-10', NULL, 'meter', 'm');
SELECT settle('late');
SELECT max(charge_id) AS last FROM charge \gset
SELECT set_price('egress', '0.40', '2026-02-01', tenant => 'late', reprice => 'February was 0.40');
SELECT is(pg_temp.moved(:last), format('0.5 00:00 -100 -50 %1$s, 0.4 00:00 100 40 %1$s', :last - 1), 'February costs 10 less, March nothing else');
SELECT set_price('egress', '0.30', '2026-06-01', tenant => 'late'), set_price('egress', NULL, '2026-08-01', tenant => 'late');
SELECT set_price('egress', '0.20', '2026-07-01', tenant => 'late');
CREATE FUNCTION pg_temp.agreed() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s-%s', tariff, to_char(lower(valid), 'MM'), to_char(upper(valid), 'MM')), ', ' ORDER BY lower(valid))
    FROM price JOIN tenant USING (tenant_id) WHERE name = 'late' AND NOT isempty(valid)
$$;
SELECT is(pg_temp.agreed(), '0.4 02-03, 0.3 06-07, 0.2 07-08', 'what begins in a price ends where that ended');
SELECT set_price('egress', '0.10', '2026-05-01', tenant => 'late');
SELECT is(pg_temp.agreed(), '0.4 02-03, 0.1 05-06, 0.3 06-07, 0.2 07-08', 'what begins where none holds, where the next one begins');
SELECT set_price('egress', '0.15', '2026-08-01', tenant => 'late');
SELECT is(pg_temp.agreed(), '0.4 02-03, 0.1 05-06, 0.3 06-07, 0.2 07-08, 0.15 08-', 'or never');
SELECT set_price('egress', NULL, '2026-07-15', tenant => 'late');
SELECT is(pg_temp.agreed(), '0.4 02-03, 0.1 05-06, 0.3 06-07, 0.2 07-07, 0.15 08-', 'an earlier end is the end of that price');
SELECT is_empty('SELECT * FROM reconcile()', 'and the books agree');

SELECT * FROM finish();
ROLLBACK;
