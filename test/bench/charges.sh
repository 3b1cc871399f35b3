# The part "charges" of the benchmark; sourced by run.sh.
#
# A month of usage per tenant x SKU x day: charges() beside SQL that says the
# same by hand, and beside the least that grouping alone takes, a sum(bigint).
# Row-level security holds for the sums of the roles; charges() is asked by them.

CHARGES_DAY="SELECT count(*), sum(amount) FROM charges(NULL::bigint, '2026-03-01', '2026-04-01', '1 day')"
CHARGES_SUM="SELECT count(*), sum(s) FROM (
    SELECT tenant_id, sku_id, date_bin('1 day', started_at, '2026-03-01') AS day, sum(quantity) AS s
    FROM usage WHERE started_at >= '2026-03-01' AND started_at < '2026-04-01' GROUP BY 1, 2, 3) AS g"

# a tariff of all that slows it, after what was used already
AMOUNTS="SELECT count(amount('{\"model\": \"graduated\", \"minimum\": 10, \"maximum\": 200000, \"tiers\": [
    {\"up_to\": 1000, \"unit_price\": 1.5}, {\"up_to\": 50000, \"unit_price\": 1.2, \"flat\": 3},
    {\"up_to\": 100000, \"unit_price\": 1.1}, {\"up_to\": null, \"unit_price\": 0.9}]}'::tariff, quantity, already)) FROM asked"

profile_charges()
{
    repeat 20 "SELECT count(*) FROM pool_manager.charges(NULL::bigint, '2026-03-01', '2026-04-01', '1 day');" |
        PGAPPNAME=bench_profile timeout $((PROFILE_SECONDS + 2)) psql -Xq -d bench_charges > /dev/null 2>&1 &
    sleep 1
    profile "$1" bench_profile
    wait $!
}

# charges_pair NAME [TIMED]: charges() and the sum, as the session is
charges_pair()
{
    [ -z "${2-}" ] || echo "@ charges.$1"
    echo "$CHARGES_DAY;;"
    [ -z "${2-}" ] || echo "@ charges_sum.$1"
    echo "$CHARGES_SUM;;"
}

# charges_turn [TIMED]: every query once
charges_turn()
{
    charges_pair default "${1-}"
    [ -z "${1-}" ] || echo "@ charges_hand"
    echo "SELECT count(*), sum(amount) FROM hand_written;;"
    echo "SET max_parallel_workers_per_gather = 0;"
    charges_pair serial "${1-}"
    [ -z "${1-}" ] || echo "@ charges_month"
    echo "${CHARGES_DAY/1 day/1 month};;"
    [ -z "${1-}" ] || echo "@ charges_hour"
    echo "${CHARGES_DAY/1 day/1 hour};;"
    [ -z "${1-}" ] || echo "@ amounts"
    echo "$AMOUNTS;;"
    echo "RESET max_parallel_workers_per_gather;"
    for role in operator tenant; do
        echo "SET ROLE bench_$role;"
        charges_pair "$role" "${1-}"
        echo "RESET ROLE;"
    done
}

# per_million TEXT LABEL: a figure of all rows as one of a million
per_million()
{
    awk -v rows="$ROWS" -v label="$2" '$1 == label { print label ".million", $2 * 1000000 / rows }' \
        "$OUT/samples" > "$OUT/million"
    cat "$OUT/million" >> "$OUT/samples"
    plain "$1" ms "$2.million"
}

charges()
{
    local i agreed role

    say "charges, $ROWS rows of usage"
    database bench_charges &&
        sql bench_charges -v rows="$ROWS" -f charges_setup.sql || return 1
    agreed=$(value bench_charges -f charges_agree.sql) || return 1
    say "$agreed"
    [[ $agreed != *DIFFERS* ]] || return 1
    {
        echo "SET search_path TO pool_manager, public;"
        charges_turn
        for ((i = 0; i < REPEAT; i++)); do
            charges_turn timed
        done
    } | timed bench_charges || return 1
    {
        heading "charges, $ROWS usage rows, per tenant x SKU x day"
        line "floor: hand-written SQL with range join, numeric" ms charges.default charges_hand speed 10
        line "floor: sum(bigint) grouped the same way" ms charges.default charges_sum.default time 2
        line "the same without parallel workers" ms charges.serial charges_sum.serial time 2
        line "the same, an operator" ms charges.operator charges_sum.operator time 2
        line "the same, a tenant, a fiftieth of the rows" ms charges.tenant charges_sum.tenant time 2
        per_million "a million rows by day" charges.serial
        per_million "a million rows by month" charges_month
        per_million "a million rows by hour" charges_hour
        plain "a million amounts by a tariff of four tiers, with limits" ms amounts
        [ "$PROFILE" != all ] || finished 0 "charges" profile_charges
    } >> "$OUT/report"
    drop_database bench_charges
    sql postgres -c "DROP ROLE bench_operator, bench_tenant"
}
