-- The catalogue as it changes: flavors on sale and sold out, kinds of volumes.

CREATE FUNCTION find_flavor(flavor text) RETURNS bigint LANGUAGE pool_manager STABLE AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT f.flavor_id INTO found_id FROM flavor f WHERE f.name = find_flavor.flavor;
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('flavor "%s" does not exist', flavor),
            DETAIL = 'The catalogue has none of this name.',
            HINT = 'Table "flavor" shows them; an operator makes one with create_flavor().';
    END IF;
    RETURN found_id;
END $$;
COMMENT ON FUNCTION find_flavor(text) IS 'the id of a flavor by name. For all; 42704: there is none';

CREATE FUNCTION set_flavor_sale(flavor text, sale flavor_sale) RETURNS void LANGUAGE pool_manager AS $$
BEGIN
    PERFORM require_level(0, 'operator');
    UPDATE flavor f SET sale = set_flavor_sale.sale WHERE f.flavor_id = find_flavor(set_flavor_sale.flavor);
END $$;
COMMENT ON FUNCTION set_flavor_sale(text, flavor_sale) IS
'puts a flavor on sale, or says that it is sold out: no more nodes of it can be had. Operators only (42501); 42704: no such flavor';

CREATE FUNCTION set_flavor(flavor text, reserved resource_list DEFAULT NULL, max_replicas integer DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
DECLARE
    given flavor;
BEGIN
    PERFORM require_level(0, 'operator');
    SELECT f.* INTO given FROM flavor f WHERE f.flavor_id = find_flavor(set_flavor.flavor) FOR NO KEY UPDATE;
    IF NOT coalesce(reserved @> '' AND reserved <@ given.resources
        AND (given.accelerator IS NULL OR quantity(reserved, given.accelerator) = 0), true) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "reserved"',
            DETAIL = 'It is at most what the flavor has of each resource, and no accelerator devices.',
            HINT = 'Write it like cpu=2,memory=8Gi.';
    END IF;
    IF max_replicas < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "max_replicas"',
            DETAIL = 'It is 1 or more; 0 stands for any number.',
            HINT = 'Leave it out to keep what is set.';
    END IF;
    UPDATE flavor f SET reserved = coalesce(set_flavor.reserved, f.reserved),
        max_replicas = nullif(coalesce(set_flavor.max_replicas, f.max_replicas), 0)
    WHERE f.flavor_id = given.flavor_id;
END $$;
COMMENT ON FUNCTION set_flavor(text, resource_list, integer) IS
'sets what jobs cannot have of nodes of a flavor, for nodes to come (see set_node_reserved), and how many replicas of it a job in a public pool may have (0: any number); NULL: leaves it. Operators only (42501); 42704: no such flavor; 22023: more reserved than there is, or of the accelerator, a negative number';

CREATE FUNCTION create_volume_type(
    name text, sku text DEFAULT NULL, least_gib integer DEFAULT 5, most_gib integer DEFAULT 4096, request_id text DEFAULT NULL) RETURNS void
LANGUAGE pool_manager AS $$
BEGIN
    PERFORM require_level(0, 'operator');
    IF earlier_results(0) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM check_name(name, 'name');
    IF NOT (least_gib >= 1 AND least_gib <= most_gib) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "least_gib"',
            DETAIL = format('Volumes of %s to %s GiB cannot be.', least_gib, most_gib),
            HINT = 'The least is 1 GiB or more, and at most "most_gib".';
    END IF;
    INSERT INTO volume_type (volume_type, sku_id, least_gib, most_gib, created_at)
    VALUES (create_volume_type.name, CASE WHEN sku IS NOT NULL THEN find_hourly_sku(sku) END, create_volume_type.least_gib,
        create_volume_type.most_gib, write_clock())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42710',
            MESSAGE = format('volume type "%s" already exists', name),
            DETAIL = 'Names are not given twice.',
            HINT = 'Choose another name; with a "request_id" a call can be repeated.';
    END IF;
    PERFORM remember_results('{}');
END $$;
COMMENT ON FUNCTION create_volume_type(text, text, integer, integer, text) IS
'makes a kind of block storage, for volumes of so many GiB, billed as a SKU by the GiB (NULL: free). Operators only (42501); 42704: no such SKU; 22023: sizes that cannot be, a malformed name, the SKU is priced once; 42710: the name is taken; PM004: request_id used before with other content';
