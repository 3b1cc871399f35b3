-- Calls that were made before, for those that repeat one.

CREATE TABLE request (
    tenant_id  bigint      NOT NULL,
    request_id text        NOT NULL,
    call       text        NOT NULL,
    arguments  jsonb       NOT NULL,
    results    bigint[],
    at         timestamptz NOT NULL,
    actor      name        NOT NULL,
    CONSTRAINT request_pkey PRIMARY KEY (tenant_id, request_id),
    CONSTRAINT request_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant,
    CONSTRAINT request_id_check CHECK (length(request_id) BETWEEN 1 AND 128)
);
COMMENT ON TABLE request IS
'calls that created things and were given a request_id: a repeated call returns what the first one did. Jobs keep theirs themselves';
COMMENT ON COLUMN request.tenant_id IS 'for whom; 0: the provider';
COMMENT ON COLUMN request.request_id IS 'the caller''s key of the request';
COMMENT ON COLUMN request.call IS 'name of the function';
COMMENT ON COLUMN request.arguments IS 'its arguments, as text: a thing given by name and by id makes two contents';
COMMENT ON COLUMN request.results IS 'ids that it returned';
COMMENT ON COLUMN request.at IS 'when';
COMMENT ON COLUMN request.actor IS 'database role that called';

SELECT pg_catalog.pg_extension_config_dump('request', '');
