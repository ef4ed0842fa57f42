/* SPDX-License-Identifier: MIT */
/* Checked integer arithmetic for sizes and indexes that come from files. */
#ifndef PYR_ARITH_H
#define PYR_ARITH_H

#include "pyr.h"

/* Each returns false, leaving *out alone, when the result does not fit. */
static inline bool pyr_add_u64(uint64_t left, uint64_t right, uint64_t *out)
{
    if (left > UINT64_MAX - right)
        return false;
    *out = left + right;
    return true;
}

static inline bool pyr_mul_u64(uint64_t left, uint64_t right, uint64_t *out)
{
    if (right != 0 && left > UINT64_MAX / right)
        return false;
    *out = left * right;
    return true;
}

static inline bool pyr_mul_size(size_t left, size_t right, size_t *out)
{
    if (right != 0 && left > SIZE_MAX / right)
        return false;
    *out = left * right;
    return true;
}

/* True when [offset, offset + nbytes) lies within [0, total). */
static inline bool pyr_range_within(uint64_t offset, uint64_t nbytes,
                                    uint64_t total)
{
    return offset <= total && nbytes <= total - offset;
}

#endif
