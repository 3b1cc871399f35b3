#!/bin/bash
# Install the Debian packages that are missing; nothing missing, nothing done.
#
#   deps.sh         what building and a server need
#   deps.sh test    and what the tests need

. "$(dirname "$0")/lib.sh"
want_test=${1-}

# missing MAJOR: the packages that are missing, one a line
missing()
{
    local bindir share include pgxs

    bindir=$("$PG_CONFIG" --bindir 2>/dev/null)
    share=$("$PG_CONFIG" --sharedir 2>/dev/null)
    include=$("$PG_CONFIG" --includedir-server 2>/dev/null)
    pgxs=$("$PG_CONFIG" --pgxs 2>/dev/null)
    command -v gcc > /dev/null || command -v "${CC:-cc}" > /dev/null || echo gcc
    command -v make > /dev/null || echo make
    [ -e /usr/include/stdio.h ] || echo libc6-dev
    # Debian's client package brings the makefile without the headers
    [ -n "$pgxs" ] && [ -e "$pgxs" ] && [ -e "$include/postgres.h" ] ||
        echo "postgresql-server-dev-$1"
    [ -x "$bindir/initdb" ] && [ -e "$share/extension/btree_gist.control" ] ||
        echo "postgresql-$1"
    [ -n "$want_test" ] || return 0
    [ -x "$(dirname "$pgxs")/../test/regress/pg_regress" ] || echo "postgresql-client-$1"
    [ -e "$share/extension/pgtap.control" ] || echo "postgresql-$1-pgtap"
    command -v pg_prove > /dev/null || echo libtap-parser-sourcehandler-pgtap-perl
    perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl
    command -v prove > /dev/null || echo perl
}

# the major version: that of the headers, else what Debian calls postgresql
major()
{
    local pgxs

    pgxs=$("$PG_CONFIG" --pgxs 2>/dev/null)
    if [ -n "$pgxs" ] && [ -e "$pgxs" ]; then
        "$PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'
    else
        apt-cache depends postgresql 2>/dev/null |
            sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -1
    fi
}

# as_root COMMAND...
as_root()
{
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# apt ARGUMENT...: try again, mirrors and locks come and go
apt()
{
    local try

    for try in 1 2 3; do
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
            -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" && return
        [ "$try" -eq 3 ] || sleep $((try * 5))
    done
    return 1
}

# A server package must not bring up a cluster of its own. The setting is for
# this installation only: afterwards the file is what it was, or the package's.
conf=/etc/postgresql-common/createcluster.conf
no_main_cluster()
{
    as_root mkdir -p "${conf%/*}"
    if [ -e $conf ]; then as_root cp -p $conf $conf.pm_saved; fi
    echo 'create_main_cluster = false' | as_root tee -a $conf > /dev/null
    trap restore_conf EXIT
}

restore_conf()
{
    if [ -e $conf.pm_saved ]; then
        as_root mv $conf.pm_saved $conf
    elif [ -e /usr/share/postgresql-common/createcluster.conf ]; then
        as_root cp /usr/share/postgresql-common/createcluster.conf $conf
        as_root rm -f $conf.ucf-dist
    fi
}

[ -n "$(missing 0)" ] || exit 0

command -v apt-get > /dev/null || die "missing, and this is no Debian: $(missing N | xargs)"
if [ "$(id -u)" -ne 0 ] && ! command -v sudo > /dev/null; then
    die "missing, and there is no sudo; as root: apt-get install $(missing "$(major)" | xargs)"
fi
echo "installing what is missing: $(missing "$(major)" | xargs)"
apt update > /dev/null || echo "apt-get update failed; trying with the lists there are" >&2
version=$(major)
[ -n "$version" ] || die "apt knows no package postgresql"
mapfile -t packages < <(missing "$version")
trap 'exit 130' INT TERM HUP
no_main_cluster
apt install -y --no-install-recommends "${packages[@]}" > /dev/null ||
    die "could not install: ${packages[*]}"
hash -r
[ -z "$(missing "$version")" ] || die "still missing: $(missing "$version" | xargs)"
