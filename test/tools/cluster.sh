#!/bin/bash
# Throwaway clusters with the extension of this checkout in them.
#
#   cluster.sh run [options] -- COMMAND...  with PGHOST etc. set; then removed
#   cluster.sh start [options]              prints its directory
#   cluster.sh psql DIR [psql options]
#   cluster.sh stop DIR                     and remove it
#
# options: --durable          fsync and all as the server has it (else fsync=off)
#          --db NAME          make this database, the extension in it
#          --keep             run: leave the cluster when the command succeeds
#          -c NAME=VALUE      a setting
#
# The command sees PGHOST, PGPORT, PGUSER and PGDATABASE; PM_DIR (removed
# afterwards), PM_TREE (copy of sql, expected, test for the server to read).

. "$(dirname "$0")/lib.sh"

usage()
{
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

bring_up()
{
    local settings=()
    local flags=()

    # bitcode is for those who measure
    [ -n "$durable" ] ||
        { settings=("${TEST_SETTINGS[@]}"); flags=(with_llvm=no); }
    stage "${flags[@]}" && copy_tree &&
        start_server "${settings[@]}" "${extra[@]}" || return 1
    [ -n "$db" ] || return 0
    psql -Xq -v ON_ERROR_STOP=1 -c "CREATE DATABASE \"$db\"" &&
        psql -Xq -v ON_ERROR_STOP=1 -d "$db" -c 'SET client_min_messages = warning' \
            -c 'CREATE EXTENSION pool_manager CASCADE' || return 1
    sed -i "s/PGDATABASE=postgres/PGDATABASE='$db'/" "$DIR/env"
    . "$DIR/env"
}

[ $# -gt 0 ] || usage
verb=$1
shift

# bring_up's options
durable=""; db=""; keep=""
extra=()
if [ "$verb" = run ] || [ "$verb" = start ]; then
    while [ $# -gt 0 ]; do
        case $1 in
            --durable) durable=1 ;;
            --keep) keep=1 ;;
            --db) db=$2; shift ;;
            -c) extra+=("$2"); shift ;;
            --) shift; break ;;
            *) usage ;;
        esac
        shift
    done
fi

pg_paths
case $verb in
    run)
        [ $# -gt 0 ] || usage
        new_dir
        remove_on_exit
        bring_up || exit 1
        "$@"
        rc=$?
        if [ -n "$keep" ] && [ $rc -eq 0 ]; then
            rm "$DIR/.watched"
            trap - EXIT
            echo
            echo "The server stays. Connect:  $BINDIR/psql -h $DIR -U postgres $PGDATABASE"
            echo "Stop and remove it:         bash test/tools/cluster.sh stop $DIR"
        fi
        exit $rc
        ;;
    start)
        new_dir
        bring_up || { remove "$DIR"; exit 1; }
        echo "$DIR"
        ;;
    psql)
        [ -r "${1-}/env" ] || usage
        . "$1/env"
        shift
        exec psql "$@"
        ;;
    stop)
        [ -e "${1-}/.throwaway" ] || die "${1-}: not a directory of cluster.sh"
        remove "$1"
        ;;
    watch)                          # DIR PID: remove DIR when PID has died
        while kill -0 "$2" 2>/dev/null; do
            [ -e "$1/.watched" ] || exit 0
            sleep 1
        done
        sleep 2                     # its own trap comes first
        [ ! -e "$1/.watched" ] || remove "$1"
        ;;
    *)
        usage
        ;;
esac
