-- Cases that are not played, each with the section of doc/scheduling.md whose
-- rule decides otherwise, or has no word for what the case needs.
CREATE TABLE vectors.left_out (id text PRIMARY KEY REFERENCES vectors.entry (id), rule text NOT NULL, why text NOT NULL);
INSERT INTO vectors.left_out VALUES
    ('admit-041-flavor-fallback', 'Caps', 'a quota is of a resource, not of a flavor; a job names what it wants, there is no list to fall back on'),
    ('gang-004-nonpreemptible-over-guarantee', 'Caps', 'what may not be preempted may borrow like any other job'),
    ('formula-012-tres-billing', 'Scores', 'usage is the dominant share x time; resources have no weights'),
    ('formula-026-overquota-weights', 'Scores', 'shares are of all that is used, not of what is left when all guarantees are met'),
    ('formula-030-nested-weights', 'Scores', 'jobs ahead count for their workspace, not for its tenant: what one workspace leaves is for all'),
    ('formula-031-nested-equal', 'Scores', 'jobs ahead count for their workspace, not for its tenant: what one workspace leaves is for all'),
    ('preempt-020-gang-over-guarantee', 'Caps', 'what may not be preempted may borrow like any other job'),
    ('fairpre-009-one-from-each', 'Preemption', 'victims go by priority and start, not by how much each sub-pool borrows'),
    ('fairpre-010-weight', 'Preemption', 'who would borrow takes nothing back, whatever the weights'),
    ('fairpre-011-weight-zero', 'Preemption', 'who would borrow takes nothing back, whatever the weights');
