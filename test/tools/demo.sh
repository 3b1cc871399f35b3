#!/bin/bash
# make demo: a throwaway server with the trace replayed in it; KEEP=1 leaves it

. "$(dirname "$0")/lib.sh"
bash test/tools/deps.sh || exit 1
"$MAKE" -s "$JOBS" all PG_CONFIG="$PG_CONFIG" with_llvm=no > /dev/null || exit 1
exec bash test/tools/cluster.sh run --db demo ${KEEP:+--keep} -- bash test/demo/run.sh
