SELECT count(*) FROM drain_nodes(ARRAY(SELECT node_id FROM bench.drained_node));
