#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds, and runs the unit, driver and safety tests, inside another Debian (as
# root).
# Usage: run.sh trixie|sid [DIRECTORY]
#   DIRECTORY  where the other Debian is made, and kept for the next run;
#              without it, a temporary directory that is removed at the end.
# About 10 minutes and 2 GB each: trixie has GDAL 3.10, sid 3.13.
set -eu

source=$(cd "$(dirname "$0")/../.." && pwd)
suite=${1:-}
case $suite in
trixie | sid) ;;
*)
    sed -n '3,8s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
if [ "$(id -u)" != 0 ]; then
    echo "debootstrap and chroot need root" >&2
    exit 1
fi

kept=${2:-}
root=${kept:-$(mktemp -d)}
mkdir -p "$root"
root=$(cd "$root" && pwd)

clean_up() {
    for place in dev/shm proc; do
        ! mountpoint -q "$root/$place" || umount "$root/$place"
    done
    [ -n "$kept" ] || rm -rf --one-file-system "$root"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

if [ ! -e "$root/made" ]; then
    "$source/cmake/install-packages.sh" chroot
    # The mirror that this machine uses for Debian itself.
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' \
        'Created-By: Packages' 'Origin: Debian' |
        awk '$2 == "Debian" { print $1; exit }')
    echo "== $suite from $mirror"
    log=$root.log
    debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        exit 1
    }
    rm -f "$log"
    # A mirror may lag behind what sid promises of its lists.
    echo 'Acquire::Check-Valid-Until "false";' \
        >"$root/etc/apt/apt.conf.d/99mirror"
    touch "$root/made"
fi
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"
cp /etc/resolv.conf "$root/etc/resolv.conf"

rm -rf "$root/source"
mkdir "$root/source"
tar -C "$source" --exclude=./build --exclude=./.git -cf - . |
    tar -C "$root/source" --no-same-owner -xf -

chroot "$root" /usr/bin/env -i HOME=/tmp LANG=C.UTF-8 \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin CTEST_OUTPUT_ON_FAILURE=1 sh -eu -c '
    cd /source
    cmake/install-packages.sh build test
    echo "== GDAL $(gdal-config --version)"
    cmake --preset dev
    cmake --build --preset dev
    ctest --preset dev -L "unit|fuzz|gdrivers|safety" -V -j 2 \
        >build/test.log 2>&1 || failed=yes
    cmake/test-summary.sh build/test.log
    [ -z "${failed:-}" ]'
