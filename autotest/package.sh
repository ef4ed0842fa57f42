#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the Debian packages, unpacks them, and opens a pyramid with what the main
# one holds.
# Usage: package.sh SOURCE_DIRECTORY BUILD_DIRECTORY
set -eu
source=$1
work=$2/package
rm -rf "$work"
cd "$2"
cpack -G DEB -B "$work"
dpkg-deb -x "$work"/gdal-plugin-rok4_*.deb "$work/root"
dpkg-deb -f "$work"/gdal-plugin-rok4_*.deb Depends | grep libgdal
if dpkg-deb -f "$work"/gdal-plugin-rok4_*.deb Depends | grep librados; then
    echo "the main package depends on Ceph"
    exit 1
fi
for package in "$work"/gdal-plugin-vsirados_*.deb; do
    [ -e "$package" ] || continue # built without librados
    dpkg-deb -f "$package" Depends | grep librados
    dpkg-deb -c "$package" | grep '/gdalplugins/gdal_vsirados.so$'
done

plugin=$(find "$work/root" -name gdal_ROK4.so)
case ${plugin#"$work/root"} in
/usr/lib/*/gdalplugins/gdal_ROK4.so) ;;
*)
    echo "the plugin is not where Debian's GDAL looks: $plugin"
    exit 1
    ;;
esac
find "$work/root" -path '*/gdal-rok4/tms/PM.json' | grep PM
GDAL_DRIVER_PATH=$(dirname "$plugin") \
    gdalinfo "$source/data/sample/lamb93_jpg90.json" | grep 'Driver: ROK4'
"$work/root/usr/bin/coginfo" --version
echo "1 passed, 0 failed"
