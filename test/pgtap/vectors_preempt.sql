-- Cases of other schedulers: which jobs give way to which.
BEGIN;
\ir include/vectors.sql
SELECT vectors.run('vectors_preempt');
SELECT * FROM finish();
ROLLBACK;
