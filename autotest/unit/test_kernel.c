/* SPDX-License-Identifier: MIT */
/* Tests of pyr_kernel: against GDAL's pixels, and by what must hold. */
#include "kernel_golden.h"
#include "pyr_alloc.h"
#include "pyr_kernel_priv.h"
#include "unit.h"

#include <math.h>

static const enum pyr_type TYPES[] = {
    PYR_TYPE_UINT8,           PYR_TYPE_INT8,
    PYR_TYPE_UINT16,          PYR_TYPE_INT16,
    PYR_TYPE_UINT32,          PYR_TYPE_INT32,
    PYR_TYPE_UINT64,          PYR_TYPE_INT64,
    PYR_TYPE_FLOAT16,         PYR_TYPE_FLOAT32,
    PYR_TYPE_FLOAT64,         PYR_TYPE_COMPLEX_INT16,
    PYR_TYPE_COMPLEX_INT32,   PYR_TYPE_COMPLEX_FLOAT16,
    PYR_TYPE_COMPLEX_FLOAT32, PYR_TYPE_COMPLEX_FLOAT64};
#define NTYPES (sizeof TYPES / sizeof *TYPES)
#define NMETHODS 8

struct picture
{
    uint32_t width;
    uint32_t height;
    size_t pixel_bytes;
    uint8_t *pixels;
    uint8_t *mask;
};

static struct picture new_picture(const struct pyr_kernel_rule *rule,
                                  uint32_t width, uint32_t height)
{
    struct picture picture = {
        width, height, rule->bands * pyr_type_bytes(rule->type), NULL, NULL};
    picture.pixels = calloc((size_t)width * height, picture.pixel_bytes);
    picture.mask = malloc((size_t)width * height);
    memset(picture.mask, 255, (size_t)width * height);
    return picture;
}

static void free_picture(struct picture *picture)
{
    free(picture->pixels);
    free(picture->mask);
}

/* Sample i as a double, the real part first. */
static double get(const struct pyr_kernel_rule *rule,
                  const struct picture *picture, size_t i)
{
    double value = 0.0;
    const size_t parts = pyr_type_is_complex(rule->type) ? 2 : 1;
    pyr_samples_load(rule->type,
                     picture->pixels + i * (pyr_type_bytes(rule->type) / parts),
                     1, 1, &value);
    return value;
}

static void set(const struct pyr_kernel_rule *rule, struct picture *picture,
                size_t i, double value)
{
    const size_t parts = pyr_type_is_complex(rule->type) ? 2 : 1;
    pyr_samples_store(
        rule->type, &value, 1,
        picture->pixels + i * (pyr_type_bytes(rule->type) / parts), 1);
}

static size_t nsamples(const struct pyr_kernel_rule *rule,
                       const struct picture *picture)
{
    return (size_t)picture->width * picture->height * rule->bands *
           (pyr_type_is_complex(rule->type) ? 2 : 1);
}

/* In windows of the given size. */
static enum pyr_result resample(const struct pyr_kernel_rule *rule,
                                const struct picture *in, struct picture *out,
                                uint32_t width, uint32_t height)
{
    const struct pyr_kernel_scale scale = {in->width, in->height, out->width,
                                           out->height};
    struct pyr_kernel *kernel = NULL;
    enum pyr_result result = pyr_kernel_new(rule, &kernel);
    for (uint32_t y = 0; y < out->height && result == PYR_OK; y += height)
        for (uint32_t x = 0; x < out->width && result == PYR_OK; x += width)
        {
            struct pyr_kernel_in from = {0};
            uint32_t end = 0;
            const struct pyr_kernel_out to = {
                .px_x = x,
                .px_y = y,
                .width_px = out->width - x < width ? out->width - x : width,
                .height_px =
                    out->height - y < height ? out->height - y : height,
                .pixels = out->pixels +
                          ((size_t)y * out->width + x) * out->pixel_bytes,
                .row_bytes = out->width * out->pixel_bytes,
                .mask = out->mask + (size_t)y * out->width + x,
                .mask_row_bytes = out->width};
            pyr_kernel_reach(rule, in->width, out->width, x, to.width_px,
                             &from.px_x, &end);
            pyr_kernel_reach(rule, in->height, out->height, y, to.height_px,
                             &from.px_y, &end);
            const size_t at = (size_t)from.px_y * in->width + from.px_x;
            from.pixels = in->pixels + at * in->pixel_bytes;
            from.row_bytes = in->width * in->pixel_bytes;
            from.mask = rule->masks ? in->mask + at : NULL;
            from.mask_row_bytes = in->width;
            result = pyr_kernel_run(kernel, &scale, &from, &to);
        }
    pyr_kernel_free(kernel);
    return result;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void fill_random(const struct pyr_kernel_rule *rule,
                        struct picture *picture, uint32_t seed)
{
    uint32_t state = seed;
    for (size_t i = 0; i < nsamples(rule, picture); i++)
        set(rule, picture, i, (double)(next_random(&state) % 120) + 3.0);
}

/* ---- As GDAL ---- */

static int count_unlike(const struct golden *golden, const struct picture *out,
                        size_t bands)
{
    const bool exact = golden->method == PYR_METHOD_NEAREST ||
                       golden->method == PYR_METHOD_MODE;
    int wrong = 0;
    for (size_t i = 0; i < 30 * bands; i++)
    {
        const int apart = abs(out->pixels[i] - golden->pixels[i]);
        wrong += apart > (exact ? 0 : 1);
        if (golden->mode == NODATA)
            wrong += (out->pixels[i] == GOLDEN_NODATA) !=
                     (golden->pixels[i] == GOLDEN_NODATA);
    }
    for (size_t i = 0; golden->mode == MASK && i < 30; i++)
        wrong += (out->mask[i] != 0) != (golden->mask[i] != 0);
    return wrong;
}

static void test_as_gdal(void)
{
    static const double nodata[] = {GOLDEN_NODATA};
    for (size_t i = 0; i < sizeof GOLDENS / sizeof *GOLDENS; i++)
    {
        const struct golden *const golden = &GOLDENS[i];
        const struct pyr_kernel_rule rule = {.method = golden->method,
                                             .type = PYR_TYPE_UINT8,
                                             .bands =
                                                 golden->mode == ALPHA ? 2 : 1,
                                             .masks = golden->mode == MASK,
                                             .alpha = golden->mode == ALPHA,
                                             .nodata = golden->mode == NODATA,
                                             .nodata_values = nodata};
        struct picture in =
            new_picture(&rule, GOLDEN_IN_WIDTH, GOLDEN_IN_HEIGHT);
        struct picture out =
            new_picture(&rule, GOLDEN_OUT_WIDTH, GOLDEN_OUT_HEIGHT);
        make_golden_picture(golden->mode, in.pixels, in.mask);
        CHECK_INT(resample(&rule, &in, &out, 6, 5), PYR_OK);
        const int wrong = count_unlike(golden, &out, rule.bands);
        CHECK_INT(wrong, 0);
        if (wrong > 0)
            printf("mode %d, method %d\n", golden->mode, golden->method);
        free_picture(&in);
        free_picture(&out);
    }
}

/* ---- What must hold ---- */

static const uint32_t SIZES[][2] = {{64, 32}, {65, 32}, {63, 31},   {90, 30},
                                    {50, 20}, {20, 20}, {70, 3},    {1, 1},
                                    {2, 1},   {3, 1},   {120, 119}, {33, 16}};
#define NSIZES (sizeof SIZES / sizeof *SIZES)

/* Of any type, method and ratio. */
static void test_constants_stay(void)
{
    for (size_t i = 0; i < NTYPES * NMETHODS; i++)
        for (size_t j = 0; j < NSIZES; j++)
        {
            const struct pyr_kernel_rule rule = {
                .method = (enum pyr_method)(i % NMETHODS),
                .type = TYPES[i / NMETHODS],
                .bands = 1 + (uint32_t)j % 5};
            struct picture in = new_picture(&rule, SIZES[j][0], 41);
            struct picture out = new_picture(&rule, SIZES[j][1], 20);
            int wrong = 0;
            for (size_t k = 0; k < nsamples(&rule, &in); k++)
                set(&rule, &in, k, 100.0);
            CHECK_INT(resample(&rule, &in, &out, 100, 100), PYR_OK);
            for (size_t k = 0; k < nsamples(&rule, &out); k++)
                wrong += fabs(get(&rule, &out, k) - 100.0) > 1e-4;
            CHECK_INT(wrong, 0);
            free_picture(&in);
            free_picture(&out);
        }
}

/* Whatever is made at a time: the same, but for rounding. */
static void test_windows(void)
{
    static const double nodata[] = {50, 51, 52, 53};
    for (unsigned i = 0; i < 5 * NMETHODS * 4; i++)
    {
        const unsigned mode = i / NMETHODS % 5;
        const struct pyr_kernel_rule rule = {
            .method = (enum pyr_method)(i % NMETHODS),
            .type = i % 2 == 0 ? PYR_TYPE_UINT8 : PYR_TYPE_FLOAT32,
            .bands = 1 + i / NMETHODS / 5,
            .masks = mode == 1 || mode == 4,
            .mask_rule = (enum pyr_mask_rule)(i % 3),
            .alpha = mode == 2,
            .nodata = mode >= 3,
            .nodata_values = nodata};
        struct picture in = new_picture(&rule, 77, 83);
        struct picture whole = new_picture(&rule, 38, 41);
        struct picture pieces = new_picture(&rule, 38, 41);
        int wrong = 0;
        fill_random(&rule, &in, i);
        for (size_t k = 0; k < 77 * 83; k++)
            in.mask[k] = k % 77 > 30 && k % 7 < 4 ? 0 : 255;
        CHECK_INT(resample(&rule, &in, &whole, 38, 41), PYR_OK);
        CHECK_INT(resample(&rule, &in, &pieces, 38, 7), PYR_OK);
        CHECK(memcmp(whole.pixels, pieces.pixels,
                     38 * 41 * whole.pixel_bytes) == 0);
        CHECK(memcmp(whole.mask, pieces.mask, 38 * 41) == 0);
        CHECK_INT(resample(&rule, &in, &pieces, 11, 9), PYR_OK);
        for (size_t k = 0; k < nsamples(&rule, &whole); k++)
        {
            const double apart =
                fabs(get(&rule, &whole, k) - get(&rule, &pieces, k));
            wrong += apart > (i % 2 == 0 ? 1.0 : 1e-4);
        }
        CHECK_INT(wrong, 0);
        CHECK(memcmp(whole.mask, pieces.mask, 38 * 41) == 0);
        free_picture(&in);
        free_picture(&whole);
        free_picture(&pieces);
    }
}

/* One row of a band. */
static double resample_one(const struct pyr_kernel_rule *rule,
                           const double *values, uint32_t count, uint32_t at,
                           uint32_t out_count)
{
    struct picture in = new_picture(rule, count / rule->bands, 1);
    struct picture out = new_picture(rule, out_count, 1);
    for (size_t i = 0; i < count; i++)
        set(rule, &in, i, values[i]);
    CHECK_INT(resample(rule, &in, &out, 100, 1), PYR_OK);
    const double value = get(rule, &out, at);
    free_picture(&in);
    free_picture(&out);
    return value;
}

static void test_nodata(void)
{
    const double nan = NAN;
    struct pyr_kernel_rule rule = {.method = PYR_METHOD_AVERAGE,
                                   .type = PYR_TYPE_FLOAT32,
                                   .bands = 1,
                                   .nodata = true,
                                   .nodata_values = &nan};
    const double some[] = {NAN, 3.0, NAN, NAN};
    CHECK(resample_one(&rule, some, 4, 0, 2) == 3.0);
    CHECK(isnan(resample_one(&rule, some, 4, 1, 2)));

    /* Kernels reach NaN, which spreads if it counts. */
    const double none = -9999.0;
    const double one[] = {3.0, 3.0, 3.0, NAN, 3.0, 3.0, 3.0, 3.0};
    for (unsigned i = PYR_METHOD_BILINEAR; i <= PYR_METHOD_LANCZOS; i++)
    {
        rule.method = (enum pyr_method)i;
        rule.nodata_values = &nan;
        CHECK(fabs(resample_one(&rule, one, 8, 1, 4) - 3.0) < 1e-6);
        rule.nodata_values = &none;
        CHECK(isnan(resample_one(&rule, one, 8, 1, 4)));
    }
    rule.method = PYR_METHOD_AVERAGE;

    /* What is nodata by chance becomes another number. */
    const double ten = 10.0;
    rule.nodata_values = &ten;
    rule.type = PYR_TYPE_UINT8;
    const double near[] = {9.0, 11.0, 10.0, 255.0};
    CHECK(resample_one(&rule, near, 4, 0, 2) == 11.0);
    CHECK(resample_one(&rule, near, 4, 1, 2) == 255.0);
    const double most = 255.0;
    rule.nodata_values = &most;
    const double high[] = {255.0, 255.0, 254.0, 255.0};
    CHECK(resample_one(&rule, high, 4, 0, 2) == 255.0);
    CHECK(resample_one(&rule, high, 4, 1, 2) == 254.0);

    /* What the type cannot hold is none. */
    const double outside = -9999.0;
    rule.nodata_values = &outside;
    const double bytes[] = {0.0, 2.0};
    CHECK(resample_one(&rule, bytes, 2, 0, 1) == 1.0);
    CHECK(pyr_kernel_empty(&rule, 0) == 0.0);
}

/* A number beside nodata, of any type. */
static void test_other_number(void)
{
    static const double values[] = {0.0,
                                    1.0,
                                    127.0,
                                    255.0,
                                    -9999.0,
                                    65535.,
                                    2e9,
                                    4294967295.0,
                                    1e18,
                                    -1e30,
                                    3.4028234663852886e38};
    for (size_t i = 0; i < 11; i++)
        for (size_t j = 0; j < sizeof values / sizeof *values; j++)
        {
            const struct pyr_kernel_rule rule = {.type = TYPES[i],
                                                 .bands = 1,
                                                 .nodata = true,
                                                 .nodata_values = &values[j]};
            if (!pyr_kernel_has_nodata(&rule, 0))
                continue;
            const double empty = pyr_kernel_empty(&rule, 0);
            const double other = pyr_kernel_other(&rule, 0);
            CHECK(other != empty);
            CHECK(pyr_sample_round(rule.type, other) == other);
            CHECK(fabs(other - empty) <= 1.0 + fabs(empty) * 2e-3);
        }
}

static void test_alpha(void)
{
    struct pyr_kernel_rule rule = {.method = PYR_METHOD_AVERAGE,
                                   .type = PYR_TYPE_UINT8,
                                   .bands = 2,
                                   .alpha = true};
    const double some[] = {10, 255, 200, 0, 40, 0, 50, 0};
    CHECK(resample_one(&rule, some, 8, 0, 2) == 10.0);
    CHECK(resample_one(&rule, some, 8, 1, 2) == 255.0);
    CHECK(resample_one(&rule, some, 8, 2, 2) == 0.0);
    CHECK(resample_one(&rule, some, 8, 3, 2) == 0.0);
    /* It is a weight for kernels. */
    rule.method = PYR_METHOD_BILINEAR;
    const double weights[] = {100, 1, 200, 254};
    CHECK(resample_one(&rule, weights, 4, 0, 1) == 200.0);
    /* Of floats, it is a band as others are. */
    rule.method = PYR_METHOD_AVERAGE;
    rule.type = PYR_TYPE_FLOAT32;
    CHECK(resample_one(&rule, some, 8, 0, 2) == 105.0);
}

static void test_complex(void)
{
    struct pyr_kernel_rule rule = {.method = PYR_METHOD_AVERAGE,
                                   .type = PYR_TYPE_COMPLEX_FLOAT32,
                                   .bands = 1};
    struct picture in = new_picture(&rule, 5, 1);
    struct picture out = new_picture(&rule, 2, 1);
    for (size_t i = 0; i < 10; i++)
        set(&rule, &in, i, (double)i);
    CHECK_INT(resample(&rule, &in, &out, 2, 1), PYR_OK);
    CHECK(get(&rule, &out, 0) == 2.0); /* of 0, 2, 4 */
    CHECK(get(&rule, &out, 1) == 3.0);
    CHECK(get(&rule, &out, 2) == 7.0); /* of 6, 8 */
    free_picture(&in);
    free_picture(&out);
}

/* Means of colours are looked up again; transparent ones do not count. */
static void test_palette(void)
{
    static const uint8_t palette[][4] = {{0, 0, 0, 0},
                                         {10, 20, 30, 255},
                                         {50, 60, 70, 255},
                                         {31, 39, 51, 255},
                                         {255, 255, 255, 255}};
    static const double nodata = 4.0;
    struct pyr_kernel_rule rule = {.method = PYR_METHOD_AVERAGE,
                                   .type = PYR_TYPE_UINT8,
                                   .bands = 1,
                                   .nodata_values = &nodata,
                                   .palette = palette,
                                   .npalette = 5};
    const double indexes[] = {1.0, 2.0, 0.0, 4.0, 0.0, 200.0};
    CHECK(resample_one(&rule, indexes, 6, 0, 3) == 3.0);
    CHECK(resample_one(&rule, indexes, 6, 1, 3) == 4.0);
    CHECK(resample_one(&rule, indexes, 6, 2, 3) == 0.0);
    rule.nodata = true;
    CHECK(resample_one(&rule, indexes, 6, 1, 3) == 4.0);
    CHECK(resample_one(&rule, indexes, 6, 2, 3) == 4.0);
    rule.method = PYR_METHOD_RMS;
    CHECK(resample_one(&rule, indexes, 6, 0, 3) == 3.0);
}

/* ---- Samples ---- */

static void test_halves(void)
{
    int wrong = 0;
    for (unsigned i = 0; i < 65536; i++)
    {
        const uint16_t half = (uint16_t)i;
        uint16_t again = 0;
        double value = 0.0;
        pyr_samples_load(PYR_TYPE_FLOAT16, (const void *)&half, 1, 1, &value);
        pyr_samples_store(PYR_TYPE_FLOAT16, &value, 1, (void *)&again, 1);
        wrong += isnan(value) ? (again & 0x7fffu) <= 0x7c00u : again != half;
    }
    CHECK_INT(wrong, 0);
    CHECK(pyr_sample_round(PYR_TYPE_FLOAT16, 1.0 + 1.0 / 2048) == 1.0);
    CHECK(pyr_sample_round(PYR_TYPE_FLOAT16, 1.0 + 3.0 / 2048) ==
          1.0 + 2.0 / 1024);
    CHECK(pyr_sample_round(PYR_TYPE_FLOAT16, 65519.0) == 65504.0);
    CHECK(isinf(pyr_sample_round(PYR_TYPE_FLOAT16, 65520.0)));
    CHECK(pyr_sample_round(PYR_TYPE_FLOAT16, 2047.75) == 2048.0);
}

static void test_ranges(void)
{
    static const double values[] = {1e300, -1e300, NAN, 0.5, -0.5, 1.49};
    int64_t sixty[6];
    uint64_t big[6];
    uint8_t bytes[6];
    pyr_samples_store(PYR_TYPE_INT64, values, 6, (void *)sixty, 1);
    pyr_samples_store(PYR_TYPE_UINT64, values, 6, (void *)big, 1);
    pyr_samples_store(PYR_TYPE_UINT8, values, 6, bytes, 1);
    CHECK(sixty[0] == INT64_MAX && sixty[1] == INT64_MIN);
    CHECK(sixty[2] == 0 && sixty[3] == 1 && sixty[4] == -1 && sixty[5] == 1);
    CHECK(big[0] == UINT64_MAX && big[1] == 0 && big[2] == 0 && big[3] == 1);
    CHECK(bytes[0] == 255 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 1 &&
          bytes[4] == 0 && bytes[5] == 1);
}

static void test_no_memory(void)
{
#ifdef PYR_ALLOC_FAILURES
    static const double nodata[] = {50, 51};
    for (unsigned i = 0; i < NMETHODS * 2; i++)
    {
        const struct pyr_kernel_rule rule = {
            .method = (enum pyr_method)(i % NMETHODS),
            .type = PYR_TYPE_UINT16,
            .bands = 2,
            .masks = i < NMETHODS,
            .nodata = i >= NMETHODS,
            .nodata_values = nodata};
        struct picture in = new_picture(&rule, 77, 83);
        struct picture out = new_picture(&rule, 38, 41);
        enum pyr_result result = PYR_NOMEM;
        unsigned long nth = 0;
        fill_random(&rule, &in, i);
        memset(in.mask, 0, 200);
        while (result != PYR_OK && nth < 100)
        {
            pyr_alloc_fail_nth(++nth);
            result = resample(&rule, &in, &out, 11, 41);
            CHECK(result == PYR_OK || result == PYR_NOMEM);
        }
        pyr_alloc_fail_nth(0);
        CHECK(nth > 3 && nth < 100);
        free_picture(&in);
        free_picture(&out);
    }
#endif
}

int main(void)
{
    RUN(test_as_gdal);
    RUN(test_constants_stay);
    RUN(test_windows);
    RUN(test_nodata);
    RUN(test_other_number);
    RUN(test_alpha);
    RUN(test_complex);
    RUN(test_palette);
    RUN(test_halves);
    RUN(test_ranges);
    RUN(test_no_memory);
    return unit_report();
}
