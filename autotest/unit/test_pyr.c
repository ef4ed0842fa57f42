/* SPDX-License-Identifier: MIT */
/* Tests of pyr.h, pyr_tile.h and the inline helpers pyr_arith.h, pyr_buf.h. */
#include "pyr.h"
#include "pyr_arith.h"
#include "pyr_buf.h"
#include "pyr_tile.h"
#include "unit.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

static void test_result_names(void)
{
    CHECK_STR(pyr_result_name(PYR_OK), "ok");
    for (int i = 0; i <= PYR_CANCELLED; i++)
        for (int j = 0; j < i; j++)
            CHECK(strcmp(pyr_result_name((enum pyr_result)i),
                         pyr_result_name((enum pyr_result)j)) != 0);
    CHECK_STR(pyr_result_name((enum pyr_result)99), "unknown");
}

static void test_fail(void)
{
    struct pyr_error err = {""};
    CHECK_INT(pyr_fail(&err, PYR_CORRUPT, "%d of %s", 3, "it"), PYR_CORRUPT);
    CHECK_STR(err.text, "3 of it");
    CHECK_INT(pyr_fail(NULL, PYR_LIMIT, "%d", 3), PYR_LIMIT);

    pyr_error_prefix(&err, "slab %s", "00/1F.tif");
    CHECK_STR(err.text, "slab 00/1F.tif: 3 of it");
    pyr_error_prefix(NULL, "nothing");
}

static void test_text_too_long(void)
{
    struct pyr_error err = {""};
    char text[PYR_ERROR_BYTES * 2];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';

    CHECK_INT(pyr_fail(&err, PYR_IO, "%s", text), PYR_IO);
    CHECK_INT(strlen(err.text), PYR_ERROR_BYTES - 1);
    pyr_error_prefix(&err, "%s", "b");
    CHECK_INT(strlen(err.text), PYR_ERROR_BYTES - 1);
    CHECK_INT(strncmp(err.text, "b: aaa", 6), 0);
    pyr_error_prefix(&err, "%s", text);
    CHECK_INT(strlen(err.text), PYR_ERROR_BYTES - 1);
}

/* The cut moves through a character of 2, 3, then 4 bytes: it comes out whole
 * or not at all. */
static void test_cut_character(void)
{
    static const char *const characters[] = {"\xC3\xA9", "\xE2\x82\xAC",
                                             "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < 3; i++)
    {
        const size_t nbytes = strlen(characters[i]);
        for (size_t before = PYR_ERROR_BYTES - 8; before < PYR_ERROR_BYTES;
             before++)
        {
            struct pyr_error err = {""};
            CHECK_INT(
                pyr_fail(&err, PYR_IO, "%*s%s", (int)before, "", characters[i]),
                PYR_IO);
            const bool fits = before + nbytes < PYR_ERROR_BYTES;
            CHECK_INT(strlen(err.text), before + (fits ? nbytes : 0));
        }
    }
}

static void test_format_double(void)
{
    static const struct
    {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {0.1, "0.1"},
        {-1.5, "-1.5"},
        {20037508.3427892, "20037508.3427892"},
        {156543.033928041, "156543.033928041"},
        {1.0 / 3, "0.3333333333333333"},
        {1e300, "1e+300"},
        {5e-324, "4.94065645841247e-324"},
        {-1.7976931348623157e308, "-1.7976931348623157e+308"},
        {HUGE_VAL, "inf"},
    };
    char text[PYR_DOUBLE_BYTES];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_STR(pyr_format_double(cases[i].value, text), cases[i].text);
}

/* Whatever decimal point the machine's locales have. */
static void test_format_double_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "fr_FR",
                                        "ps_AF", "C"};
    char text[PYR_DOUBLE_BYTES];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (setlocale(LC_NUMERIC, names[i]))
            CHECK_STR(pyr_format_double(-0.25, text), "-0.25");
}

static void test_tile_shape(void)
{
    struct pyr_tile_shape shape = {256, 128, 3, PYR_SAMPLE_UINT8};
    CHECK(pyr_tile_shape_valid(&shape));
    CHECK_INT(pyr_pixel_bytes(&shape), 3);
    CHECK_INT(pyr_tile_row_bytes(&shape), 768);
    CHECK_INT(pyr_tile_bytes(&shape), 98304);
    shape.sample = PYR_SAMPLE_FLOAT32;
    CHECK_INT(pyr_tile_bytes(&shape), 4 * 98304);

    static const struct
    {
        struct pyr_tile_shape shape;
        bool valid;
    } cases[] = {
        {{1, 1, 1, PYR_SAMPLE_UINT8}, true},
        {{0, 1, 1, PYR_SAMPLE_UINT8}, false},
        {{1, 0, 1, PYR_SAMPLE_UINT8}, false},
        {{1, 1, 0, PYR_SAMPLE_UINT8}, false},
        {{1, 1, 5, PYR_SAMPLE_UINT8}, false},
        {{1, 1, 1, (enum pyr_sample)7}, false},
        {{16384, 4096, 1, PYR_SAMPLE_UINT8}, true},
        {{16384, 4097, 1, PYR_SAMPLE_UINT8}, false},
        {{16385, 1, 1, PYR_SAMPLE_UINT8}, false},
        {{1, 16385, 1, PYR_SAMPLE_UINT8}, false},
        {{2048, 2048, 4, PYR_SAMPLE_FLOAT32}, true},
        {{16384, 16384, 4, PYR_SAMPLE_FLOAT32}, false},
        {{UINT32_MAX, UINT32_MAX, 1, PYR_SAMPLE_UINT8}, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_INT(pyr_tile_shape_valid(&cases[i].shape), cases[i].valid);
}

static void test_arith(void)
{
    uint64_t out = 7;
    CHECK(pyr_add_u64(UINT64_MAX - 1, 1, &out) && out == UINT64_MAX);
    CHECK(!pyr_add_u64(UINT64_MAX, 1, &out) && out == UINT64_MAX);
    CHECK(pyr_mul_u64(UINT64_MAX / 3, 3, &out) && out == UINT64_MAX);
    CHECK(pyr_mul_u64(5, 0, &out) && out == 0);
    CHECK(!pyr_mul_u64(UINT64_MAX / 2 + 1, 2, &out) && out == 0);
    size_t size = 7;
    CHECK(pyr_mul_size(6, 7, &size) && size == 42);
    CHECK(!pyr_mul_size(SIZE_MAX, 2, &size) && size == 42);
    CHECK(pyr_range_within(0, 10, 10) && pyr_range_within(10, 0, 10));
    CHECK(!pyr_range_within(1, 10, 10) && !pyr_range_within(11, 0, 10));
    CHECK(!pyr_range_within(UINT64_MAX, 2, 10));
}

static void test_little_endian(void)
{
    static const uint8_t bytes[] = {0x01, 0x80, 0x03, 0xFF};
    CHECK_INT(pyr_le16(bytes), 0x8001);
    CHECK_INT(pyr_le32(bytes), 0xFF038001);
}

int main(void)
{
    RUN(test_result_names);
    RUN(test_fail);
    RUN(test_text_too_long);
    RUN(test_cut_character);
    RUN(test_format_double);
    RUN(test_format_double_locale);
    RUN(test_tile_shape);
    RUN(test_arith);
    RUN(test_little_endian);
    return unit_report();
}
