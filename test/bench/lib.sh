# What the parts of the benchmark share; sourced by run.sh.
#
# A sample is a line "LABEL VALUE" of the file samples: milliseconds, or
# transactions per second.  SQL scripts name what they time with "@ LABEL"
# (see timed); a line of the report compares the medians of two labels.

# database NAME [TEMPLATE]: a fresh one, the extension in it
database()
{
    psql -Xq -d postgres -c "SET client_min_messages = warning" \
        -c "DROP DATABASE IF EXISTS $1" || return 1
    if [ -n "${2-}" ]; then
        psql -Xq -d postgres -c "CREATE DATABASE $1 TEMPLATE $2"
    else
        psql -Xq -d postgres -c "CREATE DATABASE $1" &&
            psql -Xq -d "$1" -c "SET client_min_messages = warning" \
                -c "CREATE EXTENSION pool_manager CASCADE"
    fi
}

drop_database()
{
    psql -Xq -d postgres -c "DROP DATABASE $1"
}

# sql DATABASE [psql options]: no output but errors
sql()
{
    psql -Xq -v ON_ERROR_STOP=1 -o /dev/null -d "$@"
}

value()
{
    psql -XqAt -v ON_ERROR_STOP=1 -d "$@"
}

# timed DATABASE [psql options] < script: each line "@ LABEL" of the script
# names the statement after it.  Of a pass, its parts become samples too.
timed()
{
    sed 's/^@ \(.*\)/\\timing on\n\\echo @ \1\n\\warn @ \1/; s/;;$/;\n\\timing off/' |
        psql -Xq -v ON_ERROR_STOP=1 -d "$@" > "$OUT/stdout" 2> "$OUT/stderr" ||
        { cat "$OUT/stderr" >&2; return 1; }
    awk '$1 == "@" { label = $2 }
         $1 == "Time:" && label { print label, $2; label = "" }' "$OUT/stdout" >> "$OUT/samples"
    awk '$1 == "@" { label = $2 }
         /pass over pool/ && label {
             gsub(",", "")
             for (i = 1; i < NF; i++)
                 if ($i == "read" || $i == "decide" || $i == "write")
                     print label "." $i, $(i + 1)
         }' "$OUT/stderr" >> "$OUT/samples"
}

# repeat N TEXT: the text N times, every second time its two halves, parted
# by a line "--", the other way round
repeat()
{
    local i

    for ((i = 0; i < $1; i++)); do
        if ((i % 2 == 0)); then
            echo "${2/$'\n--\n'/$'\n'}"
        else
            echo "${2#*$'\n--\n'}"
            echo "${2%%$'\n--\n'*}"
        fi
    done
}

# sum LABEL A B...: sample by sample
sum()
{
    local to=$1

    shift
    awk -v to="$to" -v from="$*" '
        BEGIN { split(from, f, " "); for (i in f) want[f[i]] = 1 }
        $1 in want { n[$1]++; total[n[$1]] += $2; if (n[$1] > most) most = n[$1] }
        END { for (i = 1; i <= most; i++) print to, total[i] }' "$OUT/samples" > "$OUT/sum"
    cat "$OUT/sum" >> "$OUT/samples"
}

# stats LABEL: median and half the range as percentage of it
stats()
{
    awk -v label="$1" '$1 == label { print $2 }' "$OUT/samples" | sort -g |
        awk '{ v[NR] = $1 }
             END { if (NR == 0) { print "0 0"; exit }
                   m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
                   printf "%.6f %.0f\n", m, m ? 50 * (v[NR] - v[1]) / m : 0 }'
}

FORMAT="%-54s %10s %10s %-4s %7s %8s %-7s %9s\n"

heading()
{
    echo
    printf "$FORMAT" "$1" subject floor "" ratio target "" "noise +-%"
}

# line TEXT UNIT SUBJECT FLOOR HOW [TARGET]: HOW is "rate" (of rates: subject /
# floor, to be high), "speed" (of times: floor / subject, to be high) or "time"
# (of times: subject / floor, to be low).  Fails if the target is missed.
line()
{
    awk -v format="$FORMAT" -v text="$1" -v unit="$2" -v how="$5" -v target="${6-}" \
        -v s="$(stats "$3")" -v f="$(stats "$4")" '
        function number(x) { return sprintf(x < 100 ? "%.2f" : "%.0f", x) }
        BEGIN {
            split(s, subject, " "); split(f, floor, " ")
            over = how == "speed" ? floor[1] : subject[1]
            under = how == "speed" ? subject[1] : floor[1]
            ratio = under > 0 ? over / under : 0
            met = how == "time" ? ratio <= target : ratio >= target
            printf format, text, number(subject[1]), number(floor[1]), unit, number(ratio),
                target == "" ? "" : (how == "time" ? "<= " : ">= ") target,
                target == "" ? "" : met ? "met" : "MISSED", subject[2] "/" floor[2]
            exit target != "" && !met
        }'
}

# plain TEXT UNIT LABEL: a figure that is compared with nothing
plain()
{
    local median noise

    read -r median noise <<< "$(stats "$3")"
    printf "$FORMAT" "$1" "$(printf '%.2f' "$median")" "" "$2" "" "" "" "$noise"
}

# profile TITLE APPLICATION: where the backends of an application spend their
# time, from now for some seconds; kept for the end of the report
profile()
{
    local pids

    pids=$(value postgres -c "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE application_name = '$2'")
    {
        echo
        echo "Profile: $1"
        if [ -z "$pids" ]; then
            echo "  no backend to profile"
        elif ! command -v perf > /dev/null; then
            echo "  no perf here (Debian package linux-perf)"
        elif perf record -q -e cpu-clock -o "$OUT/perf.data" -p "$pids" -- sleep "$PROFILE_SECONDS" \
            > "$OUT/perf.log" 2>&1; then
            perf report -i "$OUT/perf.data" --stdio --sort dso,symbol 2> /dev/null |
                grep -v '^#' | grep -v '^$' | sed 's/  *-  *-  *$//' | head -16
        else
            sed 's/^/  /' "$OUT/perf.log"
        fi
    } >> "$OUT/profiles"
}

# statements TITLE DATABASE MS SQL [WARM]: runs it once, WARM before; the
# statements in it and the triggers that take MS or more, as auto_explain sees
# them, its own cost included
statements()
{
    {
        echo
        echo "Statements of $3 ms or more: $1"
        psql -Xq -d "$2" -o /dev/null 2>&1 <<- END |
	LOAD 'auto_explain';
	${5-};
	RESET ROLE;
	SET auto_explain.log_nested_statements = on;
	SET auto_explain.log_analyze = on;
	SET auto_explain.log_triggers = on;
	SET client_min_messages = log;
	SET auto_explain.log_min_duration = $3;
	$4;
	END
        awk -v least="$3" '
            /LOG:  duration:/ { sub(/.*duration: /, ""); ms = $1 + 0 }
            /^Query Text: / { printf "%10.2f ms  %s\n", ms, substr($0, 13, 100) }
            /^Trigger / { match($0, /time=[0-9.]+/); t = substr($0, RSTART + 5, RLENGTH - 5) + 0
                          if (t >= least) { sub(/: time=.*/, ""); printf "%10.2f ms      %s\n", t, $0 } }'
    } >> "$OUT/profiles"
}
