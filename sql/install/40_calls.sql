-- The calls.  Each takes the actor from the current role, checks what it may
-- do, then works as the extension's owner.  A call that creates something takes
-- a request_id: repeated with the same content it returns its first result,
-- with other content it is an error (PM004).  Except for jobs, the content is
-- the arguments as they were written: a thing given by name is not the same as
-- the thing given by id.  An argument that must not be NULL says so (22004).

CREATE FUNCTION clock() RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_clock' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION clock() IS
'the extension''s clock as reading calls see it: the setting pool_manager.clock, else now()';

CREATE FUNCTION write_clock() RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_write_clock' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION write_clock() IS
'the extension''s clock as writing calls see it: the setting pool_manager.clock, else clock_timestamp()';

-- accounts

CREATE FUNCTION create_tenant(
    name text, currency text, time_zone text,
    cycle interval DEFAULT '1 hour', rounding rounding_rule DEFAULT 'half_up',
    request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_tenant' LANGUAGE C;
COMMENT ON FUNCTION create_tenant(text, text, text, interval, rounding_rule, text) IS
'makes an account with its default workspace and its contract; returns its id. Operators only (42501); 42710: the name is taken; 22023: unknown time zone or cycle, no such currency';

CREATE FUNCTION create_workspace(tenant bigint, name text, request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_workspace' LANGUAGE C;
COMMENT ON FUNCTION create_workspace(bigint, text, text) IS
'makes a cost centre of a tenant; returns its id. Owners of the tenant (42501); 42710: the name is taken';
CREATE FUNCTION create_workspace(tenant text, name text, request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_workspace' LANGUAGE C;
COMMENT ON FUNCTION create_workspace(text, text, text) IS 'the same, the tenant by name';

CREATE FUNCTION grant_tenant(
    tenant bigint, role name, level member_level DEFAULT 'member',
    public_pools boolean DEFAULT true, high_priority boolean DEFAULT true) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_grant_tenant' LANGUAGE C;
COMMENT ON FUNCTION grant_tenant(bigint, name, member_level, boolean, boolean) IS
'lets a database role, and its members, act for a tenant as viewer, member or owner; without public_pools it submits to no public pool, without high_priority no job of priority 3. Replaces an earlier grant; revoke_tenant takes it back. Owners of the tenant (42501); 42704: no such role';
CREATE FUNCTION grant_tenant(
    tenant text, role name, level member_level DEFAULT 'member',
    public_pools boolean DEFAULT true, high_priority boolean DEFAULT true) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_grant_tenant' LANGUAGE C;
COMMENT ON FUNCTION grant_tenant(text, name, member_level, boolean, boolean) IS 'the same, the tenant by name';

CREATE FUNCTION grant_operator(role name) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_grant_operator' LANGUAGE C;
COMMENT ON FUNCTION grant_operator(name) IS
'makes a database role, and its members, operators: they see all tenants and run the cloud. Operators only (42501); 42704: no such role';

-- catalogue

CREATE FUNCTION create_sku(name text, unit text, per sku_per DEFAULT 'hour', request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_sku' LANGUAGE C;
COMMENT ON FUNCTION create_sku(text, text, sku_per, text) IS
'makes a stock-keeping unit, priced per unit and hour, or once per unit; returns its id. Operators only (42501); 42710: the name is taken';

CREATE FUNCTION create_flavor(
    name text, resources resource_list, sku text DEFAULT NULL, accelerator text DEFAULT NULL,
    cpu_architecture cpu_architecture DEFAULT 'x86', reserved resource_list DEFAULT '', max_replicas integer DEFAULT NULL,
    request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_flavor' LANGUAGE C;
COMMENT ON FUNCTION create_flavor(text, resource_list, text, text, cpu_architecture, resource_list, integer, text) IS
'makes a named specification of a node or replica; returns its id. accelerator names the resource that is tracked device by device; reserved is what of a node jobs cannot have; max_replicas how many replicas of it a job in a public pool may have (NULL or 0: any number). Operators only (42501); 42710: the name is taken; 22023: no or negative resources, more reserved than there is or of the accelerator, a negative number of replicas, the accelerator is not 1 to 1024 whole devices, the SKU is priced once; 42704: no such SKU';

CREATE FUNCTION set_resource_sku(flavor text, unit resource_list, sku text) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_set_resource_sku' LANGUAGE C;
COMMENT ON FUNCTION set_resource_sku(text, resource_list, text) IS
'what a resource of a flavor''s nodes is billed as when a job asks for it without a flavor: unit is how much of it is one unit of the SKU (memory=1Gi); a NULL SKU lists it as free. Operators only (42501); 42704: no such flavor or SKU; 22023: unit names more than one resource, or a node would be more than 1,000,000 units or a negative amount, the SKU is priced once';

-- jobs

CREATE FUNCTION submit_job(
    pool bigint, name text, kind job_kind DEFAULT 'training', flavor text DEFAULT NULL,
    request resource_list DEFAULT NULL, replicas integer DEFAULT 1, min_replicas integer DEFAULT NULL,
    tenant bigint DEFAULT NULL, workspace bigint DEFAULT NULL, priority integer DEFAULT 1,
    time_limit interval DEFAULT NULL, node_selector jsonb DEFAULT '{}', tolerations jsonb DEFAULT '[]',
    sub_pool bigint DEFAULT NULL, preemptible boolean DEFAULT false, auto_stop interval DEFAULT NULL,
    max_retries integer DEFAULT 0, mounts jsonb DEFAULT '{}', volume_gib integer DEFAULT NULL,
    volume_type text DEFAULT NULL, task_groups jsonb DEFAULT NULL, affinity_level text DEFAULT NULL,
    affinity_required boolean DEFAULT true, group_level text DEFAULT NULL, group_size integer DEFAULT NULL,
    spread_level text DEFAULT NULL, max_per_domain integer DEFAULT NULL, depends_on text DEFAULT NULL,
    not_before timestamptz DEFAULT NULL, retry_backoff interval DEFAULT NULL,
    retry_on_failure boolean DEFAULT false, reservation text DEFAULT NULL, max_cost numeric DEFAULT NULL,
    tags jsonb DEFAULT '{}', request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_submit_job' LANGUAGE C;
COMMENT ON FUNCTION submit_job(bigint, text, job_kind, text, resource_list, integer, integer, bigint, bigint, integer, interval, jsonb, jsonb, bigint, boolean, interval, integer, jsonb, integer, text, jsonb, text, boolean, text, integer, text, integer, text, timestamptz, interval, boolean, text, numeric, jsonb, text) IS
'queues a job of so many replicas of a flavor or of a bare request, or of several task groups that start together; returns its id. In a dedicated pool with nothing ahead of it and enough free it is placed at once. auto_stop: how long a notebook or service runs before it comes to rest; max_retries: how often a job is restarted after a fault of a node, at most 128; mounts: an object, the names of up to 8 file systems by absolute path; volume_gib and volume_type: the volume of a notebook, held and billed until the notebook has ended; task_groups, instead of flavor, request, replicas, min_replicas, node_selector, tolerations, group_level, group_size, spread_level and max_per_domain: an array of 1 to 16 objects with these keys and name. affinity_level: level of the pool''s topology in one domain of which all replicas are to run; if that is not required, else in one of a level above, or in several. group_size: so many replicas at a time in one domain of group_level, by default the affinity level, which then holds for groups alone. spread_level: evenly over its domains, at most max_per_domain in each. depends_on: earlier jobs of the pool, afterok:12,afterany:13?afterany:14, where all between commas must hold and one between question marks; not_before: it does not start before; retry_backoff: how long it waits before its first restart, twice as long before each further one, at most an hour or this; retry_on_failure: it is restarted when it fails by itself, too; max_cost: what a run of it may cost at most, in the currency of the contract, by what quote_job says at submission and when it is resumed. A dedicated pool that is divided wants a sub_pool. The same request_id returns the same job. Members of the tenant, with the right to use public pools or priority 3 where that is asked for (42501); 42704: no such pool, tenant, flavor, workspace, sub-pool, file system, volume type, topology level; 22023: an argument out of its range, no sub-pool named, a dependency of another form or on a job of another pool, more replicas than the flavor allows in a public pool; PM001: no node, or its sub-pool, could ever hold a replica, or the sub-pool min_replicas of them; PM002: the pool is not running or takes no new jobs, a file system is not active; PM003: priority, preemption, sub-pool or mounts in a public pool, job type not enabled, a notebook in a sub-pool whose quotas differ, a file system that the pool''s network does not reach; PM004: request_id used before with other content; PM005: the tenant is frozen; PM007: a quota, or max_cost, would be exceeded; 55000: with max_cost, a price is lacking';
CREATE FUNCTION submit_job(
    pool text, name text, kind job_kind DEFAULT 'training', flavor text DEFAULT NULL,
    request resource_list DEFAULT NULL, replicas integer DEFAULT 1, min_replicas integer DEFAULT NULL,
    tenant text DEFAULT NULL, workspace text DEFAULT NULL, priority integer DEFAULT 1,
    time_limit interval DEFAULT NULL, node_selector jsonb DEFAULT '{}', tolerations jsonb DEFAULT '[]',
    sub_pool text DEFAULT NULL, preemptible boolean DEFAULT false, auto_stop interval DEFAULT NULL,
    max_retries integer DEFAULT 0, mounts jsonb DEFAULT '{}', volume_gib integer DEFAULT NULL,
    volume_type text DEFAULT NULL, task_groups jsonb DEFAULT NULL, affinity_level text DEFAULT NULL,
    affinity_required boolean DEFAULT true, group_level text DEFAULT NULL, group_size integer DEFAULT NULL,
    spread_level text DEFAULT NULL, max_per_domain integer DEFAULT NULL, depends_on text DEFAULT NULL,
    not_before timestamptz DEFAULT NULL, retry_backoff interval DEFAULT NULL,
    retry_on_failure boolean DEFAULT false, reservation text DEFAULT NULL, max_cost numeric DEFAULT NULL,
    tags jsonb DEFAULT '{}', request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_submit_job' LANGUAGE C;
COMMENT ON FUNCTION submit_job(text, text, job_kind, text, resource_list, integer, integer, text, text, integer, interval, jsonb, jsonb, text, boolean, interval, integer, jsonb, integer, text, jsonb, text, boolean, text, integer, text, integer, text, timestamptz, interval, boolean, text, numeric, jsonb, text) IS
'the same, pool, tenant, workspace and sub-pool by name';

CREATE FUNCTION submit_jobs(pool bigint, job_query text, tenant bigint DEFAULT NULL) RETURNS SETOF bigint
    AS 'MODULE_PATHNAME', 'pm_submit_jobs' LANGUAGE C ROWS 1000;
COMMENT ON FUNCTION submit_jobs(bigint, text, bigint) IS
'submits one job for each row of a query, which runs with the caller''s rights; all or none. Columns by name as the arguments of submit_job: name, and where wanted kind, flavor, request, replicas, min_replicas, workspace, priority, time_limit, node_selector, tolerations, sub_pool (by name), preemptible, auto_stop, max_retries, mounts, volume_gib, volume_type, task_groups, affinity_level, affinity_required, group_level, group_size, spread_level, max_per_domain, depends_on, not_before, retry_backoff, retry_on_failure, reservation, max_cost, tags, request_id. Returns the job ids in the order of the rows. 42701: a column twice; 42703: no column name, or an unknown one; else as submit_job, with the number of the row';
CREATE FUNCTION submit_jobs(pool text, job_query text, tenant text DEFAULT NULL) RETURNS SETOF bigint
    AS 'MODULE_PATHNAME', 'pm_submit_jobs' LANGUAGE C ROWS 1000;
COMMENT ON FUNCTION submit_jobs(text, text, text) IS 'the same, pool and tenant by name';

CREATE FUNCTION submit_workflow(
    pool bigint, name text, phases jsonb, tenant bigint DEFAULT NULL, workspace bigint DEFAULT NULL,
    request_id text DEFAULT NULL) RETURNS SETOF bigint
    AS 'MODULE_PATHNAME', 'pm_submit_workflow' LANGUAGE C ROWS 10;
COMMENT ON FUNCTION submit_workflow(bigint, text, jsonb, bigint, bigint, text) IS
'submits jobs of kind workflow that run one after the other; returns their ids, of which the first is the workflow''s. phases: an array of 1 to 100 objects, whose keys are arguments of submit_job: name (the number of the phase by default), flavor, request, replicas, min_replicas, priority, time_limit, node_selector, tolerations, sub_pool (by name), preemptible, max_retries, mounts, task_groups, affinity_level, affinity_required, group_level, group_size, spread_level, max_per_domain, depends_on, not_before, retry_backoff, retry_on_failure, reservation, max_cost, tags. The jobs are named after workflow and phase: train.prepare. A phase waits until the one before has completed, and is cancelled when that cannot be any more. Errors as of submit_job, with the number of the phase, and 22023: not such an array, a key that means nothing, a value of another type; PM004: request_id used before with other content';
CREATE FUNCTION submit_workflow(
    pool text, name text, phases jsonb, tenant text DEFAULT NULL, workspace text DEFAULT NULL,
    request_id text DEFAULT NULL) RETURNS SETOF bigint
    AS 'MODULE_PATHNAME', 'pm_submit_workflow' LANGUAGE C ROWS 10;
COMMENT ON FUNCTION submit_workflow(text, text, jsonb, text, text, text) IS 'the same, pool, tenant and workspace by name';

CREATE FUNCTION start_job(job bigint) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_start_job' LANGUAGE C;
COMMENT ON FUNCTION start_job(bigint) IS
'says that a starting job runs now; metering begins. For agents of pools with launch = agent: operators, or members of the pool''s owner (42501); 42704: no such job; PM002: it is not starting';

CREATE FUNCTION finish_job(job bigint, outcome job_state DEFAULT 'completed', exit_code integer DEFAULT NULL) RETURNS job_state
    AS 'MODULE_PATHNAME', 'pm_finish_job' LANGUAGE C;
COMMENT ON FUNCTION finish_job(bigint, job_state, integer) IS
'ends a running job as completed or failed, a stopping one as it was told to stop; gives back and meters what it held; returns its state: queued or waiting if a node failed under it, or it failed and asks for that, and it is to be restarted. Operators, or members of the pool''s owner (42501); 42704: no such job; PM002: it is not running; 22023: another outcome';

CREATE FUNCTION cancel_job(job bigint) RETURNS job_state
    AS 'MODULE_PATHNAME', 'pm_cancel_job' LANGUAGE C;
COMMENT ON FUNCTION cancel_job(bigint) IS
'cancels a job that waits, rests or runs, with its volume; later phases of its workflow are cancelled too. Returns its state: cancelled, or stopping until its agent says finish_job. Members of the tenant (42501); 42704: no such job; PM002: it has ended or is stopping';

CREATE FUNCTION stop_job(job bigint) RETURNS job_state
    AS 'MODULE_PATHNAME', 'pm_stop_job' LANGUAGE C;
COMMENT ON FUNCTION stop_job(bigint) IS
'brings a notebook or service to rest until resume_job; it gives back what it holds but its volume, which stays and is billed. Returns its state: stopped, or stopping until its agent says finish_job. Members of the tenant (42501); 42704: no such job; PM002: it does not wait or run; PM003: another kind of job';

CREATE FUNCTION resume_job(job bigint) RETURNS job_state
    AS 'MODULE_PATHNAME', 'pm_resume_job' LANGUAGE C;
COMMENT ON FUNCTION resume_job(bigint) IS
'queues a stopped notebook or service again, at the place its submission gives it; in a dedicated pool with nothing ahead of it and enough free it is placed at once. Returns its state. Members of the tenant (42501); 42704: no such job; PM002: it is not stopped, the pool is not running or starts nothing; PM003: another kind of job, or its job type is not enabled any more; PM005: the tenant is frozen; PM007: it would cost more than its max_cost; 55000: with that, a price is lacking';

CREATE FUNCTION scale_job(job bigint, replicas integer) RETURNS integer
    AS 'MODULE_PATHNAME', 'pm_scale_job' LANGUAGE C;
COMMENT ON FUNCTION scale_job(bigint, integer) IS
'changes the number of replicas of a running service to one between the min_replicas and the replicas it was submitted for: gives back the newest ones, or places as many more as fit now, ahead of what is queued. Returns how many it has. Billing follows at once. After a stop or restart it asks for all its replicas again. Members of the tenant (42501); 42704: no such job; 22023: a number out of that range; 54000: scaled on one node more than 32,767 times; PM002: it is not running, or the pool starts nothing; PM003: another kind of job, several task groups, or rules of topology; PM005: the tenant is frozen and it would grow';

CREATE FUNCTION set_priority(job bigint, priority integer) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_set_priority' LANGUAGE C;
COMMENT ON FUNCTION set_priority(bigint, integer) IS
'changes the priority of a job that is queued, held or waiting in a dedicated pool: 1 to 3, larger first. Members of the tenant, with the right to priority 3 for that (42501); 42704: no such job; 22023: another number; PM002: it runs, rests or has ended; PM003: its pool is public';

CREATE FUNCTION requeue_job(job bigint) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_requeue_job' LANGUAGE C;
COMMENT ON FUNCTION requeue_job(bigint) IS
'ends the run of a job at once and puts the job back into the queue, first of its priority, to be restarted; in pools with agents too: their replicas are taken for gone. It counts as one of the job''s restarts. Operators, or members of the pool''s owner (42501); 42704: no such job; PM002: it is not starting or running';

CREATE FUNCTION hold_job(job bigint) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_hold_job' LANGUAGE C;
COMMENT ON FUNCTION hold_job(bigint) IS
'keeps a queued job from starting until release_job. Members of the tenant (42501); 42704: no such job; PM002: it is not queued';

CREATE FUNCTION release_job(job bigint) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_release_job' LANGUAGE C;
COMMENT ON FUNCTION release_job(bigint) IS
'lets a held job queue again, at the place its submission gives it. Members of the tenant (42501); 42704: no such job; PM002: it is not held';

CREATE FUNCTION schedule(pool bigint) RETURNS TABLE (pool_id bigint, job_id bigint, state job_state, at timestamptz)
    AS 'MODULE_PATHNAME', 'pm_schedule_one' LANGUAGE C ROWS 100;
COMMENT ON FUNCTION schedule(bigint) IS
'one scheduling pass: ends runs that are over their time, starts what the pool''s policies let start, lets phases of workflows queue; returns the jobs that it ended, stopped or started. Operators, or members of the pool''s owner (42501); 42704: no such pool; 40001: under REPEATABLE READ, the pool changed since the transaction began';
CREATE FUNCTION schedule(pool text) RETURNS TABLE (pool_id bigint, job_id bigint, state job_state, at timestamptz)
    AS 'MODULE_PATHNAME', 'pm_schedule_one' LANGUAGE C ROWS 100;
COMMENT ON FUNCTION schedule(text) IS 'the same, the pool by name';
CREATE FUNCTION schedule() RETURNS TABLE (pool_id bigint, job_id bigint, state job_state, at timestamptz)
    AS 'MODULE_PATHNAME', 'pm_schedule_all' LANGUAGE C ROWS 100;
COMMENT ON FUNCTION schedule() IS 'one pass over each pool that the role may schedule, in order of pool_id';

CREATE FUNCTION forecast(pool bigint) RETURNS TABLE (job_id bigint, "position" bigint, expected_start timestamptz)
    AS 'MODULE_PATHNAME', 'pm_sql_forecast' LANGUAGE C STABLE ROWS 1000;
COMMENT ON FUNCTION forecast(bigint) IS
'when the queued jobs of a pool will start, if nothing new is submitted and every run lasts as long, of its time limit, as the latest runs of its sub-pool did; in the order of the queue. NULL: it cannot be told, for what is in the way has no time limit, or will never fit. With more than 1,000 jobs queued and running it is not exact. Jobs of other tenants count but are not shown. 42704: no such pool';
CREATE FUNCTION forecast(pool text) RETURNS TABLE (job_id bigint, "position" bigint, expected_start timestamptz)
    AS 'MODULE_PATHNAME', 'pm_sql_forecast' LANGUAGE C STABLE ROWS 1000;
COMMENT ON FUNCTION forecast(text) IS 'the same, the pool by name';

CREATE FUNCTION expected_start(pool bigint, job bigint) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'pm_expected_start' LANGUAGE C STABLE STRICT COST 1000;
COMMENT ON FUNCTION expected_start(bigint, bigint) IS
'that of one job, as forecast has it; a query that asks for many jobs of a pool looks at it once. NULL: it cannot be told, or the job is not queued';

CREATE FUNCTION explain_job(job bigint) RETURNS TABLE (kind text, item text, detail text, count bigint, needed numeric,
        available numeric, job_id bigint, at timestamptz)
    AS 'MODULE_PATHNAME', 'pm_explain_job' LANGUAGE C STABLE ROWS 20;
COMMENT ON FUNCTION explain_job(bigint) IS
'why a job waits, in rows: its state, position and reason; which test so many nodes of its pool fail first; what is in the way; which runs hold what is lacking, by their planned ends; with which changes it would start in the next pass, each tried by one on a copy of the pool; when it is expected to start. Of a job that is not queued one row: its state. Nothing is locked or written. Members of the tenant; 42704: no such job; 22004: NULL';

CREATE FUNCTION queue_order(pool bigint) RETURNS TABLE (job_id bigint, "position" bigint, behind_head boolean)
    AS 'MODULE_PATHNAME', 'pm_queue_order' LANGUAGE C STABLE ROWS 1000;
COMMENT ON FUNCTION queue_order(bigint) IS
'the queued jobs of a pool that the role may see, with the rank in which the next pass would look at each, from 1, and whether a blocked head keeps it from being looked at';

-- money

CREATE FUNCTION set_price(
    sku text, tariff tariff, valid_from timestamptz DEFAULT NULL, tenant bigint DEFAULT NULL,
    currency text DEFAULT NULL, reprice text DEFAULT NULL, minimum_seconds integer DEFAULT NULL,
    quantum_seconds integer DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_set_price' LANGUAGE C;
COMMENT ON FUNCTION set_price(text, tariff, timestamptz, bigint, text, text, integer, integer, text) IS
'puts a price in force from an instant (now by default; cut to the second) until the next later one, or the end of the one in force then, which ends there. Without a tenant it is a list price and needs a currency. A NULL tariff ends a contracted price. With reprice, the reason, it may begin in a past that was charged, or take the place of one that begins at the same instant: the differences are booked. Runs are billed as at least minimum_seconds, in steps of quantum_seconds, each 1 to 86400. Returns its id, or NULL. Operators only (42501); 42710: one begins at that instant already; 55000: the time was charged, and there is no reason; 22023: not the currency of the tenant''s contract, an empty reason, not such seconds, seconds for a SKU that is priced once; 22008: not an instant of the years 1 to 9999; 42704: no such SKU or tenant, nothing to end';
CREATE FUNCTION set_price(
    sku text, tariff tariff, valid_from timestamptz, tenant text, currency text DEFAULT NULL,
    reprice text DEFAULT NULL, minimum_seconds integer DEFAULT NULL,
    quantum_seconds integer DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_set_price' LANGUAGE C;
COMMENT ON FUNCTION set_price(text, tariff, timestamptz, text, text, text, integer, integer, text) IS 'the same, the tenant by name';

CREATE FUNCTION charges(
    tenant bigint, since timestamptz, until timestamptz, cycle interval DEFAULT NULL)
    RETURNS TABLE (tenant_id bigint, tenant_name text, sku text, price_id bigint, cycle_start timestamptz,
        cycle_end timestamptz, quantity numeric, unit text, amount numeric, currency text)
    AS 'MODULE_PATHNAME', 'pm_charges' LANGUAGE C STABLE ROWS 1000;
COMMENT ON FUNCTION charges(bigint, timestamptz, timestamptz, interval) IS
'what was used in [since, until) and what it costs, by SKU, price version and cycle (the contract''s by default: a divisor of 24 hours, a day or a month), exact and unrounded; what is held now counts up to now, minimum and quantum of a run once it has ended: before, nobody knows how long it will have taken, and settle() books no more. A tenant of NULL means all that the role may see. Without a price in force the amount is NULL. 22023: since not before until, not a cycle; 55000: since is before the end of what has been archived; 42704: no such tenant';
CREATE FUNCTION charges(
    tenant text, since timestamptz, until timestamptz, cycle interval DEFAULT NULL)
    RETURNS TABLE (tenant_id bigint, tenant_name text, sku text, price_id bigint, cycle_start timestamptz,
        cycle_end timestamptz, quantity numeric, unit text, amount numeric, currency text)
    AS 'MODULE_PATHNAME', 'pm_charges' LANGUAGE C STABLE ROWS 1000;
COMMENT ON FUNCTION charges(text, timestamptz, timestamptz, interval) IS 'the same, the tenant by name';
