#!/bin/bash
# Run the examples of a page in the database that psql finds.
#
#   docs.sh [--write] PAGE
#
# The ```sql blocks go to one session, in order. A ```text block right after
# one must be what psql says to it; blanks at the end of lines and empty lines
# at the end of a block do not count. A block without one must raise no error.
# --write puts what psql says into the page instead.

write=
if [ "${1-}" = --write ]; then write=1; shift; fi
page=${1:?which page?}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

awk '/^```sql$/ { print "\\echo @@block"; inside = 1; next }
     /^```$/    { inside = 0 }
     inside' "$page" > "$dir/script"
psql -Xq < "$dir/script" > "$dir/said" 2>&1 || { cat "$dir/said"; exit 1; }

awk '
    function silent() {
        if (due && said[block] ~ /(^|\n)(ERROR|FATAL|invalid|\\)/) {
            printf "block %d:\n%s", block, said[block] > "/dev/stderr"
            bad = 1
        }
        due = 0
    }
    file == 1 && /^@@block$/ { n++; next }
    file == 1 { sub(/[ \t]+$/, ""); said[n] = said[n] $0 "\n"; next }

    /^```sql$/ { silent(); inside = 1; sub(/\n+$/, "\n", said[++block]) }
    inside && /^```$/ { inside = 0; due = 1; print; next }
    due && /^```text$/ { print; printf "%s", said[block]; due = 0; old = 1; next }
    old && !/^```$/ { next }
    { old = 0 }
    NF { silent() }
    { print }
    END { silent(); exit bad }
' file=1 "$dir/said" file=2 "$page" > "$dir/page" || exit 1

if [ -n "$write" ]; then
    cat "$dir/page" > "$page"
else
    diff -u --label "$page" --label "what psql says" "$page" "$dir/page"
fi
