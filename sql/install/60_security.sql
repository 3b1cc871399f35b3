-- Who sees what: row-level security, and what PUBLIC is granted.

DO $$
DECLARE
    t text;
BEGIN
    -- rows of a tenant are seen by who acts for it
    FOREACH t IN ARRAY ARRAY['tenant', 'workspace', 'contract', 'tenant_member', 'network', 'network_peering', 'file_system',
        'network_address', 'sub_pool', 'node', 'node_period', 'node_task', 'maintenance', 'reservation', 'reservation_node', 'pool_order', 'pool_order_item', 'quota',
        'job_mount', 'volume', 'fair_share', 'fair_usage', 'job_shape', 'task_group', 'job', 'job_queue', 'job_dependency', 'job_run', 'allocation', 'holding', 'usage', 'unrated', 'ledger',
        'billing_period', 'booking', 'counter', 'charge', 'bill', 'bill_line', 'payment', 'credit_limit', 'event', 'request']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY tenant_rows ON %I FOR SELECT USING (
            tenant_id BETWEEN first_tenant() AND last_tenant() AND may_see(tenant_id))$p$, t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['tenant', 'workspace', 'contract', 'tenant_member', 'sku', 'flavor', 'flavor_resource_sku',
        'volume_type', 'fault_code', 'quota_kind', 'quota', 'network', 'network_load', 'network_range', 'network_peering', 'file_system',
        'network_address', 'node_period', 'node_task', 'maintenance', 'reservation', 'reservation_node', 'pool_order', 'pool_order_item', 'job_mount', 'volume',
        'fair_share', 'fair_usage',
        'pool', 'pool_job_type', 'sub_pool', 'node_group', 'node', 'node_load', 'pending_reason',
        'job_shape', 'task_group', 'job', 'job_queue', 'job_dependency', 'job_run', 'allocation', 'holding', 'usage', 'unrated', 'price',
        'ledger', 'billing_period', 'booking', 'counter', 'charge', 'bill', 'bill_line', 'payment', 'credit_limit', 'currency',
        'event_kind', 'event', 'request', 'queue', 'job_status', 'node_status', 'pool_status',
        'pool_detail', 'pool_jobs', 'job_history', 'node_detail', 'pool_utilization', 'stat_scheduler', 'running_cost', 'ledger_status', 'reservation_status']
    LOOP
        EXECUTE format('GRANT SELECT ON %I TO PUBLIC', t);
    END LOOP;
END $$;

-- public pools are seen by all; what is on their nodes, by operators
ALTER TABLE pool ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON pool FOR SELECT USING (kind = 'public' OR may_see(tenant_id));
ALTER TABLE node_group ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON node_group FOR SELECT USING (
    EXISTS (SELECT FROM pool p WHERE p.pool_id = node_group.pool_id));
ALTER TABLE pool_job_type ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON pool_job_type FOR SELECT USING (
    EXISTS (SELECT FROM pool p WHERE p.pool_id = pool_job_type.pool_id));
ALTER TABLE node_load ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON node_load FOR SELECT USING (
    -- as the node itself; asked once a query, not once a row
    pool_id IN (SELECT p.pool_id FROM pool p WHERE may_see(p.tenant_id)));

ALTER TABLE network_load ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON network_load FOR SELECT USING (
    EXISTS (SELECT FROM network n WHERE n.network_id = network_load.network_id));
ALTER TABLE network_range ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON network_range FOR SELECT USING (
    EXISTS (SELECT FROM network n WHERE n.network_id = network_range.network_id));

-- list prices are seen by all
ALTER TABLE price ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON price FOR SELECT USING (tenant_id = 0 OR may_see(tenant_id));

ALTER TABLE pool_clock ENABLE ROW LEVEL SECURITY;
ALTER TABLE price_book ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA pool_manager TO PUBLIC;

-- Guards work as the extension's owner on what the trigger's table holds: on
-- tables of users, with types and casts of theirs, they must not.
REVOKE EXECUTE ON FUNCTION guard_state(), guard_unchanged(), guard_forward(), guard_append_only(), guard_books(),
    guard_job(), guard_usage(), guard_node(), guard_closed(), guard_contract() FROM PUBLIC;
