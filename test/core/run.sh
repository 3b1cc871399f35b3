#!/bin/bash
# What runs outside a server: the engine, the meter, the calendar, tariffs.
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
# check NAME COMMAND...: one test, however many checks it makes at random inputs
check()
{
    local name=$1 output last
    shift
    output=$("$@" 2>&1)
    last=$(tail -n 1 <<<"$output")
    if [[ $last =~ ^([0-9]+)\ passed,\ 0\ failed$ ]] && [ "${BASH_REMATCH[1]}" -gt 0 ]; then
        passed=$((passed + 1)); echo "ok     $name (${BASH_REMATCH[1]} checks)"
    else
        failed=$((failed + 1)); printf '%s\n' "$output" "FAILED $name"
    fi
}
check engine make -s -C "$here" test BUILD="$build"
check packing make -s -C "$here" packing BUILD="$build"
check "meter, calendar and slices" bash "$here/billing.sh"
check tariffs bash "$here/tariff.sh"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
