-- Cases of other schedulers: each is played by a file or left out by a rule, and
-- what is played is compared.
BEGIN;
\ir include/vectors.sql
SELECT plan(11);

SELECT is(count(*), 115::bigint, 'all cases are there') FROM vectors.entry;
SELECT is((SELECT count(*) FROM vectors.file f, vectors.of_file(f.name) e WHERE split_part(e.id, '-', 1) = f.prefix), (SELECT count(*) FROM vectors.entry),
    'each belongs to one file');
SELECT results_eq($$SELECT DISTINCT name COLLATE "C" FROM vectors.file ORDER BY 1$$,
    format($$SELECT left(f, -4) COLLATE "C" FROM pg_ls_dir(%L) f WHERE f LIKE 'vectors\_%%.sql' AND f <> 'vectors_complete.sql' ORDER BY 1$$, :'tree' || '/test/pgtap'),
    'and each file is there');
SELECT is_empty('SELECT id FROM vectors.left_out WHERE rule = '''' OR length(why) < 20', 'what is left out has its rule');
SELECT diag(format('%s cases are played, %s left out', (SELECT count(*) FROM vectors.entry) - count(*), count(*))) FROM vectors.left_out;

-- a case of each kind as it must not be: each fact that it expects is missed
CREATE TABLE vectors.wrong AS
SELECT id, c || jsonb_build_object('id', 'wrong ' || id, 'expected', (
        SELECT jsonb_object_agg(key, CASE WHEN key = 'holds_for' THEN value WHEN jsonb_typeof(value) = 'object' THEN '{"nobody": {"nothing": 1}}'
            WHEN key = 'values' THEN '[0]' ELSE '["nobody"]' END)
        FROM jsonb_each(c -> 'expected'))) AS c
FROM vectors.entry WHERE id IN ('admit-005-nominal-before-borrowing', 'order-001-positions', 'topo-001-rack-3', 'preempt-002-multiple',
    'depend-009-aftercorr', 'backfill-001-basic', 'formula-003-classic-points');
SELECT is((SELECT string_agg(key, ', ') FROM jsonb_object_keys(c -> 'expected') AS key WHERE position(key || ': ' IN said) = 0 AND key <> 'holds_for'), NULL,
    format('a wrong expectation is noticed: %s: %s', id, said))
FROM (SELECT id, c, vectors.play(c) AS said FROM vectors.wrong ORDER BY id OFFSET 0) w;

SELECT * FROM finish();
ROLLBACK;
