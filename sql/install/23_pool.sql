-- Networks, pools and nodes.

CREATE SEQUENCE network_id_seq;
CREATE TABLE network (
    network_id bigint        NOT NULL DEFAULT nextval('network_id_seq'),
    tenant_id  bigint        NOT NULL,
    name       object_name   NOT NULL,
    cidr       cidr          NOT NULL,
    state      network_state NOT NULL DEFAULT 'active',
    created_at timestamptz   NOT NULL,
    CONSTRAINT network_pkey PRIMARY KEY (network_id),
    CONSTRAINT network_name_key UNIQUE (tenant_id, name),
    CONSTRAINT network_tenant_key UNIQUE (network_id, tenant_id),
    CONSTRAINT network_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT network_cidr_check CHECK (
        cidr <<= '10.0.0.0/8' OR cidr <<= '172.16.0.0/12' OR cidr <<= '192.168.0.0/16' OR cidr <<= 'fc00::/7')
);
COMMENT ON TABLE network IS 'private networks of tenants; many pools may be on one';
COMMENT ON COLUMN network.network_id IS 'identifier';
COMMENT ON COLUMN network.tenant_id IS 'owner';
COMMENT ON COLUMN network.name IS 'name, unique within the tenant';
COMMENT ON COLUMN network.cidr IS 'address range, private, fixed at creation';
COMMENT ON COLUMN network.state IS 'creating, active or abnormal';
COMMENT ON COLUMN network.created_at IS 'when it was made';

CREATE SEQUENCE pool_id_seq;
CREATE TABLE pool (
    pool_id            bigint           NOT NULL DEFAULT nextval('pool_id_seq'),
    name               object_name      NOT NULL,
    kind               pool_kind        NOT NULL,
    tenant_id          bigint           NOT NULL,
    network_id         bigint,
    state              pool_state       NOT NULL DEFAULT 'running',
    queue_policy       queue_policy     NOT NULL DEFAULT 'fifo',
    placement          placement_policy NOT NULL DEFAULT 'pack',
    launch             launch_mode      NOT NULL DEFAULT 'immediate',
    default_time_limit interval,
    stop_timeout       interval         NOT NULL DEFAULT '10 minutes',
    generation         bigint           NOT NULL DEFAULT 0,
    created_at         timestamptz      NOT NULL,
    CONSTRAINT pool_pkey PRIMARY KEY (pool_id),
    CONSTRAINT pool_name_key UNIQUE (name),
    CONSTRAINT pool_owner_key UNIQUE (pool_id, kind, tenant_id),
    CONSTRAINT pool_tenant_key UNIQUE (pool_id, tenant_id),
    CONSTRAINT pool_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT pool_network_fkey FOREIGN KEY (network_id, tenant_id) REFERENCES network (network_id, tenant_id),
    CONSTRAINT pool_owner_check CHECK ((kind = 'public') = (tenant_id = 0)),
    CONSTRAINT pool_network_check CHECK (kind = 'public' OR network_id IS NOT NULL),
    CONSTRAINT pool_default_time_limit_check CHECK (
        default_time_limit > '0' AND default_time_limit <= '100 years' AND
        extract(year FROM default_time_limit) = 0 AND extract(month FROM default_time_limit) = 0 AND extract(day FROM default_time_limit) = 0),
    CONSTRAINT pool_stop_timeout_check CHECK (
        stop_timeout > '0' AND stop_timeout <= '100 years' AND
        extract(year FROM stop_timeout) = 0 AND extract(month FROM stop_timeout) = 0 AND extract(day FROM stop_timeout) = 0)
);
COMMENT ON TABLE pool IS 'resource pools: nodes under one queue';
COMMENT ON COLUMN pool.pool_id IS 'identifier';
COMMENT ON COLUMN pool.name IS 'unique name';
COMMENT ON COLUMN pool.kind IS 'public or dedicated';
COMMENT ON COLUMN pool.tenant_id IS 'owner: 0, the provider, of a public pool';
COMMENT ON COLUMN pool.network_id IS 'network of the nodes, its owner''s; a dedicated pool has one';
COMMENT ON COLUMN pool.state IS 'only a running pool takes jobs';
COMMENT ON COLUMN pool.queue_policy IS 'what a job that does not fit does to those behind it';
COMMENT ON COLUMN pool.placement IS 'which node a replica goes to';
COMMENT ON COLUMN pool.launch IS 'do placed jobs run at once, or when an agent says so?';
COMMENT ON COLUMN pool.default_time_limit IS 'time limit of jobs that state none, in hours and less; NULL: none';
COMMENT ON COLUMN pool.stop_timeout IS 'how long a stopping job may hold its resources before a pass takes them back, in hours and less';
COMMENT ON COLUMN pool.generation IS 'counts changes of the node groups, for what was checked against them';
COMMENT ON COLUMN pool.created_at IS 'when it was made';

CREATE TABLE pool_clock (
    pool_id      bigint      NOT NULL,
    last_instant timestamptz NOT NULL,
    CONSTRAINT pool_clock_pkey PRIMARY KEY (pool_id),
    CONSTRAINT pool_clock_pool_fkey FOREIGN KEY (pool_id) REFERENCES pool
) WITH (fillfactor = 20);
COMMENT ON TABLE pool_clock IS
'the lock of each pool: who updates the row owns the pool until the end of the transaction. No foreign key may refer to it';
COMMENT ON COLUMN pool_clock.pool_id IS 'pool';
COMMENT ON COLUMN pool_clock.last_instant IS 'instant of the last change under the lock; never goes back';

CREATE TABLE pool_job_type (
    pool_id bigint         NOT NULL,
    kind    job_kind       NOT NULL,
    state   job_type_state NOT NULL DEFAULT 'enabled',
    CONSTRAINT pool_job_type_pkey PRIMARY KEY (pool_id, kind),
    CONSTRAINT pool_job_type_pool_fkey FOREIGN KEY (pool_id) REFERENCES pool
);
COMMENT ON TABLE pool_job_type IS 'job types of a pool; a type without a row is not enabled';
COMMENT ON COLUMN pool_job_type.pool_id IS 'pool';
COMMENT ON COLUMN pool_job_type.kind IS 'job type';
COMMENT ON COLUMN pool_job_type.state IS 'only enabled accepts jobs';

CREATE SEQUENCE sub_pool_id_seq;
CREATE TABLE sub_pool (
    pool_id     bigint      NOT NULL,
    sub_pool_id bigint      NOT NULL DEFAULT nextval('sub_pool_id_seq'),
    tenant_id   bigint      NOT NULL,
    pool_kind   pool_kind   NOT NULL,
    owner_id    bigint      NOT NULL,
    blocked_by  bigint,
    CONSTRAINT sub_pool_pkey PRIMARY KEY (pool_id, sub_pool_id),
    CONSTRAINT sub_pool_job_key UNIQUE (pool_id, sub_pool_id, tenant_id, pool_kind),
    CONSTRAINT sub_pool_tenant_key UNIQUE (pool_id, tenant_id),
    CONSTRAINT sub_pool_pool_fkey FOREIGN KEY (pool_id, pool_kind, owner_id) REFERENCES pool (pool_id, kind, tenant_id),
    CONSTRAINT sub_pool_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT sub_pool_owner_check CHECK (pool_kind = 'public' OR tenant_id = owner_id),
    CONSTRAINT sub_pool_tenant_check CHECK (tenant_id <> 0)
);
COMMENT ON TABLE sub_pool IS
'shares of a pool, each one queue: one per tenant in a public pool, the owner''s in a dedicated one';
COMMENT ON COLUMN sub_pool.pool_id IS 'pool';
COMMENT ON COLUMN sub_pool.sub_pool_id IS 'identifier';
COMMENT ON COLUMN sub_pool.tenant_id IS 'whose jobs it queues';
COMMENT ON COLUMN sub_pool.pool_kind IS 'kind of the pool, for constraints';
COMMENT ON COLUMN sub_pool.owner_id IS 'owner of the pool, for constraints';
COMMENT ON COLUMN sub_pool.blocked_by IS 'job at its head that the last pass could not start, where that blocks the queue';

CREATE TABLE node_group (
    pool_id          bigint           NOT NULL,
    flavor_id        bigint           NOT NULL,
    group_no         smallint         NOT NULL,
    cpu_architecture cpu_architecture NOT NULL,
    target_count     integer          NOT NULL,
    CONSTRAINT node_group_pkey PRIMARY KEY (pool_id, flavor_id),
    CONSTRAINT node_group_no_key UNIQUE (pool_id, group_no),
    CONSTRAINT node_group_pool_fkey FOREIGN KEY (pool_id) REFERENCES pool,
    CONSTRAINT node_group_flavor_fkey FOREIGN KEY (flavor_id, cpu_architecture) REFERENCES flavor (flavor_id, cpu_architecture),
    CONSTRAINT node_group_no_check CHECK (group_no BETWEEN 1 AND 10),
    CONSTRAINT node_group_count_check CHECK (target_count >= 0),
    CONSTRAINT node_group_architecture_excl EXCLUDE USING gist (pool_id WITH =, cpu_architecture WITH <>)
);
COMMENT ON TABLE node_group IS 'the nodes of one flavor in a pool; 1 to 10 a pool, all of one processor architecture';
COMMENT ON COLUMN node_group.pool_id IS 'pool';
COMMENT ON COLUMN node_group.flavor_id IS 'flavor of its nodes';
COMMENT ON COLUMN node_group.group_no IS 'number within the pool, 1 to 10';
COMMENT ON COLUMN node_group.cpu_architecture IS 'that of the flavor, for constraints';
COMMENT ON COLUMN node_group.target_count IS 'how many nodes it should have';

CREATE SEQUENCE node_id_seq;
CREATE TABLE node (
    pool_id     bigint      NOT NULL,
    node_id     bigint      NOT NULL DEFAULT nextval('node_id_seq'),
    flavor_id   bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    name        object_name NOT NULL,
    state       node_state  NOT NULL DEFAULT 'available',
    schedulable boolean     NOT NULL DEFAULT true,
    labels      jsonb       NOT NULL DEFAULT '{}',
    taints      jsonb       NOT NULL DEFAULT '[]',
    created_at  timestamptz NOT NULL,
    CONSTRAINT node_pkey PRIMARY KEY (pool_id, node_id),
    CONSTRAINT node_id_key UNIQUE (node_id),
    CONSTRAINT node_name_key UNIQUE (pool_id, name),
    CONSTRAINT node_group_fkey FOREIGN KEY (pool_id, flavor_id) REFERENCES node_group,
    CONSTRAINT node_pool_fkey FOREIGN KEY (pool_id, tenant_id) REFERENCES pool (pool_id, tenant_id),
    -- strict: the other mode would look into arrays where a string should be
    CONSTRAINT node_labels_check CHECK (
        jsonb_typeof(labels) = 'object' AND NOT jsonb_path_exists(labels, 'strict $.* ? (@.type() != "string")')),
    CONSTRAINT node_taints_check CHECK (
        jsonb_typeof(taints) = 'array' AND NOT jsonb_path_exists(taints, 'strict $[*] ? (@.type() != "object" ||
            exists (@.keyvalue() ? (@.value.type() != "string")) || !exists (@.keyvalue() ? (@.key == "key")))'))
);
COMMENT ON TABLE node IS 'machines; each belongs to exactly one pool. In order of node_id they were created';
COMMENT ON COLUMN node.pool_id IS 'pool';
COMMENT ON COLUMN node.node_id IS 'identifier';
COMMENT ON COLUMN node.flavor_id IS 'flavor: its node group in the pool';
COMMENT ON COLUMN node.tenant_id IS 'owner of the pool';
COMMENT ON COLUMN node.name IS 'name, unique within the pool';
COMMENT ON COLUMN node.state IS 'only an available node takes replicas';
COMMENT ON COLUMN node.schedulable IS 'false: takes no new replicas';
COMMENT ON COLUMN node.labels IS 'object of strings, matched by node selectors';
COMMENT ON COLUMN node.taints IS 'array of {"key", "value", "effect"}; keeps away jobs that do not tolerate each. Effect PreferNoSchedule keeps nothing away';
COMMENT ON COLUMN node.created_at IS 'when it was added';

CREATE TABLE node_load (
    pool_id     bigint        NOT NULL,
    node_id     bigint        NOT NULL,
    allocatable resource_list NOT NULL,
    allocated   resource_list NOT NULL DEFAULT '',
    accelerator text,
    devices     integer[]     NOT NULL DEFAULT '{}',
    CONSTRAINT node_load_pkey PRIMARY KEY (pool_id, node_id),
    CONSTRAINT node_load_node_fkey FOREIGN KEY (pool_id, node_id) REFERENCES node,
    CONSTRAINT node_load_allocated_check CHECK (allocated <@ allocatable AND allocated @> ''),
    CONSTRAINT node_load_devices_check CHECK (0 <= ALL (devices) AND 1000 >= ALL (devices)),
    CONSTRAINT node_load_accelerator_check CHECK (
        CASE WHEN accelerator IS NULL THEN devices = '{}'
             ELSE cardinality(devices) = quantity(allocatable, accelerator)
                  AND device_total(devices) = 1000 * quantity(allocated, accelerator) END)
) WITH (fillfactor = 50);
COMMENT ON TABLE node_load IS 'what is allocated on each node, of what can be';
COMMENT ON COLUMN node_load.pool_id IS 'pool';
COMMENT ON COLUMN node_load.node_id IS 'node';
COMMENT ON COLUMN node_load.allocatable IS 'what jobs may use of the node';
COMMENT ON COLUMN node_load.allocated IS 'sum of its live allocations; never more than allocatable';
COMMENT ON COLUMN node_load.accelerator IS 'the resource that is tracked device by device';
COMMENT ON COLUMN node_load.devices IS 'thousandths allocated of each device, from device 0; none above 1000';

SELECT pg_catalog.pg_extension_config_dump('network_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('network', '');
SELECT pg_catalog.pg_extension_config_dump('pool_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('pool', '');
SELECT pg_catalog.pg_extension_config_dump('pool_clock', '');
SELECT pg_catalog.pg_extension_config_dump('pool_job_type', '');
SELECT pg_catalog.pg_extension_config_dump('sub_pool_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('sub_pool', '');
SELECT pg_catalog.pg_extension_config_dump('node_group', '');
SELECT pg_catalog.pg_extension_config_dump('node_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('node', '');
SELECT pg_catalog.pg_extension_config_dump('node_load', '');
