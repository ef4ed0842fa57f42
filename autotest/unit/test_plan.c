/* SPDX-License-Identifier: MIT */
/* Tests of the descriptors of pyramids that are to be written. */
#include "pyr_alloc.h"
#include "rok4_plan.h"

#include "unit.h"

#include <stdlib.h>

/* A quadtree of 5 levels over a square of 16 units, 64x64 tiles of 4x4 pixels
 * at the finest, "4"; and two that are not of it: "half", of tiles of another
 * size that begin half a pixel off, and "east", which lies elsewhere. */
/* clang-format off */
#define MATRIX(id, cell, size)                                                 \
    "{\"id\":\"" id "\",\"cellSize\":" cell ",\"pointOfOrigin\":[-8,8],"       \
    "\"tileWidth\":4,\"tileHeight\":4,\"matrixWidth\":" size                   \
    ",\"matrixHeight\":" size "},"
static const char TMS[] =
    "{\"crs\":\"EPSG:3857\",\"tileMatrices\":["
    MATRIX("4", "0.0625", "64")
    MATRIX("3", "0.125", "32")
    MATRIX("2", "0.25", "16")
    MATRIX("1", "0.5", "8")
    MATRIX("0", "1", "4")
    "{\"id\":\"half\",\"cellSize\":3,\"pointOfOrigin\":[-8.5,8.5],"
    "\"tileWidth\":2,\"tileHeight\":3,\"matrixWidth\":3,\"matrixHeight\":2},"
    "{\"id\":\"east\",\"cellSize\":5,\"pointOfOrigin\":[100,8],"
    "\"tileWidth\":2,\"tileHeight\":2,\"matrixWidth\":2,\"matrixHeight\":2},"
    "{\"id\":\"under_score\",\"cellSize\":6,\"pointOfOrigin\":[-8,8],"
    "\"tileWidth\":2,\"tileHeight\":2,\"matrixWidth\":2,\"matrixHeight\":2}"
    "]}";
/* clang-format on */

enum
{
    L4,
    L3,
    L2,
    L1,
    L0,
    HALF,
    EAST,
    UNDERSCORE
};

static struct pyr_grid *grid;
static struct rok4_descriptor *planned;
static struct pyr_error err;

static struct rok4_plan usual(size_t bottom, size_t top)
{
    const struct rok4_plan plan = {.tms_name = "T",
                                   .name = "P",
                                   .format = ROK4_ZIP_UINT8,
                                   .channels = 3,
                                   .nodata = {1, 2, 3},
                                   .interpolation = "linear",
                                   .tiles_per_width = 16,
                                   .tiles_per_height = 8,
                                   .path_depth = 2,
                                   .bottom = bottom,
                                   .top = top,
                                   .limits = {5, 6, 21, 7}};
    return plan;
}

static enum pyr_result make(const struct rok4_plan *plan,
                            const struct rok4_descriptor *old)
{
    struct rok4_descriptor *descriptor = NULL;
    err.text[0] = '\0';
    const enum pyr_result result =
        rok4_plan_descriptor(plan, grid, old, &descriptor, &err);
    CHECK((result == PYR_OK) == (descriptor != NULL));
    CHECK((result == PYR_OK) == (err.text[0] == '\0'));
    rok4_descriptor_free(planned);
    planned = descriptor;
    return result;
}

static void check_limits(const struct pyr_grid_limits *limits, unsigned min_col,
                         unsigned min_row, unsigned max_col, unsigned max_row)
{
    CHECK_INT(limits->min_col, min_col);
    CHECK_INT(limits->min_row, min_row);
    CHECK_INT(limits->max_col, max_col);
    CHECK_INT(limits->max_row, max_row);
}

static void check_level(size_t level, const char *id, unsigned min_col,
                        unsigned min_row, unsigned max_col, unsigned max_row)
{
    if (planned == NULL || level >= planned->nlevels)
    {
        CHECK(!"a level is missing");
        return;
    }
    CHECK_STR(planned->levels[level].id, id);
    CHECK(!planned->levels[level].empty);
    CHECK_STR(grid->levels[planned->levels[level].grid_level].id, id);
    check_limits(&planned->levels[level].limits, min_col, min_row, max_col,
                 max_row);
}

static void test_new(void)
{
    struct rok4_plan plan = usual(L3, L0);
    CHECK_INT(make(&plan, NULL), PYR_OK);
    CHECK_INT(planned->nlevels, 4);
    check_level(0, "3", 5, 6, 21, 7);
    check_level(1, "2", 2, 3, 10, 3);
    check_level(2, "1", 1, 1, 5, 1);
    check_level(3, "0", 0, 0, 2, 0);
    CHECK_STR(planned->tms_name, "T");
    CHECK_STR(planned->interpolation, "linear");
    CHECK_INT(planned->format, ROK4_ZIP_UINT8);
    CHECK_INT(planned->channels, 3);
    CHECK_INT(planned->nodata[2], 3);
    CHECK_INT(planned->photometric, ROK4_PHOTOMETRIC_RGB);
    for (size_t i = 0; i < planned->nlevels; i++)
    {
        const struct rok4_level *const level = &planned->levels[i];
        CHECK_INT(level->tiles_per_width, 16);
        CHECK_INT(level->tiles_per_height, 8);
        CHECK_INT(level->path_depth, 2);
        CHECK_INT(level->storage, ROK4_STORAGE_FILE);
        CHECK(level->mask_place == NULL && level->tray == NULL);
    }
    CHECK_STR(planned->levels[0].image_place, "P/DATA/3");

    plan.masks = true;
    plan.channels = 2;
    plan.top = L3;
    CHECK_INT(make(&plan, NULL), PYR_OK);
    CHECK_INT(planned->nlevels, 1);
    CHECK_STR(planned->levels[0].mask_place, "P/MASK/3");
    CHECK_INT(planned->photometric, ROK4_PHOTOMETRIC_GRAY);
}

static void test_other_levels(void)
{
    struct rok4_plan plan = usual(L3, HALF);
    plan.limits = (struct pyr_grid_limits){0, 0, 31, 31};
    CHECK_INT(make(&plan, NULL), PYR_OK);
    check_level(4, "half", 0, 0, 2, 1);
    /* 5.5 .. 6 units from the corner of "half", whose tiles are 6 wide. */
    plan.limits = (struct pyr_grid_limits){10, 0, 10, 0};
    CHECK_INT(make(&plan, NULL), PYR_OK);
    check_level(4, "half", 0, 0, 0, 0);
    plan.limits = (struct pyr_grid_limits){11, 0, 11, 0};
    CHECK_INT(make(&plan, NULL), PYR_OK);
    check_level(4, "half", 1, 0, 1, 0);

    plan.top = EAST;
    CHECK_INT(make(&plan, NULL), PYR_USAGE);
    CHECK_STR(err.text,
              "the data lies outside level east of the tile matrix set");
    plan.bottom = plan.top = UNDERSCORE;
    CHECK_INT(make(&plan, NULL), PYR_USAGE);
    CHECK(strstr(err.text, "'under_score'") != NULL);
}

/* With what is there already: it stays, its limits grow, others join. */
static void test_old(void)
{
    struct rok4_plan plan = usual(L3, L1);
    CHECK_INT(make(&plan, NULL), PYR_OK);
    struct rok4_descriptor *const old = planned;
    planned = NULL;
    old->levels[2].empty = true;
    pyr_free(old->interpolation);
    old->interpolation = NULL;

    plan = usual(L4, L1);
    plan.name = "Q";
    plan.format = ROK4_RAW_UINT8;
    plan.channels = 1;
    plan.tiles_per_width = 2;
    plan.limits = (struct pyr_grid_limits){0, 40, 2, 41};
    CHECK_INT(make(&plan, old), PYR_OK);
    CHECK_INT(planned->nlevels, 4);
    check_level(0, "4", 0, 40, 2, 41);
    check_level(1, "3", 0, 6, 21, 20);
    check_level(2, "2", 0, 3, 10, 10);
    check_level(3, "1", 0, 5, 0, 5);
    CHECK_INT(planned->format, ROK4_ZIP_UINT8);
    CHECK_INT(planned->channels, 3);
    CHECK_STR(planned->interpolation, "linear");
    CHECK_INT(planned->levels[0].tiles_per_width, 2);
    CHECK_INT(planned->levels[1].tiles_per_width, 16);
    CHECK_STR(planned->levels[0].image_place, "Q/DATA/4");
    CHECK_STR(planned->levels[1].image_place, "P/DATA/3");

    plan.relocate = true;
    CHECK_INT(make(&plan, old), PYR_OK);
    CHECK_STR(planned->levels[1].image_place, "Q/DATA/3");

    /* Only some of the levels. */
    plan = usual(L0, L0);
    CHECK_INT(make(&plan, old), PYR_USAGE); /* limits beyond the matrix */
    plan.limits = (struct pyr_grid_limits){1, 1, 1, 1};
    CHECK_INT(make(&plan, old), PYR_OK);
    CHECK_INT(planned->nlevels, 4);
    check_level(0, "3", 5, 6, 21, 7);
    check_level(3, "0", 1, 1, 1, 1);
    CHECK(planned->levels[2].empty);

    /* As they are, and nothing else. */
    plan = usual(L2, L0);
    plan.as_old = true;
    CHECK_INT(make(&plan, old), PYR_OK);
    CHECK_INT(planned->nlevels, 2);
    check_level(0, "2", 2, 3, 10, 3);
    rok4_descriptor_free(old);
}

static void check_place(size_t level, const char *tray, const char *image,
                        const char *mask)
{
    const struct rok4_level *const at = &planned->levels[level];
    CHECK(tray != NULL ? at->tray != NULL : at->tray == NULL);
    if (tray != NULL)
        CHECK_STR(at->tray, tray);
    CHECK_STR(at->image_place, image);
    CHECK(mask != NULL ? at->mask_place != NULL : at->mask_place == NULL);
    if (mask != NULL)
        CHECK_STR(at->mask_place, mask);
}

/* On object storages, levels have prefixes and a tray. */
static void test_objects(void)
{
    struct rok4_plan plan = usual(L3, L2);
    plan.storage = ROK4_STORAGE_S3;
    plan.tray = "bucket";
    plan.name = "A/P";
    plan.masks = true;
    CHECK_INT(make(&plan, NULL), PYR_OK);
    CHECK_INT(planned->levels[0].storage, ROK4_STORAGE_S3);
    check_place(0, "bucket", "A/P/DATA_3", "A/P/MASK_3");
    check_place(1, "bucket", "A/P/DATA_2", "A/P/MASK_2");
    struct rok4_descriptor *const old = planned;
    planned = NULL;

    /* In place, they stay; further levels join them. */
    plan = usual(L3, L1);
    plan.storage = ROK4_STORAGE_S3;
    plan.tray = "bucket";
    plan.name = "A/P";
    plan.masks = true;
    CHECK_INT(make(&plan, old), PYR_OK);
    check_place(1, "bucket", "A/P/DATA_2", "A/P/MASK_2");
    check_place(2, "bucket", "A/P/DATA_1", "A/P/MASK_1");

    /* To another storage, with or without the masks. */
    old->levels[0].path_depth = old->levels[1].path_depth = 0;
    plan.storage = ROK4_STORAGE_CEPH;
    plan.tray = "pool";
    plan.name = "Q";
    plan.top = L2;
    plan.relocate = plan.as_old = true;
    CHECK_INT(make(&plan, old), PYR_OK);
    CHECK_INT(planned->levels[1].storage, ROK4_STORAGE_CEPH);
    check_place(1, "pool", "Q/DATA_2", "Q/MASK_2");
    plan.masks = false;
    CHECK_INT(make(&plan, old), PYR_OK);
    check_place(1, "pool", "Q/DATA_2", NULL);

    /* To files, which objects tell no depth of directories for. */
    plan.storage = ROK4_STORAGE_FILE;
    plan.tray = NULL;
    plan.path_depth = 3;
    CHECK_INT(make(&plan, old), PYR_OK);
    check_place(1, NULL, "Q/DATA/2", NULL);
    CHECK_INT(planned->levels[1].path_depth, 3);

    /* And from files, whose depth stays where it counts. */
    struct rok4_descriptor *const files = planned;
    planned = NULL;
    plan.path_depth = 1;
    CHECK_INT(make(&plan, files), PYR_OK);
    CHECK_INT(planned->levels[1].path_depth, 3);
    plan.storage = ROK4_STORAGE_SWIFT;
    plan.tray = "container";
    CHECK_INT(make(&plan, files), PYR_OK);
    check_place(0, "container", "Q/DATA_3", NULL);
    rok4_descriptor_free(files);
    rok4_descriptor_free(old);
}

static void test_masks_of_old(void)
{
    struct rok4_plan plan = usual(L3, L1);
    plan.masks = true;
    CHECK_INT(make(&plan, NULL), PYR_OK);
    struct rok4_descriptor *const old = planned;
    planned = NULL;
    plan.masks = false;
    CHECK_INT(make(&plan, old), PYR_OK);
    CHECK_STR(planned->levels[1].mask_place, "P/MASK/2");
    plan.as_old = true;
    CHECK_INT(make(&plan, old), PYR_OK);
    CHECK(planned->levels[1].mask_place == NULL);
    rok4_descriptor_free(old);
}

static void test_find(void)
{
    struct rok4_plan plan = usual(L3, L2);
    size_t level = 7;
    CHECK_INT(make(&plan, NULL), PYR_OK);
    CHECK_INT(rok4_plan_find(planned, L2, &level), PYR_OK);
    CHECK_INT(level, 1);
    CHECK_INT(rok4_plan_find(planned, L4, &level), PYR_NOT_FOUND);
    CHECK_INT(level, 1);
}

static void test_tile_too_large(void)
{
    struct rok4_plan plan = usual(L3, L3);
    grid->levels[L3].tile_width_px = 16384;
    grid->levels[L3].tile_height_px = 8192;
    CHECK_INT(make(&plan, NULL), PYR_LIMIT);
    CHECK(strstr(err.text, "level 3: a tile takes more than") != NULL);
    grid->levels[L3].tile_width_px = grid->levels[L3].tile_height_px = 4;
}

/* ---- Limits ---- */

/* Levels as of a quadtree over the world: 0 is 2^nfiner times coarser. */
static struct pyr_grid_level world(unsigned level)
{
    const double size = 2 * 20037508.3427892;
    const struct pyr_grid_level matrix = {.cell_size = size / 256 /
                                                       (double)(1u << level),
                                          .origin_x = -size / 2,
                                          .origin_y = size / 2,
                                          .tile_width_px = 256,
                                          .tile_height_px = 256,
                                          .matrix_width = 1u << level,
                                          .matrix_height = 1u << level};
    return matrix;
}

/* In a quadtree, they are those of the engine: halved again and again, even
 * where a fine tile is a small part of a coarse pixel, beside a border. */
static void test_limits_of_quadtree(void)
{
    static const uint32_t firsts[] = {0,      1,      131071,     131072,
                                      131073, 131070, 87381,      262142,
                                      65535,  196607, 0x2AAAAu,   131072 - 256,
                                      131068, 200000, 131072 + 2, 4095};
    const struct pyr_grid_level fine = world(18);
    for (unsigned level = 0; level <= 18; level++)
        for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
            for (uint32_t width = 1;
                 width <= 3 && firsts[i] + width <= 1u << 18; width++)
            {
                const struct pyr_grid_level coarse = world(level);
                const struct pyr_grid_limits limits = {firsts[i], firsts[i],
                                                       firsts[i] + width - 1,
                                                       firsts[i] + width - 1};
                struct pyr_grid_limits found = {9, 9, 9, 9};
                CHECK_INT(rok4_plan_limits(&coarse, &fine, &limits, &found),
                          PYR_OK);
                check_limits(&found, limits.min_col >> (18 - level),
                             limits.min_row >> (18 - level),
                             limits.max_col >> (18 - level),
                             limits.max_row >> (18 - level));
            }
}

/* From coarse to fine, and with edges that miss a border. */
static void test_limits_of_others(void)
{
    const struct pyr_grid_limits one = {1, 2, 1, 3};
    struct pyr_grid_level fine = world(5);
    const struct pyr_grid_level coarse = world(3);
    struct pyr_grid_limits found = {9, 9, 9, 9};
    CHECK_INT(rok4_plan_limits(&fine, &coarse, &one, &found), PYR_OK);
    check_limits(&found, 4, 8, 7, 15);
    fine.origin_x += 0.009 * fine.cell_size;
    fine.origin_y += 0.009 * fine.cell_size;
    CHECK_INT(rok4_plan_limits(&fine, &coarse, &one, &found), PYR_OK);
    check_limits(&found, 4, 8, 7, 15);
    fine.origin_x += 0.01 * fine.cell_size;
    CHECK_INT(rok4_plan_limits(&fine, &coarse, &one, &found), PYR_OK);
    check_limits(&found, 3, 8, 7, 15);
    fine.origin_y += 0.01 * fine.cell_size;
    CHECK_INT(rok4_plan_limits(&fine, &coarse, &one, &found), PYR_OK);
    check_limits(&found, 3, 8, 7, 16);
    fine.matrix_width = 6;
    CHECK_INT(rok4_plan_limits(&fine, &coarse, &one, &found), PYR_OK);
    check_limits(&found, 3, 8, 5, 16);
    fine.origin_x = 0;
    CHECK_INT(rok4_plan_limits(&fine, &coarse, &one, &found), PYR_NOT_FOUND);
    check_limits(&found, 3, 8, 5, 16);
}

static void test_no_memory(void)
{
#ifdef PYR_ALLOC_FAILURES
    struct rok4_plan plan = usual(L3, L1);
    plan.masks = true;
    CHECK_INT(make(&plan, NULL), PYR_OK);
    struct rok4_descriptor *const old = planned;
    planned = NULL;
    old->levels[1].tray = pyr_strdup("t");
    plan.bottom = L4;
    for (int with_old = 0; with_old < 2; with_old++)
    {
        enum pyr_result result = PYR_NOMEM;
        unsigned long nth = 0;
        while (result != PYR_OK && nth < 100)
        {
            pyr_alloc_fail_nth(++nth);
            result = make(&plan, with_old ? old : NULL);
            CHECK(result == PYR_OK || result == PYR_NOMEM);
        }
        pyr_alloc_fail_nth(0);
        CHECK(nth > 10 && nth < 100);
    }
    rok4_descriptor_free(old);
#endif
}

int main(void)
{
    if (pyr_grid_parse(TMS, strlen(TMS), &grid, &err) != PYR_OK)
    {
        printf("%s\n", err.text);
        return 1;
    }
    RUN(test_new);
    RUN(test_other_levels);
    RUN(test_old);
    RUN(test_objects);
    RUN(test_masks_of_old);
    RUN(test_find);
    RUN(test_tile_too_large);
    RUN(test_limits_of_quadtree);
    RUN(test_limits_of_others);
    RUN(test_no_memory);
    rok4_descriptor_free(planned);
    pyr_grid_free(grid);
    return unit_report();
}
