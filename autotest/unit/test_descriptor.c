/* SPDX-License-Identifier: MIT */
/* Tests of rok4_descriptor_parse: what is taken, what is refused, and why. */
#include "pyr_alloc.h"
#include "rok4_descriptor.h"
#include "unit.h"

#include <stdlib.h>

#define LEVEL                                                                  \
    "{\"id\":\"5\",\"tiles_per_width\":4,\"tiles_per_height\":2,"              \
    "\"tile_limits\":{\"min_row\":44,\"max_row\":47,\"min_col\":65,"           \
    "\"max_col\":68},\"storage\":{\"type\":\"FILE\",\"path_depth\":2,"         \
    "\"image_directory\":\"p/DATA/5\"}}"
#define SPECS                                                                  \
    "{\"channels\":3,\"nodata\":\"255,254,-3\",\"photometric\":\"rgb\","       \
    "\"interpolation\":\"bicubic\"}"
#define DESCRIPTOR                                                             \
    "{\"tile_matrix_set\":\"T64\",\"format\":\"TIFF_ZIP_UINT8\","              \
    "\"raster_specifications\":" SPECS ",\"levels\":[" LEVEL "]}"
#define WITH_MASK "\"mask_directory\":\"p/MASK/5\",\"type\":\"FILE\""

static struct rok4_descriptor *descriptor;
static struct pyr_error err;

static enum pyr_result parse(const char *text)
{
    enum pyr_result result;
    descriptor = NULL;
    err.text[0] = '\0';
    result = rok4_descriptor_parse(text, strlen(text), &descriptor, &err);
    CHECK(result == PYR_OK || descriptor == NULL);
    return result;
}

/* Parses DESCRIPTOR with its first from replaced by to. */
static enum pyr_result parse_with(const char *from, const char *to)
{
    const char *at = strstr(DESCRIPTOR, from);
    const size_t nbytes = strlen(DESCRIPTOR) + strlen(to) + 1;
    char *text = malloc(nbytes);
    enum pyr_result result;
    if (!at || !text)
        abort();
    (void)snprintf(text, nbytes, "%.*s%s%s", (int)(at - DESCRIPTOR), DESCRIPTOR,
                   to, at + strlen(from));
    result = parse(text);
    free(text);
    return result;
}

static void refused_as(enum pyr_result expected, const char *from,
                       const char *to, const char *message)
{
    CHECK_INT(parse_with(from, to), expected);
    CHECK_STR(err.text, message);
    rok4_descriptor_free(descriptor);
}

static void refused(const char *from, const char *to, const char *message)
{
    refused_as(PYR_CORRUPT, from, to, message);
}

/* The caller frees the descriptor. */
static bool taken(const char *from, const char *to)
{
    const bool ok = parse_with(from, to) == PYR_OK;
    CHECK_STR(err.text, "");
    return ok;
}

static void accepted(const char *from, const char *to)
{
    CHECK(taken(from, to));
    rok4_descriptor_free(descriptor);
}

static void test_members(void)
{
    const struct rok4_level *level;
    CHECK_INT(parse(DESCRIPTOR), PYR_OK);
    CHECK_STR(descriptor->tms_name, "T64");
    CHECK_INT(descriptor->format, ROK4_ZIP_UINT8);
    CHECK_INT(descriptor->channels, 3);
    CHECK_INT(descriptor->nodata[0], 255);
    CHECK_INT(descriptor->nodata[1], 254);
    CHECK_INT(descriptor->nodata[2], -3);
    CHECK_INT(descriptor->photometric, ROK4_PHOTOMETRIC_RGB);
    CHECK_STR(descriptor->interpolation, "bicubic");
    CHECK_INT(descriptor->nlevels, 1);
    level = &descriptor->levels[0];
    CHECK_STR(level->id, "5");
    CHECK_INT(level->tiles_per_width, 4);
    CHECK_INT(level->tiles_per_height, 2);
    CHECK_INT(level->written_limits[0], 65);
    CHECK_INT(level->written_limits[1], 44);
    CHECK_INT(level->written_limits[2], 68);
    CHECK_INT(level->written_limits[3], 47);
    CHECK_INT(level->storage, ROK4_STORAGE_FILE);
    CHECK_INT(level->path_depth, 2);
    CHECK_STR(level->image_place, "p/DATA/5");
    CHECK(level->mask_place == NULL && level->tray == NULL);
    rok4_descriptor_free(descriptor);
    rok4_descriptor_free(NULL);
    accepted("{\"tile", "{\"extra\":{\"levels\":3},\"tile");
    accepted("{\"id\"", "{\"tables\":7,\"Id\":4,\"id\"");
    accepted("{\"channels\"", "{\"bits\":8,\"channels\"");
    CHECK_INT(parse("{\"tile"), PYR_CORRUPT);
    CHECK_INT(parse("[]"), PYR_CORRUPT);
}

static void test_tms_name(void)
{
    char name[PYR_MAX_NAME_BYTES + 20];
    CHECK(taken("T64", "T64.json"));
    CHECK_STR(descriptor->tms_name, "T64");
    rok4_descriptor_free(descriptor);
    CHECK(taken("T64", "a b.json.json"));
    CHECK_STR(descriptor->tms_name, "a b.json");
    rok4_descriptor_free(descriptor);
    memset(name, 'n', sizeof name);
    memcpy(name + PYR_MAX_NAME_BYTES, ".json", 6);
    accepted("T64", name);
    memcpy(name + PYR_MAX_NAME_BYTES, "n", 2);
    CHECK_INT(parse_with("T64", name), PYR_CORRUPT);
    memcpy(name + PYR_MAX_NAME_BYTES, "123456", 7);
    CHECK_INT(parse_with("T64", name), PYR_LIMIT);

    refused("\"tile_matrix_set\":\"T64\",", "", "tile_matrix_set is missing");
    refused("\"T64\"", "64", "tile_matrix_set is a number, expected a string");
    refused("T64", "",
            "tile_matrix_set is '', expected the name of a tile matrix set");
    refused("T64", ".json",
            "tile_matrix_set is '.json', expected the name of a tile matrix "
            "set");
    refused("T64", "../PM",
            "tile_matrix_set is '../PM', expected the name of a tile matrix "
            "set");
    CHECK_INT(parse_with("T64", "."), PYR_CORRUPT);
    CHECK_INT(parse_with("T64", ".."), PYR_CORRUPT);
    CHECK_INT(parse_with("T64", "...json"), PYR_CORRUPT);
    CHECK_INT(parse_with("T64", "a\\nb"), PYR_CORRUPT);
    CHECK_INT(parse_with("T64", "T64\\u0000"), PYR_CORRUPT);
}

static void test_format(void)
{
    CHECK(taken("TIFF_ZIP_UINT8", "TIFF_JPG90_UINT8"));
    CHECK_INT(descriptor->format, ROK4_JPG90_UINT8);
    rok4_descriptor_free(descriptor);
    refused_as(PYR_UNSUPPORTED, "TIFF_ZIP_UINT8", "TIFF_ZIP_UINT16",
               "format is 'TIFF_ZIP_UINT16', expected " ROK4_RASTER_FORMATS);
    refused_as(PYR_UNSUPPORTED, "TIFF_ZIP_UINT8", "tiff_zip_uint8",
               "format is 'tiff_zip_uint8', expected " ROK4_RASTER_FORMATS);
    refused("\"format\":\"TIFF_ZIP_UINT8\",", "", "format is missing");
    refused("\"TIFF_ZIP_UINT8\"", "{}",
            "format is an object, expected a string");
    /* A vector pyramid is told apart before anything else is asked for. */
    refused_as(PYR_UNSUPPORTED, "TIFF_ZIP_UINT8", "TIFF_PBF_MVT",
               "format is TIFF_PBF_MVT: this is a vector pyramid, expected a "
               "raster one");
    CHECK_INT(parse("{\"format\":\"TIFF_PBF_MVT\"}"), PYR_UNSUPPORTED);
    CHECK(strstr(err.text, "vector pyramid") != NULL);
}

static void test_raster_specifications(void)
{
    refused("\"raster_specifications\":" SPECS ",", "",
            "raster_specifications is missing");
    refused(SPECS, "[]",
            "raster_specifications is an array, expected an object");
    refused("\"channels\":3,", "", "raster_specifications.channels is missing");
    refused("\"channels\":3", "\"channels\":\"3\"",
            "raster_specifications.channels is a string, expected a number");
    refused("\"channels\":3", "\"channels\":0",
            "raster_specifications.channels is 0, expected 1 .. 4");
    refused("\"channels\":3", "\"channels\":5",
            "raster_specifications.channels is 5, expected 1 .. 4");
    refused("\"channels\":3", "\"channels\":-1",
            "raster_specifications.channels is -1, expected 1 .. 4");
    refused("\"channels\":3", "\"channels\":2.5",
            "raster_specifications.channels is 2.5, expected a whole number");
    CHECK_INT(parse_with("\"channels\":3", "\"channels\":1e300"), PYR_CORRUPT);
    accepted("\"channels\":3", "\"channels\":3.0");

    refused(",\"photometric\":\"rgb\"", "",
            "raster_specifications.photometric is missing");
    refused("\"rgb\"", "4",
            "raster_specifications.photometric is a number, expected a string");
    refused_as(PYR_UNSUPPORTED, "\"rgb\"", "\"cmyk\\n\"",
               "raster_specifications.photometric is 'cmyk?', expected gray, "
               "rgb or mask");
    CHECK(taken("\"rgb\"", "\"Gray\""));
    CHECK_INT(descriptor->photometric, ROK4_PHOTOMETRIC_GRAY);
    rok4_descriptor_free(descriptor);

    CHECK(taken(",\"interpolation\":\"bicubic\"", ""));
    CHECK(descriptor->interpolation == NULL);
    rok4_descriptor_free(descriptor);
    CHECK(taken("\"bicubic\"", "7"));
    CHECK(descriptor->interpolation == NULL);
    rok4_descriptor_free(descriptor);
}

static void check_nodata(const char *written, int first, int second, int third)
{
    CHECK(taken("\"255,254,-3\"", written));
    CHECK_INT(descriptor->nodata[0], first);
    CHECK_INT(descriptor->nodata[1], second);
    CHECK_INT(descriptor->nodata[2], third);
    rok4_descriptor_free(descriptor);
}

static void test_nodata(void)
{
    check_nodata("\"1,2,3,4,x\"", 1, 2, 3);
    check_nodata("\"1.7,x,\"", 1, 0, 0);
    check_nodata("\",,\"", 0, 0, 0);
    check_nodata("\" +5,\\t-6,7 8\"", 5, -6, 7);
    check_nodata("\"--1,+-2,- 3\"", 0, 0, 0);
    check_nodata("\"2147483647,-2147483648,0x10\"", INT32_MAX, INT32_MIN, 0);
    check_nodata("\"2147483648,-2147483649,1e3\"", INT32_MAX, INT32_MIN, 1);
    check_nodata("\"99999999999999999999999,-99999999999999999999999,007\"",
                 INT32_MAX, INT32_MIN, 7);
    refused("255,254,-3", "255,254",
            "raster_specifications.nodata is for 2 of 3 channels, expected a "
            "value for each");
    refused("255,254,-3", "",
            "raster_specifications.nodata is for 1 of 3 channels, expected a "
            "value for each");
    refused("\"255,254,-3\"", "[255,254,-3]",
            "raster_specifications.nodata is an array, expected a string");
    refused("\"255,254,-3\"", "255",
            "raster_specifications.nodata is a number, expected a string");
    refused("\"nodata\":\"255,254,-3\",", "",
            "raster_specifications.nodata is missing");
    CHECK(taken(SPECS, "{\"channels\":1,\"photometric\":\"gray\","
                       "\"nodata\":\"-99999\"}"));
    CHECK_INT(descriptor->nodata[0], -99999);
    rok4_descriptor_free(descriptor);
}

static void test_levels(void)
{
    refused("\"levels\":[" LEVEL "]", "\"l\":1", "levels is missing");
    refused("[" LEVEL "]", "{}", "levels is an object, expected an array");
    refused(LEVEL, "", "levels is empty, expected at least one");
    refused(LEVEL, "\"5\"", "levels[0] is a string, expected an object");
    refused(LEVEL, LEVEL "," LEVEL, "levels[1].id is '5', which stands twice");
    refused("\"id\":\"5\",", "", "levels[0].id is missing");
    refused("\"id\":\"5\"", "\"id\":5",
            "levels[0].id is a number, expected a string");
    refused("\"id\":\"5\"", "\"id\":\"\"", "levels[0].id is empty");
    CHECK(taken("\"id\":\"5\"", "\"id\":\"L_5 \\u00e9\""));
    CHECK_STR(descriptor->levels[0].id, "L_5 \xC3\xA9");
    rok4_descriptor_free(descriptor);
}

static void test_long_id(void)
{
    char member[PYR_MAX_NAME_BYTES + 20];
    memset(member, 'i', sizeof member);
    memcpy(member, "\"id\":\"", 6);
    member[6 + PYR_MAX_NAME_BYTES] = '\0';
    accepted("\"id\":\"5", member);
    member[6 + PYR_MAX_NAME_BYTES] = 'i';
    member[6 + PYR_MAX_NAME_BYTES + 1] = '\0';
    refused_as(PYR_LIMIT, "\"id\":\"5", member,
               "levels[0].id has 257 bytes, expected at most 256");
}

static void test_slab_size(void)
{
    refused("\"tiles_per_width\":4,", "",
            "levels[0].tiles_per_width is missing");
    refused("\"tiles_per_width\":4", "\"tiles_per_width\":0",
            "levels[0].tiles_per_width is 0, expected 1 .. 2147483647");
    refused("\"tiles_per_height\":2", "\"tiles_per_height\":-2",
            "levels[0].tiles_per_height is -2, expected 1 .. 2147483647");
    refused("\"tiles_per_height\":2", "\"tiles_per_height\":\"2\"",
            "levels[0].tiles_per_height is a string, expected a number");
    refused("\"tiles_per_height\":2", "\"tiles_per_height\":1.5",
            "levels[0].tiles_per_height is 1.5, expected a whole number");
    accepted("\"tiles_per_width\":4,\"tiles_per_height\":2",
             "\"tiles_per_width\":1024,\"tiles_per_height\":1024");
    refused_as(PYR_LIMIT, "\"tiles_per_width\":4", "\"tiles_per_width\":524289",
               "levels[0] has slabs of 524289x2 tiles, expected at most "
               "1048576 in one");
    CHECK_INT(parse_with("\"tiles_per_width\":4,\"tiles_per_height\":2",
                         "\"tiles_per_width\":2147483647,"
                         "\"tiles_per_height\":2147483647"),
              PYR_LIMIT);
}

static void test_tile_limits(void)
{
    CHECK(taken("\"min_row\":44", "\"min_row\":-9007199254740992"));
    CHECK(descriptor->levels[0].written_limits[1] == -(INT64_C(1) << 53));
    rok4_descriptor_free(descriptor);
    accepted("\"max_row\":47", "\"max_row\":1e9");
    refused("\"min_row\":44,", "", "levels[0].tile_limits.min_row is missing");
    refused("\"min_row\":44", "\"min_row\":\"44\"",
            "levels[0].tile_limits.min_row is a string, expected a number");
    refused("\"max_col\":68", "\"max_col\":68.5",
            "levels[0].tile_limits.max_col is 68.5, expected a whole number");
    CHECK_INT(parse_with("\"max_col\":68", "\"max_col\":1e300"), PYR_CORRUPT);
    CHECK_INT(parse_with("\"max_col\":68", "\"max_col\":1e999"), PYR_CORRUPT);
    refused("\"tile_limits\":{", "\"tile_limit\":{",
            "levels[0].tile_limits is missing");
}

static void test_file_storage(void)
{
    char place[PYR_MAX_PATH_BYTES + 2];
    refused("\"storage\"", "\"store\"", "levels[0].storage is missing");
    refused("\"type\":\"FILE\",", "", "levels[0].storage.type is missing");
    refused_as(PYR_UNSUPPORTED, "\"FILE\"", "\"file\"",
               "levels[0].storage.type is 'file', expected FILE, S3, CEPH or "
               "SWIFT");
    refused("\"path_depth\":2,", "", "levels[0].storage.path_depth is missing");
    refused("\"path_depth\":2", "\"path_depth\":\"2\"",
            "levels[0].storage.path_depth is a string, expected a number");
    refused("\"path_depth\":2", "\"path_depth\":-1",
            "levels[0].storage.path_depth is -1, expected 0 .. 16");
    refused("\"path_depth\":2", "\"path_depth\":17",
            "levels[0].storage.path_depth is 17, expected 0 .. 16");
    refused("\"path_depth\":2", "\"path_depth\":1.5",
            "levels[0].storage.path_depth is 1.5, expected a whole number");
    accepted("\"path_depth\":2", "\"path_depth\":0");
    accepted("\"path_depth\":2", "\"path_depth\":16");
    refused(",\"image_directory\":\"p/DATA/5\"", "",
            "levels[0].storage.image_directory is missing");
    refused("\"p/DATA/5\"", "\"\"",
            "levels[0].storage.image_directory is empty");
    refused("\"p/DATA/5\"", "5",
            "levels[0].storage.image_directory is a number, expected a string");
    refused("\"p/DATA/5\"", "\"p\\n5\"",
            "levels[0].storage.image_directory has a control character at byte "
            "1");
    CHECK_INT(parse_with("\"p/DATA/5\"", "\"p\x7F\""), PYR_CORRUPT);
    CHECK(taken("p/DATA/5", "/caf\xE9 \\u00e9/../\\\"x"));
    CHECK_STR(descriptor->levels[0].image_place, "/caf\xE9 \xC3\xA9/../\"x");
    rok4_descriptor_free(descriptor);
    memset(place, 'p', sizeof place);
    place[PYR_MAX_PATH_BYTES] = '\0';
    accepted("p/DATA/5", place);
    place[PYR_MAX_PATH_BYTES] = 'p';
    place[PYR_MAX_PATH_BYTES + 1] = '\0';
    CHECK_INT(parse_with("p/DATA/5", place), PYR_LIMIT);
}

static void check_object_storage(const char *members, enum rok4_storage storage)
{
    CHECK(taken("\"type\":\"FILE\",\"path_depth\":2,"
                "\"image_directory\":\"p/DATA/5\"",
                members));
    CHECK_INT(descriptor->levels[0].storage, storage);
    CHECK_STR(descriptor->levels[0].tray, "tray@host:9000");
    CHECK_STR(descriptor->levels[0].image_place, "N/DATA_5");
    CHECK_STR(descriptor->levels[0].mask_place, "N/MASK_5");
    rok4_descriptor_free(descriptor);
}

static void test_object_storage(void)
{
    static const char from[] = "\"type\":\"FILE\",\"path_depth\":2,"
                               "\"image_directory\":\"p/DATA/5\"";
    check_object_storage("\"type\":\"S3\",\"bucket_name\":\"tray@host:9000\","
                         "\"image_prefix\":\"N/DATA_5\","
                         "\"mask_prefix\":\"N/MASK_5\"",
                         ROK4_STORAGE_S3);
    check_object_storage("\"type\":\"CEPH\",\"pool_name\":\"tray@host:9000\","
                         "\"image_prefix\":\"N/DATA_5\","
                         "\"mask_prefix\":\"N/MASK_5\"",
                         ROK4_STORAGE_CEPH);
    check_object_storage(
        "\"type\":\"SWIFT\",\"container_name\":\"tray@host:9000\","
        "\"image_prefix\":\"N/DATA_5\",\"mask_prefix\":\"N/MASK_5\"",
        ROK4_STORAGE_SWIFT);
    CHECK(taken(from, "\"type\":\"S3\",\"image_prefix\":\"N/DATA_5\","
                      "\"pool_name\":\"other\""));
    CHECK(descriptor->levels[0].tray == NULL);
    CHECK(descriptor->levels[0].mask_place == NULL);
    rok4_descriptor_free(descriptor);
    refused(from, "\"type\":\"S3\",\"bucket_name\":\"b\"",
            "levels[0].storage.image_prefix is missing");
    refused(from, "\"type\":\"S3\",\"bucket_name\":7",
            "levels[0].storage.bucket_name is a number, expected a string");
    refused(from, "\"type\":\"S3\",\"bucket_name\":\"\"",
            "levels[0].storage.bucket_name is empty");
}

static void test_masks(void)
{
    CHECK(taken("\"type\":\"FILE\"", WITH_MASK));
    CHECK_STR(descriptor->levels[0].mask_place, "p/MASK/5");
    rok4_descriptor_free(descriptor);
    CHECK(taken("\"type\":\"FILE\"", "\"mask_directory\":null,"
                                     "\"type\":\"FILE\""));
    CHECK(descriptor->levels[0].mask_place == NULL);
    rok4_descriptor_free(descriptor);
    refused("\"type\":\"FILE\"", "\"mask_directory\":5,\"type\":\"FILE\"",
            "levels[0].storage.mask_directory is a number, expected a string");
    refused("\"type\":\"FILE\"", "\"mask_directory\":\"\",\"type\":\"FILE\"",
            "levels[0].storage.mask_directory is empty");
    /* The format of masks counts only where there are masks. */
    accepted("\"levels\"", "\"mask_format\":\"TIFF_PNG_UINT8\",\"levels\"");
    accepted("\"levels\"", "\"mask_format\":7,\"levels\"");
}

static enum pyr_result parse_mask_format(const char *written)
{
    char text[2 * sizeof DESCRIPTOR];
    (void)snprintf(text, sizeof text,
                   "{\"tile_matrix_set\":\"T64\",\"format\":\"TIFF_ZIP_UINT8\","
                   "\"mask_format\":%s,\"raster_specifications\":%s,"
                   "\"levels\":[{\"id\":\"5\",\"tiles_per_width\":4,"
                   "\"tiles_per_height\":2,\"tile_limits\":{\"min_row\":0,"
                   "\"max_row\":0,\"min_col\":0,\"max_col\":0},"
                   "\"storage\":{\"path_depth\":2,%s,"
                   "\"image_directory\":\"p/DATA/5\"}}]}",
                   written, SPECS, WITH_MASK);
    return parse(text);
}

static void test_mask_format(void)
{
    CHECK_INT(parse_mask_format("\"TIFF_ZIP_UINT8\""), PYR_OK);
    rok4_descriptor_free(descriptor);
    CHECK_INT(parse_mask_format("null"), PYR_OK);
    rok4_descriptor_free(descriptor);
    CHECK_INT(parse_mask_format("\"TIFF_PNG_UINT8\""), PYR_UNSUPPORTED);
    CHECK_STR(err.text,
              "mask_format is 'TIFF_PNG_UINT8', expected TIFF_ZIP_UINT8");
    CHECK_INT(parse_mask_format("7"), PYR_CORRUPT);
    CHECK_STR(err.text, "mask_format is a number, expected a string");
}

static void test_many_levels(void)
{
    const size_t nbytes = sizeof DESCRIPTOR * (PYR_MAX_LEVELS + 2);
    char *levels = malloc(nbytes);
    const char *tail = strstr(LEVEL, ",\"tiles_per_width\"");
    unsigned count;
    if (!levels || !tail)
        abort();
    for (count = PYR_MAX_LEVELS; count <= PYR_MAX_LEVELS + 1; count++)
    {
        size_t at = 0;
        unsigned level;
        for (level = 0; level < count; level++)
            at +=
                (size_t)snprintf(levels + at, nbytes - at, "%s{\"id\":\"%u\"%s",
                                 level != 0 ? "," : "", level, tail);
        CHECK_INT(parse_with(LEVEL, levels),
                  count <= PYR_MAX_LEVELS ? PYR_OK : PYR_LIMIT);
        rok4_descriptor_free(descriptor);
    }
    CHECK_STR(err.text, "levels has 129 items, expected at most 128");
    free(levels);
}

static void test_no_memory(void)
{
    unsigned long nth = 0;
    enum pyr_result result = PYR_NOMEM;
    while (result == PYR_NOMEM && nth < 100)
    {
        pyr_alloc_fail_nth(++nth);
        result = parse_mask_format("\"TIFF_ZIP_UINT8\"");
        CHECK(result == PYR_OK || strcmp(err.text, "out of memory") == 0);
    }
    pyr_alloc_fail_nth(0);
    CHECK_INT(result, PYR_OK);
    /* Document, descriptor, TMS name, interpolation, levels, and of the level
     * id, image and mask directory; then none. */
    CHECK_INT(nth, 9);
    rok4_descriptor_free(descriptor);
}

int main(void)
{
    RUN(test_members);
    RUN(test_tms_name);
    RUN(test_format);
    RUN(test_raster_specifications);
    RUN(test_nodata);
    RUN(test_levels);
    RUN(test_long_id);
    RUN(test_slab_size);
    RUN(test_tile_limits);
    RUN(test_file_storage);
    RUN(test_object_storage);
    RUN(test_masks);
    RUN(test_mask_format);
    RUN(test_many_levels);
    RUN(test_no_memory);
    return unit_report();
}
