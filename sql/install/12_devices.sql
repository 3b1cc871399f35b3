-- Loads of devices: integer arrays, thousandths taken of each device from 0.

CREATE FUNCTION device_add(integer[], integer[]) RETURNS integer[]
    AS 'MODULE_PATHNAME', 'pm_device_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION device_add(integer[], integer[]) IS
'element by element; the shorter array counts as 0 beyond its end (22003 on overflow)';

CREATE FUNCTION device_subtract(integer[], integer[]) RETURNS integer[]
    AS 'MODULE_PATHNAME', 'pm_device_subtract' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION device_subtract(integer[], integer[]) IS
'element by element; the shorter array counts as 0 beyond its end (22003 on overflow)';

CREATE FUNCTION device_sum_step(integer[], numbers integer[], share integer) RETURNS integer[]
    AS 'MODULE_PATHNAME', 'pm_device_sum_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION device_sum_step(integer[], integer[], integer) IS 'transition function of device_sum';

CREATE FUNCTION device_total(integer[]) RETURNS bigint
    AS 'MODULE_PATHNAME', 'pm_device_total' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION device_total(integer[]) IS 'sum of the elements';

CREATE AGGREGATE device_sum(numbers integer[], share integer) (
    SFUNC = device_sum_step,
    STYPE = integer[],
    INITCOND = '{}',
    COMBINEFUNC = device_add,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE device_sum(integer[], integer) IS
'the load of devices, in thousandths: each list of device numbers adds its share to each device it names (22003 out of range)';
