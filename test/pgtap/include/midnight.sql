-- Local midnights, found minute by minute. For \ir; no test of its own.

-- The instant from which on the local date is d or later, for good: a minute
-- after the last one, of those near, at which it is not
CREATE FUNCTION pg_temp.midnight(d date, zone text) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT max(t) + interval '1 minute'
    FROM generate_series(d::timestamp AT TIME ZONE 'UTC' - interval '30 hours',
                         d::timestamp AT TIME ZONE 'UTC' + interval '30 hours', '1 minute') AS t
    WHERE (t AT TIME ZONE zone)::date < d
$$;
