/* SPDX-License-Identifier: MIT */
/* What the tests of the pixel engine build from, paint on and put into. */
#ifndef FAKE_BUILD_H
#define FAKE_BUILD_H

#include "pyr_alloc.h"
#include "pyr_build.h"

#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#define FB_SIDE 32u /* tiles of level 0 along each side of the world */
#define FB_LEVELS 6u
#define FB_TILES (FB_SIDE * FB_SIDE)
#define FB_FIRST_LEVEL 3u /* how levels are numbered outside of the engine */

/* Which pixels of the raster count. */
enum fb_pattern
{
    FB_ALL,
    FB_NONE,
    FB_DOTS,  /* a few pixels all over */
    FB_BLOBS, /* rectangles that overlap, with holes of all sizes between */
    FB_TILES_ONLY, /* whole tiles here and there */
    FB_ONE,        /* a single pixel */
    FB_STRIPE,     /* a slanting one */
    FB_NPATTERNS
};

struct fb_tile
{
    uint8_t *bytes;
    size_t nbytes;
    unsigned nputs;
};

struct fb
{
    /* The scenario. */
    struct pyr_tile_shape shape;
    uint32_t slab_width;
    uint32_t slab_height;
    struct pyr_grid_limits limits;
    uint32_t nlevels;
    struct pyr_reduce_rule rule;
    struct pyr_encoding encoding;
    enum fb_pattern pattern;
    bool masks;
    bool knows;    /* the raster has may_hold */
    bool vague;    /* and says PART for everything */
    bool erases;   /* some pixels are erased */
    unsigned seed; /* of what is random */
    unsigned done; /* one of so many containers is done already; 0: none */
    unsigned old;  /* of so many tiles, one is not in the background; 0: none
                    * is */
    bool skip_first;
    bool keep_equal;
    unsigned nthreads;
    struct pyr_pool *pool;

    /* What fails: the nth call; 0 for none. */
    unsigned fail_read;
    unsigned fail_old;
    unsigned fail_put;
    unsigned fail_finish;
    unsigned cancel;

    /* What must come out: images of FB_SIDE >> level tiles along each side. */
    uint8_t *valid; /* of the raster */
    uint8_t *pixels[FB_LEVELS];
    uint8_t *mask[FB_LEVELS];
    uint8_t *cover[FB_LEVELS]; /* what raster and background have */
    bool touched[FB_LEVELS][FB_TILES];
    bool fresh[FB_LEVELS][FB_TILES]; /* in part new, where nothing was */

    /* What did. */
    pthread_mutex_t lock;
    pthread_t caller;
    struct fb_tile tiles[2][FB_LEVELS][FB_TILES];
    unsigned nfinished[FB_LEVELS][FB_TILES]; /* by container */
    uint8_t nread[FB_TILES];
    unsigned nreads;
    unsigned nolds;
    unsigned nputs;
    unsigned nfinishes;
    unsigned nprogress;
    size_t most_bytes; /* of a window */
    double fraction;
    unsigned nwrong;
    struct pyr_error err;
};

static inline uint32_t fb_hash(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t hash = a * 0x9E3779B1u + b * 0x85EBCA77u + c * 0xC2B2AE3Du;
    hash = (hash ^ (hash >> 15)) * 0x2C1B3C6Du;
    hash = (hash ^ (hash >> 12)) * 0x297A2D39u;
    return hash ^ (hash >> 15);
}

static inline void *fb_allocate(size_t nbytes)
{
    void *const block = calloc(nbytes, 1);
    if (block == NULL)
        abort();
    return block;
}

static inline uint32_t fb_side(uint32_t level)
{
    return FB_SIDE >> level;
}

static inline size_t fb_width_px(const struct fb *fb, uint32_t level)
{
    return (size_t)fb_side(level) * fb->shape.width_px;
}

static inline uint8_t *fb_pixels(const struct fb *fb, uint32_t level,
                                 uint32_t col, uint32_t row)
{
    const size_t px =
        (size_t)row * fb->shape.height_px * fb_width_px(fb, level) +
        (size_t)col * fb->shape.width_px;
    return fb->pixels[level] + px * pyr_pixel_bytes(&fb->shape);
}

static inline uint8_t *fb_mask(const struct fb *fb, uint32_t level,
                               uint32_t col, uint32_t row)
{
    return fb->mask[level] +
           (size_t)row * fb->shape.height_px * fb_width_px(fb, level) +
           (size_t)col * fb->shape.width_px;
}

static inline void fb_set(const struct fb *fb, uint8_t *pixel, uint32_t band,
                          double value)
{
    const float number = (float)value;
    if (fb->shape.sample == PYR_SAMPLE_FLOAT32)
        memcpy(pixel + band * sizeof number, &number, sizeof number);
    else
        pixel[band] = (uint8_t)value;
}

static inline void fb_set_nodata(const struct fb *fb, uint8_t *pixel)
{
    for (uint32_t band = 0; band < fb->shape.bands; band++)
        fb_set(fb, pixel, band, fb->rule.nodata[band]);
}

/* A pixel that counts; some have the nodata value, or alpha 0, all the same. */
static inline void fb_set_data(const struct fb *fb, uint8_t *pixel,
                               uint32_t px_x, uint32_t px_y)
{
    for (uint32_t band = 0; band < fb->shape.bands; band++)
    {
        const uint32_t hash = fb_hash(px_x, px_y, band + 8 * fb->seed);
        const double value =
            hash % 11 == 0 ? fb->rule.nodata[band] : (double)(hash >> 8 & 255);
        fb_set(fb, pixel, band, value);
    }
}

/* ---- The raster ---- */

static inline bool fb_counts(const struct fb *fb, uint32_t px_x, uint32_t px_y)
{
    const uint32_t tile = fb_hash(px_x / fb->shape.width_px,
                                  px_y / fb->shape.height_px, fb->seed);
    const uint32_t one_x = fb->limits.max_col * fb->shape.width_px;
    const uint32_t one_y = fb->limits.min_row * fb->shape.height_px + 1;
    switch (fb->pattern)
    {
        case FB_ALL:
            return true;
        case FB_DOTS:
            return fb_hash(px_x, px_y, fb->seed) % 397 == 0;
        case FB_BLOBS:
            return fb_hash(px_x / 90, px_y / 50, fb->seed) % 3 == 0 ||
                   fb_hash(px_x / 11, px_y / 23, fb->seed) % 5 == 0;
        case FB_TILES_ONLY:
            return tile % 4 == 0;
        case FB_ONE:
            return px_x == one_x && px_y == one_y;
        case FB_STRIPE:
            return (px_x + 2 * px_y + fb->seed) % 512 < 29;
        case FB_NONE:
        case FB_NPATTERNS:
            break;
    }
    return false;
}

/* valid[] of a window, and how many of its pixels are 0, erased, 255. */
static inline void fb_window_valid(const struct fb *fb,
                                   const struct pyr_window *window,
                                   uint8_t *valid, size_t counts[3])
{
    counts[0] = counts[1] = counts[2] = 0;
    for (size_t row = 0; row < window->height_px; row++)
        for (size_t col = 0; col < window->width_px; col++)
        {
            const uint8_t value =
                fb->valid[((size_t)window->px_y + row) * fb_width_px(fb, 0) +
                          (size_t)window->px_x + col];
            counts[value == 0 ? 0 : value == 255 ? 2 : 1]++;
            if (valid != NULL)
                valid[row * window->width_px + col] = value;
        }
}

static inline void fb_wrong_if(struct fb *fb, bool wrong)
{
    (void)pthread_mutex_lock(&fb->lock);
    fb->nwrong += wrong;
    (void)pthread_mutex_unlock(&fb->lock);
}

static bool fb_may_hold(void *user, const struct pyr_window *window)
{
    struct fb *const fb = user;
    size_t counts[3];
    fb_wrong_if(fb, window->level != FB_FIRST_LEVEL ||
                        !pthread_equal(fb->caller, pthread_self()));
    fb_window_valid(fb, window, NULL, counts);
    return counts[1] + counts[2] > 0;
}

/* Each tile is read once at most, and none outside of the limits. */
static inline void fb_note_window(struct fb *fb,
                                  const struct pyr_window *window)
{
    const uint32_t width = fb->shape.width_px;
    const uint32_t height = fb->shape.height_px;
    const uint32_t first_col = (uint32_t)window->px_x / width;
    const uint32_t first_row = (uint32_t)window->px_y / height;
    const uint32_t ncols = window->width_px / width;
    const uint32_t nrows = window->height_px / height;
    const size_t nbytes = (size_t)window->width_px * window->height_px *
                          pyr_pixel_bytes(&fb->shape);
    bool wrong = window->level != FB_FIRST_LEVEL ||
                 !pthread_equal(fb->caller, pthread_self()) ||
                 window->px_x != (int64_t)first_col * width ||
                 window->px_y != (int64_t)first_row * height ||
                 window->width_px != ncols * width || ncols == 0 ||
                 window->height_px != nrows * height || nrows == 0 ||
                 first_col < fb->limits.min_col ||
                 first_row < fb->limits.min_row ||
                 first_col + ncols - 1 > fb->limits.max_col ||
                 first_row + nrows - 1 > fb->limits.max_row;
    for (uint32_t i = 0; i < ncols * nrows && !wrong; i++)
        wrong = fb->nread[(first_row + i / ncols) * FB_SIDE + first_col +
                          i % ncols]++ != 0;
    fb->most_bytes = nbytes > fb->most_bytes ? nbytes : fb->most_bytes;
    fb_wrong_if(fb, wrong);
}

static enum pyr_result fb_read(void *user, const struct pyr_window *window,
                               uint8_t *pixels, uint8_t *valid,
                               enum pyr_coverage *out_coverage,
                               struct pyr_error *err)
{
    struct fb *const fb = user;
    const size_t npx = (size_t)window->width_px * window->height_px;
    const size_t pixel_bytes = pyr_pixel_bytes(&fb->shape);
    size_t counts[3];
    fb_note_window(fb, window);
    memset(pixels, 0x5A, npx * pixel_bytes);
    memset(valid, 0x5A, npx);
    if (++fb->nreads == fb->fail_read)
        return pyr_fail(err, PYR_IO, "reading failed");
    fb_window_valid(fb, window, NULL, counts);
    *out_coverage = counts[0] == npx   ? PYR_COVERS_NOTHING
                    : counts[2] == npx ? PYR_COVERS_ALL
                                       : PYR_COVERS_PART;
    if (fb->vague)
        *out_coverage = PYR_COVERS_PART;
    if (*out_coverage == PYR_COVERS_NOTHING)
        return PYR_OK;
    if (*out_coverage == PYR_COVERS_PART)
        fb_window_valid(fb, window, valid, counts);
    for (uint32_t row = 0; row < window->height_px; row++)
        for (uint32_t col = 0; col < window->width_px; col++)
        {
            const size_t at = (size_t)row * window->width_px + col;
            if (*out_coverage == PYR_COVERS_ALL || valid[at] == 255)
                fb_set_data(fb, pixels + at * pixel_bytes,
                            (uint32_t)window->px_x + col,
                            (uint32_t)window->px_y + row);
            else
                fb_set_nodata(fb, pixels + at * pixel_bytes);
        }
    return PYR_OK;
}

/* ---- The background ---- */

static inline bool fb_is_old(const struct fb *fb, uint32_t level, uint32_t col,
                             uint32_t row)
{
    return fb->old != 0 &&
           fb_hash(level * 64 + col, row, fb->seed + 1) % fb->old != 0;
}

/* A tile as it was: in level 0 some are already what the raster makes them. */
static inline void fb_make_old(const struct fb *fb, uint32_t level,
                               uint32_t col, uint32_t row, uint8_t *pixels,
                               uint8_t *mask)
{
    const bool equal = level == 0 && fb_hash(col, row, fb->seed + 2) % 3 == 0;
    const uint32_t first_x = col * fb->shape.width_px;
    const uint32_t first_y = row * fb->shape.height_px;
    for (uint32_t i = 0; i < fb->shape.width_px * fb->shape.height_px; i++)
    {
        const uint32_t px_x = first_x + i % fb->shape.width_px;
        const uint32_t px_y = first_y + i / fb->shape.width_px;
        uint8_t *const pixel = pixels + i * pyr_pixel_bytes(&fb->shape);
        const uint32_t hash = fb_hash(px_x, px_y, 100 + level);
        const uint8_t valid =
            equal ? fb->valid[px_y * fb_width_px(fb, 0) + px_x] : 0;
        const bool counts = valid == 255 || (valid == 0 && hash % 5 != 0);
        if (mask != NULL)
            mask[i] = counts ? 255 : 0;
        for (uint32_t band = 0; band < fb->shape.bands; band++)
            fb_set(fb, pixel, band, (double)(hash >> band & 255));
        if (!counts)
            fb_set_nodata(fb, pixel);
        else if (valid == 255)
            fb_set_data(fb, pixel, px_x, px_y);
    }
}

static enum pyr_result fb_read_old(void *user, uint32_t level,
                                   uint32_t tile_col, uint32_t tile_row,
                                   uint8_t *pixels, uint8_t *mask,
                                   bool *out_present, struct pyr_error *err)
{
    struct fb *const fb = user;
    fb_wrong_if(fb, level < FB_FIRST_LEVEL ||
                        level >= FB_FIRST_LEVEL + fb->nlevels ||
                        (mask != NULL) != fb->masks ||
                        !pthread_equal(fb->caller, pthread_self()));
    memset(pixels, 0x5A, pyr_tile_bytes(&fb->shape));
    if (++fb->nolds == fb->fail_old)
        return pyr_fail(err, PYR_CORRUPT, "the old tile is broken");
    level -= FB_FIRST_LEVEL;
    *out_present = fb_is_old(fb, level, tile_col, tile_row);
    if (*out_present)
        fb_make_old(fb, level, tile_col, tile_row, pixels, mask);
    return PYR_OK;
}

/* ---- The sink ---- */

static inline bool fb_wants(const struct fb *fb, uint32_t level, uint32_t col,
                            uint32_t row)
{
    return fb->done == 0 ||
           fb_hash(level * 64 + col, row, fb->seed + 3) % fb->done != 0;
}

static bool fb_sink_wants(void *user, uint32_t level, uint32_t container_col,
                          uint32_t container_row)
{
    struct fb *const fb = user;
    fb_wrong_if(fb, level < FB_FIRST_LEVEL ||
                        level >= FB_FIRST_LEVEL + fb->nlevels ||
                        !pthread_equal(fb->caller, pthread_self()));
    return fb_wants(fb, level - FB_FIRST_LEVEL, container_col, container_row);
}

static enum pyr_result fb_put(void *user, enum pyr_plane plane, uint32_t level,
                              uint32_t tile_col, uint32_t tile_row,
                              const uint8_t *bytes, size_t nbytes,
                              struct pyr_error *err)
{
    struct fb *const fb = user;
    bool fail = false;
    level -= FB_FIRST_LEVEL;
    uint8_t *const copy = malloc(nbytes);
    if (copy == NULL || level >= fb->nlevels || tile_col >= fb_side(level) ||
        tile_row >= fb_side(level))
        abort();
    memcpy(copy, bytes, nbytes);
    (void)pthread_mutex_lock(&fb->lock);
    struct fb_tile *const tile =
        &fb->tiles[plane][level][tile_row * FB_SIDE + tile_col];
    fail = ++fb->nputs == fb->fail_put;
    tile->nputs++;
    fb->nwrong += fb->nfinished[level][tile_row / fb->slab_height * FB_SIDE +
                                       tile_col / fb->slab_width] != 0;
    free(tile->bytes);
    tile->bytes = copy;
    tile->nbytes = nbytes;
    (void)pthread_mutex_unlock(&fb->lock);
    return fail ? pyr_fail(err, PYR_IO, "putting failed") : PYR_OK;
}

/* Containers below one are finished before it. */
static enum pyr_result fb_finish(void *user, uint32_t level,
                                 uint32_t container_col, uint32_t container_row,
                                 struct pyr_error *err)
{
    struct fb *const fb = user;
    bool fail = false;
    level -= FB_FIRST_LEVEL;
    (void)pthread_mutex_lock(&fb->lock);
    fail = ++fb->nfinishes == fb->fail_finish;
    fb->nfinished[level][container_row * FB_SIDE + container_col]++;
    for (uint32_t above = level + 1; above < fb->nlevels; above++)
        fb->nwrong +=
            fb->nfinished[above][(container_row >> (above - level)) * FB_SIDE +
                                 (container_col >> (above - level))];
    (void)pthread_mutex_unlock(&fb->lock);
    return fail ? pyr_fail(err, PYR_IO, "finishing failed") : PYR_OK;
}

static bool fb_progress(void *user, double fraction)
{
    struct fb *const fb = user;
    fb_wrong_if(fb, fraction < fb->fraction || fraction > 1.0 ||
                        !pthread_equal(fb->caller, pthread_self()));
    fb->fraction = fraction;
    return ++fb->nprogress != fb->cancel;
}

#endif
