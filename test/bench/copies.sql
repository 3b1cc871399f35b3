-- Copies of the tables named in the variable "tables", in schema bench: the
-- same columns, keys, indexes, checks, fill factor and foreign keys.  Keys to
-- a table that is copied too lead to its copy.  Triggers are not copied: they
-- know the tables they guard by name.

CREATE SCHEMA bench;

SELECT format('CREATE TABLE bench.%I (LIKE pool_manager.%1$I INCLUDING ALL) WITH (%s)',
              t, coalesce((SELECT array_to_string(reloptions, ', ') FROM pg_class
                           WHERE oid = ('pool_manager.' || t)::regclass), 'fillfactor = 100'))
FROM unnest(:'tables'::text[]) AS t \gexec

SET search_path = '';
SELECT format('ALTER TABLE bench.%I ADD CONSTRAINT %I %s', c.relname, k.conname,
              CASE WHEN f.relname = ANY (:'tables')
                   THEN replace(pg_get_constraintdef(k.oid), ' pool_manager.' || f.relname || '(', ' bench.' || f.relname || '(')
                   ELSE pg_get_constraintdef(k.oid) END)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
WHERE k.contype = 'f' AND c.relnamespace = 'pool_manager'::regnamespace AND c.relname = ANY (:'tables')
ORDER BY c.relname, k.conname \gexec
RESET search_path;
