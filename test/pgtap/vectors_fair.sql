-- Cases of other schedulers: shares of several queues, and the formulas of a
-- job's score.
BEGIN;
\ir include/vectors.sql
SELECT vectors.run('vectors_fair');
SELECT * FROM finish();
ROLLBACK;
