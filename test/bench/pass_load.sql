-- The rows of pass_written.sql, in tables without keys.

\cd :out
CREATE TABLE bench.new_job_run (LIKE pool_manager.job_run);
CREATE TABLE bench.new_job_shape (LIKE pool_manager.job_shape);
CREATE TABLE bench.new_node_load (LIKE pool_manager.node_load);
CREATE TABLE bench.new_allocation (LIKE pool_manager.allocation);
CREATE TABLE bench.new_holding (LIKE pool_manager.holding);
CREATE TABLE bench.new_event (LIKE pool_manager.event);
\copy bench.new_job_run FROM 'job_run'
\copy bench.new_job_shape FROM 'job_shape'
\copy bench.new_node_load FROM 'node_load'
\copy bench.new_allocation FROM 'allocation'
\copy bench.new_holding FROM 'holding'
\copy bench.new_event FROM 'event'
VACUUM ANALYZE bench.new_job_run, bench.new_job_shape, bench.new_node_load, bench.new_allocation, bench.new_holding, bench.new_event;
SELECT pool_manager.create_pool('warm', 'public');
CHECKPOINT;
