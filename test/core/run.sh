#!/bin/bash
# What runs outside a server: the engine, the meter, the calendar.
#
#   run.sh test     ends with "N passed, N failed"
#   run.sh bench    times of a pass beside a plain C program

here=$(cd "$(dirname "$0")" && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

if [ "${1:-test}" = bench ]; then
    make -s -C "$here" bench BUILD="$build"
    exit
fi

passed=0; failed=0
# count COMMAND...: run it, show what it says but its count, add that up
count()
{
    local output last
    output=$("$@" 2>&1) || true
    last=$(tail -n 1 <<<"$output")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])); failed=$((failed + BASH_REMATCH[2]))
        sed '$d' <<<"$output"
    else
        failed=$((failed + 1)); printf '%s\n' "$output"
    fi
}
count make -s -C "$here" test BUILD="$build"
count bash "$here/billing.sh"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
