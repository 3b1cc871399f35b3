#!/bin/bash
# make bench: on a throwaway server with the settings the server comes with

. "$(dirname "$0")/lib.sh"
bash test/tools/deps.sh || exit 1
"$MAKE" -s "$JOBS" all PG_CONFIG="$PG_CONFIG" > /dev/null || exit 1
exec bash test/tools/cluster.sh run --durable --db bench ${KEEP:+--keep} -- bash test/bench/run.sh
