#!/bin/bash
# Builds the tests of tariffs outside a server, with the sanitizers, and runs
# them; ends with "N passed, N failed".
#
#   tariff.sh [rounds]

set -e
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

${CC:-cc} -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
    -g -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -fwrapv -I "$root/src" -I "$here" \
    -isystem "$(${PG_CONFIG:-pg_config} --includedir-server)" -D_GNU_SOURCE \
    "$here/tariff_test.c" "$here/tariff_model.c" "$here/tariff_stub.c" "$here/server_stub.c" \
    "$here/decimal.c" \
    "$root/src/types/exact.c" "$root/src/types/tariff.c" "$root/src/types/tariff_parse.c" \
    "$root/src/types/tariff_reader.c" "$root/src/types/tariff_text.c" -o "$build/tariff_test"
"$build/tariff_test" "$@"
