-- Cases of published billing systems against amount() and lines().
--
-- Origin: a collection of rating cases from the sources and tests of OpenMeter,
-- Lago, Kill Bill and CloudKitty and from cloud providers' price pages; ids,
-- prices, quantities and amounts as collected.  Where the source rounds to
-- cents, the exact amount is the same in every case here.
--
-- Left out, because the model is not one of tariff's: block_graduated (pkg-022);
-- block_volume (pkg-020); capacity_flat (pkg-023); graduated_percentage
-- (pct-007, pct-008, pct-009, pct-010, pct-011, pct-012); max_dimension
-- (cld-013); multiplier (pct-013); percentage (pct-001, pct-004);
-- percentage_per_event (pct-005); postings_fx (rer-022); product (cld-020);
-- threshold_rate (vol-026, vol-027, vol-031); time_unit (cld-011, cld-012,
-- cld-017, cld-019); true_up (com-016, com-017, com-018, com-019, com-020).
-- Left out, because the tariff has no such step: com-010 (percentage discount),
-- com-002 (a minimum held back until the last line: here it is due with the
-- first booking of a period, the total of the period is the same).
BEGIN;
SET search_path TO pool_manager, public;
SELECT plan(156);

CREATE TEMP TABLE vector (n int, id text, tariff tariff, already numeric, quantity numeric, amount numeric);
INSERT INTO vector VALUES
    (1, 'unit-001', '{"model":"unit","unit_price":"10"}', NULL, 0, 0.00),
    (2, 'unit-002', '{"model":"unit","unit_price":"100"}', NULL, 10, 1000.00),
    (3, 'unit-003', '{"model":"unit","unit_price":"5.12345"}', NULL, 10, 51.2345),
    (4, 'unit-004', '{"model":"unit","unit_price":"1.5"}', NULL, 400, 600.00),
    (5, 'unit-005', '{"model":"unit","unit_price":"12"}', NULL, 10, 120.00),
    (6, 'unit-006', '{"model":"unit","unit_price":"15"}', NULL, 10, 150.00),
    (7, 'grad-004', '{"model":"graduated","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"50"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', NULL, 0, 100.00),
    (8, 'grad-008', '{"model":"graduated","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"50"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', NULL, 7, 150.00),
    (9, 'grad-009', '{"model":"graduated","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"50"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', NULL, 12, 170.00),
    (10, 'grad-010', '{"model":"graduated","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"50"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', NULL, 22, 235.00),
    (11, 'grad-011', '{"model":"graduated","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"50"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', NULL, 20, 225.00),
    (12, 'grad-013', '{"model":"graduated","tiers":[{"up_to":"10","unit_price":"10","flat":"2"},{"up_to":"20","unit_price":"5","flat":"3"},{"up_to":null,"unit_price":"5","flat":"3"}]}', NULL, 1, 12.00),
    (13, 'grad-014', '{"model":"graduated","tiers":[{"up_to":"10","unit_price":"10","flat":"2"},{"up_to":"20","unit_price":"5","flat":"3"},{"up_to":null,"unit_price":"5","flat":"3"}]}', NULL, 10, 102.00),
    (14, 'grad-016', '{"model":"graduated","tiers":[{"up_to":"10","unit_price":"10","flat":"2"},{"up_to":"20","unit_price":"5","flat":"3"},{"up_to":null,"unit_price":"5","flat":"3"}]}', NULL, 12, 115.00),
    (15, 'grad-018', '{"model":"graduated","tiers":[{"up_to":"0.1","unit_price":"10"},{"up_to":"1","unit_price":"5"},{"up_to":null,"unit_price":"2"}]}', NULL, 0.05, 0.50),
    (16, 'grad-023', '{"model":"graduated","tiers":[{"up_to":"100","unit_price":"1.0"},{"up_to":null,"unit_price":"0.5"}]}', NULL, 400, 250.00),
    (17, 'grad-024', '{"model":"graduated","tiers":[{"up_to":"10","unit_price":"1.5"},{"up_to":"110","unit_price":"1.0"},{"up_to":null,"unit_price":"0.5"}]}', NULL, 111, 115.50),
    (18, 'vol-001', '{"model":"volume","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"150"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', NULL, 0, 100.00),
    (19, 'vol-002', '{"model":"volume","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"150"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', NULL, 3, 100.00),
    (20, 'vol-007', '{"model":"volume","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"150"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', NULL, 16, 80.00),
    (21, 'vol-008', '{"model":"volume","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"150"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', NULL, 100, 500.00),
    (22, 'vol-009', '{"model":"volume","tiers":[{"up_to":"100","unit_price":"2","flat":"10"},{"up_to":"200","unit_price":"1","flat":"0"},{"up_to":null,"unit_price":"0.5","flat":"50"}]}', NULL, 0, 10.00),
    (23, 'vol-012', '{"model":"volume","tiers":[{"up_to":"100","unit_price":"2","flat":"10"},{"up_to":"200","unit_price":"1","flat":"0"},{"up_to":null,"unit_price":"0.5","flat":"50"}]}', NULL, 100.5, 100.50),
    (24, 'vol-013', '{"model":"volume","tiers":[{"up_to":"100","unit_price":"2","flat":"10"},{"up_to":"200","unit_price":"1","flat":"0"},{"up_to":null,"unit_price":"0.5","flat":"50"}]}', NULL, 101, 101.00),
    (25, 'vol-014', '{"model":"volume","tiers":[{"up_to":"100","unit_price":"2","flat":"10"},{"up_to":"200","unit_price":"1","flat":"0"},{"up_to":null,"unit_price":"0.5","flat":"50"}]}', NULL, 200, 200.00),
    (26, 'vol-015', '{"model":"volume","tiers":[{"up_to":"100","unit_price":"2","flat":"10"},{"up_to":"200","unit_price":"1","flat":"0"},{"up_to":null,"unit_price":"0.5","flat":"50"}]}', NULL, 300, 200.00),
    (27, 'vol-017', '{"model":"volume","tiers":[{"up_to":"5","unit_price":"7"},{"up_to":"10","unit_price":"6.5"},{"up_to":null,"unit_price":"6"}]}', NULL, 1, 7.00),
    (28, 'vol-018', '{"model":"volume","tiers":[{"up_to":"5","unit_price":"7"},{"up_to":"10","unit_price":"6.5"},{"up_to":null,"unit_price":"6"}]}', NULL, 5, 35.00),
    (29, 'vol-019', '{"model":"volume","tiers":[{"up_to":"5","unit_price":"7"},{"up_to":"10","unit_price":"6.5"},{"up_to":null,"unit_price":"6"}]}', NULL, 6, 39.00),
    (30, 'vol-020', '{"model":"volume","tiers":[{"up_to":"5","unit_price":"7"},{"up_to":"10","unit_price":"6.5"},{"up_to":null,"unit_price":"6"}]}', NULL, 20, 120.00),
    (31, 'vol-021', '{"model":"volume","tiers":[{"up_to":"5","unit_price":"7"},{"up_to":"10","unit_price":"6.5"},{"up_to":null,"unit_price":"6"}]}', NULL, 25, 150.00),
    (32, 'vol-022', '{"model":"volume","tiers":[{"up_to":"5","unit_price":"5"},{"up_to":"10","unit_price":"4"},{"up_to":"15","unit_price":"3"},{"up_to":"20","unit_price":"2"},{"up_to":null,"unit_price":"1"}]}', NULL, 20, 40.00),
    (33, 'vol-023', '{"model":"volume","tiers":[{"up_to":"5","unit_price":"5"},{"up_to":"10","unit_price":"4"},{"up_to":"15","unit_price":"3"},{"up_to":"20","unit_price":"2"},{"up_to":null,"unit_price":"1"}]}', NULL, 25, 25.00),
    (34, 'vol-025', '{"model":"volume","tiers":[{"up_to":"1000","unit_price":"1.5"},{"up_to":null,"unit_price":"2.0"}]}', NULL, 1200, 2400.00),
    (35, 'pkg-001', '{"model":"package","package_size":"10","package_price":"15"}', 0, 0, 0.00),
    (36, 'pkg-002', '{"model":"package","package_size":"10","package_price":"15"}', 0, 10, 15.00),
    (37, 'pkg-003', '{"model":"package","package_size":"10","package_price":"15"}', 0, 5, 15.00),
    (38, 'pkg-005', '{"model":"package","package_size":"10","package_price":"15"}', 60, 50, 75.00),
    (39, 'pkg-006', '{"model":"package","package_size":"10","package_price":"1"}', NULL, 0, 0.00),
    (40, 'pkg-008', '{"model":"package","package_size":"10","package_price":"1"}', NULL, 9, 1.00),
    (41, 'pkg-009', '{"model":"package","package_size":"10","package_price":"1"}', NULL, 10, 1.00),
    (42, 'pkg-011', '{"model":"package","package_size":"10","package_price":"100"}', NULL, 121, 1300.00),
    (43, 'pkg-012', '{"model":"package","package_size":"10","package_price":"100","free_units":"10"}', NULL, 121, 1200.00),
    (44, 'pkg-014', '{"model":"package","package_size":"1000000","package_price":"1.25"}', NULL, 10, 1.25),
    (45, 'pkg-015', '{"model":"package","package_size":"1000000","package_price":"1.25"}', NULL, 1000000, 1.25),
    (46, 'com-005', '{"model":"volume","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"150"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}],"minimum":"150"}', NULL, 5, 150.00),
    (47, 'com-006', '{"model":"volume","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"150"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}],"minimum":"100"}', NULL, 5, 100.00),
    (48, 'com-007', '{"model":"volume","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"150"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}],"minimum":"100"}', NULL, 100, 500.00),
    (49, 'com-008', '{"model":"unit","unit_price":"10","maximum":"100"}', NULL, 10, 100.00),
    (50, 'com-011', '{"model":"package","package_size":"10","package_price":"15","maximum":"100"}', 60, 50, 10.00),
    (51, 'com-012', '{"model":"graduated","tiers":[{"up_to":"5","flat":"100","unit_price":"0"},{"up_to":"10","flat":"50"},{"up_to":"15","unit_price":"5"},{"up_to":null,"unit_price":"1"}],"maximum":"170"}', 12, 10, 10.00),
    (52, 'com-013', '{"model":"volume","tiers":[{"up_to":"5","flat":"100"},{"up_to":"10","flat":"150"},{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}],"maximum":"125"}', NULL, 7, 125.00),
    (53, 'com-021', '{"model":"unit","unit_price":"10","convert":{"op":"divide","factor":"1000","rounding":"ceiling"}}', NULL, 1400, 20.00),
    (54, 'com-022', '{"model":"graduated","tiers":[{"up_to":"5","unit_price":"1"},{"up_to":null,"unit_price":"0.5"}],"convert":{"op":"divide","factor":"1000","rounding":"ceiling"}}', NULL, 7400, 6.50),
    (55, 'com-024', '{"model":"unit","unit_price":"1","convert":{"op":"multiply","factor":"1.2","rounding":"none"}}', NULL, 10, 12),
    (56, 'com-025', '{"model":"unit","unit_price":"1","convert":{"op":"divide","factor":"1000","rounding":"ceiling"}}', NULL, 1400, 2),
    (57, 'com-026', '{"model":"unit","unit_price":"1","convert":{"op":"divide","factor":"1000","rounding":"floor"}}', NULL, 1900, 1),
    (58, 'com-028', '{"model":"unit","unit_price":"1","convert":{"op":"divide","factor":"1000","rounding":"half_up"}}', NULL, 1400, 1),
    (59, 'cld-001', '{"model":"unit","unit_price":"1750"}', NULL, 2, 3500.00),
    (60, 'rer-002', '{"model":"unit","unit_price":"10"}', NULL, 5, 50.00),
    (61, 'rer-002', '{"model":"unit","unit_price":"10"}', 5, 0, 0.00),
    (62, 'rer-003', '{"model":"unit","unit_price":"10"}', NULL, 8, 80.00),
    (63, 'rer-003', '{"model":"unit","unit_price":"10"}', 8, -3, -30.00),
    (64, 'rer-004', '{"model":"unit","unit_price":"10"}', NULL, 5, 50.00),
    (65, 'rer-004', '{"model":"unit","unit_price":"10"}', 5, -5, -50.00),
    (66, 'rer-008', '{"model":"volume","tiers":[{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', NULL, 15, 150.00),
    (67, 'rer-008', '{"model":"volume","tiers":[{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', 15, 1, -70.00),
    (68, 'rer-008', '{"model":"volume","tiers":[{"up_to":"15","unit_price":"10"},{"up_to":null,"unit_price":"5"}]}', 16, 0, 0.00),
    (69, 'rer-013', '{"model":"graduated","tiers":[{"up_to":"5","unit_price":"1"},{"up_to":"10","unit_price":"2"},{"up_to":null,"unit_price":"3"}]}', NULL, 3, 3.00),
    (70, 'rer-013', '{"model":"graduated","tiers":[{"up_to":"5","unit_price":"1"},{"up_to":"10","unit_price":"2"},{"up_to":null,"unit_price":"3"}]}', 3, 2, 2.00),
    (71, 'rer-015', '{"model":"graduated","tiers":[{"up_to":"5","unit_price":"1"},{"up_to":"10","unit_price":"2"},{"up_to":null,"unit_price":"3"}]}', NULL, 3, 3.00),
    (72, 'rer-015', '{"model":"graduated","tiers":[{"up_to":"5","unit_price":"1"},{"up_to":"10","unit_price":"2"},{"up_to":null,"unit_price":"3"}]}', 3, 9, 18.00),
    (73, 'rer-016', '{"model":"graduated","tiers":[{"up_to":"5","unit_price":"1"},{"up_to":"10","unit_price":"2"},{"up_to":null,"unit_price":"3"}]}', NULL, 7, 9.00),
    (74, 'rer-016', '{"model":"graduated","tiers":[{"up_to":"5","unit_price":"1"},{"up_to":"10","unit_price":"2"},{"up_to":null,"unit_price":"3"}]}', 7, -4, -6.00);

SELECT is(amount(tariff, quantity, already), amount,
          format('%s: %s after %s', id, quantity, coalesce(already::text, 'nothing')))
  FROM vector ORDER BY n;

SELECT is((SELECT sum(l.amount) FROM lines(tariff, quantity, already) AS l), nullif(amount, 0),
          format('%s: lines add up', id))
  FROM vector WHERE amount <> 0 ORDER BY n;

-- quantity x unit price + flat fee is the amount of a line that no maximum cuts
SELECT is_empty(
    $$SELECT id, l FROM vector, lines(tariff, quantity, already) AS l
       WHERE l.tier IS NOT NULL AND l.quantity * l.unit_price + l.flat <> l.amount
         AND NOT tariff::jsonb ? 'maximum'$$,
    'quantity x unit price + flat = amount');

-- taking a quantity back undoes it
SELECT is_empty(
    $$SELECT id FROM vector WHERE quantity > 0
       AND amount(tariff, -quantity, coalesce(already, 0) + quantity) +
           amount(tariff, quantity, coalesce(already, 0)) <> 0$$,
    'what is taken back costs what it cost');

-- random tariffs and quantities against the models' definitions in SQL
SELECT setseed(0.42);
CREATE TEMP TABLE tier AS
SELECT s, t, CASE WHEN t < n THEN (t * 7 + floor(random() * 6)) / 2.0 END::numeric AS up_to,
       floor(random() * 1000)::numeric / 100 AS unit_price, floor(random() * 3)::numeric AS flat
  FROM generate_series(1, 300) AS s, LATERAL (SELECT 1 + s % 5 AS n) AS width, generate_series(1, n) AS t;
CREATE TEMP TABLE sample AS
SELECT s, string_agg(format('{"up_to":%s,"unit_price":"%s","flat":"%s"}',
                            coalesce('"' || up_to || '"', 'null'), unit_price, flat), ',' ORDER BY t) AS tiers,
       floor(random() * 80)::numeric / 4 AS quantity
  FROM tier GROUP BY s;

SELECT is_empty(
    $$SELECT s, tiers, quantity FROM sample
       WHERE amount(('{"model":"graduated","tiers":[' || tiers || ']}')::tariff, quantity) <>
             (SELECT sum((least(quantity, up_to) - lower) * unit_price + flat)
                FROM (SELECT *, lag(up_to, 1, 0.0) OVER (ORDER BY t) AS lower FROM tier
                       WHERE tier.s = sample.s) AS bounded
               WHERE t = 1 OR quantity > lower)$$,
    'graduated: sum over the tiers entered');

SELECT is_empty(
    $$SELECT s, tiers, quantity FROM sample
       WHERE amount(('{"model":"volume","tiers":[' || tiers || ']}')::tariff, quantity) <>
             (SELECT quantity * unit_price + flat FROM tier
               WHERE tier.s = sample.s AND (up_to IS NULL OR quantity <= up_to) ORDER BY t LIMIT 1)$$,
    'volume: the first tier whose bound is not exceeded');

SELECT is_empty(
    $$SELECT s, quantity FROM sample
       WHERE amount(format('{"model":"package","package_size":"%s","package_price":"3","free_units":"%s","flat":"1"}',
                           s / 8.0, s % 7)::tariff, quantity) <>
             1 + 3 * ceil(greatest(quantity - s % 7, 0) * 8 / s)$$,
    'package: packages begun');

SELECT is_empty(
    $$SELECT s, quantity FROM sample
       WHERE amount(format('{"model":"unit","unit_price":"3","convert":{"op":"divide","factor":"%s","rounding":"half_up"}}',
                           s / 8.0)::tariff, quantity) <> 3 * round(quantity * 8 / s)$$,
    'conversion rounded half up');

-- lines that the sources state
SELECT is((SELECT l.amount FROM lines(tariff, quantity, already) AS l WHERE l.tier = e.tier), e.amount,
          format('%s: line of tier %s', id, e.tier))
  FROM vector JOIN (VALUES
        ('grad-024', 1, 15.00),
        ('grad-024', 2, 100.00),
        ('grad-024', 3, 0.50),
        ('com-012', 3, 10.00),
        ('com-012', 4, 0.00),
        ('com-022', 1, 5.00),
        ('com-022', 2, 1.50)
    ) AS e (id, tier, amount) USING (id) ORDER BY n, e.tier;

SELECT * FROM finish();
ROLLBACK;
