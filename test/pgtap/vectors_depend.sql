-- Cases of other schedulers: jobs that wait for other jobs.
BEGIN;
\ir include/vectors.sql
SELECT vectors.run('vectors_depend');
SELECT * FROM finish();
ROLLBACK;
