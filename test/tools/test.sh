#!/bin/bash
# Run the tests; the last line is "N passed, N failed".
#
#   test.sh [kind...]     lint build core regress isolation pgtap tap docs; default all
#   TESTS='name...'       only files of these names (patterns) of the last five
#
# Counted are lint rules, core checks, regress files, isolation specs, pgTAP
# and TAP assertions, and pages of documentation. Every kind runs, whatever the
# others said.

. "$(dirname "$0")/lib.sh"

declare -A passed failed
found=0
TESTS=${TESTS-}
if [ $# -gt 0 ]; then
    kinds=" $* "
elif [ -n "$TESTS" ]; then
    kinds=" regress isolation pgtap tap docs "
else
    kinds=" lint core regress isolation pgtap tap docs "
fi

# add KIND PASSED FAILED
add()
{
    passed[$1]=$((${passed[$1]:-0} + $2))
    failed[$1]=$((${failed[$1]:-0} + $3))
}

asked()
{
    [[ $kinds == *" $1 "* ]]
}

# chosen NAME: does TESTS ask for it?
chosen()
{
    local pattern

    [ -n "$TESTS" ] || return 0
    for pattern in $TESTS; do
        # shellcheck disable=SC2053
        [[ $1 == $pattern ]] && return 0
    done
    return 1
}

# each KIND PATTERN FUNCTION: FUNCTION NAME for every file asked for
each()
{
    local file name
    local n=0

    asked "$1" || return 0
    echo "== $1"
    for file in $2; do
        [ -e "$file" ] || continue
        name=$(basename "$file")
        name=${name%.*}
        chosen "$name" || continue
        n=$((n + 1))
        found=1
        "$3" "$name"
    done
    [ $n -gt 0 ] || echo "no $1 tests found"
}

# verdict KIND NAME RC: one test of one file
verdict()
{
    if [ "$3" -eq 0 ]; then
        echo "ok     $2"
        add "$1" 1 0
    else
        echo "FAILED $2"
        add "$1" 0 1
    fi
}

# counted KIND COMMAND...: a command whose last line is the count
counted()
{
    local kind=$1
    local out rc last

    shift
    echo "== $kind"
    out=$(mktemp) || exit 1
    "$@" 2>&1 | tee "$out"
    rc=${PIPESTATUS[0]}
    last=$(tail -1 "$out")
    rm -f "$out"
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        add "$kind" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
        [ "$rc" -eq 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || verdict "$kind" "exit code $rc" 1
    else
        verdict "$kind" "no count at the end" 1
    fi
}

# assertions KIND NAME RC LOG: count what a TAP file said
assertions()
{
    local good bad

    good=$(grep -c '^ok ' "$4")
    bad=$(grep '^not ok ' "$4" | grep -vc '# TO[D]O')
    # died, or not what was planned
    if [ "$3" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    add "$1" "$good" "$bad"
    if [ "$bad" -eq 0 ]; then
        echo "ok     $2 ($good)"
    else
        grep -v '^ok ' "$4" | tail -200
        echo "FAILED $2 ($good passed, $bad failed)"
    fi
}

# fresh_db TEMPLATE: every file has a database of its own
fresh_db()
{
    psql -Xq -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' \
        -c 'DROP DATABASE IF EXISTS contrib_regression WITH (FORCE)' \
        -c "CREATE DATABASE contrib_regression TEMPLATE $1"
}

# pg_regress writes what it finds into a directory of the test's own
regress_one()
{
    local out=$DIR/out/regress_$1
    local rc

    if [ ! -e "expected/regress/$1.out" ]; then
        echo "no expected/regress/$1.out"
        verdict regress "$1" 1
        return
    fi
    mkdir -p "$out/results/regress"
    fresh_db pm_template &&
        "$PGTEST/regress/pg_regress" --inputdir="$DIR/tree" --outputdir="$out" \
            --bindir="$BINDIR" --use-existing --dbname=contrib_regression \
            "regress/$1" > "$out/said" 2>&1
    rc=$?
    [ $rc -eq 0 ] || cat "$out/regression.diffs" 2>/dev/null || cat "$out/said"
    verdict regress "$1" $rc
}

isolation_one()
{
    local out=$DIR/out/isolation_$1
    local rc

    if [ ! -e "test/isolation/expected/$1.out" ]; then
        echo "no test/isolation/expected/$1.out"
        verdict isolation "$1" 1
        return
    fi
    mkdir -p "$out"
    fresh_db pm_template &&
        "$PGTEST/isolation/pg_isolation_regress" --inputdir="$DIR/tree/test/isolation" \
            --outputdir="$out" --bindir="$BINDIR" --use-existing \
            --dbname=contrib_regression "$1" > "$out/said" 2>&1
    rc=$?
    [ $rc -eq 0 ] || find "$out" -name regression.diffs -exec cat {} + | grep . || cat "$out/said"
    verdict isolation "$1" $rc
}

pgtap_one()
{
    local log=$DIR/out/pgtap_$1.log

    fresh_db pm_template_tap &&
        pg_prove -v -d contrib_regression "$DIR/tree/test/pgtap/$1.sql" > "$log" 2>&1
    assertions pgtap "$1" $? "$log"
}

# TAP tests make their own clusters, which root may not
tap_one()
{
    local out=$DIR/out/tap_$1

    as_server mkdir -p "$out/log" "$out/tmp"
    as_server env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE \
        TESTDIR="$out" TESTDATADIR="$out/data" TESTLOGDIR="$out/log" TMPDIR="$out/tmp" \
        PG_REGRESS="$PGTEST/regress/pg_regress" PM_TEST_CONF="$DIR/conf" \
        PM_TREE="$DIR/tree" HOME="$out" \
        sh -c 'cd "$1" && shift && exec prove "$@"' sh "$DIR/tree" \
        -v -I "$PGTEST/perl" -I test/t "test/t/$1.pl" > "$out/said" 2>&1
    assertions tap "$1" $? "$out/said"
}

docs_one()
{
    local page=doc/$1.md

    [ -e "$page" ] || page=$1.md
    fresh_db pm_template &&
        PGDATABASE=contrib_regression bash test/tools/docs.sh "$page"
    verdict docs "$1" $?
}

bash test/tools/deps.sh test || { echo "0 passed, 1 failed"; exit 1; }
pg_paths

built=0
if "$MAKE" -s "$JOBS" all PG_CONFIG="$PG_CONFIG" WERROR=1 with_llvm=no > /dev/null; then
    built=1
fi
echo "== build"
verdict build "make WERROR=1" $((1 - built))

if asked lint; then counted lint bash test/tools/lint.sh; fi
if asked core; then
    if [ -e test/core/run.sh ]; then
        counted core bash test/core/run.sh test
    else
        echo "== core"
        echo "no core tests found"
    fi
fi

if [[ ! $kinds =~ \ (regress|isolation|pgtap|tap|docs)\  ]]; then
    :
elif [ $built -eq 0 ]; then
    echo "== the build failed: nothing runs in a server"
else
    new_dir
    remove_on_exit
    if stage WERROR=1 with_llvm=no && copy_tree && start_server "${TEST_SETTINGS[@]}" &&
        psql -Xq -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' \
            -c 'CREATE DATABASE pm_template' -c '\c pm_template' \
            -c 'SET client_min_messages = warning' \
            -c 'CREATE EXTENSION pool_manager CASCADE' -c '\c postgres' \
            -c 'CREATE DATABASE pm_template_tap TEMPLATE pm_template' \
            -c '\c pm_template_tap' -c 'CREATE EXTENSION pgtap'
    then
        each regress 'sql/regress/*.sql' regress_one
        each isolation 'test/isolation/specs/*.spec' isolation_one
        each pgtap 'test/pgtap/*.sql' pgtap_one
        each tap 'test/t/*.pl' tap_one
        each docs 'README.md doc/*.md' docs_one
        [ -z "$TESTS" ] || [ $found -eq 1 ] || verdict servers "no test is named $TESTS" 1
        crashes=$(find "$DIR/log" "$DIR/out" -type f \( -name log -o -name '*.log' \) -print0 |
            xargs -0 grep -hE 'terminated by signal (4|6|7|8|11)|TRAP:|PANIC:')
        [ -z "$crashes" ] || echo "$crashes"
        verdict servers "no crash in a server's log" $((${#crashes} > 0))
    else
        tail -20 "$DIR/log"
        verdict servers "create the extension in a throwaway cluster" 1
    fi
fi

total_passed=0
total_failed=0
echo
for kind in build lint core regress isolation pgtap tap docs servers; do
    [ -n "${passed[$kind]-}" ] || continue
    printf '%-10s %6d passed %4d failed\n' "$kind" "${passed[$kind]}" "${failed[$kind]}"
    total_passed=$((total_passed + passed[$kind]))
    total_failed=$((total_failed + failed[$kind]))
done
echo "$total_passed passed, $total_failed failed"
[ $total_failed -eq 0 ]
