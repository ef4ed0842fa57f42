/* SPDX-License-Identifier: MIT */
/* What the programs of the benchmarks share. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Ends the program with a message. */
_Noreturn void bench_fail(const char *what, const char *which);

/* Like malloc, but ends the program where there is none; freed with free. */
void *bench_allocate(size_t nbytes);

/* The number that text is; ends the program when it is none of min .. max. */
int bench_int(const char *text, int min, int max);

/* A digest of bytes that come after those of digest (0: the first ones); what
 * exceeds the last whole 8 bytes does not count. */
uint64_t bench_digest(uint64_t digest, const uint8_t *bytes, size_t nbytes);

/* The median of values[count], which are sorted. */
double bench_median(double *values, int count);

/* A ratio in a column of a table, or "-". */
void bench_print_ratio(double numerator, double denominator);

#endif
