-- The catalogue: what can be rented and what it is billed as.

CREATE SEQUENCE sku_id_seq;
CREATE TABLE sku (
    sku_id     bigint      NOT NULL DEFAULT nextval('sku_id_seq'),
    name       object_name NOT NULL,
    unit       object_name NOT NULL,
    per        sku_per     NOT NULL DEFAULT 'hour',
    created_at timestamptz NOT NULL,
    CONSTRAINT sku_pkey PRIMARY KEY (sku_id),
    CONSTRAINT sku_name_key UNIQUE (name)
);
COMMENT ON TABLE sku IS 'stock-keeping units: the things that prices are for';
COMMENT ON COLUMN sku.sku_id IS 'identifier';
COMMENT ON COLUMN sku.name IS 'unique name';
COMMENT ON COLUMN sku.unit IS 'what is counted, for people to read: node, GPU, core, GiB';
COMMENT ON COLUMN sku.per IS 'priced per unit and hour, or once per unit';
COMMENT ON COLUMN sku.created_at IS 'when it was made';

CREATE SEQUENCE flavor_id_seq;
CREATE TABLE flavor (
    flavor_id        bigint           NOT NULL DEFAULT nextval('flavor_id_seq'),
    name             object_name      NOT NULL,
    resources        resource_list    NOT NULL,
    accelerator      text,
    cpu_architecture cpu_architecture NOT NULL DEFAULT 'x86',
    sku_id           bigint,
    created_at       timestamptz      NOT NULL,
    CONSTRAINT flavor_pkey PRIMARY KEY (flavor_id),
    CONSTRAINT flavor_name_key UNIQUE (name),
    CONSTRAINT flavor_architecture_key UNIQUE (flavor_id, cpu_architecture),
    CONSTRAINT flavor_sku_fkey FOREIGN KEY (sku_id) REFERENCES sku,
    CONSTRAINT flavor_resources_check CHECK (resources @> '' AND resources <> ''),
    CONSTRAINT flavor_accelerator_check CHECK (
        accelerator IS NULL OR
        (quantity(resources, accelerator) BETWEEN 1 AND 1024 AND quantity(resources, accelerator) % 1 = 0 AND
         accelerator !~ '^(memory|storage|ephemeral-storage|hugepages-.*)$'))
);
COMMENT ON TABLE flavor IS 'named specifications: the resources of one node or of one job replica, and what it is billed as';
COMMENT ON COLUMN flavor.flavor_id IS 'identifier';
COMMENT ON COLUMN flavor.name IS 'unique name';
COMMENT ON COLUMN flavor.resources IS 'resources of one node or one replica';
COMMENT ON COLUMN flavor.accelerator IS 'the resource that is tracked device by device, if there is one; 1 to 1024 whole devices, not bytes';
COMMENT ON COLUMN flavor.cpu_architecture IS 'x86 or arm64; a pool has one';
COMMENT ON COLUMN flavor.sku_id IS 'what one node or replica is billed as';
COMMENT ON COLUMN flavor.created_at IS 'when it was made';

CREATE TABLE flavor_resource_sku (
    flavor_id bigint        NOT NULL,
    resource  text          NOT NULL,
    unit      resource_list NOT NULL,
    sku_id    bigint,
    CONSTRAINT flavor_resource_sku_pkey PRIMARY KEY (flavor_id, resource),
    CONSTRAINT flavor_resource_sku_flavor_fkey FOREIGN KEY (flavor_id) REFERENCES flavor,
    CONSTRAINT flavor_resource_sku_sku_fkey FOREIGN KEY (sku_id) REFERENCES sku,
    CONSTRAINT flavor_resource_sku_unit_check CHECK (
        unit @> '' AND quantity(unit, resource) > 0 AND
        unit = jsonb_build_object(resource, quantity(unit, resource))::resource_list)
);
COMMENT ON TABLE flavor_resource_sku IS
'by resource, what a job with a bare request is billed as on a node of the flavor';
COMMENT ON COLUMN flavor_resource_sku.flavor_id IS 'flavor of the node the job runs on';
COMMENT ON COLUMN flavor_resource_sku.resource IS 'name of the resource';
COMMENT ON COLUMN flavor_resource_sku.unit IS 'how much of the resource is one unit of the SKU: memory=1Gi';
COMMENT ON COLUMN flavor_resource_sku.sku_id IS 'what it is billed as; NULL: the resource is listed as free';

SELECT pg_catalog.pg_extension_config_dump('sku_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('sku', '');
SELECT pg_catalog.pg_extension_config_dump('flavor_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('flavor', '');
SELECT pg_catalog.pg_extension_config_dump('flavor_resource_sku', '');
