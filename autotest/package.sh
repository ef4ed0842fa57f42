#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the Debian package, unpacks it, and opens a pyramid with what it holds.
# Usage: package.sh SOURCE_DIRECTORY BUILD_DIRECTORY
set -eu
source=$1
work=$2/package
rm -rf "$work"
cd "$2"
cpack -G DEB -B "$work"
dpkg-deb -x "$work"/gdal-plugin-rok4_*.deb "$work/root"
dpkg-deb -f "$work"/gdal-plugin-rok4_*.deb Depends | grep libgdal

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
