WITH a AS (
    INSERT INTO node (pool_id, node_id, flavor_id, tenant_id, name, state, state_since, schedulable, driver, driver_state, labels, taints,
                      created_at, available_at)
    SELECT pool_id, node_id, flavor_id, tenant_id, name, state, state_since, schedulable, driver, driver_state, labels, taints,
           created_at, available_at FROM bench.new_node),
b AS (INSERT INTO node_load SELECT * FROM bench.new_node_load),
c AS (INSERT INTO holding SELECT * FROM bench.new_holding),
d AS (INSERT INTO network_address SELECT * FROM bench.new_network_address)
INSERT INTO event SELECT * FROM bench.new_event;
