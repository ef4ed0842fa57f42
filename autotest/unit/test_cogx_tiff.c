/* SPDX-License-Identifier: MIT */
/* Tests of cogx_tiff, cogx_cursor and cogx_stats: levels, masks and tiles. */
#include "cogx_cursor.h"
#include "cogx_stats.h"
#include "fake_cog.h"
#include "unit.h"

#include <stdlib.h>

static struct pyr_error err;
static struct cogx_tiff *file;
static struct fake_cog cog;

static enum pyr_result reopen(void)
{
    cogx_tiff_free(file);
    err.text[0] = '\0';
    return open_cog(&file, &err);
}

static void make(bool big, bool big_endian, bool masks)
{
    const struct fake_cog none = {0};
    cog = none;
    cog.big = big;
    cog.big_endian = big_endian;
    cog.masks = masks;
    make_cog(&cog);
}

static void test_levels(void)
{
    for (int kind = 0; kind < 8; kind++)
    {
        const bool masks = (kind & 4) != 0;
        make((kind & 1) != 0, (kind & 2) != 0, masks);
        CHECK_INT(reopen(), PYR_OK);
        if (file == NULL)
            continue;
        CHECK_INT(file->nlevels, 2);
        const struct cogx_raster *const image = &file->levels[0].image;
        CHECK_INT(image->width_px, 64);
        CHECK_INT(image->height_px, 48);
        CHECK_INT(image->tile_width_px, 16);
        CHECK_INT(image->ncols, 4);
        CHECK_INT(image->nrows, 3);
        CHECK_INT(image->nplanes, 1);
        CHECK_INT(image->bits_per_sample, 8);
        CHECK_INT(image->predictor, 1);
        CHECK(image->tiled && image->has_nodata && !image->has_alpha);
        CHECK_INT(file->levels[0].has_mask, masks);
        CHECK_INT(file->levels[1].has_mask, masks);
        CHECK_INT(file->levels[1].image.width_px, 32);
        CHECK_INT(file->levels[1].mask.bits_per_sample, masks ? 1 : 0);
        CHECK(file->structure.present && !file->structure.damaged);
        CHECK(file->structure.row_major && file->structure.leader);
        CHECK(file->structure.trailer && !file->structure.edited);
        CHECK_INT(file->structure.masks_interleaved, masks);
        CHECK_INT(file->structure.end_bytes + file->structure.end_bytes % 2,
                  file->tiff->first_bytes);
    }
}

static void test_which(void)
{
    uint32_t level = 9;
    bool is_mask = false;
    make(false, false, true);
    CHECK_INT(reopen(), PYR_OK);
    CHECK(cogx_tiff_raster(file, 0, &level, &is_mask) ==
          &file->levels[0].image);
    CHECK_INT(level, 0);
    CHECK(cogx_tiff_raster(file, 3, &level, &is_mask) == &file->levels[1].mask);
    CHECK_INT(level, 1);
    CHECK(is_mask);
    CHECK(cogx_tiff_raster(file, 4, &level, &is_mask) == NULL);
}

static void test_cursor(void)
{
    make(true, true, false);
    put(cog.images[0].counts_at + 8 * 5, 0, 8); /* left out */
    CHECK_INT(reopen(), PYR_OK);
    struct cogx_cursor *const cursor = malloc(sizeof *cursor);
    if (file == NULL || cursor == NULL)
        exit(1);
    cogx_cursor_init(cursor, file, &file->levels[0].image);
    for (size_t i = 12; i-- > 0;)
    {
        struct pyr_extent tile = {1, 1};
        CHECK_INT(cogx_cursor_at(cursor, i, &tile, &err), PYR_OK);
        CHECK_INT(tile.nbytes, i == 5 ? 0 : 32);
        CHECK_INT(tile.offset_bytes == 0, i == 5);
    }
    free(cursor);
    struct cogx_stats stats;
    CHECK_INT(cogx_stats_read(file, &file->levels[0].image, &stats, &err),
              PYR_OK);
    CHECK_INT(stats.ntiles, 12);
    CHECK_INT(stats.nsparse, 1);
    CHECK_INT(stats.min_bytes, 32);
    CHECK_INT(stats.max_bytes, 32);
    CHECK_INT(stats.total_bytes, 11 * 32);
    CHECK(cogx_stats_mean_bytes(&stats) > 31.9);
}

/* Tables that are larger than a piece, and one that is too short. */
static void test_large_tables(void)
{
    enum
    {
        NTILES = 60 * 60,
        SHORTER = 3000
    };
    begin(false, false);
    const size_t offsets_at = maker.nbytes;
    for (unsigned i = 0; i < NTILES; i++)
        add(50000 + i, 4);
    const size_t counts_at = maker.nbytes;
    for (unsigned i = 0; i < NTILES; i++)
        add(1 + i, 4);
    begin_dir(first_link(), 7);
    add_tag(256, 3, 1, 960, 2);
    add_tag(257, 3, 1, 960, 2);
    add_tag(258, 3, 1, 8, 2);
    add_tag(322, 3, 1, 16, 2);
    add_tag(323, 3, 1, 16, 2);
    add_tag(324, 4, NTILES, offsets_at, 4);
    add_tag(325, 4, SHORTER, counts_at, 4);
    add(0, 4);
    CHECK_INT(reopen(), PYR_OK);
    if (file == NULL)
        return;
    struct cogx_cursor *const cursor = malloc(sizeof *cursor);
    if (cursor == NULL)
        exit(1);
    cogx_cursor_init(cursor, file, &file->levels[0].image);
    for (unsigned i = 0; i < NTILES; i++)
    {
        struct pyr_extent tile = {0, 0};
        CHECK_INT(cogx_cursor_at(cursor, i, &tile, &err), PYR_OK);
        CHECK_INT(tile.nbytes, i < SHORTER ? 1 + i : 0);
        CHECK_INT(tile.offset_bytes, i < SHORTER ? 50000 + i : 0);
    }
    free(cursor);
}

/* Position of a value of the first directory's tag number i. */
static size_t value_at(size_t i)
{
    return cog.images[0].dir_at + 2 + 12 * i + 8;
}

static void test_no_image(void)
{
    make(false, false, false);
    put(value_at(1), 0, 2); /* the width */
    CHECK_INT(reopen(), PYR_CORRUPT);
    CHECK_STR(err.text,
              "directory 0: is no image: 0 x 48 pixels, tiles of 16 x 16");
    make(false, false, false);
    put(cog.images[0].dir_at + 2 + 12 * 8, 60000, 2); /* the offsets */
    CHECK_INT(reopen(), PYR_CORRUPT);
    CHECK_STR(err.text, "directory 0: does not say where its tiles are");
    make(false, false, false);
    put(cog.images[0].dir_at + 2 + 12 * 1 + 2, 2, 2); /* a text */
    CHECK_INT(reopen(), PYR_CORRUPT);
}

/* An overview that is no image ends the list; of other bands it is left out. */
static void test_other_directories(void)
{
    make(false, false, true);
    put(cog.images[2].dir_at + 2 + 12 * 1 + 8, 0, 2);
    CHECK_INT(reopen(), PYR_OK);
    CHECK_INT(file == NULL ? 0 : file->nlevels, 1);
    make(false, false, true);
    put(cog.images[2].dir_at + 2 + 12 * 10, 277, 2); /* samples per pixel */
    put(cog.images[2].dir_at + 2 + 12 * 10 + 2, 3, 2);
    put(cog.images[2].dir_at + 2 + 12 * 10 + 4, 1, 4);
    put(cog.images[2].dir_at + 2 + 12 * 10 + 8, 3, 2);
    CHECK_INT(reopen(), PYR_OK);
    CHECK_INT(file == NULL ? 0 : file->nlevels, 1);
    CHECK(file != NULL && file->levels[0].has_mask);
}

static void test_structure(void)
{
    make(false, false, false);
    maker.bytes[8 + 31] = 'x'; /* in the digits of the size */
    CHECK_INT(reopen(), PYR_OK);
    CHECK(file->structure.present && file->structure.damaged);
    CHECK(!file->structure.leader && file->structure.text == NULL);
    make(false, false, false);
    maker.bytes[8 + 30] = '9'; /* beyond the end */
    CHECK_INT(reopen(), PYR_OK);
    CHECK(file->structure.damaged);
    cog.no_structure = true;
    make_cog(&cog);
    CHECK_INT(reopen(), PYR_OK);
    CHECK(!file->structure.present);
}

/* What is cut off is corrupt, or has fewer tiles; nothing is read beyond. */
static void test_truncated(void)
{
    make(false, false, true);
    const size_t whole = maker.nbytes;
    for (size_t nbytes = 0; nbytes < whole; nbytes++)
    {
        uint8_t *const bytes = malloc(nbytes + 1);
        struct cogx_tiff *cut = NULL;
        if (bytes == NULL)
            exit(1);
        memcpy(bytes, maker.bytes, nbytes);
        struct pyr_tiff_memory memory = {bytes, nbytes};
        const struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
        const enum pyr_result result = cogx_tiff_open(&reader, &cut, &err);
        CHECK(result == PYR_OK || result == PYR_CORRUPT);
        CHECK((result == PYR_OK) == (cut != NULL));
        for (uint32_t i = 0; cut != NULL && i < cut->nlevels; i++)
        {
            struct cogx_stats stats;
            const enum pyr_result read =
                cogx_stats_read(cut, &cut->levels[i].image, &stats, &err);
            CHECK(read == PYR_OK || read == PYR_CORRUPT);
        }
        cogx_tiff_free(cut);
        free(bytes);
    }
}

static void test_failing_reader(void)
{
    make(true, false, true);
    unsigned nreads = 1000;
    for (unsigned nth = 1; nth <= nreads; nth++)
    {
        struct cog_reader user = {0, nth};
        const struct pyr_tiff_reader reader = {&user, maker.nbytes, cog_read};
        struct cogx_tiff *opened = NULL;
        const enum pyr_result result = cogx_tiff_open(&reader, &opened, &err);
        if (result == PYR_OK)
            nreads = nth - 1;
        else
        {
            CHECK_INT(result, PYR_IO);
            CHECK(strstr(err.text, "no connection") != NULL);
        }
        cogx_tiff_free(opened);
    }
    CHECK(nreads > 4 && nreads < 1000);
}

static void test_failing_allocations(void)
{
    unsigned failed = 0;
    make(false, true, true);
    for (unsigned long nth = 1; nth < 40; nth++)
    {
        struct cogx_tiff *opened = NULL;
        pyr_alloc_fail_nth(nth);
        const enum pyr_result result = open_cog(&opened, &err);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        failed += result == PYR_NOMEM;
        cogx_tiff_free(opened);
    }
    CHECK_INT(failed, 1 + 1 + 1 + 4 + 1);
}

int main(void)
{
    RUN(test_levels);
    RUN(test_which);
    RUN(test_cursor);
    RUN(test_large_tables);
    RUN(test_no_image);
    RUN(test_other_directories);
    RUN(test_structure);
    RUN(test_truncated);
    RUN(test_failing_reader);
    RUN(test_failing_allocations);
    cogx_tiff_free(file);
    return unit_report();
}
