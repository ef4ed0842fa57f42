/* SPDX-License-Identifier: MIT */
/* Tests of the descriptor's text: what is written, and what is kept. */
#include "pyr_alloc.h"
#include "rok4_compose.h"
#include "rok4_pyramid.h"

#include "fake_files.h"

static const char TMS[] =
    "{\"crs\":\"EPSG:3857\",\"tileMatrices\":["
    "{\"id\":\"7\",\"cellSize\":1,\"pointOfOrigin\":[0,64],\"tileWidth\":8,"
    "\"tileHeight\":4,\"matrixWidth\":16,\"matrixHeight\":16},"
    "{\"id\":\"6\",\"cellSize\":2,\"pointOfOrigin\":[0,64],\"tileWidth\":8,"
    "\"tileHeight\":4,\"matrixWidth\":8,\"matrixHeight\":8}]}";

#define LEVEL(id, limits, storage)                                             \
    "{\"id\":\"" id "\",\"tiles_per_width\":16,\"tiles_per_height\":8,"        \
    "\"tile_limits\":{" limits "},\"storage\":{" storage "}"
#define LIMITS_6 "\"min_row\":1,\"max_row\":3,\"min_col\":0,\"max_col\":2"
#define LIMITS_7 "\"min_row\":3,\"max_row\":7,\"min_col\":1,\"max_col\":5"
#define FILES(id)                                                              \
    "\"type\":\"FILE\",\"path_depth\":2,\"image_directory\":\"N/DATA/" id "\""
#define SPECS(more)                                                            \
    "\"raster_specifications\":{\"channels\":3,\"nodata\":\"255,-1,0\","       \
    "\"photometric\":\"rgb\",\"interpolation\":\"lanczos\"" more "}"
#define HEAD(format) "{\"tile_matrix_set\":\"T\",\"format\":\"" format "\","

static const char PLAIN[] =
    HEAD("TIFF_ZIP_UINT8") SPECS("") ",\"levels\":[" LEVEL(
        "6", LIMITS_6, FILES("6")) "}," LEVEL("7", LIMITS_7, FILES("7")) "}]";

static const struct rok4_recipe NO_RECIPE = {NULL, NULL};
static struct rok4_pyramid *pyramid;
static struct pyr_error err;
static char *text;

/* Opens a descriptor; it is bound then. */
static struct rok4_descriptor *open_it(const char *from)
{
    static const struct rok4_open_options options = {.allow_outside = true};
    const struct pyr_io io = files_io();
    files_clear();
    files_add("/data/T.json", TMS);
    err.text[0] = '\0';
    pyramid = NULL;
    CHECK_INT(rok4_pyramid_open(&io, "/data/N.json", from, strlen(from),
                                &options, &pyramid, &err),
              PYR_OK);
    CHECK_STR(err.text, "");
    files_clear();
    if (pyramid == NULL)
        exit(1);
    return pyramid->descriptor;
}

static void check_composed(const struct rok4_descriptor *descriptor,
                           const struct rok4_recipe *recipe,
                           const char *base_text, const char *expected)
{
    text = NULL;
    CHECK_INT(rok4_compose(descriptor, recipe, base_text, &text, &err), PYR_OK);
    CHECK_STR(text, expected);
    if (text != NULL)
    {
        struct rok4_descriptor *parsed = NULL;
        CHECK_INT(rok4_descriptor_parse(text, strlen(text), &parsed, &err),
                  PYR_OK);
        rok4_descriptor_free(parsed);
        CHECK(rok4_descriptor_identify(text, strlen(text)));
    }
    pyr_free(text);
}

/* Levels come from the coarsest to the finest. */
static void test_plain(void)
{
    char whole[sizeof PLAIN + 1];
    (void)snprintf(whole, sizeof whole, "%s}", PLAIN);
    check_composed(open_it(whole), &NO_RECIPE, NULL, whole);
    check_composed(pyramid->descriptor, &NO_RECIPE, whole, whole);
    rok4_pyramid_free(pyramid);
}

static void test_masks(void)
{
    static const char with_masks[] =
        HEAD("TIFF_PKB_FLOAT32") "\"mask_format\":\"TIFF_ZIP_UINT8\","
                                 "\"raster_specifications\":{\"channels\":1,"
                                 "\"nodata\":\"-99999\","
                                 "\"photometric\":\"gray\",\"interpolation\":"
                                 "\"nn\"},"
                                 "\"levels\":[" LEVEL(
                                     "7", LIMITS_7,
                                     FILES("7") ",\"mask_directory\":\"N/MASK/"
                                                "7\"") "}]}";
    check_composed(open_it(with_masks), &NO_RECIPE, NULL, with_masks);
    rok4_pyramid_free(pyramid);
}

/* What was never filled is zeros, whatever stands in the limits. */
static void test_empty_level(void)
{
    char whole[sizeof PLAIN + 1];
    (void)snprintf(whole, sizeof whole, "%s}", PLAIN);
    struct rok4_descriptor *const descriptor = open_it(whole);
    descriptor->levels[0].empty = true;
    CHECK_INT(rok4_compose(descriptor, &NO_RECIPE, NULL, &text, &err), PYR_OK);
    CHECK(strstr(text, "{\"id\":\"7\",\"tiles_per_width\":16,"
                       "\"tiles_per_height\":8,\"tile_limits\":{\"min_row\":0,"
                       "\"max_row\":0,\"min_col\":0,\"max_col\":0}") != NULL);
    pyr_free(text);
    rok4_pyramid_free(pyramid);
}

static void test_recipe(void)
{
    static const char old[] = ",\"gdal_rok4\":{\"warp_resampling\":\"CUBIC\","
                              "\"overview_resampling\":\"AVERAGE\",\"x\":[1]}}";
    const struct rok4_recipe recipe = {"NEAREST", "RMS"};
    const struct rok4_recipe half = {"", "MODE"};
    const struct rok4_recipe nothing = {"", ""};
    char plain[sizeof PLAIN + 1];
    char whole[sizeof PLAIN + sizeof old];
    char expected[sizeof PLAIN + 200];
    char warp[ROK4_RECIPE_BYTES] = "?";
    char overview[ROK4_RECIPE_BYTES] = "?";
    (void)snprintf(plain, sizeof plain, "%s}", PLAIN);
    (void)snprintf(whole, sizeof whole, "%s%s", PLAIN, old);
    (void)open_it(plain);
    (void)snprintf(expected, sizeof expected,
                   "%s,\"gdal_rok4\":{\"warp_resampling\":\"NEAREST\","
                   "\"overview_resampling\":\"RMS\"}}",
                   PLAIN);
    check_composed(pyramid->descriptor, &recipe, NULL, expected);
    check_composed(pyramid->descriptor, &recipe, plain, expected);
    rok4_recipe_read(expected, strlen(expected), warp, overview);
    CHECK_STR(warp, "NEAREST");
    CHECK_STR(overview, "RMS");
    (void)snprintf(expected, sizeof expected,
                   "%s,\"gdal_rok4\":{\"overview_resampling\":\"MODE\"}}",
                   PLAIN);
    check_composed(pyramid->descriptor, &half, NULL, expected);
    rok4_recipe_read(expected, strlen(expected), warp, overview);
    CHECK_STR(warp, "");
    CHECK_STR(overview, "MODE");
    (void)snprintf(expected, sizeof expected,
                   "%s,\"gdal_rok4\":{\"warp_resampling\":\"CUBIC\","
                   "\"overview_resampling\":\"MODE\",\"x\":[1]}}",
                   PLAIN);
    check_composed(pyramid->descriptor, &half, whole, expected);
    check_composed(pyramid->descriptor, &nothing, whole, whole);
    check_composed(pyramid->descriptor, &nothing, plain, plain);
    rok4_pyramid_free(pyramid);
}

static void test_recipe_damaged(void)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[",
        "{\"gdal_rok4\":7}",
        "{\"gdal_rok4\":{\"warp_resampling\":1,\"overview_resampling\":null}}",
        "{\"gdal_rok4\":{\"warp_resampling\":"
        "\"01234567890123456789012345678901\"}}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    {
        char warp[ROK4_RECIPE_BYTES] = "?";
        char overview[ROK4_RECIPE_BYTES] = "?";
        rok4_recipe_read(texts[i], strlen(texts[i]), warp, overview);
        CHECK_STR(warp, "");
        CHECK_STR(overview, "");
    }
}

/* What we do not know stays: at the top, in a level, in its storage. */
static void test_unknown_members(void)
{
    static const char base[] = "{\"a\":{\"b\":[1,2.5,null]}," SPECS(
        ",\"gamma\":2") ",\"tile_matrix_set\":\"OTHER\","
                        "\"format\":\"TIFF_RAW_UINT8\",\"levels\":["
                        "{\"id\":\"7\",\"who\":\"me\",\"storage\":"
                        "{\"path_depth\":1,\"since\":2020,"
                        "\"bucket_name\":\"old\"}},"
                        "{\"id\":\"5\",\"who\":\"gone\"}],\"z\":true}";
    static const char expected[] =
        HEAD("TIFF_ZIP_UINT8") SPECS(",\"gamma\":2") ",\"levels\":[" LEVEL(
            "6", LIMITS_6,
            FILES("6")) "}," LEVEL("7", LIMITS_7,
                                   FILES("7") ",\"since\":2020") ",\"who\":"
                                                                 "\"me\"}],"
                                                                 "\"a\":{\"b\":"
                                                                 "[1,2.5,null]}"
                                                                 ",\"z\":true}";
    char whole[sizeof PLAIN + 1];
    (void)snprintf(whole, sizeof whole, "%s}", PLAIN);
    check_composed(open_it(whole), &NO_RECIPE, base, expected);
    /* Without levels, and one that is no JSON. */
    check_composed(pyramid->descriptor, &NO_RECIPE, "{}", whole);
    CHECK_INT(
        rok4_compose(pyramid->descriptor, &NO_RECIPE, "{\"a\"}", &text, &err),
        PYR_CORRUPT);
    CHECK_STR(err.text, "not valid JSON: error at byte 4");
    rok4_pyramid_free(pyramid);
}

static void check_interpolation(char *interpolation, const char *expected)
{
    struct rok4_descriptor *const descriptor = pyramid->descriptor;
    char *const before = descriptor->interpolation;
    char member[60];
    (void)snprintf(member, sizeof member, "\"interpolation\":\"%s\"}",
                   expected);
    descriptor->interpolation = interpolation;
    CHECK_INT(rok4_compose(descriptor, &NO_RECIPE, NULL, &text, &err), PYR_OK);
    CHECK(strstr(text, member) != NULL);
    pyr_free(text);
    descriptor->interpolation = before;
}

static void test_interpolation(void)
{
    char whole[sizeof PLAIN + 1];
    char nearest[] = "nn";
    char other[] = "AVERAGE";
    (void)snprintf(whole, sizeof whole, "%s}", PLAIN);
    (void)open_it(whole);
    check_interpolation(nearest, "nn");
    check_interpolation(other, "bicubic");
    check_interpolation(NULL, "bicubic");
    rok4_pyramid_free(pyramid);
}

/* Object storages say their tray under names of their own. */
static void test_object_storage(void)
{
    static const struct
    {
        enum rok4_storage storage;
        const char *expected;
    } cases[] = {{ROK4_STORAGE_S3, "{\"type\":\"S3\",\"bucket_name\":\"t\","
                                   "\"image_prefix\":\"N/DATA/7\"}"},
                 {ROK4_STORAGE_CEPH, "{\"type\":\"CEPH\",\"pool_name\":\"t\","
                                     "\"image_prefix\":\"N/DATA/7\"}"},
                 {ROK4_STORAGE_SWIFT,
                  "{\"type\":\"SWIFT\",\"container_name\":\"t\","
                  "\"image_prefix\":\"N/DATA/7\"}"}};
    char whole[sizeof PLAIN + 1];
    char tray[] = "t";
    (void)snprintf(whole, sizeof whole, "%s}", PLAIN);
    struct rok4_descriptor *const descriptor = open_it(whole);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
        for (size_t level = 0; level < 2; level++)
        {
            descriptor->levels[level].storage = cases[i].storage;
            descriptor->levels[level].tray = tray;
        }
        CHECK_INT(rok4_compose(descriptor, &NO_RECIPE, NULL, &text, &err),
                  PYR_OK);
        CHECK(strstr(text, cases[i].expected) != NULL);
        pyr_free(text);
    }
    descriptor->levels[0].tray = descriptor->levels[1].tray = NULL;
    rok4_pyramid_free(pyramid);
}

static void check_refused(const struct rok4_descriptor *descriptor,
                          const char *message)
{
    CHECK_INT(rok4_compose(descriptor, &NO_RECIPE, NULL, &text, &err),
              PYR_USAGE);
    CHECK_STR(err.text, message);
}

static void test_refused(void)
{
    char whole[sizeof PLAIN + 1];
    char place[] = "N/MASK";
    (void)snprintf(whole, sizeof whole, "%s}", PLAIN);
    struct rok4_descriptor *const descriptor = open_it(whole);
    struct rok4_level *const levels = descriptor->levels;
    levels[0].mask_place = place;
    check_refused(descriptor, "level 7 has masks and level 6 has none");
    levels[0].mask_place = NULL;
    levels[1].mask_place = place;
    check_refused(descriptor, "level 6 has masks and level 7 has none");
    levels[1].mask_place = NULL;
    levels[1].path_depth = 3;
    check_refused(descriptor, "levels 7 and 6 have path depths 2 and 3");
    levels[1].path_depth = 2;
    levels[1].storage = ROK4_STORAGE_S3;
    check_refused(descriptor, "levels 7 and 6 have different types of storage");
    levels[1].storage = ROK4_STORAGE_FILE;
    descriptor->nlevels = 0;
    check_refused(descriptor, "a pyramid without levels");
    descriptor->nlevels = 2;
    rok4_pyramid_free(pyramid);
}

static void test_no_memory(void)
{
    char whole[sizeof PLAIN + 1];
    unsigned long nth = 0;
    enum pyr_result result = PYR_NOMEM;
    (void)snprintf(whole, sizeof whole, "%s}", PLAIN);
    (void)open_it(whole);
    while (result != PYR_OK)
    {
        text = NULL;
        pyr_alloc_fail_nth(++nth);
        result =
            rok4_compose(pyramid->descriptor, &NO_RECIPE, whole, &text, &err);
        pyr_alloc_fail_nth(0);
        CHECK(result == PYR_OK || result == PYR_NOMEM);
        CHECK((text != NULL) == (result == PYR_OK));
    }
    CHECK_STR(text, whole);
    CHECK(nth > 2);
    pyr_free(text);
    rok4_pyramid_free(pyramid);
}

int main(void)
{
    RUN(test_plain);
    RUN(test_masks);
    RUN(test_empty_level);
    RUN(test_recipe);
    RUN(test_recipe_damaged);
    RUN(test_unknown_members);
    RUN(test_interpolation);
    RUN(test_object_storage);
    RUN(test_refused);
    RUN(test_no_memory);
    return unit_report();
}
