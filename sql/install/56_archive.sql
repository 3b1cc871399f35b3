-- Archiving: history of closed months leaves for tables of the operator's own.
-- What is written there is written with the caller's rights: triggers, types and
-- casts of those tables are not the extension's.

CREATE FUNCTION mark_archived(tenant bigint, before date) RETURNS timestamptz LANGUAGE pool_manager AS $$
DECLARE
    result timestamptz;
BEGIN
    PERFORM require_level(0, 'operator');
    PERFORM find_tenant(tenant);
    -- in the order of who rates: no price is set for a time while it is put away
    PERFORM FROM price_book FOR SHARE;
    PERFORM FROM ledger l WHERE l.tenant_id = mark_archived.tenant FOR NO KEY UPDATE;
    WITH marked AS (
        UPDATE ledger l SET archived_until = closed.until
        FROM (SELECT max(p.period_end) AS until
              FROM billing_period p JOIN billing_terms(mark_archived.tenant) t ON p.period_start >= t.starts_at AND p.period_start < t.ends_at
              WHERE p.tenant_id = mark_archived.tenant AND p.state = 'closed'
                AND p.period_end <= mark_archived.before::timestamp AT TIME ZONE t.time_zone) AS closed
        WHERE l.tenant_id = mark_archived.tenant AND l.archived_until < closed.until
        RETURNING l.archived_until)
    INSERT INTO event (tenant_id, at, kind, actor, reason)
    SELECT mark_archived.tenant, write_clock(), 'archived', actor(), format('up to %s', m.archived_until) FROM marked m;
    SELECT l.archived_until INTO result FROM ledger l WHERE l.tenant_id = mark_archived.tenant;
    RETURN coalesce(result, '-infinity');
END $$;
COMMENT ON FUNCTION mark_archived(bigint, date) IS
'first half of archive: takes the books of a tenant and marks its closed periods that end by the beginning of a local day as archived; returns up to when they are, -infinity: none. Nothing is moved. Operators only (42501); 42704: no such tenant; 22004: NULL';

CREATE FUNCTION drop_archived(tenant bigint, charges bigint[], usage bigint[], schema text) RETURNS void
    AS 'MODULE_PATHNAME', 'pm_sql_drop_archived' LANGUAGE C;
COMMENT ON FUNCTION drop_archived(bigint, bigint[], bigint[], text) IS
'second half of archive, after the rows were copied into a schema, which an event names: deletes these charges and rows of usage, all or none, if they are of archived periods. They are gone then: whoever calls it by hand keeps them first. Operators only (42501); 55000: a row is not there, or of no archived period, or is to stay; 23503: a row that stays refers to one; 42704: no such tenant; 22004: NULL';

CREATE FUNCTION not_archived(tenant bigint, since date) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path TO pg_catalog, pool_manager, pg_temp AS $$
DECLARE
    gone record;
BEGIN
    SELECT n.name, l.archived_until INTO gone
    FROM ledger l
    JOIN tenant n USING (tenant_id)
    JOIN LATERAL billing_terms(l.tenant_id) AS t ON l.archived_until > t.starts_at AND l.archived_until <= t.ends_at
    WHERE l.tenant_id = not_archived.tenant AND l.archived_until > not_archived.since::timestamp AT TIME ZONE t.time_zone;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('what tenant "%s" used before %s has been archived', gone.name, gone.archived_until),
            DETAIL = format('Asked was for local days from %s on.', since),
            HINT = 'Name a "since" not before then; charges before it are in table "charge" of the schema that events "archived" name.';
    END IF;
    RETURN tenant;
END $$;
COMMENT ON FUNCTION not_archived(bigint, date) IS
'the tenant, if nothing that it used on a local day or later was archived. For all; 55000: some was';

CREATE PROCEDURE archive(before date, schema text, batch integer DEFAULT 10000) LANGUAGE pool_manager AS $$
DECLARE
    copies text[] := '{}';
    copied bigint[];
    kept bigint[];
    of_tenant bigint;
    until timestamptz;
    last_start timestamptz;
    last_usage bigint;
    part record;
    again boolean := false;
BEGIN
    -- a procedure that commits has no path of its own, and a commit takes back what it sets
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    -- others see no tenants: they are told so, of the provider who has no books
    PERFORM pool_manager.mark_archived(0, '-infinity');
    IF batch NOT BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "batch"',
            DETAIL = 'So many rows of usage, from 1 to 1000000, are looked at in a transaction.',
            HINT = 'Leave it out.';
    END IF;
    IF NOT isfinite(before) THEN
        RAISE EXCEPTION USING ERRCODE = '22008',
            MESSAGE = 'argument "before" must be finite',
            DETAIL = 'Months that end by the beginning of a day are put away.',
            HINT = 'Name a day.';
    END IF;
    IF schema = 'pool_manager' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid value for argument "schema"',
            DETAIL = 'It is that of the extension, where charges and usage are now.',
            HINT = 'Name one of yours, with tables like those of the extension.';
    END IF;
    -- one statement for charges, one for usage: what a table of that name and these columns takes, it returns
    SELECT array_agg(format(
        'WITH copied AS (INSERT INTO %1$I.%2$I (%3$s) SELECT %3$s FROM pool_manager.%2$I'
        ' WHERE tenant_id = $1 AND usage_id = ANY ($2) RETURNING %4$I) SELECT coalesce(array_agg(%4$I), ''{}'') FROM copied',
        schema, t.name, a.columns, t.id) ORDER BY t.name) INTO copies
    FROM (VALUES ('charge', 'charge_id'), ('usage', 'usage_id')) AS t(name, id),
         LATERAL (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) AS columns FROM pg_attribute a
                  WHERE a.attrelid = format('pool_manager.%I', t.name)::regclass AND a.attnum > 0 AND NOT a.attisdropped) AS a
    WHERE to_regclass(format('%I.%I', schema, t.name)) IS NOT NULL;
    IF cardinality(copies) IS DISTINCT FROM 2 THEN
        RAISE EXCEPTION USING ERRCODE = '42P01',
            MESSAGE = format('schema "%s" does not have tables "charge" and "usage"', schema),
            DETAIL = 'History goes into ordinary tables of yours, with columns like those of the extension.',
            HINT = format('CREATE TABLE %1$I.charge (LIKE pool_manager.charge); CREATE TABLE %1$I.usage (LIKE pool_manager.usage);', schema);
    END IF;
    FOR of_tenant IN SELECT t.tenant_id FROM pool_manager.tenant t WHERE t.tenant_id <> 0 ORDER BY t.tenant_id LOOP
        last_start := '-infinity';
        last_usage := 0;
        LOOP
            PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
            until := pool_manager.mark_archived(of_tenant, before);
            -- usage and what takes it back go together, with all their charges, or stay: while anything of them is unrated,
            -- booked in a period that is not archived, or corrected by an adjustment
            WITH seen AS MATERIALIZED (
                SELECT u.usage_id, u.started_at, u.source IS NULL AS leaves FROM pool_manager.usage u
                WHERE u.tenant_id = of_tenant AND u.corrects IS NULL AND u.started_at <= until
                  AND (u.started_at, u.usage_id) > (last_start, last_usage)
                ORDER BY u.started_at, u.usage_id LIMIT batch),
            family AS MATERIALIZED (
                SELECT s.usage_id AS root, s.leaves, s.usage_id FROM seen s
                UNION ALL
                SELECT s.usage_id, s.leaves, u.usage_id FROM seen s
                JOIN pool_manager.usage u ON u.tenant_id = of_tenant AND u.corrects = s.usage_id),
            charged AS MATERIALIZED (
                SELECT f.root, f.usage_id, c.charge_id, c.period_start FROM family f
                JOIN pool_manager.charge c ON c.tenant_id = of_tenant AND c.usage_id = f.usage_id),
            stays AS MATERIALIZED (
                SELECT f.root FROM family f JOIN pool_manager.unrated r ON r.tenant_id = of_tenant AND r.usage_id = f.usage_id
                UNION SELECT c.root FROM charged c WHERE c.period_start >= until
                UNION SELECT c.root FROM charged c
                JOIN pool_manager.charge a ON a.tenant_id = of_tenant AND a.corrects = c.charge_id AND a.usage_id IS NULL)
            SELECT (SELECT count(*) FROM seen) AS seen, l.started_at, l.usage_id,
                   ARRAY(SELECT DISTINCT c.usage_id FROM charged c WHERE c.root NOT IN (SELECT s.root FROM stays s)) AS charged,
                   (SELECT count(*) FROM charged c WHERE c.root NOT IN (SELECT s.root FROM stays s)) AS charges,
                   ARRAY(SELECT f.usage_id FROM family f WHERE f.leaves AND f.root NOT IN (SELECT s.root FROM stays s)) AS usage
            INTO part
            FROM (VALUES (1)) AS one
            LEFT JOIN LATERAL (SELECT s.started_at, s.usage_id FROM seen s ORDER BY 1 DESC, 2 DESC LIMIT 1) AS l ON true;
            EXIT WHEN part.seen = 0;
            BEGIN
                EXECUTE copies[1] INTO copied USING of_tenant, part.charged;
                EXECUTE copies[2] INTO kept USING of_tenant, part.usage;
                IF (cardinality(copied), cardinality(kept)) IS DISTINCT FROM (part.charges, cardinality(part.usage)) THEN
                    RAISE EXCEPTION USING ERRCODE = '55000',
                        MESSAGE = format('tables of schema "%s" do not take all rows', schema),
                        DETAIL = format('Of %s charges %s were kept, of %s rows of usage %s.',
                            part.charges, cardinality(copied), cardinality(part.usage), cardinality(kept)),
                        HINT = 'Triggers on them may leave out none. What was committed before is archived; call again to go on.';
                END IF;
                PERFORM pool_manager.drop_archived(of_tenant, copied, kept, schema);
            EXCEPTION WHEN foreign_key_violation THEN
                -- usage that was corrected meanwhile stays: now that is seen
                IF again THEN
                    RAISE;
                END IF;
                again := true;
                CONTINUE;
            END;
            again := false;
            last_start := part.started_at;
            last_usage := part.usage_id;
            COMMIT;
        END LOOP;
        COMMIT;
    END LOOP;
END $$;
COMMENT ON PROCEDURE archive(date, text, integer) IS
'moves charges and usage of all closed billing periods that end by the beginning of a local day into tables charge and usage of a schema, which are the operator''s own and like those of the extension; batch: how many rows of usage are looked at in a transaction. What was done stays done: called again it goes on. Bookings, bills, counters, adjustments, taxes and the records of external meters stay, and what is still to be rated or was corrected later, until a later call. Not within a transaction block (2D000). Operators only (42501); 42P01: no such tables; 55000: they do not take all rows; 22008: a day that is not finite; 22023: batch, or the schema of the extension; 22004: NULL';
