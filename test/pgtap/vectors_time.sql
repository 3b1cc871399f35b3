-- Cases of other schedulers: backfill, and when jobs start.
BEGIN;
\ir include/vectors.sql
SELECT vectors.run('vectors_time');
SELECT * FROM finish();
ROLLBACK;
