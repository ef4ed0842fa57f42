/* SPDX-License-Identifier: MIT */
/* The dataset that a pyramid makes: its extent, and its levels as overviews. */
#include "rok4_layout.h"

#include <math.h>
#include <string.h>

/* Pixels by which a computed edge may miss a pixel border that it means: the
 * cell sizes of published sets double only to 1e-12 relative (spec section 3),
 * which is 1e-3 pixels at 2^30. */
#define EDGE_TOLERANCE_PX 1e-2
/* Relative error of a ratio of cell sizes that means an integer. */
#define RATIO_TOLERANCE 1e-6
/* Pixels by which size / ratio of up to 2^31 may miss a whole number. */
#define SIZE_TOLERANCE_PX 1e-5
#define FAR_PX 1e15

/* A range of pixels of a level along one axis. */
struct span
{
    int64_t first;
    int64_t count;
};

static enum pyr_result find_level(const struct rok4_pyramid *pyramid,
                                  const char *id, size_t *out_level,
                                  struct pyr_error *err)
{
    const struct rok4_descriptor *const descriptor = pyramid->descriptor;
    for (size_t i = 0; i < descriptor->nlevels; i++)
    {
        if (strcmp(descriptor->levels[i].id, id) != 0)
            continue;
        if (descriptor->levels[i].empty)
            return pyr_fail(err, PYR_NOT_FOUND, "level %s is empty", id);
        *out_level = i;
        return PYR_OK;
    }
    return pyr_fail(err, PYR_NOT_FOUND, "the pyramid has no level %s", id);
}

static enum pyr_result find_finest(const struct rok4_pyramid *pyramid,
                                   size_t *out_level, struct pyr_error *err)
{
    for (size_t i = 0; i < pyramid->descriptor->nlevels; i++)
        if (!pyramid->descriptor->levels[i].empty)
        {
            *out_level = i;
            return PYR_OK;
        }
    return pyr_fail(err, PYR_NOT_FOUND, "every level is empty");
}

static struct pyr_grid_bounds level_bounds(const struct rok4_pyramid *pyramid,
                                           size_t level)
{
    return pyr_grid_bounds_of(rok4_pyramid_grid_level(pyramid, level),
                              &pyramid->descriptor->levels[level].limits);
}

/* Tiles min .. max as pixels. */
static struct span tiles_span(uint32_t min, uint32_t max, uint32_t tile_px)
{
    const struct span span = {(int64_t)min * tile_px,
                              ((int64_t)max - min + 1) * tile_px};
    return span;
}

/* CRS distances from the level's corner, low < high, widened to whole pixels.
 */
static struct span bounds_span(double low, double high, double cell_size)
{
    const double first = floor(low / cell_size + EDGE_TOLERANCE_PX);
    const double end = ceil(high / cell_size - EDGE_TOLERANCE_PX);
    const struct span span = {(int64_t)first,
                              end > first ? (int64_t)(end - first) : 1};
    return span;
}

static enum pyr_result base_spans(const struct rok4_pyramid *pyramid,
                                  size_t level, enum rok4_extent extent,
                                  const char *extent_level,
                                  struct span *out_cols, struct span *out_rows,
                                  struct pyr_error *err)
{
    const struct pyr_grid_level *const grid =
        rok4_pyramid_grid_level(pyramid, level);
    const struct pyr_grid_limits *const limits =
        &pyramid->descriptor->levels[level].limits;
    size_t other = 0;
    switch (extent)
    {
        case ROK4_EXTENT_LIMITS:
            *out_cols = tiles_span(limits->min_col, limits->max_col,
                                   grid->tile_width_px);
            *out_rows = tiles_span(limits->min_row, limits->max_row,
                                   grid->tile_height_px);
            return PYR_OK;
        case ROK4_EXTENT_MATRIX:
            *out_cols =
                tiles_span(0, grid->matrix_width - 1, grid->tile_width_px);
            *out_rows =
                tiles_span(0, grid->matrix_height - 1, grid->tile_height_px);
            return PYR_OK;
        case ROK4_EXTENT_LEVEL:
            break;
    }
    if (find_level(pyramid, extent_level, &other, NULL) != PYR_OK)
        return pyr_fail(err, PYR_NOT_FOUND,
                        "EXTENT_METHOD=%s, expected LIMITS, MATRIX or the id "
                        "of a level with data",
                        extent_level);
    const struct pyr_grid_bounds bounds = level_bounds(pyramid, other);
    const double reach = fmax(fmax(fabs(bounds.min_x - grid->origin_x),
                                   fabs(bounds.max_x - grid->origin_x)),
                              fmax(fabs(bounds.min_y - grid->origin_y),
                                   fabs(bounds.max_y - grid->origin_y)));
    if (!(reach / grid->cell_size < 1e15))
        return pyr_fail(err, PYR_LIMIT,
                        "level %s reaches beyond what pixels of level %s can "
                        "count",
                        extent_level, pyramid->descriptor->levels[level].id);
    *out_cols = bounds_span(bounds.min_x - grid->origin_x,
                            bounds.max_x - grid->origin_x, grid->cell_size);
    *out_rows = bounds_span(grid->origin_y - bounds.max_y,
                            grid->origin_y - bounds.min_y, grid->cell_size);
    return PYR_OK;
}

/* ceil(size / ratio), at least 1, where a ratio that means an integer is one.
 */
static int32_t reduced_size(int32_t size, double ratio)
{
    const double whole = nearbyint(ratio);
    if (fabs(ratio - whole) <= RATIO_TOLERANCE * whole && whole < INT32_MAX)
    {
        const int64_t divisor = (int64_t)whole;
        return (int32_t)((size + divisor - 1) / divisor);
    }
    const double reduced = ceil(size / ratio - SIZE_TOLERANCE_PX);
    return reduced < 1.0 ? 1 : (int32_t)reduced;
}

/* The pixel border nearest to a distance from the level's corner; one far
 * beyond any matrix stands for all that are further. */
static int64_t nearest_px(double distance, double cell_size)
{
    const double px = floor(distance / cell_size + 0.5);
    return (int64_t)fmax(-FAR_PX, fmin(px, FAR_PX));
}

static struct rok4_view coarser_view(const struct rok4_pyramid *pyramid,
                                     const struct rok4_view *base,
                                     const struct pyr_grid_bounds *bounds,
                                     size_t level)
{
    const struct pyr_grid_level *const fine =
        rok4_pyramid_grid_level(pyramid, base->level);
    const struct pyr_grid_level *const coarse =
        rok4_pyramid_grid_level(pyramid, level);
    const double ratio = coarse->cell_size / fine->cell_size;
    const struct rok4_view view = {
        .level = level,
        .px_x = nearest_px(bounds->min_x - coarse->origin_x, coarse->cell_size),
        .px_y = nearest_px(coarse->origin_y - bounds->max_y, coarse->cell_size),
        .width_px = reduced_size(base->width_px, ratio),
        .height_px = reduced_size(base->height_px, ratio)};
    return view;
}

/* Whether the level's data extends beyond bounds by more than one tile. */
static bool is_wider(const struct rok4_pyramid *pyramid, size_t level,
                     const struct pyr_grid_bounds *bounds)
{
    const struct pyr_grid_level *const grid =
        rok4_pyramid_grid_level(pyramid, level);
    const struct pyr_grid_bounds data = level_bounds(pyramid, level);
    const double slack = 1.0 + RATIO_TOLERANCE;
    const double tile_x = grid->cell_size * grid->tile_width_px * slack;
    const double tile_y = grid->cell_size * grid->tile_height_px * slack;
    return data.min_x < bounds->min_x - tile_x ||
           data.max_x > bounds->max_x + tile_x ||
           data.min_y < bounds->min_y - tile_y ||
           data.max_y > bounds->max_y + tile_y;
}

struct pyr_grid_bounds rok4_view_bounds(const struct rok4_pyramid *pyramid,
                                        const struct rok4_view *view)
{
    const struct pyr_grid_level *const grid =
        rok4_pyramid_grid_level(pyramid, view->level);
    const double left = grid->origin_x + (double)view->px_x * grid->cell_size;
    const double top = grid->origin_y - (double)view->px_y * grid->cell_size;
    const struct pyr_grid_bounds bounds = {
        .min_x = left,
        .min_y = top - view->height_px * grid->cell_size,
        .max_x = left + view->width_px * grid->cell_size,
        .max_y = top};
    return bounds;
}

void rok4_layout_overviews(const struct rok4_pyramid *pyramid,
                           const struct rok4_view *base,
                           struct rok4_layout *out_layout)
{
    const struct rok4_descriptor *const descriptor = pyramid->descriptor;
    const struct pyr_grid_bounds bounds = rok4_view_bounds(pyramid, base);
    struct rok4_layout *const layout = out_layout;
    memset(layout, 0, sizeof(*layout));
    layout->nviews = 1;
    layout->views[0] = *base;
    for (size_t i = base->level + 1; i < descriptor->nlevels; i++)
    {
        if (descriptor->levels[i].empty)
            continue;
        if (layout->wider_view == 0 && is_wider(pyramid, i, &bounds))
            layout->wider_view = layout->nviews;
        layout->views[layout->nviews++] =
            coarser_view(pyramid, base, &bounds, i);
    }
}

enum pyr_result
rok4_layout_make(const struct rok4_pyramid *pyramid, const char *tile_matrix,
                 enum rok4_extent extent, const char *extent_level,
                 struct rok4_layout *out_layout, struct pyr_error *err)
{
    const struct rok4_descriptor *const descriptor = pyramid->descriptor;
    struct span cols = {0, 0};
    struct span rows = {0, 0};
    size_t level = 0;
    enum pyr_result result = tile_matrix != NULL
                                 ? find_level(pyramid, tile_matrix, &level, err)
                                 : find_finest(pyramid, &level, err);
    if (result == PYR_OK)
        result =
            base_spans(pyramid, level, extent, extent_level, &cols, &rows, err);
    if (result != PYR_OK)
        return result;
    if (cols.count > INT32_MAX || rows.count > INT32_MAX)
        return pyr_fail(err, PYR_LIMIT,
                        "level %s takes %lld x %lld pixels, expected at most "
                        "2147483647 a side",
                        descriptor->levels[level].id, (long long)cols.count,
                        (long long)rows.count);

    const struct rok4_view base = {.level = level,
                                   .px_x = cols.first,
                                   .px_y = rows.first,
                                   .width_px = (int32_t)cols.count,
                                   .height_px = (int32_t)rows.count};
    rok4_layout_overviews(pyramid, &base, out_layout);
    return PYR_OK;
}
