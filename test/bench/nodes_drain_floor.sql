WITH a AS (INSERT INTO node_task SELECT * FROM bench.new_task),
b AS (UPDATE node n SET schedulable = d.schedulable FROM bench.drained_node d WHERE n.pool_id = d.pool_id AND n.node_id = d.node_id)
INSERT INTO event SELECT * FROM bench.drain_event;
