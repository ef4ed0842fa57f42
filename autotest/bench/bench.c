/* SPDX-License-Identifier: MIT */
/* What the programs of the benchmarks share. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_fail(const char *what, const char *which)
{
    fprintf(stderr, "bench: %s %s\n", what, which);
    exit(1);
}

void *bench_allocate(size_t nbytes)
{
    void *block = malloc(nbytes);
    if (block == NULL)
        bench_fail("out of memory", "");
    return block;
}

int bench_int(const char *text, int min, int max)
{
    char *end;
    const long value = strtol(text, &end, 10);
    if (*end != '\0' || end == text || value < min || value > max)
        bench_fail("not a number that makes sense:", text);
    return (int)value;
}

uint64_t bench_digest(uint64_t digest, const uint8_t *bytes, size_t nbytes)
{
    uint64_t sum = digest + nbytes;
    for (size_t i = 0; i + 8 <= nbytes; i += 8)
    {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        sum = (sum ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        sum ^= sum >> 29;
    }
    return sum;
}

static int compare_doubles(const void *left, const void *right)
{
    const double l = *(const double *)left;
    const double r = *(const double *)right;
    return (l > r) - (l < r);
}

double bench_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return values[count / 2];
}

void bench_print_ratio(double numerator, double denominator)
{
    if (numerator > 0 && denominator > 0)
        printf(" %8.2f", numerator / denominator);
    else
        printf(" %8s", "-");
}
