/* SPDX-License-Identifier: MIT */
/* Little-endian numbers from and to bytes. */
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

static inline void pyr_put_le16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static inline void pyr_put_le32(uint8_t *bytes, uint32_t value)
{
    pyr_put_le16(bytes, value);
    pyr_put_le16(bytes + 2, value >> 16);
}

#endif
