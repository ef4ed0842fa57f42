/* SPDX-License-Identifier: MIT */
/* Tests of the pixel engine: what it puts is what whole images give. */
#include "build_check.h"

#include <stdatomic.h>

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

/* ---- Many levels ---- */

struct count
{
    atomic_uint nputs;
    atomic_uint nfinishes;
    atomic_uint nwrong;
    uint32_t col; /* of the only tile of level 0 */
};

static bool one_may_hold(void *user, const struct pyr_window *window)
{
    (void)user;
    (void)window;
    return true;
}

static enum pyr_result read_one(void *user, const struct pyr_window *window,
                                uint8_t *pixels, uint8_t *valid,
                                enum pyr_coverage *out_coverage,
                                struct pyr_error *err)
{
    struct count *const count = user;
    (void)valid;
    (void)err;
    if (window->px_x != (int64_t)count->col * 2 || window->width_px != 2)
        atomic_fetch_add(&count->nwrong, 1);
    memset(pixels, 200, 4);
    *out_coverage = PYR_COVERS_ALL;
    return PYR_OK;
}

static enum pyr_result put_one(void *user, enum pyr_plane plane, uint32_t level,
                               uint32_t tile_col, uint32_t tile_row,
                               const uint8_t *bytes, size_t nbytes,
                               struct pyr_error *err)
{
    struct count *const count = user;
    (void)plane;
    (void)err;
    if (tile_col != (level < 32 ? count->col >> level : 0) || tile_row != 0 ||
        nbytes != 4 || (level == 0 && bytes[3] != 200))
        atomic_fetch_add(&count->nwrong, 1);
    atomic_fetch_add(&count->nputs, 1);
    return PYR_OK;
}

static enum pyr_result finish_one(void *user, uint32_t level,
                                  uint32_t container_col,
                                  uint32_t container_row, struct pyr_error *err)
{
    struct count *const count = user;
    (void)err;
    if (container_col != (level < 32 ? (count->col >> level) / 3 : 0) ||
        container_row != 0)
        atomic_fetch_add(&count->nwrong, 1);
    atomic_fetch_add(&count->nfinishes, 1);
    return PYR_OK;
}

/* As many as a grid can have, over the last column that it can have. */
static void test_many_levels(void)
{
    static const uint32_t cols[] = {0, 1, 65535, INT32_MAX - 1, INT32_MAX};
    for (size_t i = 0; i < sizeof cols / sizeof *cols; i++)
        for (uint32_t nlevels = 1; nlevels <= PYR_MAX_LEVELS; nlevels += 9)
        {
            struct count count = {.col = cols[i]};
            struct pyr_source_level levels[PYR_MAX_LEVELS] = {{0}};
            struct pyr_error err = {""};
            for (uint32_t level = 0; level < nlevels; level++)
            {
                levels[level].id = "x";
                levels[level].shape =
                    (struct pyr_tile_shape){2, 2, 1, PYR_SAMPLE_UINT8};
                levels[level].limits.min_col = levels[level].limits.max_col =
                    level < 32 ? cols[i] >> level : 0;
                levels[level].container_width_tiles = 3;
                levels[level].container_height_tiles = 1 << 18;
            }
            const struct pyr_raster raster = {
                .user = &count, .may_hold = one_may_hold, .read = read_one};
            const struct pyr_sink sink = {
                .user = &count, .put = put_one, .finish = finish_one};
            const struct pyr_build_options options = {
                .levels = levels,
                .nlevels = nlevels,
                .raster = &raster,
                .encoding = {.codec = PYR_CODEC_RAW},
                .rule = {.bands = 1, .validity = PYR_VALID_ALL},
                .sink = &sink,
                .pool = pool,
                .nthreads = 2};
            CHECK_INT(pyr_build(&options, &err), PYR_OK);
            CHECK_INT(count.nputs, nlevels);
            CHECK_INT(count.nfinishes, nlevels);
            CHECK_INT(count.nwrong, 0);
        }
}

static void test_can_cascade(void)
{
    const struct pyr_grid_level fine = {.cell_size = 0.5,
                                        .origin_x = -20,
                                        .origin_y = 30,
                                        .tile_width_px = 8,
                                        .tile_height_px = 4};
    const struct pyr_source_level slabs = {.container_width_tiles = 4,
                                           .container_height_tiles = 3};
    struct pyr_source_level others = slabs;
    struct pyr_grid_level coarse = fine;
    coarse.cell_size = 1.0 + 1e-9;
    coarse.origin_x += 1e-6;
    CHECK(pyr_build_can_cascade(&fine, &coarse, &slabs, &others));
    others.container_height_tiles = 4;
    CHECK(!pyr_build_can_cascade(&fine, &coarse, &slabs, &others));
    others = slabs;
    coarse.origin_y += 0.25;
    CHECK(!pyr_build_can_cascade(&fine, &coarse, &slabs, &others));
    coarse.origin_y = fine.origin_y;
    coarse.tile_width_px = 16;
    CHECK(!pyr_build_can_cascade(&fine, &coarse, &slabs, &others));
    coarse.tile_width_px = 8;
    coarse.cell_size = 1.5;
    CHECK(!pyr_build_can_cascade(&fine, &coarse, &slabs, &others));
    struct pyr_grid_level odd = fine;
    odd.tile_height_px = coarse.tile_height_px = 5;
    coarse.cell_size = 1.0;
    CHECK(!pyr_build_can_cascade(&odd, &coarse, &slabs, &others));
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
    RUN(test_many_levels);
    RUN(test_can_cascade);
    pyr_pool_free(pool);
    return unit_report();
}
