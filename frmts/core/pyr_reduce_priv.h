/* SPDX-License-Identifier: MIT */
/* What pyr_reduce.c and its loops over valid pixels share. */
#ifndef PYR_REDUCE_PRIV_H
#define PYR_REDUCE_PRIV_H

#include "pyr_reduce.h"

/* Each loop is written once for any pixel, and compiled for each number of
 * bands: with a constant in its place it becomes vector code. */
#if defined(__GNUC__) || defined(__clang__)
#define FOR_CONSTANTS static inline __attribute__((always_inline))
#else
#define FOR_CONSTANTS static inline
#endif

/* Output pixels that are worked on at a time: what is made on the way stays in
 * the first cache. */
#define PYR_REDUCE_MAX_PX 256

/* Makes n <= PYR_REDUCE_MAX_PX pixels of 2 n of each row, all of them valid.
 * Not for PYR_REDUCE_RMS with an alpha band: here it is a band like others. */
void pyr_reduce_valid(const struct pyr_reduce_rule *rule, const uint8_t *top,
                      const uint8_t *bottom, size_t n, uint8_t *out);

/* Root of sum / count, as a byte. A half, which only 4 values can make, is
 * exact in double precision, and goes up. */
uint8_t pyr_reduce_root(uint32_t sum, unsigned count);

#endif
