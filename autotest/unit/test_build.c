/* SPDX-License-Identifier: MIT */
/* Tests of the pixel engine: what it puts is what whole images give. */
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

static struct fb *fb_new(const struct look *look, uint32_t tile_width_px,
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

static void forget_result(struct fb *fb)
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

static void forget_truth(struct fb *fb)
{
    free(fb->valid);
    fb->valid = NULL;
    for (uint32_t level = 0; level < FB_LEVELS; level++)
    {
        free(fb->pixels[level]);
        free(fb->mask[level]);
        fb->pixels[level] = fb->mask[level] = NULL;
    }
    memset(fb->touched, 0, sizeof fb->touched);
}

static void fb_free(struct fb *fb)
{
    forget_result(fb);
    forget_truth(fb);
    (void)pthread_mutex_destroy(&fb->lock);
    free(fb);
}

/* Makes what must come out. */
static void make_truth(struct fb *fb)
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

static enum pyr_result run(struct fb *fb)
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

/* ---- Comparing ---- */

struct checker
{
    struct pyr_encoder *encoders[2];
    struct pyr_decoder *decoder;
    uint8_t *pixels;
};

static bool same_rows(const uint8_t *left, const uint8_t *right,
                      size_t right_row_bytes, size_t row_bytes, size_t nrows)
{
    for (size_t row = 0; row < nrows; row++)
        if (memcmp(left + row * row_bytes, right + row * right_row_bytes,
                   row_bytes) != 0)
            return false;
    return true;
}

/* A tile is what the image gives: as pixels, and as bytes, which therefore do
 * not depend on how it was made. */
static bool is_right(const struct fb *fb, const struct checker *checker,
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

static unsigned wrong_tiles(const struct fb *fb, const struct checker *checker,
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
static unsigned check(struct fb *fb)
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

/* ---- Tests ---- */

static const uint32_t SLABS[][2] = {{1, 1}, {2, 2},   {4, 2},  {3, 3},
                                    {1, 5}, {16, 16}, {32, 1}, {64, 64}};
#define NSLABS (sizeof SLABS / sizeof *SLABS)

static void test_slabs_and_looks(void)
{
    for (size_t i = 0; i < NSLABS; i++)
        for (size_t j = 0; j < NLOOKS; j++)
        {
            struct fb *const fb =
                fb_new(&LOOKS[j], 8, 4, SLABS[i][0], SLABS[i][1]);
            CHECK(check(fb) > 100);
            fb_free(fb);
        }
}

/* Large tiles: chunks are pairs of rows, or pairs of tiles. */
static void test_large_tiles(void)
{
    static const uint32_t sides[] = {16, 32, 64};
    for (size_t i = 0; i < NSLABS; i++)
        for (size_t j = 0; j < 3; j++)
        {
            struct fb *const fb = fb_new(&LOOKS[(i + j) % NLOOKS], sides[j],
                                         sides[j], SLABS[i][0], SLABS[i][1]);
            fb->nthreads = 1 + (unsigned)j;
            CHECK(check(fb) > 50);
            fb_free(fb);
        }
}

static void test_patterns(void)
{
    for (size_t i = 0; i < NSLABS; i++)
        for (int pattern = 0; pattern < FB_NPATTERNS; pattern++)
        {
            struct fb *const fb = fb_new(&LOOKS[(i + (size_t)pattern) % NLOOKS],
                                         16, 16, SLABS[i][0], SLABS[i][1]);
            fb->pattern = (enum fb_pattern)pattern;
            for (int j = 0; j < 3; j++)
            {
                fb->knows = j == 0;
                fb->vague = j == 2;
                const unsigned nputs = check(fb);
                CHECK((nputs > 0) == (pattern != FB_NONE));
                if (pattern == FB_ONE)
                    CHECK_INT(nputs, fb->nlevels);
                if (pattern == FB_NONE && fb->knows)
                    CHECK_INT(fb->nreads, 0);
            }
            fb_free(fb);
        }
}

static void test_limits_and_levels(void)
{
    static const struct pyr_grid_limits limits[] = {
        {0, 0, 31, 31}, {0, 0, 0, 0},    {31, 31, 31, 31}, {7, 8, 8, 9},
        {15, 3, 16, 3}, {1, 30, 30, 31}, {5, 0, 5, 31}};
    for (size_t i = 0; i < NSLABS; i++)
        for (size_t j = 0; j < sizeof limits / sizeof *limits; j++)
            for (uint32_t nlevels = 1; nlevels <= FB_LEVELS; nlevels++)
            {
                struct fb *const fb = fb_new(&LOOKS[(i + j + nlevels) % NLOOKS],
                                             8, 4, SLABS[i][0], SLABS[i][1]);
                fb->limits = limits[j];
                fb->nlevels = nlevels;
                fb->pattern = j % 2 == 0 ? FB_ALL : FB_BLOBS;
                (void)check(fb);
                fb_free(fb);
            }
}

static void test_threads_make_no_difference(void)
{
    static const unsigned nthreads[] = {1, 2, 4, 7};
    for (size_t i = 0; i < NSLABS; i++)
        for (size_t j = 0; j < NLOOKS; j++)
        {
            struct fb *const fb =
                fb_new(&LOOKS[j], 16, 16, SLABS[i][0], SLABS[i][1]);
            for (size_t k = 0; k < 4; k++)
            {
                fb->nthreads = nthreads[k];
                (void)check(fb);
            }
            fb_free(fb);
        }
}

static void test_jpeg(void)
{
    struct look look = LOOKS[1];
    look.codec = PYR_CODEC_JPEG;
    struct fb *const fb = fb_new(&look, 16, 16, 4, 4);
    CHECK(check(fb) > 100);
    fb_free(fb);
}

/* Containers that an earlier run wrote are left alone, the others are as they
 * would have been. */
static void test_resume(void)
{
    for (size_t i = 0; i < NSLABS; i++)
        for (unsigned done = 1; done <= 3; done++)
        {
            struct fb *const fb = fb_new(&LOOKS[(i + done) % NLOOKS], 8, 4,
                                         SLABS[i][0], SLABS[i][1]);
            fb->done = done;
            for (fb->seed = 0; fb->seed < 9; fb->seed += 4)
            {
                fb->nlevels = 2 + fb->seed / 2;
                make_truth(fb);
                const unsigned nputs = check(fb);
                if (done == 1)
                    CHECK_INT(nputs + fb->nreads, 0);
            }
            fb_free(fb);
        }
}

static void test_skip_first(void)
{
    for (size_t i = 0; i < NSLABS; i++)
    {
        struct fb *const fb =
            fb_new(&LOOKS[i % NLOOKS], 8, 4, SLABS[i][0], SLABS[i][1]);
        fb->skip_first = true;
        CHECK(check(fb) > 10);
        fb->nlevels = 1;
        CHECK_INT(check(fb) + fb->nreads, 0);
        fb_free(fb);
    }
}

static void test_background(void)
{
    for (size_t i = 0; i < NSLABS; i++)
        for (size_t j = 0; j < NLOOKS; j++)
            for (unsigned old = 1; old <= 3; old++)
            {
                struct fb *const fb =
                    fb_new(&LOOKS[j], 8, 4, SLABS[i][0], SLABS[i][1]);
                fb->old = old == 1 ? 1000000 : old;
                fb->seed = (unsigned)(i + j);
                fb->pattern = (enum fb_pattern)((i + j + old) % FB_NPATTERNS);
                fb->erases = fb->masks && old == 2;
                const unsigned nall = check(fb);
                fb->keep_equal = true;
                make_truth(fb);
                const unsigned nchanged = check(fb);
                CHECK(nchanged <= nall);
                fb->done = 3;
                (void)check(fb);
                fb_free(fb);
            }
}

/* ---- Failures ---- */

static struct fb *new_failing(unsigned old)
{
    struct fb *const fb = fb_new(&LOOKS[4], 16, 16, 2, 2);
    fb->old = old;
    fb->knows = false;
    make_truth(fb);
    CHECK_INT(run(fb), PYR_OK);
    return fb;
}

/* Sets *nth to each call, of all as many as *count tells. */
static void fail_each(struct fb *fb, unsigned *nth, const unsigned *count,
                      enum pyr_result result, const char *text)
{
    const unsigned ncalls = *count;
    const unsigned step = ncalls > 60 ? ncalls / 60 : 1;
    CHECK(ncalls > 5);
    for (unsigned i = 1; i <= ncalls; i += step)
        for (fb->nthreads = 1; fb->nthreads <= 2; fb->nthreads++)
        {
            *nth = i;
            CHECK_INT(run(fb), result);
            CHECK(strstr(fb->err.text, text) != NULL);
        }
    *nth = 0;
}

static void test_cancel(void)
{
    struct fb *const fb = new_failing(0);
    fail_each(fb, &fb->cancel, &fb->nprogress, PYR_CANCELLED, "interrupted");
    fb_free(fb);
}

static void test_failing_raster(void)
{
    struct fb *const fb = new_failing(0);
    fail_each(fb, &fb->fail_read, &fb->nreads, PYR_IO,
              "level f, reading from tile (");
    fail_each(fb, &fb->fail_read, &fb->nreads, PYR_IO, "): reading failed");
    fb_free(fb);
}

static void test_failing_put(void)
{
    struct fb *const fb = new_failing(0);
    fail_each(fb, &fb->fail_put, &fb->nputs, PYR_IO, "): putting failed");
    fb_free(fb);
}

static void test_failing_finish(void)
{
    struct fb *const fb = new_failing(0);
    fail_each(fb, &fb->fail_finish, &fb->nfinishes, PYR_IO, "finishing failed");
    fb_free(fb);
}

static void test_failing_background(void)
{
    struct fb *const fb = new_failing(3);
    fail_each(fb, &fb->fail_old, &fb->nolds, PYR_CORRUPT,
              ") as it was: the old tile is broken");
    fb_free(fb);
}

static void test_no_memory(void)
{
#ifdef PYR_ALLOC_FAILURES
    for (unsigned old = 0; old < 4; old += 3)
    {
        struct fb *const fb = new_failing(old);
        enum pyr_result result = PYR_NOMEM;
        unsigned long nth = 0;
        fb->nthreads = 1;
        while (result != PYR_OK && nth < 100000)
        {
            pyr_alloc_fail_nth(++nth);
            result = run(fb);
            CHECK(result == PYR_OK || result == PYR_NOMEM);
        }
        pyr_alloc_fail_nth(0);
        CHECK(nth > 50 && nth < 100000);
        fb_free(fb);
    }
#endif
}

static void test_cannot_be_built(void)
{
    struct fb *const fb = fb_new(&LOOKS[0], 8, 4, 2, 2);
    make_truth(fb);
    fb->masks = true;
    CHECK_INT(run(fb), PYR_USAGE);
    fb->masks = false;
    fb->nthreads = 0;
    CHECK_INT(run(fb), PYR_USAGE);
    fb->nthreads = PYR_POOL_MAX_THREADS + 1;
    CHECK_INT(run(fb), PYR_USAGE);
    fb->nthreads = 1;
    fb->shape.width_px = 7;
    CHECK_INT(run(fb), PYR_USAGE);
    fb->shape.width_px = 8;
    fb->rule.bands = 2;
    CHECK_INT(run(fb), PYR_USAGE);
    fb_free(fb);
}

int main(void)
{
    if (pyr_pool_new(&pool) != PYR_OK)
        return 1;
    RUN(test_slabs_and_looks);
    RUN(test_large_tiles);
    RUN(test_patterns);
    RUN(test_limits_and_levels);
    RUN(test_threads_make_no_difference);
    RUN(test_jpeg);
    RUN(test_resume);
    RUN(test_skip_first);
    RUN(test_background);
    RUN(test_cancel);
    RUN(test_failing_raster);
    RUN(test_failing_put);
    RUN(test_failing_finish);
    RUN(test_failing_background);
    RUN(test_no_memory);
    RUN(test_cannot_be_built);
    pyr_pool_free(pool);
    return unit_report();
}
