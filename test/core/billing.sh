#!/bin/bash
# Builds the tests of the meter, the calendar and slices outside a server, with the
# sanitizers, and runs them.
#
#   billing.sh [rounds]   the tests; ends with "N passed, N failed"
#   billing.sh speed      without sanitizers: metered intervals a second

set -e
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

checks="-O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
[ "$1" != speed ] || checks=-O2
# leaks: memory is given back with the process
export ASAN_OPTIONS=detect_leaks=0
${CC:-cc} $checks -g -Wall -Wextra -Werror -fwrapv -I "$root/src" -I "$here" \
    -isystem "$(${PG_CONFIG:-pg_config} --includedir-server)" -D_GNU_SOURCE \
    "$here/billing_test.c" "$here/billing_stub.c" "$here/server_stub.c" \
    "$root/src/billing/meter.c" "$root/src/billing/calendar.c" \
    "$root/src/billing/slice.c" -o "$build/billing_test"
"$build/billing_test" "$@"
