/* SPDX-License-Identifier: MIT */
/* Tests of the layout: extents, sizes and places of the levels. */
#include "fake_descriptor.h"
#include "rok4_layout.h"

#include <math.h>

static struct descriptor descriptor;
static struct rok4_pyramid *pyramid;
static struct rok4_layout layout;
static struct pyr_error err;

/* A TMS in the making, of levels with one tile size. */
static char tms[6000];

static void tms_begin(void)
{
    (void)snprintf(tms, sizeof tms,
                   "{\"crs\":\"EPSG:2154\",\"tileMatrices\":[");
}

static void tms_add(const char *id, const char *cell_size, const char *origin,
                    unsigned tile_px, unsigned matrix)
{
    const size_t used = strlen(tms);
    (void)snprintf(tms + used, sizeof tms - used,
                   "%s{\"id\":\"%s\",\"cellSize\":%s,\"pointOfOrigin\":[%s],"
                   "\"tileWidth\":%u,\"tileHeight\":%u,\"matrixWidth\":%u,"
                   "\"matrixHeight\":%u}",
                   tms[used - 1] == '[' ? "" : ",", id, cell_size, origin,
                   tile_px, tile_px, matrix, matrix);
}

/* Opens the descriptor with the TMS made, unless that is called another way. */
static void open_all(void)
{
    static const struct rok4_open_options options = {.allow_outside = true};
    const size_t used = strlen(tms);
    files_clear();
    (void)snprintf(tms + used, sizeof tms - used, "]}");
    files_add("/data/T.json", tms);
    if (descriptor_open(&descriptor, &options, &pyramid, &err) != PYR_OK)
    {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static enum pyr_result make_as(const char *tile_matrix, enum rok4_extent extent,
                               const char *extent_level)
{
    err.text[0] = '\0';
    return rok4_layout_make(pyramid, tile_matrix, extent, extent_level, &layout,
                            &err);
}

static enum pyr_result make(void)
{
    return make_as(NULL, ROK4_EXTENT_LIMITS, NULL);
}

static void check_view(size_t at, const char *id, int64_t px_x, int64_t px_y,
                       int32_t width_px, int32_t height_px)
{
    const struct rok4_view *const view = &layout.views[at];
    CHECK(at < layout.nviews);
    CHECK_STR(pyramid->descriptor->levels[view->level].id, id);
    CHECK_INT(view->px_x, px_x);
    CHECK_INT(view->px_y, px_y);
    CHECK_INT(view->width_px, width_px);
    CHECK_INT(view->height_px, height_px);
}

static void check_bounds(size_t at, double min_x, double min_y, double max_x,
                         double max_y)
{
    const struct pyr_grid_bounds bounds =
        rok4_view_bounds(pyramid, &layout.views[at]);
    CHECK(bounds.min_x == min_x && bounds.min_y == min_y);
    CHECK(bounds.max_x == max_x && bounds.max_y == max_y);
}

/* Fixture lamb93mnt_zip_float32: origins shifted by half a pixel a level. */
static void test_integer_ratio(void)
{
    tms_begin();
    descriptor_begin(&descriptor, "LAMB93_1M_MNT", "TIFF_ZIP_FLOAT32", 1);
    descriptor_add(&descriptor, "0", 2, 21, 3, 22, "");
    descriptor_add(&descriptor, "1", 5, 43, 6, 44, "");
    descriptor_add(&descriptor, "2", 10, 87, 12, 89, "");
    open_all();
    CHECK_INT(make(), PYR_OK);
    CHECK_INT(layout.nviews, 3);
    CHECK_INT(layout.wider_view, 0);
    check_view(0, "2", 2560, 22272, 768, 768);
    check_bounds(0, 639875, 6240125, 831875, 6432125);
    /* 1280.25, 11136.25; 640.375, 5568.375. */
    check_view(1, "1", 1280, 11136, 384, 384);
    check_bounds(1, 639750, 6240250, 831750, 6432250);
    check_view(2, "0", 640, 5568, 192, 192);
    check_bounds(2, 639500, 6240500, 831500, 6432500);

    CHECK_INT(make_as("1", ROK4_EXTENT_LIMITS, NULL), PYR_OK);
    CHECK_INT(layout.nviews, 2);
    check_view(0, "1", 1280, 11008, 512, 512);
    check_view(1, "0", 640, 5504, 256, 256);

    CHECK_INT(make_as(NULL, ROK4_EXTENT_MATRIX, NULL), PYR_OK);
    check_view(0, "2", 0, 0, 4096, 23552);
    check_view(2, "0", 0, 0, 1024, 5888);

    /* Limits of "0" in pixels of "2", whose corner lies 375 m inside. */
    CHECK_INT(make_as(NULL, ROK4_EXTENT_LEVEL, "0"), PYR_OK);
    check_view(0, "2", 2046, 21502, 2049, 2049);
    check_bounds(0, 511375, 6112375, 1023625, 6624625);
    check_view(2, "0", 512, 5376, 513, 513);
    rok4_pyramid_free(pyramid);
}

/* Levels of one cell size, ratios that are not whole, sizes that do not divide,
 * at least one pixel. */
static void test_sizes(void)
{
    tms_begin();
    tms_add("1", "1", "0,0", 20, 9);
    tms_add("1b", "1", "0,0", 20, 9);
    tms_add("1.5", "1.5", "0,0", 20, 9);
    tms_add("7", "7", "0,0", 20, 9);
    tms_add("60", "60", "0,0", 20, 9);
    tms_add("61", "61", "0,0", 20, 9);
    tms_add("10000", "10000", "0,0", 20, 9);
    descriptor_begin(&descriptor, "T", "TIFF_RAW_UINT8", 3);
    descriptor_add(&descriptor, "61", 0, 0, 0, 0, "");
    descriptor_add(&descriptor, "10000", 0, 0, 0, 0, "");
    descriptor_add(&descriptor, "1.5", 0, 0, 1, 0, "");
    descriptor_add(&descriptor, "60", 0, 0, 0, 0, "");
    descriptor_add(&descriptor, "1", 0, 0, 2, 1, "");
    descriptor_add(&descriptor, "1b", 0, 0, 2, 1, "");
    descriptor_add(&descriptor, "7", 0, 0, 0, 0, "");
    open_all();
    CHECK_INT(make(), PYR_OK);
    CHECK_INT(layout.nviews, 7);
    check_view(0, "1", 0, 0, 60, 40);
    check_view(1, "1b", 0, 0, 60, 40);
    check_view(2, "1.5", 0, 0, 40, 27);
    check_view(3, "7", 0, 0, 9, 6);
    check_view(4, "60", 0, 0, 1, 1);
    check_view(5, "61", 0, 0, 1, 1);
    check_view(6, "10000", 0, 0, 1, 1);
    rok4_pyramid_free(pyramid);
}

/* Size of the coarser of two levels whose cell sizes are fine and coarse units,
 * a unit being written as scale. */
static void check_ratio(unsigned fine, unsigned coarse, const char *scale)
{
    char text[2][40];
    (void)snprintf(text[0], sizeof text[0], "%u%s", fine, scale);
    (void)snprintf(text[1], sizeof text[1], "%u%s", coarse, scale);
    tms_begin();
    tms_add("f", text[0], "0,0", 1, 2000000);
    tms_add("c", text[1], "0,0", 1, 2000000);
    descriptor_begin(&descriptor, "T", "TIFF_RAW_UINT8", 3);
    descriptor_add(&descriptor, "f", 0, 0, 0, 0, "");
    descriptor_add(&descriptor, "c", 0, 0, 0, 0, "");
    open_all();
    for (uint32_t size = 1; size < 2000000; size += 1 + size / 5 + size % 7)
    {
        /* Multiples of the ratio are where rounding shows. */
        const uint32_t sizes[] = {size, size / coarse * coarse + coarse};
        for (int i = 0; i < 2; i++)
        {
            pyramid->descriptor->levels[0].limits.max_col = sizes[i] - 1;
            CHECK_INT(make(), PYR_OK);
            CHECK_INT(layout.views[1].width_px,
                      ((uint64_t)sizes[i] * fine + coarse - 1) / coarse);
        }
    }
    rok4_pyramid_free(pyramid);
}

static void test_ratios(void)
{
    static const unsigned cells[] = {1, 2, 3, 5, 7, 12, 25, 50, 75, 100, 250};
    static const char *const scales[] = {"", "e-1", "e-3", "e-7"};
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        for (size_t j = i; j < sizeof cells / sizeof cells[0]; j++)
            check_ratio(cells[i], cells[j], scales[(i + j) % 4]);
}

/* Every level of the world set, from any odd tile: half a pixel off at most. */
static void test_quadtree_offsets(void)
{
    tms_begin();
    descriptor_begin(&descriptor, "PM", "TIFF_JPG_UINT8", 3);
    for (int level = 0; level <= 21; level++)
    {
        char id[4];
        const unsigned matrix = 1u << level;
        (void)snprintf(id, sizeof id, "%d", level);
        descriptor_add(&descriptor, id, 0, 0, matrix / 2, matrix / 2, "");
    }
    open_all();
    for (uint32_t tile = 1; tile < 2097150; tile = tile * 3 + 1)
    {
        struct pyr_grid_limits *const limits =
            &pyramid->descriptor->levels[0].limits;
        limits->min_col = limits->max_col = tile;
        limits->min_row = limits->max_row = 2097151 - tile;
        CHECK_INT(make(), PYR_OK);
        CHECK_INT(layout.nviews, 22);
        for (size_t i = 0; i < layout.nviews; i++)
        {
            const struct rok4_view *const view = &layout.views[i];
            const double ratio = ldexp(1, (int)i);
            CHECK(fabs((double)view->px_x - tile * 256.0 / ratio) <= 0.501);
            CHECK(fabs((double)view->px_y - (2097151 - tile) * 256.0 / ratio) <=
                  0.501);
            CHECK_INT(view->width_px, i < 8 ? 256 >> i : 1);
        }
    }
    rok4_pyramid_free(pyramid);
}

/* Levels that are placed elsewhere, or end before the dataset does. */
static void test_apart(void)
{
    tms_begin();
    tms_add("a", "1", "1000,1000", 10, 9);
    tms_add("b", "4", "1023,5000", 10, 9);
    tms_add("c", "10", "-1e15,1e15", 10, 9);
    tms_add("d", "1e12", "1e15,-1e15", 10, 9);
    descriptor_begin(&descriptor, "T", "TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "a", 1, 1, 1, 1, "");
    descriptor_add(&descriptor, "b", 0, 0, 1, 1, "");
    descriptor_add(&descriptor, "c", 0, 0, 1, 1, "");
    descriptor_add(&descriptor, "d", 0, 0, 1, 1, "");
    open_all();
    CHECK_INT(make(), PYR_OK);
    check_view(0, "a", 10, 10, 10, 10);
    check_view(1, "b", -3, 1003, 3, 3);
    check_view(2, "c", 100000000000101, 99999999999901, 1, 1);
    check_view(3, "d", -1000, -1000, 1, 1);
    CHECK_INT(layout.wider_view, 1);
    rok4_pyramid_free(pyramid);
}

static void test_wider(void)
{
    tms_begin();
    tms_add("f", "1", "0,0", 10, 80);
    tms_add("m", "2", "0,0", 10, 40);
    tms_add("c", "4", "0,0", 10, 20);
    descriptor_begin(&descriptor, "T", "TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "f", 20, 20, 39, 39, "");
    descriptor_add(&descriptor, "m", 10, 10, 19, 19, "");
    descriptor_add(&descriptor, "c", 5, 5, 9, 9, "");
    open_all();
    struct pyr_grid_limits *const limits =
        &pyramid->descriptor->levels[1].limits;
    CHECK_INT(make(), PYR_OK);
    CHECK_INT(layout.wider_view, 0);
    /* One tile more is what any reduction may take. */
    limits->min_col = limits->min_row = 9;
    limits->max_col = limits->max_row = 20;
    CHECK_INT(make(), PYR_OK);
    CHECK_INT(layout.wider_view, 0);
    limits->max_row = 21;
    CHECK_INT(make(), PYR_OK);
    CHECK_INT(layout.wider_view, 1);
    limits->max_row = 20;
    limits->min_col = 8;
    CHECK_INT(make(), PYR_OK);
    CHECK_INT(layout.wider_view, 1);
    /* The level that is too wide gives its extent. */
    CHECK_INT(make_as(NULL, ROK4_EXTENT_LEVEL, "m"), PYR_OK);
    CHECK_INT(layout.wider_view, 0);
    check_view(0, "f", 160, 180, 260, 240);
    check_view(1, "m", 80, 90, 130, 120);
    check_view(2, "c", 40, 45, 65, 60);
    rok4_pyramid_free(pyramid);
}

static void test_wishes(void)
{
    tms_begin();
    tms_add("f", "1", "0,0", 10, 80);
    tms_add("m", "2", "0,0", 10, 40);
    tms_add("c", "4", "0,0", 10, 20);
    descriptor_begin(&descriptor, "T", "TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "f", 0, 0, 0, 0, "");
    descriptor_add(&descriptor, "m", 10, 10, 19, 19, "");
    descriptor_add(&descriptor, "c", 5, 5, 9, 9, "");
    open_all();
    /* "f" never received data. */
    CHECK_INT(make(), PYR_OK);
    CHECK_INT(layout.nviews, 2);
    check_view(0, "m", 100, 100, 100, 100);
    CHECK_INT(make_as("f", ROK4_EXTENT_LIMITS, NULL), PYR_NOT_FOUND);
    CHECK_STR(err.text, "level f is empty");
    CHECK_INT(make_as("x", ROK4_EXTENT_LIMITS, NULL), PYR_NOT_FOUND);
    CHECK_STR(err.text, "the pyramid has no level x");
    CHECK_INT(make_as("c", ROK4_EXTENT_LIMITS, NULL), PYR_OK);
    CHECK_INT(layout.nviews, 1);
    CHECK_INT(make_as("c", ROK4_EXTENT_LEVEL, "m"), PYR_OK);
    check_view(0, "c", 50, 50, 50, 50);
    CHECK_INT(make_as(NULL, ROK4_EXTENT_LEVEL, "f"), PYR_NOT_FOUND);
    CHECK(strstr(err.text, "EXTENT_METHOD=f") != NULL);
    CHECK_INT(make_as(NULL, ROK4_EXTENT_LEVEL, "x"), PYR_NOT_FOUND);
    for (size_t i = 0; i < 3; i++)
        pyramid->descriptor->levels[i].empty = true;
    CHECK_INT(make(), PYR_NOT_FOUND);
    CHECK_STR(err.text, "every level is empty");
    rok4_pyramid_free(pyramid);
}

static void test_sides(void)
{
    tms_begin();
    tms_add("f", "1", "0,0", 256, 8388608);
    tms_add("c", "16777216", "0,0", 256, 3);
    tms_add("h", "1e12", "1e15,1e15", 8192, 2147483647);
    descriptor_begin(&descriptor, "T", "TIFF_RAW_UINT8", 1);
    descriptor_add(&descriptor, "f", 0, 0, 8388606, 1, "");
    descriptor_add(&descriptor, "c", 0, 0, 2, 0, "");
    descriptor_add(&descriptor, "h", 0, 0, 2147483646, 2147483646, "");
    open_all();
    CHECK_INT(make(), PYR_OK);
    check_view(0, "f", 0, 0, 2147483392, 512);
    check_view(1, "c", 0, 0, 128, 1);
    CHECK_INT(make_as(NULL, ROK4_EXTENT_MATRIX, NULL), PYR_LIMIT);
    CHECK_STR(err.text, "level f takes 2147483648 x 2147483648 pixels, "
                        "expected at most 2147483647 a side");
    CHECK_INT(make_as(NULL, ROK4_EXTENT_LEVEL, "c"), PYR_LIMIT);
    CHECK_INT(make_as(NULL, ROK4_EXTENT_LEVEL, "h"), PYR_LIMIT);
    CHECK(strstr(err.text, "beyond what pixels of level f can count") != NULL);
    rok4_pyramid_free(pyramid);
}

int main(void)
{
    RUN(test_integer_ratio);
    RUN(test_sizes);
    RUN(test_ratios);
    RUN(test_quadtree_offsets);
    RUN(test_apart);
    RUN(test_wider);
    RUN(test_wishes);
    RUN(test_sides);
    files_clear();
    return unit_report();
}
