/* SPDX-License-Identifier: MIT */
/* Tests of cogx_json and cogx_tms: texts that JSON readers, GDAL and pyr_grid
 * take, whatever the file holds. */
#include "cogx_codec.h"
#include "cogx_json.h"
#include "cogx_names.h"
#include "cogx_tms.h"
#include "fake_cog.h"
#include "pyr_grid.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

static struct pyr_error err;
static struct cogx_tiff *file;
static struct fake_cog cog;
static struct cogx_verdict verdict;
static char *text;

static void reopen(void)
{
    cogx_tiff_free(file);
    err.text[0] = '\0';
    CHECK_INT(open_cog(&file, &err), PYR_OK);
}

static void make(bool big_endian, bool masks)
{
    const struct fake_cog none = {0};
    cog = none;
    cog.big_endian = big_endian;
    cog.masks = masks;
    make_cog(&cog);
    reopen();
}

static void get_ifds(void)
{
    pyr_free(text);
    text = NULL;
    CHECK_INT(cogx_json_ifds(file, &text, &err), PYR_OK);
}

static void get_cog(void)
{
    const struct cogx_validate_options options = {true, false, false, false};
    pyr_free(text);
    text = NULL;
    CHECK_INT(cogx_validate(file, &options, &verdict, &err), PYR_OK);
    CHECK_INT(cogx_json_cog(file, &verdict, &text, &err), PYR_OK);
}

/* Is there, in a text that is JSON. */
static void check_has(const char *part)
{
    struct pyr_json *json = NULL;
    struct pyr_json_node root;
    if (text == NULL)
        return;
    CHECK_INT(pyr_json_parse(text, strlen(text), &json, &root, &err), PYR_OK);
    pyr_json_free(json);
    if (strstr(text, part) == NULL)
        CHECK_STR(text, part);
}

static void test_cog(void)
{
    make(false, true);
    get_cog();
    check_has("{\"valid\":true,\"strict\":false,\"full_check\":true,"
              "\"error_count\":0,\"warning_count\":0,\"errors\":[],"
              "\"warnings\":[],\"header_size\":");
    check_has("\"structural_metadata\":{\"LAYOUT\":\"IFDS_BEFORE_DATA\","
              "\"BLOCK_ORDER\":\"ROW_MAJOR\","
              "\"BLOCK_LEADER\":\"SIZE_AS_UINT4\","
              "\"BLOCK_TRAILER\":\"LAST_4_BYTES_REPEATED\","
              "\"KNOWN_INCOMPATIBLE_EDITION\":\"NO\","
              "\"MASK_INTERLEAVED_WITH_IMAGERY\":\"YES\"}");
    check_has("{\"decimation\":2,\"width\":32,\"height\":24,\"tiled\":true,"
              "\"tile_width\":16,\"tile_height\":16,\"bands\":1,"
              "\"bits_per_sample\":8,\"compression\":\"NONE\",\"predictor\":1,"
              "\"tile_count\":4,\"sparse_count\":0,\"min_bytes\":32,"
              "\"mean_bytes\":32,\"max_bytes\":32,\"total_bytes\":128,"
              "\"mask\":{\"width\":32,\"height\":24,\"tiled\":true,");
    maker.bytes[maker.nbytes - 1] ^= 1;
    get_cog();
    check_has("{\"valid\":false,\"strict\":false,\"full_check\":true,"
              "\"error_count\":1,\"warning_count\":0,\"errors\":[{\"rule\":"
              "\"tile-trailer\",\"text\":\"mask of full resolution: tile (3, "
              "2) is not followed by its last 4 bytes\"}],\"warnings\":[]");
    cog.no_structure = true;
    make_cog(&cog);
    reopen();
    get_cog();
    check_has("\"structural_metadata\":null");
}

static void test_compressions(void)
{
    char name[COGX_COMPRESSION_BYTES];
    static const char *const names[] = {"LERC", "LERC_DEFLATE", "LERC_ZSTD"};
    static const char *const further[] = {"0", "1", "2"};
    for (int i = 0; i < 6; i++)
    {
        make(i % 2 != 0, false);
        cog.lerc = further[i / 2];
        make_cog(&cog);
        reopen();
        CHECK_INT(cogx_compression_of(file, &file->levels[0].image, name, &err),
                  PYR_OK);
        CHECK_STR(name, names[i / 2]);
    }
    struct cogx_raster raster = file->levels[1].image;
    raster.compression = 50001;
    CHECK_INT(cogx_compression_of(file, &raster, name, &err), PYR_OK);
    CHECK_STR(name, "WEBP");
    raster.compression = 12345;
    CHECK_INT(cogx_compression_of(file, &raster, name, &err), PYR_OK);
    CHECK_STR(name, "12345");
}

static void test_ifds(void)
{
    for (int big_endian = 0; big_endian < 2; big_endian++)
    {
        make(big_endian != 0, true);
        get_ifds();
        check_has(big_endian
                      ? "{\"byte_order\":\"big\",\"big_tiff\":false,"
                      : "{\"byte_order\":\"little\",\"big_tiff\":false,");
        check_has("\"level\":0,\"mask\":false,\"tags\":[{\"code\":254,\"name\":"
                  "\"NewSubfileType\",\"type\":\"LONG\",\"count\":1,\"value\":"
                  "0},{\"code\":256,\"name\":\"ImageWidth\",\"type\":\"SHORT\","
                  "\"count\":1,\"value\":64}");
        check_has("{\"code\":42113,\"name\":\"GDAL_NODATA\",\"type\":\"ASCII\","
                  "\"count\":2,\"value\":\"0\"}");
        check_has("\"level\":1,\"mask\":true,");
        check_has("\"name\":\"TileByteCounts\",\"type\":\"LONG\",\"count\":4,"
                  "\"value\":[32,32,32,32]");
    }
}

/* A directory with values of one type, of count numbers from 64 bytes on. */
static void make_value(bool big_endian, unsigned type, unsigned count,
                       const uint8_t *value, size_t nbytes)
{
    begin(false, big_endian);
    const size_t at = maker.nbytes;
    memcpy(maker.bytes + at, value, nbytes);
    maker.nbytes += nbytes > 8 ? nbytes : 8;
    begin_dir(first_link(), 7);
    add_tag(256, 3, 1, 20, 2);
    add_tag(257, 3, 1, 20, 2);
    add_tag(273, 4, 1, 100, 4);
    add_tag(278, 3, 1, 20, 2);
    add_tag(279, 4, 1, 100, 4);
    if (nbytes > 4)
        add_tag(60000, type, count, at, 4);
    else
    {
        add_tag(60000, type, count, 0, 4);
        memcpy(maker.bytes + maker.nbytes - 4, value, nbytes);
    }
    add_tag(60001, 99, 1, 0, 4);
    add(0, 4);
    reopen();
    get_ifds();
}

static void test_types(void)
{
    static const uint8_t ones[16] = {255, 255, 255, 255, 255, 255, 255, 255,
                                     255, 255, 255, 255, 255, 255, 255, 255};
    make_value(false, 1, 2, ones, 2);
    check_has("\"name\":\"60000\",\"type\":\"BYTE\",\"count\":2,\"value\":"
              "[255,255]}");
    check_has("{\"code\":60001,\"name\":\"60001\",\"type\":\"99\",\"count\":1,"
              "\"error\":\"tag 60001 has the unknown type 99\"}");
    make_value(false, 6, 1, ones, 1);
    check_has("\"type\":\"SBYTE\",\"count\":1,\"value\":-1}");
    make_value(true, 3, 1, ones, 2);
    check_has("\"type\":\"SHORT\",\"count\":1,\"value\":65535}");
    make_value(false, 8, 1, ones, 2);
    check_has("\"value\":-1}");
    make_value(false, 4, 1, ones, 4);
    check_has("\"value\":4294967295}");
    make_value(false, 9, 2, ones, 8);
    check_has("\"value\":[-1,-1]}");
    make_value(false, 16, 1, ones, 8);
    check_has("\"value\":18446744073709551615}");
    make_value(false, 17, 1, ones, 8);
    check_has("\"value\":-1}");
    make_value(false, 11, 1, ones, 4);
    check_has("\"type\":\"FLOAT\",\"count\":1,\"value\":\"nan\"}");
}

static void test_fractions(void)
{
    static const uint8_t half[16] = {1, 0, 0, 0, 2, 0, 0, 0,
                                     0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t by_zero[8] = {255, 255, 255, 255, 0, 0, 0, 0};
    static const uint8_t third[8] = {0x3F, 0xD5, 0x55, 0x55,
                                     0x55, 0x55, 0x55, 0x55};
    make_value(false, 5, 2, half, 16);
    check_has("\"type\":\"RATIONAL\",\"count\":2,\"value\":[0.5,\"nan\"]}");
    make_value(false, 10, 1, by_zero, 8);
    check_has("\"type\":\"SRATIONAL\",\"count\":1,\"value\":\"-inf\"}");
    make_value(true, 12, 1, third, 8);
    check_has("\"type\":\"DOUBLE\",\"count\":1,\"value\":0.3333333333333333");
    make_value(true, 5, 1, half, 8);
    check_has("\"value\":0.5}");
}

static void check_text(const char *value, size_t nbytes, const char *expected)
{
    char part[128];
    (void)snprintf(part, sizeof part, "\"value\":%s}", expected);
    make_value(false, 2, (unsigned)nbytes, (const uint8_t *)value, nbytes);
    check_has(part);
}

static void test_texts(void)
{
    check_text("plain", 6, "\"plain\"");
    check_text("plain", 5, "\"plain\"");
    check_text("a\0b\0", 4, "[\"a\",\"b\"]");
    check_text("a\0\0bc", 6, "[\"a\",\"\",\"bc\"]");
    check_text("", 1, "\"\"");
    check_text("\0\0\0\0\0\0", 6, "\"\"");
    check_text("q\"\\\n", 5, "\"q\\\"\\\\\\u000a\"");
    check_text("\xC3\xA9t\xC3\xA9", 6, "\"\xC3\xA9t\xC3\xA9\"");
    check_text("\xE9t\xE9 12", 7, "\"\xC3\xA9t\xC3\xA9 12\"");
    /* Half a character, one that is too long, half of a pair, too far. */
    check_text("abcde\xC3", 6, "\"abcde\xC3\x83\"");
    check_text("abcd\xC0\x80", 6, "\"abcd\xC3\x80\xC2\x80\"");
    check_text("abc\xED\xA0\x80", 6, "\"abc\xC3\xAD\xC2\xA0\xC2\x80\"");
    check_text("ab\xF4\x90\x80\x80", 6,
               "\"ab\xC3\xB4\xC2\x90\xC2\x80\xC2\x80\"");
    check_text("ab\xF0\x9F\x8C\x8D", 6, "\"ab\xF0\x9F\x8C\x8D\"");
}

static void test_long_values(void)
{
    static uint8_t many[40000];
    memset(many, 'a', sizeof many);
    make_value(false, 7, 65, many, 65);
    check_has("\"type\":\"UNDEFINED\",\"count\":65,\"truncated\":true,"
              "\"value\":[97,97,");
    make_value(false, 7, 64, many, 64);
    check_has("\"type\":\"UNDEFINED\",\"count\":64,\"value\":[97,97,");
    make_value(false, 2, 40000, many, 40000);
    check_has("\"type\":\"ASCII\",\"count\":40000,\"truncated\":true,"
              "\"value\":\"aaaa");
    CHECK(strlen(text) < 20000 && strlen(text) > 16384);
}

/* Thousands of directories and tags: the text stays within bounds. */
static void test_huge(void)
{
    enum
    {
        NDIRS = 15,
        NTAGS = 4096,
        DIR_BYTES = 2 + 12 * NTAGS + 4
    };
    static uint8_t bytes[8 + NDIRS * DIR_BYTES];
    memcpy(bytes, "II*\0\x08\0\0\0", 8);
    for (size_t i = 0; i < NDIRS; i++)
    {
        uint8_t *const dir = bytes + 8 + i * DIR_BYTES;
        const size_t next = i + 1 < NDIRS ? 8 + (i + 1) * DIR_BYTES : 0;
        dir[1] = NTAGS >> 8;
        for (size_t k = 0; k < NTAGS; k++)
        {
            uint8_t *const tag = dir + 2 + 12 * k;
            const unsigned codes[] = {256, 257, 273, 278, 279};
            const unsigned code = k < 5 ? codes[k] : 60000;
            tag[0] = (uint8_t)code;
            tag[1] = (uint8_t)(code >> 8);
            tag[2] = 4;
            tag[4] = k < 5 ? 1 : 64;
            tag[8] = 20;
        }
        for (size_t k = 0; k < 4; k++)
            dir[DIR_BYTES - 4 + k] = (uint8_t)(next >> (8 * k));
    }
    struct pyr_tiff_memory memory = {bytes, sizeof bytes};
    const struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
    cogx_tiff_free(file);
    file = NULL;
    CHECK_INT(cogx_tiff_open(&reader, &file, &err), PYR_OK);
    if (file == NULL)
        return;
    get_ifds();
    check_has("\"truncated\":true}]}],\"truncated\":true}");
    CHECK(strlen(text) > PYR_MAX_JSON_BYTES / 2);
    cogx_tiff_free(file);
    file = NULL;
}

static struct cogx_tms_place place(void)
{
    const struct cogx_tms_place here = {
        "set", "EPSG:2154", 1, {700000, 0.5, 0, 6600000, 0, -0.5}};
    return here;
}

static enum pyr_result get_tms(const struct cogx_tms_place *where)
{
    pyr_free(text);
    text = NULL;
    return cogx_tms_json(file, where, &text, &err);
}

static void test_tms(void)
{
    struct cogx_tms_place where = place();
    struct pyr_grid *grid = NULL;
    make(false, true);
    CHECK_INT(get_tms(&where), PYR_OK);
    check_has("\"tileMatrices\":[{\"id\":\"0\",\"identifier\":\"0\","
              "\"scaleDenominator\":3571.4285714285716,\"cellSize\":1,"
              "\"cornerOfOrigin\":\"topLeft\",\"pointOfOrigin\":"
              "[700000,6600000],\"topLeftCorner\":[700000,6600000],"
              "\"tileWidth\":16,\"tileHeight\":16,\"matrixWidth\":2,"
              "\"matrixHeight\":2},{\"id\":\"1\",");
    check_has("\"lowerCorner\":[700000,6599976],\"upperCorner\":"
              "[700032,6600000]");
    CHECK_INT(pyr_grid_parse(text, strlen(text), &grid, &err), PYR_OK);
    if (grid == NULL)
        return;
    CHECK_STR(grid->crs, "EPSG:2154");
    CHECK_INT(grid->nlevels, 2);
    CHECK_STR(grid->levels[0].id, "1");
    CHECK_INT(grid->levels[0].matrix_width, 4);
    CHECK_INT(grid->levels[0].matrix_height, 3);
    CHECK(fabs(grid->levels[0].cell_size - 0.5) < 1e-12);
    CHECK_INT(pyr_grid_kind_of(grid), PYR_GRID_QUADTREE);
    pyr_grid_free(grid);
}

static void check_no_tms(const struct cogx_tms_place *where,
                         const char *expected)
{
    CHECK_INT(get_tms(where), PYR_UNSUPPORTED);
    CHECK_STR(err.text, expected);
}

static void test_no_tms(void)
{
    static const double wrong[][6] = {{0, 1, 0.1, 0, 0, -1},
                                      {0, 1, 0, 0, 0.1, -1},
                                      {0, 1, 0, 0, 0, 1},
                                      {0, -1, 0, 0, 0, -1},
                                      {0, 0, 0, 0, 0, 0}};
    struct cogx_tms_place where = place();
    make(false, false);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    {
        memcpy(where.geotransform, wrong[i], sizeof wrong[i]);
        check_no_tms(&where, "is not north-up, which a tile matrix set has to "
                             "be");
    }
    where = place();
    where.geotransform[5] = -0.5001;
    check_no_tms(&where, "has pixels that are no squares, which those of a "
                         "tile matrix set have to be");
    where.geotransform[0] = NAN;
    check_no_tms(&where, "has no place on a map");
    where = place();
    make_value(false, 1, 1, (const uint8_t *)"", 1);
    check_no_tms(&where, "has a level that is not tiled");
}

static void check_decimation(uint32_t fine_width, uint32_t fine_height,
                             uint32_t width, uint32_t height, double expected)
{
    struct cogx_tiff *const sizes = calloc(1, sizeof *sizes);
    if (sizes == NULL)
        exit(1);
    sizes->nlevels = 2;
    sizes->levels[0].image.width_px = fine_width;
    sizes->levels[0].image.height_px = fine_height;
    sizes->levels[1].image.width_px = width;
    sizes->levels[1].image.height_px = height;
    CHECK(fabs(cogx_decimation_of(sizes, 1) - expected) < 1e-12);
    CHECK(fabs(cogx_decimation_of(sizes, 0) - 1) < 1e-12);
    free(sizes);
}

static void test_decimations(void)
{
    check_decimation(1000, 700, 500, 350, 2);
    check_decimation(1001, 701, 500, 350, 2);
    check_decimation(1001, 701, 501, 351, 2);
    check_decimation(1001, 701, 31, 21, 32); /* five times halved, downwards */
    check_decimation(1001, 701, 32, 22, 32);
    check_decimation(1000, 10, 125, 1, 8);
    check_decimation(1000, 3, 125, 1, 8);
    check_decimation(900, 600, 300, 200, 3);
    check_decimation(1000, 1000, 400, 400, 2.5);
    check_decimation(10, 10, 20, 20, 0.5);
    check_decimation(1, 1, 1, 1, 1);
    check_decimation(INT32_MAX, INT32_MAX, 1, 1, 1073741824);
    check_decimation(5, 5, INT32_MAX, 1, 5.0 / INT32_MAX);
}

static void test_names(void)
{
    CHECK_STR(cogx_tag_name(254), "NewSubfileType");
    CHECK_STR(cogx_tag_name(34735), "GeoKeyDirectory");
    CHECK_STR(cogx_tag_name(50909), "GEO_METADATA");
    CHECK(cogx_tag_name(1) == NULL);
    CHECK_STR(cogx_type_name(13), "IFD");
    CHECK(cogx_type_name(14) == NULL);
    CHECK_STR(cogx_compression_name(8), "DEFLATE");
    CHECK(cogx_compression_name(0) == NULL);
}

/* What is given out for each failure: nothing, and no memory is lost. */
static void test_failing_allocations(void)
{
    struct cogx_tms_place where = place();
    unsigned failed = 0;
    make(false, true);
    get_cog();
    pyr_free(text);
    text = NULL;
    for (unsigned long nth = 1; nth < 60; nth++)
        for (int kind = 0; kind < 3; kind++)
        {
            pyr_alloc_fail_nth(nth);
            const enum pyr_result result =
                kind == 0   ? cogx_json_ifds(file, &text, &err)
                : kind == 1 ? cogx_json_cog(file, &verdict, &text, &err)
                            : cogx_tms_json(file, &where, &text, &err);
            pyr_alloc_fail_nth(0);
            CHECK(result == PYR_OK || result == PYR_NOMEM);
            CHECK((result == PYR_OK) == (text != NULL));
            failed += result == PYR_NOMEM;
            pyr_free(text);
            text = NULL;
        }
    CHECK(failed > 50 && failed < 3 * 59);
}

static void test_failing_reader(void)
{
    struct cog_reader user = {0, 0};
    struct cogx_tiff *opened = NULL;
    make(false, true);
    const struct pyr_tiff_reader reader = {&user, maker.nbytes, cog_read};
    CHECK_INT(cogx_tiff_open(&reader, &opened, &err), PYR_OK);
    if (opened == NULL)
        return;
    for (int kind = 0; kind < 2; kind++)
        for (unsigned nth = 1; nth <= 8; nth++)
        {
            user.ncalls = 0;
            user.failing_call = nth;
            CHECK_INT(kind == 0 ? cogx_json_ifds(opened, &text, &err)
                                : cogx_json_cog(opened, &verdict, &text, &err),
                      PYR_IO);
            CHECK(strstr(err.text, "no connection") != NULL);
            CHECK(text == NULL);
        }
    cogx_tiff_free(opened);
}

int main(void)
{
    RUN(test_cog);
    RUN(test_compressions);
    RUN(test_ifds);
    RUN(test_types);
    RUN(test_fractions);
    RUN(test_texts);
    RUN(test_long_values);
    RUN(test_huge);
    RUN(test_tms);
    RUN(test_no_tms);
    RUN(test_decimations);
    RUN(test_names);
    RUN(test_failing_allocations);
    RUN(test_failing_reader);
    pyr_free(text);
    cogx_tiff_free(file);
    return unit_report();
}
