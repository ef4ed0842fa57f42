/* SPDX-License-Identifier: MIT */
/* TIFF files in the making, for tests: bytes in memory. */
#ifndef FAKE_TIFF_H
#define FAKE_TIFF_H

#include "pyr_tiff.h"

#include <string.h>

#define ROOM 65536u

/* A file in the making. */
struct maker
{
    uint8_t bytes[ROOM];
    size_t nbytes;
    bool big;
    bool big_endian;
};

static struct maker maker;

static inline void put(size_t at, uint64_t value, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++)
        maker.bytes[at + (maker.big_endian ? nbytes - 1 - i : i)] =
            (uint8_t)(value >> (8 * i));
    if (at + nbytes > maker.nbytes)
        maker.nbytes = at + nbytes;
}

static inline void add(uint64_t value, size_t nbytes)
{
    put(maker.nbytes, value, nbytes);
}

static inline size_t width(void)
{
    return maker.big ? 8 : 4;
}

static inline void begin(bool big, bool big_endian)
{
    memset(&maker, 0, sizeof maker);
    maker.big = big;
    maker.big_endian = big_endian;
    maker.bytes[0] = big_endian ? 'M' : 'I';
    maker.bytes[1] = maker.bytes[0];
    maker.nbytes = 2;
    add(big ? 43 : 42, 2);
    if (big)
    {
        add(8, 2);
        add(0, 2);
    }
    add(0, width());
}

/* Where the position of the first directory stands. */
static inline size_t first_link(void)
{
    return width();
}

/* A directory at the end; link is where its position is put. Its entries are
 * added next, then its link. */
static inline size_t begin_dir(size_t link, uint64_t ntags)
{
    const size_t at = maker.nbytes;
    put(link, at, width());
    add(ntags, maker.big ? 8 : 2);
    return at;
}

static inline void add_tag(unsigned code, unsigned type, uint64_t count,
                           uint64_t value, size_t nbytes)
{
    add(code, 2);
    add(type, 2);
    add(count, width());
    const size_t at = maker.nbytes;
    add(0, width());
    put(at, value, nbytes);
}

#endif
