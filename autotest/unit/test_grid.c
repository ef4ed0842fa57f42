/* SPDX-License-Identifier: MIT */
/* Tests of pyr_grid: parsing, kinds of grid, rectangles, names; and that every
 * TMS file of the directories given as arguments parses. */
#include "pyr_alloc.h"
#include "pyr_grid.h"
#include "unit.h"

#include <dirent.h>
#include <stdlib.h>

#define MATRIX                                                                 \
    "\"pointOfOrigin\":[-20,40],\"tileWidth\":256,\"tileHeight\":128,"         \
    "\"matrixWidth\":3,\"matrixHeight\":2"
#define LEVEL "{\"id\":\"0\",\"cellSize\":8," MATRIX "}"
#define TMS "{\"crs\":\"EPSG:2154\",\"tileMatrices\":[" LEVEL "]}"

static struct pyr_grid *grid;
static struct pyr_error err;

static enum pyr_result parse(const char *text)
{
    enum pyr_result result;
    grid = NULL;
    err.text[0] = '\0';
    result = pyr_grid_parse(text, strlen(text), &grid, &err);
    CHECK(result == PYR_OK || grid == NULL);
    return result;
}

/* Parses TMS with its first from replaced by to. */
static enum pyr_result parse_with(const char *from, const char *to)
{
    const char *at = strstr(TMS, from);
    char *text = malloc(strlen(TMS) + strlen(to) + 1);
    enum pyr_result result;
    if (!at || !text)
        abort();
    (void)snprintf(text, strlen(TMS) + strlen(to) + 1, "%.*s%s%s",
                   (int)(at - TMS), TMS, to, at + strlen(from));
    result = parse(text);
    free(text);
    return result;
}

static void refused(const char *from, const char *to, const char *message)
{
    CHECK_INT(parse_with(from, to), PYR_CORRUPT);
    CHECK_STR(err.text, message);
    pyr_grid_free(grid);
}

static void accepted(const char *from, const char *to)
{
    CHECK_INT(parse_with(from, to), PYR_OK);
    CHECK_STR(err.text, "");
}

static void test_members(void)
{
    const struct pyr_grid_level *level;
    CHECK_INT(parse(TMS), PYR_OK);
    CHECK_STR(grid->crs, "EPSG:2154");
    CHECK_INT(grid->nlevels, 1);
    level = &grid->levels[0];
    CHECK_STR(level->id, "0");
    CHECK(level->cell_size == 8.0);
    CHECK(level->origin_x == -20.0 && level->origin_y == 40.0);
    CHECK_INT(level->tile_width_px, 256);
    CHECK_INT(level->tile_height_px, 128);
    CHECK_INT(level->matrix_width, 3);
    CHECK_INT(level->matrix_height, 2);
    pyr_grid_free(grid);
    pyr_grid_free(NULL);
    accepted("{\"crs\"", "{\"id\":3,\"title\":[],\"orderedAxes\":null,\"crs\"");
    pyr_grid_free(grid);
    accepted("[-20,40]", "[-20,40,\"up\"]");
    pyr_grid_free(grid);
    accepted("3,\"matrixHeight\":2", "2147483647,\"matrixHeight\":2147483647");
    CHECK_INT(grid->levels[0].matrix_width, INT32_MAX);
    pyr_grid_free(grid);
}

static void test_crs(void)
{
    char *text = malloc(PYR_MAX_CRS_BYTES + 10);
    accepted("\"EPSG:2154\"", "{\"uri\":\"urn:x\"}");
    CHECK_STR(grid->crs, "urn:x");
    pyr_grid_free(grid);
    accepted("\"EPSG:2154\"", "{\"wkt\":\"PROJCS[]\",\"uri\":4}");
    CHECK_STR(grid->crs, "PROJCS[]");
    pyr_grid_free(grid);
    refused("\"crs\"", "\"CRS\"", "crs is missing");
    refused("\"EPSG:2154\"", "\"\"", "crs is empty");
    refused("\"EPSG:2154\"", "2154", "crs is a number, expected a string");
    refused("\"EPSG:2154\"", "{}", "crs.uri is missing");
    refused("\"EPSG:2154\"", "{\"wkt\":{}}",
            "crs.wkt is an object, expected a string");
    if (!text)
        abort();
    memset(text, 'x', PYR_MAX_CRS_BYTES + 3);
    text[0] = '"';
    memcpy(text + PYR_MAX_CRS_BYTES + 1, "\"", 2);
    accepted("\"EPSG:2154\"", text);
    pyr_grid_free(grid);
    memcpy(text + PYR_MAX_CRS_BYTES + 1, "x\"", 3);
    CHECK_INT(parse_with("\"EPSG:2154\"", text), PYR_LIMIT);
    free(text);
}

static void test_refused_levels(void)
{
    char text[PYR_MAX_NAME_BYTES + 4];
    CHECK_INT(parse("{"), PYR_CORRUPT);
    refused("\"tileMatrices\"", "\"levels\"", "tileMatrices is missing");
    refused(LEVEL, "", "tileMatrices is empty, expected at least one");
    refused(LEVEL, "4", "tileMatrices[0] is a number, expected an object");
    refused(LEVEL, LEVEL "," LEVEL,
            "tileMatrices[1].id is '0', which stands twice");
    refused("\"id\":\"0\"", "\"id\":0",
            "tileMatrices[0].id is a number, expected a string");
    refused("\"id\":\"0\"", "\"id\":\"\"", "tileMatrices[0].id is empty");
    refused("\"id\":\"0\",", "", "tileMatrices[0].id is missing");
    memset(text, 'i', sizeof text);
    text[0] = '"';
    memcpy(text + PYR_MAX_NAME_BYTES + 1, "\"", 2);
    accepted("\"0\"", text);
    pyr_grid_free(grid);
    memcpy(text + PYR_MAX_NAME_BYTES + 1, "i\"", 3);
    CHECK_INT(parse_with("\"0\"", text), PYR_LIMIT);
    CHECK_STR(err.text,
              "tileMatrices[0].id has 257 bytes, expected at most 256");
}

static void test_refused_numbers(void)
{
    refused(":8,", ":0,",
            "tileMatrices[0].cellSize is 0, expected 1e-12 .. 1e12");
    refused(":8,", ":-8,",
            "tileMatrices[0].cellSize is -8, expected 1e-12 .. 1e12");
    CHECK_INT(parse_with(":8,", ":1e-13,"), PYR_CORRUPT);
    CHECK_INT(parse_with(":8,", ":1e13,"), PYR_CORRUPT);
    CHECK_INT(parse_with(":8,", ":1e999,"), PYR_CORRUPT);
    CHECK_INT(parse_with(":8,", ":\"8\","), PYR_CORRUPT);
    CHECK_INT(parse_with("[-20,40]", "[1e16,40]"), PYR_CORRUPT);
    CHECK(strstr(err.text, "tileMatrices[0].pointOfOrigin[0] is ") != NULL);
    CHECK(strstr(err.text, ", expected -1e15 .. 1e15") != NULL);
    refused("8,\"pointOfOrigin\":[-20,40]", "1e-9,\"pointOfOrigin\":[-20,2e6]",
            "tileMatrices[0].pointOfOrigin is more than 1e15 cells away from "
            "0");
    refused("[-20,40]", "[-20]", "tileMatrices[0].pointOfOrigin[1] is missing");
    refused("[-20,40]", "[-20,\"40\"]",
            "tileMatrices[0].pointOfOrigin[1] is a string, expected a number");
    refused("[-20,40]", "{}",
            "tileMatrices[0].pointOfOrigin is an object, expected an array");
    refused("\"tileWidth\":256", "\"tileWidth\":0",
            "tileMatrices[0].tileWidth is 0, expected 1 .. 16384");
    refused("\"tileHeight\":128", "\"tileHeight\":16385",
            "tileMatrices[0].tileHeight is 16385, expected 1 .. 16384");
    refused("\"tileHeight\":128", "\"tileHeight\":12.5",
            "tileMatrices[0].tileHeight is 12.5, expected a whole number");
    refused("\"matrixWidth\":3", "\"matrixWidth\":-3",
            "tileMatrices[0].matrixWidth is -3, expected 1 .. 2147483647");
    refused("\"matrixHeight\":2", "\"matrixHeight\":2147483648",
            "tileMatrices[0].matrixHeight is 2147483648, expected 1 .. "
            "2147483647");
    refused(",\"matrixHeight\":2", "",
            "tileMatrices[0].matrixHeight is missing");
}

/* A level of 10x10 tiles of 100x100 pixels. */
static struct pyr_grid_level level_of(double cell_size, double origin_x,
                                      double origin_y)
{
    const struct pyr_grid_level level = {NULL, cell_size, origin_x, origin_y,
                                         100,  100,       10,       10};
    return level;
}

static enum pyr_grid_kind kind(struct pyr_grid_level *levels, size_t nlevels)
{
    const struct pyr_grid some = {NULL, nlevels, levels};
    return pyr_grid_kind_of(&some);
}

static void test_kinds(void)
{
    struct pyr_grid_level levels[3];
    levels[0] = level_of(1.0, -0.5, 7.5);
    CHECK_INT(kind(levels, 1), PYR_GRID_QUADTREE);
    levels[1] = level_of(2.0001, -0.5, 7.5);
    levels[2] = level_of(4.0, -0.5, 7.5);
    CHECK_INT(kind(levels, 3), PYR_GRID_QUADTREE);
    levels[1].cell_size = 2.001;
    CHECK_INT(kind(levels, 3), PYR_GRID_IRREGULAR);
    levels[1] = level_of(2.0, -0.5, 7.0);
    CHECK_INT(kind(levels, 3), PYR_GRID_IRREGULAR);
    levels[1] = level_of(2.0, -0.5, 7.5);
    levels[1].tile_width_px = 200;
    CHECK_INT(kind(levels, 3), PYR_GRID_IRREGULAR);

    /* Top-left pixel centres at (0, 7); 1, 5 and 15; then 3 divides 15. */
    levels[1] = level_of(5.0, -2.5, 9.5);
    levels[2] = level_of(15.0, -7.5, 14.5);
    CHECK_INT(kind(levels, 3), PYR_GRID_INTEGER_RATIO);
    levels[1] = level_of(5.009, -2.5, 9.5);
    CHECK_INT(kind(levels, 3), PYR_GRID_INTEGER_RATIO);
    levels[1] = level_of(5.02, -2.5, 9.5);
    CHECK_INT(kind(levels, 3), PYR_GRID_IRREGULAR);
    levels[1] = level_of(5.0, -2.5, 9.6);
    CHECK_INT(kind(levels, 3), PYR_GRID_IRREGULAR);
    levels[1] = level_of(1.0, -0.5, 7.5);
    CHECK_INT(kind(levels, 2), PYR_GRID_IRREGULAR);
}

static void test_order_and_find(void)
{
    size_t index = 9;
    CHECK_INT(parse("{\"crs\":\"c\",\"tileMatrices\":["
                    "{\"id\":\"top\",\"cellSize\":8," MATRIX "},"
                    "{\"id\":\"first\",\"cellSize\":2," MATRIX "},"
                    "{\"id\":\"low\",\"cellSize\":1," MATRIX "},"
                    "{\"id\":\"second\",\"cellSize\":2," MATRIX "}]}"),
              PYR_OK);
    CHECK_STR(grid->levels[0].id, "low");
    CHECK_STR(grid->levels[1].id, "first");
    CHECK_STR(grid->levels[2].id, "second");
    CHECK_STR(grid->levels[3].id, "top");
    CHECK_INT(pyr_grid_find(grid, "second", &index), PYR_OK);
    CHECK_INT(index, 2);
    CHECK_INT(pyr_grid_find(grid, "Low", &index), PYR_NOT_FOUND);
    CHECK_INT(pyr_grid_find(grid, "", &index), PYR_NOT_FOUND);
    CHECK_INT(index, 2);
    pyr_grid_free(grid);
}

static void test_bounds(void)
{
    struct pyr_grid_level level = {NULL, 0.5, -20.0,     40.0,
                                   256,  128, INT32_MAX, INT32_MAX};
    const struct pyr_grid_limits limits = {1, 2, 3, 2};
    const struct pyr_grid_limits all = {0, 0, INT32_MAX - 1, UINT32_MAX};
    struct pyr_grid_bounds bounds = pyr_grid_bounds_of(&level, &limits);
    CHECK(bounds.min_x == 108.0 && bounds.max_x == 492.0);
    CHECK(bounds.max_y == -88.0 && bounds.min_y == -152.0);
    bounds = pyr_grid_bounds_of(&level, &all);
    CHECK(bounds.max_x == 128.0 * INT32_MAX - 20.0);
    CHECK(bounds.min_y == 40.0 - 64.0 * 4294967296.0);
}

static void check_meet(double min_x, double min_y, double max_x, double max_y,
                       bool expected)
{
    const struct pyr_grid_bounds unit = {10.0, 10.0, 20.0, 20.0};
    const struct pyr_grid_bounds other = {min_x, min_y, max_x, max_y};
    CHECK(pyr_grid_bounds_meet(&unit, &other) == expected);
    CHECK(pyr_grid_bounds_meet(&other, &unit) == expected);
}

static void test_meet(void)
{
    check_meet(12.0, 12.0, 13.0, 13.0, true);
    check_meet(0.0, 0.0, 30.0, 30.0, true);
    check_meet(19.0, 0.0, 30.0, 11.0, true);
    check_meet(20.0, 10.0, 30.0, 20.0, false);
    check_meet(10.0, 0.0, 20.0, 10.0, false);
    check_meet(20.0 - 1e-12, 10.0, 30.0, 20.0, false); /* rounding */
    check_meet(20.0 - 1e-9, 10.0, 30.0, 20.0, true);
    check_meet(30.0, 12.0, 40.0, 13.0, false);
    check_meet(12.0, 30.0, 13.0, 40.0, false);
}

static void test_names(void)
{
    char name[PYR_MAX_NAME_BYTES + 2];
    CHECK(pyr_grid_name_safe("LAMB93_12.5m"));
    CHECK(pyr_grid_name_safe("..."));
    CHECK(pyr_grid_name_safe("caf\xC3\xA9 noir.json"));
    CHECK(!pyr_grid_name_safe(""));
    CHECK(!pyr_grid_name_safe("."));
    CHECK(!pyr_grid_name_safe(".."));
    CHECK(!pyr_grid_name_safe("../PM"));
    CHECK(!pyr_grid_name_safe("/PM"));
    CHECK(!pyr_grid_name_safe("a\\b"));
    CHECK(!pyr_grid_name_safe("<PM>"));
    CHECK(!pyr_grid_name_safe("a>"));
    CHECK(!pyr_grid_name_safe("C:PM"));
    CHECK(!pyr_grid_name_safe("a\nb"));
    CHECK(!pyr_grid_name_safe("a\x7F"));
    memset(name, 'n', sizeof name);
    name[PYR_MAX_NAME_BYTES] = '\0';
    CHECK(pyr_grid_name_safe(name));
    name[PYR_MAX_NAME_BYTES] = 'n';
    name[PYR_MAX_NAME_BYTES + 1] = '\0';
    CHECK(!pyr_grid_name_safe(name));
}

static void test_too_many_levels(void)
{
    const size_t nbytes = 256 * (PYR_MAX_LEVELS + 2);
    char *text = malloc(nbytes);
    size_t at;
    unsigned count;
    if (!text)
        abort();
    for (count = PYR_MAX_LEVELS; count <= PYR_MAX_LEVELS + 1; count++)
    {
        unsigned level;
        at =
            (size_t)snprintf(text, nbytes, "{\"crs\":\"c\",\"tileMatrices\":[");
        for (level = 0; level < count; level++)
            at += (size_t)snprintf(text + at, nbytes - at,
                                   "%s{\"id\":\"%u\",\"cellSize\":8,%s}",
                                   level != 0 ? "," : "", level, MATRIX);
        (void)snprintf(text + at, nbytes - at, "]}");
        CHECK_INT(parse(text), count <= PYR_MAX_LEVELS ? PYR_OK : PYR_LIMIT);
        pyr_grid_free(grid);
    }
    CHECK_STR(err.text, "tileMatrices has 129 items, expected at most 128");
    free(text);
}

static void test_no_memory(void)
{
    unsigned long nth = 0;
    enum pyr_result result = PYR_NOMEM;
    while (result == PYR_NOMEM && nth < 100)
    {
        pyr_alloc_fail_nth(++nth);
        result = parse(TMS);
        CHECK(result == PYR_OK || strcmp(err.text, "out of memory") == 0);
    }
    pyr_alloc_fail_nth(0);
    CHECK_INT(result, PYR_OK);
    CHECK_INT(nth, 6); /* document, grid, crs, levels, id; then none */
    pyr_grid_free(grid);
}

static void parse_file(const char *directory, const char *name)
{
    char path[4096];
    char *text = malloc(PYR_MAX_JSON_BYTES);
    FILE *file;
    size_t nbytes;
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "rb");
    if (!file || !text)
        abort();
    nbytes = fread(text, 1, PYR_MAX_JSON_BYTES, file);
    (void)fclose(file);
    if (pyr_grid_parse(text, nbytes, &grid, &err) == PYR_OK)
        pyr_grid_free(grid);
    else
        CHECK_STR(err.text, path);
    free(text);
}

static const char *given_directory;

static void test_directory(void)
{
    DIR *directory = opendir(given_directory);
    const struct dirent *entry;
    int nfiles = 0;
    if (!directory)
        abort();
    while ((entry = readdir(directory)) != NULL)
    {
        if (strstr(entry->d_name, ".json"))
        {
            parse_file(given_directory, entry->d_name);
            nfiles++;
        }
    }
    (void)closedir(directory);
    CHECK(nfiles > 0);
}

static void test_corner(void)
{
    accepted("\"cellSize\"", "\"cornerOfOrigin\":\"topLeft\",\"cellSize\"");
    pyr_grid_free(grid);
    CHECK_INT(parse_with("\"cellSize\"",
                         "\"cornerOfOrigin\":\"bottomLeft\",\"cellSize\""),
              PYR_UNSUPPORTED);
    CHECK_STR(err.text, "tileMatrices[0].cornerOfOrigin is not topLeft");
}

int main(int argc, char **argv)
{
    int at;
    RUN(test_members);
    RUN(test_crs);
    RUN(test_refused_levels);
    RUN(test_refused_numbers);
    RUN(test_corner);
    RUN(test_kinds);
    RUN(test_order_and_find);
    RUN(test_bounds);
    RUN(test_meet);
    RUN(test_names);
    RUN(test_too_many_levels);
    RUN(test_no_memory);
    for (at = 1; at < argc; at++)
    {
        given_directory = argv[at];
        RUN(test_directory);
    }
    return unit_report();
}
