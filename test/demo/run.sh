#!/bin/bash
# make demo: a replay of the openb trace (test/data/README.md) through pools,
# queue, scheduler and meter.  test/tools/demo.sh calls it with PGHOST etc. of
# a throwaway server.
#
# Nodes, requests, arrivals and durations are the trace's; 149 days from
# 2026-03-01.  But its 8,152 tasks are a sample: as they are they never keep
# more than 66 of the 6,212 GPUs busy, and nobody waits.  So each task comes as
# a gang of REPLICAS equal replicas (make demo REPLICAS=1: the trace itself).
#
# A pool takes 10 flavors and the nodes have 27 specifications.  So there are
# three pools with nine flavors each: GPU nodes and CPU nodes are public, the
# V100 nodes and the 104-core CPU nodes are the tenant delta's own.  Tasks that
# ask for a GPU go to the one, those that do not to the other.
#
# Then, in two more days, a dedicated pool's life from its order to its end.

set -u
cd "$(dirname "$0")/../.." || exit 1
replicas=${REPLICAS:-100}
days=149
# one line that moves, on a terminal
line_end='\n'
if [ -t 1 ]; then line_end='\r'; fi
export PGOPTIONS='-c search_path=pool_manager,public -c timezone=UTC -c track_functions=all'

run()
{
    psql -Xq -P pager=off -v ON_ERROR_STOP=1 "$@"
}

# the commands of the replay: a day of the trace, then a line that says how far
replay()
{
    local day=0

    echo "SELECT E'$line_end' AS line_end \gset"
    while [ "$day" -lt "$days" ]; do
        day=$((day + 1))
        # the price of the GPUs changes when the clock gets there
        [ "$day" -ne 137 ] || cat <<'SQL'
SELECT count(set_price(sku, per_hour::text::tariff, currency => currency)) AS prices
FROM demo.price WHERE valid_from = clock() \gset
SQL
        echo "CALL demo.replay(timestamptz '2026-03-01 00:00:00+00' + $day * interval '1 day', $replicas);"
        # autovacuum, once a minute, does not keep up with a day in two seconds
        [ "$day" -lt 114 ] ||
            echo "VACUUM (ANALYZE) job, job_queue, job_run, allocation, node_load, holding, usage, demo.task;"
        if [ "$line_end" = '\r' ] || [ $((day % 5)) -eq 4 ] && [ "$day" -ge 114 ]; then
            echo "SELECT demo.progress() AS line \gset"
            printf "%s\n" "\\echo -n :line :line_end"
        fi
    done
}

started=$SECONDS
echo "Loading the trace; making pools of its nodes."
run -f test/demo/load.sql &&
    run -o /dev/null -c "SET pool_manager.clock = '2026-03-01 00:00:00+00'" -f test/demo/cloud.sql -f test/demo/replay.sql || exit 1
echo "Replaying $days days, each task as a job of $replicas replicas:"
replay | run || exit 1
echo
echo "Replayed in $((SECONDS - started)) s."
# reported is the instant at which the replay stopped; who connects later looks at the end of the demo
run -c "ALTER DATABASE \"$PGDATABASE\" SET pool_manager.clock = '2026-07-28 00:00:00+00'" \
    -c "ALTER DATABASE \"$PGDATABASE\" SET search_path = pool_manager, public" &&
    run -f test/demo/report.sql -f test/demo/check.sql &&
    run -f test/demo/pool.sql &&
    run -c "ALTER DATABASE \"$PGDATABASE\" SET pool_manager.clock = '2026-08-01 00:00:00+00'"
