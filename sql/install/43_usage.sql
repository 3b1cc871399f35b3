-- Calls for external meters, and for what was metered wrongly.

CREATE FUNCTION record_usage(
    tenant bigint, sku text, quantity numeric, started_at timestamptz, ended_at timestamptz DEFAULT NULL,
    source text DEFAULT NULL, event_id text DEFAULT NULL, workspace bigint DEFAULT NULL, pool bigint DEFAULT NULL,
    job bigint DEFAULT NULL) RETURNS TABLE (usage_id bigint, recorded boolean)
    AS 'MODULE_PATHNAME', 'pm_sql_record_usage' LANGUAGE C ROWS 1;
COMMENT ON FUNCTION record_usage(bigint, text, numeric, timestamptz, timestamptz, text, text, bigint, bigint, bigint) IS
'records what an external meter saw: an event, named by source and event_id, of a quantity (at most three decimals) of a SKU, used from started_at to ended_at, both cut to the second; what is priced once needs no end. Where it was used: a workspace, a pool or a job of the tenant. Returns a row for each of its slices, of which there is one a billing month, and whether it was recorded now: the same event again with the same content is not. Operators only (42501); PM004: recorded before with other content; 42704: no such tenant, SKU, workspace or pool; 22023: a quantity not above 0 or too precise, an end not after the start or in the future, a pool or job that is not the tenant''s, something priced once that goes beyond a month; 22003: out of range; 22004: source, event_id or something else is missing';
CREATE FUNCTION record_usage(
    tenant text, sku text, quantity numeric, started_at timestamptz, ended_at timestamptz DEFAULT NULL,
    source text DEFAULT NULL, event_id text DEFAULT NULL, workspace text DEFAULT NULL, pool text DEFAULT NULL,
    job bigint DEFAULT NULL) RETURNS TABLE (usage_id bigint, recorded boolean)
    AS 'MODULE_PATHNAME', 'pm_sql_record_usage' LANGUAGE C ROWS 1;
COMMENT ON FUNCTION record_usage(text, text, numeric, timestamptz, timestamptz, text, text, text, text, bigint) IS
'the same, tenant, workspace and pool by name';

CREATE FUNCTION record_usages(usage_query text) RETURNS TABLE (usage_id bigint, recorded boolean)
    AS 'MODULE_PATHNAME', 'pm_record_usages' LANGUAGE C ROWS 1000;
COMMENT ON FUNCTION record_usages(text) IS
'records one event for each row of a query, which runs with the caller''s rights; all or none. Columns by name as the arguments of record_usage: tenant, sku, quantity, started_at, source, event_id, and where wanted ended_at, workspace, pool, job; tenant, workspace and pool by name. Returns what record_usage does, in the order of the rows. 54000: more than a million rows; 42701: a column twice; 42703: a column is missing, or unknown; else as record_usage, with the number of the row';

CREATE FUNCTION correct_usage(
    usage bigint, reason text, quantity numeric DEFAULT NULL, started_at timestamptz DEFAULT NULL,
    ended_at timestamptz DEFAULT NULL, request_id text DEFAULT NULL) RETURNS SETOF bigint
    AS 'MODULE_PATHNAME', 'pm_sql_correct_usage' LANGUAGE C ROWS 2;
COMMENT ON FUNCTION correct_usage(bigint, text, numeric, timestamptz, timestamptz, text) IS
'takes usage back and records what is right instead: another quantity, other times; what is left out stays as it was. A quantity of 0 takes all of it back. Nothing is changed: both are new rows of usage, of which the ids are returned, first that of the row that takes back. Of usage of a run''s end the run is longer or shorter by as much, and the row may become empty. What is taken back before it was rated needs no price. Usage is corrected once; what took its place may be corrected in turn. Operators only (42501); 42704: no such usage; 55000: its charges have been archived; PM002: it was corrected before, or takes back itself; 22023: nothing would change, else as record_usage; 22004: no reason; PM004: request_id used before with other content';

CREATE FUNCTION extra_seconds(minimum_seconds integer, quantum_seconds integer, run_seconds bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_sql_extra_seconds' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION extra_seconds(integer, integer, bigint) IS
'seconds that a run is billed beyond those that it took, by a price with a minimum and a quantum: greatest(minimum_seconds, run_seconds rounded up to a multiple of quantum_seconds) - run_seconds; 0 for a run of 0 seconds or NULL';
