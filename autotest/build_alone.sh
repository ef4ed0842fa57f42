#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds without CMake: the core as a whole, then each C header by itself.
# Usage: build_alone.sh SOURCE_DIRECTORY BUILD_DIRECTORY CC
set -eu
source=$1
build=$2/alone
cc=$3
passed=0
failed=0

try() {
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "FAILED: $*"
        failed=$((failed + 1))
    fi
}

rm -rf "$build"
mkdir -p "$build"
cd "$build"
try "$cc" -std=c11 -O2 -Wall -Werror -c "$source"/frmts/core/*.c
for header in "$source"/frmts/core/*.h "$source"/frmts/rok4/*.h \
    "$source"/frmts/cogx/*.h "$source"/port/vsirados/*.h; do
    # Headers of the adapters are C++, as their comments tell.
    case $(head -n 1 "$header") in "//"*) continue ;; esac
    name=$(basename "$header" .h)
    [ "$name" != vsirados_priv ] || continue # needs librados
    printf '#include "%s.h"\nint %s_alone;\n' "$name" "$name" >"$name.c"
    try "$cc" -std=c11 -Wall -Wextra -Werror -fsyntax-only \
        -I "$source/frmts/core" -I "$source/frmts/rok4" \
        -I "$source/frmts/cogx" -I "$source/port/vsirados" "$name.c"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
