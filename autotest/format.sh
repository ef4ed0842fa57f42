#!/bin/sh
# SPDX-License-Identifier: MIT
# Every C and C++ source looks as .clang-format says.
# Usage: format.sh SOURCE_DIRECTORY CLANG_FORMAT
set -eu
cd "$1"
passed=0
failed=0
for file in $(find apps frmts port autotest -name '*.[ch]' -o -name '*.cpp' | sort)
do
    if "$2" --dry-run -Werror "$file" 2>/dev/null; then
        passed=$((passed + 1))
    else
        echo "FAILED: run $(basename "$2") -i $file"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
