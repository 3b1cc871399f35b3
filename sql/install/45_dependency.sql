-- What waiting jobs wait for: whether it has come, and how people see it.

CREATE FUNCTION dependency_holds(kind dependency_kind, end_state job_state, started boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE kind WHEN 'afterok' THEN end_state = 'completed'
                     WHEN 'afternotok' THEN end_state <> 'completed'
                     WHEN 'afterany' THEN nullif(end_state IS NOT NULL, false)
                     ELSE nullif(end_state IS NOT NULL OR started, false) END;
COMMENT ON FUNCTION dependency_holds(dependency_kind, job_state, boolean) IS
'does a dependency hold, on a job that ended so (NULL: has not) and was started or not? false: it never will; NULL: it may yet';

CREATE FUNCTION dependencies_hold(pool bigint, job bigint) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    -- the worst of all clauses, of each the best choice: 2 holds, 1 may yet, 0 never will
    RETURN (SELECT CASE min(c.best) WHEN 0 THEN false WHEN 1 THEN NULL ELSE true END
            FROM (SELECT max(CASE dependency_holds(d.kind, p.end_state,
                        EXISTS (SELECT FROM job_run r WHERE r.pool_id = d.pool_id AND r.job_id = d.depends_on AND r.started_at IS NOT NULL))
                     WHEN true THEN 2 WHEN false THEN 0 ELSE 1 END) AS best
                  FROM job_dependency d CROSS JOIN LATERAL (SELECT p.end_state FROM job p
                        WHERE p.pool_id = d.pool_id AND p.job_id = d.depends_on OFFSET 0) p
                  WHERE d.pool_id = dependencies_hold.pool AND d.job_id = dependencies_hold.job
                  GROUP BY d.clause_no) c);
COMMENT ON FUNCTION dependencies_hold(bigint, bigint) IS
'do all dependencies of a job hold? false: they never will; NULL: they may yet; true: yes, or it has none';

CREATE FUNCTION dependencies_text(pool bigint, job bigint, only_open boolean DEFAULT false) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT string_agg(c.choices, ',' ORDER BY c.clause_no)
            FROM (SELECT d.clause_no, string_agg(d.kind || ':' || d.depends_on, '?' ORDER BY d.depends_on, d.kind) AS choices
                  FROM job_dependency d CROSS JOIN LATERAL (SELECT p.end_state FROM job p
                        WHERE p.pool_id = d.pool_id AND p.job_id = d.depends_on OFFSET 0) p
                  WHERE d.pool_id = dependencies_text.pool AND d.job_id = dependencies_text.job
                  GROUP BY d.clause_no
                  HAVING NOT only_open OR bool_or(dependency_holds(d.kind, p.end_state,
                    EXISTS (SELECT FROM job_run r WHERE r.pool_id = d.pool_id AND r.job_id = d.depends_on AND r.started_at IS NOT NULL)))
                    IS NOT TRUE) c);
COMMENT ON FUNCTION dependencies_text(bigint, bigint, boolean) IS
'dependencies of a job as submit_job takes them, without those that hold already if only_open; NULL: there are none';

CREATE VIEW dependency_status WITH (security_invoker = true) AS
SELECT p.name AS pool,
       d.job_id,
       j.name AS job,
       d.clause_no AS condition,
       d.kind,
       d.depends_on,
       o.name AS other_job,
       coalesce(o.end_state, q.state, r.state) AS other_state,
       dependency_holds(d.kind, o.end_state, r.started_at IS NOT NULL) AS holds
FROM job_dependency d
JOIN pool p USING (pool_id)
JOIN job j USING (pool_id, job_id)
JOIN job o ON o.pool_id = d.pool_id AND o.job_id = d.depends_on
LEFT JOIN job_queue q ON q.pool_id = d.pool_id AND q.job_id = d.depends_on
LEFT JOIN LATERAL (SELECT max(r.started_at) AS started_at, (array_agg(r.state ORDER BY r.run_id DESC))[1] AS state
                   FROM job_run r WHERE r.pool_id = d.pool_id AND r.job_id = d.depends_on) r ON true;
COMMENT ON VIEW dependency_status IS
'what jobs depend on, of deleted pools and for phases of workflows too: all conditions of a job must hold, of several rows of a condition one is enough';
COMMENT ON COLUMN dependency_status.pool IS 'pool';
COMMENT ON COLUMN dependency_status.job_id IS 'job that depends on another';
COMMENT ON COLUMN dependency_status.job IS 'its name';
COMMENT ON COLUMN dependency_status.condition IS 'number of the condition, from 1';
COMMENT ON COLUMN dependency_status.kind IS 'after, afterok, afterany or afternotok';
COMMENT ON COLUMN dependency_status.depends_on IS 'job that it depends on';
COMMENT ON COLUMN dependency_status.other_job IS 'name of that job';
COMMENT ON COLUMN dependency_status.other_state IS 'its present state';
COMMENT ON COLUMN dependency_status.holds IS 'does this dependency hold? false: it never will; NULL: it may yet';

GRANT SELECT ON dependency_status TO PUBLIC;
