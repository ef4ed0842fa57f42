#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the count of each suite from the log of `ctest --verbose`: its own
# last line, the reasons of what it skipped, and all that a failed one said; those
# that failed once more at the end.
# Usage: test-summary.sh LOG
set -eu

awk '
# "12: text": a line of suite 12.
match($0, /^[0-9]+: /) {
    number = substr($0, 1, RLENGTH - 2)
    line = substr($0, RLENGTH + 1)
    said[number] = said[number] line "\n"
    gsub(/^=+ | =+$/, "", line)
    if (line ~ /^[0-9]+ (passed|failed|skipped)/)
        counts[number] = line
    if (line ~ /^SKIPPED/)
        skips[number] = skips[number] "    " line "\n"
}
# "3/40 Test #12: unit.pool ....   Passed    0.01 sec"
/^ *[0-9]+\/[0-9]+ Test +#/ {
    number = $0
    sub(/^[^#]*#/, "", number)
    sub(/:.*/, "", number)
    name = $0
    sub(/^[^:]*: /, "", name)
    sub(/ .*/, "", name)
    passed = $0 ~ /( Passed|\*\*\*Skipped) +[0-9.]+ sec/
    if (!passed) {
        printf "%s", said[number]
        failures = failures "FAILED: " name "\n"
    }
    printf "%-32s %s%s\n", name,
        counts[number] == "" ? "no count" : counts[number],
        passed ? "" : "  <-- FAILED"
    printf "%s", skips[number]
}
/ tests passed, .* out of / { print }
END { printf "%s", failures }' "$1"
