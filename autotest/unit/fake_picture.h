/* SPDX-License-Identifier: MIT */
/* The pixels of a window of the fake pyramid: taken, and compared with what
 * its slabs hold or held. */
#ifndef FAKE_PICTURE_H
#define FAKE_PICTURE_H

#include "fake_pyramid.h"

enum
{
    PIXEL_UNTOUCHED,
    PIXEL_DATA,
    PIXEL_NOTHING
};

struct picture
{
    struct pyr_window window;
    size_t pixel_bytes;
    uint8_t *state; /* state[height_px][width_px] */
    uint8_t *bytes; /* bytes[height_px][width_px][pixel_bytes] */
    struct pyr_error err;
    /* Progress. */
    unsigned ncalls;
    unsigned cancel_at; /* the call that is answered with false */
    double last;
};

static void picture_store(void *user, const uint8_t *pixels, size_t row_bytes,
                          uint32_t px_x, uint32_t px_y, uint32_t width_px,
                          uint32_t height_px)
{
    struct picture *const picture = user;
    const size_t width = picture->window.width_px;
    if (px_x + width_px > width || width_px == 0 || height_px == 0 ||
        px_y + height_px > picture->window.height_px)
        abort();
    for (size_t row = 0; row < height_px; row++)
    {
        const size_t at = (px_y + row) * width + px_x;
        memset(picture->state + at, pixels != NULL ? PIXEL_DATA : PIXEL_NOTHING,
               width_px);
        if (pixels != NULL)
            memcpy(picture->bytes + at * picture->pixel_bytes,
                   pixels + row * row_bytes, width_px * picture->pixel_bytes);
    }
}

static bool picture_progress(void *user, double fraction)
{
    struct picture *const picture = user;
    CHECK(fraction > picture->last && fraction <= 1.0);
    picture->last = fraction;
    return ++picture->ncalls != picture->cancel_at;
}

static inline void picture_init(struct picture *picture, uint32_t level,
                                int64_t px_x, int64_t px_y, uint32_t width_px,
                                uint32_t height_px)
{
    const size_t npixels = (size_t)width_px * height_px;
    memset(picture, 0, sizeof *picture);
    picture->window.level = level;
    picture->window.px_x = px_x;
    picture->window.px_y = px_y;
    picture->window.width_px = width_px;
    picture->window.height_px = height_px;
    picture->pixel_bytes = pyr_pixel_bytes(&FAKE_LEVEL[level].shape);
    picture->state = calloc(npixels, 1);
    picture->bytes = calloc(npixels, picture->pixel_bytes);
    if (picture->state == NULL || picture->bytes == NULL)
        abort();
}

/* The window of all tiles of the level, and margin pixels around. */
static inline void picture_init_level(struct picture *picture, uint32_t level,
                                      uint32_t margin)
{
    const struct pyr_source_level *const at = &FAKE_LEVEL[level];
    const struct pyr_grid_limits *const limits = &at->limits;
    picture_init(picture, level,
                 (int64_t)limits->min_col * at->shape.width_px - margin,
                 (int64_t)limits->min_row * at->shape.height_px - margin,
                 (limits->max_col - limits->min_col + 1) * at->shape.width_px +
                     2 * margin,
                 (limits->max_row - limits->min_row + 1) * at->shape.height_px +
                     2 * margin);
}

static inline void picture_clear(struct picture *picture)
{
    free(picture->state);
    free(picture->bytes);
}

static inline enum pyr_result picture_read(struct picture *picture,
                                           size_t cache_bytes)
{
    const struct pyr_window_sink sink = {picture, picture_store,
                                         picture_progress};
    const size_t npixels =
        (size_t)picture->window.width_px * picture->window.height_px;
    memset(picture->state, PIXEL_UNTOUCHED, npixels);
    picture->err.text[0] = '\0';
    picture->last = 0;
    picture->ncalls = 0;
    const enum pyr_result result = pyr_reader_read(
        fake.reader, &picture->window, &sink, cache_bytes, &picture->err);
    CHECK_INT(fake.nopen, 0);
    CHECK((result == PYR_OK) == (picture->err.text[0] == '\0'));
    return result;
}

/* Whether a pixel is as version of its slab has it. */
static inline bool pixel_is(const struct picture *picture, size_t at,
                            const struct fake_slab *slab, unsigned version,
                            uint32_t px_x, uint32_t px_y)
{
    const struct pyr_tile_shape *const shape =
        &FAKE_LEVEL[picture->window.level].shape;
    const uint32_t level = picture->window.level;
    const uint32_t col = px_x / shape->width_px;
    const uint32_t row = px_y / shape->height_px;
    const size_t first = ((size_t)(px_y % shape->height_px) * shape->width_px +
                          px_x % shape->width_px) *
                         picture->pixel_bytes;
    if (!(slab->present >> version & 1) ||
        fake_tile_empty(level, version, col, row))
        return picture->state[at] == PIXEL_NOTHING;
    if (picture->state[at] != PIXEL_DATA)
        return false;
    for (size_t i = 0; i < picture->pixel_bytes; i++)
        if (picture->bytes[at * picture->pixel_bytes + i] !=
            fake_byte(level, version, col, row, first + i))
            return false;
    return true;
}

/* The slab of a pixel; NULL where there is none within the limits. */
static inline const struct fake_slab *slab_of(uint32_t level, int64_t px_x,
                                              int64_t px_y)
{
    const struct pyr_source_level *const at = &FAKE_LEVEL[level];
    const int64_t col = px_x / at->shape.width_px;
    const int64_t row = px_y / at->shape.height_px;
    if (px_x < 0 || px_y < 0 || col < at->limits.min_col ||
        col > at->limits.max_col || row < at->limits.min_row ||
        row > at->limits.max_row)
        return NULL;
    return &fake.slabs[level]
                      [col / at->container_width_tiles +
                       row / at->container_height_tiles * FAKE_SLAB_COLS];
}

/* Counts the pixels that are wrong: each slab's pixels must be as one of its
 * versions has them, or, with current, as the last one has. */
static inline unsigned picture_wrong(const struct picture *picture,
                                     bool current)
{
    const struct pyr_window *const window = &picture->window;
    uint64_t versions[FAKE_SLABS]; /* that agree with what was seen */
    unsigned wrong = 0;
    for (size_t i = 0; i < FAKE_SLABS; i++)
        versions[i] = current
                          ? UINT64_C(1) << fake.slabs[window->level][i].version
                          : UINT64_MAX;
    for (size_t at = 0; at < (size_t)window->width_px * window->height_px; at++)
    {
        const int64_t px_x = window->px_x + (int64_t)(at % window->width_px);
        const int64_t px_y = window->px_y + (int64_t)(at / window->width_px);
        const struct fake_slab *const slab = slab_of(window->level, px_x, px_y);
        if (slab == NULL)
        {
            wrong += picture->state[at] != PIXEL_NOTHING;
            continue;
        }
        uint64_t *const fit = &versions[slab - fake.slabs[window->level]];
        for (unsigned i = 0; i < FAKE_VERSIONS; i++)
            if ((*fit >> i & 1) && (i > slab->version ||
                                    !pixel_is(picture, at, slab, i,
                                              (uint32_t)px_x, (uint32_t)px_y)))
                *fit &= ~(UINT64_C(1) << i);
        wrong += *fit == 0;
    }
    return wrong;
}

#endif
