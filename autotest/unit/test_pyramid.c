/* SPDX-License-Identifier: MIT */
/* Tests of opening a pyramid: what is loaded, what its sources say. */
#include "fake_descriptor.h"

static struct rok4_open_options options;
static struct descriptor descriptor;
static struct rok4_pyramid *pyramid;
static struct pyr_error err;

#define T_MATRIX(id, cell, side)                                               \
    "{\"id\":\"" id "\",\"cellSize\":" cell ",\"pointOfOrigin\":[0,64],"       \
    "\"tileWidth\":8,\"tileHeight\":4,\"matrixWidth\":" side                   \
    ",\"matrixHeight\":" side "}"
static const char TMS[] = "{\"crs\":\"EPSG:3857\",\"tileMatrices\":[" T_MATRIX(
    "a", "4", "4") "," T_MATRIX("b", "2", "8") "," T_MATRIX("c", "1",
                                                            "16") "]}";

static void begin(const char *format, unsigned channels)
{
    static const struct rok4_open_options usual = {.allow_outside = true};
    options = usual;
    files_clear();
    files_add("/data/T.json", TMS);
    descriptor_begin(&descriptor, "T", format, channels);
}

static enum pyr_result open_it(void)
{
    return descriptor_open(&descriptor, &options, &pyramid, &err);
}

static void test_what_is_loaded(void)
{
    begin("TIFF_ZIP_UINT8", 3);
    descriptor_add(&descriptor, "b", 1, 1, 3, 3, "");
    descriptor_add(&descriptor, "c", 2, 2, 7, 7, "");
    descriptor_add(&descriptor, "a", 0, 0, 1, 1, "");
    CHECK_INT(open_it(), PYR_OK);
    FILES_LOG("load /data/T.json\n");
    CHECK_STR(pyramid->path, "/data/N.json");
    CHECK_STR(pyramid->tms_path, "/data/T.json");
    CHECK_STR(pyramid->tms_text, TMS);
    CHECK(strncmp(pyramid->descriptor_text, descriptor.text,
                  strlen(descriptor.text)) == 0);
    CHECK(!pyramid->has_masks);
    CHECK_STR(rok4_pyramid_grid_level(pyramid, 0)->id, "c");
    CHECK_STR(rok4_pyramid_grid_level(pyramid, 2)->id, "a");
    rok4_pyramid_free(pyramid);
    rok4_pyramid_free(NULL);
}

static void test_built_in_tms(void)
{
    begin("TIFF_ZIP_UINT8", 3);
    descriptor_begin(&descriptor, "PM.json", "TIFF_ZIP_UINT8", 3);
    descriptor_add(&descriptor, "5", 1, 1, 3, 3, "");
    CHECK_INT(open_it(), PYR_OK);
    FILES_LOG("load /data/PM.json\nload /data/PM\n");
    CHECK_STR(pyramid->tms_path, "");
    CHECK_STR(pyramid->grid->crs, "EPSG:3857");
    rok4_pyramid_free(pyramid);
}

static void check_slab(enum rok4_plane plane, size_t level, uint32_t slab_col,
                       uint32_t slab_row, const char *expected)
{
    const struct pyr_source source = rok4_pyramid_source(pyramid, plane);
    char *path = NULL;
    const enum pyr_result result = source.path(source.user, (uint32_t)level,
                                               slab_col, slab_row, &path, &err);
    CHECK_INT(result, expected != NULL ? PYR_OK : PYR_NOT_FOUND);
    if (expected != NULL)
        CHECK_STR(path, expected);
    pyr_free(path);
}

static void test_slab_paths(void)
{
    begin("TIFF_PNG_UINT8", 4);
    descriptor_add(&descriptor, "a", 0, 0, 1, 1,
                   "\"type\":\"FILE\",\"path_depth\":0,"
                   "\"image_directory\":\"./D/\"");
    descriptor_add(
        &descriptor, "b", 1, 1, 3, 3,
        "\"type\":\"FILE\",\"path_depth\":2,"
        "\"image_directory\":\"/abs/b\",\"mask_directory\":\"m/b/\"");
    descriptor_add(&descriptor, "c", 2, 2, 7, 7,
                   "\"type\":\"FILE\",\"path_depth\":3,"
                   "\"image_directory\":\"../N/c\"");
    CHECK_INT(open_it(), PYR_OK);
    CHECK(pyramid->has_masks);
    check_slab(ROK4_PLANE_DATA, 0, 33, 22, "/data/../N/c/00/00/00/XM.tif");
    check_slab(ROK4_PLANE_DATA, 1, 33, 22, "/abs/b/00/00/XM.tif");
    check_slab(ROK4_PLANE_DATA, 2, 40, 3, "/data/D/1043.tif");
    check_slab(ROK4_PLANE_MASK, 0, 0, 0, NULL);
    check_slab(ROK4_PLANE_MASK, 1, 33, 22, "/data/m/b/00/00/XM.tif");
    rok4_pyramid_free(pyramid);

    options.storage_root = "/new";
    CHECK_INT(open_it(), PYR_OK);
    check_slab(ROK4_PLANE_DATA, 1, 0, 0, "/new/abs/b/00/00/00.tif");
    check_slab(ROK4_PLANE_MASK, 1, 0, 0, "/new/m/b/00/00/00.tif");
    rok4_pyramid_free(pyramid);
}

static void test_source_levels(void)
{
    begin("TIFF_RAW_FLOAT32", 2);
    descriptor_add(&descriptor, "c", 2, 3, 7, 9, "");
    CHECK_INT(open_it(), PYR_OK);
    const struct pyr_source data =
        rok4_pyramid_source(pyramid, ROK4_PLANE_DATA);
    const struct pyr_source mask =
        rok4_pyramid_source(pyramid, ROK4_PLANE_MASK);
    CHECK_INT(data.nlevels, 1);
    CHECK_INT(mask.nlevels, 1);
    CHECK_STR(data.levels[0].id, "c");
    CHECK_INT(data.levels[0].limits.min_col, 2);
    CHECK_INT(data.levels[0].limits.min_row, 3);
    CHECK_INT(data.levels[0].limits.max_col, 7);
    CHECK_INT(data.levels[0].limits.max_row, 9);
    CHECK_INT(data.levels[0].container_width_tiles, 2);
    CHECK_INT(data.levels[0].index.offset_bytes, 2048);
    CHECK_INT(data.levels[0].index.nbytes, 32);
    CHECK_INT(data.levels[0].shape.width_px, 8);
    CHECK_INT(data.levels[0].shape.height_px, 4);
    CHECK_INT(data.levels[0].shape.bands, 2);
    CHECK_INT(data.levels[0].shape.sample, PYR_SAMPLE_FLOAT32);
    CHECK_INT(mask.levels[0].shape.bands, 1);
    CHECK_INT(mask.levels[0].shape.sample, PYR_SAMPLE_UINT8);
    CHECK_INT(mask.levels[0].shape.width_px, 8);
    rok4_pyramid_free(pyramid);
}

/* Tiles of a slab count along rows. */
static void test_locate(void)
{
    uint8_t index[32] = {0};
    struct pyr_extent extent = {0, 0};
    begin("TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "c", 0, 0, 15, 15, "");
    CHECK_INT(open_it(), PYR_OK);
    const struct pyr_source source =
        rok4_pyramid_source(pyramid, ROK4_PLANE_DATA);
    for (uint8_t tile = 0; tile < 4; tile++)
    {
        index[4 * tile + 1] = 0x09;
        index[4 * tile] = (uint8_t)(16 * tile);
        index[16 + 4 * tile] = (uint8_t)(1 + tile);
    }
    for (uint32_t row = 4; row < 8; row++)
        for (uint32_t col = 6; col < 10; col++)
        {
            const uint32_t tile = row % 2 * 2 + col % 2;
            CHECK_INT(source.locate(source.user, 0, col, row, index, 9999,
                                    &extent, &err),
                      PYR_OK);
            CHECK_INT(extent.offset_bytes, 0x900 + 16 * tile);
            CHECK_INT(extent.nbytes, 1 + tile);
        }
    /* Twice the pixels and 64 KiB are enough for any tile. */
    index[18] = 2;
    CHECK_INT(
        source.locate(source.user, 0, 0, 0, index, 1 << 20, &extent, &err),
        PYR_LIMIT);
    rok4_pyramid_free(pyramid);
}

static void test_codecs(void)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n'};
    static const uint8_t zip[] = {0x78, 0x9c, 0, 0, 0, 0};
    begin("TIFF_PNG_UINT8", 1);
    descriptor_add(&descriptor, "c", 0, 0, 15, 15, "");
    CHECK_INT(open_it(), PYR_OK);
    const struct pyr_source data =
        rok4_pyramid_source(pyramid, ROK4_PLANE_DATA);
    const struct pyr_source mask =
        rok4_pyramid_source(pyramid, ROK4_PLANE_MASK);
    CHECK_INT(data.codec(data.user, png, sizeof png), PYR_CODEC_PNG);
    CHECK_INT(data.codec(data.user, zip, sizeof zip), PYR_CODEC_DEFLATE);
    CHECK_INT(data.codec(data.user, png, 4), PYR_CODEC_DEFLATE);
    CHECK_INT(mask.codec(mask.user, zip, sizeof zip), PYR_CODEC_DEFLATE);
    rok4_pyramid_free(pyramid);

    begin("TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "c", 0, 0, 15, 15, "");
    CHECK_INT(open_it(), PYR_OK);
    const struct pyr_source raw = rok4_pyramid_source(pyramid, ROK4_PLANE_DATA);
    CHECK_INT(raw.codec(raw.user, png, sizeof png), PYR_CODEC_RAW);
    rok4_pyramid_free(pyramid);
}

/* Objects are named by column and row, FILE slabs by their path. */
static void test_objects(void)
{
    char *path = NULL;
    begin("TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "c", 0, 0, 15, 15,
                   "\"type\":\"S3\",\"bucket_name\":\"b\","
                   "\"image_prefix\":\"N/DATA_c\"");
    CHECK_INT(open_it(), PYR_OK);
    CHECK_INT(rok4_pyramid_slab_path(pyramid, ROK4_PLANE_DATA, 0, 3, 2, &path),
              PYR_OK);
    CHECK_STR(path, "/vsis3/b/N/DATA_c_3_2");
    pyr_free(path);
    CHECK_INT(rok4_pyramid_slab_path(pyramid, ROK4_PLANE_MASK, 0, 3, 2, &path),
              PYR_NOT_FOUND);
    rok4_pyramid_free(pyramid);
}

static void check_refused(enum pyr_result expected, const char *message)
{
    CHECK_INT(open_it(), expected);
    CHECK_STR(err.text, message);
}

static void test_refused(void)
{
    begin("TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "c", 0, 0, 15, 15,
                   "\"type\":\"S3\",\"bucket_name\":\"b/c\","
                   "\"image_prefix\":\"N/DATA_c\"");
    check_refused(PYR_CORRUPT, "level c: bucket_name is 'b/c', which cannot be "
                               "one");

    begin("TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "z", 0, 0, 15, 15, "");
    check_refused(PYR_CORRUPT, "with tile matrix set T: level id 'z' is not in "
                               "the tile matrix set");

    begin("TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "c", 0, 0, 15, 15,
                   "\"type\":\"FILE\",\"path_depth\":2,"
                   "\"image_directory\":\"/vsimem/c\"");
    CHECK_INT(open_it(), PYR_UNSUPPORTED);
    CHECK(strncmp(err.text, "level c: directory /vsimem/c", 28) == 0);

    begin("TIFF_RAW_UINT8", 1);
    options.allow_outside = false;
    descriptor_add(&descriptor, "c", 0, 0, 15, 15,
                   "\"type\":\"FILE\",\"path_depth\":2,"
                   "\"image_directory\":\"N\",\"mask_directory\":\"../N\"");
    CHECK_INT(open_it(), PYR_UNSUPPORTED);
    CHECK(strncmp(err.text, "level c: directory /data/../N", 29) == 0);

    begin("TIFF_RAW_UINT8", 1);
    files_clear();
    files_add("/data/T.json", "{}");
    descriptor_add(&descriptor, "c", 0, 0, 15, 15, "");
    CHECK_INT(open_it(), PYR_CORRUPT);
    CHECK(strncmp(err.text, "tile matrix set /data/T.json: ", 30) == 0);

    begin("TIFF_RAW_UINT8", 1);
    CHECK_INT(open_it(), PYR_CORRUPT);
    FILES_LOG("");
}

static void test_no_memory(void)
{
    enum pyr_result result = PYR_NOMEM;
    unsigned long nth = 0;
    begin("TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "b", 1, 1, 3, 3, "");
    descriptor_add(&descriptor, "c", 0, 0, 15, 15,
                   "\"type\":\"FILE\",\"path_depth\":2,"
                   "\"image_directory\":\"N\",\"mask_directory\":\"M\"");
    while (result != PYR_OK && nth++ < 2000)
    {
        pyr_alloc_fail_nth(nth);
        result = open_it();
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        rok4_pyramid_free(pyramid);
    }
    CHECK_INT(result, PYR_OK);
    CHECK(nth > 20);
}

int main(void)
{
    RUN(test_what_is_loaded);
    RUN(test_built_in_tms);
    RUN(test_slab_paths);
    RUN(test_source_levels);
    RUN(test_locate);
    RUN(test_codecs);
    RUN(test_objects);
    RUN(test_refused);
    RUN(test_no_memory);
    files_clear();
    return unit_report();
}
