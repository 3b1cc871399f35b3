# The part "settle" of the benchmark; sourced by run.sh.
#
# Events of a meter are recorded and a day of a tenant is settled, both beside
# plain statements that write the same rows into the same tables; and settled
# again, when nothing is new. Then what it came to is asked for, and after its
# bill what is behind a line of that, and whether the books of the month agree.

record_turn()
{
    cat <<- END
	BEGIN;
	${1:+@ record}
	SELECT count(*) FROM record_usages('SELECT * FROM public.events');;
	ROLLBACK;
	BEGIN;
	${1:+@ record_floor}
	WITH u AS (INSERT INTO usage SELECT * FROM usage_recorded RETURNING tenant_id, usage_id)
	INSERT INTO unrated SELECT * FROM u;;
	ROLLBACK;
	VACUUM usage, unrated;
	END
}

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

month_turn()
{
    cat <<- END
	${1:+@ month}
	SELECT sum(amount) FROM month_to_date WHERE tenant = 't1';;
	END
}

line_turn()
{
    cat <<- END
	${1:+@ bill_line}
	SELECT count(*), sum(c.amount)
	FROM bill_charges((SELECT min(bill_id) FROM bill), 1) AS c
	JOIN usage u USING (tenant_id, usage_id)
	LEFT JOIN job_run r ON r.pool_id = u.pool_id AND r.run_id = u.run_id
	LEFT JOIN allocation a ON a.pool_id = r.pool_id AND a.run_id = r.run_id
	LEFT JOIN node n ON n.pool_id = a.pool_id AND n.node_id = a.node_id;;
	END
}

reconcile_turn()
{
    cat <<- END
	${1:+@ reconcile}
	SELECT count(*) FROM reconcile('2026-03-01');;
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
        record_turn
        for ((i = 0; i < REPEAT; i++)); do
            record_turn timed
        done
        settle_turn
        for ((i = 0; i < REPEAT; i++)); do
            settle_turn timed
        done
        month_turn
        for ((i = 0; i < REPEAT; i++)); do
            month_turn timed
        done
        echo "SET pool_manager.clock = '2026-04-01 00:00:00+00'; SELECT issue_bill('t1', '2026-03-01');"
        line_turn
        for ((i = 0; i < REPEAT; i++)); do
            line_turn timed
        done
        reconcile_turn
        for ((i = 0; i < REPEAT; i++)); do
            reconcile_turn timed
        done
    } | timed bench_settle || return 1
    {
        heading "record_usages, $SETTLED events"
        line "floor: INSERT ... SELECT of the same rows" ms record record_floor speed 0.5
        heading "settle, a day of a tenant, $SETTLED usage rows"
        line "floor: INSERT ... SELECT of the rows it writes" ms settle settle_floor time 2 || missed=1
        plain "again, nothing new" ms settle_again
        plain "month_to_date of a tenant" ms month
        plain "a line of its bill, down to nodes" ms bill_line
        plain "reconcile() of its month" ms reconcile
        finished "$missed" "settle" profile_settle
    } >> "$OUT/report"
    drop_database bench_settle
}
