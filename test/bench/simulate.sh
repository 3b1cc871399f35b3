# The part "simulate" of the benchmark; sourced by run.sh.

# kueue_line CONFIG TITLE PUBLISHED: workloads a second of wall time beside
# those that Kueue publishes, which also starts no pods, but talks to an API
# server; then mean times to admission, theirs as published
kueue_line()
{
    local ms workloads

    ms=$(stats "kueue.$1" | cut -d' ' -f1)
    workloads=$(value bench_simulate -c "SELECT count(*) FROM bench.kueue_job WHERE config = '$1'")
    awk -v title="$2" -v n="$workloads" -v ms="$ms" -v published="$3" 'BEGIN {
        printf "  %-46s %9d a second; published: %s\n", title " (" n " workloads)", n * 1000 / ms, published }'
    value bench_simulate -F ' ' -c "SELECT '    ' || string_agg(format('%s %s ms', class, mean_ms), ', ' ORDER BY class) ||
        format('; all ended after %s ms, %s runs gave way', max(until_ms), sum(gave_way)) FROM bench.kueue_run('$1')"
}

simulate()
{
    local span ms

    say "simulations"
    database bench_simulate && sql bench_simulate -f simulate_setup.sql || return 1
    {
        echo "SET search_path TO pool_manager, public;"
        for ((i = 0; i < REPEAT; i++)); do
            cat << 'SQL'
@ batch.easy
SELECT * FROM simulate_summary($$ SELECT 'm' AS name, 'cpu=128' AS resources $$, 'SELECT * FROM bench.batch_job', 'backfill');;
@ batch.fifo
SELECT * FROM simulate_summary($$ SELECT 'm' AS name, 'cpu=128' AS resources $$, 'SELECT * FROM bench.batch_job', 'fifo');;
@ kueue.baseline
SELECT * FROM bench.kueue_run('baseline');;
@ kueue.large
SELECT * FROM bench.kueue_run('large');;
@ kueue.topology
SELECT * FROM bench.kueue_run('topology');;
SQL
        done
    } | timed bench_simulate || return 1
    span=$(value bench_simulate -c "SET search_path TO pool_manager" -c "SELECT extract(epoch FROM makespan) FROM simulate_summary(
        \$\$ SELECT 'm' AS name, 'cpu=128' AS resources \$\$, 'SELECT * FROM bench.batch_job', 'backfill')")
    ms=$(stats batch.easy | cut -d' ' -f1)
    {
        heading "simulate; SDSC-SP2, 54,034 jobs of two years on 128 processors"
        plain "fifo" ms batch.fifo
        plain "EASY backfill" ms batch.easy
        awk -v span="$span" -v ms="$ms" 'BEGIN {
            times = span * 1000 / ms
            printf "  EASY backfill, times real time: %.0f; target > 1,000,000: %s\n", times, (times > 1e6 ? "met" : "MISSED") }'
        echo
        echo "the generators of Kueue's CI, in virtual time, mean times to admission; see simulate_setup.sql for what is modelled"
        kueue_line baseline "baseline" "43; large 16501 ms, medium 76768 ms, small 215468 ms"
        kueue_line large "large scale" "42; large 105604 ms, medium 256413 ms, small 700379 ms"
        kueue_line topology "topology" "37; large 39000 ms, medium 106500 ms, small 243500 ms"
    } >> "$OUT/report"
    drop_database bench_simulate
}
