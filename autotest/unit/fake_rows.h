/* SPDX-License-Identifier: MIT */
/* What the tests of the rows engine build from and put into. */
#ifndef FAKE_ROWS_H
#define FAKE_ROWS_H

#include "pyr_alloc.h"
#include "pyr_kernel_priv.h"
#include "pyr_pool.h"
#include "pyr_rows.h"
#include "unit.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define RC_LEVELS 8u
#define RC_FIRST_LEVEL 3u

/* Where the image has data. */
enum rc_pattern
{
    RC_ALL,
    RC_NONE,
    RC_BLOBS,
    RC_CORNER, /* the lower right pixel */
    RC_STRIPE, /* a slanting one */
    RC_NPATTERNS
};

struct rc_image
{
    uint32_t width;
    uint32_t height;
    uint8_t *pixels;
    uint8_t *mask;
};

struct rc_tile
{
    uint8_t *bytes;
    size_t nbytes;
    unsigned nputs;
};

struct rc
{
    /* The scenario. */
    struct pyr_rows_size sizes[RC_LEVELS];
    uint32_t nlevels;
    uint32_t tile_width;
    uint32_t tile_height;
    uint32_t bands;
    enum pyr_type type;
    enum pyr_method method;
    bool masks;
    enum pyr_mask_rule mask_rule;
    bool alpha;
    bool nodata;
    double nodata_values[8];
    enum rc_pattern pattern;
    bool knows; /* the source has may_hold */
    bool sums;  /* statistics are made */
    unsigned nthreads;
    struct pyr_pool *pool;

    /* What fails: the nth call; 0 for none. */
    unsigned fail_read;
    unsigned fail_put;
    unsigned cancel;

    /* What must come out. */
    struct rc_image images[RC_LEVELS];

    /* What did. */
    pthread_mutex_t lock;
    pthread_t caller;
    struct rc_tile *tiles[RC_LEVELS][2];
    size_t ntiles[RC_LEVELS];
    struct pyr_rows_statistics statistics[8];
    unsigned nreads;
    unsigned nputs;
    unsigned nprogress;
    uint32_t last_x;
    uint32_t last_y;
    double fraction;
    int wrong; /* calls that should not be */
    struct pyr_error err;
};

static size_t rc_pixel_bytes(const struct rc *rc)
{
    return rc->bands * pyr_type_bytes(rc->type);
}

static uint32_t rc_cols(const struct rc *rc, uint32_t level)
{
    return (rc->sizes[level].width_px - 1) / rc->tile_width + 1;
}

static uint32_t rc_rows(const struct rc *rc, uint32_t level)
{
    return (rc->sizes[level].height_px - 1) / rc->tile_height + 1;
}

/* ---- The image ---- */

static bool rc_has(const struct rc *rc, uint32_t px_x, uint32_t px_y)
{
    const uint32_t width = rc->sizes[0].width_px;
    const uint32_t height = rc->sizes[0].height_px;
    switch (rc->pattern)
    {
        case RC_ALL:
            return true;
        case RC_NONE:
        case RC_NPATTERNS:
            return false;
        case RC_BLOBS:
            return (px_x / 37 + px_y / 29) % 3 == 1 ||
                   (px_x * px_x + px_y * 7) % 97 == 0;
        case RC_CORNER:
            return px_x + 1 == width && px_y + 1 == height;
        case RC_STRIPE:
            return px_x / 2 == px_y || px_x / 2 == px_y + 1;
    }
    return false;
}

static double rc_empty(const struct rc *rc, uint32_t band)
{
    const struct pyr_kernel_rule rule = {.type = rc->type,
                                         .bands = rc->bands,
                                         .nodata = rc->nodata,
                                         .nodata_values = rc->nodata_values};
    return rc->nodata ? pyr_kernel_empty(&rule, band) : 0.0;
}

static void rc_free_images(struct rc *rc)
{
    for (uint32_t i = 0; i < RC_LEVELS; i++)
    {
        free(rc->images[i].pixels);
        free(rc->images[i].mask);
        rc->images[i] = (struct rc_image){0, 0, NULL, NULL};
    }
}

static void rc_draw(struct rc *rc)
{
    struct rc_image *const image = &rc->images[0];
    const size_t parts = pyr_type_is_complex(rc->type) ? 2 : 1;
    const size_t part_bytes = pyr_type_bytes(rc->type) / parts;
    uint32_t state = 7;
    for (size_t i = 0; i < (size_t)image->width * image->height; i++)
    {
        const bool has = rc_has(rc, (uint32_t)(i % image->width),
                                (uint32_t)(i / image->width));
        image->mask[i] = has ? 255 : 0;
        for (size_t j = 0; j < rc->bands * parts; j++)
        {
            double value = rc_empty(rc, (uint32_t)(j / parts));
            state = state * 1664525u + 1013904223u;
            if (has)
                value = (double)(state >> 25) + 1.0;
            pyr_samples_store(
                rc->type, &value, 1,
                image->pixels + (i * rc->bands * parts + j) * part_bytes, 1);
        }
    }
}

static struct pyr_kernel_rule rc_rule(const struct rc *rc, uint32_t level)
{
    return (struct pyr_kernel_rule){.method = rc->method,
                                    .type = rc->type,
                                    .bands = rc->bands,
                                    .masks = rc->masks,
                                    .mask_rule = level == 1 ? PYR_MASK_BY_ITSELF
                                                            : rc->mask_rule,
                                    .alpha = rc->alpha,
                                    .nodata = rc->nodata,
                                    .nodata_values = rc->nodata_values};
}

/* A level of the one before, column of tiles by column of tiles. */
static void rc_resample(struct rc *rc, uint32_t level)
{
    const struct rc_image *const in = &rc->images[level - 1];
    const struct rc_image *const out = &rc->images[level];
    const struct pyr_kernel_rule rule = rc_rule(rc, level);
    const struct pyr_kernel_scale scale = {in->width, in->height, out->width,
                                           out->height};
    const struct pyr_kernel_in from = {.pixels = in->pixels,
                                       .row_bytes =
                                           in->width * rc_pixel_bytes(rc),
                                       .mask = in->mask,
                                       .mask_row_bytes = in->width};
    struct pyr_kernel *kernel = NULL;
    CHECK_INT(pyr_kernel_new(&rule, &kernel), PYR_OK);
    for (uint32_t px_x = 0; px_x < out->width; px_x += rc->tile_width)
    {
        const uint32_t left = out->width - px_x;
        const struct pyr_kernel_out to = {
            .px_x = px_x,
            .width_px = left < rc->tile_width ? left : rc->tile_width,
            .height_px = out->height,
            .pixels = out->pixels + px_x * rc_pixel_bytes(rc),
            .row_bytes = out->width * rc_pixel_bytes(rc),
            .mask = out->mask + px_x,
            .mask_row_bytes = out->width};
        CHECK_INT(pyr_kernel_run(kernel, &scale, &from, &to), PYR_OK);
    }
    pyr_kernel_free(kernel);
}

static void rc_make_images(struct rc *rc)
{
    rc_free_images(rc);
    for (uint32_t i = 0; i < rc->nlevels; i++)
    {
        struct rc_image *const image = &rc->images[i];
        const size_t npixels =
            (size_t)rc->sizes[i].width_px * rc->sizes[i].height_px;
        image->width = rc->sizes[i].width_px;
        image->height = rc->sizes[i].height_px;
        image->pixels = malloc(npixels * rc_pixel_bytes(rc));
        image->mask = malloc(npixels);
        if (i == 0)
            rc_draw(rc);
        else
            rc_resample(rc, i);
    }
}

/* ---- What the engine calls ---- */

static bool rc_may_hold(void *user, uint32_t px_x, uint32_t px_y,
                        uint32_t width_px, uint32_t height_px)
{
    const struct rc *const rc = user;
    for (uint32_t row = px_y; row < px_y + height_px; row++)
        for (uint32_t col = px_x; col < px_x + width_px; col++)
            if (rc_has(rc, col, row))
                return true;
    return false;
}

static enum pyr_result rc_read(void *user, uint32_t px_x, uint32_t px_y,
                               uint32_t width_px, uint32_t height_px,
                               uint8_t *pixels, size_t row_bytes, uint8_t *mask,
                               size_t mask_row_bytes, struct pyr_error *err)
{
    struct rc *const rc = user;
    const struct rc_image *const image = &rc->images[0];
    rc->nreads++;
    rc->wrong += !pthread_equal(pthread_self(), rc->caller);
    rc->wrong += px_y < rc->last_y || (px_y == rc->last_y && px_x < rc->last_x);
    rc->wrong += px_x % rc->tile_width != 0 || px_y % rc->tile_height != 0;
    rc->wrong += px_x + width_px > image->width;
    rc->wrong += px_y + height_px > image->height;
    rc->wrong += (mask != NULL) != rc->masks;
    rc->last_x = px_x + width_px;
    rc->last_y = px_y;
    if (rc->nreads == rc->fail_read)
        return pyr_fail(err, PYR_IO, "reading failed");
    for (uint32_t row = 0; row < height_px; row++)
    {
        const size_t from = (size_t)(px_y + row) * image->width + px_x;
        memcpy(pixels + row * row_bytes,
               image->pixels + from * rc_pixel_bytes(rc),
               width_px * rc_pixel_bytes(rc));
        if (mask != NULL)
            memcpy(mask + row * mask_row_bytes, image->mask + from, width_px);
    }
    return PYR_OK;
}

static enum pyr_result rc_put(void *user, enum pyr_plane plane, uint32_t level,
                              uint32_t tile_col, uint32_t tile_row,
                              const uint8_t *bytes, size_t nbytes,
                              struct pyr_error *err)
{
    struct rc *const rc = user;
    const uint32_t number = level - RC_FIRST_LEVEL;
    enum pyr_result result = PYR_OK;
    pthread_mutex_lock(&rc->lock);
    if (++rc->nputs == rc->fail_put)
        result = pyr_fail(err, PYR_IO, "putting failed");
    else if (number >= rc->nlevels || tile_col >= rc_cols(rc, number) ||
             tile_row >= rc_rows(rc, number))
        rc->wrong++;
    else
    {
        struct rc_tile *const tile =
            &rc->tiles[number][plane == PYR_PLANE_MASK]
                      [tile_row * rc_cols(rc, number) + tile_col];
        if (tile->nputs++ == 0)
        {
            tile->bytes = malloc(nbytes);
            memcpy(tile->bytes, bytes, nbytes);
            tile->nbytes = nbytes;
        }
    }
    pthread_mutex_unlock(&rc->lock);
    return result;
}

static bool rc_progress(void *user, double fraction)
{
    struct rc *const rc = user;
    rc->wrong += fraction < rc->fraction || fraction > 1.0;
    rc->wrong += !pthread_equal(pthread_self(), rc->caller);
    rc->fraction = fraction;
    return ++rc->nprogress != rc->cancel;
}

static void rc_forget(struct rc *rc)
{
    for (uint32_t i = 0; i < RC_LEVELS; i++)
        for (unsigned j = 0; j < 2; j++)
        {
            for (size_t k = 0; k < rc->ntiles[i] && rc->tiles[i][j]; k++)
                free(rc->tiles[i][j][k].bytes);
            free(rc->tiles[i][j]);
            rc->tiles[i][j] = NULL;
        }
    rc->nreads = rc->nputs = rc->nprogress = 0;
    rc->last_x = rc->last_y = 0;
    rc->fraction = 0.0;
    rc->wrong = 0;
    rc->err.text[0] = '\0';
}

static enum pyr_result rc_run(struct rc *rc)
{
    const struct pyr_rows_source source = {rc, rc->knows ? rc_may_hold : NULL,
                                           rc_read};
    const struct pyr_sink sink = {.user = rc, .put = rc_put};
    const struct pyr_tile_format format = {.compression = PYR_TIFF_NONE,
                                           .tile_width_px = rc->tile_width,
                                           .tile_height_px = rc->tile_height,
                                           .bands = rc->bands,
                                           .type = rc->type,
                                           .predictor = 1};
    struct pyr_rows_options options = {.sizes = rc->sizes,
                                       .nlevels = rc->nlevels,
                                       .first_level = RC_FIRST_LEVEL,
                                       .source = &source,
                                       .method = rc->method,
                                       .masks = rc->masks,
                                       .mask_rule = rc->mask_rule,
                                       .alpha = rc->alpha,
                                       .nodata = rc->nodata,
                                       .nodata_values = rc->nodata_values,
                                       .format = format,
                                       .overview_format = format,
                                       .mask_format = format,
                                       .sink = &sink,
                                       .statistics =
                                           rc->sums ? rc->statistics : NULL,
                                       .pool = rc->pool,
                                       .nthreads = rc->nthreads,
                                       .progress = rc_progress,
                                       .progress_user = rc};
    options.mask_format.bands = 1;
    options.mask_format.type = PYR_TYPE_UINT8;
    rc_forget(rc);
    rc->caller = pthread_self();
    for (uint32_t i = 0; i < rc->nlevels; i++)
    {
        rc->ntiles[i] = (size_t)rc_cols(rc, i) * rc_rows(rc, i);
        for (unsigned j = 0; j < 2; j++)
            rc->tiles[i][j] = calloc(rc->ntiles[i], sizeof(struct rc_tile));
    }
    return pyr_rows_build(&options, &rc->err);
}

#endif
