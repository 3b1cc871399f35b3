-- Cases that are not played, each with the rule of doc/scheduling.md (by its
-- heading) that decides otherwise, or has no word for what the case needs.
CREATE TABLE vectors.left_out (id text PRIMARY KEY REFERENCES vectors.entry (id), rule text NOT NULL, why text NOT NULL);
