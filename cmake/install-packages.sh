#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages of the project, as root or with sudo.
# Usage: install-packages.sh GROUP...
#   build    what the plugin is built with
#   test     what the unit and driver tests need
#   checks   what the tests of the sources, of the package and with the reference
#            library need
#   chroot   what tests in other Debians are made with
#   storage  servers of object stores, which the tests start themselves
#   clients  programs that use GDAL, to test the driver in: each is optional
set -eu

build="cmake ninja-build pkg-config gcc g++ libc6-dev libgdal-dev gdal-bin
    libcjson-dev libdeflate-dev libjpeg62-turbo-dev liblerc-dev librados-dev
    libspng-dev libtiff-dev libzstd-dev"
test="python3-gdal python3-numpy python3-pytest python3-pil"
checks="clang-format-14 binutils dpkg-dev file python3-venv"
storage="ceph-mon ceph-osd radosgw ceph-common python3-rados python3-boto3 nginx"
clients="strace python3-rasterio python3-rioxarray python3-dask python3-distributed
    cgi-mapserver python3-qgis"

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        return 1
    }
}

# Installs those of the packages that are not there; no network otherwise.
install() {
    missing=
    for package in "$@"; do
        state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
        [ "$state" = "install ok installed" ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "Installing:$missing"
    if [ -z "$updated" ]; then
        apt update || return 1
        updated=yes
    fi
    # shellcheck disable=SC2086 # one word for each package
    apt install -y --no-install-recommends $missing
}

# Lets no package start its server, until allow_servers.
refuse_servers() {
    if [ ! -e "$policy" ]; then
        printf '%s\n' '#!/bin/sh' "# $0: $mark" 'exit 101' >"$log"
        $as_root cp "$log" "$policy"
        $as_root chmod 755 "$policy"
    fi
}

allow_servers() {
    if grep -qs "$mark" "$policy"; then
        $as_root rm -f "$policy"
    fi
}

policy=/usr/sbin/policy-rc.d
mark="no server is started while packages are installed"
log=$(mktemp)
trap 'rm -f "$log"; allow_servers' EXIT
trap 'exit 1' HUP INT TERM
updated=
for group in "$@"; do
    # shellcheck disable=SC2086 # one word for each package
    case $group in
    build) install $build ;;
    test) install $test ;;
    checks) install $checks ;;
    chroot) install debootstrap ;;
    storage)
        refuse_servers
        install $storage
        allow_servers
        ;;
    clients)
        for client in $clients; do
            install "$client" ||
                echo "WARNING: $client cannot be installed, nor tested"
        done
        ;;
    *)
        sed -n '3,11s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
    esac
done
