/* SPDX-License-Identifier: MIT */
/* Tests of pyr_reduce, against the plainest way to do the same. */
#include "reduce_check.h"
#include "unit.h"

#define BYTE_NODATA 7
#define FLOAT_NODATA (-99999.0f)

static int check(const struct pyr_reduce_rule *rule, uint32_t out_width_px,
                 uint32_t out_height_px, enum content content, enum holes holes)
{
    struct picture in = make_picture(rule, 2 * out_width_px, 2 * out_height_px);
    struct picture out = make_picture(rule, out_width_px, out_height_px);

    fill_picture(rule, &in, content, holes);
    pyr_reduce(rule, in.pixels, in.row_bytes, in.mask, in.mask_row_bytes,
               out_width_px, out_height_px, out.pixels, out.row_bytes, out.mask,
               out.mask_row_bytes);
    const int wrong = count_wrong(rule, &in, &out) + count_touched(rule, &out);
    if (wrong > 0)
        printf("reduction %d, validity %d, %u bands of type %d, %ux%u, content "
               "%d, holes %d: %d wrong\n",
               rule->reduction, rule->validity, (unsigned)rule->bands,
               rule->sample, (unsigned)out_width_px, (unsigned)out_height_px,
               content, holes, wrong);
    free_picture(&in);
    free_picture(&out);
    return wrong;
}

static int check_sizes(const struct pyr_reduce_rule *rule)
{
    static const uint32_t widths[] = {63, 64, 65, 200, 255, 256, 257, 700};
    int wrong = 0;
    for (int content = 0; content <= CONTENT_STRANGE; content++)
        for (int holes = 0; holes < NHOLES; holes++)
        {
            for (uint32_t width = 1; width <= 40; width++)
                wrong += check(rule, width, 1 + width % 3,
                               (enum content)content, (enum holes)holes);
            for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
                wrong += check(rule, widths[i], 2, (enum content)content,
                               (enum holes)holes);
        }
    return wrong;
}

static int check_reduction(enum pyr_reduction reduction)
{
    int wrong = 0;
    for (int i = 0; i < 2 * 4 * 4; i++)
    {
        const bool is_float = i % 2 == 1;
        const double nodata =
            is_float ? (double)FLOAT_NODATA : (double)BYTE_NODATA;
        const struct pyr_reduce_rule rule = {
            .reduction = reduction,
            .validity = (enum pyr_validity)(i / 8),
            .bands = 1 + (uint32_t)i / 2 % 4,
            .sample = is_float ? PYR_SAMPLE_FLOAT32 : PYR_SAMPLE_UINT8,
            .nodata = {nodata, 255.0, 0.0, 128.0}};
        wrong += check_sizes(&rule);
    }
    return wrong;
}

static void test_mean(void)
{
    CHECK_INT(check_reduction(PYR_REDUCE_MEAN), 0);
}

static void test_nearest(void)
{
    CHECK_INT(check_reduction(PYR_REDUCE_NEAREST), 0);
}

static void test_mode(void)
{
    CHECK_INT(check_reduction(PYR_REDUCE_MODE), 0);
}

static void test_rms(void)
{
    CHECK_INT(check_reduction(PYR_REDUCE_RMS), 0);
}

static uint8_t reduce_bytes(enum pyr_reduction reduction,
                            enum pyr_validity validity, const uint8_t in[4])
{
    const struct pyr_reduce_rule rule = {
        reduction, validity, 1, PYR_SAMPLE_UINT8, {255.0}};
    uint8_t out = 0;
    pyr_reduce(&rule, in, 2, NULL, 0, 1, 1, &out, 1, NULL, 0);
    return out;
}

/* Halves up; a root of 1/4 is a half. */
static void test_rounding(void)
{
    const enum pyr_validity all = PYR_VALID_ALL;
    const enum pyr_validity nodata = PYR_VALID_NODATA;
    CHECK_INT(reduce_bytes(PYR_REDUCE_MEAN, all, (uint8_t[]){0, 0, 0, 1}), 0);
    CHECK_INT(reduce_bytes(PYR_REDUCE_MEAN, all, (uint8_t[]){0, 0, 1, 1}), 1);
    CHECK_INT(
        reduce_bytes(PYR_REDUCE_MEAN, nodata, (uint8_t[]){0, 255, 1, 255}), 1);
    CHECK_INT(reduce_bytes(PYR_REDUCE_MEAN, nodata, (uint8_t[]){0, 255, 0, 1}),
              0);
    CHECK_INT(reduce_bytes(PYR_REDUCE_MEAN, nodata, (uint8_t[]){1, 255, 0, 1}),
              1);
    CHECK_INT(
        reduce_bytes(PYR_REDUCE_MEAN, all, (uint8_t[]){255, 255, 255, 254}),
        255);
    CHECK_INT(reduce_bytes(PYR_REDUCE_RMS, all, (uint8_t[]){0, 0, 0, 1}), 1);
    CHECK_INT(reduce_bytes(PYR_REDUCE_RMS, all, (uint8_t[]){0, 0, 3, 0}), 2);
    CHECK_INT(
        reduce_bytes(PYR_REDUCE_RMS, all, (uint8_t[]){255, 255, 255, 255}),
        255);
}

/* Every sum that four bytes can have. */
static void test_all_sums(void)
{
    int wrong = 0;
    for (unsigned sum = 0; sum <= 4 * 255; sum++)
    {
        const uint8_t a = (uint8_t)(sum < 255 ? sum : 255);
        const uint8_t b = (uint8_t)(sum - a < 255 ? sum - a : 255);
        const uint8_t c = (uint8_t)(sum - a - b < 255 ? sum - a - b : 255);
        const uint8_t in[4] = {c, (uint8_t)(sum - a - b - c), a, b};
        wrong +=
            reduce_bytes(PYR_REDUCE_MEAN, PYR_VALID_ALL, in) != (sum + 2) / 4;
    }
    CHECK_INT(wrong, 0);
}

static void test_mode_order(void)
{
    const enum pyr_reduction mode = PYR_REDUCE_MODE;
    const enum pyr_validity all = PYR_VALID_ALL;
    const enum pyr_validity nodata = PYR_VALID_NODATA;
    CHECK_INT(reduce_bytes(mode, all, (uint8_t[]){4, 3, 2, 1}), 4);
    CHECK_INT(reduce_bytes(mode, all, (uint8_t[]){4, 3, 3, 4}), 4);
    CHECK_INT(reduce_bytes(mode, all, (uint8_t[]){4, 3, 2, 3}), 3);
    CHECK_INT(reduce_bytes(mode, all, (uint8_t[]){4, 3, 2, 2}), 2);
    CHECK_INT(reduce_bytes(mode, nodata, (uint8_t[]){255, 255, 255, 2}), 2);
    CHECK_INT(reduce_bytes(mode, nodata, (uint8_t[]){255, 1, 255, 2}), 1);
}

/* In double precision the first sum is exact, the second loses the 1: the order
 * decides. In single precision both would be lost. */
static void test_float_order(void)
{
    const struct pyr_reduce_rule rule = {
        PYR_REDUCE_MEAN, PYR_VALID_ALL, 1, PYR_SAMPLE_FLOAT32, {0.0}};
    const float early[4] = {1e30f, -1e30f, 1.0f, 2.0f};
    const float late[4] = {1.0f, 1e30f, -1e30f, 2.0f};
    const float fine[4] = {16777216.0f, 1.0f, 1.0f, 2.0f};
    float out[3] = {0.0f, 0.0f, 0.0f};

    pyr_reduce(&rule, (const uint8_t *)early, 8, NULL, 0, 1, 1,
               (uint8_t *)&out[0], 4, NULL, 0);
    pyr_reduce(&rule, (const uint8_t *)late, 8, NULL, 0, 1, 1,
               (uint8_t *)&out[1], 4, NULL, 0);
    pyr_reduce(&rule, (const uint8_t *)fine, 8, NULL, 0, 1, 1,
               (uint8_t *)&out[2], 4, NULL, 0);
    CHECK(out[0] == 0.75f);
    CHECK(out[1] == 0.5f);
    CHECK(out[2] == 4194305.0f);
}

/* Colours of valid pixels only, alpha of all four; without any, nodata. */
static void test_alpha(void)
{
    const struct pyr_reduce_rule rule = {
        PYR_REDUCE_MEAN, PYR_VALID_ALPHA, 2, PYR_SAMPLE_UINT8, {33.0, 44.0}};
    const uint8_t in[2][8] = {{10, 255, 200, 0, 1, 0, 2, 0},
                              {21, 100, 99, 0, 3, 0, 4, 0}};
    uint8_t out[4] = {0};

    pyr_reduce(&rule, in[0], 8, NULL, 0, 2, 1, out, 4, NULL, 0);
    CHECK_INT(out[0], 16); /* 15.5 */
    CHECK_INT(out[1], 89); /* 88.75 */
    CHECK_INT(out[2], 33);
    CHECK_INT(out[3], 0);
}

int main(void)
{
    RUN(test_mean);
    RUN(test_nearest);
    RUN(test_mode);
    RUN(test_rms);
    RUN(test_rounding);
    RUN(test_all_sums);
    RUN(test_mode_order);
    RUN(test_float_order);
    RUN(test_alpha);
    return unit_report();
}
