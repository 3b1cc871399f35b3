#!/bin/bash
# The benchmark: what the extension does (subject) beside the least that the
# same work costs in SQL or C (floor), in the same run, turn by turn; medians.
# test/tools/bench.sh calls it with a server up; PGHOST etc. say which.
#
#   BENCH="submit bulk pass growth charges settle nodes views simulate"   the parts to run
#   REPEAT=5       samples of each figure
#   SECONDS_EACH=4 how long a rate is measured
#   NODES="1000 10000" nodes of the pools of "pass"
#   ROWS=1000000   rows of usage of "charges"
#   SETTLED=100000 rows of usage of "settle"
#   QUICK=1        one sample, small sizes: does it run at all?
#   PROFILE=all    profile everything, not only what misses its target
#   KEEP_SAMPLES=FILE  keep every sample
#   PLOT=FILE      plot what "growth" measures, as SVG

set -u
cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./cloud_queries.sh
. ./charges.sh
. ./settle.sh
. ./simulate.sh
. ./growth.sh

QUICK=${QUICK-}
REPEAT=${REPEAT:-${QUICK:+1}}
REPEAT=${REPEAT:-5}
SECONDS_EACH=${SECONDS_EACH:-${QUICK:+1}}
SECONDS_EACH=${SECONDS_EACH:-4}
PROFILE=${PROFILE-}
PROFILE_SECONDS=${QUICK:+1}
PROFILE_SECONDS=${PROFILE_SECONDS:-4}
# of a pass and of submit_jobs
JOBS=${QUICK:+10000}
JOBS=${JOBS:-100000}
NODES=${NODES:-${QUICK:+100}}
NODES=${NODES:-1000 10000}
ROWS=${ROWS:-${QUICK:+50000}}
ROWS=${ROWS:-1000000}
SETTLED=${SETTLED:-${QUICK:+10000}}
SETTLED=${SETTLED:-100000}
# of the cloud that is looked at; nodes of the pool that is made
POOLS=${QUICK:+10}
POOLS=${POOLS:-100}
POOL_NODES=${QUICK:+100}
POOL_NODES=${POOL_NODES:-1000}
HISTORY=${QUICK:+10000}
HISTORY=${HISTORY:-1000000}
LARGE=${QUICK:+1000}
LARGE=${LARGE:-10000}
OUT=$(mktemp -d "${TMPDIR:-/tmp}/pool_manager_bench.XXXXXX") || exit 1
trap 'rm -rf "$OUT"' EXIT
: > "$OUT/samples"
: > "$OUT/report"
: > "$OUT/profiles"

say()
{
    echo "$(date +%H:%M:%S) $*" >&2
}

facts()
{
    local cpu

    cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2> /dev/null | head -1)
    echo "$(nproc) cores (${cpu:-unknown}), $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo 2> /dev/null)," \
        "load $(cut -d' ' -f1 /proc/loadavg 2> /dev/null) at the start"
    value postgres -c "SELECT 'PostgreSQL ' || current_setting('server_version')"
    value postgres -c "SELECT string_agg(name || ' ' || current_setting(name), ', ')
        FROM unnest('{shared_buffers,work_mem,max_wal_size}'::text[]) AS name" \
        -c "SELECT string_agg(name || ' ' || current_setting(name), ', ')
        FROM unnest('{fsync,synchronous_commit,full_page_writes,jit,max_parallel_workers_per_gather}'::text[]) AS name"
    echo "$REPEAT samples of each figure; times in ms, rates per second; noise: half the range, % of the median"
}

# finished RC TITLE FUNCTION: profile what missed its target
finished()
{
    if [ "$1" -ne 0 ] || [ "$PROFILE" = all ]; then
        say "profile: $2"
        "${@:3}" "$2"
    fi
}

# ---- submit_job, one by one ----

# tps LABEL CLIENTS SCRIPT
tps()
{
    local result

    result=$(pgbench -n -M prepared -c "$2" -j "$(($2 > 2 ? 2 : 1))" -T "$SECONDS_EACH" -U bench_member $ids \
        -f "$3" bench_submit 2>&1) || { echo "$result" >&2; return 1; }
    echo "$1 $(echo "$result" | sed -n 's/^tps = \([0-9.]*\).*/\1/p')" >> "$OUT/samples"
}

profile_submit()
{
    local job="SET ROLE bench_member; SELECT pool_manager.submit_job('pub', 'job', request => 'cpu=1,memory=8Gi,nvidia.com/gpu=0.5', tenant => 't1')"

    # the kept plans of the foreign keys' checks too
    statements "$2" bench_submit 0 "$job" "$job; $job"
    PGAPPNAME=bench_profile pgbench -n -M prepared -c "$1" -T $((PROFILE_SECONDS + 2)) -U bench_member $ids \
        -f submit_subject.pgbench bench_submit > /dev/null 2>&1 &
    sleep 1
    profile "$2" bench_profile
    wait $!
}

submit()
{
    local i c mode

    say "submit_job"
    database bench_submit &&
        sql bench_submit -v nodes=1000 -f catalogue.sql &&
        sql bench_submit -v tables='{job,job_queue,event}' -f copies.sql &&
        sql bench_submit -c 'SET search_path TO pool_manager, public' -f submit_setup.sql || return 1
    ids=$(value bench_submit -f submit_ids.sql)
    [ -n "$ids" ] || { echo "submit: ids are not as expected" >&2; return 1; }
    for mode in on off; do
        sql postgres -c "ALTER DATABASE bench_submit SET synchronous_commit = $mode"
        for c in 1 8; do
            for ((i = 0; i < REPEAT; i++)); do
                sql postgres -c CHECKPOINT
                tps "submit.$mode.$c" $c submit_subject.pgbench &&
                    tps "submit_floor.$mode.$c" $c submit_floor.pgbench &&
                    tps "submit_bare.$mode.$c" $c submit_bare.pgbench || return 1
            done
        done
    done
    sql postgres -c 'ALTER DATABASE bench_submit RESET synchronous_commit'
    {
        heading "submit_job, one per transaction; floor: INSERT"
        for c in 1 8; do
            line "$c client$([ $c = 1 ] || echo s), same rows, keys, indexes, event" /s "submit.on.$c" "submit_floor.on.$c" rate 0.7
            finished $? "submit_job, $c client(s)" profile_submit $c
            line "$c client$([ $c = 1 ] || echo s), bare INSERT of one row" /s "submit.on.$c" "submit_bare.on.$c" rate
        done
        for c in 1 8; do
            line "$c client$([ $c = 1 ] || echo s), same rows, synchronous_commit off" /s "submit.off.$c" "submit_floor.off.$c" rate
        done
    } >> "$OUT/report"
    drop_database bench_submit
    sql postgres -c "DROP ROLE bench_member"
}

# ---- submit_jobs ----

profile_bulk()
{
    {
        echo "SET search_path TO pool_manager, public;"
        repeat 20 "$(sed 's/^@.*//' <<< "$bulk_subject")"
    } | PGAPPNAME=bench_profile timeout $((PROFILE_SECONDS + 2)) psql -Xq -d bench_bulk > /dev/null 2>&1 &
    sleep 1
    profile "$1" bench_profile
    wait $!
}

bulk()
{
    local floor i

    say "submit_jobs"
    database bench_bulk &&
        sql bench_bulk -v nodes=1000 -f catalogue.sql &&
        sql bench_bulk -v tables='{job,job_queue,event}' -f copies.sql &&
        sql bench_bulk -v jobs="$JOBS" -v out="$OUT" -f bulk_setup.sql || return 1
    bulk_subject="BEGIN;
@ bulk
SELECT count(*) FROM submit_jobs('pub', 'SELECT * FROM public.source', 't1');;
ROLLBACK;
VACUUM ANALYZE job, job_queue, event;
CHECKPOINT;"
    floor="BEGIN;
@ bulk_floor
WITH a AS (INSERT INTO bench.job SELECT * FROM bench.new_job),
     b AS (INSERT INTO bench.job_queue SELECT * FROM bench.new_job_queue)
INSERT INTO bench.event SELECT * FROM bench.new_event;;
ROLLBACK;
VACUUM ANALYZE bench.job, bench.job_queue, bench.event;
CHECKPOINT;"
    {
        echo "SET search_path TO pool_manager, public;"
        repeat "$REPEAT" "$bulk_subject
--
$floor"
    } | timed bench_bulk || return 1
    {
        heading "submit_jobs, $JOBS at once; floor: INSERT ... SELECT"
        line "$JOBS jobs of 175 shapes of one tenant" ms bulk bulk_floor speed 0.5
        finished $? "submit_jobs" profile_bulk
    } >> "$OUT/report"
    drop_database bench_bulk
}

# ---- a pass ----

profile_fresh()
{
    database bench_run "bench_fresh_$1" && statements "$2" bench_run 10 "SELECT count(*) FROM pool_manager.schedule('pub')"
}

profile_full()
{
    local db=bench_full_$1
    local pass="SELECT count(*) FROM pool_manager.schedule('pub')"

    statements "$2" "$db" 1 "$pass" "$pass"
    repeat 1000 "SELECT count(*) FROM pool_manager.schedule('pub');" |
        PGAPPNAME=bench_profile timeout $((PROFILE_SECONDS + 2)) psql -Xq -d "$db" > /dev/null 2>&1 &
    sleep 1
    profile "$2" bench_profile
    wait $!
}

# The floor writes what a pass wrote in the same state, into the same tables
# with all their constraints and triggers: of two equal databases the pass gets
# one, the plain statement the other.
pass_size()
{
    local n=$1
    local i what
    local subject="@ pass.fresh.$n
SELECT count(*) FROM schedule('pub');;"
    local floor="@ pass_write_floor.$n
$(cat pass_floor.sql);"
    local set_based="BEGIN;
@ set_based.$n
SELECT bench.set_based(pool_id) FROM pool WHERE name = 'pub';;
ROLLBACK;"
    # what is ahead, then the pass that backfills
    local backfill="@ forecast.fresh.$n
SELECT count(*) FROM forecast('pub');;
SELECT set_queue_policy('pub', 'backfill', reservations => 1);
@ forecast_backfill.fresh.$n
SELECT count(*) FROM forecast('pub');;
@ backfill.fresh.$n
SELECT count(*) FROM schedule('pub');;"

    say "a pass, $n nodes"
    database "bench_fresh_$n" &&
        sql "bench_fresh_$n" -v nodes="$n" -f catalogue.sql &&
        sql "bench_fresh_$n" -f set_based.sql &&
        sql "bench_fresh_$n" -v since=0 -v jobs="$JOBS" -f pass_queue.sql &&
        database "bench_full_$n" "bench_fresh_$n" &&
        sql "bench_full_$n" -v out="$OUT" -f pass_written.sql &&
        value "bench_full_$n" -c 'SELECT count(*) FROM pool_manager.job_run' > "$OUT/started" &&
        sql "bench_fresh_$n" -v out="$OUT" -f pass_load.sql || return 1

    for ((i = 0; i < REPEAT; i++)); do
        for what in subject floor backfill $([ "$i" -lt 3 ] && echo set_based); do
            database bench_run "bench_fresh_$n" || return 1
            {
                echo "SET search_path TO pool_manager, public;"
                echo "SET client_min_messages = debug1;"
                # a warm session, as the worker's is
                echo "SELECT count(*) FROM schedule('warm');"
                echo "${!what}"
            } | timed bench_run || return 1
        done
    done

    sql "bench_full_$n" -v since="$JOBS" -v jobs="$JOBS" -f pass_queue.sql || return 1
    {
        echo "SET search_path TO pool_manager, public;"
        echo "SET client_min_messages = debug1;"
        echo "SELECT pool_id AS pool FROM pool WHERE name = 'pub' \\gset"
        echo "PREPARE touched AS"
        cat pass_count.sql
        repeat 3 "SELECT count(*) FROM schedule('pub');
EXECUTE touched;"
        repeat $((3 * REPEAT)) "@ pass.full.$n
SELECT count(*) FROM schedule('pub');;
--
@ count.full.$n
EXECUTE touched;;"
        # the policies in turn: each pass beside the one that only skips
        for ((i = 0; i <= REPEAT; i++)); do
            for what in traversal backfill; do
                echo "SELECT set_queue_policy('pub', '$what', reservations => 1);"
                # the first finds other reasons, and writes them
                echo "SELECT count(*) FROM schedule('pub');"
                [ "$i" = 0 ] || echo "@ $what.full.$n"
                echo "SELECT count(*) FROM schedule('pub');;"
                [ "$i" = 0 ] || echo "@ forecast_$what.full.$n"
                echo "SELECT count(*) FROM forecast('pub');;"
            done
        done
    } | timed "bench_full_$n" || return 1
}

pass()
{
    local n missed whole peer steady ahead

    for n in $NODES; do
        # the targets are for 10,000 nodes
        whole="" peer="" steady="" ahead=""
        [ "$n" -lt 10000 ] || { whole=1.5 peer=20 steady=5 ahead=3; }
        pass_size "$n" || return 1
        sum "read_decide.$n" "pass.fresh.$n.read" "pass.fresh.$n.decide"
        sum "pass_floor.$n" "pass.fresh.$n.read" "pass.fresh.$n.decide" "pass_write_floor.$n"
        {
            heading "a pass, $JOBS jobs, $n nodes, fresh ($(cat "$OUT/started") start)"
            plain "read" ms "pass.fresh.$n.read"
            plain "decide" ms "pass.fresh.$n.decide"
            line "write; floor: INSERT ... SELECT of its rows" ms "pass.fresh.$n.write" "pass_write_floor.$n" time
            line "whole; floor: read + decide + INSERT ... SELECT" ms "pass.fresh.$n" "pass_floor.$n" time $whole
            missed=$?
            line "read + decide; floor: set-based SQL" ms "read_decide.$n" "set_based.$n" speed $peer
            finished $((missed + $?)) "a pass, $n nodes, fresh" profile_fresh "$n"
            line "backfill, 1 reservation; floor: the pass (traversal)" ms "backfill.fresh.$n" "pass.fresh.$n" time $ahead
            line "its decisions; floor: those of the pass" ms "backfill.fresh.$n.decide" "pass.fresh.$n.decide" time
            line "forecast; floor: the pass" ms "forecast.fresh.$n" "pass.fresh.$n" time $ahead
            line "forecast with backfill; floor: the pass" ms "forecast_backfill.fresh.$n" "pass.fresh.$n" time $ahead
            heading "a pass, $JOBS jobs, $n nodes, full (nothing fits)"
            plain "read" ms "pass.full.$n.read"
            plain "decide" ms "pass.full.$n.decide"
            plain "write" ms "pass.full.$n.write"
            line "whole; floor: count(*) over the rows it reads" ms "pass.full.$n" "count.full.$n" time $steady
            finished $? "a pass, $n nodes, full" profile_full "$n"
            line "backfill, 1 reservation; floor: the pass (traversal)" ms "backfill.full.$n" "traversal.full.$n" time $ahead
            line "its decisions; floor: those of the pass" ms "backfill.full.$n.decide" "traversal.full.$n.decide" time
            line "forecast; floor: the pass" ms "forecast_traversal.full.$n" "traversal.full.$n" time $ahead
            line "forecast with backfill; floor: the pass" ms "forecast_backfill.full.$n" "traversal.full.$n" time $ahead
        } >> "$OUT/report"
        drop_database bench_run
        drop_database "bench_full_$n"
        drop_database "bench_fresh_$n"
    done
    core
}

# Decisions alone, outside the server
core()
{
    local what

    make -s -C ../core bench BUILD="$OUT/core" REPEAT="$REPEAT" PG_CONFIG="${PG_CONFIG:-pg_config}" > "$OUT/core.txt" || return 1
    {
        heading "decisions alone, outside the server; floor: plain C"
        for what in "1000 nodes, empty" "1000 nodes, full" "10000 nodes, empty" "10000 nodes, full"; do
            awk -v what="$what" -v label="core.${what//[ ,]/_}" '
                index($0, what "  ") == 1 { print label, $(NF - 3); print label "_floor", $(NF - 1) }' \
                "$OUT/core.txt" >> "$OUT/samples"
            line "100000 jobs, $what (median of $REPEAT)" ms "core.${what//[ ,]/_}" "core.${what//[ ,]/_}_floor" time 2
        done
    } >> "$OUT/report"
}

# ---- a pool of many nodes ----

nodes()
{
    say "a pool of $LARGE nodes"
    database bench_nodes &&
        sql bench_nodes -v nodes="$LARGE" -f nodes_setup.sql || return 1
    {
        echo "SET search_path TO pool_manager, public;"
        echo "SET pool_manager.clock = '2026-03-01 00:00:00+00';"
        repeat "$REPEAT" "BEGIN;
@ nodes_create
$(cat nodes_create.sql);
ROLLBACK;
VACUUM ANALYZE node, node_load, holding, event;
CHECKPOINT;
--
BEGIN;
@ nodes_create_floor
$(cat nodes_create_floor.sql);
ROLLBACK;
VACUUM ANALYZE node, node_load, holding, event;
CHECKPOINT;"
        repeat "$REPEAT" "BEGIN;
@ nodes_drain
$(cat nodes_drain.sql);
ROLLBACK;
VACUUM ANALYZE node, node_task, event;
CHECKPOINT;
--
BEGIN;
@ nodes_drain_floor
$(cat nodes_drain_floor.sql);
ROLLBACK;
VACUUM ANALYZE node, node_task, event;
CHECKPOINT;"
    } | timed bench_nodes -v nodes="$LARGE" || return 1
    {
        heading "nodes; floor: the rows that this leaves, in one statement"
        line "a pool of $LARGE nodes is made" ms nodes_create nodes_create_floor time 2
        line "$((LARGE / 10)) nodes are drained" ms nodes_drain nodes_drain_floor time 6
    } >> "$OUT/report"
    drop_database bench_nodes
}

# ---- views of a cloud ----

# cloud_asked LABEL: every query, in turn, by an operator
cloud_asked()
{
    local i name title query

    {
        echo "SET search_path TO pool_manager, public;"
        echo "SET pool_manager.clock = '2026-06-01 00:00:00+00';"
        echo "SET ROLE bench_operator;"
        for ((i = 0; i <= REPEAT; i++)); do
            # the first time warms
            cloud_queries | while IFS='|' read -r name title query; do
                [ "$i" = 0 ] || echo "@ $1.$name"
                echo "$query;;"
            done
        done
    } | timed bench_cloud
}

views()
{
    local name title query

    say "a cloud of $POOLS pools, $((POOLS * POOL_NODES)) nodes"
    database bench_cloud &&
        sql bench_cloud -v pools="$POOLS" -v nodes="$POOL_NODES" -v jobs="$HISTORY" -f cloud_setup.sql &&
        cloud_asked tenth || return 1
    say "$HISTORY finished jobs"
    sql bench_cloud -c "SET search_path TO pool_manager" -c "SET session_replication_role = replica" \
        -c "SELECT bench.history($HISTORY / 10 + 1, $HISTORY, $HISTORY)" -c "VACUUM ANALYZE" -c CHECKPOINT &&
        cloud_asked whole || return 1
    {
        heading "views, $POOLS pools, $((POOLS * POOL_NODES)) nodes, $HISTORY ended jobs; floor: a tenth"
        cloud_queries | while IFS='|' read -r name title query; do
            line "$title" ms "whole.$name" "tenth.$name" time 2
        done
    } >> "$OUT/report"
    drop_database bench_cloud
    sql postgres -c "DROP ROLE bench_operator"
}

facts > "$OUT/facts"
cat "$OUT/facts" >&2
failed=0
for part in ${BENCH:-submit bulk pass growth charges settle nodes views simulate}; do
    "$part" || { echo "part \"$part\" failed" >&2; failed=1; }
done
echo
cat "$OUT/facts" "$OUT/report" "$OUT/profiles"
[ -z "${KEEP_SAMPLES-}" ] || cp "$OUT/samples" "$KEEP_SAMPLES"
exit $failed
