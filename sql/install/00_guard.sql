-- The parts of this directory are joined in order into the install script.
-- psql must not run it: only CREATE EXTENSION sets the schema and the path.
\echo Use "CREATE EXTENSION pool_manager CASCADE" to load this file. \quit


-- A member of the extension, unlike a schema named in the control file: it goes
-- with it, and CREATE EXTENSION fails where somebody else has made it before.
CREATE SCHEMA pool_manager;
COMMENT ON SCHEMA pool_manager IS 'resource pools of an AI cluster: queue, scheduler, metering and billing';
SET LOCAL search_path = pool_manager, pg_temp;
