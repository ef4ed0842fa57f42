/* SPDX-License-Identifier: MIT */
/* Tests of the ROK4 tile sink: whole slabs, to the byte. */
#include "fake_writer.h"

#define DATA PYR_PLANE_DATA
#define MASK PYR_PLANE_MASK

static const float NODATA[] = {1, 2, 3, 4};
static const float ZERO[] = {0};
static const float VALID[] = {255};

static struct pyr_tile_shape mask_shape(void)
{
    struct pyr_tile_shape shape = fw.levels[0].shape;
    shape.bands = 1;
    shape.sample = PYR_SAMPLE_UINT8;
    return shape;
}

static void test_whole_slab(void)
{
    static const uint32_t sizes[] = {17, 100, 16, 5};
    fw_begin(ROK4_ZIP_UINT8, 3);
    fw.levels[0].mask_place = NULL;
    CHECK_INT(fw_open(), PYR_OK);
    CHECK(fw_wants(0, 1, 1));
    for (uint32_t i = 4; i-- > 0;)
        CHECK_INT(fw_put(DATA, 0, 2 + i % 2, 2 + i / 2, sizes[i], 50 + i),
                  PYR_OK);
    CHECK_INT(files.count, 0);
    CHECK_INT(fw_finish(0, 1, 1), PYR_OK);
    const struct rok4_slab_shape shape = {ROK4_ZIP_UINT8, fw.levels[0].shape, 2,
                                          2};
    fw_check_slab("/new/DATA/c/00/00/11.tif", &shape, sizes, 50);
    CHECK_INT(files.count, 1);
    CHECK_INT(rok4_writer_count(fw.writer), 1);
    CHECK_INT(fake_out.count[FAKE_OUT_WRITE], 1);
    CHECK_INT(fake_out.ndurable, 0);
    CHECK(fw_wants(0, 1, 1)); /* not asked to resume */
    fw_end();
}

/* Tiles that were not put have the nodata values. */
static void check_nodata(enum rok4_format format, uint32_t bands)
{
    const char *const path = "/new/DATA/c/00/00/00.tif";
    fw_begin(format, bands);
    const size_t nbytes = pyr_tile_bytes(&fw.levels[0].shape);
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(fw_put(DATA, 0, 1, 0, nbytes, 9), PYR_OK);
    CHECK_INT(fw_finish(0, 0, 0), PYR_OK);
    CHECK_STR(fw.err.text, "");
    fw_check_tile(path, 4, 1, nbytes, 9);
    if (rok4_format_codec(format) == PYR_CODEC_JPEG)
        CHECK(fw_tile_nbytes(path, 4, 0) > 0);
    else
        fw_check_constant(path, rok4_format_codec(format), &fw.levels[0].shape,
                          4, 0, NODATA);
    CHECK_INT(fw_tile_nbytes(path, 4, 0), fw_tile_nbytes(path, 4, 2));
    CHECK_INT(fw_tile_nbytes(path, 4, 0), fw_tile_nbytes(path, 4, 3));
    /* The mask is there, too: of nothing. */
    const struct pyr_tile_shape shape = mask_shape();
    for (uint32_t i = 0; i < 4; i++)
        fw_check_constant("/new/MASK/c/00/00/00.tif", PYR_CODEC_DEFLATE, &shape,
                          4, i, ZERO);
    CHECK_INT(rok4_writer_count(fw.writer), 2);
    fw_end();
}

static void test_nodata(void)
{
    for (int format = ROK4_RAW_UINT8; format <= ROK4_PKB_UINT8; format++)
        check_nodata((enum rok4_format)format, 3);
    for (int format = ROK4_RAW_FLOAT32; format <= ROK4_PKB_FLOAT32; format++)
        check_nodata((enum rok4_format)format, 1);
    check_nodata(ROK4_ZIP_UINT8, 4);
    check_nodata(ROK4_PNG_UINT8, 2);
}

/* Raw tiles of 15 bytes: a gap of zeros behind each. */
static void check_raw(unsigned puts, bool sparse)
{
    static const struct pyr_tile_shape tile = {5, 3, 1, PYR_SAMPLE_UINT8};
    const char *const path = "/new/DATA/c/00/00/00.tif";
    fw_begin(ROK4_RAW_UINT8, 1);
    fw.options.sparse = sparse;
    fw.levels[0].shape = tile;
    fw.levels[0].tiles_per_width = 3;
    fw.levels[0].tiles_per_height = 1;
    fw.levels[0].mask_place = NULL;
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(fw_put(DATA, 0, 0, 0, 14, 0), PYR_USAGE);
    CHECK_STR(fw.err.text, "a tile of 14 bytes is no tile");
    for (uint32_t i = 3; i-- > 0;)
        if (puts >> i & 1)
            CHECK_INT(fw_put(DATA, 0, i, 0, 15, i), PYR_OK);
    /* They are in the file. */
    CHECK_INT(fake_out.nopen, 1);
    CHECK(fake_out.nbytes > 0);
    CHECK_INT(fw_finish(0, 0, 0), PYR_OK);
    const struct rok4_slab_shape shape = {ROK4_RAW_UINT8, tile, 3, 1};
    uint32_t sizes[3];
    for (uint32_t i = 0; i < 3; i++)
        sizes[i] = puts >> i & 1 || !sparse ? 15 : 0;
    const struct pyr_file *const file = files_find(path);
    uint8_t index[24];
    uint8_t header[ROK4_SLAB_HEADER_BYTES];
    uint64_t end = 0;
    CHECK_INT(rok4_slab_place(sizes, 3, 15, index, &end, NULL), PYR_OK);
    rok4_slab_header(&shape, 0, header);
    CHECK(file != NULL);
    if (file != NULL)
    {
        CHECK_INT(file->nbytes, end);
        CHECK(memcmp(file->bytes, header, sizeof header) == 0);
        CHECK(memcmp(file->bytes + 2048, index, sizeof index) == 0);
        CHECK(file->nbytes <= 2072 + 15 || file->bytes[2072 + 15] == 0);
    }
    for (uint32_t i = 0; i < 3; i++)
        if (puts >> i & 1)
            fw_check_tile(path, 3, i, 15, i);
        else if (!sparse)
            fw_check_constant(path, PYR_CODEC_RAW, &tile, 3, i, NODATA);
    fw_close();
    /* And it is found whole. */
    fw.options.resume = true;
    CHECK_INT(fw_open(), PYR_OK);
    CHECK(!fw_wants(0, 0, 0));
    fw_end();
}

static void test_raw(void)
{
    for (unsigned puts = 1; puts < 8; puts++)
    {
        check_raw(puts, false);
        check_raw(puts, true);
    }
}

static void test_one_tile(void)
{
    static const uint32_t sizes[] = {77};
    fw_begin(ROK4_JPG_UINT8, 3);
    fw.levels[1].tiles_per_width = fw.levels[1].tiles_per_height = 1;
    fw.levels[1].path_depth = 0;
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(fw_put(DATA, 1, 40, 3, 77, 5), PYR_OK);
    CHECK_INT(fw_put(MASK, 1, 40, 3, 77, 6), PYR_OK);
    CHECK_INT(fw_finish(1, 40, 3), PYR_OK);
    struct rok4_slab_shape shape = {ROK4_JPG_UINT8, fw.levels[0].shape, 1, 1};
    fw_check_slab("/new/DATA/b/1043.tif", &shape, sizes, 5);
    shape.format = ROK4_ZIP_UINT8;
    shape.tile.bands = 1;
    fw_check_slab("/new/MASK/b/1043.tif", &shape, sizes, 6);
    fw_end();
}

/* Without data there is no slab, whatever its mask says. */
static void test_nothing_put(void)
{
    fw_begin(ROK4_ZIP_UINT8, 3);
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(fw_finish(0, 0, 0), PYR_OK);
    CHECK_INT(fw_put(MASK, 0, 0, 0, 10, 1), PYR_OK);
    CHECK_INT(fw_finish(0, 0, 0), PYR_OK);
    CHECK_INT(fw_put(DATA, 0, 0, 0, 10, 1), PYR_OK); /* never finished */
    CHECK_INT(rok4_writer_count(fw.writer), 0);
    CHECK_INT(files.count, 0);
    fw_end();
    rok4_writer_free(NULL);
}

static void test_masks(void)
{
    const char *const path = "/new/MASK/c/00/00/00.tif";
    fw_begin(ROK4_PNG_UINT8, 4);
    const struct pyr_tile_shape shape = mask_shape();
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(fw_put(DATA, 0, 0, 1, 30, 1), PYR_OK);
    CHECK_INT(fw_put(MASK, 0, 0, 1, 20, 2), PYR_OK);
    CHECK_INT(fw_finish(0, 0, 0), PYR_OK);
    fw_check_tile(path, 4, 2, 20, 2);
    fw_check_constant(path, PYR_CODEC_DEFLATE, &shape, 4, 1, ZERO);
    fw_close();
    fw.levels[0].mask_place = NULL;
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(fw_put(MASK, 0, 0, 1, 20, 2), PYR_USAGE);
    CHECK_STR(fw.err.text, "level c has no masks");
    fw_end();
}

static void test_sparse(void)
{
    static const uint32_t sizes[] = {0, 30, 0, 0};
    static const uint32_t none[] = {0, 0, 0, 0};
    fw_begin(ROK4_ZIP_UINT8, 3);
    fw.options.sparse = true;
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(fw_put(DATA, 0, 1, 0, 30, 8), PYR_OK);
    CHECK_INT(fw_finish(0, 0, 0), PYR_OK);
    struct rok4_slab_shape shape = {ROK4_ZIP_UINT8, fw.levels[0].shape, 2, 2};
    fw_check_slab("/new/DATA/c/00/00/00.tif", &shape, sizes, 7);
    shape.tile.bands = 1;
    fw_check_slab("/new/MASK/c/00/00/00.tif", &shape, none, 0);
    fw_end();
}

/* What the background has is copied, but for a tile that is put. */
static void test_background(void)
{
    static const uint32_t old[] = {100, 50, 0, 31};
    static const uint32_t old_mask[] = {9, 0, 12, 13};
    const char *const path = "/new/DATA/c/00/00/10.tif";
    const char *const mask_path = "/new/MASK/c/00/00/10.tif";
    for (int sparse = 0; sparse < 2; sparse++)
    {
        fw_begin(ROK4_ZIP_UINT8, 3);
        fw.options.sparse = sparse != 0;
        fw_open_background("TIFF_ZIP_UINT8", 3);
        fw_add_slab("/data/N/DATA/c/00/10.tif", DATA, old, 20);
        fw_add_slab("/data/N/MASK/c/00/10.tif", MASK, old_mask, 30);
        const struct pyr_tile_shape shape = mask_shape();
        CHECK_INT(fw_open(), PYR_OK);
        CHECK_INT(fw_put(DATA, 0, 3, 0, 77, 1), PYR_OK);
        CHECK_INT(fw_finish(0, 1, 0), PYR_OK);
        CHECK_STR(fw.err.text, "");
        fw_check_tile(path, 4, 0, 100, 20);
        fw_check_tile(path, 4, 1, 77, 1);
        fw_check_tile(path, 4, 3, 31, 23);
        fw_check_tile(mask_path, 4, 0, 9, 30);
        fw_check_tile(mask_path, 4, 3, 13, 33);
        if (sparse != 0)
        {
            CHECK_INT(fw_tile_nbytes(path, 4, 2), 0);
            CHECK_INT(fw_tile_nbytes(mask_path, 4, 1), 0);
            CHECK_INT(fw_tile_nbytes(mask_path, 4, 2), 0);
        }
        else
        {
            fw_check_constant(path, PYR_CODEC_DEFLATE, &fw.levels[0].shape, 4,
                              2, NODATA);
            fw_check_constant(mask_path, PYR_CODEC_DEFLATE, &shape, 4, 1, ZERO);
            /* No data, whatever the old mask said. */
            fw_check_constant(mask_path, PYR_CODEC_DEFLATE, &shape, 4, 2, ZERO);
        }
        fw_end();
    }
}

/* Without a mask slab, the old data counts as valid. */
static void test_background_without_masks(void)
{
    static const uint32_t old[] = {100, 50, 0, 31};
    for (uint32_t level = 0; level < 2; level++)
    {
        char path[] = "/data/N/DATA/c/00/00.tif";
        char mask_path[] = "/new/MASK/c/00/00/00.tif";
        fw_begin(ROK4_ZIP_UINT8, 3);
        fw_open_background("TIFF_ZIP_UINT8", 3);
        path[13] = mask_path[10] = level == 0 ? 'c' : 'b';
        fw_add_slab(path, DATA, old, 20);
        const struct pyr_tile_shape shape = mask_shape();
        CHECK_INT(fw_open(), PYR_OK);
        CHECK_INT(fw_put(DATA, level, 0, 0, 77, 1), PYR_OK);
        CHECK_INT(fw_put(MASK, level, 0, 0, 78, 2), PYR_OK);
        CHECK_INT(fw_finish(level, 0, 0), PYR_OK);
        fw_check_tile(mask_path, 4, 0, 78, 2);
        fw_check_constant(mask_path, PYR_CODEC_DEFLATE, &shape, 4, 1, VALID);
        fw_check_constant(mask_path, PYR_CODEC_DEFLATE, &shape, 4, 2, ZERO);
        fw_check_constant(mask_path, PYR_CODEC_DEFLATE, &shape, 4, 3, VALID);
        /* A slab that the background has not. */
        CHECK_INT(fw_put(DATA, level, 2, 0, 77, 1), PYR_OK);
        CHECK_INT(fw_finish(level, 1, 0), PYR_OK);
        mask_path[18] = '0';
        mask_path[19] = '0';
        CHECK_INT(files_find("/new/MASK/c/00/00/10.tif") != NULL, level == 0);
        CHECK_INT(files_find("/new/MASK/b/00/00/10.tif") != NULL, level == 1);
        fw_end();
    }
}

/* A raw tile takes its bytes and no more; bytes behind are ignored. */
static void test_raw_background(void)
{
    static const uint32_t old[] = {96, 100, 0, 96};
    static const uint32_t cut[] = {96, 95, 0, 96};
    fw_begin(ROK4_RAW_UINT8, 3);
    fw_open_background("TIFF_RAW_UINT8", 3);
    fw_add_slab("/data/N/DATA/c/00/00.tif", DATA, old, 20);
    fw_add_slab("/data/N/DATA/b/00/00.tif", DATA, cut, 20);
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(fw_put(DATA, 0, 0, 0, 96, 1), PYR_OK);
    CHECK_INT(fw_finish(0, 0, 0), PYR_OK);
    fw_check_tile("/new/DATA/c/00/00/00.tif", 4, 0, 96, 1);
    fw_check_tile("/new/DATA/c/00/00/00.tif", 4, 1, 96, 21);
    fw_check_constant("/new/DATA/c/00/00/00.tif", PYR_CODEC_RAW,
                      &fw.levels[0].shape, 4, 2, NODATA);
    fw_check_tile("/new/DATA/c/00/00/00.tif", 4, 3, 96, 23);
    CHECK_INT(fw_put(DATA, 1, 0, 0, 96, 1), PYR_OK);
    CHECK_INT(fw_finish(1, 0, 0), PYR_CORRUPT);
    CHECK_STR(fw.err.text, "slab /data/N/DATA/b/00/00.tif of the background: "
                           "tile 1: takes 95 bytes, expected 96");
    CHECK_INT(rok4_writer_count(fw.writer), 2);
    fw_end();
}

static void test_damaged_background(void)
{
    static const uint32_t old[] = {100, 50, 0, 31};
    fw_begin(ROK4_ZIP_UINT8, 3);
    fw_open_background("TIFF_ZIP_UINT8", 3);
    fw_add_slab("/data/N/DATA/c/00/00.tif", DATA, old, 20);
    files_find("/data/N/DATA/c/00/00.tif")->nbytes--;
    files_add("/data/N/DATA/c/00/10.tif", "short");
    files_add_broken("/data/N/DATA/c/00/20.tif", PYR_IO);
    CHECK_INT(fw_open(), PYR_OK);
    CHECK_INT(fw_put(DATA, 0, 0, 0, 7, 1), PYR_OK);
    CHECK_INT(fw_finish(0, 0, 0), PYR_CORRUPT);
    CHECK_STR(fw.err.text,
              "slab /data/N/DATA/c/00/00.tif of the background: tile 3: ends "
              "at byte 2287, the file has 2286 (truncated?)");
    CHECK_INT(fw_put(DATA, 0, 2, 0, 7, 1), PYR_OK);
    CHECK_INT(fw_finish(0, 1, 0), PYR_CORRUPT);
    CHECK_STR(fw.err.text, "slab /data/N/DATA/c/00/10.tif of the background: "
                           "index ends at byte 2080, the file has 5");
    CHECK_INT(fw_put(DATA, 0, 4, 0, 7, 1), PYR_OK);
    CHECK_INT(fw_finish(0, 2, 0), PYR_IO);
    CHECK_STR(fw.err.text, "slab /data/N/DATA/c/00/20.tif of the background: "
                           "cannot be opened");
    /* Slabs all of whose tiles are put do not need it. */
    for (uint32_t i = 0; i < 4; i++)
    {
        CHECK_INT(fw_put(DATA, 0, i % 2, i / 2, 7, 1), PYR_OK);
        CHECK_INT(fw_put(MASK, 0, i % 2, i / 2, 7, 1), PYR_OK);
    }
    CHECK_INT(fw_finish(0, 0, 0), PYR_OK);
    fw_end();
}

static void check_wrong(enum pyr_result expected, const char *text)
{
    fw.err.text[0] = '\0';
    CHECK_INT(fw_open(), expected);
    CHECK_STR(fw.err.text, text);
    fw_end();
}

static void test_wrong_options(void)
{
    fw_begin(ROK4_ZIP_UINT8, 3);
    fw.options.encoding.codec = PYR_CODEC_LZW;
    check_wrong(PYR_USAGE, "codec does not fit the format");
    fw_begin(ROK4_ZIP_UINT8, 3);
    fw.levels[1].shape.sample = PYR_SAMPLE_FLOAT32;
    check_wrong(PYR_USAGE, "level b: tiles do not fit the format");
    fw_begin(ROK4_RAW_UINT8, 3);
    fw.levels[0].tiles_per_width = 5000;
    fw.levels[0].tiles_per_height = 5000;
    check_wrong(PYR_LIMIT, "level c: slabs of 5000x5000 tiles, expected at "
                           "most 1048576 in one");
    fw_begin(ROK4_RAW_UINT8, 3);
    fw.levels[0].shape.width_px = fw.levels[0].shape.height_px = 512;
    fw.levels[0].tiles_per_width = 64;
    fw.levels[0].tiles_per_height = 64;
    check_wrong(PYR_LIMIT, "level c: slabs of 64x64 tiles take more than the "
                           "2147483647 bytes that readers of the format can "
                           "address");
    fw_begin(ROK4_ZIP_UINT8, 3);
    fw.levels[0].path_depth = 17;
    check_wrong(PYR_LIMIT, "level c: path depth is 17, expected 0 .. 16");
    fw_begin(ROK4_LZW_UINT8, 3);
    fw_open_background("TIFF_ZIP_UINT8", 3);
    check_wrong(PYR_USAGE, "level c: the background has another format or size "
                           "of slabs");
    fw_begin(ROK4_ZIP_UINT8, 3);
    fw_open_background("TIFF_ZIP_UINT8", 3);
    fw.levels[1].background_level = 2;
    check_wrong(PYR_USAGE, "level b: background level 2 does not exist");
}

/* Slabs of an interrupted run that are whole are not wanted again. */
static void test_resume(void)
{
    static const uint32_t sizes[] = {10, 20, 30, 40};
    static const uint32_t holes[] = {10, 0, 30, 40};
    const char *const path = "/new/DATA/c/00/00/00.tif";
    const char *const mask_path = "/new/MASK/c/00/00/00.tif";
    fw_begin(ROK4_ZIP_UINT8, 3);
    fw.options.resume = true;
    CHECK_INT(fw_open(), PYR_OK);
    CHECK(fw_wants(0, 0, 0));
    fw_add_slab(path, DATA, sizes, 1);
    CHECK(fw_wants(0, 0, 0));
    fw_add_slab(mask_path, MASK, sizes, 1);
    CHECK(!fw_wants(0, 0, 0));
    CHECK(fw_wants(1, 0, 0));
    /* Anything else than what would be written is not trusted. */
    files_find(mask_path)->nbytes--;
    CHECK(fw_wants(0, 0, 0));
    fw_add_slab(mask_path, MASK, holes, 1);
    CHECK(fw_wants(0, 0, 0));
    fw_add_slab(mask_path, DATA, sizes, 1); /* 3 bands */
    CHECK(fw_wants(0, 0, 0));
    fw_add_slab(mask_path, MASK, sizes, 1);
    files_find(path)->bytes[2048]++;
    CHECK(fw_wants(0, 0, 0));
    files_add(path, "short");
    CHECK(fw_wants(0, 0, 0));
    fw_close();
    fw.options.sparse = true;
    fw_add_slab(path, DATA, holes, 1);
    CHECK_INT(fw_open(), PYR_OK);
    CHECK(!fw_wants(0, 0, 0));
    fw_close();
    fw.levels[0].mask_place = NULL;
    fw.options.sparse = false;
    fw_add_slab(path, DATA, sizes, 1);
    CHECK_INT(fw_open(), PYR_OK);
    CHECK(!fw_wants(0, 0, 0));
    fw_end();
}

int main(void)
{
    RUN(test_whole_slab);
    RUN(test_nodata);
    RUN(test_raw);
    RUN(test_one_tile);
    RUN(test_nothing_put);
    RUN(test_masks);
    RUN(test_sparse);
    RUN(test_background);
    RUN(test_background_without_masks);
    RUN(test_raw_background);
    RUN(test_damaged_background);
    RUN(test_wrong_options);
    RUN(test_resume);
    return unit_report();
}
