/* SPDX-License-Identifier: MIT */
/* Tile matrix sets: parsing, levels by id, kind of grid, rectangles. */
#include "pyr_grid.h"

#include "pyr_alloc.h"
#include "pyr_json.h"

#include <math.h>
#include <string.h>

/* Far beyond any real CRS, yet near enough to zero for sums and products to
 * stay finite and exact to well below a pixel. */
#define MAX_COORDINATE 1e15
/* Origin in cells: pixel edges must differ from each other as doubles. */
#define MAX_COORDINATE_CELLS 1e15
#define MIN_CELL_SIZE 1e-12
#define MAX_CELL_SIZE 1e12

/* Relative difference from 2 of the ratio of two levels of a quadtree. */
#define QUADTREE_TOLERANCE 1e-4
/* Of an integer ratio and of pixel centres, in cells of the finest level. */
#define RATIO_TOLERANCE_CELLS 1e-2
/* Overlap due to rounding, relative to the largest coordinate. Published cell
 * sizes double exactly to about 1e-12 only (spec section 3). */
#define OVERLAP_TOLERANCE 1e-11

static enum pyr_result parse_cell_size(const struct pyr_json_node *node,
                                       double *out_cell_size,
                                       struct pyr_error *err)
{
    char text[PYR_DOUBLE_BYTES];
    double value = 0.0;
    enum pyr_result result = pyr_json_double(node, "cellSize", &value, err);
    if (result != PYR_OK)
        return result;
    if (!(value >= MIN_CELL_SIZE && value <= MAX_CELL_SIZE))
        return pyr_fail(err, PYR_CORRUPT,
                        "%s.cellSize is %s, expected 1e-12 .. 1e12", node->path,
                        pyr_format_double(value, text));
    *out_cell_size = value;
    return PYR_OK;
}

static enum pyr_result parse_coordinate(const struct pyr_json_node *origin,
                                        size_t index, double *out_value,
                                        struct pyr_error *err)
{
    char text[PYR_DOUBLE_BYTES];
    double value = 0.0;
    enum pyr_result result = pyr_json_item_double(origin, index, &value, err);
    if (result != PYR_OK)
        return result;
    if (!(fabs(value) <= MAX_COORDINATE))
        return pyr_fail(err, PYR_CORRUPT,
                        "%s[%zu] is %s, expected -1e15 .. "
                        "1e15",
                        origin->path, index, pyr_format_double(value, text));
    *out_value = value;
    return PYR_OK;
}

static enum pyr_result parse_count(const struct pyr_json_node *node,
                                   const char *key, uint32_t max,
                                   uint32_t *out_value, struct pyr_error *err)
{
    int64_t value = 0;
    enum pyr_result result = pyr_json_int(node, key, 1, max, &value, err);
    if (result == PYR_OK)
        *out_value = (uint32_t)value;
    return result;
}

static enum pyr_result parse_id(const struct pyr_json_node *node, char **out_id,
                                struct pyr_error *err)
{
    const char *text = NULL;
    enum pyr_result result =
        pyr_json_string(node, "id", PYR_MAX_NAME_BYTES, &text, err);
    if (result != PYR_OK)
        return result;
    if (text[0] == '\0')
        return pyr_fail(err, PYR_CORRUPT, "%s.id is empty", node->path);
    *out_id = pyr_strdup(text);
    return *out_id ? PYR_OK : pyr_fail(err, PYR_NOMEM, "out of memory");
}

/* Both coordinates; for a level whose cell size is known. */
static enum pyr_result parse_origin(const struct pyr_json_node *node,
                                    struct pyr_grid_level *level,
                                    struct pyr_error *err)
{
    struct pyr_json_node origin;
    size_t count = 0;
    enum pyr_result result =
        pyr_json_array(node, "pointOfOrigin", &origin, &count, err);
    if (result == PYR_OK)
        result = parse_coordinate(&origin, 0, &level->origin_x, err);
    if (result == PYR_OK)
        result = parse_coordinate(&origin, 1, &level->origin_y, err);
    if (result != PYR_OK)
        return result;
    if (fmax(fabs(level->origin_x), fabs(level->origin_y)) >
        MAX_COORDINATE_CELLS * level->cell_size)
        return pyr_fail(err, PYR_CORRUPT,
                        "%s is more than 1e15 cells away from 0", origin.path);
    return PYR_OK;
}

/* OGC sets may count rows from the bottom: read as if from the top, they would
 * be placed wrongly without a word. */
static enum pyr_result check_corner(const struct pyr_json_node *node,
                                    struct pyr_error *err)
{
    const char *corner = "topLeft";
    enum pyr_result result = PYR_OK;
    if (pyr_json_has(node, "cornerOfOrigin"))
        result = pyr_json_string(node, "cornerOfOrigin", PYR_MAX_NAME_BYTES,
                                 &corner, err);
    if (result == PYR_OK && strcmp(corner, "topLeft") != 0)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "%s.cornerOfOrigin is not topLeft", node->path);
    return result;
}

/* The id belongs to level even on failure. */
static enum pyr_result parse_level(const struct pyr_json_node *node,
                                   struct pyr_grid_level *level,
                                   struct pyr_error *err)
{
    enum pyr_result result = parse_id(node, &level->id, err);
    if (result == PYR_OK)
        result = check_corner(node, err);
    if (result == PYR_OK)
        result = parse_cell_size(node, &level->cell_size, err);
    if (result == PYR_OK)
        result = parse_origin(node, level, err);
    if (result == PYR_OK)
        result = parse_count(node, "tileWidth", PYR_MAX_TILE_SIDE_PX,
                             &level->tile_width_px, err);
    if (result == PYR_OK)
        result = parse_count(node, "tileHeight", PYR_MAX_TILE_SIDE_PX,
                             &level->tile_height_px, err);
    if (result == PYR_OK)
        result = parse_count(node, "matrixWidth", INT32_MAX,
                             &level->matrix_width, err);
    if (result == PYR_OK)
        result = parse_count(node, "matrixHeight", INT32_MAX,
                             &level->matrix_height, err);
    return result;
}

/* "crs": "EPSG:3857", or {"uri": ...} or {"wkt": ...} of OGC 17-083r4. */
static enum pyr_result parse_crs(const struct pyr_json_node *root,
                                 char **out_crs, struct pyr_error *err)
{
    struct pyr_json_node crs;
    const char *text = NULL;
    enum pyr_result result;
    if (pyr_json_object(root, "crs", &crs, NULL) != PYR_OK)
        result = pyr_json_string(root, "crs", PYR_MAX_CRS_BYTES, &text, err);
    else
        result =
            pyr_json_string(&crs, pyr_json_has(&crs, "wkt") ? "wkt" : "uri",
                            PYR_MAX_CRS_BYTES, &text, err);
    if (result != PYR_OK)
        return result;
    if (text[0] == '\0')
        return pyr_fail(err, PYR_CORRUPT, "crs is empty");
    *out_crs = pyr_strdup(text);
    return *out_crs ? PYR_OK : pyr_fail(err, PYR_NOMEM, "out of memory");
}

/* From the finest to the coarsest; levels are few, and this sort is stable. */
static void sort_levels(struct pyr_grid *grid)
{
    size_t sorted;
    for (sorted = 1; sorted < grid->nlevels; sorted++)
    {
        const struct pyr_grid_level level = grid->levels[sorted];
        size_t at = sorted;
        while (at > 0 && grid->levels[at - 1].cell_size > level.cell_size)
        {
            grid->levels[at] = grid->levels[at - 1];
            at--;
        }
        grid->levels[at] = level;
    }
}

static enum pyr_result parse_levels(const struct pyr_json_node *root,
                                    struct pyr_grid *grid,
                                    struct pyr_error *err)
{
    struct pyr_json_node array;
    struct pyr_json_node node;
    size_t count = 0;
    size_t at;
    enum pyr_result result =
        pyr_json_array(root, "tileMatrices", &array, &count, err);
    if (result != PYR_OK)
        return result;
    if (count == 0)
        return pyr_fail(err, PYR_CORRUPT,
                        "tileMatrices is empty, expected at least one");
    if (count > PYR_MAX_LEVELS)
        return pyr_fail(err, PYR_LIMIT,
                        "tileMatrices has %zu items, expected at most %u",
                        count, PYR_MAX_LEVELS);
    grid->levels = pyr_calloc(count, sizeof *grid->levels);
    if (!grid->levels)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    for (at = 0; at < count; at++)
    {
        size_t found = 0;
        struct pyr_grid_level *level = &grid->levels[at];
        result = pyr_json_item_object(&array, at, &node, err);
        if (result == PYR_OK)
        {
            /* Its id is to be freed, also when the rest of it is wrong. */
            grid->nlevels = at + 1;
            result = parse_level(&node, level, err);
        }
        if (result != PYR_OK)
            return result;
        if (pyr_grid_find(grid, level->id, &found) == PYR_OK && found != at)
        {
            char excerpt[PYR_JSON_EXCERPT_BYTES];
            return pyr_fail(err, PYR_CORRUPT,
                            "%s.id is '%s', which stands twice", node.path,
                            pyr_json_excerpt(level->id, excerpt));
        }
    }
    sort_levels(grid);
    return PYR_OK;
}

enum pyr_result pyr_grid_parse(const char *text, size_t nbytes,
                               struct pyr_grid **out_grid,
                               struct pyr_error *err)
{
    struct pyr_json *json = NULL;
    struct pyr_json_node root;
    struct pyr_grid *grid = NULL;
    enum pyr_result result = pyr_json_parse(text, nbytes, &json, &root, err);
    if (result != PYR_OK)
        return result;
    grid = pyr_calloc(1, sizeof *grid);
    if (!grid)
    {
        result = pyr_fail(err, PYR_NOMEM, "out of memory");
        goto done;
    }
    result = parse_crs(&root, &grid->crs, err);
    if (result == PYR_OK)
        result = parse_levels(&root, grid, err);
    if (result == PYR_NOT_FOUND)
        result = PYR_CORRUPT; /* a member is missing, not the grid */
    if (result != PYR_OK)
        goto done;
    *out_grid = grid;
    grid = NULL;

done:
    pyr_grid_free(grid);
    pyr_json_free(json);
    return result;
}

void pyr_grid_free(struct pyr_grid *grid)
{
    size_t at;
    if (!grid)
        return;
    for (at = 0; at < grid->nlevels; at++)
        pyr_free(grid->levels[at].id);
    pyr_free(grid->levels);
    pyr_free(grid->crs);
    pyr_free(grid);
}

enum pyr_result pyr_grid_find(const struct pyr_grid *grid, const char *id,
                              size_t *out_index)
{
    size_t at;
    for (at = 0; at < grid->nlevels; at++)
    {
        if (grid->levels[at].id && strcmp(grid->levels[at].id, id) == 0)
        {
            *out_index = at;
            return PYR_OK;
        }
    }
    return PYR_NOT_FOUND;
}

/* Origins are compared exactly, as the reference server does: it takes a grid
 * for a quadtree only then. */
static bool is_quadtree(const struct pyr_grid *grid)
{
    size_t at;
    for (at = 1; at < grid->nlevels; at++)
    {
        const struct pyr_grid_level *fine = &grid->levels[at - 1];
        const struct pyr_grid_level *coarse = &grid->levels[at];
        const double ratio = coarse->cell_size / fine->cell_size;
        if (fabs(ratio / 2.0 - 1.0) > QUADTREE_TOLERANCE ||
            coarse->origin_x != fine->origin_x ||
            coarse->origin_y != fine->origin_y ||
            coarse->tile_width_px != fine->tile_width_px ||
            coarse->tile_height_px != fine->tile_height_px)
            return false;
    }
    return true;
}

/* Whether each pixel centre of coarse is one of fine; tolerance in CRS units.
 * It is enough that the top-left centres coincide and the sizes divide. */
static bool picks_pixels_of(const struct pyr_grid_level *coarse,
                            const struct pyr_grid_level *fine, double tolerance)
{
    const double ratio = round(coarse->cell_size / fine->cell_size);
    const double half = (coarse->cell_size - fine->cell_size) / 2.0;
    return ratio >= 2.0 &&
           fabs(coarse->cell_size - ratio * fine->cell_size) <= tolerance &&
           fabs(coarse->origin_x + half - fine->origin_x) <= tolerance &&
           fabs(coarse->origin_y - half - fine->origin_y) <= tolerance;
}

bool pyr_grid_picks(const struct pyr_grid_level *coarse,
                    const struct pyr_grid_level *fine)
{
    return picks_pixels_of(coarse, fine,
                           RATIO_TOLERANCE_CELLS * fine->cell_size);
}

enum pyr_grid_kind pyr_grid_kind_of(const struct pyr_grid *grid)
{
    const double tolerance = RATIO_TOLERANCE_CELLS * grid->levels[0].cell_size;
    size_t coarse;
    if (is_quadtree(grid))
        return PYR_GRID_QUADTREE;
    for (coarse = 1; coarse < grid->nlevels; coarse++)
    {
        size_t fine = 0;
        while (fine < coarse &&
               !picks_pixels_of(&grid->levels[coarse], &grid->levels[fine],
                                tolerance))
            fine++;
        if (fine == coarse)
            return PYR_GRID_IRREGULAR;
    }
    return PYR_GRID_INTEGER_RATIO;
}

struct pyr_grid_bounds pyr_grid_bounds_of(const struct pyr_grid_level *level,
                                          const struct pyr_grid_limits *limits)
{
    /* Pixel counts stay below 2^46, so that they are exact. */
    const double width_px = level->tile_width_px;
    const double height_px = level->tile_height_px;
    const struct pyr_grid_bounds bounds = {
        .min_x =
            level->origin_x + limits->min_col * width_px * level->cell_size,
        .min_y = level->origin_y -
                 (limits->max_row + 1.0) * height_px * level->cell_size,
        .max_x = level->origin_x +
                 (limits->max_col + 1.0) * width_px * level->cell_size,
        .max_y =
            level->origin_y - limits->min_row * height_px * level->cell_size,
    };
    return bounds;
}

/* Whether two intervals overlap by more than rounding explains. */
static bool intervals_meet(double left_min, double left_max, double right_min,
                           double right_max)
{
    const double largest = fmax(fmax(fabs(left_min), fabs(left_max)),
                                fmax(fabs(right_min), fabs(right_max)));
    return fmin(left_max, right_max) - fmax(left_min, right_min) >
           largest * OVERLAP_TOLERANCE;
}

bool pyr_grid_bounds_meet(const struct pyr_grid_bounds *left,
                          const struct pyr_grid_bounds *right)
{
    return intervals_meet(left->min_x, left->max_x, right->min_x,
                          right->max_x) &&
           intervals_meet(left->min_y, left->max_y, right->min_y, right->max_y);
}

bool pyr_grid_name_safe(const char *name)
{
    size_t at;
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (at = 0; name[at] != '\0'; at++)
    {
        const unsigned char byte = (unsigned char)name[at];
        if (at >= PYR_MAX_NAME_BYTES || byte < 0x20 || byte == 0x7F ||
            strchr("/\\<>:", byte) != NULL)
            return false;
    }
    return true;
}
