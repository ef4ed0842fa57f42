/* SPDX-License-Identifier: MIT */
/* Tests of the rows engine: what it puts is what whole images give. */
#include "rows_check.h"

#define NMETHODS 8u

static void test_methods_and_sizes(void)
{
    static const uint32_t sizes[][2] = {{256, 256}, {333, 251}, {16, 700},
                                        {700, 16},  {1, 130},   {130, 1},
                                        {1, 1},     {17, 15},   {500, 90}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned method = 0; method < NMETHODS; method++)
        {
            struct rc *const rc = rc_new(16, 16);
            rc->method = (enum pyr_method)method;
            rc->bands = 1 + method % 3;
            rc_sizes(rc, sizes[i][0], sizes[i][1], 2.0);
            rc_make_images(rc);
            CHECK(rc_check(rc) > 0);
            rc_free(rc);
        }
}

static void test_ratios(void)
{
    static const double ratios[] = {1.5, 2.5, 3.0, 4.0, 7.3};
    static const uint32_t tiles[][2] = {{16, 16}, {48, 16}, {16, 64}};
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++)
        for (size_t j = 0; j < 3; j++)
            for (unsigned method = 0; method < NMETHODS; method++)
            {
                struct rc *const rc = rc_new(tiles[j][0], tiles[j][1]);
                rc->method = (enum pyr_method)method;
                rc->pattern = j == 0 ? RC_BLOBS : RC_ALL;
                rc->knows = method % 2 == 0;
                rc_sizes(rc, 331, 277, ratios[i]);
                rc_make_images(rc);
                CHECK(rc_check(rc) > 0);
                rc_free(rc);
            }
}

/* Mixed ratios, and levels of the same size. */
static void test_odd_levels(void)
{
    struct rc *const rc = rc_new(32, 16);
    static const struct pyr_rows_size sizes[] = {
        {200, 300}, {200, 300}, {133, 100}, {133, 33}, {50, 33}, {3, 2}};
    memcpy(rc->sizes, sizes, sizeof sizes);
    rc->nlevels = 6;
    for (unsigned method = 0; method < NMETHODS; method++)
    {
        rc->method = (enum pyr_method)method;
        rc_make_images(rc);
        CHECK(rc_check(rc) > 100);
    }
    rc->nlevels = 1;
    CHECK_INT(rc_check(rc), 7 * 19);
    rc_free(rc);
}

static void set_mode(struct rc *rc, unsigned mode)
{
    rc->masks = mode == 1 || mode == 2 || mode == 3;
    rc->mask_rule = (enum pyr_mask_rule)(mode % 3);
    rc->nodata = mode >= 3 && mode < 6;
    rc->alpha = mode == 6;
    rc->bands = mode == 6 ? 4 : 1 + mode % 4;
    for (size_t i = 0; i < 8; i++)
        rc->nodata_values[i] = mode == 5 ? (double)NAN : 200.0 + (double)i;
    if (mode == 5)
        rc->type = PYR_TYPE_FLOAT32;
}

static void test_patterns_and_validity(void)
{
    for (unsigned i = 0; i < RC_NPATTERNS * 7 * 2; i++)
        for (unsigned method = 0; method < NMETHODS; method += 1 + i % 3)
        {
            struct rc *const rc = rc_new(16, 32);
            rc->type = i % 3 == 0 ? PYR_TYPE_UINT16 : PYR_TYPE_UINT8;
            set_mode(rc, i / RC_NPATTERNS % 7);
            rc->pattern = (enum rc_pattern)(i % RC_NPATTERNS);
            rc->knows = i / RC_NPATTERNS / 7 == 1;
            rc->method = (enum pyr_method)method;
            rc->nthreads = 1 + i % 4;
            rc_sizes(rc, 303, 205, 2.0);
            rc_make_images(rc);
            const unsigned nputs = rc_check(rc);
            if (rc->pattern == RC_NONE)
                CHECK_INT(nputs, 0);
            else
                CHECK(nputs > 0);
            if (rc->pattern == RC_NONE && rc->knows)
                CHECK_INT(rc->nreads, 0);
            if (rc->pattern == RC_CORNER && rc->knows)
                CHECK_INT(rc->nreads, 1);
            rc_free(rc);
        }
}

static void test_types(void)
{
    for (int type = PYR_TYPE_UINT8; type <= PYR_TYPE_COMPLEX_FLOAT64; type++)
        for (unsigned method = 0; method < NMETHODS; method++)
        {
            struct rc *const rc = rc_new(16, 16);
            rc->type = (enum pyr_type)type;
            rc->bands = 1 + method % 3;
            rc->method = (enum pyr_method)method;
            rc->sums = !pyr_type_is_complex(rc->type);
            rc->pattern = type % 2 == 0 ? RC_ALL : RC_BLOBS;
            rc_sizes(rc, 111, 77, 2.0);
            rc_make_images(rc);
            CHECK(rc_check(rc) > 10);
            rc_free(rc);
        }
}

static void test_threads_make_no_difference(void)
{
    static const unsigned nthreads[] = {1, 2, 3, 8};
    struct rc *const rc = rc_new(32, 32);
    rc->bands = 3;
    rc_sizes(rc, 700, 500, 2.0);
    rc_make_images(rc);
    for (size_t i = 0; i < 4; i++)
        for (unsigned j = 0; j < 5; j++)
        {
            rc->nthreads = nthreads[i];
            CHECK(rc_check(rc) > 300);
        }
    rc_free(rc);
}

/* Wide, and nearly empty: little is read. */
static void test_wide(void)
{
    struct rc *const rc = rc_new(16, 16);
    rc->pattern = RC_STRIPE;
    rc->knows = true;
    rc_sizes(rc, 60000, 64, 2.0);
    rc_make_images(rc);
    CHECK(rc_check(rc) > 10);
    CHECK(rc->nreads < 20);
    rc_free(rc);
}

static void test_usage(void)
{
    struct rc *const rc = rc_new(16, 16);
    rc_sizes(rc, 50, 50, 2.0);
    rc_make_images(rc);
    rc->nthreads = 0;
    CHECK_INT(rc_run(rc), PYR_USAGE);
    rc->nthreads = 1;
    rc->sizes[1].width_px = 51;
    CHECK_INT(rc_run(rc), PYR_USAGE);
    rc->sizes[1].height_px = 51;
    CHECK_INT(rc_run(rc), PYR_USAGE);
    rc->sizes[1].height_px = 25;
    rc->sizes[1].width_px = 25;
    CHECK_INT(rc_run(rc), PYR_OK);
    rc_free(rc);
}

/* ---- Failures ---- */

static struct rc *new_failing(void)
{
    struct rc *const rc = rc_new(16, 16);
    rc->masks = true;
    rc->bands = 2;
    rc->pattern = RC_BLOBS;
    rc_sizes(rc, 160, 300, 2.0);
    rc_make_images(rc);
    CHECK(rc_check(rc) > 100);
    return rc;
}

/* Sets *nth to each call, of all as many as *count tells. */
static void fail_each(struct rc *rc, unsigned *nth, const unsigned *count,
                      enum pyr_result result, const char *text)
{
    const unsigned ncalls = *count;
    const unsigned step = ncalls > 60 ? ncalls / 60 : 1;
    CHECK(ncalls > 5);
    for (unsigned i = 1; i <= ncalls; i += step)
        for (rc->nthreads = 1; rc->nthreads <= 3; rc->nthreads++)
        {
            *nth = i;
            CHECK_INT(rc_run(rc), result);
            CHECK(strstr(rc->err.text, text) != NULL);
        }
    *nth = 0;
}

static void test_failing_calls(void)
{
    struct rc *const rc = new_failing();
    fail_each(rc, &rc->cancel, &rc->nprogress, PYR_CANCELLED, "interrupted");
    CHECK_INT(rc_run(rc), PYR_OK);
    fail_each(rc, &rc->fail_read, &rc->nreads, PYR_IO, "reading failed");
    CHECK_INT(rc_run(rc), PYR_OK);
    fail_each(rc, &rc->fail_put, &rc->nputs, PYR_IO, "): putting failed");
    rc_free(rc);
}

static void test_no_memory(void)
{
#ifdef PYR_ALLOC_FAILURES
    struct rc *const rc = new_failing();
    enum pyr_result result = PYR_NOMEM;
    unsigned long nth = 0;
    rc->nthreads = 1;
    while (result != PYR_OK && nth < 100000)
    {
        pyr_alloc_fail_nth(++nth);
        result = rc_run(rc);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
    }
    pyr_alloc_fail_nth(0);
    CHECK(nth > 20 && nth < 100000);
    rc_free(rc);
#endif
}

int main(void)
{
    RUN(test_methods_and_sizes);
    RUN(test_ratios);
    RUN(test_odd_levels);
    RUN(test_patterns_and_validity);
    RUN(test_types);
    RUN(test_threads_make_no_difference);
    RUN(test_wide);
    RUN(test_usage);
    RUN(test_failing_calls);
    RUN(test_no_memory);
    return unit_report();
}
