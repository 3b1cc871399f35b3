-- Triggers. They only refuse; none writes a row, so that a dump loads.

CREATE FUNCTION guard_state() RETURNS trigger
    AS 'MODULE_PATHNAME', 'pm_guard_state' LANGUAGE C;
COMMENT ON FUNCTION guard_state() IS
'refuses an UPDATE of the column named by its argument to a state that cannot follow (PM002)';

CREATE FUNCTION guard_unchanged() RETURNS trigger
    AS 'MODULE_PATHNAME', 'pm_guard_unchanged' LANGUAGE C;
COMMENT ON FUNCTION guard_unchanged() IS
'refuses an UPDATE of the columns named by its arguments; one followed by a question mark may change once, from NULL (55000)';

CREATE FUNCTION guard_forward() RETURNS trigger
    AS 'MODULE_PATHNAME', 'pm_guard_forward' LANGUAGE C;
COMMENT ON FUNCTION guard_forward() IS
'refuses an UPDATE by which the column named by its argument would go back (55000); whether it would, the trigger''s WHEN says';

CREATE FUNCTION guard_append_only() RETURNS trigger
    AS 'MODULE_PATHNAME', 'pm_guard_append_only' LANGUAGE C;
COMMENT ON FUNCTION guard_append_only() IS 'refuses UPDATE, TRUNCATE and, but for drop_archived, DELETE (55000)';

CREATE FUNCTION guard_books() RETURNS trigger
    AS 'MODULE_PATHNAME', 'pm_guard_books' LANGUAGE C;
COMMENT ON FUNCTION guard_books() IS
'refuses a statement after which live allocations, node loads and live runs of the touched rows disagree (PM006)';

CREATE FUNCTION guard_job() RETURNS trigger
    AS 'MODULE_PATHNAME', 'pm_guard_job' LANGUAGE C;
COMMENT ON FUNCTION guard_job() IS
'refuses rows by which a job would wait, run or have ended at the same time, or that name another tenant than it; refuses to forget what is held (PM006)';

CREATE FUNCTION guard_node() RETURNS trigger
    AS 'MODULE_PATHNAME', 'pm_guard_node' LANGUAGE C;
COMMENT ON FUNCTION guard_node() IS
'refuses to mark a node deleted while jobs are on it, or anything of it is held and billed (PM006)';

CREATE FUNCTION guard_usage() RETURNS trigger
    AS 'MODULE_PATHNAME', 'pm_guard_usage' LANGUAGE C;
COMMENT ON FUNCTION guard_usage() IS
'refuses slices of usage that do not abut or that cross the edge of a billing month, and corrections of something else (PM006)';

CREATE FUNCTION guard_closed() RETURNS trigger
    AS 'MODULE_PATHNAME', 'pm_guard_closed' LANGUAGE C;
COMMENT ON FUNCTION guard_closed() IS
'refuses bookings and charges of a closed period that were not there when it closed, bills that did not close theirs, and further lines of a bill (PM006)';

CREATE FUNCTION guard_contract() RETURNS trigger
    AS 'MODULE_PATHNAME', 'pm_guard_contract' LANGUAGE C;
COMMENT ON FUNCTION guard_contract() IS
'refuses a contract that begins, is changed or is taken away where something was booked by a contract already (55000)';

CREATE TRIGGER guard_state BEFORE UPDATE OF state ON pool
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON node
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON network
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON pool_job_type
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON job_queue
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON job_run
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');

CREATE TRIGGER guard_state BEFORE UPDATE OF state ON billing_period
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON tenant
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON network_peering
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON file_system
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_state BEFORE UPDATE OF phase ON pool_order
    FOR EACH ROW WHEN (OLD.phase <> NEW.phase) EXECUTE FUNCTION guard_state('phase');
CREATE TRIGGER guard_state BEFORE UPDATE OF phase ON pool_order_item
    FOR EACH ROW WHEN (OLD.phase <> NEW.phase) EXECUTE FUNCTION guard_state('phase');
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON node_task
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON maintenance
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_state('state');
CREATE TRIGGER guard_driver_state BEFORE UPDATE OF driver_state ON node
    FOR EACH ROW WHEN (OLD.driver_state <> NEW.driver_state) EXECUTE FUNCTION guard_state('driver_state');

CREATE TRIGGER guard_unchanged BEFORE UPDATE ON network
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('network_id', 'tenant_id', 'name', 'cidr', 'cidr6?', 'created_at');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON network_peering
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('peering_id', 'network_id', 'tenant_id', 'peer', 'cidr', 'created_at');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON network_range
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('network_id', 'range', 'peering_id');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON file_system
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('file_system_id', 'tenant_id', 'name', 'network_id', 'connection', 'peering_id', 'subnet', 'created_at');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON pool
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('pool_id', 'kind', 'tenant_id', 'provider', 'container_network', 'created_at', 'deleted_at?');
-- a pool that is deleted leaves its network, none goes to another
CREATE TRIGGER guard_network BEFORE UPDATE ON pool
    FOR EACH ROW WHEN (NEW.network_id IS NOT NULL) EXECUTE FUNCTION guard_unchanged('network_id');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON fair_share
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('pool_id', 'tenant_id', 'workspace_id');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON fair_usage
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('pool_id', 'tenant_id', 'workspace_id');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON sub_pool
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('pool_id', 'sub_pool_id', 'tenant_id', 'pool_kind', 'owner_id', 'name', 'parent_id', 'created_at', 'deleted_at?');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON node_group
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('pool_id', 'flavor_id', 'cpu_architecture', 'step', 'step_type');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON node
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'pool_id', 'node_id', 'flavor_id', 'tenant_id', 'batch_id', 'created_at', 'available_at?', 'deleted_at?');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON pool_order
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'pool_id', 'order_id', 'tenant_id', 'operation', 'created_at', 'started_at?', 'ended_at?', 'driver', 'force', 'requested_by');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON pool_order_item
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'pool_id', 'order_id', 'flavor_id', 'tenant_id', 'initial_count', 'target_count', 'result_count?');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON node_task
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'pool_id', 'task_id', 'node_id', 'tenant_id', 'order_id', 'rolling_id', 'max_unavailable', 'kind', 'parameter',
        'requested_at', 'requested_by', 'waiting_at?', 'started_at?', 'ended_at?');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON maintenance
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'pool_id', 'maintenance_id', 'node_id', 'tenant_id', 'kind', 'description', 'created_at', 'ended_at?');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON volume
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'tenant_id', 'volume_id', 'pool_id', 'job_id', 'volume_type', 'gib', 'created_at', 'deleted_at?');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON job_mount
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('pool_id', 'job_id', 'path', 'tenant_id', 'network_id', 'file_system_id');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON sku
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('sku_id', 'unit', 'per');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON flavor
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('flavor_id', 'resources', 'accelerator', 'cpu_architecture');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON job_shape
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('pool_id', 'shape_id', 'sub_pool_id', 'tenant_id', 'digest', 'generation',
        'affinity_level', 'affinity_required', 'reservation_id');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON reservation
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('pool_id', 'reservation_id', 'tenant_id', 'sub_pool_id', 'name',
        'starts_at', 'ends_at', 'created_at', 'created_by', 'deleted_at?');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON task_group
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'pool_id', 'shape_id', 'group_no', 'tenant_id', 'flavor_id', 'request', 'replicas', 'min_replicas',
        'node_selector', 'tolerations', 'name', 'group_level', 'group_size', 'spread_level', 'max_per_domain');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON job
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'pool_id', 'job_id', 'tenant_id', 'pool_kind', 'sub_pool_id', 'shape_id', 'workspace_id', 'kind',
        'asked_priority?', 'name', 'time_limit', 'auto_stop', 'max_retries', 'preemptible', 'workflow_id', 'phase_no', 'tags', 'request_id', 'submitted_at', 'submitted_by', 'not_before', 'retry_backoff', 'retry_on_failure', 'max_cost', 'end_state?', 'ended_at?');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON job_dependency
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('pool_id', 'job_id', 'clause_no', 'depends_on', 'kind', 'tenant_id');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON job_queue
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'pool_id', 'job_id', 'tenant_id', 'sub_pool_id', 'shape_id', 'submitted_at', 'time_limit', 'auto_stop', 'workspace_id');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON job_run
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'pool_id', 'run_id', 'job_id', 'tenant_id', 'placed_at', 'start_type',
        'started_at?', 'stopping_at?', 'stop_state?', 'ended_at?', 'exit_code?', 'end_reason?', 'preemptible', 'preempted_by?');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON allocation
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'pool_id', 'run_id', 'group_no', 'node_id', 'part_no', 'tenant_id', 'replicas', 'allocated', 'devices',
        'device_share', 'since', 'released_at?');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON holding
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged(
        'tenant_id', 'holding_id', 'sku_id', 'quantity', 'workspace_id', 'pool_id', 'job_id', 'run_id', 'node_id',
        'volume_id', 'network_id', 'address', 'since');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON price
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('tenant_id', 'price_id', 'sku_id', 'currency', 'tariff', 'set_at', 'set_by',
        'minimum_seconds', 'quantum_seconds');

CREATE TRIGGER guard_unchanged BEFORE UPDATE ON counter
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('tenant_id', 'sku_id', 'month_start', 'price_id');
CREATE TRIGGER guard_unchanged BEFORE UPDATE ON billing_period
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('tenant_id', 'period_start', 'closed_at?', 'last_booking?', 'last_charge?', 'contract_from');
-- a contract that is set for the next month may cut the present one elsewhere
CREATE TRIGGER guard_end BEFORE UPDATE ON billing_period
    FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION guard_unchanged('period_end');
CREATE TRIGGER guard_contract BEFORE INSERT OR DELETE ON contract
    FOR EACH ROW EXECUTE FUNCTION guard_contract();
CREATE TRIGGER guard_contract_update BEFORE UPDATE ON contract
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION guard_contract();

CREATE TRIGGER guard_unchanged BEFORE UPDATE ON request
    FOR EACH ROW EXECUTE FUNCTION guard_unchanged('tenant_id', 'request_id', 'call', 'arguments', 'results?', 'at', 'actor');

CREATE TRIGGER guard_forward BEFORE UPDATE ON pool_clock
    FOR EACH ROW WHEN (NEW.last_instant < OLD.last_instant) EXECUTE FUNCTION guard_forward('last_instant');
CREATE TRIGGER guard_settled BEFORE UPDATE ON ledger
    FOR EACH ROW WHEN (NEW.settled_until < OLD.settled_until) EXECUTE FUNCTION guard_forward('settled_until');
CREATE TRIGGER guard_closed BEFORE UPDATE ON ledger
    FOR EACH ROW WHEN (NEW.closed_until < OLD.closed_until) EXECUTE FUNCTION guard_forward('closed_until');
CREATE TRIGGER guard_archived BEFORE UPDATE ON ledger
    FOR EACH ROW WHEN (NEW.archived_until < OLD.archived_until) EXECUTE FUNCTION guard_forward('archived_until');
CREATE TRIGGER guard_forward BEFORE UPDATE ON fair_usage
    FOR EACH ROW WHEN (NEW.as_of < OLD.as_of) EXECUTE FUNCTION guard_forward('as_of');
CREATE TRIGGER guard_forward BEFORE UPDATE ON holding
    FOR EACH ROW WHEN (NEW.metered_until < OLD.metered_until OR NEW.slice_no < OLD.slice_no)
    EXECUTE FUNCTION guard_forward('metered_until');

CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON booking
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON charge
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bill
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bill_line
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_append_only BEFORE DELETE OR TRUNCATE ON counter
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_append_only BEFORE DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_append_only BEFORE DELETE OR TRUNCATE ON billing_period
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON node_period
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON network_address
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON allocation
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON job_queue
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON holding
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON unrated
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON price
    FOR EACH STATEMENT EXECUTE FUNCTION guard_append_only();

-- An INSERT of allocations may only fall short of the node's load, never
-- exceed it: a dump brings the loads first, then the allocations row by row.
CREATE TRIGGER guard_books_insert AFTER INSERT ON allocation
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_books();
CREATE TRIGGER guard_books_update AFTER UPDATE ON allocation
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_books();
CREATE TRIGGER guard_books_delete AFTER DELETE ON allocation
    REFERENCING OLD TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_books();
CREATE TRIGGER guard_books_update AFTER UPDATE ON node_load
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_books();
CREATE TRIGGER guard_books_update AFTER UPDATE ON job_run
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_books();
CREATE TRIGGER guard_job_update AFTER UPDATE ON job
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_job();
CREATE TRIGGER guard_job_insert AFTER INSERT ON job_queue
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_job();
CREATE TRIGGER guard_job_update AFTER UPDATE ON job_queue
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_job();
CREATE TRIGGER guard_job_insert AFTER INSERT ON job_run
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_job();
CREATE TRIGGER guard_job_insert AFTER INSERT ON job_dependency
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_job();
CREATE TRIGGER guard_job_insert AFTER INSERT ON volume
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_job();
CREATE TRIGGER guard_job_insert AFTER INSERT ON holding
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_job();
CREATE TRIGGER guard_job_delete AFTER DELETE ON holding
    REFERENCING OLD TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_job();
CREATE TRIGGER guard_usage AFTER INSERT ON usage
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_usage();
CREATE TRIGGER guard_closed AFTER INSERT ON booking
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_closed();
CREATE TRIGGER guard_closed AFTER INSERT ON charge
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_closed();
CREATE TRIGGER guard_closed AFTER INSERT ON bill
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_closed();
CREATE TRIGGER guard_closed AFTER INSERT ON bill_line
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_closed();
CREATE TRIGGER guard_node_delete AFTER UPDATE ON node
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION guard_node();
