/* SPDX-License-Identifier: MIT */
/* Checks of what the window reader gives, and of the work it takes. */
#ifndef WINDOW_CHECK_H
#define WINDOW_CHECK_H

#include "fake_picture.h"

static struct picture picture;

/* Budgets of the last call. */
static inline void check_work(unsigned nopens, unsigned nreads,
                              unsigned nranges)
{
    CHECK_INT(fake.nopens, nopens);
    CHECK_INT(fake.nreads, nreads);
    CHECK_INT(fake.nranges, nranges);
    fake_forget();
}

static inline void check_read(size_t cache_bytes)
{
    CHECK_INT(picture_read(&picture, cache_bytes), PYR_OK);
    CHECK_INT(picture_wrong(&picture, true), 0);
}

static inline void check_level(uint32_t level, uint32_t margin,
                               size_t cache_bytes)
{
    picture_init_level(&picture, level, margin);
    check_read(cache_bytes);
    picture_clear(&picture);
}

static inline void check_locate(uint32_t tile_col, uint32_t tile_row,
                                enum pyr_presence expected)
{
    enum pyr_presence presence = PYR_OUTSIDE;
    struct pyr_extent extent = {1, 1};
    struct pyr_error err = {""};
    CHECK_INT(pyr_reader_locate(fake.reader, 0, tile_col, tile_row, MUCH,
                                &presence, &extent, &err),
              PYR_OK);
    CHECK_INT(presence, expected);
    CHECK_INT(extent.nbytes, expected == PYR_PRESENT ? 64 : 0);
    CHECK_INT(extent.offset_bytes == 0, expected != PYR_PRESENT);
}

#endif
