-- The type resource_list: what a node has, a job asks for, a quota allows.

CREATE TYPE resource_list;

CREATE FUNCTION resource_list_in(cstring) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_in(cstring) IS
    'text input: cpu=8,memory=64Gi in any order, quantities in the Kubernetes grammar; 22P02 malformed, 22003 too precise or too large, 22023 repeated name, 54000 name over 317 bytes or over 65535 entries';

CREATE FUNCTION resource_list_out(resource_list) RETURNS cstring
    AS 'MODULE_PATHNAME', 'pm_rl_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_out(resource_list) IS
    'canonical text: names sorted bytewise, no zero entries';

CREATE FUNCTION resource_list_recv(internal) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_recv(internal) IS
    'binary input; 22P03 for anything but what resource_list_send makes';

CREATE FUNCTION resource_list_send(resource_list) RETURNS bytea
    AS 'MODULE_PATHNAME', 'pm_rl_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_send(resource_list) IS
    'binary output: version, count, then name and value (bytes or thousandths) of each entry';

CREATE FUNCTION resource_list_subscript(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'pm_rl_subscript' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_subscript(internal) IS
    'subscripting: list[name] is quantity(list, name); assignment is refused (0A000)';

CREATE TYPE resource_list (
    INPUT = resource_list_in,
    OUTPUT = resource_list_out,
    RECEIVE = resource_list_recv,
    SEND = resource_list_send,
    SUBSCRIPT = resource_list_subscript,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE resource_list IS
    'amounts of named resources, such as cpu=8,memory=64Gi,nvidia.com/gpu=1; memory, storage, ephemeral-storage and hugepages-* in whole bytes, others in thousandths';

-- JSON

CREATE FUNCTION resource_list_from_json(json) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_from_json' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_from_json(json) IS
    'list of an object of names and quantities, numbers or strings; 22023 for other JSON or a repeated name, else as text input';

CREATE FUNCTION resource_list_from_jsonb(jsonb) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_from_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_from_jsonb(jsonb) IS
    'list of an object of names and quantities, numbers or strings; 22023 for other JSON, else as text input';

CREATE FUNCTION resource_list_to_json(resource_list) RETURNS json
    AS 'MODULE_PATHNAME', 'pm_rl_to_json' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_to_json(resource_list) IS
    'object of names and canonical quantity strings';

CREATE FUNCTION resource_list_to_jsonb(resource_list) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'pm_rl_to_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_to_jsonb(resource_list) IS
    'object of names and canonical quantity strings';

CREATE CAST (json AS resource_list) WITH FUNCTION resource_list_from_json(json);
COMMENT ON CAST (json AS resource_list) IS 'object of names and quantities to list';
CREATE CAST (jsonb AS resource_list) WITH FUNCTION resource_list_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS resource_list) IS 'object of names and quantities to list';
CREATE CAST (resource_list AS json) WITH FUNCTION resource_list_to_json(resource_list);
COMMENT ON CAST (resource_list AS json) IS 'list to object of names and quantity strings';
CREATE CAST (resource_list AS jsonb) WITH FUNCTION resource_list_to_jsonb(resource_list);
COMMENT ON CAST (resource_list AS jsonb) IS 'list to object of names and quantity strings';

-- Order and equality

CREATE FUNCTION resource_list_eq(resource_list, resource_list) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_rl_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_eq(resource_list, resource_list) IS 'implementation of = operator';
CREATE FUNCTION resource_list_ne(resource_list, resource_list) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_rl_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_ne(resource_list, resource_list) IS 'implementation of <> operator';
CREATE FUNCTION resource_list_lt(resource_list, resource_list) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_rl_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_lt(resource_list, resource_list) IS 'implementation of < operator';
CREATE FUNCTION resource_list_le(resource_list, resource_list) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_rl_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_le(resource_list, resource_list) IS 'implementation of <= operator';
CREATE FUNCTION resource_list_gt(resource_list, resource_list) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_rl_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_gt(resource_list, resource_list) IS 'implementation of > operator';
CREATE FUNCTION resource_list_ge(resource_list, resource_list) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_rl_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_ge(resource_list, resource_list) IS 'implementation of >= operator';
CREATE FUNCTION resource_list_cmp(resource_list, resource_list) RETURNS integer
    AS 'MODULE_PATHNAME', 'pm_rl_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_cmp(resource_list, resource_list) IS
    'less than, equal to or greater than 0: the first name, bytewise, whose quantities differ decides; absent is 0';
CREATE FUNCTION resource_list_hash(resource_list) RETURNS integer
    AS 'MODULE_PATHNAME', 'pm_rl_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_hash(resource_list) IS 'hash of 32 bits';
CREATE FUNCTION resource_list_hash_extended(resource_list, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_rl_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_hash_extended(resource_list, bigint) IS 'hash of 64 bits with a seed';

CREATE OPERATOR = (
    LEFTARG = resource_list, RIGHTARG = resource_list, FUNCTION = resource_list_eq,
    COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR = (resource_list, resource_list) IS 'equal in every entry';
CREATE OPERATOR <> (
    LEFTARG = resource_list, RIGHTARG = resource_list, FUNCTION = resource_list_ne,
    COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (resource_list, resource_list) IS 'different in some entry';
CREATE OPERATOR < (
    LEFTARG = resource_list, RIGHTARG = resource_list, FUNCTION = resource_list_lt,
    COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (resource_list, resource_list) IS 'before in sort order; for "fits into" use <@';
CREATE OPERATOR <= (
    LEFTARG = resource_list, RIGHTARG = resource_list, FUNCTION = resource_list_le,
    COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (resource_list, resource_list) IS 'before in sort order or equal; for "fits into" use <@';
CREATE OPERATOR > (
    LEFTARG = resource_list, RIGHTARG = resource_list, FUNCTION = resource_list_gt,
    COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (resource_list, resource_list) IS 'after in sort order; for "fits into" use @>';
CREATE OPERATOR >= (
    LEFTARG = resource_list, RIGHTARG = resource_list, FUNCTION = resource_list_ge,
    COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (resource_list, resource_list) IS 'after in sort order or equal; for "fits into" use @>';

CREATE OPERATOR CLASS resource_list_ops DEFAULT FOR TYPE resource_list USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
    FUNCTION 1 resource_list_cmp(resource_list, resource_list),
    FUNCTION 4 btequalimage(oid);
COMMENT ON OPERATOR CLASS resource_list_ops USING btree IS 'total order of resource_list';
COMMENT ON OPERATOR FAMILY resource_list_ops USING btree IS 'total order of resource_list';

CREATE OPERATOR CLASS resource_list_ops DEFAULT FOR TYPE resource_list USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 resource_list_hash(resource_list),
    FUNCTION 2 resource_list_hash_extended(resource_list, bigint);
COMMENT ON OPERATOR CLASS resource_list_ops USING hash IS 'equality of resource_list';
COMMENT ON OPERATOR FAMILY resource_list_ops USING hash IS 'equality of resource_list';

-- Arithmetic

CREATE FUNCTION resource_list_add(resource_list, resource_list) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_add(resource_list, resource_list) IS 'implementation of + operator';
CREATE FUNCTION resource_list_subtract(resource_list, resource_list) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_subtract' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_subtract(resource_list, resource_list) IS 'implementation of - operator';
CREATE FUNCTION resource_list_negate(resource_list) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_negate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_negate(resource_list) IS 'implementation of - operator';
CREATE FUNCTION resource_list_multiply(resource_list, bigint) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_multiply' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_multiply(resource_list, bigint) IS 'implementation of * operator';
CREATE FUNCTION resource_list_multiply(bigint, resource_list) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_multiply_left' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_multiply(bigint, resource_list) IS 'implementation of * operator';

CREATE OPERATOR + (
    LEFTARG = resource_list, RIGHTARG = resource_list, FUNCTION = resource_list_add, COMMUTATOR = +
);
COMMENT ON OPERATOR + (resource_list, resource_list) IS 'sum, entry by entry; 22003 on overflow';
CREATE OPERATOR - (
    LEFTARG = resource_list, RIGHTARG = resource_list, FUNCTION = resource_list_subtract
);
COMMENT ON OPERATOR - (resource_list, resource_list) IS 'difference, entry by entry, may be negative; 22003 on overflow';
CREATE OPERATOR - (
    RIGHTARG = resource_list, FUNCTION = resource_list_negate
);
COMMENT ON OPERATOR - (NONE, resource_list) IS 'every entry negated; 22003 on overflow';
CREATE OPERATOR * (
    LEFTARG = resource_list, RIGHTARG = bigint, FUNCTION = resource_list_multiply, COMMUTATOR = *
);
COMMENT ON OPERATOR * (resource_list, bigint) IS 'every entry times a number; 22003 on overflow';
CREATE OPERATOR * (
    LEFTARG = bigint, RIGHTARG = resource_list, FUNCTION = resource_list_multiply, COMMUTATOR = *
);
COMMENT ON OPERATOR * (bigint, resource_list) IS 'every entry times a number; 22003 on overflow';

-- Fit

CREATE FUNCTION resource_list_contains(resource_list, resource_list) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_rl_contains' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_contains(resource_list, resource_list) IS 'implementation of @> operator';
CREATE FUNCTION resource_list_contained(resource_list, resource_list) RETURNS boolean
    AS 'MODULE_PATHNAME', 'pm_rl_contained' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_contained(resource_list, resource_list) IS 'implementation of <@ operator';

CREATE OPERATOR @> (
    LEFTARG = resource_list, RIGHTARG = resource_list, FUNCTION = resource_list_contains,
    COMMUTATOR = <@, RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR @> (resource_list, resource_list) IS 'the right fits into the left: no entry of it is greater; absent is 0';
CREATE OPERATOR <@ (
    LEFTARG = resource_list, RIGHTARG = resource_list, FUNCTION = resource_list_contained,
    COMMUTATOR = @>, RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR <@ (resource_list, resource_list) IS 'the left fits into the right: no entry of it is greater; absent is 0';

CREATE FUNCTION copies(capacity resource_list, request resource_list) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_rl_copies' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION copies(resource_list, resource_list) IS
    'how many times the request fits into the capacity; a negative capacity counts as 0; NULL (no limit) for an empty request; 22023 for a negative one';

CREATE FUNCTION dominant_share(request resource_list, capacity resource_list) RETURNS numeric
    AS 'MODULE_PATHNAME', 'pm_rl_dominant_share' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dominant_share(resource_list, resource_list) IS
    'the greatest of request / capacity over the resources requested, as a fraction; 0 for an empty request; NULL if one is requested of which there is none; 22023 for a negative request';

-- Entries

CREATE FUNCTION quantity(list resource_list, name text) RETURNS numeric
    AS 'MODULE_PATHNAME', 'pm_rl_quantity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION quantity(resource_list, text) IS
    'one entry, in bytes for memory and storage, else in units; 0 if absent';

CREATE FUNCTION resource_each_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'pm_rl_each_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_each_support(internal) IS 'planner support of resource_each: number of rows';

CREATE FUNCTION resource_each(list resource_list, OUT name text, OUT quantity numeric) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'pm_rl_each' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    ROWS 4 SUPPORT resource_each_support;
COMMENT ON FUNCTION resource_each(resource_list) IS
    'the entries, by name; quantities in bytes for memory and storage, else in units';

CREATE FUNCTION resource_max(resource_list, resource_list) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_max' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_max(resource_list, resource_list) IS
    'the greater of each entry; absent is 0';

CREATE FUNCTION resource_min(resource_list, resource_list) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_min' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_min(resource_list, resource_list) IS
    'the lesser of each entry; absent is 0';

-- Aggregates

CREATE FUNCTION resource_list_agg_sum(internal, resource_list) RETURNS internal
    AS 'MODULE_PATHNAME', 'pm_rl_agg_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_sum(internal, resource_list) IS 'transition of sum';
CREATE FUNCTION resource_list_agg_max(internal, resource_list) RETURNS internal
    AS 'MODULE_PATHNAME', 'pm_rl_agg_max' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_max(internal, resource_list) IS 'transition of resource_max';
CREATE FUNCTION resource_list_agg_min(internal, resource_list) RETURNS internal
    AS 'MODULE_PATHNAME', 'pm_rl_agg_min' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_min(internal, resource_list) IS 'transition of resource_min';
CREATE FUNCTION resource_list_agg_sum_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'pm_rl_agg_sum_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_sum_combine(internal, internal) IS 'combination of sum';
CREATE FUNCTION resource_list_agg_max_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'pm_rl_agg_max_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_max_combine(internal, internal) IS 'combination of resource_max';
CREATE FUNCTION resource_list_agg_min_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'pm_rl_agg_min_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_min_combine(internal, internal) IS 'combination of resource_min';
CREATE FUNCTION resource_list_agg_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'pm_rl_agg_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_serialize(internal) IS 'state of an aggregate to bytes';
CREATE FUNCTION resource_list_agg_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'pm_rl_agg_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_deserialize(bytea, internal) IS 'bytes to state of an aggregate';
CREATE FUNCTION resource_list_agg_sum_final(internal) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_agg_sum_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_sum_final(internal) IS 'result of sum';
CREATE FUNCTION resource_list_agg_max_final(internal) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_agg_max_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_max_final(internal) IS 'result of resource_max';
CREATE FUNCTION resource_list_agg_min_final(internal) RETURNS resource_list
    AS 'MODULE_PATHNAME', 'pm_rl_agg_min_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION resource_list_agg_min_final(internal) IS 'result of resource_min';

CREATE AGGREGATE sum(resource_list) (
    SFUNC = resource_list_agg_sum, STYPE = internal, SSPACE = 1024,
    FINALFUNC = resource_list_agg_sum_final, COMBINEFUNC = resource_list_agg_sum_combine,
    SERIALFUNC = resource_list_agg_serialize, DESERIALFUNC = resource_list_agg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(resource_list) IS
    'sum, entry by entry, over all that are not NULL; 22003 if the result overflows, 54000 over 65535 names';

CREATE AGGREGATE resource_max(resource_list) (
    SFUNC = resource_list_agg_max, STYPE = internal, SSPACE = 1024,
    FINALFUNC = resource_list_agg_max_final, COMBINEFUNC = resource_list_agg_max_combine,
    SERIALFUNC = resource_list_agg_serialize, DESERIALFUNC = resource_list_agg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE resource_max(resource_list) IS
    'the greatest of each entry over all that are not NULL; absent is 0; 54000 over 65535 names';

CREATE AGGREGATE resource_min(resource_list) (
    SFUNC = resource_list_agg_min, STYPE = internal, SSPACE = 1024,
    FINALFUNC = resource_list_agg_min_final, COMBINEFUNC = resource_list_agg_min_combine,
    SERIALFUNC = resource_list_agg_serialize, DESERIALFUNC = resource_list_agg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE resource_min(resource_list) IS
    'the least of each entry over all that are not NULL; absent is 0; 54000 over 65535 names';
