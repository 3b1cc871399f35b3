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
    reserved         resource_list    NOT NULL DEFAULT '',
    sale             flavor_sale      NOT NULL DEFAULT 'on_sale',
    max_replicas     integer,
    created_at       timestamptz      NOT NULL,
    CONSTRAINT flavor_pkey PRIMARY KEY (flavor_id),
    CONSTRAINT flavor_name_key UNIQUE (name),
    CONSTRAINT flavor_architecture_key UNIQUE (flavor_id, cpu_architecture),
    CONSTRAINT flavor_sku_fkey FOREIGN KEY (sku_id) REFERENCES sku,
    CONSTRAINT flavor_resources_check CHECK (resources @> '' AND resources <> ''),
    CONSTRAINT flavor_usable_check CHECK (
        reserved @> '' AND reserved <@ resources AND (accelerator IS NULL OR quantity(reserved, accelerator) = 0)),
    CONSTRAINT flavor_max_replicas_check CHECK (max_replicas >= 1),
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
COMMENT ON COLUMN flavor.reserved IS 'what of a node of it jobs cannot have, because the system needs it; no accelerator devices';
COMMENT ON COLUMN flavor.sale IS 'on_sale, or sold_out: no node can be added';
COMMENT ON COLUMN flavor.max_replicas IS 'most replicas of a job that asks for it in a public pool; 1: no distributed jobs; NULL: any number';
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

CREATE TABLE volume_type (
    volume_type object_name NOT NULL,
    sku_id      bigint,
    least_gib   integer     NOT NULL DEFAULT 5,
    most_gib    integer     NOT NULL DEFAULT 4096,
    created_at  timestamptz NOT NULL,
    CONSTRAINT volume_type_pkey PRIMARY KEY (volume_type),
    CONSTRAINT volume_type_sku_fkey FOREIGN KEY (sku_id) REFERENCES sku,
    CONSTRAINT volume_type_size_check CHECK (1 <= least_gib AND least_gib <= most_gib)
);
COMMENT ON TABLE volume_type IS 'kinds of block storage: for notebooks, and for data disks of nodes';
COMMENT ON COLUMN volume_type.volume_type IS 'unique name: SSD';
COMMENT ON COLUMN volume_type.sku_id IS 'what a GiB of it is billed as; NULL: it is free';
COMMENT ON COLUMN volume_type.least_gib IS 'smallest volume, in GiB';
COMMENT ON COLUMN volume_type.most_gib IS 'largest volume, in GiB';
COMMENT ON COLUMN volume_type.created_at IS 'when it was made';

CREATE TABLE fault_code (
    code        text    NOT NULL,
    description text    NOT NULL,
    unusable    boolean NOT NULL,
    stops_jobs  boolean NOT NULL,
    CONSTRAINT fault_code_pkey PRIMARY KEY (code),
    CONSTRAINT fault_code_check CHECK (unusable OR NOT stops_jobs)
);
COMMENT ON TABLE fault_code IS 'faults that report_fault knows; the extension''s owner may add rows';
COMMENT ON COLUMN fault_code.code IS 'the code';
COMMENT ON COLUMN fault_code.description IS 'what is wrong';
COMMENT ON COLUMN fault_code.unusable IS 'does the node leave scheduling?';
COMMENT ON COLUMN fault_code.stops_jobs IS 'do the runs on it end, to be restarted elsewhere?';
INSERT INTO fault_code (code, description, unusable, stops_jobs) VALUES
    ('A050101', 'GPU memory error (ECC)', true, true),
    ('A050102', 'the GPU tool reports errors', true, true),
    ('A050933', 'fault-tolerant jobs are moved away', true, true),
    ('A200008', 'the admission check failed', true, false),
    ('NT_NPU_DEVICE', 'NPU device fault', true, true),
    ('NT_NPU_NET', 'NPU network fault', true, true),
    ('NT_NPU_CARD_LOSE', 'an NPU card is lost', true, true),
    ('NT_NPU_OTHER', 'another NPU fault', true, true),
    ('NT_NPU_ECC_COUNT', 'the NPU memory has reached its limit of corrected errors', false, false),
    ('NT_NET_NTP_CHECK', 'the clock is not in step', false, false),
    ('NT_KUBE_DISK_READONLY_CHECK', 'a disk is read-only', true, true),
    ('NODE_DOWN', 'the node does not answer', true, true),
    ('OTHER', 'anything else that makes the node unusable', true, true);

SELECT pg_catalog.pg_extension_config_dump('volume_type', '');
SELECT pg_catalog.pg_extension_config_dump('fault_code', $$WHERE code NOT IN ('A050101', 'A050102', 'A050933', 'A200008',
    'NT_NPU_DEVICE', 'NT_NPU_NET', 'NT_NPU_CARD_LOSE', 'NT_NPU_OTHER', 'NT_NPU_ECC_COUNT', 'NT_NET_NTP_CHECK',
    'NT_KUBE_DISK_READONLY_CHECK', 'NODE_DOWN', 'OTHER')$$);
SELECT pg_catalog.pg_extension_config_dump('sku_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('sku', '');
SELECT pg_catalog.pg_extension_config_dump('flavor_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('flavor', '');
SELECT pg_catalog.pg_extension_config_dump('flavor_resource_sku', '');
