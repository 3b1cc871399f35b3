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
'makes an account with its default workspace and its contract; returns its id. Operators only (42501); 42710: the name is taken; 22023: unknown time zone or cycle, currency not of the form of an ISO 4217 code';

CREATE FUNCTION create_workspace(tenant bigint, name text, request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_workspace' LANGUAGE C;
COMMENT ON FUNCTION create_workspace(bigint, text, text) IS
'makes a cost centre of a tenant; returns its id. Owners of the tenant (42501); 42710: the name is taken';
CREATE FUNCTION create_workspace(tenant text, name text, request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_workspace' LANGUAGE C;
COMMENT ON FUNCTION create_workspace(text, text, text) IS 'the same, the tenant by name';

CREATE FUNCTION grant_tenant(tenant bigint, role name, level member_level DEFAULT 'member') RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_grant_tenant' LANGUAGE C;
COMMENT ON FUNCTION grant_tenant(bigint, name, member_level) IS
'lets a database role, and its members, act for a tenant as viewer, member or owner; replaces an earlier grant. Owners of the tenant (42501); 42704: no such role';
CREATE FUNCTION grant_tenant(tenant text, role name, level member_level DEFAULT 'member') RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_grant_tenant' LANGUAGE C;
COMMENT ON FUNCTION grant_tenant(text, name, member_level) IS 'the same, the tenant by name';

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
    cpu_architecture cpu_architecture DEFAULT 'x86', request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_flavor' LANGUAGE C;
COMMENT ON FUNCTION create_flavor(text, resource_list, text, text, cpu_architecture, text) IS
'makes a named specification of a node or replica; returns its id. accelerator names the resource that is tracked device by device. Operators only (42501); 42710: the name is taken; 22023: no or negative resources, the accelerator is not 1 to 1024 whole devices, the SKU is priced once; 42704: no such SKU';

CREATE FUNCTION set_resource_sku(flavor text, unit resource_list, sku text) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_set_resource_sku' LANGUAGE C;
COMMENT ON FUNCTION set_resource_sku(text, resource_list, text) IS
'what a resource of a flavor''s nodes is billed as when a job asks for it without a flavor: unit is how much of it is one unit of the SKU (memory=1Gi); a NULL SKU lists it as free. Operators only (42501); 42704: no such flavor or SKU; 22023: unit names more than one resource, or a node would be more than 1,000,000 units or a negative amount, the SKU is priced once';

-- networks, pools, nodes

CREATE FUNCTION create_network(name text, cidr cidr, tenant bigint, request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_network' LANGUAGE C;
COMMENT ON FUNCTION create_network(text, cidr, bigint, text) IS
'makes a private network of a tenant; returns its id. The range is fixed. Owners of the tenant (42501); 42710: the name is taken; 22023: the range is not private';
CREATE FUNCTION create_network(name text, cidr cidr, tenant text, request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_network' LANGUAGE C;
COMMENT ON FUNCTION create_network(text, cidr, text, text) IS 'the same, the tenant by name';

CREATE FUNCTION create_pool(
    name text, kind pool_kind, tenant bigint DEFAULT NULL, network bigint DEFAULT NULL,
    job_types job_kind[] DEFAULT '{training,inference,notebook,workflow}',
    queue_policy queue_policy DEFAULT 'fifo', placement placement_policy DEFAULT 'pack',
    launch launch_mode DEFAULT 'immediate', default_time_limit interval DEFAULT NULL,
    stop_timeout interval DEFAULT '10 minutes', request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_pool' LANGUAGE C;
COMMENT ON FUNCTION create_pool(text, pool_kind, bigint, bigint, job_kind[], queue_policy, placement_policy, launch_mode, interval, interval, text) IS
'makes a resource pool without nodes; returns its id. A dedicated pool needs tenant and network, a public one has neither. Operators, or owners of the tenant (42501); 22023: tenant or network missing or too many, a time limit that is not positive or beyond 100 years (a day counts 24 hours, a month 30 days); 22004: a job type is NULL; 42710: the name is taken';
CREATE FUNCTION create_pool(
    name text, kind pool_kind, tenant text, network text DEFAULT NULL,
    job_types job_kind[] DEFAULT '{training,inference,notebook,workflow}',
    queue_policy queue_policy DEFAULT 'fifo', placement placement_policy DEFAULT 'pack',
    launch launch_mode DEFAULT 'immediate', default_time_limit interval DEFAULT NULL,
    stop_timeout interval DEFAULT '10 minutes', request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_create_pool' LANGUAGE C;
COMMENT ON FUNCTION create_pool(text, pool_kind, text, text, job_kind[], queue_policy, placement_policy, launch_mode, interval, interval, text) IS
'the same, tenant and network by name';

CREATE FUNCTION add_nodes(
    pool bigint, flavor text, count integer DEFAULT 1, name_prefix text DEFAULT NULL,
    labels jsonb DEFAULT '{}', taints jsonb DEFAULT '[]',
    request_id text DEFAULT NULL) RETURNS SETOF bigint
    AS 'MODULE_PATHNAME', 'pm_sql_add_nodes' LANGUAGE C;
COMMENT ON FUNCTION add_nodes(bigint, text, integer, text, jsonb, jsonb, text) IS
'adds 1 to 100,000 available nodes of a flavor, named prefix-id (the flavor''s name by default); returns their ids. Nodes of a dedicated pool are billed from now on. Owners of the pool (42501); 42704: no such flavor; 55000: the flavor, or a resource of it in a public pool, has no SKU, or it has another processor architecture than the pool; 54000: an eleventh flavor; 22023: labels or taints of another form, a prefix of more than 108 characters';
CREATE FUNCTION add_nodes(
    pool text, flavor text, count integer DEFAULT 1, name_prefix text DEFAULT NULL,
    labels jsonb DEFAULT '{}', taints jsonb DEFAULT '[]',
    request_id text DEFAULT NULL) RETURNS SETOF bigint
    AS 'MODULE_PATHNAME', 'pm_sql_add_nodes' LANGUAGE C;
COMMENT ON FUNCTION add_nodes(text, text, integer, text, jsonb, jsonb, text) IS 'the same, the pool by name';

-- jobs

CREATE FUNCTION submit_job(
    pool bigint, name text, kind job_kind DEFAULT 'training', flavor text DEFAULT NULL,
    request resource_list DEFAULT NULL, replicas integer DEFAULT 1, min_replicas integer DEFAULT NULL,
    tenant bigint DEFAULT NULL, workspace bigint DEFAULT NULL, priority integer DEFAULT 1,
    time_limit interval DEFAULT NULL, node_selector jsonb DEFAULT '{}', tolerations jsonb DEFAULT '[]',
    request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_submit_job' LANGUAGE C;
COMMENT ON FUNCTION submit_job(bigint, text, job_kind, text, resource_list, integer, integer, bigint, bigint, integer, interval, jsonb, jsonb, text) IS
'queues a job of so many replicas of a flavor or of a bare request; returns its id. In a dedicated pool with nothing ahead of it and enough free it is placed at once. The same request_id returns the same job. Members of the tenant (42501); 42704: no such pool, tenant, flavor, workspace; 22023: an argument out of its range; PM001: no node could ever hold a replica; PM002: the pool is not running; PM003: priority in a public pool, job type not enabled; PM004: request_id used before with other content';
CREATE FUNCTION submit_job(
    pool text, name text, kind job_kind DEFAULT 'training', flavor text DEFAULT NULL,
    request resource_list DEFAULT NULL, replicas integer DEFAULT 1, min_replicas integer DEFAULT NULL,
    tenant text DEFAULT NULL, workspace text DEFAULT NULL, priority integer DEFAULT 1,
    time_limit interval DEFAULT NULL, node_selector jsonb DEFAULT '{}', tolerations jsonb DEFAULT '[]',
    request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_submit_job' LANGUAGE C;
COMMENT ON FUNCTION submit_job(text, text, job_kind, text, resource_list, integer, integer, text, text, integer, interval, jsonb, jsonb, text) IS
'the same, pool, tenant and workspace by name';

CREATE FUNCTION submit_jobs(pool bigint, job_query text, tenant bigint DEFAULT NULL) RETURNS SETOF bigint
    AS 'MODULE_PATHNAME', 'pm_submit_jobs' LANGUAGE C ROWS 1000;
COMMENT ON FUNCTION submit_jobs(bigint, text, bigint) IS
'submits one job for each row of a query, which runs with the caller''s rights; all or none. Columns by name as the arguments of submit_job: name, and where wanted kind, flavor, request, replicas, min_replicas, workspace, priority, time_limit, node_selector, tolerations, request_id. Returns the job ids in the order of the rows. 42701: a column twice; 42703: no column name, or an unknown one; else as submit_job, with the number of the row';
CREATE FUNCTION submit_jobs(pool text, job_query text, tenant text DEFAULT NULL) RETURNS SETOF bigint
    AS 'MODULE_PATHNAME', 'pm_submit_jobs' LANGUAGE C ROWS 1000;
COMMENT ON FUNCTION submit_jobs(text, text, text) IS 'the same, pool and tenant by name';

CREATE FUNCTION start_job(job bigint) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_start_job' LANGUAGE C;
COMMENT ON FUNCTION start_job(bigint) IS
'says that a starting job runs now; metering begins. For agents of pools with launch = agent: operators, or members of the pool''s owner (42501); 42704: no such job; PM002: it is not starting';

CREATE FUNCTION finish_job(job bigint, outcome job_state DEFAULT 'completed', exit_code integer DEFAULT NULL) RETURNS job_state
    AS 'MODULE_PATHNAME', 'pm_finish_job' LANGUAGE C;
COMMENT ON FUNCTION finish_job(bigint, job_state, integer) IS
'ends a running job as completed or failed, a stopping one as it was told to stop; gives back and meters what it held; returns its state. Operators, or members of the pool''s owner (42501); 42704: no such job; PM002: it is not running; 22023: another outcome';

CREATE FUNCTION cancel_job(job bigint) RETURNS job_state
    AS 'MODULE_PATHNAME', 'pm_cancel_job' LANGUAGE C;
COMMENT ON FUNCTION cancel_job(bigint) IS
'cancels a job that waits or runs; returns its state: cancelled, or stopping until its agent says finish_job. Members of the tenant (42501); 42704: no such job; PM002: it has ended or is stopping';

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
'one scheduling pass: ends runs that are over their time, starts what the pool''s policies let start; returns the jobs whose state changed. Operators, or members of the pool''s owner (42501); 42704: no such pool; 40001: under REPEATABLE READ, the pool changed since the transaction began';
CREATE FUNCTION schedule(pool text) RETURNS TABLE (pool_id bigint, job_id bigint, state job_state, at timestamptz)
    AS 'MODULE_PATHNAME', 'pm_schedule_one' LANGUAGE C ROWS 100;
COMMENT ON FUNCTION schedule(text) IS 'the same, the pool by name';
CREATE FUNCTION schedule() RETURNS TABLE (pool_id bigint, job_id bigint, state job_state, at timestamptz)
    AS 'MODULE_PATHNAME', 'pm_schedule_all' LANGUAGE C ROWS 100;
COMMENT ON FUNCTION schedule() IS 'one pass over each pool that the role may schedule, in order of pool_id';

CREATE FUNCTION queue_order(pool bigint) RETURNS TABLE (job_id bigint, "position" bigint, behind_head boolean)
    AS 'MODULE_PATHNAME', 'pm_queue_order' LANGUAGE C STABLE ROWS 1000;
COMMENT ON FUNCTION queue_order(bigint) IS
'the queued jobs of a pool that the role may see, with the rank in which the next pass would look at each, from 1, and whether a blocked head keeps it from being looked at';

-- money

CREATE FUNCTION set_price(
    sku text, tariff tariff, valid_from timestamptz DEFAULT NULL, tenant bigint DEFAULT NULL,
    currency text DEFAULT NULL, request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_set_price' LANGUAGE C;
COMMENT ON FUNCTION set_price(text, tariff, timestamptz, bigint, text, text) IS
'puts a price in force from an instant (now by default; cut to the second) until the next later one; the one in force before ends there. Without a tenant it is a list price and needs a currency. A NULL tariff ends a contracted price. Returns its id, or NULL. Operators only (42501); 42710: one begins at that instant already; 22023: not the currency of the tenant''s contract; 42704: no such SKU or tenant, nothing to end';
CREATE FUNCTION set_price(
    sku text, tariff tariff, valid_from timestamptz, tenant text, currency text DEFAULT NULL,
    request_id text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_set_price' LANGUAGE C;
COMMENT ON FUNCTION set_price(text, tariff, timestamptz, text, text, text) IS 'the same, the tenant by name';

CREATE FUNCTION charges(
    tenant bigint, since timestamptz, until timestamptz, cycle interval DEFAULT NULL)
    RETURNS TABLE (tenant_id bigint, tenant_name text, sku text, price_id bigint, cycle_start timestamptz,
        cycle_end timestamptz, quantity numeric, unit text, amount numeric, currency text)
    AS 'MODULE_PATHNAME', 'pm_charges' LANGUAGE C STABLE ROWS 1000;
COMMENT ON FUNCTION charges(bigint, timestamptz, timestamptz, interval) IS
'what was used in [since, until) and what it costs, by SKU, price version and cycle (the contract''s by default: a divisor of 24 hours, a day or a month), exact and unrounded; what is held now counts up to now. A tenant of NULL means all that the role may see. Without a price in force the amount is NULL. 22023: since not before until, not a cycle; 42704: no such tenant';
CREATE FUNCTION charges(
    tenant text, since timestamptz, until timestamptz, cycle interval DEFAULT NULL)
    RETURNS TABLE (tenant_id bigint, tenant_name text, sku text, price_id bigint, cycle_start timestamptz,
        cycle_end timestamptz, quantity numeric, unit text, amount numeric, currency text)
    AS 'MODULE_PATHNAME', 'pm_charges' LANGUAGE C STABLE ROWS 1000;
COMMENT ON FUNCTION charges(text, timestamptz, timestamptz, interval) IS 'the same, the tenant by name';
