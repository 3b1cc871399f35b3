-- Bills: what was booked into a period, summed line by line and rounded once.
-- Adjustments and taxes, which are booked by hand.

CREATE FUNCTION round_money(amount numeric, scale integer, rule rounding_rule) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE BEGIN ATOMIC
    SELECT CASE rule
        WHEN 'cut' THEN trunc(amount, scale)
        WHEN 'half_up' THEN round(amount, scale)
        -- as far from the digit below as from the one above, and not on one of them
        WHEN 'half_even' THEN CASE
            WHEN round(amount, scale) - amount = amount - trunc(amount, scale) AND amount <> trunc(amount, scale)
            THEN 2 * round(amount * 0.5, scale) ELSE round(amount, scale) END END;
END;
COMMENT ON FUNCTION round_money(numeric, integer, rounding_rule) IS
'an amount with so many digits behind the point: cut: towards zero; half_up: to the nearest, half away from zero; half_even: to the nearest, half to the even digit';
