/* SPDX-License-Identifier: MIT */
/* Tests of the slab index: the header dumps of the format page, and damage. */
#include "pyr_alloc.h"
#include "rok4_slab.h"
#include "unit.h"

#include <stdlib.h>

#define MAX_TILE 100000u

static struct pyr_error err;
static struct pyr_extent found;

static enum pyr_result locate(const uint8_t *index, uint32_t ntiles,
                              uint32_t tile, uint64_t slab_nbytes)
{
    found.offset_bytes = 1;
    found.nbytes = 1;
    err.text[0] = '\0';
    return rok4_slab_locate(index, ntiles, tile, slab_nbytes, MAX_TILE, &found,
                            &err);
}

/* t64_raw_uint8_rgb (spec section 5), from byte 0x800 on: 2x2 tiles. */
static const uint8_t RAW_RGB[] = {
    0x20, 0x08, 0, 0, 0x20, 0x38, 0, 0, 0x20, 0x68, 0, 0, 0x20, 0x98, 0, 0,
    0x00, 0x30, 0, 0, 0x00, 0x30, 0, 0, 0x00, 0x30, 0, 0, 0x00, 0x30, 0, 0};

static void test_four_tiles(void)
{
    static const uint32_t offsets[] = {2080, 14368, 26656, 38944};
    const struct pyr_extent index = rok4_slab_index(4);
    CHECK_INT(index.offset_bytes, 0x800);
    CHECK_INT(index.nbytes, sizeof RAW_RGB);
    for (uint32_t tile = 0; tile < 4; tile++)
    {
        CHECK_INT(locate(RAW_RGB, 4, tile, 51232), PYR_OK);
        CHECK_INT(found.offset_bytes, offsets[tile]);
        CHECK_INT(found.nbytes, 12288);
    }
}

/* t64_zip_1x1 (spec section 5): one tile, right behind its index. */
static void test_one_tile(void)
{
    static const uint8_t bytes[] = {0x08, 0x08, 0, 0, 0xd9, 0x23, 0, 0};
    const struct pyr_extent index = rok4_slab_index(1);
    CHECK_INT(index.offset_bytes, 2048);
    CHECK_INT(index.nbytes, 8);
    CHECK_INT(locate(bytes, 1, 0, 2056 + 0x23d9), PYR_OK);
    CHECK_INT(found.offset_bytes, 2056);
    CHECK_INT(found.nbytes, 0x23d9);
}

static void test_index_size(void)
{
    CHECK_INT(rok4_slab_index(256).nbytes, 2048);
    CHECK_INT(rok4_slab_index(PYR_MAX_SLAB_TILES).nbytes, 8 << 20);
}

/* An index of one tile that claims this. */
static enum pyr_result locate_one(uint32_t offset, uint32_t nbytes,
                                  uint64_t slab_nbytes)
{
    uint8_t bytes[8];
    for (int i = 0; i < 4; i++)
    {
        bytes[i] = (uint8_t)(offset >> (8 * i));
        bytes[4 + i] = (uint8_t)(nbytes >> (8 * i));
    }
    return locate(bytes, 1, 0, slab_nbytes);
}

static void test_no_data(void)
{
    static const uint32_t offsets[] = {0, 2047, 2056, 5000, UINT32_MAX};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++)
    {
        CHECK_INT(locate_one(offsets[i], 0, 2056), PYR_OK);
        CHECK_INT(found.offset_bytes, 0);
        CHECK_INT(found.nbytes, 0);
    }
}

static void test_overlaps(void)
{
    CHECK_INT(locate_one(2055, 10, 9000), PYR_CORRUPT);
    CHECK_STR(err.text, "starts at byte 2055, where no tile can be before byte "
                        "2056");
    CHECK_INT(locate_one(0, 10, 9000), PYR_CORRUPT);
    CHECK_INT(locate_one(2056, 10, 9000), PYR_OK);
    /* Out parameters are written on success only. */
    CHECK_INT(locate_one(2048, 10, 9000), PYR_CORRUPT);
    CHECK_INT(found.offset_bytes, 1);
    CHECK_INT(found.nbytes, 1);
}

static void test_truncated(void)
{
    CHECK_INT(locate_one(2056, 100, 2156), PYR_OK);
    CHECK_INT(locate_one(2056, 100, 2155), PYR_CORRUPT);
    CHECK_STR(err.text, "ends at byte 2156, the file has 2155 (truncated?)");
    CHECK_INT(locate_one(2157, 1, 2156), PYR_CORRUPT);
    CHECK_INT(locate_one(UINT32_MAX, UINT32_MAX, 9000), PYR_CORRUPT);
    CHECK_STR(err.text,
              "ends at byte 8589934590, the file has 9000 (truncated?)");
    CHECK_INT(locate_one(2056, 1, 0), PYR_CORRUPT);
}

static void test_limit(void)
{
    CHECK_INT(locate_one(2056, MAX_TILE, UINT64_MAX), PYR_OK);
    CHECK_INT(locate_one(2056, MAX_TILE + 1, UINT64_MAX), PYR_LIMIT);
    CHECK_STR(err.text, "takes 100001 bytes, expected at most 100000");
    /* Beyond 4 GiB in all, where offsets alone can point. */
    CHECK_INT(locate_one(UINT32_MAX, MAX_TILE, UINT64_MAX), PYR_OK);
    CHECK_INT(found.offset_bytes + found.nbytes, 4295067295);
}

/* Tiles may share bytes, overlap, and stand in any order. */
static void test_any_order(void)
{
    static const uint8_t bytes[] = {0x40, 0x08, 0, 0, 0x28, 0x08, 0, 0,
                                    0x28, 0x08, 0, 0, 0x10, 0,    0, 0,
                                    0x10, 0,    0, 0, 0x20, 0,    0, 0};
    CHECK_INT(locate(bytes, 3, 0, 0x850), PYR_OK);
    CHECK_INT(found.offset_bytes, 0x840);
    CHECK_INT(locate(bytes, 3, 1, 0x850), PYR_OK);
    CHECK_INT(found.offset_bytes, 0x828);
    CHECK_INT(found.nbytes, 0x10);
    CHECK_INT(locate(bytes, 3, 2, 0x850), PYR_OK);
    CHECK_INT(found.offset_bytes, 0x828);
    CHECK_INT(found.nbytes, 0x20);
}

/* The last tile of the largest slab: its entries end where the index does. */
static void test_largest_slab(void)
{
    const uint32_t ntiles = PYR_MAX_SLAB_TILES;
    const size_t nbytes = (size_t)rok4_slab_index(ntiles).nbytes;
    uint8_t *const index = calloc(nbytes, 1);
    if (index == NULL)
        exit(1);
    index[nbytes / 2 - 2] = 0x80; /* offset 0x00800800 */
    index[nbytes / 2 - 3] = 0x08;
    index[nbytes - 4] = 7;
    CHECK_INT(locate(index, ntiles, ntiles - 1, 0x00800807), PYR_OK);
    CHECK_INT(found.offset_bytes, 0x00800800);
    CHECK_INT(found.nbytes, 7);
    CHECK_INT(locate(index, ntiles, ntiles - 1, 0x00800806), PYR_CORRUPT);
    index[nbytes / 2 - 3] = 0x07;
    CHECK_INT(locate(index, ntiles, ntiles - 1, 0x00900000), PYR_CORRUPT);
    free(index);
}

static void test_no_error_text(void)
{
    static const uint8_t bytes[8] = {1, 0, 0, 0, 1, 0, 0, 0};
    CHECK_INT(rok4_slab_locate(bytes, 1, 0, 9000, MAX_TILE, &found, NULL),
              PYR_CORRUPT);
}

int main(void)
{
    RUN(test_four_tiles);
    RUN(test_one_tile);
    RUN(test_index_size);
    RUN(test_no_data);
    RUN(test_overlaps);
    RUN(test_truncated);
    RUN(test_limit);
    RUN(test_any_order);
    RUN(test_largest_slab);
    RUN(test_no_error_text);
    return unit_report();
}
