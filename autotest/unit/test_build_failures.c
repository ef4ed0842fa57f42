/* SPDX-License-Identifier: MIT */
/* Tests of the pixel engine: errors are passed on, and nothing is left. */
#include "build_check.h"

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
