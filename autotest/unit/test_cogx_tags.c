/* SPDX-License-Identifier: MIT */
/* Tests of the tags of a directory to be. */
#include "cogx_codes.h"
#include "cogx_tags.h"
#include "pyr_alloc.h"
#include "unit.h"

#include <string.h>

/* A classic file: a directory at 8, each entry SHORT with its value inside. */
static uint8_t bytes[8 + 2 + 12 * 8 + 4];
static const uint16_t entries[][2] = {
    {COGX_TAG_WIDTH, 64},      {COGX_TAG_COMPRESSION, 8},
    {COGX_TAG_PHOTOMETRIC, 6}, {COGX_TAG_PREDICTOR, 2},
    {COGX_TAG_TILE_WIDTH, 64}, {COGX_TAG_EXTRA_SAMPLES, 2},
    {COGX_TAG_JPEG_TABLES, 9}, {COGX_TAG_NODATA, 5}};
#define NENTRIES (sizeof(entries) / sizeof(entries[0]))

static struct pyr_tiff_memory memory;
static struct pyr_tiff_reader reader;
static struct pyr_tiff *tiff;
static struct pyr_error err;

static void put16(size_t at, unsigned value)
{
    bytes[at] = (uint8_t)value;
    bytes[at + 1] = (uint8_t)(value >> 8);
}

static void make(void)
{
    memcpy(bytes, "II*\0\10\0\0\0", 8);
    put16(8, NENTRIES);
    for (size_t i = 0; i < NENTRIES; i++)
    {
        const size_t at = 10 + 12 * i;
        put16(at, entries[i][0]);
        put16(at + 2, COGX_TYPE_SHORT);
        put16(at + 4, 1);
        put16(at + 8, entries[i][1]);
    }
    memory = (struct pyr_tiff_memory){bytes, sizeof(bytes)};
    reader = pyr_tiff_memory_reader(&memory);
    CHECK_INT(pyr_tiff_parse(&reader, &tiff, &err), PYR_OK);
}

static bool has(const struct cogx_tags *tags, uint16_t code)
{
    unsigned count = 0;
    for (size_t i = 0; i < tags->ntags; i++)
        count += tags->list[i].code == code;
    CHECK(count <= 1);
    return count == 1;
}

static void test_load(void)
{
    struct cogx_tags tags = {0};
    struct pyr_tile_format format = {.compression = PYR_TIFF_JPEG};
    CHECK_INT(cogx_tags_load(&tags, &reader, tiff, &tiff->dirs[0], &err),
              PYR_OK);
    CHECK_INT(tags.ntags, NENTRIES - 3);
    CHECK(!has(&tags, COGX_TAG_WIDTH) && !has(&tags, COGX_TAG_TILE_WIDTH) &&
          !has(&tags, COGX_TAG_JPEG_TABLES));
    cogx_tags_describe(&tags, &format);
    CHECK(format.ycbcr && format.alpha);
    CHECK_INT(format.nextra, 1);
    CHECK_INT(format.predictor, 2);
    format.compression = PYR_TIFF_LZW;
    cogx_tags_describe(&tags, &format);
    CHECK(!format.ycbcr);
    CHECK_INT(cogx_tags_mask_compression(&tags), PYR_TIFF_DEFLATE);
    cogx_tags_clear(&tags);
    CHECK_INT(tags.ntags, 0);
}

static void test_take_pixels_and_tables(void)
{
    struct cogx_tags tags = {0};
    struct cogx_tags copy = {0};
    CHECK_INT(cogx_tags_set_tables(&tags, (const uint8_t *)"abc", 3, &err),
              PYR_OK);
    CHECK_INT(cogx_tags_set_tables(&tags, (const uint8_t *)"abcd", 4, &err),
              PYR_OK);
    CHECK_INT(tags.ntags, 1);
    CHECK_INT(tags.list[0].count, 4);
    CHECK(memcmp(tags.list[0].values, "abcd", 4) == 0);
    CHECK_INT(cogx_tags_copy(&copy, &tags, &err), PYR_OK);
    CHECK_INT(cogx_tags_take_pixels(&copy, &reader, tiff, &tiff->dirs[0], &err),
              PYR_OK);
    CHECK(has(&copy, COGX_TAG_COMPRESSION) && has(&copy, COGX_TAG_PREDICTOR) &&
          !has(&copy, COGX_TAG_NODATA) && !has(&copy, COGX_TAG_WIDTH));
    CHECK(has(&copy, COGX_TAG_JPEG_TABLES));
    CHECK_INT(copy.ntags, 5);
    cogx_tags_clear(&copy);
    cogx_tags_clear(&tags);
}

static void test_empty(void)
{
    const struct cogx_tags tags = {0};
    struct pyr_tile_format format = {.compression = PYR_TIFF_JPEG};
    cogx_tags_describe(&tags, &format);
    CHECK(!format.ycbcr && !format.alpha);
    CHECK_INT(format.nextra, 0);
    CHECK_INT(format.predictor, 1);
    CHECK_INT(cogx_tags_mask_compression(&tags), PYR_TIFF_NONE);
}

static void test_no_memory(void)
{
#ifdef PYR_ALLOC_FAILURES
    enum pyr_result result = PYR_NOMEM;
    unsigned long nth = 0;
    while (result != PYR_OK && nth < 100)
    {
        struct cogx_tags tags = {0};
        struct cogx_tags copy = {0};
        pyr_alloc_fail_nth(++nth);
        result = cogx_tags_load(&tags, &reader, tiff, &tiff->dirs[0], &err);
        if (result == PYR_OK)
            result = cogx_tags_copy(&copy, &tags, &err);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        pyr_alloc_fail_nth(0);
        cogx_tags_clear(&copy);
        cogx_tags_clear(&tags);
    }
    CHECK(nth > 10 && nth < 100);
#endif
}

int main(void)
{
    make();
    RUN(test_load);
    RUN(test_take_pixels_and_tables);
    RUN(test_empty);
    RUN(test_no_memory);
    pyr_tiff_free(tiff);
    return unit_report();
}
