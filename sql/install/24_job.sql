-- Jobs: what was asked, what waits, what ran where.

CREATE TABLE pending_reason (
    reason      text NOT NULL,
    description text NOT NULL,
    CONSTRAINT pending_reason_pkey PRIMARY KEY (reason)
);
COMMENT ON TABLE pending_reason IS 'why a job may be waiting: the fixed list of words in queue.reason';
COMMENT ON COLUMN pending_reason.reason IS 'the word';
COMMENT ON COLUMN pending_reason.description IS 'what it means and what its numbers count';
INSERT INTO pending_reason (reason, description) VALUES
    ('not_considered', 'no pass has looked at the job yet'),
    ('resources', 'the matching nodes together have too little free: of the resource named, so much is needed and so much available'),
    ('fragmented', 'enough is free in all, but not in pieces that hold a replica: needed by one replica, available on the best node; or replicas needed and replicas that would fit'),
    ('topology', 'enough is free, but not in the domains of the topology that it asks for: replicas needed, and the most that its level holds'),
    ('reserved', 'what is free is withheld for a job ahead of it, or it would delay one that was given a time'),
    ('maintenance', 'what is free is not free for as long as it may run: maintenance is scheduled'),
    ('reserved_nodes', 'what is free is reserved for others, now or before it must have ended: replicas needed, and how many would fit the other nodes'),
    ('reservation', 'its reservation has not begun'),
    ('reservation_over', 'its reservation is over or deleted, or ends before it must have ended'),
    ('no_time_limit', 'reserved, and it has no time limit that could end in time; only shown by queue'),
    ('exceeds_max', 'more than the quota of its sub-pool, or the matching nodes, hold when nobody else holds anything: needed and the most there is'),
    ('no_matching_node', 'no node in service passes the node selector and the taints'),
    ('behind_head', 'the head of its queue is blocked, and the pool''s queue policy lets nothing pass'),
    ('held', 'held by hold_job until release_job'),
    ('quota', 'the quota of its sub-pool, or of one above it (level parent), or what others keep (pool), does not allow more now: needed by the job, available'),
    ('no_address', 'the network of the pool has too few free addresses: needed by its replicas, available'),
    ('bandwidth', 'jobs on the pools of the network would hold more bandwidth than it has: needed, available, in Mbit/s'),
    ('tenant_frozen', 'the tenant is frozen'),
    ('dependency', 'jobs that it depends on, or the phase of its workflow before it, have not ended yet'),
    ('dependency_never', 'a job that it depends on has ended otherwise: it waits until it is cancelled'),
    ('not_before', 'it is not to start before a time, or is restarted after a while'),
    ('waiting_for_preemption', 'runs are being stopped for it; what they hold, and what else it needs, is kept for it'),
    ('pool_not_running', 'the pool is not running');

CREATE SEQUENCE shape_id_seq;
CREATE TABLE job_shape (
    pool_id     bigint      NOT NULL,
    shape_id    bigint      NOT NULL DEFAULT nextval('shape_id_seq'),
    sub_pool_id bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    digest      bytea       NOT NULL,
    generation  bigint      NOT NULL,
    reason      text        NOT NULL DEFAULT 'not_considered',
    level       text,
    resource    text,
    needed      numeric,
    available   numeric,
    affinity_level    text,
    affinity_required boolean,
    reservation_id bigint,
    CONSTRAINT job_shape_pkey PRIMARY KEY (pool_id, shape_id),
    CONSTRAINT job_shape_tenant_key UNIQUE (pool_id, shape_id, tenant_id),
    CONSTRAINT job_shape_digest_key UNIQUE NULLS NOT DISTINCT (pool_id, sub_pool_id, digest, generation, reservation_id),
    CONSTRAINT job_shape_sub_pool_fkey FOREIGN KEY (pool_id, sub_pool_id) REFERENCES sub_pool,
    CONSTRAINT job_shape_reservation_fkey FOREIGN KEY (pool_id, reservation_id, tenant_id)
        REFERENCES reservation (pool_id, reservation_id, tenant_id),
    CONSTRAINT job_shape_reason_fkey FOREIGN KEY (reason) REFERENCES pending_reason,
    CONSTRAINT job_shape_level_check CHECK (level IN ('pool', 'node', 'parent') OR reason = 'topology'),
    CONSTRAINT job_shape_affinity_check CHECK ((affinity_level IS NULL) = (affinity_required IS NULL))
) WITH (fillfactor = 70);
COMMENT ON TABLE job_shape IS
'what jobs of one shape share: the task groups they ask for and why they wait. Written once a shape, not once a job; made anew when the pool''s node groups change';
COMMENT ON COLUMN job_shape.pool_id IS 'pool';
COMMENT ON COLUMN job_shape.shape_id IS 'identifier';
COMMENT ON COLUMN job_shape.sub_pool_id IS 'queue of its jobs';
COMMENT ON COLUMN job_shape.tenant_id IS 'whose jobs';
COMMENT ON COLUMN job_shape.digest IS 'SHA-256 of the task groups';
COMMENT ON COLUMN job_shape.generation IS 'the generation of the pool''s node groups that could hold it when empty';
COMMENT ON COLUMN job_shape.reason IS 'why the last pass did not start a job of this shape';
COMMENT ON COLUMN job_shape.level IS 'where the numbers were taken: the whole pool, the best single node, or the best domain of a level of the topology; of a quota NULL: its sub-pool, parent: a sub-pool above it, pool: what is free less what others keep';
COMMENT ON COLUMN job_shape.resource IS 'resource that is lacking, or replicas';
COMMENT ON COLUMN job_shape.needed IS 'how much of it is needed, in units (bytes for memory)';
COMMENT ON COLUMN job_shape.available IS 'how much of it there is';
COMMENT ON COLUMN job_shape.affinity_level IS 'level of the topology in one domain of which all replicas are to run; NULL: anywhere';
COMMENT ON COLUMN job_shape.affinity_required IS 'false: if no domain of that level holds them, one of a level above, or several';
COMMENT ON COLUMN job_shape.reservation_id IS 'reservation in which its jobs run; NULL: in none';

CREATE TABLE task_group (
    pool_id       bigint        NOT NULL,
    shape_id      bigint        NOT NULL,
    group_no      smallint      NOT NULL,
    tenant_id     bigint        NOT NULL,
    flavor_id     bigint,
    request       resource_list NOT NULL,
    replicas      integer       NOT NULL,
    min_replicas  integer       NOT NULL,
    node_selector jsonb         NOT NULL,
    tolerations   jsonb         NOT NULL,
    name          object_name,
    group_level   text,
    group_size    integer,
    spread_level  text,
    max_per_domain integer,
    CONSTRAINT task_group_pkey PRIMARY KEY (pool_id, shape_id, group_no),
    CONSTRAINT task_group_name_key UNIQUE (pool_id, shape_id, name),
    CONSTRAINT task_group_shape_fkey FOREIGN KEY (pool_id, shape_id, tenant_id)
        REFERENCES job_shape (pool_id, shape_id, tenant_id),
    CONSTRAINT task_group_flavor_fkey FOREIGN KEY (flavor_id) REFERENCES flavor,
    CONSTRAINT task_group_no_check CHECK (group_no >= 1),
    CONSTRAINT task_group_request_check CHECK (request @> '' AND request <> ''),
    CONSTRAINT task_group_replicas_check CHECK (min_replicas BETWEEN 1 AND replicas),
    CONSTRAINT task_group_group_check CHECK (
        (group_level IS NULL) = (group_size IS NULL) AND group_size >= 1 AND
        replicas % group_size = 0 AND min_replicas % group_size = 0),
    CONSTRAINT task_group_spread_check CHECK (max_per_domain >= 1 AND (max_per_domain IS NULL OR spread_level IS NOT NULL)),
    CONSTRAINT task_group_node_selector_check CHECK (
        jsonb_typeof(node_selector) = 'object' AND
        NOT jsonb_path_exists(node_selector, 'strict $.* ? (@.type() != "string")')),
    CONSTRAINT task_group_tolerations_check CHECK (
        jsonb_typeof(tolerations) = 'array' AND NOT jsonb_path_exists(tolerations, 'strict $[*] ? (@.type() != "object" ||
            exists (@.keyvalue() ? (@.value.type() != "string")))'))
);
COMMENT ON TABLE task_group IS 'roles of the jobs of a shape: so many identical replicas of one request';
COMMENT ON COLUMN task_group.pool_id IS 'pool';
COMMENT ON COLUMN task_group.shape_id IS 'shape';
COMMENT ON COLUMN task_group.group_no IS 'number within the shape, from 1';
COMMENT ON COLUMN task_group.tenant_id IS 'whose jobs';
COMMENT ON COLUMN task_group.flavor_id IS 'flavor asked for; NULL: a bare request';
COMMENT ON COLUMN task_group.request IS 'resources of one replica';
COMMENT ON COLUMN task_group.replicas IS 'how many replicas are wanted';
COMMENT ON COLUMN task_group.min_replicas IS 'how many must start together at least';
COMMENT ON COLUMN task_group.node_selector IS 'object of strings: labels a node must have';
COMMENT ON COLUMN task_group.tolerations IS 'array of {"key", "value"}: taints a node may have; without value any value of the key';
COMMENT ON COLUMN task_group.name IS 'name within the job, for people; NULL: none';
COMMENT ON COLUMN task_group.group_level IS 'level of the topology in one domain of which every group_size replicas are to run; NULL: none';
COMMENT ON COLUMN task_group.group_size IS 'how many replicas must be together there';
COMMENT ON COLUMN task_group.spread_level IS 'level of the topology over whose domains replicas are spread evenly; NULL: none';
COMMENT ON COLUMN task_group.max_per_domain IS 'how many of a job''s replicas may be in one of them; NULL: any number';

CREATE SEQUENCE job_id_seq;
CREATE TABLE job (
    pool_id      bigint      NOT NULL,
    job_id       bigint      NOT NULL DEFAULT nextval('job_id_seq'),
    tenant_id    bigint      NOT NULL,
    pool_kind    pool_kind   NOT NULL,
    sub_pool_id  bigint      NOT NULL,
    shape_id     bigint      NOT NULL,
    workspace_id bigint      NOT NULL,
    kind         job_kind    NOT NULL,
    priority     smallint    NOT NULL,
    asked_priority smallint,
    name         object_name NOT NULL,
    time_limit   interval,
    auto_stop    interval,
    max_retries  smallint    NOT NULL DEFAULT 0,
    preemptible  boolean     NOT NULL DEFAULT false,
    workflow_id  bigint,
    phase_no     smallint,
    tags         tag_set     NOT NULL DEFAULT '{}',
    request_id   text,
    submitted_at timestamptz NOT NULL,
    submitted_by name        NOT NULL,
    end_state    job_state,
    ended_at     timestamptz,
    not_before   timestamptz,
    retry_backoff interval,
    retry_on_failure boolean NOT NULL DEFAULT false,
    max_cost     numeric,
    CONSTRAINT job_pkey PRIMARY KEY (pool_id, job_id),
    CONSTRAINT job_id_key UNIQUE (job_id),
    CONSTRAINT job_sub_pool_fkey FOREIGN KEY (pool_id, sub_pool_id, tenant_id, pool_kind)
        REFERENCES sub_pool (pool_id, sub_pool_id, tenant_id, pool_kind),
    CONSTRAINT job_shape_fkey FOREIGN KEY (pool_id, shape_id, tenant_id)
        REFERENCES job_shape (pool_id, shape_id, tenant_id),
    CONSTRAINT job_workspace_fkey FOREIGN KEY (tenant_id, workspace_id) REFERENCES workspace,
    CONSTRAINT job_priority_check CHECK (
        priority BETWEEN 1 AND 3 AND (priority = 1 OR pool_kind = 'dedicated') AND asked_priority BETWEEN 1 AND 3),
    CONSTRAINT job_time_limit_check CHECK (
        time_limit > '0' AND time_limit <= '100 years' AND
        extract(year FROM time_limit) = 0 AND extract(month FROM time_limit) = 0 AND extract(day FROM time_limit) = 0),
    CONSTRAINT job_auto_stop_check CHECK (
        auto_stop IS NULL OR (kind IN ('notebook', 'inference') AND auto_stop > '0' AND auto_stop <= '100 years' AND
        extract(year FROM auto_stop) = 0 AND extract(month FROM auto_stop) = 0 AND extract(day FROM auto_stop) = 0)),
    CONSTRAINT job_max_retries_check CHECK (max_retries BETWEEN 0 AND 128),
    CONSTRAINT job_preemptible_check CHECK (NOT preemptible OR pool_kind = 'dedicated'),
    CONSTRAINT job_workflow_check CHECK (
        (workflow_id IS NULL) = (phase_no IS NULL) AND (phase_no IS NULL OR (phase_no >= 1 AND kind = 'workflow'))),
    CONSTRAINT job_not_before_check CHECK (isfinite(not_before)),
    CONSTRAINT job_retry_backoff_check CHECK (
        retry_backoff > '0' AND retry_backoff <= '100 years' AND
        extract(year FROM retry_backoff) = 0 AND extract(month FROM retry_backoff) = 0 AND extract(day FROM retry_backoff) = 0),
    CONSTRAINT job_max_cost_check CHECK (max_cost >= 0 AND max_cost < 1e24),
    CONSTRAINT job_request_id_check CHECK (length(request_id) BETWEEN 1 AND 128),
    CONSTRAINT job_end_check CHECK (
        (end_state IS NULL) = (ended_at IS NULL) AND
        end_state IN ('completed', 'failed', 'cancelled', 'timed_out') AND ended_at >= submitted_at)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX job_request_id_key ON job (tenant_id, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX job_tenant_idx ON job (tenant_id, job_id);
CREATE INDEX job_open_idx ON job (tenant_id, kind, workspace_id) WHERE end_state IS NULL;
CREATE INDEX job_ended_idx ON job (pool_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX job_phase_key ON job (workflow_id, phase_no) WHERE workflow_id IS NOT NULL;
COMMENT ON TABLE job IS 'what was asked, written once; how it ended, written once';
COMMENT ON COLUMN job.pool_id IS 'pool';
COMMENT ON COLUMN job.job_id IS 'identifier';
COMMENT ON COLUMN job.tenant_id IS 'who submitted it and pays';
COMMENT ON COLUMN job.pool_kind IS 'kind of the pool, for constraints';
COMMENT ON COLUMN job.sub_pool_id IS 'queue';
COMMENT ON COLUMN job.shape_id IS 'what it asks for';
COMMENT ON COLUMN job.workspace_id IS 'cost centre';
COMMENT ON COLUMN job.kind IS 'training, inference, notebook or workflow';
COMMENT ON COLUMN job.priority IS '1 to 3, larger first; 1 in public pools';
COMMENT ON COLUMN job.asked_priority IS 'priority that it was submitted with; NULL: it has not been changed since';
COMMENT ON COLUMN job.name IS 'name, for people';
COMMENT ON COLUMN job.time_limit IS 'how long a run may last, in hours and less; NULL: the pool''s default';
COMMENT ON COLUMN job.auto_stop IS 'how long a notebook or service runs before it is stopped, to rest; in hours and less. NULL: until somebody stops it';
COMMENT ON COLUMN job.max_retries IS 'how often it is restarted after a fault of a node, or where it asks for that after a failure; 0: not at all';
COMMENT ON COLUMN job.preemptible IS 'may a run of it give way to another job, by the pool''s rules?';
COMMENT ON COLUMN job.workflow_id IS 'workflow that it is a phase of: the job id of its first phase';
COMMENT ON COLUMN job.phase_no IS 'number of the phase, from 1; it waits until the one before has completed';
COMMENT ON COLUMN job.tags IS 'tags, by which costs are grouped';
COMMENT ON COLUMN job.request_id IS 'the caller''s key of this request: the same key returns the same job';
COMMENT ON COLUMN job.submitted_at IS 'when it joined the queue';
COMMENT ON COLUMN job.submitted_by IS 'database role that submitted it';
COMMENT ON COLUMN job.end_state IS 'how it ended; NULL: not ended';
COMMENT ON COLUMN job.ended_at IS 'when it ended';
COMMENT ON COLUMN job.not_before IS 'it does not start before; NULL: at any time';
COMMENT ON COLUMN job.retry_backoff IS 'how long it waits before its first restart, in hours and less; twice as long before each further one, at most an hour or this. NULL: not at all';
COMMENT ON COLUMN job.retry_on_failure IS 'is it restarted when it fails by itself, too?';
COMMENT ON COLUMN job.max_cost IS 'what a run may cost at most, in the currency of the contract: a quote above it is refused; NULL: any cost';

CREATE TABLE job_queue (
    pool_id      bigint      NOT NULL,
    job_id       bigint      NOT NULL,
    tenant_id    bigint      NOT NULL,
    sub_pool_id  bigint      NOT NULL,
    shape_id     bigint      NOT NULL,
    submitted_at timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    state        job_state   NOT NULL DEFAULT 'queued',
    priority     smallint    NOT NULL,
    restarted    boolean     NOT NULL DEFAULT false,
    requeued_at  timestamptz,
    start_type   run_start   NOT NULL DEFAULT 'initial',
    time_limit   interval,
    auto_stop    interval,
    workspace_id bigint      NOT NULL,
    locked_since timestamptz,
    not_before   timestamptz,
    claims_since timestamptz,
    CONSTRAINT job_queue_pkey PRIMARY KEY (pool_id, job_id),
    CONSTRAINT job_queue_job_fkey FOREIGN KEY (pool_id, job_id) REFERENCES job,
    CONSTRAINT job_queue_state_check CHECK (state IN ('held', 'waiting', 'queued', 'stopped')),
    CONSTRAINT job_queue_restarted_check CHECK (restarted = (requeued_at IS NOT NULL)),
    CONSTRAINT job_queue_not_before_check CHECK (not_before IS NULL OR state = 'waiting'),
    CONSTRAINT job_queue_priority_check CHECK (priority BETWEEN 1 AND 3)
) WITH (fillfactor = 80);
CREATE INDEX job_queue_restarted_idx ON job_queue (pool_id, requeued_at) WHERE restarted;
CREATE INDEX job_queue_waiting_idx ON job_queue (pool_id) WHERE state = 'waiting';
COMMENT ON TABLE job_queue IS 'jobs that wait or rest: a row while held, waiting, queued or stopped';
COMMENT ON COLUMN job_queue.pool_id IS 'pool';
COMMENT ON COLUMN job_queue.job_id IS 'job';
COMMENT ON COLUMN job_queue.tenant_id IS 'whose job';
COMMENT ON COLUMN job_queue.sub_pool_id IS 'queue';
COMMENT ON COLUMN job_queue.shape_id IS 'what it asks for';
COMMENT ON COLUMN job_queue.submitted_at IS 'when it joined the queue: the order among equals';
COMMENT ON COLUMN job_queue.changed_at IS 'last change of this row';
COMMENT ON COLUMN job_queue.state IS 'held, waiting (on other jobs, or a time), queued or stopped';
COMMENT ON COLUMN job_queue.priority IS '1 to 3, larger first';
COMMENT ON COLUMN job_queue.restarted IS 'back after a fault: first of its priority';
COMMENT ON COLUMN job_queue.requeued_at IS 'since when it waits to be restarted';
COMMENT ON COLUMN job_queue.start_type IS 'why its next run will begin';
COMMENT ON COLUMN job_queue.not_before IS 'a waiting job does not queue before; NULL: as soon as its dependencies hold';

CREATE TABLE job_dependency (
    pool_id    bigint          NOT NULL,
    job_id     bigint          NOT NULL,
    clause_no  smallint        NOT NULL,
    depends_on bigint          NOT NULL,
    kind       dependency_kind NOT NULL,
    tenant_id  bigint          NOT NULL,
    CONSTRAINT job_dependency_pkey PRIMARY KEY (pool_id, job_id, clause_no, depends_on, kind),
    CONSTRAINT job_dependency_job_fkey FOREIGN KEY (pool_id, job_id) REFERENCES job,
    CONSTRAINT job_dependency_depends_on_fkey FOREIGN KEY (pool_id, depends_on) REFERENCES job,
    CONSTRAINT job_dependency_clause_no_check CHECK (clause_no >= 1),
    -- jobs depend on those that were there before them: never in a circle
    CONSTRAINT job_dependency_order_check CHECK (depends_on < job_id)
);
CREATE INDEX job_dependency_depends_on_idx ON job_dependency (pool_id, depends_on);
COMMENT ON TABLE job_dependency IS
'what jobs depend on: all clauses of a job must hold, of a clause one row. Phases of workflows depend on the one before';
COMMENT ON COLUMN job_dependency.pool_id IS 'pool, of both jobs';
COMMENT ON COLUMN job_dependency.job_id IS 'job that waits';
COMMENT ON COLUMN job_dependency.clause_no IS 'number of the clause within the job, from 1';
COMMENT ON COLUMN job_dependency.depends_on IS 'job that it depends on, submitted before it';
COMMENT ON COLUMN job_dependency.kind IS 'what it waits for';
COMMENT ON COLUMN job_dependency.tenant_id IS 'whose jobs';
COMMENT ON COLUMN job_queue.time_limit IS 'that of the job, where a pass reads it';
COMMENT ON COLUMN job_queue.auto_stop IS 'that of the job, where a pass reads it';
COMMENT ON COLUMN job_queue.workspace_id IS 'that of the job, where a pass reads it';
COMMENT ON COLUMN job_queue.locked_since IS 'stepped and tiered: since when something is withheld for it; kept when that is over';
COMMENT ON COLUMN job_queue.claims_since IS 'since when runs are being stopped for it: it is looked at before all others; NULL: none are';

CREATE SEQUENCE run_id_seq;
CREATE TABLE job_run (
    pool_id     bigint      NOT NULL,
    run_id      bigint      NOT NULL DEFAULT nextval('run_id_seq'),
    job_id      bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    state       job_state   NOT NULL,
    replicas    integer[]   NOT NULL,
    placed_at   timestamptz NOT NULL,
    started_at  timestamptz,
    planned_end timestamptz,
    stopping_at timestamptz,
    stop_state  job_state,
    deadline    timestamptz,
    ended_at    timestamptz,
    exit_code   integer,
    start_type  run_start   NOT NULL DEFAULT 'initial',
    end_reason  text,
    preemptible boolean     NOT NULL DEFAULT false,
    preempted_by bigint,
    wanted      integer[],
    CONSTRAINT job_run_pkey PRIMARY KEY (pool_id, run_id),
    CONSTRAINT job_run_job_fkey FOREIGN KEY (pool_id, job_id) REFERENCES job,
    CONSTRAINT job_run_state_check CHECK (CASE state
        WHEN 'starting' THEN started_at IS NULL AND stopping_at IS NULL AND ended_at IS NULL
        WHEN 'running' THEN started_at IS NOT NULL AND stopping_at IS NULL AND ended_at IS NULL
        WHEN 'stopping' THEN stopping_at IS NOT NULL AND stop_state IS NOT NULL AND ended_at IS NULL
        WHEN 'completed' THEN started_at IS NOT NULL AND ended_at IS NOT NULL
        WHEN 'failed' THEN ended_at IS NOT NULL
        WHEN 'cancelled' THEN ended_at IS NOT NULL
        WHEN 'timed_out' THEN ended_at IS NOT NULL
        WHEN 'stopped' THEN ended_at IS NOT NULL
        ELSE false END),
    CONSTRAINT job_run_times_check CHECK (
        started_at >= placed_at AND stopping_at >= placed_at AND ended_at >= placed_at AND
        ended_at >= started_at AND planned_end > placed_at),
    CONSTRAINT job_run_stop_check CHECK (
        (stop_state IS NULL) = (stopping_at IS NULL) AND
        (stop_state IS NULL OR stop_state IN ('cancelled', 'timed_out', 'stopped', 'failed')) AND
        (stop_state IS NULL OR state IN ('stopping', stop_state) OR (state = 'completed' AND preempted_by IS NOT NULL))),
    CONSTRAINT job_run_preempted_check CHECK (
        preempted_by IS NULL OR (preemptible AND preempted_by <> job_id AND (stop_state = 'stopped' OR ended_at IS NOT NULL))),
    CONSTRAINT job_run_exit_code_check CHECK (exit_code IS NULL OR ended_at IS NOT NULL),
    CONSTRAINT job_run_deadline_check CHECK (deadline IS NULL OR ended_at IS NULL),
    CONSTRAINT job_run_replicas_check CHECK (cardinality(replicas) >= 1 AND 1 <= ALL (replicas)),
    CONSTRAINT job_run_wanted_check CHECK (cardinality(wanted) = cardinality(replicas) AND wanted > replicas)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX job_run_live_key ON job_run (pool_id, job_id) WHERE ended_at IS NULL;
CREATE INDEX job_run_job_idx ON job_run (pool_id, job_id, run_id);
CREATE INDEX job_run_preemptible_idx ON job_run (pool_id) WHERE preemptible AND ended_at IS NULL;
CREATE INDEX job_run_wanted_idx ON job_run (pool_id) WHERE wanted IS NOT NULL AND ended_at IS NULL;
CREATE INDEX job_run_deadline_idx ON job_run (pool_id, deadline) WHERE deadline IS NOT NULL;
COMMENT ON TABLE job_run IS 'attempts of jobs, from placement to end; a job has at most one that has not ended';
COMMENT ON COLUMN job_run.pool_id IS 'pool';
COMMENT ON COLUMN job_run.run_id IS 'identifier';
COMMENT ON COLUMN job_run.job_id IS 'job';
COMMENT ON COLUMN job_run.tenant_id IS 'whose job';
COMMENT ON COLUMN job_run.state IS 'starting, running, stopping, or how it ended';
COMMENT ON COLUMN job_run.replicas IS 'replicas held, by task group, in order of group_no';
COMMENT ON COLUMN job_run.placed_at IS 'when it was given its resources';
COMMENT ON COLUMN job_run.started_at IS 'when it began to run; metering starts here';
COMMENT ON COLUMN job_run.planned_end IS 'start plus time limit, before the start placement plus time limit; NULL: no limit';
COMMENT ON COLUMN job_run.stopping_at IS 'when it was told to stop';
COMMENT ON COLUMN job_run.stop_state IS 'how it will have ended once it has stopped';
COMMENT ON COLUMN job_run.deadline IS 'when a pass ends it: its planned end, or while it is stopping, the stop timeout';
COMMENT ON COLUMN job_run.ended_at IS 'when it ended; metering stops here';
COMMENT ON COLUMN job_run.exit_code IS 'as reported by finish_job';
COMMENT ON COLUMN job_run.start_type IS 'why it began';
COMMENT ON COLUMN job_run.end_reason IS 'why it ended, where there is more to say than its state';
COMMENT ON COLUMN job_run.preemptible IS 'may it give way to another job?';
COMMENT ON COLUMN job_run.wanted IS 'replicas, by task group, to which it is to grow when there is room; NULL: it has them all';
COMMENT ON COLUMN job_run.preempted_by IS 'job that it gives or gave way to; NULL: none. No foreign key: that job may leave history earlier';

CREATE TABLE allocation (
    pool_id      bigint        NOT NULL,
    run_id       bigint        NOT NULL,
    group_no     smallint      NOT NULL,
    node_id      bigint        NOT NULL,
    tenant_id    bigint        NOT NULL,
    replicas     integer       NOT NULL,
    allocated    resource_list NOT NULL,
    devices      integer[]     NOT NULL DEFAULT '{}',
    device_share integer       NOT NULL DEFAULT 0,
    released_at  timestamptz,
    part_no      smallint      NOT NULL DEFAULT 0,
    since        timestamptz   NOT NULL,
    CONSTRAINT allocation_pkey PRIMARY KEY (pool_id, run_id, group_no, node_id, part_no),
    CONSTRAINT allocation_run_fkey FOREIGN KEY (pool_id, run_id) REFERENCES job_run,
    CONSTRAINT allocation_node_fkey FOREIGN KEY (pool_id, node_id) REFERENCES node_load,
    CONSTRAINT allocation_group_check CHECK (group_no >= 1 AND part_no >= 0),
    CONSTRAINT allocation_released_check CHECK (released_at >= since),
    CONSTRAINT allocation_replicas_check CHECK (replicas >= 1),
    CONSTRAINT allocation_allocated_check CHECK (allocated @> '' AND allocated <> ''),
    CONSTRAINT allocation_devices_check CHECK (
        CASE WHEN devices = '{}' THEN device_share = 0
             ELSE device_share BETWEEN 1 AND 1000 AND 0 <= ALL (devices) END)
) WITH (fillfactor = 80);
CREATE INDEX allocation_released_idx ON allocation (pool_id, released_at) WHERE released_at IS NOT NULL;
CREATE INDEX allocation_node_idx ON allocation (node_id, pool_id) WHERE released_at IS NULL;
COMMENT ON TABLE allocation IS 'replicas of a run on a node, with device numbers; live until released';
COMMENT ON COLUMN allocation.pool_id IS 'pool';
COMMENT ON COLUMN allocation.run_id IS 'run';
COMMENT ON COLUMN allocation.group_no IS 'task group';
COMMENT ON COLUMN allocation.node_id IS 'node';
COMMENT ON COLUMN allocation.tenant_id IS 'whose run';
COMMENT ON COLUMN allocation.replicas IS 'how many replicas of the task group are on the node';
COMMENT ON COLUMN allocation.allocated IS 'resources of them all';
COMMENT ON COLUMN allocation.devices IS 'numbers of the devices they hold, replica by replica';
COMMENT ON COLUMN allocation.device_share IS 'thousandths held of each of these devices';
COMMENT ON COLUMN allocation.released_at IS 'when the node got them back; NULL: live';
COMMENT ON COLUMN allocation.part_no IS 'from 0; counts on when a service is scaled on the same node';
COMMENT ON COLUMN allocation.since IS 'when they were placed';

ALTER TABLE network_address ADD CONSTRAINT network_address_run_fkey
    FOREIGN KEY (pool_id, run_id) REFERENCES job_run;

CREATE TABLE job_mount (
    pool_id        bigint NOT NULL,
    job_id         bigint NOT NULL,
    path           text   NOT NULL,
    tenant_id      bigint NOT NULL,
    network_id     bigint NOT NULL,
    file_system_id bigint NOT NULL,
    CONSTRAINT job_mount_pkey PRIMARY KEY (pool_id, job_id, path),
    CONSTRAINT job_mount_job_fkey FOREIGN KEY (pool_id, job_id) REFERENCES job,
    CONSTRAINT job_mount_path_check CHECK (
        octet_length(path) <= 1024 AND path ~ '^/' AND path !~ '[\u0001-\u001f\u007f-\u009f]' AND
        path !~ '(^|/)[.]{1,2}(/|$)' AND path !~ '//|/$' AND path <> '/cache')
);
CREATE INDEX job_mount_file_system_idx ON job_mount (file_system_id);
COMMENT ON TABLE job_mount IS 'shared file systems that a job mounts; the network of its pool reaches them';
COMMENT ON COLUMN job_mount.pool_id IS 'pool';
COMMENT ON COLUMN job_mount.job_id IS 'job';
COMMENT ON COLUMN job_mount.path IS 'where it is mounted: an absolute path of at most 1,024 bytes, not / and not /cache';
COMMENT ON COLUMN job_mount.tenant_id IS 'whose job';
COMMENT ON COLUMN job_mount.network_id IS 'network that reached the file system when the job was submitted';
COMMENT ON COLUMN job_mount.file_system_id IS 'file system. No foreign key: it may be detached once the job has ended';

CREATE SEQUENCE volume_id_seq;
CREATE TABLE volume (
    tenant_id    bigint      NOT NULL,
    volume_id    bigint      NOT NULL DEFAULT nextval('volume_id_seq'),
    pool_id      bigint      NOT NULL,
    job_id       bigint      NOT NULL,
    volume_type  text        NOT NULL,
    gib          integer     NOT NULL,
    created_at   timestamptz NOT NULL,
    deleted_at   timestamptz,
    CONSTRAINT volume_pkey PRIMARY KEY (tenant_id, volume_id),
    CONSTRAINT volume_job_key UNIQUE (pool_id, job_id),
    CONSTRAINT volume_job_fkey FOREIGN KEY (pool_id, job_id) REFERENCES job,
    CONSTRAINT volume_type_fkey FOREIGN KEY (volume_type) REFERENCES volume_type,
    CONSTRAINT volume_gib_check CHECK (gib >= 1),
    CONSTRAINT volume_deleted_check CHECK (deleted_at >= created_at)
);
COMMENT ON TABLE volume IS 'volumes of notebooks: held, and billed, from submission until the notebook has ended, running or not';
COMMENT ON COLUMN volume.tenant_id IS 'who pays';
COMMENT ON COLUMN volume.volume_id IS 'identifier';
COMMENT ON COLUMN volume.pool_id IS 'pool of the notebook';
COMMENT ON COLUMN volume.job_id IS 'the notebook';
COMMENT ON COLUMN volume.volume_type IS 'kind of storage';
COMMENT ON COLUMN volume.gib IS 'size in GiB';
COMMENT ON COLUMN volume.created_at IS 'when it was made';
COMMENT ON COLUMN volume.deleted_at IS 'when it was given back; NULL: it is there';

SELECT pg_catalog.pg_extension_config_dump('shape_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('job_shape', '');
SELECT pg_catalog.pg_extension_config_dump('task_group', '');
SELECT pg_catalog.pg_extension_config_dump('job_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('job', '');
SELECT pg_catalog.pg_extension_config_dump('job_queue', '');
SELECT pg_catalog.pg_extension_config_dump('job_dependency', '');
SELECT pg_catalog.pg_extension_config_dump('run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('job_run', '');
SELECT pg_catalog.pg_extension_config_dump('allocation', '');
SELECT pg_catalog.pg_extension_config_dump('job_mount', '');
SELECT pg_catalog.pg_extension_config_dump('volume_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('volume', '');
