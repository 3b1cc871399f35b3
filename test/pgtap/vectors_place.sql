-- Cases of other schedulers: which nodes count, in which domains replicas are,
-- and the order of a queue.
BEGIN;
\ir include/vectors.sql
SELECT vectors.run('vectors_place');
SELECT * FROM finish();
ROLLBACK;
