/* SPDX-License-Identifier: MIT */
/* Tests of rok4_descriptor_bind: order, limits, empty levels, tile shapes. */
#include "pyr_alloc.h"
#include "rok4_descriptor.h"
#include "unit.h"

#include <stdlib.h>

/* A quadtree of 5 levels over a square of 16 units, 4x4 tiles of 4x4 pixels at
 * the coarsest ("top"), 64x64 at the finest ("0"), and a level apart with other
 * tiles ("wide"). */
/* clang-format off */
#define MATRIX(id, cell, size)                                                 \
    "{\"id\":\"" id "\",\"cellSize\":" cell ",\"pointOfOrigin\":[-8,8],"       \
    "\"tileWidth\":4,\"tileHeight\":4,\"matrixWidth\":" size                   \
    ",\"matrixHeight\":" size "},"
static const char TMS[] =
    "{\"crs\":\"EPSG:3857\",\"tileMatrices\":["
    MATRIX("2", "0.25", "16")
    MATRIX("top", "1", "4")
    MATRIX("1", "0.5", "8")
    MATRIX("3", "0.125", "32")
    MATRIX("0", "0.0625", "64")
    "{\"id\":\"wide\",\"cellSize\":0.0156,\"pointOfOrigin\":[-8,8],"
    "\"tileWidth\":16384,\"tileHeight\":4096,\"matrixWidth\":1,"
    "\"matrixHeight\":2}]}";
/* clang-format on */

static struct pyr_grid *grid;
static struct rok4_descriptor *descriptor;
static struct pyr_error err;

/* A level as a descriptor has it. */
struct written
{
    const char *id;
    const char *min_col;
    const char *min_row;
    const char *max_col;
    const char *max_row;
};

static void bind_setup(void)
{
    grid = NULL;
    if (pyr_grid_parse(TMS, strlen(TMS), &grid, &err) != PYR_OK)
        abort();
}

static enum pyr_result bind_as(const char *format, int channels,
                               const struct written *levels, size_t nlevels)
{
    char text[4000];
    size_t filled;
    size_t at;
    enum pyr_result result;
    filled = (size_t)snprintf(
        text, sizeof text,
        "{\"tile_matrix_set\":\"T\",\"format\":\"%s\","
        "\"raster_specifications\":{\"channels\":%d,\"nodata\":\"0,0,0,0\","
        "\"photometric\":\"gray\"},\"levels\":[",
        format, channels);
    for (at = 0; at < nlevels; at++)
        filled += (size_t)snprintf(
            text + filled, sizeof text - filled,
            "%s{\"id\":\"%s\",\"tiles_per_width\":2,\"tiles_per_height\":2,"
            "\"tile_limits\":{\"min_col\":%s,\"min_row\":%s,\"max_col\":%s,"
            "\"max_row\":%s},\"storage\":{\"type\":\"FILE\",\"path_depth\":2,"
            "\"image_directory\":\"p\"}}",
            at != 0 ? "," : "", levels[at].id, levels[at].min_col,
            levels[at].min_row, levels[at].max_col, levels[at].max_row);
    (void)snprintf(text + filled, sizeof text - filled, "]}");
    descriptor = NULL;
    err.text[0] = '\0';
    result = rok4_descriptor_parse(text, strlen(text), &descriptor, &err);
    if (result == PYR_OK)
        result = rok4_descriptor_bind(descriptor, grid, &err);
    return result;
}

static enum pyr_result bind(const struct written *levels, size_t nlevels)
{
    return bind_as("TIFF_ZIP_UINT8", 3, levels, nlevels);
}

static void unbind(void)
{
    rok4_descriptor_free(descriptor);
    descriptor = NULL;
}

static void check_limits(size_t level, unsigned min_col, unsigned min_row,
                         unsigned max_col, unsigned max_row)
{
    const struct pyr_grid_limits *limits = &descriptor->levels[level].limits;
    CHECK_INT(limits->min_col, min_col);
    CHECK_INT(limits->min_row, min_row);
    CHECK_INT(limits->max_col, max_col);
    CHECK_INT(limits->max_row, max_row);
}

static void test_order(void)
{
    static const struct written levels[] = {{"1", "1", "2", "3", "4"},
                                            {"top", "0", "1", "1", "2"},
                                            {"3", "4", "8", "15", "19"}};
    size_t at;
    CHECK_INT(bind(levels, 3), PYR_OK);
    CHECK_STR(descriptor->levels[0].id, "3");
    CHECK_STR(descriptor->levels[1].id, "1");
    CHECK_STR(descriptor->levels[2].id, "top");
    for (at = 0; at < 3; at++)
    {
        const struct rok4_level *level = &descriptor->levels[at];
        CHECK_STR(grid->levels[level->grid_level].id, level->id);
        CHECK(!level->empty);
    }
    check_limits(0, 4, 8, 15, 19);
    check_limits(1, 1, 2, 3, 4);
    check_limits(2, 0, 1, 1, 2);
    unbind();
}

static void check_clamped(const char *min, const char *max, unsigned min_tile,
                          unsigned max_tile)
{
    const struct written columns = {"1", min, "3", max, "3"};
    const struct written rows = {"1", "3", min, "3", max};
    CHECK_INT(bind(&columns, 1), PYR_OK);
    check_limits(0, min_tile, 3, max_tile, 3);
    unbind();
    CHECK_INT(bind(&rows, 1), PYR_OK);
    check_limits(0, 3, min_tile, 3, max_tile);
    unbind();
}

/* Level "1" has 8x8 tiles. */
static void test_clamping(void)
{
    check_clamped("0", "7", 0, 7);
    check_clamped("7", "7", 7, 7);
    check_clamped("-1", "2", 0, 2);
    check_clamped("8", "2", 0, 2);
    check_clamped("2", "8", 2, 7);
    check_clamped("2", "-1", 2, 7);
    check_clamped("-9007199254740992", "9007199254740992", 0, 7);
    check_clamped("9007199254740992", "-9007199254740992", 0, 7);
    check_clamped("4294967298", "4294967298", 0, 7);
}

static void test_swapped(void)
{
    static const struct written columns = {"1", "3", "0", "2", "1"};
    static const struct written rows = {"1", "0", "7", "1", "6"};
    CHECK_INT(bind(&columns, 1), PYR_CORRUPT);
    CHECK_STR(err.text,
              "tile_limits of level '1' have min_col 3 beyond max_col 2");
    unbind();
    CHECK_INT(bind(&rows, 1), PYR_CORRUPT);
    CHECK_STR(err.text,
              "tile_limits of level '1' have min_row 7 beyond max_row 6");
    unbind();
}

static void test_unknown_level(void)
{
    static const struct written levels[] = {{"1", "0", "0", "1", "1"},
                                            {"7\\n", "0", "0", "1", "1"}};
    CHECK_INT(bind(levels, 2), PYR_CORRUPT);
    CHECK_STR(err.text, "level id '7?' is not in the tile matrix set");
    unbind();
}

static void test_tile_shape(void)
{
    static const struct written wide = {"wide", "0", "0", "0", "1"};
    struct pyr_tile_shape shape;
    CHECK_INT(bind_as("TIFF_RAW_UINT8", 1, &wide, 1), PYR_OK);
    shape = rok4_descriptor_tile_shape(descriptor, grid, 0);
    CHECK_INT(shape.width_px, 16384);
    CHECK_INT(shape.height_px, 4096);
    CHECK_INT(shape.bands, 1);
    CHECK_INT(shape.sample, PYR_SAMPLE_UINT8);
    unbind();
    CHECK_INT(bind_as("TIFF_RAW_UINT8", 2, &wide, 1), PYR_LIMIT);
    CHECK_STR(err.text, "level 'wide' has tiles of 16384x4096 pixels of 2 "
                        "bytes, expected at most 67108864 bytes in one");
    unbind();
    CHECK_INT(bind_as("TIFF_RAW_FLOAT32", 1, &wide, 1), PYR_LIMIT);
    unbind();
}

/* Binds and tells the empty levels by a letter each, finest first: E or '.'. */
static void check_empty(const struct written *levels, size_t nlevels,
                        const char *expected)
{
    char found[8] = "";
    size_t at;
    CHECK_INT(bind(levels, nlevels), PYR_OK);
    for (at = 0; at < nlevels && at + 1 < sizeof found; at++)
    {
        found[at] = descriptor->levels[at].empty ? 'E' : '.';
        found[at + 1] = '\0';
    }
    CHECK_STR(found, expected);
    unbind();
}

#define ZEROS "0", "0", "0", "0"

static void test_empty_levels(void)
{
    /* A pyramid around the top-left corner: zeros are data. */
    static const struct written corner[] = {
        {"2", "0", "0", "1", "1"}, {"1", ZEROS}, {"top", ZEROS}};
    /* Far from the corner: zeros above are not. */
    static const struct written away[] = {
        {"2", "12", "12", "13", "13"}, {"1", ZEROS}, {"top", ZEROS}};
    /* The finest level was never filled, the coarser one was. */
    static const struct written finest[] = {
        {"2", ZEROS}, {"1", "2", "3", "4", "5"}, {"top", "1", "1", "2", "2"}};
    /* A hole between two levels. */
    static const struct written between[] = {
        {"2", "0", "0", "9", "9"}, {"1", ZEROS}, {"top", "0", "0", "1", "1"}};
    static const struct written only_zeros[] = {{"2", ZEROS}, {"1", ZEROS}};
    static const struct written one[] = {{"2", ZEROS}};
    check_empty(corner, 3, "...");
    check_empty(away, 3, ".EE");
    check_empty(finest, 3, "E..");
    check_empty(between, 3, ".E.");
    check_empty(only_zeros, 2, "..");
    check_empty(one, 1, ".");
}

static void test_nearly_empty_levels(void)
{
    /* Data begin where tile (0, 0) of level "top" ends: touching is not
     * meeting. */
    static const struct written beside[] = {{"0", "16", "0", "20", "3"},
                                            {"top", ZEROS}};
    static const struct written inside[] = {{"0", "15", "15", "20", "20"},
                                            {"top", ZEROS}};
    /* Limits that clamp to zeros are not zeros. */
    static const struct written clamped[] = {{"2", "12", "12", "13", "13"},
                                             {"1", "-1", "-1", "0", "0"}};
    /* Any of the finer levels may bring data. */
    static const struct written two_finer[] = {{"0", "60", "60", "63", "63"},
                                               {"2", "0", "0", "1", "1"},
                                               {"top", ZEROS}};
    check_empty(beside, 2, ".E");
    check_empty(inside, 2, "..");
    check_empty(clamped, 2, "..");
    check_empty(two_finer, 3, "...");
}

/* Binding allocates nothing: it cannot run out of memory. */
static void test_no_memory(void)
{
    static const struct written levels[] = {{"1", "1", "2", "3", "4"},
                                            {"top", "0", "1", "1", "2"}};
    CHECK_INT(bind(levels, 2), PYR_OK);
    pyr_alloc_fail_nth(1);
    CHECK_INT(rok4_descriptor_bind(descriptor, grid, NULL), PYR_OK);
    pyr_alloc_fail_nth(0);
    unbind();
}

int main(void)
{
    bind_setup();
    RUN(test_order);
    RUN(test_clamping);
    RUN(test_swapped);
    RUN(test_unknown_level);
    RUN(test_tile_shape);
    RUN(test_empty_levels);
    RUN(test_nearly_empty_levels);
    RUN(test_no_memory);
    pyr_grid_free(grid);
    return unit_report();
}
