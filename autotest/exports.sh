#!/bin/sh
# SPDX-License-Identifier: MIT
# The plugin exports the name that GDAL looks for and no other.
# Usage: exports.sh PLUGIN
set -eu
name=$(basename "$1" .so)
found=$(nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }')
if [ "$found" = "GDALRegister_${name#gdal_}" ]; then
    echo "1 passed, 0 failed"
else
    echo "exported: $found"
    echo "0 passed, 1 failed"
    exit 1
fi
