/* SPDX-License-Identifier: MIT */
/* Little-endian reads from bytes, and a growing text buffer with a bound. */
#ifndef PYR_BUF_H
#define PYR_BUF_H

#include "pyr.h"

static inline uint16_t pyr_le16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | (bytes[1] << 8));
}

static inline uint32_t pyr_le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) |
           ((uint32_t)bytes[2] << 16) | ((uint32_t)bytes[3] << 24);
}

#endif
