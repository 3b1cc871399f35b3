-- tariff: a price model, the amount as a function of a quantity.

CREATE TYPE tariff;

CREATE FUNCTION tariff_in(cstring) RETURNS tariff
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_in';
COMMENT ON FUNCTION tariff_in(cstring) IS
'I/O; a number or a JSON object; errors: 22P02 malformed, unknown or repeated key; 22023 not a tariff as a whole; 22003 more than 24 digits before or after the point; 54000 more than 1000 tiers';

CREATE FUNCTION tariff_out(tariff) RETURNS cstring
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_out';
COMMENT ON FUNCTION tariff_out(tariff) IS 'I/O; the canonical text';

CREATE FUNCTION tariff_recv(internal) RETURNS tariff
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_recv';
COMMENT ON FUNCTION tariff_recv(internal) IS
'I/O; a version byte and the text; errors: 22P03 other version, and those of tariff_in';

CREATE FUNCTION tariff_send(tariff) RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_send';
COMMENT ON FUNCTION tariff_send(tariff) IS 'I/O; a version byte and the text';

CREATE TYPE tariff (
    INPUT = tariff_in,
    OUTPUT = tariff_out,
    RECEIVE = tariff_recv,
    SEND = tariff_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tariff IS
'a price model: a number (so much per unit) or a JSON object with model unit, graduated, volume or package and its prices, flat fees, free_units, convert, minimum, maximum; exact decimals, never negative, without currency or unit';

CREATE FUNCTION tariff_from_numeric(numeric) RETURNS tariff
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_from_numeric';
COMMENT ON FUNCTION tariff_from_numeric(numeric) IS
'a unit tariff from its price per unit; errors as for the text form, NaN and infinity included';

CREATE FUNCTION tariff_from_jsonb(jsonb) RETURNS tariff
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_from_jsonb';
COMMENT ON FUNCTION tariff_from_jsonb(jsonb) IS
'a tariff from a JSON number or object; errors as for the text form';

CREATE FUNCTION tariff_to_jsonb(tariff) RETURNS jsonb
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_to_jsonb';
COMMENT ON FUNCTION tariff_to_jsonb(tariff) IS
'a tariff as JSON: a number if it is a price per unit and nothing else, else an object';

CREATE CAST (numeric AS tariff) WITH FUNCTION tariff_from_numeric(numeric) AS ASSIGNMENT;
COMMENT ON CAST (numeric AS tariff) IS 'a price per unit';
CREATE CAST (jsonb AS tariff) WITH FUNCTION tariff_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS tariff) IS 'a JSON number or object';
CREATE CAST (tariff AS jsonb) WITH FUNCTION tariff_to_jsonb(tariff);
COMMENT ON CAST (tariff AS jsonb) IS 'a JSON number or object';

CREATE FUNCTION tariff_eq(tariff, tariff) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_eq';
COMMENT ON FUNCTION tariff_eq(tariff, tariff) IS 'implementation of = operator';

CREATE FUNCTION tariff_ne(tariff, tariff) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_ne';
COMMENT ON FUNCTION tariff_ne(tariff, tariff) IS 'implementation of <> operator';

CREATE FUNCTION tariff_hash(tariff) RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_hash';
COMMENT ON FUNCTION tariff_hash(tariff) IS 'hash';

CREATE FUNCTION tariff_hash_extended(tariff, bigint) RETURNS bigint
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_hash_extended';
COMMENT ON FUNCTION tariff_hash_extended(tariff, bigint) IS 'hash';

CREATE OPERATOR = (
    LEFTARG = tariff, RIGHTARG = tariff, FUNCTION = tariff_eq,
    COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
COMMENT ON OPERATOR = (tariff, tariff) IS
'same canonical form: the same model with the same numbers';

CREATE OPERATOR <> (
    LEFTARG = tariff, RIGHTARG = tariff, FUNCTION = tariff_ne,
    COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (tariff, tariff) IS 'not the same canonical form';

CREATE OPERATOR FAMILY tariff_hash_ops USING hash;
COMMENT ON OPERATOR FAMILY tariff_hash_ops USING hash IS 'tariffs by their canonical form';

CREATE OPERATOR CLASS tariff_hash_ops DEFAULT FOR TYPE tariff USING hash FAMILY tariff_hash_ops AS
    OPERATOR 1 = (tariff, tariff),
    FUNCTION 1 tariff_hash(tariff),
    FUNCTION 2 tariff_hash_extended(tariff, bigint);
COMMENT ON OPERATOR CLASS tariff_hash_ops USING hash IS 'tariffs by their canonical form';

CREATE FUNCTION amount(tariff tariff, quantity numeric, already numeric DEFAULT NULL) RETURNS numeric
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pm_tariff_amount';
COMMENT ON FUNCTION amount(tariff, numeric, numeric) IS
'exact price of the next quantity units when already units were used in the period: A(already + quantity) - A(already); already NULL: nothing booked yet, so flat fees and minimum fall due; already 0: booked before; a negative quantity takes back; NULL if tariff or quantity is; errors: 22023 not finite, or below 0 in sum';

CREATE FUNCTION lines(
    tariff tariff, quantity numeric, already numeric DEFAULT NULL,
    OUT tier integer, OUT quantity numeric, OUT unit_price numeric, OUT flat numeric, OUT amount numeric)
    RETURNS SETOF record
    LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 3
    AS 'MODULE_PATHNAME', 'pm_tariff_lines_srf';
COMMENT ON FUNCTION lines(tariff, numeric, numeric) IS
'amount() tier by tier: quantity in the unit of the price (converted, free units taken off; packages) x unit_price + flat = amount, less what the maximum cuts; a row with tier NULL is what the minimum adds; the amounts add up to amount(); tiers that change nothing are left out; errors as for amount()';
