# What the tools share; sourced, not run.
#
# A throwaway cluster lives in one directory DIR of its own:
#   data/   the cluster; its socket lies in DIR, there is no TCP port
#   stage/  the extension as "make install DESTDIR=" leaves it
#   tree/   copy of sql, expected and test that the server's user can read
#   out/    what tests write
#   conf    settings that make a server find the staged extension
#   env     shell lines that make psql find the cluster
#   log     the server's log
# The server runs as the caller, or as postgres when the caller is root.

set -u
umask 022
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# builds here use every core, whatever an outer make was told
MAKE=${MAKE:-make}
MAKEFLAGS=$(echo "${MAKEFLAGS-}" | sed 's/ *-j[0-9]*//; s/ *--jobserver-[a-z]*=[^ ]*//g')
export MAKEFLAGS
JOBS=-j$(nproc 2>/dev/null || echo 2)
PG_CONFIG=${PG_CONFIG:-pg_config}
SERVER_USER=${SERVER_USER:-postgres}
TEST_SETTINGS=(fsync=off full_page_writes=off synchronous_commit=off)
cd "$ROOT" || exit 1

unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE \
    PGSERVICE PGOPTIONS PGDATA PGSSLMODE PGCLIENTENCODING PSQLRC LANGUAGE
LC_ALL=C
if locale -a 2>/dev/null | grep -qix 'c\.utf-\?8'; then LC_ALL=C.UTF-8; fi
export LC_ALL

die()
{
    echo "$*" >&2
    exit 1
}

# as_server COMMAND...: as the user that owns the servers
as_server()
{
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && runuser -u "$SERVER_USER" -- "$@")
    else
        "$@"
    fi
}

# pg_paths: where this PostgreSQL keeps its programs
pg_paths()
{
    local pgxs

    BINDIR=$("$PG_CONFIG" --bindir) || die "no $PG_CONFIG: run test/tools/deps.sh"
    pgxs=$("$PG_CONFIG" --pgxs)
    PGTEST=$(cd "$(dirname "$pgxs")/../test" && pwd) || die "no PGXS at $pgxs"
    PKGLIBDIR=$("$PG_CONFIG" --pkglibdir)
    SHAREDIR=$("$PG_CONFIG" --sharedir)
    PATH=$BINDIR:$PATH
    export PATH
}

# new_dir: sets DIR to a fresh directory of the server's user
new_dir()
{
    local base=${TMPDIR:-/tmp}

    # the server must reach it, and a socket's path is at most 107 bytes
    if [ "${#base}" -gt 80 ] || ! as_server test -w "$base" -a -x "$base"; then
        base=/tmp
    fi
    DIR=$(as_server mktemp -d "$base/pool_manager.XXXXXX") || exit 1
    as_server touch "$DIR/.throwaway"
    as_server mkdir "$DIR/out"
}

# known_setting NAME: does this server have it?
known_setting()
{
    "$BINDIR/postgres" --describe-config | grep -qP "^$1\t"
}

# stage: install into DIR/stage where the server can load from there
stage()
{
    local s=$DIR/stage
    local sudo=

    if known_setting extension_destdir; then
        echo "extension_destdir = '$s'" > "$DIR/conf"
    elif known_setting extension_control_path; then
        echo "extension_control_path = '$s$SHAREDIR:\$system'" > "$DIR/conf"
    else
        echo "this server loads extensions from its own directories only: make install"
        [ "$(id -u)" -eq 0 ] || sudo=sudo
        : > "$DIR/conf"
        $sudo "$MAKE" -s install PG_CONFIG="$PG_CONFIG" "$@" > /dev/null
        return
    fi
    echo "dynamic_library_path = '$s$PKGLIBDIR:\$libdir'" >> "$DIR/conf"
    "$MAKE" -s install PG_CONFIG="$PG_CONFIG" DESTDIR="$s" "$@" > /dev/null &&
        chmod -R go+rX "$s"
}

# copy_tree: the checkout may be closed to the server's user
copy_tree()
{
    mkdir "$DIR/tree" &&
        tar -cf - --exclude=test/core/build sql expected test |
        tar -C "$DIR/tree" --no-same-owner -xf - &&
        chmod -R go+rX "$DIR/tree"
}

# start_server [NAME=VALUE...]: initdb and start; needs DIR and stage
start_server()
{
    local locale=C
    local setting

    [ "$LC_ALL" = C ] || locale=C.UTF-8
    as_server "$BINDIR/initdb" -D "$DIR/data" -A trust -U postgres -E UTF8 \
        --locale="$locale" --no-sync > "$DIR/initdb.log" 2>&1 ||
        { cat "$DIR/initdb.log" >&2; return 1; }
    {
        cat "$DIR/conf"
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$DIR'"
        echo "port = 5432"          # names the socket, nothing else
        echo "timezone = 'UTC'"
        for setting; do
            echo "${setting%%=*} = '${setting#*=}'"
        done
    } | as_server tee -a "$DIR/data/postgresql.conf" > /dev/null
    as_server "$BINDIR/pg_ctl" -D "$DIR/data" -l "$DIR/log" -s -w start ||
        { cat "$DIR/log" >&2; return 1; }
    {
        echo "export PGHOST='$DIR' PGPORT=5432 PGUSER=postgres PGDATABASE=postgres"
        echo "export PM_DIR='$DIR' PM_TREE='$DIR/tree' PM_TEST_CONF='$DIR/conf'"
        echo "export PATH='$BINDIR':\"\$PATH\""
    } > "$DIR/env"
    . "$DIR/env"
}

# remove DIRECTORY: stop every server whose data is in it, remove it
remove()
{
    local pidfile

    [ -e "$1/.throwaway" ] || return 0
    as_server find "$1" -name postmaster.pid 2>/dev/null |
    while read -r pidfile; do
        as_server "$BINDIR/pg_ctl" -D "$(dirname "$pidfile")" -s -m immediate stop \
            > /dev/null 2>&1 < /dev/null
    done
    rm -rf "$1" 2>/dev/null || as_server rm -rf "$1"
}

# remove_on_exit: DIR goes when this shell ends, however it ends
remove_on_exit()
{
    trap 'remove "$DIR"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    # traps do not see kill -9
    as_server touch "$DIR/.watched"
    setsid bash "$ROOT/test/tools/cluster.sh" watch "$DIR" $$ > /dev/null 2>&1 < /dev/null &
    disown
}
