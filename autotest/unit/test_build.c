/* SPDX-License-Identifier: MIT */
/* Tests of the pixel engine: what it puts is what whole images give. */
#include "build_check.h"

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
    pyr_pool_free(pool);
    return unit_report();
}
