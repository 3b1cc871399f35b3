# The part "growth" of the benchmark; sourced by run.sh: what a pass costs as
# the queue grows, what it takes of memory, how fast it can be cancelled.

# private_peak: how much memory of its own, in KiB, the session has ever had
# mapped; shared memory is mapped from the start
private_peak="(SELECT substring(pg_read_file('/proc/self/status') FROM 'VmPeak:\s+(\d+)')::bigint)"

# peak LABEL: what one pass adds to it, in a session of its own
peak()
{
    echo "$1 $(value bench_growth -c "SET search_path TO pool_manager, public" -c "SELECT count(*) FROM schedule('warm')" \
        -c "SELECT $private_peak" -c "SELECT count(*) FROM schedule('pub')" -c "SELECT $private_peak" |
        awk 'NR == 2 { before = $1 } NR == 4 { print $1 - before }')" >> "$OUT/samples"
}

# cancelled LABEL PATTERN STATEMENT: the statement, which matches the pattern,
# once or twice to its end, then cancelled again and again, later and later;
# how long its session takes to be ready again
cancelled()
{
    local times=${QUICK:+4}
    local i ms

    times=${times:-8}
    {
        echo "SET search_path TO pool_manager, public;"
        for ((i = -1; i <= times; i++)); do
            # what comes too late hits the pause
            echo "SELECT pg_sleep(0.1);"
            echo "BEGIN;"
            echo "$3;"
            echo "ROLLBACK;"
        done
    } | PGAPPNAME=bench_cancelled psql -Xq -d bench_growth > /dev/null 2>&1 &
    value bench_growth -c "CALL bench.cancel('$1', '$2', $times)" 2>&1 > /dev/null |
        sed -n 's/^NOTICE: *//p' >> "$OUT/samples"
    wait $!
}

# least LABEL: what others do on the machine only adds
least()
{
    awk -v label="$1" '$1 == label && (least == "" || $2 + 0 < least) { least = $2 + 0 } END { print least + 0 }' "$OUT/samples"
}

# worst LABEL
worst()
{
    awk -v label="$1" '$1 == label && $2 > most { most = $2 } END { print most + 0 }' "$OUT/samples"
}

# What plays the future through takes long: $1 jobs are enough
cancel_ahead()
{
    say "cancelling what looks ahead, $1 jobs"
    sql bench_growth -f cancel.sql || return 1
    cancelled cancel.forecast 'forecast' "SELECT count(*) FROM forecast('pub')"
    sql bench_growth -c "SELECT pool_manager.set_queue_policy('pub', 'backfill')"
    cancelled cancel.forecast_backfill 'forecast' "SELECT count(*) FROM forecast('pub')"
    cancelled cancel.full_backfill 'schedule' "SELECT count(*) FROM schedule('pub')"
    sql bench_growth -c "SELECT pool_manager.set_queue_policy('pub', 'traversal')"
    cancelled cancel.simulate 'simulate' "SELECT count(*) FROM simulate(
        'SELECT ''n'' || i AS name, ''cpu=128,memory=1024Gi,nvidia.com/gpu=8'' AS resources FROM generate_series(1, $(($1 / 100))) AS i',
        'SELECT request, replicas, time_limit AS duration FROM public.some_jobs(0, $1)')"
}

cancel_passes()
{
    say "cancelling passes, $1 jobs"
    cancelled cancel.full 'schedule' "SELECT count(*) FROM schedule('pub')"
    # room for some thousands
    sql bench_growth -c "SELECT count(*) FROM pool_manager.add_nodes('pub', 'big', $(($1 / 200)))"
    cancelled cancel.fresh 'schedule' "SELECT count(*) FROM schedule('pub')"
}

growth()
{
    local size label most=0
    local sizes=${QUICK:+1000 10000}

    sizes=${sizes:-1000 10000 100000 1000000}
    say "a queue that grows"
    database bench_growth &&
        sql bench_growth -v nodes="$LARGE" -f catalogue.sql &&
        sql bench_growth -v since=0 -v jobs="$JOBS" -f pass_queue.sql &&
        sql bench_growth -f growth_setup.sql || return 1
    for size in $sizes; do
        say "$size jobs"
        sql bench_growth -v since=$((JOBS + most)) -v jobs="$size" -f pass_queue.sql || return 1
        most=$((most + size))
        {
            echo "SET search_path TO pool_manager, public;"
            echo "SET client_min_messages = debug1;"
            repeat 2 "SELECT count(*) FROM schedule('pub');"
            repeat "$((3 * REPEAT))" "@ growth.$size
SELECT count(*) FROM schedule('pub');;"
        } | timed bench_growth || return 1
        peak "peak.$size"
        [ "$size" != "$JOBS" ] || cancel_ahead "$size" || return 1
    done
    : > "$OUT/growth"
    for size in $sizes; do
        # not all of the last that were submitted wait: some found room
        echo "$(for label in growth.$size.read growth.$size.decide growth.$size.write growth.$size peak.$size; do
            least "$label"
        done | xargs) $size"
    done | awk '{ print $6, $1, $2, $3, $4, $5 }' > "$OUT/growth"
    cancel_passes "$size"
    {
        echo
        echo "a pass over a full pool of $LARGE nodes as the queue grows, least ms; private memory, KiB more than before"
        printf '%10s %10s %10s %10s %10s %12s\n' jobs read decide write whole memory
        awk '{ printf "%10d %10.2f %10.2f %10.2f %10.2f %12d\n", $1, $2, $3, $4, $5, $6 }
             NR > 1 { jobs = $1 - first; bytes = ($6 - least) * 1024 }
             NR == 1 { first = $1; least = $6 }
             END { printf "%d bytes of memory for each queued job\n", bytes / jobs }' "$OUT/growth"
        echo
        echo "cancelling at different times, $size jobs (looking ahead: $JOBS): until the session is ready again, ms"
        for label in full full_backfill fresh forecast forecast_backfill simulate; do
            printf '  %-20s median %8.2f, worst %8.2f\n' $label "$(stats "cancel.$label" | cut -d' ' -f1)" "$(worst "cancel.$label")"
        done
    } >> "$OUT/report"
    [ -z "${PLOT-}" ] || awk -v facts="$(head -1 "$OUT/facts" | sed 's/, [^,]* GiB.*//'), $(sed -n 2p "$OUT/facts" | cut -d' ' -f1-2); least times" \
        -v nodes="$LARGE" -f growth_plot.awk "$OUT/growth" > "$PLOT"
    drop_database bench_growth
}
