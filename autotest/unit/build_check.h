/* SPDX-License-Identifier: MIT */
/* Builds with the pixel engine, and compares what it puts with the same levels
 * made the simple way: one whole image after the other. */
#ifndef BUILD_CHECK_H
#define BUILD_CHECK_H

#include "fake_build.h"
#include "pyr_build_priv.h"

static struct pyr_pool *pool;

/* How pixels look and what tells valid ones. */
struct look
{
    uint32_t bands;
    enum pyr_sample sample;
    enum pyr_validity validity;
    enum pyr_reduction reduction;
    enum pyr_codec codec;
    double nodata[PYR_MAX_BANDS];
};

static const struct look LOOKS[] = {{1,
                                     PYR_SAMPLE_UINT8,
                                     PYR_VALID_NODATA,
                                     PYR_REDUCE_MEAN,
                                     PYR_CODEC_RAW,
                                     {17}},
                                    {3,
                                     PYR_SAMPLE_UINT8,
                                     PYR_VALID_ALL,
                                     PYR_REDUCE_MEAN,
                                     PYR_CODEC_PNG,
                                     {255, 254, 3}},
                                    {4,
                                     PYR_SAMPLE_UINT8,
                                     PYR_VALID_ALPHA,
                                     PYR_REDUCE_MEAN,
                                     PYR_CODEC_PACKBITS,
                                     {255, 255, 255, 0}},
                                    {1,
                                     PYR_SAMPLE_FLOAT32,
                                     PYR_VALID_NODATA,
                                     PYR_REDUCE_RMS,
                                     PYR_CODEC_DEFLATE,
                                     {-99999}},
                                    {3,
                                     PYR_SAMPLE_UINT8,
                                     PYR_VALID_MASK,
                                     PYR_REDUCE_MODE,
                                     PYR_CODEC_LZW,
                                     {1, 2, 3}},
                                    {1,
                                     PYR_SAMPLE_FLOAT32,
                                     PYR_VALID_MASK,
                                     PYR_REDUCE_MEAN,
                                     PYR_CODEC_RAW,
                                     {-1}},
                                    {2,
                                     PYR_SAMPLE_UINT8,
                                     PYR_VALID_MASK,
                                     PYR_REDUCE_NEAREST,
                                     PYR_CODEC_RAW,
                                     {9, 0}}};
#define NLOOKS (sizeof LOOKS / sizeof *LOOKS)

static inline struct fb *fb_new(const struct look *look, uint32_t tile_width_px,
                                uint32_t tile_height_px, uint32_t slab_width,
                                uint32_t slab_height)
{
    struct fb *const fb = fb_allocate(sizeof *fb);
    fb->shape.width_px = tile_width_px;
    fb->shape.height_px = tile_height_px;
    fb->shape.bands = look->bands;
    fb->shape.sample = look->sample;
    fb->slab_width = slab_width;
    fb->slab_height = slab_height;
    fb->limits = (struct pyr_grid_limits){3, 5, 25, 18};
    fb->nlevels = FB_LEVELS;
    fb->rule.reduction = look->reduction;
    fb->rule.validity = look->validity;
    fb->rule.bands = look->bands;
    fb->rule.sample = look->sample;
    memcpy(fb->rule.nodata, look->nodata, sizeof fb->rule.nodata);
    fb->encoding.codec = look->codec;
    fb->encoding.level = 1;
    fb->encoding.quality = 75;
    fb->masks = look->validity == PYR_VALID_MASK;
    fb->pattern = FB_BLOBS;
    fb->knows = true;
    fb->nthreads = 2;
    (void)pthread_mutex_init(&fb->lock, NULL);
    return fb;
}

static inline void forget_result(struct fb *fb)
{
    for (size_t i = 0; i < FB_LEVELS * (size_t)FB_TILES; i++)
        for (size_t plane = 0; plane < 2; plane++)
            free(fb->tiles[plane][i / FB_TILES][i % FB_TILES].bytes);
    memset(fb->tiles, 0, sizeof fb->tiles);
    memset(fb->nfinished, 0, sizeof fb->nfinished);
    memset(fb->nread, 0, sizeof fb->nread);
    fb->nreads = fb->nolds = fb->nputs = fb->nfinishes = fb->nprogress = 0;
    fb->fraction = 0;
    fb->nwrong = 0;
    fb->err.text[0] = '\0';
}

static inline void forget_truth(struct fb *fb)
{
    free(fb->valid);
    fb->valid = NULL;
    for (uint32_t level = 0; level < FB_LEVELS; level++)
    {
        free(fb->pixels[level]);
        free(fb->mask[level]);
        free(fb->cover[level]);
        fb->pixels[level] = fb->mask[level] = fb->cover[level] = NULL;
    }
    memset(fb->touched, 0, sizeof fb->touched);
    memset(fb->fresh, 0, sizeof fb->fresh);
}

static inline void fb_free(struct fb *fb)
{
    forget_result(fb);
    forget_truth(fb);
    (void)pthread_mutex_destroy(&fb->lock);
    free(fb);
}

/* ---- The same, made the simple way ---- */

static inline void fb_copy_rect(uint8_t *to, size_t to_row_bytes,
                                const uint8_t *from, size_t from_row_bytes,
                                size_t row_bytes, size_t nrows)
{
    for (size_t row = 0; row < nrows; row++)
        memcpy(to + row * to_row_bytes, from + row * from_row_bytes, row_bytes);
}

/* The tile of level 0, painted on what was there; untouched, it is empty. */
static inline void fb_make_first(struct fb *fb, uint32_t col, uint32_t row)
{
    const struct pyr_tile_shape *const shape = &fb->shape;
    const size_t pixel = pyr_pixel_bytes(shape);
    const size_t tile_px = (size_t)shape->width_px * shape->height_px;
    const bool old = fb_is_old(fb, 0, col, row);
    uint8_t *const was = fb_allocate(pyr_tile_bytes(shape));
    uint8_t *const was_valid = fb_allocate(tile_px);
    uint8_t *const now = fb_allocate(pyr_tile_bytes(shape));
    uint8_t *const now_valid = fb_allocate(tile_px);
    size_t ndata = 0;
    size_t nerased = 0;
    if (old)
        fb_make_old(fb, 0, col, row, was, was_valid);
    for (uint32_t i = 0; i < tile_px; i++)
    {
        const uint32_t px_x = col * shape->width_px + i % shape->width_px;
        const uint32_t px_y = row * shape->height_px + i / shape->width_px;
        const uint8_t valid = fb->valid[px_y * fb_width_px(fb, 0) + px_x];
        ndata += valid == 255;
        nerased += valid == PYR_VALID_ERASED;
        now_valid[i] = valid == 255 ? 255 : 0;
        if (valid == 255)
            fb_set_data(fb, now + i * pixel, px_x, px_y);
        else
            fb_set_nodata(fb, now + i * pixel);
        if (valid == 0 && old)
        {
            memcpy(now + i * pixel, was + i * pixel, pixel);
            now_valid[i] = was_valid[i];
        }
    }
    fb->fresh[0][row * FB_SIDE + col] = !old && ndata < tile_px;
    const bool equal =
        old && memcmp(was, now, pyr_tile_bytes(shape)) == 0 &&
        (!fb->masks || memcmp(was_valid, now_valid, tile_px) == 0);
    const bool touched =
        (ndata > 0 || (nerased > 0 && old)) && !(equal && fb->keep_equal);
    fb->touched[0][row * FB_SIDE + col] = touched;
    if (touched)
    {
        fb_copy_rect(fb_pixels(fb, 0, col, row), fb_width_px(fb, 0) * pixel,
                     now, pyr_tile_row_bytes(shape), pyr_tile_row_bytes(shape),
                     shape->height_px);
        fb_copy_rect(fb_mask(fb, 0, col, row), fb_width_px(fb, 0), now_valid,
                     shape->width_px, shape->width_px, shape->height_px);
        for (uint32_t i = 0; i < tile_px; i++)
        {
            const uint32_t px_x = col * shape->width_px + i % shape->width_px;
            const uint32_t px_y = row * shape->height_px + i / shape->width_px;
            const size_t at = px_y * fb_width_px(fb, 0) + px_x;
            fb->cover[0][at] = old || fb->valid[at] != 0 ? 255 : 0;
        }
    }
    free(was);
    free(was_valid);
    free(now);
    free(now_valid);
}

/* Whether a pixel of a level counts where the tile is new. */
static inline bool fb_stands(const struct fb *fb, uint32_t level, size_t at)
{
    const size_t pixel = pyr_pixel_bytes(&fb->shape);
    const size_t sample = pyr_sample_bytes(fb->shape.sample);
    const uint8_t *const bytes = fb->pixels[level] + at * pixel;
    const bool floats = fb->shape.sample == PYR_SAMPLE_FLOAT32;
    float value = 0;
    switch (fb->rule.validity)
    {
        case PYR_VALID_ALL:
            return fb->cover[level][at] != 0;
        case PYR_VALID_MASK:
            return fb->mask[level][at] != 0;
        case PYR_VALID_ALPHA:
            if (!floats)
                return bytes[pixel - 1] != 0;
            memcpy(&value, bytes + pixel - sample, sizeof value);
            return value != 0;
        case PYR_VALID_NODATA:
            if (!floats)
                return bytes[0] != (uint8_t)fb->rule.nodata[0];
            memcpy(&value, bytes, sizeof value);
            return value != (float)fb->rule.nodata[0];
    }
    return false;
}

/* In a quarter of a tile that is new below, what does not count is as it was.
 */
static inline void fb_restore_pixels(struct fb *fb, uint32_t level,
                                     uint32_t col, uint32_t row, uint32_t i,
                                     const uint8_t *was,
                                     const uint8_t *was_valid)
{
    const struct pyr_tile_shape *const shape = &fb->shape;
    const size_t pixel = pyr_pixel_bytes(shape);
    for (size_t y = 0; y < shape->height_px / 2; y++)
        for (size_t x = 0; x < shape->width_px / 2; x++)
        {
            const size_t in_x = (i & 1) * (shape->width_px / 2) + x;
            const size_t in_y = (i >> 1) * (shape->height_px / 2) + y;
            const size_t from = in_y * shape->width_px + in_x;
            const size_t at =
                (row * shape->height_px + in_y) * fb_width_px(fb, level) +
                col * shape->width_px + in_x;
            if (fb_stands(fb, level, at))
                continue;
            memcpy(fb->pixels[level] + at * pixel, was + from * pixel, pixel);
            fb->mask[level][at] = was_valid[from];
        }
}

/* Quarters that nothing below touched are as they were. */
static inline void fb_restore_quarters(struct fb *fb, uint32_t level,
                                       uint32_t col, uint32_t row)
{
    const struct pyr_tile_shape *const shape = &fb->shape;
    const size_t pixel = pyr_pixel_bytes(shape);
    const size_t half_width = shape->width_px / 2;
    const size_t half_height = shape->height_px / 2;
    const size_t width_px = fb_width_px(fb, level);
    uint8_t *const was = fb_allocate(pyr_tile_bytes(shape));
    uint8_t *const was_valid =
        fb_allocate((size_t)shape->width_px * shape->height_px);
    fb_make_old(fb, level, col, row, was, was_valid);
    for (uint32_t i = 0; i < 4; i++)
    {
        const size_t first_col = (i & 1) * half_width;
        const size_t first_row = (i >> 1) * half_height;
        const size_t below = (2 * row + (i >> 1)) * FB_SIDE + 2 * col + (i & 1);
        if (fb->touched[level - 1][below] && fb->fresh[level - 1][below])
            fb_restore_pixels(fb, level, col, row, i, was, was_valid);
        if (fb->touched[level - 1][below])
            continue;
        fb_copy_rect(fb_pixels(fb, level, col, row) +
                         (first_row * width_px + first_col) * pixel,
                     width_px * pixel,
                     was + (first_row * shape->width_px + first_col) * pixel,
                     pyr_tile_row_bytes(shape), half_width * pixel,
                     half_height);
        fb_copy_rect(
            fb_mask(fb, level, col, row) + first_row * width_px + first_col,
            width_px, was_valid + first_row * shape->width_px + first_col,
            shape->width_px, half_width, half_height);
    }
    for (size_t y = 0; y < shape->height_px; y++)
        memset(fb->cover[level] + (row * shape->height_px + y) * width_px +
                   col * shape->width_px,
               255, shape->width_px);
    free(was);
    free(was_valid);
}

static inline void fb_make_above(struct fb *fb, uint32_t level)
{
    const size_t width_px = fb_width_px(fb, level);
    const size_t height_px = (size_t)fb_side(level) * fb->shape.height_px;
    const size_t pixel = pyr_pixel_bytes(&fb->shape);
    pyr_reduce(&fb->rule, fb->pixels[level - 1], 2 * width_px * pixel,
               fb->masks ? fb->mask[level - 1] : NULL, 2 * width_px,
               (uint32_t)width_px, (uint32_t)height_px, fb->pixels[level],
               width_px * pixel, fb->masks ? fb->mask[level] : NULL, width_px);
    for (size_t i = 0; i < width_px * height_px; i++)
    {
        const uint8_t *const upper =
            fb->cover[level - 1] +
            (i / width_px * 2 * width_px + i % width_px) * 2;
        const uint8_t *const lower = upper + 2 * width_px;
        fb->cover[level][i] = upper[0] | upper[1] | lower[0] | lower[1];
    }
    for (uint32_t row = 0; row < fb_side(level); row++)
        for (uint32_t col = 0; col < fb_side(level); col++)
        {
            const bool *const below =
                &fb->touched[level - 1][2 * row * FB_SIDE + 2 * col];
            fb->touched[level][row * FB_SIDE + col] =
                below[0] || below[1] || below[FB_SIDE] || below[FB_SIDE + 1];
            fb->fresh[level][row * FB_SIDE + col] =
                !fb_is_old(fb, level, col, row);
            if (fb->touched[level][row * FB_SIDE + col] &&
                fb_is_old(fb, level, col, row))
                fb_restore_quarters(fb, level, col, row);
        }
}

/* Makes what must come out. */
static inline void make_truth(struct fb *fb)
{
    const size_t width_px = fb_width_px(fb, 0);
    const size_t height_px = (size_t)FB_SIDE * fb->shape.height_px;
    const size_t pixel = pyr_pixel_bytes(&fb->shape);
    forget_truth(fb);
    fb->valid = fb_allocate(width_px * height_px);
    for (size_t i = 0; i < width_px * height_px; i++)
    {
        const uint32_t px_x = (uint32_t)(i % width_px);
        const uint32_t px_y = (uint32_t)(i / width_px);
        const bool erased =
            fb->erases && fb_hash(px_x / 31, px_y / 17, 7) % 4 == 0;
        if (fb_counts(fb, px_x, px_y))
            fb->valid[i] = erased ? PYR_VALID_ERASED : 255;
    }
    for (uint32_t level = 0; level < fb->nlevels; level++)
    {
        const size_t npx = width_px * height_px >> (2 * level);
        fb->pixels[level] = fb_allocate(npx * pixel);
        fb->mask[level] = fb_allocate(npx);
        fb->cover[level] = fb_allocate(npx);
        for (size_t i = 0; i < npx; i++)
            fb_set_nodata(fb, fb->pixels[level] + i * pixel);
        if (level > 0)
            fb_make_above(fb, level);
        for (uint32_t i = 0; level == 0 && i < FB_TILES; i++)
        {
            const uint32_t col = i % FB_SIDE;
            const uint32_t row = i / FB_SIDE;
            if (col >= fb->limits.min_col && col <= fb->limits.max_col &&
                row >= fb->limits.min_row && row <= fb->limits.max_row)
                fb_make_first(fb, col, row);
        }
    }
}

static inline enum pyr_result run(struct fb *fb)
{
    static const char *const ids[FB_LEVELS] = {"f", "e", "d", "c", "b", "a"};
    struct pyr_source_level levels[FB_LEVELS] = {{0}};
    const struct pyr_raster raster = {.user = fb,
                                      .may_hold =
                                          fb->knows ? fb_may_hold : NULL,
                                      .read = fb_read};
    const struct pyr_sink sink = {.user = fb,
                                  .wants = fb->done != 0 ? fb_sink_wants : NULL,
                                  .put = fb_put,
                                  .finish = fb_finish};
    const struct pyr_background background = {.user = fb, .read = fb_read_old};
    for (uint32_t i = 0; i < fb->nlevels; i++)
    {
        levels[i].id = ids[i];
        levels[i].shape = fb->shape;
        levels[i].limits = (struct pyr_grid_limits){
            fb->limits.min_col >> i, fb->limits.min_row >> i,
            fb->limits.max_col >> i, fb->limits.max_row >> i};
        levels[i].container_width_tiles = fb->slab_width;
        levels[i].container_height_tiles = fb->slab_height;
    }
    const struct pyr_build_options options = {
        .levels = levels,
        .nlevels = fb->nlevels,
        .first_level = FB_FIRST_LEVEL,
        .raster = &raster,
        .encoding = fb->encoding,
        .mask_encoding = {.codec = PYR_CODEC_DEFLATE, .level = 1},
        .rule = fb->rule,
        .masks = fb->masks,
        .sink = &sink,
        .background = fb->old != 0 ? &background : NULL,
        .skip_first = fb->skip_first,
        .keep_equal = fb->keep_equal,
        .pool = pool,
        .nthreads = fb->nthreads,
        .progress = fb_progress,
        .progress_user = fb};
    forget_result(fb);
    fb->caller = pthread_self();
    const enum pyr_result result = pyr_build(&options, &fb->err);
    CHECK((result == PYR_OK) == (fb->err.text[0] == '\0'));
    CHECK_INT(fb->nwrong, 0);
    return result;
}

/* ---- Building and comparing ---- */

struct checker
{
    struct pyr_encoder *encoders[2];
    struct pyr_decoder *decoder;
    uint8_t *pixels;
};

static inline bool same_rows(const uint8_t *left, const uint8_t *right,
                             size_t right_row_bytes, size_t row_bytes,
                             size_t nrows)
{
    for (size_t row = 0; row < nrows; row++)
        if (memcmp(left + row * row_bytes, right + row * right_row_bytes,
                   row_bytes) != 0)
            return false;
    return true;
}

/* A tile is what the image gives: as pixels, and as bytes, which therefore do
 * not depend on how it was made. */
static inline bool is_right(const struct fb *fb, const struct checker *checker,
                            enum pyr_plane plane, uint32_t level, uint32_t col,
                            uint32_t row)
{
    const bool data = plane == PYR_PLANE_DATA;
    const struct fb_tile *const tile =
        &fb->tiles[plane][level][row * FB_SIDE + col];
    struct pyr_tile_shape shape = fb->shape;
    struct pyr_error err = {""};
    const uint8_t *bytes = NULL;
    size_t nbytes = 0;
    if (!data)
    {
        shape.bands = 1;
        shape.sample = PYR_SAMPLE_UINT8;
    }
    const uint8_t *const truth =
        data ? fb_pixels(fb, level, col, row) : fb_mask(fb, level, col, row);
    const size_t row_bytes = fb_width_px(fb, level) * pyr_pixel_bytes(&shape);
    const enum pyr_codec codec = data ? fb->encoding.codec : PYR_CODEC_DEFLATE;
    if (pyr_encode(checker->encoders[plane], &shape, truth, row_bytes, &bytes,
                   &nbytes, &err) != PYR_OK ||
        pyr_decode(checker->decoder, codec, &shape, tile->bytes, tile->nbytes,
                   checker->pixels, &err) != PYR_OK)
        return false;
    return tile->nbytes == nbytes && memcmp(tile->bytes, bytes, nbytes) == 0 &&
           (codec == PYR_CODEC_JPEG ||
            same_rows(checker->pixels, truth, row_bytes,
                      pyr_tile_row_bytes(&shape), shape.height_px));
}

static inline unsigned wrong_tiles(const struct fb *fb,
                                   const struct checker *checker,
                                   uint32_t level, unsigned *out_nputs)
{
    unsigned nwrong = 0;
    for (uint32_t i = 0; i < fb_side(level) * FB_SIDE; i++)
    {
        const uint32_t col = i % FB_SIDE;
        const uint32_t row = i / FB_SIDE;
        const uint32_t container =
            row / fb->slab_height * FB_SIDE + col / fb->slab_width;
        const bool wanted =
            fb_wants(fb, level, col / fb->slab_width, row / fb->slab_height) &&
            !(level == 0 && fb->skip_first);
        const bool put = fb->touched[level][i] && wanted;
        nwrong += fb->tiles[PYR_PLANE_DATA][level][i].nputs != put;
        nwrong +=
            fb->tiles[PYR_PLANE_MASK][level][i].nputs != (put && fb->masks);
        nwrong +=
            put && !is_right(fb, checker, PYR_PLANE_DATA, level, col, row);
        nwrong += put && fb->masks &&
                  !is_right(fb, checker, PYR_PLANE_MASK, level, col, row);
        nwrong += put && fb->nfinished[level][container] != 1;
        nwrong += fb->nfinished[level][i] > 1;
        *out_nputs += put;
    }
    return nwrong;
}

/* Builds, and compares everything. Returns how many tiles were put. */
static inline unsigned check(struct fb *fb)
{
    const struct pyr_encoding mask_encoding = {.codec = PYR_CODEC_DEFLATE,
                                               .level = 1};
    struct checker checker = {.pixels =
                                  fb_allocate(pyr_tile_bytes(&fb->shape))};
    struct pyr_error err = {""};
    const size_t tile_bytes = pyr_tile_bytes(&fb->shape);
    unsigned nputs = 0;
    if (pyr_encoder_new(&fb->encoding, &checker.encoders[0], &err) != PYR_OK ||
        pyr_encoder_new(&mask_encoding, &checker.encoders[1], &err) != PYR_OK ||
        pyr_decoder_new(&checker.decoder) != PYR_OK)
        abort();
    if (fb->valid == NULL)
        make_truth(fb);
    CHECK_INT(run(fb), PYR_OK);
    for (uint32_t level = 0; level < fb->nlevels; level++)
        CHECK_INT(wrong_tiles(fb, &checker, level, &nputs), 0);
    CHECK(fb->fraction == 1.0);
    CHECK(fb->most_bytes <= PYR_CHUNK_BYTES ||
          fb->most_bytes <= 4 * tile_bytes);
    pyr_encoder_free(checker.encoders[0]);
    pyr_encoder_free(checker.encoders[1]);
    pyr_decoder_free(checker.decoder);
    free(checker.pixels);
    return nputs;
}

#endif
