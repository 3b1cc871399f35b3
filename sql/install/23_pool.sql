-- Pools, their shares, and nodes.

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
    reservations       integer          NOT NULL DEFAULT 1,
    backfill_order     job_order        NOT NULL DEFAULT 'priority',
    step_timeout       interval         NOT NULL DEFAULT '30 minutes',
    launch             launch_mode      NOT NULL DEFAULT 'immediate',
    default_time_limit interval,
    stop_timeout       interval         NOT NULL DEFAULT '10 minutes',
    restart_timeout    interval         NOT NULL DEFAULT '30 minutes',
    provider           provider_mode    NOT NULL DEFAULT 'instant',
    workspace_id       bigint,
    unified            boolean          NOT NULL DEFAULT true,
    migrating          boolean          NOT NULL DEFAULT false,
    restrictions       pool_restriction[] NOT NULL DEFAULT '{}',
    container_network  container_network NOT NULL DEFAULT 'overlay',
    driver             text,
    description        text,
    tags               tag_set          NOT NULL DEFAULT '{}',
    topology_levels    level_list       NOT NULL DEFAULT '{}',
    generation         bigint           NOT NULL DEFAULT 0,
    preemption         preemption_policy NOT NULL DEFAULT 'lower_priority',
    reclaim            reclaim_policy   NOT NULL DEFAULT 'any',
    min_runtime        interval         NOT NULL DEFAULT '0',
    preemption_delay   interval         NOT NULL DEFAULT '0',
    created_at         timestamptz      NOT NULL,
    deleted_at         timestamptz,
    job_order          job_order        NOT NULL DEFAULT 'priority',
    age_weight         integer          NOT NULL DEFAULT 0,
    fair_weight        integer          NOT NULL DEFAULT 0,
    size_weight        integer          NOT NULL DEFAULT 0,
    size_order         size_order       NOT NULL DEFAULT 'large',
    max_age            interval         NOT NULL DEFAULT '168:00:00',
    half_life          interval         DEFAULT '168:00:00',
    fair_since         timestamptz,
    CONSTRAINT pool_pkey PRIMARY KEY (pool_id),
    CONSTRAINT pool_owner_key UNIQUE (pool_id, kind, tenant_id),
    CONSTRAINT pool_tenant_key UNIQUE (pool_id, tenant_id),
    CONSTRAINT pool_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT pool_network_fkey FOREIGN KEY (network_id, tenant_id) REFERENCES network (network_id, tenant_id),
    CONSTRAINT pool_owner_check CHECK ((kind = 'public') = (tenant_id = 0)),
    CONSTRAINT pool_workspace_fkey FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspace,
    CONSTRAINT pool_network_check CHECK (
        CASE WHEN kind = 'public' THEN network_id IS NULL ELSE network_id IS NOT NULL OR deleted_at IS NOT NULL END),
    CONSTRAINT pool_workspace_check CHECK ((kind = 'public') = (workspace_id IS NULL)),
    CONSTRAINT pool_public_check CHECK (
        kind = 'dedicated' OR (unified AND driver IS NULL AND container_network = 'overlay')),
    CONSTRAINT pool_migrating_check CHECK (NOT migrating OR NOT unified),
    CONSTRAINT pool_description_check CHECK (length(description) <= 1024),
    CONSTRAINT pool_deleted_check CHECK (deleted_at IS NULL OR (state = 'deleting' AND deleted_at >= created_at)),
    CONSTRAINT pool_default_time_limit_check CHECK (
        default_time_limit > '0' AND default_time_limit <= '100 years' AND
        extract(year FROM default_time_limit) = 0 AND extract(month FROM default_time_limit) = 0 AND extract(day FROM default_time_limit) = 0),
    CONSTRAINT pool_reservations_check CHECK (reservations BETWEEN 0 AND 10000),
    CONSTRAINT pool_step_timeout_check CHECK (
        step_timeout > '0' AND step_timeout <= '100 years' AND
        extract(year FROM step_timeout) = 0 AND extract(month FROM step_timeout) = 0 AND extract(day FROM step_timeout) = 0),
    CONSTRAINT pool_stop_timeout_check CHECK (
        stop_timeout > '0' AND stop_timeout <= '100 years' AND
        extract(year FROM stop_timeout) = 0 AND extract(month FROM stop_timeout) = 0 AND extract(day FROM stop_timeout) = 0),
    CONSTRAINT pool_preemption_check CHECK (
        min_runtime >= '0' AND min_runtime <= '100 years' AND preemption_delay >= '0' AND preemption_delay <= '100 years' AND
        extract(year FROM min_runtime) = 0 AND extract(month FROM min_runtime) = 0 AND extract(day FROM min_runtime) = 0 AND
        extract(year FROM preemption_delay) = 0 AND extract(month FROM preemption_delay) = 0 AND extract(day FROM preemption_delay) = 0),
    CONSTRAINT pool_restart_timeout_check CHECK (
        restart_timeout > '0' AND restart_timeout <= '100 years' AND
        extract(year FROM restart_timeout) = 0 AND extract(month FROM restart_timeout) = 0 AND extract(day FROM restart_timeout) = 0),
    CONSTRAINT pool_weights_check CHECK (
        age_weight BETWEEN 0 AND 1000000 AND fair_weight BETWEEN 0 AND 1000000 AND size_weight BETWEEN 0 AND 1000000),
    CONSTRAINT pool_fair_since_check CHECK ((fair_weight > 0) = (fair_since IS NOT NULL)),
    CONSTRAINT pool_max_age_check CHECK (
        max_age > '0' AND max_age <= '100 years' AND
        extract(year FROM max_age) = 0 AND extract(month FROM max_age) = 0 AND extract(day FROM max_age) = 0),
    CONSTRAINT pool_half_life_check CHECK (
        half_life > '0' AND half_life <= '100 years' AND
        extract(year FROM half_life) = 0 AND extract(month FROM half_life) = 0 AND extract(day FROM half_life) = 0)
);
CREATE UNIQUE INDEX pool_name_key ON pool (name) WHERE deleted_at IS NULL;
CREATE INDEX pool_tenant_idx ON pool (tenant_id);
CREATE INDEX pool_network_idx ON pool (network_id) WHERE network_id IS NOT NULL;
COMMENT ON TABLE pool IS 'resource pools: nodes under one queue';
COMMENT ON COLUMN pool.pool_id IS 'identifier';
COMMENT ON COLUMN pool.name IS 'name, unique among the pools that are not deleted';
COMMENT ON COLUMN pool.kind IS 'public or dedicated';
COMMENT ON COLUMN pool.tenant_id IS 'owner: 0, the provider, of a public pool';
COMMENT ON COLUMN pool.network_id IS 'network of the nodes, its owner''s; a dedicated pool has one';
COMMENT ON COLUMN pool.state IS 'only a running pool takes jobs';
COMMENT ON COLUMN pool.queue_policy IS 'what a job that does not fit does to those behind it';
COMMENT ON COLUMN pool.placement IS 'which node a replica goes to';
COMMENT ON COLUMN pool.reservations IS 'backfill: how many blocked jobs are given a time; 0: all';
COMMENT ON COLUMN pool.backfill_order IS 'backfill: what comes first among the jobs behind those that were given a time';
COMMENT ON COLUMN pool.step_timeout IS 'stepped and tiered: how long something is withheld for a blocked job, in hours and less';
COMMENT ON COLUMN pool.launch IS 'do placed jobs run at once, or when an agent says so?';
COMMENT ON COLUMN pool.default_time_limit IS 'time limit of jobs that state none, in hours and less; NULL: none';
COMMENT ON COLUMN pool.stop_timeout IS 'how long a stopping job may hold its resources before a pass takes them back, in hours and less';
COMMENT ON COLUMN pool.restart_timeout IS 'how long a job that was restarted after a fault may wait for resources before it fails, in hours and less';
COMMENT ON COLUMN pool.provider IS 'who carries out what is ordered';
COMMENT ON COLUMN pool.workspace_id IS 'cost centre of its nodes; none of a public pool';
COMMENT ON COLUMN pool.unified IS 'true: takes any set of job types; false: the old, single-purpose kind, until migrate_pool';
COMMENT ON COLUMN pool.migrating IS 'a single-purpose pool is being made a unified one; no resize and no deletion meanwhile';
COMMENT ON COLUMN pool.restrictions IS 'what the provider has forbidden';
COMMENT ON COLUMN pool.container_network IS 'do replicas have addresses of the network?';
COMMENT ON COLUMN pool.driver IS 'version of the accelerator driver that its nodes should have; NULL: that of their image';
COMMENT ON COLUMN pool.description IS 'for people';
COMMENT ON COLUMN pool.tags IS 'tags, by which costs are grouped';
COMMENT ON COLUMN pool.deleted_at IS 'when it was deleted; the row stays for what refers to it. NULL: it is there';
COMMENT ON COLUMN pool.topology_levels IS 'levels of the topology of its nodes, the widest first; level node, below them, is not listed';
COMMENT ON COLUMN pool.generation IS 'counts changes of the node groups, for what was checked against them';
COMMENT ON COLUMN pool.preemption IS 'which preemptible runs give way to a job that finds no room';
COMMENT ON COLUMN pool.reclaim IS 'which preemptible runs of sub-pools over their guarantee give way to a job within that of its own';
COMMENT ON COLUMN pool.min_runtime IS 'for how long from its placement a run gives way to nobody, in hours and less';
COMMENT ON COLUMN pool.preemption_delay IS 'how long after its submission a job may have others give way, in hours and less';
COMMENT ON COLUMN pool.created_at IS 'when it was made';
COMMENT ON COLUMN pool.job_order IS 'what comes first among jobs of one priority';
COMMENT ON COLUMN pool.age_weight IS 'weight of a job''s age in its score; 0: it counts for nothing';
COMMENT ON COLUMN pool.fair_weight IS 'weight of the fair share of its workspace';
COMMENT ON COLUMN pool.size_weight IS 'weight of what it asks for';
COMMENT ON COLUMN pool.size_order IS 'which size raises the score';
COMMENT ON COLUMN pool.max_age IS 'waiting so long is the age 1, in hours and less';
COMMENT ON COLUMN pool.half_life IS 'after so long half of a usage is forgotten, in hours and less; NULL: nothing ever is';
COMMENT ON COLUMN pool.fair_since IS 'since when usage is counted; NULL: fair_weight is 0, and it is not';

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
    reason  text,
    CONSTRAINT pool_job_type_pkey PRIMARY KEY (pool_id, kind),
    CONSTRAINT pool_job_type_pool_fkey FOREIGN KEY (pool_id) REFERENCES pool
);
COMMENT ON TABLE pool_job_type IS 'job types of a pool; a type without a row is not enabled';
COMMENT ON COLUMN pool_job_type.pool_id IS 'pool';
COMMENT ON COLUMN pool_job_type.kind IS 'job type';
COMMENT ON COLUMN pool_job_type.state IS 'only enabled accepts jobs';
COMMENT ON COLUMN pool_job_type.reason IS 'why enabling it failed';

CREATE SEQUENCE sub_pool_id_seq;
CREATE TABLE sub_pool (
    pool_id     bigint      NOT NULL,
    sub_pool_id bigint      NOT NULL DEFAULT nextval('sub_pool_id_seq'),
    tenant_id   bigint      NOT NULL,
    pool_kind   pool_kind   NOT NULL,
    owner_id    bigint      NOT NULL,
    name        object_name,
    parent_id   bigint,
    guaranteed  resource_list NOT NULL DEFAULT '',
    upper       resource_list,
    borrow_limit resource_list,
    lend_limit  resource_list,
    limited     boolean     NOT NULL GENERATED ALWAYS AS (
        guaranteed <> '' OR upper IS NOT NULL OR borrow_limit IS NOT NULL OR lend_limit IS NOT NULL) STORED,
    blocked_by  bigint,
    created_at  timestamptz,
    deleted_at  timestamptz,
    CONSTRAINT sub_pool_pkey PRIMARY KEY (pool_id, sub_pool_id),
    CONSTRAINT sub_pool_job_key UNIQUE (pool_id, sub_pool_id, tenant_id, pool_kind),
    CONSTRAINT sub_pool_pool_fkey FOREIGN KEY (pool_id, pool_kind, owner_id) REFERENCES pool (pool_id, kind, tenant_id),
    CONSTRAINT sub_pool_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT sub_pool_owner_check CHECK (pool_kind = 'public' OR tenant_id = owner_id),
    CONSTRAINT sub_pool_tenant_check CHECK (tenant_id <> 0),
    CONSTRAINT sub_pool_parent_fkey FOREIGN KEY (pool_id, parent_id) REFERENCES sub_pool,
    -- so it is a tree
    CONSTRAINT sub_pool_parent_check CHECK (parent_id < sub_pool_id),
    CONSTRAINT sub_pool_name_check CHECK (
        CASE WHEN name IS NULL THEN parent_id IS NULL AND deleted_at IS NULL ELSE created_at IS NOT NULL END),
    CONSTRAINT sub_pool_public_check CHECK (pool_kind = 'dedicated' OR name IS NULL),
    CONSTRAINT sub_pool_undivided_check CHECK (
        name IS NOT NULL OR pool_kind = 'public' OR
        (guaranteed = '' AND upper IS NULL AND borrow_limit IS NULL AND lend_limit IS NULL)),
    CONSTRAINT sub_pool_quota_check CHECK (
        guaranteed @> '' AND guaranteed <@ upper AND upper <> '' AND borrow_limit @> '' AND lend_limit @> ''),
    CONSTRAINT sub_pool_upper_check CHECK (name IS NULL OR upper IS NOT NULL OR borrow_limit IS NOT NULL),
    CONSTRAINT sub_pool_deleted_check CHECK (deleted_at >= created_at)
);
CREATE UNIQUE INDEX sub_pool_tenant_key ON sub_pool (pool_id, tenant_id) WHERE name IS NULL;
CREATE UNIQUE INDEX sub_pool_name_key ON sub_pool (pool_id, name) WHERE name IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX sub_pool_parent_idx ON sub_pool (pool_id, parent_id) WHERE parent_id IS NOT NULL;
COMMENT ON TABLE sub_pool IS
'shares of a pool, each one queue: one without a name per tenant in a public pool and for the owner of a dedicated one; those that an owner made have names, and may be divided again';
COMMENT ON COLUMN sub_pool.pool_id IS 'pool';
COMMENT ON COLUMN sub_pool.sub_pool_id IS 'identifier';
COMMENT ON COLUMN sub_pool.tenant_id IS 'whose jobs it queues';
COMMENT ON COLUMN sub_pool.pool_kind IS 'kind of the pool, for constraints';
COMMENT ON COLUMN sub_pool.owner_id IS 'owner of the pool, for constraints';
COMMENT ON COLUMN sub_pool.name IS 'name, unique within the pool; NULL: the share for work that names none';
COMMENT ON COLUMN sub_pool.parent_id IS 'sub-pool that it is a part of; NULL: of the pool itself. Fixed';
COMMENT ON COLUMN sub_pool.guaranteed IS 'resources that are its own, in addition to those of its parts; not more than upper';
COMMENT ON COLUMN sub_pool.upper IS 'most that its jobs and those of its parts may hold together; a resource that is not listed is not offered. NULL: no bound';
COMMENT ON COLUMN sub_pool.borrow_limit IS 'most that it may hold beyond what is its own and its parts'', of what others leave idle; what is not listed is not borrowed. NULL: no limit';
COMMENT ON COLUMN sub_pool.lend_limit IS 'most of its own that others may hold while it is idle; the rest stays free for it. NULL: all';
COMMENT ON COLUMN sub_pool.limited IS 'does it have a quota of any kind?';
COMMENT ON COLUMN sub_pool.created_at IS 'when it was made, if it has a name';
COMMENT ON COLUMN sub_pool.deleted_at IS 'when it was deleted; the row stays for its jobs';
COMMENT ON COLUMN sub_pool.blocked_by IS 'job at its head that the last pass could not start, where that blocks the queue';

CREATE TABLE node_group (
    pool_id          bigint           NOT NULL,
    flavor_id        bigint           NOT NULL,
    group_no         smallint         NOT NULL,
    cpu_architecture cpu_architecture NOT NULL,
    target_count     integer          NOT NULL,
    step             integer          NOT NULL DEFAULT 1,
    step_type        node_step,
    labels           jsonb            NOT NULL DEFAULT '{}',
    taints           jsonb            NOT NULL DEFAULT '[]',
    disk_count       integer          NOT NULL DEFAULT 0,
    disk_gib         integer,
    disk_type        text,
    CONSTRAINT node_group_pkey PRIMARY KEY (pool_id, flavor_id),
    CONSTRAINT node_group_no_key UNIQUE (pool_id, group_no),
    CONSTRAINT node_group_pool_fkey FOREIGN KEY (pool_id) REFERENCES pool,
    CONSTRAINT node_group_flavor_fkey FOREIGN KEY (flavor_id, cpu_architecture) REFERENCES flavor (flavor_id, cpu_architecture),
    CONSTRAINT node_group_no_check CHECK (group_no BETWEEN 1 AND 10),
    CONSTRAINT node_group_disk_fkey FOREIGN KEY (disk_type) REFERENCES volume_type,
    CONSTRAINT node_group_count_check CHECK (target_count >= 0 AND target_count % step = 0),
    CONSTRAINT node_group_step_check CHECK (step >= 1 AND (step > 1) = (step_type IS NOT NULL)),
    CONSTRAINT node_group_disk_check CHECK (
        CASE WHEN disk_count = 0 THEN disk_gib IS NULL AND disk_type IS NULL
             ELSE disk_count BETWEEN 1 AND 16 AND disk_gib >= 1 AND disk_gib IS NOT NULL AND disk_type IS NOT NULL END),
    CONSTRAINT node_group_labels_check CHECK (
        jsonb_typeof(labels) = 'object' AND NOT jsonb_path_exists(labels, 'strict $.* ? (@.type() != "string")')),
    CONSTRAINT node_group_taints_check CHECK (
        jsonb_typeof(taints) = 'array' AND NOT jsonb_path_exists(taints, 'strict $[*] ? (@.type() != "object" ||
            exists (@.keyvalue() ? (@.value.type() != "string")) || !exists (@.keyvalue() ? (@.key == "key")))')),
    CONSTRAINT node_group_architecture_excl EXCLUDE USING gist (pool_id WITH =, cpu_architecture WITH <>)
);
COMMENT ON TABLE node_group IS 'the nodes of one flavor in a pool; 1 to 10 a pool, all of one processor architecture';
COMMENT ON COLUMN node_group.pool_id IS 'pool';
COMMENT ON COLUMN node_group.flavor_id IS 'flavor of its nodes';
COMMENT ON COLUMN node_group.group_no IS 'number within the pool, 1 to 10';
COMMENT ON COLUMN node_group.cpu_architecture IS 'that of the flavor, for constraints';
COMMENT ON COLUMN node_group.target_count IS 'how many nodes it should have, a multiple of step';
COMMENT ON COLUMN node_group.step IS 'nodes come and go so many together; fixed when the group is made';
COMMENT ON COLUMN node_group.step_type IS 'what so many nodes are: a rack, a hyperinstance; NULL: single nodes';
COMMENT ON COLUMN node_group.labels IS 'labels that new nodes get';
COMMENT ON COLUMN node_group.taints IS 'taints that new nodes get';
COMMENT ON COLUMN node_group.disk_count IS 'data disks that each new node has beyond its flavor';
COMMENT ON COLUMN node_group.disk_gib IS 'size of each, in GiB; adds to the resource storage';
COMMENT ON COLUMN node_group.disk_type IS 'kind of volume, and so what they are billed as';

CREATE SEQUENCE order_id_seq;
CREATE TABLE pool_order (
    pool_id      bigint          NOT NULL,
    order_id     bigint          NOT NULL DEFAULT nextval('order_id_seq'),
    tenant_id    bigint          NOT NULL,
    operation    order_operation NOT NULL,
    phase        order_phase     NOT NULL DEFAULT 'pending',
    created_at   timestamptz     NOT NULL,
    started_at   timestamptz,
    ended_at     timestamptz,
    reason       text,
    driver       text,
    force        boolean         NOT NULL DEFAULT false,
    max_unavailable integer,
    requested_by name            NOT NULL,
    CONSTRAINT pool_order_pkey PRIMARY KEY (pool_id, order_id),
    CONSTRAINT pool_order_id_key UNIQUE (order_id),
    CONSTRAINT pool_order_pool_fkey FOREIGN KEY (pool_id, tenant_id) REFERENCES pool (pool_id, tenant_id),
    CONSTRAINT pool_order_driver_check CHECK ((operation = 'upgrade_driver') = (driver IS NOT NULL)),
    CONSTRAINT pool_order_unavailable_check CHECK (max_unavailable >= 1),
    CONSTRAINT pool_order_times_check CHECK (
        started_at >= created_at AND ended_at >= started_at AND
        (started_at IS NULL) = (phase = 'pending') AND
        (ended_at IS NOT NULL) = (phase IN ('succeeded', 'partially_succeeded', 'failed')))
);
CREATE UNIQUE INDEX pool_order_open_key ON pool_order (pool_id) WHERE ended_at IS NULL;
CREATE INDEX pool_order_failed_idx ON pool_order (tenant_id, ended_at) WHERE phase IN ('partially_succeeded', 'failed');
COMMENT ON TABLE pool_order IS 'what was ordered of a pool as a whole; at most one order of a pool is open';
COMMENT ON COLUMN pool_order.pool_id IS 'pool';
COMMENT ON COLUMN pool_order.order_id IS 'identifier';
COMMENT ON COLUMN pool_order.tenant_id IS 'owner of the pool';
COMMENT ON COLUMN pool_order.operation IS 'what it is to do';
COMMENT ON COLUMN pool_order.phase IS 'how far it has come';
COMMENT ON COLUMN pool_order.created_at IS 'when it was given';
COMMENT ON COLUMN pool_order.started_at IS 'when work on it began';
COMMENT ON COLUMN pool_order.ended_at IS 'when it was done, or given up';
COMMENT ON COLUMN pool_order.reason IS 'why it failed, or part of it';
COMMENT ON COLUMN pool_order.driver IS 'driver version, of an upgrade';
COMMENT ON COLUMN pool_order.force IS 'may it end running jobs?';
COMMENT ON COLUMN pool_order.max_unavailable IS 'how many nodes may be out of service for it at a time; NULL: any number';
COMMENT ON COLUMN pool_order.requested_by IS 'database role that gave it';

CREATE TABLE pool_order_item (
    pool_id       bigint      NOT NULL,
    order_id      bigint      NOT NULL,
    flavor_id     bigint      NOT NULL,
    tenant_id     bigint      NOT NULL,
    initial_count integer     NOT NULL,
    target_count  integer     NOT NULL,
    result_count  integer,
    phase         order_phase NOT NULL DEFAULT 'pending',
    reason        text,
    CONSTRAINT pool_order_item_pkey PRIMARY KEY (pool_id, order_id, flavor_id),
    CONSTRAINT pool_order_item_pool_fkey FOREIGN KEY (pool_id, tenant_id) REFERENCES pool (pool_id, tenant_id),
    CONSTRAINT pool_order_item_order_fkey FOREIGN KEY (pool_id, order_id) REFERENCES pool_order,
    CONSTRAINT pool_order_item_flavor_fkey FOREIGN KEY (flavor_id) REFERENCES flavor,
    CONSTRAINT pool_order_item_count_check CHECK (initial_count >= 0 AND target_count >= 0 AND result_count >= 0),
    CONSTRAINT pool_order_item_result_check CHECK (
        (result_count IS NOT NULL) = (phase IN ('succeeded', 'partially_succeeded', 'failed')))
);
COMMENT ON TABLE pool_order_item IS 'an order''s part for each flavor: node counts before, wanted and reached';
COMMENT ON COLUMN pool_order_item.pool_id IS 'pool';
COMMENT ON COLUMN pool_order_item.order_id IS 'order';
COMMENT ON COLUMN pool_order_item.flavor_id IS 'flavor';
COMMENT ON COLUMN pool_order_item.tenant_id IS 'owner of the pool';
COMMENT ON COLUMN pool_order_item.initial_count IS 'nodes of the flavor before';
COMMENT ON COLUMN pool_order_item.target_count IS 'nodes wanted';
COMMENT ON COLUMN pool_order_item.result_count IS 'nodes when it was done';
COMMENT ON COLUMN pool_order_item.phase IS 'how far it has come';
COMMENT ON COLUMN pool_order_item.reason IS 'why it failed, or part of it';

CREATE SEQUENCE node_id_seq;
CREATE TABLE node (
    pool_id        bigint      NOT NULL,
    node_id        bigint      NOT NULL DEFAULT nextval('node_id_seq'),
    flavor_id      bigint      NOT NULL,
    tenant_id      bigint      NOT NULL,
    name           object_name NOT NULL,
    state          node_state  NOT NULL DEFAULT 'available',
    state_since    timestamptz NOT NULL,
    schedulable    boolean     NOT NULL DEFAULT true,
    spare          boolean     NOT NULL DEFAULT false,
    delete_lock    boolean     NOT NULL DEFAULT false,
    isolated_by    bigint,
    fault_code     text,
    driver         text,
    driver_state   driver_state NOT NULL DEFAULT 'running',
    labels         jsonb       NOT NULL DEFAULT '{}',
    taints         jsonb       NOT NULL DEFAULT '[]',
    tags           tag_set     NOT NULL DEFAULT '{}',
    topology       jsonb       NOT NULL DEFAULT '{}',
    reserved       resource_list NOT NULL DEFAULT '',
    batch_id       bigint,
    sub_pool_id    bigint,
    order_id       bigint,
    created_at     timestamptz NOT NULL,
    available_at   timestamptz,
    deleted_at     timestamptz,
    live_flavor_id bigint      GENERATED ALWAYS AS (CASE WHEN deleted_at IS NULL THEN flavor_id END) STORED,
    disk_count     integer     NOT NULL DEFAULT 0,
    disk_gib       integer,
    disk_type      text,
    CONSTRAINT node_pkey PRIMARY KEY (pool_id, node_id),
    CONSTRAINT node_id_key UNIQUE (node_id),
    CONSTRAINT node_flavor_fkey FOREIGN KEY (flavor_id) REFERENCES flavor,
    CONSTRAINT node_group_fkey FOREIGN KEY (pool_id, live_flavor_id) REFERENCES node_group (pool_id, flavor_id),
    CONSTRAINT node_pool_fkey FOREIGN KEY (pool_id, tenant_id) REFERENCES pool (pool_id, tenant_id),
    CONSTRAINT node_sub_pool_fkey FOREIGN KEY (pool_id, sub_pool_id) REFERENCES sub_pool,
    CONSTRAINT node_order_fkey FOREIGN KEY (pool_id, order_id) REFERENCES pool_order,
    CONSTRAINT node_fault_fkey FOREIGN KEY (fault_code) REFERENCES fault_code,
    CONSTRAINT node_disk_fkey FOREIGN KEY (disk_type) REFERENCES volume_type,
    CONSTRAINT node_disk_check CHECK (
        CASE WHEN disk_count = 0 THEN disk_gib IS NULL AND disk_type IS NULL
             ELSE disk_count BETWEEN 1 AND 16 AND disk_gib >= 1 AND disk_gib IS NOT NULL AND disk_type IS NOT NULL END),
    CONSTRAINT node_public_check CHECK (
        tenant_id <> 0 OR (driver IS NULL AND driver_state = 'running' AND sub_pool_id IS NULL)),
    CONSTRAINT node_reserved_check CHECK (reserved @> ''),
    CONSTRAINT node_deleted_check CHECK (deleted_at IS NULL OR (state = 'deleting' AND deleted_at >= created_at)),
    CONSTRAINT node_available_check CHECK (
        available_at >= created_at AND (state <> 'available' OR available_at IS NOT NULL)),
    -- strict: the other mode would look into arrays where a string should be
    CONSTRAINT node_labels_check CHECK (
        jsonb_typeof(labels) = 'object' AND NOT jsonb_path_exists(labels, 'strict $.* ? (@.type() != "string")')),
    CONSTRAINT node_taints_check CHECK (
        jsonb_typeof(taints) = 'array' AND NOT jsonb_path_exists(taints, 'strict $[*] ? (@.type() != "object" ||
            exists (@.keyvalue() ? (@.value.type() != "string")) || !exists (@.keyvalue() ? (@.key == "key")))')),
    CONSTRAINT node_topology_check CHECK (
        jsonb_typeof(topology) = 'object' AND NOT jsonb_path_exists(topology, 'strict $.* ? (@.type() != "string" || @ == "")'))
);
CREATE UNIQUE INDEX node_name_key ON node (pool_id, name) WHERE deleted_at IS NULL;
CREATE INDEX node_live_idx ON node (pool_id, live_flavor_id, node_id) WHERE deleted_at IS NULL;
CREATE INDEX node_creating_idx ON node (pool_id, order_id) WHERE state = 'creating';
CREATE INDEX node_isolated_idx ON node (pool_id) WHERE isolated_by IS NOT NULL;
CREATE INDEX node_fault_idx ON node (pool_id) WHERE fault_code IS NOT NULL OR state = 'abnormal';
CREATE INDEX node_sub_pool_idx ON node (pool_id, sub_pool_id) WHERE sub_pool_id IS NOT NULL;
COMMENT ON TABLE node IS
'machines; each belongs to exactly one pool. In order of node_id they were created. The row of a deleted one stays for what refers to it';
COMMENT ON COLUMN node.pool_id IS 'pool';
COMMENT ON COLUMN node.node_id IS 'identifier';
COMMENT ON COLUMN node.flavor_id IS 'flavor, and so its node group in the pool';
COMMENT ON COLUMN node.tenant_id IS 'owner of the pool';
COMMENT ON COLUMN node.name IS 'name, unique among the live nodes of the pool';
COMMENT ON COLUMN node.state IS 'only an available node takes replicas';
COMMENT ON COLUMN node.state_since IS 'since when; what came before is in node_period';
COMMENT ON COLUMN node.schedulable IS 'false: cordoned, takes no new replicas';
COMMENT ON COLUMN node.spare IS 'hot spare: takes no replicas until it stands in for a node that fails';
COMMENT ON COLUMN node.delete_lock IS 'must not be deleted';
COMMENT ON COLUMN node.isolated_by IS 'task that keeps new replicas away from it';
COMMENT ON COLUMN node.fault_code IS 'fault that it has';
COMMENT ON COLUMN node.driver IS 'version of its accelerator driver; NULL: that of its image';
COMMENT ON COLUMN node.driver_state IS 'state of its accelerator driver';
COMMENT ON COLUMN node.labels IS 'object of strings, matched by node selectors';
COMMENT ON COLUMN node.taints IS 'array of {"key", "value", "effect"}; keeps away jobs that do not tolerate each. Effect PreferNoSchedule keeps nothing away';
COMMENT ON COLUMN node.tags IS 'tags, by which costs are grouped';
COMMENT ON COLUMN node.topology IS 'object of strings: its domain at each level of the pool''s topology, from the widest level down; the same name within another domain is another domain';
COMMENT ON COLUMN node.reserved IS 'what of it jobs cannot have, beyond what its flavor reserves';
COMMENT ON COLUMN node.batch_id IS 'nodes that came together as one step, and go together; NULL: a single node';
COMMENT ON COLUMN node.sub_pool_id IS 'sub-pool whose jobs alone it takes; NULL: any';
COMMENT ON COLUMN node.order_id IS 'order that it was made for; the tasks of an order are in node_task';
COMMENT ON COLUMN node.created_at IS 'when it was ordered';
COMMENT ON COLUMN node.available_at IS 'when it first was available: billing of a dedicated node begins';
COMMENT ON COLUMN node.deleted_at IS 'when it was given back: billing ends';
COMMENT ON COLUMN node.live_flavor_id IS 'flavor, unless deleted; for constraints';
COMMENT ON COLUMN node.disk_count IS 'data disks that it came with; a replacement, and the node in another pool, has them too';
COMMENT ON COLUMN node.disk_gib IS 'size of each in GiB';
COMMENT ON COLUMN node.disk_type IS 'their volume type';

CREATE TABLE node_period (
    pool_id     bigint        NOT NULL,
    node_id     bigint        NOT NULL,
    tenant_id   bigint        NOT NULL,
    state       node_state    NOT NULL,
    since       timestamptz   NOT NULL,
    until       timestamptz   NOT NULL,
    allocatable resource_list NOT NULL,
    CONSTRAINT node_period_pkey PRIMARY KEY (pool_id, node_id, until),
    CONSTRAINT node_period_node_fkey FOREIGN KEY (pool_id, node_id) REFERENCES node,
    CONSTRAINT node_period_pool_fkey FOREIGN KEY (pool_id, tenant_id) REFERENCES pool (pool_id, tenant_id),
    CONSTRAINT node_period_times_check CHECK (until > since)
);
CREATE INDEX node_period_until_idx ON node_period (pool_id, until);
COMMENT ON TABLE node_period IS 'what a node was before it became what it is: closed periods of one state and size, append-only';
COMMENT ON COLUMN node_period.pool_id IS 'pool';
COMMENT ON COLUMN node_period.node_id IS 'node';
COMMENT ON COLUMN node_period.tenant_id IS 'owner of the pool';
COMMENT ON COLUMN node_period.state IS 'state in that period';
COMMENT ON COLUMN node_period.since IS 'its beginning';
COMMENT ON COLUMN node_period.until IS 'its end, excluded';
COMMENT ON COLUMN node_period.allocatable IS 'what jobs could use of the node';

CREATE SEQUENCE task_id_seq;
CREATE TABLE node_task (
    pool_id      bigint      NOT NULL,
    task_id      bigint      NOT NULL DEFAULT nextval('task_id_seq'),
    node_id      bigint      NOT NULL,
    tenant_id    bigint      NOT NULL,
    order_id     bigint,
    rolling_id   bigint,
    max_unavailable integer,
    kind         task_kind   NOT NULL,
    state        task_state  NOT NULL DEFAULT 'pending',
    force        boolean     NOT NULL DEFAULT false,
    parameter    text,
    requested_at timestamptz NOT NULL,
    requested_by name        NOT NULL,
    waiting_at   timestamptz,
    started_at   timestamptz,
    ended_at     timestamptz,
    reason       text,
    CONSTRAINT node_task_pkey PRIMARY KEY (pool_id, task_id),
    CONSTRAINT node_task_id_key UNIQUE (task_id),
    CONSTRAINT node_task_pool_fkey FOREIGN KEY (pool_id, tenant_id) REFERENCES pool (pool_id, tenant_id),
    CONSTRAINT node_task_node_fkey FOREIGN KEY (pool_id, node_id) REFERENCES node,
    CONSTRAINT node_task_order_fkey FOREIGN KEY (pool_id, order_id) REFERENCES pool_order,
    CONSTRAINT node_task_rolling_check CHECK ((rolling_id IS NULL) = (max_unavailable IS NULL) AND max_unavailable >= 1),
    CONSTRAINT node_task_parameter_check CHECK (CASE kind
        WHEN 'upgrade_driver' THEN parameter IS NOT NULL
        WHEN 'migrate' THEN parameter ~ '^[0-9]{1,19}$' AND parameter IS NOT NULL
        ELSE parameter IS NULL END),
    CONSTRAINT node_task_public_check CHECK (tenant_id <> 0 OR kind <> 'upgrade_driver'),
    CONSTRAINT node_task_times_check CHECK (
        waiting_at >= requested_at AND started_at >= waiting_at AND ended_at >= requested_at AND
        (ended_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled')) AND
        CASE state WHEN 'pending' THEN waiting_at IS NULL AND started_at IS NULL
                   WHEN 'waiting' THEN waiting_at IS NOT NULL AND started_at IS NULL
                   WHEN 'running' THEN started_at IS NOT NULL ELSE true END)
);
CREATE UNIQUE INDEX node_task_open_key ON node_task (pool_id, node_id) WHERE ended_at IS NULL;
CREATE INDEX node_task_order_idx ON node_task (pool_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX node_task_node_idx ON node_task (pool_id, node_id, task_id);
COMMENT ON TABLE node_task IS
'what is or was done to nodes. A task isolates its node, waits until no job is on it, is carried out, and ends; a node has at most one that is open';
COMMENT ON COLUMN node_task.pool_id IS 'pool';
COMMENT ON COLUMN node_task.task_id IS 'identifier';
COMMENT ON COLUMN node_task.node_id IS 'node';
COMMENT ON COLUMN node_task.tenant_id IS 'owner of the pool';
COMMENT ON COLUMN node_task.order_id IS 'order that it is part of; NULL: none';
COMMENT ON COLUMN node_task.rolling_id IS 'the first task of those that share a limit; NULL: it has none';
COMMENT ON COLUMN node_task.max_unavailable IS 'how many tasks of its rolling_id may have begun and not ended';
COMMENT ON COLUMN node_task.kind IS 'what is done';
COMMENT ON COLUMN node_task.state IS 'how far it has come';
COMMENT ON COLUMN node_task.force IS 'does it end the jobs on the node rather than wait for them?';
COMMENT ON COLUMN node_task.parameter IS 'driver version, of upgrade_driver; id of the target pool, of migrate';
COMMENT ON COLUMN node_task.requested_at IS 'when it was asked for';
COMMENT ON COLUMN node_task.requested_by IS 'database role that asked for it';
COMMENT ON COLUMN node_task.waiting_at IS 'when the node was isolated';
COMMENT ON COLUMN node_task.started_at IS 'when the node was free of jobs and work on it began';
COMMENT ON COLUMN node_task.ended_at IS 'when it ended';
COMMENT ON COLUMN node_task.reason IS 'why it failed or was cancelled';

CREATE SEQUENCE maintenance_id_seq;
CREATE TABLE maintenance (
    pool_id        bigint            NOT NULL,
    maintenance_id bigint            NOT NULL DEFAULT nextval('maintenance_id_seq'),
    node_id        bigint            NOT NULL,
    tenant_id      bigint            NOT NULL,
    kind           task_kind         NOT NULL,
    state          maintenance_state NOT NULL DEFAULT 'inquiring',
    description    text              NOT NULL,
    not_before     timestamptz,
    task_id        bigint,
    created_at     timestamptz       NOT NULL,
    ended_at       timestamptz,
    CONSTRAINT maintenance_pkey PRIMARY KEY (pool_id, maintenance_id),
    CONSTRAINT maintenance_id_key UNIQUE (maintenance_id),
    CONSTRAINT maintenance_pool_fkey FOREIGN KEY (pool_id, tenant_id) REFERENCES pool (pool_id, tenant_id),
    CONSTRAINT maintenance_node_fkey FOREIGN KEY (pool_id, node_id) REFERENCES node,
    CONSTRAINT maintenance_task_fkey FOREIGN KEY (pool_id, task_id) REFERENCES node_task,
    CONSTRAINT maintenance_kind_check CHECK (kind IN ('reboot', 'reset', 'repair', 'replace')),
    CONSTRAINT maintenance_state_check CHECK (
        (state = 'inquiring' OR state = 'cancelled' OR not_before IS NOT NULL) AND
        (state NOT IN ('executing', 'completed', 'failed') OR task_id IS NOT NULL) AND
        (ended_at IS NOT NULL) = (state IN ('completed', 'failed', 'cancelled')))
);
CREATE UNIQUE INDEX maintenance_open_key ON maintenance (pool_id, node_id) WHERE ended_at IS NULL;
COMMENT ON TABLE maintenance IS
'scheduled events: work on nodes that the provider wants to do and the owner of the pool consents to; a node has at most one that is open';
COMMENT ON COLUMN maintenance.pool_id IS 'pool';
COMMENT ON COLUMN maintenance.maintenance_id IS 'identifier';
COMMENT ON COLUMN maintenance.node_id IS 'node';
COMMENT ON COLUMN maintenance.tenant_id IS 'owner of the pool';
COMMENT ON COLUMN maintenance.kind IS 'what is to be done: reboot, reset, repair, replace';
COMMENT ON COLUMN maintenance.state IS 'how far it has come';
COMMENT ON COLUMN maintenance.description IS 'why, for people';
COMMENT ON COLUMN maintenance.not_before IS 'when it may begin: from then on the node takes no new jobs';
COMMENT ON COLUMN maintenance.task_id IS 'task that carries it out';
COMMENT ON COLUMN maintenance.created_at IS 'when it was announced';
COMMENT ON COLUMN maintenance.ended_at IS 'when it was done, failed or was called off';

CREATE TABLE network_address (
    network_id bigint      NOT NULL,
    address    inet        NOT NULL,
    tenant_id  bigint      NOT NULL,
    pool_id    bigint,
    node_id    bigint,
    run_id     bigint,
    name       object_name,
    since      timestamptz,
    sku_id     bigint,
    CONSTRAINT network_address_pkey PRIMARY KEY (network_id, address),
    CONSTRAINT network_address_network_fkey FOREIGN KEY (network_id, tenant_id) REFERENCES network (network_id, tenant_id),
    CONSTRAINT network_address_node_fkey FOREIGN KEY (pool_id, node_id) REFERENCES node,
    CONSTRAINT network_address_holder_check CHECK (
        num_nonnulls(node_id, run_id, name) = CASE WHEN since IS NULL THEN 0 ELSE 1 END AND
        (pool_id IS NOT NULL) = (num_nonnulls(node_id, run_id) = 1)),
    CONSTRAINT network_address_sku_fkey FOREIGN KEY (sku_id) REFERENCES sku,
    CONSTRAINT network_address_sku_check CHECK (sku_id IS NULL OR since IS NOT NULL),
    CONSTRAINT network_address_family_check CHECK (family(address) = 4 AND masklen(address) = 32)
);
CREATE UNIQUE INDEX network_address_node_key ON network_address (pool_id, node_id) WHERE node_id IS NOT NULL;
CREATE UNIQUE INDEX network_address_name_key ON network_address (network_id, name) WHERE name IS NOT NULL;
CREATE INDEX network_address_run_idx ON network_address (pool_id, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX network_address_free_idx ON network_address (network_id, address) WHERE since IS NULL;
COMMENT ON TABLE network_address IS
'addresses of a network that are or were in use, each by one holder; the IPv6 address is that of the network plus the same offset';
COMMENT ON COLUMN network_address.network_id IS 'network';
COMMENT ON COLUMN network_address.address IS 'the address';
COMMENT ON COLUMN network_address.tenant_id IS 'owner of the network';
COMMENT ON COLUMN network_address.pool_id IS 'pool of the holder';
COMMENT ON COLUMN network_address.node_id IS 'node that has it';
COMMENT ON COLUMN network_address.run_id IS 'run one of whose replicas has it';
COMMENT ON COLUMN network_address.name IS 'what it is reserved for by reserve_address';
COMMENT ON COLUMN network_address.since IS 'since when it is in use; NULL: free';
COMMENT ON COLUMN network_address.sku_id IS 'what it is billed as while it is in use: the SKU of the network when it was handed out';

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

SELECT pg_catalog.pg_extension_config_dump('pool_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('pool', '');
SELECT pg_catalog.pg_extension_config_dump('pool_clock', '');
SELECT pg_catalog.pg_extension_config_dump('pool_job_type', '');
SELECT pg_catalog.pg_extension_config_dump('sub_pool_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('sub_pool', '');
SELECT pg_catalog.pg_extension_config_dump('node_group', '');
SELECT pg_catalog.pg_extension_config_dump('order_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('pool_order', '');
SELECT pg_catalog.pg_extension_config_dump('pool_order_item', '');
SELECT pg_catalog.pg_extension_config_dump('node_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('node', '');
SELECT pg_catalog.pg_extension_config_dump('node_load', '');
SELECT pg_catalog.pg_extension_config_dump('node_period', '');
SELECT pg_catalog.pg_extension_config_dump('task_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('node_task', '');
SELECT pg_catalog.pg_extension_config_dump('maintenance_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('maintenance', '');
SELECT pg_catalog.pg_extension_config_dump('network_address', '');
