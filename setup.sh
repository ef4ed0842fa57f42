#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what the build needs, builds, and shows what the driver does.
# Usage: ./setup.sh [--install]
#   --install  also puts the plugin where GDAL looks for plugins, so that every
#              GDAL program finds it; without it, set GDAL_DRIVER_PATH as shown.
set -eu
cd "$(dirname "$0")"

install=no
for argument in "$@"; do
    case $argument in
    --install) install=yes ;;
    *)
        sed -n '3,6s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
    esac
done

echo "== Packages"
cmake/install-packages.sh build

echo "== Build"
cmake --preset release
cmake --build --preset release --target gdal_ROK4 gdal_vsirados coginfo

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
if [ "$install" = yes ]; then
    echo "== Install"
    $as_root cmake --install build/release
    unset GDAL_DRIVER_PATH
else
    export GDAL_DRIVER_PATH="$PWD/build/release/gdalplugins"
fi

# The main job: look at a pyramid, take a window out of it, make a pyramid of
# that, make pictures.
sample=data/sample
out=build/sample
rm -rf "$out"
mkdir -p "$out"

echo "== gdalinfo $sample/lamb93_jpg90.json"
gdalinfo "$sample/lamb93_jpg90.json"
gdal_translate -q -srcwin 200 300 256 200 "$sample/lamb93_jpg90.json" \
    "$out/window.tif"
gdal_translate -q -of ROK4 -co TILING_SCHEME=PM -co COMPRESS=JPEG \
    "$out/window.tif" "$out/pyramid.json"
gdal_translate -q -of PNG -outsize 400 0 "$sample/lamb93_jpg90.json" \
    "$out/quicklook.png"
gdal_translate -q -of PNG -outsize 400 0 -ot Byte -a_nodata none -scale \
    "$sample/lamb93mnt_zip_float32.json" "$out/terrain.png"

echo "== Made"
for file in window.tif pyramid.json quicklook.png terrain.png; do
    gdalinfo "$out/$file" >/dev/null
    echo "$PWD/$out/$file"
done
if [ "$install" = no ]; then
    echo "To use the driver from this build:"
    echo "export GDAL_DRIVER_PATH=$GDAL_DRIVER_PATH"
fi
