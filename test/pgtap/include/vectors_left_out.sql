-- Cases that are not played, each with the section of doc/scheduling.md whose
-- rule decides otherwise, or has no word for what the case needs.
CREATE TABLE vectors.left_out (id text PRIMARY KEY REFERENCES vectors.entry (id), rule text NOT NULL, why text NOT NULL);
INSERT INTO vectors.left_out VALUES
    ('admit-041-flavor-fallback', 'Caps', 'a quota is of a resource, not of a flavor; a job names what it wants, there is no list to fall back on'),
    ('gang-004-nonpreemptible-over-guarantee', 'Caps', 'what may not be preempted may borrow like any other job'),
    ('fair-007-four-queues-two-gpus', 'Caps', 'more cannot be guaranteed than the nodes have; of those that would borrow the first submitted goes first'),
    ('formula-012-tres-billing', 'Scores', 'usage is the dominant share x time; resources have no weights'),
    ('formula-013-drf-paper', 'Order', 'a pass goes by guarantees, priority, score and submission; it does not level the dominant shares of queues'),
    ('formula-026-overquota-weights', 'Order', 'beyond guarantees a pass goes by priority, score and submission, not by weights of queues'),
    ('formula-030-nested-weights', 'Order', 'beyond guarantees a pass goes by priority, score and submission, not by weights of queues'),
    ('formula-031-nested-equal', 'Order', 'beyond guarantees a pass goes by priority, score and submission, not by weights of queues');
