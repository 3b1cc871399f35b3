-- The packing experiment on the openb trace, through SQL: tasks arrive in a
-- given order on nodes in a given order, are placed or never are, and none ends.
-- What counts is the share of the 6,212 GPUs that is given out. See
-- test/data/README.md; test/core/packing_test.c does the same outside the server.
BEGIN;
SET LOCAL search_path TO pool_manager, public;
SELECT plan(7);

CREATE TEMP TABLE node (node_id text, count int, cpu_milli int, mem_mib bigint, gpu int, gpu_type text, "group" text) ON COMMIT DROP;
CREATE TEMP TABLE task (job_id text, user_or_tenant text, submit_s bigint, duration_s bigint, replicas int, cpu_milli int, mem_mib bigint,
    gpu int, gpu_milli int, gpu_type text, qos text, status text, observed_wait_s bigint) ON COMMIT DROP;
CREATE TEMP TABLE experiment (seed int DEFAULT 42, no bigint GENERATED ALWAYS AS IDENTITY, what text, id text) ON COMMIT DROP;
\copy node FROM PROGRAM 'gunzip -c test/data/openb_nodes.csv.gz' WITH (FORMAT csv, HEADER)
\copy task FROM PROGRAM 'gunzip -c test/data/openb_jobs.csv.gz' WITH (FORMAT csv, HEADER)
\copy experiment (what, id) FROM PROGRAM 'gunzip -c test/data/openb_packing_42.csv.gz' WITH (FORMAT csv, HEADER)
ALTER TABLE experiment ALTER seed SET DEFAULT 43;
\copy experiment (what, id) FROM PROGRAM 'gunzip -c test/data/openb_packing_43.csv.gz' WITH (FORMAT csv, HEADER)

CREATE TEMP TABLE node_row ON COMMIT DROP AS
SELECT e.seed, e.no, n.node_id AS name,
       format('cpu=%sm,memory=%sMi,nvidia.com/gpu=%s', n.cpu_milli, n.mem_mib, n.gpu)::resource_list AS resources
FROM experiment e JOIN node n ON n.node_id = e.id WHERE e.what = 'node';
CREATE TEMP TABLE job_row ON COMMIT DROP AS
SELECT e.seed, e.no AS job_id, timestamptz 'epoch' + e.no * interval '1 s' AS submitted_at, NULL::interval AS duration,
       format('cpu=%sm,memory=%sMi,nvidia.com/gpu=%sm', t.cpu_milli, t.mem_mib, t.gpu * t.gpu_milli)::resource_list AS request,
       t.gpu * t.gpu_milli / 1000.0 AS gpus
FROM experiment e JOIN task t ON t.job_id = e.id WHERE e.what = 'job';

CREATE TEMP TABLE placed ON COMMIT DROP AS
SELECT e.seed, p.placement, s.*
FROM (VALUES (42), (43)) AS e(seed), (VALUES ('pack'::placement_policy), ('first_fit')) AS p(placement),
     simulate(format('SELECT name, resources FROM node_row WHERE seed = %s ORDER BY no', e.seed),
              format('SELECT job_id, submitted_at, duration, request FROM job_row WHERE seed = %s', e.seed), 'traversal', p.placement) AS s;
ANALYZE node_row, job_row, placed;
CREATE TEMP TABLE outcome ON COMMIT DROP AS
SELECT p.seed, p.placement, j.gpus, p.started_at, p.submitted_at, p.ended_at, (SELECT k FROM jsonb_object_keys(p.nodes) AS k) AS node
FROM placed p JOIN job_row j USING (seed, job_id);
CREATE TEMP VIEW share AS
SELECT seed, placement, round(100 * sum(gpus) FILTER (WHERE started_at IS NOT NULL) / 6212, 2) AS percent, sum(gpus) AS asked
FROM outcome GROUP BY 1, 2;

SELECT is((SELECT sum(gpu) FROM node JOIN experiment e ON e.id = node_id AND e.seed = 42), 6212::bigint, 'there are 6,212 GPUs');
SELECT cmp_ok((SELECT min(asked) FROM share), '>=', 1.3 * 6212 - 8, 'tasks ask for 130 %');
SELECT cmp_ok((SELECT percent FROM share WHERE seed = 42 AND placement = 'pack'), '>=', 95.40, 'pack gives out more than fragmentation gradient descent: first order');
SELECT cmp_ok((SELECT percent FROM share WHERE seed = 43 AND placement = 'pack'), '>=', 95.40, 'second order');
SELECT cmp_ok((SELECT min(percent) FROM share WHERE placement = 'first_fit'), '>=', 94.3, 'first_fit gives out what the reference implementation does');
SELECT is_empty('SELECT * FROM outcome WHERE started_at > submitted_at OR ended_at IS NOT NULL', 'a task is placed when it comes or never; none ends');
SELECT is_empty($$SELECT o.seed, o.placement, o.node FROM outcome o JOIN node n ON n.node_id = o.node
    GROUP BY 1, 2, 3, n.gpu HAVING sum(o.gpus) > n.gpu$$, 'no node gives out more GPUs than it has');

SELECT * FROM finish();
ROLLBACK;
