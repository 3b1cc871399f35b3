-- The parts of this directory are joined in order into the install script.
-- psql must not run it: only CREATE EXTENSION sets the schema and the path.
\echo Use "CREATE EXTENSION pool_manager CASCADE" to load this file. \quit

