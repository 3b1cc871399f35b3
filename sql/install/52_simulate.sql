-- What-if: nodes and jobs from queries, played through in virtual time.

CREATE FUNCTION simulate(
    node_query text, job_query text, queue_policy queue_policy DEFAULT 'fifo',
    placement placement_policy DEFAULT 'pack', job_order job_order DEFAULT 'priority',
    backfill_order job_order DEFAULT 'priority', reservations integer DEFAULT 1, step_timeout interval DEFAULT '30 minutes',
    topology_levels text[] DEFAULT '{}', quota_query text DEFAULT NULL,
    preemption preemption_policy DEFAULT 'lower_priority', reclaim reclaim_policy DEFAULT 'any',
    min_runtime interval DEFAULT '0', preemption_delay interval DEFAULT '0',
    OUT job_id bigint, OUT submitted_at timestamptz, OUT started_at timestamptz, OUT ended_at timestamptz,
    OUT wait interval, OUT nodes jsonb, OUT preemptions integer) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'pm_simulate_jobs' LANGUAGE C ROWS 1000 COST 1000;
COMMENT ON FUNCTION simulate(text, text, queue_policy, placement_policy, job_order, job_order, integer, interval, text[], text, preemption_policy, reclaim_policy, interval, interval) IS
'what would become of these jobs on those nodes: one row a job, in order of job_id. Policies are those of a pool; reservations and backfill_order are for backfill, step_timeout for stepped and tiered. preemption, reclaim, min_runtime and preemption_delay say, as in a pool, when runs of preemptible jobs give way. The queries run with the caller''s rights; columns by name. Nodes: name, resources, and where wanted count (so many alike, named name-1 and so on), labels, taints, topology (its domain at each of topology_levels, which are named widest first), sub_pool (whose jobs alone it takes), accelerator (the resource tracked by device; by default the one that has a / in its name). Jobs: job_id, submitted_at, request, duration (NULL: without end), and where wanted replicas, min_replicas, time_limit, priority, preemptible, tenant, sub_pool, node_selector, tolerations, affinity_level, affinity_required, group_level, group_size, spread_level, max_per_domain, depends_on (as of submit_job, on other jobs of the query). Quotas, if there are any: name, and where wanted parent, guaranteed, upper, borrow_limit, lend_limit, tenant; each job is then of a sub-pool among them. A run ends after its duration or at its time limit, if that is less. At one instant all ends come first, then all submissions, then one pass, and another where jobs join by it: those of runs that gave way, which are to run from the beginning, and those that wait for others to start. Without a column sub_pool all jobs are one queue; else each sub-pool of each tenant is one. Start, end and nodes are those of the last run, wait is from submission to its start; preemptions: how many runs before it gave way. started_at is NULL if the job never starts, ended_at also if it never ends; nodes: replicas by node name. 22023: a query that is not one SELECT, a column out of its range, a node, job or sub-pool twice, a sub-pool that is not there or has parts, a job to depend on that is not there, more guaranteed than the nodes have; 22004: a NULL in a column that must have values; 42701: a column twice; 42703: a column missing or unknown; 42846: a column of another type; 54000: too many rows or nodes, sub-pools deeper than 8 levels';

CREATE FUNCTION simulate_summary(
    node_query text, job_query text, queue_policy queue_policy DEFAULT 'fifo',
    placement placement_policy DEFAULT 'pack', job_order job_order DEFAULT 'priority',
    backfill_order job_order DEFAULT 'priority', reservations integer DEFAULT 1, step_timeout interval DEFAULT '30 minutes',
    topology_levels text[] DEFAULT '{}', quota_query text DEFAULT NULL,
    preemption preemption_policy DEFAULT 'lower_priority', reclaim reclaim_policy DEFAULT 'any',
    min_runtime interval DEFAULT '0', preemption_delay interval DEFAULT '0',
    OUT jobs bigint, OUT started bigint, OUT mean_wait interval, OUT median_wait interval, OUT p95_wait interval,
    OUT max_wait interval, OUT zero_wait numeric, OUT bounded_slowdown numeric, OUT makespan interval,
    OUT utilisation numeric, OUT arrival_utilisation numeric, OUT resource text, OUT utilisations jsonb, OUT preemptions bigint) RETURNS record
    AS 'MODULE_PATHNAME', 'pm_simulate_summary' LANGUAGE C COST 1000;
COMMENT ON FUNCTION simulate_summary(text, text, queue_policy, placement_policy, job_order, job_order, integer, interval, text[], text, preemption_policy, reclaim_policy, interval, interval) IS
'the usual figures of a simulation, in one row; arguments and errors are those of simulate. Waits and slowdown are of the jobs that started: of n waits, least first, median_wait is number n/2 + 1 and p95_wait number 0.95 n + 1, cut to whole numbers; zero_wait: the share that did not wait; bounded_slowdown: the mean of max(1, (wait + run) / max(run, 10 s)); makespan: from the first submission to the last event; utilisation: what was held of the resource used most (resource; utilisations has all), over capacity times makespan; arrival_utilisation: the same between first and last submission; preemptions: runs that gave way, which count in utilisation alone';
