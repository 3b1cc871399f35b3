#!/bin/bash
# Rules of the house that a compiler does not know. Each is one test; the last
# line is "N passed, N failed".

cd "$(dirname "$0")/../.." || exit 1
export LC_ALL=C
shopt -s lastpipe                 # rule counts in this shell
passed=0
failed=0

# rule NAME: standard input has what offends, one a line
rule()
{
    local found

    found=$(cat)
    if [ -z "$found" ]; then
        echo "ok     $1"
        passed=$((passed + 1))
    else
        echo "$found" | head -40 | sed 's/^/    /'
        echo "FAILED $1"
        failed=$((failed + 1))
    fi
}

# code FILE...: the lines of C files as FILE:LINE:TEXT, without comments
code()
{
    [ $# -gt 0 ] || return 0
    perl -0777 -ne '
        s{("(?:\\.|[^"\\\n])*")|(/\*.*?\*/)}{defined $1 ? $1 : "\n" x ($2 =~ tr/\n//)}gse;
        my $n = 0;
        print "$ARGV:", ++$n, ":$_\n" for split /\n/;' "$@"
}

# texts: every text file of the repository, built ones left out
texts()
{
    find . \( -name .git -o -name results -o -name output_iso -o -name build \) -prune -o \
        -type f ! -name '*.[od]' ! -name '*.bc' ! -name '*.so' ! -name '*.gz' \
        ! -name .build_flags ! -path './sql/pool_manager--*' -print | sort
}

# Arrows go one way; what stands in src itself serves all.
# may LAYER ALLOWED: the includes of LAYER that are not of ALLOWED
may()
{
    find "src/$1" -name '*.[ch]' -exec grep -HnE '^#include "(types|engine|billing|store|api|worker|\..*)/' {} + 2>/dev/null |
        grep -vE "\"($2)/"
}
{
    may types 'types'
    may engine 'types|engine'
    may billing 'types|billing'
    may store 'types|engine|billing|store'
    may api 'types|engine|billing|store|api'
    may worker 'types|engine|billing|store|api|worker'
} | rule "includes point down the layers"

mapfile -t pure < <(find src/engine src/billing -name '*.[ch]' 2>/dev/null)
code "${pure[@]}" | grep -E '\bSPI_|"(executor|access|catalog|utils/(rel|syscache|lsyscache|timestamp))[/.]|GetCurrent[A-Za-z]*Timestamp|[^a-z_](time|gettimeofday|clock_gettime) ?\(' |
    rule "engine and billing know no SQL, no tables, no clock"

mapfile -t elsewhere < <(find src -name '*.[ch]' ! -path 'src/store/*')
tables=$(cat sql/install/*.sql | sed 's/--.*//' |
    grep -oE 'CREATE +(UNLOGGED +)?(TABLE|VIEW|MATERIALIZED VIEW) +[a-z_.]+' |
    sed 's/.*[ .]//' | sort -u | paste -sd'|')
{
    code "${elsewhere[@]}" | grep -E '\bSPI_[a-z]'
    # names count inside string literals, where SQL is
    [ -z "$tables" ] || code "${elsewhere[@]}" | perl -ne '
        my $hit = 0;
        while (/"((?:\\.|[^"\\])*)"/g) {
            my $s = $1;
            $hit = 1 if $s =~ /\bpool_manager\.('"$tables"')\b|\b(?:FROM|INTO|UPDATE|JOIN|TABLE|ONLY) +('"$tables"')\b/;
        }
        print if $hit;'
} | rule "SPI and table names only in src/store"

if [ -e pool_manager.so ]; then
    nm -D --defined-only pool_manager.so | awk '{print $NF}' |
        grep -vE '^(pm_|pg_finfo_pm_)|^(_PG_init|Pg_magic_func|_init|_fini)$'
else
    echo "pool_manager.so is not built"
fi | rule "exported symbols start with pm_"

texts | xargs -d '\n' grep -nwE 'TO[D]O|FIX[M]E|XX[X]|HAC[K]' | rule "nothing is left to do"

{
    control=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" pool_manager.control)
    grep -E '^ *"version":' META.json | grep -v '"1\.0\.0"' | grep -vF "\"$control\"" | sed 's/^/META.json: /'
    grep -F '"file":' META.json | grep -vF -e "--$control.sql" | sed 's/^/META.json: /'
    top=$(grep -m1 -E '^## ' CHANGELOG.md 2>&1)
    [[ $top =~ ^##\ \[?"$control"([]\ ]|$) ]] || echo "CHANGELOG.md: top entry is not $control: $top"
} | rule "one version in control file, META.json, CHANGELOG.md"

for part in sql/install/*.sql; do
    sed 's/--.*//' "$part" | grep -niE 'CREATE +OR +REPLACE|(CREATE|ADD|ALTER)[A-Z ]+ IF +NOT +EXISTS' | sed "s|^|$part:|"
done | rule "the install script creates, never replaces"

grep -rnE 'PG_VERSION_NUM|PG_MAJORVERSION' src --include='*.[ch]' | grep -v '^src/compat\.h:' |
    rule "server versions only in src/compat.h"

# pair KIND FOLDER EXT FOLDER EXT: names that stand in one folder only
pair()
{
    diff <(find "$2" -name "*.$3" -exec basename {} ".$3" \; 2>/dev/null | sort) \
        <(find "$4" -name "*.$5" -exec basename {} ".$5" \; 2>/dev/null | sort) |
        sed -n "s/^</$1: no answers for/p; s/^>/$1: no test for/p"
}
{
    pair regress sql/regress sql expected/regress out
    pair isolation test/isolation/specs spec test/isolation/expected out
} | rule "every test has its answers, every answer its test"

{
    texts | grep -v '\.out$' | xargs -d '\n' grep -nE '[[:blank:]]$'
    texts | xargs -d '\n' grep -lU $'\r' | sed 's/$/: carriage return/'
    texts | while read -r f; do
        [ -z "$(tail -c1 "$f")" ] || echo "$f: no newline at the end"
    done
    grep -rnP '^\t* {4,}\S' src --include='*.[ch]'
    grep -rnP '^ +\t' src --include='*.[ch]'
} | rule "blanks: none trailing, LF, C indented by tabs"

texts | xargs -d '\n' grep -nE '\.\./share[d]|/wor[k]/' | rule "nothing points outside the repository"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
