# The part "settle" of the benchmark; sourced by run.sh.
#
# A day of a tenant is settled, beside plain statements that write the same
# rows into the same tables; and settled again, when nothing is new.

settle_turn()
{
    cat <<- END
	BEGIN;
	${1:+@ settle}
	SELECT settle('t2');;
	ROLLBACK;
	BEGIN;
	${1:+@ settle_floor}
	WITH a AS (INSERT INTO ledger SELECT * FROM ledger_written),
	     b AS (INSERT INTO billing_period SELECT * FROM period_written),
	     c AS (INSERT INTO booking SELECT * FROM booking_written),
	     d AS (INSERT INTO counter SELECT * FROM counter_written),
	     e AS (DELETE FROM unrated WHERE tenant_id = 2)
	INSERT INTO charge SELECT * FROM charge_written;;
	ROLLBACK;
	${1:+@ settle_again}
	SELECT settle('t1');;
	VACUUM charge, counter, booking, unrated;
	END
}

profile_settle()
{
    statements "$1" bench_settle 10 "BEGIN; SELECT pool_manager.settle('t2'); ROLLBACK"
}

settle()
{
    local i missed=0

    say "settle, $SETTLED rows of usage"
    database bench_settle &&
        sql bench_settle -v rows="$SETTLED" -f settle_setup.sql || return 1
    {
        echo "SET search_path TO pool_manager, public; SET pool_manager.clock = '2026-03-02 00:00:00+00';"
        settle_turn
        for ((i = 0; i < REPEAT; i++)); do
            settle_turn timed
        done
    } | timed bench_settle || return 1
    {
        heading "settle, a day of a tenant, $SETTLED usage rows"
        line "floor: INSERT ... SELECT of the rows it writes" ms settle settle_floor time 2 || missed=1
        plain "again, nothing new" ms settle_again
        finished "$missed" "settle" profile_settle
    } >> "$OUT/report"
    drop_database bench_settle
}
