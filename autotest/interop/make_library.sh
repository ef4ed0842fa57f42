#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a virtual environment with the reference library, and the system's osgeo.
# Usage: make_library.sh DIRECTORY
#   DIRECTORY  where it is made, once; DIRECTORY/bin/python3 is its Python.
# Several may run at once. Without the package index it fails, the reason last.
set -eu
place=$1
version=2.2.3 # of rok4 on PyPI

[ ! -e "$place/made-$version" ] || exit 0
mkdir -p "$(dirname "$place")"
exec 9>"$place.lock"
flock 9
[ ! -e "$place/made-$version" ] || exit 0
rm -rf "$place"
/usr/bin/python3 -m venv --system-site-packages "$place"
log=$place/pip.log
if ! "$place/bin/python3" -m pip install -q --disable-pip-version-check \
    --retries 1 --timeout 20 "rok4==$version" >"$log" 2>&1; then
    grep -m 1 '^ERROR' "$log" || tail -n 1 "$log"
    exit 1
fi
touch "$place/made-$version"
