-- What the calls on pools check of what they are given, and of the pool.

CREATE FUNCTION refuse_argument(argument text, detail text, hint text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('invalid value for argument "%s"', argument),
        DETAIL = detail, HINT = hint;
END $$;
COMMENT ON FUNCTION refuse_argument(text, text, text) IS 'refuses the value of an argument (22023). Bodies of calls only';

CREATE FUNCTION flavor_counts(counts jsonb, argument text) RETURNS TABLE (flavor_id bigint, count integer)
LANGUAGE plpgsql AS $$
DECLARE
    unknown text;
BEGIN
    IF jsonb_typeof(counts) <> 'object'
        OR jsonb_path_exists(counts, 'strict $.* ? (@.type() != "number" || @ < 0 || @ > 1000000 || @ != @.floor())') THEN
        PERFORM refuse_argument(argument, 'It must be an object of numbers of nodes, by the names of their flavors; 0 to 1000000 each.',
            'Write it like {"vm.cpu.8u": 4}.');
    END IF;
    SELECT k INTO unknown FROM jsonb_object_keys(counts) AS k
    WHERE NOT EXISTS (SELECT FROM flavor f WHERE f.name = k) ORDER BY k LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('flavor "%s" does not exist', unknown),
            DETAIL = 'The catalogue has none of this name.',
            HINT = 'Table "flavor" shows them; an operator makes one with create_flavor().';
    END IF;
    RETURN QUERY SELECT f.flavor_id, (e.value)::numeric::integer
        FROM jsonb_each(counts) AS e JOIN flavor f ON f.name = e.key ORDER BY f.flavor_id;
END $$;
COMMENT ON FUNCTION flavor_counts(jsonb, text) IS
'numbers of nodes, by the ids of their flavors. Bodies of calls only; 22023: another form; 42704: no such flavor';

CREATE FUNCTION check_workspace(tenant bigint, workspace bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM workspace w WHERE w.tenant_id = check_workspace.tenant AND w.workspace_id = check_workspace.workspace;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('workspace %s does not exist', workspace),
            DETAIL = format('There is none with this id that role "%s" may see.', actor()),
            HINT = 'Table "workspace" shows those that it may see.';
    END IF;
END $$;
COMMENT ON FUNCTION check_workspace(bigint, bigint) IS
'refuses the id of a workspace that the tenant does not have (42704). Bodies of calls only';

CREATE FUNCTION lock_live_pool(pool bigint) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
    instant constant timestamptz := lock_pool(pool);
BEGIN
    -- it may have gone while this call waited
    PERFORM find_pool(pool);
    RETURN instant;
END $$;
COMMENT ON FUNCTION lock_live_pool(bigint) IS
'takes the lock of a pool that is not deleted; returns the instant of the change. Bodies of calls only; 42704: no such pool';

CREATE FUNCTION check_no_order(pool bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    it record;
BEGIN
    SELECT p.name, o.order_id, o.operation, o.phase, o.created_at INTO it FROM pool_order o JOIN pool p USING (pool_id)
    WHERE o.pool_id = check_no_order.pool AND o.ended_at IS NULL;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" has an open order', it.name),
            DETAIL = format('Order %s (%s) is %s.', it.order_id, it.operation, it.phase),
            HINT = 'Wait until it has ended; the view pool_orders shows how far it is.';
    END IF;
END $$;
COMMENT ON FUNCTION check_no_order(bigint) IS
'refuses to go on while an order of the pool is open (PM002). Under the pool''s lock; bodies of calls only';

CREATE FUNCTION check_changeable(pool bigint, sizes boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    it record;
BEGIN
    SELECT p.name, p.state, p.migrating, p.restrictions INTO it FROM pool p WHERE p.pool_id = check_changeable.pool;
    IF 'frozen' = ANY (it.restrictions) OR (sizes AND 'flavor_change' = ANY (it.restrictions)) THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002',
            MESSAGE = format('pool "%s" is restricted: %s', it.name,
                CASE WHEN 'frozen' = ANY (it.restrictions) THEN 'frozen' ELSE 'flavor_change' END),
            DETAIL = CASE WHEN 'frozen' = ANY (it.restrictions) THEN 'The provider has forbidden all changes of it but its deletion.'
                ELSE 'The provider has forbidden changes of its nodes'' number and flavors.' END,
            HINT = 'An operator can lift the restriction with restrict_pool().';
    END IF;
    IF NOT sizes THEN
        RETURN;
    END IF;
    IF it.state NOT IN ('running', 'scaling_failed') THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" is not running', it.name),
            DETAIL = format('It is %s, and only a running pool changes its size.', it.state),
            HINT = 'The view pool_orders shows what is under way.';
    END IF;
    IF it.migrating THEN
        RAISE EXCEPTION USING ERRCODE = 'PM002', MESSAGE = format('pool "%s" is migrating', it.name),
            DETAIL = 'It is being made a unified pool; its size cannot change meanwhile.',
            HINT = 'Wait until the migration is done; the view pool_orders shows it.';
    END IF;
    PERFORM check_no_order(pool);
END $$;
COMMENT ON FUNCTION check_changeable(bigint, boolean) IS
'refuses changes of a frozen pool, and where the size is to change, of one that is restricted in that, is not running, is migrating or has an open order (PM002). Under the pool''s lock; bodies of calls only';

CREATE FUNCTION check_node_flavor(pool bigint, flavor bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    it record;
BEGIN
    SELECT p.name AS pool, p.kind, f.name, f.sku_id, f.cpu_architecture::text AS architecture, f.sale,
        (SELECT min(r.name) FROM resource_each(f.resources) r
         WHERE NOT EXISTS (SELECT FROM flavor_resource_sku s WHERE s.flavor_id = f.flavor_id AND s.resource = r.name)) AS unlisted,
        g.architecture AS pool_architecture, g.others INTO it
    FROM pool p, flavor f, LATERAL (
        SELECT min(g.cpu_architecture::text) AS architecture, count(*) FILTER (WHERE g.flavor_id <> f.flavor_id) AS others
        FROM node_group g WHERE g.pool_id = p.pool_id) g
    WHERE p.pool_id = check_node_flavor.pool AND f.flavor_id = check_node_flavor.flavor;
    IF it.kind = 'dedicated' AND it.sku_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('flavor "%s" has no SKU', it.name),
            DETAIL = 'Nodes of a dedicated pool are billed as the SKU of their flavor.',
            HINT = 'Give the flavor a SKU when you create it.';
    END IF;
    IF it.kind = 'public' AND it.unlisted IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('resource "%s" of flavor "%s" has no SKU', it.unlisted, it.name),
            DETAIL = 'Jobs with a bare request are billed by resource in a public pool.',
            HINT = 'Name one with set_resource_sku(), or list the resource as free with a NULL SKU.';
    END IF;
    IF it.architecture <> it.pool_architecture THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('pool "%s" cannot have nodes of flavor "%s"', it.pool, it.name),
            DETAIL = format('The flavor''s processors are %s, those of the pool %s.', it.architecture, it.pool_architecture),
            HINT = 'Make a pool of their own for nodes of another processor architecture.';
    END IF;
    IF it.others >= 10 THEN
        RAISE EXCEPTION USING ERRCODE = '54000',
            MESSAGE = format('pool "%s" cannot have nodes of flavor "%s"', it.pool, it.name),
            DETAIL = format('It has nodes of %s other flavors, which is the most.', it.others),
            HINT = 'Add nodes of one of these flavors, or make another pool.';
    END IF;
    IF it.sale = 'sold_out' THEN
        RAISE EXCEPTION USING ERRCODE = 'PM003', MESSAGE = format('flavor "%s" is sold out', it.name),
            DETAIL = 'No more nodes of it can be had at the moment.',
            HINT = 'Wait until it is on sale again, or take another flavor.';
    END IF;
END $$;
COMMENT ON FUNCTION check_node_flavor(bigint, bigint) IS
'refuses nodes of a flavor that a pool cannot have more of. Bodies of calls only; 55000: it cannot be billed, or has another processor architecture; 54000: an eleventh flavor; PM003: sold out';

CREATE FUNCTION check_disks(disk_count integer, disk_gib integer, disk_type text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    it record;
BEGIN
    IF disk_count NOT BETWEEN 0 AND 16 THEN
        PERFORM refuse_argument('disk_count', 'A node has 0 to 16 data disks.', 'Take larger ones.');
    END IF;
    IF (disk_count = 0) <> (disk_gib IS NULL) OR (disk_count = 0) <> (disk_type IS NULL) THEN
        PERFORM refuse_argument('disk_count', 'Data disks have a size and a type, and without disks there is neither.',
            'Give disk_count, disk_gib and disk_type together.');
    END IF;
    IF disk_count = 0 THEN
        RETURN;
    END IF;
    SELECT v.least_gib, v.most_gib INTO it FROM volume_type v WHERE v.volume_type = check_disks.disk_type;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('volume type "%s" does not exist', disk_type),
            DETAIL = 'The catalogue has none of this name.', HINT = 'Table "volume_type" shows them.';
    END IF;
    IF disk_gib NOT BETWEEN it.least_gib AND it.most_gib THEN
        PERFORM refuse_argument('disk_gib', format('A volume of this type has %s to %s GiB.', it.least_gib, it.most_gib),
            'Take another size or type.');
    END IF;
END $$;
COMMENT ON FUNCTION check_disks(integer, integer, text) IS
'refuses data disks that nodes cannot have. Bodies of calls only; 22023: their number or size; 42704: no such volume type';

REVOKE EXECUTE ON FUNCTION refuse_argument(text, text, text), flavor_counts(jsonb, text), lock_live_pool(bigint), check_no_order(bigint),
    check_changeable(bigint, boolean), check_node_flavor(bigint, bigint), check_disks(integer, integer, text),
    check_workspace(bigint, bigint) FROM PUBLIC;
