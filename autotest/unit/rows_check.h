/* SPDX-License-Identifier: MIT */
/* Builds with the rows engine, and compares what it puts with the same levels
 * made the simple way: one whole image after the other. */
#ifndef ROWS_CHECK_H
#define ROWS_CHECK_H

#include "fake_rows.h"

/* ---- What must have come out ---- */

/* A tile of an image, filled up; false where all of it is fill. */
static bool rc_cut(const struct rc *rc, const struct rc_image *image, bool mask,
                   uint32_t col, uint32_t row, uint8_t *tile)
{
    const size_t nbytes = mask ? 1 : rc_pixel_bytes(rc);
    const uint8_t *const from = mask ? image->mask : image->pixels;
    bool any = false;
    for (uint32_t i = 0; i < rc->tile_height; i++)
        for (uint32_t j = 0; j < rc->tile_width; j++)
        {
            const uint32_t px_x = col * rc->tile_width + j;
            const uint32_t px_y = row * rc->tile_height + i;
            const size_t x = px_x < image->width ? px_x : image->width - 1;
            const size_t y = px_y < image->height ? px_y : image->height - 1;
            uint8_t *const to =
                tile + ((size_t)i * rc->tile_width + j) * nbytes;
            memcpy(to, from + (y * image->width + x) * nbytes, nbytes);
            for (size_t k = 0; k < nbytes && mask; k++)
                any |= to[k] != 0;
            for (uint32_t band = 0; !mask && band < rc->bands; band++)
            {
                const size_t parts = pyr_type_is_complex(rc->type) ? 2 : 1;
                const double empty = rc_empty(rc, band);
                double values[2] = {0.0, 0.0};
                pyr_samples_load(rc->type, to + band * (nbytes / rc->bands), 1,
                                 parts, values);
                any |= values[0] != empty &&
                       (values[0] == values[0] || empty == empty);
                any |= parts == 2 && values[1] != 0.0;
            }
        }
    return any;
}

static int rc_count_wrong(const struct rc *rc)
{
    const size_t npixels = (size_t)rc->tile_width * rc->tile_height;
    uint8_t *const tile = malloc(npixels * rc_pixel_bytes(rc));
    int wrong = 0;
    for (uint32_t level = 0; level < rc->nlevels; level++)
        for (unsigned plane = 0; plane < 2; plane++)
            for (uint32_t i = 0; i < rc_cols(rc, level) * rc_rows(rc, level);
                 i++)
            {
                const struct rc_tile *const found = &rc->tiles[level][plane][i];
                const bool any = (plane == 0 || rc->masks) &&
                                 rc_cut(rc, &rc->images[level], plane == 1,
                                        i % rc_cols(rc, level),
                                        i / rc_cols(rc, level), tile);
                const size_t nbytes =
                    npixels * (plane == 1 ? 1 : rc_pixel_bytes(rc));
                wrong += found->nputs != (any ? 1u : 0u);
                if (any && found->nputs == 1)
                    wrong += found->nbytes != nbytes ||
                             memcmp(found->bytes, tile, nbytes) != 0;
            }
    free(tile);
    return wrong;
}

static bool rc_counts(const struct rc *rc, size_t pixel, uint32_t band)
{
    const struct rc_image *const image = &rc->images[0];
    if (rc->masks || rc->nodata || (rc->alpha && band + 1 < rc->bands))
        return image->mask[pixel] != 0;
    return true;
}

static int rc_count_wrong_sums(const struct rc *rc)
{
    const struct rc_image *const image = &rc->images[0];
    const size_t npixels = (size_t)image->width * image->height;
    int wrong = 0;
    for (uint32_t band = 0; rc->sums && band < rc->bands; band++)
    {
        const struct pyr_rows_statistics *const found = &rc->statistics[band];
        double sum = 0.0;
        double squares = 0.0;
        double min = INFINITY;
        double max = -INFINITY;
        size_t count = 0;
        for (size_t i = 0; i < npixels; i++)
        {
            double value = 0.0;
            if (!rc_counts(rc, i, band))
                continue;
            pyr_samples_load(rc->type,
                             image->pixels + i * rc_pixel_bytes(rc) +
                                 band * pyr_type_bytes(rc->type),
                             1, 1, &value);
            count++;
            sum += value;
            squares += value * value;
            min = value < min ? value : min;
            max = value > max ? value : max;
        }
        wrong += found->count != count;
        if (count == 0)
            continue;
        const double mean = sum / (double)count;
        const double variance = squares / (double)count - mean * mean;
        wrong += found->min != min || found->max != max;
        wrong += fabs(found->mean - mean) > 1e-8;
        wrong += fabs(found->stddev * found->stddev - variance) > 1e-6;
    }
    return wrong;
}

/* Runs, and returns how many tiles were put. */
static unsigned rc_check(struct rc *rc)
{
    CHECK_INT(rc_run(rc), PYR_OK);
    const int wrong = rc_count_wrong(rc);
    CHECK_INT(wrong, 0);
    CHECK_INT(rc->wrong, 0);
    CHECK_INT(rc_count_wrong_sums(rc), 0);
    CHECK(rc->fraction == 1.0);
    if (wrong > 0)
        printf("%ux%u to %ux%u, %u levels, tiles %ux%u, %u bands of type %d, "
               "method %d, masks %d, alpha %d, nodata %d, pattern %d, knows "
               "%d, threads %u: %s\n",
               rc->sizes[0].width_px, rc->sizes[0].height_px,
               rc->sizes[1].width_px, rc->sizes[1].height_px, rc->nlevels,
               rc->tile_width, rc->tile_height, rc->bands, rc->type, rc->method,
               rc->masks, rc->alpha, rc->nodata, rc->pattern, rc->knows,
               rc->nthreads, rc->err.text);
    return rc->nputs;
}

/* ---- Scenarios ---- */

/* Sizes by ratio, down to one tile. */
static void rc_sizes(struct rc *rc, uint32_t width, uint32_t height,
                     double ratio)
{
    rc->nlevels = 0;
    for (;;)
    {
        rc->sizes[rc->nlevels++] = (struct pyr_rows_size){width, height};
        if (rc->nlevels == RC_LEVELS ||
            (width <= rc->tile_width && height <= rc->tile_height))
            break;
        width = (uint32_t)(width / ratio);
        height = (uint32_t)(height / ratio);
        width = width == 0 ? 1 : width;
        height = height == 0 ? 1 : height;
    }
}

static struct rc *rc_new(uint32_t tile_width, uint32_t tile_height)
{
    struct rc *const rc = calloc(1, sizeof(*rc));
    rc->tile_width = tile_width;
    rc->tile_height = tile_height;
    rc->bands = 1;
    rc->type = PYR_TYPE_UINT8;
    rc->method = PYR_METHOD_CUBIC;
    rc->nthreads = 2;
    rc->sums = true;
    pthread_mutex_init(&rc->lock, NULL);
    CHECK_INT(pyr_pool_new(&rc->pool), PYR_OK);
    return rc;
}

static void rc_free(struct rc *rc)
{
    rc_forget(rc);
    rc_free_images(rc);
    pyr_pool_free(rc->pool);
    pthread_mutex_destroy(&rc->lock);
    free(rc);
}

#endif
