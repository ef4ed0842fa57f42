/* SPDX-License-Identifier: MIT */
/* Tests of cogx_validate: each rule about tiles, bounds, and failures. That the
 * rules are GDAL's is tested in autotest/apps. */
#include "cogx_validate.h"
#include "fake_cog.h"
#include "unit.h"

#include <stdlib.h>

static struct pyr_error err;
static struct fake_cog cog;
static struct cogx_verdict verdict;
static struct cogx_validate_options options;

static enum pyr_result validate(void)
{
    struct cogx_tiff *file = NULL;
    memset(&verdict, 0, sizeof verdict);
    enum pyr_result result = open_cog(&file, &err);
    if (result == PYR_OK)
        result = cogx_validate(file, &options, &verdict, &err);
    cogx_tiff_free(file);
    return result;
}

static void make(bool big, bool big_endian, bool masks)
{
    const struct fake_cog none = {0};
    const struct cogx_validate_options full = {true, false, false, false};
    cog = none;
    cog.big = big;
    cog.big_endian = big_endian;
    cog.masks = masks;
    options = full;
    make_cog(&cog);
}

/* The only thing that is wrong. */
static void check_only(enum cogx_rule rule, const char *text)
{
    CHECK_INT(validate(), PYR_OK);
    CHECK_INT(verdict.nissues, 1);
    CHECK_INT(verdict.nfound[rule], 1);
    CHECK_STR(verdict.issues[0].text, text);
    CHECK_INT(verdict.issues[0].rule, rule);
    CHECK_INT(verdict.valid, cogx_rule_is_warning(rule));
    CHECK_INT(verdict.nerrors, !cogx_rule_is_warning(rule));
    CHECK_INT(verdict.nwarnings, cogx_rule_is_warning(rule));
}

static void test_valid(void)
{
    for (int kind = 0; kind < 8; kind++)
    {
        make((kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0);
        options.strict = true;
        CHECK_INT(validate(), PYR_OK);
        CHECK(verdict.valid && verdict.strict && verdict.full_check);
        CHECK_INT(verdict.nissues, 0);
        CHECK_INT(verdict.header_bytes, verdict.data_bytes[1]);
        CHECK(verdict.data_bytes[0] > verdict.data_bytes[1]);
    }
}

/* Where the tile of an image starts. */
static size_t tile_at(size_t image, size_t index)
{
    const size_t at = cog.images[image].offsets_at + 4 * index;
    return (size_t)maker.bytes[at] | (size_t)maker.bytes[at + 1] << 8;
}

static void test_tiles(void)
{
    make(false, false, true);
    maker.bytes[tile_at(0, 5) - 3] ^= 1;
    check_only(COGX_RULE_TILE_LEADER, "full resolution: tile (1, 1) takes 32 "
                                      "bytes, its leader says 288");
    options.full_check = false;
    CHECK_INT(validate(), PYR_OK);
    CHECK(verdict.valid && !verdict.full_check);
    make(false, false, true);
    maker.bytes[tile_at(3, 2) + 33] ^= 1;
    check_only(COGX_RULE_TILE_TRAILER,
               "mask of overview 0: tile (0, 1) is not followed by its last 4 "
               "bytes");
    make(false, false, true);
    maker.nbytes--;
    check_only(COGX_RULE_TILE_END,
               "mask of full resolution: tile (3, 2) and its trailer end "
               "beyond the file (truncated?)");
    options.strict = true;
    CHECK_INT(validate(), PYR_OK);
    CHECK(!verdict.valid);
}

static void test_tables(void)
{
    make(false, false, false);
    put(cog.images[0].offsets_at + 4 * 3, 2, 4); /* no room for a leader */
    CHECK_INT(validate(), PYR_OK);
    CHECK_INT(verdict.nfound[COGX_RULE_TILE_LEADER], 1);
    CHECK_INT(verdict.nfound[COGX_RULE_TILE_ORDER], 1);
    make(true, false, false);
    put(cog.images[0].offsets_at + 8 * 11, UINT64_MAX - 3, 8);
    CHECK_INT(validate(), PYR_OK);
    CHECK(!verdict.valid);
    make(false, false, false);
    put(cog.images[1].dir_at + 2 + 12 * 8 + 8, 60000, 4); /* the offsets */
    CHECK_INT(validate(), PYR_OK);
    CHECK(verdict.valid);
    CHECK_INT(verdict.nfound[COGX_RULE_TILE_TABLE], 2);
    options.strict = true;
    CHECK_INT(validate(), PYR_OK);
    CHECK(!verdict.valid);
    make(false, false, false); /* a second directory that leads nowhere */
    put(cog.images[1].dir_at + 2 + 12 * 11, 50000, 4);
    check_only(COGX_RULE_DIRECTORY_CHAIN,
               "what follows the directories read is broken: directory 2: "
               "stands at byte 50000, which is not in the file");
}

static void test_sidecars(void)
{
    make(false, false, false);
    options.external_overviews = true;
    check_only(COGX_RULE_EXTERNAL_OVERVIEWS,
               "overviews stand in a file of their own (.ovr), expected "
               "inside");
    make(false, false, false);
    options.external_mask = true;
    CHECK_INT(validate(), PYR_OK);
    CHECK(verdict.valid);
}

/* Every leader and trailer is wrong: the count is right, the list short. */
static void test_many_issues(void)
{
    make(false, false, false);
    for (size_t i = 0; i < 12; i++)
    {
        maker.bytes[tile_at(0, i) - 4] ^= 1;
        maker.bytes[tile_at(0, i) + 35] ^= 1;
    }
    CHECK_INT(validate(), PYR_OK);
    CHECK_INT(verdict.nerrors, 24);
    CHECK_INT(verdict.nfound[COGX_RULE_TILE_LEADER], 12);
    CHECK_INT(verdict.nissues, 2 * COGX_MAX_ISSUES_PER_RULE);
}

/* An image of strips with so many pixels. */
static void make_strips(unsigned width_px, unsigned height_px)
{
    const struct cogx_validate_options full = {true, false, false, false};
    options = full;
    begin(false, false);
    begin_dir(first_link(), 6);
    add_tag(256, 3, 1, width_px, 2);
    add_tag(257, 3, 1, height_px, 2);
    add_tag(258, 3, 1, 8, 2);
    add_tag(273, 4, 1, 100, 4);
    add_tag(278, 3, 1, height_px, 2);
    add_tag(279, 4, 1, 100, 4);
    add(0, 4);
}

static void check_strips(unsigned width_px, unsigned height_px, bool valid,
                         unsigned no_overviews, unsigned strips)
{
    make_strips(width_px, height_px);
    CHECK_INT(validate(), PYR_OK);
    CHECK_INT(verdict.valid, valid);
    CHECK_INT(verdict.nfound[COGX_RULE_NO_OVERVIEWS], no_overviews);
    CHECK_INT(verdict.nfound[COGX_RULE_STRIPS], strips);
    CHECK_INT(verdict.nfound[COGX_RULE_NOT_TILED], !valid);
}

static void test_sizes(void)
{
    check_strips(512, 512, true, 0, 0);
    check_strips(513, 1, true, 1, 1);
    check_strips(1, 513, true, 1, 1);
    check_strips(1024, 512, true, 1, 1);
    check_strips(1025, 512, false, 1, 0);
    check_strips(1025, 1, false, 1, 0);
}

static void test_names(void)
{
    for (int i = 0; i < COGX_NRULES; i++)
        for (int k = 0; k < i; k++)
            CHECK(strcmp(cogx_rule_name((enum cogx_rule)i),
                         cogx_rule_name((enum cogx_rule)k)) != 0);
    CHECK_STR(cogx_rule_name(COGX_RULE_TILE_END), "tile-end");
    CHECK_STR(cogx_rule_name(COGX_RULE_TILE_TABLE), "tile-table");
    CHECK(!cogx_rule_is_warning(COGX_RULE_MASK_ORDER));
    CHECK(cogx_rule_is_warning(COGX_RULE_NO_OVERVIEWS));
}

/* Any byte another one: an answer, and no byte read beyond the file. */
static void test_damaged(void)
{
    static const uint8_t damage[] = {0, 1, 0x7F, 0xFF};
    make(true, false, true);
    uint8_t *const bytes = malloc(maker.nbytes);
    if (bytes == NULL)
        exit(1);
    const size_t header = tile_at(2, 0);
    for (size_t at = 0; at < header; at++)
        for (size_t k = 0; k < sizeof damage; k++)
        {
            struct pyr_tiff_memory memory = {bytes, maker.nbytes};
            struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
            struct cogx_tiff *file = NULL;
            memcpy(bytes, maker.bytes, maker.nbytes);
            bytes[at] = damage[k];
            if (cogx_tiff_open(&reader, &file, &err) == PYR_OK)
                CHECK_INT(cogx_validate(file, &options, &verdict, &err),
                          PYR_OK);
            cogx_tiff_free(file);
        }
    free(bytes);
}

/* As many reads as there are tiles, and a few. */
static void test_reads(void)
{
    struct cog_reader user = {0, 0};
    const struct pyr_tiff_reader reader = {&user, UINT64_MAX, cog_read};
    struct cogx_tiff *file = NULL;
    make(false, false, false);
    struct pyr_tiff_reader sized = reader;
    sized.size_bytes = maker.nbytes;
    CHECK_INT(cogx_tiff_open(&sized, &file, &err), PYR_OK);
    user.ncalls = 0;
    CHECK_INT(cogx_validate(file, &options, &verdict, &err), PYR_OK);
    /* Two tables for each level, twice; the first leader of each level. */
    CHECK_INT(user.ncalls, 16 + 8 + 2);
    const unsigned ncalls = user.ncalls;
    for (unsigned nth = 1; nth <= ncalls; nth++)
    {
        user.ncalls = 0;
        user.failing_call = nth;
        verdict.nissues = 77;
        CHECK_INT(cogx_validate(file, &options, &verdict, &err), PYR_IO);
        CHECK_INT(verdict.nissues, 77);
    }
    cogx_tiff_free(file);
    /* Where the end is not known, no byte too many is asked for. */
    user.failing_call = 0;
    CHECK_INT(cogx_tiff_open(&reader, &file, &err), PYR_OK);
    CHECK_INT(cogx_validate(file, &options, &verdict, &err), PYR_OK);
    CHECK(verdict.valid);
    CHECK_INT(verdict.nissues, 0);
    cogx_tiff_free(file);
}

static void test_failing_allocations(void)
{
    struct cogx_tiff *file = NULL;
    make(false, false, false);
    CHECK_INT(open_cog(&file, &err), PYR_OK);
    for (unsigned long nth = 1; nth <= 3; nth++)
    {
        pyr_alloc_fail_nth(nth);
        const enum pyr_result result =
            cogx_validate(file, &options, &verdict, &err);
        pyr_alloc_fail_nth(0);
        CHECK_INT(result, nth < 3 ? PYR_NOMEM : PYR_OK);
    }
    cogx_tiff_free(file);
}

int main(void)
{
    RUN(test_valid);
    RUN(test_tiles);
    RUN(test_tables);
    RUN(test_sidecars);
    RUN(test_many_issues);
    RUN(test_sizes);
    RUN(test_names);
    RUN(test_damaged);
    RUN(test_reads);
    RUN(test_failing_allocations);
    return unit_report();
}
