/* SPDX-License-Identifier: MIT */
/* What parsing directories and loading values share. */
#ifndef PYR_TIFF_PRIV_H
#define PYR_TIFF_PRIV_H

#include "pyr_tiff.h"

/* A number of 1 to 8 bytes. */
static inline uint64_t pyr_tiff_get(const uint8_t *bytes, size_t nbytes,
                                    bool big_endian)
{
    uint64_t value = 0;
    for (size_t i = 0; i < nbytes; i++)
        value = value << 8 | bytes[big_endian ? i : nbytes - 1 - i];
    return value;
}

/* Reads bytes[nbytes]: PYR_CORRUPT where they end beyond the file. */
enum pyr_result pyr_tiff_read(const struct pyr_tiff_reader *reader,
                              uint64_t offset_bytes, void *bytes, size_t nbytes,
                              struct pyr_error *err) PYR_MUST_CHECK;

#endif
