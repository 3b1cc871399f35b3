-- Cases of other schedulers: what starts and what waits for quota, by
-- guarantees, borrowing and lending; gangs and elastic jobs.
BEGIN;
\ir include/vectors.sql
SELECT vectors.run('vectors_admit');
SELECT * FROM finish();
ROLLBACK;
