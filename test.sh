#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what the tests need, and runs every test.
# Usage: ./test.sh [PRESET...]   (default: dev asan tsan)
set -eu
cd "$(dirname "$0")"

echo "== Packages"
cmake/install-packages.sh build test checks storage clients

[ $# -gt 0 ] || set -- dev asan tsan
failed=
mkdir -p build
for preset in "$@"; do
    log=build/$preset.log
    echo "== Build: $preset"
    if ! { cmake --preset "$preset" && cmake --build --preset "$preset"; } \
        >"$log" 2>&1; then
        tail -n 60 "$log"
        failed="$failed $preset"
        continue
    fi
    echo "== Test: $preset"
    ctest --preset "$preset" -V -j "$(nproc)" >"$log" 2>&1 ||
        failed="$failed $preset"
    cmake/test-summary.sh "$log"
done

if [ -n "$failed" ]; then
    echo "== FAILED:$failed (the logs are in build/)"
    exit 1
fi
echo "== All tests passed"
